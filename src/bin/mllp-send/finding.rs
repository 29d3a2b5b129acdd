//! What a check found, as lines for a person or as a JSON object.

use std::io::{self, Write};
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use mllp_client::error::{Attempt, Failure};
use mllp_client::proto::warning::Warning;
use mllp_client::tls::certificate::{Certificate, time};
use mllp_client::tls::pump::{ClientCertificate, TlsSession};
use serde::Serialize;

use crate::records::{AttemptRecord, milliseconds, object, tls_word};

/// A certificate that is left fewer days than this is worth a warning: about
/// what it takes to get and to install a new one.
const DAYS_LEFT_MIN: i64 = 30;

/// How wide the column of the labels is.
const LABEL_WIDTH: usize = 8;

/// How far a check came.
#[derive(Debug)]
pub(crate) struct Finding {
    /// The receiver, as given.
    pub(crate) receiver: String,
    /// TLS was not asked for.
    pub(crate) plain: bool,
    /// The addresses of the receiver's name.
    pub(crate) looked_up: Vec<IpAddr>,
    /// The addresses tried in vain.
    pub(crate) attempts: Vec<Attempt>,
    /// The address connected to.
    pub(crate) address: Option<SocketAddr>,
    /// What the handshake agreed on.
    pub(crate) session: Option<TlsSession>,
    /// The receiver's certificate, accepted or not.
    pub(crate) certificate: Option<Dated>,
    /// Whether a message could be sent now.
    pub(crate) outcome: Result<(), Failure>,
    /// How long it took.
    pub(crate) elapsed: Duration,
}

/// A certificate on the day it was seen.
#[derive(Debug)]
pub(crate) struct Dated {
    certificate: Certificate,
    /// Whole days; negative if there is none left.
    days_left: i64,
}

impl Dated {
    /// `clock` is in seconds since 1970-01-01T00:00:00Z.
    pub(crate) fn new(certificate: Certificate, clock: u64) -> Self {
        let seconds = |time: u64| i64::try_from(time).unwrap_or(i64::MAX);
        let left = seconds(certificate.not_after).saturating_sub(seconds(clock));
        Self {
            certificate,
            days_left: left.div_euclid(24 * 60 * 60),
        }
    }
}

/// What a message could be sent in spite of.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Remark {
    Insecure,
    Expires(u32),
    /// Nobody looked at the dates.
    Expired(u32),
}

impl Remark {
    fn of(certificate: &Dated) -> Option<Self> {
        let days = u32::try_from(certificate.days_left.unsigned_abs()).unwrap_or(u32::MAX);
        match certificate.days_left {
            DAYS_LEFT_MIN.. => None,
            0.. => Some(Self::Expires(days)),
            _ => Some(Self::Expired(days)),
        }
    }

    /// What was not said at the beginning.
    const fn sentence(self) -> Option<&'static str> {
        match self {
            Self::Insecure => None,
            Self::Expires(_) => Some("warning: the receiver's certificate expires soon"),
            Self::Expired(_) => Some("warning: the receiver's certificate has expired"),
        }
    }

    fn record(self) -> RemarkRecord {
        let (code, count) = match self {
            Self::Insecure => (Warning::Insecure.word(), None),
            Self::Expires(days) => ("certificate-expires", Some(days)),
            Self::Expired(days) => ("certificate-expired", Some(days)),
        };
        RemarkRecord { code, count }
    }
}

impl Finding {
    /// Whether a message could be sent now.
    pub(crate) const fn is_ready(&self) -> bool {
        self.outcome.is_ok()
    }

    /// Tells it: the facts to `out`, and what they mean to `err` unless the JSON
    /// object has it.
    pub(crate) fn tell(
        &self,
        json: bool,
        mut out: impl Write,
        mut err: impl Write,
    ) -> io::Result<()> {
        let text = if json {
            object(&Record::new(self))?
        } else {
            self.lines().into_bytes()
        };
        out.write_all(&text)?;
        out.flush()?;
        if !json {
            for sentence in self.sentences() {
                // Unlike the facts, it may get lost.
                let _ = writeln!(err, "mllp-send: {}: {sentence}", self.receiver);
            }
        }
        Ok(())
    }

    /// A refused certificate is no matter of warnings.
    fn remarks(&self) -> Vec<Remark> {
        let Some(session) = &self.session else {
            return Vec::new();
        };
        let insecure = session.insecure.then_some(Remark::Insecure);
        let dates = self.certificate.as_ref().and_then(Remark::of);
        insecure.into_iter().chain(dates).collect()
    }

