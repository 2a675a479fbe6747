//! What `CLUSTER NODES` answers: every node that a server knows, as that server sees it.

use std::collections::BTreeMap;
use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};
use snafu::{OptionExt, Snafu, ensure};

use crate::slots::{Slot, Slots};

/// The name that a node has given itself: 40 hexadecimal digits, kept in its `nodes.conf`.
#[derive(Clone, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct NodeId(String);

impl NodeId {
    /// Its digits.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl FromStr for NodeId {
    type Err = NodesError;

    fn from_str(text: &str) -> Result<Self, NodesError> {
        let is_id = text.len() == 40
            && text
                .bytes()
                .all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        ensure!(
            is_id,
            UnreadableSnafu {
                what: "an id of 40 hexadecimal digits",
                text
            }
        );
        Ok(Self(text.to_owned()))
    }
}

impl TryFrom<String> for NodeId {
    type Error = NodesError;

    fn try_from(text: String) -> Result<Self, NodesError> {
        text.parse()
    }
}

impl From<NodeId> for String {
    fn from(id: NodeId) -> Self {
        id.0
    }
}

impl fmt::Display for NodeId {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// Why an answer to `CLUSTER NODES` cannot be read.
#[derive(Clone, Debug, Eq, PartialEq, Snafu)]
pub enum NodesError {
    /// A part of a line is something else than expected.
    #[snafu(display("CLUSTER NODES: `{text}` is not {what}"))]
    Unreadable {
        /// What was expected.
        what: &'static str,
        /// What was found.
        text: String,
    },
    /// A line has fewer parts than every version writes.
    #[snafu(display("CLUSTER NODES: a line has only {parts} of 8 parts: `{line}`"))]
    Short {
        /// How many parts it has.
        parts: usize,
        /// The line.
        line: String,
    },
    /// Not exactly one line is about the server that answered.
    #[snafu(display("CLUSTER NODES: {found} lines say `myself`; expected one"))]
    Myself {
        /// How many do.
        found: usize,
    },
    /// Two lines have the same id.
    #[snafu(display("CLUSTER NODES: two lines are about the node {id}"))]
    Twice {
        /// The id.
        id: NodeId,
    },
}

/// What a node is in its shard, as the answering server has heard.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Role {
    /// It takes writes for its slots.
    Master,
    /// It copies another one.
    Replica {
        /// Of whom. None where the server has not heard it yet.
        of: Option<NodeId>,
    },
    /// Nothing is known of it yet, as while two nodes meet.
    Unknown,
}

/// How the answering server is connected to a node.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Link {
    /// It is connected, or it is the server itself.
    Connected,
    /// It is not.
    Disconnected,
}

/// A slot that is on its way between two nodes. Servers tell it of themselves only.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Migration {
    /// To another node: who does not find a key here asks there.
    To(NodeId),
    /// From another node: who was sent from there is answered.
    From(NodeId),
}

/// How a server judges another one's health.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Health {
    /// It answers.
    Well,
    /// It has not answered this server for longer than the node timeout (`fail?`).
    Suspected,
    /// A majority of masters found the same (`fail`).
    Failed,
}

/// One node.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Node {
    /// Its id.
    pub id: NodeId,
    /// The host at which the others reach it, without brackets for IPv6. Empty where they do not know (`noaddr`).
    pub host: String,
    /// The port for clients.
    pub port: u16,
    /// The port of the bus between nodes.
    pub bus_port: u16,
    /// The name that it announces, since 7.0; empty without one.
    pub host_name: String,
    /// What it is in its shard.
    pub role: Role,
    /// Whether it answers.
    pub health: Health,
    /// Whether the two have not met yet.
    pub is_meeting: bool,
    /// The epoch with which it claims its slots: of two that claim one, the higher has it.
    pub epoch: u64,
    /// How the answering server is connected to it.
    pub link: Link,
    /// The slots that it claims.
    pub slots: Slots,
    /// Its slots that are on their way. Only known of the answering server.
    pub migrations: BTreeMap<Slot, Migration>,
}

impl Node {
    /// Whether it is a master.
    #[must_use]
    pub fn is_master(&self) -> bool {
        self.role == Role::Master
    }
}

/// Every node that a server knows.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Nodes {
    /// The server that answered.
    pub myself: Node,
    /// The others, by their ids.
    pub others: BTreeMap<NodeId, Node>,
}

impl Nodes {
    /// All of them, the one that answered first.
    pub fn all(&self) -> impl Iterator<Item = &Node> {
        std::iter::once(&self.myself).chain(self.others.values())
    }

    /// The slots of each master: when all servers say the same, they agree on who has what.
    #[must_use]
    pub fn owners(&self) -> BTreeMap<&NodeId, &Slots> {
        let masters = self
            .all()
            .filter(|node| node.is_master() && !node.slots.is_empty());
        masters.map(|node| (&node.id, &node.slots)).collect()
    }
}

