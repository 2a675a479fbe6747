//! The nodes of one YAML document, each with its place in the text.

use std::borrow::Cow;
use std::collections::BTreeMap;

use granit_parser::{Event, Parser, ScalarStyle, ScanError, Span, StrInput, StructureStyle};
use serde_json::{Map, Value};

use crate::scalar;

/// The tag of the YAML core schema that makes text of a scalar.
const TEXT_TAG: &str = "str";
/// How deep a value may lie; aliases can nest deeper than the parser allows text to.
pub(crate) const MOST_LEVELS: usize = 512;

/// A node of a document, by its number.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Id(usize);

/// What a node is.
#[derive(Clone, Debug)]
pub(crate) enum Content<'t> {
    /// Text, a number, a truth value or nothing.
    Scalar {
        /// The text, after escapes and folding.
        text: Cow<'t, str>,
        /// How it is written.
        style: ScalarStyle,
    },
    /// A list.
    Sequence {
        /// Whether it is written in brackets.
        flow: bool,
    },
    /// Keys with values: its children are a key, its value, the next key and so on.
    Mapping {
        /// Whether it is written in braces.
        flow: bool,
    },
    /// The node with this anchor once more.
    Alias(usize),
}

/// A tag that was written at a node.
#[derive(Clone, Debug)]
pub(crate) struct Tag<'t> {
    /// As it is written.
    pub(crate) written: &'t str,
    /// Where it begins, in bytes of the text.
    pub(crate) start: usize,
    /// Whether it makes text of a scalar.
    pub(crate) makes_text: bool,
}

/// A node and where it is written.
#[derive(Clone, Debug)]
pub(crate) struct Node<'t> {
    /// What it is.
    pub(crate) content: Content<'t>,
    /// Where it begins after tag and anchor, in bytes of the text.
    pub(crate) start: usize,
    /// Where it ends, in bytes of the text; for collections without brackets: where their last child ends.
    pub(crate) end: usize,
    /// Its tag.
    pub(crate) tag: Option<Tag<'t>>,
    /// The number of its anchor; 0 without one.
    pub(crate) anchor: usize,
    first: Option<Id>,
    next: Option<Id>,
}

impl Node<'_> {
    /// Whether it is a value without quotes and tag, which may mean something else than its text.
    pub(crate) fn is_open(&self) -> bool {
        matches!(
            self.content,
            Content::Scalar {
                style: ScalarStyle::Plain,
                ..
            }
        ) && self.tag.is_none()
    }
}

/// The nodes of one document.
#[derive(Debug, Default)]
pub(crate) struct Document<'t> {
    nodes: Vec<Node<'t>>,
    anchors: BTreeMap<usize, Id>,
    /// Whether it has aliases or keys `<<`, so that what is meant stands elsewhere than where it is read.
    pub(crate) refers: bool,
    /// In which line of the text it begins, counted from 1.
    pub(crate) line: usize,
}

impl<'t> Document<'t> {
    /// An empty document in the memory of one that is no longer needed.
    pub(crate) fn reusing(mut before: Self) -> Self {
        before.nodes.clear();
        before.anchors.clear();
        Self {
            refers: false,
            line: 1,
            ..before
        }
    }

    /// Adds a node without tag and anchor that belongs to nothing yet.
    pub(crate) fn push(&mut self, content: Content<'t>, start: usize, end: usize) -> Id {
        let id = Id(self.nodes.len());
        self.nodes.push(Node {
            content,
            start,
            end,
            tag: None,
            anchor: 0,
            first: None,
            next: None,
        });
        id
    }

    /// Makes a node a child of another one, behind the last one of those.
    pub(crate) fn link(&mut self, parent: Id, last: Option<Id>, child: Id) {
        match last {
            None => {
                if let Some(parent) = self.nodes.get_mut(parent.0) {
                    parent.first = Some(child);
                }
            }
            Some(last) => {
                if let Some(last) = self.nodes.get_mut(last.0) {
                    last.next = Some(child);
                }
            }
        }
    }

    /// Ends a collection where its last child ends; nothing if it has none.
    pub(crate) fn end_with(&mut self, id: Id, last: Option<Id>) -> Option<()> {
        let end = self.node(last?)?.end;
        self.nodes.get_mut(id.0)?.end = end;
        Some(())
    }

