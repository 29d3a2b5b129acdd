//! The standard streams of several instances, of which each line stays whole.

use std::io::{self, Write};
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use tokio::io::AsyncWrite;
use wasmtime_wasi::cli::{IsTerminal, StdoutStream};

/// A stream of one instance. What is written is told line by line.
#[derive(Clone)]
pub(crate) struct Lines(Arc<Begun>);

struct Begun {
    line: Mutex<Vec<u8>>,
    to: fn(&[u8]) -> io::Result<()>,
}

impl Lines {
    /// To standard output.
    pub(crate) fn output() -> Self {
        Self::to(|lines| io::stdout().lock().write_all(lines))
    }

    /// To standard error.
    pub(crate) fn errors() -> Self {
        Self::to(|lines| io::stderr().lock().write_all(lines))
    }

    fn to(to: fn(&[u8]) -> io::Result<()>) -> Self {
        let line = Mutex::default();
        Self(Arc::new(Begun { line, to }))
    }

    fn take(&self, bytes: &[u8]) -> io::Result<()> {
        let Begun { line, to } = &*self.0;
        let mut line = line.lock().unwrap_or_else(PoisonError::into_inner);
        line.extend_from_slice(bytes);
        let Some(end) = line.iter().rposition(|byte| *byte == b'\n') else {
            return Ok(());
        };
        let rest = line.split_off(end + 1);
        let whole = std::mem::replace(&mut *line, rest);
        to(&whole)
    }
}

impl Drop for Begun {
    /// A last line without its end.
    fn drop(&mut self) {
        let line = self.line.get_mut().unwrap_or_else(PoisonError::into_inner);
        if !line.is_empty() {
            line.push(b'\n');
            let _ = (self.to)(line);
        }
    }
}

impl AsyncWrite for Lines {
    fn poll_write(
        self: Pin<&mut Self>,
        _: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Poll::Ready(self.take(bytes).map(|()| bytes.len()))
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }
}

impl IsTerminal for Lines {
    fn is_terminal(&self) -> bool {
        false
    }
}

impl StdoutStream for Lines {
    fn async_stream(&self) -> Box<dyn AsyncWrite + Send + Sync> {
        Box::new(self.clone())
    }
}
