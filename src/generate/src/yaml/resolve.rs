//! What an unquoted word of YAML is to Helm, which reads YAML 1.1 with additions of 1.2 and hands all numbers on as JSON does.

use serde_json::{Number, Value};

/// What a word without quotes means to Helm. None for a number that JSON does not have.
pub(crate) fn plain(text: &str) -> Option<Value> {
    let value = match text {
        "" | "~" | "null" | "Null" | "NULL" => Value::Null,
        "y" | "Y" | "yes" | "Yes" | "YES" | "true" | "True" | "TRUE" | "on" | "On" | "ON" => {
            Value::Bool(true)
        }
        "n" | "N" | "no" | "No" | "NO" | "false" | "False" | "FALSE" | "off" | "Off" | "OFF" => {
            Value::Bool(false)
        }
        _ if is_no_number_of_json(text) => return None,
        _ => number(text).unwrap_or_else(|| Value::String(text.to_owned())),
    };
    Some(value)
}

fn is_no_number_of_json(text: &str) -> bool {
    let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
    [".inf", ".Inf", ".INF"].contains(&unsigned) || [".nan", ".NaN", ".NAN"].contains(&text)
}

fn number(text: &str) -> Option<Value> {
    let first = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !first.starts_with(|first: char| first.is_ascii_digit() || first == '.') {
        return None;
    }
    let digits = text.replace('_', "");
    if let Some(number) = integer(&digits) {
        return Some(Value::Number(number));
    }
    let is_decimal = digits
        .chars()
        .all(|letter| letter.is_ascii_digit() || ".eE+-".contains(letter));
    let number = digits
        .parse::<f64>()
        .ok()
        .filter(|number| number.is_finite())?;
    is_decimal.then(|| of_float(number)).flatten()
}

fn integer(digits: &str) -> Option<Number> {
    let (sign, unsigned) = match digits.strip_prefix('-') {
        Some(rest) => ("-", rest),
        None => ("", digits.strip_prefix('+').unwrap_or(digits)),
    };
    let (prefix, rest) = unsigned.split_at_checked(2).unwrap_or(("", ""));
    let (radix, number) = match prefix {
        "0x" | "0X" => (16, rest),
        "0o" | "0O" => (8, rest),
        "0b" | "0B" => (2, rest),
        _ if unsigned.len() > 1 && unsigned.starts_with('0') => (8, &unsigned[1..]),
        _ => (10, unsigned),
    };
    if !number.starts_with(|first: char| first.is_ascii_alphanumeric()) {
        return None;
    }
    let signed = i64::from_str_radix(&format!("{sign}{number}"), radix).map(Number::from);
    signed
        .or_else(|_| u64::from_str_radix(&format!("{sign}{number}"), radix).map(Number::from))
        .ok()
}

/// A whole number is written without a fraction in JSON, whatever it was in YAML.
fn of_float(number: f64) -> Option<Value> {
    let text = format!("{number}");
    match text.parse::<i64>() {
        Ok(whole) => Some(Value::from(whole)),
        Err(_) => Number::from_f64(number).map(Value::Number),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn words_mean_what_helm_takes_them_for() {
        for (text, value) in [
            ("on", json!(true)),
            ("No", json!(false)),
            ("y", json!(true)),
            ("oN", json!("oN")),
            ("~", json!(null)),
            ("5.4", json!(5.4)),
            ("5.4.0", json!("5.4.0")),
            ("1e3", json!(1000)),
            ("1e", json!("1e")),
            ("010", json!(8)),
            ("08", json!(8)),
            ("0o10", json!(8)),
            ("0x1F", json!(31)),
            ("-0b11", json!(-3)),
            ("1_000", json!(1000)),
            ("12:30", json!("12:30")),
            ("+7", json!(7)),
            (".5", json!(0.5)),
            (".", json!(".")),
            ("2024-01-31", json!("2024-01-31")),
            ("512Mi", json!("512Mi")),
            ("18446744073709551615", json!(u64::MAX)),
            ("1e999", json!("1e999")),
            ("0x", json!("0x")),
        ] {
            assert_eq!(plain(text), Some(value), "{text}");
        }
        assert_eq!(plain(".nan"), None);
        assert_eq!(plain("-.inf"), None);
    }
}
