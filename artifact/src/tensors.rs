//! `model.safetensors`: the parameters, as flat named tensors. Reading refuses what the format lets through
//! and a model never needs; what the values mean is each step's business.

use std::{borrow::Cow, collections::BTreeMap, fmt};

use safetensors::{Dtype, SafeTensorError, SafeTensors, tensor::TensorView};
use serde::de::{Deserializer as _, IgnoredAny, MapAccess, Visitor};

/// The most bytes of a header. A model has tens of tensors, each of some hundred bytes there.
pub const HEADER_BYTES: u64 = 1 << 20;

/// One tensor: a shape and its values, row-major.
#[derive(Clone, Debug, PartialEq)]
pub struct Tensor {
    /// Its dimensions; none for a scalar.
    pub shape: Vec<usize>,
    /// Its values.
    pub values: Values,
}

/// The values of a tensor. Models compute in f64; f32 parameters are kept small on disk and widened exactly.
#[derive(Clone, Debug, PartialEq)]
pub enum Values {
    /// 64-bit floats.
    F64(Vec<f64>),
    /// 32-bit floats.
    F32(Vec<f32>),
    /// Indices: features, nodes, classes.
    U32(Vec<u32>),
}

/// Why parameters are refused, one variant per rule.
#[derive(Debug, thiserror::Error)]
pub enum TensorError {
    /// No safetensors file: a torn header, overlapping or missing data, trailing bytes.
    #[error("no valid safetensors file: {0}")]
    Format(#[from] SafeTensorError),
    /// A header takes many times its size in memory, once it is read.
    #[error("the header has {size} bytes, the limit is {HEADER_BYTES}")]
    Header {
        /// Its length.
        size: u64,
    },
    /// Of two tensors with one name, readers differ in which they see.
    #[error("tensor `{name}` occurs twice")]
    Duplicate {
        /// The tensor.
        name: String,
    },
    /// A tensor of no values: a promise of huge dimensions that costs nothing.
    #[error("tensor `{name}` has the shape {shape:?}, a dimension is zero")]
    ZeroDimension {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
    },
    /// A type that no step computes with.
    #[error("tensor `{name}` has the type {dtype}; F64, F32 and U32 are read")]
    Type {
        /// The tensor.
        name: String,
        /// Its type.
        dtype: String,
    },
    /// A step needs it.
    #[error("tensor `{name}` is missing")]
    Missing {
        /// The tensor.
        name: String,
    },
    /// No step asked for it: a misspelt name, or a payload that travels with the model.
    #[error("tensor `{name}` belongs to no step")]
    Unknown {
        /// The tensor.
        name: String,
    },
    /// Does not fit the rest of the model; reading it anyway would go out of bounds.
    #[error("tensor `{name}` has the shape {shape:?}, expected {expected}")]
    Shape {
        /// The tensor.
        name: String,
        /// Its shape.
        shape: Vec<usize>,
        /// What the model needs, in words.
        expected: String,
    },
    /// A step that knows rows of one width alone, in another place.
    #[error("rows of {found} values reach a step that takes {expected}")]
    Inputs {
        /// The width of the rows.
        found: usize,
        /// The width that the step takes.
        expected: usize,
    },
    /// Indices where numbers belong, or numbers where indices belong.
    #[error("tensor `{name}` holds {found}, expected {expected}")]
    Kind {
        /// The tensor.
        name: String,
        /// What it holds.
        found: &'static str,
        /// What belongs there.
        expected: &'static str,
    },
    /// One such weight makes every answer a NaN.
    #[error("tensor `{name}`, value {index}: {value} is not finite")]
    NotFinite {
        /// The tensor.
        name: String,
        /// The position, row-major.
        index: usize,
        /// What stands there.
        value: f64,
    },
    /// A value that breaks a rule of the step.
    #[error("tensor `{name}`, value {index}: {found} is not {expected}")]
    Value {
        /// The tensor.
        name: String,
        /// The position, row-major.
        index: usize,
        /// What stands there.
        found: String,
        /// The rule, in words.
        expected: &'static str,
    },
    /// A hyper-parameter that breaks a rule of the step.
    #[error("step {step}: `{name}` is {found}, expected {expected}")]
    Setting {
        /// The step, from 0.
        step: usize,
        /// The hyper-parameter.
        name: &'static str,
        /// Its value.
        found: String,
        /// The rule, in words.
        expected: &'static str,
    },
}

/// All tensors of a model, by name. Steps take theirs out; what is left in the end belongs to none.
#[derive(Debug)]
pub struct Tensors(BTreeMap<String, Tensor>);

/// The tensors of one step, by their names without its prefix.
#[derive(Debug)]
pub struct Parameters<'a> {
    tensors: &'a mut Tensors,
    step: usize,
}

