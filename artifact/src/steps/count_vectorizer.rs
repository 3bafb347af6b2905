//! `count_vectorizer`: how often each n-gram of a vocabulary occurs in a text, in the text's place. There are no tensors.

use serde::{Deserialize, Serialize};

use super::{
    columns::{Column, Placed, StepError, TableKind},
    words::Words,
};
use crate::{Output, tensors::Parameters};

/// Counts words, as `linfa_preprocessing::CountVectorizer` does with its own expression of what a word is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CountVectorizer {
    /// How texts become counts.
    pub words: Words,
}

impl TableKind for CountVectorizer {
    fn load_table(&self, inputs: &[Column], _: &Output, _: &mut Parameters<'_>) -> Result<Placed, StepError> {
        let given = self.words.columns(inputs)?;
        self.words.place(inputs, given, vec![1.0; self.words.vocabulary.len()])
    }
}
