//! The library component, and senders: each an instance of it with one connection.

use std::path::Path;

use wasmtime::Store;
use wasmtime::component::ResourceAny;
use wasmtime_wasi::WasiCtx;

use crate::allowed::Allowed;
use crate::bindings::{Mllp, MllpPre};
use crate::error::Error;
use crate::guest::Guest;
use crate::metrics::Report;
use crate::options::Options;
use crate::outcome::{Failure, Reply};
use crate::sandbox::Sandbox;
use crate::types::Counters;

/// `mllp_client.wasm`, compiled and linked: all that instances have in common is done.
#[derive(Clone)]
pub struct Library {
    sandbox: Sandbox,
    linked: MllpPre<Guest>,
}

impl Library {
    /// Loads the component.
    ///
    /// # Errors
    /// [`Error::File`], [`Error::Component`].
    pub fn load(sandbox: &Sandbox, file: &Path) -> Result<Self, Error> {
        let component = sandbox.component(file)?;
        let linked = sandbox.linker().instantiate_pre(&component);
        let linked = linked
            .and_then(MllpPre::new)
            .map_err(|reason| Error::Component {
                file: file.to_owned(),
                reason,
            })?;
        Ok(Self {
            sandbox: sandbox.clone(),
            linked,
        })
    }

    /// A new instance, connected; it may reach `allowed` and nothing else.
    ///
    /// # Errors
    /// [`Error::Failed`] where the connection does not come about, [`Error::Full`]
    /// where there are too many instances.
    pub async fn connect(&self, allowed: &Allowed, options: &Options) -> Result<Sender, Error> {
        let sandbox = self.sandbox.clone();
        let limit = sandbox.limits().call;
        let mut store = sandbox.store(allowed, WasiCtx::builder());
        let connected = async {
            let mllp = self.linked.instantiate_async(&mut store).await?;
            let options = options.hand_in(&mllp, &mut store).await?;
            let api = mllp.hl7_mllp_client().mllp_client();
            let connected = api.call_connect(&mut store, options).await?;
            Ok((mllp, connected))
        };
        let (mllp, connected) = match sandbox.within(limit, connected).await {
            Err(Error::Trapped(error)) => Err(Error::of_instantiating(error)),
            other => other,
        }?;
        let client = connected.map_err(failed)?;
        Ok(Sender {
            report: Report::new(sandbox.shared_metrics().clone()),
            sandbox,
            store,
            mllp,
            client,
            has_ended: false,
        })
    }
}

/// One instance with one connection: one call at a time. For more at once, make more.
pub struct Sender {
    sandbox: Sandbox,
    store: Store<Guest>,
    mllp: Mllp,
    client: ResourceAny,
    report: Report,
    has_ended: bool,
}

impl Sender {
    /// Sends a message and waits for its answer.
    ///
    /// # Errors
    /// [`Error::Failed`], whose `delivery` says what is known about the message. After
    /// any other error it is unknown, as `in-doubt` says.
    pub async fn send(&mut self, message: &[u8]) -> Result<Reply, Error> {
        self.begin()?;
        let api = self.mllp.hl7_mllp_client().mllp_client();
        let call = api.call_send(&mut self.store, self.client, message);
        let outcome = self.sandbox.within(self.sandbox.limits().call, call).await;
        self.end(outcome)?.map(Reply).map_err(failed)
    }

    /// Connects anew, after a failure ended the connection.
    ///
    /// # Errors
    /// As [`Library::connect`].
    pub async fn reconnect(&mut self) -> Result<(), Error> {
        self.begin()?;
        let api = self.mllp.hl7_mllp_client().mllp_client();
        let call = api.call_reconnect(&mut self.store, self.client);
        let outcome = self.sandbox.within(self.sandbox.limits().call, call).await;
        self.end(outcome)?.map_err(failed)
    }

    /// What this sender did so far; the sandbox's [`Metrics`](crate::Metrics) take it
    /// over.
    ///
    /// # Errors
    /// [`Error::OutOfTime`], [`Error::Trapped`], [`Error::Ended`].
    pub async fn counters(&mut self) -> Result<Counters, Error> {
        self.begin()?;
        let api = self.mllp.hl7_mllp_client().mllp_client();
        let call = api.call_counters(&mut self.store, self.client);
        let outcome = self.sandbox.within(self.sandbox.limits().call, call).await;
        let counters = self.end(outcome)?;
        self.report.set(counters.clone());
        Ok(counters)
    }

    /// How much linear memory the instance has, in bytes.
    #[must_use]
    pub fn memory(&self) -> usize {
        self.store.data().memory.size()
    }

    /// Ends the connection, under TLS with its closing, and the instance with it.
    ///
    /// # Errors
    /// As [`Self::send`].
    pub async fn close(mut self) -> Result<Counters, Error> {
        self.begin()?;
        let api = self.mllp.hl7_mllp_client().mllp_client();
        let call = api.call_close(&mut self.store, self.client);
        let outcome = self.sandbox.within(self.sandbox.limits().call, call).await;
        let closed = self.end(outcome)?;
        let counters = self.counters().await?;
        closed.map(|()| counters).map_err(failed)
    }

    /// Until the call returns, the instance counts as broken: it is, if the caller drops
    /// the call halfway.
    fn begin(&mut self) -> Result<(), Error> {
        match std::mem::replace(&mut self.has_ended, true) {
            true => Err(Error::Ended),
            false => Ok(()),
        }
    }

    fn end<T>(&mut self, outcome: Result<T, Error>) -> Result<T, Error> {
        self.has_ended = outcome.is_err();
        outcome
    }
}

fn failed(failure: crate::types::Failure) -> Error {
    Error::Failed(Failure(Box::new(failure)))
}
