//! All that someone who can pull an image reads: every file of every layer, with those that a later layer hides, what the
//! image says of itself, and how it was made.

use std::{
    collections::BTreeSet,
    io::{BufRead as _, Read as _},
    path::Path,
};

use anyhow::{Context as _, bail};
use flate2::read::MultiGzDecoder;
use serde_json::Value;

use crate::{
    Image,
    allowed::{Place, search},
    command::docker,
    forms::Needles,
    report::{Check, Report},
};

/// The most that an image may weigh.
const BYTES: u64 = 40_000_000;
const SHELLS: [&str; 11] =
    ["sh", "bash", "dash", "ash", "busybox", "toybox", "zsh", "ksh", "csh", "tcsh", "fish"];

pub(crate) fn look(image: &Image, needles: &Needles, report: &mut Report) -> anyhow::Result<()> {
    let Image { name, tag } = image;
    let inspect = docker(&["image", "inspect", tag])?;
    let size = serde_json::from_slice::<Value>(&inspect)?[0]["Size"].as_u64().context("no size")?;
    let too_large =
        (size > BYTES).then(|| format!("{:.1} MB, more than {} MB", size as f64 / 1e6, BYTES / 1_000_000));
    report.row(Check::Size, name, 1, too_large);

    let history = docker(&["history", "--no-trunc", tag])?;
    for (check, content) in [(Check::ImageInspect, inspect), (Check::History, history)] {
        let lines = content.lines().count();
        report.row(check, name, lines, search(needles, check, &[(String::new(), content)]));
    }

    let files = saved(&docker(&["save", tag])?).with_context(|| format!("docker save {tag}"))?;
    report.row(Check::Layers, name, files.len(), search(needles, Check::Layers, &files));
    let shells = files.iter().map(|(path, _)| path).filter(|path| {
        Path::new(path).file_name().is_some_and(|file| SHELLS.iter().any(|shell| file == *shell))
    });
    report.row(Check::Shell, name, files.len(), shells.cloned());
    Ok(())
}

/// What `docker save` writes: the files of the layers, numbered from the lowest, and what describes them.
fn saved(archive: &[u8]) -> anyhow::Result<Vec<Place>> {
    let entries = entries(archive)?;
    let of =
        |path: &str| entries.iter().find(|entry| entry.path == path).with_context(|| format!("no {path}"));
    let manifest: Value = serde_json::from_slice(&of("manifest.json")?.content)?;
    let layers = manifest[0]["Layers"].as_array().context("no layers")?;

    let mut places = Vec::new();
    let mut seen = BTreeSet::new();
    for (number, layer) in (1..).zip(layers) {
        let mut entry = of(layer.as_str().context("a layer without a name")?)?;
        // A layer that is the same as another is a link to it, from one folder to the next.
        if let Some(link) = &entry.link {
            entry = of(link.trim_start_matches("../"))?;
        }
        seen.insert(entry.path.clone());
        let tar = unpacked(&entry.content)?;
        for file in self::entries(tar.as_deref().unwrap_or(&entry.content))? {
            let place = format!("layer {number}: {}", file.path);
            // A file that only looks packed is searched as it is.
            if let Ok(Some(content)) = unpacked(&file.content) {
                places.push((format!("{place} (unpacked)"), content));
            }
            places.push((place, file.content));
        }
    }
    let described = entries.into_iter().filter(|entry| !seen.contains(&entry.path));
    places.extend(described.map(|entry| ("description".to_owned(), entry.content)));
    Ok(places)
}

struct Entry {
    path: String,
    link: Option<String>,
    content: Vec<u8>,
}

fn entries(tar: &[u8]) -> anyhow::Result<Vec<Entry>> {
    let mut entries = Vec::new();
    for entry in tar::Archive::new(tar).entries()? {
        let mut entry = entry?;
        if entry.header().entry_type().is_dir() {
            continue;
        }
        let path = entry.path()?.to_string_lossy().into_owned();
        let link = entry.link_name()?.map(|link| link.to_string_lossy().into_owned());
        let mut content = Vec::new();
        entry.read_to_end(&mut content)?;
        entries.push(Entry { path, link, content });
    }
    Ok(entries)
}

/// What is packed in the bytes, if they are packed.
fn unpacked(bytes: &[u8]) -> anyhow::Result<Option<Vec<u8>>> {
    match bytes {
        [0x1f, 0x8b, ..] => {
            let mut content = Vec::new();
            MultiGzDecoder::new(bytes).read_to_end(&mut content)?;
            Ok(Some(content))
        }
        [0x28, 0xb5, 0x2f, 0xfd, ..] => bail!("packed by zstd, which this program cannot read"),
        _ => Ok(None),
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use flate2::{Compression, write::GzEncoder};

    use super::*;

    fn tar(files: &[(&str, &[u8])], link: Option<(&str, &str)>) -> Vec<u8> {
        let mut builder = tar::Builder::new(Vec::new());
        for (path, content) in files {
            let mut header = tar::Header::new_gnu();
            header.set_size(content.len() as u64);
            builder.append_data(&mut header, path, *content).unwrap();
        }
        if let Some((path, target)) = link {
            let mut header = tar::Header::new_gnu();
            header.set_entry_type(tar::EntryType::Symlink);
            header.set_size(0);
            builder.append_link(&mut header, path, target).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
        encoder.write_all(bytes).unwrap();
        encoder.finish().unwrap()
    }

    fn archive(layer: &[u8]) -> Vec<u8> {
        let manifest = br#"[{"Layers": ["a/layer.tar", "b/layer.tar"]}]"#;
        let files = [("manifest.json", &manifest[..]), ("a/layer.tar", layer)];
        tar(&files, Some(("b/layer.tar", "../a/layer.tar")))
    }

    #[test]
    fn layers_are_read_plain_or_packed_and_where_they_are_links() {
        let packed = gzip(b"packed");
        let layer = tar(&[("x", b"plain"), ("y.gz", &packed), ("z.gz", &packed[..12])], None);
        for layer in [gzip(&layer), layer] {
            let read = saved(&archive(&layer)).unwrap();
            let of =
                |place: &str| read.iter().find(|(path, _)| path == place).map(|(_, content)| &content[..]);
            for number in [1, 2] {
                assert_eq!(of(&format!("layer {number}: x")), Some(&b"plain"[..]));
                assert_eq!(of(&format!("layer {number}: y.gz (unpacked)")), Some(&b"packed"[..]));
                assert_eq!(of(&format!("layer {number}: y.gz")), Some(&packed[..]));
                // Torn: it is searched as it is.
                assert_eq!(of(&format!("layer {number}: z.gz")), Some(&packed[..12]));
            }
            assert!(of("description").unwrap().starts_with(b"[{"));
        }
    }

    #[test]
    fn a_layer_that_cannot_be_read_is_an_error() {
        let whole = gzip(&tar(&[("x", b"plain")], None));
        for layer in [
            &[0x28, 0xb5, 0x2f, 0xfd, 0][..],
            &whole[..20],
            b"neither packed nor a tar, and longer than nothing",
        ] {
            assert!(saved(&archive(layer)).is_err(), "{layer:?}");
        }
    }
}
