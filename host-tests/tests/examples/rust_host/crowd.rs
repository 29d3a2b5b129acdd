//! A receiver that keeps every sender waiting until all of them have connected.

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::{Arc, Barrier};
use std::thread::JoinHandle;

use host_tests::event::PATIENCE;
use host_tests::messages::{ack, control_id, frame};

/// Acknowledges what comes over so many connections, once there are that many.
pub(crate) struct Crowd {
    pub(crate) address: SocketAddr,
    thread: JoinHandle<Vec<Vec<Vec<u8>>>>,
}

impl Crowd {
    pub(crate) fn of(connections: usize) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let all_are_here = Arc::new(Barrier::new(connections));
        let thread = std::thread::spawn(move || {
            let serving = (0..connections).map(|_| {
                let (socket, _) = listener.accept().unwrap();
                let all_are_here = all_are_here.clone();
                std::thread::spawn(move || {
                    all_are_here.wait();
                    serve(socket)
                })
            });
            let serving: Vec<_> = serving.collect();
            let served = serving.into_iter().map(|thread| thread.join().unwrap());
            served.collect()
        });
        Self { address, thread }
    }

    /// The messages of each connection, in their order.
    pub(crate) fn finish(self) -> Vec<Vec<Vec<u8>>> {
        self.thread.join().unwrap()
    }
}

fn serve(mut socket: TcpStream) -> Vec<Vec<u8>> {
    socket.set_read_timeout(Some(PATIENCE)).unwrap();
    let mut unread = Vec::new();
    let mut messages = Vec::new();
    let mut buffer = [0; 4096];
    loop {
        while let Some(end) = unread.windows(2).position(|bytes| bytes == b"\x1C\r") {
            let framed: Vec<u8> = unread.drain(..end + 2).collect();
            let message = framed[1..end].to_vec();
            let id = String::from_utf8(control_id(&message)).unwrap();
            socket.write_all(&frame(&ack("AA", &id))).unwrap();
            messages.push(message);
        }
        match socket.read(&mut buffer).unwrap() {
            0 => return messages,
            read => unread.extend_from_slice(&buffer[..read]),
        }
    }
}
