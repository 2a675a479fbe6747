//! Answers questions about clusters of `RocketMQ`, from what their name servers and brokers say: nothing is changed.
//!
//! Each question is a module: it asks through [`Servers`], tabulates what was answered without any input or output, and gives
//! a value that is printed as text or, through serde, as JSON. What was not answered is part of the value.

mod ask;
pub mod clusters;
pub mod groups;
mod holdings;
mod landscape;
pub mod offsets;
mod places;
pub mod progress;
#[cfg(test)]
mod simulation;
#[cfg(test)]
mod tests;
pub mod topics;

pub use ask::Servers;
pub use clusters::Clusters;
pub use groups::Groups;
pub use landscape::NameServer;
pub use midships_answers::{Problem, Told};
pub use offsets::Offsets;
pub use progress::Progress;
pub use topics::Topics;

/// Which part of which clusters is asked about.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Scope {
    /// The name servers, as `host:port`.
    pub name_servers: Vec<String>,
    /// The only cluster that is looked at; all when there is none.
    pub cluster: Option<String>,
    /// Whether topics and groups that the product makes for itself are shown, too.
    pub system: bool,
    /// The only topic that is looked at, where the question has topics.
    pub topic: Option<String>,
    /// The only group that is looked at, where the question has groups.
    pub group: Option<String>,
}
