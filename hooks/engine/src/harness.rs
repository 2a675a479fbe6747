//! Tries an operation against everything that can go wrong at each of its steps, and counts what it tried.
//!
//! One run without a fault gives the list of interactions; further runs whose steps are kept from
//! succeeding give those of undoing. Each fault is then put at each interaction, and a fresh runner
//! finishes what is left. After each case the invariant has held throughout, the fingerprint is the
//! end's (or, unwound, the start's), and the journal verifies. A step that has no case of some kind
//! fails the harness, unless it is listed as one that cannot.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::{Arc, Mutex};

use crate::journal::{Event, Journal};
use crate::lease;
use crate::report::{Outcome, Report};
use crate::runner;
use crate::simulation::{
    BEGINNING, Fault, Ground, Interaction, Obstacle, Shared, SimulatedWorld, Simulation, Spot,
    Touch, Turnstile, locked,
};
use crate::step::{Direction, Operation, Step};
use crate::world::Interrupted;

/// The environment variable that names the one case to run.
pub const ONLY: &str = "MIDSHIPS_CASE";

/// How many runs may follow a disturbed one until there is an outcome.
const FRESH_RUNS: usize = 3;

/// An operation and the simulated world to try it on.
pub struct Scenario<'a, S, O> {
    /// Its name, for failures and counts.
    pub name: &'a str,
    /// The world that the operation finds. The operation must have something to do there.
    pub start: S,
    /// The operation.
    pub operation: &'a O,
    /// The steps that never perform a command, by their name up to the first slash.
    pub cannot_act: &'a [&'a str],
    /// The steps that are never undone or whose undo never performs a command.
    pub cannot_undo: &'a [&'a str],
    /// How many schedules of two interleaved runners to try.
    pub schedules: u64,
    /// The one case to run, as a failure names it; coverage is then not checked. The environment
    /// variable `MIDSHIPS_CASE` says the same.
    pub only: Option<String>,
}

/// What kind of case was tried.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Kind {
    /// The runner was killed before the intent was written.
    CrashBeforeIntent,
    /// After the intent was written, before a command.
    CrashAfterIntent,
    /// After a command, before the outcome was written.
    CrashAfterAct,
    /// After the outcome was written.
    CrashAfterOutcome,
    /// At a write that belongs to no step's own sequence: plan, progress, closing, lease.
    CrashElsewhere,
    /// A command took effect twice.
    Repeated,
    /// A write took effect and its answer was lost.
    AnswerLost,
    /// A write did not take effect and no answer came.
    RequestLost,
    /// A write was refused because somebody else wrote; a command was declined.
    Conflict,
    /// A write was refused because the right was gone.
    Forbidden,
    /// A read was answered from the state before the last change.
    Stale,
    /// The runner woke before a write after another one had finished.
    Overtaken,
    /// The step was kept from succeeding for good.
    Failure,
}

/// In which order the kinds stand in the table, with their headings.
const KINDS: [(Kind, &str); 13] = [
    (Kind::CrashBeforeIntent, "before intent"),
    (Kind::CrashAfterIntent, "after intent"),
    (Kind::CrashAfterAct, "after act"),
    (Kind::CrashAfterOutcome, "after outcome"),
    (Kind::CrashElsewhere, "elsewhere"),
    (Kind::Repeated, "repeated"),
    (Kind::AnswerLost, "answer lost"),
    (Kind::RequestLost, "request lost"),
    (Kind::Conflict, "conflict"),
    (Kind::Forbidden, "forbidden"),
    (Kind::Stale, "stale"),
    (Kind::Overtaken, "overtaken"),
    (Kind::Failure, "failure"),
];

/// How many cases were tried, by step, direction and kind.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Counts {
    /// The scenario.
    pub name: String,
    /// The steps of the plan, in order.
    pub steps: Vec<String>,
    /// The cases, by step (none: of the run as a whole), direction and kind.
    pub cases: BTreeMap<(Option<usize>, bool, Kind), usize>,
    /// The schedules of two interleaved runners.
    pub interleaved: u64,
    /// How many runs of the engine there were in all.
    pub runs: usize,
}

impl Counts {
    /// How many cases there were in all.
    #[must_use]
    pub fn total(&self) -> usize {
        self.cases.values().sum::<usize>() + usize::try_from(self.interleaved).unwrap_or(usize::MAX)
    }

