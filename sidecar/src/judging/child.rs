//! What a child does: it shuts itself in, reads one task, judges it and says so.

use std::io;

use super::{
    Confinement,
    wire::{self, Said},
};
use crate::checks;

impl Confinement {
    /// Judges the task that comes by standard input, and tells standard output. Shuts the process in before it reads
    /// a byte, so that it can do nothing else afterwards.
    ///
    /// # Errors
    /// If there is no whole task, or nobody who hears.
    pub fn judge(self) -> io::Result<()> {
        let mut output = io::stdout().lock();
        if let Err(error) = self.enter() {
            return wire::say(&mut output, &Said::Unfit(error.to_string()));
        }
        let task = wire::receive(&mut io::stdin().lock())?;
        // The verdict counts, and whoever waits for it gets an error if it cannot be said.
        let mut begin = |name: &str| drop(wire::say(&mut output, &Said::Checking(name.to_owned())));
        let report = checks::judge(&task, &mut begin);
        wire::say(&mut output, &Said::Done(report))
    }
}