impl FromStr for Nodes {
    type Err = NodesError;

    fn from_str(answer: &str) -> Result<Self, NodesError> {
        let mut mine = Vec::new();
        let mut others = BTreeMap::new();
        for line in answer.lines().filter(|line| !line.is_empty()) {
            let (node, is_myself) = of_line(line)?;
            if is_myself {
                mine.push(node);
            } else {
                let id = node.id.clone();
                ensure!(others.insert(id.clone(), node).is_none(), TwiceSnafu { id });
            }
        }
        let found = mine.len();
        let myself = mine
            .pop()
            .filter(|_| found == 1)
            .context(MyselfSnafu { found })?;
        ensure!(
            !others.contains_key(&myself.id),
            TwiceSnafu { id: myself.id }
        );
        Ok(Self { myself, others })
    }
}

/// A line: a node, and whether it is the server that answered. Source: `clusterGenNodeDescription`.
fn of_line(text: &str) -> Result<(Node, bool), NodesError> {
    let parts: Vec<&str> = text.split(' ').collect();
    let [id, address, flags, master, _, _, epoch, link, slots @ ..] = parts.as_slice() else {
        return ShortSnafu {
            parts: parts.len(),
            line: text,
        }
        .fail();
    };
    let (host, port, bus_port, host_name) = place(address)?;
    let flags: Vec<&str> = flags.split(',').collect();
    let role = if flags.contains(&"master") {
        Role::Master
    } else if flags.contains(&"slave") {
        let of = if *master == "-" {
            None
        } else {
            Some(master.parse()?)
        };
        Role::Replica { of }
    } else {
        Role::Unknown
    };
    let health = if flags.contains(&"fail") {
        Health::Failed
    } else if flags.contains(&"fail?") {
        Health::Suspected
    } else {
        Health::Well
    };
    let link = match *link {
        "connected" => Link::Connected,
        "disconnected" => Link::Disconnected,
        text => {
            return UnreadableSnafu {
                what: "connected or disconnected",
                text,
            }
            .fail();
        }
    };
    let mut node = Node {
        id: id.parse()?,
        host,
        port,
        bus_port,
        host_name,
        role,
        health,
        is_meeting: flags.contains(&"handshake"),
        epoch: number(epoch)?,
        link,
        slots: Slots::default(),
        migrations: BTreeMap::new(),
    };
    for part in slots {
        if let Some(way) = part
            .strip_prefix('[')
            .and_then(|part| part.strip_suffix(']'))
        {
            let (slot, migration) = migration(way)?;
            node.migrations.insert(slot, migration);
        } else {
            node.slots = node.slots.or(&of_slots(part)?);
        }
    }
    Ok((node, flags.contains(&"myself")))
}

/// Host, port, port of the bus and announced name, from `HOST:PORT@BUS`, since 7.0 with `,NAME` behind it, since 7.2 with more.
fn place(text: &str) -> Result<(String, u16, u16, String), NodesError> {
    let mut parts = text.split(',');
    let address = parts.next().unwrap_or_default();
    let host_name = parts.next().unwrap_or_default();
    let unreadable = UnreadableSnafu {
        what: "an address such as 192.0.2.1:6379@16379",
        text,
    };
    let (address, bus) = address.rsplit_once('@').context(unreadable)?;
    let (host, port) = address.rsplit_once(':').context(unreadable)?;
    Ok((
        host.to_owned(),
        number(port)?,
        number(bus)?,
        host_name.to_owned(),
    ))
}

/// A slot on its way, from `SLOT->-ID` or `SLOT-<-ID`.
fn migration(text: &str) -> Result<(Slot, Migration), NodesError> {
    if let Some((slot, id)) = text.split_once("->-") {
        Ok((of_slot(slot)?, Migration::To(id.parse()?)))
    } else if let Some((slot, id)) = text.split_once("-<-") {
        Ok((of_slot(slot)?, Migration::From(id.parse()?)))
    } else {
        UnreadableSnafu {
            what: "a slot on its way",
            text,
        }
        .fail()
    }
}

fn of_slot(text: &str) -> Result<Slot, NodesError> {
    text.parse().ok().context(UnreadableSnafu {
        what: "a slot",
        text,
    })
}

fn of_slots(text: &str) -> Result<Slots, NodesError> {
    text.parse().ok().context(UnreadableSnafu {
        what: "a slot or a range of slots",
        text,
    })
}

fn number<T: FromStr>(text: &str) -> Result<T, NodesError> {
    text.parse().ok().context(UnreadableSnafu {
        what: "a number",
        text,
    })
}
