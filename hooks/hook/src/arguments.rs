//! The command line of midships-hook.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

pub mod redis;

/// Runs, plans and explains the operations of a release's stateful middleware.
///
/// Inside a pod it uses the pod's token; elsewhere it uses the kubeconfig that KUBECONFIG or
/// ~/.kube/config gives.
#[derive(Debug, Parser)]
#[command(name = "midships-hook", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 Done, 1 a check failed or a question was not wholly answered, 10 Refused, 11 Stuck, 12 Unwound, 13 Superseded, 64 usage, 70 a bug; \
any other end is a crash, after which the same command may be run again."
)]
pub struct Arguments {
    /// What is to be done.
    #[command(subcommand)]
    pub action: Action,
}

/// What is to be done.
#[derive(Debug, Subcommand)]
pub enum Action {
    /// Bring a cluster to its desired state. The hook Jobs run this.
    Run(Run),
    /// Print what `run` would do, and change nothing.
    Plan(Plan),
    /// Send a message to every master of a release and read it back. `helm test` runs this.
    Check(Check),
    /// Print the journal of a release's cluster and who holds its lease.
    Status(Status),
    /// Mark a release failed that a killed helm client left pending, so that `helm upgrade` works again.
    Unlock(Unlock),
    /// Ask clusters of `RocketMQ`, of this project or not, about brokers, topics and groups; nothing is changed.
    Rocketmq(Rocketmq),
    /// Ask servers of Redis and Valkey, of this project or not, about topology, keys and clients; nothing is changed without `--write`.
    Redis(redis::Redis),
    /// Make a Secret with a password, unless it is there. Charts run this before anything else.
    #[command(hide = true)]
    MakePassword(MakePassword),
    /// Copy this program into a directory of a pod. The chart's pods run this where servers speak TLS.
    #[command(hide = true)]
    Place(Place),
    /// Send a command to a server and print its answer. The scripts of the chart's pods run this where servers speak TLS.
    #[command(hide = true)]
    Send(Send),
    /// Wait until all brokers of a cluster present certificates that are trusted. Proxies that speak TLS start afterwards.
    #[command(hide = true)]
    Encrypted(Encrypted),
}

/// Where a password is made.
#[derive(Args, Debug)]
pub struct MakePassword {
    /// The name of the Secret
    #[arg(value_name = "SECRET")]
    pub secret: String,
    /// Its namespace
    #[arg(long, value_name = "NAME")]
    pub namespace: String,
    /// The full name of the release that it is for
    #[arg(long, value_name = "NAME")]
    pub cluster: String,
}

/// Whose brokers are looked at.
#[derive(Args, Debug)]
pub struct Encrypted {
    /// The name servers that list the brokers
    #[arg(value_delimiter = ';', value_parser = address, required = true, value_name = "HOST:PORT[;HOST:PORT]")]
    pub name_servers: Vec<String>,
    /// The cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: String,
    /// How long to wait
    #[arg(long, value_name = "SECONDS")]
    pub seconds: u64,
    /// How servers are asked
    #[command(flatten)]
    pub access: Access,
}

/// Where the program goes.
#[derive(Args, Debug)]
pub struct Place {
    /// The directory
    #[arg(value_name = "DIRECTORY")]
    pub directory: PathBuf,
}

/// What a script sends.
#[derive(Args, Debug)]
pub struct Send {
    /// The server
    #[arg(value_name = "HOST:PORT", value_parser = address)]
    pub address: String,
    /// The command, by its code
    #[arg(value_enum, value_name = "CODE")]
    pub command: Command,
    /// Speak nothing but TLS
    #[arg(long, requires = "tls")]
    pub only_tls: bool,
    /// How the server is asked
    #[command(flatten)]
    pub access: Access,
}

/// A command that scripts send, by its code.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Command {
    /// Close a broker for writing
    #[value(name = "25")]
    Close,
    /// A broker's configuration
    #[value(name = "26")]
    BrokerConfiguration,
    /// The brokers that a name server lists
    #[value(name = "106")]
    ClusterInfo,
}

