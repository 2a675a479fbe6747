//! The lease of a cluster: who may act, until when, and in which epoch.
//!
//! A lease alone fences nobody: a paused holder does not notice that its time is over. Three rules
//! together do. A holder counts its time from *before* the write that renewed the lease, and each
//! command must have taken effect before that time is over. A taker counts its wait from *after* it
//! has seen the last renewal, under its own clock, and waits for the longest command on top. Both
//! write on condition that nobody wrote in between.

use crate::report::Report;
use crate::step::{Moment, Problem};
use crate::world::{Interrupted, LeaseRecord, Permit, StoreFault, World};

/// How long the lease is valid after a renewal.
pub const DURATION_MILLISECONDS: u64 = 15_000;

/// How long the longest command may take. A world must give up a command after this time.
pub const COMMAND_TIMEOUT_MILLISECONDS: u64 = 4_000;

/// For how long a lease that does not answer is asked again.
const SILENCE_MILLISECONDS: u64 = 120_000;

/// How long a taker waits for a holder that keeps renewing, which works and will end, before it gives up.
/// A Job's own deadline ends most waits earlier.
pub const PATIENCE_MILLISECONDS: u64 = 7_200_000;

/// How long a taker pauses between two looks.
const LOOK_MILLISECONDS: u64 = 1_000;

/// How long to pause before a write whose answer was lost is looked at.
const RECHECK_MILLISECONDS: u64 = 250;

/// Why a runner stops before it has an outcome of its own.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Stop {
    /// It was killed, or lost its right to act, and cannot tell to whom.
    Interrupted(Interrupted),
    /// Another runner has taken over.
    Superseded,
}

impl From<Interrupted> for Stop {
    fn from(interrupted: Interrupted) -> Self {
        Self::Interrupted(interrupted)
    }
}

/// What came of trying to take the lease.
pub(crate) enum Taking {
    /// It is held now.
    Held(Lease),
    /// It does not exist.
    Missing(Problem),
    /// It cannot be taken.
    Refused(Problem),
}

/// A lease that is held.
#[derive(Clone, Debug)]
pub(crate) struct Lease {
    record: LeaseRecord,
    identity: String,
    /// From when its duration is counted: a moment before the last renewal was written.
    since: Moment,
}

/// What identifies one renewal of one holder.
type Mark = (Option<String>, u64, String);

/// Takes the lease, waiting while another runner holds it.
pub(crate) fn take<W: World>(world: &mut W, identity: &str) -> Result<Taking, Stop> {
    let began = world.now();
    let mut last: Option<(Mark, Moment)> = None;
    // The takings whose answer was lost: the epoch, and when they were sent.
    let mut unanswered: Option<(u64, Moment)> = None;
    let mut unread = 0;
    loop {
        let record = match world.read_lease() {
            Ok(record) => record,
            Err(StoreFault::Unanswered { why }) => {
                unread += 1;
                if world.now().saturating_sub(began) > SILENCE_MILLISECONDS {
                    return Err(stopped(&format!(
                        "the lease did not answer {unread} times: {why}"
                    )));
                }
                world.pause(LOOK_MILLISECONDS)?;
                continue;
            }
            Err(StoreFault::Missing { object }) => {
                return Ok(Taking::Missing(missing("lease", object)));
            }
            Err(fault) => return Err(stopped(&described("reading the lease", &fault))),
        };
        let now = world.now();
        if let Some((epoch, since)) = unanswered
            && record.epoch == epoch
            && record.holder.as_deref() == Some(identity)
        {
            return Ok(Taking::Held(Lease {
                record,
                identity: identity.to_owned(),
                since,
            }));
        }
        let holder = record.holder.clone().filter(|holder| !holder.is_empty());
        if let Some(holder) = holder {
            let mark: Mark = (record.holder.clone(), record.epoch, record.renewal.clone());
            let seen = match &last {
                Some((known, seen)) if *known == mark => *seen,
                _ => now,
            };
            last = Some((mark, seen));
            let silence = record.duration.max(DURATION_MILLISECONDS) + COMMAND_TIMEOUT_MILLISECONDS;
            if now.saturating_sub(seen) <= silence {
                let waited = now.saturating_sub(began);
                if waited > PATIENCE_MILLISECONDS {
                    return Ok(Taking::Refused(busy(&holder, waited)));
                }
                world.report(&Report::LeaseHeld {
                    holder,
                    seconds: waited / 1_000,
                });
                world.pause(LOOK_MILLISECONDS)?;
                continue;
            }
        }
        let epoch = record.epoch + 1;
        let wanted = LeaseRecord {
            holder: Some(identity.to_owned()),
            epoch,
            duration: DURATION_MILLISECONDS,
            ..record
        };
        let since = world.now();
        match world.write_lease(&wanted) {
            Ok(record) => {
                return Ok(Taking::Held(Lease {
                    record,
                    identity: identity.to_owned(),
                    since,
                }));
            }
            // Another taker was faster; it is waited for like any holder.
            Err(StoreFault::Conflict) => {}
            Err(StoreFault::Unanswered { .. }) => {
                if unanswered.is_none_or(|(sent, _)| sent != epoch) {
                    unanswered = Some((epoch, since));
                }
                world.pause(RECHECK_MILLISECONDS)?;
            }
            Err(fault) => return Err(stopped(&described("taking the lease", &fault))),
        }
        if world.now().saturating_sub(began) > PATIENCE_MILLISECONDS + SILENCE_MILLISECONDS {
            return Err(stopped(
                "the lease could not be taken: no write was confirmed",
            ));
        }
    }
}

