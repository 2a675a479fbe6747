//! Figures as people read them.

/// The units above a byte.
const UNITS: [&str; 5] = ["KiB", "MiB", "GiB", "TiB", "PiB"];

/// A number of bytes, such as `512 B` or `1.5 GiB`.
pub(crate) fn bytes(count: u64) -> String {
    let mut below = count;
    let mut found = None;
    for unit in UNITS {
        if below < 1_024 {
            break;
        }
        found = Some((below, unit));
        below /= 1_024;
    }
    match found {
        None => format!("{count} B"),
        // In tenths of the unit, without a float: `below` is a whole number of the next smaller one.
        Some((below, unit)) => {
            let tenths = below * 10 / 1_024;
            format!("{}.{} {unit}", tenths / 10, tenths % 10)
        }
    }
}

/// A time, such as `12 s`, `5 min`, `3 h` or `40 d`.
pub(crate) fn time(seconds: u64) -> String {
    match seconds {
        0..120 => format!("{seconds} s"),
        120..7_200 => format!("{} min", seconds / 60),
        7_200..172_800 => format!("{} h", seconds / 3_600),
        _ => format!("{} d", seconds / 86_400),
    }
}

/// How many of some things belong to each of others, such as `0.1`.
pub(crate) fn each(things: u64, others: u64) -> String {
    let tenths = u128::from(things) * 10 / u128::from(others.max(1));
    format!("{}.{}", tenths / 10, tenths % 10)
}

/// What part one number is of another, such as `12 %`.
pub(crate) fn part(of: u64, all: u64) -> String {
    let percent = u128::from(of) * 100 / u128::from(all.max(1));
    format!("{percent} %")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_have_a_unit_that_can_be_read() {
        assert_eq!(bytes(0), "0 B");
        assert_eq!(bytes(1_023), "1023 B");
        assert_eq!(bytes(1_024), "1.0 KiB");
        assert_eq!(bytes(1_536 * 1_024), "1.5 MiB");
        assert_eq!(bytes(u64::MAX), "16383.9 PiB");
        assert_eq!(time(119), "119 s");
        assert_eq!(time(120), "2 min");
        assert_eq!(time(172_800), "2 d");
        assert_eq!(each(700, 5_461), "0.1");
        assert_eq!(each(7, 0), "7.0");
        assert_eq!(part(1, 3), "33 %");
        assert_eq!(part(0, 0), "0 %");
    }
}
