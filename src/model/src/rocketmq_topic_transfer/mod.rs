//! The values of the operation chart `rocketmq-topic-transfer`: a topic, the groups of brokers that it leaves, those that it
//! goes to, and what is done about messages that nobody has got yet.

pub mod rules;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::hook::Hook;
use crate::fields::{
    IMAGE_REGISTRY_PATTERN, NAME_OR_EMPTY_PATTERN, NAME_PATTERN, annotations_schema, labels_schema,
};
use crate::model::ChartValues;
use crate::rocketmq::names::{Names, full_name};
use crate::rocketmq::{self, Address};
use crate::rules::Rule;

/// The chart's name.
pub const CHART: &str = "rocketmq-topic-transfer";
/// A topic that somebody can have made. Brokers take these characters and at most 127 of them; those with a `%` are the
/// product's own.
pub const TOPIC_PATTERN: &str = "^[A-Za-z0-9_-]*$";
/// The name of a release, or none.
pub const RELEASE_PATTERN: &str = "^([a-z]([a-z0-9-]*[a-z0-9])?)?$";
/// The name of a namespace, or none.
pub const NAMESPACE_PATTERN: &str = "^([a-z0-9]([a-z0-9-]*[a-z0-9])?)?$";
/// The name of a cluster or of a group of brokers, or none.
pub const CLUSTER_PATTERN: &str = "^[A-Za-z0-9_.-]*$";
/// How long a transfer takes beside the drain, in seconds: the waits for clients, doing and undoing, and the rest.
pub const TRANSFER_SECONDS: u32 = 1_200;
/// How many looks of clients at the routes a transfer and its undoing wait for.
pub const LOOKS_AT_ROUTES: u32 = 10;
/// How much longer the Job may run than the estimate, in seconds.
pub const DEADLINE_MARGIN_SECONDS: u32 = 600;

/// Groups of brokers: those of a release, or those of a cluster.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Side {
    /// A release of the chart `rocketmq`. Empty: `cluster` says which brokers.
    #[schemars(title = "Release", regex(pattern = RELEASE_PATTERN), length(max = 53))]
    #[schemars(extend("x-title-zh" = "发布名", "x-help-zh" = "chart rocketmq 的一个发布。空表示由 cluster 指定。", "x-level" = "basic", "x-mutability" = "transfer_topic"))]
    pub release: String,
    /// Namespace of that release. Empty: the same one.
    #[schemars(title = "Namespace", regex(pattern = NAMESPACE_PATTERN), length(max = 63))]
    #[schemars(extend("x-widget" = "namespace", "x-title-zh" = "命名空间", "x-help-zh" = "该发布所在的命名空间，空表示相同。", "x-level" = "basic", "x-mutability" = "transfer_topic"))]
    pub namespace: String,
    /// Name of a cluster, as its brokers register it (`brokerClusterName`), whoever runs it.
    #[schemars(title = "Cluster", regex(pattern = CLUSTER_PATTERN), length(max = 64))]
    #[schemars(extend("x-title-zh" = "集群名", "x-help-zh" = "集群的名称，即 Broker 注册的 brokerClusterName，不限由谁运行。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub cluster: String,
    /// Names of groups (`brokerName`), where not all of them are meant.
    #[schemars(title = "Groups", inner(regex(pattern = CLUSTER_PATTERN), length(min = 1, max = 255)), length(max = 64), extend("uniqueItems" = true))]
    #[schemars(extend("x-title-zh" = "组", "x-help-zh" = "组的名称 brokerName。空表示全部。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub groups: Vec<String>,
}

/// The name servers by which both sides are found.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NameServers {
    /// Addresses `host:port`. One is enough, since the brokers name the others. Empty: the first name server of the source's
    /// release.
    #[schemars(title = "Addresses", length(max = 32), extend("uniqueItems" = true))]
    #[schemars(extend("x-title-zh" = "地址", "x-help-zh" = "host:port 列表，一个即可，其余由 Broker 告知。空表示源发布的第一个名称服务器。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub addresses: Vec<Address>,
}

