//! Whether the receiver's certificate proves who it is: its chain, its name, its
//! pins, its revocation.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::{WebPkiSupportedAlgorithms, verify_tls12_signature, verify_tls13_signature};
use rustls::pki_types::{CertificateDer, IpAddr, ServerName, TrustAnchor, UnixTime};
use rustls::{CertificateError, DigitallySignedStruct, Error, SignatureScheme};
use spin::Mutex;
use webpki::{
    CertRevocationList, EndEntityCert, ExpirationPolicy, KeyUsage, OwnedCertRevocationList,
    RevocationOptions, RevocationOptionsBuilder, anchor_from_trusted_cert, spki_for_anchor,
};

use super::certificate::{Certificate, Pin, has_small_rsa_key, is_small_rsa_key};
use super::material;
use super::options::TlsOptions;
use crate::error::{
    CertificateProblem as Problem, ClockAndBound, InvalidItem, InvalidItemReason, InvalidOption,
};

/// What the receiver's certificate is held to.
pub(super) struct Trust {
    anchors: Vec<TrustAnchor<'static>>,
    revocations: Vec<CertRevocationList<'static>>,
    pins: Vec<Pin>,
    chain: Chain,
    algorithms: WebPkiSupportedAlgorithms,
    /// rustls takes an error that has no room for these.
    refused: Mutex<Option<Refusal>>,
}

/// Whether a chain of certificates has to prove the receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Chain {
    Demanded,
    /// By pins instead, or by nothing.
    Ignored,
}

/// A certificate that was not accepted.
#[derive(Clone, Debug)]
pub(super) struct Refusal {
    pub(super) problem: Problem,
    pub(super) certificate: Option<Certificate>,
}

impl Trust {
    pub(super) fn new(
        options: &TlsOptions,
        algorithms: WebPkiSupportedAlgorithms,
    ) -> Result<Self, InvalidOption> {
        let trust = Self {
            anchors: anchors(options)?,
            revocations: revocations(options)?,
            pins: pins(options)?,
            chain: if options.insecure || options.pins_instead_of_chain {
                Chain::Ignored
            } else {
                Chain::Demanded
            },
            algorithms,
            refused: Mutex::new(None),
        };
        let nothing = match trust.chain {
            Chain::Demanded => trust.anchors.is_empty(),
            Chain::Ignored => trust.pins.is_empty() && !options.insecure,
        };
        if nothing {
            Err(InvalidOption::NoTrust)
        } else {
            Ok(trust)
        }
    }

    /// Whether dates count.
    pub(super) fn looks_at_dates(&self) -> bool {
        self.chain == Chain::Demanded
    }

    /// The certificate that was refused last, once.
    pub(super) fn take_refusal(&self) -> Option<Refusal> {
        self.refused.lock().take()
    }

    fn judge(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        now: UnixTime,
    ) -> Result<(), Problem> {
        if self.chain == Chain::Ignored && self.pins.is_empty() {
            return Ok(());
        }
        let own = EndEntityCert::try_from(certificate).map_err(problem)?;
        let mut keys = Vec::from([own.subject_public_key_info()]);
        if self.chain == Chain::Demanded {
            let lists: Vec<_> = self.revocations.iter().collect();
            let path = own
                .verify_for_usage(
                    self.algorithms.all,
                    &self.anchors,
                    others,
                    now,
                    KeyUsage::server_auth(),
                    revocation(&lists),
                    None,
                )
                .map_err(|error| match problem(error) {
                    Problem::UnknownIssuer if own.subject() == own.issuer() => Problem::SelfSigned,
                    // No signature with such a key verifies.
                    Problem::BadSignature if self.may_have_small_issuer(others) => {
                        Problem::WeakSignature
                    }
                    other => other,
                })?;
            own.verify_is_valid_for_subject_name(name)
                .map_err(|_| Problem::WrongName(written(name)))?;
            let between = path.intermediate_certificates();
            keys.extend(between.map(|certificate| certificate.subject_public_key_info()));
            keys.push(spki_for_anchor(path.anchor()));
        }
        let pinned = |pin: &Pin| keys.iter().any(|key| Pin::of(key) == *pin);
        if self.pins.is_empty() || self.pins.iter().any(pinned) {
            Ok(())
        } else {
            Err(Problem::PinMismatch)
        }
    }

