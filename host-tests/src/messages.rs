//! Messages and acknowledgments as short as they can be.

/// An ADT message with this control id.
#[must_use]
pub fn message(control_id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|SENDER|WARD|RECEIVER|LAB|20261123||ADT^A01^ADT_A01|{control_id}|T|2.5\r\
         EVN||20261123\rPID|1||4711\r"
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
    message.extend_from_slice(b"NTE|1||");
    assert!(size > message.len(), "no message is that short");
    message.resize(size - 1, b'x');
    message.push(b'\r');
    message
}

/// An acknowledgment of the message with this control id.
#[must_use]
pub fn ack(code: &str, control_id: &str) -> Vec<u8> {
    format!(
        "MSH|^~\\&|RECEIVER|LAB|SENDER|WARD|20261123||ACK^A01^ACK|R{control_id}|T|2.5\r\
         MSA|{code}|{control_id}\r"
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
