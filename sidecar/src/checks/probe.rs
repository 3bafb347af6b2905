//! `probe`: rows in and far around the training ranges get sound answers: finite numbers, probabilities that are
//! some, and the same bits alone as among others. The rows are the same each time.

use artifact::{
    Batch, BatchError, Cell, Feature, FeatureKind, Golden, Model, Output, PredictError, Predictions, Series,
    feature::{Category, Statistics, Unknown},
};

use super::Failure;

pub(super) const NAME: &str = "probe";

/// How far around the training range the rows reach.
const WIDENED: f64 = 10.0;
/// The fewest rows, however large the model, and the most.
const ROWS: (usize, usize) = (16, 256);
/// About how many numbers all rows together may touch, so that no model holds up the others.
const WORK: usize = 500_000_000;
/// The most numbers of all rows, or of all answers, so that no model exhausts the memory.
const CELLS: usize = 4 << 20;
/// How far from 1 the probabilities of a row may add up to.
const SUM: f64 = 1e-9;

/// Why an answer is not sound, one variant per rule. Rows count from 1.
#[derive(Debug, thiserror::Error)]
enum ProbeError {
    /// The range that the manifest gives reaches beyond all numbers.
    #[error("the rows of the probe are no batch: {0}")]
    Rows(#[from] BatchError),
    /// A model that overflows near its training data has no answer in practice either.
    #[error(
        "row {row} of the probe, within {WIDENED} times the training ranges: the result of step {step} (`{kind}`) is not finite"
    )]
    NotFinite { row: usize, step: usize, kind: &'static str },
    /// The probe's own rows do not fit.
    #[error("the rows of the probe do not fit: {0}")]
    Fit(PredictError),
    /// Not a probability, whatever it is.
    #[error("row {row} of the probe: the probability of `{class}` is {value}")]
    Probability { row: usize, class: String, value: f64 },
    /// Probabilities of something else than one of the classes.
    #[error("row {row} of the probe: the probabilities add up to {sum}")]
    Sum { row: usize, sum: f64 },
    /// A client would be told a class that does not exist.
    #[error("row {row} of the probe: the answer is number {choice} of {names}")]
    Choice { row: usize, choice: u32, names: usize },
    /// The answer to one caller would depend on who else is calling.
    #[error("row {row} of the probe: its answer alone differs from its answer among {rows} rows")]
    Batching { row: usize, rows: usize },
}

/// Lets the model answer the rows, together and one by one. Free texts are those of the golden rows and what is made of them.
pub(super) fn probe(model: &Model, golden: &Golden) -> Result<((), String), Failure> {
    Ok(((), answers(model, golden).map_err(Failure::sure)?))
}

fn answers(model: &Model, golden: &Golden) -> Result<String, ProbeError> {
    let (inputs, output) = (&model.manifest().inputs, &model.manifest().output);
    let rows = row_count(inputs.len().max(output.width()), model.parameters());
    let batch = model.batch(columns(inputs, golden, rows))?;
    let predict = |batch: &Batch, answers: &mut Predictions| {
        model.predict(batch, answers).map_err(|error| match error {
            PredictError::NotFinite { row, step, kind } => ProbeError::NotFinite { row: row + 1, step, kind },
            PredictError::Width { .. } | PredictError::Foreign => ProbeError::Fit(error),
        })
    };
    let (mut all, mut alone) = (Predictions::default(), Predictions::default());
    predict(&batch, &mut all)?;
    let names = output.names();
    for (index, row) in (0..rows).filter_map(|index| Some((index, batch.row(index)?))) {
        let among = Answer::of(&all, index);
        among.is_sound(index + 1, output, &names)?;
        predict(&row, &mut alone)?;
        among.is_the_same(index + 1, &Answer::of(&alone, 0), rows)?;
    }
    Ok(format!("{rows} rows, each alone as among the others{}", figures(output, &all)))
}

/// How many rows to ask for, by the numbers of a row or an answer and by those of the model.
fn row_count(width: usize, parameters: usize) -> usize {
    (WORK / (width + parameters)).min(CELLS / width).clamp(ROWS.0, ROWS.1)
}

