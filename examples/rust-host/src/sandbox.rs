//! One engine for all instances, and what each is held to.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use wasmtime::component::{Component, Linker, ResourceTable};
use wasmtime::{
    Config, Engine, EngineWeak, InstanceAllocationStrategy, PoolingAllocationConfig, Store,
};
use wasmtime_wasi::WasiCtxBuilder;

use crate::allowed::Allowed;
use crate::bindings::wasi::sockets::ip_name_lookup;
use crate::compiled;
use crate::error::Error;
use crate::guest::{Guest, HasGuest, Memory};
use crate::lookup::{Lookup, System};
use crate::metrics::Metrics;
use crate::network::Network;

/// How long a guest may compute before the others get their turn.
const TICK: Duration = Duration::from_millis(10);

/// How many core instances a component is made of, and how many tables and linear
/// memories they have together, at the most. Ours need fewer.
const PARTS: u32 = 8;

/// What instances are held to.
#[derive(Clone, Copy, Debug)]
pub struct Limits {
    /// How many there may be at a time. Each takes 4 GiB of addresses, not of memory.
    pub instances: u32,
    /// How much linear memory each may have, in bytes. A message of the largest size
    /// (10 MiB) with a reply of the largest size takes 63 MiB.
    pub memory: usize,
    /// How long a call may take, the waiting in it too. More than the component's own
    /// timeouts, which are kept more gently.
    pub call: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            instances: 64,
            memory: 64 << 20,
            call: Duration::from_secs(90),
        }
    }
}

/// A place for instances. Clones are the same place.
#[derive(Clone)]
pub struct Sandbox {
    engine: Engine,
    linker: Linker<Guest>,
    limits: Limits,
    lookup: Arc<dyn Lookup>,
    metrics: Arc<Metrics>,
    compiled: Option<PathBuf>,
}

impl Sandbox {
    /// A place for as many instances as `limits` say, whose memory is reserved now.
    ///
    /// # Errors
    /// [`Error::Engine`], as where the machine has too few addresses.
    pub fn new(limits: Limits) -> Result<Self, Error> {
        let (engine, linker) = prepare(limits).map_err(Error::Engine)?;
        Ok(Self {
            engine,
            linker,
            limits,
            lookup: Arc::new(System),
            metrics: Arc::default(),
            compiled: None,
        })
    }

    /// Takes the addresses of allowed names from here, not from the machine.
    #[must_use]
    pub fn looking_up(mut self, lookup: impl Lookup) -> Self {
        self.lookup = Arc::new(lookup);
        self
    }

    /// Keeps compiled components in this folder, and takes them from there; only if
    /// nobody but this process's user can write to it. It is made where there is none.
    #[must_use]
    pub fn keeping_compiled(mut self, folder: &Path) -> Self {
        self.compiled = Some(folder.to_owned());
        self
    }

    /// What instances are held to.
    #[must_use]
    pub const fn limits(&self) -> &Limits {
        &self.limits
    }

    /// What went on here so far.
    #[must_use]
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    pub(crate) const fn shared_metrics(&self) -> &Arc<Metrics> {
        &self.metrics
    }

    pub(crate) const fn linker(&self) -> &Linker<Guest> {
        &self.linker
    }

    pub(crate) fn component(&self, file: &Path) -> Result<Component, Error> {
        let bytes = std::fs::read(file).map_err(|reason| Error::File {
            file: file.to_owned(),
            reason,
        })?;
        let component = match &self.compiled {
            Some(folder) => compiled::component(&self.engine, &bytes, folder),
            None => Component::new(&self.engine, bytes),
        };
        component.map_err(|reason| Error::Component {
            file: file.to_owned(),
            reason,
        })
    }

    /// Room for one instance with this network, and whatever else `ctx` grants.
    pub(crate) fn store(&self, allowed: &Allowed, mut ctx: WasiCtxBuilder) -> Store<Guest> {
        let metrics = &self.metrics;
        let network = Network::new(allowed.clone(), self.lookup.clone(), metrics.clone());
        network.grant(&mut ctx);
        let guest = Guest {
            ctx: ctx.build(),
            table: ResourceTable::new(),
            network,
            memory: Memory::new(self.limits.memory, metrics.clone()),
        };
        let mut store = Store::new(&self.engine, guest);
        store.limiter(|guest| &mut guest.memory);
        // A guest that computes lets go at every tick, so that the others get their turn
        // and its own deadline is noticed.
        store.set_epoch_deadline(1);
        store.epoch_deadline_async_yield_and_update(1);
        store
    }

    /// Waits for a call of a guest, for as long as it may take.
    pub(crate) async fn within<T>(
        &self,
        limit: Duration,
        call: impl Future<Output = wasmtime::Result<T>>,
    ) -> Result<T, Error> {
        match tokio::time::timeout(limit, call).await {
            Ok(Ok(returned)) => Ok(returned),
            Ok(Err(trap)) => Err(Error::Trapped(trap)),
            Err(_) => {
                self.metrics.stopped();
                Err(Error::OutOfTime(limit))
            }
        }
    }
}

fn prepare(limits: Limits) -> wasmtime::Result<(Engine, Linker<Guest>)> {
    let Limits {
        instances, memory, ..
    } = limits;
    let parts = instances.saturating_mul(PARTS);
    let mut pool = PoolingAllocationConfig::new();
    pool.total_component_instances(instances)
        .total_stacks(instances)
        .total_memories(instances)
        .total_core_instances(parts)
        .total_tables(parts)
        .max_memory_size(memory)
        .max_core_instances_per_component(PARTS)
        .max_tables_per_component(PARTS)
        .max_memories_per_component(1);
    let mut config = Config::new();
    config.allocation_strategy(InstanceAllocationStrategy::Pooling(pool));
    config.epoch_interruption(true);
    let engine = Engine::new(&config)?;
    tick(engine.weak());

    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_async(&mut linker)?;
    linker.allow_shadowing(true);
    ip_name_lookup::add_to_linker::<Guest, HasGuest>(&mut linker, |guest| guest)?;
    linker.allow_shadowing(false);
    Ok((engine, linker))
}

/// Advances the epoch for as long as there is an engine.
fn tick(engine: EngineWeak) {
    std::thread::spawn(move || {
        while let Some(engine) = engine.upgrade() {
            engine.increment_epoch();
            drop(engine);
            std::thread::sleep(TICK);
        }
    });
}
