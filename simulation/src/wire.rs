//! The receiver's decoder, and that of what the host was handed: independent of the
//! client's, and strict, for a sender's frames leave nothing to be lenient about.

use mllp_client::proto::framing::Framing;

/// What the next bytes made.
#[derive(Debug)]
pub(crate) enum Step {
    /// A frame began.
    Begun,
    /// Its end block is there: this is its content.
    EndBlock(Vec<u8>),
}

/// The bytes are no frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct NoFrame;

/// Finds frames in bytes that come in any split.
#[derive(Clone, Debug)]
pub(crate) struct Decoder {
    framing: Framing,
    state: State,
    content: Vec<u8>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum State {
    /// So much of the start block is there.
    Start(usize),
    Content,
    /// So much of what follows the end block is there.
    Trailer(usize),
}

impl Decoder {
    /// Of a new connection.
    #[must_use]
    pub(crate) const fn new(framing: Framing) -> Self {
        Self {
            framing,
            state: State::Start(0),
            content: Vec::new(),
        }
    }

    /// The content so far of a frame that has begun and has no end block yet.
    #[must_use]
    pub(crate) fn begun(&self) -> Option<&[u8]> {
        match self.state {
            State::Start(0) | State::Trailer(_) => None,
            State::Start(_) | State::Content => Some(&self.content),
        }
    }

    /// Whether all frames are whole, with what follows their end blocks.
    #[must_use]
    pub(crate) fn is_between_frames(&self) -> bool {
        self.state == State::Start(0)
    }

    /// Takes bytes.
    ///
    /// # Errors
    /// Where a byte of the framing is another.
    pub(crate) fn take(&mut self, bytes: &[u8], mut step: impl FnMut(Step)) -> Result<(), NoFrame> {
        let mut bytes = bytes;
        while let Some((byte, rest)) = bytes.split_first() {
            match self.state {
                State::Start(place) => {
                    if self.framing.start[place] != *byte {
                        return Err(NoFrame);
                    }
                    if place == 0 {
                        step(Step::Begun);
                    }
                    self.state = if place + 1 == self.framing.start.len() {
                        State::Content
                    } else {
                        State::Start(place + 1)
                    };
                    bytes = rest;
                }
                State::Content => {
                    bytes = self.content(bytes);
                    if self.state != State::Content {
                        step(Step::EndBlock(std::mem::take(&mut self.content)));
                    }
                }
                State::Trailer(place) => {
                    if self.framing.trailer[place] != *byte {
                        return Err(NoFrame);
                    }
                    self.after_end_block(place + 1);
                    bytes = rest;
                }
            }
        }
        Ok(())
    }

    /// Takes content up to the end block; what is left.
    fn content<'b>(&mut self, bytes: &'b [u8]) -> &'b [u8] {
        let end = &self.framing.end;
        let last = end[end.len() - 1];
        let Some(place) = bytes.iter().position(|byte| *byte == last) else {
            self.content.extend_from_slice(bytes);
            return &[];
        };
        let (taken, rest) = bytes.split_at(place + 1);
        self.content.extend_from_slice(taken);
        if self.content.ends_with(end) {
            self.content.truncate(self.content.len() - end.len());
            self.after_end_block(0);
        }
        rest
    }

    fn after_end_block(&mut self, place: usize) {
        self.state = if place == self.framing.trailer.len() {
            State::Start(0)
        } else {
            State::Trailer(place)
        };
    }
}
