//! A broker's pod is renewed: drained where clients have another master to turn to, cleared, and waited for until it has caught up.

use std::collections::{BTreeMap, BTreeSet};

use midships_client_kubernetes::Pod;
use midships_client_rocketmq::Request;
use midships_engine::step::{Memory, Progress, Unanswered, Verdict};
use serde::{Deserialize, Serialize};

use super::{
    OUTDATED, Observation, Scene, evicting, is_believed, set, since, turning::turning, wait,
    wait_again,
};
use crate::desired::{Broker, without_one_master};
use crate::guard;
use crate::view::{
    ALL_IN_SYNC_SETTING, BrokerSettings, OPEN, PERMISSION_SETTING, READ_ONLY, View, ask_elections,
    ask_pods, ask_stateful_sets, settings_query,
};
use crate::vocabulary::{Command, Query};

/// Why a broker has to be renewed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// It runs with another list of name servers than the desired one.
    NameServers,
    /// Its pod was made of another template than its `StatefulSet` has.
    Template,
    /// It leaves a group that stays, and so must not be elected: it is not restarted, only no master any more.
    Leaves,
}

/// One look at a broker that is renewed.
struct Look<'a> {
    scene: &'a Scene,
    broker: &'a Broker,
    reason: Reason,
    view: View<'a>,
    seen: &'a Observation,
}

/// The master whose clients have to turn to others while a broker is away: its own if it is one, else that of its
/// group, but only where sends wait for a replica. An elected master stops to wait for one that goes.
fn affected<'a>(scene: &'a Scene, broker: &'a Broker) -> Option<&'a Broker> {
    if broker.is_master() {
        Some(broker)
    } else if scene.synchronous && !scene.is_elected() {
        scene.master_of(broker)
    } else {
        None
    }
}

/// What has to be known of a broker that is renewed, of its group and of the other masters, and, while its master is
/// open and it has not been renewed, of what is written where.
pub(super) fn queries(
    scene: &Scene,
    broker: &Broker,
    reason: Reason,
    view: View<'_>,
) -> Vec<Query> {
    let mut wanted = vec![
        ask_pods(&scene.cluster),
        settings_query(broker),
        Query::rocketmq(&broker.address, Request::RuntimeInformation),
    ];
    if reason == Reason::Template {
        wanted.push(ask_stateful_sets(&scene.cluster));
    }
    let servers = scene.name_servers.iter();
    wanted.extend(servers.map(|server| Query::rocketmq(server, Request::ClusterInfo)));
    let group = scene
        .brokers
        .iter()
        .filter(|other| other.name == broker.name);
    wanted.extend(group.map(|other| Query::rocketmq(&other.address, Request::RuntimeInformation)));
    wanted.extend(ask_elections(&scene.controllers, &broker.name));
    let Some(master) = affected(scene, broker) else {
        return wanted;
    };
    wanted.push(settings_query(master));
    let outdated = match reason {
        Reason::Template => scene.is_outdated(broker, view) != Ok(false),
        Reason::NameServers => view
            .settings(&broker.address)
            .is_ok_and(|settings| !scene.is_list(settings.name_servers())),
        Reason::Leaves => broker.is_master(),
    };
    if outdated {
        let others = scene.other_masters(master);
        wanted.extend(others.clone().map(settings_query));
        if view
            .settings(&master.address)
            .is_ok_and(|settings| settings.is_open())
        {
            wanted.extend(
                others
                    .chain([master])
                    .map(|other| Query::rocketmq(&other.address, Request::TopicConfigurations)),
            );
        }
    }
    wanted
}

/// Judges a broker that is renewed.
pub(super) fn assess(
    scene: &Scene,
    broker: &Broker,
    reason: Reason,
    seen: &Observation,
) -> Verdict<Command> {
    let look = Look {
        scene,
        broker,
        reason,
        view: View::new(seen),
        seen,
    };
    match look.renewed() {
        Ok(verdict) => verdict,
        Err(unanswered) => wait(format!("{}: {}", unanswered.object, unanswered.why)),
    }
}

