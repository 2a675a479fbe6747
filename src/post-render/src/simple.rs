//! Reads documents of the simple form that nearly all manifests have, many times faster than a parser of all of YAML does.
//!
//! Simple is: ASCII without tabs, keys and dashes at the head of lines, values on one line or in a literal block, brackets that
//! end in their line. Whatever else stands in a document, bad YAML too, makes this reader give up, and the parser has the word.
//! Tests hold both against each other.

use std::borrow::Cow;

use granit_parser::ScalarStyle;

use crate::document::{Content, Document, Id};

/// More levels than this are not simple.
const MOST_LEVELS: usize = 64;
/// Longer keys are not simple; the parser has a limit of its own, which is higher.
const MOST_KEY_BYTES: usize = 512;

/// Reads the only document of a text; nothing when it is not simple.
pub(crate) fn read<'t>(text: &'t str, document: &mut Document<'t>) -> Option<()> {
    let mut reader = Reader {
        lines: Lines { text, position: 0 },
        document,
        levels: Vec::with_capacity(16),
    };
    reader.read()
}

/// The lines that are left.
struct Lines<'t> {
    text: &'t str,
    position: usize,
}

/// A line with the place where it begins.
#[derive(Clone, Copy)]
struct Line<'t> {
    start: usize,
    text: &'t str,
}

impl<'t> Lines<'t> {
    fn peek(&self) -> Option<Line<'t>> {
        let rest = self
            .text
            .get(self.position..)
            .filter(|rest| !rest.is_empty())?;
        let text = rest.split('\n').next()?;
        Some(Line {
            start: self.position,
            text,
        })
    }

    fn pass(&mut self, line: Line<'_>) {
        self.position = line.start + line.text.len() + 1;
    }
}

/// A collection that is not at its end.
struct Level {
    id: Id,
    column: usize,
    sequence: bool,
    /// Whether its last key or dash has no value yet.
    pending: bool,
    last: Option<Id>,
}

struct Reader<'d, 't> {
    lines: Lines<'t>,
    document: &'d mut Document<'t>,
    levels: Vec<Level>,
}

