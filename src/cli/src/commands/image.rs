//! `midships image`: the hook program as an image in one file.

use midships_publish::Image;
use snafu::ResultExt;

use super::{Error, ImageSnafu, OutputSnafu, Verdict, read, write};
use crate::arguments;
use crate::printer::Printer;

/// Packs the program and writes `REFERENCE DIGEST` to standard output.
///
/// # Errors
/// When a file cannot be read or written, or the program cannot run in an image made from scratch.
pub fn run(options: &arguments::Image, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let binary = read(&options.binary)?;
    let created = options.created.timestamp;
    let image = Image::new(&binary, env!("CARGO_PKG_VERSION"), created).context(ImageSnafu)?;
    let archive = image.archive(&options.name, created).context(ImageSnafu)?;
    write(&options.out, &archive)?;
    printer
        .data(format_args!(
            "{} {}",
            options.name,
            image.artifact().manifest().digest()
        ))
        .context(OutputSnafu)?;
    printer.note(format_args!(
        "wrote {}: {} for {}, {} bytes unpacked",
        options.out.display(),
        options.name,
        image.architecture().name(),
        image.unpacked_bytes()
    ));
    Ok(Verdict::Done)
}
