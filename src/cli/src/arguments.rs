//! The command line of midships.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand, ValueEnum};
use midships_publish::Timestamp;

/// Makes Helm charts of middleware from a typed model, checks values, and packs and publishes the charts.
#[derive(Debug, Parser)]
#[command(version, max_term_width = 100)]
pub struct Arguments {
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Write the charts and schemas of a checkout
    Generate(Generate),
    /// Check values for a chart as Helm and the chart would, without either
    Check(Check),
    /// Tell what it takes to go from the values of a release to other ones
    Change(Change),
    /// Make a stand-alone chart with a short form: an offering that its file narrows from one of the charts
    Offering(Offering),
    /// Pack the charts as Helm archives: the same input gives the same bytes
    Package(Package),
    /// Push the charts to an OCI registry
    Publish(Publish),
    /// Pack the hook program as an image in one file, for nodes without a registry
    Image(Image),
    /// Write the index of a chart repository on a plain web server
    Index(Index),
    /// Rewrite the manifests of any chart by a policy: a post-renderer of Helm, from standard input to standard output
    PostRender(PostRender),
}

/// Options of `midships generate`.
#[derive(Debug, Args)]
pub struct Generate {
    /// Change nothing; fail and name the files when they are not what would be written
    #[arg(long)]
    pub check: bool,
    /// Only this chart and its schemas
    #[arg(long, value_name = "NAME")]
    pub chart: Option<String>,
    /// The checkout [default: the directory above with the workspace's Cargo.toml]
    #[arg(long, value_name = "DIRECTORY")]
    pub root: Option<PathBuf>,
}

/// Options of `midships offering`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the offering is made, 1 its file is refused or, with --check, something differs, 2 it could not be read or written"
)]
pub struct Offering {
    /// The file of the offering; its picture stands beside it
    pub file: PathBuf,
    /// Directory for charts/NAME and schemas/NAME.*; what else stands under these names there is removed
    #[arg(long, value_name = "DIRECTORY", default_value = "offerings")]
    pub out: PathBuf,
    /// Write nothing; fail and name the files when they are not what would be written
    #[arg(long)]
    pub check: bool,
}

/// What values are for: a chart, or an offering.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
pub struct Target {
    /// The chart that the values are for
    #[arg(long, value_name = "NAME")]
    pub chart: Option<String>,
    /// The file of the offering that the values are for
    #[arg(long, value_name = "FILE")]
    pub offering: Option<PathBuf>,
}

/// Which charts are packed.
#[derive(Debug, Args)]
pub struct Charts {
    /// Only this chart; can be given more than once
    #[arg(long = "chart", value_name = "NAME")]
    pub charts: Vec<String>,
    /// The chart of the offering of this file; can be given more than once. All charts unless --chart or --offering is given
    #[arg(long = "offering", value_name = "FILE")]
    pub offerings: Vec<PathBuf>,
}

/// How `midships check` writes what it finds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people, as a compiler does
    Text,
    /// For programs: one JSON document, good values or not
    Json,
}

/// Options of `midships check`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit codes: 0 the values are good, 1 there are findings, 2 the values could not be checked"
)]
pub struct Check {
    /// A file of values as for `helm install --values`; `-` is standard input
    pub values: PathBuf,
    /// What the values are for.
    #[command(flatten)]
    pub target: Target,
    /// The release's name, for the rules about names that are made from it
    #[arg(long, value_name = "NAME")]
    pub release: Option<String>,
    /// The release's namespace
    #[arg(
        long,
        value_name = "NAME",
        requires = "release",
        default_value = "default"
    )]
    pub namespace: String,
    /// The values that the release has now: changes that would be refused are findings too
    #[arg(long, value_name = "FILE")]
    pub before: Option<PathBuf>,
    /// How findings are written to standard output
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
}

/// Options of `midships change`.
#[derive(Debug, Args)]
pub struct Change {
    /// The values of the release as it stands, such as `helm get values` writes them; `-` is standard input
    pub old: PathBuf,
    /// The values that it shall have
    pub new: PathBuf,
    /// What the values are for.
    #[command(flatten)]
    pub target: Target,
    /// Write JSON
    #[arg(long)]
    pub json: bool,
}

/// The instant that archives carry.
#[derive(Debug, Args)]
pub struct Created {
    /// Seconds since 1970 that files in archives and images carry as their time
    #[arg(
        long = "source-date-epoch",
        env = "SOURCE_DATE_EPOCH",
        value_name = "SECONDS",
        value_parser = Timestamp::parse,
        default_value_t = Timestamp::DEFAULT
    )]
    pub timestamp: Timestamp,
}

