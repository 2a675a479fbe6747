//! What the operations ask and command.

use midships_client_kubernetes as kubernetes;
use midships_client_kubernetes::growth::{ClaimGrowth, Room};
use midships_client_redis as redis;
use midships_client_redis::migration::Task;

use crate::guard::Clearance;

/// What can be asked.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Query {
    /// Of the Kubernetes API.
    Kubernetes(kubernetes::Query),
    /// Of a server.
    Redis {
        /// Its address, `host:port`.
        address: String,
        /// The request, one that reads.
        request: redis::Request,
    },
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// By the Kubernetes API.
    Kubernetes(kubernetes::Answer),
    /// By a server.
    Redis(redis::Answer),
}

/// What can be commanded. Each is harmless when repeated or late.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// Tell a server something.
    Redis {
        /// Its address, `host:port`.
        address: String,
        /// The request, one that writes.
        request: redis::Request,
    },
    /// Evict a pod that was cleared for it.
    Restart(Clearance),
    /// Tell a claim to ask for more.
    GrowClaim(ClaimGrowth),
    /// Delete a StatefulSet and leave its pods running; Helm makes it anew.
    MakeRoom(Room),
    /// Move slots with their keys, each task beside the others, as many as a short time allows.
    Move(Vec<Task>),
}

impl Query {
    /// A question to a server.
    #[must_use]
    pub fn redis(address: &str, request: redis::Request) -> Self {
        Self::Redis {
            address: address.to_owned(),
            request,
        }
    }
}

impl Command {
    /// Something that a server is told.
    #[must_use]
    pub fn redis(address: &str, request: redis::Request) -> Self {
        Self::Redis {
            address: address.to_owned(),
            request,
        }
    }
}
