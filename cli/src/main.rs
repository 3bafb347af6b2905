//! linfactl.
fn main() {}
