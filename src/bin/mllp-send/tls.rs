//! The TLS options and the files that they name become [`TlsOptions`]. What a
//! file holds is told nobody but the library.

use std::fmt;
use std::path::{Path, PathBuf};

use mllp_client::error::InvalidOption;
use mllp_client::tls::config::Tls;
use mllp_client::tls::options::{Identity, TlsOptions};
use zeroize::Zeroizing;

use crate::args::SendArgs;
use crate::input::{Trouble, read_file};
use crate::options::TlsArgs;
use crate::output::printable;

/// What `--insecure` means, said once.
pub(crate) const INSECURE: &str = "warning: --insecure: the receiver's identity is not checked; \
    whoever stands between can read the messages and make up the replies";

/// A file that an option names and that cannot be read.
#[derive(Debug)]
pub(crate) struct Unreadable {
    path: PathBuf,
    trouble: Trouble,
}

impl fmt::Display for Unreadable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let path = printable(&self.path.display().to_string());
        write!(f, "{path}: {}", self.trouble)
    }
}

/// The options, with their files read; `None` without `--tls`.
pub(crate) fn options(args: &TlsArgs) -> Result<Option<TlsOptions>, Unreadable> {
    if !args.tls {
        return Ok(None);
    }
    Ok(Some(TlsOptions {
        authorities: read_all(&args.ca)?,
        own_authorities_only: args.ca_only,
        pins: args.pin.clone(),
        pins_instead_of_chain: args.pin_only,
        identity: identity(args)?,
        server_name: args.server_name.clone(),
        minimum_version: args.tls_min,
        hybrid: !args.no_hybrid,
        revocations: read_all(&args.crl)?,
        insecure: args.insecure,
    }))
}

/// Whether a connection can be made with what the files hold.
pub(crate) fn check(tls: Option<TlsOptions>, args: &SendArgs) -> Result<(), InvalidOption> {
    match tls {
        Some(tls) => Tls::new(&tls, &args.receiver.host).map(|_| ()),
        None => Ok(()),
    }
}

fn identity(args: &TlsArgs) -> Result<Option<Identity>, Unreadable> {
    let Some(certificate) = &args.cert else {
        return Ok(None);
    };
    let key = args.key.as_ref().unwrap_or(certificate);
    Ok(Some(Identity {
        chain: read(certificate)?,
        key: read(key)?,
    }))
}

fn read_all(paths: &[PathBuf]) -> Result<Vec<Zeroizing<Vec<u8>>>, Unreadable> {
    paths.iter().map(|path| read(path)).collect()
}

fn read(path: &Path) -> Result<Zeroizing<Vec<u8>>, Unreadable> {
    read_file(path)
        .map(Zeroizing::new)
        .map_err(|trouble| Unreadable {
            path: path.to_owned(),
            trouble,
        })
}

#[cfg(test)]
mod tests {
    use mllp_client::tls::options::{TlsOptions, TlsVersion};

    use super::options;
    use crate::args::tests::{args, tls_args};

    /// A file that is there whenever the tests are.
    const FILE: &str = "Cargo.toml";

    #[test]
    fn without_tls_there_are_no_options() {
        let job = crate::args::Job::Send(Box::new(args("lab:1")));
        assert!(options(job.tls()).unwrap().is_none());
    }

    #[test]
    fn the_defaults_are_the_librarys() {
        let default = TlsOptions::new();
        let options = options(&tls_args("")).unwrap().unwrap();
        assert_eq!(format!("{options:?}"), format!("{default:?}"));
    }

    #[test]
    fn each_option_reaches_the_library() {
        let pin = "00".repeat(32);
        let line = format!(
            "--ca {FILE} --ca-only --pin {pin} --server-name lab.example --tls-min 1.3 \
             --no-hybrid --crl {FILE}"
        );
        let told = options(&tls_args(&line)).unwrap().unwrap();
        assert_eq!(told.authorities, [std::fs::read(FILE).unwrap().into()]);
        assert_eq!(told.revocations, told.authorities);
        assert!(told.own_authorities_only && !told.hybrid);
        assert_eq!(told.pins, [pin.as_str()]);
        assert_eq!(told.server_name.as_deref(), Some("lab.example"));
        assert_eq!(told.minimum_version, TlsVersion::Tls13);
        let told = options(&tls_args(&format!("--pin {pin} --pin-only")));
        assert!(told.unwrap().unwrap().pins_instead_of_chain);
        let told = options(&tls_args("--insecure"));
        assert!(told.unwrap().unwrap().insecure);
    }

    #[test]
    fn the_key_is_in_the_certificates_file_unless_it_has_its_own() {
        let identity = |line: &str| options(&tls_args(line)).unwrap().unwrap().identity.unwrap();
        let both = identity(&format!("--cert {FILE}"));
        assert_eq!(both.chain, both.key);
        let apart = identity(&format!("--cert {FILE} --key README.md"));
        assert_ne!(apart.chain, apart.key);
    }

    #[test]
    fn a_file_out_of_sight_names_the_grant_and_a_missing_one_its_name() {
        for option in ["--ca", "--cert", "--crl"] {
            let advice = |path: &str| {
                let line = format!("{option} {path}");
                options(&tls_args(&line)).unwrap_err().to_string()
            };
            assert!(advice("no-such-folder/a.pem").contains("wasmtime run --dir"));
            assert!(advice("no-such-file.pem").starts_with("no-such-file.pem: "));
            assert!(advice("no-such-file.pem").contains("check its name"));
        }
    }
}
