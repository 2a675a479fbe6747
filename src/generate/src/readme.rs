//! The file `README.md` of a chart: how it is installed, and the table of its fields.

use std::fmt::Write;

use crate::{schema, yaml};
use midships_model::description::Description;
use serde_json::Value;

/// Writes the page: what the chart is about, and its fields.
pub(crate) fn write(about: &str, description: &Description) -> String {
    let fields = description.fields();
    let is_there = |mutability: &str| {
        let mut fields = fields.iter();
        fields.any(|field| field.schema["x-mutability"] == mutability)
    };
    let rollout = if is_there("rollout") {
        ", `rollout` too and\nreplaces the pods"
    } else {
        ""
    };
    let change = if is_there("restart") {
        format!(
            "`online` takes effect with the upgrade{rollout}, `restart` too and\n\
             restarts pods one at a time, `create-only` cannot be changed, `increase-only` can grow, and a name with underscores is\n\
             the operation that carries it out. Of two with a slash between them the first is for more, the second for less."
        )
    } else {
        format!(
            "`online` takes effect with the upgrade{rollout}, and `create-only` cannot be changed."
        )
    };
    let mut text = format!(
        "{about}\
         ## Fields\n\n\
         The column *change* says what a change of the field takes: {change}\n\n\
         | field | default | allowed | change | meaning |\n| --- | --- | --- | --- | --- |\n"
    );
    for field in fields {
        let unit = field.schema["x-unit"]
            .as_str()
            .map(|unit| format!(" ({unit})"));
        // Writing to a String cannot fail.
        let _ = writeln!(
            text,
            "| `{}`{} | `{}` | {} | {} | {} |",
            field.path,
            unit.unwrap_or_default(),
            yaml::scalar(field.default),
            cell(&schema::allowed(field.schema)),
            cell(&mutability(field.schema)),
            cell(field.schema["description"].as_str().unwrap_or_default()),
        );
    }
    text
}

/// What a change of a field takes, in a word or two.
fn mutability(schema: &Value) -> String {
    let usual = schema["x-mutability"].as_str().unwrap_or_default();
    let other = &schema["x-mutability-while"];
    match (other["mutability"].as_str(), other["condition"].as_str()) {
        (Some(other), Some(condition)) => format!("{usual}; {other} while `{condition}`"),
        _ => usual.to_owned(),
    }
}

/// Text in a cell of a table: bars are escaped, and patterns stand as code.
fn cell(text: &str) -> String {
    let words: Vec<&str> = text.split_whitespace().collect();
    let text = words.join(" ").replace('|', "\\|");
    if text.starts_with('^') {
        format!("`{text}`")
    } else {
        text
    }
}
