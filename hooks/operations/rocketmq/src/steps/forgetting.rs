//! Controllers forget brokers that are gone with their volumes: as long as they wait for one that was in sync, they elect nobody.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_rocketmq::Request;
use midships_engine::step::{Problem, Unanswered, Verdict};
use serde::{Deserialize, Serialize};

use super::{Observation, acting, wait};
use crate::view::{View, ask_elections};
use crate::vocabulary::{Command, Query};

/// Brokers that controllers know and that are gone.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Gone {
    /// The addresses of the controllers.
    pub controllers: Vec<String>,
    /// The cluster that the brokers were registered in.
    pub cluster: String,
    /// The ids that controllers had granted them, by the names of their groups.
    pub groups: BTreeMap<String, BTreeSet<i64>>,
}

/// What has to be known of them.
pub(super) fn queries(gone: &Gone) -> Vec<Query> {
    let groups = gone.groups.keys();
    groups
        .flat_map(|group| ask_elections(&gone.controllers, group))
        .collect()
}

/// Judges whether they are forgotten.
pub(super) fn assess(gone: &Gone, seen: &Observation) -> Verdict<Command> {
    let view = View::new(seen);
    let judged = gone
        .groups
        .iter()
        .map(|(group, ids)| forgetting(gone, group, ids, view))
        .collect::<Result<Result<Vec<_>, _>, Unanswered>>();
    match judged {
        Err(unanswered) => wait(format!("{}: {}", unanswered.object, unanswered.why)),
        Ok(Err(problem)) => Verdict::Fail(problem),
        Ok(Ok(commands)) => acting(
            commands.into_iter().flatten().collect(),
            "groups have brokers that are gone and that controllers remember",
        ),
    }
}

/// The command that has brokers of a group forgotten, if any of them is remembered.
fn forgetting(
    gone: &Gone,
    group: &str,
    ids: &BTreeSet<i64>,
    view: View<'_>,
) -> Result<Result<Option<Command>, Problem>, Unanswered> {
    let (leader, election) = view.leader(&gone.controllers, group)?;
    let Some(election) = election else {
        return Ok(Ok(None));
    };
    let brokers = election.brokers();
    let remembered: Vec<_> = brokers.filter(|broker| ids.contains(&broker.id)).collect();
    if let Some(alive) = remembered.iter().find(|broker| broker.alive) {
        return Ok(Err(Problem {
            object: format!("broker {}", alive.address),
            why: format!(
                "it was gone, and controllers hear of it as broker {} again",
                alive.id
            ),
            remedy: "find out who runs it, then run the upgrade again".to_owned(),
        }));
    }
    if remembered.is_empty() {
        return Ok(Ok(None));
    }
    Ok(Ok(Some(Command::Rocketmq {
        address: leader.to_owned(),
        request: Request::ForgetBrokers {
            cluster: gone.cluster.clone(),
            group: group.to_owned(),
            ids: remembered.iter().map(|broker| broker.id).collect(),
        },
    })))
}
