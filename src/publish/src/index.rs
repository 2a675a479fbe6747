//! The index of a chart repository on a plain web server: `index.yaml` as Helm 3 and Helm 4 read it.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::io::{self, Read};

use flate2::read::GzDecoder;
use semver::Version;
use serde::Deserialize;
use serde_json::{Map, Value, json};
use snafu::{OptionExt, ResultExt, Snafu, ensure};
use url::Url;

use crate::artifact::digest;
use crate::{Existing, Metadata, MetadataError, Timestamp, yaml};

/// Why there is no index.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The text is no place on a web server.
    #[snafu(display(
        "base: `{text}`: {problem}; allowed is http://HOST[:PORT][/PATH] or https://…, such as \
         `https://charts.example.org/stable`"
    ))]
    Base {
        /// What was given.
        text: String,
        /// What is wrong with it.
        problem: &'static str,
    },
    /// An archive cannot be read.
    #[snafu(display(
        "`{file}`: unable to read it as a chart's archive, a gzip of a tar: {source}"
    ))]
    Archive {
        /// The archive.
        file: String,
        /// Why.
        source: io::Error,
    },
    /// An archive has no chart in it.
    #[snafu(display(
        "`{file}`: no CHART/Chart.yaml in it; `midships package` and `helm package` make archives that have one"
    ))]
    NoChart {
        /// The archive.
        file: String,
    },
    /// A Chart.yaml is too large or no text.
    #[snafu(display(
        "`{file}`: its Chart.yaml is not text of at most {MAXIMUM_METADATA_BYTES} bytes in UTF-8"
    ))]
    Text {
        /// The archive.
        file: String,
    },
    /// A Chart.yaml is refused.
    #[snafu(display("`{file}`: {source}"))]
    Metadata {
        /// The archive.
        file: String,
        /// Why.
        source: MetadataError,
    },
    /// Two archives have the same chart in the same version.
    #[snafu(display(
        "`{first}` and `{second}` both are {name} {version}; a repository has each version once: remove one of them"
    ))]
    Twice {
        /// Name of the chart.
        name: String,
        /// Its version.
        version: String,
        /// One archive.
        first: String,
        /// The other.
        second: String,
    },
    /// The text is no index.
    #[snafu(display("unable to read it as the index of a chart repository: {source}"))]
    Syntax {
        /// Where and why.
        #[snafu(source(from(yaml::Error, Box::new)))]
        source: Box<yaml::Error>,
    },
    /// The index is of another format.
    #[snafu(display("apiVersion: `{version}` is not known; the allowed value is `v1`"))]
    Format {
        /// What stands there.
        version: String,
    },
    /// An entry cannot be kept.
    #[snafu(display("entries.{name}: {problem}; `helm repo index` writes a good one"))]
    Entry {
        /// Name of the chart.
        name: String,
        /// What is wrong with it.
        problem: String,
    },
    /// Versions would change.
    #[snafu(display(
        "{}; a published version never changes: raise the version, or force the replacement", changes.join("; ")
    ))]
    Changed {
        /// Each version that would.
        changes: Vec<String>,
    },
}

/// The most that is read of a Chart.yaml, in bytes: what Helm reads of any file.
const MAXIMUM_METADATA_BYTES: u64 = 5 * 1024 * 1024;

/// The most that is read of an archive, unpacked, in bytes: what Helm reads.
const MAXIMUM_ARCHIVE_BYTES: u64 = 100 * 1024 * 1024;

/// The address below which a web server has the archives.
#[derive(Clone, Debug)]
pub struct BaseAddress(Url);

impl BaseAddress {
    /// Reads `http://HOST[:PORT][/PATH]` or `https://…`.
    ///
    /// # Errors
    /// When it has another scheme, no host, a user, a query or a fragment.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let problem = |problem| BaseSnafu { text, problem };
        let url = Url::parse(text).ok().context(BaseSnafu {
            // What is not an address may have anything in it, but it was typed and is wanted back.
            text,
            problem: "it is not a web address",
        })?;
        if !url.username().is_empty() || url.password().is_some() {
            // Not shown: it may be a password.
            let text = "(an address with a user)";
            let problem = "everybody reads the index, so no user and no password may be in it";
            return BaseSnafu { text, problem }.fail();
        }
        ensure!(
            matches!(url.scheme(), "http" | "https"),
            problem("its scheme is neither http nor https")
        );
        ensure!(url.has_host(), problem("it has no host"));
        ensure!(
            url.query().is_none() && url.fragment().is_none(),
            problem("it has a query or a fragment, after which no file's name can stand")
        );
        Ok(Self(url))
    }

    /// The address of a file.
    fn file(&self, name: &str) -> String {
        let mut url = self.0.clone();
        // Never refused: addresses with a host have segments.
        if let Ok(mut segments) = url.path_segments_mut() {
            segments.pop_if_empty().push(name);
        }
        url.to_string()
    }
}

/// One version of a chart.
#[derive(Clone, Debug)]
struct Entry {
    version: String,
    /// Hexadecimal digits; empty in an index that does not say.
    digest: String,
    fields: Map<String, Value>,
}

/// The index of a chart repository.
#[derive(Clone, Debug, Default)]
pub struct Index {
    charts: BTreeMap<String, Vec<Entry>>,
}

/// What is read of an index.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Document {
    #[serde(default)]
    api_version: String,
    #[serde(default)]
    entries: Option<BTreeMap<String, Vec<Map<String, Value>>>>,
}

