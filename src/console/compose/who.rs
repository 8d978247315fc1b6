//! The second step: for whom it is, with how many they are.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::{Frame, HOME, Step, keep, open, open_window, told};
use crate::console::access::Signed;
use crate::console::filter_builder::{FilterFragment, Place, Typed};
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Section, Shell, Theme, see_other};
use crate::console::rules::form::group_choices;
use crate::console::rules::words::Names;
use crate::console::view::View;
use crate::domain::id::DraftId;
use crate::error::Fault;
use crate::service::Services;
use crate::service::drafts::{self, Composed, Draft, Whom, campus_ids};
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/compose/who.html")]
pub struct WhoPage {
    pub shell: Shell,
    pub frame: Frame,
    pub window: String,
    pub whom: Whom,
    pub groups: Vec<(String, String)>,
    pub without: Vec<(String, String)>,
    pub filter: FilterFragment,
    pub faults: FieldFaults,
    pub watch: HeadsFragment,
}

/// How many they are, and the version of the draft that the form is of.
#[derive(Debug, Template)]
#[template(path = "console/compose/who_watch.html")]
pub struct HeadsFragment {
    pub view: View,
    pub version: i64,
    /// Another window has changed it.
    pub meanwhile: bool,
    pub heads: Heads,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heads {
    /// Nobody is named: the rules decide.
    ByRules,
    People(u64),
    /// Something is named that nobody knows, or a filter is not finished.
    Unclear,
}

impl Heads {
    async fn of(s: &Services, signed: &Signed, composed: &Composed) -> Result<Self> {
        if composed.whom.is_nobody() {
            return Ok(Self::ByRules);
        }
        match drafts::head_count(s, &signed.caller, composed).await {
            Ok(people) => Ok(Self::People(people.unsigned_abs())),
            Err(Error::Invalid(_)) => Ok(Self::Unclear),
            Err(other) => Err(other),
        }
    }
}

impl WhoPage {
    fn is_chosen(&self, slug: &String) -> bool {
        self.whom.groups.contains(slug)
    }

    fn is_left_out(&self, slug: &String) -> bool {
        self.whom.without_groups.contains(slug)
    }

    fn leaves_out(&self) -> bool {
        !self.whom.without_groups.is_empty() || !self.whom.without_ids.trim().is_empty()
    }

    async fn new(s: &Services, signed: &Signed, draft: Draft, filter: FilterFragment) -> Result<Self> {
        let frame = Frame::new(signed, &draft, Step::Who);
        let names = Names::load(s, signed).await?;
        let heads = Heads::of(s, signed, &draft.composed).await?;
        let (whom, window) = (draft.composed.whom, draft.composed.window);
        Ok(Self {
            groups: group_choices(&names, &whom.groups),
            without: group_choices(&names, &whom.without_groups),
            filter,
            faults: FieldFaults::default(),
            watch: HeadsFragment { view: signed.view(), version: draft.version, meanwhile: false, heads },
            window,
            whom,
            frame,
            shell: signed.shell(Section::Compose)?,
        })
    }
}

/// What the form says; a filter that is not finished leaves what there was.
fn typed(before: &Whom, form: &Form) -> (Whom, Option<Fault>) {
    let all = |name: &str| form.all(name).map(str::to_owned).collect();
    let (filter, fault) = match Typed::read(form, Place::Sole).text() {
        Ok(text) => (text, None),
        Err(_) => {
            let detail = "a row of the filter is not finished";
            (before.filter.clone(), Some(Fault::new("/audience/where", "unfinished_rows", detail)))
        }
    };
    let whom = Whom {
        everyone: form.text("everyone") == "true",
        groups: all("groups"),
        filter,
        ids: form.text("ids").to_owned(),
        without_groups: all("without_groups"),
        without_ids: form.text("without_ids").to_owned(),
    };
    (whom, fault)
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
) -> Result<HttpResponse> {
    let draft = match open_window(&s, &signed, *id).await? {
        Ok(draft) => draft,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let filter =
        FilterFragment::new(&s, &signed, Typed::of(&draft.composed.whom.filter), Place::Sole).await?;
    page::html(&WhoPage::new(&s, &signed, draft, filter).await?)
}

pub(in crate::console) async fn update(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    form: Form,
) -> Result<HttpResponse> {
    let mut draft = match open(&s, &signed, *id).await? {
        Ok(draft) => draft,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (whom, unfinished) = typed(&draft.composed.whom, &form);
    draft.composed.whom = whom;
    form.text("window").clone_into(&mut draft.composed.window);
    let (draft, meanwhile) = match keep(&s, &signed, draft, &form).await? {
        Ok(kept) => kept,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let mut filter = FilterFragment::of_form(&s, &signed, &form, Place::Sole).await?;
    if meanwhile {
        let mut page = WhoPage::new(&s, &signed, draft, filter).await?;
        page.frame.meanwhile = true;
        return page::answer(HttpResponse::Conflict(), &page);
    }
    let goes_on = form.text("build").is_empty();
    match form.text("act") {
        "next" if goes_on => {
            let mut found = drafts::faults(&s, &signed.caller, &draft.composed).await?;
            found.extend(unfinished);
            let whom = &draft.composed.whom;
            let (ids, without) = (campus_ids(&whom.ids), campus_ids(&whom.without_ids));
            let is_of_without = found.iter().any(|fault| fault.pointer.contains("/exclude/"));
            let faults = told(&signed.view(), &found, Step::Who, if is_of_without { &without } else { &ids });
            if faults.is_empty() {
                return Ok(see_other(&Step::Proof.href(*id)));
            }
            filter.refused(faults.of("where").cloned());
            let page = WhoPage { faults, ..WhoPage::new(&s, &signed, draft, filter).await? };
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        "back" if goes_on => Ok(see_other(&Step::What.href(*id))),
        "later" if goes_on => Ok(see_other(HOME)),
        _ => page::html(&WhoPage::new(&s, &signed, draft, filter).await?),
    }
}

/// While somebody chooses: keeps it and counts.
pub(in crate::console) async fn watch(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    form: Form,
) -> Result<HttpResponse> {
    let mut draft = match open(&s, &signed, *id).await? {
        Ok(draft) => draft,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let (whom, unfinished) = typed(&draft.composed.whom, &form);
    draft.composed.whom = whom;
    form.text("window").clone_into(&mut draft.composed.window);
    let version = form.text("version").parse().unwrap_or(0);
    let (draft, meanwhile) = match keep(&s, &signed, draft, &form).await? {
        Ok(kept) => kept,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let heads = match unfinished {
        Some(_) => Heads::Unclear,
        None => Heads::of(&s, &signed, &draft.composed).await?,
    };
    let version = if meanwhile { version } else { draft.version };
    page::html(&HeadsFragment { view: signed.view(), version, meanwhile, heads })
}
