//! Where messages come from is read, or it is told why it cannot be.

use std::fmt;
use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use thiserror::Error;

use crate::content::{self, Content, Malformed};
use crate::output::printable;
use crate::own_options::InputArgs;
use crate::paths::is_pattern;

/// Where messages come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    StandardInput,
    File(PathBuf),
    /// A folder, or a pattern, of which it cannot be told what it stands for.
    Unlistable(PathBuf),
}

impl From<PathBuf> for Source {
    fn from(path: PathBuf) -> Self {
        if path.as_os_str() == "-" {
            Self::StandardInput
        } else {
            Self::File(path)
        }
    }
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::StandardInput => f.write_str("-"),
            Self::File(path) | Self::Unlistable(path) => path.display().fmt(f),
        }
    }
}

/// Why a file is of no use, so that none of a source's messages is sent.
#[derive(Debug, Error)]
pub(crate) enum Trouble {
    #[error("cannot be read: {0}")]
    Unreadable(io::Error),
    #[error("no such file in the folder given by --dir: check its name")]
    Missing,
    #[error(
        "cannot be listed to its end, perhaps for a name that is not UTF-8: nothing of it was sent"
    )]
    Unlistable,
    #[error("cannot be read: {0}. It is a link: it may lead out of the folders given by --dir")]
    Linked(io::Error),
    #[error("matches no file in the folders given by --dir")]
    Unmatched,
    #[error("the folder holds no file but hidden ones")]
    EmptyFolder,
    /// A component cannot tell a folder that is not there from one that it was
    /// not given.
    #[error(
        "cannot be read: {error}. If it is there, give the command its folder: wasmtime run \
         --dir {folder} …, or --dir HOST::{folder} if its name outside is another"
    )]
    OutOfSight { error: io::Error, folder: String },
    #[error(transparent)]
    Malformed(#[from] Malformed),
}

impl Source {
    /// What this source holds.
    pub(crate) fn read(&self, args: &InputArgs) -> Result<Content, Trouble> {
        Ok(content::split(self.bytes()?, args.manner())?)
    }

    fn bytes(&self) -> Result<Vec<u8>, Trouble> {
        match self {
            Self::StandardInput => {
                let mut bytes = Vec::new();
                io::stdin()
                    .read_to_end(&mut bytes)
                    .map_err(Trouble::Unreadable)?;
                Ok(bytes)
            }
            Self::File(path) => read_file(path),
            Self::Unlistable(_) => Err(Trouble::Unlistable),
        }
    }
}

/// The bytes of a file in a folder that the command was given.
pub(crate) fn read_file(path: &Path) -> Result<Vec<u8>, Trouble> {
    fs::read(path).map_err(|error| trouble(path, error))
}

fn trouble(path: &Path, error: io::Error) -> Trouble {
    match fs::read_dir(path) {
        // What is not empty was read file by file.
        Ok(_) => return Trouble::EmptyFolder,
        Err(error) if path.is_dir() => return Trouble::Unreadable(error),
        Err(_) => {}
    }
    if path.is_symlink() {
        return Trouble::Linked(error);
    }
    let folder = match is_pattern(path) {
        true => folder_of_pattern(path),
        false => folder(path),
    };
    if !is_in_sight(path) && !is_in_sight(folder) {
        Trouble::OutOfSight {
            error,
            folder: printable(&folder.display().to_string()),
        }
    } else if error.kind() != io::ErrorKind::NotFound {
        Trouble::Unreadable(error)
    } else if is_pattern(path) {
        Trouble::Unmatched
    } else {
        Trouble::Missing
    }
}

/// The folder in which a pattern begins to be one.
fn folder_of_pattern(pattern: &Path) -> &Path {
    let plain = pattern.ancestors().find(|path| !is_pattern(path));
    plain
        .filter(|path| !path.as_os_str().is_empty())
        .unwrap_or(Path::new("."))
}

/// The folder that a file stands in.
pub(crate) fn folder(file: &Path) -> &Path {
    match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

fn is_in_sight(path: &Path) -> bool {
    fs::metadata(path).is_ok()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::{Source, folder, folder_of_pattern};
    use crate::args::tests::args;

    #[test]
    fn a_file_out_of_sight_names_the_grant_and_a_missing_one_its_name() {
        let advice = |path: &str| {
            let source = Source::File(path.into());
            let trouble = source.read(&args("lab:1").input).unwrap_err();
            trouble.to_string()
        };
        for (path, part) in [
            ("no/such/a.hl7", "wasmtime run --dir no/such …"),
            ("no/such/*.hl7", "wasmtime run --dir no/such …"),
            ("no/such", "wasmtime run --dir no …"),
            ("no-such-file.hl7", "check its name"),
            ("no-such-*.hl7", "matches no file"),
        ] {
            assert!(advice(path).contains(part), "{path}: {}", advice(path));
        }
    }

    #[test]
    fn a_bare_file_name_stands_in_the_current_folder() {
        assert_eq!(folder(Path::new("a.hl7")), Path::new("."));
        assert_eq!(folder(Path::new("x/a.hl7")), Path::new("x"));
        assert_eq!(folder(Path::new("/a.hl7")), Path::new("/"));
        assert_eq!(folder_of_pattern(Path::new("*.hl7")), Path::new("."));
        assert_eq!(folder_of_pattern(Path::new("/x/*/a?")), Path::new("/x"));
    }
}
