//! What a key holds: which one it is and the number of the write that made it, so that any other value is told from the right one.

use std::fmt::Write;

/// What ends the part of a value that is not padding.
const PADDING: char = '.';

/// One value that the load has written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Record {
    /// Which run has written it.
    pub run: u64,
    /// The number of the key.
    pub key: u32,
    /// The number of the write among those to this key, from 1.
    pub sequence: u32,
}

/// What was found in a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Found {
    /// Nothing, or what an earlier run has left.
    Nothing,
    /// What the write of this number has put there.
    Sequence(u32),
    /// What no write of this run to this key can have put there.
    Damaged,
}

impl Record {
    /// The value as it is written: at least `size` bytes.
    pub fn text(self, size: usize) -> String {
        let mut text = format!("{:016x}:{}:{}:", self.run, self.key, self.sequence);
        // A `String` takes all that is written to it.
        let _ = write!(text, "{:016x}:", checksum(text.as_bytes()));
        while text.len() < size {
            text.push(PADDING);
        }
        text
    }

    /// The record of a value, unless its text is damaged.
    fn read(value: &[u8]) -> Option<Self> {
        let text = std::str::from_utf8(value).ok()?;
        let (head, padding) = text.rsplit_once(':')?;
        let (fields, sum) = head.rsplit_once(':')?;
        let hashed = text.get(..=fields.len())?;
        let mut parts = fields.split(':');
        let record = Self {
            run: u64::from_str_radix(parts.next()?, 16).ok()?,
            key: parts.next()?.parse().ok()?,
            sequence: parts.next()?.parse().ok()?,
        };
        let whole = parts.next().is_none()
            && sum == format!("{:016x}", checksum(hashed.as_bytes()))
            && padding.chars().all(|character| character == PADDING);
        whole.then_some(record)
    }

    /// What a value of a key says, for the run of this record.
    pub fn judge(run: u64, key: u32, value: Option<&[u8]>, size: usize) -> Found {
        let Some(value) = value else {
            return Found::Nothing;
        };
        match Self::read(value) {
            // Values of another run may have had another size.
            Some(record) if record.run != run => Found::Nothing,
            Some(record) if record.key == key && value == record.text(size).as_bytes() => {
                Found::Sequence(record.sequence)
            }
            _ => Found::Damaged,
        }
    }
}

/// FNV-1a of 64 bits: quick, and no two values of a run are alike by chance.
pub fn checksum(bytes: &[u8]) -> u64 {
    bytes.iter().fold(0xcbf2_9ce4_8422_2325, |sum, byte| {
        (sum ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: Record = Record {
        run: 7,
        key: 12,
        sequence: 345,
    };

    fn judged(text: &str, size: usize) -> Found {
        Record::judge(7, 12, Some(text.as_bytes()), size)
    }

    #[test]
    fn a_value_is_read_back() {
        for size in [0, 60, 100, 16_384] {
            let text = RECORD.text(size);
            assert!(text.len() >= size);
            assert_eq!(judged(&text, size), Found::Sequence(345));
        }
    }

    #[test]
    fn nothing_and_what_another_run_has_left_are_nothing() {
        assert_eq!(Record::judge(7, 12, None, 100), Found::Nothing);
        let other = Record { run: 8, ..RECORD }.text(100);
        assert_eq!(judged(&other, 100), Found::Nothing);
        assert_eq!(judged(&other, 200), Found::Nothing);
    }

    #[test]
    fn whatever_is_not_of_the_key_is_damage() {
        let text = RECORD.text(100);
        let other = Record { key: 13, ..RECORD }.text(100);
        let changed = text.replacen(":345:", ":346:", 1);
        for damaged in [
            &other,
            &changed,
            &text[..99],
            &format!("{text}."),
            &text.replace("..", "x."),
            "",
            "no record",
        ] {
            assert_eq!(judged(damaged, 100), Found::Damaged, "{damaged}");
        }
    }
}
