//! A host name is a script: each of its labels is a step, `test` ends it, and the
//! last step is repeated.

use alloc::string::String;
use alloc::vec::Vec;

use crate::steps::{STEPS, Step, What};

/// How far the script of each host and port is. It goes on where a client ends and
/// another one begins.
static POSITIONS: spin::Mutex<Vec<(String, u16, usize)>> = spin::Mutex::new(Vec::new());

/// The script of one host and port.
pub(crate) struct Script {
    host: String,
    port: u16,
    steps: Vec<&'static Step>,
}

impl Script {
    /// Reads a host name.
    ///
    /// # Errors
    /// The label that is no step.
    pub(crate) fn read(host: &str, port: u16) -> Result<Self, &str> {
        let labels = host.strip_suffix(".test").ok_or(host)?;
        let step = |label| {
            let found = STEPS.iter().find(|step| step.label == label);
            found.ok_or(label)
        };
        let steps: Result<_, _> = labels.split('.').map(step).collect();
        Ok(Self {
            host: host.into(),
            port,
            steps: steps?,
        })
    }

    /// The port.
    pub(crate) const fn port(&self) -> u16 {
        self.port
    }

    /// The label of the next step and what is wanted of it, if it is such a step; it
    /// is done then.
    pub(crate) fn take<T>(
        &self,
        wanted: fn(&'static What) -> Option<T>,
    ) -> Option<(&'static str, T)> {
        let mut positions = POSITIONS.lock();
        let is_mine =
            |(host, port, _): &&mut (String, u16, usize)| *host == self.host && *port == self.port;
        let position = match positions.iter_mut().find(is_mine) {
            Some((_, _, position)) => *position,
            None => {
                positions.push((self.host.clone(), self.port, 0));
                0
            }
        };
        let step = self.steps.get(position)?;
        let taken = wanted(&step.what)?;
        let next = position.saturating_add(1);
        if let Some((_, _, position)) = positions.iter_mut().find(is_mine) {
            // The last one is repeated.
            *position = next.min(self.steps.len().saturating_sub(1));
        }
        Some((step.label, taken))
    }
}
