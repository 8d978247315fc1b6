//! A message's deliveries: the list on its page, and one of them with all that was tried.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{self, Data};

use super::access::Signed;
use super::message::{AttemptLine, DeliveriesFragment, DeliveryFilter, DeliveryPage, DeliveryRow, title};
use super::messages::read;
use super::page::{self, Fact, Section, address};
use super::timeline::actor;
use super::view::{Markup, View, escape};
use crate::clock::Timestamp;
use crate::domain::delivery::State;
use crate::domain::id::{DeliveryId, MessageId};
use crate::domain::operator::Permission;
use crate::http::params;
use crate::service::messages::{
    self, AnswerView, AttemptView, DeliveryDetail, DeliveryFacts, DeliveryQuery, DeliveryView,
    MessageSummary, ReceiptView,
};
use crate::service::{Services, attention};
use crate::{Error, Result};

const ON_A_PAGE: u32 = 30;
/// Who it is where neither a name nor an address is left.
const NOBODY: &str = "–";

impl DeliveryFilter {
    fn is_set(&self) -> bool {
        [&self.q, &self.state, &self.channel, &self.answer].iter().any(|value| !value.is_empty())
    }

    /// The address of the list from there on.
    fn address(&self, message: MessageId, cursor: &str) -> String {
        let Self { q, state, channel, answer, cursor: _ } = self;
        let query =
            [("q", &**q), ("state", state), ("channel", channel), ("answer", answer), ("cursor", cursor)];
        address(&format!("/console/messages/{message}"), &query)
    }

    /// A link to it, to its place on its message's page.
    fn link(&self, message: MessageId, cursor: &str) -> String {
        format!("{}#deliveries", self.address(message, cursor))
    }

    /// What to ask for; nothing where a filter has a value that nothing matches.
    pub(super) fn query(&self) -> Option<DeliveryQuery> {
        Some(DeliveryQuery {
            state: read(&self.state)?,
            channel: read(&self.channel)?,
            answer: read(&self.answer)?,
            campus_id: None,
            person: Some(self.q.trim().to_owned()).filter(|person| !person.is_empty()),
            cursor: Some(self.cursor.clone()).filter(|cursor| !cursor.is_empty()),
            limit: ON_A_PAGE,
        })
    }
}

/// What a delivery's person is called on a page.
fn name(facts: &DeliveryFacts) -> String {
    let name = facts.recipient.name.as_ref().or(facts.address.as_ref());
    name.map_or_else(|| NOBODY.to_owned(), Clone::clone)
}

impl From<DeliveryView> for DeliveryRow {
    fn from(delivery: DeliveryView) -> Self {
        let DeliveryView { facts, attempts } = delivery;
        Self {
            id: facts.id,
            name: name(&facts),
            campus_id: facts.recipient.campus_id.unwrap_or_default(),
            address: facts.address.unwrap_or_default(),
            channel: facts.channel,
            state: facts.state,
            answer: facts.asked.then(|| facts.answer.map(|answer| answer.text)),
            reason: facts.reason,
            attempts: u64::try_from(attempts).unwrap_or(0),
            last_attempt_at: facts.last_attempt_at.map(Timestamp::from),
        }
    }
}

pub(super) async fn list(
    s: &Services,
    signed: &Signed,
    message: &MessageSummary,
    filter: &DeliveryFilter,
) -> Result<DeliveriesFragment> {
    let id = message.id;
    let (items, next) = match filter.query() {
        Some(query) => {
            let found = messages::deliveries(s, &signed.caller, id, &query).await?;
            (found.items, found.next)
        }
        None => {
            signed.caller.reach(Permission::MessagesView)?;
            (Vec::new(), None)
        }
    };
    let view = signed.view();
    Ok(DeliveriesFragment {
        message: id,
        here: super::message::pace(&view, message).map(|pace| (filter.address(id, &filter.cursor), pace)),
        filtered: filter.is_set(),
        rows: items.into_iter().map(DeliveryRow::from).collect(),
        newest: (!filter.cursor.is_empty()).then(|| filter.link(id, "")),
        older: next.map(|cursor| filter.link(id, &cursor)),
        view,
    })
}

/// One delivery.
pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    ids: web::Path<(String, String)>,
) -> Result<HttpResponse> {
    let message: MessageId = params::id(&ids.0, "message")?;
    let id: DeliveryId = params::id(&ids.1, "delivery")?;
    let delivery = messages::delivery(&s, &signed.caller, id).await?;
    if delivery.facts.message_id != message {
        return Err(Error::NotFound("delivery"));
    }
    let about = super::message::summary(&s, &signed, message).await?;
    let aside = attention::set_aside_by(&s, &signed.caller, id).await?;
    let shell = signed.shell(Section::Messages)?;
    let attempts = attempts(&shell.view, &delivery);
    let mut facts = facts(&shell.view, &delivery.facts, signed.may(Permission::DirectoryView));
    facts.extend(aside.map(|aside| {
        let (by, at) = (actor(&shell.view, &aside.by), shell.view.exact(aside.at));
        let said = shell.view.t2("attention-set-aside-by", "by", by, "at", at);
        Fact::text(shell.view.t("attention-set-aside"), &said)
    }));
    page::html(&DeliveryPage {
        id,
        message,
        content_removed_at: about.content_removed_at.map(Timestamp::from),
        message_title: title(&shell.view, &about),
        recipient: name(&delivery.facts),
        channel: delivery.facts.channel,
        state: delivery.facts.state,
        attempts,
        facts,
        reason: delivery.facts.reason,
        shell,
    })
}

