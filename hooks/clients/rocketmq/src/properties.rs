//! The two forms of Java properties that brokers use: escaped, as they read it, and plain, as they write it.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use snafu::Snafu;

/// Why text is not a list of properties.
#[derive(Debug, Clone, Eq, PartialEq, Snafu)]
pub enum Error {
    /// A plain list has a first line without `=`.
    #[snafu(display("line {line} has no `=`; expected `key=value`"))]
    NoValue {
        /// Its number, from 1.
        line: usize,
    },
    /// `\u` is not followed by four hexadecimal digits.
    #[snafu(display(
        "the `\\u` escape at byte {position} is not followed by four hexadecimal digits"
    ))]
    Escape {
        /// Where the escape begins.
        position: usize,
    },
    /// The text is not UTF-8.
    #[snafu(display("the text is not UTF-8 from byte {position} on"))]
    NotText {
        /// The first byte that is wrong.
        position: usize,
    },
}

/// Writes properties so that `java.util.Properties.load` reads back exactly them, in the order of their keys.
///
/// Brokers hand the body to that method as bytes, which it takes for ISO 8859-1: all else is escaped.
#[must_use]
pub fn to_java(properties: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (key, value) in properties {
        escape(&mut text, key, true);
        text.push('=');
        escape(&mut text, value, false);
        text.push('\n');
    }
    text
}

fn escape(text: &mut String, part: &str, key: bool) {
    let mut leading = true;
    for character in part.chars() {
        match character {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{c}' => text.push_str("\\f"),
            ' ' if key || leading => text.push_str("\\ "),
            '=' | ':' | '#' | '!' if key => {
                text.push('\\');
                text.push(character);
            }
            ' '..='~' => text.push(character),
            _ => {
                for unit in character.encode_utf16(&mut [0; 2]) {
                    // Writing to a String cannot fail.
                    let _ = write!(text, "\\u{unit:04x}");
                }
            }
        }
        leading = leading && character == ' ';
    }
}

/// Reads what `java.util.Properties.load` would read from these bytes; the last of several equal keys counts.
///
/// # Errors
/// When an escape is torn.
pub fn from_java(bytes: &[u8]) -> Result<BTreeMap<String, String>, Error> {
    let mut properties = BTreeMap::new();
    let mut reader = JavaReader { bytes, position: 0 };
    while let Some((key, value)) = reader.property()? {
        properties.insert(key, value);
    }
    Ok(properties)
}

struct JavaReader<'a> {
    bytes: &'a [u8],
    position: usize,
}

/// A part of a line: its UTF-16 units, and whether a key ended at `=` or `:`.
struct Part {
    text: String,
    separated: bool,
}

impl JavaReader<'_> {
    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.position).copied()
    }

    fn property(&mut self) -> Result<Option<(String, String)>, Error> {
        loop {
            self.skip_blank(true);
            match self.peek() {
                None => return Ok(None),
                Some(b'#' | b'!') => {
                    while self
                        .peek()
                        .is_some_and(|byte| byte != b'\n' && byte != b'\r')
                    {
                        self.position += 1;
                    }
                }
                Some(_) => break,
            }
        }
        let key = self.part(true)?;
        self.skip_blank(false);
        if !key.separated && matches!(self.peek(), Some(b'=' | b':')) {
            self.position += 1;
            self.skip_blank(false);
        }
        let value = self.part(false)?;
        Ok(Some((key.text, value.text)))
    }

    fn skip_blank(&mut self, lines: bool) {
        while let Some(byte) = self.peek() {
            let blank = matches!(byte, b' ' | b'\t' | b'\x0c');
            let end = lines && matches!(byte, b'\n' | b'\r');
            if !blank && !end {
                // A backslash before a line's end joins the next line also where only blanks stand.
                if byte == b'\\' && matches!(self.bytes.get(self.position + 1), Some(b'\n' | b'\r'))
                {
                    self.join();
                    continue;
                }
                return;
            }
            self.position += 1;
        }
    }

    /// Passes a backslash, the line's end after it and the blanks that the next line begins with.
    fn join(&mut self) {
        self.position += 1;
        if self.peek() == Some(b'\r') && self.bytes.get(self.position + 1) == Some(&b'\n') {
            self.position += 1;
        }
        self.position += 1;
        while self
            .peek()
            .is_some_and(|byte| matches!(byte, b' ' | b'\t' | b'\x0c'))
        {
            self.position += 1;
        }
    }

    fn part(&mut self, key: bool) -> Result<Part, Error> {
        let mut units: Vec<u16> = Vec::new();
        let mut separated = false;
        while let Some(byte) = self.peek() {
            match byte {
                b'\n' | b'\r' => break,
                b'=' | b':' if key => {
                    self.position += 1;
                    self.skip_blank(false);
                    separated = true;
                    break;
                }
                b' ' | b'\t' | b'\x0c' if key => break,
                b'\\' => {
                    if matches!(self.bytes.get(self.position + 1), Some(b'\n' | b'\r')) {
                        self.join();
                        continue;
                    }
                    self.escaped(&mut units)?;
                }
                _ => {
                    units.push(u16::from(byte));
                    self.position += 1;
                }
            }
        }
        Ok(Part {
            text: String::from_utf16_lossy(&units),
            separated,
        })
    }

    fn escaped(&mut self, units: &mut Vec<u16>) -> Result<(), Error> {
        let position = self.position;
        self.position += 1;
        // A backslash at the very end stands for nothing.
        let Some(byte) = self.peek() else {
            return Ok(());
        };
        self.position += 1;
        units.push(match byte {
            b'n' => u16::from(b'\n'),
            b'r' => u16::from(b'\r'),
            b't' => u16::from(b'\t'),
            b'f' => 0xc,
            b'u' => {
                let digits = self
                    .bytes
                    .get(self.position..self.position + 4)
                    .filter(|digits| digits.iter().all(u8::is_ascii_hexdigit))
                    .and_then(|digits| std::str::from_utf8(digits).ok())
                    .and_then(|digits| u16::from_str_radix(digits, 16).ok());
                let Some(unit) = digits else {
                    return EscapeSnafu { position }.fail();
                };
                self.position += 4;
                unit
            }
            other => u16::from(other),
        });
        Ok(())
    }
}

