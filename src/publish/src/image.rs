//! The hook image: one static binary and the little that a program from an empty file system needs.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use snafu::{OptionExt, ResultExt, Snafu, ensure};

use crate::archive::{self, Content, Entry};
use crate::artifact::digest;
use crate::{Artifact, Blob, Timestamp};

/// Why a program is not packed into an image.
#[derive(Debug, Snafu)]
pub enum Error {
    /// The file is not a program for Linux that this project builds.
    #[snafu(display(
        "binary: {problem}; give the `midships-hook` that `cargo build --release -p midships-hook` makes"
    ))]
    NotAProgram {
        /// What is wrong with it.
        problem: &'static str,
    },
    /// The program is for a processor that images are not built for.
    #[snafu(display(
        "binary: made for the processor with ELF machine number {machine}; allowed are 62 (amd64) and 183 (arm64)"
    ))]
    Machine {
        /// `e_machine` of the ELF header.
        machine: u16,
    },
    /// The program needs a dynamic loader, which an empty file system does not have.
    #[snafu(display(
        "binary: linked dynamically; an image made from scratch has no loader: link it with `-C \
         target-feature=+crt-static`"
    ))]
    Dynamic,
    /// The image would be larger than promised.
    #[snafu(display(
        "image: {bytes} bytes unpacked; allowed are fewer than {MAXIMUM_IMAGE_BYTES}: strip the binary or drop a \
         dependency"
    ))]
    TooLarge {
        /// Size of the layer's tar.
        bytes: usize,
    },
    /// The layer or the archive cannot be written.
    #[snafu(display("image: unable to write the archive: {source}"))]
    Archive {
        /// Why.
        source: std::io::Error,
    },
}

/// The limit of an image's size, unpacked: 20 MB.
pub const MAXIMUM_IMAGE_BYTES: usize = 20_000_000;

/// The user and the group that the program runs as: a number, so that `runAsNonRoot` can be checked, and the one that
/// images without a distribution commonly use.
const USER: &str = "65532:65532";

/// Where the program is in the image.
const ENTRYPOINT: &str = "/midships-hook";

/// The processors that images are built for, by the names that OCI took from Go.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Architecture {
    /// 64-bit x86.
    Amd64,
    /// 64-bit ARM.
    Arm64,
}

impl Architecture {
    /// The name in an image's configuration (OCI image specification, "Image Configuration").
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Amd64 => "amd64",
            Self::Arm64 => "arm64",
        }
    }

    /// Reads which processor a static ELF program is for (System V ABI, "ELF Header" and "Program Header").
    ///
    /// # Errors
    /// When the bytes are not a 64-bit little-endian ELF program, are for another processor, or need a loader.
    pub fn of_static_program(binary: &[u8]) -> Result<Self, Error> {
        fn number<const WIDTH: usize>(bytes: &[u8], at: usize) -> Option<[u8; WIDTH]> {
            bytes.get(at..)?.first_chunk().copied()
        }
        const CUT: NotAProgramSnafu<&str> = NotAProgramSnafu {
            problem: "its ELF header or its program headers are cut off",
        };
        const LOADER: u32 = 3;

        ensure!(
            binary.starts_with(b"\x7fELF"),
            NotAProgramSnafu {
                problem: "not an ELF file"
            }
        );
        ensure!(
            binary.get(4..6) == Some(&[2, 1]),
            NotAProgramSnafu {
                problem: "not a 64-bit little-endian ELF file"
            }
        );
        let kind = u16::from_le_bytes(number(binary, 16).context(CUT)?);
        ensure!(
            matches!(kind, 2 | 3),
            NotAProgramSnafu {
                problem: "an ELF file, but not a program"
            }
        );
        let architecture = match u16::from_le_bytes(number(binary, 18).context(CUT)?) {
            62 => Self::Amd64,
            183 => Self::Arm64,
            machine => return MachineSnafu { machine }.fail(),
        };
        let start = u64::from_le_bytes(number(binary, 32).context(CUT)?);
        let start = usize::try_from(start).ok().context(CUT)?;
        let width = usize::from(u16::from_le_bytes(number(binary, 54).context(CUT)?));
        let count = usize::from(u16::from_le_bytes(number(binary, 56).context(CUT)?));
        for index in 0..count {
            let at = start.checked_add(index * width).context(CUT)?;
            let kind = u32::from_le_bytes(number(binary, at).context(CUT)?);
            ensure!(kind != LOADER, DynamicSnafu);
        }
        Ok(architecture)
    }
}

/// The hook image.
#[derive(Clone, Debug)]
pub struct Image {
    architecture: Architecture,
    unpacked_bytes: usize,
    artifact: Artifact,
}

