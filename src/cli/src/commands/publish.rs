//! `midships publish`: the charts, and on request the hook image, in an OCI registry.

use std::io::{self, IsTerminal};
use std::sync::Arc;

use midships_generate::{HookImage, charts, charts_with};
use midships_publish::{
    Artifact, Bars, Credentials, Destination, Existing, Image, Lines, Progress, Protocol, Pushed,
    Registry, RegistryError, Standing,
};
use snafu::ResultExt;

use super::{
    ChartsSnafu, Error, ImageSnafu, OutputSnafu, PushSnafu, RuntimeSnafu, Verdict, package, read,
};
use crate::arguments;
use crate::printer::Printer;

/// Pushes and writes `OUTCOME REFERENCE@DIGEST` to standard output for each artifact: the image first, so that no chart is
/// seen whose default image is missing.
///
/// # Errors
/// When an input is refused, a tag names other bytes already (then nothing at all is pushed), or the registry does not
/// answer.
pub fn run(options: &arguments::Publish, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let destination = Destination::parse(&options.destination).context(PushSnafu)?;
    let artifacts = artifacts(options, &destination)?;
    let protocol = if options.plain_http {
        Protocol::PlainHttp
    } else {
        Protocol::Https
    };
    let existing = if options.force {
        Existing::Replace
    } else {
        Existing::Keep
    };
    let registry =
        Registry::new(destination, protocol, &Credentials::Anonymous).context(PushSnafu)?;
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
        .block_on(push(&registry, &artifacts, existing, &progress))
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

/// What is to be pushed, in that order.
fn artifacts(
    options: &arguments::Publish,
    destination: &Destination,
) -> Result<Vec<Artifact>, Error> {
    let created = options.created.timestamp;
    let mut artifacts = Vec::new();
    let charts = if let Some(path) = &options.hook_image {
        let image =
            Image::new(&read(path)?, env!("CARGO_PKG_VERSION"), created).context(ImageSnafu)?;
        let seen = match &options.pull_registry {
            Some(registry) => destination.seen_as(registry).context(PushSnafu)?,
            None => destination.clone(),
        };
        let name = seen.image_name(&image).context(PushSnafu)?;
        artifacts.push(image.artifact().clone());
        charts_with(&HookImage {
            repository: name.repository,
            tag: name.tag,
        })
    } else {
        charts()
    }
    .context(ChartsSnafu)?;
    artifacts.extend(package::pack(&charts, created)?.iter().map(Artifact::from));
    Ok(artifacts)
}

/// Pushes all or, where one of the tags is taken, nothing.
async fn push(
    registry: &Registry,
    artifacts: &[Artifact],
    existing: Existing,
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
    }
    Ok(pushed)
}
