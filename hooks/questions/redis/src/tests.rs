//! Every question to servers of every version, as they were recorded, and to simulated ones.

use std::collections::{BTreeMap, BTreeSet};

use insta::{assert_json_snapshot, assert_snapshot};
use midships_client_redis::Slot;
use redis::Value as Raw;

use crate::big_keys::Sample;
use crate::keys::Wanted;
use crate::simulation::{Kept, Simulation, VERSIONS, scope};
use crate::value::{Content, Limits};
use crate::{
    BigKeys, Bytes, Change, Changed, Clients, Distribution, Keys, Looked, Query, Rate, Scope,
    SlowLog, Told, Topology, Value,
};

const FIRST: &str = "127.0.0.1:7770";
const THIRD: &str = "127.0.0.1:7772";
const FAST: u32 = u32::MAX;

fn block_on<T>(answer: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build();
    runtime.unwrap().block_on(answer)
}

fn topology(simulation: &Simulation, server: &str) -> Topology {
    block_on(Topology::ask(simulation, &scope(server)))
}

/// The problems as lines.
fn problems(told: &impl Told) -> Vec<String> {
    told.problems().iter().map(ToString::to_string).collect()
}

/// Every question that can be asked.
fn queries() -> Vec<Query> {
    let (key, set) = (Bytes::from("key"), "set".to_owned());
    vec![
        Query::Information,
        Query::Nodes,
        Query::Cluster,
        Query::Masters,
        Query::Replicas(set.clone()),
        Query::Sentinels(set.clone()),
        Query::Quorum(set),
        Query::Keys,
        Query::KeysOfSlot(Slot::try_from(1).unwrap()),
        Query::Scan {
            cursor: 0,
            pattern: None,
            count: 1,
        },
        Query::Type(key.clone()),
        Query::TimeLeft(key.clone()),
        Query::Encoding(key.clone()),
        Query::Memory(key.clone()),
        Query::StringLength(key.clone()),
        Query::StringPart(key.clone(), 1),
        Query::HashLength(key.clone()),
        Query::HashPart(key.clone(), 0, 1),
        Query::ListLength(key.clone()),
        Query::ListPart(key.clone(), 1),
        Query::SetLength(key.clone()),
        Query::SetPart(key.clone(), 0, 1),
        Query::SortedSetLength(key.clone()),
        Query::SortedSetPart(key.clone(), 1),
        Query::StreamLength(key.clone()),
        Query::StreamPart(key, 1),
        Query::SlowCommands(1),
        Query::Clients,
        Query::OwnClient,
        Query::Asking,
    ]
}

#[test]
fn no_question_sends_a_command_that_writes() {
    let allowed: BTreeSet<&str> = include_str!("../recordings/commands").lines().collect();
    let sent: BTreeSet<&str> = queries().iter().map(Query::command).collect();
    assert_eq!(sent, allowed);
    assert_eq!(queries().len(), allowed.len());
    for (version, text) in VERSIONS {
        let states: BTreeMap<String, serde_json::Value> = serde_json::from_str(text).unwrap();
        let flags: BTreeMap<String, Option<Vec<String>>> =
            serde_json::from_value(states["flags of commands"].clone()).unwrap();
        for command in &allowed {
            match &flags[*command] {
                Some(flags) => assert!(!flags.contains(&"write".to_owned()), "{version} {command}"),
                None => assert!(command.starts_with("SENTINEL "), "{version} {command}"),
            }
        }
    }
}

#[test]
fn a_cluster_is_told_by_any_of_its_nodes() {
    for (version, _) in VERSIONS {
        let cluster = Simulation::recorded(version, "a cluster");
        for port in 7770..=7773 {
            let told = topology(&cluster, &format!("127.0.0.1:{port}"));
            let expected = [
                "127.0.0.1:7771 has no replica that is up, as other masters have",
                "127.0.0.1:7772 has no replica that is up, as other masters have",
            ];
            assert_eq!(problems(&told), expected, "{version}");
            assert_eq!(
                (told.servers.len(), told.slots_served),
                (4, Some(16_384)),
                "{version}"
            );
            let replica = &told.servers[1];
            assert_eq!(replica.master.as_deref(), Some(FIRST), "{version}");
            assert_eq!(
                (replica.is_linked, replica.behind_bytes),
                (Some(true), Some(0)),
                "{version}"
            );
        }
    }
    let told = topology(&Simulation::recorded("valkey 9.1", "a cluster"), THIRD);
    assert_snapshot!("cluster-text", told.text());
    assert_snapshot!("cluster-graph", told.graph());
    assert_json_snapshot!("cluster-json", told);
}

