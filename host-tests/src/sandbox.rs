//! The library component in a wasmtime that links the interfaces it promises to
//! be content with, and no others, and that allows exactly the addresses and
//! names a test grants.

use std::collections::HashMap;
use std::fmt::Debug;
use std::future::Future;
use std::net::{IpAddr, SocketAddr};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, SystemTime};

use components::Components;
use wasmtime::component::{Component, HasData, Linker, Resource, ResourceAny, ResourceTable};
use wasmtime::{Config, Engine, ResourceLimiter, Result, Store};
use wasmtime_wasi::clocks::HostWallClock;
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode};
use wasmtime_wasi::p2::{Pollable, SocketError, bindings as wasi};
use wasmtime_wasi::sockets::{SocketAddrUse, WasiSockets, WasiSocketsView};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, clocks, random};

use crate::certificates::Authority;
use crate::event::PATIENCE;
use crate::narrow::{self, Narrow};
use crate::receiver::Running;
use crate::watch;

/// The host's side of `wit/`.
#[allow(missing_docs, unsafe_code)]
pub mod bindings {
    wasmtime::component::bindgen!({
        path: "../wit",
        world: "mllp",
        imports: { default: async | trappable },
        exports: { default: async },
        additional_derives: [PartialEq],
        with: {
            "wasi:io": wasmtime_wasi::p2::bindings::io,
            "wasi:clocks": wasmtime_wasi::p2::bindings::clocks,
            "wasi:random": wasmtime_wasi::p2::bindings::random,
            "wasi:sockets/network": wasmtime_wasi::p2::bindings::sockets::network,
            "wasi:sockets/instance-network": wasmtime_wasi::p2::bindings::sockets::instance_network,
            "wasi:sockets/tcp": wasmtime_wasi::p2::bindings::sockets::tcp,
            "wasi:sockets/tcp-create-socket":
                wasmtime_wasi::p2::bindings::sockets::tcp_create_socket,
            "wasi:sockets/ip-name-lookup.resolve-address-stream": super::Answers,
        },
        trappable_error_type: {
            "wasi:sockets/network.error-code" => wasmtime_wasi::p2::SocketError,
        },
    });
}

use bindings::Mllp;
use bindings::wasi::sockets::ip_name_lookup;

pub use bindings::exports::hl7::mllp::types;

/// A client inside the component.
pub type Client = ResourceAny;

/// Builds the components once in this process.
///
/// # Panics
/// If they do not build.
pub fn components() -> &'static Components {
    static COMPONENTS: OnceLock<Components> = OnceLock::new();
    COMPONENTS.get_or_init(|| components::build().expect("the components build"))
}

/// The one engine of this process.
///
/// # Panics
/// If wasmtime does not support this machine.
pub fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| Engine::new(&Config::new()).expect("an engine"))
}

/// The library component, compiled once in this process.
///
/// # Panics
/// If it does not compile.
pub fn library() -> &'static Component {
    static LIBRARY: OnceLock<Component> = OnceLock::new();
    LIBRARY.get_or_init(|| {
        Component::from_file(engine(), &components().library).expect("the library compiles")
    })
}

/// What a sandbox allows. Nothing, until told.
#[derive(Clone, Default)]
pub struct Grants {
    tcp: bool,
    addresses: Vec<SocketAddr>,
    names: Option<HashMap<String, Vec<IpAddr>>>,
    denied_early: bool,
    silent_lookups: bool,
    narrow: bool,
    memory: Option<usize>,
    clock: Option<Clock>,
}

impl Grants {
    /// No network at all.
    #[must_use]
    pub fn none() -> Self {
        Self::default()
    }

    /// TCP sockets, but no address.
    #[must_use]
    pub fn tcp(mut self) -> Self {
        self.tcp = true;
        self
    }

    /// TCP sockets and this address.
    #[must_use]
    pub fn address(mut self, address: SocketAddr) -> Self {
        self.addresses.push(address);
        self.tcp()
    }

