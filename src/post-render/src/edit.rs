//! Changes of a document as edits of its text, each at the place of a node.

use granit_parser::ScalarStyle;
use serde_json::{Map, Value};

use crate::document::{Content, Document, Id, Node};
use crate::scalar;

/// A part of a text and what comes in its place.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Edit {
    /// The first byte that goes; where nothing goes, the new text comes before it.
    pub(crate) start: usize,
    /// The byte after the last that goes.
    pub(crate) end: usize,
    /// The new text.
    pub(crate) text: String,
}

/// A node that cannot be changed where it stands. The document has to be written anew.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct OddLayout;

/// Applies edits, which must not overlap, to the part of a text that begins at `base`.
pub(crate) fn apply(text: &str, base: usize, edits: &mut [Edit], output: &mut String) {
    edits.sort_by_key(|edit| edit.start);
    let mut position = 0;
    for edit in edits.iter() {
        let (start, end) = (
            edit.start.saturating_sub(base),
            edit.end.saturating_sub(base),
        );
        output.push_str(text.get(position..start).unwrap_or_default());
        output.push_str(&edit.text);
        position = end.max(position);
    }
    output.push_str(text.get(position..).unwrap_or_default());
}

/// Collects the edits of one document.
pub(crate) struct Editor<'d, 't> {
    /// The text that the places of the document's nodes are in.
    text: &'t str,
    document: &'d Document<'t>,
    /// The edits so far.
    pub(crate) edits: Vec<Edit>,
}

impl<'d, 't> Editor<'d, 't> {
    /// Begins with no edits.
    pub(crate) fn new(text: &'t str, document: &'d Document<'t>) -> Self {
        Self {
            text,
            document,
            edits: Vec::new(),
        }
    }

    /// Brings a patch into a mapping: what is missing is added, scalars that differ are replaced, lists get more items at
    /// their head. What already has another form than the patch stays as it is: Kubernetes will refuse it.
    pub(crate) fn merge(&mut self, id: Id, patch: &Map<String, Value>) -> Result<(), OddLayout> {
        let mut missing = Vec::new();
        for (key, value) in patch {
            match self.document.get(id, key) {
                Some(child) => self.merge_value(child, value)?,
                None => missing.push((key.as_str(), value)),
            }
        }
        if missing.is_empty() {
            return Ok(());
        }
        self.insert_entries(id, &missing)
    }

    fn merge_value(&mut self, id: Id, value: &Value) -> Result<(), OddLayout> {
        let node = self.document.node(id).ok_or(OddLayout)?;
        match (value, &node.content) {
            (Value::Object(patch), Content::Mapping { .. }) => self.merge(id, patch),
            (Value::Array(items), Content::Sequence { .. }) => self.insert_items(id, items),
            (Value::Object(_) | Value::Array(_), _) if self.document.is_null(id) => {
                self.replace(node, flow(value))
            }
            (Value::String(text), Content::Scalar { .. }) => self.set_text(id, text),
            _ => Ok(()),
        }
    }

    /// Makes a scalar the given text.
    pub(crate) fn set_text(&mut self, id: Id, text: &str) -> Result<(), OddLayout> {
        let node = self.document.node(id).ok_or(OddLayout)?;
        if self.document.value(id) == Value::String(text.to_owned()) {
            return Ok(());
        }
        let plain = matches!(
            node.content,
            Content::Scalar {
                style: ScalarStyle::Plain,
                ..
            }
        );
        let written = if plain && is_plain_reference(text) {
            text.to_owned()
        } else {
            scalar::quoted(text)
        };
        self.replace(node, written)
    }

    /// Replaces a scalar that has a place of its own and keeps to its lines.
    fn replace(&mut self, node: &Node<'_>, text: String) -> Result<(), OddLayout> {
        let Content::Scalar { style, .. } = node.content else {
            return Err(OddLayout);
        };
        let block = matches!(style, ScalarStyle::Literal | ScalarStyle::Folded);
        let custom = node.tag.as_ref().is_some_and(|tag| !tag.makes_text);
        if node.start >= node.end || block || custom {
            return Err(OddLayout);
        }
        self.edits.push(Edit {
            start: node.start,
            end: node.end,
            text,
        });
        Ok(())
    }

