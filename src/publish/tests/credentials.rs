//! Logins in the files that Docker and Helm write, and in the credential helpers that these name.

#![cfg(test)]

use std::fs;
use std::path::PathBuf;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use midships_publish::Credentials;
use tempfile::TempDir;

/// What a file has for `registry.example.org:5000`, or the refusal of it without the name of its directory.
fn find(text: &str) -> Result<Credentials, String> {
    let directory = TempDir::new().unwrap();
    let path = directory.path().join("config.json");
    fs::write(&path, text).unwrap();
    let missing = directory.path().join("none.json");
    Credentials::find(&[missing, path], "registry.example.org:5000").map_err(|error| {
        let place = format!("{}/", directory.path().display());
        assert!(!format!("{error:?}").contains("hidden"));
        error.to_string().replace(&place, "")
    })
}

fn auth(text: &str) -> String {
    STANDARD.encode(text)
}

fn robot(password: &str) -> Credentials {
    Credentials::basic("robot$team+ci", password).unwrap()
}

#[test]
fn finds_what_docker_and_helm_leave() {
    let login = auth("robot$team+ci:a:b");
    for key in [
        "registry.example.org:5000",
        "https://registry.example.org:5000",
        "https://registry.example.org:5000/v1/",
        "http://registry.example.org:5000/v2",
    ] {
        let text =
            format!(r#"{{"auths": {{"other": {{"auth": "!"}}, "{key}": {{"auth": "{login}"}}}}}}"#);
        assert_eq!(find(&text), Ok(robot("a:b")), "{key}");
    }
    let padded = auth("robot$team+ci:a\0\0");
    for (entry, expected) in [
        (format!(r#"{{"auth": "{padded}"}}"#), robot("a")),
        (
            r#"{"username": "robot$team+ci", "password": "b"}"#.to_owned(),
            robot("b"),
        ),
        (
            format!(r#"{{"auth": "{}", "identitytoken": "t"}}"#, auth("0:")),
            Credentials::Identity {
                token: "t".to_owned(),
            },
        ),
        ("{}".to_owned(), Credentials::Anonymous),
    ] {
        let text = format!(r#"{{"auths": {{"registry.example.org:5000": {entry}}}}}"#);
        assert_eq!(find(&text), Ok(expected), "{entry}");
    }
    for key in [
        "registry.example.org",
        "registry.example.org:5000/team",
        "example.org:5000",
    ] {
        let text =
            format!(r#"{{"auths": {{"{key}": {{"auth": "{login}"}}}}, "HttpHeaders": {{}}}}"#);
        assert_eq!(find(&text), Ok(Credentials::Anonymous), "{key}");
    }
}

#[test]
fn the_first_file_with_a_login_decides() {
    let directory = TempDir::new().unwrap();
    let files: Vec<PathBuf> = ["first", "second", "third"]
        .map(|name| {
            let path = directory.path().join(name);
            let login = auth(&format!("robot$team+ci:{name}"));
            let entry = format!(r#"{{"auths": {{"registry": {{"auth": "{login}"}}}}}}"#);
            fs::write(&path, if name == "first" { "{}" } else { &entry }).unwrap();
            path
        })
        .into();
    assert_eq!(
        Credentials::find(&files, "registry").unwrap(),
        robot("second")
    );
}

#[test]
fn refuses_broken_files_without_showing_what_is_in_them() {
    let entry = |entry: &str| format!(r#"{{"auths": {{"registry.example.org:5000": {entry}}}}}"#);
    let messages: Vec<String> = [
        r#"{"auths": {"registry.example.org:5000": "hidden"}}"#.to_owned(),
        entry(r#"{"auth": "hidden"#),
        entry(r#"{"auth": "hidden!"}"#),
        entry(&format!(r#"{{"auth": "{}"}}"#, auth("hidden"))),
        entry(r#"{"username": "a:b", "password": "hidden"}"#),
        entry(r#"{"username": "robot$team+ci", "password": "hid\nden"}"#),
        r#"{"credsStore": "../other"}"#.to_owned(),
        r#"{"credHelpers": {"registry.example.org:5000": "a b"}}"#.to_owned(),
        r#"{"credsStore": "that-nobody-has"}"#.to_owned(),
    ]
    .iter()
    .map(|text| find(text).unwrap_err())
    .collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    `config.json`, line 1, column 48: not what `docker login` and `helm registry login` write; log in again, or give --username and --password-stdin
    `config.json`, line 1, column 58: not what `docker login` and `helm registry login` write; log in again, or give --username and --password-stdin
    `config.json`: auths["registry.example.org:5000"]: `auth` is not text in base64; log in again, or give --username and --password-stdin
    `config.json`: auths["registry.example.org:5000"]: `auth` is not USER:PASSWORD in base64; log in again, or give --username and --password-stdin
    `config.json`: auths["registry.example.org:5000"]: its user name or password cannot be sent to a registry; log in again, or give --username and --password-stdin
    `config.json`: auths["registry.example.org:5000"]: its user name or password cannot be sent to a registry; log in again, or give --username and --password-stdin
    `config.json`: the credential helper "../other" is not run; allowed are lower-case letters, digits and `-`, such as `secretservice`
    `config.json`: the credential helper "a b" is not run; allowed are lower-case letters, digits and `-`, such as `secretservice`
    unable to run `docker-credential-that-nobody-has`, which `config.json` names: No such file or directory (os error 2); install it, or give --username and --password-stdin
    "#);
}

#[test]
fn names_and_passwords_are_what_http_can_carry() {
    let messages: Vec<String> = [
        ("", "a"),
        ("a:b", "a"),
        ("a\u{7}", "a"),
        ("a", "\n"),
        ("a", "b\nc\n"),
    ]
    .iter()
    .map(|(user, password)| Credentials::basic(user, password).unwrap_err().to_string())
    .collect();
    insta::assert_snapshot!(messages.join("\n"), @r#"
    user name: `` cannot be sent to a registry; allowed is text without `:` and control characters, such as `robot$team+ci`
    user name: `a:b` cannot be sent to a registry; allowed is text without `:` and control characters, such as `robot$team+ci`
    user name: `a\u{7}` cannot be sent to a registry; allowed is text without `:` and control characters, such as `robot$team+ci`
    password: it is empty; allowed is one line of text without control characters
    password: it has more than one line or a control character; allowed is one line of text without control characters
    "#);
    assert_eq!(robot("a b\r\n"), robot("a b"));
    assert_eq!(format!("{:?}", robot("hidden")), "the user `robot$team+ci`");
}
