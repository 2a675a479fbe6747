//! The journal and the lease of one cluster: a `ConfigMap` and a Lease that Helm creates empty under
//! names that never change, read and replaced only under the version that was last seen.

use k8s_openapi::api::coordination::v1 as coordination;
use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::MicroTime;
use k8s_openapi::jiff::{Timestamp, Unit};
use kube::api::Api;
use midships_engine::world::{LeaseRecord, StoreFault, Stored};

use crate::client::{Client, writing};
use crate::error::{Error, Result};

/// Access to the journal and the lease of one cluster.
///
/// It keeps the objects as last read or written, because a replacement has to carry the labels and
/// annotations that Helm put there, which the engine does not see.
#[derive(Debug)]
pub struct Store {
    client: Client,
    journal_name: String,
    lease_name: String,
    journal: Option<core::ConfigMap>,
    lease: Option<coordination::Lease>,
}

/// What an Event has to know of the journal that it is about.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    pub(crate) name: String,
    pub(crate) uid: Option<String>,
}

impl Store {
    /// Access to the journal `F-journal` and the lease `F-operations` of the cluster with the full name `F`.
    #[must_use]
    pub fn new(client: Client, full_name: &str) -> Self {
        Self {
            client,
            journal_name: format!("{full_name}-journal"),
            lease_name: format!("{full_name}-operations"),
            journal: None,
            lease: None,
        }
    }

    /// The client underneath.
    #[must_use]
    pub fn client(&self) -> &Client {
        &self.client
    }

    pub(crate) fn journal_reference(&self) -> Reference {
        let uid = self
            .journal
            .as_ref()
            .and_then(|journal| journal.metadata.uid.clone());
        Reference {
            name: self.journal_name.clone(),
            uid,
        }
    }

    /// Reads the journal.
    ///
    /// # Errors
    /// [`StoreFault::Missing`] when the `ConfigMap` does not exist, and the other faults by the answer.
    pub async fn read_journal(&mut self) -> Result<Stored, StoreFault> {
        let journal = self
            .get_journal()
            .await
            .map_err(|error| error.store_fault())?;
        let stored = stored(&journal);
        self.journal = Some(journal);
        Ok(stored)
    }

    async fn get_journal(&self) -> Result<core::ConfigMap> {
        let api: Api<core::ConfigMap> =
            Api::namespaced(self.client.api.clone(), &self.client.namespace);
        let object = format!("ConfigMap {}", self.journal_name);
        self.client
            .bounded(object, api.get(&self.journal_name))
            .await
    }

    /// Replaces the journal's data if the journal still has the given version, and returns the new version.
    ///
    /// # Errors
    /// [`StoreFault::Conflict`] when it has another version, and the other faults by the answer.
    pub async fn write_journal(&mut self, journal: &Stored) -> Result<String, StoreFault> {
        let known = self
            .journal
            .as_ref()
            .and_then(|known| known.metadata.resource_version.as_deref());
        if known != Some(journal.version.as_str()) {
            self.read_journal().await?;
        }
        let Some(known) = &self.journal else {
            return Err(StoreFault::Missing {
                object: format!("ConfigMap {}", self.journal_name),
            });
        };
        if known.metadata.resource_version.as_deref() != Some(journal.version.as_str()) {
            return Err(StoreFault::Conflict);
        }
        let mut next = known.clone();
        next.metadata.managed_fields = None;
        next.data = Some(journal.data.clone());
        let api: Api<core::ConfigMap> =
            Api::namespaced(self.client.api.clone(), &self.client.namespace);
        let object = format!("ConfigMap {}", self.journal_name);
        let written = self
            .client
            .bounded(object, api.replace(&self.journal_name, &writing(), &next))
            .await
            .map_err(|error| error.store_fault())?;
        let version = written
            .metadata
            .resource_version
            .clone()
            .unwrap_or_default();
        self.journal = Some(written);
        Ok(version)
    }

    /// Reads the lease. One without a spec, as Helm creates it, is free and has epoch 0.
    ///
    /// # Errors
    /// [`StoreFault::Missing`] when the Lease does not exist, and the other faults by the answer.
    pub async fn read_lease(&mut self) -> Result<LeaseRecord, StoreFault> {
        let api: Api<coordination::Lease> =
            Api::namespaced(self.client.api.clone(), &self.client.namespace);
        let object = format!("Lease {}", self.lease_name);
        let lease = self
            .client
            .bounded(object, api.get(&self.lease_name))
            .await
            .map_err(|error| error.store_fault())?;
        let record = self.record(&lease).map_err(|error| error.store_fault())?;
        self.lease = Some(lease);
        Ok(record)
    }

