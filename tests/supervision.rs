//! A client that looks after its connection: when it connects anew, when it sends
//! again, and what it tells of it. No host is needed: the network is a script, and
//! time passes as it says.

use std::time::Duration;

use mllp_client::client::MllpClient;
use mllp_client::error::{
    Attempt, Cause, Delivery, Desync, Failure, Grant, InvalidMessage, InvalidOption, Phase, Retry,
};
use mllp_client::options::{ConnectOptions, KeepAlive, Receiver, Reconnect, SendOptions};
use mllp_client::proto::exchange::{Reply, Verdict};
use mllp_client::proto::terms::SettleOn;
use mllp_client::proto::warning::Warning;

#[path = "support/network.rs"]
mod network;
use network::{Dial, Script, Step, accepts, acknowledgment, answers, frame, message, refused};

const SECOND: Duration = Duration::from_secs(1);
const MILLISECOND: Duration = Duration::from_millis(1);
const RESENDS: [Delivery; 3] = [Delivery::NotSent, Delivery::CutShort, Delivery::InDoubt];

/// Without a policy: ten seconds for each call.
fn unsupervised() -> ConnectOptions {
    let mut options = ConnectOptions::new("192.0.2.1".into(), 2575);
    options.timeout_ms = 10_000;
    options
}

/// With a policy: delays from 100 ms to a second, five tries.
fn supervised() -> ConnectOptions {
    let mut options = unsupervised();
    options.reconnect = Reconnect {
        on: true,
        minimum_delay_ms: 100,
        maximum_delay_ms: 1_000,
        attempts: 5,
        time_limit_ms: None,
    };
    options
}

/// The same, and messages are sent again as far as this.
fn resending(up_to: Delivery) -> ConnectOptions {
    let mut options = supervised();
    options.resend = up_to;
    options
}

/// The same with a second receiver, at 192.0.2.2.
fn with_second(mut options: ConnectOptions) -> ConnectOptions {
    options.second_receiver = Some(Receiver {
        host: "192.0.2.2".into(),
        port: 2575,
    });
    options
}

fn connected(script: &Script, options: ConnectOptions) -> MllpClient<Script> {
    MllpClient::connect(script.clone(), options).expect("the first receiver accepts")
}

/// The outcome of a message with this control id.
fn send(client: &mut MllpClient<Script>, id: &str) -> Result<Reply, Failure> {
    client.send(message(id))
}

fn send_within(
    client: &mut MllpClient<Script>,
    id: &str,
    timeout_ms: u32,
) -> Result<Reply, Failure> {
    let timeout_ms = Some(timeout_ms);
    client.send_with(message(id), SendOptions { timeout_ms })
}

fn applied(client: &mut MllpClient<Script>, id: &str) -> Reply {
    let reply = send(client, id).expect("an answer");
    assert_eq!(reply.verdict, Verdict::Applied);
    reply
}

fn known(failure: &Failure) -> (Cause, Phase, Delivery) {
    (failure.cause.clone(), failure.phase, failure.delivery)
}

/// A message that asks for both acknowledgments.
fn enhanced(id: &str) -> Vec<u8> {
    format!("MSH|^~\\&|A|B|C|D|2026||ADT^A01|{id}|P|2.5|||AL|AL\rPID|1\r").into()
}

fn framed(id: &str) -> Vec<u8> {
    frame(&message(id))
}

fn failed(cause: Cause, phase: Phase, delivery: Delivery) -> Retry {
    Retry::Failed {
        cause,
        phase,
        delivery,
    }
}

/// A connection, in the middle of which the connection is lost so that this is
/// known about the message.
fn lost(delivery: Delivery) -> Step {
    match delivery {
        Delivery::NotSent => Step::EndsAtFrame,
        Delivery::CutShort => Step::BreaksInFrame(20),
        Delivery::InDoubt => Step::EndsAfterFrame,
    }
}

fn loss(delivery: Delivery) -> (Cause, Phase, Delivery) {
    match delivery {
        Delivery::NotSent => (Cause::ConnectionEnded, Phase::Write, delivery),
        Delivery::CutShort => (Cause::ConnectionBroken, Phase::Write, delivery),
        Delivery::InDoubt => (Cause::ConnectionEnded, Phase::Reply, delivery),
    }
}

fn reason(delivery: Delivery) -> Retry {
    let (cause, phase, delivery) = loss(delivery);
    failed(cause, phase, delivery)
}

fn causes(attempts: &[Attempt]) -> Vec<Cause> {
    let causes = attempts.iter().map(|attempt| attempt.cause.clone());
    causes.collect()
}

// Without a policy.

#[test]
fn without_a_policy_a_failure_ends_the_client_and_the_next_send_is_closed() {
    for delivery in RESENDS {
        // Nothing is to be connected any more, and the script would panic.
        let script = Script::new(&[accepts([lost(delivery)])]);
        let mut options = unsupervised();
        options.resend = Delivery::InDoubt;
        let mut client = connected(&script, options);
        let failure = send(&mut client, "1").unwrap_err();
        assert_eq!(known(&failure), loss(delivery));
        assert!(!client.is_open());
        let failure = send(&mut client, "2").unwrap_err();
        let closed = (Cause::Closed, Phase::Prepare, Delivery::NotSent);
        assert_eq!(known(&failure), closed);
    }
}

#[test]
fn without_a_policy_connecting_is_tried_once() {
    let script = Script::new(&[refused()]);
    let failure = MllpClient::connect(script.clone(), unsupervised())
        .err()
        .unwrap();
    assert_eq!(failure.cause, Cause::ConnectionRefused);
    assert_eq!(script.dialled().len(), 1);
}

#[test]
fn without_a_policy_a_stale_connection_is_told_and_not_replaced() {
    let script = Script::new(&[accepts([Step::Ends])]);
    let mut client = connected(&script, unsupervised());
    let failure = send(&mut client, "1").unwrap_err();
    assert_eq!(known(&failure), loss(Delivery::NotSent));
    assert!(failure.retries.is_empty());
    assert_eq!(client.counters().stale_connections, 1);
    assert_eq!(script.dialled().len(), 1);
}

// Connecting anew.

#[test]
fn after_a_failure_the_next_send_connects_anew_before_it_writes() {
    let script = Script::new(&[accepts([Step::EndsAfterFrame]), accepts([answers("AA")])]);
    let mut client = connected(&script, supervised());
    let failure = send(&mut client, "1").unwrap_err();
    assert_eq!(known(&failure), loss(Delivery::InDoubt));
    assert!(!client.is_open());
    let reply = applied(&mut client, "2");
    assert!(client.is_open());
    assert_eq!(script.taken(), [framed("1"), framed("2")]);
    // Of the message before, this one has nothing to tell.
    assert_eq!((reply.transmissions, reply.retries), (1, vec![]));
    let counters = client.counters();
    assert_eq!((counters.connections, counters.reconnections), (2, 1));
    assert_eq!(counters.stale_connections, 0);
}

