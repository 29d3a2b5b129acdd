//! `cargo dist`: makes all that a release holds, in `dist/`.
//! It needs `.ci/tools cargo-cyclonedx wkg` to have run once.

fn main() -> std::io::Result<()> {
    let dist = components::root().join("dist");
    let release = components::release::make(&dist)?;
    for file in &release.files {
        println!("dist/{file}");
    }
    match release.revision {
        Some(revision) => println!("made from {revision}"),
        None => eprintln!("not for publishing: the sources are not those of any commit"),
    }
    Ok(())
}
