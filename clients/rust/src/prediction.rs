//! What the server answered.

use ndarray::ArrayView2;

use crate::{
    Error,
    pb::{
        Classification, Clustering, ModelRef, PredictResponse, Regression, Transformation, predict_response,
    },
};

/// The answer to every row of a call, from one version of one model.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// Who answered.
    pub model: ModelRef,
    /// What it answered.
    pub answer: Answer,
}

/// An answer, by the model's task.
#[derive(Clone, Debug, PartialEq)]
pub enum Answer {
    /// A class per row, by name, and its probabilities (rows x classes).
    Classification(Classification),
    /// Numbers: rows x targets.
    Regression(Regression),
    /// A cluster per row, and the distance to each or, from a mixture, the probability of each (rows x clusters).
    Clustering(Clustering),
    /// Other rows: rows x names.
    Transformation(Transformation),
}

impl Prediction {
    /// The class of each row; none if the model is no classifier.
    pub fn labels(&self) -> &[String] {
        match &self.answer {
            Answer::Classification(classification) => &classification.labels,
            _ => &[],
        }
    }

    /// The numbers of the answer, row-major: probabilities, values, distances or transformed rows.
    pub fn numbers(&self) -> &[f64] {
        match &self.answer {
            Answer::Classification(classification) => &classification.probabilities,
            Answer::Regression(regression) => &regression.values,
            Answer::Clustering(clustering) if clustering.distances.is_empty() => &clustering.probabilities,
            Answer::Clustering(clustering) => &clustering.distances,
            Answer::Transformation(transformation) => &transformation.values,
        }
    }
}

impl Prediction {
    /// The cluster of each row; none if the model does not cluster.
    pub fn clusters(&self) -> &[u32] {
        match &self.answer {
            Answer::Clustering(clustering) => &clustering.cluster,
            _ => &[],
        }
    }

    /// The names of the columns of [`Prediction::array`]: classes, targets or columns. Clusters have none.
    pub fn names(&self) -> &[String] {
        match &self.answer {
            Answer::Classification(classification) => &classification.classes,
            Answer::Regression(regression) => &regression.targets,
            Answer::Clustering(_) => &[],
            Answer::Transformation(transformation) => &transformation.names,
        }
    }

    /// The numbers as rows: rows x classes, targets, clusters or columns. Rows x 0 where a classifier gives no probabilities.
    ///
    /// # Errors
    /// [`Error::Malformed`] if they do not form rows.
    pub fn array(&self) -> Result<ArrayView2<'_, f64>, Error> {
        let numbers = self.numbers();
        let width = match &self.answer {
            Answer::Classification(answer) => numbers.len() / answer.labels.len().max(1),
            Answer::Clustering(answer) => numbers.len() / answer.cluster.len().max(1),
            Answer::Regression(answer) => answer.targets.len(),
            Answer::Transformation(answer) => answer.names.len(),
        };
        let rows = match &self.answer {
            Answer::Classification(answer) => answer.labels.len(),
            Answer::Clustering(answer) => answer.cluster.len(),
            Answer::Regression(_) | Answer::Transformation(_) => numbers.len() / width.max(1),
        };
        ArrayView2::from_shape((rows, width), numbers)
            .ok()
            .filter(|array| array.len() == numbers.len())
            .ok_or(Error::Malformed("numbers that do not form rows"))
    }
}

impl TryFrom<PredictResponse> for Prediction {
    type Error = Error;

    fn try_from(response: PredictResponse) -> Result<Self, Error> {
        let model = response.model.ok_or(Error::Malformed("no model"))?;
        let prediction = response.prediction.ok_or(Error::Malformed("no prediction"))?;
        let answer = match prediction {
            predict_response::Prediction::Classification(answer) => Answer::Classification(answer),
            predict_response::Prediction::Regression(answer) => Answer::Regression(answer),
            predict_response::Prediction::Clustering(answer) => Answer::Clustering(answer),
            predict_response::Prediction::Transformation(answer) => Answer::Transformation(answer),
        };
        Ok(Self { model, answer })
    }
}
