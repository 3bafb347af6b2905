//! The rows of a file as texts: the names of their columns, and single cells with all that an error has to name.

use std::{collections::BTreeSet, io::Read};

use csv::{Reader, ReaderBuilder, StringRecord, Trim};

use super::TableError;

/// Finds fields and lines, without the spaces around them.
pub(super) fn reader<R: Read>(file: R, has_header: bool) -> Reader<R> {
    // Lines of another length are ours to explain.
    ReaderBuilder::new().has_headers(has_header).trim(Trim::All).flexible(true).from_reader(file)
}

/// The names of the columns: those in the header, else numbers.
pub(super) fn names(reader: &mut Reader<impl Read>, has_header: bool) -> Result<StringRecord, TableError> {
    let header = reader.headers()?.clone();
    if header.is_empty() {
        return Err(TableError::Empty);
    }
    if !has_header {
        // This was the first row, which is read again as one.
        return Ok((0..header.len()).map(|column| format!("c{column}")).collect());
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

/// One row, with all that an error has to name.
pub(super) struct Cells<'a> {
    row: usize,
    record: &'a StringRecord,
    header: &'a StringRecord,
}

impl<'a> Cells<'a> {
    pub(super) fn new(
        row: usize,
        record: &'a StringRecord,
        header: &'a StringRecord,
    ) -> Result<Self, TableError> {
        let cells = Self { row, record, header };
        if record.len() == header.len() {
            Ok(cells)
        } else {
            Err(TableError::Ragged { row, found: record.len(), expected: header.len() })
        }
    }

    pub(super) fn text(&self, index: usize) -> Result<&'a str, TableError> {
        match self.any(index) {
            "" => Err(TableError::Missing { row: self.row, column: self.column(index) }),
            text => Ok(text),
        }
    }

    pub(super) fn is_empty(&self, index: usize) -> bool {
        self.any(index).is_empty()
    }

    /// What stands there, which may be nothing.
    pub(super) fn any(&self, index: usize) -> &'a str {
        self.record.get(index).unwrap_or_default()
    }

    pub(super) fn number(&self, index: usize) -> Result<f64, TableError> {
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
