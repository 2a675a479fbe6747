//! `midships publish` and `midships index` as a person at a terminal or a pipeline calls them, through a front that asks who
//! it is.

#![cfg(test)]

#[path = "../../publish/tests/front/mod.rs"]
mod front;
#[path = "../../publish/tests/server/mod.rs"]
mod server;

use std::fs;
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Stdio};

use front::{Asks, Front, ROBOT, Rules, SECRET};
use tempfile::TempDir;

/// Runs midships in a directory that is its home, too, and returns exit code and everything that it said, in which the
/// secret never is.
fn run(directory: &Path, arguments: &[&str], input: &str) -> (i32, String) {
    let path = std::env::var("PATH").unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_midships"))
        .args(arguments)
        .current_dir(directory)
        .env_clear()
        .env("HOME", directory)
        .env("PATH", format!("{}:{path}", directory.display()))
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    // A refusal of the arguments does not wait for the input.
    let _closed = child.stdin.take().unwrap().write_all(input.as_bytes());
    let output = child.wait_with_output().unwrap();
    let said = [output.stdout, output.stderr].concat();
    let said = String::from_utf8(said).unwrap();
    assert!(!said.contains(SECRET), "{said}");
    (output.status.code().unwrap(), said)
}

/// Publishes to a front and returns exit code and what was said.
fn publish(front: &Front, directory: &Path, options: &[&str], input: &str) -> (i32, String) {
    let destination = format!("oci://{}/a/b", front.address);
    run(
        directory,
        &[&["publish", &destination], options].concat(),
        input,
    )
}

#[test]
fn a_robot_publishes_and_signs_over_tls_with_its_secret_from_standard_input() {
    let home = TempDir::new().unwrap();
    let front = Front::start(Rules {
        tls: true,
        ..Rules::default()
    });
    let authority = front.authority();
    let trusted = ["--ca-file", authority.to_str().unwrap()];
    let robot = ["--username", ROBOT, "--password-stdin"];
    let keys = concat!(env!("CARGO_MANIFEST_DIR"), "/../publish/tests/keys");
    let key = format!("{keys}/cosign.key");
    fs::write(home.path().join("password"), "pass word\n").unwrap();
    let signed = ["--sign-key", &key, "--sign-password-file", "password"];

    let (code, said) = publish(&front, home.path(), &robot, SECRET);
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("give the authority's certificate with --ca-file FILE"),
        "{said}"
    );
    let (code, said) = publish(
        &front,
        home.path(),
        &[&trusted[..], &["--sign-key", &key]].concat(),
        "",
    );
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("COSIGN_PASSWORD or with --sign-password-file"),
        "{said}"
    );
    assert!(
        front.requests().is_empty(),
        "the key is read before anything is asked"
    );

    let all = [&trusted[..], &robot, &signed].concat();
    let (code, said) = publish(&front, home.path(), &all, &format!("{SECRET}\n"));
    assert_eq!(code, 0, "{said}");
    assert!(
        said.contains("created ") && said.contains(".sig@sha256:"),
        "{said}"
    );
    let (code, again) = publish(&front, home.path(), &all, SECRET);
    assert_eq!(code, 0, "{again}");
    let (lines, unchanged) = (again.lines().count(), again.matches("unchanged ").count());
    assert!(lines >= 2 && lines == unchanged, "{again}");
    let (_, tags) = front.behind().get("/v2/a/b/rocketmq/tags/list", "*/*");
    let tags = String::from_utf8(tags).unwrap();
    assert!(
        tags.contains(".sig\"") && tags.contains(env!("CARGO_PKG_VERSION")),
        "{tags}"
    );
    // Another instant gives other bytes.
    let (code, said) = publish(
        &front,
        home.path(),
        &[&all[..], &["--source-date-epoch", "1"]].concat(),
        SECRET,
    );
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("a published version never changes"), "{said}");
}

