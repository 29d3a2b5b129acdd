//! `mllp-send.wasm` in a wasmtime with one folder, captured streams and a
//! network that allows exactly what is named, or nothing.

use std::future::poll_fn;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::task::Poll;

use wasmtime::component::{Component, Linker, Resource, ResourceTable};
use wasmtime::{Result, Store, StoreContextMut};
use wasmtime_wasi::filesystem::WasiFilesystemView;
use wasmtime_wasi::p2::bindings::Command;
use wasmtime_wasi::p2::bindings::filesystem::types::{self, HostDescriptor};
use wasmtime_wasi::p2::pipe::{MemoryInputPipe, MemoryOutputPipe};
use wasmtime_wasi::sockets::SocketAddrUse;
use wasmtime_wasi::{FsPerms, WasiCtx, WasiCtxView, WasiView};

use crate::event::PATIENCE;
use crate::{sandbox, watch};

/// Far more than a test prints.
const OUTPUT_BYTES_MAX: usize = 16 * 1024 * 1024;

/// A call of the command.
#[derive(Default)]
pub struct Call {
    program: Option<PathBuf>,
    arguments: Vec<String>,
    folder: Option<PathBuf>,
    input: Vec<u8>,
    allowed: Vec<SocketAddr>,
    lookups: bool,
    writes: bool,
    environment: Vec<(String, String)>,
    disk: Option<Disk>,
}

/// A file of which it is known how much of it is on the disk, were the power to
/// fail.
#[derive(Clone)]
pub struct Disk {
    file: PathBuf,
    synced: Arc<AtomicU64>,
}

impl Disk {
    /// Looks at this file.
    #[must_use]
    pub fn new(file: &Path) -> Self {
        Self {
            file: file.to_owned(),
            synced: Arc::default(),
        }
    }

    /// Takes from the file what was not synced, as a power failure may.
    ///
    /// # Panics
    /// If that cannot be done.
    pub fn lose_what_is_not_synced(&self) {
        let synced = self.synced.load(Ordering::SeqCst);
        match std::fs::OpenOptions::new().write(true).open(&self.file) {
            Ok(file) => file.set_len(synced).expect("a shorter file"),
            Err(_) => assert_eq!(synced, 0, "what was synced is there"),
        }
    }

    /// How long the file is, which is what a sync of it puts on the disk.
    fn length(&self) -> u64 {
        std::fs::metadata(&self.file).map_or(0, |metadata| metadata.len())
    }

    /// Rust's library asks WASI for `sync` where it says `sync_data`.
    fn watch(&self, linker: &mut Linker<Host>) -> Result<()> {
        self.watch_call(linker, "sync", true)?;
        self.watch_call(linker, "sync-data", false)
    }

    fn watch_call(&self, linker: &mut Linker<Host>, name: &str, all: bool) -> Result<()> {
        linker.allow_shadowing(true);
        let disk = self.clone();
        linker
            .instance("wasi:filesystem/types@0.2.12")?
            .func_wrap_async(
                &format!("[method]descriptor.{name}"),
                move |mut store: StoreContextMut<'_, Host>,
                      (descriptor,): (Resource<types::Descriptor>,)| {
                    let disk = disk.clone();
                    Box::new(async move {
                        let length = disk.length();
                        let mut files = store.data_mut().filesystem();
                        let synced = match all {
                            true => files.sync(descriptor).await,
                            false => files.sync_data(descriptor).await,
                        };
                        if synced.is_ok() {
                            disk.synced.store(length, Ordering::SeqCst);
                        }
                        let synced = match synced {
                            Ok(()) => Ok(()),
                            Err(error) => Err(error.downcast()?),
                        };
                        Ok((synced,))
                    })
                },
            )
    }
}

/// What came of it.
#[derive(Debug)]
pub struct Outcome {
    /// Whether the exit status was 0.
    pub success: bool,
    /// Standard output.
    pub output: String,
    /// Standard error.
    pub errors: String,
}

impl Outcome {
    /// Standard error but for the summary, whose times are never the same.
    #[must_use]
    pub fn remarks(&self) -> String {
        let lines = self.errors.split_inclusive('\n');
        lines
            .filter(|line| !line.starts_with("mllp-send: summary: "))
            .collect()
    }
}

impl Call {
    /// The command with these arguments.
    #[must_use]
    pub fn new<A: ToString>(arguments: &[A]) -> Self {
        Self {
            arguments: arguments.iter().map(ToString::to_string).collect(),
            ..Self::default()
        }
    }

    /// Another command than `mllp-send`.
    #[must_use]
    pub fn program(mut self, file: &Path) -> Self {
        self.program = Some(file.to_owned());
        self
    }

    /// Lets it read this folder, as its working directory.
    #[must_use]
    pub fn folder(mut self, folder: &Path) -> Self {
        self.folder = Some(folder.to_owned());
        self
    }

    /// Lets it write to its folder, too.
    #[must_use]
    pub const fn allow_writing(mut self) -> Self {
        self.writes = true;
        self
    }

