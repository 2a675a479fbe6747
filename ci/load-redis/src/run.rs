//! The load: workers that write numbered keys and increment counters at an even pace, and the reading back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use redis::{Cmd, Value};
use tokio::task::{self, JoinHandle};
use tokio::time;

use crate::arguments::Run;
use crate::connection::Connection;
use crate::end::end;
use crate::judge::{Counter, Key};
use crate::output::say;
use crate::processor::processor;
use crate::record::{Found, Record};
use crate::slots::{part, slot};
use crate::summary::{Moments, Progress, Summary};
use crate::tally::Tally;
use crate::{Error, Verdict};

/// Each write of so many is an increment.
const INCREMENT_EVERY: u64 = 16;
/// How long servers that do not answer are waited for when everything is read back.
const READ_PATIENCE: Duration = Duration::from_mins(1);
/// How long is waited until a key is read once more.
const READ_AGAIN: Duration = Duration::from_millis(100);

/// What all workers share.
struct Load {
    run: u64,
    prefix: String,
    value_size: usize,
    interval: Duration,
    tally: RefCell<Tally>,
    has_ended: Cell<bool>,
}

/// The keys and counters of one worker, which are all in its part of the slots, and which nobody else writes.
#[derive(Default)]
struct Share {
    keys: Vec<Place<Key>>,
    counters: Vec<Place<Counter>>,
}

struct Place<T> {
    number: u32,
    slot: u16,
    history: T,
}

/// Writes until told to end, reads everything back and prints what was found.
pub async fn run(options: &Run) -> Result<Verdict, Error> {
    let shares = shares(options);
    let connection = Connection::open(&options.target).await?;
    let mut connections = Vec::new();
    for _ in &shares {
        connections.push(connection.another().await?);
    }
    let load = Rc::new(Load {
        run: identity(),
        prefix: options.target.prefix.clone(),
        value_size: options.value_size,
        interval: interval(shares.len(), options.rate.get()),
        tally: RefCell::new(Tally::begin(Instant::now())),
        has_ended: Cell::new(false),
    });
    let begun = time::Instant::now();
    let spread = u32::try_from(shares.len()).unwrap_or(u32::MAX);
    let workers: Vec<JoinHandle<Share>> = (0_u32..)
        .zip(shares.into_iter().zip(connections))
        .map(|(number, (share, connection))| {
            let first = begun + load.interval * number / spread;
            task::spawn_local(work(Rc::clone(&load), connection, share, first))
        })
        .collect();
    let progress = task::spawn_local(tell_progress(Rc::clone(&load)));
    end(options.seconds).await?;
    load.has_ended.set(true);
    let ended = load.tally.borrow().now();
    let mut shares = Vec::new();
    for worker in workers {
        // A worker is never called off.
        shares.extend(worker.await.ok());
    }
    progress.abort();
    let used = processor();
    let counts = connection.counts();
    read_back(&load, &connection, shares).await;
    let mut tally = load.tally.borrow_mut();
    tally.take_recent();
    let read = tally.now();
    say(&Summary::of(
        options,
        &tally,
        Moments { ended, read },
        counts,
        used,
    ));
    Ok(if tally.is_whole() {
        Verdict::Whole
    } else {
        Verdict::Broken
    })
}

/// What tells this run from others.
fn identity() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH);
    since.map_or(0, |time| {
        time.as_secs() << 30 | u64::from(time.subsec_nanos())
    })
}

/// How long a worker waits from one write to the next.
fn interval(workers: usize, rate: u32) -> Duration {
    let workers = u32::try_from(workers).unwrap_or(u32::MAX);
    Duration::from_secs(1) * workers / rate
}

