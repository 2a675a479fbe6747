//! The chart `nfs-storage`: a storage class over a directory of an NFS server, and its provisioner.

use midships_model::model::Model;
use midships_model::nfs_storage::Values;
use serde_json::{Value, json};

use super::{Entry, Facts, reference, requested, sources, version};

/// The chart in the registry.
pub(super) const ENTRY: Entry = Entry {
    model: Model::of::<Values>(),
    title: "NFS storage",
    about: "A storage class over a directory of an NFS server, whose data outlive claims and releases.",
    keywords: &["nfs", "storage", "storage class", "provisioner", "volumes"],
    icon: include_str!("../templates/nfs-storage/icon.svg"),
    sources: sources!(
        "nfs-storage":
        "about.md",
        "Chart.yaml",
        "templates/NOTES.txt",
        "templates/_names.tpl",
        "templates/_rules.tpl",
        "templates/export.yaml",
        "templates/lock.yaml",
        "templates/network-policy.yaml",
        "templates/provisioner.yaml",
        "templates/rights.yaml",
        "templates/storage-class.yaml",
    ),
    read_by_the_hook: &[],
    facts,
};

/// What values amount to.
fn facts(values: &Value) -> Result<Facts, serde_json::Error> {
    let values: Values = serde_json::from_value(values.clone())?;
    let provisioner = &values.provisioner;
    let pods = [(provisioner.replicas, &provisioner.resources)];
    let (requested_cpu, requested_memory) = requested(&pods);
    let image = reference(&values.image_registry, &provisioner.image);
    Ok(Facts {
        product: "nfs-subdir-external-provisioner",
        app_version: version(&provisioner.image).to_owned(),
        what_notes_say: "how to use the storage class, and how to look at the data",
        what_test_does: None,
        who_asks: "What the provisioner asks for",
        requested_cpu,
        requested_memory,
        credentials: Value::Null,
        own: json!({ "provisionerImage": image }),
    })
}
