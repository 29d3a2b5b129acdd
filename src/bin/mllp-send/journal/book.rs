//! The file of a journal: lines are added at its end and synced to disk. WASI 0.2
//! has no locks, so that another run's lines are noticed by the file's length.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::path::Path;

use crate::input::folder;

/// A file that only grows.
pub(crate) trait Book {
    /// Adds this at the end, on disk before it returns.
    fn add(&mut self, text: &[u8]) -> io::Result<()>;

    /// How long it is.
    fn length(&self) -> io::Result<u64>;
}

/// The file itself.
pub(crate) struct OnDisk(File);

impl OnDisk {
    /// Opens it, or makes it.
    pub(crate) fn open(path: &Path) -> io::Result<Self> {
        let file = OpenOptions::new().append(true).create(true).open(path)?;
        // A new name must be on disk too, where the host can do that.
        let _ = File::open(folder(path)).and_then(|folder| folder.sync_all());
        Ok(Self(file))
    }
}

impl Book for OnDisk {
    fn add(&mut self, text: &[u8]) -> io::Result<()> {
        self.0.write_all(text)?;
        self.0.sync_data()
    }

    fn length(&self) -> io::Result<u64> {
        self.0.metadata().map(|metadata| metadata.len())
    }
}
