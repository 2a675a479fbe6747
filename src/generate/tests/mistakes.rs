//! The catalogue of mistakes: what a check says about each of them, and the documents that are made of it.
#![cfg(test)]

mod catalogue;

use std::collections::BTreeSet;
use std::fmt::Write;

use catalogue::{Answer, MISTAKES, Mistake};
use midships_generate::{
    CHECKS, Finding, Release, Report, decode, forbidden_changes, models, render, report_schema,
    validate, without_effect,
};

const DOCUMENTS: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../docs");

fn findings(mistake: &Mistake) -> Vec<Finding> {
    let release = Release {
        name: mistake.release.to_owned(),
        namespace: "shop".to_owned(),
    };
    match decode(mistake.values) {
        Ok(text) => {
            let mut findings = validate("rocketmq", text, Some(&release)).unwrap();
            if let Some(before) = mistake.before {
                findings.extend(forbidden_changes("rocketmq", before, text).unwrap());
            }
            findings.extend(without_effect("rocketmq", text).unwrap());
            findings
        }
        Err(finding) => vec![*finding],
    }
}

fn line(finding: &Finding) -> usize {
    let related = finding.related.iter().find_map(|related| related.place);
    finding.place.or(related).map_or(0, |place| place.line)
}

fn shown(mistake: &Mistake) -> String {
    let text = String::from_utf8_lossy(mistake.values);
    let shown = render(&findings(mistake), &text, "values.yaml", false);
    let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
    lines.join("\n")
}

#[test]
fn a_check_names_rule_path_line_and_what_is_allowed() {
    for mistake in catalogue::all() {
        let found = findings(mistake);
        let is_named = found.iter().any(|finding| {
            finding.rule == mistake.rule
                && finding.path == mistake.path
                && line(finding) == mistake.line
                && finding.allowed.contains(mistake.allowed)
        });
        assert!(is_named, "{}:\n{}", mistake.name, shown(mistake));
        // A suggestion is worth its name: with it, the finding is gone.
        let suggestion = found
            .iter()
            .find(|finding| finding.rule == mistake.rule)
            .and_then(|finding| finding.suggestion.as_ref());
        if let Some(suggestion) = suggestion {
            let mut text = decode(mistake.values).unwrap().to_owned();
            let place = suggestion.place;
            text.replace_range(place.start..place.end, &suggestion.text);
            let after = validate("rocketmq", &text, None).unwrap();
            let is_left = after.iter().any(|finding| {
                finding.rule == mistake.rule
                    && finding.path == mistake.path
                    && line(finding) == mistake.line
            });
            assert!(!is_left, "{}: {text}", mistake.name);
        }
    }
}

#[test]
fn the_catalogue_has_every_check_and_each_name_once() {
    let names: BTreeSet<&str> = catalogue::all().map(|mistake| mistake.name).collect();
    assert_eq!(names.len(), catalogue::all().count());
    assert!(names.len() >= 50, "{}", names.len());
    let rules: BTreeSet<&str> = catalogue::all().map(|mistake| mistake.rule).collect();
    for (check, _) in CHECKS {
        assert!(rules.contains(check), "no mistake shows {check}");
    }
    let mut all = BTreeSet::new();
    for model in models() {
        let rules = model.rules();
        let checks = CHECKS.iter().map(|(check, _)| *check);
        let known: BTreeSet<&str> = checks.chain(rules.iter().map(|rule| rule.id)).collect();
        let count = CHECKS.len() + rules.len();
        assert_eq!(known.len(), count, "a rule's name twice: {}", model.chart);
        all.extend(known);
    }
    for mistake in catalogue::all() {
        for finding in findings(mistake) {
            assert!(all.contains(finding.rule.as_str()), "{}", finding.rule);
        }
    }
}

#[test]
fn helm_refuses_the_same_unless_it_is_said_why() {
    let answers = catalogue::answers();
    let names: BTreeSet<&str> = answers.keys().map(String::as_str).collect();
    let wanted: BTreeSet<&str> = catalogue::all().map(|mistake| mistake.name).collect();
    assert_eq!(
        names, wanted,
        "run the tests with Helm and MIDSHIPS_UPDATE=1"
    );
    for mistake in catalogue::all() {
        for answer in &answers[mistake.name] {
            assert_eq!(
                answer.is_taken,
                mistake.taken_by_helm.is_some(),
                "{}",
                mistake.name
            );
        }
    }
}

