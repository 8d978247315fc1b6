//! One message: what it said, to whom it went, what became of it.

use std::time::Duration;

use actix_web::web::{self, Data};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::answers::AnswersFragment;
use super::counts::{Counts, Outcome};
use super::form::{FieldFaults, Form};
use super::held::{Review, ReviewFragment};
use super::overview::Lane;
use super::page::{self, Fact, Flash, Section, Shell, Theme};
use super::rules::words::Names;
use super::view::{Markup, View, escape};
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::audience::Whose;
use crate::domain::channel::ChannelKind;
use crate::domain::content::Rendered;
use crate::domain::delivery::State;
use crate::domain::id::{BroadcastId, DeliveryId, MessageId};
use crate::domain::message::{Category, Status};
use crate::domain::operator::Permission;
use crate::http::{locale, params};
use crate::service::messages::{self, AnswerCounts, EventView, MessageSummary, MessageView};
use crate::service::{Services, broadcasts, deliveries};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/message.html")]
pub struct MessagePage {
    pub shell: Shell,
    pub id: MessageId,
    pub title: String,
    pub topic: String,
    pub category: Category,
    /// Sent with a test key.
    pub test: bool,
    pub progress: ProgressFragment,
    /// As sent, the general text first, then what differs by channel and language.
    pub contents: Vec<Content>,
    /// When these were removed, and when the deliveries were.
    pub content_removed_at: Option<Timestamp>,
    pub deliveries_removed_at: Option<Timestamp>,
    /// People have variables of their own, which stand as `‹name›` in title and texts.
    pub personalised: bool,
    pub facts: Vec<Fact>,
    /// Of a message that is held or was.
    pub review: Option<ReviewFragment>,
    /// Whoever looks may ask which rules it matches.
    pub may_simulate: bool,
    pub filter: DeliveryFilter,
    /// What people may have answered, with its words; empty where nobody was asked.
    pub answers: Vec<(String, String)>,
    pub deliveries: DeliveriesFragment,
}

/// One text of a message.
#[derive(Clone, Debug)]
pub struct Content {
    /// Such as `邮件 · English`.
    pub label: String,
    pub title: String,
    /// Rendered from Markdown without raw HTML.
    pub html: Markup,
}

/// Counts per channel, live while they may still change.
#[derive(Debug, Template)]
#[template(path = "console/message_progress.html")]
pub struct ProgressFragment {
    pub view: View,
    pub id: MessageId,
    pub status: Status,
    /// How often it renews itself, while it does.
    pub pace: Option<&'static str>,
    pub total: Counts,
    pub channels: Vec<Lane>,
    pub answers: AnswersFragment,
    pub timeline: TimelineFragment,
    pub acts: ActsFragment,
    /// Answering a renewal, it brings the status and the timeline along to where they stand.
    pub update: bool,
    /// And what can be done as well: the first time after the end, as at any other it would close what somebody is reading.
    pub brings_acts: bool,
}

/// What can be done about a message now, each act with its question.
#[derive(Debug, Template)]
#[template(path = "console/message_acts.html")]
pub struct ActsFragment {
    pub view: View,
    pub id: MessageId,
    pub title: String,
    /// Deliveries a resend could reopen; 0 hides the act.
    pub resend_count: u64,
    /// How many stand in each state that can be resent; those with none are left out.
    pub resend_states: Vec<(State, u64)>,
    pub may_cancel: bool,
    /// Deliveries that could be called back now that nothing more is sent; 0 hides the act.
    pub recall_count: u64,
    /// Whose part it is. All that can be done is done there.
    pub broadcast: Option<BroadcastId>,
}

#[derive(Debug, Template)]
#[template(path = "console/message_timeline.html")]
pub struct TimelineFragment {
    pub view: View,
    /// In the order they happened.
    pub events: Vec<TimelineEvent>,
}

#[derive(Clone, Debug)]
pub struct TimelineEvent {
    pub at: Timestamp,
    pub icon: &'static str,
    /// Somebody should look.
    pub amber: bool,
    pub text: String,
    /// May be empty.
    pub detail: String,
}

