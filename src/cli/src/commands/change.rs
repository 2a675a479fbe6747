//! `midships change`: what it takes to go from the values of a release to other ones.

use std::path::Path;

use midships_generate::{Answer, Changes, Effect, Side, render, shown};
use snafu::{ResultExt, ensure};

use super::offering::Target;
use super::{BothInputSnafu, Error, JsonSnafu, OutputSnafu, Verdict, is_coloured, read_text};
use crate::arguments;
use crate::printer::Printer;

/// Writes each changed field with what its change takes, and which operations the upgrade runs.
///
/// # Errors
/// When a file cannot be read or no chart has that name.
pub fn run(options: &arguments::Change, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    ensure!(
        options.old != options.new || options.old != Path::new("-"),
        BothInputSnafu
    );
    let old = read_text(&options.old)?;
    let new = read_text(&options.new)?;
    let target = Target::of(&options.target, printer)?;
    match target.change(&old, &new)? {
        Answer::Refused(side, findings) => {
            let (path, text) = match side {
                Side::Old => (&options.old, &old),
                Side::New => (&options.new, &new),
            };
            let file = path.display().to_string();
            let shown = render(&findings, text, &file, is_coloured());
            printer
                .data(format_args!("{shown}\n"))
                .context(OutputSnafu)?;
            let chart = target.chart();
            printer.note(format_args!(
                "error: {file}: the chart {chart} would refuse these values"
            ));
            Ok(Verdict::Refused)
        }
        Answer::Changes(changes) => {
            if options.json {
                let text = serde_json::to_string_pretty(&changes).context(JsonSnafu)?;
                printer.data(text).context(OutputSnafu)?;
            } else {
                tell(&changes, printer)?;
            }
            match changes.refused() {
                0 => Ok(Verdict::Done),
                refused => {
                    let all = changes.changes.len();
                    printer.note(format_args!(
                        "error: {refused} of {all} changes would be refused"
                    ));
                    Ok(Verdict::Refused)
                }
            }
        }
    }
}

fn tell(changes: &Changes, printer: &mut Printer<'_>) -> Result<(), Error> {
    for change in &changes.changes {
        let refused = match change.effect {
            Effect::Refused => "refused: ",
            _ => "",
        };
        let (old, new) = (shown(&change.old), shown(&change.new));
        printer
            .data(format_args!("{}: {old} -> {new}", change.path))
            .context(OutputSnafu)?;
        printer
            .data(format_args!("    {refused}{}", change.text))
            .context(OutputSnafu)?;
    }
    if changes.changes.is_empty() {
        printer.note("nothing changes");
    }
    if let Some(seconds) = changes.timeout_seconds {
        let operations = changes.operations.join(", ");
        let minutes = seconds.div_ceil(60);
        printer
            .data(format_args!(
                "the upgrade runs {operations}: give Helm --timeout {minutes}m"
            ))
            .context(OutputSnafu)?;
    }
    Ok(())
}
