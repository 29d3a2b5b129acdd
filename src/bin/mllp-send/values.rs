//! What stands behind an option's name: how it is written, and what to write
//! instead of what cannot work.

use std::fmt;
use std::net::Ipv6Addr;
use std::str::FromStr;
use std::time::Duration;

use clap::builder::{PossibleValue, PossibleValuesParser, TypedValueParser};
use mllp_client::error::Delivery;
use mllp_client::proto::leniency::Leniency;
use mllp_client::proto::repair::Repair;
use mllp_client::proto::terms::{AcknowledgmentMode, Correlation, Judging, Release, SettleOn};
use mllp_client::tls::certificate::Pin;
use mllp_client::tls::options::TlsVersion;

use crate::batch::BatchCounts;

/// Where a receiver is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Receiver {
    pub(crate) host: String,
    pub(crate) port: u16,
}

impl FromStr for Receiver {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text == "check" {
            return Err("write check before its options: mllp-send check [OPTIONS] HOST:PORT");
        }
        let (host, port) = text
            .rsplit_once(':')
            .filter(|(host, _)| !host.is_empty())
            .ok_or("write HOST:PORT, as in 127.0.0.1:2575")?;
        let bracketed = host
            .strip_prefix('[')
            .and_then(|host| host.strip_suffix(']'));
        match bracketed {
            Some(address) if address.parse::<Ipv6Addr>().is_err() => {
                return Err("between the brackets stands no IPv6 address; write as in [::1]:2575");
            }
            None if host.contains(':') => {
                return Err("write an IPv6 address in brackets, as in [::1]:2575");
            }
            _ => {}
        }
        let port = port
            .parse()
            .ok()
            .filter(|port| *port != 0)
            .ok_or("write a port from 1 to 65535, as in 127.0.0.1:2575")?;
        Ok(Self {
            host: bracketed.unwrap_or(host).to_owned(),
            port,
        })
    }
}

impl fmt::Display for Receiver {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { host, port } = self;
        if host.contains(':') {
            write!(f, "[{host}]:{port}")
        } else {
            write!(f, "{host}:{port}")
        }
    }
}

/// A span of time, at least one millisecond.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Milliseconds(pub(crate) u32);

impl FromStr for Milliseconds {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let duration = match text.parse() {
            Ok(milliseconds) => Duration::from_millis(milliseconds),
            Err(_) => humantime::parse_duration(text)
                .map_err(|_| "write a duration as 500ms, 5s or 2m, or whole milliseconds")?,
        };
        match u32::try_from(duration.as_millis()) {
            Ok(0) => Err("too short; write 1ms or more, as in 500ms, 5s or 2m"),
            Ok(milliseconds) => Ok(Self(milliseconds)),
            Err(_) => Err("too long; write 49days or less, as in 500ms, 5s or 2m"),
        }
    }
}

impl fmt::Display for Milliseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        humantime::format_duration(Duration::from_millis(self.0.into())).fmt(f)
    }
}

/// Messages a second.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Rate(f64);

impl Rate {
    /// The time from one message to the next.
    pub(crate) fn interval(self) -> Duration {
        Duration::try_from_secs_f64(self.0.recip()).unwrap_or(Duration::MAX)
    }
}

impl FromStr for Rate {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ADVICE: &str = "write messages a second, as in 20 or 0.5, from 0.0001 to 1000000";
        let rate: f64 = text.parse().map_err(|_| ADVICE)?;
        match (0.0001..=1_000_000.0).contains(&rate) {
            true => Ok(Self(rate)),
            false => Err(ADVICE),
        }
    }
}

/// Bytes in hexadecimal digits.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Bytes(pub(crate) Vec<u8>);