/// What is wanted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Action {
    /// The topic goes to the target.
    #[schemars(extend("x-help-zh" = "将主题转移到目标"))]
    Transfer,
    /// What an unfinished transfer has done is taken back, if it still can be.
    #[schemars(extend("x-help-zh" = "撤回尚未完成的转移（若仍可撤回）"))]
    TakeBack,
}

/// What becomes of the topic at the source.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Afterwards {
    /// It is deleted there, with the groups that nothing else uses.
    #[schemars(extend("x-help-zh" = "在源端删除主题及不再使用的消费组"))]
    Delete,
    /// It stays there, closed for writing.
    #[schemars(extend("x-help-zh" = "在源端保留为只读"))]
    KeepReadOnly,
}

/// What is done about an ordered topic.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Ordered {
    /// It is not moved.
    #[schemars(extend("x-help-zh" = "拒绝转移"))]
    Refuse,
    /// It is moved. Messages of one key that are sent before and after lie in two places for a while.
    #[schemars(extend("x-help-zh" = "转移；前后发送的同一键的消息会暂时位于两处"))]
    Move,
}

/// What is done about messages that nobody has got yet.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Pending {
    /// They are waited for.
    #[schemars(extend("x-help-zh" = "等待"))]
    Wait,
    /// While there are any, no transfer begins; those that come later are waited for.
    #[schemars(extend("x-help-zh" = "存在时不开始转移，之后出现的则等待"))]
    Refuse,
    /// They go with the topic.
    #[schemars(extend("x-help-zh" = "随主题丢弃"))]
    Discard,
}

/// What is done about messages that a group tries again, where the group leaves the source.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Retried {
    /// They are waited for.
    #[schemars(extend("x-help-zh" = "等待"))]
    Wait,
    /// They go with the group.
    #[schemars(extend("x-help-zh" = "随消费组丢弃"))]
    Discard,
}

/// What is done about messages that a group has given up, where the group leaves the source.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum DeadLetters {
    /// Their topic stays at the source.
    #[schemars(extend("x-help-zh" = "死信主题保留在源端"))]
    Keep,
    /// While there are any, no transfer begins.
    #[schemars(extend("x-help-zh" = "存在时不开始转移"))]
    Refuse,
    /// They go with the group.
    #[schemars(extend("x-help-zh" = "随消费组丢弃"))]
    Discard,
}

/// What is done about groups whose members each get all messages.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Broadcasting {
    /// While a member is there, no transfer begins.
    #[schemars(extend("x-help-zh" = "有成员在线时不开始转移"))]
    Refuse,
    /// They are not waited for: only their members know how far they are.
    #[schemars(extend("x-help-zh" = "不等待；只有成员自己知道进度"))]
    Ignore,
}

/// What is done about groups that consume by POP.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Popping {
    /// What was handed out and may have to be handed out again is waited for.
    #[schemars(extend("x-help-zh" = "等待已取出、可能需重新投递的消息"))]
    Wait,
    /// While a member is there, no transfer begins.
    #[schemars(extend("x-help-zh" = "有成员在线时不开始转移"))]
    Refuse,
}

/// What is done about messages of kinds that brokers keep for themselves or for a group.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Messages {
    /// Messages with a delay or a time. Brokers do not tell of which topic those with a delay are.
    #[schemars(title = "Delayed messages")]
    #[schemars(extend("x-title-zh" = "延迟消息", "x-help-zh" = "延迟或定时消息。Broker 不会说明延迟消息属于哪个主题。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub delayed: Pending,
    /// Halves of transactions that are open. Brokers do not tell of which topic they are.
    #[schemars(title = "Half messages")]
    #[schemars(extend("x-title-zh" = "半消息", "x-help-zh" = "未结束事务的半消息。Broker 不会说明其所属主题。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub half: Pending,
    /// Messages that a group tries again, where the group leaves the source.
    #[schemars(title = "Messages tried again")]
    #[schemars(extend("x-title-zh" = "重试消息", "x-help-zh" = "离开源端的消费组正在重试的消息。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub retry: Retried,
    /// Messages that a group has given up, where the group leaves the source.
    #[schemars(title = "Dead letters")]
    #[schemars(extend("x-title-zh" = "死信", "x-help-zh" = "离开源端的消费组放弃的消息。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub dead_letters: DeadLetters,
}

