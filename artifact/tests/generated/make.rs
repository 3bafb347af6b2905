//! Hostile inputs, made of good ones by changing what they are made of: values, types, shapes, names, offsets, nodes of
//! JSON; and at last, now and then, their bytes.

use artifact::{
    Files, Manifest,
    manifest::limits,
    tensors::{Tensors, Values},
    testkit::{
        raw_safetensors,
        targets::{self, Target},
    },
};
use rand::{Rng as _, rngs::StdRng, seq::SliceRandom as _};
use serde_json::{Value, json};

const LENGTHS: [u64; 12] =
    [0, 1, 2, 3, 5, 255, 1 << 31, u32::MAX as u64, 1 << 32, 1 << 53, 1 << 63, u64::MAX];
const NUMBERS: [f64; 10] =
    [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 0.0, -0.0, 5e-324, 1e-300, 1e308, -1e308, f64::MAX];
const TYPES: [&str; 8] = ["F64", "F32", "U32", "U8", "BOOL", "F16", "I64", "X"];
const TEXTS: [&str; 9] =
    ["", "a", "1", "0.coefficients", "\u{0}", "\u{1b}[2J", "\u{202e}", "../../x", "kmeans"];

/// One tensor of a header, right or wrong.
struct Entry {
    name: String,
    dtype: String,
    shape: Vec<u64>,
    data: Vec<u8>,
    offsets: Option<[u64; 2]>,
}

fn pick<T: Clone>(rng: &mut StdRng, from: &[T]) -> T {
    from.choose(rng).unwrap().clone()
}

fn fixture(rng: &mut StdRng) -> (u8, Files) {
    let packs = targets::packs();
    let kind = rng.gen_range(0..packs.len());
    (kind as u8, packs[kind].files().unwrap())
}

/// For [`targets::model`].
pub(crate) fn model(rng: &mut StdRng) -> Vec<u8> {
    let (kind, files) = fixture(rng);
    let tensors = Tensors::parse(&files.tensors).unwrap();
    let mut entries: Vec<_> = tensors.into_iter().map(|(name, tensor)| entry(name, tensor)).collect();
    for _ in 0..rng.gen_range(0..3) {
        change_entry(rng, &mut entries);
    }
    let mut bytes = vec![kind];
    bytes.extend(written(rng, &entries));
    change_bytes(rng, &mut bytes);
    bytes
}

fn entry(name: String, tensor: artifact::tensors::Tensor) -> Entry {
    let (dtype, data) = match tensor.values {
        Values::F64(values) => ("F64", values.into_iter().flat_map(f64::to_le_bytes).collect()),
        Values::F32(values) => ("F32", values.into_iter().flat_map(f32::to_le_bytes).collect()),
        Values::U32(values) => ("U32", values.into_iter().flat_map(u32::to_le_bytes).collect()),
    };
    let shape = tensor.shape.into_iter().map(|dimension| dimension as u64).collect();
    Entry { name, dtype: dtype.to_owned(), shape, data, offsets: None }
}

fn change_entry(rng: &mut StdRng, entries: &mut [Entry]) {
    let Some(index) = (0..entries.len()).collect::<Vec<_>>().choose(rng).copied() else { return };
    let other = entries[rng.gen_range(0..entries.len())].name.clone();
    let entry = &mut entries[index];
    match rng.gen_range(0..10) {
        // A value, in its place.
        0..=3 => {
            let word: Vec<u8> = match entry.dtype.as_str() {
                "F64" => pick(rng, &NUMBERS).to_le_bytes().to_vec(),
                "F32" => (pick(rng, &NUMBERS) as f32).to_le_bytes().to_vec(),
                _ => (pick(rng, &LENGTHS) as u32).to_le_bytes().to_vec(),
            };
            let words = entry.data.len() / word.len();
            if words > 0 {
                let at = rng.gen_range(0..words) * word.len();
                entry.data[at..at + word.len()].copy_from_slice(&word);
            }
        }
        4 => match entry.shape.len() {
            0 => entry.shape.push(1),
            dimensions => entry.shape[rng.gen_range(0..dimensions)] = pick(rng, &LENGTHS),
        },
        5 => entry.shape.insert(0, pick(rng, &LENGTHS)),
        6 => entry.dtype = pick(rng, &TYPES).to_owned(),
        7 => {
            let spelt = other.replacen('0', "\\u0030", 1);
            entry.name = pick(rng, &[other, spelt, "0.payload".to_owned(), "__metadata__".to_owned()]);
        }
        8 => entry.offsets = Some([pick(rng, &LENGTHS), pick(rng, &LENGTHS)]),
        // More of the same: the file is whole, and larger than the model.
        _ => {
            let times = rng.gen_range(0..50);
            entry.data = entry.data.repeat(times);
            if let Some(first) = entry.shape.first_mut() {
                *first = first.saturating_mul(times as u64);
            }
        }
    }
}

