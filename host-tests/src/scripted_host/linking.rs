//! The functions that the component imports, and no other.

use wasmtime::component::{ComponentType, Linker, Lower, Resource, ResourceType};
use wasmtime::{Result, StoreContextMut};
use wasmtime_wasi::p2::bindings::clocks::wall_clock::Datetime;
use wasmtime_wasi::p2::bindings::sockets::network::{IpAddressFamily, IpSocketAddress};
use wasmtime_wasi::p2::bindings::sockets::tcp::ShutdownType;

use super::script::Place;
use super::{Input, Lookup, Network, Output, Pollable, ScriptedHost, Socket, StreamFault};

/// Why a stream failed.
#[derive(ComponentType, Lower)]
#[component(variant)]
pub(super) enum StreamError {
    /// With more about it.
    #[component(name = "last-operation-failed")]
    LastOperationFailed(Resource<StreamFault>),
    /// No more will come, or go.
    #[component(name = "closed")]
    Closed,
}

type Caller<'a> = StoreContextMut<'a, ScriptedHost>;

/// Links all of them.
pub(super) fn link(linker: &mut Linker<ScriptedHost>) -> Result<()> {
    link_io(linker)?;
    link_clocks(linker)?;
    link_network(linker)?;
    link_tcp(linker)
}

/// A resource that is dropped without further ado.
fn resource<T: Send + 'static>(
    linker: &mut Linker<ScriptedHost>,
    interface: &str,
    name: &str,
) -> Result<()> {
    let ty = ResourceType::host::<T>();
    let drop = |mut host: Caller<'_>, resource| {
        host.data_mut()
            .table
            .delete(Resource::<T>::new_own(resource))?;
        Ok(())
    };
    linker.instance(interface)?.resource(name, ty, drop)
}

fn link_io(linker: &mut Linker<ScriptedHost>) -> Result<()> {
    const POLL: &str = "wasi:io/poll@0.2.12";
    const ERROR: &str = "wasi:io/error@0.2.12";
    const STREAMS: &str = "wasi:io/streams@0.2.12";
    resource::<Pollable>(linker, POLL, "pollable")?;
    resource::<StreamFault>(linker, ERROR, "error")?;
    resource::<Input>(linker, STREAMS, "input-stream")?;
    linker.instance(POLL)?.func_wrap(
        "poll",
        |mut host: Caller<'_>, (all,): (Vec<Resource<Pollable>>,)| {
            Ok((host.data_mut().poll(&all)?,))
        },
    )?;
    let mut streams = linker.instance(STREAMS)?;
    streams.resource(
        "output-stream",
        ResourceType::host::<Output>(),
        |mut host: Caller<'_>, output| host.data_mut().drop_output(Resource::new_own(output)),
    )?;
    streams.func_wrap(
        "[method]input-stream.read",
        |mut host: Caller<'_>, (input, bytes): (Resource<Input>, u64)| {
            Ok((host.data_mut().read(&input, bytes)?,))
        },
    )?;
    streams.func_wrap(
        "[method]input-stream.subscribe",
        |mut host: Caller<'_>, (input,): (Resource<Input>,)| {
            let table = &mut host.data_mut().table;
            let readable = Pollable::Readable(table.get(&input)?.0);
            Ok((table.push_child(readable, &input)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |mut host: Caller<'_>, (output,): (Resource<Output>,)| {
            Ok((host.data_mut().check_write(&output)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.write",
        |mut host: Caller<'_>, (output, bytes): (Resource<Output>, Vec<u8>)| {
            Ok((host.data_mut().write(&output, &bytes)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.subscribe",
        |mut host: Caller<'_>, (output,): (Resource<Output>,)| {
            let table = &mut host.data_mut().table;
            Ok((table.push_child(Pollable::Writable, &output)?,))
        },
    )
}

fn link_clocks(linker: &mut Linker<ScriptedHost>) -> Result<()> {
    let mut clock = linker.instance("wasi:clocks/monotonic-clock@0.2.12")?;
    clock.func_wrap("now", |mut host: Caller<'_>, (): ()| {
        Ok((host.data_mut().now()?,))
    })?;
    clock.func_wrap(
        "subscribe-instant",
        |mut host: Caller<'_>, (when,): (u64,)| Ok((host.data_mut().subscribe_instant(when)?,)),
    )?;
    linker
        .instance("wasi:clocks/wall-clock@0.2.12")?
        .func_wrap("now", |mut host: Caller<'_>, (): ()| {
            let (seconds, nanoseconds) = host.data_mut().time_of_day()?;
            Ok((Datetime {
                seconds,
                nanoseconds,
            },))
        })?;
    let mut random = linker.instance("wasi:random/random@0.2.12")?;
    random.func_wrap(
        "get-random-bytes",
        |mut host: Caller<'_>, (bytes,): (u64,)| Ok((host.data_mut().random_bytes(bytes)?,)),
    )?;
    random.func_wrap("get-random-u64", |mut host: Caller<'_>, (): ()| {
        Ok((host.data_mut().random_u64()?,))
    })
}

fn link_network(linker: &mut Linker<ScriptedHost>) -> Result<()> {
    const LOOKUP: &str = "wasi:sockets/ip-name-lookup@0.2.12";
    resource::<Network>(linker, "wasi:sockets/network@0.2.12", "network")?;
    resource::<Lookup>(linker, LOOKUP, "resolve-address-stream")?;
    linker
        .instance("wasi:sockets/instance-network@0.2.12")?
        .func_wrap("instance-network", |mut host: Caller<'_>, (): ()| {
            Ok((host.data_mut().network()?,))
        })?;
    let mut lookup = linker.instance(LOOKUP)?;
    lookup.func_wrap(
        "resolve-addresses",
        |mut host: Caller<'_>, (_, name): (Resource<Network>, String)| {
            Ok((host.data_mut().resolve(name)?,))
        },
    )?;
    lookup.func_wrap(
        "[method]resolve-address-stream.resolve-next-address",
        |mut host: Caller<'_>, (lookup,): (Resource<Lookup>,)| {
            Ok((host.data_mut().next_address(&lookup)?,))
        },
    )?;
    lookup.func_wrap(
        "[method]resolve-address-stream.subscribe",
        |mut host: Caller<'_>, (lookup,): (Resource<Lookup>,)| {
            Ok((host
                .data_mut()
                .table
                .push_child(Pollable::Lookup, &lookup)?,))
        },
    )
}

