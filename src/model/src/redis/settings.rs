//! What a running server takes of its configuration, so that a change of it restarts nothing.

use std::collections::BTreeMap;

use super::persistence::Persistence;
use super::server::Memory;
use super::servers::Groups;
use super::tuning::Tuning;
use crate::fields::configuration::ConfigurationValue;

/// Keys that every version takes by `CONFIG SET` and has a field for none of, each with what every version has where nobody sets it.
/// Found by asking a new server of each version for all its keys, and by setting each of them.
pub const ONLINE: [(&str, &str); 25] = [
    ("active-defrag-ignore-bytes", "104857600"),
    ("active-defrag-max-scan-fields", "1000"),
    ("active-defrag-threshold-lower", "10"),
    ("active-defrag-threshold-upper", "100"),
    ("activerehashing", "yes"),
    ("aof-rewrite-incremental-fsync", "yes"),
    (
        "client-output-buffer-limit",
        "normal 0 0 0 slave 268435456 67108864 60 pubsub 33554432 8388608 60",
    ),
    ("client-query-buffer-limit", "1073741824"),
    ("hll-sparse-max-bytes", "3000"),
    ("hz", "10"),
    ("lfu-decay-time", "1"),
    ("lfu-log-factor", "10"),
    ("list-compress-depth", "0"),
    ("list-max-ziplist-size", "-2"),
    ("loglevel", "notice"),
    ("lua-time-limit", "5000"),
    ("maxmemory-samples", "5"),
    ("no-appendfsync-on-rewrite", "no"),
    ("proto-max-bulk-len", "536870912"),
    ("rdb-save-incremental-fsync", "yes"),
    ("rdbcompression", "yes"),
    ("set-max-intset-entries", "512"),
    ("stop-writes-on-bgsave-error", "yes"),
    ("stream-node-max-bytes", "4096"),
    ("stream-node-max-entries", "100"),
];

/// The keys, joined by spaces, as templates read them.
#[must_use]
pub fn online_keys() -> String {
    let keys: Vec<&str> = ONLINE.iter().map(|(key, _)| *key).collect();
    keys.join(" ")
}

/// The field by which a setting of a running server is changed; one that has no field of its own is a key of the configuration.
#[must_use]
pub fn field(setting: &str) -> String {
    let field = match setting {
        "maxmemory" => "memory.percent",
        "maxmemory-policy" => "memory.policy",
        "save" => "persistence.savePoints",
        "appendfsync" => "persistence.flush",
        "auto-aof-rewrite-percentage" => "persistence.rewritePercent",
        "auto-aof-rewrite-min-size" => "persistence.rewriteLeastMegabytes",
        "timeout" => "tuning.timeoutSeconds",
        "tcp-keepalive" => "tuning.tcpKeepaliveSeconds",
        "maxclients" => "tuning.maxClients",
        "slowlog-log-slower-than" => "tuning.slowMicroseconds",
        "slowlog-max-len" => "tuning.slowRemembered",
        "latency-monitor-threshold" => "tuning.latencyMilliseconds",
        "notify-keyspace-events" => "tuning.keyspaceEvents",
        "activedefrag" => "tuning.activeDefragmentation",
        "hash-max-ziplist-entries" => "tuning.compactHashFields",
        "hash-max-ziplist-value" => "tuning.compactHashBytes",
        "zset-max-ziplist-entries" => "tuning.compactSortedSetMembers",
        "zset-max-ziplist-value" => "tuning.compactSortedSetBytes",
        "cluster-node-timeout" => "shards.nodeTimeoutMilliseconds",
        "cluster-require-full-coverage" => "shards.requireFullCoverage",
        "min-replicas-to-write" => "servers.minReplicas",
        "min-replicas-max-lag" => "servers.minReplicasLagSeconds",
        "replica-lazy-flush" => "tuning.lazyFreeing",
        lazy if lazy.starts_with("lazyfree-lazy-") => "tuning.lazyFreeing",
        other => return format!("tuning.configuration.{other}"),
    };
    field.to_owned()
}

/// A value as the server's configuration has it.
#[must_use]
pub fn word(value: &ConfigurationValue) -> String {
    match value {
        ConfigurationValue::Truth(truth) => yes_or_no(*truth).to_owned(),
        other => other.to_string(),
    }
}

pub(crate) const fn yes_or_no(truth: bool) -> &'static str {
    if truth { "yes" } else { "no" }
}

impl Tuning {
    /// What a running server shall have by these fields alone, but for what only some versions know.
    fn online_settings(&self) -> Vec<(&'static str, String)> {
        let lazy = || yes_or_no(self.lazy_freeing).to_owned();
        vec![
            ("timeout", self.timeout_seconds.to_string()),
            ("tcp-keepalive", self.tcp_keepalive_seconds.to_string()),
            ("maxclients", self.max_clients.to_string()),
            (
                "slowlog-log-slower-than",
                self.slow_microseconds.to_string(),
            ),
            ("slowlog-max-len", self.slow_remembered.to_string()),
            (
                "latency-monitor-threshold",
                self.latency_milliseconds.to_string(),
            ),
            ("notify-keyspace-events", self.keyspace_events.clone()),
            ("lazyfree-lazy-eviction", lazy()),
            ("lazyfree-lazy-expire", lazy()),
            ("lazyfree-lazy-server-del", lazy()),
            ("replica-lazy-flush", lazy()),
            (
                "activedefrag",
                yes_or_no(self.active_defragmentation).to_owned(),
            ),
            (
                "hash-max-ziplist-entries",
                self.compact_hash_fields.to_string(),
            ),
            (
                "hash-max-ziplist-value",
                self.compact_hash_bytes.to_string(),
            ),
            (
                "zset-max-ziplist-entries",
                self.compact_sorted_set_members.to_string(),
            ),
            (
                "zset-max-ziplist-value",
                self.compact_sorted_set_bytes.to_string(),
            ),
        ]
    }
}

