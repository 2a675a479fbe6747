//! Offerings: the worked examples of the guide, what they leave of their base chart, and files that make no sense.
#![cfg(test)]

mod examples;

use std::collections::BTreeSet;
use std::fmt::Write;

use midships_generate::{Answer, Offering, Reading, render};
use midships_model::description::Description;
use midships_model::rocketmq;
use serde_json::{Value, json};

/// A file that makes sense, with which each mistake begins.
const GOOD: &str = "\
chart: rocketmq
name: queue
version: 1.0.0
title: Queue
description: A queue.
locked:
  brokers: {enabled: true, storage: {mode: StorageClass}}
exposed:
  - path: brokers.groups
    maximum: 4
  - path: brokers.storage.className
";

fn refused(text: &str) -> String {
    match Offering::read(text, None, None).unwrap() {
        Reading::Offering(_) => "nothing\n".to_owned(),
        Reading::Refused(findings) => {
            let mut told = String::new();
            for finding in findings {
                let place = finding.place.map(|place| (place.line, place.column));
                writeln!(told, "{place:?} {}: {finding}", finding.rule).unwrap();
            }
            told
        }
    }
}

fn paths(description: &Description) -> Vec<String> {
    let fields = description.fields().into_iter();
    fields.map(|field| field.path.to_owned()).collect()
}

#[test]
fn every_example_is_a_chart_whose_templates_and_fields_agree() {
    let examples = examples::all();
    assert_eq!(examples.len(), 3);
    for offering in examples {
        let chart = offering.chart().unwrap();
        assert_eq!(offering.lint(&chart).unwrap(), Vec::<String>::new());
        let again = examples::named(offering.name()).chart().unwrap();
        assert_eq!(chart, again, "the same file gives the same bytes");
        assert_eq!(
            offering.validate("", None).unwrap().len(),
            usize::from(offering.name() == "team-brokers")
        );
    }
}

#[test]
fn forms_show_what_is_exposed_and_nothing_else() {
    let offering = examples::named("order-queue");
    let shown = [
        "size",
        "brokers.storage.className",
        "commonLabels",
        "networkPolicy.clients",
    ];
    assert_eq!(paths(offering.form()), shown);
    let outputs = offering.outputs().unwrap();
    let json = |kind: &str| -> Value {
        serde_json::from_slice(&outputs[&format!("schemas/order-queue.{kind}")]).unwrap()
    };
    let rjsf = json("rjsf.schema.json");
    let root: Vec<&String> = rjsf["properties"].as_object().unwrap().keys().collect();
    assert_eq!(root, ["size", "brokers", "commonLabels", "networkPolicy"]);
    // A schema may not have an empty `allOf`.
    assert!(rjsf.get("allOf").is_none());
    let texts = json("json-forms.zh-CN.json");
    assert_eq!(texts["size.label"], "规格");
    assert_eq!(texts["brokers.storage.className.label"], "磁盘类型");
    let values = json("values.json");
    // Kubeapps shows what says so; hidden fields stand in the schema, since values may have them.
    assert_eq!(values["properties"]["size"]["form"], true);
    let image = &values["properties"]["hook"]["properties"]["image"];
    assert_eq!(image["x-hidden"], true);
    assert!(image.get("form").is_none());
    assert!(values["properties"].get("clusterDomain").is_none());
    let questions =
        String::from_utf8(outputs["charts/order-queue/questions.yaml"].clone()).unwrap();
    let variables: Vec<&str> = questions
        .lines()
        .filter_map(|line| line.trim().strip_prefix("- variable: "))
        .collect();
    // A list of mappings is left to Rancher's editor of YAML.
    let asked: BTreeSet<&str> = variables.into_iter().collect();
    assert_eq!(
        asked,
        BTreeSet::from(["size", "brokers.storage.className", "commonLabels"])
    );
}

#[test]
fn what_is_locked_is_unknown_to_values_and_what_is_hidden_is_not() {
    let offering = examples::named("order-queue");
    let found = |text: &str| -> Vec<String> {
        let findings = offering.validate(text, None).unwrap();
        findings.iter().map(ToString::to_string).collect()
    };
    assert_eq!(
        found("size: large\nimageRegistry: registry.example\n"),
        Vec::<String>::new()
    );
    insta::assert_snapshot!(found("brokers: {groups: 2}\nsize: huge\n").join("\n"));
    let values = offering.merged("size: large\n");
    let completed: rocketmq::Values = serde_json::from_value(offering.complete(&values)).unwrap();
    assert_eq!(completed.brokers.groups, 4);
    assert_eq!(completed.brokers.replication, rocketmq::Timing::Synchronous);
    assert!(completed.brokers.allow_restart);
}

