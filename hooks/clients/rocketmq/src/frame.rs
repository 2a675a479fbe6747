//! The frame of the remoting protocol: lengths, a header in one of two formats, and a body.
//!
//! On the wire, all numbers big-endian: `i32` bytes that follow; `i32` whose top byte is the header's format (0 JSON,
//! 1 binary) and whose other bytes are the header's length; the header; the body. A server answers in the format of
//! the request (`RemotingCommand` and `RocketMQSerializable` of the product).

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::fastjson::{self, Value};

/// Most bytes of a frame after its first length: the default of the servers' `frameMaxLength`.
pub const LARGEST_FRAME: usize = 16 * 1024 * 1024;
/// Most bytes of a header. Real ones have some hundred; the rest of a frame's bytes are its body.
pub const LARGEST_HEADER: usize = 1024 * 1024;
/// Bit of the flag that tells an answer from a request.
const ANSWER: i32 = 1;
/// Bit of the flag of a request that wants no answer.
const ONE_WAY: i32 = 2;
/// The names of languages in the order of their numbers in the binary header.
const LANGUAGES: [&str; 14] = [
    "JAVA", "CPP", "DOTNET", "PYTHON", "DELPHI", "ERLANG", "RUBY", "OTHER", "HTTP", "GO", "PHP",
    "OMS", "RUST", "NODE_JS",
];
/// What this client says it is. `RUST` is unknown to old servers, which drop the connection over it.
const OWN_LANGUAGE: &str = "OTHER";

/// One frame: a request or an answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
pub struct Frame {
    /// The request's code, or the answer's: 0 means done.
    pub code: i32,
    /// The language that the sender is written in; numbers that are not known are read as `OTHER`.
    pub language: String,
    /// The sender's version as an ordinal (see [`crate::ProductVersion`]); requests of this client say 0.
    pub version: i32,
    /// The number by which the asker knows the answer.
    pub opaque: i32,
    /// Bit 0: an answer; bit 1: no answer is wanted.
    pub flag: i32,
    /// A remark for people, of errors above all.
    pub remark: Option<String>,
    /// The fields of the code's own header.
    pub fields: BTreeMap<String, String>,
    /// The body; its form depends on the code.
    pub body: Vec<u8>,
}

/// Why bytes are not a frame, or a frame cannot be written.
#[derive(Debug, Clone, Eq, PartialEq, Snafu)]
pub enum FrameError {
    /// More bytes than a server takes.
    #[snafu(display("{part} has {bytes} bytes; at most {limit} are allowed"))]
    TooLarge {
        /// Which part.
        part: &'static str,
        /// How many it has or claims.
        bytes: usize,
        /// How many are allowed.
        limit: usize,
    },
    /// A length does not fit the bytes that are there.
    #[snafu(display("{part} claims {claimed} bytes where {present} are present"))]
    Length {
        /// Which part.
        part: &'static str,
        /// What its length says.
        claimed: i64,
        /// How many there are.
        present: usize,
    },
    /// A header's format is neither 0 nor 1.
    #[snafu(display("header format {format} is not known; expected 0 (JSON) or 1 (binary)"))]
    Format {
        /// The number found.
        format: u8,
    },
    /// The header is not JSON.
    #[snafu(display("the header is not JSON: {source}"))]
    Json {
        /// What is wrong with it.
        source: fastjson::Error,
    },
    /// A field of the header has the wrong form.
    #[snafu(display("header field `{field}` is wrong; expected {expected}"))]
    Field {
        /// The field's name.
        field: String,
        /// What it must be.
        expected: &'static str,
    },
}

impl Frame {
    /// A request without fields and body.
    #[must_use]
    pub fn request(code: i32, opaque: i32) -> Self {
        Self {
            code,
            language: OWN_LANGUAGE.to_owned(),
            version: 0,
            opaque,
            flag: 0,
            remark: None,
            fields: BTreeMap::new(),
            body: Vec::new(),
        }
    }

    /// A server's answer to a request: code 0, no fields, no body.
    #[must_use]
    pub fn answer(request: &Self, version: i32) -> Self {
        Self {
            code: 0,
            language: "JAVA".to_owned(),
            version,
            opaque: request.opaque,
            flag: ANSWER,
            remark: None,
            fields: BTreeMap::new(),
            body: Vec::new(),
        }
    }

    /// Whether it is an answer.
    #[must_use]
    pub fn is_answer(&self) -> bool {
        self.flag & ANSWER != 0
    }

    /// Whether it is a request that wants no answer.
    #[must_use]
    pub fn is_one_way(&self) -> bool {
        self.flag & ONE_WAY != 0
    }

