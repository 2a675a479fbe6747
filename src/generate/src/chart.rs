//! The charts: every file of each, as bytes.

use std::collections::BTreeMap;
use std::panic::resume_unwind;
use std::thread;

use base64::prelude::{BASE64_STANDARD, Engine};
use midships_model::condition::{Condition, word};
use midships_model::description::{Description, DescriptionError, Field};
use midships_model::rules::Finding;
use serde_json::{Value, json};
use snafu::{ResultExt, Snafu, ensure};

use crate::forms::{self, Language};
use crate::lint::{self, LintError};
use crate::offering::Completion;
use crate::registry::{ABOUT, ABOUT_OFFERING, CHARTS, Entry};
use crate::template::{Context, Renderer};
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
    /// The templates of a chart cannot be held against the model.
    #[snafu(display("failed to hold the chart `{chart}` against the model: {source}"))]
    Lint {
        /// The chart.
        chart: String,
        /// Why.
        source: LintError,
    },
    /// The templates of a chart and the model do not name the same fields.
    #[snafu(display(
        "the chart `{chart}` and the model do not name the same fields:\n  {}",
        wrong.join("\n  ")
    ))]
    Disagreement {
        /// The chart.
        chart: String,
        /// What is wrong, a line each.
        wrong: Vec<String>,
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

/// The versions of Kubernetes that charts run on.
const KUBERNETES: &str = ">=1.29.0-0";

/// What a chart is made from: the model as it is, or what an offering leaves of it.
pub(crate) struct Plan<'a> {
    /// The chart of this project that it is or is made from.
    pub entry: &'static Entry,
    /// The chart's name.
    pub name: String,
    /// Its version.
    pub version: String,
    /// What people read as its name.
    pub title: String,
    /// What it is for, in a sentence.
    pub about: String,
    /// Words by which it is found.
    pub keywords: Vec<String>,
    /// Its picture as an address; that of the base chart unless given.
    pub icon: Option<String>,
    /// The fields of the model.
    pub base: &'a Description,
    /// The fields that can be set.
    pub described: &'a Description,
    /// The fields that forms show.
    pub forms: &'a Description,
    /// The defaults, complete.
    pub values: Value,
    /// What an offering sets.
    pub completion: Option<&'a Completion>,
}

impl<'a> Plan<'a> {
    /// The chart as the model has it.
    fn of_model(entry: &'static Entry, description: &'a Description) -> Self {
        let keywords = entry.keywords.iter();
        Self {
            entry,
            name: entry.model.chart.to_owned(),
            version: VERSION.to_owned(),
            title: entry.title.to_owned(),
            about: entry.about.to_owned(),
            keywords: keywords.map(ToString::to_string).collect(),
            icon: None,
            base: description,
            described: description,
            forms: description,
            values: description.defaults().clone(),
            completion: None,
        }
    }
}

/// All charts.
///
/// # Errors
/// When a template source does not render: a fault of this program.
pub fn charts() -> Result<Vec<Chart>, Error> {
    of_model(None)
}

/// All charts, with a hook image as their default: so that a published chart needs no further values.
///
/// # Errors
/// When a template source does not render: a fault of this program.
pub fn charts_with(hook: &HookImage) -> Result<Vec<Chart>, Error> {
    of_model(Some(hook))
}

fn of_model(hook: Option<&HookImage>) -> Result<Vec<Chart>, Error> {
    let charts = CHARTS.into_iter().map(|entry| {
        let description = entry.description(hook).context(DescribeSnafu)?;
        make(&Plan::of_model(entry, &description))
    });
    charts.collect()
}

/// Every generated file of a checkout by its path below the root.
///
/// # Errors
/// When a template source does not render, or the templates and the model do not name the same fields: a fault of this
/// program.
pub fn outputs() -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    for entry in CHARTS {
        files.extend(outputs_of(entry)?);
    }
    let offering = crate::offering_schema().context(DescribeSnafu)?;
    let schemas = [
        ("offering", offering),
        ("post-render-policy", midships_post_render::schema()),
    ];
    for (name, schema) in schemas {
        let bytes = schema::file(&schema).context(JsonSnafu)?;
        files.insert(format!("schemas/{name}.json"), bytes);
    }
    Ok(files)
}

