//! Keys that are written once, whose values follow from their numbers, so that whoever knows the options can read them back.

use std::cell::{Cell, RefCell};
use std::rc::Rc;
use std::time::Duration;

use redis::{RedisError, Value};
use serde::Serialize;
use snafu::ResultExt;
use tokio::task::{self, JoinHandle};
use tokio::time::{self, Instant};

use crate::arguments::Fill;
use crate::connection::Connection;
use crate::output::say;
use crate::{CommandSnafu, Error, Verdict};

const MEGABYTE: u64 = 1_000_000;
/// How many keys are named that do not hold what they must.
const EXAMPLES: usize = 10;

/// The keys that options ask for.
#[derive(Clone, Debug)]
struct Plan {
    prefix: String,
    sizes: Vec<usize>,
    count: u64,
}

impl Plan {
    fn of(options: &Fill) -> Self {
        let sizes: Vec<usize> = options.sizes.iter().map(|size| size.get()).collect();
        Self {
            prefix: options.target.prefix.clone(),
            count: count(&sizes, options.megabytes.saturating_mul(MEGABYTE)),
            sizes,
        }
    }

    fn name(&self, number: u64) -> String {
        format!("{}:fill:{number}", self.prefix)
    }

    fn value(&self, number: u64) -> Vec<u8> {
        let which = usize::try_from(number).unwrap_or(0) % self.sizes.len().max(1);
        value(number, self.sizes.get(which).copied().unwrap_or(0))
    }
}

/// How many keys, of each size in turn, hold so many bytes at least.
fn count(sizes: &[usize], bytes: u64) -> u64 {
    let mut left = bytes;
    let mut count = 0;
    for size in sizes.iter().cycle() {
        if left == 0 {
            break;
        }
        left = left.saturating_sub(*size as u64);
        count += 1;
    }
    count
}

/// Bytes that follow from a number and that no server can store in less.
fn value(number: u64, size: usize) -> Vec<u8> {
    let mut state = number;
    let mut bytes = Vec::with_capacity(size + 8);
    while bytes.len() < size {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        bytes.extend_from_slice(&(mixed ^ (mixed >> 31)).to_le_bytes());
    }
    bytes.truncate(size);
    bytes
}

/// What was done so far, and the last line.
#[derive(Clone, Debug, Default, Serialize)]
#[serde(rename_all = "camelCase")]
struct Told {
    event: &'static str,
    keys: u64,
    megabytes: u64,
    seconds: u64,
    missing: u64,
    wrong: u64,
    findings: Vec<String>,
}

/// What all workers share.
struct Work {
    plan: Plan,
    next: Cell<u64>,
    bytes: Cell<u64>,
    told: RefCell<Told>,
}

impl Work {
    /// The next number, unless all have been taken.
    fn take(&self) -> Option<u64> {
        let number = self.next.get();
        self.next.set(number + 1);
        (number < self.plan.count).then_some(number)
    }

    fn done(&self, bytes: usize) {
        self.bytes.set(self.bytes.get() + bytes as u64);
        self.told.borrow_mut().keys += 1;
    }

    fn find(&self, name: String, found: &Value) {
        let mut told = self.told.borrow_mut();
        if *found == Value::Nil {
            told.missing += 1;
        } else {
            told.wrong += 1;
        }
        if told.findings.len() < EXAMPLES {
            told.findings.push(name);
        }
    }

    fn tell(&self, event: &'static str, begun: Instant) -> Told {
        Told {
            event,
            megabytes: self.bytes.get() / MEGABYTE,
            seconds: begun.elapsed().as_secs(),
            ..self.told.borrow().clone()
        }
    }
}

/// Writes all keys.
pub async fn fill(options: &Fill) -> Result<Verdict, Error> {
    all(options, async |work, mut connection| {
        while let Some(number) = work.take() {
            let value = work.plan.value(number);
            let mut command = redis::cmd("SET");
            command.arg(work.plan.name(number)).arg(&value);
            connection.ask(&command).await?;
            work.done(value.len());
        }
        Ok(())
    })
    .await
}

/// Reads all keys back.
pub async fn verify(options: &Fill) -> Result<Verdict, Error> {
    all(options, async |work, mut connection| {
        while let Some(number) = work.take() {
            let name = work.plan.name(number);
            let value = work.plan.value(number);
            let mut command = redis::cmd("GET");
            command.arg(&name);
            let found = connection.ask(&command).await?;
            work.done(value.len());
            if !matches!(&found, Value::BulkString(bytes) if *bytes == value) {
                work.find(name, &found);
            }
        }
        Ok(())
    })
    .await
}

/// Has workers do their part of all keys; the first command that fails with all that the policy allows ends it.
async fn all<Part>(options: &Fill, part: Part) -> Result<Verdict, Error>
where
    Part: AsyncFn(Rc<Work>, Connection) -> Result<(), RedisError> + Clone + 'static,
{
    let connection = Connection::open(&options.target).await?;
    let work = Rc::new(Work {
        plan: Plan::of(options),
        next: Cell::new(0),
        bytes: Cell::new(0),
        told: RefCell::default(),
    });
    let begun = Instant::now();
    let workers: Vec<JoinHandle<Result<(), RedisError>>> = (0..options.workers.get())
        .map(|_| {
            let (work, connection, part) = (Rc::clone(&work), connection.clone(), part.clone());
            task::spawn_local(async move { part(work, connection).await })
        })
        .collect();
    let progress = task::spawn_local(tell_progress(Rc::clone(&work), begun));
    for worker in workers {
        if let Ok(done) = worker.await {
            done.context(CommandSnafu {
                what: format!("after {} keys", work.told.borrow().keys),
            })?;
        }
    }
    progress.abort();
    let told = work.tell("summary", begun);
    say(&told);
    Ok(if told.missing == 0 && told.wrong == 0 {
        Verdict::Whole
    } else {
        Verdict::Broken
    })
}

/// Prints a line each second.
async fn tell_progress(work: Rc<Work>, begun: Instant) {
    let mut seconds = time::interval(Duration::from_secs(1));
    seconds.tick().await;
    loop {
        seconds.tick().await;
        say(&work.tell("progress", begun));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_hold_what_was_asked_for() {
        assert_eq!(count(&[100], MEGABYTE), 10_000);
        assert_eq!(count(&[16_384], MEGABYTE), 62);
        assert_eq!(count(&[100, 900], 2_050), 5);
        assert_eq!(count(&[100], 0), 0);
    }

    #[test]
    fn values_follow_from_their_numbers() {
        assert_eq!(value(3, 100), value(3, 100));
        assert_ne!(value(3, 100), value(4, 100));
        for size in [1, 7, 8, 9, 16_384] {
            assert_eq!(value(1, size).len(), size);
        }
    }
}
