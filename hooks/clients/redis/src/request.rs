//! What servers are asked and told, as the commands that every version takes, and what they answer.

use std::collections::BTreeMap;

use redis::{Pipeline, Value};

use crate::connection::{CallError, Client, Connection, Credentials, add};
use crate::information::Information;
use crate::migration::counts;
use crate::nodes::{NodeId, Nodes};
use crate::passwords::{self, Passwords};
use crate::slots::{Slot, Slots};

/// How a replica becomes the master of its shard.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Failover {
    /// With the master: it pauses its clients until the replica has everything. Nothing is lost.
    Agreed,
    /// Without the master, which is away: the other masters have to elect it.
    Forced,
}

/// What one server is asked or told.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Request {
    /// Which nodes it knows, and what it knows of them.
    Nodes,
    /// How it sees the whole cluster: its state, its epochs, how many nodes and slots there are.
    Cluster,
    /// A section of what it tells of itself, such as `replication`.
    Information(&'static str),
    /// How many keys it has.
    Keys,
    /// How many keys it has of some slots.
    KeyCounts(Slots),
    /// What it has of some settings.
    Configuration(Vec<String>),
    /// Which passwords it takes and shows, beside those that the caller has. Since version 6.0.
    Passwords,
    /// Whether enough Sentinels agree that one of them may replace the master of this name. Of a Sentinel; it says no where not.
    Quorum(String),
    /// What a Sentinel knows of the replicas of the master of this name.
    Replicas(String),
    /// It shall begin with this epoch. Taken only as long as it knows nobody and has none.
    SetEpoch(u64),
    /// It shall have slots that nobody has, as far as it knows.
    AddSlots(Slots),
    /// It shall meet the node at an address, and all that this one knows. A name is not taken.
    Meet {
        /// The address.
        host: String,
        /// The port for clients.
        port: u16,
        /// The port of the bus between nodes, which need not be the one that follows from the other.
        bus_port: u16,
    },
    /// It shall copy a master that it knows. Taken of a master only when it has no slots and no keys.
    Replicate(NodeId),
    /// It shall no longer know a node, and not hear of it from others for a minute.
    Forget(NodeId),
    /// It shall become the master of its shard.
    Failover(Failover),
    /// Slots shall not be on their way any more, as far as it is concerned.
    Settle(Slots),
    /// It shall take the caller's passwords, and no others if only these are wanted. Since version 6.0.
    TakePasswords {
        /// Whether only these are wanted.
        only: bool,
    },
    /// It shall show its master the caller's password.
    ShowPassword,
    /// It shall take a setting.
    Configure {
        /// The setting.
        name: String,
        /// What it shall be.
        value: String,
    },
}

/// What one server answers.
#[derive(Clone, Debug)]
pub enum Answer {
    /// To [`Request::Nodes`].
    Nodes(Nodes),
    /// To [`Request::Cluster`] and [`Request::Information`].
    Information(Information),
    /// To [`Request::Keys`].
    Keys(u64),
    /// To [`Request::KeyCounts`]: slots without keys are left out.
    KeyCounts(Vec<(Slot, u64)>),
    /// To [`Request::Configuration`]: settings that it does not know are left out.
    Configuration(BTreeMap<String, String>),
    /// To [`Request::Passwords`].
    Passwords(Passwords),
    /// To [`Request::Replicas`]: what is known of each of them.
    Replicas(Vec<Information>),
    /// To everything that it is told, and to [`Request::Quorum`].
    Done,
}

impl Client {
    /// Asks or tells a server something, over a connection of its own.
    ///
    /// # Errors
    /// When it is not reached, says no, or answers something else.
    pub async fn call(&self, address: &str, request: &Request) -> Result<Answer, CallError> {
        let mut server = self.connect(address).await?;
        match request {
            Request::Nodes => {
                let text = server.text(&["CLUSTER", "NODES"]).await?;
                let nodes = text
                    .parse()
                    .map_err(|_| server.malformed("the nodes of a cluster"))?;
                Ok(Answer::Nodes(nodes))
            }
            Request::Cluster => {
                let text = server.text(&["CLUSTER", "INFO"]).await?;
                Ok(Answer::Information(Information::of(&text)))
            }
            Request::Information(section) => {
                let text = server.text(&["INFO", section]).await?;
                Ok(Answer::Information(Information::of(&text)))
            }
            Request::Keys => match server.ask(&["DBSIZE"]).await? {
                Value::Int(keys) if keys >= 0 => Ok(Answer::Keys(keys.unsigned_abs())),
                _ => Err(server.malformed("a number of keys")),
            },
            Request::Forget(_) => {
                let answers = server.send(&commands(request)).await?;
                let refusal = answers.into_iter().find_map(Result::err);
                match refusal {
                    // It has been told before.
                    Some(refusal) if !refusal.text.contains("Unknown node") => {
                        Err(server.refused(refusal))
                    }
                    _ => Ok(Answer::Done),
                }
            }
            Request::KeyCounts(slots) => {
                let mut counts = counts(&mut server, slots).await?;
                counts.retain(|(_, keys)| *keys > 0);
                Ok(Answer::KeyCounts(counts))
            }
            Request::Configuration(names) => configuration(&mut server, names).await,
            Request::Passwords => passwords::ask(&mut server, self.secret(address)?).await,
            Request::TakePasswords { only } => {
                passwords::take(&mut server, self.secret(address)?, *only).await
            }
            Request::ShowPassword => passwords::show(&mut server, self.secret(address)?).await,
            Request::Quorum(master) => {
                server.text(&["SENTINEL", "CKQUORUM", master]).await?;
                Ok(Answer::Done)
            }
            Request::Replicas(master) => {
                // The older of two words for the same, which all versions know.
                let value = server.ask(&["SENTINEL", "SLAVES", master]).await?;
                let replicas =
                    replicas(&value).ok_or_else(|| server.malformed("replicas of a master"))?;
                Ok(Answer::Replicas(replicas))
            }
            told => {
                server.send_all(&commands(told)).await?;
                Ok(Answer::Done)
            }
        }
    }
}

