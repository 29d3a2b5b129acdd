//! No code of ours can panic. The compiler keeps, for each panic that it cannot rule
//! out, the place in the source in the binary; none of these places is ours.
//!
//! It is looked for in the command, which is the library and more, but for what the
//! library's exports need (`src/component.rs`, `src/runtime.rs`): the library's own
//! panic handler tells nothing, so that no place is kept there.

use std::fs;
use std::path::{Path, PathBuf};

use host_tests::sandbox;

fn sources(folder: &Path) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder).unwrap();
    entries
        .map(|entry| entry.unwrap().path())
        .flat_map(|path| match path.is_dir() {
            true => sources(&path),
            false => vec![path],
        })
        .collect()
}

/// Whether the name of a source stands there, and not as the end of another's: those
/// of the crates we depend on have a folder before them.
fn names(binary: &str, source: &str) -> bool {
    let mut found = binary.match_indices(source);
    found.any(|(at, _)| !binary[..at].ends_with('/'))
}

fn text(binary: &Path) -> String {
    String::from_utf8_lossy(&fs::read(binary).unwrap()).into_owned()
}

#[test]
fn a_place_that_can_panic_is_found() {
    // Assertions of the tests beside the code.
    let tests = text(&components::build_tests().unwrap());
    assert!(names(&tests, "src/clock.rs"));
}

#[test]
fn no_place_in_our_sources_can_panic() {
    let root = components::root();
    let binary = text(&sandbox::components().command);
    for source in sources(&root.join("src")) {
        let source = source.strip_prefix(root).unwrap().to_str().unwrap();
        assert!(!names(&binary, source), "a panic in {source}");
    }
}
