//! The charts: every file of each, as bytes.

use std::collections::BTreeMap;

use midships_model::rocketmq::rules::{OWNED_CONFIGURATION, RULES, UNSUPPORTED_CONFIGURATION};
use midships_model::rocketmq::{self, Values};
use serde_json::{Value, json};
use snafu::{ResultExt, Snafu};

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

const SOURCES: &[(&str, &str)] = &[
    ("macros", include_str!("templates/rocketmq/macros")),
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
    Ok(vec![rocketmq(Values::default())?])
}

/// All charts, with a hook image as their default: so that a published chart needs no further values.
///
/// # Errors
/// When a template source does not render: a fault of this program.
pub fn charts_with(hook: &HookImage) -> Result<Vec<Chart>, Error> {
    let mut values = Values::default();
    values.hook.image.repository.clone_from(&hook.repository);
    values.hook.image.tag.clone_from(&hook.tag);
    Ok(vec![rocketmq(values)?])
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
    let model = schema::model().context(JsonSnafu)?;
    let values = schema::values().context(JsonSnafu)?;
    let name = rocketmq::CHART;
    files.insert(
        format!("schemas/{name}.model.json"),
        schema::file(&model).context(JsonSnafu)?,
    );
    files.insert(
        format!("schemas/{name}.values.json"),
        schema::file(&values).context(JsonSnafu)?,
    );
    files.insert(
        "schemas/post-render-policy.json".to_owned(),
        schema::file(&midships_post_render::schema()).context(JsonSnafu)?,
    );
    Ok(files)
}

fn rocketmq(values: Values) -> Result<Chart, Error> {
    let model = schema::model().context(JsonSnafu)?;
    let defaults = serde_json::to_value(values).context(JsonSnafu)?;
    let mut values_schema = schema::values().context(JsonSnafu)?;
    let image = &defaults["hook"]["image"];
    for field in ["repository", "tag"] {
        let path = format!("/properties/hook/properties/image/properties/{field}/default");
        if let Some(default) = values_schema.pointer_mut(&path) {
            *default = image[field].clone();
        }
    }
    let renderer = Renderer::new(SOURCES).context(RenderSnafu { name: "all" })?;
    let context = context(&renderer)?;
    let mut files = BTreeMap::new();
    for (name, _) in SOURCES.iter().filter(|(name, _)| *name != "macros") {
        let text = renderer
            .named(name, &context)
            .context(RenderSnafu { name: *name })?;
        files.insert((*name).to_owned(), text.into_bytes());
    }
    let name = rocketmq::CHART;
    files.insert(
        "values.yaml".to_owned(),
        values_file::write(name, &model, &defaults).into_bytes(),
    );
    files.insert(
        "values.schema.json".to_owned(),
        schema::file(&values_schema).context(JsonSnafu)?,
    );
    files.insert(
        "README.md".to_owned(),
        readme::write(name, VERSION, &model, &defaults).into_bytes(),
    );
    Ok(Chart {
        name: name.to_owned(),
        version: VERSION.to_owned(),
        files,
    })
}

/// What template sources may read: the constants of the model and its rules.
fn context(renderer: &Renderer) -> Result<Value, Error> {
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
            // A JSON string is a string of Helm's templates as well.
            rules.push(json!({
                "name": name, "text": text, "advice": Value::String(advice).to_string()
            }));
        }
    }
    Ok(json!({
        "chart": rocketmq::CHART,
        "version": VERSION,
        "appVersion": rocketmq::APP_VERSION,
        "rules": rules,
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
    fn a_published_hook_image_becomes_the_default() {
        let hook = HookImage {
            repository: "registry.test/hook".to_owned(),
            tag: "9".to_owned(),
        };
        let chart = charts_with(&hook).unwrap().remove(0);
        let values = std::str::from_utf8(&chart.files["values.yaml"]).unwrap();
        let values = crate::yaml::read(values).unwrap();
        assert_eq!(values["hook"]["image"]["repository"], "registry.test/hook");
        assert_eq!(values["hook"]["image"]["tag"], "9");
        let schema: Value = serde_json::from_slice(&chart.files["values.schema.json"]).unwrap();
        let image = &schema["properties"]["hook"]["properties"]["image"]["properties"];
        assert_eq!(image["tag"]["default"], "9");
    }
}
