//! A plugin of an integration platform (`wit/platform.wit`): addresses a message
//! to the receiver that its route names, drops what is local to the sender, and
//! sends it by `hl7:mllp/client`.
//!
//! The platform keeps the messages and decides when one is handed in again; the
//! plugin tells it whether that is safe. Nothing is logged: what there is to tell
//! is returned.

#![no_std]

extern crate alloc;

mod message;
mod next;
mod receivers;
mod routes;
mod runtime;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

#[allow(unsafe_code, missing_docs, clippy::all, clippy::restriction)]
mod bindings {
    wit_bindgen::generate!({ path: "wit", world: "plugin", generate_all });

    use super::Plugin;
    export!(Plugin with_types_in self);
}

use bindings::exports::example::platform::channels as platform;
use bindings::hl7::mllp::{client, types as mllp};

use message::Header;
use platform::{Delivery, NextStep, Outcome, Problem, Settings};
use receivers::Receivers;
use routes::Routes;

struct Plugin;

impl platform::Guest for Plugin {
    type Channel = Channel;
}

struct Channel {
    routes: Routes,
    receivers: Receivers,
}

impl platform::GuestChannel for Channel {
    fn open(settings: Settings) -> Result<platform::Channel, String> {
        let routes = Routes::new(settings.routes, &settings.receivers)?;
        let receivers = Receivers::new(settings.receivers)?;
        Ok(platform::Channel::new(Self { routes, receivers }))
    }

    fn handle(&self, message: Vec<u8>) -> Result<Outcome, Problem> {
        let header = Header::of(&message).map_err(unfit)?;
        let position = self.routes.receiver_of(&header);
        let receiver = position.and_then(|position| self.receivers.at(position));
        let receiver = receiver.ok_or_else(|| unfit("no route fits the message"))?;
        let to = &receiver.settings;
        let message = header
            .addressed(&to.application, &to.facility)
            .map_err(unfit)?;
        match receiver.send(&message) {
            Ok(reply) => Ok(next::outcome(to, &reply)),
            Err(failure) => Err(next::problem(to, failure)),
        }
    }
}

/// The message, or the settings, must be mended first.
fn unfit(explanation: &str) -> Problem {
    Problem {
        next: NextStep::Mend,
        receiver: None,
        delivery: Delivery::NotSent,
        explanation: explanation.to_string(),
    }
}
