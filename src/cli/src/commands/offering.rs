//! `midships offering`: a stand-alone chart with a short form, narrowed from one of the charts by a file.

use std::io;
use std::path::Path;

use midships_generate::{self as generate, Finding, HookImage, Icon, Offering, Reading};
use snafu::ResultExt;

use super::{
    ChartsSnafu, Error, GenerateSnafu, OfferingSnafu, OutputSnafu, ReadSnafu, Verdict, is_coloured,
    read as read_bytes,
};
use crate::arguments;
use crate::printer::Printer;

/// What values are for.
pub enum Target {
    /// A chart of this project, by name.
    Chart(String),
    /// An offering.
    Offering(Box<Offering>),
}

impl Target {
    /// What the options name, or the verdict on a refused file of an offering.
    ///
    /// # Errors
    /// When the file of the offering cannot be read.
    pub fn of(
        options: &arguments::Target,
        printer: &mut Printer<'_>,
    ) -> Result<Result<Self, Verdict>, Error> {
        match &options.offering {
            Some(file) => {
                let offering = read(file, None, printer)?;
                Ok(offering.map(|offering| Self::Offering(Box::new(offering))))
            }
            None => Ok(Ok(Self::Chart(options.chart.clone().unwrap_or_default()))),
        }
    }

    /// The name of the chart.
    #[must_use]
    pub fn chart(&self) -> &str {
        match self {
            Self::Chart(name) => name,
            Self::Offering(offering) => offering.name(),
        }
    }
}

/// Writes the files that differ, or names them, one line each on standard output.
///
/// # Errors
/// When a file cannot be read or written.
pub fn run(options: &arguments::Offering, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let offering = match read(&options.file, None, printer)? {
        Ok(offering) => offering,
        Err(verdict) => return Ok(verdict),
    };
    let name = offering.name();
    let wanted = offering.outputs().context(ChartsSnafu)?;
    let differences = if options.check {
        generate::check_files(&options.out, name, &wanted)
    } else {
        generate::write_files(&options.out, name, &wanted)
    }
    .context(GenerateSnafu)?;
    let (file, out) = (options.file.display(), options.out.display());
    if options.check {
        for difference in &differences {
            printer.data(difference).context(OutputSnafu)?;
        }
        if !differences.is_empty() {
            printer.note(format_args!(
                "error: {name} is not as {file} makes it; run `midships offering {file}`"
            ));
            return Ok(Verdict::Refused);
        }
        printer.note(format_args!("{name} is as {file} makes it"));
    } else {
        printer.note(format_args!(
            "{name}: the chart is in {out}/charts/{name}, its forms are {out}/schemas/{name}.*"
        ));
    }
    Ok(Verdict::Done)
}

/// Reads the file of an offering and its picture. A file that is refused is shown with what is wrong in it.
///
/// # Errors
/// When the file cannot be read.
pub fn read(
    path: &Path,
    hook: Option<&HookImage>,
    printer: &mut Printer<'_>,
) -> Result<Result<Offering, Verdict>, Error> {
    let bytes = read_bytes(path)?;
    let text = String::from_utf8_lossy(&bytes).into_owned();
    let findings = match generate::decode(&bytes) {
        Err(finding) => vec![*finding],
        Ok(text) => {
            let icon = picture(path, text)?;
            match Offering::read(text, icon.as_ref(), hook).context(OfferingSnafu)? {
                Reading::Offering(offering) => return Ok(Ok(*offering)),
                Reading::Refused(findings) => findings,
            }
        }
    };
    refuse(path, &text, &findings, printer)?;
    Ok(Err(Verdict::Refused))
}

/// The picture beside the file; none where it asks for none or where there is none, which is found with the rest.
fn picture(path: &Path, text: &str) -> Result<Option<Icon>, Error> {
    let Some(name) = generate::icon_of(text) else {
        return Ok(None);
    };
    // A name that leads elsewhere is refused with the rest.
    if Path::new(&name).components().count() != 1 {
        return Ok(None);
    }
    let beside = path.with_file_name(&name);
    match std::fs::read(&beside) {
        Ok(bytes) => Ok(Some(Icon { name, bytes })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(source).context(ReadSnafu { path: beside }),
    }
}

fn refuse(
    path: &Path,
    text: &str,
    findings: &[Finding],
    printer: &mut Printer<'_>,
) -> Result<(), Error> {
    let file = path.display().to_string();
    let shown = generate::render(findings, text, &file, is_coloured());
    printer
        .data(format_args!("{shown}\n"))
        .context(OutputSnafu)?;
    let count = match findings.len() {
        1 => "1 finding".to_owned(),
        count => format!("{count} findings"),
    };
    printer.note(format_args!("error: {file}: {count} about the offering"));
    Ok(())
}
