//! CSV files as numbers: read as a stream, each line checked, hashed on the way. What the columns mean is the caller's
//! business: linfactl trains on them, the check `quality` scores on them.

use std::{
    collections::BTreeMap,
    io::{self, Read},
};

use artifact::{
    Digest,
    ndarray::{Array1, Array2},
};
use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use sha2::{Digest as _, Sha256};

/// A CSV file with a header.
#[derive(Debug)]
pub struct Table {
    /// The names of the columns of `values`.
    pub columns: Vec<String>,
    /// rows x columns.
    pub values: Array2<f64>,
    /// The column that was asked for apart.
    pub target: Target,
    /// The hash of the file.
    pub digest: Digest,
}

/// The column that a model learns to answer.
#[derive(Clone, Debug)]
pub enum Target {
    /// There is none.
    None,
    /// A class per row.
    Classes {
        /// The classes' names, sorted.
        names: Vec<String>,
        /// Positions in `names`.
        indices: Array1<usize>,
    },
    /// A number or more per row.
    Numbers {
        /// The columns' names, in the order of the file.
        names: Vec<String>,
        /// rows x names.
        values: Array2<f64>,
    },
}

/// What to take apart from the other columns.
#[derive(Clone, Copy, Debug)]
pub enum Wanted<'a> {
    /// Nothing.
    Nothing,
    /// This column, as names of classes.
    Classes(&'a str),
    /// These columns, as numbers.
    Numbers(&'a [String]),
}

/// Why a file is no table of numbers, one variant per rule. Rows count from 1 below the header; empty lines are none.
#[derive(Debug, thiserror::Error)]
pub enum TableError {
    /// The disk, or bytes that are no text.
    #[error(transparent)]
    Csv(#[from] csv::Error),
    /// A path that was mistyped, or an export that failed.
    #[error("it is empty; a header and rows are needed")]
    Empty,
    /// An export that found nothing.
    #[error("it has a header, but no rows")]
    NoRows,
    /// The first row would be lost as a header, and columns be called `5.1`.
    #[error("the first line has numbers alone; a header with the names of the columns is needed")]
    HeaderOfNumbers,
    /// A name that nobody could use in a request.
    #[error("column {column} has no name in the header")]
    Unnamed {
        /// Its position, from 1.
        column: usize,
    },
    /// Which of the two is meant would be a guess.
    #[error("the header names `{name}` twice")]
    Duplicate {
        /// The name.
        name: String,
    },
    /// A misspelt name.
    #[error("there is no column `{name}`; there are {}", .columns.join(", "))]
    NoColumn {
        /// The name.
        name: String,
        /// The names that exist.
        columns: Vec<String>,
    },
    /// Nothing to learn from.
    #[error("no column is left as a feature")]
    NoFeatures,
    /// Nothing to learn.
    #[error("no column is named as the target")]
    NoTarget,
    /// A lost separator would shift values into other columns.
    #[error("row {row} has {found} fields, the header has {expected}")]
    Ragged {
        /// The row.
        row: usize,
        /// Its fields.
        found: usize,
        /// Those of the header.
        expected: usize,
    },
    /// A zero in its place would be an invention.
    #[error("row {row}, column `{column}`: the value is missing")]
    Missing {
        /// The row.
        row: usize,
        /// The column.
        column: String,
    },
    /// Text, or a number that no model computes with.
    #[error("row {row}, column `{column}`: `{value}` is not a finite number")]
    NotANumber {
        /// The row.
        row: usize,
        /// The column.
        column: String,
        /// What stands there, at most 40 characters of it.
        value: String,
    },
}

/// What becomes of a column.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Use {
    Feature,
    Ignored,
    Class,
    Number,
}

impl Table {
    /// The names of all columns.
    ///
    /// # Errors
    /// [`TableError`] if the header is none.
    pub fn header(file: impl Read) -> Result<Vec<String>, TableError> {
        Ok(header(&mut reader(file))?.iter().map(str::to_owned).collect())
    }

    /// Reads all of `file`. Columns in `ignore` may hold anything.
    ///
    /// # Errors
    /// [`TableError`], by the first rule that is broken.
    pub fn read(file: impl Read, wanted: Wanted<'_>, ignore: &[String]) -> Result<Self, TableError> {
        let mut reader = reader(Hashing { file, hash: Sha256::new() });
        let header = header(&mut reader)?;
        let uses = uses(&header, wanted, ignore)?;

        let (mut values, mut numbers, mut classes) = (Vec::new(), Vec::new(), Classes::default());
        let mut record = StringRecord::new();
        let mut rows = 0;
        while reader.read_record(&mut record)? {
            rows += 1;
            let cells = Cells::new(rows, &record, &header)?;
            for (index, usage) in uses.iter().enumerate() {
                match usage {
                    Use::Ignored => {}
                    Use::Feature => values.push(cells.number(index)?),
                    Use::Number => numbers.push(cells.number(index)?),
                    Use::Class => classes.add(cells.text(index)?),
                }
            }
        }
        if rows == 0 {
            return Err(TableError::NoRows);
        }
        let names_of = |wanted: Use| -> Vec<String> {
            let columns = header.iter().zip(&uses).filter(|(_, usage)| **usage == wanted);
            columns.map(|(name, _)| name.to_owned()).collect()
        };
        let columns = names_of(Use::Feature);
        Ok(Self {
            values: Array2::from_shape_vec((rows, columns.len()), values)
                .map_err(|_| TableError::NoFeatures)?,
            columns,
            target: match wanted {
                Wanted::Nothing => Target::None,
                Wanted::Classes(_) => classes.sorted(),
                Wanted::Numbers(_) => {
                    let names = names_of(Use::Number);
                    let values = Array2::from_shape_vec((rows, names.len()), numbers);
                    Target::Numbers { names, values: values.map_err(|_| TableError::NoTarget)? }
                }
            },
            digest: Digest::from(<[u8; 32]>::from(reader.into_inner().hash.finalize())),
        })
    }
}

fn reader<R: Read>(file: R) -> Reader<R> {
    // Lines of another length are ours to explain.
    ReaderBuilder::new().trim(Trim::All).flexible(true).from_reader(file)
}

fn header(reader: &mut Reader<impl Read>) -> Result<StringRecord, TableError> {
    let header = reader.headers()?.clone();
    if header.is_empty() {
        return Err(TableError::Empty);
    }
    if header.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(TableError::HeaderOfNumbers);
    }
    let mut seen = std::collections::BTreeSet::new();
    for (index, name) in header.iter().enumerate() {
        if name.is_empty() {
            return Err(TableError::Unnamed { column: index + 1 });
        }
        if !seen.insert(name) {
            return Err(TableError::Duplicate { name: name.to_owned() });
        }
    }
    Ok(header)
}