impl<'t> Reader<'_, 't> {
    fn read(&mut self) -> Option<()> {
        let mut number = 0;
        let mut begun = false;
        while let Some(line) = self.lines.peek() {
            self.lines.pass(line);
            // Only the line in which the document begins is asked for: from there on, the number is wrong behind blocks.
            number += 1;
            let content = line.text.trim_end_matches(' ');
            let bare = content.trim_start_matches(' ');
            if bare.is_empty() || bare.starts_with('#') {
                is_simple(content)?;
                continue;
            }
            if content == "---" && !begun {
                begun = true;
                self.document.line = number;
                continue;
            }
            if !begun {
                begun = true;
                self.document.line = number;
            }
            is_simple(content)?;
            let column = content.len() - bare.len();
            self.line(line.start + column, column, bare)?;
        }
        while !self.levels.is_empty() {
            self.close()?;
        }
        self.document.root().map(|_| ())
    }

    /// Reads what stands in a line: dashes, a key, a value.
    fn line(&mut self, mut place: usize, mut column: usize, mut rest: &'t str) -> Option<()> {
        let mut dashed = false;
        loop {
            match rest.strip_prefix('-') {
                Some(after) if after.is_empty() || after.starts_with(' ') => {
                    self.dash(place, column)?;
                    let bare = after.trim_start_matches(' ');
                    let width = rest.len() - bare.len();
                    if bare.is_empty() {
                        return Some(());
                    }
                    (place, column, rest, dashed) = (place + width, column + width, bare, true);
                }
                _ => break,
            }
        }
        let Some((text, style, length)) = key(rest) else {
            return if dashed {
                self.value(place, rest)
            } else {
                None
            };
        };
        self.key(place, column, length)?;
        let content = Content::Scalar {
            text: Cow::Borrowed(text),
            style,
        };
        self.add(content, place, place + length)?;
        let after = rest.get(length + 1..)?;
        let value = after.trim_start_matches(' ');
        if value.is_empty() || value.starts_with('#') {
            return Some(());
        }
        self.value(place + rest.len() - value.len(), value)
    }

    /// Begins an item of a sequence.
    fn dash(&mut self, place: usize, column: usize) -> Option<()> {
        self.close_beyond(column)?;
        match self.levels.last_mut() {
            Some(level) if level.column == column && level.sequence => {
                if level.pending {
                    return None;
                }
                level.pending = true;
                return Some(());
            }
            Some(level) if !level.pending || level.column > column => return None,
            None if self.document.root().is_some() => return None,
            _ => {}
        }
        self.open(Content::Sequence { flow: false }, place, column, true)?;
        self.levels.last_mut()?.pending = true;
        Some(())
    }

    /// Makes ready for a key of a mapping.
    fn key(&mut self, place: usize, column: usize, length: usize) -> Option<()> {
        if length > MOST_KEY_BYTES {
            return None;
        }
        self.close_beyond(column)?;
        if self
            .levels
            .last()
            .is_some_and(|level| level.column == column && level.sequence)
        {
            self.close()?;
        }
        match self.levels.last_mut() {
            Some(level) if level.column == column && !level.sequence => {
                if level.pending {
                    return None;
                }
            }
            Some(level) if !level.pending || level.column >= column => return None,
            None if self.document.root().is_some() => return None,
            _ => self.open(Content::Mapping { flow: false }, place, column, false)?,
        }
        Some(())
    }

    fn open(
        &mut self,
        content: Content<'t>,
        place: usize,
        column: usize,
        sequence: bool,
    ) -> Option<()> {
        if self.levels.len() > MOST_LEVELS {
            return None;
        }
        let id = self.document.push(content, place, place);
        self.attach(id);
        self.levels.push(Level {
            id,
            column,
            sequence,
            pending: false,
            last: None,
        });
        Some(())
    }

    fn close_beyond(&mut self, column: usize) -> Option<()> {
        while self
            .levels
            .last()
            .is_some_and(|level| level.column > column)
        {
            self.close()?;
        }
        Some(())
    }

    /// Ends the innermost collection. One whose last entry has no value is not simple.
    fn close(&mut self) -> Option<()> {
        let level = self.levels.pop()?;
        if level.pending {
            return None;
        }
        self.document.end_with(level.id, level.last)
    }

    /// Puts a node behind the last one of the innermost collection.
    fn attach(&mut self, id: Id) {
        if let Some(level) = self.levels.last_mut() {
            self.document.link(level.id, level.last, id);
            level.last = Some(id);
            level.pending = false;
        }
    }

    /// Adds a scalar or brackets: a key, or a value that is waited for.
    fn add(&mut self, content: Content<'t>, start: usize, end: usize) -> Option<()> {
        let level = self.levels.last()?;
        let is_key = !level.sequence && !level.pending;
        if level.sequence && !level.pending {
            return None;
        }
        let id = self.document.push(content, start, end);
        self.attach(id);
        if is_key {
            self.levels.last_mut()?.pending = true;
        }
        Some(())
    }

    fn value(&mut self, place: usize, text: &'t str) -> Option<()> {
        if !self.levels.last()?.pending {
            return None;
        }
        match text.as_bytes().first()? {
            b'|' => self.block(place, text),
            b'"' => self.quoted(place, text, '"', ScalarStyle::DoubleQuoted),
            b'\'' => self.quoted(place, text, '\'', ScalarStyle::SingleQuoted),
            b'{' | b'[' => {
                let length = self.brackets(place, text)?;
                is_end(text.get(length..)?).then_some(())
            }
            _ if is_plain_start(text) => {
                let text = text.split(" #").next()?.trim_end_matches(' ');
                if text.contains(": ") || text.ends_with(':') {
                    return None;
                }
                let content = Content::Scalar {
                    text: Cow::Borrowed(text),
                    style: ScalarStyle::Plain,
                };
                self.add(content, place, place + text.len())
            }
            _ => None,
        }
    }

    fn quoted(
        &mut self,
        place: usize,
        text: &'t str,
        quote: char,
        style: ScalarStyle,
    ) -> Option<()> {
        let (inner, after) = text.get(1..)?.split_once(quote)?;
        if inner.contains('\\') || !is_end(after) {
            return None;
        }
        let content = Content::Scalar {
            text: Cow::Borrowed(inner),
            style,
        };
        self.add(content, place, place + inner.len() + 2)
    }

    /// Reads brackets that end in their line; returns how long they are.
    fn brackets(&mut self, place: usize, text: &'t str) -> Option<usize> {
        let sequence = text.starts_with('[');
        let (content, end) = if sequence {
            (Content::Sequence { flow: true }, ']')
        } else {
            (Content::Mapping { flow: true }, '}')
        };
        self.open(content, place, 0, sequence)?;
        let mut at = 1 + spaces(text.get(1..)?);
        if !text.get(at..)?.starts_with(end) {
            loop {
                if sequence {
                    self.levels.last_mut()?.pending = true;
                } else {
                    let rest = text.get(at..)?;
                    let (name, style, length) = key(rest)?;
                    let content = Content::Scalar {
                        text: Cow::Borrowed(name),
                        style,
                    };
                    self.add(content, place + at, place + at + length)?;
                    at += length + 1;
                    at += spaces(text.get(at..)?);
                }
                at += self.inner(place + at, text.get(at..)?)?;
                at += spaces(text.get(at..)?);
                let rest = text.get(at..)?;
                if rest.starts_with(end) {
                    break;
                }
                at += rest.strip_prefix(',').map(|rest| 1 + spaces(rest))?;
            }
        }
        let level = self.levels.pop()?;
        self.document.end_at(level.id, place + at + 1)?;
        Some(at + 1)
    }

    /// Reads a value within brackets; returns how long it is.
    fn inner(&mut self, place: usize, text: &'t str) -> Option<usize> {
        if text.starts_with(['{', '[']) {
            return self.brackets(place, text);
        }
        let (inner, style, length) = scalar(text, is_plain_start(text))?;
        if inner.is_empty() && style == ScalarStyle::Plain {
            return None;
        }
        let length = length + inner.len();
        let next = text.get(length..)?.trim_start_matches(' ');
        if inner.contains('\\')
            || inner.len() > MOST_KEY_BYTES
            || !next.starts_with([',', ']', '}'])
        {
            return None;
        }
        let content = Content::Scalar {
            text: Cow::Borrowed(inner),
            style,
        };
        self.add(content, place, place + length)?;
        Some(length)
    }

    /// Reads a literal block that begins behind this line.
    fn block(&mut self, place: usize, head: &str) -> Option<()> {
        if !matches!(head, "|" | "|-" | "|+") {
            return None;
        }
        let outer = self.levels.last()?.column;
        let mut text = String::new();
        let mut indent = 0;
        let mut breaks = 0;
        let mut end = place;
        while let Some(line) = self.lines.peek() {
            if !line
                .text
                .bytes()
                .all(|byte| byte == b'\t' || is_simple_byte(byte))
            {
                return None;
            }
            let bare = line.text.trim_start_matches(' ');
            let column = line.text.len() - bare.len();
            if bare.is_empty() && (indent == 0 || column <= indent) {
                if indent == 0 {
                    return None;
                }
                self.lines.pass(line);
                breaks += 1;
                continue;
            }
            if indent == 0 {
                indent = column;
            }
            if column <= outer && !bare.is_empty() {
                break;
            }
            if column < indent || indent == 0 || indent <= outer {
                return None;
            }
            self.lines.pass(line);
            text.extend(std::iter::repeat_n('\n', breaks));
            text.push_str(line.text.get(indent..)?);
            breaks = 1;
            end = self.lines.position.min(self.lines.text.len());
        }
        // The line break at the end of the text is one, but not a line of its own.
        if text.is_empty() || !self.lines.text.ends_with('\n') {
            return None;
        }
        match head {
            "|" => text.push('\n'),
            "|+" => text.extend(std::iter::repeat_n('\n', breaks)),
            _ => {}
        }
        let content = Content::Scalar {
            text: Cow::Owned(text),
            style: ScalarStyle::Literal,
        };
        self.add(content, place, end)
    }
}

