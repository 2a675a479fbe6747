//! A simulated world: a product that computes, a clock that jumps, a journal and a lease in memory, and faults on purpose.
//!
//! It also watches the engine: a command without a written intent, without an observation in its
//! step, or under a lease that another runner has taken is a violation, as is a journal that does
//! not verify.

use std::fmt::Debug;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use crate::journal::{self, Event, Journal, Open, State};
use crate::lease::COMMAND_TIMEOUT_MILLISECONDS;
use crate::report::Report;
use crate::step::{Direction, Moment, Unanswered};
use crate::world::{CommandFault, Interrupted, LeaseRecord, Permit, StoreFault, Stored, World};

/// When simulated clocks begin: the first second of 2026.
pub const BEGINNING: Moment = 1_767_225_600_000;

/// How long one batch of queries takes.
const ASK_MILLISECONDS: u64 = 10;
/// How long one command takes.
const PERFORM_MILLISECONDS: u64 = 20;
/// How long one read or write of journal or lease takes.
const STORE_MILLISECONDS: u64 = 5;
/// More interactions than any run that ends has.
const INTERACTIONS: usize = 200_000;

/// A product with its Kubernetes objects, as far as an operation can see and change them.
pub trait Simulation: Clone {
    /// What can be asked.
    type Query: Clone + Debug + Ord;
    /// What is answered.
    type Answer: Clone + Debug;
    /// What can be commanded.
    type Command: Clone + Debug;

    /// Answers a query.
    ///
    /// # Errors
    /// When the object asked does not answer.
    fn ask(&mut self, now: Moment, query: &Self::Query) -> Result<Self::Answer, Unanswered>;

    /// Carries out a command.
    ///
    /// # Errors
    /// When it is declined, or lost.
    fn perform(&mut self, now: Moment, command: &Self::Command) -> Result<(), CommandFault>;

    /// Lets time pass until a moment: pods start, brokers register.
    fn advance(&mut self, to: Moment);

    /// Everything that must be equal at the end, whatever was disturbed on the way.
    fn fingerprint(&self) -> String;

    /// What it looks like at this moment: when that changes, the answers from before are stale. It may leave out what changes
    /// all the time, and is asked for after each interaction.
    fn appearance(&self) -> String {
        self.fingerprint()
    }

    /// What must hold at every moment. Checked after each interaction.
    ///
    /// # Errors
    /// Says what does not hold.
    fn invariant(&self) -> Result<(), String>;
}

/// A step and a direction.
pub type Spot = (Direction, usize);

/// How a step is kept from succeeding for good.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Obstacle {
    /// Nothing answers while the step is at work.
    Blind,
    /// Nothing answers once the step has performed a command.
    BlindAfterAct,
    /// Commands are declined after so many were carried out.
    Declined {
        /// How many are carried out.
        after: usize,
    },
}

/// What goes wrong once, at one interaction of one runner.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fault {
    /// The runner is killed before it.
    CrashBefore,
    /// The runner is killed after it.
    CrashAfter,
    /// A command takes effect twice.
    Repeated,
    /// It takes effect, but the answer is lost.
    AnswerLost,
    /// It does not take effect, and no answer comes.
    RequestLost,
    /// It is refused: somebody else wrote; a command is declined.
    Conflict,
    /// It is refused: the right is gone; a command is declined.
    Forbidden,
    /// One query of the batch, or the read, is answered from the state before the last change.
    Stale(usize),
    /// The runner sleeps before it until another one has taken over and finished.
    Overtaken,
}

/// What an interaction was.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Touch {
    /// A batch of queries: the places of those to which an answer from before the last change is another one, where the world
    /// compares them.
    Ask(Vec<usize>),
    /// A command.
    Perform,
    /// A read of the journal.
    ReadJournal,
    /// A write of the journal that opens a plan.
    WritePlan,
    /// A write of the journal that adds events.
    WriteEvents(Vec<Event>),
    /// A write of the journal that only tells progress.
    WriteNote,
    /// A write of the journal that closes the plan.
    WriteClosed,
    /// A read of the lease.
    ReadLease,
    /// A write of the lease that takes it.
    TakeLease,
    /// A write of the lease that renews it.
    RenewLease,
    /// A write of the lease that gives it back.
    ReleaseLease,
}

