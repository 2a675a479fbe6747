//! How servers are spoken to: with TLS or without, whose certificates are trusted, and what a failed connection means.

use std::error::Error as StdError;
use std::fmt;
use std::io;
use std::time::Duration;

use oci_client::client::{Certificate, CertificateEncoding, ClientConfig, ClientProtocol};
use rustls::CertificateError;
use snafu::Snafu;

use crate::Authorities;

/// Why there is no answer.
#[derive(Debug, Snafu)]
pub enum NoAnswer {
    /// Nobody answers, or not in this protocol.
    #[snafu(display(
        "{server}: no answer over {protocol}: {}; check that it runs there, and ask for {} if that is what it speaks",
        causes(source), protocol.other()
    ))]
    Unreachable {
        /// What was asked: `registry HOST:PORT` or `token server HOST:PORT`.
        server: String,
        /// How it was asked.
        protocol: Protocol,
        /// Why.
        source: reqwest::Error,
    },
    /// The server's certificate comes from nobody who is trusted.
    #[snafu(display(
        "{server}: its certificate is not trusted, its issuer is unknown to this machine; if an authority of your own \
         issued it, give the authority's certificate with --ca-file FILE"
    ))]
    Untrusted {
        /// What was asked.
        server: String,
        /// Why.
        source: reqwest::Error,
    },
    /// The server's certificate is wrong in another way.
    #[snafu(display(
        "{server}: its certificate is not accepted: {}; have it renewed, or ask by a name that it is for",
        causes(source)
    ))]
    Certificate {
        /// What was asked.
        server: String,
        /// Why.
        source: reqwest::Error,
    },
}

impl NoAnswer {
    /// Says what a failed request means.
    pub(crate) fn new(server: String, protocol: Protocol, source: reqwest::Error) -> Self {
        match certificate_error(&source) {
            Some(CertificateError::UnknownIssuer) => Self::Untrusted { server, source },
            Some(_) => Self::Certificate { server, source },
            None => Self::Unreachable {
                server,
                protocol,
                source,
            },
        }
    }
}

/// What was wrong with a certificate, if it was the certificate.
fn certificate_error(error: &reqwest::Error) -> Option<&CertificateError> {
    let mut next: Option<&(dyn StdError + 'static)> = error.source();
    while let Some(cause) = next {
        // An error of the standard library hides the one that it was made from.
        let inner = cause
            .downcast_ref::<io::Error>()
            .and_then(io::Error::get_ref);
        let found = match inner {
            Some(inner) => inner.downcast_ref::<rustls::Error>(),
            None => cause.downcast_ref::<rustls::Error>(),
        };
        if let Some(rustls::Error::InvalidCertificate(error)) = found {
            return Some(error);
        }
        next = match inner {
            Some(inner) => Some(inner),
            None => cause.source(),
        };
    }
    None
}

/// An error with all its causes, the outermost first, each once.
pub(crate) fn causes(error: &dyn StdError) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP over TLS, the registry's certificate checked against those that the machine trusts.
    Https,
    /// HTTP without TLS: for a registry on the same machine or inside a test bed.
    PlainHttp,
}

impl Protocol {
    fn other(self) -> Self {
        match self {
            Self::Https => Self::PlainHttp,
            Self::PlainHttp => Self::Https,
        }
    }

    /// The scheme of web addresses.
    pub(crate) fn scheme(self) -> &'static str {
        match self {
            Self::Https => "https",
            Self::PlainHttp => "http",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Https => "HTTPS",
            Self::PlainHttp => "plain HTTP",
        })
    }
}

/// The longest wait for a connection.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

/// The longest silence of a server that has a request.
const READ_TIMEOUT: Duration = Duration::from_mins(1);

/// The name by which servers see this program.
const USER_AGENT: &str = concat!("midships/", env!("CARGO_PKG_VERSION"));

/// How servers are spoken to.
#[derive(Clone, Debug)]
pub struct Connection {
    protocol: Protocol,
    authorities: Authorities,
}

impl Connection {
    /// A protocol, and the authorities that are trusted beside those of the machine.
    #[must_use]
    pub fn new(protocol: Protocol, authorities: Authorities) -> Self {
        // An error says that the process has a provider already, which serves as well.
        let _present = rustls::crypto::ring::default_provider().install_default();
        Self {
            protocol,
            authorities,
        }
    }

    /// The protocol.
    #[must_use]
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// A client for requests of our own.
    pub(crate) fn client(&self) -> Result<reqwest::ClientBuilder, reqwest::Error> {
        let certificates = self
            .authorities
            .certificates()
            .map(reqwest::Certificate::from_der)
            .collect::<Result<Vec<_>, _>>()?;
        Ok(reqwest::Client::builder()
            .tls_certs_merge(certificates)
            .connect_timeout(CONNECT_TIMEOUT)
            .read_timeout(READ_TIMEOUT)
            .user_agent(USER_AGENT))
    }

    /// The same for the registry's client library.
    pub(crate) fn registry_client(&self) -> ClientConfig {
        ClientConfig {
            protocol: match self.protocol {
                Protocol::Https => ClientProtocol::Https,
                Protocol::PlainHttp => ClientProtocol::Http,
            },
            // One request for a blob is what every registry understands.
            use_monolithic_push: true,
            extra_root_certificates: self
                .authorities
                .certificates()
                .map(|certificate| Certificate {
                    encoding: CertificateEncoding::Der,
                    data: certificate.to_vec(),
                })
                .collect(),
            connect_timeout: Some(CONNECT_TIMEOUT),
            read_timeout: Some(READ_TIMEOUT),
            user_agent: USER_AGENT,
            ..ClientConfig::default()
        }
    }
}
