//! The readers of MSH, MSA and ERR: fields are what stands between separators, a reply
//! reads the same whatever ends its segments, and the acknowledgment that is owed for
//! it names it.

#![no_main]

use std::time::Duration;

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mllp_client::limits::{ERROR_CODE_BYTES_MAX, ERROR_DETAILS_MAX};
use mllp_client::proto::ack::{self, Code, ErrorDetail, Reading};
use mllp_client::proto::msh::Header;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    nanoseconds: u32,
    content: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let content = input.content;
    if let Some(header) = Header::read(content) {
        check_fields(&header, content);
    }
    let strict = ack::read(content, false);
    if let Ok(reading) = ack::read(content, true) {
        check_reading(&reading, content);
        // Only what line feeds forbid is forbidden.
        assert_eq!(strict.is_ok(), !reading.line_feeds);
        check_line_ends(&reading, content);
        check_owed(content, input.nanoseconds);
    } else {
        assert!(strict.is_err());
    }
});

fn is_line_end(byte: &u8) -> bool {
    b"\r\n".contains(byte)
}

fn check_fields(header: &Header<'_>, content: &[u8]) {
    let segment = content.split(is_line_end).next().unwrap();
    let separator = header.separator();
    let parts = segment.iter().filter(|byte| **byte == separator).count() + 1;
    let fields: Vec<&[u8]> = (2..=parts).map(|position| header.field(position)).collect();
    let joined = [b"MSH", fields.join(&separator).as_slice()].join(&separator);
    assert_eq!(joined, segment);
    assert!(header.field(parts + 1).is_empty());
    assert_eq!(header.control_id(), header.field(10));
}

fn check_reading(reading: &Reading<'_>, content: &[u8]) {
    let separator = content[3];
    let letters = reading.code.letters().as_bytes();
    let msa = [b"MSA", letters, reading.control_id].join(&separator);
    assert!(memchr::memmem::find(content, &msa).is_some() || reading.control_id.is_empty());
    assert!(!reading.control_id.contains(&separator));
    assert!(!(reading.code.is_accept_level() && reading.wants_acknowledgment));
    let errors = reading.errors();
    assert!(errors.len() <= ERROR_DETAILS_MAX);
    errors.iter().for_each(check_error);
}

/// Nothing in it can be text.
fn check_error(error: &ErrorDetail) {
    for code in error.code.iter().chain(&error.application_code) {
        assert!(code.len() <= ERROR_CODE_BYTES_MAX);
        assert!(code.contains(|one: char| one.is_ascii_digit()));
        assert!(!code.contains(|one: char| one.is_whitespace() || one.is_control()));
    }
    if let Some(location) = &error.location {
        assert_eq!(location.segment.len(), 3);
    }
}

fn check_line_ends(reading: &Reading<'_>, content: &[u8]) {
    if reading.line_feeds || content.contains(&b'\n') {
        return;
    }
    for end in ["\n", "\r\n"] {
        let other = content.split(|byte| *byte == b'\r').collect::<Vec<_>>();
        let other = other.join(end.as_bytes());
        let again = ack::read(&other, true).unwrap();
        assert_eq!(again.code, reading.code);
        assert_eq!(again.control_id, reading.control_id);
        assert_eq!(again.wants_acknowledgment, reading.wants_acknowledgment);
        assert_eq!(again.errors(), reading.errors());
    }
}

fn check_owed(content: &[u8], nanoseconds: u32) {
    let at = Duration::from_nanos(nanoseconds.into());
    let theirs = Header::read(content).unwrap();
    let owed = ack::accept(content, at);
    assert_eq!(owed.is_none(), theirs.control_id().is_empty());
    let Some(owed) = owed else {
        return;
    };
    let ours = Header::read(&owed).unwrap();
    for (mine, its) in [(2, 2), (3, 5), (4, 6), (5, 3), (6, 4), (11, 11), (12, 12)] {
        assert_eq!(ours.field(mine), theirs.field(its));
    }
    let answer = ack::read(&owed, false).unwrap();
    assert_eq!(answer.code, Code::CommitAccept);
    assert_eq!(answer.control_id, theirs.control_id());
    assert!(!answer.wants_acknowledgment);
}
