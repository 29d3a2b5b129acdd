//! Messages and acknowledgments as short as they can be, with a mark in every field
//! that a patient's data could stand in.

use marks::{MOMENT, NAME, PLACE};

/// An ADT message with this control id.
#[must_use]
pub fn message(control_id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|{NAME}|{NAME}|{NAME}|{NAME}|{MOMENT}||ADT^A01^ADT_A01|{control_id}|T|2.5\r\
         EVN||{MOMENT}\rPID|1||{NAME}||{PLACE}\r"
    )
    .into_bytes()
}

/// A message with this control id that is exactly `size` bytes long.
///
/// # Panics
/// If that is too short for a message.
#[must_use]
pub fn message_of(control_id: &str, size: usize) -> Vec<u8> {
    let mut message = message(control_id);
    pad(&mut message, size);
    message
}

/// Makes a message or an acknowledgment exactly `size` bytes long, by a segment more.
///
/// # Panics
/// If it is longer without.
pub fn pad(message: &mut Vec<u8>, size: usize) {
    message.extend_from_slice(b"NTE|1||");
    assert!(size > message.len(), "no message is that short");
    let marks = NAME.bytes().cycle();
    message.extend(marks.take(size - 1 - message.len()));
    message.push(b'\r');
}

/// An acknowledgment of the message with this control id.
#[must_use]
pub fn ack(code: &str, control_id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|{NAME}|{NAME}|{NAME}|{NAME}|{MOMENT}||ACK^A01^ACK|R{control_id}|T|2.5\r\
         MSA|{code}|{control_id}|{PLACE}\r"
    )
    .into_bytes()
}

/// `content` in a frame.
#[must_use]
pub fn frame(content: &[u8]) -> Vec<u8> {
    [b"\x0B", content, b"\x1C\r"].concat()
}

/// MSH-10 of a message that uses the usual separators or its own.
#[must_use]
pub fn control_id(message: &[u8]) -> Vec<u8> {
    let separator = message.get(3).copied().unwrap_or(b'|');
    let header = message.split(|byte| *byte == b'\r').next();
    header
        .unwrap_or_default()
        .split(|byte| *byte == separator)
        .nth(9)
        .unwrap_or_default()
        .to_vec()
}
