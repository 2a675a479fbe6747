//! What answers to questions about clusters of all products have in common: problems, tables, moments.

mod table;
mod time;

use std::fmt;

use serde::Serialize;

pub use table::{Column, NOTHING, or_nothing, table, with_problems};
pub use time::moment;

/// What every answer has in common.
pub trait Told {
    /// The answer for people.
    fn text(&self) -> String;

    /// What was not answered or is not as it should be.
    fn problems(&self) -> &[Problem];
}

/// Something that was not answered, or is not as it should be.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd, Serialize)]
pub struct Problem {
    /// The address of a server, or another object.
    pub object: String,
    /// What is wrong with it.
    pub why: String,
}

impl Problem {
    /// A problem of an object.
    pub fn new(object: impl Into<String>, why: impl Into<String>) -> Self {
        Self {
            object: object.into(),
            why: why.into(),
        }
    }
}

impl fmt::Display for Problem {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{} {}", self.object, self.why)
    }
}