/// As in the address; what is not set is empty.
#[derive(Clone, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(default)]
pub struct DeliveryFilter {
    /// A campus id or part of a name.
    pub q: String,
    pub state: String,
    pub channel: String,
    /// The key of an answer.
    pub answer: String,
    pub cursor: String,
}

/// Renews itself while the message is under way.
#[derive(Debug, Template)]
#[template(path = "console/deliveries_list.html")]
pub struct DeliveriesFragment {
    pub view: View,
    pub message: MessageId,
    /// Path and query of this very list, and how often it renews itself, while it may still change.
    pub here: Option<(String, &'static str)>,
    /// Filters are set, so an empty list does not mean that there are no deliveries.
    pub filtered: bool,
    pub rows: Vec<DeliveryRow>,
    pub newest: Option<String>,
    pub older: Option<String>,
}

#[derive(Clone, Debug)]
pub struct DeliveryRow {
    pub id: DeliveryId,
    /// The person's name; the masked address for somebody outside the directory.
    pub name: String,
    /// Empty for somebody outside the directory.
    pub campus_id: String,
    /// Masked.
    pub address: String,
    pub channel: ChannelKind,
    pub state: State,
    /// A reason code.
    pub reason: Option<String>,
    /// Who was asked, and what they answered, if they did.
    pub answer: Option<Option<String>>,
    pub attempts: u64,
    pub last_attempt_at: Option<Timestamp>,
}

/// One delivery with all its attempts and receipts.
#[derive(Debug, Template)]
#[template(path = "console/delivery.html")]
pub struct DeliveryPage {
    pub shell: Shell,
    pub id: DeliveryId,
    pub message: MessageId,
    pub message_title: String,
    /// When what its message said was removed, and whose addresses these were.
    pub content_removed_at: Option<Timestamp>,
    /// The person's name.
    pub recipient: String,
    pub channel: ChannelKind,
    pub state: State,
    pub reason: Option<String>,
    /// Attempts and receipts together, in the order they happened.
    pub attempts: Vec<AttemptLine>,
    pub facts: Vec<Fact>,
}

#[derive(Clone, Debug)]
pub struct AttemptLine {
    pub at: Timestamp,
    /// It did not get through.
    pub amber: bool,
    /// Such as `第 1 次尝试 · 校园邮件中继`.
    pub title: String,
    /// Such as `暂时失败，12 秒后重试 · 用时 38 毫秒`.
    pub detail: String,
    /// The provider's own words; may be empty.
    pub answer: String,
}

/// How often a page renews itself: while the message is under way, and while receipts come in.
const UNDER_WAY: &str = "2s";
const AWAITING: &str = "10s";
/// So long after the last that happened to it, most receipts are in.
const RECEIPTS_TAKE: Duration = Duration::from_mins(10);

/// What can be sent again, in the order it is offered.
const RESENDABLE: [State; 4] = [State::Failed, State::Unknown, State::Expired, State::Cancelled];

/// A message, or the list of its deliveries alone.
pub(super) async fn show(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
    filter: web::Query<DeliveryFilter>,
) -> Result<HttpResponse> {
    let id: MessageId = params::id(&id, "message")?;
    if page::wants_fragment(&request) {
        let message = summary(&s, &signed, id).await?;
        return page::html(&super::deliveries::list(&s, &signed, &message, &filter).await?);
    }
    page::html(&open(&s, &signed, id, filter.into_inner(), None).await?)
}

/// A message's page. `again`: what a reviewer typed, and what is wrong with it.
pub(super) async fn open(
    s: &Services,
    signed: &Signed,
    id: MessageId,
    filter: DeliveryFilter,
    again: Option<(String, FieldFaults)>,
) -> Result<MessagePage> {
    let message = messages::get(s, &signed.caller, id).await?;
    let deliveries = super::deliveries::list(s, signed, &message.summary, &filter).await?;
    let timeline = messages::timeline(s, &signed.caller, id).await?;
    let names = Names::load(s, signed).await?;
    let shell = signed.shell(Section::Messages)?;
    let summary = &message.summary;
    let audience = match summary.status {
        Status::Held => Some(messages::head_count(s, &signed.caller, id).await?),
        _ => None,
    };
    let department = summary.department.as_deref();
    let may_review = signed.may_of(Permission::MessagesReview, department);
    let links_sources = signed.may_of(Permission::SourcesView, department);
    let review = Review::of(signed, summary, &timeline, audience, again, may_review);
    let acts = acts(s, signed, summary).await?;
    let progress = ProgressFragment::new(signed, summary, message.answers.clone(), timeline, acts);
    Ok(MessagePage {
        id,
        title: title(&shell.view, summary),
        topic: summary.topic.clone(),
        category: summary.category,
        test: summary.test,
        review: review.map(|review| ReviewFragment { view: shell.view.clone(), id, review }),
        answers: progress.answers.choices(),
        progress,
        contents: contents(&shell.view, &message),
        content_removed_at: summary.content_removed_at.map(Timestamp::from),
        deliveries_removed_at: summary.deliveries_removed_at.map(Timestamp::from),
        personalised: message.personalised,
        facts: facts(&shell.view, &names, &message, links_sources),
        may_simulate: signed.may(Permission::RoutingView) && summary.content_removed_at.is_none(),
        filter,
        deliveries,
        shell,
    })
}

/// What the page that renews itself knows.
#[derive(Clone, Copy, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Known {
    /// That the message has ended.
    ended: bool,
}