/// What a running server shall have of the keys that it takes while it runs, with so much memory in MB for data.
pub(crate) fn online(groups: &Groups<'_>, data_megabytes: Option<u64>) -> BTreeMap<String, String> {
    let tuning = groups.tuning;
    let set = &tuning.configuration;
    let others = ONLINE.iter().map(|(key, otherwise)| {
        let text = set.get(*key).map(word);
        (*key, text.unwrap_or_else(|| (*otherwise).to_owned()))
    });
    let mut settings = tuning.online_settings();
    settings.extend(others);
    let lazy = yes_or_no(tuning.lazy_freeing);
    if groups.version.has_lazy_deletes() {
        settings.push(("lazyfree-lazy-user-del", lazy.to_owned()));
    }
    if groups.version.has_lazy_flushes() {
        settings.push(("lazyfree-lazy-user-flush", lazy.to_owned()));
    }
    settings.extend(of_memory(groups.memory, data_megabytes));
    settings.extend(of_persistence(groups.persistence));
    let settings = settings.into_iter();
    settings.map(|(key, text)| (key.to_owned(), text)).collect()
}

fn of_memory(memory: &Memory, data_megabytes: Option<u64>) -> Vec<(&'static str, String)> {
    let policy = serde_json::to_value(memory.policy).ok();
    let policy = policy.and_then(|policy| policy.as_str().map(ToOwned::to_owned));
    let megabytes = data_megabytes.map(|megabytes| format!("{megabytes}mb"));
    let settings = [("maxmemory-policy", policy), ("maxmemory", megabytes)];
    let settings = settings.into_iter();
    settings
        .filter_map(|(key, text)| Some((key, text?)))
        .collect()
}

fn of_persistence(persistence: &Persistence) -> Vec<(&'static str, String)> {
    let points = persistence.save_points.iter();
    let points: Vec<String> = points
        .map(|point| format!("{} {}", point.seconds, point.changes))
        .collect();
    let points = if persistence.mode.has_snapshots() {
        points.join(" ")
    } else {
        String::new()
    };
    let mut settings = vec![("save", points)];
    if persistence.mode.has_append_only_file() {
        settings.extend([
            ("appendfsync", persistence.flush.word().to_owned()),
            (
                "auto-aof-rewrite-percentage",
                persistence.rewrite_percent.to_string(),
            ),
            (
                "auto-aof-rewrite-min-size",
                format!("{}mb", persistence.rewrite_least_megabytes),
            ),
        ]);
    }
    settings
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::redis::Values;
    use crate::redis::persistence::PersistenceMode;
    use crate::redis::rules_of_servers::is_owned;
    use crate::redis::servers::Servers;
    use crate::redis::version::Version;

    #[test]
    fn keys_are_sorted_and_left_to_users() {
        assert!(ONLINE.is_sorted_by_key(|(key, _)| *key));
        for (key, _) in ONLINE {
            assert!(!is_owned(key), "{key}");
        }
        let values = Values::default();
        for (key, _) in values.tuning.online_settings() {
            assert!(is_owned(key), "{key}");
        }
    }

    #[test]
    fn each_setting_is_told_by_a_field_that_there_is() {
        let values = crate::redis_cluster::Values::default();
        let document = serde_json::to_value(&values).unwrap();
        for (key, _) in values.online_settings() {
            let told = field(&key);
            if ONLINE.iter().any(|(online, _)| *online == key) {
                assert_eq!(told, format!("tuning.configuration.{key}"));
                continue;
            }
            let pointer = format!("/{}", told.replace('.', "/"));
            assert!(document.pointer(&pointer).is_some(), "{key}: {told}");
        }
    }

    #[test]
    fn what_is_not_set_is_what_servers_have_anyway() {
        let mut values = Values::default();
        let configuration = &mut values.tuning.configuration;
        for (key, value) in [
            ("lfu-decay-time", ConfigurationValue::Number(7.into())),
            ("activerehashing", ConfigurationValue::Truth(false)),
            ("rdbchecksum", ConfigurationValue::Truth(false)),
        ] {
            configuration.insert(key.to_owned(), value);
        }
        let settings = values.online_settings();
        assert_eq!(settings["lfu-decay-time"], "7");
        assert_eq!(settings["activerehashing"], "no");
        assert_eq!(settings["hz"], "10");
        assert_eq!(settings.get("rdbchecksum"), None);
        assert_eq!(settings["maxmemory"], "614mb");
        assert_eq!(settings["maxmemory-policy"], "noeviction");
    }

    #[test]
    fn what_a_version_or_a_mode_has_not_is_not_set() {
        let mut values = Values {
            version: Version::Redis6_0,
            ..Values::default()
        };
        values.persistence.mode = PersistenceMode::Snapshots;
        let settings = values.online_settings();
        assert!(settings.contains_key("lazyfree-lazy-user-del"));
        assert!(!settings.contains_key("lazyfree-lazy-user-flush"));
        assert!(!settings.contains_key("appendfsync"));
        assert_eq!(settings["save"], "3600 1 300 100 60 10000");
        values.persistence.mode = PersistenceMode::AppendOnly;
        let settings = values.online_settings();
        assert_eq!(settings["save"], "");
        assert_eq!(settings["appendfsync"], "everysec");
    }
}
