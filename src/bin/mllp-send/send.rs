//! One message after another over one connection, and a new connection where
//! the last one ended. Decides nothing about a message's fate: the client does.

use std::io::{self, Write};
use std::time::Instant;

use mllp_client::client::{ConnectOptions, MllpClient};
use mllp_client::error::Failure;
use mllp_client::proto::exchange::Reply;
use mllp_client::tls::options::TlsOptions;
use mllp_client::transport::Transport;

use crate::args::SendArgs;
use crate::input::looks_line_feed_separated;
use crate::output::{About, Output, Report};

/// The way to the receiver, with the connection that the last message left open.
pub(crate) struct Sender<T: Transport, F> {
    transport: F,
    options: ConnectOptions,
    loose: bool,
    one_per_connection: bool,
    idle: Option<MllpClient<T>>,
}

impl<T: Transport, F: FnMut() -> T> Sender<T, F> {
    /// A sender that takes a transport from `transport` for each connection.
    pub(crate) fn new(args: &SendArgs, tls: Option<TlsOptions>, transport: F) -> Self {
        Self {
            transport,
            options: args.connect_options(tls),
            loose: args.loose,
            one_per_connection: args.one_per_connection,
            idle: None,
        }
    }

    /// Sends the messages of `file` and tells what became of each. Returns
    /// whether all were taken; an error is the output's.
    pub(crate) fn send_all<O: Write, E: Write>(
        &mut self,
        file: &str,
        messages: Vec<Vec<u8>>,
        output: &mut Output<O, E>,
    ) -> io::Result<bool> {
        let several = messages.len() > 1;
        let mut all_taken = true;
        for (message, index) in messages.into_iter().zip(1..) {
            let about = About {
                index,
                several,
                looks_loose: !self.loose && looks_line_feed_separated(&message),
                ..About::message(file, &message)
            };
            let report = self.timed(about, message);
            output.report(&report)?;
            all_taken &= report.is_taken();
        }
        Ok(all_taken)
    }

    fn timed(&mut self, about: About, message: Vec<u8>) -> Report {
        let begin = Instant::now();
        let outcome = self.send(message);
        Report {
            about,
            outcome,
            elapsed: begin.elapsed(),
        }
    }

    fn send(&mut self, message: Vec<u8>) -> Result<Reply, Failure> {
        let mut client = match self.idle.take() {
            Some(client) => client,
            None => MllpClient::connect((self.transport)(), self.options.clone())?,
        };
        let outcome = client.send(message);
        if self.one_per_connection {
            client.close();
        } else if client.is_open() {
            self.idle = Some(client);
        }
        outcome
    }

    /// Parts from the receiver as TLS demands it: a stream that just ends looks
    /// cut off.
    pub(crate) fn close(self) {
        if let Some(mut client) = self.idle {
            client.close();
        }
    }
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
    use mllp_client::transport::{Connection, Read, Transport, Write};

    use super::Sender;
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
            panic!("no date is needed without TLS");
        }

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
            Write::Taken(bytes.len())
        }

        fn flush(&mut self) {
            self.act = self.receiver.0.borrow_mut().0.pop_front();
        }

        fn wait(&mut self, _: bool, _: clock::Instant) {
            panic!("the script has an answer to everything");
        }

        fn local_address(&self) -> Option<SocketAddr> {
            None
        }
    }

    /// Sends a good message for each act: whether all were taken, the words of
    /// the lines, and how many connections it took.
    fn sent(options: &str, script: &[Act]) -> (bool, Vec<String>, usize) {
        let message = b"MSH|^~\\&|||||||ADT|1|P|2.5\r".to_vec();
        sent_messages(options, script, vec![message; script.len()])
    }

    fn sent_messages(
        options: &str,
        script: &[Act],
        messages: Vec<Vec<u8>>,
    ) -> (bool, Vec<String>, usize) {
        let receiver = Receiver(Rc::new(RefCell::new((script.iter().copied().collect(), 0))));
        let args = args(&format!("{options} 127.0.0.1:2575"));
        let mut sender = Sender::new(&args, None, || receiver.clone());
        let mut out = Vec::new();
        let mut output = Output::new(args.style(), std::iter::empty(), &mut out, std::io::sink());
        let taken = sender.send_all("f", messages, &mut output).unwrap();
        let words = String::from_utf8(out)
            .unwrap()
            .lines()
            .map(|line| {
                let columns: Vec<_> = line.split_whitespace().skip(2).take(2).collect();
                columns.join(" ")
            })
            .collect();
        let connections = receiver.0.borrow().1;
        (taken, words, connections)
    }

    #[test]
    fn messages_share_one_connection() {
        let (taken, words, connections) = sent("", &[Reply("AA"), Reply("CA"), Reply("AA")]);
        assert!(taken);
        assert_eq!(words, ["applied AA", "accepted CA", "applied AA"]);
        assert_eq!(connections, 1);
    }

    #[test]
    fn a_refused_message_fails_the_run_and_keeps_the_connection() {
        let (taken, words, connections) = sent("", &[Reply("AE"), Reply("AA")]);
        assert!(!taken);
        assert_eq!(words, ["refused AE", "applied AA"]);
        assert_eq!(connections, 1);
    }

    #[test]
    fn after_a_failure_the_next_message_gets_a_connection_of_its_own() {
        let (taken, words, connections) = sent("", &[Reply("AA"), End, Reply("AA")]);
        assert!(!taken);
        assert_eq!(
            words,
            ["applied AA", "in-doubt connection-ended", "applied AA"]
        );
        assert_eq!(connections, 2);
    }

    #[test]
    fn a_refused_connection_fails_only_the_message_it_was_for() {
        let (taken, words, connections) = sent("", &[RefuseConnection, Reply("AA")]);
        assert!(!taken);
        assert_eq!(words, ["not-sent connection-refused", "applied AA"]);
        assert_eq!(connections, 1);
    }

    #[test]
    fn a_message_that_the_guard_refuses_keeps_the_connection() {
        let good = b"MSH|^~\\&|||||||ADT|1|P|2.5\r".to_vec();
        let messages = vec![good.clone(), b"PID|1\r".to_vec(), good];
        let (taken, words, connections) = sent_messages("", &[Reply("AA"), Reply("AA")], messages);
        assert!(!taken);
        assert_eq!(
            words,
            ["applied AA", "not-sent invalid-message", "applied AA"]
        );
        assert_eq!(connections, 1);
    }

    #[test]
    fn each_message_has_its_own_connection_when_asked_for() {
        let (taken, _, connections) = sent("--one-per-connection", &[Reply("AA"), Reply("AA")]);
        assert!(taken);
        assert_eq!(connections, 2);
    }
}
