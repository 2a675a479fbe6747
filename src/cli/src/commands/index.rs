//! `midships index`: the index of a chart repository on a plain web server.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use midships_publish::{BaseAddress, Existing, Index};
use snafu::{OptionExt, ResultExt, ensure};

use super::{
    EarlierIndexSnafu, EmptySnafu, Error, IndexSnafu, NotTextSnafu, OutputSnafu, ReadSnafu,
    Verdict, WriteSnafu, read, write,
};
use crate::arguments;
use crate::printer::Printer;

/// The name by which Helm asks for an index.
const FILE: &str = "index.yaml";

/// Writes the index beside the archives and its path to standard output.
///
/// # Errors
/// When the address is refused, an archive is no chart, or a version would change; then nothing is written.
pub fn run(options: &arguments::Index, printer: &mut Printer<'_>) -> Result<Verdict, Error> {
    let base = BaseAddress::parse(&options.url).context(IndexSnafu)?;
    let directory = &options.directory;
    let archives = archives(directory)?;
    let path = directory.join(FILE);
    let mut earlier = Vec::new();
    if path.exists() {
        earlier.push(parse(&path)?);
    }
    if let Some(path) = &options.merge {
        earlier.push(parse(path)?);
    }
    ensure!(
        !archives.is_empty() || !earlier.is_empty(),
        EmptySnafu { path: directory }
    );
    let existing = Existing::replaced_if(options.force);
    let created = options.created.timestamp;
    let index = Index::build(&archives, &base, &earlier, existing, created).context(IndexSnafu)?;
    // In one step, as somebody may ask the web server for it meanwhile.
    let unfinished = directory.join(".index.yaml.unfinished");
    write(&unfinished, index.to_yaml(created).as_bytes())?;
    fs::rename(&unfinished, &path).context(WriteSnafu { path: &path })?;
    let (charts, versions) = index.size();
    printer.note(format_args!("charts: {charts}, versions: {versions}"));
    printer.data(path.display()).context(OutputSnafu)?;
    Ok(Verdict::Done)
}

/// Reads an earlier index.
fn parse(path: &Path) -> Result<Index, Error> {
    let text = String::from_utf8(read(path)?)
        .ok()
        .context(NotTextSnafu { path })?;
    Index::parse(&text).context(EarlierIndexSnafu { path })
}

/// The archives of a directory by the names of their files.
fn archives(directory: &Path) -> Result<BTreeMap<String, Vec<u8>>, Error> {
    let mut archives = BTreeMap::new();
    for entry in fs::read_dir(directory).context(ReadSnafu { path: directory })? {
        let path = entry.context(ReadSnafu { path: directory })?.path();
        if path.extension().is_some_and(|extension| extension == "tgz") {
            let name = path.file_name().and_then(|name| name.to_str());
            let name = name.context(NotTextSnafu { path: &path })?.to_owned();
            archives.insert(name, read(&path)?);
        }
    }
    Ok(archives)
}
