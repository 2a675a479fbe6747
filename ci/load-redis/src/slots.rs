//! The slots of a cluster: which one a key is in, and ranges of them.

/// How many slots there are.
pub const SLOTS: u16 = 16_384;
/// How many ranges of slots are told apart.
pub const RANGES: usize = 16;

/// The slot of a key without braces: CRC16 as XMODEM has it.
pub fn slot(key: &str) -> u16 {
    let sum = key.bytes().fold(0_u16, |sum, byte| {
        (0..8).fold(sum ^ (u16::from(byte) << 8), |sum, _| {
            (sum << 1) ^ if sum & 0x8000 == 0 { 0 } else { 0x1021 }
        })
    });
    sum % SLOTS
}

/// The range of a slot.
pub fn range(slot: u16) -> usize {
    part(slot, RANGES)
}

/// Which of so many equal parts of the slots one is in.
pub fn part(slot: u16, parts: usize) -> usize {
    usize::from(slot) * parts / usize::from(SLOTS)
}

/// The slots of one of so many equal parts that divide them, as `first-last`.
pub fn slots_of_range(number: usize, parts: usize) -> String {
    let size = usize::from(SLOTS) / parts;
    format!("{}-{}", number * size, (number + 1) * size - 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slots_are_those_of_the_servers() {
        assert_eq!(slot("123456789"), 0x31c3);
        assert_eq!(slot("foo"), 12_182);
        assert_eq!(slot("load:1"), slot("load:1"));
    }

    #[test]
    fn ranges_divide_the_slots() {
        assert_eq!(range(0), 0);
        assert_eq!(range(1023), 0);
        assert_eq!(range(1024), 1);
        assert_eq!(range(16_383), 15);
        assert_eq!(slots_of_range(1, RANGES), "1024-2047");
        assert_eq!(part(16_383, 64), 63);
    }
}
