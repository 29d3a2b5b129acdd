//! Options: host, port, the timeout and the reconnect policy count. What else may
//! be set is taken and without effect, since the script says what happens.

use alloc::string::String;
use alloc::vec::Vec;
use core::cell::Cell;

use crate::types::{AcknowledgmentMode, Correlation, Delivery, Judging, Leniency};
use crate::types::{MllpRelease, Repair, Settling, TlsVersion};
use crate::wit::{GuestConnectOptions, GuestSendOptions, GuestTlsOptions, TlsOptionsBorrow};

/// How to speak TLS: without effect.
pub(crate) struct TlsOptions;

impl GuestTlsOptions for TlsOptions {
    fn new() -> Self {
        Self
    }

    fn add_authorities(&self, _: Vec<u8>) {}
    fn set_own_authorities_only(&self, _: bool) {}
    fn add_pin(&self, _: String) {}
    fn set_pins_instead_of_chain(&self, _: bool) {}
    fn set_identity(&self, _: Vec<u8>, _: Vec<u8>) {}
    fn set_server_name(&self, _: String) {}
    fn set_minimum_version(&self, _: TlsVersion) {}
    fn set_hybrid(&self, _: bool) {}
    fn add_revocations(&self, _: Vec<u8>) {}
    fn set_insecure(&self, _: bool) {}
}

/// How to reach the receiver.
pub(crate) struct ConnectOptions {
    /// The script.
    pub(crate) host: String,
    /// The port.
    pub(crate) port: u16,
    /// The time for an exchange, of which only zero counts.
    pub(crate) timeout: Cell<u32>,
    /// Whether a client that lost its connection goes on.
    pub(crate) reconnect: Cell<bool>,
}

impl GuestConnectOptions for ConnectOptions {
    fn new(host: String, port: u16) -> Self {
        Self {
            host,
            port,
            timeout: Cell::new(30_000),
            reconnect: Cell::new(false),
        }
    }

    fn set_timeout(&self, timeout: u32) {
        self.timeout.set(timeout);
    }

    fn set_reconnect(&self, on: bool) {
        self.reconnect.set(on);
    }

    fn set_second_receiver(&self, _: String, _: u16) {}
    fn set_connect_timeout(&self, _: u32) {}
    fn set_max_message_size(&self, _: u64) {}
    fn set_max_send_size(&self, _: u64) {}
    fn set_tls(&self, _: TlsOptionsBorrow<'_>) {}
    fn set_acknowledgment_mode(&self, _: AcknowledgmentMode) {}
    fn set_settle_on(&self, _: Settling) {}
    fn set_accept_timeout(&self, _: u32) {}
    fn set_application_timeout(&self, _: u32) {}
    fn set_quiet_period(&self, _: u32) {}
    fn set_mllp_release(&self, _: MllpRelease) {}
    fn set_commit_retries(&self, _: u32) {}
    fn set_correlation(&self, _: Correlation) {}
    fn set_judging(&self, _: Judging) {}
    fn allow(&self, _: Leniency) {}
    fn forbid(&self, _: Leniency) {}
    fn set_start_block(&self, _: Vec<u8>) {}
    fn set_end_block(&self, _: Vec<u8>) {}
    fn set_trailer(&self, _: Vec<u8>) {}
    fn add_repair(&self, _: Repair) {}
    fn set_reconnect_minimum_delay(&self, _: u32) {}
    fn set_reconnect_maximum_delay(&self, _: u32) {}
    fn set_reconnect_attempts(&self, _: u32) {}
    fn set_reconnect_time_limit(&self, _: u32) {}
    fn set_resend(&self, _: Delivery) {}
    fn set_idle_limit(&self, _: u32) {}
    fn set_keep_alive(&self, _: bool) {}
    fn set_keep_alive_idle(&self, _: u32) {}
    fn set_keep_alive_interval(&self, _: u32) {}
    fn set_keep_alive_count(&self, _: u32) {}
}

/// What is different for one call.
pub(crate) struct SendOptions {
    /// The time for the exchange, of which only zero counts.
    pub(crate) timeout: Cell<Option<u32>>,
}

impl GuestSendOptions for SendOptions {
    fn new() -> Self {
        Self {
            timeout: Cell::new(None),
        }
    }

    fn set_timeout(&self, timeout: u32) {
        self.timeout.set(Some(timeout));
    }
}