impl Index {
    /// Reads an `index.yaml`. Entries are kept with all fields that they have.
    ///
    /// # Errors
    /// When it is of another format or an entry has no version.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let document: Document = yaml::from_str(text).context(SyntaxSnafu)?;
        ensure!(
            document.api_version == "v1",
            FormatSnafu {
                version: document.api_version
            }
        );
        let mut index = Self::default();
        for (name, entries) in document.entries.unwrap_or_default() {
            for fields in entries {
                let text = |key: &str| fields.get(key).and_then(Value::as_str).map(str::to_owned);
                let version = text("version").context(EntrySnafu {
                    name: &name,
                    problem: "an entry has no `version` that is text",
                })?;
                let digest = text("digest").unwrap_or_default();
                let entry = Entry {
                    digest: digest.trim_start_matches("sha256:").to_owned(),
                    version,
                    fields,
                };
                if index.find(&name, &entry.version).is_some() {
                    let problem = format!("the version {} is there twice", entry.version);
                    return EntrySnafu { name, problem }.fail();
                }
                index.charts.entry(name.clone()).or_default().push(entry);
            }
        }
        Ok(index)
    }

    /// Lists archives, by the names of their files, and everything of earlier indexes that they do not have. Where earlier
    /// indexes differ the first one counts. A version that was listed before keeps the time at which it was created.
    ///
    /// # Errors
    /// When an archive is no chart, two are the same version, or a version had another digest before and `existing` keeps
    /// it.
    pub fn build(
        archives: &BTreeMap<String, Vec<u8>>,
        base: &BaseAddress,
        earlier: &[Self],
        existing: Existing,
        created: Timestamp,
    ) -> Result<Self, Error> {
        let mut index = Self::default();
        let mut files: BTreeMap<(String, String), &String> = BTreeMap::new();
        for (file, bytes) in archives {
            let metadata = metadata(file, bytes)?;
            let (name, version) = (metadata.name.clone(), metadata.version.clone());
            if let Some(first) = files.insert((name.clone(), version.clone()), file) {
                return TwiceSnafu {
                    name,
                    version,
                    first,
                    second: file,
                }
                .fail();
            }
            let digest = digest(bytes).trim_start_matches("sha256:").to_owned();
            let mut fields = match json!(metadata) {
                Value::Object(fields) => fields,
                _ => Map::new(),
            };
            fields.insert("created".to_owned(), json!(created.rfc3339()));
            fields.insert("digest".to_owned(), json!(digest));
            fields.insert("urls".to_owned(), json!([base.file(file)]));
            let entry = Entry {
                version,
                digest,
                fields,
            };
            index.charts.entry(name).or_default().push(entry);
        }
        let mut changes = Vec::new();
        for (name, old) in earlier.iter().flat_map(Self::entries) {
            match index.find(name, &old.version) {
                None => index
                    .charts
                    .entry(name.clone())
                    .or_default()
                    .push(old.clone()),
                Some(new) if new.digest == old.digest => {
                    if let Some(created) = old.fields.get("created") {
                        new.fields.insert("created".to_owned(), created.clone());
                    }
                }
                Some(new) if !old.digest.is_empty() => changes.push(format!(
                    "{name} {}: listed with the digest {}, and now it would be {}",
                    old.version, old.digest, new.digest
                )),
                Some(_) => {}
            }
        }
        ensure!(
            changes.is_empty() || existing == Existing::Replace,
            ChangedSnafu { changes }
        );
        for entries in index.charts.values_mut() {
            // What is no semantic version comes last.
            entries.sort_by_cached_key(|entry| {
                Reverse((Version::parse(&entry.version).ok(), entry.version.clone()))
            });
        }
        Ok(index)
    }

    /// How many charts there are, and how many versions of them.
    #[must_use]
    pub fn size(&self) -> (usize, usize) {
        (self.charts.len(), self.charts.values().map(Vec::len).sum())
    }

    /// Writes the index: charts by name, versions from the newest.
    #[must_use]
    pub fn to_yaml(&self, generated: Timestamp) -> String {
        let entries: Map<String, Value> = self
            .charts
            .iter()
            .map(|(name, entries)| {
                let entries = entries.iter().map(|entry| json!(entry.fields)).collect();
                (name.clone(), Value::Array(entries))
            })
            .collect();
        yaml::to_string(&json!({
            "apiVersion": "v1",
            "entries": entries,
            "generated": generated.rfc3339(),
        }))
    }

    fn entries(&self) -> impl Iterator<Item = (&String, &Entry)> {
        let charts = self.charts.iter();
        charts.flat_map(|(name, entries)| entries.iter().map(move |entry| (name, entry)))
    }

    fn find(&mut self, name: &str, version: &str) -> Option<&mut Entry> {
        let entries = self.charts.get_mut(name)?;
        entries.iter_mut().find(|entry| entry.version == version)
    }
}

/// Reads the Chart.yaml of an archive: the one directly below its only directory.
fn metadata(file: &str, bytes: &[u8]) -> Result<Metadata, Error> {
    let unpacked = GzDecoder::new(bytes).take(MAXIMUM_ARCHIVE_BYTES);
    let mut archive = tar::Archive::new(unpacked);
    for entry in archive.entries().context(ArchiveSnafu { file })? {
        let entry = entry.context(ArchiveSnafu { file })?;
        let path = entry.path_bytes();
        let parts: Vec<&[u8]> = path
            .split(|byte| *byte == b'/')
            .filter(|part| !matches!(part, [] | [b'.']))
            .collect();
        if !matches!(parts[..], [_, b"Chart.yaml"]) {
            continue;
        }
        let mut text = String::new();
        let read = entry
            .take(MAXIMUM_METADATA_BYTES + 1)
            .read_to_string(&mut text);
        let fits = read.is_ok_and(|length| length as u64 <= MAXIMUM_METADATA_BYTES);
        ensure!(fits, TextSnafu { file });
        return Metadata::parse(&text).context(MetadataSnafu { file });
    }
    NoChartSnafu { file }.fail()
}
