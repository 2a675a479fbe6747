//! How servers spell what they have of a setting: not always as it was written.

use std::collections::{BTreeMap, BTreeSet};

use midships_model::redis::settings::ONLINE;

/// The limits of what waits for clients to be sent, a part for each kind of clients.
const BUFFERS: &str = "client-output-buffer-limit";
/// The classes of events about keys, a letter each.
const EVENTS: &str = "notify-keyspace-events";
/// What servers write for all classes at once, and which those are at least.
const ALL: char = 'A';
const ALL_CLASSES: &str = "g$lshzxe";
/// The classes that belong to all of them in some versions only.
const LATER_CLASSES: &str = "td";
/// How many words there are for one kind of clients: its name and three limits.
const WORDS_OF_A_KIND: usize = 4;

/// Whether what a server has of a setting is what it shall have.
#[must_use]
pub fn is_same(name: &str, wanted: &str, found: &str) -> bool {
    match name {
        BUFFERS => buffers(wanted) == buffers(found),
        EVENTS => events(wanted) == events(found),
        _ => words(wanted) == words(found),
    }
}

/// A setting as a server is told it: of several parts all, since those that it is not told stay as they are.
#[must_use]
pub fn told(name: &str, wanted: &str) -> String {
    if name != BUFFERS {
        return wanted.to_owned();
    }
    let kinds = buffers(wanted);
    let kinds = kinds
        .iter()
        .map(|(kind, limits)| format!("{kind} {}", limits.join(" ")));
    kinds.collect::<Vec<_>>().join(" ")
}

/// A number of bytes, as settings have it.
#[must_use]
pub fn bytes(text: &str) -> Option<i128> {
    amount(&text.to_ascii_lowercase())
}

/// The words of a setting: a number is told in bytes, and the rest in small letters.
fn words(text: &str) -> Vec<String> {
    text.split_whitespace().map(word).collect()
}

fn word(text: &str) -> String {
    let small = text.to_ascii_lowercase();
    amount(&small).map_or(small, |amount| amount.to_string())
}

/// A number, with a unit as servers read it.
fn amount(text: &str) -> Option<i128> {
    let digits = text.trim_end_matches(|letter: char| letter.is_ascii_alphabetic());
    let unit = match &text[digits.len()..] {
        "" | "b" => 1,
        "k" => 1_000,
        "kb" => 1 << 10,
        "m" => 1_000_000,
        "mb" => 1 << 20,
        "g" => 1_000_000_000,
        "gb" => 1 << 30,
        _ => return None,
    };
    digits.parse::<i128>().ok()?.checked_mul(unit)
}

/// The limits of each kind of clients; of one that is not named, what a server has anyway.
fn buffers(text: &str) -> BTreeMap<String, Vec<String>> {
    let otherwise = ONLINE.iter().find(|(key, _)| *key == BUFFERS);
    let otherwise = words(otherwise.map_or("", |(_, text)| text));
    let set = words(text);
    let kinds = otherwise
        .chunks(WORDS_OF_A_KIND)
        .chain(set.chunks(WORDS_OF_A_KIND));
    let limits = kinds.filter_map(|kind| {
        let (name, limits) = kind.split_first()?;
        // The older of two names for the same, which all versions know.
        let name = if name == "replica" { "slave" } else { name };
        Some((name.to_owned(), limits.to_vec()))
    });
    limits.collect()
}

/// The classes of events: those that are in all of them are left out where all are meant, since versions differ in them.
fn events(text: &str) -> BTreeSet<char> {
    let mut letters: BTreeSet<char> = text.chars().collect();
    let has_all = ALL_CLASSES.chars().all(|class| letters.contains(&class));
    if has_all || letters.contains(&ALL) {
        letters.retain(|letter| !ALL_CLASSES.contains(*letter) && !LATER_CLASSES.contains(*letter));
        letters.insert(ALL);
    }
    letters
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What was written, and what a server of some version tells of it.
    #[test]
    fn what_was_written_is_known_again() {
        for (name, wanted, found) in [
            ("maxmemory", "614mb", "643825664"),
            ("auto-aof-rewrite-min-size", "64mb", "67108864"),
            ("hll-sparse-max-bytes", "3k", "3000"),
            ("list-max-ziplist-size", "-2", "-2"),
            ("loglevel", "NOTICE", "notice"),
            ("save", "3600 1  300 100", "3600 1 300 100"),
            ("save", "", ""),
            ("notify-keyspace-events", "KEA", "AKE"),
            ("notify-keyspace-events", "Ex", "xE"),
            ("notify-keyspace-events", "g$lshzxetE", "AE"),
            (
                "client-output-buffer-limit",
                "replica 256mb 64mb 60",
                "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            ),
        ] {
            assert!(is_same(name, wanted, found), "{name}: {wanted}, {found}");
        }
    }

    #[test]
    fn what_is_another_value_is_told_apart() {
        for (name, wanted, found) in [
            ("maxmemory", "614mb", "614"),
            ("hz", "10", "100"),
            ("save", "3600 1", ""),
            ("notify-keyspace-events", "E", "xE"),
            ("notify-keyspace-events", "KEA", "g$lKE"),
            (
                "client-output-buffer-limit",
                "pubsub 64mb 8mb 60",
                "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
            ),
        ] {
            assert!(!is_same(name, wanted, found), "{name}: {wanted}, {found}");
        }
    }

    #[test]
    fn a_server_is_told_all_parts_of_a_setting() {
        assert_eq!(
            told("client-output-buffer-limit", "pubsub 64mb 8mb 60"),
            "normal 0 0 0 pubsub 67108864 8388608 60 slave 268435456 67108864 60"
        );
        assert_eq!(told("maxmemory", "614mb"), "614mb");
    }
}
