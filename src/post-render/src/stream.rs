//! The stream: its documents, what becomes of each, and what is said when one is refused.

use std::num::NonZeroUsize;
use std::thread;

use granit_parser::ScanError;
use snafu::Snafu;

use crate::canonical;
use crate::change::change;
use crate::deny::{Fault, Violation, judge};
use crate::document::{Document, Reader};
use crate::edit::{Edit, Editor, OddLayout, apply};
use crate::lock::Lock;
use crate::object::{Object, objects};
use crate::policy::Policy;
use crate::simple;

/// How long a part of the stream is at least for which another processor is worth the trouble, in bytes.
const LEAST_PART: usize = 256 * 1024;
/// What Helm writes before each document.
const SOURCE: &str = "# Source: ";
/// What Helm 4 adds to each document.
const FILENAME: &str = "postrenderer.helm.sh/postrender-filename";

/// Why nothing comes out.
#[derive(Debug, Snafu)]
pub enum Refusal {
    /// A document cannot be read or changed.
    #[snafu(display("{fault}"))]
    Document {
        /// Which one and why.
        fault: Faulty,
    },
    /// Objects break rules of the policy.
    #[snafu(display("{}", listed(violations)))]
    Denied {
        /// All of them, in the order of the stream.
        violations: Vec<Violation>,
    },
}

/// A document that cannot be read or changed.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Faulty {
    /// Its number in the stream, from 1.
    pub document: usize,
    /// The line of the stream, from 1.
    pub line: usize,
    /// The column, from 1, if it is known.
    pub column: Option<usize>,
    /// The chart's file that it comes from, if the stream says it.
    pub file: Option<String>,
    /// What is wrong.
    pub message: String,
}

impl std::fmt::Display for Faulty {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(formatter, "document {}, line {}", self.document, self.line)?;
        if let Some(column) = self.column {
            write!(formatter, ", column {column}")?;
        }
        if let Some(file) = &self.file {
            write!(formatter, " ({file})")?;
        }
        write!(formatter, ": {}", self.message)
    }
}

fn listed(violations: &[Violation]) -> String {
    let count = match violations.len() {
        1 => "1 violation".to_owned(),
        count => format!("{count} violations"),
    };
    let lines: Vec<String> = violations
        .iter()
        .map(|violation| format!("\n  {violation}"))
        .collect();
    format!("the policy refuses this release: {count}{}", lines.concat())
}

/// A policy, ready to be applied to streams.
#[derive(Clone, Debug)]
pub struct PostRenderer {
    policy: Policy,
    lock: Option<Lock>,
    namespace: Option<String>,
}

/// What is wrong with the objects of a document, each with its name.
type Faults = Vec<(String, Fault)>;

/// What came of a part of the stream.
struct Part {
    /// The new text, if anything has changed.
    text: Option<String>,
    /// How many documents it has.
    documents: usize,
    /// How many line breaks it has had.
    lines: usize,
    violations: Vec<Violation>,
}

impl Part {
    fn new(text: &str, documents: usize, mut edits: Vec<Edit>, violations: Vec<Violation>) -> Self {
        let lines = line_breaks(text);
        let text = (!edits.is_empty()).then(|| {
            let mut output = String::with_capacity(text.len() + text.len() / 4);
            apply(text, 0, &mut edits, &mut output);
            output
        });
        Self {
            text,
            documents,
            lines,
            violations,
        }
    }
}

/// Parts put together, in their order.
struct Assembly<'t> {
    /// What all parts together were.
    before: &'t str,
    /// How much of it has come without a change so far.
    unchanged: usize,
    all: Part,
}

impl<'t> Assembly<'t> {
    fn new(before: &'t str) -> Self {
        let all = Part {
            text: None,
            documents: 0,
            lines: 0,
            violations: Vec::new(),
        };
        Self {
            before,
            unchanged: 0,
            all,
        }
    }

    fn add(&mut self, before: &str, part: Part) {
        let (documents, lines) = (self.all.documents, self.all.lines);
        self.all
            .violations
            .extend(part.violations.into_iter().map(|violation| Violation {
                document: violation.document + documents,
                line: violation.line + lines,
                ..violation
            }));
        self.all.documents += part.documents;
        self.all.lines += part.lines;
        match (&mut self.all.text, part.text) {
            (Some(text), changed) => text.push_str(changed.as_deref().unwrap_or(before)),
            (None, Some(changed)) => {
                let mut text = String::with_capacity(self.before.len() + self.before.len() / 8);
                text.push_str(self.before.get(..self.unchanged).unwrap_or_default());
                text.push_str(&changed);
                self.all.text = Some(text);
            }
            (None, None) => self.unchanged += before.len(),
        }
    }

