//! The few changes that a person may ask for: each is of one key, which has to exist.

use midships_answers::{Problem, Told, with_problems};
use midships_client_redis::CallError;
use midships_client_redis::connection::Answer;
use redis::Pipeline;
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Servers};
use crate::bytes::Bytes;
use crate::figures;
use crate::owner::owner;
use crate::query::Query;
use crate::reading::{number, read, text};

/// A change of one key.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Change {
    /// It shall be gone. Its memory is freed in the background, so that a big value stops nobody.
    Delete(Bytes),
    /// It shall be gone after some seconds.
    Expire(Bytes, u64),
}

impl Change {
    fn key(&self) -> &Bytes {
        match self {
            Self::Delete(key) | Self::Expire(key, _) => key,
        }
    }

    /// Adds it to commands that are sent in one go.
    pub(crate) fn add_to(&self, commands: &mut Pipeline) {
        match self {
            Self::Delete(key) => commands.cmd("UNLINK").arg(&key.0),
            Self::Expire(key, seconds) => commands.cmd("EXPIRE").arg(&key.0).arg(*seconds),
        };
    }
}

/// Servers that can be told something, too.
pub trait Changing: Servers {
    /// Tells one server a change, once.
    ///
    /// # Errors
    /// When it was not answered. The call ends within a time of its own.
    fn change(
        &self,
        address: &str,
        change: &Change,
    ) -> impl Future<Output = Result<Answer, CallError>>;
}

/// What was done.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Changed {
    /// The key.
    pub key: Bytes,
    /// The server that was told.
    pub server: Option<String>,
    /// What the key had before: the type of its value.
    #[serde(rename = "type")]
    pub kind: Option<String>,
    /// How long it had to live before; null where it had no end.
    pub time_left_milliseconds: Option<u64>,
    /// What has been done, in words; null where nothing has, or it is not known.
    pub done: Option<String>,
    /// Why not.
    pub problems: Vec<Problem>,
}

impl Changed {
    /// Looks whether a key exists, and then changes it.
    pub async fn make<S: Changing>(servers: &S, scope: &Scope, change: &Change) -> Self {
        let mut changed = Self {
            key: change.key().clone(),
            ..Self::default()
        };
        if let Err(problem) = changed.carry_out(servers, scope, change).await {
            changed.problems.push(problem);
        }
        changed
    }

    async fn carry_out<S: Changing>(
        &mut self,
        servers: &S,
        scope: &Scope,
        change: &Change,
    ) -> Result<(), Problem> {
        let asking = Asking::new(servers);
        let key = change.key();
        let mut owner = owner(&asking, scope, key).await?;
        let queries = [Query::Type(key.clone()), Query::TimeLeft(key.clone())];
        let mut answers = owner.ask(&asking, &queries).await?.into_iter();
        let reached = owner.reached.clone();
        let kind = read(&reached, answers.next(), "a type", text)?;
        let left = read(&reached, answers.next(), "a time", number)?;
        if kind == "none" {
            let why = "is no key here, so that nothing was changed";
            return Err(Problem::new(key.to_string(), why));
        }
        if owner.is_asking {
            let why = "is on its way to another master, so that nothing was changed; try again when its slot has moved";
            return Err(Problem::new(key.to_string(), why));
        }
        self.server = Some(reached.clone());
        self.kind = Some(kind);
        self.time_left_milliseconds = u64::try_from(left).ok();
        let answer = servers.change(&reached, change).await.map_err(|error| {
            let may = if error.may_have_taken_effect() {
                "; the key may have been changed nevertheless"
            } else {
                ""
            };
            Problem::new(&reached, format!("{}{may}", error.after_address(&reached)))
        })?;
        let number = read(&reached, Some(answer), "how many keys were changed", number)?;
        if number == 0 {
            let why = "went away in the last moment, so that nothing was changed";
            return Err(Problem::new(key.to_string(), why));
        }
        self.done = Some(match change {
            Change::Delete(_) => "deleted".to_owned(),
            Change::Expire(_, seconds) => format!("ends in {seconds} s"),
        });
        Ok(())
    }
}

impl Told for Changed {
    fn text(&self) -> String {
        let mut text = String::new();
        if let (Some(done), Some(kind), Some(server)) = (&self.done, &self.kind, &self.server) {
            let before = match self.time_left_milliseconds {
                Some(left) => format!("it had {} to live", figures::time(left.div_ceil(1_000))),
                None => "it had no end".to_owned(),
            };
            text = format!("{} {done} at {server}: a {kind}; {before}\n", self.key);
        }
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
