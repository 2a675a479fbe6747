//! `midships post-render`: manifests from standard input, changed by a policy, to standard output.

use midships_post_render::{Lock, Policy, PostRenderer};
use snafu::ResultExt;

use super::{
    Error, LockSnafu, OutputSnafu, PolicySnafu, PostRenderSnafu, Verdict, read_input, read_text,
};
use crate::arguments;
use crate::printer::Printer;

/// Writes the manifests when all of them are good, and otherwise nothing.
///
/// # Errors
/// When a file cannot be read or has a mistake, and when the manifests are no YAML or break a rule.
pub fn run(options: &arguments::PostRender, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let path = &options.policy;
    let policy = Policy::read(&read_text(path)?).context(PolicySnafu { path })?;
    let lock = match &options.lock {
        Some(path) => Some(Lock::read(&read_text(path)?).context(LockSnafu { path })?),
        None => None,
    };
    let namespace = options.namespace.clone();
    let renderer = PostRenderer::new(policy, lock, namespace);
    let manifests = renderer.render(read_input()?).context(PostRenderSnafu)?;
    printer.bytes(&manifests).context(OutputSnafu)?;
    Ok(Verdict::Done)
}
