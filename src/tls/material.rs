//! Handed-in bytes into certificates, lists and keys. What is wrong is told by
//! its position, never by what it holds.

use alloc::vec::Vec;

use der::asn1::AnyRef;
use der::{Decode, SliceReader, Tag, Tagged};
use rustls::pki_types::pem::{PemObject, SectionKind};
use rustls::pki_types::{CertificateDer, CertificateRevocationListDer, PrivateKeyDer};
use zeroize::Zeroizing;

use crate::error::{InvalidItem, InvalidItemReason as Reason};
use crate::proto::framing::contains;

/// The certificates of several handed-in byte strings, counted through.
pub(super) fn certificates<B: AsRef<[u8]>>(
    added: &[B],
) -> Result<Vec<CertificateDer<'static>>, InvalidItem> {
    let items = items(added, SectionKind::Certificate)?;
    Ok(items.into_iter().map(CertificateDer::from).collect())
}

/// The certificate revocation lists of several handed-in byte strings.
pub(super) fn revocation_lists<B: AsRef<[u8]>>(
    added: &[B],
) -> Result<Vec<CertificateRevocationListDer<'static>>, InvalidItem> {
    let items = items(added, SectionKind::Crl)?;
    let lists = items.into_iter().map(CertificateRevocationListDer::from);
    Ok(lists.collect())
}

/// The private key in these bytes, which may stand among certificates.
pub(super) fn private_key(bytes: &[u8]) -> Result<PrivateKeyDer<'static>, InvalidItem> {
    let key = if is_pem(bytes) {
        match PrivateKeyDer::from_pem_slice(bytes) {
            Ok(key) => Ok(key),
            // A legacy encrypted key has the label of an open one.
            Err(_) if is_encrypted_pem(bytes) => Err(Reason::Encrypted),
            Err(rustls::pki_types::pem::Error::NoItemsFound) => Err(Reason::Missing),
            Err(_) => Err(Reason::Malformed),
        }
    } else if let Some(reason) = store(bytes) {
        Err(reason)
    } else if let Ok(key) = PrivateKeyDer::try_from(bytes) {
        Ok(key.clone_key())
    } else {
        let tags = first_elements(bytes).map(|(first, second)| {
            let second = second.map(|second| second.tag());
            (first.tag(), second)
        });
        Err(match tags {
            _ if bytes.is_empty() => Reason::Missing,
            // EncryptedPrivateKeyInfo (RFC 5958 section 3): an algorithm, and the key.
            Some((Tag::Sequence, Some(Tag::OctetString))) => Reason::Encrypted,
            _ => Reason::Malformed,
        })
    };
    key.map_err(|reason| InvalidItem {
        position: 1,
        reason,
    })
}

fn items<B: AsRef<[u8]>>(added: &[B], kind: SectionKind) -> Result<Vec<Vec<u8>>, InvalidItem> {
    let mut items = Vec::new();
    for bytes in added {
        let before = items.len();
        let reason = match append(bytes.as_ref(), kind, &mut items) {
            Ok(()) if items.len() > before => continue,
            Ok(()) => Reason::Missing,
            Err(reason) => reason,
        };
        return Err(InvalidItem {
            position: position(items.len()),
            reason,
        });
    }
    Ok(items)
}

/// The position of what follows `before` items.
pub(super) fn position(before: usize) -> u32 {
    u32::try_from(before).unwrap_or(u32::MAX).saturating_add(1)
}

fn append(bytes: &[u8], kind: SectionKind, items: &mut Vec<Vec<u8>>) -> Result<(), Reason> {
    if is_pem(bytes) {
        let before = items.len();
        for section in <(SectionKind, Vec<u8>)>::pem_slice_iter(bytes) {
            match section {
                Ok((found, item)) if found == kind => items.push(item),
                // It may be a key.
                Ok((_, item)) => drop(Zeroizing::new(item)),
                // Of an encrypted key beside the certificates only the key is lost.
                Err(_) if is_encrypted_pem(bytes) && items.len() > before => {}
                Err(_) => return Err(Reason::Malformed),
            }
        }
        return Ok(());
    }
    match store(bytes) {
        Some(reason) => Err(reason),
        None if first_elements(bytes).is_some() => {
            items.push(bytes.to_vec());
            Ok(())
        }
        None if bytes.is_empty() => Err(Reason::Missing),
        None => Err(Reason::Malformed),
    }
}

fn is_pem(bytes: &[u8]) -> bool {
    contains(bytes, b"-----BEGIN ")
}

fn is_encrypted_pem(bytes: &[u8]) -> bool {
    let markers: [&[u8]; 2] = [
        b"-----BEGIN ENCRYPTED PRIVATE KEY",
        b"Proc-Type: 4,ENCRYPTED",
    ];
    markers.iter().any(|marker| contains(bytes, marker))
}

