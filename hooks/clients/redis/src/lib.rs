//! What Redis and Valkey servers are asked and told, and what they answer.

pub mod connection;
mod copies;
pub mod information;
pub mod migration;
pub mod nodes;
pub mod passwords;
pub mod request;
pub mod slots;

pub use connection::{CallError, Client, Connection, Credentials, Refusal, Timeouts};
pub use information::Information;
pub use midships_client_tls::{Authorities, Encryption, Identity, TlsError};
pub use nodes::{Health, Link, Migration, Node, NodeId, Nodes, NodesError, Role};
pub use passwords::{Password, Passwords};
pub use request::{Answer, Failover, Request};
pub use slots::{SLOTS, Slot, SlotError, Slots, slot_of};
