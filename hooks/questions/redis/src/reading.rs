//! Reads what servers answer: text, numbers, lists, names with values.

use std::collections::BTreeMap;

use midships_answers::Problem;
use midships_client_redis::connection::Answer;
use redis::Value;

use crate::bytes::Bytes;

/// The bytes of a text.
pub(crate) fn bytes(value: &Value) -> Option<Bytes> {
    match value {
        Value::BulkString(bytes) => Some(Bytes(bytes.clone())),
        Value::SimpleString(text) => Some(text.as_str().into()),
        Value::Okay => Some("OK".into()),
        _ => None,
    }
}

/// A text. What is not UTF-8 in it, as in a name that a client has given itself, is replaced.
pub(crate) fn text(value: &Value) -> Option<String> {
    Some(String::from_utf8_lossy(&bytes(value)?.0).into_owned())
}

/// A number, also one that is written as text.
pub(crate) fn number(value: &Value) -> Option<i64> {
    match value {
        Value::Int(number) => Some(*number),
        value => text(value)?.parse().ok(),
    }
}

/// A number of things.
pub(crate) fn count(value: &Value) -> Option<u64> {
    number(value)?.try_into().ok()
}

/// The elements of a list.
pub(crate) fn list(value: &Value) -> Option<&[Value]> {
    match value {
        Value::Array(elements) => Some(elements),
        _ => None,
    }
}

/// Names with their values, which are written one after the other.
pub(crate) fn names(value: &Value) -> Option<BTreeMap<String, String>> {
    let pairs = list(value)?.chunks_exact(2);
    pairs
        .map(|pair| Some((text(&pair[0])?, text(&pair[1])?)))
        .collect()
}

/// What was answered, where the server refused nothing.
pub(crate) fn taken(address: &str, answer: Option<Answer>) -> Result<Value, Problem> {
    match answer {
        Some(Ok(value)) => Ok(value),
        Some(Err(refusal)) => Err(Problem::new(address, format!("refuses: {refusal}"))),
        None => Err(unreadable(address, "an answer to each question")),
    }
}

/// The same, and read.
pub(crate) fn read<T>(
    address: &str,
    answer: Option<Answer>,
    expected: &str,
    read: impl FnOnce(&Value) -> Option<T>,
) -> Result<T, Problem> {
    let value = taken(address, answer)?;
    read(&value).ok_or_else(|| unreadable(address, expected))
}

/// A server answered in a form that no version is known to use.
pub(crate) fn unreadable(address: &str, expected: &str) -> Problem {
    Problem::new(
        address,
        format!("answered in an unknown form; expected {expected}"),
    )
}
