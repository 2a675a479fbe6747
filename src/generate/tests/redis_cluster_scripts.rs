//! How a server of the chart `redis-cluster` finds the others again, by its own scripts, the shells of this machine, and a client that
//! answers from files.
#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

const OWN: &str = "1111111111111111111111111111111111111111";
const OTHER: &str = "2222222222222222222222222222222222222222";
const STRANGER: &str = "3333333333333333333333333333333333333333";

/// Answers for the own server by its socket, and for others by their names and addresses, with the port where that is another one than
/// 6379, each from the file of the question.
const CLIENT: &str = r#"#!/bin/sh
case "$1" in
  -s) place=own; shift 2 ;;
  -h) place="$2"; [ "$4" = 6379 ] || place="$2:$4"; shift 4 ;;
esac
if [ "$1 $2" = 'cluster meet' ]; then
  echo "$3 $4 $5" >>"$STATE/met"
  echo OK
elif [ "$1 $2" = 'cluster failover' ]; then
  echo "$place $*" >>"$STATE/commanded"
  if [ -e "$STATE/own/after" ]; then
    cp -r "$STATE/own/after/." "$STATE/own"
  fi
  echo OK
else
  cat "$STATE/$place/$*" 2>/dev/null || echo 'Could not connect to Redis'
fi
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
    fn new() -> Self {
        let root = tempfile::tempdir().unwrap();
        let templates = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/templates");
        let at = root.path().display().to_string();
        for (chart, name) in [
            ("redis", "server.sh"),
            ("redis", "repair.sh"),
            ("redis", "data.sh"),
            ("redis-cluster", "cluster.sh"),
            ("redis-cluster", "meet.sh"),
            ("redis-cluster", "leave.sh"),
        ] {
            let script = fs::read_to_string(templates.join(chart).join("scripts").join(name));
            let script = ["/scripts/", "/config/", "/run/redis", "/data/"]
                .iter()
                .fold(script.unwrap(), |text, place| {
                    text.replace(place, &format!("{at}{place}"))
                });
            let script = script.replace("most_looks=480", "most_looks=1");
            let script = script.replace("    sleep 1\n", "    sleep 0.1\n");
            write(root.path(), &format!("scripts/{name}"), &script);
        }
        write(root.path(), "config/server/redis.conf", "port 6379\n");
        for program in ["redis-server", "redis-check-aof"] {
            write_program(root.path(), program, "#!/bin/sh\n");
        }
        write_program(root.path(), "redis-cli", CLIENT);
        let pod = Self { root };
        pod.answers("own", "ping", "PONG\n");
        pod.answers("own", "time", "1000\n5\n");
        pod
    }

    /// What is answered at a place to a question.
    fn answers(&self, place: &str, question: &str, text: &str) {
        write(self.root.path(), &format!("{place}/{question}"), text);
    }

    /// The pods of the release, and the server's own list.
    fn knows(&self, pods: &str, list: &str) {
        write(self.root.path(), "config/server/servers", pods);
        self.answers("own", "cluster nodes", list);
    }

    fn run(&self, shell: &[&str], program: &str) -> Output {
        let root = self.root.path();
        let path = std::env::var("PATH").unwrap();
        Command::new(shell[0])
            .args(&shell[1..])
            .args(["-euc", program])
            .current_dir(root)
            .env("PATH", format!("{}:{path}", root.join("bin").display()))
            .env("STATE", root)
            .env("MIDSHIPS_POD_NAME", "a")
            .env("MIDSHIPS_POD_ADDRESS", "10.0.0.1")
            .env("MIDSHIPS_SERVERS", "servers")
            .output()
            .unwrap()
    }

    /// Whom the server meets, as `address port port`, in each shell.
    fn met(&self) -> Vec<String> {
        let met = self.root.path().join("met");
        let all = shells().into_iter().map(|shell| {
            _ = fs::remove_file(&met);
            let output = self.run(&shell, ". scripts/meet.sh");
            assert!(output.status.success(), "{shell:?}: {output:?}");
            fs::read_to_string(&met).unwrap_or_default()
        });
        let mut all: Vec<String> = all.collect();
        all.dedup();
        all
    }

    /// Whether a function says yes.
    fn says(&self, program: &str) -> bool {
        let program = format!(". scripts/server.sh; . scripts/cluster.sh; {program}");
        let mut all: Vec<bool> = shells()
            .into_iter()
            .map(|shell| self.run(&shell, &program).status.success())
            .collect();
        all.dedup();
        assert_eq!(all.len(), 1, "shells do not agree about {program}");
        all[0]
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

/// A line of a list: who, where, what, and when it has answered.
fn line(identity: &str, address: &str, flags: &str, answered: &str) -> String {
    format!("{identity} {address}:6379@16379,name {flags} - 0 {answered} 1 connected 0-5460\n")
}

/// The list of a server, in which the other one has an address and has answered at a time.
fn list(address: &str, answered: &str) -> String {
    line(OWN, "10.0.0.1", "myself,master", "0") + &line(OTHER, address, "master", answered)
}

/// What the pod `b` says of itself, and who answers at its address.
fn moved(pod: &Pod, identity: &str, at_address: &str) {
    let own = line(identity, "10.0.0.8", "myself,master", "0");
    pod.answers("b.servers", "cluster nodes", &own);
    pod.answers("10.0.0.8", "cluster myid", &format!("{at_address}\n"));
}

#[test]
fn a_server_that_was_known_is_met_where_it_is_now() {
    let pod = Pod::new();
    pod.knows("a\nb\nc\n", &list("10.0.0.2", "999999"));
    moved(&pod, OTHER, OTHER);
    assert_eq!(pod.met(), ["10.0.0.8 6379 16379\n"]);
}

#[test]
fn a_server_that_announces_ports_of_its_node_is_met_there() {
    let pod = Pod::new();
    pod.knows("a\nb\n", &list("10.0.0.2", "999999"));
    let own = format!("{OTHER} 192.0.2.1:30005@30805 myself,master - 0 0 1 connected\n");
    pod.answers("b.servers", "cluster nodes", &own);
    pod.answers("192.0.2.1:30005", "cluster myid", &format!("{OTHER}\n"));
    assert_eq!(pod.met(), ["192.0.2.1 30005 30805\n"]);
}

#[test]
fn what_a_server_announces_follows_from_the_name_of_its_pod() {
    let pod = Pod::new();
    let announced = |more: &str| {
        let program = format!("{more} . scripts/server.sh; . scripts/cluster.sh; announce");
        let mut all: Vec<String> = shells()
            .into_iter()
            .map(|shell| String::from_utf8(pod.run(&shell, &program).stdout).unwrap())
            .collect();
        all.dedup();
        all
    };
    let alone = "replica-announce-ip 10.0.0.1\ncluster-announce-ip 10.0.0.1\n";
    assert_eq!(announced(""), [alone]);
    let of_node = "MIDSHIPS_POD_NAME=a-shard-b-shard-12-3; MIDSHIPS_NODE_ADDRESS=192.0.2.1; MIDSHIPS_NODE_PORTS_OF_SHARD=5; \
                   MIDSHIPS_NODE_PORTS='cluster-announce-bus-port=30800 cluster-announce-port=30000';";
    let told = "replica-announce-ip 10.0.0.1\ncluster-announce-ip 192.0.2.1\n\
                cluster-announce-bus-port 30863\ncluster-announce-port 30063\n";
    assert_eq!(announced(of_node), [told]);
}

#[test]
fn one_that_has_answered_or_is_where_it_was_is_left_alone() {
    let pod = Pod::new();
    moved(&pod, OTHER, OTHER);
    for known in [list("10.0.0.2", "2000000"), list("10.0.0.8", "0")] {
        pod.knows("a\nb\n", &known);
        assert_eq!(pod.met(), [""], "{known}");
    }
}

#[test]
fn nobody_is_met_whom_the_server_did_not_know() {
    let pod = Pod::new();
    pod.knows("a\nb\n", &list("10.0.0.2", "0"));
    moved(&pod, STRANGER, STRANGER);
    assert_eq!(pod.met(), [""]);
}

#[test]
fn an_address_that_is_somebody_elses_by_now_is_not_met() {
    let pod = Pod::new();
    pod.knows("a\nb\n", &list("10.0.0.2", "0"));
    moved(&pod, OTHER, STRANGER);
    assert_eq!(pod.met(), [""]);
}

#[test]
fn a_server_that_never_was_one_of_a_cluster_looks_for_nobody() {
    let pod = Pod::new();
    assert!(!pod.says("knew_others"));
    let alone =
        line(OWN, "10.0.0.1", "myself,master", "0") + "vars currentEpoch 0 lastVoteEpoch 0\n";
    write(pod.root.path(), "data/nodes.conf", &alone);
    assert!(!pod.says("knew_others"));
    let known = list("10.0.0.2", "0") + "vars currentEpoch 6 lastVoteEpoch 0\n";
    write(pod.root.path(), "data/nodes.conf", &known);
    assert!(pod.says("knew_others"));
}

#[test]
fn a_replica_lacks_data_only_where_its_master_has_more() {
    let pod = Pod::new();
    let list = |flags, answered| {
        let own = format!("{OWN} 10.0.0.1:6379@16379 myself,slave {OTHER} 0 0 1 connected\n");
        own + &line(OTHER, "10.0.0.2", flags, answered)
    };
    let link = |state: &str, syncing: u32, since: &str| {
        format!(
            "role:slave\r\nmaster_link_status:{state}\r\nmaster_sync_in_progress:{syncing}\r\nmaster_link_down_since_seconds:{since}\r\n"
        )
    };
    let (long_ago, now) = ("1000000", "9999000");
    for (said, flags, answered, lacks) in [
        ("role:master\r\n".to_owned(), "master", now, false),
        (link("up", 0, ""), "master", now, false),
        (link("down", 1, "3"), "master", long_ago, true),
        // Lost three seconds ago, and nothing was heard of it since.
        (link("down", 0, "3"), "master", "9996900", false),
        (link("down", 0, "30"), "master", now, true),
        (link("down", 0, "300"), "master", long_ago, false),
        (link("down", 0, "-1"), "master", long_ago, true),
        (link("down", 0, "10000"), "master", long_ago, true),
        (link("down", 0, "30"), "master,fail", now, false),
        (link("down", 0, "-1"), "master,fail?", now, false),
    ] {
        let program = format!("lacks_data '{said}' '{}' 10000", list(flags, answered));
        assert_eq!(pod.says(&program), lacks, "{program}");
    }
}

/// What a server that stops commands itself and others, as `place command`, in each shell.
fn commanded(pod: &Pod, before: &[(&str, &str)]) -> Vec<String> {
    let commanded = pod.root.path().join("commanded");
    let all = shells().into_iter().map(|shell| {
        _ = fs::remove_file(&commanded);
        for (question, text) in before {
            pod.answers("own", question, text);
        }
        let output = pod.run(&shell, "log=\"$STATE/log\"; . scripts/leave.sh");
        assert!(output.status.success(), "{shell:?}: {output:?}");
        fs::read_to_string(&commanded).unwrap_or_default()
    });
    let mut all: Vec<String> = all.collect();
    all.dedup();
    all
}

/// A server's own line without slots.
fn without_slots(flags: &str) -> String {
    format!("{OWN} 10.0.0.1:6379@16379,name {flags} - 0 0 1 connected\n")
}

#[test]
fn a_master_that_stops_has_the_replica_take_over_that_has_most() {
    let pod = Pod::new();
    pod.knows("a\nb\n", "");
    moved(&pod, OTHER, OTHER);
    let theirs = line(OTHER, "10.0.0.8", "myself,master", "0") + &without_slots("slave");
    pod.answers("b.servers", "cluster nodes", &theirs);
    pod.answers("own/after", "info replication", "role:slave\r\n");
    let replication = "role:master\r\nslave0:ip=10.0.0.5,port=6379,state=online,offset=90,lag=0\r\n\
        slave1:ip=10.0.0.6,port=6379,state=online,offset=100,lag=1\r\n\
        slave2:ip=10.0.0.7,port=6379,state=wait_bgsave,offset=0,lag=0\r\n";
    let before = [
        ("cluster nodes", &*list("10.0.0.8", "0")),
        ("info replication", replication),
    ];
    assert_eq!(commanded(&pod, &before), ["10.0.0.6 cluster failover\n"]);
}

#[test]
fn a_server_that_nobody_knows_any_more_comes_back_as_a_new_one() {
    let pod = Pod::new();
    let own = without_slots("myself,master") + &line(OTHER, "10.0.0.8", "master", "0");
    pod.knows("a\nb\nc\n", &own);
    let forgotten = pod.root.path().join("data/midships-forgotten");
    fs::create_dir_all(forgotten.parent().unwrap()).unwrap();
    let leaves_word = |keys: &str| {
        let before = [
            ("cluster nodes", &*own),
            ("info replication", "role:master\r\n"),
            ("dbsize", keys),
        ];
        assert_eq!(commanded(&pod, &before), [""], "nobody is told anything");
        let is_there = forgotten.exists();
        _ = fs::remove_file(&forgotten);
        is_there
    };
    // Who leaves as well still knows it, which says nothing.
    let leaves = line(STRANGER, "10.0.0.9", "myself,master", "0").replace(" 0-5460", "");
    pod.answers("c.servers", "cluster nodes", &(leaves + &own));
    assert!(!leaves_word("0\n"), "nobody with slots answers");
    moved(&pod, OTHER, OTHER);
    assert!(leaves_word("0\n"));
    assert!(!leaves_word("1\n"), "it has a key that nobody else has");
    let mention = line(OTHER, "10.0.0.8", "myself,master", "0") + &without_slots("master");
    pod.answers("b.servers", "cluster nodes", &mention);
    assert!(!leaves_word("0\n"), "it is known");

    let known = list("10.0.0.2", "0") + "vars currentEpoch 6 lastVoteEpoch 0\n";
    write(pod.root.path(), "data/nodes.conf", &known);
    let program = "for of in server repair data cluster; do . \"scripts/$of.sh\"; done; cd data; begin_anew; knew_others";
    for shell in shells() {
        write(pod.root.path(), "data/nodes.conf", &known);
        assert!(pod.run(&shell, program).status.success(), "{shell:?}");
        write(pod.root.path(), "data/dump.rdb", "keys");
        fs::write(&forgotten, "").unwrap();
        assert!(!pod.run(&shell, program).status.success(), "{shell:?}");
        for gone in ["midships-forgotten", "dump.rdb", "nodes.conf"] {
            assert!(
                !pod.root.path().join("data").join(gone).exists(),
                "{shell:?}: {gone}"
            );
        }
    }
}
