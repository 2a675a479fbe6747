//! The binary midships: generate, check, package and publish charts.
//!
//! Exit codes: 0 done, 1 refused input, differences or a failed push, 2 usage, or values that could not be checked.

mod arguments;
mod commands;
mod printer;

use std::io;
use std::process::ExitCode;

use clap::Parser;

use crate::arguments::{Arguments, Command};
use crate::commands::{
    Verdict, change, check, generate, image, index, offering, package, post_render, publish,
};
use crate::printer::Printer;

fn main() -> ExitCode {
    // Clap ends the process itself for --help, --version and wrong usage.
    let arguments = Arguments::parse();
    let mut output = io::stdout().lock();
    let mut notes = io::stderr();
    let mut printer = Printer::new(&mut output, &mut notes);
    let result = match &arguments.command {
        Command::Generate(options) => generate::run(options, &mut printer),
        Command::Check(options) => check::run(options, &mut printer),
        Command::Change(options) => change::run(options, &mut printer),
        Command::Offering(options) => offering::run(options, &mut printer),
        Command::Package(options) => package::run(options, &mut printer),
        Command::Publish(options) => publish::run(options, &mut printer),
        Command::PostRender(options) => post_render::run(options, &mut printer),
        Command::Image(options) => image::run(options, &mut printer),
        Command::Index(options) => index::run(options, &mut printer),
    };
    match result {
        Ok(Verdict::Done) => ExitCode::SUCCESS,
        Ok(Verdict::Refused) => ExitCode::FAILURE,
        Err(error) => {
            printer.note(format_args!("error: {error}"));
            match arguments.command {
                // Whoever runs it in a pipeline must be able to tell bad values from none.
                Command::Check(_) | Command::Change(_) | Command::Offering(_) => ExitCode::from(2),
                _ => ExitCode::FAILURE,
            }
        }
    }
}
