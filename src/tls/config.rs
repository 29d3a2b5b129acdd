//! The caller's options as a configuration of rustls, checked to the last byte.
//! Equal options get the same configuration, and so resume each other's sessions;
//! different ones share nothing.

use alloc::sync::Arc;
use alloc::vec::Vec;
use core::sync::atomic::{AtomicU64, Ordering};
use core::time::Duration;

use rustls::client::Resumption;
use rustls::pki_types::{ServerName, UnixTime};
use rustls::time_provider::TimeProvider;
use rustls::{ClientConfig, version};
use sha2::{Digest, Sha256};
use spin::Mutex;

use super::identity::Presented;
use super::options::{TlsOptions, TlsVersion};
use super::provider::{Hybrid, provider};
use super::tickets::Tickets;
use super::trust::Trust;
use crate::error::InvalidOption;
use crate::limits::TLS_CONFIGS_MAX;

/// How TLS is spoken with one receiver.
#[derive(Clone, Debug)]
pub struct Tls {
    pub(super) config: Arc<Config>,
    pub(super) name: ServerName<'static>,
}

impl Tls {
    /// The options, for a receiver at `host` where they name none.
    ///
    /// # Errors
    /// The option that cannot work.
    pub fn new(options: &TlsOptions, host: &str) -> Result<Self, InvalidOption> {
        let name = options.server_name.as_deref().unwrap_or(host);
        let bare = name
            .strip_prefix('[')
            .and_then(|name| name.strip_suffix(']'))
            .unwrap_or(name);
        Ok(Self {
            name: ServerName::try_from(bare)
                .map_err(|_| InvalidOption::ServerName)?
                .to_owned(),
            config: Config::of(options)?,
        })
    }

    /// Whether the receiver's identity is not checked.
    #[must_use]
    pub fn is_insecure(&self) -> bool {
        self.config.insecure
    }

    /// Tells the time of day, since 1970-01-01T00:00:00Z. To be told before every
    /// call: nothing here reads a clock.
    pub fn set_time(&self, time: Duration) {
        self.config
            .time
            .0
            .store(time.as_secs().saturating_add(1), Ordering::Relaxed);
    }
}

/// A checked set of options.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) client: Arc<ClientConfig>,
    pub(super) trust: Arc<Trust>,
    pub(super) identity: Arc<Presented>,
    pub(super) tickets: Arc<Tickets>,
    pub(super) time: Arc<HandedTime>,
    pub(super) hybrid: bool,
    pub(super) insecure: bool,
}

/// The configurations made so far, the one used last at the end.
static CONFIGS: Mutex<Vec<([u8; 32], Arc<Config>)>> = Mutex::new(Vec::new());

impl Config {
    /// The configuration for these options: an earlier one if they are the same.
    fn of(options: &TlsOptions) -> Result<Arc<Self>, InvalidOption> {
        let fingerprint = fingerprint(options);
        let mut configs = CONFIGS.lock();
        let known = configs.iter().find(|(known, _)| *known == fingerprint);
        let config = match known {
            Some((_, config)) => Arc::clone(config),
            None => Arc::new(Self::new(options)?),
        };
        configs.retain(|(known, _)| *known != fingerprint);
        if configs.len() >= TLS_CONFIGS_MAX {
            configs.drain(..1);
        }
        configs.push((fingerprint, Arc::clone(&config)));
        Ok(config)
    }

    fn new(options: &TlsOptions) -> Result<Self, InvalidOption> {
        let provider = Arc::new(provider(if options.hybrid {
            Hybrid::Offered
        } else {
            Hybrid::Withheld
        }));
        let trust = Arc::new(Trust::new(
            options,
            provider.signature_verification_algorithms,
        )?);
        let identity = Arc::new(Presented::new(options.identity.as_ref(), &provider)?);
        let tickets = Arc::new(Tickets::default());
        let time = Arc::new(HandedTime::default());
        let versions: &[_] = match options.minimum_version {
            TlsVersion::Tls12 => &[&version::TLS13, &version::TLS12],
            TlsVersion::Tls13 => &[&version::TLS13],
        };
        let clock: Arc<dyn TimeProvider> = time.clone();
        let mut client = ClientConfig::builder_with_details(provider, clock)
            .with_protocol_versions(versions)
            // The provider has suites and groups for both: this cannot be.
            .map_err(|_| InvalidOption::NoTrust)?
            .dangerous()
            .with_custom_certificate_verifier(trust.clone())
            .with_client_cert_resolver(identity.clone());
        // Only a full handshake looks into revocation lists.
        client.resumption = if options.revocations.is_empty() {
            Resumption::store(tickets.clone())
        } else {
            Resumption::disabled()
        };
        Ok(Self {
            client: Arc::new(client),
            trust,
            identity,
            tickets,
            time,
            hybrid: options.hybrid,
            insecure: options.insecure,
        })
    }
}

/// The time of day as it was told last, in seconds since 1970 and one more; zero
/// before it was told at all.
#[derive(Debug, Default)]
pub(super) struct HandedTime(AtomicU64);

impl HandedTime {
    /// Seconds since 1970-01-01T00:00:00Z, if that was told.
    pub(super) fn seconds(&self) -> Option<u64> {
        self.0.load(Ordering::Relaxed).checked_sub(1)
    }
}

impl TimeProvider for HandedTime {
    fn current_time(&self) -> Option<UnixTime> {
        let seconds = self.seconds()?;
        Some(UnixTime::since_unix_epoch(Duration::from_secs(seconds)))
    }
}

