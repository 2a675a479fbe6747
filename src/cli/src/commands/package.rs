//! `midships package`: the charts as Helm archives.

use midships_generate::{Chart, charts};
use midships_publish::{Package, Timestamp};
use snafu::ResultExt;

use super::{ChartsSnafu, Error, OutputSnafu, PackageSnafu, Verdict, write};
use crate::arguments;
use crate::printer::Printer;

/// Writes each archive and its `DIGEST PATH` to standard output.
///
/// # Errors
/// When a chart cannot be packed or a file cannot be written.
pub fn run(options: &arguments::Package, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    for package in pack(&charts().context(ChartsSnafu)?, options.created.timestamp)? {
        let path = options.out.join(package.file_name());
        write(&path, package.archive().bytes())?;
        printer
            .data(format_args!(
                "{} {}",
                package.archive().digest(),
                path.display()
            ))
            .context(OutputSnafu)?;
    }
    Ok(Verdict::Done)
}

/// Packs charts from memory.
pub fn pack(charts: &[Chart], created: Timestamp) -> Result<Vec<Package>, Error> {
    charts
        .iter()
        .map(|chart| {
            Package::new(&chart.files, created).context(PackageSnafu { chart: &chart.name })
        })
        .collect()
}