/// Opens the masters that this step has closed.
pub(super) fn relief(scene: &Scene, broker: &Broker, seen: &Observation) -> Vec<Command> {
    let view = View::new(seen);
    let master = match affected(scene, broker) {
        Some(master) => master,
        // One that has handed its group over is closed still.
        None if scene.is_elected() => broker,
        None => return Vec::new(),
    };
    let stays = view.pods(&scene.cluster).is_ok_and(|pods| {
        pods.iter()
            .any(|pod| pod.name == master.pod && !pod.terminating)
    });
    match view.settings(&master.address) {
        Ok(settings) if stays && is_lowered(scene, settings) => vec![reopen(scene, master)],
        _ => Vec::new(),
    }
}

impl Look<'_> {
    fn renewed(&self) -> Result<Verdict<Command>, Unanswered> {
        let (scene, broker, view) = (self.scene, self.broker, self.view);
        let pods = view.pods(&scene.cluster)?;
        let Some(pod) = pods.iter().find(|pod| pod.name == broker.pod) else {
            return Ok(wait(format!("pod {} is being made", broker.pod)));
        };
        if pod.terminating {
            return Ok(wait(view.describe_pod(&scene.cluster, &broker.pod)));
        }
        let by_template = self.reason == Reason::Template && scene.is_outdated(broker, view)?;
        if self.reason == Reason::Leaves && !broker.is_master() {
            return self.handed_over();
        }
        if !pod.ready && !by_template {
            return Ok(wait(view.describe_pod(&scene.cluster, &broker.pod)));
        }
        if !pod.ready {
            if !is_believed(self.seen) {
                return Ok(wait_again(view.describe_pod(&scene.cluster, &broker.pod)));
            }
            let why = format!(
                "pod {}: it does not serve and its pod is of an older template",
                pod.name
            );
            return Ok(evicting(self.clearance(pod), why));
        }
        let settings = view.settings(&broker.address)?;
        if by_template {
            let why = format!("the pod of broker {} is of an older template", broker.pod);
            return self.leaving(pod, settings, &why);
        }
        if self.reason == Reason::NameServers && !scene.is_list(settings.name_servers()) {
            let why = format!("broker {} uses another name server list", broker.pod);
            return self.leaving(pod, settings, &why);
        }
        if self.reason == Reason::Leaves {
            let why = format!(
                "broker {} leaves and is the master of its group",
                broker.pod
            );
            return self.leaving(pod, settings, &why);
        }
        self.returned(settings)
    }

    fn clearance(&self, pod: &Pod) -> Result<guard::Clearance, String> {
        let scene = self.scene;
        if scene.is_elected()
            && let Some(group) = without_one_master(&scene.brokers.iter())
        {
            return Err(format!(
                "group {group} has no master now, or more than one says so"
            ));
        }
        let mut brokers = scene.brokers.clone();
        brokers.retain(|other| !scene.leaving.contains(&other.pod));
        guard::clear(
            self.broker,
            pod,
            &brokers,
            &scene.kept_name_servers,
            &scene.cluster,
            affected(scene, self.broker),
            self.seen,
        )
    }

    /// The broker has to go: clients are turned away first, but only as long as no other broker is away or closed, so
    /// that a wait for another one never leaves a master closed.
    fn leaving(
        &self,
        pod: &Pod,
        settings: BrokerSettings<'_>,
        why: &str,
    ) -> Result<Verdict<Command>, Unanswered> {
        if !is_believed(self.seen) {
            return Ok(wait_again(why.to_owned()));
        }
        let (scene, broker, view) = (self.scene, self.broker, self.view);
        let master = affected(scene, broker);
        let open = match master {
            Some(master) if master.pod == broker.pod => settings.is_open(),
            Some(master) => view.settings(&master.address)?.is_open(),
            None => true,
        };
        let clearance = match self.clearance(pod) {
            Ok(clearance) => clearance,
            Err(why) if open => return Ok(wait_again(why)),
            Err(why) => {
                let closed = master.unwrap_or(broker);
                return Ok(Verdict::Act {
                    commands: vec![reopen(scene, closed)],
                    why: format!("broker {} takes messages again, since {why}", closed.pod),
                });
            }
        };
        if let Some(lacking) = self.lacking_successor() {
            if open {
                return Ok(wait_again(lacking));
            }
            return Ok(Verdict::Act {
                commands: vec![reopen(scene, broker)],
                why: format!(
                    "broker {} takes messages again, since {lacking}",
                    broker.pod
                ),
            });
        }
        let mut why = why.to_owned();
        // Where there is no other master, clients have nowhere to turn to.
        if let Some(master) = master
            && scene.other_masters(master).next().is_some()
        {
            let topics = self.written_only_at(master, open)?;
            if topics.is_empty() {
                if let Some(verdict) = self.draining(master, open)? {
                    return Ok(verdict);
                }
            } else {
                // A drain would only make the time longer in which these cannot be written.
                let named: Vec<&str> = topics.iter().take(5).map(String::as_str).collect();
                why = format!(
                    "{why}; broker {} is not closed first, because {} topics can be written nowhere \
                     else: {}",
                    master.pod,
                    topics.len(),
                    named.join(", ")
                );
            }
        }
        if broker.is_master()
            && let Some(verdict) = self.replicas_behind()?
        {
            return Ok(verdict);
        }
        if broker.is_master() && scene.is_elected() {
            return self.handing_over();
        }
        Ok(Verdict::Act {
            commands: vec![Command::Restart(clearance)],
            why,
        })
    }

    /// The address of the leading controller, and a broker that is in sync, serves and stays, with the id that it has there.
    fn successor(&self) -> Result<Option<(&str, &Broker, i64)>, Unanswered> {
        let (scene, broker, view) = (self.scene, self.broker, self.view);
        let (leader, election) = view.election(&scene.controllers, &broker.name)?;
        let pods = view.pods(&scene.cluster)?;
        let serves = |other: &Broker| {
            let pod = pods.iter().find(|pod| pod.name == other.pod);
            pod.is_some_and(|pod| pod.ready && !pod.terminating)
        };
        Ok(election.in_sync.iter().find_map(|elected| {
            let other = scene.brokers.iter().find(|other| {
                other.name == broker.name
                    && other.pod != broker.pod
                    && other.address == elected.address
                    && !scene.leaving.contains(&other.pod)
            })?;
            (elected.alive && serves(other)).then_some((leader, other, elected.id))
        }))
    }

    /// Why an elected master cannot hand its group over now, if it cannot: known before it is closed.
    fn lacking_successor(&self) -> Option<String> {
        let broker = self.broker;
        if !broker.is_master() || !self.scene.is_elected() {
            return None;
        }
        match self.successor() {
            Ok(Some(_)) => None,
            Ok(None) => Some(format!(
                "no other broker of group {} is in sync with {}, so that none can take over",
                broker.name, broker.pod
            )),
            Err(unanswered) => Some(format!("{}: {}", unanswered.object, unanswered.why)),
        }
    }

    /// Has another broker elected that is in sync and serves: what was acknowledged is there.
    fn handing_over(&self) -> Result<Verdict<Command>, Unanswered> {
        let (broker, view) = (self.broker, self.view);
        let Some((leader, successor, id)) = self.successor()? else {
            return Ok(wait_again(format!(
                "nobody can take over from {}",
                broker.pod
            )));
        };
        let waits = view
            .settings(&broker.address)?
            .properties
            .get(ALL_IN_SYNC_SETTING);
        if waits.map(String::as_str) != Some("true") {
            return Ok(Verdict::Act {
                commands: vec![set(&broker.address, ALL_IN_SYNC_SETTING, "true")],
                why: format!(
                    "broker {} acknowledges before {} has what it stores",
                    broker.pod, successor.pod
                ),
            });
        }
        Ok(Verdict::Act {
            commands: vec![Command::Rocketmq {
                address: leader.to_owned(),
                request: Request::ElectMaster {
                    cluster: broker.cluster.clone(),
                    group: broker.name.clone(),
                    id,
                },
            }],
            why: format!(
                "broker {} becomes the master of its group before {} goes",
                successor.pod, broker.pod
            ),
        })
    }

    /// A broker that leaves is no master any more: another one is, and takes messages.
    fn handed_over(&self) -> Result<Verdict<Command>, Unanswered> {
        let (scene, broker) = (self.scene, self.broker);
        if scene.master_of(broker).is_none() {
            return Ok(wait(format!("group {} elects a master", broker.name)));
        }
        // Should it stay after all and be elected, it must not be closed.
        if is_lowered(scene, self.view.settings(&broker.address)?) {
            return Ok(opening(scene, broker));
        }
        Ok(self.clients_learning().unwrap_or(Verdict::Done))
    }

    /// The topics of an open master that no other master takes messages for. One that is closed already has been
    /// judged.
    fn written_only_at(&self, master: &Broker, open: bool) -> Result<Vec<String>, Unanswered> {
        if !open {
            return Ok(Vec::new());
        }
        let view = self.view;
        let mut elsewhere = BTreeSet::new();
        for other in self.scene.other_masters(master) {
            let table = view.topic_configurations(&other.address)?;
            elsewhere.extend(
                table
                    .values()
                    .filter(|topic| topic.is_written())
                    .map(|topic| topic.name.as_str()),
            );
        }
        let own = view.topic_configurations(&master.address)?;
        Ok(own
            .values()
            .filter(|topic| topic.is_written() && !elsewhere.contains(topic.name.as_str()))
            .map(|topic| topic.name.clone())
            // Every broker has a topic of its own name, and those of consumers that came to it.
            .filter(|name| *name != master.name && !name.starts_with('%'))
            .collect())
    }

    /// What has to be done or waited for until clients write elsewhere; nothing once they do.
    fn draining(
        &self,
        master: &Broker,
        open: bool,
    ) -> Result<Option<Verdict<Command>>, Unanswered> {
        if open {
            return Ok(Some(Verdict::Act {
                commands: vec![close(self.scene, master)],
                why: format!("broker {} takes new messages", master.pod),
            }));
        }
        let stored = self.view.messages_stored_today(&master.address)?;
        let turning = turning(self.seen, self.scene.route_refresh_seconds, stored);
        Ok(turning.map(|(progress, mut memory)| {
            memory.insert(OUTDATED.to_owned(), 1);
            Verdict::Wait {
                why: format!("clients turn from broker {} to others", master.pod),
                progress: Some(progress),
                memory,
            }
        }))
    }

    /// A wait while a replica lacks what its master had at the look before: nobody else could be read from meanwhile.
    fn replicas_behind(&self) -> Result<Option<Verdict<Command>>, Unanswered> {
        let replicas = self
            .scene
            .brokers
            .iter()
            .filter(|other| other.name == self.broker.name && !other.is_master());
        for replica in replicas {
            if let Some((why, progress, mut memory)) = self.behind(self.broker, replica)? {
                // The drain goes on meanwhile.
                memory.extend(self.seen.memory.clone());
                return Ok(Some(Verdict::Wait {
                    why,
                    progress,
                    memory,
                }));
            }
        }
        Ok(None)
    }

    /// How far a replica is behind what its master had when this was first looked at; nothing once it has that.
    fn behind(
        &self,
        master: &Broker,
        replica: &Broker,
    ) -> Result<Option<(String, Option<Progress>, Memory)>, Unanswered> {
        let there = self.view.log_end(&replica.address)?;
        let key = format!("goal of {}", replica.pod);
        let remembered = self.seen.memory.get(&key).copied();
        let goal = match remembered {
            Some(goal) if there >= goal => return Ok(None),
            Some(goal) => goal,
            None => self.view.log_end(&master.address)?,
        };
        let number = |offset: i64| u64::try_from(offset).unwrap_or(0);
        let progress = Progress {
            done: number(there.min(goal)),
            total: number(goal),
            unit: "bytes".to_owned(),
        };
        Ok(Some((
            format!("broker {} fetches what its master has", replica.pod),
            Some(progress),
            Memory::from([(key, goal)]),
        )))
    }

    /// The broker is up to date: what is left until it serves as before.
    fn returned(&self, settings: BrokerSettings<'_>) -> Result<Verdict<Command>, Unanswered> {
        let (scene, broker, view) = (self.scene, self.broker, self.view);
        if !settings.is_open() {
            return Ok(opening(scene, broker));
        }
        for server in &scene.name_servers {
            if !broker.is_registered(view.cluster_info(server)?) {
                return Ok(wait(format!("{server} lacks broker {}", broker.pod)));
            }
        }
        if scene.is_elected() {
            return self.returned_to_others();
        }
        if !broker.is_master() {
            if let Some(master) = scene.master_of(broker)
                && let Some((why, progress, memory)) = self.behind(master, broker)?
            {
                return Ok(Verdict::Wait {
                    why,
                    progress,
                    memory,
                });
            }
            return match affected(scene, broker) {
                Some(master) if !view.settings(&master.address)?.is_open() => {
                    Ok(opening(scene, master))
                }
                _ => Ok(Verdict::Done),
            };
        }
        if let Some(wait) = self.clients_learning() {
            return Ok(wait);
        }
        Ok(self.replicas_behind()?.unwrap_or(Verdict::Done))
    }

    /// A broker of a group whose master is elected is back: it has caught up, counts as in sync, and clients know who is the
    /// master now.
    fn returned_to_others(&self) -> Result<Verdict<Command>, Unanswered> {
        let (scene, broker, view) = (self.scene, self.broker, self.view);
        let Some(master) = scene.master_of(broker) else {
            return Ok(wait(format!("group {} elects a master", broker.name)));
        };
        let (_, election) = view.election(&scene.controllers, &broker.name)?;
        let lacks = scene
            .brokers
            .iter()
            .find(|other| other.name == broker.name && !election.is_in_sync(&other.address));
        if let Some(other) = lacks {
            return Ok(wait(format!(
                "broker {} is not in sync with its master {} yet",
                other.pod, master.pod
            )));
        }
        Ok(self.clients_learning().unwrap_or(Verdict::Done))
    }

    /// The next master may be drained only when clients write to that of this group again.
    fn clients_learning(&self) -> Option<Verdict<Command>> {
        let (scene, broker) = (self.scene, self.broker);
        let (passed, started) = since(&self.seen.memory, "serving", self.seen.now);
        (passed < scene.route_refresh_seconds).then(|| Verdict::Wait {
            why: format!("clients learn that broker {} is back", broker.pod),
            progress: Some(Progress {
                done: passed,
                total: scene.route_refresh_seconds,
                unit: "seconds".to_owned(),
            }),
            memory: Memory::from([("serving".to_owned(), started)]),
        })
    }
}

