//! Lines on their way to a writer. A thread of its own writes them, many at a time: who logs does not wait, and neither
//! wakes the thread for each line nor speaks to the system. A reader that stalls holds up nothing: lines are lost then,
//! and counted.

use std::{
    io::{self, Write},
    mem,
    sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError},
    thread,
    time::Duration,
};

/// The bytes that may wait; lines beyond them are lost.
const MOST: usize = 4 << 20;
/// How long lines may wait for others, to be written with them.
const GATHER: Duration = Duration::from_millis(10);
/// How long the end may wait for a reader that stalls.
const PATIENCE: Duration = Duration::from_secs(1);

/// The end where lines come in.
#[derive(Debug, Default)]
pub(crate) struct Lines {
    waiting: Mutex<Waiting>,
    changed: Condvar,
}

#[derive(Debug, Default)]
struct Waiting {
    bytes: Vec<u8>,
    lost: u64,
    stage: Stage,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Stage {
    #[default]
    Running,
    /// What waits is written, and no more.
    Ending,
    Ended,
}

/// Ends the writing when it is dropped, with what still waits.
#[derive(Debug)]
pub(crate) struct Writing(Arc<Lines>);

/// Starts the thread that writes to `output`. It calls `lost` with the number of lines that it had no room for.
pub(crate) fn start(
    output: impl Write + Send + 'static,
    lost: impl Fn(u64) + Send + 'static,
) -> io::Result<(Arc<Lines>, Writing)> {
    let lines = Arc::<Lines>::default();
    let writing = Writing(Arc::clone(&lines));
    let taken = Arc::clone(&lines);
    thread::Builder::new().name("log".to_owned()).spawn(move || taken.write_to(output, lost))?;
    Ok((lines, writing))
}

impl Lines {
    fn lock(&self) -> MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn write_to(&self, mut output: impl Write, lost: impl Fn(u64)) {
        let mut bytes = Vec::new();
        loop {
            let idle = |waiting: &mut Waiting| waiting.bytes.is_empty() && waiting.stage == Stage::Running;
            let waiting = self.changed.wait_while(self.lock(), idle).unwrap_or_else(PoisonError::into_inner);
            let running = |waiting: &mut Waiting| waiting.stage == Stage::Running;
            let gathered = self.changed.wait_timeout_while(waiting, GATHER, running);
            let (mut waiting, _) = gathered.unwrap_or_else(PoisonError::into_inner);
            let (missing, stage) = (mem::take(&mut waiting.lost), waiting.stage);
            mem::swap(&mut waiting.bytes, &mut bytes);
            drop(waiting);
            // There is nowhere to say that standard error is gone.
            let _ = output.write_all(&bytes).and_then(|()| output.flush());
            bytes.clear();
            if missing > 0 {
                lost(missing);
            }
            if stage == Stage::Ending && self.lock().bytes.is_empty() {
                break;
            }
        }
        self.lock().stage = Stage::Ended;
        self.changed.notify_all();
    }
}

impl Write for &Lines {
    /// Takes the whole line, or counts it as lost.
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        let mut waiting = self.lock();
        if waiting.bytes.len() + line.len() > MOST {
            waiting.lost += 1;
            return Ok(line.len());
        }
        waiting.bytes.extend_from_slice(line);
        let first = waiting.bytes.len() == line.len();
        drop(waiting);
        if first {
            self.changed.notify_all();
        }
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Writing {
    fn drop(&mut self) {
        let mut waiting = self.0.lock();
        waiting.stage = Stage::Ending;
        self.0.changed.notify_all();
        let ending = |waiting: &mut Waiting| waiting.stage != Stage::Ended;
        // Longer than that is a reader that stalls; what waits is lost with the process.
        let _ = self.0.changed.wait_timeout_while(waiting, PATIENCE, ending);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::mpsc::{Receiver, Sender, channel};

    use super::*;

    /// Hands on each write, and goes on when it is told to.
    struct Stalling(Sender<Vec<u8>>, Receiver<()>);

    impl Write for Stalling {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            let _ = (self.0.send(bytes.to_vec()), self.1.recv());
            Ok(bytes.len())
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    #[test]
    fn what_a_stalled_reader_has_no_room_for_is_lost_and_counted_and_the_rest_is_written_in_order() {
        let ((written, writes), (go, goes)) = (channel(), channel());
        let (tell, told) = channel();
        let (lines, writing) = start(Stalling(written, goes), move |lost| tell.send(lost).unwrap()).unwrap();
        (&*lines).write_all(b"first\n").unwrap();
        assert_eq!(writes.recv().unwrap(), b"first\n");

        let line = [b'x'; 1 << 20];
        for _ in 0..6 {
            (&*lines).write_all(&line).unwrap();
        }
        (&*lines).write_all(b"too late\n").unwrap();
        go.send(()).unwrap();
        assert_eq!(writes.recv().unwrap().len(), MOST);
        go.send(()).unwrap();
        assert_eq!(told.recv().unwrap(), 3);

        (&*lines).write_all(b"last\n").unwrap();
        drop(go);
        drop(writing);
        assert_eq!(writes.iter().collect::<Vec<_>>().concat(), b"last\n");
    }

    #[test]
    fn the_end_does_not_wait_for_ever_for_a_reader_that_stalls() {
        let ((written, writes), (_go, goes)) = (channel(), channel());
        let (lines, writing) = start(Stalling(written, goes), |_| ()).unwrap();
        (&*lines).write_all(b"first\n").unwrap();
        assert_eq!(writes.recv().unwrap(), b"first\n");
        drop(writing);
    }
}
