//! How a server of the chart `redis-sentinel` finds its master, and how a Sentinel begins, by their own scripts, the shells of this machine,
//! and a client that answers from files.
#![cfg(test)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

/// Answers for the own server by its socket, and for others by their names, each from the file of the first question; what changes
/// something is written down, and teaches or promotes.
const CLIENT: &str = r#"#!/bin/sh
case "$1" in
  -s) place=own; shift 2 ;;
  -h) place="${2%%.*}"; shift 4 ;;
esac
if [ $# -eq 0 ]; then
  read -r question
  cat >/dev/null
else
  question="$*"
fi
case "$question" in
  'sentinel monitor '*)
    echo "$place $question" >>"$STATE/done"
    set -- $question
    if [ ! -e "$STATE/$place/taken" ]; then
      printf '%s\n6379\nname\nmymaster\nconfig-epoch\n0\n' "$4" >"$STATE/$place/sentinel"
    fi
    ;;
  'sentinel remove '*)
    echo "$place $question" >>"$STATE/done"
    printf '\nERR No such master with that name\n' >"$STATE/$place/sentinel"
    ;;
  'sentinel get-master-addr-by-name '*) cat "$STATE/$place/sentinel" ;;
  'info replication') cat "$STATE/$place/replication" ;;
  replicaof* | config\ set*) echo "$place $question" >>"$STATE/done"; echo OK ;;
  ping) echo PONG ;;
  *) cat "$STATE/$place/$question" 2>/dev/null ;;
esac
"#;

/// The shells of this machine in which the scripts are tried.
fn shells() -> Vec<Vec<&'static str>> {
    let all = [
        vec!["sh"],
        vec!["dash"],
        vec!["bash"],
        vec!["busybox", "sh"],
    ];
    let runs = |shell: &Vec<&str>| {
        let mut command = Command::new(shell[0]);
        command.args(&shell[1..]).args(["-c", "true"]);
        command.status().is_ok_and(|status| status.success())
    };
    all.into_iter().filter(runs).collect()
}

/// The scripts with places in a directory, and what the client answers.
struct Pod {
    root: tempfile::TempDir,
}

