//! The last step: when, and the button that says how many.

use actix_web::web::{Data, Path, Query};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;
use serde::Deserialize;

use super::{Frame, HOME, Step, gone, keep, message_href, open, open_window, told};
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{self, Flash, Section, Shell, Theme, see_other};
use crate::console::view::Given;
use crate::domain::id::DraftId;
use crate::domain::message::Status;
use crate::domain::operator::Permission;
use crate::domain::sensitive::Treatment;
use crate::http::RequestId;
use crate::service::Services;
use crate::service::drafts::{self, Composed, Draft, Outcome};
use crate::service::messages::Simulation;
use crate::{Error, Result};

#[derive(Debug, Template)]
#[template(path = "console/compose/when.html")]
pub struct WhenPage {
    pub shell: Shell,
    pub frame: Frame,
    pub version: i64,
    pub window: String,
    pub send_at: String,
    pub expires_at: String,
    pub review: bool,
    /// This operator may send without somebody else's word.
    pub may_send: bool,
    /// It says words that somebody else has to look at.
    pub says_held: bool,
    pub zone: String,
    /// So many people, if it is a message.
    pub people: Option<u64>,
    /// As many as they were when they were looked at, where they are others now.
    pub before: Option<u64>,
    /// Nobody would be sent it.
    pub is_for_nobody: bool,
    pub faults: FieldFaults,
}

#[derive(Clone, Debug, Default, Deserialize)]
#[serde(default)]
pub(in crate::console) struct Looked {
    /// How many the proof told.
    people: Option<u64>,
}

impl WhenPage {
    async fn new(s: &Services, signed: &Signed, draft: &Draft, looked: Option<u64>) -> Result<Self> {
        let proof = match drafts::proof(s, &signed.caller, &draft.composed).await {
            Ok(proof) => Some(proof),
            Err(Error::Invalid(_)) => None,
            Err(other) => return Err(other),
        };
        let frame = Frame::new(signed, draft, Step::When);
        let people = proof.as_ref().map(|proof| proof.preview.audience.total.unsigned_abs());
        let Composed { send_at, expires_at, review, window, .. } = draft.composed.clone();
        Ok(Self {
            shell: signed.shell(Section::Compose)?,
            version: draft.version,
            window,
            send_at,
            expires_at,
            review,
            says_held: proof.as_ref().is_some_and(says_held),
            may_send: signed.may_of(Permission::MessagesSend, frame.department.as_deref()),
            zone: s.campus.time_zone.iana_name().unwrap_or("UTC").to_owned(),
            before: looked.filter(|looked| people.is_some_and(|people| people != *looked)),
            people,
            is_for_nobody: proof.is_some_and(|proof| proof.unrouted.is_some()) || people == Some(0),
            faults: FieldFaults::default(),
            frame,
        })
    }

    /// Its button, which says what happens.
    fn act(&self, people: impl Given<u64>) -> String {
        let key = match (self.may_send && !self.review && !self.says_held, self.send_at.is_empty()) {
            (false, _) => "compose-act-review",
            (true, true) => "compose-act-send",
            (true, false) => "compose-act-later",
        };
        self.shell.view.count(key, people)
    }
}

pub(in crate::console) async fn show(
    s: Data<Services>,
    signed: Signed,
    id: Path<DraftId>,
    looked: Query<Looked>,
) -> Result<HttpResponse> {
    match open_window(&s, &signed, *id).await? {
        Ok(draft) => page::html(&WhenPage::new(&s, &signed, &draft, looked.people).await?),
        Err(elsewhere) => Ok(elsewhere),
    }
}

fn says_held(proof: &Simulation) -> bool {
    proof.words.iter().any(|seen| seen.entry.treatment == Treatment::Hold)
}

fn typed(before: Composed, form: &Form) -> Composed {
    Composed {
        // A moment that was filled in is not passed over because the choice above it was not.
        send_at: form.text("send_at").to_owned(),
        expires_at: form.text("expires_at").to_owned(),
        review: form.text("review") == "true",
        window: form.text("window").to_owned(),
        ..before
    }
}

pub(in crate::console) async fn update(
    request: HttpRequest,
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
    let (draft, meanwhile) = match keep(&s, &signed, draft, &form).await? {
        Ok(kept) => kept,
        Err(elsewhere) => return Ok(elsewhere),
    };
    let view = signed.view();
    let mut faults =
        told(&view, &drafts::faults(&s, &signed.caller, &draft.composed).await?, Step::When, &[]);
    if form.text("when") == "later" && draft.composed.send_at.is_empty() {
        faults = [("send_at".to_owned(), view.t("fault-required"))].into_iter().collect();
    } else if form.text("when") == "now" && !draft.composed.send_at.is_empty() {
        faults = [("send_at".to_owned(), view.t("fault-now_or_then"))].into_iter().collect();
    } else if draft.composed.sends_at(&s.campus).is_some_and(|at| at <= s.clock.now()) {
        faults = [("send_at".to_owned(), view.t("fault-already_over"))].into_iter().collect();
    }
    let looked = form.text("people").parse().ok();
    let again = async |draft: &Draft| WhenPage::new(&s, &signed, draft, looked).await;
    if meanwhile {
        let mut page = again(&draft).await?;
        page.frame.meanwhile = true;
        return page::answer(HttpResponse::Conflict(), &page);
    }
    match form.text("act") {
        "back" => return Ok(see_other(&Step::Proof.href(*id))),
        "later" => return Ok(see_other(HOME)),
        _ if !faults.is_empty() => {
            let page = WhenPage { faults, ..again(&draft).await? };
            return page::answer(HttpResponse::UnprocessableEntity(), &page);
        }
        "send" => {}
        _ => return page::html(&again(&draft).await?),
    }
    let agreed = form.text("people").parse().unwrap_or(-1);
    let request_id = request.extensions().get::<RequestId>().cloned();
    let request_id = request_id.as_ref().map_or("", RequestId::as_str);
    match drafts::send(&s, &signed.caller, draft.id, draft.version, agreed, request_id).await {
        Ok(Outcome::Accepted(accepted)) => {
            let key = match accepted.message.status {
                Status::Held => "compose-was-held",
                Status::Scheduled => "compose-was-scheduled",
                _ => "compose-was-sent",
            };
            signed.say(&Flash::good(view.t(key)))?;
            Ok(see_other(&message_href(accepted.message.id)))
        }
        Ok(Outcome::Before(message)) => gone(&signed, message),
        Ok(Outcome::Changed(_)) => page::answer(HttpResponse::Conflict(), &again(&draft).await?),
        Ok(Outcome::Unlooked) => {
            signed.say(&Flash::amber(view.t("compose-look-first")))?;
            Ok(see_other(&Step::Proof.href(*id)))
        }
        Ok(Outcome::Meanwhile) => {
            let mut page = again(&draft).await?;
            page.frame.meanwhile = true;
            page::answer(HttpResponse::Conflict(), &page)
        }
        // What is wrong elsewhere is told where it is mended.
        Err(Error::Invalid(_)) => Ok(see_other(&Step::Proof.href(*id))),
        Err(other) => Err(other),
    }
}
