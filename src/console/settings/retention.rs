//! How long what was sent is kept, what that removes now, and what it removed.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use serde_json::{Map, Value, json};

use super::super::access::Signed;
use super::super::form::{FieldFaults, Form};
use super::super::mailbox::Tab;
use super::super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::super::view::View;
use super::tabs;
use crate::clock::Timestamp;
use crate::domain::operator::Permission;
use crate::domain::retention::{PARTS, Retention, rule};
use crate::error::Fault;
use crate::service::Services;
use crate::service::retention::{self, Account, Changed, Due, TOLD};
use crate::{Error, Result};

pub(super) const PATH: &str = "/console/settings/retention";

#[derive(Debug, Template)]
#[template(path = "console/settings/retention.html")]
pub struct RetentionPage {
    pub shell: Shell,
    pub tabs: Vec<Tab>,
    pub may_edit: bool,
    /// The terms it was made from, as one word.
    pub seen: String,
    /// As it was filled in, by the term's name.
    pub form: Map<String, Value>,
    /// What is to be agreed to: the terms as one word, and what they remove.
    pub asks: Option<(String, Vec<DueRow>)>,
    /// What the terms in force remove now, by rule.
    pub due: Vec<DueRow>,
    /// That the deliveries of so many messages are being removed; empty where there are none.
    pub under_way: String,
    pub looked_at: Option<Timestamp>,
    pub removed: Vec<RemovedLine>,
    pub faults: FieldFaults,
}

/// What a rule removes.
#[derive(Clone, Debug)]
pub struct DueRow {
    pub name: String,
    pub n: u64,
    /// With its digits grouped.
    pub messages: String,
}

/// What a rule removed on a day.
#[derive(Clone, Debug)]
pub struct RemovedLine {
    pub day: String,
    pub name: String,
    pub messages: u64,
    pub deliveries: u64,
}

impl RetentionPage {
    fn new(signed: &Signed, account: &Account, form: Map<String, Value>) -> Result<Self> {
        let shell = signed.shell(Section::Settings)?;
        let view = &shell.view;
        let removed = account.removed.iter().map(|row| RemovedLine {
            day: row.day.clone(),
            name: view.t(&format!("term-{}", row.rule)),
            messages: row.messages.unsigned_abs(),
            deliveries: row.deliveries.unsigned_abs(),
        });
        Ok(Self {
            tabs: tabs(view, PATH),
            may_edit: signed.may(Permission::SettingsEdit),
            seen: account.retention.word(),
            form,
            asks: None,
            due: rows(view, &account.due),
            under_way: match account.under_way {
                0 => String::new(),
                n => view.count_as("retention-under-way", n.unsigned_abs(), bounded(view, n)),
            },
            looked_at: account.looked_at,
            removed: removed.collect(),
            faults: FieldFaults::default(),
            shell,
        })
    }

    pub fn value(&self, name: &str) -> String {
        match self.form.get(name) {
            Some(Value::String(text)) => text.clone(),
            Some(value) => value.to_string(),
            None => String::new(),
        }
    }
}

fn rows(view: &View, due: &[Due]) -> Vec<DueRow> {
    let row = |due: &Due| DueRow {
        name: view.t(&format!("term-{}", rule(due.category, due.stage))),
        n: due.messages.unsigned_abs(),
        messages: bounded(view, due.messages),
    };
    due.iter().map(row).collect()
}

/// A figure of which no more is counted than [`TOLD`].
fn bounded(view: &View, n: i64) -> String {
    let n = n.unsigned_abs();
    let most = u64::from(TOLD);
    if n > most { format!("{}+", view.number(most)) } else { view.number(n) }
}

fn document(retention: &Retention) -> Map<String, Value> {
    match json!(retention) {
        Value::Object(form) => form,
        _ => Map::new(),
    }
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let account = retention::show(&s, &signed.caller).await?;
    page::html(&RetentionPage::new(&signed, &account, document(&account.retention))?)
}

pub(in crate::console) async fn change(
    s: Data<Services>,
    signed: Signed,
    form: Form,
) -> Result<HttpResponse> {
    let terms = PARTS.iter().flat_map(|(_, terms)| *terms);
    let typed: Map<_, _> = terms.map(|term| (term.name.to_owned(), form.text(term.name).into())).collect();
    // What is no number is no term anybody may set either; an empty field is as usual.
    let number = |text: &str| text.parse::<i64>().map_or(Value::from(-1), Value::from);
    let document: Map<_, _> = typed
        .iter()
        .filter_map(|(name, text)| Some((name.clone(), number(text.as_str().filter(|t| !t.is_empty())?))))
        .collect();
    let document = Value::from(document);
    let seen = form.text("seen");
    let view = signed.view();
    let changed = retention::change(&s, &signed.caller, seen, &document, form.text("agreed")).await;
    let (status, asks, faults) = match changed {
        Ok(changed @ (Changed::Saved | Changed::Same)) => {
            let key = if changed == Changed::Saved { "settings-saved" } else { "settings-same" };
            signed.say(&Flash::good(view.t(key)))?;
            return Ok(see_other(PATH));
        }
        Ok(Changed::Asks(due)) => {
            let word = Retention::read(&document)?.word();
            let asks = Some((word, rows(&view, &due)));
            (HttpResponse::UnprocessableEntity(), asks, FieldFaults::default())
        }
        Err(Error::Invalid(faults)) => {
            let faults = faults.iter().map(|fault| told(&view, fault)).collect();
            (HttpResponse::UnprocessableEntity(), None, faults)
        }
        Err(Error::Conflict { code: "changed_meanwhile", .. }) => {
            let told = ("form".to_owned(), view.t("settings-meanwhile"));
            (HttpResponse::Conflict(), None, [told].into_iter().collect())
        }
        Err(other) => return Err(other),
    };
    let is_late = faults.of("form").is_some();
    let account = retention::show(&s, &signed.caller).await?;
    let mut page = RetentionPage::new(&signed, &account, typed)?;
    if !is_late {
        seen.clone_into(&mut page.seen);
    }
    page.asks = asks;
    page.faults = faults;
    page::answer(status, &page)
}

/// The field of a fault and what is wrong with it.
fn told(view: &View, fault: &Fault) -> (String, String) {
    let name = fault.pointer.trim_start_matches('/').to_owned();
    if fault.code == "shorter_than_content" {
        return (name, view.t("term-too-short"));
    }
    let term = PARTS.iter().flat_map(|(_, terms)| *terms).find(|term| term.name == name);
    let bounds =
        term.map_or_else(String::new, |term| view.t2("fault-bounds", "least", term.least, "most", term.most));
    (name, bounds)
}
