//! Writing a message in four steps: what, for whom, the proof, when. Each step keeps what is filled in as a draft, while it
//! is typed where there is script, so that closing the browser loses nothing.

pub mod missed;
pub mod proof;
pub mod sensitive;
pub mod topics;
pub mod trial;
pub mod what;
pub mod when;
pub mod who;

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};
use askama::Template;

use super::access::Signed;
use super::form::{FieldFaults, Form, fault_text};
use super::page::{self, Flash, Section, Shell, Theme, see_other};
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::id::{DraftId, MessageId};
use crate::error::Fault;
use crate::service::Services;
use crate::service::drafts::{self, Draft, Saved};

const HOME: &str = "/console/compose";
/// Unknown campus ids that a fault names.
const MOST_NAMED: usize = 10;
const WINDOW_BYTES: usize = 9;

/// The steps in their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    What,
    Who,
    Proof,
    When,
}

impl Step {
    pub const ALL: [Self; 4] = [Self::What, Self::Who, Self::Proof, Self::When];

    pub const fn name(self) -> &'static str {
        match self {
            Self::What => "what",
            Self::Who => "who",
            Self::Proof => "proof",
            Self::When => "when",
        }
    }

    /// Key of its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::What => "compose-step-what",
            Self::Who => "compose-step-who",
            Self::Proof => "compose-step-proof",
            Self::When => "compose-step-when",
        }
    }

    /// The one that a fault of the message is mended in.
    fn mending(fault: &Fault) -> Self {
        match fault.pointer.split('/').nth(1) {
            Some("audience") => Self::Who,
            Some("send_at" | "expires_at") => Self::When,
            _ => Self::What,
        }
    }

    fn href(self, id: DraftId) -> String {
        format!("{HOME}/{id}/{}", self.name())
    }
}

/// What every step has around it.
#[derive(Clone, Debug)]
pub struct Frame {
    pub id: DraftId,
    pub step: Step,
    /// Empty until it has one.
    pub title: String,
    /// The department it is written for, whose people alone it reaches.
    pub department: Option<String>,
    /// It was changed in another window meanwhile.
    pub meanwhile: bool,
}

impl Frame {
    fn new(signed: &Signed, draft: &Draft, step: Step) -> Self {
        let title = draft.composed.title.trim().to_owned();
        let department = drafts::writes_for(&signed.caller, &draft.composed).ok().flatten();
        Self { id: draft.id, step, title, department, meanwhile: false }
    }

    /// Key of what the step is for.
    pub const fn lead(&self) -> &'static str {
        match self.step {
            Step::What => "compose-lead-what",
            Step::Who => "compose-lead-who",
            Step::Proof => "compose-lead-proof",
            Step::When => "compose-lead-when",
        }
    }

    pub fn href(&self, step: &Step) -> String {
        step.href(self.id)
    }

    pub fn is_here(&self, step: &Step) -> bool {
        self.step == *step
    }
}

#[derive(Debug, Template)]
#[template(path = "console/compose/list.html")]
pub struct DraftsPage {
    pub shell: Shell,
    pub rows: Vec<DraftRow>,
}

#[derive(Clone, Debug)]
pub struct DraftRow {
    pub id: DraftId,
    pub title: String,
    pub topic: String,
    pub at: Timestamp,
}

pub(super) async fn list(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let drafts = drafts::list(&s, &signed.caller).await?;
    let row = |draft: Draft| {
        let composed = draft.composed;
        let title = if composed.title.trim().is_empty() { composed.template } else { composed.title };
        DraftRow { id: draft.id, title, topic: composed.topic, at: draft.updated_at }
    };
    page::html(&DraftsPage {
        shell: signed.shell(Section::Compose)?,
        rows: drafts.into_iter().map(row).collect(),
    })
}

/// A message that is begun is kept from its first letter on.
pub(super) async fn create(s: Data<Services>, signed: Signed, _: Form) -> Result<HttpResponse> {
    let id = drafts::create(&s, &signed.caller).await?;
    Ok(see_other(&Step::What.href(id)))
}

pub(super) async fn home(s: Data<Services>, signed: Signed, id: Path<DraftId>) -> Result<HttpResponse> {
    let draft = drafts::get(&s, &signed.caller, *id).await?;
    Ok(see_other(&draft.sent.map_or_else(|| Step::What.href(draft.id), message_href)))
}

