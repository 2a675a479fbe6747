//! Keys of the broker's configuration that a running broker takes, so that a change of them restarts nothing.

use std::collections::BTreeMap;

use super::Brokers;
use crate::fields::configuration::ConfigurationValue;

/// The keys, each with what a broker has where nobody sets it: the same from 4.5.0 to 5.5.0. Source: the classes
/// `BrokerConfig` and `MessageStoreConfig` of the product, whose values of these keys are read anew at each use. One is the
/// chart's own: with `cleanFileForciblyEnable`, which is the product's default, a broker whose disk is almost full deletes
/// messages that nobody has read yet.
pub const ONLINE: [(&str, &str); 20] = [
    ("accessMessageInMemoryMaxRatio", "40"),
    ("autoCreateSubscriptionGroup", "true"),
    ("cleanFileForciblyEnable", "false"),
    ("consumerFallbehindThreshold", "17179869184"),
    ("deleteCommitLogFilesInterval", "100"),
    ("deleteWhen", "04"),
    ("disableConsumeIfConsumerReadSlowly", "false"),
    ("diskMaxUsedSpaceRatio", "75"),
    ("fileReservedTime", "72"),
    ("flushCommitLogLeastPages", "4"),
    ("flushIntervalCommitLog", "500"),
    ("longPollingEnable", "true"),
    ("maxTransferBytesOnMessageInDisk", "65536"),
    ("maxTransferBytesOnMessageInMemory", "262144"),
    ("maxTransferCountOnMessageInDisk", "8"),
    ("maxTransferCountOnMessageInMemory", "32"),
    ("osPageCacheBusyTimeOutMills", "1000"),
    ("slaveReadEnable", "false"),
    ("transactionCheckMax", "15"),
    ("transactionTimeOut", "6000"),
];

/// Whether a running broker takes a key.
#[must_use]
pub fn is_online(key: &str) -> bool {
    ONLINE.iter().any(|(online, _)| *online == key)
}

/// The keys, joined by spaces, as templates read them.
#[must_use]
pub fn online_keys() -> String {
    let keys: Vec<&str> = ONLINE.iter().map(|(key, _)| *key).collect();
    keys.join(" ")
}

impl Brokers {
    /// What brokers shall have of the keys that they take while they run: what is set, else what they have anyway.
    #[must_use]
    pub fn online_settings(&self) -> BTreeMap<String, String> {
        ONLINE
            .iter()
            .map(|(key, otherwise)| {
                let set = self.configuration.get(*key);
                let text =
                    set.map_or_else(|| (*otherwise).to_owned(), ConfigurationValue::to_string);
                ((*key).to_owned(), text)
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::rocketmq::Values;
    use crate::rocketmq::rules::{ACCESS_CONFIGURATION, OWNED_CONFIGURATION};

    #[test]
    fn keys_are_sorted_and_left_to_users() {
        assert!(ONLINE.is_sorted_by_key(|(key, _)| *key));
        for (key, _) in ONLINE {
            assert!(!OWNED_CONFIGURATION.contains(&key), "{key}");
            assert!(!ACCESS_CONFIGURATION.contains(&key), "{key}");
            assert!(is_online(key));
        }
        assert!(!is_online("autoCreateTopicEnable"));
    }

    #[test]
    fn what_is_not_set_is_what_brokers_have_anyway() {
        let mut brokers = Values::default().brokers;
        let hours = ConfigurationValue::Number(48.into());
        brokers
            .configuration
            .insert("fileReservedTime".to_owned(), hours);
        let read = ConfigurationValue::Truth(true);
        brokers
            .configuration
            .insert("slaveReadEnable".to_owned(), read);
        brokers.configuration.insert(
            "brokerFastFailureEnable".to_owned(),
            ConfigurationValue::Truth(false),
        );
        let settings = brokers.online_settings();
        assert_eq!(settings.len(), ONLINE.len());
        assert_eq!(settings["fileReservedTime"], "48");
        assert_eq!(settings["slaveReadEnable"], "true");
        assert_eq!(settings["deleteWhen"], "04");
    }
}