impl Touch {
    /// Whether it changes something.
    #[must_use]
    pub fn is_write(&self) -> bool {
        !matches!(self, Self::Ask(_) | Self::ReadJournal | Self::ReadLease)
    }
}

/// One interaction of a runner with its world.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Interaction {
    /// What it was.
    pub touch: Touch,
    /// The step that was at work.
    pub spot: Option<Spot>,
}

/// What all runners of a case share.
#[derive(Debug)]
pub struct Ground<S> {
    /// The product.
    pub simulation: S,
    /// The product before its last change.
    previous: Option<S>,
    /// The clock.
    pub clock: Moment,
    /// The journal.
    pub journal: Stored,
    journal_before: Stored,
    /// The lease.
    pub lease: LeaseRecord,
    lease_before: LeaseRecord,
    versions: u64,
    /// What keeps steps from succeeding.
    pub obstacles: Vec<(Spot, Obstacle)>,
    /// The plan that is open, as it was last written.
    open: Option<Open>,
    spot: Option<Spot>,
    performed_at_spot: usize,
    /// The names of the steps of the plan that was opened last.
    pub plan: Vec<String>,
    /// What was violated first.
    pub violation: Option<String>,
    interactions: usize,
    /// How many commands took effect.
    pub performed: usize,
    /// How many writes of the journal took effect.
    pub journal_writes: usize,
    /// Whether the state before the last change is kept.
    remembers: bool,
}

impl<S: Simulation> Ground<S> {
    /// A world in which nothing has been written yet.
    #[must_use]
    pub fn new(mut simulation: S) -> Self {
        simulation.advance(BEGINNING);
        let journal = Stored {
            version: "1".to_owned(),
            ..Stored::default()
        };
        let lease = LeaseRecord {
            version: "1".to_owned(),
            holder: None,
            epoch: 0,
            duration: 0,
            renewal: String::new(),
        };
        Self {
            simulation,
            previous: None,
            clock: BEGINNING,
            journal_before: journal.clone(),
            journal,
            lease_before: lease.clone(),
            lease,
            versions: 1,
            obstacles: Vec::new(),
            open: None,
            spot: None,
            performed_at_spot: 0,
            plan: Vec::new(),
            violation: None,
            interactions: 0,
            performed: 0,
            journal_writes: 0,
            remembers: false,
        }
    }

    /// Keeps the state before the last change, for stale answers.
    pub fn remember(&mut self) {
        self.remembers = true;
    }

    /// Notes a violation, unless one is noted.
    pub fn violated(&mut self, why: impl FnOnce() -> String) {
        if self.violation.is_none() {
            self.violation = Some(why());
        }
    }

    /// Lets time pass.
    pub fn pass(&mut self, milliseconds: u64) {
        self.clock += milliseconds;
        if self.remembers {
            let before = self.simulation.clone();
            let appearance = self.simulation.appearance();
            self.simulation.advance(self.clock);
            if self.simulation.appearance() != appearance {
                self.previous = Some(before);
            }
        } else {
            self.simulation.advance(self.clock);
        }
        self.check();
    }

    fn check(&mut self) {
        if let Err(why) = self.simulation.invariant() {
            self.violated(|| format!("the invariant does not hold: {why}"));
        }
    }

    fn obstructed(&self) -> Option<Obstacle> {
        let here = self.spot?;
        self.obstacles
            .iter()
            .find(|(spot, _)| *spot == here)
            .map(|(_, obstacle)| *obstacle)
    }

    fn is_blind(&self) -> bool {
        match self.obstructed() {
            Some(Obstacle::Blind) => true,
            Some(Obstacle::BlindAfterAct) => self.performed_at_spot > 0,
            Some(Obstacle::Declined { .. }) | None => false,
        }
    }

    fn version(&mut self) -> String {
        self.versions += 1;
        self.versions.to_string()
    }

    fn apply(&mut self, command: &S::Command) -> Result<(), CommandFault> {
        if self.remembers {
            self.previous = Some(self.simulation.clone());
        }
        let result = self.simulation.perform(self.clock, command);
        self.performed += 1;
        self.performed_at_spot += 1;
        self.check();
        result
    }