#[test]
fn a_send_connects_anew_inside_its_own_deadline() {
    let script = Script::new(&[
        accepts([Step::EndsAfterFrame]),
        Dial::Accepts(2 * SECOND, vec![Step::Answers(SECOND, "AA")]),
        // What connecting took, the answer has not.
        accepts([Step::EndsAfterFrame]),
        Dial::Accepts(2 * SECOND, vec![Step::Answers(SECOND, "AA")]),
    ]);
    let mut client = connected(&script, supervised());
    send(&mut client, "1").unwrap_err();
    assert_eq!(script.time(), Duration::ZERO);
    send_within(&mut client, "2", 3_001).unwrap();
    assert_eq!(script.dialled()[1].share, Duration::from_millis(3_001));
    client.reconnect().unwrap();
    send(&mut client, "3").unwrap_err();
    let begun = script.time();
    let failure = send_within(&mut client, "4", 2_999).unwrap_err();
    assert_eq!(script.time() - begun, Duration::from_millis(2_999));
    let late = (Cause::TimedOut, Phase::Reply, Delivery::InDoubt);
    assert_eq!(known(&failure), late);
}

#[test]
fn the_time_to_connect_limits_a_send_that_connects_anew_too() {
    let script = Script::new(&[accepts([Step::Ends]), Dial::Silent]);
    let mut options = supervised();
    options.connect_timeout_ms = Some(700);
    let mut client = connected(&script, options);
    let failure = send(&mut client, "1").unwrap_err();
    let silent = (Cause::TimedOut, Phase::Connect, Delivery::NotSent);
    assert_eq!(known(&failure), silent);
    assert_eq!(script.time(), Duration::from_millis(700));
}

#[test]
fn the_first_try_of_a_call_is_made_at_once() {
    let script = Script::new(&[accepts([Step::EndsAfterFrame]), accepts([answers("AA")])]);
    let mut client = connected(&script, supervised());
    send(&mut client, "1").unwrap_err();
    applied(&mut client, "2");
    assert_eq!(script.pauses(), []);
    assert_eq!(script.time(), Duration::ZERO);
}

#[test]
fn between_tries_passes_a_time_by_chance_between_the_minimum_and_a_bound_that_doubles() {
    // The bounds are 200, 400, 800, and from there on the maximum, 1 000.
    for (random, pauses) in [
        ([0, 0, 0, 0, 0], [100, 100, 100, 100, 100]),
        ([100, 300, 700, 900, 900], [200, 400, 800, 1_000, 1_000]),
        ([50, 150, 350, 450, 1], [150, 250, 450, 550, 101]),
        // Beyond the bound it begins anew.
        ([101, 301, 701, 901, 901], [100, 100, 100, 100, 100]),
    ] {
        let mut dials = vec![refused(); 5];
        dials.push(accepts([]));
        let script = Script::new(&dials).random(random);
        let mut options = supervised();
        options.reconnect.attempts = 6;
        connected(&script, options);
        assert_eq!(script.pauses(), pauses);
    }
}

#[test]
fn many_random_numbers_reach_all_of_the_range_and_nothing_outside_it() {
    let mut seen = [0; 1_001];
    for number in 0..40_000_u64 {
        let script = Script::new(&[refused(), refused(), accepts([])]);
        // An odd multiple: it visits all residues, and not in order.
        let script = script.random([0, number.wrapping_mul(0x9E37_79B9_7F4A_7C15)]);
        connected(&script, supervised());
        seen[usize::try_from(script.pauses()[1]).unwrap()] += 1;
    }
    assert_eq!(
        seen[..100].iter().sum::<u32>() + seen[401..].iter().sum::<u32>(),
        0
    );
    // 40 000 numbers on 301 delays: about 133 for each.
    let range = &seen[100..=400];
    assert!(
        range.iter().all(|times| (60..250).contains(times)),
        "{range:?}"
    );
}

#[test]
fn delays_that_double_for_ever_stop_at_the_maximum() {
    let attempts = 200;
    let script = Script::new(&[]).then_always(refused());
    let script = script.random(std::iter::repeat_n(999, 200));
    let mut options = supervised();
    options.timeout_ms = u32::MAX;
    options.reconnect.minimum_delay_ms = 1;
    options.reconnect.attempts = attempts;
    assert!(MllpClient::connect(script.clone(), options).is_err());
    let pauses = script.pauses();
    assert_eq!(pauses.len(), 199);
    assert_eq!(pauses.iter().max(), Some(&1_000));
    assert_eq!(pauses.last(), Some(&1_000));
}

#[test]
fn a_call_makes_no_more_tries_than_it_may_and_tells_of_all_that_failed() {
    for attempts in 1..=7 {
        let script = Script::new(&[accepts([Step::Ends])]).then_always(refused());
        let mut options = supervised();
        options.reconnect.attempts = attempts;
        let mut client = connected(&script, options);
        let failure = send(&mut client, "1").unwrap_err();
        let refusal = (Cause::ConnectionRefused, Phase::Connect, Delivery::NotSent);
        assert_eq!(known(&failure), refusal);
        let tries = usize::try_from(attempts).unwrap();
        assert_eq!(script.dialled().len(), 1 + tries);
        assert_eq!(
            causes(&failure.attempts),
            vec![Cause::ConnectionRefused; tries]
        );
        // Why it had to connect at all stands beside.
        assert_eq!(failure.retries, [reason(Delivery::NotSent)]);
        assert_eq!(failure.transmissions, 0);
    }
}

#[test]
fn of_very_many_tries_the_last_64_are_told() {
    let mut dials = vec![Dial::Fails(Cause::Unreachable); 36];
    dials.extend(vec![refused(); 64]);
    let script = Script::new(&dials);
    let mut options = supervised();
    options.timeout_ms = 1_000_000;
    options.reconnect.attempts = 100;
    let failure = MllpClient::connect(script, options).err().unwrap();
    assert_eq!(
        causes(&failure.attempts),
        [const { Cause::ConnectionRefused }; 64]
    );
}

#[test]
fn the_next_call_has_all_its_tries_again() {
    let script = Script::new(&[accepts([Step::Ends])]).then_always(refused());
    let mut client = connected(&script, supervised());
    for calls in 1..=3 {
        let begun = script.time();
        let failure = send(&mut client, "1").unwrap_err();
        assert_eq!(failure.attempts.len(), 5);
        assert_eq!(script.dialled().len(), 1 + 5 * calls);
        // The first try at once, and the shortest delays first.
        assert_eq!(script.dialled()[1 + 5 * (calls - 1)].at, begun);
        assert_eq!(script.time() - begun, 400 * MILLISECOND);
    }
}

