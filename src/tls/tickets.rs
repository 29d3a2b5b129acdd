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
    until: u64,
    group: Option<NamedGroup>,
    tls12: Option<Tls12ClientSessionValue>,
    /// The newest last.
    tls13: VecDeque<Tls13ClientSessionValue>,
}

impl Tickets {
    /// Sessions with this receiver may be resumed until then, in seconds since
    /// 1970-01-01T00:00:00Z: what its chain was good for when it was last checked.
    pub(super) fn good_until(&self, name: &ServerName<'static>, until: u64) {
        self.change(name.clone(), |known| known.until = until);
    }

    /// Forgets the sessions with this receiver if their time is up at `now`.
    pub(super) fn forget_expired(&self, name: &ServerName<'static>, now: u64) {
        let mut all = self.0.lock();
        all.retain(|known| known.name != *name || now <= known.until);
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
            all.drain(..1);
        }
        let mut known = Known {
            name,
            until: 0,
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

#[cfg(test)]
mod tests {
    use rustls::NamedGroup;
    use rustls::client::ClientSessionStore;
    use rustls::pki_types::ServerName;

    use super::Tickets;
    use crate::limits::TICKET_NAMES_MAX;

    fn name(text: &str) -> ServerName<'static> {
        ServerName::try_from(text).unwrap().to_owned()
    }

    #[test]
    fn what_is_known_of_a_receiver_is_forgotten_when_its_time_is_up() {
        let tickets = Tickets::default();
        let (lab, ward) = (name("lab.example"), name("ward.example"));
        for name in [&lab, &ward] {
            tickets.set_kx_hint(name.clone(), NamedGroup::X25519);
            tickets.good_until(name, 100);
        }
        tickets.forget_expired(&lab, 100);
        assert!(tickets.kx_hint(&lab).is_some());
        tickets.forget_expired(&lab, 101);
        assert!(tickets.kx_hint(&lab).is_none());
        assert!(tickets.kx_hint(&ward).is_some(), "another receiver's stays");
    }

    #[test]
    fn what_was_never_checked_is_good_for_nothing() {
        let tickets = Tickets::default();
        tickets.set_kx_hint(name("lab.example"), NamedGroup::X25519);
        tickets.forget_expired(&name("lab.example"), 1);
        assert!(tickets.kx_hint(&name("lab.example")).is_none());
    }

    #[test]
    fn the_oldest_receiver_makes_room_for_a_new_one() {
        let tickets = Tickets::default();
        for number in 0..=TICKET_NAMES_MAX {
            let name = name(&std::format!("lab{number}.example"));
            tickets.set_kx_hint(name, NamedGroup::X25519);
        }
        assert!(tickets.kx_hint(&name("lab0.example")).is_none());
        assert!(tickets.kx_hint(&name("lab1.example")).is_some());
    }
}
