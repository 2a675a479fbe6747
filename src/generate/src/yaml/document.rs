//! A YAML document as it stands in a text: values, and the place of each key and each value.

use midships_model::rules::Place;
use serde_json::{Map, Value};

/// A value, where it stands, and how it is written.
#[derive(Clone, Debug)]
pub(crate) struct Node {
    /// Where the value stands; of a block of lines, what stands in the first one.
    pub place: Place,
    /// The value itself.
    pub content: Content,
}

/// What a value is made of.
#[derive(Clone, Debug)]
pub(crate) enum Content {
    /// Text, a number, a boolean or nothing.
    Scalar(Scalar),
    /// Values one after another.
    List(Vec<Node>),
    /// Values by key, in the order of the text.
    Mapping(Vec<Entry>),
}

/// A value without others in it.
#[derive(Clone, Debug)]
pub(crate) struct Scalar {
    /// The text of it, without quotes.
    pub text: String,
    /// What Helm takes it for.
    pub value: Value,
    /// Whether it stands without quotes on its line, so that its form decides what it is.
    pub is_plain: bool,
}

/// A key with its value.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    /// The key as Helm sees it.
    pub key: String,
    /// The key as it is written.
    pub written: String,
    /// Where the key stands.
    pub place: Place,
    /// The value.
    pub node: Node,
}

/// A value that was looked for, with the entry that holds it unless it stands in a list.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Found<'a> {
    /// The entry of which it is the value.
    pub entry: Option<&'a Entry>,
    /// The value.
    pub node: &'a Node,
}

impl Node {
    /// The value as Helm reads it.
    pub(crate) fn value(&self) -> Value {
        match &self.content {
            Content::Scalar(scalar) => scalar.value.clone(),
            Content::List(nodes) => nodes.iter().map(Self::value).collect(),
            Content::Mapping(entries) => entries
                .iter()
                .map(|entry| (entry.key.clone(), entry.node.value()))
                .collect::<Map<_, _>>()
                .into(),
        }
    }

    /// How many values there are in it, itself among them.
    pub(crate) fn count(&self) -> usize {
        match &self.content {
            Content::Scalar(_) => 1,
            Content::List(nodes) => 1 + nodes.iter().map(Self::count).sum::<usize>(),
            Content::Mapping(entries) => {
                1 + entries
                    .iter()
                    .map(|entry| entry.node.count())
                    .sum::<usize>()
            }
        }
    }

    /// The scalar that it is.
    pub(crate) fn scalar(&self) -> Option<&Scalar> {
        match &self.content {
            Content::Scalar(scalar) => Some(scalar),
            _ => None,
        }
    }

    /// The entry of a key, if it is a mapping that has it.
    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        match &self.content {
            Content::Mapping(entries) => entries.iter().find(|entry| entry.key == key),
            _ => None,
        }
    }

    /// The value at some steps: keys, or numbers of entries of a list.
    pub(crate) fn at(&self, steps: &[String]) -> Option<Found<'_>> {
        let mut found = Found {
            entry: None,
            node: self,
        };
        for step in steps {
            found = match &found.node.content {
                Content::Mapping(_) => {
                    let entry = found.node.entry(step)?;
                    Found {
                        entry: Some(entry),
                        node: &entry.node,
                    }
                }
                Content::List(nodes) => Found {
                    entry: None,
                    node: nodes.get(step.parse::<usize>().ok()?)?,
                },
                Content::Scalar(_) => return None,
            };
        }
        Some(found)
    }

    /// The value at a path such as `a.b[0]`, in which keys may have dots of their own.
    pub(crate) fn at_path(&self, path: &str) -> Option<Found<'_>> {
        let found = Found {
            entry: None,
            node: self,
        };
        below(found, path)
    }
}

fn below<'a>(found: Found<'a>, path: &str) -> Option<Found<'a>> {
    if path.is_empty() {
        return Some(found);
    }
    match &found.node.content {
        Content::Mapping(entries) => {
            let path = path.strip_prefix('.').unwrap_or(path);
            entries.iter().find_map(|entry| {
                let rest = path.strip_prefix(entry.key.as_str())?;
                let ends = rest.is_empty() || rest.starts_with(['.', '[']);
                let found = Found {
                    entry: Some(entry),
                    node: &entry.node,
                };
                ends.then(|| below(found, rest)).flatten()
            })
        }
        Content::List(nodes) => {
            let (number, rest) = path.strip_prefix('[')?.split_once(']')?;
            let node = nodes.get(number.parse::<usize>().ok()?)?;
            below(Found { entry: None, node }, rest)
        }
        Content::Scalar(_) => None,
    }
}

/// The lines of a text: turns ranges of bytes into places.
pub(crate) struct Lines<'a> {
    text: &'a str,
    starts: Vec<usize>,
}

impl<'a> Lines<'a> {
    /// The lines of a text.
    pub(crate) fn new(text: &'a str) -> Self {
        let ends = text.match_indices('\n').map(|(index, _)| index + 1);
        Self {
            text,
            starts: std::iter::once(0).chain(ends).collect(),
        }
    }

    /// The place of a range of bytes.
    pub(crate) fn place(&self, start: usize, end: usize) -> Place {
        let end = end.max(start).min(self.text.len());
        let start = start.min(end);
        let (line, column) = self.position(start);
        let (end_line, end_column) = self.position(end);
        Place {
            start,
            end,
            line,
            column,
            end_line,
            end_column,
        }
    }

    /// The place from a byte to the end of its line, without the space and the comment there.
    pub(crate) fn rest_of_line(&self, start: usize) -> Place {
        let rest = self.text.get(start..).unwrap_or_default();
        let line = rest.lines().next().unwrap_or_default();
        let line = line.split(" #").next().unwrap_or_default();
        self.place(start, start + line.trim_end().len())
    }

    /// The place of the character at a byte, or of the end of the text.
    pub(crate) fn character(&self, start: usize) -> Place {
        let rest = self.text.get(start..).unwrap_or_default();
        let length = match rest.chars().next() {
            Some('\r' | '\n') | None => 0,
            Some(character) => character.len_utf8(),
        };
        self.place(start, start + length)
    }

    fn position(&self, byte: usize) -> (usize, usize) {
        let line = self.starts.partition_point(|start| *start <= byte);
        let start = self.starts[line - 1];
        let before = self.text.get(start..byte).unwrap_or_default();
        (line, before.chars().count() + 1)
    }
}
