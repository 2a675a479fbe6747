//! What the product's JSON library writes and no JSON reader takes: whole numbers and objects as keys of objects.
//!
//! `{0:"a"}` comes from maps by broker or queue number, `{{"queueId":0}:{…}}` from maps by message queue. The reader is
//! total: any bytes give a value or an error, within the limits below.

use std::fmt;

use snafu::{Snafu, ensure};

/// Most bytes of a text: a whole frame.
pub const LARGEST_TEXT: usize = crate::frame::LARGEST_FRAME;
/// How deep arrays and objects may be nested. Real bodies stay below ten.
pub const DEEPEST: usize = 64;
/// Most values of a text, so that its memory is bounded. Keys count too. A frame full of topics holds about 1,800,000.
pub const MOST_VALUES: usize = 2_000_000;

/// A value. The order of an object's entries is that of the text.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Value {
    /// `null`.
    Null,
    /// `true` or `false`.
    Boolean(bool),
    /// A whole number that fits 64 bits.
    Integer(i64),
    /// Any other number, as it was written.
    Decimal(String),
    /// Text.
    Text(String),
    /// Values in order.
    Array(Vec<Value>),
    /// Values by key, as they were written: keys may repeat, and then the last one counts.
    Object(Vec<(Key, Value)>),
}

/// A key of an object.
#[derive(Clone, Debug, Eq, PartialEq, Ord, PartialOrd)]
pub enum Key {
    /// Text in quotes.
    Text(String),
    /// A whole number without quotes.
    Integer(i64),
    /// An object.
    Object(Vec<(Key, Value)>),
}

/// Why bytes are not a value.
#[derive(Debug, Clone, Eq, PartialEq, Snafu)]
pub enum Error {
    /// The bytes are not UTF-8.
    #[snafu(display("the text is not UTF-8 from byte {position} on"))]
    NotText {
        /// The first byte that is wrong.
        position: usize,
    },
    /// Something else was expected.
    #[snafu(display("expected {expected} at byte {position}"))]
    Unexpected {
        /// What was expected.
        expected: &'static str,
        /// Where.
        position: usize,
    },
    /// A limit was passed.
    #[snafu(display("more than {limit} {what} at byte {position}"))]
    Limit {
        /// What there is too much of.
        what: &'static str,
        /// How many are allowed.
        limit: usize,
        /// Where.
        position: usize,
    },
}

impl Value {
    /// An object with text keys.
    #[must_use]
    pub fn object<'a>(entries: impl IntoIterator<Item = (&'a str, Value)>) -> Self {
        let entry = |(key, value): (&str, Value)| (Key::Text(key.to_owned()), value);
        Self::Object(entries.into_iter().map(entry).collect())
    }

    /// The value of a text key of an object; of equal keys the last one, as the product has it.
    #[must_use]
    pub fn get(&self, name: &str) -> Option<&Self> {
        let Self::Object(entries) = self else {
            return None;
        };
        entries
            .iter()
            .rev()
            .find(|(key, _)| matches!(key, Key::Text(text) if text == name))
            .map(|(_, value)| value)
    }

    /// The same value with the entries of all objects sorted by their keys.
    #[must_use]
    pub fn sorted(self) -> Self {
        match self {
            Self::Array(values) => Self::Array(values.into_iter().map(Self::sorted).collect()),
            Self::Object(entries) => {
                let sorted = |(key, value): (Key, Self)| (key, value.sorted());
                let mut entries: Vec<_> = entries.into_iter().map(sorted).collect();
                entries.sort();
                Self::Object(entries)
            }
            other => other,
        }
    }

    /// The text as the product's library writes it: whole numbers and objects as keys stand without quotes.
    #[must_use]
    pub fn to_fastjson(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Keys::AsTheyAre);
        text
    }

    /// The text as standard JSON: keys that are no text stand in quotes.
    #[must_use]
    pub fn to_standard(&self) -> String {
        let mut text = String::new();
        self.write(&mut text, Keys::Quoted);
        text
    }

    fn write(&self, text: &mut String, keys: Keys) {
        match self {
            Self::Null => text.push_str("null"),
            Self::Boolean(true) => text.push_str("true"),
            Self::Boolean(false) => text.push_str("false"),
            Self::Integer(number) => text.push_str(&number.to_string()),
            Self::Decimal(number) => text.push_str(number),
            Self::Text(value) => quote(text, value),
            Self::Array(values) => {
                text.push('[');
                for (index, value) in values.iter().enumerate() {
                    if index > 0 {
                        text.push(',');
                    }
                    value.write(text, keys);
                }
                text.push(']');
            }
            Self::Object(entries) => write_object(entries, text, keys),
        }
    }

    /// The value as JSON; keys that are no text become text. None when a number is not one of standard JSON, such as
    /// `007`, or is too large for it.
    #[must_use]
    pub fn to_json(&self) -> Option<serde_json::Value> {
        use serde_json::Value as Json;
        Some(match self {
            Self::Null => Json::Null,
            Self::Boolean(value) => Json::Bool(*value),
            Self::Integer(number) => Json::from(*number),
            Self::Decimal(number) => Json::Number(serde_json::from_str(number).ok()?),
            Self::Text(text) => Json::String(text.clone()),
            Self::Array(values) => {
                Json::Array(values.iter().map(Self::to_json).collect::<Option<_>>()?)
            }
            Self::Object(entries) => Json::Object(
                entries
                    .iter()
                    .map(|(key, value)| Some((key.to_string(), value.to_json()?)))
                    .collect::<Option<_>>()?,
            ),
        })
    }
}

