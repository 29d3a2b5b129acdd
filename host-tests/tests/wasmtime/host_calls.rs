//! What a round trip asks of the host. A small message's time goes into these calls
//! rather than into the guest, so that none may come to them unnoticed;
//! docs/performance.md shows them.

use std::collections::BTreeMap;
use std::time::Duration;

use host_tests::certificates::{Authority, Key};
use host_tests::messages::message;
use host_tests::sandbox::types::Verdict;
use host_tests::sandbox::{Sandbox, Settings, Tls};
use host_tests::scripted_host::Script;

/// So many that what is done once in a while counts for nothing.
const ROUND_TRIPS: u32 = 50;

/// The calls of one round trip, by the function, of a message and a reply that are so
/// much longer than the shortest.
async fn calls(script: Script, settings: Settings, longer: usize) -> BTreeMap<&'static str, u32> {
    let message = long_message(longer);
    let script = script.answers_after(Duration::from_micros(500), "AA");
    let mut sandbox = Sandbox::scripted(script.clone()).await;
    let connected = sandbox.connect_to("192.0.2.1", 2575, settings).await;
    let client = connected.unwrap();
    // The first one finds what comes once: a ticket, a permit, the alarm of the deadline.
    assert_applied(&mut sandbox, client, &message).await;
    let before = sandbox.host().calls().clone();
    for _ in 0..ROUND_TRIPS {
        assert_applied(&mut sandbox, client, &message).await;
    }
    let after = sandbox.host().calls().iter();
    after
        .map(|(function, count)| (*function, count - before.get(function).unwrap_or(&0)))
        .map(|(function, count)| (function, count / ROUND_TRIPS))
        .filter(|(_, count)| *count > 0)
        .collect()
}

fn long_message(longer: usize) -> Vec<u8> {
    let mut message = message("1");
    if longer > 0 {
        message.extend_from_slice(b"NTE|1||");
        message.extend(marks::NAME.bytes().cycle().take(longer));
        message.push(b'\r');
    }
    message
}

async fn assert_applied(
    sandbox: &mut Sandbox<host_tests::scripted_host::ScriptedHost>,
    client: host_tests::sandbox::Client,
    message: &[u8],
) {
    let reply = sandbox.send(client, message).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
}

fn tls() -> (Script, Settings) {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["192.0.2.1"]).server();
    let script = Script::new().speaks_tls(&server);
    (script, Settings::tls(Tls::trusting(&authority)))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_small_message_takes_five_calls_and_two_looks_at_the_clock() {
    let expected = BTreeMap::from([
        ("check-write", 1),
        ("now", 2),
        ("poll", 1),
        // One looks before the message is written.
        ("read", 2),
        ("write", 1),
    ]);
    let plain = calls(Script::new(), Settings::default(), 0).await;
    assert_eq!(plain, expected);
    let (script, settings) = tls();
    assert_eq!(calls(script, settings, 0).await, expected);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_goes_in_one_write_as_long_as_the_host_takes_it_in_one() {
    let plain = calls(Script::new(), Settings::default(), 60_000).await;
    assert_eq!(plain["write"], 1);
    let (script, settings) = tls();
    assert_eq!(calls(script, settings, 60_000).await["write"], 1);
}

/// Segments of 1448 bytes, but for the last write, which is long enough to bring the
/// acknowledgment that its end may have to wait for.
#[tokio::test(flavor = "multi_thread")]
async fn a_long_message_goes_in_writes_that_fill_their_segments() {
    for (script, settings) in [(Script::new(), Settings::default()), tls()] {
        let script = script.answers_after(Duration::from_micros(500), "AA");
        let mut sandbox = Sandbox::scripted(script.clone()).await;
        let connected = sandbox.connect_to("192.0.2.1", 2575, settings).await;
        let client = connected.unwrap();
        // Under TLS it shows what a record takes beside its content.
        assert_applied(&mut sandbox, client, &message("1")).await;
        for longer in [66_000, 131_000, 1_000_000] {
            let before = sandbox.host().writes().len();
            assert_applied(&mut sandbox, client, &long_message(longer)).await;
            let writes = &sandbox.host().writes()[before..];
            let (last, others) = writes.split_last().unwrap();
            assert!(!others.is_empty() && *last >= 18 * 1_024, "{writes:?}");
            assert!(others.iter().all(|write| write % 1_448 == 0), "{writes:?}");
        }
    }
}
