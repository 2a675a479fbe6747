//! The stateful operations on a live Redis or Valkey cluster, as steps of the engine.
//!
//! No program runs them yet. What they do not judge rightly, and have to before one does:
//!
//! - Slots that were left on their way are finished only where a plan moves slots at all: a survey has to plan for them, and nobody may
//!   be forgotten, or reset, while there are any or while a master that leaves has keys.
//! - A source that is replaced by its replica in the middle no longer says that slots are on their way, and keys are on two nodes or
//!   only on the one that is not asked. Masters that have keys of others' slots have to be found, and nothing is done before.
//! - Leaving servers are forgotten before they are reset: one that is elected in between takes slots with it. Staying servers
//!   that copy a leaving master have to be attached to another one first.
//! - Keys that take longer than two seconds never move, and a server that has just started refuses for longer than five goes last.
//! - A source that has heard from the target that its last slot is gone copies it already, and refuses to be told of it (seen on Valkey
//!   9.1): that is a success, and the others have to be told.
//! - An open plan of one of the two operations keeps the other one from beginning.

pub mod create_cluster;
pub mod desired;
pub mod layout;
mod moving;
pub mod place_slots;
pub mod simulation;
pub mod steps;
pub mod view;
pub mod vocabulary;

pub use desired::{Desired, Server, Shard};
pub use vocabulary::{Answer, Command, Query};
