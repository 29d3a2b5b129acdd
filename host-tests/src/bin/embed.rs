//! The library component in a host of one's own: `embed COMPONENT ADDRESS`.
#![allow(missing_docs)] // of what `bindgen!` makes

use std::net::SocketAddr;
use wasmtime::component::{Component, Linker, ResourceTable, bindgen};
use wasmtime::{Engine, Result, Store};
use wasmtime_wasi::{WasiCtx, WasiCtxView, WasiView, sockets::SocketAddrUse};

bindgen!({ path: "../wit", world: "mllp", with: { "wasi": wasmtime_wasi::p2::bindings::sync } });

struct Host(WasiCtx, ResourceTable);

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        let (ctx, table) = (&mut self.0, &mut self.1);
        WasiCtxView { ctx, table }
    }
}

fn main() -> Result<()> {
    let mut arguments = std::env::args().skip(1);
    let file = arguments.next().expect("the component's file");
    let receiver: SocketAddr = arguments.next().expect("an address").parse()?;
    let engine = Engine::default();
    let mut linker = Linker::new(&engine);
    wasmtime_wasi::p2::add_to_linker_sync(&mut linker)?;
    let mut ctx = WasiCtx::builder();
    ctx.allow_tcp(true); // and of all addresses, this one:
    ctx.socket_addr_check(move |address, usage| {
        let implicit_bind = matches!(usage, SocketAddrUse::TcpBind) && address.port() == 0;
        Box::pin(async move { implicit_bind || address == receiver })
    });
    let mut store = Store::new(&engine, Host(ctx.build(), ResourceTable::new()));
    let component = Component::from_file(&engine, &file)?;
    let mllp = Mllp::instantiate(&mut store, &component, &linker)?;
    let api = mllp.hl7_mllp_client();
    let (options, client) = (api.connect_options(), api.mllp_client());
    let (host, port) = (receiver.ip().to_string(), receiver.port());
    let options = options.call_constructor(&mut store, &host, port)?;
    let connection = client.call_connect(&mut store, options)??;
    let message = b"MSH|^~\\&|A|B|C|D|20261123||ADT^A08|42|T|2.5\rEVN||20261123\r";
    let reply = client.call_send(&mut store, connection, message)??;
    println!("{:?}", reply.verdict);
    Ok(())
}
