//! Metrics: the exporter beside the server, and how Prometheus finds it.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::monitoring::ServiceMonitor;
use crate::fields::{Image, Resources};

/// The port at which the exporter serves metrics.
pub const METRICS_PORT: u16 = 9121;

/// What Prometheus is told of the server.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Metrics {
    /// Whether an exporter runs beside the server and serves metrics in the format of Prometheus, at port 9121.
    #[schemars(title = "Metrics")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否在服务器旁运行 exporter，在端口 9121 以 Prometheus 格式提供指标。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub enabled: bool,
    /// Image of the exporter.
    #[schemars(title = "Image", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "镜像", "x-help-zh" = "exporter 的镜像。"))]
    pub image: Image,
    /// CPU and memory of the exporter.
    #[schemars(title = "Resources", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "资源", "x-help-zh" = "exporter 的 CPU 和内存。"))]
    pub resources: Resources,
    /// How an operator of Prometheus finds the metrics.
    #[schemars(title = "Service monitor", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "ServiceMonitor", "x-help-zh" = "Prometheus Operator 如何找到指标。"))]
    pub service_monitor: ServiceMonitor,
}
