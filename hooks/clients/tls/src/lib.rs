//! TLS to servers: whose certificates are trusted, whatever names are in them, and with which certificate one asks.

use std::fmt;
use std::io;
use std::sync::Arc;

use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::client::{Resumption, VerifierBuilderError, WebPkiServerVerifier};
use rustls::crypto::{
    CryptoProvider, WebPkiSupportedAlgorithms, ring, verify_tls12_signature, verify_tls13_signature,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, ServerName, UnixTime};
use rustls::{
    CertificateError, ClientConfig, DigitallySignedStruct, RootCertStore, SignatureScheme,
};
use snafu::{ResultExt, Snafu};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;

/// Why certificates cannot be used.
#[derive(Debug, Snafu)]
pub enum TlsError {
    /// One of the authorities has no certificate that can be read.
    #[snafu(display("an authority has no certificate that can be read: {source}"))]
    Authority {
        /// What is wrong.
        source: rustls::Error,
    },
    /// There is no authority.
    #[snafu(display("there is no certificate of an authority: {source}"))]
    NoAuthority {
        /// What is wrong.
        source: VerifierBuilderError,
    },
    /// TLS cannot be spoken at all.
    #[snafu(display("TLS cannot be spoken: {source}"))]
    Suites {
        /// What is wrong.
        source: rustls::Error,
    },
    /// The certificate and the private key of who asks cannot be used, or do not belong together.
    #[snafu(display("the certificate and the private key of who asks cannot be used: {source}"))]
    Identity {
        /// What is wrong.
        source: rustls::Error,
    },
    /// A certificate is not trusted.
    #[snafu(display("{source}"))]
    Untrusted {
        /// What is wrong.
        source: rustls::Error,
    },
}

/// The authorities whose certificates servers must have.
#[derive(Clone, Debug)]
pub struct Authorities(Arc<Verifier>);

impl Authorities {
    /// These authorities.
    ///
    /// # Errors
    /// When there is none, or one of them cannot be read.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Result<Self, TlsError> {
        let mut roots = RootCertStore::empty();
        for certificate in certificates {
            roots.add(certificate).context(AuthoritySnafu)?;
        }
        let verifier = WebPkiServerVerifier::builder_with_provider(roots.into(), provider());
        let by = verifier.build().context(NoAuthoritySnafu)?;
        Ok(Self(Verifier::new(Some(by))))
    }

    /// Whether a chain of certificates, a server's own first, is trusted at a moment.
    ///
    /// # Errors
    /// When it is not, with the reason.
    pub fn trust(&self, chain: &[CertificateDer<'_>], moment: UnixTime) -> Result<(), TlsError> {
        let none = rustls::Error::NoCertificatesPresented;
        let (own, above) = chain.split_first().ok_or(none).context(UntrustedSnafu)?;
        let trusted = self
            .0
            .verify_server_cert(own, above, &nobody(), &[], moment);
        trusted.map(drop).context(UntrustedSnafu)
    }
}

/// The certificate with which one asks, where servers want to see one.
#[derive(Debug)]
pub struct Identity {
    /// The certificate, and those between it and an authority.
    pub chain: Vec<CertificateDer<'static>>,
    /// Its private key.
    pub key: PrivateKeyDer<'static>,
}

/// How connections are encrypted.
#[derive(Clone)]
pub struct Encryption(TlsConnector);

impl fmt::Debug for Encryption {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Encryption").finish_non_exhaustive()
    }
}

impl Encryption {
    /// TLS with servers whose certificates one of these authorities has issued.
    ///
    /// # Errors
    /// When the program has no suite of ciphers for any version of TLS, or the certificate of who asks cannot be used.
    pub fn trusting(
        authorities: &Authorities,
        identity: Option<Identity>,
    ) -> Result<Self, TlsError> {
        Self::with(Arc::clone(&authorities.0), identity)
    }

    fn with(verifier: Arc<Verifier>, identity: Option<Identity>) -> Result<Self, TlsError> {
        let building = ClientConfig::builder_with_provider(provider())
            .with_safe_default_protocol_versions()
            .context(SuitesSnafu)?
            .dangerous()
            .with_custom_certificate_verifier(verifier);
        let mut configuration = match identity {
            Some(Identity { chain, key }) => building
                .with_client_auth_cert(chain, key)
                .context(IdentitySnafu)?,
            None => building.with_no_client_auth(),
        };
        // All servers have the same name here, and one would be asked to go on with what another one has begun.
        configuration.resumption = Resumption::disabled();
        Ok(Self(TlsConnector::from(Arc::new(configuration))))
    }

    /// Begins TLS on a connection.
    ///
    /// # Errors
    /// When the server does not speak it, or its certificate is not trusted.
    pub async fn over(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.0.connect(nobody(), stream).await
    }
}

/// Whether a server answers on a connection with a certificate, whoever has issued it.
///
/// # Errors
/// When this program cannot speak TLS at all.
pub async fn presents_any(stream: TcpStream) -> io::Result<bool> {
    let asking = Encryption::with(Verifier::new(None), None).map_err(io::Error::other)?;
    let refused = asking.over(stream).await;
    Ok(refused.err().is_some_and(|error| {
        let inner = error.get_ref();
        let inner = inner.and_then(|inner| inner.downcast_ref::<rustls::Error>());
        matches!(inner, Some(rustls::Error::InvalidCertificate(_)))
    }))
}

fn provider() -> Arc<CryptoProvider> {
    Arc::new(ring::default_provider())
}

/// The name that is asked for. It is not compared: a server is reached by names of Services, of nodes and by addresses, and the
/// products' own programs do not compare names either.
fn nobody() -> ServerName<'static> {
    ServerName::IpAddress(std::net::IpAddr::from([0, 0, 0, 0]).into())
}

/// Trusts whom one of the authorities has issued a certificate for servers, whatever name is in it; without authorities nobody, so
/// that the handshake ends with the certificate.
#[derive(Debug)]
struct Verifier {
    by: Option<Arc<WebPkiServerVerifier>>,
    algorithms: WebPkiSupportedAlgorithms,
}

impl Verifier {
    fn new(by: Option<Arc<WebPkiServerVerifier>>) -> Arc<Self> {
        let algorithms = provider().signature_verification_algorithms;
        Arc::new(Self { by, algorithms })
    }
}

impl ServerCertVerifier for Verifier {
    fn verify_server_cert(
        &self,
        own: &CertificateDer<'_>,
        above: &[CertificateDer<'_>],
        name: &ServerName<'_>,
        ocsp: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let Some(by) = &self.by else {
            return Err(CertificateError::UnknownIssuer.into());
        };
        // The name is compared last, when all else is in order.
        match by.verify_server_cert(own, above, name, ocsp, now) {
            Err(rustls::Error::InvalidCertificate(
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. },
            )) => Ok(ServerCertVerified::assertion()),
            judged => judged,
        }
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls12_signature(message, own, signature, &self.algorithms)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        own: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        verify_tls13_signature(message, own, signature, &self.algorithms)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.algorithms.supported_schemes()
    }
}
