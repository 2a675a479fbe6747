//! The few calls to the Kubernetes API that operations need, each with its precondition.
//!
//! [`Client`] asks and commands, [`growth`] tells how volumes grow, [`Store`] reads and replaces journal and lease and writes Events,
//! [`release`] reads Helm's own record of a release for people's commands.

pub mod client;
pub mod error;
pub mod event;
pub mod growth;
pub mod objects;
pub mod release;
pub mod store;

pub use client::{Client, TIMEOUT};
pub use error::Error;
pub use event::Reason;
pub use objects::{Answer, Claim, Command, ConfigMap, DataVolume, Pod, Query, StatefulSet};
pub use release::Revision;
pub use store::Store;
