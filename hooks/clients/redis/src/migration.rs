//! Moves slots with their keys from one master to another, key by key, as every version can.
//!
//! Slots are opened, emptied and closed several at a time. What a server writes to its disk for each change of a slot, and the way
//! there and back for each command, are what moving costs most; both are had once for many slots. How many keys are sent at a time
//! follows from how long the source was busy with the last ones, because it answers nobody else in the meantime.

use std::collections::VecDeque;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use redis::{Pipeline, Value};
use secrecy::ExposeSecret;
use snafu::{ResultExt, Snafu};

use crate::connection::{Answer, CallError, Client, Connection, Credentials, Refusal, add};
use crate::copies;
use crate::nodes::NodeId;
use crate::slots::{Slot, Slots};

/// Slots that are opened together.
const SLOTS_AT_ONCE: usize = 64;
/// How long the source shall be busy with what is sent at a time.
const BUSY: Duration = Duration::from_millis(1);
/// The keys that are asked for at a time, of one slot.
const KEYS_AT_ONCE: usize = 1_000;
/// The keys that are sent at a time at first, and at most.
const FIRST_KEYS: usize = 10;
const MOST_KEYS: usize = 1_000;
/// How long a source waits for a target that stands still before it gives up what it sends, in milliseconds. It answers nobody meanwhile.
const GIVE_UP: u64 = 2_000;
/// The same of a key that was given up by itself: a target takes long to take in a large one. Less than after which other masters
/// take the source for lost, which is 15 s unless set.
const GIVE_UP_LARGE: u64 = 10_000;
/// How many names of keys an error tells.
const NAMES_TOLD: usize = 5;

/// A master that takes part.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Party {
    /// Its id.
    pub id: NodeId,
    /// Where this program reaches it, `host:port`.
    pub address: String,
    /// Where the other one reaches it: an address, and the port for clients.
    pub host: String,
    /// The port.
    pub port: u16,
}

/// Slots that shall move.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Task {
    /// The master that has them.
    pub from: Party,
    /// The master that gets them.
    pub to: Party,
    /// Those that shall move.
    pub slots: Slots,
    /// Those of them that the source has sent to the target without a break until now, so that its own copy of a key is the newer one.
    /// What the target has of the others is compared before anything is replaced.
    pub under_way: Slots,
    /// The other masters, which are told who has them.
    pub others: Vec<String>,
}

/// How far a task has come.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Moved {
    /// The slots that have moved.
    pub slots: Slots,
    /// The keys that have moved, also those of slots that have not.
    pub keys: u64,
}

/// Why a task ended before its time.
#[derive(Debug, Snafu)]
pub enum MoveError {
    /// A server was not reached, or said no.
    #[snafu(display("{source}"))]
    Call {
        /// What happened.
        source: CallError,
    },
    /// Both have a key, not the same, and nothing tells which copy is the newer one. Nothing was replaced.
    #[snafu(display(
        "{number} keys are on {from} and on {to}, with different contents or times to live, such as {}",
        names.join(", ")
    ))]
    Differing {
        /// The source's address.
        from: String,
        /// The target's address.
        to: String,
        /// How many keys.
        number: usize,
        /// The first of them.
        names: Vec<String>,
    },
}

/// Moves as many slots of a task as the time allows, and leaves none of them half moved unless something fails or it is given up. `has_moved`
/// is set as soon as slots have arrived, for whoever gives it up.
///
/// # Errors
/// When a server is not reached or says no. What has been moved until then is what a look at the servers finds.
pub async fn carry(
    client: &Client,
    task: &Task,
    time: Duration,
    has_moved: &AtomicBool,
) -> Result<Moved, MoveError> {
    let mut carrier = Carrier::new(client, task).await.context(CallSnafu)?;
    let begun = Instant::now();
    let mut moved = Moved::default();
    // What is under way is finished first.
    let mut left: VecDeque<Slot> = task.under_way.iter().collect();
    left.extend(task.slots.without(&task.under_way).iter());
    while !left.is_empty() && begun.elapsed() < time {
        let number = left.len().min(SLOTS_AT_ONCE);
        let open: Slots = left.drain(..number).collect();
        carrier.compare(&open.without(&task.under_way)).await?;
        let keys = carrier.carry(&open).await.context(CallSnafu)?;
        moved.keys += keys;
        moved.slots = moved.slots.or(&open);
        has_moved.store(true, Ordering::Relaxed);
    }
    Ok(moved)
}

