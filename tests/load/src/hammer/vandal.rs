//! A thread that does things to files, and undoes them.

use std::{
    io,
    os::unix::fs::{FileExt as _, symlink},
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    thread,
};

use anyhow::Context as _;
use fs_err as fs;
use rustix::fs::{CWD, RenameFlags};

/// What is done to a file, and undone at once.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Trick {
    /// Another file in its place, by one call.
    Exchange,
    /// A link to another file in its place.
    Link,
    /// Cut, and written again.
    Truncate,
    /// Written over in place.
    Rewrite,
    /// A second name.
    HardLink,
    /// Gone for a while.
    Remove,
}

impl Trick {
    /// All of them.
    const ALL: [Self; 6] =
        [Self::Exchange, Self::Link, Self::Truncate, Self::Rewrite, Self::HardLink, Self::Remove];
}

/// A file, and what is put in its place.
#[derive(Clone, Debug)]
pub(super) struct Target {
    pub(super) path: PathBuf,
    pub(super) good: Vec<u8>,
    pub(super) bad: Vec<u8>,
}

/// Runs until it is stopped.
#[derive(Debug)]
pub(super) struct Vandal {
    stop: Arc<AtomicBool>,
    tricks: Arc<AtomicU64>,
    thread: thread::JoinHandle<anyhow::Result<()>>,
}

impl Vandal {
    /// Does one trick after another to the targets. `aside` is a folder of its own on their volume. Between two tricks it
    /// does what `rest` does.
    pub(super) fn start(
        targets: Vec<Target>,
        aside: PathBuf,
        mut rest: impl FnMut(u64, &AtomicBool) + Send + 'static,
    ) -> anyhow::Result<Self> {
        fs::create_dir_all(&aside)?;
        let (stop, tricks) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let (stopped, count) = (Arc::clone(&stop), Arc::clone(&tricks));
        let thread = thread::Builder::new().name("vandal".to_owned()).spawn(move || {
            while !stopped.load(Ordering::Relaxed) {
                let number = count.fetch_add(1, Ordering::Relaxed);
                let index = usize::try_from(number)?;
                // Every trick comes to every target in its turn.
                let target = targets.get(index % targets.len()).context("no target")?;
                let trick = Trick::ALL[index / targets.len() % Trick::ALL.len()];
                match play(trick, target, &aside) {
                    // The file was exchanged for another one in that very moment, by whom it belongs to.
                    Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                    played => {
                        played.with_context(|| format!("{trick:?} on {}", target.path.display()))?;
                    }
                }
                rest(number, &stopped);
            }
            Ok(())
        })?;
        Ok(Self { stop, tricks, thread })
    }

    /// How many tricks it has begun.
    pub(super) fn tricks(&self) -> u64 {
        self.tricks.load(Ordering::Relaxed)
    }

    /// Whether it has failed.
    pub(super) fn is_over(&self) -> bool {
        self.thread.is_finished()
    }

    /// Stops it, and says how many tricks there were.
    pub(super) fn stop(self) -> anyhow::Result<u64> {
        self.stop.store(true, Ordering::Relaxed);
        self.thread.join().map_err(|_| anyhow::anyhow!("the vandal panicked"))??;
        Ok(self.tricks.load(Ordering::Relaxed))
    }
}

/// Does a trick and undoes it.
fn play(trick: Trick, target: &Target, aside: &Path) -> io::Result<()> {
    let Target { path, good, bad } = target;
    let other = aside.join("other");
    let written = || fs::OpenOptions::new().write(true).open(path);
    // Others have a chance to see it.
    let seen = thread::yield_now;
    match trick {
        Trick::Exchange => {
            fs::write(&other, bad)?;
            exchange(path, &other)?;
            seen();
            exchange(path, &other)?;
            fs::remove_file(other)
        }
        Trick::Link => {
            let linked = aside.join("linked");
            fs::write(&linked, bad)?;
            symlink(&linked, &other)?;
            exchange(path, &other)?;
            seen();
            exchange(path, &other)?;
            fs::remove_file(other)?;
            fs::remove_file(linked)
        }
        Trick::Truncate => {
            let file = written()?;
            file.set_len(good.len() as u64 / 2)?;
            seen();
            file.file().write_all_at(good, 0)
        }
        Trick::Rewrite => {
            let file = written()?;
            file.file().write_all_at(bad, 0)?;
            seen();
            file.file().write_all_at(good, 0)?;
            file.set_len(good.len() as u64)
        }
        Trick::HardLink => {
            fs::hard_link(path, &other)?;
            seen();
            fs::remove_file(other)
        }
        Trick::Remove => {
            fs::rename(path, &other)?;
            seen();
            fs::rename(other, path)
        }
    }
}

fn exchange(one: &Path, other: &Path) -> io::Result<()> {
    Ok(rustix::fs::renameat_with(CWD, one, CWD, other, RenameFlags::EXCHANGE)?)
}
