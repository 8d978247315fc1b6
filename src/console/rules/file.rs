//! The rules as a file: taken along, and put in after looking at what that would change.

use actix_web::http::header;
use actix_web::web::{Data, Payload, Query};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use futures_util::StreamExt as _;
use serde::Deserialize;
use serde_json::{Value, json};

use super::form;
use super::hindsight::{Ask, HindsightFragment};
use super::strangers;
use super::versions::ChangesFragment;
use super::words::{Names, Said};
use super::{HOME, MEANWHILE};
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::console::upload::Upload;
use crate::console::view::View;
use crate::domain::document::Document;
use crate::domain::operator::Permission;
use crate::domain::routing::{Condition, Rule};
use crate::error::Fault;
use crate::service::Services;
use crate::service::routing::attributes::{self, Known};
use crate::service::routing::{self, Proposal};
use crate::{Error, Result};

/// Bytes of a file. As a field of a form, where quotes and Chinese grow threefold, it fits into a body; the command line
/// takes any.
const LONGEST: usize = 320 * 1024;
/// Strange conditions that a page names.
const MOST_STRANGE: usize = 20;
const ASK: Ask = Ask::Send("/console/rules/import/hindsight");

#[derive(Debug, Template)]
#[template(path = "console/rules/import.html")]
pub struct RulesImportPage {
    pub shell: Shell,
    /// The file's text; empty before there is one.
    pub document: String,
    pub faults: Vec<FileFault>,
    /// What of the last act is to be known first.
    pub alert: Option<String>,
    pub proposal: Option<Proposed>,
}

/// Something wrong in the file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFault {
    pub line: Option<usize>,
    /// The rule's name, or its number.
    pub rule: Option<String>,
    /// Such as `when.topics`.
    pub field: String,
    pub text: String,
}

/// What putting the file in force would do.
#[derive(Debug)]
pub struct Proposed {
    /// In force.
    pub version: i64,
    /// The file was made from an earlier list, this one.
    pub made_from: Option<i64>,
    pub changes: ChangesFragment,
    pub changed: Vec<Changed>,
    pub unchanged: u64,
    /// Conditions that ask for what nobody has, each with its rule.
    pub strange: Vec<(String, String)>,
    pub hindsight: HindsightFragment,
}

/// A rule that says something else.
#[derive(Debug)]
pub struct Changed {
    pub name: String,
    pub before: Said,
    pub after: Said,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Kind {
    #[serde(rename = "as")]
    kind: String,
}

/// The list in force, as [`routing::apply`] takes it.
pub(in crate::console) async fn take_along(
    s: Data<Services>,
    signed: Signed,
    kind: Query<Kind>,
) -> Result<HttpResponse> {
    let current = routing::export(&s, &signed.caller).await?;
    let (text, media, ending) = if kind.kind == "toml" {
        (toml::to_string_pretty(&current).map_err(Error::internal)?, "application/toml", "toml")
    } else {
        (serde_json::to_string_pretty(&current).map_err(Error::internal)?, "application/json", "json")
    };
    let name = format!("attachment; filename=\"rules-{}.{ending}\"", current.version);
    Ok(HttpResponse::Ok()
        .content_type(media)
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(text))
}

pub(in crate::console) async fn show(signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingEdit)?;
    page::html(&RulesImportPage::new(&signed, String::new())?)
}

/// Takes a file and shows what is in it.
pub(in crate::console) async fn read(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    payload: Payload,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingEdit)?;
    let upload = Upload::begin(&request, payload).await?;
    let is_chosen = !upload.file_name.is_empty();
    let mut pieces = upload.pieces();
    let mut bytes = Vec::new();
    let view = signed.view();
    let refuse = |text: String| {
        let mut page = RulesImportPage::new(&signed, String::new())?;
        page.alert = Some(text);
        page::answer(HttpResponse::UnprocessableEntity(), &page)
    };
    while let Some(piece) = pieces.next().await {
        bytes.extend_from_slice(&piece?);
        if bytes.len() > LONGEST {
            return refuse(view.t1("rules-file-too-long", "most", LONGEST / 1024));
        }
    }
    if !is_chosen || bytes.is_empty() {
        return refuse(view.t("fault-no_file"));
    }
    match String::from_utf8(bytes) {
        Ok(text) => looked_at(&s, &signed, text, None, false).await,
        Err(_) => refuse(view.t("fault-encoding")),
    }
}

