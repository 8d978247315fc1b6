//! A scenario is written: as a form that says what is wrong with it, and what it would look like.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path, Query};
use askama::Template;
use serde::Deserialize;
use serde_json::{Value, json};

use super::form::{self, PARTS, ROWS, TEXTS};
use super::show::{RemarkLine, Sheet, remark_lines};
use super::{decide, href, text_at};
use crate::console::access::Signed;
use crate::console::filter_builder::{FilterFragment, Place as Builder, Typed};
use crate::console::form::{FieldFaults, LargeForm};
use crate::console::page::{self, Flash, Shell, Theme, see_other};
use crate::console::rules::form::group_choices;
use crate::console::rules::words::Names;
use crate::console::view::Given;
use crate::domain::channel::ChannelKind;
use crate::domain::emergency::scenario::TILES;
use crate::domain::emergency::{
    Category, Certainty, Level, Remark, ResponseType, Scenario, Urgency, lint, reading,
};
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::http::errors;
use crate::service::scenarios::{self, Proposal};
use crate::service::{Services, letterhead};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/emergency/scenarios/form.html")]
pub struct ScenarioForm {
    pub shell: Shell,
    /// Empty: it has none yet.
    pub slug: String,
    pub is_new: bool,
    /// Of the scenario and of the change it is made of.
    pub based_on: i64,
    pub seen: Option<i64>,
    /// As far as it is filled in.
    pub document: Value,
    pub reason: String,
    pub known_groups: Vec<(String, String)>,
    /// `None` for whoever may not see the directory.
    pub filter: Option<FilterFragment>,
    pub faults: FieldFaults,
    pub remarks: Vec<RemarkLine>,
    /// The lists of CAP's words, each with the field that asks for it.
    pub cap_lists: [(&'static str, Vec<&'static str>); 4],
    /// As it would be, where it was asked for and can be shown.
    pub sheet: Option<Sheet>,
}

/// A text of a scenario: its field, what it says, and how many lines it shows.
#[derive(Clone, Debug)]
pub struct TextField {
    pub id: String,
    pub name: &'static str,
    pub text: String,
    pub rows: u32,
}

impl ScenarioForm {
    fn action(&self) -> String {
        if self.is_new { format!("{}/new", super::SCENARIOS) } else { format!("{}/edit", href(&self.slug)) }
    }

    fn back(&self) -> String {
        if self.is_new { super::SCENARIOS.to_owned() } else { href(&self.slug) }
    }

    fn seen_text(&self) -> String {
        self.seen.map(|version| version.to_string()).unwrap_or_default()
    }

    fn value(&self, pointer: &str) -> String {
        text_at(&self.document, pointer)
    }

    fn is(&self, pointer: &str, word: &str) -> bool {
        self.document.pointer(pointer).and_then(Value::as_str) == Some(word)
    }

    fn is_on(&self, pointer: &str) -> bool {
        self.document.pointer(pointer).and_then(Value::as_bool).unwrap_or(false)
    }

    fn has(&self, pointer: &str, word: &str) -> bool {
        let list = self.document.pointer(pointer).and_then(Value::as_array);
        list.into_iter().flatten().any(|entry| entry.as_str() == Some(word))
    }

    fn has_channel(&self, pointer: &str, channel: impl Given<ChannelKind>) -> bool {
        self.has(pointer, channel.given().name())
    }

    fn is_level(&self, level: impl Given<Level>) -> bool {
        self.is("/level", level.given().name())
    }

    fn is_tile(&self, tile: impl Given<u32>) -> bool {
        self.value("/tile") == tile.given().to_string()
    }

    fn escalates(&self) -> bool {
        self.document.get("escalation").is_some_and(Value::is_object)
    }

    fn choices(&self, row: impl Given<usize>) -> String {
        form::choice_lines(&self.document, row.given())
    }

