//! The stateful operations on servers of Redis or Valkey that live, in a cluster or not, as steps of the engine.

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
pub mod leaving;
mod moving;
pub mod place_slots;
pub mod release;
mod renewal;
pub mod repair_slots;
mod restart;
pub mod restart_nodes;
pub mod restart_servers;
pub mod rotate_passwords;
mod settings;
pub mod simulation;
pub mod spelling;
pub mod steps;
mod survey;
pub mod view;
pub mod vocabulary;
mod volumes;

pub use desired::{Desired, Kind, Server, Shard, Shown, Watch};
pub use vocabulary::{Answer, Command, Query};
