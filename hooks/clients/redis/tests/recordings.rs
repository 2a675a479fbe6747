//! What servers of each version answered, as `recordings/record` wrote it down, is read.

#![allow(
    clippy::unwrap_used,
    clippy::panic,
    reason = "helpers of tests are tests"
)]

use std::collections::BTreeMap;

use midships_client_redis::{Health, Information, Link, Migration, Nodes, Role, Slot, Slots};
use serde::Deserialize;
use serde_json::Value;

const VERSIONS: [(&str, &str); 7] = [
    (
        "redis 5.0.6",
        include_str!("../recordings/redis-5.0.6.json"),
    ),
    ("redis 6.0", include_str!("../recordings/redis-6.0.json")),
    ("redis 6.2", include_str!("../recordings/redis-6.2.json")),
    ("redis 7.0", include_str!("../recordings/redis-7.0.json")),
    ("redis 8.0", include_str!("../recordings/redis-8.0.json")),
    ("valkey 8.1", include_str!("../recordings/valkey-8.1.json")),
    ("valkey 9.1", include_str!("../recordings/valkey-9.1.json")),
];

#[derive(Deserialize)]
struct Recorded {
    answer: Value,
}

/// The answers of each version, by the state in which they were given.
fn versions() -> impl Iterator<Item = (&'static str, BTreeMap<String, Recorded>)> {
    VERSIONS
        .into_iter()
        .map(|(version, text)| (version, serde_json::from_str(text).unwrap()))
}

fn nodes(answers: &BTreeMap<String, Recorded>, state: &str) -> Nodes {
    answers[state].answer.as_str().unwrap().parse().unwrap()
}

fn slots(text: &str) -> Slots {
    text.parse().unwrap()
}

#[test]
fn a_server_alone_knows_itself_and_not_its_address() {
    for (version, answers) in versions() {
        let Nodes { myself, others } = nodes(&answers, "nodes of a server alone");
        assert_eq!(
            (myself.host.as_str(), myself.port, myself.bus_port),
            ("", 7600, 17600),
            "{version}"
        );
        let has_names = !version.starts_with("redis 5") && !version.starts_with("redis 6");
        assert_eq!(
            myself.host_name,
            if has_names { "node-0.example" } else { "" },
            "{version}"
        );
        assert_eq!(
            (myself.is_master(), myself.epoch, myself.slots.len()),
            (true, 0, 0),
            "{version}"
        );
        assert_eq!(others.len(), 0, "{version}");
    }
}

#[test]
fn who_is_met_has_no_role_yet() {
    for (version, answers) in versions() {
        let Nodes { myself, others } = nodes(&answers, "nodes while one is met");
        assert_eq!(myself.slots, slots("0-5460"), "{version}");
        let [met] = others.values().collect::<Vec<_>>()[..] else {
            panic!("{version}: {others:?}");
        };
        assert!(met.is_meeting, "{version}");
        assert_eq!(
            (&met.role, met.link),
            (&Role::Unknown, Link::Disconnected),
            "{version}"
        );
    }
}

#[test]
fn a_master_and_its_replica_see_the_same() {
    for (version, answers) in versions() {
        let master = nodes(&answers, "nodes of a master");
        let replica = nodes(&answers, "nodes of a replica");
        assert_eq!(master.owners(), replica.owners(), "{version}");
        assert_eq!(master.owners().len(), 3, "{version}");
        let of = Some(master.myself.id.clone());
        assert_eq!(replica.myself.role, Role::Replica { of }, "{version}");
        assert_eq!(
            master.others[&replica.myself.id].role, replica.myself.role,
            "{version}"
        );
        assert!(
            master
                .all()
                .all(|node| node.health == Health::Well && !node.is_meeting),
            "{version}"
        );
        assert_eq!(
            master.all().map(|node| node.port).max(),
            Some(7603),
            "{version}"
        );
    }
}

