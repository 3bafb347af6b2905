//! The artifact crate from outside: its runtime against linfa, and hostile bytes against its checks.

#[cfg(test)]
mod linfa;

#[cfg(test)]
mod hostile;

#[cfg(test)]
mod reference;
