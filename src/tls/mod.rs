//! TLS in the guest: the host sees ciphertext, the receiver proves who it is, and
//! the sender can prove who it is. Bytes in, bytes out; no I/O and no clock.
//!
//! ```text
//! options ─► config (material, trust, identity, tickets) ─► pump ◄─► records
//!  (bytes)                (a rustls configuration)        (one connection)
//! ```
//!
//! | file          | holds                                                       |
//! |---------------|-------------------------------------------------------------|
//! | `options`     | what the caller asks for, as bytes                          |
//! | `material`    | PEM or DER into certificates, lists and keys                |
//! | `config`      | the options as a configuration, one for equal options       |
//! | `trust`       | the receiver's certificate: chain, name, pins, revocation   |
//! | `identity`    | the client certificate, and whether it was asked for        |
//! | `tickets`     | sessions to resume                                          |
//! | `certificate` | what a certificate says, for people                         |
//! | `problem`     | what went wrong, in this project's terms                    |
//! | `pump`        | records in, records out: the only user of the connection    |
//! | `handshake`   | the handshake, and the farewell                             |
//! | [`provider`]  | the cryptography                                            |

pub mod certificate;
pub mod config;
pub mod handshake;
mod identity;
mod material;
pub mod options;
mod problem;
pub mod provider;
pub mod pump;
mod tickets;
mod trust;