    /// How many cases of a kind a step had in a direction.
    #[must_use]
    pub fn of(&self, step: usize, direction: Direction, kind: Kind) -> usize {
        let key = (Some(step), direction == Direction::Undoing, kind);
        self.cases.get(&key).copied().unwrap_or(0)
    }

    fn count(&mut self, spot: Option<Spot>, kind: Kind) {
        let (step, undoing) = match spot {
            Some((direction, step)) => (Some(step), direction == Direction::Undoing),
            None => (None, false),
        };
        *self.cases.entry((step, undoing, kind)).or_default() += 1;
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (total, runs) = (self.total(), self.runs);
        writeln!(
            formatter,
            "{}: {total} cases, {} of them interleaved schedules, {runs} runs",
            self.name, self.interleaved
        )?;
        let named = |step: Option<usize>, undoing: bool| match step {
            None => "(the run)".to_owned(),
            Some(step) => {
                let name = self.steps.get(step).map_or("?", String::as_str);
                if undoing {
                    format!("undo {name}")
                } else {
                    name.to_owned()
                }
            }
        };
        let rows: BTreeSet<(bool, Option<usize>)> = self
            .cases
            .keys()
            .map(|(step, undoing, _)| (*undoing, *step))
            .collect();
        let width = rows
            .iter()
            .map(|(undoing, step)| named(*step, *undoing).chars().count())
            .max()
            .unwrap_or(0);
        write!(formatter, "{:width$}", "")?;
        for (_, heading) in KINDS {
            write!(formatter, "  {heading}")?;
        }
        writeln!(formatter)?;
        for (undoing, step) in rows {
            write!(formatter, "{:width$}", named(step, undoing))?;
            for (kind, heading) in KINDS {
                let count = self.cases.get(&(step, undoing, kind)).copied().unwrap_or(0);
                write!(formatter, "  {count:>column$}", column = heading.len())?;
            }
            writeln!(formatter)?;
        }
        Ok(())
    }
}

/// A case that did not end as it must, with all that is needed to see it again.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Failure {
    /// The scenario.
    pub scenario: String,
    /// The case's name; give it as `MIDSHIPS_CASE` to run only this one.
    pub case: String,
    /// What was wrong.
    pub why: String,
    /// The steps of the plan.
    pub plan: Vec<String>,
    /// What the runners told people, in order.
    pub reports: Vec<String>,
}

impl fmt::Display for Failure {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            scenario,
            case,
            why,
            plan,
            reports,
        } = self;
        writeln!(formatter, "{scenario}: the case {case} failed: {why}")?;
        writeln!(formatter, "plan: {}", plan.join(", "))?;
        for report in reports {
            writeln!(formatter, "  {report}")?;
        }
        writeln!(formatter, "replay only this case with {ONLY}='{case}'")
    }
}

impl std::error::Error for Failure {}

/// Tries an operation, and counts the cases.
///
/// # Errors
/// The first case that did not end as it must, or the steps that had no case of some kind.
pub fn exercise<S, O>(scenario: Scenario<'_, S, O>) -> Result<Counts, Failure>
where
    S: Simulation + Send,
    O: Operation + Sync,
    O::Step: Step<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    let only = scenario.only.clone().or_else(|| std::env::var(ONLY).ok());
    let counts = Counts {
        name: scenario.name.to_owned(),
        ..Counts::default()
    };
    let mut harness = Harness {
        scenario,
        only,
        counts,
        budget: 0,
        acting: BTreeSet::new(),
        start: String::new(),
        end: String::new(),
        reversible: 0,
    };
    harness.exercise()?;
    Ok(harness.counts)
}

/// How a case must end.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Expected {
    Done,
    Unwound,
    /// Either, with the fingerprint that belongs to it.
    Settled,
}

/// A case to play.
#[derive(Clone, Debug)]
struct Case {
    name: String,
    obstacles: Vec<(Spot, Obstacle)>,
    fault: Option<(usize, Fault)>,
    /// Whether the disturbed runner must find its own way to the outcome.
    unaided: bool,
    /// Whether the disturbed runner must stop.
    stops: bool,
    expected: Expected,
}

/// What became of a case.
struct Played {
    first: Result<Outcome, Interrupted>,
    trace: Vec<Interaction>,
}

