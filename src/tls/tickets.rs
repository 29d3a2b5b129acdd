//! Sessions to resume, which outlive a connection. A store belongs to one
//! [`Config`](super::config::Config) and so to one set of everything that decides
//! trust; inside it sessions are kept apart by the receiver's name. rustls, too,
//! resumes a session only with the very verifier and identity it was made with.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use rustls::NamedGroup;
use rustls::client::{ClientSessionStore, Tls12ClientSessionValue, Tls13ClientSessionValue};
use rustls::pki_types::ServerName;
use spin::Mutex;

use crate::limits::{TICKET_NAMES_MAX, TICKETS_PER_NAME_MAX};

/// The store of one configuration.
#[derive(Debug, Default)]
pub(super) struct Tickets(Mutex<Vec<Known>>);

/// What is remembered of one receiver.
#[derive(Debug)]
struct Known {
    name: ServerName<'static>,
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    /// The newest last.
    tls13: VecDeque<Tls13ClientSessionValue>,
}

impl Tickets {
    /// Forgets the sessions with this receiver.
    pub(super) fn forget(&self, name: &ServerName<'static>) {
        self.0.lock().retain(|known| known.name != *name);
    }

    fn with<R>(&self, name: &ServerName<'_>, read: impl FnOnce(&mut Known) -> R) -> Option<R> {
        let mut all = self.0.lock();
        all.iter_mut().find(|known| known.name == *name).map(read)
    }

    fn change(&self, name: ServerName<'static>, change: impl FnOnce(&mut Known)) {
        let mut all = self.0.lock();
        if let Some(known) = all.iter_mut().find(|known| known.name == name) {
            return change(known);
        }
        if all.len() >= TICKET_NAMES_MAX {
            all.remove(0);
        }
        let mut known = Known {
            name,
            group: None,
            tls12: None,
            tls13: VecDeque::new(),
        };
        change(&mut known);
        all.push(known);
    }
}

impl ClientSessionStore for Tickets {
    fn set_kx_hint(&self, name: ServerName<'static>, group: NamedGroup) {
        self.change(name, |known| known.group = Some(group));
    }

    fn kx_hint(&self, name: &ServerName<'_>) -> Option<NamedGroup> {
        self.with(name, |known| known.group).flatten()
    }

    fn set_tls12_session(&self, name: ServerName<'static>, value: Tls12ClientSessionValue) {
        self.change(name, |known| known.tls12 = Some(value));
    }

    fn tls12_session(&self, name: &ServerName<'_>) -> Option<Tls12ClientSessionValue> {
        self.with(name, |known| known.tls12.clone()).flatten()
    }

    fn remove_tls12_session(&self, name: &ServerName<'static>) {
        self.with(name, |known| known.tls12 = None);
    }

    fn insert_tls13_ticket(&self, name: ServerName<'static>, value: Tls13ClientSessionValue) {
        self.change(name, |known| {
            if known.tls13.len() >= TICKETS_PER_NAME_MAX {
                known.tls13.pop_front();
            }
            known.tls13.push_back(value);
        });
    }

    /// A ticket is used once: a second use would tell an onlooker that it is the
    /// same sender (RFC 8446 appendix C.4).
    fn take_tls13_ticket(&self, name: &ServerName<'static>) -> Option<Tls13ClientSessionValue> {
        self.with(name, |known| known.tls13.pop_back()).flatten()
    }
}
