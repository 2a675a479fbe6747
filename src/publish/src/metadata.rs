//! What Chart.yaml says, as Helm reads it and as a registry keeps it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use snafu::{ResultExt, Snafu, ensure};

use crate::{Timestamp, yaml};

/// Why a Chart.yaml was refused.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The text is not a Chart.yaml.
    #[snafu(display("Chart.yaml: unable to read it: {source}"))]
    Syntax {
        /// Where and why.
        #[snafu(source(from(yaml::Error, Box::new)))]
        source: Box<yaml::Error>,
    },
    /// Helm 3 and Helm 4 both read charts of version v2 only.
    #[snafu(display(
        "Chart.yaml: apiVersion: `{version}` is not supported; the allowed value is `v2`"
    ))]
    ChartFormat {
        /// What stands there.
        version: String,
    },
    /// The name cannot be part of a registry's repository.
    #[snafu(display(
        "Chart.yaml: name: `{name}` cannot name a repository; allowed are lower-case letters, digits and single `-` \
         between them, such as `rocketmq`"
    ))]
    Name {
        /// What stands there.
        name: String,
    },
    /// The version is not one that Helm accepts from a registry.
    #[snafu(display(
        "Chart.yaml: version: `{version}` is not a semantic version; allowed is MAJOR.MINOR.PATCH with an optional \
         -PRERELEASE and +BUILD, at most 128 characters, such as `1.2.3-rc.1`"
    ))]
    Version {
        /// What stands there.
        version: String,
    },
}

/// A person or an organisation that maintains a chart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Maintainer {
    /// Name.
    pub name: String,
    /// Address of electronic mail.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub email: String,
    /// Web page.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub url: String,
}

/// A chart that this chart needs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dependency {
    /// Name of the chart.
    pub name: String,
    /// Version or range of versions.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub version: String,
    /// Where it is found.
    pub repository: String,
    /// Path in the values that switches it on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub condition: String,
    /// Tags that switch it on together with others.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Another name for it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub alias: String,
}

/// The fields of Chart.yaml that Helm 3 and Helm 4 know (`chart.Metadata` of helm 3.22 and 4.3), in the order in which
/// Helm writes them. A field that Helm does not know is refused instead of being dropped.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Metadata {
    /// Name of the chart, the last part of its repository.
    pub name: String,
    /// Web page of the chart.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub home: String,
    /// Where the sources of the chart are; the first one becomes the manifest's source.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub sources: Vec<String>,
    /// Semantic version of the chart, its tag in a registry.
    pub version: String,
    /// One sentence.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub description: String,
    /// Words to find the chart by.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keywords: Vec<String>,
    /// Who maintains the chart.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub maintainers: Vec<Maintainer>,
    /// Address of a picture.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub icon: String,
    /// Version of the chart format: `v2`.
    pub api_version: String,
    /// Version of what the chart installs.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app_version: String,
    /// Whether the chart should no longer be used.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub deprecated: bool,
    /// Free annotations; a registry's manifest carries them too.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub annotations: BTreeMap<String, String>,
    /// Range of Kubernetes versions that the chart installs on.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub kube_version: String,
    /// Charts that this chart needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub dependencies: Vec<Dependency>,
    /// `application` or `library`; empty is `application`.
    #[serde(default, rename = "type", skip_serializing_if = "String::is_empty")]
    pub kind: String,
}

impl Metadata {
    /// Reads and checks a Chart.yaml.
    ///
    /// # Errors
    /// When the text is not YAML, has a field that Helm does not know, lacks one that a registry needs, or when format,
    /// name or version is not one that a registry can carry.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let metadata: Self = yaml::from_str(text).context(SyntaxSnafu)?;
        ensure!(
            metadata.api_version == "v2",
            ChartFormatSnafu {
                version: &metadata.api_version
            }
        );
        ensure!(
            is_repository_part(&metadata.name),
            NameSnafu {
                name: &metadata.name
            }
        );
        ensure!(
            is_semantic_version(&metadata.version),
            VersionSnafu {
                version: &metadata.version
            }
        );
        Ok(metadata)
    }

    /// The version as a tag: `+` is not allowed in one, and Helm looks for `_` in its place.
    #[must_use]
    pub fn tag(&self) -> String {
        self.version.replace('+', "_")
    }

    /// The annotations that `helm push` gives to a manifest, with a fixed instant in place of the archive's age, and the
    /// chart's own annotations, which replace all but title and version.
    #[must_use]
    pub fn annotations(&self, created: Timestamp) -> BTreeMap<String, String> {
        let authors: Vec<String> = self
            .maintainers
            .iter()
            .map(|maintainer| match maintainer.email.as_str() {
                "" => maintainer.name.clone(),
                email => format!("{} ({email})", maintainer.name),
            })
            .collect();
        let source = self.sources.first().cloned().unwrap_or_default();
        let mut annotations: BTreeMap<String, String> = [
            ("authors", authors.join(", ")),
            ("created", created.rfc3339()),
            ("description", self.description.clone()),
            ("source", source),
            ("url", self.home.clone()),
        ]
        .into_iter()
        .filter(|(_, value)| !value.trim().is_empty())
        .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value))
        .collect();
        annotations.extend(self.annotations.clone());
        for (key, value) in [("title", &self.name), ("version", &self.version)] {
            annotations.insert(format!("org.opencontainers.image.{key}"), value.clone());
        }
        annotations
    }
}

