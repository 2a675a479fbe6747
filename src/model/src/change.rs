//! What changes from one set of values to another, and what each change takes.
//!
//! | mutability | what a change of the field takes |
//! | --- | --- |
//! | `create-only` | it is refused: the field is fixed when the release is made |
//! | `increase-only` | growing takes effect with the upgrade; shrinking is refused |
//! | `online` | it takes effect with the upgrade and restarts nothing |
//! | `restart` | pods are restarted one at a time during the upgrade; of a map, keys in `x-online-keys` are as `online` |
//! | `rollout` | it takes effect with the upgrade, which replaces the pods |
//! | a name with underscores | the operation of that name carries it out |
//! | two of these with `/` between | the first one when the value grows, the second one when it shrinks |

use serde::Serialize;
use serde_json::Value;

use crate::condition::at;
use crate::description::Description;
use crate::fields::Bytes;

/// The operation of that name, whose field only grows.
pub const GROW_VOLUMES: &str = "grow_volumes";

/// What a change of a field takes.
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(rename_all = "kebab-case", tag = "effect", content = "operation")]
pub enum Effect {
    /// It is refused.
    Refused,
    /// It takes effect with the upgrade, and restarts nothing.
    Online,
    /// Pods are restarted one at a time during the upgrade.
    Restart,
    /// It takes effect with the upgrade, which replaces the pods.
    Rollout,
    /// The operation of this name carries it out.
    Operation(String),
    /// Nothing: the field does not matter before and after.
    Nothing,
}

/// A field whose value changes.
#[derive(Clone, Debug, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Change {
    /// The field's path.
    pub path: String,
    /// Its title in English.
    pub title: String,
    /// The value before.
    pub old: Value,
    /// The value after.
    pub new: Value,
    /// What it takes.
    #[serde(flatten)]
    pub effect: Effect,
    /// What it takes, in the words that forms show beside the field.
    pub text: String,
    /// The same in Chinese.
    pub text_zh: String,
}

/// The fields that change between two sets of values, defaults included, in the order of the model.
#[must_use]
pub fn changes(description: &Description, old: &Value, new: &Value) -> Vec<Change> {
    let fields = description.fields().into_iter().filter_map(|field| {
        let before = at(old, field.path).unwrap_or(field.default);
        let after = at(new, field.path).unwrap_or(field.default);
        (before != after).then(|| {
            let matters = field.visible.holds(old) || field.visible.holds(new);
            let mutability = match description.mutability_while(&field) {
                Some((condition, other)) if condition.holds(old) && condition.holds(new) => other,
                _ if is_online(&field.schema["x-online-keys"], before, after) => "online",
                _ => field.schema["x-mutability"].as_str().unwrap_or_default(),
            };
            let effect = if matters {
                effect(mutability, before, after)
            } else {
                Effect::Nothing
            };
            let (text, text_zh) = match effect {
                Effect::Nothing => NOTHING,
                _ => words(mutability),
            };
            Change {
                path: field.path.to_owned(),
                title: field.schema["title"]
                    .as_str()
                    .unwrap_or_default()
                    .to_owned(),
                old: before.clone(),
                new: after.clone(),
                effect,
                text: text.to_owned(),
                text_zh: text_zh.to_owned(),
            }
        })
    });
    fields.collect()
}

/// Whether two maps differ only in keys of a list.
fn is_online(keys: &Value, before: &Value, after: &Value) -> bool {
    let (Some(keys), Some(before), Some(after)) =
        (keys.as_array(), before.as_object(), after.as_object())
    else {
        return false;
    };
    let all = before.keys().chain(after.keys());
    all.filter(|key| before.get(*key) != after.get(*key))
        .all(|key| keys.iter().any(|online| online == key))
}

