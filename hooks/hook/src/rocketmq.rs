//! RocketMQ in the world: questions and commands go to the Kubernetes API, to brokers and to name servers.

use midships_client_kubernetes as kubernetes;
use midships_client_rocketmq as client;
use midships_engine::runner::Surveys;
use midships_engine::step::{Operation, Unanswered};
use midships_engine::world::CommandFault;
use midships_operations_rocketmq::steps::RocketmqStep;
use midships_operations_rocketmq::{Answer, Command, Desired, Phase, Query, release};

use crate::arguments;
use crate::desired;
use crate::family::Family;

/// The way to brokers and name servers.
#[derive(Debug)]
pub struct Rocketmq {
    client: client::Client,
}

impl Rocketmq {
    /// Every call ends within the limit of a command.
    pub fn new() -> Self {
        Self {
            client: client::Client::new(client::Timeouts::default()),
        }
    }
}

impl Family for Rocketmq {
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
            Query::Rocketmq { address, request } => self
                .client
                .call(address, request)
                .await
                .map(Answer::Rocketmq)
                .map_err(|error| unanswered(address, &error)),
        }
    }

    async fn perform(
        &self,
        kubernetes: &kubernetes::Client,
        command: &Command,
    ) -> Result<(), CommandFault> {
        match command {
            Command::Restart(clearance) => {
                let evict = kubernetes::Command::EvictPod {
                    name: clearance.pod().to_owned(),
                    uid: clearance.uid().to_owned(),
                };
                kubernetes.perform(&evict).await
            }
            Command::GrowClaim {
                name,
                uid,
                version,
                mebibytes,
            } => {
                let grow = kubernetes::Command::GrowClaim {
                    name: name.clone(),
                    uid: uid.clone(),
                    version: version.clone(),
                    mebibytes: *mebibytes,
                };
                kubernetes.perform(&grow).await
            }
            Command::MakeRoom(room) => {
                let orphan = kubernetes::Command::OrphanPods {
                    name: room.stateful_set().to_owned(),
                    uid: room.uid().to_owned(),
                };
                kubernetes.perform(&orphan).await
            }
            Command::Rocketmq { address, request } => {
                match self.client.call(address, request).await {
                    Ok(_) => Ok(()),
                    Err(error) if error.may_have_taken_effect() => {
                        Err(CommandFault::Unanswered(unanswered(address, &error)))
                    }
                    Err(error) => Err(CommandFault::Declined(unanswered(address, &error))),
                }
            }
        }
    }
}

fn unanswered(address: &str, error: &client::CallError) -> Unanswered {
    Unanswered {
        object: address.to_owned(),
        why: error.to_string(),
    }
}

/// What brings a release to its desired state in a phase.
#[derive(Debug)]
pub struct Work {
    desired: Desired,
    phase: Phase,
}

impl Work {
    /// The work of a phase on a release.
    pub fn new(desired: &desired::Read, phase: arguments::Phase) -> Self {
        Self {
            desired: Desired::of(&desired.file, desired.revision),
            phase: match phase {
                arguments::Phase::Before => Phase::Before,
                arguments::Phase::After => Phase::After,
            },
        }
    }

    /// The operations, in their order.
    pub fn operations(&self) -> Vec<Box<dyn Operation<Step = RocketmqStep>>> {
        release::operations(&self.desired, self.phase)
    }

    /// When they are surveyed.
    pub fn surveys(&self) -> Surveys {
        release::surveys(self.phase)
    }
}
