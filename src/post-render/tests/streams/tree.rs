//! Documents as values that keep how each scalar is meant, and random documents.
//!
//! A scalar becomes a string: `'` and its text if it is text, `=` and how it is written if its meaning is open, else its tag and
//! its text. Aliases and keys `<<` are written out.

use std::collections::BTreeMap;
use std::fmt::Write;

use granit_parser::{Event, Parser, ScalarStyle};
use serde_json::{Map, Value};

/// Reads all documents of a stream.
pub fn read(text: &str) -> Result<Vec<Value>, String> {
    let options =
        granit_parser::options! { emit_comments: false, block_scalar_eof_without_line_feed: true };
    let mut events = Vec::new();
    for event in Parser::new_from_str_with_options(text, options) {
        events.push(event.map_err(|error| format!("{error}"))?.0);
    }
    let mut documents = Vec::new();
    let mut events = events.into_iter();
    while let Some(event) = events.next() {
        if matches!(event, Event::DocumentStart(..)) {
            let first = events.next().ok_or("an open document")?;
            documents.push(node(first, &mut events, &mut BTreeMap::new())?);
        }
    }
    Ok(documents)
}

type Anchors = BTreeMap<usize, Value>;

fn node<'a>(
    event: Event<'a>,
    events: &mut impl Iterator<Item = Event<'a>>,
    anchors: &mut Anchors,
) -> Result<Value, String> {
    let (value, anchor) = match event {
        Event::Alias(anchor) => {
            return anchors
                .get(&anchor)
                .cloned()
                .ok_or_else(|| "an alias of itself".to_owned());
        }
        Event::Scalar(text, style, anchor, tag) => {
            let value = match tag {
                Some(tag) => format!("{}{} {text}", tag.handle(), tag.suffix()),
                None if style == ScalarStyle::Plain && !is_text(&text) => format!("={text}"),
                None => format!("'{text}"),
            };
            (Value::String(value), anchor)
        }
        Event::SequenceStart(_, anchor, _) => {
            let mut items = Vec::new();
            loop {
                match events.next().ok_or("an open list")? {
                    Event::SequenceEnd => break,
                    event => items.push(node(event, events, anchors)?),
                }
            }
            (Value::Array(items), anchor)
        }
        Event::MappingStart(_, anchor, _) => {
            let mut entries = Map::new();
            let mut merged = Vec::new();
            loop {
                let key = match events.next().ok_or("an open mapping")? {
                    Event::MappingEnd => break,
                    event => node(event, events, anchors)?,
                };
                let value = events.next().ok_or("a key without value")?;
                let value = node(value, events, anchors)?;
                match key {
                    Value::String(key) if key == "=<<" => merged.push(value),
                    Value::String(key) => {
                        // Keys are text however they are written; the first letter only says how.
                        let key = key.strip_prefix(['=', '\'']).map_or_else(
                            || key.split_once(' ').map_or("", |(_, key)| key).to_owned(),
                            ToOwned::to_owned,
                        );
                        entries.insert(key, value);
                    }
                    _ => return Err("a key that is no text".to_owned()),
                }
            }
            for value in merged {
                let sources = match value {
                    Value::Array(items) => items,
                    other => vec![other],
                };
                for source in sources {
                    for (key, value) in source.as_object().ok_or("a merge of no mapping")? {
                        if !entries.contains_key(key) {
                            entries.insert(key.clone(), value.clone());
                        }
                    }
                }
            }
            (Value::Object(entries), anchor)
        }
        other => return Err(format!("unexpected: {other:?}")),
    };
    if anchor != 0 {
        anchors.insert(anchor, value.clone());
    }
    Ok(value)
}

/// Whether a scalar without quotes is text in every version of YAML.
fn is_text(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&word.as_str())
}

/// Bytes that mean something in YAML.
const MARKS: &[u8] = b" \n\t\r:-#'\"[]{}&*!|>%@,?~";

/// Numbers that look random and are the same for the same seed.
pub struct Random(u64);

