//! What is done to a broadcast. What its state does not allow is answered with the broadcast as it stands, and why.

use actix_web::web::{Data, Path};
use actix_web::{HttpMessage as _, HttpRequest, HttpResponse};

use super::broadcast::{Typed, refused};
use super::{href, offers, press};
use crate::console::access::Signed;
use crate::console::form::{FieldFaults, Form};
use crate::console::page::{Flash, see_other};
use crate::console::view::View;
use crate::domain::id::BroadcastId;
use crate::domain::operator::Permission;
use crate::http::{RequestId, client, errors, params};
use crate::service::Services;
use crate::service::broadcasts;
use crate::{Error, Result};

/// Why nothing was done, in this person's words.
pub(super) fn why(view: &View, error: &Error) -> String {
    match error {
        Error::Conflict { code: "broadcast_state", .. } => view.t("refused-state"),
        Error::Conflict { code: "broadcast_lapsed", .. } => view.t("refused-lapsed"),
        Error::Conflict { code: "broadcast_changed", .. } => view.t("refused-changed"),
        Error::Conflict { code: "broadcast_open", .. } => view.t("refused-open"),
        Error::Conflict { code: "broadcast_said", .. } => view.t("refused-said"),
        Error::Conflict { code: "override_too_early", .. } => view.t("refused-early"),
        Error::Conflict { code: "try_again", .. } => view.t("refused-again"),
        Error::Forbidden { permission, .. } if permission == Permission::EmergencyApprove.name() => {
            view.t("refused-hand")
        }
        Error::Forbidden { .. } => view.t("refused-own"),
        other => other.to_string(),
    }
}

/// An act on its way: who, on which, from where, by which form.
struct Doing<'a> {
    s: &'a Services,
    signed: &'a Signed,
    id: BroadcastId,
    request_id: String,
    from: Option<std::net::IpAddr>,
}

impl<'a> Doing<'a> {
    async fn new(request: &HttpRequest, s: &'a Services, signed: &'a Signed, id: &str) -> Result<Self> {
        // Who may not see broadcasts learns of none.
        broadcasts::may_see_any(&signed.caller)?;
        let id: BroadcastId = params::id(id, "broadcast")?;
        if !signed.may(Permission::EmergencyView) {
            // Who only practises acts on drills alone.
            broadcasts::look(s, &signed.caller, id).await?;
        }
        let request_id = request.extensions().get::<RequestId>().map(|id| id.as_str().to_owned());
        Ok(Self {
            s,
            signed,
            id,
            request_id: request_id.unwrap_or_default(),
            from: Some(client::address(request)),
        })
    }

    /// What came of it: the broadcast, with what was done or why nothing was. `needs`: whoever lacks that is told so as
    /// elsewhere.
    async fn answer(
        &self,
        done: Result<()>,
        key: &str,
        needs: Permission,
        typed: Typed,
    ) -> Result<HttpResponse> {
        let view = self.signed.view();
        match done {
            Ok(()) => {
                self.signed.say(&Flash::good(view.t(key)))?;
                Ok(see_other(&href(self.id)))
            }
            Err(Error::Invalid(faults)) => {
                let faults = FieldFaults::new(&view, &faults);
                let typed = Typed { faults, ..typed };
                let response = HttpResponse::UnprocessableEntity();
                refused(self.s, self.signed, self.id, response, None, typed).await
            }
            Err(error @ Error::Conflict { .. }) => self.refuse(&error, typed).await,
            // Who may do such things, and not this one.
            Err(error @ Error::Forbidden { .. }) if self.signed.may(needs) => {
                self.refuse(&error, typed).await
            }
            Err(other) => Err(other),
        }
    }

    /// What goes to everybody who was told is held or its code typed, as a press is; where it was neither, the page says so
    /// at the field.
    async fn unless_meant(&self, act: &'static str, form: &Form) -> Result<Option<HttpResponse>> {
        let row = broadcasts::look(self.s, &self.signed.caller, self.id).await?;
        if !offers::may_end(self.signed, &row) {
            self.signed.caller.require(Permission::EmergencyStop)?;
        }
        let code = &row.plan.0.scenario.code;
        if press::is_meant(form, code) {
            return Ok(None);
        }
        let fault = self.signed.view().t1("press-code-wrong", "code", code);
        let faults = [("code".to_owned(), fault)].into_iter().collect();
        let typed = Typed { faults, ..typed(act, form) };
        let response = HttpResponse::UnprocessableEntity();
        refused(self.s, self.signed, self.id, response, None, typed).await.map(Some)
    }