#[test]
fn tighter_bounds_hold_and_the_base_charts_rules_too() {
    let offering = examples::named("team-brokers");
    let found = |text: &str| -> Vec<String> {
        let findings = offering.validate(text, None).unwrap();
        findings.iter().map(ToString::to_string).collect()
    };
    let good = "brokers: {clusterName: orders, groups: 4}\n";
    assert_eq!(found(good), Vec::<String>::new());
    insta::assert_snapshot!(
        found("brokers: {groups: 5, replicasPerGroup: 0, heapMegabytes: 9000}\n").join("\n")
    );
}

#[test]
fn a_change_of_the_size_says_what_each_field_that_it_sets_takes() {
    let offering = examples::named("order-queue");
    let told = |old: &str, new: &str| match offering.change(old, new).unwrap() {
        Answer::Changes(changes) => serde_json::to_value(&changes).unwrap(),
        Answer::Refused(side, findings) => panic!("{side:?}: {findings:?}"),
    };
    let grown = told("", "size: medium\n");
    let effects: Vec<(&str, &str)> = grown["changes"]
        .as_array()
        .unwrap()
        .iter()
        .map(|change| {
            (
                change["path"].as_str().unwrap(),
                change["effect"].as_str().unwrap(),
            )
        })
        .collect();
    assert_eq!(
        effects,
        [
            ("nameServers.count", "operation"),
            ("brokers.groups", "operation")
        ]
    );
    assert_eq!(
        grown["operations"],
        json!(["change_name_servers", "add_brokers"])
    );
    let shrunk = told("size: medium\n", "");
    assert_eq!(shrunk["changes"][1]["operation"], "remove_brokers");
}

/// An offering whose sizes have other volumes, or directories that go with the pods.
const VOLUMES: &str = "\
chart: rocketmq
name: queue
version: 1.0.0
title: Queue
description: A queue.
others: Locked
locked: {brokers: {storage: {mode: MODE}}}
sizes:
  default: small
  choices:
    - {name: small, help: Small., values: {brokers: {storage: {size: 20Gi}}}}
    - {name: large, help: Large., values: {brokers: {storage: {size: 40Gi}}}}
";

#[test]
fn values_without_effect_and_forbidden_changes_are_found_in_offerings_too() {
    let brokers = examples::named("team-brokers");
    let lines = |findings: Vec<midships_generate::Finding>| -> Vec<String> {
        findings.iter().map(ToString::to_string).collect()
    };
    let idle = "brokers: {clusterName: a, storage: {mode: EmptyDir, className: fast}}\n";
    assert_eq!(
        brokers.without_effect(idle)[0].path,
        "brokers.storage.className"
    );
    let fewer = brokers.forbidden_changes(
        "brokers: {clusterName: a, storage: {size: 40Gi}}\n",
        "brokers: {clusterName: a, storage: {size: 30Gi}}\n",
    );
    insta::assert_snapshot!(lines(fewer).join("\n"));
    let queue = examples::named("order-queue");
    assert_eq!(
        queue.forbidden_changes("size: large\n", "size: small\n"),
        []
    );
    let volumes = examples::sound(&VOLUMES.replace("MODE", "StorageClass"));
    assert_eq!(volumes.forbidden_changes("", "size: large\n"), []);
    let smaller = volumes.forbidden_changes("size: large\n", "size: small\n");
    insta::assert_snapshot!(lines(smaller).join("\n"));
}

#[test]
fn a_size_says_all_that_a_change_of_it_takes() {
    let offering = examples::named("order-queue");
    let size = offering.form().schema_at("size").unwrap();
    assert_eq!(size["x-mutability"], "change_name_servers");
    let help = size["description"].as_str().unwrap();
    assert!(help.contains("remove_brokers"), "{help}");
    // With directories that go with the pods, a size can change.
    let offering = examples::sound(&VOLUMES.replace("MODE", "EmptyDir"));
    let size = offering.form().schema_at("size").unwrap();
    assert_eq!(size["x-mutability"], "restart");
}

