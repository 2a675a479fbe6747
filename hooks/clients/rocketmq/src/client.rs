//! Carries requests to servers over TCP, encrypted where that is wanted: under a deadline, with nothing repeated, and unless told
//! otherwise with a connection of its own for each call.

use std::collections::BTreeMap;
use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Waker};
use std::time::Duration;

use rustls::pki_types::CertificateDer;
use snafu::{ResultExt, Snafu, ensure};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWriteExt, ReadBuf};
use tokio::net::TcpStream;
use tokio::time::{Instant, timeout_at};

use crate::answer::{self, Answer, DecodeError};
use crate::credentials::Credentials;
use crate::frame::{Frame, FrameError, LARGEST_FRAME};
use crate::request::{self, Request};
use crate::tls::{Connection, Encryption, presents_any};
use crate::version::ProductVersion;

/// How long a call may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// Until connected: looking up the name and connecting.
    pub connect: Duration,
    /// For all of it, the connecting included.
    pub call: Duration,
}

impl Default for Timeouts {
    /// 2 seconds to connect, 4 seconds in all.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            call: Duration::from_secs(4),
        }
    }
}

/// Why a call brought no answer.
#[derive(Debug, Snafu)]
pub enum CallError {
    /// The address has no port or no host.
    #[snafu(display(
        "`{address}` is no address; expected `host:port` with a port from 1 to 65535"
    ))]
    BadAddress {
        /// The address given.
        address: String,
    },
    /// There was no connection, so nothing was sent.
    #[snafu(display("{address} cannot be reached ({request}): {source}"))]
    Unreachable {
        /// The server's address.
        address: String,
        /// What was asked, in words.
        request: String,
        /// Why: refused, no such name, or no connection within the time.
        source: io::Error,
    },
    /// TLS is required, and the server does not speak it or presents no certificate that is trusted. Nothing was sent.
    #[snafu(display("{address} speaks no TLS that is trusted ({request}): {source}"))]
    Untrusted {
        /// The server's address.
        address: String,
        /// What was asked, in words.
        request: String,
        /// What is wrong.
        source: io::Error,
    },
    /// The request may have been sent, and no answer came.
    #[snafu(display("{address} did not answer ({request}): {source}"))]
    NoAnswer {
        /// The server's address.
        address: String,
        /// What was asked, in words.
        request: String,
        /// Why: closed, reset, or no answer within the time.
        source: io::Error,
    },
    /// The server said no.
    #[snafu(display("{address} ({request}): {source}"))]
    Declined {
        /// The server's address.
        address: String,
        /// What was asked, in words.
        request: String,
        /// The server's version.
        version: ProductVersion,
        /// The response code.
        code: i32,
        /// What the server remarked.
        remark: String,
        /// The same as an error.
        source: DecodeError,
    },
    /// The server is stopping and did not take the request: it may be repeated.
    #[snafu(display("{address} ({request}): {source}"))]
    Retryable {
        /// The server's address.
        address: String,
        /// What was asked, in words.
        request: String,
        /// What the server said.
        source: DecodeError,
    },
    /// The server answered something that this request is not answered with.
    #[snafu(display("{address} answered in an unknown form ({request}): {source}"))]
    Malformed {
        /// The server's address.
        address: String,
        /// What was asked, in words.
        request: String,
        /// What is wrong.
        source: MalformedAnswer,
    },
    /// The request is too large to be sent.
    #[snafu(display("the request to {address} cannot be sent ({request}): {source}"))]
    Unsendable {
        /// The server's address.
        address: String,
        /// What was asked, in words.
        request: String,
        /// What is wrong.
        source: FrameError,
    },
}

/// What is wrong with an answer.
#[derive(Debug, Clone, Eq, PartialEq, Snafu)]
pub enum MalformedAnswer {
    /// The bytes are not a frame.
    #[snafu(transparent)]
    Frame {
        /// What is wrong.
        source: FrameError,
    },
    /// The frame does not fit the request.
    #[snafu(transparent)]
    Content {
        /// What is wrong.
        source: DecodeError,
    },
}

