//! What happened, as typed events whose fold is the state of the open plan, and the text in which they are stored.
//!
//! The document is text under four keys, and a seal over three of them:
//!
//! | key | what it holds |
//! | --- | --- |
//! | `plan` | the frozen plan, one JSON object |
//! | `entries` | its events, one JSON object a line, each with the hash of the line before |
//! | `progress` | where the runner is, overwritten; decides nothing |
//! | `history` | finished plans, one JSON object a line, the last 20 |
//! | `seal` | hash of `plan`, `entries` and `history` together, so that a cut at a line's end shows as well |
//!
//! The journal never decides what is true of the product. It says which plan is open, which of its
//! steps may have had an effect, and in which direction to go on.

use std::cmp::Ordering;
use std::collections::BTreeMap;
use std::fmt;
use std::fmt::Write as _;

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::step::{Direction, Limits, Moment, Operation, Problem, Progress, Step};
use crate::world::Stored;

/// The format of plans that this program writes and understands.
pub const FORMAT: u64 = 1;

/// The most bytes that the journal may hold: half of what an object of Kubernetes may.
pub const CAPACITY: usize = 512 * 1024;

/// How many finished plans are kept, one line each.
pub const FINISHED_KEPT: usize = 20;

/// How many times a plan may be handed over before events that came to nothing are forgotten.
pub const HANDOVERS_KEPT: usize = 50;

/// The longest text of a problem, a name or a reason in the journal, in bytes of JSON.
const TEXT_BYTES: usize = 400;
/// More than an entry without a problem can take.
const ENTRY_BYTES: usize = 320;
/// More than a problem can take: three texts with their names.
const PROBLEM_BYTES: usize = 3 * TEXT_BYTES + 60;
/// More than the note of progress can take.
const PROGRESS_BYTES: usize = 3 * TEXT_BYTES + 400;
/// More than a line of the history can take.
const FINISHED_BYTES: usize = 4 * TEXT_BYTES + PROBLEM_BYTES + 300;

/// The least bytes of a field of a step that are worth to be shared.
const SHARED_BYTES: usize = 200;

const PLAN: &str = "plan";
const ENTRIES: &str = "entries";
pub(crate) const PROGRESS: &str = "progress";
const HISTORY: &str = "history";
const SEAL: &str = "seal";

/// What is wrong with a journal or with a plan that would go into it.
#[derive(Debug, Snafu)]
pub enum Error {
    /// A key that the others need is absent or blank.
    #[snafu(display(
        "the key {key} of the journal is missing while {witness} is there; allowed: all or none"
    ))]
    Missing {
        /// The absent key.
        key: &'static str,
        /// The key that needs it.
        witness: &'static str,
    },
    /// A key does not hold the JSON that it should.
    #[snafu(display(
        "line {line} of the key {key} of the journal is not what midships writes: {source}"
    ))]
    Unreadable {
        /// The key.
        key: &'static str,
        /// The line, counted from 1.
        line: usize,
        /// What the reader found.
        source: serde_json::Error,
    },
    /// The text of a key was cut in the middle of a line.
    #[snafu(display("the key {key} of the journal ends in the middle of a line"))]
    Cut {
        /// The key.
        key: &'static str,
    },
    /// A plan of another format.
    #[snafu(display(
        "the key plan of the journal has the format {found}; this program knows {FORMAT}"
    ))]
    UnknownFormat {
        /// The format found.
        found: u64,
    },
    /// The text is not the one that was sealed.
    #[snafu(display(
        "the key seal of the journal does not fit its plan, entries and history: one of them was changed or cut"
    ))]
    Seal,
    /// An entry does not follow the one before it.
    #[snafu(display("entry {sequence} of the journal does not follow the one before: {why}"))]
    Chain {
        /// The entry's position, counted from 0.
        sequence: usize,
        /// What does not fit.
        why: &'static str,
    },
    /// The plan is not the one that the first entry names.
    #[snafu(display("the key plan of the journal is not the plan that its first entry names"))]
    PlanHash,
    /// An event that cannot follow the state.
    #[snafu(display("the event {event} cannot follow the state {state}"))]
    Illegal {
        /// The state.
        state: State,
        /// The event's name and step.
        event: String,
    },
    /// A change of a plan that is not open.
    #[snafu(display("no plan is open in the journal"))]
    NoPlan,
    /// A plan where one is open.
    #[snafu(display("a plan is open in the journal; only one can be"))]
    PlanOpen,
    /// A plan whose steps cannot be told apart.
    #[snafu(display("the plan has two steps named {name}; names are unique in a plan"))]
    Twice {
        /// The name.
        name: String,
    },
    /// A plan without a step.
    #[snafu(display("the plan has no step; at least one is needed"))]
    NoSteps,
    /// A step that cannot be written.
    #[snafu(display("the step {name} cannot be written to the journal: {source}"))]
    Unwritable {
        /// The step.
        name: String,
        /// What the writer said.
        source: serde_json::Error,
    },
    /// A step of the open plan that this program does not know.
    #[snafu(display(
        "the step {name} of the open plan, made by version {version}, is unknown to this program: {source}"
    ))]
    UnknownStep {
        /// The step.
        name: String,
        /// The version of the program that made the plan.
        version: String,
        /// What the reader found.
        source: serde_json::Error,
    },
    /// A step that this program reads as another one.
    #[snafu(display(
        "the step {name} of the open plan, made by version {version}, is {found} to this program"
    ))]
    OtherStep {
        /// The step as it was planned.
        name: String,
        /// The version of the program that made the plan.
        version: String,
        /// What it was read as.
        found: String,
    },
    /// A plan that could outgrow the journal.
    #[snafu(display(
        "the journal of a plan of {steps} steps may need {needed} bytes; at most {CAPACITY} are allowed"
    ))]
    TooLarge {
        /// How many steps.
        steps: usize,
        /// How many bytes in the worst case.
        needed: usize,
    },
}

/// A plan as it was frozen.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Plan {
    /// The format of this object.
    pub format: u64,
    /// The operation's name.
    pub operation: String,
    /// The operation's phase.
    pub phase: String,
    /// The fingerprint of the desired state that it was made for.
    pub fingerprint: String,
    /// The version of the program that made it.
    pub version: String,
    /// The epoch in which it was made.
    pub epoch: u64,
    /// When it was made.
    pub made: Moment,
    /// Its steps, in order.
    pub steps: Vec<PlannedStep>,
    /// What several steps have in common, such as the list of all servers, held once.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub shared: Vec<serde_json::Value>,
}

/// A step as it was frozen.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PlannedStep {
    /// Its name.
    pub name: String,
    /// Whether the plan can still be undone once it has started.
    pub undoable: bool,
    /// Its limits.
    pub limits: Limits,
    /// The step itself, as its operation writes it, without the fields that are shared.
    pub step: serde_json::Value,
    /// Which of its fields are shared, and their place among what is.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub shared: BTreeMap<String, usize>,
}

