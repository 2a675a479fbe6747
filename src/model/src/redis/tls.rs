//! TLS: the certificate that the server presents, and whether plain text is refused.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::NAME_OR_EMPTY_PATTERN;

/// How the server and its clients keep what they say to themselves.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Tls {
    /// Name of the Secret with the keys `tls.crt` and `tls.key`, which the server presents at port 6380, and `ca.crt`, the authorities
    /// that are trusted. Since version 6.0. Empty: the server speaks no TLS.
    #[schemars(
        title = "Secret",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "密钥", "x-help-zh" = "Secret 的名称，其键 tls.crt 和 tls.key 为服务器在端口 6380 出示的证书，ca.crt 为所信任的颁发机构。自 6.0 起。空表示不使用 TLS。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub secret_name: String,
    /// Whether plain text is refused: port 6379 is closed then. To turn it on where clients go on, set the Secret first, and let
    /// clients use port 6380.
    #[schemars(title = "Enforced")]
    #[schemars(extend("x-title-zh" = "强制执行", "x-help-zh" = "是否拒绝明文，即关闭端口 6379。要在客户端不中断时开启，先指定 Secret，并让客户端使用端口 6380。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub enforced: bool,
}