impl FromStr for Bytes {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        const ADVICE: &str = "write bytes as pairs of hexadecimal digits, as in 0B or 1C0D";
        let digits: Option<Vec<_>> = text.chars().map(|digit| digit.to_digit(16)).collect();
        let digits = digits.ok_or(ADVICE)?;
        digits
            .chunks(2)
            .map(|pair| match pair {
                [high, low] => u8::try_from(high << 4 | low).map_err(|_| ADVICE),
                _ => Err(ADVICE),
            })
            .collect::<Result<_, _>>()
            .map(Self)
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|byte| write!(f, "{byte:02X}"))
    }
}

/// A number of bytes.
pub(crate) fn size(text: &str) -> Result<u64, &'static str> {
    text.parse()
        .ok()
        .filter(|bytes| *bytes != 0)
        .ok_or("write a number of bytes without a unit, 1 or more, as in 1048576")
}

/// How often.
pub(crate) fn times(text: &str) -> Result<u32, &'static str> {
    text.parse().map_err(|_| "write a number, 0 or more")
}

/// How often, and once at least.
pub(crate) fn positive(text: &str) -> Result<u32, &'static str> {
    times(text)
        .ok()
        .filter(|count| *count != 0)
        .ok_or("write a number, 1 or more")
}

/// The pin of a public key.
pub(crate) fn pin(text: &str) -> Result<String, &'static str> {
    match Pin::parse(text) {
        Some(_) => Ok(text.to_owned()),
        None => Err("write sha256/ and the base64 of a SHA-256, or its 64 hexadecimal digits"),
    }
}

/// A version of TLS.
pub(crate) fn version(text: &str) -> Result<TlsVersion, &'static str> {
    [TlsVersion::Tls12, TlsVersion::Tls13]
        .into_iter()
        .find(|version| version.number() == text)
        .ok_or("write 1.2 or 1.3")
}

/// One of a few, each by the name that the WIT gives the case.
pub(crate) trait Choice: Copy + PartialEq + Send + Sync + 'static {
    /// All of them: the value, its word, and what it means.
    const ALL: &'static [(Self, &'static str, &'static str)];

    /// Its word.
    fn word(self) -> &'static str {
        Self::ALL
            .iter()
            .find_map(|(value, word, _)| (*value == self).then_some(*word))
            .unwrap_or_default()
    }
}

/// Reads the word of a choice.
pub(crate) fn choice<T: Choice>() -> impl TypedValueParser<Value = T> {
    let values = T::ALL
        .iter()
        .map(|(_, word, meaning)| PossibleValue::new(*word).help(*meaning));
    PossibleValuesParser::new(values).try_map(|text| {
        T::ALL
            .iter()
            .find_map(|(value, word, _)| (*word == text).then_some(*value))
            .ok_or("write one of these words")
    })
}

impl Choice for AcknowledgmentMode {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::FromMessage,
            "from-message",
            "those that MSH-15 and MSH-16 of each message ask for",
        ),
        (
            Self::Original,
            "original",
            "one application acknowledgment, whatever the message says",
        ),
    ];
}

impl Choice for SettleOn {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::Application,
            "application",
            "the application acknowledgment, where the message asks for one",
        ),
        (
            Self::Accept,
            "accept",
            "the accept acknowledgment, where the message asks for one: for receivers \
             whose application acknowledgments come over another connection",
        ),
    ];
}

impl Choice for Release {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::One, "one", "no commit blocks"),
        (Self::Two, "two", "a commit block after every message"),
        (Self::Auto, "auto", "told by what arrives first"),
    ];
}

impl Choice for Correlation {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (Self::Required, "required", "MSA-2 must be MSH-10"),
        (Self::Warned, "warned", "if it is not, a warning says so"),
        (Self::Off, "off", "MSA-2 is not looked at"),
    ];
}

impl Choice for Judging {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::Required,
            "required",
            "a reply without an acknowledgment in it is a failure",
        ),
        (
            Self::WherePossible,
            "where-possible",
            "such a reply is unjudged, which counts as no success",
        ),
        (
            Self::Off,
            "off",
            "every reply is unjudged, which counts as no success",
        ),
    ];
}

