//! What the chart `redis` decides about the end of an append-only file, by its own script and the shell of this machine.
#![cfg(test)]

use std::path::Path;
use std::process::Command;

const SET: &str = "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$5\r\nvalue\r\n";
const MULTI: &str = "*1\r\n$5\r\nMULTI\r\n";
const EXEC: &str = "*1\r\n$4\r\nEXEC\r\n";

/// Whether the script takes what stands from a byte on for nothing but an end.
fn is_end(file: &[u8], from: usize) -> bool {
    let scripts = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/templates/redis/scripts");
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("file.aof");
    std::fs::write(&path, file).unwrap();
    let status = Command::new("sh")
        .arg("-euc")
        .arg(". \"$1/repair.sh\"; is_end \"$2\" \"$3\"")
        .arg("sh")
        .args([&scripts, &path])
        .arg(from.to_string())
        .status()
        .unwrap();
    match status.code() {
        Some(0) => true,
        Some(1) => false,
        other => panic!("the shell ended with {other:?}"),
    }
}

#[test]
fn an_end_is_a_write_or_a_transaction_that_was_never_finished_or_zeros() {
    let large = format!(
        "*3\r\n$3\r\nSET\r\n$3\r\nkey\r\n$900\r\n{}",
        "*x\r\n".repeat(99)
    );
    let zeros = "\0".repeat(4096);
    for rest in [
        "*3\r\n$3\r\nSET\r\n$3\r\nke".to_owned(),
        "*".to_owned(),
        large,
        zeros.clone(),
        format!("{MULTI}{SET}{SET}"),
        format!("{MULTI}{SET}*3\r\n$3\r\nSE"),
    ] {
        let before = SET.repeat(20);
        let file = format!("{before}{rest}");
        assert!(is_end(file.as_bytes(), before.len()), "{rest:?}");
        let first = rest != zeros;
        assert_eq!(is_end(rest.as_bytes(), 0), first, "{rest:?} alone");
    }
}

/// What the script has a server of a version take, whose Secret has these passwords, where the last one of its pod began with the same
/// Secret if `kept` is what that wrote down.
fn taken(version: &str, previous: Option<&str>, kept: Option<&str>) -> String {
    let root = tempfile::tempdir().unwrap();
    let (at, write) = (
        root.path().display().to_string(),
        |name: &str, text: &str| {
            let path = root.path().join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        },
    );
    let script =
        Path::new(env!("CARGO_MANIFEST_DIR")).join("src/templates/redis/scripts/server.sh");
    let script = ["/config/", "/run/redis"]
        .iter()
        .fold(std::fs::read_to_string(script).unwrap(), |text, place| {
            text.replace(place, &format!("{at}{place}"))
        });
    write("server.sh", &script);
    write("config/password/password", "new");
    if let Some(previous) = previous {
        write("config/password/previous-password", previous);
    }
    write("run/redis/redis.conf", kept.unwrap_or("port 6379\n"));
    let begun = if kept.is_some() {
        "digest_of_secret >\"$used_secret\""
    } else {
        ":"
    };
    // Functions take the place of the programs of the image.
    let asked = format!(
        "redis_server() {{ echo 'Redis server v={version} sha=0'; }}; {begun}; \
         server=redis_server; kept_passwords; take_both new"
    );
    let output = Command::new("bash")
        .arg("-euc")
        .arg(format!(
            "command() {{ echo /bin/true; }}; . \"$1/server.sh\"; {asked}"
        ))
        .arg("bash")
        .arg(root.path())
        .output()
        .unwrap();
    assert!(output.status.success(), "{output:?}");
    String::from_utf8(output.stdout).unwrap()
}

#[test]
fn a_server_takes_the_previous_password_of_its_secret_too() {
    let new = "11507a0e2f5e69d5dfa40a62a1bd7b6ee57e6bcd85c67c9b8431b36fff21c437";
    let old = "cba06b5736faf67e54b07b561eae94395e774c517a7d910a54369e1263ccfbd4";
    let line = |channels: &str| format!("user default on #{new} #{old} ~*{channels} +@all\n");
    assert_eq!(taken("7.0.15", Some("old"), None), line(" &*"));
    assert_eq!(taken("9.1.0", Some("old"), None), line(" &*"));
    assert_eq!(taken("6.0.16", Some("old"), None), line(""));
    assert_eq!(taken("5.0.6", Some("old"), None), "");
    assert_eq!(taken("7.0.15", None, None), "");
}

#[test]
fn a_server_that_starts_again_takes_what_the_last_one_was_told_while_the_secret_is_the_same() {
    let told = "user default on #1 #2 ~* &* +@all\nmasterauth \"new\"\n";
    let kept = taken("7.0.15", None, Some(&format!("port 6379\n{told}")));
    assert_eq!(kept, told);
    assert_eq!(taken("7.0.15", None, None), "");
}

#[test]
fn damage_before_sound_writes_is_no_end() {
    let longer = SET.replace("$5\r\n", "$5000\r\n");
    for rest in [
        format!("*3\r\n$3\r\nSET\r\nXX{SET}{SET}"),
        format!("*3\r\n$3\r\nSET\r\nXX{SET}"),
        format!("XX{SET}"),
        format!("{longer}{SET}"),
        format!("{MULTI}XX{SET}{EXEC}{SET}"),
        format!("{}{SET}{SET}", "\0".repeat(512)),
    ] {
        let before = SET.repeat(20);
        let file = format!("{before}{rest}");
        assert!(!is_end(file.as_bytes(), before.len()), "{rest:?}");
    }
    for snapshot in ["REDIS0010\u{fa}\tredis-ver", "VALKEY080\u{fa}"] {
        assert!(!is_end(snapshot.as_bytes(), 0), "{snapshot:?}");
    }
}
