//! What stands in a server's own configuration file beside what fields set.

use std::fmt;

use schemars::{JsonSchema, Schema, json_schema};
use serde::{Deserialize, Serialize};

/// A value of a server's configuration file.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(untagged)]
pub enum ConfigurationValue {
    /// `true` or `false`.
    Truth(bool),
    /// A number.
    Number(serde_json::Number),
    /// Text on one line.
    Text(String),
}

impl ConfigurationValue {
    /// The schema of such values by keys that have a pattern.
    pub(crate) fn by_keys(pattern: &str) -> Schema {
        json_schema!({
            "type": "object",
            "propertyNames": { "pattern": pattern },
            "additionalProperties": {
                "type": ["string", "number", "boolean"],
                "pattern": "^[^\\r\\n]*$"
            }
        })
    }
}

impl fmt::Display for ConfigurationValue {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truth(truth) => write!(formatter, "{truth}"),
            Self::Number(number) => write!(formatter, "{number}"),
            Self::Text(text) => formatter.write_str(text),
        }
    }
}