/// Where a message stands while it is under way, and while its receipts come in.
pub(super) async fn show_progress(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
    known: web::Query<Known>,
) -> Result<HttpResponse> {
    let id: MessageId = params::id(&id, "message")?;
    let summary = summary(&s, &signed, id).await?;
    let timeline = messages::timeline(&s, &signed.caller, id).await?;
    let acts = acts(&s, &signed, &summary).await?;
    let answers = messages::answers(&s, &signed.caller, id).await?;
    let progress = ProgressFragment::new(&signed, &summary, answers, timeline, acts);
    let brings_acts = summary.status.is_final() && !known.ended;
    page::html(&ProgressFragment { update: true, brings_acts, ..progress })
}

/// What a message is called on pages, that of a removed one too.
pub(super) fn title(view: &View, message: &MessageSummary) -> String {
    if message.content_removed_at.is_some() { view.t("removed-title") } else { message.title.clone() }
}

/// Whether receipts may still come in: something left, and not long ago.
fn awaits_receipts(view: &View, message: &MessageSummary) -> bool {
    let lately = view.now < message.updated_at.plus(RECEIPTS_TAKE);
    lately && Counts::from(&message.counts.all).of(State::Sent) > 0
}

/// What whoever looks may do with a message.
async fn acts(s: &Services, signed: &Signed, message: &MessageSummary) -> Result<ActsFragment> {
    let department = message.department.as_deref();
    let broadcast = broadcasts::of_message(s, &signed.caller, message.id).await?;
    let may_send = broadcast.is_none() && signed.may_of(Permission::MessagesSend, department);
    let ended = message.status.is_final() && message.deliveries_removed_at.is_none();
    let recall_count =
        if may_send && ended { deliveries::recallable(s, &signed.caller, message.id).await? } else { 0 };
    let resend_states = if may_send { resendable(message) } else { Vec::new() };
    let may_cancel = if ended {
        false
    } else {
        may_send || deliveries::may_withdraw(s, &signed.caller, message.id).await?
    };
    Ok(ActsFragment {
        view: signed.view(),
        id: message.id,
        title: title(&signed.view(), message),
        resend_count: resend_states.iter().map(|(_, n)| n).sum(),
        resend_states,
        may_cancel,
        recall_count: u64::try_from(recall_count).unwrap_or(0),
        broadcast: broadcast.filter(|_| signed.may(Permission::EmergencyView)),
    })
}

