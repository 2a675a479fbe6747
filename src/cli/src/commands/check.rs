//! `midships check`: values as Helm and the chart would judge them, without either.

use midships_generate::{Release, Report, decode, render, validate};
use snafu::ResultExt;

use super::offering::Target;
use super::{Error, JsonSnafu, OutputSnafu, ValidateSnafu, Verdict, is_coloured, read_given};
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
    let target = match Target::of(&options.target, printer)? {
        Ok(target) => target,
        Err(verdict) => return Ok(verdict),
    };
    let chart = target.chart();
    let findings = match decode(&bytes) {
        Ok(text) => match &target {
            Target::Chart(chart) => validate(chart, text, release.as_ref()),
            Target::Offering(offering) => offering.validate(text, release.as_ref()),
        }
        .context(ValidateSnafu)?,
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
    if findings.is_empty() {
        printer.note(format_args!("{file}: good values for the chart {chart}"));
        if release.is_none() {
            printer.note("the names of objects were not checked; give --release NAME for that");
        }
        return Ok(Verdict::Done);
    }
    let count = match findings.len() {
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    printer.note(format_args!("error: {file}: {count} for the chart {chart}"));
    Ok(Verdict::Refused)
}
