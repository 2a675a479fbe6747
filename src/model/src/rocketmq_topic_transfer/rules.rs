//! The rule table of the chart `rocketmq-topic-transfer`.
//!
//! Each rule stands here twice, in Rust and as a Helm template; its examples are run through both, and the two must find the
//! same in the same words. Templates may use the definitions of the chart's `_names.tpl`.

use super::{CHART, Side, Values};
use crate::model::full_name;
use crate::rules::Rule;
use crate::rules::shared::{
    self, above_limits, accepted, because, hook_annotations, named, one_if, owned_labels, refused,
};

/// The most characters of the full name, which is the value of a label and makes the name of a Job.
pub const LONGEST_FULL_NAME: usize = 63;

/// Values of an example: a topic, its source and its target, which must be given, and more.
macro_rules! with_sides {
    () => {
        r#"{"topic":"orders","source":{"release":"old"},"target":{"release":"new"}}"#
    };
    ($more:literal) => {
        concat!(
            r#"{"topic":"orders","source":{"release":"old"},"target":{"release":"new"},"#,
            $more,
            "}"
        )
    };
}

/// Both sides with the fields that hold them.
fn sides(values: &Values) -> [(&'static str, &Side); 2] {
    [("source", &values.source), ("target", &values.target)]
}

/// The rules.
pub const RULES: &[Rule<Values>] = &[
    Rule {
        id: "sides-are-named",
        allowed: "a release or a cluster",
        hint: "set release to a release of the chart rocketmq, or cluster to the name that its brokers register",
        check: |subject| {
            sides(subject.values)
                .into_iter()
                .flat_map(|(path, side)| {
                    let violations = one_if(side.is_empty(), &format!("{path}.release"), "nothing");
                    because(violations, &[&format!("{path}.cluster")])
                })
                .collect()
        },
        template: r"{{- if not (or .Values.<< section >>.release .Values.<< section >>.cluster) }}
<< section >>.release|nothing
{{- end }}",
        sections: &["source", "target"],
        examples: &[
            accepted(with_sides!()),
            accepted(
                r#"{"topic":"orders","source":{"cluster":"c"},"target":{"cluster":"d"},"nameServers":{"addresses":["n:1"]}}"#,
            ),
            refused(
                r#"{"topic":"orders","source":{"release":"old"}}"#,
                &["target.release"],
            ),
        ],
    },
    Rule {
        id: "name-servers-are-found",
        allowed: "at least one address while source.release is empty",
        hint: "name a name server that both sides use, such as shop-rocketmq-name-server-0.shop-rocketmq-name-server:9876",
        check: |subject| {
            let values = subject.values;
            let wrong =
                values.source.release.is_empty() && values.name_servers.addresses.is_empty();
            because(
                one_if(wrong, "nameServers.addresses", "none"),
                &["source.release"],
            )
        },
        template: r"{{- if not (or .Values.source.release .Values.nameServers.addresses) }}
nameServers.addresses|none
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(with_sides!()),
            refused(
                r#"{"topic":"orders","source":{"cluster":"c"},"target":{"cluster":"d"}}"#,
                &["nameServers.addresses"],
            ),
        ],
    },
    Rule {
        id: "sides-differ",
        allowed: "another release, cluster or groups than those of the source",
        hint: "name the release, the cluster or the groups that the topic goes to",
        check: |subject| {
            let values = subject.values;
            let wrong = values.source == values.target && !values.source.is_empty();
            because(
                one_if(wrong, "target.release", &values.target.release),
                &["source.release"],
            )
        },
        template: r"{{- $named := or .Values.source.release .Values.source.cluster }}
{{- if and $named (eq (toJson .Values.source) (toJson .Values.target)) }}
target.release|{{ .Values.target.release }}
{{- end }}",
        sections: &[""],
        examples: &[
            accepted(with_sides!()),
            accepted(
                r#"{"topic":"orders","source":{"release":"one","groups":["a"]},"target":{"release":"one","groups":["b"]}}"#,
            ),
            refused(
                r#"{"topic":"orders","source":{"release":"one"},"target":{"release":"one"}}"#,
                &["target.release"],
            ),
        ],
    },
    Rule {
        id: "deadline-covers-estimate",
        allowed: "0, or at least as long as a transfer takes by the estimate of the release's notes",
        hint: "set hook.deadlineSeconds to 0: it is then derived",
        check: |subject| {
            let set = subject.values.hook.deadline_seconds;
            let estimate = subject.values.estimate_seconds();
            let found = format!("{set} s with an estimate of {estimate} s");
            because(
                one_if(set != 0 && set < estimate, "hook.deadlineSeconds", found),
                &["drainMinutes", "clientRouteRefreshSeconds"],
            )
        },
        template: r#"{{- $set := int .Values.hook.deadlineSeconds }}
{{- $estimate := include "<< chart >>.estimateSeconds" . | int }}
{{- if and (ne $set 0) (lt $set $estimate) }}
hook.deadlineSeconds|{{ $set }} s with an estimate of {{ $estimate }} s
{{- end }}"#,
        sections: &[""],
        examples: &[
            accepted(with_sides!(r#""hook":{"deadlineSeconds":8700}"#)),
            accepted(with_sides!(
                r#""drainMinutes":10,"hook":{"deadlineSeconds":2700}"#
            )),
            refused(
                with_sides!(r#""hook":{"deadlineSeconds":8699}"#),
                &["hook.deadlineSeconds"],
            ),
        ],
    },
    shared::requests_are_within_limits(
        |subject| above_limits("hook", &subject.values.hook.resources),
        &["hook"],
        &[
            accepted(with_sides!(
                r#""hook":{"resources":{"requests":{"memory":"128Mi"}}}"#
            )),
            refused(
                with_sides!(
                    r#""hook":{"resources":{"requests":{"cpu":2,"memory":"1Gi"},"limits":{"cpu":"1500m"}}}"#
                ),
                &[
                    "hook.resources.requests.cpu",
                    "hook.resources.requests.memory",
                ],
            ),
        ],
    ),
    shared::labels_are_not_owned(
        |subject| {
            let values = subject.values;
            owned_labels(&[
                ("commonLabels", &values.common_labels),
                ("hook.labels", &values.hook.labels),
            ])
        },
        &["commonLabels", "hook.labels"],
        &[
            accepted(with_sides!(r#""commonLabels":{"team":"orders"}"#)),
            refused(
                with_sides!(
                    r#""commonLabels":{"midships/cluster":"x"},"hook":{"labels":{"helm.sh/chart":"x"}}"#
                ),
                &["commonLabels.midships/cluster", "hook.labels.helm.sh/chart"],
            ),
        ],
    ),
    shared::annotations_are_not_hooks(
        |subject| {
            let values = subject.values;
            hook_annotations(&[
                ("commonAnnotations", &values.common_annotations),
                ("hook.annotations", &values.hook.annotations),
            ])
        },
        &["commonAnnotations", "hook.annotations"],
        &[
            accepted(with_sides!(
                r#""hook":{"annotations":{"sidecar.istio.io/inject":"false"}}"#
            )),
            refused(
                with_sides!(r#""commonAnnotations":{"helm.sh/hook":"pre-install"}"#),
                &["commonAnnotations.helm.sh/hook"],
            ),
        ],
    ),
    Rule {
        id: "names-fit",
        allowed: "a full name of at most 63 characters",
        hint: "choose a shorter release name; one that contains rocketmq-topic-transfer gets no suffix",
        check: |subject| {
            let Some(release) = subject.release else {
                return Vec::new();
            };
            let name = full_name(CHART, &release.name);
            one_if(
                name.len() > LONGEST_FULL_NAME,
                "Release.Name",
                format!("{name} with {} characters", name.len()),
            )
        },
        template: r#"{{- $name := include "<< chart >>.fullName" . }}
{{- if gt (len $name) 63 }}
Release.Name|{{ $name }} with {{ len $name }} characters
{{- end }}"#,
        sections: &[""],
        examples: &[
            named(
                "thirty-nine-characters-and-not-more-039",
                with_sides!(),
                &[],
            ),
            named(
                "forty-characters-and-that-is-one-more-40",
                with_sides!(),
                &["Release.Name"],
            ),
        ],
    },
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_names_the_paths_of_its_examples_and_no_other_rule_does() {
        crate::rules::tests::examples_hold::<Values>();
    }
}
