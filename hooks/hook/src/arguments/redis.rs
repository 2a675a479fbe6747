//! The command line of questions about Redis and Valkey.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum};
use midships_questions_redis::Bytes;

use crate::arguments::{Output, address};

/// What is asked about servers of Redis and Valkey.
#[derive(Args, Debug)]
pub struct Redis {
    /// The question.
    #[command(subcommand)]
    pub question: Question,
}

/// A question about servers of Redis and Valkey, or one of the few changes.
#[derive(Debug, Subcommand)]
pub enum Question {
    /// Servers: who copies whom, slots, how far replicas are behind, memory, keys, and what is wrong.
    Topology {
        /// Whom is asked
        #[command(flatten)]
        asked: Asked,
        /// How the answer is printed
        #[arg(long, value_enum, default_value_t = Drawing::Text)]
        output: Drawing,
    },
    /// Slots and keys of each shard of a cluster.
    Slots {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// Count the keys of every slot, and show the slots with most
        #[arg(long)]
        keys: bool,
        /// How many of those slots are shown
        #[arg(long, value_name = "NUMBER", default_value_t = 10, requires = "keys")]
        limit: usize,
    },
    /// Keys that are like a pattern, with type and time to live, by a slow walk over all masters.
    Keys {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// What keys are like: `*` any letters, `?` one, `[ab]` one of these
        #[arg(long, value_name = "PATTERN", value_parser = bytes)]
        pattern: Option<Bytes>,
        /// Only keys whose values are of this type: string, hash, list, set, zset, stream
        #[arg(long = "type", value_name = "TYPE")]
        kind: Option<String>,
        /// How many are shown
        #[arg(long, value_name = "NUMBER", default_value_t = 1_000)]
        limit: usize,
        /// How fast it goes
        #[command(flatten)]
        pace: Pace,
    },
    /// The beginning of a key's value, with type, time to live, encoding and memory.
    Value {
        /// The key, with escapes as `keys` shows them
        #[arg(value_name = "KEY", value_parser = bytes)]
        key: Bytes,
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// How many elements of a hash, list, set, sorted set or stream are shown
        #[arg(long, value_name = "NUMBER", default_value_t = 100)]
        limit: u64,
        /// How many bytes of a string are shown
        #[arg(long, value_name = "NUMBER", default_value_t = 1_024)]
        bytes: u64,
    },
    /// The keys that take most memory, by type and by prefix, from a sample of all keys.
    BigKeys {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// What ends the first part of a key, by which keys are counted together
        #[arg(long, value_name = "TEXT", default_value = ":", value_parser = bytes)]
        prefix_separator: Bytes,
        /// How many keys are looked at, over all masters
        #[arg(long, value_name = "NUMBER", default_value_t = 10_000)]
        sample: u64,
        /// How many of the biggest keys of each type, and how many prefixes, are shown
        #[arg(long, value_name = "NUMBER", default_value_t = 5)]
        limit: usize,
        /// How fast it goes
        #[command(flatten)]
        pace: Pace,
    },
    /// The newest slow commands of all servers.
    SlowLog {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// How many are shown
        #[arg(long, value_name = "NUMBER", default_value_t = 20)]
        limit: usize,
    },
    /// The connections of clients to all servers.
    Clients {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// How many are shown one by one; they are counted all the same
        #[arg(long, value_name = "NUMBER", default_value_t = 50)]
        limit: usize,
    },
    /// Delete a key that exists. Refused without `--write`.
    Delete {
        /// The key, with escapes as `keys` shows them
        #[arg(value_name = "KEY", value_parser = bytes)]
        key: Bytes,
        /// Whom is told, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// Do it
        #[arg(long)]
        write: bool,
    },
    /// Let a key that exists end after some time. Refused without `--write`.
    Expire {
        /// The key, with escapes as `keys` shows them
        #[arg(value_name = "KEY", value_parser = bytes)]
        key: Bytes,
        /// After how many seconds
        #[arg(long, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3_155_760_000))]
        seconds: u64,
        /// Whom is told, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// Do it
        #[arg(long)]
        write: bool,
    },
}

