//! The values of the chart `nfs-storage`: a directory of an NFS server, a storage class over it, and the program that makes a
//! directory for each claim, `nfs-subdir-external-provisioner` of kubernetes-sigs.

pub mod rules;

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema};
use serde::{Deserialize, Serialize};

use crate::fields::{
    AntiAffinity, Bytes, Cpu, IMAGE_REGISTRY_PATTERN, Image, Limits, NAME_OR_EMPTY_PATTERN,
    NAME_PATTERN, Passed, PullPolicy, Requests, Resources, Spread, annotations_schema,
    labels_schema, reword, rolled_out,
};
use crate::model::ChartValues;
use crate::rules::Rule;

/// The chart's name.
pub const CHART: &str = "nfs-storage";
/// The version of the provisioner that the chart installs by default.
pub const APP_VERSION: &str = "v4.0.2";
/// The host of an NFS server: a name or an address, with no scheme, port or path.
pub const SERVER_PATTERN: &str =
    "^([A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?|[0-9A-Fa-f]*(:[0-9A-Fa-f]*){2,7})?$";
/// A directory that an NFS server exports; `/` is one. No part of it begins with a dot.
pub const EXPORT_PATTERN: &str = "^(/|(/[A-Za-z0-9_-][A-Za-z0-9._-]*)+)?$";
/// An option of a mount, with its value if it has one.
pub const MOUNT_OPTION_PATTERN: &str = "^[a-z][a-z0-9_]*(=[A-Za-z0-9._:-]+)?$";
/// The directory of a claim below the export. What belongs to whom has to be told from it, so that namespace and name both
/// stand in it, with a character between them that no namespace has; and nothing else that a claim says does, because an
/// annotation may hold any path.
pub const PATH_PATTERN: &str = r"^(([A-Za-z0-9][A-Za-z0-9_-]*/)*([A-Za-z0-9][A-Za-z0-9_-]*[._-])?\$\{\.PVC\.namespace\}[/_.]\$\{\.PVC\.name\})?$";

/// The directory in which volumes are made.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Nfs {
    /// Host of the NFS server: a name that the nodes can resolve, or an address, without scheme and port.
    #[schemars(title = "Server", regex(pattern = SERVER_PATTERN), length(max = 253))]
    #[schemars(extend("x-required" = true, "x-title-zh" = "服务器", "x-help-zh" = "NFS 服务器的主机名（节点能够解析）或地址，不含协议和端口。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub server: String,
    /// Directory that the server exports. Each volume is a directory in it.
    #[schemars(title = "Exported directory", regex(pattern = EXPORT_PATTERN), length(max = 1024))]
    #[schemars(extend("x-required" = true, "x-title-zh" = "导出目录", "x-help-zh" = "服务器导出的目录，每个卷是其中的一个目录。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub path: String,
    /// Options with which nodes mount volumes, such as `nfsvers=4.1`. A change holds for volumes that are made after it.
    #[schemars(title = "Mount options", inner(regex(pattern = MOUNT_OPTION_PATTERN), length(max = 100)), length(max = 32), extend("uniqueItems" = true))]
    #[schemars(extend("x-title-zh" = "挂载选项", "x-help-zh" = "节点挂载卷时的选项，如 nfsvers=4.1。更改只对之后创建的卷生效。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub mount_options: Vec<String>,
}

/// What becomes of a volume whose claim is deleted.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum ReclaimPolicy {
    /// It stays, with its directory, until somebody removes both.
    #[schemars(extend("x-help-zh" = "卷及其目录保留，直到有人删除它们"))]
    Retain,
    /// It goes. `onDelete` says what becomes of its directory.
    #[schemars(extend("x-help-zh" = "卷被删除，其目录按 onDelete 处理"))]
    Delete,
}

/// What becomes of the directory of a volume that goes.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum OnDelete {
    /// It stays as it is.
    #[schemars(extend("x-help-zh" = "原样保留"))]
    Retain,
    /// It stays under another name, with `archived-` before it.
    #[schemars(extend("x-help-zh" = "保留并改名，加上 archived- 前缀"))]
    Archive,
    /// It is deleted, with its data.
    #[schemars(extend("x-help-zh" = "连同数据一起删除"))]
    Delete,
}

