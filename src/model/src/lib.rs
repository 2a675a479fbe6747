//! The typed values of every chart: fields and rules. No input or output.
//!
//! A field is written once, in a struct of this crate: its name, type, bounds, default, title and help. The generator
//! derives everything else from it, and the hook program reads a release's values into the same structs.

pub mod change;
pub mod condition;
pub mod description;
pub mod desired;
pub mod fields;
pub mod model;
pub mod nfs_storage;
pub mod redis;
pub mod redis_cluster;
pub mod redis_sentinel;
pub mod rocketmq;
pub mod rocketmq_topic_transfer;
pub mod rules;
