//! The README's host of under forty lines does what it says.

use std::process::Command;

use host_tests::receiver::Receiver;
use host_tests::sandbox;

#[test]
fn the_readmes_host_sends_a_message() {
    let receiver = Receiver::new().accept().serve(1, "AA").start();
    let output = Command::new(env!("CARGO_BIN_EXE_embed"))
        .arg(&sandbox::components().library)
        .arg(receiver.address.to_string())
        .output()
        .expect("the host runs");
    assert!(output.status.success(), "{output:?}");
    assert_eq!(
        String::from_utf8_lossy(&output.stdout),
        "Verdict::Applied\n"
    );
    let _ = receiver.finish();
}

#[test]
fn the_readme_shows_that_very_host() {
    let readme = include_str!("../../../README.md");
    let source = include_str!("../../src/bin/embed.rs");
    let (_, shown) = source.split_once("\n\n").expect("its opening line");
    assert!(
        readme.contains(shown),
        "README.md and src/bin/embed.rs differ"
    );
    assert!(shown.lines().filter(|line| !line.is_empty()).count() < 40);
}
