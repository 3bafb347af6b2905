//! A fitted model as a whole: the scaler, if there is one, then the estimator. All of it is linfa's.

use artifact::{Exported, steps::standard_scaler::StandardScaler};
use linfa::{
    DatasetBase,
    traits::{Fit as _, Transformer as _},
};
use linfa_preprocessing::linear_scaling::LinearScaler;
use ndarray::Array2;

use super::{
    algorithms::{Algorithm, Answers, Fitted, Lesson},
    hyper::Hyper,
    split::Part,
};

/// A model that linfa fitted.
pub(crate) struct Trained {
    scaler: Option<LinearScaler<f64>>,
    estimator: Box<dyn Fitted>,
}

impl Trained {
    /// Fits the scaler, if one is wanted, and the estimator on what it gives.
    pub(crate) fn fit(
        algorithm: Algorithm,
        part: &Part,
        scale: bool,
        seed: u64,
        hyper: &mut Hyper,
    ) -> anyhow::Result<Self> {
        if !scale {
            let estimator = algorithm.fit(&Lesson { part, seed }, hyper)?;
            return Ok(Self { scaler: None, estimator });
        }
        let scaler = LinearScaler::standard().fit(&DatasetBase::from(part.records.view()))?;
        let part = Part { records: scaler.transform(part.records.clone()), target: part.target.clone() };
        let estimator = algorithm.fit(&Lesson { part: &part, seed }, hyper)?;
        Ok(Self { scaler: Some(scaler), estimator })
    }

    /// What linfa answers to `rows`, which are not scaled yet.
    pub(crate) fn answer(&self, rows: &Array2<f64>) -> Answers {
        match &self.scaler {
            Some(scaler) => self.estimator.answer(&scaler.transform(rows.clone())),
            None => self.estimator.answer(rows),
        }
    }

    /// The steps of the artifact.
    pub(crate) fn export(&self) -> Vec<Exported> {
        let scaler = self.scaler.as_ref().map(StandardScaler::export);
        scaler.into_iter().chain([self.estimator.export()]).collect()
    }
}
