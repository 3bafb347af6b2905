//! What a process holds in memory, keys among it, is for itself alone.

use std::io;

use rustix::process::{DumpableBehavior, set_dumpable_behavior};

/// Keeps other processes of the same user from reading this one's memory, and the kernel from writing it to a disk.
///
/// # Errors
/// If the system refuses.
pub fn guard() -> io::Result<()> {
    Ok(set_dumpable_behavior(DumpableBehavior::NotDumpable)?)
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::MetadataExt as _;

    use super::*;

    #[test]
    fn nobody_but_root_may_read_the_memory_of_a_process_that_guards_it() {
        // As it is at first, where the kernel was not told otherwise.
        set_dumpable_behavior(DumpableBehavior::Dumpable).unwrap();
        assert_eq!(fs_err::metadata("/proc/self/mem").unwrap().uid(), rustix::process::geteuid().as_raw());
        guard().unwrap();
        assert_eq!(fs_err::metadata("/proc/self/mem").unwrap().uid(), 0);
        assert_eq!(rustix::process::dumpable_behavior().unwrap(), DumpableBehavior::NotDumpable);
    }
}
