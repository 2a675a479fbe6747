//! The generated charts, rendered by real Helm of both majors: named by the variables `MIDSHIPS_HELM3` and `MIDSHIPS_HELM4`.
#![cfg(test)]

#[expect(
    dead_code,
    reason = "what a check says about each mistake is tested beside this file"
)]
mod catalogue;
mod examples;
mod trees;

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::process::{Command, Output};

use midships_generate::{Model, Offering, Release, merged, models, validate, write, write_files};
use midships_model::redis::servers::Servers;
use midships_model::redis::version::Version;
use midships_model::redis::{self, settings};
use midships_model::redis_cluster;
use midships_model::rocketmq::Values;

use catalogue::{ANSWERS, Answer, Answers};

const NAMESPACE: &str = "shop";

/// The Helm programs; a missing one fails the test, because nothing would be tested.
fn helms() -> Vec<String> {
    ["MIDSHIPS_HELM3", "MIDSHIPS_HELM4"]
        .iter()
        .map(|name| std::env::var(name).unwrap_or_else(|_| panic!("set {name} to a Helm program")))
        .collect()
}

/// What has to be given for a chart at least.
fn least(model: &Model) -> &'static str {
    let values = match model.chart {
        "nfs-storage" => "{nfs: {server: nfs.example, path: /exports}}",
        "rocketmq-topic-transfer" => {
            "{topic: orders, source: {release: old}, target: {release: new}}"
        }
        _ => "{}",
    };
    let description = model.description().unwrap();
    let merged = merged(model.chart, values).unwrap();
    assert!(description.missing(&merged).is_empty(), "{}", model.chart);
    values
}

fn checkout() -> tempfile::TempDir {
    let root = tempfile::tempdir().unwrap();
    write(root.path(), None).unwrap();
    root
}

fn helm(program: &str, root: &Path, arguments: &[&str], values: impl AsRef<[u8]>) -> Output {
    helm_on("rocketmq", program, root, arguments, values)
}

fn helm_on(
    chart: &str,
    program: &str,
    root: &Path,
    arguments: &[&str],
    values: impl AsRef<[u8]>,
) -> Output {
    let file = root.join("given.yaml");
    std::fs::write(&file, values).unwrap();
    Command::new(program)
        .args(arguments)
        .arg(root.join("charts").join(chart))
        // A Helm that was built without a version of Kubernetes takes an old one.
        .args(["--kube-version", "1.34.0", "--values"])
        .arg(&file)
        .env("HELM_NAMESPACE", NAMESPACE)
        .output()
        .unwrap()
}

/// What a chart makes of values, without the lines that name its files.
fn made(chart: &str, program: &str, root: &Path, values: &str, more: &[&str]) -> String {
    let arguments = [&["template", "orders"], more].concat();
    let output = helm_on(chart, program, root, &arguments, values);
    let context = format!("{chart}: {values}\n{}", text(&output.stderr));
    assert!(output.status.success(), "{context}");
    let lines = text(&output.stdout);
    let lines = lines.lines().filter(|line| !line.starts_with("# Source: "));
    lines.collect::<Vec<_>>().join("\n")
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
    for model in models() {
        let (chart, values) = (model.chart, least(model));
        let mut rendered = BTreeSet::new();
        for program in helms() {
            let output = helm_on(chart, &program, root.path(), &["lint", "--strict"], values);
            assert!(
                output.status.success(),
                "{}{}",
                text(&output.stdout),
                text(&output.stderr)
            );
            // Helm 4 leaves an empty line between objects where Helm 3 does not.
            let text = made(chart, &program, root.path(), values, &[]);
            let lines = text.lines().filter(|line| !line.is_empty());
            rendered.insert(lines.collect::<Vec<_>>().join("\n"));
        }
        assert_eq!(rendered.len(), 1, "{chart}");
    }
}

/// Values with which each example is tried: of each size, and with fields that it leaves.
fn values_of_examples() -> Vec<(Offering, Vec<&'static str>)> {
    let values = |name: &str| match name {
        "order-queue" => vec![
            "",
            "{size: medium, commonLabels: {team: a}, imageRegistry: mirror.example}",
            "{size: large, brokers: {storage: {className: fast}}, networkPolicy: {clients: [{pods: {a: b}}]}}",
        ],
        "shared-name-servers" => vec!["", "nameServers: {count: 5, storage: {mode: EmptyDir}}"],
        _ => vec![
            "brokers: {clusterName: orders}",
            "{nameServers: {release: {count: 3}}, brokers: {clusterName: a, groups: 3, configuration: {a: 1}}}",
        ],
    };
    let all = examples::all().into_iter();
    all.map(|offering| {
        let values = values(offering.name());
        (offering, values)
    })
    .collect()
}

#[test]
fn an_offering_is_its_base_chart_with_the_values_that_it_stands_for() {
    let root = checkout();
    let root = root.path();
    for (offering, all_values) in values_of_examples() {
        let name = offering.name();
        write_files(root, name, &offering.outputs().unwrap()).unwrap();
        for program in helms() {
            let output = helm_on(name, &program, root, &["lint", "--strict"], all_values[0]);
            assert!(
                output.status.success(),
                "{}{}",
                text(&output.stdout),
                text(&output.stderr)
            );
            for values in &all_values {
                assert_eq!(offering.validate(values, None).unwrap(), []);
                let own = made(name, &program, root, values, &[]);
                let completed = offering.complete(&offering.merged(values)).to_string();
                assert_eq!(
                    own,
                    made("rocketmq", &program, root, &completed, &[]),
                    "{name}: {values}"
                );
            }
        }
    }
}