impl Question {
    /// Whom it asks.
    pub fn asked(&self) -> &Asked {
        match self {
            Self::Topology { asked, .. } => asked,
            Self::Slots { common, .. }
            | Self::Keys { common, .. }
            | Self::Value { common, .. }
            | Self::BigKeys { common, .. }
            | Self::SlowLog { common, .. }
            | Self::Clients { common, .. }
            | Self::Delete { common, .. }
            | Self::Expire { common, .. } => &common.asked,
        }
    }
}

/// What all questions but the one of topology have in common.
#[derive(Args, Debug)]
pub struct Common {
    /// Whom is asked
    #[command(flatten)]
    pub asked: Asked,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// Whom is asked, and as whom.
#[derive(Args, Debug)]
pub struct Asked {
    /// Servers or Sentinels; may be given several times. One is enough: the others are found from it
    #[arg(long, required = true, value_delimiter = ',', value_parser = address, value_name = "HOST:PORT[,HOST:PORT]")]
    pub servers: Vec<String>,
    /// Where Sentinels watch several sets of a master and its replicas, the name of the one whose keys are looked at
    #[arg(long, value_name = "NAME")]
    pub set: Option<String>,
    /// The number of the database whose keys are looked at
    #[arg(long, value_name = "NUMBER", default_value_t = 0)]
    pub database: u16,
    /// A directory with the file password, and with the file username where it is not the user `default`, as a Secret is mounted;
    /// without it, one asks as nobody in particular
    #[arg(long, value_name = "DIRECTORY")]
    pub credentials: Option<PathBuf>,
    /// The same for Sentinels that do not take those of the servers
    #[arg(long, value_name = "DIRECTORY")]
    pub sentinel_credentials: Option<PathBuf>,
    /// A directory with the file ca.crt, the authorities of the servers' certificates, and where servers want to see a certificate
    /// with tls.crt and tls.key, as a Secret is mounted; without it, plain text is spoken
    #[arg(long, value_name = "DIRECTORY")]
    pub tls: Option<PathBuf>,
}

/// How fast a walk over keys goes.
#[derive(Args, Debug)]
pub struct Pace {
    /// How many keys a second are looked at, over all masters
    #[arg(long, value_name = "NUMBER", default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..))]
    pub rate: u32,
}

/// How a topology is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Drawing {
    /// As tables for people
    Text,
    /// As one JSON document
    Json,
    /// As a graph in the language of Graphviz
    Graphviz,
}

fn bytes(text: &str) -> Result<Bytes, String> {
    Bytes::of_escaped(text).ok_or_else(|| {
        r"a backslash begins an escape: \\, \n, \r, \t, \x and two hexadecimal digits, or \u{…}"
            .to_owned()
    })
}

#[cfg(test)]
mod tests {
    use clap::Parser;

    use super::*;
    use crate::arguments::{Action, Arguments};

    fn question(words: &[&str]) -> Result<Question, clap::Error> {
        let all = ["midships-hook", "redis"].iter().chain(words);
        match Arguments::try_parse_from(all)?.action {
            Action::Redis(redis) => Ok(redis.question),
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn servers_are_given_in_one_list_or_in_several() {
        for words in [
            &["topology", "--servers", "a:1,b:2"][..],
            &["topology", "--servers", "a:1", "--servers", "b:2"][..],
        ] {
            let question = question(words).unwrap();
            assert_eq!(question.asked().servers, ["a:1", "b:2"]);
        }
        assert!(question(&["topology"]).is_err());
        assert!(question(&["topology", "--servers", "a"]).is_err());
        assert!(question(&["slots", "--servers", "a:1", "--output", "graphviz"]).is_err());
    }

    #[test]
    fn a_key_is_any_bytes() {
        let key = r"a\xff\\b";
        let Question::Value { key, .. } = question(&["value", key, "--servers", "a:1"]).unwrap()
        else {
            panic!("not value");
        };
        assert_eq!(key.0, b"a\xff\\b");
        let error = question(&["value", r"a\q", "--servers", "a:1"]).unwrap_err();
        assert!(
            error.to_string().contains("two hexadecimal digits"),
            "{error}"
        );
    }
}