    /// A fault of the next part, counted from the beginning of all.
    fn shifted(&self, fault: Faulty) -> Faulty {
        Faulty {
            document: fault.document + self.all.documents,
            line: fault.line + self.all.lines,
            ..fault
        }
    }

    fn finish(self) -> Part {
        self.all
    }
}

impl PostRenderer {
    /// Takes a policy, on request with a lock file, and the namespace of objects that name none, if it is known.
    #[must_use]
    pub fn new(policy: Policy, lock: Option<Lock>, namespace: Option<String>) -> Self {
        Self {
            policy,
            lock,
            namespace,
        }
    }

    /// Turns a stream into what is to be deployed. A stream that is not touched comes back as it is.
    ///
    /// # Errors
    /// When the stream is no YAML, with the first fault; or when objects break rules, with all of them.
    pub fn render(&self, stream: Vec<u8>) -> Result<Vec<u8>, Refusal> {
        let text = match String::from_utf8(stream) {
            Ok(text) => text,
            Err(error) => {
                let good = error.utf8_error().valid_up_to();
                let bytes = error.into_bytes();
                let before =
                    String::from_utf8_lossy(bytes.get(..good).unwrap_or_default()).into_owned();
                let message =
                    "bytes that are no UTF-8; write all files of the chart in UTF-8".to_owned();
                let fault = located(&before, before.len(), None, message);
                return Err(Refusal::Document { fault });
            }
        };
        let parts = split(&text);
        let results: Vec<Result<Part, Faulty>> = match parts.as_slice() {
            [only] => vec![self.part(only)],
            several => thread::scope(|scope| {
                let threads: Vec<_> = several
                    .iter()
                    .map(|part| scope.spawn(move || self.part(part)))
                    .collect();
                threads
                    .into_iter()
                    .zip(several)
                    .map(|(thread, part)| {
                        let broken =
                            |_| Err(located(part, 0, None, "the YAML parser failed".to_owned()));
                        thread.join().unwrap_or_else(broken)
                    })
                    .collect()
            }),
        };
        let mut all = Assembly::new(&text);
        for (result, part) in results.into_iter().zip(&parts) {
            let fault = |fault| Refusal::Document {
                fault: all.shifted(fault),
            };
            let result = result.map_err(fault)?;
            all.add(part, result);
        }
        let all = all.finish();
        if all.violations.is_empty() {
            Ok(all.text.unwrap_or(text).into_bytes())
        } else {
            Err(Refusal::Denied {
                violations: all.violations,
            })
        }
    }

    /// Reads and changes a part of the stream. Numbers and lines are counted from its beginning.
    fn part(&self, text: &str) -> Result<Part, Faulty> {
        let mut all = Assembly::new(text);
        let mut spare = Document::default();
        for chunk in chunks(text) {
            let mut document = Document::reusing(spare);
            let result = if simple::read(chunk, &mut document).is_some() {
                self.simple(chunk, &document)
            } else {
                self.any(chunk)
            };
            let result = result.map_err(|fault| all.shifted(fault))?;
            all.add(chunk, result);
            spare = document;
        }
        Ok(all.finish())
    }

    /// Changes the only document of a text.
    fn simple(&self, text: &str, document: &Document<'_>) -> Result<Part, Faulty> {
        let mut edits = Vec::new();
        let mut violations = Vec::new();
        if !self.idle() {
            let place = Extent {
                text,
                begin: 0,
                end: end_of(document, 0),
                number: 1,
            };
            violations = self.violations(&place, document, &mut edits)?;
        }
        Ok(Part::new(text, 1, edits, violations))
    }

    /// Reads and changes the documents of a text, whatever they look like.
    fn any(&self, text: &str) -> Result<Part, Faulty> {
        let mut reader = Reader::new(text);
        let mut edits = Vec::new();
        let mut violations = Vec::new();
        let (mut documents, mut begin) = (0, 0);
        loop {
            let document = reader.next_document();
            let document = document.map_err(|error| syntax(text, documents, begin, &error))?;
            let Some(document) = document else { break };
            documents += 1;
            let end = end_of(&document, begin);
            if !self.idle() {
                let place = Extent {
                    text,
                    begin,
                    end,
                    number: documents,
                };
                violations.extend(self.violations(&place, &document, &mut edits)?);
            }
            begin = end;
            reader.recycle(document);
        }
        Ok(Part::new(text, documents, edits, violations))
    }

    fn idle(&self) -> bool {
        self.policy.is_empty(self.lock.is_some())
    }

