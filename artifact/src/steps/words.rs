//! What count_vectorizer and tf_idf share: a text is normalized, cut into words and n-grams of them, and those of a vocabulary
//! are counted.
//!
//! Words are what linfa's default expression `\b\w\w+\b` finds: the longest runs of two or more word characters, of Unicode's
//! choice. An n-gram is n words that follow each other, with a space between.

use std::collections::HashMap;

use serde::{Deserialize, Serialize};
use unicode_normalization::UnicodeNormalization as _;

use super::{
    Role, Step,
    columns::{Column, Placed, StepError, at, within},
};

/// The longest n-gram. Counting looks up each of its lengths at every word.
const LONGEST: usize = 8;

/// How texts become counts.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// The column of texts, from 0.
    pub column: usize,
    /// Whether texts are brought into Unicode's form NFKD first.
    pub normalize: bool,
    /// Whether they are then brought into lower case.
    pub lowercase: bool,
    /// The fewest and the most words of an n-gram.
    pub n_grams: [usize; 2],
    /// The n-grams that are counted, in the order of the columns that take the text's place.
    pub vocabulary: Vec<String>,
}

#[derive(Debug)]
pub(super) struct Loaded {
    words: Words,
    places: HashMap<String, usize>,
    /// What a count is multiplied with, by place.
    weights: Vec<f64>,
    /// The columns that reach the step.
    inputs: usize,
}

impl Words {
    /// The columns after the step, once the vocabulary was checked.
    pub(super) fn columns(&self, inputs: &[Column]) -> Result<Vec<Column>, StepError> {
        match at(self.column, inputs)? {
            Column::Text { .. } => {}
            Column::Missing { feature } | Column::Category { feature, .. } => {
                return Err(StepError::Column { feature, found: "no free text", expected: "texts" });
            }
            Column::Number => {
                return Err(StepError::Chosen(format!(
                    "{} holds numbers, where texts are counted",
                    self.column
                )));
            }
        }
        let [least, most] = self.n_grams;
        if !(1..=most).contains(&least) || most > LONGEST {
            let rule = format!("n-grams of {least} to {most} words, where 1 to {LONGEST} are allowed");
            return Err(StepError::Chosen(rule));
        }
        let words = within(self.vocabulary.len())?;
        within(words + inputs.len() - 1)?;
        let (before, after) = (&inputs[..self.column], &inputs[self.column + 1..]);
        Ok([before, &vec![Column::Number; words], after].concat())
    }

    /// The step, with a weight for each n-gram of the vocabulary.
    pub(super) fn place(
        &self,
        inputs: &[Column],
        given: Vec<Column>,
        weights: Vec<f64>,
    ) -> Result<Placed, StepError> {
        let places: HashMap<_, _> = self.vocabulary.iter().cloned().zip(0..).collect();
        if places.len() < self.vocabulary.len() {
            return Err(StepError::Chosen("the vocabulary names an n-gram twice".to_owned()));
        }
        let words = Self { vocabulary: Vec::new(), ..self.clone() };
        Ok((Box::new(Loaded { words, places, weights, inputs: inputs.len() }), given))
    }

    /// The text as its words are looked for.
    fn prepared(&self, text: &str) -> String {
        // In this order, as linfa does: some characters have a lower case only once they are taken apart.
        match (self.normalize, self.lowercase) {
            (true, true) => text.nfkd().collect::<String>().to_lowercase(),
            (true, false) => text.nfkd().collect(),
            (false, true) => text.to_lowercase(),
            (false, false) => text.to_owned(),
        }
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Transformer { columns: self.inputs - 1 + self.weights.len() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        self.run_with_texts(rows, &[], scores, choices);
    }

    fn run_with_texts(&self, rows: &[f64], texts: &[String], scores: &mut [f64], _: &mut [u32]) {
        let (width, column) = (self.inputs - 1 + self.weights.len(), self.words.column);
        let (mut found, mut n_gram) = (Vec::new(), String::new());
        for (row, counted) in rows.chunks_exact(self.inputs).zip(scores.chunks_exact_mut(width)) {
            let (before, rest) = counted.split_at_mut(column);
            let (counts, after) = rest.split_at_mut(self.weights.len());
            before.copy_from_slice(&row[..column]);
            after.copy_from_slice(&row[column + 1..]);
            counts.fill(0.0);
            let text = self.words.prepared(texts.get(row[column] as usize).map_or("", String::as_str));
            found.clear();
            found.extend(words(&text).map(|word| (word.start, word.end)));
            let [least, most] = self.words.n_grams;
            for first in 0..found.len() {
                n_gram.clear();
                for (length, (start, end)) in (1..=most).zip(&found[first..]) {
                    if length > 1 {
                        n_gram.push(' ');
                    }
                    n_gram.push_str(&text[*start..*end]);
                    if let Some(place) = self.places.get(&n_gram).filter(|_| length >= least) {
                        counts[*place] += 1.0;
                    }
                }
            }
            // Once per row: a sum of weights would round otherwise.
            counts.iter_mut().zip(&self.weights).for_each(|(count, weight)| *count *= weight);
        }
    }
}

/// Where the words of a text are, in bytes.
fn words(text: &str) -> impl Iterator<Item = std::ops::Range<usize>> + '_ {
    let mut characters = text.char_indices().chain([(text.len(), ' ')]);
    let mut begun: Option<(usize, usize)> = None;
    std::iter::from_fn(move || {
        for (place, character) in characters.by_ref() {
            if is_word(character) {
                let (start, length) = begun.unwrap_or((place, 0));
                begun = Some((start, length + 1));
            } else if let Some((start, length)) = begun.take()
                && length >= 2
            {
                return Some(start..place);
            }
        }
        None
    })
}

fn is_word(character: char) -> bool {
    // The tables are compiled in, so that there is no error.
    regex_syntax::try_is_word_character(character).unwrap_or(false)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_runs_of_two_or_more_word_characters() {
        let found = |text: &'static str| words(text).map(|word| &text[word]).collect::<Vec<_>>();
        assert_eq!(found("a bc, d_e;fg2 h! ij"), ["bc", "d_e", "fg2", "ij"]);
        assert_eq!(found("größer ς e\u{301}t 漢字 ٣٤"), ["größer", "e\u{301}t", "漢字", "٣٤"]);
        assert_eq!(found("e\u{301}"), ["e\u{301}"], "a combining mark is a word character");
        assert!(found("").is_empty() && found(" - a b").is_empty());
    }
}
