//! The file `README.md` of a chart: how it is installed, and the table of its fields.

use std::fmt::Write;

use crate::{schema, yaml};
use midships_model::description::Description;

/// Writes the page: what the chart is about, and its fields.
pub(crate) fn write(about: &str, description: &Description) -> String {
    let mut text = format!(
        "{about}\
         ## Fields\n\n\
         The column *change* says what a change of the field takes: `online` takes effect with the upgrade, `restart` at each\n\
         pod's next restart (StatefulSets are updated `OnDelete`), `create-only` cannot be changed, `increase-only` can grow,\n\
         and a name with underscores is the operation that carries it out.\n\n\
         | field | default | allowed | change | meaning |\n| --- | --- | --- | --- | --- |\n"
    );
    for field in description.fields() {
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
            cell(field.schema["x-mutability"].as_str().unwrap_or_default()),
            cell(field.schema["description"].as_str().unwrap_or_default()),
        );
    }
    text
}

/// Text in a cell of a table: bars are escaped, and patterns stand as code.
fn cell(text: &str) -> String {
    let text = text.replace('|', "\\|");
    if text.starts_with('^') {
        format!("`{text}`")
    } else {
        text
    }
}
