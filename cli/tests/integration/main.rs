//! linfactl as a user runs it.
