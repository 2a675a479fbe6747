//! The chart `redis`: one server of Redis or Valkey.

use midships_model::fields::{Image, Resources};
use midships_model::model::Model;
use midships_model::redis::servers::{Groups, Servers};
use midships_model::redis::version::Version;
use midships_model::redis::{
    self, Values, authentication, metrics, rules_of_servers, server, settings,
};
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
        "macros",
        "about.md",
        "Chart.yaml",
        "scripts/certificates.sh",
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
        "templates/password.yaml",
        "templates/outside.yaml",
        "templates/server.yaml",
        "templates/service-account.yaml",
    ),
    read_by_the_hook: &[],
    facts,
};

/// What values amount to.
fn facts(values: &Value) -> Result<Facts, serde_json::Error> {
    let values: Values = serde_json::from_value(values.clone())?;
    let family = Family {
        chart: redis::CHART,
        groups: values.groups(),
        servers: 1,
        registry: &values.image_registry,
        others: &[],
        who_asks: "What the server and one hook Job ask for",
    };
    Ok(family.facts(json!({
        "isCluster": false,
        "isSentinel": false,
        "scripts": ["certificates.sh", "data.sh", "probe.sh", "repair.sh", "server.sh", "start.sh"],
    })))
}

/// What charts with servers of Redis or Valkey have alike.
pub(super) struct Family<'a> {
    /// The chart's name.
    pub chart: &'static str,
    /// Its groups of fields.
    pub groups: Groups<'a>,
    /// How many servers there are.
    pub servers: u32,
    /// The registry of images.
    pub registry: &'a str,
    /// Other containers of the chart: how many of each, and what each asks for.
    pub others: &'a [(u32, &'a Resources)],
    /// The beginning of the sentence about what all pods ask for.
    pub who_asks: &'static str,
}

impl Family<'_> {
    /// What the values amount to, with what is the chart's own.
    pub(super) fn facts(&self, own: Value) -> Facts {
        let Self { chart, groups, .. } = self;
        let image = server_image(groups);
        let exporters = if groups.metrics.enabled {
            self.servers
        } else {
            0
        };
        let mut parts = vec![
            (self.servers, &groups.server.resources),
            (exporters, &groups.metrics.resources),
            (1, &groups.hook.resources),
        ];
        parts.extend(self.others);
        let (requested_cpu, requested_memory) = requested(&parts);
        let mut constants = self.constants(&image);
        if let (Some(constants), Value::Object(own)) = (constants.as_object_mut(), own) {
            constants.extend(own);
        }
        Facts {
            product: "Redis",
            app_version: version(&image).to_owned(),
            what_notes_say: "addresses for clients, and how to get at the password",
            what_test_does: None,
            who_asks: self.who_asks,
            requested_cpu,
            requested_memory,
            credentials: json!({
                "secret": format!("(include \"{chart}.passwordSecret\" $)"),
                "items": [{
                    "key": format!("{{{{ include \"{chart}.passwordKey\" $ | quote }}}}"),
                    "path": authentication::PASSWORD_KEY,
                }, {
                    "key": format!("{{{{ printf \"{}%s\" (include \"{chart}.passwordKey\" $) | quote }}}}", authentication::PREVIOUS_PREFIX),
                    "path": authentication::PREVIOUS_PASSWORD_KEY,
                }],
            }),
            own: constants,
        }
    }

    /// The constants of the model.
    fn constants(&self, image: &Image) -> Value {
        json!({
            "serverImage": reference(self.registry, image),
            "hookImage": reference(self.registry, &self.groups.hook.image),
            "versions": Version::ALL.map(implied),
            "ownedConfiguration": rules_of_servers::OWNED_CONFIGURATION.join(" "),
            "ownedPrefixes": rules_of_servers::OWNED_PREFIXES.join(" "),
            "onlineConfiguration": settings::online_keys(),
            "passwordKey": authentication::PASSWORD_KEY,
            "previousPrefix": authentication::PREVIOUS_PREFIX,
            "previousPasswordKey": authentication::PREVIOUS_PASSWORD_KEY,
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
        })
    }
}

/// The image of the server: the official one unless something is set.
fn server_image(groups: &Groups<'_>) -> Image {
    let set = &groups.server.image;
    let or = |set: &str, otherwise: &str| {
        let text = if set.is_empty() { otherwise } else { set };
        text.to_owned()
    };
    Image {
        repository: or(&set.repository, groups.version.repository()),
        tag: or(&set.tag, groups.version.tag()),
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
        "hasHostnames": version.has_hostnames(),
        "hasSentinelNames": version.has_sentinel_names(),
        "announcesTlsPort": version.announces_tls_port(),
    })
}
