//! Reads YAML into typed values: the only module of this crate that names the YAML library for that.

use serde::de::DeserializeOwned;

/// Reads one document; an error says where and what.
pub(crate) fn read<T: DeserializeOwned>(text: &str) -> Result<T, String> {
    serde_yaml::from_str(text).map_err(|error| error.to_string())
}
