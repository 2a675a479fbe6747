//! Reproducible tar and gzip: the bytes depend on the entries and one instant only.

use std::io::{self, Write};

use flate2::{Compression, GzBuilder};
use tar::{Builder, EntryType, Header};

use crate::Timestamp;

/// One entry of an archive, owned by user and group 0 without names.
pub struct Entry<'a> {
    /// Relative path with `/` between its parts.
    pub path: &'a str,
    /// What the entry is.
    pub content: Content<'a>,
}

/// What an entry is.
pub enum Content<'a> {
    /// A directory, mode 0755.
    Directory,
    /// A file that everybody reads, mode 0644.
    File(&'a [u8]),
    /// A file that everybody reads and executes, mode 0755.
    Executable(&'a [u8]),
}

/// Writes the entries in the given order as a POSIX tar archive.
///
/// # Errors
/// When a path does not fit into the header of an entry (more than 255 bytes, or a last part of more than 100).
pub fn tar(entries: &[Entry<'_>], modified: Timestamp) -> io::Result<Vec<u8>> {
    let mut archive = Builder::new(Vec::new());
    for entry in entries {
        let (kind, mode, bytes) = match entry.content {
            Content::Directory => (EntryType::Directory, 0o755, &[][..]),
            Content::File(bytes) => (EntryType::Regular, 0o644, bytes),
            Content::Executable(bytes) => (EntryType::Regular, 0o755, bytes),
        };
        let mut header = Header::new_ustar();
        header.set_path(entry.path)?;
        header.set_entry_type(kind);
        header.set_mode(mode);
        header.set_uid(0);
        header.set_gid(0);
        header.set_mtime(modified.seconds());
        header.set_size(bytes.len() as u64);
        header.set_cksum();
        archive.append(&header, bytes)?;
    }
    archive.into_inner()
}

/// Compresses with the strongest level and a header without time, name and operating system.
///
/// # Errors
/// Never in memory; the signature is that of the writer.
pub fn gzip(bytes: &[u8]) -> io::Result<Vec<u8>> {
    // 255 is "unknown" in RFC 1952; the compiling machine's system must not show in the bytes.
    let mut encoder = GzBuilder::new()
        .mtime(0)
        .operating_system(255)
        .write(Vec::new(), Compression::best());
    encoder.write_all(bytes)?;
    encoder.finish()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_carry_nothing_of_the_machine() {
        let entries = [
            Entry {
                path: "etc",
                content: Content::Directory,
            },
            Entry {
                path: "etc/a",
                content: Content::File(b"one"),
            },
            Entry {
                path: "b",
                content: Content::Executable(b"two"),
            },
        ];
        let bytes = tar(&entries, Timestamp::DEFAULT).unwrap();
        assert_eq!(bytes, tar(&entries, Timestamp::DEFAULT).unwrap());
        let mut read = tar::Archive::new(bytes.as_slice());
        let mut seen = Vec::new();
        for entry in read.entries().unwrap() {
            let entry = entry.unwrap();
            let header = entry.header();
            assert_eq!(header.mtime().unwrap(), Timestamp::DEFAULT.seconds());
            assert_eq!((header.uid().unwrap(), header.gid().unwrap()), (0, 0));
            assert_eq!(header.username().unwrap(), Some(""));
            assert_eq!(header.groupname().unwrap(), Some(""));
            seen.push((
                entry.path().unwrap().to_string_lossy().into_owned(),
                header.mode().unwrap(),
            ));
        }
        assert_eq!(
            seen,
            [
                ("etc".into(), 0o755),
                ("etc/a".into(), 0o644),
                ("b".into(), 0o755)
            ]
        );
    }

    #[test]
    fn gzip_header_is_fixed() {
        let bytes = gzip(b"content").unwrap();
        // Magic, deflate, no flags, no time, strongest level, unknown system (RFC 1952 section 2.3).
        assert_eq!(bytes[..10], [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 2, 255]);
    }

    #[test]
    fn refuses_a_path_that_does_not_fit() {
        let path = "a".repeat(101);
        let entry = Entry {
            path: &path,
            content: Content::File(b""),
        };
        assert!(tar(&[entry], Timestamp::DEFAULT).is_err());
    }
}
