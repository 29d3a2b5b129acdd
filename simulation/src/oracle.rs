//! The oracle: it knows what the host was handed, what the receiver got and what it
//! said, and looks after each call whether what the caller was told is true.

use std::fmt;

use marks::Net;
use mllp_client::counters::Counters;
use mllp_client::error::{Cause, Delivery, Failure, Phase, Retry};
use mllp_client::limits::{ATTEMPTS_TOLD_MAX, TRANSCRIPT_ENTRIES_MAX};
use mllp_client::proto::ack::Code;
use mllp_client::proto::exchange::{Commit, Reply, Verdict};
use mllp_client::proto::leniency::Leniencies;
use mllp_client::proto::terms::{Correlation, Judging, Release};
use mllp_client::proto::warning::Warning;
use mllp_client::transcript::Transcript;

use crate::due;
use crate::message::Message;
use crate::receiver::Said;
use crate::world::{Coming, Handed, State, Whose};

/// The largest time of day that an acknowledgment can show, in seconds since 1970.
const YEAR_9999_S: u64 = 253_402_300_799;

/// How many warnings one outcome has at most: one of each kind, and late
/// acknowledgments, of which as many may come as were accepted in a run.
const WARNINGS_MAX: usize = 64;

/// A promise that was broken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Violation(pub &'static str);

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.0)
    }
}

/// Whether a promise holds.
type Held = Result<(), Violation>;

const fn hold(holds: bool, promise: &'static str) -> Held {
    if holds {
        Ok(())
    } else {
        Err(Violation(promise))
    }
}

/// What was to be seen of the client before and after a call.
pub(crate) struct Around {
    pub(crate) began: u64,
    pub(crate) timeout_ms: u32,
    pub(crate) was_open: bool,
    pub(crate) is_open: bool,
    /// Whether it may connect by itself.
    pub(crate) may_connect: bool,
    /// Whether the connection was to be found ended or out of step before writing.
    pub(crate) was_unusable: Option<usize>,
}

/// How often the message went out in a call.
struct Sent {
    /// Of what began, at least so many were the message's.
    least: usize,
    /// And at most so many.
    most: usize,
    /// So often its end block went.
    whole: usize,
    /// Something more went that could not be read.
    unread: bool,
}

/// A call that needs no connection to be told from another, or ends one.
pub(crate) fn check_call(state: &State) -> Held {
    if let Some(violation) = state.violation {
        return Err(violation);
    }
    let call = &state.call;
    hold(
        state.now <= call.deadline.max(call.jumped_to),
        "a call ends by its deadline",
    )
}

/// The open connection that a look before writing must find unusable, if it is.
pub(crate) fn unusable(state: &State) -> Option<usize> {
    let index = state.lines.iter().rposition(|line| line.is_open)?;
    let line = &state.lines[index];
    if state.plan.late_notice {
        return None;
    }
    let arrived = || {
        let coming = line.inbox.iter();
        coming.take_while(|(at, _)| *at <= state.now)
    };
    let is_end = |coming: &Coming| !matches!(coming, Coming::Bytes(_));
    let is_over = arrived().any(|(_, coming)| is_end(coming));
    let all_arrived = arrived().count() == line.inbox.len() && !line.inbox.is_empty();
    let terms = &state.plan.options.terms;
    let is_foreign = line.holds_foreign
        && all_arrived
        && !line.any_accepted
        && terms.release == Release::One
        && is_no_more_than_usual(terms.leniencies);
    (is_over || is_foreign).then_some(index)
}

/// Whether nothing is borne but what is borne by default.
fn is_no_more_than_usual(leniencies: Leniencies) -> bool {
    use mllp_client::proto::leniency::Leniency;
    Leniency::ALL
        .iter()
        .all(|leniency| leniency.is_allowed_by_default() || !leniencies.contains(*leniency))
}

/// All promises about a call that sent a message, or tried to. Whether the outcome
/// was the only one possible.
pub(crate) fn check_send(
    state: &State,
    number: usize,
    outcome: &Result<Reply, Failure>,
    around: &Around,
) -> Result<bool, Violation> {
    let message = &state.messages[number];
    check_call(state)?;
    let sent = sent(state, number);
    check_transmissions(outcome, &sent)?;
    check_resending(state, number)?;
    check_dials(state)?;
    check_left_behind(state)?;
    if let Some(line) = around.was_unusable {
        hold(
            !state.call.handed.iter().any(|handed| handed.line == line),
            "before writing, the connection is looked at",
        )?;
    }
    match outcome {
        Ok(reply) => {
            hold(!message.is_refused, "the guard refuses what cannot be sent")?;
            hold(
                around.was_open || around.may_connect,
                "a client that has ended sends nothing",
            )?;
            check_reply(state, number, reply, around)?;
        }
        Err(failure) => check_failure(state, message, failure, around)?,
    }
    if is_exact(state, number, around) {
        check_exact(state, message, outcome, around)?;
        return Ok(true);
    }
    Ok(false)
}

