//! The WIT's `client` interface over [`MllpClient`]: types to types and nothing
//! else. The only user of exported bindings.

use alloc::borrow::ToOwned;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::cell::{Cell, RefCell};

use zeroize::Zeroizing;

use crate::error::{self, Cause, CertificateProblem, Delivery, Desync, Failure, FramingPart};
use crate::error::{Grant, InvalidItemReason, InvalidMessage, InvalidOption, InvalidReply, Phase};
use crate::error::{Retry, TlsProblem};
use crate::proto::leniency::Leniency;
use crate::proto::repair::Repair;
use crate::proto::terms::{AcknowledgmentMode, Correlation, Judging, Release, SettleOn};
use crate::proto::{ack, exchange, warning};
use crate::tls::certificate::Certificate;
use crate::tls::options::{self as tls, TlsVersion};
use crate::tls::pump::{ClientCertificate, TlsSession};
use crate::transport::wasi02::{self, Wasi02};
use crate::{client, counters, options, transcript};

#[allow(unsafe_code, missing_docs, clippy::all, clippy::pedantic)]
mod bindings {
    wit_bindgen::generate!({
        path: "wit",
        world: "mllp",
        with: {
            "wasi:io/poll@0.2.12": wasi::io::poll,
            "wasi:io/error@0.2.12": wasi::io::error,
            "wasi:io/streams@0.2.12": wasi::io::streams,
            "wasi:clocks/monotonic-clock@0.2.12": wasi::clocks::monotonic_clock,
            "wasi:clocks/wall-clock@0.2.12": wasi::clocks::wall_clock,
            "wasi:random/random@0.2.12": wasi::random::random,
            "wasi:sockets/instance-network@0.2.12": wasi::sockets::instance_network,
            "wasi:sockets/network@0.2.12": wasi::sockets::network,
            "wasi:sockets/ip-name-lookup@0.2.12": wasi::sockets::ip_name_lookup,
            "wasi:sockets/tcp@0.2.12": wasi::sockets::tcp,
            "wasi:sockets/tcp-create-socket@0.2.12": wasi::sockets::tcp_create_socket,
        },
    });

    use super::Component;
    export!(Component with_types_in self::folded);

    /// The exports as they are generated, but for three. To hand a failure over is 11 KB
    /// of code, and as much again for a reply, and is generated for each function that
    /// can fail: these three note what is due, and go through one that ends alike.
    mod folded {
        pub(crate) mod exports {
            pub(crate) mod hl7 {
                pub(crate) mod mllp {
                    pub(crate) use crate::component::bindings::exports::hl7::mllp::types;
                    pub(crate) mod client {
                        use crate::component::{self, Due};

                        pub(crate) use crate::component::bindings::exports::hl7::mllp::client::*;

                        /// SAFETY, here and below: the arguments go on to generated
                        /// code as they came, and are taken for what that code takes
                        /// them for.
                        pub(crate) unsafe fn _export_method_mllp_client_send_with_cabi<T>(
                            this: *mut u8,
                            message: *mut u8,
                            length: usize,
                            options: i32,
                        ) -> *mut u8 {
                            unsafe {
                                let client = MllpClientBorrow::lift(this as usize);
                                let options = SendOptionsBorrow::lift(options as usize);
                                let options = options.get::<component::SendOptions>().0.get();
                                client.get::<component::MllpClient>().next.set(options);
                                _export_method_mllp_client_send_cabi::<component::MllpClient>(
                                    this, message, length,
                                )
                            }
                        }

                        pub(crate) unsafe fn _export_method_mllp_client_set_tls_cabi<T>(
                            this: *mut u8,
                            tls: i32,
                        ) -> *mut u8 {
                            unsafe {
                                let client = MllpClientBorrow::lift(this as usize);
                                let tls = TlsOptionsBorrow::lift(tls as usize);
                                let tls = tls.get::<component::TlsOptions>().current();
                                client
                                    .get::<component::MllpClient>()
                                    .due
                                    .set(Due::SetTls(tls));
                                _export_method_mllp_client_reconnect_cabi::<component::MllpClient>(
                                    this,
                                )
                            }
                        }

                        pub(crate) unsafe fn _export_method_mllp_client_close_cabi<T>(
                            this: *mut u8,
                        ) -> *mut u8 {
                            unsafe {
                                let client = MllpClientBorrow::lift(this as usize);
                                client.get::<component::MllpClient>().due.set(Due::Close);
                                _export_method_mllp_client_reconnect_cabi::<component::MllpClient>(
                                    this,
                                )
                            }
                        }
                    }
                }
            }
        }
    }
}

use bindings::exports::hl7::mllp::{client as wit_client, types as wit};
use wit_client::{Guest, GuestConnectOptions, GuestMllpClient, GuestSendOptions, GuestTlsOptions};

struct Component;

impl Guest for Component {
    type TlsOptions = TlsOptions;
    type ConnectOptions = ConnectOptions;
    type SendOptions = SendOptions;
    type MllpClient = MllpClient;