/// How far the probabilities are off, or how far the results reach.
fn figures(output: &Output, answers: &Predictions) -> String {
    if answers.scores().is_empty() {
        return String::new();
    }
    if matches!(output, Output::Classification { .. }) {
        let sums = answers.scores().chunks_exact(answers.width()).map(|row| row.iter().sum::<f64>());
        let off = sums.map(|sum| (sum - 1.0).abs()).fold(0.0, f64::max);
        return format!("; probabilities add up to 1 within {off:.1e}");
    }
    let ends = |(low, high): (f64, f64), score: &f64| (low.min(*score), high.max(*score));
    let (low, high) = answers.scores().iter().fold((f64::INFINITY, f64::NEG_INFINITY), ends);
    format!("; results from {low:.3e} to {high:.3e}")
}

/// The answer to one row.
#[derive(Clone, Copy, Debug)]
struct Answer<'a> {
    scores: &'a [f64],
    choice: Option<u32>,
}

impl<'a> Answer<'a> {
    fn of(answers: &'a Predictions, row: usize) -> Self {
        Self {
            scores: &answers.scores()[row * answers.width()..][..answers.width()],
            choice: answers.choices().get(row).copied(),
        }
    }

    fn is_sound(&self, row: usize, output: &Output, names: &[String]) -> Result<(), ProbeError> {
        let names_nothing = |choice: &u32| *choice as usize >= names.len();
        if let Some(choice) = self.choice.filter(names_nothing) {
            return Err(ProbeError::Choice { row, choice, names: names.len() });
        }
        if !matches!(output, Output::Classification { .. }) || self.scores.is_empty() {
            return Ok(());
        }
        for (value, class) in self.scores.iter().zip(names) {
            // Written so that a NaN fails.
            if !(0.0..=1.0).contains(value) {
                return Err(ProbeError::Probability { row, class: class.clone(), value: *value });
            }
        }
        let sum: f64 = self.scores.iter().sum();
        if (sum - 1.0).abs() > SUM {
            return Err(ProbeError::Sum { row, sum });
        }
        Ok(())
    }

    fn is_the_same(&self, row: usize, alone: &Answer<'_>, rows: usize) -> Result<(), ProbeError> {
        let bits =
            |answer: &Answer<'_>| -> Vec<u64> { answer.scores.iter().map(|score| score.to_bits()).collect() };
        if self.choice == alone.choice && bits(self) == bits(alone) {
            Ok(())
        } else {
            Err(ProbeError::Batching { row, rows })
        }
    }
}

/// `count` values of each feature: first all features at their extremes, at their deciles and at the widened ends, then
/// by turns values scattered over the widened ranges and over their corners. Where a value may be missing, some are.
fn columns(inputs: &[Feature], golden: &Golden, count: usize) -> Vec<Series> {
    let mut scatter = Scatter(0x6c69_6e66_6121);
    let column = |(place, feature): (usize, &Feature)| match &feature.kind {
        FeatureKind::Number { statistics, missing } => {
            let missing = |row: usize| *missing && row % 5 == place % 5;
            let numbers = (0..count).map(|row| (row, number(statistics, row, &mut scatter)));
            Series::Numbers(
                numbers.map(|(row, number)| if missing(row) { f64::NAN } else { number }).collect(),
            )
        }
        FeatureKind::Category(category) => {
            let texts = categories(category);
            // All of them in turn, from another one each time, so that those of two columns meet in all ways.
            let text = |row: usize| texts[(row + row / texts.len() * place) % texts.len()].clone();
            Series::Texts((0..count).map(text).collect())
        }
        FeatureKind::Text { .. } => Series::Texts(self::texts(place, golden, count)),
    };
    inputs.iter().enumerate().map(column).collect()
}

/// The value of a number in that row.
fn number(feature: &Statistics, row: usize, scatter: &mut Scatter) -> f64 {
    match row {
        0 => feature.min,
        1 => feature.max,
        2 => feature.mean,
        3..12 => feature.deciles[row - 3],
        12 => at(feature, -1.0),
        13 => at(feature, 1.0),
        _ if row.is_multiple_of(2) => at(feature, scatter.next()),
        _ => at(feature, scatter.next().signum()),
    }
}

