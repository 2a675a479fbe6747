//! TLS with a server on the loopback interface: whose certificate is trusted, and what is done with one that is not.

#![allow(clippy::unwrap_used, reason = "helpers of tests are tests")]

use std::sync::Arc;
use std::time::Duration;

use midships_client_rocketmq::answer::answered;
use midships_client_rocketmq::{
    Answer, Authorities, CallError, Client, ClusterInfo, Encryption, Frame, ProductVersion, Reply,
    Request, Timeouts,
};
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, Issuer, KeyPair};
use rustls::ServerConfig;
use rustls::crypto::ring;
use rustls::pki_types::{CertificateDer, PrivatePkcs8KeyDer, UnixTime};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;

/// An authority, and a server that has a certificate of it.
struct Issued {
    authority: CertificateDer<'static>,
    own: CertificateDer<'static>,
    acceptor: TlsAcceptor,
}

fn issued() -> Issued {
    issued_by("authority")
}

/// The same, where the authority has a name.
fn issued_by(name: &str) -> Issued {
    let mut of_authority = CertificateParams::new(Vec::new()).unwrap();
    of_authority
        .distinguished_name
        .push(DnType::CommonName, name);
    of_authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let authority = CertifiedIssuer::self_signed(of_authority, KeyPair::generate().unwrap());
    let authority = authority.unwrap();
    let issuer: &Issuer<_> = &authority;
    let key = KeyPair::generate().unwrap();
    let of_server = CertificateParams::new(vec!["another.name".to_owned()]).unwrap();
    let own = of_server.signed_by(&key, issuer).unwrap().der().clone();
    let key = PrivatePkcs8KeyDer::from(key.serialize_der());
    let configuration = ServerConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![own.clone()], key.into())
        .unwrap();
    Issued {
        authority: authority.der().clone(),
        own,
        acceptor: TlsAcceptor::from(Arc::new(configuration)),
    }
}

fn encryption(authority: &CertificateDer<'static>, is_required: bool) -> Encryption {
    let authorities = Authorities::new(vec![authority.clone()]).unwrap();
    Encryption::trusting(&authorities, is_required).unwrap()
}

/// Answers one request after the other.
async fn answer(mut stream: impl AsyncRead + AsyncWrite + Unpin) {
    let reply = Answer {
        version: ProductVersion(493),
        reply: Reply::ClusterInfo(ClusterInfo::default()),
    };
    while let Ok(length) = stream.read_u32().await {
        let mut bytes = length.to_be_bytes().to_vec();
        let mut rest = (&mut stream).take(u64::from(length));
        rest.read_to_end(&mut bytes).await.unwrap();
        let asked = Frame::from_bytes(&bytes).unwrap();
        let bytes = answered(&asked, &reply).to_bytes().unwrap();
        stream.write_all(&bytes).await.unwrap();
        stream.flush().await.unwrap();
    }
}

/// A server that tells by the first byte what is spoken, as the product does; returns its address.
async fn server(acceptor: Option<TlsAcceptor>, takes_plain: bool) -> String {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    tokio::spawn(async move {
        loop {
            let (stream, _) = listener.accept().await.unwrap();
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let mut first = [0];
                stream.peek(&mut first).await.unwrap();
                match acceptor {
                    Some(acceptor) if first == [0x16] => {
                        if let Ok(stream) = acceptor.accept(stream).await {
                            answer(stream).await;
                        }
                    }
                    _ if takes_plain && first != [0x16] => answer(stream).await,
                    _ => {}
                }
            });
        }
    });
    address
}

fn run<T>(test: impl Future<Output = T>) -> T {
    let mut builder = tokio::runtime::Builder::new_current_thread();
    builder.enable_all().build().unwrap().block_on(test)
}