#[test]
fn a_server_that_is_known_by_another_name_is_told_once() {
    let cluster = Simulation::recorded("redis 7.0", "a cluster");
    let first = cluster.servers.borrow()[FIRST].clone();
    cluster
        .servers
        .borrow_mut()
        .insert("localhost:7770".to_owned(), first);
    cluster.servers.borrow_mut().remove(FIRST);
    let told = topology(&cluster, "localhost:7770");
    assert_eq!(told.servers.len(), 4);
    assert_eq!(told.servers[0].address, FIRST);
    assert_eq!(told.servers[0].keys, Some(1));
    assert!(!cluster.asked.borrow().contains_key(FIRST));

    let alone = Simulation::recorded("redis 7.0", "a server alone");
    let one = alone.servers.borrow()["127.0.0.1:7790"].clone();
    alone
        .servers
        .borrow_mut()
        .insert("localhost:7790".to_owned(), one);
    let both = Scope {
        servers: vec!["localhost:7790".to_owned(), "127.0.0.1:7790".to_owned()],
        set: None,
    };
    let told = block_on(Topology::ask(&alone, &both));
    assert_eq!((told.servers.len(), problems(&told)), (1, Vec::new()));
}

#[test]
fn an_open_slot_is_told_by_both_ends() {
    for (version, _) in VERSIONS {
        let cluster = Simulation::recorded(version, "a slot on its way");
        let told = problems(&topology(&cluster, FIRST));
        let open = |address, direction, other| {
            format!("{address} has the slot 5061 open, on its way {direction} {other}")
        };
        for expected in [open(FIRST, "to", THIRD), open(THIRD, "from", FIRST)] {
            assert!(told.contains(&expected), "{version}: {told:?}");
        }
    }
}

#[test]
fn a_master_that_is_away_is_told_with_its_slots() {
    for (version, _) in VERSIONS {
        let cluster = Simulation::recorded(version, "a cluster without a master");
        let told = topology(&cluster, FIRST);
        assert_eq!(told.slots_served, Some(16_384 - 5_461), "{version}");
        let told = problems(&told);
        for expected in [
            "127.0.0.1:7771 cannot be reached: connection refused",
            "127.0.0.1:7771 has failed, as 3 of 3 nodes say",
            "127.0.0.1:7770 serves no keys: for it, the state of the cluster is fail",
        ] {
            assert!(
                told.iter().any(|told| told == expected),
                "{version}: {told:?}"
            );
        }
    }
    let told = topology(
        &Simulation::recorded("redis 5.0.6", "a cluster without a master"),
        FIRST,
    );
    assert_snapshot!("cluster-without-a-master-text", told.text());
}

#[test]
fn nodes_that_disagree_are_told() {
    let cluster = Simulation::recorded("redis 7.0", "a cluster");
    let nodes = |address: &str| -> midships_client_redis::Nodes {
        let answer = cluster.servers.borrow()[address].answers["CLUSTER NODES"].clone();
        crate::reading::text(&answer).unwrap().parse().unwrap()
    };
    let (second, replica) = (
        nodes("127.0.0.1:7771").myself.id,
        nodes("127.0.0.1:7773").myself.id,
    );
    // The third node has not heard that slots have moved, and has forgotten the replica.
    cluster.rewrite(
        THIRD,
        "CLUSTER NODES",
        "connected 5461-10921",
        "connected 5462-10921",
    );
    let text =
        crate::reading::text(&cluster.servers.borrow()[THIRD].answers["CLUSTER NODES"]).unwrap();
    let lines = text
        .lines()
        .filter(|line| !line.starts_with(replica.as_str()));
    let text = lines.collect::<Vec<_>>().join("\n") + "\n";
    cluster.answer(THIRD, "CLUSTER NODES", Raw::BulkString(text.into_bytes()));
    cluster.rewrite(
        FIRST,
        "CLUSTER NODES",
        &format!("{second} 127.0.0.1:7771@17771 master -"),
        &format!("{second} 127.0.0.1:7771@17771 slave {replica}"),
    );
    let told = problems(&topology(&cluster, FIRST));
    for expected in [
        "127.0.0.1:7772 sees the slots 5461 at nobody, and most nodes see them at 127.0.0.1:7771",
        "127.0.0.1:7772 does not know the node 127.0.0.1:7773",
        "127.0.0.1:7770 takes 127.0.0.1:7771 for a replica of 127.0.0.1:7773, which says that it is a master",
    ] {
        assert!(
            told.iter().any(|told| told == expected),
            "{expected}: {told:?}"
        );
    }
}

