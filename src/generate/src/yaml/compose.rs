//! Makes a document from a text, as Helm would, and says what Helm would not: keys that stand twice, documents that are left out.

use std::collections::BTreeMap;

use midships_model::rules::{Finding, Place, Related, Suggestion};
use serde_json::Value;
use serde_yaml::granit_parser::{
    Event, Parser, ScalarStyle, ScanError, Span, StructureStyle, options,
};

use super::document::{Content, Entry, Lines, Node, Scalar};
use super::resolve;

/// The most values of a document, those that aliases repeat included.
const MOST_VALUES: usize = 100_000;

/// A text as a document, with everything that is wrong with it as YAML.
pub(crate) struct Composed {
    /// The first document; nothing where the text is empty or cannot be read.
    pub root: Node,
    /// What is wrong.
    pub findings: Vec<Finding>,
    /// Whether the text could not be read to its end.
    pub is_broken: bool,
}

/// Reads a text that has no byte order mark.
pub(crate) fn compose(text: &str) -> Composed {
    let lines = Lines::new(text);
    let mut events = Vec::new();
    // Runs of comments are of any length, so they are not asked for.
    let parser = Parser::new_from_str_with_options(text, options! { emit_comments: false });
    for next in parser {
        match next {
            Ok(event) => events.push(event),
            Err(error) => {
                return Composed {
                    root: nothing(lines.place(0, 0)),
                    findings: vec![broken(text, &lines, &error)],
                    is_broken: true,
                };
            }
        }
    }
    let mut composer = Composer {
        text,
        lines: &lines,
        events: events.into_iter(),
        anchors: BTreeMap::new(),
        findings: Vec::new(),
        count: 0,
        is_broken: false,
    };
    let root = composer.documents();
    let root = root.unwrap_or_else(|| nothing(lines.place(0, 0)));
    Composed {
        root,
        findings: composer.findings,
        is_broken: composer.is_broken,
    }
}

struct Composer<'a> {
    text: &'a str,
    lines: &'a Lines<'a>,
    events: std::vec::IntoIter<(Event<'a>, Span)>,
    anchors: BTreeMap<usize, (Node, usize)>,
    findings: Vec<Finding>,
    count: usize,
    is_broken: bool,
}

