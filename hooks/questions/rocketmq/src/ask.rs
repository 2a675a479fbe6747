//! Asks servers many things at the same time, within a bound, and leaves alone those that do not answer.

use std::cell::RefCell;
use std::collections::BTreeMap;

use futures::{StreamExt, stream};
use midships_answers::Problem;
use midships_client_rocketmq::answer::NO_TOPIC;
use midships_client_rocketmq::{Answer, CallError, Client, Reply, Request, TopicStatistics};

/// How many questions are open at the same time.
const AT_ONCE: usize = 16;

/// Name servers and brokers.
pub trait Servers {
    /// Asks one thing, once.
    ///
    /// # Errors
    /// Without an answer that fits. Every call ends within a time of its own.
    fn call(
        &self,
        address: &str,
        request: &Request,
    ) -> impl Future<Output = Result<Answer, CallError>>;
}

impl Servers for Client {
    async fn call(&self, address: &str, request: &Request) -> Result<Answer, CallError> {
        Self::call(self, address, request).await
    }
}

fn of_call(address: &str, error: &CallError) -> Problem {
    Problem::new(address, error.after_address(address))
}

/// What is asked of whom.
#[derive(Clone, Debug)]
pub(crate) struct Question {
    pub(crate) address: String,
    pub(crate) request: Request,
}

impl Question {
    pub(crate) fn new(address: &str, request: Request) -> Self {
        Self {
            address: address.to_owned(),
            request,
        }
    }
}

/// One round of questions to the same servers.
pub(crate) struct Asking<'a, S> {
    servers: &'a S,
    /// The servers that did not answer, with the first thing that was wrong: they are not asked again, because each
    /// question would take its whole time.
    silent: RefCell<BTreeMap<String, Problem>>,
}

impl<'a, S: Servers> Asking<'a, S> {
    pub(crate) fn new(servers: &'a S) -> Self {
        Self {
            servers,
            silent: RefCell::default(),
        }
    }

    /// Asks all questions, some at the same time; the answers are in the same order.
    pub(crate) async fn all(&self, questions: &[Question]) -> Vec<Result<Answer, Problem>> {
        stream::iter(questions.iter().map(|question| self.one(question)))
            .buffered(AT_ONCE)
            .collect()
            .await
    }

    async fn one(&self, question: &Question) -> Result<Answer, Problem> {
        let Question { address, request } = question;
        if let Some(problem) = self.silent.borrow().get(address) {
            return Err(problem.clone());
        }
        match self.servers.call(address, request).await {
            Ok(answer) => Ok(answer),
            // It was removed since the broker listed it.
            Err(CallError::Declined { version, code, .. })
                if code == NO_TOPIC && matches!(request, Request::TopicStatistics { .. }) =>
            {
                Ok(Answer {
                    version,
                    reply: Reply::TopicStatistics(TopicStatistics::default()),
                })
            }
            Err(error) => {
                let problem = of_call(address, &error);
                match error {
                    CallError::Unreachable { .. }
                    | CallError::Untrusted { .. }
                    | CallError::NoAnswer { .. } => {
                        let mut silent = self.silent.borrow_mut();
                        Err(silent.entry(address.clone()).or_insert(problem).clone())
                    }
                    _ => Err(problem),
                }
            }
        }
    }
}

/// What was answered is of another kind than the question, which no server does.
pub(crate) fn another_kind(address: &str) -> Problem {
    Problem::new(address, "answered another question")
}