fn uses(header: &StringRecord, wanted: Wanted<'_>, ignore: &[String]) -> Result<Vec<Use>, TableError> {
    let mut uses = vec![Use::Feature; header.len()];
    let mut mark = |name: &str, usage| {
        let index = header.iter().position(|column| column == name);
        let index = index.ok_or_else(|| TableError::NoColumn {
            name: name.to_owned(),
            columns: header.iter().map(str::to_owned).collect(),
        })?;
        uses[index] = usage;
        Ok::<_, TableError>(())
    };
    for name in ignore {
        mark(name, Use::Ignored)?;
    }
    match wanted {
        Wanted::Nothing => {}
        Wanted::Classes(name) => mark(name, Use::Class)?,
        Wanted::Numbers(names) => names.iter().try_for_each(|name| mark(name, Use::Number))?,
    }
    if uses.contains(&Use::Feature) { Ok(uses) } else { Err(TableError::NoFeatures) }
}

/// One row, with all that an error has to name.
struct Cells<'a> {
    row: usize,
    record: &'a StringRecord,
    header: &'a StringRecord,
}

impl<'a> Cells<'a> {
    fn new(row: usize, record: &'a StringRecord, header: &'a StringRecord) -> Result<Self, TableError> {
        let cells = Self { row, record, header };
        if record.len() == header.len() {
            Ok(cells)
        } else {
            Err(TableError::Ragged { row, found: record.len(), expected: header.len() })
        }
    }

    fn text(&self, index: usize) -> Result<&'a str, TableError> {
        match self.record.get(index) {
            None | Some("") => Err(TableError::Missing { row: self.row, column: self.column(index) }),
            Some(text) => Ok(text),
        }
    }

    fn number(&self, index: usize) -> Result<f64, TableError> {
        let text = self.text(index)?;
        match text.parse::<f64>() {
            Ok(number) if number.is_finite() => Ok(number),
            _ => Err(TableError::NotANumber {
                row: self.row,
                column: self.column(index),
                value: text.chars().take(40).collect(),
            }),
        }
    }

    fn column(&self, index: usize) -> String {
        self.header.get(index).unwrap_or_default().to_owned()
    }
}

