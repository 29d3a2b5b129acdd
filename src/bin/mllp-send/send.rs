//! One message over the connection of the one before, or a new connection where
//! that ended. Decides nothing about a message's fate: the client does.

use std::time::{Duration, Instant};

use mllp_client::client::MllpClient;
use mllp_client::counters::Counters;
use mllp_client::error::{Failure, Phase};
use mllp_client::options::ConnectOptions;
use mllp_client::proto::exchange::Reply;
use mllp_client::proto::repair::{Repair, Repairs};
use mllp_client::tls::options::TlsOptions;
use mllp_client::transcript::{Entry, Event, Transcript};
use mllp_client::transport::Transport;

use crate::args::SendArgs;
use crate::content::looks_line_feed_separated;
use crate::output::About;
use crate::summary::acknowledged;

/// What happened to a message, step by step.
#[derive(Clone, Debug, Default)]
pub(crate) struct Happened {
    pub(crate) entries: Vec<Entry>,
    /// How many entries found no room.
    pub(crate) left_out: u64,
}

impl Happened {
    /// Connecting failed, and there is no client to ask.
    fn without_client(failure: &Failure, at: Duration) -> Self {
        let cause = failure.cause.word();
        let connecting = failure.phase != Phase::Prepare;
        let tried = connecting.then_some(Event::NotConnected(cause));
        let failed = Event::Failed(cause, failure.delivery.word());
        let events = tried.into_iter().chain([failed]);
        Self {
            entries: events
                .map(|event| Entry {
                    at,
                    event,
                    bytes: 0,
                })
                .collect(),
            left_out: 0,
        }
    }

    /// What happened, and what happened to the same message after it.
    pub(crate) fn followed_by(mut self, later: Self) -> Self {
        let at = self
            .entries
            .last()
            .map(|entry| entry.at)
            .unwrap_or_default();
        self.entries
            .extend(later.entries.into_iter().map(|entry| Entry {
                at: at.saturating_add(entry.at),
                ..entry
            }));
        self.left_out = self.left_out.saturating_add(later.left_out);
        self
    }

    /// Adds the client's last call, which began `at`.
    fn add(&mut self, transcript: &Transcript, at: Duration) {
        let entries = transcript.entries().iter().cloned();
        self.entries.extend(entries.map(|entry| Entry {
            at: at.saturating_add(entry.at),
            ..entry
        }));
        self.left_out = self.left_out.saturating_add(transcript.left_out());
    }
}

/// What came of sending a message.
pub(crate) struct Sent {
    pub(crate) outcome: Result<Reply, Failure>,
    /// How long it took from handing the message over to its acknowledgment.
    pub(crate) acknowledged: Option<Duration>,
    pub(crate) happened: Happened,
}

/// The way to the receiver, with the client that the last message left usable.
pub(crate) struct Sender<T: Transport, F> {
    transport: F,
    options: ConnectOptions,
    loose: bool,
    one_per_connection: bool,
    client: Option<MllpClient<T>>,
    /// What clients that were let go had counted.
    counters: Counters,
}

impl<T: Transport, F: FnMut() -> T> Sender<T, F> {
    /// A sender that takes a transport from `transport` for each client.
    pub(crate) fn new(args: &SendArgs, tls: Option<TlsOptions>, transport: F) -> Self {
        Self {
            transport,
            options: args.connect_options(tls),
            loose: args.input.loose,
            one_per_connection: args.exchange.keep.one_per_connection,
            client: None,
            counters: Counters::default(),
        }
    }

    /// Sends a message. `ready` is called before any of it may go out; if that fails,
    /// nothing does.
    pub(crate) fn send<Unready>(
        &mut self,
        message: Vec<u8>,
        ready: impl FnOnce() -> Result<(), Unready>,
    ) -> Result<Sent, Unready> {
        let mut happened = Happened::default();
        let mut connecting = Duration::ZERO;
        let mut client = match self.client.take() {
            Some(client) => client,
            None => {
                let begin = Instant::now();
                let connected = MllpClient::connect((self.transport)(), self.options.clone());
                connecting = begin.elapsed();
                match connected {
                    Ok(client) => {
                        happened.add(client.transcript(), Duration::ZERO);
                        client
                    }
                    Err(failure) => {
                        self.counters.failure(&failure);
                        let happened = Happened::without_client(&failure, connecting);
                        return Ok(Sent {
                            outcome: Err(failure),
                            acknowledged: None,
                            happened,
                        });
                    }
                }
            }
        };
        if let Err(unready) = ready() {
            self.client = Some(client);
            return Err(unready);
        }
        let before = client.counters().times;
        let outcome = client.send(message);
        let acknowledged = acknowledged(&before, &client.counters().times);
        happened.add(client.transcript(), connecting);
        if self.one_per_connection {
            client.close();
            self.counters.add(client.counters());
        } else if client.is_open() || self.options.reconnect.on {
            self.client = Some(client);
        } else {
            self.counters.add(client.counters());
        }
        Ok(Sent {
            outcome,
            acknowledged,
            happened,
        })
    }