#[test]
fn no_try_begins_after_the_time_limit() {
    let script = Script::new(&[accepts([Step::Ends])]).then_always(refused());
    let mut options = supervised();
    options.reconnect.attempts = u32::MAX;
    options.reconnect.time_limit_ms = Some(1_234);
    let mut client = connected(&script, options);
    script.pass(SECOND);
    let begun = script.time();
    let failure = send(&mut client, "1").unwrap_err();
    assert_eq!(failure.cause, Cause::ConnectionRefused);
    assert!(failure.attempts.len() > 10);
    assert!(script.time() - begun < Duration::from_millis(1_234));
    let dialled = script.dialled();
    assert!(
        dialled
            .iter()
            .all(|dialled| dialled.at < begun + Duration::from_millis(1_234))
    );
    // A try that has begun has the time of the call.
    assert!(dialled.last().unwrap().share > 8 * SECOND);
}

#[test]
fn a_message_is_not_sent_again_after_the_time_limit() {
    for (limit, transmissions) in [(999, 1), (1_001, 2)] {
        let script = Script::new(&[accepts([Step::FallsSilent]), accepts([answers("AA")])]);
        let mut options = resending(Delivery::InDoubt);
        options.terms.application_timeout_ms = Some(1_000);
        options.reconnect.time_limit_ms = Some(limit);
        let mut client = connected(&script, options);
        let told = match send(&mut client, "1") {
            Ok(reply) => reply.transmissions,
            Err(failure) => failure.transmissions,
        };
        assert_eq!(told, transmissions);
    }
}

#[test]
fn no_pause_outlasts_the_deadline_or_takes_more_than_half_of_what_is_left() {
    let script = Script::new(&[accepts([Step::Ends])]).then_always(refused());
    // Always the bound.
    let script = script.random([500, 1_500, 3_500, 7_500, 15_500, 29_500]);
    let mut options = supervised();
    options.timeout_ms = 5_000;
    options.reconnect.minimum_delay_ms = 500;
    options.reconnect.maximum_delay_ms = 30_000;
    options.reconnect.attempts = 1_000;
    let mut client = connected(&script, options);
    let failure = send(&mut client, "1").unwrap_err();
    assert_eq!(failure.cause, Cause::ConnectionRefused);
    // 1 000, then 2 000 of 4 000 left, 1 000 of 2 000, 500 of 1 000: with 500 left the
    // shortest delay would end at the deadline.
    assert_eq!(script.pauses(), [1_000, 2_000, 1_000, 500]);
    assert_eq!(script.time(), Duration::from_millis(4_500));
}

#[test]
fn a_try_that_would_come_too_late_is_not_waited_for() {
    let script = Script::new(&[accepts([Step::Ends])]).then_always(refused());
    let mut client = connected(&script, supervised());
    let failure = send_within(&mut client, "1", 100).unwrap_err();
    assert_eq!(failure.attempts.len(), 1);
    assert_eq!(script.pauses(), []);
}

#[test]
fn what_another_try_cannot_mend_is_not_tried_again() {
    for cause in [
        Cause::AccessDenied(Grant::Tcp),
        Cause::AccessDenied(Grant::Address),
        Cause::OutOfMemory,
    ] {
        let script = Script::new(&[accepts([Step::Ends]), Dial::Fails(cause.clone())]);
        let mut client = connected(&script, supervised());
        let failure = send(&mut client, "1").unwrap_err();
        assert_eq!(known(&failure), (cause, Phase::Connect, Delivery::NotSent));
        assert_eq!(failure.attempts.len(), 1);
        assert_eq!(script.pauses(), []);
    }
}

#[test]
fn what_may_have_passed_by_the_next_time_is_tried_again() {
    for cause in [
        Cause::ConnectionRefused,
        Cause::Unreachable,
        Cause::TimedOut,
        Cause::ConnectionBroken,
        Cause::Other("new-socket-limit"),
    ] {
        let failing = Dial::Fails(cause);
        let script = Script::new(&[accepts([Step::Ends]), failing, accepts([answers("AA")])]);
        let mut client = connected(&script, supervised());
        applied(&mut client, "1");
        assert_eq!(script.pauses(), [100]);
    }
}

#[test]
fn a_name_that_cannot_be_looked_up_now_is_looked_up_again_and_a_denied_lookup_is_not() {
    let mut options = supervised();
    options.receiver.host = "hl7.example".into();
    let unresolved = |cause: &Cause| Script::new(&[Dial::Unresolved(cause.clone()), accepts([])]);
    for cause in [Cause::NameLookupFailed, Cause::NameUnresolvable] {
        let script = unresolved(&cause);
        connected(&script, options.clone());
        assert_eq!(script.pauses(), [100]);
    }
    let denied = Cause::AccessDenied(Grant::NameLookup);
    let script = unresolved(&denied);
    let failure = MllpClient::connect(script.clone(), options).err().unwrap();
    assert_eq!(known(&failure), (denied, Phase::Resolve, Delivery::NotSent));
    assert_eq!(script.pauses(), []);
}

#[test]
fn options_that_cannot_work_are_told_before_anything_is_tried() {
    for (change, reason) in [
        (
            (|reconnect| reconnect.minimum_delay_ms = 0) as fn(&mut Reconnect),
            InvalidOption::Reconnect,
        ),
        (
            |reconnect| reconnect.maximum_delay_ms = 99,
            InvalidOption::Reconnect,
        ),
        (|reconnect| reconnect.attempts = 0, InvalidOption::Reconnect),
        (
            |reconnect| reconnect.time_limit_ms = Some(0),
            InvalidOption::Reconnect,
        ),
    ] {
        for on in [false, true] {
            let mut options = supervised();
            options.reconnect.on = on;
            change(&mut options.reconnect);
            let script = Script::new(&[]);
            let failure = MllpClient::connect(script, options).err().unwrap();
            assert_eq!(failure.cause, Cause::InvalidOption(reason));
        }
    }
}

#[test]
fn connecting_follows_the_policy() {
    let script = Script::new(&[refused(), Dial::Fails(Cause::Unreachable), accepts([])]);
    connected(&script, supervised());
    assert_eq!(script.pauses(), [100, 100]);
    let script = Script::new(&[]).then_always(refused());
    let failure = MllpClient::connect(script.clone(), supervised())
        .err()
        .unwrap();
    assert_eq!(failure.attempts.len(), 5);
    assert_eq!(script.pauses(), [100; 4]);
}

