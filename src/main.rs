//! linfa-serve.
fn main() {}