    /// The bytes on the wire, with a JSON header.
    ///
    /// # Errors
    /// When the frame or its header is too large.
    pub fn to_bytes(&self) -> Result<Vec<u8>, FrameError> {
        self.assemble(0, &self.json_header())
    }

    /// The bytes on the wire, with a binary header, which every known version reads as well.
    ///
    /// # Errors
    /// When the frame, its header or a key is too large, or code or version do not fit 16 bits.
    pub fn to_bytes_binary(&self) -> Result<Vec<u8>, FrameError> {
        self.assemble(1, &self.binary_header()?)
    }

    fn assemble(&self, format: u8, header: &[u8]) -> Result<Vec<u8>, FrameError> {
        let limit = LARGEST_HEADER;
        ensure!(
            header.len() <= limit,
            TooLargeSnafu {
                part: "the header",
                bytes: header.len(),
                limit
            }
        );
        let total = 4 + header.len() + self.body.len();
        let length = length_of("the frame", total, LARGEST_FRAME)?;
        let mut bytes = Vec::with_capacity(4 + total);
        bytes.extend(length.to_be_bytes());
        let mark = length_of("the header", header.len(), limit)?.to_be_bytes();
        bytes.extend([format, mark[1], mark[2], mark[3]]);
        bytes.extend(header);
        bytes.extend(&self.body);
        Ok(bytes)
    }

    fn json_header(&self) -> Vec<u8> {
        let text = |value: &str| Value::Text(value.to_owned());
        let number = |value: i32| Value::Integer(i64::from(value));
        let mut entries = vec![
            ("code", number(self.code)),
            ("flag", number(self.flag)),
            ("language", text(&self.language)),
            ("opaque", number(self.opaque)),
            ("serializeTypeCurrentRPC", text("JSON")),
            ("version", number(self.version)),
        ];
        if let Some(remark) = &self.remark {
            entries.push(("remark", text(remark)));
        }
        if !self.fields.is_empty() {
            let fields = self
                .fields
                .iter()
                .map(|(name, value)| (name.as_str(), text(value)));
            entries.push(("extFields", Value::object(fields)));
        }
        Value::object(entries).to_standard().into_bytes()
    }

    fn binary_header(&self) -> Result<Vec<u8>, FrameError> {
        let short = |field: &str, value: i32| {
            i16::try_from(value).ok().context(FieldSnafu {
                field,
                expected: "a number that fits 16 bits",
            })
        };
        let limit = LARGEST_HEADER;
        let mut header = Vec::new();
        header.extend(short("code", self.code)?.to_be_bytes());
        let language = LANGUAGES.iter().position(|name| *name == self.language);
        let number = language.and_then(|number| u8::try_from(number).ok());
        header.push(number.context(FieldSnafu {
            field: "language",
            expected: "one of the known names",
        })?);
        header.extend(short("version", self.version)?.to_be_bytes());
        header.extend(self.opaque.to_be_bytes());
        header.extend(self.flag.to_be_bytes());
        let remark = self.remark.as_deref().unwrap_or_default();
        header.extend(length_of("the remark", remark.len(), limit)?.to_be_bytes());
        header.extend(remark.as_bytes());
        let mut fields = Vec::new();
        for (name, value) in &self.fields {
            let length = i16::try_from(name.len()).ok().context(TooLargeSnafu {
                part: "a field's name",
                bytes: name.len(),
                limit: usize::from(i16::MAX.unsigned_abs()),
            })?;
            fields.extend(length.to_be_bytes());
            fields.extend(name.as_bytes());
            fields.extend(length_of("a field's value", value.len(), limit)?.to_be_bytes());
            fields.extend(value.as_bytes());
        }
        header.extend(length_of("the fields", fields.len(), limit)?.to_be_bytes());
        header.extend(fields);
        Ok(header)
    }

