//! CSV files as tables: read as a stream, each cell checked, hashed on the way. A category becomes a number at once, so that
//! no text is held but free ones. What the columns mean is the caller's business: linfactl trains on them, the check `quality`
//! scores on them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::{self, Read},
};

use artifact::{
    Digest, Series,
    ndarray::{Array1, Array2},
};
use csv::{Reader, ReaderBuilder, StringRecord, Trim};
use sha2::{Digest as _, Sha256};

/// A CSV file.
#[derive(Debug)]
pub struct Table {
    /// The names of the columns of `values`.
    pub columns: Vec<String>,
    /// What each of them holds.
    pub contents: Vec<Content>,
    /// rows x columns: numbers, positions of categories, positions in `texts`; NaN where a cell is empty.
    pub values: Array2<f64>,
    /// The free texts.
    pub texts: Vec<String>,
    /// The column that was asked for apart.
    pub target: Target,
    /// The hash of the file.
    pub digest: Digest,
}

/// What a column of a table holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Content {
    /// Numbers.
    Numbers,
    /// Positions of these categories, which are sorted.
    Categories(Vec<String>),
    /// Positions of free texts.
    Texts,
}

/// How the cells of a column are to be read.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reading {
    /// As numbers, none of them missing.
    #[default]
    Numbers,
    /// As numbers; an empty cell is a missing one.
    NumbersOrNothing,
    /// As categories, none of them missing.
    Categories,
    /// As categories; an empty cell is a missing one.
    CategoriesOrNothing,
    /// As free texts, which may be empty.
    Texts,
    /// Not at all.
    Ignored,
}

/// What the cells of a column are.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Survey {
    /// Cells that hold a finite number.
    pub numbers: usize,
    /// Cells that hold anything else.
    pub others: usize,
    /// How many different texts these are.
    pub distinct: usize,
}

/// What a file is expected to hold.
#[derive(Clone, Copy, Debug)]
pub struct Layout<'a> {
    /// Whether the first line names the columns. Without it they are called `c0`, `c1`, ….
    pub header: bool,
    /// The column to take apart from the others.
    pub target: Wanted<'a>,
    /// How to read columns that do not hold numbers, by name.
    pub readings: &'a BTreeMap<String, Reading>,
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
    Feature(Reading),
    Class,
    Number,
}

impl Table {
    /// The names of all columns.
    ///
    /// # Errors
    /// [`TableError`] if the header is none.
    pub fn header(file: impl Read) -> Result<Vec<String>, TableError> {
        Ok(header(&mut reader(file, true))?.iter().map(str::to_owned).collect())
    }

    /// What the cells of each column are, by its name. Holds the different texts of a column up to some thousand.
    ///
    /// # Errors
    /// [`TableError`] if the header is none, or a row has not as many cells.
    pub fn survey(file: impl Read, has_header: bool) -> Result<BTreeMap<String, Survey>, TableError> {
        const DISTINCT: usize = 10_000;
        let mut reader = reader(file, has_header);
        let header = if has_header { header(&mut reader)? } else { numbered(&mut reader)? };
        let mut surveys = vec![(Survey::default(), BTreeSet::new()); header.len()];
        let mut record = StringRecord::new();
        let mut rows = 0;
        while reader.read_record(&mut record)? {
            rows += 1;
            Cells::new(rows, &record, &header)?;
            for (cell, (survey, distinct)) in record.iter().zip(&mut surveys) {
                match cell.parse::<f64>() {
                    _ if cell.is_empty() => {}
                    Ok(number) if number.is_finite() => survey.numbers += 1,
                    _ => {
                        survey.others += 1;
                        if distinct.len() < DISTINCT && !distinct.contains(cell) {
                            distinct.insert(cell.to_owned());
                        }
                    }
                }
            }
        }
        let surveys = surveys.into_iter().map(|(survey, texts)| Survey { distinct: texts.len(), ..survey });
        Ok(header.iter().map(str::to_owned).zip(surveys).collect())
    }

