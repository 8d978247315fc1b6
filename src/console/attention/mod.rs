//! Deliveries that need attention: what they have in common, what it means, what to do, and what is being done.

pub mod group;

use actix_web::web::{Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::access::Signed;
use super::label::Tone;
use super::page::{self, Section, Shell, Theme, address};
use super::timeline::actor;
use super::view::{Given, View};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{DeliveryId, MessageId, ProviderId};
use crate::domain::operator::Permission;
use crate::domain::trouble::{REASONS, Trouble};
use crate::service::Services;
use crate::service::attention::{self, Act, COUNTED, Group, TroubledRow};

const PATH: &str = "/console/attention";
/// Of a reason without words of its own.
const OTHER: &str = "other";

#[derive(Debug, Template)]
#[template(path = "console/attention/list.html")]
pub struct AttentionPage {
    pub shell: Shell,
    pub list: AttentionFragment,
}

/// The groups; they renew themselves.
#[derive(Debug, Template)]
#[template(path = "console/attention/groups.html")]
pub struct AttentionFragment {
    pub view: View,
    pub groups: Vec<GroupCard>,
    /// What was done lately.
    pub acts: Vec<ActLine>,
}

impl AttentionFragment {
    /// What somebody hears when it changes.
    fn said(&self) -> String {
        self.view.count("attention-groups", self.groups.len() as u64)
    }
}

/// Deliveries with the same trouble.
#[derive(Clone, Debug)]
pub struct GroupCard {
    pub trouble: Trouble,
    /// Its page.
    pub href: String,
    pub n: u64,
    pub since: Timestamp,
    pub latest: Timestamp,
    /// The provider's name, with its page for who may see it.
    pub provider: Option<(String, Option<ProviderId>)>,
    /// What the vendor said last; may be empty.
    pub words: String,
    pub examples: Vec<TroubledLine>,
}

impl GroupCard {
    fn new(signed: &Signed, group: Group) -> Self {
        let words = group.words().unwrap_or_default().to_owned();
        let sees = signed.may(Permission::ProvidersView);
        Self {
            href: address(group::PATH, &[("of", &group.key)]),
            provider: group.provider.map(|name| (name, group.trouble.provider.filter(|_| sees))),
            trouble: group.trouble,
            n: group.n,
            since: group.since,
            latest: group.latest,
            words,
            examples: group.examples.into_iter().map(TroubledLine::from).collect(),
        }
    }
}

/// One of them.
#[derive(Clone, Debug)]
pub struct TroubledLine {
    pub id: DeliveryId,
    pub message: MessageId,
    pub title: String,
    /// The person's name; the masked address for somebody outside the directory.
    pub name: String,
    /// Empty for somebody outside the directory.
    pub campus_id: String,
    /// Masked.
    pub address: String,
    pub words: String,
    pub attempts: u64,
    pub at: Timestamp,
    /// Its message is past its time.
    pub expires_at: Timestamp,
}

impl From<TroubledRow> for TroubledLine {
    fn from(row: TroubledRow) -> Self {
        let address = row.address.unwrap_or_default();
        Self {
            id: row.id,
            message: row.message_id,
            title: row.title,
            name: row.name.filter(|name| !name.is_empty()).unwrap_or_else(|| address.clone()),
            campus_id: row.campus_id.unwrap_or_default(),
            address,
            words: row.words.unwrap_or_default(),
            attempts: u64::try_from(row.attempts).unwrap_or(0),
            at: row.updated_at,
            expires_at: row.expires_at,
        }
    }
}

/// Something done about many of them.
#[derive(Clone, Debug)]
pub struct ActLine {
    pub id: i64,
    pub resends: bool,
    pub trouble: Option<Trouble>,
    pub by: String,
    pub at: Timestamp,
    pub planned: u64,
    pub done: u64,
    pub passed_over: u64,
    pub finished_at: Option<Timestamp>,
    /// It ended before it came to all of them: whoever began it lost the right to it.
    pub stopped: bool,
}

impl ActLine {
    fn new(view: &View, act: &Act) -> Self {
        let number = |n: i64| u64::try_from(n).unwrap_or(0);
        Self {
            id: act.id,
            resends: act.resends,
            trouble: act.trouble.parse().ok(),
            by: actor(view, &act.actor),
            at: act.at,
            // While it was counted, more came.
            planned: number(act.planned.max(act.done + act.passed_over)),
            done: number(act.done),
            passed_over: number(act.passed_over),
            finished_at: act.finished_at,
            stopped: act.stopped,
        }
    }
}

/// How far something that takes a while has come.
#[derive(Debug, Template)]
#[template(path = "console/attention/act.html")]
pub struct ActPage {
    pub shell: Shell,
    pub progress: ActFragment,
}

#[derive(Debug, Template)]
#[template(path = "console/attention/progress.html")]
pub struct ActFragment {
    pub view: View,
    pub act: ActLine,
    pub late: bool,
}

impl View {
    /// What is wrong, in a few words; `part`: what it means, or what to do.
    fn trouble_part(&self, trouble: &Trouble, part: &str) -> String {
        let reason = REASONS.iter().find(|reason| **reason == trouble.reason).unwrap_or(&OTHER);
        self.t(&format!("trouble-{reason}{part}"))
    }

    pub fn trouble(&self, trouble: &Trouble) -> String {
        self.trouble_part(trouble, "")
    }

    pub fn trouble_means(&self, trouble: &Trouble) -> String {
        self.trouble_part(trouble, "-means")
    }

    pub fn trouble_advice(&self, trouble: &Trouble) -> String {
        self.trouble_part(trouble, "-advice")
    }

    /// As [`count`](Self::count), where counting stops somewhere.
    pub fn counted(&self, key: &str, n: impl Given<u64>) -> String {
        let n = n.given();
        let more = if n >= u64::from(COUNTED) { "+" } else { "" };
        self.count_as(key, n, format!("{}{more}", self.number(n)))
    }
}

/// All groups, or the groups alone.
pub(super) async fn show(request: HttpRequest, s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let groups = attention::groups(&s, &signed.caller).await?;
    let acts = attention::acts(&s, &signed.caller).await?;
    let view = signed.view();
    let list = AttentionFragment {
        groups: groups.into_iter().map(|group| GroupCard::new(&signed, group)).collect(),
        acts: acts.iter().map(|act| ActLine::new(&view, act)).collect(),
        view,
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    page::html(&AttentionPage { shell: signed.shell(Section::Attention)?, list })
}

/// One act, as far as it has come, or its progress alone.
pub(super) async fn show_act(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<i64>,
) -> Result<HttpResponse> {
    let act = attention::act(&s, &signed.caller, *id).await?;
    let view = signed.view();
    let progress = ActFragment { act: ActLine::new(&view, &act), late: act.late, view };
    if page::wants_fragment(&request) {
        return page::html(&progress);
    }
    page::html(&ActPage { shell: signed.shell(Section::Attention)?, progress })
}
