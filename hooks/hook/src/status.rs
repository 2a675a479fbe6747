//! `status`: the journal of a release's cluster for a person, and who holds its lease.

use midships_client_kubernetes::{Client, Store};
use midships_engine::journal;
use midships_engine::world::{LeaseRecord, StoreFault};

use crate::arguments;
use crate::clusters;
use crate::exit::Exit;
use crate::log;
use crate::operate::runtime;

/// Prints the journal of a release's cluster.
pub fn status(arguments: &arguments::Status) -> Exit {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(why) => {
            log::complain(&why);
            return Exit::Crash;
        }
    };
    match runtime.block_on(told(arguments)) {
        Ok(Some(text)) => {
            log::say(&text);
            Exit::Done
        }
        Ok(None) => {
            log::complain(&format!(
                "release {}: no journal found here; name the release and, with --namespace, its namespace as helm was told them",
                arguments.release
            ));
            Exit::Refused
        }
        Err(why) => {
            log::complain(&why);
            Exit::Crash
        }
    }
}

async fn told(arguments: &arguments::Status) -> Result<Option<String>, String> {
    let client = Client::connect(arguments.namespace.as_deref())
        .await
        .map_err(|error| error.to_string())?;
    let found = clusters::of_release(&client, &arguments.release)
        .await
        .map_err(|error| error.to_string())?;
    let mut parts = Vec::new();
    for full_name in &found {
        let mut store = Store::new(client.clone(), full_name);
        let stored = store
            .read_journal()
            .await
            .map_err(|fault| unread("journal", &fault))?;
        let lease = store
            .read_lease()
            .await
            .map_err(|fault| unread("lease", &fault))?;
        parts.push(format!(
            "cluster {full_name}, namespace {}\n{}\n{}",
            client.namespace(),
            held(&lease),
            journal::describe(&stored).trim_end()
        ));
    }
    Ok((!parts.is_empty()).then(|| parts.join("\n\n")))
}

/// Who holds a lease, in words.
fn held(lease: &LeaseRecord) -> String {
    let LeaseRecord {
        holder,
        epoch,
        renewal,
        ..
    } = lease;
    match holder {
        Some(holder) => format!("lease: held by {holder}, epoch {epoch}, last renewed {renewal}"),
        None => format!("lease: free, epoch {epoch}"),
    }
}

/// Why journal or lease could not be used, in words.
pub fn unread(what: &str, fault: &StoreFault) -> String {
    match fault {
        StoreFault::Conflict => format!("{what}: somebody else wrote in between"),
        StoreFault::Forbidden { why } | StoreFault::Unanswered { why } => format!("{what}: {why}"),
        StoreFault::Missing { object } => {
            format!(
                "{what}: {object} does not exist; `helm upgrade --no-hooks` with the same values restores it"
            )
        }
        StoreFault::Interrupted(interrupted) => format!("{what}: {}", interrupted.why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lease_is_told_with_its_holder() {
        let mut lease = LeaseRecord {
            version: "1".to_owned(),
            holder: None,
            epoch: 3,
            duration: 15_000,
            renewal: "2026-01-31T12:00:00Z".to_owned(),
        };
        assert_eq!(held(&lease), "lease: free, epoch 3");
        lease.holder = Some("a-pod".to_owned());
        assert_eq!(
            held(&lease),
            "lease: held by a-pod, epoch 3, last renewed 2026-01-31T12:00:00Z"
        );
    }
}