impl From<&serde_json::Value> for Value {
    fn from(json: &serde_json::Value) -> Self {
        use serde_json::Value as Json;
        match json {
            Json::Null => Self::Null,
            Json::Bool(value) => Self::Boolean(*value),
            Json::Number(number) => number
                .as_i64()
                .map_or_else(|| Self::Decimal(number.to_string()), Self::Integer),
            Json::String(text) => Self::Text(text.clone()),
            Json::Array(values) => Self::Array(values.iter().map(Self::from).collect()),
            Json::Object(entries) => Self::Object(
                entries
                    .iter()
                    .map(|(key, value)| (Key::Text(key.clone()), Self::from(value)))
                    .collect(),
            ),
        }
    }
}

impl fmt::Display for Key {
    /// A text key as it is, a number in digits, an object as its text.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Text(text) => formatter.write_str(text),
            Self::Integer(number) => write!(formatter, "{number}"),
            Self::Object(entries) => {
                let mut text = String::new();
                write_object(entries, &mut text, Keys::AsTheyAre);
                formatter.write_str(&text)
            }
        }
    }
}

/// How keys that are no text are written.
#[derive(Clone, Copy, Eq, PartialEq)]
enum Keys {
    AsTheyAre,
    Quoted,
}

fn write_object(entries: &[(Key, Value)], text: &mut String, keys: Keys) {
    text.push('{');
    for (index, (key, value)) in entries.iter().enumerate() {
        if index > 0 {
            text.push(',');
        }
        match key {
            Key::Text(key) => quote(text, key),
            _ if keys == Keys::Quoted => quote(text, &key.to_string()),
            Key::Integer(number) => text.push_str(&number.to_string()),
            Key::Object(entries) => write_object(entries, text, keys),
        }
        text.push(':');
        value.write(text, keys);
    }
    text.push('}');
}

fn quote(text: &mut String, value: &str) {
    text.push('"');
    for character in value.chars() {
        match character {
            '"' => text.push_str("\\\""),
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{8}' => text.push_str("\\b"),
            '\u{c}' => text.push_str("\\f"),
            control if control < ' ' => {
                text.push_str("\\u00");
                for shift in [4, 0] {
                    let digit = (u32::from(control) >> shift) & 0xf;
                    text.push(char::from_digit(digit, 16).unwrap_or('0'));
                }
            }
            other => text.push(other),
        }
    }
    text.push('"');
}