    /// Takes over a journal as written, and follows where the plan stands.
    fn store(&mut self, journal: &Stored, read: Option<Result<Journal, journal::Error>>) -> String {
        let version = self.version();
        let written = Stored {
            version: version.clone(),
            data: journal.data.clone(),
        };
        self.journal_before = std::mem::replace(&mut self.journal, written);
        self.journal_writes += 1;
        let size: usize = self
            .journal
            .data
            .iter()
            .map(|(key, text)| key.len() + text.len())
            .sum();
        if size > journal::CAPACITY {
            self.violated(|| format!("the journal has {size} bytes"));
        }
        match read {
            None => {}
            Some(Ok(journal)) => {
                self.open = journal.open().cloned();
                let spot = self.open.as_ref().and_then(spot_of);
                if spot != self.spot {
                    self.spot = spot;
                    self.performed_at_spot = 0;
                }
                if let Some(open) = &self.open {
                    self.plan = open
                        .plan
                        .steps
                        .iter()
                        .map(|step| step.name.clone())
                        .collect();
                }
            }
            Some(Err(error)) => {
                self.violated(|| format!("a journal was written that does not verify: {error}"));
            }
        }
        version
    }
}

/// The step that is at work, or will be, where a plan stands.
fn spot_of(open: &Open) -> Option<Spot> {
    match open.state {
        State::Failed { .. } if open.reversible() => open
            .effective()
            .checked_sub(1)
            .map(|step| (Direction::Undoing, step)),
        State::Doing { step, .. } | State::Failed { step, .. } => Some((Direction::Doing, step)),
        State::Undoing { step, .. } | State::UndoFailed { step, .. } => {
            Some((Direction::Undoing, step))
        }
        State::Absent | State::Done | State::Unwound => None,
    }
}

/// Whether a write replaces the note of progress alone.
fn is_note(stored: &Stored, written: &Stored) -> bool {
    let is_verified = |(key, _): &(&String, &String)| *key != journal::PROGRESS;
    stored.data != written.data
        && stored
            .data
            .iter()
            .filter(is_verified)
            .eq(written.data.iter().filter(is_verified))
}

/// What a write of the journal does to the plan that is open.
fn touch_of(before: Option<&Open>, written: &Result<Journal, journal::Error>) -> Touch {
    let Ok(after) = written else {
        return Touch::WriteEvents(Vec::new());
    };
    match (before, after.open()) {
        (None, Some(_)) => Touch::WritePlan,
        (_, None) => Touch::WriteClosed,
        (Some(before), Some(after)) if before.entries == after.entries => Touch::WriteNote,
        (Some(before), Some(after)) => {
            let known = before
                .entries
                .len()
                .min(after.entries.len().saturating_sub(1));
            let new = after.entries.iter().skip(known);
            Touch::WriteEvents(new.map(|entry| entry.event.clone()).collect())
        }
    }
}

/// The ground, shared by the runners of a case.
pub type Shared<S> = Arc<Mutex<Ground<S>>>;

/// Locks what runners share. A runner that panicked leaves it readable.
pub fn locked<T>(shared: &Mutex<T>) -> MutexGuard<'_, T> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What the harness knows of a runner's right to write.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Right {
    /// Nothing has happened to it.
    Untouched,
    /// Another runner has taken over and finished.
    Overtaken,
    /// A write that only its holder may make was refused.
    Refused,
}

/// What lets another runner take over and finish.
pub type Overtaking<'a> = Box<dyn FnOnce() + 'a>;

/// The world as one simulated runner meets it.
pub struct SimulatedWorld<'a, S> {
    ground: Shared<S>,
    name: String,
    fault: Option<(usize, Fault)>,
    overtaking: Option<Overtaking<'a>>,
    turnstile: Option<(Arc<Turnstile>, usize)>,
    /// What it did, in order.
    pub trace: Vec<Interaction>,
    /// What it told people, in order.
    pub reports: Vec<Report>,
    dead: bool,
    right: Right,
    /// Whether it has observed since the last outcome in the journal.
    looked: bool,
    /// Whether it notes which answers from before the last change are other ones.
    compares: bool,
}

impl<'a, S: Simulation> SimulatedWorld<'a, S> {
    /// A world without a fault.
    #[must_use]
    pub fn new(ground: &Shared<S>, name: &str) -> Self {
        Self {
            ground: Arc::clone(ground),
            name: name.to_owned(),
            fault: None,
            overtaking: None,
            turnstile: None,
            trace: Vec::new(),
            reports: Vec::new(),
            dead: false,
            right: Right::Untouched,
            looked: false,
            compares: false,
        }
    }

