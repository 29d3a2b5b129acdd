//! What a certificate says, for a person to read into a ticket: nothing is
//! trusted for standing here.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use base64ct::{Base64, Encoding};
use sha2::{Digest, Sha256};
use x509_cert::certificate::{CertificateInner, Raw};
use x509_cert::der::asn1::ObjectIdentifier;
use x509_cert::der::{DateTime, Decode, Encode};
use x509_cert::ext::pkix::SubjectAltName;
use x509_cert::ext::pkix::name::GeneralName;
use x509_cert::name::Name;
use x509_cert::spki::SubjectPublicKeyInfoOwned;

use crate::limits::CERTIFICATE_GROWTH;
use crate::memory::room;

/// The SHA-256 of a SubjectPublicKeyInfo (RFC 7469 section 2.4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Pin(pub(crate) [u8; 32]);

impl Pin {
    /// The pin of a key, from its SubjectPublicKeyInfo in DER.
    #[must_use]
    pub fn of(public_key_info: &[u8]) -> Self {
        Self(Sha256::digest(public_key_info).into())
    }

    /// Reads `sha256/` and base64, the base64 alone, or 64 hexadecimal digits
    /// with or without colons. `None` if it is neither.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let text = text.trim();
        let base64 = text.strip_prefix("sha256/").unwrap_or(text);
        let mut bytes = [0; 32];
        match Base64::decode(base64, &mut bytes).map(<[u8]>::len) {
            Ok(32) => Some(Self(bytes)),
            _ => Self::parse_digits(text),
        }
    }

    fn parse_digits(text: &str) -> Option<Self> {
        let mut digits = text.chars().filter(|&digit| digit != ':');
        let mut bytes = [0; 32];
        for byte in &mut bytes {
            let high = digits.next()?.to_digit(16)?;
            let low = digits.next()?.to_digit(16)?;
            *byte = u8::try_from(high << 4 | low).ok()?;
        }
        digits.next().is_none().then_some(Self(bytes))
    }
}

impl fmt::Display for Pin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "sha256/{}", Base64::encode_string(&self.0))
    }
}

/// What a certificate says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Certificate {
    /// The subject's distinguished name (RFC 4514).
    pub subject: String,
    /// The issuer's distinguished name (RFC 4514).
    pub issuer: String,
    /// The host names and addresses it is for.
    pub names: Vec<String>,
    /// When it begins to be valid, in seconds since 1970-01-01T00:00:00Z.
    pub not_before: u64,
    /// When it ends to be valid, in seconds since 1970-01-01T00:00:00Z.
    pub not_after: u64,
    /// The pin of its public key.
    pub pin: Pin,
}

impl Certificate {
    /// What the certificate in these bytes says; `None` if it cannot be read.
    #[must_use]
    pub fn read(der: &[u8]) -> Option<Self> {
        let certificate = parsed(der)?;
        let content = certificate.tbs_certificate();
        let names = match content.get_extension::<SubjectAltName>() {
            Ok(Some((_, SubjectAltName(names)))) => names.iter().filter_map(host).collect(),
            _ => Vec::new(),
        };
        let public_key_info = content.subject_public_key_info().to_der().ok()?;
        let validity = content.validity();
        Some(Self {
            subject: distinguished(content.subject()),
            issuer: distinguished(content.issuer()),
            names,
            not_before: validity.not_before.to_unix_duration().as_secs(),
            not_after: validity.not_after.to_unix_duration().as_secs(),
            pin: Pin::of(&public_key_info),
        })
    }
}

/// How many names a sentence bears.
const NAMES_SHOWN_MAX: usize = 20;

impl fmt::Display for Certificate {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "subject {}; issuer {}; for", self.subject, self.issuer)?;
        match self.names.as_slice() {
            [] => f.write_str(" no host name and no address")?,
            names => {
                for (index, name) in names.iter().take(NAMES_SHOWN_MAX).enumerate() {
                    let separator = if index == 0 { " " } else { ", " };
                    write!(f, "{separator}{name}")?;
                }
                if let more @ 1.. = names.len().saturating_sub(NAMES_SHOWN_MAX) {
                    write!(f, " and {more} more")?;
                }
            }
        }
        let (begin, end) = (time(self.not_before), time(self.not_after));
        write!(f, "; valid from {begin} to {end}; pin {}", self.pin)
    }
}

/// Whether the certificate's own key is an RSA key of less than 2048 bits.
pub(super) fn has_small_rsa_key(der: &[u8]) -> bool {
    parsed(der).is_some_and(|certificate| {
        is_small(certificate.tbs_certificate().subject_public_key_info())
    })
}

/// `None` too where there is not memory enough for all that may be made of it.
fn parsed(der: &[u8]) -> Option<CertificateInner<Raw>> {
    drop(room(der.len().saturating_mul(CERTIFICATE_GROWTH)).ok()?);
    CertificateInner::from_der(der).ok()
}

/// The same of a SubjectPublicKeyInfo.
pub(super) fn is_small_rsa_key(public_key_info: &[u8]) -> bool {
    SubjectPublicKeyInfoOwned::from_der(public_key_info).is_ok_and(|key| is_small(&key))
}

fn is_small(key: &SubjectPublicKeyInfoOwned) -> bool {
    key.algorithm.oid == RSA && key.subject_public_key.raw_bytes().len() < 2048 / 8
}