    fn may_have_small_issuer(&self, others: &[CertificateDer<'_>]) -> bool {
        let small_anchor = |anchor| is_small_rsa_key(&spki_for_anchor(anchor));
        others.iter().any(|other| has_small_rsa_key(other)) || self.anchors.iter().any(small_anchor)
    }

    fn refuse(&self, problem: Problem, certificate: &CertificateDer<'_>) -> Error {
        let alert = alert(&problem);
        *self.refused.lock() = Some(Refusal {
            problem,
            certificate: Certificate::read(certificate),
        });
        alert.into()
    }

    /// A signature that does not verify: the key may be one that never can.
    fn refuse_signature(&self, error: Error, certificate: &CertificateDer<'_>) -> Error {
        let Error::InvalidCertificate(_) = error else {
            return error;
        };
        let problem = if has_small_rsa_key(certificate) {
            Problem::WeakSignature
        } else {
            Problem::BadSignature
        };
        self.refuse(problem, certificate)
    }
}

impl ServerCertVerifier for Trust {
    fn verify_server_cert(
        &self,
        certificate: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        _ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, Error> {
        match self.judge(certificate, others, name, now) {
            Ok(()) => Ok(ServerCertVerified::assertion()),
            Err(problem) => Err(self.refuse(problem, certificate)),
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls12_signature(message, certificate, signature, &self.algorithms)
            .map_err(|error| self.refuse_signature(error, certificate))
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        verify_tls13_signature(message, certificate, signature, &self.algorithms)
            .map_err(|error| self.refuse_signature(error, certificate))
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}

impl fmt::Debug for Trust {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Trust")
            .field("anchors", &self.anchors.len())
            .field("revocations", &self.revocations.len())
            .field("pins", &self.pins)
            .field("chain", &self.chain)
            .finish_non_exhaustive()
    }
}

fn anchors(options: &TlsOptions) -> Result<Vec<TrustAnchor<'static>>, InvalidOption> {
    let added = material::certificates(&options.authorities).map_err(InvalidOption::Authority)?;
    let mut anchors = Vec::new();
    for (index, certificate) in added.iter().enumerate() {
        let anchor = anchor_from_trusted_cert(certificate).map_err(|_| {
            InvalidOption::Authority(InvalidItem {
                position: material::position(index),
                reason: InvalidItemReason::Malformed,
            })
        })?;
        anchors.push(anchor.to_owned());
    }
    if !options.own_authorities_only {
        anchors.extend_from_slice(webpki_roots::TLS_SERVER_ROOTS);
    }
    Ok(anchors)
}

fn revocations(options: &TlsOptions) -> Result<Vec<CertRevocationList<'static>>, InvalidOption> {
    let added =
        material::revocation_lists(&options.revocations).map_err(InvalidOption::RevocationList)?;
    let lists = added.iter().enumerate().map(|(index, list)| {
        OwnedCertRevocationList::from_der(list)
            .map(Into::into)
            .map_err(|_| {
                InvalidOption::RevocationList(InvalidItem {
                    position: material::position(index),
                    reason: InvalidItemReason::Malformed,
                })
            })
    });
    lists.collect()
}

fn pins(options: &TlsOptions) -> Result<Vec<Pin>, InvalidOption> {
    let pins = options.pins.iter().enumerate();
    pins.map(|(index, pin)| Pin::parse(pin).ok_or(InvalidOption::Pin(material::position(index))))
        .collect()
}

fn written(name: &ServerName<'_>) -> String {
    match name {
        ServerName::DnsName(name) => String::from(name.as_ref()),
        ServerName::IpAddress(IpAddr::V4(address)) => Ipv4Addr::from(*address.as_ref()).to_string(),
        ServerName::IpAddress(IpAddr::V6(address)) => Ipv6Addr::from(*address.as_ref()).to_string(),
        _ => String::new(),
    }
}

/// With lists at hand, a certificate that none tells about is not accepted.
fn revocation<'a>(lists: &'a [&'a CertRevocationList<'a>]) -> Option<RevocationOptions<'a>> {
    let options = RevocationOptionsBuilder::new(lists).ok()?;
    Some(
        options
            .with_expiration_policy(ExpirationPolicy::Enforce)
            .build(),
    )
}

fn problem(error: webpki::Error) -> Problem {
    use webpki::Error as E;
    match error {
        E::UnknownIssuer => Problem::UnknownIssuer,
        E::CertExpired { time, not_after } => Problem::Expired(ClockAndBound {
            clock: time.as_secs(),
            bound: not_after.as_secs(),
        }),
        E::CertNotValidYet { time, not_before } => Problem::NotYetValid(ClockAndBound {
            clock: time.as_secs(),
            bound: not_before.as_secs(),
        }),
        E::RequiredEkuNotFoundContext(_) | E::EmptyEkuExtension => Problem::WrongUsage,
        E::CaUsedAsEndEntity => Problem::AuthorityAsReceiver,
        E::CertRevoked => Problem::Revoked,
        E::UnknownRevocationStatus
        | E::CrlExpired { .. }
        | E::IssuerNotCrlSigner
        | E::InvalidCrlSignatureForPublicKey
        | E::UnsupportedCrlSignatureAlgorithmContext(_)
        | E::UnsupportedCrlSignatureAlgorithmForPublicKeyContext(_) => Problem::RevocationUnknown,
        E::InvalidSignatureForPublicKey | E::SignatureAlgorithmMismatch => Problem::BadSignature,
        E::UnsupportedSignatureAlgorithmContext(_)
        | E::UnsupportedSignatureAlgorithmForPublicKeyContext(_) => Problem::WeakSignature,
        E::NameConstraintViolation | E::PathLenConstraintViolated | E::EndEntityUsedAsCa => {
            Problem::ConstraintViolated
        }
        E::MaximumPathDepthExceeded
        | E::MaximumPathBuildCallsExceeded
        | E::MaximumSignatureChecksExceeded
        | E::MaximumNameConstraintComparisonsExceeded => Problem::ChainTooLong,
        _ => Problem::Malformed,
    }
}

/// What the receiver is told (RFC 8446 section 6.2), which rustls derives from
/// this.
fn alert(problem: &Problem) -> CertificateError {
    match problem {
        Problem::UnknownIssuer | Problem::SelfSigned => CertificateError::UnknownIssuer,
        Problem::Expired(_) => CertificateError::Expired,
        Problem::NotYetValid(_) => CertificateError::NotValidYet,
        Problem::WrongName(_) => CertificateError::NotValidForName,
        Problem::WrongUsage => CertificateError::InvalidPurpose,
        Problem::Revoked => CertificateError::Revoked,
        Problem::RevocationUnknown => CertificateError::UnknownRevocationStatus,
        Problem::BadSignature | Problem::WeakSignature => CertificateError::BadSignature,
        Problem::Malformed => CertificateError::BadEncoding,
        Problem::AuthorityAsReceiver
        | Problem::ConstraintViolated
        | Problem::ChainTooLong
        | Problem::PinMismatch => CertificateError::ApplicationVerificationFailure,
    }
}
