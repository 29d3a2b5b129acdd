//! Who has the sources can check that a component was made from them: the same
//! sources give the same bytes, wherever they and cargo's own files lie.

use std::fs::{self, File};
use std::io;
use std::os::unix::fs::symlink;
use std::path::Path;

/// Not a part of the sources.
const LEFT_OUT: [&str; 3] = ["target", ".git", "dist"];

#[test]
fn a_build_in_another_folder_gives_the_same_bytes() {
    let elsewhere = components::root().join("target/reproduced");
    let sources = elsewhere.join("sources");
    let cargo_home = elsewhere.join("cargo");
    copy(components::root(), &sources).expect("the sources are copied");
    link_all(&components::cargo_home().unwrap(), &cargo_home).expect("cargo has another home");

    let here = components::build().expect("the components build");
    let there = components::build_from(&sources, &cargo_home).expect("and so they do elsewhere");

    for (built, again) in [(here.library, there.library), (here.command, there.command)] {
        assert_ne!(built, again);
        let same = fs::read(&built).unwrap() == fs::read(&again).unwrap();
        assert!(same, "{} and {} differ", built.display(), again.display());
    }
}

#[test]
fn no_component_names_a_folder_of_the_machine_that_made_it() {
    let built = components::build().expect("the components build");
    let cargo_home = components::cargo_home().unwrap();
    for component in [built.library, built.command] {
        let bytes = fs::read(component).unwrap();
        for folder in [components::root(), &cargo_home] {
            let name = folder.to_str().expect("a name in UTF-8").as_bytes();
            assert!(bytes.windows(name.len()).all(|part| part != name));
        }
    }
}

/// With the times of the last change, by which cargo knows what it has built.
fn copy(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    let there = fs::read_dir(to)?.collect::<io::Result<Vec<_>>>()?;
    for gone in there {
        if from.join(gone.file_name()).exists() {
            continue;
        }
        match gone.file_type()?.is_dir() {
            true => fs::remove_dir_all(gone.path())?,
            false => fs::remove_file(gone.path())?,
        }
    }
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let name = entry.file_name();
        if LEFT_OUT.iter().any(|left_out| name == *left_out) {
            continue;
        }
        let (from, to) = (entry.path(), to.join(name));
        // A link to a folder is one: the copy holds what it leads to.
        if from.is_dir() {
            copy(&from, &to)?;
        } else {
            fs::copy(&from, &to)?;
            let changed = entry.metadata()?.modified()?;
            File::options()
                .write(true)
                .open(&to)?
                .set_modified(changed)?;
        }
    }
    Ok(())
}

/// A folder that holds what the other one holds, under its own name.
fn link_all(from: &Path, to: &Path) -> io::Result<()> {
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let link = to.join(entry.file_name());
        if !link.exists() {
            symlink(entry.path(), link)?;
        }
    }
    Ok(())
}
