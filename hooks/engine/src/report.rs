//! What a runner tells people while it works: one plain line for each report.

use std::fmt;

use crate::step::{Direction, Problem, Progress};

/// How a run ended.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Outcome {
    /// The desired state holds.
    Done {
        /// Whether this run or one that it continued had to change anything.
        changed: bool,
    },
    /// It could not be brought about, and everything started was taken back.
    Unwound(Problem),
    /// It can be neither finished nor taken back without a person; the plan stays open.
    Stuck(Problem),
    /// It was not tried. Nothing of the product was touched.
    Refused(Problem),
    /// Another run took over.
    Superseded,
}

impl Outcome {
    /// The outcome's name alone: `Done`, `Unwound`, `Stuck`, `Refused` or `Superseded`.
    #[must_use]
    pub fn name(&self) -> &'static str {
        match self {
            Self::Done { .. } => "Done",
            Self::Unwound(_) => "Unwound",
            Self::Stuck(_) => "Stuck",
            Self::Refused(_) => "Refused",
            Self::Superseded => "Superseded",
        }
    }

    /// What a person has to solve, if anything.
    #[must_use]
    pub fn problem(&self) -> Option<&Problem> {
        match self {
            Self::Unwound(problem) | Self::Stuck(problem) | Self::Refused(problem) => Some(problem),
            Self::Done { .. } | Self::Superseded => None,
        }
    }
}

/// A step's place in its plan, for people.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Place {
    /// Whether the plan is being carried out or taken back.
    pub direction: Direction,
    /// The step's position, counted from 1.
    pub index: usize,
    /// How many steps the plan has.
    pub total: usize,
    /// The step's name.
    pub name: String,
}

/// Something that people are told. Reports never decide anything.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Report {
    /// Another runner holds the lease.
    LeaseHeld {
        /// Who holds it.
        holder: String,
        /// For how many seconds this runner has waited.
        seconds: u64,
    },
    /// The lease was taken.
    LeaseTaken {
        /// The epoch that it opened.
        epoch: u64,
    },
    /// The world is being looked at.
    SurveyStarted {
        /// The operation.
        operation: String,
        /// Its phase.
        phase: String,
    },
    /// The survey waits for something to come up.
    SurveyWaiting {
        /// What is waited for.
        why: String,
        /// For how many seconds.
        seconds: u64,
        /// For how many at most.
        limit: u64,
    },
    /// The desired state holds already.
    NothingToDo {
        /// What was found.
        why: String,
    },
    /// A plan was made and written.
    PlanMade {
        /// The operation.
        operation: String,
        /// The names of its steps, in order.
        steps: Vec<String>,
    },
    /// An open plan is continued.
    Resumed {
        /// The operation.
        operation: String,
        /// Where it is continued; none when only its record is left to close.
        place: Option<Place>,
        /// The epoch that continues it.
        epoch: u64,
    },
    /// The open plan of another desired state is closed before this one is looked at.
    HandedOver {
        /// The operation.
        operation: String,
        /// The fingerprint that the open plan was made for.
        fingerprint: String,
        /// `Undoing` when it is taken back, `Doing` when it is past its point of no return and finished first.
        direction: Direction,
    },
    /// A step is looked at for the first time in this run.
    StepStarted(Place),
    /// A step's commands are about to be performed.
    StepActing {
        /// The step.
        place: Place,
        /// Why, in words.
        why: String,
        /// Which attempt this is, counted from 1.
        attempt: u32,
        /// How many are allowed.
        attempts: u32,
    },
    /// A command may not have been carried out; the step is observed again.
    StepFault {
        /// The step.
        place: Place,
        /// What was wrong.
        why: String,
    },
    /// A step waits.
    StepWaiting {
        /// The step.
        place: Place,
        /// What is waited for.
        why: String,
        /// How far it is.
        progress: Option<Progress>,
        /// For how many seconds the step has run.
        seconds: u64,
        /// For how many it may.
        limit: u64,
    },
    /// A step's condition was observed.
    StepDone {
        /// The step.
        place: Place,
        /// How many seconds it took in this run.
        seconds: u64,
    },
    /// A step cannot be brought about, or taken back.
    StepFailed {
        /// The step.
        place: Place,
        /// The problem.
        problem: Problem,
    },
    /// The steps that were started are taken back, the last one first.
    UndoStarted {
        /// How many steps there are to take back.
        steps: usize,
    },
    /// The run ended.
    Ended {
        /// The operation.
        operation: String,
        /// How it ended.
        outcome: Outcome,
        /// How many seconds it took.
        seconds: u64,
    },
}

