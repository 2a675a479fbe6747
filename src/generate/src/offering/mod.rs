//! Offerings: stand-alone charts with a short form, which platform teams narrow from the charts of this project by a file.
//!
//! An offering says of every field of its base chart whether forms show it (*exposed*), only values may set it (*hidden*),
//! nothing can change it (*locked*), or the chosen size sets it. Its chart has the templates of the base chart; each of them
//! first sets what the offering sets, so that no value from outside reaches a locked field, and the schema does not have it.

mod completion;
mod file;
mod narrowed;
mod states;

use std::collections::BTreeMap;
use std::sync::Arc;

use base64::prelude::{BASE64_STANDARD, Engine};
use midships_model::condition::at;
use midships_model::description::{Description, DescriptionError, OF_PARENTS};
use midships_model::rules::{Finding, Release};
use serde_json::{Value, json};
use snafu::{ResultExt, Snafu};

use crate::change::{Answer, ChangeError};
use crate::chart::{self, Chart, HookImage, Plan};
use crate::lint::LintError;
use crate::registry::{self, CHARTS, Entry};
use crate::validate::{self, Fields, Target, ValidateError, dotted};
use crate::yaml;
use completion::Choice;
use file::File;
use narrowed::{Reader, narrowed};
use states::{Findings, States, finding};

pub(crate) use completion::Completion;

/// The most bytes of a picture: it stands in the chart, which Helm stores in a Secret.
const MOST_OF_ICON: usize = 64 * 1024;

/// Why an offering could not be read or made at all. Each is a fault of this program, not of a user.
#[derive(Debug, Snafu)]
pub enum OfferingError {
    /// The fields of the base chart or those that are left cannot be described.
    #[snafu(display("failed to describe the fields: {source}; this is a bug"))]
    Describe {
        /// Why.
        source: DescriptionError,
    },
    /// The file cannot be checked.
    #[snafu(display("{source}"))]
    Check {
        /// Why.
        source: ValidateError,
    },
}

/// The picture of an offering, and the file that it is in.
#[derive(Clone, Debug)]
pub struct Icon {
    /// The name of the file beside that of the offering.
    pub name: String,
    /// Its bytes.
    pub bytes: Vec<u8>,
}

/// An offering that makes sense.
#[derive(Clone, Debug)]
pub struct Offering {
    entry: &'static Entry,
    file: File,
    icon: Option<String>,
    base: Description,
    fields: Arc<Fields>,
    forms: Description,
    completion: Completion,
}

/// What became of the file of an offering.
#[derive(Clone, Debug)]
pub enum Reading {
    /// It makes sense.
    Offering(Box<Offering>),
    /// What is wrong with it, by place.
    Refused(Vec<Finding>),
}

/// The schema of the file of an offering, for editors.
///
/// # Errors
/// When the fields of a base chart cannot be described: a fault of this program.
pub fn offering_schema() -> Result<Value, DescriptionError> {
    let mut bases = Vec::new();
    for entry in CHARTS {
        bases.push((entry.model.chart, entry.description(None)?));
    }
    Ok(file::schema(&bases))
}

/// The name of the picture that the file of an offering asks for; none where it asks for none or cannot be read.
#[must_use]
pub fn icon_of(text: &str) -> Option<String> {
    let given = yaml::compose(text).root.value();
    let file: File = serde_json::from_value(given).ok()?;
    file.icon
}