/// Puts the file in force, or looks at it again.
pub(in crate::console) async fn put_in(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingEdit)?;
    let text = form.text("document").to_owned();
    if form.text("act") != "apply" {
        return looked_at(&s, &signed, text, None, form.text("act") == "look").await;
    }
    let Ok(document) = Document::read(text.as_bytes()) else {
        return looked_at(&s, &signed, text, None, false).await;
    };
    match routing::apply(&s, &signed.caller, &over(&document, super::version(&form))).await {
        Ok(applied) => {
            let view = signed.view();
            signed.say(&Flash::good(if applied.changes.is_empty() {
                view.t("rules-no-change")
            } else {
                view.t1("rules-were-put-in", "number", applied.version)
            }))?;
            Ok(see_other(HOME))
        }
        Err(Error::Conflict { code: MEANWHILE, .. }) => {
            let alert = signed.view().t("rules-import-meanwhile");
            looked_at(&s, &signed, text, Some(alert), false).await
        }
        Err(Error::Invalid(_)) => looked_at(&s, &signed, text, None, false).await,
        Err(other) => Err(other),
    }
}

/// The document as one made from the list that was looked at: what it changes was told against that one.
fn over(document: &Document, version: i64) -> Value {
    let mut value = document.value.clone();
    if let Some(fields) = value.as_object_mut() {
        fields.insert("version".to_owned(), json!(version));
    }
    value
}

/// What it would have changed.
pub(in crate::console) async fn look(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let found = match Document::read(form.text("document").as_bytes()) {
        Ok(document) => routing::hindsight::of_document(&s, &signed.caller, &document.value).await,
        Err(error) => Err(error),
    };
    HindsightFragment::answer(&s, &signed, ASK, found).await
}

/// The page with what is in the file: what it would change, or what is wrong with it.
async fn looked_at(
    s: &Services,
    signed: &Signed,
    text: String,
    alert: Option<String>,
    looks_back: bool,
) -> Result<HttpResponse> {
    let mut page = RulesImportPage { alert, ..RulesImportPage::new(signed, text)? };
    let view = page.shell.view.clone();
    let read = Document::read(page.document.as_bytes());
    let proposed = match &read {
        Ok(document) => routing::propose(s, &signed.caller, &document.value).await,
        Err(_) => Err(Error::Invalid(Vec::new())),
    };
    match (read, proposed) {
        (Ok(document), Ok(proposal)) => {
            let mut proposed = Proposed::new(s, signed, proposal).await?;
            if looks_back {
                let found = routing::hindsight::of_document(s, &signed.caller, &document.value).await;
                proposed.hindsight = HindsightFragment::told(s, signed, ASK, found).await?;
            }
            page.proposal = Some(proposed);
            let status = if page.alert.is_some() { HttpResponse::Conflict() } else { HttpResponse::Ok() };
            return page::answer(status, &page);
        }
        (Ok(document), Err(Error::Invalid(faults))) => {
            page.faults = faults.iter().map(|fault| FileFault::of(&view, &document, fault)).collect();
        }
        (Err(Error::Invalid(faults)), _) => {
            page.faults = faults.into_iter().map(|fault| FileFault::unreadable(&view, fault)).collect();
        }
        (Err(other), _) | (_, Err(other)) => return Err(other),
    }
    page::answer(HttpResponse::UnprocessableEntity(), &page)
}

impl RulesImportPage {
    fn new(signed: &Signed, document: String) -> Result<Self> {
        let shell = signed.shell(Section::Rules)?;
        Ok(Self { shell, document, faults: Vec::new(), alert: None, proposal: None })
    }
}

