//! The first step: what is said, beside how it arrives.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::topics::TopicsFragment;
use super::{Frame, HOME, Step, keep, open, open_window, told};
use crate::Result;
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Section, Shell, Theme, see_other};
use crate::console::view::{Given, View};
use crate::console::wording_preview::{WordingPreview, samples};
use crate::domain::channel::ChannelKind;
use crate::domain::id::DraftId;
use crate::domain::message::Category;
use crate::error::Error;
use crate::service::drafts::{self, Composed, Draft};
use crate::service::messages::Shortened;
use crate::service::templates::{self, Template as Wording};
use crate::service::{Services, messages};

/// Variants in one form.
const MOST_ROWS: usize = 32;
/// Templates to choose from.
const MOST_TEMPLATES: u32 = 1_000;

#[derive(Debug, Template)]
#[template(path = "console/compose/what.html")]
pub struct WhatPage {
    pub shell: Shell,
    pub frame: Frame,
    pub composed: Composed,
    /// It may be written for one of these.
    pub departments: Vec<String>,
    /// Or for everybody.
    pub whole_campus: bool,
    /// Slug and name.
    pub templates: Vec<(String, String)>,
    /// Of the template that is chosen: its name, and whether each variable is needed.
    pub variables: Vec<(String, bool)>,
    pub faults: FieldFaults,
    pub topics: TopicsFragment,
    /// Key of what came of shortening it for SMS.
    pub shortened: Option<&'static str>,
    /// What the short text does not say.
    pub left_out: Vec<String>,
    pub watch: WatchFragment,
}

/// How it arrives, and the version of the draft that the form is of.
#[derive(Debug, Template)]
#[template(path = "console/compose/what_watch.html")]
pub struct WatchFragment {
    pub view: View,
    pub version: i64,
    /// Another window has changed it.
    pub meanwhile: bool,
    pub preview: WordingPreview,
    /// What it may be about, where the rest of the page is there already.
    pub topics: Option<TopicsFragment>,
}

impl WhatPage {
    fn value(&self, name: &str) -> &str {
        self.composed.params.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value)
    }

    fn has_channel(&self, channel: impl Given<ChannelKind>) -> bool {
        self.composed.channels.contains(&channel.given())
    }

    fn is_template(&self, slug: &str) -> bool {
        self.composed.template == slug
    }

    /// There is nothing that was written for SMS.
    fn lacks_sms(&self) -> bool {
        lacks_sms(&self.composed)
    }
}

/// The template that is chosen, if it is there.
async fn chosen(s: &Services, signed: &Signed, composed: &Composed) -> Result<Option<Wording>> {
    if composed.template.is_empty() {
        return Ok(None);
    }
    match templates::get(s, &signed.caller, &composed.template, None).await {
        Ok(template) => Ok(Some(template)),
        Err(Error::NotFound(_)) => Ok(None),
        Err(other) => Err(other),
    }
}

