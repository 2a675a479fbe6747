//! Carries commands to one server: several in one go, under a deadline, with nothing repeated.

use std::fmt;
use std::io;
use std::time::Duration;

use midships_client_tls::Encryption;
use redis::aio::MultiplexedConnection;
use redis::{AsyncConnectionConfig, Pipeline, RedisConnectionInfo, RedisError, Value};
use secrecy::{ExposeSecret, SecretString};
use snafu::{OptionExt, ResultExt, Snafu};
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio::time::{Instant, error::Elapsed, timeout_at};

/// What a server says to a password when it has none: before version 6, and since.
const NO_PASSWORD: [&str; 2] = ["no password is set", "without any password configured"];
/// What a server before version 6 says to a user.
const NO_USERS: &str = "wrong number of arguments for 'auth'";

/// What a server says to a command that it does not have.
const UNKNOWN: &str = "unknown command";

/// How long a call may take.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub struct Timeouts {
    /// Until connected: looking up the name, connecting, and telling who asks.
    pub connect: Duration,
    /// From a question to the end of its answer.
    pub answer: Duration,
}

impl Default for Timeouts {
    /// 2 seconds to connect, 4 seconds for an answer.
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(2),
            answer: Duration::from_secs(4),
        }
    }
}

/// Why a call brought no answer.
#[derive(Debug, Snafu)]
pub enum CallError {
    /// There was no connection, so nothing was sent.
    #[snafu(display("{address} cannot be reached: {source}"))]
    Unreachable {
        /// The server's address.
        address: String,
        /// Why: refused, no such name, or no connection within the time.
        source: io::Error,
    },
    /// TLS is wanted, and the server does not speak it or presents no certificate that is trusted. Nothing was sent.
    #[snafu(display("{address} speaks no TLS that is trusted: {source}"))]
    Untrusted {
        /// The server's address.
        address: String,
        /// What is wrong.
        source: io::Error,
    },
    /// The server does not take whom it was told that asks.
    #[snafu(display("{address} does not let in who asks: {refusal}"))]
    NotLetIn {
        /// The server's address.
        address: String,
        /// What the server said.
        refusal: Refusal,
    },
    /// Commands may have been sent, and not all were answered.
    #[snafu(display("{address} did not answer: {source}"))]
    NoAnswer {
        /// The server's address.
        address: String,
        /// Why: closed, reset, or no answer within the time.
        source: RedisError,
    },
    /// The server said no.
    #[snafu(display("{address} refuses: {refusal}"))]
    Refused {
        /// The server's address.
        address: String,
        /// What it said.
        refusal: Refusal,
    },
    /// The server answered something that this command is not answered with.
    #[snafu(display("{address} answered {found}; expected {expected}"))]
    Malformed {
        /// The server's address.
        address: String,
        /// What was expected, in words.
        expected: &'static str,
        /// What was found.
        found: String,
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

    /// Whether what was sent may have been carried out.
    #[must_use]
    pub fn may_have_taken_effect(&self) -> bool {
        matches!(self, Self::NoAnswer { .. } | Self::Malformed { .. })
    }
}

/// An error that a server answers with: a word in capitals, and a text.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// The word, such as `CLUSTERDOWN` or `ERR`.
    pub code: String,
    /// The text behind it.
    pub text: String,
}

impl fmt::Display for Refusal {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.code, self.text)
    }
}

/// Who asks: the password, and since version 6 the user, without whom it is the user `default`.
#[derive(Clone, Debug)]
pub struct Credentials {
    /// The user.
    pub user: Option<String>,
    /// The password.
    pub password: SecretString,
    /// The one that servers took before, which is shown to those that do not take the password yet.
    pub previous: Option<SecretString>,
}

/// How servers are connected to.
#[derive(Clone, Debug, Default)]
pub struct Client {
    /// How long calls may take.
    pub timeouts: Timeouts,
    /// Who asks. None: nobody in particular.
    pub credentials: Option<Credentials>,
    /// How connections are encrypted. None: plain text is spoken.
    pub encryption: Option<Encryption>,
    /// The number of the database that keys are in. Clusters have more than 0 since Valkey 9.0 only.
    pub database: u16,
}

impl Client {
    /// Connects to a server, `host:port`.
    ///
    /// # Errors
    /// When there is no connection within the time, or the server does not let in who asks.
    pub async fn connect(&self, address: &str) -> Result<Connection, CallError> {
        let late = |_: Elapsed| io::Error::from(io::ErrorKind::TimedOut);
        let end = Instant::now() + self.timeouts.connect;
        let stream = timeout_at(end, TcpStream::connect(address)).await;
        let stream = stream.map_err(late).flatten();
        let stream = stream.and_then(|stream| stream.set_nodelay(true).map(|()| stream));
        let stream = stream.context(UnreachableSnafu { address })?;
        let begun = match &self.encryption {
            Some(encryption) => {
                let stream = timeout_at(end, encryption.over(stream)).await;
                let stream = stream.map_err(late).flatten();
                let stream = stream.context(UntrustedSnafu { address })?;
                timeout_at(end, self.begin(address, stream)).await
            }
            None => timeout_at(end, self.begin(address, stream)).await,
        };
        let late = |elapsed| RedisError::from(late(elapsed));
        begun.map_err(late).context(NoAnswerSnafu { address })?
    }

