//! How the installation is doing: processes, store, backlog, rates, and the configuration in force.

use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::access::Signed;
use super::label::Tone;
use super::page::{self, Section, Shell, Theme};
use super::view::{Given, View};
use crate::Result;
use crate::config::{Entry, Origin};
use crate::domain::channel::ChannelKind;
use crate::service::Services;
use crate::service::alarms::{Rate, bytes};
use crate::service::system::{self, Backlog, NodeView, System};

#[derive(Debug, Template)]
#[template(path = "console/system.html")]
pub struct SystemPage {
    pub shell: Shell,
    pub now: SystemFragment,
    pub settings: Vec<Entry>,
    /// The steps of the schema: how many, and the last one's name.
    pub steps: u64,
    pub last_step: String,
    /// This process does not know it.
    pub is_newer: bool,
}

impl SystemPage {
    /// Where a value comes from.
    fn origin(&self, entry: &Entry) -> String {
        match &entry.origin {
            Origin::Default => self.shell.view.t("origin-default"),
            other => other.to_string(),
        }
    }
}

/// The live part.
#[derive(Debug, Template)]
#[template(path = "console/system_now.html")]
pub struct SystemFragment {
    pub view: View,
    pub nodes: Vec<NodeView>,
    pub database: &'static str,
    pub size: u64,
    /// `local` or `rabbitmq`.
    pub queue: &'static str,
    pub queue_trouble: Option<String>,
    pub lanes: Vec<Backlog>,
    pub rates: Vec<RateLine>,
    pub simulators: bool,
}

/// What left by one channel, or messages that came in.
#[derive(Clone, Debug)]
pub struct RateLine {
    pub channel: Option<ChannelKind>,
    pub minute: u64,
    pub hour: u64,
    pub failed: u64,
}

impl SystemFragment {
    fn bytes(n: impl Given<u64>) -> String {
        bytes(n.given())
    }

    fn is_local(&self) -> bool {
        self.queue == "local"
    }

    /// Nothing is open anywhere.
    fn is_idle(&self) -> bool {
        self.lanes.iter().all(|lane| lane.channels.is_empty() && lane.oldest.is_none())
    }
}

fn rates(minute: &[Rate], hour: &[Rate]) -> Vec<RateLine> {
    let count = |n: i64| u64::try_from(n).unwrap_or(0);
    let line = |rate: &Rate| {
        let lately = minute.iter().find(|other| other.channel == rate.channel);
        RateLine {
            channel: rate.channel,
            minute: count(lately.map_or(0, |rate| rate.done)),
            hour: count(rate.done),
            failed: count(rate.failed),
        }
    };
    hour.iter().map(line).collect()
}

impl SystemFragment {
    pub fn new(view: View, system: &System) -> Self {
        Self {
            view,
            nodes: system.nodes.clone(),
            database: system.database,
            size: system.size,
            queue: system.queue,
            queue_trouble: system.queue_trouble.clone(),
            lanes: system.lanes.clone(),
            rates: rates(&system.minute, &system.hour),
            simulators: system.simulators,
        }
    }
}

/// The page, or its live part alone.
pub(super) async fn show(request: HttpRequest, s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let system = system::show(&s, &signed.caller).await?;
    let now = SystemFragment::new(signed.view(), &system);
    if page::wants_fragment(&request) {
        return page::html(&now);
    }
    page::html(&SystemPage {
        shell: signed.shell(Section::System)?,
        now,
        steps: system.steps.len() as u64,
        last_step: system.steps.last().map(|step| step.name.clone()).unwrap_or_default(),
        is_newer: system.is_newer,
        settings: system.settings,
    })
}
