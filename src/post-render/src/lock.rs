//! The lock file: which digest an image has.

use std::collections::BTreeMap;

use serde::Deserialize;
use snafu::{Snafu, ensure};

use crate::image::Reference;
use crate::yaml;

const DIGEST_PREFIX: &str = "sha256:";
const DIGEST_LETTERS: usize = 64;

/// Why a lock file is refused.
#[derive(Debug, Snafu)]
pub enum LockError {
    /// It is no YAML document of the form `images: {REFERENCE: DIGEST}`.
    #[snafu(display("{message}"))]
    Form {
        /// What the reader said, with line and column.
        message: String,
    },
    /// A digest is none.
    #[snafu(display(
        "`images`: the digest of `{image}` is `{digest}`; allowed: `sha256:` and 64 letters of 0-9 and a-f"
    ))]
    Digest {
        /// The image.
        image: String,
        /// What is written for it.
        digest: String,
    },
    /// A reference has a digest of its own.
    #[snafu(display("`images`: `{image}` has a digest already; name it by its tag"))]
    Pinned {
        /// The image.
        image: String,
    },
    /// Two entries mean the same image.
    #[snafu(display("`images`: two entries mean `{image}`; leave one of them"))]
    Twice {
        /// The image in full.
        image: String,
    },
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    images: BTreeMap<String, String>,
}

/// Digests by the images' references in full.
#[derive(Clone, Debug, Default, Eq, PartialEq)]
pub struct Lock {
    digests: BTreeMap<String, String>,
}

impl Lock {
    /// Reads a lock file.
    ///
    /// # Errors
    /// When the text has another form, names an image twice or by a digest, or a digest is none.
    pub fn read(text: &str) -> Result<Self, LockError> {
        let file: File = yaml::read(text).map_err(|message| LockError::Form { message })?;
        let mut digests = BTreeMap::new();
        for (image, digest) in file.images {
            let letters = digest.strip_prefix(DIGEST_PREFIX).unwrap_or_default();
            let good = letters
                .bytes()
                .all(|letter| matches!(letter, b'0'..=b'9' | b'a'..=b'f'));
            ensure!(
                good && letters.len() == DIGEST_LETTERS,
                DigestSnafu { image, digest }
            );
            let reference = Reference::read(&image);
            ensure!(reference.digest.is_none(), PinnedSnafu { image });
            let full = reference.full();
            ensure!(
                digests.insert(full.clone(), digest).is_none(),
                TwiceSnafu { image: full }
            );
        }
        Ok(Self { digests })
    }

    /// The digest of an image.
    pub(crate) fn digest(&self, image: &Reference) -> Option<&str> {
        self.digests.get(&image.full()).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_image_is_found_however_it_is_written() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let lock = Lock::read(&format!("images:\n  nginx: {digest}\n")).unwrap();
        let found = lock.digest(&Reference::read("docker.io/library/nginx:latest"));
        assert_eq!(found, Some(digest.as_str()));
        assert_eq!(lock.digest(&Reference::read("nginx:1")), None);
    }

    #[test]
    fn a_lock_file_with_a_mistake_is_refused() {
        let digest = format!("sha256:{}", "0a".repeat(32));
        let refused = |text: &str| Lock::read(text).unwrap_err().to_string();
        insta::assert_snapshot!(refused("images:\n  nginx: sha256:1\n"), @"`images`: the digest of `nginx` is `sha256:1`; allowed: `sha256:` and 64 letters of 0-9 and a-f");
        let pinned = format!("images:\n  nginx@{digest}: {digest}\n");
        assert!(refused(&pinned).ends_with("has a digest already; name it by its tag"));
        let twice =
            format!("images:\n  nginx: {digest}\n  docker.io/library/nginx:latest: {digest}\n");
        let expected =
            "`images`: two entries mean `docker.io/library/nginx:latest`; leave one of them";
        assert_eq!(refused(&twice), expected);
        assert!(Lock::read("digests: {}\n").is_err());
    }
}
