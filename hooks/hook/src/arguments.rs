//! The command line of midships-hook.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};

/// Runs, plans and explains the operations of a release's stateful middleware.
///
/// Inside a pod it uses the pod's token; elsewhere it uses the kubeconfig that KUBECONFIG or
/// ~/.kube/config gives.
#[derive(Debug, Parser)]
#[command(name = "midships-hook", version, arg_required_else_help = true)]
#[command(
    after_help = "Exit codes: 0 Done, 1 a check failed, 10 Refused, 11 Stuck, 12 Unwound, 13 Superseded, 64 usage, 70 a bug; \
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
}

/// What is to be brought about.
#[derive(Args, Debug)]
pub struct Run {
    /// When Helm runs it: before it changes anything, or after it has applied everything
    #[arg(long, value_enum)]
    pub phase: Phase,
    /// The file desired.json, as the hook's `ConfigMap` holds it
    #[arg(long, value_name = "FILE")]
    pub desired: PathBuf,
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
}

/// What is checked.
#[derive(Args, Debug)]
pub struct Check {
    /// The file desired.json, as the hook's `ConfigMap` holds it
    #[arg(long, value_name = "FILE")]
    pub desired: PathBuf,
}

/// When Helm runs an operation.
#[derive(Clone, Copy, Debug, Eq, PartialEq, ValueEnum)]
pub enum Phase {
    /// Before Helm changes anything
    Before,
    /// After Helm has applied everything
    After,
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

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Arguments::command().debug_assert();
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
