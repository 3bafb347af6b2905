//! A gRPC inference server for linfa models that serves only what a sidecar has proven.
//!
//! Two flows, each one way:
//!
//! ```text
//! request   connections -> door (access, auth, gate, limits) -> service -> wire -> tensor -> infer -> registry -> artifact::Model
//! reload    reload: store -> catalog -> blobs -> artifact::Model -> golden rows -> registry -> health
//! ```
//!
//! [`run`] is the one door: a bound listener, the settings and a future that ends when it should stop.

pub mod config;
pub mod error;
pub mod floor;
pub mod infer;
pub mod limits;
pub mod registry;
pub mod reload;
pub mod shutdown;
pub mod trust;
pub mod web;

mod access;
mod auth;
mod call;
mod codec;
mod connections;
mod door;
mod gate;
mod health;
mod keys;
mod leftover;
mod memory;
mod pb;
mod reread;
mod server;
mod service;
mod status;
mod stream;
mod tapped;
mod tensor;
mod watch;
mod wire;

pub use config::Settings;
pub use health::{NotReady, is_ready, reached_at};
pub use keys::KeyFileError;
pub use server::{RunError, run};
