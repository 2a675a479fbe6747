//! The command line of load-redis.

use std::num::{NonZeroU32, NonZeroUsize};
use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Writes numbered keys to Redis or Valkey all the time and reads every acknowledged one back.
///
/// Each line of the output is one JSON object; the last one is the summary.
#[derive(Debug, Parser)]
#[command(name = "load-redis", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 all that was acknowledged was read back, 1 something was not, 2 usage, 3 the servers could not be reached or used."
)]
pub struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub action: Action,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Write numbered keys until told to end, by a line on standard input, its end, or SIGTERM; then read them back.
    Run(Run),
    /// Write keys of given sizes, so many that they hold the given megabytes.
    Fill(Fill),
    /// Read back what `fill` with the same options has written.
    Verify(Fill),
}

/// How servers are found.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Mode {
    /// The one server that is named.
    Standalone,
    /// The master of which Sentinels tell.
    Sentinel,
    /// The servers of a cluster, each for its slots.
    Cluster,
}

/// Where the servers are, what is shown to them and how long they are waited for.
#[derive(Args, Debug)]
pub struct Target {
    /// How servers are found
    #[arg(long, value_enum)]
    pub mode: Mode,
    /// Servers of a cluster, Sentinels, or the one server
    #[arg(long, value_delimiter = ',', value_parser = address, required = true, value_name = "HOST:PORT[,HOST:PORT]")]
    pub servers: Vec<(String, u16)>,
    /// The name by which Sentinels know the master
    #[arg(long, value_name = "NAME", required_if_eq("mode", "sentinel"))]
    pub master: Option<String>,
    /// The user; without, the default one
    #[arg(long, value_name = "NAME")]
    pub user: Option<String>,
    /// A file whose first line is the password
    #[arg(long, value_name = "FILE")]
    pub password_file: Option<PathBuf>,
    /// A file whose first line is the password of Sentinels
    #[arg(long, value_name = "FILE")]
    pub sentinel_password_file: Option<PathBuf>,
    /// Speak TLS, to servers whose certificate is of an authority of this file
    #[arg(long, value_name = "FILE")]
    pub authority: Option<PathBuf>,
    /// Take certificates with other names than those by which servers are reached
    #[arg(long, requires = "authority")]
    pub any_name: bool,
    /// How often a command is sent again; redirects count as well
    #[arg(long, default_value_t = 16, value_name = "COUNT")]
    pub retries: u32,
    /// The shortest wait before a command is sent again
    #[arg(long, default_value = "20", value_parser = milliseconds, value_name = "MILLISECONDS")]
    pub least_wait: Duration,
    /// The longest wait before a command is sent again
    #[arg(long, default_value = "500", value_parser = milliseconds, value_name = "MILLISECONDS")]
    pub most_wait: Duration,
    /// How long an answer is waited for
    #[arg(long, default_value = "2000", value_parser = milliseconds, value_name = "MILLISECONDS")]
    pub timeout: Duration,
    /// How long a connection is waited for
    #[arg(long, default_value = "1000", value_parser = milliseconds, value_name = "MILLISECONDS")]
    pub connection_timeout: Duration,
    /// How long a command may take with all that is sent again; then it has failed
    #[arg(long, default_value = "10000", value_parser = milliseconds, value_name = "MILLISECONDS")]
    pub patience: Duration,
    /// How keys begin, which is followed by a colon and a number
    #[arg(long, default_value = "load", value_name = "TEXT")]
    pub prefix: String,
}

/// What is written, and how fast.
#[derive(Args, Debug)]
pub struct Run {
    /// Where to.
    #[command(flatten)]
    pub target: Target,
    /// Writes a second, evenly spread; what an outage has held up is made up for at up to twice the rate
    #[arg(long, default_value = "7500", value_name = "COUNT")]
    pub rate: NonZeroU32,
    /// How many keys there are, each written again and again
    #[arg(long, default_value = "100000", value_name = "COUNT")]
    pub keys: NonZeroU32,
    /// How many counters there are; each sixteenth write is an increment
    #[arg(long, default_value_t = 512, value_name = "COUNT")]
    pub counters: u32,
    /// Bytes of a value, at least those of its numbers and checksum
    #[arg(long, default_value_t = 100, value_name = "BYTES")]
    pub value_size: usize,
    /// How many writes are under way at a time at most. Each is for a part of the slots, so that a server that is gone holds up
    /// only those for its slots
    #[arg(long, default_value = "64", value_name = "COUNT")]
    pub workers: NonZeroUsize,
    /// End by itself after so many seconds, and do not read standard input
    #[arg(long, value_name = "SECONDS")]
    pub seconds: Option<u64>,
}

/// What is written once.
#[derive(Args, Debug)]
pub struct Fill {
    /// Where to.
    #[command(flatten)]
    pub target: Target,
    /// How much, in megabytes of values
    #[arg(long, value_name = "MEGABYTES")]
    pub megabytes: u64,
    /// Bytes of the values: as many of each size
    #[arg(
        long,
        value_delimiter = ',',
        default_value = "16384",
        value_name = "BYTES[,BYTES]"
    )]
    pub sizes: Vec<NonZeroUsize>,
    /// How many commands are under way at a time at most
    #[arg(long, default_value = "64", value_name = "COUNT")]
    pub workers: NonZeroUsize,
}

fn address(text: &str) -> Result<(String, u16), String> {
    let parts = text.rsplit_once(':').filter(|(host, _)| !host.is_empty());
    let Some((host, port)) = parts else {
        return Err("a host and a port are wanted, as HOST:PORT".to_owned());
    };
    let port = port.parse().map_err(|error| format!("the port: {error}"))?;
    Ok((host.trim_matches(['[', ']']).to_owned(), port))
}

fn milliseconds(text: &str) -> Result<Duration, std::num::ParseIntError> {
    text.parse().map(Duration::from_millis)
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
    }

    #[test]
    fn addresses_have_a_host_and_a_port() {
        assert_eq!(address("a.b:6379"), Ok(("a.b".to_owned(), 6379)));
        assert_eq!(address("[::1]:6379"), Ok(("::1".to_owned(), 6379)));
        for bad in ["a.b", ":6379", "a:b", "a:70000"] {
            assert!(address(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn sentinels_are_asked_for_a_name() {
        let words = [
            "load-redis",
            "run",
            "--mode",
            "sentinel",
            "--servers",
            "a:1",
        ];
        assert!(Arguments::try_parse_from(words).is_err());
        let named = [&words[..], &["--master", "m"]].concat();
        assert!(Arguments::try_parse_from(named).is_ok());
    }
}
