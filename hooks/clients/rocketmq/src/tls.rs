//! TLS to servers, which take it and plain text at the same port and tell them apart by the first byte
//! (`NettyRemotingServer.TlsModeHandler`).

use std::fmt;
use std::io;

pub(crate) use midships_client_tls::presents_any;
pub use midships_client_tls::{Authorities, TlsError};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::client::TlsStream;

/// What carries frames to a server and back.
pub(crate) trait Connection: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug {}

impl<C: AsyncRead + AsyncWrite + Send + Unpin + fmt::Debug> Connection for C {}

/// How connections are encrypted.
#[derive(Clone, Debug)]
pub struct Encryption {
    by: midships_client_tls::Encryption,
    /// Whether a server that presents no trusted certificate is not talked to at all, instead of in plain text.
    is_required: bool,
}

impl Encryption {
    /// TLS with servers whose certificates one of these authorities has issued. Where it is not required, plain text is spoken with
    /// all others.
    ///
    /// # Errors
    /// When the program has no suite of ciphers for any version of TLS.
    pub fn trusting(authorities: &Authorities, is_required: bool) -> Result<Self, TlsError> {
        let by = midships_client_tls::Encryption::trusting(authorities, None)?;
        Ok(Self { by, is_required })
    }

    pub(crate) fn is_required(&self) -> bool {
        self.is_required
    }

    pub(crate) async fn over(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        self.by.over(stream).await
    }
}
