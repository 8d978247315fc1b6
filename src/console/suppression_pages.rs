//! Serves the pages of the suppression list, and does what their forms ask for.

use std::collections::HashMap;

use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::access::Signed;
use super::form::{FieldFaults, Form};
use super::message::title;
use super::messages::read;
use super::page::{self, Fact, Flash, Section, address, see_other};
use super::suppression::{
    By, Chosen, ListedPage, ListedRow, SuppressionForm, SuppressionFormPage, SuppressionFragment,
    SuppressionPage, Until,
};
use super::timeline::actor;
use super::view::{Markup, View, escape, grouped};
use crate::domain::id::{MessageId, SuppressionId};
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::suppressions::{self, MOST_DAYS, SuppressionRow};
use crate::service::{Services, messages};
use crate::{Error, Result};

pub(super) const HOME: &str = "/console/suppression";
const ON_A_PAGE: u32 = 30;

pub(super) fn href(id: SuppressionId) -> String {
    format!("{HOME}/{id}")
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Filter {
    /// A part of an address.
    pub(super) q: String,
    pub(super) cursor: String,
}

impl Filter {
    /// The address of the list from there on.
    pub(super) fn address(&self, cursor: &str) -> String {
        address(HOME, &[("q", &self.q), ("cursor", cursor)])
    }
}

/// The titles of the messages whose deliveries told of these addresses, as far as this operator may see them.
async fn titles(
    s: &Services,
    signed: &Signed,
    rows: &[SuppressionRow],
) -> Result<HashMap<MessageId, String>> {
    let mut ids: Vec<MessageId> = rows.iter().filter_map(|row| row.message_id).collect();
    ids.sort_unstable();
    ids.dedup();
    if ids.is_empty() || !signed.may_somewhere(Permission::MessagesView) {
        return Ok(HashMap::new());
    }
    let known = messages::get_many(s, &signed.caller, &ids).await?;
    let view = signed.view();
    Ok(known.into_iter().map(|message| (message.id, title(&view, &message))).collect())
}

/// What whoever put an address there is called, of `Name <e-mail>`, of which the audit log keeps the rest.
pub(super) fn actor_name(view: &View, by: &str) -> String {
    actor(view, by.split(" <").next().unwrap_or_default())
}

fn by(view: &View, row: &SuppressionRow, titles: &HashMap<MessageId, String>) -> By {
    if !row.created_by.is_empty() {
        return By::Operator(actor_name(view, &row.created_by));
    }
    let told = row.delivery_id.zip(row.message_id);
    let told = told.and_then(|(delivery, message)| Some((delivery, message, titles.get(&message)?)));
    told.map_or(By::Gone, |(delivery, message, title)| {
        By::Delivery(format!("/console/messages/{message}/deliveries/{delivery}"), title.clone())
    })
}

/// The list with its search, or the list alone.
pub(super) async fn list(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    filter: web::Query<Filter>,
) -> Result<HttpResponse> {
    let page = list_page(&s, &signed, &filter, Chosen::default()).await?;
    if page::wants_fragment(&request) { page::html(&page.list) } else { page::html(&page) }
}

/// The list with its search; `chosen`: what was to be taken off it and could not.
pub(super) async fn list_page(
    s: &Services,
    signed: &Signed,
    filter: &Filter,
    chosen: Chosen,
) -> Result<SuppressionPage> {
    // A cursor that nobody gave out is taken for none.
    let before = read::<SuppressionId>(&filter.cursor).flatten();
    let mut found = suppressions::list(s, &signed.caller, Some(&filter.q), before, ON_A_PAGE + 1).await?;
    let more = found.len() > ON_A_PAGE as usize;
    found.truncate(ON_A_PAGE as usize);
    let titles = titles(s, signed, &found).await?;
    let there = |cursor: &str| filter.address(cursor);
    let older = found.last().filter(|_| more).map(|last| there(&last.id.to_string()));
    let view = signed.view();
    let row = |row: SuppressionRow| ListedRow {
        by: by(&view, &row, &titles),
        id: row.id,
        kind: row.kind,
        address: row.address,
        cause: row.cause,
        note: row.note,
        since: row.created_at,
        until: Until::new(row.until, view.now),
    };
    let list = SuppressionFragment {
        rows: found.into_iter().map(row).collect(),
        view,
        q: filter.q.clone(),
        cursor: filter.cursor.clone(),
        may_edit: signed.may(Permission::DirectoryEdit),
        chosen,
        filtered: !filter.q.trim().is_empty(),
        newest: (!filter.cursor.is_empty()).then(|| there("")),
        older,
    };
    Ok(SuppressionPage {
        shell: signed.shell(Section::Suppression)?,
        q: filter.q.clone(),
        may_edit: signed.may(Permission::DirectoryEdit),
        list,
    })
}

pub(super) async fn show(s: Data<Services>, signed: Signed, id: Path<SuppressionId>) -> Result<HttpResponse> {
    let row = suppressions::find(&s, &signed.caller, *id).await?;
    page::html(&listed_page(&s, &signed, row, false).await?)
}

/// The page with the address whole.
pub(super) async fn reveal(
    s: Data<Services>,
    signed: Signed,
    id: Path<SuppressionId>,
    _: Form,
) -> Result<HttpResponse> {
    let row = suppressions::reveal(&s, &signed.caller, *id).await?;
    page::html(&listed_page(&s, &signed, row, true).await?)
}

async fn listed_page(
    s: &Services,
    signed: &Signed,
    row: SuppressionRow,
    revealed: bool,
) -> Result<ListedPage> {
    let titles = titles(s, signed, std::slice::from_ref(&row)).await?;
    let mut shell = signed.shell(Section::Suppression)?;
    // What answers a form is come back to as the page it is about.
    shell.here = href(row.id);
    let until = Until::new(row.until, shell.view.now);
    Ok(ListedPage {
        facts: facts(&shell.view, &row, by(&shell.view, &row, &titles), until),
        shell,
        id: row.id,
        kind: row.kind,
        address: row.address,
        cause: row.cause,
        over: matches!(until, Until::Over(_)),
        revealed,
        may_reveal: signed.may(Permission::DirectoryReveal),
        may_edit: signed.may(Permission::DirectoryEdit),
        typed: String::new(),
        faults: FieldFaults::default(),
    })
}

fn facts(view: &View, row: &SuppressionRow, by: By, until: Until) -> Vec<Fact> {
    let mut facts = vec![Fact::text(view.t("suppression-why"), &view.cause_text(row.cause))];
    let (told, words) = match by {
        By::Operator(name) => (Fact::text(view.t("suppression-by"), &name), "suppression-note"),
        By::Delivery(href, title) => {
            let link = format!("<a href=\"{}\">{}</a>", escape(&href), escape(&title));
            (Fact::markup(view.t("suppression-told"), Markup(link)), "suppression-words")
        }
        By::Gone => {
            (Fact::text(view.t("suppression-told"), &view.t("suppression-told-gone")), "suppression-words")
        }
    };
    if !row.note.is_empty() {
        facts.push(Fact::text(view.t(words), &row.note));
    }
    facts.push(told);
    facts.push(Fact::markup(view.t("suppression-since"), view.ago(row.created_at)));
    facts.push(match until {
        Until::Good => Fact::text(view.t("suppression-until"), &view.t("suppression-good")),
        Until::Day(at) => Fact::markup(view.t("suppression-until"), view.ago(at)),
        Until::Over(at) => Fact::markup(view.t("suppression-over-since"), view.ago(at)),
    });
    facts
}

pub(super) async fn show_new(signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    page::html(&SuppressionFormPage {
        shell: signed.shell(Section::Suppression)?,
        form: SuppressionForm::default(),
        faults: FieldFaults::default(),
    })
}

pub(super) async fn add(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let typed = |name| form.text(name).to_owned();
    let form = SuppressionForm {
        kind: typed("kind"),
        address: typed("address"),
        cause: typed("cause"),
        note: typed("note"),
        days: typed("days"),
    };
    let SuppressionForm { kind, address, cause, note, days } = &form;
    let mut body = json!({ "kind": kind, "address": address, "cause": cause, "note": note });
    if !days.is_empty() {
        // What is no number is told as such.
        body["days"] = days.parse::<u32>().map_or_else(|_| days.as_str().into(), Into::into);
    }
    match suppressions::add(&s, &signed.caller, &body).await {
        Ok(id) => {
            signed.say(&Flash::good(signed.view().t("suppression-was-added")))?;
            Ok(see_other(&href(id)))
        }
        Err(Error::Invalid(faults)) => {
            let shell = signed.shell(Section::Suppression)?;
            let about = |fault: &Fault| (fault.pointer == "/days").then(|| grouped(MOST_DAYS.into()));
            let faults = FieldFaults::about(&shell.view, &faults, about);
            let page = SuppressionFormPage { shell, form, faults };
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn remove(
    s: Data<Services>,
    signed: Signed,
    id: Path<SuppressionId>,
    form: Form,
) -> Result<HttpResponse> {
    let reason = form.text("reason");
    match suppressions::remove(&s, &signed.caller, *id, reason).await {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("suppression-was-removed")))?;
            Ok(see_other(HOME))
        }
        Err(Error::Invalid(faults)) => {
            let row = suppressions::find(&s, &signed.caller, *id).await?;
            let mut page = listed_page(&s, &signed, row, false).await?;
            page.faults = FieldFaults::new(&page.shell.view, &faults);
            reason.clone_into(&mut page.typed);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::clock::Timestamp;
    use crate::config::Language;
    use crate::domain::channel::AddressKind;
    use crate::domain::id::DeliveryId;
    use crate::domain::suppression::Cause;

    #[test]
    fn who_told_is_named_as_far_as_it_is_known() {
        let row = |created_by: &str, message: Option<i64>| SuppressionRow {
            id: SuppressionId(1),
            kind: AddressKind::Email,
            address: String::new(),
            cause: Cause::Bounced,
            note: String::new(),
            delivery_id: message.map(DeliveryId),
            message_id: message.map(MessageId),
            created_at: Timestamp(0),
            created_by: created_by.to_owned(),
            until: Timestamp::NEVER,
        };
        let view = View {
            language: Language::SimplifiedChinese,
            zone: jiff::tz::TimeZone::UTC,
            now: Timestamp(0),
            csrf: String::new(),
        };
        let titles = HashMap::from([(MessageId(7), "停水".to_owned())]);
        let link = format!("/console/messages/{}/deliveries/{}", MessageId(7), DeliveryId(7));
        for (row, expected) in [
            (row("周敏 <zhou@bell.example>", None), By::Operator("周敏".to_owned())),
            (row("command demo", None), By::Operator("命令 demo".to_owned())),
            (row("", Some(7)), By::Delivery(link, "停水".to_owned())),
            (row("", Some(8)), By::Gone),
            (row("", None), By::Gone),
        ] {
            assert_eq!(by(&view, &row, &titles), expected);
        }
    }
}