impl Plan {
    /// Freezes the steps of an operation.
    ///
    /// # Errors
    /// When there is none, two have the same name, one cannot be written, or the journal could
    /// outgrow its capacity.
    pub fn freeze<S: Step>(
        operation: &dyn Operation<Step = S>,
        steps: &[S],
        epoch: u64,
        made: Moment,
    ) -> Result<Self, Error> {
        ensure!(!steps.is_empty(), NoStepsSnafu);
        let mut planned: Vec<PlannedStep> = Vec::with_capacity(steps.len());
        for step in steps {
            let name = step.name();
            ensure!(
                planned.iter().all(|other| other.name != name),
                TwiceSnafu { name }
            );
            let value = serde_json::to_value(step).context(UnwritableSnafu {
                name: name.as_str(),
            })?;
            let (undoable, limits) = (step.undoable(), step.limits());
            planned.push(PlannedStep {
                name,
                undoable,
                limits,
                step: value,
                shared: BTreeMap::new(),
            });
        }
        let shared = share(&mut planned);
        let plan = Self {
            format: FORMAT,
            operation: operation.name().to_owned(),
            phase: operation.phase().to_owned(),
            fingerprint: operation.fingerprint(),
            version: env!("CARGO_PKG_VERSION").to_owned(),
            epoch,
            made,
            steps: planned,
            shared,
        };
        let needed = worst_case(text_of(&plan).len(), plan.steps.len());
        ensure!(
            needed <= CAPACITY,
            TooLargeSnafu {
                steps: plan.steps.len(),
                needed
            }
        );
        Ok(plan)
    }

    /// Reads the steps back as the operation's own.
    ///
    /// # Errors
    /// When this program does not know one of them, or reads it as another.
    pub fn decode<S: Step>(&self) -> Result<Vec<S>, Error> {
        let mut steps = Vec::with_capacity(self.steps.len());
        for planned in &self.steps {
            let (name, version) = (planned.name.as_str(), self.version.as_str());
            let step: S = serde_json::from_value(self.whole(planned))
                .context(UnknownStepSnafu { name, version })?;
            let found = step.name();
            ensure!(
                found == name && step.undoable() == planned.undoable,
                OtherStepSnafu {
                    name,
                    version,
                    found
                }
            );
            steps.push(step);
        }
        Ok(steps)
    }

    /// A step with its shared fields. One whose place is empty stays out, and the step is then not
    /// what its operation writes.
    fn whole(&self, planned: &PlannedStep) -> serde_json::Value {
        let mut whole = planned.step.clone();
        if let serde_json::Value::Object(fields) = &mut whole {
            for (field, place) in &planned.shared {
                if let Some(value) = self.shared.get(*place) {
                    fields.insert(field.clone(), value.clone());
                }
            }
        }
        whole
    }

    /// Which of its steps can be undone.
    #[must_use]
    pub fn undoable(&self) -> Vec<bool> {
        self.steps.iter().map(|step| step.undoable).collect()
    }
}

/// Moves fields that several steps have in common out of them, and returns what was moved. A plan of
/// many steps that all know of every server would otherwise grow with the square of their number.
fn share(steps: &mut [PlannedStep]) -> Vec<serde_json::Value> {
    let large = |value: &serde_json::Value| {
        Some(value.to_string()).filter(|text| text.len() >= SHARED_BYTES)
    };
    let mut times: BTreeMap<String, usize> = BTreeMap::new();
    for step in steps.iter() {
        for text in step
            .step
            .as_object()
            .into_iter()
            .flat_map(|fields| fields.values())
            .filter_map(large)
        {
            *times.entry(text).or_default() += 1;
        }
    }
    let mut shared = Vec::new();
    let mut places: BTreeMap<String, usize> = BTreeMap::new();
    for step in steps {
        let serde_json::Value::Object(fields) = &mut step.step else {
            continue;
        };
        for (field, value) in std::mem::take(fields) {
            match large(&value).filter(|text| times.get(text).is_some_and(|times| *times > 1)) {
                None => {
                    fields.insert(field, value);
                }
                Some(text) => {
                    let place = *places.entry(text).or_insert_with(|| {
                        shared.push(value);
                        shared.len() - 1
                    });
                    step.shared.insert(field, place);
                }
            }
        }
    }
    shared
}

/// The most bytes that the journal of a plan can come to need, whatever happens to it.
#[must_use]
pub fn worst_case(plan_bytes: usize, steps: usize) -> usize {
    let entries = (1 + 4 * steps) * ENTRY_BYTES;
    // Each run of the plan may end with one failure, and the next begins with a handover.
    let runs = (HANDOVERS_KEPT + 2) * (2 * ENTRY_BYTES + TEXT_BYTES + PROBLEM_BYTES);
    plan_bytes + entries + runs + PROGRESS_BYTES + FINISHED_KEPT * FINISHED_BYTES + 128
}

/// Something that happened to a plan. Steps are named by their position, counted from 0.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Event {
    /// The plan was frozen.
    Planned {
        /// The hash of its text.
        plan: String,
    },
    /// A step's commands are about to be performed, or its condition was observed to hold.
    Started {
        /// The step.
        step: usize,
    },
    /// A step's condition was observed.
    Succeeded {
        /// The step.
        step: usize,
    },
    /// A step cannot be brought about.
    Failed {
        /// The step.
        step: usize,
        /// Why.
        problem: Problem,
    },
    /// A step's commands of taking back are about to be performed.
    UndoStarted {
        /// The step.
        step: usize,
    },
    /// A step was observed to be taken back.
    UndoFinished {
        /// The step.
        step: usize,
    },
    /// A step cannot be taken back.
    UndoFailed {
        /// The step.
        step: usize,
        /// Why.
        problem: Problem,
    },
    /// Another runner goes on with the plan.
    HandedOver {
        /// Who.
        holder: String,
    },
}

impl Event {
    /// The event that begins a step in a direction.
    #[must_use]
    pub fn intent(direction: Direction, step: usize) -> Self {
        match direction {
            Direction::Doing => Self::Started { step },
            Direction::Undoing => Self::UndoStarted { step },
        }
    }

    /// The event that ends a step in a direction.
    #[must_use]
    pub fn success(direction: Direction, step: usize) -> Self {
        match direction {
            Direction::Doing => Self::Succeeded { step },
            Direction::Undoing => Self::UndoFinished { step },
        }
    }

    /// The event that says that a step cannot be brought about in a direction.
    #[must_use]
    pub fn failure(direction: Direction, step: usize, problem: Problem) -> Self {
        match direction {
            Direction::Doing => Self::Failed { step, problem },
            Direction::Undoing => Self::UndoFailed { step, problem },
        }
    }

    /// The step that it is about, if any, and in which direction.
    #[must_use]
    pub fn step(&self) -> Option<(Direction, usize)> {
        match self {
            Self::Planned { .. } | Self::HandedOver { .. } => None,
            Self::Started { step } | Self::Succeeded { step } | Self::Failed { step, .. } => {
                Some((Direction::Doing, *step))
            }
            Self::UndoStarted { step }
            | Self::UndoFinished { step }
            | Self::UndoFailed { step, .. } => Some((Direction::Undoing, *step)),
        }
    }

