//! What stands in front of a registry in a company: TLS with a certificate of its own authority, a question for a password
//! or a token, and the token server. Behind it is the real registry of [`Server`].

use std::collections::BTreeMap;
use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::{ServerConfig, ServerConnection, StreamOwned};
use tempfile::TempDir;

use crate::server::Server;

/// The name of a robot as Harbor makes them.
pub const ROBOT: &str = "robot$team+ci";

/// Its secret, which no output may have in it.
pub const SECRET: &str = "a:secret of $HOME";

/// How the front asks who it is.
#[derive(Clone)]
pub enum Asks {
    /// For a name and a password.
    Basic,
    /// For a token of a token server: its own unless another one is named.
    Token {
        /// The address of another token server.
        realm: Option<String>,
    },
}

/// What the front does.
#[derive(Clone)]
pub struct Rules {
    /// How it asks.
    pub asks: Asks,
    /// Whether it speaks TLS.
    pub tls: bool,
    /// Whether the robot may push.
    pub may_push: bool,
    /// For how many requests a token is good.
    pub uses: usize,
    /// What the token server says for how many seconds a token is good.
    pub expires_in: u64,
}

impl Default for Rules {
    fn default() -> Self {
        Self {
            asks: Asks::Token { realm: None },
            tls: false,
            may_push: true,
            uses: usize::MAX,
            expires_in: 300,
        }
    }
}

/// One request as it came.
#[derive(Clone, Debug)]
pub struct Request {
    /// `GET /v2/`.
    pub line: String,
    /// The header `Authorization`, or nothing.
    pub authorization: String,
    body: Vec<u8>,
    head: Vec<String>,
}

/// The front, and all that came to it. Dropped, it ends with the registry behind it.
pub struct Front {
    /// Host and port.
    pub address: String,
    state: Arc<State>,
    certificates: TempDir,
    listener: Option<JoinHandle<()>>,
}

struct State {
    address: String,
    rules: Rules,
    registry: Server,
    ended: AtomicBool,
    requests: Mutex<Vec<Request>>,
    tokens: Mutex<BTreeMap<String, usize>>,
}

impl Front {
    /// Starts it with a registry of its own behind it.
    pub fn start(rules: Rules) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let certificates = TempDir::new().unwrap();
        let tls = rules.tls.then(|| tls(certificates.path()));
        let state = Arc::new(State {
            address: address.clone(),
            rules,
            registry: Server::start(),
            ended: AtomicBool::new(false),
            requests: Mutex::default(),
            tokens: Mutex::default(),
        });
        let served = Arc::clone(&state);
        let listener = std::thread::spawn(move || {
            for stream in listener.incoming() {
                if served.ended.load(Ordering::SeqCst) {
                    break;
                }
                // One request after the other: clients here have one at a time, and no thread outlives the front.
                let stream = stream.unwrap();
                match &tls {
                    Some(tls) => {
                        let connection = ServerConnection::new(Arc::clone(tls)).unwrap();
                        let mut stream = StreamOwned::new(connection, stream);
                        served.serve(&mut stream);
                        stream.conn.send_close_notify();
                        // A client that refused the certificate is gone already.
                        let _gone = stream.flush();
                    }
                    None => served.serve(stream),
                }
            }
        });
        Self {
            address,
            state,
            certificates,
            listener: Some(listener),
        }
    }

    /// The certificate of the authority.
    pub fn authority(&self) -> PathBuf {
        self.certificates.path().join("authority.crt")
    }

    /// The registry behind the front, which asks nobody.
    pub fn behind(&self) -> &Server {
        &self.state.registry
    }

    /// All requests so far.
    pub fn requests(&self) -> Vec<Request> {
        self.state.requests.lock().unwrap().clone()
    }
}

impl Drop for Front {
    fn drop(&mut self) {
        self.state.ended.store(true, Ordering::SeqCst);
        // The connection lets the listener see it. Only then is the registry dropped, and its process ended.
        drop(TcpStream::connect(&self.address).unwrap());
        self.listener.take().unwrap().join().unwrap();
    }
}

impl State {
    /// Answers one request; the connection ends with it.
    fn serve(&self, stream: impl Read + Write) {
        let mut stream = BufReader::new(stream);
        let Some(request) = read(&mut stream) else {
            return;
        };
        self.requests.lock().unwrap().push(request.clone());
        let answer = if request.line.contains(" /token") {
            self.token(&request)
        } else {
            self.forward(&request)
        };
        let _gone = stream.get_mut().write_all(&answer);
        let _gone = stream.get_mut().flush();
    }

    /// What the token server says.
    fn token(&self, request: &Request) -> Vec<u8> {
        let form = String::from_utf8_lossy(&request.body);
        let known = request.authorization == basic()
            || (form.contains("grant_type=refresh_token")
                && form.contains("refresh_token=identity"));
        let wanted = format!("{}&{form}", request.line);
        let scope =
            wanted.contains("scope=repository%3Aa%2Fb%2F") && wanted.contains("%3Apull%2Cpush");
        if !known || !scope || !wanted.contains("service=the+registry") {
            return answer("401 Unauthorized", "", "{\"errors\":[]}");
        }
        let mut tokens = self.tokens.lock().unwrap();
        let token = format!("token-{}", tokens.len());
        tokens.insert(token.clone(), self.rules.uses);
        let expires_in = self.rules.expires_in;
        answer(
            "200 OK",
            "",
            &format!("{{\"token\":\"{token}\",\"expires_in\":{expires_in}}}"),
        )
    }