#[test]
fn reconnecting_follows_the_policy() {
    let script = Script::new(&[accepts([]), refused(), accepts([answers("AA")])]);
    let mut client = connected(&script, supervised());
    client.reconnect().unwrap();
    assert_eq!(script.pauses(), [100]);
    applied(&mut client, "1");
    let script = Script::new(&[accepts([])]).then_always(refused());
    let mut client = connected(&script, supervised());
    let failure = client.reconnect().unwrap_err();
    assert_eq!(failure.attempts.len(), 5);
    assert!(!client.is_open());
}

#[test]
fn a_silent_receiver_takes_all_the_time_of_connecting_and_no_more() {
    let script = Script::new(&[]).then_always(Dial::Silent);
    let failure = MllpClient::connect(script.clone(), supervised())
        .err()
        .unwrap();
    assert_eq!(failure.cause, Cause::TimedOut);
    assert_eq!(script.time(), 10 * SECOND);
}

#[test]
fn calls_to_a_dead_receiver_each_come_back_by_their_deadline() {
    for (dial, calls) in [(Dial::Silent, 4), (refused(), 4)] {
        let script = Script::new(&[accepts([Step::Ends])]).then_always(dial);
        let script = script.random(std::iter::repeat_n(u64::MAX, 1_000));
        let mut options = supervised();
        options.reconnect.attempts = 1_000;
        let mut client = connected(&script, options);
        for _ in 0..calls {
            let begun = script.time();
            let failure = send_within(&mut client, "1", 2_500).unwrap_err();
            assert_eq!(failure.delivery, Delivery::NotSent);
            assert!(script.time() - begun <= Duration::from_millis(2_500));
        }
    }
}

// Stale connections.

#[test]
fn a_connection_found_stale_is_replaced_in_the_same_call() {
    const LATE: &[u8] = b"\x0BMSH|^~\\&|C|D|A|B|2026||ACK|1|P|2.5\rMSA|AA|0\r\x1C\r";
    for (found, cause) in [
        (Step::Ends, Cause::ConnectionEnded),
        (Step::Breaks, Cause::ConnectionBroken),
        (Step::Stands(b"?"), Desync::UnreadBytes.into()),
        (Step::Stands(LATE), Desync::UnreadFrame.into()),
        (Step::Stands(b"\x0B\x06\x1C\r"), Desync::UnreadFrame.into()),
        (Step::Stands(b"\x0BMSH|"), Desync::UnreadFrame.into()),
    ] {
        let script = Script::new(&[accepts([answers("AA"), found]), accepts([answers("AA")])]);
        let mut client = connected(&script, supervised());
        applied(&mut client, "1");
        let reply = applied(&mut client, "2");
        assert_eq!(reply.transmissions, 1);
        assert_eq!(
            reply.retries,
            [failed(cause, Phase::Write, Delivery::NotSent)]
        );
        let counters = client.counters();
        assert_eq!((counters.stale_connections, counters.reconnections), (1, 1));
        assert_eq!(counters.retransmissions, 0);
        // Not a byte of it went over the stale one.
        assert_eq!(script.taken(), [framed("1"), framed("2")]);
        assert_eq!(script.pauses(), []);
    }
}

#[test]
fn the_stale_connection_has_ended_before_the_new_one_is_made() {
    let script = Script::new(&[accepts([Step::Stands(b"?")]), accepts([answers("AA")])]);
    let mut client = connected(&script, supervised());
    applied(&mut client, "1");
    let events = ["connection 0", "end of connection 0", "connection 1"];
    assert_eq!(script.events(), events);
}

#[test]
fn connections_that_are_all_found_stale_end_with_the_tries() {
    let stale = accepts([Step::Ends]);
    let script = Script::new(&[]).then_always(stale);
    let mut client = connected(&script, supervised());
    let failure = send(&mut client, "1").unwrap_err();
    assert_eq!(known(&failure), loss(Delivery::NotSent));
    assert_eq!(failure.retries, vec![reason(Delivery::NotSent); 5]);
    assert_eq!(failure.transmissions, 0);
    assert_eq!(script.dialled().len(), 1 + 5);
    assert_eq!(script.pauses(), [100; 4]);
    assert_eq!(client.counters().stale_connections, 6);
}

#[test]
fn a_connection_that_came_too_late_for_the_message_is_not_called_stale() {
    let script = Script::new(&[accepts([Step::Ends]), Dial::Accepts(10 * SECOND, vec![])]);
    let mut client = connected(&script, supervised());
    let failure = send(&mut client, "1").unwrap_err();
    let late = (Cause::TimedOut, Phase::Write, Delivery::NotSent);
    assert_eq!(known(&failure), late);
    assert_eq!(client.counters().stale_connections, 1, "the first alone");
}

#[test]
fn a_message_that_the_guard_refuses_connects_nothing() {
    let script = Script::new(&[accepts([Step::EndsAfterFrame])]);
    let mut client = connected(&script, supervised());
    send(&mut client, "1").unwrap_err();
    let failure = client.send(Vec::new()).unwrap_err();
    let empty = Cause::InvalidMessage(InvalidMessage::Empty);
    assert_eq!(known(&failure), (empty, Phase::Prepare, Delivery::NotSent));
    assert_eq!(script.dialled().len(), 1);
}

// Sending again.

#[test]
fn a_message_is_sent_again_as_far_as_the_caller_allows_it_and_no_further() {
    for left in RESENDS {
        for allowed in RESENDS {
            let script = Script::new(&[accepts([lost(left)]), accepts([answers("AA")])]);
            let mut client = connected(&script, resending(allowed));
            let outcome = send(&mut client, "1");
            if left > allowed {
                let failure = outcome.unwrap_err();
                assert_eq!(known(&failure), loss(left));
                assert_eq!((failure.transmissions, failure.retries), (1, vec![]));
                assert_eq!(script.dialled().len(), 1);
                assert_eq!(client.counters().retransmissions, 0);
            } else {
                let reply = outcome.unwrap();
                assert_eq!(reply.verdict, Verdict::Applied);
                let transmissions = if left == Delivery::NotSent { 1 } else { 2 };
                assert_eq!(reply.transmissions, transmissions);
                assert_eq!(reply.retries, [reason(left)]);
                assert_eq!(script.taken()[1], framed("1"), "all of it, and once");
                let again = u64::from(transmissions - 1);
                assert_eq!(client.counters().retransmissions, again);
            }
        }
    }
}