    /// Its name, and its step counted from 1.
    #[must_use]
    pub fn title(&self) -> String {
        let name = match self {
            Self::Planned { .. } => "Planned",
            Self::Started { .. } => "Started",
            Self::Succeeded { .. } => "Succeeded",
            Self::Failed { .. } => "Failed",
            Self::UndoStarted { .. } => "UndoStarted",
            Self::UndoFinished { .. } => "UndoFinished",
            Self::UndoFailed { .. } => "UndoFailed",
            Self::HandedOver { .. } => "HandedOver",
        };
        match self.step() {
            Some((_, step)) => format!("{name} (step {})", step + 1),
            None => name.to_owned(),
        }
    }

    /// With every text short enough for the journal.
    fn bounded(&self) -> Self {
        match self {
            Self::Failed { step, problem } => Self::Failed {
                step: *step,
                problem: bounded_problem(problem),
            },
            Self::UndoFailed { step, problem } => Self::UndoFailed {
                step: *step,
                problem: bounded_problem(problem),
            },
            Self::HandedOver { holder } => Self::HandedOver {
                holder: shortened(holder),
            },
            other => other.clone(),
        }
    }
}

/// An event with its place in the chain.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Its position, counted from 0.
    pub sequence: usize,
    /// The epoch of the runner that wrote it.
    pub epoch: u64,
    /// When it was written.
    pub moment: Moment,
    /// The hash of the line before; empty for the first.
    pub previous: String,
    /// What happened.
    pub event: Event,
}

/// Where a plan stands: the fold of its events. Steps are counted from 0.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum State {
    /// Nothing is planned.
    Absent,
    /// The step is the next to bring about.
    Doing {
        /// The step.
        step: usize,
        /// Whether its intent is written.
        started: bool,
    },
    /// The step could not be brought about.
    Failed {
        /// The step.
        step: usize,
        /// Whether its intent is written.
        started: bool,
    },
    /// The step is the next to take back.
    Undoing {
        /// The step.
        step: usize,
        /// Whether the intent of taking it back is written.
        started: bool,
    },
    /// The step could not be taken back.
    UndoFailed {
        /// The step.
        step: usize,
        /// Whether the intent of taking it back is written.
        started: bool,
    },
    /// Every step holds.
    Done,
    /// Every step that was started is taken back.
    Unwound,
}

impl State {
    /// How many steps may have had an effect, of a plan of `total`.
    #[must_use]
    pub fn effective(&self, total: usize) -> usize {
        match *self {
            Self::Absent | Self::Unwound => 0,
            Self::Doing { step, started } | Self::Failed { step, started } => {
                step + usize::from(started)
            }
            Self::Undoing { step, .. } | Self::UndoFailed { step, .. } => step + 1,
            Self::Done => total,
        }
    }

    /// Whether everything that may have had an effect can be undone.
    #[must_use]
    pub fn reversible(&self, undoable: &[bool]) -> bool {
        undoable
            .iter()
            .take(self.effective(undoable.len()))
            .all(|undoable| *undoable)
    }
}

impl fmt::Display for State {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (name, step, started) = match self {
            Self::Absent => return formatter.write_str("Absent"),
            Self::Done => return formatter.write_str("Done"),
            Self::Unwound => return formatter.write_str("Unwound"),
            Self::Doing { step, started } => ("Doing", step, started),
            Self::Failed { step, started } => ("Failed", step, started),
            Self::Undoing { step, started } => ("Undoing", step, started),
            Self::UndoFailed { step, started } => ("UndoFailed", step, started),
        };
        let started = if *started { "started" } else { "not started" };
        write!(formatter, "{name} (step {}, {started})", step + 1)
    }
}

/// The state after an event, for a plan whose steps are undoable as told. Total: every pair that is
/// not listed is an error.
///
/// # Errors
/// When the event cannot follow the state.
pub fn fold(undoable: &[bool], state: State, event: &Event) -> Result<State, Error> {
    let reversible = state.reversible(undoable);
    let last = state.effective(undoable.len()).checked_sub(1);
    match (state, event) {
        (State::Absent, Event::Planned { .. }) if !undoable.is_empty() => Ok(State::Doing {
            step: 0,
            started: false,
        }),
        (
            State::Doing {
                step,
                started: false,
            },
            Event::Started { step: named },
        ) if step == *named => Ok(State::Doing {
            step,
            started: true,
        }),
        (
            State::Doing {
                step,
                started: true,
            },
            Event::Succeeded { step: named },
        ) if step == *named => {
            let next = step + 1;
            if next == undoable.len() {
                return Ok(State::Done);
            }
            Ok(State::Doing {
                step: next,
                started: false,
            })
        }
        (State::Doing { step, started }, Event::Failed { step: named, .. }) if step == *named => {
            Ok(State::Failed { step, started })
        }
        (State::Doing { .. } | State::Failed { .. }, Event::UndoStarted { step })
            if reversible && last == Some(*step) =>
        {
            Ok(State::Undoing {
                step: *step,
                started: true,
            })
        }
        // It may turn out before any intent of undoing that the last started step cannot be taken back.
        (State::Doing { .. } | State::Failed { .. }, Event::UndoFailed { step, .. })
            if reversible && last == Some(*step) =>
        {
            Ok(State::UndoFailed {
                step: *step,
                started: false,
            })
        }
        (
            State::Undoing {
                step,
                started: false,
            },
            Event::UndoStarted { step: named },
        ) if step == *named => Ok(State::Undoing {
            step,
            started: true,
        }),
        (
            State::Undoing {
                step,
                started: true,
            },
            Event::UndoFinished { step: named },
        ) if step == *named => Ok(match step.checked_sub(1) {
            Some(step) => State::Undoing {
                step,
                started: false,
            },
            None => State::Unwound,
        }),
        (State::Undoing { step, started }, Event::UndoFailed { step: named, .. })
            if step == *named =>
        {
            Ok(State::UndoFailed { step, started })
        }
        (State::Doing { .. } | State::Undoing { .. }, Event::HandedOver { .. }) => Ok(state),
        // Past the point of no return only forward is left; before it, undoing goes on.
        (State::Failed { step, started }, Event::HandedOver { .. }) => Ok(if reversible {
            state
        } else {
            State::Doing { step, started }
        }),
        (State::UndoFailed { step, started }, Event::HandedOver { .. }) => {
            Ok(State::Undoing { step, started })
        }
        _ => IllegalSnafu {
            state,
            event: event.title(),
        }
        .fail(),
    }
}

/// How a plan was closed.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Ending {
    /// Every step holds.
    Done,
    /// It failed and was taken back.
    Unwound,
    /// It was taken back, or never begun, because another desired state came.
    Superseded,
}

/// A closed plan, compacted to a line.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Finished {
    /// The operation's name.
    pub operation: String,
    /// The operation's phase.
    pub phase: String,
    /// The fingerprint that it was made for.
    pub fingerprint: String,
    /// The version of the program that made it.
    pub version: String,
    /// How it was closed.
    pub ending: Ending,
    /// How many steps it had.
    pub steps: usize,
    /// When it was made.
    pub made: Moment,
    /// When it was closed.
    pub ended: Moment,
    /// The epoch of the runner that closed it.
    pub epoch: u64,
    /// Why it failed, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub problem: Option<Problem>,
}

/// Where the runner is. Overwritten, for people only.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Note {
    /// The step's name.
    pub step: String,
    /// Whether it is being taken back.
    pub undoing: bool,
    /// What is done or waited for.
    pub why: String,
    /// How far it is.
    pub progress: Option<Progress>,
    /// When this was written.
    pub moment: Moment,
    /// The epoch of the runner that wrote it.
    pub epoch: u64,
}

