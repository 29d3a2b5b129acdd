//! The network of one guest: the allow-list, and what its names stand for.

use std::collections::{BTreeSet, HashMap};
use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, Mutex, PoisonError};

use wasmtime_wasi::WasiCtxBuilder;
use wasmtime_wasi::sockets::SocketAddrUse;

use crate::allowed::{Allowed, canonical};
use crate::lookup::Lookup;
use crate::metrics::Metrics;

/// How many denials are remembered by what they were about; a guest may try anything.
const DENIALS_KEPT: usize = 16;

/// The network of one guest.
#[derive(Clone)]
pub(crate) struct Network(Arc<Inner>);

struct Inner {
    allowed: Allowed,
    lookup: Arc<dyn Lookup>,
    metrics: Arc<Metrics>,
    known: Mutex<Known>,
}

#[derive(Default)]
struct Known {
    /// What each name stood for when this guest looked it up last.
    pins: HashMap<String, Vec<IpAddr>>,
    denied: BTreeSet<String>,
}

impl Network {
    pub(crate) fn new(allowed: Allowed, lookup: Arc<dyn Lookup>, metrics: Arc<Metrics>) -> Self {
        Self(Arc::new(Inner {
            allowed,
            lookup,
            metrics,
            known: Mutex::default(),
        }))
    }

    /// Lets a guest reach this network, and no other.
    pub(crate) fn grant(&self, ctx: &mut WasiCtxBuilder) {
        let network = self.clone();
        ctx.allow_tcp(true);
        ctx.socket_addr_check(move |address, usage| {
            let allowed = match usage {
                // Connecting binds to the unspecified address first.
                SocketAddrUse::TcpBind => address.ip().is_unspecified() && address.port() == 0,
                SocketAddrUse::TcpConnect => network.admits(address),
                _ => false,
            };
            Box::pin(async move { allowed })
        });
    }

    fn admits(&self, address: SocketAddr) -> bool {
        let Inner {
            allowed, metrics, ..
        } = &*self.0;
        let mut known = self.known();
        let pins = &known.pins;
        let stands_for = |name: &str, ip| {
            pins.get(name)
                .is_some_and(|addresses| addresses.contains(&ip))
        };
        let admitted = allowed.has_address(address, stands_for);
        if !admitted {
            metrics.denied_address();
            known.denied(address.to_string());
        }
        admitted
    }

    /// What a name stands for, which the guest may connect to from then on; `None` for
    /// a name that is not allowed.
    pub(crate) fn look_up(
        &self,
        name: &str,
    ) -> Option<impl Future<Output = std::io::Result<Vec<IpAddr>>> + Send + use<>> {
        let name = canonical(name);
        let Inner {
            allowed,
            lookup,
            metrics,
            ..
        } = &*self.0;
        if !allowed.has_name(&name) {
            metrics.denied_name();
            self.known().denied(name.escape_default().to_string());
            return None;
        }
        let asked = lookup.look_up(name.clone());
        let network = self.clone();
        Some(async move {
            let addresses = asked.await?;
            network.known().pins.insert(name, addresses.clone());
            Ok(addresses)
        })
    }

    /// The addresses and names that were denied; of very many, some.
    pub(crate) fn denied(&self) -> Vec<String> {
        self.known().denied.iter().cloned().collect()
    }

    fn known(&self) -> std::sync::MutexGuard<'_, Known> {
        self.0.known.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Known {
    fn denied(&mut self, what: String) {
        if self.denied.len() < DENIALS_KEPT {
            self.denied.insert(what);
        }
    }
}
