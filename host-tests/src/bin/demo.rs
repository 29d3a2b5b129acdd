//! `cargo demo`: the main job on an embedded host. The samples go through the
//! sandboxed component to a receiver on loopback, in the clear and through TLS
//! with certificates on both sides; then the host withholds the network.

use std::net::SocketAddr;
use std::process::ExitCode;
use std::time::Instant;

use host_tests::certificates::{Authority, Key};
use host_tests::receiver::{Receiver, Running};
use host_tests::samples::{self, Sample};
use host_tests::sandbox::types::{
    Cause, ClientCertificate, Failure, Reply, TlsSession, TlsVersion, Verdict,
};
use host_tests::sandbox::{self, Client, Grants, Sandbox, Settings, Tls};

#[tokio::main]
async fn main() -> ExitCode {
    println!("building the components ...");
    let components = sandbox::components();
    let size = std::fs::metadata(&components.library).map_or(0, |file| file.len());
    println!("compiling mllp_client.wasm ({size} bytes) ...");
    print_imports();

    let samples = samples::all();
    let plain = send_in_the_clear(&samples).await;
    let encrypted = send_through_tls(&samples).await;
    let denied = show_denial().await;
    if plain && encrypted && denied {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

async fn send_in_the_clear(samples: &[Sample]) -> bool {
    let receiver = Receiver::new().accept().serve(samples.len(), "AA").start();
    println!("\nwith {} allowed, and no other address:", receiver.address);
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = sandbox.connect(&receiver).await;
    let all_applied = send_all(samples, &mut sandbox, client).await;
    all_applied && has_all(samples, receiver)
}

/// An authority of the demo's own issues a certificate to either side.
async fn send_through_tls(samples: &[Sample]) -> bool {
    let authority = Authority::new(Key::P256);
    let server = authority.receiver(&["127.0.0.1"]).mutual_server(&authority);
    let receiver = Receiver::new()
        .accept()
        .shake_hands(server)
        .serve(samples.len(), "AA")
        .start();
    let tls = Tls {
        identity: Some(authority.sender().identity()),
        ..Tls::trusting(&authority)
    };
    println!("\nthrough TLS, with certificates on both sides:");
    let mut sandbox = Sandbox::for_receiver(&receiver).await;
    let client = match sandbox
        .connect_with(receiver.address, Settings::tls(tls))
        .await
    {
        Ok(client) => client,
        Err(failure) => {
            println!("  {}", failure.explanation);
            return false;
        }
    };
    let Some(session) = sandbox.tls(client).await else {
        return false;
    };
    print_session(&session);
    let as_promised = session.suite.contains("CHACHA20_POLY1305")
        && session.group.as_deref() == Some("X25519MLKEM768")
        && session.client_certificate == ClientCertificate::Given;
    let all_applied = send_all(samples, &mut sandbox, client).await;
    as_promised && all_applied && has_all(samples, receiver)
}

fn print_session(session: &TlsSession) {
    let version = match session.version {
        TlsVersion::Tls12 => "1.2",
        TlsVersion::Tls13 => "1.3",
    };
    let group = session.group.as_deref().unwrap_or("none");
    println!("  TLS {version}, {}, {group}", session.suite);
    if let Some(certificate) = &session.certificate {
        println!(
            "  the receiver is {}, says {}",
            certificate.subject, certificate.issuer
        );
        println!("  its pin is {}", certificate.pin);
    }
    if session.client_certificate == ClientCertificate::Given {
        println!("  it asked for the sender's certificate, and has it");
    }
}

fn has_all(samples: &[Sample], receiver: Running) -> bool {
    let received = receiver.finish();
    let intact = received
        .iter()
        .eq(samples.iter().map(|sample| &sample.message));
    println!(
        "the receiver has {} messages, byte for byte: {intact}",
        received.len()
    );
    intact
}

fn print_imports() {
    println!("\nit asks its host for");
    let component = sandbox::library().component_type();
    for (name, _) in component.imports(sandbox::engine()) {
        println!("  {name}");
    }
    println!("and for nothing else: no files, no environment, no standard streams");
}

async fn send_all(samples: &[Sample], sandbox: &mut Sandbox, client: Client) -> bool {
    let mut all_applied = true;
    for Sample { name, message } in samples {
        let begun = Instant::now();
        let outcome = sandbox.send(client, message).await;
        let took = begun.elapsed().as_secs_f64() * 1000.0;
        all_applied &= matches!(&outcome, Ok(reply) if reply.verdict == Verdict::Applied);
        let told = match &outcome {
            Ok(reply) => acknowledgment(reply),
            Err(failure) => failure.explanation.clone(),
        };
        println!(
            "  {name:<24} {:>9} bytes  {told}  {took:.1} ms",
            message.len()
        );
    }
    all_applied
}

fn acknowledgment(reply: &Reply) -> String {
    let verdict = match reply.verdict {
        Verdict::Applied => "applied",
        Verdict::Accepted => "accepted",
        Verdict::Refused => "refused",
        Verdict::Unacknowledged => "unacknowledged",
        Verdict::Unjudged => "unjudged",
    };
    // The receiver is the demo's own, and the samples' people are invented:
    // here its bytes may be shown.
    let reply = String::from_utf8_lossy(&reply.message);
    let msa = reply.split('\r').find(|segment| segment.starts_with("MSA"));
    format!("{verdict}  {:<27}", msa.unwrap_or_default())
}

async fn show_denial() -> bool {
    println!("\nwith the network withheld:");
    let mut sandbox = Sandbox::new(Grants::none()).await;
    let receiver = SocketAddr::from(([127, 0, 0, 1], 2575));
    let outcome = sandbox.connect_with(receiver, Settings::default());
    match outcome.await {
        Err(Failure {
            cause: Cause::AccessDenied(_),
            explanation,
            ..
        }) => {
            println!("  access-denied: {explanation}");
            true
        }
        other => {
            println!("  not denied: {}", other.is_ok());
            false
        }
    }
}
