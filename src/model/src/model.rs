//! The model of a chart, whatever the type of its values is: what can be asked of any chart by its name.

use schemars::JsonSchema;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::description::{Description, DescriptionError};
use crate::rules::{self, Finding, Release, Rule, RuleText, Subject};

/// The values of a chart, as their type tells of them. The defaults are those of the type.
pub trait ChartValues: Default + DeserializeOwned + JsonSchema + Serialize + 'static {
    /// The chart's name.
    const CHART: &'static str;
    /// The chart's rules.
    const RULES: &'static [Rule<Self>];

    /// How many seconds these operations of the chart take at most with these values, as an estimate; none where the chart has
    /// no operation.
    fn estimate(&self, _operations: &[String]) -> Option<u32> {
        None
    }
}

/// The name from which the names of a release's objects are made: the release's, if it contains the chart's, else both.
#[must_use]
pub fn full_name(chart: &str, release: &str) -> String {
    if release.contains(chart) {
        release.to_owned()
    } else {
        format!("{release}-{chart}")
    }
}

/// The model of a chart.
#[derive(Clone, Copy, Debug)]
pub struct Model {
    /// The chart's name.
    pub chart: &'static str,
    describe: fn() -> Result<Description, DescriptionError>,
    rules: fn() -> Vec<RuleText>,
    check: Check,
    estimate: fn(&Value, &[String]) -> Option<u32>,
}

type Check = fn(&Value, Option<&Release>, &Description) -> Result<Vec<Finding>, serde_json::Error>;

impl Model {
    /// The model that the type of a chart's values makes.
    #[must_use]
    pub const fn of<V: ChartValues>() -> Self {
        Self {
            chart: V::CHART,
            describe: || Description::of::<V>(V::CHART),
            rules: || V::RULES.iter().map(Rule::text).collect(),
            check: check::<V>,
            estimate: |values, operations| read::<V>(values)?.estimate(operations),
        }
    }

    /// What is known of every field.
    ///
    /// # Errors
    /// When the defaults do not become JSON or a field's condition cannot be read: a fault of this crate.
    pub fn description(&self) -> Result<Description, DescriptionError> {
        (self.describe)()
    }

    /// The chart's rules, in the order of its table.
    #[must_use]
    pub fn rules(&self) -> Vec<RuleText> {
        (self.rules)()
    }

    /// What the rules say of values, defaults included, as [`rules::check`] does. Values that are none of this chart's are
    /// passed over.
    ///
    /// # Errors
    /// When the values do not become JSON again: never for those of this crate.
    pub fn check(
        &self,
        values: &Value,
        release: Option<&Release>,
        description: &Description,
    ) -> Result<Vec<Finding>, serde_json::Error> {
        (self.check)(values, release, description)
    }

    /// How many seconds operations take at most with some values, as [`ChartValues::estimate`] does.
    #[must_use]
    pub fn estimate(&self, values: &Value, operations: &[String]) -> Option<u32> {
        (self.estimate)(values, operations)
    }
}

fn check<V: ChartValues>(
    values: &Value,
    release: Option<&Release>,
    description: &Description,
) -> Result<Vec<Finding>, serde_json::Error> {
    let Some(values) = read::<V>(values) else {
        return Ok(Vec::new());
    };
    let subject = Subject {
        values: &values,
        release,
    };
    rules::check(V::RULES, &subject, description)
}

fn read<V: ChartValues>(values: &Value) -> Option<V> {
    serde_json::from_value(values.clone()).ok()
}