impl Random {
    /// Begins with a seed.
    pub fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1)
    }

    /// A number below another one.
    pub fn below(&mut self, end: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 33).unwrap() % end
    }

    fn one_in(&mut self, count: usize) -> bool {
        self.below(count) == 0
    }

    fn of<'a>(&mut self, words: &[&'a str]) -> &'a str {
        words[self.below(words.len())]
    }

    /// A text with some bytes changed, removed, doubled or moved.
    pub fn damaged(&mut self, text: &str) -> Vec<u8> {
        let mut bytes = text.as_bytes().to_vec();
        for _ in 0..=self.below(4) {
            let place = self.below(bytes.len());
            let length = (1 + self.below(12)).min(bytes.len() - place);
            match self.below(4) {
                0 => bytes[place] = MARKS[self.below(MARKS.len())],
                1 => drop(bytes.drain(place..place + length)),
                2 => {
                    let part = bytes[place..place + length].to_vec();
                    let target = self.below(bytes.len());
                    bytes.splice(target..target, part);
                }
                _ => bytes.insert(place, MARKS[self.below(MARKS.len())]),
            }
            if bytes.is_empty() {
                bytes.push(b'x');
            }
        }
        bytes
    }
}

const SCALARS: [&str; 30] = [
    "on",
    "off",
    "y",
    "0777",
    "0o7",
    "1e3",
    "12:30",
    "~",
    "null",
    "text",
    "a b",
    "a: b",
    "- a",
    "#",
    "x #y",
    "'",
    "\"",
    "\\",
    "é",
    "😀",
    "{",
    "[a",
    "*",
    "&a",
    "!b",
    "|",
    "%",
    "@",
    "two\nlines\n",
    "  spaces  ",
];

/// A document of some kind in some layout.
pub fn random_document(random: &mut Random) -> String {
    let kind = random.of(&[
        "ConfigMap",
        "Pod",
        "Deployment",
        "CronJob",
        "Widget",
        "PersistentVolumeClaim",
    ]);
    let version = match kind {
        "Deployment" => "apps/v1",
        "CronJob" => "batch/v1",
        "Widget" => "example.org/v1",
        _ => "v1",
    };
    let text = |text: &str| Value::String(text.to_owned());
    let mut metadata = Map::new();
    metadata.insert("name".to_owned(), text("a"));
    for key in ["labels", "annotations"] {
        match random.below(5) {
            0 => {}
            1 => drop(metadata.insert(key.to_owned(), Value::Null)),
            2 => drop(metadata.insert(key.to_owned(), Value::Object(Map::new()))),
            _ => drop(metadata.insert(key.to_owned(), entries(random, 0))),
        }
    }
    let mut pod = Map::new();
    let containers: Vec<Value> = (0..random.below(4))
        .map(|_| {
            let mut container = entries(random, 1).as_object().cloned().unwrap();
            let image = random.of(&[
                "nginx",
                "nginx:1.27",
                "busybox",
                "a/b",
                "quay.io/a/b:1",
                "registry:5000/x",
                "mirror.example.org/hub/a",
            ]);
            container.insert("image".to_owned(), text(image));
            container.into()
        })
        .collect();
    pod.insert("containers".to_owned(), containers.into());
    for key in ["imagePullSecrets", "tolerations", "nodeSelector"] {
        match random.below(4) {
            0 => drop(pod.insert(key.to_owned(), Value::Null)),
            1 if key == "nodeSelector" => drop(pod.insert(key.to_owned(), entries(random, 0))),
            1 => drop(pod.insert(key.to_owned(), Value::Array(vec![entries(random, 1)]))),
            _ => {}
        }
    }
    let mut spec: Value = pod.into();
    let mut around = |key: &str, inner: Value| {
        let mut outer = entries(random, 1).as_object().cloned().unwrap();
        outer.insert(key.to_owned(), inner);
        Value::Object(outer)
    };
    if matches!(kind, "Deployment" | "CronJob") {
        let template = around("spec", spec);
        spec = around("template", template);
    }
    if kind == "CronJob" {
        let job = around("spec", spec);
        spec = around("jobTemplate", job);
    }
    let mut object = Map::new();
    object.insert("apiVersion".to_owned(), text(version));
    object.insert("kind".to_owned(), text(kind));
    object.insert("metadata".to_owned(), metadata.into());
    object.insert("spec".to_owned(), spec);
    object.insert("more".to_owned(), any(random, 3));
    let mut output = "---\n# Source: random/templates/a.yaml\n".to_owned();
    if random.one_in(6) {
        write_flow(random, &object.into(), &mut output);
        output.push('\n');
    } else {
        write_block(random, &object.into(), 0, &mut output);
    }
    output
}

