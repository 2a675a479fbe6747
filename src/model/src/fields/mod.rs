//! Groups of fields that several charts and sections share: images, resources, storage, pods.

pub mod certificates;
pub mod configuration;
pub mod hook;
pub mod monitoring;
pub mod network;

use std::collections::BTreeMap;
use std::fmt;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::de::{self, Visitor};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use serde_json::{Map, Value, json};

/// A part of a Kubernetes object that the chart passes on as it is.
pub type Passed = Map<String, Value>;

/// The schema of labels: keys and values as Kubernetes takes them.
pub(crate) fn labels_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": KEY_PATTERN },
        "additionalProperties": {
            "type": "string",
            "pattern": "^([A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?)?$"
        }
    })
}

/// The schema of annotations: keys as Kubernetes takes them, any text.
pub(crate) fn annotations_schema(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "propertyNames": { "pattern": KEY_PATTERN },
        "additionalProperties": { "type": "string" }
    })
}

/// The key of a label or an annotation: a name, and a domain before it if wanted.
pub const KEY_PATTERN: &str =
    "^([a-z0-9]([a-z0-9.-]{0,251}[a-z0-9])?/)?[A-Za-z0-9]([A-Za-z0-9_.-]{0,61}[A-Za-z0-9])?$";

/// A registry that goes before repositories, with a path if wanted; or nothing.
pub const IMAGE_REGISTRY_PATTERN: &str =
    r"^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?(:[0-9]{1,5})?(/[a-z0-9._-]+)*)?$";

/// The name of an object.
pub const NAME_PATTERN: &str = r"^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$";

/// The name of an object, or nothing.
pub const NAME_OR_EMPTY_PATTERN: &str = r"^([a-z0-9]([a-z0-9.-]*[a-z0-9])?)?$";

/// Changes the schema of a chart whose pods an upgrade replaces by itself, as that of a Deployment does: no operation restarts
/// them one at a time.
pub(crate) fn rolled_out(schema: &mut Schema) {
    if let Some(schema) = schema.as_object_mut() {
        schema.values_mut().for_each(roll_out);
    }
}

fn roll_out(schema: &mut Value) {
    if schema["x-mutability"] == "restart" {
        schema["x-mutability"] = json!("rollout");
    }
    if let Value::Object(members) = schema {
        members.values_mut().for_each(roll_out);
    }
}

/// Says otherwise what a field that charts share is, in the schema of a chart where it is something else: at its path.
pub(crate) fn reword(schema: &mut Schema, path: &str, english: &str, chinese: &str) {
    let pointer = format!("/properties/{}", path.replace('.', "/properties/"));
    if let Some(field) = schema.pointer_mut(&pointer) {
        field["description"] = json!(english);
        field["x-help-zh"] = json!(chinese);
    }
}

/// When the kubelet pulls an image.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum PullPolicy {
    /// At every start of a container.
    #[schemars(extend("x-help-zh" = "每次启动容器时"))]
    Always,
    /// When the node does not have it.
    #[schemars(extend("x-help-zh" = "节点上没有时"))]
    IfNotPresent,
    /// Never: the node must have it.
    #[schemars(extend("x-help-zh" = "从不，节点必须已有镜像"))]
    Never,
}

/// A container image.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Image {
    /// Repository. A first part with a dot or a port, or `localhost`, is a registry; else `imageRegistry` goes before it.
    #[schemars(
        title = "Repository",
        regex(pattern = r"^[a-z0-9]+([._:/-]+[a-z0-9]+)*$"),
        length(max = 255)
    )]
    #[schemars(extend("x-title-zh" = "镜像仓库", "x-help-zh" = "首段含点、端口或为 localhost 时视为镜像服务器，否则在前面加上 imageRegistry。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub repository: String,
    /// Tag, with a digest after it if wanted (`5.4.0@sha256:…`).
    #[schemars(
        title = "Tag",
        regex(pattern = r"^[A-Za-z0-9_][A-Za-z0-9_.-]{0,127}(@sha256:[0-9a-f]{64})?$")
    )]
    #[schemars(extend("x-title-zh" = "标签", "x-help-zh" = "镜像标签，可在其后附加摘要。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub tag: String,
    /// When the kubelet pulls the image.
    #[schemars(title = "Pull policy")]
    #[schemars(extend("x-title-zh" = "拉取策略", "x-help-zh" = "何时拉取镜像。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub pull_policy: PullPolicy,
}

