//! `midships check`: values as Helm and the chart would judge them, without either.

use std::path::Path;

use midships_generate::{Release, validate};
use snafu::ResultExt;

use super::{Error, OutputSnafu, ReadSnafu, ValidateSnafu, Verdict, read, read_input, text};
use crate::arguments;
use crate::printer::Printer;

/// Writes each finding as a line to standard output, sorted by the field's path.
///
/// # Errors
/// When the file cannot be read or no chart has that name.
pub fn run(options: &arguments::Check, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let path = &options.values;
    let bytes = if path == Path::new("-") {
        read_input()?
    } else {
        read(path)?
    };
    let text = text(bytes).context(ReadSnafu { path })?;
    let release = options.release.as_ref().map(|name| Release {
        name: name.clone(),
        namespace: options.namespace.clone(),
    });
    let findings = validate(&options.chart, &text, release.as_ref()).context(ValidateSnafu)?;
    for finding in &findings {
        printer.data(finding).context(OutputSnafu)?;
    }
    let path = path.display();
    let chart = &options.chart;
    match findings.len() {
        0 => {
            printer.note(format_args!("{path}: good values for the chart {chart}"));
            if release.is_none() {
                printer.note("the names of objects were not checked; give --release NAME for that");
            }
            Ok(Verdict::Done)
        }
        count => {
            printer.note(format_args!(
                "error: {path}: {count} findings; the chart {chart} would refuse these values"
            ));
            Ok(Verdict::Refused)
        }
    }
}