    fn insert_entries(&mut self, id: Id, entries: &[(&str, &Value)]) -> Result<(), OddLayout> {
        let node = self.document.node(id).ok_or(OddLayout)?;
        match node.content {
            Content::Mapping { flow: true } => {
                let mut parts = Vec::new();
                for (key, value) in entries {
                    parts.push(format!("{}: {}", scalar::quoted(key), flow(value)));
                }
                self.insert_in_brackets(id, node, '{', &parts.join(", "))
            }
            Content::Mapping { flow: false } => {
                let first = self.document.children(id).next().ok_or(OddLayout)?;
                let key = self.document.node(first).ok_or(OddLayout)?;
                let (start, column) = self.line_start(key)?;
                let mut text = String::new();
                for (key, value) in entries {
                    entry(key, value, column, &mut text);
                }
                self.insert(start, &text);
                Ok(())
            }
            _ => Err(OddLayout),
        }
    }

    fn insert_items(&mut self, id: Id, items: &[Value]) -> Result<(), OddLayout> {
        if items.is_empty() {
            return Ok(());
        }
        let node = self.document.node(id).ok_or(OddLayout)?;
        match node.content {
            Content::Sequence { flow: true } => {
                let parts: Vec<String> = items.iter().map(flow).collect();
                self.insert_in_brackets(id, node, '[', &parts.join(", "))
            }
            Content::Sequence { flow: false } => {
                if !self.rest(node.start).starts_with('-') {
                    return Err(OddLayout);
                }
                let column = self.column(node.start)?;
                let mut text = String::new();
                for value in items {
                    item(value, column, &mut text);
                }
                self.insert(node.start, &text);
                Ok(())
            }
            _ => Err(OddLayout),
        }
    }

    /// Adds text behind an opening bracket.
    fn insert_in_brackets(
        &mut self,
        id: Id,
        node: &Node<'_>,
        bracket: char,
        text: &str,
    ) -> Result<(), OddLayout> {
        let rest = self
            .rest(node.start)
            .strip_prefix(bracket)
            .ok_or(OddLayout)?;
        let more = self.document.children(id).next().is_some();
        let separator = match (more, rest.starts_with(['}', ']'])) {
            (true, _) => ", ",
            (false, true) => "",
            (false, false) => " ",
        };
        let start = node.start + bracket.len_utf8();
        self.edits.push(Edit {
            start,
            end: start,
            text: format!("{text}{separator}"),
        });
        Ok(())
    }

    /// Adds lines before what begins at a place, whose own indentation the first of them takes over.
    fn insert(&mut self, start: usize, lines: &str) {
        let breaks = if self.text.contains("\r\n") {
            "\r\n"
        } else {
            "\n"
        };
        let column = self.column(start).unwrap_or_default();
        let indentation = " ".repeat(column);
        let mut text = String::new();
        for (number, line) in lines.lines().enumerate() {
            text.push_str(if number == 0 {
                line.trim_start_matches(' ')
            } else {
                line
            });
            text.push_str(breaks);
        }
        text.push_str(&indentation);
        self.edits.push(Edit {
            start,
            end: start,
            text,
        });
    }

    /// Where a key begins with its tag, and in which column. Before it stand only spaces and the dashes of lists.
    fn line_start(&self, key: &Node<'_>) -> Result<(usize, usize), OddLayout> {
        if key.anchor != 0 {
            return Err(OddLayout);
        }
        let start = key.tag.as_ref().map_or(key.start, |tag| tag.start);
        let column = self.column(start)?;
        Ok((start, column))
    }

    /// The column of a place, if only spaces and the dashes of lists stand before it.
    fn column(&self, start: usize) -> Result<usize, OddLayout> {
        let before = self.text.get(..start).ok_or(OddLayout)?;
        let line = before
            .rsplit(['\n', '\r', '\u{feff}'])
            .next()
            .unwrap_or_default();
        let dashes = line.bytes().all(|byte| byte == b' ' || byte == b'-');
        if !dashes || line.contains("--") {
            return Err(OddLayout);
        }
        Ok(line.len())
    }

    fn rest(&self, start: usize) -> &'t str {
        self.text.get(start..).unwrap_or_default()
    }
}

/// Whether a reference of an image, or another text, needs no quotes in a line of its own.
fn is_plain_reference(text: &str) -> bool {
    let Some((host, rest)) = text.split_once('/') else {
        return scalar::is_plain(text);
    };
    let letters = |part: &str| {
        part.bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"._/-:@".contains(&byte))
    };
    host.starts_with(|first: char| first.is_ascii_alphanumeric())
        && letters(host)
        && letters(rest)
        && rest.ends_with(|last: char| last.is_ascii_alphanumeric())
}

