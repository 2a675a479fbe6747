//! Redis and Valkey in the world: questions and commands go to the Kubernetes API and to servers.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use futures::future::try_join_all;
use midships_client_kubernetes::{self as kubernetes, TIMEOUT};
use midships_client_redis as client;
use midships_client_redis::migration::{MoveError, Task, carry};
use midships_engine::runner::Surveys;
use midships_engine::step::{Operation, Unanswered};
use midships_engine::world::CommandFault;
use midships_model::redis::settings::field;
use midships_operations_redis::steps::RedisStep;
use midships_operations_redis::{Answer, Command, Desired, Query, release};

use crate::arguments;
use crate::family::{self, CallFault as _, Family, Work};

/// How long slots are moved in one go. What is begun then is finished as far as the limit of a command allows, and else by the next
/// go.
const GO: Duration = Duration::from_secs(2);
/// Until connected, which with an answer ends within the limit of a command.
const CONNECT: Duration = Duration::from_secs(1);

/// The way to servers.
#[derive(Debug)]
pub struct Redis {
    client: client::Client,
}

impl Redis {
    /// Every call ends within the limit of a command.
    pub fn new(
        credentials: Option<client::Credentials>,
        encryption: Option<client::Encryption>,
    ) -> Self {
        Self {
            client: client::Client {
                timeouts: client::Timeouts {
                    connect: CONNECT,
                    answer: TIMEOUT.saturating_sub(CONNECT),
                },
                credentials,
                encryption,
                database: 0,
            },
        }
    }

    /// Moves slots, each task beside the others.
    async fn carry(&self, tasks: &[Task]) -> Result<(), CommandFault> {
        let has_moved = AtomicBool::new(false);
        let carried = try_join_all(tasks.iter().map(async |task| {
            let carried = carry(&self.client, task, GO, &has_moved).await;
            carried.map_err(|error| fault(&task.from.address, &error))
        }));
        // What was sent to a server goes on there; where it got to is what the next look finds.
        match tokio::time::timeout(TIMEOUT, carried).await {
            Ok(carried) => carried.map(drop),
            // Servers that are slow are no failure.
            Err(_) if has_moved.load(Ordering::Relaxed) => Ok(()),
            Err(_) => Err(CommandFault::Unanswered(Unanswered {
                object: "slots".to_owned(),
                why: format!(
                    "none was moved within {} s; what is on its way goes on",
                    TIMEOUT.as_secs()
                ),
            })),
        }
    }
}

impl Family for Redis {
    type Query = Query;
    type Answer = Answer;
    type Command = Command;

    async fn ask(
        &self,
        kubernetes: &kubernetes::Client,
        query: &Query,
    ) -> Result<Answer, Unanswered> {
        match query {
            Query::Kubernetes(query) => kubernetes
                .ask(query)
                .await
                .map(Answer::Kubernetes)
                .map_err(|error| error.unanswered()),
            Query::Redis { address, request } => self
                .client
                .call(address, request)
                .await
                .map(Answer::Redis)
                .map_err(|error| error.unanswered(address)),
        }
    }

    async fn perform(
        &self,
        kubernetes: &kubernetes::Client,
        command: &Command,
    ) -> Result<(), CommandFault> {
        match command {
            Command::Restart(clearance) => {
                family::evict(kubernetes, clearance.pod(), clearance.uid()).await
            }
            Command::GrowClaim(claim) => kubernetes.perform(&claim.command()).await,
            Command::MakeRoom(room) => kubernetes.perform(&room.command()).await,
            Command::Move(tasks) => self.carry(tasks).await,
            Command::Redis { address, request } => match self.client.call(address, request).await {
                Ok(_) => Ok(()),
                Err(error) => Err(match request {
                    client::Request::Configure { name, .. } => {
                        about(&field(name), error.of_command(address))
                    }
                    _ => error.of_command(address),
                }),
            },
        }
    }
}

/// A fault that tells which field it is about, too.
fn about(field: &str, fault: CommandFault) -> CommandFault {
    let tell = |Unanswered { object, why }| Unanswered {
        object,
        why: format!("{field}: {why}"),
    };
    match fault {
        CommandFault::Unanswered(fault) => CommandFault::Unanswered(tell(fault)),
        CommandFault::Declined(fault) => CommandFault::Declined(tell(fault)),
        interrupted @ CommandFault::Interrupted(_) => interrupted,
    }
}

/// Why slots were not moved: some may have been.
fn fault(from: &str, error: &MoveError) -> CommandFault {
    CommandFault::Unanswered(Unanswered {
        object: from.to_owned(),
        why: error.to_string(),
    })
}

/// What brings a cluster to its desired state in a phase.
#[derive(Debug)]
pub struct RedisWork {
    desired: Desired,
    phase: Option<midships_engine::step::Phase>,
}

impl RedisWork {
    /// The work of a phase: nothing at the end of a release.
    pub fn new(desired: Desired, phase: arguments::Phase) -> Self {
        Self {
            desired,
            phase: phase.around_an_upgrade(),
        }
    }
}

impl Work for RedisWork {
    type Step = RedisStep;

    fn operations(&self) -> Vec<Box<dyn Operation<Step = RedisStep>>> {
        self.phase
            .map_or_else(Vec::new, |phase| release::operations(&self.desired, phase))
    }

    fn surveys(&self) -> Surveys {
        self.phase.map_or(Surveys::InTurn, release::surveys)
    }
}