    fn sentences(&self) -> Vec<String> {
        let remarks = self.remarks();
        let remarks = remarks.into_iter().filter_map(Remark::sentence);
        let failure = self.outcome.as_ref().err().map(Failure::explanation);
        remarks.map(String::from).chain(failure).collect()
    }

    fn lines(&self) -> String {
        let rows = self.way().into_iter();
        let rows = rows.chain(self.certificate.iter().flat_map(certificate));
        rows.chain(self.end())
            .map(|(label, fact)| format!("{label:<LABEL_WIDTH$}  {fact}\n"))
            .collect()
    }

    fn way(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        if !self.looked_up.is_empty() {
            rows.push(("lookup", list(self.looked_up.iter())));
        }
        for Attempt { address, cause } in &self.attempts {
            rows.push(("address", format!("{address} {}", cause.word())));
        }
        if let Some(address) = self.address {
            rows.push(("address", format!("{address} connected")));
            if self.plain {
                rows.push(("tls", "not asked for: messages go in the clear".to_owned()));
            }
        }
        if let Some(session) = &self.session {
            rows.push(("tls", agreement(session)));
        }
        rows
    }

    fn end(&self) -> Vec<Row> {
        let mut rows = Vec::new();
        if let Some(session) = &self.session {
            let client = match session.client_certificate {
                ClientCertificate::NotAsked => "certificate not asked for",
                ClientCertificate::NotGiven => "certificate asked for, none given",
                ClientCertificate::Given => "certificate asked for and given",
            };
            rows.push(("client", client.to_owned()));
        }
        let ready = match &self.outcome {
            Ok(()) => "yes".to_owned(),
            Err(failure) => {
                let words = [Some(failure.cause.word()), tls_word(&failure.cause)];
                let words: Vec<_> = words.into_iter().flatten().collect();
                format!("no: {}", words.join(" "))
            }
        };
        rows.push(("ready", ready));
        rows
    }
}

/// A label and a fact.
type Row = (&'static str, String);

fn agreement(session: &TlsSession) -> String {
    let version = format!("TLS {}", session.version.number());
    let resumed = if session.resumed {
        "resumed"
    } else {
        "not resumed"
    };
    let group = session.group.as_deref();
    let facts = [
        Some(version.as_str()),
        Some(&session.suite),
        group,
        Some(resumed),
    ];
    list(facts.into_iter().flatten())
}

fn certificate(dated: &Dated) -> [Row; 5] {
    let Dated {
        certificate,
        days_left,
    } = dated;
    let (begin, end) = (time(certificate.not_before), time(certificate.not_after));
    [
        ("subject", certificate.subject.clone()),
        ("issuer", certificate.issuer.clone()),
        ("names", list(certificate.names.iter())),
        ("valid", format!("{begin} to {end}, days left: {days_left}")),
        ("pin", certificate.pin.to_string()),
    ]
}

fn list(items: impl Iterator<Item = impl ToString>) -> String {
    let items: Vec<_> = items.map(|item| item.to_string()).collect();
    items.join(", ")
}

/// The object of `check --json`. Its field names are documented in `check
/// --help`, and promised: add to them, change none.
#[derive(Serialize)]
struct Record<'a> {
    receiver: &'a str,
    ready: bool,
    looked_up: Vec<String>,
    address: Option<String>,
    session: Option<SessionRecord<'a>>,
    certificate: Option<CertificateRecord<'a>>,
    cause: Option<&'static str>,
    tls: Option<&'static str>,
    phase: Option<&'static str>,
    explanation: Option<String>,
    warnings: Vec<RemarkRecord>,
    attempts: Vec<AttemptRecord>,
    elapsed_ms: f64,
}

#[derive(Serialize)]
struct RemarkRecord {
    code: &'static str,
    count: Option<u32>,
}

#[derive(Serialize)]
struct SessionRecord<'a> {
    version: &'static str,
    suite: &'a str,
    group: Option<&'a str>,
    resumed: bool,
    client_certificate: &'static str,
}

impl<'a> From<&'a TlsSession> for SessionRecord<'a> {
    fn from(session: &'a TlsSession) -> Self {
        Self {
            version: session.version.number(),
            suite: &session.suite,
            group: session.group.as_deref(),
            resumed: session.resumed,
            client_certificate: session.client_certificate.word(),
        }
    }
}

