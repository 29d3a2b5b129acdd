//! What the targets draw from an input.

use arbitrary::{Arbitrary, Result, Unstructured};
use mllp_client::proto::framing::Framing;
use mllp_client::proto::leniency::{Leniencies, Leniency};
use mllp_client::proto::repair::{Repair, Repairs};
use mllp_client::proto::terms::{
    AcknowledgmentMode, Correlation, Judging, Release, SettleOn, Terms,
};

/// MLLP's framing, or one that can frame something, of few different bytes, so that
/// blocks share some.
#[derive(Clone, Debug)]
pub struct AnyFraming(pub Framing);

impl<'a> Arbitrary<'a> for AnyFraming {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        if input.arbitrary::<u8>()? % 2 == 0 {
            return Ok(Self(Framing::default()));
        }
        let mut block = |least| -> Result<Vec<u8>> {
            let size = least + usize::from(input.arbitrary::<u8>()? % 4);
            (0..size).map(|_| byte(input)).collect()
        };
        let framing = Framing {
            start: block(1)?,
            end: block(1)?,
            trailer: block(0)?,
        };
        Ok(Self(match framing.check() {
            Ok(()) => framing,
            Err(_) => Framing::default(),
        }))
    }
}

fn byte(input: &mut Unstructured<'_>) -> Result<u8> {
    const ALPHABET: [u8; 8] = *b"\x0B\x1C\r\x02\x03M \n";
    let byte: u8 = input.arbitrary()?;
    Ok(ALPHABET[usize::from(byte % 8)])
}

/// Any set of leniencies.
#[derive(Clone, Copy, Debug)]
pub struct AnyLeniencies(pub Leniencies);

impl<'a> Arbitrary<'a> for AnyLeniencies {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let bits: u8 = input.arbitrary()?;
        let mut leniencies = Leniencies::none();
        for (index, leniency) in Leniency::ALL.into_iter().enumerate() {
            if bits >> index & 1 == 1 {
                leniencies.allow(leniency);
            }
        }
        Ok(Self(leniencies))
    }
}

/// Any set of repairs.
#[derive(Clone, Copy, Debug)]
pub struct AnyRepairs(pub Repairs);

impl<'a> Arbitrary<'a> for AnyRepairs {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        let bits: u8 = input.arbitrary()?;
        let mut repairs = Repairs::default();
        for (index, repair) in Repair::ALL.into_iter().enumerate() {
            if bits >> index & 1 == 1 {
                repairs.add(repair);
            }
        }
        Ok(Self(repairs))
    }
}

/// Any terms that a client may be given.
#[derive(Clone, Debug)]
pub struct AnyTerms(pub Terms);

impl<'a> Arbitrary<'a> for AnyTerms {
    fn arbitrary(input: &mut Unstructured<'a>) -> Result<Self> {
        use {AcknowledgmentMode as Mode, Correlation as C, Judging as J, Release as R};
        let mode = one_of(input, [Mode::FromMessage, Mode::Original])?;
        let settle_on = one_of(input, [SettleOn::Application, SettleOn::Accept])?;
        let release = one_of(input, [R::One, R::Two, R::Auto])?;
        let correlation = one_of(input, [C::Required, C::Warned, C::Off])?;
        let judging = one_of(input, [J::Required, J::WherePossible, J::Off])?;
        let mut milliseconds = || input.arbitrary::<u8>().map(u32::from);
        let (accept, application) = (milliseconds()?, milliseconds()?);
        Ok(Self(Terms {
            mode,
            settle_on,
            accept_timeout_ms: (accept > 0).then_some(accept),
            application_timeout_ms: (application > 0).then_some(application),
            quiet_period_ms: milliseconds()? + 1,
            release,
            commit_retries: milliseconds()? % 4,
            correlation,
            judging,
            framing: AnyFraming::arbitrary(input)?.0,
            leniencies: AnyLeniencies::arbitrary(input)?.0,
            max_message_size: 1 + u64::from(input.arbitrary::<u16>()?),
        }))
    }
}

/// One of these, by a byte.
pub fn one_of<T: Copy, const N: usize>(input: &mut Unstructured<'_>, all: [T; N]) -> Result<T> {
    Ok(all[usize::from(input.arbitrary::<u8>()?) % N])
}

/// How a stream is split: into pieces of these sizes in turn, where 0 is all the rest.
#[derive(Arbitrary, Clone, Copy, Debug)]
pub struct Split([u8; 4]);

impl Split {
    /// Not at all.
    pub const WHOLE: Self = Self([0; 4]);

    /// The pieces of `bytes`.
    pub fn pieces(self, bytes: &[u8]) -> impl Iterator<Item = &[u8]> {
        let mut sizes = self.0.into_iter().cycle();
        let mut rest = bytes;
        std::iter::from_fn(move || {
            if rest.is_empty() {
                return None;
            }
            let size = match usize::from(sizes.next().unwrap_or(0)) {
                0 => rest.len(),
                size => size.min(rest.len()),
            };
            let (piece, after) = rest.split_at(size);
            rest = after;
            Some(piece)
        })
    }
}