/// Whether a text can be one part of a repository's name (OCI distribution specification, "Pulling manifests"),
/// without the separators that DNS names do not have.
fn is_repository_part(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 63
        && text.split('-').all(|word| {
            !word.is_empty()
                && word
                    .bytes()
                    .all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit())
        })
}

/// Whether a text is a version after semver.org 2.0.0, short enough for a tag.
fn is_semantic_version(text: &str) -> bool {
    fn is_number(text: &str) -> bool {
        !text.is_empty()
            && text.bytes().all(|byte| byte.is_ascii_digit())
            && (text == "0" || !text.starts_with('0'))
    }
    fn is_identifier(text: &str) -> bool {
        !text.is_empty()
            && text
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    }
    let (rest, build) = match text.split_once('+') {
        Some((rest, build)) => (rest, Some(build)),
        None => (text, None),
    };
    let (core, prerelease) = match rest.split_once('-') {
        Some((core, prerelease)) => (core, Some(prerelease)),
        None => (rest, None),
    };
    let numbers: Vec<&str> = core.split('.').collect();
    text.len() <= 128
        && numbers.len() == 3
        && numbers.into_iter().all(is_number)
        && prerelease.is_none_or(|identifiers| {
            identifiers.split('.').all(|identifier| {
                is_identifier(identifier)
                    && (is_number(identifier)
                        || !identifier.bytes().all(|byte| byte.is_ascii_digit()))
            })
        })
        && build.is_none_or(|identifiers| identifiers.split('.').all(is_identifier))
}

#[cfg(test)]
mod tests {
    use super::*;

    const CHART: &str = "apiVersion: v2\nname: rocketmq\nversion: 0.1.0+build.7\nappVersion: \"5.4.0\"\n\
        description: A cluster.\nhome: https://example.org\nsources: [https://example.org/source]\n\
        maintainers:\n  - name: First\n    email: first@example.org\n  - name: Second\n\
        annotations:\n  org.opencontainers.image.title: other\n  category: database\ntype: application\n";

    #[test]
    fn annotations_are_those_of_helm_with_a_fixed_instant() {
        let metadata = Metadata::parse(CHART).unwrap();
        assert_eq!(metadata.tag(), "0.1.0_build.7");
        let annotations = metadata.annotations(Timestamp::DEFAULT);
        let lines: Vec<String> = annotations
            .iter()
            .map(|(key, value)| format!("{key}={value}"))
            .collect();
        assert_eq!(
            lines,
            [
                "category=database",
                "org.opencontainers.image.authors=First (first@example.org), Second",
                "org.opencontainers.image.created=2026-01-01T00:00:00Z",
                "org.opencontainers.image.description=A cluster.",
                "org.opencontainers.image.source=https://example.org/source",
                "org.opencontainers.image.title=rocketmq",
                "org.opencontainers.image.url=https://example.org",
                "org.opencontainers.image.version=0.1.0+build.7",
            ]
        );
    }

    #[test]
    fn refuses_what_a_registry_or_helm_cannot_carry() {
        for (from, to, expected) in [
            ("apiVersion: v2", "apiVersion: v1", "apiVersion: `v1`"),
            ("name: rocketmq", "name: RocketMQ", "name: `RocketMQ`"),
            ("name: rocketmq", "name: a--b", "name: `a--b`"),
            (
                "version: 0.1.0+build.7",
                "version: \"1.2\"",
                "version: `1.2`",
            ),
            (
                "version: 0.1.0+build.7",
                "version: 01.2.3",
                "version: `01.2.3`",
            ),
            (
                "version: 0.1.0+build.7",
                "version: 1.2.3-rc.01",
                "version: `1.2.3-rc.01`",
            ),
            (
                "type: application",
                "kind: application",
                "unable to read it",
            ),
        ] {
            assert!(CHART.contains(from));
            let message = Metadata::parse(&CHART.replace(from, to))
                .unwrap_err()
                .to_string();
            assert!(message.contains(expected), "{message}");
            assert!(message.starts_with("Chart.yaml: "), "{message}");
        }
    }

    #[test]
    fn accepts_the_examples_of_the_semantic_version_specification() {
        for version in [
            "0.0.4",
            "1.0.0-alpha.1",
            "1.0.0-0.3.7",
            "1.0.0-x-y-z.--",
            "1.0.0-beta+exp.sha.5114f85",
        ] {
            assert!(is_semantic_version(version), "{version}");
        }
    }
}
