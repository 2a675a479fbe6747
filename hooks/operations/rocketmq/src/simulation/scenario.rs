//! Desired states for tests: a release `shop` with so many name servers, groups and replicas.

use std::collections::BTreeMap;

use midships_client_rocketmq::ProductVersion;
use midships_model::fields::StorageMode;
use midships_model::rocketmq::controllers::CONTROLLER_PORT;
use midships_model::rocketmq::{
    BROKER_PORT, KeptVolumes, NAME_SERVER_PORT, ORDER_CONFIGURATION, OrderedTopics,
};

use crate::desired::{Broker, Desired, Drain};
use crate::fixed::{DataPlace, Fixed};

/// A release `shop`, whose clients look at the routes every 5 seconds.
#[must_use]
pub fn desired(name_servers: u32, groups: u32, replicas: u32, allow_restart: bool) -> Desired {
    let full_name = "shop-rocketmq";
    let zone = "test.svc.cluster.local";
    let own: Vec<String> = (0..name_servers)
        .map(|ordinal| format!("{full_name}-name-server-{ordinal}"))
        .collect();
    let broker = |group: u32, id: u32| {
        let role = if id == 0 {
            "master".to_owned()
        } else {
            format!("replica-{id}")
        };
        let pod = format!("{full_name}-broker-{group}-{role}-0");
        Broker {
            address: format!("{pod}.{full_name}-broker.{zone}:{BROKER_PORT}"),
            pod,
            cluster: full_name.to_owned(),
            name: format!("{full_name}-broker-{group}"),
            id: Some(id.into()),
        }
    };
    let place = DataPlace {
        mode: StorageMode::StorageClass,
        mebibytes: Some(10_240),
        class: None,
        access_mode: "ReadWriteOnce".to_owned(),
        host_path: String::new(),
    };
    Desired {
        full_name: full_name.to_owned(),
        dns_zone: zone.to_owned(),
        name_servers: own
            .iter()
            .map(|pod| format!("{pod}.{full_name}-name-server.{zone}:{NAME_SERVER_PORT}"))
            .collect(),
        own_name_servers: own,
        brokers: (0..groups)
            .flat_map(|group| (0..=replicas).map(move |id| (group, id)))
            .map(|(group, id)| broker(group, id))
            .collect(),
        allow_restart,
        route_refresh_seconds: 5,
        patience_seconds: 600,
        key_value_namespaces: vec![ORDER_CONFIGURATION.to_owned()],
        controllers: Vec::new(),
        seen_ids: BTreeMap::new(),
        fixed: Fixed {
            consensus: "DLedger".to_owned(),
            controller_data: place.clone(),
            name_server_data: place.clone(),
            broker_data: place,
            first_node_port: 30_000,
            commit_log_file_mebibytes: 1_024,
        },
        encrypted: false,
        synchronous: false,
        name_server_tag: "5.4.0".to_owned(),
        broker_tag: "5.4.0".to_owned(),
        name_server_template: Some("n1".to_owned()),
        broker_template: Some("b1".to_owned()),
        broker_settings: [("fileReservedTime".to_owned(), "72".to_owned())].into(),
        source_group: format!("{full_name}-broker-0"),
        ordered_topics: OrderedTopics::Leave,
        kept_volumes: KeptVolumes::Refuse,
        drain: Drain {
            seconds: 300,
            discard_dead_letters: false,
        },
        revision: Some(1),
        digest: format!("{name_servers} {groups} {replicas} {allow_restart}"),
    }
}

/// The same with controllers that elect the masters.
#[must_use]
pub fn elected(mut desired: Desired) -> Desired {
    let full_name = &desired.full_name;
    for broker in &mut desired.brokers {
        let number = broker.id.take().unwrap_or_default();
        broker.pod = format!("{}-{number}-0", broker.name);
        broker.address = format!(
            "{}-{number}.{}:{BROKER_PORT}",
            broker.name, desired.dns_zone
        );
    }
    desired.controllers = (0..3)
        .map(|number| {
            format!(
                "{full_name}-controller-{number}.{}:{CONTROLLER_PORT}",
                desired.dns_zone
            )
        })
        .collect();
    desired.digest = format!("{} elected", desired.digest);
    desired
}

/// The same with another template of brokers, and their image of a version.
#[must_use]
pub fn with_template(mut desired: Desired, template: &str, tag: &str) -> Desired {
    desired.broker_template = Some(template.to_owned());
    tag.clone_into(&mut desired.broker_tag);
    desired.digest = format!("{} {template} {tag}", desired.digest);
    desired
}

/// The same with a certificate for all servers, or without one, and templates that say so.
#[must_use]
pub fn with_encryption(desired: Desired, encrypted: bool) -> Desired {
    let number = if encrypted { "with" } else { "without" };
    let tag = desired.broker_tag.clone();
    let desired = with_template(desired, &format!("b-{number}"), &tag);
    let mut desired = with_name_server_template(desired, &format!("n-{number}"));
    desired.encrypted = encrypted;
    desired
}

/// The same with another template of name servers.
#[must_use]
pub fn with_name_server_template(mut desired: Desired, template: &str) -> Desired {
    desired.name_server_template = Some(template.to_owned());
    desired.digest = format!("{} {template}", desired.digest);
    desired
}

/// The same with volumes of brokers of another size, asked for by a revision.
#[must_use]
pub fn with_size(mut desired: Desired, mebibytes: u64, revision: u64) -> Desired {
    desired.fixed.broker_data.mebibytes = Some(mebibytes);
    desired.revision = Some(revision);
    desired.digest = format!("{} {mebibytes} MiB", desired.digest);
    desired
}

/// The same with another value of a setting that brokers take while they run.
#[must_use]
pub fn with_setting(mut desired: Desired, key: &str, value: &str) -> Desired {
    desired
        .broker_settings
        .insert(key.to_owned(), value.to_owned());
    desired.digest = format!("{} {key} {value}", desired.digest);
    desired
}

/// The version that a release calls itself, such as `4.9.3`; an unknown one when it is not one.
#[must_use]
pub fn version(release: &str) -> ProductVersion {
    let mut parts = release.split('.').map(|part| part.parse().unwrap_or(-1));
    let mut next = || parts.next().unwrap_or(-1);
    ProductVersion::of_release(next(), next(), next()).unwrap_or_default()
}
