//! Kubernetes objects in a document: one, or the items of a list; and where each has its pods and containers.

use crate::document::{Document, Id};
use crate::field::joined;
use crate::policy::Identity;

/// The lists of containers in a pod's spec.
const CONTAINER_LISTS: [&str; 3] = ["initContainers", "containers", "ephemeralContainers"];

/// An object.
#[derive(Clone, Debug)]
pub(crate) struct Object<'d> {
    /// Its node, a mapping.
    pub(crate) id: Id,
    /// `apiVersion`.
    pub(crate) api_version: &'d str,
    /// `kind`.
    pub(crate) kind: &'d str,
    /// `metadata.name`, or what names are made from.
    pub(crate) name: &'d str,
    /// `metadata.namespace`.
    pub(crate) namespace: Option<&'d str>,
}

/// A node with its path from the object.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// The path.
    pub(crate) path: String,
    /// The node.
    pub(crate) id: Id,
}

/// Every object of a document. What has no `apiVersion` or no `kind` is none.
pub(crate) fn objects<'d>(document: &'d Document<'_>) -> Vec<Object<'d>> {
    let mut found = Vec::new();
    if let Some(root) = document.root() {
        collect(document, root, None, &mut found);
    }
    found
}

/// What the items of a list are when they do not say it: `apiVersion` and `kind`.
type Outer<'d> = Option<(&'d str, &'d str)>;

fn collect<'d>(document: &'d Document<'_>, id: Id, outer: Outer<'d>, found: &mut Vec<Object<'d>>) {
    let text = |path: &[&str]| document.text_at(id, path);
    let api_version = text(&["apiVersion"]).or(outer.map(|outer| outer.0));
    let kind = text(&["kind"]).or(outer.map(|outer| outer.1));
    let (Some(api_version), Some(kind)) = (api_version, kind) else {
        return;
    };
    if let Some(item_kind) = kind.strip_suffix("List")
        && let Some(items) = document.get(id, "items")
    {
        let outer = (!item_kind.is_empty()).then_some((api_version, item_kind));
        for item in document.items(items) {
            collect(document, item, outer, found);
        }
        return;
    }
    found.push(Object {
        id,
        api_version,
        kind,
        name: text(&["metadata", "name"])
            .or_else(|| text(&["metadata", "generateName"]))
            .unwrap_or_default(),
        namespace: text(&["metadata", "namespace"]),
    });
}

impl Object<'_> {
    /// Where objects of this kind have what pods are made from; the object itself for a pod. Other groups have kinds of the
    /// same names with another form.
    pub(crate) fn template_path(&self) -> Option<&'static [&'static str]> {
        let group = self
            .api_version
            .split_once('/')
            .map_or("", |(group, _)| group);
        match (group, self.kind) {
            ("", "Pod") => Some(&[]),
            ("", "PodTemplate") => Some(&["template"]),
            ("", "ReplicationController")
            | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet")
            | ("apps", "StatefulSet")
            | ("batch", "Job") => Some(&["spec", "template"]),
            ("batch", "CronJob") => Some(&["spec", "jobTemplate", "spec", "template"]),
            _ => None,
        }
    }

    /// The spec of its pods.
    pub(crate) fn pod(&self, document: &Document<'_>) -> Option<Place> {
        let path = self.template_path()?;
        let id = document.get(document.find(self.id, path)?, "spec")?;
        let mut path = path.join(".");
        path = joined(&path, "spec");
        Some(Place { path, id })
    }

    /// Every container of its pods.
    pub(crate) fn containers(&self, document: &Document<'_>) -> Vec<Place> {
        let mut found = Vec::new();
        if let Some(pod) = self.pod(document) {
            for name in CONTAINER_LISTS {
                let items = document.get(pod.id, name);
                for (number, id) in items
                    .into_iter()
                    .flat_map(|id| document.items(id))
                    .enumerate()
                {
                    let path = format!("{}[{number}]", joined(&pod.path, name));
                    found.push(Place { path, id });
                }
            }
        }
        found
    }

    /// Every image that its pods use, as text: those of containers and those that are mounted as volumes.
    pub(crate) fn images(&self, document: &Document<'_>) -> Vec<Place> {
        let mut found = Vec::new();
        for container in self.containers(document) {
            if let Some(id) = document.get(container.id, "image") {
                let path = joined(&container.path, "image");
                found.push(Place { path, id });
            }
        }
        if let Some(pod) = self.pod(document) {
            let volumes = document.get(pod.id, "volumes");
            for (number, id) in volumes
                .into_iter()
                .flat_map(|id| document.items(id))
                .enumerate()
            {
                if let Some(id) = document.find(id, &["image", "reference"]) {
                    let path = format!("{}.volumes[{number}].image.reference", pod.path);
                    found.push(Place { path, id });
                }
            }
        }
        found.retain(|image| document.text(image.id).is_some_and(|text| !text.is_empty()));
        found
    }

    /// Calls a function with what selectors look at.
    pub(crate) fn identified<R>(
        &self,
        document: &Document<'_>,
        namespace: Option<&str>,
        function: impl FnOnce(&Identity<'_>) -> R,
    ) -> R {
        let label = |key: &str| {
            let value = document.find(self.id, &["metadata", "labels", key])?;
            document.text(value).map(ToOwned::to_owned)
        };
        function(&Identity {
            api_version: self.api_version,
            kind: self.kind,
            name: self.name,
            namespace: self.namespace.or(namespace),
            label: &label,
        })
    }
}
