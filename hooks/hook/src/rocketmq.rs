//! RocketMQ in the world: questions and commands go to the Kubernetes API, to brokers and to name servers.

use midships_client_kubernetes as kubernetes;
use midships_client_rocketmq as client;
use midships_engine::runner::Surveys;
use midships_engine::step::{Operation, Unanswered};
use midships_engine::world::CommandFault;
use midships_operations_rocketmq::steps::RocketmqStep;
use midships_operations_rocketmq::transfer_topic::TransferTopic;
use midships_operations_rocketmq::transfer_topic::wish::Wish;
use midships_operations_rocketmq::{Answer, Command, Desired, Phase, Query, release};

use crate::arguments;
use crate::desired::Wanted;
use crate::family::{self, CallFault as _, Family, Work};

/// The way to brokers and name servers.
#[derive(Debug)]
pub struct Rocketmq {
    client: client::Client,
    credentials: Option<client::Credentials>,
}

impl Rocketmq {
    /// Every call ends within the limit of a command.
    pub fn new(
        credentials: Option<client::Credentials>,
        encryption: Option<client::Encryption>,
    ) -> Self {
        Self {
            client: client::Client::new(client::Timeouts::default())
                .signing_with(credentials.clone())
                .encrypting_with(encryption),
            credentials,
        }
    }

    /// With what is signed.
    pub fn credentials(&self) -> Option<&client::Credentials> {
        self.credentials.as_ref()
    }

    /// The client of brokers and name servers.
    pub fn client(&self) -> &client::Client {
        &self.client
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
            Command::Rocketmq { address, request } => self
                .client
                .call(address, request)
                .await
                .map(drop)
                .map_err(|error| error.of_command(address)),
        }
    }
}

/// What brings a release to its desired state in a phase.
#[derive(Debug)]
pub enum RocketmqWork {
    /// On a cluster.
    Cluster {
        /// The cluster.
        desired: Box<Desired>,
        /// When Helm runs it.
        phase: Phase,
    },
    /// On a topic that is moved.
    Transfer(Box<Wish>),
    /// Nothing: the chart has nothing to do then.
    Nothing,
}

impl RocketmqWork {
    /// The work of a phase on a release.
    pub fn new(wanted: &Wanted, phase: arguments::Phase) -> Self {
        match (wanted, phase.around_an_upgrade()) {
            (Wanted::Rocketmq { file, revision }, Some(phase)) => Self::Cluster {
                desired: Box::new(Desired::of(file, *revision)),
                phase,
            },
            (Wanted::TopicTransfer(file), Some(Phase::After)) => {
                Self::Transfer(Box::new(Wish::of(file, false)))
            }
            (Wanted::TopicTransfer(file), None) => Self::Transfer(Box::new(Wish::of(file, true))),
            (Wanted::Rocketmq { .. }, None) | (Wanted::TopicTransfer(_), Some(Phase::Before)) => {
                Self::Nothing
            }
        }
    }
}

impl Work for RocketmqWork {
    type Step = RocketmqStep;

    fn operations(&self) -> Vec<Box<dyn Operation<Step = RocketmqStep>>> {
        match self {
            Self::Cluster { desired, phase } => release::operations(desired, *phase),
            Self::Transfer(wish) => vec![Box::new(TransferTopic::new(Wish::clone(wish)))],
            Self::Nothing => Vec::new(),
        }
    }

    fn surveys(&self) -> Surveys {
        match self {
            Self::Cluster { phase, .. } => release::surveys(*phase),
            Self::Transfer(_) | Self::Nothing => Surveys::InTurn,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::from_value;

    use super::*;
    use crate::desired::tests::{document, transfer_document};

    #[test]
    fn each_phase_has_the_operations_of_its_chart() {
        let file = Box::new(from_value(document()).unwrap());
        let cluster = Wanted::Rocketmq {
            file,
            revision: None,
        };
        let transfer = Wanted::TopicTransfer(Box::new(from_value(transfer_document()).unwrap()));
        let names = |wanted, phase| -> Vec<&str> {
            let operations = RocketmqWork::new(wanted, phase).operations();
            operations
                .iter()
                .map(|operation| operation.name())
                .collect()
        };
        assert!(names(&cluster, arguments::Phase::Before).contains(&"change_name_servers"));
        assert!(names(&cluster, arguments::Phase::After).contains(&"add_brokers"));
        assert!(names(&cluster, arguments::Phase::Delete).is_empty());
        assert!(names(&transfer, arguments::Phase::Before).is_empty());
        for phase in [arguments::Phase::After, arguments::Phase::Delete] {
            assert_eq!(names(&transfer, phase), ["transfer_topic"]);
        }
        let prints = [arguments::Phase::After, arguments::Phase::Delete].map(|phase| {
            let operations = RocketmqWork::new(&transfer, phase).operations();
            operations[0].fingerprint()
        });
        assert_ne!(prints[0], prints[1], "the end of a release takes back");
    }
}
