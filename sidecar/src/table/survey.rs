//! A first look at a file: what the cells of each column are, before anybody says how to read them.

use std::{
    collections::{BTreeMap, BTreeSet},
    io::Read,
};

use csv::StringRecord;

use super::{
    Table, TableError,
    record::{Cells, names, reader},
};

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

impl Table {
    /// What the cells of each column are, by its name. Holds the different texts of a column up to some thousand.
    ///
    /// # Errors
    /// [`TableError`] if the header is none, or a row has not as many cells.
    pub fn survey(file: impl Read, has_header: bool) -> Result<BTreeMap<String, Survey>, TableError> {
        const DISTINCT: usize = 10_000;
        let mut reader = reader(file, has_header);
        let header = names(&mut reader, has_header)?;
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
}
