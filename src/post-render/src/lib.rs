//! Rewrites the manifests of any chart by a typed policy, and refuses what the policy denies.
//!
//! A stream of YAML documents goes in, and a stream or a [`Refusal`] comes out; nothing else is read or written. Each change
//! is an edit at a place of the text: what no rule touches comes out byte for byte. A document whose layout leaves no
//! place for an edit, such as one with aliases, is first written anew with the same meaning.

#![cfg_attr(not(test), deny(clippy::indexing_slicing, clippy::string_slice))]

mod canonical;
mod change;
mod deny;
mod document;
mod edit;
mod field;
mod image;
mod lock;
mod object;
mod pattern;
mod policy;
mod scalar;
mod schema;
mod simple;
mod stream;
mod yaml;

pub use deny::Violation;
pub use lock::{Lock, LockError};
pub use policy::{
    Annotations, Check, Deny, Digests, ImageCheck, Images, Labels, Mirror, Placement, Policy,
    PolicyError, PullSecrets, Selector, Toleration, Unlocked,
};
pub use schema::schema;
pub use stream::{Faulty, PostRenderer, Refusal};