    /// Both languages of a part with their fields.
    fn texts(&self, part: &str) -> [(&'static str, Vec<TextField>); 2] {
        ["zh", "en"].map(|language| {
            let field = |(name, rows): (&'static str, u32)| TextField {
                id: format!("{part}_{language}_{name}"),
                name,
                text: self.value(&format!("/{part}/{language}/{name}")),
                rows,
            };
            (language, TEXTS.map(field).to_vec())
        })
    }

    fn fault(&self, field: &str) -> Option<&String> {
        self.faults.of(field)
    }
}

/// The lists of CAP's words, each with the field that asks for it.
fn cap_lists() -> [(&'static str, Vec<&'static str>); 4] {
    [
        ("category", Category::ALL.iter().map(|one| one.name()).collect()),
        ("urgency", Urgency::ALL.iter().map(|one| one.name()).collect()),
        ("certainty", Certainty::ALL.iter().map(|one| one.name()).collect()),
        ("response_type", ResponseType::ALL.iter().map(|one| one.name()).collect()),
    ]
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Asked {
    /// Another scenario that it begins as.
    from: String,
}

/// What every new one begins with.
fn blank() -> Value {
    json!({
        "audience": { "everyone": true },
        "channels": ["email", "sms", "wechat"],
        "expires_in_minutes": 240,
        "cap": { "category": "Safety", "urgency": "Immediate", "certainty": "Observed", "response_type": "Monitor" },
    })
}

fn of(scenario: &Scenario) -> Result<Value> {
    serde_json::to_value(scenario).map_err(Error::internal)
}

pub(in crate::console) async fn new(
    s: Data<Services>,
    signed: Signed,
    asked: Query<Asked>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    let document = match asked.from.as_str() {
        "" => blank(),
        slug => {
            let row = scenarios::get(&s, &signed.caller, slug).await?;
            let mut document = of(&row.document.0)?;
            // What only one of them can have.
            document["code"] = "".into();
            document["tile"] = Value::Null;
            document
        }
    };
    page::html(&begin(&s, &signed, String::new(), document).await?)
}

/// The form of a document that nobody changed yet.
async fn begin(s: &Services, signed: &Signed, slug: String, document: Value) -> Result<ScenarioForm> {
    let names = Names::load(s, signed).await?;
    let filter = match document.pointer("/audience/where").and_then(Value::as_str) {
        _ if !signed.may_somewhere(Permission::DirectoryView) => None,
        text => {
            let typed = text.map_or_else(Typed::blank, Typed::of);
            Some(FilterFragment::new(s, signed, typed, Builder::Sole).await?)
        }
    };
    let shell = signed.shell(None)?;
    let remarks = reading::read(&document).map(|scenario| remark_lines(s, &shell.view, &scenario));
    Ok(ScenarioForm {
        known_groups: group_choices(&names, &groups(&document)),
        is_new: slug.is_empty(),
        slug,
        based_on: 0,
        seen: None,
        document,
        reason: String::new(),
        filter,
        faults: FieldFaults::default(),
        remarks: remarks.unwrap_or_default(),
        cap_lists: cap_lists(),
        sheet: None,
        shell,
    })
}

fn groups(document: &Value) -> Vec<String> {
    let groups = document.pointer("/audience/groups").and_then(Value::as_array);
    groups.into_iter().flatten().filter_map(Value::as_str).map(str::to_owned).collect()
}

pub(in crate::console) async fn edit(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    let change = scenarios::change_of(&s, &signed.caller, &slug).await?;
    let there = match scenarios::get(&s, &signed.caller, &slug).await {
        Ok(row) => Some(row),
        Err(Error::NotFound(_)) if change.is_some() => None,
        Err(other) => return Err(other),
    };
    let newest = change.as_ref().and_then(|change| change.document.as_ref());
    let scenario = newest.or(there.as_ref().map(|row| &row.document)).ok_or(Error::NotFound("scenario"))?;
    let page = begin(&s, &signed, slug.into_inner(), of(&scenario.0)?).await?;
    page::html(&ScenarioForm {
        based_on: there.as_ref().map_or(0, |row| row.version),
        seen: change.as_ref().map(|change| change.version),
        reason: change.map(|change| change.reason).unwrap_or_default(),
        ..page
    })
}

pub(in crate::console) async fn create(
    s: Data<Services>,
    signed: Signed,
    form: LargeForm,
) -> Result<HttpResponse> {
    let slug = form.0.text("slug").to_owned();
    write(&s, &signed, slug, true, &form).await
}

pub(in crate::console) async fn save(
    s: Data<Services>,
    signed: Signed,
    slug: Path<String>,
    form: LargeForm,
) -> Result<HttpResponse> {
    write(&s, &signed, slug.into_inner(), false, &form).await
}

async fn write(
    s: &Services,
    signed: &Signed,
    slug: String,
    is_new: bool,
    LargeForm(form): &LargeForm,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::EmergencyPrepare)?;
    let (document, is_unfinished) = form::document(form);
    let filter = if signed.may_somewhere(Permission::DirectoryView) {
        Some(FilterFragment::of_form(s, signed, form, Builder::Sole).await?)
    } else {
        None
    };
    let names = Names::load(s, signed).await?;
    let shell = signed.shell(None)?;
    let view = shell.view.clone();
    let mut page = ScenarioForm {
        known_groups: group_choices(&names, &groups(&document)),
        is_new,
        slug,
        based_on: form.text("based_on").parse().unwrap_or_default(),
        seen: form.text("seen").parse().ok(),
        reason: form.text("reason").to_owned(),
        document,
        filter,
        faults: FieldFaults::default(),
        remarks: Vec::new(),
        cap_lists: cap_lists(),
        sheet: None,
        shell,
    };
    if !Builder::Sole.pressed(form).is_empty() {
        return page::html(&page);
    }
    let mut found = Vec::new();
    let scenario = match reading::read(&page.document) {
        Ok(scenario) => Some(scenario),
        Err(Error::Invalid(faults)) => {
            found = faults;
            None
        }
        Err(other) => return Err(other),
    };
    if is_unfinished {
        found.retain(|fault| !fault.pointer.starts_with("/audience"));
        found.push(Fault::new("/audience/where", "unfinished_rows", "finish the rows of the filter"));
    }
    let sign = letterhead::name(s, s.campus.language.as_str());
    let today = s.campus.zoned(s.clock.now()).date();
    let remarks = scenario.as_ref().map(|one| lint(one, Some(&sign), today)).unwrap_or_default();
    let mut response = HttpResponse::Ok();
    if let Some(scenario) = scenario {
        page.remarks = remark_lines(s, &view, &scenario);
        if found.is_empty() && form.text("act") == "propose" {
            let proposal = Proposal {
                slug: &page.slug,
                based_on: page.based_on,
                seen: page.seen,
                document: Some(&scenario),
                reason: &page.reason,
            };
            match scenarios::propose(s, &signed.caller, &proposal).await {
                Ok(false) => {
                    page.faults =
                        [("form".to_owned(), view.t("scenario-nothing-changed"))].into_iter().collect();
                    return page::answer(HttpResponse::UnprocessableEntity(), &page);
                }
                Ok(true) => {
                    signed.say(&Flash::good(view.t("scenario-did-propose")))?;
                    return Ok(see_other(&href(&page.slug)));
                }
                Err(Error::Invalid(faults)) => found = faults,
                Err(error @ Error::Conflict { .. }) => {
                    response = errors::begin(&error);
                    page.faults = [("form".to_owned(), decide::why(&view, &error))].into_iter().collect();
                    return page::answer(response, &page);
                }
                Err(other) => return Err(other),
            }
        } else {
            found.extend(remarks.iter().filter(|one| one.is_refusal()).cloned().map(Remark::into_fault));
        }
        page.sheet = Some(Sheet::new(s, &view, "", &scenario));
    }
    if !found.is_empty() {
        response = HttpResponse::UnprocessableEntity();
        page.faults = form::faults(&view, &page.document, &found, &remarks);
        let of_filter = page.faults.of("where").cloned();
        if let Some(filter) = &mut page.filter {
            filter.refused(of_filter);
        }
    }
    page::answer(response, &page)
}
