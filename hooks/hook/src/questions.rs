//! Questions about clusters, whose answers are printed: nothing is changed, unless a person asks for just that.

pub mod redis;
pub mod rocketmq;

use midships_answers::Told;
use midships_engine::step::Problem;
use serde::Serialize;
use tokio::runtime::Runtime;

use crate::arguments::Output;
use crate::exit::Exit;
use crate::log;

/// What calls are made on.
fn runtime() -> Result<Runtime, Exit> {
    crate::operate::runtime().map_err(|why| {
        log::complain(&why);
        Exit::Crash
    })
}

/// An option whose files cannot be used.
fn unusable(option: &str, problem: &Problem) -> Exit {
    log::complain(&format!("{option}: {}; {}", problem.why, problem.remedy));
    Exit::Usage
}

/// Prints an answer.
fn print(told: &(impl Told + Serialize), output: Output) -> Exit {
    match output {
        Output::Text => log::say(told.text().trim_end()),
        Output::Json => match serde_json::to_string_pretty(told) {
            Ok(text) => log::say(&text),
            Err(error) => {
                log::complain(&format!("the answer cannot be written as JSON: {error}"));
                return Exit::Bug;
            }
        },
    }
    end(told)
}

/// How the program ends with an answer.
fn end(told: &impl Told) -> Exit {
    if told.problems().is_empty() {
        Exit::Done
    } else {
        Exit::Failed
    }
}

#[cfg(test)]
mod tests {
    use midships_answers::Problem;

    use super::*;

    #[derive(Serialize)]
    struct Answer {
        problems: Vec<Problem>,
    }

    impl Told for Answer {
        fn text(&self) -> String {
            "told\n".to_owned()
        }

        fn problems(&self) -> &[Problem] {
            &self.problems
        }
    }

    #[test]
    fn a_question_that_is_not_wholly_answered_fails() {
        let problem = Problem {
            object: "a:1".to_owned(),
            why: "did not answer".to_owned(),
        };
        for output in [Output::Text, Output::Json] {
            let whole = Answer {
                problems: Vec::new(),
            };
            assert_eq!(print(&whole, output), Exit::Done);
            let part = Answer {
                problems: vec![problem.clone()],
            };
            assert_eq!(print(&part, output), Exit::Failed);
        }
    }
}