    async fn refuse(&self, error: &Error, typed: Typed) -> Result<HttpResponse> {
        let why = why(&self.signed.view(), error);
        refused(self.s, self.signed, self.id, errors::begin(error), Some(why), typed).await
    }
}

fn typed(act: &'static str, form: &Form) -> Typed {
    Typed { act, reason: form.text("reason").to_owned(), faults: FieldFaults::default() }
}

pub(in crate::console) async fn approve(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    let version = form.text("version").parse().unwrap_or(0);
    let done = broadcasts::approve(&s, &signed.caller, it.from, it.id, version, &it.request_id).await;
    it.answer(done, "did-approve", Permission::EmergencyApprove, Typed::default()).await
}

pub(in crate::console) async fn reject(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    let done = broadcasts::reject(&s, &signed.caller, it.from, it.id, form.text("reason")).await;
    it.answer(done, "did-reject", Permission::EmergencyApprove, typed("reject", &form)).await
}

pub(in crate::console) async fn send_back(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    let done = broadcasts::send_back(&s, &signed.caller, it.from, it.id, form.text("reason")).await;
    it.answer(done, "did-return", Permission::EmergencyApprove, typed("return", &form)).await
}

pub(in crate::console) async fn withdraw(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    let done = broadcasts::withdraw(&s, &signed.caller, it.from, it.id, form.text("reason")).await;
    it.answer(done, "did-withdraw", Permission::EmergencyView, typed("withdraw", &form)).await
}

pub(in crate::console) async fn submit(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    let done = broadcasts::submit(&s, &signed.caller, it.from, it.id).await;
    it.answer(done, "did-submit", Permission::EmergencyFire, Typed::default()).await
}

/// Goes on without a second person: held for its time, or with the code typed.
pub(in crate::console) async fn go_alone(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    signed.caller.require(Permission::EmergencyFire)?;
    let mut typed = typed("override", &form);
    let code = broadcasts::look(&s, &signed.caller, it.id).await?.plan.0.scenario.code;
    if !press::is_meant(&form, &code) {
        let fault = signed.view().t1("press-code-wrong", "code", code);
        typed.faults = [("code".to_owned(), fault)].into_iter().collect();
        return refused(&s, &signed, it.id, HttpResponse::UnprocessableEntity(), None, typed).await;
    }
    let reason = form.text("reason");
    let version = Some(form.text("version").parse().unwrap_or(0));
    let done =
        broadcasts::go_alone(&s, &signed.caller, it.from, it.id, version, reason, &it.request_id).await;
    it.answer(done, "did-override", Permission::EmergencyFire, typed).await
}

pub(in crate::console) async fn stop(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    let stopped = match broadcasts::stop(&s, &signed.caller, it.from, it.id, "").await {
        Ok(stopped) => stopped,
        Err(error) => {
            return it.answer(Err(error), "did-stop", Permission::EmergencyStop, Typed::default()).await;
        }
    };
    let held: i64 = stopped.messages.iter().map(|(_, of)| of.stopped).sum();
    let recalled: i64 =
        stopped.messages.iter().flat_map(|(_, of)| &of.recall).map(|recall| recall.recalled).sum();
    let view = signed.view();
    let figure = |n: i64| view.number(n.unsigned_abs());
    let said = view.t2("did-stop", "held", figure(held), "recalled", figure(recalled));
    signed.say(&Flash::good(said))?;
    Ok(see_other(&href(it.id)))
}

pub(in crate::console) async fn correct(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    if let Some(refused) = it.unless_meant("correct", &form).await? {
        return Ok(refused);
    }
    let said = broadcasts::correct(&s, &signed.caller, it.from, it.id, &it.request_id).await;
    it.answer(said.map(drop), "did-correct", Permission::EmergencyStop, Typed::default()).await
}

pub(in crate::console) async fn all_clear(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    if let Some(refused) = it.unless_meant("all_clear", &form).await? {
        return Ok(refused);
    }
    let said = broadcasts::all_clear(&s, &signed.caller, it.from, it.id, &it.request_id).await;
    it.answer(said.map(drop), "did-all_clear", Permission::EmergencyStop, Typed::default()).await
}

pub(in crate::console) async fn review(
    request: HttpRequest,
    s: Data<Services>,
    signed: Signed,
    id: Path<String>,
    form: Form,
) -> Result<HttpResponse> {
    let it = Doing::new(&request, &s, &signed, &id).await?;
    let done = broadcasts::review(&s, &signed.caller, it.from, it.id, form.text("reason")).await;
    it.answer(done, "did-review", Permission::EmergencyApprove, typed("review", &form)).await
}
