//! What a condition says, in plain words at its field, and what it asks for that nobody has: a misspelt name makes a rule
//! that never matches, or is for nobody.

use actix_web::HttpResponse;
use actix_web::web::{Data, Query};
use askama::Template;
use serde::Deserialize;

use super::form::RuleForm;
use crate::console::access::Signed;
use crate::console::filter_builder::{self, Stranger};
use crate::console::form::Form;
use crate::console::page;
use crate::console::view::View;
use crate::domain::filter::Filter;
use crate::domain::operator::Permission;
use crate::service::routing::attributes::{self, Known};
use crate::service::{Services, groups};
use crate::{Error, Result};

/// Fields with a condition: those over messages, then those over people.
pub(super) const OF_MESSAGES: [&str; 2] = ["when_attributes", "unless_attributes"];
pub(super) const OF_PEOPLE: [&str; 2] = ["audience_where", "exclude_where"];

#[derive(Debug, Template)]
#[template(path = "console/rules/strangers.html")]
pub struct StrangersFragment {
    pub view: View,
    pub field: &'static str,
    /// The condition in plain words, where it can be said so.
    pub says: Option<String>,
    /// What is strange, in a sentence each.
    pub told: Vec<String>,
}

impl StrangersFragment {
    fn new(view: View, field: &'static str, filter: Option<&Filter>, strangers: &[Stranger]) -> Self {
        let [alone, meant] = if OF_MESSAGES.contains(&field) {
            ["rule-stranger", "rule-stranger-meant"]
        } else {
            ["filter-stranger", "filter-stranger-meant"]
        };
        let tell = |stranger: &Stranger| match &stranger.meant {
            Some(name) => view.t2(meant, "name", &stranger.name, "meant", name),
            None => view.t1(alone, "name", &stranger.name),
        };
        let says = filter.and_then(|filter| filter_builder::words(&view, filter));
        Self { told: strangers.iter().map(tell).collect(), says, view, field }
    }
}

/// All four fields.
pub(super) async fn of_form(
    s: &Services,
    signed: &Signed,
    form: &RuleForm,
) -> Result<Vec<StrangersFragment>> {
    let mut all = Vec::new();
    let conditions = [&form.when.attributes, &form.unless.attributes];
    let known = if conditions.iter().all(|text| text.is_empty()) {
        Known::default()
    } else {
        attributes::known(s, &signed.caller).await?
    };
    for (field, text) in OF_MESSAGES.into_iter().zip(conditions) {
        all.push(of_messages(signed, &known, field, text));
    }
    for (field, people) in OF_PEOPLE.into_iter().zip([&form.audience, &form.exclude]) {
        // Rows that are not finished say nothing yet.
        all.push(of_people(s, signed, field, &people.filter_text()).await?);
    }
    Ok(all)
}

/// What of a condition over messages none of the last days has.
pub(super) fn of_messages(
    signed: &Signed,
    known: &Known,
    field: &'static str,
    text: &str,
) -> StrangersFragment {
    let filter = Filter::parse(text).ok();
    let strangers = filter.as_ref().map(|filter| known.strangers(filter)).unwrap_or_default();
    let same = strangers.into_iter().map(|it| Stranger { name: it.name, meant: it.meant });
    StrangersFragment::new(signed.view(), field, filter.as_ref(), &same.collect::<Vec<_>>())
}

/// Departments that a condition names and nobody is in. Whoever may not see the directory is not told of it.
pub(super) async fn of_people(
    s: &Services,
    signed: &Signed,
    field: &'static str,
    text: &str,
) -> Result<StrangersFragment> {
    let filter = match Filter::parse(text) {
        Ok(filter) if signed.may(Permission::DirectoryView) => filter,
        read => return Ok(StrangersFragment::new(signed.view(), field, read.ok().as_ref(), &[])),
    };
    let known = groups::attributes(s, &signed.caller).await?;
    let strangers = filter_builder::strangers(&known, &filter);
    let mut fragment = StrangersFragment::new(signed.view(), field, Some(&filter), &strangers);
    for name in filter_builder::nobody_in(s, signed, &filter).await? {
        fragment.told.push(fragment.view.t1("filter-nobody-in", "name", name));
    }
    Ok(fragment)
}

#[derive(Clone, Debug, Deserialize)]
pub(in crate::console) struct Asked {
    field: String,
}

/// Of one field, while the form is being filled in.
pub(in crate::console) async fn look(
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::RoutingView)?;
    let is_it = |field: &&str| **field == asked.field;
    let told = match (OF_MESSAGES.into_iter().find(is_it), OF_PEOPLE.into_iter().find(is_it)) {
        (Some(field), _) => {
            let known = attributes::known(&s, &signed.caller).await?;
            of_messages(&signed, &known, field, form.text(field))
        }
        (None, Some(field)) => of_people(&s, &signed, field, form.text(field)).await?,
        (None, None) => return Err(Error::NotFound("field")),
    };
    page::html(&told)
}
