//! `midships publish`: the charts, and on request the hook image, in an OCI registry.

use std::env;
use std::io::{self, IsTerminal, Read};
use std::path::PathBuf;
use std::sync::Arc;

use midships_generate::HookImage;
use midships_publish::{
    Artifact, Authorities, Bars, Connection, Credentials, Destination, Existing, Image, Lines,
    Login, Progress, Protocol, Pushed, Registry, RegistryError, SigningKey, Standing,
    without_line_end,
};
use snafu::{OptionExt, ResultExt};

use super::{
    AuthoritiesSnafu, CredentialsSnafu, Error, ImageSnafu, InputSnafu, NotTextSnafu, OutputSnafu,
    PushSnafu, RuntimeSnafu, SigningKeySnafu, Verdict, package, read,
};
use crate::arguments;
use crate::printer::Printer;

/// Pushes and writes `OUTCOME REFERENCE@DIGEST` to standard output for each artifact: the image first, so that no chart is
/// seen whose default image is missing, and the signature of each right behind it.
///
/// # Errors
/// When an input is refused, a tag names other bytes already (then nothing at all is pushed), or the registry does not
/// answer.
pub fn run(options: &arguments::Publish, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let destination = Destination::parse(&options.destination).context(PushSnafu)?;
    let artifacts = artifacts(options, &destination, printer)?;
    let key = signing_key(options)?;
    let existing = Existing::replaced_if(options.force);
    let registry =
        Registry::new(destination, connection(options)?, login(options)?).context(PushSnafu)?;
    let progress: Arc<dyn Progress> = if io::stderr().is_terminal() {
        Arc::new(Bars::default())
    } else {
        Arc::new(Lines::new(io::stderr()))
    };
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context(RuntimeSnafu)?;
    let pushed = runtime
        .block_on(push(
            &registry,
            &artifacts,
            existing,
            key.as_ref(),
            &progress,
        ))
        .context(PushSnafu)?;
    for Pushed {
        reference,
        digest,
        outcome,
    } in pushed
    {
        printer
            .data(format_args!("{outcome} {reference}@{digest}"))
            .context(OutputSnafu)?;
    }
    Ok(Verdict::Done)
}

/// How the registry is spoken to.
fn connection(options: &arguments::Publish) -> Result<Connection, Error> {
    let protocol = if options.plain_http {
        Protocol::PlainHttp
    } else {
        Protocol::Https
    };
    let authorities = match &options.ca_file {
        Some(path) => Authorities::parse(&read(path)?).context(AuthoritiesSnafu { path })?,
        None => Authorities::default(),
    };
    Ok(Connection::new(protocol, authorities))
}

/// Who pushes: the user that was named, or whoever logged in with Helm or Docker before.
fn login(options: &arguments::Publish) -> Result<Login, Error> {
    let Some(user) = &options.username else {
        return Ok(Login::Stored(login_files()));
    };
    let mut password = String::new();
    io::stdin()
        .read_to_string(&mut password)
        .context(InputSnafu)?;
    let credentials = Credentials::basic(user, &password).context(CredentialsSnafu)?;
    Ok(Login::Given(credentials))
}

/// Where Helm and Docker keep logins, in the order in which Helm looks: `helm registry login` writes the first file,
/// `docker login` the second.
fn login_files() -> Vec<PathBuf> {
    let path = |name: &str| {
        let value = env::var_os(name).filter(|value| !value.is_empty());
        value.map(PathBuf::from)
    };
    let below_home = |below: &str| path("HOME").map(|home| home.join(below));
    let helm = path("HELM_REGISTRY_CONFIG").or_else(|| {
        let directory = path("HELM_CONFIG_HOME")
            .or_else(|| path("XDG_CONFIG_HOME").map(|directory| directory.join("helm")))
            .or_else(|| below_home(".config/helm"));
        directory.map(|directory| directory.join("registry/config.json"))
    });
    let docker = path("DOCKER_CONFIG")
        .or_else(|| below_home(".docker"))
        .map(|directory| directory.join("config.json"));
    helm.into_iter().chain(docker).collect()
}

/// The key that signs, opened before anything is pushed.
fn signing_key(options: &arguments::Publish) -> Result<Option<SigningKey>, Error> {
    let Some(path) = &options.sign_key else {
        return Ok(None);
    };
    let password = match &options.sign_password_file {
        Some(path) => {
            let text = String::from_utf8(read(path)?)
                .ok()
                .context(NotTextSnafu { path })?;
            Some(without_line_end(&text).to_owned())
        }
        None => env::var("COSIGN_PASSWORD").ok(),
    };
    SigningKey::parse(&read(path)?, password.as_deref())
        .context(SigningKeySnafu { path })
        .map(Some)
}

/// What is to be pushed, in that order.
fn artifacts(
    options: &arguments::Publish,
    destination: &Destination,
    printer: &mut Printer<'_>,
) -> Result<Vec<Artifact>, Error> {
    let created = options.created.timestamp;
    let mut artifacts = Vec::new();
    let mut hook = None;
    if let Some(path) = &options.hook_image {
        let image =
            Image::new(&read(path)?, env!("CARGO_PKG_VERSION"), created).context(ImageSnafu)?;
        let seen = match &options.pull_registry {
            Some(registry) => destination.seen_as(registry).context(PushSnafu)?,
            None => destination.clone(),
        };
        let name = seen.image_name(&image).context(PushSnafu)?;
        artifacts.push(image.artifact().clone());
        hook = Some(HookImage {
            repository: name.repository,
            tag: name.tag,
        });
    }
    let charts = package::chosen(&options.charts, hook.as_ref(), printer)?;
    artifacts.extend(package::pack(&charts, created)?.iter().map(Artifact::from));
    Ok(artifacts)
}

/// Pushes all or, where one of the tags is taken, nothing.
async fn push(
    registry: &Registry,
    artifacts: &[Artifact],
    existing: Existing,
    key: Option<&SigningKey>,
    progress: &Arc<dyn Progress>,
) -> Result<Vec<Pushed>, RegistryError> {
    if existing == Existing::Keep {
        for artifact in artifacts {
            if let Standing::Different { digest } = registry.standing(artifact).await? {
                return Err(RegistryError::taken(
                    registry.destination(),
                    artifact,
                    digest,
                ));
            }
        }
    }
    let mut pushed = Vec::new();
    for artifact in artifacts {
        pushed.push(registry.push(artifact, existing, progress).await?);
        if let Some(key) = key {
            pushed.push(registry.sign(artifact, key, progress).await?);
        }
    }
    Ok(pushed)
}
