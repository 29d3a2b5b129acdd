//! `cargo demo`: the main job on an embedded host. The samples go through the
//! sandboxed component to a receiver on loopback; then the host withholds the
//! network.

use std::process::ExitCode;
use std::time::Instant;

use host_tests::receiver::{Receiver, Running};
use host_tests::samples::{self, Sample};
use host_tests::sandbox::types::{Cause, Failure, Reply, Verdict};
use host_tests::sandbox::{self, Grants, Sandbox, Settings};

#[tokio::main]
async fn main() -> ExitCode {
    println!("building the components ...");
    let components = sandbox::components();
    let size = std::fs::metadata(&components.library).map_or(0, |file| file.len());
    println!("compiling mllp_client.wasm ({size} bytes) ...");
    print_imports();

    let samples = samples::all();
    let receiver = Receiver::new().accept().serve(samples.len(), "AA").start();
    let all_applied = send_all(&samples, &receiver).await;
    let denied = show_denial(&receiver).await;
    let received = receiver.finish();
    let intact = received
        .iter()
        .eq(samples.iter().map(|sample| &sample.message));
    println!(
        "\nthe receiver has {} messages, byte for byte: {intact}",
        received.len()
    );
    if all_applied && denied && intact {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

fn print_imports() {
    println!("\nit asks its host for");
    let component = sandbox::library().component_type();
    for (name, _) in component.imports(sandbox::engine()) {
        println!("  {name}");
    }
    println!("and for nothing else: no files, no environment, no standard streams");
}

async fn send_all(samples: &[Sample], receiver: &Running) -> bool {
    println!("\nwith {} allowed, and no other address:", receiver.address);
    let mut sandbox = Sandbox::for_receiver(receiver).await;
    let client = sandbox.connect(receiver).await;
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

async fn show_denial(receiver: &Running) -> bool {
    println!("\nwith the network withheld:");
    let mut sandbox = Sandbox::new(Grants::none()).await;
    let outcome = sandbox.connect_with(receiver.address, Settings::default());
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
