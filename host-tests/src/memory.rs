//! How much linear memory the component needs at most.

/// What an instance with one receiver and one set of TLS options needs at most, in
/// bytes, whose largest message and largest reply have so many, framing not counted:
/// as `docs/reliability.md` says.
#[must_use]
pub const fn bound(message: usize, reply: usize) -> usize {
    3 * 1024 * 1024 + 2 * message + 4 * reply
}