impl Image {
    /// The last part of the image's repository, beside the charts.
    pub const NAME: &'static str = "hook";

    /// Packs a static program as an image of one layer; `version` becomes the tag.
    ///
    /// # Errors
    /// When the program is not a static one for a known processor, or the image reaches [`MAXIMUM_IMAGE_BYTES`].
    pub fn new(binary: &[u8], version: &str, created: Timestamp) -> Result<Self, Error> {
        let architecture = Architecture::of_static_program(binary)?;
        let layer = archive::tar(
            &[
                Entry {
                    path: "etc",
                    content: Content::Directory,
                },
                // The C library resolves names through what this file lists.
                Entry {
                    path: "etc/nsswitch.conf",
                    content: Content::File(b"hosts: files dns\n"),
                },
                Entry {
                    path: ENTRYPOINT.trim_start_matches('/'),
                    content: Content::Executable(binary),
                },
            ],
            created,
        )
        .context(ArchiveSnafu)?;
        let unpacked_bytes = layer.len();
        ensure!(
            unpacked_bytes < MAXIMUM_IMAGE_BYTES,
            TooLargeSnafu {
                bytes: unpacked_bytes
            }
        );
        let config = json!({
            "architecture": architecture.name(),
            "config": { "Entrypoint": [ENTRYPOINT], "User": USER, "WorkingDir": "/" },
            "created": created.rfc3339(),
            "history": [{ "created": created.rfc3339(), "created_by": "midships image" }],
            "os": "linux",
            "rootfs": { "diff_ids": [digest(&layer)], "type": "layers" },
        });
        let annotations: BTreeMap<String, String> = [
            ("created", created.rfc3339()),
            (
                "description",
                "What the Jobs of midships charts run".to_owned(),
            ),
            ("licenses", "Apache-2.0".to_owned()),
            ("title", "midships-hook".to_owned()),
            ("version", version.to_owned()),
        ]
        .map(|(key, value)| (format!("org.opencontainers.image.{key}"), value))
        .into();
        let artifact = Artifact::new(
            Self::NAME.to_owned(),
            version.replace('+', "_"),
            Blob::new(
                "application/vnd.oci.image.config.v1+json",
                config.to_string().into_bytes(),
            ),
            vec![Blob::new(
                "application/vnd.oci.image.layer.v1.tar+gzip",
                archive::gzip(&layer).context(ArchiveSnafu)?,
            )],
            &annotations,
        );
        Ok(Self {
            architecture,
            unpacked_bytes,
            artifact,
        })
    }

    /// The processor that the program was built for.
    #[must_use]
    pub fn architecture(&self) -> Architecture {
        self.architecture
    }

    /// The size of the image on a node, in bytes.
    #[must_use]
    pub fn unpacked_bytes(&self) -> usize {
        self.unpacked_bytes
    }

    /// What a registry keeps.
    #[must_use]
    pub fn artifact(&self) -> &Artifact {
        &self.artifact
    }

    /// One file that `ctr images import`, `podman load` and `docker load` read: an OCI image layout with the manifest of
    /// a Docker archive beside it. The image is called `reference`, such as `registry.example.org/midships/hook:0.1.0`.
    ///
    /// # Errors
    /// Never in memory; the signature is that of the writer.
    pub fn archive(&self, reference: &str, created: Timestamp) -> Result<Vec<u8>, Error> {
        let path = |blob: &Blob| format!("blobs/{}", blob.digest().replace(':', "/"));
        let mut descriptor = self.artifact.manifest().descriptor();
        descriptor["platform"] = json!({ "architecture": self.architecture.name(), "os": "linux" });
        descriptor["annotations"] = json!({
            "io.containerd.image.name": reference,
            "org.opencontainers.image.ref.name": self.artifact.tag(),
        });
        let index = json!({
            "schemaVersion": 2,
            "mediaType": "application/vnd.oci.image.index.v1+json",
            "manifests": [descriptor],
        });
        let layers: Vec<String> = self.artifact.layers().iter().map(path).collect();
        let docker = json!([{
            "Config": path(self.artifact.config()),
            "RepoTags": [reference],
            "Layers": layers,
        }]);
        let text = |value: &Value| value.to_string().into_bytes();
        let mut files: BTreeMap<String, Vec<u8>> = [
            ("index.json", text(&index)),
            ("manifest.json", text(&docker)),
            (
                "oci-layout",
                text(&json!({ "imageLayoutVersion": "1.0.0" })),
            ),
        ]
        .map(|(path, bytes)| (path.to_owned(), bytes))
        .into();
        let described = [self.artifact.config(), self.artifact.manifest()];
        for blob in self.artifact.layers().iter().chain(described) {
            files.insert(path(blob), blob.bytes().to_vec());
        }
        let entries: Vec<Entry<'_>> = ["blobs", "blobs/sha256"]
            .into_iter()
            .map(|path| Entry {
                path,
                content: Content::Directory,
            })
            .chain(files.iter().map(|(path, bytes)| Entry {
                path,
                content: Content::File(bytes),
            }))
            .collect();
        archive::tar(&entries, created).context(ArchiveSnafu)
    }
}

