//! Private keys: reading them, and signing.

use rsa::pkcs8::DecodePrivateKey;
use rsa::traits::SignatureScheme as _;
use rustls::crypto::KeyProvider;
use rustls::pki_types::{
    AlgorithmIdentifier, PrivateKeyDer, PrivatePkcs1KeyDer, PrivatePkcs8KeyDer, PrivateSec1KeyDer,
    alg_id,
};
use rustls::{SignatureAlgorithm, SignatureScheme as S};
use std::format;
use std::vec::Vec;

use super::super::random::HostRandom;
use super::super::sign::{Keys, RSA_SCHEMES};
use super::super::verify::ALGORITHMS;
use super::hex;

fn pkcs8(der: &[u8]) -> PrivateKeyDer<'static> {
    PrivatePkcs8KeyDer::from(der.to_vec()).into()
}

fn sec1(der: &[u8]) -> PrivateKeyDer<'static> {
    PrivateSec1KeyDer::from(der.to_vec()).into()
}

fn pkcs1(der: &[u8]) -> PrivateKeyDer<'static> {
    PrivatePkcs1KeyDer::from(der.to_vec()).into()
}

/// The keys that `openssl` 3.0 wrote for these tests: every format, with the public half apart.
fn keys() -> Vec<(
    PrivateKeyDer<'static>,
    &'static [u8],
    SignatureAlgorithm,
    &'static [S],
)> {
    let p256: (&[u8], _, &[_]) = (
        include_bytes!("keys/p256.spki.der"),
        SignatureAlgorithm::ECDSA,
        &[S::ECDSA_NISTP256_SHA256],
    );
    let p384: (&[u8], _, &[_]) = (
        include_bytes!("keys/p384.spki.der"),
        SignatureAlgorithm::ECDSA,
        &[S::ECDSA_NISTP384_SHA384],
    );
    let ed25519: (&[u8], _, &[_]) = (
        include_bytes!("keys/ed25519.spki.der"),
        SignatureAlgorithm::ED25519,
        &[S::ED25519],
    );
    let rsa: (&[u8], _, _) = (
        include_bytes!("keys/rsa.spki.der"),
        SignatureAlgorithm::RSA,
        RSA_SCHEMES,
    );
    [
        (sec1(include_bytes!("keys/p256.sec1.der")), p256),
        (pkcs8(include_bytes!("keys/p256.pkcs8.der")), p256),
        (sec1(include_bytes!("keys/p384.sec1.der")), p384),
        (pkcs8(include_bytes!("keys/p384.pkcs8.der")), p384),
        (pkcs8(include_bytes!("keys/ed25519.pkcs8.der")), ed25519),
        (pkcs1(include_bytes!("keys/rsa.pkcs1.der")), rsa),
        (pkcs8(include_bytes!("keys/rsa.pkcs8.der")), rsa),
    ]
    .into_iter()
    .map(|(key, (spki, algorithm, schemes))| (key, spki, algorithm, schemes))
    .collect()
}

/// Each key, in each scheme it offers, against the verification of this provider and, outside
/// WebAssembly, of *ring* and AWS-LC.
#[test]
fn what_we_sign_others_verify() {
    let others = [
        ALGORITHMS,
        #[cfg(not(target_family = "wasm"))]
        rustls::crypto::ring::default_provider().signature_verification_algorithms,
        #[cfg(not(target_family = "wasm"))]
        rustls::crypto::aws_lc_rs::default_provider().signature_verification_algorithms,
    ];
    for (der, spki, algorithm, schemes) in keys() {
        let key = Keys.load_private_key(der).unwrap();
        assert_eq!(key.public_key().unwrap().as_ref(), spki);
        assert_eq!(key.algorithm(), algorithm);
        assert!(
            key.choose_scheme(&[S::ECDSA_NISTP521_SHA512, S::RSA_PKCS1_SHA1])
                .is_none()
        );
        let bit_string = spki.iter().rposition(|_| true).unwrap() + 1 - public_len(spki);
        for scheme in schemes {
            let signer = key.choose_scheme(&[S::ED448, *scheme]).unwrap();
            assert_eq!(signer.scheme(), *scheme);
            let signature = signer.sign(b"text").unwrap();
            for other in others {
                let (_, verifiers) = other
                    .mapping
                    .iter()
                    .find(|(offered, _)| offered == scheme)
                    .unwrap();
                let fits = |message| {
                    verifiers.iter().any(|verifier| {
                        verifier
                            .verify_signature(&spki[bit_string..], message, &signature)
                            .is_ok()
                    })
                };
                assert!(fits(b"text") && !fits(b"next"), "{scheme:?}");
            }
        }
        let preferred = key.choose_scheme(&[RSA_SCHEMES, schemes].concat()).unwrap();
        assert_eq!(preferred.scheme(), schemes[0]);
    }
}

/// The length of the key inside a `SubjectPublicKeyInfo`, by the kind of key.
fn public_len(spki: &[u8]) -> usize {
    match spki.len() {
        44 => 32,
        91 => 65,
        120 => 97,
        rsa => rsa - 24,
    }
}

