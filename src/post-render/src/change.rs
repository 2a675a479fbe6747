//! What a policy changes in an object.

use serde_json::{Map, Value, json};

use crate::deny::Fault;
use crate::document::{Document, Id};
use crate::edit::{Editor, OddLayout};
use crate::image::Reference;
use crate::lock::Lock;
use crate::object::Object;
use crate::policy::{Identity, Policy, Selector, Unlocked};

/// The annotation with which Helm leaves an object.
const KEEP: (&str, &str) = ("helm.sh/resource-policy", "keep");
/// The rule that images without a digest break.
const DIGEST_RULE: &str = "images.digests";

/// Brings the policy into an object, and returns the faults that stand in its way.
pub(crate) fn change(
    policy: &Policy,
    lock: Option<&Lock>,
    namespace: Option<&str>,
    document: &Document<'_>,
    object: &Object<'_>,
    editor: &mut Editor<'_, '_>,
) -> Result<Vec<Fault>, OddLayout> {
    let patch = object.identified(document, namespace, |identity| {
        patch(policy, document, object, identity)
    });
    if !patch.is_empty() {
        editor.merge(object.id, &patch)?;
    }
    images(policy, lock, document, object, editor)
}

/// Everything but images, as a mapping to be brought into the object.
fn patch(
    policy: &Policy,
    document: &Document<'_>,
    object: &Object<'_>,
    identity: &Identity<'_>,
) -> Map<String, Value> {
    let mut patch = Map::new();
    let template = object.template_path().filter(|keys| {
        // A pod has no template: it is one.
        !keys.is_empty() && document.find(object.id, keys).is_some()
    });
    for entry in policy
        .labels
        .iter()
        .filter(|entry| entry.selector.selects(identity))
    {
        for (key, value) in &entry.set {
            put(&mut patch, &["metadata", "labels"], key, json!(value));
            if let Some(template) = template.filter(|_| entry.pod_templates) {
                let keys = [template, &["metadata", "labels"]].concat();
                // Selectors of this and of other objects may look for what is there.
                if document
                    .find(object.id, &keys)
                    .and_then(|labels| document.get(labels, key))
                    .is_none()
                {
                    put(&mut patch, &keys, key, json!(value));
                }
            }
        }
    }
    for entry in policy
        .annotations
        .iter()
        .filter(|entry| entry.selector.selects(identity))
    {
        for (key, value) in &entry.set {
            put(&mut patch, &["metadata", "annotations"], key, json!(value));
            if let Some(template) = template.filter(|_| entry.pod_templates) {
                let keys = [template, &["metadata", "annotations"]].concat();
                put(&mut patch, &keys, key, json!(value));
            }
        }
    }
    if policy
        .keep
        .iter()
        .any(|selector| selector.selects(identity))
    {
        let (key, value) = KEEP;
        put(&mut patch, &["metadata", "annotations"], key, json!(value));
    }
    if let (Some(template), Some(pod)) = (object.template_path(), object.pod(document)) {
        let keys = [template, &["spec"]].concat();
        pull_secrets(policy, document, pod.id, identity, &keys, &mut patch);
        placement(policy, document, pod.id, identity, &keys, &mut patch);
    }
    patch
}

fn pull_secrets(
    policy: &Policy,
    document: &Document<'_>,
    pod: Id,
    identity: &Identity<'_>,
    keys: &[&str],
    patch: &mut Map<String, Value>,
) {
    let chosen = |selector: &Selector| selector.selects(identity);
    let entries = policy
        .pull_secrets
        .iter()
        .filter(|entry| chosen(&entry.selector));
    let wanted = entries
        .flat_map(|entry| &entry.names)
        .map(|name| json!({ "name": name }));
    append(document, pod, "imagePullSecrets", wanted, keys, patch);
}

fn placement(
    policy: &Policy,
    document: &Document<'_>,
    pod: Id,
    identity: &Identity<'_>,
    keys: &[&str],
    patch: &mut Map<String, Value>,
) {
    let chosen = |selector: &Selector| selector.selects(identity);
    let entries: Vec<_> = policy
        .placement
        .iter()
        .filter(|entry| chosen(&entry.selector))
        .collect();
    for entry in &entries {
        for (key, value) in &entry.node_selector {
            put(
                patch,
                &[keys, &["nodeSelector"]].concat(),
                key,
                json!(value),
            );
        }
    }
    let tolerations = entries.iter().flat_map(|entry| &entry.tolerations);
    let wanted = tolerations.map(|toleration| json!(toleration));
    append(document, pod, "tolerations", wanted, keys, patch);
}

/// Wants items in a list of the pod's spec, but for those that are there.
fn append(
    document: &Document<'_>,
    pod: Id,
    key: &str,
    wanted: impl Iterator<Item = Value>,
    keys: &[&str],
    patch: &mut Map<String, Value>,
) {
    let list = document.get(pod, key);
    let mut known: Vec<Value> = list
        .into_iter()
        .flat_map(|list| document.items(list))
        .map(|item| document.value(item))
        .collect();
    let mut missing = Vec::new();
    for item in wanted {
        if !known.contains(&item) {
            known.push(item.clone());
            missing.push(item);
        }
    }
    if !missing.is_empty() {
        put(patch, keys, key, Value::Array(missing));
    }
}

/// Puts a value into mappings within mappings, which are made where they lack.
fn put(patch: &mut Map<String, Value>, keys: &[&str], key: &str, value: Value) {
    let Some((name, rest)) = keys.split_first() else {
        patch.insert(key.to_owned(), value);
        return;
    };
    let inner = patch
        .entry(*name)
        .or_insert_with(|| Value::Object(Map::new()));
    if let Value::Object(inner) = inner {
        put(inner, rest, key, value);
    }
}

fn images(
    policy: &Policy,
    lock: Option<&Lock>,
    document: &Document<'_>,
    object: &Object<'_>,
    editor: &mut Editor<'_, '_>,
) -> Result<Vec<Fault>, OddLayout> {
    let mut faults = Vec::new();
    let refuse = policy.images.digests.unlocked == Unlocked::Refuse;
    if policy.images.mirrors.is_empty() && lock.is_none() && !refuse {
        return Ok(faults);
    }
    for place in object.images(document) {
        let Some(text) = document.text(place.id) else {
            continue;
        };
        let written = Reference::read(text);
        let mirrored = written.mirrored(&policy.images.mirrors);
        let mut result = mirrored.clone();
        if written.digest.is_none() {
            let digest = lock.and_then(|lock| {
                let direct = lock.digest(&written);
                direct.or_else(|| lock.digest(mirrored.as_ref()?))
            });
            if let Some(digest) = digest {
                let mut pinned = mirrored.unwrap_or_else(|| Reference::as_written(text));
                pinned.digest = Some(digest.to_owned());
                result = Some(pinned);
            } else if refuse {
                faults.push(Fault {
                    rule: DIGEST_RULE.to_owned(),
                    what: format!(
                        "`{}`: the lock file has no digest of `{}`",
                        place.path,
                        written.full()
                    ),
                    advice: "add it there, or write the image with its digest".to_owned(),
                });
            }
        }
        if let Some(image) = result {
            editor.set_text(place.id, &image.short())?;
        }
    }
    Ok(faults)
}
