//! What the host keeps for one instance.

use std::sync::Arc;

use wasmtime::ResourceLimiter;
use wasmtime::component::{HasData, ResourceTable};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView};

use crate::metrics::Metrics;
use crate::network::Network;

/// What the host keeps for one instance.
pub(crate) struct Guest {
    pub(crate) ctx: WasiCtx,
    pub(crate) table: ResourceTable,
    pub(crate) network: Network,
    pub(crate) memory: Memory,
}

/// How functions that WASI's own do not cover find their [`Guest`].
pub(crate) struct HasGuest;

impl HasData for HasGuest {
    type Data<'a> = &'a mut Guest;
}

impl WasiView for Guest {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.ctx,
            table: &mut self.table,
        }
    }
}

/// The linear memory of one instance: how much it has, and may have, in bytes.
pub(crate) struct Memory {
    size: usize,
    limit: usize,
    metrics: Arc<Metrics>,
}

impl Memory {
    pub(crate) fn new(limit: usize, metrics: Arc<Metrics>) -> Self {
        metrics.instance_began();
        Self {
            size: 0,
            limit,
            metrics,
        }
    }

    /// It never shrinks.
    pub(crate) const fn size(&self) -> usize {
        self.size
    }
}

impl ResourceLimiter for Memory {
    /// A refusal is an answer that the guest may live with: `memory.grow` gives -1.
    fn memory_growing(
        &mut self,
        now: usize,
        wanted: usize,
        _: Option<usize>,
    ) -> wasmtime::Result<bool> {
        let more = wanted.saturating_sub(now);
        let granted = more <= self.limit.saturating_sub(self.size);
        if granted {
            self.size += more;
            self.metrics.memory_grew(more);
        }
        Ok(granted)
    }

    fn table_growing(&mut self, _: usize, _: usize, _: Option<usize>) -> wasmtime::Result<bool> {
        // The pool has a bound for each.
        Ok(true)
    }
}

impl Drop for Memory {
    fn drop(&mut self) {
        self.metrics.instance_ended(self.size);
    }
}
