//! What is said: objects of JSON on standard output, one a line, and complaints on standard error.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

/// Prints one object as a line. Whoever does not read it any more misses nothing that can be helped.
pub fn say(object: &impl Serialize) {
    if let Ok(line) = serde_json::to_string(object) {
        let mut output = io::stdout().lock();
        let _ = writeln!(output, "{line}").and_then(|()| output.flush());
    }
}

/// Prints a complaint.
pub fn complain(what: &impl Display) {
    let _ = writeln!(io::stderr(), "load-redis: {what}");
}
