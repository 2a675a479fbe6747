//! The runner: takes the lease, settles what an earlier run left open, surveys, plans, and brings each step about.
//!
//! It is synchronous and knows nothing of servers. Before it acts it always observes; the journal
//! only tells it which plan is open and how far it may have come.

use crate::journal::{self, Ending, Event, Journal, Note, Open, Plan, State};
use crate::lease::{self, Lease, Stop, Taking};
use crate::report::{Place, Report};
use crate::step::{
    Direction, Limits, Memory, Moment, Operation, Planning, Problem, Progress, Seen, Step, Verdict,
};
use crate::world::{CommandFault, Interrupted, StoreFault, Stored, World};

pub use crate::report::Outcome;

/// The longest that the runner pauses without looking after its lease.
const PAUSE_MILLISECONDS: u64 = 2_000;

/// The least time between two writes of progress to the journal.
const PROGRESS_MILLISECONDS: u64 = 5_000;

/// The least time between two equal reports of a wait.
const REPORT_MILLISECONDS: u64 = 10_000;

/// For how long a journal that does not answer is asked again.
const JOURNAL_MILLISECONDS: u64 = 30_000;

/// How long to pause before a journal that did not answer is asked again.
const RECHECK_MILLISECONDS: u64 = 250;

/// What would be done, found without a write and without the lease.
#[derive(Clone, Debug)]
pub struct Preview<S> {
    /// The journal for a person, if a plan is open or the journal cannot be read: a run would
    /// settle that first.
    pub open: Option<String>,
    /// What the survey concluded.
    pub planning: Planning<S>,
}

/// When the operations of a run are surveyed.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Surveys {
    /// All of them before the first one acts, so that what one of them refuses is refused before
    /// anything is touched.
    First,
    /// Each when those before it are done: what it finds depends on them.
    InTurn,
}

/// Surveys and plans only: nothing is written and no lease taken.
///
/// # Errors
/// When the world was interrupted.
pub fn plan_only<W, S>(
    world: &mut W,
    operation: &dyn Operation<Step = S>,
) -> Result<Preview<S>, Interrupted>
where
    S: Step,
    W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    let open = match world.read_journal() {
        Ok(stored) => match Journal::verify(&stored) {
            Ok(journal) if journal.open().is_none() => None,
            Ok(_) | Err(_) => Some(journal::describe(&stored)),
        },
        Err(StoreFault::Interrupted(interrupted)) => return Err(interrupted),
        Err(fault) => Some(lease::described("reading the journal", &fault)),
    };
    let mut survey = Survey {
        lease: None,
        operation,
    };
    match survey.carry(world) {
        Ok(planning) => Ok(Preview { open, planning }),
        Err(Stop::Interrupted(interrupted)) => Err(interrupted),
        Err(Stop::Superseded) => Err(Interrupted {
            why: "a survey without a lease lost it; this is a bug".to_owned(),
        }),
    }
}

/// Runs an operation until it has an outcome. `identity` names this process in the lease and must
/// never be used by two processes.
///
/// # Errors
/// When the runner was killed or lost its right to act. A fresh run goes on from what it left.
pub fn run<W, S>(
    world: &mut W,
    operation: &dyn Operation<Step = S>,
    identity: &str,
) -> Result<Outcome, Interrupted>
where
    S: Step,
    W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    run_all(world, &[operation], Surveys::InTurn, identity)
}

/// Runs operations, one after the other and under one lease, until one has another outcome than
/// Done or all are. A plan that an earlier run left open is settled first, whichever of them made it.
///
/// # Errors
/// When the runner was killed or lost its right to act. A fresh run goes on from what it left.
pub fn run_all<W, S>(
    world: &mut W,
    operations: &[&dyn Operation<Step = S>],
    surveys: Surveys,
    identity: &str,
) -> Result<Outcome, Interrupted>
where
    S: Step,
    W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    let Some(&first) = operations.first() else {
        return Ok(Outcome::Done { changed: false });
    };
    let began = world.now();
    let names: Vec<&str> = operations
        .iter()
        .map(|operation| operation.name())
        .collect();
    let names = names.join(", ");
    let ended = |world: &mut W, outcome: Outcome| {
        tell_end(world, &names, &outcome, began);
        Ok(outcome)
    };
    let mut lease = match lease::take(world, identity) {
        Ok(Taking::Held(lease)) => lease,
        Ok(Taking::Missing(problem)) => {
            return match without_store(world, first, None, problem) {
                Ok(outcome) => ended(world, outcome),
                Err(Stop::Superseded) => ended(world, Outcome::Superseded),
                Err(Stop::Interrupted(interrupted)) => Err(interrupted),
            };
        }
        Ok(Taking::Refused(problem)) => return ended(world, Outcome::Refused(problem)),
        Err(Stop::Superseded) => return ended(world, Outcome::Superseded),
        Err(Stop::Interrupted(interrupted)) => return Err(interrupted),
    };
    world.report(&Report::LeaseTaken {
        epoch: lease.epoch(),
    });
    match with_lease(world, first, operations, surveys, identity, &mut lease) {
        Ok(outcome) => {
            lease.release(world);
            Ok(outcome)
        }
        Err(Stop::Superseded) => ended(world, Outcome::Superseded),
        Err(Stop::Interrupted(interrupted)) => Err(interrupted),
    }
}