#[test]
fn each_chart_can_be_narrowed() {
    let text = "\
chart: nfs-storage
name: team-files
version: 1.0.0
title: Files
description: Files of a team.
others: Locked
locked: {nfs: {server: nfs.example, path: /exports}, storageClass: {name: team}}
exposed:
  - {path: storageClass.isDefault}
  - {path: provisioner.replicas, maximum: 2}
";
    let offering = examples::sound(text);
    let shown = ["storageClass.isDefault", "provisioner.replicas"];
    assert_eq!(paths(offering.form()), shown);
    let chart = offering.chart().unwrap();
    assert_eq!(offering.lint(&chart).unwrap(), Vec::<String>::new());
    let found = offering.validate("nfs: {server: other}\n", None).unwrap();
    assert_eq!(found[0].found, "a field that team-files sets itself");
    let page = String::from_utf8(chart.files["README.md"].clone()).unwrap();
    assert!(
        page.contains("`nfs-storage`") && !page.contains("helm test"),
        "{page}"
    );
}

#[test]
fn a_picture_is_what_its_name_says_and_not_too_large() {
    let text = GOOD.replace("name: queue", "name: queue\nicon: a.png");
    let with = |bytes: &[u8]| {
        let icon = midships_generate::Icon {
            name: "a.png".to_owned(),
            bytes: bytes.to_vec(),
        };
        match Offering::read(&text, Some(&icon), None).unwrap() {
            Reading::Offering(offering) => {
                let files = offering.chart().unwrap().files;
                let about = String::from_utf8(files["Chart.yaml"].clone()).unwrap();
                let icon = about.lines().find(|line| line.starts_with("icon: "));
                icon.unwrap().to_owned()
            }
            Reading::Refused(findings) => findings[0].to_string(),
        }
    };
    let png = b"\x89PNG\r\n\x1a\nrest";
    assert_eq!(
        with(png),
        "icon: \"data:image/png;base64,iVBORw0KGgpyZXN0\""
    );
    assert!(with(b"<svg/>").contains("which is not what its name says"));
    let large = [&png[..], &vec![0; 64 * 1024]].concat();
    assert!(
        with(&large).contains("a picture of 65548 bytes"),
        "{}",
        with(&large)
    );
}

#[test]
fn a_good_file_has_no_findings() {
    assert_eq!(refused(GOOD), "nothing\n");
}

/// The file with other words.
fn without(from: &str, to: &str) -> String {
    assert!(GOOD.contains(from), "{from}");
    GOOD.replace(from, to)
}

/// A file with more lines.
fn with(more: &str) -> String {
    format!("{GOOD}{more}")
}