#[test]
fn a_frame_whose_trailer_alone_is_missing_is_in_doubt_and_sent_again_only_as_such() {
    let all_but_trailer = framed("1").len() - 1;
    let lost = || accepts([Step::BreaksInFrame(all_but_trailer)]);
    for (allowed, again) in [(Delivery::CutShort, false), (Delivery::InDoubt, true)] {
        let script = Script::new(&[lost(), accepts([answers("AA")])]);
        let mut client = connected(&script, resending(allowed));
        match send(&mut client, "1") {
            Ok(reply) => assert!(again && reply.transmissions == 2),
            Err(failure) => assert!(!again && failure.delivery == Delivery::InDoubt),
        }
    }
}

#[test]
fn the_reply_tells_every_transmission_and_every_reason_in_order() {
    let script = Script::new(&[
        accepts([Step::Ends]),
        accepts([lost(Delivery::InDoubt)]),
        refused(),
        accepts([lost(Delivery::CutShort)]),
        accepts([lost(Delivery::NotSent)]),
        accepts([answers("AA")]),
    ]);
    let mut client = connected(&script, resending(Delivery::InDoubt));
    let reply = applied(&mut client, "1");
    assert_eq!(reply.transmissions, 3);
    let reasons = [
        Delivery::NotSent,
        Delivery::InDoubt,
        Delivery::CutShort,
        Delivery::NotSent,
    ];
    assert_eq!(reply.retries, reasons.map(reason));
    // A pause before each try but the first.
    assert_eq!(script.pauses(), [100; 4]);
    assert_eq!(client.counters().retransmissions, 2);
}

#[test]
fn what_each_try_warns_of_is_told_and_counted_once() {
    let script = Script::new(&[
        accepts([lost(Delivery::InDoubt)]),
        accepts([lost(Delivery::InDoubt)]),
        accepts([answers("AA")]),
    ]);
    let mut options = resending(Delivery::InDoubt);
    options.keep_alive.on = true;
    let mut client = connected(&script, options);
    let reply = applied(&mut client, "1");
    assert_eq!(reply.transmissions, 3);
    assert_eq!(reply.warnings, [Warning::KeepAliveUnavailable]);
    let counted = [("keep-alive-unavailable", 1)];
    assert_eq!(client.counters().warnings, counted);
}

#[test]
fn what_is_known_is_never_better_than_what_the_worst_try_left() {
    for left in RESENDS {
        for then in RESENDS {
            let script = Script::new(&[accepts([lost(left)]), accepts([lost(then)])]);
            let mut options = resending(Delivery::InDoubt);
            options.reconnect.attempts = 1;
            let mut client = connected(&script, options);
            let failure = send(&mut client, "1").unwrap_err();
            let (cause, phase, _) = loss(then);
            assert_eq!(known(&failure), (cause, phase, left.max(then)));
            assert_eq!(failure.retries, [reason(left)]);
        }
        let script = Script::new(&[accepts([lost(left)])]).then_always(refused());
        let mut client = connected(&script, resending(Delivery::InDoubt));
        let failure = send(&mut client, "1").unwrap_err();
        let refusal = (Cause::ConnectionRefused, Phase::Connect, left);
        assert_eq!(known(&failure), refusal);
        assert_eq!(failure.attempts.len(), 5);
        assert_eq!(failure.retries, [reason(left)]);
        let counted = client.counters().failures;
        let counted = [counted.not_sent, counted.cut_short, counted.in_doubt];
        assert_eq!(counted, RESENDS.map(|delivery| u64::from(delivery == left)));
    }
}

#[test]
fn a_receiver_that_always_dies_after_the_frame_gets_it_once_for_each_try() {
    let script = Script::new(&[]).then_always(accepts([Step::EndsAfterFrame]));
    let mut client = connected(&script, resending(Delivery::InDoubt));
    let failure = send(&mut client, "1").unwrap_err();
    assert_eq!(known(&failure), loss(Delivery::InDoubt));
    // The connection that was there, and five tries.
    assert_eq!(failure.transmissions, 6);
    assert_eq!(failure.retries, vec![reason(Delivery::InDoubt); 5]);
    assert_eq!(script.taken(), vec![framed("1"); 6]);
    assert_eq!(client.counters().retransmissions, 5);
}

#[test]
fn a_receiver_that_dies_at_every_try_is_not_besieged_as_the_deadline_comes_near() {
    for dies in [Step::EndsAfterFrame, Step::Ends] {
        let script = Script::new(&[]).then_always(accepts([dies]));
        let mut options = resending(Delivery::InDoubt);
        options.reconnect.attempts = u32::MAX;
        let mut client = connected(&script, options);
        send(&mut client, "1").unwrap_err();
        // 100 ms between two tries, and once half of what is left, at least 50.
        let pauses = script.pauses();
        assert!(pauses.iter().all(|pause| *pause >= 50));
        assert!(script.time() < 10 * SECOND);
        assert!(script.dialled().len() <= 1 + 101);
    }
}

#[test]
fn a_refused_message_is_never_sent_again() {
    for code in ["AE", "AR", "CE", "CR"] {
        let script = Script::new(&[accepts([answers(code)])]);
        let mut client = connected(&script, resending(Delivery::InDoubt));
        let reply = send(&mut client, "1").unwrap();
        assert_eq!(reply.verdict, Verdict::Refused);
        assert_eq!((reply.transmissions, reply.retries), (1, vec![]));
        assert!(client.is_open());
    }
}

#[test]
fn an_answer_that_does_not_fit_is_no_reason_to_send_again() {
    let long = [acknowledgment("AA", "1"), vec![b'x'; 1_000]].concat();
    for (answer, word) in [
        (b"nothing of the kind".to_vec(), "invalid-reply"),
        (message("1"), "invalid-reply"),
        (acknowledgment("OK", "1"), "invalid-reply"),
        (long, "message-too-large"),
    ] {
        let script = Script::new(&[accepts([Step::Says(frame(&answer))])]);
        let mut options = resending(Delivery::InDoubt);
        options.terms.max_message_size = 1_000;
        let mut client = connected(&script, options);
        let failure = send(&mut client, "1").unwrap_err();
        assert_eq!(failure.cause.word(), word);
        assert_eq!(failure.delivery, Delivery::InDoubt);
        assert_eq!((failure.transmissions, failure.retries), (1, vec![]));
        // The connection is out of step, and the next message gets another.
        assert!(!client.is_open());
    }
}

#[test]
fn a_call_whose_time_is_up_sends_nothing_again() {
    let script = Script::new(&[accepts([Step::FallsSilent])]);
    let mut client = connected(&script, resending(Delivery::InDoubt));
    let failure = send(&mut client, "1").unwrap_err();
    let late = (Cause::TimedOut, Phase::Reply, Delivery::InDoubt);
    assert_eq!(known(&failure), late);
    assert_eq!(failure.transmissions, 1);
    assert_eq!(script.time(), 10 * SECOND);
}