#[test]
fn a_server_of_a_trusted_authority_is_talked_to_whatever_its_name_is() {
    run(async {
        let issued = issued();
        let address = server(Some(issued.acceptor), false).await;
        for client in [
            Client::new(Timeouts::default()),
            Client::reusing_connections(Timeouts::default()),
        ] {
            let client = client.encrypting_with(Some(encryption(&issued.authority, true)));
            for _ in 0..3 {
                let answer = client.call(&address, &Request::ClusterInfo).await;
                assert!(matches!(answer.unwrap().reply, Reply::ClusterInfo(_)));
            }
            let presented = client.certificate(&address).await.unwrap();
            assert_eq!(presented, issued.own);
        }
    });
}

#[test]
fn where_tls_is_required_nothing_is_sent_to_whom_nobody_trusts() {
    run(async {
        let (trusted, other) = (issued(), issued());
        let strange = server(Some(other.acceptor), true).await;
        let plain = server(None, true).await;
        for address in [&strange, &plain] {
            let client = Client::new(Timeouts::default());
            let strict = client.encrypting_with(Some(encryption(&trusted.authority, true)));
            let error = strict.call(address, &Request::ClusterInfo).await;
            let error = error.unwrap_err();
            assert!(matches!(error, CallError::Untrusted { .. }), "{error}");
            assert!(!error.may_have_taken_effect());
            assert!(error.to_string().contains(address), "{error}");
            let error = strict.certificate(address).await.unwrap_err();
            assert!(matches!(error, CallError::Untrusted { .. }), "{error}");

            let client = Client::new(Timeouts::default());
            let lenient = client.encrypting_with(Some(encryption(&trusted.authority, false)));
            let answer = lenient.call(address, &Request::ClusterInfo).await;
            assert!(matches!(answer.unwrap().reply, Reply::ClusterInfo(_)));
        }
    });
}

#[test]
fn a_server_that_speaks_tls_is_known_by_whoever_trusts_it_or_not() {
    run(async {
        let client = Client::new(Timeouts::default());
        let encrypted = server(Some(issued().acceptor), false).await;
        assert!(client.speaks_tls(&encrypted).await.unwrap());
        let plain = server(None, true).await;
        assert!(!client.speaks_tls(&plain).await.unwrap());
    });
}

#[test]
fn a_server_that_is_silent_is_not_waited_for_and_not_called_untrusted() {
    run(async {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let limit = Duration::from_millis(300);
        let timeouts = Timeouts {
            connect: limit,
            call: limit,
        };
        for is_required in [true, false] {
            let encryption = encryption(&issued().authority, is_required);
            let client = Client::new(timeouts).encrypting_with(Some(encryption));
            for error in [
                client.call(&address, &Request::ClusterInfo).await.err(),
                client.certificate(&address).await.err(),
                client.speaks_tls(&address).await.err(),
            ] {
                assert!(
                    matches!(error, Some(CallError::Unreachable { .. })),
                    "{error:?}"
                );
            }
        }
    });
}

#[test]
fn certificates_are_trusted_for_their_time_and_from_their_authority() {
    let (issued, other) = (issued(), issued_by("another"));
    let authorities = |issued: &Issued| Authorities::new(vec![issued.authority.clone()]).unwrap();
    let chain = [issued.own.clone()];
    let trusted = authorities(&issued);
    trusted.trust(&chain, UnixTime::now()).unwrap();
    let (unknown, expired) = (
        authorities(&other).trust(&chain, UnixTime::now()),
        // The certificates of the test end in 4096.
        trusted.trust(
            &chain,
            UnixTime::since_unix_epoch(Duration::from_secs(70_000_000_000)),
        ),
    );
    assert!(unknown.unwrap_err().to_string().contains("UnknownIssuer"));
    assert!(expired.unwrap_err().to_string().contains("expired"));
    assert!(trusted.trust(&[], UnixTime::now()).is_err());
    assert!(Authorities::new(Vec::new()).is_err());
    let garbage = CertificateDer::from(vec![1, 2, 3]);
    assert!(Authorities::new(vec![garbage]).is_err());
}