#[test]
fn a_stored_login_is_used_where_the_registry_asks() {
    let home = TempDir::new().unwrap();
    let front = Front::start(Rules {
        asks: Asks::Basic,
        ..Rules::default()
    });
    let (code, said) = publish(&front, home.path(), &["--plain-http"], "");
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("--username NAME --password-stdin or `docker login`"),
        "{said}"
    );

    let docker = home.path().join(".docker");
    fs::create_dir(&docker).unwrap();
    let config = format!(
        r#"{{"credHelpers": {{"{}": "test-store"}}}}"#,
        front.address
    );
    fs::write(docker.join("config.json"), config).unwrap();
    let (code, said) = publish(&front, home.path(), &["--plain-http"], "");
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("unable to run `docker-credential-test-store`"),
        "{said}"
    );

    let helper = home.path().join("docker-credential-test-store");
    let script = |body: &str| {
        fs::write(&helper, format!("#!/bin/sh\n{body}\n")).unwrap();
        fs::set_permissions(&helper, fs::Permissions::from_mode(0o755)).unwrap();
    };
    script(&format!("echo '{SECRET}'; exit 1"));
    let (code, said) = publish(&front, home.path(), &["--plain-http"], "");
    assert_eq!(code, 1, "{said}");
    let expected = format!(
        "`docker-credential-test-store get` failed for `{}`",
        front.address
    );
    assert!(said.contains(&expected), "{said}");
    script(&format!(
        r#"[ "$1" = get ] && [ "$(cat)" = {} ] && echo '{{"ServerURL": "x", "Username": "{ROBOT}", "Secret": "{SECRET}"}}'"#,
        front.address
    ));
    let (code, said) = publish(&front, home.path(), &["--plain-http"], "");
    assert_eq!(code, 0, "{said}");
    // The helper is not run for a registry that asks nothing.
    script("exit 3");
    let open = server::Server::start();
    let destination = format!("oci://{}/a", open.address);
    let (code, said) = run(home.path(), &["publish", &destination, "--plain-http"], "");
    assert_eq!(code, 0, "{said}");
}

#[test]
fn an_index_lists_what_was_packed() {
    let home = TempDir::new().unwrap();
    let url = ["--url", "https://charts.example.org"];
    let (code, said) = run(home.path(), &["package", "--out", "site"], "");
    assert_eq!(code, 0, "{said}");
    let index = home.path().join("site/index.yaml");
    let (code, said) = run(home.path(), &[&["index", "site"], &url[..]].concat(), "");
    assert_eq!(code, 0, "{said}");
    let first = fs::read_to_string(&index).unwrap();
    assert!(
        first.contains("\"https://charts.example.org/rocketmq-"),
        "{first}"
    );

    let (code, said) = run(
        home.path(),
        &["package", "--out", "site", "--source-date-epoch", "1"],
        "",
    );
    assert_eq!(code, 0, "{said}");
    let (code, said) = run(home.path(), &[&["index", "site"], &url[..]].concat(), "");
    assert_eq!(code, 1, "{said}");
    assert!(said.contains("a published version never changes"), "{said}");
    assert_eq!(fs::read_to_string(&index).unwrap(), first);
    let (code, said) = run(
        home.path(),
        &[&["index", "site", "--force"], &url[..]].concat(),
        "",
    );
    assert_eq!(code, 0, "{said}");
    assert_ne!(fs::read_to_string(&index).unwrap(), first);

    fs::create_dir(home.path().join("empty")).unwrap();
    let (code, said) = run(home.path(), &[&["index", "empty"], &url[..]].concat(), "");
    assert_eq!(code, 1, "{said}");
    assert!(
        said.contains("no archive (*.tgz) and no index.yaml"),
        "{said}"
    );
    let merge = ["--merge", "site/index.yaml"];
    let (code, said) = run(
        home.path(),
        &[&["index", "empty"], &url[..], &merge].concat(),
        "",
    );
    assert_eq!(code, 0, "{said}");
}
