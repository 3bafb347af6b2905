//! Looks at a store as the server does, and says what must never be seen there.

use artifact::{
    Catalog, Digest, Version,
    catalog::{CatalogError, Status},
    dsse::TrustedKeys,
    files::ReadError,
    store::{BlobError, Reader},
};

/// One who has seen the store before, and knows that it must not go back.
#[derive(Debug)]
pub struct Examiner {
    reader: Reader,
    key: TrustedKeys,
    /// The newest catalog that was seen: its sequence, and its bytes as a hash.
    newest: Option<(u64, Digest)>,
    /// Reads that a new catalog has overtaken. The file that was opened had lost its name before it was looked at.
    pub overtaken: u64,
    /// Different catalogs that were seen.
    pub catalogs: u64,
}

/// What must not be.
#[derive(Debug, thiserror::Error)]
pub enum Fault {
    /// The catalog was there and is not any more, or cannot be read.
    #[error("the catalog cannot be read: {0}")]
    Unreadable(#[source] ReadError),
    /// Half, changed, or nonsense.
    #[error("the catalog is not to be believed: {0}")]
    Unbelieved(#[source] CatalogError),
    /// The server would refuse it, or worse, take it.
    #[error("the catalog went from sequence {from} to {to}")]
    Back {
        /// What was seen before.
        from: u64,
        /// What was seen then.
        to: u64,
    },
    /// It names what is not there.
    #[error("catalog {sequence} admits {model} {version}, but {error}")]
    Absent {
        /// The catalog.
        sequence: u64,
        /// The model.
        model: String,
        /// The version.
        version: Version,
        /// What is wrong with its bytes.
        error: BlobError,
    },
}

impl Examiner {
    pub(crate) fn new(reader: Reader, key: TrustedKeys) -> Self {
        Self { reader, key, newest: None, overtaken: 0, catalogs: 0 }
    }

    /// Reads the catalog, at any time. None if there has never been one. A catalog that was not seen before has its blobs
    /// proven.
    ///
    /// # Errors
    /// [`Fault`], by the first that is found.
    pub fn look(&mut self) -> Result<Option<Catalog>, Fault> {
        let bytes = loop {
            match self.reader.catalog() {
                // Replaced between being opened and being looked at. The new one is there.
                Err(ReadError::Replaced { .. }) => self.overtaken += 1,
                Err(ReadError::Missing { .. }) if self.newest.is_none() => return Ok(None),
                Err(error) => return Err(Fault::Unreadable(error)),
                Ok(bytes) => break bytes,
            }
        };
        let catalog = Catalog::unseal(&bytes, &self.key).map_err(Fault::Unbelieved)?;
        let seen = (catalog.sequence, Digest::of(&bytes));
        match self.newest {
            Some(newest) if newest == seen => {}
            Some((from, _)) if catalog.sequence <= from => {
                return Err(Fault::Back { from, to: catalog.sequence });
            }
            _ => {
                self.prove(&catalog)?;
                self.newest = Some(seen);
                self.catalogs += 1;
            }
        }
        Ok(Some(catalog))
    }

    /// Looks at a store that nobody writes: at the catalog with all its blobs, and at its copy.
    ///
    /// # Errors
    /// [`Fault`], by the first that is found.
    pub fn examine(&mut self) -> Result<Option<Catalog>, Fault> {
        let catalog = self.look()?;
        if let Some(catalog) = &catalog {
            self.prove(catalog)?;
            let copy = self.reader.catalog_copy().map_err(Fault::Unreadable)?;
            let copy = Catalog::unseal(&copy, &self.key).map_err(Fault::Unbelieved)?;
            // The copy is written first.
            if copy.sequence < catalog.sequence {
                return Err(Fault::Back { from: catalog.sequence, to: copy.sequence });
            }
            self.prove(&copy)?;
        }
        Ok(catalog)
    }

    fn prove(&self, catalog: &Catalog) -> Result<(), Fault> {
        for model in &catalog.models {
            for entry in model.versions.iter().filter(|entry| entry.status == Status::Admitted) {
                self.reader.version(&entry.files).map_err(|error| Fault::Absent {
                    sequence: catalog.sequence,
                    model: model.name.to_string(),
                    version: entry.version,
                    error,
                })?;
            }
        }
        Ok(())
    }
}
