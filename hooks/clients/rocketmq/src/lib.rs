//! A native admin client of the remoting protocol of `RocketMQ`: what can be asked, how it is framed, what is answered.
//!
//! Three layers, each usable alone: [`Frame`] is the wire, [`encode`] and [`decode`] are pure and turn a [`Request`]
//! into a frame and a frame into an [`Answer`], and [`Client`] carries frames over TCP, encrypted
//! where that is wanted, under a deadline.

pub mod answer;
pub mod client;
pub mod connections;
pub mod credentials;
pub mod election;
pub mod fastjson;
pub mod frame;
mod message;
mod node;
pub mod offsets;
pub mod properties;
pub mod recording;
pub mod replication;
pub mod request;
pub mod system;
pub mod timers;
pub mod tls;
pub mod version;

pub use answer::{
    Answer, BrokerGroup, ClusterInfo, DataVersion, DecodeError, Message, QueueRange, Reply,
    SubscriptionGroup, SubscriptionGroups, TopicConfiguration, TopicConfigurations, TopicRoute,
    decode,
};
pub use client::{CallError, Client, Timeouts, is_address};
pub use connections::{ClientConnection, ConsumerConnections};
pub use credentials::Credentials;
pub use election::{ElectedBroker, Election, Elections};
pub use frame::{Frame, FrameError};
pub use offsets::{
    ConsumeStatistics, ConsumerOffsets, DelayOffsets, QueueExtent, QueueProgress, TopicStatistics,
};
pub use recording::Recording;
pub use replication::{ReplicaConnection, ReplicationStatus};
pub use request::{Request, encode};
pub use timers::{TimedMessages, TimerMetrics};
pub use tls::{Authorities, Encryption, TlsError};
pub use version::ProductVersion;
