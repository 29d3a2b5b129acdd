//! `cargo components`: builds both components and says where they lie.

fn main() -> std::io::Result<()> {
    let components = components::build()?;
    for component in [components.library, components.command] {
        let size = std::fs::metadata(&component)?.len();
        let shown = component.strip_prefix(components::root());
        println!("{} ({size} bytes)", shown.unwrap_or(&component).display());
    }
    Ok(())
}
