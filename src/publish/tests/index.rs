//! The index of a chart repository, made from archives in memory.

#![cfg(test)]

use std::collections::BTreeMap;

use midships_publish::{BaseAddress, Existing, Index, IndexError, Package, Timestamp};

type Archives = BTreeMap<String, Vec<u8>>;

/// Archives of the chart `example` in these versions, each with a description.
fn archives(charts: &[(&str, &str)]) -> Archives {
    let pack = |(version, description): &(&str, &str)| {
        let text = format!(
            "apiVersion: v2\nname: example\nversion: {version}\nappVersion: \"1.10\"\ndescription: {description}\n"
        );
        let files = BTreeMap::from([("Chart.yaml".to_owned(), text.into_bytes())]);
        let package = Package::new(&files, Timestamp::DEFAULT).unwrap();
        (package.file_name(), package.archive().bytes().to_vec())
    };
    charts.iter().map(pack).collect()
}

fn build(
    archives: &Archives,
    earlier: &[Index],
    existing: Existing,
    seconds: &str,
) -> Result<String, IndexError> {
    let base = BaseAddress::parse("https://charts.example.org/stable/").unwrap();
    let created = Timestamp::parse(seconds).unwrap();
    let index = Index::build(archives, &base, earlier, existing, created)?;
    Ok(index.to_yaml(created))
}

/// The values of all lines with a key.
fn values<'a>(text: &'a str, key: &str) -> Vec<&'a str> {
    let key = format!("{key}: ");
    let after = |line: &'a str| {
        line.split_once(&key)
            .map(|(_, value)| value.trim_matches('"'))
    };
    text.lines().filter_map(after).collect()
}

