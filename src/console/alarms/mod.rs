//! Alarms: what is open and what to do about it, what was, and who is told.

pub mod wish;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::form::Form;
use super::label::Tone;
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{Matter, Severity, Waits};
use crate::domain::id::AlarmId;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::alarms::{self, AlarmRow, ON_A_PAGE};

const HOME: &str = "/console/alarms";

#[derive(Debug, Template)]
#[template(path = "console/alarms/list.html")]
pub struct AlarmsPage {
    pub shell: Shell,
    pub open: Vec<AlarmLine>,
    pub past: Vec<AlarmLine>,
    pub newest: Option<String>,
    pub older: Option<String>,
    /// This operator is told of some of them.
    pub is_told: Option<bool>,
}

/// One alarm in words.
#[derive(Clone, Debug)]
pub struct AlarmLine {
    pub id: AlarmId,
    pub kind: &'static str,
    pub grave: bool,
    pub what: String,
    pub advice: &'static str,
    /// Where to look, for whoever may.
    pub href: Option<String>,
    pub since: Timestamp,
    pub ended_at: Option<Timestamp>,
    pub acknowledged: Option<(String, Timestamp)>,
}

impl AlarmLine {
    pub fn new(view: &View, row: AlarmRow, may: impl Fn(Permission) -> bool) -> Self {
        let matter = row.matter.0;
        let (href, permission) = place(&matter);
        Self {
            id: row.id,
            kind: row.kind.say(view.language),
            grave: row.severity == Severity::Act,
            what: matter.say(view.language),
            advice: matter.advice(view.language),
            href: may(permission).then_some(href),
            since: row.since,
            ended_at: row.ended_at,
            acknowledged: row.acknowledged_by.zip(row.acknowledged_at),
        }
    }

    /// How long it lasted.
    pub fn lasted(&self) -> std::time::Duration {
        self.ended_at.unwrap_or(self.since).since(self.since)
    }

    pub const fn tone(&self) -> Tone {
        if self.grave { Tone::Amber } else { Tone::Quiet }
    }

    pub const fn icon(&self) -> &'static str {
        if self.grave { "warning" } else { "eye" }
    }

    pub fn severity(&self, view: &View) -> &'static str {
        if self.grave { Severity::Act } else { Severity::Look }.say(view.language)
    }
}

/// Where its object is looked at, and what that takes.
fn place(matter: &Matter) -> (String, Permission) {
    match matter {
        Matter::Provider { id, .. } | Matter::ProviderQuota { id, .. } => {
            (format!("/console/providers/{id}"), Permission::ProvidersView)
        }
        Matter::Unserved { channel } => {
            (format!("/console/providers/new?channel={channel}"), Permission::ProvidersEdit)
        }
        Matter::Stranded { .. } | Matter::Backlog { .. } => {
            ("/console/providers".to_owned(), Permission::ProvidersView)
        }
        Matter::Silent { id, .. } | Matter::SourceQuota { id, .. } => {
            (format!("/console/sources/{id}"), Permission::SourcesView)
        }
        Matter::Endpoint { subscription, .. } | Matter::EndpointBehind { subscription, .. } => {
            (format!("/console/subscriptions/{subscription}"), Permission::SourcesView)
        }
        Matter::Failures { .. } => ("/console/messages?trouble=true".to_owned(), Permission::MessagesView),
        Matter::ClockOff { .. }
        | Matter::ClockSet { .. }
        | Matter::Disk { .. }
        | Matter::QueueAway { .. } => ("/console/system".to_owned(), Permission::SettingsView),
        Matter::AuditBroken { .. } => ("/console/audit".to_owned(), Permission::AuditView),
        Matter::Waiting { waits: Waits::Review, .. } => {
            ("/console/held".to_owned(), Permission::MessagesReview)
        }
        Matter::Waiting { waits: Waits::Audience, .. } => {
            ("/console/messages?status=unrouted".to_owned(), Permission::MessagesView)
        }
        Matter::Waiting { waits: Waits::Registration, .. } => {
            ("/console/sources/registrations".to_owned(), Permission::SourcesEdit)
        }
        Matter::Button { id, .. } => {
            (crate::console::emergency::buttons::href(*id), Permission::EmergencyView)
        }
        Matter::Help { id, .. } => {
            (format!("{}/roll", crate::console::emergency::href(*id)), Permission::EmergencyView)
        }
    }
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct AlarmsQuery {
    /// Past ones that ended before this, in milliseconds.
    before: String,
}

pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    query: Query<AlarmsQuery>,
) -> Result<HttpResponse> {
    let before = query.before.parse().ok().map(Timestamp);
    let open = alarms::open(&s, &signed.caller).await?;
    let past = alarms::ended(&s, &signed.caller, before).await?;
    let shell = signed.shell(Section::Alarms)?;
    let older = past.last().and_then(|row| row.ended_at).filter(|_| past.len() == ON_A_PAGE as usize);
    let line = |row: AlarmRow| {
        // Whose source it is was asked before.
        let of_source = row.matter.0.source().is_some();
        let may = |it| if of_source { signed.may_somewhere(it) } else { signed.may(it) };
        AlarmLine::new(&shell.view, row, may)
    };
    page::html(&AlarmsPage {
        open: open.into_iter().map(line).collect(),
        past: past.into_iter().map(line).collect(),
        newest: before.map(|_| HOME.to_owned()),
        older: older.map(|at| format!("{HOME}?before={}", at.0)),
        is_told: if signed.may(Permission::MessagesView) {
            Some(alarms::wish(&s, &signed.caller).await?.is_some())
        } else {
            None
        },
        shell,
    })
}

pub(super) async fn acknowledge(
    s: Data<Services>,
    signed: Signed,
    id: Path<AlarmId>,
    _: Form,
) -> Result<HttpResponse> {
    alarms::acknowledge(&s, &signed.caller, *id).await?;
    signed.say(&Flash::good(signed.view().t("alarm-acknowledged")))?;
    Ok(see_other(HOME))
}
