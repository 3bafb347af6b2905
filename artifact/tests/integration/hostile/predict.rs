//! Rows that a good model cannot answer.

use artifact::{
    BadCell, Batch, BatchError, Fault, PredictError, Predictions,
    testkit::{Parts, binary, classifier, clusters, f64s, linear, tree},
};

use super::load;

fn predict(pack: &artifact::Artifact, values: Vec<f64>, columns: usize) -> Result<Predictions, PredictError> {
    let model = load(&pack.files().unwrap()).unwrap();
    let mut answers = Predictions::default();
    model.predict(&Batch::new(values, columns).unwrap(), &mut answers)?;
    Ok(answers)
}

#[test]
fn finite_input_with_a_result_that_is_not_finite_is_told_by_row_and_step() {
    let not_finite = |row, step, kind| Err(PredictError::NotFinite { row, step, kind });
    let answer =
        |pack, values, columns| predict(&pack, values, columns).map(|answers| answers.scores().to_vec());
    assert_eq!(
        answer(linear("a", 2.0), vec![0.0, 0.0, 1e308, 0.0], 2),
        not_finite(1, 0, "linear_regression")
    );
    assert_eq!(answer(clusters("a"), vec![0.0, 0.0, 0.0, 0.0, 1e200, 0.0], 2), not_finite(2, 0, "kmeans"));
    // The probabilities of an infinite score would be finite, and one of them 1.
    assert_eq!(answer(binary("a"), vec![1e308, 0.0], 2), not_finite(0, 0, "logistic_regression"));
    assert_eq!(answer(classifier("a"), vec![0.0, 1.7e308, 0.0, 0.0], 4), not_finite(0, 0, "standard_scaler"));
    assert_eq!(
        answer(classifier("a"), vec![0.0, 0.0, 0.0, -1.4e308], 4),
        not_finite(0, 1, "multinomial_logistic_regression")
    );
    assert_eq!(
        predict(&linear("a", 2.0), vec![1e308, 0.0], 2).unwrap_err().to_string(),
        "row 0: the result of step 0 (`linear_regression`) is not finite"
    );
}

#[test]
fn rows_of_another_width_are_refused() {
    assert_eq!(
        predict(&linear("a", 2.0), vec![0.0; 6], 3).unwrap_err().to_string(),
        "rows of 3 values, the model takes 2"
    );
}

#[test]
fn values_that_are_no_batch_are_refused() {
    let error = |values, columns| Batch::new(values, columns).unwrap_err().to_string();
    assert_eq!(error(vec![], 2), "no rows");
    assert_eq!(error(vec![0.0; 3], 2), "3 values do not form rows of 2");
    assert_eq!(error(vec![0.0; 3], 0), "3 values do not form rows of 0");
    assert_eq!(error(vec![0.0, 0.0, f64::NAN, 0.0], 2), "row 1, column 0: not a finite number");
    assert_eq!(
        Batch::new(vec![f64::INFINITY; 40], 2).unwrap_err(),
        BatchError::Cells(
            (0..16)
                .map(|index| BadCell { row: index / 2, column: index % 2, fault: Fault::NotFinite })
                .collect()
        )
    );
}

#[test]
fn a_tree_answers_classes_and_no_scores() {
    let answers = predict(&tree("a"), vec![0.0, 0.0, 2.0, 0.0, 2.0, 9.0], 2).unwrap();
    assert_eq!((answers.rows(), answers.width()), (3, 0));
    assert_eq!(answers.choices(), [0, 1, 2]);
    assert!(answers.scores().is_empty());
}

#[test]
fn predictions_that_are_used_again_keep_nothing_of_the_last_answer() {
    let mut answers = Predictions::default();
    let batch = |rows: usize, columns| Batch::new(vec![1.0; rows * columns], columns).unwrap();
    for (pack, columns, width, chooses) in [
        (classifier("a"), 4, 3, true),
        (linear("a", 2.0), 2, 1, false),
        (tree("a"), 2, 0, true),
        (clusters("a"), 2, 3, true),
    ] {
        let model = load(&pack.files().unwrap()).unwrap();
        for rows in [7, 2] {
            model.predict(&batch(rows, columns), &mut answers).unwrap();
            let mut fresh = Predictions::default();
            model.predict(&batch(rows, columns), &mut fresh).unwrap();
            assert_eq!((answers.rows(), answers.width()), (rows, width));
            assert_eq!(answers.scores(), fresh.scores());
            assert_eq!(answers.choices(), fresh.choices());
            assert_eq!(answers.choices().len(), if chooses { rows } else { 0 });
        }
    }
}

#[test]
fn ties_go_to_the_lowest_index() {
    let files = Parts::of(&classifier("a"))
        .set_tensor("1.coefficients", artifact::testkit::matrix([[0.0; 4]; 3]))
        .set_tensor("1.intercepts", f64s([0.0, 1.0, 1.0]))
        .files();
    let mut answers = Predictions::default();
    load(&files).unwrap().predict(&Batch::new(vec![1.0; 4], 4).unwrap(), &mut answers).unwrap();
    assert_eq!(answers.choices(), [1]);
    // As far from the first centroid as from the second.
    assert_eq!(predict(&clusters("a"), vec![5.0, 0.0], 2).unwrap().choices(), [0]);
}

#[test]
fn scores_whose_exponential_overflows_still_give_probabilities() {
    let probabilities = |pack, values, columns| predict(&pack, values, columns).unwrap().scores().to_vec();
    assert_eq!(probabilities(classifier("a"), vec![5.0, 3.0, 4000.0, 1.0], 4), [0.0, 0.0, 1.0]);
    assert_eq!(probabilities(binary("a"), vec![1000.0, 0.0], 2), [0.0, 1.0]);
    assert_eq!(probabilities(binary("a"), vec![-1000.0, 0.0], 2), [1.0, 0.0]);
}
