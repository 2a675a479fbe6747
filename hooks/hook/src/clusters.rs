//! Finds the clusters of a Helm release by the journal that the chart gives to each.

use midships_client_kubernetes::{Client, Error};

/// What the name of a journal's `ConfigMap` ends with, after the cluster's full name.
const JOURNAL: &str = "-journal";

/// The full names of a release's clusters, sorted. A release of this project's charts has one once
/// Helm has applied it, any other has none.
///
/// # Errors
/// When the API server does not answer.
pub async fn of_release(client: &Client, release: &str) -> Result<Vec<String>, Error> {
    let maps = client.config_maps_of_release(release).await?;
    Ok(maps
        .iter()
        .filter_map(|map| map.name.strip_suffix(JOURNAL))
        .map(str::to_owned)
        .collect())
}
