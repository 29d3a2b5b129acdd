//! Certificates, keys, revocation lists, pins and names that somebody handed in: what
//! is taken in DER is taken in PEM, an objection tells the right position and nothing
//! of what is there, and what a certificate says cannot break a line.

#![no_main]

use arbitrary::Arbitrary;
use base64ct::{Base64, Encoding};
use libfuzzer_sys::fuzz_target;
use mllp_client::error::{InvalidItem, InvalidOption};
use mllp_client::tls::certificate::{Certificate, Pin};
use mllp_client::tls::config::Tls;
use mllp_client::tls::options::{Identity, TlsOptions};

const AUTHORITY: &[u8] = include_bytes!("../fixtures/authority.der");
const CERTIFICATE: &[u8] = include_bytes!("../fixtures/certificate.der");
const KEY: &[u8] = include_bytes!("../fixtures/key.der");
const HOST: &str = "lab.example";

#[derive(Arbitrary, Debug)]
struct Input<'a> {
    kind: Kind,
    bytes: &'a [u8],
}

#[derive(Clone, Copy, Debug)]
enum Kind {
    Authority,
    RevocationList,
    Chain,
    Key,
    Certificate,
    Text,
}

impl<'a> Arbitrary<'a> for Kind {
    fn arbitrary(input: &mut arbitrary::Unstructured<'a>) -> arbitrary::Result<Self> {
        use Kind::{Authority, Certificate, Chain, Key, RevocationList, Text};
        let all = [Authority, RevocationList, Chain, Key, Certificate, Text];
        fuzz::draw::one_of(input, all)
    }
}

fuzz_target!(|input: Input<'_>| {
    let bytes = input.bytes;
    match input.kind {
        Kind::Authority => check_authority(bytes),
        Kind::RevocationList => check_encodings(bytes, "X509 CRL", with_revocations),
        Kind::Chain => check_encodings(bytes, "CERTIFICATE", with_chain),
        Kind::Key => check_encodings(bytes, "PRIVATE KEY", with_key),
        Kind::Certificate => check_certificate(bytes),
        Kind::Text => {
            if let Ok(text) = str::from_utf8(bytes) {
                check_pin(text);
                check_name(text);
            }
        }
    }
});

type Outcome = Result<(), InvalidOption>;

fn tried(options: &TlsOptions) -> Outcome {
    let outcome = Tls::new(options, HOST).map(|_| ());
    if let Err(objection) = &outcome {
        let text = format!("{objection} {objection:?}");
        assert!(text.is_ascii() && text.len() < 500);
    }
    outcome
}

fn with_authorities(authorities: &[&[u8]]) -> Outcome {
    tried(&TlsOptions {
        authorities: authorities.iter().map(|one| one.to_vec().into()).collect(),
        own_authorities_only: true,
        ..TlsOptions::new()
    })
}

fn with_revocations(list: &[u8]) -> Outcome {
    tried(&TlsOptions {
        authorities: vec![AUTHORITY.to_vec().into()],
        own_authorities_only: true,
        revocations: vec![list.to_vec().into()],
        ..TlsOptions::new()
    })
}

fn with_chain(chain: &[u8]) -> Outcome {
    with_identity(chain, KEY)
}

fn with_key(key: &[u8]) -> Outcome {
    with_identity(CERTIFICATE, key)
}

fn with_identity(chain: &[u8], key: &[u8]) -> Outcome {
    tried(&TlsOptions {
        insecure: true,
        own_authorities_only: true,
        identity: Some(Identity {
            chain: chain.to_vec().into(),
            key: key.to_vec().into(),
        }),
        ..TlsOptions::new()
    })
}

fn pem(label: &str, der: &[u8]) -> Vec<u8> {
    let body = Base64::encode_string(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for line in body.as_bytes().chunks(64) {
        text.extend(line.iter().map(|byte| char::from(*byte)));
        text.push('\n');
    }
    text.push_str(&format!("-----END {label}-----\n"));
    text.into_bytes()
}

fn is_pem(bytes: &[u8]) -> bool {
    memchr::memmem::find(bytes, b"-----BEGIN ").is_some()
}

/// What is good in DER is good in PEM; only the keys' other forms have other labels.
fn check_encodings(bytes: &[u8], label: &str, outcome: impl Fn(&[u8]) -> Outcome) {
    let plain = outcome(bytes);
    if is_pem(bytes) {
        return;
    }
    let wrapped = outcome(&pem(label, bytes));
    let is_pkcs8 = label != "PRIVATE KEY" || bytes.get(4..7) == KEY.get(4..7);
    if plain.is_ok() && is_pkcs8 {
        assert_eq!(wrapped, plain);
    }
}

fn check_authority(bytes: &[u8]) {
    check_encodings(bytes, "CERTIFICATE", |one| with_authorities(&[one]));
    let alone = with_authorities(&[bytes]);
    let second = with_authorities(&[AUTHORITY, bytes]);
    match (alone, second) {
        (Ok(()), Ok(())) => {}
        (
            Err(InvalidOption::Authority(InvalidItem { position, reason })),
            Err(InvalidOption::Authority(behind)),
        ) => {
            assert_eq!(behind.reason, reason);
            assert_eq!(behind.position, position + 1);
        }
        other => panic!("{other:?}"),
    }
}

fn check_certificate(bytes: &[u8]) {
    let Some(certificate) = Certificate::read(bytes) else {
        return;
    };
    let Certificate {
        subject,
        issuer,
        names,
        ..
    } = &certificate;
    for text in names.iter().chain([subject, issuer]) {
        assert!(!text.contains(char::is_control));
    }
    assert!(!certificate.to_string().contains(char::is_control));
}

fn check_pin(text: &str) {
    let pin = Pin::parse(text);
    let outcome = tried(&TlsOptions {
        pins: vec![text.to_owned()],
        pins_instead_of_chain: true,
        own_authorities_only: true,
        ..TlsOptions::new()
    });
    let expected = match pin {
        Some(_) => Ok(()),
        None => Err(InvalidOption::Pin(1)),
    };
    assert_eq!(outcome, expected);
    if let Some(pin) = pin {
        assert_eq!(Pin::parse(&pin.to_string()), Some(pin));
    }
}

fn check_name(text: &str) {
    let options = TlsOptions {
        insecure: true,
        own_authorities_only: true,
        ..TlsOptions::new()
    };
    match Tls::new(&options, text) {
        Ok(_) => assert!(!text.contains(char::is_control) && !text.is_empty()),
        Err(objection) => assert_eq!(objection, InvalidOption::ServerName),
    }
}