/// A value in brackets: JSON is YAML.
fn flow(value: &Value) -> String {
    match value {
        Value::String(text) => scalar::quoted(text),
        Value::Array(items) => {
            let parts: Vec<String> = items.iter().map(flow).collect();
            format!("[{}]", parts.join(", "))
        }
        Value::Object(entries) => {
            let parts: Vec<String> = entries
                .iter()
                .map(|(key, value)| format!("{}: {}", scalar::quoted(key), flow(value)))
                .collect();
            format!("{{{}}}", parts.join(", "))
        }
        other => other.to_string(),
    }
}

/// An entry of a mapping in lines of its own, each with its indentation.
fn entry(key: &str, value: &Value, indent: usize, output: &mut String) {
    indented(indent, output);
    output.push_str(&scalar::text(key));
    output.push(':');
    value_after(value, indent, output);
}

/// An item of a list in lines of its own, each with its indentation.
fn item(value: &Value, indent: usize, output: &mut String) {
    indented(indent, output);
    output.push('-');
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            let mut lines = String::new();
            for (key, value) in entries {
                entry(key, value, indent + 2, &mut lines);
            }
            output.push(' ');
            output.push_str(lines.trim_start_matches(' '));
        }
        other => value_after(other, indent, output),
    }
}

fn value_after(value: &Value, indent: usize, output: &mut String) {
    match value {
        Value::Object(entries) if !entries.is_empty() => {
            output.push('\n');
            for (key, value) in entries {
                entry(key, value, indent + 2, output);
            }
        }
        Value::Array(items) if !items.is_empty() => {
            output.push('\n');
            for value in items {
                item(value, indent + 2, output);
            }
        }
        other => {
            output.push(' ');
            match other {
                Value::String(text) => output.push_str(&scalar::text(text)),
                other => output.push_str(&flow(other)),
            }
            output.push('\n');
        }
    }
}

fn indented(indent: usize, output: &mut String) {
    output.extend(std::iter::repeat_n(' ', indent));
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Reader;
    use serde_json::json;

    fn merged(text: &str, patch: &Value) -> Result<String, OddLayout> {
        let document = Reader::new(text).next_document().unwrap().unwrap();
        let mut editor = Editor::new(text, &document);
        editor.merge(document.root().unwrap(), patch.as_object().unwrap())?;
        let mut output = String::new();
        apply(text, 0, &mut editor.edits, &mut output);
        Ok(output)
    }

    #[test]
    fn a_patch_changes_only_its_lines() {
        let text = "# head\nmetadata: # of it\n  name: x   # name\n  labels:\n    a: \"1\"\nspec:\n- - b: [c]\n";
        let patch =
            json!({"metadata": {"labels": {"a": "2", "on": "1e3"}, "annotations": {"x/y": "z"}}});
        insta::assert_snapshot!(merged(text, &patch).unwrap(), @r#"
        # head
        metadata: # of it
          annotations:
            x/y: z
          name: x   # name
          labels:
            "on": "1e3"
            a: "2"
        spec:
        - - b: [c]
        "#);
    }

    #[test]
    fn brackets_take_more_in_brackets() {
        let text = "{\"metadata\":{\"labels\":{},\"annotations\":null},\"list\":[1]}";
        let patch = json!({"metadata": {"labels": {"a": "b"}, "annotations": {"c": "d"}}, "list": [{"e": 2}]});
        insta::assert_snapshot!(merged(text, &patch).unwrap(), @r#"{"metadata":{"labels":{"a": "b"},"annotations":{"c": "d"}},"list":[{"e": 2}, 1]}"#);
    }

    #[test]
    fn lists_get_more_items_in_front() {
        let patch = json!({"list": [{"name": "x", "more": {"w": [true]}}, "z"]});
        let lines = "  - name: x\n    more:\n      w:\n        - true\n  - z\n";
        let shallow: Vec<&str> = lines.lines().map(|line| &line[2..]).collect();
        assert_eq!(
            merged("list:\n- a\n", &patch).unwrap(),
            format!("list:\n{}\n- a\n", shallow.join("\n"))
        );
        assert_eq!(
            merged("other: 1\n", &patch).unwrap(),
            format!("list:\n{lines}other: 1\n")
        );
    }

    #[test]
    fn lines_end_as_they_do_around_them() {
        let patch = json!({"a": "b"});
        assert_eq!(merged("c: d\r\n", &patch).unwrap(), "a: b\r\nc: d\r\n");
    }

    #[test]
    fn odd_layouts_are_left_to_be_written_anew() {
        let patch = json!({"a": {"b": "c"}});
        for text in [
            "&key x: y\n",
            "? x\n: y\n",
            "a:\nb: 1\n",
            "a: !!null null\n",
        ] {
            let result = merged(text, &patch);
            assert!(
                result == Err(OddLayout) || text.contains('!'),
                "{text} {result:?}"
            );
        }
    }
}