#[derive(Serialize)]
struct CertificateRecord<'a> {
    subject: &'a str,
    issuer: &'a str,
    names: &'a [String],
    not_before: String,
    not_after: String,
    days_left: i64,
    pin: String,
}

impl<'a> From<&'a Dated> for CertificateRecord<'a> {
    fn from(dated: &'a Dated) -> Self {
        let certificate = &dated.certificate;
        Self {
            subject: &certificate.subject,
            issuer: &certificate.issuer,
            names: &certificate.names,
            not_before: time(certificate.not_before),
            not_after: time(certificate.not_after),
            days_left: dated.days_left,
            pin: certificate.pin.to_string(),
        }
    }
}

impl<'a> Record<'a> {
    fn new(finding: &'a Finding) -> Self {
        let failure = finding.outcome.as_ref().err();
        let remarks = finding.remarks();
        Self {
            receiver: &finding.receiver,
            ready: finding.is_ready(),
            looked_up: finding.looked_up.iter().map(ToString::to_string).collect(),
            address: finding.address.map(|address| address.to_string()),
            session: finding.session.as_ref().map(Into::into),
            certificate: finding.certificate.as_ref().map(Into::into),
            cause: failure.map(|failure| failure.cause.word()),
            tls: failure.and_then(|failure| tls_word(&failure.cause)),
            phase: failure.map(|failure| failure.phase.word()),
            explanation: failure.map(Failure::explanation),
            warnings: remarks.into_iter().map(Remark::record).collect(),
            attempts: finding.attempts.iter().map(Into::into).collect(),
            elapsed_ms: milliseconds(finding.elapsed),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use mllp_client::error::{Attempt, Cause, CertificateProblem, Failure, Phase, TlsProblem};
    use mllp_client::tls::certificate::{Certificate, Pin};
    use mllp_client::tls::options::TlsVersion;
    use mllp_client::tls::pump::{ClientCertificate, TlsSession};

    use super::{Dated, Finding};

    const DAY: u64 = 24 * 60 * 60;

    fn certificate() -> Certificate {
        Certificate {
            subject: "CN=lab".into(),
            issuer: "CN=root".into(),
            names: vec!["lab.example".into(), "192.0.2.2".into()],
            not_before: 0,
            not_after: 100 * DAY,
            pin: Pin::of(b"key"),
        }
    }

    /// A receiver that proved itself, on that day after 1970-01-01.
    fn good(day: u64) -> Finding {
        Finding {
            receiver: "lab.example:2575".into(),
            plain: false,
            looked_up: vec!["192.0.2.1".parse().unwrap(), "192.0.2.2".parse().unwrap()],
            attempts: vec![Attempt {
                address: "192.0.2.1:2575".parse().unwrap(),
                cause: Cause::ConnectionRefused,
            }],
            address: Some("192.0.2.2:2575".parse().unwrap()),
            session: Some(TlsSession {
                version: TlsVersion::Tls13,
                suite: "TLS_AES_128_GCM_SHA256".into(),
                group: Some("x25519".into()),
                resumed: false,
                client_certificate: ClientCertificate::Given,
                certificate: Some(certificate()),
                insecure: false,
            }),
            certificate: Some(Dated::new(certificate(), day * DAY)),
            outcome: Ok(()),
            elapsed: Duration::from_micros(12_345),
        }
    }

    fn refused() -> Finding {
        let problem = TlsProblem::Certificate(CertificateProblem::UnknownIssuer);
        Finding {
            session: None,
            outcome: Err(Failure::not_sent(Phase::Tls, problem.into())),
            ..good(1)
        }
    }

    fn told(json: bool, finding: &Finding) -> (String, String) {
        let (mut out, mut err) = (Vec::new(), Vec::new());
        finding.tell(json, &mut out, &mut err).unwrap();
        (
            String::from_utf8(out).unwrap(),
            String::from_utf8(err).unwrap(),
        )
    }

    #[test]
    fn each_step_is_a_line() {
        let (out, err) = told(false, &good(1));
        assert_eq!(
            out,
            "lookup    192.0.2.1, 192.0.2.2\n\
             address   192.0.2.1:2575 connection-refused\n\
             address   192.0.2.2:2575 connected\n\
             tls       TLS 1.3, TLS_AES_128_GCM_SHA256, x25519, not resumed\n\
             subject   CN=lab\n\
             issuer    CN=root\n\
             names     lab.example, 192.0.2.2\n\
             valid     1970-01-01T00:00:00Z to 1970-04-11T00:00:00Z, days left: 99\n\
             pin       sha256/LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM=\n\
             client    certificate asked for and given\n\
             ready     yes\n"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn a_failure_shows_the_refused_certificate_and_explains_itself_on_standard_error() {
        let (out, err) = told(false, &refused());
        assert!(out.contains("\npin       sha256/"), "{out}");
        assert!(
            out.ends_with("\nready     no: tls unknown-issuer\n"),
            "{out}"
        );
        assert!(
            err.starts_with("mllp-send: lab.example:2575: TLS handshake: "),
            "{err}"
        );
        assert_eq!(err.lines().count(), 1);
    }

    #[test]
    fn without_tls_it_says_that_messages_go_in_the_clear() {
        let finding = Finding {
            plain: true,
            session: None,
            certificate: None,
            ..good(1)
        };
        let (out, err) = told(false, &finding);
        assert!(out.contains("\ntls       not asked for"), "{out}");
        assert_eq!(err, "");
    }

    #[test]
    fn days_are_whole_ones_and_fewer_than_thirty_are_warned_of() {
        for (seconds, days_left, warning) in [
            (70 * DAY, 30, None),
            (70 * DAY + 1, 29, Some("expires soon")),
            (100 * DAY, 0, Some("expires soon")),
            (100 * DAY + 1, -1, Some("has expired")),
        ] {
            let dated = Dated::new(certificate(), seconds);
            assert_eq!(dated.days_left, days_left);
            let finding = Finding {
                certificate: Some(dated),
                ..good(1)
            };
            let (_, err) = told(false, &finding);
            assert_eq!(err.lines().count(), usize::from(warning.is_some()));
            assert!(err.contains(warning.unwrap_or_default()), "{err}");
        }
    }

    #[test]
    fn an_unforeseeable_date_does_no_harm() {
        let endless = Certificate {
            not_after: u64::MAX,
            ..certificate()
        };
        assert!(Dated::new(endless, 0).days_left > 0);
        assert!(Dated::new(certificate(), u64::MAX).days_left < 0);
    }

    #[test]
    fn what_was_found_in_json_has_every_field() {
        let (out, err) = told(true, &good(75));
        assert_eq!(
            out,
            "{\"schema\":1,\"receiver\":\"lab.example:2575\",\"ready\":true,\
             \"looked_up\":[\"192.0.2.1\",\"192.0.2.2\"],\"address\":\"192.0.2.2:2575\",\
             \"session\":{\"version\":\"1.3\",\"suite\":\"TLS_AES_128_GCM_SHA256\",\
             \"group\":\"x25519\",\"resumed\":false,\"client_certificate\":\"given\"},\
             \"certificate\":{\"subject\":\"CN=lab\",\"issuer\":\"CN=root\",\
             \"names\":[\"lab.example\",\"192.0.2.2\"],\
             \"not_before\":\"1970-01-01T00:00:00Z\",\"not_after\":\"1970-04-11T00:00:00Z\",\
             \"days_left\":25,\
             \"pin\":\"sha256/LHDhK3oGRvkiefQnx7OOczTY5Tic/xZ6HcMOc/gmtoM=\"},\
             \"cause\":null,\"tls\":null,\"phase\":null,\"explanation\":null,\
             \"warnings\":[{\"code\":\"certificate-expires\",\"count\":25}],\
             \"attempts\":[{\"address\":\"192.0.2.1:2575\",\"cause\":\"connection-refused\"}],\
             \"elapsed_ms\":12.345}\n"
        );
        assert_eq!(err, "");
    }

    #[test]
    fn a_failure_in_json_has_its_words() {
        let (out, err) = told(true, &refused());
        let told: serde_json::Value = serde_json::from_str(&out).unwrap();
        assert_eq!(told["ready"], false);
        assert_eq!(told["session"], serde_json::Value::Null);
        assert_eq!(told["certificate"]["subject"], "CN=lab");
        assert_eq!(
            (&told["cause"], &told["tls"]),
            (&"tls".into(), &"unknown-issuer".into())
        );
        assert_eq!(told["phase"], "tls");
        assert_eq!(err, "");
    }
}
