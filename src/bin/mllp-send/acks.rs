//! Acknowledgments in files, one each. A name is made of what the message came from
//! and of its control id, which is the sender's to choose: it can lead nowhere else,
//! and nothing that is there already is written over.

use std::error::Error;
use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::output::{About, printable};

/// How much of a file's name, and of a control id, is taken into a name, in bytes.
const PART_BYTES_MAX: usize = 64;

/// How many names are tried for one acknowledgment.
const NAMES_MAX: u32 = 10_000;

/// WASI's error for what no grant leads to, which has no kind of its own.
const NOT_CAPABLE: i32 = 76;

/// The folder of acknowledgments.
#[derive(Debug)]
pub(crate) struct Acks(PathBuf);

/// What could not be saved, or nowhere.
#[derive(Debug)]
pub(crate) struct Unsaved {
    path: PathBuf,
    error: io::Error,
}

impl fmt::Display for Unsaved {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable(&self.path.display().to_string());
        write!(f, "{path}: cannot be written: {}", self.error)?;
        if self.error.kind() == io::ErrorKind::AlreadyExists {
            return f.write_str(": every name for it is taken");
        }
        if is_denial(&self.error) {
            write!(
                f,
                ". If the folder is there, let the command write to it: \
                 wasmtime run --dir {path} …, or --dir HOST::{path} if its name outside is another"
            )?;
        }
        Ok(())
    }
}

impl Error for Unsaved {}

/// What the lack of a grant looks like from inside.
fn is_denial(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::NotFound
            | io::ErrorKind::PermissionDenied
            | io::ErrorKind::ReadOnlyFilesystem
    ) || error.raw_os_error() == Some(NOT_CAPABLE)
}

impl Acks {
    /// Makes sure that files can be made in `folder`, before anything is sent.
    pub(crate) fn new(folder: &Path) -> Result<Self, Unsaved> {
        let unsaved = |error| Unsaved {
            path: folder.to_owned(),
            error,
        };
        let acks = Self(folder.to_owned());
        let (path, file) = acks.create(".mllp-send", "").map_err(unsaved)?;
        drop(file);
        fs::remove_file(path).map_err(unsaved)?;
        Ok(acks)
    }

    /// Saves the acknowledgment of a message, and returns where.
    pub(crate) fn save(&self, about: &About, acknowledgment: &[u8]) -> Result<PathBuf, Unsaved> {
        let (path, mut file) = self.create(&name(about), ".ack").map_err(|error| Unsaved {
            path: self.0.clone(),
            error,
        })?;
        match file.write_all(acknowledgment).and_then(|()| file.flush()) {
            Ok(()) => Ok(path),
            Err(error) => Err(Unsaved { path, error }),
        }
    }

    fn create(&self, name: &str, ending: &str) -> io::Result<(PathBuf, File)> {
        let mut number = 1_u32;
        loop {
            let path = self.0.join(match number {
                1 => format!("{name}{ending}"),
                number => format!("{name}-{number}{ending}"),
            });
            match OpenOptions::new().write(true).create_new(true).open(&path) {
                Err(error)
                    if error.kind() == io::ErrorKind::AlreadyExists && number < NAMES_MAX =>
                {
                    number = number.saturating_add(1);
                }
                opened => return opened.map(|file| (path, file)),
            }
        }
    }
}

/// Without an ending.
fn name(about: &About) -> String {
    let file = Path::new(&about.file).file_name();
    let file = file.map_or(about.file.as_str().into(), |name| name.to_string_lossy());
    let file = match file.as_ref() {
        "-" => "stdin".to_owned(),
        name => harmless(name),
    };
    let control_id = harmless(about.control_id.as_deref().unwrap_or("none"));
    format!("{file}-{}-{control_id}", about.index)
}

/// No separator, no way up, nothing hidden, and not too long.
fn harmless(part: &str) -> String {
    let characters = part
        .chars()
        .enumerate()
        .map(|(at, character)| match character {
            '.' if at == 0 => '_',
            'a'..='z' | 'A'..='Z' | '0'..='9' | '.' | '-' | '_' => character,
            _ => '_',
        });
    characters.take(PART_BYTES_MAX).collect()
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{Acks, name};
    use crate::output::About;

    fn about(file: &str, control_id: &str) -> About {
        let message = format!("MSH|^~\\&|||||||ADT|{control_id}|P|2.5\r");
        About::message(file, message.as_bytes())
    }

    fn folder(test: &str) -> PathBuf {
        let name = format!("mllp-send-acks-{test}-{}", std::process::id());
        let folder = std::env::temp_dir().join(name);
        fs::create_dir_all(&folder).unwrap();
        folder
    }

    #[test]
    fn a_name_holds_the_file_the_place_in_it_and_the_control_id() {
        for (file, control_id, expected) in [
            ("in/a.hl7", "MSG1", "a.hl7-1-MSG1"),
            ("-", "MSG1", "stdin-1-MSG1"),
            ("..", "../../x", "_.-1-_._.._x"),
            ("a", "/etc/passwd", "a-1-_etc_passwd"),
            ("a", "C:\\x", "a-1-C___x"),
            ("a", "..", "a-1-_."),
            ("a", "", "a-1-none"),
            (".a", "\u{e4}", "_a-1-_xc3_xa4"),
        ] {
            assert_eq!(name(&about(file, control_id)), expected);
        }
        let long = name(&about(&"f".repeat(300), &"i".repeat(300)));
        assert_eq!(long.len(), 2 * super::PART_BYTES_MAX + 3);
    }

    #[test]
    fn what_is_there_already_stays() {
        let folder = folder("stays");
        let acks = Acks::new(&folder).unwrap();
        let names: Vec<_> = ["first", "second", "third"]
            .iter()
            .map(|content| acks.save(&about("a", "1"), content.as_bytes()).unwrap())
            .collect();
        let expected = ["a-1-1.ack", "a-1-1-2.ack", "a-1-1-3.ack"];
        assert_eq!(names, expected.map(|name| folder.join(name)));
        assert_eq!(fs::read(&names[0]).unwrap(), b"first");
        // And nothing else.
        assert_eq!(fs::read_dir(&folder).unwrap().count(), 3);
        fs::remove_dir_all(folder).unwrap();
    }

    #[test]
    fn a_folder_that_is_not_there_is_noticed_at_once_and_the_flag_named() {
        let told = Acks::new("no/such".as_ref()).unwrap_err().to_string();
        assert!(told.contains("wasmtime run --dir no/such …"), "{told}");
    }
}