pub(super) async fn delete(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    _: Form,
) -> Result<HttpResponse> {
    drafts::delete(&s, &signed.caller, *id).await?;
    signed.say(&Flash::good(signed.view().t("compose-thrown-away")))?;
    Ok(see_other(HOME))
}

fn message_href(id: MessageId) -> String {
    format!("/console/messages/{id}")
}

/// The draft for a page to be shown, which is a window of its own; or where its message is.
async fn open_window(
    s: &Services,
    signed: &Signed,
    id: DraftId,
) -> Result<std::result::Result<Draft, HttpResponse>> {
    Ok(open(s, signed, id).await?.map(|mut draft| {
        draft.composed.window = s.vault.token(WINDOW_BYTES);
        draft
    }))
}

/// The draft, or where its message is.
async fn open(
    s: &Services,
    signed: &Signed,
    id: DraftId,
) -> Result<std::result::Result<Draft, HttpResponse>> {
    let draft = drafts::get(s, &signed.caller, id).await?;
    match draft.sent {
        Some(message) => Ok(Err(gone(signed, message)?)),
        None => Ok(Ok(draft)),
    }
}

/// It was sent from another window, or before.
fn gone(signed: &Signed, message: MessageId) -> Result<HttpResponse> {
    signed.say(&Flash::amber(signed.view().t("compose-sent-already")))?;
    Ok(see_other(&message_href(message)))
}

/// Keeps a step's form: the draft as it is now with whether another window was faster, or where its message is.
async fn keep(
    s: &Services,
    signed: &Signed,
    draft: Draft,
    form: &Form,
) -> Result<std::result::Result<(Draft, bool), HttpResponse>> {
    let version = form.text("version").parse().unwrap_or(0);
    match drafts::save(s, &signed.caller, draft.id, version, &draft.composed).await? {
        Saved::Kept(version) => Ok(Ok((Draft { version, updated_at: s.clock.now(), ..draft }, false))),
        // What is typed here stays in sight; keeping it again is to mean it.
        Saved::Meanwhile(latest) => Ok(Ok((Draft { version: latest.version, ..draft }, true))),
        Saved::Sent(message) => Ok(Err(gone(signed, message)?)),
    }
}

/// The faults that are mended in this step, at its fields.
fn told(view: &View, faults: &[Fault], step: Step, ids: &[String]) -> FieldFaults {
    let here = || faults.iter().filter(|fault| Step::mending(fault) == step);
    let at = |fault: &Fault| fault.pointer.rsplit('/').next()?.parse::<usize>().ok();
    let unknown: Vec<&str> = here()
        .filter(|fault| matches!(fault.code.as_ref(), "unknown_recipient" | "recipient_not_yours"))
        .filter_map(|fault| ids.get(at(fault)?).map(String::as_str))
        .collect();
    let mut named =
        unknown.iter().take(MOST_NAMED).copied().collect::<Vec<_>>().join(&view.t("list-separator"));
    if unknown.len() > MOST_NAMED {
        named.push_str(&format!(" … ({})", unknown.len()));
    }
    let text = |fault: &Fault| match fault.code.as_ref() {
        "unknown_recipient" => view.t1("fault-members-unknown_recipient", "value", &named),
        "recipient_not_yours" => view.t1("fault-members-recipient_not_yours", "value", &named),
        _ => fault_text(view, &fault.code, &fault.detail),
    };
    here().map(|fault| (field(&fault.pointer), text(fault))).collect()
}

/// The field of a place in the message.
fn field(pointer: &str) -> String {
    let parts: Vec<_> = pointer.split('/').skip(1).collect();
    match parts.as_slice() {
        ["audience", "exclude", "recipients", ..] => "without_ids".to_owned(),
        ["audience", "exclude", ..] => "without_groups".to_owned(),
        ["audience", "recipients", ..] => "ids".to_owned(),
        ["audience", "where", ..] => "where".to_owned(),
        ["audience", ..] => "groups".to_owned(),
        ["variants", key, ..] => format!("variant_{key}"),
        ["params", name, ..] => format!("param_{name}"),
        [name, ..] => (*name).to_owned(),
        [] => "form".to_owned(),
    }
}