#[test]
fn slots_that_nobody_has_are_told() {
    let cluster = Simulation::recorded("redis 7.0", "a cluster");
    for port in 7770..=7773 {
        let address = format!("127.0.0.1:{port}");
        cluster.rewrite(
            &address,
            "CLUSTER NODES",
            " 10922-16383",
            " 10922-16000 16002-16383",
        );
    }
    let told = topology(&cluster, FIRST);
    let expected = "the cluster has 1 slots that nobody serves: 16001".to_owned();
    assert!(problems(&told).contains(&expected), "{:?}", problems(&told));
    let slots = block_on(Distribution::ask(&cluster, &scope(FIRST), None));
    assert_eq!(
        problems(&slots),
        ["the cluster has slots whose keys cannot be looked at: 16001"]
    );
}

#[test]
fn what_a_server_says_of_itself_is_judged() {
    let alone = Simulation::recorded("redis 7.0", "a server alone");
    let address = "127.0.0.1:7790";
    assert_eq!(problems(&topology(&alone, address)), Vec::<String>::new());
    alone.rewrite(
        address,
        "INFO",
        "aof_last_write_status:ok",
        "aof_last_write_status:err",
    );
    alone.rewrite(address, "INFO", "maxmemory:0", "maxmemory:1048576");
    let told = topology(&alone, address);
    let [disk, memory] = &problems(&told)[..] else {
        panic!("{told:?}");
    };
    assert!(
        disk.contains("could not write to its append-only file"),
        "{disk}"
    );
    assert!(memory.contains("of the 1.0 MiB of memory"), "{memory}");
    alone.rewrite(address, "INFO", "loading:0", "loading:1");
    assert!(topology(&alone, address).text().contains("loading"));
}

#[test]
fn sentinels_are_told_with_what_they_watch() {
    for (version, _) in VERSIONS {
        let sentinels = Simulation::recorded(version, "Sentinels");
        for port in 7780..=7783 {
            let told = topology(&sentinels, &format!("127.0.0.1:{port}"));
            assert_eq!(problems(&told), Vec::<String>::new(), "{version}");
            assert_eq!(told.servers.len(), 2, "{version}");
            // Servers do not know who watches them.
            let expected = if port < 7782 { 0 } else { 2 };
            assert_eq!(told.sentinels.len(), expected, "{version}");
        }
    }
    let told = topology(
        &Simulation::recorded("redis 6.2", "Sentinels"),
        "127.0.0.1:7783",
    );
    assert_snapshot!("sentinels-text", told.text());
    assert_snapshot!("sentinels-graph", told.graph());
}

#[test]
fn what_sentinels_say_of_a_master_that_is_away_is_told() {
    for (version, _) in VERSIONS {
        let sentinels = Simulation::recorded(version, "Sentinels without the master");
        let told = topology(&sentinels, "127.0.0.1:7782");
        let told = problems(&told);
        for expected in [
            "127.0.0.1:7780 cannot be reached",
            "as the Sentinel 127.0.0.1:7783 says",
            "127.0.0.1:7781 is not connected to its master 127.0.0.1:7780: down",
        ] {
            assert!(
                told.iter().any(|told| told.contains(expected)),
                "{version}: {told:?}"
            );
        }
        assert!(
            !told.iter().any(|told| told.contains("has no replica")),
            "{version}: {told:?}"
        );
    }
}

