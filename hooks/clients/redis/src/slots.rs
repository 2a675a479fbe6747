//! Hash slots: the slot of a key, and sets of slots.

use std::fmt;
use std::ops::RangeInclusive;
use std::str::FromStr;
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use snafu::{OptionExt, Snafu, ensure};

/// How many slots a cluster has. Source: `CLUSTER_SLOTS` in `cluster.h`, the same in every version of Redis and Valkey.
pub const SLOTS: u16 = 16_384;
/// The slots that one word of a set holds.
const WORD: u16 = 64;
/// The words of a set.
const WORDS: usize = (SLOTS / WORD) as usize;

/// A hash slot, from 0 to 16383.
#[derive(Clone, Copy, Debug, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "u16", into = "u16")]
pub struct Slot(u16);

/// Why text or a number is no slot, or no set of slots.
#[derive(Clone, Debug, Eq, PartialEq, Snafu)]
#[snafu(display(
    "`{text}` is no slot and no range of slots; expected numbers from 0 to 16383 such as 5 or 0-5460"
))]
pub struct SlotError {
    /// What was found.
    text: String,
}

impl TryFrom<u16> for Slot {
    type Error = SlotError;

    fn try_from(number: u16) -> Result<Self, SlotError> {
        let text = number.to_string();
        ensure!(number < SLOTS, SlotSnafu { text });
        Ok(Self(number))
    }
}

impl From<Slot> for u16 {
    fn from(slot: Slot) -> Self {
        slot.0
    }
}

impl FromStr for Slot {
    type Err = SlotError;

    fn from_str(text: &str) -> Result<Self, SlotError> {
        // A sign would be read as part of a number, and no server writes one.
        let number = text
            .bytes()
            .all(|byte| byte.is_ascii_digit())
            .then(|| text.parse().ok());
        let number: u16 = number.flatten().context(SlotSnafu { text })?;
        Self::try_from(number)
    }
}

impl fmt::Display for Slot {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(formatter)
    }
}

/// The slot of a key: of what stands between its first brace and the next closing one, where there is anything, else of all of it.
/// Source: `keyHashSlot` in `cluster.c`.
#[must_use]
pub fn slot_of(key: &[u8]) -> Slot {
    let tag = || {
        let open = key.iter().position(|byte| *byte == b'{')?;
        let rest = key.get(open + 1..)?;
        let close = rest.iter().position(|byte| *byte == b'}')?;
        rest.get(..close).filter(|tag| !tag.is_empty())
    };
    Slot(checksum(tag().unwrap_or(key)) % SLOTS)
}

/// CRC-16 as XMODEM has it: polynomial 0x1021, beginning with 0, nothing reflected. Source: `crc16.c`.
fn checksum(bytes: &[u8]) -> u16 {
    bytes.iter().fold(0, |before: u16, byte| {
        (0..8).fold(before ^ (u16::from(*byte) << 8), |sum, _| {
            if sum & 0x8000 == 0 {
                sum << 1
            } else {
                (sum << 1) ^ 0x1021
            }
        })
    })
}

/// A set of slots. A copy is cheap: it is the same set until one of the two changes.
#[derive(Clone, Deserialize, Eq, Hash, Ord, PartialEq, PartialOrd, Serialize)]
#[serde(try_from = "String", into = "String")]
pub struct Slots(Arc<[u64; WORDS]>);

impl Default for Slots {
    fn default() -> Self {
        Self(Arc::new([0; WORDS]))
    }
}

impl Slots {
    /// All slots of a cluster.
    #[must_use]
    pub fn all() -> Self {
        Self(Arc::new([u64::MAX; WORDS]))
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> u16 {
        // At most 16384, since the words have no more bits.
        self.0
            .iter()
            .map(|word| u16::try_from(word.count_ones()).unwrap_or(WORD))
            .sum()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.iter().all(|word| *word == 0)
    }

    /// Whether a slot is among them.
    #[must_use]
    pub fn contains(&self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        self.0.get(word).is_some_and(|word| word & bit != 0)
    }

    /// Adds a slot; returns whether it is new.
    pub fn insert(&mut self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        Arc::make_mut(&mut self.0)
            .get_mut(word)
            .is_some_and(|word| {
                let is_new = *word & bit == 0;
                *word |= bit;
                is_new
            })
    }

    /// Takes a slot out; returns whether it was there.
    pub fn remove(&mut self, slot: Slot) -> bool {
        let (word, bit) = place(slot);
        Arc::make_mut(&mut self.0)
            .get_mut(word)
            .is_some_and(|word| {
                let was_there = *word & bit != 0;
                *word &= !bit;
                was_there
            })
    }

    /// Those that are in both.
    #[must_use]
    pub fn and(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| mine & theirs)
    }

