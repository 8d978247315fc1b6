//! Serves the pages of groups, and does what their forms ask for.

use actix_web::web::{self, Data, Path};
use actix_web::{HttpRequest, HttpResponse};
use serde::Deserialize;
use serde_json::json;

use super::access::Signed;
use super::coverage::CoverageFragment;
use super::filter_builder::{FilterFragment, Place, Typed, look, words};
use super::form::{FieldFaults, Form};
use super::groups::{
    CountFragment, GroupForm, GroupFormPage, GroupPage, GroupRow, GroupsFragment, GroupsPage, Meanwhile,
};
use super::messages::read;
use super::page::{self, Fact, Flash, Section, address, see_other};
use super::people::PeopleFragment;
use super::people_list::{ON_A_PAGE, one_page};
use super::view::View;
use crate::domain::filter::Filter;
use crate::domain::group::GroupKind;
use crate::domain::id::GroupId;
use crate::domain::operator::Permission;
use crate::error::Fault;
use crate::service::drafts::campus_ids as ids;
use crate::service::groups::{self, Group};
use crate::service::recipients::ListFilter;
use crate::service::{Services, coverage};
use crate::{Error, Result};

/// That a group is another one than its form was opened for.
const MEANWHILE: &str = "changed_meanwhile";
const HOME: &str = "/console/groups";
/// Unknown campus ids that a fault names.
const MOST_NAMED: usize = 10;

