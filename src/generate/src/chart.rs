//! The charts: every file of each, as bytes.

use std::collections::BTreeMap;

use base64::prelude::{BASE64_STANDARD, Engine};
use midships_model::condition::{Condition, word};
use midships_model::description::{Description, DescriptionError, Field};
use midships_model::fields::{Image, Resources};
use midships_model::rocketmq::rules::{OWNED_CONFIGURATION, RULES, UNSUPPORTED_CONFIGURATION};
use midships_model::rocketmq::{self, Values};
use midships_model::rules::Finding;
use serde_json::{Value, json};
use snafu::{ResultExt, Snafu};

use crate::forms::{self, Language};
use crate::template::Renderer;
use crate::{readme, schema, values_file};

/// The chart's version: that of the program which makes it.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// Why a chart could not be made. Each is a fault of this program, not of a user.
#[derive(Debug, Snafu)]
pub enum Error {
    /// A template source does not render.
    #[snafu(display("failed to render the template source `{name}`: {source:#}"))]
    Render {
        /// The template source.
        name: String,
        /// Why.
        source: minijinja::Error,
    },
    /// The fields of a model cannot be described.
    #[snafu(display("failed to describe the fields: {source}"))]
    Describe {
        /// Why.
        source: DescriptionError,
    },
    /// The model does not become JSON.
    #[snafu(display("failed to write the model as JSON: {source}"))]
    Json {
        /// Why.
        source: serde_json::Error,
    },
}

/// A chart: what Helm installs.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Chart {
    /// Its name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// Its files by their paths in the chart, such as `templates/brokers.yaml`.
    pub files: BTreeMap<String, Vec<u8>>,
}

/// The hook image that charts name by default.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct HookImage {
    /// The repository, with its registry: `registry.example/midships/hook`.
    pub repository: String,
    /// The tag, with a digest if wanted: `0.1.0@sha256:…`.
    pub tag: String,
}

/// The chart's picture.
const ICON: &str = include_str!("templates/rocketmq/icon.svg");
/// The versions of Kubernetes that the chart runs on.
const KUBERNETES: &str = ">=1.29.0-0";

/// The source of what the chart's page says before its fields.
const ABOUT: &str = "about.md";
/// Sources that are no files of the chart, but parts of some.
const PARTS: [&str; 2] = ["macros", ABOUT];

const SOURCES: &[(&str, &str)] = &[
    ("macros", include_str!("templates/rocketmq/macros")),
    (ABOUT, include_str!("templates/rocketmq/about.md")),
    (".helmignore", include_str!("templates/rocketmq/helmignore")),
    ("Chart.yaml", include_str!("templates/rocketmq/Chart.yaml")),
    (
        "scripts/broker.sh",
        include_str!("templates/rocketmq/scripts/broker.sh"),
    ),
    (
        "scripts/drain.sh",
        include_str!("templates/rocketmq/scripts/drain.sh"),
    ),
    (
        "scripts/java.sh",
        include_str!("templates/rocketmq/scripts/java.sh"),
    ),
    (
        "scripts/name-server.sh",
        include_str!("templates/rocketmq/scripts/name-server.sh"),
    ),
    (
        "scripts/remoting.bash",
        include_str!("templates/rocketmq/scripts/remoting.bash"),
    ),
    (
        "templates/NOTES.txt",
        include_str!("templates/rocketmq/templates/NOTES.txt"),
    ),
    (
        "templates/_names.tpl",
        include_str!("templates/rocketmq/templates/_names.tpl"),
    ),
    (
        "templates/_rules.tpl",
        include_str!("templates/rocketmq/templates/_rules.tpl"),
    ),
    (
        "templates/brokers.yaml",
        include_str!("templates/rocketmq/templates/brokers.yaml"),
    ),
    (
        "templates/check.yaml",
        include_str!("templates/rocketmq/templates/check.yaml"),
    ),
    (
        "templates/configuration.yaml",
        include_str!("templates/rocketmq/templates/configuration.yaml"),
    ),
    (
        "templates/hooks.yaml",
        include_str!("templates/rocketmq/templates/hooks.yaml"),
    ),
    (
        "templates/name-servers.yaml",
        include_str!("templates/rocketmq/templates/name-servers.yaml"),
    ),
    (
        "templates/network-policy.yaml",
        include_str!("templates/rocketmq/templates/network-policy.yaml"),
    ),
    (
        "templates/operations.yaml",
        include_str!("templates/rocketmq/templates/operations.yaml"),
    ),
    (
        "templates/refuse.yaml",
        include_str!("templates/rocketmq/templates/refuse.yaml"),
    ),
    (
        "templates/service-account.yaml",
        include_str!("templates/rocketmq/templates/service-account.yaml"),
    ),
];

/// All charts.
///
/// # Errors
/// When a template source does not render: a fault of this program.
pub fn charts() -> Result<Vec<Chart>, Error> {
    Ok(vec![rocketmq(&Values::default())?])
}

