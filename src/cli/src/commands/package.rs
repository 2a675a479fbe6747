//! `midships package`: the charts as Helm archives.

use midships_generate::{Chart, HookImage, charts, charts_with};
use midships_publish::{Package, Timestamp};
use snafu::{ResultExt, ensure};

use super::offering::sound;
use super::{
    ChartsSnafu, Error, NoChartSnafu, OutputSnafu, PackageSnafu, SameChartSnafu, Verdict, write,
};
use crate::arguments;
use crate::printer::Printer;

/// Writes each archive and its `DIGEST PATH` to standard output.
///
/// # Errors
/// When a chart cannot be packed or a file cannot be written.
pub fn run(options: &arguments::Package, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let charts = chosen(&options.charts, None, printer)?;
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

/// The charts that are to be packed.
///
/// # Errors
/// When no chart has a name, the file of an offering cannot be read or is refused, or a chart cannot be made.
pub fn chosen(
    options: &arguments::Charts,
    hook: Option<&HookImage>,
    printer: &mut Printer<'_>,
) -> Result<Vec<Chart>, Error> {
    let mut chosen: Vec<Chart> = Vec::new();
    if options.offerings.is_empty() || !options.charts.is_empty() {
        chosen = hook.map_or_else(charts, charts_with).context(ChartsSnafu)?;
    }
    for name in &options.charts {
        if chosen.iter().all(|known| known.name != *name) {
            let known: Vec<&str> = chosen.iter().map(|known| known.name.as_str()).collect();
            let known = known.join(", ");
            return NoChartSnafu { name, known }.fail();
        }
    }
    if !options.charts.is_empty() {
        chosen.retain(|chart| options.charts.contains(&chart.name));
    }
    for file in &options.offerings {
        let chart = sound(file, hook, printer)?.chart().context(ChartsSnafu)?;
        ensure!(
            chosen.iter().all(|known| known.name != chart.name),
            SameChartSnafu { name: chart.name }
        );
        chosen.push(chart);
    }
    Ok(chosen)
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