/// Whether a frame is the message's.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Own {
    Surely,
    /// So little of it went that it may be something else.
    Perhaps,
    Not,
}

fn own(state: &State, number: usize, handed: &Handed) -> Own {
    match handed.whose {
        Some(Whose::Message(own)) if own == number => return Own::Surely,
        Some(_) => return Own::Not,
        None => {}
    }
    let content = state.cut_short(handed.line).unwrap_or_default();
    // It may end with a part of the end block.
    let end = &state.plan.options.terms.framing.end;
    let wire = &state.messages[number].wire;
    if ![wire.as_slice(), end].concat().starts_with(content) {
        Own::Not
    } else if content.len() > 10 || !may_owe(state) {
        Own::Surely
    } else {
        // So far the header of an acknowledgment is the same.
        Own::Perhaps
    }
}

/// Whether a frame just begun may be one that is owed.
fn may_owe(state: &State) -> bool {
    !state.asked.is_empty() || state.plan.options.terms.release != Release::One
}

/// Counts what the host was handed of the message in this call.
fn sent(state: &State, number: usize) -> Sent {
    let mut sent = Sent {
        least: 0,
        most: 0,
        whole: 0,
        unread: false,
    };
    for handed in &state.call.handed {
        let own = own(state, number, handed);
        sent.least += usize::from(own == Own::Surely);
        sent.most += usize::from(own != Own::Not);
        sent.whole += usize::from(handed.end_block && own == Own::Surely);
    }
    let may_owe = may_owe(state);
    for line in state.call.first_line..state.lines.len() {
        let Some(secured) = &state.lines[line].secured else {
            continue;
        };
        sent.unread |= secured.is_deaf();
        if state.cut_short(line).is_some() || secured.is_handshaking() {
            continue;
        }
        // More than TLS's closing: a record that no receiver can read yet.
        let part = secured.records().holds_part(60);
        sent.least += usize::from(part == Some(true) && !may_owe);
        sent.most += usize::from(part != Some(false));
    }
    sent
}

fn check_transmissions(outcome: &Result<Reply, Failure>, sent: &Sent) -> Held {
    if sent.unread {
        return Ok(());
    }
    let told = match outcome {
        Ok(reply) => reply.transmissions,
        Err(failure) => failure.transmissions,
    } as usize;
    hold(
        (sent.least..=sent.most).contains(&told),
        "the number of transmissions is true",
    )?;
    match outcome {
        Ok(_) => hold(sent.whole > 0, "no success without the whole message sent"),
        Err(failure) => match failure.delivery {
            Delivery::NotSent => hold(
                sent.least == 0,
                "not-sent is said of what nothing was handed over of",
            ),
            Delivery::CutShort => {
                hold(
                    sent.whole == 0,
                    "cut-short is never said once the end block was handed over",
                )?;
                hold(
                    sent.most > 0,
                    "cut-short is said of what was handed over in part",
                )
            }
            Delivery::InDoubt => hold(sent.whole > 0, "in-doubt is said of what may have arrived"),
        },
    }
}

/// What may have arrived goes out again only where the caller wants that.
fn check_resending(state: &State, number: usize) -> Held {
    let options = &state.plan.options;
    let allowed = |delivery| options.reconnect.on && options.resend >= delivery;
    let handed = state.call.handed.iter();
    let handed: Vec<_> = handed
        .filter(|handed| own(state, number, handed) == Own::Surely)
        .collect();
    for pair in handed.windows(2) {
        let [before, after] = pair else {
            continue;
        };
        let was_declined = state.acknowledged.iter().any(|acknowledged| {
            acknowledged.said == Said::Commit(false)
                && acknowledged.line == before.line
                && acknowledged.whole_at <= after.at
        });
        let asked_for = match before.end_block {
            true => allowed(Delivery::InDoubt) || was_declined,
            false => allowed(Delivery::CutShort),
        };
        hold(asked_for, "nothing that may have arrived is sent again")?;
    }
    let declined = options.terms.commit_retries as usize;
    let tries = options.reconnect.attempts as usize + 1;
    hold(
        handed.len() <= tries * (declined + 1),
        "a message goes out no more often than allowed",
    )
}