/// When a volume is made for a claim.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum VolumeBindingMode {
    /// At once.
    #[schemars(extend("x-help-zh" = "立即创建"))]
    Immediate,
    /// When the first pod uses the claim.
    #[schemars(extend("x-help-zh" = "第一个 Pod 使用声明时创建"))]
    WaitForFirstConsumer,
}

/// The storage class that claims name.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct StorageClass {
    /// Name of the storage class, the same in the whole cluster. Empty: the release's full name.
    #[schemars(title = "Name", regex(pattern = NAME_OR_EMPTY_PATTERN), length(max = 253))]
    #[schemars(extend("x-title-zh" = "名称", "x-help-zh" = "存储类的名称，在整个集群中唯一。空表示发布的全名。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub name: String,
    /// Whether claims that name no class get this one. A cluster should have one such class.
    #[schemars(title = "Default class")]
    #[schemars(extend("x-title-zh" = "默认存储类", "x-help-zh" = "未指定存储类的声明是否使用它。一个集群只应有一个默认存储类。", "x-level" = "basic", "x-mutability" = "online"))]
    pub is_default: bool,
    /// What becomes of a volume whose claim is deleted.
    #[schemars(title = "Reclaim policy")]
    #[schemars(extend("x-title-zh" = "回收策略", "x-help-zh" = "声明被删除后卷如何处理。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub reclaim_policy: ReclaimPolicy,
    /// What becomes of the directory of a volume that goes with its claim.
    #[schemars(title = "Directories of deleted volumes")]
    #[schemars(extend("x-visible-if" = ".reclaimPolicy == Delete", "x-title-zh" = "被删除卷的目录", "x-help-zh" = "卷随声明删除时其目录如何处理。", "x-level" = "basic", "x-mutability" = "create-only"))]
    pub on_delete: OnDelete,
    /// Directory of a claim below the export, made of `${.PVC.namespace}`, one of `/`, `_` and `.`, and `${.PVC.name}`, after
    /// fixed directories if wanted. Empty: `NAMESPACE-CLAIM-VOLUME`, which is another one for a claim that is made again.
    #[schemars(title = "Path pattern", regex(pattern = PATH_PATTERN), length(max = 253))]
    #[schemars(extend("x-title-zh" = "目录模式", "x-help-zh" = "声明在导出目录下的目录，由 ${.PVC.namespace}、/ _ . 之一和 ${.PVC.name} 组成，前面可加固定目录。空表示 NAMESPACE-CLAIM-VOLUME，重新创建的声明会得到另一个目录。", "x-level" = "advanced", "x-mutability" = "create-only"))]
    pub path_pattern: String,
    /// When a volume is made for a claim.
    #[schemars(title = "Volume binding mode")]
    #[schemars(extend("x-title-zh" = "卷绑定模式", "x-help-zh" = "何时为声明创建卷。", "x-level" = "advanced", "x-mutability" = "create-only"))]
    pub volume_binding_mode: VolumeBindingMode,
    /// Whether claims may ask for more after they are made. Nothing carries that out: a volume may fill the whole export
    /// whatever its size says, and a claim that asks for more waits for ever.
    #[schemars(title = "Allow expansion")]
    #[schemars(extend("x-title-zh" = "允许扩容", "x-help-zh" = "声明创建后是否可以请求更大的容量。没有程序执行扩容：无论标称大小，卷都可能占满整个导出目录，请求扩容的声明会一直等待。", "x-level" = "expert", "x-mutability" = "online"))]
    pub allow_volume_expansion: bool,
}

