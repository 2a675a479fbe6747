//! The command line as a person sees it: exit code, standard output and standard error together.

#![cfg(test)]

#[path = "../../publish/tests/server/mod.rs"]
mod server;

use std::fmt::Write;
use std::fs;
use std::path::Path;
use std::process::Command;

use insta::assert_snapshot;
use server::Server;
use tempfile::TempDir;

/// A directory and what is replaced in outputs, so that they are the same everywhere.
struct Stage {
    directory: TempDir,
    words: Vec<(String, &'static str)>,
}

impl Stage {
    fn new() -> Self {
        let directory = TempDir::new().unwrap();
        let words = vec![(directory.path().display().to_string(), "DIRECTORY")];
        Self { directory, words }
    }

    fn path(&self) -> &Path {
        self.directory.path()
    }

    /// Runs midships in the directory.
    fn run(&self, arguments: &str) -> String {
        self.run_with(arguments, "")
    }

    /// Runs midships in the directory with something on its standard input.
    fn run_with(&self, arguments: &str, input: &str) -> String {
        let given = self.path().join("standard-input");
        fs::write(&given, input).unwrap();
        let mut command = Command::new(env!("CARGO_BIN_EXE_midships"));
        for variable in [
            "SOURCE_DATE_EPOCH",
            "MIDSHIPS_POLICY",
            "MIDSHIPS_LOCK",
            "HELM_NAMESPACE",
        ] {
            command.env_remove(variable);
        }
        let output = command
            .args(arguments.split_whitespace())
            .current_dir(self.path())
            .stdin(fs::File::open(given).unwrap())
            .output()
            .unwrap();
        let mut text = format!("exit {}\n", output.status.code().unwrap());
        for (name, bytes) in [("output", output.stdout), ("notes", output.stderr)] {
            for line in String::from_utf8(bytes).unwrap().lines() {
                let line = without_size(line);
                writeln!(text, "{}", format!("{name}: {line}").trim_end()).unwrap();
            }
        }
        for (from, to) in &self.words {
            text = text.replace(from, to);
        }
        without_digests(&text.replace(env!("CARGO_PKG_VERSION"), "VERSION"))
    }
}

/// Sizes, too.
fn without_size(line: &str) -> String {
    match line.rsplit_once(", ") {
        Some((rest, _)) if line.starts_with("pushing ") => format!("{rest}, SIZE"),
        _ => line.to_owned(),
    }
}

/// Digests change with every change of a chart: here it only matters that they are there.
fn without_digests(text: &str) -> String {
    let mut parts = text.split("sha256:");
    let mut result = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let length = part.bytes().take_while(u8::is_ascii_hexdigit).count();
        assert_eq!(length, 64, "{text}");
        result.push_str("DIGEST");
        result.push_str(&part[length..]);
    }
    result
}