    /// TCP sockets, but no address, which the host tells already when connecting
    /// starts: wasmtime up to 47 and jco do so.
    #[must_use]
    pub fn denied_early(mut self) -> Self {
        self.denied_early = true;
        self.tcp()
    }

    /// Lookups that are never answered.
    #[must_use]
    pub fn silent_lookups(mut self) -> Self {
        self.silent_lookups = true;
        self.tcp()
    }

    /// Connections whose bytes go by portions, as [`Host::narrow`] sets them.
    #[must_use]
    pub const fn narrow(mut self) -> Self {
        self.narrow = true;
        self
    }

    /// No more linear memory than this, in bytes.
    #[must_use]
    pub const fn memory(mut self, bytes: usize) -> Self {
        self.memory = Some(bytes);
        self
    }

    /// A clock that shows what the test wants.
    #[must_use]
    pub fn clock(mut self, clock: &Clock) -> Self {
        self.clock = Some(clock.clone());
        self
    }

    /// Lookups, and what this name stands for.
    #[must_use]
    pub fn name(mut self, name: &str, addresses: &[IpAddr]) -> Self {
        self.names
            .get_or_insert_default()
            .insert(name.to_owned(), addresses.to_vec());
        self
    }
}

/// Options to connect with; what is `None` or empty keeps the component's default.
#[derive(Clone, Debug, Default)]
pub struct Settings {
    /// The timeout of an exchange, in milliseconds.
    pub timeout: Option<u32>,
    /// The timeout of connecting, in milliseconds.
    pub connect_timeout: Option<u32>,
    /// The largest reply, in bytes.
    pub max_message_size: Option<u64>,
    /// The largest message, in bytes.
    pub max_send_size: Option<u64>,
    /// How to speak TLS.
    pub tls: Option<Tls>,
    /// Host and port of the receiver to fall back on.
    pub second_receiver: Option<(String, u16)>,
    /// Which acknowledgments are waited for.
    pub acknowledgment_mode: Option<types::AcknowledgmentMode>,
    /// Which of them settles an exchange.
    pub settle_on: Option<types::Settling>,
    /// The timeout of the accept acknowledgment, in milliseconds.
    pub accept_timeout: Option<u32>,
    /// The timeout of the application acknowledgment, in milliseconds.
    pub application_timeout: Option<u32>,
    /// How long silence has to last to be an answer, in milliseconds.
    pub quiet_period: Option<u32>,
    /// The release of MLLP.
    pub mllp_release: Option<types::MllpRelease>,
    /// How often a message is sent again on a negative commit block.
    pub commit_retries: Option<u32>,
    /// Whether a reply must be the message's own.
    pub correlation: Option<types::Correlation>,
    /// Whether replies are judged.
    pub judging: Option<types::Judging>,
    /// What is borne beyond the default.
    pub allow: Vec<types::Leniency>,
    /// What is not borne, against the default.
    pub forbid: Vec<types::Leniency>,
    /// What begins a frame.
    pub start_block: Option<Vec<u8>>,
    /// What ends its content.
    pub end_block: Option<Vec<u8>>,
    /// What ends the frame.
    pub trailer: Option<Vec<u8>>,
    /// What is put right before a message is sent.
    pub repairs: Vec<types::Repair>,
    /// Whether a lost connection is made anew.
    pub reconnect: Option<bool>,
    /// The shortest time between two tries to connect, in milliseconds.
    pub reconnect_minimum_delay: Option<u32>,
    /// The longest, in milliseconds.
    pub reconnect_maximum_delay: Option<u32>,
    /// How many tries to connect one call makes.
    pub reconnect_attempts: Option<u32>,
    /// For how long one call tries, in milliseconds.
    pub reconnect_time_limit: Option<u32>,
    /// Up to which delivery a message is sent again.
    pub resend: Option<types::Delivery>,
    /// After how much idleness a connection is replaced, in milliseconds.
    pub idle_limit: Option<u32>,
    /// Whether the host sends keep-alive probes.
    pub keep_alive: Option<bool>,
    /// After how much silence, in milliseconds.
    pub keep_alive_idle: Option<u32>,
    /// The time between two, in milliseconds.
    pub keep_alive_interval: Option<u32>,
    /// How many go unanswered.
    pub keep_alive_count: Option<u32>,
}

