//! `tf_idf`: how often each n-gram of a vocabulary occurs in a text, times how rare it was in training (its inverse document
//! frequency), in the text's place.
//!
//! Tensors: `idf` (one for each n-gram of the vocabulary).

use serde::{Deserialize, Serialize};

use super::{
    columns::{Column, Placed, StepError, TableKind},
    words::Words,
};
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
