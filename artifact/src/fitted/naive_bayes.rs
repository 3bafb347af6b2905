//! `gaussian_nb`, `multinomial_nb` and `bernoulli_nb` from `linfa_bayes`, whose labels are class indices. linfa knows the classes
//! of the training rows alone, in ascending order: if one never occurred there, the tensors will not fit the manifest.
//!
//! ```
//! use artifact::Artifact;
//! use linfa::{Dataset, traits::Fit};
//! use ndarray::array;
//!
//! let dataset = Dataset::new(array![[1.0, 2.0], [1.5, 2.5], [8.0, 9.0], [8.5, 9.5]], array![0, 0, 1, 1]);
//! let model = linfa_bayes::GaussianNb::params().fit(&dataset)?;
//! Artifact::from_fitted(&model, "sizes", &dataset)?.named(["small", "large"]).seal()?;
//! # Ok::<(), Box<dyn std::error::Error>>(())
//! ```

use std::collections::BTreeMap;

use linfa::{Float, traits::Predict as _};
use linfa_bayes::{GaussianNb, MultinomialNb, NaiveBayes};
use ndarray::{Array1, Array2, Ix1};
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{
    Answers, ExportError, Fitted,
    hidden::{Hidden, fields, numbers, unit_rows},
    narrow, wide,
};
use crate::{
    Exported,
    steps::{Role, bernoulli_nb, gaussian_nb, multinomial_nb},
    tensors::Tensor,
};

/// The fields of a naive Bayes model that linfa shows in no other way than serialised, by class.
#[derive(Deserialize)]
struct Classes<C> {
    class_info: BTreeMap<usize, C>,
}

#[derive(Deserialize)]
#[serde(bound = "F: DeserializeOwned")]
struct Curves<F> {
    prior: F,
    theta: Hidden<F, Ix1>,
    sigma: Hidden<F, Ix1>,
}

#[derive(Deserialize)]
#[serde(bound = "F: DeserializeOwned")]
struct Shares<F> {
    prior: F,
    feature_log_prob: Hidden<F, Ix1>,
}

impl<F: Float + Serialize + DeserializeOwned> Fitted for GaussianNb<F, usize> {
    fn role(&self) -> Role {
        role(curves(self).map_or(0, |classes| classes.len()))
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let classes = curves(self)?;
        let priors: Vec<_> = classes.values().map(|class| class.prior).collect();
        let matrix = |array: fn(&Curves<F>) -> &Hidden<F, Ix1>| matrix(classes.values().map(array));
        Ok(vec![Exported::new(
            gaussian_nb::GaussianNb {},
            [
                ("priors", Tensor::floats(&[priors.len()], &priors)),
                ("means", matrix(|class| &class.theta)),
                ("variances", matrix(|class| &class.sigma)),
            ],
        )])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        answers(self, &rows, self.predict(&rows))
    }
}

impl<F: Float + Serialize + DeserializeOwned> Fitted for MultinomialNb<F, usize> {
    fn role(&self) -> Role {
        role(shares(self).map_or(0, |classes| classes.len()))
    }

    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        let classes = shares(self)?;
        let priors: Vec<_> = classes.values().map(|class| class.prior).collect();
        Ok(vec![Exported::new(
            multinomial_nb::MultinomialNb {},
            [
                ("priors", Tensor::floats(&[priors.len()], &priors)),
                ("log_shares", matrix(classes.values().map(|class| &class.feature_log_prob))),
            ],
        )])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        answers(self, &rows, self.predict(&rows))
    }
}

/// A [`linfa_bayes::BernoulliNb`], with what linfa tells nobody of it. With another threshold than the model's,
/// [`crate::Artifact::seal`] shows where the two differ; with another width, linfa panics.
#[derive(Clone, Debug)]
pub struct BernoulliNb<F: Float> {
    /// The model.
    pub model: linfa_bayes::BernoulliNb<F, usize>,
    /// How many features it has.
    pub inputs: usize,
    /// The `binarize` that it was fitted with.
    pub threshold: Option<F>,
}

