//! Texts with variables: `{{ name }}`, `{% if overdue %}…{% endif %}`, `{% for book in books %}…{% endfor %}`.
//!
//! The engine is minijinja, of which little is let in. Fuel bounds how long a template runs but not what it
//! allocates: `{% set x = x ~ x %}` forty times asks for a terabyte, and so does one `format` or `*`. So a template's
//! syntax tree is checked against what is allowed here before the engine compiles it, nothing allowed makes a text
//! longer than its parts by more than a small factor, and variables and result are limited in size.

mod check;
mod outline;
mod run;

use std::collections::BTreeSet;

use crate::domain::audience::Params;
use crate::error::Fault;

pub use self::outline::{literals, outline};

/// Bytes in a template.
const MAX_TEMPLATE: usize = 128 * 1024;
/// Bytes of text in all variables of one rendering.
pub const MAX_PARAMS: usize = 16 * 1024;
/// Bytes of what comes out.
const MAX_OUTPUT: usize = 64 * 1024;
/// Instructions of one rendering.
const FUEL: u64 = 20_000;

/// What becomes of a value on its way into the text.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Escape {
    /// As it is, for titles.
    None,
    /// Values are plain text: whatever they contain is shown and marks nothing up, on one line.
    Markdown,
}

/// A text that was read as a template and found in order.
#[derive(Debug)]
pub struct Template {
    engine: minijinja::Environment<'static>,
    variables: Variables,
}

/// The variables of a text or of several.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Variables {
    /// Every name that is used.
    pub all: BTreeSet<String>,
    /// Those the text asks `is defined` or gives a `default`; the others are needed.
    pub optional: BTreeSet<String>,
}

/// Why a text is not a template, or cannot be filled in.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{detail}", .line.map(|line| format!("line {line}: ")).unwrap_or_default())]
pub struct TemplateError {
    /// From 1, where one line is to blame.
    pub line: Option<usize>,
    /// `template_syntax`, `template_variable` (missing, or of the wrong kind) or `template_limit`.
    pub code: &'static str,
    pub detail: String,
}

impl TemplateError {
    fn syntax(line: impl Into<Option<usize>>, detail: impl Into<String>) -> Self {
        Self { line: line.into(), code: "template_syntax", detail: detail.into() }
    }

    fn limit(line: impl Into<Option<usize>>, detail: impl Into<String>) -> Self {
        Self { line: line.into(), code: "template_limit", detail: detail.into() }
    }

    pub fn into_fault(self, pointer: impl Into<String>) -> Fault {
        Fault::new(pointer, self.code, self.to_string())
    }
}

impl Template {
    pub fn parse(text: &str, escape: Escape) -> Result<Self, TemplateError> {
        let variables = check::check(text)?;
        Ok(Self { engine: run::engine(text, escape)?, variables })
    }

    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Fills the text in. Variables it does not use do no harm; a needed one that is missing is an error.
    pub fn render(&self, params: &Params) -> Result<String, TemplateError> {
        run::render(&self.engine, params)
    }
}

/// The names of all variables in a text.
pub fn variables(text: &str) -> Result<BTreeSet<String>, TemplateError> {
    check::check(text).map(|variables| variables.all)
}

/// Whether a text is a template in order.
pub fn check(text: &str) -> Result<(), TemplateError> {
    Template::parse(text, Escape::None).map(drop)
}

/// Everything for which a text is not a template, as far as it can be read.
pub fn faults(text: &str, escape: Escape) -> Vec<TemplateError> {
    let found = check::refusals(text);
    if found.is_empty() { Template::parse(text, escape).err().into_iter().collect() } else { found }
}

/// Fills a text in once. A text without mark-up of templates costs a copy.
pub fn render(text: &str, params: &Params, escape: Escape) -> Result<String, TemplateError> {
    if text.contains("{{") || text.contains("{%") || text.contains("{#") {
        Template::parse(text, escape)?.render(params)
    } else {
        Ok(text.to_owned())
    }
}

impl Variables {
    pub fn join(&mut self, other: &Self) {
        // Needed by one text, a variable is needed.
        let needed: BTreeSet<_> = self.needed().chain(other.needed()).map(str::to_owned).collect();
        self.all.extend(other.all.iter().cloned());
        self.optional = self.all.difference(&needed).cloned().collect();
    }

    pub fn needed(&self) -> impl Iterator<Item = &str> {
        self.all.difference(&self.optional).map(String::as_str)
    }

    /// A fault for each needed variable that `params` lacks, each that no text uses, and for what is too large.
    /// `pointer` is that of the object of variables, such as `/params`.
    pub fn faults(&self, params: &Params, pointer: &str) -> Vec<Fault> {
        let at = |name: &str| format!("{pointer}/{}", name.replace('~', "~0").replace('/', "~1"));
        let missing = self.needed().filter(|name| !params.contains_key(*name)).map(|name| {
            Fault::new(at(name), "missing_variable", format!("the text needs the variable `{name}`"))
        });
        let unknown = params.keys().filter(|name| !self.all.contains(*name)).map(|name| {
            Fault::new(at(name), "unknown_variable", format!("the text has no variable `{name}`"))
        });
        let large = run::check_size(params).err().map(|error| error.into_fault(pointer));
        missing.chain(unknown).chain(large).collect()
    }
}
