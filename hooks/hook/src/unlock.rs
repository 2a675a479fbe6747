//! `unlock`: marks a release failed that a killed helm client left pending, once nothing of it can be at work.
//!
//! Helm knows no owner of a pending release: it refuses every upgrade until somebody says that the
//! client is gone. A Job that the client had started goes on without it, so this command looks for
//! Jobs, takes the lease, which stops any runner that still believes in its own, and looks again.

use std::time::Duration;

use midships_client_kubernetes::{Client, Error, Revision, Store, TIMEOUT};
use midships_engine::step::{Moment, Problem};
use midships_engine::world::{LeaseRecord, StoreFault};

use crate::arguments;
use crate::clock::Clock;
use crate::clusters;
use crate::exit::Exit;
use crate::log;
use crate::operate::{identity, runtime};
use crate::status::unread;

/// How long to pause between two looks at a lease that somebody holds.
const LOOK: Duration = Duration::from_secs(1);

/// For how long this command takes a lease, in milliseconds; it does not renew it.
const DURATION_MILLISECONDS: u64 = 15_000;

/// How an attempt to unlock ends early.
enum End {
    /// It must not be done.
    Refused(Problem),
    /// There was no answer; the same command may be run again.
    Crash(String),
}

impl From<Error> for End {
    fn from(error: Error) -> Self {
        match &error {
            Error::Refused { code: 401 | 403, object, message, .. } => Self::Refused(Problem {
                object: object.clone(),
                why: message.clone(),
                remedy: "use a kubeconfig that may read and update Secrets and ConfigMaps and read Jobs of this namespace"
                    .to_owned(),
            }),
            _ => Self::Crash(error.to_string()),
        }
    }
}

/// Marks a release failed that a killed helm client left pending.
pub fn unlock(arguments: &arguments::Unlock) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(why) => {
            log::complain(&why);
            return Exit::Crash;
        }
    };
    match runtime.block_on(unlocked(arguments)) {
        Ok(text) => {
            log::say(&text);
            Exit::Done
        }
        Err(End::Refused(Problem {
            object,
            why,
            remedy,
        })) => {
            log::complain(&format!("Refused: {object}: {why}; {remedy}"));
            Exit::Refused
        }
        Err(End::Crash(why)) => {
            log::complain(&why);
            Exit::Crash
        }
    }
}

async fn unlocked(arguments: &arguments::Unlock) -> Result<String, End> {
    let release = &arguments.release;
    let clock = Clock::start();
    let client = Client::connect(arguments.namespace.as_deref()).await?;
    let Some(revision) = client.newest_revision(release).await? else {
        return Err(refused(
            format!("release {release}"),
            format!(
                "Helm keeps no Secret of it in the namespace {}",
                client.namespace()
            ),
            "name the release and, with --namespace, its namespace as helm was told them",
        ));
    };
    if !revision.pending() {
        return Ok(format!(
            "release {release} revision {} is {}: nothing to unlock",
            revision.number, revision.status
        ));
    }
    let found = clusters::of_release(&client, release).await?;
    let mut held = Vec::new();
    let taken = take_all(&client, &found, &revision, clock, &mut held).await;
    let marked = match taken {
        Ok(since) => mark(&client, &found, &revision, clock, since).await,
        Err(end) => Err(end),
    };
    // What was taken is given back whatever came of it; a lease that stays runs out by itself.
    for (mut store, identity) in held {
        if let Err(fault) = store.release_lease(&identity).await {
            log::complain(&format!(
                "not released, it runs out by itself: {}",
                unread("lease", &fault)
            ));
        }
    }
    marked?;
    Ok(format!(
        "release {release} revision {} was {} and is failed now; run `helm upgrade` or `helm rollback`",
        revision.number, revision.status
    ))
}

/// Takes the leases of all clusters of a release; says since when they are held.
async fn take_all(
    client: &Client,
    found: &[String],
    revision: &Revision,
    clock: Clock,
    held: &mut Vec<(Store, String)>,
) -> Result<Moment, End> {
    if found.is_empty() && revision.status != "pending-install" {
        return Err(refused(
            format!("release {}", revision.release),
            "it has no journal, so it is not known whether an operation is at work; it is no release of a chart of midships".to_owned(),
            "use `helm rollback`, which both Helms allow on a pending release",
        ));
    }
    refuse_while_a_job_runs(client, found).await?;
    let identity = format!("unlock by {}", identity(clock));
    // Their time counts from before the first one was taken.
    let mut since = None;
    for full_name in found {
        let mut store = Store::new(client.clone(), full_name);
        let taken = take(&mut store, full_name, &identity, clock).await?;
        since = since.or(Some(taken));
        held.push((store, identity.clone()));
    }
    Ok(since.unwrap_or_else(|| clock.now()))
}

/// Marks the revision failed while the leases are surely held.
async fn mark(
    client: &Client,
    found: &[String],
    revision: &Revision,
    clock: Clock,
    since: Moment,
) -> Result<(), End> {
    // A Job may have started between the first look and the taking of the lease. It cannot act
    // now, but it would be surprised by a second helm client.
    refuse_while_a_job_runs(client, found).await?;
    if !found.is_empty()
        && clock.now().saturating_sub(since) + longest_request() > DURATION_MILLISECONDS
    {
        return Err(End::Crash("the API server is too slow: the lease could run out before the release is marked; run again".to_owned()));
    }
    let description = format!(
        "midships-hook unlock: the helm client at work ({}) is gone; revision {} marked failed",
        revision.status, revision.number
    );
    match client.mark_failed(revision, &description).await {
        Ok(()) => Ok(()),
        Err(Error::Refused {
            code: 409, object, ..
        }) => Err(refused(
            object,
            "Helm wrote it just now, so its client is alive".to_owned(),
            "wait until helm has ended",
        )),
        Err(error) => Err(error.into()),
    }
}

