//! `tf_idf`: how often each n-gram of a vocabulary occurs in a text, times how rare it was in training (its inverse document
//! frequency), in the text's place.
//!
//! Tensors: `idf` (one for each n-gram of the vocabulary).

use serde::{Deserialize, Serialize};

use super::{
    columns::{Column, Placed, StepError, TableKind},
    words::Words,
};
#[cfg(feature = "linfa")]
use crate::{Exported, steps::words::WordsError, tensors::Tensor};
use crate::{Output, tensors::Parameters};

/// Weighs words, as `linfa_preprocessing::tf_idf_vectorization::FittedTfIdfVectorizer` does on the documents of its
/// training. On any others linfa counts anew in how many of them a word occurs, so that a text's answer depends on its
/// neighbours; here what was counted in training stands.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct TfIdf {
    /// How texts become counts.
    pub words: Words,
}

impl TableKind for TfIdf {
    fn load_table(
        &self,
        inputs: &[Column],
        _: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Placed, StepError> {
        let given = self.words.columns(inputs)?;
        let idf = parameters.vector("idf", self.words.vocabulary.len())?;
        self.words.place(inputs, given, idf)
    }
}

#[cfg(feature = "linfa")]
impl TfIdf {
    /// The step that answers as `model` does on `documents`, those of its training, over the first column. The document
    /// frequencies are counted by linfa itself.
    ///
    /// # Errors
    /// [`WordsError`] if words are made in a way of the caller's own.
    pub fn export(
        model: &linfa_preprocessing::tf_idf_vectorization::FittedTfIdfVectorizer,
        documents: &ndarray::Array1<String>,
    ) -> Result<Exported, WordsError> {
        let form = serde_json::to_value(model)?;
        let words = Words::of_linfa(&form["fitted_vectorizer"])?;
        let mut frequencies = vec![0_usize; words.vocabulary.len()];
        for document in model.transform(documents)?.outer_iterator() {
            document.indices().iter().for_each(|word| frequencies[*word] += 1);
        }
        let idf = |frequency: &usize| model.method().compute_idf(documents.len(), *frequency);
        let idf: Vec<f64> = frequencies.iter().map(idf).collect();
        Ok(Exported::new(Self { words }, [("idf", Tensor::floats(&[idf.len()], &idf))]))
    }
}