/// Where the provisioner's pods run, and what is added to them.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ProvisionerPod {
    /// Labels that the pods get in addition.
    #[schemars(title = "Labels", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "标签", "x-help-zh" = "Pod 的附加标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the pods.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "Pod 的注解。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must have.
    #[schemars(title = "Node selector", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "节点选择", "x-help-zh" = "节点必须具有的标签。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the pods tolerate, as in a Kubernetes pod.
    #[schemars(title = "Tolerations")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "容忍", "x-help-zh" = "Pod 容忍的节点污点，写法同 Kubernetes。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub tolerations: Vec<Passed>,
    /// How strictly several pods keep to different nodes.
    #[schemars(title = "Anti-affinity")]
    #[schemars(extend("x-title-zh" = "反亲和", "x-help-zh" = "多个 Pod 分布到不同节点的严格程度。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub anti_affinity: AntiAffinity,
    /// Affinity as in a Kubernetes pod. It takes the place of the one that `antiAffinity` makes.
    #[schemars(title = "Affinity")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "亲和", "x-help-zh" = "写法同 Kubernetes，取代 antiAffinity 生成的内容。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub affinity: Passed,
    /// How evenly several pods are spread over parts of the cluster, such as zones.
    #[schemars(title = "Topology spread")]
    #[schemars(extend("x-title-zh" = "拓扑分布", "x-help-zh" = "多个 Pod 在可用区等拓扑域之间的均匀程度。", "x-level" = "expert", "x-mutability" = "restart"))]
    pub topology_spread: Vec<Spread>,
    /// Priority class. Empty: the cluster's default one.
    #[schemars(
        title = "Priority class",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-title-zh" = "优先级类", "x-help-zh" = "空表示集群默认。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub priority_class_name: String,
}

/// The program that makes a directory for each claim.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Provisioner {
    /// How many pods there are. One of them works, and another takes over within seconds when its node is lost.
    #[schemars(title = "Pods", range(min = 1, max = 3))]
    #[schemars(extend("x-title-zh" = "Pod 数量", "x-help-zh" = "Pod 的数量。其中一个工作，其节点丢失时另一个在数秒内接替。", "x-level" = "basic", "x-mutability" = "online"))]
    pub replicas: u32,
    /// User that makes the directories. The exported directory has to be writable for it.
    #[schemars(title = "User", range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-title-zh" = "用户", "x-help-zh" = "创建目录的用户，必须能够写入导出目录。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub run_as_user: u32,
    /// Group of that user.
    #[schemars(title = "Group", range(min = 1, max = 2_147_483_647))]
    #[schemars(extend("x-title-zh" = "组", "x-help-zh" = "该用户的组。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub run_as_group: u32,
    /// Image of the provisioner.
    #[schemars(title = "Image", extend("x-title-zh" = "镜像", "x-help-zh" = "供应程序的镜像。"))]
    pub image: Image,
    /// CPU and memory of each pod.
    #[schemars(title = "Resources", extend("x-title-zh" = "资源", "x-help-zh" = "每个 Pod 的 CPU 和内存。"))]
    pub resources: Resources,
    /// Where the pods run, and what is added to them.
    #[schemars(title = "Pod", extend("x-title-zh" = "Pod", "x-help-zh" = "Pod 运行的位置及附加内容。"))]
    pub pod: ProvisionerPod,
}

/// Who may connect to the provisioner.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct NetworkPolicy {
    /// Whether the chart makes a network policy, with which nobody connects to the provisioner: it listens to nobody. Volumes
    /// are mounted by the nodes, to which no policy applies.
    #[schemars(title = "Network policy")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否创建网络策略。启用后任何 Pod 都不能连接供应程序，它也不监听端口。卷由节点挂载，不受网络策略限制。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub enabled: bool,
}

