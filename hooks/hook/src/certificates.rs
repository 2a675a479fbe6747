//! Which authorities servers must have certificates of, and whether a Secret and the servers are fit for it: known before anything
//! is changed.

use std::io::ErrorKind;
use std::path::Path;
use std::time::Duration;

use futures::future::join_all;
use midships_client_redis::Identity;
use midships_client_rocketmq::{Authorities, CallError, Client, Encryption, Request, TlsError};
use midships_engine::step::Problem;
use midships_model::fields::certificates::{AUTHORITIES_KEY, CERTIFICATE_KEY, PRIVATE_KEY};
use midships_operations_rocketmq::transfer_topic::wish::Wish;
use midships_operations_rocketmq::{Broker, Desired};
use rustls::SignatureAlgorithm;
use rustls::crypto::ring::sign::any_supported_type;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer, UnixTime};
use rustls::sign::CertifiedKey;

use crate::desired::Wanted;
use crate::signing::masters_of;

/// The field that names the Secret, in every chart that has one.
const FIELD: &str = "tls.secretName";
/// The field that says whether plain text is refused.
const ENFORCED: &str = "tls.enforced";

/// The authorities in a directory into which a Secret is mounted.
fn authorities(directory: &Path) -> Result<Authorities, Problem> {
    let certificates = certificates(directory, AUTHORITIES_KEY)?;
    Authorities::new(certificates).map_err(|error| unusable(AUTHORITIES_KEY, error))
}

/// How to speak to servers that present certificates of the authorities in a directory; nothing where no directory is named.
///
/// # Errors
/// When the key of the authorities is missing or has no certificates.
pub fn encryption(
    directory: Option<&Path>,
    is_required: bool,
) -> Result<Option<Encryption>, Problem> {
    let Some(directory) = directory else {
        return Ok(None);
    };
    let authorities = authorities(directory)?;
    let encryption = Encryption::trusting(&authorities, is_required);
    encryption
        .map(Some)
        .map_err(|error| unusable(AUTHORITIES_KEY, error))
}

/// How to speak to servers of Redis and Valkey that present certificates of the authorities in a directory, and with which
/// certificate, if there is a private key; nothing where no directory is named.
///
/// # Errors
/// When a file is missing or cannot be used.
pub fn of_redis(
    directory: Option<&Path>,
) -> Result<Option<midships_client_redis::Encryption>, Problem> {
    let Some(directory) = directory else {
        return Ok(None);
    };
    let authorities = authorities(directory)?;
    // Jobs have the certificate without its key: they show none.
    let identity = if directory.join(PRIVATE_KEY).exists() {
        Some(Identity {
            chain: certificates(directory, CERTIFICATE_KEY)?,
            key: private_key(directory)?,
        })
    } else {
        None
    };
    let encryption = midships_client_redis::Encryption::trusting(&authorities, identity);
    encryption.map(Some).map_err(|error| match error {
        TlsError::Identity {
            source: rustls::Error::InvalidCertificate(_),
        } => unusable(CERTIFICATE_KEY, error),
        TlsError::Identity { .. } => unusable(PRIVATE_KEY, error),
        _ => unusable(AUTHORITIES_KEY, error),
    })
}

/// What servers present, from the directory into which their Secret is mounted.
#[derive(Debug)]
pub struct Presented {
    chain: Vec<CertificateDer<'static>>,
    authorities: Authorities,
}

impl Presented {
    /// Reads the certificate and sees that the authorities beside it have issued it.
    ///
    /// # Errors
    /// When a key is missing, has something else, or the certificate is not trusted.
    pub fn read(directory: &Path) -> Result<Self, Problem> {
        let presented = Self {
            chain: certificates(directory, CERTIFICATE_KEY)?,
            authorities: authorities(directory)?,
        };
        presented
            .judge(UnixTime::now())
            .map_err(|error| unusable(CERTIFICATE_KEY, error))?;
        Ok(presented)
    }

    fn judge(&self, moment: UnixTime) -> Result<(), TlsError> {
        self.authorities.trust(&self.chain, moment)
    }

