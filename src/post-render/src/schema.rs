//! The JSON Schema of the policy file.

use schemars::generate::SchemaSettings;
use serde_json::Value;

use crate::policy::Policy;

/// The schema, of draft-07, which editors read.
#[must_use]
pub fn schema() -> Value {
    SchemaSettings::draft07()
        .into_generator()
        .into_root_schema_for::<Policy>()
        .to_value()
}