    /// What may be told of a message of `file`.
    pub(crate) fn about(&self, file: &str, message: &[u8]) -> About {
        about(&self.options, self.loose, file, message)
    }

    /// The message as it goes out, put right where that was asked for.
    pub(crate) fn mended(&self, message: &[u8]) -> Vec<u8> {
        let mut mended = message.to_vec();
        let _ = self
            .options
            .repairs
            .mend(&mut mended, &self.options.terms.framing);
        mended
    }

    /// Parts from the receiver as TLS demands it: a stream that just ends looks
    /// cut off. Returns what was counted.
    pub(crate) fn close(mut self) -> Counters {
        if let Some(mut client) = self.client {
            client.close();
            self.counters.add(client.counters());
        }
        self.counters
    }
}

/// What may be told of a message, the only one of its file unless told otherwise.
pub(crate) fn about(options: &ConnectOptions, loose: bool, file: &str, message: &[u8]) -> About {
    let repairs = options.repairs;
    let turns_line_feeds = repairs.contains(Repair::LineFeeds);
    let mut about = About::message(file, message);
    about.looks_loose = !loose && !turns_line_feeds && looks_line_feed_separated(message);
    if about.control_id.is_none() && repairs != Repairs::default() {
        // The header may only come to light once it was put right.
        let mut mended = message.to_vec();
        let _ = repairs.mend(&mut mended, &options.terms.framing);
        about.control_id = About::message(file, &mended).control_id;
    }
    about
}

#[cfg(test)]
mod tests {
    use std::cell::RefCell;
    use std::collections::VecDeque;
    use std::net::{IpAddr, SocketAddr};
    use std::rc::Rc;
    use std::time::Duration;

    use mllp_client::clock;
    use mllp_client::error::Cause;
    use mllp_client::options::KeepAlive;
    use mllp_client::transport::{Connection, Read, Transport, Write};

    use super::Counters;
    use crate::args::tests::args;
    use crate::output::Output;

    /// What the receiver does with one message.
    #[derive(Clone, Copy)]
    enum Act {
        RefuseConnection,
        Reply(&'static str),
        End,
    }
    use Act::{End, RefuseConnection, Reply};

    /// A receiver that goes through a script, counting connections.
    #[derive(Clone)]
    struct Receiver(Rc<RefCell<(VecDeque<Act>, usize)>>);

    impl Transport for Receiver {
        type Connection = Line;

        fn now(&self) -> clock::Instant {
            clock::Instant::default()
        }

        fn time_of_day(&self) -> Duration {
            Duration::ZERO
        }

        fn random(&self) -> u64 {
            0
        }

        fn sleep(&self, _: clock::Instant) {}

        fn resolve(&mut self, _: &str, _: clock::Instant) -> Result<Vec<IpAddr>, Cause> {
            Err(Cause::NameUnresolvable)
        }

        fn connect(&mut self, _: SocketAddr, _: clock::Instant) -> Result<Line, Cause> {
            let (script, connections) = &mut *self.0.borrow_mut();
            if let Some(RefuseConnection) = script.front() {
                script.pop_front();
                return Err(Cause::ConnectionRefused);
            }
            *connections += 1;
            Ok(Line {
                receiver: self.clone(),
                act: None,
            })
        }
    }

    struct Line {
        receiver: Receiver,
        act: Option<Act>,
    }

    impl Connection for Line {
        fn read(&mut self, _: usize) -> Read {
            match self.act.take() {
                Some(Reply(code)) => {
                    Read::Bytes(format!("\x0BMSH|^~\\&|R\rMSA|{code}|1\r\x1C\r").into_bytes())
                }
                Some(End) => Read::Ended,
                _ => Read::Nothing,
            }
        }

