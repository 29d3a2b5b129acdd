//! Messages that can be told apart by their content, whatever their control ids, and
//! that must not come out anywhere.

use marks::{NAME, PLACE};
use mllp_client::options::ConnectOptions;
use mllp_client::proto::repair::Repair;
use mllp_client::proto::terms::{AcknowledgmentMode, Correlation};

use crate::chance::Chance;

/// A message of a run.
#[derive(Clone)]
pub(crate) struct Message {
    /// What the caller hands over.
    pub given: Vec<u8>,
    /// What stands in its frame.
    pub wire: Vec<u8>,
    /// MSH-10.
    pub id: Vec<u8>,
    /// MSH-1 and MSH-2.
    pub separators: [u8; 5],
    /// MSH-15.
    pub accept: &'static str,
    /// MSH-16.
    pub application: &'static str,
    /// Whether the guard has to refuse it.
    pub is_refused: bool,
}

/// What stands in MSH-15 and MSH-16.
const CONDITIONS: [&str; 5] = ["", "AL", "NE", "ER", "SU"];

/// MSH-1 and MSH-2.
const SEPARATORS: [[u8; 5]; 4] = [*b"|^~\\&", *b"|^~\\&", *b"!$%\\@", *b"*^~?&"];

impl Message {
    /// Draws the message with this number. `earlier` are the control ids of those
    /// before it.
    #[must_use]
    pub(crate) fn draw(
        chance: &mut Chance,
        number: usize,
        earlier: &[Vec<u8>],
        options: &ConnectOptions,
    ) -> Self {
        let separators = chance.one_of(&SEPARATORS);
        let id = control_id(chance, number, earlier);
        let (mut accept, mut application) = ("", "");
        if chance.per_mille(600) {
            accept = chance.one_of(&CONDITIONS);
            application = chance.one_of(&CONDITIONS);
        }
        let mut message = Self {
            given: Vec::new(),
            wire: content(chance, number, &id, separators, accept, application),
            id,
            separators,
            accept,
            application,
            is_refused: false,
        };
        message.given.clone_from(&message.wire);
        if chance.per_mille(40) {
            message.spoil(chance, options);
        } else if chance.per_mille(150) {
            message.damage(chance, options);
        }
        message.is_refused |= message.wire.len() as u64 > options.max_send_size;
        message
    }

    /// Makes it one that the guard has to refuse.
    fn spoil(&mut self, chance: &mut Chance, options: &ConnectOptions) {
        let terms = &options.terms;
        let separator = self.separators[0];
        let kind = chance.below(7);
        match kind {
            0 => self.given.clear(),
            1 => {
                self.given.splice(..3, *b"PID");
            }
            2 => {
                let place = chance.between(20, self.given.len());
                let block = chance.one_of(&[&terms.framing.start, &terms.framing.end]);
                self.given.splice(place..place, block.iter().copied());
            }
            3 => {
                let second = [b"MSH", &self.separators[..], &[separator, b'\r']].concat();
                self.given.extend(second);
            }
            4 => self.given = self.given.iter().flat_map(|byte| [*byte, 0]).collect(),
            5 if terms.mode == AcknowledgmentMode::FromMessage => {
                let id = self.id.clone();
                self.given = content(chance, 0, &id, self.separators, "XX", "");
            }
            _ if terms.correlation == Correlation::Required => {
                self.given = content(chance, 0, b"", self.separators, "", "");
            }
            _ => self.given.clear(),
        }
        self.wire.clone_from(&self.given);
        self.is_refused = true;
    }

    /// Makes it one that needs a repair; without it the guard refuses some.
    fn damage(&mut self, chance: &mut Chance, options: &ConnectOptions) {
        let repair = chance.one_of(&Repair::ALL);
        let framing = &options.terms.framing;
        let is_mended = options.repairs.contains(repair);
        match repair {
            Repair::ByteOrderMark => {
                self.given.splice(..0, *b"\xEF\xBB\xBF");
                self.is_refused = !is_mended;
            }
            Repair::Envelope => {
                self.given = framing.around(&self.wire);
                self.is_refused = !is_mended;
            }
            Repair::LineFeeds => {
                for byte in &mut self.given {
                    if *byte == b'\r' {
                        *byte = b'\n';
                    }
                }
            }
            Repair::FinalCarriageReturn => {
                self.given.pop();
            }
        }
        if !is_mended {
            self.wire.clone_from(&self.given);
            if options.repairs.contains(Repair::FinalCarriageReturn)
                && !self.is_refused
                && self.wire.last() == Some(&b'\n')
            {
                self.wire.push(b'\r');
            }
        }
    }
}

/// The number of the message that has this content.
#[must_use]
pub(crate) fn number(content: &[u8]) -> Option<usize> {
    let end = content.iter().rposition(|byte| *byte == b'#')?;
    let begin = content[..end].iter().rposition(|byte| *byte == b'#')?;
    std::str::from_utf8(&content[begin + 1..end])
        .ok()?
        .parse()
        .ok()
}

/// Some are used again, and some are beginnings of others.
fn control_id(chance: &mut Chance, number: usize, earlier: &[Vec<u8>]) -> Vec<u8> {
    match chance.below(20) {
        0 if !earlier.is_empty() => chance.one_of(earlier),
        1 if !earlier.is_empty() => {
            let mut id = chance.one_of(earlier);
            id.push(b'0');
            id
        }
        2 => format!("{:0>width$}", number, width = chance.between(1, 199)).into_bytes(),
        3 => format!("m{number} x").into_bytes(),
        _ => format!("VM{:06X}-{number}", chance.below(1 << 24)).into_bytes(),
    }
}

fn content(
    chance: &mut Chance,
    number: usize,
    id: &[u8],
    separators: [u8; 5],
    accept: &str,
    application: &str,
) -> Vec<u8> {
    let field = &separators[..1];
    let header: [&[u8]; 16] = [
        b"MSH",
        &separators[1..],
        b"S",
        NAME.as_bytes(),
        b"R",
        b"",
        b"2026",
        b"",
        b"ADT",
        id,
        b"P",
        b"2.5",
        b"",
        b"",
        accept.as_bytes(),
        application.as_bytes(),
    ];
    let mut content = header.join(field);
    let filling = match chance.below(200) {
        0 => chance.between(40_000, 200_000),
        1..8 => chance.between(4_000, 40_000),
        8..30 => chance.between(200, 4_000),
        _ => chance.between(0, 200),
    };
    for segment in ["PID", "NTE"] {
        content.push(b'\r');
        content.extend([segment.as_bytes(), b"1", b"", NAME.as_bytes()].join(field));
        content.extend_from_slice(field);
        content.resize(content.len() + filling / 2, b'x');
    }
    content.extend(format!("{PLACE}#{number}#\r").bytes());
    content
}
