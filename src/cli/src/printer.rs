//! Where a command writes: data to standard output, everything that is for people to standard error.

use std::fmt::Display;
use std::io::{self, Write};

/// The two outputs of a command.
pub struct Printer<'a> {
    data: &'a mut dyn Write,
    notes: &'a mut dyn Write,
}

impl<'a> Printer<'a> {
    /// Writes data and notes to these outputs.
    pub fn new(data: &'a mut dyn Write, notes: &'a mut dyn Write) -> Self {
        Self { data, notes }
    }

    /// Writes a line that another program may read.
    ///
    /// # Errors
    /// When the output is closed or full.
    pub fn data(&mut self, line: impl Display) -> io::Result<()> {
        writeln!(self.data, "{line}")
    }

    /// Writes bytes that another program reads, to their end.
    ///
    /// # Errors
    /// When the output is closed or full.
    pub fn bytes(&mut self, bytes: &[u8]) -> io::Result<()> {
        self.data.write_all(bytes)?;
        self.data.flush()
    }

    /// Writes a line for people. A closed standard error stops nothing: the exit code says the same.
    pub fn note(&mut self, line: impl Display) {
        let _closed = writeln!(self.notes, "{line}");
    }
}
