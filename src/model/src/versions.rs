//! Versions of the products: how an image tag is read, and what a version can do.
//!
//! The figures of `RocketMQ` come from its source at the release tags, and were seen on live servers where the product
//! says one thing and does another.

use std::cmp::Ordering;

/// A version of a product: three numbers and what follows them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Version {
    /// First number.
    pub major: u32,
    /// Second number.
    pub minor: u32,
    /// Third number.
    pub patch: u32,
    /// What follows the numbers after a dash, such as `ALPHA`; empty for a release.
    pub suffix: String,
}

impl Version {
    /// A released version.
    #[must_use]
    pub const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
            suffix: String::new(),
        }
    }

    /// Reads a version from an image tag such as `5.4.0` or `4.9.4-alpine@sha256:…`. None where the tag does not begin
    /// with three numbers.
    #[must_use]
    pub fn from_tag(tag: &str) -> Option<Self> {
        let tag = tag.split_once('@').map_or(tag, |(tag, _)| tag);
        let (numbers, suffix) = tag.split_once('-').unwrap_or((tag, ""));
        let mut parts = numbers.split('.').map(|part| part.parse::<u32>().ok());
        let version = Self {
            major: parts.next()??,
            minor: parts.next()??,
            patch: parts.next()??,
            suffix: suffix.to_owned(),
        };
        parts.next().is_none().then_some(version)
    }

    fn is_before_release(&self) -> bool {
        let suffix = self.suffix.to_ascii_uppercase();
        ["ALPHA", "BETA", "PREVIEW", "SNAPSHOT", "RC"]
            .iter()
            .any(|word| suffix.starts_with(word))
    }

    /// Whether this version has what `since` brought. A preview of a version counts as older than it.
    #[must_use]
    pub fn is_at_least(&self, since: &Self) -> bool {
        let own = (self.major, self.minor, self.patch);
        match own.cmp(&(since.major, since.minor, since.patch)) {
            Ordering::Greater => true,
            Ordering::Equal => !self.is_before_release(),
            Ordering::Less => false,
        }
    }
}

/// What some versions of `RocketMQ` can do and others cannot.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Ability {
    /// A running broker takes a new name server list. Older brokers accept it and go on as before.
    NameServerListWithoutRestart,
    /// The period with which a broker looks at its name server list can be set.
    NameServerListPeriod,
    /// A server tells its clients to go before it stops.
    GracefulShutdown,
}

impl Ability {
    /// Whether a version has the ability.
    #[must_use]
    pub fn is_in(self, version: &Version) -> bool {
        let since = match self {
            Self::NameServerListWithoutRestart => Version::new(4, 9, 4),
            Self::NameServerListPeriod => Version::new(5, 3, 1),
            Self::GracefulShutdown => Version::new(5, 3, 0),
        };
        let is_preview_of_five = version.major == 5 && !version.is_at_least(&Version::new(5, 0, 0));
        version.is_at_least(&since) && !is_preview_of_five
    }
}

/// The versions of `RocketMQ` with which the chart is tried.
pub const TRIED: [Version; 4] = [
    Version::new(4, 5, 0),
    Version::new(4, 9, 3),
    Version::new(4, 9, 7),
    Version::new(5, 4, 0),
];

#[cfg(test)]
mod tests {
    use super::*;

    fn can(tag: &str) -> bool {
        Ability::NameServerListWithoutRestart.is_in(&Version::from_tag(tag).unwrap())
    }

    #[test]
    fn tags_are_read() {
        assert_eq!(Version::from_tag("5.4.0"), Some(Version::new(5, 4, 0)));
        assert_eq!(
            Version::from_tag("4.9.4-alpine@sha256:00").unwrap().suffix,
            "alpine"
        );
        for tag in ["latest", "5.4", "5.4.0.1", "v5.4.0", ""] {
            assert_eq!(Version::from_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn the_name_server_list_is_taken_without_restart_since_4_9_4() {
        for tag in ["4.5.0", "4.9.3", "5.0.0-ALPHA", "5.0.0-PREVIEW"] {
            assert!(!can(tag), "{tag}");
        }
        for tag in ["4.9.4", "4.9.4-alpine", "4.9.7", "5.0.0", "5.4.0"] {
            assert!(can(tag), "{tag}");
        }
    }
}