impl fmt::Display for Place {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self {
            direction,
            index,
            total,
            name,
        } = self;
        match direction {
            Direction::Doing => write!(formatter, "step {index} of {total} {name}"),
            Direction::Undoing => write!(formatter, "undo of step {index} of {total} {name}"),
        }
    }
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Done { changed: true } => formatter.write_str("Done"),
            Self::Done { changed: false } => formatter.write_str("Done: nothing had to be changed"),
            Self::Superseded => formatter.write_str("Superseded: another run took over"),
            Self::Unwound(problem) | Self::Stuck(problem) | Self::Refused(problem) => {
                let Problem {
                    object,
                    why,
                    remedy,
                } = problem;
                write!(formatter, "{}: {object}: {why}; {remedy}", self.name())
            }
        }
    }
}

impl fmt::Display for Report {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        // A line stays a line, whatever an answer of the product contained.
        let line = self.line();
        if line.contains(['\n', '\r']) {
            return formatter.write_str(&line.replace(['\n', '\r'], " "));
        }
        formatter.write_str(&line)
    }
}

impl Report {
    fn line(&self) -> String {
        match self {
            Self::LeaseHeld { holder, seconds } => {
                format!("waiting for the lease that {holder} holds, {seconds} s so far")
            }
            Self::LeaseTaken { epoch } => format!("lease taken, epoch {epoch}"),
            Self::SurveyStarted { operation, phase } => {
                format!("{operation} ({phase}): looking at the cluster")
            }
            Self::SurveyWaiting {
                why,
                seconds,
                limit,
            } => {
                format!("waiting before planning: {why}, {seconds} s of at most {limit} s")
            }
            Self::NothingToDo { why } => format!("nothing to do: {why}"),
            Self::PlanMade { operation, steps } => {
                format!(
                    "{operation}: plan of {} steps: {}",
                    steps.len(),
                    steps.join(", ")
                )
            }
            Self::Resumed {
                operation,
                place: Some(place),
                epoch,
            } => {
                format!("{operation}: resumed at {place}, epoch {epoch}")
            }
            Self::Resumed {
                operation,
                place: None,
                epoch,
            } => {
                format!("{operation}: resumed to close its record, epoch {epoch}")
            }
            Self::HandedOver {
                operation,
                fingerprint,
                direction,
            } => {
                let what = match direction {
                    Direction::Doing => "finished first, it is past its point of no return",
                    Direction::Undoing => "undone first",
                };
                format!("{operation}: the open plan for the desired state {fingerprint} is {what}")
            }
            Self::StepStarted(place) => format!("{place}: started"),
            Self::StepActing {
                place,
                why,
                attempt,
                attempts,
            } => {
                format!("{place}: acting, attempt {attempt} of at most {attempts}: {why}")
            }
            Self::StepFault { place, why } => {
                format!("{place}: a command was not confirmed, looking again: {why}")
            }
            Self::StepWaiting {
                place,
                why,
                progress,
                seconds,
                limit,
            } => {
                let counted = progress.as_ref().map_or_else(String::new, |progress| {
                    format!(
                        ", {} of {} {}",
                        progress.done, progress.total, progress.unit
                    )
                });
                format!("{place}: waiting: {why}{counted}, {seconds} s of at most {limit} s")
            }
            Self::StepDone { place, seconds } => format!("{place}: done in {seconds} s"),
            Self::StepFailed { place, problem } => {
                let Problem {
                    object,
                    why,
                    remedy,
                } = problem;
                format!("{place}: failed: {object}: {why}; {remedy}")
            }
            Self::UndoStarted { steps } => format!("undoing {steps} steps, the last one first"),
            Self::Ended {
                operation,
                outcome,
                seconds,
            } => {
                format!("{operation}: {outcome} ({seconds} s)")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_carry_counts_and_time() {
        let place = Place {
            direction: Direction::Doing,
            index: 2,
            total: 5,
            name: "list_pushed".to_owned(),
        };
        let waiting = Report::StepWaiting {
            place: place.clone(),
            why: "brokers register".to_owned(),
            progress: Some(Progress {
                done: 3,
                total: 4,
                unit: "brokers".to_owned(),
            }),
            seconds: 7,
            limit: 60,
        };
        assert_eq!(
            waiting.to_string(),
            "step 2 of 5 list_pushed: waiting: brokers register, 3 of 4 brokers, 7 s of at most 60 s"
        );
        let undo = Report::StepStarted(Place {
            direction: Direction::Undoing,
            ..place
        });
        assert_eq!(undo.to_string(), "undo of step 2 of 5 list_pushed: started");
    }

    #[test]
    fn a_report_is_one_line() {
        let report = Report::NothingToDo {
            why: "first\nsecond\r\nthird".to_owned(),
        };
        assert_eq!(report.to_string().lines().count(), 1);
    }
}
