//! Whole streams: what comes out is compared with a simple implementation of the policy that works on values, not on text.

#![cfg(test)]

#[path = "streams/reference.rs"]
mod reference;
#[path = "streams/tree.rs"]
mod tree;

use std::fmt::Write;
use std::fs;
use std::path::{Path, PathBuf};

use insta::assert_snapshot;
use midships_post_render::{Lock, Policy, PostRenderer, schema};
use serde_json::Value;

use crate::tree::Random;

/// The policy that `reference.rs` implements.
const POLICY: &str = r#"
images:
  mirrors:
    - {from: docker.io, to: mirror.example.org/hub}
    - {from: quay.io, to: mirror.example.org/quay/}
labels:
  - set: {example.org/team: shop, "on": "1e3"}
    podTemplates: true
annotations:
  - match: {kinds: [Deployment, Pod]}
    set: {example.org/owner: "a: b"}
pullSecrets:
  - names: [registry, own]
placement:
  - nodeSelector: {example.org/pool: "on"}
    tolerations: [{key: pool, operator: Exists, tolerationSeconds: 30}]
keep:
  - kinds: [PersistentVolumeClaim, CustomResourceDefinition]
"#;

fn corpus() -> Vec<(String, String)> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/corpus");
    let mut files: Vec<PathBuf> = fs::read_dir(directory)
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    assert!(files.len() >= 20, "{files:?}");
    let named = |path: PathBuf| {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        (name, fs::read_to_string(path).unwrap())
    };
    files.into_iter().map(named).collect()
}

fn renderer(policy: &str) -> PostRenderer {
    PostRenderer::new(Policy::read(policy).unwrap(), Some(lock()), None)
}

fn lock() -> Lock {
    let text = format!(
        "images:\n  nginx:1.27: {}\n  busybox: {}\n",
        digest("a"),
        digest("b")
    );
    Lock::read(&text).unwrap()
}

fn digest(letter: &str) -> String {
    format!("sha256:{}", letter.repeat(64))
}

fn render(renderer: &PostRenderer, text: &str) -> Result<String, String> {
    let result = renderer.render(text.as_bytes().to_vec());
    result
        .map(|bytes| String::from_utf8(bytes).unwrap())
        .map_err(|refusal| refusal.to_string())
}

/// Renders twice and compares with the reference.
fn check(renderer: &PostRenderer, name: &str, text: &str) {
    let output = render(renderer, text).unwrap_or_else(|error| panic!("{name}: {error}\n{text}"));
    let again =
        render(renderer, &output).unwrap_or_else(|error| panic!("{name}: {error}\n{output}"));
    assert_eq!(again, output, "{name}: a second run changes something");
    let mut expected = tree::read(text).unwrap();
    for document in &mut expected {
        reference::apply(document);
    }
    let found = tree::read(&output).unwrap_or_else(|error| panic!("{name}: {error}\n{output}"));
    assert_eq!(
        found.len(),
        expected.len(),
        "{name}: documents of\n{output}"
    );
    for (found, expected) in found.iter().zip(&expected) {
        assert_eq!(found, expected, "{name}: in\n{output}");
    }
}

#[test]
fn an_empty_policy_changes_no_byte() {
    let renderer = PostRenderer::new(Policy::default(), None, None);
    for (name, text) in corpus() {
        assert_eq!(render(&renderer, &text).unwrap(), text, "{name}");
    }
}

#[test]
fn what_no_entry_touches_comes_out_byte_for_byte() {
    let policy = "labels: [{match: {kinds: [Nothing]}, set: {a: b}}]\ndeny: [{name: x, match: {kinds: [Nothing]}}]\n";
    let renderer = PostRenderer::new(Policy::read(policy).unwrap(), Some(Lock::default()), None);
    for (name, text) in corpus() {
        assert_eq!(render(&renderer, &text).unwrap(), text, "{name}");
    }
}

#[test]
fn the_corpus_changes_as_the_reference_does() {
    let renderer = renderer(POLICY);
    for (name, text) in corpus() {
        check(&renderer, &name, &text);
    }
}

#[test]
fn a_stream_may_have_any_size() {
    let renderer = renderer(POLICY);
    let all: String = corpus()
        .into_iter()
        .filter(|(name, _)| name != "directives.yaml")
        .map(|(_, text)| text)
        .collect::<Vec<_>>()
        .join("\n---\n");
    let stream = format!("{all}\n---\n").repeat(3);
    assert!(stream.len() > 1_000_000, "{} bytes", stream.len());
    check(&renderer, "all files three times", &stream);
}

#[test]
fn random_documents_change_as_the_reference_does() {
    let renderer = renderer(POLICY);
    for seed in 1..=3_000 {
        let text = tree::random_document(&mut Random::new(seed));
        check(&renderer, &format!("seed {seed}"), &text);
    }
}