#[cfg(feature = "linfa")]
impl Tensor {
    /// A tensor of linfa's numbers, row-major, at their own width.
    pub(crate) fn floats<'a, F: linfa::Float>(
        shape: &[usize],
        values: impl IntoIterator<Item = &'a F>,
    ) -> Self {
        let values = values.into_iter();
        // The type is f32 or f64: linfa's trait knows no other. A conversion that failed would be refused as not finite.
        let values = if std::any::TypeId::of::<F>() == std::any::TypeId::of::<f32>() {
            Values::F32(values.map(|value| value.to_f32().unwrap_or(f32::NAN)).collect())
        } else {
            Values::F64(values.map(|value| value.to_f64().unwrap_or(f64::NAN)).collect())
        };
        Self { shape: shape.to_vec(), values }
    }
}

impl Tensors {
    /// Reads a safetensors file; every value is copied once, whatever its alignment.
    ///
    /// # Errors
    /// [`TensorError`], by the first rule that is broken.
    pub fn parse(bytes: &[u8]) -> Result<Self, TensorError> {
        if let Some(length) = bytes.first_chunk() {
            let size = u64::from_le_bytes(*length);
            if size > HEADER_BYTES {
                return Err(TensorError::Header { size });
            }
        }
        // The library first: it compares the header's length with the file's.
        let file = SafeTensors::deserialize(bytes)?;
        refuse_duplicate_names(bytes)?;
        let mut tensors = BTreeMap::new();
        for (name, view) in file.iter() {
            let tensor = read(name, &view)?;
            tensors.insert(name.to_owned(), tensor);
        }
        Ok(Self(tensors))
    }

    /// The tensors as a safetensors file.
    ///
    /// # Errors
    /// [`TensorError::Format`] if a shape and its values disagree.
    pub fn to_bytes(tensors: &[(String, Tensor)]) -> Result<Vec<u8>, TensorError> {
        let data: Vec<_> =
            tensors.iter().map(|(name, tensor)| (name, tensor, tensor.values.bytes())).collect();
        let views: Vec<_> = data
            .iter()
            .map(|(name, tensor, (dtype, bytes))| {
                let view = TensorView::new(*dtype, tensor.shape.clone(), bytes)?;
                Ok((name.as_str(), view))
            })
            .collect::<Result<_, SafeTensorError>>()?;
        Ok(safetensors::serialize(views, None)?)
    }

    /// How many values there are in all.
    pub(crate) fn values(&self) -> usize {
        self.0.values().map(|tensor| tensor.values.len()).sum()
    }

    /// The tensors of step `step`.
    pub fn of_step(&mut self, step: usize) -> Parameters<'_> {
        Parameters { tensors: self, step }
    }

    /// Ends the reading.
    ///
    /// # Errors
    /// [`TensorError::Unknown`] if a tensor was left over.
    pub fn finish(self) -> Result<(), TensorError> {
        match self.0.into_keys().next() {
            Some(name) => Err(TensorError::Unknown { name }),
            None => Ok(()),
        }
    }
}

impl IntoIterator for Tensors {
    type Item = (String, Tensor);
    type IntoIter = std::collections::btree_map::IntoIter<String, Tensor>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl Parameters<'_> {
    /// Whether the step has a tensor of that name.
    pub fn has(&self, name: &str) -> bool {
        self.tensors.0.contains_key(&self.full(name))
    }

    /// Takes `len` finite numbers.
    ///
    /// # Errors
    /// [`TensorError`] if there are none of that name, shape and kind.
    pub fn vector(&mut self, name: &str, len: usize) -> Result<Vec<f64>, TensorError> {
        self.numbers(name, &[len])
    }

    /// Takes `rows` x `columns` finite numbers, row-major.
    ///
    /// # Errors
    /// [`TensorError`] if there are none of that name, shape and kind.
    pub fn matrix(&mut self, name: &str, rows: usize, columns: usize) -> Result<Vec<f64>, TensorError> {
        self.numbers(name, &[rows, columns])
    }

    /// Takes finite numbers in rows of `columns`, row-major, however many rows there are.
    ///
    /// # Errors
    /// [`TensorError`] if there are none of that name, width and kind.
    pub fn matrix_of_any_height(&mut self, name: &str, columns: usize) -> Result<Vec<f64>, TensorError> {
        let tensor = self.take(name)?;
        match tensor.shape[..] {
            [rows, width] if width == columns => self.finite(name, &[rows, columns], tensor),
            _ => Err(self.refuse_shape(name, &tensor.shape, format!("rows of {columns}"))),
        }
    }

    /// Takes finite numbers, however many there are.
    ///
    /// # Errors
    /// [`TensorError`] if there are none of that name and kind in one dimension.
    pub fn numbers_of_any_length(&mut self, name: &str) -> Result<Vec<f64>, TensorError> {
        let tensor = self.take(name)?;
        let len = self.length(name, &tensor)?;
        self.finite(name, &[len], tensor)
    }

    /// Takes indices, however many there are.
    ///
    /// # Errors
    /// [`TensorError`] if there are none of that name and kind in one dimension.
    pub fn indices(&mut self, name: &str) -> Result<Vec<u32>, TensorError> {
        let tensor = self.take(name)?;
        self.length(name, &tensor)?;
        match tensor.values {
            Values::U32(indices) => Ok(indices),
            Values::F64(_) | Values::F32(_) => {
                Err(TensorError::Kind { name: self.full(name), found: "numbers", expected: "indices (U32)" })
            }
        }
    }

