//! A receiver that is restarted again and again while it is sent to: at the end its
//! log and the sender's verdicts are held against each other, message by message.

use std::collections::BTreeMap;

use host_tests::event::idle;
use host_tests::messages::{message, message_of};
use host_tests::mortal::{Death, End, Entry, Moment, Mortal};
use host_tests::sandbox::types::{Delivery, Failure, Reply, Retry, Verdict};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings};

const MESSAGES: usize = 2_000;
/// What decides the plan. Another may be set in the environment, as `MLLP_SEED`.
const SEED: u64 = 4;
/// More than all buffers on the way hold, in bytes.
const LONG: usize = 9_000_000;
/// What a call may take that has to fail, in milliseconds.
const SHORT_TIMEOUT: u32 = 50;

/// What may be told of a message at which the receiver dies, by when it does.
const fn may_be_told(moment: Moment) -> &'static [&'static str] {
    match moment {
        // The look before writing finds the connection ended, and there is another.
        Moment::WhileIdle | Moment::Down => &["applied"],
        Moment::DownForLong => &["not-sent"],
        // The look finds it, or the message is on its way already.
        Moment::AfterAccept | Moment::HalfClosed => &["applied", "in-doubt"],
        // Whatever the receiver has read of it: the network has all of it.
        Moment::BeforeReading
        | Moment::InMessage
        | Moment::AfterFrame
        | Moment::InAcknowledgment => &["in-doubt"],
        Moment::InLongMessage => &["cut-short"],
        Moment::AfterAcknowledgment => &["applied"],
    }
}

/// The message that a death may leave in doubt.
const fn in_doubt_by(death: Death) -> Option<usize> {
    match death.moment {
        Moment::WhileIdle | Moment::Down | Moment::DownForLong | Moment::InLongMessage => None,
        // The next one may be written before the end of the connection is seen.
        Moment::AfterAcknowledgment => Some(death.message + 1),
        _ => Some(death.message),
    }
}

/// Every moment and every end, at messages that the seed decides.
fn plan(seed: u64) -> Vec<Death> {
    let mut numbers = seed;
    let mut below = |bound: usize| {
        // Constants of Knuth's MMIX.
        numbers = numbers
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        usize::try_from(numbers >> 33).unwrap() % bound
    };
    let mut kinds: Vec<_> = Moment::ALL
        .into_iter()
        .flat_map(|moment| [(moment, End::Orderly), (moment, End::Reset)])
        .collect();
    for last in (1..kinds.len()).rev() {
        kinds.swap(last, below(last + 1));
    }
    let span = MESSAGES / (kinds.len() + 1);
    let plan = kinds.into_iter().enumerate();
    plan.map(|(index, (moment, end))| Death {
        // Never so near to each other that one could be taken for the next.
        message: span * index + 10 + below(span - 10),
        moment,
        end,
    })
    .collect()
}

/// What the caller was told of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Told {
    word: &'static str,
    transmissions: u32,
    /// The tries before the last in which some of the message was sent.
    sent_before: u32,
}

impl Told {
    fn new(outcome: &Result<Reply, Failure>) -> Self {
        let (word, transmissions, retries) = match outcome {
            Ok(reply) => {
                let word = match reply.verdict {
                    Verdict::Applied => "applied",
                    other => panic!("the receiver never says {other:?}"),
                };
                (word, reply.transmissions, &reply.retries)
            }
            Err(failure) => {
                let word = match failure.delivery {
                    Delivery::NotSent => "not-sent",
                    Delivery::CutShort => "cut-short",
                    Delivery::InDoubt => "in-doubt",
                };
                (word, failure.transmissions, &failure.retries)
            }
        };
        let sent = retries.iter().filter(|retry| match retry {
            Retry::Failed(tried) => tried.delivery != Delivery::NotSent,
            Retry::NegativeCommit => true,
        });
        Self {
            word,
            transmissions,
            sent_before: u32::try_from(sent.count()).unwrap(),
        }
    }
}

