//! The step engine: pure steps, journal, fencing, runner, and the harness that tries them.

pub mod harness;
pub mod journal;
mod lease;
pub mod report;
pub mod runner;
pub mod simulation;
pub mod step;
pub mod world;