impl<F: Float> BernoulliNb<F> {
    /// The score of each row, by class.
    fn scores(&self, rows: &Array2<F>) -> BTreeMap<usize, Array1<F>> {
        let scores = self.model.joint_log_likelihood(rows.view());
        scores.into_iter().map(|(class, scores)| (*class, scores)).collect()
    }
}

impl<F: Float> Fitted for BernoulliNb<F> {
    fn role(&self) -> Role {
        role(self.scores(&Array2::zeros((1, self.inputs))).len())
    }

    /// A score is a weighted sum, so that its weights are what each feature adds to that of a row of zeros.
    fn export(&self) -> Result<Vec<Exported>, ExportError> {
        // Large, so that a weight keeps its digits beside the intercept; a power of two, so that it loses none.
        let amount = F::cast(1 << 20);
        let zeros = self.scores(&Array2::zeros((1, self.inputs)));
        let intercepts: Vec<F> = zeros.into_values().map(|score| score[0]).collect();
        let mut log_odds = vec![Vec::new(); intercepts.len()];
        for rows in unit_rows(self.inputs, amount) {
            for ((odds, intercept), scores) in
                log_odds.iter_mut().zip(&intercepts).zip(self.scores(&rows).values())
            {
                odds.extend(scores.iter().map(|score| (*score - *intercept) / amount));
            }
        }
        Ok(vec![Exported::new(
            bernoulli_nb::BernoulliNb { threshold: self.threshold.and_then(|threshold| threshold.to_f64()) },
            [
                ("log_odds", Tensor::floats(&[intercepts.len(), self.inputs], log_odds.iter().flatten())),
                ("intercepts", Tensor::floats(&[intercepts.len()], &intercepts)),
            ],
        )])
    }

    fn answer(&self, rows: &Array2<f64>) -> Answers {
        let rows = narrow(rows);
        let choices = self.model.predict(&rows);
        // linfa's predict compares with the threshold; its scores take a row as it is.
        let compared = match self.threshold {
            Some(threshold) => rows.mapv(|value| if value > threshold { F::one() } else { F::zero() }),
            None => rows,
        };
        answers(&self.model, &compared, choices)
    }
}

fn role(classes: usize) -> Role {
    Role::Classifier { classes, probabilities: true }
}

fn curves<F>(model: &GaussianNb<F, usize>) -> Result<BTreeMap<usize, Curves<F>>, ExportError>
where
    F: Float + Serialize + DeserializeOwned,
{
    Ok(fields::<Classes<_>>("linfa_bayes::GaussianNb", model)?.class_info)
}

fn shares<F>(model: &MultinomialNb<F, usize>) -> Result<BTreeMap<usize, Shares<F>>, ExportError>
where
    F: Float + Serialize + DeserializeOwned,
{
    Ok(fields::<Classes<_>>("linfa_bayes::MultinomialNb", model)?.class_info)
}

/// One row per class.
fn matrix<'a, F: Float>(rows: impl Iterator<Item = &'a Hidden<F, Ix1>>) -> Tensor {
    let rows: Vec<_> = rows.map(numbers).collect();
    let inputs = rows.first().map_or(0, Vec::len);
    Tensor::floats(&[rows.len(), inputs], rows.iter().flatten())
}

/// linfa's choices, and the probabilities by its scores. linfa's own are infinite or NaN where the exponentials of all scores
/// of a row are zero, so that they are normalised here.
fn answers<'a, F: Float>(
    model: &'a impl NaiveBayes<'a, F, usize>,
    rows: &Array2<F>,
    choices: Array1<usize>,
) -> Answers {
    let by_class: BTreeMap<_, _> = model.joint_log_likelihood(rows.view()).into_iter().collect();
    let mut scores = Array2::zeros((rows.nrows(), by_class.len()));
    for (mut column, of_class) in scores.columns_mut().into_iter().zip(by_class.into_values()) {
        column.assign(&wide(of_class));
    }
    for mut row in scores.rows_mut() {
        let largest = row.fold(f64::NEG_INFINITY, |largest, score| largest.max(*score));
        row.mapv_inplace(|score| (score - largest).exp());
        let sum = row.sum();
        row /= sum;
    }
    Answers { choices: Some(choices), scores }
}