impl CallError {
    /// What went wrong, for words that begin with the server's address.
    #[must_use]
    pub fn after_address(&self, address: &str) -> String {
        let text = self.to_string();
        text.strip_prefix(address)
            .map_or(&*text, str::trim_start)
            .to_owned()
    }

    /// Whether a request that changes something may have taken effect nevertheless, so that one must look.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        match self {
            Self::NoAnswer { .. } | Self::Malformed { .. } => true,
            Self::Declined { code, .. } => *code == answer::ERROR,
            Self::BadAddress { .. }
            | Self::Unreachable { .. }
            | Self::Untrusted { .. }
            | Self::Retryable { .. }
            | Self::Unsendable { .. } => false,
        }
    }
}

/// Connections by the address of their server.
type Waiting = BTreeMap<String, Vec<Box<dyn Connection>>>;

/// A client for any number of servers.
#[derive(Debug)]
pub struct Client {
    timeouts: Timeouts,
    opaque: AtomicI32,
    /// Whose name stands under each request to a broker; nobody's where brokers do not ask for one.
    credentials: Option<Credentials>,
    /// How connections are encrypted; nothing where plain text is spoken.
    encryption: Option<Encryption>,
    /// Connections that wait for the next call, by address; nothing when each call has one of its own.
    waiting: Option<Mutex<Waiting>>,
}

impl Client {
    /// A client that keeps these times.
    #[must_use]
    pub fn new(timeouts: Timeouts) -> Self {
        Self {
            timeouts,
            opaque: AtomicI32::new(1),
            credentials: None,
            encryption: None,
            waiting: None,
        }
    }

    /// The same client that signs each request to a broker, if it is given credentials.
    #[must_use]
    pub fn signing_with(self, credentials: Option<Credentials>) -> Self {
        Self {
            credentials,
            ..self
        }
    }

    /// The same client that speaks TLS, if it is told how.
    #[must_use]
    pub fn encrypting_with(self, encryption: Option<Encryption>) -> Self {
        Self { encryption, ..self }
    }

    /// A client that uses a connection again once its call is answered: for many calls to few servers in a short time.
    /// There are as many connections to a server as calls were under way to it at the same time.
    ///
    /// Servers close a connection that is idle for two minutes, and a call that is sent in that moment has no answer.
    #[must_use]
    pub fn reusing_connections(timeouts: Timeouts) -> Self {
        Self {
            waiting: Some(Mutex::default()),
            ..Self::new(timeouts)
        }
    }

    /// A connection that waits for a call and that the server has not closed meanwhile.
    fn waiting(&self, address: &str) -> Option<Box<dyn Connection>> {
        let mut waiting = self
            .waiting
            .as_ref()?
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let streams = waiting.get_mut(address)?;
        while let Some(mut stream) = streams.pop() {
            // Nothing is due: what is there to read is the end, or a request of the server, which needs no answer.
            let mut read = [0];
            let mut context = Context::from_waker(Waker::noop());
            let looked =
                Pin::new(&mut stream).poll_read(&mut context, &mut ReadBuf::new(&mut read));
            if looked.is_pending() {
                return Some(stream);
            }
        }
        None
    }

    /// Lets a connection wait for the next call.
    fn wait(&self, address: &str, stream: Box<dyn Connection>) {
        if let Some(waiting) = &self.waiting {
            let mut waiting = waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.entry(address.to_owned()).or_default().push(stream);
        }
    }

    /// The frame of a request, signed if a broker is asked and there are credentials.
    fn framed(&self, request: &Request) -> Frame {
        let opaque = self.opaque.fetch_add(1, Ordering::Relaxed);
        let mut frame = request::encode(request, opaque);
        // Nobody else asks, and whoever gets a signature can use it again: only brokers are given one.
        if let Some(credentials) = &self.credentials
            && request.is_for_brokers()
        {
            credentials.sign(&mut frame);
        }
        frame
    }

    /// Asks a server, once, and returns the bytes of the frame that answers, whatever it says.
    ///
    /// # Errors
    /// When no answer came, or what came is not a frame.
    pub async fn ask(&self, address: &str, request: &Request) -> Result<Vec<u8>, CallError> {
        let asked = self.framed(request);
        self.exchange_frame(address, &asked, &request.to_string())
            .await
    }

