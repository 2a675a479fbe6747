//! The stateful operations on a live RocketMQ cluster, as steps of the engine.

pub mod add_brokers;
pub mod change_name_servers;
pub mod desired;
pub mod elected;
pub mod fixed;
pub mod grow_volumes;
pub mod guard;
mod lag;
pub mod metadata;
pub mod release;
pub mod remove_brokers;
pub mod renew_pods;
pub mod restart_brokers;
pub mod restart_name_servers;
pub mod simulation;
pub mod steps;
mod survey;
#[cfg(test)]
mod surveying;
pub mod transfer_topic;
mod version;
pub mod view;
pub mod vocabulary;

pub use desired::{Broker, Desired, Phase};
pub use vocabulary::{Answer, Command, Query};
