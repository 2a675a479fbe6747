//! The generated files of a checkout: compared with the model, or written.

use std::collections::BTreeMap;
use std::fmt;
use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use snafu::{OptionExt, ResultExt, Snafu};

use crate::chart::{self, outputs, outputs_of};
use crate::registry;

/// Why the files of a checkout could not be compared or written.
#[derive(Debug, Snafu)]
pub enum DiskError {
    /// The files could not be generated.
    #[snafu(display("failed to generate: {source}"))]
    Generate {
        /// Why.
        source: chart::Error,
    },
    /// There is no chart of that name.
    #[snafu(display("no chart is named `{name}`; there are: {}", registry::names()))]
    UnknownChart {
        /// The name that was asked for.
        name: String,
    },
    /// A file could not be read, written or removed.
    #[snafu(display("failed to access `{}`: {source}", path.display()))]
    Access {
        /// The file.
        path: PathBuf,
        /// Why.
        source: io::Error,
    },
}

/// A file of a checkout that is not as the model makes it.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Difference {
    /// It does not exist.
    Missing(String),
    /// Its content differs.
    Changed(String),
    /// Nothing makes it.
    Stray(String),
}

impl fmt::Display for Difference {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Missing(path) => write!(formatter, "{path} is missing"),
            Self::Changed(path) => write!(formatter, "{path} differs from the model"),
            Self::Stray(path) => write!(formatter, "{path} is not generated from the model"),
        }
    }
}

/// Compares `charts/` and `schemas/` below a root with the model, for one chart or for all.
///
/// # Errors
/// When the files cannot be generated or read, or when no chart has that name.
pub fn check(root: &Path, chart: Option<&str>) -> Result<Vec<Difference>, DiskError> {
    compare(root, chart, &wanted(chart)?)
}

/// Compares `charts/NAME` and `schemas/NAME.*` below a root with what they shall be.
///
/// # Errors
/// When the files cannot be read.
pub fn check_files(
    root: &Path,
    chart: &str,
    wanted: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Difference>, DiskError> {
    compare(root, Some(chart), wanted)
}

/// Writes `charts/NAME` and `schemas/NAME.*` below a root, and removes files there that are not wanted. Returns what differed.
///
/// # Errors
/// When the files cannot be read or written.
pub fn write_files(
    root: &Path,
    chart: &str,
    wanted: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Difference>, DiskError> {
    mend(root, Some(chart), wanted)
}

fn compare(
    root: &Path,
    chart: Option<&str>,
    wanted: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Difference>, DiskError> {
    let mut differences = Vec::new();
    for (path, bytes) in wanted {
        let file = root.join(path);
        match fs::read(&file) {
            Ok(found) if found == *bytes => {}
            Ok(_) => differences.push(Difference::Changed(path.clone())),
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                differences.push(Difference::Missing(path.clone()));
            }
            Err(source) => return Err(DiskError::Access { path: file, source }),
        }
    }
    differences.extend(
        strays(root, chart, wanted)?
            .into_iter()
            .map(Difference::Stray),
    );
    differences.sort();
    Ok(differences)
}

/// Writes `charts/` and `schemas/` below a root, for one chart or for all, and removes files there that nothing makes.
/// Returns what differed.
///
/// # Errors
/// When the files cannot be generated, read or written, or when no chart has that name.
pub fn write(root: &Path, chart: Option<&str>) -> Result<Vec<Difference>, DiskError> {
    mend(root, chart, &wanted(chart)?)
}

fn mend(
    root: &Path,
    chart: Option<&str>,
    wanted: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<Difference>, DiskError> {
    let differences = compare(root, chart, wanted)?;
    for difference in &differences {
        match difference {
            Difference::Missing(path) | Difference::Changed(path) => {
                let file = root.join(path);
                if let Some(directory) = file.parent() {
                    fs::create_dir_all(directory).context(AccessSnafu { path: directory })?;
                }
                let bytes = wanted.get(path).map(Vec::as_slice).unwrap_or_default();
                fs::write(&file, bytes).context(AccessSnafu { path: &file })?;
            }
            Difference::Stray(path) => {
                let file = root.join(path);
                fs::remove_file(&file).context(AccessSnafu { path: &file })?;
            }
        }
    }
    Ok(differences)
}

fn wanted(chart: Option<&str>) -> Result<BTreeMap<String, Vec<u8>>, DiskError> {
    let Some(chart) = chart else {
        return outputs().context(GenerateSnafu);
    };
    let entry = registry::named(chart).context(UnknownChartSnafu { name: chart })?;
    outputs_of(entry).context(GenerateSnafu)
}

/// The chart to which a generated path belongs: `charts/NAME/…` or `schemas/NAME.….json`. Other schemas belong to none.
fn chart_of(path: &str) -> Option<&str> {
    if let Some(rest) = path.strip_prefix("charts/") {
        return rest.split('/').next();
    }
    let (name, rest) = path.strip_prefix("schemas/")?.split_once('.')?;
    (rest != "json").then_some(name)
}

fn strays(
    root: &Path,
    chart: Option<&str>,
    wanted: &BTreeMap<String, Vec<u8>>,
) -> Result<Vec<String>, DiskError> {
    let mut found = Vec::new();
    for directory in ["charts", "schemas"] {
        list(root, directory, &mut found)?;
    }
    found.retain(|path| {
        !wanted.contains_key(path) && chart.is_none_or(|chart| chart_of(path) == Some(chart))
    });
    Ok(found)
}

fn list(root: &Path, directory: &str, found: &mut Vec<String>) -> Result<(), DiskError> {
    let path = root.join(directory);
    let entries = match fs::read_dir(&path) {
        Ok(entries) => entries,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(source) => return Err(DiskError::Access { path, source }),
    };
    for entry in entries {
        let entry = entry.context(AccessSnafu { path: &path })?;
        let name = format!("{directory}/{}", entry.file_name().to_string_lossy());
        let kind = entry
            .file_type()
            .context(AccessSnafu { path: entry.path() })?;
        if kind.is_dir() {
            list(root, &name, found)?;
        } else {
            found.push(name);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_committed_is_what_the_model_makes() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
        assert_eq!(check(&root, None).unwrap(), [], "run midships generate");
    }

    #[test]
    fn what_is_written_is_found_unchanged_and_every_change_is_found() {
        let root = tempfile::tempdir().unwrap();
        let root = root.path();
        assert!(check(root, None).unwrap().len() > 10);
        write(root, None).unwrap();
        assert_eq!(check(root, None).unwrap(), []);

        fs::write(root.join("charts/rocketmq/values.yaml"), "a: 1\n").unwrap();
        fs::write(root.join("charts/rocketmq/templates/extra.yaml"), "").unwrap();
        fs::remove_file(root.join("schemas/rocketmq.model.json")).unwrap();
        let expected = [
            Difference::Missing("schemas/rocketmq.model.json".to_owned()),
            Difference::Changed("charts/rocketmq/values.yaml".to_owned()),
            Difference::Stray("charts/rocketmq/templates/extra.yaml".to_owned()),
        ];
        assert_eq!(check(root, Some("rocketmq")).unwrap(), expected);
        assert_eq!(write(root, Some("rocketmq")).unwrap(), expected);
        assert_eq!(check(root, None).unwrap(), []);
        assert!(matches!(
            check(root, Some("other")),
            Err(DiskError::UnknownChart { .. })
        ));
    }
}
