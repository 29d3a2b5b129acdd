//! The message as bytes, in whatever charset it is: segments, fields and
//! components, and no more of HL7 than routing and addressing need.

use alloc::vec::Vec;

/// Where fields stand in an MSH segment split at MSH-1, which is itself the
/// separator: one place before their numbers.
const SENDING_FACILITY: usize = 3;
const RECEIVING_APPLICATION: usize = 4;
const RECEIVING_FACILITY: usize = 5;
const MESSAGE_TYPE: usize = 8;

/// A message whose MSH segment could be read.
pub(crate) struct Header<'m> {
    message: &'m [u8],
    fields: Vec<&'m [u8]>,
    field_separator: u8,
    component_separator: u8,
}

impl<'m> Header<'m> {
    /// Reads the MSH segment.
    pub(crate) fn of(message: &'m [u8]) -> Result<Self, &'static str> {
        let [b'M', b'S', b'H', field_separator, component_separator, ..] = *message else {
            return Err("the message does not begin with an MSH segment");
        };
        // Not at line feeds: some senders have them inside fields.
        let header = message.split(|byte| *byte == b'\r').next();
        let fields = header.unwrap_or_default();
        let fields: Vec<_> = fields.split(|byte| *byte == field_separator).collect();
        if fields.len() <= MESSAGE_TYPE {
            return Err("the message has no MSH-9");
        }
        Ok(Self {
            message,
            fields,
            field_separator,
            component_separator,
        })
    }

    /// Whether MSH-9 begins with these components, written as `ADT` or `ADT^A01`
    /// whatever the message separates them by.
    pub(crate) fn is_of_type(&self, wanted: &str) -> bool {
        let field = self.field(MESSAGE_TYPE);
        let mut components = field.split(|byte| *byte == self.component_separator);
        wanted
            .split('^')
            .all(|wanted| components.next() == Some(wanted.as_bytes()))
    }

    /// Whether MSH-4 is this.
    pub(crate) fn is_from(&self, facility: &str) -> bool {
        self.field(SENDING_FACILITY) == facility.as_bytes()
    }

    /// The message for this application (MSH-5) at this facility (MSH-6), without
    /// the segments that are no part of HL7 (names beginning with Z).
    pub(crate) fn addressed(
        &self,
        application: &str,
        facility: &str,
    ) -> Result<Vec<u8>, &'static str> {
        let separators = self.fields.get(1).copied().unwrap_or_default();
        let mut name = application.bytes().chain(facility.bytes());
        if name.any(|byte| byte == self.field_separator || separators.contains(&byte)) {
            return Err("the receiver's name contains a separator of the message");
        }
        let room = self.message.len().saturating_add(application.len());
        let mut addressed = Vec::with_capacity(room.saturating_add(facility.len()));
        for (at, field) in self.fields.iter().enumerate() {
            if at > 0 {
                addressed.push(self.field_separator);
            }
            addressed.extend_from_slice(match at {
                RECEIVING_APPLICATION => application.as_bytes(),
                RECEIVING_FACILITY => facility.as_bytes(),
                _ => field,
            });
        }
        addressed.push(b'\r');
        let segments = self.message.split_inclusive(|byte| *byte == b'\r').skip(1);
        for segment in segments.filter(|segment| !segment.starts_with(b"Z")) {
            addressed.extend_from_slice(segment);
        }
        Ok(addressed)
    }

    fn field(&self, at: usize) -> &'m [u8] {
        self.fields.get(at).copied().unwrap_or_default()
    }
}
