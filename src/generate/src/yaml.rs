//! YAML, read and written: the only module that names the crate for it.

use serde_json::Value;
use snafu::Snafu;

/// A text is not YAML.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// The parser refused it.
    #[snafu(display("{message}"))]
    Parse {
        /// What the parser said, with the line.
        message: String,
    },
}

/// Reads a document as Helm reads values: mappings with text as keys, no key twice. An empty document is `Null`.
pub(crate) fn read(text: &str) -> Result<Value, Error> {
    if is_empty(text) {
        return Ok(Value::Null);
    }
    serde_yaml::from_str(text).map_err(|error| Error::Parse {
        message: error.to_string(),
    })
}

fn is_empty(text: &str) -> bool {
    text.lines().all(|line| {
        let line = line.trim();
        line.is_empty() || line.starts_with('#') || line == "---"
    })
}

/// Writes a value that has no lines of its own: text, a number, or an empty collection.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        other => other.to_string(),
    }
}

/// Whether text means itself without quotes, in YAML 1.1 and 1.2 alike.
fn is_plain(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "._/-".contains(letter))
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn documents_are_read_as_helm_reads_them() {
        assert_eq!(read("# nothing\n").unwrap(), Value::Null);
        assert_eq!(
            read("a: 1\nb: [x, 2Gi, \"3\"]\nc: {d: true}\n").unwrap(),
            json!({"a": 1, "b": ["x", "2Gi", "3"], "c": {"d": true}})
        );
        assert!(read("a: 1\na: 2\n").is_err(), "a key twice");
        assert!(read("a: [1\n").is_err(), "an open bracket");
    }

    #[test]
    fn scalars_mean_themselves() {
        for text in [
            "",
            "yes",
            "No",
            "5.4.0",
            "cluster.local",
            "a: b",
            "1Gi",
            "null",
            "~",
        ] {
            let value = json!(text);
            let document = format!("a: {}\n", scalar(&value));
            assert_eq!(read(&document).unwrap(), json!({ "a": text }), "{document}");
        }
    }
}