/// What is done about groups that consume in special ways.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Consumers {
    /// Groups whose members each get all messages.
    #[schemars(title = "Broadcasting groups")]
    #[schemars(extend("x-title-zh" = "广播消费组", "x-help-zh" = "每个成员都获得全部消息的消费组。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub broadcasting: Broadcasting,
    /// Groups that consume by POP.
    #[schemars(title = "POP groups")]
    #[schemars(extend("x-title-zh" = "POP 消费组", "x-help-zh" = "以 POP 方式消费的消费组。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub pop: Popping,
}

/// With whose credentials the brokers are asked.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AccessControl {
    /// Name of the Secret with the keys `accessKey` and `secretKey` of an administrator of all these brokers. Empty: requests are not
    /// signed.
    #[schemars(title = "Secret", regex(pattern = NAME_OR_EMPTY_PATTERN), length(max = 253))]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "密钥", "x-help-zh" = "Secret 的名称，其键 accessKey 和 secretKey 为所有这些 Broker 的管理员凭据。空表示请求不签名。", "x-level" = "basic", "x-mutability" = "online"))]
    pub secret_name: String,
}

/// With whose certificates servers must speak TLS.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tls {
    /// Name of the Secret whose key `ca.crt` has the authorities of the certificates of all these servers. Empty: plain text is
    /// spoken.
    #[schemars(title = "Secret", regex(pattern = NAME_OR_EMPTY_PATTERN), length(max = 253))]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "密钥", "x-help-zh" = "Secret 的名称，其键 ca.crt 为所有这些服务器证书的颁发机构。空表示使用明文。", "x-level" = "basic", "x-mutability" = "online"))]
    pub secret_name: String,
}

