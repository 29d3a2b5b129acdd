//! Laws that hold for every message, reply, framing and split, shown on some hundred
//! of each, the same in every run.

use mllp_client::clock::Instant;
use mllp_client::error::Cause;
use mllp_client::machine::{Input, Machine, Output};
use mllp_client::proto::ack::Code;
use mllp_client::proto::exchange::{Commit, Finished, Verdict};
use mllp_client::proto::frame::{Decoder, Outgoing};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::{Leniencies, Leniency};
use mllp_client::proto::payload::Payload;
use mllp_client::proto::repair::{Repair, Repairs};
use mllp_client::proto::terms::{
    AcknowledgmentMode, Correlation, Judging, Release, SettleOn, Terms,
};
use mllp_client::proto::warning::Warning;
use mllp_client::session::Session;
use mllp_client::tls::config::Tls;
use mllp_client::tls::options::{Identity, TlsOptions};
use mllp_client::transcript::Transcript;
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::test_runner::RngSeed;

#[path = "support/session.rs"]
mod support;
use support::terms;

const START: Instant = Instant::from_nanoseconds(1_000);
const DEADLINE: Instant = Instant::from_nanoseconds(1_000_001_000);
const MARK: &[u8] = b"\xEF\xBB\xBF";

fn cases(cases: u32) -> ProptestConfig {
    // What is found belongs into a test with a name, not into a file beside this one.
    ProptestConfig {
        cases,
        failure_persistence: None,
        rng_seed: RngSeed::Fixed(2_575),
        ..ProptestConfig::default()
    }
}

/// Blocks of few different bytes, so that they share some.
fn framings() -> impl Strategy<Value = Framing> {
    let block = |least| vec(select(b"\x0B\x1C\r\x02\x03M \n".to_vec()), least..4);
    let own = (block(1), block(1), block(0)).prop_map(|(start, end, trailer)| Framing {
        start,
        end,
        trailer,
    });
    let own = own.prop_filter("it frames nothing", |framing| framing.check().is_ok());
    prop_oneof![Just(Framing::default()), own]
}

fn leniencies() -> impl Strategy<Value = Leniencies> {
    subsequence(Leniency::ALL.to_vec(), 0..=Leniency::ALL.len()).prop_map(|allowed| {
        let mut leniencies = Leniencies::none();
        for leniency in allowed {
            leniencies.allow(leniency);
        }
        leniencies
    })
}

fn all_terms() -> impl Strategy<Value = Terms> {
    use {AcknowledgmentMode as Mode, Correlation as C, Judging as J, Release as R};
    (
        select(vec![Mode::FromMessage, Mode::Original]),
        select(vec![SettleOn::Application, SettleOn::Accept]),
        select(vec![R::One, R::Two, R::Auto]),
        select(vec![C::Required, C::Warned, C::Off]),
        select(vec![J::Required, J::WherePossible, J::Off]),
        leniencies(),
        0_u32..3,
        (option::of(1_u32..2_000), option::of(1_u32..2_000)),
    )
        .prop_map(
            |(mode, settle_on, release, correlation, judging, leniencies, retries, timeouts)| {
                Terms {
                    mode,
                    settle_on,
                    release,
                    correlation,
                    judging,
                    leniencies,
                    commit_retries: retries,
                    accept_timeout_ms: timeouts.0,
                    application_timeout_ms: timeouts.1,
                    ..terms()
                }
            },
        )
}

/// A field's value: bytes of any charset, and now and then one of the framing.
fn values() -> impl Strategy<Value = Vec<u8>> {
    let byte = prop_oneof![20 => 0x20_u8..0x7B, 5 => 0x80_u8.., 1 => 0_u8..0x0A];
    vec(byte, 0..12)
}