    /// Ends a collection at its closing bracket.
    pub(crate) fn end_at(&mut self, id: Id, end: usize) -> Option<()> {
        self.nodes.get_mut(id.0)?.end = end;
        Some(())
    }

    /// Everything that is read of it, but the places of blocks and where what ends in one ends: they are of no matter.
    #[cfg(test)]
    pub(crate) fn shape(&self) -> Vec<String> {
        let shape = |node: &Node<'_>| {
            let place = match node.content {
                Content::Scalar {
                    style: ScalarStyle::Literal,
                    ..
                } => (0, 0),
                Content::Mapping { flow: false } | Content::Sequence { flow: false } => {
                    (node.start, 0)
                }
                _ => (node.start, node.end),
            };
            let links = (node.first, node.next, node.anchor);
            format!("{:?} {place:?} {links:?}", node.content)
        };
        self.nodes.iter().map(shape).collect()
    }

    /// The outermost node.
    pub(crate) fn root(&self) -> Option<Id> {
        (!self.nodes.is_empty()).then_some(Id(0))
    }

    /// The node of a number.
    pub(crate) fn node(&self, id: Id) -> Option<&Node<'t>> {
        self.nodes.get(id.0)
    }

    /// The node with an anchor; where a name is used twice, each alias has the number of its own one.
    pub(crate) fn anchored(&self, anchor: usize) -> Option<Id> {
        self.anchors.get(&anchor).copied()
    }

    /// The children of a node, as they are written.
    pub(crate) fn children(&self, id: Id) -> Children<'_, 't> {
        Children {
            document: self,
            next: self.node(id).and_then(|node| node.first),
        }
    }

    /// The keys and values of a mapping; nothing for other nodes.
    pub(crate) fn entries(&self, id: Id) -> Entries<'_, 't> {
        let mapping = matches!(
            self.node(id).map(|node| &node.content),
            Some(Content::Mapping { .. })
        );
        let mut children = self.children(id);
        if !mapping {
            children.next = None;
        }
        Entries(children)
    }

    /// The items of a sequence; nothing for other nodes.
    pub(crate) fn items(&self, id: Id) -> Children<'_, 't> {
        let mut children = self.children(id);
        if !self.is_sequence(id) {
            children.next = None;
        }
        children
    }

    /// Whether a node is a sequence.
    pub(crate) fn is_sequence(&self, id: Id) -> bool {
        matches!(
            self.node(id).map(|node| &node.content),
            Some(Content::Sequence { .. })
        )
    }

    /// The value at a key of a mapping. Of a key that is there twice the last one counts, as for Helm.
    pub(crate) fn get(&self, id: Id, key: &str) -> Option<Id> {
        self.entries(id)
            .filter(|&(name, _)| self.text(name) == Some(key))
            .last()
            .map(|(_, value)| value)
    }

    /// The value at a path of keys.
    pub(crate) fn find(&self, id: Id, path: &[&str]) -> Option<Id> {
        path.iter().try_fold(id, |id, key| self.get(id, key))
    }

    /// The text of a scalar, whatever it means.
    pub(crate) fn text(&self, id: Id) -> Option<&str> {
        match &self.node(id)?.content {
            Content::Scalar { text, .. } => Some(text),
            _ => None,
        }
    }

    /// The text at a path of keys.
    pub(crate) fn text_at(&self, id: Id, path: &[&str]) -> Option<&str> {
        self.text(self.find(id, path)?)
    }

    /// Whether a node is no value at all.
    pub(crate) fn is_null(&self, id: Id) -> bool {
        self.node(id)
            .is_some_and(|node| node.is_open() && self.text(id).is_some_and(scalar::is_null))
    }

    /// What a node means. Aliases and keys `<<` are not followed: documents with them are written anew before.
    pub(crate) fn value(&self, id: Id) -> Value {
        let Some(node) = self.node(id) else {
            return Value::Null;
        };
        match &node.content {
            Content::Scalar { text, .. } if node.is_open() => scalar::resolve(text),
            Content::Scalar { text, .. } => match &node.tag {
                Some(tag) if !tag.makes_text => scalar::resolve(text),
                _ => Value::String(text.clone().into_owned()),
            },
            Content::Sequence { .. } => self.items(id).map(|item| self.value(item)).collect(),
            Content::Mapping { .. } => {
                let named = |(key, value)| Some((self.text(key)?.to_owned(), self.value(value)));
                Value::Object(self.entries(id).filter_map(named).collect::<Map<_, _>>())
            }
            Content::Alias(_) => Value::Null,
        }
    }
}