/// Sends all messages through the component while the receiver dies by plan, and
/// returns what was told of each. What is `not-sent` or `cut-short` is sent again by
/// the caller if it `insists`, as it may.
async fn send_all(
    sandbox: &mut Sandbox,
    client: Client,
    receiver: &Mortal,
    plan: &[Death],
    insists: bool,
) -> BTreeMap<usize, Told> {
    let mut told = BTreeMap::new();
    for id in 1..=MESSAGES {
        let moment = plan.iter().find(|death| death.message == id);
        let moment = moment.map(|death| death.moment);
        if moment.is_some_and(Moment::begins_before) {
            receiver.has_begun(id);
            if moment != Some(Moment::HalfClosed) {
                idle().await;
            }
        }
        if moment == Some(Moment::Down) {
            receiver.may_come_back();
        }
        let content = match moment {
            Some(Moment::InLongMessage) => message_of(&id.to_string(), LONG),
            _ => message(&id.to_string()),
        };
        let mut outcome = if moment == Some(Moment::DownForLong) {
            let outcome = sandbox.send_within(client, &content, SHORT_TIMEOUT).await;
            receiver.may_come_back();
            outcome
        } else {
            sandbox.send(client, &content).await
        };
        if insists && matches!(&outcome, Err(failure) if failure.delivery != Delivery::InDoubt) {
            outcome = sandbox.send(client, &content).await;
        }
        told.insert(id, Told::new(&outcome));
    }
    told
}

/// Where the receiver's log and what was told of the messages do not agree.
fn contradictions(told: &BTreeMap<usize, Told>, log: &[Entry]) -> Vec<String> {
    let count = |wanted: Entry| log.iter().filter(|entry| **entry == wanted).count();
    let mut found = Vec::new();
    for (&id, told) in told {
        let processed = count(Entry::Processed(id));
        let read = processed + count(Entry::Dropped(id));
        let is_true = match told.word {
            "applied" => processed > 0 && count(Entry::Acknowledged(id)) > 0,
            "not-sent" | "cut-short" => read == 0,
            word => word == "in-doubt",
        };
        let times = usize::try_from(told.transmissions).unwrap();
        let is_counted = read <= times && (told.word == "not-sent") == (times == 0);
        let is_explained = told.transmissions.saturating_sub(1) == told.sent_before
            || told.transmissions == told.sent_before;
        if !is_true || processed > 1 || !is_counted || !is_explained {
            found.push(format!(
                "{id}: {told:?}, read {read}, processed {processed}"
            ));
        }
    }
    let known = |entry: &Entry| match entry {
        Entry::Processed(id) | Entry::Dropped(id) | Entry::Acknowledged(id) => {
            told.contains_key(id)
        }
    };
    found.extend(
        log.iter()
            .filter(|entry| !known(entry))
            .map(|entry| format!("{entry:?}")),
    );
    found
}

fn words(told: &BTreeMap<usize, Told>, word: &str) -> Vec<usize> {
    let told = told.iter().filter(|(_, told)| told.word == word);
    told.map(|(id, _)| *id).collect()
}

fn seed() -> u64 {
    let seed = std::env::var("MLLP_SEED").map_or(SEED, |seed| seed.parse().expect("a number"));
    eprintln!("MLLP_SEED={seed}");
    seed
}