impl Pod {
    /// The server `s0` of three, or another pod, with three Sentinels.
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/templates");
        let at = root.path().display().to_string();
        for (chart, name) in [
            ("redis", "server.sh"),
            ("redis-sentinel", "sentinels.sh"),
            ("redis-sentinel", "server-of-set.sh"),
            ("redis-sentinel", "join.sh"),
            ("redis-sentinel", "sentinel.sh"),
            ("redis-sentinel", "haproxy.sh"),
        ] {
            let script = fs::read_to_string(templates.join(chart).join("scripts").join(name));
            let script = ["/scripts/", "/config/", "/run/redis", "/data/"]
                .iter()
                .fold(script.unwrap(), |text, place| {
                    text.replace(place, &format!("{at}{place}"))
                });
            let script = script.replace("  sleep 1\n", "  sleep 0.01\n");
            let script = script.replace("most_looks=7200", "most_looks=\"$LOOKS\"");
            write(root.path(), &format!("scripts/{name}"), &script);
        }
        let pod = Self { root };
        for (name, text) in [
            (
                "redis.conf",
                "port 6379\nreplica-priority 100\nmin-replicas-to-write 1\n",
            ),
            ("servers", "s0\ns1\ns2\n"),
            ("sentinels", "w0\nw1\nw2\n"),
            ("watching", "down-after-milliseconds 5000\n"),
            ("quorum", "2"),
            (
                "sentinel.conf",
                "port 26379\nsentinel resolve-hostnames yes\n",
            ),
        ] {
            pod.has(&format!("config/server/{name}"), text);
        }
        pod.has("run/redis/password", "a\"b\\c d");
        pod.has("data/.keep", "");
        for program in ["redis-server", "redis-check-aof"] {
            write_program(pod.root.path(), program, "#!/bin/sh\n");
        }
        write_program(pod.root.path(), "redis-cli", CLIENT);
        pod.server("own", "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_link_status:down\r\nslave_priority:0\r\n", 0);
        for sentinel in ["w0", "w1", "w2"] {
            pod.sentinel(sentinel, None);
        }
        pod
    }

    fn has(&self, path: &str, text: &str) {
        write(self.root.path(), path, text);
    }

    /// What a server tells of its replication, and until when it has known the newest data.
    fn server(&self, name: &str, replication: &str, known: u32) {
        let text = format!("{replication}pidfile\n/run/redis/history-{known}\n");
        self.has(&format!("{name}/replication"), &text);
    }

    /// A server that has just started, too.
    fn starting(&self, name: &str, known: u32) {
        self.server(name, "role:slave\r\nmaster_host:127.0.0.1\r\nmaster_link_status:down\r\nslave_priority:0\r\n", known);
    }

    /// A replica that has been in step with a master.
    fn living(&self, name: &str) {
        self.server(name, "role:slave\r\nmaster_host:s0.s0-pods.domain\r\nmaster_link_status:down\r\nslave_priority:100\r\n", 0);
    }

    fn master(&self, name: &str) {
        self.server(name, "role:master\r\n", 0);
    }

    /// Whom a Sentinel names, with the epoch of that.
    fn sentinel(&self, name: &str, named: Option<(&str, u32)>) {
        let text = match named {
            Some((server, epoch)) => {
                format!(
                    "{server}.{server}-pods.domain\n6379\nname\nmymaster\nconfig-epoch\n{epoch}\n"
                )
            }
            None => "\nERR No such master with that name\n".to_owned(),
        };
        self.has(&format!("{name}/sentinel"), &text);
    }

    fn silent(&self, name: &str) {
        let path = self.root.path().join(format!("{name}/sentinel"));
        _ = fs::remove_file(path);
    }

    fn run(&self, shell: &[&str], pod: &str, looks: u32, program: &str) -> Output {
        let root = self.root.path();
        let path = std::env::var("PATH").unwrap();
        Command::new(shell[0])
            .args(&shell[1..])
            .args(["-euc", program])
            .current_dir(root)
            .env("PATH", format!("{}:{path}", root.join("bin").display()))
            .env("STATE", root)
            .env("LOOKS", looks.to_string())
            .env("MIDSHIPS_POD_NAME", pod)
            .env("MIDSHIPS_DOMAIN", "domain")
            .env("MIDSHIPS_MASTER_NAME", "mymaster")
            .env("MIDSHIPS_ANNOUNCES", "names")
            .env("MIDSHIPS_KEEPS", "append-only")
            .env("MIDSHIPS_PATIENCE_SECONDS", "4")
            .output()
            .unwrap()
    }

    /// What the server `s0` does in so many looks, with what it has known until, in each shell.
    fn does(&self, known: u32, looks: u32) -> String {
        let acts = self.root.path().join("done");
        let before: Vec<_> = ["w0", "w1", "w2"]
            .iter()
            .map(|name| fs::read_to_string(self.root.path().join(format!("{name}/sentinel"))))
            .collect();
        let all = shells().into_iter().map(|shell| {
            _ = fs::remove_file(&acts);
            for (name, text) in ["w0", "w1", "w2"].iter().zip(&before) {
                if let Ok(text) = text {
                    self.has(&format!("{name}/sentinel"), text);
                }
            }
            let program = format!("set -- {known}; . scripts/join.sh");
            let output = self.run(&shell, "s0", looks, &program);
            assert!(output.status.code().is_some(), "{shell:?}: {output:?}");
            let mut lines: Vec<String> = fs::read_to_string(&acts)
                .unwrap_or_default()
                .lines()
                .map(str::to_owned)
                .collect();
            lines.sort();
            lines.dedup();
            lines.join("; ")
        });
        let mut all: Vec<String> = all.collect();
        all.dedup();
        assert_eq!(all.len(), 1, "shells do not agree: {all:?}");
        all.remove(0)
    }
}

fn write(root: &Path, path: &str, text: &str) -> PathBuf {
    let path = root.join(path);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(&path, text).unwrap();
    path
}

fn write_program(root: &Path, name: &str, text: &str) {
    use std::os::unix::fs::PermissionsExt;
    let path = write(root, &format!("bin/{name}"), text);
    fs::set_permissions(path, fs::Permissions::from_mode(0o755)).unwrap();
}

const LEADS: &str = "own config set replica-priority 1; own replicaof no one";

#[test]
fn the_first_of_new_servers_becomes_the_master_by_the_word_of_most_sentinels() {
    let pod = Pod::new();
    for server in ["s1", "s2"] {
        pod.starting(server, 0);
    }
    let told = |sentinel| format!("{sentinel} sentinel monitor mymaster s0.s0-pods.domain 6379 2");
    let expected = format!("{LEADS}; {}; {}; {}", told("w0"), told("w1"), told("w2"));
    assert_eq!(pod.does(0, 1), expected);
}