/// How servers are asked.
#[derive(Args, Clone, Debug)]
pub struct Access {
    /// A directory with the files accessKey and secretKey of a user, as a Secret is mounted; without it, nothing is signed
    #[arg(long, value_name = "DIRECTORY")]
    pub credentials: Option<PathBuf>,
    /// A directory with the file ca.crt, the authorities of the servers' certificates, as a Secret is mounted; without it, plain
    /// text is spoken
    #[arg(long, value_name = "DIRECTORY")]
    pub tls: Option<PathBuf>,
}

/// What is to be brought about.
#[derive(Args, Debug)]
pub struct Run {
    /// When Helm runs it
    #[arg(long, value_enum)]
    pub phase: Phase,
    /// The file desired.json, as the hook's `ConfigMap` holds it
    #[arg(long, value_name = "FILE")]
    pub desired: PathBuf,
    /// How servers are asked
    #[command(flatten)]
    pub access: Access,
}

/// What is looked at.
#[derive(Args, Debug)]
pub struct Plan {
    /// When Helm would run it; without it, both are looked at
    #[arg(long, value_enum)]
    pub phase: Option<Phase>,
    /// The file desired.json, as the hook's `ConfigMap` holds it
    #[arg(long, value_name = "FILE")]
    pub desired: PathBuf,
    /// How servers are asked
    #[command(flatten)]
    pub access: Access,
}

/// What is checked.
#[derive(Args, Debug)]
pub struct Check {
    /// The file desired.json, as the hook's `ConfigMap` holds it
    #[arg(long, value_name = "FILE")]
    pub desired: PathBuf,
    /// How servers are asked
    #[command(flatten)]
    pub access: Access,
}

/// When Helm runs an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Phase {
    /// Before Helm changes anything
    Before,
    /// After Helm has applied everything
    After,
    /// Before Helm deletes the release of an operation: what can be taken back is
    Delete,
}

impl Phase {
    /// The phase of an upgrade, unless a release is deleted.
    pub fn around_an_upgrade(self) -> Option<midships_engine::step::Phase> {
        match self {
            Self::Before => Some(midships_engine::step::Phase::Before),
            Self::After => Some(midships_engine::step::Phase::After),
            Self::Delete => None,
        }
    }
}