    /// Reads all of `file`.
    ///
    /// # Errors
    /// [`TableError`], by the first rule that is broken.
    pub fn read(file: impl Read, layout: &Layout<'_>) -> Result<Self, TableError> {
        let mut reader = reader(Hashing { file, hash: Sha256::new() }, layout.header);
        let header = if layout.header { header(&mut reader)? } else { numbered(&mut reader)? };
        let uses = uses(&header, layout)?;
        let features = uses.iter().enumerate().filter_map(|(place, usage)| match usage {
            Use::Feature(reading) if *reading != Reading::Ignored => Some((place, *reading)),
            _ => None,
        });
        let features: Vec<_> = features.collect();

        let (mut values, mut texts) = (Vec::new(), Vec::new());
        let mut met: Vec<_> = features.iter().map(|_| Categories::default()).collect();
        let (mut numbers, mut classes, mut class_names) = (Vec::new(), Vec::new(), Categories::default());
        let mut record = StringRecord::new();
        let mut rows = 0;
        while reader.read_record(&mut record)? {
            rows += 1;
            let cells = Cells::new(rows, &record, &header)?;
            for ((place, reading), met) in features.iter().zip(&mut met) {
                values.push(match reading {
                    Reading::Numbers => cells.number(*place)?,
                    Reading::Categories => met.position(cells.text(*place)?) as f64,
                    Reading::NumbersOrNothing if cells.is_empty(*place) => f64::NAN,
                    Reading::NumbersOrNothing => cells.number(*place)?,
                    Reading::CategoriesOrNothing if cells.is_empty(*place) => f64::NAN,
                    Reading::CategoriesOrNothing => met.position(cells.text(*place)?) as f64,
                    Reading::Texts => {
                        texts.push(record.get(*place).unwrap_or_default().to_owned());
                        (texts.len() - 1) as f64
                    }
                    Reading::Ignored => continue,
                });
            }
            for (place, usage) in uses.iter().enumerate() {
                match usage {
                    Use::Feature(_) => {}
                    Use::Number => numbers.push(cells.number(place)?),
                    Use::Class => classes.push(class_names.position(cells.text(place)?)),
                }
            }
        }
        if rows == 0 {
            return Err(TableError::NoRows);
        }
        let mut values =
            Array2::from_shape_vec((rows, features.len()), values).map_err(|_| TableError::NoFeatures)?;
        let contents =
            features.iter().zip(met).zip(values.columns_mut()).map(|(((_, reading), met), mut column)| {
                match reading {
                    Reading::Numbers | Reading::NumbersOrNothing | Reading::Ignored => Content::Numbers,
                    Reading::Texts => Content::Texts,
                    Reading::Categories | Reading::CategoriesOrNothing => {
                        let (names, places) = met.sorted();
                        // NaN is no position and stays.
                        let sorted = |met: f64| if met.is_nan() { met } else { places[met as usize] as f64 };
                        column.mapv_inplace(sorted);
                        Content::Categories(names)
                    }
                }
            });
        let contents = contents.collect();
        Ok(Self {
            columns: features
                .iter()
                .map(|(place, _)| header.get(*place).unwrap_or_default().to_owned())
                .collect(),
            contents,
            values,
            texts,
            target: match layout.target {
                Wanted::Nothing => Target::None,
                Wanted::Classes(_) => {
                    let (names, places) = class_names.sorted();
                    Target::Classes { names, indices: classes.into_iter().map(|met| places[met]).collect() }
                }
                Wanted::Numbers(_) => {
                    let targets = header.iter().zip(&uses).filter(|(_, usage)| **usage == Use::Number);
                    let names: Vec<_> = targets.map(|(name, _)| name.to_owned()).collect();
                    let values = Array2::from_shape_vec((rows, names.len()), numbers);
                    Target::Numbers { names, values: values.map_err(|_| TableError::NoTarget)? }
                }
            },
            digest: Digest::from(<[u8; 32]>::from(reader.into_inner().hash.finalize())),
        })
    }