    fn connections_set_aside() -> u32 {
        wasi02::connections_set_aside()
    }
}

#[derive(Default)]
struct TlsOptions(RefCell<tls::TlsOptions>);

impl TlsOptions {
    fn set(&self, change: impl FnOnce(&mut tls::TlsOptions)) {
        // Never held across a call of the host, so it is always free.
        if let Ok(mut options) = self.0.try_borrow_mut() {
            change(&mut options);
        }
    }

    /// The options as they are now. Nothing holds them across a call of the host,
    /// so they are always free; going on without them would be going on in the
    /// clear.
    fn current(&self) -> tls::TlsOptions {
        self.0.borrow().clone()
    }
}

impl GuestTlsOptions for TlsOptions {
    fn new() -> Self {
        Self::default()
    }

    fn add_authorities(&self, certificates: Vec<u8>) {
        self.set(|options| options.authorities.push(certificates.into()));
    }

    fn set_own_authorities_only(&self, only: bool) {
        self.set(|options| options.own_authorities_only = only);
    }

    fn add_pin(&self, pin: String) {
        self.set(|options| options.pins.push(pin));
    }

    fn set_pins_instead_of_chain(&self, instead: bool) {
        self.set(|options| options.pins_instead_of_chain = instead);
    }

    fn set_identity(&self, chain: Vec<u8>, key: Vec<u8>) {
        let (chain, key) = (Zeroizing::new(chain), Zeroizing::new(key));
        self.set(|options| options.identity = Some(tls::Identity { chain, key }));
    }

    fn set_server_name(&self, name: String) {
        self.set(|options| options.server_name = Some(name));
    }

    fn set_minimum_version(&self, version: wit::TlsVersion) {
        self.set(|options| options.minimum_version = version.into());
    }

    fn set_hybrid(&self, offered: bool) {
        self.set(|options| options.hybrid = offered);
    }

    fn add_revocations(&self, lists: Vec<u8>) {
        self.set(|options| options.revocations.push(lists.into()));
    }

    fn set_insecure(&self, insecure: bool) {
        self.set(|options| options.insecure = insecure);
    }
}

struct ConnectOptions(RefCell<options::ConnectOptions>);

impl ConnectOptions {
    fn set(&self, change: impl FnOnce(&mut options::ConnectOptions)) {
        // Never held across a call of the host, so it is always free.
        if let Ok(mut options) = self.0.try_borrow_mut() {
            change(&mut options);
        }
    }
}

impl GuestConnectOptions for ConnectOptions {
    fn new(host: String, port: u16) -> Self {
        Self(RefCell::new(options::ConnectOptions::new(host, port)))
    }

    fn set_timeout(&self, timeout: u32) {
        self.set(|options| options.timeout_ms = timeout);
    }

    fn set_connect_timeout(&self, timeout: u32) {
        self.set(|options| options.connect_timeout_ms = Some(timeout));
    }

    fn set_max_message_size(&self, bytes: u64) {
        self.set(|options| options.terms.max_message_size = bytes);
    }

    fn set_max_send_size(&self, bytes: u64) {
        self.set(|options| options.max_send_size = bytes);
    }

    fn set_tls(&self, tls: wit_client::TlsOptionsBorrow<'_>) {
        let tls = tls.get::<TlsOptions>().current();
        self.set(|options| options.tls = Some(tls));
    }

    fn set_second_receiver(&self, host: String, port: u16) {
        let receiver = options::Receiver { host, port };
        self.set(|options| options.second_receiver = Some(receiver));
    }

    fn set_acknowledgment_mode(&self, mode: wit::AcknowledgmentMode) {
        self.set(|options| options.terms.mode = mode.into());
    }

    fn set_settle_on(&self, settling: wit::Settling) {
        self.set(|options| options.terms.settle_on = settling.into());
    }

    fn set_accept_timeout(&self, timeout: u32) {
        self.set(|options| options.terms.accept_timeout_ms = Some(timeout));
    }

    fn set_application_timeout(&self, timeout: u32) {
        self.set(|options| options.terms.application_timeout_ms = Some(timeout));
    }

    fn set_quiet_period(&self, period: u32) {
        self.set(|options| options.terms.quiet_period_ms = period);
    }

    fn set_mllp_release(&self, release: wit::MllpRelease) {
        self.set(|options| options.terms.release = release.into());
    }

    fn set_commit_retries(&self, count: u32) {
        self.set(|options| options.terms.commit_retries = count);
    }

    fn set_correlation(&self, correlation: wit::Correlation) {
        self.set(|options| options.terms.correlation = correlation.into());
    }

    fn set_judging(&self, judging: wit::Judging) {
        self.set(|options| options.terms.judging = judging.into());
    }

    fn allow(&self, leniency: wit::Leniency) {
        self.set(|options| options.terms.leniencies.allow(leniency.into()));
    }

