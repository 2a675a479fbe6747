//! The file `values.yaml` of a chart: every field with its default, and what it means above it.

use std::fmt::Write;

use serde_json::Value;

use crate::schema;
use crate::yaml;

/// The longest line of a comment.
const WIDTH: usize = 110;

/// Writes the values with comments from the schema.
pub(crate) fn write(chart: &str, schema: &Value, default: &Value) -> String {
    let mut text = format!(
        "# The values of the chart {chart}, with their defaults. Generated from the model.\n"
    );
    group(&mut text, 0, schema, default);
    text
}

fn group(text: &mut String, depth: usize, schema: &Value, default: &Value) {
    let Some(properties) = schema["properties"].as_object() else {
        return;
    };
    for (name, schema) in properties {
        let Some(default) = default.get(name) else {
            continue;
        };
        if depth == 0 {
            text.push('\n');
        }
        comment(text, depth, schema);
        let indent = "  ".repeat(depth);
        if schema["properties"].is_object() {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "{indent}{name}:");
            group(text, depth + 1, schema, default);
        } else {
            let _ = writeln!(text, "{indent}{name}: {}", yaml::scalar(default));
        }
    }
}

fn comment(text: &mut String, depth: usize, schema: &Value) {
    let mut words = schema["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned();
    if let Some(unit) = schema["x-unit"].as_str() {
        let _ = write!(words, " Unit: {unit}.");
    }
    let allowed = schema::allowed(schema);
    if !allowed.is_empty() {
        let _ = write!(words, " Allowed: {allowed}.");
    }
    let indent = "  ".repeat(depth);
    for line in wrap(&words, WIDTH - indent.len() - 2) {
        let _ = writeln!(text, "{indent}# {line}");
    }
}

fn wrap(words: &str, width: usize) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    for word in words.split_whitespace() {
        match lines.last_mut() {
            Some(line) if line.len() + 1 + word.len() <= width => {
                line.push(' ');
                line.push_str(word);
            }
            _ => lines.push(word.to_owned()),
        }
    }
    lines
}

#[cfg(test)]
mod tests {
    use crate::registry::models;

    #[test]
    fn the_file_holds_the_defaults_and_nothing_else() {
        for model in models() {
            let description = model.description().unwrap();
            let text = super::write(model.chart, description.schema(), description.defaults());
            assert_eq!(&crate::yaml::read(&text), description.defaults());
        }
    }
}
