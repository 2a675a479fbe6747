//! A chart as the archive that Helm reads: the same files give the same bytes.

use std::collections::BTreeMap;

use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::archive::{self, Content, Entry};
use crate::metadata::{self, Metadata};
use crate::{Blob, Timestamp};

/// Why files are no chart that Helm accepts.
#[derive(Debug, Snafu)]
pub enum Error {
    /// There is no Chart.yaml.
    #[snafu(display("Chart.yaml: missing; a chart has one at its top"))]
    NoMetadata,
    /// Chart.yaml is not text.
    #[snafu(display("Chart.yaml: not UTF-8: {source}"))]
    NotText {
        /// Where.
        source: std::str::Utf8Error,
    },
    /// Chart.yaml was refused.
    #[snafu(transparent)]
    Metadata {
        /// Why.
        source: metadata::Error,
    },
    /// A path would leave the chart's directory.
    #[snafu(display(
        "{path}: not a path inside of a chart; allowed are relative paths with `/` between parts that are neither \
         empty nor `.` nor `..`"
    ))]
    Path {
        /// The path.
        path: String,
    },
    /// Helm does not read files as large as this one.
    #[snafu(display(
        "{path}: {bytes} bytes are more than the {MAXIMUM_FILE_BYTES} that Helm reads from a chart; split the file"
    ))]
    FileTooLarge {
        /// The path.
        path: String,
        /// Its size.
        bytes: usize,
    },
    /// The archive cannot hold an entry.
    #[snafu(display("{name}: unable to write the archive: {source}"))]
    Archive {
        /// Name of the chart.
        name: String,
        /// Why, naming the path.
        source: std::io::Error,
    },
}

/// The largest file that Helm 3.22 and 4.3 read from an archive (`MaxDecompressedFileSize`).
const MAXIMUM_FILE_BYTES: usize = 5 * 1024 * 1024;

/// A chart, packed.
#[derive(Clone, Debug)]
pub struct Package {
    metadata: Metadata,
    created: Timestamp,
    archive: Blob,
}

impl Package {
    /// Packs the files of a chart, named by their paths below the chart's directory.
    ///
    /// The archive has what `helm package` puts into one: a directory named after the chart, files of mode 0644 and no
    /// entries for directories. Entries are sorted and all carry `modified`.
    ///
    /// # Errors
    /// When Chart.yaml is missing or refused, a path leaves the chart, or a file is larger than Helm reads.
    pub fn new(files: &BTreeMap<String, Vec<u8>>, modified: Timestamp) -> Result<Self, Error> {
        let text = files.get("Chart.yaml").context(NoMetadataSnafu)?;
        let metadata = Metadata::parse(std::str::from_utf8(text).context(NotTextSnafu)?)?;
        let mut paths = Vec::with_capacity(files.len());
        for (path, bytes) in files {
            let inside = path
                .split('/')
                .all(|part| !matches!(part, "" | "." | "..") && !part.contains(['\\', '\0']));
            ensure!(inside, PathSnafu { path });
            ensure!(
                bytes.len() <= MAXIMUM_FILE_BYTES,
                FileTooLargeSnafu {
                    path,
                    bytes: bytes.len()
                }
            );
            paths.push(format!("{}/{path}", metadata.name));
        }
        let entries: Vec<Entry<'_>> = paths
            .iter()
            .zip(files.values())
            .map(|(path, bytes)| Entry {
                path,
                content: Content::File(bytes),
            })
            .collect();
        let bytes = archive::tar(&entries, modified)
            .and_then(|bytes| archive::gzip(&bytes))
            .context(ArchiveSnafu {
                name: &metadata.name,
            })?;
        let archive = Blob::new("application/vnd.cncf.helm.chart.content.v1.tar+gzip", bytes);
        Ok(Self {
            metadata,
            created: modified,
            archive,
        })
    }

    /// What Chart.yaml says.
    #[must_use]
    pub fn metadata(&self) -> &Metadata {
        &self.metadata
    }

    /// The name of the archive's file as Helm gives it: `NAME-VERSION.tgz`.
    #[must_use]
    pub fn file_name(&self) -> String {
        format!("{}-{}.tgz", self.metadata.name, self.metadata.version)
    }

    /// The archive, a gzip of a tar, with its digest.
    #[must_use]
    pub fn archive(&self) -> &Blob {
        &self.archive
    }

    /// The instant that the entries carry.
    #[must_use]
    pub fn created(&self) -> Timestamp {
        self.created
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    fn files() -> BTreeMap<String, Vec<u8>> {
        [
            ("values.yaml", "count: 1\n"),
            (
                "Chart.yaml",
                "apiVersion: v2\nname: example\nversion: 1.2.3\n",
            ),
            ("templates/a.yaml", "kind: ConfigMap\n"),
            (".helmignore", "*.snap\n"),
        ]
        .into_iter()
        .map(|(path, text)| (path.to_owned(), text.as_bytes().to_vec()))
        .collect()
    }

    #[test]
    fn the_same_files_give_the_same_bytes_and_another_instant_does_not() {
        let first = Package::new(&files(), Timestamp::DEFAULT).unwrap();
        let second = Package::new(&files(), Timestamp::DEFAULT).unwrap();
        assert_eq!(first.archive(), second.archive());
        assert_eq!(first.file_name(), "example-1.2.3.tgz");
        let later = Package::new(&files(), Timestamp::parse("1800000000").unwrap()).unwrap();
        assert_ne!(first.archive(), later.archive());
    }

    #[test]
    fn the_archive_has_every_file_below_the_name_of_the_chart() {
        let package = Package::new(&files(), Timestamp::DEFAULT).unwrap();
        let mut read = tar::Archive::new(flate2::read::GzDecoder::new(package.archive().bytes()));
        let mut seen = Vec::new();
        for entry in read.entries().unwrap() {
            let mut entry = entry.unwrap();
            assert_eq!(entry.header().mode().unwrap(), 0o644);
            let path = entry.path().unwrap().to_string_lossy().into_owned();
            let mut text = String::new();
            entry.read_to_string(&mut text).unwrap();
            seen.push((path, text));
        }
        let expected: Vec<(String, String)> = files()
            .into_iter()
            .map(|(path, bytes)| (format!("example/{path}"), String::from_utf8(bytes).unwrap()))
            .collect();
        assert_eq!(seen, expected);
    }

    #[test]
    fn refuses_what_helm_would_refuse_and_names_the_file() {
        for path in ["/etc/passwd", "../up", "templates//a", "a/./b", "a\\b"] {
            let mut files = files();
            files.insert(path.to_owned(), Vec::new());
            let message = Package::new(&files, Timestamp::DEFAULT)
                .unwrap_err()
                .to_string();
            assert!(message.starts_with(path), "{message}");
        }
        let mut large = files();
        large.insert("large".to_owned(), vec![0; MAXIMUM_FILE_BYTES + 1]);
        let message = Package::new(&large, Timestamp::DEFAULT)
            .unwrap_err()
            .to_string();
        assert!(message.starts_with("large: 5242881 bytes"), "{message}");
        let mut none = files();
        none.remove("Chart.yaml");
        let message = Package::new(&none, Timestamp::DEFAULT)
            .unwrap_err()
            .to_string();
        assert!(message.starts_with("Chart.yaml: missing"), "{message}");
    }
}
