//! Which change of the product's version an upgrade may make.

use midships_client_rocketmq::ProductVersion;
use midships_engine::step::Problem;

/// The version that an image's tag begins with, such as `5.4.0` or `5.4.0-jdk17@sha256:…`.
pub(crate) fn of_tag(tag: &str) -> Option<ProductVersion> {
    let mut parts = tag.splitn(3, '.');
    let major = parts.next()?.parse().ok()?;
    let minor = parts.next()?.parse().ok()?;
    let rest = parts.next()?;
    let end = rest
        .find(|character: char| !character.is_ascii_digit())
        .unwrap_or(rest.len());
    let (patch, after) = rest.split_at(end);
    // More digits behind another dot are another scheme of versions.
    if after.starts_with('.') {
        return None;
    }
    ProductVersion::of_release(major, minor, patch.parse().ok()?)
}

/// Whether an image has a tag.
pub(crate) fn is_tagged(image: &str, tag: &str) -> bool {
    image
        .strip_suffix(tag)
        .is_some_and(|before| before.ends_with(':'))
}

/// Refuses a tag that would take a server that runs `running` back, or further than data may go at once.
pub(crate) fn check(
    object: &str,
    field: &str,
    running: ProductVersion,
    tag: &str,
) -> Result<(), Problem> {
    let problem = |why: String, remedy: &str| {
        Err(Problem {
            object: object.to_owned(),
            why,
            remedy: remedy.to_owned(),
        })
    };
    let Some(wanted) = of_tag(tag) else {
        return problem(
            format!(
                "`{field}` becomes `{tag}`, which does not begin with a version from 4.0.0 to 5.9.9, so that \
                 nobody can tell whether {running} may be changed to it"
            ),
            "give the image a tag that begins with its version, such as 5.4.0-mine",
        );
    };
    if wanted < running {
        return problem(
            format!(
                "it runs RocketMQ {running} and `{field}` says {wanted}: what a newer version has stored, an \
                 older one may not read"
            ),
            "keep the version or take a newer one; for an older one install a second release and move to it",
        );
    }
    let early = ProductVersion::of_release(4, 9, 0).is_some_and(|first| running < first);
    let five = ProductVersion::of_release(5, 0, 0).is_some_and(|first| wanted >= first);
    if early && five {
        return problem(
            format!("it runs RocketMQ {running}, and only 4.9 may be changed to {wanted}"),
            "upgrade to 4.9.7 first, then to 5.x",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn version(tag: &str) -> ProductVersion {
        of_tag(tag).unwrap()
    }

    #[test]
    fn a_tag_begins_with_a_version_or_names_none() {
        for (tag, found) in [
            ("5.4.0", "5.4.0"),
            ("4.9.7-jdk8", "4.9.7"),
            ("5.5.0@sha256:00", "5.5.0"),
        ] {
            assert_eq!(version(tag).to_string(), found);
        }
        for tag in [
            "latest", "5.4", "5.4.x", "5.4.0.1", "v5.4.0", "6.0.0", "", "5..0",
        ] {
            assert_eq!(of_tag(tag), None, "{tag}");
        }
    }

    #[test]
    fn versions_go_forward_and_from_4_9_to_5() {
        let judge = |running: &str, tag: &str| {
            check("broker b", "brokers.image.tag", version(running), tag)
        };
        for (running, tag) in [
            ("5.4.0", "5.4.0"),
            ("5.4.0", "5.5.0"),
            ("4.9.7", "5.4.0"),
            ("4.9.0", "5.0.0"),
            ("4.5.0", "4.9.7"),
        ] {
            assert_eq!(judge(running, tag), Ok(()), "{running} {tag}");
        }
        let why = |running: &str, tag: &str| judge(running, tag).unwrap_err().why;
        assert!(why("5.5.0", "5.4.0").contains("5.5.0") && why("5.5.0", "5.4.0").contains("older"));
        assert!(why("5.0.0", "4.9.7").contains("older"));
        assert!(why("4.5.0", "5.4.0").contains("only 4.9"));
        assert!(why("5.4.0", "latest").contains("does not begin"));
    }
}