#[test]
fn a_lost_acknowledgment_leads_to_another_try_where_its_own_timeout_leaves_the_time() {
    let script = Script::new(&[accepts([Step::FallsSilent]), accepts([answers("AA")])]);
    let mut options = resending(Delivery::InDoubt);
    options.terms.application_timeout_ms = Some(1_000);
    let mut client = connected(&script, options);
    let reply = applied(&mut client, "1");
    let late = failed(Cause::TimedOut, Phase::Reply, Delivery::InDoubt);
    assert_eq!((reply.transmissions, reply.retries), (2, vec![late]));
    assert_eq!(script.time(), SECOND);
}

#[test]
fn an_answer_that_comes_late_on_the_old_connection_is_credited_to_no_later_try() {
    let script = Script::new(&[
        accepts([Step::Answers(1_500 * MILLISECOND, "AA")]),
        accepts([Step::Answers(900 * MILLISECOND, "AE")]),
    ]);
    let mut options = resending(Delivery::InDoubt);
    options.terms.application_timeout_ms = Some(1_000);
    let mut client = connected(&script, options);
    let reply = send(&mut client, "1").unwrap();
    assert_eq!(reply.verdict, Verdict::Refused);
    assert_eq!(reply.transmissions, 2);
    assert_eq!(script.time(), 1_900 * MILLISECOND);
}

// Closing.

#[test]
fn after_close_nothing_connects_anew_until_reconnect() {
    let script = Script::new(&[accepts([]), accepts([answers("AA")])]);
    let mut client = connected(&script, resending(Delivery::InDoubt));
    client.close();
    for _ in 0..2 {
        let failure = send(&mut client, "1").unwrap_err();
        let closed = (Cause::Closed, Phase::Prepare, Delivery::NotSent);
        assert_eq!(known(&failure), closed);
    }
    assert_eq!(script.dialled().len(), 1);
    client.reconnect().unwrap();
    applied(&mut client, "1");
}

#[test]
fn a_client_closed_after_a_failure_stays_closed() {
    let script = Script::new(&[accepts([Step::EndsAfterFrame])]);
    let mut client = connected(&script, supervised());
    send(&mut client, "1").unwrap_err();
    client.close();
    assert_eq!(send(&mut client, "2").unwrap_err().cause, Cause::Closed);
    assert_eq!(script.dialled().len(), 1);
}

#[test]
fn a_reconnect_that_failed_leaves_the_policy_to_the_next_send() {
    let script = Script::new(&[
        accepts([]),
        Dial::Fails(Cause::OutOfMemory),
        accepts([answers("AA")]),
    ]);
    let mut client = connected(&script, supervised());
    client.close();
    client.reconnect().unwrap_err();
    applied(&mut client, "1");
}

// Idle connections.

fn idle_limit(mut options: ConnectOptions) -> ConnectOptions {
    options.idle_limit_ms = Some(60_000);
    options
}

#[test]
fn a_connection_idle_for_longer_than_the_limit_is_replaced_even_without_a_policy() {
    let script = Script::new(&[accepts([answers("AA")]), accepts([answers("AA")])]);
    let mut client = connected(&script, idle_limit(unsupervised()));
    applied(&mut client, "1");
    script.pass(60 * SECOND + MILLISECOND);
    let reply = applied(&mut client, "2");
    // Nothing failed.
    assert_eq!((reply.transmissions, reply.retries), (1, vec![]));
    assert_eq!(script.taken(), [framed("1"), framed("2")]);
    let counters = client.counters();
    assert_eq!((counters.replaced_idle, counters.stale_connections), (1, 0));
    let events = ["connection 0", "end of connection 0", "connection 1"];
    assert_eq!(script.events(), events);
}

#[test]
fn a_connection_idle_for_just_the_limit_is_used() {
    let script = Script::new(&[accepts([answers("AA"), answers("AA"), answers("AA")])]);
    let mut client = connected(&script, idle_limit(unsupervised()));
    // From connecting to the first message, and from each answer to the next.
    for id in ["1", "2", "3"] {
        script.pass(60 * SECOND);
        applied(&mut client, id);
    }
    assert_eq!(client.counters().replaced_idle, 0);
}

#[test]
fn waiting_for_an_answer_is_not_idleness() {
    let slow = Step::Answers(9 * SECOND, "AA");
    let script = Script::new(&[accepts([slow.clone(), slow])]);
    let mut options = unsupervised();
    options.idle_limit_ms = Some(1_000);
    let mut client = connected(&script, options);
    applied(&mut client, "1");
    applied(&mut client, "2");
    assert_eq!(client.counters().replaced_idle, 0);
}

#[test]
fn what_stands_unread_on_a_connection_idle_for_too_long_stops_nothing() {
    for found in [Step::Stands(b"?"), Step::Ends, Step::Breaks] {
        let script = Script::new(&[accepts([found]), accepts([answers("AA")])]);
        let mut client = connected(&script, idle_limit(unsupervised()));
        script.pass(61 * SECOND);
        let reply = applied(&mut client, "1");
        assert!(reply.warnings.is_empty() && reply.retries.is_empty());
        assert_eq!(reply.transmissions, 1);
        // It counts as what it was found to be.
        let counters = client.counters();
        assert_eq!((counters.stale_connections, counters.replaced_idle), (1, 0));
    }
}

#[test]
fn an_acknowledgment_that_stands_late_on_a_connection_idle_for_too_long_is_told() {
    const LATE: &[u8] = b"\x0BMSH|^~\\&|C|D|A|B|2026||ACK|9|P|2.5\rMSA|AE|1\r\x1C\r";
    let script = Script::new(&[
        accepts([answers("CA"), Step::Stands(LATE)]),
        accepts([answers("AA")]),
    ]);
    let mut options = idle_limit(unsupervised());
    options.terms.settle_on = SettleOn::Accept;
    let mut client = connected(&script, options);
    let reply = client.send(enhanced("1")).unwrap();
    assert_eq!(reply.verdict, Verdict::Accepted);
    script.pass(61 * SECOND);
    let reply = applied(&mut client, "2");
    let [Warning::LateAcknowledgment(late)] = &reply.warnings[..] else {
        panic!("{:?}", reply.warnings);
    };
    assert_eq!(late.control_id, b"1");
    assert_eq!(script.taken(), [frame(&enhanced("1")), framed("2")]);
}

