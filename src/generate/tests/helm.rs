//! The generated charts, rendered by real Helm of both majors: named by the variables `MIDSHIPS_HELM3` and `MIDSHIPS_HELM4`.
#![cfg(test)]

use std::collections::BTreeSet;
use std::path::Path;
use std::process::{Command, Output};

use midships_generate::{Release, validate, write};
use midships_model::rocketmq::rules::RULES;

const NAMESPACE: &str = "shop";

/// The Helm programs; a missing one fails the test, because nothing would be tested.
fn helms() -> Vec<String> {
    ["MIDSHIPS_HELM3", "MIDSHIPS_HELM4"]
        .iter()
        .map(|name| std::env::var(name).unwrap_or_else(|_| panic!("set {name} to a Helm program")))
        .collect()
}

fn checkout() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), None).unwrap();
    root
}

fn helm(helm: &str, root: &Path, arguments: &[&str], values: &str) -> Output {
    let file = root.join("given.yaml");
    std::fs::write(&file, values).unwrap();
    Command::new(helm)
        .args(arguments)
        .arg(root.join("charts/rocketmq"))
        // A Helm that was built without a version of Kubernetes takes an old one.
        .args([
            "--kube-version",
            "1.34.0",
            "--namespace",
            NAMESPACE,
            "--values",
        ])
        .arg(&file)
        .output()
        .unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn render(program: &str, root: &Path, values: &str) -> String {
    let output = helm(program, root, &["template", "orders"], values);
    assert!(
        output.status.success(),
        "{values}\n{}",
        text(&output.stderr)
    );
    text(&output.stdout)
}

#[test]
fn lint_is_strict_and_both_majors_render_the_same() {
    let root = checkout();
    let mut rendered = BTreeSet::new();
    for program in helms() {
        let output = helm(&program, root.path(), &["lint", "--strict"], "");
        assert!(
            output.status.success(),
            "{}{}",
            text(&output.stdout),
            text(&output.stderr)
        );
        // Helm 4 leaves an empty line between objects where Helm 3 does not.
        let text = render(&program, root.path(), "");
        rendered.insert(
            text.lines()
                .filter(|line| !line.is_empty())
                .collect::<Vec<_>>()
                .join("\n"),
        );
    }
    assert_eq!(rendered.len(), 1);
}

#[test]
fn the_chart_refuses_what_the_rules_refuse_in_the_same_words() {
    let root = checkout();
    for program in helms() {
        for rule in RULES {
            for example in rule.examples {
                let release = Release {
                    name: example.release.to_owned(),
                    namespace: NAMESPACE.to_owned(),
                };
                let expected = validate("rocketmq", example.values, Some(&release)).unwrap();
                let arguments = ["template", example.release];
                let output = helm(&program, root.path(), &arguments, example.values);
                let refusal = text(&output.stderr);
                let context = format!("{}: {}\n{refusal}", rule.id, example.values);
                assert_eq!(output.status.success(), expected.is_empty(), "{context}");
                for finding in expected {
                    assert!(
                        refusal.contains(&finding.to_string()),
                        "{finding}\n{context}"
                    );
                }
            }
        }
    }
}

#[test]
fn the_chart_refuses_what_the_schema_refuses() {
    let root = checkout();
    let refused = [
        ("nameServers: {count: -1}", "/nameServers/count"),
        ("nameServers: {count: 0}", "/nameServers/count"),
        ("brokers: {groups: 33}", "/brokers/groups"),
        ("brokers: {storage: {mode: Cloud}}", "/brokers/storage/mode"),
        (
            "nameServers: {source: Addresses, addresses: [\"a:1\", \"a:1\"]}",
            "/nameServers/addresses",
        ),
        ("brokers: {group: 2}", "group"),
        ("brokers: null", "brokers"),
    ];
    for program in helms() {
        for (values, place) in refused {
            let output = helm(&program, root.path(), &["template", "orders"], values);
            assert!(!output.status.success(), "{values}");
            let refusal = text(&output.stderr);
            let dotted = place.trim_start_matches('/').replace('/', ".");
            assert!(
                refusal.contains(place) || refusal.contains(&dotted),
                "{place}: {refusal}"
            );
            assert!(
                !validate("rocketmq", values, None).unwrap().is_empty(),
                "{values}"
            );
        }
    }
}

#[test]
fn pod_templates_do_not_change_with_sizes_lists_or_the_hook_image() {
    let root = checkout();
    let program = &helms()[0];
    let pod_of_first_broker = |values: &str| {
        let rendered = render(program, root.path(), values);
        let document = rendered
            .split("\n---\n")
            .find(|document| {
                document.contains("kind: StatefulSet")
                    && document.contains("name: orders-rocketmq-broker-0-master\n")
            })
            .unwrap()
            .to_owned();
        document.split_once("  template:\n").unwrap().1.to_owned()
    };
    let base = pod_of_first_broker("");
    for values in [
        "nameServers: {count: 5}",
        "brokers: {groups: 4, replicasPerGroup: 3}",
        "hook: {image: {tag: other}}",
        "brokers: {configuration: {fileReservedTime: 10}}",
        "brokers: {allowRestart: true}",
        "commonLabels: {team: orders}",
        "nameServers: {image: {tag: 5.5.0}}",
    ] {
        assert_eq!(pod_of_first_broker(values), base, "{values}");
    }
    assert_ne!(pod_of_first_broker("brokers: {image: {tag: 5.5.0}}"), base);
}

#[test]
fn hook_objects_have_rising_weights_and_names_of_their_own() {
    let root = checkout();
    let rendered = render(&helms()[0], root.path(), "");
    let line = |document: &str, start: &str| {
        let line = document
            .lines()
            .find(|line| line.trim_start().starts_with(start));
        line.map(|line| line.trim().trim_start_matches(start).trim().to_owned())
            .unwrap_or_default()
    };
    let mut hooks = Vec::new();
    let mut templates = BTreeSet::new();
    for document in rendered.split("\n---\n") {
        let name = (line(document, "kind:"), line(document, "name:"));
        if document.contains("helm.sh/hook:") {
            hooks.push((
                line(document, "helm.sh/hook:"),
                line(document, "helm.sh/hook-weight:"),
                name,
            ));
        } else {
            templates.insert(name);
        }
    }
    assert_eq!(hooks.len(), 10);
    assert!(hooks.iter().all(|(_, _, name)| !templates.contains(name)));
    let kinds = ["ServiceAccount", "Role", "RoleBinding", "ConfigMap", "Job"];
    for (event, suffix) in [
        ("pre-upgrade,pre-rollback", "before"),
        ("post-install,post-upgrade,post-rollback", "after"),
    ] {
        for (weight, kind) in (1..).zip(kinds) {
            let name = (kind.to_owned(), format!("orders-rocketmq-{suffix}"));
            assert!(
                hooks.contains(&(event.to_owned(), format!("\"{weight}\""), name)),
                "{kind}: {hooks:#?}"
            );
        }
    }
}