/// Short delays, and far more tries than a death takes.
fn supervised() -> Settings {
    Settings {
        reconnect: Some(true),
        reconnect_minimum_delay: Some(2),
        reconnect_maximum_delay: Some(20),
        reconnect_attempts: Some(10_000),
        ..Settings::default()
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_told_of_two_thousand_messages_agrees_with_a_receiver_restarted_all_the_while() {
    let plan = plan(seed());
    assert!(plan.len() >= 20);
    let receiver = Mortal::start(2575, &plan, MESSAGES, false);
    let mut sandbox = Sandbox::new(Grants::none().address(receiver.address)).await;
    let client = sandbox.connect_with(receiver.address, supervised()).await;
    let client = client.unwrap();
    let told = send_all(&mut sandbox, client, &receiver, &plan, false).await;
    let counters = sandbox.counters(client).await;
    sandbox.close(client).await.unwrap();
    let (log, deaths) = receiver.finish();

    // Nothing applied that the receiver lacks, nothing not sent that it has.
    assert_eq!(contradictions(&told, &log), Vec::<String>::new());
    // With what is sent again by default, no message reaches it twice.
    let mut processed: Vec<_> = log
        .iter()
        .filter_map(|entry| match entry {
            Entry::Processed(id) => Some(*id),
            Entry::Dropped(_) => panic!("it drops nothing"),
            Entry::Acknowledged(_) => None,
        })
        .collect();
    assert!(processed.is_sorted(), "and all in order");
    processed.dedup();
    let applied = words(&told, "applied");
    let in_doubt = words(&told, "in-doubt");
    // What it has and is not told as applied, is in doubt.
    processed.retain(|id| !applied.contains(id));
    assert!(processed.iter().all(|id| in_doubt.contains(id)));
    assert!(told.values().all(|told| told.transmissions <= 1));

    // It died each death, and of each is told what can be known.
    assert_eq!(deaths, plan);
    for death in &plan {
        let word = told[&death.message].word;
        assert!(
            may_be_told(death.moment).contains(&word),
            "{death:?}: {word}"
        );
    }
    // Doubt is left by nothing else.
    let doubtful: Vec<_> = plan.iter().copied().filter_map(in_doubt_by).collect();
    assert!(
        in_doubt.iter().all(|id| doubtful.contains(id)),
        "{in_doubt:?}"
    );

    // The component has counted the same.
    let counted = |words: &[usize]| u64::try_from(words.len()).unwrap();
    let (not_sent, cut_short) = (words(&told, "not-sent"), words(&told, "cut-short"));
    assert_eq!(counters.exchanges.applied, counted(&applied));
    assert_eq!(counters.failures.in_doubt, counted(&in_doubt));
    assert_eq!(counters.failures.not_sent, counted(&not_sent));
    assert_eq!(counters.failures.cut_short, counted(&cut_short));
    assert_eq!(counters.retransmissions, 0);
    assert!(counters.reconnections >= u64::try_from(plan.len()).unwrap());
    assert!(counters.stale_connections > 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn where_the_receiver_drops_duplicates_every_message_is_applied_exactly_once() {
    let plan = plan(seed());
    let receiver = Mortal::start(2576, &plan, MESSAGES, true);
    let mut sandbox = Sandbox::new(Grants::none().address(receiver.address)).await;
    let settings = Settings {
        resend: Some(Delivery::InDoubt),
        ..supervised()
    };
    let client = sandbox.connect_with(receiver.address, settings).await;
    let client = client.unwrap();
    let told = send_all(&mut sandbox, client, &receiver, &plan, true).await;
    let counters = sandbox.counters(client).await;
    sandbox.close(client).await.unwrap();
    let (log, deaths) = receiver.finish();

    assert_eq!(contradictions(&told, &log), Vec::<String>::new());
    assert_eq!(words(&told, "applied").len(), MESSAGES);
    let processed: Vec<_> = log
        .iter()
        .filter_map(|entry| match entry {
            Entry::Processed(id) => Some(*id),
            _ => None,
        })
        .collect();
    let all: Vec<_> = (1..=MESSAGES).collect();
    assert_eq!(processed, all);

    assert_eq!(deaths, plan);
    for death in &plan {
        let transmissions = told[&death.message].transmissions;
        let expected = match death.moment {
            Moment::WhileIdle | Moment::Down | Moment::DownForLong => 1..=1,
            Moment::AfterAcknowledgment => 1..=1,
            Moment::AfterAccept | Moment::HalfClosed => 1..=2,
            _ => 2..=2,
        };
        assert!(
            expected.contains(&transmissions),
            "{death:?}: {transmissions}"
        );
        // Where the receiver read it each time, it knows the number, too.
        if matches!(death.moment, Moment::AfterFrame | Moment::InAcknowledgment) {
            assert!(log.contains(&Entry::Dropped(death.message)), "{death:?}");
        }
    }
    let again = told.values().map(|told| u64::from(told.transmissions - 1));
    assert_eq!(counters.retransmissions, again.sum::<u64>());
}

/// A verdict and a log, and whether they agree.
#[test]
fn a_verdict_that_is_not_true_is_found() {
    use Entry::{Acknowledged, Dropped, Processed};
    for (word, transmissions, log, agree) in [
        ("applied", 1, &[Processed(1), Acknowledged(1)][..], true),
        ("applied", 1, &[Processed(1)], false),
        ("applied", 1, &[], false),
        (
            "applied",
            1,
            &[Processed(1), Processed(1), Acknowledged(1)],
            false,
        ),
        (
            "applied",
            2,
            &[Processed(1), Dropped(1), Acknowledged(1)],
            true,
        ),
        // One of the two transmissions is not told.
        (
            "applied",
            1,
            &[Processed(1), Dropped(1), Acknowledged(1)],
            false,
        ),
        ("in-doubt", 1, &[Processed(1)], true),
        ("in-doubt", 1, &[], true),
        ("in-doubt", 2, &[Processed(1), Processed(1)], false),
        ("in-doubt", 0, &[], false),
        ("not-sent", 0, &[], true),
        ("not-sent", 0, &[Processed(1)], false),
        ("not-sent", 1, &[], false),
        ("cut-short", 1, &[], true),
        ("cut-short", 1, &[Processed(1)], false),
        (
            "applied",
            1,
            &[Processed(1), Acknowledged(1), Processed(2)],
            false,
        ),
    ] {
        let told = Told {
            word,
            transmissions,
            sent_before: transmissions.saturating_sub(1),
        };
        let found = contradictions(&BTreeMap::from([(1, told)]), log);
        assert_eq!(found.is_empty(), agree, "{word}, {transmissions}, {log:?}");
    }
}
