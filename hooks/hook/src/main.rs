//! The binary midships-hook: runs, plans and explains operations.

mod arguments;
mod certificates;
mod check;
mod clock;
mod clusters;
mod desired;
mod exit;
mod family;
mod log;
mod operate;
mod password;
mod pod;
mod questions;
mod redis;
mod rocketmq;
mod signing;
mod status;
mod unlock;
mod world;

use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Action, Arguments};
use crate::exit::Exit;

fn main() -> ExitCode {
    // A panic is a bug, and the Job must not repeat it: its code is told apart from a crash.
    std::panic::set_hook(Box::new(|information| {
        log::complain(&format!(
            "this is a bug of midships-hook; report it with this log: {information}"
        ));
        std::process::exit(Exit::Bug.code());
    }));
    let arguments = match Arguments::try_parse() {
        Ok(arguments) => arguments,
        Err(refusal) => {
            // Help and version come this way too; a closed output leaves nothing to do.
            let _ = refusal.print();
            return if refusal.use_stderr() {
                Exit::Usage.into()
            } else {
                Exit::Done.into()
            };
        }
    };
    let exit = match arguments.action {
        Action::Run(arguments) => operate::run(&arguments),
        Action::Plan(arguments) => operate::plan(&arguments),
        Action::Check(arguments) => check::check(&arguments),
        Action::Status(arguments) => status::status(&arguments),
        Action::Unlock(arguments) => unlock::unlock(&arguments),
        Action::Rocketmq(arguments) => questions::rocketmq::ask(arguments),
        Action::Redis(arguments) => questions::redis::ask(&arguments),
        Action::MakePassword(arguments) => password::make(&arguments),
        Action::Place(arguments) => pod::place(&arguments),
        Action::Send(arguments) => pod::send(&arguments),
        Action::Encrypted(arguments) => pod::encrypted(&arguments),
    };
    exit.into()
}