fn check_dials(state: &State) -> Held {
    let options = &state.plan.options;
    let receivers = 1 + u32::from(options.second_receiver.is_some());
    let tries = if options.reconnect.on {
        options.reconnect.attempts
    } else {
        1
    };
    hold(
        state.call.dials <= tries * receivers * u32::from(state.plan.addresses),
        "connecting is tried no more often than allowed",
    )
}

/// No connection is kept on which a frame was cut short.
fn check_left_behind(state: &State) -> Held {
    for (index, line) in state.lines.iter().enumerate() {
        if line.is_open {
            hold(
                state.is_between_frames(index),
                "no connection is kept on which a frame was cut short",
            )?;
        }
    }
    Ok(())
}

fn check_failure(state: &State, message: &Message, failure: &Failure, around: &Around) -> Held {
    let terms = &state.plan.options.terms;
    let refused = matches!(failure.cause, Cause::InvalidMessage(_));
    let could = around.was_open || around.may_connect;
    hold(
        refused == (message.is_refused && could),
        "the guard refuses what cannot be sent, and nothing else",
    )?;
    hold(
        (failure.cause == Cause::Closed) != could,
        "a client that has ended says so",
    )?;
    if failure.phase == Phase::Prepare {
        hold(
            state.call.handed.is_empty() && state.call.dials == 0,
            "what is refused before the first byte transmits nothing",
        )?;
        hold(
            around.is_open == around.was_open,
            "what is refused before the first byte leaves the client as it was",
        )?;
        hold(
            failure.delivery == Delivery::NotSent,
            "what is refused before the first byte was not sent",
        )?;
    } else {
        hold(!around.is_open, "every failure ends the connection")?;
    }
    hold(
        failure.attempts.len() <= ATTEMPTS_TOLD_MAX
            && failure.retries.len() <= ATTEMPTS_TOLD_MAX
            && failure.warnings.len() <= WARNINGS_MAX,
        "what a failure tells is bounded",
    )?;
    let waited = matches!(failure.phase, Phase::Write | Phase::Commit | Phase::Reply);
    let elapsed_ms = (state.now - around.began) / 1_000_000;
    let limits = [
        Some(around.timeout_ms),
        terms.accept_timeout_ms,
        terms.application_timeout_ms,
    ];
    let shortest = limits.into_iter().flatten().min().unwrap_or_default();
    hold(
        failure.cause != Cause::TimedOut || !waited || elapsed_ms >= shortest.into(),
        "no call times out before its time",
    )?;
    let is_silent = failure.cause == Cause::Silence;
    hold(
        !is_silent
            || (elapsed_ms >= terms.quiet_period_ms.into()
                && due::of_silence(message, terms) == "silence"),
        "silence is only said where it means something, and when it has lasted",
    )
}

fn check_reply(state: &State, number: usize, reply: &Reply, around: &Around) -> Held {
    let message = &state.messages[number];
    let options = &state.plan.options;
    let terms = &options.terms;
    hold(
        reply.message.len() as u64 <= terms.max_message_size
            && reply.retries.len() <= ATTEMPTS_TOLD_MAX
            && reply.warnings.len() <= WARNINGS_MAX,
        "what a reply tells is bounded",
    )?;
    let code = reply.acknowledgment.as_ref().map(|told| told.code);
    if let Some(code) = code {
        let said = is_said(state, number, Said::Code(code));
        hold(said, "no acknowledgment is credited to another message")?;
    }
    if reply.accept.is_some() {
        let said = is_said(state, number, Said::Code(Code::CommitAccept));
        hold(
            said,
            "no accept acknowledgment is credited to another message",
        )?;
    }
    if let Some(commit) = reply.commit {
        let said = is_said(state, number, Said::Commit(commit == Commit::Positive));
        hold(said, "no commit block is credited to another message")?;
    }
    let accepted = reply.accept.is_some()
        || reply.commit == Some(Commit::Positive)
        || code == Some(Code::CommitAccept);
    let negative = matches!(
        code,
        Some(
            Code::ApplicationError
                | Code::ApplicationReject
                | Code::CommitError
                | Code::CommitReject
        )
    );
    let fits = match reply.verdict {
        Verdict::Applied => code == Some(Code::ApplicationAccept),
        Verdict::Accepted => accepted,
        Verdict::Refused => negative || (code.is_none() && reply.commit == Some(Commit::Negative)),
        Verdict::Unacknowledged => code.is_none() && !accepted,
        Verdict::Unjudged => terms.judging != Judging::Required && !accepted,
    };
    hold(fits, "the verdict is what the acknowledgment says")?;
    if reply.verdict == Verdict::Unacknowledged {
        let elapsed_ms = (state.now - around.began) / 1_000_000;
        let asks_for_nothing = asks_for_nothing(message, state);
        hold(
            due::of_silence(message, terms) == "unacknowledged"
                && (asks_for_nothing || elapsed_ms >= terms.quiet_period_ms.into()),
            "silence is an answer only where it was asked for, and when it has lasted",
        )?;
    }
    Ok(())
}

