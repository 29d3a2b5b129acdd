//! Wherever the memory ends that the host gives while a receiver makes the component
//! need more, the answer is `out-of-memory`: no trap, and no word about the message
//! that is not so. [`Sandbox`] fails a test in which the component traps.

use host_tests::certificates::{Authority, Issued, Key};
use host_tests::messages::{ack, message};
use host_tests::receiver::{Receiver, Running};
use host_tests::sandbox::types::{Cause, Delivery, Failure, Phase, Verdict};
use host_tests::sandbox::{Client, Grants, Sandbox, Settings, Tls};
use marks::NAME;

const PAGE: usize = 64 * 1024;

/// How many pages more than it begins with the component may have. With fewer it lacks
/// the memory to take what its caller hands it.
fn pages() -> impl Iterator<Item = usize> {
    2..40
}

fn long_reply() -> Vec<u8> {
    let mut reply = ack("AA", "1");
    reply.extend(b"NTE|1||");
    reply.extend(NAME.bytes().cycle().take(400_000));
    reply
}

/// What the component has before anyone asked anything of it.
async fn first_size() -> usize {
    let sandbox = Sandbox::new(Grants::none()).await;
    sandbox.host().linear_memory()
}

async fn with_pages(receiver: &Running, first: usize, pages: usize) -> Sandbox {
    let grants = Grants::none().address(receiver.address);
    Sandbox::new(grants.memory(first + pages * PAGE)).await
}

/// The size of the reply, or `None` where there was no memory for it, or for the
/// message's frame.
async fn replied(sandbox: &mut Sandbox, client: Client) -> Option<usize> {
    match sandbox.send(client, &message("1")).await {
        Ok(reply) => {
            assert_eq!(reply.verdict, Verdict::Applied);
            Some(reply.message.len())
        }
        Err(failure) => {
            assert!(matches!(failure.cause, Cause::OutOfMemory), "{failure:?}");
            let is_out = failure.phase == Phase::Reply;
            assert_eq!(failure.delivery == Delivery::InDoubt, is_out);
            assert_eq!(failure.delivery == Delivery::NotSent, !is_out);
            None
        }
    }
}

/// The least memory was too little, and the most was enough: between, it is also a
/// matter of the pieces in which the network brought the reply.
fn assert_that_both_ends_were_seen(outcomes: &[bool]) {
    assert_eq!(
        (outcomes.first(), outcomes.last()),
        (Some(&false), Some(&true))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reply_that_finds_no_memory_is_an_error_wherever_the_memory_ends() {
    let (first, reply) = (first_size().await, long_reply());
    let mut outcomes = Vec::new();
    for pages in pages() {
        let receiver = Receiver::new().accept().expect_any().offer(&reply).start();
        let mut sandbox = with_pages(&receiver, first, pages).await;
        let client = sandbox.connect(&receiver).await;
        let size = replied(&mut sandbox, client).await;
        assert!(size.is_none_or(|size| size == reply.len()));
        outcomes.push(size.is_some());
    }
    assert_that_both_ends_were_seen(&outcomes);
}

/// A client over TLS; `None` where there was no memory for the handshake.
async fn secured(sandbox: &mut Sandbox, receiver: &Running, tls: Tls) -> Option<Client> {
    let settings = Settings::tls(tls);
    match sandbox.connect_with(receiver.address, settings).await {
        Ok(client) => Some(client),
        Err(Failure {
            cause, delivery, ..
        }) => {
            assert!(matches!(cause, Cause::OutOfMemory), "{cause:?}");
            assert_eq!(delivery, Delivery::NotSent);
            None
        }
    }
}

fn secured_receiver(issued: &Issued, reply: &[u8]) -> Running {
    Receiver::new()
        .accept()
        .shake_hands(issued.server())
        .expect_any()
        .offer(reply)
        .start()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_large_certificate_or_a_reply_through_tls_that_finds_no_memory_is_an_error_too() {
    let (first, reply) = (first_size().await, long_reply());
    let authority = Authority::new(Key::P256);
    // What rustls copies of a certificate it copies in ways that cannot fail.
    let mut names: Vec<_> = (0..1_500)
        .map(|n| format!("receiver-{n}.example"))
        .collect();
    names.push("127.0.0.1".into());
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    let issued = authority.receiver(&names);
    let mut outcomes = Vec::new();
    for pages in pages() {
        let receiver = secured_receiver(&issued, &reply);
        let mut sandbox = with_pages(&receiver, first, pages).await;
        let client = secured(&mut sandbox, &receiver, Tls::trusting(&authority)).await;
        let size = match client {
            Some(client) => replied(&mut sandbox, client).await,
            None => None,
        };
        assert!(size.is_none_or(|size| size == reply.len()));
        outcomes.push(size.is_some());
    }
    assert_that_both_ends_were_seen(&outcomes);
}
