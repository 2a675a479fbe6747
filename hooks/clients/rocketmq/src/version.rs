//! The product's version as each frame's header carries it: an ordinal of the product's own table of versions.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Ordinal of 4.0.0, the first release under this name.
const FIRST_OF_FOUR: i32 = 213;
/// Ordinal of 5.0.0.
const FIRST_OF_FIVE: i32 = 413;
/// Ordinal of 5.9.9, the last release that the table of every known server has a place for.
const LAST_OF_FIVE: i32 = 611;
/// Ordinal of 4.9.4, the first release that reads its name-server list again while it runs.
const FIRST_TO_RELOAD: i32 = 401;
/// Ordinals of a minor version: ten patch levels, each a snapshot and a release.
const PER_MINOR: i32 = 20;

/// The version of the server that made a frame: the ordinal in the product's class `MQVersion`.
///
/// The table has ten minor versions of ten patch levels for each major one, whether they were ever released or not;
/// each patch level has a snapshot (even) and a release (odd) in that order. 4.0.0 is 213 and 5.0.0 is 413.
#[derive(
    Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash, Serialize, Deserialize, Default,
)]
#[serde(transparent)]
pub struct ProductVersion(pub i32);

/// An ordinal taken apart.
struct Parts {
    major: i32,
    minor: i32,
    patch: i32,
    snapshot: bool,
}

impl ProductVersion {
    /// 5.0.0, the first release of 5.x.
    pub const FIRST_OF_FIVE: Self = Self(FIRST_OF_FIVE);

    /// The version of a release, for example 4, 9, 4; none outside of 4.0.0 to 4.9.9 and 5.0.0 to 5.9.9.
    #[must_use]
    pub fn of_release(major: i32, minor: i32, patch: i32) -> Option<Self> {
        let first = match major {
            4 => FIRST_OF_FOUR,
            5 => FIRST_OF_FIVE,
            _ => return None,
        };
        if !(0..=9).contains(&minor) || !(0..=9).contains(&patch) {
            return None;
        }
        Some(Self(first + PER_MINOR * minor + 2 * patch))
    }

    /// Whether a broker of this version takes a new list of name servers while it runs. None when that is not known,
    /// and then nothing may be concluded from it.
    ///
    /// Releases from 4.9.4 and from 5.0.0 on read `namesrvAddr` again, every 120 seconds unless configured otherwise;
    /// older ones accept the new value and never act on it. Unknown are: 3.x; snapshots from 4.9.4 on; 5.0.1 to
    /// 5.0.9, which were never released and whose ordinals the 5.0.0 early-access builds used (5.0.0-ALPHA says 415),
    /// and these lack the reload; and everything after 5.9.9, where the known table ends. The build 5.0.0-PREVIEW
    /// lacks the reload and yet says 413 as 5.0.0 does: [`ProductVersion::is_named`] tells the two apart.
    #[must_use]
    pub fn reloads_name_servers(self) -> Option<bool> {
        let snapshot = self.0 % 2 == 0;
        match self.0 {
            FIRST_OF_FOUR..FIRST_TO_RELOAD if self.0 < FIRST_TO_RELOAD - 1 => Some(false),
            FIRST_TO_RELOAD..=FIRST_OF_FIVE if !snapshot => Some(true),
            _ if self.0 >= FIRST_OF_FIVE + PER_MINOR && self.0 <= LAST_OF_FIVE && !snapshot => {
                Some(true)
            }
            _ => None,
        }
    }

    /// Whether another build says this ordinal too, so that the broker's own description has to be asked for:
    /// see [`ProductVersion::is_named`].
    #[must_use]
    pub fn is_ambiguous(self) -> bool {
        self.0 == FIRST_OF_FIVE
    }

    /// Whether a broker's own description of its version (`brokerVersionDesc` in its runtime information, for example
    /// `V5_0_0` or `V5_0_0_PREVIEW`) names the version that this ordinal stands for.
    #[must_use]
    pub fn is_named(self, description: &str) -> bool {
        self.parts().is_some_and(|parts| {
            let suffix = if parts.snapshot { "_SNAPSHOT" } else { "" };
            description == format!("V{}_{}_{}{suffix}", parts.major, parts.minor, parts.patch)
        })
    }

