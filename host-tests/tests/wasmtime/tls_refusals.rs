//! Where TLS cannot be what it promises there is no connection: each failure says
//! why, nothing of a message leaves, and no secret stands in the explanation.

use std::net::SocketAddr;
use std::sync::Arc;

use host_tests::certificates::{self, Authority, Issued, Key};
use host_tests::event::{Event, idle};
use host_tests::folder::Folder;
use host_tests::messages::{ack, frame, message};
use host_tests::openssl::{self, openssl};
use host_tests::receiver::Receiver;
use host_tests::sandbox::types::{
    Cause, CertificateProblem, ClientCertificate, ClockAndBound, Delivery, Failure, InvalidItem,
    InvalidItemReason, InvalidOption, Phase, TlsFailure, TlsProblem, TlsVersion, Verdict,
};
use host_tests::sandbox::{Clock, Grants, Sandbox, Settings, Tls};
use rcgen::{BasicConstraints, CertificateParams, ExtendedKeyUsagePurpose, IsCa};
use rustls::crypto::{CryptoProvider, aws_lc_rs};
use rustls::version::{TLS12, TLS13};
use rustls::{ServerConfig, SupportedProtocolVersion};
use time::OffsetDateTime;

/// Where the receivers of these tests are, and what a good certificate is for.
const HERE: &str = "127.0.0.1";

/// What every refusal promises.
#[track_caller]
fn assert_nothing_told(failure: &Failure, phase: Phase, tls: &Tls) {
    assert_eq!(
        (failure.phase, failure.delivery),
        (phase, Delivery::NotSent),
        "{}",
        failure.explanation
    );
    let identity = tls.identity.iter().flat_map(|(chain, key)| [chain, key]);
    let handed_in = tls.authorities.iter().chain(&tls.revocations);
    // The cause with all that it holds, and the explanation.
    let whole = format!("{failure:?}");
    for secret in identity.chain(handed_in).chain([&message("1")]) {
        let mut parts = secret.windows(8);
        let told = parts.find(|part| whole.as_bytes().windows(8).any(|told| told == *part));
        assert_eq!(told, None, "{whole}");
    }
}

/// The failure of connecting at this address.
async fn fails(address: SocketAddr, settings: Settings) -> Failure {
    let mut sandbox = Sandbox::new(Grants::none().address(address)).await;
    let tls = settings.tls.clone().unwrap();
    let failure = sandbox.connect_with(address, settings).await.unwrap_err();
    assert_nothing_told(&failure, Phase::Tls, &tls);
    failure
}

/// The failure of TLS in this failure.
#[track_caller]
fn tls_failure(failure: Failure) -> TlsFailure {
    match failure.cause {
        Cause::Tls(failure) => failure,
        _ => panic!("{}", failure.explanation),
    }
}

/// Why no connection comes about with a receiver of this configuration.
async fn refused(config: Arc<ServerConfig>, tls: Tls) -> TlsFailure {
    let receiver = Receiver::new()
        .accept()
        .refuse_handshake(config)
        .expect_alerts()
        .start();
    let failure = fails(receiver.address, Settings::tls(tls)).await;
    let _ = receiver.finish();
    tls_failure(failure)
}

/// What is wrong with this certificate.
async fn problem(issued: &Issued, tls: Tls) -> CertificateProblem {
    let failure = refused(issued.server(), tls).await;
    let certificate = failure.certificate.expect("the receiver's certificate");
    assert_eq!(certificate.pin, issued.pin());
    match failure.problem {
        TlsProblem::Certificate(problem) => problem,
        other => panic!("{other:?}"),
    }
}

