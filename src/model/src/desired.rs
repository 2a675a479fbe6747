//! What a release asks for, as its hook Jobs read it: the file `desired.json` of the hook `ConfigMap`s.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// The format of [`Desired`] that this version of the program writes and reads.
pub const FORMAT: u32 = 1;

/// A release's names and all its values after Helm's merge.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Desired<V> {
    /// The format's number, [`FORMAT`].
    pub format: u32,
    /// The chart's name.
    pub chart: String,
    /// The chart's version.
    pub chart_version: String,
    /// The release's name.
    pub release: String,
    /// The namespace of the release.
    pub namespace: String,
    /// The name from which the names of all objects are made.
    pub full_name: String,
    /// A digest of the pod of each kind, such as `broker`, by which a change of it is known before it is applied.
    pub templates: BTreeMap<String, String>,
    /// All values of the release.
    pub values: V,
}
