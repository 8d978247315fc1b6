//! One scenario: what it says, what is to become of it, and what is remarked on it.

use actix_web::web::{Data, Path};
use actix_web::{HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde_json::{Value, json};

use super::form::{self, PARTS};
use super::{Line, href};
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::emergency::told::{Filled, TextsFragment};
use crate::console::form::FieldFaults;
use crate::console::page::{self, Shell, Theme};
use crate::console::view::View;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::{Chosen, Part, Run, Scenario, Spoken};
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::scenarios::{self, ChangeRow};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/emergency/scenarios/show.html")]
pub struct ScenarioPage {
    pub shell: Shell,
    pub slug: String,
    pub name: String,
    /// As it is in use, or was.
    pub there: Option<There>,
    pub change: Option<Change>,
    pub may_prepare: bool,
    /// Why nothing was done.
    pub refused: Vec<String>,
    /// What was typed of why a change is given back.
    pub why: String,
    pub faults: FieldFaults,
}

/// A scenario as it is.
#[derive(Debug)]
pub struct There {
    pub line: Line,
    pub is_retired: bool,
    pub version: i64,
    pub sheet: Sheet,
}

/// What a scenario says.
#[derive(Debug)]
pub struct Sheet {
    pub life_threatening: bool,
    pub channels: Vec<ChannelKind>,
    pub audience: String,
    pub lists: Vec<(String, String)>,
    pub expires: String,
    pub roll_call: bool,
    /// After how long, and by what.
    pub escalation: Option<(String, Vec<ChannelKind>)>,
    /// The prepared parts by the keys of their names.
    pub parts: Vec<(String, TextsFragment)>,
    pub remarks: Vec<RemarkLine>,
}

/// What is remarked, and where.
#[derive(Clone, Debug)]
pub struct RemarkLine {
    /// Of the form's field.
    pub field: String,
    pub place: String,
    pub text: String,
    pub is_refusal: bool,
}

/// A change that waits.
#[derive(Debug)]
pub struct Change {
    pub version: i64,
    pub by: String,
    pub at: Timestamp,
    /// Perhaps empty.
    pub reason: String,
    pub returned: Option<String>,
    pub is_new: bool,
    pub retires: bool,
    pub differences: Vec<Difference>,
    /// As it would be.
    pub sheet: Option<Sheet>,
    pub may_approve: bool,
    /// Whoever looks has a hand in it.
    pub had_a_hand: bool,
}

/// A place of the document that is otherwise than before.
#[derive(Clone, Debug)]
pub struct Difference {
    pub place: String,
    pub before: String,
    pub after: String,
}

impl ScenarioPage {
    pub fn at(&self) -> String {
        href(&self.slug)
    }

    /// How the part of the page that shows what is in use now is headed.
    pub fn version(&self) -> i64 {
        self.there.as_ref().map_or(0, |there| there.version)
    }
}

impl Sheet {
    pub(super) fn new(s: &Services, view: &View, slug: &str, scenario: &Scenario) -> Self {
        let tongue = super::super::tongue(view);
        let chosen: Chosen = scenario
            .placeholders
            .iter()
            .map(|asked| (asked.name.clone(), blank(&asked.label.zh, &asked.label.en)))
            .collect();
        let time = blank("时间", "time");
        let part = |(at, name): (usize, &&str)| {
            let part = [Part::Alert, Part::Correction, Part::AllClear][at];
            let texts = scenario.texts(part)?;
            let channels = &scenario.channels;
            let filled = Filled { texts, chosen: &chosen, time: &time, run: Run::Live, channels };
            let id = [["alert", "correction", "all_clear"], ["alert-new", "correction-new", "all_clear-new"]]
                [usize::from(slug.is_empty())][at];
            Some((format!("scenario-{name}"), TextsFragment::filled(view, id, &filled)))
        };
        let lists = scenario.placeholders.iter().map(|asked| {
            let choices = asked.choices.iter().map(|choice| choice.of(tongue));
            (view.spoken(&asked.label), choices.collect::<Vec<_>>().join(" · "))
        });
        let minutes = |n: u32| view.lasting(std::time::Duration::from_mins(u64::from(n)));
        Self {
            life_threatening: scenario.life_threatening,
            channels: scenario.channels.clone(),
            audience: audience_text(view, scenario),
            lists: lists.collect(),
            expires: minutes(scenario.expires_in_minutes),
            roll_call: scenario.roll_call,
            escalation: scenario
                .escalation
                .as_ref()
                .map(|plan| (minutes(plan.after_minutes), plan.channels.clone())),
            parts: PARTS.iter().enumerate().filter_map(part).collect(),
            remarks: remark_lines(s, view, scenario),
        }
    }
}

/// What stands in a text where something is chosen when it happens.
fn blank(zh: &str, en: &str) -> Spoken {
    Spoken::new(format!("‹{zh}›"), format!("‹{en}›"))
}

fn audience_text(view: &View, scenario: &Scenario) -> String {
    if scenario.audience.everyone {
        return view.t("people-everyone");
    }
    let filter = scenario.audience.filter.iter().cloned();
    scenario.audience.groups.iter().cloned().chain(filter).collect::<Vec<_>>().join(" · ")
}

pub(super) fn remark_lines(s: &Services, view: &View, scenario: &Scenario) -> Vec<RemarkLine> {
    let line = |remark: &crate::domain::emergency::Remark| RemarkLine {
        field: form::field(&remark.pointer),
        place: form::place(view, &remark.pointer),
        text: form::remark_text(view, remark),
        is_refusal: remark.is_refusal(),
    };
    scenarios::remarks(s, scenario).iter().map(line).collect()
}

/// Every place with its text, lists as one.
fn leaves(value: &Value, at: String, into: &mut Vec<(String, String)>) {
    match value {
        Value::Object(fields) => {
            for (name, value) in fields {
                leaves(value, format!("{at}/{name}"), into);
            }
        }
        Value::Array(entries) if entries.iter().any(Value::is_object) => {
            for (i, value) in entries.iter().enumerate() {
                leaves(value, format!("{at}/{i}"), into);
            }
        }
        Value::Array(entries) => {
            let texts = entries.iter().map(|entry| entry.as_str().unwrap_or_default());
            into.push((at, texts.collect::<Vec<_>>().join(" · ")));
        }
        Value::String(text) => into.push((at, text.clone())),
        Value::Null => {}
        other => into.push((at, other.to_string())),
    }
}

/// What `after` says otherwise than `before`.
pub(super) fn differences(view: &View, before: &Scenario, after: &Scenario) -> Vec<Difference> {
    let all = |scenario: &Scenario| {
        let mut found = Vec::new();
        leaves(&json!(scenario), String::new(), &mut found);
        found
    };
    let (before, after) = (all(before), all(after));
    let text_of = |of: &[(String, String)], at: &str| {
        of.iter().find(|(pointer, _)| pointer == at).map(|(_, text)| text.clone()).unwrap_or_default()
    };
    let gone = before.iter().filter(|(at, _)| !after.iter().any(|(other, _)| other == at));
    let places = after.iter().chain(gone).map(|(at, _)| at.as_str());
    let difference = |at: &str| {
        let (before, after) = (text_of(&before, at), text_of(&after, at));
        (before != after).then(|| Difference { place: form::place(view, at), before, after })
    };
    places.filter_map(difference).collect()
}

impl Change {
    fn new(s: &Services, signed: &Signed, view: &View, row: &ChangeRow, before: Option<&Scenario>) -> Self {
        let after = row.document.as_ref().map(|document| &document.0);
        let had_a_hand = row.editors.0.contains(&signed.operator.id.0);
        Self {
            version: row.version,
            by: super::super::line::by(view, &row.proposed_by),
            at: row.updated_at,
            reason: row.reason.clone(),
            returned: row.returned.clone(),
            is_new: before.is_none(),
            retires: after.is_none(),
            differences: before
                .zip(after)
                .map(|(before, after)| differences(view, before, after))
                .unwrap_or_default(),
            sheet: after.map(|scenario| Sheet::new(s, view, "", scenario)),
            may_approve: !had_a_hand && signed.may(Permission::EmergencyApprove),
            had_a_hand,
        }
    }
}

pub(super) async fn load(s: &Services, signed: &Signed, slug: &str) -> Result<ScenarioPage> {
    let there = match scenarios::get(s, &signed.caller, slug).await {
        Ok(row) => Some(row),
        Err(Error::NotFound(_)) => None,
        Err(other) => return Err(other),
    };
    let change = scenarios::change_of(s, &signed.caller, slug).await?;
    let scenario = there.as_ref().map(|row| &row.document.0);
    let newest = change.as_ref().and_then(|change| change.document.as_ref()).map(|document| &document.0);
    let Some(shown) = scenario.or(newest) else {
        return Err(Error::NotFound("scenario"));
    };
    let shell = signed.shell(None)?;
    let view = &shell.view;
    let today = s.campus.zoned(s.clock.now()).date();
    Ok(ScenarioPage {
        slug: slug.to_owned(),
        name: view.spoken(&shown.name),
        change: change.as_ref().map(|change| Change::new(s, signed, view, change, scenario)),
        there: there.as_ref().map(|row| There {
            line: Line::new(view, row, change.is_some(), today),
            is_retired: row.retired_at.is_some(),
            version: row.version,
            sheet: Sheet::new(s, view, slug, &row.document.0),
        }),
        may_prepare: signed.may(Permission::EmergencyPrepare),
        refused: Vec::new(),
        why: String::new(),
        faults: FieldFaults::default(),
        shell,
    })
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
) -> Result<HttpResponse> {
    page::html(&load(&s, &signed, &slug).await?)
}

/// The page as it stands, with why nothing was done.
pub(super) async fn refused(
    s: &Services,
    signed: &Signed,
    slug: &str,
    response: HttpResponseBuilder,
    change: impl FnOnce(ScenarioPage) -> ScenarioPage,
) -> Result<HttpResponse> {
    page::answer(response, &change(load(s, signed, slug).await?))
}