/// Whether nothing but a comment follows.
fn is_end(text: &str) -> bool {
    let bare = text.trim_start_matches(' ');
    bare.is_empty() || (bare.starts_with('#') && bare.len() < text.len())
}

fn spaces(text: &str) -> usize {
    text.len() - text.trim_start_matches(' ').len()
}

/// Whether a line has only letters whose meaning is beyond doubt.
fn is_simple(line: &str) -> Option<()> {
    line.bytes().all(is_simple_byte).then_some(())
}

fn is_simple_byte(byte: u8) -> bool {
    (b' '..=b'~').contains(&byte)
}

/// Whether a value begins as one without quotes does, and as nothing else.
fn is_plain_start(text: &str) -> bool {
    let mut bytes = text.bytes();
    let letter = |byte: Option<u8>| {
        byte.is_some_and(|byte| byte.is_ascii_alphanumeric() || b"/$_(.+".contains(&byte))
    };
    let first = bytes.next();
    let second = bytes.next();
    letter(first) || (first == Some(b'-') && (letter(second) || second == Some(b'-')))
}

/// The scalar that a text begins with, in quotes or, where it may be plain, of few letters: what it says, how it is written, and
/// how long its quotes are.
fn scalar(text: &str, is_plain: bool) -> Option<(&str, ScalarStyle, usize)> {
    match text.as_bytes().first()? {
        b'"' => Some((
            text.get(1..)?.split_once('"')?.0,
            ScalarStyle::DoubleQuoted,
            2,
        )),
        b'\'' => Some((
            text.get(1..)?.split_once('\'')?.0,
            ScalarStyle::SingleQuoted,
            2,
        )),
        _ if is_plain => {
            let letter = |byte: u8| byte.is_ascii_alphanumeric() || b"_./-".contains(&byte);
            let end = text.bytes().position(|byte| !letter(byte))?;
            Some((text.get(..end)?, ScalarStyle::Plain, 0))
        }
        _ => None,
    }
}

