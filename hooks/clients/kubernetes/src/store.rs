//! The journal and the lease of one cluster: two `ConfigMaps` that Helm creates empty under names that
//! never change, read and replaced only under the version that was last seen.
//!
//! The lease is no object of the kind Lease: Argo CD excludes that kind unless told otherwise, so that
//! the chart's would not be there, and the hook program has no right to create one. What makes it a
//! lease is the replacement under a version and the rule of the engine, and both work on any object.

use std::collections::BTreeMap;

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::jiff::{Timestamp, Unit};
use kube::api::Api;
use midships_engine::world::{LeaseRecord, StoreFault, Stored};

use crate::client::{Client, writing};
use crate::error::{Error, Result};

/// The keys under which the lease is recorded. Texts, for people who look at the object.
mod key {
    /// Who holds it; absent when it is free.
    pub(super) const HOLDER: &str = "holder";
    /// How many times it has been taken.
    pub(super) const EPOCH: &str = "epoch";
    /// For how long it is valid after a renewal.
    pub(super) const DURATION: &str = "durationMilliseconds";
    /// When it was taken, by the clock of who took it.
    pub(super) const TAKEN: &str = "takenTime";
    /// When it was last written, by the clock of who wrote it.
    pub(super) const RENEWAL: &str = "renewTime";
}

type Data = BTreeMap<String, String>;

/// Access to the journal and the lease of one cluster.
///
/// It keeps the objects as last read or written, because a replacement has to carry the labels and
/// annotations that Helm put there, which the engine does not see.
#[derive(Debug)]
pub struct Store {
    client: Client,
    journal: Kept,
    lease: Kept,
}

/// A `ConfigMap` and what was last seen of it.
#[derive(Debug)]
struct Kept {
    name: String,
    seen: Option<core::ConfigMap>,
}

/// What an Event has to know of the journal that it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) uid: Option<String>,
}

impl Kept {
    fn new(name: String) -> Self {
        Self { name, seen: None }
    }

    fn object(&self) -> String {
        format!("ConfigMap {}", self.name)
    }

    async fn read(&mut self, client: &Client) -> Result<Stored, StoreFault> {
        let api: Api<core::ConfigMap> = Api::namespaced(client.api.clone(), &client.namespace);
        let read = client
            .bounded(self.object(), api.get(&self.name))
            .await
            .map_err(|error| error.store_fault())?;
        let stored = stored(&read);
        self.seen = Some(read);
        Ok(stored)
    }

    /// Replaces the data if the object still has the given version; what is stored then.
    async fn replace(
        &mut self,
        client: &Client,
        version: &str,
        data: impl FnOnce(&Data) -> Result<Data>,
    ) -> Result<Stored, StoreFault> {
        if self
            .seen
            .as_ref()
            .map(|seen| stored(seen).version)
            .as_deref()
            != Some(version)
        {
            self.read(client).await?;
        }
        let Some(seen) = &self.seen else {
            return Err(StoreFault::Missing {
                object: self.object(),
            });
        };
        let known = stored(seen);
        if known.version != version {
            return Err(StoreFault::Conflict);
        }
        let mut next = seen.clone();
        next.metadata.managed_fields = None;
        next.data = Some(data(&known.data).map_err(|error| error.store_fault())?);
        let api: Api<core::ConfigMap> = Api::namespaced(client.api.clone(), &client.namespace);
        let written = client
            .bounded(self.object(), api.replace(&self.name, &writing(), &next))
            .await
            .map_err(|error| error.store_fault())?;
        let stored = stored(&written);
        self.seen = Some(written);
        Ok(stored)
    }
}

