//! Renders template sources: minijinja with the delimiters `<% %>`, `<< >>` and `<# #>`, so that Helm's pass through.

use minijinja::syntax::SyntaxConfig;
use minijinja::value::Serde;
use minijinja::{Environment, UndefinedBehavior};
use serde::Serialize;

/// What named sources read: made once, and shared by all of them.
pub(crate) struct Context(minijinja::Value);

impl Context {
    /// Makes it of anything with members.
    pub(crate) fn of(members: impl Serialize) -> Self {
        Self(minijinja::Value::from(Serde(members)))
    }
}

/// Renders sources that may include and import each other by name.
pub(crate) struct Renderer {
    environment: Environment<'static>,
}

impl Renderer {
    /// A renderer over named sources.
    pub(crate) fn new(
        sources: impl Iterator<Item = (&'static str, &'static str)>,
    ) -> Result<Self, minijinja::Error> {
        let mut environment = Environment::new();
        environment.set_syntax(
            SyntaxConfig::builder()
                .block_delimiters("<%", "%>")
                .variable_delimiters("<<", ">>")
                .comment_delimiters("<#", "#>")
                .trim_blocks(true)
                .lstrip_blocks(true)
                .keep_trailing_newline(true)
                .build()?,
        );
        environment.set_undefined_behavior(UndefinedBehavior::Strict);
        environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
        for (name, source) in sources {
            environment.add_template(name, source)?;
        }
        Ok(Self { environment })
    }

    /// Renders a named source.
    pub(crate) fn named(&self, name: &str, context: &Context) -> Result<String, minijinja::Error> {
        self.environment
            .get_template(name)?
            .render(context.0.clone())
    }

    /// Renders a source that has no name.
    pub(crate) fn text(
        &self,
        source: &str,
        context: impl Serialize,
    ) -> Result<String, minijinja::Error> {
        self.environment.render_str(source, Serde(context))
    }
}
