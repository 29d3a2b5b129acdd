//! An integration platform as small as it can be: the host of a plugin that was
//! composed with the library component, or with the stub.

use std::fmt::Debug;
use std::future::Future;

use wasmtime::component::{Component, Linker, ResourceAny};
use wasmtime::{Result, Store};

use crate::event::PATIENCE;
use crate::sandbox::{self, Grants, Host};
use crate::watch;

#[allow(missing_docs, unsafe_code)]
mod bindings {
    wasmtime::component::bindgen!({
        path: "../examples/plugin-rust/wit",
        world: "composed",
        exports: { default: async },
        additional_derives: [PartialEq],
    });
}

use bindings::Composed;
pub use bindings::exports::example::platform::channels;

use channels::{Outcome, Problem, Settings};

/// A channel inside the plugin.
pub type Channel = ResourceAny;

/// One instance of a plugin.
pub struct Platform {
    store: Store<Host>,
    plugin: Composed,
}

impl Platform {
    /// An instance that may do what `grants` say.
    ///
    /// # Panics
    /// If it asks for more than the library component does.
    pub async fn new(plugin: &Component, grants: Grants) -> Self {
        let mut linker = Linker::new(plugin.engine());
        sandbox::link_only(&mut linker, |_| true).expect("the promised interfaces link");
        Self::instantiate(plugin, grants, &linker).await
    }

    /// An instance that is given nothing at all.
    ///
    /// # Panics
    /// If it asks for something.
    pub async fn alone(plugin: &Component) -> Self {
        let linker = Linker::new(plugin.engine());
        Self::instantiate(plugin, Grants::none(), &linker).await
    }

    async fn instantiate(plugin: &Component, grants: Grants, linker: &Linker<Host>) -> Self {
        let mut store = Store::new(plugin.engine(), Host::new(grants));
        let plugin = Composed::instantiate_async(&mut store, plugin, linker)
            .await
            .expect("the plugin asks for no more than it promises");
        Self { store, plugin }
    }

    /// Gives the plugin its settings.
    ///
    /// # Errors
    /// What the plugin says is wrong with them.
    ///
    /// # Panics
    /// If the plugin traps or hangs.
    pub async fn open(&mut self, settings: &Settings) -> Result<Channel, String> {
        for receiver in &settings.receivers {
            let identity = receiver.tls.as_ref().and_then(|tls| tls.identity.as_ref());
            if let Some(identity) = identity {
                watch::watch_key(&identity.key);
            }
        }
        let channel = self.plugin.example_platform_channels().channel();
        ends(channel.call_open(&mut self.store, settings)).await
    }

    /// Hands it a message.
    ///
    /// # Errors
    /// The plugin's problem.
    ///
    /// # Panics
    /// If the plugin traps, hangs or tells content.
    pub async fn handle(&mut self, channel: Channel, message: &[u8]) -> Result<Outcome, Problem> {
        watch::is_marked(message);
        let returned = self.handle_unwatched(channel, message).await;
        watch::nothing_in("what a plugin returned", &returned);
        returned
    }

    /// The same with a message that no test wrote.
    ///
    /// # Errors
    /// The plugin's problem.
    ///
    /// # Panics
    /// If the plugin traps or hangs.
    pub async fn handle_unwatched(
        &mut self,
        channel: Channel,
        message: &[u8],
    ) -> Result<Outcome, Problem> {
        let guest = self.plugin.example_platform_channels().channel();
        ends(guest.call_handle(&mut self.store, channel, message)).await
    }
}

async fn ends<T: Debug>(call: impl Future<Output = Result<T>>) -> T {
    let ended = tokio::time::timeout(PATIENCE, call).await;
    ended.expect("the plugin hangs").unwrap_or_else(|trap| {
        watch::nothing_in("a trap", &trap);
        panic!("the plugin traps: {trap:?}")
    })
}
