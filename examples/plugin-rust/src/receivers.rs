//! A connection to each receiver that was needed so far, kept between messages.

use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::cell::RefCell;

use crate::client::{ConnectOptions, MllpClient, TlsOptions};
use crate::mllp::{Delivery, Failure, Reply};
use crate::platform;

/// The platform hands a message in again later: long trying here would only keep
/// it from its other messages.
const CONNECT_TRIES: u32 = 3;

/// All that can be sent to.
pub(crate) struct Receivers(Vec<Receiver>);

impl Receivers {
    /// Looks at the settings. Connects to nobody yet.
    pub(crate) fn new(settings: Vec<platform::Receiver>) -> Result<Self, String> {
        let receivers: Result<_, _> = settings.into_iter().map(Receiver::new).collect();
        receivers.map(Self)
    }

    /// The one at this position of the settings.
    pub(crate) fn at(&self, position: usize) -> Option<&Receiver> {
        self.0.get(position)
    }
}

/// One receiver, and the client for it once there was one.
pub(crate) struct Receiver {
    /// What the platform says about it.
    pub(crate) settings: platform::Receiver,
    client: RefCell<Option<MllpClient>>,
}

impl Receiver {
    fn new(settings: platform::Receiver) -> Result<Self, String> {
        // They go into every message: a separator, or a letter that the message's
        // charset has not, would break it.
        let is_plain = |letter: char| letter.is_ascii_alphanumeric() || "-_.".contains(letter);
        let mut name = settings
            .application
            .chars()
            .chain(settings.facility.chars());
        if !name.all(is_plain) {
            let advice = "has more than letters, digits, points, hyphens and underscores";
            return Err(format!("the address of {} {advice}", settings.name));
        }
        Ok(Self {
            settings,
            client: RefCell::default(),
        })
    }

    /// Sends over the connection that there is, or over a new one.
    pub(crate) fn send(&self, message: &[u8]) -> Result<Reply, Failure> {
        let mut client = self.client.borrow_mut();
        if let Some(client) = &*client {
            // It connects anew by itself where it has to.
            return client.send(message);
        }
        let connected = MllpClient::connect(self.options())?;
        client.insert(connected).send(message)
    }

    fn options(&self) -> ConnectOptions {
        let settings = &self.settings;
        let options = ConnectOptions::new(&settings.host, settings.port);
        options.set_timeout(settings.timeout);
        options.set_reconnect(true);
        options.set_reconnect_attempts(CONNECT_TRIES);
        if settings.discards_half_frames {
            options.set_resend(Delivery::CutShort);
        }
        if let Some(tls) = &settings.tls {
            options.set_tls(&tls_options(tls));
        }
        options
    }
}

fn tls_options(settings: &platform::Tls) -> TlsOptions {
    let options = TlsOptions::new();
    if !settings.authorities.is_empty() {
        options.add_authorities(&settings.authorities);
        options.set_own_authorities_only(true);
    }
    if let Some(identity) = &settings.identity {
        options.set_identity(&identity.chain, &identity.key);
    }
    options
}