/// A way of keeping a plan from succeeding, with the interactions of its run.
struct Family {
    name: String,
    obstacles: Vec<(Spot, Obstacle)>,
    /// The step that fails.
    step: usize,
    /// Whether it is the first way of that step that was unwound.
    first: bool,
    /// Whether it is the last one, where the step had done the most, or the first one that is taken back by commands.
    telling: bool,
    trace: Vec<Interaction>,
}

impl Family {
    /// Whether commands take its step back.
    fn acts(&self) -> bool {
        let undoing = Some((Direction::Undoing, self.step));
        self.trace.iter().any(|interaction| {
            interaction.spot == undoing && matches!(interaction.touch, Touch::Perform)
        })
    }
}

struct Harness<'a, S, O> {
    scenario: Scenario<'a, S, O>,
    only: Option<String>,
    counts: Counts,
    /// How many simulated milliseconds a run may take.
    budget: u64,
    /// The steps that performed a command, by direction.
    acting: BTreeSet<(bool, usize)>,
    start: String,
    end: String,
    /// How many steps come before the point of no return.
    reversible: usize,
}

impl<S, O> Harness<'_, S, O>
where
    S: Simulation + Send,
    O: Operation + Sync,
    O::Step: Step<Query = S::Query, Answer = S::Answer, Command = S::Command>,
{
    fn exercise(&mut self) -> Result<(), Failure> {
        let trace = self.undisturbed()?;
        self.note_acting(&trace);
        for (at, interaction) in trace.iter().enumerate() {
            if !is_amid_a_wait(&trace, at) {
                self.disturb("", &[], at, interaction, Expected::Done)?;
            }
        }
        let families = self.families()?;
        for family in &families {
            self.note_acting(&family.trace);
            for (at, interaction) in family.trace.iter().enumerate() {
                if self.is_worth(family, interaction) && !is_amid_a_wait(&family.trace, at) {
                    let prefix = format!("{}:", family.name);
                    let obstacles = &family.obstacles;
                    self.disturb(&prefix, obstacles, at, interaction, Expected::Unwound)?;
                }
            }
        }
        self.undo_failures(&families)?;
        for schedule in 0..self.scenario.schedules {
            // Every other schedule meets an obstacle, so that undoing is interleaved as well.
            let index = usize::try_from(schedule / 2).unwrap_or(0);
            let family = if schedule % 2 == 0 || families.is_empty() {
                None
            } else {
                families.get(index % families.len())
            };
            self.interleave(schedule, family)?;
        }
        if self.only.is_none() {
            self.check_coverage()?;
        }
        Ok(())
    }

    fn fresh(&self) -> Shared<S> {
        Arc::new(Mutex::new(Ground::new(self.scenario.start.clone())))
    }

    /// The run without a fault: what the plan is, how it ends, and that a second run has nothing
    /// to do.
    fn undisturbed(&mut self) -> Result<Vec<Interaction>, Failure> {
        const CASE: &str = "undisturbed";
        let ground = self.fresh();
        self.start = locked(&ground).simulation.fingerprint();
        let mut world = SimulatedWorld::new(&ground, "first");
        let operation = self.scenario.operation;
        let preview = runner::plan_only(&mut world, operation);
        if let Err(interrupted) = preview {
            return Err(self.failure(CASE, &interrupted.why, &ground, &world.reports));
        }
        if world
            .trace
            .iter()
            .any(|interaction| interaction.touch.is_write())
        {
            return Err(self.failure(CASE, "planning alone wrote something", &ground, &[]));
        }
        let ground = self.fresh();
        let mut world = SimulatedWorld::new(&ground, "first").comparing();
        // Nothing is known of the plan's limits yet, so the clock is checked afterwards.
        let outcome = runner::run(&mut world, operation, "first");
        self.counts.runs += 1;
        let (trace, reports) = (world.trace, world.reports);
        if outcome != Ok(Outcome::Done { changed: true }) {
            let why = format!("it ended {outcome:?}; it must be Done with changes");
            return Err(self.failure(CASE, &why, &ground, &reports));
        }
        self.learn_plan(&ground);
        self.end = locked(&ground).simulation.fingerprint();
        self.verify(CASE, &ground, Expected::Done, &outcome, &reports)?;
        if self.end == self.start {
            let why = "the fingerprint is the same at the start and at the end";
            return Err(self.failure(CASE, why, &ground, &reports));
        }
        let (performed, writes) = {
            let ground = locked(&ground);
            (ground.performed, ground.journal_writes)
        };
        let mut world = SimulatedWorld::new(&ground, "second");
        let again = runner::run(&mut world, operation, "second");
        self.counts.runs += 1;
        let unchanged = {
            let ground = locked(&ground);
            ground.performed == performed && ground.journal_writes == writes
        };
        if again != Ok(Outcome::Done { changed: false }) || !unchanged {
            let why =
                format!("a second run ended {again:?} or wrote something; nothing was left to do");
            return Err(self.failure(CASE, &why, &ground, &world.reports));
        }
        Ok(trace)
    }

    fn learn_plan(&mut self, ground: &Shared<S>) {
        self.counts.steps.clone_from(&locked(ground).plan);
        // The steps themselves are frozen in the plan, but a closed plan is only a line; the same
        // survey gives them again.
        let fresh = self.fresh();
        let mut world = SimulatedWorld::new(&fresh, "first");
        let planned = runner::plan_only(&mut world, self.scenario.operation);
        let survey = self.scenario.operation.limits();
        let mut seconds = survey.seconds;
        if let Ok(runner::Preview {
            planning: crate::step::Planning::Steps(steps),
            ..
        }) = planned
        {
            self.reversible = steps.iter().take_while(|step| step.undoable()).count();
            // Each step in both directions, with the polls that confirm it.
            for step in &steps {
                let limits = step.limits();
                let poll = limits.poll_milliseconds / 1_000 + 1;
                seconds += 2 * (limits.seconds + 6 * poll + 60);
            }
        }
        let silence = lease::DURATION_MILLISECONDS + lease::COMMAND_TIMEOUT_MILLISECONDS;
        self.budget = seconds * 1_000 + 2 * silence + lease::PATIENCE_MILLISECONDS;
    }

    fn note_acting(&mut self, trace: &[Interaction]) {
        for interaction in trace {
            if let (Touch::Perform, Some((direction, step))) =
                (&interaction.touch, interaction.spot)
            {
                self.acting.insert((direction == Direction::Undoing, step));
            }
        }
    }

    /// Keeps each step from succeeding in each way, and collects the runs that were unwound.
    fn families(&mut self) -> Result<Vec<Family>, Failure> {
        let mut families = Vec::new();
        for step in 0..self.counts.steps.len() {
            let mut after = 0;
            let mut ways = vec![("blind".to_owned(), Obstacle::Blind)];
            if self.acting.contains(&(false, step)) {
                ways.push(("blind-after-act".to_owned(), Obstacle::BlindAfterAct));
                ways.push(("declined-after-0".to_owned(), Obstacle::Declined { after }));
            }
            let mut next = 0;
            while let Some((way, obstacle)) = ways.get(next).cloned() {
                next += 1;
                let name = format!("{way}@{}", step + 1);
                let obstacles = vec![((Direction::Doing, step), obstacle)];
                let reached = self.obstruct(step, name, obstacles, &mut families)?;
                // As long as fewer commands than the step performs are let through, it fails.
                if let (Obstacle::Declined { .. }, true) = (obstacle, reached) {
                    after += 1;
                    ways.push((
                        format!("declined-after-{after}"),
                        Obstacle::Declined { after },
                    ));
                }
            }
            let own = families.iter_mut().filter(|family| family.step == step);
            let mut own: Vec<&mut Family> = own.collect();
            if let Some(last) = own.last_mut() {
                last.telling = true;
            }
            if let Some(acting) = own.into_iter().find(|family| family.acts()) {
                acting.telling = true;
            }
        }
        Ok(families)
    }

    /// Whether the step failed. A plan that was unwound becomes a family of its own.
    fn obstruct(
        &mut self,
        step: usize,
        name: String,
        obstacles: Vec<(Spot, Obstacle)>,
        families: &mut Vec<Family>,
    ) -> Result<bool, Failure> {
        let case = Case {
            name: name.clone(),
            obstacles: obstacles.clone(),
            fault: None,
            unaided: true,
            stops: false,
            expected: Expected::Settled,
        };
        // A family is needed for its cases even when it is not itself the one to run.
        let played = self.play(&case)?;
        let failed = !matches!(played.first, Ok(Outcome::Done { .. }));
        if failed {
            self.counts
                .count(Some((Direction::Doing, step)), Kind::Failure);
        }
        if matches!(played.first, Ok(Outcome::Unwound(_))) {
            families.push(Family {
                name,
                obstacles,
                step,
                first: families.iter().all(|family| family.step != step),
                telling: false,
                trace: played.trace,
            });
        }
        Ok(failed)
    }

    /// Whether a fault at an interaction of an unwound run says anything new: the doing was tried
    /// without the obstacle, and an undo is tried under the first and the last way in which its own step
    /// fails and the first one that takes commands, and under the first way in which the next step and the
    /// last one fail. The other ways are played too, without a fault.
    fn is_worth(&self, family: &Family, interaction: &Interaction) -> bool {
        match interaction.spot {
            Some((Direction::Undoing, step)) => {
                let is_own = family.step <= step && (family.first || family.telling);
                let is_other = family.step == step + 1 || family.step + 1 >= self.reversible;
                is_own || family.first && is_other
            }
            Some((Direction::Doing, _)) => match &interaction.touch {
                Touch::WriteEvents(events) => events
                    .iter()
                    .any(|event| matches!(event, Event::Failed { .. })),
                _ => false,
            },
            None => interaction.touch == Touch::WriteClosed,
        }
    }

    /// Puts each fault that can meet an interaction there.
    fn disturb(
        &mut self,
        prefix: &str,
        obstacles: &[(Spot, Obstacle)],
        at: usize,
        interaction: &Interaction,
        expected: Expected,
    ) -> Result<(), Failure> {
        let touch = &interaction.touch;
        let mut faults: Vec<(Kind, Fault)> = Vec::new();
        match touch {
            // An answer that is stale and the same is none of the faults.
            Touch::Ask(differing) => {
                faults.extend(
                    differing
                        .iter()
                        .map(|query| (Kind::Stale, Fault::Stale(*query))),
                );
            }
            Touch::ReadJournal | Touch::ReadLease => faults.push((Kind::Stale, Fault::Stale(0))),
            write => {
                let (before, after) = crash_kinds(write);
                faults.extend([(before, Fault::CrashBefore), (after, Fault::CrashAfter)]);
                if *write == Touch::Perform {
                    faults.push((Kind::Repeated, Fault::Repeated));
                }
                faults.extend([
                    (Kind::AnswerLost, Fault::AnswerLost),
                    (Kind::RequestLost, Fault::RequestLost),
                    (Kind::Conflict, Fault::Conflict),
                    (Kind::Forbidden, Fault::Forbidden),
                    (Kind::Overtaken, Fault::Overtaken),
                ]);
            }
        }
        for (kind, fault) in faults {
            let name = format!("{prefix}{at}:{fault:?}");
            // A plan that was unwound by another runner, or just before the crash, is followed by a
            // new one, which may find that what was kept of the first gets it past the obstacle.
            let begins_anew = kind == Kind::Overtaken || *touch == Touch::WriteClosed;
            let expected = if kind == Kind::Stale || begins_anew {
                Expected::Settled
            } else {
                expected
            };
            let refused = matches!(fault, Fault::Conflict | Fault::Forbidden);
            let case = Case {
                name,
                obstacles: obstacles.to_vec(),
                fault: Some((at, fault)),
                unaided: matches!(
                    fault,
                    Fault::Repeated | Fault::AnswerLost | Fault::RequestLost
                ) || (refused && *touch == Touch::Perform),
                stops: match touch {
                    _ if matches!(fault, Fault::CrashBefore | Fault::CrashAfter) => {
                        *touch != Touch::ReleaseLease
                    }
                    Touch::Perform | Touch::ReleaseLease => false,
                    Touch::TakeLease => fault == Fault::Forbidden,
                    _ => refused,
                },
                expected,
            };
            if self.is_wanted(&case.name) {
                self.play(&case)?;
                self.counts.count(interaction.spot, kind);
            }
        }
        Ok(())
    }

    fn is_wanted(&self, name: &str) -> bool {
        self.only.as_ref().is_none_or(|only| only == name)
    }

    /// Plays a case to its outcome and checks it.
    fn play(&mut self, case: &Case) -> Result<Played, Failure> {
        let ground = self.fresh();
        locked(&ground).obstacles.clone_from(&case.obstacles);
        let operation = self.scenario.operation;
        let overtaker: Arc<Mutex<Vec<Report>>> = Arc::default();
        let mut world = SimulatedWorld::new(&ground, "first");
        if case.fault.is_none() {
            world = world.comparing();
        }
        if let Some((at, fault)) = case.fault {
            world = world.with_fault(at, fault);
            let (ground, reports) = (Arc::clone(&ground), Arc::clone(&overtaker));
            world = world.with_overtaking(Box::new(move || {
                let mut world = SimulatedWorld::new(&ground, "overtaker");
                if let Err(interrupted) = runner::run(&mut world, operation, "overtaker") {
                    locked(&ground)
                        .violated(|| format!("the overtaker stopped: {}", interrupted.why));
                }
                locked(&reports).extend(world.reports);
            }));
        }
        let first = runner::run(&mut world, operation, "first");
        self.counts.runs += 1;
        let trace = std::mem::take(&mut world.trace);
        let mut reports = std::mem::take(&mut world.reports);
        drop(world);
        reports.extend(locked(&overtaker).drain(..));
        if case.stops && first.is_ok() {
            let why = format!("the runner went on to {first:?}; it must stop");
            return Err(self.failure(&case.name, &why, &ground, &reports));
        }
        if case.unaided && first.is_err() {
            let why = format!("the runner stopped: {first:?}; it must find its own way");
            return Err(self.failure(&case.name, &why, &ground, &reports));
        }
        let outcome = self.finish(case, &ground, first.clone(), &mut reports);
        self.verify(&case.name, &ground, case.expected, &outcome, &reports)?;
        Ok(Played { first, trace })
    }

    /// Lets fresh runners finish what a runner left. A plan that is stuck is taken up again with
    /// the obstacles gone, as a person would.
    fn finish(
        &mut self,
        case: &Case,
        ground: &Shared<S>,
        first: Result<Outcome, Interrupted>,
        reports: &mut Vec<Report>,
    ) -> Result<Outcome, Interrupted> {
        let mut outcome = first;
        for run in 0..FRESH_RUNS {
            match &outcome {
                Ok(Outcome::Done { .. } | Outcome::Unwound(_) | Outcome::Refused(_)) => break,
                Ok(Outcome::Stuck(_)) => locked(ground).obstacles.clear(),
                Ok(Outcome::Superseded) | Err(_) => {}
            }
            // An overtaken runner's plan may have been unwound by the other; the operation would
            // begin anew, and meets the same obstacles.
            let name = format!("fresh-{run}");
            let mut world = SimulatedWorld::new(ground, &name);
            outcome = runner::run(&mut world, self.scenario.operation, &name);
            self.counts.runs += 1;
            reports.extend(world.reports);
            if matches!(case.expected, Expected::Done) && locked(ground).violation.is_some() {
                break;
            }
        }
        outcome
    }

    /// Keeps each undo from succeeding: the plan is stuck, and the next run takes it back.
    fn undo_failures(&mut self, families: &[Family]) -> Result<(), Failure> {
        for family in families {
            let undone: BTreeSet<usize> = family
                .trace
                .iter()
                .filter_map(|interaction| match interaction.spot {
                    Some((Direction::Undoing, step)) => Some(step),
                    _ => None,
                })
                .collect();
            for step in undone {
                let spot = (Direction::Undoing, step);
                for (way, obstacle) in [
                    ("blind", Obstacle::Blind),
                    ("blind-after-act", Obstacle::BlindAfterAct),
                    ("declined", Obstacle::Declined { after: 0 }),
                ] {
                    let mut obstacles = family.obstacles.clone();
                    obstacles.push((spot, obstacle));
                    let case = Case {
                        name: format!("{}:undo-{way}@{}", family.name, step + 1),
                        obstacles,
                        fault: None,
                        unaided: true,
                        stops: false,
                        expected: Expected::Unwound,
                    };
                    if self.is_wanted(&case.name) {
                        let played = self.play(&case)?;
                        if matches!(played.first, Ok(Outcome::Stuck(_))) {
                            self.counts.count(Some(spot), Kind::Failure);
                        }
                    }
                }
            }
        }
        Ok(())
    }

    /// Two runners at once, in an order that follows from a seed.
    fn interleave(&mut self, seed: u64, family: Option<&Family>) -> Result<(), Failure> {
        let name = format!("interleaved:{seed}");
        if !self.is_wanted(&name) {
            return Ok(());
        }
        let case = Case {
            name,
            obstacles: family
                .map(|family| family.obstacles.clone())
                .unwrap_or_default(),
            fault: None,
            unaided: false,
            stops: false,
            expected: if family.is_some() {
                Expected::Settled
            } else {
                Expected::Done
            },
        };
        let ground = self.fresh();
        locked(&ground).obstacles.clone_from(&case.obstacles);
        let turnstile = Arc::new(Turnstile::new(seed, 2));
        let operation = self.scenario.operation;
        let runs: Vec<(Result<Outcome, Interrupted>, Vec<Report>)> = std::thread::scope(|scope| {
            let threads: Vec<_> = ["one", "two"]
                .into_iter()
                .enumerate()
                .map(|(place, name)| {
                    let (ground, turnstile) = (&ground, &turnstile);
                    scope.spawn(move || {
                        let leaving = Leaving {
                            turnstile,
                            place,
                            ground,
                        };
                        let mut world =
                            SimulatedWorld::new(ground, name).with_turnstile(turnstile, place);
                        let outcome = runner::run(&mut world, operation, name);
                        drop(leaving);
                        (outcome, world.reports)
                    })
                })
                .collect();
            threads
                .into_iter()
                .filter_map(|thread| thread.join().ok())
                .collect()
        });
        self.counts.runs += runs.len();
        let mut reports = Vec::new();
        let count = runs.len();
        for (_, told) in runs {
            reports.extend(told);
        }
        if count != 2 {
            return Err(self.failure(&case.name, "a runner panicked", &ground, &reports));
        }
        // Whatever the two said, one more run finds nothing left, or finishes it.
        let open = Err(Interrupted {
            why: "two runners have ended".to_owned(),
        });
        let outcome = self.finish(&case, &ground, open, &mut reports);
        self.verify(&case.name, &ground, case.expected, &outcome, &reports)?;
        self.counts.interleaved += 1;
        Ok(())
    }

    fn verify(
        &self,
        case: &str,
        ground: &Shared<S>,
        expected: Expected,
        outcome: &Result<Outcome, Interrupted>,
        reports: &[Report],
    ) -> Result<(), Failure> {
        let failed = |why: &str| Err(self.failure(case, why, ground, reports));
        let (violation, fingerprint, clock, journal) = {
            let ground = locked(ground);
            let fingerprint = ground.simulation.fingerprint();
            (
                ground.violation.clone(),
                fingerprint,
                ground.clock,
                ground.journal.clone(),
            )
        };
        if let Some(violation) = violation {
            return failed(&violation);
        }
        let (ends, is_expected) = match outcome {
            Ok(Outcome::Done { .. }) => (&self.end, expected != Expected::Unwound),
            Ok(Outcome::Unwound(_)) => (&self.start, expected != Expected::Done),
            _ => (&self.end, false),
        };
        if !is_expected {
            return failed(&format!("it ended {outcome:?}; expected: {expected:?}"));
        }
        if fingerprint != *ends {
            return failed(&format!("the fingerprint is\n{fingerprint}\nnot\n{ends}"));
        }
        match Journal::verify(&journal) {
            Ok(journal) if journal.open().is_none() => {}
            Ok(_) => return failed("a plan is still open"),
            Err(error) => return failed(&error.to_string()),
        }
        let runs = u64::try_from(FRESH_RUNS).unwrap_or(1) + 2;
        let allowed = runs * self.budget;
        let took = clock.saturating_sub(BEGINNING);
        if took > allowed {
            return failed(&format!("it took {took} ms of {allowed} ms allowed"));
        }
        Ok(())
    }

    fn failure(&self, case: &str, why: &str, ground: &Shared<S>, reports: &[Report]) -> Failure {
        Failure {
            scenario: self.scenario.name.to_owned(),
            case: case.to_owned(),
            why: why.to_owned(),
            plan: locked(ground).plan.clone(),
            reports: reports.iter().map(ToString::to_string).collect(),
        }
    }

    /// Every step of the plan had a case of every kind that it can have.
    fn check_coverage(&self) -> Result<(), Failure> {
        // Stale answers are tried wherever they differ, which they do not at each step.
        const ALWAYS: [Kind; 7] = [
            Kind::CrashBeforeIntent,
            Kind::CrashAfterOutcome,
            Kind::AnswerLost,
            Kind::RequestLost,
            Kind::Conflict,
            Kind::Forbidden,
            Kind::Overtaken,
        ];
        const ACTING: [Kind; 3] = [Kind::CrashAfterIntent, Kind::CrashAfterAct, Kind::Repeated];
        let mut missing = Vec::new();
        let mut require = |step: usize, direction: Direction, kinds: &[Kind]| {
            for kind in kinds {
                if self.counts.of(step, direction, *kind) == 0 {
                    let name = self.counts.steps.get(step).map_or("?", String::as_str);
                    missing.push(format!("{direction:?} of {name} has no case {kind:?}"));
                }
            }
        };
        let mut wrong = Vec::new();
        for (step, name) in self.counts.steps.iter().enumerate() {
            let title = name.split('/').next().unwrap_or(name);
            let acts = self.acting.contains(&(false, step));
            let unacts = self.acting.contains(&(true, step));
            require(step, Direction::Doing, &ALWAYS);
            require(step, Direction::Doing, &[Kind::Failure]);
            if self.scenario.cannot_act.contains(&title) {
                if acts {
                    wrong.push(format!(
                        "{name} is listed as one that cannot act, but it acts"
                    ));
                }
            } else {
                require(step, Direction::Doing, &ACTING);
            }
            if self.scenario.cannot_undo.contains(&title) {
                if unacts {
                    wrong.push(format!(
                        "{name} is listed as one that cannot undo, but it does"
                    ));
                }
            } else {
                require(step, Direction::Undoing, &ALWAYS);
                require(step, Direction::Undoing, &ACTING);
                require(step, Direction::Undoing, &[Kind::Failure]);
            }
        }
        for listed in self
            .scenario
            .cannot_act
            .iter()
            .chain(self.scenario.cannot_undo)
        {
            let known = |name: &String| name.split('/').next() == Some(*listed);
            if !self.counts.steps.iter().any(known) {
                wrong.push(format!("{listed} is listed, but the plan has no such step"));
            }
        }
        missing.extend(wrong);
        if missing.is_empty() {
            return Ok(());
        }
        Err(Failure {
            scenario: self.scenario.name.to_owned(),
            case: "coverage".to_owned(),
            why: missing.join("; "),
            plan: self.counts.steps.clone(),
            reports: self.counts.to_string().lines().map(str::to_owned).collect(),
        })
    }
}

