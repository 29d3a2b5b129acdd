//! The cryptography gives in WebAssembly what the published vectors say, as it
//! does natively. RSA's five thousand take too long there, and stay native.

use host_tests::command::Call;

#[tokio::test(flavor = "multi_thread")]
async fn the_published_vectors_hold_in_wasm() {
    let tests = components::build_tests().unwrap();
    let outcome = Call::new(&["tls::provider::tests", "--nocapture", "--skip", "rsa_p"])
        .program(&tests)
        .run()
        .await;
    println!("{}", outcome.output);
    assert!(outcome.success, "{}", outcome.errors);
    for primitive in [
        "ChaCha20-Poly1305",
        "AES-GCM",
        "X25519",
        "ECDH P-256",
        "ECDH P-384",
        "ECDSA P-384 SHA-384",
        "ML-KEM-768 decapsulation",
        "HMAC",
        "HKDF",
        "Ed25519",
    ] {
        let tried = format!("{primitive}: ");
        assert!(outcome.output.contains(&tried), "{primitive} was not tried");
    }
}
