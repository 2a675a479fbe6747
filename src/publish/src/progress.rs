//! How a person sees a push move: bars on a terminal, lines elsewhere.

use std::io::Write;
use std::sync::{Mutex, PoisonError};

use indicatif::{HumanBytes, ProgressBar, ProgressDrawTarget, ProgressStyle};

/// Something that is told how far a push is. One artifact is pushed at a time.
pub trait Progress: Send + Sync {
    /// An artifact of that many bytes is about to be pushed under a reference.
    fn begin(&self, reference: &str, bytes: u64);

    /// More bytes of it are in the registry.
    fn advance(&self, bytes: u64);

    /// The push of it ended, well or not.
    fn end(&self);
}

/// Bars on the terminal at standard error.
#[derive(Default)]
pub struct Bars {
    current: Mutex<Option<ProgressBar>>,
}

impl Bars {
    fn with(&self, action: impl FnOnce(&mut Option<ProgressBar>)) {
        // A bar is a picture only: one that a panicking thread left behind is still good.
        action(&mut self.current.lock().unwrap_or_else(PoisonError::into_inner));
    }
}

impl Progress for Bars {
    fn begin(&self, reference: &str, bytes: u64) {
        let bar = ProgressBar::with_draw_target(Some(bytes), ProgressDrawTarget::stderr());
        if let Ok(style) =
            ProgressStyle::with_template("{msg} {wide_bar} {bytes}/{total_bytes} {bytes_per_sec}")
        {
            bar.set_style(style);
        }
        bar.set_message(reference.to_owned());
        self.with(|current| *current = Some(bar));
    }

    fn advance(&self, bytes: u64) {
        self.with(|current| {
            if let Some(bar) = current {
                bar.inc(bytes);
            }
        });
    }

    fn end(&self) {
        self.with(|current| {
            if let Some(bar) = current.take() {
                bar.finish_and_clear();
            }
        });
    }
}

/// One line for each artifact, for logs.
pub struct Lines<W> {
    output: Mutex<W>,
}

impl<W: Write + Send> Lines<W> {
    /// Writes the lines to `output`.
    pub fn new(output: W) -> Self {
        Self {
            output: Mutex::new(output),
        }
    }
}

impl<W: Write + Send> Progress for Lines<W> {
    fn begin(&self, reference: &str, bytes: u64) {
        let mut output = self.output.lock().unwrap_or_else(PoisonError::into_inner);
        // A closed standard error must not stop a push that is under way.
        let _closed = writeln!(output, "pushing {reference}, {}", HumanBytes(bytes));
    }

    fn advance(&self, _bytes: u64) {}

    fn end(&self) {}
}
