//! `configure_servers`: running servers take changed settings, without a restart.
//!
//! What their configuration file says is what they begin with; what of it they take while they run is told them as soon as Helm has
//! applied it; outside of a cluster as soon as all serve, since a server begins apart there. A server whose pod is about to be renewed is
//! left out: it may not know a setting of the next version yet, and memory that it is given comes with the pod. Before Helm applies
//! anything, settings that somebody has named are asked for: a server would not start with one that it does not know.

use midships_client_redis::Information;
use midships_engine::step::{Limits, Operation, Phase, Planning, Unanswered};
use midships_model::redis::version::Version;

use crate::desired::{Desired, Server};
use crate::restart::is_outdated;
use crate::settings;
use crate::steps::{Observation, RedisStep, told};
use crate::survey::absent;
use crate::view::{View, ask_configuration, ask_pods, ask_program, ask_stateful_sets};
use crate::vocabulary::Query;

/// The operation, for one release.
#[derive(Clone, Debug)]
pub struct ConfigureServers {
    desired: Desired,
    phase: Phase,
}

impl ConfigureServers {
    /// Brings running servers to the settings of a release.
    #[must_use]
    pub fn new(desired: Desired, phase: Phase) -> Self {
        Self { desired, phase }
    }

    /// The servers that go on as they are: their pods are of the newest template.
    fn going_on(&self, view: View<'_>) -> Result<Vec<&Server>, Unanswered> {
        let sets = view.stateful_sets(&self.desired.full_name)?;
        let pods = view.pods(&self.desired.full_name)?;
        let mut going_on = Vec::new();
        for shard in &self.desired.shards {
            let name = self.desired.stateful_set(shard.number);
            for server in &shard.servers {
                if is_outdated(server, &name, sets, pods)? {
                    continue;
                }
                match pods.iter().find(|pod| pod.name == server.pod) {
                    // What a server begins with outside of a cluster is not to be changed before it takes part.
                    Some(pod) if !self.desired.is_cluster() && !pod.ready => {
                        return Err(unready(server, &pod.described()));
                    }
                    None if !self.desired.is_cluster() => {
                        return Err(unready(server, "does not exist yet"));
                    }
                    Some(_) => going_on.push(server),
                    // One that is being made reads its configuration when it starts.
                    None => {}
                }
            }
        }
        Ok(going_on)
    }

    /// The servers of which one is asked which settings it knows: those of the first shard that stands.
    fn asked(&self, view: View<'_>) -> Vec<Server> {
        let sets = view.stateful_sets(&self.desired.full_name);
        let standing = sets.map(|sets| self.desired.standing(sets));
        let first = standing.unwrap_or_default().into_iter().next();
        first.map(|shard| shard.servers).unwrap_or_default()
    }

    /// Refuses settings that a running server of the wanted version does not know.
    fn known(&self, view: View<'_>) -> Planning<RedisStep> {
        let nothing = |why: &str| Planning::Nothing {
            why: why.to_owned(),
        };
        for server in self.asked(view) {
            let (Ok(program), Ok(known)) = (
                view.program(&server),
                view.configuration(&server, &self.desired.named),
            ) else {
                continue;
            };
            if !is_of(program, self.desired.version) {
                return nothing("servers get another version, which reads its settings itself");
            }
            let mut named = self.desired.named.iter();
            return match named.find(|name| !known.contains_key(*name)) {
                Some(name) => Planning::Refused(settings::unknown(&server.pod, name)),
                None => nothing("servers know all settings that are named"),
            };
        }
        nothing("no server tells which settings it knows")
    }
}

/// That a server does not serve yet.
fn unready(server: &Server, why: &str) -> Unanswered {
    Unanswered {
        object: format!("pod {}", server.pod),
        why: why.to_owned(),
    }
}

/// Whether a server's program is of a product and version, but for what comes behind the second number of the version.
fn is_of(program: &Information, version: Version) -> bool {
    let valkey = program.text("valkey_version");
    let (product, runs) = match valkey {
        Some(runs) => ("Valkey", Some(runs)),
        None => ("Redis", program.text("redis_version")),
    };
    let first = |text: &str| {
        let numbers: Vec<&str> = text.split('.').take(2).collect();
        numbers.join(".")
    };
    version.name().starts_with(product)
        && runs.is_some_and(|runs| first(runs) == first(version.tag()))
}

impl Operation for ConfigureServers {
    type Step = RedisStep;

    fn name(&self) -> &'static str {
        "configure_servers"
    }

    fn phase(&self) -> &'static str {
        self.phase.as_str()
    }

    fn fingerprint(&self) -> String {
        self.desired.digest.clone()
    }

    fn limits(&self) -> Limits {
        Limits {
            seconds: self.desired.patience_seconds,
            ..Limits::default()
        }
    }

    fn observe(&self, seen: &Observation) -> Vec<Query> {
        let view = View::new(seen);
        let mut wanted = vec![ask_stateful_sets(&self.desired.full_name)];
        if self.phase == Phase::Before {
            if self.desired.named.is_empty() {
                return Vec::new();
            }
            for server in self.asked(view) {
                wanted.push(ask_program(&server));
                wanted.push(ask_configuration(&server, &self.desired.named));
            }
        } else {
            wanted.push(ask_pods(&self.desired.full_name));
            if let Ok(servers) = self.going_on(view) {
                wanted.extend(settings::queries(servers, &self.desired.settings));
            }
        }
        seen.unasked(wanted)
    }

    fn plan(&self, seen: &Observation) -> Planning<RedisStep> {
        let view = View::new(seen);
        if self.phase == Phase::Before {
            return if self.desired.named.is_empty() {
                Planning::Nothing {
                    why: "no setting is named that a server may not know".to_owned(),
                }
            } else {
                self.known(view)
            };
        }
        let servers = match self.going_on(view) {
            Ok(servers) => servers,
            Err(unanswered) => return absent(&told(&[unanswered])),
        };
        let wanted = &self.desired.settings;
        let names: Vec<String> = wanted.keys().cloned().collect();
        let mut others = Vec::new();
        for server in servers {
            let found = match view.configuration(server, &names) {
                Ok(found) => found,
                Err(unanswered) => return absent(&told(&[unanswered])),
            };
            match settings::differing(server, wanted, found) {
                Ok(differing) if differing.is_empty() => {}
                Ok(_) => others.push(server.clone()),
                Err(problem) => return Planning::Refused(problem),
            }
        }
        if others.is_empty() {
            return Planning::Nothing {
                why: "every server has its settings".to_owned(),
            };
        }
        Planning::Steps(vec![RedisStep::ServersConfigured {
            servers: others,
            settings: wanted.clone(),
        }])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn servers_are_known_by_product_and_version() {
        let program = |text: &str| Information::of(text);
        let seven = program("redis_version:7.0.15\r\n");
        assert!(is_of(&seven, Version::Redis7_0));
        assert!(!is_of(&seven, Version::Redis6_2));
        let valkey =
            program("redis_version:7.2.4\r\nserver_name:valkey\r\nvalkey_version:8.1.0\r\n");
        assert!(is_of(&valkey, Version::Valkey8_1));
        assert!(!is_of(&valkey, Version::Redis7_0));
        let five = program("redis_version:5.0.14\r\n");
        assert!(is_of(&five, Version::Redis5_0));
    }
}
