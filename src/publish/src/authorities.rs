//! The certificate authorities that a registry's certificate is checked against beside those that the machine trusts.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::{self, PemObject};
use snafu::{ResultExt, Snafu, ensure};

/// Why a file names no certificate authorities.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The file is broken PEM.
    #[snafu(display("unable to read it as PEM: {source}; {WANTED}"))]
    Pem {
        /// Why.
        source: pem::Error,
    },
    /// The file has no certificate.
    #[snafu(display("no certificate in it; {WANTED}"))]
    Empty,
    /// What is called a certificate is none.
    #[snafu(display(
        "certificate {number} of the file is not one of an authority: {source}; {WANTED}"
    ))]
    Certificate {
        /// Counted from 1.
        number: usize,
        /// Why.
        source: rustls::Error,
    },
}

/// What every refusal ends with.
const WANTED: &str = "allowed are certificates between `-----BEGIN CERTIFICATE-----` and `-----END CERTIFICATE-----`, \
                      such as Harbor's `ca.crt`";

/// Certificate authorities, none unless some are given.
#[derive(Clone, Debug, Default)]
pub struct Authorities(Vec<CertificateDer<'static>>);

impl Authorities {
    /// Reads one or more certificates in PEM.
    ///
    /// # Errors
    /// When there is none, or one that cannot be checked against.
    pub fn parse(text: &[u8]) -> Result<Self, Error> {
        let mut certificates = Vec::new();
        for certificate in CertificateDer::pem_slice_iter(text) {
            let certificate = certificate.context(PemSnafu)?;
            let number = certificates.len() + 1;
            RootCertStore::empty()
                .add(certificate.clone())
                .context(CertificateSnafu { number })?;
            certificates.push(certificate);
        }
        ensure!(!certificates.is_empty(), EmptySnafu);
        Ok(Self(certificates))
    }

    /// The certificates in DER.
    pub(crate) fn certificates(&self) -> impl Iterator<Item = &[u8]> {
        self.0.iter().map(AsRef::as_ref)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_is_no_certificate_and_says_what_one_looks_like() {
        for (text, expected) in [
            ("", "no certificate in it; allowed are"),
            (
                "-----BEGIN PRIVATE KEY-----\nMAA=\n-----END PRIVATE KEY-----\n",
                "no certificate in it; allowed are",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n",
                "certificate 1 of the file is not one",
            ),
            (
                "-----BEGIN CERTIFICATE-----\nMAA=\n",
                "unable to read it as PEM",
            ),
        ] {
            let message = Authorities::parse(text.as_bytes()).unwrap_err().to_string();
            assert!(message.starts_with(expected), "{message}");
            assert!(message.contains("-----BEGIN CERTIFICATE-----"), "{message}");
        }
    }
}
