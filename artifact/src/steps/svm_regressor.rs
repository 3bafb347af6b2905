//! `svm_regressor`: for each target, the decision of a support vector machine.
//!
//! Tensors: `support_vectors` (vectors x inputs), `coefficients` (targets x vectors), `intercepts` (targets). With the
//! linear kernel there are no vectors, and `coefficients` is targets x inputs.

use serde::{Deserialize, Serialize};

use super::{Kernel, Kind, Role, Step, machines::Machines};
use crate::{
    Output,
    tensors::{Parameters, TensorError},
};

/// Numbers by support vectors, as `linfa_svm::Svm<F, F>` with an epsilon or a nu loss. It serves the decision values of a
/// classifier or a one-class machine as well: their tensors are the same.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SvmRegressor {
    /// How similar two vectors are.
    pub kernel: Kernel,
}

#[derive(Debug)]
struct Loaded(Machines);

impl Kind for SvmRegressor {
    fn load(
        &self,
        inputs: usize,
        output: &Output,
        parameters: &mut Parameters<'_>,
    ) -> Result<Box<dyn Step>, TensorError> {
        Ok(Box::new(Loaded(Machines::load(&self.kernel, output.width(), inputs, parameters)?)))
    }
}

impl Step for Loaded {
    fn role(&self) -> Role {
        Role::Regressor { targets: self.0.len() }
    }

    fn run(&self, rows: &[f64], scores: &mut [f64], _: &mut [u32]) {
        self.0.decide(rows, scores);
    }
}