#[test]
fn an_idle_connection_that_cannot_be_replaced_ends_the_client_with_nothing_sent() {
    let script = Script::new(&[accepts([]), refused(), accepts([answers("AA")])]);
    let mut client = connected(&script, idle_limit(unsupervised()));
    script.pass(61 * SECOND);
    let failure = send(&mut client, "1").unwrap_err();
    let refusal = (Cause::ConnectionRefused, Phase::Connect, Delivery::NotSent);
    assert_eq!(known(&failure), refusal);
    assert_eq!(failure.attempts.len(), 1);
    assert!(!client.is_open());
    assert_eq!(send(&mut client, "1").unwrap_err().cause, Cause::Closed);
    client.reconnect().unwrap();
    applied(&mut client, "1");
}

#[test]
fn replacing_an_idle_connection_follows_the_policy_where_there_is_one() {
    let script = Script::new(&[accepts([]), refused(), accepts([answers("AA")])]);
    let mut client = connected(&script, idle_limit(supervised()));
    script.pass(61 * SECOND);
    applied(&mut client, "1");
    assert_eq!(script.pauses(), [100]);
}

#[test]
fn a_message_that_the_guard_refuses_replaces_no_idle_connection() {
    let script = Script::new(&[accepts([])]);
    let mut client = connected(&script, idle_limit(unsupervised()));
    script.pass(61 * SECOND);
    client.send(Vec::new()).unwrap_err();
    assert!(client.is_open());
    assert_eq!(client.counters().replaced_idle, 0);
}

#[test]
fn without_an_idle_limit_a_connection_is_used_however_old_it_is() {
    let script = Script::new(&[accepts([answers("AA")])]);
    let mut client = connected(&script, supervised());
    script.pass(365 * 24 * 60 * 60 * SECOND);
    applied(&mut client, "1");
}

// Keep-alive.

#[test]
fn the_host_is_asked_to_keep_each_connection_alive() {
    let settings = KeepAlive {
        on: true,
        idle_ms: Some(60_000),
        interval_ms: Some(10_000),
        count: Some(3),
    };
    let script = Script::new(&[accepts([Step::Ends]), accepts([answers("AA")])]);
    let script = script.keeping_alive();
    let mut options = supervised();
    options.keep_alive = settings;
    let mut client = connected(&script, options);
    let reply = applied(&mut client, "1");
    assert!(reply.warnings.is_empty());
    assert_eq!(script.asked_to_keep_alive(), [settings; 2]);
}

#[test]
fn the_host_is_not_asked_to_keep_a_connection_alive_unless_the_caller_wants_it() {
    let script = Script::new(&[accepts([answers("AA")])]);
    let mut client = connected(&script, supervised());
    assert!(applied(&mut client, "1").warnings.is_empty());
    assert_eq!(script.asked_to_keep_alive(), []);
}

#[test]
fn a_host_that_cannot_keep_a_connection_alive_is_told_of_once_for_each() {
    let script = Script::new(&[
        accepts([answers("AA"), answers("AA"), Step::Ends]),
        accepts([answers("AA"), answers("AA")]),
    ]);
    let mut options = supervised();
    options.keep_alive.on = true;
    let mut client = connected(&script, options);
    let told = ["1", "2", "3", "4"].map(|id| applied(&mut client, id).warnings);
    let unavailable = vec![Warning::KeepAliveUnavailable];
    assert_eq!(told, [unavailable.clone(), vec![], unavailable, vec![]]);
}

// A second receiver.

#[test]
fn the_second_receiver_is_used_where_the_first_cannot_be_connected() {
    for (first, half) in [
        (refused(), 10_000),
        (Dial::Fails(Cause::AccessDenied(Grant::Address)), 10_000),
        (Dial::Fails(Cause::OutOfMemory), 10_000),
        // A silent one leaves half of the time.
        (Dial::Silent, 5_000),
    ] {
        let script = Script::new(&[first, accepts([answers("AA"), answers("AE")])]);
        let mut client = connected(&script, with_second(unsupervised()));
        assert_eq!(script.hosts(), [1, 2]);
        let shares = script.dialled().into_iter().map(|dialled| dialled.share);
        assert!(shares.eq([5_000, half].map(Duration::from_millis)));
        assert_eq!(client.peer_address().to_string(), "192.0.2.2:2575");
        // Each reply says whose it is.
        for id in ["1", "2"] {
            let reply = send(&mut client, id).unwrap();
            assert_eq!(reply.warnings, [Warning::SecondReceiver]);
        }
    }
}

#[test]
fn the_second_receiver_is_left_alone_while_the_first_answers() {
    let script = Script::new(&[accepts([answers("AA")])]);
    let mut client = connected(&script, with_second(supervised()));
    assert!(applied(&mut client, "1").warnings.is_empty());
    assert_eq!(script.hosts(), [1]);
}

#[test]
fn a_connection_stays_where_it_is_and_the_next_one_tries_the_first_receiver_again() {
    let script = Script::new(&[
        refused(),
        accepts([answers("AA"), answers("AA"), Step::Ends]),
        accepts([answers("AA"), Step::Ends]),
        refused(),
        accepts([answers("AA")]),
    ]);
    let mut client = connected(&script, with_second(supervised()));
    let second = ["1", "2", "3", "4"].map(|id| {
        let warnings = applied(&mut client, id).warnings;
        warnings == [Warning::SecondReceiver]
    });
    assert_eq!(second, [true, true, false, true]);
    assert_eq!(script.hosts(), [1, 2, 1, 1, 2]);
    // The second receiver is no further try: nothing is waited for.
    assert_eq!(script.pauses(), []);
}

#[test]
fn where_both_receivers_fail_the_attempts_tell_of_both() {
    let script = Script::new(&[refused(), Dial::Fails(Cause::Unreachable)]);
    let options = with_second(unsupervised());
    let failure = MllpClient::connect(script.clone(), options).err().unwrap();
    let unreachable = (Cause::Unreachable, Phase::Connect, Delivery::NotSent);
    assert_eq!(known(&failure), unreachable);
    let told: Vec<_> = failure.attempts.iter().map(ToString::to_string).collect();
    assert!(told[0].starts_with("192.0.2.1:2575: connection refused"));
    assert!(told[1].starts_with("192.0.2.2:2575: unreachable"));
    assert_eq!(told.len(), 2);
}

#[test]
fn with_a_policy_every_try_is_of_both_receivers() {
    let script = Script::new(&[]).then_always(refused());
    let options = with_second(supervised());
    let failure = MllpClient::connect(script.clone(), options).err().unwrap();
    assert_eq!(script.hosts(), [1, 2].repeat(5));
    assert_eq!(failure.attempts.len(), 10);
    assert_eq!(script.pauses(), [100; 4]);
}