impl Client {
    /// What the caller has to show.
    fn secret(&self, address: &str) -> Result<&Credentials, CallError> {
        self.credentials
            .as_ref()
            .ok_or_else(|| CallError::Malformed {
                address: address.to_owned(),
                expected: "a password to compare with",
                found: "none".to_owned(),
            })
    }
}

/// The commands by which a server is told something.
fn commands(request: &Request) -> Pipeline {
    let mut commands = Pipeline::new();
    match request {
        Request::SetEpoch(epoch) => {
            add(
                &mut commands,
                &["CLUSTER", "SET-CONFIG-EPOCH", &epoch.to_string()],
            );
        }
        Request::AddSlots(slots) => {
            let command = commands.cmd("CLUSTER").arg("ADDSLOTS");
            for slot in slots.iter() {
                command.arg(u16::from(slot));
            }
        }
        Request::Meet {
            host,
            port,
            bus_port,
        } => {
            let (port, bus_port) = (port.to_string(), bus_port.to_string());
            add(&mut commands, &["CLUSTER", "MEET", host, &port, &bus_port]);
        }
        Request::Replicate(id) => add(&mut commands, &["CLUSTER", "REPLICATE", id.as_str()]),
        Request::Forget(id) => add(&mut commands, &["CLUSTER", "FORGET", id.as_str()]),
        Request::Failover(Failover::Agreed) => add(&mut commands, &["CLUSTER", "FAILOVER"]),
        Request::Failover(Failover::Forced) => {
            add(&mut commands, &["CLUSTER", "FAILOVER", "FORCE"]);
        }
        Request::Settle(slots) => {
            for slot in slots.iter() {
                add(
                    &mut commands,
                    &["CLUSTER", "SETSLOT", &slot.to_string(), "STABLE"],
                );
            }
        }
        Request::Configure { name, value } => add(&mut commands, &["CONFIG", "SET", name, value]),
        Request::Nodes
        | Request::Cluster
        | Request::Information(_)
        | Request::Keys
        | Request::KeyCounts(_)
        | Request::Configuration(_)
        | Request::Passwords
        | Request::TakePasswords { .. }
        | Request::ShowPassword
        | Request::Quorum(_)
        | Request::Replicas(_) => {}
    }
    commands
}

/// What a server has of some settings: one is asked for at a time, since versions before 7.0 take no more.
async fn configuration(server: &mut Connection, names: &[String]) -> Result<Answer, CallError> {
    let mut commands = Pipeline::new();
    for name in names {
        add(&mut commands, &["CONFIG", "GET", name]);
    }
    let mut settings = BTreeMap::new();
    for value in server.send_all(&commands).await? {
        let pairs = pairs(&value).ok_or_else(|| server.malformed("settings"))?;
        settings.extend(pairs);
    }
    Ok(Answer::Configuration(settings))
}

/// What a Sentinel knows of each of some replicas.
fn replicas(value: &Value) -> Option<Vec<Information>> {
    let Value::Array(replicas) = value else {
        return None;
    };
    let known = replicas
        .iter()
        .map(|replica| pairs(replica).map(Information::from_iter));
    known.collect()
}

/// Names and values, one after the other, as servers answer them.
fn pairs(value: &Value) -> Option<Vec<(String, String)>> {
    let Value::Array(parts) = value else {
        return None;
    };
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let pairs = parts.chunks_exact(2).map(|pair| match pair {
        [Value::BulkString(name), Value::BulkString(value)] => Some((text(name), text(value))),
        _ => None,
    });
    pairs.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn bulk(text: &str) -> Value {
        Value::BulkString(text.as_bytes().to_vec())
    }

    #[test]
    fn what_a_sentinel_knows_of_replicas_is_read_by_name() {
        let replica = |flags| {
            let words = ["flags", flags, "slave-priority", "100"];
            Value::Array(words.map(bulk).to_vec())
        };
        let known = replicas(&Value::Array(vec![
            replica("slave"),
            replica("s_down,slave,disconnected"),
        ]));
        let known = known.unwrap_or_default();
        let flags: Vec<_> = known.iter().map(|one| one.text("flags")).collect();
        assert_eq!(flags, [Some("slave"), Some("s_down,slave,disconnected")]);
        assert_eq!(known[0].value("slave-priority"), Some(100));
        assert!(replicas(&bulk("OK")).is_none());
        assert!(replicas(&Value::Array(vec![bulk("OK")])).is_none());
    }
}
