//! Events that tell people about an operation where they look first: at the cluster's own objects.

use k8s_openapi::api::core::v1 as core;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{ObjectMeta, Time};
use k8s_openapi::jiff::Timestamp;
use kube::api::Api;

use crate::client::{FIELD_MANAGER, writing};
use crate::error::Result;
use crate::store::Store;

/// How many characters an Event's text keeps. The API allows 1,024 bytes in newer kinds of Events.
const LONGEST: usize = 1_000;

/// Why an Event is written; its name is what `kubectl get events` shows.
#[derive(Clone, Copy, Debug, Eq, PartialEq, Ord, PartialOrd, Hash)]
pub enum Reason {
    /// A plan was made or is continued.
    OperationStarted,
    /// The desired state was brought about.
    OperationDone,
    /// An operation was not tried.
    OperationRefused,
    /// An operation needs a person.
    OperationStuck,
    /// An operation was taken back.
    OperationUnwound,
    /// Another run took over.
    OperationSuperseded,
}

impl Reason {
    /// The name as it stands in the Event.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::OperationStarted => "OperationStarted",
            Self::OperationDone => "OperationDone",
            Self::OperationRefused => "OperationRefused",
            Self::OperationStuck => "OperationStuck",
            Self::OperationUnwound => "OperationUnwound",
            Self::OperationSuperseded => "OperationSuperseded",
        }
    }

    /// `Normal`, or `Warning` where somebody has to look.
    #[must_use]
    pub fn kind(self) -> &'static str {
        match self {
            Self::OperationStarted | Self::OperationDone | Self::OperationSuperseded => "Normal",
            Self::OperationRefused | Self::OperationStuck | Self::OperationUnwound => "Warning",
        }
    }
}

impl Store {
    /// Writes one Event about the journal's `ConfigMap`. Only the right to create Events is used.
    ///
    /// # Errors
    /// When the API server did not take it. An Event decides nothing, so a caller may go on.
    pub async fn create_event(&self, reason: Reason, text: &str, reporter: &str) -> Result<()> {
        let event = event(self, reason, text, reporter, Timestamp::now());
        let client = self.client();
        let api: Api<core::Event> = Api::namespaced(client.api.clone(), &client.namespace);
        client
            .bounded(
                format!("Event {}", reason.name()),
                api.create(&writing(), &event),
            )
            .await?;
        Ok(())
    }
}

fn event(store: &Store, reason: Reason, text: &str, reporter: &str, now: Timestamp) -> core::Event {
    let about = store.journal_reference();
    let namespace = store.client().namespace().to_owned();
    core::Event {
        metadata: ObjectMeta {
            generate_name: Some(format!("{}.", about.name)),
            namespace: Some(namespace.clone()),
            ..ObjectMeta::default()
        },
        involved_object: core::ObjectReference {
            api_version: Some("v1".to_owned()),
            kind: Some("ConfigMap".to_owned()),
            name: Some(about.name),
            namespace: Some(namespace),
            uid: about.uid,
            ..core::ObjectReference::default()
        },
        reason: Some(reason.name().to_owned()),
        type_: Some(reason.kind().to_owned()),
        message: Some(shortened(text)),
        count: Some(1),
        first_timestamp: Some(Time(now)),
        last_timestamp: Some(Time(now)),
        source: Some(core::EventSource {
            component: Some(FIELD_MANAGER.to_owned()),
            host: None,
        }),
        reporting_component: Some(FIELD_MANAGER.to_owned()),
        reporting_instance: Some(reporter.to_owned()),
        ..core::Event::default()
    }
}

/// The text, cut with an ellipsis at a character's boundary where it is too long.
fn shortened(text: &str) -> String {
    if text.len() <= LONGEST {
        return text.to_owned();
    }
    let end = (0..=LONGEST)
        .rev()
        .find(|end| text.is_char_boundary(*end))
        .unwrap_or(0);
    format!("{}…", text.get(..end).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_text_is_cut_at_a_character() {
        assert_eq!(shortened("short"), "short");
        let long = "é".repeat(LONGEST);
        let cut = shortened(&long);
        assert!(
            cut.len() <= 1_024 && cut.ends_with("é…"),
            "{} bytes",
            cut.len()
        );
    }
}