impl Offering {
    /// Reads the file of an offering. Findings are sorted by their place in the text.
    ///
    /// # Errors
    /// When this program is at fault.
    pub fn read(
        text: &str,
        icon: Option<&Icon>,
        hook: Option<&HookImage>,
    ) -> Result<Reading, OfferingError> {
        let composed = yaml::compose(text);
        if composed.is_broken {
            return Ok(Reading::Refused(validate::sorted(composed.findings)));
        }
        let root = composed.root;
        let mut findings = composed.findings;
        let given = root.value();
        if !given.is_object() {
            let found =
                validate::document_finding(&root, &given, "write it as in the guide to offerings");
            return Ok(Reading::Refused(vec![found]));
        }
        let schema = file::plain_schema();
        let validator = validate::compiled(&schema).context(CheckSnafu)?;
        let judged = validate::judge(&validator, &schema, &json!({}), &root, &given);
        findings.extend(judged.findings);
        let file = match serde_json::from_value::<File>(given) {
            Ok(file) if findings.is_empty() => file,
            _ => return Ok(Reading::Refused(validate::sorted(findings))),
        };
        let Some(entry) = registry::named(&file.chart) else {
            findings.push(finding(
                &["chart"],
                "wrong-choice",
                json!(file.chart).to_string(),
                registry::names(),
                "name a chart of this project".to_owned(),
            ));
            return Ok(Reading::Refused(placed(findings, &root)));
        };
        let base = entry.description(hook).context(DescribeSnafu)?;
        let mut schema = base.schema().clone();
        if let Some(properties) = schema["properties"].as_object_mut() {
            properties.retain(|name, _| !OF_PARENTS.contains(&name.as_str()));
        }
        let validator = validate::compiled(&schema).context(CheckSnafu)?;
        for (steps, _) in file.excerpts() {
            if let Some(found) = root.at(&steps) {
                let (node, defaults) = (found.node, base.defaults());
                let judged = validate::judge(&validator, &schema, defaults, node, &node.value());
                findings.extend(judged.findings.into_iter().map(|finding| {
                    let path = format!("{}.{}", dotted(&steps), finding.path);
                    Finding { path, ..finding }
                }));
            }
        }
        if file.name == file.chart {
            findings.push(finding(
                &["name"],
                "wrong-choice",
                json!(file.name).to_string(),
                "a name that is not that of the base chart".to_owned(),
                "choose another name".to_owned(),
            ));
        }
        let icon = picture(&file, icon, &mut findings);
        if !findings.is_empty() {
            return Ok(Reading::Refused(placed(findings, &root)));
        }
        let mut senseless = Findings::default();
        let states = States::of_file(&file, &base, &mut senseless);
        if !senseless.0.is_empty() {
            return Ok(Reading::Refused(placed(senseless.0, &root)));
        }
        let describe = |reader| {
            let (schema, defaults) = narrowed(&file, &base, &states, reader);
            Description::of_finished(&file.name, schema, defaults).context(DescribeSnafu)
        };
        let (described, forms) = (describe(Reader::Values)?, describe(Reader::Forms)?);
        let completion = Completion {
            locked: states.locked(&base),
            choice: states.sizes().map(|sizes| Choice {
                field: sizes.field.clone(),
                sizes: states.settings_of_sizes(),
            }),
        };
        let offering = Self {
            entry,
            file,
            icon,
            base,
            fields: Arc::new(Fields::new(described).context(CheckSnafu)?),
            forms,
            completion,
        };
        let findings = offering.defaults_findings()?;
        if findings.is_empty() {
            Ok(Reading::Offering(Box::new(offering)))
        } else {
            Ok(Reading::Refused(placed(findings, &root)))
        }
    }

    /// The name of the offering's chart.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.file.name
    }

    /// The name of the chart that it is made from.
    #[must_use]
    pub fn base(&self) -> &str {
        &self.file.chart
    }

    /// What is known of the fields that are left, hidden ones too.
    #[must_use]
    pub fn description(&self) -> &Description {
        &self.fields.description
    }

    /// What is known of the fields that forms show.
    #[must_use]
    pub fn form(&self) -> &Description {
        &self.forms
    }

    /// The values of the offering, defaults included, as values of the base chart.
    #[must_use]
    pub fn complete(&self, values: &Value) -> Value {
        self.completion.complete(values)
    }

    /// Checks a file of values for the offering's chart, as [`crate::validate()`] does for a chart of this project.
    ///
    /// # Errors
    /// When this program is at fault.
    pub fn validate(
        &self,
        text: &str,
        release: Option<&Release>,
    ) -> Result<Vec<Finding>, ValidateError> {
        let findings = validate::check(&self.target(), text, release)?;
        let told = findings.into_iter().map(|finding| {
            let is_set =
                finding.rule == "unknown-field" && self.base.schema_at(&finding.path).is_some();
            if is_set {
                Finding {
                    found: format!("a field that {} sets itself", self.file.name),
                    hint: "remove the field".to_owned(),
                    ..finding
                }
            } else {
                finding
            }
        });
        Ok(told.collect())
    }

    /// Finds the values of a file that have no effect, as [`crate::without_effect`] does.
    #[must_use]
    pub fn without_effect(&self, text: &str) -> Vec<Finding> {
        validate::idle(&self.target(), text)
    }

    /// Finds the changes that would be refused, as [`crate::forbidden_changes`] does.
    #[must_use]
    pub fn forbidden_changes(&self, old: &str, new: &str) -> Vec<Finding> {
        validate::forbidden(&self.target(), old, new)
    }

    /// Tells what it takes to go from old values to new ones, as [`crate::change()`] does.
    ///
    /// # Errors
    /// When this program is at fault.
    pub fn change(&self, old: &str, new: &str) -> Result<Answer, ChangeError> {
        crate::change::between(&self.target(), old, new)
    }

    /// The values of a file laid over the offering's defaults, as Helm does.
    #[must_use]
    pub fn merged(&self, text: &str) -> Value {
        validate::laid_over(self.description(), text)
    }

    /// The offering's chart.
    ///
    /// # Errors
    /// When a template source does not render: a fault of this program.
    pub fn chart(&self) -> Result<Chart, chart::Error> {
        chart::make(&self.plan())
    }

    /// Every generated file by its path below a root, as `midships generate` lays them out.
    ///
    /// # Errors
    /// When a template source does not render: a fault of this program.
    pub fn outputs(&self) -> Result<BTreeMap<String, Vec<u8>>, chart::Error> {
        chart::files_of(&self.plan())
    }

    /// What is wrong between the templates and the fields, as [`crate::lint()`] tells of a chart.
    ///
    /// # Errors
    /// When a template cannot be read.
    pub fn lint(&self, chart: &Chart) -> Result<Vec<String>, LintError> {
        crate::lint::between(
            self.entry,
            chart,
            &self.base,
            &self.completion.of_offering(),
        )
    }

    fn target(&self) -> Target<'_> {
        Target {
            entry: self.entry,
            fields: &self.fields,
            base: &self.base,
            completion: &self.completion,
        }
    }

    fn plan(&self) -> Plan<'_> {
        let file = &self.file;
        Plan {
            entry: self.entry,
            name: file.name.clone(),
            version: file.version.clone(),
            title: file.title.clone(),
            about: file.description.clone(),
            keywords: file.keywords.clone(),
            icon: self.icon.clone(),
            base: &self.base,
            described: self.description(),
            forms: &self.forms,
            values: self.complete(self.description().defaults()),
            completion: Some(&self.completion),
        }
    }

    /// Where the file sets a field, with a size or without.
    fn place_of_setting(&self, path: &str, size: Option<usize>) -> Option<String> {
        let of_other_size = |steps: &[String]| {
            let size = size.map(|size| size.to_string());
            steps
                .get(2)
                .is_some_and(|index| Some(index) != size.as_ref())
        };
        let mut excerpts = self.file.excerpts().into_iter();
        let set = excerpts.find(|(steps, values)| {
            let values = Value::Object((*values).clone());
            !of_other_size(steps) && at(&values, path).is_some()
        });
        set.map(|(steps, _)| format!("{}.{path}", dotted(&steps)))
    }

    /// What the rules of the base chart say of the defaults with each size. What a form must be told is no fault.
    fn defaults_findings(&self) -> Result<Vec<Finding>, OfferingError> {
        let mut findings = Vec::new();
        let sizes = self.file.sizes.as_ref();
        let names = sizes.map_or_else(
            || vec![None],
            |sizes| (0..sizes.choices.len()).map(Some).collect(),
        );
        for size in names {
            let mut values = self.description().defaults().clone();
            let mut steps: Vec<String> = Vec::new();
            if let (Some(index), Some(sizes)) = (size, sizes) {
                values[&sizes.field] = json!(sizes.choices[index].name);
                steps = ["sizes", "choices", &index.to_string()]
                    .map(str::to_owned)
                    .to_vec();
            }
            let found = self.target().rules(&values, None).context(CheckSnafu)?;
            for finding in found {
                let is_asked = self.forms.schema_at(&finding.path).is_some()
                    && finding.rule == midships_model::rules::REQUIRED;
                if !is_asked {
                    let path = self.place_of_setting(&finding.path, size);
                    let found = format!("{} for {}", finding.found, finding.path);
                    let finding = Finding {
                        path: path.unwrap_or_else(|| dotted(&steps)),
                        found,
                        ..finding
                    };
                    if !findings.contains(&finding) {
                        findings.push(finding);
                    }
                }
            }
        }
        Ok(findings)
    }
}

