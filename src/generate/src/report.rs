//! Findings for people, as a compiler shows them, and for programs, as JSON.

use annotate_snippets::{AnnotationKind, Group, Level, Origin, Patch, Renderer, Snippet};
use midships_model::rules::{Finding, Place, Severity};
use schemars::{JsonSchema, SchemaGenerator};
use serde::Serialize;
use serde_json::Value;

/// The version of [`Report`]: it changes when a field goes away or changes its meaning, not when one is added.
const VERSION: u32 = 1;

/// The longest note that stands beside the marked text and not below it.
const LONGEST_LABEL: usize = 60;

/// Findings as a compiler shows its errors: with the lines of the text, what is allowed and what is likely to be meant.
/// The text is the one that was checked; `file` is how it is called.
#[must_use]
pub fn render(findings: &[Finding], text: &str, file: &str, is_coloured: bool) -> String {
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    let renderer = if is_coloured {
        Renderer::styled()
    } else {
        Renderer::plain()
    };
    let shown: Vec<String> = findings
        .iter()
        .map(|finding| renderer.render(&groups(finding, text, file)))
        .collect();
    shown.join("\n\n")
}

fn groups<'a>(finding: &'a Finding, text: &'a str, file: &'a str) -> Vec<Group<'a>> {
    let title = match finding.path.as_str() {
        "" => format!("found {}", finding.found),
        path => format!("{path}: found {}", finding.found),
    };
    let allowed = format!("allowed: {}", finding.allowed);
    let is_short = allowed.chars().count() <= LONGEST_LABEL;
    let related = || {
        let related = finding.related.iter();
        related.filter_map(|related| related.place.map(|place| (place, related.label.as_str())))
    };
    let level = match finding.severity {
        Severity::Error => Level::ERROR,
        Severity::Warning => Level::WARNING,
    };
    let mut group = Group::with_title(level.primary_title(title).id(&finding.rule));
    if finding.place.is_some() || related().next().is_some() {
        let mut snippet = Snippet::source(text).path(file);
        if let Some(place) = finding.place {
            let annotation = AnnotationKind::Primary.span(place.start..place.end);
            snippet = snippet.annotation(if is_short {
                annotation.label(allowed.clone())
            } else {
                annotation
            });
        }
        let marks = related().map(|(place, label)| {
            AnnotationKind::Context
                .span(place.start..place.end)
                .label(label)
        });
        group = group.element(snippet.annotations(marks));
    } else {
        group = group.element(Origin::path(file));
    }
    for related in finding
        .related
        .iter()
        .filter(|related| related.place.is_none())
    {
        group = group.element(Level::NOTE.message(format!("{} {}", related.path, related.label)));
    }
    if !is_short || finding.place.is_none() {
        group = group.element(Level::NOTE.message(allowed));
    }
    let Some(suggestion) = &finding.suggestion else {
        if !finding.hint.is_empty() {
            group = group.element(Level::HELP.message(finding.hint.as_str()));
        }
        return vec![group];
    };
    let Place { start, end, .. } = suggestion.place;
    let patch = Patch::new(start..end, suggestion.text.as_str());
    let fix = Level::HELP
        .secondary_title(finding.hint.as_str())
        .element(Snippet::source(text).path(file).patch(patch));
    vec![group, fix]
}

/// All findings about one file, as `midships check --format json` writes them.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
#[schemars(title = "Report of midships check")]
pub struct Report<'a> {
    /// The version of this format. Readers of a version can read reports that have more fields.
    pub version: u32,
    /// The file that was checked, as it was named; `-` is standard input.
    pub file: &'a str,
    /// The chart that the values are for.
    pub chart: &'a str,
    /// What was found, by its place in the file; nothing where the values are good.
    pub findings: Vec<Reported<'a>>,
    /// What is taken, but is not likely to be what is meant.
    pub warnings: Vec<Reported<'a>>,
}

/// A value that is refused, or not likely to be meant.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Reported<'a> {
    /// The rule that refuses it.
    pub rule: &'a str,
    /// The field's path in the values, such as `brokers.groups`; empty for the file as a whole.
    pub path: &'a str,
    /// Where it stands; the members are null where it does not stand in the file.
    #[serde(flatten)]
    pub range: Range,
    /// What was found.
    pub found: &'a str,
    /// What is allowed.
    pub allowed: &'a str,
    /// What to do; empty where there is nothing to add.
    pub hint: &'a str,
    /// A text that is likely to be meant; null where none is.
    pub suggestion: Option<Replacement<'a>>,
    /// Other fields that have to do with it.
    pub related: Vec<Other<'a>>,
}

/// Lines and columns from 1, columns in characters. The end is the first place behind what is meant.
#[derive(Debug, JsonSchema, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Range {
    /// The line in which it begins.
    pub line: Option<usize>,
    /// The column in which it begins.
    pub column: Option<usize>,
    /// The line in which it ends.
    pub end_line: Option<usize>,
    /// The column behind it.
    pub end_column: Option<usize>,
}

/// A text for a place of the file.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Replacement<'a> {
    /// What is replaced.
    #[serde(flatten)]
    pub range: Range,
    /// The text that takes its place.
    pub text: &'a str,
}

/// Another field that has to do with a finding.
#[derive(Debug, JsonSchema, Serialize)]
pub struct Other<'a> {
    /// Its path in the values.
    pub path: &'a str,
    /// Where it stands; the members are null where it does not stand in the file.
    #[serde(flatten)]
    pub range: Range,
    /// What it has to do with the finding.
    pub label: &'a str,
}

impl<'a> Report<'a> {
    /// The report about a file that was checked for a chart.
    #[must_use]
    pub fn new(file: &'a str, chart: &'a str, findings: &'a [Finding]) -> Self {
        let reported = |finding: &'a Finding| Reported {
            rule: &finding.rule,
            path: &finding.path,
            range: Range::of(finding.place),
            found: &finding.found,
            allowed: &finding.allowed,
            hint: &finding.hint,
            suggestion: finding.suggestion.as_ref().map(|suggestion| Replacement {
                range: Range::of(Some(suggestion.place)),
                text: &suggestion.text,
            }),
            related: finding
                .related
                .iter()
                .map(|related| Other {
                    path: &related.path,
                    range: Range::of(related.place),
                    label: &related.label,
                })
                .collect(),
        };
        let of = |severity| {
            let findings = findings.iter();
            let found = findings.filter(move |finding| finding.severity == severity);
            found.map(reported).collect()
        };
        Self {
            version: VERSION,
            file,
            chart,
            findings: of(Severity::Error),
            warnings: of(Severity::Warning),
        }
    }
}

impl Range {
    fn of(place: Option<Place>) -> Self {
        Self {
            line: place.map(|place| place.line),
            column: place.map(|place| place.column),
            end_line: place.map(|place| place.end_line),
            end_column: place.map(|place| place.end_column),
        }
    }
}

/// The JSON Schema of [`Report`].
#[must_use]
pub fn report_schema() -> Value {
    SchemaGenerator::default()
        .into_root_schema_for::<Report<'static>>()
        .to_value()
}