    /// The same world, which notes at each look what answers from before the last change would be other ones.
    #[must_use]
    pub fn comparing(mut self) -> Self {
        locked(&self.ground).remember();
        self.compares = true;
        self
    }

    /// The same world with a fault at an interaction, counted from 0.
    #[must_use]
    pub fn with_fault(mut self, at: usize, fault: Fault) -> Self {
        if matches!(fault, Fault::Stale(_)) {
            locked(&self.ground).remember();
        }
        self.fault = Some((at, fault));
        self
    }

    /// The same world with what happens while its runner sleeps.
    #[must_use]
    pub fn with_overtaking(mut self, overtaking: Overtaking<'a>) -> Self {
        self.overtaking = Some(overtaking);
        self
    }

    /// The same world, taking turns with others.
    #[must_use]
    pub fn with_turnstile(mut self, turnstile: &Arc<Turnstile>, place: usize) -> Self {
        self.turnstile = Some((Arc::clone(turnstile), place));
        self
    }

    fn killed(&mut self) -> Interrupted {
        self.dead = true;
        Interrupted {
            why: format!("{} was killed", self.name),
        }
    }

    /// Begins an interaction: waits for its turn, notes it, and says which fault meets it.
    fn begin(&mut self, touch: Touch) -> Result<Option<Fault>, Interrupted> {
        if self.dead {
            return Err(self.killed());
        }
        if let Some((turnstile, place)) = &self.turnstile {
            turnstile.pass(*place, &self.ground, 0);
        }
        let is_write = touch.is_write();
        let takes = touch == Touch::TakeLease;
        {
            let mut ground = locked(&self.ground);
            if let Some((at, Fault::Stale(_))) = self.fault
                && at < self.trace.len()
            {
                // It was answered.
                ground.remembers = false;
            }
            ground.interactions += 1;
            if ground.interactions > INTERACTIONS {
                ground.violated(|| format!("no end after {INTERACTIONS} interactions"));
                drop(ground);
                return Err(self.killed());
            }
            let event = match &touch {
                Touch::WriteEvents(events) => events.iter().find_map(Event::step),
                _ => None,
            };
            let spot = event.or(ground.spot);
            self.trace.push(Interaction { touch, spot });
            if self.right == Right::Refused && is_write {
                let name = &self.name;
                ground.violated(|| {
                    format!("{name} went on to write after its journal or lease was refused")
                });
            }
        }
        let fault = self
            .fault
            .filter(|(at, _)| at + 1 == self.trace.len())
            .map(|(_, fault)| fault);
        match fault {
            Some(Fault::CrashBefore) => return Err(self.killed()),
            Some(Fault::Overtaken) => {
                if let Some(overtaking) = self.overtaking.take() {
                    overtaking();
                }
                self.right = Right::Overtaken;
            }
            _ => {}
        }
        if takes {
            // A new taking is a new right.
            self.right = Right::Untouched;
        }
        Ok(fault)
    }

    /// Notes a write of this runner that took effect.
    fn landed(&self, ground: &mut Ground<S>, what: &str) {
        if self.right == Right::Overtaken {
            let name = &self.name;
            ground.violated(|| format!("{what} of {name} took effect after it was overtaken"));
        }
    }

    fn refused(&mut self, stops: bool) {
        if stops {
            self.right = Right::Refused;
        }
    }

    /// What a store says to a write that meets a fault before it takes effect.
    fn refusal(&mut self, fault: Option<Fault>, stops: bool) -> Result<(), StoreFault> {
        match fault {
            Some(Fault::Conflict) => {
                self.refused(stops);
                Err(StoreFault::Conflict)
            }
            Some(Fault::Forbidden) => {
                self.refused(stops);
                Err(StoreFault::Forbidden {
                    why: "403".to_owned(),
                })
            }
            Some(Fault::RequestLost) => {
                locked(&self.ground).pass(COMMAND_TIMEOUT_MILLISECONDS);
                Err(StoreFault::Unanswered {
                    why: "the request was lost".to_owned(),
                })
            }
            _ => Ok(()),
        }
    }

