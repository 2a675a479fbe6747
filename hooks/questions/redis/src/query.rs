//! The commands that questions may send, none of which changes anything: there is no way to send another one.

use midships_client_redis::Slot;
use redis::Pipeline;

use crate::bytes::Bytes;

/// What one server is asked.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Query {
    /// What it tells of itself, in all usual sections.
    Information,
    /// Which nodes of a cluster it knows.
    Nodes,
    /// How it sees its cluster as a whole.
    Cluster,
    /// The masters that a Sentinel watches.
    Masters,
    /// The replicas of a set that a Sentinel knows.
    Replicas(String),
    /// The other Sentinels of a set that a Sentinel knows.
    Sentinels(String),
    /// Whether Sentinels can agree that the master of a set is away, and elect one.
    Quorum(String),
    /// How many keys the database has.
    Keys,
    /// How many keys it has of a slot.
    KeysOfSlot(Slot),
    /// Some keys, from a place on.
    Scan {
        /// The place: 0, or what the last answer said.
        cursor: u64,
        /// What keys must be like, in the product's own notation.
        pattern: Option<Bytes>,
        /// How many keys are looked at, about.
        count: u32,
    },
    /// The type of a key's value.
    Type(Bytes),
    /// How long a key has to live, in milliseconds.
    TimeLeft(Bytes),
    /// How a value is kept in memory.
    Encoding(Bytes),
    /// How many bytes of memory a key with its value takes, about.
    Memory(Bytes),
    /// How many bytes a string has.
    StringLength(Bytes),
    /// The beginning of a string: so many bytes.
    StringPart(Bytes, u64),
    /// How many fields a hash has.
    HashLength(Bytes),
    /// Some fields of a hash, from a place on, about so many.
    HashPart(Bytes, u64, u64),
    /// How many elements a list has.
    ListLength(Bytes),
    /// The beginning of a list: so many elements.
    ListPart(Bytes, u64),
    /// How many members a set has.
    SetLength(Bytes),
    /// Some members of a set, from a place on, about so many.
    SetPart(Bytes, u64, u64),
    /// How many members a sorted set has.
    SortedSetLength(Bytes),
    /// The lowest members of a sorted set with their scores: so many.
    SortedSetPart(Bytes, u64),
    /// How many entries a stream has.
    StreamLength(Bytes),
    /// The first entries of a stream: so many.
    StreamPart(Bytes, u64),
    /// The newest slow commands, so many.
    SlowCommands(u64),
    /// The connections of clients.
    Clients,
    /// The number of the connection that asks.
    OwnClient,
    /// The next one may be about a key that is on its way here.
    Asking,
}

impl Query {
    /// The command: its name and, where it is one of several, which.
    #[must_use]
    pub fn command(&self) -> &'static str {
        match self {
            Self::Information => "INFO",
            Self::Nodes => "CLUSTER NODES",
            Self::Cluster => "CLUSTER INFO",
            Self::Masters => "SENTINEL MASTERS",
            Self::Replicas(_) => "SENTINEL REPLICAS",
            Self::Sentinels(_) => "SENTINEL SENTINELS",
            Self::Quorum(_) => "SENTINEL CKQUORUM",
            Self::Keys => "DBSIZE",
            Self::KeysOfSlot(_) => "CLUSTER COUNTKEYSINSLOT",
            Self::Scan { .. } => "SCAN",
            Self::Type(_) => "TYPE",
            Self::TimeLeft(_) => "PTTL",
            Self::Encoding(_) => "OBJECT ENCODING",
            Self::Memory(_) => "MEMORY USAGE",
            Self::StringLength(_) => "STRLEN",
            Self::StringPart(..) => "GETRANGE",
            Self::HashLength(_) => "HLEN",
            Self::HashPart(..) => "HSCAN",
            Self::ListLength(_) => "LLEN",
            Self::ListPart(..) => "LRANGE",
            Self::SetLength(_) => "SCARD",
            Self::SetPart(..) => "SSCAN",
            Self::SortedSetLength(_) => "ZCARD",
            Self::SortedSetPart(..) => "ZRANGE",
            Self::StreamLength(_) => "XLEN",
            Self::StreamPart(..) => "XRANGE",
            Self::SlowCommands(_) => "SLOWLOG GET",
            Self::Clients => "CLIENT LIST",
            Self::OwnClient => "CLIENT ID",
            Self::Asking => "ASKING",
        }
    }

    /// The words behind the command.
    fn arguments(&self) -> Vec<Vec<u8>> {
        let number = |number: u64| number.to_string().into_bytes();
        let word = |word: &str| word.as_bytes().to_vec();
        match self {
            Self::Information
            | Self::Nodes
            | Self::Cluster
            | Self::Masters
            | Self::Keys
            | Self::Clients
            | Self::OwnClient
            | Self::Asking => Vec::new(),
            Self::Replicas(set) | Self::Sentinels(set) | Self::Quorum(set) => vec![word(set)],
            Self::KeysOfSlot(slot) => vec![number(u16::from(*slot).into())],
            Self::Scan {
                cursor,
                pattern,
                count,
            } => {
                let mut words = vec![number(*cursor)];
                if let Some(pattern) = pattern {
                    words.extend([word("MATCH"), pattern.0.clone()]);
                }
                words.extend([word("COUNT"), number((*count).into())]);
                words
            }
            Self::Type(key)
            | Self::TimeLeft(key)
            | Self::Encoding(key)
            | Self::Memory(key)
            | Self::StringLength(key)
            | Self::HashLength(key)
            | Self::ListLength(key)
            | Self::SetLength(key)
            | Self::SortedSetLength(key)
            | Self::StreamLength(key) => vec![key.0.clone()],
            Self::StringPart(key, count) | Self::ListPart(key, count) => {
                vec![key.0.clone(), number(0), number(count.saturating_sub(1))]
            }
            Self::SortedSetPart(key, count) => {
                let last = number(count.saturating_sub(1));
                vec![key.0.clone(), number(0), last, word("WITHSCORES")]
            }
            Self::HashPart(key, cursor, count) | Self::SetPart(key, cursor, count) => {
                vec![
                    key.0.clone(),
                    number(*cursor),
                    word("COUNT"),
                    number(*count),
                ]
            }
            Self::StreamPart(key, count) => {
                let all = [word("-"), word("+"), word("COUNT"), number(*count)];
                std::iter::once(key.0.clone()).chain(all).collect()
            }
            Self::SlowCommands(count) => vec![number(*count)],
        }
    }

    /// All words, as a person would type them.
    #[cfg(test)]
    pub(crate) fn text(&self) -> String {
        let mut text = self.command().to_owned();
        for argument in self.arguments() {
            text.push(' ');
            text.push_str(&Bytes(argument).to_string());
        }
        text
    }

    /// Adds it to commands that are sent in one go.
    pub(crate) fn add_to(&self, commands: &mut Pipeline) {
        let mut words = self.command().split(' ');
        let command = commands.cmd(words.next().unwrap_or_default());
        words.for_each(|word| {
            command.arg(word);
        });
        for argument in self.arguments() {
            command.arg(argument);
        }
    }
}