    fn forbid(&self, leniency: wit::Leniency) {
        self.set(|options| options.terms.leniencies.forbid(leniency.into()));
    }

    fn set_start_block(&self, bytes: Vec<u8>) {
        self.set(|options| options.terms.framing.start = bytes);
    }

    fn set_end_block(&self, bytes: Vec<u8>) {
        self.set(|options| options.terms.framing.end = bytes);
    }

    fn set_trailer(&self, bytes: Vec<u8>) {
        self.set(|options| options.terms.framing.trailer = bytes);
    }

    fn add_repair(&self, repair: wit::Repair) {
        self.set(|options| options.repairs.add(repair.into()));
    }

    fn set_reconnect(&self, on: bool) {
        self.set(|options| options.reconnect.on = on);
    }

    fn set_reconnect_minimum_delay(&self, delay: u32) {
        self.set(|options| options.reconnect.minimum_delay_ms = delay);
    }

    fn set_reconnect_maximum_delay(&self, delay: u32) {
        self.set(|options| options.reconnect.maximum_delay_ms = delay);
    }

    fn set_reconnect_attempts(&self, count: u32) {
        self.set(|options| options.reconnect.attempts = count);
    }

    fn set_reconnect_time_limit(&self, limit: u32) {
        self.set(|options| options.reconnect.time_limit_ms = Some(limit));
    }

    fn set_resend(&self, up_to: wit::Delivery) {
        self.set(|options| options.resend = up_to.into());
    }

    fn set_idle_limit(&self, limit: u32) {
        self.set(|options| options.idle_limit_ms = Some(limit));
    }

    fn set_keep_alive(&self, on: bool) {
        self.set(|options| options.keep_alive.on = on);
    }

    fn set_keep_alive_idle(&self, time: u32) {
        self.set(|options| options.keep_alive.idle_ms = Some(time));
    }

    fn set_keep_alive_interval(&self, time: u32) {
        self.set(|options| options.keep_alive.interval_ms = Some(time));
    }

    fn set_keep_alive_count(&self, count: u32) {
        self.set(|options| options.keep_alive.count = Some(count));
    }
}

#[derive(Default)]
struct SendOptions(Cell<options::SendOptions>);

impl GuestSendOptions for SendOptions {
    fn new() -> Self {
        Self::default()
    }

    fn set_timeout(&self, timeout: u32) {
        self.0.set(options::SendOptions {
            timeout_ms: Some(timeout),
        });
    }
}

struct MllpClient {
    client: RefCell<client::MllpClient<Wasi02>>,
    /// For the next `send` alone.
    next: Cell<options::SendOptions>,
    /// What the next `reconnect` is to do in truth.
    due: Cell<Due>,
}

/// The calls that end like `reconnect`: without a value, or in a failure.
#[derive(Default)]
enum Due {
    #[default]
    Reconnect,
    SetTls(tls::TlsOptions),
    Close,
}

impl MllpClient {
    /// Under WASI 0.2 an instance is never entered while a call is on the stack;
    /// a host that does so all the same gets an answer, not a trap.
    fn with<R>(
        &self,
        call: impl FnOnce(&mut client::MllpClient<Wasi02>) -> Result<R, Failure>,
    ) -> Result<R, Failure> {
        let mut client = self
            .client
            .try_borrow_mut()
            .map_err(|_| Failure::not_sent(Phase::Prepare, Cause::Other("concurrent call")))?;
        call(&mut client)
    }

    fn read<R: Default>(&self, read: impl FnOnce(&client::MllpClient<Wasi02>) -> R) -> R {
        self.client
            .try_borrow()
            .map_or_else(|_| R::default(), |client| read(&client))
    }
}

impl GuestMllpClient for MllpClient {
    fn connect(
        options: wit_client::ConnectOptions,
    ) -> Result<wit_client::MllpClient, wit::Failure> {
        let options = options.into_inner::<ConnectOptions>().0.into_inner();
        let client = client::MllpClient::connect(Wasi02::new(), options)?;
        Ok(wit_client::MllpClient::new(Self {
            client: RefCell::new(client),
            next: Cell::default(),
            due: Cell::default(),
        }))
    }

    fn send(&self, message: Vec<u8>) -> Result<wit::Reply, wit::Failure> {
        let options = self.next.take();
        let reply = self.with(|client| client.send_with(message, options))?;
        Ok(reply.into())
    }

    fn send_with(
        &self,
        message: Vec<u8>,
        options: wit_client::SendOptionsBorrow<'_>,
    ) -> Result<wit::Reply, wit::Failure> {
        self.next.set(options.get::<SendOptions>().0.get());
        self.send(message)
    }

    fn reconnect(&self) -> Result<(), wit::Failure> {
        // Taken even where the client cannot be had: it is of this call alone.
        let due = self.due.take();
        Ok(self.with(|client| match due {
            Due::Reconnect => client.reconnect(),
            Due::SetTls(tls) => client.set_tls(&tls),
            Due::Close => {
                client.close();
                Ok(())
            }
        })?)
    }

