//! Packs charts and the hook image reproducibly and pushes them to an OCI registry.
//!
//! The same input gives the same bytes and the same OCI digest: no clock, no randomness and no order of a hash table
//! enters what this crate makes. The only instant in it is a [`Timestamp`] that the caller gives.
//!
//! The way of a chart: files in memory, [`Package::new`], [`Artifact::from`], [`Registry::push`]. The way of the hook
//! image: a static binary, [`Image::new`], then either [`Image::archive`] for nodes without a registry or
//! [`Registry::push`]. What was pushed is signed by [`Registry::sign`]. For plain web servers, archives are listed in an
//! [`Index`].

mod archive;
mod artifact;
mod authorities;
mod authorization;
mod connection;
mod credentials;
mod image;
mod index;
mod metadata;
mod package;
mod progress;
mod registry;
mod signature;
mod timestamp;
mod yaml;

pub use crate::artifact::{Artifact, Blob};
pub use crate::authorities::{Authorities, Error as AuthoritiesError};
pub use crate::authorization::Error as AuthorizationError;
pub use crate::connection::{Connection, NoAnswer, Protocol};
pub use crate::credentials::{Credentials, Error as CredentialsError, Login, without_line_end};
pub use crate::image::{Architecture, Error as ImageError, Image, MAXIMUM_IMAGE_BYTES};
pub use crate::index::{BaseAddress, Error as IndexError, Index};
pub use crate::metadata::{Dependency, Error as MetadataError, Maintainer, Metadata};
pub use crate::package::{Error as PackageError, Package};
pub use crate::progress::{Bars, Lines, Progress};
pub use crate::registry::{
    Destination, Error as RegistryError, Existing, ImageName, Outcome, Pushed, Registry, Standing,
};
pub use crate::signature::{Error as SignatureError, SigningKey};
pub use crate::timestamp::{Error as TimestampError, Timestamp};
