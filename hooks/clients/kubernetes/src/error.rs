//! Why a call to the Kubernetes API brought no result, and what that means to the engine.

use midships_engine::step::Unanswered;
use midships_engine::world::{CommandFault, StoreFault};
use snafu::Snafu;

/// Why a call to the Kubernetes API brought no result.
#[derive(Debug, Snafu)]
#[snafu(visibility(pub(crate)))]
#[non_exhaustive]
pub enum Error {
    /// Neither a pod's own credentials nor a kubeconfig could be read.
    #[snafu(display(
        "unable to find the Kubernetes API: {why}; run inside a pod with a mounted token, or set KUBECONFIG to a readable kubeconfig"
    ))]
    NoConfiguration {
        /// What was tried and what was wrong.
        why: String,
    },
    /// The client could not be made from a configuration that was read.
    #[snafu(display("failed to make a client of the Kubernetes API: {why}"))]
    Unusable {
        /// What was wrong.
        why: String,
    },
    /// The API server answered, and its answer is no.
    #[snafu(display("{object}: the Kubernetes API refused: {message} (code {code})"))]
    Refused {
        /// The kind and name of the object that was asked for.
        object: String,
        /// The HTTP status code.
        code: u16,
        /// What the API server said.
        message: String,
        /// The reasons of the status' causes, such as `DisruptionBudget`.
        causes: Vec<String>,
    },
    /// No answer came in time. A write may or may not have taken effect.
    #[snafu(display("{object}: the Kubernetes API did not answer within {seconds} s"))]
    Late {
        /// The kind and name of the object that was asked for.
        object: String,
        /// How long it was waited for.
        seconds: u64,
    },
    /// The API server could not be reached, or its answer made no sense. A write may or may not have taken effect.
    #[snafu(display("{object}: no usable answer of the Kubernetes API: {why}"))]
    Unreached {
        /// The kind and name of the object that was asked for.
        object: String,
        /// What was wrong, down to its root.
        why: String,
    },
    /// An object is not what a program of this version can read.
    #[snafu(display("{object}: {why}"))]
    Unreadable {
        /// The kind and name of the object.
        object: String,
        /// What is wrong with it and what was expected.
        why: String,
    },
}

/// The result of a call.
pub type Result<T, E = Error> = std::result::Result<T, E>;

impl Error {
    /// Sorts what the library reports about one call.
    pub(crate) fn of_call(object: String, error: &kube::Error) -> Self {
        match error {
            kube::Error::Api(status) => Self::Refused {
                object,
                code: status.code,
                message: status.message.clone(),
                causes: status
                    .details
                    .iter()
                    .flat_map(|details| &details.causes)
                    .map(|cause| cause.reason.clone())
                    .collect(),
            },
            other => Self::Unreached {
                object,
                why: root(other),
            },
        }
    }

    /// The object that the call was about.
    #[must_use]
    pub fn object(&self) -> &str {
        match self {
            Self::NoConfiguration { .. } | Self::Unusable { .. } => "Kubernetes API",
            Self::Refused { object, .. }
            | Self::Late { object, .. }
            | Self::Unreached { object, .. }
            | Self::Unreadable { object, .. } => object,
        }
    }

    /// What it means to somebody who asked.
    #[must_use]
    pub fn unanswered(&self) -> Unanswered {
        let why = match self {
            Self::Refused { code, message, .. } => {
                format!("the Kubernetes API refused: {message} (code {code})")
            }
            Self::Late { seconds, .. } => {
                format!("the Kubernetes API did not answer within {seconds} s")
            }
            Self::Unreached { why, .. } => format!("no usable answer of the Kubernetes API: {why}"),
            Self::Unreadable { why, .. }
            | Self::NoConfiguration { why }
            | Self::Unusable { why } => why.clone(),
        };
        Unanswered {
            object: self.object().to_owned(),
            why,
        }
    }

