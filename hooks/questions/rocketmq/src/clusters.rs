//! The question which brokers there are and how they are.

use std::collections::BTreeMap;

use midships_answers::{Column, NOTHING, Problem, moment, or_nothing, table, with_problems};
use midships_client_rocketmq::{Answer, ProductVersion, Reply, Request};
use serde::Serialize;

use crate::ask::{Asking, Question, Servers, another_kind};
use crate::landscape::{Broker, Landscape, NameServer};
use crate::{Scope, Told};

/// Clusters and their brokers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clusters {
    /// The name servers that were asked.
    pub name_servers: Vec<NameServer>,
    /// The brokers, sorted by cluster, name and id.
    pub brokers: Vec<BrokerState>,
    /// What was not answered or is not as it should be; name servers that list different brokers, too.
    pub problems: Vec<Problem>,
}

/// A broker. What it did not tell, or not in this version, is null.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct BrokerState {
    /// Its cluster's name.
    pub cluster: String,
    /// Its name, which a master and its replicas share.
    pub broker: String,
    /// Its id; 0 is the master.
    pub id: i64,
    /// Where it is registered, as `host:port`.
    pub address: String,
    /// What it does: `ASYNC_MASTER`, `SYNC_MASTER` or `SLAVE`.
    pub role: Option<String>,
    /// Its version, such as `5.4.0`.
    pub version: Option<String>,
    /// What it lets clients do: `r` read, `w` write.
    pub permission: Option<String>,
    /// Messages stored in a second, over the last 10 seconds.
    pub in_per_second: Option<f64>,
    /// Messages handed out in a second, over the last 10 seconds.
    pub out_per_second: Option<f64>,
    /// Messages stored since midnight.
    pub in_today: Option<i64>,
    /// Messages handed out since midnight.
    pub out_today: Option<i64>,
    /// How full the disk of its log is, from 0 to 1.
    pub disk_used: Option<f64>,
    /// When it was started, in UTC.
    pub started: Option<String>,
    /// At a replica: how many bytes of its master's log it lacked; both were asked at about the same time.
    pub behind_bytes: Option<i64>,
    /// At a master of 5.0.0 or later: how many replicas are in sync with it.
    pub replicas_in_sync: Option<i64>,
}

/// What one broker said.
#[derive(Debug, Default)]
struct Said {
    version: Option<ProductVersion>,
    runtime: BTreeMap<String, String>,
    configuration: BTreeMap<String, String>,
    replicas_in_sync: Option<i64>,
}

impl Clusters {
    /// Asks name servers for the brokers, and every broker for its state.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope) -> Self {
        let asking = Asking::new(servers);
        let mut landscape = Landscape::ask(&asking, scope).await;
        let each = [Request::RuntimeInformation, Request::BrokerConfiguration];
        let questions: Vec<Question> = landscape
            .brokers
            .iter()
            .flat_map(|broker| {
                each.clone()
                    .map(|request| Question::new(&broker.address, request))
            })
            .collect();
        let mut answers = asking.all(&questions).await.into_iter();
        let mut said = Vec::new();
        for broker in &landscape.brokers {
            let mut one = Said::default();
            for answer in answers.by_ref().take(each.len()) {
                if let Err(problem) = one.hear(&broker.address, answer) {
                    landscape.problems.insert(problem);
                }
            }
            said.push(one);
        }
        // Old brokers leave this one without any answer, so only those are asked that have told their version.
        let status = Request::ReplicationStatus;
        let masters: Vec<usize> = (0..said.len())
            .filter(|index| landscape.brokers[*index].id == 0)
            .filter(|index| {
                said[*index]
                    .version
                    .is_some_and(|version| status.is_known_by(version))
            })
            .collect();
        let questions: Vec<Question> = masters
            .iter()
            .map(|index| Question::new(&landscape.brokers[*index].address, status.clone()))
            .collect();
        for (index, answer) in masters.into_iter().zip(asking.all(&questions).await) {
            let address = &landscape.brokers[index].address;
            if let Err(problem) = said[index].hear(address, answer) {
                landscape.problems.insert(problem);
            }
        }
        Self::tabulate(landscape, &said)
    }

    fn tabulate(landscape: Landscape, said: &[Said]) -> Self {
        let mut ends: BTreeMap<(&str, &str), i64> = BTreeMap::new();
        for (broker, said) in landscape.brokers.iter().zip(said) {
            if broker.id == 0
                && let Some(end) = said.count("commitLogMaxOffset")
            {
                ends.insert((&broker.cluster, &broker.name), end);
            }
        }
        let brokers = landscape
            .brokers
            .iter()
            .zip(said)
            .map(|(broker, said)| {
                let end = ends.get(&(broker.cluster.as_str(), broker.name.as_str()));
                state(broker, said, end.copied())
            })
            .collect();
        Self {
            name_servers: landscape.name_servers,
            brokers,
            problems: landscape.problems.into_iter().collect(),
        }
    }
}

