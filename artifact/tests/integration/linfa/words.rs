//! `count_vectorizer` and `tf_idf` against `linfa_preprocessing`.

use artifact::{
    Artifact, Digest, Exported, Feature, FeatureKind, Manifest, Model, Output, Predictions, Series,
    feature::Statistics, fitted::words, manifest::Training, ndarray::Array1, steps::StepSpec,
};
use linfa_preprocessing::{
    CountVectorizer, CountVectorizerParams, Tokenizer,
    tf_idf_vectorization::{TfIdfMethod, TfIdfVectorizer},
};
use proptest::{
    collection::vec,
    prelude::*,
    test_runner::{Config, RngSeed, TestRunner},
};

const CASES: u32 = 128;

/// A vectorizer's hyper-parameters, documents, and texts that are asked.
#[derive(Clone, Debug)]
struct Data {
    normalize: bool,
    lowercase: bool,
    n_grams: (usize, usize),
    documents: Vec<String>,
    asked: Vec<String>,
}

/// Words that occur again and again, among characters of all kinds: marks that combine, letters that change in lower case or
/// under NFKD, digits of other scripts.
fn text() -> impl Strategy<Value = String> {
    let word = prop_oneof![
        4 => "[abAB]{1,3}",
        1 => "[a-z0-9_éÉßİΣς\u{301}ﬁ²漢٣]{1,4}",
        1 => "\\PC{0,6}",
    ];
    let space = prop::sample::select(vec![" ", ", ", "\n", "-", "\u{a0}", ""]);
    vec((word, space), 0..12).prop_map(|words| words.into_iter().map(|(word, space)| word + space).collect())
}

fn data() -> impl Strategy<Value = Data> {
    let n_grams = (1..=3_usize, 0..=2_usize).prop_map(|(least, more)| (least, least + more));
    (any::<bool>(), any::<bool>(), n_grams, vec(text(), 1..8), vec(text(), 1..20)).prop_map(
        |(normalize, lowercase, n_grams, documents, asked)| Data {
            normalize,
            lowercase,
            n_grams,
            documents,
            asked,
        },
    )
}

impl Data {
    fn params(&self) -> CountVectorizerParams {
        CountVectorizer::params()
            .normalize(self.normalize)
            .convert_to_lowercase(self.lowercase)
            .n_gram_range(self.n_grams.0, self.n_grams.1)
    }

    fn documents(&self) -> Array1<String> {
        Array1::from(self.documents.clone())
    }
}

fn vocabulary(step: &Exported) -> usize {
    match &step.spec {
        StepSpec::CountVectorizer(step) => step.words.vocabulary.len(),
        StepSpec::TfIdf(step) => step.words.vocabulary.len(),
        other => panic!("{other:?}"),
    }
}

/// What the step answers to texts, row by row.
fn answers(step: &Exported, texts: &[String]) -> Vec<Vec<f64>> {
    let columns = vocabulary(step);
    let pack = Artifact {
        name: "words".parse().unwrap(),
        steps: vec![step.clone()],
        inputs: vec![Feature {
            name: "text".to_owned(),
            kind: FeatureKind::Text { lengths: Statistics::default() },
        }],
        output: Output::Transformation { names: (0..columns).map(|column| format!("w{column}")).collect() },
        training: Training {
            library: "linfa 0.8.1".to_owned(),
            data: Digest::of(b""),
            rows: 0,
            metrics: Default::default(),
            created_at: Default::default(),
        },
        golden: Vec::new(),
    };
    let files = pack.files().unwrap();
    let manifest = Manifest::parse(&files.manifest).unwrap();
    let model = Model::load(manifest, Digest::of(&files.manifest), &files.tensors).unwrap();
    let batch = model.batch(vec![Series::Texts(texts.to_vec())]).unwrap();
    let mut all = Predictions::default();
    model.predict(&batch, &mut all).unwrap();
    let mut alone = Predictions::default();
    for (row, scores) in all.scores().chunks_exact(columns).enumerate() {
        model.predict(&batch.row(row).unwrap(), &mut alone).unwrap();
        assert_eq!(alone.scores(), scores, "row {row} alone");
    }
    all.scores().chunks_exact(columns).map(<[f64]>::to_vec).collect()
}

fn prove(what: &str, check: impl Fn(&Data) -> Result<bool, String>) {
    let counted = std::cell::Cell::new(0);
    let config = Config {
        cases: CASES,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(20_261_125),
        ..Config::default()
    };
    let proof = TestRunner::new(config).run(&data(), |data| {
        if !check(&data).map_err(TestCaseError::fail)? {
            return Err(TestCaseError::reject("there is no word"));
        }
        counted.set(counted.get() + 1);
        Ok(())
    });
    println!("{what}: {} vectorizers agreed with linfa", counted.get());
    proof.unwrap();
    assert_eq!(counted.get(), CASES);
}

