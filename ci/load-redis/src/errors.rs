//! Errors of commands, counted by kind.

use std::collections::BTreeMap;

use redis::RedisError;
use serde::Serialize;

use crate::gaps::thousandths;

/// How many errors of a kind are told with their words.
const EXAMPLES: usize = 3;

/// Errors of one kind.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Kind {
    /// How many.
    pub count: u64,
    /// When the first one was met, in seconds since the load began.
    pub first_seconds: f64,
    /// When the last one was met.
    pub last_seconds: f64,
    /// What the first ones said.
    pub examples: Vec<String>,
}

/// All errors by kind.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(transparent)]
pub struct Errors(BTreeMap<String, Kind>);

impl Errors {
    /// An error is met, so many microseconds after the load began.
    pub fn note(&mut self, error: &RedisError, now: u64) {
        self.add(kind(error), &error.to_string(), now);
    }

    fn add(&mut self, kind: String, text: &str, now: u64) {
        let seconds = thousandths(now / 1000);
        let kind = self.0.entry(kind).or_default();
        if kind.count == 0 {
            kind.first_seconds = seconds;
        }
        kind.count += 1;
        kind.last_seconds = seconds;
        if kind.examples.len() < EXAMPLES {
            kind.examples.push(text.to_owned());
        }
    }

    /// How many there are of all kinds.
    pub fn total(&self) -> u64 {
        self.0.values().map(|kind| kind.count).sum()
    }

    /// How many there are of each kind.
    pub fn counts(&self) -> BTreeMap<&str, u64> {
        let kinds = self.0.iter();
        kinds
            .map(|(name, kind)| (name.as_str(), kind.count))
            .collect()
    }
}

/// What an error is called: the server's code, or what happened to the connection.
fn kind(error: &RedisError) -> String {
    let of_connection = [
        (error.is_timeout(), "timeout"),
        (error.is_connection_refusal(), "refused"),
        (error.is_connection_dropped(), "dropped"),
    ];
    let found = of_connection.into_iter().find(|(is_so, _)| *is_so);
    match (error.code(), found) {
        (Some(code), _) => code.to_owned(),
        (None, Some((_, name))) => name.to_owned(),
        (None, None) => error.category().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::io;

    use redis::ServerErrorKind;

    use super::*;

    #[test]
    fn errors_are_called_by_the_servers_code_or_by_what_happened() {
        let down = RedisError::from((ServerErrorKind::ClusterDown.into(), "down"));
        assert_eq!(kind(&down), "CLUSTERDOWN");
        for (error, name) in [
            (io::ErrorKind::TimedOut, "timeout"),
            (io::ErrorKind::ConnectionRefused, "refused"),
            (io::ErrorKind::ConnectionReset, "dropped"),
        ] {
            assert_eq!(kind(&io::Error::from(error).into()), name);
        }
    }

    #[test]
    fn the_first_of_a_kind_are_kept_with_their_words() {
        let mut errors = Errors::default();
        for number in 1..=5 {
            errors.add(
                "OOM".to_owned(),
                &format!("number {number}"),
                number * 1_000_000,
            );
        }
        assert_eq!(errors.total(), 5);
        let kind = &errors.0["OOM"];
        assert_eq!(kind.examples, ["number 1", "number 2", "number 3"]);
        assert_eq!((kind.first_seconds, kind.last_seconds), (1.0, 5.0));
    }
}