/// A plan that is open.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Open {
    /// The plan.
    pub plan: Plan,
    /// What happened to it.
    pub entries: Vec<Entry>,
    /// Where it stands.
    pub state: State,
    /// The plan as it is stored, so that it is never written in another way.
    text: String,
}

impl Open {
    /// Whether everything that may have had an effect can be undone.
    #[must_use]
    pub fn reversible(&self) -> bool {
        self.state.reversible(&self.plan.undoable())
    }

    /// How many steps may have had an effect.
    #[must_use]
    pub fn effective(&self) -> usize {
        self.state.effective(self.plan.steps.len())
    }

    /// Why it failed, if it did: the last problem of doing.
    #[must_use]
    pub fn failure(&self) -> Option<&Problem> {
        self.entries
            .iter()
            .rev()
            .find_map(|entry| match &entry.event {
                Event::Failed { problem, .. } => Some(problem),
                _ => None,
            })
    }
}

/// A journal whose format, seal, chain and plan were verified.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Journal {
    stored: Stored,
    open: Option<Open>,
    history: Vec<Finished>,
}

impl Journal {
    /// Verifies what is stored. None of the keys: no journal, which is fine.
    ///
    /// # Errors
    /// Names the key and what is wrong with it.
    pub fn verify(stored: &Stored) -> Result<Self, Error> {
        let text = |key: &str| stored.data.get(key).map_or("", String::as_str);
        let (plan, entries, history) = (text(PLAN), text(ENTRIES), text(HISTORY));
        let seal = text(SEAL);
        if plan.is_empty() && entries.is_empty() && history.is_empty() && seal.is_empty() {
            return Ok(Self {
                stored: stored.clone(),
                open: None,
                history: Vec::new(),
            });
        }
        // The format comes first: another format may be sealed in another way.
        if let Ok(Tag { format }) = serde_json::from_str(plan) {
            ensure!(format == FORMAT, UnknownFormatSnafu { found: format });
        }
        let witness = [
            (PLAN, plan),
            (ENTRIES, entries),
            (HISTORY, history),
            (SEAL, seal),
        ]
        .into_iter()
        .find_map(|(key, text)| (!text.is_empty()).then_some(key))
        .unwrap_or(SEAL);
        ensure!(!seal.is_empty(), MissingSnafu { key: SEAL, witness });
        ensure!(
            plan.is_empty() || !entries.is_empty(),
            MissingSnafu {
                key: ENTRIES,
                witness: PLAN
            }
        );
        ensure!(
            !plan.is_empty() || entries.is_empty(),
            MissingSnafu {
                key: PLAN,
                witness: ENTRIES
            }
        );
        ensure!(seal == seal_of(plan, entries, history), SealSnafu);
        let open = if plan.is_empty() {
            None
        } else {
            Some(verify_open(plan, entries)?)
        };
        let history = lines_of(HISTORY, history)?
            .into_iter()
            .enumerate()
            .map(|(index, line)| {
                serde_json::from_str(line).context(UnreadableSnafu {
                    key: HISTORY,
                    line: index + 1,
                })
            })
            .collect::<Result<Vec<Finished>, Error>>()?;
        Ok(Self {
            stored: stored.clone(),
            open,
            history,
        })
    }

    /// What to store, under the version that it replaces.
    #[must_use]
    pub fn stored(&self) -> &Stored {
        &self.stored
    }

    /// The plan that is open, if any.
    #[must_use]
    pub fn open(&self) -> Option<&Open> {
        self.open.as_ref()
    }

    /// The plans that were closed, the oldest first.
    #[must_use]
    pub fn history(&self) -> &[Finished] {
        &self.history
    }

    /// The same journal under the version that the store gave it.
    #[must_use]
    pub fn under(mut self, version: String) -> Self {
        self.stored.version = version;
        self
    }

    /// The journal with a plan opened.
    ///
    /// # Errors
    /// When one is open.
    pub fn with_plan(&self, plan: Plan) -> Result<Self, Error> {
        ensure!(self.open.is_none(), PlanOpenSnafu);
        let text = text_of(&plan);
        let event = Event::Planned { plan: hash(&text) };
        let state = fold(&plan.undoable(), State::Absent, &event)?;
        let entry = Entry {
            sequence: 0,
            epoch: plan.epoch,
            moment: plan.made,
            previous: String::new(),
            event,
        };
        let open = Open {
            plan,
            entries: vec![entry],
            state,
            text,
        };
        let mut next = Self {
            open: Some(open),
            ..self.clone()
        };
        next.stored.data.remove(PROGRESS);
        Ok(next.written())
    }

    /// The journal with events added.
    ///
    /// # Errors
    /// When no plan is open, or an event cannot follow.
    pub fn with_events(&self, epoch: u64, moment: Moment, events: &[Event]) -> Result<Self, Error> {
        let mut next = self.clone();
        let open = next.open.as_mut().context(NoPlanSnafu)?;
        let undoable = open.plan.undoable();
        for event in events {
            open.state = fold(&undoable, open.state, event)?;
            let previous = open
                .entries
                .last()
                .map_or_else(String::new, |last| hash(&text_of(last)));
            let sequence = open.entries.len();
            let event = event.bounded();
            open.entries.push(Entry {
                sequence,
                epoch,
                moment,
                previous,
                event,
            });
            let handovers = open
                .entries
                .iter()
                .filter(|entry| matches!(entry.event, Event::HandedOver { .. }))
                .count();
            if handovers > HANDOVERS_KEPT {
                open.entries = without_loops(&undoable, &open.entries)?;
            }
        }
        Ok(next.written())
    }

    /// The journal with the note of progress replaced.
    #[must_use]
    pub fn with_note(&self, note: &Note) -> Self {
        let note = Note {
            step: shortened(&note.step),
            why: shortened(&note.why),
            progress: note.progress.as_ref().map(|progress| Progress {
                unit: shortened(&progress.unit),
                ..progress.clone()
            }),
            ..note.clone()
        };
        let mut next = self.clone();
        next.stored.data.insert(PROGRESS.to_owned(), text_of(&note));
        next
    }

    /// The journal with the open plan compacted to a line of the history.
    ///
    /// # Errors
    /// When no plan is open.
    pub fn closed(&self, epoch: u64, ended: Moment, ending: Ending) -> Result<Self, Error> {
        let mut next = self.clone();
        let open = next.open.take().context(NoPlanSnafu)?;
        let problem = match ending {
            Ending::Done => None,
            Ending::Unwound | Ending::Superseded => open.failure().cloned(),
        };
        next.history.push(Finished {
            operation: shortened(&open.plan.operation),
            phase: shortened(&open.plan.phase),
            fingerprint: shortened(&open.plan.fingerprint),
            version: shortened(&open.plan.version),
            ending,
            steps: open.plan.steps.len(),
            made: open.plan.made,
            ended,
            epoch,
            problem,
        });
        let surplus = next.history.len().saturating_sub(FINISHED_KEPT);
        next.history.drain(..surplus);
        next.stored.data.remove(PROGRESS);
        Ok(next.written())
    }

