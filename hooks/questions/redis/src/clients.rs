//! The question which clients are connected.

use std::cmp::Reverse;
use std::collections::BTreeMap;

use midships_answers::{Column, Problem, Told, or_nothing, table, with_problems};
use serde::Serialize;

use crate::Scope;
use crate::ask::{Asking, Question, Servers};
use crate::figures;
use crate::landscape::Landscape;
use crate::query::Query;
use crate::reading::{number, read, text};

/// The connections of clients to all servers.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Clients {
    /// The connections together by host, name and kind; the most first.
    pub totals: Vec<Total>,
    /// The connections, those first for which most is waiting to be sent, then those that have been idle for longest.
    pub connections: Vec<Connected>,
    /// How many connections there are, also where not all are told.
    pub number: usize,
    /// What was not answered.
    pub problems: Vec<Problem>,
}

/// The connections of one host with one name.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Total {
    /// Where they come from, without the port.
    pub host: String,
    /// The name that they have given themselves.
    pub name: Option<String>,
    /// What they are.
    pub kind: ConnectionKind,
    /// How many they are, at all servers.
    pub connections: u64,
    /// For how long the idlest of them has not sent a command.
    pub longest_idle_seconds: u64,
    /// How many bytes are waiting to be sent to them.
    pub output_bytes: u64,
}

/// What a connection is.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum ConnectionKind {
    /// It sends commands.
    Client,
    /// It has subscribed to messages.
    Subscriber,
    /// It waits for a command to end, such as `BLPOP`.
    Blocked,
    /// It sees all commands.
    Monitor,
    /// It is a replica's.
    Replica,
    /// It is a master's.
    Master,
}

/// A connection.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Connected {
    /// The server.
    pub server: String,
    /// Its number there.
    pub number: u64,
    /// Where it comes from.
    pub address: String,
    /// The name that it has given itself.
    pub name: Option<String>,
    /// Who it has said that it is, since version 6.
    pub user: Option<String>,
    /// What it is.
    pub kind: ConnectionKind,
    /// For how long it has been connected.
    pub age_seconds: u64,
    /// For how long it has not sent a command.
    pub idle_seconds: u64,
    /// The number of its database.
    pub database: u64,
    /// The command that it sent last.
    pub last_command: Option<String>,
    /// How many bytes of a command have been read and not yet carried out.
    pub input_bytes: u64,
    /// How many bytes are waiting to be sent.
    pub output_bytes: u64,
    /// The name and version of its library, since 7.2.
    pub library: Option<String>,
}

impl Clients {
    /// Asks all servers for the connections, and keeps so many of them.
    pub async fn ask<S: Servers>(servers: &S, scope: &Scope, limit: usize) -> Self {
        let asking = Asking::new(servers);
        let landscape = Landscape::ask(&asking, scope).await;
        let mut problems: Vec<Problem> = landscape.silent.values().cloned().collect();
        let servers: Vec<_> = landscape.with_keys().collect();
        let questions: Vec<Question> = servers
            .iter()
            .map(|found| {
                (
                    found.reached.clone(),
                    vec![Query::OwnClient, Query::Clients],
                )
            })
            .collect();
        let mut connections = Vec::new();
        for (found, answers) in servers.iter().zip(asking.all(&questions).await) {
            let of_server = answers.and_then(|answers| {
                let mut answers = answers.into_iter();
                let own = read(found.address(), answers.next(), "a number", number)?;
                let lines = read(found.address(), answers.next(), "clients", text)?;
                Ok(tabulate(found.address(), &lines, own))
            });
            match of_server {
                Ok(of_server) => connections.extend(of_server),
                Err(problem) => problems.push(problem),
            }
        }
        let totals = totals(&connections);
        let number = connections.len();
        connections.sort_by_key(|one| (Reverse(one.output_bytes), Reverse(one.idle_seconds)));
        connections.truncate(limit);
        Self {
            totals,
            connections,
            number,
            problems,
        }
    }
}

/// Reads an answer to `CLIENT LIST`, without the connection that asked.
fn tabulate(server: &str, lines: &str, own: i64) -> Vec<Connected> {
    let connections = lines.lines().map(|line| of_line(server, line));
    let own = u64::try_from(own).unwrap_or_default();
    connections.filter(|one| one.number != own).collect()
}

