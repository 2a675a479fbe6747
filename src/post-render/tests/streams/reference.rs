//! The policy of the tests, carried out on values in the simplest way.

use serde_json::{Map, Value, json};

const SCALARS_OF_NOTHING: [&str; 5] = ["=", "=~", "=null", "=Null", "=NULL"];

/// Text as `tree` writes it.
fn text(value: &str) -> Value {
    json!(format!("'{value}"))
}

fn is_null(value: &Value) -> bool {
    value
        .as_str()
        .is_some_and(|value| SCALARS_OF_NOTHING.contains(&value))
}

/// The mapping at a key, which is made when there is none; nothing if there is something else.
fn mapping<'a>(value: &'a mut Value, key: &str) -> Option<&'a mut Value> {
    let child = value
        .as_object_mut()?
        .entry(key)
        .or_insert_with(|| json!({}));
    if is_null(child) {
        *child = json!({});
    }
    child.is_object().then_some(child)
}

fn set(value: &mut Value, outer: &str, entries: &[(&str, &str)]) {
    if let Some(Value::Object(found)) = mapping(value, outer) {
        for (key, wanted) in entries {
            if !found
                .get(*key)
                .is_some_and(|old| old.is_object() || old.is_array())
            {
                found.insert((*key).to_owned(), text(wanted));
            }
        }
    }
}

fn prepend(value: &mut Value, key: &str, wanted: Vec<Value>) {
    let Some(object) = value.as_object_mut() else {
        return;
    };
    let list = object.entry(key).or_insert_with(|| json!([]));
    if is_null(list) {
        *list = json!([]);
    }
    let Some(list) = list.as_array_mut() else {
        return;
    };
    let missing: Vec<Value> = wanted
        .into_iter()
        .filter(|item| !list.contains(item))
        .collect();
    list.splice(0..0, missing);
}

/// Carries the policy out on a document.
pub fn apply(document: &mut Value) {
    object(document, None);
}

fn content(value: &Value, key: &str) -> Option<String> {
    Some(value.get(key)?.as_str()?.get(1..)?.to_owned())
}

fn object(value: &mut Value, outer: Option<(String, String)>) {
    let version = content(value, "apiVersion").or(outer.clone().map(|outer| outer.0));
    let kind = content(value, "kind").or(outer.map(|outer| outer.1));
    let (Some(version), Some(kind)) = (version, kind) else {
        return;
    };
    if let Some(item) = kind.strip_suffix("List")
        && value.get("items").is_some()
    {
        let outer = (!item.is_empty()).then(|| (version, item.to_owned()));
        for item in value["items"].as_array_mut().into_iter().flatten() {
            object(item, outer.clone());
        }
        return;
    }
    let labels = [("example.org/team", "shop"), ("on", "1e3")];
    if let Some(metadata) = mapping(value, "metadata") {
        set(metadata, "labels", &labels);
        let mut annotations = Vec::new();
        if kind == "Deployment" || kind == "Pod" {
            annotations.push(("example.org/owner", "a: b"));
        }
        if kind == "PersistentVolumeClaim" || kind == "CustomResourceDefinition" {
            annotations.push(("helm.sh/resource-policy", "keep"));
        }
        if !annotations.is_empty() {
            set(metadata, "annotations", &annotations);
        }
    }
    let group = version.split_once('/').map_or("", |(group, _)| group);
    let pod = match (group, kind.as_str()) {
        ("", "Pod") => return pod(value.get_mut("spec")),
        ("", "PodTemplate") => value.get_mut("template"),
        ("", "ReplicationController")
        | ("batch", "Job")
        | ("apps", "StatefulSet")
        | ("apps" | "extensions", "Deployment" | "DaemonSet" | "ReplicaSet") => {
            value.pointer_mut("/spec/template")
        }
        ("batch", "CronJob") => value.pointer_mut("/spec/jobTemplate/spec/template"),
        _ => None,
    };
    let Some(template) = pod else { return };
    if is_null(template) {
        *template = json!({});
    }
    if let Some(metadata) = mapping(template, "metadata") {
        let present = metadata
            .get("labels")
            .and_then(Value::as_object)
            .cloned()
            .unwrap_or_else(Map::new);
        let missing: Vec<_> = labels
            .into_iter()
            .filter(|(key, _)| !present.contains_key(*key))
            .collect();
        if !missing.is_empty() {
            set(metadata, "labels", &missing);
        }
    }
    self::pod(template.get_mut("spec"));
}

fn pod(spec: Option<&mut Value>) {
    let Some(spec) = spec else { return };
    if is_null(spec) {
        *spec = json!({});
    }
    if !spec.is_object() {
        return;
    }
    let secrets = ["registry", "own"].map(|name| json!({ "name": text(name) }));
    prepend(spec, "imagePullSecrets", secrets.to_vec());
    let toleration =
        json!({ "key": text("pool"), "operator": text("Exists"), "tolerationSeconds": "=30" });
    prepend(spec, "tolerations", vec![toleration]);
    set(spec, "nodeSelector", &[("example.org/pool", "on")]);
    for list in ["initContainers", "containers", "ephemeralContainers"] {
        for container in spec
            .get_mut(list)
            .and_then(Value::as_array_mut)
            .into_iter()
            .flatten()
        {
            image(container.get_mut("image"));
        }
    }
    for volume in spec
        .get_mut("volumes")
        .and_then(Value::as_array_mut)
        .into_iter()
        .flatten()
    {
        image(volume.pointer_mut("/image/reference"));
    }
}

fn image(value: Option<&mut Value>) {
    let Some(value) = value else { return };
    let Some(image) = value
        .as_str()
        .and_then(|image| image.get(1..))
        .filter(|image| !image.is_empty())
    else {
        return;
    };
    let mut image = image.to_owned();
    for other in ["index.docker.io/", "docker.io/"] {
        if let Some(rest) = image.strip_prefix(other) {
            image = rest.to_owned();
        }
    }
    let host = image.split('/').next().unwrap().to_owned();
    let has_host = image.contains('/') && (host.contains(['.', ':']) || host == "localhost");
    let mut pinned = None;
    if !has_host {
        for (name, letter) in [
            ("nginx:1.27", "a"),
            ("busybox", "b"),
            ("busybox:latest", "b"),
        ] {
            if image == name || image == format!("library/{name}") {
                pinned = Some(letter.repeat(64));
            }
        }
        let directory = if image.contains('/') { "" } else { "library/" };
        image = format!("mirror.example.org/hub/{directory}{image}");
    } else if let Some(rest) = image.strip_prefix("quay.io/") {
        image = format!("mirror.example.org/quay/{rest}");
    } else {
        return;
    }
    if let Some(digest) = pinned {
        image.push_str("@sha256:");
        image.push_str(&digest);
    }
    *value = text(&image);
}
