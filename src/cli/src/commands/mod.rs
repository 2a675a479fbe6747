//! What the commands of midships do, one module each.

pub mod check;
pub mod generate;
pub mod image;
pub mod package;
pub mod post_render;
pub mod publish;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use snafu::{ResultExt, Snafu};

/// How a command ended that could be carried out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// It did what was asked.
    Done,
    /// It found differences or refused its input, and has said so.
    Refused,
}

/// Why a command could not be carried out.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(self)))]
pub enum Error {
    /// The current directory is not known.
    #[snafu(display("unable to find the current directory: {source}; give --root"))]
    Directory {
        /// Why.
        source: io::Error,
    },
    /// There is no checkout.
    #[snafu(display(
        "no checkout of midships at or above `{}`; run this inside of one or give --root", start.display()
    ))]
    NoRoot {
        /// Where the search began.
        start: PathBuf,
    },
    /// A file cannot be read.
    #[snafu(display("unable to read `{}`: {source}", path.display()))]
    Read {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// A file cannot be written.
    #[snafu(display("unable to write `{}`: {source}", path.display()))]
    Write {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
    /// Standard output is closed or full.
    #[snafu(display("unable to write to standard output: {source}"))]
    Output {
        /// Why.
        source: io::Error,
    },
    /// The files of a checkout cannot be compared or written.
    #[snafu(display("{source}"))]
    Generate {
        /// Why.
        source: midships_generate::DiskError,
    },
    /// The charts cannot be made.
    #[snafu(display("failed to generate the charts: {source}"))]
    Charts {
        /// Why.
        source: midships_generate::Error,
    },
    /// Values cannot be checked.
    #[snafu(display("{source}"))]
    Validate {
        /// Why.
        source: midships_generate::ValidateError,
    },
    /// A chart cannot be packed.
    #[snafu(display("chart {chart}: {source}"))]
    Package {
        /// Name of the chart.
        chart: String,
        /// Why.
        source: midships_publish::PackageError,
    },
    /// The hook program cannot be packed.
    #[snafu(display("{source}"))]
    Image {
        /// Why.
        source: midships_publish::ImageError,
    },
    /// Something cannot be pushed.
    #[snafu(display("{source}"))]
    Push {
        /// Why.
        source: midships_publish::RegistryError,
    },
    /// A policy has a mistake.
    #[snafu(display("{}: {source}", path.display()))]
    Policy {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: midships_post_render::PolicyError,
    },
    /// A lock file has a mistake.
    #[snafu(display("{}: {source}", path.display()))]
    Lock {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        source: midships_post_render::LockError,
    },
    /// Manifests are no YAML, or the policy refuses them.
    #[snafu(display("{source}"))]
    PostRender {
        /// Why.
        source: midships_post_render::Refusal,
    },
    /// The machine has no means for connections.
    #[snafu(display("unable to begin with connections: {source}"))]
    Runtime {
        /// Why.
        source: io::Error,
    },
}

/// Reads a file.
fn read(path: &Path) -> Result<Vec<u8>, Error> {
    fs::read(path).context(ReadSnafu { path })
}

/// Reads a file of text.
fn read_text(path: &Path) -> Result<String, Error> {
    text(read(path)?).context(ReadSnafu { path })
}

/// Bytes as text.
fn text(bytes: Vec<u8>) -> io::Result<String> {
    String::from_utf8(bytes)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
}

/// Reads standard input to its end.
fn read_input() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .context(ReadSnafu { path: "-" })?;
    Ok(bytes)
}

/// Writes a file, with the directories above it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).context(WriteSnafu { path: directory })?;
    }
    fs::write(path, bytes).context(WriteSnafu { path })
}