    /// Whether this is the servers' own certificate.
    pub fn is(&self, certificate: &CertificateDer<'_>) -> bool {
        self.chain.first().is_some_and(|own| own == certificate)
    }

    /// Whether it is trusted after some time still.
    pub fn lasts(&self, time: Duration) -> bool {
        let now = Duration::from_secs(UnixTime::now().as_secs());
        self.judge(UnixTime::since_unix_epoch(now + time)).is_ok()
    }
}

/// Sees that servers can use what is in a directory: the certificate, and the private key that belongs to it.
///
/// # Errors
/// When they cannot, with the key of the Secret that is to blame.
pub fn judge(directory: &Path) -> Result<(), Problem> {
    let presented = Presented::read(directory)?;
    let key = private_key(directory)?;
    if !matches!(key, PrivateKeyDer::Pkcs8(_)) {
        return Err(unusable(
            PRIVATE_KEY,
            "servers read a private key as PKCS#8 only, which begins with `BEGIN PRIVATE KEY`",
        ));
    }
    let key = any_supported_type(&key).map_err(|error| unusable(PRIVATE_KEY, error))?;
    // Java 8 and the Netty of older versions have no others.
    if !matches!(
        key.algorithm(),
        SignatureAlgorithm::RSA | SignatureAlgorithm::ECDSA
    ) {
        return Err(unusable(
            PRIVATE_KEY,
            format!("servers take RSA and EC, not {:?}", key.algorithm()),
        ));
    }
    CertifiedKey::new(presented.chain, key)
        .keys_match()
        .map_err(|_| {
            unusable(
                PRIVATE_KEY,
                "it is not that of the certificate in `tls.crt`",
            )
        })
}

fn private_key(directory: &Path) -> Result<PrivateKeyDer<'static>, Problem> {
    let text = content(directory, PRIVATE_KEY)?;
    PrivateKeyDer::from_pem_slice(&text)
        .map_err(|_| unusable(PRIVATE_KEY, "there is no private key in it"))
}

fn certificates(directory: &Path, key: &str) -> Result<Vec<CertificateDer<'static>>, Problem> {
    let text = content(directory, key)?;
    let certificates: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&text).collect();
    match certificates {
        Ok(certificates) if !certificates.is_empty() => Ok(certificates),
        _ => Err(unusable(key, "there is no certificate in it")),
    }
}

fn content(directory: &Path, key: &str) -> Result<Vec<u8>, Problem> {
    let path = directory.join(key);
    let why = match std::fs::read(&path) {
        Ok(content) if !content.is_empty() => return Ok(content),
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(unusable(key, format!("{}: {error}", path.display())));
        }
        _ => "its Secret does not exist, or has nothing under the key",
    };
    Err(Problem {
        object: FIELD.to_owned(),
        why: format!("{why} `{key}` ({})", directory.display()),
        remedy: remedy(key),
    })
}

/// What can be done about a Secret whose key cannot be used.
fn remedy(key: &str) -> String {
    format!(
        "make a Secret whose key `{key}` has {} in the release's namespace, or name another one",
        match key {
            AUTHORITIES_KEY => "the certificates of the authorities that are trusted",
            CERTIFICATE_KEY =>
                "the servers' certificate, which one of them has issued and which has not ended",
            _ => "its private key, RSA or EC, as PKCS#8",
        }
    )
}

/// What is wrong with a key of the Secret.
fn unusable(key: &str, why: impl std::fmt::Display) -> Problem {
    Problem {
        object: FIELD.to_owned(),
        why: format!("the key `{key}` of its Secret cannot be used: {why}"),
        remedy: remedy(key),
    }
}

/// What is spoken with servers.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Mode {
    /// Plain text: no Secret is named.
    Plain,
    /// TLS, and plain text with whom it cannot be spoken.
    Permissive,
    /// TLS only.
    Enforcing,
}