/// TLS options; the default is the component's.
#[derive(Clone, Debug)]
pub struct Tls {
    /// Authorities to trust, PEM or DER.
    pub authorities: Vec<Vec<u8>>,
    /// Whether Mozilla's are not trusted.
    pub own_authorities_only: bool,
    /// Pins of public keys.
    pub pins: Vec<String>,
    /// Whether a pin takes the place of the chain.
    pub pins_instead_of_chain: bool,
    /// The client's chain and key, PEM or DER.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name the receiver's certificate must be for.
    pub server_name: Option<String>,
    /// The lowest version.
    pub minimum_version: types::TlsVersion,
    /// Whether X25519MLKEM768 is offered.
    pub hybrid: bool,
    /// Certificate revocation lists, PEM or DER.
    pub revocations: Vec<Vec<u8>>,
    /// Whether anybody is trusted.
    pub insecure: bool,
}

impl Default for Tls {
    fn default() -> Self {
        Self {
            authorities: Vec::new(),
            own_authorities_only: false,
            pins: Vec::new(),
            pins_instead_of_chain: false,
            identity: None,
            server_name: None,
            minimum_version: types::TlsVersion::Tls12,
            hybrid: true,
            revocations: Vec::new(),
            insecure: false,
        }
    }
}

impl Tls {
    /// Trust in one authority alone.
    #[must_use]
    pub fn trusting(authority: &Authority) -> Self {
        Self {
            authorities: vec![authority.pem()],
            own_authorities_only: true,
            ..Self::default()
        }
    }
}

impl Settings {
    /// Nothing but TLS.
    #[must_use]
    pub fn tls(tls: Tls) -> Self {
        Self {
            tls: Some(tls),
            ..Self::default()
        }
    }
}

/// One instance of the library component, in a host of this kind.
pub struct Sandbox<H: Send + 'static = Host> {
    store: Store<H>,
    mllp: Mllp,
}

impl Sandbox {
    /// An instance that may do what `grants` say.
    ///
    /// # Panics
    /// If it cannot be instantiated.
    pub async fn new(grants: Grants) -> Self {
        let mut linker = Linker::new(engine());
        link(&mut linker).expect("the promised interfaces link");
        if grants.denied_early {
            deny_early(&mut linker).expect("one function in place of another");
        }
        if grants.narrow {
            narrow::link(&mut linker).expect("functions in place of others");
        }
        let mut store = Store::new(engine(), Host::new(grants));
        store.limiter(|host| &mut host.memory);
        Self::instantiate(store, library(), &linker)
            .await
            .expect("the component asks for no more than it promises")
    }

    /// An instance that may reach this receiver only.
    pub async fn for_receiver(receiver: &Running) -> Self {
        Self::new(Grants::none().address(receiver.address)).await
    }
}