/// Divides keys and counters among workers by their slots; a worker without keys is none.
fn shares(options: &Run) -> Vec<Share> {
    let workers = options.workers.get();
    let mut shares: Vec<Share> = Vec::new();
    shares.resize_with(workers, Share::default);
    let prefix = &options.target.prefix;
    for number in 0..options.keys.get() {
        let slot = slot(&key_name(prefix, number));
        if let Some(share) = shares.get_mut(part(slot, workers)) {
            share.keys.push(Place {
                number,
                slot,
                history: Key::default(),
            });
        }
    }
    for number in 0..options.counters {
        let slot = slot(&counter_name(prefix, number));
        if let Some(share) = shares.get_mut(part(slot, workers)) {
            share.counters.push(Place {
                number,
                slot,
                history: Counter::default(),
            });
        }
    }
    shares.retain(|share| !share.keys.is_empty());
    shares
}

fn key_name(prefix: &str, number: u32) -> String {
    format!("{prefix}:{number}")
}

fn counter_name(prefix: &str, number: u32) -> String {
    format!("{prefix}:counter:{number}")
}

/// Writes one key after the other until the load has ended.
async fn work(
    load: Rc<Load>,
    mut connection: Connection,
    mut share: Share,
    first: time::Instant,
) -> Share {
    let mut due = first;
    let mut next = first;
    let (mut key, mut counter) = (0, 0);
    for write in 1_u64.. {
        time::sleep_until(next).await;
        if load.has_ended.get() {
            break;
        }
        let begun = time::Instant::now();
        let is_increment = write.is_multiple_of(INCREMENT_EVERY) && !share.counters.is_empty();
        if is_increment {
            counter = (counter + 1) % share.counters.len();
            if let Some(place) = share.counters.get_mut(counter) {
                load.increment(&mut connection, place).await;
            }
        } else {
            key = (key + 1) % share.keys.len();
            if let Some(place) = share.keys.get_mut(key) {
                load.write(&mut connection, place).await;
            }
        }
        due += load.interval;
        // What is overdue is made up for at no more than twice the rate: a burst would be an outage of its own.
        next = due.max(begun + load.interval / 2);
    }
    share
}

impl Load {
    /// Writes a key once, and judges what it held before: what is overwritten cannot be read back later.
    async fn write(&self, connection: &mut Connection, place: &mut Place<Key>) {
        let sequence = place.history.begin();
        let name = key_name(&self.prefix, place.number);
        let record = Record {
            run: self.run,
            key: place.number,
            sequence,
        };
        let mut command = redis::cmd("GETSET");
        command.arg(&name).arg(record.text(self.value_size));
        let begun = self.begin();
        let answer = connection.ask(&command).await;
        let mut tally = self.tally.borrow_mut();
        match answer {
            Ok(value) => {
                tally.acknowledge(place.slot, begun);
                let found = self.found(place.number, &value);
                let expected = place.history.clone();
                let judgement = place.history.acknowledge(sequence, found);
                tally.judge(&judgement, || {
                    let expected = expected.expected();
                    format!("{name}: {judgement:?}: write {sequence} found {found:?}, expected {expected}")
                });
            }
            Err(error) => {
                place.history.fail(sequence);
                tally.fail(&error);
            }
        }
    }

    async fn increment(&self, connection: &mut Connection, place: &mut Place<Counter>) {
        let name = counter_name(&self.prefix, place.number);
        let mut command = redis::cmd("INCR");
        command.arg(&name);
        let begun = self.begin();
        let answer = connection.ask(&command).await;
        let mut tally = self.tally.borrow_mut();
        match answer {
            Ok(value) => {
                tally.acknowledge(place.slot, begun);
                let value = integer(&value).unwrap_or(0);
                let difference = place.history.acknowledge(value);
                tally.compare(difference, || format!("{name}: {value}, {difference:?}"));
            }
            Err(error) => {
                place.history.fail();
                tally.fail(&error);
            }
        }
    }

    fn begin(&self) -> u64 {
        let mut tally = self.tally.borrow_mut();
        tally.written += 1;
        tally.now()
    }

