//! `redis`: asks servers of Redis and Valkey a question and prints the answer, or changes one key where a person says `--write`.

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::Path;
use std::time::{Duration, Instant};

use midships_client_redis::{Client, Timeouts};
use midships_questions_redis::big_keys::Sample;
use midships_questions_redis::keys::Wanted;
use midships_questions_redis::value::Limits;
use midships_questions_redis::{
    BigKeys, Change, Changed, Clients, Distribution, Keys, Looked, Network, Rate, Scope, SlowLog,
    Told, Topology, Value,
};

use crate::arguments::Output;
use crate::arguments::redis::{Asked, Drawing, Question, Redis};
use crate::certificates;
use crate::exit::Exit;
use crate::log;
use crate::questions::{end, print, runtime, unusable};
use crate::signing;

/// How long one call may take.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(3),
    answer: Duration::from_secs(5),
};
/// How often it is told how far one has come.
const PROGRESS_EVERY: Duration = Duration::from_millis(500);

/// Asks a question and prints the answer.
pub fn ask(arguments: &Redis) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let asked = arguments.question.asked();
    let network = match network(asked) {
        Ok(network) => network,
        Err(exit) => return exit,
    };
    let scope = Scope {
        servers: asked.servers.clone(),
        set: asked.set.clone(),
    };
    runtime.block_on(answered(&network, &scope, &arguments.question))
}

/// How the servers are reached.
fn network(asked: &Asked) -> Result<Network, Exit> {
    let credentials = |option: &str, directory: Option<&Path>| {
        signing::of_redis(directory).map_err(|problem| unusable(option, &problem))
    };
    let of_sentinels = asked.sentinel_credentials.as_deref();
    let of_sentinels = credentials("--sentinel-credentials", of_sentinels)?;
    let encryption = certificates::of_redis(asked.tls.as_deref())
        .map_err(|problem| unusable("--tls", &problem))?;
    let client = Client {
        timeouts: TIMEOUTS,
        credentials: credentials("--credentials", asked.credentials.as_deref())?,
        encryption,
        database: asked.database,
    };
    Ok(Network::new(client, of_sentinels))
}

async fn answered(network: &Network, scope: &Scope, question: &Question) -> Exit {
    match question {
        Question::Topology { output, .. } => {
            let topology = Topology::ask(network, scope).await;
            match output {
                Drawing::Text => print(&topology, Output::Text),
                Drawing::Json => print(&topology, Output::Json),
                Drawing::Graphviz => draw(&topology),
            }
        }
        Question::Slots {
            common,
            keys,
            limit,
        } => {
            let fullest = keys.then_some(*limit);
            print(
                &Distribution::ask(network, scope, fullest).await,
                common.output,
            )
        }
        Question::Keys {
            common,
            pattern,
            kind,
            limit,
            pace,
        } => {
            let wanted = Wanted {
                pattern: pattern.clone(),
                kind: kind.clone(),
                limit: *limit,
                rate: Rate::of(pace.rate),
            };
            let progress = Progress::new();
            let keys = Keys::ask(network, scope, &wanted, &|looked| progress.tell(looked)).await;
            progress.end();
            print(&keys, common.output)
        }
        Question::Value {
            key,
            common,
            limit,
            bytes,
        } => {
            let limits = Limits {
                elements: *limit,
                bytes: *bytes,
            };
            print(
                &Value::ask(network, scope, key, limits).await,
                common.output,
            )
        }
        Question::BigKeys {
            common,
            prefix_separator,
            sample,
            limit,
            pace,
        } => {
            let sample = Sample {
                keys: *sample,
                rate: Rate::of(pace.rate),
                separator: prefix_separator.clone(),
                limit: *limit,
            };
            let progress = Progress::new();
            let told = |looked| progress.tell(looked);
            let big = BigKeys::ask(network, scope, &sample, &told).await;
            progress.end();
            print(&big, common.output)
        }
        Question::SlowLog { common, limit } => {
            print(&SlowLog::ask(network, scope, *limit).await, common.output)
        }
        Question::Clients { common, limit } => {
            print(&Clients::ask(network, scope, *limit).await, common.output)
        }
        Question::Delete { key, common, write } => {
            let change = Change::Delete(key.clone());
            changed(network, scope, &change, *write, common.output).await
        }
        Question::Expire {
            key,
            seconds,
            common,
            write,
        } => {
            let change = Change::Expire(key.clone(), *seconds);
            changed(network, scope, &change, *write, common.output).await
        }
    }
}

fn draw(topology: &Topology) -> Exit {
    log::say(topology.graph().trim_end());
    for problem in topology.problems() {
        log::complain(&format!("problem: {problem}"));
    }
    end(topology)
}

async fn changed(
    network: &Network,
    scope: &Scope,
    change: &Change,
    is_wanted: bool,
    output: Output,
) -> Exit {
    if !is_wanted {
        log::complain("this changes a key, which is refused without --write; nothing was changed");
        return Exit::Refused;
    }
    print(&Changed::make(network, scope, change).await, output)
}

/// Tells on a terminal how far a walk over keys has come.
struct Progress {
    is_shown: bool,
    told: Cell<Option<Instant>>,
}

impl Progress {
    fn new() -> Self {
        Self {
            is_shown: std::io::stderr().is_terminal(),
            told: Cell::new(None),
        }
    }

    fn tell(&self, looked: Looked) {
        let is_due = |told: Instant| told.elapsed() >= PROGRESS_EVERY;
        if self.is_shown && self.told.get().is_none_or(is_due) {
            self.told.set(Some(Instant::now()));
            let Looked { keys, of } = looked;
            log::progress(&format!("{keys} of {of} keys looked at"));
        }
    }

    /// Clears the line.
    fn end(&self) {
        if self.told.get().is_some() {
            log::progress("");
        }
    }
}