    fn parts(self) -> Option<Parts> {
        let (major, first) = match self.0 {
            ordinal if (FIRST_OF_FOUR - 1..FIRST_OF_FIVE - 1).contains(&ordinal) => {
                (4, FIRST_OF_FOUR - 1)
            }
            ordinal if (FIRST_OF_FIVE - 1..=LAST_OF_FIVE).contains(&ordinal) => {
                (5, FIRST_OF_FIVE - 1)
            }
            _ => return None,
        };
        let within = self.0 - first;
        Some(Parts {
            major,
            minor: within / PER_MINOR,
            patch: within % PER_MINOR / 2,
            snapshot: within % 2 == 0,
        })
    }
}

impl fmt::Display for ProductVersion {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.parts() {
            Some(parts) => {
                let suffix = if parts.snapshot { "-SNAPSHOT" } else { "" };
                write!(
                    formatter,
                    "{}.{}.{}{suffix}",
                    parts.major, parts.minor, parts.patch
                )
            }
            None => write!(formatter, "unknown ({})", self.0),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ordinals_are_named_as_the_product_names_them() {
        for (ordinal, name) in [
            (212, "4.0.0-SNAPSHOT"),
            (213, "4.0.0"),
            (313, "4.5.0"),
            (317, "4.5.2"),
            (399, "4.9.3"),
            (400, "4.9.4-SNAPSHOT"),
            (401, "4.9.4"),
            (411, "4.9.9"),
            (412, "5.0.0-SNAPSHOT"),
            (413, "5.0.0"),
            (475, "5.3.1"),
            (493, "5.4.0"),
            (513, "5.5.0"),
            (611, "5.9.9"),
            (612, "unknown (612)"),
            (211, "unknown (211)"),
            (0, "unknown (0)"),
            (-1, "unknown (-1)"),
            (i32::MIN, "unknown (-2147483648)"),
        ] {
            assert_eq!(ProductVersion(ordinal).to_string(), name);
        }
    }

    #[test]
    fn a_release_and_its_ordinal_agree() {
        for major in [4, 5] {
            for minor in 0..10 {
                for patch in 0..10 {
                    let version = ProductVersion::of_release(major, minor, patch).unwrap();
                    assert_eq!(version.to_string(), format!("{major}.{minor}.{patch}"));
                    assert!(version.is_named(&format!("V{major}_{minor}_{patch}")));
                }
            }
        }
        assert_eq!(ProductVersion::of_release(6, 0, 0), None);
        assert_eq!(ProductVersion::of_release(5, 10, 0), None);
        assert_eq!(ProductVersion::of_release(5, 0, -1), None);
    }

    #[test]
    fn only_releases_that_are_known_to_reload_say_so() {
        for ordinal in 401..=413 {
            let expected = (ordinal % 2 == 1).then_some(true);
            assert_eq!(
                ProductVersion(ordinal).reloads_name_servers(),
                expected,
                "{ordinal}"
            );
        }
        for ordinal in 213..=399 {
            assert_eq!(
                ProductVersion(ordinal).reloads_name_servers(),
                Some(false),
                "{ordinal}"
            );
        }
        for ordinal in (414..=432).chain([400, 212, 0, -1, 612, 613, 10_000, i32::MAX, i32::MIN]) {
            assert_eq!(
                ProductVersion(ordinal).reloads_name_servers(),
                None,
                "{ordinal}"
            );
        }
        for ordinal in 433..=611 {
            let expected = (ordinal % 2 == 1).then_some(true);
            assert_eq!(
                ProductVersion(ordinal).reloads_name_servers(),
                expected,
                "{ordinal}"
            );
        }
    }

    #[test]
    fn an_early_access_build_is_told_from_the_release_of_the_same_ordinal() {
        assert!(ProductVersion(413).is_named("V5_0_0"));
        assert!(!ProductVersion(413).is_named("V5_0_0_PREVIEW"));
        assert!(!ProductVersion(0).is_named("V3_0_0_SNAPSHOT"));
    }
}