    /// Those that are in either.
    #[must_use]
    pub fn or(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| mine | theirs)
    }

    /// Those that are here and not there.
    #[must_use]
    pub fn without(&self, other: &Self) -> Self {
        self.combined(other, |mine, theirs| mine & !theirs)
    }

    fn combined(&self, other: &Self, combine: fn(u64, u64) -> u64) -> Self {
        let mut words = *self.0;
        for (mine, theirs) in words.iter_mut().zip(other.0.iter()) {
            *mine = combine(*mine, *theirs);
        }
        Self(Arc::new(words))
    }

    /// Each slot, from the lowest.
    pub fn iter(&self) -> impl Iterator<Item = Slot> {
        (0..SLOTS).map(Slot).filter(|slot| self.contains(*slot))
    }

    /// The ranges that they form, from the lowest, none beside another.
    #[must_use]
    pub fn ranges(&self) -> Vec<RangeInclusive<Slot>> {
        let mut ranges: Vec<RangeInclusive<Slot>> = Vec::new();
        for slot in self.iter() {
            match ranges.last_mut() {
                Some(range) if range.end().0 + 1 == slot.0 => *range = *range.start()..=slot,
                _ => ranges.push(slot..=slot),
            }
        }
        ranges
    }
}

/// Where a slot is in a set: the number of the word, and the bit in it.
fn place(slot: Slot) -> (usize, u64) {
    (usize::from(slot.0 / WORD), 1 << (slot.0 % WORD))
}

impl FromIterator<Slot> for Slots {
    fn from_iter<I: IntoIterator<Item = Slot>>(slots: I) -> Self {
        let mut set = Self::default();
        set.extend(slots);
        set
    }
}

impl<'a> FromIterator<&'a Slots> for Slots {
    /// Those that are in any of some sets.
    fn from_iter<I: IntoIterator<Item = &'a Slots>>(sets: I) -> Self {
        let sets = sets.into_iter();
        sets.fold(Self::default(), |all, some| all.or(some))
    }
}

impl Extend<Slot> for Slots {
    fn extend<I: IntoIterator<Item = Slot>>(&mut self, slots: I) {
        for slot in slots {
            self.insert(slot);
        }
    }
}

impl FromStr for Slots {
    type Err = SlotError;

    /// Reads slots and ranges with commas or spaces between them, such as `0-5460,5462`.
    fn from_str(text: &str) -> Result<Self, SlotError> {
        let mut slots = Self::default();
        for part in text.split([',', ' ']).filter(|part| !part.is_empty()) {
            let (first, last) = part.split_once('-').unwrap_or((part, part));
            let (first, last): (Slot, Slot) = (first.parse()?, last.parse()?);
            ensure!(first <= last, SlotSnafu { text: part });
            slots.extend((first.0..=last.0).map(Slot));
        }
        Ok(slots)
    }
}

impl TryFrom<String> for Slots {
    type Error = SlotError;

    fn try_from(text: String) -> Result<Self, SlotError> {
        text.parse()
    }
}

impl From<Slots> for String {
    fn from(slots: Slots) -> Self {
        slots.to_string()
    }
}

impl fmt::Display for Slots {
    /// Ranges with commas between them, such as `0-5460,5462`; nothing where there is none.
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut comma = "";
        for range in self.ranges() {
            let (first, last) = (range.start(), range.end());
            if first == last {
                write!(formatter, "{comma}{first}")?;
            } else {
                write!(formatter, "{comma}{first}-{last}")?;
            }
            comma = ",";
        }
        Ok(())
    }
}

impl fmt::Debug for Slots {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Slots({self})")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_is_in_the_slot_that_servers_say() {
        // What `CLUSTER KEYSLOT` of Redis 7.0.15 answers.
        for (key, slot) in [
            ("", 0),
            ("123456789", 12739),
            ("foo", 12182),
            ("{foo}.bar", 12182),
            ("a{foo}{bar}", 12182),
            ("foo{}{bar}", 8363),
            ("foo{bar", 15278),
            ("foo{{bar}}zap", 4015),
        ] {
            assert_eq!(u16::from(slot_of(key.as_bytes())), slot, "{key}");
        }
    }

    #[test]
    fn a_set_is_written_as_it_is_read() {
        for text in [
            "",
            "0",
            "16383",
            "0-16383",
            "0-5460,5462,10923-16383",
            "63-64,127-129",
        ] {
            let slots: Slots = text.parse().unwrap();
            assert_eq!(slots.to_string(), text);
            assert_eq!(usize::from(slots.len()), slots.iter().count());
            assert_eq!(slots.is_empty(), text.is_empty());
        }
        assert_eq!("5 0-3 4".parse::<Slots>().unwrap().to_string(), "0-5");
        assert_eq!(Slots::all().to_string(), "0-16383");
        for wrong in ["16384", "-1", "5-3", "a", "1-", "+1", "1-2-3"] {
            let error = wrong.parse::<Slots>().unwrap_err();
            assert!(error.to_string().contains("from 0 to 16383"), "{wrong}");
        }
    }

    #[test]
    fn sets_are_combined() {
        let one: Slots = "0-99".parse().unwrap();
        let other: Slots = "50-149".parse().unwrap();
        assert_eq!(one.and(&other).to_string(), "50-99");
        assert_eq!(one.or(&other).to_string(), "0-149");
        assert_eq!(one.without(&other).to_string(), "0-49");
        let mut set = one.clone();
        let slot = Slot::try_from(7).unwrap();
        assert!(set.remove(slot) && !set.remove(slot) && !set.contains(slot));
        assert!(set.insert(slot) && !set.insert(slot) && set.contains(slot));
        assert_eq!(set, one);
    }
}