/// Reads one value; only blanks may follow it.
///
/// # Errors
/// When the bytes are no value or pass a limit.
pub fn parse(bytes: &[u8]) -> Result<Value, Error> {
    ensure!(
        bytes.len() <= LARGEST_TEXT,
        LimitSnafu {
            what: "bytes",
            limit: LARGEST_TEXT,
            position: LARGEST_TEXT
        }
    );
    let text = std::str::from_utf8(bytes).map_err(|source| Error::NotText {
        position: source.valid_up_to(),
    })?;
    let mut parser = Parser {
        text,
        position: 0,
        values: 0,
        depth: 0,
    };
    let value = parser.value()?;
    parser.skip_blank();
    ensure!(
        parser.position == bytes.len(),
        UnexpectedSnafu {
            expected: "the end",
            position: parser.position
        }
    );
    Ok(value)
}

struct Parser<'a> {
    text: &'a str,
    position: usize,
    values: usize,
    depth: usize,
}

impl<'a> Parser<'a> {
    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.position).copied()
    }

    fn skip_blank(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.position += 1;
        }
    }

    fn unexpected<T>(&self, expected: &'static str) -> Result<T, Error> {
        UnexpectedSnafu {
            expected,
            position: self.position,
        }
        .fail()
    }

    /// Passes a byte if it is next, after blanks.
    fn passes(&mut self, byte: u8) -> bool {
        self.skip_blank();
        let next = self.peek() == Some(byte);
        if next {
            self.position += 1;
        }
        next
    }

    fn count(&mut self) -> Result<(), Error> {
        self.values += 1;
        ensure!(
            self.values <= MOST_VALUES,
            LimitSnafu {
                what: "values",
                limit: MOST_VALUES,
                position: self.position
            }
        );
        Ok(())
    }

    fn value(&mut self) -> Result<Value, Error> {
        self.count()?;
        self.skip_blank();
        match self.peek() {
            Some(b'{') => Ok(Value::Object(self.object()?)),
            Some(b'[') => self.array(),
            Some(quote @ (b'"' | b'\'')) => Ok(Value::Text(self.quoted(quote)?)),
            Some(b'-' | b'0'..=b'9') => self.number(),
            _ => {
                let words = [
                    ("null", Value::Null),
                    ("true", Value::Boolean(true)),
                    ("false", Value::Boolean(false)),
                ];
                for (word, value) in words {
                    if self.rest().starts_with(word) {
                        self.position += word.len();
                        return Ok(value);
                    }
                }
                self.unexpected("a value")
            }
        }
    }

    fn rest(&self) -> &'a str {
        self.text.get(self.position..).unwrap_or_default()
    }

    fn enter(&mut self) -> Result<(), Error> {
        self.depth += 1;
        ensure!(
            self.depth <= DEEPEST,
            LimitSnafu {
                what: "levels",
                limit: DEEPEST,
                position: self.position
            }
        );
        self.position += 1;
        Ok(())
    }

    fn array(&mut self) -> Result<Value, Error> {
        self.enter()?;
        let mut values = Vec::new();
        if !self.passes(b']') {
            loop {
                values.push(self.value()?);
                if self.passes(b']') {
                    break;
                }
                if !self.passes(b',') {
                    return self.unexpected("`,` or `]`");
                }
            }
        }
        self.depth -= 1;
        Ok(Value::Array(values))
    }

    fn object(&mut self) -> Result<Vec<(Key, Value)>, Error> {
        self.enter()?;
        let mut entries = Vec::new();
        if !self.passes(b'}') {
            loop {
                let key = self.key()?;
                if !self.passes(b':') {
                    return self.unexpected("`:`");
                }
                entries.push((key, self.value()?));
                if self.passes(b'}') {
                    break;
                }
                if !self.passes(b',') {
                    return self.unexpected("`,` or `}`");
                }
            }
        }
        self.depth -= 1;
        Ok(entries)
    }

    fn key(&mut self) -> Result<Key, Error> {
        self.count()?;
        self.skip_blank();
        let expected = "a key (text in quotes, a whole number of 64 bits or an object)";
        match self.peek() {
            Some(quote @ (b'"' | b'\'')) => Ok(Key::Text(self.quoted(quote)?)),
            Some(b'{') => Ok(Key::Object(self.object()?)),
            Some(b'-' | b'0'..=b'9') => match self.number()? {
                Value::Integer(number) => Ok(Key::Integer(number)),
                _ => self.unexpected(expected),
            },
            _ => self.unexpected(expected),
        }
    }

    fn digits(&mut self) -> Result<(), Error> {
        let start = self.position;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.position += 1;
        }
        if self.position == start {
            self.unexpected("a digit")
        } else {
            Ok(())
        }
    }

    fn number(&mut self) -> Result<Value, Error> {
        let start = self.position;
        if self.peek() == Some(b'-') {
            self.position += 1;
        }
        self.digits()?;
        if self.peek() == Some(b'.') {
            self.position += 1;
            self.digits()?;
        }
        if matches!(self.peek(), Some(b'e' | b'E')) {
            self.position += 1;
            if matches!(self.peek(), Some(b'+' | b'-')) {
                self.position += 1;
            }
            self.digits()?;
        }
        let text = self.text.get(start..self.position).unwrap_or_default();
        // Only what is written back the same way counts as a whole number: `-0` and `007` do not.
        let integer = text
            .parse::<i64>()
            .ok()
            .filter(|number| number.to_string() == text);
        Ok(integer.map_or_else(|| Value::Decimal(text.to_owned()), Value::Integer))
    }

    fn quoted(&mut self, quote: u8) -> Result<String, Error> {
        self.position += 1;
        let mut value = String::new();
        loop {
            let rest = self.rest();
            let plain = rest
                .bytes()
                .position(|byte| byte == quote || byte == b'\\')
                .unwrap_or(rest.len());
            value.push_str(rest.get(..plain).unwrap_or_default());
            self.position += plain;
            match self.peek() {
                None => return self.unexpected("the end of a text"),
                Some(b'\\') => {
                    self.position += 1;
                    let character = self.escape()?;
                    value.push(character);
                }
                Some(_) => {
                    self.position += 1;
                    return Ok(value);
                }
            }
        }
    }

    /// Reads what follows a backslash: the escapes of JSON, and those that the product's library knows besides.
    fn escape(&mut self) -> Result<char, Error> {
        let Some(byte) = self.peek() else {
            return self.unexpected("an escape");
        };
        let character = match byte {
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'b' => '\u{8}',
            b'f' | b'F' => '\u{c}',
            b'v' => '\u{b}',
            b'0'..=b'7' => char::from(byte - b'0'),
            b'"' | b'\'' | b'/' | b'\\' => char::from(byte),
            b'x' => {
                self.position += 1;
                let code = self.hexadecimal(2)?;
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            b'u' => {
                self.position += 1;
                return self.unicode();
            }
            _ => return self.unexpected("an escape"),
        };
        self.position += 1;
        Ok(character)
    }

    /// Reads one UTF-16 unit, or two that belong together; half of a pair becomes U+FFFD.
    fn unicode(&mut self) -> Result<char, Error> {
        let first = self.hexadecimal(4)?;
        if (0xd800..0xdc00).contains(&first) && self.rest().starts_with("\\u") {
            let before = self.position;
            self.position += 2;
            let second = self.hexadecimal(4)?;
            if (0xdc00..0xe000).contains(&second) {
                let code = 0x1_0000 + ((first - 0xd800) << 10) + (second - 0xdc00);
                return Ok(char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            self.position = before;
        }
        Ok(char::from_u32(first).unwrap_or(char::REPLACEMENT_CHARACTER))
    }

    fn hexadecimal(&mut self, digits: usize) -> Result<u32, Error> {
        let mut code = 0;
        for _ in 0..digits {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            let Some(digit) = digit else {
                return self.unexpected("a hexadecimal digit");
            };
            code = code * 16 + digit;
            self.position += 1;
        }
        Ok(code)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Value {
        parse(text.as_bytes()).unwrap()
    }

    #[test]
    fn keys_may_be_numbers_and_objects() {
        let text = r#"{0:"a",-1:"b","c":{{"queueId":0,"topic":"t"}:{"offset":12}}}"#;
        let value = read(text);
        assert_eq!(value.to_fastjson(), text);
        assert_eq!(
            value.to_standard(),
            r#"{"0":"a","-1":"b","c":{"{\"queueId\":0,\"topic\":\"t\"}":{"offset":12}}}"#
        );
        assert_eq!(read(&value.to_standard()).to_json(), value.to_json());
        let Value::Object(entries) = value else {
            panic!("an object")
        };
        assert_eq!(entries[0].0, Key::Integer(0));
    }

    #[test]
    fn texts_and_their_escapes_are_read() {
        let escapes = r#""\"\\\/\b\f\n\r\t\u4e2d\ud83d\ude00\v\0\7\x41""#;
        let expected = "\"\\/\u{8}\u{c}\n\r\t\u{4e2d}\u{1f600}\u{b}\0\u{7}A";
        assert_eq!(read(escapes), Value::Text(expected.to_owned()));
        assert_eq!(
            read("'it\\'s \"so\"'"),
            Value::Text("it's \"so\"".to_owned())
        );
        assert_eq!(
            read(r#""\ud83dx\ud83d\u0041\udc00""#),
            Value::Text("\u{fffd}x\u{fffd}A\u{fffd}".to_owned())
        );
        for code in 0..0x300_u32 {
            let value = Value::Text(char::from_u32(code).unwrap().to_string());
            assert_eq!(read(&value.to_fastjson()), value);
        }
    }

    #[test]
    fn numbers_are_kept_as_written() {
        for text in [
            "0",
            "-1",
            "9223372036854775807",
            "18446744073709551615",
            "0.0",
            "1.0E10",
            "-0",
        ] {
            assert_eq!(read(text).to_fastjson(), text);
        }
        assert_eq!(read("9223372036854775807"), Value::Integer(i64::MAX));
        assert_eq!(read("0.0"), Value::Decimal("0.0".to_owned()));
        assert_eq!(read("007").to_json(), None);
        assert_eq!(read("1e999").to_json(), None);
    }

    #[test]
    fn values_are_alike_once_their_entries_are_sorted() {
        let [one, other] = [
            r#"{"a":[{"b":1,"c":null}],"d":2}"#,
            r#"{"d":2,"a":[{"c":null,"b":1}]}"#,
        ];
        assert_ne!(read(one), read(other));
        assert_eq!(read(one).sorted(), read(other).sorted());
        assert_eq!(read(other).sorted().to_fastjson(), one);
    }

    #[test]
    fn of_equal_keys_the_last_counts() {
        assert_eq!(read(r#"{"a":1,"a":2}"#).get("a"), Some(&Value::Integer(2)));
        assert_eq!(
            read(r#"{"a":1,"a":2}"#).to_json(),
            Some(serde_json::json!({"a": 2}))
        );
    }

    #[test]
    fn what_is_no_value_is_refused_with_its_place() {
        for (text, position) in [
            ("", 0),
            ("{", 1),
            ("{\"a\"}", 4),
            ("{\"a\":1,}", 7),
            ("[1 2]", 3),
            ("nul", 0),
            ("\"a", 2),
            ("\"\\q\"", 2),
            ("\"\\u12g4\"", 5),
            ("1.", 2),
            ("-", 1),
            ("{1.5:0}", 4),
            ("{a:0}", 1),
            ("1 2", 2),
        ] {
            match parse(text.as_bytes()) {
                Err(Error::Unexpected {
                    position: found, ..
                }) => {
                    assert_eq!(found, position, "{text}");
                }
                other => panic!("{text}: {other:?}"),
            }
        }
        assert_eq!(parse(b"\"\xff\""), Err(Error::NotText { position: 1 }));
    }

    #[test]
    fn depth_and_number_of_values_are_limited() {
        let nested = |depth: usize| format!("{}{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(DEEPEST).as_bytes()).is_ok());
        assert!(matches!(
            parse(nested(DEEPEST + 1).as_bytes()),
            Err(Error::Limit { what: "levels", .. })
        ));
        let keys = format!("{}{}", "{".repeat(DEEPEST + 1), "}".repeat(DEEPEST + 1));
        assert!(matches!(
            parse(keys.as_bytes()),
            Err(Error::Limit { what: "levels", .. })
        ));
        let many = format!("[0{}]", ",0".repeat(MOST_VALUES));
        assert!(matches!(
            parse(many.as_bytes()),
            Err(Error::Limit { what: "values", .. })
        ));
        let large = vec![b' '; LARGEST_TEXT + 1];
        assert!(matches!(
            parse(&large),
            Err(Error::Limit { what: "bytes", .. })
        ));
    }
}