    fn set_tls(&self, tls: wit_client::TlsOptionsBorrow<'_>) -> Result<(), wit::Failure> {
        self.due.set(Due::SetTls(tls.get::<TlsOptions>().current()));
        self.reconnect()
    }

    fn tls(&self) -> Option<wit::TlsSession> {
        self.read(|client| client.tls().cloned()).map(Into::into)
    }

    fn close(&self) -> Result<(), wit::Failure> {
        self.due.set(Due::Close);
        self.reconnect()
    }

    fn is_open(&self) -> bool {
        self.read(client::MllpClient::is_open)
    }

    fn peer_address(&self) -> String {
        self.read(|client| client.peer_address().to_string())
    }

    fn local_address(&self) -> Option<String> {
        self.read(|client| client.local_address().map(|address| address.to_string()))
    }

    fn counters(&self) -> wit::Counters {
        self.read(|client| client.counters().clone()).into()
    }

    fn transcript(&self) -> wit::Transcript {
        self.read(|client| client.transcript().clone()).into()
    }
}

impl From<wit::AcknowledgmentMode> for AcknowledgmentMode {
    fn from(mode: wit::AcknowledgmentMode) -> Self {
        match mode {
            wit::AcknowledgmentMode::FromMessage => Self::FromMessage,
            wit::AcknowledgmentMode::Original => Self::Original,
        }
    }
}

impl From<wit::Settling> for SettleOn {
    fn from(settling: wit::Settling) -> Self {
        match settling {
            wit::Settling::Application => Self::Application,
            wit::Settling::Accept => Self::Accept,
        }
    }
}

impl From<wit::MllpRelease> for Release {
    fn from(release: wit::MllpRelease) -> Self {
        match release {
            wit::MllpRelease::One => Self::One,
            wit::MllpRelease::Two => Self::Two,
            wit::MllpRelease::Auto => Self::Auto,
        }
    }
}

impl From<wit::Correlation> for Correlation {
    fn from(correlation: wit::Correlation) -> Self {
        match correlation {
            wit::Correlation::Required => Self::Required,
            wit::Correlation::Warned => Self::Warned,
            wit::Correlation::Off => Self::Off,
        }
    }
}

impl From<wit::Judging> for Judging {
    fn from(judging: wit::Judging) -> Self {
        match judging {
            wit::Judging::Required => Self::Required,
            wit::Judging::WherePossible => Self::WherePossible,
            wit::Judging::Off => Self::Off,
        }
    }
}

impl From<wit::Leniency> for Leniency {
    fn from(leniency: wit::Leniency) -> Self {
        match leniency {
            wit::Leniency::SpaceBeforeStartBlock => Self::SpaceBeforeStartBlock,
            wit::Leniency::SpaceAfterFrame => Self::SpaceAfterFrame,
            wit::Leniency::LineFeedSegments => Self::LineFeedSegments,
            wit::Leniency::JunkBeforeStartBlock => Self::JunkBeforeStartBlock,
            wit::Leniency::MissingStartBlock => Self::MissingStartBlock,
            wit::Leniency::MissingCarriageReturn => Self::MissingCarriageReturn,
            wit::Leniency::DoubledEnvelope => Self::DoubledEnvelope,
            wit::Leniency::OtherAcknowledgment => Self::OtherAcknowledgment,
        }
    }
}

impl From<wit::Repair> for Repair {
    fn from(repair: wit::Repair) -> Self {
        match repair {
            wit::Repair::ByteOrderMark => Self::ByteOrderMark,
            wit::Repair::Envelope => Self::Envelope,
            wit::Repair::LineFeeds => Self::LineFeeds,
            wit::Repair::FinalCarriageReturn => Self::FinalCarriageReturn,
        }
    }
}

impl From<Repair> for wit::Repair {
    fn from(repair: Repair) -> Self {
        match repair {
            Repair::ByteOrderMark => Self::ByteOrderMark,
            Repair::Envelope => Self::Envelope,
            Repair::LineFeeds => Self::LineFeeds,
            Repair::FinalCarriageReturn => Self::FinalCarriageReturn,
        }
    }
}

impl From<wit::Delivery> for Delivery {
    fn from(delivery: wit::Delivery) -> Self {
        match delivery {
            wit::Delivery::NotSent => Self::NotSent,
            wit::Delivery::CutShort => Self::CutShort,
            wit::Delivery::InDoubt => Self::InDoubt,
        }
    }
}

impl From<wit::TlsVersion> for TlsVersion {
    fn from(version: wit::TlsVersion) -> Self {
        match version {
            wit::TlsVersion::Tls12 => Self::Tls12,
            wit::TlsVersion::Tls13 => Self::Tls13,
        }
    }
}

impl From<TlsVersion> for wit::TlsVersion {
    fn from(version: TlsVersion) -> Self {
        match version {
            TlsVersion::Tls12 => Self::Tls12,
            TlsVersion::Tls13 => Self::Tls13,
        }
    }
}

