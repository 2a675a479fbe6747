//! Amounts without a unit or with a wrong one, and what is meant by them.

/// The units of memory and disk that charts take.
const UNITS: [&str; 3] = ["Mi", "Gi", "Ti"];

/// What an amount of memory or disk is likely to mean: `2G`, `512MB`, `2 gi` and `1.5Gi` say enough, a number alone does not.
pub(super) fn bytes(written: &str) -> Option<String> {
    let (number, word) = split(written);
    let word = word.trim();
    let first = word.chars().next()?;
    let capital = first.to_ascii_uppercase();
    let unit = UNITS.iter().position(|known| known.starts_with(capital))?;
    let rest = word.strip_prefix(first)?;
    if !["", "b", "i", "ib"].contains(&rest.to_ascii_lowercase().as_str()) {
        return None;
    }
    if let Ok(whole) = number.parse::<u32>() {
        return Some(format!("{whole}{}", UNITS[unit]));
    }
    // A fraction is a whole number of the next smaller unit, or it is nothing.
    let (whole, fraction) = number.split_once('.')?;
    let smaller = UNITS.get(unit.checked_sub(1)?)?;
    let parts = thousandths(whole, fraction)? * 1024;
    (parts % 1000 == 0).then(|| format!("{}{smaller}", parts / 1000))
}

/// What an amount of CPU is likely to mean: half a core is 500 thousandths.
pub(super) fn cpu(written: &str) -> Option<String> {
    let (number, unit) = split(written);
    match (number.split_once('.'), unit.trim()) {
        (Some((whole, fraction)), "") => {
            let thousandths = thousandths(whole, fraction).filter(|amount| *amount > 0)?;
            Some(if thousandths % 1000 == 0 {
                (thousandths / 1000).to_string()
            } else {
                format!("{thousandths}m")
            })
        }
        (None, "M" | "m") => number
            .parse::<u32>()
            .ok()
            .map(|amount| format!("{amount}m")),
        _ => None,
    }
}

fn split(written: &str) -> (&str, &str) {
    let end = written.find(|letter: char| !letter.is_ascii_digit() && letter != '.');
    written.split_at(end.unwrap_or(written.len()))
}

fn thousandths(whole: &str, fraction: &str) -> Option<u64> {
    if fraction.is_empty() || fraction.len() > 3 {
        return None;
    }
    let whole = match whole {
        "" => 0,
        digits => digits.parse::<u32>().ok()?,
    };
    let fraction = format!("{fraction:0<3}").parse::<u32>().ok()?;
    Some(u64::from(whole) * 1000 + u64::from(fraction))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_meant_is_found() {
        for (written, meant) in [
            ("2G", Some("2Gi")),
            ("512MB", Some("512Mi")),
            ("2 gi", Some("2Gi")),
            ("20GiB", Some("20Gi")),
            ("1.5Gi", Some("1536Mi")),
            ("1.3Gi", None),
            ("512", None),
            ("512k", None),
            ("2Gigs", None),
            ("", None),
        ] {
            assert_eq!(bytes(written).as_deref(), meant, "{written}");
        }
        for (written, meant) in [
            ("0.5", Some("500m")),
            ("2.0", Some("2")),
            ("250M", Some("250m")),
            ("two", None),
            ("0.0", None),
        ] {
            assert_eq!(cpu(written).as_deref(), meant, "{written}");
        }
    }
}