/// Gives findings the places of what they are about, or of what is around it, and sorts them.
fn placed(findings: Vec<Finding>, root: &yaml::Node) -> Vec<Finding> {
    let with_place = findings.into_iter().map(|finding| {
        let mut path = finding.path.clone();
        let mut place = finding.place;
        while place.is_none() && !path.is_empty() {
            place = root.at_path(&path).map(validate::place_of);
            let end = path.rfind(['.', '[']).unwrap_or(0);
            path.truncate(end);
        }
        Finding { place, ..finding }
    });
    validate::sorted(with_place.collect())
}

/// The picture as the address that stands in the chart.
fn picture(file: &File, icon: Option<&Icon>, findings: &mut Vec<Finding>) -> Option<String> {
    let name = file.icon.as_ref()?;
    let mut refuse = |found: String, hint: &str| {
        let allowed = format!("a picture of at most {MOST_OF_ICON} bytes beside the file");
        let hint = hint.to_owned();
        findings.push(finding(&["icon"], "wrong-choice", found, allowed, hint));
        None
    };
    match icon.filter(|icon| icon.name == *name) {
        None => refuse(
            format!("{}, which cannot be read", json!(name)),
            "put the picture beside the file",
        ),
        Some(icon) if icon.bytes.len() > MOST_OF_ICON => refuse(
            format!("a picture of {} bytes", icon.bytes.len()),
            "make it smaller",
        ),
        Some(icon) => {
            let is_png = name.ends_with("png");
            let kind = if is_png { "png" } else { "svg+xml" };
            let begins_well = if is_png {
                icon.bytes.starts_with(b"\x89PNG\r\n\x1a\n")
            } else {
                std::str::from_utf8(&icon.bytes).is_ok_and(|text| text.contains("<svg"))
            };
            if !begins_well {
                return refuse(
                    format!("{}, which is not what its name says", json!(name)),
                    "use a picture in SVG or PNG",
                );
            }
            let encoded = BASE64_STANDARD.encode(&icon.bytes);
            Some(format!("data:image/{kind};base64,{encoded}"))
        }
    }
}