        fn write(&mut self, bytes: &[u8]) -> Write {
            self.act = self.receiver.0.borrow_mut().0.pop_front();
            Write::Taken(bytes.len())
        }

        fn wait(&mut self, _: bool, _: clock::Instant) {
            let is_answered = self.act.is_some();
            assert!(is_answered, "the script has an answer to everything");
        }

        fn keep_alive(&mut self, _: KeepAlive) -> bool {
            false
        }

        fn local_address(&self) -> Option<SocketAddr> {
            None
        }
    }

    /// What came of a run.
    struct Run {
        taken: bool,
        /// The words of the lines after the control id.
        words: Vec<String>,
        connections: usize,
        counters: Counters,
        errors: String,
    }

    fn message() -> Vec<u8> {
        b"MSH|^~\\&|||||||ADT|1|P|2.5\r".to_vec()
    }

    /// Sends a good message for each act.
    fn sent(options: &str, script: &[Act]) -> Run {
        sent_messages(options, script, vec![message(); script.len()])
    }

    fn sent_messages(options: &str, script: &[Act], messages: Vec<Vec<u8>>) -> Run {
        let receiver = Receiver(Rc::new(RefCell::new((script.iter().copied().collect(), 0))));
        let args = args(&format!("{options} 127.0.0.1:2575"));
        let mut run = crate::run::Run::begin(&args, None, || receiver.clone()).unwrap();
        let (mut out, mut err) = (Vec::new(), Vec::new());
        let mut output = Output::new(args.style(), std::iter::empty(), &mut out, &mut err);
        let taken = run.send_all("f", messages, &mut output).unwrap();
        let counters = run.close(&mut output).unwrap();
        let words = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| {
                let columns: Vec<_> = line.split_whitespace().skip(2).take(2).collect();
                columns.join(" ")
            })
            .collect();
        let connections = receiver.0.borrow().1;
        Run {
            taken,
            words,
            connections,
            counters,
            errors: String::from_utf8(err).unwrap(),
        }
    }

    #[test]
    fn messages_share_one_connection() {
        let Run {
            taken,
            words,
            connections,
            ..
        } = sent("", &[Reply("AA"), Reply("CA"), Reply("AA")]);
        assert!(taken);
        assert_eq!(words, ["applied AA", "accepted CA", "applied AA"]);
        assert_eq!(connections, 1);
    }

    #[test]
    fn a_refused_message_fails_the_run_and_keeps_the_connection() {
        let Run {
            taken,
            words,
            connections,
            ..
        } = sent("", &[Reply("AE"), Reply("AA")]);
        assert!(!taken);
        assert_eq!(words, ["refused AE", "applied AA"]);
        assert_eq!(connections, 1);
    }

    #[test]
    fn after_a_failure_the_next_message_gets_a_connection_of_its_own() {
        let Run {
            taken,
            words,
            connections,
            ..
        } = sent("", &[Reply("AA"), End, Reply("AA")]);
        assert!(!taken);
        assert_eq!(
            words,
            ["applied AA", "in-doubt connection-ended", "applied AA"]
        );
        assert_eq!(connections, 2);
    }

    #[test]
    fn a_refused_connection_fails_only_the_message_it_was_for() {
        let Run {
            taken,
            words,
            connections,
            ..
        } = sent("", &[RefuseConnection, Reply("AA")]);
        assert!(!taken);
        assert_eq!(words, ["not-sent connection-refused", "applied AA"]);
        assert_eq!(connections, 1);
    }

    #[test]
    fn a_message_that_the_guard_refuses_keeps_the_connection() {
        let good = b"MSH|^~\\&|||||||ADT|1|P|2.5\r".to_vec();
        let messages = vec![good.clone(), b"PID|1\r".to_vec(), good];
        let Run {
            taken,
            words,
            connections,
            ..
        } = sent_messages("", &[Reply("AA"), Reply("AA")], messages);
        assert!(!taken);
        assert_eq!(
            words,
            ["applied AA", "not-sent invalid-message", "applied AA"]
        );
        assert_eq!(connections, 1);
    }

    #[test]
    fn each_message_has_its_own_connection_when_asked_for() {
        let Run {
            taken, connections, ..
        } = sent("--one-per-connection", &[Reply("AA"), Reply("AA")]);
        assert!(taken);
        assert_eq!(connections, 2);
    }