    /// Reads one frame, with either header, from exactly its bytes.
    ///
    /// # Errors
    /// When they are not one whole frame, or more than allowed.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader { bytes };
        let claimed = reader.number("the frame")?;
        let present = reader.bytes.len();
        ensure!(
            usize::try_from(claimed).is_ok_and(|claimed| claimed == present),
            LengthSnafu {
                part: "the frame",
                claimed,
                present
            }
        );
        ensure!(
            present <= LARGEST_FRAME,
            TooLargeSnafu {
                part: "the frame",
                bytes: present,
                limit: LARGEST_FRAME
            }
        );
        let [format, high, middle, low] = reader.array("the header's length")?;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        ensure!(
            length <= LARGEST_HEADER,
            TooLargeSnafu {
                part: "the header",
                bytes: length,
                limit: LARGEST_HEADER
            }
        );
        let header = reader.take(
            "the header",
            i64::from(u32::from_be_bytes([0, high, middle, low])),
        )?;
        let mut frame = match format {
            0 => Self::from_json_header(header)?,
            1 => Self::from_binary_header(header)?,
            _ => return FormatSnafu { format }.fail(),
        };
        frame.body = reader.bytes.to_vec();
        Ok(frame)
    }

    fn from_json_header(header: &[u8]) -> Result<Self, FrameError> {
        let value = fastjson::parse(header).context(JsonSnafu)?;
        ensure!(
            matches!(value, Value::Object(_)),
            FieldSnafu {
                field: "(the whole header)",
                expected: "an object"
            }
        );
        let number = |field: &str| match value.get(field) {
            Some(Value::Integer(number)) => i32::try_from(*number).ok().context(FieldSnafu {
                field,
                expected: "a number of 32 bits",
            }),
            _ => FieldSnafu {
                field,
                expected: "a whole number",
            }
            .fail(),
        };
        let text = |field: &str| match value.get(field) {
            Some(Value::Text(text)) => Ok(Some(text.clone())),
            Some(Value::Null) | None => Ok(None),
            Some(_) => FieldSnafu {
                field,
                expected: "text",
            }
            .fail(),
        };
        let mut fields = BTreeMap::new();
        match value.get("extFields") {
            Some(Value::Null) | None => {}
            Some(Value::Object(entries)) => {
                for (key, value) in entries {
                    match value {
                        Value::Text(value) => {
                            fields.insert(key.to_string(), value.clone());
                        }
                        Value::Null => {}
                        _ => {
                            let field = format!("extFields.{key}");
                            return FieldSnafu {
                                field,
                                expected: "text",
                            }
                            .fail();
                        }
                    }
                }
            }
            Some(_) => {
                return FieldSnafu {
                    field: "extFields",
                    expected: "an object",
                }
                .fail();
            }
        }
        Ok(Self {
            code: number("code")?,
            language: text("language")?.unwrap_or_else(|| OWN_LANGUAGE.to_owned()),
            version: number("version")?,
            opaque: number("opaque")?,
            flag: number("flag")?,
            remark: text("remark")?,
            fields,
            body: Vec::new(),
        })
    }

    fn from_binary_header(header: &[u8]) -> Result<Self, FrameError> {
        let mut reader = Reader { bytes: header };
        let code = i32::from(i16::from_be_bytes(reader.array("the code")?));
        let [language] = reader.array("the language")?;
        let version = i32::from(i16::from_be_bytes(reader.array("the version")?));
        let opaque = i32::from_be_bytes(reader.array("the opaque number")?);
        let flag = i32::from_be_bytes(reader.array("the flag")?);
        let length = reader.number("the remark")?;
        let remark = reader.text("remark", length)?;
        let length = reader.number("the fields")?;
        let mut rest = Reader {
            bytes: reader.take("the fields", length)?,
        };
        ensure!(
            reader.bytes.is_empty(),
            LengthSnafu {
                part: "the fields",
                claimed: length,
                present: header.len()
            }
        );
        let mut fields = BTreeMap::new();
        while !rest.bytes.is_empty() {
            let length = i16::from_be_bytes(rest.array("a field's name")?);
            let name = rest
                .text("extFields", i64::from(length))?
                .unwrap_or_default();
            let length = rest.number("a field's value")?;
            fields.insert(name, rest.text("extFields", length)?.unwrap_or_default());
        }
        let language = LANGUAGES
            .get(usize::from(language))
            .unwrap_or(&OWN_LANGUAGE);
        Ok(Self {
            code,
            language: (*language).to_owned(),
            version,
            opaque,
            flag,
            remark,
            fields,
            body: Vec::new(),
        })
    }
}

fn length_of(part: &'static str, bytes: usize, limit: usize) -> Result<i32, FrameError> {
    i32::try_from(bytes)
        .ok()
        .filter(|_| bytes <= limit)
        .context(TooLargeSnafu { part, bytes, limit })
}