    /// What it means to somebody who commanded: declined only when it is certain that nothing was changed.
    #[must_use]
    pub fn command_fault(&self) -> CommandFault {
        match self {
            Self::Refused { code, causes, .. } if *code == 429 && causes.iter().any(|cause| cause == "DisruptionBudget") => {
                CommandFault::Declined(Unanswered {
                    object: self.object().to_owned(),
                    why: "its disruption budget allows no eviction now; another pod of the budget is not ready".to_owned(),
                })
            }
            Self::Refused { code, .. } if declined(*code) => CommandFault::Declined(self.unanswered()),
            Self::NoConfiguration { .. } | Self::Unusable { .. } | Self::Unreadable { .. } => {
                CommandFault::Declined(self.unanswered())
            }
            Self::Refused { .. } | Self::Late { .. } | Self::Unreached { .. } => {
                CommandFault::Unanswered(self.unanswered())
            }
        }
    }

    /// What it means to somebody who reads or writes the journal or the lease. An answer that says
    /// no for good, such as 422, stops a runner like a missing right does.
    #[must_use]
    pub fn store_fault(&self) -> StoreFault {
        match self {
            Self::Refused { code: 409, .. } => StoreFault::Conflict,
            Self::Refused {
                code: 404, object, ..
            } => StoreFault::Missing {
                object: object.clone(),
            },
            Self::Refused { code, .. } if declined(*code) && *code != 429 => {
                StoreFault::Forbidden {
                    why: self.to_string(),
                }
            }
            Self::Unreadable { .. } => StoreFault::Forbidden {
                why: self.to_string(),
            },
            Self::NoConfiguration { .. }
            | Self::Unusable { .. }
            | Self::Refused { .. }
            | Self::Late { .. }
            | Self::Unreached { .. } => StoreFault::Unanswered {
                why: self.to_string(),
            },
        }
    }
}

/// Whether a status code says for certain that nothing was changed. 408 may come from a proxy after
/// the request went on, and 5xx may come after the write.
fn declined(code: u16) -> bool {
    (400..500).contains(&code) && code != 408
}

/// The innermost cause, because the outer ones only name layers of the library.
fn root(error: &kube::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    cause.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn refused(code: u16, causes: &[&str]) -> Error {
        Error::Refused {
            object: "pod a".to_owned(),
            code,
            message: "because".to_owned(),
            causes: causes.iter().map(|cause| (*cause).to_owned()).collect(),
        }
    }

    #[test]
    fn store_faults_follow_the_status_code() {
        assert_eq!(refused(409, &[]).store_fault(), StoreFault::Conflict);
        assert_eq!(
            refused(404, &[]).store_fault(),
            StoreFault::Missing {
                object: "pod a".to_owned()
            }
        );
        for code in [400, 401, 403, 413, 422] {
            assert!(
                matches!(
                    refused(code, &[]).store_fault(),
                    StoreFault::Forbidden { .. }
                ),
                "{code}"
            );
        }
        for code in [408, 429, 500, 502, 503, 504] {
            assert!(
                matches!(
                    refused(code, &[]).store_fault(),
                    StoreFault::Unanswered { .. }
                ),
                "{code}"
            );
        }
        let late = Error::Late {
            object: "pod a".to_owned(),
            seconds: 4,
        };
        assert!(matches!(late.store_fault(), StoreFault::Unanswered { .. }));
    }

    #[test]
    fn a_command_is_declined_only_when_nothing_was_changed() {
        for code in [400, 401, 403, 404, 409, 422, 429] {
            assert!(
                matches!(
                    refused(code, &[]).command_fault(),
                    CommandFault::Declined(_)
                ),
                "{code}"
            );
        }
        for code in [408, 500, 502, 503, 504] {
            assert!(
                matches!(
                    refused(code, &[]).command_fault(),
                    CommandFault::Unanswered(_)
                ),
                "{code}"
            );
        }
        let late = Error::Late {
            object: "pod a".to_owned(),
            seconds: 4,
        };
        assert!(matches!(late.command_fault(), CommandFault::Unanswered(_)));
    }

    #[test]
    fn a_disruption_budget_is_named() {
        let CommandFault::Declined(unanswered) =
            refused(429, &["DisruptionBudget"]).command_fault()
        else {
            panic!("not declined");
        };
        assert_eq!(unanswered.object, "pod a");
        assert!(
            unanswered
                .why
                .starts_with("its disruption budget allows no eviction"),
            "{}",
            unanswered.why
        );
    }
}
