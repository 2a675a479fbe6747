//! `midships generate`: the charts and schemas of a checkout.

use std::path::{Path, PathBuf};
use std::{env, fs};

use midships_generate as generate;
use snafu::{OptionExt, ResultExt};

use super::{DirectorySnafu, Error, GenerateSnafu, NoRootSnafu, OutputSnafu, Verdict};
use crate::arguments;
use crate::printer::Printer;

/// Writes the files that differ, or names them, one line each on standard output.
///
/// # Errors
/// When there is no checkout, no such chart, or a file cannot be read or written.
pub fn run(options: &arguments::Generate, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let root = match &options.root {
        Some(root) => root.clone(),
        None => checkout(&env::current_dir().context(DirectorySnafu)?)?,
    };
    let chart = options.chart.as_deref();
    let differences = if options.check {
        generate::check(&root, chart)
    } else {
        generate::write(&root, chart)
    }
    .context(GenerateSnafu)?;
    for difference in &differences {
        printer.data(difference).context(OutputSnafu)?;
    }
    let count = match differences.len() {
        1 => "1 generated file differs".to_owned(),
        count => format!("{count} generated files differ"),
    };
    match (differences.is_empty(), options.check) {
        (true, _) => printer.note("charts and schemas are as the model makes them"),
        (false, false) => printer.note("all of these are as the model makes them now"),
        (false, true) => {
            printer.note(format_args!(
                "error: {count} from the model; run `midships generate` and commit the result"
            ));
            return Ok(Verdict::Refused);
        }
    }
    Ok(Verdict::Done)
}

/// The nearest directory at or above `start` whose Cargo.toml is that of a workspace.
fn checkout(start: &Path) -> Result<PathBuf, Error> {
    start
        .ancestors()
        .find(|directory| {
            fs::read_to_string(directory.join("Cargo.toml"))
                .is_ok_and(|text| text.lines().any(|line| line == "[workspace]"))
        })
        .map(Path::to_path_buf)
        .context(NoRootSnafu { start })
}
