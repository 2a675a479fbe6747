//! What `INFO` answers, lines `name:value` in sections, and whatever else is names with values.

use std::collections::BTreeMap;
use std::str::FromStr;

/// Figures and states of one server, by their names.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Information(BTreeMap<String, String>);

impl FromIterator<(String, String)> for Information {
    fn from_iter<T: IntoIterator<Item = (String, String)>>(fields: T) -> Self {
        Self(fields.into_iter().collect())
    }
}

impl Information {
    /// Reads an answer. Lines that are none of a name and a value are left out: modules write such ones.
    #[must_use]
    pub fn of(text: &str) -> Self {
        let lines = text.lines().filter(|line| !line.starts_with('#'));
        let fields = lines.filter_map(|line| line.split_once(':'));
        let owned = |(name, value): (&str, &str)| (name.to_owned(), value.trim_end().to_owned());
        Self(fields.map(owned).collect())
    }

    /// A value as the server wrote it.
    #[must_use]
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str)
    }

    /// A value as a number, or whatever is read from text. None where the server has not written it, or something else.
    #[must_use]
    pub fn value<T: FromStr>(&self, name: &str) -> Option<T> {
        self.text(name)?.parse().ok()
    }

    /// Every value, by its name.
    pub fn all(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// A value that is written as `1` or `0`.
    #[must_use]
    pub fn truth(&self, name: &str) -> Option<bool> {
        match self.text(name)? {
            "1" => Some(true),
            "0" => Some(false),
            _ => None,
        }
    }
}
