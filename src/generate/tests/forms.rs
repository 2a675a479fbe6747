//! Random values with what the model says of them, written for the form libraries to judge: a file for each chart and one for
//! each worked example of an offering, with the schemas of the offerings, in the directory that the variable `MIDSHIPS_TREES`
//! names.
#![cfg(test)]

mod examples;
mod trees;

use std::collections::BTreeSet;
use std::fs::File;
use std::io::{BufWriter, Write};
use std::path::PathBuf;

use midships_generate::{Finding, Model, merged, models, outputs, validate, write_files};
use midships_model::description::Description;
use serde_json::{Value, json};

const TREES: usize = 10_000;
const TREES_OF_OFFERING: usize = 1_000;

fn directory() -> PathBuf {
    let name = std::env::var("MIDSHIPS_TREES");
    PathBuf::from(name.expect("set MIDSHIPS_TREES to the directory to write to"))
}

/// What the model says of values, and where that is written.
struct Judge<'a> {
    name: &'a str,
    count: usize,
    schema: &'a [u8],
    /// The fields that values may have.
    described: &'a Description,
    /// The fields that forms show.
    form: &'a Description,
    merged: &'a dyn Fn(&str) -> Value,
    validate: &'a dyn Fn(&str) -> Vec<Finding>,
}

impl Judge<'_> {
    /// Each line has `given` (as a person gives them), `values` (with the defaults), `shown` (the fields that matter),
    /// `required` (those of them that must not be empty) and `accepted` (whether the model takes them, rules between fields
    /// aside).
    fn write(&self) {
        let place = directory().join(format!("{}.jsonl", self.name));
        let mut file = BufWriter::new(File::create(place).unwrap());
        let schema: Value = serde_json::from_slice(self.schema).unwrap();
        let schema = jsonschema::validator_for(&schema).unwrap();
        let rules = models().flat_map(Model::rules);
        let rules: BTreeSet<&str> = rules.map(|rule| rule.id).collect();
        let mut numbers = trees::Numbers(1);
        let refused = (self.validate)("{}");
        let mut all_accepted = 0;
        for _ in 0..self.count {
            let given = trees::given(self.described, &refused, &mut numbers);
            let values = (self.merged)(&given.to_string());
            let mut shown = self.form.fields();
            shown.retain(|field| field.visible.holds(&values));
            let required = shown.iter().filter(|field| field.is_required());
            let required: Vec<&str> = required.map(|field| field.path).collect();
            let shown: Vec<&str> = shown.iter().map(|field| field.path).collect();
            let findings = (self.validate)(&given.to_string());
            let is_between_fields = |rule: &str| rules.contains(rule);
            let accepted = findings
                .iter()
                .all(|finding| is_between_fields(&finding.rule));
            assert_eq!(schema.is_valid(&values), accepted, "{given}\n{findings:#?}");
            all_accepted += usize::from(accepted);
            let line = json!({
                "given": given, "values": values, "shown": shown, "required": required, "accepted": accepted,
            });
            writeln!(file, "{line}").unwrap();
        }
        // Values that are all good or all bad would prove nothing.
        assert!(
            (self.count / 10..self.count * 9 / 10).contains(&all_accepted),
            "{}: {all_accepted}",
            self.name
        );
    }
}

#[test]
fn the_values_schema_accepts_random_values_as_the_model_does() {
    let outputs = outputs().unwrap();
    for model in models() {
        let (chart, description) = (model.chart, model.description().unwrap());
        let judge = Judge {
            name: chart,
            count: TREES,
            schema: &outputs[&format!("schemas/{chart}.values.json")],
            described: &description,
            form: &description,
            merged: &|text| merged(chart, text).unwrap(),
            validate: &|text| validate(chart, text, None).unwrap(),
        };
        judge.write();
    }
}

#[test]
fn the_values_schema_of_each_offering_accepts_random_values_as_the_model_does() {
    for offering in examples::all() {
        let name = offering.name();
        let outputs = offering.outputs().unwrap();
        write_files(&directory(), name, &outputs).unwrap();
        let judge = Judge {
            name,
            count: TREES_OF_OFFERING,
            schema: &outputs[&format!("schemas/{name}.values.json")],
            described: offering.description(),
            form: offering.form(),
            merged: &|text| offering.merged(text),
            validate: &|text| offering.validate(text, None).unwrap(),
        };
        judge.write();
    }
}