#[test]
fn nothing_from_outside_sets_what_an_offering_locks() {
    let root = checkout();
    let root = root.path();
    let offering = examples::named("order-queue");
    write_files(root, "order-queue", &offering.outputs().unwrap()).unwrap();
    let locked = "{size: medium, brokers: {groups: 7, flush: Synchronous, pod: {labels: {a: b}}}, clusterDomain: x.y}";
    for program in helms() {
        let output = helm_on(
            "order-queue",
            &program,
            root,
            &["template", "orders"],
            locked,
        );
        assert!(!output.status.success());
        for path in ["groups", "flush", "pod", "clusterDomain"] {
            assert!(
                text(&output.stderr).contains(path),
                "{path}: {}",
                text(&output.stderr)
            );
        }
        // Who switches the schema off gets the same as who asks for nothing, whatever the value is.
        for wrong in ["null", "5", "[]", "{resources: text, storage: null}"] {
            let values = format!("{{size: medium, brokers: {wrong}, nameServers: {wrong}}}");
            let forced = made(
                "order-queue",
                &program,
                root,
                &values,
                &["--skip-schema-validation"],
            );
            // What is exposed in the group goes with it.
            let asked = "{size: medium, brokers: {storage: {className: null}}}";
            let expected = made(
                "order-queue",
                &program,
                root,
                asked,
                &["--skip-schema-validation"],
            );
            assert_eq!(forced, expected, "{wrong}");
        }
        let forced = made(
            "order-queue",
            &program,
            root,
            locked,
            &["--skip-schema-validation"],
        );
        assert_eq!(
            forced,
            made("order-queue", &program, root, "size: medium", &[])
        );
        let no_size = "size: huge";
        let arguments = ["template", "orders", "--skip-schema-validation"];
        let output = helm_on("order-queue", &program, root, &arguments, no_size);
        let refusal = "size: found huge; allowed: small, medium, large";
        assert!(
            text(&output.stderr).contains(refusal),
            "{}",
            text(&output.stderr)
        );
    }
}

#[test]
fn an_offering_refuses_what_a_check_refuses() {
    let root = checkout();
    let root = root.path();
    let text = "\
chart: rocketmq
name: queue
version: 1.0.0
title: Queue
description: A queue.
locked: {nameServers: {source: Release, release: {name: shared}}}
presets: {brokers: {storage: {mode: EmptyDir}}}
exposed:
  - {path: brokers.enabled}
  - {path: brokers.clusterName, required: true}
  - {path: brokers.storage.mode, choices: [EmptyDir]}
";
    let offering = examples::sound(text);
    write_files(root, "queue", &offering.outputs().unwrap()).unwrap();
    for values in [
        "",
        "brokers: {clusterName: a}",
        "brokers: {enabled: false}",
        "{brokers: {clusterName: a, heapMegabytes: 9000}}",
        "{brokers: {clusterName: a, groups: 0}}",
        "{brokers: {clusterName: a, storage: {mode: HostPath}}}",
        "{brokers: {clusterName: a, pod: {terminationGracePeriodSeconds: 1}}}",
        "nameServers: {source: Own}",
    ] {
        let expected = offering.validate(values, None).unwrap().is_empty();
        for program in helms() {
            let output = helm_on("queue", &program, root, &["template", "orders"], values);
            let context = format!("{values}: {}", self::text(&output.stderr));
            assert_eq!(output.status.success(), expected, "{context}");
        }
    }
}

#[test]
fn named_templates_of_two_offerings_in_one_parent_do_not_meet() {
    let root = checkout();
    let root = root.path();
    let charts = root.join("charts");
    std::fs::create_dir_all(charts.join("parent/charts")).unwrap();
    let about = "apiVersion: v2\nname: parent\nversion: 0.1.0\n";
    std::fs::write(charts.join("parent/Chart.yaml"), about).unwrap();
    for name in ["order-queue", "shared-name-servers"] {
        let outputs = examples::named(name).outputs().unwrap();
        write_files(&charts.join("parent"), name, &outputs).unwrap();
    }
    let values = "{order-queue: {size: medium}, shared-name-servers: {nameServers: {count: 4}}}";
    for program in helms() {
        // Both make a release's objects under the same names, so that one of them is looked at a time.
        let of = |chart: &str| {
            let output = helm_on("parent", &program, root, &["template", "orders"], values);
            let rendered = text(&output.stdout);
            assert!(output.status.success(), "{}", text(&output.stderr));
            let source = format!("# Source: parent/charts/{chart}/templates/name-servers.yaml");
            let own = rendered
                .split("---\n")
                .filter(|object| object.starts_with(&source));
            own.collect::<String>()
        };
        assert!(of("order-queue").contains("replicas: 3\n"));
        assert!(of("shared-name-servers").contains("replicas: 4\n"));
    }
}

