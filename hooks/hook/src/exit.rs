//! How the program ends. The Job repeats a crash and nothing else, so the codes are part of the chart's contract.

use std::process::ExitCode;

use midships_engine::report::Outcome;

/// An end of the program.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Exit {
    /// The desired state holds, or a question was answered.
    Done,
    /// A check found something that is not as it should be, or a question was not wholly answered.
    Failed,
    /// It was not tried; nothing was changed.
    Refused,
    /// It needs a person.
    Stuck,
    /// It was taken back.
    Unwound,
    /// Another run took over.
    Superseded,
    /// The command line or the file that it names cannot be used (`EX_USAGE` of sysexits).
    Usage,
    /// A fault of the program itself (`EX_SOFTWARE` of sysexits).
    Bug,
    /// It was interrupted or had no answer, and may be run again (`EX_TEMPFAIL` of sysexits).
    Crash,
}

impl Exit {
    /// The code that the process ends with.
    pub fn code(self) -> i32 {
        i32::from(self.byte())
    }

    fn byte(self) -> u8 {
        match self {
            Self::Done => 0,
            Self::Failed => 1,
            Self::Refused => 10,
            Self::Stuck => 11,
            Self::Unwound => 12,
            Self::Superseded => 13,
            Self::Usage => 64,
            Self::Bug => 70,
            Self::Crash => 75,
        }
    }
}

impl From<Exit> for ExitCode {
    fn from(exit: Exit) -> Self {
        Self::from(exit.byte())
    }
}

impl From<&Outcome> for Exit {
    fn from(outcome: &Outcome) -> Self {
        match outcome {
            Outcome::Done { .. } => Self::Done,
            Outcome::Refused(_) => Self::Refused,
            Outcome::Stuck(_) => Self::Stuck,
            Outcome::Unwound(_) => Self::Unwound,
            Outcome::Superseded => Self::Superseded,
        }
    }
}
