//! The stateful operations on a live Redis or Valkey cluster, as steps of the engine.

pub mod layout;
