//! `belltower provider health` and `provider events`: how the providers do, and what happened to each.

use serde::Serialize;
use serde_json::Value;

use super::context::Context;
use super::output::{List, table};
use crate::clock::Timestamp;
use crate::domain::channel::ChannelKind;
use crate::service::providers::{self, ProviderEventRow, ProviderHealth, QuotaState, TroubleKind};
use crate::service::{Caller, Services};

#[derive(Serialize)]
struct Line {
    name: String,
    channel: ChannelKind,
    /// `ok`, `failed`, `paused` or `unusable`.
    state: &'static str,
    #[serde(skip_serializing_if = "Option::is_none")]
    reason: Option<String>,
    /// When it is tried again by itself.
    #[serde(skip_serializing_if = "Option::is_none")]
    until: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    quota: Option<QuotaState>,
    /// What it answered and nobody knows.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    unknown_codes: Vec<Code>,
}

#[derive(Serialize)]
struct Code {
    code: String,
    words: Option<String>,
}

impl From<ProviderHealth> for Line {
    fn from(health: ProviderHealth) -> Self {
        let ProviderHealth { name, channel, trouble, quota, unknown_codes, .. } = health;
        let state = match trouble.as_ref().map(|trouble| trouble.kind) {
            None => "ok",
            Some(TroubleKind::Failed) => "failed",
            Some(TroubleKind::Paused) => "paused",
            Some(TroubleKind::Unusable) => "unusable",
        };
        let until = trouble.as_ref().and_then(|trouble| trouble.until).map(|at: Timestamp| at.to_string());
        let reason = trouble.and_then(|trouble| trouble.reason);
        let unknown_codes =
            unknown_codes.into_iter().map(|unknown| Code { code: unknown.code, words: unknown.words });
        Self { name, channel, state, reason, until, quota, unknown_codes: unknown_codes.collect() }
    }
}

impl Line {
    fn row(&self) -> Vec<String> {
        let quota = self.quota.map(|state| format!("{} of {}", state.used, state.quota.daily));
        let or_dash = |text: Option<String>| text.unwrap_or_else(|| "-".to_owned());
        vec![
            self.name.clone(),
            self.channel.to_string(),
            self.state.to_owned(),
            or_dash(quota),
            or_dash(self.until.clone()),
            or_dash(self.reason.clone()),
        ]
    }

    /// A line for each, as they are for whoever writes an override.
    fn codes(&self) -> String {
        let told = |Code { code, words }: &Code| {
            let words = words.as_deref().filter(|words| !words.is_empty());
            let words = words.map(|words| format!(" ({words})")).unwrap_or_default();
            format!(
                "\n{} answers {code}{words}, which nobody knows: say what it means in its overrides",
                self.name
            )
        };
        self.unknown_codes.iter().map(told).collect()
    }
}

pub(super) fn health(context: &Context) -> anyhow::Result<()> {
    let caller = Caller::Command("provider health");
    let all = context.with_services(async |s| Ok(providers::list_health(s, &caller).await?))?;
    let data = all.into_iter().map(Line::from).collect();
    context.output.print(&List { data }, |List { data }| {
        let head = ["name", "channel", "state", "used today", "until", "reason"];
        let codes: String = data.iter().map(Line::codes).collect();
        table(&head, &data.iter().map(Line::row).collect::<Vec<_>>()) + &codes
    })
}

#[derive(Serialize)]
struct EventLine {
    at: String,
    kind: String,
    detail: Value,
}

impl From<ProviderEventRow> for EventLine {
    fn from(row: ProviderEventRow) -> Self {
        Self { at: row.at.to_string(), kind: row.kind, detail: row.detail.0 }
    }
}

impl EventLine {
    fn row(&self) -> Vec<String> {
        let text = |name: &str| self.detail.get(name).and_then(Value::as_str).map(str::to_owned);
        let detail: Vec<_> = ["code", "reason"].into_iter().filter_map(text).collect();
        vec![
            self.at.clone(),
            self.kind.clone(),
            text("until").unwrap_or_else(|| "-".to_owned()),
            detail.join(": "),
        ]
    }
}

pub(super) fn events(context: &Context, name: &str, limit: u32) -> anyhow::Result<()> {
    let caller = Caller::Command("provider events");
    let act = async |s: &Services| {
        let provider = providers::find_by_name(s, &caller, name).await?;
        Ok(providers::list_events(s, &caller, provider.id, None, limit).await?)
    };
    let data = context.with_services(act)?.into_iter().map(EventLine::from).collect();
    context.output.print(&List { data }, |List { data }| {
        table(&["at", "event", "until", "what"], &data.iter().map(EventLine::row).collect::<Vec<_>>())
    })
}
