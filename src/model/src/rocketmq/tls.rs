//! TLS: the certificate that servers present, whom they trust, and whether plain text is refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::NAME_OR_EMPTY_PATTERN;

/// How servers, clients and operations keep what they say to themselves.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tls {
    /// Name of the Secret with the keys `tls.crt` and `tls.key` (PKCS#8), which servers present, and `ca.crt`, the authorities that are
    /// trusted. Servers speak TLS to each other then, except where a replica fetches messages from its master and where controllers
    /// agree by `JRaft`. Empty: servers present a certificate that they make themselves.
    #[schemars(
        title = "Secret",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "密钥", "x-help-zh" = "Secret 的名称，其键 tls.crt 和 tls.key（PKCS#8）为服务器出示的证书，ca.crt 为所信任的颁发机构。此后服务器之间使用 TLS，从节点向主节点拉取消息以及控制器之间的 JRaft 除外。空表示服务器出示自行生成的证书。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub secret_name: String,
    /// Whether plain text is refused, by name servers, brokers, controllers and proxies. To turn it on where clients go on, set the Secret
    /// first, and let clients speak TLS.
    #[schemars(title = "Enforced")]
    #[schemars(extend("x-title-zh" = "强制执行", "x-help-zh" = "名称服务器、Broker、控制器和代理是否拒绝明文。要在客户端不中断时开启，先指定 Secret，并让客户端使用 TLS。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub enforced: bool,
}