impl<H: Send + 'static> Sandbox<H> {
    /// An instance in this store.
    ///
    /// # Errors
    /// If the linker lacks an interface.
    pub async fn instantiate(
        mut store: Store<H>,
        library: &Component,
        linker: &Linker<H>,
    ) -> Result<Self> {
        let mllp = Mllp::instantiate_async(&mut store, library, linker).await?;
        Ok(Self { store, mllp })
    }

    /// The host, with what it has seen.
    pub fn host(&self) -> &H {
        self.store.data()
    }

    /// The host, to change its mind.
    pub fn host_mut(&mut self) -> &mut H {
        self.store.data_mut()
    }

    /// Connects to the receiver, with the component's defaults.
    ///
    /// # Panics
    /// If that fails.
    pub async fn connect(&mut self, receiver: &Running) -> Client {
        self.connect_with(receiver.address, Settings::default())
            .await
            .expect("the receiver accepts")
    }

    /// Connects to an address.
    ///
    /// # Errors
    /// The component's failure.
    pub async fn connect_with(
        &mut self,
        address: SocketAddr,
        settings: Settings,
    ) -> Result<Client, types::Failure> {
        let host = address.ip().to_string();
        self.connect_to(&host, address.port(), settings).await
    }

    /// Connects to a host by name or literal.
    ///
    /// # Errors
    /// The component's failure.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn connect_to(
        &mut self,
        host: &str,
        port: u16,
        settings: Settings,
    ) -> Result<Client, types::Failure> {
        let (mllp, store) = (&self.mllp, &mut self.store);
        let options = connect_options(mllp, store, host, port, &settings).await;
        let guest = mllp.hl7_mllp_client().mllp_client();
        returns(guest.call_connect(store, options)).await
    }

    /// Replaces the client's TLS options.
    ///
    /// # Errors
    /// The component's failure.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn set_tls(&mut self, client: Client, tls: &Tls) -> Result<(), types::Failure> {
        let tls = tls_options(&self.mllp, &mut self.store, tls).await;
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        let outcome = returns(guest.call_set_tls(&mut self.store, client, tls)).await;
        returns(tls.resource_drop_async(&mut self.store)).await;
        outcome
    }

    /// Connects the client anew.
    ///
    /// # Errors
    /// The component's failure.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn reconnect(&mut self, client: Client) -> Result<(), types::Failure> {
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        returns(guest.call_reconnect(&mut self.store, client)).await
    }

    /// What the client's TLS handshake agreed on.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn tls(&mut self, client: Client) -> Option<types::TlsSession> {
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        returns(guest.call_tls(&mut self.store, client)).await
    }

    /// Sends a message.
    ///
    /// # Errors
    /// The component's failure.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn send(
        &mut self,
        client: Client,
        message: &[u8],
    ) -> Result<types::Reply, types::Failure> {
        watch::is_marked(message);
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        answers(guest.call_send(&mut self.store, client, message)).await
    }

    /// Sends a message with a timeout of its own, in milliseconds.
    ///
    /// # Errors
    /// The component's failure.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn send_within(
        &mut self,
        client: Client,
        message: &[u8],
        timeout: u32,
    ) -> Result<types::Reply, types::Failure> {
        watch::is_marked(message);
        let guest = self.mllp.hl7_mllp_client();
        let (resource, sender) = (guest.send_options(), guest.mllp_client());
        let store = &mut self.store;
        let options = returns(resource.call_constructor(&mut *store)).await;
        returns(resource.call_set_timeout(&mut *store, options, timeout)).await;
        let sent = sender.call_send_with(&mut *store, client, message, options);
        let outcome = answers(sent).await;
        returns(options.resource_drop_async(store)).await;
        outcome
    }

    /// Closes the client.
    ///
    /// # Errors
    /// The component's failure.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn close(&mut self, client: Client) -> Result<(), types::Failure> {
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        returns(guest.call_close(&mut self.store, client)).await
    }

    /// Drops the client.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn drop(&mut self, client: Client) {
        returns(client.resource_drop_async(&mut self.store)).await;
    }

    /// Whether the client is open.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn is_open(&mut self, client: Client) -> bool {
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        returns(guest.call_is_open(&mut self.store, client)).await
    }

    /// The receiver's and the client's own address.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn addresses(&mut self, client: Client) -> (String, Option<String>) {
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        let peer = returns(guest.call_peer_address(&mut self.store, client)).await;
        let local = returns(guest.call_local_address(&mut self.store, client)).await;
        (peer, local)
    }

    /// What the client did so far.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn counters(&mut self, client: Client) -> types::Counters {
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        returns(guest.call_counters(&mut self.store, client)).await
    }

    /// What happened in the client's last call.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn transcript(&mut self, client: Client) -> types::Transcript {
        let guest = self.mllp.hl7_mllp_client().mllp_client();
        returns(guest.call_transcript(&mut self.store, client)).await
    }

    /// How many connections stand aside.
    ///
    /// # Panics
    /// If the component traps or hangs.
    pub async fn connections_set_aside(&mut self) -> u32 {
        let guest = self.mllp.hl7_mllp_client();
        returns(guest.call_connections_set_aside(&mut self.store)).await
    }
}

