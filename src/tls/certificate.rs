//! What a certificate says, for a person to read into a ticket: nothing is
//! trusted for standing here.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use core::time::Duration;

use base64ct::{Base64, Encoding};
use der::asn1::{AnyRef, BitStringRef, GeneralizedTime, ObjectIdentifier, OctetStringRef, UtcTime};
use der::{DateTime, Decode, Reader, Result, SliceReader, Tag, TagNumber, Tagged};
use sha2::{Digest, Sha256};

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
        let content = content(der)?;
        let told = || {
            Ok(Self {
                subject: distinguished(content.subject)?,
                issuer: distinguished(content.issuer)?,
                names: content.extensions.map_or(Ok(Vec::new()), names)?,
                not_before: content.not_before,
                not_after: content.not_after,
                pin: Pin::of(content.public_key_info),
            })
        };
        Result::ok(told())
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
    content(der).is_some_and(|content| is_small_rsa_key(content.public_key_info))
}

/// The same of a SubjectPublicKeyInfo.
pub(super) fn is_small_rsa_key(public_key_info: &[u8]) -> bool {
    let small = || {
        let mut info = elements(AnyRef::from_der(public_key_info)?)?;
        let algorithm = ObjectIdentifier::decode(&mut elements(info.decode()?)?)?;
        let key: BitStringRef<'_> = info.decode()?;
        Ok(algorithm == RSA && key.raw_bytes().len() < 2048 / 8)
    };
    Result::unwrap_or(small(), false)
}

/// What of a certificate is told, where it lies in it.
struct Content<'c> {
    issuer: AnyRef<'c>,
    not_before: u64,
    not_after: u64,
    subject: AnyRef<'c>,
    public_key_info: &'c [u8],
    extensions: Option<AnyRef<'c>>,
}

/// `None` too where there is not memory enough for all that may be made of it.
fn content(der: &[u8]) -> Option<Content<'_>> {
    drop(room(der.len().saturating_mul(CERTIFICATE_GROWTH)).ok()?);
    divided(der).ok()
}

/// RFC 5280 section 4.1. Read by hand: a library's certificate, with all that it may
/// hold decoded, is 40 KB of a component that tells six things of it.
fn divided(der: &[u8]) -> Result<Content<'_>> {
    let mut certificate = elements(AnyRef::from_der(der)?)?;
    let mut content = elements(certificate.decode()?)?;
    let _algorithm = elements(certificate.decode()?)?;
    let _signature: BitStringRef<'_> = certificate.decode()?;
    certificate.finish()?;
    let _version = optional(&mut content, TagNumber(0))?;
    let serial_number: AnyRef<'_> = content.decode()?;
    serial_number.tag().assert_eq(Tag::Integer)?;
    let _algorithm = elements(content.decode()?)?;
    let issuer = content.decode()?;
    let mut validity = elements(content.decode()?)?;
    let (not_before, not_after) = (moment(&mut validity)?, moment(&mut validity)?);
    validity.finish()?;
    let subject = content.decode()?;
    let public_key_info = content.tlv_bytes()?;
    let _issuer_id = optional(&mut content, TagNumber(1))?;
    let _subject_id = optional(&mut content, TagNumber(2))?;
    let extensions = optional(&mut content, TagNumber(3))?;
    content.finish()?;
    Ok(Content {
        issuer,
        not_before,
        not_after,
        subject,
        public_key_info,
        extensions: extensions
            .map(|wrapped| AnyRef::from_der(wrapped.value()))
            .transpose()?,
    })
}

/// What a sequence holds.
fn elements(sequence: AnyRef<'_>) -> Result<SliceReader<'_>> {
    sequence.tag().assert_eq(Tag::Sequence)?;
    SliceReader::new(sequence.value())
}

/// The next element, if it is the one with this number.
fn optional<'c>(reader: &mut SliceReader<'c>, wanted: TagNumber) -> Result<Option<AnyRef<'c>>> {
    if reader.is_finished() {
        return Ok(None);
    }
    match Tag::peek(reader)? {
        Tag::ContextSpecific { number, .. } if number == wanted => reader.decode().map(Some),
        _ => Ok(None),
    }
}

/// Seconds since 1970-01-01T00:00:00Z.
fn moment(reader: &mut SliceReader<'_>) -> Result<u64> {
    let since = match Tag::peek(reader)? {
        Tag::UtcTime => reader.decode::<UtcTime>()?.to_unix_duration(),
        _ => reader.decode::<GeneralizedTime>()?.to_unix_duration(),
    };
    Ok(since.as_secs())
}

