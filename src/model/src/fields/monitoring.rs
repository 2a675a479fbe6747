//! How metrics are found.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::labels_schema;

/// How an operator of Prometheus finds the metrics.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct ServiceMonitor {
    /// Whether the chart makes a `ServiceMonitor`, which the cluster has to know. Without one, annotations of the pods say where
    /// the metrics are.
    #[schemars(title = "Service monitor")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否创建 ServiceMonitor（集群须支持）。否则由 Pod 的注解说明指标的位置。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub enabled: bool,
    /// How often the metrics are asked for.
    #[schemars(title = "Interval", range(min = 5, max = 3600))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "间隔", "x-help-zh" = "抓取指标的间隔。", "x-unit" = "s", "x-level" = "advanced", "x-mutability" = "online"))]
    pub interval_seconds: u32,
    /// Labels by which the operator of Prometheus chooses what it looks at.
    #[schemars(title = "Labels", schema_with = "labels_schema")]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "标签", "x-help-zh" = "Prometheus Operator 据以选择的标签。", "x-level" = "advanced", "x-mutability" = "online"))]
    pub labels: BTreeMap<String, String>,
}
