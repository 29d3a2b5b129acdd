//! Tasks on tokio's multi-thread runtime, for more connections than threads are good
//! for.

use std::net::SocketAddr;
use std::time::Instant;

use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpSocket, TcpStream};
use tokio::runtime::Runtime;
use tokio_rustls::TlsAcceptor;

use super::{Acknowledgment, Incoming, Plan, Running, Trace, Traces, acknowledge};

/// How many connections may wait to be accepted.
const BACKLOG: u32 = 4096;

/// How long connections have to end once their client has.
const PATIENCE: std::time::Duration = std::time::Duration::from_secs(5);

/// A receiver of tasks.
pub(crate) struct Many {
    address: SocketAddr,
    connections: usize,
    traces: Traces,
    runtime: Runtime,
}

impl Many {
    /// Listens on a port of its own, for so many connections.
    pub(crate) fn start(plan: Plan, connections: usize) -> std::io::Result<Self> {
        let runtime = Runtime::new()?;
        let listener = runtime.block_on(async {
            let socket = TcpSocket::new_v4()?;
            socket.bind(SocketAddr::from(([127, 0, 0, 1], 0)))?;
            socket.listen(BACKLOG)
        })?;
        let address = listener.local_addr()?;
        let traces = Traces::default();
        runtime.spawn(accept(listener, plan, traces.clone()));
        Ok(Self {
            address,
            connections,
            traces,
            runtime,
        })
    }
}

impl Running for Many {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn finish(self: Box<Self>) -> Vec<Trace> {
        // The last connections end a moment after the process that made them.
        let begun = Instant::now();
        while self.traces.lock().len() < self.connections && begun.elapsed() < PATIENCE {
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        self.runtime.shutdown_background();
        self.traces.take()
    }
}

async fn accept(listener: TcpListener, plan: Plan, traces: Traces) {
    while let Ok((socket, _)) = listener.accept().await {
        let (plan, traces) = (plan.clone(), traces.clone());
        tokio::spawn(async move { traces.put(serve(socket, &plan).await) });
    }
}

async fn serve(socket: TcpStream, plan: &Plan) -> Trace {
    let mut trace = Trace::default();
    let _ = socket.set_nodelay(true);
    // A client that goes away has ended, whatever the error.
    let _ = match &plan.tls {
        None => exchange(socket, plan, &mut trace).await,
        Some(config) => match TlsAcceptor::from(config.clone()).accept(socket).await {
            Ok(stream) => {
                let suite = stream.get_ref().1.negotiated_cipher_suite();
                trace.suite = suite.map(|suite| format!("{:?}", suite.suite()));
                exchange(stream, plan, &mut trace).await
            }
            Err(error) => Err(error),
        },
    };
    trace
}

async fn exchange(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    plan: &Plan,
    trace: &mut Trace,
) -> std::io::Result<()> {
    let mut acknowledgment = Acknowledgment::new(plan.reply);
    let mut incoming = Incoming::new(plan);
    loop {
        let bytes = match stream.read(incoming.room()).await {
            Ok(0) | Err(_) => {
                trace.ended(incoming.filled);
                return Ok(());
            }
            Ok(bytes) => bytes,
        };
        let Some(frame) = incoming.read(bytes) else {
            continue;
        };
        trace.arrived(frame, plan);
        if !plan.delay.is_zero() {
            tokio::time::sleep(plan.delay).await;
        }
        stream
            .write_all(acknowledge(&mut acknowledgment, frame))
            .await?;
        stream.flush().await?;
        trace.acknowledged.get_or_insert_with(Instant::now);
    }
}
