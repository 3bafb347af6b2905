//! From within a judge's sandbox: what a hostile program would try. This test program starts itself again, shuts itself
//! in as a judge does, and tries.

use std::{
    io::{Read as _, Write as _},
    os::unix::process::ExitStatusExt as _,
    process::{Command, ExitStatus, Stdio},
};

use rustix::process::{Pid, Resource, Rlimit, Signal};
use sidecar::Confinement;

/// Which attempt to make, and whether within the sandbox.
const ATTEMPT: &str = "SANDBOX_ATTEMPT";
const CONFINED: &str = "SANDBOX_CONFINED";

/// Each is something that works outside.
const FORBIDDEN: [&str; 16] = [
    "read a file",
    "write a file",
    "read what was open",
    "write what was open",
    "list a folder",
    "change the folder",
    "open a socket",
    "open a pipe",
    "copy a descriptor",
    "run a program",
    "start a thread",
    "signal another process",
    "trace another process",
    "read another process",
    "raise a limit",
    "wait",
];

fn attempt(name: &str, confined: bool) {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("file");
    fs_err::write(&file, "x").unwrap();
    let mut reader = fs_err::File::open(&file).unwrap();
    let mut writer = fs_err::OpenOptions::new().append(true).open(&file).unwrap();
    let (parent, this) = (rustix::process::getppid().unwrap(), rustix::process::getpid());
    // It ends with its standard input, if not before.
    let mut other = (name == "trace another process")
        .then(|| Command::new("/bin/cat").stdin(Stdio::piped()).spawn().unwrap());
    if confined {
        Confinement { memory_mib: 200, cpu_seconds: 1 }.enter().unwrap();
    }
    match name {
        "nothing" => {}
        "read a file" => assert_eq!(fs_err::read(&file).unwrap(), b"x"),
        "write a file" => fs_err::write(dir.path().join("other"), "x").unwrap(),
        "read what was open" => assert_eq!(reader.read(&mut [0]).unwrap(), 1),
        "write what was open" => assert_eq!(writer.write(b"x").unwrap(), 1),
        "list a folder" => assert_eq!(fs_err::read_dir(dir.path()).unwrap().count(), 1),
        "change the folder" => std::env::set_current_dir("/").unwrap(),
        "open a socket" => drop(std::os::unix::net::UnixDatagram::unbound().unwrap()),
        "open a pipe" => drop(rustix::pipe::pipe().unwrap()),
        "copy a descriptor" => drop(rustix::io::dup(std::io::stdin()).unwrap()),
        "run a program" => assert!(Command::new("/bin/true").status().unwrap().success()),
        "start a thread" => std::thread::spawn(|| {}).join().unwrap(),
        "signal another process" => rustix::process::test_kill_process(parent).unwrap(),
        "trace another process" => {
            let mut other = other.take().unwrap();
            nix::sys::ptrace::attach(nix::unistd::Pid::from_raw(other.id().cast_signed())).unwrap();
            other.kill().unwrap();
            other.wait().unwrap();
        }
        "read another process" => read_process(this),
        "raise a limit" => {
            let most = rustix::process::getrlimit(Resource::As).maximum;
            rustix::process::setrlimit(Resource::As, Rlimit { current: most, maximum: most }).unwrap();
        }
        "wait" => drop(rustix::event::poll(&mut [], Some(&rustix::event::Timespec::default())).unwrap()),
        "use memory" => assert!(vec![1_u8; 256 << 20].iter().all(|byte| *byte == 1)),
        "use processor time" => while std::hint::black_box(true) {},
        "leave a memory image" => std::process::abort(),
        other => panic!("{other}"),
    }
    if confined {
        // To tidy up is forbidden too, and only the attempt itself is to count.
        std::mem::forget((dir, reader, writer));
    }
}

/// Reads a number out of a process by the system call that debuggers use.
fn read_process(process: Pid) {
    let number = 7_u64;
    let mut bytes = [0; 8];
    let from = nix::sys::uio::RemoteIoVec { base: std::ptr::from_ref(&number) as usize, len: 8 };
    let process = nix::unistd::Pid::from_raw(process.as_raw_nonzero().get());
    let to = &mut [std::io::IoSliceMut::new(&mut bytes)];
    assert_eq!(nix::sys::uio::process_vm_readv(process, to, &[from]).unwrap(), 8);
    assert_eq!(u64::from_ne_bytes(bytes), 7);
}

/// Makes an attempt in a process of its own.
fn tried(name: &str, confined: bool) -> (ExitStatus, String) {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["sandbox::a_judge_can_do_nothing_but_compute", "--exact", "--nocapture", "--test-threads=1"])
        .env_clear()
        .env(ATTEMPT, name)
        .envs(confined.then_some((CONFINED, "1")))
        .stdin(Stdio::piped())
        .output()
        .unwrap();
    (output.status, String::from_utf8_lossy(&output.stderr).into_owned())
}

#[test]
fn a_judge_can_do_nothing_but_compute() {
    if let Ok(name) = std::env::var(ATTEMPT) {
        return attempt(&name, std::env::var(CONFINED).is_ok());
    }
    for name in FORBIDDEN {
        let (status, said) = tried(name, false);
        assert!(status.success(), "outside: {name}: {status} {said}");
        let (status, said) = tried(name, true);
        assert_eq!(status.signal(), Some(Signal::SYS.as_raw()), "{name}: {status} {said}");
    }
    let (status, said) = tried("nothing", true);
    assert!(status.success(), "{status} {said}");

    let (status, _) = tried("use memory", false);
    assert!(status.success(), "{status}");
    let (status, said) = tried("use memory", true);
    assert_eq!(status.signal(), Some(Signal::ABORT.as_raw()), "{status} {said}");
    assert!(said.contains("memory allocation of 268435456 bytes failed"), "{said}");
    let (status, _) = tried("use processor time", true);
    assert_eq!(status.signal(), Some(Signal::XCPU.as_raw()), "{status}");
    let (status, _) = tried("leave a memory image", true);
    assert_eq!((status.signal(), status.core_dumped()), (Some(Signal::ABORT.as_raw()), false));
}
