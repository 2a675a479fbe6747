//! The console: the product's dashboard, on which people look at topics, groups and messages, and change them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::{Image, NAME_OR_EMPTY_PATTERN, Pod, Resources};

/// The port at which the console answers browsers.
pub const CONSOLE_PORT: u16 = 8082;
/// The key of the Secret with the people who may log in: a file of the dashboard, a line `NAME=PASSWORD,1` for an administrator.
pub const USERS_KEY: &str = "users.properties";
/// Memory in MB that the console needs beside its heap and its direct memory.
pub const CONSOLE_MEMORY_BESIDE_HEAP: u64 = 160;

/// The console: whether there is one, and who may log in.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Console {
    /// Whether the release has the product's dashboard, reached inside the cluster at the Service that ends with `-console`.
    #[schemars(title = "Console")]
    #[schemars(extend("x-title-zh" = "启用", "x-help-zh" = "是否部署产品的控制台（dashboard），在集群内经由名称以 -console 结尾的 Service 访问。", "x-level" = "basic", "x-mutability" = "online"))]
    pub enabled: bool,
    /// Name of the Secret with the key `users.properties`: a line `NAME=PASSWORD` for each person who may look and send messages,
    /// `NAME=PASSWORD,1` for each who may do everything. Nobody gets in who is not in it. With access control everybody who gets in
    /// sees the administrator's keys and may change users.
    #[schemars(
        title = "Secret with people",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-required" = true, "x-widget" = "secret", "x-title-zh" = "人员密钥", "x-help-zh" = "Secret 的名称，其键 users.properties 每行为一人：NAME=PASSWORD 可查看和发送消息，NAME=PASSWORD,1 可执行所有操作。其中没有的人不能登录。启用访问控制时，登录者都能看到管理员的密钥并更改用户。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub users_secret_name: String,
    /// Image of the console.
    #[schemars(title = "Image", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "镜像", "x-help-zh" = "控制台的镜像。"))]
    pub image: Image,
    /// CPU and memory of the console.
    #[schemars(title = "Resources", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "资源", "x-help-zh" = "控制台的 CPU 和内存。"))]
    pub resources: Resources,
    /// Java heap of the console. 0: half of the memory limit. A quarter of what the heap leaves is its direct memory.
    #[schemars(title = "Heap", range(min = 0, max = 65536))]
    #[schemars(extend("x-visible-if" = ".enabled == true", "x-title-zh" = "堆", "x-help-zh" = "Java 堆大小。0 表示内存上限的一半。堆以外内存的四分之一用作直接内存。", "x-unit" = "MB", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub heap_megabytes: u32,
    /// The usual places to extend a pod.
    #[schemars(title = "Pod", extend("x-visible-if" = ".enabled == true", "x-title-zh" = "Pod", "x-help-zh" = "扩展 Pod 的常用位置。"))]
    pub pod: Pod,
}

impl Default for Console {
    /// None.
    fn default() -> Self {
        Self {
            enabled: false,
            users_secret_name: String::new(),
            image: super::image("apacherocketmq/rocketmq-dashboard", "2.1.0"),
            resources: super::resources("100m", "512Mi", "", "768Mi"),
            heap_megabytes: 0,
            pod: Pod::default(),
        }
    }
}