/// Every text that the feature takes: its categories, one that is none, and none at all.
fn categories(category: &Category) -> Vec<String> {
    let unknown = (category.unknown == Unknown::Ignore).then(|| {
        // Longer than each of them, hence none.
        let longest = category.categories.iter().map(String::len).max().unwrap_or_default();
        "?".repeat(longest + 1)
    });
    let missing = category.missing_as.is_some().then(String::new);
    category.categories.iter().cloned().chain(unknown).chain(missing).collect()
}

/// Texts of the golden rows as they are, twice in one, cut in the middle; and none at all.
fn texts(place: usize, golden: &Golden, count: usize) -> Vec<String> {
    let cells = golden.rows().iter().filter_map(|row| row.input.get(place));
    let given: Vec<_> =
        cells.map(|cell| if let Cell::Text(text) = cell { text.as_str() } else { "" }).collect();
    let text = |row: usize| {
        let text = given.get(row % given.len().max(1)).copied().unwrap_or_default();
        match row % 4 {
            0 => String::new(),
            1 => format!("{text} {text}"),
            2 => text.chars().take(text.chars().count() / 2).collect(),
            _ => text.to_owned(),
        }
    };
    (0..count).map(text).collect()
}

/// A point of the feature's widened range: -1 is its lower end, 1 its upper one.
fn at(feature: &Statistics, place: f64) -> f64 {
    let centre = feature.min / 2.0 + feature.max / 2.0;
    let half = match feature.max / 2.0 - feature.min / 2.0 {
        // A constant feature has no range, but a request may give another value.
        0.0 => feature.mean.abs().max(1.0),
        half => half,
    };
    (centre + place * WIDENED * half).clamp(f64::MIN, f64::MAX)
}

/// Numbers in -1 to 1 that are the same each time.
///
/// Source: SplitMix64 of Steele, Lea and Flood, "Fast splittable pseudorandom number generators", 2014.
struct Scatter(u64);

