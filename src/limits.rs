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

/// From how many bytes on the clock is read again after a write: to encrypt fewer takes
/// less than a millisecond.
pub const LONG_WRITE_BYTES: usize = 32 * 1024;

/// How much memory there has to be left, in bytes, whenever bytes are taken from the
/// receiver or are kept: for a read, for a handshake message of TLS of 64 KiB, a copy
/// and what is made of it, and for all that is small.
pub const SPARE_BYTES: usize = 256 * 1024;

/// How many times its own bytes a certificate may take to be read and told of, at
/// most: many short names, each in memory of its own, or characters that are told by
/// their numbers.
pub const CERTIFICATE_GROWTH: usize = 64;

/// How many reads look for the reason after a write failed: enough for an alert of
/// TLS behind a few records, and too few to be kept busy.
pub const READS_AFTER_LOSS_MAX: usize = 16;

/// For how long silence has to last to be an answer where MSH-15 or MSH-16 ask for
/// an acknowledgment on error or on success only, in milliseconds, unless the
/// caller says otherwise.
pub const QUIET_PERIOD_MS_DEFAULT: u32 = 2_000;

/// How many bytes a start block, an end block or a trailer of a receiver's own may
/// have: the most that Cloverleaf's `USER2` encapsulation takes.
pub const BLOCK_BYTES_MAX: usize = 31;

/// How many messages that were settled on their accept acknowledgment a connection
/// remembers, to know their application acknowledgments when they come.
pub const OUTSTANDING_MAX: usize = 256;

/// How long a control id may be to be remembered, in bytes: five times what HL7
/// v2.7 gives MSH-10, so that no message can make the memory grow.
pub const OUTSTANDING_ID_BYTES_MAX: usize = 1_000;

/// How long an accept acknowledgment that the sender owes may be, in bytes: it
/// repeats fields of the receiver's, which must not make the memory grow.
pub const OWED_BYTES_MAX: usize = 4 * 1024;

/// How much the receiver is owed at most, in bytes, before it is taken to ask for more
/// than it reads.
pub const OWED_TOTAL_BYTES_MAX: usize = 256 * 1024;

/// How many ERR segments, and repetitions of ERR-1, of one reply are told.
pub const ERROR_DETAILS_MAX: usize = 32;

/// How long a code of an ERR segment may be to be told, in bytes: a code is not
/// text.
pub const ERROR_CODE_BYTES_MAX: usize = 20;

/// The shortest time between two tries to connect, in milliseconds, unless the
/// caller says otherwise.
pub const RECONNECT_MINIMUM_DELAY_MS_DEFAULT: u32 = 100;

/// The longest, in milliseconds, unless the caller says otherwise.
pub const RECONNECT_MAXIMUM_DELAY_MS_DEFAULT: u32 = 30_000;

/// How many tries to connect one call makes at most, unless the caller says
/// otherwise.
pub const RECONNECT_ATTEMPTS_DEFAULT: u32 = 10;

/// How many failed tries to connect, and how many reasons for sending again, one call
/// tells of at most; the last ones.
pub const ATTEMPTS_TOLD_MAX: usize = 64;

/// How many entries a transcript has at most. What comes after is counted.
pub const TRANSCRIPT_ENTRIES_MAX: usize = 256;

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

/// How much plaintext goes into one record at most, in bytes (RFC 8446 section
/// 5.1).
pub const RECORD_BYTES_MAX: usize = 16 * 1024;

/// How much goes to the host in one write at most, in bytes: what wasmtime permits.
pub const WRITE_BYTES_MAX: usize = 64 * 1024;

/// What the last of several writes has at least, in bytes, where segments are short:
/// enough for two of them even where frames are jumbo.
pub const LAST_WRITE_BYTES_MIN: usize = 18 * 1024;

/// How much of the receiver's stream may stand undecided, in bytes: a handshake
/// message of 64 KiB, the largest rustls takes, in records, and a read.
pub const TLS_PENDING_BYTES_MAX: usize = 256 * 1024;

/// How many receivers' sessions one configuration remembers.
pub const TICKET_NAMES_MAX: usize = 32;

/// How many sessions of TLS 1.3 are remembered for one receiver.
pub const TICKETS_PER_NAME_MAX: usize = 4;

/// How long sessions are resumed after a full handshake at most, in seconds: seven
/// days, which is also how long a ticket of TLS 1.3 lives (RFC 8446 section 4.6.1).
pub const RESUMPTION_SECONDS_MAX: u64 = 7 * 24 * 60 * 60;

/// How many configurations of TLS an instance remembers, and with each the
/// sessions to resume.
pub const TLS_CONFIGS_MAX: usize = 16;

/// How long, in milliseconds, the first look at a TLS 1.3 connection waits at
/// most for the receiver to refuse a client certificate: twice what the handshake
/// took, but no longer than this. A receiver that accepts it mostly sends a
/// ticket, which ends the wait.
pub const FIRST_LOOK_MS_MAX: u64 = 250;

/// For how long the time of day is reckoned from the clock before it is asked for
/// again, in milliseconds: it is told in whole seconds.
pub const TIME_OF_DAY_MS_MAX: u64 = 100;

/// How long closing waits for a receiver to take TLS's closing, in milliseconds.
pub const CLOSE_MS_MAX: u64 = 1_000;

/// How far a clock may be set back before another pollable is made for a deadline, in
/// nanoseconds: more than looking at it takes it forward, see [`crate::clock::Watch`].
pub const DEADLINE_SLACK_NS: u64 = 1_000_000;

/// How many waits, reads and writes in a row may end without the host's clock having
/// moved before it counts as standing still: far more than fit between two steps of
/// the coarsest.
pub const ENDED_AT_ONE_READING_MAX: u32 = 100_000;

/// What each one after them counts as, in milliseconds, so that deadlines come.
pub const STANDSTILL_STEP_MS: u64 = 1;

const _: () = assert!(LAST_WRITE_BYTES_MIN < WRITE_BYTES_MAX / 2);
const _: () = assert!(WRITE_BYTES_MAX <= SPARE_BYTES);
const _: () = assert!(READ_BYTES_MIN <= READ_BYTES_MAX);
const _: () = assert!(4 * READ_BYTES_MAX <= SPARE_BYTES);
const _: () = assert!(LOOK_MS < IDLE_MS_BEFORE_WAITING_LOOK);
const _: () = assert!(TIMEOUT_MS_DEFAULT > 0);
const _: () = assert!(MESSAGE_BYTES_MAX_DEFAULT <= u32::MAX as u64);
