//! Key exchange: X25519 (RFC 7748), ECDH over P-256 and P-384 (RFC 8422), and X25519MLKEM768
//! (draft-ietf-tls-ecdhe-mlkem).
//!
//! A group makes a fresh secret for every handshake; an exchange consumes it with the share of
//! the peer. Whatever that share holds, the outcome is a secret or [`PeerMisbehaved`].

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;
use core::marker::PhantomData;

use ml_kem::{Decapsulate, DecapsulationKey768, KeyExport, Seed};
use p256::NistP256;
use p256::elliptic_curve::sec1::{FromSec1Point, ModulusSize, ToSec1Point};
use p256::elliptic_curve::{Curve, CurveArithmetic, Generate, PublicKey, SecretKey};
use p384::NistP384;
use rustls::crypto::{ActiveKeyExchange, SharedSecret, SupportedKxGroup};
use rustls::ffdhe_groups::FfdheGroup;
use rustls::{Error, NamedGroup, PeerMisbehaved, ProtocolVersion};
use zeroize::Zeroizing;

use super::random::{HostRandom, fill};

/// The classical groups, most wanted first.
pub(super) const CLASSICAL: [&dyn SupportedKxGroup; 3] = [
    &X25519,
    &Ecdh::<NistP256>(PhantomData),
    &Ecdh::<NistP384>(PhantomData),
];

/// The hybrid of ML-KEM-768 and X25519: as strong as the stronger of the two.
pub(super) const X25519_MLKEM768: &dyn SupportedKxGroup = &X25519MlKem768;

/// RFC 8446, section 4.2.8: a share that is not a valid one ends the handshake.
const INVALID_SHARE: Error = Error::PeerMisbehaved(PeerMisbehaved::InvalidKeyShare);

/// X25519.
#[derive(Debug)]
struct X25519;

impl SupportedKxGroup for X25519 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(X25519Exchange::new(&*secret()?)))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

/// Fresh secret bytes that do not outlive their use.
fn secret<const N: usize>() -> Result<Zeroizing<[u8; N]>, Error> {
    let mut bytes = Zeroizing::new([0; N]);
    fill(bytes.as_mut())?;
    Ok(bytes)
}

/// One X25519 exchange.
pub(super) struct X25519Exchange {
    secret: x25519_dalek::StaticSecret,
    share: x25519_dalek::PublicKey,
}

impl X25519Exchange {
    /// The exchange of one secret scalar, which clamping makes valid whatever its bytes
    /// (RFC 7748, section 5).
    pub(super) fn new(secret: &[u8; 32]) -> Self {
        let secret = x25519_dalek::StaticSecret::from(*secret);
        Self {
            share: (&secret).into(),
            secret,
        }
    }

    /// RFC 8446, section 7.4.2: an all-zero result is refused, for the peer alone chose it.
    fn agree(&self, peer: &[u8]) -> Result<x25519_dalek::SharedSecret, Error> {
        let peer = <[u8; 32]>::try_from(peer).map_err(|_| INVALID_SHARE)?;
        let shared = self.secret.diffie_hellman(&peer.into());
        if shared.was_contributory() {
            Ok(shared)
        } else {
            Err(INVALID_SHARE)
        }
    }
}

impl ActiveKeyExchange for X25519Exchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        Ok(self.agree(peer)?.as_bytes().as_slice().into())
    }

    fn pub_key(&self) -> &[u8] {
        self.share.as_bytes()
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519
    }
}

/// A NIST curve with a name in TLS.
pub(super) trait NamedCurve:
    CurveArithmetic<AffinePoint: FromSec1Point<Self> + ToSec1Point<Self>>
    + Curve<FieldBytesSize: ModulusSize>
{
    /// Its name.
    const NAME: NamedGroup;
}

impl NamedCurve for NistP256 {
    const NAME: NamedGroup = NamedGroup::secp256r1;
}

impl NamedCurve for NistP384 {
    const NAME: NamedGroup = NamedGroup::secp384r1;
}

/// The point that `bytes` encode uncompressed.
///
/// TLS knows no other form of a share (RFC 8446, section 4.2.8.2; RFC 8422, section 5.1.2), and
/// RFC 5480, section 2.2, obliges nobody to read another one in a certificate. Decoding checks
/// that the point lies on the curve and is not the identity; both curves have prime order, so
/// nothing further is to be checked.
pub(super) fn point<C: NamedCurve>(bytes: &[u8]) -> Option<PublicKey<C>> {
    const UNCOMPRESSED: u8 = 4;
    if bytes.first() != Some(&UNCOMPRESSED) {
        return None;
    }
    PublicKey::from_sec1_bytes(bytes).ok()
}

