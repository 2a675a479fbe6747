//! The registry of charts: what each chart of this project is made from. A further chart is a module of values in the model, a
//! folder of templates, and an entry here.

mod nfs_storage;
mod redis;
mod redis_cluster;
mod redis_sentinel;
mod rocketmq;
mod rocketmq_topic_transfer;

use midships_model::description::{Description, DescriptionError};
use midships_model::fields::{Image, Resources, certificates};
use midships_model::model::Model;
use midships_model::rocketmq::access_control;
use serde::Serialize;
use serde_json::{Value, json};

use crate::chart::HookImage;

/// Template sources by their names, each read from the file of that name in a folder of `templates`. A chart that has some in common with
/// another one names several folders.
macro_rules! sources {
    ($($folder:literal: $($name:literal),+ $(,)?);+) => {
        &[$($(($name, include_str!(concat!("../templates/", $folder, "/", $name)))),+),+]
    };
}
use sources;

/// A template source: its name, which is the path of the file of the chart that it makes, and its text.
pub(crate) type Source = (&'static str, &'static str);

/// A chart of this project.
#[derive(Debug)]
pub(crate) struct Entry {
    /// Its values: the fields and the rules.
    pub model: Model,
    /// What people read as its name.
    pub title: &'static str,
    /// What it is for, in a sentence.
    pub about: &'static str,
    /// Words by which it is found.
    pub keywords: &'static [&'static str],
    /// Its picture, in SVG.
    pub icon: &'static str,
    /// Its own template sources, beside those that all charts share.
    pub sources: &'static [Source],
    /// Fields that no template reads: the hook program does, from `desired.json`.
    pub read_by_the_hook: &'static [&'static str],
    /// What complete values amount to.
    pub facts: fn(&Value) -> Result<Facts, serde_json::Error>,
}

/// What values of a chart amount to, for the template sources that all charts share and for its own.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub(crate) struct Facts {
    /// What is installed.
    pub product: &'static str,
    /// Its version.
    pub app_version: String,
    /// What the notes of a release say.
    pub what_notes_say: &'static str,
    /// What `helm test` does; none where the chart has no test.
    pub what_test_does: Option<&'static str>,
    /// The beginning of the sentence about what all pods ask for.
    pub who_asks: &'static str,
    /// CPU that all pods ask for.
    pub requested_cpu: String,
    /// Memory that all pods ask for.
    pub requested_memory: String,
    /// The Secret with which servers and operations sign or log in, as an expression of Helm's, and what of it they are given; null where
    /// there is none.
    pub credentials: Value,
    /// What the chart's own sources read beside, by name.
    #[serde(flatten)]
    pub own: Value,
}

/// Every chart of this project.
pub(crate) const CHARTS: [&Entry; 6] = [
    &rocketmq::ENTRY,
    &nfs_storage::ENTRY,
    &rocketmq_topic_transfer::ENTRY,
    &redis::ENTRY,
    &redis_sentinel::ENTRY,
    &redis_cluster::ENTRY,
];

/// The template sources that the charts share. Those whose names begin with [`PART`] are parts of others.
pub(crate) const SHARED: &[Source] = &[
    (
        ".helmignore",
        include_str!("../templates/shared/helmignore"),
    ),
    (
        "templates/refuse.yaml",
        include_str!("../templates/shared/refuse.yaml"),
    ),
    ("shared/macros", include_str!("../templates/shared/macros")),
    ("shared/hooks", include_str!("../templates/shared/hooks")),
    ("shared/names", include_str!("../templates/shared/names")),
    (
        "shared/operations",
        include_str!("../templates/shared/operations"),
    ),
    ("shared/rules", include_str!("../templates/shared/rules")),
    (
        "shared/chart-head",
        include_str!("../templates/shared/chart-head"),
    ),
    (
        "shared/chart-tail",
        include_str!("../templates/shared/chart-tail"),
    ),
    (
        ABOUT_OFFERING,
        include_str!("../templates/shared/about-offering.md"),
    ),
];

/// How the names of shared sources begin that are no files of a chart.
const PART: &str = "shared/";
/// The source of what a chart's page says before its fields.
pub(crate) const ABOUT: &str = "about.md";
/// The same for the chart of an offering.
pub(crate) const ABOUT_OFFERING: &str = "shared/about-offering.md";
/// Sources of a chart that are no files of it.
const PARTS: [&str; 2] = ["macros", ABOUT];

/// The models of all charts of this project.
pub fn models() -> impl Iterator<Item = &'static Model> {
    CHARTS.iter().map(|entry| &entry.model)
}

/// The chart of a name.
pub(crate) fn named(chart: &str) -> Option<&'static Entry> {
    CHARTS.into_iter().find(|entry| entry.model.chart == chart)
}

/// The names of all charts, for those who asked for another one.
pub(crate) fn names() -> String {
    let names: Vec<&str> = models().map(|model| model.chart).collect();
    names.join(", ")
}

