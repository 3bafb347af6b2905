//! The Rust client of linfa-serve.

/// The generated messages and clients.
pub mod pb {
    #![expect(
        missing_docs,
        unreachable_pub,
        clippy::allow_attributes,
        clippy::allow_attributes_without_reason,
        reason = "generated"
    )]
    tonic::include_proto!("linfa.serve.v1");
}
