//! `cargo soak`, for moments instead of minutes.

use std::process::Command;

#[test]
fn a_short_soak_finds_no_untrue_verdict_and_nothing_that_grows() {
    let mut soak = Command::new(env!("CARGO_BIN_EXE_soak"));
    let output = soak.args(["--minutes", "0.05"]).output();
    let output = output.expect("the program is built with the tests");
    let told = String::from_utf8_lossy(&output.stdout);
    let objections = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{told}{objections}");
    assert!(
        told.contains("plain: ") && told.contains(" restarts"),
        "{told}"
    );
}
