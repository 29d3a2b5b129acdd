//! `cargo sbom`: builds `mllp_client.wasm` and writes its bill of materials beside it.
//! It needs `.ci/tools cargo-cyclonedx` to have run once.

use std::fs;

fn main() -> std::io::Result<()> {
    let component = components::build()?.library;
    let bill = components::bill::of(&fs::read(&component)?, "component")?;
    let name = "mllp_client.cdx.json";
    fs::write(component.with_file_name(name), bill.json)?;
    println!("target/components/{name} ({} parts)", bill.parts);
    Ok(())
}
