//! `count_vectorizer` and `tf_idf` from `linfa_preprocessing`. They read texts, so that they are no [`super::Fitted`], whose
//! rows are numbers; the steps are over the first column.
//!
//! linfa hides how words are made, and tells the vocabulary alone; the rest is taken out of what its types write with serde.

use linfa_preprocessing::{CountVectorizer, tf_idf_vectorization::FittedTfIdfVectorizer};
use ndarray::Array1;
use serde::Deserialize;

use super::ExportError;
use crate::{
    Exported,
    steps::{Words, count_vectorizer, tf_idf},
    tensors::Tensor,
};

/// The expression by which linfa finds words unless it is told another.
const EXPRESSION: &str = r"\b\w\w+\b";

/// The step that counts as `model` does.
///
/// # Errors
/// [`ExportError::Unsupported`] if words are made in a way of the caller's own.
pub fn export(model: &CountVectorizer) -> Result<Exported, ExportError> {
    let words = words("CountVectorizer", serde_json::to_value(model))?;
    Ok(Exported::new(count_vectorizer::CountVectorizer { words }, []))
}

/// The step that weighs as `model` does on `documents`, those of its training. On any others linfa counts anew in how many of
/// them a word occurs, so that a text's weights depend on its neighbours; the step keeps what linfa counted in training.
///
/// # Errors
/// [`ExportError::Unsupported`] if words are made in a way of the caller's own.
pub fn export_tf_idf(
    model: &FittedTfIdfVectorizer,
    documents: &Array1<String>,
) -> Result<Exported, ExportError> {
    let form = serde_json::to_value(model).map(|form| form["fitted_vectorizer"].clone());
    let words = words("TfIdfVectorizer", form)?;
    let weighed = model.transform(documents).map_err(|error| unsupported("TfIdfVectorizer", error))?;
    let mut frequencies = vec![0_usize; words.vocabulary.len()];
    for document in weighed.outer_iterator() {
        document.indices().iter().for_each(|word| frequencies[*word] += 1);
    }
    let idf = |frequency: &usize| model.method().compute_idf(documents.len(), *frequency);
    let idf: Vec<f64> = frequencies.iter().map(idf).collect();
    Ok(Exported::new(tf_idf::TfIdf { words }, [("idf", Tensor::floats(&[idf.len()], &idf))]))
}

fn words(what: &'static str, form: serde_json::Result<serde_json::Value>) -> Result<Words, ExportError> {
    #[derive(Deserialize)]
    struct Vectorizer {
        vec_vocabulary: Vec<String>,
        properties: Properties,
    }
    #[derive(Deserialize)]
    struct Properties {
        convert_to_lowercase: bool,
        split_regex_expr: String,
        n_gram_range: [usize; 2],
        normalize: bool,
        /// Whether words are made by a function.
        tokenizer_deserialization_guard: bool,
    }

    let Vectorizer { vec_vocabulary: vocabulary, properties } =
        form.and_then(serde_json::from_value).map_err(|error| unsupported(what, error))?;
    if properties.tokenizer_deserialization_guard {
        return Err(unsupported(what, "it makes words by a function, which no file can hold"));
    }
    let expression = properties.split_regex_expr;
    if expression != EXPRESSION {
        return Err(unsupported(
            what,
            format!("it makes words by `{expression}`, the runtime by `{EXPRESSION}` alone"),
        ));
    }
    Ok(Words {
        column: 0,
        normalize: properties.normalize,
        lowercase: properties.convert_to_lowercase,
        n_grams: properties.n_gram_range,
        vocabulary,
    })
}

fn unsupported(what: &'static str, reason: impl ToString) -> ExportError {
    ExportError::Unsupported { what, reason: reason.to_string() }
}
