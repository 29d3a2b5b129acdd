//! The guard and the repairs: what passes makes one frame and no more, in which a
//! decoder finds just the message; and repairing what may be sent changes nothing.

#![no_main]

use arbitrary::Arbitrary;
use fuzz::draw::{AnyRepairs, AnyTerms};
use libfuzzer_sys::fuzz_target;
use memchr::memmem;
use mllp_client::error::InvalidMessage;
use mllp_client::proto::frame::{Decoder, Outgoing};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::Leniencies;
use mllp_client::proto::msh::Header;
use mllp_client::proto::payload::Payload;
use mllp_client::proto::repair::{Repair, Repairs};
use mllp_client::proto::terms::{Correlation, Terms};

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    terms: AnyTerms,
    repairs: AnyRepairs,
    limit: u16,
    message: &'a [u8],
}

fuzz_target!(|input: Input<'_>| {
    let (terms, repairs) = (&input.terms.0, input.repairs.0);
    let limit = u64::from(input.limit);
    check(input.message, limit, terms);

    let mut message = input.message.to_vec();
    let done = repairs.mend(&mut message, &terms.framing);
    check_repairs(&done, repairs, input.message, &message);
    if check(&message, limit, terms) {
        let sendable = message.clone();
        assert_eq!(repairs.mend(&mut message, &terms.framing), []);
        assert_eq!(message, sendable);
    }
});

fn check_repairs(done: &[Repair], asked: Repairs, before: &[u8], after: &[u8]) {
    assert!(done.iter().all(|repair| asked.contains(*repair)));
    assert_eq!(done.is_empty(), before == after);
    assert!(after.len() <= before.len() + 1);
    if asked.contains(Repair::LineFeeds) {
        assert!(!after.contains(&b'\n'));
    }
    if asked.contains(Repair::FinalCarriageReturn) {
        assert!(after.is_empty() || after.ends_with(b"\r"));
    }
}

/// Whether the guard lets the message pass; if it does, whether that is right.
fn check(message: &[u8], limit: u64, terms: &Terms) -> bool {
    let payload = match Payload::parse(message.to_vec(), limit, terms) {
        Ok(payload) => payload,
        Err(reason) => {
            check_objection(reason, message, limit);
            return false;
        }
    };
    assert!(message.len() as u64 <= limit);
    let header = Header::read(message).unwrap();
    let mut outgoing = Outgoing::encode(payload, &terms.framing).unwrap();
    let control_id = &outgoing.control_id;
    assert_eq!(control_id, header.control_id());
    assert!(!control_id.is_empty() || terms.correlation != Correlation::Required);
    let mut frame = Vec::new();
    while frame.len() < outgoing.size() {
        let part = outgoing.part(&terms.framing, frame.len(), usize::MAX);
        frame.extend_from_slice(part);
    }
    check_frame(&frame, message, &terms.framing);
    true
}

fn check_objection(reason: InvalidMessage, message: &[u8], limit: u64) {
    match reason {
        InvalidMessage::ReservedByte(reserved) => {
            let offset = usize::try_from(reserved.offset).unwrap();
            assert_eq!(message[offset], reserved.byte);
        }
        InvalidMessage::SecondHeader(offset) => {
            let (before, rest) = message.split_at(usize::try_from(offset).unwrap());
            assert!(before.ends_with(b"\r") || before.ends_with(b"\n"));
            assert!(rest.starts_with(b"MSH"));
        }
        InvalidMessage::TooLarge(over) => {
            assert_eq!(over.limit, limit);
            assert_eq!(over.size, message.len() as u64);
            assert!(over.size > limit);
        }
        InvalidMessage::Empty => assert!(message.is_empty()),
        InvalidMessage::NoHeader => assert!(Header::read(message).is_none()),
        InvalidMessage::WideEncoding => assert!(!message.starts_with(b"MSH")),
        InvalidMessage::UnknownCondition(position) => assert!(position == 15 || position == 16),
        InvalidMessage::NoControlId => {
            assert!(Header::read(message).unwrap().control_id().is_empty());
        }
    }
}

/// The blocks stand where they must and nowhere else.
fn check_frame(frame: &[u8], message: &[u8], framing: &Framing) {
    assert_eq!(frame, framing.around(message));
    let without_trailer = &frame[..frame.len() - framing.trailer.len()];
    let places = |block: &[u8]| -> Vec<usize> {
        let windows = without_trailer.windows(block.len()).enumerate();
        windows
            .filter_map(|(place, window)| (window == block).then_some(place))
            .collect()
    };
    assert_eq!(places(&framing.start), [0]);
    assert_eq!(places(&framing.end), [framing.start.len() + message.len()]);
    let line_ends = memmem::find_iter(message, b"MSH").skip(1);
    for place in line_ends.filter(|place| b"\r\n".contains(&message[place - 1])) {
        let next = message.get(place + 3);
        assert!(next.is_some_and(u8::is_ascii_alphanumeric), "two messages");
    }
    let size = message.len() as u64;
    let mut decoder = Decoder::new(framing.clone(), Leniencies::none(), size);
    let (used, found) = decoder.decode(frame).unwrap();
    assert_eq!(used, frame.len());
    assert_eq!(found.unwrap().content, message);
}
