//! A value of an answer's body that is looked into by names, with its path for errors.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Map;

use crate::answer::DecodeError;
use crate::fastjson::{Key, Value};

/// The path of a body itself.
pub(crate) const WHOLE_BODY: &str = "(the whole body)";

/// A value of a body, or none, with its path for errors.
pub(crate) struct Node<'a> {
    pub(crate) path: String,
    value: Option<&'a Value>,
}

impl<'a> Node<'a> {
    pub(crate) fn of(value: &'a Value) -> Self {
        Self::new(String::new(), Some(value))
    }

    pub(crate) fn new(path: String, value: Option<&'a Value>) -> Self {
        Self { path, value }
    }

    fn below(&self, name: &str, value: Option<&'a Value>) -> Self {
        let path = if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        };
        Self::new(path, value)
    }

    pub(crate) fn field(&self, name: &str) -> Self {
        self.below(name, self.value.and_then(|value| value.get(name)))
    }

    pub(crate) fn is_absent(&self) -> bool {
        matches!(self.value, None | Some(Value::Null))
    }

    pub(crate) fn wrong<T>(&self, expected: &'static str) -> Result<T, DecodeError> {
        let field = if self.path.is_empty() {
            WHOLE_BODY
        } else {
            &self.path
        };
        Err(DecodeError::Field {
            field: field.to_owned(),
            expected,
        })
    }

    pub(crate) fn object(&self) -> Result<&'a [(Key, Value)], DecodeError> {
        match self.value {
            Some(Value::Object(entries)) => Ok(entries),
            _ => self.wrong("an object"),
        }
    }

    pub(crate) fn entries(&self) -> Result<Vec<(String, Self)>, DecodeError> {
        let entry = |(key, value): &'a (Key, Value)| {
            let name = key.to_string();
            let node = self.below(&name, Some(value));
            (name, node)
        };
        Ok(self.object()?.iter().map(entry).collect())
    }

    pub(crate) fn items(&self) -> Result<Vec<Self>, DecodeError> {
        let Some(Value::Array(values)) = self.value else {
            return self.wrong("an array");
        };
        let item = |(index, value)| Self::new(format!("{}[{index}]", self.path), Some(value));
        Ok(values.iter().enumerate().map(item).collect())
    }

    pub(crate) fn text(&self) -> Result<String, DecodeError> {
        match self.value {
            Some(Value::Text(text)) => Ok(text.clone()),
            _ => self.wrong("text"),
        }
    }

    pub(crate) fn texts(&self) -> Result<BTreeMap<String, String>, DecodeError> {
        self.entries()?
            .into_iter()
            .map(|(name, node)| Ok((name, node.text()?)))
            .collect()
    }

    pub(crate) fn integer(&self) -> Result<i64, DecodeError> {
        match self.value {
            Some(Value::Integer(number)) => Ok(*number),
            _ => self.wrong("a whole number"),
        }
    }

    pub(crate) fn count(&self) -> Result<u32, DecodeError> {
        match u32::try_from(self.integer()?) {
            Ok(count) => Ok(count),
            Err(_) => self.wrong("a whole number from 0 to 4294967295"),
        }
    }

    pub(crate) fn boolean(&self) -> Result<bool, DecodeError> {
        match self.value {
            Some(Value::Boolean(value)) => Ok(*value),
            _ => self.wrong("true or false"),
        }
    }

    /// The number of a field that only some versions have.
    pub(crate) fn integer_if_any(&self) -> Result<Option<i64>, DecodeError> {
        if self.is_absent() {
            Ok(None)
        } else {
            self.integer().map(Some)
        }
    }

    /// The text of a field that is left out at times.
    pub(crate) fn text_if_any(&self) -> Result<Option<String>, DecodeError> {
        if self.is_absent() {
            Ok(None)
        } else {
            self.text().map(Some)
        }
    }

    /// The texts of an array, without an order of their own.
    pub(crate) fn set_of_texts(&self) -> Result<BTreeSet<String>, DecodeError> {
        self.items()?.iter().map(Node::text).collect()
    }

    /// The entries of an object whose keys are whole numbers, with or without quotes. `expected` says what they are.
    pub(crate) fn numbered<N: TryFrom<i64>>(
        &self,
        expected: &'static str,
    ) -> Result<Vec<(N, Self)>, DecodeError> {
        let entry = |(key, value): &'a (Key, Value)| {
            let node = self.below(&key.to_string(), Some(value));
            let number = match key {
                Key::Integer(number) => Some(*number),
                Key::Text(text) => text.parse().ok(),
                Key::Object(_) => None,
            };
            match number.and_then(|number| N::try_from(number).ok()) {
                Some(number) => Ok((number, node)),
                None => node.wrong(expected),
            }
        };
        self.object()?.iter().map(entry).collect()
    }

    /// Reads the entries of an object whose keys are objects, each by its key and its value.
    pub(crate) fn keyed_by_objects<T>(
        &self,
        read: impl Fn(&Node, &Node) -> Result<T, DecodeError>,
    ) -> Result<Vec<T>, DecodeError> {
        let entry = |(key, value): &(Key, Value)| {
            let node = self.below(&key.to_string(), Some(value));
            let Key::Object(entries) = key else {
                return node.wrong("an object as the key");
            };
            let fields = Value::Object(entries.clone());
            read(
                &Node::new(format!("{} (key)", node.path), Some(&fields)),
                &node,
            )
        };
        self.object()?.iter().map(entry).collect()
    }

    /// All fields of an object but some.
    pub(crate) fn without(
        &self,
        names: &[&str],
    ) -> Result<Map<String, serde_json::Value>, DecodeError> {
        let mut rest = Map::new();
        for (name, node) in self.entries()? {
            if !names.contains(&name.as_str()) {
                match node.value.and_then(Value::to_json) {
                    Some(value) => rest.insert(name, value),
                    None => return node.wrong("a value of standard JSON"),
                };
            }
        }
        Ok(rest)
    }
}