#[cfg(test)]
mod tests {
    use std::io::Read;

    use super::*;

    /// A program with the given machine number and kinds of program headers.
    fn program(machine: u16, headers: &[u32]) -> Vec<u8> {
        let mut bytes = vec![0; 64];
        bytes[..6].copy_from_slice(b"\x7fELF\x02\x01");
        bytes[16..18].copy_from_slice(&3_u16.to_le_bytes());
        bytes[18..20].copy_from_slice(&machine.to_le_bytes());
        bytes[32..40].copy_from_slice(&64_u64.to_le_bytes());
        bytes[54..56].copy_from_slice(&56_u16.to_le_bytes());
        bytes[56..58].copy_from_slice(&u16::try_from(headers.len()).unwrap().to_le_bytes());
        for kind in headers {
            bytes.extend(kind.to_le_bytes());
            bytes.extend([0; 52]);
        }
        bytes
    }

    #[test]
    fn knows_the_processor_of_a_static_program() {
        for (machine, name) in [(62, "amd64"), (183, "arm64")] {
            let image =
                Image::new(&program(machine, &[1, 2]), "0.1.0", Timestamp::DEFAULT).unwrap();
            assert_eq!(image.architecture().name(), name);
            let config: Value = serde_json::from_slice(image.artifact().config().bytes()).unwrap();
            assert_eq!(config["architecture"], name);
            assert_eq!(config["config"]["User"], "65532:65532");
        }
    }

    #[test]
    fn refuses_what_could_not_run_from_scratch() {
        let mut cut = program(62, &[1, 1]);
        cut.truncate(70 + 48);
        let mut object = program(62, &[]);
        object[16] = 1;
        let mut large = program(62, &[]);
        large.resize(MAXIMUM_IMAGE_BYTES, 0);
        for (binary, expected) in [
            (b"#!/bin/sh\n".to_vec(), "binary: not an ELF file"),
            (
                b"\x7fELF\x01\x01".to_vec(),
                "binary: not a 64-bit little-endian ELF file",
            ),
            (
                b"\x7fELF\x02\x01".to_vec(),
                "binary: its ELF header or its program headers are cut off",
            ),
            (
                cut,
                "binary: its ELF header or its program headers are cut off",
            ),
            (object, "binary: an ELF file, but not a program"),
            (
                program(40, &[]),
                "binary: made for the processor with ELF machine number 40",
            ),
            (program(62, &[1, 3]), "binary: linked dynamically"),
            (
                large,
                "image: 20003328 bytes unpacked; allowed are fewer than 20000000",
            ),
        ] {
            let message = Image::new(&binary, "0.1.0", Timestamp::DEFAULT)
                .unwrap_err()
                .to_string();
            assert!(message.starts_with(expected), "{message}");
        }
    }

    #[test]
    fn the_archive_names_every_blob_by_its_digest() {
        let image = Image::new(&program(62, &[1]), "0.1.0+1", Timestamp::DEFAULT).unwrap();
        assert_eq!(image.artifact().tag(), "0.1.0_1");
        let bytes = image
            .archive("example.org/hook:0.1.0_1", Timestamp::DEFAULT)
            .unwrap();
        assert_eq!(
            bytes,
            image
                .archive("example.org/hook:0.1.0_1", Timestamp::DEFAULT)
                .unwrap()
        );
        let mut files = BTreeMap::new();
        for entry in tar::Archive::new(bytes.as_slice()).entries().unwrap() {
            let mut entry = entry.unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            files.insert(entry.path().unwrap().to_string_lossy().into_owned(), bytes);
        }
        let index: Value = serde_json::from_slice(&files["index.json"]).unwrap();
        let descriptor = &index["manifests"][0];
        assert_eq!(descriptor["digest"], image.artifact().manifest().digest());
        assert_eq!(
            descriptor["annotations"]["io.containerd.image.name"],
            "example.org/hook:0.1.0_1"
        );
        let blobs: Vec<_> = files.iter().filter(|(path, _)| path.len() > 60).collect();
        assert_eq!(blobs.len(), 3);
        for (path, bytes) in blobs {
            assert_eq!(path.replace("blobs/sha256/", "sha256:"), digest(bytes));
        }
    }
}
