//! Authentication: the password that clients show, and where it comes from.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::NAME_OR_EMPTY_PATTERN;

/// The key with the password in a Secret that the chart has made, and the name of the file in pods.
pub const PASSWORD_KEY: &str = "password";
/// What the key with the previous password begins with, before that of the password, and the name of the file in pods.
pub const PREVIOUS_PREFIX: &str = "previous-";
/// The name of the file with the previous password in pods.
pub const PREVIOUS_PASSWORD_KEY: &str = "previous-password";
/// The key of a Secret.
pub const SECRET_KEY_PATTERN: &str = "^[-._a-zA-Z0-9]+$";

/// Where the password comes from.
#[derive(Clone, Copy, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
pub enum PasswordSource {
    /// It is made at the installation, in a Secret that upgrades leave alone and that outlives the release.
    #[schemars(extend("x-help-zh" = "安装时生成，存于升级不会更改、卸载后仍保留的 Secret"))]
    Generated,
    /// From a Secret that exists.
    #[schemars(extend("x-help-zh" = "来自已有的 Secret"))]
    Secret,
    /// There is none: whoever reaches the server may do everything.
    #[schemars(extend("x-help-zh" = "没有密码，能连接服务器者可做任何操作"))]
    None,
}

/// The password that clients show.
#[derive(Clone, Debug, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct Authentication {
    /// Where the password comes from.
    #[schemars(title = "Password")]
    #[schemars(extend("x-title-zh" = "密码来源", "x-help-zh" = "密码从何而来。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub source: PasswordSource,
    /// Name of the Secret with the password.
    #[schemars(title = "Secret", regex(pattern = NAME_OR_EMPTY_PATTERN), length(max = 253))]
    #[schemars(extend("x-visible-if" = ".source == Secret", "x-required" = true, "x-widget" = "secret", "x-title-zh" = "密钥", "x-help-zh" = "存有密码的 Secret 的名称。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub secret_name: String,
    /// The key of the Secret with the password: one line of at least one character. What stands under the same key with `previous-` before it is taken too, since version 6.0.
    #[schemars(title = "Key of the Secret", regex(pattern = SECRET_KEY_PATTERN), length(max = 244))]
    #[schemars(extend("x-visible-if" = ".source == Secret", "x-title-zh" = "密钥的键", "x-help-zh" = "Secret 中存有密码的键，内容为非空的一行。自 6.0 起，名称前加 previous- 的键中的旧密码仍可使用。", "x-level" = "advanced", "x-mutability" = "restart"))]
    pub secret_key: String,
}

impl Default for Authentication {
    fn default() -> Self {
        Self {
            source: PasswordSource::Generated,
            secret_name: String::new(),
            secret_key: PASSWORD_KEY.to_owned(),
        }
    }
}
