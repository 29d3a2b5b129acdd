//! Addresses at which there is no receiver, or not yet.

use std::net::{IpAddr, Ipv4Addr, SocketAddr, TcpListener};

use socket2::{Domain, Socket, Type};

/// An address that neither accepts nor refuses, once its listener's queue is full.
pub struct Silent {
    /// The address.
    pub address: SocketAddr,
    _listener: Socket,
    queued: Vec<Socket>,
}

impl Default for Silent {
    fn default() -> Self {
        Self::new()
    }
}

impl Silent {
    /// One at 127.0.0.3.
    ///
    /// # Panics
    /// If the machine has no such address.
    #[must_use]
    pub fn new() -> Self {
        let mut silent = Self::hanging();
        silent.fill();
        silent
    }

    /// One whose queue has room for a sender, who gets a connection that nobody
    /// serves.
    ///
    /// # Panics
    /// If the machine has no such address.
    #[must_use]
    pub fn hanging() -> Self {
        let listener = bound(Ipv4Addr::new(127, 0, 0, 3));
        listener.listen(0).expect("a queue for one");
        Self {
            address: address(&listener),
            _listener: listener,
            queued: Vec::new(),
        }
    }

    /// Takes the places in the queue that are left.
    ///
    /// # Panics
    /// If there are no sockets left.
    pub fn fill(&mut self) {
        for _ in 0..4 {
            let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
            socket.set_nonblocking(true).expect("non-blocking");
            // In progress or done: either way it takes a place.
            let _ = socket.connect(&self.address.into());
            self.queued.push(socket);
        }
    }
}

/// An address that refuses, and that nobody else can get meanwhile.
pub struct Refusing {
    /// The address.
    pub address: SocketAddr,
    socket: Socket,
}

impl Default for Refusing {
    fn default() -> Self {
        Self::new()
    }
}

impl Refusing {
    /// One at 127.0.0.2.
    ///
    /// # Panics
    /// If the machine has no such address.
    #[must_use]
    pub fn new() -> Self {
        let socket = bound(Ipv4Addr::new(127, 0, 0, 2));
        Self {
            address: address(&socket),
            socket,
        }
    }

    /// Accepts from now on.
    ///
    /// # Panics
    /// If it cannot listen.
    #[must_use]
    pub fn listen(self) -> TcpListener {
        self.socket.listen(8).expect("a free port");
        self.socket.into()
    }
}

fn bound(ip: Ipv4Addr) -> Socket {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    let any_port = SocketAddr::new(IpAddr::V4(ip), 0);
    socket.bind(&any_port.into()).expect("a free port");
    socket
}

fn address(socket: &Socket) -> SocketAddr {
    let address = socket.local_addr().expect("the port bound");
    address.as_socket().expect("an address of TCP")
}