#[test]
fn sentinels_that_disagree_are_told() {
    let sentinels = Simulation::recorded("redis 7.0", "Sentinels");
    let of_other = sentinels.servers.borrow()["127.0.0.1:7782"].answers["SENTINEL MASTERS"].clone();
    let other = format!("{of_other:?}");
    assert!(other.contains("7780"), "{other}");
    let Raw::Array(sets) = of_other else { panic!() };
    let Raw::Array(mut fields) = sets[0].clone() else {
        panic!()
    };
    for field in &mut fields {
        if *field == Raw::BulkString(b"7780".to_vec()) {
            *field = Raw::BulkString(b"7781".to_vec());
        }
    }
    let changed = Raw::Array(vec![Raw::Array(fields)]);
    sentinels.answer("127.0.0.1:7782", "SENTINEL MASTERS", changed);
    let refused = Raw::SimpleString("-NOQUORUM 1 usable Sentinels".to_owned());
    sentinels.answer("127.0.0.1:7782", "SENTINEL CKQUORUM orders", refused);
    let told = problems(&topology(&sentinels, "127.0.0.1:7782"));
    for expected in [
        "orders has more than one master: 127.0.0.1:7780 as 127.0.0.1:7783 say; 127.0.0.1:7781 as 127.0.0.1:7782 say",
        "127.0.0.1:7781 says that it is a replica, and Sentinels say that it is the master of orders",
        "127.0.0.1:7782 cannot replace the master of orders: NOQUORUM 1 usable Sentinels",
    ] {
        assert!(
            told.iter().any(|told| told == expected),
            "{expected}: {told:?}"
        );
    }
}

#[test]
fn who_does_not_answer_is_asked_once() {
    let nobody = Simulation::default();
    let told = topology(&nobody, FIRST);
    assert_eq!(
        told.text(),
        "nobody answered\n\nproblem: 127.0.0.1:7770 cannot be reached: connection refused\n"
    );
    let key = &"a".into();
    let limits = Limits {
        elements: 1,
        bytes: 1,
    };
    let value = block_on(Value::ask(&nobody, &scope(FIRST), key, limits));
    assert_eq!(
        problems(&value),
        ["127.0.0.1:7770 cannot be reached: connection refused"]
    );
    assert_eq!(nobody.asked.borrow()[FIRST], 2, "once for each question");
}

fn kept(kind: &'static str, memory: i64) -> Kept {
    Kept {
        kind,
        time_left: None,
        memory,
    }
}

/// A cluster with users and a few other keys.
fn filled() -> Simulation {
    let cluster = Simulation::recorded("redis 7.0", "a cluster");
    let users = (0..100).map(|number| {
        (
            Bytes(format!("user:{number}").into_bytes()),
            kept("string", 50 + number),
        )
    });
    cluster.fill(users);
    let session = Kept {
        time_left: Some(59_500),
        ..kept("hash", 4_096)
    };
    cluster.fill([
        ("session:1".into(), session),
        ("queue".into(), kept("list", 1_000_000)),
        (Bytes(b"bin\xff".to_vec()), kept("string", 10)),
    ]);
    cluster
}

fn wanted(pattern: &str) -> Wanted {
    Wanted {
        pattern: Some(pattern.into()),
        kind: None,
        limit: 1_000,
        rate: Rate::of(FAST),
    }
}

fn keys(cluster: &Simulation, wanted: &Wanted) -> Keys {
    block_on(Keys::ask(cluster, &scope(FIRST), wanted, &|_| {}))
}

#[test]
fn keys_of_all_masters_are_found() {
    let cluster = filled();
    let users = keys(&cluster, &wanted("user:*"));
    assert_eq!(users.keys.len(), 100);
    assert_eq!(users.looked, Looked { keys: 103, of: 103 });
    assert!(!users.is_limited && problems(&users).is_empty());
    let few = Wanted {
        limit: 3,
        ..wanted("user:*")
    };
    let few = keys(&cluster, &few);
    assert!(few.is_limited && few.keys.len() == 3 && few.text().contains("see --limit"));
    let hashes = Wanted {
        pattern: None,
        kind: Some("hash".to_owned()),
        ..wanted("*")
    };
    assert_snapshot!("keys-text", keys(&cluster, &hashes).text());
    let binary = keys(&cluster, &wanted("bin*"));
    assert_snapshot!("keys-binary-text", binary.text());
    assert_json_snapshot!("keys-json", binary);
}

#[test]
fn a_key_that_has_moved_while_it_was_looked_at_is_left_out() {
    let cluster = filled();
    for server in cluster.servers.borrow_mut().values_mut() {
        server
            .elsewhere
            .insert("queue".into(), "MOVED 1 127.0.0.1:1");
    }
    let found = keys(&cluster, &wanted("queue*"));
    assert_eq!((found.keys.len(), problems(&found)), (0, Vec::new()));
}

#[test]
fn a_key_on_its_way_is_found_where_it_is() {
    let cluster = filled();
    {
        let mut servers = cluster.servers.borrow_mut();
        let source = servers.get_mut("127.0.0.1:7772").unwrap();
        let queue = source.keys.remove(&"queue".into()).unwrap();
        let target = servers.get_mut(FIRST).unwrap();
        target.keys.insert("queue".into(), queue);
        target.coming.insert("queue".into());
    }
    let found = keys(&cluster, &wanted("queue*"));
    assert_eq!(problems(&found), Vec::<String>::new());
    assert_eq!(found.keys[0].master, FIRST);
}