async fn refuse_while_a_job_runs(client: &Client, found: &[String]) -> Result<(), End> {
    for full_name in found {
        for phase in ["before", "after"] {
            let name = format!("{full_name}-{phase}");
            if client.job_unfinished(&name).await? {
                return Err(refused(
                    format!("Job {name}"),
                    "it has not ended".to_owned(),
                    &format!(
                        "follow it with `kubectl logs --follow job/{name} --namespace {}` and run again when it has ended",
                        client.namespace()
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Takes the lease of one cluster, after watching whether its holder still renews it; says since when it is held.
async fn take(
    store: &mut Store,
    full_name: &str,
    identity: &str,
    clock: Clock,
) -> Result<Moment, End> {
    let object = format!("ConfigMap {full_name}-operations");
    let mut seen: Option<(LeaseRecord, Moment)> = None;
    loop {
        let record = store
            .read_lease()
            .await
            .map_err(|fault| store_end(&object, &fault))?;
        match judge(seen.as_ref(), &record, clock.now()) {
            Judgement::Free => {
                let wanted = LeaseRecord {
                    holder: Some(identity.to_owned()),
                    epoch: record.epoch + 1,
                    duration: DURATION_MILLISECONDS,
                    ..record
                };
                let since = clock.now();
                store
                    .write_lease(&wanted)
                    .await
                    .map_err(|fault| store_end(&object, &fault))?;
                return Ok(since);
            }
            Judgement::Watch => {
                if seen.is_none() {
                    let holder = record.holder.clone().unwrap_or_default();
                    log::say(&format!(
                        "{object}: held by {holder}; watching whether it is still renewed"
                    ));
                    seen = Some((record, clock.now()));
                }
                tokio::time::sleep(LOOK).await;
            }
            Judgement::Alive => {
                let holder = record.holder.unwrap_or_default();
                return Err(refused(
                    object,
                    format!("{holder} holds it and renews it"),
                    "wait until it has ended and run again",
                ));
            }
        }
    }
}

/// What a look at a lease says about its holder.
#[derive(Debug, Eq, PartialEq)]
enum Judgement {
    /// Nobody holds it, or its holder has been silent for longer than any of its commands can take.
    Free,
    /// Somebody holds it; look again.
    Watch,
    /// Somebody wrote it between two looks.
    Alive,
}

fn judge(seen: Option<&(LeaseRecord, Moment)>, record: &LeaseRecord, now: Moment) -> Judgement {
    if record.holder.is_none() {
        return Judgement::Free;
    }
    let Some((first, since)) = seen else {
        return Judgement::Watch;
    };
    if (&first.holder, first.epoch, &first.renewal)
        != (&record.holder, record.epoch, &record.renewal)
    {
        return Judgement::Alive;
    }
    let silence = record.duration.max(DURATION_MILLISECONDS) + longest_request();
    if now.saturating_sub(*since) > silence {
        Judgement::Free
    } else {
        Judgement::Watch
    }
}

/// The longest that a request of this program, and so a command of a holder, may take, in milliseconds.
fn longest_request() -> u64 {
    u64::try_from(TIMEOUT.as_millis()).unwrap_or(u64::MAX)
}

fn store_end(object: &str, fault: &StoreFault) -> End {
    match fault {
        StoreFault::Conflict => refused(
            object.to_owned(),
            "somebody else took it just now".to_owned(),
            "wait until it is free and run again",
        ),
        StoreFault::Forbidden { why } => refused(
            object.to_owned(),
            why.clone(),
            "use a kubeconfig that may read and update ConfigMaps of this namespace",
        ),
        StoreFault::Missing { object } => refused(
            object.clone(),
            "it does not exist, so it is not known whether an operation is at work".to_owned(),
            "use `helm rollback`, which both Helms allow on a pending release",
        ),
        StoreFault::Unanswered { .. } | StoreFault::Interrupted(_) => {
            End::Crash(unread(object, fault))
        }
    }
}

fn refused(object: String, why: String, remedy: &str) -> End {
    End::Refused(Problem {
        object,
        why,
        remedy: remedy.to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lease(holder: Option<&str>, renewal: &str) -> LeaseRecord {
        LeaseRecord {
            version: "1".to_owned(),
            holder: holder.map(str::to_owned),
            epoch: 2,
            duration: 15_000,
            renewal: renewal.to_owned(),
        }
    }

    #[test]
    fn a_lease_is_taken_only_from_a_holder_that_stays_silent() {
        assert_eq!(judge(None, &lease(None, "a"), 0), Judgement::Free);
        let held = lease(Some("pod"), "a");
        assert_eq!(judge(None, &held, 0), Judgement::Watch);
        let seen = (held.clone(), 1_000);
        assert_eq!(judge(Some(&seen), &held, 20_000), Judgement::Watch);
        assert_eq!(judge(Some(&seen), &held, 20_001), Judgement::Free);
        assert_eq!(
            judge(Some(&seen), &lease(Some("pod"), "b"), 2_000),
            Judgement::Alive
        );
        assert_eq!(
            judge(Some(&seen), &lease(Some("other"), "a"), 30_000),
            Judgement::Alive
        );
        assert_eq!(
            judge(Some(&seen), &lease(None, "b"), 2_000),
            Judgement::Free
        );
    }
}