#[test]
fn nobody_becomes_a_master_whom_most_sentinels_do_not_take_and_takes_its_word_back() {
    let pod = Pod::new();
    for server in ["s1", "s2"] {
        pod.starting(server, 0);
    }
    // Another server was faster with two of them.
    for sentinel in ["w1", "w2"] {
        pod.has(&format!("{sentinel}/taken"), "");
    }
    let done = pod.does(0, 1);
    assert!(!done.contains("replicaof no one"), "{done}");
    assert!(done.contains("w0 sentinel remove mymaster"), "{done}");
    assert!(!done.contains("w1 sentinel remove"), "{done}");
}

#[test]
fn without_most_sentinels_nothing_is_done() {
    let pod = Pod::new();
    for server in ["s1", "s2"] {
        pod.starting(server, 0);
    }
    for sentinel in ["w1", "w2"] {
        pod.silent(sentinel);
    }
    assert_eq!(pod.does(100, 8), "");
    pod.sentinel("w0", Some(("s1", 3)));
    pod.master("s1");
    assert_eq!(pod.does(100, 8), "");
}

#[test]
fn the_master_that_sentinels_name_is_copied_and_the_newest_choice_counts() {
    let pod = Pod::new();
    pod.starting("s1", 0);
    pod.master("s2");
    for sentinel in ["w0", "w1"] {
        pod.sentinel(sentinel, Some(("s1", 3)));
    }
    // The leader of the last choice is one, and the others have not heard of it yet.
    pod.sentinel("w2", Some(("s2", 4)));
    assert_eq!(pod.does(100, 1), "own replicaof s2.s2-pods.domain 6379");
}

#[test]
fn a_master_that_came_back_waits_while_another_server_may_be_promoted() {
    let pod = Pod::new();
    pod.living("s1");
    pod.starting("s2", 0);
    for sentinel in ["w0", "w1", "w2"] {
        pod.sentinel(sentinel, Some(("s0", 3)));
    }
    assert_eq!(pod.does(100, 3), "");
    // It has nothing, and would make the others empty: never.
    assert_eq!(pod.does(0, 9), "");
    // Sentinels could promote nobody.
    assert_eq!(pod.does(100, 6), LEADS);
}

#[test]
fn when_all_have_started_anew_the_one_with_the_newest_data_leads() {
    let pod = Pod::new();
    for sentinel in ["w0", "w1", "w2"] {
        pod.sentinel(sentinel, Some(("s0", 3)));
    }
    for (s1, own, expected) in [
        (1000, 1000, LEADS),
        // A record is made every five seconds.
        (1010, 1000, LEADS),
        // The one that Sentinels name has old data, such as those of a volume that was brought back.
        (1100, 1000, ""),
        (1100, 0, ""),
    ] {
        pod.starting("s1", s1);
        pod.starting("s2", 900);
        assert_eq!(pod.does(own, 1), expected, "{s1} {own}");
    }
    // Named is one that does not come: it is waited for, then the newest of the others takes its place.
    for sentinel in ["w0", "w1", "w2"] {
        pod.sentinel(sentinel, Some(("s2", 3)));
    }
    pod.starting("s1", 900);
    _ = fs::remove_file(pod.root.path().join("s2/replication"));
    assert_eq!(pod.does(1000, 3), "");
    assert_eq!(pod.does(1000, 6), LEADS);
}

#[test]
fn a_server_takes_part_when_it_is_in_step_or_named_by_most() {
    let pod = Pod::new();
    let opens = "own config set min-replicas-to-write 1; own config set replica-priority 100";
    pod.master("s1");
    pod.starting("s2", 0);
    for sentinel in ["w0", "w1"] {
        pod.sentinel(sentinel, Some(("s1", 3)));
    }
    pod.server("own", "role:slave\r\nmaster_host:s1.s1-pods.domain\r\nmaster_link_status:up\r\nslave_priority:0\r\n", 0);
    assert_eq!(pod.does(5, 2), opens);
    // In step with one that Sentinels do not name.
    pod.server("own", "role:slave\r\nmaster_host:s2.s2-pods.domain\r\nmaster_link_status:up\r\nslave_priority:0\r\n", 0);
    assert_eq!(pod.does(5, 2), "own replicaof s1.s1-pods.domain 6379");
    pod.server("own", "role:master\r\n", 0);
    assert_eq!(pod.does(5, 2), "");
    for sentinel in ["w0", "w1"] {
        pod.sentinel(sentinel, Some(("s0", 4)));
    }
    assert_eq!(pod.does(5, 2), opens);
}