/// Options of `midships package`.
#[derive(Debug, Args)]
pub struct Package {
    /// Directory for the archives; made when it is missing
    #[arg(long, value_name = "DIRECTORY")]
    pub out: PathBuf,
    /// Which charts.
    #[command(flatten)]
    pub charts: Charts,
    /// The instant that archives carry.
    #[command(flatten)]
    pub created: Created,
}

/// Options of `midships publish`.
#[derive(Debug, Args)]
pub struct Publish {
    /// Where to push: `oci://HOST[:PORT][/PATH]`; each chart goes to PATH/CHART:VERSION
    pub destination: String,
    /// Which charts.
    #[command(flatten)]
    pub charts: Charts,
    /// Speak HTTP without TLS to the registry
    #[arg(long)]
    pub plain_http: bool,
    /// Trust these certificate authorities, in PEM, beside those of the machine
    #[arg(long, value_name = "FILE", conflicts_with = "plain_http")]
    pub ca_file: Option<PathBuf>,
    /// The user to push as, such as 'robot$team+ci'; without it, the login of `helm registry login` or `docker login`
    #[arg(long, value_name = "NAME", requires = "password_stdin")]
    pub username: Option<String>,
    /// Read the user's password or secret from standard input
    #[arg(long, requires = "username")]
    pub password_stdin: bool,
    /// Sign what is pushed with this private key: of `cosign generate-key-pair`, or ECDSA P-256 in PKCS#8
    #[arg(long, value_name = "FILE")]
    pub sign_key: Option<PathBuf>,
    /// The password of the key [default: that in `COSIGN_PASSWORD`]
    #[arg(long, value_name = "FILE", requires = "sign_key")]
    pub sign_password_file: Option<PathBuf>,
    /// Also push this hook program, a static binary, as the image PATH/hook, and make it the default of the charts
    #[arg(long, value_name = "BINARY")]
    pub hook_image: Option<PathBuf>,
    /// The name by which nodes know the registry, when it is another one
    #[arg(long, value_name = "HOST[:PORT]", requires = "hook_image")]
    pub pull_registry: Option<String>,
    /// Replace what the registry has under the same version
    #[arg(long)]
    pub force: bool,
    /// The instant that archives carry.
    #[command(flatten)]
    pub created: Created,
}

/// Options of `midships post-render`.
#[derive(Debug, Args)]
pub struct PostRender {
    /// The policy: what is changed and what is refused
    #[arg(long, env = "MIDSHIPS_POLICY", value_name = "FILE")]
    pub policy: PathBuf,
    /// The lock file with the digests of images
    #[arg(long, env = "MIDSHIPS_LOCK", value_name = "FILE")]
    pub lock: Option<PathBuf>,
    /// The namespace of objects that name none, for rules about namespaces
    #[arg(long, env = "HELM_NAMESPACE", value_name = "NAME")]
    pub namespace: Option<String>,
}

/// Options of `midships image`.
#[derive(Debug, Args)]
pub struct Image {
    /// The hook program, a static binary
    #[arg(long, value_name = "FILE")]
    pub binary: PathBuf,
    /// The file to write: an OCI image layout that `ctr images import`, `podman load` and `docker load` read
    #[arg(long, value_name = "TAR")]
    pub out: PathBuf,
    /// What the image is called after loading
    #[arg(
        long,
        value_name = "REFERENCE",
        default_value = concat!("docker.io/midships/hook:", env!("CARGO_PKG_VERSION"))
    )]
    pub name: String,
    /// The instant that archives carry.
    #[command(flatten)]
    pub created: Created,
}

/// Options of `midships index`.
#[derive(Debug, Args)]
pub struct Index {
    /// The directory with the archives (*.tgz); its index.yaml is written, and what it lists already is kept
    pub directory: PathBuf,
    /// Where the web server has that directory: `https://HOST[:PORT][/PATH]`
    #[arg(long, value_name = "BASE")]
    pub url: String,
    /// Also keep what this index lists
    #[arg(long, value_name = "FILE")]
    pub merge: Option<PathBuf>,
    /// List a version even if it had another digest before
    #[arg(long)]
    pub force: bool,
    /// The instant that new entries carry.
    #[command(flatten)]
    pub created: Created,
}
