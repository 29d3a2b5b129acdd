//! What tests and scripts wait for instead of sleeping.

use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::time::Duration;

/// How long anything in a test may take before it counts as hung.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// Lets a connection be idle for so long that the component's look at it waits
/// for what the host has not noticed yet.
pub async fn idle() {
    tokio::time::sleep(Duration::from_millis(20)).await;
}

/// Something that happens once.
#[derive(Clone, Default)]
pub struct Event(Arc<(Mutex<bool>, Condvar)>);

impl Event {
    /// One that has not happened yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// It happens now.
    pub fn announce(&self) {
        let (happened, changed) = &*self.0;
        *happened.lock().unwrap_or_else(PoisonError::into_inner) = true;
        changed.notify_all();
    }

    /// Waits until it has happened.
    ///
    /// # Panics
    /// If it does not.
    pub fn wait(&self) {
        let (happened, changed) = &*self.0;
        let guard = happened.lock().unwrap_or_else(PoisonError::into_inner);
        let (guard, _) = changed
            .wait_timeout_while(guard, PATIENCE, |happened| !*happened)
            .unwrap_or_else(PoisonError::into_inner);
        assert!(*guard, "waited in vain for an event");
    }
}