    /// Tells the server on a stream who asks, and which database is meant.
    async fn begin<S>(&self, address: &str, stream: S) -> Result<Connection, CallError>
    where
        S: AsyncRead + AsyncWrite + Send + Unpin + 'static,
    {
        let nobody = RedisConnectionInfo::default().set_skip_set_lib_name();
        let configuration =
            AsyncConnectionConfig::new().set_response_timeout(Some(self.timeouts.answer));
        let begun = MultiplexedConnection::new_with_config(&nobody, stream, configuration);
        let (multiplexed, driver) = begun.await.context(NoAnswerSnafu { address })?;
        let mut connection = Connection {
            address: address.to_owned(),
            multiplexed,
            driver: tokio::spawn(driver),
        };
        if let Some(credentials) = &self.credentials {
            connection.tell(credentials).await?;
        }
        if self.database > 0 {
            let database = self.database.to_string();
            match connection.ask(&["SELECT", &database]).await {
                // A Sentinel has no databases.
                Err(CallError::Refused { refusal, .. }) if refusal.text.contains(UNKNOWN) => {}
                answer => drop(answer?),
            }
        }
        Ok(connection)
    }
}

/// A connection to a server.
#[derive(Debug)]
pub struct Connection {
    address: String,
    multiplexed: MultiplexedConnection,
    driver: JoinHandle<()>,
}

impl Drop for Connection {
    fn drop(&mut self) {
        self.driver.abort();
    }
}

/// What came back for one command.
pub type Answer = Result<Value, Refusal>;

impl Connection {
    /// The server's address.
    #[must_use]
    pub fn address(&self) -> &str {
        &self.address
    }

    /// Tells who asks. A server that asks nobody who they are lets everybody in, and one before version 6 knows no users.
    async fn tell(&mut self, credentials: &Credentials) -> Result<(), CallError> {
        let user = credentials.user.as_deref();
        let Some(refusal) = self.show(user, &credentials.password).await? else {
            return Ok(());
        };
        if let Some(previous) = &credentials.previous
            && self.show(user, previous).await?.is_none()
        {
            return Ok(());
        }
        let address = &self.address;
        NotLetInSnafu { address, refusal }.fail()
    }

    /// Shows a password, and returns what the server says if it does not take it.
    async fn show(
        &mut self,
        user: Option<&str>,
        password: &SecretString,
    ) -> Result<Option<Refusal>, CallError> {
        let mut users = vec![user, None];
        users.dedup();
        for user in users {
            let mut commands = Pipeline::new();
            commands.cmd("AUTH").arg(user).arg(password.expose_secret());
            let answer = self.send(&commands).await?.pop();
            match answer.and_then(Result::err) {
                Some(refusal) if refusal.text.contains(NO_USERS) && user.is_some() => {}
                Some(refusal) if !NO_PASSWORD.iter().any(|text| refusal.text.contains(text)) => {
                    return Ok(Some(refusal));
                }
                _ => return Ok(None),
            }
        }
        Ok(None)
    }

    /// Sends commands in one go, and returns what came back for each of them.
    ///
    /// # Errors
    /// When not all were answered within the time.
    pub async fn send(&mut self, commands: &Pipeline) -> Result<Vec<Answer>, CallError> {
        let number = commands.len();
        if number == 0 {
            return Ok(Vec::new());
        }
        let sent = self.multiplexed.send_packed_commands(commands, 0, number);
        let address = &self.address;
        let values = sent.await.context(NoAnswerSnafu { address })?;
        Ok(values.into_iter().map(answer).collect())
    }

    /// An answer that makes no sense.
    pub(crate) fn malformed(&self, expected: &'static str) -> CallError {
        CallError::Malformed {
            address: self.address.clone(),
            expected,
            found: "something else".to_owned(),
        }
    }

    /// The same with commands of which none may be refused.
    ///
    /// # Errors
    /// When not all were answered within the time, or the server said no to one.
    pub async fn send_all(&mut self, commands: &Pipeline) -> Result<Vec<Value>, CallError> {
        let answers = self.send(commands).await?.into_iter();
        answers
            .map(|answer| answer.map_err(|refusal| self.refused(refusal)))
            .collect()
    }

    /// What it means that the server said no.
    pub(crate) fn refused(&self, refusal: Refusal) -> CallError {
        CallError::Refused {
            address: self.address.clone(),
            refusal,
        }
    }

    /// Sends one command.
    ///
    /// # Errors
    /// When it was not answered within the time, or the server said no.
    pub async fn ask(&mut self, words: &[&str]) -> Result<Value, CallError> {
        let mut commands = Pipeline::new();
        add(&mut commands, words);
        let answer = self.send_all(&commands).await?.pop();
        answer.context(MalformedSnafu {
            address: &self.address,
            expected: "an answer to each command",
            found: "nothing",
        })
    }

    /// The same with an answer that is text.
    ///
    /// # Errors
    /// The same, and when the answer is something else.
    pub async fn text(&mut self, words: &[&str]) -> Result<String, CallError> {
        let value = self.ask(words).await?;
        let (address, found) = (&self.address, format!("{value:?}"));
        let text = match value {
            Value::BulkString(bytes) => String::from_utf8(bytes).ok(),
            Value::SimpleString(text) => Some(text),
            Value::Okay => Some("OK".to_owned()),
            _ => None,
        };
        text.context(MalformedSnafu {
            address,
            expected: "text",
            found,
        })
    }
}

/// Adds a command to others that are sent in one go.
pub fn add(commands: &mut Pipeline, words: &[&str]) {
    let mut rest = words.iter();
    if let Some(name) = rest.next() {
        let command = commands.cmd(name);
        rest.for_each(|word| {
            command.arg(word);
        });
    }
}

fn answer(value: Value) -> Answer {
    match value {
        Value::ServerError(error) => Err(Refusal {
            code: error.code().to_owned(),
            text: error.details().unwrap_or_default().to_owned(),
        }),
        value => Ok(value),
    }
}