async fn connect_options<H: Send + 'static>(
    mllp: &Mllp,
    store: &mut Store<H>,
    host: &str,
    port: u16,
    settings: &Settings,
) -> ResourceAny {
    let resource = mllp.hl7_mllp_client().connect_options();
    let options = returns(resource.call_constructor(&mut *store, host, port)).await;
    macro_rules! apply {
        ($($setter:ident($($value:expr),+) for $given:pat in $setting:ident,)+) => {$(
            for $given in settings.$setting.iter() {
                returns(resource.$setter(&mut *store, options, $($value),+)).await;
            }
        )+};
    }
    apply! {
        call_set_timeout(value) for &value in timeout,
        call_set_connect_timeout(value) for &value in connect_timeout,
        call_set_max_message_size(value) for &value in max_message_size,
        call_set_max_send_size(value) for &value in max_send_size,
        call_set_second_receiver(host, *port) for (host, port) in second_receiver,
        call_set_acknowledgment_mode(value) for &value in acknowledgment_mode,
        call_set_settle_on(value) for &value in settle_on,
        call_set_accept_timeout(value) for &value in accept_timeout,
        call_set_application_timeout(value) for &value in application_timeout,
        call_set_quiet_period(value) for &value in quiet_period,
        call_set_mllp_release(value) for &value in mllp_release,
        call_set_commit_retries(value) for &value in commit_retries,
        call_set_correlation(value) for &value in correlation,
        call_set_judging(value) for &value in judging,
        call_allow(value) for &value in allow,
        call_forbid(value) for &value in forbid,
        call_set_start_block(bytes) for bytes in start_block,
        call_set_end_block(bytes) for bytes in end_block,
        call_set_trailer(bytes) for bytes in trailer,
        call_add_repair(value) for &value in repairs,
        call_set_reconnect(value) for &value in reconnect,
        call_set_reconnect_minimum_delay(value) for &value in reconnect_minimum_delay,
        call_set_reconnect_maximum_delay(value) for &value in reconnect_maximum_delay,
        call_set_reconnect_attempts(value) for &value in reconnect_attempts,
        call_set_reconnect_time_limit(value) for &value in reconnect_time_limit,
        call_set_resend(value) for &value in resend,
        call_set_idle_limit(value) for &value in idle_limit,
        call_set_keep_alive(value) for &value in keep_alive,
        call_set_keep_alive_idle(value) for &value in keep_alive_idle,
        call_set_keep_alive_interval(value) for &value in keep_alive_interval,
        call_set_keep_alive_count(value) for &value in keep_alive_count,
    }
    if let Some(tls) = &settings.tls {
        let tls = tls_options(mllp, store, tls).await;
        returns(resource.call_set_tls(&mut *store, options, tls)).await;
        returns(tls.resource_drop_async(&mut *store)).await;
    }
    options
}

async fn tls_options<H: Send + 'static>(
    mllp: &Mllp,
    store: &mut Store<H>,
    tls: &Tls,
) -> ResourceAny {
    let resource = mllp.hl7_mllp_client().tls_options();
    let options = returns(resource.call_constructor(&mut *store)).await;
    for authorities in &tls.authorities {
        returns(resource.call_add_authorities(&mut *store, options, authorities)).await;
    }
    let only = tls.own_authorities_only;
    returns(resource.call_set_own_authorities_only(&mut *store, options, only)).await;
    for pin in &tls.pins {
        returns(resource.call_add_pin(&mut *store, options, pin)).await;
    }
    let instead = tls.pins_instead_of_chain;
    returns(resource.call_set_pins_instead_of_chain(&mut *store, options, instead)).await;
    if let Some((chain, key)) = &tls.identity {
        watch::watch_key(key);
        returns(resource.call_set_identity(&mut *store, options, chain, key)).await;
    }
    if let Some(name) = &tls.server_name {
        returns(resource.call_set_server_name(&mut *store, options, name)).await;
    }
    let version = tls.minimum_version;
    returns(resource.call_set_minimum_version(&mut *store, options, version)).await;
    returns(resource.call_set_hybrid(&mut *store, options, tls.hybrid)).await;
    for lists in &tls.revocations {
        returns(resource.call_add_revocations(&mut *store, options, lists)).await;
    }
    returns(resource.call_set_insecure(store, options, tls.insecure)).await;
    options
}