#[test]
fn keys_of_a_master_that_is_away_are_missed() {
    let cluster = Simulation::recorded("redis 7.0", "a cluster without a master");
    let found = keys(&cluster, &wanted("*"));
    let told = problems(&found);
    for expected in [
        "127.0.0.1:7771 cannot be reached: connection refused",
        "the cluster has slots whose keys cannot be looked at: 5461-10921",
    ] {
        assert!(told.iter().any(|told| told == expected), "{told:?}");
    }
}

#[test]
fn progress_is_told_while_one_looks() {
    let looked = std::cell::RefCell::new(Vec::new());
    let slow = Wanted {
        rate: Rate::of(FAST),
        ..wanted("*")
    };
    let watching = |far: Looked| looked.borrow_mut().push(far.keys);
    block_on(Keys::ask(&filled(), &scope(FIRST), &slow, &watching));
    let looked = looked.into_inner();
    assert_eq!(
        (looked.len(), looked.last()),
        (3, Some(&103)),
        "a portion of each master"
    );
    assert!(looked.is_sorted());
}

#[test]
fn the_biggest_keys_of_a_sample_are_told() {
    let sample = Sample {
        keys: 10_000,
        rate: Rate::of(FAST),
        separator: ":".into(),
        limit: 2,
    };
    let big = block_on(BigKeys::ask(&filled(), &scope(FIRST), &sample, &|_| {}));
    assert!(big.looked.is_all());
    assert_snapshot!("big-keys-text", big.text());
    assert_json_snapshot!("big-keys-json", big);
    let part = Sample {
        keys: 3,
        rate: Rate::of(FAST),
        ..sample
    };
    let part = block_on(BigKeys::ask(&filled(), &scope(FIRST), &part, &|_| {}));
    let Looked { keys, of } = part.looked;
    assert!((3..=5).contains(&keys) && of == 103, "{keys} of {of}");
    assert!(part.text().contains("of 103 keys were looked at"));
}

#[test]
fn slots_are_told_with_their_keys() {
    let cluster = filled();
    let slots = block_on(Distribution::ask(&cluster, &scope(FIRST), Some(3)));
    assert_eq!(problems(&slots), Vec::<String>::new());
    assert_snapshot!("slots-text", slots.text());
    assert_json_snapshot!("slots-json", slots);
    // `user:1` is left at a master that does not have its slot.
    for server in cluster.servers.borrow_mut().values_mut() {
        server.keys.insert("user:1".into(), kept("string", 50));
    }
    let told = problems(&block_on(Distribution::ask(
        &cluster,
        &scope(FIRST),
        Some(3),
    )));
    assert_eq!(told.len(), 2, "{told:?}");
    assert!(
        told.iter()
            .all(|told| told.contains("has 1 keys of slots that are not its own")),
        "{told:?}"
    );
    let alone = Simulation::recorded("redis 7.0", "a server alone");
    let none = block_on(Distribution::ask(&alone, &scope("127.0.0.1:7790"), None));
    assert_eq!(
        problems(&none),
        ["the servers are no cluster, so that they have no slots"]
    );
}

fn value(simulation: &Simulation, server: &str, key: &str) -> Value {
    let limits = Limits {
        elements: 100,
        bytes: 4,
    };
    block_on(Value::ask(simulation, &scope(server), &key.into(), limits))
}

#[test]
fn a_value_of_each_type_is_told() {
    for (version, _) in VERSIONS {
        let alone = Simulation::recorded(version, "a server alone");
        for (key, kind) in [
            ("text", "string"),
            ("hash", "hash"),
            ("list", "list"),
            ("set", "set"),
            ("sorted", "zset"),
            ("stream", "stream"),
        ] {
            let told = value(&alone, "127.0.0.1:7790", key);
            assert_eq!(problems(&told), Vec::<String>::new(), "{version}");
            assert_eq!(told.kind.as_deref(), Some(kind), "{version}");
            assert!(
                told.encoding.is_some() && told.memory_bytes > Some(0),
                "{version}"
            );
            assert!(told.content.is_some(), "{version}");
            if version == "valkey 8.1" {
                assert_snapshot!(format!("value-{kind}-text"), told.text());
                assert_json_snapshot!(format!("value-{kind}-json"), told);
            }
        }
        let none = value(&alone, "127.0.0.1:7790", "no");
        assert_eq!(none.kind, None);
    }
}

