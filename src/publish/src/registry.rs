//! An OCI registry that artifacts are pushed to (OCI distribution specification 1.1).

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use futures_util::stream;
use http::HeaderValue;
use oci_client::client::{ClientConfig, ClientProtocol};
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OCI_IMAGE_MEDIA_TYPE;
use oci_client::secrets::RegistryAuth;
use oci_client::{Client, Reference};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::{Artifact, Blob, Image, Progress};

/// Why something was not pushed.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The text is no place in a registry.
    #[snafu(display(
        "destination: `{text}`: {problem}; allowed is oci://HOST[:PORT][/PATH], such as \
         `oci://registry.example.org/midships`"
    ))]
    Destination {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The text is no name of a registry.
    #[snafu(display(
        "registry: `{text}` is no name of a registry; allowed is HOST[:PORT], such as `registry.example.org:5000`"
    ))]
    RegistryName {
        /// What was given.
        text: String,
    },
    /// The name of the registry would be taken for the first part of a repository.
    #[snafu(display(
        "registry: nodes would look for `{registry}` below their default registry; allowed is a lower-case name with \
         a dot or a port, or `localhost`, such as `registry.example.org`"
    ))]
    NotForNodes {
        /// Host and port.
        registry: String,
    },
    /// The client for HTTP cannot be made.
    #[snafu(display("registry {registry}: unable to make a client: {}", causes(source)))]
    Client {
        /// Host and port.
        registry: String,
        /// Why.
        #[snafu(source(from(OciDistributionError, Box::new)))]
        source: Box<OciDistributionError>,
    },
    /// There is no answer.
    #[snafu(display(
        "registry {registry}: no answer over {protocol}: {}; check that it runs there, and ask for {} if that is \
         what it speaks",
        causes(source), protocol.other()
    ))]
    Unreachable {
        /// Host and port.
        registry: String,
        /// How it was asked.
        protocol: Protocol,
        /// Why.
        #[snafu(source(from(OciDistributionError, Box::new)))]
        source: Box<OciDistributionError>,
    },
    /// The registry wants to know who pushes, or does not let them.
    #[snafu(display(
        "{reference}: the registry does not let {who} push: {}; push as somebody who may",
        causes(source)
    ))]
    Unauthorized {
        /// What was to be pushed.
        reference: String,
        /// Who asked.
        who: &'static str,
        /// What the registry said.
        #[snafu(source(from(OciDistributionError, Box::new)))]
        source: Box<OciDistributionError>,
    },
    /// The registry refused something else.
    #[snafu(display("{reference}: unable to {action}: {}", causes(source)))]
    Refused {
        /// What was to be pushed.
        reference: String,
        /// What was tried.
        action: &'static str,
        /// What the registry said.
        #[snafu(source(from(OciDistributionError, Box::new)))]
        source: Box<OciDistributionError>,
    },
    /// The tag names something else already.
    #[snafu(display(
        "{reference}: the registry has {present} under this tag, and this would be {wanted}; a published version \
         never changes: raise the version, or force the replacement"
    ))]
    Taken {
        /// The tag.
        reference: String,
        /// Digest of what is there.
        present: String,
        /// Digest of what was to be pushed.
        wanted: String,
    },
    /// What is there after the push is something else.
    #[snafu(display(
        "{reference}: pushed {wanted}, but the registry now says {present}; somebody else pushes the same tag"
    ))]
    Lost {
        /// The tag.
        reference: String,
        /// Digest of what is there, or `nothing`.
        present: String,
        /// Digest of what was pushed.
        wanted: String,
    },
}

impl Error {
    /// The refusal of a tag that names other bytes, whose manifest has the digest `present`.
    #[must_use]
    pub fn taken(destination: &Destination, artifact: &Artifact, present: String) -> Self {
        Self::Taken {
            reference: destination.reference(artifact),
            present,
            wanted: artifact.manifest().digest().to_owned(),
        }
    }
}

/// An error with all its causes, the outermost first, each once.
fn causes(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut next = error.source();
    while let Some(cause) = next {
        let cause_text = cause.to_string();
        if !text.contains(&cause_text) {
            text.push_str(": ");
            text.push_str(&cause_text);
        }
        next = cause.source();
    }
    text
}

/// A registry and a path in it, below which each artifact has a repository of its own name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Destination {
    registry: String,
    path: String,
}

