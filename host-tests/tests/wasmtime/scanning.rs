//! What finds the bytes that a message must not hold, and those that end a reply, is
//! other code in WebAssembly than it is natively: it has to find the same.

use host_tests::command::Call;

#[tokio::test(flavor = "multi_thread")]
async fn the_vectors_find_in_wasm_what_is_there() {
    let tests = components::build_tests().unwrap();
    let outcome = Call::new(&["proto::scan::tests", "proto::payload::tests"])
        .program(&tests)
        .run()
        .await;
    assert!(outcome.success, "{}{}", outcome.output, outcome.errors);
    for test in [
        "scan::tests::every_place_is_found_once_and_in_order",
        "payload::tests::framing_bytes_are_refused_with_their_offset",
    ] {
        let passed = format!("proto::{test} ... ok");
        assert!(outcome.output.contains(&passed), "{test} did not run");
    }
}
