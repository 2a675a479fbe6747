//! Answers questions about servers of Redis and Valkey, from what they say themselves: nothing is changed.
//!
//! Each question is a module: it asks through [`Servers`], which takes no command but those of [`Query`], tabulates what was
//! answered without any input or output, and gives a value that is printed as text or, through serde, as JSON. What was not
//! answered is part of the value. What changes something is apart, in [`change`].

mod ask;
pub mod big_keys;
mod bytes;
pub mod change;
pub mod clients;
mod figures;
pub mod keys;
mod landscape;
mod owner;
mod query;
mod reading;
mod scan;
#[cfg(test)]
mod simulation;
pub mod slots;
pub mod slow_log;
#[cfg(test)]
mod tests;
pub mod topology;
pub mod value;

pub use ask::{Network, Servers};
pub use big_keys::BigKeys;
pub use bytes::Bytes;
pub use change::{Change, Changed, Changing};
pub use clients::Clients;
pub use keys::Keys;
pub use landscape::Kind;
pub use midships_answers::{Problem, Told};
pub use query::Query;
pub use scan::{Looked, Rate, Watching};
pub use slots::Distribution;
pub use slow_log::SlowLog;
pub use topology::Topology;
pub use value::Value;

/// Which servers are asked about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope {
    /// Some servers or Sentinels, as `host:port`: the others are found from them.
    pub servers: Vec<String>,
    /// Where Sentinels watch several sets of a master and its replicas: the name of the one whose keys are looked at.
    pub set: Option<String>,
}
