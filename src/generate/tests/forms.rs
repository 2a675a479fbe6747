//! Random values with what the model says of them, written for the form libraries to judge: to the file that the variable
//! `MIDSHIPS_TREES` names.
#![cfg(test)]

mod trees;

use std::fs::File;
use std::io::{BufWriter, Write};

use midships_generate::{merged, outputs, validate};
use midships_model::rocketmq;
use midships_model::rocketmq::rules::RULES;
use serde_json::{Value, json};

const TREES: usize = 10_000;

/// Each line has `given` (as a person gives them), `values` (with the defaults), `shown` (the fields that matter),
/// `required` (those of them that must not be empty) and `accepted` (whether the model takes them, rules between fields
/// aside).
#[test]
fn the_values_schema_accepts_random_values_as_the_model_does() {
    let place = std::env::var("MIDSHIPS_TREES").expect("set MIDSHIPS_TREES to the file to write");
    let mut file = BufWriter::new(File::create(place).unwrap());
    let description = rocketmq::description().unwrap();
    let schema: Value =
        serde_json::from_slice(&outputs().unwrap()["schemas/rocketmq.values.json"]).unwrap();
    let schema = jsonschema::validator_for(&schema).unwrap();
    let mut numbers = trees::Numbers(1);
    let mut all_accepted = 0;
    for _ in 0..TREES {
        let given = trees::given(&description, &mut numbers);
        let values = merged(rocketmq::CHART, &given.to_string()).unwrap();
        let mut shown = description.fields();
        shown.retain(|field| field.visible.holds(&values));
        let required = shown.iter().filter(|field| field.is_required());
        let required: Vec<&str> = required.map(|field| field.path).collect();
        let shown: Vec<&str> = shown.iter().map(|field| field.path).collect();
        let findings = validate(rocketmq::CHART, &given.to_string(), None).unwrap();
        let is_between_fields = |rule: &str| RULES.iter().any(|known| known.id == rule);
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
        (TREES / 10..TREES * 9 / 10).contains(&all_accepted),
        "{all_accepted}"
    );
}
