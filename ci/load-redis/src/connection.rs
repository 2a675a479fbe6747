//! Connections to servers as applications have them, with the policy by which commands are sent again.

use std::cell::{Cell, RefCell};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::rc::Rc;
use std::time::Duration;

use redis::aio::{ConnectionLike, MultiplexedConnection};
use redis::cluster::ClusterClient;
use redis::cluster_async::ClusterConnection;
use redis::sentinel::{SentinelClient, SentinelClientBuilder, SentinelServerType};
use redis::{
    AsyncConnectionConfig, Client, Cmd, ConnectionAddr, ErrorKind, IntoConnectionInfo, RedisError,
    RedisResult, RetryMethod, TlsCertificates, TlsMode, Value,
};
use serde::Serialize;
use snafu::{OptionExt, ResultExt, Snafu};
use tokio::sync::Mutex;
use tokio::time;

use crate::arguments::{Mode, Target};

/// Why servers cannot be used.
#[derive(Debug, Snafu)]
pub enum ConnectError {
    /// A file cannot be read.
    #[snafu(display("{}: {source}", path.display()))]
    File {
        /// Which one.
        path: PathBuf,
        /// What is wrong.
        source: io::Error,
    },
    /// A password is missing.
    #[snafu(display("{}: the first line is empty, where the password is expected", path.display()))]
    NoPassword {
        /// In which file.
        path: PathBuf,
    },
    /// A server cannot be used.
    #[snafu(display("{source}"))]
    Server {
        /// What is wrong.
        source: RedisError,
    },
}

type Result<T, E = ConnectError> = std::result::Result<T, E>;

/// The policy by which commands are sent again, as the summary tells it.
#[derive(Clone, Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Policy {
    /// Who sends again: the library's cluster client, or this program as applications do with the library's other clients.
    pub by: &'static str,
    /// How often, at most.
    pub retries: u32,
    /// The shortest wait.
    pub least_wait_milliseconds: u128,
    /// The longest wait.
    pub most_wait_milliseconds: u128,
    /// How long an answer is waited for.
    pub timeout_milliseconds: u128,
    /// How long a command may take with all of it.
    pub patience_milliseconds: u128,
}

impl Policy {
    /// The policy that options ask for.
    pub const fn of(target: &Target) -> Self {
        Self {
            by: match target.mode {
                Mode::Cluster => "library",
                Mode::Sentinel | Mode::Standalone => "program",
            },
            retries: target.retries,
            least_wait_milliseconds: target.least_wait.as_millis(),
            most_wait_milliseconds: target.most_wait.as_millis(),
            timeout_milliseconds: target.timeout.as_millis(),
            patience_milliseconds: target.patience.as_millis(),
        }
    }
}

/// What commands are sent by.
#[derive(Clone)]
pub enum Connection {
    /// To all servers of a cluster.
    Cluster(Box<Cluster>),
    /// To one server at a time.
    Single(Rc<Single>),
}

impl Connection {
    /// Connects.
    pub async fn open(target: &Target) -> Result<Self> {
        let password = password(target.password_file.as_deref())?;
        let certificates = certificates(target.authority.as_deref())?;
        match target.mode {
            Mode::Cluster => {
                let client = cluster(target, password, certificates).context(ServerSnafu)?;
                let cluster = Cluster::open(client, target.patience).await;
                Ok(Self::Cluster(Box::new(cluster.context(ServerSnafu)?)))
            }
            Mode::Standalone => {
                let client = standalone(target, password, certificates).context(ServerSnafu)?;
                Single::open(target, Finder::Standalone(Box::new(client))).await
            }
            Mode::Sentinel => {
                let own = self::password(target.sentinel_password_file.as_deref())?;
                let client = sentinel(target, password, own, certificates);
                let client = Box::new(client.context(ServerSnafu)?);
                Single::open(target, Finder::Sentinel(client)).await
            }
        }
    }

    /// What another worker sends by. In a cluster it has connections of its own: while a client looks for a server that is gone, it
    /// sends nothing to the others either.
    pub async fn another(&self) -> Result<Self> {
        match self {
            Self::Cluster(cluster) => {
                let another = cluster.another().await;
                Ok(Self::Cluster(Box::new(another.context(ServerSnafu)?)))
            }
            Self::Single(single) => Ok(Self::Single(Rc::clone(single))),
        }
    }

    /// Sends a command, again if the policy says so, and returns the answer.
    pub async fn ask(&mut self, command: &Cmd) -> RedisResult<Value> {
        match self {
            Self::Cluster(cluster) => cluster.ask(command).await,
            Self::Single(single) => single.ask(command).await,
        }
    }

    /// What was done about errors.
    pub fn counts(&self) -> Counts {
        match self {
            Self::Cluster(cluster) => cluster.counts.get(),
            Self::Single(single) => *single.counts.borrow(),
        }
    }
}

/// What was done about errors.
#[derive(Clone, Copy, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Counts {
    /// Commands that this program has sent again; the library does not tell how many it has.
    pub sent_again: u64,
    /// Connections that were made; of a cluster, clients of the library with all their connections.
    pub connections: u64,
}