/// The generated files of a chart of this project.
///
/// # Errors
/// As [`outputs`].
pub(crate) fn outputs_of(entry: &'static Entry) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let description = entry.description(None).context(DescribeSnafu)?;
    files_of(&Plan::of_model(entry, &description))
}

/// Every generated file of one chart by its path below the root.
///
/// # Errors
/// When a template source does not render, or the templates and the model do not name the same fields: a fault of this
/// program.
pub(crate) fn files_of(plan: &Plan<'_>) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    let name = &plan.name;
    // Forms take as long as all the rest.
    let (chart, forms) = thread::scope(|scope| {
        let forms = scope.spawn(|| files_of_forms(plan));
        (make(plan), forms.join())
    });
    let (chart, forms) = (chart?, forms.unwrap_or_else(|fault| resume_unwind(fault))?);
    files.extend(forms);
    let of_offering = plan.completion.map(Completion::of_offering);
    let wrong = lint::between(
        plan.entry,
        &chart,
        plan.base,
        &of_offering.unwrap_or_default(),
    )
    .context(LintSnafu { chart: name })?;
    ensure!(wrong.is_empty(), DisagreementSnafu { chart: name, wrong });
    for (path, bytes) in chart.files {
        files.insert(format!("charts/{name}/{path}"), bytes);
    }
    let model = schema::file(plan.described.schema()).context(JsonSnafu)?;
    files.insert(format!("schemas/{name}.model.json"), model);
    if let Some(values) = files.get(&format!("charts/{name}/values.schema.json")) {
        files.insert(format!("schemas/{name}.values.json"), values.clone());
    }
    Ok(files)
}

/// The files from which forms are shown, but for those in the chart.
fn files_of_forms(plan: &Plan<'_>) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut files = BTreeMap::new();
    let name = &plan.name;
    for (kind, schema) in forms::schemas(plan.forms) {
        let bytes = schema::file(&schema).context(JsonSnafu)?;
        files.insert(format!("schemas/{name}.{kind}"), bytes);
    }
    let questions = forms::questions(plan.forms, Language::Chinese);
    files.insert(
        format!("schemas/{name}.questions.zh-CN.yaml"),
        questions.into_bytes(),
    );
    Ok(files)
}

/// Makes a chart.
///
/// # Errors
/// When a template source does not render: a fault of this program.
pub(crate) fn make(plan: &Plan<'_>) -> Result<Chart, Error> {
    let renderer = Renderer::new(plan.entry.all_sources()).context(RenderSnafu { name: "all" })?;
    let context = Context::of(context(&renderer, plan)?);
    let name = &plan.name;
    let mut files = BTreeMap::new();
    for source in plan.entry.files() {
        let text = renderer
            .named(source, &context)
            .context(RenderSnafu { name: source })?;
        let text = match plan.completion {
            Some(_) => of_offering(plan, source, &text),
            None => text,
        };
        files.insert(source.to_owned(), text.into_bytes());
    }
    if let Some(completion) = plan.completion {
        files.insert(
            "templates/_offering.tpl".to_owned(),
            completion.template(name).into_bytes(),
        );
    }
    let (described, about) = match plan.completion {
        Some(_) => (plan.forms, ABOUT_OFFERING),
        None => (plan.described, ABOUT),
    };
    let about = renderer
        .named(about, &context)
        .context(RenderSnafu { name: about })?;
    let texts = [
        (
            "values.yaml",
            values_file::write(name, plan.described.schema(), plan.described.defaults()),
        ),
        ("README.md", readme::write(&about, described)),
        (
            "questions.yaml",
            forms::questions(plan.forms, Language::English),
        ),
    ];
    for (path, text) in texts {
        files.insert(path.to_owned(), text.into_bytes());
    }
    files.insert(
        "values.schema.json".to_owned(),
        schema::file(&schema::values(plan.described)).context(JsonSnafu)?,
    );
    Ok(Chart {
        name: name.clone(),
        version: plan.version.clone(),
        files,
    })
}

/// A file of the base chart in that of an offering. Its named templates get the offering's name, since two charts of one
/// family may be in the same parent, where names are shared; and what makes objects first sets what the offering sets.
fn of_offering(plan: &Plan<'_>, source: &str, text: &str) -> String {
    let (name, base) = (&plan.name, plan.entry.model.chart);
    let Some(file) = source.strip_prefix("templates/") else {
        return text.to_owned();
    };
    let text = text.replace(&format!("\"{base}."), &format!("\"{name}."));
    if file.starts_with('_') {
        text
    } else {
        format!("{{{{- include \"{name}.complete\" . -}}}}\n{text}")
    }
}