/// Messages in original mode with MSH-10 `1` and other values of any kind.
fn messages() -> impl Strategy<Value = Vec<u8>> {
    vec(vec(values(), 1..5), 1..4).prop_map(|segments| {
        let mut message = b"MSH|^~\\&|A|B|C|D|2026||ADT^A01|1|P|2.5\r".to_vec();
        for fields in segments {
            message.extend(b"ZZZ|");
            message.extend(fields.join(&b'|'));
            message.push(b'\r');
        }
        message
    })
}

/// Messages that may be sent in one of the framings.
fn framed_messages() -> impl Strategy<Value = (Vec<u8>, Framing)> {
    (messages(), framings()).prop_filter("the guard refuses it", |(message, framing)| {
        let terms = Terms {
            framing: framing.clone(),
            ..terms()
        };
        Payload::parse(message.clone(), 1 << 20, &terms).is_ok()
    })
}

/// What a stream holds: its frames, each with what was borne for it, and whether it ends
/// within another, or why it cannot be read any further.
#[derive(Clone, Debug, PartialEq)]
struct Found {
    frames: Vec<(Vec<u8>, Vec<Warning>)>,
    ending: Result<bool, Cause>,
}

/// What a decoder finds in a stream that comes in these pieces.
fn decoded<'a>(decoder: &mut Decoder, pieces: impl IntoIterator<Item = &'a [u8]>) -> Found {
    let mut frames = Vec::new();
    for mut piece in pieces {
        while !piece.is_empty() {
            match decoder.decode(piece) {
                Ok((used, frame)) => {
                    piece = &piece[used..];
                    frames.extend(frame.map(|frame| (frame.content, frame.warnings)));
                }
                Err(cause) => {
                    let ending = Err(cause);
                    return Found { frames, ending };
                }
            }
        }
    }
    let ending = Ok(decoder.is_inside_frame());
    Found { frames, ending }
}

/// All the splits in two, and the one into single bytes.
fn splits(stream: &[u8]) -> impl Iterator<Item = Vec<&[u8]>> {
    let in_two = (0..=stream.len()).map(|place| {
        let (before, after) = stream.split_at(place);
        vec![before, after]
    });
    in_two.chain([stream.chunks(1).collect()])
}

