//! `midships package`: the charts as Helm archives.

use midships_generate::{Chart, HookImage, charts, charts_with};
use midships_publish::{Package, Timestamp};
use snafu::ResultExt;

use super::offering::read;
use super::{ChartsSnafu, Error, OutputSnafu, PackageSnafu, Verdict, write};
use crate::arguments;
use crate::printer::Printer;

/// Writes each archive and its `DIGEST PATH` to standard output.
///
/// # Errors
/// When a chart cannot be packed or a file cannot be written.
pub fn run(options: &arguments::Package, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let charts = match chosen(&options.charts, None, printer)? {
        Ok(charts) => charts,
        Err(verdict) => return Ok(verdict),
    };
    for package in pack(&charts, options.created.timestamp)? {
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

/// The charts that are to be packed, or the verdict on a refused file of an offering.
///
/// # Errors
/// When a file cannot be read or a chart cannot be made.
pub fn chosen(
    options: &arguments::Charts,
    hook: Option<&HookImage>,
    printer: &mut Printer<'_>,
) -> Result<Result<Vec<Chart>, Verdict>, Error> {
    if options.offerings.is_empty() {
        let charts = hook.map_or_else(charts, charts_with);
        return Ok(Ok(charts.context(ChartsSnafu)?));
    }
    let mut charts = Vec::new();
    for file in &options.offerings {
        match read(file, hook, printer)? {
            Ok(offering) => charts.push(offering.chart().context(ChartsSnafu)?),
            Err(verdict) => return Ok(Err(verdict)),
        }
    }
    Ok(Ok(charts))
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