/// The library's client of a cluster.
#[derive(Clone)]
pub struct Cluster {
    client: ClusterClient,
    connection: ClusterConnection,
    patience: Duration,
    counts: Rc<Cell<Counts>>,
}

impl Cluster {
    async fn open(client: ClusterClient, patience: Duration) -> RedisResult<Self> {
        let connection = connect(&client, patience).await?;
        let counts = Rc::new(Cell::new(Counts {
            sent_again: 0,
            connections: 1,
        }));
        Ok(Self {
            client,
            connection,
            patience,
            counts,
        })
    }

    async fn another(&self) -> RedisResult<Self> {
        let mut another = self.clone();
        another.renew().await?;
        Ok(another)
    }

    async fn renew(&mut self) -> RedisResult<()> {
        self.connection = connect(&self.client, self.patience).await?;
        let counts = self.counts.get();
        self.counts.set(Counts {
            connections: counts.connections + 1,
            ..counts
        });
        Ok(())
    }

    async fn ask(&mut self, command: &Cmd) -> RedisResult<Value> {
        let answer = self.connection.req_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer
            && error.is_timeout()
        {
            // Clients of version 1.8.1 may wait for themselves for ever after the loss of a server. The error counts; the next
            // command is for a new client, or for the old one where none can be had.
            let _ = self.renew().await;
        }
        answer
    }
}

/// Connects to a cluster, which is given up after a time: the library would wait for ever.
async fn connect(client: &ClusterClient, patience: Duration) -> RedisResult<ClusterConnection> {
    let connected = time::timeout(patience, client.get_async_connection()).await;
    connected.unwrap_or_else(|_| Err(out_of_patience()))
}

/// A connection to one server, which is made anew after errors; with Sentinel to whichever server is the master then.
pub struct Single {
    finder: Mutex<Finder>,
    configuration: AsyncConnectionConfig,
    current: RefCell<Current>,
    counts: RefCell<Counts>,
    retries: u32,
    least_wait: Duration,
    most_wait: Duration,
    patience: Duration,
}

enum Finder {
    Standalone(Box<Client>),
    Sentinel(Box<SentinelClient>),
}

/// The connection in use, and how many there have been before.
#[derive(Default)]
struct Current {
    number: u64,
    connection: Option<MultiplexedConnection>,
}

impl Single {
    async fn open(target: &Target, finder: Finder) -> Result<Connection> {
        let configuration = AsyncConnectionConfig::new()
            .set_connection_timeout(Some(target.connection_timeout))
            .set_response_timeout(Some(target.timeout));
        let single = Self {
            finder: Mutex::new(finder),
            configuration,
            current: RefCell::default(),
            counts: RefCell::default(),
            retries: target.retries,
            least_wait: target.least_wait,
            most_wait: target.most_wait,
            patience: target.patience,
        };
        single.connection().await.context(ServerSnafu)?;
        Ok(Connection::Single(Rc::new(single)))
    }

    async fn ask(&self, command: &Cmd) -> RedisResult<Value> {
        let last = RefCell::new(None);
        let asked = time::timeout(self.patience, self.ask_again(command, &last)).await;
        // What was wrong last says more than that the time is over.
        asked.unwrap_or_else(|_| Err(last.take().unwrap_or_else(out_of_patience)))
    }

    async fn ask_again(
        &self,
        command: &Cmd,
        last: &RefCell<Option<RedisError>>,
    ) -> RedisResult<Value> {
        let mut wait = self.least_wait;
        let mut left = self.retries;
        loop {
            let error = match self.ask_once(command).await {
                Ok(value) => return Ok(value),
                Err(error) => error,
            };
            if left == 0 || matches!(error.retry_method(), RetryMethod::NoRetry) {
                return Err(error);
            }
            left -= 1;
            last.replace(Some(error));
            self.counts.borrow_mut().sent_again += 1;
            time::sleep(wait).await;
            wait = wait.saturating_mul(2).min(self.most_wait);
        }
    }

    async fn ask_once(&self, command: &Cmd) -> RedisResult<Value> {
        let (number, mut connection) = self.connection().await?;
        let answer = connection.req_packed_command(command).await;
        let answer = answer.and_then(Value::extract_error);
        if let Err(error) = &answer
            && is_elsewhere(error)
        {
            let mut current = self.current.borrow_mut();
            if current.number == number {
                current.connection = None;
            }
        }
        answer
    }

    /// The connection and its number. One that is lost is made anew by the first who asks, while the others wait for it.
    async fn connection(&self) -> RedisResult<(u64, MultiplexedConnection)> {
        if let Some(found) = self.present() {
            return Ok(found);
        }
        let mut finder = self.finder.lock().await;
        if let Some(found) = self.present() {
            return Ok(found);
        }
        let connection = match &mut *finder {
            Finder::Standalone(client) => {
                client
                    .get_multiplexed_async_connection_with_config(&self.configuration)
                    .await?
            }
            Finder::Sentinel(client) => {
                client
                    .get_async_connection_with_config(&self.configuration)
                    .await?
            }
        };
        self.counts.borrow_mut().connections += 1;
        let mut current = self.current.borrow_mut();
        current.number += 1;
        current.connection = Some(connection.clone());
        Ok((current.number, connection))
    }