/// Why the servers of a release cannot be talked to, or could not any more, if it is for TLS. Those that do not answer say nothing.
pub async fn refusal(client: &Client, wanted: &Wanted, is_before: bool) -> Option<Problem> {
    let mode = match (wanted.speaks_tls(), wanted.requires_tls()) {
        (false, _) => Mode::Plain,
        (true, false) => Mode::Permissive,
        (true, true) => Mode::Enforcing,
    };
    let servers = match wanted {
        // What is new after an upgrade may not have begun yet.
        Wanted::Rocketmq { .. } if !is_before => return None,
        Wanted::Rocketmq { file, revision } => {
            let desired = Desired::of(file, *revision);
            let groups = desired.brokers.iter().map(|broker| broker.name.clone());
            let elections = Request::Elections {
                groups: groups.collect(),
            };
            [
                each(&Request::ClusterInfo, desired.name_servers),
                each(&elections, desired.controllers),
                each(&Request::BrokerConfiguration, addresses(desired.brokers)),
            ]
            .concat()
        }
        Wanted::TopicTransfer(file) => {
            let wish = Wish::of(file, false);
            let masters = masters_of(client, &wish).await;
            [
                each(&Request::ClusterInfo, wish.name_servers),
                each(&Request::BrokerConfiguration, addresses(masters)),
            ]
            .concat()
        }
    };
    let asked = servers
        .iter()
        .map(|(address, request)| asked(client, mode, address, request));
    let why = join_all(asked).await.into_iter().flatten().next()?;
    Some(match wanted {
        Wanted::Rocketmq { .. } => Problem {
            object: if mode == Mode::Enforcing {
                ENFORCED
            } else {
                FIELD
            }
            .to_owned(),
            why,
            remedy: match mode {
                Mode::Plain => format!(
                    "name the Secret with the servers' certificates in {FIELD}; to end TLS, first set {ENFORCED} to false alone"
                ),
                Mode::Permissive | Mode::Enforcing => format!(
                    "to turn TLS on, upgrade with {FIELD} alone first, let clients speak TLS, and then set {ENFORCED} to true; to change \
                     the authority, have both in `{AUTHORITIES_KEY}` until all servers present new certificates"
                ),
            },
        },
        Wanted::TopicTransfer(_) => Problem {
            object: FIELD.to_owned(),
            why,
            remedy: format!(
                "name a Secret whose key `{AUTHORITIES_KEY}` has the authorities of the certificates of all these servers, or none where \
                 they have no certificates"
            ),
        },
    })
}

fn addresses(brokers: Vec<Broker>) -> impl Iterator<Item = String> {
    brokers.into_iter().map(|broker| broker.address)
}

fn each(request: &Request, servers: impl IntoIterator<Item = String>) -> Vec<(String, Request)> {
    let servers = servers.into_iter();
    servers.map(|address| (address, request.clone())).collect()
}

/// Why a server cannot be talked to in this mode, if it can be in another.
async fn asked(client: &Client, mode: Mode, address: &str, request: &Request) -> Option<String> {
    if mode == Mode::Enforcing {
        return match client.certificate(address).await {
            Err(CallError::Untrusted { source, .. }) => Some(format!(
                "server {address} presents no certificate that an authority in `{AUTHORITIES_KEY}` of the Secret has issued: {source}"
            )),
            _ => None,
        };
    }
    // A server that refuses plain text closes the connection without a word.
    let answer = client.call(address, request).await;
    let is_closed = matches!(&answer, Err(CallError::NoAnswer { source, .. }) if source.kind() != ErrorKind::TimedOut);
    if !is_closed || !client.speaks_tls(address).await.unwrap_or_default() {
        return None;
    }
    let why = match mode {
        Mode::Plain => "and no Secret is named",
        Mode::Permissive | Mode::Enforcing => {
            "with a certificate that no authority in the Secret has issued"
        }
    };
    Some(format!("server {address} speaks nothing but TLS, {why}"))
}

#[cfg(test)]
mod tests {
    use rcgen::{
        BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair,
        PKCS_ECDSA_P256_SHA256, PKCS_ED25519, SignatureAlgorithm,
    };

    use super::*;