    fn found(&self, number: u32, value: &Value) -> Found {
        match value {
            Value::Nil => Found::Nothing,
            Value::BulkString(bytes) => {
                Record::judge(self.run, number, Some(bytes), self.value_size)
            }
            _ => Found::Damaged,
        }
    }

    /// Reads a key, and counts whether a server has told its value.
    async fn counted(
        &self,
        connection: &mut Connection,
        name: &str,
        until: time::Instant,
    ) -> Option<Value> {
        let value = read(connection, name, until).await;
        let mut tally = self.tally.borrow_mut();
        if value.is_some() {
            tally.read += 1;
        } else {
            tally.unread += 1;
        }
        value
    }

    async fn read_key(
        &self,
        connection: &mut Connection,
        place: &Place<Key>,
        until: time::Instant,
    ) {
        let name = key_name(&self.prefix, place.number);
        let Some(value) = self.counted(connection, &name, until).await else {
            return;
        };
        let mut tally = self.tally.borrow_mut();
        let found = self.found(place.number, &value);
        let judgement = place.history.judge(found);
        tally.judge(&judgement, || {
            let expected = place.history.expected();
            format!("{name}: {judgement:?}: found {found:?} at the end, expected {expected}")
        });
    }

    async fn read_counter(
        &self,
        connection: &mut Connection,
        place: &Place<Counter>,
        until: time::Instant,
    ) {
        let name = counter_name(&self.prefix, place.number);
        let Some(value) = self.counted(connection, &name, until).await else {
            return;
        };
        let mut tally = self.tally.borrow_mut();
        let value = integer(&value).unwrap_or(0);
        let difference = place.history.judge(value);
        tally.compare(difference, || {
            format!("{name}: {value} at the end, {difference:?}")
        });
    }
}

/// The number in an answer.
fn integer(value: &Value) -> Option<u64> {
    match value {
        Value::Int(number) => u64::try_from(*number).ok(),
        Value::BulkString(bytes) => std::str::from_utf8(bytes).ok()?.parse().ok(),
        _ => None,
    }
}

/// Reads everything back that was written, as fast as it goes.
async fn read_back(load: &Rc<Load>, connection: &Connection, shares: Vec<Share>) {
    let until = time::Instant::now() + READ_PATIENCE;
    let readers: Vec<JoinHandle<()>> = shares
        .into_iter()
        .map(|share| {
            let (load, connection) = (Rc::clone(load), connection.clone());
            task::spawn_local(async move {
                // A new one has met no trouble yet. Where there is none, nothing can be read with the old one either.
                let mut connection = connection.another().await.unwrap_or(connection);
                for place in share.keys.iter().filter(|place| place.history.is_written()) {
                    load.read_key(&mut connection, place, until).await;
                }
                let counters = share.counters.iter();
                for place in counters.filter(|place| place.history.is_written()) {
                    load.read_counter(&mut connection, place, until).await;
                }
            })
        })
        .collect();
    for reader in readers {
        // A reader is never called off.
        let _ = reader.await;
    }
}

/// The value of a key; nothing if no server tells it in time.
async fn read(connection: &mut Connection, name: &str, until: time::Instant) -> Option<Value> {
    let command = Cmd::get(name);
    loop {
        if let Ok(value) = connection.ask(&command).await {
            return Some(value);
        }
        if time::Instant::now() >= until {
            return None;
        }
        time::sleep(READ_AGAIN).await;
    }
}

/// Prints a line each second.
async fn tell_progress(load: Rc<Load>) {
    let mut seconds = time::interval(Duration::from_secs(1));
    seconds.set_missed_tick_behavior(time::MissedTickBehavior::Delay);
    seconds.tick().await;
    let mut before = (0, 0);
    loop {
        seconds.tick().await;
        let mut tally = load.tally.borrow_mut();
        let latency = tally.take_recent().told();
        say(&Progress::since(&tally, before, latency));
        before = (tally.now(), tally.acknowledged);
    }
}
