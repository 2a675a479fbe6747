//! A broker's pod is renewed: drained where clients have another master to turn to, cleared, and waited for until it has caught up.

use std::collections::BTreeSet;

use midships_client_kubernetes::Pod;
use midships_client_rocketmq::Request;
use midships_engine::step::{Memory, Progress, Unanswered, Verdict};
use serde::{Deserialize, Serialize};

use super::{
    OUTDATED, Observation, Scene, evicting, is_believed, set, settings_query, since,
    turning::turning, wait, wait_again,
};
use crate::desired::Broker;
use crate::guard;
use crate::view::{
    BrokerSettings, OPEN, PERMISSION_SETTING, READ_ONLY, View, ask_pods, ask_stateful_sets,
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
/// group, but only where sends wait for a replica.
fn affected<'a>(scene: &'a Scene, broker: &'a Broker) -> Option<&'a Broker> {
    if broker.is_master() {
        Some(broker)
    } else if scene.synchronous {
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
    let Some(master) = affected(scene, broker) else {
        return wanted;
    };
    wanted.push(settings_query(master));
    let outdated = match reason {
        Reason::Template => scene.is_outdated(broker, view) != Ok(false),
        Reason::NameServers => view
            .settings(&broker.address)
            .is_ok_and(|settings| !scene.is_list(settings.name_servers())),
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
    let Some(master) = affected(scene, broker) else {
        return Vec::new();
    };
    let stays = view.pods(&scene.cluster).is_ok_and(|pods| {
        pods.iter()
            .any(|pod| pod.name == master.pod && !pod.terminating)
    });
    match view.settings(&master.address) {
        Ok(settings) if stays && !settings.is_open() => {
            vec![set(&master.address, PERMISSION_SETTING, OPEN)]
        }
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
        self.returned(settings)
    }

    fn clearance(&self, pod: &Pod) -> Result<guard::Clearance, String> {
        let scene = self.scene;
        guard::clear(
            self.broker,
            pod,
            &scene.brokers,
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
                    commands: vec![set(&closed.address, PERMISSION_SETTING, OPEN)],
                    why: format!("broker {} takes messages again, since {why}", closed.pod),
                });
            }
        };
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
        Ok(Verdict::Act {
            commands: vec![Command::Restart(clearance)],
            why,
        })
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
                commands: vec![set(&master.address, PERMISSION_SETTING, READ_ONLY)],
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
            return Ok(opening(broker));
        }
        for server in &scene.name_servers {
            if !broker.is_registered(view.cluster_info(server)?) {
                return Ok(wait(format!("{server} lacks broker {}", broker.pod)));
            }
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
                Some(master) if !view.settings(&master.address)?.is_open() => Ok(opening(master)),
                _ => Ok(Verdict::Done),
            };
        }
        // The next master may be drained only when clients write to this one again.
        let (passed, started) = since(&self.seen.memory, "serving", self.seen.now);
        if passed >= scene.route_refresh_seconds {
            return Ok(self.replicas_behind()?.unwrap_or(Verdict::Done));
        }
        Ok(Verdict::Wait {
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

fn opening(broker: &Broker) -> Verdict<Command> {
    Verdict::Act {
        commands: vec![set(&broker.address, PERMISSION_SETTING, OPEN)],
        why: format!("broker {} is closed for writing", broker.pod),
    }
}
