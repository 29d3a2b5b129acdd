//! Made-up messages of the sizes that are measured, and what a receiver answers.

/// What begins a frame, and what ends it.
pub(crate) const START: u8 = 0x0B;
/// See [`START`].
pub(crate) const END: [u8; 2] = [0x1C, 0x0D];

/// MSH-10 of every message here; a client may send another.
const CONTROL_ID: &str = "BENCH00000000001";

/// An admission, 460 bytes.
pub(crate) fn admission() -> Vec<u8> {
    let mut message = header("ADT^A01^ADT_A01");
    message.push_str(
        "EVN|A01|20260101120000\r\
         PID|1||4711^^^WARD^MR||Example^Erika^Maria||19700101|F|||1 Sample Street^^Sampletown^^12345\r\
         PV1|1|I|W1^101^A^WARD||||0815^Doctor^Dora|||MED||||1|||0815^Doctor^Dora|IN|V123456\r",
    );
    padded(message, 460)
}

/// Results of a laboratory, about 5 KB.
pub(crate) fn results() -> Vec<u8> {
    observations(5_000)
}

/// Many results, about 100 KB.
pub(crate) fn many_results() -> Vec<u8> {
    observations(100_000)
}

/// A document of a megabyte in one field.
pub(crate) fn document() -> Vec<u8> {
    let mut message = header("MDM^T02^MDM_T02");
    message.push_str(
        "EVN|T02|20260101120000\r\
         PID|1||4711^^^WARD^MR||Example^Erika||19700101|F\r\
         TXA|1|CN|AP|20260101120000|||||||DOC1\r\
         OBX|1|ED|18842-5^Discharge summary^LN||^application^pdf^Base64^",
    );
    let size = 1_000_000;
    while message.len() < size {
        message.push_str("QmVuY2htYXJrIG9mIE1MTFAgY2xpZW50cywg");
    }
    message.truncate(size);
    message.push_str("||||||F\r");
    message.into_bytes()
}

fn observations(size: usize) -> Vec<u8> {
    let mut message = header("ORU^R01^ORU_R01");
    message.push_str(
        "PID|1||4711^^^WARD^MR||Example^Erika||19700101|F\r\
         OBR|1|P1|F1|24323-8^Comprehensive metabolic panel^LN|||20260101120000\r",
    );
    for number in 1.. {
        let line = format!(
            "OBX|{number}|NM|2345-7^Glucose^LN||{}|mg/dL|70-99|N|||F\r",
            70 + number % 30
        );
        if message.len() + line.len() > size {
            break;
        }
        message.push_str(&line);
    }
    message.into_bytes()
}

fn header(kind: &str) -> String {
    format!("MSH|^~\\&|BENCH|WARD|RECEIVER|HOUSE|20260101120000||{kind}|{CONTROL_ID}|P|2.5.1\r")
}

/// The message with a segment more, so that it is so many bytes long.
fn padded(mut message: String, size: usize) -> Vec<u8> {
    message.push_str("NTE|1||");
    while message.len() < size - 1 {
        message.push('x');
    }
    message.push('\r');
    message.into_bytes()
}

/// The message in its frame.
pub(crate) fn frame(message: &[u8]) -> Vec<u8> {
    [&[START], message, &END].concat()
}

/// MSH-10 of a message in its frame, as its bytes' range.
pub(crate) fn control_id(frame: &[u8]) -> &[u8] {
    let header = frame.split(|byte| *byte == b'\r').next();
    let field = header.and_then(|header| header.split(|byte| *byte == b'|').nth(9));
    field.unwrap_or_default()
}

/// Positive acknowledgments in their frames, as long as is wanted.
pub(crate) struct Acknowledgment {
    size: usize,
    frame: Vec<u8>,
    id: std::ops::Range<usize>,
}

impl Acknowledgment {
    /// Of at least so many bytes.
    pub(crate) fn new(size: usize) -> Self {
        let mut acknowledgment = Self {
            size,
            frame: Vec::new(),
            id: 0..0,
        };
        acknowledgment.make(CONTROL_ID.as_bytes());
        acknowledgment
    }

    /// That of the message with this control id. A megabyte is not written anew for
    /// it, which would count as the client's time.
    pub(crate) fn of(&mut self, control_id: &[u8]) -> &[u8] {
        if control_id.len() == self.id.len() {
            self.frame[self.id.clone()].copy_from_slice(control_id);
        } else {
            self.make(control_id);
        }
        &self.frame
    }

    /// How many bytes it has.
    pub(crate) const fn bytes(&self) -> usize {
        self.frame.len()
    }

    fn make(&mut self, control_id: &[u8]) {
        let mut content =
            b"MSH|^~\\&|RECEIVER|HOUSE|BENCH|WARD|20260101120000||ACK^A01^ACK|R1|P|2.5.1\rMSA|AA|"
                .to_vec();
        let begin = 1 + content.len();
        content.extend_from_slice(control_id);
        self.id = begin..1 + content.len();
        content.push(b'\r');
        if content.len() + 8 < self.size {
            content.extend_from_slice(b"NTE|1||");
            content.resize(self.size - 1, b'x');
            content.push(b'\r');
        }
        self.frame = frame(&content);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn messages_have_the_sizes_that_they_are_told_to_have() {
        assert_eq!(admission().len(), 460);
        assert!((4_900..=5_000).contains(&results().len()));
        assert!((99_900..=100_000).contains(&many_results().len()));
        assert!((1_000_000..1_000_020).contains(&document().len()));
    }

    #[test]
    fn an_acknowledgment_names_the_message_whatever_the_length_of_its_control_id() {
        let mut acknowledgment = Acknowledgment::new(0);
        for id in ["BENCH00000000002", "7", "BENCH00000000001"] {
            let frame = String::from_utf8_lossy(acknowledgment.of(id.as_bytes())).into_owned();
            assert!(frame.ends_with(&format!("\rMSA|AA|{id}\r\u{1c}\r")), "{id}");
        }
        assert!((95..115).contains(&acknowledgment.of(b"BENCH00000000001").len()));
        assert_eq!(Acknowledgment::new(1_000_000).of(b"1").len(), 1_000_003);
    }
}