/// Every value of the chart `rocketmq-topic-transfer`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Values {
    /// What is wanted.
    #[schemars(title = "Action")]
    #[schemars(extend("x-title-zh" = "动作", "x-help-zh" = "要做什么。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub action: Action,
    /// The topic that is moved.
    #[schemars(title = "Topic", regex(pattern = TOPIC_PATTERN), length(max = 127))]
    #[schemars(extend("x-required" = true, "x-title-zh" = "主题", "x-help-zh" = "要转移的主题。", "x-level" = "basic", "x-mutability" = "transfer_topic"))]
    pub topic: String,
    /// The groups of brokers that the topic leaves.
    #[schemars(title = "Source", extend("x-title-zh" = "源", "x-help-zh" = "主题离开的 Broker 组。"))]
    pub source: Side,
    /// The groups of brokers that the topic goes to. They share their name servers with the source.
    #[schemars(title = "Target", extend("x-title-zh" = "目标", "x-help-zh" = "主题转移到的 Broker 组，须与源共用名称服务器。"))]
    pub target: Side,
    /// The name servers by which both sides are found.
    #[schemars(title = "Name servers", extend("x-title-zh" = "名称服务器", "x-help-zh" = "用于找到两端的名称服务器。"))]
    pub name_servers: NameServers,
    /// With whose credentials the brokers are asked, where they have access control.
    #[schemars(title = "Access control", extend("x-title-zh" = "访问控制", "x-help-zh" = "Broker 启用访问控制时，以谁的凭据访问。"))]
    pub access_control: AccessControl,
    /// With whose certificates servers must speak TLS, where they do.
    #[schemars(title = "TLS", extend("x-title-zh" = "TLS", "x-help-zh" = "服务器使用 TLS 时，须具有谁颁发的证书。"))]
    pub tls: Tls,
    /// What becomes of the topic at the source.
    #[schemars(title = "Afterwards")]
    #[schemars(extend("x-title-zh" = "转移之后", "x-help-zh" = "源端的主题如何处理。", "x-level" = "basic", "x-mutability" = "transfer_topic"))]
    pub afterwards: Afterwards,
    /// What is done about an ordered topic.
    #[schemars(title = "Ordered topics")]
    #[schemars(extend("x-title-zh" = "顺序主题", "x-help-zh" = "如何处理顺序主题。", "x-level" = "advanced", "x-mutability" = "transfer_topic"))]
    pub ordered_topics: Ordered,
    /// What is done about messages of kinds that brokers keep for themselves or for a group.
    #[schemars(title = "Messages", extend("x-title-zh" = "消息", "x-help-zh" = "如何处理 Broker 或消费组另外保存的消息。"))]
    pub messages: Messages,
    /// What is done about groups that consume in special ways.
    #[schemars(title = "Consumers", extend("x-title-zh" = "消费者", "x-help-zh" = "如何处理以特殊方式消费的消费组。"))]
    pub consumers: Consumers,
    /// How often clients look at the routes (`pollNameServerInterval` of theirs).
    #[schemars(title = "Clients' route refresh", range(min = 5, max = 600))]
    #[schemars(extend("x-title-zh" = "客户端路由刷新", "x-help-zh" = "客户端刷新路由的间隔。", "x-unit" = "s", "x-level" = "advanced", "x-mutability" = "online"))]
    pub client_route_refresh_seconds: u32,
    /// How long consumers may take for what lies at the source, or at the target where a transfer is taken back.
    #[schemars(title = "Drain", range(min = 1, max = 10_080))]
    #[schemars(extend("x-title-zh" = "消费时限", "x-help-zh" = "消费者消费源端（撤回时为目标端）剩余消息的时限。", "x-unit" = "min", "x-level" = "basic", "x-mutability" = "online"))]
    pub drain_minutes: u32,
    /// Registry that goes before each image's repository. Empty: the repositories stand as they are.
    #[schemars(
        title = "Image registry",
        regex(pattern = IMAGE_REGISTRY_PATTERN),
        length(max = 255)
    )]
    #[schemars(extend("x-title-zh" = "镜像服务器", "x-help-zh" = "加在每个镜像仓库之前的服务器地址。", "x-level" = "basic", "x-mutability" = "online"))]
    pub image_registry: String,
    /// Names of the Secrets with which images are pulled.
    #[schemars(title = "Pull secrets", inner(regex(pattern = NAME_PATTERN), length(max = 253)), extend("uniqueItems" = true))]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "拉取密钥", "x-help-zh" = "拉取镜像所用 Secret 的名称。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub image_pull_secrets: Vec<String>,
    /// The domain of the cluster's DNS names.
    #[schemars(
        title = "Cluster domain",
        regex(pattern = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$"),
        length(max = 60)
    )]
    #[schemars(extend("x-title-zh" = "集群域名", "x-help-zh" = "集群 DNS 的域名。", "x-level" = "expert", "x-mutability" = "online"))]
    pub cluster_domain: String,
    /// Labels that all objects get in addition, but not pods.
    #[schemars(title = "Labels of objects", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "对象标签", "x-help-zh" = "所有对象（不含 Pod）的附加标签。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_labels: BTreeMap<String, String>,
    /// Annotations of all objects, but not of pods.
    #[schemars(title = "Annotations of objects", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "对象注解", "x-help-zh" = "所有对象（不含 Pod）的注解。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_annotations: BTreeMap<String, String>,
    /// The program that carries the transfer out.
    #[schemars(title = "Hook program", extend("x-title-zh" = "钩子程序", "x-help-zh" = "执行转移的程序。"))]
    pub hook: Hook,
}

