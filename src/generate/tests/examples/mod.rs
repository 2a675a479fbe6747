//! The worked examples of the guide to offerings.

use std::path::{Path, PathBuf};

use midships_generate::{Icon, Offering, Reading, icon_of};
use serde_json::Value;

fn directory() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/offerings")
}

/// The files with their texts, by name.
pub fn texts() -> Vec<(PathBuf, String)> {
    let mut files: Vec<PathBuf> = std::fs::read_dir(directory())
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| {
            path.extension()
                .is_some_and(|extension| extension == "yaml")
        })
        .collect();
    files.sort();
    let texts = files.into_iter().map(|path| {
        let text = std::fs::read_to_string(&path).unwrap();
        (path, text)
    });
    texts.collect()
}

/// A file as JSON.
#[allow(dead_code, reason = "not all tests look at the text")]
pub fn value(text: &str) -> Value {
    serde_yaml::from_str(text).unwrap()
}

/// The offering of a text that makes sense.
#[allow(dead_code, reason = "not all tests have texts of their own")]
pub fn sound(text: &str) -> Offering {
    match Offering::read(text, None, None).unwrap() {
        Reading::Offering(offering) => *offering,
        Reading::Refused(findings) => panic!("{text}\n{findings:#?}"),
    }
}

/// All examples.
pub fn all() -> Vec<Offering> {
    let read = |(path, text): (PathBuf, String)| {
        let icon = icon_of(&text).map(|name| Icon {
            bytes: std::fs::read(path.with_file_name(&name)).unwrap(),
            name,
        });
        match Offering::read(&text, icon.as_ref(), None).unwrap() {
            Reading::Offering(offering) => *offering,
            Reading::Refused(findings) => panic!("{}: {findings:#?}", path.display()),
        }
    };
    texts().into_iter().map(read).collect()
}

/// The example of a name.
#[allow(dead_code, reason = "not all tests look for one")]
pub fn named(name: &str) -> Offering {
    all()
        .into_iter()
        .find(|offering| offering.name() == name)
        .unwrap()
}