/// All charts, with a hook image as their default: so that a published chart needs no further values.
///
/// # Errors
/// When a template source does not render: a fault of this program.
pub fn charts_with(hook: &HookImage) -> Result<Vec<Chart>, Error> {
    let mut values = Values::default();
    values.hook.image.repository.clone_from(&hook.repository);
    values.hook.image.tag.clone_from(&hook.tag);
    Ok(vec![rocketmq(&values)?])
}

/// Every generated file of a checkout by its path below the root.
///
/// # Errors
/// When a template source does not render: a fault of this program.
pub fn outputs() -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    for chart in charts()? {
        for (path, bytes) in chart.files {
            files.insert(format!("charts/{}/{path}", chart.name), bytes);
        }
    }
    let description = rocketmq::description().context(DescribeSnafu)?;
    let name = rocketmq::CHART;
    let mut schemas = forms::schemas(&description);
    schemas.insert("model.json", description.schema().clone());
    schemas.insert("values.json", schema::values(&description));
    for (kind, schema) in schemas {
        let bytes = schema::file(&schema).context(JsonSnafu)?;
        files.insert(format!("schemas/{name}.{kind}"), bytes);
    }
    let questions = forms::questions(&description, Language::Chinese);
    files.insert(
        format!("schemas/{name}.questions.zh-CN.yaml"),
        questions.into_bytes(),
    );
    files.insert(
        "schemas/post-render-policy.json".to_owned(),
        schema::file(&midships_post_render::schema()).context(JsonSnafu)?,
    );
    Ok(files)
}

fn rocketmq(values: &Values) -> Result<Chart, Error> {
    let description = rocketmq::description().context(DescribeSnafu)?;
    let defaults = serde_json::to_value(values).context(JsonSnafu)?;
    let mut values_schema = schema::values(&description);
    let image = &defaults["hook"]["image"];
    for field in ["repository", "tag"] {
        let path = format!("/properties/hook/properties/image/properties/{field}/default");
        if let Some(default) = values_schema.pointer_mut(&path) {
            *default = image[field].clone();
        }
    }
    let renderer = Renderer::new(SOURCES).context(RenderSnafu { name: "all" })?;
    let context = context(&renderer, &description, values)?;
    let mut files = BTreeMap::new();
    for (name, _) in SOURCES.iter().filter(|(name, _)| !PARTS.contains(name)) {
        let text = renderer
            .named(name, &context)
            .context(RenderSnafu { name: *name })?;
        files.insert((*name).to_owned(), text.into_bytes());
    }
    let name = rocketmq::CHART;
    files.insert(
        "values.yaml".to_owned(),
        values_file::write(name, description.schema(), &defaults).into_bytes(),
    );
    files.insert(
        "values.schema.json".to_owned(),
        schema::file(&values_schema).context(JsonSnafu)?,
    );
    let about = renderer
        .named(ABOUT, &context)
        .context(RenderSnafu { name: ABOUT })?;
    files.insert(
        "README.md".to_owned(),
        readme::write(&about, &description, &defaults).into_bytes(),
    );
    files.insert(
        "questions.yaml".to_owned(),
        forms::questions(&description, Language::English).into_bytes(),
    );
    Ok(Chart {
        name: name.to_owned(),
        version: VERSION.to_owned(),
        files,
    })
}

/// What all servers of a release and one hook Job ask for: thousandths of a core and mebibytes.
fn requested(values: &Values) -> (u64, u64) {
    let brokers = values.brokers.groups * (values.brokers.replicas_per_group + 1);
    let parts: [(u32, &Resources); 3] = [
        (values.name_servers.count, &values.name_servers.resources),
        (brokers, &values.brokers.resources),
        (1, &values.hook.resources),
    ];
    parts
        .iter()
        .fold((0, 0), |(cpu, memory), (number, resources)| {
            let (number, requests) = (u64::from(*number), &resources.requests);
            (
                cpu + number * requests.cpu.thousandths().unwrap_or_default(),
                memory + number * requests.memory.mebibytes().unwrap_or_default(),
            )
        })
}