impl FileFault {
    fn of(view: &View, document: &Document, fault: &Fault) -> Self {
        let line = document.line(&fault.pointer);
        let parts: Vec<_> = fault.pointer.split('/').skip(1).collect();
        let ["rules", number, field @ ..] = parts.as_slice() else {
            let text = form::of_people(view, "", fault);
            return Self { line, rule: None, field: parts.join("."), text };
        };
        // In the words of the form, which knows a rule by itself.
        let at = format!("/rules/{number}");
        let rule = document.value.pointer(&at).unwrap_or(&Value::Null);
        let pointer = fault.pointer.strip_prefix(&at).unwrap_or_default().to_owned();
        let name = rule.get("name").and_then(Value::as_str).filter(|name| !name.trim().is_empty());
        let rule_name = match (name, number.parse::<usize>()) {
            (Some(name), _) => view.t1("rule-quoted", "text", name),
            (None, Ok(number)) => view.t1("rules-import-number", "number", number + 1),
            (None, Err(_)) => (*number).to_owned(),
        };
        let of_rule = Fault { pointer, ..fault.clone() };
        let text = form::told(view, rule, &of_rule);
        Self { line, rule: Some(rule_name), field: field.join("."), text }
    }

    /// It is neither JSON nor TOML. What its reader says names the line.
    fn unreadable(view: &View, fault: Fault) -> Self {
        let text = view.t1("rules-import-unreadable", "why", fault.detail);
        Self { line: None, rule: None, field: String::new(), text }
    }
}

impl Proposed {
    async fn new(s: &Services, signed: &Signed, proposal: Proposal) -> Result<Self> {
        let view = signed.view();
        let names = Names::load(s, signed).await?;
        let Proposal { version, before, list, changes } = proposal;
        let old = |rule: &Rule| before.iter().find(|old| old.id == rule.id);
        let said = |rule: &Rule| Said::of(&view, &names, rule);
        let changed = list.rules.iter().filter_map(|rule| Some((old(rule)?, rule)));
        let changed = changed.filter(|(old, rule)| old != rule).map(|(old, rule)| Changed {
            name: rule.name.clone(),
            before: said(old),
            after: said(rule),
        });
        let mut strange = Vec::new();
        let known = attributes::known(s, &signed.caller).await?;
        for rule in &list.rules {
            let told = strange_in(s, signed, &known, rule).await?;
            strange.extend(told.into_iter().map(|told| (rule.name.clone(), told)));
            if strange.len() >= MOST_STRANGE {
                break;
            }
        }
        Ok(Self {
            version,
            made_from: list.version.filter(|made_from| *made_from != version),
            changed: changed.collect(),
            unchanged: list.rules.iter().filter(|rule| old(rule) == Some(rule)).count() as u64,
            strange,
            hindsight: HindsightFragment::waiting(view.clone(), ASK),
            changes: ChangesFragment { view, changes },
        })
    }
}

/// What the rule's conditions ask for and nobody has.
async fn strange_in(s: &Services, signed: &Signed, known: &Known, rule: &Rule) -> Result<Vec<String>> {
    let mut told = Vec::new();
    let asks = |condition: &Condition| condition.attributes.as_ref().map(ToString::to_string);
    let conditions = [asks(&rule.when), rule.unless.as_ref().and_then(asks)];
    for (field, text) in strangers::OF_MESSAGES.into_iter().zip(conditions) {
        if let Some(text) = text {
            told.extend(strangers::of_messages(signed, known, field, &text).told);
        }
    }
    let people = rule.then.audience.as_ref().map(|audience| &audience.people);
    let filters = [
        people.and_then(|people| people.filter.clone()),
        people.and_then(|people| people.exclude.as_ref()?.filter.clone()),
    ];
    for (field, filter) in strangers::OF_PEOPLE.into_iter().zip(filters) {
        if let Some(filter) = filter {
            told.extend(strangers::of_people(s, signed, field, &filter).await?.told);
        }
    }
    Ok(told)
}