fn href(id: GroupId) -> String {
    format!("{HOME}/{id}")
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct GroupFilter {
    q: String,
    cursor: String,
}

impl From<Group> for GroupRow {
    fn from(group: Group) -> Self {
        Self {
            id: group.id,
            slug: group.slug,
            name: group.name,
            kind: group.kind,
            people: group.members.map(i64::unsigned_abs),
            updated_at: group.updated_at,
        }
    }
}

/// The list with its search, or the list alone.
pub(super) async fn list(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    filter: web::Query<GroupFilter>,
) -> Result<HttpResponse> {
    let before = read::<GroupId>(&filter.cursor).flatten();
    let mut found = groups::list(&s, &signed.caller, &filter.q, before, ON_A_PAGE + 1).await?;
    let more = found.len() > ON_A_PAGE as usize;
    found.truncate(ON_A_PAGE as usize);
    let there = |cursor: &str| address(HOME, &[("q", &filter.q), ("cursor", cursor)]);
    let list = GroupsFragment {
        view: signed.view(),
        filtered: !filter.q.is_empty(),
        first: (!filter.cursor.is_empty()).then(|| there("")),
        next: found.last().filter(|_| more).map(|last| there(&last.id.to_string())),
        rows: found.into_iter().map(GroupRow::from).collect(),
    };
    if page::wants_fragment(&request) {
        return page::html(&list);
    }
    page::html(&GroupsPage {
        shell: signed.shell(Section::Groups)?,
        q: filter.q.clone(),
        may_edit: signed.may(Permission::DirectoryEdit),
        list,
    })
}

/// How many people one group reaches; a filter is put to the whole directory, so lists ask only when told to.
pub(super) async fn count(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<GroupId>,
) -> Result<HttpResponse> {
    if !page::wants_fragment(&request) {
        return Ok(see_other(&href(*id)));
    }
    let group = groups::find(&s, &signed.caller, *id).await?;
    let group = groups::get(&s, &signed.caller, &group.slug).await?;
    let people = group.members.unwrap_or_default().unsigned_abs();
    page::html(&CountFragment { view: signed.view(), people })
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct MembersFilter {
    cursor: String,
}

pub(super) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<GroupId>,
    filter: web::Query<MembersFilter>,
) -> Result<HttpResponse> {
    let group = groups::find(&s, &signed.caller, *id).await?;
    page::html(&group_page(&s, &signed, group, &filter.cursor).await?)
}

async fn group_page(s: &Services, signed: &Signed, group: Group, cursor: &str) -> Result<GroupPage> {
    let group = groups::get(s, &signed.caller, &group.slug).await?;
    let uses = groups::uses(s, &signed.caller, &group.slug).await?;
    let coverage = coverage::of_group(s, &signed.caller, &group.slug).await?;
    let of = ListFilter { group: Some(group.slug.clone()), ..ListFilter::default() };
    let (rows, next) = one_page(s, signed, &of, cursor).await?;
    let may_edit = signed.may(Permission::DirectoryEdit);
    let there = |cursor: &str| format!("{}#members", address(&href(group.id), &[("cursor", cursor)]));
    let by_hand = may_edit && group.kind == GroupKind::Static;
    let mut shell = signed.shell(Section::Groups)?;
    shell.here = href(group.id);
    Ok(GroupPage {
        id: group.id,
        kind: group.kind,
        people: group.members.unwrap_or_default().unsigned_abs(),
        may_edit,
        coverage: CoverageFragment { view: signed.view(), coverage, posters: Vec::new() },
        rules: uses.rules,
        messages: uses.messages,
        sources: uses.sources,
        scenarios: uses.scenarios.into_iter().map(|(slug, name)| (slug, shell.view.spoken(&name))).collect(),
        buttons: uses.buttons,
        broadcasts: uses.broadcasts.into_iter().map(|(id, name)| (id, shell.view.spoken(&name))).collect(),
        members: PeopleFragment {
            view: signed.view(),
            rows,
            filtered: false,
            remove_from: by_hand.then(|| format!("{}/members", href(group.id))),
            of_group: true,
            export: None,
            first: (!cursor.is_empty()).then(|| there("")),
            next: next.map(|cursor| there(&cursor)),
        },
        typed: String::new(),
        faults: FieldFaults::default(),
        facts: vec![
            Fact::text(shell.view.t("column-slug"), &group.slug),
            Fact::markup(shell.view.t("column-created"), shell.view.ago(group.created_at)),
            Fact::markup(shell.view.t("column-updated"), shell.view.ago(group.updated_at)),
        ],
        slug: group.slug,
        name: group.name,
        words: group.filter.as_deref().and_then(|text| words(&shell.view, &Filter::parse(text).ok()?)),
        filter: group.filter,
        shell,
    })
}

/// Faults at their fields; of unknown people the first few are named at once.
fn told(view: &View, faults: &[Fault], ids: &[String], filter: &str) -> FieldFaults {
    let at = |fault: &Fault| fault.pointer.rsplit('/').next()?.parse::<usize>().ok();
    let unknown: Vec<&str> = faults
        .iter()
        .filter(|fault| fault.code == "unknown_recipient")
        .filter_map(|fault| ids.get(at(fault)?).map(String::as_str))
        .collect();
    let mut named =
        unknown.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(&view.t("list-separator"));
    if unknown.len() > MOST_NAMED {
        named.push_str(&format!(" … ({})", unknown.len()));
    }
    let position = Filter::parse(filter).err().map(|error| (error.position + 1).to_string());
    FieldFaults::about(view, faults, |fault| match fault.code.as_ref() {
        "unknown_recipient" => Some(named.clone()),
        code if code.starts_with("filter_") => position.clone(),
        _ => None,
    })
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(super) struct Asked {
    place: String,
}

impl Asked {
    fn place(&self) -> Result<Place> {
        Place::of(&self.place).ok_or(Error::NotFound("filter"))
    }
}

/// What script asks for while a filter is written.
pub(super) async fn preview(
    s: Data<Services>,
    signed: Signed,
    asked: web::Query<Asked>,
    form: Form,
) -> Result<HttpResponse> {
    let place = asked.place()?;
    page::html(&look(&s, &signed, &Typed::read(&form, place), place).await?)
}

/// The fields of a filter after one of its own buttons, or after what they offer has changed.
pub(super) async fn filter(
    s: Data<Services>,
    signed: Signed,
    asked: web::Query<Asked>,
    form: Form,
) -> Result<HttpResponse> {
    page::html(&FilterFragment::of_form(&s, &signed, &form, asked.place()?).await?)
}

pub(super) async fn show_new(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let form = GroupForm {
        slug: String::new(),
        name: String::new(),
        kind: GroupKind::Static,
        members: String::new(),
        version: 0,
    };
    page::html(&GroupFormPage {
        shell: signed.shell(Section::Groups)?,
        id: None,
        form,
        faults: FieldFaults::default(),
        meanwhile: None,
        filter: FilterFragment::new(&s, &signed, Typed::blank(), Place::Sole).await?,
    })
}

fn typed(form: &Form) -> GroupForm {
    GroupForm {
        slug: form.text("slug").to_owned(),
        name: form.text("name").to_owned(),
        kind: form.text("kind").parse().unwrap_or(GroupKind::Static),
        members: form.text("members").to_owned(),
        // What is no version is nobody's.
        version: form.text("version").parse().unwrap_or(-1),
    }
}

/// Without script a button of the form asks whom its filter finds.
fn only_looks(form: &Form) -> bool {
    form.text("act") == "preview" || !Place::Sole.pressed(form).is_empty()
}

/// The filter's text for a group of that kind.
///
/// # Errors
///
/// The fault, where a row of it is not finished.
fn filter_text(kind: GroupKind, form: &Form) -> std::result::Result<String, Fault> {
    match kind {
        GroupKind::Static => Ok(String::new()),
        GroupKind::Dynamic => Typed::read(form, Place::Sole)
            .text()
            .map_err(|_| Fault::new("/where", "unfinished_rows", "a row of the filter is not finished")),
    }
}

pub(super) async fn create(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let typed = typed(&form);
    if only_looks(&form) {
        return shown_again(&s, &signed, None, typed, &form, &[]).await;
    }
    let filter = match filter_text(typed.kind, &form) {
        Ok(filter) => filter,
        Err(fault) => return shown_again(&s, &signed, None, typed, &form, &[fault]).await,
    };
    let mut body = json!({ "name": typed.name, "kind": typed.kind });
    let mut members = Vec::new();
    match typed.kind {
        GroupKind::Static => members = ids(&typed.members),
        GroupKind::Dynamic => body["where"] = filter.into(),
    }
    match groups::create(&s, &signed.caller, &typed.slug, &body, &members).await {
        Ok(id) => {
            signed.say(&Flash::good(signed.view().t("group-was-made")))?;
            Ok(see_other(&href(id)))
        }
        Err(Error::Invalid(faults)) => shown_again(&s, &signed, None, typed, &form, &faults).await,
        Err(other) => Err(other),
    }
}

fn filled(group: Group) -> GroupForm {
    GroupForm {
        slug: group.slug,
        name: group.name,
        kind: group.kind,
        members: String::new(),
        version: group.version,
    }
}

pub(super) async fn show_edit(s: Data<Services>, signed: Signed, id: Path<GroupId>) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let group = groups::find(&s, &signed.caller, *id).await?;
    let filter = Typed::of(group.filter.as_deref().unwrap_or_default());
    page::html(&GroupFormPage {
        shell: signed.shell(Section::Groups)?,
        id: Some(*id),
        form: filled(group),
        faults: FieldFaults::default(),
        meanwhile: None,
        filter: FilterFragment::new(&s, &signed, filter, Place::Sole).await?,
    })
}

pub(super) async fn update(
    s: Data<Services>,
    signed: Signed,
    id: Path<GroupId>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let kept = filled(groups::find(&s, &signed.caller, *id).await?);
    let typed = GroupForm { slug: kept.slug, kind: kept.kind, ..typed(&form) };
    if only_looks(&form) {
        return shown_again(&s, &signed, Some(*id), typed, &form, &[]).await;
    }
    let filter = match filter_text(typed.kind, &form) {
        Ok(filter) => filter,
        Err(fault) => return shown_again(&s, &signed, Some(*id), typed, &form, &[fault]).await,
    };
    let mut body = json!({ "name": typed.name });
    if typed.kind == GroupKind::Dynamic {
        body["where"] = filter.into();
    }
    match groups::update(&s, &signed.caller, *id, typed.version, &body).await {
        Ok(()) => {
            signed.say(&Flash::good(signed.view().t("group-was-saved")))?;
            Ok(see_other(&href(*id)))
        }
        Err(Error::Invalid(faults)) => shown_again(&s, &signed, Some(*id), typed, &form, &faults).await,
        Err(Error::Conflict { code: MEANWHILE, .. }) => {
            // Whoever saves once more has been told what they save over.
            let now = groups::find(&s, &signed.caller, *id).await?;
            let typed = GroupForm { version: now.version, ..typed };
            let filter = now.filter.unwrap_or_default();
            let page = form_again(&s, &signed, Some(*id), typed, &form, &[]).await?;
            let meanwhile = Some(Meanwhile { name: now.name, filter });
            page::answer(HttpResponse::Conflict(), &GroupFormPage { meanwhile, ..page })
        }
        Err(other) => Err(other),
    }
}

/// The form as it was filled in, with what is wrong with it and whom its filter finds.
async fn shown_again(
    s: &Services,
    signed: &Signed,
    id: Option<GroupId>,
    filled: GroupForm,
    form: &Form,
    faults: &[Fault],
) -> Result<HttpResponse> {
    let page = form_again(s, signed, id, filled, form, faults).await?;
    let status =
        if page.faults.is_empty() { HttpResponse::Ok() } else { HttpResponse::UnprocessableEntity() };
    page::answer(status, &page)
}

async fn form_again(
    s: &Services,
    signed: &Signed,
    id: Option<GroupId>,
    filled: GroupForm,
    form: &Form,
    faults: &[Fault],
) -> Result<GroupFormPage> {
    let mut filter = match filled.kind {
        GroupKind::Dynamic => FilterFragment::of_form(s, signed, form, Place::Sole).await?,
        GroupKind::Static => FilterFragment::new(s, signed, Typed::blank(), Place::Sole).await?,
    };
    let shell = signed.shell(Section::Groups)?;
    let text = filter.typed.text();
    let faults = told(&shell.view, faults, &ids(&filled.members), text.as_deref().unwrap_or_default());
    filter.refused(faults.of("where").cloned());
    Ok(GroupFormPage { shell, id, form: filled, faults, meanwhile: None, filter })
}

/// Puts people into a static group, or takes them out where the form says `act=remove`.
pub(super) async fn change_members(
    s: Data<Services>,
    signed: Signed,
    id: Path<GroupId>,
    form: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let group = groups::find(&s, &signed.caller, *id).await?;
    let removes = form.text("act") == "remove";
    let ids = ids(form.text("members"));
    let body = if removes { json!({ "remove": ids }) } else { json!({ "add": ids }) };
    let done = if ids.is_empty() {
        Err(Error::fault("/members", "required", "name somebody"))
    } else {
        groups::change_members(&s, &signed.caller, &group.slug, &body).await
    };
    match done {
        Ok(done) => {
            let view = signed.view();
            let said = if removes {
                view.count("group-removed", done.removed)
            } else {
                view.count("group-added", done.added)
            };
            signed.say(&Flash::good(said))?;
            Ok(see_other(&format!("{}#members", href(*id))))
        }
        Err(Error::Invalid(faults)) => {
            let at_field = |fault: Fault| {
                let rest = fault.pointer.trim_start_matches("/add").trim_start_matches("/remove");
                Fault { pointer: format!("/members{}", rest.trim_start_matches("/members")), ..fault }
            };
            let faults: Vec<_> = faults.into_iter().map(at_field).collect();
            let mut page = group_page(&s, &signed, group, "").await?;
            page.faults = told(&page.shell.view, &faults, &ids, "");
            form.text("members").clone_into(&mut page.typed);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn delete(
    s: Data<Services>,
    signed: Signed,
    id: Path<GroupId>,
    _: Form,
) -> Result<HttpResponse> {
    signed.caller.require(Permission::DirectoryEdit)?;
    let group = groups::find(&s, &signed.caller, *id).await?;
    groups::delete(&s, &signed.caller, &group.slug).await?;
    signed.say(&Flash::good(signed.view().t1("group-was-deleted", "name", group.name)))?;
    Ok(see_other(HOME))
}