impl Choice for BatchCounts {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::Required,
            "required",
            "nothing of the file is sent, as if it could not be read",
        ),
        (Self::Warned, "warned", "it is said, and all is sent"),
    ];
}

impl Choice for Delivery {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::NotSent,
            Self::NotSent.word(),
            "if nothing had left: no message can arrive twice",
        ),
        (
            Self::CutShort,
            Self::CutShort.word(),
            "also if a part had left, for receivers that discard half a frame",
        ),
        (
            Self::InDoubt,
            Self::InDoubt.word(),
            "in any case, for receivers that drop what has the same MSH-10",
        ),
    ];
}

impl Choice for Leniency {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::SpaceBeforeStartBlock,
            Self::SpaceBeforeStartBlock.word(),
            "white space before a start block; allowed by default",
        ),
        (
            Self::SpaceAfterFrame,
            Self::SpaceAfterFrame.word(),
            "white space after a frame; allowed by default",
        ),
        (
            Self::LineFeedSegments,
            Self::LineFeedSegments.word(),
            "line feeds for carriage returns in the reply; allowed by default",
        ),
        (
            Self::JunkBeforeStartBlock,
            Self::JunkBeforeStartBlock.word(),
            "any bytes before a start block",
        ),
        (
            Self::MissingStartBlock,
            Self::MissingStartBlock.word(),
            "a reply that begins with MSH, without a start block",
        ),
        (
            Self::MissingCarriageReturn,
            Self::MissingCarriageReturn.word(),
            "an end block without the carriage return after it",
        ),
        (
            Self::DoubledEnvelope,
            Self::DoubledEnvelope.word(),
            "a frame within a frame",
        ),
        (
            Self::OtherAcknowledgment,
            Self::OtherAcknowledgment.word(),
            "acknowledgments of other messages: skipped, credited to nobody",
        ),
    ];
}

impl Choice for Repair {
    const ALL: &'static [(Self, &'static str, &'static str)] = &[
        (
            Self::ByteOrderMark,
            Self::ByteOrderMark.word(),
            "a byte order mark of UTF-8 is taken away",
        ),
        (
            Self::Envelope,
            Self::Envelope.word(),
            "an envelope that is there already is taken away",
        ),
        (
            Self::LineFeeds,
            Self::LineFeeds.word(),
            "line feeds, with or without carriage returns before them, become carriage returns",
        ),
        (
            Self::FinalCarriageReturn,
            Self::FinalCarriageReturn.word(),
            "the last segment gets its carriage return",
        ),
    ];
}

#[cfg(test)]
mod tests {
    use mllp_client::proto::leniency::Leniency;
    use mllp_client::proto::repair::Repair;

    use super::{Bytes, Choice, Milliseconds, Rate, Receiver, positive, times};