fn tell_end<W: World>(world: &mut W, operation: &str, outcome: &Outcome, began: Moment) {
    let seconds = world.now().saturating_sub(began) / 1_000;
    world.report(&Report::Ended {
        operation: operation.to_owned(),
        outcome: outcome.clone(),
        seconds,
    });
}

/// Runs the operations, of which `first` is the first one; each tells its own end.
fn with_lease<'a, W, S>(
    world: &mut W,
    first: &'a dyn Operation<Step = S>,
    operations: &[&'a dyn Operation<Step = S>],
    surveys: Surveys,
    identity: &str,
    lease: &mut Lease,
) -> Result<Outcome, Stop>
where
    S: Step,
    W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    let began = world.now();
    let ended = |world: &mut W, operation: &dyn Operation<Step = S>, outcome: Outcome| {
        tell_end(world, operation.name(), &outcome, began);
        Ok(outcome)
    };
    let stored = match read_journal(world, lease)? {
        Ok(stored) => stored,
        Err(problem) => {
            let outcome = without_store(world, first, Some(lease), problem)?;
            return ended(world, first, outcome);
        }
    };
    let journal = match Journal::verify(&stored) {
        Ok(journal) => journal,
        Err(error) => return ended(world, first, Outcome::Refused(torn(&error))),
    };
    let mut runner = Runner {
        world,
        operation: first,
        identity,
        lease,
        journal,
        noted: None,
    };
    let mut changed = false;
    if let Some(open) = runner.journal.open().cloned() {
        let maker = operations
            .iter()
            .find(|operation| operation.name() == open.plan.operation);
        runner.operation = maker.copied().unwrap_or(first);
        match runner.settle(&open)? {
            // Its own wish is fulfilled; those of the others may not be.
            Settled::Ended(Outcome::Done { changed: settled }) if operations.len() > 1 => {
                changed = settled;
            }
            Settled::Ended(outcome) => return ended(runner.world, runner.operation, outcome),
            Settled::Clear { changed: settled } => changed = settled,
        }
    }
    runner.in_turn(operations, surveys, changed)
}

/// Without lease or journal nothing may be done. Where nothing of the cluster stands, nothing has to
/// be: whoever applies the chart for the first time may run this before there are such objects.
fn without_store<W, S>(
    world: &mut W,
    operation: &dyn Operation<Step = S>,
    lease: Option<&mut Lease>,
    problem: Problem,
) -> Result<Outcome, Stop>
where
    S: Step,
    W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    let mut survey = Survey { lease, operation };
    if let Planning::Absent { why } = survey.carry(world)? {
        world.report(&Report::NothingToDo { why });
        return Ok(Outcome::Done { changed: false });
    }
    Ok(Outcome::Refused(problem))
}

/// Reads the journal, asking again while it does not answer.
fn read_journal<W: World>(
    world: &mut W,
    lease: &mut Lease,
) -> Result<Result<Stored, Problem>, Stop> {
    let began = world.now();
    loop {
        lease.keep(world)?;
        match world.read_journal() {
            Ok(stored) => return Ok(Ok(stored)),
            Err(StoreFault::Unanswered { why }) => {
                if world.now().saturating_sub(began) > JOURNAL_MILLISECONDS {
                    return Err(lease::stopped(&format!(
                        "the journal does not answer: {why}"
                    )));
                }
                world.pause(RECHECK_MILLISECONDS)?;
            }
            Err(StoreFault::Missing { object }) => {
                return Ok(Err(lease::missing("journal", object)));
            }
            Err(fault) => return Err(lease.lost(world, "reading the journal", &fault)),
        }
    }
}

fn torn(error: &journal::Error) -> Problem {
    let remedy = match error {
        journal::Error::UnknownFormat { .. } => {
            "run the version of midships that wrote it, or a newer one, to finish its plan"
        }
        _ => {
            "look at the cluster with `midships-hook plan`; when no operation is half done, empty the data of the journal's ConfigMap and run again"
        }
    };
    Problem {
        object: "the journal of the cluster".to_owned(),
        why: error.to_string(),
        remedy: remedy.to_owned(),
    }
}

