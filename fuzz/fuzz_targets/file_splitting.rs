//! The command's splitting of files into messages: no byte of a file is lost, and none
//! is made up.

#![no_main]
#![allow(
    dead_code,
    reason = "the command does more with its input than split it"
)]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mllp_client::proto::msh::begins_header;

#[path = "../../src/bin/mllp-send/input.rs"]
mod input;

use input::Trouble;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    loose: bool,
    file: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let Input { loose, file } = input;
    let is_framed = file.trim_ascii_start().starts_with(b"\x0B");
    match input::messages(file.to_vec(), loose) {
        Err(trouble) => {
            assert!(is_framed);
            check_trouble(&trouble, file);
        }
        Ok(messages) => {
            assert!(!messages.is_empty(), "a file without a line of output");
            match (is_framed, loose) {
                (false, false) => assert_eq!(messages, [file]),
                (true, false) => check_frames(&messages, file),
                (false, true) => check_loose(&messages, &[file]),
                (true, true) => {
                    let insides = input::messages(file.to_vec(), false).unwrap();
                    let insides: Vec<&[u8]> = insides.iter().map(Vec::as_slice).collect();
                    check_loose(&messages, &insides);
                }
            }
        }
    }
});

/// The file can be put together again, but for white space between frames.
fn check_frames(messages: &[Vec<u8>], file: &[u8]) {
    let mut rest = file;
    for message in messages {
        rest = rest.trim_ascii_start().strip_prefix(b"\x0B").unwrap();
        rest = rest.strip_prefix(message.as_slice()).unwrap();
        rest = rest.strip_prefix(b"\x1C").unwrap();
        assert!(rest.is_empty() || rest.starts_with(b"\r") || rest.starts_with(b"\n"));
    }
    assert!(rest.trim_ascii().is_empty());
}

/// The lines that are not blank are all there, in their order.
fn check_loose(messages: &[Vec<u8>], sources: &[&[u8]]) {
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let lines = bytes.split(|byte| b"\r\n".contains(byte));
        let held = lines.filter(|line| !line.trim_ascii().is_empty());
        held.map(<[u8]>::to_vec).collect()
    };
    let all = |many: &mut dyn Iterator<Item = &[u8]>| many.flat_map(lines).collect::<Vec<_>>();
    let found = all(&mut messages.iter().map(Vec::as_slice));
    assert_eq!(found, all(&mut sources.iter().copied()));
    // One for each source without a line, and no more.
    let without_message = messages.iter().filter(|message| message.is_empty());
    let blank = sources.iter().filter(|source| lines(source).is_empty());
    assert_eq!(without_message.count(), blank.count());
    for message in messages {
        assert!(!message.contains(&b'\n'));
        assert!(message.is_empty() || message.ends_with(b"\r"));
        let mut segments = lines(message).into_iter().skip(1);
        assert!(
            !segments.any(|segment| begins_header(&segment)),
            "two in one"
        );
    }
}

fn check_trouble(trouble: &Trouble, file: &[u8]) {
    let (Trouble::UnfinishedFrame(offset) | Trouble::BytesBetweenFrames(offset)) = trouble else {
        panic!("nothing was read from a disk");
    };
    let begins_frame = file[*offset] == 0x0B;
    assert_eq!(matches!(trouble, Trouble::UnfinishedFrame(_)), begins_frame);
}
