//! The stateful operations on a live Redis or Valkey cluster, as steps of the engine.

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