/// An amount of CPU: cores (`2`) or thousandths of a core (`500m`).
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Cpu(pub String);

impl Cpu {
    /// Thousandths of a core; none where nothing is set.
    #[must_use]
    pub fn thousandths(&self) -> Option<u64> {
        match self.0.strip_suffix('m') {
            Some(thousandths) => thousandths.parse().ok(),
            None => self.0.parse::<u64>().ok()?.checked_mul(1000),
        }
    }
}

impl Serialize for Cpu {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Cpu {
    /// Takes text and whole numbers, as Kubernetes does: `cpu: 2` is often written without quotes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrNumber;

        impl Visitor<'_> for TextOrNumber {
            type Value = Cpu;

            fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
                formatter.write_str("an amount of CPU such as `500m` or 2")
            }

            fn visit_u64<E: de::Error>(self, value: u64) -> Result<Cpu, E> {
                Ok(Cpu(value.to_string()))
            }

            fn visit_str<E: de::Error>(self, value: &str) -> Result<Cpu, E> {
                Ok(Cpu(value.to_owned()))
            }
        }

        deserializer.deserialize_any(TextOrNumber)
    }
}

impl JsonSchema for Cpu {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Cpu".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "type": ["string", "integer"],
            "pattern": "^([1-9][0-9]{0,5}m?)?$",
            "minimum": 1,
            "maximum": 999_999
        })
    }
}

/// An amount of memory or disk: a whole number and one of the units `Mi`, `Gi`, `Ti`.
#[derive(Clone, Debug, Deserialize, Eq, PartialEq, Serialize)]
pub struct Bytes(pub String);

impl Bytes {
    /// The amount in mebibytes. None where it is not written as the schema asks.
    #[must_use]
    pub fn mebibytes(&self) -> Option<u64> {
        let number = self
            .0
            .get(..self.0.len().checked_sub(2)?)?
            .parse::<u64>()
            .ok()?;
        let factor = match self.0.get(self.0.len() - 2..)? {
            "Mi" => 1,
            "Gi" => 1024,
            "Ti" => 1024 * 1024,
            _ => return None,
        };
        number.checked_mul(factor)
    }
}

impl JsonSchema for Bytes {
    fn schema_name() -> std::borrow::Cow<'static, str> {
        "Bytes".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({ "type": "string", "pattern": "^[1-9][0-9]{0,5}(Mi|Gi|Ti)$" })
    }
}

/// What a container asks for at least.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Requests {
    /// CPU that is kept free for the container: cores (`2`) or thousandths (`500m`). Empty: none.
    #[schemars(title = "CPU request")]
    #[schemars(extend("x-title-zh" = "CPU 请求", "x-help-zh" = "为容器保留的 CPU：核数或千分之一核。空表示不保留。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub cpu: Cpu,
    /// Memory that is kept free for the container.
    #[schemars(title = "Memory request")]
    #[schemars(extend("x-title-zh" = "内存请求", "x-help-zh" = "为容器保留的内存。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub memory: Bytes,
}

/// What a container may use at most.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Limits {
    /// CPU that the container may use at most: cores (`2`) or thousandths (`500m`). Empty: no limit.
    #[schemars(title = "CPU limit")]
    #[schemars(extend("x-title-zh" = "CPU 上限", "x-help-zh" = "容器最多使用的 CPU。空表示不限制。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub cpu: Cpu,
    /// Memory that the container may use at most. The sizes of a Java heap follow from it unless they are set.
    #[schemars(title = "Memory limit")]
    #[schemars(extend("x-title-zh" = "内存上限", "x-help-zh" = "容器最多使用的内存。未设置时 Java 堆大小由它得出。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub memory: Bytes,
}

/// CPU and memory of a container.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Resources {
    /// What the container asks for at least.
    #[schemars(title = "Requests", extend("x-title-zh" = "请求", "x-help-zh" = "容器至少需要的资源。"))]
    pub requests: Requests,
    /// What the container may use at most.
    #[schemars(title = "Limits", extend("x-title-zh" = "上限", "x-help-zh" = "容器最多使用的资源。"))]
    pub limits: Limits,
}

