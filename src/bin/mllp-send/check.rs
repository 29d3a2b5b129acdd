//! All that comes before a message, and no message. The client does it; here is
//! noted how far it came.

use std::net::{IpAddr, SocketAddr};
use std::time::{self, Duration};

use mllp_client::client::MllpClient;
use mllp_client::clock::Instant;
use mllp_client::error::{Attempt, Cause};
use mllp_client::tls::certificate::Certificate;
use mllp_client::tls::options::TlsOptions;
use mllp_client::transport::Transport;

use crate::args::CheckArgs;
use crate::finding::{Dated, Finding};

/// Connects, shakes hands, looks whether a message could be sent, and parts.
pub(crate) fn check<T: Transport>(
    args: &CheckArgs,
    tls: Option<TlsOptions>,
    transport: T,
) -> Finding {
    let begin = time::Instant::now();
    let plain = tls.is_none();
    let mut watched = Watched::new(transport);
    let mut session = None;
    let outcome = MllpClient::connect(&mut watched, args.connect_options(tls)).and_then(|client| {
        let mut client = client;
        session = client.tls().cloned();
        let outcome = client.probe();
        client.close();
        outcome
    });
    let accepted = session
        .as_ref()
        .and_then(|session| session.certificate.as_ref());
    let refused = outcome
        .as_ref()
        .err()
        .and_then(|failure| match &failure.cause {
            Cause::Tls(failure) => failure.certificate.as_ref(),
            _ => None,
        });
    let certificate = accepted.or(refused).cloned();
    Finding {
        receiver: args.receiver.to_string(),
        plain,
        certificate: certificate.map(|certificate| watched.dated(certificate)),
        looked_up: watched.looked_up,
        attempts: watched.attempts,
        address: watched.address,
        session,
        outcome,
        elapsed: begin.elapsed(),
    }
}

/// A transport that remembers what it was good for.
struct Watched<T> {
    transport: T,
    looked_up: Vec<IpAddr>,
    attempts: Vec<Attempt>,
    address: Option<SocketAddr>,
}

impl<T: Transport> Watched<T> {
    const fn new(transport: T) -> Self {
        Self {
            transport,
            looked_up: Vec::new(),
            attempts: Vec::new(),
            address: None,
        }
    }

    fn dated(&self, certificate: Certificate) -> Dated {
        Dated::new(certificate, self.transport.time_of_day().as_secs())
    }
}

impl<T: Transport> Transport for &mut Watched<T> {
    type Connection = T::Connection;

    fn now(&self) -> Instant {
        self.transport.now()
    }

    fn time_of_day(&self) -> Duration {
        self.transport.time_of_day()
    }

    fn random(&self) -> u64 {
        self.transport.random()
    }

    fn sleep(&self, moment: Instant) {
        self.transport.sleep(moment);
    }

    fn tidy(&mut self) {
        self.transport.tidy();
    }

    fn resolve(&mut self, name: &str, deadline: Instant) -> Result<Vec<IpAddr>, Cause> {
        let found = self.transport.resolve(name, deadline)?;
        // There may be a second receiver.
        self.looked_up.extend_from_slice(&found);
        Ok(found)
    }

    fn connect(
        &mut self,
        address: SocketAddr,
        deadline: Instant,
    ) -> Result<Self::Connection, Cause> {
        match self.transport.connect(address, deadline) {
            Ok(connection) => {
                self.address = Some(address);
                Ok(connection)
            }
            Err(cause) => {
                let attempt = cause.clone();
                self.attempts.push(Attempt {
                    address,
                    cause: attempt,
                });
                Err(cause)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr, SocketAddr};
    use std::time::Duration;

    use mllp_client::clock::Instant;
    use mllp_client::error::Cause;
    use mllp_client::options::KeepAlive;
    use mllp_client::transport::{Connection, Read, Transport, Write};

    use super::check;
    use crate::args::tests::check_args;
    use crate::finding::Finding;

    const DEAD: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 1));
    const ALIVE: IpAddr = IpAddr::V4(Ipv4Addr::new(192, 0, 2, 2));

    /// A receiver at the second of two addresses, and what it has to say.
    struct Net(Option<Read>);

    impl Transport for Net {
        type Connection = Line;

        fn now(&self) -> Instant {
            Instant::default()
        }

        fn time_of_day(&self) -> Duration {
            Duration::ZERO
        }

        fn random(&self) -> u64 {
            panic!("a check tries once");
        }

        fn sleep(&self, _: Instant) {
            panic!("a check tries once");
        }

        fn resolve(&mut self, _: &str, _: Instant) -> Result<Vec<IpAddr>, Cause> {
            Ok(vec![DEAD, ALIVE])
        }

        fn connect(&mut self, address: SocketAddr, _: Instant) -> Result<Line, Cause> {
            if address.ip() == DEAD {
                return Err(Cause::ConnectionRefused);
            }
            Ok(Line(self.0.take()))
        }
    }

    struct Line(Option<Read>);

    impl Connection for Line {
        fn read(&mut self, _: usize) -> Read {
            self.0.take().unwrap_or(Read::Nothing)
        }

        fn write(&mut self, _: &[u8]) -> Write {
            panic!("a check writes nothing");
        }

        fn wait(&mut self, _: bool, _: Instant) {}

        fn keep_alive(&mut self, _: KeepAlive) -> bool {
            panic!("a check does not ask for it");
        }

        fn local_address(&self) -> Option<SocketAddr> {
            None
        }
    }

    fn found(receiver: &str, said: Option<Read>) -> Finding {
        check(&check_args(receiver), None, Net(said))
    }

    #[test]
    fn every_address_on_the_way_is_noted() {
        let finding = found("lab.example:2575", None);
        assert!(finding.is_ready());
        assert_eq!(finding.looked_up, [DEAD, ALIVE]);
        assert_eq!(finding.address, Some(SocketAddr::new(ALIVE, 2575)));
        assert_eq!(finding.attempts.len(), 1);
    }

    #[test]
    fn an_address_is_not_looked_up() {
        let finding = found("192.0.2.1:2575", None);
        assert!(!finding.is_ready());
        assert!(finding.looked_up.is_empty());
        assert_eq!(finding.address, None);
    }

    #[test]
    fn a_receiver_that_ends_or_speaks_first_is_not_ready() {
        for said in [Read::Ended, Read::Broken, Read::Bytes(b"x".to_vec())] {
            let finding = found("192.0.2.2:2575", Some(said));
            assert!(!finding.is_ready());
            assert!(finding.address.is_some());
        }
    }
}