fn senseless_sizes() -> [(&'static str, String); 4] {
    [
        (
            "a size with a name that is no text",
            with(
                "sizes:
  default: 'on'
  choices:
    - {name: 'on', help: On., values: {nameServers: {count: 1}}}
",
            ),
        ),
        (
            "sizes that make no sense",
            with(
                "sizes:
  field: brokers
  default: huge
  choices:
    - {name: small, help: Small., values: {nameServers: {count: 1}}}
    - {name: small, help: Large., values: {nameServers: {count: 3, heapMegabytes: 64}}}
",
            ),
        ),
        (
            "a size that sets what is exposed",
            with(
                "sizes:
  default: small
  choices:
    - {name: small, help: Small., values: {brokers: {groups: 1}}}
",
            ),
        ),
        (
            "a size that a rule refuses",
            with(
                "sizes:
  default: small
  choices:
    - {name: small, help: Small., values: {brokers: {heapMegabytes: 512}}}
    - {name: large, help: Large., values: {brokers: {heapMegabytes: 9000}}}
",
            ),
        ),
    ]
}

fn senseless_fields() -> Vec<(&'static str, String)> {
    vec![
        (
            "a choice with which a hidden field would be needed",
            with("  - path: brokers.storage.mode\n").replace(", storage: {mode: StorageClass}", ""),
        ),
        (
            "a required field that nothing can fill",
            without("enabled: true", "enabled: false")
                .replace(
                    "brokers.groups\n    maximum: 4",
                    "nameServers.release.count",
                )
                .replace("  - path: brokers.storage.className\n", "")
                .replace("locked:\n", "locked:\n  nameServers: {source: Release}\n"),
        ),
        (
            "a group without fields",
            without(
                "storage: {mode: StorageClass}",
                "storage: {mode: StorageClass}, image: {}",
            ),
        ),
        (
            "what only parents set",
            without("locked:\n", "locked:\n  global: {a: 1}\n"),
        ),
        (
            "choices for what may be a number",
            with("  - path: brokers.resources.limits.cpu\n    choices: ['1']\n"),
        ),
        ("a choice twice", with("    choices: [\"\", \"\"]\n")),
        (
            "an empty choice of what is required",
            with("    required: true\n    choices: [\"\"]\n"),
        ),
        ("a version that is none", without("1.0.0", "1.0.0-01")),
        (
            "locked and preset",
            with("presets: {brokers: {enabled: true}}\n"),
        ),
    ]
}

#[test]
fn what_makes_no_sense_is_refused_at_its_place() {
    let cases = [
        (
            "an unknown chart",
            without("chart: rocketmq", "chart: kafka"),
        ),
        (
            "the base chart's name",
            without("name: queue", "name: rocketmq"),
        ),
        ("an unknown key", with("icons: a.svg\n")),
        ("a missing picture", with("icon: a.svg\n")),
        ("no version", without("version: 1.0.0\n", "")),
        ("an unknown path", with("hidden: [brokers.grops]\n")),
        ("a path twice", with("hidden: [brokers.groups]\n")),
        (
            "locked and exposed",
            without("{enabled: true,", "{enabled: true, groups: 3,"),
        ),
        (
            "an unknown field locked",
            without("{enabled: true,", "{enabled: true, grops: 3,"),
        ),
        (
            "a locked value out of range",
            without("{enabled: true,", "{enabled: true, replicasPerGroup: 9,"),
        ),
        ("a looser maximum", without("maximum: 4", "maximum: 64")),
        ("a looser minimum", without("maximum: 4", "minimum: 0")),
        (
            "bounds without the default",
            without("maximum: 4", "minimum: 3"),
        ),
        (
            "a bound that the field cannot have",
            without("maximum: 4", "maxLength: 4"),
        ),
        (
            "a choice that is none",
            with("    choices: [\"\", Fast_Disks]\n"),
        ),
        (
            "a bound of a group",
            with("  - path: brokers.resources\n    required: true\n"),
        ),
        (
            "a group of which nothing is left",
            without(
                "{enabled: true,",
                "{enabled: true, resources: {limits: {cpu: '1', memory: 2Gi}},",
            ) + "  - path: brokers.resources.limits\n",
        ),
        (
            "what depends on a hidden field",
            without("enabled: true", "flush: Asynchronous"),
        ),
        (
            "what never matters",
            without("enabled: true", "enabled: false"),
        ),
        (
            "defaults that a rule refuses",
            without("{enabled: true,", "{enabled: true, heapMegabytes: 9000,"),
        ),
    ];
    let mut told = String::new();
    for (name, text) in cases
        .into_iter()
        .chain(senseless_fields())
        .chain(senseless_sizes())
    {
        let refused = refused(&text);
        assert_ne!(refused, "nothing\n", "{name}");
        writeln!(told, "{name}\n{refused}").unwrap();
    }
    insta::assert_snapshot!(told);
}

#[test]
fn a_refusal_is_shown_as_a_compiler_shows_it() {
    let text = GOOD.replace("maximum: 4", "maximum: 64");
    let Reading::Refused(findings) = Offering::read(&text, None, None).unwrap() else {
        panic!("64 groups are not refused");
    };
    insta::assert_snapshot!(render(&findings, &text, "queue.yaml", false));
}

#[test]
fn the_schema_for_editors_takes_the_examples_and_knows_the_fields() {
    let schema = midships_generate::offering_schema().unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for (_, text) in examples::texts() {
        let errors: Vec<String> = validator
            .iter_errors(&examples::value(&text))
            .map(|error| error.to_string())
            .collect();
        assert_eq!(errors, Vec::<String>::new());
    }
    for (from, to) in [
        ("enabled: true", "enabeld: true"),
        ("brokers.groups", "brokers.grops"),
    ] {
        let wrong = examples::value(&GOOD.replace(from, to));
        assert!(!validator.is_valid(&wrong), "{to}");
    }
}