fn asks_for_nothing(message: &Message, state: &State) -> bool {
    let never = |condition| matches!(condition, "" | "NE");
    let settles_early = state.plan.options.terms.settle_on
        == mllp_client::proto::terms::SettleOn::Accept
        && message.accept == "NE";
    never(message.accept) && (never(message.application) || settles_early)
}

/// Whether the receiver said this of the message, where it got it, and it arrived.
///
/// Under required correlation no fault excuses anything; only of messages with the
/// same control id one may be told for the other. Commit blocks have no id, and
/// without required correlation none counts: what a receiver says out of turn on
/// purpose, then, nobody can tell from what it ought to say.
fn is_said(state: &State, number: usize, said: Said) -> bool {
    let message = &state.messages[number];
    let is_told_apart = state.plan.options.terms.correlation == Correlation::Required
        && matches!(said, Said::Code(_));
    let got = |line| {
        let own = Some(Whose::Message(number));
        let mut handed = state.call.handed.iter();
        handed.any(|handed| handed.line == line && handed.whose == own && handed.end_block)
    };
    let has_namesake = || {
        let mut earlier = state.messages[..number].iter();
        earlier.any(|earlier| earlier.id == message.id)
    };
    state.acknowledged.iter().any(|acknowledged| {
        let meant = acknowledged.message == Some(number);
        // A liar may happen upon the control id of a later message.
        let is_lie = acknowledged.message.is_none();
        let may_be_taken_for_it = if is_told_apart {
            acknowledged.id == message.id && (meant || is_lie || has_namesake())
        } else {
            meant || state.lines[acknowledged.line].lies
        };
        acknowledged.said == said
            && acknowledged.whole_at <= state.now
            && may_be_taken_for_it
            && got(acknowledged.line)
    })
}

/// Whether nothing stood in the way of the outcome that is due.
fn is_exact(state: &State, number: usize, around: &Around) -> bool {
    let message = &state.messages[number];
    let options = &state.plan.options;
    let terms = &options.terms;
    let lines = &state.lines[state.call.first_line..];
    let has_namesake = state.messages[..number]
        .iter()
        .any(|earlier| earlier.id == message.id);
    let timeout = u128::from(around.timeout_ms) * 1_000_000;
    let has_time = timeout >= state.plan.step.as_nanos() * 64
        && u64::from(around.timeout_ms) >= 2 * u64::from(terms.quiet_period_ms);
    // Silence that is a failure is followed by another try, and that by an answer.
    let is_repeated = options.reconnect.on
        && options.resend == Delivery::InDoubt
        && due::of_silence(message, terms) != "unacknowledged";
    let is_commit_missing =
        terms.release == Release::Two && state.plan.receiver_release != Release::Two;
    state.call.harmful == 0
        && !lines.iter().any(|line| line.is_tainted || line.is_unclear)
        && !message.is_refused
        && (around.was_open || around.may_connect)
        && !has_namesake
        && has_time
        && !is_repeated
        && !is_commit_missing
}

/// The outcome is the one that is due.
fn check_exact(
    state: &State,
    message: &Message,
    outcome: &Result<Reply, Failure>,
    around: &Around,
) -> Held {
    let terms = &state.plan.options.terms;
    let (word, wrong_mode) = due::outcome(message, terms, &state.call.said);
    match outcome {
        Ok(reply) => {
            hold(
                reply.verdict.word() == word && reply.transmissions == 1,
                "where nothing fails, the outcome is the one that is due",
            )?;
            let is_wrong = |warning: &Warning| matches!(warning, Warning::WrongMode(_));
            hold(
                terms.judging == Judging::Off || reply.warnings.iter().any(is_wrong) == wrong_mode,
                "a code that nobody asked for is told as such",
            )?;
            hold(
                around.is_open || terms.correlation != Correlation::Required,
                "where nothing fails, the connection is kept",
            )?;
            let code = reply.acknowledgment.as_ref().map(|told| told.code);
            let is_application = code.is_some_and(|code| !code.is_accept_level());
            let has_a_date = state.time_of_day.as_secs() < YEAR_9999_S - 1_000_000;
            let is_owed = state
                .asked
                .iter()
                .any(|asked| asked.message == message.id && !asked.came);
            hold(
                !(is_application && has_a_date && is_owed),
                "an acknowledgment that asks for one gets it before the call returns",
            )
        }
        Err(failure) => hold(
            failure.cause.word() == word && failure.delivery == Delivery::InDoubt,
            "where nothing fails, the outcome is the one that is due",
        ),
    }
}