/// A line: `id=3 addr=127.0.0.1:4711 name= …`. What a version does not write is empty or 0.
fn of_line(server: &str, line: &str) -> Connected {
    let pairs = line.split(' ').filter_map(|pair| pair.split_once('='));
    let fields: BTreeMap<&str, &str> = pairs.collect();
    let word = |key: &str| {
        let word = fields.get(key).filter(|word| !word.is_empty());
        word.map(|word| (*word).to_owned())
    };
    let number = |key: &str| fields.get(key).and_then(|text| text.parse().ok());
    let library = word("lib-name").map(|name| match word("lib-ver") {
        Some(version) => format!("{name} {version}"),
        None => name,
    });
    Connected {
        server: server.to_owned(),
        number: number("id").unwrap_or_default(),
        address: word("addr").unwrap_or_default(),
        name: word("name"),
        user: word("user"),
        kind: kind(fields.get("flags").copied().unwrap_or_default()),
        age_seconds: number("age").unwrap_or_default(),
        idle_seconds: number("idle").unwrap_or_default(),
        database: number("db").unwrap_or_default(),
        last_command: word("cmd").filter(|command| command != "NULL"),
        input_bytes: number("qbuf").unwrap_or_default(),
        // What is in the first buffer, and what does not fit into it.
        output_bytes: number("omem").unwrap_or_default() + number("obl").unwrap_or_default(),
        library,
    }
}

/// What a connection is, by the letters that servers write.
fn kind(flags: &str) -> ConnectionKind {
    let letters = [
        ('S', ConnectionKind::Replica),
        ('M', ConnectionKind::Master),
        ('O', ConnectionKind::Monitor),
        ('b', ConnectionKind::Blocked),
        ('P', ConnectionKind::Subscriber),
    ];
    let found = letters
        .into_iter()
        .find(|(letter, _)| flags.contains(*letter));
    found.map_or(ConnectionKind::Client, |(_, kind)| kind)
}

fn totals(connections: &[Connected]) -> Vec<Total> {
    let mut totals: BTreeMap<(&str, Option<&String>, ConnectionKind), Total> = BTreeMap::new();
    for one in connections {
        let host = one
            .address
            .rsplit_once(':')
            .map_or(&*one.address, |(host, _)| host);
        let key = (host, one.name.as_ref(), one.kind);
        let total = totals.entry(key).or_insert_with(|| Total {
            host: host.to_owned(),
            name: one.name.clone(),
            kind: one.kind,
            connections: 0,
            longest_idle_seconds: 0,
            output_bytes: 0,
        });
        total.connections += 1;
        total.longest_idle_seconds = total.longest_idle_seconds.max(one.idle_seconds);
        total.output_bytes = total.output_bytes.saturating_add(one.output_bytes);
    }
    let mut totals: Vec<Total> = totals.into_values().collect();
    totals.sort_by_key(|total| Reverse(total.connections));
    totals
}

impl ConnectionKind {
    fn word(self) -> &'static str {
        match self {
            Self::Client => "client",
            Self::Subscriber => "subscriber",
            Self::Blocked => "blocked",
            Self::Monitor => "monitor",
            Self::Replica => "replica",
            Self::Master => "master",
        }
    }
}

impl Told for Clients {
    fn text(&self) -> String {
        let columns = [
            Column::Text("HOST"),
            Column::Text("NAME"),
            Column::Text("KIND"),
            Column::Number("CONNECTIONS"),
            Column::Number("IDLE AT MOST"),
            Column::Number("OUTPUT"),
        ];
        let rows = self.totals.iter().map(|total| {
            [
                total.host.clone(),
                or_nothing(total.name.as_ref()),
                total.kind.word().to_owned(),
                total.connections.to_string(),
                figures::time(total.longest_idle_seconds),
                figures::bytes(total.output_bytes),
            ]
        });
        let totals = table(columns, &rows.collect::<Vec<_>>());
        let columns = [
            Column::Text("SERVER"),
            Column::Text("ADDRESS"),
            Column::Text("NAME"),
            Column::Text("USER"),
            Column::Text("KIND"),
            Column::Number("DB"),
            Column::Number("AGE"),
            Column::Number("IDLE"),
            Column::Number("INPUT"),
            Column::Number("OUTPUT"),
            Column::Text("LAST COMMAND"),
            Column::Text("LIBRARY"),
        ];
        let rows: Vec<_> = self.connections.iter().map(row).collect();
        let told = self.connections.len();
        let end = if told < self.number {
            format!("\nonly {told} of {}, see --limit\n", self.number)
        } else {
            String::new()
        };
        let text = format!("{totals}\n{}{end}", table(columns, &rows));
        with_problems(text, &self.problems)
    }

    fn problems(&self) -> &[Problem] {
        &self.problems
    }
}

fn row(one: &Connected) -> [String; 12] {
    [
        one.server.clone(),
        one.address.clone(),
        or_nothing(one.name.as_ref()),
        or_nothing(one.user.as_ref()),
        one.kind.word().to_owned(),
        one.database.to_string(),
        figures::time(one.age_seconds),
        figures::time(one.idle_seconds),
        figures::bytes(one.input_bytes),
        figures::bytes(one.output_bytes),
        or_nothing(one.last_command.as_ref()),
        or_nothing(one.library.as_ref()),
    ]
}