/// Files that hold certificates and keys behind a password.
fn store(bytes: &[u8]) -> Option<Reason> {
    let first = first_elements(bytes).map(|(first, _)| (first.tag(), first.value()));
    match (bytes, first) {
        // The magic numbers of JKS and JCEKS.
        ([0xFE, 0xED, 0xFE, 0xED, ..] | [0xCE, 0xCE, 0xCE, 0xCE, ..], _) => {
            Some(Reason::JavaKeyStore)
        }
        // A PFX begins with its version, 3 (RFC 7292 section 4); no key does.
        (_, Some((Tag::Integer, [3]))) => Some(Reason::Pkcs12),
        _ => None,
    }
}

/// The first element of the sequence that `der` is, and the second if there is
/// one.
fn first_elements(der: &[u8]) -> Option<(AnyRef<'_>, Option<AnyRef<'_>>)> {
    let whole = AnyRef::from_der(der).ok()?;
    let mut content = SliceReader::new(whole.value()).ok()?;
    let first = AnyRef::decode(&mut content).ok()?;
    let second = AnyRef::decode(&mut content).ok();
    (whole.tag() == Tag::Sequence).then_some((first, second))
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use std::vec::Vec;

    use rcgen::{CertificateParams, KeyPair};

    use super::{certificates, private_key};
    use crate::error::{InvalidItem, InvalidItemReason as Reason};

    const ENCRYPTED: &str = "-----BEGIN ENCRYPTED PRIVATE KEY-----\nAAAA\n\
                             -----END ENCRYPTED PRIVATE KEY-----\n";
    const LEGACY: &str = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\n\
                          DEK-Info: AES-256-CBC,00\n\nAAAA\n-----END RSA PRIVATE KEY-----\n";

    fn refused<T>(outcome: Result<T, InvalidItem>) -> (u32, Reason) {
        let item = outcome.err().unwrap();
        (item.position, item.reason)
    }

    fn pair() -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new())
            .unwrap()
            .self_signed(&key)
            .unwrap();
        (certificate, key)
    }

    #[test]
    fn pem_in_a_row_and_single_der_are_counted_through() {
        let (certificate, key) = pair();
        let two = certificate.pem().repeat(2) + &key.serialize_pem();
        let der = certificate.der().to_vec();
        let all = certificates(&[two.into_bytes(), der.clone()]).unwrap();
        assert_eq!(all.len(), 3);
        assert!(all.iter().all(|one| one.as_ref() == der));
    }

    #[test]
    fn the_key_is_found_among_certificates_and_in_both_encodings() {
        let (certificate, key) = pair();
        let both = certificate.pem() + &key.serialize_pem();
        for bytes in [both.into_bytes(), key.serialize_der()] {
            assert_eq!(
                private_key(&bytes).unwrap().secret_der(),
                key.serialized_der()
            );
        }
    }

    #[test]
    fn what_is_not_there_is_missing() {
        let (certificate, key) = pair();
        assert_eq!(
            refused(certificates(&[key.serialize_pem()])),
            (1, Reason::Missing)
        );
        let (first, nothing) = (certificate.der().to_vec(), Vec::new());
        assert_eq!(
            refused(certificates(&[first, nothing])),
            (2, Reason::Missing)
        );
        assert_eq!(
            refused(private_key(certificate.pem().as_bytes())),
            (1, Reason::Missing)
        );
    }

    #[test]
    fn damage_is_told_by_position() {
        let (certificate, _) = pair();
        let damaged = certificate.pem() + &certificate.pem().replacen("MII", "M?I", 1);
        assert_eq!(refused(certificates(&[damaged])), (2, Reason::Malformed));
        assert_eq!(refused(certificates(&["garbage"])), (1, Reason::Malformed));
        assert_eq!(refused(private_key(b"garbage")), (1, Reason::Malformed));
    }

    #[test]
    fn what_is_wrong_does_not_depend_on_what_was_handed_in_before() {
        let (certificate, _) = pair();
        let good = certificate.pem();
        let behind = certificates(&[good.as_str(), LEGACY]);
        assert_eq!(refused(certificates(&[LEGACY])), (1, Reason::Malformed));
        assert_eq!(refused(behind), (2, Reason::Malformed));
    }

    #[test]
    fn encrypted_keys_and_stores_are_recognised() {
        let pfx = [0x30, 0x06, 2, 1, 3, 0x30, 1, 0];
        let pbes2 = [0x30, 0x04, 0x30, 0, 4, 0];
        for (bytes, reason) in [
            (ENCRYPTED.as_bytes(), Reason::Encrypted),
            (LEGACY.as_bytes(), Reason::Encrypted),
            (&pbes2[..], Reason::Encrypted),
            (&[0x30, 0x06, 2, 1, 3, 0x30, 1, 0][..], Reason::Pkcs12),
            (
                &[0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2][..],
                Reason::JavaKeyStore,
            ),
        ] {
            assert_eq!(refused(private_key(bytes)), (1, reason));
        }
        assert_eq!(refused(certificates(&[pfx])), (1, Reason::Pkcs12));
    }
}