/// A call that neither traps nor hangs, and tells no content.
async fn returns<T: Debug>(call: impl Future<Output = Result<T>>) -> T {
    let returned = ends(call).await;
    watch::nothing_in("what a call returned", &returned);
    returned
}

/// A call whose reply holds what the receiver wrote, which is the caller's, and no
/// content beside.
async fn answers(
    call: impl Future<Output = Result<Result<types::Reply, types::Failure>>>,
) -> Result<types::Reply, types::Failure> {
    let answered = ends(call).await;
    match &answered {
        Ok(reply) => watch::nothing_in("a reply, beside what is the caller's", &told(reply)),
        Err(failure) => watch::nothing_in("a failure", failure),
    }
    answered
}

/// The reply without the bytes of acknowledgments and the control ids in them.
fn told(reply: &types::Reply) -> types::Reply {
    let code_of = |acknowledgment: &types::Acknowledgment| types::Acknowledgment {
        code: acknowledgment.code,
        control_id: Vec::new(),
    };
    types::Reply {
        message: Vec::new(),
        acknowledgment: reply.acknowledgment.as_ref().map(code_of),
        accept: reply.accept.as_ref().map(code_of),
        errors: reply.errors.clone(),
        warnings: reply.warnings.clone(),
        retries: reply.retries.clone(),
        ..*reply
    }
}

async fn ends<T>(call: impl Future<Output = Result<T>>) -> T {
    let ended = tokio::time::timeout(PATIENCE, call).await;
    ended.expect("the component hangs").unwrap_or_else(|trap| {
        watch::nothing_in("a trap", &trap);
        panic!("the component traps: {trap:?}")
    })
}

/// The host that gives what [`Grants`] say, and nothing else.
pub struct Host {
    ctx: WasiCtx,
    table: ResourceTable,
    memory: LinearMemory,
    pub(crate) narrow: Narrow,
    names: Option<HashMap<String, Vec<IpAddr>>>,
    silent_lookups: bool,
}

impl Host {
    /// A host that gives these.
    #[must_use]
    pub fn new(grants: Grants) -> Self {
        let addresses = grants.addresses;
        let mut ctx = WasiCtx::builder();
        ctx.allow_tcp(grants.tcp);
        if let Some(clock) = grants.clock {
            ctx.wall_clock(clock);
        }
        ctx.socket_addr_check(move |address, usage| {
            let allowed = match usage {
                // Connecting binds to the unspecified address first.
                SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
                SocketAddrUse::TcpConnect => addresses.contains(&address),
                _ => false,
            };
            Box::pin(async move { allowed })
        });
        Self {
            ctx: ctx.build(),
            table: ResourceTable::new(),
            memory: LinearMemory {
                size: 0,
                limit: grants.memory.unwrap_or(usize::MAX),
            },
            narrow: Narrow::new(),
            names: grants.names,
            silent_lookups: grants.silent_lookups,
        }
    }
}

impl Host {
    /// How large the component's linear memory is, in bytes. It never shrinks.
    #[must_use]
    pub const fn linear_memory(&self) -> usize {
        self.memory.size
    }

    /// Sets the portions in which connections' bytes go from now on, where
    /// [`Grants::narrow`] said that they do.
    pub fn narrow(&mut self, narrow: Narrow) {
        self.narrow = narrow;
    }