    /// Changes one document and says with its place what is wrong with it.
    fn violations(
        &self,
        place: &Extent<'_>,
        document: &Document<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<Vec<Violation>, Faulty> {
        let faults = self.document(place, document, edits)?;
        let violation = |(object, fault): (String, Fault)| Violation {
            object,
            file: source(place.text.get(place.begin..).unwrap_or_default()),
            document: place.number,
            line: document.line,
            rule: fault.rule,
            what: fault.what,
            advice: fault.advice,
        };
        Ok(faults.into_iter().map(violation).collect())
    }

    /// Changes one document and judges what has become of it.
    fn document(
        &self,
        place: &Extent<'_>,
        document: &Document<'_>,
        edits: &mut Vec<Edit>,
    ) -> Result<Faults, Faulty> {
        if !document.refers
            && let Ok((mut own, mut faults)) = self.changed(place.text, document)
        {
            faults.extend(self.judged(place, document, &mut own)?);
            edits.append(&mut own);
            return Ok(faults);
        }
        let anew = canonical::write(document).map_err(|error| {
            place.fault(
                document,
                format!("it cannot be written without aliases: {error}"),
            )
        })?;
        let again = one(&anew).map_err(|error| place.fault(document, error.info()))?;
        let (mut own, mut faults) = self.changed(&anew, &again).map_err(|OddLayout| {
            place.fault(document, "no place was found in it for a change".to_owned())
        })?;
        let whole = Extent {
            text: &anew,
            begin: 0,
            end: anew.len(),
            number: place.number,
        };
        faults.extend(self.judged(&whole, &again, &mut own)?);
        if !own.is_empty() {
            let mut text = String::new();
            apply(&anew, 0, &mut own, &mut text);
            edits.push(place.replacement(document, &text));
        }
        Ok(faults)
    }

    /// The edits of a document, and what stands in their way.
    fn changed(
        &self,
        text: &str,
        document: &Document<'_>,
    ) -> Result<(Vec<Edit>, Faults), OddLayout> {
        let mut editor = Editor::new(text, document);
        let mut all = Vec::new();
        let namespace = self.namespace.as_deref();
        for object in objects(document) {
            let faults = change(
                &self.policy,
                self.lock.as_ref(),
                namespace,
                document,
                &object,
                &mut editor,
            )?;
            all.extend(faults.into_iter().map(|fault| (self.named(&object), fault)));
        }
        Ok((editor.edits, all))
    }

    /// What the rules find in a document after its edits.
    fn judged(
        &self,
        place: &Extent<'_>,
        document: &Document<'_>,
        edits: &mut [Edit],
    ) -> Result<Faults, Faulty> {
        if self.policy.deny.is_empty() {
            return Ok(Vec::new());
        }
        if edits.is_empty() {
            return Ok(self.denied(document));
        }
        let before = place.text.get(place.begin..place.end).unwrap_or_default();
        let mut after = String::with_capacity(before.len() * 2);
        apply(before, place.begin, edits, &mut after);
        let changed = one(&after).map_err(|error| place.fault(document, error.info()))?;
        Ok(self.denied(&changed))
    }

    fn denied(&self, document: &Document<'_>) -> Faults {
        let namespace = self.namespace.as_deref();
        let mut all = Vec::new();
        for object in objects(document) {
            let faults = judge(&self.policy, namespace, document, &object);
            all.extend(faults.into_iter().map(|fault| (self.named(&object), fault)));
        }
        all
    }

    fn named(&self, object: &Object<'_>) -> String {
        let (kind, name) = (object.kind, object.name);
        match object.namespace.or(self.namespace.as_deref()) {
            Some(namespace) => format!("{kind} {namespace}/{name}"),
            None => format!("{kind} {name}"),
        }
    }
}

/// Where a document is in a text: from the end of the one before it to its own.
struct Extent<'t> {
    text: &'t str,
    begin: usize,
    end: usize,
    number: usize,
}

impl Extent<'_> {
    fn fault(&self, document: &Document<'_>, message: String) -> Faulty {
        Faulty {
            document: self.number,
            line: document.line,
            column: None,
            file: source(self.text.get(self.begin..).unwrap_or_default()),
            message,
        }
    }

    /// Replaces the content of a document, and leaves what is around it.
    fn replacement(&self, document: &Document<'_>, content: &str) -> Edit {
        let root = document.root().and_then(|root| document.node(root));
        let start = root.map_or(self.end, |root| {
            root.tag.as_ref().map_or(root.start, |tag| tag.start)
        });
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.rsplit(['\n', '\r']).next().unwrap_or_default();
        let blank = line.bytes().all(|byte| byte == b' ');
        let replaced = self.text.get(start..self.end).unwrap_or_default();
        let head = if blank { "" } else { "\n" };
        let tail = if replaced.ends_with(['\n', '\r']) {
            "\n"
        } else {
            ""
        };
        Edit {
            start: if blank { start - line.len() } else { start },
            end: self.end,
            text: format!("{head}{content}{tail}"),
        }
    }
}

