//! Paths of fields in objects: what stands there, and how the place is named.

use crate::document::{Document, Id};
use crate::object::Object;
use crate::scalar;

/// One part of a path.
#[derive(Clone, Debug, Eq, PartialEq)]
enum Part {
    Name(String),
    Item(usize),
    EveryItem,
}

/// Where a path begins.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Start {
    Object,
    Pod,
    Container,
}

/// A path that has been read.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Field {
    start: Start,
    parts: Vec<Part>,
}

/// A place that a path leads to.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Found {
    /// The path without stars.
    pub(crate) path: String,
    /// What stands there; nothing if the field is not there or has no value.
    pub(crate) value: Option<Id>,
}

impl Field {
    /// Reads a path; nothing if it is none.
    pub(crate) fn read(text: &str) -> Option<Self> {
        let mut parts = Vec::new();
        let mut rest = text;
        while !rest.is_empty() {
            let (part, after) = if let Some(inner) = rest.strip_prefix('[') {
                bracketed(inner)?
            } else {
                let rest = match rest.strip_prefix('.') {
                    Some(rest) if !parts.is_empty() => rest,
                    None if parts.is_empty() => rest,
                    _ => return None,
                };
                let end = rest.find(['.', '[']).unwrap_or(rest.len());
                let (name, after) = rest.split_at_checked(end)?;
                let good = |letter: u8| letter.is_ascii_alphanumeric() || b"-_/$".contains(&letter);
                if name.is_empty() || !name.bytes().all(good) {
                    return None;
                }
                (Part::Name(name.to_owned()), after)
            };
            parts.push(part);
            rest = after;
        }
        let start = match parts.first()? {
            Part::Name(name) if name == "pod" => Start::Pod,
            Part::Name(name) if name == "container" => Start::Container,
            _ => Start::Object,
        };
        if start != Start::Object {
            parts.remove(0);
        }
        Some(Self { start, parts })
    }

    /// Every place of an object that the path leads to. An object without pods has none for paths that begin in them.
    pub(crate) fn find(&self, document: &Document<'_>, object: &Object) -> Vec<Found> {
        let starts = match self.start {
            Start::Object => vec![(String::new(), object.id)],
            Start::Pod => object
                .pod(document)
                .into_iter()
                .map(|pod| (pod.path, pod.id))
                .collect(),
            Start::Container => object
                .containers(document)
                .into_iter()
                .map(|container| (container.path, container.id))
                .collect(),
        };
        let mut found = Vec::new();
        for (path, id) in starts {
            follow(document, path, Some(id), &self.parts, &mut found);
        }
        found
    }
}

fn bracketed(inner: &str) -> Option<(Part, &str)> {
    if let Some(quoted) = inner.strip_prefix('"') {
        let (name, after) = quoted.split_once("\"]")?;
        return (!name.is_empty()).then(|| (Part::Name(name.to_owned()), after));
    }
    let (index, after) = inner.split_once(']')?;
    let part = match index {
        "*" => Part::EveryItem,
        number => Part::Item(number.parse().ok()?),
    };
    Some((part, after))
}

fn follow(
    document: &Document<'_>,
    path: String,
    id: Option<Id>,
    parts: &[Part],
    found: &mut Vec<Found>,
) {
    let id = id.filter(|&id| !document.is_null(id));
    let Some((part, rest)) = parts.split_first() else {
        found.push(Found { path, value: id });
        return;
    };
    match part {
        Part::Name(name) => {
            let child = id.and_then(|id| document.get(id, name));
            follow(document, joined(&path, name), child, rest, found);
        }
        Part::Item(number) => {
            let child = id.and_then(|id| document.items(id).nth(*number));
            follow(document, format!("{path}[{number}]"), child, rest, found);
        }
        // Without items there is no place at which one could be missing.
        Part::EveryItem => {
            for (number, item) in id.into_iter().flat_map(|id| document.items(id)).enumerate() {
                follow(
                    document,
                    format!("{path}[{number}]"),
                    Some(item),
                    rest,
                    found,
                );
            }
        }
    }
}

/// A path with one name more.
pub(crate) fn joined(path: &str, name: &str) -> String {
    if !scalar::is_plain(name) || name.contains('.') {
        format!("{path}[\"{name}\"]")
    } else if path.is_empty() {
        name.to_owned()
    } else {
        format!("{path}.{name}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_are_read_or_refused() {
        for good in [
            "spec",
            "spec.ports[*].nodePort",
            "metadata.annotations[\"a.b/c\"]",
            "pod.volumes[0].hostPath",
            "container",
            "pod",
            "[\"a\"]",
        ] {
            assert!(Field::read(good).is_some(), "{good}");
        }
        for bad in [
            "", ".", "a.", "a..b", ".a", "a[", "a[x]", "a[\"\"]", "a[-1]", "a b", "a]",
        ] {
            assert!(Field::read(bad).is_none(), "{bad}");
        }
    }
}