/// What template sources may read: what stands in every chart, and what the entry of this one says.
fn context(renderer: &Renderer, plan: &Plan<'_>) -> Result<Value, Error> {
    let paths = |description: &Description| -> Vec<String> {
        let fields = description.fields().into_iter();
        fields.map(|field| field.path.to_owned()).collect()
    };
    let (settable, shown) = (paths(plan.described), paths(plan.forms));
    let hidden: Vec<&String> = settable
        .iter()
        .filter(|path| !shown.contains(path))
        .collect();
    let conditions: Vec<Value> = plan
        .base
        .conditions()
        .into_iter()
        .map(|(path, condition)| json!({ "path": path, "holds": in_helm(condition) }))
        .collect();
    let mut context = json!({
        "chart": plan.entry.model.chart,
        "name": plan.name,
        "version": plan.version,
        "modelVersion": VERSION,
        "title": plan.title,
        "about": plan.about,
        "description": in_quotes(&plan.about),
        "displayName": in_quotes(&plan.title),
        "keywords": plan.keywords.iter().map(|word| in_quotes(word)).collect::<Vec<_>>(),
        "isOffering": plan.completion.is_some(),
        "ofOffering": plan.completion.map(Completion::of_offering).unwrap_or_default(),
        "settable": settable,
        "hidden": hidden,
        "kubeVersion": KUBERNETES,
        "prerelease": plan.version.contains('-').to_string(),
        "icon": plan.icon.clone().unwrap_or_else(
            || format!("data:image/svg+xml;base64,{}", BASE64_STANDARD.encode(plan.entry.icon))
        ),
        "rules": rules(renderer, plan.entry)?,
        "required": required(plan),
        "conditions": conditions,
    });
    let facts = (plan.entry.facts)(&plan.values).context(JsonSnafu)?;
    let facts = serde_json::to_value(facts).context(JsonSnafu)?;
    if let (Some(context), Value::Object(facts)) = (context.as_object_mut(), facts) {
        context.extend(facts);
    }
    Ok(context)
}

/// The rules of a chart as named templates, with what is said of what they refuse.
fn rules(renderer: &Renderer, entry: &Entry) -> Result<Vec<Value>, Error> {
    let chart = entry.model.chart;
    let mut rules = Vec::new();
    for rule in entry.model.rules() {
        for section in rule.sections {
            let text = renderer
                .text(rule.template, json!({ "chart": chart, "section": section }))
                .context(RenderSnafu { name: rule.id })?;
            let name = if section.is_empty() {
                format!("{chart}.rule.{}", rule.id)
            } else {
                format!("{chart}.rule.{}.{section}", rule.id)
            };
            let advice = format!("; allowed: {}; {}", rule.allowed, rule.hint);
            rules.push(json!({ "name": name, "text": text, "advice": in_quotes(&advice) }));
        }
    }
    Ok(rules)
}

/// The fields that must not be empty while they matter. What an offering sets must not be empty either.
fn required(plan: &Plan<'_>) -> Vec<Value> {
    let set = plan.base.fields().into_iter();
    let set = set.filter(|field| plan.described.schema_at(field.path).is_none());
    let required = plan.described.fields().into_iter().chain(set);
    required
        .filter(Field::is_required)
        .map(|field| {
            let finding = in_quotes(&Finding::missing(&field).to_string());
            let holds = in_helm(field.visible);
            let always = field.visible.is_always();
            json!({ "path": field.path, "holds": holds, "finding": finding, "always": always })
        })
        .collect()
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
    use crate::registry;

    #[test]
    fn the_same_input_gives_the_same_bytes() {
        assert_eq!(charts().unwrap(), charts().unwrap());
    }

    #[test]
    fn the_model_and_the_templates_name_the_same_fields() {
        for entry in registry::CHARTS {
            let description = entry.description(None).unwrap();
            let chart = make(&Plan::of_model(entry, &description)).unwrap();
            assert_eq!(crate::lint(&chart).unwrap(), Vec::<String>::new());
        }
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