/// Classes in the order in which they were met.
#[derive(Default)]
struct Classes {
    met: BTreeMap<String, usize>,
    rows: Vec<usize>,
}

impl Classes {
    fn add(&mut self, name: &str) {
        let next = self.met.len();
        let index = match self.met.get(name) {
            Some(index) => *index,
            None => *self.met.entry(name.to_owned()).or_insert(next),
        };
        self.rows.push(index);
    }

    fn sorted(self) -> Target {
        let mut place = vec![0; self.met.len()];
        for (sorted, met) in self.met.values().enumerate() {
            place[*met] = sorted;
        }
        Target::Classes {
            names: self.met.into_keys().collect(),
            indices: self.rows.into_iter().map(|met| place[met]).collect(),
        }
    }
}

/// Hashes what is read through it.
struct Hashing<R> {
    file: R,
    hash: Sha256,
}

impl<R: Read> Read for Hashing<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(buffer)?;
        self.hash.update(&buffer[..read]);
        Ok(read)
    }
}

#[cfg(test)]
mod tests {
    use artifact::ndarray::array;

    use super::*;

    fn said(text: &str) -> String {
        let wanted = Wanted::Classes("species");
        Table::read(text.as_bytes(), wanted, &[]).unwrap_err().to_string()
    }

    #[test]
    fn quoted_fields_spaces_and_a_byte_order_mark_are_read_and_classes_are_sorted() {
        let text = "\u{feff}a, b and c,\"id, old\",species\n1,2e0,x,\"wild, red\"\n\n-3,.5,y,blue\n";
        let ignored = ["id, old".to_owned()];
        let table = Table::read(text.as_bytes(), Wanted::Classes("species"), &ignored).unwrap();
        assert_eq!(table.columns, ["a", "b and c"]);
        assert_eq!(table.values, array![[1.0, 2.0], [-3.0, 0.5]]);
        let Target::Classes { names, indices } = table.target else { panic!("no classes") };
        assert_eq!(names, ["blue", "wild, red"]);
        assert_eq!(indices, array![1, 0]);
        assert_eq!(table.digest, Digest::of(text.as_bytes()));
    }

    #[test]
    fn numeric_targets_are_taken_apart_as_numbers() {
        let text = "a,price,size\n1,9.5,3\n2,8,4\n";
        let wanted = ["size".to_owned(), "price".to_owned()];
        let table = Table::read(text.as_bytes(), Wanted::Numbers(&wanted), &[]).unwrap();
        assert_eq!(table.columns, ["a"]);
        let Target::Numbers { names, values } = table.target else { panic!("no numbers") };
        assert_eq!(names, ["price", "size"]);
        assert_eq!(values, array![[9.5, 3.0], [8.0, 4.0]]);
    }

    #[test]
    fn what_is_wrong_is_named_with_its_row_and_column() {
        assert_eq!(said("a,b,species\n1,2,x\n\n3,,y\n"), "row 2, column `b`: the value is missing");
        assert_eq!(said("a,b,species\n1,2,x\n3,4,\n"), "row 2, column `species`: the value is missing");
        for bad in ["n/a", "NaN", "inf", "1,5"] {
            assert_eq!(
                said(&format!("a,species\n\"{bad}\",x\n")),
                format!("row 1, column `a`: `{bad}` is not a finite number")
            );
        }
        assert_eq!(said("a,b,species\n1,2\n"), "row 1 has 2 fields, the header has 3");
    }

    #[test]
    fn a_header_that_is_none_is_refused() {
        assert_eq!(said(""), "it is empty; a header and rows are needed");
        assert_eq!(said("a,species\n"), "it has a header, but no rows");
        assert_eq!(said("a,,species\n1,2,x\n"), "column 2 has no name in the header");
        assert_eq!(said("a,a,species\n1,2,x\n"), "the header names `a` twice");
        assert_eq!(said("species\nx\n"), "no column is left as a feature");
        assert_eq!(said("a,specie\n1,x\n"), "there is no column `species`; there are a, specie");
        assert_eq!(
            said("5.1,3.5\n4.9,3\n"),
            "the first line has numbers alone; a header with the names of the columns is needed"
        );
    }
}
