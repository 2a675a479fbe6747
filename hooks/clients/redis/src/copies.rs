//! Keys of which two servers have a copy: whether both are the same.

use redis::{Pipeline, Value};

use crate::connection::{Answer, CallError, Connection};
use crate::migration::{bytes, counts};
use crate::slots::Slots;

/// The keys that are compared at a time. Their whole contents are read.
const KEYS_AT_ONCE: usize = 10;
/// By how much the times to live of the same copy may differ, in milliseconds: they are asked for one after the other.
const SAME_TIME: i64 = 1_000;

/// One server's copy of a key.
#[derive(Debug, PartialEq)]
struct Copy {
    /// The content, as a server writes it down.
    dump: Vec<u8>,
    /// The time to live in milliseconds, -1 without one.
    time: i64,
}

/// Keys of some slots that both servers have, with copies that are not the same. The target must take the slots for being on their
/// way to it from the source.
pub(crate) async fn differing(
    from: &mut Connection,
    to: &mut Connection,
    slots: &Slots,
) -> Result<Vec<Vec<u8>>, CallError> {
    let mut differing = Vec::new();
    for (slot, number) in counts(to, slots).await? {
        let mut commands = Pipeline::new();
        let command = commands.cmd("CLUSTER").arg("GETKEYSINSLOT");
        command.arg(u16::from(slot)).arg(number);
        let names = match to.send_all(&commands).await?.pop() {
            Some(Value::Array(values)) => values.into_iter().map(bytes).collect(),
            _ => None,
        };
        let names: Vec<Vec<u8>> = names.ok_or_else(|| to.malformed("a list of keys"))?;
        for some in names.chunks(KEYS_AT_ONCE) {
            let ours = copies(from, some, false).await?;
            let theirs = copies(to, some, true).await?;
            for (name, both) in some.iter().zip(ours.into_iter().zip(theirs)) {
                if let (Some(ours), Some(theirs)) = both
                    && !is_same(from, to, name, &ours, &theirs).await?
                {
                    differing.push(name.clone());
                }
            }
        }
    }
    Ok(differing)
}

/// Adds a question for a key, where the server is one that keys are on their way to.
fn ask(commands: &mut Pipeline, words: &[&str], name: &[u8], is_importing: bool) {
    if is_importing {
        commands.cmd("ASKING");
    }
    let mut rest = words.iter();
    if let Some(command) = rest.next() {
        let command = commands.cmd(command);
        command.arg(name);
        rest.for_each(|word| {
            command.arg(word);
        });
    }
}

/// Asks the same of several keys; an answer to each.
async fn asked(
    server: &mut Connection,
    words: &[&str],
    names: &[Vec<u8>],
    is_importing: bool,
) -> Result<Vec<Answer>, CallError> {
    let mut commands = Pipeline::new();
    for name in names {
        ask(&mut commands, words, name, is_importing);
    }
    let answers = server.send(&commands).await?.into_iter();
    Ok(if is_importing {
        answers.skip(1).step_by(2).collect()
    } else {
        answers.collect()
    })
}

/// What a server has of some keys.
async fn copies(
    server: &mut Connection,
    names: &[Vec<u8>],
    is_importing: bool,
) -> Result<Vec<Option<Copy>>, CallError> {
    let times = asked(server, &["PTTL"], names, is_importing).await?;
    let dumps = asked(server, &["DUMP"], names, is_importing).await?;
    let mut copies = Vec::new();
    for (time, dump) in times.into_iter().zip(dumps) {
        copies.push(match (time, dump) {
            (Ok(Value::Int(time)), Ok(Value::BulkString(dump))) => Some(Copy { dump, time }),
            (_, Ok(Value::Nil)) => None,
            // A source that sends its slot away sends the question away as well when it does not have the key.
            (_, Err(refusal)) if refusal.code == "ASK" => None,
            (Err(refusal), _) | (_, Err(refusal)) => return Err(server.refused(refusal)),
            _ => return Err(server.malformed("a key and its time to live")),
        });
    }
    Ok(copies)
}

/// Whether two copies are the same. What a server writes down of hashes and sets is in an order of its own, so those are read.
async fn is_same(
    from: &mut Connection,
    to: &mut Connection,
    name: &[u8],
    ours: &Copy,
    theirs: &Copy,
) -> Result<bool, CallError> {
    let is_mortal = |copy: &Copy| copy.time >= 0;
    if is_mortal(ours) != is_mortal(theirs) || (ours.time - theirs.time).abs() > SAME_TIME {
        return Ok(false);
    }
    if ours.dump == theirs.dump {
        return Ok(true);
    }
    let names = [name.to_vec()];
    let kind = async |server: &mut Connection, is_importing| {
        let answer = asked(server, &["TYPE"], &names, is_importing).await?.pop();
        Ok::<_, CallError>(match answer {
            Some(Ok(Value::SimpleString(kind))) => kind,
            _ => String::new(),
        })
    };
    let (first, second) = (kind(from, false).await?, kind(to, true).await?);
    let (words, width) = match first.as_str() {
        _ if first != second => return Ok(false),
        "set" => (["SMEMBERS"], 1),
        "hash" => (["HGETALL"], 2),
        _ => return Ok(false),
    };
    let ours = asked(from, &words, &names, false).await?.pop();
    let theirs = asked(to, &words, &names, true).await?.pop();
    let (Some(ours), Some(theirs)) = (elements(ours, width), elements(theirs, width)) else {
        return Err(to.malformed("what a key contains"));
    };
    Ok(ours == theirs)
}

/// What a hash or a set contains, in an order that is the same everywhere.
fn elements(answer: Option<Answer>, width: usize) -> Option<Vec<Vec<Vec<u8>>>> {
    let Some(Ok(Value::Array(values))) = answer else {
        return None;
    };
    let values: Vec<Vec<u8>> = values.into_iter().map(bytes).collect::<Option<_>>()?;
    let mut elements: Vec<Vec<Vec<u8>>> = values.chunks(width).map(<[_]>::to_vec).collect();
    elements.sort_unstable();
    Some(elements)
}
