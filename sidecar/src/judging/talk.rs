//! A conversation with a child, whatever the child does: it is told everything, and heard until it ends, says too much
//! or takes too long.

use std::{
    io::{self, Read, Write},
    process::{Child, ExitStatus},
    time::{Duration, Instant},
};

use rustix::{
    event::{PollFd, PollFlags, Timespec, poll},
    io::{Errno, ioctl_fionbio},
};

use super::wire::SAID_BYTES;

/// How much of what it complains of is kept; the end tells most.
const COMPLAINT_BYTES: usize = 4 << 10;
/// Between the end of its words and its own there is next to nothing.
const MOMENT: Duration = Duration::from_millis(1);

/// What a child said.
#[derive(Debug)]
pub(super) struct Heard {
    pub(super) said: Vec<u8>,
    pub(super) complaint: Vec<u8>,
    pub(super) end: End,
}

/// How it ended.
#[derive(Debug)]
pub(super) enum End {
    Exit(ExitStatus),
    Late,
    Flood,
}

/// Talks. The child may still run afterwards, unless it has ended by itself.
pub(super) fn talk<'a>(
    child: &mut Child,
    parts: impl Iterator<Item = &'a [u8]>,
    limit: Duration,
) -> io::Result<Heard> {
    let deadline = Instant::now() + limit;
    let (mut input, mut output, mut errors) = (child.stdin.take(), child.stdout.take(), child.stderr.take());
    input.as_ref().map_or(Ok(()), |pipe| ioctl_fionbio(pipe, true))?;
    output.as_ref().map_or(Ok(()), |pipe| ioctl_fionbio(pipe, true))?;
    errors.as_ref().map_or(Ok(()), |pipe| ioctl_fionbio(pipe, true))?;
    let mut parts = parts.filter(|part| !part.is_empty());
    let mut rest = parts.next();
    let (mut said, mut complaint) = (Vec::new(), Vec::new());
    let end = loop {
        if let Some(pipe) = &mut input {
            while let Some(part) = rest {
                match pipe.write(part) {
                    Ok(written) if written < part.len() => rest = Some(&part[written..]),
                    Ok(_) => rest = parts.next(),
                    Err(error) if error.kind() == io::ErrorKind::WouldBlock => break,
                    Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                    // It wants to hear no more; its end tells why.
                    Err(_) => rest = None,
                }
            }
        }
        if rest.is_none() {
            input = None;
        }
        hear(&mut output, &mut said)?;
        hear(&mut errors, &mut complaint)?;
        complaint.drain(..complaint.len().saturating_sub(COMPLAINT_BYTES));
        if said.len() > SAID_BYTES {
            break End::Flood;
        }
        let mut pipes = Vec::new();
        pipes.extend(input.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::OUT)));
        pipes.extend(output.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        pipes.extend(errors.as_ref().map(|pipe| PollFd::new(pipe, PollFlags::IN)));
        let mut left = deadline.saturating_duration_since(Instant::now());
        if output.is_none() && errors.is_none() {
            if let Some(status) = child.try_wait()? {
                break End::Exit(status);
            }
            pipes.clear();
            left = left.min(MOMENT);
        }
        if left.is_zero() {
            break End::Late;
        }
        let left = Timespec { tv_sec: left.as_secs().cast_signed(), tv_nsec: left.subsec_nanos().into() };
        match poll(&mut pipes, Some(&left)) {
            Ok(_) | Err(Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    };
    Ok(Heard { said, complaint, end })
}

/// Takes what has come, and the pipe away when it has ended.
fn hear(pipe: &mut Option<impl Read>, into: &mut Vec<u8>) -> io::Result<()> {
    let Some(open) = pipe else { return Ok(()) };
    let mut bytes = [0; 4096];
    loop {
        match open.read(&mut bytes) {
            Ok(0) => {
                *pipe = None;
                return Ok(());
            }
            Ok(length) => {
                into.extend_from_slice(&bytes[..length]);
                // Others want to be heard too.
                if into.len() > SAID_BYTES {
                    return Ok(());
                }
            }
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(()),
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
}