proptest! {
    #![proptest_config(cases(500))]

    #[test]
    fn what_was_encoded_is_decoded_again_however_it_is_split(
        (message, framing) in framed_messages()
    ) {
        let terms = Terms { framing: framing.clone(), ..terms() };
        let payload = Payload::parse(message.clone(), 1 << 20, &terms).unwrap();
        let mut outgoing = Outgoing::encode(payload, &framing).unwrap();
        let frame = outgoing.part(&framing, 0, usize::MAX).to_vec();
        prop_assert_eq!(frame.len(), outgoing.size());
        for split in splits(&frame) {
            let limit = message.len() as u64;
            let mut decoder = Decoder::new(framing.clone(), Leniencies::none(), limit);
            let found = decoded(&mut decoder, split);
            prop_assert_eq!(&found.frames, &[(message.clone(), Vec::new())]);
            prop_assert_eq!(found.ending, Ok(false));
        }
    }

    #[test]
    fn what_is_decoded_does_not_depend_on_the_split(
        framing in framings(),
        leniencies in leniencies(),
        limit in 0_u64..40,
        parts in vec((0_usize..7, values()), 0..12),
    ) {
        let stream: Vec<u8> = parts
            .into_iter()
            .flat_map(|(part, value)| match part {
                0 | 1 => framing.start.clone(),
                2 => framing.end.clone(),
                3 => framing.trailer.clone(),
                4 => [framing.end.clone(), framing.trailer.clone()].concat(),
                5 => b"MSH|".to_vec(),
                _ => value,
            })
            .collect();
        let find = |split: Vec<&[u8]>| {
            let mut decoder = Decoder::new(framing.clone(), leniencies, limit);
            let mut found = decoded(&mut decoder, split);
            // One that is only late counts as missing.
            for (_, warnings) in &mut found.frames {
                warnings.retain(|warning| *warning != Warning::MissingCarriageReturn);
            }
            found
        };
        let whole = find(vec![&stream]);
        for split in splits(&stream) {
            prop_assert_eq!(find(split), whole.clone());
        }
    }

    #[test]
    fn what_passes_the_guard_makes_no_block_and_repairing_it_changes_nothing(
        (message, framing) in framed_messages(),
        noise in vec((any::<prop::sample::Index>(), values()), 0..3),
        asked in subsequence(Repair::ALL.to_vec(), 0..=4),
    ) {
        let repairs = repairs(&asked);
        let terms = Terms { framing: framing.clone(), ..terms() };
        let mut message = framing.around(&message);
        for (place, bytes) in noise {
            let place = place.index(message.len());
            message.splice(place..place, bytes);
        }
        let _ = repairs.mend(&mut message, &framing);
        // What is refused may hold a second envelope, which a second repair would take.
        if Payload::parse(message.clone(), 1 << 20, &terms).is_ok() {
            let frame = [framing.start.as_slice(), &message, &framing.end].concat();
            let places = |block: &[u8]| -> Vec<usize> {
                let windows = frame.windows(block.len()).enumerate();
                windows.filter_map(|(place, bytes)| (bytes == block).then_some(place)).collect()
            };
            prop_assert_eq!(places(&framing.start), [0]);
            prop_assert_eq!(places(&framing.end), [framing.start.len() + message.len()]);
            let sendable = message.clone();
            prop_assert_eq!(repairs.mend(&mut message, &framing), []);
            prop_assert_eq!(message, sendable);
        }
    }

    #[test]
    fn a_message_that_was_put_in_disorder_is_as_before_once_repaired_and_stays_so(
        (message, framing) in framed_messages(),
        in_envelope: bool,
        with_trailer: bool,
        mark in 0_u8..3,
        line_end in select(vec!["\r", "\n", "\r\n"]),
        ended: bool,
    ) {
        // Line ends and white space that are blocks, too, cannot be told from them.
        let shared = |byte: &u8| b"\r\n \t\xEF".contains(byte);
        prop_assume!(!framing.start.iter().chain(&framing.end).any(shared));
        let mut untidy = message.split(|byte| *byte == b'\r').collect::<Vec<_>>()
            .join(line_end.as_bytes());
        if !ended {
            untidy.truncate(untidy.len() - line_end.len());
        }
        if mark == 1 {
            untidy.splice(..0, MARK.iter().copied());
        }
        if in_envelope {
            let trailer: &[u8] = if with_trailer { &framing.trailer } else { b"" };
            untidy = [&framing.start, &untidy, &framing.end, trailer].concat();
        }
        if mark == 2 {
            untidy.splice(..0, MARK.iter().copied());
        }
        let repairs = repairs(&Repair::ALL);
        let _ = repairs.mend(&mut untidy, &framing);
        prop_assert_eq!(&untidy, &message);
        prop_assert_eq!(repairs.mend(&mut untidy, &framing), []);
        prop_assert_eq!(&untidy, &message);
    }
}

fn repairs(asked: &[Repair]) -> Repairs {
    let mut repairs = Repairs::default();
    for repair in asked {
        repairs.add(*repair);
    }
    repairs
}

/// MSH-15 or MSH-16, of a message that the guard lets pass.
fn conditions() -> impl Strategy<Value = &'static str> {
    select(vec!["", "\"\"", "AL", "NE", "ER", "SU"])
}

/// What a receiver may answer to a message with MSH-10 `id`: contents of frames.
fn replies(id: &'static str) -> impl Strategy<Value = Vec<u8>> {
    let codes = ["AA", "AE", "AR", "CA", "CE", "CR", "", "aa", "AAA"];
    let acknowledgment = (
        select(codes.to_vec()),
        select(vec![id, "2", "", "1 ", "01"]),
        conditions(),
        select(vec!["\r", "\n", "\r\n"]),
    )
        .prop_map(|(code, id, asks, end)| {
            format!("MSH|^~\\&|C|D|A|B|2026||ACK|9|P|2.5|||{asks}|{end}MSA|{code}|{id}{end}")
                .into_bytes()
        });
    let commit = any::<bool>().prop_map(|positive| {
        let commit = if positive {
            Commit::Positive
        } else {
            Commit::Negative
        };
        vec![commit.byte()]
    });
    prop_oneof![6 => acknowledgment, 2 => commit, 1 => values()]
}

