//! The binary load-redis: writes numbered keys all the time and reads every acknowledged one back.

mod arguments;
mod connection;
mod end;
mod errors;
mod fill;
mod gaps;
mod judge;
mod latency;
mod output;
mod processor;
mod record;
mod run;
mod slots;
mod summary;
mod tally;

use std::process::ExitCode;

use clap::Parser;
use snafu::{ResultExt, Snafu};
use tokio::task::LocalSet;

use crate::arguments::{Action, Arguments};

/// The exit code for servers that could not be reached or used.
const UNUSABLE: u8 = 3;

/// Why nothing was found out.
#[derive(Debug, Snafu)]
pub enum Error {
    /// Servers cannot be used.
    #[snafu(display("{source}"), context(false))]
    Connect {
        /// What is wrong.
        source: connection::ConnectError,
    },
    /// A command that has to succeed has failed.
    #[snafu(display("{what}: {source}"))]
    Command {
        /// Which one.
        what: String,
        /// What is wrong.
        source: redis::RedisError,
    },
    /// The system does not give what is needed.
    #[snafu(display("{source}"))]
    System {
        /// What is wrong.
        source: std::io::Error,
    },
}

/// Whether all that was acknowledged was read back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// All of it.
    Whole,
    /// Something was not.
    Broken,
}

fn main() -> ExitCode {
    // Clap ends the process itself for --help, --version and wrong usage.
    let arguments = Arguments::parse();
    match act(&arguments.action) {
        Ok(Verdict::Whole) => ExitCode::SUCCESS,
        Ok(Verdict::Broken) => ExitCode::FAILURE,
        Err(error) => {
            output::complain(&error);
            ExitCode::from(UNUSABLE)
        }
    }
}

/// One thread does everything: it takes no more than one processor from the servers that it tries.
fn act(action: &Action) -> Result<Verdict, Error> {
    // Another provider cannot be there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(SystemSnafu)?;
    let verdict = LocalSet::new().block_on(&runtime, async {
        match action {
            Action::Run(options) => run::run(options).await,
            Action::Fill(options) => fill::fill(options).await,
            Action::Verify(options) => fill::verify(options).await,
        }
    });
    // Names that are still being resolved are not waited for.
    runtime.shutdown_background();
    verdict
}