impl Destination {
    /// Reads `oci://HOST[:PORT][/PATH]`.
    ///
    /// # Errors
    /// When the scheme is missing, the host is not a DNS name or an address, or a part of the path is not one that
    /// repositories may have.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let rest = text.strip_prefix("oci://").context(DestinationSnafu {
            text,
            problem: "it does not begin with oci://",
        })?;
        let (registry, path) = rest.split_once('/').unwrap_or((rest, ""));
        ensure!(
            is_registry(registry),
            DestinationSnafu {
                text,
                problem: "its host is not a DNS name or an address"
            }
        );
        let path = path.trim_end_matches('/');
        ensure!(
            path.is_empty() || path.split('/').all(is_path_part),
            DestinationSnafu {
                text,
                problem: "each part of its path must be lower-case letters and digits with `-`, `_` or `.` between \
                          them, without tag and digest"
            }
        );
        Ok(Self {
            registry: registry.to_owned(),
            path: path.to_owned(),
        })
    }

    /// The same path under another name of the registry: the one by which nodes know it.
    ///
    /// # Errors
    /// When the name is not HOST[:PORT].
    pub fn seen_as(&self, registry: &str) -> Result<Self, Error> {
        ensure!(is_registry(registry), RegistryNameSnafu { text: registry });
        Ok(Self {
            registry: registry.to_owned(),
            path: self.path.clone(),
        })
    }

    /// The image as nodes pull it from here.
    ///
    /// # Errors
    /// When container runtimes would not take the first part of the name for a registry: they ask for a dot, a port or
    /// `localhost` in it (`distribution/reference`, "familiar names").
    pub fn image_name(&self, image: &Image) -> Result<ImageName, Error> {
        let registry = &self.registry;
        ensure!(
            (registry.contains(['.', ':']) || registry == "localhost")
                && !registry.bytes().any(|byte| byte.is_ascii_uppercase()),
            NotForNodesSnafu { registry }
        );
        let artifact = image.artifact();
        Ok(ImageName {
            repository: format!("{registry}/{}", self.repository(artifact)),
            tag: format!("{}@{}", artifact.tag(), artifact.manifest().digest()),
        })
    }

    /// Host and port.
    #[must_use]
    pub fn registry(&self) -> &str {
        &self.registry
    }

    /// The repository of an artifact, without the registry.
    #[must_use]
    pub fn repository(&self, artifact: &Artifact) -> String {
        match self.path.as_str() {
            "" => artifact.name().to_owned(),
            path => format!("{path}/{}", artifact.name()),
        }
    }

    /// `HOST/PATH/NAME:TAG` of an artifact.
    #[must_use]
    pub fn reference(&self, artifact: &Artifact) -> String {
        format!(
            "{}/{}:{}",
            self.registry,
            self.repository(artifact),
            artifact.tag()
        )
    }
}

/// An image as the values of a chart name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageName {
    /// Registry and repository.
    pub repository: String,
    /// Tag and digest, `TAG@sha256:…`: the digest decides, the tag is for people.
    pub tag: String,
}

/// Whether a text is HOST or HOST:PORT.
fn is_registry(text: &str) -> bool {
    let (host, port) = match text.rsplit_once(':') {
        Some((host, port)) => (host, Some(port)),
        None => (text, None),
    };
    let labels = host.split('.').all(|label| {
        !label.is_empty()
            && !label.starts_with('-')
            && !label.ends_with('-')
            && label
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    labels && port.is_none_or(|port| port.parse::<u16>().is_ok_and(|number| number > 0))
}

/// Whether a text is a part of a repository's name.
fn is_path_part(text: &str) -> bool {
    let is_word = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    text.bytes()
        .all(|byte| is_word(byte) || b"-_.".contains(&byte))
        && text.bytes().next().is_some_and(is_word)
        && text.bytes().next_back().is_some_and(is_word)
        && !text.contains("..")
        && !text.contains("___")
        && !text.contains("._")
        && !text.contains("_.")
}

/// How a registry is spoken to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// HTTP over TLS, the registry's certificate checked against those that the machine trusts.
    Https,
    /// HTTP without TLS: for a registry on the same machine or inside a test bed.
    PlainHttp,
}

impl Protocol {
    fn other(self) -> Self {
        match self {
            Self::Https => Self::PlainHttp,
            Self::PlainHttp => Self::Https,
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Https => "HTTPS",
            Self::PlainHttp => "plain HTTP",
        })
    }
}