    /// Asks a server, once. Needs a tokio runtime with input, output and time.
    ///
    /// # Errors
    /// When no answer came, or none that this request is answered with. Nothing is repeated.
    pub async fn call(&self, address: &str, request: &Request) -> Result<Answer, CallError> {
        let words = request.to_string();
        let asked = self.framed(request);
        let frame = self.exchange(address, &asked, &words).await?;
        answer::decode(request, &frame).map_err(|source| {
            let (address, request) = (address.to_owned(), words);
            match &source {
                DecodeError::Declined {
                    version,
                    code,
                    remark,
                } => {
                    let (version, code, remark) = (*version, *code, remark.clone());
                    CallError::Declined {
                        address,
                        request,
                        version,
                        code,
                        remark,
                        source,
                    }
                }
                DecodeError::GoingAway { .. } => CallError::Retryable {
                    address,
                    request,
                    source,
                },
                _ => {
                    let source = MalformedAnswer::Content { source };
                    CallError::Malformed {
                        address,
                        request,
                        source,
                    }
                }
            }
        })
    }

    /// Sends any frame and waits for the frame that answers it, whatever its code. `words` say in errors what is asked.
    ///
    /// # Errors
    /// When no answer came, or what came is not a frame.
    pub async fn exchange(
        &self,
        address: &str,
        request: &Frame,
        words: &str,
    ) -> Result<Frame, CallError> {
        let received = self.exchange_frame(address, request, words).await?;
        Frame::from_bytes(&received)
            .map_err(MalformedAnswer::from)
            .context(MalformedSnafu {
                address,
                request: words,
            })
    }

    /// Sends a frame and returns the bytes of the one that answers it.
    async fn exchange_frame(
        &self,
        address: &str,
        request: &Frame,
        words: &str,
    ) -> Result<Vec<u8>, CallError> {
        let bytes = request.to_bytes().context(UnsendableSnafu {
            address,
            request: words,
        })?;
        self.exchange_bytes(address, &bytes, request.opaque, words)
            .await
    }

    /// Sends the bytes of a frame and returns those of the frame that answers it, as they came.
    ///
    /// # Errors
    /// When no answer came, or what came is not a frame.
    pub async fn exchange_bytes(
        &self,
        address: &str,
        bytes: &[u8],
        opaque: i32,
        words: &str,
    ) -> Result<Vec<u8>, CallError> {
        ensure!(is_address(address), BadAddressSnafu { address });
        let end = Instant::now() + self.timeouts.call;
        let mut stream = match self.waiting(address) {
            Some(stream) => stream,
            None => self.connect(address, words, end).await?,
        };
        let exchange = async {
            stream.write_all(bytes).await?;
            stream.flush().await?;
            receive(&mut stream, opaque).await
        };
        let received = within(end, exchange)
            .await
            .context(NoAnswerSnafu {
                address,
                request: words,
            })?
            .map_err(MalformedAnswer::from)
            .context(MalformedSnafu {
                address,
                request: words,
            })?;
        self.wait(address, stream);
        Ok(received)
    }

    /// Makes a connection, encrypted where that is wanted.
    async fn connect(
        &self,
        address: &str,
        words: &str,
        end: Instant,
    ) -> Result<Box<dyn Connection>, CallError> {
        let stream = self.reach(address, words, end).await?;
        let Some(encryption) = &self.encryption else {
            return Ok(Box::new(stream));
        };
        match within(end, encryption.over(stream)).await {
            Ok(stream) => Ok(Box::new(stream)),
            // Who is only slow may speak TLS all the same.
            Err(source) if encryption.is_required() || is_late(&source) => {
                Err(untrusted(address, words, source))
            }
            Err(_) => Ok(Box::new(self.reach(address, words, end).await?)),
        }
    }

    /// Connects, trying every address of the name in turn.
    async fn reach(
        &self,
        address: &str,
        words: &str,
        end: Instant,
    ) -> Result<TcpStream, CallError> {
        let connected = end.min(Instant::now() + self.timeouts.connect);
        within(connected, TcpStream::connect(address))
            .await
            .context(UnreachableSnafu {
                address,
                request: words,
            })
    }