#[test]
fn generate_writes_once_and_finds_every_change() {
    let stage = Stage::new();
    assert_snapshot!(stage.run("generate"), @r"
    exit 1
    notes: error: no checkout of midships at or above `DIRECTORY`; run this inside of one or give --root
    ");
    fs::write(stage.path().join("Cargo.toml"), "[workspace]\n").unwrap();
    let below = stage.path().join("src/model");
    fs::create_dir_all(&below).unwrap();

    let first = stage.run("generate");
    assert!(
        first.starts_with("exit 0\noutput: charts/nfs-storage/.helmignore is missing\n"),
        "{first}"
    );
    assert_snapshot!(stage.run("generate --check"), @r"
    exit 0
    notes: charts and schemas are as the model makes them
    ");
    fs::write(stage.path().join("charts/rocketmq/values.yaml"), "").unwrap();
    assert_snapshot!(stage.run("generate --check --chart rocketmq"), @r"
    exit 1
    output: charts/rocketmq/values.yaml differs from the model
    notes: error: 1 generated file differs from the model; run `midships generate` and commit the result
    ");
    assert_snapshot!(stage.run("generate --chart rocketmq"), @r"
    exit 0
    output: charts/rocketmq/values.yaml differs from the model
    notes: all of these are as the model makes them now
    ");
    assert_snapshot!(stage.run("generate --chart rabbitmq --root ."), @r"
    exit 1
    notes: error: no chart is named `rabbitmq`; there are: rocketmq, nfs-storage, rocketmq-topic-transfer, redis, redis-sentinel, redis-cluster
    ");
}

/// Writes values that are good and values with two mistakes.
fn write_values(stage: &Stage) {
    fs::write(stage.path().join("good.yaml"), "nameServers:\n  count: 3\n").unwrap();
    fs::write(
        stage.path().join("bad.yaml"),
        "nameServers:\n  count: -1\nhook:\n  image:\n    tga: x\n",
    )
    .unwrap();
}

#[test]
fn check_names_every_field_that_would_be_refused() {
    let stage = Stage::new();
    write_values(&stage);
    fs::write(stage.path().join("latin.yaml"), b"# caf\xe9\n").unwrap();
    assert_snapshot!(stage.run("check good.yaml --chart rocketmq --release events"), @r"
    exit 0
    notes: good.yaml: good values for the chart rocketmq
    ");
    assert_snapshot!(stage.run("check good.yaml --chart rocketmq"), @r"
    exit 0
    notes: good.yaml: good values for the chart rocketmq
    notes: the names of objects were not checked; give --release NAME for that
    ");
    assert_snapshot!(stage.run("check bad.yaml --chart rocketmq --release events"), @r"
    exit 1
    output: error[out-of-range]: nameServers.count: found -1
    output:  --> bad.yaml:2:10
    output:   |
    output: 2 |   count: -1
    output:   |          ^^ allowed: 1 to 9
    output:   |
    output:   = help: the nearest is 1; the default is 2
    output:
    output: error[unknown-field]: hook.image.tga: found an unknown field
    output:  --> bad.yaml:5:5
    output:   |
    output: 5 |     tga: x
    output:   |     ^^^ allowed: repository, tag, pullPolicy
    output:   |
    output: help: did you mean `tag`?
    output:   |
    output: 5 -     tga: x
    output: 5 +     tag: x
    output:   |
    output:
    notes: error: bad.yaml: 2 findings for the chart rocketmq
    ");
    assert_snapshot!(stage.run("check latin.yaml --chart rocketmq"), @r"
    exit 1
    output: error[yaml-encoding]: found the byte 0xe9, which is not UTF-8
    output:  --> latin.yaml:1:6
    output:   |
    output: 1 | # caf�
    output:   |      ^ allowed: text in UTF-8
    output:   |
    output:   = help: save the file as UTF-8
    output:
    notes: error: latin.yaml: 1 finding for the chart rocketmq
    ");
    assert_snapshot!(stage.run("check good.yaml --chart kafka"), @r"
    exit 2
    notes: error: no chart is named `kafka`; there are: rocketmq, nfs-storage, rocketmq-topic-transfer, redis, redis-sentinel, redis-cluster
    ");
    assert_snapshot!(stage.run("check none.yaml --chart rocketmq"), @r"
    exit 2
    notes: error: unable to read `none.yaml`: No such file or directory (os error 2)
    ");
}

#[test]
fn check_writes_json_for_programs() {
    let stage = Stage::new();
    write_values(&stage);
    assert_snapshot!(stage.run("check bad.yaml --chart rocketmq --format json"), @r#"
    exit 1
    output: {
    output:   "version": 1,
    output:   "file": "bad.yaml",
    output:   "chart": "rocketmq",
    output:   "findings": [
    output:     {
    output:       "rule": "out-of-range",
    output:       "path": "nameServers.count",
    output:       "line": 2,
    output:       "column": 10,
    output:       "endLine": 2,
    output:       "endColumn": 12,
    output:       "found": "-1",
    output:       "allowed": "1 to 9",
    output:       "hint": "the nearest is 1; the default is 2",
    output:       "suggestion": null,
    output:       "related": []
    output:     },
    output:     {
    output:       "rule": "unknown-field",
    output:       "path": "hook.image.tga",
    output:       "line": 5,
    output:       "column": 5,
    output:       "endLine": 5,
    output:       "endColumn": 8,
    output:       "found": "an unknown field",
    output:       "allowed": "repository, tag, pullPolicy",
    output:       "hint": "did you mean `tag`?",
    output:       "suggestion": {
    output:         "line": 5,
    output:         "column": 5,
    output:         "endLine": 5,
    output:         "endColumn": 8,
    output:         "text": "tag"
    output:       },
    output:       "related": []
    output:     }
    output:   ],
    output:   "warnings": []
    output: }
    notes: error: bad.yaml: 2 findings for the chart rocketmq
    "#);
    assert_snapshot!(stage.run("check good.yaml --chart rocketmq --release events --format json"), @r#"
    exit 0
    output: {
    output:   "version": 1,
    output:   "file": "good.yaml",
    output:   "chart": "rocketmq",
    output:   "findings": [],
    output:   "warnings": []
    output: }
    notes: good.yaml: good values for the chart rocketmq
    "#);
}

#[test]
fn change_tells_what_each_changed_field_takes() {
    let stage = Stage::new();
    fs::write(stage.path().join("old.yaml"), "brokers: {groups: 3}\n").unwrap();
    fs::write(
        stage.path().join("new.yaml"),
        "nameServers: {count: 3}\nbrokers: {clusterName: a, groups: 2, image: {tag: 5.5.0}}\n",
    )
    .unwrap();
    assert_snapshot!(stage.run("change old.yaml new.yaml --chart rocketmq"), @r#"
    exit 1
    output: nameServers.count: 2 -> 3
    output:     A change runs the operation change_name_servers, while clients go on.
    output: brokers.clusterName: "" -> a
    output:     refused: Cannot be changed after the installation.
    output: brokers.groups: 3 -> 2
    output:     A change runs an operation while clients go on: add_brokers fills groups that are new, remove_brokers drains groups that leave.
    output: brokers.image.tag: "5.4.0" -> "5.5.0"
    output:     A change restarts pods one at a time during the upgrade, while clients go on.
    output: the upgrade runs change_name_servers, remove_brokers: give Helm --timeout 56m
    notes: error: 1 of 4 changes would be refused
    "#);
    assert_snapshot!(stage.run("change old.yaml old.yaml --chart rocketmq"), @r"
    exit 0
    notes: nothing changes
    ");
    fs::write(stage.path().join("wrong.yaml"), "brokers: {groups: 0}\n").unwrap();
    assert_snapshot!(stage.run("change old.yaml wrong.yaml --chart rocketmq"), @r"
    exit 1
    output: error[out-of-range]: brokers.groups: found 0
    output:  --> wrong.yaml:1:19
    output:   |
    output: 1 | brokers: {groups: 0}
    output:   |                   ^ allowed: 1 to 32
    output:   |
    output:   = help: the nearest is 1; the default is 2
    output:
    notes: error: wrong.yaml: the chart rocketmq would refuse these values
    ");
    assert_snapshot!(stage.run("change old.yaml new.yaml --chart kafka"), @r"
    exit 2
    notes: error: no chart is named `kafka`; there are: rocketmq, nfs-storage, rocketmq-topic-transfer, redis, redis-sentinel, redis-cluster
    ");
}

#[test]
fn package_gives_the_same_bytes_twice() {
    let stage = Stage::new();
    assert_snapshot!(stage.run("package --out first"), @r"
    exit 0
    output: DIGEST first/rocketmq-VERSION.tgz
    output: DIGEST first/nfs-storage-VERSION.tgz
    output: DIGEST first/rocketmq-topic-transfer-VERSION.tgz
    output: DIGEST first/redis-VERSION.tgz
    output: DIGEST first/redis-sentinel-VERSION.tgz
    output: DIGEST first/redis-cluster-VERSION.tgz
    ");
    assert_snapshot!(stage.run("package --chart nfs-storage --out one"), @r"
    exit 0
    output: DIGEST one/nfs-storage-VERSION.tgz
    ");
    assert_snapshot!(stage.run("package --chart kafka --out one"), @r"
    exit 1
    notes: error: no chart is named `kafka`; there are: rocketmq, nfs-storage, rocketmq-topic-transfer, redis, redis-sentinel, redis-cluster
    ");
    stage.run("package --out second");
    let name = format!("rocketmq-{}.tgz", env!("CARGO_PKG_VERSION"));
    let read = |directory: &str| fs::read(stage.path().join(directory).join(&name)).unwrap();
    assert_eq!(read("first"), read("second"));
    stage.run("package --out third --source-date-epoch 1");
    assert_ne!(read("first"), read("third"));
    assert_snapshot!(stage.run("package --out fourth --source-date-epoch soon"), @r"
    exit 2
    notes: error: invalid value 'soon' for '--source-date-epoch <SECONDS>': SOURCE_DATE_EPOCH: `soon` is not a whole number of seconds since 1970-01-01T00:00:00Z; give one from 0 to 8589934591, such as the output of `git log -1 --format=%ct`
    notes:
    notes: For more information, try '--help'.
    ");
}

/// Places a static program: the beginning of the binary under test, which is static as the workspace's settings make it, and of which
/// all would be more than an image may have.
fn place_program(stage: &Stage, name: &str) {
    let mut program = fs::read(env!("CARGO_BIN_EXE_midships")).unwrap();
    program.truncate(1 << 20);
    fs::write(stage.path().join(name), program).unwrap();
}

#[test]
fn image_wants_a_static_program() {
    let stage = Stage::new();
    place_program(&stage, "program");
    let text = stage.run("image --binary program --out out/image.tar --name example.org/hook:1");
    assert!(
        text.starts_with("exit 0\noutput: example.org/hook:1 DIGEST\n"),
        "{text}"
    );
    let first = fs::read(stage.path().join("out/image.tar")).unwrap();
    stage.run("image --binary program --out out/image.tar --name example.org/hook:1");
    assert_eq!(first, fs::read(stage.path().join("out/image.tar")).unwrap());
    fs::write(stage.path().join("script"), "#!/bin/sh\n").unwrap();
    assert_snapshot!(stage.run("image --binary script --out image.tar"), @r"
    exit 1
    notes: error: binary: not an ELF file; give the `midships-hook` that `cargo build --release -p midships-hook` makes
    ");
    assert!(!stage.path().join("image.tar").exists());
}

#[test]
fn publish_pushes_charts_and_hook_image_once() {
    let mut stage = Stage::new();
    let server = Server::start();
    stage.words.push((server.address.clone(), "REGISTRY"));
    place_program(&stage, "hook");
    let plain = format!(
        "publish oci://{}/plain --plain-http --chart rocketmq",
        server.address
    );
    assert_snapshot!(stage.run(&plain), @r"
    exit 0
    output: created REGISTRY/plain/rocketmq:VERSION@DIGEST
    notes: pushing REGISTRY/plain/rocketmq:VERSION, SIZE
    ");
    assert_snapshot!(stage.run(&plain), @r"
    exit 0
    output: unchanged REGISTRY/plain/rocketmq:VERSION@DIGEST
    ");
    let other = format!("{plain} --source-date-epoch 1");
    assert_snapshot!(stage.run(&other), @r"
    exit 1
    notes: error: REGISTRY/plain/rocketmq:VERSION: the registry has DIGEST under this tag, and this would be DIGEST; a published version never changes: raise the version, or force the replacement
    ");
    assert_snapshot!(stage.run(&format!("{other} --force")), @r"
    exit 0
    output: replaced REGISTRY/plain/rocketmq:VERSION@DIGEST
    notes: pushing REGISTRY/plain/rocketmq:VERSION, SIZE
    ");

    let with_image = format!(
        "publish oci://{}/with --plain-http --hook-image hook --pull-registry registry.test:5000",
        server.address
    );
    let text = stage.run(&with_image);
    let outcomes: Vec<&str> = text
        .lines()
        .filter(|line| line.starts_with("output: "))
        .collect();
    assert_snapshot!(outcomes.join("\n"), @r"
    output: created REGISTRY/with/hook:VERSION@DIGEST
    output: created REGISTRY/with/rocketmq:VERSION@DIGEST
    output: created REGISTRY/with/nfs-storage:VERSION@DIGEST
    output: created REGISTRY/with/rocketmq-topic-transfer:VERSION@DIGEST
    output: created REGISTRY/with/redis:VERSION@DIGEST
    output: created REGISTRY/with/redis-sentinel:VERSION@DIGEST
    output: created REGISTRY/with/redis-cluster:VERSION@DIGEST
    ");
    let (_, manifest) = server.get(
        &format!("/v2/with/rocketmq/manifests/{}", env!("CARGO_PKG_VERSION")),
        "application/vnd.oci.image.manifest.v1+json",
    );
    let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
    let layer = manifest["layers"][0]["digest"].as_str().unwrap();
    let (_, archive) = server.get(&format!("/v2/with/rocketmq/blobs/{layer}"), "*/*");
    let values = file_in(&archive, "rocketmq/values.yaml");
    assert!(
        values.contains("repository: \"registry.test:5000/with/hook\"\n"),
        "{values}"
    );
    assert!(
        values.contains(&format!("tag: \"{}@sha256:", env!("CARGO_PKG_VERSION"))),
        "{values}"
    );

    let other = format!("{with_image} --source-date-epoch 1");
    assert_snapshot!(stage.run(&other), @r"
    exit 1
    notes: error: REGISTRY/with/hook:VERSION: the registry has DIGEST under this tag, and this would be DIGEST; a published version never changes: raise the version, or force the replacement
    ");
    let all = 1 + midships_generate::models().count(); // with the image
    assert_eq!(
        stage.run(&with_image).matches("output: unchanged ").count(),
        all
    );
    let forced = stage.run(&format!("{other} --force"));
    assert_eq!(forced.matches("output: replaced ").count(), all, "{forced}");
}

/// The text of one file of a packed chart.
fn file_in(archive: &[u8], path: &str) -> String {
    let mut archive = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    let mut entries = archive.entries().unwrap().map(Result::unwrap);
    let entry = entries
        .find(|entry| entry.path().unwrap() == Path::new(path))
        .unwrap();
    std::io::read_to_string(entry).unwrap()
}

#[test]
fn publish_refuses_before_it_connects() {
    let stage = Stage::new();
    assert_snapshot!(stage.run("publish registry.example.org/charts"), @r"
    exit 1
    notes: error: destination: `registry.example.org/charts`: it does not begin with oci://; allowed is oci://HOST[:PORT][/PATH], such as `oci://registry.example.org/midships`
    ");
    place_program(&stage, "hook");
    assert_snapshot!(stage.run("publish oci://registry/charts --hook-image hook"), @r"
    exit 1
    notes: error: registry: nodes would look for `registry` below their default registry; allowed is a lower-case name with a dot or a port, or `localhost`, such as `registry.example.org`
    ");
    assert_snapshot!(stage.run("publish oci://registry/charts --pull-registry other"), @r"
    exit 2
    notes: error: the following required arguments were not provided:
    notes:   --hook-image <BINARY>
    notes:
    notes: Usage: midships publish --hook-image <BINARY> --pull-registry <HOST[:PORT]> <DESTINATION>
    notes:
    notes: For more information, try '--help'.
    ");
}

#[test]
fn usage_is_told_with_exit_code_2() {
    let stage = Stage::new();
    assert_snapshot!(stage.run("package"), @r"
    exit 2
    notes: error: the following required arguments were not provided:
    notes:   --out <DIRECTORY>
    notes:
    notes: Usage: midships package --out <DIRECTORY>
    notes:
    notes: For more information, try '--help'.
    ");
    assert!(stage.run("--help").starts_with("exit 0\n"));
}

#[test]
fn post_render_writes_everything_or_nothing() {
    let stage = Stage::new();
    fs::write(
        stage.path().join("policy.yaml"),
        "labels: [{set: {a: b}}]\ndeny: [{name: no-secrets, advice: use another store, match: {kinds: [Secret]}}]\n",
    )
    .unwrap();
    let good = "---\n# Source: x/a.yaml\napiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: on\n";
    let secret = "---\n# Source: x/b.yaml\napiVersion: v1\nkind: Secret\nmetadata: {name: s}\n";
    assert_snapshot!(stage.run_with("post-render --policy policy.yaml", good), @r"
    exit 0
    output: ---
    output: # Source: x/a.yaml
    output: apiVersion: v1
    output: kind: ConfigMap
    output: metadata:
    output:   labels:
    output:     a: b
    output:   name: on
    ");
    let refused = "post-render --policy policy.yaml --namespace shop";
    assert_snapshot!(stage.run_with(refused, &format!("{good}{secret}")), @r"
    exit 1
    notes: error: the policy refuses this release: 1 violation
    notes:   Secret shop/s (x/b.yaml, document 2, line 7): rule `no-secrets`: such objects are not allowed; use another store
    ");
    let digest = format!("sha256:{}", "0".repeat(64));
    let lock =
        format!("images: {{nginx: '{digest}', 'docker.io/library/nginx:latest': '{digest}'}}\n");
    fs::write(stage.path().join("lock.yaml"), lock).unwrap();
    assert_snapshot!(stage.run_with("post-render --policy policy.yaml --lock lock.yaml", good), @r"
    exit 1
    notes: error: lock.yaml: `images`: two entries mean `docker.io/library/nginx:latest`; leave one of them
    ");
    let without = stage.run_with("post-render", good);
    assert!(without.starts_with("exit 2\nnotes: error:"), "{without}");
    assert!(without.contains("--policy <FILE>"), "{without}");
}

/// The file of an offering that leaves one field and sizes.
const OFFERING: &str = "\
chart: rocketmq
name: queue
version: 1.2.3
title: Queue
description: A queue.
others: Locked
exposed:
  - path: commonLabels
sizes:
  default: small
  choices:
    - {name: small, help: One., values: {nameServers: {count: 1}}}
    - {name: large, help: Three., values: {nameServers: {count: 3}}}
";

#[test]
fn an_offering_is_made_checked_and_packed() {
    let stage = Stage::new();
    fs::write(stage.path().join("queue.yaml"), OFFERING).unwrap();
    assert_snapshot!(stage.run("offering queue.yaml --out made --check").lines().last().unwrap(), @"notes: error: queue is not as queue.yaml makes it; run `midships offering queue.yaml --out made`");
    assert_snapshot!(stage.run("offering queue.yaml --out made"), @r"
    exit 0
    notes: queue: the chart is in made/charts/queue, its forms are made/schemas/queue.*
    ");
    assert_snapshot!(stage.run("offering queue.yaml --out made --check"), @r"
    exit 0
    notes: queue is as queue.yaml makes it
    ");
    let about = fs::read_to_string(stage.path().join("made/charts/queue/Chart.yaml")).unwrap();
    assert!(about.contains("\nname: queue\n"), "{about}");

    fs::write(stage.path().join("values.yaml"), "size: large\n").unwrap();
    fs::write(
        stage.path().join("wrong.yaml"),
        "size: huge\nbrokers: {groups: 1}\n",
    )
    .unwrap();
    assert_snapshot!(stage.run("check values.yaml --offering queue.yaml --release a"), @r"
    exit 0
    notes: values.yaml: good values for the chart queue
    ");
    assert_snapshot!(stage.run("check wrong.yaml --offering queue.yaml --release a"), @r#"
    exit 1
    output: error[wrong-choice]: size: found "huge"
    output:  --> wrong.yaml:1:7
    output:   |
    output: 1 | size: huge
    output:   |       ^^^^ allowed: small, large
    output:   |
    output:   = help: the default is "small"
    output:
    output: error[unknown-field]: brokers: found a field that queue sets itself
    output:  --> wrong.yaml:2:1
    output:   |
    output: 2 | brokers: {groups: 1}
    output:   | ^^^^^^^ allowed: size, commonLabels
    output:   |
    output:   = help: remove the field
    output:
    notes: error: wrong.yaml: 2 findings for the chart queue
    "#);
    assert_snapshot!(stage.run_with("change - values.yaml --offering queue.yaml", ""), @r"
    exit 0
    output: nameServers.count: 1 -> 3
    output:     A change runs the operation change_name_servers, while clients go on.
    output: the upgrade runs change_name_servers: give Helm --timeout 26m
    ");
    assert_snapshot!(stage.run("package --offering queue.yaml --out packages"), @r"
    exit 0
    output: DIGEST packages/queue-1.2.3.tgz
    ");
    let twice = stage.run("package --offering queue.yaml --offering queue.yaml --out packages");
    assert!(twice.contains("two charts are named `queue`"), "{twice}");
    let own = stage.path().join("mine/charts/queue");
    fs::create_dir_all(&own).unwrap();
    fs::write(own.join("own.txt"), "").unwrap();
    let told = stage.run("offering queue.yaml --out mine");
    assert!(told.contains("is not the chart of an offering"), "{told}");
    assert!(own.join("own.txt").exists());
    assert_snapshot!(stage.run("check values.yaml"), @r"
    exit 2
    notes: error: the following required arguments were not provided:
    notes:   <--chart <NAME>|--offering <FILE>>
    notes:
    notes: Usage: midships check <--chart <NAME>|--offering <FILE>> <VALUES>
    notes:
    notes: For more information, try '--help'.
    ");
}

#[test]
fn an_offering_that_makes_no_sense_is_shown_with_what_is_wrong() {
    let stage = Stage::new();
    let text = OFFERING.replace("commonLabels", "commonLables");
    fs::write(stage.path().join("queue.yaml"), text).unwrap();
    // A program that reads findings as JSON gets none about the offering.
    for (command, exit) in [
        ("check - --offering queue.yaml --format json", 2),
        ("change - v.yaml --offering queue.yaml", 2),
        ("package --out o --offering queue.yaml", 1),
    ] {
        fs::write(stage.path().join("v.yaml"), "").unwrap();
        let told = stage.run(command);
        assert!(
            told.starts_with(&format!("exit {exit}\nnotes: ")),
            "{command}: {told}"
        );
        assert!(told.contains("did you mean `commonLabels`?"), "{told}");
    }
    assert_snapshot!(stage.run("offering queue.yaml"), @r#"
    exit 1
    output: error[unknown-field]: exposed[0].path: found "commonLables"
    output:  --> queue.yaml:8:11
    output:   |
    output: 8 |   - path: commonLables
    output:   |           ^^^^^^^^^^^^ allowed: paths of fields and groups of the chart rocketmq
    output:   |
    output:   = help: did you mean `commonLabels`?
    output:
    notes: error: queue.yaml: 1 finding about the offering
    "#);
    assert_snapshot!(stage.run("offering none.yaml"), @r"
    exit 2
    notes: error: unable to read `none.yaml`: No such file or directory (os error 2)
    ");
}

#[test]
fn a_check_warns_of_what_has_no_effect_and_refuses_changes_that_cannot_be() {
    let stage = Stage::new();
    let path = |name: &str| stage.path().join(name);
    fs::write(path("before.yaml"), "brokers: {storage: {size: 40Gi}}\n").unwrap();
    fs::write(path("idle.yaml"), "brokers: {enabled: false, groups: 3}\n").unwrap();
    fs::write(path("less.yaml"), "brokers: {storage: {size: 30Gi}}\n").unwrap();
    assert_snapshot!(stage.run("check idle.yaml --chart rocketmq --release a"), @r"
    exit 0
    output: warning[no-effect]: brokers.groups: found a value that has no effect
    output:  --> idle.yaml:1:35
    output:   |
    output: 1 | brokers: {enabled: false, groups: 3}
    output:   |                    -----          ^ allowed: a value while brokers.enabled == true
    output:   |                    |
    output:   |                    because of this
    output:   |
    output:   = help: remove it, or change what it depends on
    output:
    notes: idle.yaml: 1 warning for the chart rocketmq
    notes: idle.yaml: good values for the chart rocketmq
    ");
    assert_snapshot!(stage.run("check less.yaml --chart rocketmq --release a"), @r"
    exit 0
    notes: less.yaml: good values for the chart rocketmq
    ");
    assert_snapshot!(stage.run("check less.yaml --chart rocketmq --release a --before before.yaml"), @r#"
    exit 1
    output: error[forbidden-change]: brokers.storage.size: found "30Gi", where the release has "40Gi"
    output:  --> less.yaml:1:27
    output:   |
    output: 1 | brokers: {storage: {size: 30Gi}}
    output:   |                           ^^^^ allowed: at least "40Gi"
    output:   |
    output:   = help: A change runs the operation grow_volumes: volumes grow while their pods go on. They never become smaller. Keep it, or install a release of its own with the new value.
    output:
    notes: error: less.yaml: 1 finding for the chart rocketmq
    "#);
    fs::write(path("broken.yaml"), "brokers: {groups: 5").unwrap();
    let told = stage.run("check less.yaml --chart rocketmq --release a --before broken.yaml");
    assert!(told.starts_with("exit 2\nnotes: "), "{told}");
    assert!(
        told.contains("nothing can be said of a change of them"),
        "{told}"
    );
    let told = stage.run("check - --chart rocketmq --before -");
    assert!(told.contains("both files are standard input"), "{told}");
    let report = stage.run("check idle.yaml --chart rocketmq --format json");
    assert!(report.starts_with("exit 0\n"), "{report}");
    assert!(report.contains("output:   \"findings\": [],\n"), "{report}");
    assert!(report.contains("\"rule\": \"no-effect\""), "{report}");
}
