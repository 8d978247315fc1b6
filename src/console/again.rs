//! Before a grave act: whoever is signed in proves once more who they are, unless they did so only just. A session that is left
//! open, or stolen, changes no rights and learns no secrets.
//!
//! What was filled in is not lost: it goes along, sealed, with the question, whose answer is sent to where the form was
//! sent to. Nothing is kept here, and what was typed into the form never comes back to be read.

use std::time::Duration;

use actix_web::dev::Payload;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use futures_util::future::LocalBoxFuture;
use serde::{Deserialize, Serialize};

use super::access::{self, Signed};
use super::door;
use super::form::{FieldFaults, Form};
use super::page::{self, Shell, Theme};
use super::view::View;
use crate::clock::Timestamp;
use crate::domain::id::OperatorId;
use crate::http::{client, errors};
use crate::service::Services;
use crate::service::operators::{self, Proofs};
use crate::{Error, Result};

/// What whoever must prove themselves once more lacks.
pub(super) const PROOF: &str = "proof";

const HELD: &str = "held";
/// What is sealed for something else opens nothing here.
const PURPOSE: &str = "form that waits for a proof";
/// For so long an answer is waited for.
const WAITS: Duration = Duration::from_mins(10);

/// A form whose act is grave. The handler that takes one is called only for an operator who proved who they are within the
/// last minutes.
#[derive(Clone, Debug)]
pub struct Grave(pub Form);

impl FromRequest for Grave {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, payload: &mut Payload) -> Self::Future {
        let form = Form::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let form = form.await?;
            let signed = Signed::extract(&request).await?;
            let s = access::services(&request)?;
            settle(&request, &s, &signed, form).await.map(Self)
        })
    }
}

/// The form that is to be acted on, if it may be.
async fn settle(request: &HttpRequest, s: &Services, signed: &Signed, form: Form) -> Result<Form> {
    let is_answer = !form.text(HELD).is_empty();
    let (form, password, code) = if is_answer {
        let held = Held::open(s, request, signed, form.text(HELD))?;
        let proofs = (form.exact("proof_password").to_owned(), form.text("proof_code").to_owned());
        (held, proofs.0, proofs.1)
    } else {
        (form, String::new(), String::new())
    };
    if signed.is_fresh()? {
        return Ok(form);
    }
    let proofs = operators::proofs(s, &signed.operator).await?;
    let refusal = if is_answer {
        match operators::prove(s, &signed.operator, &password, &code, client::address(request)).await {
            Ok(()) => {
                signed.note_proof()?;
                return Ok(form);
            }
            Err(error @ (Error::Invalid(_) | Error::RateLimited { .. })) => Some(error),
            Err(other) => return Err(other),
        }
    } else {
        None
    };
    let held = Held::seal(s, request, signed, form)?;
    let email = signed.operator.email.clone();
    request.extensions_mut().insert(Question { held, email, proofs, refusal });
    Err(Error::forbidden(PROOF, "prove once more who you are"))
}

/// A form that waits.
#[derive(Serialize, Deserialize)]
struct Held {
    purpose: String,
    /// Whose it is, in which of their sessions, and where it was sent to.
    operator: OperatorId,
    session: String,
    path: String,
    until: Timestamp,
    fields: Vec<(String, String)>,
}

impl Held {
    fn seal(s: &Services, request: &HttpRequest, signed: &Signed, form: Form) -> Result<String> {
        let held = Self {
            purpose: PURPOSE.to_owned(),
            operator: signed.operator.id,
            session: signed.session_name()?,
            path: request.path().to_owned(),
            until: s.clock.now().plus(WAITS),
            fields: form.into_fields(),
        };
        let held = serde_json::to_vec(&held).map_err(Error::internal)?;
        Ok(URL_SAFE_NO_PAD.encode(s.vault.seal(&held)))
    }

    fn open(s: &Services, request: &HttpRequest, signed: &Signed, held: &str) -> Result<Form> {
        let stale = || Error::forbidden(access::STALE_FORM, "the form that waited is not this one");
        let sealed = URL_SAFE_NO_PAD.decode(held).map_err(|_| stale())?;
        let opened = s.vault.open_sealed(&sealed).map_err(|_| stale())?;
        let held: Self = serde_json::from_slice(&opened).map_err(|_| stale())?;
        let is_theirs = held.operator == signed.operator.id && held.session == signed.session_name()?;
        let is_here = held.purpose == PURPOSE && held.path == request.path();
        if is_theirs && is_here && s.clock.now() < held.until {
            Ok(Form::resumed(held.fields))
        } else {
            Err(stale())
        }
    }
}

/// What is to be asked, on its way from the form to the page.
struct Question {
    held: String,
    email: String,
    proofs: Proofs,
    refusal: Option<Error>,
}

#[derive(Debug, Template)]
#[template(path = "console/again.html")]
pub struct AgainPage {
    pub shell: Shell,
    /// Where the form was sent to.
    pub action: String,
    pub held: String,
    /// Whose password it is, for whatever fills it in.
    pub email: String,
    pub proofs: Proofs,
    pub faults: FieldFaults,
    pub refusal: Option<String>,
}

impl AgainPage {
    fn password_hint(&self) -> String {
        if self.proofs.code { self.shell.view.t("again-or-password") } else { String::new() }
    }
}

/// The question, in the place of the act.
pub(super) fn ask(request: &HttpRequest) -> Result<HttpResponse> {
    let question = request.extensions_mut().remove::<Question>();
    let Question { held, email, proofs, refusal } =
        question.ok_or_else(|| Error::internal("nothing to ask"))?;
    let shell = access::gate_shell(request)?;
    let (faults, said, response) = match &refusal {
        None => (FieldFaults::default(), None, HttpResponse::Ok()),
        Some(error) => told(&shell.view, error),
    };
    let page =
        AgainPage { shell, action: request.path().to_owned(), held, email, proofs, faults, refusal: said };
    page::answer(response, &page)
}

fn told(view: &View, error: &Error) -> (FieldFaults, Option<String>, actix_web::HttpResponseBuilder) {
    match error {
        Error::Invalid(faults) => (FieldFaults::new(view, faults), None, HttpResponse::UnprocessableEntity()),
        Error::RateLimited { retry_after } => {
            (FieldFaults::default(), Some(door::wait(view, *retry_after)), errors::begin(error))
        }
        _ => (FieldFaults::default(), None, errors::begin(error)),
    }
}
