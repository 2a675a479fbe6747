//! What a step and an operation are: pure judges of what was observed, with no effect of their own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Debug;

use serde::Serialize;
use serde::de::DeserializeOwned;

/// Milliseconds since the Unix epoch, as the world's clock tells them.
pub type Moment = u64;

/// Whether a plan is being carried out or taken back.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Direction {
    /// Towards the desired state.
    Doing,
    /// Back to the state that the plan started from.
    Undoing,
}

/// The limits of one step. The engine never exceeds them.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, serde::Deserialize)]
pub struct Limits {
    /// How long the step may take from its first observation in this run, waits included.
    pub seconds: u64,
    /// How many times its commands may be performed in one run.
    pub attempts: u32,
    /// How many times in a row a command of it may not be confirmed, where that is fewer: for a step with so much to do that its
    /// attempts alone would go on for long with nothing done.
    #[serde(default = "any", skip_serializing_if = "is_any")]
    pub failures: u32,
    /// How many rounds of queries one observation may need.
    pub rounds: u32,
    /// How long to pause between two observations of a step that waits.
    pub poll_milliseconds: u64,
}

/// As many as there are attempts.
fn any() -> u32 {
    u32::MAX
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde asks by reference")]
fn is_any(failures: &u32) -> bool {
    *failures == any()
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            seconds: 120,
            attempts: 5,
            failures: any(),
            rounds: 4,
            poll_milliseconds: 1_000,
        }
    }
}

/// Why a query has no answer: nobody listens, the answer did not come in time or made no sense.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Unanswered {
    /// The object that was asked, as its operator knows it, such as `pod a-broker-0-master-0`.
    pub object: String,
    /// What was wrong, in words.
    pub why: String,
}

/// Small numbers that a waiting step hands to its own next observation in the same run, such as
/// the last seen value of a counter and since when it has stood still. Lost in a crash, which must
/// be harmless: the step then waits anew.
pub type Memory = BTreeMap<String, i64>;

/// What was observed so far in one observation of a step or an operation.
#[derive(Clone, Debug)]
pub struct Seen<Q: Ord, A> {
    /// The clock when the observation started.
    pub now: Moment,
    /// What the step asked to remember when it last chose to wait.
    pub memory: Memory,
    /// Every query asked in this observation with its answer.
    pub answers: BTreeMap<Q, Result<A, Unanswered>>,
}

impl<Q: Ord, A> Seen<Q, A> {
    /// An observation that has asked nothing yet.
    #[must_use]
    pub fn new(now: Moment, memory: Memory) -> Self {
        Self {
            now,
            memory,
            answers: BTreeMap::new(),
        }
    }

    /// Those of some queries that have not been asked in this observation, each once, in their order.
    #[must_use]
    pub fn unasked(&self, queries: impl IntoIterator<Item = Q>) -> Vec<Q> {
        let unasked = |query: &Q| self.answer(query).is_none();
        let distinct: BTreeSet<Q> = queries.into_iter().filter(unasked).collect();
        distinct.into_iter().collect()
    }

    /// The answer to a query, or nothing if it has not been asked in this observation.
    #[must_use]
    pub fn answer(&self, query: &Q) -> Option<&Result<A, Unanswered>> {
        self.answers.get(query)
    }
}

/// How far a step or a wait is, for people.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, serde::Deserialize)]
pub struct Progress {
    /// How many units are finished.
    pub done: u64,
    /// How many there are.
    pub total: u64,
    /// What the units are, in plural: `brokers`, `slots`.
    pub unit: String,
}

/// A problem that a person has to solve: what it is about, what was found, what to do next.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, serde::Deserialize)]
pub struct Problem {
    /// The object or field that it is about.
    pub object: String,
    /// What was found and what is allowed.
    pub why: String,
    /// What to do next.
    pub remedy: String,
}