/// RFC 6979, appendices A.2.5 and A.2.6: the nonces come from key and message alone.
#[test]
fn ecdsa_is_deterministic() {
    let p256 = p256::SecretKey::from_slice(&hex(
        "C9AFA9D845BA75166B5C215767B1D6934E50C3DB36E89B127B8A622B120F6721",
    ));
    let p384 = p384::SecretKey::from_slice(&hex(
        "6B9D3DAD2E1B8C1C05B19875B6659F4DE23C3B667BF297BA9AA47740787137D8
         96D5724E4C70A825F872C9EA60D2EDF5",
    ));
    let vectors = [
        (
            p256.unwrap().to_sec1_der().unwrap(),
            S::ECDSA_NISTP256_SHA256,
            hex(
                "3046 0221 00 EFD48B2AACB6A8FD1140DD9CD45E81D69D2C877B56AAF991C34D0EA84EAF3716
                  0221 00 F7CB1C942D657C41D436C7A1B6E29F65F3E900DBB9AFF4064DC4AB2F843ACDA8",
            ),
        ),
        (
            p384.unwrap().to_sec1_der().unwrap(),
            S::ECDSA_NISTP384_SHA384,
            hex(
                "3066 0231 00 94EDBB92A5ECB8AAD4736E56C691916B3F88140666CE9FA73D64C4EA95AD133C
                          81A648152E44ACF96E36DD1E80FABE46
                  0231 00 99EF4AEB15F178CEA1FE40DB2603138F130E740A19624526203B6351D0A3A94F
                          A329C145786E679E7B82C71A38628AC8",
            ),
        ),
    ];
    for (der, scheme, signature) in vectors {
        let key = Keys.load_private_key(sec1(&der)).unwrap();
        let signer = key.choose_scheme(&[scheme]).unwrap();
        assert_eq!(signer.sign(b"sample").unwrap(), signature);
    }
}

/// RFC 8410, section 10.3: the key alone, and with attributes and its public key, which is checked
/// against the secret one.
#[test]
fn ed25519_keys_of_rfc_8410() {
    let seed = "D4EE72DBF913584AD5B6D8F1F769F8AD3AFE7C28CBF1D4FBE097A88F44755842";
    let public = "19BF44096984CDFE8541BAC167DC3B96C85086AA30B6B6CB0C5C38AD703166E1";
    let plain = hex(&format!("302E 020100 300506032B6570 0422 0420 {seed}"));
    let rich = hex(&format!(
        "3072 020101 300506032B6570 0422 0420 {seed}
         A01F 301D 060A2A864886F70D01090914 310F0C0D437572646C6520436861697273
         8121 00 {public}"
    ));
    for der in [plain, rich] {
        let key = Keys.load_private_key(pkcs8(&der)).unwrap();
        assert_eq!(key.public_key().unwrap()[12..], hex(public));
    }
    let foreign = hex(&format!(
        "3051 020101 300506032B6570 0422 0420 {seed} 8121 00 {seed}"
    ));
    assert!(Keys.load_private_key(pkcs8(&foreign)).is_err());
}

/// RSA below 2048 bits neither signs nor counts as signed, other curves are not taken for ours,
/// and no damaged file brings the reader down.
#[test]
fn unfit_keys_are_refused() {
    let small = include_bytes!("keys/rsa1024.pkcs8.der");
    let error = Keys.load_private_key(pkcs8(small)).unwrap_err();
    assert!(format!("{error}").contains("2048"));
    assert!(
        Keys.load_private_key(sec1(include_bytes!("keys/secp256k1.sec1.der")))
            .is_err()
    );

    let key = rsa::RsaPrivateKey::from_pkcs8_der(small).unwrap();
    let hash = <sha2::Sha256 as sha2::Digest>::digest(b"text");
    let padding = rsa::Pkcs1v15Sign::new::<sha2::Sha256>();
    let signature = padding.sign(Some(&mut HostRandom), &key, &hash).unwrap();
    let public = rsa::pkcs1::EncodeRsaPublicKey::to_pkcs1_der(&key.to_public_key()).unwrap();
    let by_name = |name: AlgorithmIdentifier| {
        ALGORITHMS
            .all
            .iter()
            .find(|one| one.signature_alg_id() == name)
            .unwrap()
    };
    let verifier = by_name(alg_id::RSA_PKCS1_SHA256);
    assert!(
        verifier
            .verify_signature(public.as_bytes(), b"text", &signature)
            .is_err()
    );

    for (der, ..) in keys() {
        let bytes = der.secret_der();
        for at in 0..bytes.len().min(64) {
            let mut damaged = bytes.to_vec();
            damaged[at] ^= 0x55;
            for wrap in [pkcs8, sec1, pkcs1] {
                let _ = Keys.load_private_key(wrap(&damaged));
                assert!(Keys.load_private_key(wrap(&bytes[..at])).is_err());
            }
        }
    }
}

/// Nothing secret is to be seen where someone prints a configuration.
#[test]
fn keys_do_not_print() {
    for (der, spki, ..) in keys() {
        let key = Keys.load_private_key(der).unwrap();
        let public: Vec<_> = spki.iter().map(|byte| format!("{byte}")).collect();
        let text = format!("{key:?}").replace(&public.join(", "), "");
        assert!(text.contains("(..)") && text.len() < 80, "{text}");
    }
}
