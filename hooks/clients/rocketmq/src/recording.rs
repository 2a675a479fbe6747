//! Exchanges with live servers, recorded as readable files: what tests and simulated servers are held against.

use serde::{Deserialize, Serialize};
use snafu::{OptionExt, Snafu};

use crate::request::Request;

/// One request to a live server and its answer.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Recording {
    /// The version of the server, as its packages are named: for example `5.4.0`.
    pub server: String,
    /// The command that made the recording.
    pub command: String,
    /// What was asked.
    pub request: Request,
    /// The request's frame.
    pub sent: Wire,
    /// The answer's frame.
    pub received: Wire,
}

/// The bytes of a frame without its lengths, as text.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Wire {
    /// The header.
    pub header: Header,
    /// The body.
    pub body: Body,
}

/// The bytes of a body.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Body {
    /// Text, as it is.
    Text(String),
    /// Anything else, in hexadecimal digits.
    Binary {
        /// The digits.
        binary: String,
    },
}

/// The bytes of a header.
#[derive(Clone, Debug, Eq, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Header {
    /// A header in JSON, as it is.
    Json(String),
    /// A binary header, in hexadecimal digits.
    Binary(String),
}

/// Why bytes cannot be recorded or a recording is no frame.
#[derive(Debug, Clone, Eq, PartialEq, Snafu)]
pub enum Error {
    /// The bytes are shorter than the frame's lengths say, or of an unknown format.
    #[snafu(display("the bytes are no whole frame; expected both lengths, a header and a body"))]
    NotAFrame,
    /// A header in JSON is not text.
    #[snafu(display("the header is not UTF-8, which JSON must be"))]
    NotText,
    /// A binary header or body is not in hexadecimal digits.
    #[snafu(display("a binary header or body is not in pairs of hexadecimal digits"))]
    Digits,
}

impl Wire {
    /// Takes a frame's bytes apart.
    ///
    /// # Errors
    /// When they are no frame, or its header in JSON is not text.
    pub fn of(bytes: &[u8]) -> Result<Self, Error> {
        let text = |bytes: &[u8]| String::from_utf8(bytes.to_vec()).ok();
        let (lengths, rest) = bytes.split_first_chunk::<8>().context(NotAFrameSnafu)?;
        let [_, _, _, _, format, high, middle, low] = *lengths;
        let length = u32::from_be_bytes([0, high, middle, low]) as usize;
        let (header, body) = rest.split_at_checked(length).context(NotAFrameSnafu)?;
        let header = match format {
            0 => Header::Json(text(header).context(NotTextSnafu)?),
            1 => Header::Binary(to_hexadecimal(header)),
            _ => return NotAFrameSnafu.fail(),
        };
        let body = text(body).map_or_else(
            || Body::Binary {
                binary: to_hexadecimal(body),
            },
            Body::Text,
        );
        Ok(Self { header, body })
    }

    /// Puts the frame's bytes together again.
    ///
    /// # Errors
    /// When the recording is not one that [`Wire::of`] made.
    pub fn to_bytes(&self) -> Result<Vec<u8>, Error> {
        let (format, header) = match &self.header {
            Header::Json(text) => (0, text.clone().into_bytes()),
            Header::Binary(digits) => (1, from_hexadecimal(digits).context(DigitsSnafu)?),
        };
        let body = match &self.body {
            Body::Text(text) => text.clone().into_bytes(),
            Body::Binary { binary } => from_hexadecimal(binary).context(DigitsSnafu)?,
        };
        let total = u32::try_from(4 + header.len() + body.len())
            .ok()
            .context(NotAFrameSnafu)?;
        let length = u32::try_from(header.len()).ok().context(NotAFrameSnafu)?;
        let mut bytes = total.to_be_bytes().to_vec();
        bytes.push(format);
        bytes.extend(&length.to_be_bytes()[1..]);
        bytes.extend(header);
        bytes.extend(body);
        Ok(bytes)
    }
}

fn to_hexadecimal(bytes: &[u8]) -> String {
    let digit = |value: u8| char::from_digit(u32::from(value), 16).unwrap_or('0');
    bytes
        .iter()
        .flat_map(|byte| [digit(byte >> 4), digit(byte & 0xf)])
        .collect()
}

fn from_hexadecimal(digits: &str) -> Option<Vec<u8>> {
    let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
    if !rest.is_empty() {
        return None;
    }
    let digit = |byte: u8| {
        char::from(byte)
            .to_digit(16)
            .and_then(|digit| u8::try_from(digit).ok())
    };
    pairs
        .iter()
        .map(|[high, low]| Some(digit(*high)? << 4 | digit(*low)?))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Frame;

    #[test]
    fn bytes_come_back_as_they_were() {
        let mut frame = Frame::request(105, 9);
        frame.body = b"a=\xc3\xa9\n".to_vec();
        for bytes in [frame.to_bytes().unwrap(), frame.to_bytes_binary().unwrap()] {
            assert_eq!(Wire::of(&bytes).unwrap().to_bytes().unwrap(), bytes);
            assert_eq!(Wire::of(&bytes[..20]), Err(Error::NotAFrame));
        }
        frame.body = vec![0xff, 0];
        let bytes = frame.to_bytes().unwrap();
        let wire = Wire::of(&bytes).unwrap();
        let binary = "ff00".to_owned();
        assert_eq!(wire.body, Body::Binary { binary });
        assert_eq!(wire.to_bytes().unwrap(), bytes);
        let wire = Wire {
            header: Header::Binary("0g".to_owned()),
            body: Body::Text(String::new()),
        };
        assert_eq!(wire.to_bytes(), Err(Error::Digits));
    }
}