#[test]
fn both_receivers_are_tried_again_while_either_failure_may_pass() {
    let denied = || Dial::Fails(Cause::AccessDenied(Grant::Address));
    for (first, second, tries, cause) in [
        (refused(), denied(), 5, Cause::ConnectionRefused),
        (denied(), refused(), 5, Cause::ConnectionRefused),
        (denied(), denied(), 1, Cause::AccessDenied(Grant::Address)),
    ] {
        let script = Script::new(&vec![[first, second]; 5].concat());
        let options = with_second(supervised());
        let failure = MllpClient::connect(script.clone(), options).err().unwrap();
        assert_eq!(failure.cause, cause);
        assert_eq!(script.hosts(), [1, 2].repeat(tries));
    }
}

#[test]
fn a_message_goes_to_the_second_receiver_only_if_the_first_cannot_have_it_or_by_name() {
    for left in RESENDS {
        for allowed in RESENDS {
            let script = Script::new(&[accepts([lost(left)]), refused(), accepts([answers("AA")])]);
            let mut client = connected(&script, with_second(resending(allowed)));
            let outcome = send(&mut client, "1");
            assert_eq!(outcome.is_ok(), left <= allowed);
            let got_by_second = script.taken().get(1) == Some(&framed("1"));
            assert_eq!(got_by_second, left <= allowed);
        }
    }
}

// All of it at once.

/// Random numbers that a seed decides (splitmix64).
struct Chance(u64);

impl Chance {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mixed = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.next() % bound
    }

    fn one_of<T: Clone>(&mut self, all: &[T]) -> T {
        let index = self.below(u64::try_from(all.len()).unwrap());
        all[usize::try_from(index).unwrap()].clone()
    }

    fn dial(&mut self) -> Dial {
        match self.below(8) {
            0 | 1 => refused(),
            2 => Dial::Silent,
            3 => Dial::Fails(Cause::AccessDenied(Grant::Address)),
            _ => {
                let count = self.below(4);
                let steps = (0..count).map(|_| self.step()).collect();
                Dial::Accepts(Duration::from_millis(self.below(3)), steps)
            }
        }
    }

    fn step(&mut self) -> Step {
        let span = Duration::from_millis(self.below(1_500));
        match self.below(16) {
            0 => Step::Ends,
            1 => Step::Breaks,
            2 => Step::Stands(b"?"),
            3 => Step::EndsAfterFrame,
            4 => Step::BreaksAfterFrame,
            5 => Step::FallsSilent,
            6 => Step::EndsAtFrame,
            7 => Step::Says(frame(b"rubbish")),
            8 => Step::Says(frame(&acknowledgment("AA", "other"))),
            9 => Step::Stalls(self.one_of(&[1, 20, 40])),
            10 | 11 => Step::BreaksInFrame(self.one_of(&[0, 1, 20, 40])),
            _ => Step::Answers(span, self.one_of(&["AA", "AA", "AE", "CA"])),
        }
    }
}

#[test]
fn whatever_happens_what_is_told_of_a_message_is_never_better_than_what_happened_to_it() {
    for seed in 0..10_000 {
        let mut chance = Chance(seed);
        // A script ends with a connection that the receiver ends each time.
        let mut dials: Vec<Dial> = (0..30).map(|_| chance.dial()).collect();
        dials.insert(0, accepts([chance.step(), chance.step()]));
        for dial in &mut dials {
            if let Dial::Accepts(_, steps) = dial {
                steps.push(Step::Ends);
            }
        }
        let allowed = chance.one_of(&RESENDS);
        let mut options = resending(allowed);
        options.reconnect.on = chance.below(8) > 0;
        options.terms.application_timeout_ms = chance.one_of(&[None, Some(700)]);
        options.idle_limit_ms = chance.one_of(&[None, Some(50)]);
        if chance.below(3) == 0 {
            options = with_second(options);
        }
        let timeout = Duration::from_millis(options.timeout_ms.into());
        let attempts = usize::try_from(options.reconnect.attempts).unwrap();
        let on = options.reconnect.on;
        let script = Script::new(&dials).then_always(refused());
        let randoms: Vec<u64> = (0..50).map(|_| chance.next()).collect();
        let script = script.random(randoms);
        let Ok(mut client) = MllpClient::connect(script.clone(), options) else {
            panic!("seed {seed}: the first connection is accepted");
        };
        for id in ["100001", "100002", "100003", "100004"] {
            script.pass(Duration::from_millis(chance.below(100)));
            let (begun, dialled) = (script.time(), script.dialled().len());
            let before = script.taken();
            let outcome = send(&mut client, id);
            let context = format!("seed {seed}, message {id}: {outcome:?}");
            assert!(script.time() - begun <= timeout, "{context}");
            let tries = script.dialled().len() - dialled;
            assert!(tries <= 2 * if on { attempts } else { 1 }, "{context}");

            // The receivers' side of it: what each was given in this call.
            let size = framed(id).len();
            let taken = script.taken();
            let earlier = before.iter().map(Vec::len).chain(std::iter::repeat(0));
            let parts = taken.iter().zip(earlier);
            let parts = parts.map(|(taken, earlier)| taken.len() - earlier);
            let parts: Vec<usize> = parts.filter(|part| *part > 0).collect();
            let whole = parts.iter().filter(|part| **part >= size - 1).count();

            let (transmissions, retries, known) = match &outcome {
                Ok(reply) => (reply.transmissions, &reply.retries, None),
                Err(failure) => {
                    let known = Some(failure.delivery);
                    (failure.transmissions, &failure.retries, known)
                }
            };
            assert_eq!(
                usize::try_from(transmissions).unwrap(),
                parts.len(),
                "{context}"
            );
            match known {
                Some(Delivery::NotSent) => assert_eq!(parts.len(), 0, "{context}"),
                Some(Delivery::CutShort) => assert_eq!(whole, 0, "{context}"),
                Some(Delivery::InDoubt) => assert!(whole > 0, "{context}"),
                None => assert!(whole > 0, "{context}"),
            }
            let most_parts = if allowed >= Delivery::CutShort { 6 } else { 1 };
            let most_whole = if allowed == Delivery::InDoubt { 6 } else { 1 };
            assert!(
                parts.len() <= most_parts && whole <= most_whole,
                "{context}"
            );
            let worst = retries.iter().map(|retry| match retry {
                Retry::Failed { delivery, .. } => *delivery,
                Retry::NegativeCommit => panic!("{context}"),
            });
            let worst = worst.max().unwrap_or(Delivery::NotSent);
            assert!(worst <= allowed, "{context}");
            assert!(known.is_none_or(|known| known >= worst), "{context}");
            assert!(on || retries.is_empty(), "{context}");
        }
    }
}
