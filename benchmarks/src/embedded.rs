//! The component in an embedder of the plainest kind: an engine with its defaults, an
//! instance for each connection, one address allowed.

mod bindings;
mod compiled;

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use wasmtime::component::{Component, Linker, ResourceAny, ResourceTable};
use wasmtime::{Config, Engine, InstanceAllocationStrategy, PoolingAllocationConfig, Store};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::child::{Failure, Task, side_by_side};
use bindings::exports::hl7::mllp::types::Verdict;
use bindings::{Mllp, MllpPre};

/// Compiles the component into a file that [`send`] takes.
pub(crate) fn compile_ahead(component: &Path, into: &Path) -> Result<(), Failure> {
    let component = Component::from_file(&engine(None)?, component)?;
    std::fs::write(into, component.serialize()?)?;
    Ok(())
}

/// How many core instances a component is made of, and how many tables they have
/// together, at the most. Ours needs fewer.
const PARTS: u32 = 8;

/// An engine with its defaults, or with a pool for so many instances.
fn engine(pool: Option<u32>) -> wasmtime::Result<Engine> {
    let mut config = Config::new();
    if let Some(instances) = pool {
        let parts = instances.saturating_mul(PARTS);
        let mut pool = PoolingAllocationConfig::new();
        pool.total_component_instances(instances)
            .total_stacks(instances)
            .total_memories(instances)
            .total_core_instances(parts)
            .total_tables(parts)
            .max_core_instances_per_component(PARTS)
            .max_tables_per_component(PARTS)
            .max_memories_per_component(1);
        config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    }
    Engine::new(&config)
}

/// Sends over one connection, or over many, with an instance for each.
pub(crate) async fn send(task: Task) -> Result<(), Failure> {
    let pool = task
        .pooled
        .then(|| u32::try_from(task.connections))
        .transpose()?;
    let engine = engine(pool)?;
    let component = match (&task.compiled, &task.component) {
        (Some(file), _) => compiled::component(&engine, file)?,
        (None, Some(file)) => Component::from_file(&engine, file)?,
        (None, None) => return Err("the component's file is not named".into()),
    };
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    let receiver = Arc::new(Receiver {
        linked: MllpPre::new(linker.instantiate_pre(&component)?)?,
        address: task.address(),
        authority: task.ca.as_deref().map(std::fs::read).transpose()?,
    });
    let message: Arc<[u8]> = std::fs::read(&task.message)?.into();
    let messages = task.messages;
    if task.connections == 0 {
        let sender = receiver.connect().await?;
        return sender.send(message, messages).await?.close().await;
    }
    side_by_side(
        task.connections,
        || {
            let receiver = receiver.clone();
            async move { receiver.connect().await }
        },
        |sender: Sender| sender.send(message.clone(), messages),
        Sender::close,
    )
    .await
}

struct Receiver {
    linked: MllpPre<Guest>,
    address: SocketAddr,
    authority: Option<Vec<u8>>,
}

impl Receiver {
    /// A new instance, connected.
    async fn connect(&self) -> Result<Sender, Failure> {
        let mut store = Store::new(self.linked.engine(), Guest::new(self.address));
        let mllp = self.linked.instantiate_async(&mut store).await?;
        let api = mllp.hl7_mllp_client();
        let (host, port) = (self.address.ip().to_string(), self.address.port());
        let options = api
            .connect_options()
            .call_constructor(&mut store, &host, port)
            .await?;
        if let Some(authority) = &self.authority {
            let guest = api.tls_options();
            let tls = guest.call_constructor(&mut store).await?;
            guest
                .call_add_authorities(&mut store, tls, authority)
                .await?;
            guest
                .call_set_own_authorities_only(&mut store, tls, true)
                .await?;
            let guest = api.connect_options();
            guest.call_set_tls(&mut store, options, tls).await?;
            tls.resource_drop_async(&mut store).await?;
        }
        let client = api
            .mllp_client()
            .call_connect(&mut store, options)
            .await?
            .map_err(|failure| failure.explanation)?;
        Ok(Sender {
            store,
            mllp,
            client,
        })
    }
}

/// An instance with a connection.
struct Sender {
    store: Store<Guest>,
    mllp: Mllp,
    client: ResourceAny,
}

impl Sender {
    async fn send(mut self, message: Arc<[u8]>, messages: usize) -> Result<Self, Failure> {
        let api = self.mllp.hl7_mllp_client().mllp_client();
        for _ in 0..messages {
            let sent = api
                .call_send(&mut self.store, self.client, &message)
                .await?;
            let reply = sent.map_err(|failure| failure.explanation)?;
            if reply.verdict != Verdict::Applied {
                return Err("no positive acknowledgment".into());
            }
        }
        Ok(self)
    }

    async fn close(mut self) -> Result<(), Failure> {
        let api = self.mllp.hl7_mllp_client().mllp_client();
        let closed = api.call_close(&mut self.store, self.client).await?;
        Ok(closed.map_err(|failure| failure.explanation)?)
    }
}

struct Guest {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl Guest {
    /// One that may reach this address and no other.
    fn new(receiver: SocketAddr) -> Self {
        let mut ctx = WasiCtx::builder();
        ctx.allow_tcp(true);
        ctx.socket_addr_check(move |address, usage| {
            let allowed = match usage {
                // Connecting binds to the unspecified address first.
                SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
                SocketAddrUse::TcpConnect => address == receiver,
                _ => false,
            };
            Box::pin(async move { allowed })
        });
        Self {
            ctx: ctx.build(),
            table: ResourceTable::new(),
        }
    }
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.ctx,
            table: &mut self.table,
        }
    }
}
