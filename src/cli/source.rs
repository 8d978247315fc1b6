//! `belltower source`: departmental systems and their keys.

use clap::{Args, Subcommand};
use serde::Serialize;

use super::context::Context;
use super::output::{List, table};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::domain::id::{KeyId, SourceId};
use crate::domain::source::Right;
use crate::domain::topic::TopicPattern;
use crate::service::sources::{self, Key, KeyCreated, NewSource, Source, SourceCreated};
use crate::service::{Caller, Services};

#[derive(Subcommand)]
pub(super) enum Act {
    /// Let a new system in and make its first key, which is shown this once
    Create(Create),
    /// List the systems that may send
    List,
    /// Make and end keys
    #[command(subcommand)]
    Key(KeyAct),
}

#[derive(Args)]
pub(super) struct Create {
    /// What administrators call it, such as 教务系统
    #[arg(long, value_name = "N")]
    name: String,
    /// The department that answers for it
    #[arg(long, value_name = "D")]
    department: String,
    /// Patterns of the topics it may send on: `*` is one word, `#` any number, as in 'academic.*,exam.#'
    #[arg(long, value_name = "PATTERNS", value_delimiter = ',', required = true)]
    topics: Vec<String>,
    /// Channels it may use: email, sms, wechat
    #[arg(long, value_name = "CHANNELS", value_delimiter = ',', required = true)]
    channels: Vec<String>,
    #[arg(
        long,
        value_name = "RIGHTS",
        value_delimiter = ',',
        help = "What else it may: send_direct, emergency, broadcast, exercise, read_all, read_inbox, directory, subscribe"
    )]
    rights: Vec<String>,
    /// Slugs of the groups it may write to [default: it may write to anybody]
    #[arg(long, value_name = "GROUPS", value_delimiter = ',')]
    groups: Vec<String>,
    /// Messages a second [default: no limit]
    #[arg(long, value_name = "N")]
    rate: Option<i64>,
    /// Messages a campus day [default: no limit]
    #[arg(long, value_name = "N")]
    daily: Option<i64>,
    /// The user of the message broker that it publishes as [default: it does not publish there]
    #[arg(long, value_name = "USER", default_value = "", hide_default_value = true)]
    broker_user: String,
    /// Make a test key: everything runs, nothing leaves
    #[arg(long)]
    test: bool,
}

#[derive(Subcommand)]
pub(super) enum KeyAct {
    /// Make one more key, which is shown this once
    Create {
        /// The source's name or id
        source: String,
        /// Make a test key: everything runs, nothing leaves
        #[arg(long)]
        test: bool,
    },
    /// End a key at once
    Revoke {
        /// The key's id, key_…
        key: KeyId,
    },
    /// List the keys of a source
    List {
        /// The source's name or id
        source: String,
    },
}

pub(super) fn run(context: &Context, act: Act) -> anyhow::Result<()> {
    match act {
        Act::Create(create) => create.run(context),
        Act::List => list(context),
        Act::Key(KeyAct::Create { source, test }) => create_key(context, &source, test),
        Act::Key(KeyAct::Revoke { key }) => revoke_key(context, key),
        Act::Key(KeyAct::List { source }) => list_keys(context, &source),
    }
}

impl Create {
    fn run(self, context: &Context) -> anyhow::Result<()> {
        let caller = Caller::Command("source create");
        let new = NewSource {
            name: self.name,
            department: self.department,
            topics: self.topics,
            channels: self.channels,
            rights: self.rights,
            groups: self.groups,
            rate_per_second: self.rate,
            daily_messages: self.daily,
            broker_user: self.broker_user,
            test: self.test,
        };
        let created = context.with_services(async |s| Ok(sources::create(s, &caller, new).await?))?;
        context.output.print(&created, |SourceCreated { source_id, key_id, key }| {
            format!("source  {source_id}\nkey id  {key_id}\nkey     {key}\n\nThe key is not shown again.")
        })
    }
}

#[derive(Serialize)]
struct SourceLine {
    id: SourceId,
    name: String,
    department: String,
    topics: Vec<TopicPattern>,
    channels: Vec<ChannelKind>,
    rights: Vec<Right>,
    groups: Vec<String>,
    rate_per_second: Option<u32>,
    daily_messages: Option<u64>,
    broker_user: Option<String>,
    enabled: bool,
    created_at: String,
    last_activity_at: Option<String>,
}

