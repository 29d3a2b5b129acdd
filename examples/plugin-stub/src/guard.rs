//! What of the client's guard a plugin is likely to meet.

use crate::types::{InvalidMessage, ReservedByte};

/// MSH-10, of a message that may be sent.
pub(crate) fn control_id(message: &[u8]) -> Result<&[u8], InvalidMessage> {
    if message.is_empty() {
        return Err(InvalidMessage::Empty);
    }
    let [b'M', b'S', b'H', separator, ..] = *message else {
        return Err(InvalidMessage::NoHeader);
    };
    let is_reserved = |byte: &u8| matches!(byte, 0x0B | 0x1C);
    if let Some(offset) = message.iter().position(is_reserved) {
        return Err(InvalidMessage::ReservedByte(ReservedByte {
            offset: u64::try_from(offset).unwrap_or(u64::MAX),
            byte: message.get(offset).copied().unwrap_or_default(),
        }));
    }
    let mut segments = message.split(|byte| *byte == b'\r');
    let mut fields = segments.next().into_iter();
    let mut fields = fields
        .by_ref()
        .flat_map(|header| header.split(|byte| *byte == separator));
    match fields.nth(9) {
        None | Some([]) => Err(InvalidMessage::NoControlId),
        Some(control_id) => Ok(control_id),
    }
}
