//! What is named on the command line becomes files: a folder is the files in it, and
//! a pattern that no shell has expanded the paths that match it.

use std::fs::{self, DirEntry};
use std::io;
use std::path::{Component, Path, PathBuf};

use glob::{MatchOptions, Pattern};

use crate::input::Source;

const OPTIONS: MatchOptions = MatchOptions {
    case_sensitive: true,
    require_literal_separator: true,
    require_literal_leading_dot: true,
};

/// The files that `source` stands for, or itself if there is none: reading it tells
/// why.
pub(crate) fn expand(source: &Source) -> Vec<Source> {
    let Source::File(path) = source else {
        return vec![source.clone()];
    };
    // A file whose name looks like a pattern is that file.
    let found = match fs::metadata(path) {
        Ok(metadata) if metadata.is_dir() => files_in(path),
        Err(_) if is_pattern(path) => files_like(path),
        _ => Ok(Vec::new()),
    };
    match found {
        Ok(found) if found.is_empty() => vec![source.clone()],
        Ok(found) => found.into_iter().map(Source::File).collect(),
        Err(_) => vec![Source::Unlistable(path.clone())],
    }
}

/// Whether a shell would have expanded it.
pub(crate) fn is_pattern(path: &Path) -> bool {
    path.to_string_lossy().contains(['*', '?', '['])
}

/// The files of a folder in the order of their names' bytes, without hidden ones and
/// those of folders within.
fn files_in(folder: &Path) -> io::Result<Vec<PathBuf>> {
    let paths = entries(folder)?.into_iter().map(|entry| entry.path());
    let mut files: Vec<_> = paths.filter(|path| is_file(path)).collect();
    files.sort_unstable();
    Ok(files)
}

/// A link that leads nowhere, or out of sight, counts: reading it tells so, where
/// leaving it out would tell nothing.
fn is_file(path: &Path) -> bool {
    match fs::metadata(path) {
        Ok(metadata) => metadata.is_file(),
        Err(_) => path.is_symlink(),
    }
}

fn files_like(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut files = Vec::new();
    for path in matches(pattern)? {
        match path.is_dir() {
            true => files.extend(files_in(&path)?),
            false => files.push(path),
        }
    }
    Ok(files)
}

/// The paths that match, in the order of their bytes. The way to them begins where the
/// pattern has its first wildcard: what lies above may be out of sight.
fn matches(pattern: &Path) -> io::Result<Vec<PathBuf>> {
    let mut found = vec![PathBuf::new()];
    for component in pattern.components() {
        let name = component.as_os_str();
        let is_plain = !matches!(component, Component::Normal(_)) || !is_pattern(Path::new(name));
        let mut next = Vec::new();
        for path in found {
            match name.to_str() {
                _ if is_plain => next.push(path.join(name)),
                Some("**") => next.extend(with_folders_below(path)?),
                Some(name) => next.extend(entries_like(&path, name)?),
                None => {}
            }
        }
        found = next;
    }
    found.retain(|path| path.is_dir() || is_file(path));
    found.sort_unstable();
    found.dedup();
    Ok(found)
}

/// A pattern that is none, as `a[b`, matches nothing.
fn entries_like(folder: &Path, pattern: &str) -> io::Result<Vec<PathBuf>> {
    let Ok(pattern) = Pattern::new(pattern) else {
        return Ok(Vec::new());
    };
    let names = all_entries(folder)?
        .into_iter()
        .map(|entry| entry.file_name());
    let alike = names.filter(|name| pattern.matches_with(&name.to_string_lossy(), OPTIONS));
    Ok(alike.map(|name| folder.join(name)).collect())
}

/// A link to a folder is not followed: it may lead back.
fn with_folders_below(folder: PathBuf) -> io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut waiting = vec![folder];
    while let Some(folder) = waiting.pop() {
        let folders = entries(&folder)?.into_iter().filter(|entry| {
            let kind = entry.file_type();
            kind.is_ok_and(|kind| kind.is_dir())
        });
        waiting.extend(folders.map(|entry| folder.join(entry.file_name())));
        found.push(folder);
    }
    Ok(found)
}

/// What is in a folder and not hidden.
fn entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let mut entries = all_entries(folder)?;
    entries.retain(|entry| !entry.file_name().to_string_lossy().starts_with('.'));
    Ok(entries)
}

