//! A file of any length: asked some rows at a time over one stream, so that nobody holds more than a few of them.

use std::{
    fs::Permissions,
    io::{BufWriter, Read, Write},
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, bail, ensure};
use client::{Client, Target, tokio_stream::wrappers::ReceiverStream};
use csv::Writer;
use fs_err as fs;
use sidecar::table::{Rows, TableError};
use tempfile::NamedTempFile;
use tokio::{sync::mpsc::channel, task::spawn_blocking};

use super::{columns, shape::Shape};
use crate::connection::explain;

/// Writes the answers to all rows to `out`, in their order, and says who gave them.
pub(super) async fn ask(
    client: &Client,
    target: Target,
    mut rows: Rows<impl Read + Send + 'static>,
    batch: usize,
    out: impl Write,
) -> anyhow::Result<String> {
    let (questions, asked) = channel(2);
    let reading = spawn_blocking(move || {
        while let Some(table) = rows.next(batch)? {
            // Where an answer is an error nobody asks on.
            if questions.blocking_send(columns(&table)).is_err() {
                break;
            }
        }
        Ok::<_, TableError>(())
    });
    let mut answers = client.predict_stream(target, ReceiverStream::new(asked)).await?;
    let (mut out, mut answered, mut by) = (Writer::from_writer(out), 0, None);
    let after = |answered| format!("after {answered} rows");
    while let Some(prediction) =
        answers.next().await.map_err(|error| explain(error).context(after(answered)))?
    {
        let shape = Shape::of(&prediction.answer);
        match &by {
            None => out.write_record(shape.header())?,
            Some(by) if *by == prediction.model => {}
            Some(_) => bail!(
                "{}: version {} took over; ask again, or for one --version",
                after(answered),
                prediction.model.version
            ),
        }
        for (choice, numbers) in shape.rows() {
            choice.map_or(Ok(()), |choice| out.write_field(choice))?;
            numbers.iter().try_for_each(|number| out.write_field(number.to_string()))?;
            out.write_record(None::<&[u8]>)?;
            answered += 1;
        }
        by = Some(prediction.model);
    }
    reading.await??;
    out.flush()?;
    let by = by.context("it has a header, but no rows")?;
    Ok(format!("{answered} rows answered by {} version {}, {}", by.name, by.version, by.digest))
}

/// A file that gets its name once it is complete.
pub(super) struct Unfinished {
    path: PathBuf,
    file: NamedTempFile,
}

impl Unfinished {
    /// A file that is to be called so, even if there is one of that name.
    pub(super) fn of(path: &Path) -> anyhow::Result<Self> {
        let is_plain = fs::symlink_metadata(path).map_or(true, |file| file.is_file());
        ensure!(is_plain, "{} is no plain file, which could be replaced", path.display());
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
        let file = tempfile::Builder::new()
            .prefix(".linfactl.")
            .permissions(Permissions::from_mode(0o666))
            .tempfile_in(folder)
            .with_context(|| format!("cannot write in {}", folder.display()))?;
        Ok(Self { path: path.to_owned(), file })
    }

    /// Where its content is to be written.
    pub(super) fn content(&mut self) -> impl Write {
        BufWriter::new(&mut self.file)
    }

    /// Gives it its name.
    pub(super) fn finish(self) -> anyhow::Result<()> {
        self.file.persist(&self.path)?;
        Ok(())
    }
}
