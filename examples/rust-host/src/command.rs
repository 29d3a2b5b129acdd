//! The command, `mllp-send.wasm`, with the network of this crate.

use std::path::Path;
use std::time::Duration;

use wasmtime_wasi::p2::bindings::CommandPre;
use wasmtime_wasi::{I32Exit, WasiCtxBuilder};

use crate::allowed::Allowed;
use crate::error::Error;
use crate::guest::Guest;
use crate::sandbox::Sandbox;

/// `mllp-send.wasm`, or another command, compiled and linked.
#[derive(Clone)]
pub struct Command {
    sandbox: Sandbox,
    linked: CommandPre<Guest>,
}

/// How a command ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ended {
    /// Its exit status.
    pub status: i32,
    /// How much linear memory it had, in bytes.
    pub memory: usize,
    /// The addresses and names that were denied; of very many, some.
    pub denied: Vec<String>,
}

impl Command {
    /// Loads the component.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Component`].
    pub fn load(sandbox: &Sandbox, file: &Path) -> Result<Self, Error> {
        let component = sandbox.component(file)?;
        let linked = sandbox.linker().instantiate_pre(&component);
        let linked = linked
            .and_then(CommandPre::new)
            .map_err(|reason| Error::Component {
                file: file.to_owned(),
                reason,
            })?;
        Ok(Self {
            sandbox: sandbox.clone(),
            linked,
        })
    }

    /// Runs it in a new instance, for no longer than `limit`. It may reach `allowed`,
    /// and whatever `ctx` grants: arguments, folders, streams.
    ///
    /// # Errors
    /// [`Error::OutOfTime`], [`Error::Trapped`], [`Error::Full`].
    pub async fn run(
        &self,
        allowed: &Allowed,
        ctx: WasiCtxBuilder,
        limit: Option<Duration>,
    ) -> Result<Ended, Error> {
        let mut store = self.sandbox.store(allowed, ctx);
        let run = async {
            let command = self.linked.instantiate_async(&mut store).await?;
            command.wasi_cli_run().call_run(&mut store).await
        };
        let returned = self
            .sandbox
            .within(limit.unwrap_or(Duration::MAX), run)
            .await;
        let status = match returned {
            Ok(returned) => i32::from(returned.is_err()),
            Err(Error::Trapped(trap)) => match trap.downcast::<I32Exit>() {
                Ok(exit) => exit.0,
                Err(other) => return Err(Error::of_instantiating(other)),
            },
            Err(error) => return Err(error),
        };
        let guest = store.data();
        Ok(Ended {
            status,
            memory: guest.memory.size(),
            denied: guest.network.denied(),
        })
    }
}
