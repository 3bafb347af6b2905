//! A file from its first row to its last, some rows at a time.

use std::{collections::BTreeMap, io::Read};

use artifact::ndarray::Array2;
use csv::{Reader, StringRecord};

use super::{
    Content, Layout, Reading, Table, TableError, Target, Wanted,
    record::{Cells, names, reader},
};

/// The rows of a CSV file that are still to be read.
#[derive(Debug)]
pub struct Rows<R> {
    reader: Reader<R>,
    /// The names of all columns.
    header: StringRecord,
    /// What becomes of each.
    uses: Vec<Use>,
    /// How many rows were read.
    read: usize,
}

impl<R: Read> Rows<R> {
    /// The rows of `file`, of which the header is read.
    ///
    /// # Errors
    /// [`TableError`] if the header is none, or lacks a column of the layout.
    pub fn of(file: R, layout: &Layout<'_>) -> Result<Self, TableError> {
        let mut reader = reader(file, layout.header);
        let header = names(&mut reader, layout.header)?;
        let uses = uses(&header, layout)?;
        Ok(Self { reader, header, uses, read: 0 })
    }

    /// The next rows, `most` of them at most; none once all are read. The categories of a column are those of these rows.
    ///
    /// # Errors
    /// [`TableError`], by the first rule that is broken. It counts all rows that were read.
    pub fn next(&mut self, most: usize) -> Result<Option<Table>, TableError> {
        let mut filled = Filled::new(&self.uses);
        let mut record = StringRecord::new();
        while filled.rows < most && self.reader.read_record(&mut record)? {
            self.read += 1;
            filled.push(&Cells::new(self.read, &record, &self.header)?)?;
        }
        if filled.rows == 0 { Ok(None) } else { filled.table(&self.header).map(Some) }
    }
}

/// Rows as they are read.
struct Filled<'a> {
    uses: &'a [Use],
    rows: usize,
    /// rows x features; of a category the position in which it was met.
    values: Vec<f64>,
    /// What each column of the file has met.
    met: Vec<Categories>,
    texts: Vec<String>,
    /// rows x numeric targets.
    numbers: Vec<f64>,
    classes: Vec<usize>,
}

impl<'a> Filled<'a> {
    fn new(uses: &'a [Use]) -> Self {
        Self {
            uses,
            rows: 0,
            values: Vec::new(),
            met: uses.iter().map(|_| Categories::default()).collect(),
            texts: Vec::new(),
            numbers: Vec::new(),
            classes: Vec::new(),
        }
    }

    fn push(&mut self, cells: &Cells<'_>) -> Result<(), TableError> {
        for (place, (usage, met)) in self.uses.iter().zip(&mut self.met).enumerate() {
            let reading = match usage {
                Use::Feature(reading) => reading,
                Use::Class => {
                    self.classes.push(met.position(cells.text(place)?));
                    continue;
                }
                Use::Number => {
                    self.numbers.push(cells.number(place)?);
                    continue;
                }
            };
            self.values.push(match reading {
                Reading::Ignored => continue,
                Reading::NumbersOrNothing | Reading::CategoriesOrNothing if cells.is_empty(place) => f64::NAN,
                Reading::Numbers | Reading::NumbersOrNothing => cells.number(place)?,
                Reading::Categories | Reading::CategoriesOrNothing => met.position(cells.text(place)?) as f64,
                Reading::Texts => {
                    self.texts.push(cells.any(place).to_owned());
                    (self.texts.len() - 1) as f64
                }
            });
        }
        self.rows += 1;
        Ok(())
    }

    fn table(self, header: &StringRecord) -> Result<Table, TableError> {
        let Self { uses, rows, values, met, texts, numbers, classes } = self;
        let (mut columns, mut contents, mut targets, mut class_names) =
            (Vec::new(), Vec::new(), Vec::new(), None);
        let width = uses.iter().filter(|usage| usage.is_feature()).count();
        let mut values = Array2::from_shape_vec((rows, width), values).map_err(|_| TableError::NoFeatures)?;
        for ((usage, met), name) in uses.iter().zip(met).zip(header) {
            let reading = match usage {
                Use::Feature(Reading::Ignored) => continue,
                Use::Feature(reading) => reading,
                Use::Class => {
                    class_names = Some(met.sorted());
                    continue;
                }
                Use::Number => {
                    targets.push(name.to_owned());
                    continue;
                }
            };
            contents.push(match reading {
                Reading::Numbers | Reading::NumbersOrNothing | Reading::Ignored => Content::Numbers,
                Reading::Texts => Content::Texts,
                Reading::Categories | Reading::CategoriesOrNothing => {
                    let (names, places) = met.sorted();
                    // NaN is no position and stays.
                    let sorted = |met: f64| if met.is_nan() { met } else { places[met as usize] as f64 };
                    values.column_mut(columns.len()).mapv_inplace(sorted);
                    Content::Categories(names)
                }
            });
            columns.push(name.to_owned());
        }
        let target = match (class_names, targets.len()) {
            (Some((names, places)), _) => {
                Target::Classes { names, indices: classes.into_iter().map(|met| places[met]).collect() }
            }
            (None, 0) => Target::None,
            (None, width) => {
                let values = Array2::from_shape_vec((rows, width), numbers);
                Target::Numbers { names: targets, values: values.map_err(|_| TableError::NoTarget)? }
            }
        };
        Ok(Table { columns, contents, values, texts, target })
    }
}

/// What becomes of a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Use {
    Feature(Reading),
    Class,
    Number,
}

impl Use {
    fn is_feature(&self) -> bool {
        matches!(self, Self::Feature(reading) if *reading != Reading::Ignored)
    }
}

/// What becomes of each column.
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
        Wanted::Numbers([]) => return Err(TableError::NoTarget),
        Wanted::Numbers(names) => names.iter().try_for_each(|name| mark(name, Use::Number))?,
    }
    if uses.iter().any(Use::is_feature) { Ok(uses) } else { Err(TableError::NoFeatures) }
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
