//! `svm_classifier`: a class by the decisions of support vector machines.
//!
//! Of two classes, one machine decides: the second class if its decision is at least 0. Of more, there is a machine for
//! each class (one-vs-rest), or for each pair (i, j) of classes with i < j, in order (one-vs-one).
//!
//! Tensors: `support_vectors` (vectors x inputs), `coefficients` (machines x vectors), `intercepts` (machines). With the
//! linear kernel there are no vectors, and `coefficients` is machines x inputs. To choose by `probability`: `platt`
//! (machines x 2), the a and b of Platt's 1 / (1 + exp(a decision + b)).

use serde::{Deserialize, Serialize};

use super::{Kernel, Kind, Role, Step, UNDECIDED, best, machines::Machines, posterior::posterior};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Classes by support vectors, as `linfa_svm::Svm<F, bool>` and `Svm<F, Pr>`. A one-class machine is one as well, of the
/// classes outlier and inlier. scikit-learn's `SVC` chooses by `decision` of two classes and by `votes` of more, even
/// where it is asked for probabilities too.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvmClassifier {
    /// How similar two vectors are.
    pub kernel: Kernel,
    /// What the class is chosen by.
    pub choice: Choice,
}

/// What a class is chosen by. Ties go to the lowest class.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Choice {
    /// The largest decision, one-vs-rest.
    Decision,
    /// The largest of Platt's probabilities, one-vs-rest; they are given too, divided by their sum.
    Probability,
    /// The most votes, one-vs-one: a decision above 0 is a vote for the first class of its pair.
    Votes,
}

#[derive(Debug)]
struct Loaded {
    machines: Machines,
    classes: usize,
    choice: Choice,
    /// a and b of each machine; none unless it is by probability.
    platt: Vec<[f64; 2]>,
}

impl Kind for SvmClassifier {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        let classes = output.width();
        let count = match self.choice {
            _ if classes == 2 => 1,
            Choice::Decision | Choice::Probability => classes,
            Choice::Votes => classes * classes.saturating_sub(1) / 2,
        };
        let machines = Machines::load(&self.kernel, count, inputs, parameters)?;
        let platt = match self.choice {
            Choice::Probability => parameters.matrix("platt", count, 2)?.as_chunks().0.to_vec(),
            Choice::Decision | Choice::Votes => Vec::new(),
        };
        Ok(Box::new(Loaded { machines, classes, choice: self.choice, platt }))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Classifier { classes: self.classes, probabilities: self.choice == Choice::Probability }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], choices: &mut [u32]) {
        let mut decisions = vec![0.0; choices.len() * self.machines.len()];
        self.machines.decide(rows, &mut decisions);
        let decisions = decisions.chunks_exact(self.machines.len());
        match self.choice {
            Choice::Decision | Choice::Votes if self.classes == 2 => {
                for (decision, choice) in decisions.zip(choices) {
                    *choice = if decision[0].is_nan() { UNDECIDED } else { u32::from(decision[0] >= 0.0) };
                }
            }
            Choice::Decision => {
                for (decisions, choice) in decisions.zip(choices) {
                    let overflowed = decisions.iter().any(|decision| decision.is_nan());
                    *choice = if overflowed { UNDECIDED } else { best(decisions, f64::gt) };
                }
            }
            Choice::Votes => {
                let mut votes = vec![0.0; self.classes];
                for (decisions, choice) in decisions.zip(choices) {
                    *choice = elect(decisions, &mut votes);
                }
            }
            Choice::Probability => {
                let scores = scores.chunks_exact_mut(self.classes);
                for ((decisions, probabilities), choice) in decisions.zip(scores).zip(choices) {
                    *choice = calibrate(decisions, &self.platt, probabilities);
                }
            }
        }
    }
}

/// The class with the most votes. `votes` has room for one number per class.
fn elect(decisions: &[f64], votes: &mut [f64]) -> u32 {
    votes.fill(0.0);
    let classes = votes.len();
    let pairs = (0..classes).flat_map(|first| (first + 1..classes).map(move |second| (first, second)));
    for (decision, (first, second)) in decisions.iter().zip(pairs) {
        if decision.is_nan() {
            return UNDECIDED;
        }
        votes[if *decision > 0.0 { first } else { second }] += 1.0;
    }
    best(votes, f64::gt)
}

/// Writes a probability for each class, and gives the class of the largest.
fn calibrate(decisions: &[f64], platt: &[[f64; 2]], probabilities: &mut [f64]) -> u32 {
    let exponent = |(decision, [a, b]): (&f64, &[f64; 2])| a * decision + b;
    let exponents = decisions.iter().zip(platt).map(exponent);
    if let [first, second] = probabilities {
        for exponent in exponents {
            // Each from its own side: 1 - p would lose the small one's digits.
            (*first, *second) = (1.0 / (1.0 + (-exponent).exp()), 1.0 / (1.0 + exponent.exp()));
        }
        return best(probabilities, f64::gt);
    }
    // By their logarithms, -ln(1 + exp(exponent)): far from every class, the probabilities themselves are all 0.
    for (probability, exponent) in probabilities.iter_mut().zip(exponents) {
        *probability = -(exponent.max(0.0) + (-exponent.abs()).exp().ln_1p());
    }
    let mut choice = 0;
    posterior(probabilities, std::slice::from_mut(&mut choice));
    choice
}
