//! Everything that goes wrong, or in an unusual way.

macro_rules! faults {
    ($($(#[$doc:meta])* $fault:ident $word:literal,)*) => {
        /// A kind of fault.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Fault {
            $($(#[$doc])* $fault,)*
        }

        impl Fault {
            /// All kinds.
            pub const ALL: &[Self] = &[$(Self::$fault),*];

            /// Its name in reports.
            #[must_use]
            pub const fn word(self) -> &'static str {
                match self {
                    $(Self::$fault => $word,)*
                }
            }
        }
    };
}

faults! {
    // The host and the network, in ways that change nothing.
    /// What the receiver says comes in pieces, cut anywhere.
    Split "split",
    /// A read gives less than there is.
    ShortRead "short-read",
    /// The host takes a part of a write.
    PartialWrite "partial-write",
    /// The host takes one byte at a time for a while.
    OneBytePermit "one-byte-permit",
    /// A wait ends for nothing.
    SpuriousWake "spurious-wake",
    /// The time of day jumps, either way.
    TimeOfDayJump "time-of-day-jump",
    /// The host notices only while it waits what has come.
    LateNotice "late-notice",
    /// The name has many addresses.
    ManyAddresses "many-addresses",
    // The host and the network, as they fail.
    /// The host takes nothing for a while.
    NoPermit "no-permit",
    /// A write finds the connection ended.
    WriteEnded "write-ended",
    /// A write breaks, and some of it may have gone.
    WriteBroken "write-broken",
    /// The clock jumps forward, over deadlines.
    ClockJump "clock-jump",
    /// Nobody listens.
    Refused "connect-refused",
    /// No way leads there.
    Unreachable "unreachable",
    /// Nobody answers.
    SilentAddress "silent-address",
    /// The host does not allow it.
    Denied "connect-denied",
    /// The name is not found, or not just now, or not allowed.
    LookupFailed "lookup-failed",
    /// The lookup takes too long.
    LookupSilent "lookup-silent",
    // The connection's end, in every phase.
    /// The receiver ends the idle connection.
    EndIdle "end-idle",
    /// The idle connection breaks.
    ResetIdle "reset-idle",
    /// The receiver ends its side in the middle of the message.
    EndInFrame "end-in-frame",
    /// The connection breaks there.
    ResetInFrame "reset-in-frame",
    /// The receiver takes the message and ends the connection.
    EndBeforeReply "end-before-reply",
    /// The connection breaks there; the message may be lost on its way.
    ResetBeforeReply "reset-before-reply",
    /// The receiver ends the connection in the middle of its reply.
    EndInReply "end-in-reply",
    /// The connection breaks there.
    ResetInReply "reset-in-reply",
    /// The receiver ends the connection behind its reply.
    EndAfterReply "end-after-reply",
    // The receiver's manners.
    /// It stops reading.
    Stall "stops-reading",
    /// It replies byte by byte, past the deadline.
    Dribble "dribbles",
    /// It says nothing.
    Silence "says-nothing",
    /// It replies when nobody waits any more.
    LateReply "late-reply",
    /// It replies before it has the whole message.
    EarlyReply "early-reply",
    /// It talks first.
    TalksFirst "talks-first",
    /// It replies twice.
    Duplicate "duplicate-reply",
    /// Its application acknowledgment comes much later than its accept
    /// acknowledgment.
    LateApplication "late-application",
    /// It acknowledges another message.
    OtherId "other-control-id",
    /// It acknowledges by a control id that looks like the message's.
    SimilarId "similar-control-id",
    /// It acknowledges in a mode that nobody asked for.
    WrongMode "wrong-mode",
    // The reply's form.
    /// White space stands around it.
    WhiteSpace "white-space",
    /// Its segments end with line feeds.
    LineFeeds "line-feeds",
    /// It has no start block.
    MissingStartBlock "missing-start-block",
    /// Nothing follows its end block.
    MissingTrailer "missing-trailer",
    /// It is in a frame within a frame.
    DoubledEnvelope "doubled-envelope",
    /// Bytes stand before it.
    JunkBefore "junk-before",
    /// Bytes stand behind it.
    JunkAfter "junk-after",
    /// Bytes stand on the idle connection.
    JunkIdle "junk-idle",
    /// It is over the limit.
    OverLong "over-long",
    /// Its code is none.
    UnknownCode "unknown-code",
    /// It has no MSA.
    MissingMsa "missing-msa",
    /// Its frame is empty.
    EmptyFrame "empty-frame",
    /// A start block stands in it.
    StartBlockInFrame "start-block-in-frame",
    // Release 2.
    /// The receiver speaks another release than it is said to.
    OtherRelease "other-release",
    /// The commit block is missing.
    MissingCommit "missing-commit",
    /// The commit block comes behind the reply.
    CommitBehindReply "commit-behind-reply",
    /// The commit block is negative.
    NegativeCommit "negative-commit",
    /// A commit block comes for nothing.
    StrayCommit "stray-commit",
    /// What the sender owed is not committed, or negatively.
    OwedCommitMissing "owed-commit-missing",
    // TLS.
    /// The reply is cut into many records.
    RecordSplit "record-split",
    /// The stream ends with TLS's closing.
    CloseNotify "close-notify",
    /// The stream ends without TLS's closing.
    NoCloseNotify "no-close-notify",
    /// The stream is cut inside a record.
    CutRecord "cut-record",
    /// A byte of a record is another.
    CorruptRecord "corrupt-record",
    /// The stream is cut in the handshake.
    HandshakeCut "handshake-cut",
    /// The receiver falls silent in the handshake.
    HandshakeStall "handshake-stall",
    /// It answers the handshake with an alert.
    HandshakeAlert "handshake-alert",
    /// It does not speak TLS.
    NotTls "not-tls",
    /// It wants a client certificate, and there is none.
    CertificateMissing "certificate-missing",
}

impl Fault {
    /// Whether only a receiver that speaks TLS has it.
    #[must_use]
    pub const fn is_of_tls(self) -> bool {
        matches!(
            self,
            Self::RecordSplit
                | Self::CloseNotify
                | Self::NoCloseNotify
                | Self::CutRecord
                | Self::CorruptRecord
                | Self::HandshakeCut
                | Self::HandshakeStall
                | Self::HandshakeAlert
                | Self::NotTls
                | Self::CertificateMissing
        )
    }

    /// Whether what is due comes out all the same.
    #[must_use]
    pub const fn is_harmless(self) -> bool {
        matches!(
            self,
            Self::Split
                | Self::ShortRead
                | Self::PartialWrite
                | Self::OneBytePermit
                | Self::SpuriousWake
                | Self::TimeOfDayJump
                | Self::LateNotice
                | Self::ManyAddresses
                | Self::RecordSplit
        )
    }
}

/// How often each fault happens, in a thousand chances.
#[derive(Clone, Debug)]
pub struct Odds(Vec<u16>);

impl Odds {
    /// Drawn: in one run of seven nothing fails, and in the others some things do,
    /// seldom or often.
    #[must_use]
    pub fn draw(chance: &mut crate::chance::Chance, tls: bool) -> Self {
        let calm = chance.per_mille(140);
        let active = chance.one_of(&[60, 150, 300]);
        let often = Fault::ALL
            .iter()
            .map(|fault| {
                let impossible = fault.is_of_tls() && !tls;
                let active = if fault.is_harmless() { 400 } else { active };
                let excluded = impossible || (calm && !fault.is_harmless());
                if excluded || !chance.per_mille(active) {
                    0
                } else if fault.is_harmless() {
                    chance.one_of(&[10, 50, 200, 500])
                } else {
                    chance.one_of(&[5, 20, 60, 200])
                }
            })
            .collect();
        Self(often)
    }

    /// How often this one happens.
    #[must_use]
    pub fn of(&self, fault: Fault) -> u16 {
        self.0[fault as usize]
    }
}
