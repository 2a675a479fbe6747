//! What a registry keeps under one tag: a configuration, layers and the manifest that names them by digest.

use std::collections::BTreeMap;

use oci_client::manifest::OCI_IMAGE_MEDIA_TYPE;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use crate::{Image, Package};

/// Bytes with their media type and digest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Blob {
    media_type: &'static str,
    bytes: Vec<u8>,
    digest: String,
}

impl Blob {
    /// Digests the bytes.
    pub(crate) fn new(media_type: &'static str, bytes: Vec<u8>) -> Self {
        let digest = digest(&bytes);
        Self {
            media_type,
            bytes,
            digest,
        }
    }

    /// What the bytes are.
    #[must_use]
    pub fn media_type(&self) -> &str {
        self.media_type
    }

    /// The bytes.
    #[must_use]
    pub fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// `sha256:` and 64 hexadecimal digits.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.digest
    }

    /// How a manifest names the bytes (OCI image specification, "Content Descriptors").
    pub(crate) fn descriptor(&self) -> Value {
        json!({ "mediaType": self.media_type, "digest": self.digest, "size": self.bytes.len() })
    }
}

/// `sha256:` and the digest of the bytes in hexadecimal digits.
pub fn digest(bytes: &[u8]) -> String {
    use std::fmt::Write;

    let mut text = "sha256:".to_owned();
    for byte in Sha256::digest(bytes) {
        // Writing into a String cannot fail.
        let _infallible = write!(text, "{byte:02x}");
    }
    text
}

/// Something that can be pushed: a packed chart, the hook image or signatures of one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Artifact {
    name: String,
    tag: String,
    config: Blob,
    layers: Vec<Blob>,
    manifest: Blob,
}

impl Artifact {
    /// Names configuration and layers in a manifest (OCI image specification 1.1, "Image Manifest").
    pub(crate) fn new(
        name: String,
        tag: String,
        config: Blob,
        layers: Vec<Blob>,
        annotations: &BTreeMap<String, String>,
    ) -> Self {
        let descriptors: Vec<Value> = layers.iter().map(Blob::descriptor).collect();
        Self::with_layers(name, tag, config, layers, &descriptors, annotations)
    }

    /// The same with layers that the manifest names in its own way: with annotations, or without their bytes being here
    /// because the registry has them.
    pub(crate) fn with_layers(
        name: String,
        tag: String,
        config: Blob,
        layers: Vec<Blob>,
        descriptors: &[Value],
        annotations: &BTreeMap<String, String>,
    ) -> Self {
        let manifest = json!({
            "schemaVersion": 2,
            "mediaType": OCI_IMAGE_MEDIA_TYPE,
            "config": config.descriptor(),
            "layers": descriptors,
            "annotations": annotations,
        });
        let manifest = Blob::new(OCI_IMAGE_MEDIA_TYPE, manifest.to_string().into_bytes());
        Self {
            name,
            tag,
            config,
            layers,
            manifest,
        }
    }

    /// The last part of the repository's name.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// The tag, made from the version.
    #[must_use]
    pub fn tag(&self) -> &str {
        &self.tag
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Blob {
        &self.config
    }

    /// The layers whose bytes are here.
    #[must_use]
    pub fn layers(&self) -> &[Blob] {
        &self.layers
    }

    /// The manifest; its digest is that of the whole.
    #[must_use]
    pub fn manifest(&self) -> &Blob {
        &self.manifest
    }
}

impl From<&Package> for Artifact {
    /// The form in which Helm keeps a chart in a registry (helm 3.22 and 4.3, `pkg/registry/constants.go`).
    fn from(package: &Package) -> Self {
        let metadata = package.metadata();
        let config = json!(metadata).to_string().into_bytes();
        Self::new(
            metadata.name.clone(),
            metadata.tag(),
            Blob::new("application/vnd.cncf.helm.config.v1+json", config),
            vec![package.archive().clone()],
            &metadata.annotations(package.created()),
        )
    }
}

impl From<&Image> for Artifact {
    fn from(image: &Image) -> Self {
        image.artifact().clone()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Timestamp;

    #[test]
    fn a_digest_is_that_of_sha256() {
        // The digest of no bytes, FIPS 180-4.
        assert_eq!(
            digest(b""),
            "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
    }

    #[test]
    fn a_chart_has_the_media_types_of_helm() {
        let files = [(
            "Chart.yaml".to_owned(),
            b"apiVersion: v2\nname: example\nversion: 1.2.3+4\n".to_vec(),
        )];
        let package = Package::new(&files.into(), Timestamp::DEFAULT).unwrap();
        let artifact = Artifact::from(&package);
        assert_eq!((artifact.name(), artifact.tag()), ("example", "1.2.3_4"));
        assert_eq!(
            artifact.config().bytes(),
            br#"{"name":"example","version":"1.2.3+4","apiVersion":"v2"}"#
        );
        let manifest: Value = serde_json::from_slice(artifact.manifest().bytes()).unwrap();
        assert_eq!(
            manifest["config"]["mediaType"],
            "application/vnd.cncf.helm.config.v1+json"
        );
        assert_eq!(
            manifest["layers"][0]["mediaType"],
            "application/vnd.cncf.helm.chart.content.v1.tar+gzip"
        );
        assert_eq!(manifest["layers"][0]["digest"], package.archive().digest());
        assert_eq!(artifact, Artifact::from(&package));
    }
}