/// What a step concludes from an observation.
#[derive(Clone, Debug)]
pub enum Verdict<C> {
    /// The condition that the step establishes (or, undoing, takes back) holds.
    Done,
    /// These commands would bring it about. Each must be harmless when repeated or late.
    Act {
        /// The commands, in order.
        commands: Vec<C>,
        /// Why, in words for the log: `3 of 4 brokers lack the new list`.
        why: String,
    },
    /// Nothing to do but look again later.
    Wait {
        /// What is waited for, with the objects named.
        why: String,
        /// How far it is, where that can be told.
        progress: Option<Progress>,
        /// What the next observation needs to know.
        memory: Memory,
    },
    /// It cannot be brought about.
    Fail(Problem),
}

/// A condition that an operation establishes. Pure: the engine asks and performs, the step judges.
pub trait Step: Clone + Debug + Serialize + DeserializeOwned {
    /// What can be asked of the world.
    type Query: Clone + Debug + Ord;
    /// What the world answers.
    type Answer: Clone + Debug;
    /// What can be commanded.
    type Command: Clone + Debug;

    /// The name of the condition, unique in its plan, such as `name_servers_serving` or
    /// `broker_restarted/a-broker-0-master-0`.
    fn name(&self) -> String;

    /// The limits of this step.
    fn limits(&self) -> Limits {
        Limits::default()
    }

    /// The queries of the next round, given what has been seen. An empty list ends the observation.
    fn observe(
        &self,
        direction: Direction,
        seen: &Seen<Self::Query, Self::Answer>,
    ) -> Vec<Self::Query>;

    /// Judges a finished observation.
    fn assess(
        &self,
        direction: Direction,
        seen: &Seen<Self::Query, Self::Answer>,
    ) -> Verdict<Self::Command>;

    /// Whether the plan can still be undone once this step has started. A plan whose started steps
    /// are all undoable is before its point of no return.
    fn undoable(&self) -> bool {
        true
    }

    /// Commands that bring back what the started step has lowered, such as a server that it has
    /// closed for writing. They are performed when the step is given up or left, so that nothing
    /// stays lowered until somebody comes.
    fn relief(&self, _seen: &Seen<Self::Query, Self::Answer>) -> Vec<Self::Command> {
        Vec::new()
    }

    /// Whether a plan past its point of no return may be left at this step, once relieved, when
    /// another state is desired: a survey then plans from what it finds. Otherwise it is finished.
    fn severable(&self) -> bool {
        false
    }
}

/// What an operation concludes from its survey of the world.
#[derive(Clone, Debug)]
pub enum Planning<S> {
    /// The desired state holds already.
    Nothing {
        /// What was found, in words.
        why: String,
    },
    /// Nothing of the cluster stands, so there is nothing to judge and nothing to do. The only
    /// finding that needs neither lease nor journal.
    Absent {
        /// What was found, in words.
        why: String,
    },
    /// Something has to come up before it can be judged; look again within the operation's limits.
    Wait {
        /// What is waited for.
        why: String,
        /// What the refusal is when the wait outlasts its limit.
        otherwise: Problem,
    },
    /// These steps, in this order.
    Steps(Vec<S>),
    /// It must not be tried. Nothing has been touched.
    Refused(Problem),
}

/// When Helm runs operations.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Phase {
    /// Before Helm changes anything.
    Before,
    /// After Helm has applied everything.
    After,
}

impl Phase {
    /// As the hook's arguments and the journal spell it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Before => "before",
            Self::After => "after",
        }
    }
}

/// A procedure on a live cluster that brings it to one desired state.
pub trait Operation {
    /// Its steps.
    type Step: Step;

    /// Its name, verb first: `change_name_servers`.
    fn name(&self) -> &'static str;

    /// When Helm runs it, `before` or `after`; part of a plan's identity.
    fn phase(&self) -> &'static str;

    /// A digest of the desired state. A plan is resumed only under the fingerprint that it was made for.
    fn fingerprint(&self) -> String;

    /// The limits of the survey.
    fn limits(&self) -> Limits;

    /// The queries of the survey's next round; an empty list ends it.
    fn observe(
        &self,
        seen: &Seen<<Self::Step as Step>::Query, <Self::Step as Step>::Answer>,
    ) -> Vec<<Self::Step as Step>::Query>;

    /// Judges the survey.
    fn plan(
        &self,
        seen: &Seen<<Self::Step as Step>::Query, <Self::Step as Step>::Answer>,
    ) -> Planning<Self::Step>;
}
