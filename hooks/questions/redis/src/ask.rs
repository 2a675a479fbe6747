//! Asks servers many things at the same time, within a bound, and leaves alone those that do not answer.

use std::cell::RefCell;
use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use futures::{StreamExt, stream};
use midships_answers::Problem;
use midships_client_redis::connection::Answer;
use midships_client_redis::{CallError, Client, Connection, Credentials};
use redis::{Pipeline, Value};

use crate::change::{Change, Changing};
use crate::query::Query;

/// How many servers are asked at the same time.
const AT_ONCE: usize = 16;

/// Servers of Redis, Valkey and Sentinel, as questions reach them.
pub trait Servers {
    /// Asks one server some things in one go, over one connection. What it refuses is an answer, too.
    ///
    /// # Errors
    /// When not all were answered. Every call ends within a time of its own.
    fn ask(
        &self,
        address: &str,
        queries: &[Query],
    ) -> impl Future<Output = Result<Vec<Answer>, CallError>>;
}

/// Servers that are reached over the network, by connections that are used again.
#[derive(Debug)]
pub struct Network {
    client: Client,
    /// Those of Sentinels, where they have others.
    of_sentinels: Option<Credentials>,
    /// Connections that wait for the next call, by address.
    waiting: Mutex<BTreeMap<String, Vec<Connection>>>,
}

impl Network {
    /// Servers as a client reaches them, and Sentinels with credentials of their own, if there are any.
    #[must_use]
    pub fn new(client: Client, of_sentinels: Option<Credentials>) -> Self {
        Self {
            client,
            of_sentinels,
            waiting: Mutex::default(),
        }
    }

    async fn connection(&self, address: &str) -> Result<Connection, CallError> {
        let waiting = || {
            let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
            waiting.get_mut(address)?.pop()
        };
        if let Some(connection) = waiting() {
            return Ok(connection);
        }
        match (self.client.connect(address).await, &self.of_sentinels) {
            (Err(CallError::NotLetIn { .. }), Some(credentials)) => {
                let client = Client {
                    credentials: Some(credentials.clone()),
                    ..self.client.clone()
                };
                client.connect(address).await
            }
            (connected, _) => connected,
        }
    }

    async fn send(&self, address: &str, commands: &Pipeline) -> Result<Vec<Answer>, CallError> {
        let mut connection = self.connection(address).await?;
        let answers = connection.send(commands).await?;
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting
            .entry(address.to_owned())
            .or_default()
            .push(connection);
        Ok(answers)
    }
}

impl Servers for Network {
    async fn ask(&self, address: &str, queries: &[Query]) -> Result<Vec<Answer>, CallError> {
        let mut commands = Pipeline::new();
        for query in queries {
            query.add_to(&mut commands);
        }
        self.send(address, &commands).await
    }
}

impl Changing for Network {
    async fn change(&self, address: &str, change: &Change) -> Result<Answer, CallError> {
        let mut commands = Pipeline::new();
        change.add_to(&mut commands);
        let answer = self.send(address, &commands).await?.pop();
        Ok(answer.unwrap_or(Ok(Value::Nil)))
    }
}

/// What is asked of whom.
pub(crate) type Question = (String, Vec<Query>);

/// One round of questions to the same servers.
pub(crate) struct Asking<'a, S> {
    servers: &'a S,
    /// The servers that did not answer, with the first thing that was wrong: they are not asked again, because each
    /// question would take its whole time.
    silent: RefCell<BTreeMap<String, Problem>>,
}

impl<'a, S: Servers> Asking<'a, S> {
    pub(crate) fn new(servers: &'a S) -> Self {
        Self {
            servers,
            silent: RefCell::default(),
        }
    }

    /// Asks some servers at the same time; the answers are in the same order.
    pub(crate) async fn all(&self, questions: &[Question]) -> Vec<Result<Vec<Answer>, Problem>> {
        stream::iter(
            questions
                .iter()
                .map(|(address, queries)| self.one(address, queries)),
        )
        .buffered(AT_ONCE)
        .collect()
        .await
    }

    /// Asks one server.
    pub(crate) async fn one(
        &self,
        address: &str,
        queries: &[Query],
    ) -> Result<Vec<Answer>, Problem> {
        if let Some(problem) = self.silent.borrow().get(address) {
            return Err(problem.clone());
        }
        self.servers.ask(address, queries).await.map_err(|error| {
            let problem = Problem::new(address, error.after_address(address));
            let mut silent = self.silent.borrow_mut();
            silent.entry(address.to_owned()).or_insert(problem).clone()
        })
    }

    /// The same about keys that may be on their way to the server: it answers for them only who says so before each question.
    pub(crate) async fn on_their_way(
        &self,
        address: &str,
        queries: &[Query],
    ) -> Result<Vec<Answer>, Problem> {
        let each = queries.iter();
        let queries: Vec<Query> = each
            .flat_map(|query| [Query::Asking, query.clone()])
            .collect();
        let answers = self.one(address, &queries).await?;
        Ok(answers.into_iter().skip(1).step_by(2).collect())
    }
}
