//! The host of under forty lines in `docs/embedding.md` does what it says.

use std::process::Command;

use host_tests::receiver::Receiver;
use host_tests::sandbox;

#[test]
fn the_host_of_the_documents_sends_a_message() {
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
fn the_documents_show_that_very_host() {
    let page = include_str!("../../../docs/embedding.md");
    let source = include_str!("../../src/bin/embed.rs");
    let (_, shown) = source.split_once("\n\n").expect("its opening line");
    assert!(
        page.contains(shown),
        "docs/embedding.md and src/bin/embed.rs differ"
    );
    assert!(shown.lines().filter(|line| !line.is_empty()).count() < 40);
}