impl From<TlsSession> for wit::TlsSession {
    fn from(session: TlsSession) -> Self {
        Self {
            version: session.version.into(),
            suite: session.suite,
            group: session.group,
            resumed: session.resumed,
            client_certificate: session.client_certificate.into(),
            certificate: session.certificate.map(Into::into),
            insecure: session.insecure,
        }
    }
}

impl From<ClientCertificate> for wit::ClientCertificate {
    fn from(fate: ClientCertificate) -> Self {
        match fate {
            ClientCertificate::NotAsked => Self::NotAsked,
            ClientCertificate::NotGiven => Self::NotGiven,
            ClientCertificate::Given => Self::Given,
        }
    }
}

impl From<Certificate> for wit::Certificate {
    fn from(certificate: Certificate) -> Self {
        Self {
            subject: certificate.subject,
            issuer: certificate.issuer,
            names: certificate.names,
            not_before: certificate.not_before,
            not_after: certificate.not_after,
            pin: certificate.pin.to_string(),
        }
    }
}

impl From<exchange::Reply> for wit::Reply {
    fn from(reply: exchange::Reply) -> Self {
        Self {
            message: reply.message,
            verdict: reply.verdict.into(),
            acknowledgment: reply.acknowledgment.map(Into::into),
            accept: reply.accept.map(Into::into),
            commit: reply.commit.map(Into::into),
            errors: all(reply.errors),
            warnings: all(reply.warnings),
            transmissions: reply.transmissions,
            retries: all(reply.retries),
        }
    }
}

fn all<T: Into<U>, U>(items: impl IntoIterator<Item = T>) -> Vec<U> {
    items.into_iter().map(Into::into).collect()
}

impl From<exchange::Verdict> for wit::Verdict {
    fn from(verdict: exchange::Verdict) -> Self {
        match verdict {
            exchange::Verdict::Applied => Self::Applied,
            exchange::Verdict::Accepted => Self::Accepted,
            exchange::Verdict::Refused => Self::Refused,
            exchange::Verdict::Unacknowledged => Self::Unacknowledged,
            exchange::Verdict::Unjudged => Self::Unjudged,
        }
    }
}

impl From<ack::Acknowledgment> for wit::Acknowledgment {
    fn from(acknowledgment: ack::Acknowledgment) -> Self {
        Self {
            code: acknowledgment.code.into(),
            control_id: acknowledgment.control_id,
        }
    }
}

impl From<ack::Code> for wit::AcknowledgmentCode {
    fn from(code: ack::Code) -> Self {
        match code {
            ack::Code::ApplicationAccept => Self::ApplicationAccept,
            ack::Code::ApplicationError => Self::ApplicationError,
            ack::Code::ApplicationReject => Self::ApplicationReject,
            ack::Code::CommitAccept => Self::CommitAccept,
            ack::Code::CommitError => Self::CommitError,
            ack::Code::CommitReject => Self::CommitReject,
        }
    }
}

impl From<exchange::Commit> for wit::CommitBlock {
    fn from(commit: exchange::Commit) -> Self {
        match commit {
            exchange::Commit::Positive => Self::Positive,
            exchange::Commit::Negative => Self::Negative,
        }
    }
}

impl From<ack::ErrorDetail> for wit::ErrorDetail {
    fn from(detail: ack::ErrorDetail) -> Self {
        Self {
            location: detail.location.map(Into::into),
            code: detail.code,
            severity: detail.severity.map(Into::into),
            application_code: detail.application_code,
        }
    }
}

impl From<ack::ErrorLocation> for wit::ErrorLocation {
    fn from(location: ack::ErrorLocation) -> Self {
        Self {
            segment: location.segment,
            sequence: location.sequence,
            field: location.field,
            repetition: location.repetition,
            component: location.component,
            subcomponent: location.subcomponent,
        }
    }
}

impl From<ack::Severity> for wit::Severity {
    fn from(severity: ack::Severity) -> Self {
        match severity {
            ack::Severity::Information => Self::Information,
            ack::Severity::Warning => Self::Warning,
            ack::Severity::Error => Self::Error,
            ack::Severity::Fatal => Self::Fatal,
        }
    }
}

impl From<Retry> for wit::Retry {
    fn from(retry: Retry) -> Self {
        match retry {
            Retry::NegativeCommit => Self::NegativeCommit,
            Retry::Failed {
                cause,
                phase,
                delivery,
            } => Self::Failed(wit::FailedTry {
                cause: cause.into(),
                phase: phase.into(),
                delivery: delivery.into(),
            }),
        }
    }
}

