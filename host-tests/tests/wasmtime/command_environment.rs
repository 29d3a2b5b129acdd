//! Every option of `mllp-send` by the environment.

use host_tests::command::{Call, Outcome};
use host_tests::messages::message;
use host_tests::receiver::Receiver;

use crate::command_options;

/// No option takes it.
const NONSENSE: &str = "\u{1}";

fn variable(option: &str) -> String {
    format!("MLLP_{}", option.to_uppercase().replace('-', "_"))
}

async fn run(command: &[&str], variables: &[(&str, &str)]) -> Outcome {
    let arguments = [command, &["127.0.0.1:1"]].concat();
    let call = Call::new(&arguments).input(&message("1"));
    let with = |call: Call, (name, value): &(&str, &str)| call.variable(name, value);
    variables.iter().fold(call, with).run().await
}

/// The words of a failed message but for its time.
fn told(outcome: &Outcome) -> String {
    let words = outcome.output.split_whitespace().take(4);
    words.chain([outcome.errors.as_str()]).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_option_has_an_environment_variable() {
    let mut seen = 0;
    for command in [&[][..], &["check"]] {
        let without = run(command, &[]).await;
        assert!(without.errors.contains("inherit-network"), "{without:?}");
        // What is no variable of an option changes nothing but for a warning.
        let other = run(command, &[("OTHER", NONSENSE)]).await;
        assert_eq!(told(&other), told(&without));
        for option in command_options::names(command).await {
            if ["help", "version"].contains(&option.as_str()) {
                continue;
            }
            let outcome = run(command, &[(&variable(&option), NONSENSE)]).await;
            assert!(!outcome.success, "{option}: {outcome:?}");
            assert_ne!(told(&outcome), told(&without), "{option}");
            let unknown = "is no option's variable";
            assert!(!outcome.errors.contains(unknown), "{option}: {outcome:?}");
            seen += 1;
        }
    }
    assert!(seen > 70, "{seen}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refused_value_is_told_with_its_variable() {
    let outcome = run(&[], &[("MLLP_TIMEOUT", "soon")]).await;
    assert!(!outcome.success);
    for part in ["--timeout <DURATION>", "500ms", "MLLP_TIMEOUT is set"] {
        assert!(outcome.errors.contains(part), "{part}: {}", outcome.errors);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_command_line_goes_before_the_environment() {
    let outcome = run(&["--timeout", "5s"], &[("MLLP_TIMEOUT", "soon")]).await;
    assert!(outcome.output.contains("access-denied"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_switch_that_is_off_is_as_if_it_were_not_there() {
    for off in ["no", "0", "false", ""] {
        let outcome = run(&["--ca", "ca.pem"], &[("MLLP_TLS", off)]).await;
        assert!(outcome.errors.contains("\n  --tls\n"), "{off}: {outcome:?}");
    }
    let outcome = run(&["--ca", "ca.pem"], &[("MLLP_TLS", "yes")]).await;
    assert!(outcome.errors.contains("ca.pem: "), "{outcome:?}");
    let outcome = run(&[], &[("MLLP_TLS", "mabye")]).await;
    assert!(outcome.errors.contains("--tls"), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_variable_that_no_option_has_is_warned_of() {
    let outcome = run(&[], &[("MLLP_TSL", "yes")]).await;
    let warning = "mllp-send: warning: MLLP_TSL is no option's variable\n";
    assert!(outcome.errors.contains(warning), "{outcome:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn words_stand_in_a_list_with_commas() {
    let receiver = Receiver::new()
        .accept()
        .expect(&message("1"))
        .send(
            &[
                b"junk\x0B\x0B".as_slice(),
                &host_tests::messages::ack("AA", "1"),
                b"\x1C\r\x1C\r",
            ]
            .concat(),
        )
        .start();
    let call = Call::new(&["--json", &receiver.address.to_string()])
        .input(&message("1"))
        .variable("MLLP_ALLOW", "junk-before-start-block,doubled-envelope");
    let outcome = call.allow(receiver.address).run().await;
    assert!(outcome.success, "{outcome:?}");
    for leniency in ["junk-before-start-block", "doubled-envelope"] {
        assert!(outcome.output.contains(leniency), "{outcome:?}");
    }
    let _ = receiver.finish();
}