/// Who pushes.
#[derive(Clone, PartialEq, Eq)]
pub enum Credentials {
    /// Nobody in particular.
    Anonymous,
    /// A user, checked by the registry or by the token server that it names.
    Basic {
        /// Name of the user.
        user: String,
        /// Password or token. Never shown.
        password: String,
    },
}

impl fmt::Debug for Credentials {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(self.who())
    }
}

impl Credentials {
    fn who(&self) -> &'static str {
        match self {
            Self::Anonymous => "an anonymous client",
            Self::Basic { .. } => "this user",
        }
    }

    fn authentication(&self) -> RegistryAuth {
        match self {
            Self::Anonymous => RegistryAuth::Anonymous,
            Self::Basic { user, password } => RegistryAuth::Basic(user.clone(), password.clone()),
        }
    }
}

/// What to do with a tag that names other bytes already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse: a published version never changes.
    Keep,
    /// Let the tag name the new bytes.
    Replace,
}

/// What a registry has under the tag of an artifact.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// Nothing.
    Absent,
    /// The same bytes.
    Same,
    /// Other bytes.
    Different {
        /// Digest of their manifest.
        digest: String,
    },
}

/// What a push did.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The tag is new.
    Created,
    /// The tag named the same bytes already; nothing was sent.
    Unchanged,
    /// The tag named other bytes before.
    Replaced,
}

impl fmt::Display for Outcome {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Created => "created",
            Self::Unchanged => "unchanged",
            Self::Replaced => "replaced",
        })
    }
}

/// Something that is in the registry now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pushed {
    /// `HOST/PATH/NAME:TAG`.
    pub reference: String,
    /// Digest of the manifest.
    pub digest: String,
    /// What the push did.
    pub outcome: Outcome,
}

/// The size of the pieces in which bytes are handed to the connection, so that progress is seen.
const PIECE_BYTES: usize = 64 * 1024;

/// A registry at a destination.
pub struct Registry {
    client: Client,
    authentication: RegistryAuth,
    who: &'static str,
    protocol: Protocol,
    destination: Destination,
}

impl Registry {
    /// Prepares a client; the registry is not asked yet.
    ///
    /// # Errors
    /// When the machine's trusted certificates cannot be read.
    pub fn new(
        destination: Destination,
        protocol: Protocol,
        credentials: &Credentials,
    ) -> Result<Self, Error> {
        // An error says that the process has a provider already, which serves as well.
        let _present = rustls::crypto::ring::default_provider().install_default();
        let client = Client::try_from(ClientConfig {
            protocol: match protocol {
                Protocol::Https => ClientProtocol::Https,
                Protocol::PlainHttp => ClientProtocol::Http,
            },
            // One request for a blob is what every registry understands.
            use_monolithic_push: true,
            connect_timeout: Some(Duration::from_secs(10)),
            read_timeout: Some(Duration::from_mins(1)),
            user_agent: concat!("midships/", env!("CARGO_PKG_VERSION")),
            ..ClientConfig::default()
        })
        .context(ClientSnafu {
            registry: destination.registry(),
        })?;
        Ok(Self {
            client,
            authentication: credentials.authentication(),
            who: credentials.who(),
            protocol,
            destination,
        })
    }

    /// Where artifacts are pushed.
    #[must_use]
    pub fn destination(&self) -> &Destination {
        &self.destination
    }

    /// Asks what the tag of an artifact names now.
    ///
    /// # Errors
    /// When the registry does not answer or does not let this client read.
    pub async fn standing(&self, artifact: &Artifact) -> Result<Standing, Error> {
        let reference = self.reference(artifact);
        match self
            .client
            .fetch_manifest_digest(&reference, &self.authentication)
            .await
        {
            Ok(digest) if digest == artifact.manifest().digest() => Ok(Standing::Same),
            Ok(digest) => Ok(Standing::Different { digest }),
            Err(error) if is_absent(&error) => Ok(Standing::Absent),
            Err(error) => Err(self.failure(artifact, "ask for the tag", error)),
        }
    }

