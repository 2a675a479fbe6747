//! An OCI registry that artifacts are pushed to (OCI distribution specification 1.1).

use std::fmt;
use std::sync::Arc;

use futures_util::stream;
use http::HeaderValue;
use oci_client::errors::{OciDistributionError, OciErrorCode};
use oci_client::manifest::OCI_IMAGE_MEDIA_TYPE;
use oci_client::secrets::RegistryAuth;
use oci_client::token_cache::RegistryTokenType;
use oci_client::{Client, Reference, RegistryOperation};
use snafu::{OptionExt, ResultExt, Snafu, ensure};
use tokio::time::Instant;

use crate::artifact::digest;
use crate::authorization::{self, Authorizer, Proof};
use crate::connection::{NoAnswer, causes};
use crate::credentials::Login;
use crate::signature::{PresentError, SigningKey, signatures_tag};
use crate::{Artifact, Blob, Connection, Image, Progress};

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
    #[snafu(transparent)]
    NoAnswer {
        /// Why.
        source: NoAnswer,
    },
    /// The registry lets nobody in who asks like this.
    #[snafu(transparent)]
    Authorization {
        /// Why.
        source: authorization::Error,
    },
    /// The registry wants to know who pushes, or does not let them.
    #[snafu(display(
        "{reference}: the registry does not let {who} push: {}; {advice}",
        causes(source)
    ))]
    Unauthorized {
        /// What was to be pushed.
        reference: String,
        /// Who asked.
        who: String,
        /// What to do.
        advice: &'static str,
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
    /// The tag of the signatures names something else.
    #[snafu(display("{reference}: {source}"))]
    Signatures {
        /// The tag.
        reference: String,
        /// Why.
        source: PresentError,
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
        self.tagged(artifact, artifact.tag())
    }

    /// `HOST/PATH/NAME:TAG` in the repository of an artifact.
    fn tagged(&self, artifact: &Artifact, tag: &str) -> String {
        format!("{}/{}:{tag}", self.registry, self.repository(artifact))
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

/// What to do with a tag that names other bytes already.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Existing {
    /// Refuse: a published version never changes.
    Keep,
    /// Let the tag name the new bytes.
    Replace,
}

impl Existing {
    /// Replaces only if that is forced.
    #[must_use]
    pub fn replaced_if(force: bool) -> Self {
        if force { Self::Replace } else { Self::Keep }
    }
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
    connection: Connection,
    authorizer: Authorizer,
    destination: Destination,
}

impl Registry {
    /// Prepares to ask; the registry is not asked yet.
    ///
    /// # Errors
    /// When the machine's trusted certificates cannot be read.
    pub fn new(
        destination: Destination,
        connection: Connection,
        login: Login,
    ) -> Result<Self, Error> {
        let registry = destination.registry();
        // Docker's central registry answers under another name than the one in references.
        let reference = Reference::with_tag(registry.to_owned(), String::new(), String::new());
        let authorizer = Authorizer::new(&connection, reference.resolve_registry(), login)
            .map_err(OciDistributionError::from)
            .context(ClientSnafu { registry })?;
        Ok(Self {
            connection,
            authorizer,
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
        self.session(artifact).await?.standing().await
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
        let mut session = self.session(artifact).await?;
        let outcome = match (session.standing().await?, existing) {
            (Standing::Same, _) => Outcome::Unchanged,
            (Standing::Absent, _) => Outcome::Created,
            (Standing::Different { .. }, Existing::Replace) => Outcome::Replaced,
            (Standing::Different { digest }, Existing::Keep) => {
                return Err(Error::taken(&self.destination, artifact, digest));
            }
        };
        if outcome != Outcome::Unchanged {
            session.push(progress).await?;
        }
        Ok(Pushed {
            reference: self.destination.reference(artifact),
            digest: artifact.manifest().digest().to_owned(),
            outcome,
        })
    }

    /// Signs an artifact that was pushed. Signatures by others stay, and one that is there is not written again.
    ///
    /// # Errors
    /// When the registry does not answer or refuses, has something else in place of signatures, or somebody else signed
    /// the same artifact meanwhile.
    pub async fn sign(
        &self,
        artifact: &Artifact,
        key: &SigningKey,
        progress: &Arc<dyn Progress>,
    ) -> Result<Pushed, Error> {
        let tag = signatures_tag(artifact);
        let reference = self.destination.tagged(artifact, &tag);
        let present = self.session(artifact).await?.manifest(&tag).await?;
        let repository = format!(
            "{}/{}",
            self.destination.registry(),
            self.destination.repository(artifact)
        );
        let signatures = key
            .sign(artifact, &repository, present.as_deref())
            .context(SignaturesSnafu {
                reference: &reference,
            })?;
        match (signatures, present) {
            // A tag of signatures grows; that is no change of anything that was published.
            (Some(signatures), _) => self.push(&signatures, Existing::Replace, progress).await,
            (None, present) => Ok(Pushed {
                reference,
                digest: digest(&present.unwrap_or_default()),
                outcome: Outcome::Unchanged,
            }),
        }
    }

    /// Asks for what the registry takes as proof, and makes a client that has it.
    async fn session<'a>(&'a self, artifact: &'a Artifact) -> Result<Session<'a>, Error> {
        let registry = self.destination.registry();
        let repository = self.destination.repository(artifact);
        let client = Client::try_from(self.connection.registry_client())
            .context(ClientSnafu { registry })?;
        let reference = Reference::with_tag(
            registry.to_owned(),
            repository.clone(),
            artifact.tag().to_owned(),
        );
        let mut renew = None;
        let authentication = match self.authorizer.prove(&repository).await? {
            Proof::Bearer { token, renew: when } => {
                renew = Some(when);
                RegistryAuth::Bearer(token)
            }
            Proof::Basic { user, password } => {
                // Given as something to remember, not as credentials: with those the client would ask the registry
                // again where to send them, and send them there.
                for operation in [RegistryOperation::Pull, RegistryOperation::Push] {
                    let proof = RegistryTokenType::Basic(user.clone(), password.clone());
                    client.tokens.insert(&reference, operation, proof).await;
                }
                RegistryAuth::Anonymous
            }
            Proof::None => RegistryAuth::Anonymous,
        };
        client
            .store_auth_if_needed(reference.resolve_registry(), &authentication)
            .await;
        Ok(Session {
            registry: self,
            artifact,
            client,
            authentication,
            reference,
            renew,
        })
    }
}

/// A client that may pull from and push to the repository of one artifact.
struct Session<'a> {
    registry: &'a Registry,
    artifact: &'a Artifact,
    client: Client,
    authentication: RegistryAuth,
    reference: Reference,
    renew: Option<Instant>,
}

impl Session<'_> {
    /// Proves again who asks when that is due, so that a slow upload does not outlive its token.
    async fn refresh(&mut self) -> Result<(), Error> {
        if self.renew.is_some_and(|when| Instant::now() >= when) {
            *self = self.registry.session(self.artifact).await?;
        }
        Ok(())
    }

    /// What the tag names now.
    async fn standing(&self) -> Result<Standing, Error> {
        let asked = self
            .client
            .fetch_manifest_digest(&self.reference, &self.authentication);
        match asked.await {
            Ok(digest) if digest == self.artifact.manifest().digest() => Ok(Standing::Same),
            Ok(digest) => Ok(Standing::Different { digest }),
            Err(error) if is_absent(&error) => Ok(Standing::Absent),
            Err(error) => Err(self.failure("ask for the tag", error)),
        }
    }

    /// The manifest under another tag of the repository, if there is one.
    async fn manifest(&self, tag: &str) -> Result<Option<Vec<u8>>, Error> {
        let reference = Reference::with_tag(
            self.reference.registry().to_owned(),
            self.reference.repository().to_owned(),
            tag.to_owned(),
        );
        let pulled = self.client.pull_manifest_raw(
            &reference,
            &self.authentication,
            &[OCI_IMAGE_MEDIA_TYPE],
        );
        match pulled.await {
            Ok((bytes, _)) => Ok(Some(bytes.to_vec())),
            Err(error) if is_absent(&error) => Ok(None),
            Err(error) => Err(self.failure("ask for the signatures", error)),
        }
    }

    /// Pushes and reads back what the tag names then.
    async fn push(&mut self, progress: &Arc<dyn Progress>) -> Result<(), Error> {
        let artifact = self.artifact;
        let reference = self.registry.destination.reference(artifact);
        let blobs: Vec<&Blob> = artifact
            .layers()
            .iter()
            .chain([artifact.config()])
            .collect();
        let total: usize = blobs.iter().map(|blob| blob.bytes().len()).sum();
        progress.begin(&reference, total as u64);
        let result = self.send(&blobs, progress).await;
        progress.end();
        result?;
        self.refresh().await?;
        let present = match self.standing().await? {
            Standing::Same => return Ok(()),
            Standing::Absent => "nothing".to_owned(),
            Standing::Different { digest } => digest,
        };
        let wanted = artifact.manifest().digest();
        LostSnafu {
            reference,
            present,
            wanted,
        }
        .fail()
    }

    async fn send(&mut self, blobs: &[&Blob], progress: &Arc<dyn Progress>) -> Result<(), Error> {
        for blob in blobs {
            self.refresh().await?;
            let size = blob.bytes().len() as u64;
            let present = self
                .client
                .blob_exists(&self.reference, blob.digest())
                .await
                .map_err(|error| self.failure("ask for a blob", error))?;
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
                .push_blob_stream(&self.reference, pieces, blob.digest(), Some(size))
                .await
                .map_err(|error| self.failure("push a blob", error))?;
        }
        self.refresh().await?;
        self.client
            .push_manifest_raw(
                &self.reference,
                self.artifact.manifest().bytes().to_vec(),
                HeaderValue::from_static(OCI_IMAGE_MEDIA_TYPE),
            )
            .await
            .map_err(|error| self.failure("push the manifest", error))?;
        Ok(())
    }

    /// Says what a failed request means.
    fn failure(&self, action: &'static str, source: OciDistributionError) -> Error {
        let destination = &self.registry.destination;
        let reference = destination.reference(self.artifact);
        let refused_status = |error: &reqwest::Error| {
            error
                .status()
                .is_some_and(|status| matches!(status.as_u16(), 401 | 403))
        };
        match source {
            OciDistributionError::RequestError(error) if error.status().is_none() => NoAnswer::new(
                format!("registry {}", destination.registry()),
                self.registry.connection.protocol(),
                error.without_url(),
            )
            .into(),
            OciDistributionError::UnauthorizedError { .. }
            | OciDistributionError::AuthenticationFailure(_)
            | OciDistributionError::ServerError {
                code: 401 | 403, ..
            } => self.unauthorized(reference, source),
            OciDistributionError::RequestError(ref error) if refused_status(error) => {
                self.unauthorized(reference, source)
            }
            _ => Error::Refused {
                reference,
                action,
                source: Box::new(source),
            },
        }
    }

    fn unauthorized(&self, reference: String, source: OciDistributionError) -> Error {
        Error::Unauthorized {
            reference,
            who: self.registry.authorizer.who(),
            advice: self.registry.authorizer.advice(),
            source: Box::new(source),
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