/// Exchanges a message; the replies come one after another, then nothing.
fn exchanged(message: &[u8], terms: &Terms, replies: &[Vec<u8>]) -> Finished {
    let mut session = Session::new(terms.clone(), START);
    support::begin(&mut session, message, terms, DEADLINE);
    for reply in replies {
        if hand_over(&mut session, START) {
            return session.finish();
        }
        session.handle(Input::Received(&terms.framing.around(reply)));
    }
    let mut now = START;
    while !hand_over(&mut session, now) {
        let Output::Wait(until) = session.poll(now) else {
            panic!("it waits, or is over");
        };
        assert!(until > now && until <= DEADLINE, "it goes on for ever");
        now = until;
    }
    session.finish()
}

/// Hands all there is to the transport; whether the exchange is over.
fn hand_over(session: &mut Session, now: Instant) -> bool {
    loop {
        let size = match session.poll(now) {
            Output::Transmit(bytes, _) => bytes.len(),
            Output::Done => return true,
            Output::Wait(_) | Output::Look(_) => return false,
        };
        session.handle(Input::Transmitted(size));
    }
}

fn message(id: &str, accept: &str, application: &str) -> Vec<u8> {
    format!("MSH|^~\\&|A|B|C|D|2026||ADT|{id}|P|2.5|||{accept}|{application}\r").into_bytes()
}

proptest! {
    #![proptest_config(cases(5_000))]

    #[test]
    fn every_exchange_ends_by_its_deadline_with_a_verdict_or_a_failure_that_says_why(
        terms in all_terms(),
        accept in conditions(),
        application in conditions(),
        replies in vec(replies("1"), 0..4),
    ) {
        let finished = exchanged(&message("1", accept, application), &terms, &replies);
        match finished.outcome {
            Ok(reply) => {
                let answered = reply.acknowledgment.is_some()
                    || reply.accept.is_some()
                    || reply.commit.is_some();
                match reply.verdict {
                    Verdict::Applied | Verdict::Accepted | Verdict::Refused => {
                        prop_assert!(answered);
                    }
                    Verdict::Unacknowledged => prop_assert!(!answered),
                    Verdict::Unjudged => prop_assert!(terms.judging != Judging::Required),
                }
            }
            // `closed` is what is said of an exchange that nothing settled.
            Err(failure) => prop_assert!(failure.cause != Cause::Closed),
        }
    }

    #[test]
    fn what_is_credited_to_a_message_names_it_byte_by_byte(
        mut terms in all_terms(),
        id in "[ -{}~]{1,4}".prop_filter("a separator", |id| !id.contains('|')),
        other in "[ -{}~]{0,4}".prop_filter("a separator", |id| !id.contains('|')),
        alike: bool,
        code in select(vec!["AA", "AE", "AR", "CA", "CE", "CR"]),
        accept in conditions(),
        application in conditions(),
    ) {
        terms.correlation = Correlation::Required;
        let named = if alike { format!("{id}{other}") } else { other };
        let reply = format!("MSH|^~\\&|C|D|A|B|2026||ACK|9|P|2.5\rMSA|{code}|{named}\r");
        let finished =
            exchanged(&message(&id, accept, application), &terms, &[reply.into_bytes()]);
        if let Ok(reply) = finished.outcome {
            let credited = reply.acknowledgment.iter().chain(&reply.accept);
            for acknowledgment in credited {
                prop_assert_eq!(&acknowledgment.control_id, id.as_bytes());
                prop_assert_eq!(&named, &id);
            }
        }
    }

    #[test]
    fn an_application_acknowledgment_that_names_the_message_settles_it(
        id in "[ -{}~]{1,9}".prop_filter("a separator", |id| !id.contains('|')),
        code in select(vec![Code::ApplicationAccept, Code::ApplicationError]),
    ) {
        let letters = code.letters();
        let reply = format!("MSH|^~\\&|C|D|A|B|2026||ACK|9|P|2.5\rMSA|{letters}|{id}\r");
        let finished = exchanged(&message(&id, "", ""), &terms(), &[reply.into_bytes()]);
        prop_assert_eq!(finished.outcome.unwrap().verdict, Verdict::from(code));
    }
}