/// The children of a node.
pub(crate) struct Children<'d, 't> {
    document: &'d Document<'t>,
    next: Option<Id>,
}

impl Iterator for Children<'_, '_> {
    type Item = Id;

    fn next(&mut self) -> Option<Id> {
        let id = self.next?;
        self.next = self.document.node(id).and_then(|node| node.next);
        Some(id)
    }
}

/// The entries of a mapping.
pub(crate) struct Entries<'d, 't>(Children<'d, 't>);

impl Iterator for Entries<'_, '_> {
    type Item = (Id, Id);

    fn next(&mut self) -> Option<(Id, Id)> {
        Some((self.0.next()?, self.0.next()?))
    }
}

/// Reads the documents of a text one after the other.
pub(crate) struct Reader<'t> {
    text: &'t str,
    parser: Parser<'t, StrInput<'t>>,
    spare: Document<'t>,
    /// Collections that are not at their end yet, each with its last child so far.
    open: Vec<(Id, Option<Id>)>,
}

impl<'t> Reader<'t> {
    /// Begins with a text.
    pub(crate) fn new(text: &'t str) -> Self {
        let options = granit_parser::options! {
            emit_comments: false,
            disallow_directives: false,
            block_scalar_eof_without_line_feed: true,
        };
        Self {
            text,
            parser: Parser::new_from_str_with_options(text, options),
            spare: Document::default(),
            open: Vec::new(),
        }
    }

    /// Takes back the memory of a document that is no longer needed.
    pub(crate) fn recycle(&mut self, document: Document<'t>) {
        self.spare = document;
    }

