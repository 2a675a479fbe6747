//! When a field matters: a small language of conditions on other fields, which every form dialect can say.
//!
//! A condition is one or more terms joined by `&&`. A term is `PATH == VALUE`, `PATH != VALUE` or `PATH in [VALUE, VALUE]`,
//! where the field at PATH has few possible values: a choice, `true` and `false`, or a short range of whole numbers. A path
//! that begins with a dot is one of the fields beside the field that has the condition.

use std::fmt;

use serde_json::Value;
use snafu::{OptionExt, Snafu, ensure};

/// The most values that a field may have on which a condition looks.
const MOST_VALUES: i64 = 32;

/// A condition that is not written as it must be: a fault of the model.
#[derive(Debug, Snafu)]
pub enum ConditionError {
    /// A term has no operator.
    #[snafu(display(
        "`{term}` is not `PATH == VALUE`, `PATH != VALUE` or `PATH in [VALUE, VALUE]`"
    ))]
    Form {
        /// The term.
        term: String,
    },
    /// The field that a term looks at does not exist or has too many values.
    #[snafu(display("`{path}` is not a field with a few possible values"))]
    Field {
        /// The path of the field.
        path: String,
    },
    /// The field cannot have a value that a term names.
    #[snafu(display("`{path}` cannot be `{value}`"))]
    Impossible {
        /// The path of the field.
        path: String,
        /// The value.
        value: String,
    },
}

/// One field and the values of it for which a condition holds.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Term {
    /// The field's path, such as `brokers.storage.mode`.
    pub path: String,
    /// The values for which the term holds.
    pub values: Vec<Value>,
    /// The values for which it does not.
    pub others: Vec<Value>,
}

/// A condition: all of its terms must hold. Without terms it always holds.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Condition {
    /// The terms, each about another field.
    pub terms: Vec<Term>,
}

impl Condition {
    /// Reads a condition. `beside` is the path of the group that relative paths are in, empty for the root; `schema` is the
    /// schema of all values, where the possible values of a field are looked up.
    ///
    /// # Errors
    /// When the text is not a condition or names a field or a value that does not exist.
    pub fn read(text: &str, beside: &str, schema: &Value) -> Result<Self, ConditionError> {
        let mut condition = Self::default();
        for term in text.split("&&") {
            condition = condition.and(&Self {
                terms: vec![read_term(term.trim(), beside, schema)?],
            });
        }
        Ok(condition)
    }

    /// The condition that holds when both do.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        let mut terms = self.terms.clone();
        for term in &other.terms {
            match terms.iter_mut().find(|known| known.path == term.path) {
                Some(known) => {
                    let (kept, dropped) = known
                        .values
                        .drain(..)
                        .partition(|value| term.values.contains(value));
                    known.values = kept;
                    known.others.extend::<Vec<Value>>(dropped);
                }
                None => terms.push(term.clone()),
            }
        }
        Self { terms }
    }

    /// Whether it holds whatever the values are.
    #[must_use]
    pub fn is_always(&self) -> bool {
        self.terms.is_empty()
    }

    /// Whether it holds for values, defaults included.
    #[must_use]
    pub fn holds(&self, values: &Value) -> bool {
        self.terms
            .iter()
            .all(|term| at(values, &term.path).is_some_and(|found| term.values.contains(found)))
    }
}

impl fmt::Display for Condition {
    /// Writes the condition as [`Condition::read`] reads it.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, term) in self.terms.iter().enumerate() {
            if index > 0 {
                formatter.write_str(" && ")?;
            }
            let values: Vec<String> = term.values.iter().map(word).collect();
            match values.as_slice() {
                [value] => write!(formatter, "{} == {value}", term.path)?,
                values => write!(formatter, "{} in [{}]", term.path, values.join(", "))?,
            }
        }
        Ok(())
    }
}

/// The value at a path such as `brokers.storage.mode`.
#[must_use]
pub fn at<'a>(values: &'a Value, path: &str) -> Option<&'a Value> {
    path.split('.')
        .try_fold(values, |value, step| value.get(step))
}