#[test]
fn the_chart_refuses_what_the_rules_refuse_in_the_same_words() {
    let root = checkout();
    for (model, program) in
        models().flat_map(|model| helms().into_iter().map(move |one| (model, one)))
    {
        let chart = model.chart;
        let rules = model.rules();
        let examples = rules
            .iter()
            .flat_map(|rule| rule.examples.iter().map(move |one| (rule.id, one)));
        for (rule, example) in examples {
            let release = Release {
                name: example.release.to_owned(),
                namespace: NAMESPACE.to_owned(),
            };
            let expected = validate(chart, example.values, Some(&release)).unwrap();
            let arguments = ["template", example.release];
            let output = helm_on(chart, &program, root.path(), &arguments, example.values);
            let refusal = text(&output.stderr);
            let context = format!("{rule}: {}\n{refusal}", example.values);
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

#[test]
fn the_chart_refuses_what_the_schema_refuses() {
    let root = checkout();
    let refused = [
        ("rocketmq", "nameServers: {count: -1}", "/nameServers/count"),
        ("rocketmq", "nameServers: {count: 0}", "/nameServers/count"),
        ("rocketmq", "brokers: {groups: 33}", "/brokers/groups"),
        (
            "rocketmq",
            "brokers: {storage: {mode: Cloud}}",
            "/brokers/storage/mode",
        ),
        (
            "rocketmq",
            "nameServers: {source: Addresses, addresses: [\"a:1\", \"a:1\"]}",
            "/nameServers/addresses",
        ),
        ("rocketmq", "brokers: {group: 2}", "group"),
        ("rocketmq", "brokers: null", "brokers"),
        ("nfs-storage", "", "/nfs/server"),
        ("nfs-storage", "nfs: {server: a}", "/nfs/path"),
        ("nfs-storage", "nfs: {server: a, path: b}", "/nfs/path"),
        (
            "nfs-storage",
            "nfs: {server: 'nfs://a', path: /b}",
            "/nfs/server",
        ),
        (
            "nfs-storage",
            "{nfs: {server: a, path: /b}, storageClass: {pathPattern: '../${.PVC.name}'}}",
            "/storageClass/pathPattern",
        ),
        ("redis", "version: Redis 4.0", "/version"),
        ("redis", "memory: {policy: lru}", "/memory/policy"),
        (
            "redis",
            "tuning: {keyspaceEvents: Q}",
            "/tuning/keyspaceEvents",
        ),
        (
            "redis",
            "tuning: {configuration: {maxMemory: 1}}",
            "maxMemory",
        ),
        (
            "redis",
            "{persistence: {mode: Both, savePoints: []}}",
            "savePoints",
        ),
        (
            "redis",
            "authentication: {source: Secret}",
            "/authentication/secretName",
        ),
        ("redis-cluster", "shards: {count: 2}", "/shards/count"),
        ("redis-cluster", "shards: {count: 65}", "/shards/count"),
        (
            "redis-cluster",
            "shards: {replicasPerShard: -1}",
            "/shards/replicasPerShard",
        ),
        (
            "redis-cluster",
            "outside: {firstNodePort: 29999}",
            "/outside/firstNodePort",
        ),
        ("rocketmq-topic-transfer", "", "/topic"),
        (
            "rocketmq-topic-transfer",
            "{topic: '%RETRY%billing', source: {release: a}, target: {release: b}}",
            "/topic",
        ),
    ];
    for program in helms() {
        for (chart, values, place) in refused {
            let arguments = ["template", "orders"];
            let output = helm_on(chart, &program, root.path(), &arguments, values);
            assert!(!output.status.success(), "{values}");
            let refusal = text(&output.stderr);
            let dotted = place.trim_start_matches('/').replace('/', ".");
            assert!(
                refusal.contains(place) || refusal.contains(&dotted),
                "{place}: {refusal}"
            );
            assert!(
                !validate(chart, values, None).unwrap().is_empty(),
                "{values}"
            );
        }
    }
}

#[test]
fn helm_takes_what_a_check_takes_and_says_what_the_catalogue_says() {
    let root = checkout();
    let programs = helms();
    let mut answers = Answers::new();
    for mistake in catalogue::all() {
        let answer = |program: &String| {
            let arguments = ["template", mistake.release];
            let output = helm(program, root.path(), &arguments, mistake.values);
            let words = if output.status.success() {
                String::new()
            } else {
                words(&String::from_utf8_lossy(&output.stderr), root.path())
            };
            Answer {
                is_taken: output.status.success(),
                words,
            }
        };
        let pair = [answer(&programs[0]), answer(&programs[1])];
        for answer in &pair {
            let expected = mistake.taken_by_helm.is_some();
            assert_eq!(answer.is_taken, expected, "{}: {answer:?}", mistake.name);
        }
        answers.insert(mistake.name.to_owned(), pair);
    }
    let text = serde_json::to_string_pretty(&answers).unwrap();
    catalogue::is_current(ANSWERS, &format!("{text}\n"));
}

/// Helm's words, the same everywhere and every time: it names the errors of a schema in any order.
fn words(text: &str, root: &Path) -> String {
    let text = text.replace(&root.display().to_string(), "");
    let text = text.replace("/given.yaml", "values.yaml");
    let mut lines: Vec<&str> = text
        .lines()
        .map(str::trim_end)
        .filter(|line| !line.is_empty() && !line.contains("Use --debug flag"))
        .collect();
    if let Some(first) = lines.iter().position(|line| line.starts_with("- at ")) {
        lines[first..].sort_unstable();
    }
    lines.join("\n")
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
    for values in [
        "brokers: {image: {tag: 5.5.0}}",
        "brokers: {configuration: {autoCreateTopicEnable: true}}",
        "brokers: {replication: Synchronous}",
    ] {
        assert_ne!(pod_of_first_broker(values), base, "{values}");
    }
}

#[test]
fn the_provisioner_has_the_rights_that_it_uses_and_its_pod_is_restricted() {
    let root = checkout();
    let least = "nfs: {server: nfs.example, path: /exports}\n";
    for program in helms() {
        let render = |more: &str| {
            let values = format!("{least}{more}");
            made("nfs-storage", &program, root.path(), &values, &[])
        };
        let waits = "storageClass: {volumeBindingMode: WaitForFirstConsumer}\n";
        for (more, reads_nodes) in [("", false), (waits, true)] {
            let rendered = render(more);
            assert_eq!(rendered.contains("resources: [nodes]"), reads_nodes);
            assert!(!rendered.contains("verbs: [\"*\"]") && !rendered.contains("secrets]"));
        }
        for (class, parameters) in [
            ("{}", "onDelete: retain"),
            ("{onDelete: Delete}", "onDelete: retain"),
            ("{reclaimPolicy: Delete}", "onDelete: retain"),
            (
                "{reclaimPolicy: Delete, onDelete: Archive}",
                "archiveOnDelete: \"true\"",
            ),
            (
                "{reclaimPolicy: Delete, onDelete: Delete}",
                "onDelete: delete",
            ),
        ] {
            let rendered = render(&format!("storageClass: {class}\n"));
            assert!(
                rendered.contains(&format!("  {parameters}\n")),
                "{rendered}"
            );
        }
        let rendered = render("provisioner: {runAsUser: 1000, runAsGroup: 2000}\n");
        let name = rendered
            .lines()
            .find_map(|line| line.strip_prefix("provisioner: "))
            .unwrap();
        // The provisioner calls its lock like that.
        let lock = name.replace('/', "-");
        let named = [
            format!("value: \"{name}\""),
            format!("resourceNames: [{lock}]"),
        ];
        for line in [
            named[0].as_str(),
            &named[1],
            "runAsNonRoot: true",
            "runAsUser: 1000",
            "runAsGroup: 2000",
            "type: RuntimeDefault",
            "allowPrivilegeEscalation: false",
            "readOnlyRootFilesystem: true",
            "claimName: orders-nfs-storage",
            "volumeName: shop-orders-nfs-storage",
        ] {
            let mut lines = rendered.lines();
            assert!(
                lines.any(|other| other.trim() == line),
                "{line}\n{rendered}"
            );
        }
        // An NFS volume of the pod itself would not be allowed: that of the PersistentVolume is the only one.
        assert_eq!(rendered.matches("nfs:\n").count(), 1);
        // What the provisioner makes beside volumes goes with the release: no object is kept.
        let (hooks, templates) = objects(&rendered);
        assert!(!rendered.contains("helm.sh/resource-policy"));
        let removed: Vec<&(String, String)> = hooks.iter().map(|hook| &hook.name).collect();
        assert_eq!(removed, [&("Service".to_owned(), lock)]);
        let once: BTreeSet<_> = templates.iter().collect();
        assert_eq!(once.len(), templates.len(), "{templates:#?}");
    }
}

/// A hook object: when it is made, and what removes it.
#[derive(Debug, PartialEq)]
struct Hook {
    events: Vec<String>,
    weight: i32,
    policy: String,
    name: (String, String),
}

/// What a rendering makes, in its order: hooks, and the kinds and names of what is none.
fn objects(rendered: &str) -> (Vec<Hook>, Vec<(String, String)>) {
    let line = |document: &str, start: &str| {
        let line = document
            .lines()
            .find(|line| line.trim_start().starts_with(start));
        line.map(|line| {
            let value = line.trim().trim_start_matches(start).trim();
            value.trim_matches('"').to_owned()
        })
        .unwrap_or_default()
    };
    let (mut hooks, mut templates) = (Vec::new(), Vec::new());
    for document in rendered
        .split("---\n")
        .filter(|document| document.contains("kind:"))
    {
        let name = (line(document, "kind:"), line(document, "name:"));
        if document.contains("helm.sh/hook:") {
            let events = line(document, "helm.sh/hook:");
            hooks.push(Hook {
                events: events.split(',').map(str::to_owned).collect(),
                weight: line(document, "helm.sh/hook-weight:").parse().unwrap(),
                policy: line(document, "helm.sh/hook-delete-policy:"),
                name,
            });
        } else {
            templates.push(name);
        }
    }
    (hooks, templates)
}

#[test]
fn what_a_running_job_needs_is_not_removed_and_nothing_stays_after_an_uninstall() {
    let root = checkout();
    let (hooks, templates) = objects(&render(&helms()[0], root.path(), ""));
    let name = |kind: &str, suffix: &str| (kind.to_owned(), format!("orders-rocketmq-{suffix}"));
    let hook = |events: &[&str], weight, policy: &str, name| Hook {
        events: events.iter().map(|event| (*event).to_owned()).collect(),
        weight,
        policy: policy.to_owned(),
        name,
    };
    let before = ["pre-upgrade", "pre-rollback"];
    let removed = "before-hook-creation,hook-succeeded";
    for (weight, kind) in (1..).zip(["ServiceAccount", "Role", "RoleBinding", "ConfigMap"]) {
        let stays = hook(
            &before,
            weight,
            "before-hook-creation",
            name(kind, "before"),
        );
        assert!(hooks.contains(&stays), "{stays:?}: {hooks:#?}");
        let goes = hook(&["post-delete"], weight, removed, name(kind, "before"));
        assert!(hooks.contains(&goes), "{goes:?}: {hooks:#?}");
        assert!(templates.contains(&name(kind, "after")), "{kind}");
    }
    let after = ["post-install", "post-upgrade", "post-rollback"];
    assert!(hooks.contains(&hook(&before, 5, removed, name("Job", "before"))));
    assert!(hooks.contains(&hook(&after, 5, removed, name("Job", "after"))));
    let jobs = hooks.iter().filter(|hook| hook.name.0 == "Job").count();
    assert!(hooks.contains(&hook(&["test"], 1, removed, name("Pod", "check"))));
    assert_eq!((jobs, hooks.len()), (2, 11), "{hooks:#?}");
}

#[test]
fn who_plays_helms_hooks_in_another_order_finds_every_object_once() {
    let root = checkout();
    for program in helms() {
        let (hooks, templates) = objects(&render(&program, root.path(), ""));
        let once: BTreeSet<_> = templates.iter().collect();
        assert_eq!(once.len(), templates.len(), "{templates:#?}");
        // Argo CD does not apply the kind Lease unless it is told to.
        assert!(templates.iter().all(|(kind, _)| kind != "Lease"));
        let mut weights = BTreeMap::new();
        for hook in &hooks {
            assert!(!once.contains(&hook.name), "{hook:?}");
            for event in &hook.events {
                // Helm orders hooks of one weight by their names, and Argo CD by their kinds.
                let other = weights.insert((event, hook.weight), &hook.name);
                assert_eq!(other, None, "{event} of weight {}", hook.weight);
            }
            // Argo CD and `kubectl apply` go by the last object of a name; that of a removal must not be it.
            let last = hooks.iter().rfind(|other| other.name == hook.name).unwrap();
            assert!(!last.events.contains(&"post-delete".to_owned()), "{last:?}");
        }
        let rank = |kind: &str| {
            [
                "ServiceAccount",
                "Role",
                "RoleBinding",
                "ConfigMap",
                "Job",
                "Pod",
            ]
            .iter()
            .position(|known| *known == kind)
        };
        for ((event, weight), (kind, _)) in &weights {
            let later = weights.range((*event, weight + 1)..).next();
            if let Some(((next, _), (after, _))) = later
                && next == event
            {
                assert!(rank(kind) < rank(after), "{event}: {kind} before {after}");
            }
        }
    }
}

/// Values of each chart that look like something else than text, and the words that have to stay text.
const WORDS: [(&str, &str, &[&str]); 4] = [
    (
        "rocketmq",
        "
imagePullSecrets: ['0123']
nameServers:
  image: {repository: '12', tag: '34'}
  storage: {className: '1e5'}
  pod: {priorityClassName: '0775'}
brokers:
  clusterName: '2024'
  image: {repository: '56', tag: '08'}
  pod:
    labels: {year: '1999'}
    env: [{name: YEAR, value: '2001'}]
    topologySpread: [{topologyKey: '777', maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}]
hook: {image: {repository: '78', tag: '09'}}
",
        &[
            "0123", "12:34", "1e5", "0775", "2024", "56:08", "1999", "2001", "777", "78:09",
            "12345", "true",
        ],
    ),
    (
        "nfs-storage",
        "
imageRegistry: ''
imagePullSecrets: ['0123']
nfs: {server: '1e9', path: /exports, mountOptions: ['true']}
storageClass: {name: '1e5'}
provisioner:
  image: {repository: '12', tag: '34'}
  pod:
    labels: {year: '1999'}
    priorityClassName: '0775'
    topologySpread: [{topologyKey: '777', maxSkew: 1, whenUnsatisfiable: ScheduleAnyway}]
",
        &[
            "0123", "1e9", "1e5", "12:34", "1999", "0775", "777", "12345", "true",
        ],
    ),
    (
        "redis",
        "
imagePullSecrets: ['0123']
server:
  image: {repository: '12', tag: '34'}
  pod:
    labels: {year: '1999'}
    env: [{name: YEAR, value: '2001'}]
    priorityClassName: '0775'
persistence: {storage: {className: '1e5'}}
authentication: {source: Secret, secretName: '0777', secretKey: '1e3'}
tls: {secretName: '0666'}
metrics: {enabled: true, image: {repository: '56', tag: '08'}}
hook: {image: {repository: '78', tag: '09'}}
",
        &[
            "0123", "12:34", "1999", "2001", "0775", "1e5", "0777", "1e3", "0666", "56:08",
            "78:09", "12345", "true",
        ],
    ),
    (
        "redis-cluster",
        "
clusterDomain: '123'
imagePullSecrets: ['0123']
shards: {topologySpread: [{topologyKey: '777', maxSkew: 1, whenUnsatisfiable: DoNotSchedule}]}
server: {pod: {labels: {year: '1999'}, env: [{name: YEAR, value: '2001'}]}}
persistence: {storage: {className: '1e5'}}
authentication: {source: Secret, secretName: '0777', secretKey: '1e3'}
tls: {secretName: '0666'}
",
        &[
            "0123", "777", "1999", "2001", "1e5", "0777", "1e3", "0666", "12345", "true",
        ],
    ),
];

#[test]
fn words_that_yaml_would_take_for_numbers_stay_words() {
    let root = checkout();
    for (chart, values, words) in WORDS {
        for program in helms() {
            let arguments = ["template", "true", "--namespace", "12345"];
            let output = helm_on(chart, &program, root.path(), &arguments, values);
            assert!(output.status.success(), "{}", text(&output.stderr));
            let rendered = text(&output.stdout);
            for word in words {
                let quoted = format!("\"{word}\"");
                assert!(rendered.contains(&quoted), "{word}");
            }
            let is_bare = |line: &&str| {
                let (key, value) = line
                    .split_once(": ")
                    .unwrap_or(("", line.trim_start_matches("- ")));
                let is_release = key.ends_with("/instance");
                words.contains(&value.trim()) && (is_release || value != "true")
            };
            let bare: Vec<&str> = rendered.lines().map(str::trim).filter(is_bare).collect();
            assert!(bare.is_empty(), "{bare:#?}");
        }
    }
}

/// Charts with values, and two parts of what their notes say then.
const NOTES: [(&str, &str, &str, &str); 14] = [
    (
        "rocketmq",
        "",
        "2 groups with 1 replica each",
        "--set nameServers.count=3 --timeout 26m",
    ),
    (
        "rocketmq",
        "brokers: {enabled: false}",
        "those that use them afterwards",
        "--timeout 10m",
    ),
    (
        "rocketmq",
        "brokers: {drainMinutes: 90}",
        "for at most 90 minutes",
        "--set brokers.groups=3 --timeout 116m",
    ),
    (
        "rocketmq",
        "nameServers: {source: Release, release: {name: base}}",
        "those of the release base",
        "--set nameServers.release.count=3",
    ),
    (
        "rocketmq",
        "nameServers: {source: Addresses, addresses: ['a:9876']}\nbrokers: {groups: 1, replicasPerGroup: 0}",
        "1 group with 0 replicas each",
        "--set 'nameServers.addresses=",
    ),
    (
        "nfs-storage",
        "nfs: {server: nfs.example, path: /exports}",
        "The storage class orders-nfs-storage makes directories in /exports of nfs.example.",
        "--set brokers.storage.className=orders-nfs-storage",
    ),
    (
        "nfs-storage",
        "nfs: {server: nfs.example, path: /exports}\nstorageClass: {reclaimPolicy: Delete, onDelete: Delete}",
        "AND ITS DATA ARE DELETED",
        "but no volume and no data",
    ),
    (
        "rocketmq-topic-transfer",
        "{topic: orders, source: {release: old}, target: {release: new}}",
        "The topic orders has moved",
        "helm uninstall orders",
    ),
    (
        "redis",
        "",
        "orders-redis.shop:6379",
        "{{ index .data \"password\" | base64decode }}",
    ),
    (
        "redis",
        "{authentication: {source: None}, tls: {secretName: a, enforced: true}}",
        "orders-redis.shop:6380 with TLS",
        "There is no password",
    ),
    (
        "redis",
        "{persistence: {mode: None, storage: {mode: EmptyDir}}, outside: {type: NodePort}}",
        "Nothing is kept",
        "orders-redis-outside",
    ),
    (
        "redis-cluster",
        "outside: {nodePorts: true}",
        "which are sent on to addresses of nodes",
        "midships/cluster=orders-redis-cluster | grep -e NAME -e -outside",
    ),
    (
        "redis-cluster",
        "",
        "a cluster of 3 shards, each of a master and 1 replica\n",
        "orders-redis-cluster.shop:6379",
    ),
    (
        "redis-cluster",
        "{shards: {replicasPerShard: 0}, persistence: {mode: None}}",
        "No data are kept",
        "Without replicas",
    ),
];

#[test]
fn notes_say_what_the_release_can_do() {
    let root = checkout();
    // Helm prints notes only when it installs, so they are rendered as a template here.
    for model in models() {
        let templates = root
            .path()
            .join(format!("charts/{}/templates", model.chart));
        let notes = std::fs::read_to_string(templates.join("NOTES.txt")).unwrap();
        let notes = format!(
            "{{{{- define \"notes\" }}}}{notes}{{{{ end }}}}\nnotes: |\n{{{{ include \"notes\" . | indent 2 }}}}\n"
        );
        std::fs::write(templates.join("notes.yaml"), notes).unwrap();
    }
    for program in helms() {
        for (chart, values, first, second) in NOTES {
            let rendered = made(chart, &program, root.path(), values, &[]);
            let (_, notes) = rendered.split_once("notes: |").unwrap();
            assert!(
                notes.contains(first) && notes.contains(second),
                "{values}\n{notes}"
            );
        }
    }
}

#[test]
fn a_jobs_time_follows_from_the_estimate() {
    let root = checkout();
    let mut given = Values::default();
    for (groups, seconds) in [(1, 3600), (8, 4440 + 1800 + 600), (32, 15960 + 1800 + 600)] {
        given.brokers.groups = groups;
        assert_eq!(given.deadline_seconds(), seconds);
        let values = serde_json::to_string(&given).unwrap();
        let rendered = render(&helms()[0], root.path(), &values);
        let line = format!("activeDeadlineSeconds: {seconds}\n");
        assert_eq!(rendered.matches(&line).count(), 2, "{groups} groups");
    }
}

/// The file that a server of the chart `redis` reads, but for its password.
fn configuration_of(rendered: &str) -> BTreeSet<&str> {
    let (_, after) = rendered.split_once("  redis.conf: |\n").unwrap();
    let lines = after.lines().take_while(|line| line.starts_with("    "));
    lines.map(str::trim).collect()
}

/// That a new server has what a running one of the same values is told.
fn has_online_settings(lines: &BTreeSet<&str>, values: &impl Servers, given: &str) {
    let groups = values.groups();
    for (key, value) in values.online_settings() {
        let is_there = |value: &str| lines.contains(format!("{key} {value}").as_str());
        // A key that is not set has what servers have anyway.
        let is_left = settings::ONLINE.iter().any(|(online, _)| *online == key)
            && !groups.tuning.configuration.contains_key(&key);
        let quoted = format!("\"{value}\"");
        let points = groups.persistence.save_points.iter();
        let has_points = key == "save"
            && points
                .clone()
                .all(|point| is_there(&format!("{} {}", point.seconds, point.changes)));
        assert!(
            is_there(&value) || is_there(&quoted) || is_left || has_points,
            "{given}: {key} {value}: {lines:#?}"
        );
    }
}

#[test]
fn a_new_server_has_what_a_running_one_is_told() {
    let root = checkout();
    let program = &helms()[0];
    for version in Version::ALL {
        for mode in ["Snapshots", "AppendOnly", "Both"] {
            let given = format!(
                "{{version: {}, persistence: {{mode: {mode}}}, memory: {{policy: allkeys-lru}}, tuning: {{keyspaceEvents: Ex, configuration: {{hz: 20, rdbcompression: false}}}}}}",
                version.name()
            );
            let rendered = made("redis", program, root.path(), &given, &[]);
            let values = merged("redis", &given).unwrap();
            let values: redis::Values = serde_json::from_value(values).unwrap();
            has_online_settings(&configuration_of(&rendered), &values, &given);
        }
    }
    for given in [
        "",
        "{version: Redis 5.0.6, shards: {nodeTimeoutMilliseconds: 5000, requireFullCoverage: true}}",
    ] {
        let rendered = made("redis-cluster", program, root.path(), given, &[]);
        let values = merged("redis-cluster", given).unwrap();
        let values: redis_cluster::Values = serde_json::from_value(values).unwrap();
        has_online_settings(&configuration_of(&rendered), &values, given);
    }
}

/// The pod of the first server of a chart with servers of Redis, as its `StatefulSet` has it.
fn pod_of_first(chart: &str, program: &str, root: &Path, values: &str) -> String {
    let rendered = made(chart, program, root, values, &[]);
    let (_, set) = rendered.split_once("kind: StatefulSet").unwrap();
    let (_, pod) = set.split_once("  template:\n").unwrap();
    let (pod, _) = pod.split_once("\n---").unwrap();
    pod.to_owned()
}

#[test]
fn more_servers_restart_none_of_those_that_stand() {
    let root = checkout();
    let program = &helms()[0];
    let pod = |values: &str| pod_of_first("redis-cluster", program, root.path(), values);
    let base = pod("");
    for values in [
        "shards: {count: 5}",
        "shards: {replicasPerShard: 2}",
        "shards: {nodeTimeoutMilliseconds: 5000, requireFullCoverage: true}",
        "memory: {percent: 40}",
    ] {
        assert_eq!(pod(values), base, "{values}");
    }
    for values in [
        "version: Redis 8.0",
        "shards: {antiAffinity: Hard}",
        "tls: {secretName: certificates}",
    ] {
        assert_ne!(pod(values), base, "{values}");
    }
}

#[test]
fn ports_of_nodes_follow_from_the_names_of_pods_and_are_announced() {
    let root = checkout();
    let program = &helms()[0];
    let values =
        |more: &str| format!("{{outside: {{nodePorts: true}}, shards: {{count: 4}}, {more}}}");
    let rendered = made("redis-cluster", program, root.path(), &values(""), &[]);
    assert_eq!(rendered.matches("type: NodePort").count(), 8);
    let (_, last) = rendered
        .split_once("name: orders-redis-cluster-shard-3-1-outside\n")
        .unwrap();
    let (last, _) = last.split_once("\n---").unwrap();
    for line in [
        "statefulset.kubernetes.io/pod-name: orders-redis-cluster-shard-3-1",
        "nodePort: 30016",
        "nodePort: 30816",
        "port: 16379",
    ] {
        assert!(last.contains(line), "{line} in {last}");
    }
    let announced = |more: &str| {
        let pod = pod_of_first("redis-cluster", program, root.path(), &values(more));
        let (_, value) = pod.split_once("name: MIDSHIPS_NODE_PORTS\n").unwrap();
        let (_, value) = value.split_once("value: \"").unwrap();
        value.split_once('"').unwrap().0.to_owned()
    };
    let (bus, plain, tls) = (
        "cluster-announce-bus-port=30800",
        "cluster-announce-port=30000",
        "cluster-announce-tls-port=30400",
    );
    let both = "tls: {secretName: certificates}";
    let enforced = "tls: {secretName: certificates, enforced: true}";
    assert_eq!(announced(""), format!("{bus} {plain}"));
    assert_eq!(announced(both), format!("{bus} {tls} {plain}"));
    assert_eq!(announced(enforced), format!("{bus} {tls}"));
    for tls in [both, enforced] {
        let announced = announced(&format!("version: Redis 6.0, {tls}"));
        assert_eq!(announced, format!("{bus} cluster-announce-port=30400"));
    }
}

#[test]
fn a_cluster_has_a_stateful_set_for_each_shard_and_its_jobs_may_evict_any_server() {
    let root = checkout();
    let program = &helms()[0];
    let values = "shards: {count: 4, replicasPerShard: 2}";
    let rendered = made("redis-cluster", program, root.path(), values, &[]);
    assert_eq!(rendered.matches("kind: StatefulSet").count(), 4);
    assert_eq!(rendered.matches("\n  replicas: 3\n").count(), 4);
    let last = "- orders-redis-cluster-shard-63-4\n";
    assert_eq!(rendered.matches(last).count(), 2);
    assert!(rendered.contains("\n    orders-redis-cluster-shard-3-2\n"));
    // Volumes of servers that stay grow, and no others.
    assert!(rendered.contains("- data-orders-redis-cluster-shard-3-2\n"));
    assert!(!rendered.contains("- data-orders-redis-cluster-shard-4-"));
    // What servers tell each other is for them alone.
    assert_eq!(rendered.matches("- port: 16379").count(), 1);
}

#[test]
fn the_pod_of_a_server_changes_only_with_what_it_reads_at_its_start() {
    let root = checkout();
    let program = &helms()[0];
    let pod = |values: &str| pod_of_first("redis", program, root.path(), values);
    let base = pod("");
    for values in [
        "memory: {percent: 40, policy: allkeys-lfu}",
        "persistence: {flush: Always, rewritePercent: 50}",
        "persistence: {mode: Both}",
        "tuning: {timeoutSeconds: 60, lazyFreeing: false, configuration: {hz: 20}}",
        "hook: {image: {tag: other}}",
        "commonLabels: {team: orders}",
        "outside: {type: NodePort}",
    ] {
        assert_eq!(pod(values), base, "{values}");
    }
    for values in [
        "version: Valkey 9.1",
        "persistence: {mode: Snapshots}",
        "tuning: {databases: 32}",
        "tuning: {configuration: {rdbchecksum: false}}",
        "authentication: {source: None}",
        "tls: {secretName: certificates}",
        "metrics: {enabled: true}",
    ] {
        assert_ne!(pod(values), base, "{values}");
    }
}

#[test]
fn no_value_opens_a_port_of_plain_text_where_tls_is_enforced() {
    let root = checkout();
    for program in helms() {
        for kind in ["ClusterIP", "NodePort", "LoadBalancer"] {
            let values = format!(
                "{{tls: {{secretName: certificates, enforced: true}}, outside: {{type: {kind}, nodePort: 30001}}}}"
            );
            let rendered = made("redis", &program, root.path(), &values, &[]);
            let ports = |line: &str| {
                rendered
                    .lines()
                    .filter(|other| other.trim() == line)
                    .count()
            };
            assert!(configuration_of(&rendered).contains("port 0"));
            assert_eq!(ports("containerPort: 6379") + ports("targetPort: 6379"), 0);
            let services = if kind == "ClusterIP" { 2 } else { 3 };
            assert_eq!(ports("targetPort: 6380"), services, "{kind}");
            assert_eq!(ports("containerPort: 6380"), 1);
        }
    }
}

/// How many random values of each chart the Helms judge.
const TREES: usize = 500;

#[test]
fn both_majors_accept_and_refuse_random_values_as_the_model_does() {
    let root = checkout();
    let release = Release {
        name: "orders".to_owned(),
        namespace: NAMESPACE.to_owned(),
    };
    for model in models() {
        let (chart, description) = (model.chart, model.description().unwrap());
        let mut numbers = trees::Numbers(2);
        let refused = validate(chart, "{}", Some(&release)).unwrap();
        let mut accepted = 0;
        for _ in 0..TREES {
            let values = trees::given(&description, &refused, &mut numbers).to_string();
            let findings = validate(chart, &values, Some(&release)).unwrap();
            accepted += usize::from(findings.is_empty());
            for program in helms() {
                let arguments = ["template", "orders"];
                let output = helm_on(chart, &program, root.path(), &arguments, &values);
                let refusal = text(&output.stderr);
                assert_eq!(
                    output.status.success(),
                    findings.is_empty(),
                    "{program}: {chart}: {values}\nmodel: {findings:#?}\nhelm: {refusal}"
                );
            }
        }
        // Values that are all good or all bad would prove nothing.
        assert!(
            (TREES / 10..TREES * 9 / 10).contains(&accepted),
            "{chart}: {accepted}"
        );
    }
}

/// What a release is made of beside what only says which values it was given.
fn effect(rendered: &str) -> String {
    let lines = rendered.lines().filter(|line| {
        let line = line.trim_start();
        !line.starts_with("desired.json")
            && !line.starts_with("{\"format\"")
            && !line.contains("checksum/")
    });
    lines.collect::<Vec<_>>().join("\n")
}

#[test]
fn what_is_hidden_has_no_effect() {
    let root = checkout();
    let program = &helms()[0];
    let mut numbers = trees::Numbers(7);
    for (chart, base) in [
        (
            "rocketmq",
            "nameServers: {source: Release, release: {name: base}}",
        ),
        (
            "rocketmq",
            "nameServers: {source: Addresses, addresses: ['a:9876']}",
        ),
        ("rocketmq", "brokers: {enabled: false}"),
        ("rocketmq", "networkPolicy: {enabled: false}"),
        (
            "rocketmq",
            "brokers: {storage: {mode: EmptyDir}}\nnameServers: {storage: {mode: EmptyDir}}",
        ),
        (
            "rocketmq",
            "brokers: {storage: {mode: HostPath, hostPath: /srv/b}}\nnameServers: {storage: {mode: HostPath, hostPath: /srv/n}}",
        ),
        ("nfs-storage", "nfs: {server: a, path: /b}"),
        ("redis", "persistence: {mode: Snapshots}"),
        (
            "redis",
            "{persistence: {mode: None, storage: {mode: EmptyDir}}, authentication: {source: None}}",
        ),
        (
            "redis",
            "{outside: {type: NodePort}, metrics: {enabled: true}}",
        ),
        (
            "redis",
            "{outside: {type: LoadBalancer}, networkPolicy: {enabled: false}}",
        ),
        ("redis-cluster", "persistence: {mode: Snapshots}"),
        (
            "redis-cluster",
            "{authentication: {source: None}, persistence: {mode: None, storage: {mode: HostPath, hostPath: /srv}}}",
        ),
    ] {
        let render = |values: &str| effect(&made(chart, program, root.path(), values, &[]));
        let model = models().find(|model| model.chart == chart).unwrap();
        let description = model.description().unwrap();
        let expected = render(base);
        let values = merged(chart, base).unwrap();
        let given: serde_json::Value = serde_yaml::from_str(base).unwrap();
        let fields = description.fields();
        let hidden: Vec<_> = fields
            .iter()
            .filter(|field| !field.visible.holds(&values))
            .collect();
        assert!(!hidden.is_empty(), "{base}");
        for _ in 0..4 {
            let mut changed = given.clone();
            for field in &hidden {
                let value = trees::good(field, &mut numbers);
                // Bounds hold for what is hidden too.
                if jsonschema::validator_for(field.schema)
                    .unwrap()
                    .is_valid(&value)
                {
                    trees::put(&mut changed, field.path, value);
                }
            }
            let changed = changed.to_string();
            assert_eq!(render(&changed), expected, "{base} and {changed}");
        }
    }
}
