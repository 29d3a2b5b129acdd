//! The lookup policy: `wasi:sockets/ip-name-lookup`, answered by this crate. A name
//! is on the list or is not, and wasmtime knows nothing of names.

use std::collections::HashMap;
use std::io;
use std::net::IpAddr;
use std::pin::Pin;

use wasmtime::component::Resource;
use wasmtime_wasi::p2::bindings::sockets::network::{self, ErrorCode};
use wasmtime_wasi::p2::{DynPollable, Pollable, SocketError};
use wasmtime_wasi::runtime::{AbortOnDropJoinHandle, spawn};
use wasmtime_wasi::sockets::WasiSocketsView;

use crate::bindings::wasi::sockets::ip_name_lookup;
use crate::guest::Guest;

/// Addresses that come later.
pub type Lookups = Pin<Box<dyn Future<Output = io::Result<Vec<IpAddr>>> + Send>>;

/// Where addresses of allowed names come from.
pub trait Lookup: Send + Sync + 'static {
    /// The addresses of this name, which is in lower case.
    fn look_up(&self, name: String) -> Lookups;
}

/// The machine's own resolver.
#[derive(Clone, Copy, Debug, Default)]
pub struct System;

impl Lookup for System {
    fn look_up(&self, name: String) -> Lookups {
        Box::pin(async move {
            let addresses = tokio::net::lookup_host((name, 0)).await?;
            Ok(addresses
                .map(|address| address.ip().to_canonical())
                .collect())
        })
    }
}

/// A table in place of a resolver: nobody else says where a name leads.
impl Lookup for HashMap<String, Vec<IpAddr>> {
    fn look_up(&self, name: String) -> Lookups {
        let addresses = self.get(&name).cloned();
        Box::pin(async move { addresses.ok_or_else(|| io::ErrorKind::NotFound.into()) })
    }
}

/// A lookup under way, or what is left of its answers.
#[allow(unreachable_pub)] // `bindgen!` names it in a public place
pub enum Answers {
    /// Not answered yet.
    Asked(AbortOnDropJoinHandle<io::Result<Vec<IpAddr>>>),
    /// Still to be handed out.
    Left(std::vec::IntoIter<IpAddr>),
    /// There are none.
    Failed,
}

#[wasmtime_wasi::async_trait]
impl Pollable for Answers {
    async fn ready(&mut self) {
        if let Self::Asked(lookup) = self {
            *self = match lookup.await {
                Ok(addresses) => Self::Left(addresses.into_iter()),
                Err(_) => Self::Failed,
            };
        }
    }
}

impl ip_name_lookup::Host for &mut Guest {
    async fn resolve_addresses(
        &mut self,
        _: Resource<network::Network>,
        name: String,
    ) -> Result<Resource<Answers>, SocketError> {
        let lookup = self.network.look_up(&name);
        // As wasmtime answers where no lookup is granted.
        let lookup = lookup.ok_or(ErrorCode::PermanentResolverFailure)?;
        Ok(self.table.push(Answers::Asked(spawn(lookup)))?)
    }
}

impl ip_name_lookup::HostResolveAddressStream for &mut Guest {
    async fn resolve_next_address(
        &mut self,
        answers: Resource<Answers>,
    ) -> Result<Option<network::IpAddress>, SocketError> {
        match self.table.get_mut(&answers)? {
            Answers::Asked(_) => Err(ErrorCode::WouldBlock.into()),
            Answers::Left(addresses) => Ok(addresses.next().map(Into::into)),
            Answers::Failed => Err(ErrorCode::NameUnresolvable.into()),
        }
    }

    async fn subscribe(
        &mut self,
        answers: Resource<Answers>,
    ) -> wasmtime::Result<Resource<DynPollable>> {
        wasmtime_wasi::p2::subscribe(&mut self.table, answers)
    }

    async fn drop(&mut self, answers: Resource<Answers>) -> wasmtime::Result<()> {
        self.table.delete(answers)?;
        Ok(())
    }
}

// What the interface shares with the rest of `wasi:sockets` stays wasmtime's.
impl network::HostNetwork for Guest {
    fn drop(&mut self, network: Resource<network::Network>) -> wasmtime::Result<()> {
        self.sockets().drop(network)
    }
}

impl network::Host for Guest {
    fn convert_error_code(&mut self, error: SocketError) -> wasmtime::Result<ErrorCode> {
        self.sockets().convert_error_code(error)
    }

    fn network_error_code(
        &mut self,
        error: Resource<wasmtime_wasi::p2::bindings::io::error::Error>,
    ) -> wasmtime::Result<Option<ErrorCode>> {
        self.sockets().network_error_code(error)
    }
}
