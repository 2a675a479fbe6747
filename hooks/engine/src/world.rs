//! What the engine needs of the world: a clock, answers, commands, a journal and a lease.

use crate::step::{Moment, Unanswered};

/// This runner must stop at once: it was killed, or lost its right to act.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interrupted {
    /// What happened, in words.
    pub why: String,
}

/// Leave to perform commands until a moment. Only the engine makes one, from a lease that it holds.
#[derive(Clone, Copy, Debug)]
pub struct Permit {
    epoch: u64,
    until: Moment,
}

impl Permit {
    pub(crate) fn new(epoch: u64, until: Moment) -> Self {
        Self { epoch, until }
    }

    /// The epoch of the lease under which it was made.
    #[must_use]
    pub fn epoch(&self) -> u64 {
        self.epoch
    }

    /// The last moment at which a command may still take effect.
    #[must_use]
    pub fn until(&self) -> Moment {
        self.until
    }
}

/// Why a command may not have been carried out.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum CommandFault {
    /// No answer: it may or may not have taken effect. The engine observes again.
    Unanswered(Unanswered),
    /// The object said no, or a precondition failed; nothing was changed. The engine observes again.
    Declined(Unanswered),
    /// The runner must stop at once.
    Interrupted(Interrupted),
}

/// Why the journal or the lease could not be read or written.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum StoreFault {
    /// Somebody else wrote in between. For a writer that means: stop.
    Conflict,
    /// The right is gone or was never there (401, 403).
    Forbidden {
        /// What was refused.
        why: String,
    },
    /// The object does not exist.
    Missing {
        /// The object's kind and name.
        object: String,
    },
    /// No answer: a write may or may not have taken effect.
    Unanswered {
        /// What was wrong.
        why: String,
    },
    /// The runner must stop at once.
    Interrupted(Interrupted),
}

/// What is stored of a journal: text by key, and the version that a conditional write names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Stored {
    /// The store's version of the object, opaque.
    pub version: String,
    /// The text stored under each key.
    pub data: std::collections::BTreeMap<String, String>,
}

/// A lease as it stands.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseRecord {
    /// The store's version of the object, opaque.
    pub version: String,
    /// Who holds it; none when it is free.
    pub holder: Option<String>,
    /// How many times it has been taken: the epoch.
    pub epoch: u64,
    /// How long it is valid after a renewal, in milliseconds.
    pub duration: u64,
    /// A mark that changes with each renewal, opaque. A taker compares marks under its own clock
    /// and never trusts the holder's clock.
    pub renewal: String,
}

/// The world as a runner meets it. The real one talks to servers; the simulated one computes.
pub trait World {
    /// What can be asked.
    type Query;
    /// What is answered.
    type Answer;
    /// What can be commanded.
    type Command;

    /// The clock.
    fn now(&mut self) -> Moment;

    /// Waits, observing interruptions.
    ///
    /// # Errors
    /// When the runner must stop.
    fn pause(&mut self, milliseconds: u64) -> Result<(), Interrupted>;

    /// Asks all queries, at the same time where that is possible; answers in the same order.
    ///
    /// # Errors
    /// When the runner must stop.
    #[allow(clippy::type_complexity, reason = "one answer or none for each query")]
    fn ask(
        &mut self,
        queries: &[Self::Query],
    ) -> Result<Vec<Result<Self::Answer, Unanswered>>, Interrupted>;

    /// Performs one command, unless the permit would expire before it can have taken effect.
    ///
    /// # Errors
    /// When it may not have been carried out.
    fn perform(&mut self, command: &Self::Command, permit: &Permit) -> Result<(), CommandFault>;

    /// Reads the journal.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_journal(&mut self) -> Result<Stored, StoreFault>;

    /// Replaces the journal if it still has the given version, and returns the new version.
    ///
    /// # Errors
    /// When it was not or may not have been replaced.
    fn write_journal(&mut self, journal: &Stored) -> Result<String, StoreFault>;

    /// Reads the lease.
    ///
    /// # Errors
    /// When it cannot be read.
    fn read_lease(&mut self) -> Result<LeaseRecord, StoreFault>;

    /// Replaces the lease if it still has the given version, marks a renewal, and returns what is stored.
    ///
    /// # Errors
    /// When it was not or may not have been replaced.
    fn write_lease(&mut self, lease: &LeaseRecord) -> Result<LeaseRecord, StoreFault>;

    /// Tells people what happens. Never fails and never decides anything.
    fn report(&mut self, report: &crate::report::Report);
}
