//! The command line of midships.

use std::path::PathBuf;

use clap::{Args, Parser, Subcommand};
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
    /// Pack the charts as Helm archives: the same input gives the same bytes
    Package(Package),
    /// Push the charts to an OCI registry
    Publish(Publish),
    /// Pack the hook program as an image in one file, for nodes without a registry
    Image(Image),
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

/// Options of `midships check`.
#[derive(Debug, Args)]
pub struct Check {
    /// A file of values as for `helm install --values`; `-` is standard input
    pub values: PathBuf,
    /// The chart that the values are for
    #[arg(long, value_name = "NAME")]
    pub chart: String,
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
    /// The instant that archives carry.
    #[command(flatten)]
    pub created: Created,
}

/// Options of `midships publish`.
#[derive(Debug, Args)]
pub struct Publish {
    /// Where to push: `oci://HOST[:PORT][/PATH]`; each chart goes to PATH/CHART:VERSION
    pub destination: String,
    /// Speak HTTP without TLS to the registry
    #[arg(long)]
    pub plain_http: bool,
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