    /// Writes plan, entries, history and seal as text.
    fn written(mut self) -> Self {
        let (plan, entries) = match &self.open {
            Some(open) => (open.text.clone(), lines(&open.entries)),
            None => (String::new(), String::new()),
        };
        let history = lines(&self.history);
        let seal = seal_of(&plan, &entries, &history);
        let texts = [
            (PLAN, plan),
            (ENTRIES, entries),
            (HISTORY, history),
            (SEAL, seal),
        ];
        for (key, text) in texts {
            if text.is_empty() {
                self.stored.data.remove(key);
            } else {
                self.stored.data.insert(key.to_owned(), text);
            }
        }
        self
    }
}

#[derive(Deserialize)]
struct Tag {
    format: u64,
}

fn verify_open(plan_text: &str, entries_text: &str) -> Result<Open, Error> {
    let plan: Plan = serde_json::from_str(plan_text).context(UnreadableSnafu {
        key: PLAN,
        line: 1_usize,
    })?;
    let undoable = plan.undoable();
    let mut state = State::Absent;
    let mut entries: Vec<Entry> = Vec::new();
    let mut previous = String::new();
    for (sequence, line) in lines_of(ENTRIES, entries_text)?.into_iter().enumerate() {
        let entry: Entry = serde_json::from_str(line).context(UnreadableSnafu {
            key: ENTRIES,
            line: sequence + 1,
        })?;
        let chained = |holds: bool, why: &'static str| {
            ensure!(holds, ChainSnafu { sequence, why });
            Ok(())
        };
        chained(
            entry.sequence == sequence,
            "its sequence is not the next number",
        )?;
        chained(
            entry.previous == previous,
            "its hash of the line before is another",
        )?;
        let epoch = entries.last().map_or(plan.epoch, |last| last.epoch);
        chained(entry.epoch >= epoch, "its epoch is lower")?;
        if let Event::Planned { plan } = &entry.event {
            ensure!(*plan == hash(plan_text), PlanHashSnafu);
        }
        state = fold(&undoable, state, &entry.event)?;
        previous = hash(line);
        entries.push(entry);
    }
    Ok(Open {
        plan,
        entries,
        state,
        text: plan_text.to_owned(),
    })
}

/// Forgets events that led back to a state that was passed before, and chains the rest anew.
fn without_loops(undoable: &[bool], entries: &[Entry]) -> Result<Vec<Entry>, Error> {
    let mut state = State::Absent;
    let mut path: Vec<(State, &Entry)> = Vec::new();
    for entry in entries {
        state = fold(undoable, state, &entry.event)?;
        match path.iter().position(|(passed, _)| *passed == state) {
            Some(position) => path.truncate(position + 1),
            None => path.push((state, entry)),
        }
    }
    let mut kept: Vec<Entry> = Vec::with_capacity(path.len());
    for (sequence, (_, entry)) in path.into_iter().enumerate() {
        let previous = kept
            .last()
            .map_or_else(String::new, |last| hash(&text_of(last)));
        kept.push(Entry {
            sequence,
            previous,
            ..entry.clone()
        });
    }
    Ok(kept)
}

fn lines<T: Serialize>(items: &[T]) -> String {
    items.iter().map(|item| text_of(item) + "\n").collect()
}

fn lines_of<'a>(key: &'static str, text: &'a str) -> Result<Vec<&'a str>, Error> {
    if text.is_empty() {
        return Ok(Vec::new());
    }
    let body = text.strip_suffix('\n').context(CutSnafu { key })?;
    Ok(body.split('\n').collect())
}

/// The JSON of something of this module, all of which can be written: texts, numbers, lists.
fn text_of<T: Serialize>(value: &T) -> String {
    // A value that cannot be written leaves a text that verification refuses.
    serde_json::to_string(value).unwrap_or_default()
}

fn seal_of(plan: &str, entries: &str, history: &str) -> String {
    // As a JSON list, so that no text can move from one key to another unseen.
    hash(&text_of(&[plan, entries, history]))
}

/// The SHA-256 of a text, in hexadecimal.
#[must_use]
pub fn hash(text: &str) -> String {
    hexadecimal(&Sha256::digest(text.as_bytes()))
}

/// Bytes as hexadecimal digits.
#[must_use]
pub fn hexadecimal(bytes: &[u8]) -> String {
    bytes
        .iter()
        .fold(String::with_capacity(2 * bytes.len()), |mut hex, byte| {
            // Writing to a String cannot fail.
            let _ = write!(hex, "{byte:02x}");
            hex
        })
}

/// A text cut so that its JSON stays within the longest allowed.
fn shortened(text: &str) -> String {
    if text_of(&text).len() <= TEXT_BYTES {
        return text.to_owned();
    }
    let mut short = String::new();
    let mut bytes = "\"…\"".len();
    for character in text.chars() {
        bytes += text_of(&character).len() - 2;
        if bytes > TEXT_BYTES {
            break;
        }
        short.push(character);
    }
    short.push('…');
    short
}

fn bounded_problem(problem: &Problem) -> Problem {
    Problem {
        object: shortened(&problem.object),
        why: shortened(&problem.why),
        remedy: shortened(&problem.remedy),
    }
}

/// The journal for a person: the open plan with each step's state, what went wrong, and the plans before it.
#[must_use]
pub fn describe(stored: &Stored) -> String {
    let lines = match Journal::verify(stored) {
        Ok(journal) => journal.lines(),
        Err(error) => vec![format!("the journal cannot be read: {error}")],
    };
    lines
        .into_iter()
        .map(|line| line.replace(['\n', '\r'], " ") + "\n")
        .collect()
}

impl Journal {
    fn lines(&self) -> Vec<String> {
        let mut lines = match &self.open {
            Some(open) => open.lines(),
            None => vec!["no plan is open".to_owned()],
        };
        let note = self
            .stored
            .data
            .get(PROGRESS)
            .map(|note| serde_json::from_str::<Note>(note));
        if let (Some(_), Some(Ok(note))) = (&self.open, note) {
            let counted = note.progress.map_or_else(String::new, |progress| {
                format!(
                    ", {} of {} {}",
                    progress.done, progress.total, progress.unit
                )
            });
            let doing = if note.undoing { "undoing " } else { "" };
            let (moment, step, why) = (instant(note.moment), note.step, note.why);
            lines.push(format!("last seen {moment}: {doing}{step}: {why}{counted}"));
        }
        if !self.history.is_empty() {
            lines.push("finished plans, the newest first:".to_owned());
        }
        lines.extend(self.history.iter().rev().map(Finished::line));
        lines
    }
}

impl Finished {
    fn line(&self) -> String {
        let ending = match self.ending {
            Ending::Done => "Done",
            Ending::Unwound => "Unwound",
            Ending::Superseded => "Superseded",
        };
        let why = self.problem.as_ref().map_or_else(String::new, |problem| {
            format!(": {}: {}", problem.object, problem.why)
        });
        let seconds = self.ended.saturating_sub(self.made) / 1_000;
        let Self {
            operation,
            phase,
            steps,
            ended,
            ..
        } = self;
        let ended = instant(*ended);
        format!("  {ended} {operation} ({phase}) {ending}, {steps} steps, {seconds} s{why}")
    }
}

