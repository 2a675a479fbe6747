//! The question which commands were slow.

use std::cmp::Reverse;

use midships_answers::{Column, Problem, Told, moment, or_nothing, table, with_problems};
use redis::Value;
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Question, Servers};
use crate::bytes::Bytes;
use crate::landscape::Landscape;
use crate::query::Query;
use crate::reading::{bytes, count, list, number, taken, text, unreadable};

/// What stands for a word that may be a secret.
const HIDDEN: &str = "(hidden)";

/// Slow commands of all servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowLog {
    /// The commands, the newest first.
    pub commands: Vec<SlowCommand>,
    /// What was not answered.
    pub problems: Vec<Problem>,
}

/// A command that took longer than `slowlog-log-slower-than` says.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct SlowCommand {
    /// The server.
    pub server: String,
    /// Its number there.
    pub number: i64,
    /// When it was, by the server's clock, in UTC.
    pub time: Option<String>,
    /// How long the server was busy with it.
    pub microseconds: u64,
    /// Who sent it.
    pub client: Option<String>,
    /// The name that the client has given itself.
    pub client_name: Option<String>,
    /// Its words, as far as the server has kept them, without passwords.
    pub words: Vec<Bytes>,
    #[serde(skip)]
    seconds: i64,
}

impl SlowLog {
    /// Asks all servers for the newest slow commands, and keeps so many of them.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope, limit: usize) -> Self {
        let asking = Asking::new(servers);
        let landscape = Landscape::ask(&asking, scope).await;
        let mut problems: Vec<Problem> = landscape.silent.values().cloned().collect();
        let servers: Vec<_> = landscape.with_keys().collect();
        let number = u64::try_from(limit).unwrap_or(u64::MAX);
        let questions: Vec<Question> = servers
            .iter()
            .map(|found| (found.reached.clone(), vec![Query::SlowCommands(number)]))
            .collect();
        let mut commands = Vec::new();
        for (found, answers) in servers.iter().zip(asking.all(&questions).await) {
            let of_server = answers.and_then(|mut answers| {
                let value = taken(found.address(), answers.pop())?;
                tabulate(found.address(), &value)
                    .ok_or_else(|| unreadable(found.address(), "slow commands"))
            });
            match of_server {
                Ok(of_server) => commands.extend(of_server),
                Err(problem) => problems.push(problem),
            }
        }
        commands.sort_by_key(|command| (Reverse(command.seconds), Reverse(command.number)));
        commands.truncate(limit);
        Self { commands, problems }
    }
}

/// Reads an answer to `SLOWLOG GET`.
fn tabulate(server: &str, value: &Value) -> Option<Vec<SlowCommand>> {
    let commands = list(value)?.iter();
    commands
        .map(|command| {
            let [id, seconds, microseconds, words, client @ ..] = list(command)? else {
                return None;
            };
            let words: Option<Vec<Bytes>> = list(words)?.iter().map(bytes).collect();
            let seconds = number(seconds)?;
            let told = |place: usize| {
                let text = client.get(place).and_then(text);
                text.filter(|text| !text.is_empty())
            };
            Some(SlowCommand {
                server: server.to_owned(),
                number: number(id)?,
                time: moment(seconds.saturating_mul(1_000)),
                microseconds: count(microseconds)?,
                client: told(0),
                client_name: told(1),
                words: without_secrets(words?),
                seconds,
            })
        })
        .collect()
}

/// The words of a command, of which those that may be passwords are hidden. Newer versions do so themselves.
fn without_secrets(mut words: Vec<Bytes>) -> Vec<Bytes> {
    let upper = |word: &Bytes| word.0.to_ascii_uppercase();
    let of =
        |name: &str, word: Option<&Bytes>| word.is_some_and(|word| upper(word) == name.as_bytes());
    // `requirepass`, `masterauth`, `tls-key-file-pass` and the like.
    let is_of_secret = |word: &Bytes| {
        let text = word.to_string().to_ascii_lowercase();
        text.contains("pass") || text.contains("auth")
    };
    let (first, second) = (words.first(), words.get(1));
    let hides_from = if of("AUTH", first) {
        1
    } else if of("CONFIG", first) && of("SET", second) && words.iter().any(is_of_secret)
        || of("ACL", first) && of("SETUSER", second)
    {
        3
    } else if of("SENTINEL", first) {
        2
    } else if of("HELLO", first) || of("MIGRATE", first) {
        let is_told = |word: &Bytes| matches!(upper(word).as_slice(), b"AUTH" | b"AUTH2");
        words
            .iter()
            .position(is_told)
            .map_or(usize::MAX, |place| place + 1)
    } else {
        usize::MAX
    };
    words
        .iter_mut()
        .skip(hides_from)
        .for_each(|word| *word = HIDDEN.into());
    words
}

/// The letters of a word, and of all words, that are shown in a table.
const SHOWN: usize = 40;
const WORDS_SHOWN: usize = 8;

impl Told for SlowLog {
    fn text(&self) -> String {
        let columns = [
            Column::Text("TIME"),
            Column::Number("TOOK"),
            Column::Text("SERVER"),
            Column::Text("CLIENT"),
            Column::Text("NAME"),
            Column::Text("COMMAND"),
        ];
        let rows: Vec<_> = self.commands.iter().map(row).collect();
        with_problems(table(columns, &rows), &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn row(command: &SlowCommand) -> [String; 6] {
    let mut words: Vec<String> = command
        .words
        .iter()
        .take(WORDS_SHOWN)
        .map(|word| word.shortened(SHOWN))
        .collect();
    match command.words.len().saturating_sub(WORDS_SHOWN) {
        0 => {}
        more => words.push(format!("… {more} more words")),
    }
    let (whole, rest) = (command.microseconds / 1_000, command.microseconds % 1_000);
    [
        or_nothing(command.time.as_ref()),
        format!("{whole}.{rest:03} ms"),
        command.server.clone(),
        or_nothing(command.client.as_ref()),
        or_nothing(command.client_name.as_ref()),
        words.join(" "),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn passwords_are_hidden() {
        for (words, shown) in [
            ("AUTH p", "AUTH (hidden)"),
            ("auth u p", "auth (hidden) (hidden)"),
            ("HELLO 3 AUTH u p", "HELLO 3 AUTH (hidden) (hidden)"),
            ("HELLO 3", "HELLO 3"),
            (
                "CONFIG SET requirepass p",
                "CONFIG SET requirepass (hidden)",
            ),
            ("CONFIG SET maxmemory 1", "CONFIG SET maxmemory 1"),
            ("CONFIG GET requirepass", "CONFIG GET requirepass"),
            ("ACL SETUSER u >p", "ACL SETUSER u (hidden)"),
            ("SENTINEL SET auth-pass p", "SENTINEL SET (hidden) (hidden)"),
            (
                "MIGRATE h 1 k AUTH2 u p",
                "MIGRATE h 1 k AUTH2 (hidden) (hidden)",
            ),
            ("KEYS auth", "KEYS auth"),
        ] {
            let words = without_secrets(words.split(' ').map(Bytes::from).collect());
            let words: Vec<String> = words.iter().map(Bytes::to_string).collect();
            assert_eq!(words.join(" "), shown);
        }
    }
}