/// The only document of a text.
fn one(text: &str) -> Result<Document<'_>, ScanError> {
    let document = Reader::new(text).next_document()?;
    Ok(document.unwrap_or_default())
}

/// Where the content of a document ends.
fn end_of(document: &Document<'_>, begin: usize) -> usize {
    let root = document.root().and_then(|root| document.node(root));
    root.map_or(begin, |root| root.end.max(begin))
}

/// Whether a text may have directives. What one belongs to is only known when what comes before it has been read.
fn has_directives(text: &str) -> bool {
    let bytes = text.as_bytes();
    // Most streams have no such letter at all, which is seen at once.
    bytes.contains(&b'%')
        && (bytes.starts_with(b"%") || text.contains("\n%") || text.contains("\r%"))
}

/// The pieces of a text between the markers `---`, each but the first with its marker.
fn chunks(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = Some(text);
    let whole = has_directives(text);
    std::iter::from_fn(move || {
        let text = rest?;
        let found = if whole { None } else { boundary(text, 0) };
        let (chunk, after) = match found {
            Some(found) => text.split_at_checked(found)?,
            None => (text, ""),
        };
        rest = found.map(|_| after);
        Some(chunk)
    })
}

/// Parts of a stream that can be read independently, none of them very short: each but the first begins with `---`.
fn split(text: &str) -> Vec<&str> {
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let directives = text.starts_with('%') || text.contains("\n%") || text.contains("\r%");
    let count = if directives {
        1
    } else {
        processors.min(text.len() / LEAST_PART)
    };
    let mut parts = Vec::new();
    let mut rest = text;
    for left in (2..=count).rev() {
        let Some(found) = boundary(rest, rest.len() / left) else {
            break;
        };
        let (part, after) = rest.split_at_checked(found).unwrap_or((rest, ""));
        parts.push(part);
        rest = after;
    }
    parts.push(rest);
    parts
}

/// The first beginning of a document after a place.
fn boundary(text: &str, after: usize) -> Option<usize> {
    let bytes = text.as_bytes();
    let mut from = after;
    loop {
        let line = from + bytes.get(from..)?.iter().position(|&byte| byte == b'\n')? + 1;
        let marker = bytes.get(line..)?.strip_prefix(b"---");
        if marker.is_some_and(|rest| rest.first().is_none_or(u8::is_ascii_whitespace)) {
            return Some(line);
        }
        from = line;
    }
}

/// Says where a text is no YAML. The parser may look ahead into the next documents.
fn syntax(text: &str, documents: usize, begin: usize, error: &ScanError) -> Faulty {
    let marker = error.marker();
    let place = marker.byte_offset().unwrap_or(begin).max(begin);
    let mut fault = located(
        text.get(begin..).unwrap_or_default(),
        place - begin,
        None,
        error.info(),
    );
    fault.document += documents;
    fault.line = marker.line();
    fault.column = Some(marker.col() + 1);
    fault
}

/// A fault at a place of a text that begins with a document: its number is counted by the lines `---` before the place.
fn located(text: &str, place: usize, column: Option<usize>, message: String) -> Faulty {
    let before = text.get(..place).unwrap_or(text);
    let mut starts: Vec<usize> = Vec::new();
    let mut offset = 0;
    let mut content = false;
    for line in before.split_inclusive('\n') {
        let marker = line.strip_prefix("---");
        if marker.is_some_and(|rest| rest.is_empty() || rest.starts_with([' ', '\t', '\n', '\r'])) {
            if content && starts.is_empty() {
                starts.push(0);
            }
            starts.push(offset);
        } else if !line.trim().is_empty() && !line.starts_with(['#', '%', ' ', '.']) {
            content = true;
        }
        offset += line.len();
    }
    let start = starts.last().copied().unwrap_or_default();
    Faulty {
        document: starts.len().max(1),
        line: line_breaks(before) + 1,
        column,
        file: source(text.get(start..).unwrap_or_default()),
        message,
    }
}

fn line_breaks(text: &str) -> usize {
    text.bytes().filter(|&byte| byte == b'\n').count()
}

/// The chart's file that the first document of a text comes from: Helm says it in a comment before it or in an annotation.
fn source(text: &str) -> Option<String> {
    let mut begun = false;
    for line in text.lines() {
        if let Some(file) = line.strip_prefix(SOURCE) {
            return Some(file.trim().to_owned());
        }
        let marker = line.starts_with("---");
        if marker && begun {
            return None;
        }
        if let Some((_, file)) = line.split_once(FILENAME) {
            let file = file.trim_start_matches(['"', '\'']).strip_prefix(':')?;
            return Some(file.trim().trim_matches(['"', '\'']).to_owned());
        }
        let line = line.trim_start();
        begun |= marker || !(line.is_empty() || line.starts_with('#'));
    }
    None
}
