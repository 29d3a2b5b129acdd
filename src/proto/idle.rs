//! What stands unread on the connection between two exchanges. It belongs to no
//! message: white space is skipped and told, anything else is a desync, found
//! before the next message leaves.

use super::frame::{START_BLOCK, is_space};
use crate::error::Desync;
use crate::limits::SPACE_BYTES_MAX;

/// What came since the last frame ended, as far as it matters.
#[derive(Debug, Default)]
pub struct Idle {
    space: u32,
    desync: Option<Desync>,
}

impl Idle {
    /// Takes bytes that came after a frame, or on an idle connection.
    pub fn receive(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            if self.desync.is_some() {
                return;
            }
            if is_space(byte) && self.space < SPACE_BYTES_MAX {
                self.space += 1;
            } else if byte == START_BLOCK {
                self.desync = Some(Desync::UnreadFrame);
            } else {
                self.desync = Some(Desync::UnreadBytes);
            }
        }
    }

    /// What keeps the connection from being used again.
    #[must_use]
    pub const fn desync(&self) -> Option<Desync> {
        self.desync
    }

    /// Counts the white space skipped since last asked.
    pub fn take_space(&mut self) -> u32 {
        core::mem::take(&mut self.space)
    }
}

#[cfg(test)]
mod tests {
    use super::Idle;
    use crate::error::Desync;
    use crate::limits::SPACE_BYTES_MAX;

    #[test]
    fn white_space_is_skipped_and_counted_once() {
        let mut idle = Idle::default();
        idle.receive(b"\n");
        idle.receive(b"\r ");
        assert_eq!(
            (idle.desync(), idle.take_space(), idle.take_space()),
            (None, 3, 0)
        );
    }

    #[test]
    fn a_frame_and_other_bytes_are_told_apart() {
        for (bytes, desync) in [
            (&b"\n\x0BMSH"[..], Desync::UnreadFrame),
            (b"MSH", Desync::UnreadBytes),
            (b"\x1C\r", Desync::UnreadBytes),
        ] {
            let mut idle = Idle::default();
            idle.receive(bytes);
            assert_eq!(idle.desync(), Some(desync));
        }
    }

    #[test]
    fn endless_white_space_is_a_desync() {
        let mut idle = Idle::default();
        idle.receive(&[b'\n'; SPACE_BYTES_MAX as usize]);
        assert_eq!(idle.desync(), None);
        idle.receive(b"\n");
        assert_eq!(idle.desync(), Some(Desync::UnreadBytes));
    }
}
