//! Asks the server that has a key, wherever others say that it is.

use midships_answers::Problem;
use midships_client_redis::connection::Answer;
use midships_client_redis::{Refusal, slot_of};

use crate::Scope;
use crate::ask::{Asking, Servers};
use crate::bytes::Bytes;
use crate::landscape::{Landscape, Place};
use crate::query::Query;

/// How often one is sent on to another server: once when a slot has just moved, and once when the key is on its way.
const MOST_REDIRECTIONS: usize = 5;

/// The server that has a key, as far as is known.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Owner {
    /// Where it is reached from here.
    pub(crate) reached: String,
    /// Whether the key is on its way to it, so that it has to be asked in a special way.
    pub(crate) is_asking: bool,
}

/// Finds the master that should have a key.
pub(crate) async fn owner<S: Servers>(
    asking: &Asking<'_, S>,
    scope: &Scope,
    key: &Bytes,
) -> Result<Owner, Problem> {
    let (places, problems) = Landscape::ask(asking, scope).await.places(scope);
    let slot = slot_of(&key.0);
    let has = |place: &&Place| {
        let slots = place.slots.as_ref();
        slots.is_none_or(|slots| slots.contains(slot))
    };
    let mut owners = places.iter().filter(has);
    match (owners.next(), owners.next()) {
        (Some(place), None) => Ok(Owner {
            reached: place.reached.clone(),
            is_asking: false,
        }),
        (None, _) if places.is_empty() => Err(problems
            .into_iter()
            .next()
            .unwrap_or_else(|| Problem::new("the servers", "have no master that could be asked"))),
        (None, _) => Err(Problem::new(
            "the cluster",
            format!("has no master that answers for the slot {slot} of the key"),
        )),
        (Some(_), Some(_)) => Err(problems.into_iter().next().unwrap_or_else(|| {
            Problem::new("the servers", "are several masters; give only one of them")
        })),
    }
}

impl Owner {
    /// Asks for a key, and goes where it is sent. Afterwards it is the one that answered.
    pub(crate) async fn ask<S: Servers>(
        &mut self,
        asking: &Asking<'_, S>,
        queries: &[Query],
    ) -> Result<Vec<Answer>, Problem> {
        for _ in 0..MOST_REDIRECTIONS {
            let answers = if self.is_asking {
                asking.on_their_way(&self.reached, queries).await?
            } else {
                asking.one(&self.reached, queries).await?
            };
            let mut refusals = answers.iter().filter_map(|answer| answer.as_ref().err());
            match refusals.find_map(|refusal| self.sent_by(refusal)) {
                Some(other) => *self = other,
                None => return Ok(answers),
            }
        }
        let why = "sent this program on to another server too often; ask again in some seconds";
        Err(Problem::new(&self.reached, why))
    }

    /// Whom a refusal sends to: `MOVED 3999 127.0.0.1:6381`, or `ASK` while keys are on their way. Without a host, it is the same.
    fn sent_by(&self, refusal: &Refusal) -> Option<Self> {
        let is_asking = match refusal.code.as_str() {
            "MOVED" => false,
            "ASK" => true,
            _ => return None,
        };
        let address = refusal.text.split(' ').nth(1)?;
        let (host, port) = address.rsplit_once(':')?;
        let same = self.reached.rsplit_once(':').map_or("", |(host, _)| host);
        let host = if host.is_empty() || host == "?" {
            same
        } else {
            host
        };
        let host = host.trim_matches(['[', ']']);
        Some(Self {
            reached: crate::landscape::address(host, port.parse().ok()?),
            is_asking,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_sends_on_says_where() {
        let owner = Owner {
            reached: "a:7000".to_owned(),
            is_asking: false,
        };
        for (code, text, reached, is_asking) in [
            ("MOVED", "3999 10.0.0.2:6381", "10.0.0.2:6381", false),
            ("ASK", "3999 b.example:6381", "b.example:6381", true),
            ("MOVED", "3999 :6381", "a:6381", false),
            ("MOVED", "3999 ?:6381", "a:6381", false),
            ("MOVED", "3999 fd00::1:6381", "[fd00::1]:6381", false),
        ] {
            let refusal = Refusal {
                code: code.to_owned(),
                text: text.to_owned(),
            };
            let expected = Owner {
                reached: reached.to_owned(),
                is_asking,
            };
            assert_eq!(owner.sent_by(&refusal), Some(expected), "{text}");
        }
        for (code, text) in [("ERR", "3999 b:1"), ("MOVED", "3999"), ("ASK", "1 b:x")] {
            let refusal = Refusal {
                code: code.to_owned(),
                text: text.to_owned(),
            };
            assert_eq!(owner.sent_by(&refusal), None, "{text}");
        }
    }
}
