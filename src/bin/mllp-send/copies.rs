//! Copies of a message, each with a control id of its own.

use mllp_client::proto::msh::Header;

/// Digits that nobody takes for each other, and no receiver for a separator.
const DIGITS: &[u8; 32] = b"0123456789ABCDEFGHJKMNPQRSTVWXYZ";

/// How many digits a number of 64 bits has.
const RUN_DIGITS: u32 = 13;

/// How many digits are left for a count, of the 20 that MSH-10 has up to v2.6.
const COUNT_DIGITS: u32 = 7;

/// Control ids that no other run gives, but by a chance of one in 2^64.
#[derive(Debug)]
pub(crate) struct ControlIds {
    run: u64,
    given: u64,
}

impl ControlIds {
    /// Those of the run that drew this number.
    pub(crate) const fn new(run: u64) -> Self {
        Self { run, given: 0 }
    }

    pub(crate) fn next(&mut self) -> String {
        self.given = self.given.saturating_add(1);
        digits(self.run, RUN_DIGITS)
            .chain(digits(self.given, COUNT_DIGITS))
            .collect()
    }
}

fn digits(number: u64, count: u32) -> impl Iterator<Item = char> {
    (0..count).rev().map(move |place| {
        let digit = number >> place.saturating_mul(5) & 31;
        let digit = usize::try_from(digit).ok();
        digit
            .and_then(|digit| DIGITS.get(digit))
            .map_or('0', |byte| char::from(*byte))
    })
}

/// The message with this control id in the place of its own; `None` if it has none.
pub(crate) fn with_control_id(message: &[u8], control_id: &str) -> Option<Vec<u8>> {
    let header = Header::read(message)?;
    let own = header.control_id();
    if own.is_empty() {
        return None;
    }
    // MSH-1 is the separator itself, so that MSH-10 is the tenth piece.
    let before = message
        .split(|byte| *byte == header.separator())
        .take(9)
        .fold(0_usize, |sum, piece| {
            sum.saturating_add(piece.len()).saturating_add(1)
        });
    let (before, rest) = message.split_at_checked(before)?;
    let after = rest.strip_prefix(own)?;
    Some([before, control_id.as_bytes(), after].concat())
}

/// Whether it is one that a run gave.
pub(crate) fn is_given(control_id: &str) -> bool {
    let size = usize::try_from(RUN_DIGITS.saturating_add(COUNT_DIGITS));
    size == Ok(control_id.len()) && control_id.bytes().all(|byte| DIGITS.contains(&byte))
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::{ControlIds, is_given, with_control_id};

    #[test]
    fn control_ids_are_twenty_letters_and_digits_and_never_the_same() {
        let mut given = HashSet::new();
        for run in [0, 1, u64::MAX] {
            let mut ids = ControlIds::new(run);
            for _ in 0..2_000 {
                let id = ids.next();
                assert!(is_given(&id), "{id}");
                assert!(given.insert(id));
            }
        }
        assert_eq!(ControlIds::new(1).next(), "00000000000010000001");
        assert_eq!(ControlIds::new(u64::MAX).next(), "FZZZZZZZZZZZZ0000001");
    }

    #[test]
    fn a_control_id_that_a_run_gave_is_known_by_its_form() {
        for other in [
            "",
            "MSG00001",
            "0000000000001000000l",
            "000000000000010000001",
        ] {
            assert!(!is_given(other), "{other}");
        }
    }

    #[test]
    fn only_the_control_id_is_another() {
        let replaced = |message: &[u8]| with_control_id(message, "NEW");
        assert_eq!(
            replaced(b"MSH|^~\\&|A|B|C|D|E||F^G|OLD|P|2.5\rPID|OLD\r").unwrap(),
            b"MSH|^~\\&|A|B|C|D|E||F^G|NEW|P|2.5\rPID|OLD\r"
        );
        assert_eq!(
            replaced(b"MSH#^~\\&#A#B#C#D#E##F#OLD\rPID#1\r").unwrap(),
            b"MSH#^~\\&#A#B#C#D#E##F#NEW\rPID#1\r"
        );
        assert_eq!(
            replaced(b"MSH|^~\\&|\xE4|B|C|D|E||F|\xE4|P\r").unwrap(),
            b"MSH|^~\\&|\xE4|B|C|D|E||F|NEW|P\r"
        );
    }

    #[test]
    fn a_message_without_a_control_id_stays_as_it_is() {
        for message in [
            &b""[..],
            b"PID|1\r",
            b"MSH|^~\\&|A\r",
            b"MSH|^~\\&|A|B|C|D|E||F||P\r",
        ] {
            assert_eq!(with_control_id(message, "NEW"), None);
        }
    }
}
