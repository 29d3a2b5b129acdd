//! Messages that were settled on their accept acknowledgment: what still comes for
//! them on this connection is late, and is no other message's.

use alloc::collections::VecDeque;
use alloc::vec::Vec;

use crate::limits::{OUTSTANDING_ID_BYTES_MAX, OUTSTANDING_MAX};

/// The control ids of the last of them.
#[derive(Default)]
pub struct Outstanding(VecDeque<Vec<u8>>);

impl Outstanding {
    /// Remembers a message. One too many puts the oldest out of mind: what comes
    /// for it then is a desync.
    pub fn add(&mut self, control_id: &[u8]) {
        if control_id.is_empty() || control_id.len() > OUTSTANDING_ID_BYTES_MAX {
            return;
        }
        self.remove(control_id);
        if self.0.len() >= OUTSTANDING_MAX {
            self.0.pop_front();
        }
        self.0.push_back(control_id.to_vec());
    }

    /// Forgets a message; whether it was remembered.
    pub fn remove(&mut self, control_id: &[u8]) -> bool {
        let found = self.0.iter().position(|id| id == control_id);
        found.is_some_and(|index| self.0.remove(index).is_some())
    }

    /// Whether none is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

#[cfg(test)]
mod tests {
    use alloc::format;
    use alloc::vec;

    use super::Outstanding;
    use crate::limits::{OUTSTANDING_ID_BYTES_MAX, OUTSTANDING_MAX};

    #[test]
    fn a_message_is_remembered_until_its_acknowledgment_came() {
        let mut outstanding = Outstanding::default();
        outstanding.add(b"1");
        outstanding.add(b"1");
        assert!(outstanding.remove(b"1"));
        assert!(!outstanding.remove(b"1"));
        assert!(outstanding.is_empty());
    }

    #[test]
    fn the_oldest_is_forgotten_first() {
        let mut outstanding = Outstanding::default();
        for id in 0..=OUTSTANDING_MAX {
            outstanding.add(format!("{id}").as_bytes());
        }
        assert!(!outstanding.remove(b"0"));
        assert!(outstanding.remove(b"1"));
    }

    #[test]
    fn an_id_that_could_make_the_memory_grow_is_not_remembered() {
        let mut outstanding = Outstanding::default();
        outstanding.add(&vec![b'x'; OUTSTANDING_ID_BYTES_MAX + 1]);
        outstanding.add(b"");
        assert!(outstanding.is_empty());
    }
}