/// Bytes that are still to be read.
struct Reader<'a> {
    bytes: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, part: &'static str, claimed: i64) -> Result<&'a [u8], FrameError> {
        let present = self.bytes.len();
        let (taken, rest) = usize::try_from(claimed)
            .ok()
            .and_then(|length| self.bytes.split_at_checked(length))
            .context(LengthSnafu {
                part,
                claimed,
                present,
            })?;
        self.bytes = rest;
        Ok(taken)
    }

    fn array<const LENGTH: usize>(
        &mut self,
        part: &'static str,
    ) -> Result<[u8; LENGTH], FrameError> {
        let present = self.bytes.len();
        let claimed = i64::try_from(LENGTH).unwrap_or(i64::MAX);
        let (taken, rest) = self.bytes.split_first_chunk().context(LengthSnafu {
            part,
            claimed,
            present,
        })?;
        self.bytes = rest;
        Ok(*taken)
    }

    fn number(&mut self, part: &'static str) -> Result<i64, FrameError> {
        Ok(i64::from(i32::from_be_bytes(self.array(part)?)))
    }

    /// Text of a length; none when that is 0, as the product has it.
    fn text(&mut self, field: &'static str, length: i64) -> Result<Option<String>, FrameError> {
        if length == 0 {
            return Ok(None);
        }
        let bytes = self.take("a text of the header", length)?;
        let text = std::str::from_utf8(bytes).ok().context(FieldSnafu {
            field,
            expected: "text in UTF-8",
        })?;
        Ok(Some(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn example() -> Frame {
        let mut frame = Frame::request(105, 7);
        frame
            .fields
            .insert("topic".to_owned(), "a \"quoted\" \u{4e2d}".to_owned());
        frame.remark = Some("line\nbreak".to_owned());
        frame.body = vec![0, 1, 2, 255];
        frame
    }

    #[test]
    fn the_layout_is_the_documented_one() {
        let bytes = Frame::request(106, 3).to_bytes().unwrap();
        let header = r#"{"code":106,"flag":0,"language":"OTHER","opaque":3,"serializeTypeCurrentRPC":"JSON","version":0}"#;
        let length = u8::try_from(header.len()).unwrap();
        assert_eq!(bytes[..8], [0, 0, 0, length + 4, 0, 0, 0, length]);
        assert_eq!(&bytes[8..], header.as_bytes());
        let bytes = Frame::request(106, 3).to_bytes_binary().unwrap();
        let header = [
            0, 106, 7, 0, 0, 0, 0, 0, 3, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
        ];
        assert_eq!(bytes[..8], [0, 0, 0, 25, 1, 0, 0, 21]);
        assert_eq!(bytes[8..], header);
    }

    #[test]
    fn both_header_formats_carry_everything() {
        let frame = example();
        assert_eq!(
            Frame::from_bytes(&frame.to_bytes().unwrap()).unwrap(),
            frame
        );
        assert_eq!(
            Frame::from_bytes(&frame.to_bytes_binary().unwrap()).unwrap(),
            frame
        );
    }

    #[test]
    fn every_torn_frame_is_refused() {
        for bytes in [
            example().to_bytes().unwrap(),
            example().to_bytes_binary().unwrap(),
        ] {
            for length in 0..bytes.len() {
                assert!(Frame::from_bytes(&bytes[..length]).is_err(), "{length}");
            }
            let mut longer = bytes.clone();
            longer.push(0);
            assert!(Frame::from_bytes(&longer).is_err());
        }
    }

    #[test]
    fn lengths_that_lie_are_refused_by_name() {
        let mut bytes = example().to_bytes_binary().unwrap();
        bytes[4] = 2;
        assert_eq!(
            Frame::from_bytes(&bytes),
            Err(FrameError::Format { format: 2 })
        );
        bytes[4..8].copy_from_slice(&[1, 255, 255, 255]);
        assert!(matches!(
            Frame::from_bytes(&bytes),
            Err(FrameError::TooLarge {
                part: "the header",
                bytes: 0xff_ffff,
                ..
            })
        ));
        bytes[..4].copy_from_slice(&(-1_i32).to_be_bytes());
        assert!(matches!(
            Frame::from_bytes(&bytes),
            Err(FrameError::Length {
                part: "the frame",
                claimed: -1,
                ..
            })
        ));
    }

    #[test]
    fn a_frame_above_the_limit_is_not_written() {
        let mut frame = Frame::request(25, 0);
        frame.body = vec![0; LARGEST_FRAME];
        assert!(matches!(
            frame.to_bytes(),
            Err(FrameError::TooLarge {
                part: "the frame",
                ..
            })
        ));
        let mut frame = Frame::request(70_000, 0);
        assert!(frame.to_bytes().is_ok());
        assert!(
            matches!(frame.to_bytes_binary(), Err(FrameError::Field { field, .. }) if field == "code")
        );
        frame.code = 1;
        frame.language = "ELVISH".to_owned();
        assert!(frame.to_bytes_binary().is_err());
    }
}