#[test]
fn a_sentinel_is_who_it_was_and_knows_whom_the_release_has() {
    let pod = Pod::new();
    pod.has("run/redis/.keep", "");
    pod.has("config/password/password", "a\"b\\c d");
    let read = || fs::read_to_string(pod.root.path().join("data/sentinel.conf")).unwrap();
    let begin = |shell: &[&str]| {
        let output = pod.run(
            shell,
            "w0",
            0,
            "true >scripts/watch.sh; . scripts/sentinel.sh",
        );
        assert!(output.status.success(), "{shell:?}: {output:?}");
        read()
    };
    for shell in shells() {
        _ = fs::remove_file(pod.root.path().join("data/sentinel.conf"));
        let new = begin(&shell);
        assert!(!new.contains("sentinel monitor"), "{new}");
        assert!(new.contains("requirepass \"a\\\"b\\\\c d\"\n"), "{new}");
        let identity = new.lines().find(|line| line.starts_with("sentinel myid "));
        assert_eq!(identity.unwrap().len(), "sentinel myid ".len() + 40);

        pod.has(
            "data/sentinel.conf",
            "sentinel myid 0\nsentinel monitor mymaster s1.s1-pods.domain 6379 9\nsentinel auth-pass mymaster old\n\
             sentinel config-epoch mymaster 4\nsentinel leader-epoch mymaster 5\n\
             sentinel known-replica mymaster s0.s0-pods.domain 6379\nsentinel known-replica mymaster s7.s7-pods.domain 6379\n\
             sentinel known-sentinel mymaster w9.w9-pods.domain 26379 9999\nsentinel current-epoch 5\n",
        );
        let again = begin(&shell);
        assert!(again.contains(identity.unwrap()), "{again}");
        for line in [
            "sentinel monitor mymaster s1.s1-pods.domain 6379 2\n",
            "sentinel down-after-milliseconds mymaster 5000\n",
            "sentinel auth-pass mymaster \"a\\\"b\\\\c d\"\n",
            "sentinel config-epoch mymaster 4\n",
            "sentinel leader-epoch mymaster 5\n",
            "sentinel known-replica mymaster s0.s0-pods.domain 6379\n",
            "sentinel known-sentinel mymaster w1.w1-pods.domain 26379 ",
            "sentinel known-sentinel mymaster w2.w2-pods.domain 26379 ",
            "sentinel current-epoch 5\n",
        ] {
            assert!(again.contains(line), "{line} {again}");
        }
        for gone in ["s7", "w9", "auth-pass mymaster old"] {
            assert!(!again.contains(gone), "{gone} {again}");
        }
    }
}

#[test]
fn what_a_server_has_known_is_as_old_as_its_data() {
    let pod = Pod::new();
    let known = |keeps: &str| {
        let program = format!(
            "MIDSHIPS_KEEPS={keeps}; . scripts/server.sh; . scripts/server-of-set.sh; known_until"
        );
        let output = pod.run(&["sh"], "s0", 0, &program);
        String::from_utf8(output.stdout).unwrap().trim().to_owned()
    };
    assert_eq!(known("append-only"), "0");
    pod.has("data/midships-history", "500\n");
    assert_eq!(known("append-only"), "0");
    pod.has("data/appendonly.aof", "x");
    assert_eq!(known("append-only"), "500");
    assert_eq!(known("nothing"), "0");
    // A snapshot that was written before the record does not have what came after it.
    pod.has("data/midships-history", "9999999999\n");
    let written: u64 = known("snapshots").parse().unwrap();
    assert!(written < 9_999_999_999 && written > 1_000_000_000);
}

#[test]
fn haproxy_is_given_the_password_whatever_characters_it_has() {
    let pod = Pod::new();
    let program = "#!/bin/sh\nprintf %s \"$MIDSHIPS_LOGIN\"\n";
    write_program(pod.root.path(), "haproxy", program);
    let login = || {
        let mut all: Vec<String> = shells()
            .into_iter()
            .map(|shell| {
                let output = pod.run(&shell, "p0", 1, ". scripts/haproxy.sh");
                assert!(output.status.success(), "{shell:?}: {output:?}");
                String::from_utf8(output.stdout).unwrap()
            })
            .collect();
        all.dedup();
        all
    };
    assert_eq!(login(), [""]);
    let secret = "p \"\\ %s$x\u{e9}";
    pod.has("config/password/password", secret);
    let asked = format!("*2\r\n$4\r\nAUTH\r\n${}\r\n{secret}\r\n", secret.len());
    let spelt = asked.bytes().fold(String::new(), |mut spelt, byte| {
        write!(spelt, "{byte:02x}").unwrap();
        spelt
    });
    assert_eq!(login(), [spelt]);
}
