//! Writes a document anew with the same meaning: in lines, without aliases and keys `<<`, without comments.

use std::cell::Cell;
use std::collections::BTreeSet;

use granit_parser::ScalarStyle;
use snafu::{OptionExt, Snafu, ensure};

use crate::document::{Content, Document, Id, MOST_LEVELS, Node};
use crate::scalar;

/// How long a document may become when its aliases are written out. Kubernetes takes objects of less than a tenth of it.
const MOST_BYTES: usize = 16 * 1024 * 1024;
/// How many nodes may be visited for it: aliases of aliases multiply.
const MOST_WORK: usize = 4_000_000;
/// The key that takes over the entries of other mappings.
const MERGE: &str = "<<";

/// Why a document cannot be written anew.
#[derive(Debug, Snafu)]
pub(crate) enum Error {
    /// Kubernetes has only keys that are text.
    #[snafu(display("a key that is a list or a mapping; keys of Kubernetes objects are text"))]
    Key,
    /// An alias of something around it, or one of many that multiply.
    #[snafu(display("aliases that lead nowhere, to themselves, or to more than 16 MiB of text"))]
    Alias,
    /// The key `<<` with something else than mappings.
    #[snafu(display("a key `<<` whose value is no mapping and no list of mappings"))]
    Merge,
}

/// Writes the document, without a line break at its end.
pub(crate) fn write(document: &Document<'_>) -> Result<String, Error> {
    let mut writer = Writer {
        document,
        text: String::new(),
        work: Cell::new(MOST_WORK),
    };
    if let Some(root) = document.root() {
        let tag = writer.tag(root)?;
        writer.text.push_str(&tag);
        let separator = if tag.is_empty() { "" } else { " " };
        writer.value(root, 0, 0, Place::Root, separator)?;
    }
    Ok(writer.text)
}

/// Where a value stands.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Place {
    Root,
    Entry,
    Item,
}

struct Writer<'d, 't> {
    document: &'d Document<'t>,
    text: String,
    work: Cell<usize>,
}

impl<'d, 't> Writer<'d, 't> {
    /// The node that is meant: where an alias leads to.
    fn resolved(&self, mut id: Id) -> Result<(Id, &'d Node<'t>), Error> {
        for _ in 0..MOST_LEVELS {
            let node = self.document.node(id).context(AliasSnafu)?;
            match node.content {
                Content::Alias(anchor) => {
                    id = self.document.anchored(anchor).context(AliasSnafu)?;
                }
                _ => return Ok((id, node)),
            }
        }
        AliasSnafu.fail()
    }

    /// Counts a visit of a node at a level.
    fn visit(&self, level: usize) -> Result<(), Error> {
        let left = self.work.get().checked_sub(1).context(AliasSnafu)?;
        self.work.set(left);
        ensure!(
            level < MOST_LEVELS && self.text.len() < MOST_BYTES,
            AliasSnafu
        );
        Ok(())
    }

    fn tag(&self, id: Id) -> Result<String, Error> {
        let (_, node) = self.resolved(id)?;
        Ok(node
            .tag
            .as_ref()
            .map_or_else(String::new, |tag| tag.written.to_owned()))
    }

    fn line(&mut self, indent: usize) {
        if !self.text.is_empty() {
            self.text.push('\n');
            self.text.extend(std::iter::repeat_n(' ', indent));
        }
    }

    /// Writes a value after what it belongs to: its key, its dash, its tag.
    fn value(
        &mut self,
        id: Id,
        indent: usize,
        level: usize,
        place: Place,
        separator: &str,
    ) -> Result<(), Error> {
        self.visit(level)?;
        let document = self.document;
        let (id, node) = self.resolved(id)?;
        match &node.content {
            Content::Scalar { text, style } => {
                let written = scalar_text(text, *style, node.tag.is_some());
                self.text.push_str(separator);
                self.text.push_str(&written);
            }
            Content::Sequence { .. } => {
                if document.items(id).next().is_none() {
                    self.text.push_str(separator);
                    self.text.push_str("[]");
                }
                for item in document.items(id) {
                    self.line(indent);
                    self.text.push('-');
                    let tag = self.tag(item)?;
                    if !tag.is_empty() {
                        self.text.push(' ');
                        self.text.push_str(&tag);
                    }
                    self.value(item, indent + 2, level + 1, Place::Item, " ")?;
                }
            }
            Content::Mapping { .. } => {
                let entries = self.entries(id, level)?;
                if entries.is_empty() {
                    self.text.push_str(separator);
                    self.text.push_str("{}");
                }
                let mut compact = place == Place::Item && node.tag.is_none();
                for (key, value) in entries {
                    if compact {
                        self.text.push_str(separator);
                        compact = false;
                    } else {
                        self.line(indent);
                    }
                    self.key(key)?;
                    self.text.push(':');
                    let tag = self.tag(value)?;
                    if !tag.is_empty() {
                        self.text.push(' ');
                        self.text.push_str(&tag);
                    }
                    self.value(value, indent + 2, level + 1, Place::Entry, " ")?;
                }
            }
            Content::Alias(_) => return AliasSnafu.fail(),
        }
        Ok(())
    }