    #[test]
    fn with_reconnect_a_client_that_lost_its_connection_goes_on() {
        let script = [Reply("AA"), End, RefuseConnection, Reply("AA")];
        let run = sent_messages("--reconnect", &script, vec![message(); 3]);
        assert!(!run.taken);
        assert_eq!(
            run.words,
            ["applied AA", "in-doubt connection-ended", "applied AA"]
        );
        assert_eq!(run.connections, 2);
        assert_eq!(run.counters.reconnections, 1);
    }

    #[test]
    fn with_reconnect_a_refused_connection_is_tried_again_for_the_same_message() {
        let run = sent_messages(
            "--reconnect",
            &[RefuseConnection, RefuseConnection, Reply("AA")],
            vec![message()],
        );
        assert!(run.taken);
        assert_eq!(
            (run.words, run.connections),
            (vec!["applied AA".to_owned()], 1)
        );
    }

    #[test]
    fn a_message_sent_again_tells_so() {
        let run = sent_messages(
            "--reconnect --resend in-doubt",
            &[End, Reply("AA")],
            vec![message()],
        );
        assert!(run.taken);
        assert_eq!(run.words, ["applied AA"]);
        assert!(
            run.errors
                .contains("f: sent 2 times: connection-ended (in-doubt)\n"),
            "{}",
            run.errors
        );
    }

    #[test]
    fn a_message_that_asks_for_silence_is_taken_without_an_answer() {
        let message = b"MSH|^~\\&|||||||ADT|1|P|2.5|||NE|NE\r".to_vec();
        let run = sent_messages("", &[Reply("AA")], vec![message]);
        assert!(run.taken);
        assert_eq!(run.words, ["unacknowledged -"]);
    }

    #[test]
    fn what_each_client_counted_is_added_up() {
        // With a policy the refused connection is no message's failure.
        for (options, messages) in [("", 4), ("--one-per-connection", 4), ("--reconnect", 3)] {
            let script = [Reply("AA"), End, RefuseConnection, Reply("AE")];
            let run = sent_messages(options, &script, vec![message(); messages]);
            let counters = run.counters;
            assert_eq!(counters.exchanges.applied, 1, "{options}");
            assert_eq!(counters.failures.in_doubt, 1, "{options}");
            assert_eq!(counters.connections, run.connections as u64, "{options}");
            assert_eq!(
                counters.reconnections,
                counters.connections - 1,
                "{options}"
            );
            assert_eq!(counters.failures.not_sent, messages as u64 - 3, "{options}");
            assert_eq!(counters.exchanges.refused, 1, "{options}");
        }
    }

    #[test]
    fn a_transcript_begins_with_the_connection_and_is_there_without_one() {
        let run = sent("--transcript", &[Reply("AA")]);
        let steps: Vec<_> = run
            .errors
            .lines()
            .filter_map(|line| Some(line.split_once(" ms  ")?.1))
            .collect();
        assert!(
            steps
                .first()
                .is_some_and(|step| step.contains("connected to 127.0.0.1:2575"))
        );
        assert!(steps.iter().any(|step| step.contains("acknowledgment AA")));
        let run = sent("--transcript", &[RefuseConnection]);
        assert!(run.errors.contains("not connected: connection-refused"));
        assert!(run.errors.contains("failed: connection-refused, not-sent"));
        let run = sent("", &[Reply("AA")]);
        assert_eq!(run.errors, "");
    }

    #[test]
    fn the_control_id_behind_what_is_repaired_is_told() {
        let message = b"\xEF\xBB\xBFMSH|^~\\&|||||||ADT|1|P|2.5\r".to_vec();
        let options = args("--repair byte-order-mark lab:1").connect_options(None);
        let about = super::about(&options, false, "f", &message);
        assert_eq!(about.control_id.as_deref(), Some("1"));
        assert_eq!(about.bytes, message.len());
        let options = args("lab:1").connect_options(None);
        let about = super::about(&options, false, "f", &message);
        assert_eq!(about.control_id, None);
    }

    #[test]
    fn line_feeds_that_are_repaired_are_no_reason_for_advice() {
        let looks_loose = |line: &str| {
            let options = args(line).connect_options(None);
            super::about(&options, false, "f", b"MSH|^~\\&|A\nPID|1\n").looks_loose
        };
        assert!(looks_loose("lab:1"));
        assert!(!looks_loose("--repair line-feeds lab:1"));
    }
}