/// Closes a master for writing. Where masters are elected, what it stores nevertheless, such as messages that are tried again,
/// is acknowledged only when whoever may be elected has it.
fn close(scene: &Scene, master: &Broker) -> Command {
    permit(scene, master, READ_ONLY, true)
}

/// Whether a broker is closed, or waits for more brokers than it did before it was closed.
fn is_lowered(scene: &Scene, settings: BrokerSettings<'_>) -> bool {
    let waits = settings.properties.get(ALL_IN_SYNC_SETTING);
    let waits_for_all = waits.map(String::as_str) == Some("true");
    !settings.is_open() || (scene.is_elected() && waits_for_all != scene.synchronous)
}

/// Opens a master for writing, and has it acknowledge as it did before it was closed.
fn reopen(scene: &Scene, master: &Broker) -> Command {
    permit(scene, master, OPEN, scene.synchronous)
}

fn permit(scene: &Scene, master: &Broker, permission: &str, waits_for_all: bool) -> Command {
    let mut properties = BTreeMap::from([(PERMISSION_SETTING.to_owned(), permission.to_owned())]);
    if scene.is_elected() {
        properties.insert(ALL_IN_SYNC_SETTING.to_owned(), waits_for_all.to_string());
    }
    Command::Rocketmq {
        address: master.address.clone(),
        request: Request::UpdateBrokerConfiguration { properties },
    }
}

fn opening(scene: &Scene, broker: &Broker) -> Verdict<Command> {
    Verdict::Act {
        commands: vec![reopen(scene, broker)],
        why: format!("broker {} is closed for writing", broker.pod),
    }
}
