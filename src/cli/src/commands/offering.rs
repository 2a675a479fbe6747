//! `midships offering`: a stand-alone chart with a short form, narrowed from one of the charts by a file.

use std::io;
use std::path::{Component, Path};

use midships_generate::{
    self as generate, Answer, Finding, HookImage, Icon, Offering, Reading, Release,
};
use snafu::{ResultExt, ensure};

use super::{
    ChangeSnafu, ChartsSnafu, Error, ForeignChartSnafu, GenerateSnafu, NoTargetSnafu,
    OfferingSnafu, OutputSnafu, ReadSnafu, RefusedOfferingSnafu, ValidateSnafu, Verdict, counted,
    is_coloured, read as read_bytes,
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
    /// What the options name.
    ///
    /// # Errors
    /// When the file of the offering cannot be read, or is refused.
    pub fn of(options: &arguments::Target, printer: &mut Printer<'_>) -> Result<Self, Error> {
        match (&options.offering, &options.chart) {
            (Some(file), _) => Ok(Self::Offering(Box::new(sound(file, None, printer)?))),
            (None, Some(chart)) => Ok(Self::Chart(chart.clone())),
            (None, None) => NoTargetSnafu.fail(),
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

    /// What is refused of a text of values.
    ///
    /// # Errors
    /// When no chart has that name.
    pub fn validate(&self, text: &str, release: Option<&Release>) -> Result<Vec<Finding>, Error> {
        match self {
            Self::Chart(chart) => generate::validate(chart, text, release),
            Self::Offering(offering) => offering.validate(text, release),
        }
        .context(ValidateSnafu)
    }

    /// What of a text of values has no effect.
    ///
    /// # Errors
    /// When no chart has that name.
    pub fn without_effect(&self, text: &str) -> Result<Vec<Finding>, Error> {
        match self {
            Self::Chart(chart) => generate::without_effect(chart, text).context(ValidateSnafu),
            Self::Offering(offering) => Ok(offering.without_effect(text)),
        }
    }

    /// Which changes from good values to other good values would be refused.
    ///
    /// # Errors
    /// When no chart has that name.
    pub fn forbidden_changes(&self, old: &str, new: &str) -> Result<Vec<Finding>, Error> {
        match self {
            Self::Chart(chart) => {
                generate::forbidden_changes(chart, old, new).context(ValidateSnafu)
            }
            Self::Offering(offering) => Ok(offering.forbidden_changes(old, new)),
        }
    }

    /// What a change of values takes.
    ///
    /// # Errors
    /// When no chart has that name.
    pub fn change(&self, old: &str, new: &str) -> Result<Answer, Error> {
        match self {
            Self::Chart(chart) => generate::change(chart, old, new),
            Self::Offering(offering) => offering.change(old, new),
        }
        .context(ChangeSnafu)
    }
}

/// Writes the files that differ, or names them, one line each on standard output.
///
/// # Errors
/// When a file cannot be read or written, or a chart of that name is there that is none of an offering.
pub fn run(options: &arguments::Offering, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let offering = match read(&options.file, None)? {
        Ok(offering) => offering,
        Err(refusal) => {
            printer.data(&refusal.shown).context(OutputSnafu)?;
            printer.note(format_args!("error: {}", refusal.sum()));
            return Ok(Verdict::Refused);
        }
    };
    let name = offering.name();
    let wanted = offering.outputs().context(ChartsSnafu)?;
    let (file, out) = (options.file.display(), options.out.display());
    if options.check {
        let differences =
            generate::check_files(&options.out, name, &wanted).context(GenerateSnafu)?;
        for difference in &differences {
            printer.data(difference).context(OutputSnafu)?;
        }
        if !differences.is_empty() {
            printer.note(format_args!(
                "error: {name} is not as {file} makes it; run `midships offering {file} --out {out}`"
            ));
            return Ok(Verdict::Refused);
        }
        printer.note(format_args!("{name} is as {file} makes it"));
    } else {
        // Files that the offering does not make are removed there, so it must be its own directory.
        let chart = options.out.join("charts").join(name);
        ensure!(
            !chart.exists() || chart.join(MARK).exists(),
            ForeignChartSnafu { path: chart }
        );
        generate::write_files(&options.out, name, &wanted).context(GenerateSnafu)?;
        printer.note(format_args!(
            "{name}: the chart is in {out}/charts/{name}, its forms are {out}/schemas/{name}.*"
        ));
    }
    Ok(Verdict::Done)
}

/// The file that every chart of an offering has, and no other.
const MARK: &str = "templates/_offering.tpl";

/// What is wrong with the file of an offering.
pub struct Refusal {
    /// The findings for people.
    shown: String,
    file: String,
    count: usize,
}

impl Refusal {
    /// In one line.
    fn sum(&self) -> String {
        let count = counted(self.count, "finding");
        format!("{}: {count} about the offering", self.file)
    }
}

/// Reads the file of an offering that must make sense; if not, notes say why.
///
/// # Errors
/// When the file cannot be read, or is refused.
pub fn sound(
    path: &Path,
    hook: Option<&HookImage>,
    printer: &mut Printer<'_>,
) -> Result<Offering, Error> {
    read(path, hook)?.or_else(|refusal| {
        printer.note(&refusal.shown);
        let sum = refusal.sum();
        RefusedOfferingSnafu { sum }.fail()
    })
}

/// Reads the file of an offering and its picture.
fn read(path: &Path, hook: Option<&HookImage>) -> Result<Result<Offering, Refusal>, Error> {
    let bytes = read_bytes(path)?;
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
    let (text, file) = (String::from_utf8_lossy(&bytes), path.display().to_string());
    let shown = generate::render(&findings, &text, &file, is_coloured());
    Ok(Err(Refusal {
        shown: format!("{shown}\n"),
        file,
        count: findings.len(),
    }))
}

/// The picture beside the file; none where it asks for none or where there is none, which is found with the rest.
fn picture(path: &Path, text: &str) -> Result<Option<Icon>, Error> {
    let Some(name) = generate::icon_of(text) else {
        return Ok(None);
    };
    // A name that leads elsewhere is refused with the rest.
    if !matches!(
        Path::new(&name).components().collect::<Vec<_>>()[..],
        [Component::Normal(_)]
    ) {
        return Ok(None);
    }
    let beside = path.with_file_name(&name);
    match std::fs::read(&beside) {
        Ok(bytes) => Ok(Some(Icon { name, bytes })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(source).context(ReadSnafu { path: beside }),
    }
}