    /// What a store says to a write that took effect.
    fn confirmation(&mut self, fault: Option<Fault>) -> Result<(), StoreFault> {
        match fault {
            Some(Fault::AnswerLost) => {
                locked(&self.ground).pass(COMMAND_TIMEOUT_MILLISECONDS);
                Err(StoreFault::Unanswered {
                    why: "the answer was lost".to_owned(),
                })
            }
            Some(Fault::CrashAfter) => Err(StoreFault::Interrupted(self.killed())),
            _ => Ok(()),
        }
    }

    fn watch(&self, ground: &mut Ground<S>, permit: &Permit) {
        let state = ground
            .open
            .as_ref()
            .map_or(State::Absent, |open| open.state);
        let (name, held) = (&self.name, ground.lease.epoch);
        if permit.epoch() != held {
            let epoch = permit.epoch();
            ground.violated(|| {
                format!("{name} performed a command of epoch {epoch} while {held} is held")
            });
        }
        if !matches!(
            state,
            State::Doing { started: true, .. } | State::Undoing { started: true, .. }
        ) {
            ground.violated(|| format!("{name} performed a command in the state {state}"));
        }
        if !self.looked {
            ground.violated(|| format!("{name} performed a command before observing its step"));
        }
        self.landed(ground, "a command");
    }
}

fn lost(what: &str) -> Unanswered {
    Unanswered {
        object: "the simulated product".to_owned(),
        why: what.to_owned(),
    }
}