/// A possible value as conditions write it.
#[must_use]
pub fn word(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

fn read_term(term: &str, beside: &str, schema: &Value) -> Result<Term, ConditionError> {
    let (path, words, is_meant) = if let Some((path, word)) = term.split_once("==") {
        (path, vec![word], true)
    } else if let Some((path, word)) = term.split_once("!=") {
        (path, vec![word], false)
    } else {
        let (path, list) = term.split_once(" in ").context(FormSnafu { term })?;
        let list = list
            .trim()
            .strip_prefix('[')
            .and_then(|list| list.strip_suffix(']'));
        (
            path,
            list.context(FormSnafu { term })?.split(',').collect(),
            true,
        )
    };
    let path = match path.trim().strip_prefix('.') {
        Some(name) if beside.is_empty() => name.to_owned(),
        Some(name) => format!("{beside}.{name}"),
        None => path.trim().to_owned(),
    };
    let words: Vec<&str> = words.into_iter().map(str::trim).collect();
    let possible = possible(schema, &path).context(FieldSnafu { path: &path })?;
    for value in &words {
        let is_possible = possible.iter().any(|one| word(one) == *value);
        ensure!(
            is_possible,
            ImpossibleSnafu {
                path: &path,
                value: *value
            }
        );
    }
    let (values, others) = possible
        .into_iter()
        .partition(|value| words.contains(&word(value).as_str()) == is_meant);
    Ok(Term {
        path,
        values,
        others,
    })
}

/// All values that a field can have, where they are few.
fn possible(schema: &Value, path: &str) -> Option<Vec<Value>> {
    let field = path
        .split('.')
        .try_fold(schema, |schema, step| schema["properties"].get(step))?;
    if let Some(choices) = field["enum"].as_array() {
        return Some(choices.clone());
    }
    match field["type"].as_str()? {
        "boolean" => Some(vec![Value::Bool(true), Value::Bool(false)]),
        "integer" => {
            let (least, most) = (field["minimum"].as_i64()?, field["maximum"].as_i64()?);
            (most - least < MOST_VALUES).then(|| (least..=most).map(Value::from).collect())
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn schema() -> Value {
        json!({ "properties": {
            "source": { "enum": ["Own", "Release", "Addresses"] },
            "on": { "type": "boolean" },
            "store": { "properties": {
                "mode": { "enum": ["Disk", "Memory"] },
                "copies": { "type": "integer", "minimum": 0, "maximum": 2 },
                "size": { "type": "string" },
            } },
        } })
    }

    fn read(text: &str) -> Result<Condition, ConditionError> {
        Condition::read(text, "store", &schema())
    }

    #[test]
    fn conditions_are_written_as_they_are_read() {
        for (text, written) in [
            ("on == true", "on == true"),
            (
                ".mode == Disk && source != Own",
                "store.mode == Disk && source in [Release, Addresses]",
            ),
            ("store.copies in [1, 2]", "store.copies in [1, 2]"),
            ("source != Own && source != Release", "source == Addresses"),
        ] {
            let condition = read(text).unwrap();
            assert_eq!(condition.to_string(), written);
            assert_eq!(read(written).unwrap().to_string(), written);
        }
    }

    #[test]
    fn conditions_hold_or_not() {
        let condition = read(".mode == Disk && .copies != 0").unwrap();
        assert!(condition.holds(&json!({"store": {"mode": "Disk", "copies": 2}})));
        assert!(!condition.holds(&json!({"store": {"mode": "Disk", "copies": 0}})));
        assert!(!condition.holds(&json!({"store": {"mode": "Memory", "copies": 2}})));
        assert!(!condition.holds(&json!({})));
        assert!(Condition::default().holds(&json!({})));
    }

    #[test]
    fn what_no_field_can_be_is_refused() {
        for (text, message) in [
            (
                "on",
                "`on` is not `PATH == VALUE`, `PATH != VALUE` or `PATH in [VALUE, VALUE]`",
            ),
            (
                "source in Own",
                "`source in Own` is not `PATH == VALUE`, `PATH != VALUE` or `PATH in [VALUE, VALUE]`",
            ),
            ("source == Mine", "`source` cannot be `Mine`"),
            (
                "mode == Disk",
                "`mode` is not a field with a few possible values",
            ),
            (
                ".size == 1Gi",
                "`store.size` is not a field with a few possible values",
            ),
        ] {
            assert_eq!(read(text).unwrap_err().to_string(), message);
        }
    }
}