    /// Keys of a Secret: an authority, and the certificate and private key that it has issued.
    fn secret() -> [(&'static str, String); 3] {
        secret_of(&PKCS_ECDSA_P256_SHA256)
    }

    /// The same, where the private key is of an algorithm.
    fn secret_of(algorithm: &'static SignatureAlgorithm) -> [(&'static str, String); 3] {
        let mut of_authority = CertificateParams::new(Vec::new()).unwrap();
        of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        let key = || KeyPair::generate_for(algorithm).unwrap();
        let authority = CertifiedIssuer::self_signed(of_authority, key()).unwrap();
        let own = key();
        let of_server = CertificateParams::new(vec!["servers".to_owned()]).unwrap();
        let certificate = of_server.signed_by(&own, &authority).unwrap();
        [
            (AUTHORITIES_KEY, authority.pem()),
            (CERTIFICATE_KEY, certificate.pem()),
            (PRIVATE_KEY, own.serialize_pem()),
        ]
    }

    fn directory(keys: &[(&str, String)]) -> tempfile::TempDir {
        let directory = tempfile::tempdir().unwrap();
        for (key, content) in keys {
            std::fs::write(directory.path().join(key), content).unwrap();
        }
        directory
    }

    #[test]
    fn a_secret_of_an_authority_its_certificate_and_key_is_taken() {
        let secret = directory(&secret());
        judge(secret.path()).unwrap();
        let presented = Presented::read(secret.path()).unwrap();
        assert!(presented.lasts(Duration::from_hours(24)));
        assert!(!presented.lasts(Duration::from_secs(70_000_000_000)));
        assert!(encryption(Some(secret.path()), true).unwrap().is_some());
        assert!(encryption(None, true).unwrap().is_none());
    }

    #[test]
    fn who_asks_redis_may_have_a_certificate() {
        let [ca, own, key] = secret();
        let [.., other_key] = secret();
        let taken = |keys: &[(&str, String)]| of_redis(Some(directory(keys).path()));
        assert!(taken(std::slice::from_ref(&ca)).unwrap().is_some());
        assert!(
            taken(&[ca.clone(), own.clone(), key.clone()])
                .unwrap()
                .is_some()
        );
        // As Jobs have it.
        assert!(taken(&[ca.clone(), own.clone()]).unwrap().is_some());
        assert!(of_redis(None).unwrap().is_none());
        for (keys, told) in [
            (vec![own.clone(), key.clone()], "`ca.crt`"),
            (vec![ca.clone(), key], "`tls.crt`"),
            (vec![ca, own, other_key], "`tls.key`"),
        ] {
            let problem = taken(&keys).unwrap_err();
            assert!(problem.why.contains(told), "{told}: {problem:?}");
        }
    }

    #[test]
    fn a_secret_that_servers_cannot_use_is_refused_with_its_key() {
        let ([ca, own, key], [other_ca, other, other_key]) = (secret(), secret());
        let sec1 = (PRIVATE_KEY, key.1.replace("PRIVATE KEY", "EC PRIVATE KEY"));
        let words = (CERTIFICATE_KEY, "no certificate".to_owned());
        for (keys, told) in [
            (vec![ca.clone(), own.clone()], "`tls.key`"),
            (vec![own.clone(), key.clone()], "`ca.crt`"),
            (vec![ca.clone(), words, key.clone()], "`tls.crt`"),
            (vec![other_ca, own.clone(), key.clone()], "`tls.crt`"),
            (vec![ca.clone(), own.clone(), other_key], "is not that of"),
            (vec![ca.clone(), own, sec1], "PKCS#8"),
            (vec![ca, other, key], "`tls.crt`"),
            (secret_of(&PKCS_ED25519).to_vec(), "ED25519"),
        ] {
            let secret = directory(&keys);
            let problem = judge(secret.path()).unwrap_err();
            assert_eq!(problem.object, FIELD);
            assert!(problem.why.contains(told), "{told}: {problem:?}");
            assert!(!format!("{problem:?}").contains("BEGIN EC"), "{problem:?}");
        }
    }
}