impl Store {
    /// Access to the journal `F-journal` and the lease `F-operations` of the cluster with the full name `F`.
    #[must_use]
    pub fn new(client: Client, full_name: &str) -> Self {
        Self {
            client,
            journal: Kept::new(format!("{full_name}-journal")),
            lease: Kept::new(format!("{full_name}-operations")),
        }
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn journal_reference(&self) -> Reference {
        let seen = self.journal.seen.as_ref();
        Reference {
            name: self.journal.name.clone(),
            uid: seen.and_then(|journal| journal.metadata.uid.clone()),
        }
    }

    /// Reads the journal.
    ///
    /// # Errors
    /// [`StoreFault::Missing`] when the `ConfigMap` does not exist, and the other faults by the answer.
    pub async fn read_journal(&mut self) -> Result<Stored, StoreFault> {
        self.journal.read(&self.client).await
    }

    /// Replaces the journal's data if the journal still has the given version, and returns the new version.
    ///
    /// # Errors
    /// [`StoreFault::Conflict`] when it has another version, and the other faults by the answer.
    pub async fn write_journal(&mut self, journal: &Stored) -> Result<String, StoreFault> {
        let written = self
            .journal
            .replace(&self.client, &journal.version, |_| Ok(journal.data.clone()))
            .await?;
        Ok(written.version)
    }

    /// Reads the lease. One without data, as Helm creates it, is free and has epoch 0.
    ///
    /// # Errors
    /// [`StoreFault::Missing`] when the `ConfigMap` does not exist, and the other faults by the answer.
    pub async fn read_lease(&mut self) -> Result<LeaseRecord, StoreFault> {
        let stored = self.lease.read(&self.client).await?;
        record(&self.lease.name, &stored).map_err(|error| error.store_fault())
    }

    /// Replaces the lease if it still has the given version, marks a renewal, and returns what is stored.
    ///
    /// # Errors
    /// [`StoreFault::Conflict`] when it has another version, and the other faults by the answer.
    pub async fn write_lease(&mut self, lease: &LeaseRecord) -> Result<LeaseRecord, StoreFault> {
        let written = self
            .lease
            .replace(&self.client, &lease.version, |old| {
                Ok(next_data(old, lease, Timestamp::now()))
            })
            .await?;
        record(&self.lease.name, &written).map_err(|error| error.store_fault())
    }

    /// Frees the lease if it is still exactly what this store last wrote or read and the holder is the
    /// given one. Says whether it was freed.
    ///
    /// # Errors
    /// As [`Store::write_lease`].
    pub async fn release_lease(&mut self, holder: &str) -> Result<bool, StoreFault> {
        let Some(seen) = &self.lease.seen else {
            return Ok(false);
        };
        let record =
            record(&self.lease.name, &stored(seen)).map_err(|error| error.store_fault())?;
        if record.holder.as_deref() != Some(holder) {
            return Ok(false);
        }
        self.write_lease(&LeaseRecord {
            holder: None,
            ..record
        })
        .await?;
        Ok(true)
    }
}

fn stored(object: &core::ConfigMap) -> Stored {
    Stored {
        version: object.metadata.resource_version.clone().unwrap_or_default(),
        data: object.data.clone().unwrap_or_default(),
    }
}

/// The lease as the engine sees it.
fn record(name: &str, stored: &Stored) -> Result<LeaseRecord> {
    Ok(LeaseRecord {
        version: stored.version.clone(),
        holder: stored
            .data
            .get(key::HOLDER)
            .filter(|holder| !holder.is_empty())
            .cloned(),
        epoch: number(name, &stored.data, key::EPOCH)?,
        duration: number(name, &stored.data, key::DURATION)?,
        renewal: stored.data.get(key::RENEWAL).cloned().unwrap_or_default(),
    })
}

/// A number of the lease; 0 where nothing has been written yet.
fn number(name: &str, data: &Data, key: &str) -> Result<u64> {
    let Some(text) = data.get(key) else {
        return Ok(0);
    };
    text.parse().map_err(|_| Error::Unreadable {
        object: format!("ConfigMap {name}"),
        why: format!(
            "{key} is `{text}`, allowed are whole numbers from 0; remove all of its data while no Job of the release runs"
        ),
    })
}

/// The data of the lease after a write. What others put beside it stays.
fn next_data(old: &Data, lease: &LeaseRecord, now: Timestamp) -> Data {
    let mark = next_mark(old.get(key::RENEWAL), now).to_string();
    let epoch = lease.epoch.to_string();
    let mut data = old.clone();
    if old.get(key::EPOCH) != Some(&epoch) {
        data.insert(key::TAKEN.to_owned(), mark.clone());
    }
    match &lease.holder {
        Some(holder) => data.insert(key::HOLDER.to_owned(), holder.clone()),
        None => data.remove(key::HOLDER),
    };
    data.insert(key::EPOCH.to_owned(), epoch);
    data.insert(key::DURATION.to_owned(), lease.duration.to_string());
    data.insert(key::RENEWAL.to_owned(), mark);
    data
}

/// The mark of the next renewal: the time, but always after the one before, so that two renewals
/// never look alike whatever the clocks of two runners say.
fn next_mark(old: Option<&String>, now: Timestamp) -> Timestamp {
    // Microseconds are enough for people, and one of them is the least step.
    let now = now.round(Unit::Microsecond).unwrap_or(now);
    match old.and_then(|old| old.parse::<Timestamp>().ok()) {
        Some(old) if old >= now => {
            Timestamp::from_microsecond(old.as_microsecond().saturating_add(1)).unwrap_or(now)
        }
        _ => now,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(microseconds: i64) -> Timestamp {
        Timestamp::from_microsecond(microseconds).unwrap()
    }

    fn taken(epoch: u64) -> LeaseRecord {
        LeaseRecord {
            version: "7".to_owned(),
            holder: Some("a-pod".to_owned()),
            epoch,
            duration: 15_000,
            renewal: String::new(),
        }
    }

    fn read(data: Data) -> Result<LeaseRecord> {
        let version = "7".to_owned();
        record("a-operations", &Stored { version, data })
    }

    #[test]
    fn two_renewals_never_carry_the_same_mark() {
        let now = at(5_000_000);
        let (earlier, later) = (at(4_000_000).to_string(), at(6_000_000).to_string());
        assert_eq!(next_mark(None, now), now);
        assert_eq!(next_mark(Some(&"nonsense".to_owned()), now), now);
        assert_eq!(next_mark(Some(&earlier), now), now);
        assert_eq!(next_mark(Some(&now.to_string()), now), at(5_000_001));
        assert_eq!(next_mark(Some(&later), now), at(6_000_001));
        let fine = Timestamp::from_nanosecond(5_000_000_000_123_456).unwrap();
        assert_eq!(next_mark(None, fine).subsec_nanosecond() % 1_000, 0);
    }

    #[test]
    fn what_helm_creates_is_a_free_lease_of_epoch_0() {
        let free = read(Data::new()).unwrap();
        assert_eq!((free.holder, free.epoch, free.duration), (None, 0, 0));
    }

    #[test]
    fn what_is_written_reads_back_and_what_others_wrote_stays() {
        let others = Data::from([("note".to_owned(), "of a person".to_owned())]);
        let first = next_data(&others, &taken(1), at(1_000_000));
        assert_eq!(first["note"], "of a person");
        let record = read(first.clone()).unwrap();
        assert_eq!(record.renewal, at(1_000_000).to_string());
        assert_eq!(
            LeaseRecord {
                renewal: String::new(),
                ..record.clone()
            },
            taken(1)
        );
        let renewed = next_data(&first, &record, at(2_000_000));
        assert_eq!(renewed[key::TAKEN], first[key::TAKEN]);
        assert_ne!(renewed[key::RENEWAL], first[key::RENEWAL]);
        let again = next_data(&renewed, &taken(2), at(3_000_000));
        assert_eq!(again[key::TAKEN], at(3_000_000).to_string());
        let freed = next_data(
            &again,
            &LeaseRecord {
                holder: None,
                ..taken(2)
            },
            at(4_000_000),
        );
        let freed = read(freed).unwrap();
        assert_eq!((freed.holder, freed.epoch), (None, 2));
    }

    #[test]
    fn an_epoch_that_is_no_number_is_refused_with_its_name() {
        let broken = Data::from([(key::EPOCH.to_owned(), "-1".to_owned())]);
        let error = read(broken).unwrap_err().to_string();
        assert!(
            error.starts_with("ConfigMap a-operations: epoch is `-1`"),
            "{error}"
        );
    }
}
