//! `midships check`: values as Helm and the chart would judge them, without either.

use std::path::Path;

use midships_generate::{Finding, Release, Report, Severity, decode, render};
use snafu::{ResultExt, ensure};

use super::offering::Target;
use super::{
    BothInputSnafu, Error, JsonSnafu, OutputSnafu, RefusedBeforeSnafu, Verdict, counted,
    is_coloured, read_given, read_text,
};
use crate::arguments::{self, Format};
use crate::printer::Printer;

/// Writes all findings to standard output, sorted by their place in the file.
///
/// # Errors
/// When the file cannot be read or no chart has that name.
pub fn run(options: &arguments::Check, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let path = &options.values;
    let bytes = read_given(path)?;
    let release = options.release.as_ref().map(|name| Release {
        name: name.clone(),
        namespace: options.namespace.clone(),
    });
    let target = Target::of(&options.target, printer)?;
    let chart = target.chart();
    let before = match &options.before {
        Some(before) => {
            ensure!(before != path || path != Path::new("-"), BothInputSnafu);
            Some(good(&target, before, printer)?)
        }
        None => None,
    };
    let findings = match decode(&bytes) {
        Ok(text) => found(&target, text, before.as_deref(), release.as_ref())?,
        Err(finding) => vec![*finding],
    };
    let file = path.display().to_string();
    match options.format {
        Format::Json => {
            let report = Report::new(&file, chart, &findings);
            let json = serde_json::to_string_pretty(&report).context(JsonSnafu)?;
            printer.data(json).context(OutputSnafu)?;
        }
        Format::Text if !findings.is_empty() => {
            let text = String::from_utf8_lossy(&bytes);
            let shown = render(&findings, &text, &file, is_coloured());
            printer
                .data(format_args!("{shown}\n"))
                .context(OutputSnafu)?;
        }
        Format::Text => {}
    }
    let warnings = findings.iter();
    let warnings = warnings.filter(|finding| finding.severity == Severity::Warning);
    let warnings = warnings.count();
    if warnings > 0 {
        let warnings = counted(warnings, "warning");
        printer.note(format_args!("{file}: {warnings} for the chart {chart}"));
    }
    match findings
        .iter()
        .filter(|finding| finding.severity == Severity::Error)
        .count()
    {
        0 => {
            printer.note(format_args!("{file}: good values for the chart {chart}"));
            if release.is_none() {
                printer.note("the names of objects were not checked; give --release NAME for that");
            }
            Ok(Verdict::Done)
        }
        count => {
            let count = counted(count, "finding");
            printer.note(format_args!("error: {file}: {count} for the chart {chart}"));
            Ok(Verdict::Refused)
        }
    }
}

/// The values that a release has: they must be good, or nothing can be said of a change of them.
fn good(target: &Target, path: &Path, printer: &mut Printer<'_>) -> Result<String, Error> {
    let text = read_text(path)?;
    let findings = target.validate(&text, None)?;
    if findings.is_empty() {
        return Ok(text);
    }
    let file = path.display().to_string();
    printer.note(format_args!(
        "{}\n",
        render(&findings, &text, &file, is_coloured())
    ));
    RefusedBeforeSnafu { path }.fail()
}

/// What is refused, or else what would be refused as a change; and what has no effect.
fn found(
    target: &Target,
    text: &str,
    before: Option<&str>,
    release: Option<&Release>,
) -> Result<Vec<Finding>, Error> {
    let mut findings = target.validate(text, release)?;
    if let Some(before) = before.filter(|_| findings.is_empty()) {
        findings = target.forbidden_changes(before, text)?;
    }
    findings.extend(target.without_effect(text)?);
    Ok(findings)
}
