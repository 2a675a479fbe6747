//! The record that Helm keeps of a release: the Secret `sh.helm.release.v1.NAME.vN`, as Helm 3 and Helm 4 alike write it.
//!
//! Its key `release` holds base64 of gzip of JSON (`pkg/storage/driver/util.go` of both), and its
//! labels repeat name, revision and status (`secrets.go`). Both refuse an upgrade while the newest
//! revision is `pending-install`, `pending-upgrade` or `pending-rollback` (`pkg/action/upgrade.go`).

use std::io::{Read, Write};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use flate2::Compression;
use flate2::read::GzDecoder;
use flate2::write::GzEncoder;
use k8s_openapi::ByteString;
use k8s_openapi::api::core::v1 as core;
use kube::api::{Api, ListParams};
use serde_json::Value;

use crate::client::{Client, writing};
use crate::error::{Error, Result};

/// How large a record may be when unpacked. The API allows 1 MiB packed; charts are text and pack about 1:10.
const LARGEST: u64 = 64 << 20;

/// One revision of a Helm release.
#[derive(Clone, Debug)]
pub struct Revision {
    /// The release's name.
    pub release: String,
    /// The revision's number, from 1.
    pub number: u64,
    /// Its status as Helm tells it, such as `deployed` or `pending-upgrade`.
    pub status: String,
    /// Helm's own words about it.
    pub description: String,
    secret: core::Secret,
    record: Value,
}

impl Revision {
    /// Whether Helm believes that a client is at work on it, and so refuses an upgrade.
    #[must_use]
    pub fn pending(&self) -> bool {
        matches!(
            self.status.as_str(),
            "pending-install" | "pending-upgrade" | "pending-rollback"
        )
    }

    fn read(secret: core::Secret) -> Result<Self> {
        let object = format!(
            "Secret {}",
            secret.metadata.name.as_deref().unwrap_or_default()
        );
        let unreadable = |why: String| Error::Unreadable {
            object: object.clone(),
            why,
        };
        let packed = secret
            .data
            .as_ref()
            .and_then(|data| data.get("release"))
            .ok_or_else(|| unreadable("has no key release, which Helm writes".to_owned()))?;
        let record = unpack(&packed.0).map_err(&unreadable)?;
        let text = |pointer: &str| {
            record
                .pointer(pointer)
                .and_then(Value::as_str)
                .map(str::to_owned)
        };
        let release =
            text("/name").ok_or_else(|| unreadable("its record has no name".to_owned()))?;
        let status = text("/info/status")
            .ok_or_else(|| unreadable("its record has no info.status".to_owned()))?;
        let description = text("/info/description").unwrap_or_default();
        let number = record
            .get("version")
            .and_then(Value::as_u64)
            .ok_or_else(|| unreadable("its record has no version".to_owned()))?;
        Ok(Self {
            release,
            number,
            status,
            description,
            secret,
            record,
        })
    }

    fn failed(&self, description: &str) -> Result<core::Secret> {
        let mut secret = self.secret.clone();
        let object = format!(
            "Secret {}",
            secret.metadata.name.as_deref().unwrap_or_default()
        );
        let unreadable = |why: String| Error::Unreadable {
            object: object.clone(),
            why,
        };
        let mut record = self.record.clone();
        let information = record
            .get_mut("info")
            .and_then(Value::as_object_mut)
            .ok_or_else(|| unreadable("its record has no info".to_owned()))?;
        information.insert("status".to_owned(), Value::from("failed"));
        information.insert("description".to_owned(), Value::from(description));
        let packed = pack(&record).map_err(unreadable)?;
        secret
            .data
            .get_or_insert_default()
            .insert("release".to_owned(), ByteString(packed));
        secret
            .metadata
            .labels
            .get_or_insert_default()
            .insert("status".to_owned(), "failed".to_owned());
        secret.metadata.managed_fields = None;
        Ok(secret)
    }
}

impl Client {
    /// The newest revision of a Helm release, or nothing if Helm keeps no Secret of that name here.
    /// For people's commands: the Jobs of a release have no right to read Secrets.
    ///
    /// # Errors
    /// When there is no answer, or the record cannot be read.
    pub async fn newest_revision(&self, release: &str) -> Result<Option<Revision>> {
        let api: Api<core::Secret> = Api::namespaced(self.api.clone(), &self.namespace);
        let parameters = ListParams::default().labels(&format!("owner=helm,name={release}"));
        let object = format!("Secrets of Helm for the release {release}");
        // Metadata alone: the records hold all values of every revision.
        let list = self.bounded(object, api.list_metadata(&parameters)).await?;
        let newest = list
            .items
            .iter()
            .filter_map(|item| {
                let version = item
                    .metadata
                    .labels
                    .as_ref()?
                    .get("version")?
                    .parse::<u64>()
                    .ok()?;
                Some((version, item.metadata.name.clone()?))
            })
            .max();
        let Some((_, name)) = newest else {
            return Ok(None);
        };
        let secret = self
            .bounded(format!("Secret {name}"), api.get(&name))
            .await?;
        Revision::read(secret).map(Some)
    }