fn written(rng: &mut StdRng, entries: &[Entry]) -> Vec<u8> {
    let mut data = Vec::new();
    let mut fields = Vec::new();
    for Entry { name, dtype, shape, data: own, offsets } in entries {
        let start = data.len() as u64;
        data.extend_from_slice(own);
        let offsets = offsets.unwrap_or([start, data.len() as u64]);
        fields
            .push(format!(r#""{name}":{{"dtype":"{dtype}","shape":{shape:?},"data_offsets":{offsets:?}}}"#));
    }
    match rng.gen_range(0..20) {
        0 => fields.push(format!(r#""__metadata__":{{"a":{}1{}}}"#, "[".repeat(9000), "]".repeat(9000))),
        1 => fields.push(r#""__metadata__":{"a":"b"}"#.to_owned()),
        2 => fields.shuffle(rng),
        3 => data.push(0),
        _ => {}
    }
    let mut bytes = raw_safetensors(&format!("{{{}}}", fields.join(",")), &data);
    if rng.gen_ratio(1, 10) {
        let length = u64::from_le_bytes(*bytes.first_chunk().unwrap());
        let others = [length.wrapping_sub(1), length + 1, pick(rng, &LENGTHS)];
        bytes[..8].copy_from_slice(&pick(rng, &others).to_le_bytes());
    }
    bytes
}

/// For [`targets::manifest`].
pub(crate) fn manifest(rng: &mut StdRng) -> Vec<u8> {
    let (_, files) = fixture(rng);
    let mut bytes = changed_json(rng, &files.manifest);
    change_bytes(rng, &mut bytes);
    bytes
}

/// For [`targets::golden`].
pub(crate) fn golden(rng: &mut StdRng) -> Vec<u8> {
    let (kind, files) = fixture(rng);
    let mut lines: Vec<Vec<u8>> =
        files.golden.trim_ascii_end().split(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect();
    if rng.gen_ratio(2, 3) {
        let line = rng.gen_range(0..lines.len());
        lines[line] = changed_json(rng, &lines[line]);
    }
    match rng.gen_range(0..10) {
        0 => lines.truncate(rng.gen_range(0..lines.len())),
        1 => lines.push(Vec::new()),
        2 => lines = std::iter::repeat_n(lines, rng.gen_range(2..30)).flatten().collect(),
        _ => {}
    }
    let mut bytes = [&[kind], &lines.join(&b'\n')[..]].concat();
    change_bytes(rng, &mut bytes);
    bytes
}

/// For [`targets::catalog`].
pub(crate) fn catalog(rng: &mut StdRng) -> Vec<u8> {
    let genuine = targets::genuine();
    let mut bytes = if rng.gen_ratio(1, 3) {
        let sealed = genuine.seal(&targets::signing_key()).unwrap();
        if rng.gen_bool(0.5) { changed_json(rng, &sealed) } else { sealed }
    } else {
        changed_json(rng, &serde_json::to_vec(&genuine).unwrap())
    };
    change_bytes(rng, &mut bytes);
    bytes
}

/// JSON with some nodes changed.
fn changed_json(rng: &mut StdRng, bytes: &[u8]) -> Vec<u8> {
    let mut document: Value = serde_json::from_slice(bytes).unwrap();
    for _ in 0..rng.gen_range(0..3) {
        let mut nth = rng.gen_range(0..count(&document));
        change_node(rng, node(&mut document, &mut nth).unwrap());
    }
    let text = document.to_string();
    let (from, to) = pick(
        rng,
        &[
            ("", ""),
            ("", ""),
            ("{", r#"{"name":"b","#),
            ("1.0", "1e999"),
            ("1.0", "-1e-999"),
            ("0", "NaN"),
            (":", ":[[[[[[[[[["),
            ("\"", "\"\\ud800"),
        ],
    );
    text.replacen(from, to, 1).into_bytes()
}

fn count(value: &Value) -> usize {
    1 + match value {
        Value::Array(values) => values.iter().map(count).sum(),
        Value::Object(fields) => fields.values().map(count).sum(),
        _ => 0,
    }
}

fn node<'a>(value: &'a mut Value, nth: &mut usize) -> Option<&'a mut Value> {
    if *nth == 0 {
        return Some(value);
    }
    *nth -= 1;
    match value {
        Value::Array(values) => values.iter_mut().find_map(|value| node(value, nth)),
        Value::Object(fields) => fields.values_mut().find_map(|value| node(value, nth)),
        _ => None,
    }
}

fn change_node(rng: &mut StdRng, value: &mut Value) {
    match value {
        Value::Array(values) if !values.is_empty() && rng.gen_bool(0.7) => {
            let index = rng.gen_range(0..values.len());
            match rng.gen_range(0..3) {
                0 => drop(values.remove(index)),
                1 => values.push(values[index].clone()),
                _ => *values = std::iter::repeat_n(values[index].clone(), rng.gen_range(10..300)).collect(),
            }
        }
        Value::Object(fields) if !fields.is_empty() && rng.gen_bool(0.7) => {
            let keys: Vec<_> = fields.keys().cloned().collect();
            let (key, other) = (pick(rng, &keys), pick(rng, &keys));
            match rng.gen_range(0..4) {
                0 => drop(fields.remove(&key)),
                1 => drop(fields.insert(pick(rng, &TEXTS).to_owned(), json!(1))),
                _ => {
                    let value = fields[&other].clone();
                    fields.insert(key, value);
                }
            }
        }
        Value::Number(number) if rng.gen_bool(0.7) => {
            let near = number.as_f64().unwrap_or(0.0);
            *value = pick(
                rng,
                &[
                    json!(near + 1.0),
                    json!(-near),
                    json!(0),
                    json!(-1),
                    json!(u64::MAX),
                    json!(1e308),
                    json!(5e-324),
                ],
            );
        }
        Value::String(text) if rng.gen_bool(0.7) => {
            let long = text.repeat(200);
            *text = pick(rng, &TEXTS).to_owned();
            if rng.gen_bool(0.3) {
                *text = long;
            }
        }
        _ => {
            *value = pick(
                rng,
                &[Value::Null, json!(true), json!([]), json!({}), json!("x"), json!(0.5), json!([[0, [1]]])],
            );
        }
    }
}

/// Most inputs keep their bytes: what is broken on the outside is refused before anything else is looked at.
fn change_bytes(rng: &mut StdRng, bytes: &mut Vec<u8>) {
    let at = rng.gen_range(0..bytes.len());
    match rng.gen_range(0..30) {
        0 => bytes.truncate(at),
        1 => bytes[at] ^= 1 << rng.gen_range(0..8),
        2 => bytes[at] = rng.gen_range(0..=255),
        3 => bytes.extend(std::iter::repeat_n(rng.gen_range(0..=255u8), rng.gen_range(1..2000))),
        4 => drop(bytes.splice(at..at, std::iter::repeat_n(b'[', 100_000))),
        5 => drop(bytes.drain(at..(at + 8).min(bytes.len()))),
        _ => {}
    }
}

/// The largest that each reader takes, of what costs it the most.
pub(crate) fn largest() -> Vec<(&'static str, Target, Vec<Vec<u8>>)> {
    let fill = |head: &str, piece: &str, tail: &str, size: u64| {
        let times = (size as usize - head.len() - tail.len()) / piece.len();
        [head, &piece.repeat(times), tail].concat().into_bytes()
    };
    let whole = targets::packs()[0].files().unwrap();
    let manifest: Value = serde_json::from_slice(&whole.manifest).unwrap();
    let mut manifests = Vec::new();
    for place in ["/output", "/steps/0"] {
        for piece in ["0,", "[],", r#"{"":0},"#, r#""","#, "[[[[0]]]],"] {
            // A number that is no task or kind, and before it a list that has to be kept until that is known.
            let mut manifest = manifest.clone();
            *manifest.pointer_mut(place).unwrap() = json!("HERE");
            let text = manifest.to_string();
            let (head, tail) = text.split_once("\"HERE\"").unwrap();
            let (head, tail) = (format!("{head}{{\"a\":["), format!("0],\"task\":1,\"kind\":1}}{tail}"));
            manifests.push(fill(&head, piece, &tail, limits::MANIFEST_BYTES));
        }
    }
    let mut names = Manifest::parse(&whole.manifest).unwrap();
    let output = (0..limits::WIDTH).map(|name| format!("{name:032}")).collect();
    names.output = artifact::Output::Transformation { names: output };
    manifests.push(serde_json::to_vec(&names).unwrap());

    let golden = vec![
        fill("\0{\"input\":[", "0,", "0],\"tolerance\":0}", limits::GOLDEN_BYTES),
        fill("\0{\"tolerance\":0,\"input\":[0,0],\"scores\":[", "0,", "0]}", limits::GOLDEN_BYTES),
        fill("\0", "{}\n", "", limits::GOLDEN_BYTES),
    ];
    // As many tensors as the library takes, and as this release takes.
    let many = |count: usize| {
        let entry = |at| format!(r#""{at}":{{"dtype":"U8","shape":[],"data_offsets":[{at},{}]}}"#, at + 1);
        let header: Vec<_> = (0..count).map(entry).collect();
        [&[0], &raw_safetensors(&format!("{{{}}}", header.join(",")), &vec![0; count])[..]].concat()
    };
    let tensors = vec![many(1_300_000), many(15_000)];
    vec![
        ("manifests", targets::manifest, manifests),
        ("golden rows", targets::golden, golden),
        ("tensors", targets::model, tensors),
    ]
}
