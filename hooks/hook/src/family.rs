//! What a family of products adds to the world: how its queries are asked and its commands performed.

use std::future::Future;

use midships_client_kubernetes::Client;
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