fn entries(random: &mut Random, depth: usize) -> Value {
    let names = [
        "a",
        "on",
        "1e3",
        "x.y/z",
        "é",
        "example.org/team",
        "key with spaces",
    ];
    let mut entries = Map::new();
    for _ in 0..=random.below(3) {
        let value = if depth == 0 {
            Value::String(random.of(&SCALARS).to_owned())
        } else {
            any(random, depth)
        };
        entries.insert(random.of(&names).to_owned(), value);
    }
    entries.into()
}

fn any(random: &mut Random, depth: usize) -> Value {
    match random.below(if depth == 0 { 3 } else { 5 }) {
        0 => Value::Null,
        1 | 2 => Value::String(random.of(&SCALARS).to_owned()),
        3 => (0..random.below(3))
            .map(|_| any(random, depth - 1))
            .collect(),
        _ => entries(random, depth - 1),
    }
}

fn comment(random: &mut Random, output: &mut String) {
    if random.one_in(5) {
        output.push_str(" # on: [a, {b");
    }
    output.push('\n');
}

/// Writes a scalar of one line, or begins a block.
fn write_scalar(random: &mut Random, text: &str, flow: bool, output: &mut String) {
    let plain = is_text(text)
        && text
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"./-:".contains(&byte))
        && !text.ends_with(':');
    let open = ["on", "off", "y", "0777", "0o7", "1e3", "12:30", "~", "null"].contains(&text);
    if (plain && !(flow && text.contains(':')) || open && !random.one_in(3)) && !random.one_in(3) {
        output.push_str(text);
    } else if text.contains(['\n', '\\']) || random.one_in(2) {
        let _infallible = write!(output, "{}", Value::String(text.to_owned()));
    } else {
        let _infallible = write!(output, "'{}'", text.replace('\'', "''"));
    }
}

fn write_flow(random: &mut Random, value: &Value, output: &mut String) {
    let space = if random.one_in(2) { " " } else { "" };
    match value {
        Value::Object(entries) => {
            output.push('{');
            for (number, (key, value)) in entries.iter().enumerate() {
                output.push_str(if number == 0 { space } else { ", " });
                write_scalar(random, key, true, output);
                output.push_str(": ");
                write_flow(random, value, output);
            }
            output.push_str(space);
            output.push('}');
        }
        Value::Array(items) => {
            output.push('[');
            for (number, value) in items.iter().enumerate() {
                output.push_str(if number == 0 { space } else { ", " });
                write_flow(random, value, output);
            }
            output.push_str(space);
            output.push(']');
        }
        Value::String(text) => write_scalar(random, text, true, output),
        _ => output.push_str(if random.one_in(2) { "null" } else { "~" }),
    }
}

/// Writes a value in lines that begin at an indentation.
fn write_block(random: &mut Random, value: &Value, indent: usize, output: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            for (number, (key, value)) in entries.iter().enumerate() {
                if number > 0 || !output.ends_with("- ") {
                    let _infallible = write!(output, "{:indent$}", "");
                }
                write_scalar(random, key, false, output);
                output.push(':');
                write_value(random, value, indent, output);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            for item in items {
                let _infallible = write!(output, "{:indent$}-", "");
                match item {
                    Value::Object(entries) if !entries.is_empty() && random.one_in(2) => {
                        output.push(' ');
                        write_block(random, item, indent + 2, output);
                    }
                    other => write_value(random, other, indent, output),
                }
            }
        }
        other => write_value(random, other, indent, output),
    }
}

/// Writes a value after its key or dash.
fn write_value(random: &mut Random, value: &Value, indent: usize, output: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() && !random.one_in(5) => {
            comment(random, output);
            let deeper = indent + 1 + random.below(4);
            write_block(random, value, deeper, output);
        }
        Value::Array(items) if !items.is_empty() && !random.one_in(5) => {
            comment(random, output);
            let deeper = indent + 1 + random.below(3);
            write_block(random, value, deeper, output);
        }
        Value::Object(_) | Value::Array(_) => {
            output.push(' ');
            write_flow(random, value, output);
            comment(random, output);
        }
        Value::String(text) if text == "two\nlines\n" && random.one_in(2) => {
            let deeper = indent + 2;
            let _infallible = write!(output, " |\n{:deeper$}two\n{:deeper$}lines\n", "", "");
        }
        Value::String(text) => {
            output.push(' ');
            write_scalar(random, text, false, output);
            comment(random, output);
        }
        _ => {
            output.push_str(random.of(&["", " ~", " null"]));
            comment(random, output);
        }
    }
}