/// Two values of equal length that have no byte in common.
fn twins() -> impl Strategy<Value = [String; 2]> {
    ("[a-m]{1,12}", any::<u64>()).prop_map(|(one, seed)| {
        let shift = u8::try_from(seed % 13).unwrap_or_default();
        let other = one.bytes().map(|byte| (byte - b'a' + shift) % 13 + b'n');
        let other = other.map(char::from).collect();
        [one, other]
    })
}

/// The same text with each of two contents.
fn both(values: &[[String; 2]], text: impl Fn(&[&str]) -> String) -> [String; 2] {
    [0, 1].map(|which| {
        let values: Vec<&str> = values.iter().map(|pair| pair[which].as_str()).collect();
        text(&values)
    })
}

/// What is wrong with a message, or with nothing else than its content.
const DEFECTS: [&str; 8] = [
    "",
    "\x0B",
    "\x1C\r",
    "\rMSH|",
    "\u{FEFF}",
    "condition",
    "control id",
    "header",
];

fn refusal(values: &[&str], defect: &str) -> String {
    let id = if defect == "control id" {
        ""
    } else {
        values[0]
    };
    let accept = if defect == "condition" { values[1] } else { "" };
    let header = if defect == "header" { values[1] } else { "MSH" };
    let (before, within) = match defect {
        "\u{FEFF}" => (defect, ""),
        "condition" | "control id" | "header" => ("", ""),
        _ => ("", defect),
    };
    let message = format!(
        "{before}{header}|^~\\&|{}|||||||{id}|P|2.5|||{accept}\rPID|{}{within}{}\r",
        values[2], values[3], values[1]
    );
    // The last value is on the limit, or over it.
    let payload = Payload::parse(message.into_bytes(), 60, &terms());
    match payload {
        Ok(payload) => {
            let text = format!("{payload:?}");
            text + &format!("{:?}", Outgoing::encode(payload, &terms().framing))
        }
        Err(reason) => format!("{reason} {reason:?} {}", Cause::from(reason)),
    }
}

/// A reply of every kind; the value before MSA-2 says of which message it is.
const REPLIES: [&str; 9] = [
    "MSH|^~\\&|{1}|{2}\rMSA|AA|{0}|{3}\r",
    "MSH|^~\\&|{1}|{2}\nMSA|CA|{0}|{3}\n",
    "MSH|^~\\&|{1}|{2}\rMSA|AE|{0}|{3}\rERR||PID^1^3|207^{1}|E|E7|{2}|{3}\r",
    "MSH|^~\\&|{1}|{2}||||||{3}|P|2.5|||AL\rMSA|AA|{0}\r",
    "MSH|^~\\&|{1}|{2}\rMSA|AA|{3}\r",
    "MSH|^~\\&|{1}|{2}\rMSA|{3}|{0}\r",
    "MSH|^~\\&|{1}|{2}\rPID|{3}\r",
    "{1}|{2}\r",
    "MSH|^~\\&|{1}\x0B{2}\r",
];

