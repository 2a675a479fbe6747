//! Which topics and groups the product makes for itself.

use std::collections::BTreeSet;

/// What the names of a group's own topics begin with: for messages that are tried again, and for those that are given up.
pub(crate) const RETRY: &str = "%RETRY%";
const GIVEN_UP: &str = "%DLQ%";

/// Topics of every broker (`TopicValidator` of the product).
const TOPICS: [&str; 13] = [
    "TBW102",
    "SCHEDULE_TOPIC_XXXX",
    "BenchmarkTest",
    "RMQ_SYS_TRANS_HALF_TOPIC",
    "RMQ_SYS_TRACE_TOPIC",
    "RMQ_SYS_TRANS_OP_HALF_TOPIC",
    "TRANS_CHECK_MAX_TIME_TOPIC",
    "SELF_TEST_TOPIC",
    "OFFSET_MOVED_EVENT",
    "CHECKPOINT_TOPIC",
    "RMQ_SYS_ROCKSDB_TRANS_HALF_TOPIC",
    "RMQ_SYS_ROCKSDB_TRANS_OP_HALF_TOPIC",
    "DefaultHeartBeatSyncerTopic",
];
/// What the names of other topics of every broker begin with.
const TOPIC_PREFIX: &str = "rmq_sys_";
/// What is added to a cluster's name for the topic of replies.
const REPLIES: &str = "_REPLY_TOPIC";

/// Groups of every broker (`MixAll` of the product).
const GROUPS: [&str; 13] = [
    "DEFAULT_CONSUMER",
    "DEFAULT_PRODUCER",
    "TOOLS_CONSUMER",
    "SCHEDULE_CONSUMER",
    "FILTERSRV_CONSUMER",
    "__MONITOR_CONSUMER",
    "CLIENT_INNER_PRODUCER",
    "SELF_TEST_P_GROUP",
    "SELF_TEST_C_GROUP",
    "CID_ONS-HTTP-PROXY",
    "CID_ONSAPI_PERMISSION",
    "CID_ONSAPI_OWNER",
    "CID_ONSAPI_PULL",
];
/// What the names of other groups of every broker begin with.
const GROUP_PREFIX: &str = "CID_RMQ_SYS_";

/// Whether the product makes a group for itself.
pub(crate) fn is_system_group(group: &str) -> bool {
    GROUPS.contains(&group) || group.starts_with(GROUP_PREFIX)
}

/// Whether the product makes a topic for itself. `names` are those of all clusters and brokers, which have topics of the same
/// names. The topics of a group are the product's if the group is.
pub(crate) fn is_system_topic(topic: &str, names: &BTreeSet<String>) -> bool {
    let group = [RETRY, GIVEN_UP]
        .iter()
        .find_map(|prefix| topic.strip_prefix(prefix));
    let of_replies = topic.strip_suffix(REPLIES);
    TOPICS.contains(&topic)
        || topic.starts_with(TOPIC_PREFIX)
        || names.contains(topic)
        || of_replies.is_some_and(|cluster| names.contains(cluster))
        || group.is_some_and(is_system_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_product_makes_is_told_from_the_users() {
        let names = BTreeSet::from(["shop".to_owned(), "shop-broker-0".to_owned()]);
        for topic in [
            "shop",
            "shop-broker-0",
            "shop_REPLY_TOPIC",
            "rmq_sys_wheel_timer",
            "SCHEDULE_TOPIC_XXXX",
            "%RETRY%TOOLS_CONSUMER",
            "%DLQ%CID_RMQ_SYS_TRANS",
        ] {
            assert!(is_system_topic(topic, &names), "{topic}");
        }
        for topic in [
            "orders",
            "%RETRY%billing",
            "%DLQ%billing",
            "other_REPLY_TOPIC",
        ] {
            assert!(!is_system_topic(topic, &names), "{topic}");
        }
        assert!(is_system_group("CID_RMQ_SYS_TRANS") && is_system_group("TOOLS_CONSUMER"));
        assert!(!is_system_group("billing"));
    }
}
