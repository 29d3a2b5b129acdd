//! TLS in the guest. So far the ground it will stand on: the [`provider`] of its
//! cryptography, held to published vectors and to other people's handshakes. No
//! component uses it yet.

pub mod provider;
