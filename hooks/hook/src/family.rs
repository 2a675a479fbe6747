//! What a family of products adds to the world: how its queries are asked and its commands performed.

use std::future::Future;

use midships_client_kubernetes::{self as kubernetes, Client};
use midships_engine::runner::Surveys;
use midships_engine::step::{Operation, Step, Unanswered};
use midships_engine::world::CommandFault;

/// A family of products, such as RocketMQ. Every future ends within
/// [`midships_client_kubernetes::TIMEOUT`].
pub trait Family {
    /// What can be asked.
    type Query;
    /// What is answered.
    type Answer;
    /// What can be commanded.
    type Command;

    /// Asks one question.
    fn ask(
        &self,
        kubernetes: &Client,
        query: &Self::Query,
    ) -> impl Future<Output = Result<Self::Answer, Unanswered>>;

    /// Performs one command once.
    fn perform(
        &self,
        kubernetes: &Client,
        command: &Self::Command,
    ) -> impl Future<Output = Result<(), CommandFault>>;
}

/// What brings a release to its desired state in a phase.
pub trait Work {
    /// The steps that it takes.
    type Step: Step;

    /// The operations, in their order.
    fn operations(&self) -> Vec<Box<dyn Operation<Step = Self::Step>>>;

    /// When they are surveyed.
    fn surveys(&self) -> Surveys;
}

/// Why a server of a family could not be called.
pub trait CallFault {
    /// What went wrong, for words that begin with the server's address.
    fn after_address(&self, address: &str) -> String;

    /// Whether what was sent may have been carried out.
    fn may_have_taken_effect(&self) -> bool;

    /// That a question has no answer.
    fn unanswered(&self, address: &str) -> Unanswered {
        Unanswered {
            object: address.to_owned(),
            why: self.after_address(address),
        }
    }

    /// What it means for a command.
    fn of_command(&self, address: &str) -> CommandFault {
        let unanswered = self.unanswered(address);
        if self.may_have_taken_effect() {
            CommandFault::Unanswered(unanswered)
        } else {
            CommandFault::Declined(unanswered)
        }
    }
}

impl CallFault for midships_client_redis::CallError {
    fn after_address(&self, address: &str) -> String {
        self.after_address(address)
    }

    fn may_have_taken_effect(&self) -> bool {
        self.may_have_taken_effect()
    }
}

impl CallFault for midships_client_rocketmq::CallError {
    fn after_address(&self, address: &str) -> String {
        self.after_address(address)
    }

    fn may_have_taken_effect(&self) -> bool {
        self.may_have_taken_effect()
    }
}

/// Evicts a pod that was cleared for it, if it still is the same one.
pub async fn evict(client: &Client, name: &str, uid: &str) -> Result<(), CommandFault> {
    let evict = kubernetes::Command::EvictPod {
        name: name.to_owned(),
        uid: uid.to_owned(),
    };
    client.perform(&evict).await
}
