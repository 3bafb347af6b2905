//! The README's own commands, run as they stand there.