    /// The certificate that a server presents as its own.
    ///
    /// # Errors
    /// When it cannot be reached, or presents none that is trusted.
    pub async fn certificate(&self, address: &str) -> Result<CertificateDer<'static>, CallError> {
        const WORDS: &str = "its certificate";
        ensure!(is_address(address), BadAddressSnafu { address });
        let end = Instant::now() + self.timeouts.call;
        let stream = self.reach(address, WORDS, end).await?;
        let presented = async {
            let Some(encryption) = &self.encryption else {
                return Err(io::Error::other("this client trusts no authority"));
            };
            let stream = encryption.over(stream).await?;
            let (_, session) = stream.get_ref();
            let own = session.peer_certificates().and_then(<[_]>::first);
            own.map(|own| own.clone().into_owned())
                .ok_or_else(|| io::Error::other("it presents none"))
        };
        let presented = within(end, presented).await;
        presented.map_err(|source| untrusted(address, WORDS, source))
    }

    /// Whether a server answers a connection with a certificate, whoever has issued it.
    ///
    /// # Errors
    /// When it cannot be reached, or is silent.
    pub async fn speaks_tls(&self, address: &str) -> Result<bool, CallError> {
        const WORDS: &str = "whether it speaks TLS";
        ensure!(is_address(address), BadAddressSnafu { address });
        let end = Instant::now() + self.timeouts.call;
        let stream = self.reach(address, WORDS, end).await?;
        let unreachable = UnreachableSnafu {
            address,
            request: WORDS,
        };
        within(end, presents_any(stream)).await.context(unreachable)
    }
}

/// Whether nothing came in time.
fn is_late(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::TimedOut
}

/// Why there is no encrypted connection. A server that is only slow has presented nothing that could be trusted or not.
fn untrusted(address: &str, words: &str, source: io::Error) -> CallError {
    let (address, request) = (address.to_owned(), words.to_owned());
    if is_late(&source) {
        CallError::Unreachable {
            address,
            request,
            source,
        }
    } else {
        CallError::Untrusted {
            address,
            request,
            source,
        }
    }
}

/// Whether a text is an address as calls want it: `host:port` with a port from 1 to 65535.
#[must_use]
pub fn is_address(text: &str) -> bool {
    text.rsplit_once(':').is_some_and(|(host, port)| {
        // What separates the addresses of a list belongs to none.
        let one = !host.is_empty() && !host.contains([',', ';', ' ']);
        one && port.parse::<u16>().is_ok_and(|port| port > 0)
    })
}

/// Waits for an operation until a moment.
async fn within<T>(end: Instant, operation: impl Future<Output = io::Result<T>>) -> io::Result<T> {
    timeout_at(end, operation).await.unwrap_or_else(|_| {
        Err(io::Error::new(
            io::ErrorKind::TimedOut,
            "nothing came within the time allowed",
        ))
    })
}

/// Reads frames until one answers the opaque number; requests of the server and answers to others are passed over.
async fn receive(
    stream: &mut (impl AsyncRead + Unpin + ?Sized),
    opaque: i32,
) -> io::Result<Result<Vec<u8>, FrameError>> {
    loop {
        let mut length = [0; 4];
        stream.read_exact(&mut length).await?;
        let claimed = i32::from_be_bytes(length);
        let Some(total) = usize::try_from(claimed)
            .ok()
            .filter(|total| *total <= LARGEST_FRAME)
        else {
            return Ok(Err(FrameError::Length {
                part: "the frame",
                claimed: i64::from(claimed),
                present: LARGEST_FRAME,
            }));
        };
        // Memory grows with what arrives, not with what is claimed.
        let mut bytes = length.to_vec();
        let mut rest = (&mut *stream).take(total as u64);
        rest.read_to_end(&mut bytes).await?;
        if bytes.len() != 4 + total {
            return Err(io::Error::new(
                io::ErrorKind::UnexpectedEof,
                "the connection was closed in the middle of an answer",
            ));
        }
        match Frame::from_bytes(&bytes) {
            Ok(frame) if frame.is_answer() && frame.opaque == opaque => return Ok(Ok(bytes)),
            Ok(_) => {}
            Err(error) => return Ok(Err(error)),
        }
    }
}