/// rsaEncryption (RFC 8017 appendix A.1).
const RSA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.1");

/// A time in seconds since 1970-01-01T00:00:00Z, as RFC 3339 writes it.
#[must_use]
pub fn time(seconds: u64) -> String {
    DateTime::from_unix_duration(Duration::from_secs(seconds)).map_or_else(
        |_| alloc::format!("second {seconds}"),
        |time| time.to_string(),
    )
}

fn host(name: &GeneralName) -> Option<String> {
    match name {
        GeneralName::DnsName(name) => Some(legible(name.as_str())),
        GeneralName::IpAddress(address) => {
            let bytes = address.as_bytes();
            <[u8; 4]>::try_from(bytes)
                .map(|v4| Ipv4Addr::from(v4).to_string())
                .or_else(|_| <[u8; 16]>::try_from(bytes).map(|v6| Ipv6Addr::from(v6).to_string()))
                .ok()
        }
        _ => None,
    }
}

/// A distinguished name as RFC 4514 writes it: the last part first. The library's
/// own way of writing one brings a table of every object identifier there is.
fn distinguished(name: &Name) -> String {
    let mut written = String::new();
    let parts: Vec<_> = name.iter_rdn().collect();
    for part in parts.into_iter().rev() {
        for (index, attribute) in part.iter().enumerate() {
            let separator = match (index, written.is_empty()) {
                (_, true) => "",
                (0, false) => ",",
                (_, false) => "+",
            };
            written.push_str(separator);
            let known = ATTRIBUTES.iter().find(|(oid, _)| *oid == attribute.oid);
            match known {
                Some((_, short)) => written.push_str(short),
                None => written.push_str(&attribute.oid.to_string()),
            }
            written.push('=');
            match core::str::from_utf8(attribute.value.value()) {
                Ok(text) => written.push_str(&escaped(text)),
                Err(_) => written.push('?'),
            }
        }
    }
    written
}

/// The short names of RFC 4514 section 3, and two that certificates have often.
const ATTRIBUTES: [(ObjectIdentifier, &str); 11] = [
    (ObjectIdentifier::new_unwrap("2.5.4.3"), "CN"),
    (ObjectIdentifier::new_unwrap("2.5.4.5"), "serialNumber"),
    (ObjectIdentifier::new_unwrap("2.5.4.6"), "C"),
    (ObjectIdentifier::new_unwrap("2.5.4.7"), "L"),
    (ObjectIdentifier::new_unwrap("2.5.4.8"), "ST"),
    (ObjectIdentifier::new_unwrap("2.5.4.9"), "STREET"),
    (ObjectIdentifier::new_unwrap("2.5.4.10"), "O"),
    (ObjectIdentifier::new_unwrap("2.5.4.11"), "OU"),
    (
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.1"),
        "UID",
    ),
    (
        ObjectIdentifier::new_unwrap("0.9.2342.19200300.100.1.25"),
        "DC",
    ),
    (
        ObjectIdentifier::new_unwrap("1.2.840.113549.1.9.1"),
        "emailAddress",
    ),
];

/// RFC 4514 section 2.4, as far as it keeps a name from being read as another.
fn escaped(text: &str) -> String {
    let mut escaped = String::new();
    for character in legible(text).chars() {
        if matches!(character, ',' | '+' | '"' | '\\' | '<' | '>' | ';' | '=') {
            escaped.push('\\');
        }
        escaped.push(character);
    }
    escaped
}

/// What turns the direction of what follows.
const TURNING: [char; 11] = [
    '\u{200E}', '\u{200F}', '\u{202A}', '\u{202B}', '\u{202C}', '\u{202D}', '\u{202E}', '\u{2066}',
    '\u{2067}', '\u{2068}', '\u{2069}',
];

/// Whoever made the certificate chose these characters: none of them may break
/// the line it is printed on.
fn legible(text: &str) -> String {
    let mut legible = String::new();
    for character in text.chars() {
        if character.is_control() || TURNING.contains(&character) {
            legible.extend(character.escape_unicode());
        } else {
            legible.push(character);
        }
    }
    legible
}

#[cfg(test)]
mod tests {
    use std::string::ToString;

    use super::{Pin, time};

    #[test]
    fn a_pin_is_read_as_it_is_written_and_in_the_ways_tools_print_it() {
        let pin = Pin::of(b"key");
        let digits: std::string::String = pin.0.iter().map(|b| std::format!("{b:02X}:")).collect();
        for text in [
            pin.to_string(),
            pin.to_string().replace("sha256/", ""),
            digits.trim_end_matches(':').to_string(),
            digits.replace(':', "").to_lowercase(),
        ] {
            assert_eq!(Pin::parse(&text), Some(pin), "{text}");
        }
    }

    #[test]
    fn what_is_no_pin_is_refused() {
        for text in [
            "",
            "sha256/",
            "sha256/AAAA",
            "abcd",
            "sha1/AAAA",
            "sha256/?",
        ] {
            assert_eq!(Pin::parse(text), None, "{text}");
        }
    }

    #[test]
    fn a_time_is_written_for_people() {
        assert_eq!(time(0), "1970-01-01T00:00:00Z");
        assert_eq!(time(1_795_446_206), "2026-11-23T15:03:26Z");
        assert_eq!(time(u64::MAX), "second 18446744073709551615");
    }
}