    /// The next document; nothing at the end of the text.
    pub(crate) fn next_document(&mut self) -> Result<Option<Document<'t>>, ScanError> {
        let mut document = Document::reusing(std::mem::take(&mut self.spare));
        self.open.clear();
        while let Some(event) = self.parser.next_event() {
            let (event, span) = event?;
            match event {
                Event::DocumentStart(..) => document.line = span.start.line(),
                Event::DocumentEnd => return Ok(Some(document)),
                Event::StreamEnd => return Ok(None),
                Event::SequenceEnd | Event::MappingEnd => self.close(&mut document, &span),
                Event::Scalar(text, style, anchor, tag) => {
                    let tag = tag.map(|tag| tag.is_yaml_core_schema_tag(TEXT_TAG));
                    let content = Content::Scalar { text, style };
                    self.add(&mut document, content, &span, anchor, tag);
                }
                Event::Alias(anchor) => {
                    document.refers = true;
                    self.add(&mut document, Content::Alias(anchor), &span, 0, None);
                }
                Event::SequenceStart(style, anchor, tag) => {
                    let flow = matches!(style, StructureStyle::Flow);
                    let tag = tag.map(|_| false);
                    let id = self.add(
                        &mut document,
                        Content::Sequence { flow },
                        &span,
                        anchor,
                        tag,
                    );
                    self.open.push((id, None));
                }
                Event::MappingStart(style, anchor, tag) => {
                    let flow = matches!(style, StructureStyle::Flow);
                    let tag = tag.map(|_| false);
                    let id = self.add(&mut document, Content::Mapping { flow }, &span, anchor, tag);
                    self.open.push((id, None));
                }
                _ => {}
            }
        }
        Ok(None)
    }

    fn add(
        &mut self,
        document: &mut Document<'t>,
        content: Content<'t>,
        span: &Span,
        anchor: usize,
        makes_text: Option<bool>,
    ) -> Id {
        let (mut start, mut end) = (
            span.start.byte_offset().unwrap_or_default(),
            span.end.byte_offset().unwrap_or_default(),
        );
        if let Content::Scalar {
            text,
            style: ScalarStyle::Plain,
        } = &content
        {
            if text.is_empty() || (text == "~" && self.text.get(start..end) != Some("~")) {
                end = self.end_of_nothing(end);
                start = end;
            }
            // A value `<<` is text and costs at most a document that is written anew.
            document.refers |= text == "<<";
        }
        let tag = makes_text.and_then(|makes_text| {
            let span = span.tag_span()?;
            let written = span.slice(self.text)?;
            let start = span.start.byte_offset()?;
            Some(Tag {
                written,
                start,
                makes_text,
            })
        });
        let id = document.push(content, start, end);
        if anchor != 0 {
            document.anchors.insert(anchor, id);
        }
        if let Some(node) = document.nodes.get_mut(id.0) {
            node.tag = tag;
            node.anchor = anchor;
        }
        if let Some((parent, last)) = self.open.last_mut() {
            document.link(*parent, *last, id);
            *last = Some(id);
        }
        id
    }

    /// Where a value ends that is not written: behind its colon or dash. The parser gives the end of what comes before.
    fn end_of_nothing(&self, end: usize) -> usize {
        let rest = self.text.get(end..).unwrap_or_default();
        let bare = rest.trim_start_matches([' ', '\t', '\n', '\r']);
        if bare.starts_with([':', '-']) && !bare.starts_with("---") {
            end + rest.len() - bare.len() + 1
        } else {
            end
        }
    }

    /// Puts the start of a list without brackets at its first dash. The parser says it where the list is further in than its key,
    /// and the place of the first item else.
    fn find_dash(&self, document: &mut Document<'t>, id: Id) {
        let first = document
            .node(id)
            .and_then(|node| document.node(node.first?));
        let Some(first) = first.map(|first| first.start) else {
            return;
        };
        let Some(node) = document.nodes.get_mut(id.0) else {
            return;
        };
        if !matches!(node.content, Content::Sequence { .. }) {
            return;
        }
        let (before, rest) = self.text.split_at_checked(node.start).unwrap_or_default();
        if !rest.starts_with('-') || first <= node.start {
            let before = before.trim_end_matches([' ', '\t', '\n', '\r']);
            // Where a comment comes between, no place is known; none is a dash.
            node.start = before.strip_suffix('-').map_or(self.text.len(), str::len);
        }
    }

    /// Ends the innermost collection that is open.
    fn close(&mut self, document: &mut Document<'t>, span: &Span) {
        let Some((id, last)) = self.open.pop() else {
            return;
        };
        let flow = document.node(id).is_some_and(|node| {
            matches!(
                node.content,
                Content::Sequence { flow: true } | Content::Mapping { flow: true }
            )
        });
        if !flow && document.end_with(id, last).is_some() {
            self.find_dash(document, id);
            return;
        }
        if let Some(node) = document.nodes.get_mut(id.0) {
            node.end = span.end.byte_offset().unwrap_or(node.end);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn only(text: &str) -> Document<'_> {
        let mut reader = Reader::new(text);
        let document = reader.next_document().unwrap().unwrap();
        assert!(reader.next_document().unwrap().is_none());
        document
    }

    #[test]
    fn every_node_knows_its_place() {
        let text = "a: &x 1 # one\nb:\n- !!str 2\n- {c: [d], é: 'it''s'}\ne: |\n  f\n";
        let document = only(text);
        let root = document.root().unwrap();
        assert_eq!(
            document.value(root),
            json!({"a": 1, "b": ["2", {"c": ["d"], "é": "it's"}], "e": "f\n"})
        );
        let place = |path: &[&str]| {
            let node = document.node(document.find(root, path).unwrap()).unwrap();
            &text[node.start..node.end]
        };
        assert_eq!(place(&["a"]), "1");
        assert_eq!(place(&["b"]), "- !!str 2\n- {c: [d], é: 'it''s'}");
        let items: Vec<_> = document.items(document.get(root, "b").unwrap()).collect();
        let tag = document.node(items[0]).unwrap().tag.as_ref().unwrap();
        assert_eq!((tag.written, tag.start), ("!!str", 19));
        let node = document
            .node(document.find(items[1], &["é"]).unwrap())
            .unwrap();
        assert_eq!(&text[node.start..node.end], "'it''s'");
        let node = document.node(items[1]).unwrap();
        assert_eq!(&text[node.start..node.end], "{c: [d], é: 'it''s'}");
        assert!(!document.refers);
    }

    #[test]
    fn of_a_key_that_is_there_twice_the_last_one_counts() {
        let document = only("a: 1\na: 2\n");
        let root = document.root().unwrap();
        assert_eq!(document.text_at(root, &["a"]), Some("2"));
    }

    #[test]
    fn references_are_noticed() {
        assert!(only("a: &a 1\nb: *a\n").refers);
        assert!(only("a: {<<: {b: 1}}\n").refers);
    }
}
