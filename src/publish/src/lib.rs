//! Packs charts and the hook image reproducibly and pushes them to an OCI registry.
//!
//! The same input gives the same bytes and the same OCI digest: no clock, no randomness and no order of a hash table
//! enters what this crate makes. The only instant in it is a [`Timestamp`] that the caller gives.
//!
//! The way of a chart: files in memory, [`Package::new`], [`Artifact::from`], [`Registry::push`]. The way of the hook
//! image: a static binary, [`Image::new`], then either [`Image::archive`] for nodes without a registry or
//! [`Registry::push`].

mod archive;
mod artifact;
mod image;
mod metadata;
mod package;
mod progress;
mod registry;
mod timestamp;
mod yaml;

pub use crate::artifact::{Artifact, Blob};
pub use crate::image::{Architecture, Error as ImageError, Image, MAXIMUM_IMAGE_BYTES};
pub use crate::metadata::{Dependency, Error as MetadataError, Maintainer, Metadata};
pub use crate::package::{Error as PackageError, Package};
pub use crate::progress::{Bars, Lines, Progress};
pub use crate::registry::{
    Credentials, Destination, Error as RegistryError, Existing, ImageName, Outcome, Protocol,
    Pushed, Registry, Standing,
};
pub use crate::timestamp::{Error as TimestampError, Timestamp};