/// Where a pod's data lie.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum StorageMode {
    /// In a directory that goes with the pod: for trials only.
    #[schemars(extend("x-help-zh" = "随 Pod 消失的目录，仅供试用"))]
    EmptyDir,
    /// In a directory of the node. The pod security standards `baseline` and `restricted` forbid it.
    #[schemars(extend("x-help-zh" = "节点目录，baseline 与 restricted 安全标准禁止"))]
    HostPath,
    /// In a volume that a storage class provides.
    #[schemars(extend("x-help-zh" = "由存储类提供的卷"))]
    StorageClass,
}

/// Who may mount a volume.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum AccessMode {
    /// One node.
    #[schemars(extend("x-help-zh" = "单个节点"))]
    ReadWriteOnce,
    /// One pod.
    #[schemars(extend("x-help-zh" = "单个 Pod"))]
    ReadWriteOncePod,
    /// Many nodes, as with NFS.
    #[schemars(extend("x-help-zh" = "多个节点，如 NFS"))]
    ReadWriteMany,
}

/// What happens to a volume that is no longer used.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Retention {
    /// It stays, with its data.
    #[schemars(extend("x-help-zh" = "保留卷及其数据"))]
    Retain,
    /// It is deleted, with its data.
    #[schemars(extend("x-help-zh" = "删除卷及其数据"))]
    Delete,
}

/// Where the data of each pod lie, and what becomes of them.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Storage {
    /// Where the data lie: in a volume of a storage class (NFS is one too), in a directory of the node, or in a directory
    /// that goes with the pod.
    #[schemars(title = "Mode")]
    #[schemars(extend("x-title-zh" = "存储方式", "x-help-zh" = "数据所在：存储类的卷（NFS 也是存储类）、节点目录或随 Pod 消失的目录。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub mode: StorageMode,
    /// Size of each volume, which can only grow, where the storage class lets it; with `EmptyDir` the most that a pod may store
    /// before it is evicted. Not used with `HostPath`.
    #[schemars(title = "Size")]
    #[schemars(extend("x-visible-if" = ".mode != HostPath", "x-title-zh" = "容量", "x-help-zh" = "每个卷的大小，存储类允许时可扩容，不能缩小；EmptyDir 时为超出后 Pod 被驱逐的上限；HostPath 不使用。", "x-level" = "basic", "x-mutability" = "grow_volumes", "x-mutability-while" = { "condition": ".mode == EmptyDir", "mutability": "restart" }))]
    pub size: Bytes,
    /// Storage class. Empty: the cluster's default one.
    #[schemars(
        title = "Storage class",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-visible-if" = ".mode == StorageClass", "x-widget" = "storage-class", "x-title-zh" = "存储类", "x-help-zh" = "空表示集群的默认存储类。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub class_name: String,
    /// Who may mount the volume.
    #[schemars(title = "Access mode")]
    #[schemars(extend("x-visible-if" = ".mode == StorageClass", "x-title-zh" = "访问模式", "x-help-zh" = "谁可以挂载该卷。", "x-level" = "expert", "x-mutability" = "create-only"))]
    pub access_mode: AccessMode,
    /// Directory of the node, for `HostPath`. Each pod gets a directory `NAMESPACE/POD` in it.
    #[schemars(
        title = "Directory of the node",
        regex(pattern = r"^(/[A-Za-z0-9_-][A-Za-z0-9._-]*)*$"),
        length(max = 1024)
    )]
    #[schemars(extend("x-visible-if" = ".mode == HostPath", "x-required" = true, "x-title-zh" = "节点目录", "x-help-zh" = "HostPath 使用的节点目录，每个 Pod 使用其中的 NAMESPACE/POD 目录。", "x-level" = "expert", "x-mutability" = "create-only"))]
    pub host_path: String,
    /// What happens to the volume of a pod that leaves because there shall be fewer.
    #[schemars(title = "Volumes on scale-in")]
    #[schemars(extend("x-visible-if" = ".mode == StorageClass", "x-title-zh" = "缩容后的卷", "x-help-zh" = "缩容时离开的 Pod 的卷如何处理。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub on_scale_in: Retention,
    /// What happens to the volumes when the release is uninstalled.
    #[schemars(title = "Volumes on uninstall")]
    #[schemars(extend("x-visible-if" = ".mode == StorageClass", "x-title-zh" = "卸载后的卷", "x-help-zh" = "卸载发布时卷如何处理。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub on_uninstall: Retention,
}

