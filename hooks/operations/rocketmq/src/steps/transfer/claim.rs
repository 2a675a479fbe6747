//! The claim of a topic: a key that every name server has while the topic is moved, so that nobody else moves it, and so that
//! what was found is known when a journal is emptied.

use midships_client_rocketmq::Request;
use midships_engine::step::{Problem, Unanswered};
use serde::{Deserialize, Serialize};

use super::{Judged, Transfer, acting};
use crate::steps::key_values::putting;
use crate::view::View;
use crate::vocabulary::{Command, Query};

/// The namespace of the name servers' key-value configuration that holds the claims, by topic.
pub const CLAIMS: &str = "MIDSHIPS_TRANSFERS";

/// A claim, as a name server holds it.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Claim {
    /// One that this version of the program has written or can read.
    Known(Box<Transfer>),
    /// One of which only the owner can be read.
    Owned {
        /// Namespace and full name of the release.
        owner: String,
    },
}

impl Claim {
    /// Reads a claim; one that makes no sense is owned by its own text.
    #[must_use]
    pub fn read(text: &str) -> Self {
        serde_json::from_str(text).unwrap_or_else(|_| Self::Owned {
            owner: text.to_owned(),
        })
    }

    /// Namespace and full name of the release that moves the topic.
    #[must_use]
    pub fn owner(&self) -> &str {
        match self {
            Self::Known(transfer) => &transfer.owner,
            Self::Owned { owner } => owner,
        }
    }

    /// The problem that another release moves a topic.
    #[must_use]
    pub fn problem(&self, topic: &str, server: &str) -> Problem {
        Problem {
            object: format!("topic {topic}"),
            why: format!(
                "the release {} moves it: name server {server} has the key `{topic}` in the namespace {CLAIMS}",
                self.owner()
            ),
            remedy: format!(
                "wait until that transfer has ended, or take it back (helm uninstall). If there is no such release any more, \
                 look where the topic is and remove the key (mqadmin deleteKvConfig -s {CLAIMS} -k {topic})"
            ),
        }
    }
}

fn request() -> Request {
    Request::KeyValues {
        namespace: CLAIMS.to_owned(),
    }
}

/// The question for a name server's claims.
pub(crate) fn query(server: &str) -> Query {
    Query::rocketmq(server, request())
}

pub(super) fn queries(transfer: &Transfer) -> impl Iterator<Item = Query> {
    transfer.name_servers.iter().map(|server| query(server))
}

/// The claim of a topic that a name server holds.
pub(crate) fn held(server: &str, topic: &str, view: View<'_>) -> Result<Option<Claim>, Unanswered> {
    let claims = view.key_values(server, CLAIMS)?;
    Ok(claims.get(topic).map(|text| Claim::read(text)))
}

/// The problem that somebody else has claimed the topic.
pub(super) fn foreign(transfer: &Transfer, view: View<'_>) -> Result<Option<Problem>, Unanswered> {
    for server in &transfer.name_servers {
        let claim = held(server, &transfer.topic, view)?;
        if let Some(claim) = claim.filter(|claim| claim.owner() != transfer.owner) {
            return Ok(Some(claim.problem(&transfer.topic, server)));
        }
    }
    Ok(None)
}

pub(super) fn made(transfer: &Transfer, view: View<'_>) -> Judged {
    let mut commands = Vec::new();
    for server in &transfer.name_servers {
        if held(server, &transfer.topic, view)?.is_none() {
            // What came from JSON can be written as JSON; without what was found a claim is still one.
            let value = serde_json::to_string(transfer).unwrap_or_else(|_| transfer.owner.clone());
            commands.push(putting(server, CLAIMS, &transfer.topic, &value));
        }
    }
    Ok(acting(commands, "name servers do not have the claim"))
}

pub(super) fn released(transfer: &Transfer, view: View<'_>) -> Judged {
    let mut commands = Vec::new();
    for server in &transfer.name_servers {
        let claim = held(server, &transfer.topic, view)?;
        if claim.is_some_and(|claim| claim.owner() == transfer.owner) {
            commands.push(Command::Rocketmq {
                address: server.clone(),
                request: Request::DeleteKeyValue {
                    namespace: CLAIMS.to_owned(),
                    key: transfer.topic.clone(),
                },
            });
        }
    }
    Ok(acting(commands, "name servers still have the claim"))
}
