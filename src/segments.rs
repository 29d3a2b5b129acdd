//! How a frame is cut into writes, lest TCP hold its end back.
//!
//! A segment that is not full waits while an earlier one that was not full is
//! unacknowledged (Nagle's algorithm, RFC 9293 section 3.7.4, as Linux has it), and a
//! receiver may leave a segment unacknowledged until a second one comes, for half a
//! second at most (RFC 9293 section 3.8.6.3; Linux: for 40 ms). WASI 0.2 can turn
//! neither off. So every write but the last fills its segments, as far as their size
//! can be guessed; and where it cannot, the last is long enough to bring the
//! acknowledgment that it waits for.
//!
//! ```text
//!  frame   ┌──────────────────────────┬──────────────────────────┬───────────┐
//!  writes  │ as many as are permitted │ as many as are permitted │ the rest  │
//!  TCP     │ full │ full │ … │ full   │ full │ full │ … │ full   │ full │ ▪  │
//!          └──────┴──────┴───┴────────┴──────┴──────┴───┴────────┴──────┴────┘
//!                                                 the only one not full ┘
//! ```

use core::net::IpAddr;

use crate::limits::{LAST_WRITE_BYTES_MIN, WRITE_BYTES_MAX};

/// What the segments on the way to a receiver hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Segments {
    /// How many bytes one segment takes.
    bytes: usize,
    /// What the last of several writes has at least.
    last_write_min: usize,
}

impl Segments {
    /// Over Ethernet by IPv4, with the timestamps that both ends usually agree on (RFC
    /// 7323): 1500 bytes less 20 of IP, 20 of TCP and 12 of its options.
    pub const ETHERNET: Self = Self {
        bytes: 1448,
        last_write_min: LAST_WRITE_BYTES_MIN,
    };

    /// The same by IPv6, whose header is 20 bytes longer.
    const ETHERNET_V6: Self = Self {
        bytes: 1428,
        ..Self::ETHERNET
    };

    /// Within the machine: what Linux's loopback, of 65 536 bytes a packet, makes of its
    /// segments. Any write but a full one is small there, so that no last one would be
    /// long enough.
    const LOOPBACK: Self = Self {
        bytes: 65_483,
        last_write_min: 0,
    };

    /// On the way to this address.
    #[must_use]
    pub const fn towards(address: IpAddr) -> Self {
        match address.to_canonical() {
            address if address.is_loopback() => Self::LOOPBACK,
            IpAddr::V4(_) => Self::ETHERNET,
            IpAddr::V6(_) => Self::ETHERNET_V6,
        }
    }

    /// How many of the `bytes` that are left of a frame the next write takes.
    #[must_use]
    pub const fn next_write(self, bytes: usize) -> usize {
        if bytes <= WRITE_BYTES_MAX {
            return bytes;
        }
        let full = self.full(WRITE_BYTES_MAX);
        let after = bytes.saturating_sub(full);
        let missing = self.last_write_min.saturating_sub(after);
        self.full(full.saturating_sub(missing))
    }

    /// As many full segments as `bytes` are enough for.
    const fn full(self, bytes: usize) -> usize {
        let rest = match bytes.checked_rem(self.bytes) {
            Some(rest) => rest,
            None => 0,
        };
        bytes.saturating_sub(rest)
    }
}

#[cfg(test)]
mod tests {
    use core::net::{IpAddr, Ipv4Addr, Ipv6Addr};

    use alloc::vec::Vec;

    use super::Segments;
    use crate::limits::{LAST_WRITE_BYTES_MIN, WRITE_BYTES_MAX};

    const ALL: [Segments; 3] = [
        Segments::ETHERNET,
        Segments::ETHERNET_V6,
        Segments::LOOPBACK,
    ];

    fn writes(segments: Segments, frame: usize) -> Vec<usize> {
        let mut left = frame;
        let mut writes = Vec::new();
        while left > 0 {
            let write = segments.next_write(left);
            assert!((1..=left).contains(&write));
            left -= write;
            writes.push(write);
        }
        writes
    }

    #[test]
    fn what_the_host_takes_in_one_write_goes_in_one() {
        for segments in ALL {
            for frame in [1, 460, 1448, 1449, 65_483, 65_484, WRITE_BYTES_MAX] {
                assert_eq!(writes(segments, frame), [frame]);
            }
        }
    }

    #[test]
    fn every_write_but_the_last_fills_its_segments() {
        for segments in ALL {
            for frame in (WRITE_BYTES_MAX..3_000_000).step_by(997) {
                let writes = writes(segments, frame);
                let (_, but_last) = writes.split_last().unwrap();
                for write in but_last {
                    assert!(*write <= WRITE_BYTES_MAX);
                    assert_eq!(write % segments.bytes, 0, "{segments:?} {frame}");
                }
            }
        }
    }

    #[test]
    fn over_ethernet_the_last_of_several_is_long_and_nowhere_a_single_byte() {
        for frame in WRITE_BYTES_MAX + 1..4 * WRITE_BYTES_MAX {
            for segments in [Segments::ETHERNET, Segments::ETHERNET_V6] {
                let last = *writes(segments, frame).last().unwrap();
                assert!(last >= LAST_WRITE_BYTES_MIN, "{segments:?} {frame}: {last}");
            }
            assert!(*writes(Segments::LOOPBACK, frame).last().unwrap() > 1);
        }
    }

    #[test]
    fn the_way_is_told_by_the_address() {
        let towards = |address: IpAddr| Segments::towards(address);
        assert_eq!(towards(Ipv4Addr::LOCALHOST.into()), Segments::LOOPBACK);
        assert_eq!(towards(Ipv6Addr::LOCALHOST.into()), Segments::LOOPBACK);
        let mapped = Ipv4Addr::LOCALHOST.to_ipv6_mapped();
        assert_eq!(towards(mapped.into()), Segments::LOOPBACK);
        assert_eq!(towards(IpAddr::from([192, 0, 2, 1])), Segments::ETHERNET);
        let v6 = Ipv6Addr::new(0x2001, 0xdb8, 0, 0, 0, 0, 0, 1);
        assert_eq!(towards(v6.into()), Segments::ETHERNET_V6);
    }
}
