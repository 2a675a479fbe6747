//! Keys and values: any bytes, which people can read and programs get back without a loss.

use std::fmt::{self, Write};

use base64::Engine as _;
use base64::prelude::BASE64_STANDARD;
use serde::{Serialize, Serializer};

/// Any bytes. As text, what is no letter is escaped: `\n`, `\x00`, `\u{200b}`, and the backslash as `\\`. In JSON they are a string
/// where they are UTF-8, else an object with the key `base64`.
#[derive(Clone, Debug, Default, Eq, Hash, Ord, PartialEq, PartialOrd)]
pub struct Bytes(pub Vec<u8>);

impl Bytes {
    /// The bytes that a text with escapes stands for; none where an escape is not one.
    #[must_use]
    pub fn of_escaped(text: &str) -> Option<Self> {
        let mut bytes = Vec::new();
        let mut rest = text;
        while let Some((before, behind)) = rest.split_once('\\') {
            bytes.extend(before.as_bytes());
            let mut letters = behind.chars();
            match letters.next()? {
                '\\' => bytes.push(b'\\'),
                'n' => bytes.push(b'\n'),
                'r' => bytes.push(b'\r'),
                't' => bytes.push(b'\t'),
                'x' => {
                    let digits = letters.as_str().get(..2)?;
                    bytes.push(u8::from_str_radix(digits, 16).ok()?);
                    letters = letters.as_str().get(2..)?.chars();
                }
                'u' => {
                    let (digits, after) = letters.as_str().strip_prefix('{')?.split_once('}')?;
                    let letter = char::from_u32(u32::from_str_radix(digits, 16).ok()?)?;
                    bytes.extend(letter.encode_utf8(&mut [0; 4]).as_bytes());
                    letters = after.chars();
                }
                _ => return None,
            }
            rest = letters.as_str();
        }
        bytes.extend(rest.as_bytes());
        Some(Self(bytes))
    }

    /// The text for people, of which no more than so many letters are shown; how many bytes there are stands behind a part.
    #[must_use]
    pub fn shortened(&self, most: usize) -> String {
        let text = self.to_string();
        match text.char_indices().nth(most) {
            Some((end, _)) => format!("{}… ({} B)", &text[..end], self.0.len()),
            None => text,
        }
    }
}

impl From<&str> for Bytes {
    fn from(text: &str) -> Self {
        Self(text.as_bytes().to_vec())
    }
}

impl fmt::Display for Bytes {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            chunk
                .valid()
                .chars()
                .try_for_each(|letter| escape(formatter, letter))?;
            for byte in chunk.invalid() {
                write!(formatter, "\\x{byte:02x}")?;
            }
        }
        Ok(())
    }
}

fn escape(formatter: &mut fmt::Formatter<'_>, letter: char) -> fmt::Result {
    match letter {
        '\\' => formatter.write_str("\\\\"),
        '\n' => formatter.write_str("\\n"),
        '\r' => formatter.write_str("\\r"),
        '\t' => formatter.write_str("\\t"),
        '"' | '\'' => formatter.write_char(letter),
        _ if letter.is_ascii_control() => write!(formatter, "\\x{:02x}", u32::from(letter)),
        // Marks that stand alone, what has no width and what turns the direction would mislead in a table.
        _ => write!(formatter, "{}", letter.escape_debug()),
    }
}

impl Serialize for Bytes {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        #[derive(Serialize)]
        struct Binary {
            base64: String,
        }
        if let Ok(text) = std::str::from_utf8(&self.0) {
            serializer.serialize_str(text)
        } else {
            let base64 = BASE64_STANDARD.encode(&self.0);
            Binary { base64 }.serialize(serializer)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_no_letter_is_escaped_and_read_again() {
        for (bytes, text) in [
            (&b"user:1"[..], "user:1"),
            ("größe 消息 'a' \"b\"".as_bytes(), "größe 消息 'a' \"b\""),
            (b"a\\n\n\r\t\x00\x1b[0m", r"a\\n\n\r\t\x00\x1b[0m"),
            (b"\xff\xfe ok \xc3", r"\xff\xfe ok \xc3"),
            ("\u{200b}\u{202e}".as_bytes(), r"\u{200b}\u{202e}"),
            (b"", ""),
        ] {
            let bytes = Bytes(bytes.to_vec());
            assert_eq!(bytes.to_string(), text);
            assert_eq!(Bytes::of_escaped(text), Some(bytes));
        }
        for wrong in ["\\", "\\q", "\\x1", "\\xzz", "\\u{110000}", "\\u12"] {
            assert_eq!(Bytes::of_escaped(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn json_tells_text_and_other_bytes_apart() {
        let json = |bytes: &[u8]| serde_json::to_string(&Bytes(bytes.to_vec())).unwrap();
        assert_eq!(json(b"a\n"), r#""a\n""#);
        assert_eq!(json(br"\xff"), r#""\\xff""#);
        assert_eq!(json(b"\xff"), r#"{"base64":"/w=="}"#);
    }

    #[test]
    fn a_part_is_told_with_the_length_of_all() {
        let bytes = Bytes::from("größer");
        assert_eq!(bytes.shortened(6), "größer");
        assert_eq!(bytes.shortened(3), "grö… (8 B)");
    }
}