    /// Pushes an artifact unless the registry has the same bytes under its tag. Blobs that the registry has are not sent
    /// again, and the manifest goes last, so that an interrupted push leaves no tag behind.
    ///
    /// The look at the tag and the write of it are two requests, as the protocol has no condition for the second; what
    /// the tag names afterwards is read back.
    ///
    /// # Errors
    /// When the tag names other bytes and `existing` keeps them, the registry does not answer or refuses, or somebody
    /// else pushed the same tag meanwhile.
    pub async fn push(
        &self,
        artifact: &Artifact,
        existing: Existing,
        progress: &Arc<dyn Progress>,
    ) -> Result<Pushed, Error> {
        let reference = self.destination.reference(artifact);
        let wanted = artifact.manifest().digest();
        let outcome = match (self.standing(artifact).await?, existing) {
            (Standing::Same, _) => Outcome::Unchanged,
            (Standing::Absent, _) => Outcome::Created,
            (Standing::Different { .. }, Existing::Replace) => Outcome::Replaced,
            (Standing::Different { digest }, Existing::Keep) => {
                return Err(Error::taken(&self.destination, artifact, digest));
            }
        };
        if outcome != Outcome::Unchanged {
            let blobs: Vec<&Blob> = artifact
                .layers()
                .iter()
                .chain([artifact.config()])
                .collect();
            let total: usize = blobs.iter().map(|blob| blob.bytes().len()).sum();
            progress.begin(&reference, total as u64);
            let result = self.send(artifact, &blobs, progress).await;
            progress.end();
            result?;
            match self.standing(artifact).await? {
                Standing::Same => {}
                Standing::Absent => {
                    return LostSnafu {
                        reference,
                        present: "nothing",
                        wanted,
                    }
                    .fail();
                }
                Standing::Different { digest: present } => {
                    return LostSnafu {
                        reference,
                        present,
                        wanted,
                    }
                    .fail();
                }
            }
        }
        Ok(Pushed {
            reference,
            digest: wanted.to_owned(),
            outcome,
        })
    }

    async fn send(
        &self,
        artifact: &Artifact,
        blobs: &[&Blob],
        progress: &Arc<dyn Progress>,
    ) -> Result<(), Error> {
        let reference = self.reference(artifact);
        for blob in blobs {
            let size = blob.bytes().len() as u64;
            let present = self
                .client
                .blob_exists(&reference, blob.digest())
                .await
                .map_err(|error| self.failure(artifact, "ask for a blob", error))?;
            if present {
                progress.advance(size);
                continue;
            }
            let pieces: Vec<Vec<u8>> = blob
                .bytes()
                .chunks(PIECE_BYTES)
                .map(<[u8]>::to_vec)
                .collect();
            let watcher = Arc::clone(progress);
            let pieces = stream::iter(pieces.into_iter().map(move |piece| {
                watcher.advance(piece.len() as u64);
                Ok(piece.into())
            }));
            self.client
                .push_blob_stream(&reference, pieces, blob.digest(), Some(size))
                .await
                .map_err(|error| self.failure(artifact, "push a blob", error))?;
        }
        let manifest = artifact.manifest();
        self.client
            .push_manifest_raw(
                &reference,
                manifest.bytes().to_vec(),
                HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE),
            )
            .await
            .map_err(|error| self.failure(artifact, "push the manifest", error))?;
        Ok(())
    }

    fn reference(&self, artifact: &Artifact) -> Reference {
        Reference::with_tag(
            self.destination.registry().to_owned(),
            self.destination.repository(artifact),
            artifact.tag().to_owned(),
        )
    }

    /// Says what a failed request means.
    fn failure(
        &self,
        artifact: &Artifact,
        action: &'static str,
        source: OciDistributionError,
    ) -> Error {
        let reference = self.destination.reference(artifact);
        let source = Box::new(source);
        match *source {
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::ServerError {
                code: 401 | 403, ..
            } => Error::Unauthorized {
                reference,
                who: self.who,
                source,
            },
            OciDistributionError::RequestError(ref error) if error.status().is_none() => {
                Error::Unreachable {
                    registry: self.destination.registry().to_owned(),
                    protocol: self.protocol,
                    source,
                }
            }
            _ => Error::Refused {
                reference,
                action,
                source,
            },
        }
    }
}

/// Whether an answer says that there is no such tag or no such repository.
fn is_absent(error: &OciDistributionError) -> bool {
    match error {
        OciDistributionError::ImageManifestNotFoundError(_)
        | OciDistributionError::ServerError { code: 404, .. } => true,
        OciDistributionError::RegistryError { envelope, .. } => {
            envelope.errors.iter().any(|error| {
                matches!(
                    error.code,
                    OciErrorCode::ManifestUnknown
                        | OciErrorCode::NameUnknown
                        | OciErrorCode::NotFound
                )
            })
        }
        _ => false,
    }
}
