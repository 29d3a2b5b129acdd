//! Memory that a receiver can make grow. It is asked for in a way that can fail, and
//! never to the last: what is small is allocated in ways that cannot fail, by this
//! crate, by rustls, and by the host for what it hands over, and needs a rest to be
//! taken from.

use alloc::vec::Vec;
use core::hint::black_box;

use crate::error::Cause;
use crate::limits::SPARE_BYTES;

/// Makes room for so many more, and leaves the rest.
///
/// # Errors
/// [`Cause::OutOfMemory`]; what the list holds is as it was.
pub(crate) fn reserve<T>(list: &mut Vec<T>, more: usize) -> Result<(), Cause> {
    if has_room(list, more) {
        return Ok(());
    }
    list.try_reserve(more).map_err(|_| Cause::OutOfMemory)?;
    rest()
}

/// The same, with no room beyond that.
///
/// # Errors
/// Those of [`reserve`].
pub(crate) fn reserve_exact<T>(list: &mut Vec<T>, more: usize) -> Result<(), Cause> {
    if has_room(list, more) {
        return Ok(());
    }
    list.try_reserve_exact(more)
        .map_err(|_| Cause::OutOfMemory)?;
    rest()
}

const fn has_room<T>(list: &Vec<T>, more: usize) -> bool {
    list.capacity().saturating_sub(list.len()) >= more
}

/// Looked for after the list has grown: taken before, it might stand where the list
/// could have grown without being copied.
fn rest() -> Result<(), Cause> {
    room(SPARE_BYTES).map(drop)
}

/// Adds `bytes` to others, and leaves the rest.
///
/// # Errors
/// Those of [`reserve`].
pub(crate) fn append(to: &mut Vec<u8>, bytes: &[u8]) -> Result<(), Cause> {
    reserve(to, bytes.len())?;
    to.extend_from_slice(bytes);
    Ok(())
}

/// Adds so many zeros to others, and leaves the rest. A page at a time: compiled for
/// size, a list's own `resize` writes one byte after the other.
///
/// # Errors
/// Those of [`reserve`].
pub(crate) fn append_zeros(to: &mut Vec<u8>, count: usize) -> Result<(), Cause> {
    const PAGE: [u8; 4096] = [0; 4096];
    reserve(to, count)?;
    let mut missing = count;
    while let Some(zeros) = PAGE.get(..missing.min(PAGE.len()))
        && !zeros.is_empty()
    {
        to.extend_from_slice(zeros);
        missing = missing.saturating_sub(zeros.len());
    }
    Ok(())
}

/// So much memory, for as long as this is held.
///
/// # Errors
/// [`Cause::OutOfMemory`].
pub(crate) fn room(bytes: usize) -> Result<impl Sized, Cause> {
    let mut room = Vec::<u8>::new();
    room.try_reserve_exact(bytes)
        .map_err(|_| Cause::OutOfMemory)?;
    // Memory that nobody looks at need not be asked for, the compiler knows.
    Ok(black_box(room))
}

#[cfg(test)]
mod tests {
    use alloc::vec::Vec;

    use super::{append, append_zeros, reserve, room};
    use crate::error::Cause;

    #[test]
    fn more_than_there_can_be_is_refused_and_nothing_is_lost() {
        let mut bytes = Vec::from(*b"MSH");
        assert_eq!(reserve(&mut bytes, usize::MAX), Err(Cause::OutOfMemory));
        assert_eq!(room(usize::MAX).err(), Some(Cause::OutOfMemory));
        assert_eq!(append(&mut bytes, b"|^~"), Ok(()));
        assert_eq!(bytes, b"MSH|^~");
    }

    #[test]
    fn zeros_are_as_many_as_were_asked_for() {
        for count in [0, 1, 4_095, 4_096, 4_097, 10_000] {
            let mut bytes = Vec::from(*b"MSH");
            assert_eq!(append_zeros(&mut bytes, count), Ok(()));
            let expected = [&b"MSH"[..], &[0].repeat(count)].concat();
            assert_eq!(bytes, expected);
        }
        let mut bytes = Vec::new();
        assert_eq!(
            append_zeros(&mut bytes, usize::MAX),
            Err(Cause::OutOfMemory)
        );
    }
}