#[test]
fn count_vectorizer_counts_as_linfa_does() {
    prove("count_vectorizer", |data| {
        let model = data.params().fit(&data.documents()).map_err(|error| error.to_string())?;
        if model.nentries() == 0 {
            return Ok(false);
        }
        let step = words::export(&model).map_err(|error| error.to_string())?;
        let asked: Vec<_> = data.documents.iter().chain(&data.asked).cloned().collect();
        let theirs = model.transform(&Array1::from(asked.clone())).unwrap().to_dense();
        let theirs: Vec<Vec<f64>> =
            theirs.rows().into_iter().map(|row| row.iter().map(|count| *count as f64).collect()).collect();
        if answers(&step, &asked) == theirs { Ok(true) } else { Err(format!("{asked:?}")) }
    });
}

/// On the documents of its training linfa's weights are right. On others they are not: it counts anew in how many of them a
/// word occurs, so that a text alone weighs otherwise than among others. What is right is what training knew.
#[test]
fn tf_idf_weighs_as_linfa_does_on_the_documents_of_training_and_no_otherwise_on_one_of_them() {
    let methods = [TfIdfMethod::Smooth, TfIdfMethod::NonSmooth, TfIdfMethod::Textbook];
    prove("tf_idf", |data| {
        let model = TfIdfVectorizer::default()
            .normalize(data.normalize)
            .convert_to_lowercase(data.lowercase)
            .n_gram_range(data.n_grams.0, data.n_grams.1);
        let documents = data.documents();
        let model = model.fit(&documents).map_err(|error| error.to_string())?;
        if model.nentries() == 0 {
            return Ok(false);
        }
        let step = words::export_tf_idf(&model, &documents).map_err(|error| error.to_string())?;
        let theirs = model.transform(&documents).unwrap().to_dense();
        let theirs: Vec<Vec<f64>> = theirs.rows().into_iter().map(|row| row.to_vec()).collect();
        // `answers` asks each document alone, too.
        if answers(&step, &data.documents) == theirs { Ok(true) } else { Err("other weights".to_owned()) }
    });
    let frequencies = methods.map(|method| method.compute_idf(4, 1));
    assert_eq!(frequencies, [(5.0_f64 / 2.0).ln() + 1.0, 4.0_f64.ln() + 1.0, 2.0_f64.ln()]);
}

#[test]
fn linfa_weighs_a_text_by_its_neighbours_and_we_do_not() {
    let documents = Array1::from(["red car", "red bus", "blue car"].map(str::to_owned).to_vec());
    let model = TfIdfVectorizer::default().fit(&documents).unwrap();
    let step = words::export_tf_idf(&model, &documents).unwrap();
    let bus = model.vocabulary().iter().position(|word| word == "bus").unwrap();
    let alone = model.transform(&Array1::from(vec![documents[1].clone()])).unwrap().to_dense();
    assert_eq!(alone[(0, bus)], 1.0, "linfa has changed: it knows the documents of training now");
    let expected = 2.0_f64.ln() + 1.0;
    assert_eq!(answers(&step, &[documents[1].clone()])[0][bus], expected);
}

#[test]
fn words_that_are_counted_otherwise_are_caught() {
    let documents = Array1::from(vec!["Ein Wort, ein Wort; drei".to_owned(), "drei é".to_owned()]);
    let model = CountVectorizer::params().fit(&documents).unwrap();
    let step = words::export(&model).unwrap();
    let theirs = model.transform(&documents).unwrap().to_dense().mapv(|count| count as f64);
    let theirs: Vec<_> = theirs.rows().into_iter().map(|row| row.to_vec()).collect();
    assert_eq!(answers(&step, documents.as_slice().unwrap()), theirs);
    let spoil = |spoil: fn(&mut artifact::steps::Words)| {
        let StepSpec::CountVectorizer(mut spec) = step.spec.clone() else { panic!("another step") };
        spoil(&mut spec.words);
        answers(&Exported::new(spec, []), documents.as_slice().unwrap())
    };
    assert_ne!(spoil(|words| words.lowercase = false), theirs);
    assert_ne!(spoil(|words| words.n_grams = [2, 2]), theirs);
    assert_ne!(spoil(|words| words.vocabulary.swap(0, 1)), theirs);
}

#[test]
fn words_of_another_making_are_refused_at_the_export() {
    let documents = Array1::from(vec!["one two".to_owned()]);
    let export = |tokenizer| {
        let model = CountVectorizer::params().tokenizer(tokenizer).fit(&documents).unwrap();
        words::export(&model).unwrap_err().to_string()
    };
    assert_eq!(
        export(Tokenizer::Regex(r"\w+".to_owned())),
        r"CountVectorizer cannot be exported: it makes words by `\w+`, the runtime by `\b\w\w+\b` alone"
    );
    assert_eq!(
        export(Tokenizer::Function(|text| text.split(' ').collect())),
        "CountVectorizer cannot be exported: it makes words by a function, which no file can hold"
    );
}
