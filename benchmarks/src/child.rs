//! What a client that is this program itself is asked for.

use std::error::Error;
use std::net::{IpAddr, SocketAddr};
use std::path::PathBuf;

use clap::Args;

use crate::clients::Client;
use crate::{embedded, launch, native};

/// Whatever goes wrong in a client ends it. Its text holds nothing of a message.
pub(crate) type Failure = Box<dyn Error + Send + Sync>;

/// What a client is to do.
#[derive(Args, Clone, Debug)]
pub(crate) struct Task {
    /// Which client
    pub(crate) client: Client,
    #[arg(long)]
    host: IpAddr,
    #[arg(long)]
    port: u16,
    /// Over each connection
    #[arg(long)]
    pub(crate) messages: usize,
    /// The message's file
    #[arg(long)]
    pub(crate) message: PathBuf,
    /// The authority to trust; plain MLLP without
    #[arg(long)]
    pub(crate) ca: Option<PathBuf>,
    /// How many tasks with a connection each; 0 for one connection and no task
    #[arg(long, default_value_t = 0)]
    pub(crate) connections: usize,
    /// Whether instances come from wasmtime's pool
    #[arg(long)]
    pub(crate) pooled: bool,
    /// The component, to compile it now
    #[arg(long)]
    pub(crate) component: Option<PathBuf>,
    /// The component, compiled ahead
    #[arg(long)]
    pub(crate) compiled: Option<PathBuf>,
}

impl Task {
    pub(crate) const fn address(&self) -> SocketAddr {
        SocketAddr::new(self.host, self.port)
    }

    /// Does it.
    pub(crate) fn run(&self) -> Result<(), Failure> {
        match self.client {
            Client::Floor => native::floor(self),
            Client::TokioCt => current_thread()?.block_on(native::tokio(self)),
            Client::TokioMt => multi_thread()?.block_on(native::tokio(self)),
            Client::ComponentCt => current_thread()?.block_on(embedded::send(self.clone())),
            Client::ComponentMt => multi_thread()?.block_on(embedded::send(self.clone())),
            Client::ComponentMts => {
                let runtime = multi_thread()?;
                let task = runtime.spawn(embedded::send(self.clone()));
                runtime.block_on(task)?
            }
            _ => Err("this client is another program".into()),
        }
    }
}

fn current_thread() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
}

fn multi_thread() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Runtime::new()
}

/// How many connections are made at a time.
const AT_A_TIME: usize = 64;

/// Makes all connections, a task each, then sends over all of them at once, a task each
/// again, and closes them once their memory has been told.
pub(crate) async fn side_by_side<T: Send + 'static, C, S, E>(
    connections: usize,
    connect: impl Fn() -> C,
    send: impl Fn(T) -> S,
    close: impl Fn(T) -> E,
) -> Result<(), Failure>
where
    C: Future<Output = Result<T, Failure>> + Send + 'static,
    S: Future<Output = Result<T, Failure>> + Send + 'static,
    E: Future<Output = Result<(), Failure>>,
{
    let mut senders = Vec::with_capacity(connections);
    while senders.len() < connections {
        let now = AT_A_TIME.min(connections - senders.len());
        let connecting: Vec<_> = (0..now).map(|_| tokio::spawn(connect())).collect();
        for connected in connecting {
            senders.push(connected.await??);
        }
    }
    let sending: Vec<_> = senders
        .into_iter()
        .map(|sender| tokio::spawn(send(sender)))
        .collect();
    let mut senders = Vec::with_capacity(connections);
    for sent in sending {
        senders.push(sent.await??);
    }
    launch::tell_memory();
    for sender in senders {
        close(sender).await?;
    }
    Ok(())
}