/// A fault of the engine or of an operation, as opposed to one of the cluster.
fn defect(object: &str, why: String) -> Problem {
    Problem {
        object: object.to_owned(),
        why,
        remedy: "this is a bug of midships; report it with the log of this run".to_owned(),
    }
}

/// What became of the plan that was open.
enum Settled {
    /// The run ends with it.
    Ended(Outcome),
    /// It is closed; the survey may begin.
    Clear {
        /// Whether the cluster may have been changed by it.
        changed: bool,
    },
}

/// What became of a plan that was carried on.
enum Carried {
    Done,
    TakenBack,
    Stuck(Problem),
}

/// What became of a step.
enum Established {
    Yes,
    No(Problem),
}

/// What one look at a step concluded.
enum Look<C> {
    Settled { verdict: Verdict<C>, relief: Vec<C> },
    Endless,
}

/// The survey of an operation, with or without a lease to look after.
struct Survey<'a, S> {
    lease: Option<&'a mut Lease>,
    operation: &'a dyn Operation<Step = S>,
}

impl<S: Step> Survey<'_, S> {
    fn keep<W: World>(&mut self, world: &mut W) -> Result<(), Stop> {
        match &mut self.lease {
            Some(lease) => lease.keep(world),
            None => Ok(()),
        }
    }

    fn pause<W: World>(&mut self, world: &mut W, milliseconds: u64) -> Result<(), Stop> {
        pause(world, milliseconds, |world| self.keep(world))
    }

    /// Looks until the operation can be judged. `Planning::Wait` is never returned.
    fn carry<W>(&mut self, world: &mut W) -> Result<Planning<S>, Stop>
    where
        W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
    {
        let Limits {
            seconds,
            poll_milliseconds,
            ..
        } = self.operation.limits();
        let began = world.now();
        let mut nothing_before = false;
        world.report(&Report::SurveyStarted {
            operation: self.operation.name().to_owned(),
            phase: self.operation.phase().to_owned(),
        });
        loop {
            let planning = self.look(world)?;
            let nothing = matches!(planning, Planning::Nothing { .. } | Planning::Absent { .. });
            match planning {
                Planning::Wait { why, otherwise } => {
                    let waited = world.now().saturating_sub(began) / 1_000;
                    if waited >= seconds {
                        return Ok(Planning::Refused(otherwise));
                    }
                    world.report(&Report::SurveyWaiting {
                        why,
                        seconds: waited,
                        limit: seconds,
                    });
                }
                // One view may be older than the last change; two, a pause apart, are believed.
                Planning::Nothing { .. } | Planning::Absent { .. } if !nothing_before => {}
                settled => return Ok(settled),
            }
            nothing_before = nothing;
            self.pause(world, poll_milliseconds)?;
        }
    }

    fn look<W>(&mut self, world: &mut W) -> Result<Planning<S>, Stop>
    where
        W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
    {
        let rounds = self.operation.limits().rounds;
        let mut seen = Seen::new(world.now(), Memory::new());
        for _ in 0..rounds {
            let queries = seen.unasked(self.operation.observe(&seen));
            if queries.is_empty() {
                return Ok(self.operation.plan(&seen));
            }
            self.keep(world)?;
            ask(world, queries, &mut seen)?;
        }
        if seen.unasked(self.operation.observe(&seen)).is_empty() {
            return Ok(self.operation.plan(&seen));
        }
        Ok(Planning::Refused(defect(
            self.operation.name(),
            format!("its survey asks for more than the {rounds} rounds that it may"),
        )))
    }
}

fn ask<W: World>(
    world: &mut W,
    queries: Vec<W::Query>,
    seen: &mut Seen<W::Query, W::Answer>,
) -> Result<(), Stop>
where
    W::Query: Ord,
{
    let answers = world.ask(&queries)?;
    if answers.len() != queries.len() {
        return Err(lease::stopped(
            "the world gave another number of answers than it was asked",
        ));
    }
    seen.answers.extend(queries.into_iter().zip(answers));
    Ok(())
}

fn pause<W: World>(
    world: &mut W,
    milliseconds: u64,
    mut keep: impl FnMut(&mut W) -> Result<(), Stop>,
) -> Result<(), Stop> {
    let mut left = milliseconds;
    while left > 0 {
        let chunk = left.min(PAUSE_MILLISECONDS);
        keep(world)?;
        world.pause(chunk)?;
        left -= chunk;
    }
    Ok(())
}

struct Runner<'a, W, S> {
    world: &'a mut W,
    /// The operation that is at work.
    operation: &'a dyn Operation<Step = S>,
    identity: &'a str,
    lease: &'a mut Lease,
    journal: Journal,
    /// When progress was last written.
    noted: Option<Moment>,
}