impl Lease {
    /// The epoch that taking it opened.
    pub(crate) fn epoch(&self) -> u64 {
        self.record.epoch
    }

    /// Renews it if less than two thirds of its time remain.
    pub(crate) fn keep<W: World>(&mut self, world: &mut W) -> Result<(), Stop> {
        let now = world.now();
        let age = now.saturating_sub(self.since);
        // A clock that went back tells nothing about the age.
        if now >= self.since && age * 3 <= self.record.duration {
            return Ok(());
        }
        loop {
            let since = world.now();
            match world.write_lease(&self.record) {
                Ok(record) => return self.renewed(record, since),
                Err(StoreFault::Unanswered { why }) => {
                    let record = self.reread(world, now, &why)?;
                    if record.version != self.record.version {
                        return self.renewed(record, since);
                    }
                }
                Err(fault) => return Err(self.lost(world, "renewing the lease", &fault)),
            }
        }
    }

    fn renewed(&mut self, record: LeaseRecord, since: Moment) -> Result<(), Stop> {
        if !self.is_mine(&record) {
            return Err(Stop::Superseded);
        }
        self.record = record;
        self.since = since;
        Ok(())
    }

    /// What the lease is after a renewal whose answer was lost.
    fn reread<W: World>(
        &self,
        world: &mut W,
        began: Moment,
        why: &str,
    ) -> Result<LeaseRecord, Stop> {
        loop {
            if world.now().saturating_sub(began) > self.record.duration {
                return Err(stopped(&format!("the lease could not be renewed: {why}")));
            }
            world.pause(RECHECK_MILLISECONDS)?;
            match world.read_lease() {
                Ok(record) if self.is_mine(&record) => return Ok(record),
                Ok(_) => return Err(Stop::Superseded),
                Err(StoreFault::Unanswered { .. }) => {}
                Err(fault) => return Err(stopped(&described("reading the lease", &fault))),
            }
        }
    }

    fn is_mine(&self, record: &LeaseRecord) -> bool {
        record.epoch == self.record.epoch && record.holder.as_ref() == Some(&self.identity)
    }

    /// Leave to perform one command: the lease's time without that of the longest command.
    pub(crate) fn permit<W: World>(&mut self, world: &mut W) -> Result<Permit, Stop> {
        self.keep(world)?;
        let valid = self.record.duration.min(DURATION_MILLISECONDS);
        let until = self.since + valid.saturating_sub(COMMAND_TIMEOUT_MILLISECONDS);
        Ok(Permit::new(self.record.epoch, until))
    }

    /// What a refused write on journal or lease means for this runner: stop, and say whether
    /// another one took over.
    pub(crate) fn lost<W: World>(&self, world: &mut W, what: &str, fault: &StoreFault) -> Stop {
        if let StoreFault::Interrupted(interrupted) = fault {
            return Stop::Interrupted(interrupted.clone());
        }
        self.expired(
            world,
            Interrupted {
                why: described(what, fault),
            },
        )
    }

    /// What it means that this runner may not go on: another one took over, or nobody knows.
    pub(crate) fn expired<W: World>(&self, world: &mut W, interrupted: Interrupted) -> Stop {
        match world.read_lease() {
            Ok(record) if !self.is_mine(&record) => Stop::Superseded,
            _ => Stop::Interrupted(interrupted),
        }
    }

    /// Gives it back, so that the next run need not wait.
    pub(crate) fn release<W: World>(self, world: &mut W) {
        let record = LeaseRecord {
            holder: None,
            ..self.record
        };
        // The outcome stands already, and a lease that stays held only lets the next run wait.
        let _ = world.write_lease(&record);
    }
}

/// What it means that an object which the chart creates is not there.
pub(crate) fn missing(what: &str, object: String) -> Problem {
    Problem {
        why: format!("the {what} does not exist; the chart creates it"),
        remedy: format!(
            "restore {object} with `helm upgrade --no-hooks` and the values of the release, then \
             run again"
        ),
        object,
    }
}

pub(crate) fn stopped(why: &str) -> Stop {
    Stop::Interrupted(Interrupted {
        why: why.to_owned(),
    })
}

pub(crate) fn described(what: &str, fault: &StoreFault) -> String {
    match fault {
        StoreFault::Conflict => format!("{what}: somebody else wrote in between"),
        StoreFault::Forbidden { why } => format!("{what}: forbidden: {why}"),
        StoreFault::Missing { object } => format!("{what}: {object} does not exist"),
        StoreFault::Unanswered { why } => format!("{what}: no answer: {why}"),
        StoreFault::Interrupted(interrupted) => interrupted.why.clone(),
    }
}

fn busy(holder: &str, waited: u64) -> Problem {
    Problem {
        object: "the lease of the cluster".to_owned(),
        why: format!(
            "{holder} holds it and keeps renewing it; waited {} s, at most {} s are allowed",
            waited / 1_000,
            PATIENCE_MILLISECONDS / 1_000
        ),
        remedy: format!("wait until {holder} has ended, or end it, then run again"),
    }
}