#[test]
fn a_key_on_its_way_is_asked_for_where_it_is() {
    let cluster = filled();
    // `user:1` is in a slot of the second node, which sends to the third.
    for (address, server) in cluster.servers.borrow_mut().iter_mut() {
        if address == THIRD {
            server.keys.insert("user:1".into(), kept("module", 1));
            server.coming.insert("user:1".into());
        } else {
            server
                .elsewhere
                .insert("user:1".into(), "ASK 10778 127.0.0.1:7772");
        }
    }
    let told = value(&cluster, FIRST, "user:1");
    assert_eq!(problems(&told), Vec::<String>::new());
    assert_eq!(told.server.as_deref(), Some(THIRD));
    assert!(
        told.text().contains("known to a module only"),
        "{}",
        told.text()
    );
    assert_eq!(told.content, None::<Content>);

    let change = Change::Delete("user:1".into());
    let refused = block_on(Changed::make(&cluster, &scope(FIRST), &change));
    assert!(problems(&refused)[0].contains("is on its way to another master"));

    for server in cluster.servers.borrow_mut().values_mut() {
        server.coming.clear();
        server
            .elsewhere
            .insert("user:1".into(), "MOVED 10778 127.0.0.1:7771");
    }
    let told = problems(&value(&cluster, FIRST, "user:1"));
    assert!(
        told[0].contains("sent this program on to another server too often"),
        "{told:?}"
    );
}

#[test]
fn slow_commands_and_clients_are_told() {
    for (version, _) in VERSIONS {
        let alone = Simulation::recorded(version, "a server alone");
        let slow = block_on(SlowLog::ask(&alone, &scope("127.0.0.1:7790"), 3));
        assert_eq!(problems(&slow), Vec::<String>::new(), "{version}");
        let [echo, name, _] = &slow.commands[..] else {
            panic!("{version}: {slow:?}");
        };
        assert_eq!(echo.words, ["ECHO".into(), "slow".into()], "{version}");
        assert_eq!(echo.client_name.as_deref(), Some("recorder"), "{version}");
        assert_eq!(name.words[1], "SETNAME".into(), "{version}");
    }
    let alone = Simulation::recorded("redis 7.0", "a server alone");
    let asked = scope("127.0.0.1:7790");
    assert_eq!(
        block_on(Clients::ask(&alone, &asked, 10)).number,
        0,
        "none but the one that asks"
    );
    alone.answer("127.0.0.1:7790", "CLIENT ID", Raw::Int(99));
    let lines = "id=8 addr=10.0.0.1:50000 fd=9 name=worker age=900 idle=300 flags=N db=0 qbuf=0 obl=0 oll=3 omem=61440 cmd=get user=app\n\
                 id=9 addr=10.0.0.1:50001 fd=9 name=worker age=90 idle=1 flags=b db=2 qbuf=26 obl=0 oll=0 omem=0 cmd=blpop user=app lib-name=jedis lib-ver=5.1\n\
                 id=10 addr=10.0.0.2:6379 fd=9 name= age=90 idle=0 flags=S db=0 qbuf=0 obl=0 oll=0 omem=0 cmd=replconf user=default\n";
    alone.answer(
        "127.0.0.1:7790",
        "CLIENT LIST",
        Raw::BulkString(lines.into()),
    );
    let told = block_on(Clients::ask(&alone, &asked, 2));
    assert_snapshot!("clients-text", told.text());
    assert_json_snapshot!("clients-json", told);
}

#[test]
fn a_key_that_exists_is_changed_and_no_other() {
    let cluster = filled();
    let make = |change: Change| block_on(Changed::make(&cluster, &scope(FIRST), &change));
    let expire = make(Change::Expire("session:1".into(), 30));
    assert_eq!(problems(&expire), Vec::<String>::new());
    assert_snapshot!("expire-text", expire.text());
    let delete = make(Change::Delete("session:1".into()));
    assert_eq!(delete.time_left_milliseconds, Some(30_000));
    assert_snapshot!("delete-text", delete.text());
    let again = make(Change::Delete("session:1".into()));
    assert_eq!(
        problems(&again),
        ["session:1 is no key here, so that nothing was changed"]
    );
    assert_eq!(again.done, None);
}
