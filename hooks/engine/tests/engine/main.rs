//! The engine tried on a toy operation.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test that cannot go on fails"
)]

mod harness;
mod runner;
mod toy;
