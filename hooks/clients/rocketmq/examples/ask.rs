//! Asks a name server or a broker one thing and prints the answer as JSON.
//!
//! `ask ADDRESS REQUEST`, where the request is in JSON: `'"clusterInfo"'`, `'{"topicRoute":{"topic":"orders"}}'`; a
//! request without parameters may also be written with hyphens: `cluster-info`.

use std::io::Write as _;
use std::process::ExitCode;

use midships_client_rocketmq::{CallError, Client, Request, Timeouts};
use snafu::{OptionExt, ResultExt, Snafu};

#[derive(Debug, Snafu)]
enum Error {
    #[snafu(display(
        "two arguments are needed: ADDRESS REQUEST, such as `localhost:9876 cluster-info`"
    ))]
    Usage,
    #[snafu(display("`{text}` is no request: {source}"))]
    Request {
        text: String,
        source: serde_json::Error,
    },
    #[snafu(display("{source}"))]
    Call { source: CallError },
    #[snafu(display("failed to print: {source}"))]
    Print { source: std::io::Error },
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    match run().await {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            // Where even that cannot be written, the exit code says it.
            let _ = writeln!(std::io::stderr(), "{error}");
            ExitCode::FAILURE
        }
    }
}

async fn run() -> Result<(), Error> {
    let mut arguments = std::env::args().skip(1);
    let (address, text) = arguments.next().zip(arguments.next()).context(UsageSnafu)?;
    let request = parse(&text).context(RequestSnafu { text })?;
    let answer = Client::new(Timeouts::default())
        .call(&address, &request)
        .await
        .context(CallSnafu)?;
    let mut output = std::io::stdout().lock();
    serde_json::to_writer_pretty(&mut output, &answer)
        .map_err(std::io::Error::from)
        .and_then(|()| writeln!(output))
        .context(PrintSnafu)
}

fn parse(text: &str) -> Result<Request, serde_json::Error> {
    if text.starts_with(['{', '"']) {
        return serde_json::from_str(text);
    }
    let mut name = String::new();
    for (index, word) in text.split('-').enumerate() {
        let mut letters = word.chars();
        match letters.next() {
            Some(first) if index > 0 => name.push(first.to_ascii_uppercase()),
            Some(first) => name.push(first),
            None => {}
        }
        name.push_str(letters.as_str());
    }
    serde_json::from_value(serde_json::Value::String(name))
}