    fn receiver(text: &str) -> Result<(String, u16), &'static str> {
        text.parse()
            .map(|Receiver { host, port }: Receiver| (host, port))
    }

    #[test]
    fn a_receiver_is_a_name_or_an_address_of_either_family() {
        let at = |host: &str| Ok((host.to_owned(), 2575));
        assert_eq!(receiver("lab.example:2575"), at("lab.example"));
        assert_eq!(receiver("127.0.0.1:2575"), at("127.0.0.1"));
        assert_eq!(receiver("[::1]:2575"), at("::1"));
    }

    #[test]
    fn a_receiver_that_is_none_is_told_what_to_write() {
        for (text, advice) in [
            ("lab.example", "HOST:PORT"),
            (":2575", "HOST:PORT"),
            ("::1:2575", "in brackets"),
            ("[::1]2575", "in brackets"),
            ("[lab]:2575", "no IPv6 address"),
            ("lab:0", "from 1 to 65535"),
            ("lab:65536", "from 1 to 65535"),
            ("lab:", "from 1 to 65535"),
        ] {
            let refusal = receiver(text).unwrap_err();
            assert!(refusal.contains(advice), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_receiver_is_written_as_it_is_read() {
        for text in ["lab.example:2575", "127.0.0.1:2575", "[::1]:2575"] {
            let receiver: Receiver = text.parse().unwrap();
            assert_eq!(receiver.to_string(), text);
        }
    }

    #[test]
    fn a_duration_has_a_unit_or_is_in_milliseconds() {
        for (text, milliseconds) in [
            ("500ms", 500),
            ("5s", 5_000),
            ("2m", 120_000),
            ("1m 30s", 90_000),
            ("250", 250),
            ("4294967295", u32::MAX),
            ("49days", 4_233_600_000),
        ] {
            assert_eq!(text.parse(), Ok(Milliseconds(milliseconds)));
        }
    }

    #[test]
    fn a_duration_that_cannot_work_is_told_what_to_write() {
        for (text, advice) in [
            ("0", "1ms or more"),
            ("0s", "1ms or more"),
            ("10us", "1ms or more"),
            ("4294967296", "49days or less"),
            ("50days", "49days or less"),
            ("", "500ms, 5s or 2m"),
            ("soon", "500ms, 5s or 2m"),
            ("1.5", "500ms, 5s or 2m"),
            ("-1", "500ms, 5s or 2m"),
        ] {
            let refusal = text.parse::<Milliseconds>().unwrap_err();
            assert!(refusal.contains(advice), "{text}: {refusal}");
        }
    }

    #[test]
    fn a_rate_is_a_number_of_messages_a_second() {
        let interval = |text: &str| text.parse::<Rate>().unwrap().interval().as_micros();
        assert_eq!(interval("20"), 50_000);
        assert_eq!(interval("0.5"), 2_000_000);
        assert_eq!(interval("1000000"), 1);
        for text in ["0", "-1", "1e9", "nan", "inf", "1/s", ""] {
            assert!(text.parse::<Rate>().unwrap_err().contains("0.5"), "{text}");
        }
    }

    #[test]
    fn bytes_are_pairs_of_hexadecimal_digits_or_none() {
        for (text, bytes) in [
            ("0B", &[0x0B][..]),
            ("1c0D", &[0x1C, 0x0D]),
            ("FF00", &[0xFF, 0]),
            ("", &[]),
        ] {
            let read: Bytes = text.parse().unwrap();
            assert_eq!(read.0, bytes);
            assert_eq!(read.to_string(), text.to_uppercase());
        }
        for text in ["B", "0B1", "0x0B", "0G", "0B 1C", "\u{e4}\u{e4}"] {
            assert!(text.parse::<Bytes>().is_err(), "{text}");
        }
    }

    #[test]
    fn a_number_that_is_none_is_told_what_to_write() {
        assert_eq!((times("0"), positive("2")), (Ok(0), Ok(2)));
        for text in ["-1", "", "x", "4294967296"] {
            assert!(times(text).unwrap_err().contains("0 or more"));
            assert!(positive(text).unwrap_err().contains("1 or more"));
        }
        assert!(positive("0").is_err());
    }

    #[test]
    fn every_leniency_and_every_repair_can_be_named() {
        assert!(
            Leniency::ALL
                .iter()
                .all(|one| one.word() == Choice::word(*one))
        );
        assert!(
            Repair::ALL
                .iter()
                .all(|one| one.word() == Choice::word(*one))
        );
        assert_eq!(<Leniency as Choice>::ALL.len(), Leniency::ALL.len());
        assert_eq!(<Repair as Choice>::ALL.len(), Repair::ALL.len());
    }

    #[test]
    fn what_the_help_says_to_be_allowed_by_default_is() {
        for (leniency, word, meaning) in <Leniency as Choice>::ALL {
            let says = meaning.contains("allowed by default");
            assert_eq!(says, leniency.is_allowed_by_default(), "{word}");
        }
    }
}