/// ECDH over a NIST curve.
struct Ecdh<C>(PhantomData<C>);

impl<C: NamedCurve> fmt::Debug for Ecdh<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        C::NAME.fmt(f)
    }
}

impl<C: NamedCurve> SupportedKxGroup for Ecdh<C> {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        let secret = SecretKey::<C>::try_generate_from_rng(&mut HostRandom)
            .map_err(|_| Error::FailedToGetRandomBytes)?;
        Ok(Box::new(EcdhExchange::new(secret)))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        C::NAME
    }
}

/// One ECDH exchange.
pub(super) struct EcdhExchange<C: NamedCurve> {
    secret: SecretKey<C>,
    share: Box<[u8]>,
}

impl<C: NamedCurve> EcdhExchange<C> {
    /// The exchange of one secret scalar.
    pub(super) fn new(secret: SecretKey<C>) -> Self {
        let share = secret.public_key().to_sec1_point(false).as_bytes().into();
        Self { secret, share }
    }
}

impl<C: NamedCurve> ActiveKeyExchange for EcdhExchange<C> {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let peer = point::<C>(peer).ok_or(INVALID_SHARE)?;
        Ok(self
            .secret
            .diffie_hellman(&peer)
            .raw_secret_bytes()
            .as_slice()
            .into())
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        C::NAME
    }
}

/// X25519MLKEM768, the half of a client.
#[derive(Debug)]
struct X25519MlKem768;

impl SupportedKxGroup for X25519MlKem768 {
    fn start(&self) -> Result<Box<dyn ActiveKeyExchange>, Error> {
        Ok(Box::new(HybridExchange::new(&*secret()?, &*secret()?)))
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn name(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }

    /// The key exchange of TLS 1.2 has no place for a ciphertext.
    fn usable_for_version(&self, version: ProtocolVersion) -> bool {
        version == ProtocolVersion::TLSv1_3
    }
}

/// The length of an ML-KEM-768 ciphertext: FIPS 203, table 3.
const CIPHERTEXT_LEN: usize = 1088;

/// One hybrid exchange. Shares and secret are the post-quantum part followed by the classical.
pub(super) struct HybridExchange {
    post_quantum: DecapsulationKey768,
    classical: X25519Exchange,
    share: Vec<u8>,
}

impl HybridExchange {
    /// The exchange of one ML-KEM seed (FIPS 203, section 7.1: `d` and `z`) and one X25519 scalar.
    pub(super) fn new(seed: &[u8; 64], scalar: &[u8; 32]) -> Self {
        let post_quantum = DecapsulationKey768::from_seed(Seed::from(*seed));
        let classical = X25519Exchange::new(scalar);
        let mut share = post_quantum.encapsulation_key().to_bytes().to_vec();
        share.extend_from_slice(classical.pub_key());
        Self {
            post_quantum,
            classical,
            share,
        }
    }
}

impl ActiveKeyExchange for HybridExchange {
    fn complete(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        let (ciphertext, peer) = peer.split_at_checked(CIPHERTEXT_LEN).ok_or(INVALID_SHARE)?;
        let classical = self.classical.agree(peer)?;
        // A ciphertext of the right length always yields a secret: one that was not made for this
        // key yields an unrelated one (FIPS 203, section 6.3), and the handshake fails later.
        let post_quantum = self
            .post_quantum
            .decapsulate_slice(ciphertext)
            .map(Zeroizing::new)
            .map_err(|_| INVALID_SHARE)?;
        Ok([post_quantum.as_slice(), classical.as_bytes()]
            .concat()
            .into())
    }

    fn hybrid_component(&self) -> Option<(NamedGroup, &[u8])> {
        Some((self.classical.group(), self.classical.pub_key()))
    }

    fn complete_hybrid_component(self: Box<Self>, peer: &[u8]) -> Result<SharedSecret, Error> {
        Ok(self.classical.agree(peer)?.as_bytes().as_slice().into())
    }

    fn pub_key(&self) -> &[u8] {
        &self.share
    }

    fn ffdhe_group(&self) -> Option<FfdheGroup<'static>> {
        None
    }

    fn group(&self) -> NamedGroup {
        NamedGroup::X25519MLKEM768
    }
}
