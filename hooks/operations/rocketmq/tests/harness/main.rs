//! All operations in the engine's harness. One program, so that none of them waits for the slowest of another.

#![allow(
    clippy::panic,
    clippy::print_stdout,
    reason = "a test tells its counts, and fails loudly"
)]

mod change_name_servers;
mod groups;
mod removals;
mod restarts;
mod transfers;
mod trying;
mod upgrade;

/// Simulated clusters are copied all the time.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;
