//! The validator.
fn main() {}
