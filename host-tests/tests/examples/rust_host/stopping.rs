//! What computes, waits or takes without end is stopped, and the others go on.

use std::path::Path;
use std::time::Duration;

use host_tests::event::Event;
use host_tests::folder::Folder;
use host_tests::messages::{message, message_of};
use host_tests::receiver::Receiver as Scripted;
use mllp_host::{Allowed, Command, Error, Limits, Sandbox};
use wasmtime_wasi::WasiCtx;

use super::{connected, few, guests, library};

const PAGE: usize = 64 * 1024;
const MEBIBYTE: usize = 1 << 20;
const SHORT: Duration = Duration::from_millis(300);
/// Enough for a connection on a busy machine, and far from the component's own.
const SHORTER_THAN_ITS_OWN: Duration = Duration::from_secs(5);

fn command(sandbox: &Sandbox, test: &str, component: &[u8]) -> Command {
    let folder = Folder::new(test, &[("command.wasm", component)]);
    Command::load(sandbox, &folder.path().join("command.wasm")).unwrap()
}

/// A runtime with one thread is the hardest case: a guest that never let go would
/// keep even its own deadline from being noticed.
#[tokio::test(flavor = "current_thread")]
async fn a_guest_that_computes_without_end_is_stopped_and_another_sends_meanwhile() {
    let receiver = Scripted::new().accept().serve(1, "AA").start();
    let sandbox = Sandbox::new(few()).unwrap();
    let library = library(&sandbox);
    let spinning = command(&sandbox, "spinning", &guests::spinning());
    let nowhere = Allowed::none();
    let spinning = spinning.run(&nowhere, WasiCtx::builder(), Some(SHORT));
    let sending = async {
        let mut sender = connected(&library, &receiver).await.unwrap();
        sender.send(&message("1")).await.unwrap();
    };
    let (stopped, ()) = tokio::join!(spinning, sending);
    assert!(
        matches!(stopped, Err(Error::OutOfTime(SHORT))),
        "{stopped:?}"
    );
    let told = sandbox.metrics().to_string();
    assert!(told.contains("mllp_stopped_total 1\n"), "{told}");
    assert_eq!(receiver.finish().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_call_that_waits_in_the_host_is_stopped_too_and_ends_its_instance() {
    let (read, stopped) = (Event::new(), Event::new());
    let receiver = Scripted::new()
        .accept()
        .expect(&message("1"))
        .announce(&read)
        .wait_for(&stopped)
        .start();
    // The component itself would wait for thirty seconds.
    let sandbox = Sandbox::new(Limits {
        call: SHORTER_THAN_ITS_OWN,
        ..few()
    });
    let sandbox = sandbox.unwrap();
    let mut sender = connected(&library(&sandbox), &receiver).await.unwrap();
    let error = sender.send(&message("1")).await.unwrap_err();
    assert!(
        matches!(error, Error::OutOfTime(SHORTER_THAN_ITS_OWN)),
        "{error:?}"
    );
    let error = sender.send(&message("2")).await.unwrap_err();
    assert!(matches!(error, Error::Ended), "{error:?}");
    stopped.announce();
    assert_eq!(receiver.finish().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_guest_gets_as_much_memory_as_the_limit_says() {
    let limit = 16 * MEBIBYTE;
    let sandbox = Sandbox::new(Limits {
        memory: limit,
        ..few()
    });
    let sandbox = sandbox.unwrap();
    for (pages, status) in [(limit / PAGE, 0), (limit / PAGE + 1, 1)] {
        let hungry = guests::hungry(i32::try_from(pages).unwrap());
        let hungry = command(&sandbox, "hungry", &hungry);
        let ended = hungry.run(&Allowed::none(), WasiCtx::builder(), None).await;
        let ended = ended.unwrap();
        assert_eq!((ended.status, ended.memory), (status, limit));
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_message_over_the_memory_limit_ends_one_instance_and_no_other() {
    let receiver = Scripted::new().accept().start();
    let other = Scripted::new().accept().serve(1, "AA").start();
    let sandbox = Sandbox::new(Limits {
        memory: 4 * MEBIBYTE,
        ..few()
    });
    let sandbox = sandbox.unwrap();
    let library = library(&sandbox);
    let mut sender = connected(&library, &receiver).await.unwrap();
    let mut neighbour = connected(&library, &other).await.unwrap();
    let large = message_of("1", 5 * MEBIBYTE);
    let error = sender.send(&large).await.unwrap_err();
    assert!(matches!(error, Error::Trapped(_)), "{error:?}");
    assert!(sender.memory() <= 4 * MEBIBYTE);
    let error = sender.send(&message("2")).await.unwrap_err();
    assert!(matches!(error, Error::Ended), "{error:?}");
    neighbour.send(&message("3")).await.unwrap();
    assert!(receiver.finish().is_empty());
    assert_eq!(other.finish(), [message("3")]);
}

#[test]
fn what_is_no_component_is_told_with_its_file() {
    let sandbox = Sandbox::new(few()).unwrap();
    let folder = Folder::new("no-component", &[("a.wasm", b"no")]);
    for name in ["a.wasm", "absent.wasm"] {
        let file = folder.path().join(name);
        let error = Command::load(&sandbox, &file).err().unwrap();
        assert!(error.to_string().contains(name), "{error}");
    }
    let library: &Path = &host_tests::sandbox::components().library;
    assert!(matches!(
        Command::load(&sandbox, library),
        Err(Error::Component { .. })
    ));
}