    /// A column as a model takes it: its numbers, or its texts.
    pub fn series(&self, column: usize) -> Series {
        let values = self.values.column(column);
        let texts = |texts: &[String]| {
            // NaN is a cell that was empty.
            let text =
                |place: &f64| if place.is_nan() { String::new() } else { texts[*place as usize].clone() };
            Series::Texts(values.iter().map(text).collect())
        };
        match &self.contents[column] {
            Content::Numbers => Series::Numbers(values.to_vec()),
            Content::Categories(names) => texts(names),
            Content::Texts => texts(&self.texts),
        }
    }
}

fn reader<R: Read>(file: R, has_header: bool) -> Reader<R> {
    // Lines of another length are ours to explain.
    ReaderBuilder::new().has_headers(has_header).trim(Trim::All).flexible(true).from_reader(file)
}

/// Names for the columns of a file that has none.
fn numbered(reader: &mut Reader<impl Read>) -> Result<StringRecord, TableError> {
    // Without a header this is the first row, which is read again as one.
    match reader.headers()?.len() {
        0 => Err(TableError::Empty),
        columns => Ok((0..columns).map(|column| format!("c{column}")).collect()),
    }
}

fn header(reader: &mut Reader<impl Read>) -> Result<StringRecord, TableError> {
    let header = reader.headers()?.clone();
    if header.is_empty() {
        return Err(TableError::Empty);
    }
    if header.iter().all(|name| name.parse::<f64>().is_ok()) {
        return Err(TableError::HeaderOfNumbers);
    }
    let mut seen = BTreeSet::new();
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

fn uses(header: &StringRecord, layout: &Layout<'_>) -> Result<Vec<Use>, TableError> {
    let mut uses = vec![Use::Feature(Reading::Numbers); header.len()];
    let mut mark = |name: &str, usage| {
        let index = header.iter().position(|column| column == name);
        let index = index.ok_or_else(|| TableError::NoColumn {
            name: name.to_owned(),
            columns: header.iter().map(str::to_owned).collect(),
        })?;
        uses[index] = usage;
        Ok::<_, TableError>(())
    };
    for (name, reading) in layout.readings {
        mark(name, Use::Feature(*reading))?;
    }
    match layout.target {
        Wanted::Nothing => {}
        Wanted::Classes(name) => mark(name, Use::Class)?,
        Wanted::Numbers(names) => names.iter().try_for_each(|name| mark(name, Use::Number))?,
    }
    let is_feature = |usage: &Use| matches!(usage, Use::Feature(reading) if *reading != Reading::Ignored);
    if uses.iter().any(is_feature) { Ok(uses) } else { Err(TableError::NoFeatures) }
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

    fn is_empty(&self, index: usize) -> bool {
        self.record.get(index).is_none_or(str::is_empty)
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

/// Categories in the order in which they were met.
#[derive(Default)]
struct Categories(BTreeMap<String, usize>);

impl Categories {
    fn position(&mut self, name: &str) -> usize {
        let next = self.0.len();
        match self.0.get(name) {
            Some(position) => *position,
            None => *self.0.entry(name.to_owned()).or_insert(next),
        }
    }

    /// The names, sorted, and the place that each that was met has among them.
    fn sorted(self) -> (Vec<String>, Vec<usize>) {
        let mut places = vec![0; self.0.len()];
        for (sorted, met) in self.0.values().enumerate() {
            places[*met] = sorted;
        }
        (self.0.into_keys().collect(), places)
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
        read(text, Wanted::Classes("species"), &[]).unwrap_err().to_string()
    }

    fn read(text: &str, target: Wanted<'_>, readings: &[(&str, Reading)]) -> Result<Table, TableError> {
        let readings = readings.iter().map(|(name, reading)| ((*name).to_owned(), *reading)).collect();
        Table::read(text.as_bytes(), &Layout { header: true, target, readings: &readings })
    }

    #[test]
    fn quoted_fields_spaces_and_a_byte_order_mark_are_read_and_classes_are_sorted() {
        let text = "\u{feff}a, b and c,\"id, old\",species\n1,2e0,x,\"wild, red\"\n\n-3,.5,y,blue\n";
        let table = read(text, Wanted::Classes("species"), &[("id, old", Reading::Ignored)]).unwrap();
        assert_eq!(table.columns, ["a", "b and c"]);
        assert_eq!(table.values, array![[1.0, 2.0], [-3.0, 0.5]]);
        let Target::Classes { names, indices } = table.target else { panic!("no classes") };
        assert_eq!(names, ["blue", "wild, red"]);
        assert_eq!(indices, array![1, 0]);
        assert_eq!(table.digest, Digest::of(text.as_bytes()));
    }

    #[test]
    fn numeric_targets_are_taken_apart_as_numbers() {
        let wanted = ["size".to_owned(), "price".to_owned()];
        let table = read("a,price,size\n1,9.5,3\n2,8,4\n", Wanted::Numbers(&wanted), &[]).unwrap();
        assert_eq!(table.columns, ["a"]);
        let Target::Numbers { names, values } = table.target else { panic!("no numbers") };
        assert_eq!(names, ["price", "size"]);
        assert_eq!(values, array![[9.5, 3.0], [8.0, 4.0]]);
    }

    #[test]
    fn categories_texts_and_empty_cells_are_read_where_they_are_expected() {
        let text = "age,sex,note,port\n31,m,\"so, so\",S\n,f,,\n5,m,fine,C\n";
        let readings = [
            ("age", Reading::NumbersOrNothing),
            ("sex", Reading::Categories),
            ("note", Reading::Texts),
            ("port", Reading::CategoriesOrNothing),
        ];
        let table = read(text, Wanted::Nothing, &readings).unwrap();
        let categories = |names: [&str; 2]| Content::Categories(names.map(str::to_owned).to_vec());
        let expected = [Content::Numbers, categories(["f", "m"]), Content::Texts, categories(["C", "S"])];
        assert_eq!(table.contents, expected);
        assert_eq!(table.values.column(1), array![1.0, 0.0, 1.0]);
        let Series::Numbers(ages) = table.series(0) else { panic!("ages are texts") };
        assert!(ages[0] == 31.0 && ages[1].is_nan() && ages[2] == 5.0);
        let texts = |column| match table.series(column) {
            Series::Texts(texts) => texts,
            Series::Numbers(_) => panic!("texts are numbers"),
        };
        assert_eq!(texts(1), ["m", "f", "m"]);
        assert_eq!(texts(2), ["so, so", "", "fine"]);
        assert_eq!(texts(3), ["S", "", "C"]);
        let missing = read(text, Wanted::Nothing, &[readings[0], readings[1], readings[2]]);
        assert_eq!(missing.unwrap_err().to_string(), "row 1, column `port`: `S` is not a finite number");
        let missing = read("sex\nm\n\"\"\n", Wanted::Nothing, &[("sex", Reading::Categories)]);
        assert_eq!(missing.unwrap_err().to_string(), "row 2, column `sex`: the value is missing");
    }

    #[test]
    fn columns_without_a_header_are_numbered_and_no_row_is_lost() {
        let readings = [("c1".to_owned(), Reading::Categories)].into();
        let layout =
            Layout { header: false, target: Wanted::Numbers(&["c2".to_owned()]), readings: &readings };
        let table = Table::read("1,x,5\n2,y,6\n".as_bytes(), &layout).unwrap();
        assert_eq!(table.columns, ["c0", "c1"]);
        assert_eq!(table.values, array![[1.0, 0.0], [2.0, 1.0]]);
        assert!(matches!(table.target, Target::Numbers { values, .. } if values == array![[5.0], [6.0]]));
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