/// Two sets of options have the same fingerprint only if they are the same:
/// resuming skips the checks that the options ask for. The name is no part of it,
/// since sessions are kept by name.
fn fingerprint(options: &TlsOptions) -> [u8; 32] {
    let TlsOptions {
        authorities,
        own_authorities_only,
        pins,
        pins_instead_of_chain,
        identity,
        server_name: _,
        minimum_version,
        hybrid,
        revocations,
        insecure,
    } = options;
    let mut hash = Sha256::new();
    let mut field = |bytes: &[u8]| {
        hash.update((bytes.len() as u64).to_be_bytes());
        hash.update(bytes);
    };
    for list in [authorities, revocations] {
        field(&(list.len() as u64).to_be_bytes());
        list.iter().for_each(|item| field(item));
    }
    field(&(pins.len() as u64).to_be_bytes());
    pins.iter().for_each(|pin| field(pin.as_bytes()));
    if let Some(identity) = identity {
        field(&identity.chain);
        field(&identity.key);
    }
    let switches = [
        *own_authorities_only,
        *pins_instead_of_chain,
        *minimum_version == TlsVersion::Tls13,
        *hybrid,
        *insecure,
        identity.is_some(),
    ];
    field(&switches.map(u8::from));
    hash.finalize().into()
}

#[cfg(all(test, not(target_family = "wasm")))]
mod tests {
    use std::sync::Arc;
    use std::vec::Vec;

    use rcgen::{CertificateParams, KeyPair};
    use zeroize::Zeroizing;

    use super::{Config, Tls, fingerprint};
    use crate::error::InvalidOption;
    use crate::tls::options::{Identity, TlsOptions, TlsVersion};

    fn identity(certificate: &rcgen::Certificate, key: &KeyPair) -> Identity {
        Identity {
            chain: certificate.der().to_vec().into(),
            key: Zeroizing::new(key.serialize_der()),
        }
    }

    fn pair() -> (rcgen::Certificate, KeyPair) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(Vec::new())
            .unwrap()
            .self_signed(&key)
            .unwrap();
        (certificate, key)
    }

    /// Options that differ from the default, and from each other, in one thing.
    fn variations() -> Vec<TlsOptions> {
        let (certificate, key) = pair();
        let authorities = std::vec![certificate.der().to_vec().into()];
        let pins = std::vec!["ab".repeat(32)];
        let default = TlsOptions::new;
        std::vec![
            default(),
            TlsOptions {
                authorities: authorities.clone(),
                ..default()
            },
            TlsOptions {
                authorities,
                own_authorities_only: true,
                ..default()
            },
            TlsOptions {
                pins: pins.clone(),
                ..default()
            },
            TlsOptions {
                pins: pins.clone(),
                pins_instead_of_chain: true,
                ..default()
            },
            TlsOptions {
                identity: Some(identity(&certificate, &key)),
                ..default()
            },
            TlsOptions {
                minimum_version: TlsVersion::Tls13,
                ..default()
            },
            TlsOptions {
                hybrid: false,
                ..default()
            },
            TlsOptions {
                insecure: true,
                ..default()
            },
            TlsOptions {
                insecure: true,
                pins,
                ..default()
            },
        ]
    }

    #[test]
    fn only_equal_options_share_a_configuration_and_with_it_sessions() {
        let all = variations();
        let configs: Vec<_> = all.iter().map(|one| Config::of(one).unwrap()).collect();
        for (index, config) in configs.iter().enumerate() {
            for (other, options) in all.iter().enumerate() {
                let same = Arc::ptr_eq(config, &Config::of(options).unwrap());
                assert_eq!(same, index == other, "{index} and {other}");
            }
        }
    }

    #[test]
    fn revocation_lists_keep_sessions_apart_too() {
        let with = |list: &[u8]| {
            fingerprint(&TlsOptions {
                revocations: std::vec![list.to_vec().into()],
                ..TlsOptions::new()
            })
        };
        assert_ne!(with(b"a"), with(b"b"));
        assert_ne!(with(b"a"), fingerprint(&TlsOptions::new()));
    }

    #[test]
    fn a_name_an_address_and_a_bracketed_address_can_be_checked() {
        for host in ["lab.example", "127.0.0.1", "::1", "[::1]", "a_b.example"] {
            assert!(Tls::new(&TlsOptions::new(), host).is_ok(), "{host}");
        }
    }

    #[test]
    fn what_no_certificate_can_be_checked_against_is_refused() {
        for host in ["", "lab example", "läb.example", "lab..example"] {
            let refused = Tls::new(&TlsOptions::new(), host).err();
            assert_eq!(refused, Some(InvalidOption::ServerName), "{host}");
        }
    }

    #[test]
    fn an_option_that_cannot_work_is_named() {
        let (certificate, key) = pair();
        let (_, other) = pair();
        let options = TlsOptions {
            identity: Some(identity(&certificate, &other)),
            ..TlsOptions::new()
        };
        let refused = Tls::new(&options, "lab").err();
        assert_eq!(refused, Some(InvalidOption::IdentityMismatch));
        let options = TlsOptions {
            own_authorities_only: true,
            identity: Some(identity(&certificate, &key)),
            ..TlsOptions::new()
        };
        assert_eq!(
            Tls::new(&options, "lab").err(),
            Some(InvalidOption::NoTrust)
        );
        let options = TlsOptions {
            pins_instead_of_chain: true,
            ..TlsOptions::new()
        };
        assert_eq!(
            Tls::new(&options, "lab").err(),
            Some(InvalidOption::NoTrust)
        );
        let options = TlsOptions {
            pins: std::vec!["ab".repeat(32), "ab".into()],
            ..TlsOptions::new()
        };
        assert_eq!(Tls::new(&options, "lab").err(), Some(InvalidOption::Pin(2)));
    }
}
