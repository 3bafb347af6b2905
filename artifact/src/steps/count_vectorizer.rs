//! `count_vectorizer`: how often each n-gram of a vocabulary occurs in a text, in the text's place. There are no tensors.

use serde::{Deserialize, Serialize};

use super::{
    columns::{Column, Placed, StepError, TableKind},
    words::Words,
};
#[cfg(feature = "linfa")]
use crate::{Exported, steps::words::WordsError};
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

#[cfg(feature = "linfa")]
impl CountVectorizer {
    /// The step that counts as `model` does, over the first column.
    ///
    /// # Errors
    /// [`WordsError`] if words are made in a way of the caller's own.
    pub fn export(model: &linfa_preprocessing::CountVectorizer) -> Result<Exported, WordsError> {
        let words = Words::of_linfa(&serde_json::to_value(model)?)?;
        Ok(Exported::new(Self { words }, []))
    }
}
