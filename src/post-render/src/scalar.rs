//! What scalars mean to Kubernetes, which reads YAML 1.1 as far as JSON can say it, and how a value is written safely.

use std::fmt::Write;

use serde_json::{Number, Value};

const FALSE: [&str; 4] = ["false", "no", "off", "n"];
const TRUE: [&str; 4] = ["true", "yes", "on", "y"];

/// The value of a scalar without quotes and tag.
pub(crate) fn resolve(text: &str) -> Value {
    if is_null(text) {
        return Value::Null;
    }
    if let Some(truth) = boolean(text) {
        return Value::Bool(truth);
    }
    match number(text) {
        Some(number) => Value::Number(number),
        None => Value::String(text.to_owned()),
    }
}

/// Whether a scalar without quotes and tag is no value.
pub(crate) fn is_null(text: &str) -> bool {
    matches!(text, "" | "~" | "null" | "Null" | "NULL")
}

fn boolean(text: &str) -> Option<bool> {
    let known = |words: [&str; 4]| words.iter().any(|word| text.eq_ignore_ascii_case(word));
    match (known(TRUE), known(FALSE)) {
        (true, _) => Some(true),
        (_, true) => Some(false),
        _ => None,
    }
}

fn number(text: &str) -> Option<Number> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let negative = text.starts_with('-');
    let plain: String = digits.chars().filter(|&digit| digit != '_').collect();
    let whole = match plain.as_bytes() {
        [b'0', b'x' | b'X', ..] => i64::from_str_radix(plain.get(2..)?, 16).ok()?,
        [b'0', b'b' | b'B', ..] => i64::from_str_radix(plain.get(2..)?, 2).ok()?,
        [b'0', b'o' | b'O', ..] => i64::from_str_radix(plain.get(2..)?, 8).ok()?,
        [b'0', b'0'..=b'7', ..] if plain.bytes().all(|digit| digit.is_ascii_digit()) => {
            match i64::from_str_radix(&plain, 8) {
                Ok(number) => number,
                Err(_) => return decimal(&plain, negative),
            }
        }
        _ => return decimal(&plain, negative),
    };
    let signed = if negative {
        whole.checked_neg()?
    } else {
        whole
    };
    Some(Number::from(signed))
}

fn decimal(text: &str, negative: bool) -> Option<Number> {
    let sign = if negative { "-" } else { "" };
    let signed = format!("{sign}{text}");
    if let Ok(whole) = signed.parse::<i64>() {
        return Some(Number::from(whole));
    }
    Number::from_f64(signed.parse().ok()?)
}

/// Whether text without quotes means itself, in YAML 1.1 and 1.2 alike, in every place.
pub(crate) fn is_plain(text: &str) -> bool {
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .bytes()
            .all(|letter| letter.is_ascii_alphanumeric() || b"._/-".contains(&letter))
        && !is_null(text)
        && boolean(text).is_none()
}

/// Text as it is written: without quotes if they can be spared.
pub(crate) fn text(text: &str) -> String {
    if is_plain(text) {
        text.to_owned()
    } else {
        quoted(text)
    }
}

/// Text in double quotes, with every letter that YAML would not take escaped.
pub(crate) fn quoted(text: &str) -> String {
    let mut result = String::with_capacity(text.len() + 2);
    result.push('"');
    for letter in text.chars() {
        match letter {
            '"' => result.push_str("\\\""),
            '\\' => result.push_str("\\\\"),
            '\n' => result.push_str("\\n"),
            '\t' => result.push_str("\\t"),
            '\r' => result.push_str("\\r"),
            '\u{0}'..='\u{1f}'
            | '\u{7f}'..='\u{a0}'
            | '\u{2028}'
            | '\u{2029}'
            | '\u{feff}'
            | '\u{fffe}'
            | '\u{ffff}' => {
                let _infallible = write!(result, "\\u{:04x}", u32::from(letter));
            }
            _ => result.push(letter),
        }
    }
    result.push('"');
    result
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn scalars_are_read_as_kubernetes_reads_them() {
        for (text, value) in [
            ("", json!(null)),
            ("~", json!(null)),
            ("on", json!(true)),
            ("NO", json!(false)),
            ("0777", json!(511)),
            ("0o7", json!(7)),
            ("-0x1F", json!(-31)),
            ("1_000", json!(1000)),
            ("1e3", json!(1000.0)),
            ("089", json!(89)),
            ("12:30", json!("12:30")),
            ("1.2.3", json!("1.2.3")),
            (".", json!(".")),
            ("-", json!("-")),
            ("inf", json!("inf")),
            ("nan", json!("nan")),
        ] {
            assert_eq!(resolve(text), value, "{text}");
        }
    }

    #[test]
    fn text_means_itself_however_it_is_written() {
        assert_eq!(text("app.kubernetes.io/name"), "app.kubernetes.io/name");
        assert_eq!(text("yes"), "\"yes\"");
        assert_eq!(text("1e3"), "\"1e3\"");
        assert_eq!(
            quoted("a\"\\\n\u{7}\u{85}é😀"),
            r#""a\"\\\n\u0007\u0085é😀""#
        );
    }
}
