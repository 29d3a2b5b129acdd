//! A thread for each connection: the least that can stand between a client and its
//! acknowledgment.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::Instant;

use rustls::{ServerConnection, StreamOwned};

use super::{Acknowledgment, Incoming, Plan, Running, Trace, Traces, acknowledge};

/// A receiver of blocking threads.
pub(crate) struct Single {
    address: SocketAddr,
    stopping: Arc<AtomicBool>,
    traces: Traces,
    thread: JoinHandle<()>,
}

impl Single {
    /// Listens on a port of its own.
    pub(crate) fn start(plan: Plan) -> std::io::Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0")?;
        let address = listener.local_addr()?;
        let stopping = Arc::new(AtomicBool::new(false));
        let traces = Traces::default();
        let (stop, found) = (stopping.clone(), traces.clone());
        let thread = std::thread::spawn(move || accept(&listener, &plan, &stop, &found));
        Ok(Self {
            address,
            stopping,
            traces,
            thread,
        })
    }
}

impl Running for Single {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn finish(self: Box<Self>) -> Vec<Trace> {
        self.stopping.store(true, Ordering::SeqCst);
        // It waits for a connection, so here is one.
        drop(TcpStream::connect(self.address));
        let _ = self.thread.join();
        self.traces.take()
    }
}

fn accept(listener: &TcpListener, plan: &Plan, stopping: &AtomicBool, traces: &Traces) {
    std::thread::scope(|scope| {
        for socket in listener.incoming().map_while(Result::ok) {
            if stopping.load(Ordering::SeqCst) {
                return;
            }
            scope.spawn(move || traces.put(serve(socket, plan)));
        }
    });
}

/// Serves until the client ends the connection, however it does.
fn serve(socket: TcpStream, plan: &Plan) -> Trace {
    let mut trace = Trace::default();
    let _ = socket.set_nodelay(true);
    let _ = match &plan.tls {
        None => exchange(socket, plan, &mut trace),
        Some(config) => shake_hands(socket, config.clone(), &mut trace)
            .and_then(|stream| exchange(stream, plan, &mut trace)),
    };
    trace
}

fn shake_hands(
    mut socket: TcpStream,
    config: Arc<rustls::ServerConfig>,
    trace: &mut Trace,
) -> std::io::Result<StreamOwned<ServerConnection, TcpStream>> {
    let mut connection = ServerConnection::new(config).map_err(std::io::Error::other)?;
    while connection.is_handshaking() {
        connection.complete_io(&mut socket)?;
    }
    let suite = connection.negotiated_cipher_suite();
    trace.suite = suite.map(|suite| format!("{:?}", suite.suite()));
    Ok(StreamOwned::new(connection, socket))
}

fn exchange(mut stream: impl Read + Write, plan: &Plan, trace: &mut Trace) -> std::io::Result<()> {
    let mut acknowledgment = Acknowledgment::new(plan.reply);
    let mut incoming = Incoming::new(plan);
    loop {
        let bytes = match stream.read(incoming.room()) {
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
            std::thread::sleep(plan.delay);
        }
        stream.write_all(acknowledge(&mut acknowledgment, frame))?;
        trace.acknowledged.get_or_insert_with(Instant::now);
    }
}
