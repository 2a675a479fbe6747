//! What ends a load: a signal, a line on standard input or its end, or the time.

use std::io;
use std::thread;
use std::time::Duration;

use snafu::ResultExt;
use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::oneshot;
use tokio::time;

use crate::{Error, SystemSnafu};

/// Waits for the end. With a number of seconds, standard input is not read.
pub async fn end(seconds: Option<u64>) -> Result<(), Error> {
    let mut terminated = signal(SignalKind::terminate()).context(SystemSnafu)?;
    let mut interrupted = signal(SignalKind::interrupt()).context(SystemSnafu)?;
    let told = async {
        match seconds {
            Some(seconds) => time::sleep(Duration::from_secs(seconds)).await,
            None => line().await,
        }
    };
    tokio::select! {
        _ = terminated.recv() => {}
        _ = interrupted.recv() => {}
        () = told => {}
    }
    Ok(())
}

/// Waits for a line on standard input, or for its end, which comes too when whoever has started this program is gone.
async fn line() {
    let (sender, receiver) = oneshot::channel();
    // A thread of its own: it cannot be called off, and the process ends without it.
    thread::spawn(move || {
        let read = io::stdin().read_line(&mut String::new());
        let _ = sender.send(read);
    });
    let _ = receiver.await;
}