/// A message reaches a receiver with this certificate.
async fn goes_through(issued: &Issued, tls: Tls) {
    let receiver = Receiver::new()
        .accept()
        .shake_hands(issued.server())
        .serve(1, "AA")
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox
        .connect_with(receiver.address, Settings::tls(tls))
        .await
        .unwrap();
    let reply = sandbox.send(client, &message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    assert_eq!(receiver.finish().len(), 1);
}

// The receiver's certificate: dates, names, usage.

const BEGIN: u64 = 1_700_000_000;
const END: u64 = 1_700_000_100;

/// What is wrong with a certificate valid from `BEGIN` to `END` at this time.
async fn problem_at(clock: u64) -> (CertificateProblem, String) {
    let authority = Authority::new(Key::P256);
    let time =
        |seconds: u64| OffsetDateTime::from_unix_timestamp(seconds.try_into().unwrap()).unwrap();
    let issued = authority.receiver_with(&[HERE], |params| {
        (params.not_before, params.not_after) = (time(BEGIN), time(END));
    });
    let receiver = Receiver::new()
        .accept()
        .refuse_handshake(issued.server())
        .expect_alerts()
        .start();
    let grants = Grants::none()
        .address(receiver.address)
        .clock(&Clock::at(clock));
    let mut sandbox = Sandbox::new(grants).await;
    let tls = Tls::trusting(&authority);
    let settings = Settings::tls(tls.clone());
    let outcome = sandbox.connect_with(receiver.address, settings).await;
    let failure = outcome.unwrap_err();
    assert_nothing_told(&failure, Phase::Tls, &tls);
    let explanation = failure.explanation.clone();
    let _ = receiver.finish();
    match tls_failure(failure).problem {
        TlsProblem::Certificate(problem) => (problem, explanation),
        other => panic!("{other:?}"),
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_told_with_the_hosts_clock() {
    let clock = END + 1;
    let (problem, explanation) = problem_at(clock).await;
    let times = ClockAndBound { clock, bound: END };
    assert_eq!(problem, CertificateProblem::Expired(times));
    for time in ["2023-11-14T22:15:00Z", "2023-11-14T22:15:01Z"] {
        assert!(explanation.contains(time), "{explanation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_not_yet_valid_is_told_with_the_hosts_clock() {
    let clock = BEGIN - 1;
    let (problem, _) = problem_at(clock).await;
    let times = ClockAndBound {
        clock,
        bound: BEGIN,
    };
    assert_eq!(problem, CertificateProblem::NotYetValid(times));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_for_other_names_is_told_with_those_names() {
    let authority = Authority::new(Key::P256);
    let names = ["pharmacy.example", "*.ward.example", "192.0.2.1"];
    let issued = authority.receiver(&names);
    let tls = Tls {
        server_name: Some("lab.example".to_owned()),
        ..Tls::trusting(&authority)
    };
    let failure = refused(issued.server(), tls).await;
    let wrong = CertificateProblem::WrongName("lab.example".to_owned());
    assert_eq!(failure.problem, TlsProblem::Certificate(wrong));
    assert_eq!(failure.certificate.unwrap().names, names);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_must_be_among_the_certificates_addresses() {
    let authority = Authority::new(Key::P256);
    for names in [&["192.0.2.1", "::1"][..], &["lab.example"], &[]] {
        let failure = refused(
            authority.receiver(names).server(),
            Tls::trusting(&authority),
        )
        .await;
        let wrong = CertificateProblem::WrongName(HERE.to_owned());
        assert_eq!(failure.problem, TlsProblem::Certificate(wrong));
        assert_eq!(failure.certificate.unwrap().names, names);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_in_the_subject_alone_does_not_count() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver_with(&[], |params| {
        let name = &mut params.distinguished_name;
        name.push(rcgen::DnType::CommonName, "lab.example");
    });
    let tls = Tls {
        server_name: Some("lab.example".to_owned()),
        ..Tls::trusting(&authority)
    };
    let wrong = CertificateProblem::WrongName("lab.example".to_owned());
    assert_eq!(problem(&issued, tls).await, wrong);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_is_no_receivers() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver_with(&[HERE], |params| {
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    });
    let problem = problem(&issued, Tls::trusting(&authority)).await;
    assert_eq!(problem, CertificateProblem::WrongUsage);
}

// Its chain.

#[tokio::test(flavor = "multi_thread")]
async fn a_self_signed_certificate_is_refused_until_it_is_trusted_as_an_authority() {
    let issued = certificates::self_signed(&[HERE]);
    let known = problem(&issued, Tls::default()).await;
    assert_eq!(known, CertificateProblem::SelfSigned);
    // The explanation advises this.
    let tls = Tls {
        authorities: vec![issued.chain_pem()],
        own_authorities_only: true,
        ..Tls::default()
    };
    goes_through(&issued, tls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_of_an_unknown_authority_is_refused() {
    let issued = Authority::new(Key::P256).receiver(&[HERE]);
    for tls in [Tls::default(), Tls::trusting(&Authority::new(Key::P256))] {
        let problem = problem(&issued, tls).await;
        assert_eq!(problem, CertificateProblem::UnknownIssuer);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_leaves_an_intermediate_out_is_refused() {
    let authority = Authority::new(Key::P256);
    let mut issued = authority.intermediate(|_| {}).receiver(&[HERE]);
    goes_through(&issued, Tls::trusting(&authority)).await;
    issued.chain.truncate(1);
    let problem = problem(&issued, Tls::trusting(&authority)).await;
    assert_eq!(problem, CertificateProblem::UnknownIssuer);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_chain_longer_than_an_authority_allows_is_refused() {
    let authority = Authority::new(Key::P256);
    let last = authority.intermediate(|params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    });
    goes_through(&last.receiver(&[HERE]), Tls::trusting(&authority)).await;
    let issued = last.intermediate(|_| {}).receiver(&[HERE]);
    let problem = problem(&issued, Tls::trusting(&authority)).await;
    assert_eq!(problem, CertificateProblem::ConstraintViolated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_very_deep_chain_is_refused() {
    let authority = Authority::new(Key::P256);
    let mut deepest = authority.intermediate(|_| {});
    for _ in 0..12 {
        deepest = deepest.intermediate(|_| {});
    }
    let problem = problem(&deepest.receiver(&[HERE]), Tls::trusting(&authority)).await;
    assert_eq!(problem, CertificateProblem::ChainTooLong);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_limited_to_other_names_is_refused() {
    let authority = Authority::new(Key::P256);
    let limited = authority.intermediate(|params| {
        params.name_constraints = Some(rcgen::NameConstraints {
            permitted_subtrees: vec![rcgen::GeneralSubtree::DnsName("ward.example".into())],
            excluded_subtrees: Vec::new(),
        });
    });
    let tls = |name: &str| Tls {
        server_name: Some(name.to_owned()),
        ..Tls::trusting(&authority)
    };
    let allowed = limited.receiver(&["a.ward.example"]);
    goes_through(&allowed, tls("a.ward.example")).await;
    let issued = limited.receiver(&["lab.example"]);
    let problem = problem(&issued, tls("lab.example")).await;
    assert_eq!(problem, CertificateProblem::ConstraintViolated);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receivers_certificate_cannot_issue_others() {
    let authority = Authority::new(Key::P256);
    let no_authority = authority.intermediate(|params| params.is_ca = IsCa::ExplicitNoCa);
    let problem = problem(&no_authority.receiver(&[HERE]), Tls::trusting(&authority)).await;
    assert_eq!(problem, CertificateProblem::ConstraintViolated);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authoritys_certificate_shown_as_the_receivers_can_only_be_pinned() {
    let issued = certificates::self_signed_with(&[HERE], |params| {
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    });
    let trusted = Tls {
        authorities: vec![issued.chain_pem()],
        ..Tls::default()
    };
    for tls in [Tls::default(), trusted] {
        let problem = problem(&issued, tls).await;
        assert_eq!(problem, CertificateProblem::AuthorityAsReceiver);
    }
    let pinned = Tls {
        pins: vec![issued.pin()],
        pins_instead_of_chain: true,
        ..Tls::default()
    };
    goes_through(&issued, pinned).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_with_a_forged_signature_is_refused() {
    let authority = Authority::new(Key::Ed25519);
    let mut issued = authority.receiver(&[HERE]);
    let mut forged = issued.chain[0].to_vec();
    *forged.last_mut().unwrap() ^= 1;
    issued.chain[0] = forged.into();
    let problem = problem(&issued, Tls::trusting(&authority)).await;
    assert_eq!(problem, CertificateProblem::BadSignature);
}

/// Why no connection comes about with `openssl s_server` and these arguments.
async fn refused_by_openssl(folder: &Folder, arguments: &str, tls: Tls) -> TlsProblem {
    let receiver = openssl::Server::start(folder.path(), arguments);
    let failure = fails(receiver.address, Settings::tls(tls)).await;
    let printed = receiver.finish();
    assert!(!printed.windows(3).any(|part| part == b"MSH"));
    tls_failure(failure).problem
}

/// Why a receiver is refused, under both versions, whose certificate has a key of
/// one kind and was issued with one of another and these arguments.
async fn problem_issued(
    test: &str,
    issuer: &str,
    own: &str,
    arguments: &str,
) -> CertificateProblem {
    let extensions = format!("subjectAltName=IP:{HERE}\nextendedKeyUsage=serverAuth\n");
    let critical = format!("{extensions}1.2.3.4=critical,ASN1:NULL\n");
    let files = [
        ("known", extensions.as_bytes()),
        ("unknown", critical.as_bytes()),
    ];
    let folder = Folder::new(test, &files);
    for command in [
        &format!("req -x509 -newkey {issuer} -nodes -keyout root.key -out root.pem -subj /CN=root"),
        &format!("req -new -newkey {own} -nodes -keyout own.key -out own.csr -subj /CN=own"),
        &format!(
            "x509 -req -in own.csr -CA root.pem -CAkey root.key -CAcreateserial -out own.pem \
             {arguments}"
        ),
    ] {
        openssl(folder.path(), command);
    }
    let tls = Tls {
        authorities: vec![std::fs::read(folder.path().join("root.pem")).unwrap()],
        own_authorities_only: true,
        ..Tls::default()
    };
    let arguments = "-cert own.pem -key own.key -cipher DEFAULT@SECLEVEL=0";
    let [first, second] = ["-tls1_2", "-tls1_3"].map(|version| format!("{arguments} {version}"));
    let under_tls_1_2 = refused_by_openssl(&folder, &first, tls.clone()).await;
    let under_tls_1_3 = refused_by_openssl(&folder, &second, tls).await;
    assert_eq!(under_tls_1_2, under_tls_1_3);
    match under_tls_1_3 {
        TlsProblem::Certificate(problem) => problem,
        other => panic!("{other:?}"),
    }
}

const P256: &str = "ec -pkeyopt ec_paramgen_curve:P-256";

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_signed_with_sha_1_is_refused() {
    for (test, issuer) in [("sha1-ecdsa", P256), ("sha1-rsa", "rsa:2048")] {
        let problem = problem_issued(test, issuer, P256, "-extfile known -sha1").await;
        assert_eq!(problem, CertificateProblem::WeakSignature);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receivers_rsa_key_of_1024_bits_is_refused() {
    let problem = problem_issued("rsa-own", P256, "rsa:1024", "-extfile known").await;
    assert_eq!(problem, CertificateProblem::WeakSignature);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authoritys_rsa_key_of_1024_bits_is_refused() {
    let problem = problem_issued("rsa-root", "rsa:1024", P256, "-extfile known").await;
    assert_eq!(problem, CertificateProblem::WeakSignature);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_with_an_unknown_critical_extension_is_refused() {
    let problem = problem_issued("critical", P256, P256, "-extfile unknown").await;
    assert_eq!(problem, CertificateProblem::Malformed);
}

// Pins and revocation.

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_none_of_the_pins_is_refused_and_its_pin_told() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&[HERE]);
    let pins = [&authority, &Authority::new(Key::P256)].map(|other| other.receiver(&[]).pin());
    for pins_instead_of_chain in [false, true] {
        let tls = Tls {
            pins: pins.to_vec(),
            pins_instead_of_chain,
            ..Tls::trusting(&authority)
        };
        // That the pin told is the found one, this checks for every certificate.
        let problem = problem(&issued, tls).await;
        assert_eq!(problem, CertificateProblem::PinMismatch);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authoritys_pin_does_not_take_the_place_of_the_chain() {
    let authority = Authority::new(Key::P256);
    let tls = Tls {
        pins: vec![authority.pin()],
        pins_instead_of_chain: true,
        ..Tls::default()
    };
    let problem = problem(&authority.receiver(&[HERE]), tls).await;
    assert_eq!(problem, CertificateProblem::PinMismatch);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_does_not_save_what_the_chain_does_not_prove() {
    let issued = Authority::new(Key::P256).receiver(&[HERE]);
    let tls = Tls {
        pins: vec![issued.pin()],
        ..Tls::default()
    };
    let problem = problem(&issued, tls).await;
    assert_eq!(problem, CertificateProblem::UnknownIssuer);
}

/// A revocation list as PEM, in which no name can be read.
fn list(authority: &Authority, revoked: &[&Issued], days: i64) -> Vec<u8> {
    certificates::pem("X509 CRL", &authority.revocation_list(revoked, days))
}

/// What is wrong with a certificate in the light of these lists.
async fn problem_by(
    authority: &Authority,
    issued: &Issued,
    revocations: Vec<Vec<u8>>,
) -> CertificateProblem {
    let tls = Tls {
        revocations,
        ..Tls::trusting(authority)
    };
    problem(issued, tls).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revoked_certificate_is_refused() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&[HERE]);
    let list = list(&authority, &[&issued], 1);
    let problem = problem_by(&authority, &issued, vec![list]).await;
    assert_eq!(problem, CertificateProblem::Revoked);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_list_of_another_authority_proves_nothing() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&[HERE]);
    let list = list(&Authority::new(Key::P256), &[], 1);
    let problem = problem_by(&authority, &issued, vec![list]).await;
    assert_eq!(problem, CertificateProblem::RevocationUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_certificate_of_the_chain_must_be_told_about() {
    let authority = Authority::new(Key::P256);
    let between = authority.intermediate(|_| {});
    let issued = between.receiver(&[HERE]);
    let own = list(&between, &[], 1);
    let problem = problem_by(&authority, &issued, vec![own.clone()]).await;
    assert_eq!(problem, CertificateProblem::RevocationUnknown);
    let tls = Tls {
        revocations: vec![own, list(&authority, &[], 1)],
        ..Tls::trusting(&authority)
    };
    goes_through(&issued, tls).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_revocation_list_proves_nothing() {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&[HERE]);
    let list = list(&authority, &[], -1);
    let problem = problem_by(&authority, &issued, vec![list]).await;
    assert_eq!(problem, CertificateProblem::RevocationUnknown);
}

// Versions and suites.

/// An authority, and a receiver's certificate that is good.
fn good() -> (Authority, Issued) {
    let authority = Authority::new(Key::P256);
    let issued = authority.receiver(&[HERE]);
    (authority, issued)
}

/// A folder with a self-signed certificate of an RSA key, which all suites go with.
fn own_rsa(test: &str) -> Folder {
    let folder = Folder::new(test, &[]);
    let make = "req -x509 -newkey rsa:2048 -nodes -keyout own.key -out own.pem -subj /CN=own";
    openssl(folder.path(), make);
    folder
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_speaks_tls_1_1_alone_is_refused() {
    let folder = own_rsa("tls11");
    let arguments = "-cert own.pem -key own.key -tls1_1 -cipher DEFAULT@SECLEVEL=0";
    let problem = refused_by_openssl(&folder, arguments, Tls::default()).await;
    assert_eq!(problem, TlsProblem::NoCommonVersion);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_answers_in_tls_1_1_is_refused() {
    // A ServerHello (RFC 4346 section 7.4.1.3) of TLS_RSA_WITH_AES_128_CBC_SHA.
    let hello = [&[3, 2][..], &[7; 32], &[0, 0, 0x2F, 0]].concat();
    let message = [&[2, 0, 0, 38][..], &hello].concat();
    let answer = [&[22, 3, 2, 0, 42][..], &message].concat();
    let failure = after_hello(&answer).await;
    assert_eq!(tls_failure(failure).problem, TlsProblem::NoCommonVersion);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_below_the_minimum_version_is_refused() {
    let (authority, issued) = good();
    let config = issued.server_with(aws_lc_rs::default_provider(), &[&TLS12], None);
    let tls = Tls {
        minimum_version: TlsVersion::Tls13,
        ..Tls::trusting(&authority)
    };
    let failure = refused(config, tls).await;
    assert_eq!(failure.problem, TlsProblem::NoCommonVersion);
    assert_eq!(failure.certificate, None);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_with_a_cbc_suite_and_rsa_key_exchange_alone_is_refused() {
    let folder = own_rsa("cbc");
    let arguments = "-cert own.pem -key own.key -tls1_2 -cipher AES128-SHA";
    let receiver = openssl::Server::start(folder.path(), arguments);
    let failure = fails(receiver.address, Settings::tls(Tls::default())).await;
    let told = failure.explanation.clone();
    assert!(told.contains("CBC") && told.contains("RSA key exchange"));
    assert_eq!(tls_failure(failure).problem, TlsProblem::NoCommonSuite);
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_without_a_common_group_is_refused() {
    let (authority, issued) = good();
    let provider = CryptoProvider {
        kx_groups: vec![aws_lc_rs::kx_group::SECP256R1MLKEM768],
        ..aws_lc_rs::default_provider()
    };
    let config = issued.server_with(provider, &[&TLS13], None);
    let failure = refused(config, Tls::trusting(&authority)).await;
    assert_eq!(failure.problem, TlsProblem::NoCommonSuite);
}

// What is no handshake, or half of one.

/// The failure of connecting to a receiver that follows this script and must
/// meanwhile not be sent anything but a first message and alerts.
async fn script_fails(script: Receiver, settings: Settings) -> Failure {
    let receiver = script.start();
    let failure = fails(receiver.address, settings).await;
    let _ = receiver.finish();
    failure
}

/// With a deadline that is meant to pass.
fn hurried(tls: Tls) -> Settings {
    Settings {
        connect_timeout: Some(1000),
        ..Settings::tls(tls)
    }
}

/// The failure of a handshake that is answered with these bytes.
async fn after_hello(answer: &[u8]) -> Failure {
    let script = Receiver::new().accept().expect_hello().send(answer);
    script_fails(script.expect_alerts(), Settings::tls(Tls::default())).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_cut_off_anywhere_is_an_ended_connection() {
    let (authority, issued) = good();
    // In a header, in the first message, in what is encrypted already.
    for bytes in [1, 5, 100, 1300, 1500] {
        let script = Receiver::new()
            .accept()
            .begin_handshake(issued.server(), bytes)
            .half_close()
            .refuse_begun()
            .expect_alerts();
        let failure = script_fails(script, Settings::tls(Tls::trusting(&authority))).await;
        assert_eq!(failure.cause, Cause::ConnectionEnded, "{bytes} bytes");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_handshake_that_stalls_ends_at_the_connect_timeout() {
    let (authority, issued) = good();
    let script = Receiver::new()
        .accept()
        .begin_handshake(issued.server(), 100)
        .refuse_begun()
        .expect_alerts();
    let failure = script_fails(script, hurried(Tls::trusting(&authority))).await;
    assert_eq!(failure.cause, Cause::TimedOut);
    // The receiver speaks TLS: it was not the first message.
    assert!(!failure.explanation.contains("first message"));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_breaks_the_rules_of_tls_is_told() {
    let unknown_message = [22, 3, 3, 0, 4, 99, 0, 0, 0];
    let garbage = [&[22, 3, 3, 0, 64][..], &[0xA5; 64]].concat();
    let data_first = [23, 3, 3, 0, 1, 0];
    let empty = [22, 3, 3, 0, 0];
    let alert_of_nothing = [21, 3, 3, 0, 1, 2];
    for answer in [
        &unknown_message[..],
        &garbage,
        &data_first,
        &empty,
        &alert_of_nothing,
    ] {
        let problem = tls_failure(after_hello(answer).await).problem;
        assert!(matches!(problem, TlsProblem::BrokenRules(_)), "{problem:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_record_larger_than_records_are_is_refused() {
    let record = [&[22, 3, 3, 0xFF, 0xFF][..], &[0; 0xFFFF]].concat();
    let problem = tls_failure(after_hello(&record).await).problem;
    assert!(matches!(problem, TlsProblem::BrokenRules(_)), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_of_the_handshake_without_end_is_refused() {
    // It announces 16 MB and comes in records that are each in order.
    let begin = [22, 3, 3, 0, 4, 2, 0xFF, 0xFF, 0xFF];
    let record = [&[22, 3, 3, 0x40, 0][..], &[0; 0x4000]].concat();
    let answer = [&begin[..], &record.repeat(32)].concat();
    let problem = tls_failure(after_hello(&answer).await).problem;
    assert!(matches!(problem, TlsProblem::BrokenRules(_)), "{problem:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_tls_is_told() {
    for answer in [&b"HTTP/1.1 400 Bad Request\r\n\r\n"[..], b"\0", b"\xFF"] {
        let problem = tls_failure(after_hello(answer).await).problem;
        assert_eq!(problem, TlsProblem::NotTls);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_mllp_receiver_that_answers_is_told() {
    let problem = tls_failure(after_hello(&frame(&ack("AR", ""))).await).problem;
    assert_eq!(problem, TlsProblem::PlainMllp);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_plain_mllp_receiver_that_speaks_first_is_told() {
    let script = Receiver::new()
        .accept()
        .reply(&ack("AA", "0"))
        .expect_hello()
        .expect_alerts();
    let failure = script_fails(script, Settings::tls(Tls::default())).await;
    assert_eq!(tls_failure(failure).problem, TlsProblem::PlainMllp);
}

/// What may be behind a receiver that says nothing, with the hybrid group offered
/// or not.
fn assert_hinted(failure: &Failure, hybrid: bool) {
    let told = &failure.explanation;
    assert!(told.contains("does not speak TLS"), "{told}");
    assert_eq!(told.contains("--no-hybrid"), hybrid, "{told}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_ends_the_connection_at_the_first_message_is_told_with_a_hint() {
    for hybrid in [true, false] {
        let script = Receiver::new().accept().expect_hello().close();
        let tls = Tls {
            hybrid,
            ..Tls::default()
        };
        let failure = script_fails(script, Settings::tls(tls)).await;
        assert_eq!(failure.cause, Cause::ConnectionEnded);
        assert_hinted(&failure, hybrid);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_resets_the_connection_at_the_first_message_is_told_with_a_hint() {
    let script = Receiver::new().accept().expect_hello().reset();
    let failure = script_fails(script, Settings::tls(Tls::default())).await;
    assert_eq!(failure.cause, Cause::ConnectionBroken);
    assert_hinted(&failure, true);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_says_nothing_ends_at_the_deadline_with_a_hint() {
    for hybrid in [true, false] {
        let script = Receiver::new().accept().expect_hello().expect_alerts();
        let tls = Tls {
            hybrid,
            ..Tls::default()
        };
        let failure = script_fails(script, hurried(tls)).await;
        assert_eq!(failure.cause, Cause::TimedOut);
        assert_hinted(&failure, hybrid);
    }
}

// The sender's certificate.

/// A receiver that demands a sender's certificate of one authority, and the
/// sender's options with no certificate yet.
struct Demanding {
    config: Arc<ServerConfig>,
    tls: Tls,
}

/// A receiver that speaks this version and demands a certificate of `senders`.
fn demanding(version: &'static SupportedProtocolVersion, senders: &Authority) -> Demanding {
    let (authority, issued) = good();
    let provider = aws_lc_rs::default_provider();
    Demanding {
        config: issued.server_with(provider, &[version], Some(senders)),
        tls: Tls::trusting(&authority),
    }
}

/// Certificates that a receiver which trusts `senders` refuses, and the alert that
/// it does so with.
fn refusable(senders: &Authority) -> [(Issued, &'static str); 2] {
    let expired = |params: &mut CertificateParams| params.not_after = OffsetDateTime::UNIX_EPOCH;
    [
        (Authority::new(Key::P256).sender(), "unknown_ca"),
        (senders.sender_with(expired), "certificate_expired"),
    ]
}

/// The failure of TLS under 1.3, which may come with connecting or with the first
/// message, depending on who is faster.
async fn refused_at_last(receiver: Demanding) -> TlsProblem {
    let refused = Event::new();
    let Demanding { config, tls } = receiver;
    let receiver = Receiver::new()
        .accept()
        .refuse_handshake(config)
        .announce(&refused)
        .expect_alerts()
        .start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings::tls(tls.clone());
    let (failure, phase) = match sandbox.connect_with(receiver.address, settings).await {
        Err(failure) => (failure, Phase::Tls),
        Ok(client) => {
            refused.wait();
            idle().await;
            let outcome = sandbox.send(client, &message("1")).await;
            (outcome.unwrap_err(), Phase::Write)
        }
    };
    assert_nothing_told(&failure, phase, &tls);
    let _ = receiver.finish();
    tls_failure(failure).problem
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_1_2_a_client_certificate_not_given_is_told_by_connecting() {
    let Demanding { config, tls } = demanding(&TLS12, &Authority::new(Key::P256));
    let problem = refused(config, tls).await.problem;
    assert_eq!(problem, TlsProblem::ClientCertificateRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn openssls_word_for_a_client_certificate_not_given_is_understood() {
    let folder = own_rsa("required");
    // It says handshake_failure, as it does where no suite is shared.
    let arguments = "-cert own.pem -key own.key -tls1_2 -Verify 1 -verify_return_error";
    let tls = Tls {
        insecure: true,
        ..Tls::default()
    };
    let problem = refused_by_openssl(&folder, arguments, tls).await;
    assert_eq!(problem, TlsProblem::ClientCertificateRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_1_3_a_client_certificate_not_given_is_told_before_a_message_leaves() {
    let receiver = demanding(&TLS13, &Authority::new(Key::P256));
    let problem = refused_at_last(receiver).await;
    assert_eq!(problem, TlsProblem::ClientCertificateRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_1_2_a_client_certificate_refused_is_told_by_connecting() {
    let senders = Authority::new(Key::P256);
    for (sender, alert) in refusable(&senders) {
        let Demanding { config, mut tls } = demanding(&TLS12, &senders);
        tls.identity = Some(sender.identity());
        let problem = refused(config, tls).await.problem;
        let alert = alert.to_owned();
        assert_eq!(problem, TlsProblem::ClientCertificateRefused(alert));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn under_tls_1_3_a_client_certificate_refused_is_told_before_a_message_leaves() {
    let senders = Authority::new(Key::P256);
    for (sender, alert) in refusable(&senders) {
        let mut receiver = demanding(&TLS13, &senders);
        receiver.tls.identity = Some(sender.identity());
        let problem = refused_at_last(receiver).await;
        let alert = alert.to_owned();
        assert_eq!(problem, TlsProblem::ClientCertificateRefused(alert));
    }
}

/// The failure of the first message where the receiver goes on with the handshake
/// only after connecting has succeeded, in this way.
async fn fails_after_connecting(
    receiver: Demanding,
    became: ClientCertificate,
    go_on: impl FnOnce(Receiver) -> Receiver,
) -> Failure {
    let (connected, over) = (Event::new(), Event::new());
    let Demanding { config, tls } = receiver;
    let script = Receiver::new()
        .accept()
        .begin_handshake(config, usize::MAX)
        .wait_for(&connected);
    let receiver = go_on(script).announce(&over).start();
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let settings = Settings::tls(tls.clone());
    let client = sandbox.connect_with(receiver.address, settings).await;
    let client = client.expect("the receiver has not said no yet");
    let session = sandbox.tls(client).await.unwrap();
    assert_eq!(session.client_certificate, became);
    connected.announce();
    over.wait();
    idle().await;
    let failure = sandbox.send(client, &message("1")).await.unwrap_err();
    assert_nothing_told(&failure, Phase::Write, &tls);
    assert!(!sandbox.is_open(client).await);
    let _ = receiver.finish();
    failure
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_missed_after_connecting_is_told_by_the_first_exchange() {
    let receiver = demanding(&TLS13, &Authority::new(Key::P256));
    let became = ClientCertificate::NotGiven;
    let failure = fails_after_connecting(receiver, became, Receiver::refuse_begun).await;
    let problem = tls_failure(failure).problem;
    assert_eq!(problem, TlsProblem::ClientCertificateRequired);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_certificate_refused_after_connecting_is_told_by_the_first_exchange() {
    let senders = Authority::new(Key::P256);
    for (sender, alert) in refusable(&senders) {
        let mut receiver = demanding(&TLS13, &senders);
        receiver.tls.identity = Some(sender.identity());
        let became = ClientCertificate::Given;
        let failure = fails_after_connecting(receiver, became, Receiver::refuse_begun).await;
        let problem = tls_failure(failure).problem;
        let alert = alert.to_owned();
        assert_eq!(problem, TlsProblem::ClientCertificateRefused(alert));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_receiver_that_goes_away_over_a_client_certificate_is_told_with_a_hint() {
    let receiver = demanding(&TLS13, &Authority::new(Key::P256));
    let became = ClientCertificate::NotGiven;
    let failure = fails_after_connecting(receiver, became, Receiver::reset).await;
    assert_eq!(failure.cause, Cause::ConnectionBroken);
    assert!(failure.explanation.contains("a client certificate"));
}

// What is handed in.

/// The option that is refused before anything leaves, and the explanation.
async fn invalid(tls: Tls) -> (InvalidOption, String) {
    let mut sandbox = Sandbox::new(Grants::none()).await;
    let settings = Settings::tls(tls.clone());
    let failure = sandbox.connect_to(HERE, 2575, settings).await.unwrap_err();
    assert_nothing_told(&failure, Phase::Prepare, &tls);
    match failure.cause {
        Cause::InvalidOption(option) => (option, failure.explanation),
        _ => panic!("{}", failure.explanation),
    }
}

const fn item(position: u32, reason: InvalidItemReason) -> InvalidItem {
    InvalidItem { position, reason }
}

/// Only the identity is set.
fn identity(chain: Vec<u8>, key: Vec<u8>) -> Tls {
    Tls {
        identity: Some((chain, key)),
        ..Tls::default()
    }
}

/// The PEM with something that is no base64 in its middle.
fn damaged(pem: &[u8]) -> Vec<u8> {
    let mut pem = pem.to_vec();
    let middle = pem.len() / 2;
    pem[middle] = b'?';
    pem
}

#[tokio::test(flavor = "multi_thread")]
async fn damaged_material_is_told_by_its_position() {
    let (authority, issued) = good();
    let malformed = InvalidItemReason::Malformed;
    let (good, bad) = (authority.pem(), damaged(&authority.pem()));
    let authorities = Tls {
        authorities: vec![good.clone(), [good, bad].concat()],
        ..Tls::default()
    };
    let (option, _) = invalid(authorities).await;
    assert_eq!(option, InvalidOption::Authority(item(3, malformed)));

    let list = authority.revocation_list(&[], 1);
    let revocations = Tls {
        revocations: vec![list.clone(), list[..list.len() - 1].to_vec()],
        ..Tls::default()
    };
    let (option, _) = invalid(revocations).await;
    assert_eq!(option, InvalidOption::RevocationList(item(2, malformed)));

    let (chain, key) = issued.identity();
    let two = [&chain[..], &damaged(&chain)].concat();
    let (option, _) = invalid(identity(two, key.clone())).await;
    let expected = InvalidOption::IdentityCertificate(item(2, malformed));
    assert_eq!(option, expected);

    let (option, _) = invalid(identity(chain, damaged(&key))).await;
    assert_eq!(option, InvalidOption::IdentityKey(item(1, malformed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_of_another_kind_is_told_by_its_position() {
    let (authority, issued) = good();
    let malformed = InvalidItemReason::Malformed;
    // DER of another kind is no certificate, no list and no key.
    let list = authority.revocation_list(&[], 1);
    let authorities = Tls {
        authorities: vec![authority.der(), list.clone()],
        ..Tls::default()
    };
    let (option, _) = invalid(authorities).await;
    assert_eq!(option, InvalidOption::Authority(item(2, malformed)));
    let revocations = Tls {
        revocations: vec![list, authority.der()],
        ..Tls::default()
    };
    let (option, _) = invalid(revocations).await;
    assert_eq!(option, InvalidOption::RevocationList(item(2, malformed)));
    let tls = identity(issued.chain_pem(), issued.chain[0].to_vec());
    let (option, _) = invalid(tls).await;
    assert_eq!(option, InvalidOption::IdentityKey(item(1, malformed)));
}

#[tokio::test(flavor = "multi_thread")]
async fn missing_material_is_told() {
    let (authority, issued) = good();
    let missing = item(1, InvalidItemReason::Missing);
    let (chain, key) = issued.identity();
    let mixed_up = identity(key.clone(), chain.clone());
    let (option, _) = invalid(mixed_up).await;
    assert_eq!(option, InvalidOption::IdentityCertificate(missing));
    for nothing in [Vec::new(), chain.clone()] {
        let (option, _) = invalid(identity(chain.clone(), nothing)).await;
        assert_eq!(option, InvalidOption::IdentityKey(missing));
    }
    for nothing in [Vec::new(), key] {
        let authorities = Tls {
            authorities: vec![authority.pem(), nothing],
            ..Tls::default()
        };
        let (option, _) = invalid(authorities).await;
        let second = item(2, InvalidItemReason::Missing);
        assert_eq!(option, InvalidOption::Authority(second));
    }
    let revocations = Tls {
        revocations: vec![authority.pem()],
        ..Tls::default()
    };
    let (option, _) = invalid(revocations).await;
    assert_eq!(option, InvalidOption::RevocationList(missing));
}

/// A sender's certificate and its key in a folder, and what this command of openssl
/// makes of them there.
fn converted(test: &str, command: &str) -> (Vec<u8>, Vec<u8>) {
    let sender = Authority::new(Key::P256).sender();
    let (chain, key) = sender.identity();
    let folder = Folder::new(test, &[("own.pem", &chain), ("own.key", &key)]);
    openssl(folder.path(), command);
    let out = std::fs::read(folder.path().join("out")).unwrap();
    (chain, out)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_encrypted_key_is_told_with_the_command_that_opens_it() {
    for (test, command) in [
        (
            "pkcs8-pem",
            "pkcs8 -topk8 -in own.key -out out -passout pass:x",
        ),
        (
            "pkcs8-der",
            "pkcs8 -topk8 -in own.key -out out -outform DER -passout pass:x",
        ),
        (
            "sec1",
            "ec -aes256 -in own.key -out out -passout pass:secret",
        ),
    ] {
        let (chain, key) = converted(test, command);
        let (option, explanation) = invalid(identity(chain, key)).await;
        let encrypted = item(1, InvalidItemReason::Encrypted);
        assert_eq!(option, InvalidOption::IdentityKey(encrypted), "{test}");
        assert!(explanation.contains("openssl pkey -in"), "{explanation}");
    }
}

/// As what each of the options that take bytes refuses these.
async fn refused_everywhere(bytes: &[u8], reason: InvalidItemReason, command: &str) {
    let bytes = bytes.to_vec();
    let (chain, key) = Authority::new(Key::P256).sender().identity();
    let first = item(1, reason);
    for (tls, expected) in [
        (
            identity(bytes.clone(), key),
            InvalidOption::IdentityCertificate(first),
        ),
        (
            identity(chain, bytes.clone()),
            InvalidOption::IdentityKey(first),
        ),
        (
            Tls {
                authorities: vec![bytes.clone()],
                ..Tls::default()
            },
            InvalidOption::Authority(first),
        ),
        (
            Tls {
                revocations: vec![bytes],
                ..Tls::default()
            },
            InvalidOption::RevocationList(first),
        ),
    ] {
        let (option, explanation) = invalid(tls).await;
        assert_eq!(option, expected);
        assert!(explanation.contains(command), "{explanation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pkcs_12_file_is_told_with_the_command_that_takes_it_apart() {
    let command = "pkcs12 -export -in own.pem -inkey own.key -out out -passout pass:secret";
    let (_, file) = converted("pkcs12", command);
    refused_everywhere(&file, InvalidItemReason::Pkcs12, "openssl pkcs12 -in").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_java_key_store_is_told_with_the_command_that_takes_it_apart() {
    // Its magic number, version 2, and one entry that is a private key.
    let file = [0xFE, 0xED, 0xFE, 0xED, 0, 0, 0, 2, 0, 0, 0, 1, 0, 0, 0, 1];
    let reason = InvalidItemReason::JavaKeyStore;
    refused_everywhere(&file, reason, "keytool -importkeystore").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_an_unusable_kind_is_told() {
    for (test, kind) in [("p521", "P-521"), ("secp256k1", "secp256k1")] {
        let command = format!(
            "genpkey -algorithm EC -pkeyopt ec_paramgen_curve:{kind} -out out -outform PEM"
        );
        let (chain, key) = converted(test, &command);
        let (option, explanation) = invalid(identity(chain, key)).await;
        let unsupported = item(1, InvalidItemReason::Unsupported);
        assert_eq!(option, InvalidOption::IdentityKey(unsupported));
        assert!(explanation.contains("P-256"), "{explanation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_of_another_certificate_is_refused() {
    for kind in Key::ALL {
        let chain = Authority::new(Key::P256).sender().chain_pem();
        let key = Authority::new(kind).sender().key_pem();
        let (option, _) = invalid(identity(chain, key)).await;
        assert_eq!(option, InvalidOption::IdentityMismatch, "{kind:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pin_that_is_none_is_told_by_its_position() {
    let good = Authority::new(Key::P256).pin();
    for none in ["", "sha256/", "sha256/AAAA", "lab.example", &good[..50]] {
        let tls = Tls {
            pins: vec![good.clone(), none.to_owned()],
            ..Tls::default()
        };
        let (option, explanation) = invalid(tls).await;
        assert_eq!(option, InvalidOption::Pin(2), "{none}");
        assert!(explanation.contains("sha256/"), "{explanation}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_name_that_is_none_is_refused() {
    for none in [
        "",
        "lab example",
        "läb.example",
        "lab..example",
        "fe80::1%2",
    ] {
        let tls = Tls {
            server_name: Some(none.to_owned()),
            ..Tls::default()
        };
        let (option, _) = invalid(tls).await;
        assert_eq!(option, InvalidOption::ServerName, "{none}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn options_that_trust_nothing_are_refused() {
    let no_authority = Tls {
        own_authorities_only: true,
        ..Tls::default()
    };
    let no_pin = Tls {
        pins_instead_of_chain: true,
        ..Tls::default()
    };
    for tls in [no_authority, no_pin] {
        let (option, _) = invalid(tls).await;
        assert_eq!(option, InvalidOption::NoTrust);
    }
}