impl From<warning::Warning> for wit::Warning {
    fn from(warning: warning::Warning) -> Self {
        use warning::Warning;
        match warning {
            Warning::SpaceBeforeStartBlock(count) => Self::SpaceBeforeStartBlock(count),
            Warning::SpaceAfterFrame(count) => Self::SpaceAfterFrame(count),
            Warning::LineFeedSegments => Self::LineFeedSegments,
            Warning::JunkBeforeStartBlock(count) => Self::JunkBeforeStartBlock(count),
            Warning::MissingStartBlock => Self::MissingStartBlock,
            Warning::MissingCarriageReturn => Self::MissingCarriageReturn,
            Warning::DoubledEnvelope => Self::DoubledEnvelope,
            Warning::OtherAcknowledgment(count) => Self::OtherAcknowledgment(count),
            Warning::BytesAfterFrame(count) => Self::BytesAfterFrame(count),
            Warning::WrongMode(code) => Self::WrongMode(code.into()),
            Warning::RepeatedAcknowledgment(count) => Self::RepeatedAcknowledgment(count),
            Warning::OtherControlId => Self::OtherControlId,
            Warning::LateAcknowledgment(late) => Self::LateAcknowledgment(late.into()),
            Warning::AcknowledgmentMissing(cause) => Self::AcknowledgmentMissing(cause.into()),
            Warning::CommitMissing => Self::CommitMissing,
            Warning::OwedAcknowledgmentUnsent => Self::OwedAcknowledgmentUnsent,
            Warning::Repaired(repair) => Self::Repaired(repair.into()),
            Warning::SecondReceiver => Self::SecondReceiver,
            Warning::KeepAliveUnavailable => Self::KeepAliveUnavailable,
            Warning::Insecure => Self::Insecure,
        }
    }
}

impl From<Failure> for wit::Failure {
    fn from(failure: Failure) -> Self {
        Self {
            explanation: failure.explanation(),
            cause: failure.cause.into(),
            phase: failure.phase.into(),
            delivery: failure.delivery.into(),
            attempts: all(failure.attempts),
            transmissions: failure.transmissions,
            retries: all(failure.retries),
            warnings: all(failure.warnings),
        }
    }
}

impl From<error::Attempt> for wit::Attempt {
    fn from(attempt: error::Attempt) -> Self {
        Self {
            address: attempt.address.to_string(),
            cause: attempt.cause.into(),
        }
    }
}

impl From<Delivery> for wit::Delivery {
    fn from(delivery: Delivery) -> Self {
        match delivery {
            Delivery::NotSent => Self::NotSent,
            Delivery::CutShort => Self::CutShort,
            Delivery::InDoubt => Self::InDoubt,
        }
    }
}

impl From<Phase> for wit::Phase {
    fn from(phase: Phase) -> Self {
        match phase {
            Phase::Prepare => Self::Prepare,
            Phase::Resolve => Self::Resolve,
            Phase::Connect => Self::Connect,
            Phase::Tls => Self::Tls,
            Phase::Write => Self::Write,
            Phase::Commit => Self::Commit,
            Phase::Reply => Self::Reply,
            Phase::Close => Self::Close,
        }
    }
}

impl From<Cause> for wit::Cause {
    fn from(cause: Cause) -> Self {
        match cause {
            Cause::InvalidOption(option) => Self::InvalidOption(option.into()),
            Cause::InvalidMessage(reason) => Self::InvalidMessage(reason.into()),
            Cause::Closed => Self::Closed,
            Cause::AccessDenied(grant) => Self::AccessDenied(grant.into()),
            Cause::NameUnresolvable => Self::NameUnresolvable,
            Cause::NameLookupFailed => Self::NameLookupFailed,
            Cause::ConnectionRefused => Self::ConnectionRefused,
            Cause::Unreachable => Self::Unreachable,
            Cause::TimedOut => Self::TimedOut,
            Cause::Silence => Self::Silence,
            Cause::ConnectionEnded => Self::ConnectionEnded,
            Cause::ConnectionBroken => Self::ConnectionBroken,
            Cause::ProtocolDesync(desync) => Self::ProtocolDesync(desync.into()),
            Cause::MessageTooLarge(over) => Self::MessageTooLarge(over.into()),
            Cause::InvalidReply(reason) => Self::InvalidReply(reason.into()),
            Cause::Tls(failure) => Self::Tls((*failure).into()),
            Cause::OutOfMemory => Self::OutOfMemory,
            Cause::Other(name) => Self::Other(name.to_owned()),
        }
    }
}

