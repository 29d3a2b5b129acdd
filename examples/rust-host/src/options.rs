//! How to connect: of the component's options those that most hosts need. The others
//! are set in the same way.

use std::time::Duration;

use wasmtime::component::ResourceAny;
use wasmtime::{Result, Store};

use crate::allowed::Receiver;
use crate::bindings::Mllp;
use crate::guest::Guest;

/// How to connect. What is `None` keeps the component's default.
#[derive(Clone)]
pub struct Options {
    /// Whom to connect to.
    pub receiver: Receiver,
    /// How long an exchange may take, and connecting.
    pub timeout: Option<Duration>,
    /// Whether a lost connection is made anew by the next message.
    pub reconnect: bool,
    /// How to speak TLS; plain MLLP without.
    pub tls: Option<Tls>,
}

/// How to speak TLS. All files as bytes, PEM or DER: the guest has none.
#[derive(Clone, Default)]
pub struct Tls {
    /// Certificate authorities to trust; without any, Mozilla's.
    pub authorities: Vec<Vec<u8>>,
    /// The sender's certificate chain and its key.
    pub identity: Option<(Vec<u8>, Vec<u8>)>,
    /// The name that the receiver's certificate must be for, where it is not the host.
    pub server_name: Option<String>,
}

impl Options {
    /// The defaults, to this receiver.
    #[must_use]
    pub const fn to(receiver: Receiver) -> Self {
        Self {
            receiver,
            timeout: None,
            reconnect: false,
            tls: None,
        }
    }

    /// The same as a resource inside the guest.
    pub(crate) async fn hand_in(
        &self,
        mllp: &Mllp,
        store: &mut Store<Guest>,
    ) -> Result<ResourceAny> {
        let api = mllp.hl7_mllp_client().connect_options();
        let (host, port) = (self.receiver.host(), self.receiver.port());
        let options = api.call_constructor(&mut *store, &host, port).await?;
        if let Some(timeout) = self.timeout {
            let milliseconds = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
            api.call_set_timeout(&mut *store, options, milliseconds)
                .await?;
        }
        api.call_set_reconnect(&mut *store, options, self.reconnect)
            .await?;
        if let Some(tls) = &self.tls {
            let tls = tls.hand_in(mllp, store).await?;
            api.call_set_tls(&mut *store, options, tls).await?;
            tls.resource_drop_async(store).await?;
        }
        Ok(options)
    }
}

impl Tls {
    async fn hand_in(&self, mllp: &Mllp, store: &mut Store<Guest>) -> Result<ResourceAny> {
        let api = mllp.hl7_mllp_client().tls_options();
        let options = api.call_constructor(&mut *store).await?;
        for authorities in &self.authorities {
            api.call_add_authorities(&mut *store, options, authorities)
                .await?;
        }
        let only = !self.authorities.is_empty();
        api.call_set_own_authorities_only(&mut *store, options, only)
            .await?;
        if let Some((chain, key)) = &self.identity {
            api.call_set_identity(&mut *store, options, chain, key)
                .await?;
        }
        if let Some(name) = &self.server_name {
            api.call_set_server_name(&mut *store, options, name).await?;
        }
        Ok(options)
    }
}
