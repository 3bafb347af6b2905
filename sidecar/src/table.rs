//! CSV files as tables: read as a stream, each cell checked. A category becomes a number at once, so that no text is held but
//! free ones. What the columns mean is the caller's business: linfactl trains on them and asks for answers, the check `quality`
//! scores on them.

mod error;
mod hashing;
mod record;
mod rows;
mod survey;

use std::{collections::BTreeMap, io::Read};

use artifact::{
    Series,
    ndarray::{Array1, Array2},
};

pub use error::TableError;
pub use hashing::Hashing;
pub use rows::Rows;
pub use survey::Survey;

/// A CSV file, or some rows of it.
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

impl Table {
    /// The names of all columns.
    ///
    /// # Errors
    /// [`TableError`] if the header is none.
    pub fn header(file: impl Read) -> Result<Vec<String>, TableError> {
        Ok(record::names(&mut record::reader(file, true), true)?.iter().map(str::to_owned).collect())
    }

    /// Reads all of `file`.
    ///
    /// # Errors
    /// [`TableError`], by the first rule that is broken.
    pub fn read(file: impl Read, layout: &Layout<'_>) -> Result<Self, TableError> {
        Rows::of(file, layout)?.next(usize::MAX)?.ok_or(TableError::NoRows)
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

#[cfg(test)]
mod tests {
    use artifact::{Digest, ndarray::array};

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
        let readings = [("id, old".to_owned(), Reading::Ignored)].into();
        let layout = Layout { header: true, target: Wanted::Classes("species"), readings: &readings };
        let mut file = Hashing::of(text.as_bytes());
        let table = Table::read(&mut file, &layout).unwrap();
        assert_eq!(file.digest(), Digest::of(text.as_bytes()));
        assert_eq!(table.columns, ["a", "b and c"]);
        assert_eq!(table.values, array![[1.0, 2.0], [-3.0, 0.5]]);
        let Target::Classes { names, indices } = table.target else { panic!("no classes") };
        assert_eq!(names, ["blue", "wild, red"]);
        assert_eq!(indices, array![1, 0]);
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
    fn some_rows_at_a_time_are_the_rows_of_the_whole() {
        let (text, readings) =
            ("size,kind\n1,b\n2,a\n3,c\n4,\n", [("kind".to_owned(), Reading::Categories)].into());
        let layout = Layout { header: true, target: Wanted::Nothing, readings: &readings };
        let mut rows = Rows::of(text.as_bytes(), &layout).unwrap();
        let mut next = || rows.next(2).map(|table| table.map(|table| [table.series(0), table.series(1)]));
        let kinds = |kinds: [&str; 2]| Series::Texts(kinds.map(str::to_owned).to_vec());
        assert_eq!(next().unwrap(), Some([Series::Numbers(vec![1.0, 2.0]), kinds(["b", "a"])]));
        assert_eq!(next().unwrap_err().to_string(), "row 4, column `kind`: the value is missing");

        let whole = text.replace("4,", "4,a");
        let mut rows = Rows::of(whole.as_bytes(), &layout).unwrap();
        let counts: Vec<_> =
            std::iter::from_fn(|| rows.next(3).unwrap()).map(|table| table.values.nrows()).collect();
        assert_eq!(counts, [3, 1]);
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
