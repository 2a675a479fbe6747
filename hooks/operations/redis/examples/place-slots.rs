//! Places the slots of a cluster evenly, with the steps and the client of the operations, and tells how long it took.
//!
//! `place-slots LEAVING SHARD…` where a shard is its servers' addresses with commas between, and the last LEAVING ones give up theirs.
//! For trials against servers on loopback: nothing is journaled, and nobody else may work on the cluster.

#![allow(clippy::print_stdout, reason = "a program for a person at a terminal")]

use std::collections::BTreeMap;
use std::error::Error;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use futures::future::join_all;
use midships_client_redis::migration::{Moved, carry};
use midships_client_redis::{Client, NodeId, Slots};
use midships_engine::step::{Direction, Memory, Seen, Step, Unanswered, Verdict};
use midships_operations_redis::layout;
use midships_operations_redis::steps::{RedisStep, ShardSlots};
use midships_operations_redis::view::{Landscape, View};
use midships_operations_redis::{Answer, Command, Query, Server, Shard};

/// How long one go takes.
const GO: Duration = Duration::from_secs(2);

type Failure = Box<dyn Error>;

/// Asks everything that a step wants to know.
async fn look(client: &Client, step: &RedisStep) -> Seen<Query, Answer> {
    let mut seen = Seen::new(0, Memory::new());
    loop {
        let queries = step.observe(Direction::Doing, &seen);
        if queries.is_empty() {
            return seen;
        }
        for query in queries {
            let Query::Redis { address, request } = &query else {
                continue;
            };
            let answer = client.call(address, request).await.map(Answer::Redis);
            let unanswered = |error: midships_client_redis::CallError| Unanswered {
                object: address.clone(),
                why: error.to_string(),
            };
            let answer = answer.map_err(unanswered);
            seen.answers.insert(query, answer);
        }
    }
}

/// Who has which slots, and who shall have them.
fn places(landscape: &Landscape<'_>, staying: usize) -> (Vec<ShardSlots>, Vec<ShardSlots>) {
    let masters = landscape.shards().iter().filter_map(|shard| {
        let master = landscape.master(shard)?.myself();
        Some((shard.number, master.id.clone(), master.slots.clone()))
    });
    let masters: Vec<(u32, NodeId, Slots)> = masters.collect();
    let owners: BTreeMap<NodeId, Slots> = masters
        .iter()
        .map(|(_, id, slots)| (id.clone(), slots.clone()))
        .collect();
    let ids: Vec<NodeId> = masters
        .iter()
        .take(staying)
        .map(|(_, id, _)| id.clone())
        .collect();
    let after = layout::after(&owners, &layout::moves(&owners, &ids));
    let of = |slots: &BTreeMap<NodeId, Slots>| {
        let placed = masters.iter().map(|(shard, id, _)| ShardSlots {
            shard: *shard,
            slots: slots.get(id).cloned().unwrap_or_default(),
        });
        placed.collect()
    };
    (of(&owners), of(&after))
}

async fn place(shards: Vec<Shard>, leaving: usize) -> Result<(), Failure> {
    let client = Client::default();
    let staying = shards
        .len()
        .checked_sub(leaving)
        .ok_or("more shards leave than there are")?;
    let first = RedisStep::NodesMet {
        shards: shards.clone(),
    };
    let seen = look(&client, &first).await;
    let (before, after) = match View::new(&seen).landscape(&shards) {
        Ok(landscape) => places(&landscape, staying),
        Err(silent) => return Err(format!("{silent:?}").into()),
    };
    let step = RedisStep::SlotsPlaced {
        shards: shards.clone(),
        before,
        after,
    };
    let begun = Instant::now();
    let mut moved = Moved::default();
    loop {
        let seen = look(&client, &step).await;
        match step.assess(Direction::Doing, &seen) {
            Verdict::Done => break,
            Verdict::Wait { why, .. } => {
                println!("waits: {why}");
                tokio::time::sleep(Duration::from_millis(100)).await;
            }
            Verdict::Fail(problem) => return Err(format!("{problem:?}").into()),
            Verdict::Act { commands, why } => {
                println!("{:6.2} s  {why}", begun.elapsed().as_secs_f64());
                for command in commands {
                    match command {
                        Command::Move(tasks) => {
                            let has_moved = AtomicBool::new(false);
                            let carried = tasks
                                .iter()
                                .map(|task| carry(&client, task, GO, &has_moved));
                            for done in join_all(carried).await {
                                let done = done?;
                                moved.slots = moved.slots.or(&done.slots);
                                moved.keys += done.keys;
                            }
                        }
                        Command::Redis { address, request } => {
                            client.call(&address, &request).await?;
                        }
                        Command::Restart(_) | Command::GrowClaim(_) | Command::MakeRoom(_) => {
                            return Err("moving slots changes nothing of Kubernetes".into());
                        }
                    }
                }
            }
        }
    }
    println!(
        "{} slots with {} keys moved in {:.2} s",
        moved.slots.len(),
        moved.keys,
        begun.elapsed().as_secs_f64()
    );
    Ok(())
}

fn main() -> Result<(), Failure> {
    let mut words = std::env::args().skip(1);
    let leaving = words
        .next()
        .ok_or("how many shards leave is missing")?
        .parse()?;
    let shards = words.zip(0..).map(|(addresses, number)| Shard {
        number,
        servers: addresses
            .split(',')
            .map(|address| Server {
                pod: address.to_owned(),
                address: address.to_owned(),
            })
            .collect(),
    });
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(place(shards.collect(), leaving))
}