/// Whether an interaction only renews the lease or tells progress as one before it and one after it does, with the same step at
/// work: between the first and the last of them nothing else is known than at these.
fn is_amid_a_wait(trace: &[Interaction], at: usize) -> bool {
    let Some((before, rest)) = trace.split_at_checked(at) else {
        return false;
    };
    let Some((this, after)) = rest.split_first() else {
        return false;
    };
    matches!(this.touch, Touch::RenewLease | Touch::WriteNote)
        && before.iter().any(|other| other == this)
        && after.iter().any(|other| other == this)
}

/// What a crash before and after a write is counted as.
fn crash_kinds(write: &Touch) -> (Kind, Kind) {
    match write {
        Touch::Perform => (Kind::CrashAfterIntent, Kind::CrashAfterAct),
        Touch::WriteEvents(events) => {
            let begins = matches!(
                events.first(),
                Some(Event::Started { .. } | Event::UndoStarted { .. })
            );
            let ends = events.iter().any(|event| {
                !matches!(
                    event,
                    Event::Started { .. } | Event::UndoStarted { .. } | Event::HandedOver { .. }
                )
            });
            match (begins, ends) {
                (true, true) => (Kind::CrashBeforeIntent, Kind::CrashAfterOutcome),
                (true, false) => (Kind::CrashBeforeIntent, Kind::CrashAfterIntent),
                (false, true) => (Kind::CrashAfterAct, Kind::CrashAfterOutcome),
                (false, false) => (Kind::CrashElsewhere, Kind::CrashElsewhere),
            }
        }
        _ => (Kind::CrashElsewhere, Kind::CrashElsewhere),
    }
}

/// Takes a runner out of the turnstile when its thread ends, also by a panic, so that the other
/// one does not wait for ever.
struct Leaving<'a, S: Simulation> {
    turnstile: &'a Turnstile,
    place: usize,
    ground: &'a Shared<S>,
}

impl<S: Simulation> Drop for Leaving<'_, S> {
    fn drop(&mut self) {
        self.turnstile.leave(self.place, self.ground);
    }
}
