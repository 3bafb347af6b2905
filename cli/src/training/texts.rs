//! Columns of free text: which words and n-grams are counted, and what each weighs, as linfa's `CountVectorizer` and
//! `TfIdfVectorizer` have it.

use std::str::FromStr;

use anyhow::bail;
use artifact::{
    Exported,
    steps::{StepSpec, Words, count_vectorizer, tf_idf::TfIdf},
    tensors::{Tensor, Values},
};
use clap::{Args, ValueEnum};
use linfa_preprocessing::{CountVectorizer, CountVectorizerParams, tf_idf_vectorization::TfIdfMethod};
use ndarray::Array1;

/// How texts become numbers.
#[derive(Args, Clone, Debug)]
pub(crate) struct Texts {
    /// The fewest and the most words of an n-gram
    #[arg(long, value_name = "MIN,MAX", default_value = "1,1", help_heading = "Texts", requires = "text")]
    n_gram_range: Pair<usize>,
    /// The least and the largest share of the texts in which an n-gram must occur, from 0 to 1
    #[arg(long, value_name = "MIN,MAX", default_value = "0,1", help_heading = "Texts", requires = "text")]
    document_frequency: Pair<f32>,
    /// The most n-grams, those which occur in the most texts [default: all]
    #[arg(long, value_name = "N", help_heading = "Texts", requires = "text")]
    max_features: Option<usize>,
    /// Words and n-grams to leave out, as they are once they were normalized
    #[arg(long, value_name = "WORD,…", value_delimiter = ',', help_heading = "Texts", requires = "text")]
    stopwords: Vec<String>,
    /// Do not bring texts into Unicode's form NFKD
    #[arg(long, help_heading = "Texts", requires = "text")]
    without_normalize: bool,
    /// Do not bring texts into lower case
    #[arg(long, help_heading = "Texts", requires = "text")]
    without_lowercase: bool,
    /// What an n-gram weighs: how often it occurs, by itself or times its inverse document frequency
    #[arg(long, value_name = "METHOD", default_value = "smooth", help_heading = "Texts", requires = "text")]
    weights: Weigh,
}

/// Two numbers, with a comma between.
#[derive(Clone, Copy, Debug)]
struct Pair<T>(T, T);

/// linfa's `TfIdfMethod`, or none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Weigh {
    /// How often it occurs
    Counts,
    /// TF-IDF by ln((1 + n) / (1 + df)) + 1, where n texts are there, and it occurs in df of them
    Smooth,
    /// TF-IDF by ln(n / df) + 1
    NonSmooth,
    /// TF-IDF by ln(n / (1 + df))
    Textbook,
}

/// Words in alphabetical order, unlike linfa's, whose order is another one each time.
pub(crate) struct Weights {
    counts: CountVectorizer,
    /// How they are made, and which there are.
    words: Words,
    /// Where linfa has each of them.
    places: Vec<usize>,
    /// What a count is multiplied with; none where counts are the weights.
    idf: Option<Vec<f64>>,
}

impl Texts {
    /// Fits the words and their weights to some texts.
    pub(crate) fn fit(&self, texts: Vec<String>) -> anyhow::Result<Weights> {
        let documents = texts.len();
        let texts = Array1::from(texts);
        let counts = self.parameters().fit(&texts)?;
        let StepSpec::CountVectorizer(spec) = artifact::fitted::words::export(&counts)?.spec else {
            bail!("a count vectorizer is exported as another step");
        };
        let mut places: Vec<usize> = (0..spec.words.vocabulary.len()).collect();
        if places.is_empty() {
            bail!("no text of the rows to fit has a word that counts");
        }
        places.sort_by_key(|place| &spec.words.vocabulary[*place]);
        let mut frequencies = vec![0_usize; places.len()];
        for text in counts.transform(&texts)?.outer_iterator() {
            text.indices().iter().for_each(|word| frequencies[*word] += 1);
        }
        let idf = |method: TfIdfMethod| {
            places.iter().map(|place| method.compute_idf(documents, frequencies[*place])).collect()
        };
        let idf = self.weights.method().map(idf);
        let vocabulary = places.iter().map(|place| spec.words.vocabulary[*place].clone()).collect();
        Ok(Weights { counts, words: Words { vocabulary, ..spec.words }, places, idf })
    }

    fn parameters(&self) -> CountVectorizerParams {
        let (Pair(fewest, most), Pair(least, largest)) = (self.n_gram_range, self.document_frequency);
        let parameters = CountVectorizer::params()
            .n_gram_range(fewest, most)
            .document_frequency(least, largest)
            .max_features(self.max_features)
            .normalize(!self.without_normalize)
            .convert_to_lowercase(!self.without_lowercase);
        parameters.stopwords(&self.stopwords)
    }
}

impl Weigh {
    fn method(self) -> Option<TfIdfMethod> {
        match self {
            Self::Counts => None,
            Self::Smooth => Some(TfIdfMethod::Smooth),
            Self::NonSmooth => Some(TfIdfMethod::NonSmooth),
            Self::Textbook => Some(TfIdfMethod::Textbook),
        }
    }
}

impl Weights {
    /// How many there are.
    pub(crate) fn width(&self) -> usize {
        self.places.len()
    }

    /// What the n-grams of a text weigh, by linfa's counts.
    pub(crate) fn of(&self, text: &str) -> Vec<f64> {
        let text = Array1::from(vec![text.to_owned()]);
        let counts = self.counts.transform(&text).map(|counts| counts.to_dense()).unwrap_or_default();
        let counts =
            self.places.iter().map(|place| counts.get((0, *place)).map_or(f64::NAN, |count| *count as f64));
        match &self.idf {
            Some(idf) => counts.zip(idf).map(|(count, idf)| count * idf).collect(),
            None => counts.collect(),
        }
    }

    /// The step that does so with that column.
    pub(crate) fn step(&self, column: usize) -> Exported {
        let words = Words { column, ..self.words.clone() };
        match &self.idf {
            Some(idf) => {
                let idf = Tensor { shape: vec![idf.len()], values: Values::F64(idf.clone()) };
                Exported::new(TfIdf { words }, [("idf", idf)])
            }
            None => Exported::new(count_vectorizer::CountVectorizer { words }, []),
        }
    }
}

impl<T: FromStr> FromStr for Pair<T> {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let pair = text
            .split_once(',')
            .and_then(|(first, second)| Some(Self(first.parse().ok()?, second.parse().ok()?)));
        pair.ok_or_else(|| "it is two numbers with a comma between, as in 1,2".to_owned())
    }
}
