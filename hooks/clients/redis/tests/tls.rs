//! TLS with a server on the loopback interface: whose certificate is trusted, who is let in, and what a wrong one is told.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;
use std::time::Duration;

use midships_client_redis::{
    Authorities, CallError, Client, Credentials, Encryption, Identity, Timeouts, TlsError,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer};
use rustls::server::WebPkiClientVerifier;
use tokio::io::{AsyncBufReadExt, AsyncRead, AsyncWrite, AsyncWriteExt, BufReader};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

type Authority = CertifiedIssuer<'static, KeyPair>;

fn authority() -> Authority {
    let mut parameters = CertificateParams::new(Vec::new()).unwrap();
    parameters.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(parameters, KeyPair::generate().unwrap()).unwrap()
}

fn identity(authority: &Authority) -> Identity {
    let issuer: &Issuer<_> = authority;
    let key = KeyPair::generate().unwrap();
    let parameters = CertificateParams::new(vec!["another.name".to_owned()]).unwrap();
    let own = parameters.signed_by(&key, issuer).unwrap();
    Identity {
        chain: vec![own.der().clone()],
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    }
}

fn trusting(authority: &Authority, identity: Option<Identity>) -> Result<Encryption, TlsError> {
    Encryption::trusting(&Authorities::new(vec![der(authority)])?, identity)
}

fn der(authority: &Authority) -> CertificateDer<'static> {
    authority.der().clone()
}

/// A server that wants to see a certificate of the authority, and its address.
async fn server(authority: &Authority) -> String {
    let provider = Arc::new(ring::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(der(authority)).unwrap();
    let verifier = WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(&provider));
    let Identity { chain, key } = identity(authority);
    let configuration = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_client_cert_verifier(verifier.build().unwrap())
        .with_single_cert(chain, key)
        .unwrap();
    let acceptor = TlsAcceptor::from(Arc::new(configuration));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            if let Ok(stream) = acceptor.accept(stream).await {
                tokio::spawn(answer(stream));
            }
        }
    });
    address
}

/// Lets in who has the password, and answers a ping with whatever it was sent before. Knows no users and no password if told so.
async fn answer(stream: impl AsyncRead + AsyncWrite + Unpin) {
    let mut stream = BufReader::new(stream);
    let mut seen = Vec::new();
    let mut line = String::new();
    while stream
        .read_line(&mut line)
        .await
        .is_ok_and(|length| length > 0)
    {
        let word = std::mem::take(&mut line).trim_end().to_owned();
        match word.as_str() {
            "secret" | "4" => stream.write_all(b"+OK\r\n").await.unwrap(),
            "7" => {
                let no = b"-ERR unknown command `SELECT`\r\n";
                stream.write_all(no).await.unwrap();
            }
            "old" if seen.last().is_some_and(|last| last != "AUTH") => {
                let no = b"-ERR wrong number of arguments for 'auth' command\r\n";
                stream.write_all(no).await.unwrap();
            }
            "old" => {
                let no = b"-ERR Client sent AUTH, but no password is set\r\n";
                stream.write_all(no).await.unwrap();
            }
            "wrong" => stream.write_all(b"-WRONGPASS who?\r\n").await.unwrap(),
            "PING" => {
                let told = format!("+{}\r\n", seen.join(" "));
                stream.write_all(told.as_bytes()).await.unwrap();
            }
            _ => {}
        }
        seen.extend((!word.starts_with(['*', '$'])).then_some(word));
        stream.flush().await.unwrap();
    }
}

fn credentials(password: &str) -> Credentials {
    Credentials {
        user: Some("reader".to_owned()),
        password: password.to_owned().into(),
        previous: None,
    }
}

#[tokio::test]
async fn who_has_a_certificate_and_the_password_is_let_in() {
    let authority = authority();
    let address = server(&authority).await;
    let client = Client {
        credentials: Some(credentials("secret")),
        encryption: Some(trusting(&authority, Some(identity(&authority))).unwrap()),
        database: 4,
        ..Client::default()
    };
    let mut connection = client.connect(&address).await.unwrap();
    let told = connection.text(&["PING"]).await.unwrap();
    assert_eq!(told, "AUTH reader secret SELECT 4");
    assert!(!format!("{client:?}").contains("secret"));

    let early = Client {
        credentials: Some(credentials("old")),
        ..client.clone()
    };
    let mut connection = early.connect(&address).await.unwrap();
    let told = connection.text(&["PING"]).await.unwrap();
    assert_eq!(told, "AUTH reader old AUTH old SELECT 4");

    let of_sentinel = Client {
        database: 7,
        ..client.clone()
    };
    of_sentinel.connect(&address).await.unwrap();

    let stranger = Client {
        credentials: Some(credentials("wrong")),
        ..client
    };
    let error = stranger.connect(&address).await.unwrap_err();
    assert!(matches!(error, CallError::NotLetIn { .. }), "{error}");
    let text = error.to_string();
    assert!(text.contains(&address) && text.contains("who?"), "{text}");
}

#[tokio::test]
async fn who_has_no_certificate_is_not_let_in() {
    let authority = authority();
    let address = server(&authority).await;
    let client = Client {
        credentials: Some(credentials("secret")),
        encryption: Some(trusting(&authority, None).unwrap()),
        ..Client::default()
    };
    // With TLS 1.3 the server's no comes after the handshake.
    let error = client.connect(&address).await.unwrap_err();
    assert!(matches!(error, CallError::NoAnswer { .. }), "{error}");
}

#[tokio::test]
async fn a_server_with_a_certificate_of_others_or_without_tls_is_told_nothing() {
    let (mine, other) = (authority(), authority());
    let client = Client {
        credentials: Some(credentials("secret")),
        encryption: Some(trusting(&mine, None).unwrap()),
        ..Client::default()
    };
    let plain = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let of_plain = plain.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        let (mut stream, _) = plain.accept().await.unwrap();
        stream.write_all(b"-ERR unknown command\r\n").await.unwrap();
        stream.shutdown().await.unwrap();
    });
    for address in [server(&other).await, of_plain] {
        let error = client.connect(&address).await.unwrap_err();
        assert!(matches!(error, CallError::Untrusted { .. }), "{error}");
        assert!(!error.may_have_taken_effect());
    }
}

#[tokio::test]
async fn a_server_that_waits_for_plain_text_speaks_no_tls() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let client = Client {
        timeouts: Timeouts {
            connect: Duration::from_millis(50),
            ..Timeouts::default()
        },
        encryption: Some(trusting(&authority(), None).unwrap()),
        ..Client::default()
    };
    // Nobody accepts, so that the system does, and nothing is said.
    let error = client.connect(&address).await.unwrap_err();
    assert!(matches!(error, CallError::Untrusted { .. }), "{error}");
    assert!(error.to_string().ends_with("timed out"), "{error}");
    drop(listener);
}

#[test]
fn a_private_key_of_another_certificate_is_refused() {
    let authority = authority();
    let mixed = Identity {
        chain: identity(&authority).chain,
        key: identity(&authority).key,
    };
    let error = trusting(&authority, Some(mixed)).unwrap_err();
    assert!(matches!(error, TlsError::Identity { .. }), "{error}");
}
