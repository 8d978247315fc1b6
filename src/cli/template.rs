//! `belltower template`: stored texts with variables.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::Context;
use super::input;
use super::output::{List, table};
use crate::domain::audience::Params;
use crate::domain::content::Content;
use crate::domain::document::Document;
use crate::service::templates::{self, Template};
use crate::service::{Caller, Change, Services};

const AFTER_HELP: &str = r#"The file is TOML or JSON with one template, or with a list of them:

  [[templates]]
  slug = "book-due"
  name = "图书到期提醒"
  title = "《{{ book }}》将于 {{ due }} 到期"
  body = """
  您借阅的《{{ book }}》将于 **{{ due }}** 到期。
  """
  link = "https://lib.example.edu/loans"
  [templates.variants.sms]
  body = "《{{ book }}》{{ due }} 到期"
  [templates.variants."email.en"]
  title = "“{{ book }}” is due on {{ due }}"

All of it is taken or, where something is wrong, nothing. A text that is the same as before makes no new version; messages
take the latest, and those accepted before keep theirs. docs/TEMPLATES.md explains variables, Markdown and variants."#;

/// Templates asked for at a time.
const PAGE: u32 = 200;

#[derive(Subcommand)]
pub(super) enum Act {
    /// Create templates and give those that changed a new version
    #[command(after_help = AFTER_HELP)]
    Apply {
        /// TOML or JSON; - is standard input
        #[arg(value_name = "FILE|-")]
        file: PathBuf,
    },
    /// List the templates with the variables they need
    List,
    /// Print a template as a file that can be applied
    Show(Show),
}

#[derive(Args)]
pub(super) struct Show {
    #[arg(value_name = "SLUG")]
    slug: String,
    /// An earlier version [default: the latest]
    #[arg(long = "version", value_name = "N")]
    number: Option<i64>,
}

pub(super) fn run(context: &Context, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Apply { file } => apply(context, &file),
        Act::List => list(context),
        Act::Show(show) => show.run(context),
    }
}

#[derive(Serialize)]
struct Applied {
    slug: String,
    version: i64,
    change: Change,
}

fn apply(context: &Context, file: &Path) -> anyhow::Result<()> {
    let text = input::read(file, "the templates")?;
    let document = Document::read(&text)?;
    let caller = Caller::Command("template apply");
    let kept = context
        .with_services(async |s| Ok(document.placed(templates::apply(s, &caller, &document.value).await)?))?;
    let data = kept
        .into_iter()
        .map(|(change, template)| Applied { slug: template.slug, version: template.version, change })
        .collect();
    context.output.print(&List { data }, |List { data }| {
        let line = |one: &Applied| match one.change {
            Change::Created => format!("{} created", one.slug),
            Change::Updated => format!("{} updated, now version {}", one.slug, one.version),
            Change::Unchanged => format!("{} unchanged, version {}", one.slug, one.version),
        };
        data.iter().map(line).collect::<Vec<_>>().join("\n")
    })
}

/// A template as a file names it, and what is known about it besides.
#[derive(Serialize)]
struct Shown {
    #[serde(flatten)]
    file: File,
    version: i64,
    required: Vec<String>,
    optional: Vec<String>,
    /// RFC 3339.
    created_at: String,
    created_by: String,
}

#[derive(Serialize)]
struct File {
    slug: String,
    name: String,
    #[serde(flatten)]
    content: Content,
    #[serde(skip_serializing_if = "Params::is_empty")]
    samples: Params,
}

impl From<Template> for Shown {
    fn from(it: Template) -> Self {
        Self {
            file: File { slug: it.slug, name: it.name, content: it.content, samples: it.samples },
            version: it.version,
            required: it.required.into_iter().collect(),
            optional: it.optional.into_iter().collect(),
            created_at: it.created_at.to_string(),
            created_by: it.created_by,
        }
    }
}

impl Shown {
    fn row(&self) -> Vec<String> {
        let optional = self.optional.iter().map(|name| format!("[{name}]"));
        let variables: Vec<_> = self.required.iter().cloned().chain(optional).collect();
        vec![
            self.file.slug.clone(),
            self.version.to_string(),
            self.file.name.clone(),
            variables.join(" "),
            self.created_at.clone(),
        ]
    }

    /// The file, with what else is known as a remark before it.
    fn text(&self) -> anyhow::Result<String> {
        let file = toml::to_string_pretty(&self.file)?;
        let by = self.created_by.replace(char::is_control, " ");
        Ok(format!("# version {}, {}, by {by}\n{file}", self.version, self.created_at))
    }
}

fn list(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("template list");
    let all = async |s: &Services| {
        let mut all: Vec<Template> = Vec::new();
        loop {
            let after = all.last().map(|last| last.slug.clone());
            let page = templates::list(s, &caller, after.as_deref(), PAGE).await?;
            let more = page.len() == PAGE as usize;
            all.extend(page);
            if !more {
                return Ok(all);
            }
        }
    };
    let data = context.with_services(all)?.into_iter().map(Shown::from).collect();
    context.output.print(&List { data }, |List { data }| {
        let head = ["slug", "version", "name", "variables", "since"];
        table(&head, &data.iter().map(Shown::row).collect::<Vec<_>>())
    })
}

impl Show {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let caller = Caller::Command("template show");
        let template = context
            .with_services(async |s| Ok(templates::get(s, &caller, &self.slug, self.number).await?))?;
        let shown = Shown::from(template);
        let text = shown.text()?;
        context.output.print(&shown, |_| text)
    }
}