pub(super) async fn summary(s: &Services, signed: &Signed, id: MessageId) -> Result<MessageSummary> {
    let found = messages::get_many(s, &signed.caller, &[id]).await?.pop();
    found.ok_or(Error::NotFound("message"))
}

/// Opens the deliveries in the chosen states again.
pub(super) async fn resend(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let id: MessageId = params::id(&id, "message")?;
    let states: Vec<State> = form.all("states").filter_map(|state| state.parse().ok()).collect();
    let view = signed.view();
    if states.is_empty() {
        signed.say(&Flash::amber(view.t("resend-no-state")))?;
        return Ok(back_to(id));
    }
    let resent = deliveries::resend(&s, &signed.caller, id, &states, &[]).await?;
    let opened = u64::try_from(resent.reopened).unwrap_or(0);
    signed.say(&match opened {
        0 => Flash::amber(view.t("resend-nothing")),
        opened => Flash::good(view.count("resend-done", opened)),
    })?;
    Ok(back_to(id))
}

/// Stops what has not left yet, and calls back what can be called back.
pub(super) async fn cancel(
    s: Data<Services>,
    signed: Signed,
    id: web::Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let id: MessageId = params::id(&id, "message")?;
    let cancelled = deliveries::cancel(&s, &signed.caller, id).await?;
    let view = signed.view();
    let figure = |n: i64| view.number(u64::try_from(n).unwrap_or(0));
    let (stopped, sent) = (figure(cancelled.stopped), figure(cancelled.already_sent));
    let mut said = view.t2("cancel-done", "stopped", stopped, "sent", sent);
    let recalled: i64 = cancelled.recall.iter().map(|recall| recall.recalled).sum();
    if recalled > 0 {
        said.push_str(&view.count("cancel-recalled", u64::try_from(recalled).unwrap_or(0)));
    }
    signed.say(&Flash::good(said))?;
    Ok(back_to(id))
}

fn back_to(id: MessageId) -> HttpResponse {
    page::see_other(&format!("/console/messages/{id}"))
}

/// How many stand in each state that can be sent again, while the message's status allows it.
fn resendable(message: &MessageSummary) -> Vec<(State, u64)> {
    let has_been = matches!(message.status, Status::Sending | Status::Completed | Status::Cancelled);
    if !has_been || message.content_removed_at.is_some() {
        return Vec::new();
    }
    let counts = Counts::from(&message.counts.all);
    RESENDABLE.into_iter().map(|state| (state, counts.of(state))).filter(|(_, n)| *n > 0).collect()
}

impl ProgressFragment {
    fn new(
        signed: &Signed,
        message: &MessageSummary,
        answers: Option<AnswerCounts>,
        timeline: Vec<EventView>,
        acts: ActsFragment,
    ) -> Self {
        let lane = |channel: ChannelKind| {
            message.counts.channel(channel).map(|counts| Lane { channel, counts: Counts::from(counts) })
        };
        let view = signed.view();
        Self {
            id: message.id,
            status: message.status,
            pace: pace(&view, message),
            total: Counts::from(&message.counts.all),
            channels: ChannelKind::ALL.into_iter().filter_map(lane).collect(),
            answers: AnswersFragment::new(view.clone(), message, answers),
            timeline: TimelineFragment::new(view.clone(), timeline),
            acts,
            update: false,
            brings_acts: false,
            view,
        }
    }
}

/// How often what is shown of a message renews itself.
pub(super) fn pace(view: &View, message: &MessageSummary) -> Option<&'static str> {
    if message.status.is_final() {
        return awaits_receipts(view, message).then_some(AWAITING);
    }
    Some(UNDER_WAY)
}