/// Writes properties as brokers write theirs: `key=value` and a line's end, without any escape.
#[must_use]
pub fn to_plain(properties: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (key, value) in properties {
        text.push_str(key);
        text.push('=');
        text.push_str(value);
        text.push('\n');
    }
    text
}

/// Reads properties as brokers write theirs. A line without `=` continues the value before it, because brokers do not
/// escape a line's end inside a value.
///
/// # Errors
/// When the text is not UTF-8, or its first line has no `=`.
pub fn from_plain(bytes: &[u8]) -> Result<BTreeMap<String, String>, Error> {
    let text = std::str::from_utf8(bytes).map_err(|source| Error::NotText {
        position: source.valid_up_to(),
    })?;
    let mut properties = BTreeMap::new();
    let mut last: Option<&str> = None;
    for (index, line) in text
        .strip_suffix('\n')
        .unwrap_or(text)
        .split('\n')
        .enumerate()
    {
        if let Some((key, value)) = line.split_once('=') {
            properties.insert(key.to_owned(), value.to_owned());
            last = Some(key);
        } else if let Some(value) = last.and_then(|key| properties.get_mut(key)) {
            value.push('\n');
            value.push_str(line);
        } else if !text.is_empty() {
            return NoValueSnafu { line: index + 1 }.fail();
        }
    }
    Ok(properties)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs
            .iter()
            .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
            .collect()
    }

    #[test]
    fn the_escaped_form_is_what_java_expects() {
        let properties = map(&[
            ("a b", " leading and trailing "),
            ("c:d=e", "x=y:z#!"),
            ("path", "c:\\temp"),
            ("\u{e9}", "\u{1f600}\n"),
        ]);
        let text = to_java(&properties);
        assert_eq!(
            text,
            "a\\ b=\\ leading and trailing \nc\\:d\\=e=x=y:z#!\npath=c:\\\\temp\n\
             \\u00e9=\\ud83d\\ude00\\n\n"
        );
        assert_eq!(from_java(text.as_bytes()).unwrap(), properties);
    }

    #[test]
    fn forms_that_java_accepts_are_read() {
        let text = b"# comment\n! another\n\n  key1 = value1\r\nkey2:value2\nkey3 value3\nkey4\n\
            key5=a\\\n    b\nkey6 \\\n  = c\nkey1=last\nkey7=end\\";
        assert_eq!(
            from_java(text).unwrap(),
            map(&[
                ("key1", "last"),
                ("key2", "value2"),
                ("key3", "value3"),
                ("key4", ""),
                ("key5", "ab"),
                ("key6", "c"),
                ("key7", "end"),
            ])
        );
        assert_eq!(from_java(b"a=\\u12"), Err(Error::Escape { position: 2 }));
        assert_eq!(from_java(b"a=\\u+123"), Err(Error::Escape { position: 2 }));
    }

    #[test]
    fn the_plain_form_keeps_values_as_they_are() {
        let properties = map(&[("a", "b=c\\d"), ("e", ""), ("f", "one\ntwo\n")]);
        assert_eq!(
            from_plain(to_plain(&properties).as_bytes()).unwrap(),
            properties
        );
        assert_eq!(from_plain(b"").unwrap(), map(&[]));
        assert_eq!(from_plain(b"no value"), Err(Error::NoValue { line: 1 }));
        assert_eq!(from_plain(b"a=\xff"), Err(Error::NotText { position: 2 }));
    }
}
