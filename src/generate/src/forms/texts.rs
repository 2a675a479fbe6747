//! What forms say of a field: title, help, choices, and what a change takes, in English and in Chinese.

use midships_model::change::words;
use midships_model::description::{Description, GENERAL};
use serde_json::Value;

/// The language of a form.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Language {
    /// English.
    English,
    /// Simplified Chinese.
    Chinese,
}

impl Language {
    fn choose<'a>(self, english: &'a str, chinese: &'a str) -> &'a str {
        match self {
            Self::English => english,
            Self::Chinese => chinese,
        }
    }

    /// The title of a field, with its unit.
    pub(crate) fn title(self, schema: &Value) -> String {
        let title = self.choose(text(schema, "title"), text(schema, "x-title-zh"));
        match schema["x-unit"].as_str() {
            Some(unit) => format!("{title} ({unit})"),
            None => title.to_owned(),
        }
    }

    /// What a field means, and that it will go away where that is so.
    pub(crate) fn help(self, schema: &Value) -> String {
        let help = self.choose(text(schema, "description"), text(schema, "x-help-zh"));
        let deprecated = &schema["x-deprecated"];
        match (
            deprecated["since"].as_str(),
            deprecated["replacement"].as_str(),
        ) {
            (Some(since), Some(replacement)) => match self {
                Self::English => format!("{help} Deprecated since {since}: use {replacement}."),
                Self::Chinese => format!("{help}自 {since} 起不推荐使用，请改用 {replacement}。"),
            },
            _ => help.to_owned(),
        }
    }

    /// What a change of a field takes after the installation; empty for a group.
    pub(crate) fn change(self, schema: &Value) -> String {
        let told = |mutability: &str| {
            let (english, chinese) = words(mutability);
            self.choose(english, chinese)
        };
        let usual = told(text(schema, "x-mutability"));
        let other = &schema["x-mutability-while"];
        match other["condition"].as_str() {
            Some(condition) => {
                let other = told(text(other, "mutability"));
                match self {
                    Self::English => format!("{usual} While {condition}: {other}"),
                    Self::Chinese => format!("{usual}当 {condition} 时：{other}"),
                }
            }
            None => usual.to_owned(),
        }
    }

    /// What a field means and what a change of it takes.
    pub(crate) fn help_and_change(self, schema: &Value) -> String {
        let (help, change) = (self.help(schema), self.change(schema));
        match self {
            Self::English if !change.is_empty() => format!("{help} {change}"),
            _ => format!("{help}{change}"),
        }
    }

    /// The choices of a field, each with what it means.
    pub(crate) fn choices(self, schema: &Value) -> Vec<String> {
        let help = self.choose("x-enum-help", "x-enum-help-zh");
        let values = schema["enum"].as_array().into_iter().flatten();
        values
            .enumerate()
            .map(|(index, value)| {
                let value = value.as_str().unwrap_or_default();
                let help = schema[help][index].as_str().unwrap_or_default();
                match help.trim_end_matches('.') {
                    "" => value.to_owned(),
                    help => format!("{value} – {help}"),
                }
            })
            .collect()
    }

    /// The title of a group at the root.
    pub(crate) fn group(self, description: &Description, group: &str) -> String {
        match description.schema_at(group) {
            Some(schema) if group != GENERAL => self.title(schema),
            _ => self.choose("General", "常规").to_owned(),
        }
    }

    /// The title of the fields of a level.
    pub(crate) fn level(self, level: &str) -> &'static str {
        match level {
            "advanced" => self.choose("Advanced", "高级"),
            "expert" => self.choose("Expert", "专家"),
            _ => self.choose("Basic", "基本"),
        }
    }

    /// The title of a field with those of the groups that it is in below the one at the root.
    pub(crate) fn long_title(self, description: &Description, path: &str) -> String {
        let mut titles = Vec::new();
        for (index, _) in path.match_indices('.').skip(1) {
            titles.extend(description.schema_at(&path[..index]));
        }
        titles.extend(description.schema_at(path));
        let titles: Vec<String> = titles
            .into_iter()
            .map(|schema| self.title(schema))
            .collect();
        titles.join(self.choose(": ", "："))
    }
}

fn text<'a>(schema: &'a Value, key: &str) -> &'a str {
    schema[key].as_str().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn what_goes_away_says_so_in_both_languages() {
        let schema = json!({
            "title": "Size", "x-title-zh": "容量", "x-unit": "MB", "description": "How large.", "x-help-zh": "大小。",
            "x-mutability": "online", "x-deprecated": { "since": "0.3.0", "replacement": "storage.size" },
        });
        assert_eq!(Language::English.title(&schema), "Size (MB)");
        assert_eq!(
            Language::English.help_and_change(&schema),
            "How large. Deprecated since 0.3.0: use storage.size. A change takes effect with the upgrade and restarts nothing."
        );
        assert_eq!(
            Language::Chinese.help_and_change(&schema),
            "大小。自 0.3.0 起不推荐使用，请改用 storage.size。更改随升级生效，不重启任何 Pod。"
        );
    }

    #[test]
    fn choices_say_what_they_mean() {
        let schema = json!({ "enum": ["A", "B"], "x-enum-help": ["The first.", ""], "x-enum-help-zh": ["一"] });
        assert_eq!(Language::English.choices(&schema), ["A – The first", "B"]);
        assert_eq!(Language::Chinese.choices(&schema), ["A – 一", "B"]);
    }
}
