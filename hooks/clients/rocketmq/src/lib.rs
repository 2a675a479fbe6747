//! A native admin client of the remoting protocol of `RocketMQ`: what can be asked, how it is framed, what is answered.
//!
//! Three layers, each usable alone: [`Frame`] is the wire, [`encode`] and [`decode`] are pure and turn a [`Request`]
//! into a frame and a frame into an [`Answer`], and [`Client`] carries frames over TCP under a deadline.

pub mod answer;
pub mod client;
pub mod fastjson;
pub mod frame;
mod message;
pub mod properties;
pub mod recording;
pub mod request;
pub mod version;

pub use answer::{
    Answer, BrokerGroup, ClusterInfo, DataVersion, DecodeError, Message, QueueRange, Reply,
    SubscriptionGroup, SubscriptionGroups, TopicConfiguration, TopicConfigurations, TopicRoute,
    decode,
};
pub use client::{CallError, Client, Timeouts};
pub use frame::{Frame, FrameError};
pub use recording::Recording;
pub use request::{Request, encode};
pub use version::ProductVersion;