impl From<Source> for SourceLine {
    fn from(source: Source) -> Self {
        Self {
            id: source.id,
            name: source.name,
            department: source.department,
            topics: source.topics,
            channels: source.channels,
            rights: source.rights,
            groups: source.groups,
            rate_per_second: source.rate_per_second,
            daily_messages: source.daily_messages,
            broker_user: source.broker_user,
            enabled: source.disabled_at.is_none(),
            created_at: source.created_at.to_string(),
            last_activity_at: source.last_activity_at.map(|at| at.to_string()),
        }
    }
}

impl SourceLine {
    fn row(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            self.name.clone(),
            self.department.clone(),
            joined(&self.topics),
            joined(&self.channels),
            joined(&self.rights),
            joined(&self.groups),
            if self.enabled { "enabled" } else { "disabled" }.to_owned(),
        ]
    }
}

fn joined<T: ToString>(items: &[T]) -> String {
    items.iter().map(T::to_string).collect::<Vec<_>>().join(",")
}

fn list(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("source list");
    let sources = context.with_services(async |s| Ok(sources::list(s, &caller).await?))?;
    let data = sources.into_iter().map(SourceLine::from).collect();
    context.output.print(&List { data }, |List { data }| {
        let head = ["id", "name", "department", "topics", "channels", "rights", "groups", "state"];
        table(&head, &data.iter().map(SourceLine::row).collect::<Vec<_>>())
    })
}

fn create_key(context: &Context, source: &str, test: bool) -> anyhow::Result<()> {
    let caller = Caller::Command("source key create");
    let act = async |s: &Services| {
        let source = sources::get_named(s, &caller, source).await?;
        Ok(sources::create_key(s, &caller, source.id, test).await?)
    };
    let created = context.with_services(act)?;
    context.output.print(&created, |KeyCreated { key_id, key }| {
        format!("key id  {key_id}\nkey     {key}\n\nThe key is not shown again.")
    })
}

#[derive(Serialize)]
struct Revoked {
    key_id: KeyId,
    revoked: bool,
}

fn revoke_key(context: &Context, key_id: KeyId) -> anyhow::Result<()> {
    let caller = Caller::Command("source key revoke");
    context.with_services(async |s| Ok(sources::revoke_key(s, &caller, key_id).await?))?;
    context
        .output
        .print(&Revoked { key_id, revoked: true }, |_| format!("{key_id} opens nothing from now on"))
}

#[derive(Serialize)]
struct KeyLine {
    id: KeyId,
    test: bool,
    hint: String,
    valid: bool,
    created_at: String,
    expires_at: Option<String>,
    revoked_at: Option<String>,
    last_used_at: Option<String>,
}

impl KeyLine {
    fn new(key: Key, now: Timestamp) -> Self {
        let text = |at: Timestamp| at.to_string();
        Self {
            id: key.id,
            test: key.test,
            valid: key.is_valid(now),
            created_at: text(key.created_at),
            expires_at: key.expires_at.map(text),
            revoked_at: key.revoked_at.map(text),
            last_used_at: key.last_used_at.map(text),
            hint: key.hint,
        }
    }

    fn row(&self) -> Vec<String> {
        vec![
            self.id.to_string(),
            if self.test { "test" } else { "live" }.to_owned(),
            format!("…{}", self.hint),
            if self.valid { "valid" } else { "ended" }.to_owned(),
            self.created_at.clone(),
            self.last_used_at.clone().unwrap_or_else(|| "never".to_owned()),
        ]
    }
}

fn list_keys(context: &Context, source: &str) -> anyhow::Result<()> {
    let caller = Caller::Command("source key list");
    let act = async |s: &Services| {
        let source = sources::get_named(s, &caller, source).await?;
        let keys = sources::keys(s, &caller, source.id).await?;
        let now = s.clock.now();
        Ok(keys.into_iter().map(|key| KeyLine::new(key, now)).collect())
    };
    let data = context.with_services(act)?;
    context.output.print(&List { data }, |List { data }| {
        let rows: Vec<_> = data.iter().map(KeyLine::row).collect();
        table(&["id", "kind", "key", "state", "created", "last used"], &rows)
    })
}