impl Open {
    fn lines(&self) -> Vec<String> {
        let Plan {
            operation,
            phase,
            fingerprint,
            version,
            epoch,
            made,
            steps,
            ..
        } = &self.plan;
        let made = instant(*made);
        let direction = if self.reversible() {
            "can be undone"
        } else {
            "can only go forward"
        };
        let mut lines = vec![
            format!("open plan: {operation} ({phase}) for the desired state {fingerprint}"),
            format!("made {made} by version {version} in epoch {epoch}"),
            format!("state: {}, {direction}", self.state),
        ];
        lines.extend(
            steps.iter().enumerate().map(|(index, step)| {
                format!("  {} {}: {}", index + 1, step.name, self.mark(index))
            }),
        );
        lines.extend(self.entries.iter().filter_map(|entry| match &entry.event {
            Event::Failed { problem, .. } | Event::UndoFailed { problem, .. } => {
                let Problem {
                    object,
                    why,
                    remedy,
                } = problem;
                let (moment, title) = (instant(entry.moment), entry.event.title());
                Some(format!("{moment} {title}: {object}: {why}; {remedy}"))
            }
            _ => None,
        }));
        lines
    }

    /// A step's state in words.
    fn mark(&self, index: usize) -> &'static str {
        match self.state {
            State::Absent => "not begun",
            State::Done => "holds",
            State::Unwound => "taken back",
            State::Doing { step, started } => match index.cmp(&step) {
                Ordering::Less => "holds",
                Ordering::Equal if started => "begun",
                Ordering::Equal | Ordering::Greater => "not begun",
            },
            State::Failed { step, .. } => match index.cmp(&step) {
                Ordering::Less => "holds",
                Ordering::Equal => "failed",
                Ordering::Greater => "not begun",
            },
            State::Undoing { step, started } => match index.cmp(&step) {
                Ordering::Equal if started => "being taken back",
                Ordering::Less | Ordering::Equal => "to be taken back",
                Ordering::Greater => "taken back or not begun",
            },
            State::UndoFailed { step, .. } => match index.cmp(&step) {
                Ordering::Less => "to be taken back",
                Ordering::Equal => "could not be taken back",
                Ordering::Greater => "taken back or not begun",
            },
        }
    }
}

/// A moment as people write it, in universal time.
fn instant(moment: Moment) -> String {
    let seconds = moment / 1_000;
    let (days, rest) = (seconds / 86_400, seconds % 86_400);
    // Years that begin in March make the leap day the last of its year; an era is 400 years.
    let shifted = days + 719_468;
    let (era, day_of_era) = (shifted / 146_097, shifted % 146_097);
    let year_of_era =
        (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let month_from_march = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * month_from_march + 2) / 5 + 1;
    let month = if month_from_march < 10 {
        month_from_march + 3
    } else {
        month_from_march - 9
    };
    let year = era * 400 + year_of_era + u64::from(month <= 2);
    let (hour, minute, second) = (rest / 3_600, rest / 60 % 60, rest % 60);
    format!("{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z")
}

#[cfg(test)]
mod tests {
    use std::collections::{BTreeMap, BTreeSet};

    use super::*;

    const UNDOABLE: [bool; 2] = [true, false];

    fn problem() -> Problem {
        Problem {
            object: "broker 1".to_owned(),
            why: "it is gone".to_owned(),
            remedy: "start it".to_owned(),
        }
    }

    fn plan(undoable: &[bool]) -> Plan {
        let steps = undoable
            .iter()
            .enumerate()
            .map(|(index, undoable)| PlannedStep {
                name: format!("step_{index}"),
                undoable: *undoable,
                limits: Limits::default(),
                step: serde_json::json!({ "index": index, "share": 0.1 }),
                shared: BTreeMap::new(),
            })
            .collect();
        Plan {
            format: FORMAT,
            operation: "change".to_owned(),
            phase: "after".to_owned(),
            fingerprint: "f".to_owned(),
            version: "1".to_owned(),
            epoch: 3,
            made: 1_767_225_600_000,
            steps,
            shared: Vec::new(),
        }
    }

    fn every_event(steps: usize) -> Vec<Event> {
        let mut events = vec![
            Event::Planned {
                plan: String::new(),
            },
            Event::HandedOver {
                holder: "a".to_owned(),
            },
        ];
        for step in 0..=steps {
            for direction in [Direction::Doing, Direction::Undoing] {
                events.push(Event::intent(direction, step));
                events.push(Event::success(direction, step));
                events.push(Event::failure(direction, step, problem()));
            }
        }
        events
    }

    fn every_state(steps: usize) -> Vec<State> {
        let mut states = vec![State::Absent, State::Done, State::Unwound];
        for step in 0..steps {
            for started in [false, true] {
                states.extend([
                    State::Doing { step, started },
                    State::Failed { step, started },
                    State::Undoing { step, started },
                    State::UndoFailed { step, started },
                ]);
            }
        }
        states
    }

    /// Every legal pair of a plan of two steps whose second cannot be undone.
    const LEGAL: &str = "\
Absent + Planned = Doing (step 1, not started)
Doing (step 1, not started) + Failed (step 1) = Failed (step 1, not started)
Doing (step 1, not started) + HandedOver = Doing (step 1, not started)
Doing (step 1, not started) + Started (step 1) = Doing (step 1, started)
Doing (step 1, started) + Failed (step 1) = Failed (step 1, started)
Doing (step 1, started) + HandedOver = Doing (step 1, started)
Doing (step 1, started) + Succeeded (step 1) = Doing (step 2, not started)
Doing (step 1, started) + UndoFailed (step 1) = UndoFailed (step 1, not started)
Doing (step 1, started) + UndoStarted (step 1) = Undoing (step 1, started)
Doing (step 2, not started) + Failed (step 2) = Failed (step 2, not started)
Doing (step 2, not started) + HandedOver = Doing (step 2, not started)
Doing (step 2, not started) + Started (step 2) = Doing (step 2, started)
Doing (step 2, not started) + UndoFailed (step 1) = UndoFailed (step 1, not started)
Doing (step 2, not started) + UndoStarted (step 1) = Undoing (step 1, started)
Doing (step 2, started) + Failed (step 2) = Failed (step 2, started)
Doing (step 2, started) + HandedOver = Doing (step 2, started)
Doing (step 2, started) + Succeeded (step 2) = Done
Failed (step 1, not started) + HandedOver = Failed (step 1, not started)
Failed (step 1, started) + HandedOver = Failed (step 1, started)
Failed (step 1, started) + UndoFailed (step 1) = UndoFailed (step 1, not started)
Failed (step 1, started) + UndoStarted (step 1) = Undoing (step 1, started)
Failed (step 2, not started) + HandedOver = Failed (step 2, not started)
Failed (step 2, not started) + UndoFailed (step 1) = UndoFailed (step 1, not started)
Failed (step 2, not started) + UndoStarted (step 1) = Undoing (step 1, started)
Failed (step 2, started) + HandedOver = Doing (step 2, started)
UndoFailed (step 1, not started) + HandedOver = Undoing (step 1, not started)
UndoFailed (step 1, started) + HandedOver = Undoing (step 1, started)
Undoing (step 1, not started) + HandedOver = Undoing (step 1, not started)
Undoing (step 1, not started) + UndoFailed (step 1) = UndoFailed (step 1, not started)
Undoing (step 1, not started) + UndoStarted (step 1) = Undoing (step 1, started)
Undoing (step 1, started) + HandedOver = Undoing (step 1, started)
Undoing (step 1, started) + UndoFailed (step 1) = UndoFailed (step 1, started)
Undoing (step 1, started) + UndoFinished (step 1) = Unwound
";