/// Of what is no folder there are none. A listing that breaks off must not pass for the
/// whole: a host under WASI ends it at a name that is not UTF-8.
fn all_entries(folder: &Path) -> io::Result<Vec<DirEntry>> {
    let folder = match folder.as_os_str().is_empty() {
        true => Path::new("."),
        false => folder,
    };
    match fs::read_dir(folder) {
        Ok(entries) => entries.collect(),
        Err(error) if folder.is_dir() => Err(error),
        Err(_) => Ok(Vec::new()),
    }
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::{expand, is_pattern};
    use crate::input::Source;

    /// A folder of files that goes when this value does.
    struct Tree(PathBuf);

    impl Tree {
        fn new(test: &str, files: &[&str]) -> Self {
            let root = std::env::temp_dir();
            let root = root.join(format!("mllp-send-paths-{test}-{}", std::process::id()));
            for file in files {
                let path = root.join(file);
                fs::create_dir_all(path.parent().unwrap()).unwrap();
                fs::write(path, file).unwrap();
            }
            Self(root)
        }

        /// The names that come of this one.
        fn expanded(&self, name: &str) -> Vec<String> {
            let sources = expand(&Source::File(self.0.join(name)));
            let prefix = format!("{}/", self.0.display());
            let names = sources.iter().map(ToString::to_string);
            names.map(|name| name.replace(&prefix, "")).collect()
        }
    }

    impl Drop for Tree {
        fn drop(&mut self) {
            let _ = fs::remove_dir_all(&self.0);
        }
    }

    #[test]
    fn a_folder_is_its_files_by_name_without_hidden_ones_and_folders_within() {
        let tree = Tree::new("folder", &["in/b.hl7", "in/B", "in/.c", "in/a", "in/d/e"]);
        assert_eq!(tree.expanded("in"), ["in/B", "in/a", "in/b.hl7"]);
        assert_eq!(tree.expanded("in/"), ["in/B", "in/a", "in/b.hl7"]);
    }

    #[test]
    fn a_pattern_is_what_matches_it() {
        let files = [
            "in/a1.hl7",
            "in/a2.hl7",
            "in/b1.txt",
            "in/.a3.hl7",
            "in/x/y/a4.hl7",
        ];
        let tree = Tree::new("pattern", &files);
        for (pattern, expected) in [
            ("in/*.hl7", &["in/a1.hl7", "in/a2.hl7"][..]),
            ("in/?[1].*", &["in/a1.hl7", "in/b1.txt"]),
            ("*/a1.hl7", &["in/a1.hl7"]),
            ("in/.*.hl7", &["in/.a3.hl7"]),
            ("**/a[!1].hl7", &["in/a2.hl7", "in/x/y/a4.hl7"]),
            ("**/**/a4.hl7", &["in/x/y/a4.hl7"]),
            ("in/x/*", &["in/x/y/a4.hl7"]),
        ] {
            assert_eq!(tree.expanded(pattern), expected, "{pattern}");
        }
    }

    #[test]
    fn what_comes_to_nothing_stays_as_it_is() {
        let tree = Tree::new("nothing", &["in/.hidden", "in/a.hl7"]);
        for name in ["in/*.txt", "in/a[b", "none", "none/*", "in/a.hl7"] {
            assert_eq!(tree.expanded(name), [name]);
        }
    }

    #[test]
    fn a_file_that_is_there_is_no_pattern() {
        let tree = Tree::new("literal", &["a*.hl7", "ab.hl7", "a[1].hl7", "a1.hl7"]);
        assert_eq!(tree.expanded("a*.hl7"), ["a*.hl7"]);
        assert_eq!(tree.expanded("a[1].hl7"), ["a[1].hl7"]);
        assert_eq!(tree.expanded("a?.hl7"), ["a*.hl7", "a1.hl7", "ab.hl7"]);
    }

    #[test]
    fn standard_input_is_not_looked_for() {
        assert_eq!(expand(&Source::StandardInput), [Source::StandardInput]);
        assert!(is_pattern("a?".as_ref()) && !is_pattern("a{1}".as_ref()));
    }

    #[cfg(unix)]
    #[test]
    fn a_link_that_leads_nowhere_is_not_passed_over() {
        let tree = Tree::new("links", &["a/x.hl7"]);
        std::os::unix::fs::symlink("nowhere", tree.0.join("a/y.hl7")).unwrap();
        for name in ["a", "a/*.hl7", "**/*.hl7"] {
            assert_eq!(tree.expanded(name), ["a/x.hl7", "a/y.hl7"], "{name}");
        }
    }
}