    fn key(&mut self, key: Id) -> Result<(), Error> {
        let (_, node) = self.resolved(key)?;
        let Content::Scalar { text, style } = &node.content else {
            return KeySnafu.fail();
        };
        let makes_text = node.tag.as_ref().is_some_and(|tag| tag.makes_text);
        let written = match &node.tag {
            Some(_) if makes_text => scalar::quoted(text),
            Some(tag) => format!("{} {}", tag.written, scalar_text(text, *style, true)),
            None => scalar_text(text, *style, false),
        };
        self.text.push_str(&written);
        Ok(())
    }

    /// The entries of a mapping with those that `<<` takes over: own ones win, then the mapping that is named first.
    fn entries(&self, id: Id, level: usize) -> Result<Vec<(Id, Id)>, Error> {
        self.visit(level)?;
        let mut entries: Vec<(Id, Id)> = Vec::new();
        let mut taken = Vec::new();
        for (key, value) in self.document.entries(id) {
            let open = self.document.node(key).is_some_and(Node::is_open);
            if open && self.document.text(key) == Some(MERGE) {
                taken.push(value);
            } else {
                entries.push((key, value));
            }
        }
        if taken.is_empty() {
            return Ok(entries);
        }
        let mut names = BTreeSet::new();
        for &(key, _) in &entries {
            names.insert(self.name(key)?);
        }
        for value in taken {
            let (value, node) = self.resolved(value)?;
            let sources = match node.content {
                Content::Mapping { .. } => vec![value],
                Content::Sequence { .. } => self.document.items(value).collect(),
                _ => return MergeSnafu.fail(),
            };
            for source in sources {
                let (source, node) = self.resolved(source)?;
                ensure!(matches!(node.content, Content::Mapping { .. }), MergeSnafu);
                for (key, value) in self.entries(source, level + 1)? {
                    self.visit(level)?;
                    if names.insert(self.name(key)?) {
                        entries.push((key, value));
                    }
                }
            }
        }
        Ok(entries)
    }

    fn name(&self, key: Id) -> Result<&'d str, Error> {
        let (_, node) = self.resolved(key)?;
        match &node.content {
            Content::Scalar { text, .. } => Ok(text),
            _ => KeySnafu.fail(),
        }
    }
}

/// A scalar on one line that means the same.
fn scalar_text(text: &str, style: ScalarStyle, tagged: bool) -> String {
    match style {
        ScalarStyle::Plain if text.is_empty() && tagged => "\"\"".to_owned(),
        ScalarStyle::Plain if text.is_empty() => "null".to_owned(),
        ScalarStyle::Plain if !text.contains(['\n', '\r']) => text.to_owned(),
        _ => scalar::quoted(text),
    }
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use crate::document::Reader;

    fn anew(text: &str) -> Result<String, String> {
        let document = Reader::new(text).next_document().unwrap().unwrap();
        write(&document).map_err(|error| error.to_string())
    }

    #[test]
    fn a_document_keeps_its_meaning() {
        let text = "\
# a comment
base: &base {on: off, time: 12:30, octal: 0o7, \"quoted\": 'yes', tagged: !!str 1e3}
'merged':
  <<: [*base, {on: lost, more: 0777}]
  time: own
list: [[a, {b: c}], [], {}, *base]
? explicit
: |
  two
  lines
folded: >-
  one
  line
empty:
nothing: !!str
key: !custom
  x: 1
items:
- !seq
  - a
-
  - b: 1
    c: 2
";
        insta::assert_snapshot!(anew(text).unwrap(), @r#"
        base:
          on: off
          time: 12:30
          octal: 0o7
          "quoted": "yes"
          tagged: !!str 1e3
        "merged":
          time: own
          on: off
          octal: 0o7
          "quoted": "yes"
          tagged: !!str 1e3
          more: 0777
        list:
          -
            - a
            - b: c
          - []
          - {}
          - on: off
            time: 12:30
            octal: 0o7
            "quoted": "yes"
            tagged: !!str 1e3
        explicit: "two\nlines\n"
        folded: "one line"
        empty: ~
        nothing: !!str ""
        key: !custom
          x: 1
        items:
          - !seq
            - a
          -
            - b: 1
              c: 2
        "#);
    }

    #[test]
    fn what_has_no_end_is_refused() {
        assert!(anew("a: &a [*a]\n").is_err());
        assert!(anew("a: &a {b: {<<: *a}}\n").is_err());
        assert!(anew("? [a]\n: 1\n").is_err());
        assert!(anew("<<: 1\n").is_err());
        let mut many = "a: &a0 [x, x, x, x, x, x, x, x, x, x]\n".to_owned();
        for level in 1..12 {
            let before = format!("*a{}, ", level - 1).repeat(10);
            let _infallible = writeln!(many, "a{level}: &a{level} [{before}]");
        }
        assert!(anew(&many).is_err());
    }
}
