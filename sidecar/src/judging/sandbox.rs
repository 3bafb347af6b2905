//! What a child shuts itself in with: limits of the system, Landlock where the kernel has it, and a filter that ends
//! the process at the first system call that computing does not need. Nothing is dropped, opened or judged here.

use std::{collections::BTreeMap, io};

use clap::Args;
use landlock::{
    ABI, Access as _, AccessFs, AccessNet, CompatLevel, Compatible as _, Ruleset, RulesetAttr as _,
    RulesetError, Scope,
};
use rustix::process::{
    DumpableBehavior, Resource, Rlimit, Signal, set_dumpable_behavior, set_parent_process_death_signal,
    setrlimit,
};
use seccompiler::{
    BackendError, BpfProgram, SeccompAction, SeccompCmpArgLen, SeccompCmpOp, SeccompCondition, SeccompFilter,
    SeccompRule, TargetArch,
};

/// What a child may use of the machine.
#[derive(Args, Clone, Copy, Debug)]
pub struct Confinement {
    /// MiB of memory
    #[arg(long)]
    pub memory_mib: u32,
    /// Seconds of processor time
    #[arg(long)]
    pub cpu_seconds: u32,
}

/// Why a process cannot be shut in.
#[derive(Debug, thiserror::Error)]
pub enum Unconfined {
    /// A limit that the system does not take.
    #[error("this system does not limit a judge: {0}")]
    Limit(#[from] io::Error),
    /// Landlock is there, and refuses.
    #[error("Landlock cannot be used: {0}")]
    Landlock(#[from] RulesetError),
    /// The filter does not fit this machine.
    #[error("there is no filter of system calls for this machine: {0}")]
    Filter(#[from] BackendError),
    /// The kernel has no such filters, or forbids them.
    #[error("the filter of system calls is refused: {0}")]
    Refused(#[from] seccompiler::Error),
}

/// System calls that compute, wait for a lock, end the process, or tell the time.
const HARMLESS: [i64; 19] = [
    libc::SYS_brk,
    libc::SYS_clock_getres,
    libc::SYS_clock_gettime,
    libc::SYS_close,
    libc::SYS_exit,
    libc::SYS_exit_group,
    libc::SYS_futex,
    libc::SYS_getpid,
    libc::SYS_getrandom,
    libc::SYS_gettid,
    libc::SYS_madvise,
    libc::SYS_mremap,
    libc::SYS_munmap,
    libc::SYS_restart_syscall,
    libc::SYS_rt_sigaction,
    libc::SYS_rt_sigprocmask,
    libc::SYS_rt_sigreturn,
    libc::SYS_sched_yield,
    libc::SYS_sigaltstack,
];

impl Confinement {
    /// Shuts this thread in, for good, and with it a process that has no other.
    ///
    /// # Errors
    /// [`Unconfined`]; the process must then not judge.
    pub fn enter(self) -> Result<(), Unconfined> {
        // Where memory runs out, the kernel is to end a judge and nobody else. Not every system lets us say so.
        let _ = fs_err::write("/proc/self/oom_score_adj", "1000");
        let limit = |resource, most: u64, hard: u64| {
            setrlimit(resource, Rlimit { current: Some(most), maximum: Some(hard) }).map_err(io::Error::from)
        };
        let (memory, seconds) = (u64::from(self.memory_mib) << 20, u64::from(self.cpu_seconds));
        limit(Resource::As, memory, memory)?;
        // The first one ends it with a signal that tells why, the second one in any case.
        limit(Resource::Cpu, seconds, seconds + 1)?;
        limit(Resource::Fsize, 0, 0)?;
        limit(Resource::Core, 0, 0)?;
        set_dumpable_behavior(DumpableBehavior::NotDumpable).map_err(io::Error::from)?;
        set_parent_process_death_signal(Some(Signal::KILL)).map_err(io::Error::from)?;
        let abi = ABI::V6;
        Ruleset::default()
            .set_compatibility(CompatLevel::BestEffort)
            .handle_access(AccessFs::from_all(abi))?
            .handle_access(AccessNet::from_all(abi))?
            .scope(Scope::from_all(abi))?
            .create()?
            .restrict_self()?;
        // Landlock had one more for a moment.
        limit(Resource::Nofile, 3, 3)?;
        let filter = filter(std::process::id())?;
        Ok(seccompiler::apply_filter(&filter)?)
    }
}

/// Lets through what is harmless; anything else ends the process.
fn filter(process: u32) -> Result<BpfProgram, BackendError> {
    const EXECUTABLE: u64 = libc::PROT_EXEC.cast_unsigned() as u64;
    const ANONYMOUS: u64 = libc::MAP_ANONYMOUS.cast_unsigned() as u64;
    let is =
        |argument, value| SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::Eq, value);
    let masked = |argument, mask, value| {
        SeccompCondition::new(argument, SeccompCmpArgLen::Dword, SeccompCmpOp::MaskedEq(mask), value)
    };
    let only = |conditions| Ok::<_, BackendError>(vec![SeccompRule::new(conditions)?]);
    let mut calls: BTreeMap<i64, Vec<SeccompRule>> =
        HARMLESS.into_iter().map(|call| (call, Vec::new())).collect();
    calls.insert(libc::SYS_read, only(vec![is(0, 0)?])?);
    let (output, errors) = (SeccompRule::new(vec![is(0, 1)?])?, SeccompRule::new(vec![is(0, 2)?])?);
    calls.insert(libc::SYS_write, vec![output.clone(), errors.clone()]);
    calls.insert(libc::SYS_writev, vec![output, errors]);
    // Memory of its own, and none that can be run.
    calls.insert(libc::SYS_mmap, only(vec![masked(2, EXECUTABLE, 0)?, masked(3, ANONYMOUS, ANONYMOUS)?])?);
    calls.insert(libc::SYS_mprotect, only(vec![masked(2, EXECUTABLE, 0)?])?);
    // To abort is to send oneself a signal.
    calls.insert(libc::SYS_tgkill, only(vec![is(0, process.into())?])?);
    let machine: TargetArch = std::env::consts::ARCH.try_into()?;
    SeccompFilter::new(calls, SeccompAction::KillProcess, SeccompAction::Allow, machine)?.try_into()
}
