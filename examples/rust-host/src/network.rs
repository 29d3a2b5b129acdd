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

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;
    use crate::lookup::Lookups;

    /// A resolver whose answers change from one lookup to the next.
    struct Wandering(Mutex<Vec<IpAddr>>);

    impl Lookup for Wandering {
        fn look_up(&self, _: String) -> Lookups {
            let next = self.0.lock().unwrap().pop();
            Box::pin(async move { Ok(next.into_iter().collect()) })
        }
    }

    #[tokio::test]
    async fn a_name_allows_what_it_stood_for_when_it_was_looked_up_last() {
        let (first, second): (IpAddr, IpAddr) = ([10, 0, 0, 1].into(), [10, 0, 0, 2].into());
        let lookup = Arc::new(Wandering(Mutex::new(vec![second, first])));
        let allowed = Allowed::from("lab.example:2575".parse::<crate::Receiver>().unwrap());
        let network = Network::new(allowed, lookup, Arc::default());
        let admitted = || [first, second].map(|ip| network.admits((ip, 2575).into()));
        assert_eq!(admitted(), [false, false]);
        network.look_up("LAB.example.").unwrap().await.unwrap();
        assert_eq!(admitted(), [true, false]);
        network.look_up("lab.example").unwrap().await.unwrap();
        assert_eq!(admitted(), [false, true]);
        assert!(network.look_up("other.example").is_none());
        assert_eq!(
            network.denied(),
            ["10.0.0.1:2575", "10.0.0.2:2575", "other.example"]
        );
    }

    #[test]
    fn what_a_guest_tries_in_vain_takes_no_memory_without_end() {
        let network = Network::new(Allowed::none(), Arc::new(crate::System), Arc::default());
        for port in 1..1000 {
            assert!(!network.admits(([10, 0, 0, 1], port).into()));
        }
        assert_eq!(network.denied().len(), DENIALS_KEPT);
    }
}
