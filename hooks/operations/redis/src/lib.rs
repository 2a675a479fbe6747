//! The stateful operations on a live Redis or Valkey cluster, as steps of the engine.

pub mod change_replicas;
pub mod configure_servers;
pub mod create_cluster;
pub mod desired;
mod fitting;
pub mod grow_volumes;
pub mod guard;
mod handing_over;
pub mod keep_node_ports;
pub mod layout;
mod moving;
pub mod place_slots;
pub mod release;
pub mod repair_slots;
mod restart;
pub mod restart_nodes;
mod settings;
pub mod simulation;
pub mod spelling;
pub mod steps;
mod survey;
pub mod view;
pub mod vocabulary;
mod volumes;

pub use desired::{Desired, Server, Shard};
pub use vocabulary::{Answer, Command, Query};
