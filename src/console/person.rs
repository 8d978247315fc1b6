//! One person: how they are reached, what they do not want, what they were sent.

use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::access::Signed;
use super::filter_builder::words;
use super::form::{FieldFaults, Form};
use super::label::Tone;
use super::message::title;
use super::messages::read;
use super::page::{self, Fact, Section, Shell, Theme, address};
use super::person_scan::{self, ScanFragment};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::channel::{AddressKind, ChannelKind};
use crate::domain::delivery::State;
use crate::domain::filter::Filter;
use crate::domain::id::{DeliveryId, GroupId, MessageId, RecipientId, SuppressionId};
use crate::domain::operator::Permission;
use crate::domain::suppression::Cause;
use crate::http::locale;
use crate::service::messages::{self, DeliveryView};
use crate::service::recipients::{self, Recipient};
use crate::service::suppressions::{self, SuppressionRow};
use crate::service::{Services, groups};

const HOME: &str = "/console/people";
/// Deliveries on a person's page.
const LATEST: u32 = 20;

pub(super) fn href(id: RecipientId) -> String {
    format!("{HOME}/{id}")
}

#[derive(Debug, Template)]
#[template(path = "console/person.html")]
pub struct PersonPage {
    pub shell: Shell,
    pub id: RecipientId,
    pub name: String,
    pub campus_id: String,
    pub department: String,
    pub active: bool,
    pub may_edit: bool,
    pub addresses: AddressesFragment,
    /// For whoever may bind their WeChat.
    pub scan: Option<ScanFragment>,
    pub opt_outs: Vec<OptOutRow>,
    pub preference: PreferenceForm,
    pub faults: FieldFaults,
    pub history: Vec<HistoryRow>,
    /// Link to the latest deliveries, from earlier ones.
    pub newest: Option<String>,
    pub older: Option<String>,
    pub groups: Vec<GroupLink>,
    pub facts: Vec<Fact>,
    /// What else is known, by name.
    pub attributes: Vec<(String, String)>,
}

/// A person's addresses, masked or whole.
#[derive(Debug, Template)]
#[template(path = "console/person_addresses.html")]
pub struct AddressesFragment {
    pub view: View,
    pub id: RecipientId,
    pub addresses: Vec<AddressLine>,
    /// They stand there whole, which was written down.
    pub revealed: bool,
    pub may_reveal: bool,
}

/// One address of a person.
#[derive(Clone, Debug)]
pub struct AddressLine {
    pub kind: AddressKind,
    pub address: String,
    /// They bound it themself.
    pub bound: bool,
    /// It is on the suppression list: where, and why.
    pub listed: Option<(SuppressionId, Cause)>,
}

/// What somebody does not want to be sent.
#[derive(Clone, Debug)]
pub struct OptOutRow {
    pub topic: String,
    /// `None`: by no channel at all.
    pub channel: Option<ChannelKind>,
}

impl OptOutRow {
    const fn channel_name(&self) -> &'static str {
        match self.channel {
            Some(channel) => channel.name(),
            None => "",
        }
    }
}

/// As typed.
#[derive(Clone, Debug, Default)]
pub struct PreferenceForm {
    pub topic: String,
    pub channel: String,
    pub reason: String,
}

#[derive(Clone, Debug)]
pub struct HistoryRow {
    pub id: DeliveryId,
    pub message: MessageId,
    pub title: String,
    pub channel: ChannelKind,
    pub state: State,
    pub reason: Option<String>,
    pub at: Timestamp,
}

#[derive(Clone, Debug)]
pub struct GroupLink {
    pub id: GroupId,
    pub name: String,
    pub dynamic: bool,
    /// The condition of a dynamic one that they meet, in plain words or as it was written.
    pub why: Option<String>,
}

/// Where a person's history goes on.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct HistoryFilter {
    cursor: String,
}

pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
    filter: web::Query<HistoryFilter>,
) -> Result<HttpResponse> {
    let person = recipients::find(&s, &signed.caller, *id).await?;
    let page = page(&s, &signed, person, &filter.cursor, false).await?;
    page::html(&page)
}

/// The addresses whole: alone where script asked for them, else with the page around them.
pub(super) async fn reveal(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<RecipientId>,
    _: Form,
) -> Result<HttpResponse> {
    signed.caller.reach(Permission::DirectoryReveal)?;
    let person = recipients::find(&s, &signed.caller, *id).await?;
    let person = recipients::reveal(&s, &signed.caller, &person.person.campus_id).await?;
    if page::wants_fragment(&request) {
        return page::html(&addresses(&s, &signed, &person, true).await?);
    }
    let page = page(&s, &signed, person, "", true).await?;
    page::html(&page)
}

/// The page as somebody comes to it.
pub(super) async fn open(s: &Services, signed: &Signed, id: RecipientId) -> Result<PersonPage> {
    let person = recipients::find(s, &signed.caller, id).await?;
    page(s, signed, person, "", false).await
}

/// The addresses as they are shown to everybody.
pub(super) async fn masked(s: &Services, signed: &Signed, id: RecipientId) -> Result<AddressesFragment> {
    let person = recipients::find(s, &signed.caller, id).await?;
    addresses(s, signed, &person, false).await
}