fn told(values: &[&str], terms: &Terms, accept: &str, reply: &str, around: [&str; 2]) -> String {
    let fill = |text: &str| {
        let places = ["{0}", "{1}", "{2}", "{3}"].iter().zip(values);
        places.fold(text.to_owned(), |text, (place, value)| {
            text.replace(place, value)
        })
    };
    let note = format!("ADT\rNTE|{}", values[3]);
    let message = format!(
        "MSH|^~\\&|{}||||||ADT|{}|P|2.5|||{accept}|\r{note}\r",
        values[1], values[0]
    );
    let mut session = Session::new(terms.clone(), START);
    let mut text = format!("{session:?}");
    support::begin(&mut session, message.as_bytes(), terms, DEADLINE);
    hand_over(&mut session, START);
    text += &format!("{session:?}");
    let framed = terms.framing.around(fill(reply).as_bytes());
    let bytes = [
        fill(around[0]).as_bytes(),
        &framed,
        fill(around[1]).as_bytes(),
    ]
    .concat();
    for piece in bytes.chunks(7) {
        session.handle(Input::Received(piece));
        text += &format!("{session:?}");
    }
    hand_over(&mut session, DEADLINE);
    text += &format!("{session:?}");
    let mut transcript = Transcript::begin(START);
    transcript.take(session.notes(), DEADLINE);
    for entry in transcript.entries() {
        text += &format!("{entry:?} {}", entry.words());
    }
    let finished = session.finish();
    if let Err(failure) = &finished.outcome {
        text += &failure.explanation();
    }
    text + &format!("{finished:?} {transcript:?}")
}

fn objection(values: &[&str], kind: &str, form: usize) -> String {
    let label = ["CERTIFICATE", "PRIVATE KEY", "EC PRIVATE KEY", "X509 CRL"][form % 4];
    let joined = values.concat();
    let bytes: Vec<u8> = match form / 4 {
        0 => format!("-----BEGIN {label}-----\n{joined}\n-----END {label}-----\n").into(),
        1 => format!("-----BEGIN {label}-----\n{joined}\n").into(),
        // A sequence that has other things in it than it ought to.
        2 => {
            let size = u8::try_from(joined.len()).unwrap();
            let head = [0x30, size + 2, 0x04, size];
            [head.as_slice(), joined.as_bytes()].concat()
        }
        _ => joined.into(),
    };
    let bytes = || bytes.clone().into();
    let mut options = TlsOptions {
        insecure: true,
        ..TlsOptions::new()
    };
    match kind {
        "authority" => options.authorities = vec![bytes()],
        "revocation list" => options.revocations = vec![bytes()],
        _ => {
            options.identity = Some(Identity {
                chain: bytes(),
                key: bytes(),
            });
        }
    }
    let objection = Tls::new(&options, "lab.example").unwrap_err();
    format!("{options:?} {objection} {objection:?}")
}

proptest! {
    #![proptest_config(cases(2_000))]

    #[test]
    fn what_the_guard_says_does_not_depend_on_the_values_of_fields(
        values in vec(twins(), 4),
        defect in select(DEFECTS.to_vec()),
    ) {
        let [one, other] = both(&values, |values| refusal(values, defect));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn what_is_told_of_an_exchange_does_not_depend_on_the_values_of_fields(
        values in vec(twins(), 4),
        terms in all_terms(),
        accept in conditions(),
        reply in select(REPLIES.to_vec()),
        before in select(vec!["", "", "", " \r\n", "{2}"]),
        after in select(vec!["", "", "", "\n", "{1}", "\x0BMSH|{2}\x1C\r", "\x0BMSH|{3}"]),
    ) {
        let around = [before, after];
        let [one, other] = both(&values, |values| told(values, &terms, accept, reply, around));
        prop_assert_eq!(one, other);
    }

    #[test]
    fn what_is_said_of_keys_and_certificates_does_not_depend_on_what_they_hold(
        values in vec(twins(), 4),
        kind in select(vec!["authority", "revocation list", "identity"]),
        form in 0_usize..16,
    ) {
        let [one, other] = both(&values, |values| objection(values, kind, form));
        prop_assert_eq!(one, other);
    }
}
