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