impl From<InvalidOption> for wit::InvalidOption {
    fn from(option: InvalidOption) -> Self {
        match option {
            InvalidOption::Host => Self::Host,
            InvalidOption::Port => Self::Port,
            InvalidOption::Timeout => Self::Timeout,
            InvalidOption::ConnectTimeout => Self::ConnectTimeout,
            InvalidOption::MaxMessageSize => Self::MaxMessageSize,
            InvalidOption::MaxSendSize => Self::MaxSendSize,
            InvalidOption::SecondReceiver => Self::SecondReceiver,
            InvalidOption::AcceptTimeout => Self::AcceptTimeout,
            InvalidOption::ApplicationTimeout => Self::ApplicationTimeout,
            InvalidOption::QuietPeriod => Self::QuietPeriod,
            InvalidOption::IdleLimit => Self::IdleLimit,
            InvalidOption::Framing(part) => Self::Framing(part.into()),
            InvalidOption::Reconnect => Self::Reconnect,
            InvalidOption::KeepAlive => Self::KeepAlive,
            InvalidOption::ServerName => Self::ServerName,
            InvalidOption::Authority(item) => Self::Authority(item.into()),
            InvalidOption::RevocationList(item) => Self::RevocationList(item.into()),
            InvalidOption::Pin(position) => Self::Pin(position),
            InvalidOption::IdentityCertificate(item) => Self::IdentityCertificate(item.into()),
            InvalidOption::IdentityKey(item) => Self::IdentityKey(item.into()),
            InvalidOption::IdentityMismatch => Self::IdentityMismatch,
            InvalidOption::NoTrust => Self::NoTrust,
        }
    }
}

impl From<FramingPart> for wit::FramingPart {
    fn from(part: FramingPart) -> Self {
        match part {
            FramingPart::StartBlock => Self::StartBlock,
            FramingPart::EndBlock => Self::EndBlock,
            FramingPart::Trailer => Self::Trailer,
        }
    }
}

impl From<error::InvalidItem> for wit::InvalidItem {
    fn from(error::InvalidItem { position, reason }: error::InvalidItem) -> Self {
        Self {
            position,
            reason: match reason {
                InvalidItemReason::Missing => wit::InvalidItemReason::Missing,
                InvalidItemReason::Malformed => wit::InvalidItemReason::Malformed,
                InvalidItemReason::Encrypted => wit::InvalidItemReason::Encrypted,
                InvalidItemReason::Pkcs12 => wit::InvalidItemReason::Pkcs12,
                InvalidItemReason::JavaKeyStore => wit::InvalidItemReason::JavaKeyStore,
                InvalidItemReason::Unsupported => wit::InvalidItemReason::Unsupported,
            },
        }
    }
}

impl From<error::TlsFailure> for wit::TlsFailure {
    fn from(failure: error::TlsFailure) -> Self {
        Self {
            problem: failure.problem.into(),
            certificate: failure.certificate.map(Into::into),
        }
    }
}

impl From<TlsProblem> for wit::TlsProblem {
    fn from(problem: TlsProblem) -> Self {
        match problem {
            TlsProblem::PlainMllp => Self::PlainMllp,
            TlsProblem::NotTls => Self::NotTls,
            TlsProblem::NoCommonVersion => Self::NoCommonVersion,
            TlsProblem::NoCommonSuite => Self::NoCommonSuite,
            TlsProblem::Certificate(problem) => Self::Certificate(problem.into()),
            TlsProblem::ClientCertificateRequired => Self::ClientCertificateRequired,
            TlsProblem::ClientCertificateRefused(alert) => {
                Self::ClientCertificateRefused(alert.to_owned())
            }
            TlsProblem::Refused(alert) => Self::Refused(alert.to_owned()),
            TlsProblem::Truncated => Self::Truncated,
            TlsProblem::BrokenRules(how) => Self::BrokenRules(how),
            TlsProblem::UsedUp => Self::UsedUp,
            TlsProblem::Host(what) => Self::Host(what.to_owned()),
        }
    }
}

impl From<CertificateProblem> for wit::CertificateProblem {
    fn from(problem: CertificateProblem) -> Self {
        match problem {
            CertificateProblem::UnknownIssuer => Self::UnknownIssuer,
            CertificateProblem::SelfSigned => Self::SelfSigned,
            CertificateProblem::Expired(times) => Self::Expired(times.into()),
            CertificateProblem::NotYetValid(times) => Self::NotYetValid(times.into()),
            CertificateProblem::WrongName(name) => Self::WrongName(name),
            CertificateProblem::WrongUsage => Self::WrongUsage,
            CertificateProblem::AuthorityAsReceiver => Self::AuthorityAsReceiver,
            CertificateProblem::Revoked => Self::Revoked,
            CertificateProblem::RevocationUnknown => Self::RevocationUnknown,
            CertificateProblem::BadSignature => Self::BadSignature,
            CertificateProblem::WeakSignature => Self::WeakSignature,
            CertificateProblem::ConstraintViolated => Self::ConstraintViolated,
            CertificateProblem::ChainTooLong => Self::ChainTooLong,
            CertificateProblem::Malformed => Self::Malformed,
            CertificateProblem::PinMismatch => Self::PinMismatch,
        }
    }
}

impl From<error::ClockAndBound> for wit::ClockAndBound {
    fn from(error::ClockAndBound { clock, bound }: error::ClockAndBound) -> Self {
        Self { clock, bound }
    }
}

