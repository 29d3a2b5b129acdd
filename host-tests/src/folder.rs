//! Files of one test's own.

use std::path::{Path, PathBuf};

/// A folder that goes when this value does.
pub struct Folder(PathBuf);

impl Folder {
    /// A folder with these files, some in folders within, whose name holds that of the
    /// test.
    ///
    /// # Panics
    /// If it cannot be made.
    #[must_use]
    pub fn new(test: &str, files: &[(&str, &[u8])]) -> Self {
        let name = format!("mllp-send-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        std::fs::create_dir_all(&folder).expect("a folder");
        for (name, bytes) in files {
            let file = folder.join(name);
            std::fs::create_dir_all(file.parent().unwrap_or(&folder)).expect("a folder");
            std::fs::write(file, bytes).expect("a file");
        }
        Self(folder)
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
