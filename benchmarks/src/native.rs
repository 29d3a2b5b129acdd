//! The native clients in Rust: the floor, and `hl7-mllp-codec` on tokio.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::Arc;

use futures_util::SinkExt;
use hl7_mllp_codec::MllpCodec;
use rustls::{ClientConfig, ClientConnection, StreamOwned};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio_rustls::TlsConnector;
use tokio_util::bytes::BytesMut;
use tokio_util::codec::Framed;

use crate::child::{Failure, Task, side_by_side};
use crate::{messages, tls};

/// Of the acknowledgment it is looked for the end, and no more. No client that waits
/// for it can be faster on a machine than this, but by a receiver's grace.
pub(crate) fn floor(task: &Task) -> Result<(), Failure> {
    let frame = messages::frame(&std::fs::read(&task.message)?);
    let config = task.ca.as_deref().map(tls::client).transpose()?;
    let socket = TcpStream::connect(task.address())?;
    socket.set_nodelay(true)?;
    match config {
        None => exchange(socket, &frame, task.messages),
        Some(config) => {
            let connection = ClientConnection::new(config, task.address().ip().into())?;
            let mut stream = StreamOwned::new(connection, socket);
            exchange(&mut stream, &frame, task.messages)?;
            stream.conn.send_close_notify();
            Ok(stream.flush()?)
        }
    }
}

fn exchange(mut stream: impl Read + Write, frame: &[u8], messages: usize) -> Result<(), Failure> {
    let mut buffer = vec![0; 64 * 1024];
    for _ in 0..messages {
        stream.write_all(frame)?;
        stream.flush()?;
        let mut last = 0;
        loop {
            let read = stream.read(&mut buffer)?;
            let before = match read {
                0 => return Err("the receiver ended the connection".into()),
                1 => last,
                _ => buffer[read - 2],
            };
            if [before, buffer[read - 1]] == messages::END {
                break;
            }
            last = buffer[read - 1];
        }
    }
    Ok(())
}

type Framing = Framed<Box<dyn Stream>, MllpCodec>;

trait Stream: AsyncRead + AsyncWrite + Unpin + Send {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send> Stream for T {}

/// The codec as its documentation shows it, and a look at the acknowledgment's code.
pub(crate) async fn tokio(task: &Task) -> Result<(), Failure> {
    let message: Arc<[u8]> = std::fs::read(&task.message)?.into();
    let config = task.ca.as_deref().map(tls::client).transpose()?;
    let (address, messages) = (task.address(), task.messages);
    if task.connections == 0 {
        let framing = connect(address, config).await?;
        return close(send(framing, message, messages).await?).await;
    }
    side_by_side(
        task.connections,
        || connect(address, config.clone()),
        |framing| send(framing, message.clone(), messages),
        close,
    )
    .await
}

async fn connect(
    address: std::net::SocketAddr,
    config: Option<Arc<ClientConfig>>,
) -> Result<Framing, Failure> {
    let socket = tokio::net::TcpStream::connect(address).await?;
    socket.set_nodelay(true)?;
    let stream: Box<dyn Stream> = match config {
        None => Box::new(socket),
        Some(config) => {
            let connector = TlsConnector::from(config);
            Box::new(connector.connect(address.ip().into(), socket).await?)
        }
    };
    Ok(Framed::new(stream, MllpCodec::new()))
}

async fn send(
    mut framing: Framing,
    message: Arc<[u8]>,
    messages: usize,
) -> Result<Framing, Failure> {
    use futures_util::StreamExt;
    for _ in 0..messages {
        framing.send(BytesMut::from(&message[..])).await?;
        let reply = framing.next().await.ok_or("the receiver is gone")??;
        // Where MSA-1 stands in what this benchmark's receiver answers: after MSH.
        let mut segments = reply[..].split(|byte: &u8| *byte == b'\r');
        let code = segments.nth(1);
        if !code.is_some_and(|segment| segment.starts_with(b"MSA|AA|")) {
            return Err("no positive acknowledgment".into());
        }
    }
    Ok(framing)
}

async fn close(mut framing: Framing) -> Result<(), Failure> {
    Ok(framing.close().await?)
}
