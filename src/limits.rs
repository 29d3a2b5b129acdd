//! Every constant of the project, with its unit and the reason for its value.

/// How long an exchange may take unless the caller says otherwise, in
/// milliseconds. The parent's default.
pub const TIMEOUT_MS_DEFAULT: u32 = 30_000;

/// The largest content of a reply, and of a message, in bytes, unless the
/// caller says otherwise; framing is not counted. The parent's default.
pub const MESSAGE_BYTES_MAX_DEFAULT: u64 = 10_485_760;

/// What one read asks for at first, in bytes. An acknowledgment fits, and the
/// host zeroes what it is asked for.
pub const READ_BYTES_MIN: usize = 4 * 1024;

/// What one read asks for at most, in bytes, once a reply proved to be long.
/// More is never given: hosts cap a read at 64 KiB.
pub const READ_BYTES_MAX: usize = 64 * 1024;

/// How much white space is skipped before a start block, or between two
/// exchanges, in bytes. A receiver that sends more is not sending frames.
pub const SPACE_BYTES_MAX: u32 = 1024;

/// After how much idleness, in milliseconds, looking at a connection gives the
/// host a moment to notice what came meanwhile. A message that follows the last
/// acknowledgment at once is not kept waiting.
pub const IDLE_MS_BEFORE_WAITING_LOOK: u64 = 10;

/// How long that moment is, in milliseconds. A host reads its sockets' events
/// only while something waits; until then a read may find nothing on a
/// connection that the kernel knows to have ended.
pub const LOOK_MS: u64 = 1;

/// How many addresses of one name are tried. Each gets a share of the deadline,
/// and thinner shares than this would serve none of them.
pub const ADDRESSES_MAX: usize = 64;

const _: () = assert!(READ_BYTES_MIN <= READ_BYTES_MAX);
const _: () = assert!(LOOK_MS < IDLE_MS_BEFORE_WAITING_LOOK);
const _: () = assert!(TIMEOUT_MS_DEFAULT > 0);
const _: () = assert!(MESSAGE_BYTES_MAX_DEFAULT <= u32::MAX as u64);
