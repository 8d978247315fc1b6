//! An operator's own account: name, language, password, second factor and sessions.

pub mod factor;
pub mod sessions;

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;

use self::sessions::SessionLine;
use super::access::Signed;
use super::form::{FieldFaults, Form};
use super::label::Tone;
use super::page::{self, Flash, Shell, Theme, see_other};
use crate::config::Language;
use crate::domain::operator::Permission;
use crate::service::Services;
use crate::service::operators::{self, Factor, Proofs};
use crate::{Error, Result};

pub(super) const HOME: &str = "/console/account";
/// Recovery codes of which fewer are few.
const FEW: u64 = 4;

#[derive(Debug, Template)]
#[template(path = "console/account/account.html")]
pub struct AccountPage {
    pub shell: Shell,
    pub email: String,
    pub roles: Vec<String>,
    /// As it was filled in.
    pub name: String,
    /// Chosen by the operator; nothing: the campus's.
    pub language: Option<Language>,
    /// The campus id they may come in with, where the university's own sign-in leads in.
    pub campus: Option<String>,
    pub shortest: u32,
    pub proofs: Proofs,
    pub factor: Option<Factor>,
    /// Alarms may be told them.
    pub may_be_told: bool,
    pub sessions: Vec<SessionLine>,
    pub faults: FieldFaults,
}

impl AccountPage {
    pub fn has_few_codes(&self) -> bool {
        self.factor.is_some_and(|factor| factor.codes < FEW)
    }

    pub fn has_others(&self) -> bool {
        self.sessions.len() > 1
    }
}

async fn account_page(s: &Services, signed: &Signed) -> Result<AccountPage> {
    let (who, shell) = (&signed.operator, signed.shell(None)?);
    let open = operators::open_sessions(s, &signed.caller, who.id).await?;
    let this = signed.session_name()?;
    let campus = match operators::campus_sign_in(s).await? {
        Some(_) => operators::campus_id(s, &signed.caller, who.id).await?,
        None => None,
    };
    Ok(AccountPage {
        email: who.email.clone(),
        roles: who.roles.clone(),
        name: who.name.clone(),
        language: who.language,
        campus,
        shortest: operators::shortest_password(s).await?,
        proofs: operators::proofs(s, who).await?,
        factor: operators::factor(s, who.id).await?,
        may_be_told: signed.may(Permission::MessagesView),
        sessions: open
            .into_iter()
            .map(|session| SessionLine::new(&shell.view, session, &this, HOME))
            .collect(),
        faults: FieldFaults::default(),
        shell,
    })
}

pub(super) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    page::html(&account_page(&s, &signed).await?)
}

pub(super) async fn change(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    match operators::rename(&s, &signed.operator, form.text("name")).await {
        Ok(()) => {
            let language = Language::from_tag(form.text("language"));
            operators::change_language(&s, &signed.operator, language).await?;
            signed.say(&Flash::good(signed.view().t("account-saved")))?;
            Ok(see_other(HOME))
        }
        Err(Error::Invalid(faults)) => {
            let mut page = account_page(&s, &signed).await?;
            page.faults = FieldFaults::new(&page.shell.view, &faults);
            form.text("name").clone_into(&mut page.name);
            page.language = Language::from_tag(form.text("language"));
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

pub(super) async fn change_password(s: Data<Services>, signed: Signed, form: Form) -> Result<HttpResponse> {
    let (current, new) = (form.exact("current_password"), form.exact("password"));
    let changed = if new == form.exact("password_again") {
        operators::change_password(&s, &signed.operator, &signed.session_name()?, current, new).await
    } else {
        Err(Error::fault("/password_again", "mismatch", "the two do not match"))
    };
    match changed {
        Ok(ousted) => {
            signed.go_on_alone(ousted)?;
            signed.note_proof()?;
            signed.say(&Flash::good(signed.view().t("password-changed")))?;
            Ok(see_other(HOME))
        }
        Err(Error::Invalid(faults)) => {
            let mut page = account_page(&s, &signed).await?;
            page.faults = FieldFaults::new(&page.shell.view, &faults);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}
