//! What a caller asks: which model, and which rows.

use crate::pb::{Column, Frame, Matrix, predict_request};

/// A model and one of its versions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Target {
    pub(crate) model: String,
    pub(crate) choice: Choice,
}

/// Which version of a model answers.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Choice {
    /// The one that the model's policy says.
    #[default]
    Default,
    /// This one.
    Version(u64),
    /// The one that has this label.
    Label(String),
}

/// The rows to predict.
#[derive(Clone, Debug, PartialEq)]
pub struct Input(predict_request::Input);

/// One feature of every row.
#[derive(Clone, Debug, PartialEq)]
pub enum Series {
    /// Numbers; NaN stands for one that is missing, where the model allows it.
    Numbers(Vec<f64>),
    /// Categories or free texts; an empty one stands for a category that is missing, where the model allows it.
    Texts(Vec<String>),
}

impl Target {
    /// The default version of a model. An empty name stands for the only model that is served.
    pub fn model(name: impl Into<String>) -> Self {
        Self { model: name.into(), choice: Choice::Default }
    }

    /// That version instead.
    #[must_use]
    pub fn version(self, version: u64) -> Self {
        self.choice(Choice::Version(version))
    }

    /// The version of that label instead.
    #[must_use]
    pub fn label(self, label: impl Into<String>) -> Self {
        self.choice(Choice::Label(label.into()))
    }

    /// The chosen version instead.
    #[must_use]
    pub fn choice(self, choice: Choice) -> Self {
        Self { choice, ..self }
    }
}

impl From<predict_request::Input> for Input {
    /// For what the constructors do not offer.
    fn from(input: predict_request::Input) -> Self {
        Self(input)
    }
}

impl Input {
    /// Rows by position, row after row, each as wide as the model.
    pub fn rows(values: &[f64]) -> Self {
        Self::rows_of(0, values)
    }

    /// Rows by position, each of `columns` values. The server refuses them if the model is not as wide.
    pub fn rows_of(columns: u32, values: &[f64]) -> Self {
        Self(predict_request::Input::Matrix(Matrix { columns, values: values.to_vec(), ..Matrix::default() }))
    }

    /// Rows by name: one column per feature, in any order.
    pub fn columns<N: Into<String>, S: Into<Series>>(columns: impl IntoIterator<Item = (N, S)>) -> Self {
        let columns = columns.into_iter().map(|(name, series)| {
            let (values, texts) = match series.into() {
                Series::Numbers(values) => (values, Vec::new()),
                Series::Texts(texts) => (Vec::new(), texts),
            };
            Column { name: name.into(), values, texts }
        });
        Self(predict_request::Input::Frame(Frame { columns: columns.collect() }))
    }
}

impl From<Vec<f64>> for Series {
    fn from(values: Vec<f64>) -> Self {
        Self::Numbers(values)
    }
}

impl From<Vec<String>> for Series {
    fn from(texts: Vec<String>) -> Self {
        Self::Texts(texts)
    }
}

impl From<&str> for Target {
    fn from(name: &str) -> Self {
        Self::model(name)
    }
}

impl From<Input> for predict_request::Input {
    fn from(input: Input) -> Self {
        input.0
    }
}

impl From<Choice> for Option<predict_request::Choice> {
    fn from(choice: Choice) -> Self {
        match choice {
            Choice::Default => None,
            Choice::Version(version) => Some(predict_request::Choice::Version(version)),
            Choice::Label(label) => Some(predict_request::Choice::Label(label)),
        }
    }
}