impl Composer<'_> {
    fn documents(&mut self) -> Option<Node> {
        let mut first = None;
        let mut number = 0;
        while let Some((event, span)) = self.events.next() {
            if !matches!(event, Event::DocumentStart(..)) {
                continue;
            }
            number += 1;
            self.anchors.clear();
            let Some(node) = self.next_node("") else {
                continue;
            };
            if number == 1 {
                first = Some(node);
            } else if !node.value().is_null() {
                let place = self.lines.rest_of_line(bytes(&span).0);
                self.findings.push(Finding {
                    rule: "yaml-documents".to_owned(),
                    found: "another document".to_owned(),
                    allowed: "one document".to_owned(),
                    hint: "Helm 3 reads only the first document and Helm 4 merges them all: write one, or a file each"
                        .to_owned(),
                    place: Some(place),
                    ..Finding::default()
                });
            }
        }
        first
    }

    fn next_node(&mut self, path: &str) -> Option<Node> {
        let (event, span) = self.events.next()?;
        self.node(event, &span, path)
    }

    /// The value that begins with an event; none at the end of what is around it.
    fn node(&mut self, event: Event<'_>, span: &Span, path: &str) -> Option<Node> {
        self.count += 1;
        let (start, end) = bytes(span);
        let (node, anchor) = match event {
            Event::Scalar(text, style, anchor, tag) => {
                let tag = tag.map(|tag| tag.core_suffix().unwrap_or_default().to_owned());
                let place = self.scalar_place(start, end, style);
                let scalar = self.scalar(&text, style, tag.as_deref(), path, place);
                let content = Content::Scalar(scalar);
                (Node { place, content }, anchor)
            }
            Event::SequenceStart(style, anchor, _) => {
                let mut nodes = Vec::new();
                let end = loop {
                    let (event, span) = self.events.next()?;
                    if matches!(event, Event::SequenceEnd) {
                        break bytes(&span).1;
                    }
                    let path = format!("{path}[{}]", nodes.len());
                    nodes.push(self.node(event, &span, &path)?);
                };
                let place = self.collection_place(style, start, end);
                let content = Content::List(nodes);
                (Node { place, content }, anchor)
            }
            Event::MappingStart(style, anchor, _) => {
                let (entries, end) = self.entries(path)?;
                let place = self.collection_place(style, start, end);
                let content = Content::Mapping(entries);
                (Node { place, content }, anchor)
            }
            Event::Alias(anchor) => (self.alias(anchor, start, end, path), 0),
            _ => return None,
        };
        if anchor != 0 {
            let count = node.count();
            self.anchors.insert(anchor, (node.clone(), count));
        }
        Some(node)
    }

    fn alias(&mut self, anchor: usize, start: usize, end: usize, path: &str) -> Node {
        let place = self.lines.place(start, end);
        let (found, hint) = match self.anchors.get(&anchor) {
            Some((node, count)) if self.count + count <= MOST_VALUES => {
                self.count += count;
                return node.clone();
            }
            Some(_) => (
                "aliases that repeat more than a hundred thousand values",
                "write the values out",
            ),
            None => ("an alias inside of what it stands for", "remove the alias"),
        };
        self.is_broken = true;
        self.findings.push(Finding {
            path: path.to_owned(),
            rule: "yaml-syntax".to_owned(),
            found: found.to_owned(),
            allowed: "aliases of values that stand before them".to_owned(),
            hint: hint.to_owned(),
            place: Some(place),
            ..Finding::default()
        });
        nothing(place)
    }

    fn scalar_place(&self, start: usize, end: usize, style: ScalarStyle) -> Place {
        match style {
            ScalarStyle::Literal | ScalarStyle::Folded => self.lines.rest_of_line(start),
            _ => self.lines.place(start, end),
        }
    }

    fn collection_place(&self, style: StructureStyle, start: usize, end: usize) -> Place {
        match style {
            StructureStyle::Flow => self.lines.place(start, end),
            StructureStyle::Block => self.lines.rest_of_line(start),
        }
    }

    fn scalar(
        &mut self,
        text: &str,
        style: ScalarStyle,
        tag: Option<&str>,
        path: &str,
        place: Place,
    ) -> Scalar {
        let is_plain = style == ScalarStyle::Plain && tag.is_none();
        let is_resolved =
            is_plain || matches!(tag, Some("bool" | "float" | "int" | "null" | "timestamp"));
        let value = if is_resolved {
            resolve::plain(text)
        } else {
            Some(Value::String(text.to_owned()))
        };
        if value.is_none() {
            self.is_broken = true;
            self.findings.push(Finding {
                path: path.to_owned(),
                rule: "yaml-number".to_owned(),
                found: format!("{text}, a number that JSON does not have"),
                allowed: "finite numbers".to_owned(),
                hint: "write a number, or put it in quotes if it is text".to_owned(),
                place: Some(place),
                ..Finding::default()
            });
        }
        Scalar {
            text: text.to_owned(),
            value: value.unwrap_or_else(|| Value::String(text.to_owned())),
            is_plain,
        }
    }

    /// The entries of a mapping and the byte behind it.
    fn entries(&mut self, path: &str) -> Option<(Vec<Entry>, usize)> {
        let mut entries: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.events.next()?;
            if matches!(event, Event::MappingEnd) {
                return Some((entries, bytes(&span).1));
            }
            let key = self.node(event, &span, path)?;
            let is_merge = key
                .scalar()
                .is_some_and(|scalar| scalar.is_plain && scalar.text == "<<");
            if is_merge {
                let node = self.next_node(path)?;
                self.merge(&mut entries, node, path, key.place);
                continue;
            }
            let name = key_of(&key);
            let below = match &name {
                Some(name) if path.is_empty() => name.clone(),
                Some(name) => format!("{path}.{name}"),
                None => path.to_owned(),
            };
            let node = self.next_node(&below)?;
            let Some(name) = name else {
                self.no_key(path, key.place);
                continue;
            };
            let written = key.scalar().map(|scalar| scalar.text.clone());
            let entry = Entry {
                written: written.unwrap_or_default(),
                key: name,
                place: key.place,
                node,
            };
            if let Some(first) = entries.iter().find(|other| other.key == entry.key) {
                self.findings.push(twice(&below, first, &entry));
            }
            set(&mut entries, entry);
        }
    }

    /// Puts the entries of merged mappings where the merge key stands, as Helm does: what stands before them they replace.
    fn merge(&mut self, entries: &mut Vec<Entry>, node: Node, path: &str, place: Place) {
        let mappings = match node.content {
            Content::List(nodes) => nodes,
            _ => vec![node],
        };
        // Of several mappings, an earlier one wins.
        for mapping in mappings.into_iter().rev() {
            if let Content::Mapping(merged) = mapping.content {
                for entry in merged {
                    set(entries, entry);
                }
            } else {
                self.is_broken = true;
                self.findings.push(Finding {
                    path: path.to_owned(),
                    rule: "yaml-syntax".to_owned(),
                    found: "a merge key `<<` without a mapping".to_owned(),
                    allowed: "a mapping or a list of mappings".to_owned(),
                    hint: "give an alias of a mapping, or put the key in quotes".to_owned(),
                    place: Some(place),
                    ..Finding::default()
                });
            }
        }
    }

    fn no_key(&mut self, path: &str, place: Place) {
        self.is_broken = true;
        let found = self.text.get(place.start..place.end).unwrap_or_default();
        let found = match found {
            "" => "an empty key".to_owned(),
            other => format!("the key `{other}`"),
        };
        self.findings.push(Finding {
            path: path.to_owned(),
            rule: "yaml-key".to_owned(),
            found,
            allowed: "names as keys".to_owned(),
            hint: "put the key in quotes if it is meant; `{{` of a template has no place in values"
                .to_owned(),
            place: Some(place),
            ..Finding::default()
        });
    }
}

