//! The chart `redis`: one server of Redis or Valkey.

use midships_model::fields::Image;
use midships_model::model::Model;
use midships_model::redis::version::Version;
use midships_model::redis::{self, Values, authentication, metrics, rules, server, settings};
use serde_json::{Value, json};

use super::{Entry, Facts, reference, requested, secret_of_tls, sources, version};

/// The user and the group of the server in the official images.
const USER: u32 = 999;

/// The chart in the registry.
pub(super) const ENTRY: Entry = Entry {
    model: Model::of::<Values>(),
    title: "Redis",
    about: "One server of Redis or Valkey, whose data are carried over and repaired at its starts.",
    keywords: &[
        "redis",
        "valkey",
        "cache",
        "database",
        "key-value",
        "middleware",
    ],
    icon: include_str!("../templates/redis/icon.svg"),
    sources: sources!(
        "redis":
        "about.md",
        "Chart.yaml",
        "scripts/data.sh",
        "scripts/probe.sh",
        "scripts/repair.sh",
        "scripts/server.sh",
        "scripts/start.sh",
        "templates/NOTES.txt",
        "templates/_names.tpl",
        "templates/_rules.tpl",
        "templates/configuration.yaml",
        "templates/hooks.yaml",
        "templates/metrics.yaml",
        "templates/network-policy.yaml",
        "templates/operations.yaml",
        "templates/outside.yaml",
        "templates/server.yaml",
        "templates/service-account.yaml",
    ),
    read_by_the_hook: &[],
    facts,
};

/// What values amount to, and the constants of the model.
fn facts(values: &Value) -> Result<Facts, serde_json::Error> {
    let values: Values = serde_json::from_value(values.clone())?;
    let image = server_image(&values);
    let exporters = u32::from(values.metrics.enabled);
    let (requested_cpu, requested_memory) = requested(&[
        (1, &values.server.resources),
        (exporters, &values.metrics.resources),
        (1, &values.hook.resources),
    ]);
    let registry = &values.image_registry;
    Ok(Facts {
        product: "Redis",
        app_version: version(&image).to_owned(),
        what_notes_say: "addresses for clients, and how to get at the password",
        what_test_does: None,
        who_asks: "What the server and one hook Job ask for",
        requested_cpu,
        requested_memory,
        credentials: json!({
            "secret": "(include \"redis.passwordSecret\" $)",
            "items": [{
                "key": "{{ include \"redis.passwordKey\" $ | quote }}",
                "path": authentication::PASSWORD_KEY,
            }],
        }),
        own: json!({
            "serverImage": reference(registry, &image),
            "hookImage": reference(registry, &values.hook.image),
            "versions": Version::ALL.map(implied),
            "ownedConfiguration": rules::OWNED_CONFIGURATION.join(" "),
            "ownedPrefixes": rules::OWNED_PREFIXES.join(" "),
            "onlineConfiguration": settings::online_keys(),
            "passwordKey": authentication::PASSWORD_KEY,
            "tls": secret_of_tls(),
            "user": USER,
            "port": redis::PORT,
            "tlsPort": redis::TLS_PORT,
            "metricsPort": metrics::METRICS_PORT,
            "memoryPercent": server::MEMORY_PERCENT,
            "memoryPercentOfWriters": server::MEMORY_PERCENT_OF_WRITERS,
            "stop": redis::STOP_SECONDS,
            "megabytesASecond": redis::MEGABYTES_A_SECOND,
            "operationSeconds": redis::OPERATION_SECONDS,
            "leastDeadline": redis::LEAST_DEADLINE_SECONDS,
            "deadlineMargin": redis::DEADLINE_MARGIN_SECONDS,
        }),
    })
}

/// The image of the server: the official one unless something is set.
fn server_image(values: &Values) -> Image {
    let set = &values.server.image;
    let or = |set: &str, otherwise: &str| {
        let text = if set.is_empty() { otherwise } else { set };
        text.to_owned()
    };
    Image {
        repository: or(&set.repository, values.version.repository()),
        tag: or(&set.tag, values.version.tag()),
        pull_policy: set.pull_policy,
    }
}

/// What templates read of a version.
fn implied(version: Version) -> Value {
    json!({
        "name": version.name(),
        "repository": version.repository(),
        "tag": version.tag(),
        "hasTls": version.has_tls(),
        "hasThreads": version.has_threads(),
        "hasLazyDeletes": version.has_lazy_deletes(),
        "hasLazyFlushes": version.has_lazy_flushes(),
    })
}