impl Scatter {
    fn next(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut bits = self.0;
        bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bits ^= bits >> 31;
        // The 53 upper bits are a number in 0 to 1.
        (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn numbers(min: f64, max: f64) -> Statistics {
        let mean = (min + max) / 2.0;
        Statistics { min, max, mean, std: 1.0, deciles: [mean; 9] }
    }

    /// The values of those features, column by column; they have no free texts.
    fn columns_of<const N: usize>(kinds: [FeatureKind; N]) -> [Series; N] {
        let golden = Golden::parse(br#"{"input":[0],"scores":[0],"tolerance":0}"#).unwrap();
        let inputs = kinds.map(|kind| Feature { name: "x".into(), kind });
        columns(&inputs, &golden, 256).try_into().unwrap()
    }

    fn values(statistics: Statistics) -> Vec<f64> {
        let [Series::Numbers(values)] = columns_of([FeatureKind::Number { statistics, missing: false }])
        else {
            panic!("numbers are no numbers")
        };
        values
    }

    fn sound(choice: u32, scores: &[f64]) -> Result<(), String> {
        let classes: Vec<String> = vec!["no".into(), "yes".into()];
        let output = Output::Classification { classes: classes.clone() };
        let answer = Answer { scores, choice: Some(choice) };
        answer.is_sound(3, &output, &classes).map_err(|error| error.to_string())
    }

    #[test]
    fn an_answer_that_is_no_distribution_over_the_classes_is_refused() {
        let say = |choice, scores| sound(choice, scores).unwrap_err();
        assert_eq!(sound(1, &[0.25, 0.75]), Ok(()));
        assert_eq!(sound(1, &[]), Ok(()));
        assert_eq!(say(0, &[1.5, -0.5]), "row 3 of the probe: the probability of `no` is 1.5");
        assert_eq!(say(0, &[1.0, f64::NAN]), "row 3 of the probe: the probability of `yes` is NaN");
        assert_eq!(say(0, &[0.5, 0.25]), "row 3 of the probe: the probabilities add up to 0.75");
        assert_eq!(say(2, &[0.5, 0.5]), "row 3 of the probe: the answer is number 2 of 2");
    }

    #[test]
    fn an_answer_that_depends_on_its_neighbours_is_refused() {
        let answer = |scores, choice| Answer { scores, choice };
        let next = [0.1, 0.2_f64.next_up()];
        let among = answer(&[0.1, 0.2], None);
        assert!(among.is_the_same(1, &answer(&[0.1, 0.2], None), 9).is_ok());
        for alone in [answer(&next, None), answer(&[0.1], None), answer(&[0.1, 0.2], Some(0))] {
            assert_eq!(
                among.is_the_same(1, &alone, 9).unwrap_err().to_string(),
                "row 1 of the probe: its answer alone differs from its answer among 9 rows"
            );
        }
        // Equal as numbers, but not the same bits.
        let zeros = (answer(&[0.0], None), answer(&[-0.0], None));
        assert!(zeros.0.is_the_same(1, &zeros.1, 9).is_err());
    }

    #[test]
    fn the_rows_reach_ten_times_around_the_training_range_and_are_the_same_each_time() {
        let (ranged, constant) = (values(numbers(2.0, 4.0)), values(numbers(5.0, 5.0)));
        assert_eq!(ranged.len(), 256);
        assert_eq!(ranged, values(numbers(2.0, 4.0)));
        let ends = |values: &[f64]| {
            values.iter().fold((f64::MAX, f64::MIN), |(low, high), value| (low.min(*value), high.max(*value)))
        };
        assert_eq!(ranged[12..14], [-7.0, 13.0]);
        assert_eq!(constant[12..14], [-45.0, 55.0]);
        let corner = |value: &f64| [-7.0, 13.0].contains(value);
        let scattered = &ranged[14..];
        assert!(scattered.iter().step_by(2).all(|value| !corner(value)));
        assert!(scattered.iter().skip(1).step_by(2).all(corner));
        assert_eq!(ends(&ranged), (-7.0, 13.0));
        assert_eq!(ends(&constant), (-45.0, 55.0), "a constant feature is widened by its size");
        assert!(values(numbers(f64::MIN, f64::MAX)).iter().all(|value| value.is_finite()));
    }

    #[test]
    fn the_rows_show_every_category_one_that_is_none_and_values_that_are_missing() {
        let category = |unknown, missing_as| Category {
            categories: vec!["a".into(), "long".into()],
            counts: vec![1, 1],
            unknown,
            missing_as,
        };
        let [numbers, closed, open] = columns_of([
            FeatureKind::Number { statistics: numbers(1.0, 2.0), missing: true },
            FeatureKind::Category(category(Unknown::Refuse, None)),
            FeatureKind::Category(category(Unknown::Ignore, Some("a".into()))),
        ]);
        let Series::Numbers(numbers) = numbers else { panic!("numbers are no numbers") };
        assert!((40..60).contains(&numbers.iter().filter(|number| number.is_nan()).count()));
        let shown = |series| match series {
            Series::Texts(texts) => texts.into_iter().collect::<std::collections::BTreeSet<_>>(),
            Series::Numbers(_) => panic!("texts are numbers"),
        };
        assert_eq!(shown(closed).into_iter().collect::<Vec<_>>(), ["a", "long"]);
        assert_eq!(shown(open).into_iter().collect::<Vec<_>>(), ["", "?????", "a", "long"]);
    }

    #[test]
    fn the_larger_the_model_the_fewer_the_rows_but_never_fewer_than_sixteen() {
        assert_eq!(row_count(4, 15), 256);
        // 16 million numbers: a file of 128 MiB.
        assert_eq!(row_count(10, 10_000_000), 49);
        assert_eq!(row_count(10, 16_000_000), 31);
        assert_eq!(row_count(100_000, 16_000_000), 31);
        // As many numbers in answers as fit into 32 MiB.
        assert_eq!(row_count(100_000, 1), 41);
        assert_eq!(row_count(10, usize::MAX / 2), 16);
    }

    #[test]
    fn the_rows_show_each_decile() {
        let deciles = [1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0, 9.0];
        assert_eq!(values(Statistics { deciles, ..numbers(0.0, 10.0) })[3..12], deciles);
    }

    #[test]
    fn the_scattered_numbers_are_those_of_splitmix64() {
        // The first numbers that the reference implementation gives for the seed 0.
        let mut scatter = Scatter(0);
        for bits in [0xe220_a839_7b1d_cdaf_u64, 0x6e78_9e6a_a1b9_65f4] {
            assert_eq!(scatter.next(), (bits >> 11) as f64 / (1_u64 << 52) as f64 - 1.0);
        }
    }
}