/// The key that a text begins with: what it says, how it is written, and how long that is.
fn key(text: &str) -> Option<(&str, ScalarStyle, usize)> {
    let is_plain = text.starts_with(|first: char| first.is_ascii_alphanumeric());
    let (key, style, length) = scalar(text, is_plain)?;
    let length = length + key.len();
    let after = text.get(length..)?.strip_prefix(':')?;
    let good = (after.is_empty() || after.starts_with(' ')) && !key.contains('\\');
    good.then_some((key, style, length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::document::Reader as Parser;

    /// Whether the document is simple; when it is, the parser has to read the same.
    fn is_the_same(text: &str) -> bool {
        let mut document = Document::default();
        if read(text, &mut document).is_none() {
            return false;
        }
        let mut parser = Parser::new(text);
        let parsed = parser.next_document().unwrap().unwrap();
        assert!(parser.next_document().unwrap().is_none(), "{text}");
        assert_eq!(document.shape(), parsed.shape(), "{text}");
        assert_eq!(document.line, parsed.line, "{text}");
        true
    }

    #[test]
    fn what_is_simple_is_read_as_the_parser_reads_it() {
        for text in [
            "a: b\n",
            "---\n# c\na:\n  b: c # d\n  \"e\": 'f'\n",
            "a:\n- b\n- c: d\n  e: f\n- - g\n  - h\ni: {}\nj: []\n",
            "a: |\n  b\n\n    c\n\n# d\ne: |-\n f\ng: |+\n  h\n\n",
            "- a\n-   b: c\n    d: -5\n-\n  e: --f\n",
            "a: http://b:80/c\nd: on\ne: 12:30\n",
            "a:\n  - |\n    b\n  - c\n",
            "a: [b, \"c: d\", 'e' , [], {f: {g: h, \"i\": -1}}] # j\nk: { l: m }\n",
        ] {
            assert!(is_the_same(text), "{text}");
        }
        for text in [
            "",
            "---\n",
            "a:\n",
            "a: b\n  c\n",
            "a: b: c\n",
            "a: b\n c: d\n",
            "a: &b c\n",
            "a: {b: c, }\n",
            "a: {b}\n",
            "a: [b: c]\n",
            "a: [b\n  c]\n",
            "a: [b] c\n",
            "a: >\n  b\n",
            "a: \u{e9}\n",
            "a: b\r\n",
            "a: \"b\n  c\"\n",
            "a: |\n  b",
            "a\n",
            "- a\nb: c\n",
        ] {
            assert!(!is_the_same(text), "{text}");
        }
    }

    #[test]
    fn what_is_made_of_simple_pieces_is_read_as_the_parser_reads_it() {
        let pieces = [
            "a",
            "b",
            ":",
            ": ",
            "- ",
            "-",
            "\n",
            "\n",
            "\n  ",
            "\n ",
            "\n    ",
            " ",
            "|",
            "|+",
            "|-",
            "#",
            " # ",
            "\"",
            "'",
            "{}",
            "[]",
            "1",
            ".",
            "/",
            "---",
            "a: ",
            "b:\n  ",
            "- a: b\n  ",
            "c: |\n    ",
            "\n\n",
        ];
        let mut state = 7_u64;
        let mut simple = 0;
        for _ in 0..200_000 {
            let mut text = String::new();
            let mut next = || {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                usize::try_from(state >> 33).unwrap()
            };
            for _ in 0..=next() % 14 {
                text.push_str(pieces[next() % pieces.len()]);
            }
            text.push('\n');
            simple += usize::from(!text.contains("\n---") && is_the_same(&text));
        }
        assert!(simple > 5_000, "{simple}");
    }
}
