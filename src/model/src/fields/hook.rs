//! The fields of the hook program, which every chart with operations has.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Image, Passed, Resources, annotations_schema, labels_schema};

/// The program that carries out operations before and after an upgrade.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Hook {
    /// Image of the hook program.
    #[schemars(title = "Image", extend("x-title-zh" = "镜像", "x-help-zh" = "钩子程序的镜像。"))]
    pub image: Image,
    /// CPU and memory of the hook program.
    #[schemars(title = "Resources", extend("x-title-zh" = "资源", "x-help-zh" = "钩子程序的 CPU 和内存。"))]
    pub resources: Resources,
    /// How long a hook Job may run, over all its attempts. It goes on when Helm's own timeout is over. 0: an hour, or ten
    /// minutes more than the longest estimate that the release's notes print, whichever is longer.
    #[schemars(title = "Deadline", range(min = 0, max = 604_800))]
    #[schemars(extend("x-title-zh" = "时限", "x-help-zh" = "钩子任务的总时限，Helm 超时后任务继续运行。0 表示一小时，或发布说明中的估计时间再加十分钟，取较长者。", "x-unit" = "s", "x-level" = "advanced", "x-mutability" = "online"))]
    pub deadline_seconds: u32,
    /// Labels that the hook pods get in addition.
    #[schemars(title = "Labels", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "标签", "x-help-zh" = "钩子 Pod 的附加标签。", "x-level" = "expert", "x-mutability" = "online"))]
    pub labels: BTreeMap<String, String>,
    /// Annotations of the hook pods, such as those that keep a sidecar away.
    #[schemars(title = "Annotations", schema_with = "annotations_schema")]
    #[schemars(extend("x-title-zh" = "注解", "x-help-zh" = "钩子 Pod 的注解。", "x-level" = "expert", "x-mutability" = "online"))]
    pub annotations: BTreeMap<String, String>,
    /// Labels that a node must have for the hook pods.
    #[schemars(title = "Node selector", schema_with = "labels_schema")]
    #[schemars(extend("x-title-zh" = "节点选择", "x-help-zh" = "钩子 Pod 所在节点必须具有的标签。", "x-level" = "expert", "x-mutability" = "online"))]
    pub node_selector: BTreeMap<String, String>,
    /// Taints of nodes that the hook pods tolerate, as in a Kubernetes pod.
    #[schemars(title = "Tolerations")]
    #[schemars(extend("x-widget" = "yaml", "x-title-zh" = "容忍", "x-help-zh" = "钩子 Pod 容忍的节点污点。", "x-level" = "expert", "x-mutability" = "online"))]
    pub tolerations: Vec<Passed>,
}
