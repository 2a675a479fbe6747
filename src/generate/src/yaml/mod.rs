//! YAML, read and written: the only module that names the crate for it.

mod compose;
mod document;
mod resolve;

use serde_json::Value;

pub(crate) use compose::compose;
pub(crate) use document::{Content, Entry, Found, Lines, Node, Scalar};
pub(crate) use resolve::plain;

/// The value of a text as Helm reads it; of a text that cannot be read, `Null`.
#[cfg(test)]
pub(crate) fn read(text: &str) -> Value {
    compose(text).root.value()
}

/// Writes a value that has no lines of its own: text, a number, or a collection within its brackets.
pub(crate) fn scalar(value: &Value) -> String {
    match value {
        Value::String(text) if is_plain(text) => text.clone(),
        Value::Array(items) => {
            let items: Vec<String> = items.iter().map(scalar).collect();
            format!("[{}]", items.join(", "))
        }
        Value::Object(fields) => {
            let fields: Vec<String> = fields
                .iter()
                .map(|(name, value)| {
                    format!("{}: {}", scalar(&name.as_str().into()), scalar(value))
                })
                .collect();
            format!("{{{}}}", fields.join(", "))
        }
        other => other.to_string(),
    }
}

/// Whether text means itself without quotes, in YAML 1.1 and 1.2 alike.
fn is_plain(text: &str) -> bool {
    let word = text.to_ascii_lowercase();
    text.starts_with(|first: char| first.is_ascii_alphabetic())
        && text
            .chars()
            .all(|letter| letter.is_ascii_alphanumeric() || "._/-".contains(letter))
        && !["y", "n", "yes", "no", "on", "off", "true", "false", "null"].contains(&word.as_str())
}

#[cfg(test)]
mod tests {
    use std::fmt::Write;

    use super::*;
    use serde_json::json;

    fn findings(text: &str) -> Vec<String> {
        let composed = compose(text);
        let show = |finding: &midships_model::rules::Finding| {
            let place = finding.place.unwrap();
            format!(
                "{}:{}-{}:{} {}: {finding}",
                place.line, place.column, place.end_line, place.end_column, finding.rule
            )
        };
        composed.findings.iter().map(show).collect()
    }

    #[test]
    fn documents_are_read_as_helm_reads_them() {
        assert_eq!(read("# nothing\n"), Value::Null);
        assert_eq!(
            read("a: 1\nb: [x, 2Gi, \"3\"]\nc: {d: true}\n"),
            json!({"a": 1, "b": ["x", "2Gi", "3"], "c": {"d": true}})
        );
        assert_eq!(read("a: 1\na: 2\n"), json!({"a": 2}));
        assert_eq!(
            read("on: off\n1: !!str 2\n? a\n: |\n  x\n"),
            json!({"true": false, "1": "2", "a": "x\n"})
        );
        assert_eq!(
            read("a: &x {b: 1, c: 2}\nd: {b: 0, <<: *x, c: 3}\ne: *x\n"),
            json!({"a": {"b": 1, "c": 2}, "d": {"b": 1, "c": 3}, "e": {"b": 1, "c": 2}})
        );
        let comments = "# line\n".repeat(500);
        assert_eq!(
            read(&format!("a: 1\n{comments}b: 2\n")),
            json!({"a": 1, "b": 2})
        );
    }

    #[test]
    fn what_helm_reads_in_silence_is_found() {
        let text = "a: 1\nb:\n  - c: 2\n    c: .inf\n---\n---\nd: 1\n";
        insta::assert_snapshot!(findings(text).join("\n"), @r"
        4:8-4:12 yaml-number: b[0].c: found .inf, a number that JSON does not have; allowed: finite numbers; write a number, or put it in quotes if it is text
        4:5-4:6 yaml-duplicate-key: b[0].c: found the key `c` again; allowed: each key once; keep one of them: Helm takes the last and says nothing
        6:1-6:4 yaml-documents: found another document; allowed: one document; Helm 3 reads only the first document and Helm 4 merges them all: write one, or a file each
        ");
    }

    #[test]
    fn what_cannot_be_read_is_found_where_it_stands() {
        for (text, start) in [
            ("a:\n\tb: 1\n", "2:1-2:2 yaml-tab: found a tab"),
            (
                "a: *b\n",
                "1:4-1:5 yaml-syntax: found text that is not YAML",
            ),
            (
                "a: &a {b: *a}\n",
                "1:11-1:13 yaml-syntax: a.b: found an alias inside",
            ),
            ("{a: 1}: 2\n", "1:1-1:7 yaml-key: found the key `{a: 1}`"),
        ] {
            let found = findings(text).join("\n");
            assert!(found.starts_with(start), "{text}: {found}");
            assert!(compose(text).is_broken, "{text}");
        }
        assert!(findings("a: [1\n")[0].contains("yaml-syntax"));
    }

    #[test]
    fn aliases_of_aliases_end() {
        let mut text = "a0: &a0 [1, 2, 3, 4, 5, 6, 7, 8, 9, 0]\n".to_owned();
        for level in 1..30 {
            let alias = format!("*a{}", level - 1);
            let aliases = [alias.as_str(); 10].join(", ");
            writeln!(text, "a{level}: &a{level} [{aliases}]").unwrap();
        }
        assert!(compose(&text).is_broken);
    }

    #[test]
    fn places_count_characters() {
        let composed = compose("é: [ü, xyz] # o\nb:\n  c: 'd'\n");
        let root = composed.root;
        let place = |path| {
            let found = root.at_path(path).unwrap();
            let place = found.node.place;
            (place.line, place.column, place.end_line, place.end_column)
        };
        assert_eq!(place("é[1]"), (1, 8, 1, 11));
        assert_eq!(place("é"), (1, 4, 1, 12));
        assert_eq!(place("b"), (3, 3, 3, 9));
        assert_eq!(place("b.c"), (3, 6, 3, 9));
    }

    #[test]
    fn scalars_mean_themselves() {
        for text in [
            "",
            "yes",
            "No",
            "5.4.0",
            "cluster.local",
            "a: b",
            "1Gi",
            "null",
            "~",
        ] {
            let value = json!(text);
            let document = format!("a: {}\n", scalar(&value));
            assert_eq!(read(&document), json!({ "a": text }), "{document}");
        }
    }
}
