//! Patterns of names: `*` stands for any text, everything else for itself.

/// Whether a text matches a pattern as a whole.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((head, rest)) = pattern.split_once('*') else {
        return pattern == text;
    };
    let Some(mut text) = text.strip_prefix(head) else {
        return false;
    };
    let (middle, tail) = match rest.rsplit_once('*') {
        Some((middle, tail)) => (middle, tail),
        None => ("", rest),
    };
    // Each part as early as it can be leaves the most for those that follow.
    for part in middle.split('*') {
        match text.split_once(part) {
            Some((_, after)) => text = after,
            None => return false,
        }
    }
    text.ends_with(tail)
}

/// Whether a text matches one of the patterns; no patterns match everything.
pub(crate) fn matches_any(patterns: &[String], text: &str) -> bool {
    patterns.is_empty() || patterns.iter().any(|pattern| matches(pattern, text))
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn a_star_stands_for_any_text() {
        for (pattern, text) in [
            ("", ""),
            ("*", ""),
            ("*", "anything"),
            ("web", "web"),
            ("web-*", "web-1"),
            ("*:latest", "docker.io/library/nginx:latest"),
            ("a*b*c", "a1b2b3c"),
            ("a**c", "ac"),
            ("*é*", "café au lait"),
        ] {
            assert!(matches(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in [
            ("web", "web-1"),
            ("web-*", "api-1"),
            ("a*b*c", "a1c"),
            ("ab*ba", "aba"),
            ("", "a"),
        ] {
            assert!(!matches(pattern, text), "{pattern} {text}");
        }
    }
}