fn link_tcp(linker: &mut Linker<ScriptedHost>) -> Result<()> {
    const TCP: &str = "wasi:sockets/tcp@0.2.12";
    resource::<Socket>(linker, TCP, "tcp-socket")?;
    linker
        .instance("wasi:sockets/tcp-create-socket@0.2.12")?
        .func_wrap(
            "create-tcp-socket",
            |mut host: Caller<'_>, (_,): (IpAddressFamily,)| Ok((host.data_mut().create()?,)),
        )?;
    let mut tcp = linker.instance(TCP)?;
    tcp.func_wrap(
        "[method]tcp-socket.start-connect",
        |mut host: Caller<'_>,
         (socket, _, address): (Resource<Socket>, Resource<Network>, IpSocketAddress)| {
            Ok((host.data_mut().start_connect(&socket, address)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.finish-connect",
        |mut host: Caller<'_>, (socket,): (Resource<Socket>,)| {
            Ok((host.data_mut().finish_connect(&socket)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.subscribe",
        |mut host: Caller<'_>, (socket,): (Resource<Socket>,)| {
            let table = &mut host.data_mut().table;
            let connecting = Pollable::Connecting(table.get(&socket)?.0);
            Ok((table.push_child(connecting, &socket)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.local-address",
        |mut host: Caller<'_>, (_,): (Resource<Socket>,)| Ok((host.data_mut().local_address()?,)),
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.set-keep-alive-enabled",
        |mut host: Caller<'_>, (_, _): (Resource<Socket>, bool)| {
            let set = host
                .data_mut()
                .set_option("set-keep-alive-enabled", Place::KeepAlive);
            Ok((set?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.set-keep-alive-idle-time",
        |mut host: Caller<'_>, (_, _): (Resource<Socket>, u64)| {
            let place = Place::KeepAliveIdle;
            Ok((host
                .data_mut()
                .set_option("set-keep-alive-idle-time", place)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.set-keep-alive-interval",
        |mut host: Caller<'_>, (_, _): (Resource<Socket>, u64)| {
            let place = Place::KeepAliveInterval;
            Ok((host
                .data_mut()
                .set_option("set-keep-alive-interval", place)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.set-keep-alive-count",
        |mut host: Caller<'_>, (_, _): (Resource<Socket>, u32)| {
            let place = Place::KeepAliveCount;
            Ok((host.data_mut().set_option("set-keep-alive-count", place)?,))
        },
    )?;
    tcp.func_wrap(
        "[method]tcp-socket.shutdown",
        |mut host: Caller<'_>, (_, _): (Resource<Socket>, ShutdownType)| {
            Ok((host.data_mut().set_option("shutdown", Place::Shutdown)?,))
        },
    )
}