    fn forward(&self, request: &Request) -> Vec<u8> {
        let allowed = match &self.rules.asks {
            Asks::Basic => request.authorization == basic(),
            Asks::Token { .. } => {
                let token = request
                    .authorization
                    .strip_prefix("Bearer ")
                    .unwrap_or_default();
                let mut tokens = self.tokens.lock().unwrap();
                match tokens.get_mut(token) {
                    Some(uses) if *uses > 0 => {
                        *uses -= 1;
                        true
                    }
                    _ => false,
                }
            }
        };
        let reads = request.line.starts_with("GET ") || request.line.starts_with("HEAD ");
        if !allowed || !(reads || self.rules.may_push) {
            let scheme = if self.rules.tls { "https" } else { "http" };
            let challenge = match &self.rules.asks {
                Asks::Basic => "WWW-Authenticate: Basic realm=\"the registry\"\r\n".to_owned(),
                Asks::Token { realm } => {
                    let own = format!("{scheme}://{}/token", self.address);
                    let realm = realm.clone().unwrap_or(own);
                    format!(
                        "WWW-Authenticate: Bearer realm=\"{realm}\",service=\"the registry\"\r\n"
                    )
                }
            };
            let body = "{\"errors\":[{\"code\":\"DENIED\",\"message\":\"not yours\"}]}";
            return answer("401 Unauthorized", &challenge, body);
        }
        let mut stream = TcpStream::connect(&self.registry.address).unwrap();
        write!(stream, "{} HTTP/1.1\r\nConnection: close\r\n", request.line).unwrap();
        if self.rules.tls {
            write!(stream, "X-Forwarded-Proto: https\r\n").unwrap();
        }
        for line in &request.head {
            write!(stream, "{line}\r\n").unwrap();
        }
        write!(stream, "\r\n").unwrap();
        stream.write_all(&request.body).unwrap();
        let mut bytes = Vec::new();
        stream.read_to_end(&mut bytes).unwrap();
        bytes
    }
}

/// What the robot sends.
fn basic() -> String {
    format!("Basic {}", STANDARD.encode(format!("{ROBOT}:{SECRET}")))
}

fn answer(status: &str, headers: &str, body: &str) -> Vec<u8> {
    let length = body.len();
    let text = format!(
        "HTTP/1.1 {status}\r\nConnection: close\r\nContent-Type: application/json\r\n{headers}Content-Length: {length}\r\n\r\n{body}"
    );
    text.into_bytes()
}

/// Reads a request, unless the client has gone, as one does that refuses the certificate.
fn read(stream: &mut impl BufRead) -> Option<Request> {
    let mut lines = Vec::new();
    loop {
        let mut line = String::new();
        if stream.read_line(&mut line).ok()? == 0 {
            return None;
        }
        match line.trim_end() {
            "" => break,
            line => lines.push(line.to_owned()),
        }
    }
    let header = |name: &str| {
        lines.iter().find_map(|line| {
            let (key, value) = line.split_once(':')?;
            key.eq_ignore_ascii_case(name)
                .then(|| value.trim().to_owned())
        })
    };
    let length = header("content-length").map_or(0, |length| length.parse().unwrap());
    let authorization = header("authorization").unwrap_or_default();
    let mut body = vec![0; length];
    stream.read_exact(&mut body).ok()?;
    let line = lines.remove(0).trim_end_matches(" HTTP/1.1").to_owned();
    lines.retain(|line| !line.to_ascii_lowercase().starts_with("authorization:"));
    Some(Request {
        line,
        authorization,
        body,
        head: lines,
    })
}

/// An authority and a certificate of it for 127.0.0.1.
fn tls(directory: &Path) -> Arc<ServerConfig> {
    let openssl = |words: &str| {
        let output = Command::new("openssl")
            .args(words.split_whitespace())
            .current_dir(directory)
            .output()
            .expect("openssl is needed: apt-get install openssl");
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(output.status.success(), "openssl {words}: {said}");
    };
    let key = "-newkey ec -pkeyopt ec_paramgen_curve:prime256v1 -nodes";
    openssl(&format!(
        "req -x509 {key} -keyout authority.key -out authority.crt -subj /CN=authority -days 2"
    ));
    openssl(&format!(
        "req {key} -keyout front.key -out front.request -subj /CN=front"
    ));
    fs::write(directory.join("names"), "subjectAltName=IP:127.0.0.1").unwrap();
    openssl(
        "x509 -req -in front.request -CA authority.crt -CAkey authority.key -CAcreateserial -days 2 -extfile names \
         -out front.crt",
    );
    let certificate = CertificateDer::from_pem_file(directory.join("front.crt")).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join("front.key")).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ServerConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(vec![certificate], key)
        .unwrap();
    Arc::new(config)
}