async fn preview(
    s: &Services,
    signed: &Signed,
    composed: &Composed,
    template: Option<&Wording>,
) -> Result<WordingPreview> {
    let mut draft = messages::Draft { content: composed.content(), ..messages::Draft::default() };
    if let Some(template) = template {
        let link = draft.content.link.take();
        draft.content = template.content.clone();
        draft.content.link = link.or(draft.content.link);
        draft.has_variables = true;
        draft.params = samples(composed.params.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        draft.template = Some(template.slug.clone());
    }
    WordingPreview::load(s, signed, &draft).await
}

impl WhatPage {
    async fn new(s: &Services, signed: &Signed, draft: Draft) -> Result<Self> {
        let frame = Frame::new(signed, &draft, Step::What);
        let (departments, whole_campus) = drafts::departments(s, &signed.caller).await?;
        let template = chosen(s, signed, &draft.composed).await?;
        let variables = template.iter().flat_map(|template| {
            let of = |names: &std::collections::BTreeSet<String>, needed: bool| {
                names.iter().map(|name| (name.clone(), needed)).collect::<Vec<_>>()
            };
            [of(&template.required, true), of(&template.optional, false)].concat()
        });
        let variables = variables.collect();
        let all = templates::list(s, &signed.caller, None, MOST_TEMPLATES).await?;
        Ok(Self {
            templates: all.into_iter().map(|template| (template.slug, template.name)).collect(),
            variables,
            departments,
            whole_campus,
            faults: FieldFaults::default(),
            topics: TopicsFragment::load(s, signed, &draft.composed)?,
            shortened: None,
            left_out: Vec::new(),
            watch: WatchFragment {
                view: signed.view(),
                version: draft.version,
                meanwhile: false,
                preview: preview(s, signed, &draft.composed, template.as_ref()).await?,
                topics: None,
            },
            composed: draft.composed,
            frame,
            shell: signed.shell(Section::Compose)?,
        })
    }
}

fn lacks_sms(composed: &Composed) -> bool {
    composed.template.is_empty() && !composed.variants.iter().any(|(key, ..)| is_sms(key))
}

fn is_sms(key: &str) -> bool {
    key.trim().eq_ignore_ascii_case(ChannelKind::Sms.name())
}

/// Adds what is short enough for SMS, for its author to go on with; the key of what came of it, and what was left out.
async fn shorten(
    s: &Services,
    signed: &Signed,
    composed: &mut Composed,
) -> Result<(Option<&'static str>, Vec<String>)> {
    if !lacks_sms(composed) || composed.variants.len() >= MOST_ROWS {
        return Ok((None, Vec::new()));
    }
    let content = composed.content();
    let (key, left_out) = match messages::shorten_for_sms(s, &signed.caller, &content).await? {
        Shortened::To { body, left_out } => {
            composed.variants.push((ChannelKind::Sms.name().to_owned(), String::new(), body));
            ("compose-shortened", left_out)
        }
        Shortened::Fits => ("compose-shorten-fits", Vec::new()),
        Shortened::Not => ("compose-shorten-not", Vec::new()),
    };
    Ok((Some(key), left_out))
}

/// What the form says of this step; the others' stays.
fn typed(before: Composed, form: &Form) -> Composed {
    let text = |name: &str| form.text(name).to_owned();
    let rows = form.all("variant_title").zip(form.all("variant_body"));
    let removed: Option<usize> = form.text("remove").parse().ok();
    let rows = form.all("variant_key").zip(rows).take(MOST_ROWS).enumerate();
    let rows = rows.filter(|(at, _)| Some(*at) != removed);
    let rows =
        rows.map(|(_, (key, (title, body)))| (key.trim().to_owned(), title.to_owned(), body.to_owned()));
    let params = form.all("param_name").zip(form.all("param_value"));
    let template = text("template");
    // With a template the texts' own fields are not in the form; they wait for whoever changes their mind.
    let is_free = form.all("title").next().is_some();
    let was = before.clone();
    // A suggestion that was taken says both.
    let taken = form.text("use").split_once(' ');
    let (topic, category) = taken.unwrap_or((form.text("topic"), form.text("category")));
    Composed {
        window: text("window"),
        department: text("department"),
        topic: topic.to_owned(),
        category: category.to_owned(),
        channels: form.all("channels").filter_map(|name| name.parse().ok()).collect(),
        params: if template == was.template {
            params.map(|(name, value)| (name.to_owned(), value.to_owned())).collect()
        } else {
            Vec::new()
        },
        template,
        title: if is_free { form.exact("title").to_owned() } else { was.title },
        body: if is_free { form.exact("body").to_owned() } else { was.body },
        variants: if is_free { rows.collect() } else { was.variants },
        link: text("link"),
        ..before
    }
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
) -> Result<HttpResponse> {
    match open_window(&s, &signed, *id).await? {
        Ok(draft) => page::html(&WhatPage::new(&s, &signed, draft).await?),
        Err(elsewhere) => Ok(elsewhere),
    }
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
    draft.composed = typed(draft.composed, &form);
    let (shortened, left_out) = match form.text("act") {
        "shorten" => shorten(&s, &signed, &mut draft.composed).await?,
        _ => (None, Vec::new()),
    };
    let (mut draft, meanwhile) = match keep(&s, &signed, draft, &form).await? {
        Ok(kept) => kept,
        Err(elsewhere) => return Ok(elsewhere),
    };
    if meanwhile {
        let mut page = WhatPage::new(&s, &signed, draft).await?;
        page.frame.meanwhile = true;
        return page::answer(HttpResponse::Conflict(), &page);
    }
    match form.text("act") {
        "next" => {
            let found = drafts::faults(&s, &signed.caller, &draft.composed).await?;
            let faults = told_of_rows(&signed.view(), &found, &draft.composed);
            if faults.is_empty() {
                return Ok(see_other(&Step::Who.href(*id)));
            }
            let page = WhatPage { faults, ..WhatPage::new(&s, &signed, draft).await? };
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        "later" => Ok(see_other(HOME)),
        act => {
            if act == "add" && draft.composed.variants.len() < MOST_ROWS {
                draft.composed.variants.push(<(String, String, String)>::default());
            }
            let mut page = WhatPage::new(&s, &signed, draft).await?;
            page.topics.is_asked = act == "suggest";
            page.shortened = shortened;
            page.left_out = left_out;
            page::html(&page)
        }
    }
}

/// Faults of a variant at its row.
fn told_of_rows(view: &View, found: &[crate::error::Fault], composed: &Composed) -> FieldFaults {
    let at_row = |fault: &crate::error::Fault| {
        let mut parts = fault.pointer.split('/').skip(1);
        let key = parts.next().filter(|name| *name == "variants").and_then(|_| parts.next());
        let row = key.and_then(|key| {
            composed.variants.iter().rposition(|(known, ..)| known.eq_ignore_ascii_case(key))
        });
        let pointer = row.map_or_else(|| fault.pointer.clone(), |row| format!("/variants/{row}"));
        crate::error::Fault::new(pointer, fault.code.clone(), fault.detail.clone())
    };
    let found: Vec<_> = found.iter().map(at_row).collect();
    told(view, &found, Step::What, &[])
}

/// While somebody types: keeps it and shows how it arrives.
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
    draft.composed = typed(draft.composed, &form);
    let version = form.text("version").parse().unwrap_or(0);
    let (draft, meanwhile) = match keep(&s, &signed, draft, &form).await? {
        Ok(kept) => kept,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let template = chosen(&s, &signed, &draft.composed).await?;
    page::html(&WatchFragment {
        view: signed.view(),
        // What another window wrote is not written over unasked.
        version: if meanwhile { version } else { draft.version },
        meanwhile,
        preview: preview(&s, &signed, &draft.composed, template.as_ref()).await?,
        topics: Some(TopicsFragment::load(&s, &signed, &draft.composed)?),
    })
}
