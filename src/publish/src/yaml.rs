//! Reads YAML: the only module of this crate that names the YAML library.

use serde::de::DeserializeOwned;

/// Why a text is not the expected YAML document.
pub type Error = serde_yaml::Error;

/// Reads one document.
///
/// # Errors
/// When the text is not YAML or does not have the expected form.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_yaml::from_str(text)
}