    /// The portions, and what went through since they were set.
    #[must_use]
    pub const fn narrowed(&self) -> &Narrow {
        &self.narrow
    }
}

/// What the component has of linear memory, and how much it may have, in bytes.
struct LinearMemory {
    size: usize,
    limit: usize,
}

impl ResourceLimiter for LinearMemory {
    fn memory_growing(&mut self, now: usize, wanted: usize, _: Option<usize>) -> Result<bool> {
        let size = self.size - now + wanted;
        let allowed = size <= self.limit;
        if allowed {
            self.size = size;
        }
        Ok(allowed)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> Result<bool> {
        Ok(true)
    }
}

/// A wall clock that stands at the time a test sets.
#[derive(Clone)]
pub struct Clock(Arc<AtomicU64>);

impl Clock {
    /// A clock that shows this many seconds since 1970-01-01T00:00:00Z.
    #[must_use]
    pub fn at(seconds: u64) -> Self {
        Self(Arc::new(AtomicU64::new(seconds)))
    }

    /// A clock that shows the time of its making.
    #[must_use]
    pub fn now() -> Self {
        let now = SystemTime::UNIX_EPOCH.elapsed().unwrap_or_default();
        Self::at(now.as_secs())
    }

    /// Sets it forward.
    pub fn advance_days(&self, days: u64) {
        self.0.fetch_add(days * 86_400, Ordering::Relaxed);
    }
}

impl HostWallClock for Clock {
    fn resolution(&self) -> Duration {
        Duration::from_secs(1)
    }

    fn now(&self) -> Duration {
        Duration::from_secs(self.0.load(Ordering::Relaxed))
    }
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.ctx,
            table: &mut self.table,
        }
    }
}

struct HasHost;

impl HasData for HasHost {
    type Data<'a> = &'a mut Host;
}

/// Links one interface.
type Link = fn(&mut Linker<Host>) -> Result<()>;

/// What `wit/world.wit` lists, with what gives it.
const INTERFACES: [(&str, Link); 11] = [
    ("wasi:io/error", |linker| {
        wasi::io::error::add_to_linker::<Host, HasTable>(linker, |host| &mut host.table)
    }),
    ("wasi:io/poll", |linker| {
        wasi::io::poll::add_to_linker::<Host, HasTable>(linker, |host| &mut host.table)
    }),
    ("wasi:io/streams", |linker| {
        wasi::io::streams::add_to_linker::<Host, HasTable>(linker, |host| &mut host.table)
    }),
    ("wasi:clocks/monotonic-clock", |linker| {
        use clocks::{WasiClocks, WasiClocksView};
        let clocks = WasiClocksView::clocks;
        wasi::clocks::monotonic_clock::add_to_linker::<Host, WasiClocks>(linker, clocks)
    }),
    ("wasi:clocks/wall-clock", |linker| {
        use clocks::{WasiClocks, WasiClocksView};
        let clocks = WasiClocksView::clocks;
        wasi::clocks::wall_clock::add_to_linker::<Host, WasiClocks>(linker, clocks)
    }),
    ("wasi:random/random", |linker| {
        wasi::random::random::add_to_linker::<Host, random::WasiRandom>(linker, |host| {
            host.ctx.random()
        })
    }),
    ("wasi:sockets/network", |linker| {
        let options = network::LinkOptions::default();
        network::add_to_linker::<Host, WasiSockets>(linker, &options, WasiSocketsView::sockets)
    }),
    ("wasi:sockets/instance-network", |linker| {
        let sockets = WasiSocketsView::sockets;
        wasi::sockets::instance_network::add_to_linker::<Host, WasiSockets>(linker, sockets)
    }),
    ("wasi:sockets/tcp", |linker| {
        let sockets = WasiSocketsView::sockets;
        wasi::sockets::tcp::add_to_linker::<Host, WasiSockets>(linker, sockets)
    }),
    ("wasi:sockets/tcp-create-socket", |linker| {
        let sockets = WasiSocketsView::sockets;
        wasi::sockets::tcp_create_socket::add_to_linker::<Host, WasiSockets>(linker, sockets)
    }),
    ("wasi:sockets/ip-name-lookup", |linker| {
        ip_name_lookup::add_to_linker::<Host, HasHost>(linker, |host| host)
    }),
];

