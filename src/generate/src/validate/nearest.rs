//! The known word that is nearest to an unknown one.

/// The known name that is nearest to an unknown one, if it is near enough to be meant.
pub(crate) fn nearest<'a>(name: &str, known: &[&'a str]) -> Option<&'a str> {
    let name = bare(name);
    known
        .iter()
        .map(|candidate| (distance(&name, &bare(candidate)), *candidate))
        .filter(|(distance, candidate)| *distance * 5 <= candidate.len().max(5) * 2)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Whether two names differ in capitals, dashes and underscores only.
pub(super) fn is_alike(one: &str, other: &str) -> bool {
    bare(one) == bare(other)
}

fn bare(name: &str) -> String {
    name.to_lowercase().replace(['-', '_'], "")
}

/// How many letters must be put in, taken out or replaced to make one word the other.
fn distance(one: &str, other: &str) -> usize {
    let other: Vec<char> = other.chars().collect();
    let mut row: Vec<usize> = (0..=other.len()).collect();
    for (line, letter) in one.chars().enumerate() {
        let mut corner = row[0];
        row[0] = line + 1;
        for (column, candidate) in other.iter().enumerate() {
            let replaced = corner + usize::from(letter != *candidate);
            corner = row[column + 1];
            row[column + 1] = replaced.min(corner + 1).min(row[column] + 1);
        }
    }
    row[other.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_words_are_found_and_far_ones_are_not() {
        let known = ["groups", "replicasPerGroup", "storage"];
        assert_eq!(nearest("group", &known), Some("groups"));
        assert_eq!(
            nearest("replicas-per-group", &known),
            Some("replicasPerGroup")
        );
        assert_eq!(nearest("colour", &known), None);
        assert!(is_alike("Replicas_per_group", "replicasPerGroup"));
    }
}