impl<S: Simulation> World for SimulatedWorld<'_, S> {
    type Query = S::Query;
    type Answer = S::Answer;
    type Command = S::Command;

    fn now(&mut self) -> Moment {
        locked(&self.ground).clock
    }

    fn pause(&mut self, milliseconds: u64) -> Result<(), Interrupted> {
        if self.dead {
            return Err(self.killed());
        }
        match &self.turnstile {
            Some((turnstile, place)) => turnstile.pass(*place, &self.ground, milliseconds),
            None => locked(&self.ground).pass(milliseconds),
        }
        let mut ground = locked(&self.ground);
        ground.interactions += 1;
        if ground.interactions > INTERACTIONS {
            ground.violated(|| format!("no end after {INTERACTIONS} interactions"));
            drop(ground);
            return Err(self.killed());
        }
        Ok(())
    }

    fn ask(
        &mut self,
        queries: &[Self::Query],
    ) -> Result<Vec<Result<Self::Answer, Unanswered>>, Interrupted> {
        let fault = self.begin(Touch::Ask(Vec::new()))?;
        let mut answers = Vec::with_capacity(queries.len());
        let mut differing = Vec::new();
        {
            let mut ground = locked(&self.ground);
            ground.pass(ASK_MILLISECONDS);
            self.looked = true;
            let now = ground.clock;
            let blind = ground.is_blind();
            // One copy answers them all: what is compared is only which cases are worth a run.
            let mut earlier = ground.previous.clone().filter(|_| self.compares && !blind);
            for (index, query) in queries.iter().enumerate() {
                let stale = fault == Some(Fault::Stale(index));
                let answer = if blind {
                    Err(lost("it does not answer"))
                } else if let (true, Some(previous)) = (stale, &mut ground.previous) {
                    previous.clone().ask(now, query)
                } else {
                    ground.simulation.ask(now, query)
                };
                if let Some(earlier) = &mut earlier
                    && format!("{:?}", earlier.ask(now, query)) != format!("{answer:?}")
                {
                    differing.push(index);
                }
                answers.push(answer);
            }
            ground.check();
        }
        if let Some(Interaction {
            touch: Touch::Ask(worth),
            ..
        }) = self.trace.last_mut()
        {
            *worth = differing;
        }
        if fault == Some(Fault::CrashAfter) {
            return Err(self.killed());
        }
        Ok(answers)
    }

    fn perform(&mut self, command: &Self::Command, permit: &Permit) -> Result<(), CommandFault> {
        let fault = self
            .begin(Touch::Perform)
            .map_err(CommandFault::Interrupted)?;
        let result = {
            let mut ground = locked(&self.ground);
            ground.pass(PERFORM_MILLISECONDS);
            if ground.clock > permit.until() {
                let why = "the permit ended before the command could take effect".to_owned();
                return Err(CommandFault::Interrupted(Interrupted { why }));
            }
            self.watch(&mut ground, permit);
            let declined = matches!(
                ground.obstructed(),
                Some(Obstacle::Declined { after }) if ground.performed_at_spot >= after
            );
            if declined || matches!(fault, Some(Fault::Conflict | Fault::Forbidden)) {
                return Err(CommandFault::Declined(lost("it declines")));
            }
            if fault == Some(Fault::RequestLost) {
                ground.pass(COMMAND_TIMEOUT_MILLISECONDS);
                return Err(CommandFault::Unanswered(lost("the request was lost")));
            }
            let result = ground.apply(command);
            if fault == Some(Fault::Repeated) {
                // What the second one answers, nobody hears; only its effect counts.
                let _ = ground.apply(command);
            }
            if fault == Some(Fault::AnswerLost) {
                ground.pass(COMMAND_TIMEOUT_MILLISECONDS);
                return Err(CommandFault::Unanswered(lost("the answer was lost")));
            }
            result
        };
        if fault == Some(Fault::CrashAfter) {
            return Err(CommandFault::Interrupted(self.killed()));
        }
        result
    }

    fn read_journal(&mut self) -> Result<Stored, StoreFault> {
        let fault = self
            .begin(Touch::ReadJournal)
            .map_err(StoreFault::Interrupted)?;
        let mut ground = locked(&self.ground);
        ground.pass(STORE_MILLISECONDS);
        if matches!(fault, Some(Fault::Stale(_))) {
            return Ok(ground.journal_before.clone());
        }
        Ok(ground.journal.clone())
    }

    fn write_journal(&mut self, journal: &Stored) -> Result<String, StoreFault> {
        let (read, touch) = {
            let ground = locked(&self.ground);
            // Notes are many and change nothing that is verified.
            if is_note(&ground.journal, journal) {
                (None, Touch::WriteNote)
            } else {
                let read = Journal::verify(journal);
                let touch = touch_of(ground.open.as_ref(), &read);
                (Some(read), touch)
            }
        };
        let only_intents = match &touch {
            Touch::WriteNote => true,
            Touch::WriteEvents(events) => events
                .iter()
                .all(|event| matches!(event, Event::Started { .. } | Event::UndoStarted { .. })),
            _ => false,
        };
        self.looked &= only_intents;
        let fault = self.begin(touch).map_err(StoreFault::Interrupted)?;
        self.refusal(fault, true)?;
        let version = {
            let mut ground = locked(&self.ground);
            ground.pass(STORE_MILLISECONDS);
            if ground.journal.version != journal.version {
                return Err(StoreFault::Conflict);
            }
            self.landed(&mut ground, "a write of the journal");
            ground.store(journal, read)
        };
        self.confirmation(fault)?;
        Ok(version)
    }

    fn read_lease(&mut self) -> Result<LeaseRecord, StoreFault> {
        let fault = self
            .begin(Touch::ReadLease)
            .map_err(StoreFault::Interrupted)?;
        let mut ground = locked(&self.ground);
        ground.pass(STORE_MILLISECONDS);
        if matches!(fault, Some(Fault::Stale(_))) {
            return Ok(ground.lease_before.clone());
        }
        Ok(ground.lease.clone())
    }

    fn write_lease(&mut self, lease: &LeaseRecord) -> Result<LeaseRecord, StoreFault> {
        let epoch = locked(&self.ground).lease.epoch;
        let touch = match lease.holder {
            None => Touch::ReleaseLease,
            Some(_) if lease.epoch > epoch => Touch::TakeLease,
            Some(_) => Touch::RenewLease,
        };
        // A taking that meets a conflict may be tried again; nothing was held yet. After a release
        // nothing follows.
        let stops = touch == Touch::RenewLease;
        let fault = self.begin(touch).map_err(StoreFault::Interrupted)?;
        self.refusal(fault, stops)?;
        let record = {
            let mut ground = locked(&self.ground);
            ground.pass(STORE_MILLISECONDS);
            if ground.lease.version != lease.version {
                return Err(StoreFault::Conflict);
            }
            self.landed(&mut ground, "a write of the lease");
            let version = ground.version();
            let renewal = version.clone();
            let record = LeaseRecord {
                version,
                renewal,
                ..lease.clone()
            };
            ground.lease_before = std::mem::replace(&mut ground.lease, record.clone());
            record
        };
        self.confirmation(fault)?;
        Ok(record)
    }

    fn report(&mut self, report: &Report) {
        if let Report::StepActing {
            place,
            attempt,
            attempts,
            ..
        } = report
            && attempt > attempts
        {
            locked(&self.ground)
                .violated(|| format!("{place} makes attempt {attempt} of {attempts} allowed"));
        }
        if let Report::StepWaiting {
            place,
            seconds,
            limit,
            ..
        } = report
            && seconds > limit
        {
            locked(&self.ground)
                .violated(|| format!("{place} waits {seconds} s of {limit} s allowed"));
        }
        self.reports.push(report.clone());
    }
}

