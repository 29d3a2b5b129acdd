//! What can go wrong, and whose fault it is.

use std::path::PathBuf;
use std::time::Duration;

use crate::outcome::Failure;

/// What went wrong. Never holds content of a message.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The component could not do what it was asked to; the sender lives on.
    #[error("{0}")]
    Failed(#[from] Failure),

    /// The guest took longer than [`Limits::call`](crate::Limits::call) and was
    /// stopped. What became of a message is unknown.
    #[error("the guest was stopped: it took longer than {0:?}")]
    OutOfTime(Duration),

    /// The guest broke down. What became of a message is unknown.
    #[error("the guest broke down: {0:#}")]
    Trapped(wasmtime::Error),

    /// The guest was stopped or broke down in an earlier call.
    #[error("the guest has ended")]
    Ended,

    /// All of [`Limits::instances`](crate::Limits::instances) are in use.
    #[error("the sandbox is full: {0}")]
    Full(wasmtime::PoolConcurrencyLimitError),

    /// The file is not the component that it should be.
    #[error("{} is not to be run here: {reason:#}", file.display())]
    Component {
        /// Which file.
        file: PathBuf,
        /// Why not.
        reason: wasmtime::Error,
    },

    /// A file or folder.
    #[error("{}: {reason}", file.display())]
    File {
        /// Which.
        file: PathBuf,
        /// What is wrong with it.
        reason: std::io::Error,
    },

    /// wasmtime cannot be had as it is asked for, on this machine.
    #[error("no sandbox on this machine: {0:#}")]
    Engine(wasmtime::Error),
}

impl Error {
    /// What instantiating ended with.
    pub(crate) fn of_instantiating(error: wasmtime::Error) -> Self {
        match error.downcast() {
            Ok(full) => Self::Full(full),
            Err(other) => Self::Trapped(other),
        }
    }
}