fn effect(mutability: &str, before: &Value, after: &Value) -> Effect {
    if let Some((growing, shrinking)) = mutability.split_once('/') {
        let one = if is_less(after, before) {
            shrinking
        } else {
            growing
        };
        return effect(one, before, after);
    }
    match mutability {
        "create-only" => Effect::Refused,
        "increase-only" if is_less(after, before) => Effect::Refused,
        "increase-only" | "online" => Effect::Online,
        "restart" => Effect::Restart,
        "rollout" => Effect::Rollout,
        GROW_VOLUMES if shrinks(before, after) => Effect::Refused,
        operation => Effect::Operation(operation.to_owned()),
    }
}

/// Whether an amount of storage becomes less.
fn shrinks(before: &Value, after: &Value) -> bool {
    let mebibytes = |value: &Value| Bytes(value.as_str()?.to_owned()).mebibytes();
    mebibytes(after) < mebibytes(before)
}

fn is_less(one: &Value, other: &Value) -> bool {
    one.as_i64() < other.as_i64()
}

const NOTHING: (&str, &str) = (
    "The field does not matter with these values.",
    "在当前取值下该字段不起作用。",
);

/// What a change of a field of some mutability takes: in English and in Chinese.
#[must_use]
pub fn words(mutability: &str) -> (&'static str, &'static str) {
    match mutability {
        "create-only" => (
            "Cannot be changed after the installation.",
            "安装后不能更改。",
        ),
        "increase-only" => ("Can only grow after the installation.", "安装后只能增大。"),
        "online" => (
            "A change takes effect with the upgrade and restarts nothing.",
            "更改随升级生效，不重启任何 Pod。",
        ),
        "restart" => (
            "A change restarts pods one at a time during the upgrade, while clients go on.",
            "更改会在升级期间逐个重启 Pod，客户端不中断。",
        ),
        "rollout" => (
            "A change takes effect with the upgrade, which replaces the pods.",
            "更改随升级生效，升级会替换 Pod。",
        ),
        "change_name_servers" => (
            "A change runs the operation change_name_servers, while clients go on.",
            "更改会执行操作 change_name_servers，期间客户端不中断。",
        ),
        "add_brokers/remove_brokers" => (
            "A change runs an operation while clients go on: add_brokers fills groups that are new, remove_brokers drains \
             groups that leave.",
            "更改会执行操作，期间客户端不中断：增加时由 add_brokers 填充新组，减少时由 remove_brokers 排空离开的组。",
        ),
        "online/remove_brokers" => (
            "More take effect with the upgrade and restart nothing; fewer run the operation remove_brokers, which looks \
             whether masters have all messages.",
            "增加随升级生效，不重启任何 Pod；减少会执行操作 remove_brokers，先确认主节点拥有全部消息。",
        ),
        "rebalance_slots/drain_shards" => (
            "A change runs an operation while clients go on: rebalance_slots gives new shards their share of the slots, \
             drain_shards takes the slots of shards that leave to the others.",
            "更改会执行操作，期间客户端不中断：增加时由 rebalance_slots 将槽分给新分片，减少时由 drain_shards 将离开的分片的槽迁到其他分片。",
        ),
        "change_replicas" => (
            "A change runs the operation change_replicas, while clients go on.",
            "更改会执行操作 change_replicas，期间客户端不中断。",
        ),
        "change_sentinels" => (
            "A change adds Sentinels, or takes some away, which the others then forget; the master stays.",
            "更改会增加或移除 Sentinel，其余 Sentinel 随后忘记离开者；主节点不变。",
        ),
        "transfer_topic" => (
            "A change plans the transfer anew; one that is under way is settled before.",
            "更改会重新规划转移；正在进行的转移会先了结。",
        ),
        GROW_VOLUMES => (
            "A change runs the operation grow_volumes: volumes grow while their pods go on. They never become smaller.",
            "更改会执行操作 grow_volumes：卷在 Pod 运行时扩容；卷不能缩小。",
        ),
        _ => ("", ""),
    }
}
