//! What the commands of midships do, one module each.

pub mod change;
pub mod check;
pub mod generate;
pub mod image;
pub mod index;
pub mod offering;
pub mod package;
pub mod post_render;
pub mod publish;

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};

use anstream::{AutoStream, ColorChoice};
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
    /// The file of an offering makes no sense; the notes before say why.
    #[snafu(display("{sum}"))]
    RefusedOffering {
        /// The file, and how much is wrong with it.
        sum: String,
    },
    /// A chart stands where that of an offering would be written.
    #[snafu(display(
        "`{}` is there and is not the chart of an offering; give another directory with --out, or remove it",
        path.display()
    ))]
    ForeignChart {
        /// The directory.
        path: PathBuf,
    },
    /// Two charts would make the same archive.
    #[snafu(display("two charts are named `{name}`; give each once"))]
    SameChart {
        /// The name.
        name: String,
    },
    /// There is no chart of that name.
    #[snafu(display("no chart is named `{name}`; there are: {known}"))]
    NoChart {
        /// The name that was asked for.
        name: String,
        /// The names that there are.
        known: String,
    },
    /// Neither a chart nor an offering is named.
    #[snafu(display("no chart is named; give --chart NAME or --offering FILE"))]
    NoTarget,
    /// The values that a release has are refused; the notes before say why.
    #[snafu(display(
        "`{}`: the chart would refuse the values that the release has, so nothing can be said of a change of them",
        path.display()
    ))]
    RefusedBefore {
        /// The file.
        path: PathBuf,
    },
    /// Two files would both be standard input.
    #[snafu(display("both files are standard input; give a file for one of them"))]
    BothInput,
    /// An offering cannot be read.
    #[snafu(display("{source}"))]
    Offering {
        /// Why.
        source: midships_generate::OfferingError,
    },
    /// A change of values cannot be told.
    #[snafu(display("{source}"))]
    Change {
        /// Why.
        source: midships_generate::ChangeError,
    },
    /// What is to be written does not become JSON.
    #[snafu(display("failed to write JSON: {source}"))]
    Json {
        /// Why.
        source: serde_json::Error,
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
    /// Who pushes is not usable.
    #[snafu(display("{source}"))]
    Credentials {
        /// Why.
        source: midships_publish::CredentialsError,
    },
    /// Standard input cannot be read.
    #[snafu(display("unable to read the password from standard input: {source}"))]
    Input {
        /// Why.
        source: io::Error,
    },
    /// A file of certificate authorities is refused.
    #[snafu(display("--ca-file `{}`: {source}", path.display()))]
    Authorities {
        /// The file.
        path: PathBuf,
        /// Why.
        source: midships_publish::AuthoritiesError,
    },
    /// A key does not sign.
    #[snafu(display("--sign-key `{}`: {source}", path.display()))]
    SigningKey {
        /// The file.
        path: PathBuf,
        /// Why.
        source: midships_publish::SignatureError,
    },
    /// There is nothing to list.
    #[snafu(display(
        "`{}`: no archive (*.tgz) and no index.yaml in it; `midships package --out` writes archives", path.display()
    ))]
    Empty {
        /// The directory.
        path: PathBuf,
    },
    /// A file or its name is not text.
    #[snafu(display("`{}`: not text in UTF-8", path.display()))]
    NotText {
        /// The file.
        path: PathBuf,
    },
    /// There is no index.
    #[snafu(display("{source}"))]
    Index {
        /// Why.
        source: midships_publish::IndexError,
    },
    /// A file is no index that is kept.
    #[snafu(display("`{}`: {source}", path.display()))]
    EarlierIndex {
        /// The file.
        path: PathBuf,
        /// Why.
        source: midships_publish::IndexError,
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

/// Whether standard output shows colours, and is allowed to.
fn is_coloured() -> bool {
    AutoStream::choice(&io::stdout()) != ColorChoice::Never
}

/// Reads a file; `-` is standard input.
fn read_given(path: &Path) -> Result<Vec<u8>, Error> {
    if path == Path::new("-") {
        read_input()
    } else {
        read(path)
    }
}

/// Reads standard input to its end.
fn read_input() -> Result<Vec<u8>, Error> {
    let mut bytes = Vec::new();
    io::stdin()
        .read_to_end(&mut bytes)
        .context(ReadSnafu { path: "-" })?;
    Ok(bytes)
}

/// A number of things, such as `1 finding` and `2 findings`.
fn counted(count: usize, what: &str) -> String {
    match count {
        1 => format!("1 {what}"),
        count => format!("{count} {what}s"),
    }
}

/// Reads a file of text; `-` is standard input.
fn read_text(path: &Path) -> Result<String, Error> {
    String::from_utf8(read_given(path)?)
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidData, error.utf8_error()))
        .context(ReadSnafu { path })
}

/// Writes a file, with the directories above it.
fn write(path: &Path, bytes: &[u8]) -> Result<(), Error> {
    if let Some(directory) = path.parent() {
        fs::create_dir_all(directory).context(WriteSnafu { path: directory })?;
    }
    fs::write(path, bytes).context(WriteSnafu { path })
}