/// The general text, then what replaces it for some. Where a variant leaves the body out, the general one stands.
fn contents(view: &View, message: &MessageView) -> Vec<Content> {
    let texts = &message.outline;
    let html = |body: &str| Markup(Rendered::new("", body, texts.link.as_deref()).html.to_string());
    let general =
        Content { label: view.t("content-general"), title: texts.title.clone(), html: html(&texts.body) };
    let variants = texts.variants.iter().map(|(key, variant)| Content {
        label: variant_label(view, key),
        title: variant.title.clone().unwrap_or_default(),
        html: html(variant.body.as_deref().unwrap_or(&texts.body)),
    });
    std::iter::once(general).chain(variants).collect()
}

/// `sms.en` in words.
pub(super) fn variant_label(view: &View, key: &str) -> String {
    let part = |part: &str| match (part.parse::<ChannelKind>(), Language::from_tag(part)) {
        (Ok(channel), _) => view.channel_text(channel),
        (_, Some(language)) => locale::own_name(language).to_owned(),
        _ => part.to_owned(),
    };
    key.split('.').map(part).collect::<Vec<_>>().join(" · ")
}

fn facts(view: &View, names: &Names, message: &MessageView, links_sources: bool) -> Vec<Fact> {
    let summary = &message.summary;
    let mut facts = Vec::new();
    match &summary.source {
        Some(source) if links_sources => {
            let link = format!("<a href=\"/console/sources/{}\">{}</a>", source.id, escape(&source.name));
            facts.push(Fact::markup(view.t("column-source"), Markup(link)));
        }
        Some(source) => facts.push(Fact::text(view.t("column-source"), &source.name)),
        None => {
            let operator = summary.operator.as_deref().unwrap_or_default();
            facts.push(Fact::text(view.t("fact-operator"), operator));
        }
    }
    if let Some(department) = summary.department.as_ref().filter(|department| !department.is_empty()) {
        facts.push(Fact::text(view.t("column-department"), department));
    }
    facts.push(Fact::text(view.t("fact-audience"), &audience(view, names, message)));
    let at = |at: jiff::Timestamp| view.at(Timestamp::from(at));
    facts.push(Fact::markup(view.t("column-created"), at(summary.created_at)));
    if summary.send_at > summary.created_at {
        facts.push(Fact::markup(view.t("fact-send-at"), at(summary.send_at)));
    }
    facts.push(Fact::markup(view.t("fact-expires"), at(summary.expires_at)));
    if let Some(template) = &message.template {
        let version = format!("{} · {}", template.slug, template.version);
        facts.push(Fact::text(view.t("fact-template"), &version));
    }
    facts.push(Fact::text(view.t("error-request-id"), &summary.request_id));
    facts
}

/// Whom the message asked for.
fn audience(view: &View, names: &Names, message: &MessageView) -> String {
    let mut parts = Vec::new();
    if message.summary.content_removed_at.is_some() {
        return view.t("audience-removed");
    }
    if let Some(audience) = &message.audience {
        if audience.everyone {
            parts.push(view.t("audience-everyone"));
        } else if let Some(whose) = audience.after {
            parts.push(view.t(match whose {
                Whose::Told => "audience-told",
                Whose::Missed => "audience-missed",
                Whose::Silent => "audience-silent",
            }));
        } else if audience.names_nobody() && message.to.is_empty() {
            parts.push(view.t("audience-erased"));
        }
        if !audience.groups.is_empty() {
            let groups: Vec<_> = audience.groups.iter().map(|slug| names.group(slug)).collect();
            parts.push(view.t1("audience-groups", "names", groups.join(&view.t("list-separator"))));
        }
        if !audience.recipients.is_empty() {
            parts.push(view.count("audience-people", audience.recipients.len() as u64));
        }
        parts.extend(audience.filter.as_ref().map(|filter| view.t1("audience-filter", "filter", filter)));
        if audience.exclude.is_some() {
            parts.push(view.t("audience-excludes"));
        }
    }
    if !message.to.is_empty() {
        parts.push(view.count("audience-direct", message.to.len() as u64));
    }
    if message.personalised && parts.is_empty() {
        parts.push(view.t("audience-personal"));
    }
    if parts.is_empty() { view.t("audience-rules") } else { parts.join(&view.t("list-separator")) }
}