    fn present(&self) -> Option<(u64, MultiplexedConnection)> {
        let current = self.current.borrow();
        current
            .connection
            .clone()
            .map(|connection| (current.number, connection))
    }
}

/// Whether an error says that another connection is needed: it is broken, does not answer, or leads to a server that is no master.
fn is_elsewhere(error: &RedisError) -> bool {
    error.is_io_error()
        || matches!(
            error.retry_method(),
            RetryMethod::Reconnect | RetryMethod::RefreshSlotsAndRetry
        )
}

fn out_of_patience() -> RedisError {
    io::Error::from(io::ErrorKind::TimedOut).into()
}

fn cluster(
    target: &Target,
    password: Option<String>,
    certificates: Option<TlsCertificates>,
) -> RedisResult<ClusterClient> {
    let is_encrypted = certificates.is_some();
    let servers = addresses(target, is_encrypted).map(IntoConnectionInfo::into_connection_info);
    let servers = servers.collect::<RedisResult<Vec<_>>>()?;
    let mut builder = ClusterClient::builder(servers)
        .retries(target.retries)
        .min_retry_wait(as_milliseconds(target.least_wait))
        .max_retry_wait(as_milliseconds(target.most_wait))
        .connection_timeout(target.connection_timeout)
        .response_timeout(target.timeout)
        .overall_response_timeout(Some(target.patience));
    if let Some(user) = &target.user {
        builder = builder.username(user);
    }
    if let Some(password) = password {
        builder = builder.password(password);
    }
    if let Some(certificates) = certificates {
        builder = builder
            .certs(certificates)
            .danger_accept_invalid_hostnames(target.any_name);
    }
    builder.build()
}

fn standalone(
    target: &Target,
    password: Option<String>,
    certificates: Option<TlsCertificates>,
) -> RedisResult<Client> {
    let mut addresses = addresses(target, certificates.is_some());
    let address = addresses.next().ok_or_else(no_server)?;
    let information = address.into_connection_info()?;
    let mut settings = information.redis_settings().clone();
    if let Some(user) = &target.user {
        settings = settings.set_username(user);
    }
    if let Some(password) = password {
        settings = settings.set_password(password);
    }
    let information = information.set_redis_settings(settings);
    let Some(certificates) = certificates else {
        return Client::open(information);
    };
    let client = Client::build_with_tls(information, certificates)?;
    if !target.any_name {
        return Ok(client);
    }
    let information = client.get_connection_info().clone();
    let mut address = information.addr().clone();
    address.set_danger_accept_invalid_hostnames(true);
    Client::open(information.set_addr(address))
}

fn sentinel(
    target: &Target,
    password: Option<String>,
    sentinel_password: Option<String>,
    certificates: Option<TlsCertificates>,
) -> RedisResult<SentinelClient> {
    let addresses = addresses(target, certificates.is_some());
    let master = target.master.as_deref().unwrap_or_default();
    let mut builder = SentinelClientBuilder::new(addresses, master, SentinelServerType::Master)?;
    if let Some(user) = &target.user {
        builder = builder.set_client_to_redis_username(user);
    }
    if let Some(password) = password {
        builder = builder.set_client_to_redis_password(password);
    }
    if let Some(password) = sentinel_password {
        builder = builder.set_client_to_sentinel_password(password);
    }
    if let Some(certificates) = certificates {
        // There is no way here to check the authority but not the name.
        let mode = if target.any_name {
            TlsMode::Insecure
        } else {
            TlsMode::Secure
        };
        builder = builder
            .set_client_to_redis_tls_mode(mode)
            .set_client_to_redis_certificates(certificates.clone())
            .set_client_to_sentinel_tls_mode(mode)
            .set_client_to_sentinel_certificates(certificates);
    }
    builder.build()
}

/// The addresses of servers.
fn addresses(target: &Target, is_encrypted: bool) -> impl Iterator<Item = ConnectionAddr> {
    target.servers.iter().map(move |(host, port)| {
        if is_encrypted {
            ConnectionAddr::TcpTls {
                host: host.clone(),
                port: *port,
                insecure: false,
                tls_params: None,
            }
        } else {
            ConnectionAddr::Tcp(host.clone(), *port)
        }
    })
}

fn no_server() -> RedisError {
    (ErrorKind::InvalidClientConfig, "no server is named").into()
}

fn as_milliseconds(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}

fn password(path: Option<&Path>) -> Result<Option<String>> {
    let Some(path) = path else { return Ok(None) };
    let text = fs::read_to_string(path).context(FileSnafu { path })?;
    let line = text.lines().next().filter(|line| !line.is_empty());
    line.map(|line| Some(line.to_owned()))
        .context(NoPasswordSnafu { path })
}

fn certificates(path: Option<&Path>) -> Result<Option<TlsCertificates>> {
    let Some(path) = path else { return Ok(None) };
    let authority = fs::read(path).context(FileSnafu { path })?;
    Ok(Some(TlsCertificates {
        client_tls: None,
        root_cert: Some(authority),
    }))
}
