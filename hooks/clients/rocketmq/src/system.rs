//! Which topics and groups the product makes for itself.
//!
//! Sources: `TopicValidator`, `MixAll` and `TransactionalMessageUtil` of the product, 4.5.0 to 5.5.0.

/// What the topic of a group's messages that are tried again begins with.
pub const RETRY_PREFIX: &str = "%RETRY%";

/// What the topic of a group's messages that are given up begins with.
pub const DEAD_LETTER_PREFIX: &str = "%DLQ%";

/// The topics that brokers of some version make themselves, under the same name everywhere.
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

/// The groups that brokers, or the product's tools and clients, make themselves.
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
#[must_use]
pub fn is_system_group(group: &str) -> bool {
    GROUPS.contains(&group) || group.starts_with(GROUP_PREFIX)
}

/// Whether the product makes a topic for itself. Clusters and brokers have topics of their own names: `is_their_name` tells
/// those. The topics of a group are the product's if the group is.
pub fn is_system_topic(topic: &str, is_their_name: impl Fn(&str) -> bool) -> bool {
    let group = [RETRY_PREFIX, DEAD_LETTER_PREFIX]
        .iter()
        .find_map(|prefix| topic.strip_prefix(prefix));
    TOPICS.contains(&topic)
        || topic.starts_with(TOPIC_PREFIX)
        || is_their_name(topic)
        || topic.strip_suffix(REPLIES).is_some_and(&is_their_name)
        || group.is_some_and(is_system_group)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_product_makes_is_told_from_the_users() {
        let is_system =
            |topic: &str| is_system_topic(topic, |name| ["shop", "shop-broker-0"].contains(&name));
        for topic in [
            "shop",
            "shop-broker-0",
            "shop_REPLY_TOPIC",
            "rmq_sys_wheel_timer",
            "SCHEDULE_TOPIC_XXXX",
            "%RETRY%TOOLS_CONSUMER",
            "%DLQ%CID_RMQ_SYS_TRANS",
        ] {
            assert!(is_system(topic), "{topic}");
        }
        for topic in [
            "orders",
            "%RETRY%billing",
            "%DLQ%billing",
            "other_REPLY_TOPIC",
        ] {
            assert!(!is_system(topic), "{topic}");
        }
        assert!(is_system_group("CID_RMQ_SYS_TRANS") && is_system_group("TOOLS_CONSUMER"));
        assert!(!is_system_group("billing"));
    }
}