/// Lets runners in threads of their own take turns in an order that follows from a seed. Exactly
/// one of them works at any moment; now and then one is frozen for longer than its lease lasts.
#[derive(Debug)]
pub struct Turnstile {
    turns: Mutex<Turns>,
    changed: Condvar,
}

#[derive(Debug)]
struct Turns {
    /// Who goes on is drawn from here.
    random: u64,
    /// Who freezes is drawn from here, one for each runner, whatever the threads' own order.
    freezing: Vec<u64>,
    runners: Vec<Turn>,
}

#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Turn {
    /// Not at the turnstile: working, or not yet there.
    Working,
    /// Wants to go on from this moment.
    Waiting(Moment),
    /// Has ended.
    Ended,
}

impl Turnstile {
    /// A turnstile for so many runners.
    #[must_use]
    pub fn new(seed: u64, runners: usize) -> Self {
        let freezing = (1..).map(|runner| seed.wrapping_mul(31).wrapping_add(runner));
        let turns = Turns {
            random: seed,
            freezing: freezing.take(runners).collect(),
            runners: vec![Turn::Working; runners],
        };
        Self {
            turns: Mutex::new(turns),
            changed: Condvar::new(),
        }
    }

    /// Waits for this runner's turn, at least so many milliseconds of the simulated clock.
    fn pass<S: Simulation>(&self, place: usize, ground: &Shared<S>, milliseconds: u64) {
        let mut turns = locked(&self.turns);
        let mut from = locked(ground).clock + milliseconds;
        // One interaction in fifty finds its runner frozen.
        if let Some(random) = turns.freezing.get_mut(place)
            && draw(random, 50) == 0
        {
            from += 1_000 * (1 + draw(random, 40));
        }
        turns.set(place, Turn::Waiting(from));
        turns.choose(ground);
        self.changed.notify_all();
        while turns.runners.get(place) != Some(&Turn::Working) {
            turns = self
                .changed
                .wait(turns)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes a runner that has ended out of the order.
    pub fn leave<S: Simulation>(&self, place: usize, ground: &Shared<S>) {
        let mut turns = locked(&self.turns);
        turns.set(place, Turn::Ended);
        turns.choose(ground);
        self.changed.notify_all();
    }
}

impl Turns {
    fn set(&mut self, place: usize, turn: Turn) {
        if let Some(runner) = self.runners.get_mut(place) {
            *runner = turn;
        }
    }

    /// Lets one runner go on once all have arrived, moving the clock when all of them wait.
    fn choose<S: Simulation>(&mut self, ground: &Shared<S>) {
        if self.runners.contains(&Turn::Working) {
            return;
        }
        let mut waiting: Vec<(Moment, usize)> = Vec::new();
        for (place, turn) in self.runners.iter().enumerate() {
            if let Turn::Waiting(from) = turn {
                waiting.push((*from, place));
            }
        }
        let Some(earliest) = waiting.iter().map(|(from, _)| *from).min() else {
            return;
        };
        let mut ground = locked(ground);
        let behind = earliest.saturating_sub(ground.clock);
        if behind > 0 {
            ground.pass(behind);
        }
        waiting.retain(|(from, _)| *from <= ground.clock);
        waiting.sort_unstable();
        let count = u64::try_from(waiting.len()).unwrap_or(1).max(1);
        let drawn = usize::try_from(draw(&mut self.random, count)).unwrap_or(0);
        if let Some((_, place)) = waiting.get(drawn) {
            self.set(*place, Turn::Working);
        }
    }
}

/// A number below a bound, from a seed that moves on (splitmix64).
fn draw(random: &mut u64, bound: u64) -> u64 {
    *random = random.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let mut mixed = *random;
    mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (mixed ^ (mixed >> 31)) % bound
}