impl From<InvalidMessage> for wit::InvalidMessage {
    fn from(reason: InvalidMessage) -> Self {
        match reason {
            InvalidMessage::Empty => Self::Empty,
            InvalidMessage::NoHeader => Self::NoHeader,
            InvalidMessage::WideEncoding => Self::WideEncoding,
            InvalidMessage::SecondHeader(offset) => Self::SecondHeader(offset),
            InvalidMessage::ReservedByte(error::ReservedByte { offset, byte }) => {
                Self::ReservedByte(wit::ReservedByte { offset, byte })
            }
            InvalidMessage::UnknownCondition(field) => Self::UnknownCondition(field),
            InvalidMessage::NoControlId => Self::NoControlId,
            InvalidMessage::TooLarge(over) => Self::TooLarge(over.into()),
        }
    }
}

impl From<error::OverLimit> for wit::OverLimit {
    fn from(error::OverLimit { limit, size }: error::OverLimit) -> Self {
        Self { limit, size }
    }
}

impl From<Grant> for wit::Grant {
    fn from(grant: Grant) -> Self {
        match grant {
            Grant::Tcp => Self::Tcp,
            Grant::Address => Self::Address,
            Grant::NameLookup => Self::NameLookup,
        }
    }
}

impl From<Desync> for wit::Desync {
    fn from(desync: Desync) -> Self {
        match desync {
            Desync::UnreadBytes => Self::UnreadBytes,
            Desync::UnreadFrame => Self::UnreadFrame,
            Desync::EarlyReply => Self::EarlyReply,
            Desync::BytesBeforeStartBlock => Self::BytesBeforeStartBlock,
            Desync::StartBlockInFrame => Self::StartBlockInFrame,
            Desync::MissingCarriageReturn => Self::MissingCarriageReturn,
            Desync::OtherControlId => Self::OtherControlId,
            Desync::UnexpectedCommit => Self::UnexpectedCommit,
        }
    }
}

impl From<InvalidReply> for wit::InvalidReply {
    fn from(reason: InvalidReply) -> Self {
        match reason {
            InvalidReply::Empty => Self::Empty,
            InvalidReply::NoHeader => Self::NoHeader,
            InvalidReply::NoAcknowledgment => Self::NoAcknowledgment,
            InvalidReply::UnknownCode => Self::UnknownCode,
            InvalidReply::LineFeedSegments => Self::LineFeedSegments,
        }
    }
}

impl From<counters::Counters> for wit::Counters {
    fn from(counters: counters::Counters) -> Self {
        Self {
            connections: counters.connections,
            reconnections: counters.reconnections,
            stale_connections: counters.stale_connections,
            replaced_idle: counters.replaced_idle,
            exchanges: counters.exchanges.into(),
            failures: counters.failures.into(),
            failures_by_cause: all(counters.failures_by_cause),
            warnings: all(counters.warnings),
            retransmissions: counters.retransmissions,
            bytes_sent: counters.bytes_sent,
            bytes_received: counters.bytes_received,
            times: counters.times.into(),
        }
    }
}

impl From<counters::ByVerdict> for wit::VerdictCounts {
    fn from(counts: counters::ByVerdict) -> Self {
        Self {
            applied: counts.applied,
            accepted: counts.accepted,
            refused: counts.refused,
            unacknowledged: counts.unacknowledged,
            unjudged: counts.unjudged,
        }
    }
}

impl From<counters::ByDelivery> for wit::DeliveryCounts {
    fn from(counts: counters::ByDelivery) -> Self {
        Self {
            not_sent: counts.not_sent,
            cut_short: counts.cut_short,
            in_doubt: counts.in_doubt,
        }
    }
}

impl From<(&'static str, u64)> for wit::NamedCount {
    fn from((name, count): (&'static str, u64)) -> Self {
        let name = name.to_owned();
        Self { name, count }
    }
}

impl From<counters::Times> for wit::AcknowledgmentTimes {
    fn from(times: counters::Times) -> Self {
        let bounds = counters::Times::BOUNDS_MS.map(Some).into_iter();
        let buckets = bounds.chain([None]).zip(times.buckets);
        Self {
            buckets: buckets
                .map(|(up_to, count)| wit::TimeBucket { up_to, count })
                .collect(),
            count: times.count,
            sum: times.sum_us,
            shortest: times.min_us,
            longest: times.max_us,
        }
    }
}

impl From<transcript::Transcript> for wit::Transcript {
    fn from(transcript: transcript::Transcript) -> Self {
        Self {
            entries: all(transcript.entries()),
            left_out: transcript.left_out(),
        }
    }
}

impl From<&transcript::Entry> for wit::TranscriptEntry {
    fn from(entry: &transcript::Entry) -> Self {
        Self {
            at: u64::try_from(entry.at.as_micros()).unwrap_or(u64::MAX),
            direction: entry.event.direction().into(),
            event: entry.words(),
            bytes: entry.bytes,
        }
    }
}

impl From<transcript::Direction> for wit::Direction {
    fn from(direction: transcript::Direction) -> Self {
        match direction {
            transcript::Direction::Sent => Self::Sent,
            transcript::Direction::Received => Self::Received,
            transcript::Direction::Here => Self::Here,
        }
    }
}