/// What template sources may read: the constants of the model, its rules, and what default values amount to.
fn context(
    renderer: &Renderer,
    description: &Description,
    values: &Values,
) -> Result<Value, Error> {
    let image = |image: &Image| format!("{}:{}", image.repository, image.tag);
    let (cpu, memory) = requested(values);

    let mut rules = Vec::new();
    for rule in RULES {
        for section in rule.sections {
            let text = renderer
                .text(rule.template, json!({ "section": section }))
                .context(RenderSnafu { name: rule.id })?;
            let name = if section.is_empty() {
                format!("{}.rule.{}", rocketmq::CHART, rule.id)
            } else {
                format!("{}.rule.{}.{section}", rocketmq::CHART, rule.id)
            };
            let advice = format!("; allowed: {}; {}", rule.allowed, rule.hint);
            rules.push(json!({ "name": name, "text": text, "advice": in_quotes(&advice) }));
        }
    }
    let required = description.fields().into_iter();
    let required: Vec<Value> = required
        .filter(Field::is_required)
        .map(|field| {
            let finding = in_quotes(&Finding::missing(&field).to_string());
            let holds = in_helm(field.visible);
            json!({ "path": field.path, "holds": holds, "finding": finding })
        })
        .collect();
    let conditions: Vec<Value> = description
        .conditions()
        .into_iter()
        .map(|(path, condition)| json!({ "path": path, "holds": in_helm(condition) }))
        .collect();
    Ok(json!({
        "chart": rocketmq::CHART,
        "version": VERSION,
        "appVersion": rocketmq::APP_VERSION,
        "kubeVersion": KUBERNETES,
        "prerelease": VERSION.contains('-').to_string(),
        "icon": format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(ICON)),
        "rocketmqImage": image(&values.brokers.image),
        "hookImage": image(&values.hook.image),
        "requestedCpu": format!("{cpu}m"),
        "requestedMemory": format!("{memory}Mi"),
        "rules": rules,
        "required": required,
        "conditions": conditions,
        "ownedConfiguration": OWNED_CONFIGURATION.join(" "),
        "unsupportedConfiguration": UNSUPPORTED_CONFIGURATION.join(" "),
        "nameServerPort": rocketmq::NAME_SERVER_PORT,
        "brokerPort": rocketmq::BROKER_PORT,
        "replicationPort": rocketmq::BROKER_REPLICATION_PORT,
        "fastPort": rocketmq::BROKER_FAST_PORT,
        "mostGroups": rocketmq::MOST_GROUPS,
        "mostReplicas": rocketmq::MOST_REPLICAS,
        "drainMargin": rocketmq::DRAIN_MARGIN_SECONDS,
        "drainLook": rocketmq::DRAIN_LOOK_SECONDS,
        "shutdown": rocketmq::SHUTDOWN_SECONDS,
        "restartSeconds": rocketmq::RESTART_SECONDS,
        "operationSeconds": rocketmq::OPERATION_SECONDS,
        "leastDeadline": rocketmq::LEAST_DEADLINE_SECONDS,
        "deadlineMargin": rocketmq::DEADLINE_MARGIN_SECONDS,
    }))
}

/// Text as a string of Helm's templates: a JSON string is one.
fn in_quotes(text: &str) -> String {
    Value::String(text.to_owned()).to_string()
}

/// A condition as an expression of Helm's templates.
fn in_helm(condition: &Condition) -> String {
    let terms = condition.terms.iter().map(|term| {
        let values: Vec<String> = term
            .values
            .iter()
            .map(|value| in_quotes(&word(value)))
            .collect();
        format!(
            "(has (toString .Values.{}) (list {}))",
            term.path,
            values.join(" ")
        )
    });
    format!("(and true {})", terms.collect::<Vec<_>>().join(" "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(charts().unwrap(), charts().unwrap());
    }

    #[test]
    fn the_model_and_the_templates_name_the_same_fields() {
        let charts = charts().unwrap();
        assert_eq!(crate::lint(&charts[0]).unwrap(), Vec::<String>::new());
    }

    #[test]
    fn what_a_chart_asks_for_is_the_sum_of_its_pods() {
        let mut values = Values::default();
        values.name_servers.count = 2;
        values.brokers.groups = 3;
        values.brokers.replicas_per_group = 1;
        for (resources, cpu, memory) in [
            (&mut values.name_servers.resources, "100m", "512Mi"),
            (&mut values.brokers.resources, "1", "1Gi"),
            (&mut values.hook.resources, "", "32Mi"),
        ] {
            cpu.clone_into(&mut resources.requests.cpu.0);
            memory.clone_into(&mut resources.requests.memory.0);
        }
        assert_eq!(
            requested(&values),
            (2 * 100 + 6 * 1000, 2 * 512 + 6 * 1024 + 32)
        );
    }

    #[test]
    fn a_published_hook_image_becomes_the_default() {
        let hook = HookImage {
            repository: "registry.test/hook".to_owned(),
            tag: "9".to_owned(),
        };
        let chart = charts_with(&hook).unwrap().remove(0);
        let values = std::str::from_utf8(&chart.files["values.yaml"]).unwrap();
        let values = crate::yaml::read(values);
        assert_eq!(values["hook"]["image"]["repository"], "registry.test/hook");
        assert_eq!(values["hook"]["image"]["tag"], "9");
        let about = std::str::from_utf8(&chart.files["Chart.yaml"]).unwrap();
        assert!(about.contains("image: registry.test/hook:9\n"), "{about}");
        let schema: Value = serde_json::from_slice(&chart.files["values.schema.json"]).unwrap();
        let image = &schema["properties"]["hook"]["properties"]["image"]["properties"];
        assert_eq!(image["tag"]["default"], "9");
    }
}
