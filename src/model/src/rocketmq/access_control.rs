//! Access control: the credentials with which servers and operations sign, and whether those who do not sign are refused.
//!
//! Brokers of 5.3.3 and newer keep users themselves (the product's ACL 2.0). Those of version 4 read them from a file (ACL 1.0), which
//! a pod makes of the Secret when it starts.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::fields::NAME_OR_EMPTY_PATTERN;

/// The key of the Secret with the administrator's name.
pub const ACCESS_KEY: &str = "accessKey";
/// The key of the Secret with what the administrator signs with.
pub const SECRET_KEY: &str = "secretKey";
/// The key of the Secret with accounts of applications, in the form of the product's file `plain_acl.yml`.
pub const ACCOUNTS_KEY: &str = "plain_acl.yml";
/// What may stand in the administrator's name beside letters and digits.
pub const ACCESS_KEY_MARKS: &str = "._-";
/// What may stand in what the administrator signs with beside letters and digits: what means nothing in any file that it goes into.
pub const SECRET_KEY_MARKS: &str = "!#$%&*+,./:;=?@^_~-";
/// The most characters of either. A key of a signature that is longer than 64 bytes would be hashed first.
pub const LONGEST_CREDENTIAL: usize = 64;

/// How tags begin of brokers that read their accounts from a file.
pub const READS_ACCOUNTS: &str = "4.";
/// The directory in which a pod makes that file: the broker's home then, so that it does not find the accounts of the image's example,
/// whose keys everybody knows.
pub const ACCOUNTS_HOME: &str = "/var/rocketmq/access";
/// The fewest characters of names and keys in that file. A broker that finds fewer does not start, and writes them to its log
/// (`PlainPermissionManager.buildPlainAccessResource`).
pub const SHORTEST_OF_ACCOUNTS: usize = 7;

/// Whether a text can be the administrator's name, or what the administrator signs with, given what may stand in it.
#[must_use]
pub fn is_credential(text: &str, marks: &str) -> bool {
    let is_allowed = |letter: char| letter.is_ascii_alphanumeric() || marks.contains(letter);
    (1..=LONGEST_CREDENTIAL).contains(&text.len()) && text.chars().all(is_allowed)
}

/// Who may do what at brokers and proxies.
#[derive(Clone, Debug, Default, Deserialize, Eq, JsonSchema, PartialEq, Serialize)]
#[serde(deny_unknown_fields, rename_all = "camelCase")]
pub struct AccessControl {
    /// Name of the Secret whose keys `accessKey` and `secretKey` are the administrator's, with which servers and operations sign. Its
    /// key `plain_acl.yml`, if there is one, has accounts of applications. Empty: nobody signs. Brokers of version 4 must have no
    /// replicas then.
    #[schemars(
        title = "Secret",
        regex(pattern = NAME_OR_EMPTY_PATTERN),
        length(max = 253)
    )]
    #[schemars(extend("x-widget" = "secret", "x-title-zh" = "密钥", "x-help-zh" = "Secret 的名称，其键 accessKey 和 secretKey 为管理员凭据，服务器和各项操作使用该凭据签名；键 plain_acl.yml（可选）为应用账号。空表示不签名。4 版本的 Broker 此时不能有副本。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub secret_name: String,
    /// Whether brokers and proxies refuse whoever does not sign or may not do what is asked. To turn it on where clients go on,
    /// set the Secret first, and let them sign.
    #[schemars(title = "Enforced")]
    #[schemars(extend("x-title-zh" = "强制执行", "x-help-zh" = "Broker 和代理是否拒绝未签名或无权限的请求。要在客户端不中断时开启，先指定 Secret，并让客户端签名。", "x-level" = "basic", "x-mutability" = "restart"))]
    pub enforced: bool,
}

impl AccessControl {
    /// Whether brokers of a tag read their accounts from a file, and neither know users of their own nor sign what they ask.
    #[must_use]
    pub fn reads_accounts(&self, tag: &str) -> bool {
        !self.secret_name.is_empty() && tag.starts_with(READS_ACCOUNTS)
    }
}
