//! TLS through such a host: its permits, reads, losses and clocks change nothing about
//! what is known of a message. With *ring* the component asks for more than such a host
//! has, so that its tests of TLS are not these.

use std::sync::{Arc, OnceLock};

use host_tests::certificates::{Authority, Key};
use host_tests::sandbox::types::{Cause, CertificateProblem, Delivery, Phase, TlsProblem, Verdict};
use host_tests::sandbox::{Settings, Tls};
use host_tests::scripted_host::{Listing, Loss, STREAM_CALLS, Script};
use rustls::ServerConfig;
use time::OffsetDateTime;

use super::Exchange;

/// When the receiver's certificate begins to be valid and when it ends, and what the
/// hosts' wall clock shows unless told otherwise, in seconds since 1970.
const BEGIN: i64 = 1_799_000_000;
const NOW: i64 = 1_800_000_000;
const END: i64 = 1_801_000_000;

/// Made once: all of these hosts lead to the same receiver.
fn receiver() -> &'static (Arc<ServerConfig>, Tls) {
    static RECEIVER: OnceLock<(Arc<ServerConfig>, Tls)> = OnceLock::new();
    RECEIVER.get_or_init(|| {
        let authority = Authority::new(Key::P256);
        let time = |seconds| OffsetDateTime::from_unix_timestamp(seconds).unwrap();
        let issued = authority.receiver_with(&["192.0.2.1", "hl7.example"], |params| {
            (params.not_before, params.not_after) = (time(BEGIN), time(END));
        });
        (issued.server(), Tls::trusting(&authority))
    })
}

/// The same host and the same settings, with TLS.
pub(super) fn with_tls(script: Script, settings: Settings) -> (Script, Settings) {
    let (server, tls) = receiver();
    let settings = Settings {
        tls: Some(tls.clone()),
        ..settings
    };
    (script.speaks_tls(server), settings)
}

async fn through_tls(script: Script) -> Exchange {
    let (script, settings) = with_tls(script, Settings::default());
    Exchange::with(script, "192.0.2.1", settings).await
}

fn assert_applied(exchange: &Exchange) {
    assert_eq!(exchange.reply().verdict, Verdict::Applied);
}

#[tokio::test(flavor = "multi_thread")]
async fn permits_and_reads_of_any_size_make_the_same_exchange() {
    for sizes in [&[1][..], &[0, 1], &[7], &[65_536, 0, 3]] {
        let permits: Vec<_> = sizes.iter().map(|size| *size as u64).collect();
        let exchange = through_tls(Script::new().permits(&permits).reads(sizes)).await;
        assert_applied(&exchange);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn nonsense_about_readiness_changes_nothing() {
    for listing in [Listing::Empty, Listing::OutOfRange, Listing::Everything] {
        let script = Script::new().lists(listing).reads(&[0, 100]);
        assert_applied(&through_tls(script).await);
    }
    assert_applied(&through_tls(Script::new().wakes_for_nothing(200)).await);
}

/// Before the handshake, within it, and at each call after it.
#[tokio::test(flavor = "multi_thread")]
async fn a_loss_anywhere_is_told_as_one() {
    let mut told = [false; 3];
    for call in STREAM_CALLS {
        for nth in 1..=24 {
            for (loss, taken) in [
                (Loss::Closed, 0),
                (Loss::Failed, 0),
                (Loss::Failed, 40),
                (Loss::Failed, usize::MAX),
            ] {
                let script = Script::new()
                    .permits(&[100])
                    .reads(&[0, 200])
                    .loses(call, nth, loss)
                    .failing_write_takes(taken);
                let exchange = through_tls(script).await;
                if let Err(failure) = &exchange.outcome {
                    let known = match failure.delivery {
                        Delivery::NotSent => 0,
                        Delivery::CutShort => 1,
                        Delivery::InDoubt => 2,
                    };
                    told[known] = true;
                }
            }
        }
    }
    assert_eq!(told, [true; 3]);
}

#[tokio::test(flavor = "multi_thread")]
async fn clocks_that_jump_end_a_call_early_at_most() {
    const HOUR: i64 = 3_600_000;
    for nth in 1..=24 {
        for milliseconds in [HOUR, -HOUR] {
            let script = Script::new().clock_jumps(nth, milliseconds);
            let exchange = through_tls(script).await;
            match &exchange.outcome {
                Ok(reply) => assert_eq!(reply.verdict, Verdict::Applied),
                Err(failure) => {
                    assert!(milliseconds > 0, "{nth}: {failure:?}");
                    assert_eq!(failure.cause, Cause::TimedOut);
                }
            }
        }
    }
    let script = Script::new().clock_stands_still();
    assert_applied(&through_tls(script).await);
}

/// It decides only whether a certificate is valid, and only at the handshake.
#[tokio::test(flavor = "multi_thread")]
async fn a_time_of_day_outside_the_certificates_refuses_the_receiver_and_no_later_message() {
    let seconds = |time: i64| (u64::try_from(time).unwrap(), 0);
    for (time, is_before) in [
        ((0, 0), true),
        (seconds(BEGIN - 1), true),
        (seconds(END + 1), false),
        ((u64::MAX, u32::MAX), false),
    ] {
        let exchange = through_tls(Script::new().times_of_day(&[time])).await;
        let failure = exchange.failure();
        let known = (failure.phase, failure.delivery);
        assert_eq!(known, (Phase::Tls, Delivery::NotSent), "{time:?}");
        let Cause::Tls(tls) = &failure.cause else {
            panic!("{time:?}: {failure:?}");
        };
        let is_told = match &tls.problem {
            TlsProblem::Certificate(CertificateProblem::NotYetValid(_)) => is_before,
            TlsProblem::Certificate(CertificateProblem::Expired(_)) => !is_before,
            // It is not a time of day at all.
            TlsProblem::Host(_) => time.0 == u64::MAX,
            _ => false,
        };
        assert!(is_told, "{time:?}: {:?}", tls.problem);
    }
    let valid = through_tls(Script::new()).await;
    assert_applied(&valid);
    let readings = valid.sandbox.host().calls_of("wall-clock");
    for nth in 2..=usize::try_from(readings).unwrap() {
        for time in [(0, 0), seconds(END + 1)] {
            let mut times = vec![seconds(NOW); nth];
            times[nth - 1] = time;
            let exchange = through_tls(Script::new().times_of_day(&times)).await;
            if let Err(failure) = &exchange.outcome {
                assert_eq!(failure.delivery, Delivery::NotSent, "{nth}");
            }
        }
    }
}
