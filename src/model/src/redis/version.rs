//! The versions of Redis and Valkey that the charts run, and what each implies.
//!
//! What is said here of snapshots was seen with servers of each version, each of which was given what every other one had written.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The first format of snapshots that only Valkey reads. Those from [`FIRST_OF_REDIS`] up to it are read by Redis alone.
const FIRST_OF_VALKEY: u32 = 80;
/// The first format of snapshots that Valkey does not read.
const FIRST_OF_REDIS: u32 = 12;

/// A version of Redis or Valkey.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Version {
    /// Redis 5.0.6, which has no users and no TLS.
    #[serde(rename = "Redis 5.0.6")]
    #[schemars(extend("x-help-zh" = "Redis 5.0.6，没有用户和 TLS"))]
    Redis5_0,
    /// Redis 6.0.
    #[serde(rename = "Redis 6.0")]
    #[schemars(extend("x-help-zh" = "Redis 6.0"))]
    Redis6_0,
    /// Redis 6.2.
    #[serde(rename = "Redis 6.2")]
    #[schemars(extend("x-help-zh" = "Redis 6.2"))]
    Redis6_2,
    /// Redis 7.0.
    #[serde(rename = "Redis 7.0")]
    #[schemars(extend("x-help-zh" = "Redis 7.0"))]
    Redis7_0,
    /// Redis 8.0.
    #[serde(rename = "Redis 8.0")]
    #[schemars(extend("x-help-zh" = "Redis 8.0"))]
    Redis8_0,
    /// Valkey 8.1.
    #[serde(rename = "Valkey 8.1")]
    #[schemars(extend("x-help-zh" = "Valkey 8.1"))]
    Valkey8_1,
    /// Valkey 9.1.
    #[serde(rename = "Valkey 9.1")]
    #[schemars(extend("x-help-zh" = "Valkey 9.1"))]
    Valkey9_1,
}

impl Version {
    /// Every version: those of Redis, then those of Valkey, each from the oldest one.
    pub const ALL: [Self; 7] = [
        Self::Redis5_0,
        Self::Redis6_0,
        Self::Redis6_2,
        Self::Redis7_0,
        Self::Redis8_0,
        Self::Valkey8_1,
        Self::Valkey9_1,
    ];

    /// The product and the version, as values name them.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Redis5_0 => "Redis 5.0.6",
            Self::Redis6_0 => "Redis 6.0",
            Self::Redis6_2 => "Redis 6.2",
            Self::Redis7_0 => "Redis 7.0",
            Self::Redis8_0 => "Redis 8.0",
            Self::Valkey8_1 => "Valkey 8.1",
            Self::Valkey9_1 => "Valkey 9.1",
        }
    }

    /// The repository of the official image.
    #[must_use]
    pub const fn repository(self) -> &'static str {
        match self {
            Self::Valkey8_1 | Self::Valkey9_1 => "valkey/valkey",
            _ => "library/redis",
        }
    }

    /// The tag of the official image.
    #[must_use]
    pub fn tag(self) -> &'static str {
        let name = self.name();
        name.split_once(' ').map_or(name, |(_, tag)| tag)
    }

    /// Whether there are users, each with as many passwords as are wanted, so that a password can be replaced while clients go on.
    #[must_use]
    pub const fn has_users(self) -> bool {
        !matches!(self, Self::Redis5_0)
    }

    /// Whether the server speaks TLS.
    #[must_use]
    pub const fn has_tls(self) -> bool {
        self.has_users()
    }

    /// Whether several threads read and write for clients.
    #[must_use]
    pub const fn has_threads(self) -> bool {
        self.has_users()
    }

    /// Whether `DEL` can be told to free memory in the background.
    #[must_use]
    pub const fn has_lazy_deletes(self) -> bool {
        self.has_users()
    }

    /// Whether `FLUSHALL` and `FLUSHDB` can be told the same.
    #[must_use]
    pub const fn has_lazy_flushes(self) -> bool {
        !matches!(self, Self::Redis5_0 | Self::Redis6_0)
    }

    /// Whether the append-only file is a directory of several files, which older servers do not see: such a one would begin without
    /// any data.
    #[must_use]
    pub const fn has_append_only_directory(self) -> bool {
        self.has_lazy_flushes() && !matches!(self, Self::Redis6_2)
    }

    /// Whether servers of a cluster tell each other, and clients, a name beside their address; and whether a replica can be told to
    /// stay with its master, and a master that has given its slots away to remain one.
    #[must_use]
    pub const fn has_hostnames(self) -> bool {
        self.has_append_only_directory()
    }

    /// Whether Sentinels take names of servers beside addresses.
    #[must_use]
    pub const fn has_sentinel_names(self) -> bool {
        self.has_lazy_flushes()
    }

    /// Whether servers of a cluster can announce a port for TLS beside that for plain text; otherwise they announce one for both.
    #[must_use]
    pub const fn announces_tls_port(self) -> bool {
        self.has_lazy_flushes()
    }

    /// The format in which the server writes snapshots.
    #[must_use]
    pub const fn snapshot_format(self) -> u32 {
        match self {
            Self::Redis5_0 | Self::Redis6_0 | Self::Redis6_2 => 9,
            Self::Redis7_0 => 10,
            Self::Valkey8_1 => 11,
            Self::Redis8_0 => 12,
            Self::Valkey9_1 => 80,
        }
    }

    /// Whether the server reads snapshots that another one wrote.
    #[must_use]
    pub const fn reads_snapshots_of(self, writer: Self) -> bool {
        let (own, other) = (self.snapshot_format(), writer.snapshot_format());
        let is_of_redis = other >= FIRST_OF_REDIS && other < FIRST_OF_VALKEY;
        other <= own && !(own >= FIRST_OF_VALKEY && is_of_redis)
    }

    /// Whether the server reads the append-only file that another one wrote, which begins with a snapshot.
    #[must_use]
    pub const fn reads_append_only_files_of(self, writer: Self) -> bool {
        let sees = self.has_append_only_directory() || !writer.has_append_only_directory();
        sees && self.reads_snapshots_of(writer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_name_versions_as_the_table_does() {
        for version in Version::ALL {
            assert_eq!(serde_json::to_value(version).unwrap(), version.name());
        }
        assert_eq!(Version::Redis5_0.tag(), "5.0.6");
        assert_eq!(Version::Valkey9_1.repository(), "valkey/valkey");
    }

    /// As seen: a row for each reader, a column for each writer, in the order of [`Version::ALL`].
    #[test]
    fn snapshots_are_read_by_those_that_were_seen_to_read_them() {
        let seen = [
            "yyy----", "yyy----", "yyy----", "yyyy---", "yyyyyy-", "yyyy-y-", "yyyy-yy",
        ];
        for (reader, row) in Version::ALL.into_iter().zip(seen) {
            for (writer, mark) in Version::ALL.into_iter().zip(row.chars()) {
                let reads = reader.reads_snapshots_of(writer);
                assert_eq!(reads, mark == 'y', "{reader:?} reads {writer:?}");
            }
        }
    }

    #[test]
    fn an_older_server_does_not_see_a_directory() {
        use Version::{Redis6_2, Redis7_0, Redis8_0};
        assert!(!Redis6_2.reads_append_only_files_of(Redis7_0));
        assert!(Redis7_0.reads_append_only_files_of(Redis6_2));
        assert!(!Redis7_0.reads_append_only_files_of(Redis8_0));
    }
}