/// The connections of a task, and what has been learned of its keys.
struct Carrier<'a> {
    task: &'a Task,
    credentials: Option<&'a Credentials>,
    from: Connection,
    to: Connection,
    others: Vec<Connection>,
    /// How many keys are sent at a time.
    keys: usize,
    /// Whether a key was given up by itself, and gets more time.
    is_large: bool,
}

impl<'a> Carrier<'a> {
    async fn new(client: &'a Client, task: &'a Task) -> Result<Self, CallError> {
        let mut others = Vec::new();
        for address in &task.others {
            others.push(client.connect(address).await?);
        }
        Ok(Self {
            task,
            credentials: client.credentials.as_ref(),
            from: client.connect(&task.from.address).await?,
            to: client.connect(&task.to.address).await?,
            others,
            keys: FIRST_KEYS,
            is_large: false,
        })
    }

    /// Sees that the target has no other copies of keys than the source, before it is sent anything that replaces them. What only the
    /// target has is served there as soon as its slot is open.
    async fn compare(&mut self, slots: &Slots) -> Result<(), MoveError> {
        let kept = filled(&mut self.to, slots).await.context(CallSnafu)?;
        if kept.is_empty() {
            return Ok(());
        }
        let from = self.task.from.id.as_str();
        // The target would else send the question away. Nobody is sent to it for this.
        let importing = set(&kept, &["IMPORTING", from]);
        self.to.send_all(&importing).await.context(CallSnafu)?;
        let differing = copies::differing(&mut self.from, &mut self.to, &kept);
        let differing = differing.await.context(CallSnafu)?;
        if differing.is_empty() {
            return Ok(());
        }
        let settled = self.to.send_all(&set(&kept, &["STABLE"])).await;
        settled.context(CallSnafu)?;
        let names = differing.iter().take(NAMES_TOLD);
        DifferingSnafu {
            from: self.from.address(),
            to: self.to.address(),
            number: differing.len(),
            names: names
                .map(|name| format!("`{}`", name.escape_ascii()))
                .collect::<Vec<_>>(),
        }
        .fail()
    }

    /// Moves some slots, all of them open at the same time.
    async fn carry(&mut self, slots: &Slots) -> Result<u64, CallError> {
        let (from, to) = (self.task.from.id.as_str(), self.task.to.id.as_str());
        // The target first: it would else be sent clients that it does not answer yet.
        self.to.send_all(&set(slots, &["IMPORTING", from])).await?;
        self.from.send_all(&set(slots, &["MIGRATING", to])).await?;
        let mut keys = 0;
        let mut still = slots.clone();
        loop {
            still = filled(&mut self.from, &still).await?;
            if still.is_empty() {
                break;
            }
            for names in self.names(&still).await? {
                keys += self.send(&names).await?;
            }
        }
        let owner = set(slots, &["NODE", to]);
        // The target first: should it fail before another one is told, the source still has the slots.
        self.to.send_all(&owner).await?;
        let told = self.from.send(&owner).await?;
        if let Some(refusal) = told.into_iter().filter_map(Answer::err).find(is_refused) {
            return Err(self.from.refused(refusal));
        }
        for other in &mut self.others {
            other.send_all(&owner).await?;
        }
        Ok(keys)
    }

    /// Keys that the source has of each slot.
    async fn names(&mut self, slots: &Slots) -> Result<Vec<Vec<Vec<u8>>>, CallError> {
        let mut commands = Pipeline::new();
        for slot in slots.iter() {
            commands
                .cmd("CLUSTER")
                .arg("GETKEYSINSLOT")
                .arg(u16::from(slot))
                .arg(KEYS_AT_ONCE);
        }
        let answers = self.from.send_all(&commands).await?;
        let mut names = Vec::new();
        for value in answers {
            let keys = match value {
                Value::Array(values) => values.into_iter().map(bytes).collect(),
                _ => None,
            };
            let keys: Vec<Vec<u8>> = keys.ok_or_else(|| self.from.malformed("a list of keys"))?;
            names.push(keys);
        }
        Ok(names)
    }