/// Nothing that may be shown to anybody holds content.
pub(crate) fn check_secrecy(
    net: &Net,
    outcome: &Result<Reply, Failure>,
    transcript: &Transcript,
) -> Held {
    hold(
        transcript.entries().len() <= TRANSCRIPT_ENTRIES_MAX,
        "a transcript is bounded",
    )?;
    let mut told = format!("{outcome:?}{transcript:?}");
    if let Err(failure) = outcome {
        told.push_str(&failure.explanation());
    }
    for entry in transcript.entries() {
        told.push_str(&entry.words());
    }
    hold(
        net.find(told.as_bytes()).is_none(),
        "nothing that is shown holds content",
    )
}

/// What a run's outcomes come to, to be compared with the client's own numbers.
#[derive(Default)]
pub(crate) struct Expected {
    pub(crate) counters: Counters,
}

impl Expected {
    /// Counts an outcome.
    pub(crate) fn count(&mut self, outcome: &Result<Reply, Failure>) {
        let counters = &mut self.counters;
        let (transmissions, warnings) = match outcome {
            Ok(reply) => {
                *match reply.verdict {
                    Verdict::Applied => &mut counters.exchanges.applied,
                    Verdict::Accepted => &mut counters.exchanges.accepted,
                    Verdict::Refused => &mut counters.exchanges.refused,
                    Verdict::Unacknowledged => &mut counters.exchanges.unacknowledged,
                    Verdict::Unjudged => &mut counters.exchanges.unjudged,
                } += 1;
                (reply.transmissions, &reply.warnings)
            }
            Err(failure) => {
                *match failure.delivery {
                    Delivery::NotSent => &mut counters.failures.not_sent,
                    Delivery::CutShort => &mut counters.failures.cut_short,
                    Delivery::InDoubt => &mut counters.failures.in_doubt,
                } += 1;
                add(&mut counters.failures_by_cause, failure.cause.word());
                (failure.transmissions, &failure.warnings)
            }
        };
        counters.retransmissions += u64::from(transmissions.saturating_sub(1));
        for warning in warnings {
            add(&mut counters.warnings, warning.word());
        }
    }

    /// Compares, at the run's end.
    pub(crate) fn check(&self, state: &State, told: &Counters) -> Held {
        let own = &self.counters;
        hold(
            told.exchanges == own.exchanges
                && told.failures == own.failures
                && told.failures_by_cause == own.failures_by_cause
                && told.warnings == own.warnings
                && told.retransmissions == own.retransmissions,
            "the counters agree with the outcomes",
        )?;
        hold(
            told.bytes_sent == state.bytes_sent && told.bytes_received <= state.bytes_received,
            "the counters agree with the bytes on the wire",
        )?;
        hold(
            told.reconnections == told.connections.saturating_sub(1)
                && told.connections <= state.connections,
            "the counters agree with the connections",
        )?;
        let settled = own.exchanges.applied + own.exchanges.accepted + own.exchanges.refused;
        hold(
            told.times.count <= settled
                && told.times.buckets.iter().sum::<u64>() == told.times.count,
            "the times are those of acknowledgments",
        )
    }
}

fn add(words: &mut Vec<(&'static str, u64)>, word: &'static str) {
    match words.iter_mut().find(|(known, _)| *known == word) {
        Some((_, counter)) => *counter += 1,
        None => words.push((word, 1)),
    }
}

/// Whether a retry is told that the outcome does not need.
pub(crate) fn check_retries(outcome: &Result<Reply, Failure>, resend: Delivery) -> Held {
    let (retries, known) = match outcome {
        Ok(reply) => (&reply.retries, None),
        Err(failure) => (&failure.retries, Some(failure.delivery)),
    };
    for retry in retries {
        if let Retry::Failed { delivery, .. } = retry {
            hold(
                *delivery <= resend && known.is_none_or(|known| known >= *delivery),
                "a failure tells the worst that its tries left behind",
            )?;
        }
    }
    Ok(())
}