/// How strictly pods keep to different nodes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum AntiAffinity {
    /// Different nodes where possible.
    #[schemars(extend("x-help-zh" = "尽可能分布到不同节点"))]
    Soft,
    /// Different nodes, else the pod is not started.
    #[schemars(extend("x-help-zh" = "必须分布到不同节点，否则不启动"))]
    Hard,
    /// Any node.
    #[schemars(extend("x-help-zh" = "任意节点"))]
    None,
}

/// What the scheduler does when pods cannot be spread as asked.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum Unsatisfiable {
    /// Does not start the pod.
    #[schemars(extend("x-help-zh" = "不启动 Pod"))]
    DoNotSchedule,
    /// Starts it nevertheless.
    #[schemars(extend("x-help-zh" = "仍然启动"))]
    ScheduleAnyway,
}

/// How evenly pods are spread over parts of the cluster.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Spread {
    /// Label of nodes whose values are the parts, such as `topology.kubernetes.io/zone`.
    #[schemars(length(min = 1, max = 317))]
    #[schemars(title = "Topology key", extend("x-title-zh" = "拓扑域标签", "x-help-zh" = "以其值划分拓扑域的节点标签，如 topology.kubernetes.io/zone。"))]
    pub topology_key: String,
    /// By how many pods two parts may differ.
    #[schemars(range(min = 1, max = 32))]
    #[schemars(title = "Greatest difference", extend("x-title-zh" = "最大偏差", "x-help-zh" = "两个拓扑域之间 Pod 数量的最大差值。"))]
    pub max_skew: u32,
    /// What the scheduler does when it cannot be done.
    #[schemars(title = "When it cannot be done", extend("x-title-zh" = "无法满足时", "x-help-zh" = "无法按要求分布时调度器如何处理。"))]
    pub when_unsatisfiable: Unsatisfiable,
}

/// An environment variable of a container.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct EnvironmentVariable {
    /// Name.
    #[schemars(regex(pattern = r"^[A-Za-z_][A-Za-z0-9_]*$"), length(max = 255))]
    #[schemars(title = "Name", extend("x-title-zh" = "名称", "x-help-zh" = "变量名。"))]
    pub name: String,
    /// Value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "String")]
    #[schemars(title = "Value", extend("x-title-zh" = "值", "x-help-zh" = "变量的值。"))]
    pub value: Option<String>,
    /// Where the value comes from, as in a Kubernetes container.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(with = "Passed")]
    #[schemars(title = "Value from", extend("x-title-zh" = "值的来源", "x-help-zh" = "写法同 Kubernetes 容器。"))]
    pub value_from: Option<Passed>,
}

/// A volume or a mount: a name, and the rest as in a Kubernetes pod.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub struct Named {
    /// Name.
    #[schemars(regex(pattern = r"^[a-z0-9]([a-z0-9-]*[a-z0-9])?$"), length(max = 63))]
    #[schemars(title = "Name", extend("x-title-zh" = "名称", "x-help-zh" = "名称。"))]
    pub name: String,
    /// Everything else.
    #[serde(flatten)]
    pub rest: Passed,
}