    /// Replaces the lease if it still has the given version, marks a renewal, and returns what is stored.
    ///
    /// # Errors
    /// [`StoreFault::Conflict`] when it has another version, and the other faults by the answer.
    pub async fn write_lease(&mut self, lease: &LeaseRecord) -> Result<LeaseRecord, StoreFault> {
        let known = self
            .lease
            .as_ref()
            .and_then(|known| known.metadata.resource_version.as_deref());
        if known != Some(lease.version.as_str()) {
            self.read_lease().await?;
        }
        let Some(known) = &self.lease else {
            return Err(StoreFault::Missing {
                object: format!("Lease {}", self.lease_name),
            });
        };
        if known.metadata.resource_version.as_deref() != Some(lease.version.as_str()) {
            return Err(StoreFault::Conflict);
        }
        let mut next = known.clone();
        next.metadata.managed_fields = None;
        let spec = self
            .next_spec(
                known.spec.clone().unwrap_or_default(),
                lease,
                Timestamp::now(),
            )
            .map_err(|error| error.store_fault())?;
        next.spec = Some(spec);
        let api: Api<coordination::Lease> =
            Api::namespaced(self.client.api.clone(), &self.client.namespace);
        let object = format!("Lease {}", self.lease_name);
        let written = self
            .client
            .bounded(object, api.replace(&self.lease_name, &writing(), &next))
            .await
            .map_err(|error| error.store_fault())?;
        let record = self.record(&written).map_err(|error| error.store_fault())?;
        self.lease = Some(written);
        Ok(record)
    }

    /// Frees the lease if it is still exactly what this store last wrote or read and the holder is the
    /// given one. Says whether it was freed.
    ///
    /// # Errors
    /// As [`Store::write_lease`].
    pub async fn release_lease(&mut self, holder: &str) -> Result<bool, StoreFault> {
        let Some(known) = &self.lease else {
            return Ok(false);
        };
        let record = self.record(known).map_err(|error| error.store_fault())?;
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

    fn unreadable(&self, why: String) -> Error {
        Error::Unreadable {
            object: format!("Lease {}", self.lease_name),
            why,
        }
    }

    fn record(&self, lease: &coordination::Lease) -> Result<LeaseRecord> {
        let spec = lease.spec.clone().unwrap_or_default();
        let transitions = spec.lease_transitions.unwrap_or(0);
        let epoch = u64::try_from(transitions).map_err(|_| {
            self.unreadable(format!(
                "leaseTransitions is {transitions}, allowed are 0 and more"
            ))
        })?;
        let seconds = spec.lease_duration_seconds.unwrap_or(0);
        let duration = u64::try_from(seconds).map_err(|_| {
            self.unreadable(format!(
                "leaseDurationSeconds is {seconds}, allowed are 0 and more"
            ))
        })?;
        Ok(LeaseRecord {
            version: lease.metadata.resource_version.clone().unwrap_or_default(),
            holder: spec.holder_identity.filter(|holder| !holder.is_empty()),
            epoch,
            duration: duration * 1_000,
            renewal: spec
                .renew_time
                .map(|MicroTime(time)| time.to_string())
                .unwrap_or_default(),
        })
    }

    fn next_spec(
        &self,
        old: coordination::LeaseSpec,
        lease: &LeaseRecord,
        now: Timestamp,
    ) -> Result<coordination::LeaseSpec> {
        let transitions = i32::try_from(lease.epoch).map_err(|_| {
            self.unreadable(format!(
                "epoch {} is above the largest possible, {}",
                lease.epoch,
                i32::MAX
            ))
        })?;
        let seconds = i32::try_from(lease.duration.div_ceil(1_000)).map_err(|_| {
            self.unreadable(format!(
                "a duration of {} ms is above the largest possible",
                lease.duration
            ))
        })?;
        let mark = MicroTime(next_mark(old.renew_time.as_ref(), now));
        let taken = old.lease_transitions.unwrap_or(0) != transitions;
        Ok(coordination::LeaseSpec {
            acquire_time: if taken || old.acquire_time.is_none() {
                Some(mark.clone())
            } else {
                old.acquire_time
            },
            holder_identity: lease.holder.clone(),
            lease_duration_seconds: Some(seconds),
            lease_transitions: Some(transitions),
            renew_time: Some(mark),
            ..old
        })
    }
}

/// The mark of the next renewal: the time, but always after the one before, so that two renewals
/// never look alike whatever the clocks of two runners say.
fn next_mark(old: Option<&MicroTime>, now: Timestamp) -> Timestamp {
    // The API keeps microseconds; what is written has to read back equal.
    let now = now.round(Unit::Microsecond).unwrap_or(now);
    match old {
        Some(MicroTime(old)) if *old >= now => {
            Timestamp::from_microsecond(old.as_microsecond().saturating_add(1)).unwrap_or(now)
        }
        _ => now,
    }
}

fn stored(journal: &core::ConfigMap) -> Stored {
    Stored {
        version: journal
            .metadata
            .resource_version
            .clone()
            .unwrap_or_default(),
        data: journal.data.clone().unwrap_or_default(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_renewals_never_carry_the_same_mark() {
        let now = Timestamp::from_microsecond(5_000_000).unwrap();
        let earlier = Timestamp::from_microsecond(4_000_000).unwrap();
        let later = Timestamp::from_microsecond(6_000_000).unwrap();
        assert_eq!(next_mark(None, now), now);
        assert_eq!(next_mark(Some(&MicroTime(earlier)), now), now);
        assert_eq!(
            next_mark(Some(&MicroTime(now)), now).as_microsecond(),
            5_000_001
        );
        assert_eq!(
            next_mark(Some(&MicroTime(later)), now).as_microsecond(),
            6_000_001
        );
        let fine = Timestamp::from_nanosecond(5_000_000_000_123_456).unwrap();
        assert_eq!(next_mark(None, fine).subsec_nanosecond() % 1_000, 0);
    }
}
