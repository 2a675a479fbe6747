//! What the operations ask and command: of the Kubernetes API, and of brokers and name servers.

use midships_client_kubernetes as kubernetes;
use midships_client_kubernetes::growth::{ClaimGrowth, Room};
use midships_client_rocketmq as rocketmq;

use crate::guard::Clearance;

/// What can be asked.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Query {
    /// Of the Kubernetes API.
    Kubernetes(kubernetes::Query),
    /// Of a broker or a name server.
    Rocketmq {
        /// Its address, `host:port`.
        address: String,
        /// The request, one that reads.
        request: rocketmq::Request,
    },
}

impl Query {
    /// A question to a broker or a name server.
    #[must_use]
    pub fn rocketmq(address: &str, request: rocketmq::Request) -> Self {
        Self::Rocketmq {
            address: address.to_owned(),
            request,
        }
    }

    /// The object that is asked, for people.
    #[must_use]
    pub fn object(&self) -> String {
        match self {
            Self::Kubernetes(query) => format!("Kubernetes API ({query:?})"),
            Self::Rocketmq { address, .. } => address.clone(),
        }
    }
}

/// What is answered.
#[derive(Clone, Debug)]
pub enum Answer {
    /// By the Kubernetes API.
    Kubernetes(kubernetes::Answer),
    /// By a broker or a name server.
    Rocketmq(rocketmq::Answer),
}

/// What can be commanded. Each is harmless when repeated or late.
#[derive(Clone, Debug, Eq, PartialEq)]
pub enum Command {
    /// Evict one broker's pod; its StatefulSet makes a new one at once.
    Restart(Clearance),
    /// Ask for a larger volume.
    GrowClaim(ClaimGrowth),
    /// Delete a StatefulSet and leave its pods running; Helm makes it anew.
    MakeRoom(Room),
    /// Tell a broker or a name server something.
    Rocketmq {
        /// Its address, `host:port`.
        address: String,
        /// The request, one that writes.
        request: rocketmq::Request,
    },
}