#[test]
fn a_slot_on_its_way_is_told_by_both_ends() {
    let slot = Slot::try_from(5061).unwrap();
    for (version, answers) in versions() {
        let source = nodes(&answers, "nodes of a source").myself;
        let target = nodes(&answers, "nodes of a target").myself;
        let to = Migration::To(target.id.clone());
        let from = Migration::From(source.id.clone());
        assert_eq!(source.migrations, BTreeMap::from([(slot, to)]), "{version}");
        assert_eq!(
            target.migrations,
            BTreeMap::from([(slot, from)]),
            "{version}"
        );
        assert!(
            source.slots.contains(slot) && !target.slots.contains(slot),
            "{version}"
        );
    }
}

#[test]
fn a_master_that_has_failed_keeps_its_slots() {
    for (version, answers) in versions() {
        let seen = nodes(&answers, "nodes with one that has failed");
        let failed: Vec<_> = seen
            .all()
            .filter(|node| node.health == Health::Failed)
            .collect();
        let [failed] = failed[..] else {
            panic!("{version}: {failed:?}");
        };
        assert_eq!(
            (failed.slots.clone(), failed.link),
            (slots("5461-10921"), Link::Disconnected),
            "{version}"
        );
        assert_eq!(seen.myself.slots, slots("0-5060,5062-5460"), "{version}");
    }
}

#[test]
fn what_servers_tell_of_themselves_is_read() {
    for (version, answers) in versions() {
        let of = |state: &str| Information::of(answers[state].answer.as_str().unwrap());
        let cluster = of("cluster of a master");
        assert_eq!(cluster.text("cluster_state"), Some("ok"), "{version}");
        assert_eq!(
            cluster.value::<u16>("cluster_slots_assigned"),
            Some(16_384),
            "{version}"
        );
        let master = of("replication of a master");
        assert_eq!(master.text("role"), Some("master"), "{version}");
        assert_eq!(
            master.value::<u32>("connected_slaves"),
            Some(1),
            "{version}"
        );
        let replica = of("replication of a replica");
        assert_eq!(replica.text("master_link_status"), Some("up"), "{version}");
        assert!(
            replica.value::<u64>("slave_repl_offset").is_some(),
            "{version}"
        );
        assert_eq!(
            of("persistence").truth("aof_enabled"),
            Some(true),
            "{version}"
        );
        let mode = if version.starts_with("valkey") {
            "server_mode"
        } else {
            "redis_mode"
        };
        assert_eq!(of("server").text(mode), Some("cluster"), "{version}");
    }
}

#[test]
fn what_is_no_answer_of_a_cluster_is_refused() {
    let line = "874b99036737710df9e81796c9c9c446d277a850 127.0.0.1:7600@17600 myself,master - 0 0 1 connected 0-5460";
    assert!(line.parse::<Nodes>().is_ok());
    for (wrong, expected) in [
        (String::new(), "0 lines say `myself`"),
        (line.replace("myself,", ""), "0 lines say `myself`"),
        (
            format!("{line}\n{}", line.replace("874b", "975b")),
            "2 lines say `myself`",
        ),
        (
            format!("{line}\n{}", line.replace("myself,", "")),
            "two lines are about",
        ),
        (line.replace("874b", "874B"), "40 hexadecimal digits"),
        (
            line.replace("127.0.0.1:7600@17600", "127.0.0.1"),
            "an address",
        ),
        (line.replace("0-5460", "0-16384"), "a slot or a range"),
        (line.replace("0-5460", "[5061]"), "a slot on its way"),
        (line.replace(" connected 0-5460", ""), "7 of 8 parts"),
        (
            line.replace("connected", "linked"),
            "connected or disconnected",
        ),
        (line.replace(" 1 connected", " x connected"), "a number"),
    ] {
        let error = wrong.parse::<Nodes>().unwrap_err().to_string();
        assert!(error.contains(expected), "{wrong}: {error}");
    }
}
