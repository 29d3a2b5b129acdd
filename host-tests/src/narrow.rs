//! A host that hands over a connection's bytes in whatever portions a test wants: it
//! ends reads where it is told to, permits little, and breaks after so many bytes.
//! The sockets are real.

use wasmtime::component::{Linker, Resource};
use wasmtime::{Result, StoreContextMut, ensure};
use wasmtime_wasi::p2::bindings::io::streams::{
    self, Host as _, HostInputStream, HostOutputStream,
};
use wasmtime_wasi::p2::{DynInputStream, DynOutputStream, StreamError, StreamResult};
use wasmtime_wasi::{ResourceTable, WasiView};

use crate::sandbox::Host;

/// Where reads end.
#[derive(Clone, Debug, Default)]
enum Cuts {
    #[default]
    Nowhere,
    At(u64),
    Everywhere,
}

/// The portions, and what went through since they were set. All of it is about
/// whatever connection is read from and written to.
#[derive(Clone, Debug, Default)]
pub struct Narrow {
    cuts: Cuts,
    /// After how many bytes the receiver ends the connection.
    ends_after: Option<u64>,
    permit: Option<u64>,
    /// After how many bytes the connection takes no more.
    breaks_after: Option<u64>,
    read: u64,
    written: u64,
    /// How much was permitted last, and how often bytes were taken.
    permitted: u64,
    writes: u64,
    /// The last read ended at a cut: the next one finds nothing.
    at_cut: bool,
    cuts_met: u64,
}

impl Narrow {
    /// As a host does it by itself.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// After this many bytes a read ends, and the next one finds nothing.
    #[must_use]
    pub fn cut_at(mut self, bytes: u64) -> Self {
        self.cuts = Cuts::At(bytes);
        self
    }

    /// Every read gives one byte, and every other one nothing.
    #[must_use]
    pub fn cut_everywhere(mut self) -> Self {
        self.cuts = Cuts::Everywhere;
        self
    }

    /// After this many bytes the receiver seems to have ended the connection.
    #[must_use]
    pub fn ends_after(mut self, bytes: u64) -> Self {
        self.ends_after = Some(bytes);
        self
    }

    /// No more is permitted at a time.
    #[must_use]
    pub fn permit(mut self, bytes: u64) -> Self {
        self.permit = Some(bytes);
        self
    }

    /// After this many bytes nothing can be written any more.
    #[must_use]
    pub fn breaks_after(mut self, bytes: u64) -> Self {
        self.breaks_after = Some(bytes);
        self
    }

    /// How many bytes were read.
    #[must_use]
    pub const fn read(&self) -> u64 {
        self.read
    }

    /// How many bytes were written.
    #[must_use]
    pub const fn written(&self) -> u64 {
        self.written
    }

    /// In how many writes.
    #[must_use]
    pub const fn writes(&self) -> u64 {
        self.writes
    }

    /// How often bytes were cut apart.
    #[must_use]
    pub const fn cuts_met(&self) -> u64 {
        self.cuts_met
    }

    /// How many bytes a read may give that asks for so many; `None` at the end.
    fn readable(&mut self, asked: u64) -> Option<u64> {
        let left = self.ends_after.map(|end| end.saturating_sub(self.read));
        if left == Some(0) {
            return None;
        }
        if std::mem::take(&mut self.at_cut) {
            return Some(0);
        }
        let until_cut = match self.cuts {
            Cuts::At(cut) if cut > self.read => Some(cut - self.read),
            Cuts::At(_) | Cuts::Nowhere => None,
            Cuts::Everywhere => Some(1),
        };
        [left, until_cut].into_iter().flatten().chain([asked]).min()
    }

    fn has_read(&mut self, bytes: u64) {
        self.read += bytes;
        self.at_cut = bytes > 0
            && match self.cuts {
                Cuts::At(cut) => cut == self.read,
                Cuts::Nowhere => false,
                Cuts::Everywhere => true,
            };
        self.cuts_met += u64::from(self.at_cut);
    }

    /// How much may be written of what the socket permits; `None` if it broke.
    fn writable(&self, permitted: u64) -> Option<u64> {
        let left = self.breaks_after.map(|most| most - self.written);
        if left == Some(0) {
            return None;
        }
        [left, self.permit]
            .into_iter()
            .flatten()
            .chain([permitted])
            .min()
    }
}

type Caller<'a> = StoreContextMut<'a, Host>;

/// Puts these in place of the functions of `wasi:io/streams` that go by portions.
pub(crate) fn link(linker: &mut Linker<Host>) -> Result<()> {
    linker.allow_shadowing(true);
    let mut streams = linker.instance("wasi:io/streams@0.2.12")?;
    streams.func_wrap(
        "[method]input-stream.read",
        |mut host: Caller<'_>, (input, asked): (Resource<DynInputStream>, u64)| {
            let host = host.data_mut();
            let outcome = match host.narrow.readable(asked) {
                Some(bytes) => HostInputStream::read(host.ctx().table, input, bytes),
                None => Err(StreamError::Closed),
            };
            if let Ok(bytes) = &outcome {
                host.narrow.has_read(bytes.len() as u64);
            }
            Ok((told(host.ctx().table, outcome)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.check-write",
        |mut host: Caller<'_>, (output,): (Resource<DynOutputStream>,)| {
            let host = host.data_mut();
            let permitted = HostOutputStream::check_write(host.ctx().table, output);
            let outcome =
                permitted.and_then(|bytes| host.narrow.writable(bytes).ok_or(StreamError::Closed));
            host.narrow.permitted = *outcome.as_ref().unwrap_or(&0);
            Ok((told(host.ctx().table, outcome)?,))
        },
    )?;
    streams.func_wrap(
        "[method]output-stream.write",
        |mut host: Caller<'_>, (output, bytes): (Resource<DynOutputStream>, Vec<u8>)| {
            let host = host.data_mut();
            let size = bytes.len() as u64;
            ensure!(
                size <= std::mem::take(&mut host.narrow.permitted),
                "the component writes more than it may"
            );
            host.narrow.written += size;
            host.narrow.writes += 1;
            let outcome = HostOutputStream::write(host.ctx().table, output, bytes);
            Ok((told(host.ctx().table, outcome)?,))
        },
    )
}

fn told<T>(
    table: &mut ResourceTable,
    outcome: StreamResult<T>,
) -> Result<Result<T, streams::StreamError>> {
    match outcome {
        Ok(done) => Ok(Ok(done)),
        Err(error) => Ok(Err(table.convert_stream_error(error)?)),
    }
}