impl<'a, W, S> Runner<'a, W, S>
where
    S: Step,
    W: World<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    /// Settles the plan that an earlier run left open.
    fn settle(&mut self, open: &Open) -> Result<Settled, Stop> {
        let plan = &open.plan;
        let same_operation = plan.operation == self.operation.name();
        // The same desired state in another phase is the same wish: its plan is carried on, and the
        // survey of this phase follows.
        let same = same_operation && plan.fingerprint == self.operation.fingerprint();
        let own = same && plan.phase == self.operation.phase();
        if open.effective() == 0 && open.state != State::Unwound && !same {
            // Nothing of it can have had an effect, whoever made it.
            self.close(Ending::Superseded)?;
            return Ok(Settled::Clear { changed: false });
        }
        if !same_operation {
            return Ok(Settled::Ended(Outcome::Refused(Problem {
                object: "the journal of the cluster".to_owned(),
                why: format!(
                    "a plan of the operation {} is open; only one operation at a time is allowed",
                    plan.operation
                ),
                remedy: format!(
                    "let {} finish or undo it first, then run again",
                    plan.operation
                ),
            })));
        }
        let steps: Vec<S> = match plan.decode() {
            Ok(steps) => steps,
            Err(error) => {
                return Ok(Settled::Ended(Outcome::Refused(Problem {
                    object: "the journal of the cluster".to_owned(),
                    why: error.to_string(),
                    remedy: format!(
                        "run version {} of midships to finish its plan",
                        plan.version
                    ),
                })));
            }
        };
        let backwards = match open.state {
            State::Undoing { .. } | State::UndoFailed { .. } | State::Unwound => true,
            State::Failed { .. } => open.reversible(),
            _ => !same && open.reversible() && open.state != State::Done,
        };
        let direction = if backwards {
            Direction::Undoing
        } else {
            Direction::Doing
        };
        if !same {
            self.world.report(&Report::HandedOver {
                operation: plan.operation.clone(),
                fingerprint: plan.fingerprint.clone(),
                direction,
            });
        }
        let finished = matches!(open.state, State::Done | State::Unwound);
        if !finished {
            self.record(&[Event::HandedOver {
                holder: self.identity.to_owned(),
            }])?;
        }
        if same {
            let place = (!finished).then(|| self.place(&steps, direction));
            self.world.report(&Report::Resumed {
                operation: plan.operation.clone(),
                place,
                epoch: self.lease.epoch(),
            });
        }
        if !same && direction == Direction::Doing && steps.iter().all(Step::severable) {
            self.leave(&steps)?;
            self.close(Ending::Superseded)?;
            return Ok(Settled::Clear { changed: true });
        }
        let carried = match direction {
            Direction::Doing => self.forward(&steps)?,
            Direction::Undoing => self.back(&steps)?,
        };
        let failure = open.failure().cloned().or_else(|| self.failure());
        Ok(match self.closing(carried, failure)? {
            Outcome::Unwound(problem) if own => Settled::Ended(Outcome::Unwound(problem)),
            Outcome::Done { changed } if own => Settled::Ended(Outcome::Done { changed }),
            Outcome::Stuck(problem) => Settled::Ended(Outcome::Stuck(problem)),
            _ => Settled::Clear { changed: true },
        })
    }

    fn failure(&self) -> Option<Problem> {
        self.journal.open().and_then(Open::failure).cloned()
    }

    /// Closes the record of a plan that was carried on, unless it is stuck.
    fn closing(&mut self, carried: Carried, failure: Option<Problem>) -> Result<Outcome, Stop> {
        match (carried, failure) {
            (Carried::Stuck(problem), _) => Ok(Outcome::Stuck(problem)),
            (Carried::Done, _) => {
                self.close(Ending::Done)?;
                Ok(Outcome::Done { changed: true })
            }
            (Carried::TakenBack, Some(problem)) => {
                self.close(Ending::Unwound)?;
                Ok(Outcome::Unwound(problem))
            }
            (Carried::TakenBack, None) => {
                self.close(Ending::Superseded)?;
                Ok(Outcome::Superseded)
            }
        }
    }

    /// Carries the operations out, each when those before it are done.
    fn in_turn(
        &mut self,
        operations: &[&'a dyn Operation<Step = S>],
        surveys: Surveys,
        mut changed: bool,
    ) -> Result<Outcome, Stop> {
        let mut found: Vec<Option<Planning<S>>> = Vec::new();
        if surveys == Surveys::First {
            for &operation in operations {
                self.operation = operation;
                let began = self.world.now();
                let planning = self.survey()?;
                if let Planning::Refused(problem) = planning {
                    let outcome = Outcome::Refused(problem);
                    tell_end(self.world, operation.name(), &outcome, began);
                    return Ok(outcome);
                }
                found.push(Some(planning));
            }
        }
        found.resize_with(operations.len(), || None);
        // What was found is of no use once something has been changed.
        let mut fresh = true;
        for (&operation, planning) in operations.iter().zip(found) {
            self.operation = operation;
            let began = self.world.now();
            let planning = match planning.filter(|_| fresh) {
                Some(planning) => planning,
                None => self.survey()?,
            };
            let outcome = self.begin(planning)?;
            tell_end(self.world, operation.name(), &outcome, began);
            let Outcome::Done { changed: now } = outcome else {
                return Ok(outcome);
            };
            fresh &= !now;
            changed |= now;
        }
        Ok(Outcome::Done { changed })
    }

    fn survey(&mut self) -> Result<Planning<S>, Stop> {
        let mut survey = Survey {
            lease: Some(&mut *self.lease),
            operation: self.operation,
        };
        survey.carry(self.world)
    }

    /// Carries out what a survey has found.
    fn begin(&mut self, planning: Planning<S>) -> Result<Outcome, Stop> {
        let steps = match planning {
            Planning::Steps(steps) if !steps.is_empty() => steps,
            Planning::Steps(_) => {
                self.world.report(&Report::NothingToDo {
                    why: "the plan is empty".to_owned(),
                });
                return Ok(Outcome::Done { changed: false });
            }
            Planning::Nothing { why } | Planning::Absent { why } => {
                self.world.report(&Report::NothingToDo { why });
                return Ok(Outcome::Done { changed: false });
            }
            Planning::Refused(problem)
            | Planning::Wait {
                otherwise: problem, ..
            } => {
                return Ok(Outcome::Refused(problem));
            }
        };
        let now = self.world.now();
        let plan = match Plan::freeze(self.operation, &steps, self.lease.epoch(), now) {
            Ok(plan) => plan,
            Err(error @ journal::Error::TooLarge { .. }) => {
                return Ok(Outcome::Refused(Problem {
                    object: self.operation.name().to_owned(),
                    why: error.to_string(),
                    remedy: "ask for a smaller change first, then for the rest".to_owned(),
                }));
            }
            Err(error) => {
                return Ok(Outcome::Refused(defect(
                    self.operation.name(),
                    error.to_string(),
                )));
            }
        };
        let next = self
            .journal
            .with_plan(plan)
            .map_err(|error| broken(&error))?;
        self.commit(next)?;
        self.world.report(&Report::PlanMade {
            operation: self.operation.name().to_owned(),
            steps: steps.iter().map(Step::name).collect(),
        });
        let carried = self.forward(&steps)?;
        let failure = self.failure();
        self.closing(carried, failure)
    }

    /// Brings the remaining steps about; a failure before the point of no return turns back.
    fn forward(&mut self, steps: &[S]) -> Result<Carried, Stop> {
        loop {
            match self.state() {
                State::Doing { step, started } => {
                    if let Established::No(problem) =
                        self.establish(steps, Direction::Doing, step, started)?
                    {
                        if self.journal.open().is_some_and(Open::reversible) {
                            return self.back(steps);
                        }
                        return Ok(Carried::Stuck(problem));
                    }
                }
                State::Done => return Ok(Carried::Done),
                state => return Err(lease::stopped(&format!("cannot go forward from {state}"))),
            }
        }
    }

    /// Relieves the step at which a plan past its point of no return is left.
    fn leave(&mut self, steps: &[S]) -> Result<(), Stop> {
        let (State::Doing {
            step: index,
            started: true,
        }
        | State::Failed {
            step: index,
            started: true,
        }) = self.state()
        else {
            return Ok(());
        };
        let Some(mut effort) = self.effort(steps, Direction::Doing, index, true) else {
            return Ok(());
        };
        if let Look::Settled { relief, .. } = self.look(&effort, &Memory::new())? {
            self.relieve(&mut effort, &relief)?;
        }
        Ok(())
    }

    /// Takes the started steps back, the last one first.
    fn back(&mut self, steps: &[S]) -> Result<Carried, Stop> {
        if !matches!(self.state(), State::Undoing { .. } | State::Unwound) {
            self.world.report(&Report::UndoStarted {
                steps: self.state().effective(steps.len()),
            });
        }
        loop {
            let (step, started) = match self.state() {
                State::Unwound => return Ok(Carried::TakenBack),
                State::Undoing { step, started } => (step, started),
                state @ (State::Doing { .. } | State::Failed { .. }) => {
                    match state.effective(steps.len()).checked_sub(1) {
                        Some(last) => (last, false),
                        None => return Ok(Carried::TakenBack),
                    }
                }
                state => return Err(lease::stopped(&format!("cannot go back from {state}"))),
            };
            if let Established::No(problem) =
                self.establish(steps, Direction::Undoing, step, started)?
            {
                return Ok(Carried::Stuck(problem));
            }
        }
    }

    fn state(&self) -> State {
        self.journal.open().map_or(State::Absent, |open| open.state)
    }

    fn place(&self, steps: &[S], direction: Direction) -> Place {
        let index = match self.state() {
            State::Doing { step, started } | State::Failed { step, started }
                if direction == Direction::Undoing =>
            {
                (step + usize::from(started)).saturating_sub(1)
            }
            State::Doing { step, .. }
            | State::Failed { step, .. }
            | State::Undoing { step, .. }
            | State::UndoFailed { step, .. } => step,
            State::Absent | State::Done | State::Unwound => 0,
        };
        place_of(steps, direction, index)
    }

    /// Brings one step about in a direction, or records that it cannot be.
    fn establish(
        &mut self,
        steps: &[S],
        direction: Direction,
        index: usize,
        started: bool,
    ) -> Result<Established, Stop> {
        let Some(effort) = self.effort(steps, direction, index, started) else {
            return Err(lease::stopped(&format!(
                "the plan has no step {}",
                index + 1
            )));
        };
        let began = effort.began;
        self.world
            .report(&Report::StepStarted(effort.place.clone()));
        match self.strive(effort)? {
            (Established::Yes, effort) => {
                let mut events = vec![Event::success(direction, index)];
                if !effort.started {
                    events.insert(0, Event::intent(direction, index));
                }
                self.record(&events)?;
                let seconds = self.world.now().saturating_sub(began) / 1_000;
                self.world.report(&Report::StepDone {
                    place: effort.place,
                    seconds,
                });
                Ok(Established::Yes)
            }
            (Established::No(problem), effort) => {
                self.record(&[Event::failure(direction, index, problem.clone())])?;
                let place = effort.place;
                self.world.report(&Report::StepFailed {
                    place,
                    problem: problem.clone(),
                });
                Ok(Established::No(problem))
            }
        }
    }

    /// The effort for a step of the open plan; nothing if there is no such step.
    fn effort<'s>(
        &mut self,
        steps: &'s [S],
        direction: Direction,
        index: usize,
        started: bool,
    ) -> Option<Effort<'s, S>> {
        let planned = self.journal.open()?.plan.steps.get(index)?;
        let (step, limits) = (steps.get(index)?, planned.limits);
        Some(Effort {
            step,
            direction,
            index,
            limits,
            place: place_of(steps, direction, index),
            began: self.world.now(),
            started,
            attempts: 0,
            failures: 0,
            fault: None,
        })
    }

    /// Observes, judges and acts until the step's condition holds or cannot.
    fn strive<'s>(
        &mut self,
        mut effort: Effort<'s, S>,
    ) -> Result<(Established, Effort<'s, S>), Stop> {
        let poll = effort.limits.poll_milliseconds.max(1);
        let mut memory = Memory::new();
        // Whether the verdict before this one was the same final one; whether commands were
        // performed since the last pause.
        let mut done_before = false;
        let mut failed_before = false;
        let mut acted = false;
        let mut told: Option<(Moment, String)> = None;
        loop {
            let (verdict, relief) = match self.look(&effort, &memory)? {
                Look::Settled { verdict, relief } => (verdict, relief),
                Look::Endless => {
                    let rounds = effort.limits.rounds;
                    let why = format!(
                        "its observation asks for more than the {rounds} rounds that it may"
                    );
                    return Ok((Established::No(defect(&effort.place.name, why)), effort));
                }
            };
            let late =
                self.world.now().saturating_sub(effort.began) / 1_000 >= effort.limits.seconds;
            let (done, failed) = (
                matches!(verdict, Verdict::Done),
                matches!(verdict, Verdict::Fail(_)),
            );
            match verdict {
                // A view may be older than the last change. A change of its own the step has just
                // seen; otherwise two equal views, a pause apart, are believed.
                Verdict::Done if done_before || acted => return Ok((Established::Yes, effort)),
                Verdict::Fail(problem) if failed_before => {
                    self.relieve(&mut effort, &relief)?;
                    return Ok((Established::No(problem), effort));
                }
                Verdict::Done | Verdict::Fail(_) => {}
                Verdict::Act { why, .. } | Verdict::Wait { why, .. } if late => {
                    self.relieve(&mut effort, &relief)?;
                    return Ok((Established::No(effort.overdue(&why)), effort));
                }
                // Attempts are a pause apart, and the view is renewed after it.
                Verdict::Act { .. } if acted => {}
                Verdict::Act { why, .. } if effort.attempts >= effort.limits.attempts => {
                    self.relieve(&mut effort, &relief)?;
                    return Ok((Established::No(effort.exhausted(&why)), effort));
                }
                Verdict::Act { why, .. } if effort.failures >= effort.limits.failures => {
                    self.relieve(&mut effort, &relief)?;
                    return Ok((Established::No(effort.failing(&why)), effort));
                }
                Verdict::Act { commands, why } => {
                    self.act(&mut effort, &commands, &why)?;
                    // What was remembered of a wait ended with the wait.
                    memory = Memory::new();
                    acted = true;
                    (done_before, failed_before) = (false, false);
                    continue;
                }
                Verdict::Wait {
                    why,
                    progress,
                    memory: remembered,
                } => {
                    memory = remembered;
                    self.tell(&effort, &why, progress, &mut told)?;
                }
            }
            (done_before, failed_before) = (done, failed);
            acted = false;
            self.pause(poll)?;
        }
    }

    /// One observation of a step, judged.
    fn look(&mut self, effort: &Effort<'_, S>, memory: &Memory) -> Result<Look<S::Command>, Stop> {
        let (step, direction) = (effort.step, effort.direction);
        let mut seen = Seen::new(self.world.now(), memory.clone());
        for _ in 0..effort.limits.rounds {
            let queries = seen.unasked(step.observe(direction, &seen));
            if queries.is_empty() {
                return Ok(judged(step, direction, &seen));
            }
            self.lease.keep(self.world)?;
            ask(self.world, queries, &mut seen)?;
        }
        if seen.unasked(step.observe(direction, &seen)).is_empty() {
            return Ok(judged(step, direction, &seen));
        }
        Ok(Look::Endless)
    }

    /// Brings back what a started step has lowered, before it is given up or left. One try of each
    /// command: the step's failure stands, and the next run meets what is left.
    fn relieve(&mut self, effort: &mut Effort<'_, S>, relief: &[S::Command]) -> Result<(), Stop> {
        if !effort.started {
            return Ok(());
        }
        for command in relief {
            self.command(effort, command)?;
        }
        Ok(())
    }

    /// Writes the intent if it is not written, and performs commands until one is not confirmed.
    fn act(
        &mut self,
        effort: &mut Effort<'_, S>,
        commands: &[S::Command],
        why: &str,
    ) -> Result<(), Stop> {
        effort.attempts += 1;
        if !effort.started {
            self.record(&[Event::intent(effort.direction, effort.index)])?;
            effort.started = true;
        }
        self.world.report(&Report::StepActing {
            place: effort.place.clone(),
            why: why.to_owned(),
            attempt: effort.attempts,
            attempts: effort.limits.attempts,
        });
        for command in commands {
            if !self.command(effort, command)? {
                effort.failures += 1;
                return Ok(());
            }
        }
        effort.failures = 0;
        Ok(())
    }

    /// Performs one command; returns whether it was confirmed.
    fn command(&mut self, effort: &mut Effort<'_, S>, command: &S::Command) -> Result<bool, Stop> {
        let permit = self.lease.permit(self.world)?;
        match self.world.perform(command, &permit) {
            Ok(()) => Ok(true),
            Err(CommandFault::Unanswered(fault) | CommandFault::Declined(fault)) => {
                let why = format!("{}: {}", fault.object, fault.why);
                self.world.report(&Report::StepFault {
                    place: effort.place.clone(),
                    why: why.clone(),
                });
                effort.fault = Some(why);
                Ok(false)
            }
            Err(CommandFault::Interrupted(interrupted)) => {
                Err(self.lease.expired(self.world, interrupted))
            }
        }
    }

    /// Tells people that a step waits: the log when something changed or some time has passed,
    /// the journal less often.
    fn tell(
        &mut self,
        effort: &Effort<'_, S>,
        why: &str,
        progress: Option<Progress>,
        told: &mut Option<(Moment, String)>,
    ) -> Result<(), Stop> {
        let now = self.world.now();
        // Seconds that pass are no news; other counts are.
        let counted = progress
            .as_ref()
            .filter(|progress| progress.unit != "seconds");
        let news = format!("{why} {counted:?}");
        let due = told.as_ref().is_none_or(|(moment, known)| {
            *known != news || now.saturating_sub(*moment) >= REPORT_MILLISECONDS
        });
        if due {
            *told = Some((now, news));
            self.world.report(&Report::StepWaiting {
                place: effort.place.clone(),
                why: why.to_owned(),
                progress: progress.clone(),
                seconds: now.saturating_sub(effort.began) / 1_000,
                limit: effort.limits.seconds,
            });
        }
        let noted = self.noted.unwrap_or(effort.began);
        if now.saturating_sub(noted) >= PROGRESS_MILLISECONDS {
            self.noted = Some(now);
            let next = self.journal.with_note(&Note {
                step: effort.place.name.clone(),
                undoing: effort.direction == Direction::Undoing,
                why: why.to_owned(),
                progress,
                moment: now,
                epoch: self.lease.epoch(),
            });
            self.commit(next)?;
        }
        Ok(())
    }

    fn pause(&mut self, milliseconds: u64) -> Result<(), Stop> {
        let lease = &mut *self.lease;
        pause(self.world, milliseconds, |world| lease.keep(world))
    }

    /// Adds events to the journal.
    fn record(&mut self, events: &[Event]) -> Result<(), Stop> {
        let now = self.world.now();
        let next = self
            .journal
            .with_events(self.lease.epoch(), now, events)
            .map_err(|error| broken(&error))?;
        self.commit(next)
    }

    /// Compacts the open plan to a line of the history.
    fn close(&mut self, ending: Ending) -> Result<(), Stop> {
        let now = self.world.now();
        let next = self
            .journal
            .closed(self.lease.epoch(), now, ending)
            .map_err(|error| broken(&error))?;
        self.commit(next)
    }

    /// Writes the journal on condition that nobody else has. A write whose answer was lost is read
    /// back and compared before anything else.
    fn commit(&mut self, next: Journal) -> Result<(), Stop> {
        self.lease.keep(self.world)?;
        let began = self.world.now();
        loop {
            match self.world.write_journal(next.stored()) {
                Ok(version) => {
                    self.journal = next.under(version);
                    return Ok(());
                }
                Err(StoreFault::Unanswered { why }) => {
                    let stored = self.reread(began, &why)?;
                    if stored.data == next.stored().data {
                        self.journal = next.under(stored.version);
                        return Ok(());
                    }
                    if stored.version != self.journal.stored().version {
                        return Err(self.lease.lost(
                            self.world,
                            "writing the journal",
                            &StoreFault::Conflict,
                        ));
                    }
                }
                Err(fault) => {
                    return Err(self.lease.lost(self.world, "writing the journal", &fault));
                }
            }
        }
    }

    fn reread(&mut self, began: Moment, why: &str) -> Result<Stored, Stop> {
        loop {
            if self.world.now().saturating_sub(began) > JOURNAL_MILLISECONDS {
                return Err(lease::stopped(&format!(
                    "the journal could not be written: {why}"
                )));
            }
            self.pause(RECHECK_MILLISECONDS)?;
            match self.world.read_journal() {
                Ok(stored) => return Ok(stored),
                Err(StoreFault::Unanswered { .. }) => {}
                Err(fault) => {
                    return Err(self.lease.lost(self.world, "reading the journal", &fault));
                }
            }
        }
    }
}