    /// Gives it this variable of the environment.
    #[must_use]
    pub fn variable(mut self, name: &str, value: &str) -> Self {
        self.environment.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Keeps account of what it syncs of this file.
    #[must_use]
    pub fn disk(mut self, disk: &Disk) -> Self {
        self.disk = Some(disk.clone());
        self
    }

    /// Gives it this standard input.
    #[must_use]
    pub fn input(mut self, input: &[u8]) -> Self {
        self.input = input.to_vec();
        self
    }

    /// Lets it connect to this address.
    #[must_use]
    pub fn allow(mut self, address: SocketAddr) -> Self {
        self.allowed.push(address);
        self
    }

    /// Lets it look names up, as wasmtime does that.
    #[must_use]
    pub const fn allow_lookups(mut self) -> Self {
        self.lookups = true;
        self
    }

    /// Runs it until it has had to wait for its host so many times, and kills it
    /// there: none of its code runs any more, and its connections end. `None` if it
    /// was killed; what came of it if it ended before.
    ///
    /// # Panics
    /// If it traps or hangs, or is killed within an asynchronous function.
    #[must_use]
    pub fn killed_at(self, waits: usize) -> Option<Outcome> {
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .expect("a runtime");
        let mut run = Box::pin(self.run());
        let mut waited = 0;
        let outcome = runtime.block_on(poll_fn(|context| match run.as_mut().poll(context) {
            Poll::Ready(outcome) => Poll::Ready(Some(outcome)),
            Poll::Pending if waited == waits => Poll::Ready(None),
            Poll::Pending => {
                waited += 1;
                Poll::Pending
            }
        }));
        {
            let _inside = runtime.enter();
            drop(run);
        }
        // What the host had begun to write for it is written to its end meanwhile, as
        // a kernel does it for a process that was killed.
        drop(runtime);
        outcome
    }

    /// Runs it.
    ///
    /// # Panics
    /// If it traps or hangs.
    pub async fn run(self) -> Outcome {
        watch::is_marked(&self.input);
        if let Some(folder) = &self.folder {
            watch_files(folder);
        }
        let is_another = self.program.is_some();
        let shows_acknowledgments = self.arguments.iter().any(|argument| argument == "--ack");
        let output = MemoryOutputPipe::new(OUTPUT_BYTES_MAX);
        let errors = MemoryOutputPipe::new(OUTPUT_BYTES_MAX);
        let mut ctx = WasiCtx::builder();
        ctx.arg("mllp-send").args(&self.arguments);
        ctx.envs(&self.environment);
        ctx.stdin(MemoryInputPipe::new(self.input));
        ctx.stdout(output.clone()).stderr(errors.clone());
        if let Some(folder) = self.folder {
            let permissions = match self.writes {
                true => FsPerms::ReadWrite,
                false => FsPerms::ReadOnly,
            };
            ctx.preopened_dir(folder, ".", permissions)
                .expect("the folder");
        }
        ctx.allow_tcp(!self.allowed.is_empty());
        ctx.allow_ip_name_lookup(self.lookups);
        let allowed = self.allowed;
        ctx.socket_addr_check(move |address, usage| {
            let yes = match usage {
                SocketAddrUse::TcpBind => address.ip().is_unspecified(),
                SocketAddrUse::TcpConnect => allowed.contains(&address),
                _ => false,
            };
            Box::pin(async move { yes })
        });
        let mut linker = Linker::new(sandbox::engine());
        wasmtime_wasi::p2::add_to_linker_async(&mut linker).expect("WASI links");
        if let Some(disk) = self.disk {
            disk.watch(&mut linker).expect("the disk links");
        }
        let host = Host {
            ctx: ctx.build(),
            table: ResourceTable::new(),
        };
        let mut store = Store::new(sandbox::engine(), host);
        let program = self.program.map(|file| {
            Component::from_file(sandbox::engine(), file).expect("the program compiles")
        });
        let program = program.as_ref().unwrap_or_else(|| component());
        let command = Command::instantiate_async(&mut store, program, &linker)
            .await
            .expect("the command instantiates");
        let run = command.wasi_cli_run().call_run(&mut store);
        let ended = tokio::time::timeout(PATIENCE, run)
            .await
            .expect("the command hangs");
        let success = match ended {
            Ok(result) => result.is_ok(),
            Err(trap) => match trap.downcast_ref::<wasmtime_wasi::I32Exit>() {
                Some(exit) => exit.0 == 0,
                None => {
                    watch::nothing_in("a trap", &trap);
                    watch::nothing_in_text("standard error before a trap", &errors.contents());
                    panic!("the command traps: {trap:?}")
                }
            },
        };
        watch::nothing_in_text("standard error", &errors.contents());
        if !shows_acknowledgments && !is_another {
            watch::nothing_in_text("standard output", &output.contents());
        }
        Outcome {
            success,
            output: String::from_utf8_lossy(&output.contents()).into_owned(),
            errors: String::from_utf8_lossy(&errors.contents()).into_owned(),
        }
    }
}

/// What the command may read: keys, and messages that must be marked.
fn watch_files(folder: &Path) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        match path.extension().and_then(|extension| extension.to_str()) {
            Some("hl7") => watch::is_marked(&std::fs::read(path).unwrap_or_default()),
            _ if path.is_file() => watch::watch_key(&std::fs::read(path).unwrap_or_default()),
            _ => {}
        }
    }
}

fn component() -> &'static Component {
    static COMMAND: OnceLock<Component> = OnceLock::new();
    COMMAND.get_or_init(|| {
        let path = &sandbox::components().command;
        Component::from_file(sandbox::engine(), path).expect("the command compiles")
    })
}

struct Host {
    ctx: WasiCtx,
    table: ResourceTable,
}

impl WasiView for Host {
    fn ctx(&mut self) -> WasiCtxView<'_> {
        WasiCtxView {
            ctx: &mut self.ctx,
            table: &mut self.table,
        }
    }
}
