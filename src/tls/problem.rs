//! What rustls says, in this project's terms.

use alloc::string::String;

use rustls::{AlertDescription, Error, PeerIncompatible};

use super::identity::ClientCertificate;
use crate::error::TlsProblem;

/// What `error` means; `identity` is what became of the client certificate so
/// far. Not for a certificate that was refused: that is told elsewhere.
pub(super) fn problem(error: &Error, identity: ClientCertificate) -> TlsProblem {
    match error {
        Error::AlertReceived(alert) => refusal(*alert, identity),
        Error::PeerIncompatible(reason) => incompatible(reason),
        Error::FailedToGetRandomBytes => TlsProblem::Host("randomness"),
        Error::FailedToGetCurrentTime => TlsProblem::Host("time of day"),
        Error::PeerMisbehaved(how) => TlsProblem::BrokenRules(alloc::format!("{how:?}")),
        Error::InvalidMessage(how) => TlsProblem::BrokenRules(alloc::format!("{how:?}")),
        Error::InappropriateMessage { .. } | Error::InappropriateHandshakeMessage { .. } => {
            TlsProblem::BrokenRules(String::from("a message out of turn"))
        }
        Error::DecryptError => TlsProblem::BrokenRules(String::from("a record that is not sound")),
        Error::PeerSentOversizedRecord => {
            TlsProblem::BrokenRules(String::from("an oversized record"))
        }
        Error::NoCertificatesPresented => TlsProblem::BrokenRules(String::from("no certificate")),
        _ => TlsProblem::BrokenRules(String::from("something unforeseen")),
    }
}

fn incompatible(reason: &PeerIncompatible) -> TlsProblem {
    match reason {
        PeerIncompatible::ServerDoesNotSupportTls12Or13
        | PeerIncompatible::ServerTlsVersionIsDisabledByOurConfig
        | PeerIncompatible::Tls12NotOffered
        | PeerIncompatible::Tls12NotOfferedOrEnabled
        | PeerIncompatible::SupportedVersionsExtensionRequired => TlsProblem::NoCommonVersion,
        _ => TlsProblem::NoCommonSuite,
    }
}

fn refusal(alert: AlertDescription, identity: ClientCertificate) -> TlsProblem {
    use AlertDescription as A;
    let about_identity = matches!(
        alert,
        A::HandshakeFailure
            | A::NoCertificate
            | A::BadCertificate
            | A::UnsupportedCertificate
            | A::CertificateRevoked
            | A::CertificateExpired
            | A::CertificateUnknown
            | A::UnknownCA
            | A::AccessDenied
            | A::DecryptError
            | A::CertificateRequired
    );
    match (alert, identity) {
        (A::CertificateRequired, _) => TlsProblem::ClientCertificateRequired,
        (_, ClientCertificate::NotGiven) if about_identity => TlsProblem::ClientCertificateRequired,
        (_, ClientCertificate::Given) if about_identity => {
            TlsProblem::ClientCertificateRefused(name(alert))
        }
        (A::ProtocolVersion, _) => TlsProblem::NoCommonVersion,
        (A::HandshakeFailure | A::InsufficientSecurity, _) => TlsProblem::NoCommonSuite,
        _ => TlsProblem::Refused(name(alert)),
    }
}

/// The alert's name (RFC 8446 section 6, RFC 5246 section 7.2).
fn name(alert: AlertDescription) -> &'static str {
    use AlertDescription as A;
    match alert {
        A::CloseNotify => "close_notify",
        A::UnexpectedMessage => "unexpected_message",
        A::BadRecordMac => "bad_record_mac",
        A::RecordOverflow => "record_overflow",
        A::HandshakeFailure => "handshake_failure",
        A::NoCertificate => "no_certificate",
        A::BadCertificate => "bad_certificate",
        A::UnsupportedCertificate => "unsupported_certificate",
        A::CertificateRevoked => "certificate_revoked",
        A::CertificateExpired => "certificate_expired",
        A::CertificateUnknown => "certificate_unknown",
        A::IllegalParameter => "illegal_parameter",
        A::UnknownCA => "unknown_ca",
        A::AccessDenied => "access_denied",
        A::DecodeError => "decode_error",
        A::DecryptError => "decrypt_error",
        A::ProtocolVersion => "protocol_version",
        A::InsufficientSecurity => "insufficient_security",
        A::InternalError => "internal_error",
        A::InappropriateFallback => "inappropriate_fallback",
        A::UserCanceled => "user_canceled",
        A::NoRenegotiation => "no_renegotiation",
        A::MissingExtension => "missing_extension",
        A::UnsupportedExtension => "unsupported_extension",
        A::UnrecognisedName => "unrecognized_name",
        A::BadCertificateStatusResponse => "bad_certificate_status_response",
        A::UnknownPSKIdentity => "unknown_psk_identity",
        A::CertificateRequired => "certificate_required",
        A::NoApplicationProtocol => "no_application_protocol",
        _ => "an alert without a name",
    }
}