/// The host names and addresses among the extensions. None where the extension with
/// them cannot be read, or is there twice.
fn names(extensions: AnyRef<'_>) -> Result<Vec<String>> {
    let mut extensions = elements(extensions)?;
    let mut found = Vec::new();
    while !extensions.is_finished() {
        let mut extension = elements(extensions.decode()?)?;
        let name: ObjectIdentifier = extension.decode()?;
        if Tag::peek(&extension)? == Tag::Boolean {
            extension.decode::<bool>()?;
        }
        let value: &OctetStringRef = extension.decode()?;
        extension.finish()?;
        if name == SUBJECT_ALT_NAME {
            found.push(value.as_bytes());
        }
    }
    match found.as_slice() {
        [once] => Ok(alternatives(once).unwrap_or_default()),
        _ => Ok(Vec::new()),
    }
}

/// RFC 5280 section 4.2.1.6.
fn alternatives(der: &[u8]) -> Result<Vec<String>> {
    let mut names = elements(AnyRef::from_der(der)?)?;
    let mut hosts = Vec::new();
    while !names.is_finished() {
        hosts.extend(host(names.decode()?));
    }
    Ok(hosts)
}

/// subjectAltName (RFC 5280 section 4.2.1.6).
const SUBJECT_ALT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("2.5.29.17");

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

fn host(name: AnyRef<'_>) -> Option<String> {
    let (Tag::ContextSpecific { number, .. }, value) = (name.tag(), name.value()) else {
        return None;
    };
    match number.value() {
        2 => core::str::from_utf8(value).ok().map(legible),
        7 => <[u8; 4]>::try_from(value)
            .map(|v4| Ipv4Addr::from(v4).to_string())
            .or_else(|_| <[u8; 16]>::try_from(value).map(|v6| Ipv6Addr::from(v6).to_string()))
            .ok(),
        _ => None,
    }
}

/// A distinguished name as RFC 4514 writes it: the last part first. The library's
/// own way of writing one brings a table of every object identifier there is.
fn distinguished(name: AnyRef<'_>) -> Result<String> {
    let mut written = String::new();
    let mut name = elements(name)?;
    let mut parts = Vec::new();
    while !name.is_finished() {
        let part: AnyRef<'_> = name.decode()?;
        part.tag().assert_eq(Tag::Set)?;
        parts.push(part.value());
    }
    for part in parts.into_iter().rev() {
        let mut part = SliceReader::new(part)?;
        let mut separator = if written.is_empty() { "" } else { "," };
        while !part.is_finished() {
            let mut attribute = elements(part.decode()?)?;
            let kind: ObjectIdentifier = attribute.decode()?;
            let value: AnyRef<'_> = attribute.decode()?;
            attribute.finish()?;
            written.push_str(separator);
            separator = "+";
            match ATTRIBUTES.iter().find(|(known, _)| *known == kind) {
                Some((_, short)) => written.push_str(short),
                None => written.push_str(&kind.to_string()),
            }
            written.push('=');
            match core::str::from_utf8(value.value()) {
                Ok(text) => written.push_str(&escaped(text)),
                Err(_) => written.push('?'),
            }
        }
    }
    Ok(written)
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
    #[cfg(not(target_family = "wasm"))]
    use std::vec::Vec;

    use super::{Pin, time};

    #[cfg(not(target_family = "wasm"))]
    #[test]
    fn what_a_certificate_says_is_told_and_nothing_of_a_part_of_one() {
        use rcgen::{CertificateParams, DnType, KeyPair, PublicKeyData, SanType};

        let key = KeyPair::generate().unwrap();
        let names = ["a.test", "192.0.2.1", "2001:db8::1"].map(ToString::to_string);
        let mut params = CertificateParams::new(names.to_vec()).unwrap();
        let mail = SanType::Rfc822Name("mail@a.test".try_into().unwrap());
        params.subject_alt_names.push(mail);
        params.distinguished_name = rcgen::DistinguishedName::new();
        for (kind, part) in [
            (DnType::OrganizationName, "A, B"),
            (DnType::CommonName, "a.test"),
            (DnType::CustomDnType(Vec::from([1, 2, 3])), "x"),
        ] {
            params.distinguished_name.push(kind, part);
        }
        params.not_before = rcgen::date_time_ymd(2026, 11, 23);
        params.not_after = rcgen::date_time_ymd(2060, 1, 1);
        let der = params.self_signed(&key).unwrap().der().to_vec();

        let told = super::Certificate::read(&der).unwrap();
        assert_eq!(told.subject, "1.2.3=x,CN=a.test,O=A\\, B");
        assert_eq!(told.issuer, told.subject);
        assert_eq!(told.names, names);
        assert_eq!(time(told.not_before), "2026-11-23T00:00:00Z");
        assert_eq!(time(told.not_after), "2060-01-01T00:00:00Z");
        assert_eq!(told.pin, Pin::of(&key.subject_public_key_info()));
        for length in 0..der.len() {
            assert_eq!(super::Certificate::read(&der[..length]), None, "{length}");
        }
    }

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
