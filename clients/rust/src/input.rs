//! What a caller asks: which model, and which rows.

use bytes::Bytes;
use ndarray::{Array2, ArrayView2, Axis, Slice};

use crate::pb::{Column, Frame, Matrix, PredictRequest, predict_request};

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

    /// The question to that version.
    pub(crate) fn request(self, input: Input) -> PredictRequest {
        PredictRequest { model: self.model, choice: self.choice.into(), input: Some(input.into()) }
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

    /// The same as packed bytes: the fastest form. `columns` values make a row; 0 stands for the model's own number.
    pub fn f64s(columns: u32, values: impl IntoIterator<Item = f64>) -> Self {
        let f64_le = packed(values, f64::to_le_bytes);
        Self(predict_request::Input::Matrix(Matrix { columns, f64_le, ..Matrix::default() }))
    }

    /// The same in 32 bits, which the server widens exactly: half the bytes.
    pub fn f32s(columns: u32, values: impl IntoIterator<Item = f32>) -> Self {
        let f32_le = packed(values, f32::to_le_bytes);
        Self(predict_request::Input::Matrix(Matrix { columns, f32_le, ..Matrix::default() }))
    }

    /// The rows of a large array (rows x features), at most `rows` at a time and each made when it is asked for, for
    /// [`Client::predict_stream`](crate::Client::predict_stream). 0 counts as 1.
    pub fn chunks(array: Array2<f64>, rows: usize) -> impl Iterator<Item = Self> {
        let (rows, all) = (rows.max(1), array.nrows());
        let starts = (0..all).step_by(rows);
        starts.map(move |start| {
            Self::from(array.slice_axis(Axis(0), Slice::from(start..all.min(start + rows))))
        })
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

impl From<ArrayView2<'_, f64>> for Input {
    /// The rows of an array (rows x features), in whichever order it lies in memory.
    fn from(array: ArrayView2<'_, f64>) -> Self {
        Self::f64s(width(array.ncols()), array.iter().copied())
    }
}

impl From<ArrayView2<'_, f32>> for Input {
    /// The same in 32 bits.
    fn from(array: ArrayView2<'_, f32>) -> Self {
        Self::f32s(width(array.ncols()), array.iter().copied())
    }
}

/// A width that no message can hold is wrong in any case, and the server says so.
fn width(columns: usize) -> u32 {
    u32::try_from(columns).unwrap_or(u32::MAX)
}

fn packed<T, const N: usize>(values: impl IntoIterator<Item = T>, bytes: fn(T) -> [u8; N]) -> Bytes {
    let values = values.into_iter();
    let mut packed = Vec::with_capacity(values.size_hint().0 * N);
    values.for_each(|value| packed.extend_from_slice(&bytes(value)));
    packed.into()
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
