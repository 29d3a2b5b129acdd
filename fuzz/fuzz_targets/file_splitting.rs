//! The command's splitting of files into messages: no byte of a message is lost, and
//! none is made up.

#![no_main]
#![allow(
    dead_code,
    reason = "the command does more with its input than split it"
)]

use arbitrary::Arbitrary;
use libfuzzer_sys::fuzz_target;
use mllp_client::proto::msh::begins_header;

#[path = "../../src/bin/mllp-send/batch.rs"]
mod batch;
#[path = "../../src/bin/mllp-send/content.rs"]
mod content;
#[path = "../../src/bin/mllp-send/ndjson.rs"]
mod ndjson;

use batch::BatchCounts;
use content::{Malformed, Manner};
use ndjson::Field;

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    loose: bool,
    counts_warned: bool,
    holds: Holds<'a>,
}

#[derive(Arbitrary, Debug)]
enum Holds<'a> {
    Bytes(&'a [u8]),
    /// Whatever stands in lines that may be JSON.
    Lines(&'a [u8]),
    /// Lines that are, with these in their field.
    Texts(Vec<&'a str>),
}

fuzz_target!(|input: Input<'_>| {
    let manner = Manner {
        loose: input.loose,
        ndjson: None,
        batch_counts: match input.counts_warned {
            true => BatchCounts::Warned,
            false => BatchCounts::Required,
        },
    };
    let field = Field::Name("m".to_owned());
    let json = Manner {
        ndjson: Some(&field),
        ..manner
    };
    match input.holds {
        Holds::Bytes(file) => check_file(file, manner),
        Holds::Lines(file) => {
            let _ = content::split(file.to_vec(), json);
        }
        Holds::Texts(texts) => check_texts(&texts, json, manner),
    }
});

/// Each line is what its text would be alone.
fn check_texts(texts: &[&str], json: Manner<'_>, alone: Manner<'_>) {
    let lines = texts
        .iter()
        .map(|text| format!("{}\n", serde_json::json!({ "m": text })));
    // Alone, a text may be a frame; in JSON it is not looked for.
    if texts.iter().any(|text| is_framed(text.as_bytes())) {
        return;
    }
    let together = content::split(lines.collect::<String>().into_bytes(), json);
    let each = texts
        .iter()
        .map(|text| content::split(text.as_bytes().to_vec(), alone));
    let each: Result<Vec<_>, _> = each.map(|content| content.map(|it| it.messages)).collect();
    match (together, each) {
        (Ok(together), Ok(each)) if texts.is_empty() => {
            assert!(each.is_empty());
            assert_eq!(together.messages, [b""]);
        }
        (Ok(together), Ok(each)) => assert_eq!(together.messages, each.concat()),
        (Err(together), Err(each)) => assert_eq!(together.to_string(), each.to_string()),
        _ => panic!("a line is taken alone and not among others, or the other way round"),
    }
}

fn check_file(file: &[u8], manner: Manner<'_>) {
    let content = match content::split(file.to_vec(), manner) {
        Ok(content) => content,
        Err(malformed) => return check_malformed(&malformed, file, manner),
    };
    let messages = content.messages;
    assert!(!messages.is_empty(), "a file without a line of output");
    assert!(content.faults.is_empty() || manner.batch_counts == BatchCounts::Warned);
    match (is_framed(file), manner.loose) {
        (true, _) if may_hold_batches(file) => check_order(&messages, file, manner.loose),
        (false, false) if begins_batch(file) => {
            let segments = without_mark(file).trim_ascii_end();
            let segments = segments.split_inclusive(|byte| *byte == b'\r');
            let held: Vec<_> = segments.filter(|segment| !is_of_batch(segment)).collect();
            assert_eq!(messages.concat(), held.concat());
        }
        (false, false) => assert_eq!(messages, [file]),
        (true, false) => check_frames(&messages, file),
        (false, true) => check_loose(&messages, &[file]),
        (true, true) => {
            let strict = Manner {
                loose: false,
                ..manner
            };
            let insides = content::split(file.to_vec(), strict).unwrap().messages;
            let insides: Vec<&[u8]> = insides.iter().map(Vec::as_slice).collect();
            check_loose(&messages, &insides);
        }
    }
}

fn is_framed(file: &[u8]) -> bool {
    file.trim_ascii_start().starts_with(b"\x0B")
}

fn without_mark(file: &[u8]) -> &[u8] {
    let file = file.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(file);
    file.trim_ascii_start()
}

/// FHS, BHS, BTS or FTS, and no more letters or digits.
fn is_of_batch(segment: &[u8]) -> bool {
    let Some((name, rest)) = segment.split_at_checked(3) else {
        return false;
    };
    let ends = !rest.first().is_some_and(u8::is_ascii_alphanumeric);
    ends && [b"FHS", b"BHS", b"BTS", b"FTS"]
        .iter()
        .any(|of| name == *of)
}

fn begins_batch(file: &[u8]) -> bool {
    let file = without_mark(file);
    is_of_batch(file) && matches!(file[..3], [_, b'H', b'S'])
}

/// Without what is borne before a batch.
fn from_batch(file: &[u8]) -> &[u8] {
    match begins_batch(file) {
        true => without_mark(file),
        false => file,
    }
}

fn may_hold_batches(file: &[u8]) -> bool {
    let names: [&[u8]; 4] = [b"FHS", b"BHS", b"BTS", b"FTS"];
    names
        .iter()
        .any(|name| memchr::memmem::find(file, name).is_some())
}

/// The messages, or their lines, stand in the file one after the other.
fn check_order(messages: &[Vec<u8>], mut file: &[u8], by_line: bool) {
    let lines = messages.iter().flat_map(|message| match by_line {
        true => message.split(|byte| *byte == b'\r').collect(),
        false => vec![message.as_slice()],
    });
    for line in lines {
        let at = memchr::memmem::find(file, line).expect("what is sent stands in the file");
        file = &file[at + line.len()..];
    }
}

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

/// The lines that are not blank, and no batch's, are all there, in their order.
fn check_loose(messages: &[Vec<u8>], sources: &[&[u8]]) {
    let lines = |bytes: &[u8]| -> Vec<Vec<u8>> {
        let lines = bytes.split(|byte| b"\r\n".contains(byte));
        let held = lines.filter(|line| !line.trim_ascii().is_empty());
        held.map(<[u8]>::to_vec).collect()
    };
    let of_messages = |line: &Vec<u8>| !is_of_batch(line);
    let all = |many: &mut dyn Iterator<Item = &[u8]>| {
        let lines = many.flat_map(lines);
        lines.filter(of_messages).collect::<Vec<_>>()
    };
    let found = all(&mut messages.iter().map(Vec::as_slice));
    let mut sources_held = sources.iter().map(|source| from_batch(source));
    assert_eq!(found, all(&mut sources_held));
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

fn check_malformed(malformed: &Malformed, file: &[u8], manner: Manner<'_>) {
    match malformed {
        Malformed::UnfinishedFrame(offset) | Malformed::BytesBetweenFrames(offset) => {
            assert!(is_framed(file));
            let begins_frame = file[*offset] == 0x0B;
            let unfinished = matches!(malformed, Malformed::UnfinishedFrame(_));
            assert_eq!(unfinished, begins_frame);
        }
        Malformed::BatchFault(_) => assert_eq!(manner.batch_counts, BatchCounts::Required),
        Malformed::LooseBatch => assert!(!manner.loose),
        Malformed::EmptyBatch => assert!(may_hold_batches(file)),
        Malformed::BadLine(_) => panic!("no line was to be JSON"),
    }
}