/// Whose journal is printed.
#[derive(Args, Debug)]
pub struct Status {
    /// The Helm release
    #[arg(long, value_name = "NAME")]
    pub release: String,
    /// Its namespace; without it, that of the kubeconfig's current context
    #[arg(long, short, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// Which release is unlocked.
#[derive(Args, Debug)]
pub struct Unlock {
    /// The Helm release
    #[arg(value_name = "RELEASE")]
    pub release: String,
    /// Its namespace; without it, that of the kubeconfig's current context
    #[arg(long, short, value_name = "NAMESPACE")]
    pub namespace: Option<String>,
}

/// What is asked about clusters of `RocketMQ`.
#[derive(Args, Debug)]
pub struct Rocketmq {
    /// The question.
    #[command(subcommand)]
    pub question: Question,
}

/// A question about clusters of `RocketMQ`.
#[derive(Debug, Subcommand)]
pub enum Question {
    /// Brokers: role, version, permission, messages a second and today, disk, how far replicas are behind.
    Cluster {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
    },
    /// Topics: queues, permission, order, attributes and messages at each broker.
    Topics {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// Only this topic, with each of its queues
        #[arg(long, value_name = "NAME")]
        topic: Option<String>,
        /// Show what the product makes for itself, too
        #[arg(long)]
        system: bool,
    },
    /// Groups: members that are connected, type, model, lag, and which brokers know them.
    Groups {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// Only this group
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// Show what the product makes for itself, too
        #[arg(long)]
        system: bool,
    },
    /// How many messages wait for each group in each topic, those to be tried again among them.
    Progress {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// Only this group, with each queue
        #[arg(long, value_name = "NAME")]
        group: Option<String>,
        /// Only this topic, with each queue
        #[arg(long, value_name = "NAME")]
        topic: Option<String>,
        /// Show what the product makes for itself, too
        #[arg(long)]
        system: bool,
    },
    /// Where one group is in each queue, and when it consumed last.
    Offsets {
        /// Whom is asked, and how the answer is printed
        #[command(flatten)]
        common: Common,
        /// The group
        #[arg(long, value_name = "NAME")]
        group: String,
        /// Only this topic
        #[arg(long, value_name = "NAME")]
        topic: Option<String>,
    },
}

impl Question {
    /// What it has in common with all questions.
    pub fn common(&self) -> &Common {
        match self {
            Self::Cluster { common }
            | Self::Topics { common, .. }
            | Self::Groups { common, .. }
            | Self::Progress { common, .. }
            | Self::Offsets { common, .. } => common,
        }
    }
}

/// What all questions about clusters of `RocketMQ` have in common.
#[derive(Args, Debug)]
pub struct Common {
    /// Name servers; may be given several times. All are asked, and it is told where they differ
    #[arg(
        long,
        required = true,
        value_delimiter = ';',
        value_parser = address,
        value_name = "HOST:PORT[;HOST:PORT]"
    )]
    pub name_servers: Vec<String>,
    /// Only this cluster
    #[arg(long, value_name = "NAME")]
    pub cluster: Option<String>,
    /// How servers are asked
    #[command(flatten)]
    pub access: Access,
    /// How the answer is printed
    #[arg(long, value_enum, default_value_t = Output::Text)]
    pub output: Output,
}

/// How an answer is printed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Output {
    /// As tables for people
    Text,
    /// As one JSON document
    Json,
}

fn address(text: &str) -> Result<String, String> {
    if midships_client_rocketmq::is_address(text) {
        Ok(text.to_owned())
    } else {
        Err(
            "expected HOST:PORT with a port from 1 to 65535, such as shop-name-server-0:9876"
                .to_owned(),
        )
    }
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
    fn name_servers_are_given_in_one_list_or_in_several() {
        let asked = |servers: &[&str]| {
            let words = [
                "midships-hook",
                "rocketmq",
                "progress",
                "--group",
                "billing",
            ];
            let words = words.iter().chain(servers);
            let Action::Rocketmq(asked) = Arguments::try_parse_from(words)?.action else {
                panic!("not rocketmq");
            };
            let Question::Progress { common, group, .. } = asked.question else {
                panic!("not progress");
            };
            assert_eq!(group.as_deref(), Some("billing"));
            assert_eq!(common.output, Output::Text);
            Ok::<_, clap::Error>(common.name_servers)
        };
        let expected = ["a:1", "b:2"];
        assert_eq!(asked(&["--name-servers", "a:1;b:2"]).unwrap(), expected);
        let twice = ["--name-servers", "a:1", "--name-servers", "b:2"];
        assert_eq!(asked(&twice).unwrap(), expected);
        for wrong in ["a", "a:0", ":1", "a:1,b:2", ""] {
            assert!(asked(&["--name-servers", wrong]).is_err(), "{wrong}");
        }
        assert!(asked(&[]).is_err());
    }

    #[test]
    fn the_hook_containers_arguments_are_understood() {
        let words = [
            "midships-hook",
            "run",
            "--phase",
            "before",
            "--desired",
            "/etc/midships/desired.json",
        ];
        let Action::Run(run) = Arguments::try_parse_from(words).unwrap().action else {
            panic!("not run");
        };
        assert_eq!(run.phase, Phase::Before);
        assert_eq!(run.desired, PathBuf::from("/etc/midships/desired.json"));
        assert!(
            Arguments::try_parse_from([
                "midships-hook",
                "run",
                "--phase",
                "during",
                "--desired",
                "x"
            ])
            .is_err()
        );
    }
}