async fn addresses(
    s: &Services,
    signed: &Signed,
    person: &Recipient,
    revealed: bool,
) -> Result<AddressesFragment> {
    let left_alone = suppressions::of_person(s, &signed.caller, person.id).await?;
    let bound = recipients::bound(s, &signed.caller, person.id).await?;
    let listed = |kind| left_alone.iter().find(|row| row.kind == kind);
    let known = |kind| {
        Some(AddressLine {
            kind,
            address: person.person.address(kind)?.to_owned(),
            bound: bound.contains(&kind),
            listed: listed(kind).map(|row: &SuppressionRow| (row.id, row.cause)),
        })
    };
    Ok(AddressesFragment {
        view: signed.view(),
        id: person.id,
        addresses: AddressKind::ALL.into_iter().filter_map(known).collect(),
        revealed,
        may_reveal: signed.may_of(Permission::DirectoryReveal, person.person.department.as_deref()),
    })
}

/// The page as it opens; `cursor` is where the history goes on.
pub(super) async fn page(
    s: &Services,
    signed: &Signed,
    person: Recipient,
    cursor: &str,
    revealed: bool,
) -> Result<PersonPage> {
    let opt_outs = recipients::opt_outs(s, &signed.caller, &person.person.campus_id).await?;
    let groups = groups::of_person(s, &signed.caller, &person).await?;
    let (history, next) = history(s, signed, person.id, cursor).await?;
    let addresses = addresses(s, signed, &person, revealed).await?;
    let scan = person_scan::fragment(s, signed, person.id).await?;
    let mut shell = signed.shell(Section::People)?;
    // What answers a form is come back to as the page it is about.
    shell.here = href(person.id);
    let facts = facts(&shell.view, &person);
    let there = |cursor: &str| format!("{}#history", address(&href(person.id), &[("cursor", cursor)]));
    let known = person.person;
    Ok(PersonPage {
        id: person.id,
        name: known.name,
        campus_id: known.campus_id,
        department: known.department.unwrap_or_default(),
        active: person.active,
        may_edit: signed.may(Permission::DirectoryEdit),
        addresses,
        scan,
        opt_outs: opt_outs
            .into_iter()
            .map(|one| OptOutRow { topic: one.topic.as_str().to_owned(), channel: one.channel })
            .collect(),
        preference: PreferenceForm::default(),
        faults: FieldFaults::default(),
        history,
        newest: (!cursor.is_empty()).then(|| there("")),
        older: next.map(|next| there(&next.to_string())),
        groups: groups
            .into_iter()
            .map(|group| GroupLink {
                id: group.id,
                name: group.name,
                dynamic: group.filter.is_some(),
                why: group.filter.map(|text| said(&shell.view, text)),
            })
            .collect(),
        facts,
        attributes: known.attributes.iter().map(|(name, value)| (name.clone(), shown(value))).collect(),
        shell,
    })
}

/// A filter in plain words where it can be said so.
fn said(view: &View, text: String) -> String {
    Filter::parse(&text).ok().and_then(|filter| words(view, &filter)).unwrap_or(text)
}

/// An attribute's value as text.
pub(super) fn shown(value: &serde_json::Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

async fn history(
    s: &Services,
    signed: &Signed,
    person: RecipientId,
    cursor: &str,
) -> Result<(Vec<HistoryRow>, Option<DeliveryId>)> {
    let before = read::<DeliveryId>(cursor).flatten();
    let mut found = messages::deliveries_to(s, &signed.caller, person, before, LATEST + 1).await?;
    let more = found.len() > LATEST as usize;
    found.truncate(LATEST as usize);
    let mut ids: Vec<MessageId> = found.iter().map(|one| one.facts.message_id).collect();
    ids.dedup();
    let about = messages::get_many(s, &signed.caller, &ids).await?;
    let view = signed.view();
    let called = |id: MessageId| about.iter().find(|message| message.id == id).map(|it| title(&view, it));
    let next = found.last().filter(|_| more).map(|last| last.facts.id);
    let row = |DeliveryView { facts, .. }: DeliveryView| HistoryRow {
        id: facts.id,
        message: facts.message_id,
        title: called(facts.message_id).unwrap_or_default(),
        channel: facts.channel,
        state: facts.state,
        reason: facts.reason,
        at: facts.last_attempt_at.unwrap_or(facts.updated_at).into(),
    };
    Ok((found.into_iter().map(row).collect(), next))
}

fn facts(view: &View, person: &Recipient) -> Vec<Fact> {
    let known = &person.person;
    let mut facts = vec![Fact::text(view.t("column-campus-id"), &known.campus_id)];
    facts.extend(known.department.as_ref().map(|name| Fact::text(view.t("column-department"), name)));
    facts.extend(known.language.as_ref().map(|tag| {
        // One that the console does not speak is told by its tag.
        let name =
            Language::from_tag(tag).map_or_else(|| tag.clone(), |known| locale::own_name(known).to_owned());
        Fact::text(view.t("person-language"), &name)
    }));
    facts.push(Fact::markup(view.t("column-created"), view.ago(person.created_at)));
    facts.push(Fact::markup(view.t("column-updated"), view.ago(person.updated_at)));
    facts
}