    /// The refusal of one value that breaks a rule of the step.
    pub fn refuse(
        &self,
        name: &str,
        index: usize,
        found: impl fmt::Display,
        expected: &'static str,
    ) -> TensorError {
        TensorError::Value { name: self.full(name), index, found: found.to_string(), expected }
    }

    /// The refusal of a hyper-parameter.
    pub fn refuse_setting(
        &self,
        name: &'static str,
        found: impl fmt::Display,
        expected: &'static str,
    ) -> TensorError {
        TensorError::Setting { step: self.step, name, found: found.to_string(), expected }
    }

    /// The refusal of a shape.
    pub fn refuse_shape(&self, name: &str, shape: &[usize], expected: impl Into<String>) -> TensorError {
        TensorError::Shape { name: self.full(name), shape: shape.to_vec(), expected: expected.into() }
    }

    /// Takes finite numbers of that shape, row-major.
    ///
    /// # Errors
    /// [`TensorError`] if there are none of that name, shape and kind.
    pub fn numbers(&mut self, name: &str, shape: &[usize]) -> Result<Vec<f64>, TensorError> {
        let tensor = self.take(name)?;
        self.finite(name, shape, tensor)
    }

    fn finite(&self, name: &str, shape: &[usize], tensor: Tensor) -> Result<Vec<f64>, TensorError> {
        if tensor.shape != shape {
            return Err(self.refuse_shape(name, &tensor.shape, format!("{shape:?}")));
        }
        let values = match tensor.values {
            Values::F64(values) => values,
            Values::F32(values) => values.into_iter().map(f64::from).collect(),
            Values::U32(_) => {
                let name = self.full(name);
                return Err(TensorError::Kind { name, found: "indices", expected: "numbers (F64 or F32)" });
            }
        };
        match values.iter().position(|value| !value.is_finite()) {
            Some(index) => Err(TensorError::NotFinite { name: self.full(name), index, value: values[index] }),
            None => Ok(values),
        }
    }

    fn length(&self, name: &str, tensor: &Tensor) -> Result<usize, TensorError> {
        match tensor.shape[..] {
            [len] => Ok(len),
            _ => Err(self.refuse_shape(name, &tensor.shape, "one dimension")),
        }
    }

    fn take(&mut self, name: &str) -> Result<Tensor, TensorError> {
        let name = self.full(name);
        self.tensors.0.remove(&name).ok_or(TensorError::Missing { name })
    }

    fn full(&self, name: &str) -> String {
        format!("{}.{name}", self.step)
    }
}

impl Values {
    fn len(&self) -> usize {
        match self {
            Self::F64(values) => values.len(),
            Self::F32(values) => values.len(),
            Self::U32(values) => values.len(),
        }
    }

    fn bytes(&self) -> (Dtype, Cow<'static, [u8]>) {
        match self {
            Self::F64(values) => (Dtype::F64, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Self::F32(values) => (Dtype::F32, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
            Self::U32(values) => (Dtype::U32, values.iter().flat_map(|value| value.to_le_bytes()).collect()),
        }
    }
}

fn read(name: &str, view: &TensorView<'_>) -> Result<Tensor, TensorError> {
    let shape = view.shape().to_vec();
    if shape.contains(&0) {
        return Err(TensorError::ZeroDimension { name: name.to_owned(), shape });
    }
    let values = match view.dtype() {
        Dtype::F64 => Values::F64(words(view.data(), f64::from_le_bytes)),
        Dtype::F32 => Values::F32(words(view.data(), f32::from_le_bytes)),
        Dtype::U32 => Values::U32(words(view.data(), u32::from_le_bytes)),
        dtype => {
            return Err(TensorError::Type { name: name.to_owned(), dtype: format!("{dtype:?}") });
        }
    };
    Ok(Tensor { shape, values })
}

fn words<const N: usize, T>(bytes: &[u8], from_le_bytes: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks().0.iter().map(|word| from_le_bytes(*word)).collect()
}

/// The library keeps the header in a map, where the last of two equal names wins.
fn refuse_duplicate_names(bytes: &[u8]) -> Result<(), TensorError> {
    struct Names(Vec<String>);
    impl<'de> Visitor<'de> for &mut Names {
        type Value = ();
        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map of tensors")
        }
        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
            while let Some((name, IgnoredAny)) = map.next_entry()? {
                self.0.push(name);
            }
            Ok(())
        }
    }

    let (length, rest) = bytes.split_first_chunk().ok_or(SafeTensorError::HeaderTooSmall)?;
    let header = usize::try_from(u64::from_le_bytes(*length))
        .ok()
        .and_then(|length| rest.get(..length))
        .ok_or(SafeTensorError::InvalidHeaderLength)?;
    let mut names = Names(Vec::new());
    serde_json::Deserializer::from_slice(header)
        .deserialize_map(&mut names)
        .map_err(SafeTensorError::InvalidHeaderDeserialization)?;
    names.0.sort_unstable();
    match names.0.array_windows().find(|[a, b]| a == b) {
        Some([name, _]) => Err(TensorError::Duplicate { name: name.clone() }),
        None => Ok(()),
    }
}
