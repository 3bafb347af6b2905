#![doc = include_str!("../README.md")]

mod client;
mod error;
mod input;
mod key;
mod prediction;
mod retry;
mod stream;
mod watch;

/// The generated messages and clients, for what the wrapper does not offer.
pub mod pb {
    #![expect(missing_docs, clippy::allow_attributes_without_reason, reason = "generated")]
    tonic::include_proto!("linfa.serve.v1");
}

pub use client::{Client, DEADLINE, MAX_ANSWER_BYTES, RawModels, RawPredict};
pub use error::{Details, Error, Refusal};
pub use input::{Choice, Input, Series, Target};
pub use key::{ApiKey, InvalidKey};
pub use ndarray;
pub use prediction::{Answer, Prediction};
pub use stream::Predictions;
pub use tokio_stream;
pub use tonic::{self, Code};
pub use tonic_types::{ErrorInfo, FieldViolation, PreconditionViolation, ResourceInfo};
pub use watch::Watch;