fn judged<S: Step>(
    step: &S,
    direction: Direction,
    seen: &Seen<S::Query, S::Answer>,
) -> Look<S::Command> {
    Look::Settled {
        verdict: step.assess(direction, seen),
        relief: step.relief(seen),
    }
}

fn broken(error: &journal::Error) -> Stop {
    lease::stopped(&format!(
        "the engine made a journal that it refuses; this is a bug: {error}"
    ))
}

fn place_of<S: Step>(steps: &[S], direction: Direction, index: usize) -> Place {
    let name = steps.get(index).map_or_else(String::new, Step::name);
    Place {
        direction,
        index: index + 1,
        total: steps.len(),
        name,
    }
}

/// One step being brought about in one run.
struct Effort<'s, S> {
    step: &'s S,
    direction: Direction,
    index: usize,
    limits: Limits,
    place: Place,
    began: Moment,
    /// Whether its intent is written.
    started: bool,
    attempts: u32,
    /// How many of the last attempts were not confirmed, without one that was.
    failures: u32,
    /// What was wrong with the last command that was not confirmed.
    fault: Option<String>,
}

impl<S> Effort<'_, S> {
    fn overdue(&self, why: &str) -> Problem {
        self.given_up(&format!(
            "it took longer than the {} s allowed: {why}",
            self.limits.seconds
        ))
    }

    fn exhausted(&self, why: &str) -> Problem {
        self.given_up(&format!(
            "{} attempts, as many as allowed, were not enough: {why}",
            self.attempts
        ))
    }

    fn failing(&self, why: &str) -> Problem {
        self.given_up(&format!(
            "{} attempts in a row, as many as allowed, were not confirmed: {why}",
            self.failures
        ))
    }

    fn given_up(&self, why: &str) -> Problem {
        let fault = self
            .fault
            .as_ref()
            .map_or_else(String::new, |fault| format!("; last fault: {fault}"));
        let why = format!("{why}{fault}");
        Problem {
            object: self.place.name.clone(),
            why,
            remedy: "mend what is named, then run the same command again".to_owned(),
        }
    }
}
