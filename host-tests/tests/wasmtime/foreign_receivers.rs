//! Every sample goes to software that nobody here wrote, and comes back with the
//! verdict that software gives.

use host_tests::peers::{Peer, Software};
use host_tests::samples;
use host_tests::sandbox::types::Verdict;
use host_tests::sandbox::{Grants, Sandbox, Settings};

async fn assert_verdict(software: Software, code: &str, verdict: Verdict) {
    let Some(mut peer) = Peer::start(software, code) else {
        return;
    };
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    for sample in samples::all() {
        // A connection for each: from its second message on a connection,
        // node-hl7-server repeats the acknowledgments of those before.
        let connected = sandbox.connect_with(peer.address, Settings::default());
        let client = connected.await.expect("the peer accepts");
        let reply = sandbox
            .send(client, &sample.message)
            .await
            .unwrap_or_else(|failure| panic!("{software:?}, {}: {failure:?}", sample.name));
        assert_eq!(reply.verdict, verdict, "{software:?}, {}", sample.name);
        assert!(reply.warnings.is_empty(), "{software:?}, {}", sample.name);
        let received = peer.received(&sample.message);
        assert!(
            received,
            "{software:?} got another message than {}",
            sample.name
        );
        sandbox.close(client).await.expect("closing");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_applied_by_python_hl7() {
    assert_verdict(Software::PythonHl7, "AA", Verdict::Applied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn every_sample_is_applied_by_node_hl7_server() {
    assert_verdict(Software::NodeHl7Server, "AA", Verdict::Applied).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_by_either_is_refused() {
    for software in Software::ALL {
        assert_verdict(software, "AE", Verdict::Refused).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn python_hl7_takes_every_sample_over_one_connection() {
    let Some(mut peer) = Peer::start(Software::PythonHl7, "AA") else {
        return;
    };
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let connected = sandbox.connect_with(peer.address, Settings::default());
    let client = connected.await.expect("the peer accepts");
    for sample in samples::all() {
        let reply = sandbox.send(client, &sample.message).await;
        assert_eq!(reply.expect("a reply").verdict, Verdict::Applied);
        assert!(peer.received(&sample.message), "{}", sample.name);
    }
}

/// It answers the second message on a connection with the first one's
/// acknowledgment before the second's: a receiver's defect that a sender without
/// correlation would take for success.
#[tokio::test(flavor = "multi_thread")]
async fn a_repeated_acknowledgment_of_node_hl7_server_is_credited_to_nobody() {
    use host_tests::messages::message;
    use host_tests::sandbox::types::{Cause, Delivery, Desync};
    let Some(peer) = Peer::start(Software::NodeHl7Server, "AA") else {
        return;
    };
    let mut sandbox = Sandbox::new(Grants::none().address(peer.address)).await;
    let connected = sandbox.connect_with(peer.address, Settings::default());
    let client = connected.await.expect("the peer accepts");
    let first = sandbox.send(client, &message("first")).await;
    assert_eq!(first.expect("a reply").verdict, Verdict::Applied);
    let second = sandbox.send(client, &message("second")).await;
    let failure = second.expect_err("the first acknowledgment again");
    assert!(matches!(
        failure.cause,
        Cause::ProtocolDesync(Desync::OtherControlId)
    ));
    assert_eq!(failure.delivery, Delivery::InDoubt);
}