impl ChartValues for Values {
    const CHART: &'static str = CHART;
    const RULES: &'static [Rule<Self>] = rules::RULES;

    fn estimate(&self, _operations: &[String]) -> Option<u32> {
        Some(self.estimate_seconds())
    }
}

/// What the hook program reads at start: the release's names and its values.
pub type Desired = crate::desired::Desired<Values>;

impl Default for Values {
    /// The chart's defaults: the only place where they stand.
    fn default() -> Self {
        Self {
            action: Action::Transfer,
            topic: String::new(),
            source: Side::default(),
            target: Side::default(),
            name_servers: NameServers::default(),
            access_control: AccessControl::default(),
            tls: Tls::default(),
            afterwards: Afterwards::Delete,
            ordered_topics: Ordered::Refuse,
            messages: Messages {
                delayed: Pending::Wait,
                half: Pending::Wait,
                retry: Retried::Wait,
                dead_letters: DeadLetters::Keep,
            },
            consumers: Consumers {
                broadcasting: Broadcasting::Refuse,
                pop: Popping::Wait,
            },
            client_route_refresh_seconds: 30,
            drain_minutes: 60,
            image_registry: String::new(),
            image_pull_secrets: Vec::new(),
            cluster_domain: "cluster.local".to_owned(),
            common_labels: BTreeMap::new(),
            common_annotations: BTreeMap::new(),
            hook: rocketmq::Values::default().hook,
        }
    }
}

impl Side {
    /// Whether it means nothing yet.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.release.is_empty() && self.cluster.is_empty()
    }

    /// The names of the release's objects, where a release is named.
    #[must_use]
    pub fn names(&self, own_namespace: &str, cluster_domain: &str) -> Option<Names> {
        let namespace = match self.namespace.as_str() {
            "" => own_namespace,
            set => set,
        };
        (!self.release.is_empty()).then(|| Names {
            full_name: full_name(&self.release),
            namespace: namespace.to_owned(),
            cluster_domain: cluster_domain.to_owned(),
        })
    }
}

impl Values {
    /// The addresses of the name servers that are asked first.
    #[must_use]
    pub fn name_server_addresses(&self, own_namespace: &str) -> Vec<String> {
        if self.name_servers.addresses.is_empty() {
            let names = self.source.names(own_namespace, &self.cluster_domain);
            return names
                .map(|names| names.name_server_address(0))
                .into_iter()
                .collect();
        }
        let addresses = self.name_servers.addresses.iter();
        addresses.map(|address| address.0.clone()).collect()
    }

    /// How many seconds a transfer, or a failed one with its undoing, takes at most: an estimate.
    #[must_use]
    pub fn estimate_seconds(&self) -> u32 {
        TRANSFER_SECONDS
            + LOOKS_AT_ROUTES * self.client_route_refresh_seconds
            + 2 * 60 * self.drain_minutes
    }

    /// How long the Job may run, in seconds.
    #[must_use]
    pub fn deadline_seconds(&self) -> u32 {
        match self.hook.deadline_seconds {
            0 => self.estimate_seconds() + DEADLINE_MARGIN_SECONDS,
            set => set,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_release_in_another_namespace_is_found_by_its_first_name_server() {
        let mut values = Values::default();
        values.source.release = "old".to_owned();
        let first = |values: &Values| values.name_server_addresses("shop");
        assert_eq!(
            first(&values),
            ["old-rocketmq-name-server-0.old-rocketmq-name-server.shop.svc.cluster.local:9876"]
        );
        values.source.namespace = "store".to_owned();
        assert!(first(&values)[0].contains(".store.svc."));
        values.name_servers.addresses = vec![Address("a:1".to_owned())];
        assert_eq!(first(&values), ["a:1"]);
    }
}