    /// Sends keys of one slot, so many at a time that the source is not busy for long.
    async fn send(&mut self, names: &[Vec<u8>]) -> Result<u64, CallError> {
        let mut sent = 0;
        let mut left = names;
        while !left.is_empty() {
            let (some, rest) = left.split_at(self.keys.min(left.len()));
            let begun = Instant::now();
            let give_up = if self.is_large {
                GIVE_UP_LARGE
            } else {
                GIVE_UP
            };
            let commands = self.migrate(some, give_up);
            match self.from.send_all(&commands).await {
                Ok(_) => self.is_large = false,
                Err(CallError::Refused { refusal, .. })
                    if refusal.code == "IOERR" && !self.is_large =>
                {
                    // By itself, and then with more time.
                    self.is_large = self.keys == 1;
                    self.keys = 1;
                    continue;
                }
                Err(error) => return Err(error),
            }
            self.learn(some.len(), begun.elapsed());
            sent += u64::try_from(some.len()).unwrap_or(u64::MAX);
            left = rest;
        }
        Ok(sent)
    }

    /// The command that sends keys. Those that the target has are replaced: they have come from here before.
    fn migrate(&self, names: &[Vec<u8>], give_up: u64) -> Pipeline {
        let Party { host, port, .. } = &self.task.to;
        let mut commands = Pipeline::new();
        let command = commands.cmd("MIGRATE");
        command
            .arg(host)
            .arg(*port)
            .arg("")
            .arg(0)
            .arg(give_up)
            .arg("REPLACE");
        if let Some(Credentials { user, password, .. }) = self.credentials {
            match user {
                Some(user) => command.arg("AUTH2").arg(user).arg(password.expose_secret()),
                None => command.arg("AUTH").arg(password.expose_secret()),
            };
        }
        command.arg("KEYS").arg(names);
        commands
    }

    /// Chooses how many keys are sent next.
    fn learn(&mut self, keys: usize, took: Duration) {
        // A first key takes the way to the target and back as well, so that a few say little.
        if took < BUSY / 2 && keys >= self.keys {
            self.keys = (self.keys * 2).min(MOST_KEYS);
        } else if took > BUSY * 2 {
            self.keys = (self.keys / 2).max(1);
        }
    }
}

/// Whether a source is against that its slots are the target's. Who has heard from the target that its last one is gone is a replica of it
/// already, and takes no such word.
fn is_refused(refusal: &Refusal) -> bool {
    !refusal.text.contains("use SETSLOT only with masters")
}

pub(crate) fn bytes(value: Value) -> Option<Vec<u8>> {
    match value {
        Value::BulkString(bytes) => Some(bytes),
        _ => None,
    }
}

/// `CLUSTER SETSLOT` for each of some slots.
fn set(slots: &Slots, words: &[&str]) -> Pipeline {
    let mut commands = Pipeline::new();
    for slot in slots.iter() {
        let number = slot.to_string();
        let mut command = vec!["CLUSTER", "SETSLOT", &number];
        command.extend(words);
        add(&mut commands, &command);
    }
    commands
}

/// Those of some slots of which a server has keys.
async fn filled(server: &mut Connection, slots: &Slots) -> Result<Slots, CallError> {
    let counts = counts(server, slots).await?.into_iter();
    let filled = counts.filter(|(_, keys)| *keys > 0);
    Ok(filled.map(|(slot, _)| slot).collect())
}

/// How many keys a server has of each of some slots.
///
/// # Errors
/// When it does not answer, or not with numbers.
pub async fn counts(server: &mut Connection, slots: &Slots) -> Result<Vec<(Slot, u64)>, CallError> {
    let mut commands = Pipeline::new();
    for slot in slots.iter() {
        commands
            .cmd("CLUSTER")
            .arg("COUNTKEYSINSLOT")
            .arg(u16::from(slot));
    }
    let answers = server.send_all(&commands).await?;
    let mut counts = Vec::new();
    for (slot, value) in slots.iter().zip(answers) {
        let keys = match value {
            Value::Int(keys) => u64::try_from(keys).ok(),
            _ => None,
        };
        counts.push((
            slot,
            keys.ok_or_else(|| server.malformed("a number of keys"))?,
        ));
    }
    Ok(counts)
}