fn attempts(view: &View, delivery: &DeliveryDetail) -> Vec<AttemptLine> {
    let tried = delivery.attempts.iter().map(|attempt| tried(view, attempt));
    let received = delivery.receipts.iter().map(|receipt| received(view, receipt));
    let answer = delivery.facts.answer.as_ref().map(|answer| answered(view, answer));
    let mut lines: Vec<_> = tried.chain(received).chain(answer).collect();
    // Stable: an answer and its receipt in the same millisecond stay in this order.
    lines.sort_by_key(|line| line.at);
    lines
}

fn tried(view: &View, attempt: &AttemptView) -> AttemptLine {
    let number = view.t1("attempt-title", "number", attempt.number);
    let mut detail = vec![view.t(&format!("attempt-{}", attempt.outcome))];
    if attempt.repeated_after_crash {
        detail.push(view.t("attempt-repeats"));
    }
    if attempt.repeated_unanswered {
        detail.push(view.t("attempt-unanswered"));
    }
    let took = Duration::from_millis(u64::try_from(attempt.duration_ms).unwrap_or(0));
    detail.push(view.lasting(took));
    AttemptLine {
        at: attempt.started_at.into(),
        amber: attempt.outcome != "accepted",
        title: with_provider(view, number, attempt.provider.as_deref()),
        detail: detail.join(" · "),
        answer: answer(view, attempt.code.as_deref(), attempt.detail.as_deref()),
    }
}

fn received(view: &View, receipt: &ReceiptView) -> AttemptLine {
    AttemptLine {
        at: receipt.received_at.into(),
        amber: matches!(receipt.state, State::Failed | State::Unknown),
        title: with_provider(view, view.t("receipt-title"), receipt.provider.as_deref()),
        detail: view.state_text(receipt.state),
        answer: answer(view, receipt.code.as_deref(), receipt.detail.as_deref()),
    }
}

fn answered(view: &View, answer: &AnswerView) -> AttemptLine {
    AttemptLine {
        at: answer.at.into(),
        amber: false,
        title: view.t1("answer-title", "text", &answer.text),
        detail: view.t(&format!("via-{}", answer.via)),
        answer: String::new(),
    }
}

fn with_provider(view: &View, title: String, provider: Option<&str>) -> String {
    match provider {
        Some("sandbox") => format!("{title} · {}", view.t("sandbox")),
        Some(provider) => format!("{title} · {provider}"),
        None => title,
    }
}

/// The provider's code and words, of which the words often begin with the code. The sandbox's are ours, so they are
/// said in the reader's language.
fn answer(view: &View, code: Option<&str>, words: Option<&str>) -> String {
    if let Some(what) = code.and_then(|code| code.strip_prefix("sandbox.")) {
        let key = format!("sandbox-{what}");
        let text = view.t(&key);
        if text != key {
            return text;
        }
    }
    match (code, words) {
        (Some(code), Some(words)) if !words.starts_with(code) => format!("{code} {words}"),
        (_, Some(words)) => words.to_owned(),
        (code, None) => code.unwrap_or_default().to_owned(),
    }
}

fn facts(view: &View, delivery: &DeliveryFacts, links_people: bool) -> Vec<Fact> {
    let mut facts = Vec::new();
    if let Some(campus_id) = &delivery.recipient.campus_id {
        let href = address("/console/people", &[("q", campus_id)]);
        let link = format!("<a href=\"{}\">{}</a>", escape(&href), escape(campus_id));
        let value = if links_people { Markup(link) } else { Markup(escape(campus_id)) };
        facts.push(Fact::markup(view.t("column-recipient"), value));
    }
    for (key, value) in [("column-to", &delivery.address), ("fact-provider", &delivery.provider)] {
        facts.extend(value.as_ref().map(|value| Fact::text(view.t(key), value)));
    }
    if delivery.asked {
        let said =
            delivery.answer.as_ref().map_or_else(|| view.t("answer-none"), |answer| answer.text.clone());
        facts.push(Fact::text(view.t("column-answer"), &said));
    }
    let times = [
        ("fact-sent", delivery.sent_at),
        ("fact-delivered", delivery.delivered_at),
        ("fact-read", delivery.read_at),
        ("fact-next", delivery.next_attempt_at),
    ];
    for (key, at) in times {
        facts.extend(at.map(|at| Fact::markup(view.t(key), view.at(Timestamp::from(at)))));
    }
    facts
}

#[cfg(test)]
mod tests {
    use jiff::tz::TimeZone;

    use super::*;
    use crate::config::Language;

    fn view() -> View {
        let language = Language::SimplifiedChinese;
        View { language, zone: TimeZone::UTC, now: Timestamp(0), csrf: String::new() }
    }

    #[test]
    fn a_code_is_said_once() {
        let view = view();
        assert_eq!(answer(&view, Some("552"), Some("552 5.2.2 Mailbox full")), "552 5.2.2 Mailbox full");
        assert_eq!(answer(&view, Some("DELIVRD"), Some("ok")), "DELIVRD ok");
        assert_eq!(answer(&view, Some("DELIVRD"), None), "DELIVRD");
        assert_eq!(answer(&view, None, None), "");
    }

    #[test]
    fn the_sandbox_speaks_the_readers_language() {
        let view = view();
        assert_eq!(
            answer(&view, Some("sandbox.failed"), Some("there is no such recipient")),
            "沙箱：没有这个收件人"
        );
        assert_eq!(answer(&view, Some("sandbox.newer"), Some("something")), "sandbox.newer something");
    }

    #[test]
    fn a_list_is_found_again_at_its_place_on_the_page() {
        let filter = DeliveryFilter { q: "张".to_owned(), ..DeliveryFilter::default() };
        let link = filter.link(MessageId(7), "");
        assert_eq!(link, format!("/console/messages/{}?q=%E5%BC%A0#deliveries", MessageId(7)));
        assert!(DeliveryFilter { state: "lost".to_owned(), ..filter }.query().is_none());
    }
}