fn set(entries: &mut Vec<Entry>, entry: Entry) {
    match entries.iter_mut().find(|other| other.key == entry.key) {
        Some(other) => *other = entry,
        None => entries.push(entry),
    }
}

/// The key that Helm makes of a value: other scalars become text.
fn key_of(node: &Node) -> Option<String> {
    match &node.scalar()?.value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(truth) => Some(truth.to_string()),
        Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}

fn nothing(place: Place) -> Node {
    Node {
        place,
        content: Content::Scalar(Scalar {
            text: String::new(),
            value: Value::Null,
            is_plain: true,
        }),
    }
}

fn twice(path: &str, first: &Entry, second: &Entry) -> Finding {
    let found = if first.written == second.written {
        format!("the key `{}` again", second.written)
    } else {
        format!(
            "the key `{}`, which is `{}` to Helm, as `{}` is",
            second.written, second.key, first.written
        )
    };
    Finding {
        path: path.to_owned(),
        rule: "yaml-duplicate-key".to_owned(),
        found,
        allowed: "each key once".to_owned(),
        hint: "keep one of them: Helm takes the last and says nothing".to_owned(),
        place: Some(second.place),
        related: vec![Related {
            path: path.to_owned(),
            place: Some(first.place),
            label: "first here".to_owned(),
        }],
        ..Finding::default()
    }
}

fn bytes(span: &Span) -> (usize, usize) {
    let start = span.start.byte_offset().unwrap_or_default();
    (start, span.end.byte_offset().unwrap_or(start))
}

/// What stopped the parser, in words.
fn broken(text: &str, lines: &Lines<'_>, error: &ScanError) -> Finding {
    let at = error.marker().byte_offset().unwrap_or(text.len());
    let place = lines.character(at);
    let tabs = tabs(text, lines);
    let is_near = |tab: &Place| tab.line == place.line || tab.line + 1 == place.line;
    if let Some((first, others)) = tabs.split_first()
        && tabs.iter().any(is_near)
    {
        return Finding {
            rule: "yaml-tab".to_owned(),
            found: "a tab before the first word of a line".to_owned(),
            allowed: "spaces".to_owned(),
            hint: "YAML takes no tabs there: indent with spaces only".to_owned(),
            place: Some(*first),
            related: others
                .iter()
                .map(|place| Related {
                    path: String::new(),
                    place: Some(*place),
                    label: "another tab".to_owned(),
                })
                .collect(),
            suggestion: Some(Suggestion {
                place: *first,
                text: "  ".repeat(first.end - first.start),
            }),
            ..Finding::default()
        };
    }
    let rest = text.get(at..).unwrap_or_default();
    let hint = if rest.starts_with(['@', '`', '%', '*', '&']) {
        "put the value in quotes if it is text"
    } else {
        "look at the indentation, quotes and brackets here and in the line before"
    };
    Finding {
        rule: "yaml-syntax".to_owned(),
        found: format!("text that is not YAML: {}", error.info()),
        allowed: "YAML".to_owned(),
        hint: hint.to_owned(),
        place: Some(place),
        ..Finding::default()
    }
}

/// The tabs in the indentation of lines that hold more than space.
fn tabs(text: &str, lines: &Lines<'_>) -> Vec<Place> {
    let mut start = 0;
    let mut places = Vec::new();
    for line in text.split_inclusive('\n') {
        let rest = line.trim_start_matches([' ', '\t']);
        let indentation = &line[..line.len() - rest.len()];
        if let Some(first) = indentation.find('\t')
            && !rest.trim().is_empty()
            && !rest.starts_with('#')
        {
            let tabs = indentation[first..]
                .bytes()
                .take_while(|byte| *byte == b'\t');
            places.push(lines.place(start + first, start + first + tabs.count()));
        }
        start += line.len();
    }
    places
}