#[test]
fn the_documents_are_current() {
    catalogue::is_current(&format!("{DOCUMENTS}/mistakes.md"), &document());

    let path = format!("{DOCUMENTS}/checking-values.md");
    let text = std::fs::read_to_string(&path).unwrap();
    let (before, rest) = text.split_once("<!-- rules -->\n").unwrap();
    let (_, after) = rest.split_once("<!-- end of rules -->\n").unwrap();
    let rules = rules();
    let wanted = format!("{before}<!-- rules -->\n{rules}<!-- end of rules -->\n{after}");
    catalogue::is_current(&path, &wanted);

    let schema = serde_json::to_string_pretty(&report_schema()).unwrap();
    catalogue::is_current(
        &format!("{DOCUMENTS}/check-report.schema.json"),
        &format!("{schema}\n"),
    );
}

#[test]
fn reports_are_as_their_schema_says() {
    let schema = report_schema();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for mistake in catalogue::all() {
        let findings = findings(mistake);
        let report = Report::new("values.yaml", "rocketmq", &findings);
        let report = serde_json::to_value(&report).unwrap();
        assert!(validator.is_valid(&report), "{report:#}");
        let count = |key: &str| report[key].as_array().unwrap().len();
        assert_eq!(count("findings") + count("warnings"), findings.len());
    }
}

fn document() -> String {
    let mut text = "# Mistakes in values, and what is said about them\n\n\
        Generated from the catalogue of the tests. Each mistake with the words of Helm 3 and Helm 4, which render the chart with\n\
        it, and with the words of [`midships check`](checking-values.md).\n"
        .to_owned();
    let answers = catalogue::answers();
    for (kind, mistakes) in MISTAKES {
        write!(text, "\n## {kind}\n").unwrap();
        for mistake in *mistakes {
            write!(text, "\n### {}\n\n", mistake.title).unwrap();
            if let Some(before) = mistake.before {
                block(&mut text, "Before:\n\n", "yaml", before);
            }
            if mistake.release != "orders" {
                write!(text, "The release is called `{}`.\n\n", mistake.release).unwrap();
            }
            if !mistake.values.is_empty() {
                block(
                    &mut text,
                    "",
                    "yaml",
                    &String::from_utf8_lossy(mistake.values),
                );
            }
            match answers.get(mistake.name) {
                Some([three, four]) if three == four => {
                    said(&mut text, "Helm 3 and Helm 4", three, mistake);
                }
                Some([three, four]) => {
                    said(&mut text, "Helm 3", three, mistake);
                    said(&mut text, "Helm 4", four, mistake);
                }
                None => {}
            }
            block(&mut text, "midships:\n\n", "text", &shown(mistake));
            text.truncate(text.trim_end().len());
            text.push('\n');
        }
    }
    text
}

fn said(text: &mut String, who: &str, answer: &Answer, mistake: &Mistake) {
    match mistake.taken_by_helm.filter(|_| answer.is_taken) {
        Some(why) => write!(text, "{who}: nothing. {why}\n\n").unwrap(),
        None => block(text, &format!("{who}:\n\n"), "text", &answer.words),
    }
}

fn block(text: &mut String, title: &str, language: &str, lines: &str) {
    let lines = lines.replace('\0', "").replace('\t', "→   ");
    let lines = lines.trim_end();
    write!(text, "{title}```{language}\n{lines}\n```\n\n").unwrap();
}

fn rules() -> String {
    let mut text = "\n| rule | refuses |\n| --- | --- |\n".to_owned();
    for (check, refuses) in CHECKS {
        writeln!(text, "| `{check}` | {refuses} |").unwrap();
    }
    for model in models() {
        let chart = model.chart;
        write!(
            text,
            "\n| rule of the chart {chart} | allows | what to do |\n"
        )
        .unwrap();
        text += "| --- | --- | --- |\n";
        for rule in model.rules() {
            writeln!(text, "| `{}` | {} | {} |", rule.id, rule.allowed, rule.hint).unwrap();
        }
    }
    text.push('\n');
    text
}