/// The usual places to extend a pod.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Pod {
    /// Labels that pods get in addition.
    #[schemars(title = "Labels", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "标签", "x-help-zh" = "Pod 的附加标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub labels: BTreeMap<String, String>,
    /// Annotations of pods.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "Pod 的注解。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub annotations: BTreeMap<String, String>,
    /// Environment variables of the container.
    #[schemars(title = "Environment")]
    #[schemars(extend("x-title-zh" = "环境变量", "x-help-zh" = "容器的环境变量。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub env: Vec<EnvironmentVariable>,
    /// Volumes in addition, as in a Kubernetes pod.
    #[schemars(title = "Volumes")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "附加卷", "x-help-zh" = "附加的卷，写法同 Kubernetes。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub volumes: Vec<Named>,
    /// Mounts of those volumes, as in a Kubernetes container.
    #[schemars(title = "Volume mounts")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "卷挂载", "x-help-zh" = "附加卷的挂载，写法同 Kubernetes。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub volume_mounts: Vec<Named>,
    /// Labels that a node must have.
    #[schemars(title = "Node selector", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "节点选择", "x-help-zh" = "节点必须具有的标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the pods tolerate, as in a Kubernetes pod.
    #[schemars(title = "Tolerations")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "容忍", "x-help-zh" = "Pod 容忍的节点污点，写法同 Kubernetes。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub tolerations: Vec<Passed>,
    /// How strictly pods keep to different nodes. For brokers `Hard` holds within a group, so that a group never loses
    /// two brokers with one node.
    #[schemars(title = "Anti-affinity")]
    #[schemars(extend("x-title-zh" = "反亲和", "x-help-zh" = "Pod 分布到不同节点的严格程度。对 Broker 而言 Hard 作用于同一组内。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub anti_affinity: AntiAffinity,
    /// Affinity as in a Kubernetes pod. It takes the place of the one that `antiAffinity` makes.
    #[schemars(title = "Affinity")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "亲和", "x-help-zh" = "写法同 Kubernetes，取代 antiAffinity 生成的内容。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub affinity: Passed,
    /// How evenly pods are spread over parts of the cluster, such as zones.
    #[schemars(title = "Topology spread")]
    #[schemars(extend("x-title-zh" = "拓扑分布", "x-help-zh" = "Pod 在可用区等拓扑域之间的均匀程度。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub topology_spread: Vec<Spread>,
    /// Priority class. Empty: the cluster's default one.
    #[schemars(
        title = "Priority class",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-title-zh" = "优先级类", "x-help-zh" = "空表示集群默认。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub priority_class_name: String,
    /// How long a pod may take to stop. 0: as long as its drain and its shutdown need.
    #[schemars(title = "Grace period", range(min = 0, max = 86400))]
    #[schemars(extend("x-title-zh" = "终止宽限期", "x-help-zh" = "Pod 停止允许的时间。0 表示按排空和关闭所需推算。", "x-unit" = "s", "x-level" = "expert", "x-mutability" = "restart"))]
    pub termination_grace_period_seconds: u32,
    /// How long a server may take to start before it is killed and started again.
    #[schemars(title = "Time to start", range(min = 60, max = 86400))]
    #[schemars(extend("x-title-zh" = "启动时限", "x-help-zh" = "服务器启动允许的时间，超过后重新启动。", "x-unit" = "s", "x-level" = "expert", "x-mutability" = "restart"))]
    pub startup_seconds: u32,
}

impl Default for Pod {
    fn default() -> Self {
        Self {
            labels: BTreeMap::new(),
            annotations: BTreeMap::new(),
            env: Vec::new(),
            volumes: Vec::new(),
            volume_mounts: Vec::new(),
            node_selector: BTreeMap::new(),
            tolerations: Vec::new(),
            anti_affinity: AntiAffinity::Soft,
            affinity: Passed::new(),
            topology_spread: Vec::new(),
            priority_class_name: String::new(),
            termination_grace_period_seconds: 0,
            startup_seconds: 300,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn amounts_are_read() {
        assert_eq!(Bytes("2Gi".to_owned()).mebibytes(), Some(2048));
        assert_eq!(Bytes("1Ti".to_owned()).mebibytes(), Some(1024 * 1024));
        for wrong in ["", "Mi", "2G", "2", "-1Mi", "é"] {
            assert_eq!(Bytes(wrong.to_owned()).mebibytes(), None, "{wrong}");
        }
        assert_eq!(Cpu("1500m".to_owned()).thousandths(), Some(1500));
        assert_eq!(
            serde_json::from_str::<Cpu>("2").unwrap().thousandths(),
            Some(2000)
        );
        assert_eq!(Cpu(String::new()).thousandths(), None);
    }
}
