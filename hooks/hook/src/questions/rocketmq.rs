//! `rocketmq`: asks name servers and brokers a question and prints the answer; nothing is changed.

use std::time::Duration;

use midships_client_rocketmq::{Client, Timeouts};
use midships_questions_rocketmq::{Clusters, Groups, Offsets, Progress, Scope, Topics};

use crate::arguments::{Common, Output, Question, Rocketmq};
use crate::certificates;
use crate::exit::Exit;
use crate::questions::{print, runtime, unusable};
use crate::signing;

/// How long one call may take. The offsets of all groups of a large broker are some megabytes.
const TIMEOUTS: Timeouts = Timeouts {
    connect: Duration::from_secs(3),
    call: Duration::from_secs(10),
};

/// Asks a question and prints the answer.
pub fn ask(arguments: Rocketmq) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(exit) => return exit,
    };
    let access = &arguments.question.common().access;
    let credentials = match signing::read(access.credentials.as_deref()) {
        Ok(credentials) => credentials,
        Err(problem) => return unusable("--credentials", &problem),
    };
    let encryption = match certificates::encryption(access.tls.as_deref(), true) {
        Ok(encryption) => encryption,
        Err(problem) => return unusable("--tls", &problem),
    };
    let client = Client::reusing_connections(TIMEOUTS)
        .signing_with(credentials)
        .encrypting_with(encryption);
    runtime.block_on(asked(&client, arguments.question))
}

async fn asked(client: &Client, question: Question) -> Exit {
    match question {
        Question::Cluster { common } => {
            let (scope, output) = scope(common);
            print(&Clusters::ask(client, &scope).await, output)
        }
        Question::Topics {
            common,
            topic,
            system,
        } => {
            let (scope, output) = scope(common);
            let scope = Scope {
                topic,
                system,
                ..scope
            };
            print(&Topics::ask(client, &scope).await, output)
        }
        Question::Groups {
            common,
            group,
            system,
        } => {
            let (scope, output) = scope(common);
            let scope = Scope {
                group,
                system,
                ..scope
            };
            print(&Groups::ask(client, &scope).await, output)
        }
        Question::Progress {
            common,
            group,
            topic,
            system,
        } => {
            let (scope, output) = scope(common);
            let scope = Scope {
                group,
                topic,
                system,
                ..scope
            };
            print(&Progress::ask(client, &scope).await, output)
        }
        Question::Offsets {
            common,
            group,
            topic,
        } => {
            let (scope, output) = scope(common);
            let scope = Scope {
                group: Some(group),
                topic,
                ..scope
            };
            print(&Offsets::ask(client, &scope).await, output)
        }
    }
}

fn scope(common: Common) -> (Scope, Output) {
    let Common {
        name_servers,
        cluster,
        output,
        access: _,
    } = common;
    let scope = Scope {
        name_servers,
        cluster,
        ..Scope::default()
    };
    (scope, output)
}