#[test]
fn lists_what_helm_reads() {
    let archives = archives(&[("1.0.0", "One \"1\", two")]);
    let text = build(&archives, &[], Existing::Keep, "0").unwrap();
    let digest = values(&text, "digest")[0];
    assert_eq!(digest.len(), 64, "{text}");
    insta::assert_snapshot!(text.replace(digest, "DIGEST"), @r#"
    apiVersion: "v1"
    entries:
      example:
        - name: "example"
          version: "1.0.0"
          description: "One \"1\", two"
          apiVersion: "v2"
          appVersion: "1.10"
          created: "1970-01-01T00:00:00Z"
          digest: "DIGEST"
          urls:
            - "https://charts.example.org/stable/example-1.0.0.tgz"
    generated: "1970-01-01T00:00:00Z"
    "#);
}

#[test]
fn versions_come_from_the_newest_by_their_meaning() {
    let versions = [
        "1.9.0",
        "1.10.0",
        "1.10.0-rc.2",
        "1.10.0-rc.10",
        "1.10.0+build.1",
        "0.1.0",
    ];
    let charts: Vec<(&str, &str)> = versions.map(|version| (version, "a")).into();
    let text = build(&archives(&charts), &[], Existing::Keep, "0").unwrap();
    let found: Vec<&str> = values(&text, "version");
    assert_eq!(
        found,
        [
            "1.10.0+build.1",
            "1.10.0",
            "1.10.0-rc.10",
            "1.10.0-rc.2",
            "1.9.0",
            "0.1.0"
        ]
    );
    assert!(text.contains("/example-1.10.0+build.1.tgz\""), "{text}");
}

#[test]
fn older_versions_stay_and_no_version_changes_unless_forced() {
    let first = build(
        &archives(&[("1.0.0", "a"), ("1.1.0", "a")]),
        &[],
        Existing::Keep,
        "0",
    );
    let first = Index::parse(&first.unwrap()).unwrap();
    // The archive of 1.0.0 is gone, 1.1.0 is the same and 2.0.0 is new.
    let charts = archives(&[("1.1.0", "a"), ("2.0.0", "a")]);
    let second = build(
        &charts,
        std::slice::from_ref(&first),
        Existing::Keep,
        "86400",
    )
    .unwrap();
    assert_eq!(values(&second, "version"), ["2.0.0", "1.1.0", "1.0.0"]);
    assert_eq!(
        values(&second, "created"),
        [
            "1970-01-02T00:00:00Z",
            "1970-01-01T00:00:00Z",
            "1970-01-01T00:00:00Z"
        ]
    );
    let read = Index::parse(&second).unwrap();
    assert_eq!(read.size(), (1, 3));
    assert_eq!(
        build(&charts, &[read], Existing::Keep, "86400").unwrap(),
        second
    );

    let changed = archives(&[("1.0.0", "b"), ("1.1.0", "b"), ("1.2.0", "b")]);
    let refusal = build(&changed, std::slice::from_ref(&first), Existing::Keep, "0").unwrap_err();
    let text = refusal.to_string();
    assert!(
        text.starts_with("example 1.1.0: listed with the digest "),
        "{text}"
    );
    assert!(
        text.contains("; example 1.0.0: listed with the digest "),
        "{text}"
    );
    assert!(!text.contains("1.2.0"), "{text}");
    let forced = build(&changed, &[first], Existing::Replace, "0").unwrap();
    assert_eq!(forced, build(&changed, &[], Existing::Keep, "0").unwrap());
}

#[test]
fn entries_of_others_are_kept_as_they_are() {
    let text = "apiVersion: v1\nentries:\n  other:\n    - apiVersion: v1\n      name: other\n      version: '1.0'\n\
                \x20     appVersion: '1.10'\n      created: '2020-01-01T00:00:00.5+02:00'\n      engine: gotpl\n\
                \x20     urls: [other-1.0.tgz]\n      digest: 00ff\n  none: []\ngenerated: '2020-01-01T00:00:00Z'\n";
    let other = Index::parse(text).unwrap();
    let merged = build(&archives(&[("1.0.0", "a")]), &[other], Existing::Keep, "0").unwrap();
    let kept = "  other:\n    - apiVersion: \"v1\"\n      name: \"other\"\n      version: \"1.0\"\n      \
                appVersion: \"1.10\"\n      created: \"2020-01-01T00:00:00.5+02:00\"\n      engine: \"gotpl\"\n      \
                urls:\n        - \"other-1.0.tgz\"\n      digest: \"00ff\"\n";
    assert!(merged.contains(kept), "{merged}");
}

#[test]
fn refuses_what_is_no_archive_no_index_and_no_address() {
    let mut messages = Vec::new();
    let mut twice = archives(&[("1.0.0", "a")]);
    let bytes = twice["example-1.0.0.tgz"].clone();
    twice.insert("copy.tgz".to_owned(), bytes);
    let cases: [Archives; 2] = [
        twice,
        BTreeMap::from([("text.tgz".to_owned(), b"text".to_vec())]),
    ];
    for archives in cases {
        messages.push(
            build(&archives, &[], Existing::Keep, "0")
                .unwrap_err()
                .to_string(),
        );
    }
    for text in [
        "apiVersion: v2\nentries: {}\n",
        "apiVersion: v1\nentries: {a: [{version: 1}]}\n",
        "apiVersion: v1\nentries: {a: [{version: 1.0.0}, {version: 1.0.0}]}\n",
    ] {
        messages.push(Index::parse(text).unwrap_err().to_string());
    }
    for address in [
        "charts.example.org",
        "oci://charts.example.org/a",
        "file:///srv/charts",
        "https://user:pw@charts.example.org/",
        "https://charts.example.org/?a=b",
    ] {
        messages.push(BaseAddress::parse(address).unwrap_err().to_string());
    }
    insta::assert_snapshot!(messages.join("\n"), @r#"
    `copy.tgz` and `example-1.0.0.tgz` both are example 1.0.0; a repository has each version once: remove one of them
    `text.tgz`: unable to read it as a chart's archive, a gzip of a tar: unexpected end of file
    apiVersion: `v2` is not known; the allowed value is `v1`
    entries.a: an entry has no `version` that is text; `helm repo index` writes a good one
    entries.a: the version 1.0.0 is there twice; `helm repo index` writes a good one
    base: `charts.example.org`: it is not a web address; allowed is http://HOST[:PORT][/PATH] or https://…, such as `https://charts.example.org/stable`
    base: `oci://charts.example.org/a`: its scheme is neither http nor https; allowed is http://HOST[:PORT][/PATH] or https://…, such as `https://charts.example.org/stable`
    base: `file:///srv/charts`: its scheme is neither http nor https; allowed is http://HOST[:PORT][/PATH] or https://…, such as `https://charts.example.org/stable`
    base: `(an address with a user)`: everybody reads the index, so no user and no password may be in it; allowed is http://HOST[:PORT][/PATH] or https://…, such as `https://charts.example.org/stable`
    base: `https://charts.example.org/?a=b`: it has a query or a fragment, after which no file's name can stand; allowed is http://HOST[:PORT][/PATH] or https://…, such as `https://charts.example.org/stable`
    "#);
}
