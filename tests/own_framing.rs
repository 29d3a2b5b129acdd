//! What is known of a message whose frame has blocks of a receiver's own, byte by byte
//! of what went.

use std::time::Duration;

use mllp_client::clock::Instant;
use mllp_client::error::{Cause, Delivery};
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::terms::Terms;
use mllp_client::session::Session;

#[path = "support/session.rs"]
mod support;
use support::terms;

const START: Instant = Instant::from_nanoseconds(1_000);
const MESSAGE: &[u8] = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\rPID|1\r";

/// What is known when the connection ends after so many bytes of the frame.
fn after(framing: &Framing, bytes: usize) -> Delivery {
    let terms = Terms {
        framing: framing.clone(),
        ..terms()
    };
    let mut session = Session::new(terms.clone(), START);
    let deadline = START.after(Duration::from_secs(1));
    support::begin(&mut session, MESSAGE, &terms, deadline);
    assert!(matches!(session.poll(START), Output::Transmit(..)));
    if bytes > 0 {
        session.handle(Input::Transmitted(bytes));
    }
    session.handle(Input::Ended);
    let failure = session.finish().outcome.unwrap_err();
    assert_eq!(failure.cause, Cause::ConnectionEnded);
    failure.delivery
}

#[test]
fn the_message_is_in_doubt_from_the_last_byte_of_the_end_block_on_whatever_follows_it() {
    for (start, end, trailer) in [
        (&b"\x0B"[..], &b"\x1C"[..], &b"\r"[..]),
        (b"\x02", b"\x03", b""),
        (b"<<SOM", b"EOM>>", b"\r\n\r\n"),
        (b"\x0B", b"\x1C\r", b""),
    ] {
        let framing = Framing {
            start: start.to_vec(),
            end: end.to_vec(),
            trailer: trailer.to_vec(),
        };
        let end_block = start.len() + MESSAGE.len() + end.len();
        for bytes in 0..=end_block + trailer.len() {
            let expected = match bytes {
                0 => Delivery::NotSent,
                _ if bytes < end_block => Delivery::CutShort,
                _ => Delivery::InDoubt,
            };
            assert_eq!(
                after(&framing, bytes),
                expected,
                "{framing:?} after {bytes}"
            );
        }
    }
}