/// Every value of the chart `nfs-storage`.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
#[schemars(transform = adapted)]
pub struct Values {
    /// Registry that goes before each image's repository. Empty: the repositories stand as they are.
    #[schemars(
        title = "Image registry",
        regex(pattern = IMAGE_REGISTRY_PATTERN),
        length(max = 255)
    )]
    #[schemars(extend("x-title-zh" = "镜像服务器", "x-help-zh" = "加在每个镜像仓库之前的服务器地址。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub image_registry: String,
    /// Names of the Secrets with which images are pulled.
    #[schemars(title = "Pull secrets", inner(regex(pattern = NAME_PATTERN), length(max = 253)), extend("uniqueItems" = true))]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "拉取密钥", "x-help-zh" = "拉取镜像所用 Secret 的名称。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub image_pull_secrets: Vec<String>,
    /// Labels that all objects get in addition, but not pods.
    #[schemars(title = "Labels of objects", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "对象标签", "x-help-zh" = "所有对象（不含 Pod）的附加标签。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_labels: BTreeMap<String, String>,
    /// Annotations of all objects, but not of pods.
    #[schemars(title = "Annotations of objects", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "对象注解", "x-help-zh" = "所有对象（不含 Pod）的注解。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub common_annotations: BTreeMap<String, String>,
    /// The directory in which volumes are made.
    #[schemars(title = "NFS", extend("x-title-zh" = "NFS", "x-help-zh" = "创建卷的目录。"))]
    pub nfs: Nfs,
    /// The storage class that claims name.
    #[schemars(title = "Storage class", extend("x-title-zh" = "存储类", "x-help-zh" = "声明所使用的存储类。"))]
    pub storage_class: StorageClass,
    /// The program that makes a directory for each claim.
    #[schemars(title = "Provisioner", extend("x-title-zh" = "供应程序", "x-help-zh" = "为每个声明创建目录的程序。"))]
    pub provisioner: Provisioner,
    /// Who may connect to the provisioner.
    #[schemars(title = "Network policy", extend("x-title-zh" = "网络策略", "x-help-zh" = "谁可以连接供应程序。"))]
    pub network_policy: NetworkPolicy,
}

/// What is different from other charts in fields that they share: an upgrade rolls the Deployment out, nothing here runs on
/// Java, and versions look otherwise.
fn adapted(schema: &mut Schema) {
    rolled_out(schema);
    let texts = [
        (
            "image.tag",
            "Tag, with a digest after it if wanted (`v4.0.2@sha256:…`).",
            "镜像标签，可在其后附加摘要。",
        ),
        (
            "resources.limits.memory",
            "Memory that the container may use at most.",
            "容器最多使用的内存。",
        ),
    ];
    for (path, english, chinese) in texts {
        reword(schema, &format!("provisioner.{path}"), english, chinese);
    }
}

impl ChartValues for Values {
    const CHART: &'static str = CHART;
    const RULES: &'static [Rule<Self>] = rules::RULES;
}

impl Default for Values {
    /// The chart's defaults: the only place where they stand.
    fn default() -> Self {
        Self {
            image_registry: "registry.k8s.io".to_owned(),
            image_pull_secrets: Vec::new(),
            common_labels: BTreeMap::new(),
            common_annotations: BTreeMap::new(),
            nfs: Nfs {
                server: String::new(),
                path: String::new(),
                mount_options: Vec::new(),
            },
            storage_class: StorageClass {
                name: String::new(),
                is_default: false,
                reclaim_policy: ReclaimPolicy::Retain,
                on_delete: OnDelete::Retain,
                path_pattern: String::new(),
                volume_binding_mode: VolumeBindingMode::Immediate,
                allow_volume_expansion: false,
            },
            provisioner: Provisioner {
                replicas: 1,
                run_as_user: 65534,
                run_as_group: 65534,
                image: Image {
                    repository: "sig-storage/nfs-subdir-external-provisioner".to_owned(),
                    tag: APP_VERSION.to_owned(),
                    pull_policy: PullPolicy::IfNotPresent,
                },
                resources: Resources {
                    requests: Requests {
                        cpu: Cpu("10m".to_owned()),
                        memory: Bytes("32Mi".to_owned()),
                    },
                    limits: Limits {
                        cpu: Cpu(String::new()),
                        memory: Bytes("128Mi".to_owned()),
                    },
                },
                pod: ProvisionerPod {
                    labels: BTreeMap::new(),
                    annotations: BTreeMap::new(),
                    node_selector: BTreeMap::new(),
                    tolerations: Vec::new(),
                    anti_affinity: AntiAffinity::Soft,
                    affinity: Passed::new(),
                    topology_spread: Vec::new(),
                    priority_class_name: String::new(),
                },
            },
            network_policy: NetworkPolicy { enabled: true },
        }
    }
}
