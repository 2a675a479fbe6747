//! References of images: as they are written, in full, and under a mirror.

use crate::policy::Mirror;

/// The registry of references that name none.
const DEFAULT_REGISTRY: &str = "docker.io";
/// Other names of it.
const DEFAULT_REGISTRY_NAMES: [&str; 2] = ["index.docker.io", "registry-1.docker.io"];
/// Where the default registry has repositories without a directory.
const DEFAULT_DIRECTORY: &str = "library";
/// The tag of references that name neither tag nor digest.
const DEFAULT_TAG: &str = "latest";

/// A reference with everything that is left out when it is written short.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct Reference {
    /// Registry and repository: `docker.io/library/nginx`.
    pub(crate) name: String,
    /// The tag, if one is written.
    pub(crate) tag: Option<String>,
    /// The digest, if one is written.
    pub(crate) digest: Option<String>,
}

impl Reference {
    /// Reads a reference. Whatever is not one becomes a name that no registry has.
    pub(crate) fn read(text: &str) -> Self {
        let (name, tag, digest) = split(text);
        Self {
            name: full_name(name),
            tag,
            digest,
        }
    }

    /// Reads a reference and leaves its name as short as it is.
    pub(crate) fn as_written(text: &str) -> Self {
        let (name, tag, digest) = split(text);
        Self {
            name: name.to_owned(),
            tag,
            digest,
        }
    }

    /// The reference in full, as patterns and lock files see it: `docker.io/library/nginx:latest`.
    pub(crate) fn full(&self) -> String {
        let default = self.digest.is_none().then_some(DEFAULT_TAG);
        self.written(self.tag.as_deref().or(default))
    }

    /// The reference with no more than was written behind the name.
    pub(crate) fn short(&self) -> String {
        self.written(self.tag.as_deref())
    }

    fn written(&self, tag: Option<&str>) -> String {
        let mut text = self.name.clone();
        if let Some(tag) = tag {
            text.push(':');
            text.push_str(tag);
        }
        if let Some(digest) = &self.digest {
            text.push('@');
            text.push_str(digest);
        }
        text
    }

    /// The reference under the mirror with the longest prefix, unless it is under a mirror already.
    pub(crate) fn mirrored(&self, mirrors: &[Mirror]) -> Option<Self> {
        if mirrors
            .iter()
            .any(|mirror| rest(&self.name, &mirror.to).is_some())
        {
            return None;
        }
        let (mirror, rest) = mirrors
            .iter()
            .filter_map(|mirror| Some((mirror, rest(&self.name, &mirror.from)?)))
            .min_by_key(|(_, rest)| rest.len())?;
        Some(Self {
            name: format!("{}{rest}", mirror.to.trim_end_matches('/')),
            ..self.clone()
        })
    }
}

/// What follows a prefix, if that ends where a part of the name ends.
pub(crate) fn rest<'a>(name: &'a str, prefix: &str) -> Option<&'a str> {
    let prefix = prefix.trim_end_matches('/');
    let rest = name.strip_prefix(prefix)?;
    (rest.is_empty() || rest.starts_with('/')).then_some(rest)
}

/// Whether a prefix begins with a registry, as references with a slash must to be meant so.
pub(crate) fn has_registry(prefix: &str) -> bool {
    let host = prefix.split('/').next().unwrap_or_default();
    host.contains(['.', ':']) || host == "localhost"
}

/// Name, tag and digest.
fn split(text: &str) -> (&str, Option<String>, Option<String>) {
    let (rest, digest) = match text.split_once('@') {
        Some((rest, digest)) => (rest, Some(digest.to_owned())),
        None => (text, None),
    };
    // A colon before the last slash is that of a port.
    match rest.rsplit_once(':') {
        Some((name, tag)) if !tag.contains('/') => (name, Some(tag.to_owned()), digest),
        _ => (rest, None, digest),
    }
}

fn full_name(name: &str) -> String {
    let (registry, repository) = match name.split_once('/') {
        Some((host, repository)) if has_registry(host) => (host, repository),
        _ => (DEFAULT_REGISTRY, name),
    };
    let default = registry == DEFAULT_REGISTRY || DEFAULT_REGISTRY_NAMES.contains(&registry);
    if !default {
        format!("{registry}/{repository}")
    } else if repository.contains('/') {
        format!("{DEFAULT_REGISTRY}/{repository}")
    } else {
        format!("{DEFAULT_REGISTRY}/{DEFAULT_DIRECTORY}/{repository}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_are_read_in_full() {
        for (text, full) in [
            ("nginx", "docker.io/library/nginx:latest"),
            ("bitnami/redis:7", "docker.io/bitnami/redis:7"),
            ("index.docker.io/nginx:1", "docker.io/library/nginx:1"),
            ("localhost/x", "localhost/x:latest"),
            ("registry:5000/a/b", "registry:5000/a/b:latest"),
            ("quay.io/a@sha256:1", "quay.io/a@sha256:1"),
            ("quay.io/a:2@sha256:1", "quay.io/a:2@sha256:1"),
        ] {
            assert_eq!(Reference::read(text).full(), full);
        }
    }

    #[test]
    fn the_longest_prefix_wins_and_what_is_mirrored_stays() {
        let mirror = |from: &str, to: &str| Mirror {
            from: from.to_owned(),
            to: to.to_owned(),
        };
        let mirrors = [
            mirror("docker.io", "mirror.test/hub/"),
            mirror("docker.io/library", "mirror.test/official"),
            mirror("mirror.test", "mirror.test/own"),
        ];
        for (text, short) in [
            ("nginx:1", Some("mirror.test/official/nginx:1")),
            ("a/b", Some("mirror.test/hub/a/b")),
            ("quay.io/a", None),
            ("mirror.test/hub/a", None),
            ("mirror.test/a", Some("mirror.test/own/a")),
            ("docker.io.test/a", None),
        ] {
            let mirrored = Reference::read(text).mirrored(&mirrors);
            assert_eq!(mirrored.map(|image| image.short()).as_deref(), short);
        }
    }
}