    /// Marks a revision failed, if its record is still the one that was read.
    ///
    /// # Errors
    /// [`Error::Refused`] with code 409 when Helm wrote in between.
    pub async fn mark_failed(&self, revision: &Revision, description: &str) -> Result<()> {
        let secret = revision.failed(description)?;
        let name = secret.metadata.name.clone().unwrap_or_default();
        let api: Api<core::Secret> = Api::namespaced(self.api.clone(), &self.namespace);
        self.bounded(
            format!("Secret {name}"),
            api.replace(&name, &writing(), &secret),
        )
        .await?;
        Ok(())
    }
}

fn unpack(packed: &[u8]) -> std::result::Result<Value, String> {
    let zipped = STANDARD
        .decode(packed)
        .map_err(|error| format!("its key release is not base64: {error}"))?;
    let mut text = Vec::new();
    GzDecoder::new(zipped.as_slice())
        .take(LARGEST + 1)
        .read_to_end(&mut text)
        .map_err(|error| format!("its key release is not gzip: {error}"))?;
    if u64::try_from(text.len()).unwrap_or(u64::MAX) > LARGEST {
        return Err(format!("its record is larger than {LARGEST} bytes"));
    }
    serde_json::from_slice(&text).map_err(|error| format!("its record is not JSON: {error}"))
}

fn pack(record: &Value) -> std::result::Result<Vec<u8>, String> {
    let text = serde_json::to_vec(record)
        .map_err(|error| format!("its record cannot be written: {error}"))?;
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    let zipped = encoder
        .write_all(&text)
        .and_then(|()| encoder.finish())
        .map_err(|error| format!("its record cannot be packed: {error}"))?;
    Ok(STANDARD.encode(zipped).into_bytes())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn secret(record: &Value) -> core::Secret {
        let mut secret = core::Secret::default();
        secret.metadata.name = Some("sh.helm.release.v1.a.v2".to_owned());
        secret.metadata.resource_version = Some("7".to_owned());
        let labels = [
            ("name", "a"),
            ("owner", "helm"),
            ("status", "pending-upgrade"),
            ("version", "2"),
        ];
        secret.metadata.labels = Some(
            labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), (*value).to_owned()))
                .collect(),
        );
        secret.data = Some([("release".to_owned(), ByteString(pack(record).unwrap()))].into());
        secret
    }

    #[test]
    fn marking_failed_changes_status_and_description_only() {
        let record = json!({
            "name": "a",
            "info": {"first_deployed": "2026-01-01T00:00:00Z", "description": "Preparing upgrade", "status": "pending-upgrade", "notes": "n"},
            "chart": {"values": {"z": 1.5, "a": [1, null, "ü"]}},
            "config": {}, "manifest": "---\n", "version": 2, "namespace": "n"
        });
        let revision = Revision::read(secret(&record)).unwrap();
        assert!(revision.pending());
        assert_eq!((revision.release.as_str(), revision.number), ("a", 2));
        assert_eq!(revision.description, "Preparing upgrade");

        let failed = revision.failed("the client went away").unwrap();
        assert_eq!(
            failed.metadata.resource_version.as_deref(),
            Some("7"),
            "the precondition is kept"
        );
        assert_eq!(failed.metadata.labels.as_ref().unwrap()["status"], "failed");
        assert_eq!(failed.metadata.labels.as_ref().unwrap()["version"], "2");
        let mut expected = record;
        expected["info"]["status"] = json!("failed");
        expected["info"]["description"] = json!("the client went away");
        let written = unpack(&failed.data.as_ref().unwrap()["release"].0).unwrap();
        assert_eq!(
            written.to_string(),
            expected.to_string(),
            "same fields in the same order"
        );
        assert!(!Revision::read(failed).unwrap().pending());
    }

    #[test]
    fn a_record_that_is_not_helms_is_refused() {
        for (broken, expected) in [
            (
                json!({"info": {"status": "failed"}, "version": 1}),
                "no name",
            ),
            (json!({"name": "a", "version": 1}), "no info.status"),
            (
                json!({"name": "a", "info": {"status": "failed"}}),
                "no version",
            ),
        ] {
            let error = Revision::read(secret(&broken)).unwrap_err().to_string();
            assert!(error.contains(expected), "{error}");
        }
        let mut bare = secret(&json!({}));
        bare.data
            .as_mut()
            .unwrap()
            .insert("release".to_owned(), ByteString(b"%".to_vec()));
        assert!(
            Revision::read(bare.clone())
                .unwrap_err()
                .to_string()
                .contains("not base64")
        );
        bare.data
            .as_mut()
            .unwrap()
            .insert("release".to_owned(), ByteString(b"YWJj".to_vec()));
        assert!(
            Revision::read(bare.clone())
                .unwrap_err()
                .to_string()
                .contains("not gzip")
        );
        bare.data = None;
        assert!(
            Revision::read(bare)
                .unwrap_err()
                .to_string()
                .contains("no key release")
        );
    }

    #[test]
    fn only_pending_states_lock_a_release() {
        for (status, locked) in [
            ("pending-install", true),
            ("pending-upgrade", true),
            ("pending-rollback", true),
            ("deployed", false),
            ("failed", false),
            ("uninstalling", false),
        ] {
            let record = json!({"name": "a", "info": {"status": status}, "version": 2});
            assert_eq!(
                Revision::read(secret(&record)).unwrap().pending(),
                locked,
                "{status}"
            );
        }
    }
}