impl Entry {
    /// All its template sources.
    pub(crate) fn all_sources(&self) -> impl Iterator<Item = Source> {
        SHARED.iter().chain(self.sources).copied()
    }

    /// The names of the sources that become files of the chart.
    pub(crate) fn files(&self) -> impl Iterator<Item = &'static str> {
        let names = self.all_sources().map(|(name, _)| name);
        names.filter(|name| !name.starts_with(PART) && !PARTS.contains(name))
    }

    /// What is known of its fields, with a hook image as default. A chart without operations has no field for it.
    ///
    /// # Errors
    /// When the fields cannot be described: a fault of this program.
    pub(crate) fn description(
        &self,
        hook: Option<&HookImage>,
    ) -> Result<Description, DescriptionError> {
        let description = self.model.description()?;
        let Some(hook) = hook.filter(|_| description.schema_at(HOOK_IMAGE).is_some()) else {
            return Ok(description);
        };
        let mut schema = description.schema().clone();
        let mut defaults = description.defaults().clone();
        for (field, default) in [("repository", &hook.repository), ("tag", &hook.tag)] {
            let path = HOOK_IMAGE.replace('.', "/");
            let pointer = HOOK_IMAGE.replace('.', "/properties/");
            if let Some(place) = defaults.pointer_mut(&format!("/{path}/{field}")) {
                *place = json!(default);
            }
            let pointer = format!("/properties/{pointer}/properties/{field}/default");
            if let Some(place) = schema.pointer_mut(&pointer) {
                *place = json!(default);
            }
        }
        Description::of_finished(self.model.chart, schema, defaults)
    }
}

/// The field of the hook program's image.
const HOOK_IMAGE: &str = "hook.image";

/// An image as its reference, as the templates make it: a registry goes before a repository that names none itself.
fn reference(registry: &str, image: &Image) -> String {
    let Image {
        repository, tag, ..
    } = image;
    let first = repository.split_once('/').map(|(first, _)| first);
    let is_named = first.is_some_and(|first| first.contains(['.', ':']) || first == "localhost");
    if registry.is_empty() || is_named {
        format!("{repository}:{tag}")
    } else {
        format!("{registry}/{repository}:{tag}")
    }
}

/// The version that an image's tag names: a tag may have a digest behind it.
fn version(image: &Image) -> &str {
    let tag = image.tag.as_str();
    tag.split_once('@').map_or(tag, |(tag, _)| tag)
}

/// The Secret with an administrator's keys, as an expression of Helm's, and what of it the hook program is given.
fn administrator() -> Value {
    json!({
        "secret": "$.Values.accessControl.secretName",
        "items": [
            { "key": access_control::ACCESS_KEY, "path": access_control::ACCESS_KEY },
            { "key": access_control::SECRET_KEY, "path": access_control::SECRET_KEY },
        ],
    })
}

/// The same, and the accounts where brokers read them from a file: the hook program refuses what they could not read.
fn administrator_and_accounts() -> Value {
    let mut credentials = administrator();
    if let Some(items) = credentials["items"].as_array_mut() {
        items.push(json!({
            "key": access_control::ACCOUNTS_KEY,
            "path": access_control::ACCOUNTS_KEY,
            "only": format!("hasPrefix \"{}\" $.Values.brokers.image.tag", access_control::READS_ACCOUNTS),
        }));
    }
    credentials
}

/// The keys of a Secret with certificates.
fn secret_of_tls() -> Value {
    json!({
        "authorities": certificates::AUTHORITIES_KEY,
        "certificate": certificates::CERTIFICATE_KEY,
        "privateKey": certificates::PRIVATE_KEY,
    })
}

/// The CPU and the memory that so many of each container ask for together.
fn requested(parts: &[(u32, &Resources)]) -> (String, String) {
    let (cpu, memory) = parts
        .iter()
        .fold((0, 0), |(cpu, memory), (number, resources)| {
            let (number, requests) = (u64::from(*number), &resources.requests);
            (
                cpu + number * requests.cpu.thousandths().unwrap_or_default(),
                memory + number * requests.memory.mebibytes().unwrap_or_default(),
            )
        });
    (format!("{cpu}m"), format!("{memory}Mi"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn charts_and_the_files_of_each_have_names_of_their_own() {
        let names: BTreeSet<&str> = CHARTS.iter().map(|entry| entry.model.chart).collect();
        assert_eq!(names.len(), CHARTS.len());
        for entry in CHARTS {
            let sources: BTreeSet<&str> = entry.all_sources().map(|(name, _)| name).collect();
            assert_eq!(sources.len(), SHARED.len() + entry.sources.len());
            assert!(entry.files().any(|name| name == "Chart.yaml"));
        }
        assert!(named("rabbitmq").is_none());
    }
}
