//! What charts of one server and of several have alike: their groups of fields, and what follows from these.

use std::collections::BTreeMap;

use super::metrics::Metrics;
use super::persistence::{Persistence, PersistenceMode};
use super::server::{MEMORY_PERCENT, MEMORY_PERCENT_OF_WRITERS, Memory, Server};
use super::tls::Tls;
use super::tuning::Tuning;
use super::version::Version;
use super::{
    DEADLINE_MARGIN_SECONDS, LEAST_DEADLINE_SECONDS, MEGABYTES_A_SECOND, STOP_SECONDS, settings,
};
use crate::fields::hook::Hook;
use crate::fields::network::NetworkPolicy;

/// The groups of fields that all these charts have.
#[derive(Clone, Copy, Debug)]
pub struct Groups<'a> {
    /// The product and its version.
    pub version: Version,
    /// Labels of all objects.
    pub common_labels: &'a BTreeMap<String, String>,
    /// A server: its container and its pod.
    pub server: &'a Server,
    /// How much of the memory is for data.
    pub memory: &'a Memory,
    /// Whether and how the data outlive a restart.
    pub persistence: &'a Persistence,
    /// What people change in a server's configuration.
    pub tuning: &'a Tuning,
    /// How servers and clients keep what they say to themselves.
    pub tls: &'a Tls,
    /// Who may connect.
    pub network_policy: &'a NetworkPolicy,
    /// What Prometheus is told.
    pub metrics: &'a Metrics,
    /// The program that carries out operations.
    pub hook: &'a Hook,
}

/// The values of a chart whose servers are of Redis or Valkey.
pub trait Servers: 'static {
    /// The groups of fields that all these charts have.
    fn groups(&self) -> Groups<'_>;

    /// How many seconds an operation takes at most, as an estimate.
    fn estimate_seconds(&self) -> u32;

    /// Percent of the memory limit that are for data.
    fn data_percent(&self) -> u32 {
        let groups = self.groups();
        match (groups.memory.percent, groups.persistence.mode) {
            (0, PersistenceMode::None) => MEMORY_PERCENT,
            (0, _) => MEMORY_PERCENT_OF_WRITERS,
            (set, _) => set,
        }
    }

    /// Memory in MB for the data of a server.
    fn data_megabytes(&self) -> Option<u64> {
        let limit = self.groups().server.resources.limits.memory.mebibytes()?;
        Some(limit * u64::from(self.data_percent()) / 100)
    }

    /// Seconds that a server may take to stop, unless a field says otherwise.
    fn stop_seconds(&self) -> u32 {
        let limit = self.groups().server.resources.limits.memory.mebibytes();
        let writing = limit.unwrap_or_default() / MEGABYTES_A_SECOND;
        STOP_SECONDS.saturating_add(u32::try_from(writing).unwrap_or(u32::MAX))
    }

    /// Seconds in which a server stops and starts at most.
    fn restart_seconds(&self) -> u32 {
        let starting = self.groups().server.pod.startup_seconds;
        self.stop_seconds().saturating_add(starting)
    }

    /// Seconds that a hook Job may run: as set, else an hour or somewhat more than the estimate.
    fn deadline_seconds(&self) -> u32 {
        match self.groups().hook.deadline_seconds {
            0 => {
                let estimate = self.estimate_seconds();
                LEAST_DEADLINE_SECONDS.max(estimate.saturating_add(DEADLINE_MARGIN_SECONDS))
            }
            set => set,
        }
    }

    /// What a running server shall have of the keys that it takes while it runs: what is set, else what it has anyway.
    fn online_settings(&self) -> BTreeMap<String, String> {
        settings::online(&self.groups(), self.data_megabytes())
    }
}
