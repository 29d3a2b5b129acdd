//! Senders: what they may reach, how many there may be, what is told of them.

use std::collections::HashMap;
use std::net::IpAddr;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use host_tests::folder::Folder;
use host_tests::messages::{ack, message};
use host_tests::receiver::Receiver as Scripted;
use host_tests::watch;
use mllp_host::types::{Cause, Delivery, Grant, Verdict};
use mllp_host::{Allowed, Error, Library, Limits, Lookup, Lookups, Options, Receiver, Sandbox};

use super::crowd::Crowd;
use super::{at, connected, few, library, sandbox};

const HERE: IpAddr = IpAddr::V4(std::net::Ipv4Addr::LOCALHOST);

fn assert_denied(error: &Error, grant: Grant, hint: &str) {
    let Error::Failed(failure) = error else {
        panic!("{error:?}");
    };
    assert!(
        matches!(failure.cause, Cause::AccessDenied(denied) if denied == grant),
        "{failure:?}"
    );
    assert_eq!(failure.delivery, Delivery::NotSent);
    assert!(error.to_string().contains(hint), "{error}");
}

/// The error of what must not succeed; a sender cannot be printed.
fn error_of<T>(outcome: Result<T, Error>) -> Error {
    outcome.err().expect("a failure")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_address_on_the_list_is_reached_and_another_is_denied() {
    let receiver = Scripted::new().accept().serve(1, "AA").start();
    let other = Scripted::new().start();
    let sandbox = sandbox();
    let library = library(&sandbox);
    let allowed = Allowed::from(at(&receiver));
    let mut sender = connected(&library, &receiver).await.unwrap();
    let reply = sender.send(&message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);
    let denied = library.connect(&allowed, &Options::to(at(&other))).await;
    assert_denied(&error_of(denied), Grant::Address, "socket_addr_check");
    assert_eq!(receiver.finish(), [message("1")]);
    assert!(other.finish().is_empty());
    let told = sandbox.metrics().to_string();
    assert!(
        told.contains("mllp_denied_total{grant=\"address\"} 1\n"),
        "{told}"
    );
}

/// A resolver that counts how often it is asked.
struct Counting(Arc<AtomicUsize>);

impl Lookup for Counting {
    fn look_up(&self, _: String) -> Lookups {
        self.0.fetch_add(1, Ordering::Relaxed);
        Box::pin(async { Ok(vec![HERE]) })
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_that_is_not_on_the_list_is_denied_and_nobody_is_asked_for_it() {
    let asked = Arc::new(AtomicUsize::new(0));
    let sandbox = sandbox().looking_up(Counting(asked.clone()));
    let library = library(&sandbox);
    let allowed = Allowed::from("lab.example:2575".parse::<Receiver>().unwrap());
    let other = "elsewhere.example:2575".parse().unwrap();
    let denied = library.connect(&allowed, &Options::to(other)).await;
    assert_denied(&error_of(denied), Grant::NameLookup, "allow_ip_name_lookup");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    let told = sandbox.metrics().to_string();
    assert!(
        told.contains("mllp_denied_total{grant=\"name\"} 1\n"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_on_the_list_leads_to_its_own_address_and_port_and_nowhere_else() {
    let receiver = Scripted::new().accept().serve(1, "AA").start();
    let other = Scripted::new().start();
    let table = HashMap::from([("lab.example".to_owned(), vec![HERE])]);
    let sandbox = sandbox().looking_up(table);
    let library = library(&sandbox);
    let named = |port| Receiver::Name("lab.example".to_owned(), port);
    let lab = named(receiver.address.port());
    let allowed = Allowed::from(lab.clone());

    let mut sender = library.connect(&allowed, &Options::to(lab)).await.unwrap();
    let reply = sender.send(&message("1")).await.unwrap();
    assert_eq!(reply.verdict, Verdict::Applied);

    let elsewhere = Options::to(named(other.address.port()));
    let denied = library.connect(&allowed, &elsewhere).await;
    assert_denied(&error_of(denied), Grant::Address, "socket_addr_check");
    // In an instance that has not looked the name up, its address is one like any other.
    let by_address = Options::to(at(&receiver));
    let denied = library.connect(&allowed, &by_address).await;
    assert_denied(&error_of(denied), Grant::Address, "socket_addr_check");
    assert_eq!(receiver.finish(), [message("1")]);
    assert!(other.finish().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_name_without_an_address_is_unresolvable() {
    let sandbox = sandbox().looking_up(HashMap::new());
    let lab: Receiver = "lab.example:2575".parse().unwrap();
    let outcome = library(&sandbox)
        .connect(&Allowed::from(lab.clone()), &Options::to(lab))
        .await;
    let error = error_of(outcome);
    assert!(
        matches!(&error, Error::Failed(failure) if matches!(failure.cause, Cause::NameUnresolvable)),
        "{error:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn sixty_four_senders_send_at_once_and_there_is_no_room_for_one_more() {
    const SENDERS: usize = 64;
    let sandbox = Sandbox::new(Limits::default()).unwrap();
    let library = library(&sandbox);
    let crowd = Crowd::of(SENDERS);
    let receiver = Receiver::Address(crowd.address);
    let allowed = Allowed::from(receiver.clone());
    let options = Options::to(receiver);
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        senders.push(library.connect(&allowed, &options).await.unwrap());
    }
    assert_eq!(sandbox.metrics().instances(), SENDERS as u64);
    let full = error_of(library.connect(&allowed, &options).await);
    assert!(matches!(full, Error::Full(_)), "{full:?}");

    let sending: Vec<_> = senders
        .into_iter()
        .enumerate()
        .map(|(at, mut sender)| {
            tokio::spawn(async move {
                sender.send(&message(&at.to_string())).await.unwrap();
                sender.close().await.unwrap()
            })
        })
        .collect();
    for sender in sending {
        assert_eq!(sender.await.unwrap().exchanges.applied, 1);
    }
    let received = tokio::task::spawn_blocking(|| crowd.finish())
        .await
        .unwrap();
    assert!(received.iter().all(|messages| messages.len() == 1));
    assert_eq!(sandbox.metrics().instances(), 0);
    let told = sandbox.metrics().to_string();
    assert!(
        told.contains("mllp_exchanges_total{verdict=\"applied\"} 64\n"),
        "{told}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_living_senders_counts_are_in_the_metrics_once_it_was_asked_for_them() {
    let receiver = Scripted::new().accept().serve(3, "AE").start();
    let sandbox = sandbox();
    let mut sender = connected(&library(&sandbox), &receiver).await.unwrap();
    let refused = |count| format!("mllp_exchanges_total{{verdict=\"refused\"}} {count}\n");
    for count in 1..=3 {
        sender.send(&message(&count.to_string())).await.unwrap();
        sender.counters().await.unwrap();
        let told = sandbox.metrics().to_string();
        assert!(told.contains(&refused(count)), "{told}");
    }
    drop(sender);
    let told = sandbox.metrics().to_string();
    assert!(told.contains(&refused(3)), "{told}");
    assert!(told.contains("mllp_instances 0\n"), "{told}");
    assert_eq!(receiver.finish().len(), 3);
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_that_is_printed_holds_content() {
    let receiver = Scripted::new()
        .accept()
        .expect(&message("1"))
        .reply(&ack("AA", "1"))
        .expect(&message("2"))
        .reply(&ack("AA", "3"))
        .start();
    let sandbox = sandbox();
    let mut sender = connected(&library(&sandbox), &receiver).await.unwrap();
    let reply = sender.send(&message("1")).await.unwrap();
    assert_eq!(reply.message, ack("AA", "1"));
    watch::nothing_in("a reply", &reply);
    let error = sender.send(&message("2")).await.unwrap_err();
    watch::nothing_in("an error", &error);
    watch::nothing_in_text("an error", error.to_string().as_bytes());
    sender.counters().await.unwrap();
    watch::nothing_in_text("metrics", sandbox.metrics().to_string().as_bytes());
    let _ = receiver.finish();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_compiled_component_is_kept_and_what_does_not_load_is_compiled_again() {
    let folder = Folder::new("compiled", &[]);
    let kept = || -> Vec<_> {
        let files = std::fs::read_dir(folder.path()).unwrap();
        files.map(|file| file.unwrap().path()).collect()
    };
    let modified = |file: &Path| std::fs::metadata(file).unwrap().modified().unwrap();
    let load = || {
        let sandbox = Sandbox::new(few()).unwrap();
        let file = &host_tests::sandbox::components().library;
        Library::load(&sandbox.keeping_compiled(folder.path()), file).unwrap()
    };

    load();
    let [file] = kept().try_into().unwrap();
    let first = modified(&file);
    let receiver = Scripted::new().accept().serve(1, "AA").start();
    let mut sender = connected(&load(), &receiver).await.unwrap();
    sender.send(&message("1")).await.unwrap();
    assert_eq!(receiver.finish().len(), 1);
    assert_eq!((kept().len(), modified(&file)), (1, first));

    std::fs::write(&file, "not compiled").unwrap();
    load();
    assert!(std::fs::metadata(&file).unwrap().len() > 1_000_000);
}