    #[test]
    fn every_pair_of_state_and_event_is_legal_as_listed_or_an_error() {
        // From the states that can be reached, so that none is listed which never occurs.
        let mut known = vec![State::Absent];
        let mut legal = BTreeSet::new();
        let mut next = 0;
        while let Some(state) = known.get(next).copied() {
            next += 1;
            for event in every_event(UNDOABLE.len()) {
                if let Ok(after) = fold(&UNDOABLE, state, &event) {
                    legal.insert(format!("{state} + {} = {after}\n", event.title()));
                    if !known.contains(&after) {
                        known.push(after);
                    }
                }
            }
        }
        assert_eq!(legal.into_iter().collect::<String>(), LEGAL);
    }

    #[test]
    fn fold_never_leaves_the_plan_and_never_undoes_what_cannot_be() {
        let (mut legal, mut illegal) = (0, 0);
        for bits in 0..8_u8 {
            let undoable: Vec<bool> = (0..3).map(|step| bits & (1 << step) != 0).collect();
            for state in every_state(3) {
                for event in every_event(3) {
                    let Ok(after) = fold(&undoable, state, &event) else {
                        illegal += 1;
                        continue;
                    };
                    legal += 1;
                    assert!(after.effective(3) <= 3);
                    if let Event::UndoStarted { .. } = event
                        && !matches!(state, State::Undoing { .. })
                    {
                        assert!(
                            state.reversible(&undoable),
                            "{state} {event:?} {undoable:?}"
                        );
                    }
                    // No event makes a step effective without its own intent.
                    let grows = after.effective(3) > state.effective(3);
                    assert!(
                        !grows || matches!(event, Event::Started { .. }),
                        "{state} {event:?}"
                    );
                }
            }
        }
        assert_eq!(legal + illegal, 8 * 27 * 26);
        assert!(
            fold(
                &[],
                State::Absent,
                &Event::Planned {
                    plan: String::new()
                }
            )
            .is_err()
        );
        assert!(legal > 0);
    }

    /// A journal with history, an open plan in its middle, and a note.
    fn sample() -> Journal {
        let empty = Journal::verify(&Stored::default()).unwrap();
        let finished = empty
            .with_plan(plan(&[true]))
            .and_then(|journal| {
                let events = [
                    Event::Started { step: 0 },
                    Event::Failed {
                        step: 0,
                        problem: problem(),
                    },
                    Event::UndoStarted { step: 0 },
                    Event::UndoFinished { step: 0 },
                ];
                journal.with_events(3, 1_767_225_605_000, &events)
            })
            .and_then(|journal| journal.closed(3, 1_767_225_606_000, Ending::Unwound))
            .unwrap();
        let open = finished
            .with_plan(plan(&[true, true, false]))
            .and_then(|journal| {
                let events = [Event::Started { step: 0 }, Event::Succeeded { step: 0 }];
                journal.with_events(3, 1_767_225_610_000, &events)
            })
            .and_then(|journal| {
                let events = [
                    Event::HandedOver {
                        holder: "b".to_owned(),
                    },
                    Event::Started { step: 1 },
                ];
                journal.with_events(4, 1_767_225_620_000, &events)
            })
            .unwrap();
        open.with_note(&Note {
            step: "step_1".to_owned(),
            undoing: false,
            why: "brokers register".to_owned(),
            progress: Some(Progress {
                done: 1,
                total: 3,
                unit: "brokers".to_owned(),
            }),
            moment: 1_767_225_621_000,
            epoch: 4,
        })
    }

    fn means(journal: &Journal) -> (Option<Open>, Vec<Finished>) {
        (journal.open.clone(), journal.history.clone())
    }

    #[test]
    fn what_is_written_verifies_to_the_same() {
        let journal = sample();
        let again = Journal::verify(journal.stored()).unwrap();
        assert_eq!(again, journal);
        assert_eq!(
            again.open().unwrap().state,
            State::Doing {
                step: 1,
                started: true
            }
        );
        assert_eq!(again.history().len(), 1);
        assert_eq!(
            again
                .stored()
                .data
                .keys()
                .map(String::as_str)
                .collect::<Vec<_>>(),
            [ENTRIES, HISTORY, PLAN, PROGRESS, SEAL]
        );
    }

    #[test]
    fn a_journal_cut_at_any_byte_of_any_key_means_the_same_or_is_refused() {
        let journal = sample();
        let (mut refused, mut same) = (0, 0);
        for (key, text) in &journal.stored().data {
            for end in (0..text.len()).filter(|end| text.is_char_boundary(*end)) {
                let mut torn = journal.stored().clone();
                torn.data.insert(key.clone(), text[..end].to_owned());
                match Journal::verify(&torn) {
                    Ok(read) => {
                        assert_eq!(key, PROGRESS, "only the note may be torn unseen");
                        assert_eq!(means(&read), means(&journal));
                        same += 1;
                    }
                    Err(error) => {
                        assert!(!error.to_string().is_empty());
                        refused += 1;
                    }
                }
            }
        }
        assert!(refused > 1_000 && same > 100, "{refused} {same}");
    }

    #[test]
    fn a_journal_without_one_of_its_keys_is_refused() {
        let journal = sample();
        for key in [PLAN, ENTRIES, HISTORY, SEAL] {
            let mut torn = journal.stored().clone();
            torn.data.remove(key);
            assert!(Journal::verify(&torn).is_err(), "{key}");
        }
        let emptied = Stored {
            version: "9".to_owned(),
            data: BTreeMap::new(),
        };
        assert!(Journal::verify(&emptied).unwrap().open().is_none());
    }

    /// Puts texts in place and seals them, as an attacker or a bug that knows the seal would.
    fn resealed(journal: &Journal, key: &str, text: &str) -> Stored {
        let mut stored = journal.stored().clone();
        stored.data.insert(key.to_owned(), text.to_owned());
        let seal = seal_of(
            &stored.data[PLAN],
            &stored.data[ENTRIES],
            &stored.data[HISTORY],
        );
        stored.data.insert(SEAL.to_owned(), seal);
        stored
    }

    #[test]
    fn a_broken_chain_is_refused_even_under_a_fitting_seal() {
        let journal = sample();
        let text = journal.stored().data[ENTRIES].clone();
        let lines: Vec<&str> = text.lines().collect();
        let joined = |lines: &[&str]| lines.iter().map(|line| (*line).to_owned() + "\n").collect();
        let mut variants: Vec<String> = Vec::new();
        for index in 0..lines.len() {
            let mut without = lines.clone();
            without.remove(index);
            // Without the last entry it is the journal of a moment before, which may be.
            if index + 1 < lines.len() {
                variants.push(joined(&without));
            }
            let mut doubled = lines.clone();
            doubled.insert(index, lines[index]);
            variants.push(joined(&doubled));
            if index + 1 < lines.len() {
                let mut swapped = lines.clone();
                swapped.swap(index, index + 1);
                variants.push(joined(&swapped));
                // The moment is in no other check than the hash of the line.
                let moved = lines[index].replacen("\"moment\":1767225", "\"moment\":1767226", 1);
                assert_ne!(moved, lines[index]);
                let mut changed = lines.clone();
                changed[index] = &moved;
                variants.push(joined(&changed));
            }
        }
        for variant in variants {
            let stored = resealed(&journal, ENTRIES, &variant);
            let error = Journal::verify(&stored).unwrap_err();
            assert!(
                matches!(error, Error::Chain { .. } | Error::Illegal { .. }),
                "{error}\n{variant}"
            );
        }
    }