struct HasTable;

impl HasData for HasTable {
    type Data<'a> = &'a mut ResourceTable;
}

/// Links what `wit/world.wit` lists.
fn link(linker: &mut Linker<Host>) -> Result<()> {
    if components::with_ring() {
        // It reaches randomness through preview 1, whose adapter asks for more.
        wasmtime_wasi::p2::add_to_linker_async(linker)?;
        linker.allow_shadowing(true);
    }
    link_only(linker, |_| true)
}

/// Links those of the interfaces that are wanted, and no other.
///
/// # Errors
/// If one is linked already.
pub fn link_only(linker: &mut Linker<Host>, wanted: impl Fn(&str) -> bool) -> Result<()> {
    let wanted = INTERFACES.iter().filter(|(name, _)| wanted(name));
    wanted
        .map(|(_, link)| link)
        .try_for_each(|link| link(linker))
}

/// Puts a denial in place of `start-connect`.
fn deny_early(linker: &mut Linker<Host>) -> Result<()> {
    type Arguments = (
        Resource<wasi::sockets::tcp::TcpSocket>,
        Resource<network::Network>,
        network::IpSocketAddress,
    );
    linker.allow_shadowing(true);
    linker
        .instance("wasi:sockets/tcp@0.2.12")?
        .func_wrap("[method]tcp-socket.start-connect", |_, _: Arguments| {
            Ok((Err::<(), _>(ErrorCode::AccessDenied),))
        })
}

/// Addresses still to be handed out for a lookup; `None` if it is never answered.
pub struct Answers(Option<std::vec::IntoIter<IpAddr>>);

#[wasmtime_wasi::async_trait]
impl Pollable for Answers {
    async fn ready(&mut self) {
        if self.0.is_none() {
            std::future::pending::<()>().await;
        }
    }
}

impl network::HostNetwork for Host {
    fn drop(&mut self, network: Resource<network::Network>) -> Result<()> {
        self.sockets().drop(network)
    }
}

impl network::Host for Host {
    fn convert_error_code(&mut self, error: SocketError) -> Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime_wasi::p2::bindings::io::error::Error>,
    ) -> Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}

impl ip_name_lookup::Host for &mut Host {
    async fn resolve_addresses(
        &mut self,
        _: Resource<network::Network>,
        name: String,
    ) -> Result<Resource<Answers>, SocketError> {
        if self.silent_lookups {
            return Ok(self.table.push(Answers(None))?);
        }
        // As wasmtime answers where lookups are not granted.
        let names = self
            .names
            .as_ref()
            .ok_or(ErrorCode::PermanentResolverFailure)?;
        let addresses = names.get(&name).ok_or(ErrorCode::NameUnresolvable)?;
        let answers = Answers(Some(addresses.clone().into_iter()));
        Ok(self.table.push(answers)?)
    }
}

impl ip_name_lookup::HostResolveAddressStream for &mut Host {
    async fn resolve_next_address(
        &mut self,
        answers: Resource<Answers>,
    ) -> Result<Option<network::IpAddress>, SocketError> {
        let Answers(addresses) = self.table.get_mut(&answers)?;
        let addresses = addresses.as_mut().ok_or(ErrorCode::WouldBlock)?;
        Ok(addresses.next().map(Into::into))
    }

    async fn subscribe(
        &mut self,
        answers: Resource<Answers>,
    ) -> Result<Resource<wasmtime_wasi::p2::DynPollable>> {
        wasmtime_wasi::p2::subscribe(&mut self.table, answers)
    }

    async fn drop(&mut self, answers: Resource<Answers>) -> Result<()> {
        self.table.delete(answers)?;
        Ok(())
    }
}
