//! The pictures, drawn from the texts beside them.

use std::fs;

use pikchr::{Pikchr, PikchrFlags};

#[test]
fn every_picture_is_that_of_its_source() {
    let write = std::env::var_os("MLLP_WRITE_TABLES").is_some();
    let folder = components::root().join("docs/pictures");
    let mut pictures = 0;
    for entry in fs::read_dir(folder).expect("the pictures") {
        let source = entry.expect("a file").path();
        if source
            .extension()
            .is_none_or(|extension| extension != "pikchr")
        {
            continue;
        }
        pictures += 1;
        let text = fs::read_to_string(&source).expect("a source");
        let drawn = Pikchr::render(&text, None, PikchrFlags::default());
        let drawn = drawn.unwrap_or_else(|error| panic!("{}: {error}", source.display()));
        // Legible on a dark page, too.
        let white = "style='background:white;";
        let drawn = drawn.rendered().replacen("style='", white, 1);
        let file = source.with_extension("svg");
        if write {
            fs::write(&file, &drawn).expect("a picture");
        }
        let committed = fs::read_to_string(&file).unwrap_or_default();
        assert!(
            committed == drawn,
            "{} is not what its source draws; if the source is right: \
             MLLP_WRITE_TABLES=1 cargo test --test documentation pictures",
            file.display(),
        );
    }
    assert!(pictures > 0);
}