    #[test]
    fn each_field_is_needed() {
        let journal = sample();
        let mut dropped = 0;
        for key in [PLAN, ENTRIES, HISTORY] {
            let text = journal.stored().data[key].clone();
            for (index, line) in text.lines().enumerate() {
                let value: serde_json::Value = serde_json::from_str(line).unwrap();
                let fields: Vec<String> = value.as_object().unwrap().keys().cloned().collect();
                for field in fields {
                    // Nothing but the reason of a finished plan may be absent.
                    if field == "problem" {
                        continue;
                    }
                    let mut value = value.clone();
                    value.as_object_mut().unwrap().remove(&field);
                    let mut lines: Vec<String> = text.lines().map(str::to_owned).collect();
                    lines[index] = value.to_string();
                    let mut changed = lines.join("\n");
                    if text.ends_with('\n') {
                        changed.push('\n');
                    }
                    let stored = resealed(&journal, key, &changed);
                    let error = Journal::verify(&stored).unwrap_err();
                    assert!(
                        matches!(error, Error::Unreadable { .. }),
                        "{key} {field}: {error}"
                    );
                    dropped += 1;
                }
            }
        }
        assert!(dropped > 30, "{dropped}");
    }

    #[test]
    fn another_plan_or_format_is_refused() {
        let journal = sample();
        let text = journal.stored().data[PLAN].clone();
        let other = text.replacen("\"fingerprint\":\"f\"", "\"fingerprint\":\"g\"", 1);
        assert_ne!(other, text);
        let error = Journal::verify(&resealed(&journal, PLAN, &other)).unwrap_err();
        assert!(matches!(error, Error::PlanHash), "{error}");
        let newer = text.replacen("\"format\":1", "\"format\":2", 1);
        let error = Journal::verify(&resealed(&journal, PLAN, &newer)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the key plan of the journal has the format 2; this program knows 1"
        );
    }

    #[test]
    fn a_journal_never_outgrows_its_worst_case() {
        let plan = plan(&[true; 12]);
        let bound = worst_case(text_of(&plan).len(), plan.steps.len());
        let long = Problem {
            object: "\u{1}".repeat(3_000),
            why: "ä\"\\".repeat(3_000),
            remedy: "x".repeat(3_000),
        };
        let size = |journal: &Journal| -> usize {
            journal
                .stored()
                .data
                .iter()
                .map(|(key, text)| key.len() + text.len())
                .sum()
        };
        let mut journal = Journal::verify(&Stored::default()).unwrap();
        let mut largest = 0;
        let mut moment = 1_767_225_600_000;
        for _ in 0..FINISHED_KEPT + 3 {
            journal = journal.with_plan(plan.clone()).unwrap();
            let mut events: Vec<Event> = Vec::new();
            for step in 0..12 {
                events.push(Event::Started { step });
                events.push(Event::Succeeded { step });
            }
            events.pop();
            events.push(Event::Failed {
                step: 11,
                problem: long.clone(),
            });
            for step in (0..12).rev() {
                for _ in 0..5 {
                    events.push(Event::UndoFailed {
                        step,
                        problem: long.clone(),
                    });
                    events.push(Event::HandedOver {
                        holder: "h".repeat(3_000),
                    });
                }
                events.push(Event::UndoStarted { step });
                events.push(Event::UndoFinished { step });
            }
            let note = Note {
                step: "s".repeat(3_000),
                undoing: true,
                why: "w".repeat(3_000),
                progress: Some(Progress {
                    done: 1,
                    total: 2,
                    unit: "u".repeat(3_000),
                }),
                moment: u64::MAX,
                epoch: u64::MAX,
            };
            for event in events {
                moment += 1;
                journal = journal
                    .with_events(u64::MAX, moment, &[event])
                    .unwrap()
                    .with_note(&note);
                largest = largest.max(size(&journal));
                assert!(size(&journal) <= bound, "{} of {bound}", size(&journal));
            }
            assert_eq!(
                Journal::verify(journal.stored())
                    .unwrap()
                    .open()
                    .unwrap()
                    .state,
                State::Unwound
            );
            journal = journal.closed(u64::MAX, moment, Ending::Unwound).unwrap();
        }
        assert_eq!(journal.history().len(), FINISHED_KEPT);
        assert!(
            largest * 4 > bound,
            "a bound of {bound} for {largest} is no bound worth the name"
        );
    }

    #[test]
    fn loops_are_forgotten_and_the_rest_still_verifies() {
        let mut journal = Journal::verify(&Stored::default())
            .unwrap()
            .with_plan(plan(&[true, true]))
            .unwrap();
        journal = journal
            .with_events(3, 1, &[Event::Started { step: 0 }])
            .unwrap();
        for epoch in 4..400 {
            let event = Event::HandedOver {
                holder: format!("runner-{epoch}"),
            };
            journal = journal.with_events(epoch, epoch, &[event]).unwrap();
        }
        let again = Journal::verify(journal.stored()).unwrap();
        let open = again.open().unwrap();
        assert_eq!(
            open.state,
            State::Doing {
                step: 0,
                started: true
            }
        );
        assert!(
            open.entries.len() < HANDOVERS_KEPT + 5,
            "{}",
            open.entries.len()
        );
    }

    #[test]
    fn a_person_reads_it() {
        assert_eq!(
            describe(sample().stored()),
            "\
open plan: change (after) for the desired state f
made 2026-01-01T00:00:00Z by version 1 in epoch 3
state: Doing (step 2, started), can be undone
  1 step_0: holds
  2 step_1: begun
  3 step_2: not begun
last seen 2026-01-01T00:00:21Z: step_1: brokers register, 1 of 3 brokers
finished plans, the newest first:
  2026-01-01T00:00:06Z change (after) Unwound, 1 steps, 6 s: broker 1: it is gone
"
        );
        assert_eq!(describe(&Stored::default()), "no plan is open\n");
        let mut torn = sample().stored().clone();
        torn.data.remove(SEAL);
        assert!(describe(&torn).starts_with("the journal cannot be read: "));
    }

    #[test]
    fn moments_are_told_in_universal_time() {
        assert_eq!(instant(0), "1970-01-01T00:00:00Z");
        assert_eq!(instant(951_782_399_000), "2000-02-28T23:59:59Z");
        assert_eq!(instant(951_782_400_000), "2000-02-29T00:00:00Z");
        assert_eq!(instant(4_107_542_399_000), "2100-02-28T23:59:59Z");
        assert_eq!(instant(4_107_542_400_000), "2100-03-01T00:00:00Z");
    }
}