impl Said {
    fn hear(&mut self, address: &str, answer: Result<Answer, Problem>) -> Result<(), Problem> {
        let Answer { version, reply } = answer?;
        self.version = Some(version);
        match reply {
            Reply::Runtime(runtime) => self.runtime = runtime,
            Reply::Configuration(configuration) => self.configuration = configuration,
            Reply::ReplicationStatus(status) => {
                self.replicas_in_sync = Some(status.replicas_in_sync);
            }
            _ => return Err(another_kind(address)),
        }
        Ok(())
    }

    fn count(&self, name: &str) -> Option<i64> {
        self.runtime.get(name)?.parse().ok()
    }

    /// The number for the last 10 seconds: the first of three, and none in the first seconds after a start.
    fn rate(&self, name: &str) -> Option<f64> {
        let first = self.runtime.get(name)?.split_whitespace().next()?;
        first.parse().ok()
    }

    /// How much a counter has grown since midnight.
    fn today(&self, counter: &str) -> Option<i64> {
        let now = self.count(&format!("{counter}TodayNow"))?;
        Some(now - self.count(&format!("{counter}TodayMorning"))?)
    }
}

fn state(broker: &Broker, said: &Said, end: Option<i64>) -> BrokerState {
    let permission = said.configuration.get("brokerPermission");
    let permission = permission.and_then(|bits| bits.parse().ok());
    let disk_used = said.runtime.get("commitLogDiskRatio");
    let behind = end.zip(said.count("commitLogMaxOffset"));
    BrokerState {
        cluster: broker.cluster.clone(),
        broker: broker.name.clone(),
        id: broker.id,
        address: broker.address.clone(),
        role: said.configuration.get("brokerRole").cloned(),
        version: said.version.map(|version| version.to_string()),
        permission: permission.map(permission_text),
        in_per_second: said.rate("putTps"),
        // Misspelt up to 4.9.
        out_per_second: said
            .rate("getTransferredTps")
            .or_else(|| said.rate("getTransferedTps")),
        in_today: said.today("msgPutTotal"),
        out_today: said.today("msgGetTotal"),
        disk_used: disk_used
            .and_then(|ratio| ratio.parse().ok())
            .filter(|ratio: &f64| *ratio >= 0.0),
        started: said.count("bootTimestamp").and_then(moment),
        // The replica may have been asked later than its master.
        behind_bytes: behind
            .filter(|_| broker.id != 0)
            .map(|(end, own)| (end - own).max(0)),
        replicas_in_sync: said.replicas_in_sync,
    }
}

/// A permission's bits as letters.
pub(crate) fn permission_text(bits: u32) -> String {
    let letters: String = [(4, 'r'), (2, 'w')]
        .into_iter()
        .filter_map(|(bit, letter)| (bits & bit != 0).then_some(letter))
        .collect();
    if letters.is_empty() {
        NOTHING.to_owned()
    } else {
        letters
    }
}

impl Told for Clusters {
    fn text(&self) -> String {
        let columns = [
            Column::Text("CLUSTER"),
            Column::Text("BROKER"),
            Column::Number("ID"),
            Column::Text("ADDRESS"),
            Column::Text("ROLE"),
            Column::Text("VERSION"),
            Column::Text("PERM"),
            Column::Number("IN/S"),
            Column::Number("OUT/S"),
            Column::Number("IN TODAY"),
            Column::Number("OUT TODAY"),
            Column::Number("DISK"),
            Column::Number("BEHIND"),
            Column::Number("IN SYNC"),
        ];
        let rate = |rate: Option<f64>| or_nothing(rate.map(|rate| format!("{rate:.1}")));
        let row = |broker: &BrokerState| {
            [
                broker.cluster.clone(),
                broker.broker.clone(),
                broker.id.to_string(),
                broker.address.clone(),
                or_nothing(broker.role.as_ref()),
                or_nothing(broker.version.as_ref()),
                or_nothing(broker.permission.as_ref()),
                rate(broker.in_per_second),
                rate(broker.out_per_second),
                or_nothing(broker.in_today),
                or_nothing(broker.out_today),
                or_nothing(
                    broker
                        .disk_used
                        .map(|ratio| format!("{:.0} %", 100.0 * ratio)),
                ),
                or_nothing(broker.behind_bytes.map(|bytes| format!("{bytes} B"))),
                or_nothing(broker.replicas_in_sync),
            ]
        };
        let rows: Vec<_> = self.brokers.iter().map(row).collect();
        let servers = self.name_servers.iter().map(|server| {
            let version = or_nothing(server.version.as_ref());
            [server.address.clone(), version]
        });
        let servers: Vec<_> = servers.collect();
        let columns_of_servers = [Column::Text("NAME SERVER"), Column::Text("VERSION")];
        let text = format!(
            "{}\n{}",
            table(columns, &rows),
            table(columns_of_servers, &servers)
        );
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}