#[test]
fn no_input_breaks_it() {
    let renderer = renderer(&format!(
        "{POLICY}\ndeny: [{{name: x, required: [{{path: 'container.resources.limits'}}]}}]\n"
    ));
    let changing = self::renderer(POLICY);
    let corpus: Vec<String> = corpus()
        .into_iter()
        .map(|(_, text)| text)
        .filter(|text| text.len() < 10_000)
        .collect();
    let mut good = 0;
    for seed in 1..=5_000 {
        let mut random = Random::new(seed);
        let text = &corpus[random.below(corpus.len())];
        let damaged = random.damaged(text);
        let _either = renderer.render(damaged.clone());
        let Ok(output) = changing.render(damaged.clone()) else {
            continue;
        };
        good += 1;
        let again = changing.render(output.clone());
        let again = again.unwrap_or_else(|error| {
            panic!("seed {seed}: {error}\n{}", String::from_utf8_lossy(&output))
        });
        assert_eq!(
            String::from_utf8_lossy(&again),
            String::from_utf8_lossy(&output),
            "seed {seed}"
        );
    }
    assert!(good > 500, "{good} streams were still good");
}

#[test]
fn bad_streams_are_refused_with_their_place() {
    let long = format!(
        "{}---\n# Source: far/away.yaml\na: [\n",
        "---\na: 1\n".repeat(60_000)
    );
    let cases = [
        (
            "---\n# Source: a/b.yaml\na: 1\n---\n# Source: a/c.yaml\na: b: c\n",
            "two colons",
        ),
        ("---\n# Source: a/b.yaml\na:\n\t- b\n", "a tab"),
        (
            "a: [1, 2\n---\n# Source: a/c.yaml\nb: 1\n",
            "an open bracket",
        ),
        (
            "---\na: 1\n---\n# Source: a/c.yaml\n@a: 1\n",
            "a reserved letter",
        ),
        (
            "---\napiVersion: v1\nmetadata:\n  annotations:\n    postrenderer.helm.sh/postrender-filename: 'a/d.yaml'\n  x: *none\n",
            "an unknown anchor",
        ),
        ("---\n# Source: a/b.yaml\na: \"\n", "open quotes"),
        (
            "---\n# Source: a/e.yaml\napiVersion: v1\nkind: A\nmetadata: &m {x: [*m]}\n",
            "an alias of itself",
        ),
        (
            "---\n# Source: a/f.yaml\napiVersion: v1\nkind: A\n? [a, b]\n: 1\nb: &b 1\nc: *b\n",
            "a list as key",
        ),
        (long.as_str(), "far away"),
    ];
    let renderer = renderer(POLICY);
    let mut all = String::new();
    for (text, name) in cases {
        let error = render(&renderer, text).expect_err(name);
        let _infallible = writeln!(all, "{name}: {error}");
    }
    let bytes = b"---\n# Source: a/b.yaml\na: 1\n---\n# Source: a/g.yaml\nb: \xff\n";
    let error = renderer.render(bytes.to_vec()).unwrap_err();
    let _infallible = writeln!(all, "other bytes: {error}");
    assert_snapshot!("bad_streams", all);
}

#[test]
fn every_violation_is_named_at_once() {
    let policy = format!(
        "{}\nimages: {{digests: {{unlocked: Refuse}}}}\n",
        page_block("# policy.yaml")
            .split("images:\n")
            .last()
            .unwrap_or_default()
            .split_once("labels:")
            .map(|(_, rest)| format!("labels:{rest}"))
            .unwrap()
    );
    let renderer = PostRenderer::new(
        Policy::read(&policy).unwrap(),
        Some(lock()),
        Some("default".to_owned()),
    );
    let (_, text) = corpus()
        .into_iter()
        .find(|(name, _)| name == "workloads.yaml")
        .unwrap();
    assert_snapshot!("violations", render(&renderer, &text).unwrap_err());
}

#[test]
fn a_policy_in_full() {
    let renderer = renderer(page_block("# policy.yaml").split("deny:").next().unwrap());
    let (_, text) = corpus()
        .into_iter()
        .find(|(name, _)| name == "workloads.yaml")
        .unwrap();
    assert_snapshot!("workloads", render(&renderer, &text).unwrap());
}

/// The block of the page about post-rendering that begins with a comment.
fn page_block(head: &str) -> String {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/post-render.md");
    let page = fs::read_to_string(path).unwrap();
    let block = page
        .split("```yaml\n")
        .filter_map(|block| block.split("```").next())
        .find(|block| block.starts_with(head));
    let block = block.unwrap_or_else(|| panic!("the page has no block `{head}`"));
    block.strip_prefix(head).unwrap().trim_start().to_owned()
}

#[test]
fn the_example_of_the_page_is_true() {
    let policy = page_block("# policy.yaml");
    let renderer = PostRenderer::new(Policy::read(&policy).unwrap(), None, None);
    let output = render(&renderer, &page_block("# before")).unwrap();
    assert_eq!(output, page_block("# after"));
}

#[test]
fn the_schema_takes_what_the_program_takes() {
    let schema = schema();
    let validator = jsonschema::draft7::new(&schema).unwrap();
    for text in [POLICY, page_block("# policy.yaml").as_str()] {
        let value: Value = serde_yaml::from_str(text).unwrap();
        assert_eq!(
            validator
                .validate(&value)
                .map_err(|error| error.to_string()),
            Ok(())
        );
    }
    for text in [
        "image: {}",
        "labels: [{}]",
        "deny: [{advice: x}]",
        "placement: [{affinity: {}}]",
    ] {
        let value: Value = serde_yaml::from_str(text).unwrap();
        assert!(!validator.is_valid(&value), "{text}");
        assert!(Policy::read(text).is_err(), "{text}");
    }
}
