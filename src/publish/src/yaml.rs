//! YAML, read and written: the only module of this crate that names the YAML library.

use serde::de::DeserializeOwned;
use serde_json::Value;

/// Why a text is not the expected YAML document.
pub type Error = serde_yaml::Error;

/// Reads one document.
///
/// # Errors
/// When the text is not YAML or does not have the expected form.
pub fn from_str<T: DeserializeOwned>(text: &str) -> Result<T, Error> {
    serde_yaml::from_str(text)
}

/// Writes one document. Every text is quoted, so that no reader of YAML 1.1 takes a version for a number.
pub fn to_string(value: &Value) -> String {
    let mut text = String::new();
    write(&mut text, value, 0);
    text
}

/// Writes what stands behind a key or a dash, up to the end of its last line.
fn write(text: &mut String, value: &Value, depth: usize) {
    match value {
        Value::Object(fields) if !fields.is_empty() => {
            for (number, (key, value)) in fields.iter().enumerate() {
                if number > 0 {
                    indent(text, depth);
                }
                text.push_str(&if is_plain(key) {
                    key.clone()
                } else {
                    quote(key)
                });
                text.push(':');
                let has_lines = match value {
                    Value::Object(below) => !below.is_empty(),
                    Value::Array(items) => !items.is_empty(),
                    _ => false,
                };
                if has_lines {
                    text.push('\n');
                    indent(text, depth + 1);
                } else {
                    text.push(' ');
                }
                write(text, value, depth + 1);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for (number, item) in items.iter().enumerate() {
                if number > 0 {
                    indent(text, depth);
                }
                text.push_str("- ");
                write(text, item, depth + 1);
            }
        }
        Value::String(content) => {
            text.push_str(&quote(content));
            text.push('\n');
        }
        other => {
            text.push_str(&other.to_string());
            text.push('\n');
        }
    }
}

/// Whether a key means itself without quotes, in YAML 1.1 and 1.2 alike.
fn is_plain(key: &str) -> bool {
    let others = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    !key.is_empty()
        && key.bytes().all(|byte| byte.is_ascii_alphabetic())
        && !others.contains(&key.to_ascii_lowercase().as_str())
}

fn indent(text: &mut String, depth: usize) {
    text.push_str(&"  ".repeat(depth));
}

/// Text between double quotes, as JSON and YAML both read it.
fn quote(content: &str) -> String {
    use std::fmt::Write;

    let mut quoted = String::new();
    for letter in Value::from(content).to_string().chars() {
        // What JSON leaves as it is but YAML does not allow.
        if letter.is_control() || matches!(letter, '\u{feff}' | '\u{2028}' | '\u{2029}') {
            // Writing into a String cannot fail.
            let _infallible = write!(quoted, "\\u{:04x}", u32::from(letter));
        } else {
            quoted.push(letter);
        }
    }
    quoted
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_is_written_is_read_again() {
        let value = json!({
            "entries": { "a-chart": [{ "version": "1.10", "on": "yes", "urls": ["a", "b"] }, { "none": {} }] },
            "empty": [],
            "number": 1,
            "lines": "one\ntwo\t\"three\" \\ 四 \u{7f}",
            "deep": [["x"], [{ "y": null }]],
        });
        let text = to_string(&value);
        assert_eq!(from_str::<Value>(&text).unwrap(), value, "{text}");
        assert!(text.contains("version: \"1.10\"\n"), "{text}");
        assert!(text.contains("\"a-chart\":\n"), "{text}");
        assert!(text.contains("\"on\": \"yes\"\n"), "{text}");
    }
}
