//! Random values of a chart, the same for the same seed: most of them good, some with a mistake or two.

use std::iter;

use midships_model::description::{Description, Field};
use midships_model::rules::Finding;
use serde_json::{Map, Value, json};

/// Words from which text is made: some fit some field, none fits all.
const WORDS: [&str; 26] = [
    "",
    "a",
    "orders",
    "fast-disks",
    "a.b-c",
    "Upper",
    "5.5.0",
    "512Mi",
    "2Gi",
    "40Gi",
    "10G",
    "250m",
    "3",
    "0",
    "1.5",
    "/srv/data",
    "relative/path",
    "registry.example:5000/mirror",
    "apache/rocketmq",
    "name-server:9876",
    "other.example:10000",
    "no-port",
    "with blank",
    "名",
    "nfsvers=4.1",
    "${.PVC.namespace}/${.PVC.name}",
];
const KEYS: [&str; 7] = [
    "team",
    "example.org/team",
    "-wrong",
    "fileReservedTime",
    "file-reserved-time",
    "app.kubernetes.io/part-of",
    "x_y.z",
];
/// One field in so many is given.
const GIVEN: u64 = 32;
/// How often a good value is looked for before the default is taken.
const TRIES: usize = 40;

/// A source of numbers: the generator `SplitMix64`, which needs no more than a seed.
pub struct Numbers(pub u64);

impl Numbers {
    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    fn below(&mut self, count: u64) -> u64 {
        self.next() % count
    }

    fn choose<'a, T>(&mut self, from: &'a [T]) -> &'a T {
        let index = self.below(from.len() as u64);
        &from[usize::try_from(index).unwrap()]
    }

    fn integer(&mut self, least: i64, most: i64) -> i64 {
        let width = u64::try_from(most - least + 1).unwrap();
        least + i64::try_from(self.below(width)).unwrap()
    }
}

/// Values as a person gives them. `refused` is what the chart refuses of its defaults.
pub fn given(description: &Description, refused: &[Finding], numbers: &mut Numbers) -> Value {
    let mut values = json!({});
    let fields = description.fields();
    for field in &fields {
        // What other fields depend on is given more often, and so is what the chart cannot do without.
        let is_needed = field.is_required() && field.visible.is_always()
            || refused.iter().any(|finding| finding.path == field.path);
        let decides = fields.iter().any(|other| {
            other
                .visible
                .terms
                .iter()
                .any(|term| term.path == field.path)
        });
        let is_given = if is_needed {
            numbers.below(GIVEN) > 0
        } else {
            numbers.below(if decides { 2 } else { GIVEN }) == 0
        };
        if is_given {
            let value = good(field, numbers);
            put(&mut values, field.path, value);
        }
    }
    for _ in 0..[0, 0, 1, 2][usize::try_from(numbers.below(4)).unwrap()] {
        let field = numbers.choose(&fields);
        let value = odd(field.schema, numbers);
        put(&mut values, field.path, value);
    }
    if numbers.below(40) == 0 {
        // Beside a field, or at the root.
        let field = numbers.choose(&fields);
        let group = field.path.rsplit_once('.').map_or("", |(group, _)| group);
        let path = format!("{group}.unknown");
        put(&mut values, path.trim_start_matches('.'), json!(1));
    }
    values
}

/// Puts a value at a path.
pub fn put(values: &mut Value, path: &str, value: Value) {
    let mut place = values;
    for step in path.split('.') {
        // A mistake may stand where a group belongs.
        if !place.is_object() {
            return;
        }
        place = &mut place[step];
        if place.is_null() {
            *place = json!({});
        }
    }
    *place = value;
}

/// A value that is good by itself.
pub fn good(field: &Field<'_>, numbers: &mut Numbers) -> Value {
    let validator = jsonschema::validator_for(field.schema).unwrap();
    let tries = iter::repeat_with(|| any(field.schema, numbers)).take(TRIES);
    let mut good = tries.filter(|value| validator.is_valid(value));
    good.next().unwrap_or_else(|| field.default.clone())
}

/// A value of the field's type, within bounds where it is a number.
fn any(schema: &Value, numbers: &mut Numbers) -> Value {
    if let Some(choices) = schema["enum"].as_array() {
        return numbers.choose(choices).clone();
    }
    match schema["type"].as_str() {
        Some("boolean") => json!(numbers.below(2) == 0),
        Some("integer") => {
            let least = schema["minimum"].as_i64().unwrap_or(0);
            json!(numbers.integer(least, schema["maximum"].as_i64().unwrap_or(least + 8)))
        }
        Some("array") => {
            let count = numbers.below(3);
            let items = iter::repeat_with(|| any(&schema["items"], numbers));
            Value::Array(items.take(usize::try_from(count).unwrap()).collect())
        }
        Some("object") => {
            let mut members = Map::new();
            for (name, property) in schema["properties"].as_object().into_iter().flatten() {
                if numbers.below(4) > 0 {
                    members.insert(name.clone(), any(property, numbers));
                }
            }
            let additional = &schema["additionalProperties"];
            if *additional != false && numbers.below(2) == 0 {
                let key = (*numbers.choose(&KEYS)).to_owned();
                members.insert(
                    key,
                    if additional.is_object() {
                        any(additional, numbers)
                    } else {
                        json!("a")
                    },
                );
            }
            Value::Object(members)
        }
        _ => json!(numbers.choose(&WORDS)),
    }
}

/// A value that is likely to be a mistake.
fn odd(schema: &Value, numbers: &mut Numbers) -> Value {
    let bound = |key: &str, step: i64| {
        schema[key]
            .as_i64()
            .map_or(Value::Null, |bound| json!(bound + step))
    };
    let odd = [
        json!(numbers.choose(&WORDS)),
        json!(1.5),
        json!(-1),
        json!(true),
        json!([]),
        json!({}),
        json!(["a", "a"]),
        json!({ "a": null }),
        bound("minimum", -1),
        bound("maximum", 1),
        json!("x".repeat(400)),
        any(schema, numbers),
        Value::Null,
    ];
    numbers.choose(&odd).clone()
}
