//! Which receivers a guest may connect to.

use std::fmt::{self, Display};
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;

/// The receivers that a guest may connect to. None, until told.
#[derive(Clone, Debug, Default)]
pub struct Allowed(Vec<Receiver>);

impl Allowed {
    /// No receiver.
    #[must_use]
    pub const fn none() -> Self {
        Self(Vec::new())
    }

    /// This one too.
    #[must_use]
    pub fn and(mut self, receiver: Receiver) -> Self {
        self.0.push(receiver);
        self
    }

    /// Whether any of them goes by this name.
    pub(crate) fn has_name(&self, name: &str) -> bool {
        let names = |receiver: &Receiver| matches!(receiver, Receiver::Name(own, _) if own == name);
        self.0.iter().any(names)
    }

    /// Whether one of them is at this address, where `stands_for` says what a name
    /// stands for.
    pub(crate) fn has_address(
        &self,
        address: SocketAddr,
        stands_for: impl Fn(&str, IpAddr) -> bool,
    ) -> bool {
        let is_at = |receiver: &Receiver| match receiver {
            Receiver::Address(own) => own.ip() == address.ip() && own.port() == address.port(),
            Receiver::Name(name, port) => *port == address.port() && stands_for(name, address.ip()),
        };
        self.0.iter().any(is_at)
    }
}

impl From<Receiver> for Allowed {
    fn from(receiver: Receiver) -> Self {
        Self::none().and(receiver)
    }
}

impl FromIterator<Receiver> for Allowed {
    fn from_iter<I: IntoIterator<Item = Receiver>>(receivers: I) -> Self {
        Self(receivers.into_iter().collect())
    }
}

/// A receiver: `10.0.0.5:2575`, `[2001:db8::5]:2575` or `receiver.example:2575`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Receiver {
    /// By its address, which takes no lookup.
    Address(SocketAddr),
    /// By its name, in lower case, and its port. Allowing it allows the addresses that
    /// the name stands for when the guest looks it up, at this port.
    Name(String, u16),
}

impl Receiver {
    /// The host, as `connect-options` takes it.
    #[must_use]
    pub fn host(&self) -> String {
        match self {
            Self::Address(address) => address.ip().to_string(),
            Self::Name(name, _) => name.clone(),
        }
    }

    /// The port.
    #[must_use]
    pub const fn port(&self) -> u16 {
        match self {
            Self::Address(address) => address.port(),
            Self::Name(_, port) => *port,
        }
    }
}

/// What is no receiver.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "neither ADDRESS:PORT nor NAME:PORT, as 10.0.0.5:2575, [2001:db8::5]:2575 or lab.example:2575"
)]
pub struct NotAReceiver;

impl FromStr for Receiver {
    type Err = NotAReceiver;

    fn from_str(text: &str) -> Result<Self, NotAReceiver> {
        if let Ok(address) = text.parse::<SocketAddr>() {
            return match address.port() {
                0 => Err(NotAReceiver),
                _ => Ok(Self::Address(address)),
            };
        }
        let (name, port) = text.rsplit_once(':').ok_or(NotAReceiver)?;
        let port = port.parse().map_err(|_| NotAReceiver)?;
        let is_of_names = |byte: u8| byte.is_ascii_alphanumeric() || b"-._".contains(&byte);
        let is_name =
            name.bytes().all(is_of_names) && name.bytes().any(|b| b.is_ascii_alphabetic());
        match is_name && port != 0 {
            true => Ok(Self::Name(canonical(name), port)),
            false => Err(NotAReceiver),
        }
    }
}

impl Display for Receiver {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Address(address) => write!(out, "{address}"),
            Self::Name(name, port) => write!(out, "{name}:{port}"),
        }
    }
}

/// The one way in which this crate writes a name.
pub(crate) fn canonical(name: &str) -> String {
    name.trim_end_matches('.').to_ascii_lowercase()
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn receiver(text: &str) -> Result<Receiver, NotAReceiver> {
        text.parse()
    }

    #[test]
    fn a_receiver_is_an_address_or_a_name_with_a_port() {
        for address in ["10.0.0.5:2575", "[2001:db8::5]:2575"] {
            let parsed = receiver(address).unwrap();
            assert_eq!(parsed, Receiver::Address(address.parse().unwrap()));
            assert_eq!(parsed.to_string(), address);
        }
        let named = receiver("Lab.Example.:2575").unwrap();
        assert_eq!(named, Receiver::Name("lab.example".into(), 2575));
        for wrong in [
            "",
            "lab.example",
            ":2575",
            "lab.example:0",
            "10.0.0.5:0",
            "a b:1",
            "*:1",
            "2001:db8::5:2575",
            "10.0.0:1",
            "10.0.0.0/8:2575",
            "lab.example:65536",
        ] {
            assert_eq!(receiver(wrong), Err(NotAReceiver), "{wrong}");
        }
    }

    #[test]
    fn a_name_allows_what_it_stands_for_at_its_own_port() {
        let allowed = Allowed::from(receiver("lab.example:2575").unwrap());
        let lab: IpAddr = [10, 0, 0, 5].into();
        let stands_for = |name: &str, address| name == "lab.example" && address == lab;
        assert!(allowed.has_address((lab, 2575).into(), stands_for));
        assert!(!allowed.has_address((lab, 2576).into(), stands_for));
        assert!(!allowed.has_address(([10, 0, 0, 6], 2575).into(), stands_for));
        assert!(!allowed.has_address((lab, 2575).into(), |_, _| false));
    }
}
