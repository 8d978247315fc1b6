//! Who looks at a page: the signed-in operator behind its session, the token its forms carry, and what is shown
//! instead where something is refused.

use std::sync::Arc;
use std::time::Duration;

use actix_session::{Session, SessionExt as _};
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::cookie::Cookie;
use actix_web::dev::{Payload, ServiceRequest, ServiceResponse};
use actix_web::http::Method;
use actix_web::http::header::{self, HeaderName};
use actix_web::middleware::Next;
use actix_web::web::Data;
use actix_web::{FromRequest, HttpMessage as _, HttpRequest, HttpResponse};
use futures_util::future::LocalBoxFuture;
use serde::de::DeserializeOwned;
use url::{Position, Url};

use super::again;
use super::emergency;
use super::emergency::line::OpenLine;
use super::error::ErrorPage;
use super::page::{self, Flash, Section, Shell, SignedIn, Theme};
use super::view::View;
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::id::OperatorId;
use crate::domain::letterhead::LogoName;
use crate::domain::operator::Permission;
use crate::http::access::Who;
use crate::http::{RequestId, client, errors, locale, session as cookies};
use crate::service::alarms::{self, OpenAlarms};
use crate::service::broadcasts::{self, OpenBroadcast};
use crate::service::caller::OperatorCaller;
use crate::service::sessions::{self, OPERATOR};
use crate::service::sources::registrations;
use crate::service::{Caller, Services, attention, letterhead, operators};
use crate::{Error, Result};

/// No session, or one that has ended. Pages answer it by leading to the sign-in.
pub const SIGNED_OUT: Error = Error::Unauthenticated("sign in first");
/// What a form lacks that was made for another session.
pub const STALE_FORM: &str = "form";
/// What whoever must have a second factor lacks. Pages answer it by leading to where one is set up.
const FACTOR: &str = "second_factor";

/// Entries of a session beside its operator.
const TOKEN: &str = "csrf";
const FLASH: &str = "flash";
/// The cookie that stands for a browser before it has a session.
const VISIT: &str = "visit";
const TOKEN_BYTES: usize = 24;
/// When its operator last proved who they are, in epoch milliseconds.
const PROVED: &str = "proved_at";
/// For so long nobody is asked again.
const FRESH: Duration = Duration::from_mins(10);
/// Of what browsers say of themselves.
const LONGEST_BROWSER: usize = 300;
const NAME_BYTES: usize = 12;

/// What whoever must have a second factor may do before: have one.
const BEFORE_FACTOR: [&str; 2] = [FACTOR_PAGE, "/preferences"];
pub(super) const FACTOR_PAGE: &str = "/console/account/factor";

/// A signed-in operator's request. Asked for by every page behind the door.
#[derive(Clone)]
pub struct Signed {
    pub operator: OperatorCaller,
    pub caller: Caller,
    /// Goes into every form.
    pub csrf: String,
    pub session: Session,
    /// Deliveries that need attention, told in the navigation.
    troubled: u64,
    alarms: OpenAlarms,
    /// Changes of rights that wait for this operator.
    rights: u64,
    /// Registrations of sources that wait for this operator.
    registrations: u64,
    /// Broadcasts that are open; none for whoever may not see them.
    open: Arc<[OpenBroadcast]>,
    request: HttpRequest,
    services: Data<Services>,
}

impl Signed {
    /// Whether whoever asks holds the permission everywhere.
    pub fn may(&self, permission: Permission) -> bool {
        self.operator.powers.everywhere(permission)
    }

    /// Whether they hold it everywhere, or in some department at least.
    pub fn may_somewhere(&self, permission: Permission) -> bool {
        self.operator.powers.reach(permission).is_some()
    }

    /// Whether they hold it for what belongs to that department.
    pub fn may_in(&self, permission: Permission, department: &str) -> bool {
        self.operator.powers.reach(permission).is_some_and(|reach| reach.covers(department))
    }

    /// Whether they hold it for what belongs to that department; to none: for the whole campus.
    pub fn may_of(&self, permission: Permission, department: Option<&str>) -> bool {
        department.map_or_else(|| self.may(permission), |department| self.may_in(permission, department))
    }

    pub fn view(&self) -> View {
        view(&self.services, language(&self.request), self.csrf.clone())
    }

    /// Open alarms that this operator may look at.
    pub fn alarms(&self) -> OpenAlarms {
        self.alarms
    }

    /// Changes of rights that wait for this operator.
    pub const fn rights(&self) -> u64 {
        self.rights
    }

    /// Registrations of sources that wait for this operator.
    pub const fn registrations(&self) -> u64 {
        self.registrations
    }

    /// Broadcasts that are open or were sent alone and not looked at.
    pub fn open(&self) -> &[OpenBroadcast] {
        &self.open
    }

    /// Whether this operator proved who they are only just.
    pub fn is_fresh(&self) -> Result<bool> {
        let at = self.session.get::<Timestamp>(PROVED).map_err(Error::internal)?;
        let now = self.services.clock.now();
        Ok(at.is_some_and(|at| at <= now && now.since(at) < FRESH))
    }

    /// They did, once more.
    pub fn note_proof(&self) -> Result<()> {
        self.session.insert(PROVED, self.services.clock.now()).map_err(Error::internal)
    }

    /// How this session is called among the operator's.
    pub fn session_name(&self) -> Result<String> {
        Ok(self.session.get(sessions::NAME).map_err(Error::internal)?.unwrap_or_default())
    }

    /// The frame around a page of that room, or of none, with what is to be said of the last act.
    pub fn shell(&self, current: impl Into<Option<Section>>) -> Result<Shell> {
        let sections = [
            (Section::Overview, true),
            (Section::Compose, self.may_somewhere(Permission::MessagesCompose)),
            (Section::Messages, self.may_somewhere(Permission::MessagesView)),
            (Section::Held, self.may_somewhere(Permission::MessagesReview)),
            (Section::Attention, self.may_somewhere(Permission::MessagesView)),
            (Section::Alarms, self.may_somewhere(Permission::MessagesView)),
            (Section::People, self.may_somewhere(Permission::DirectoryView)),
            (Section::Groups, self.may_somewhere(Permission::DirectoryView)),
            (Section::Suppression, self.may(Permission::DirectoryView)),
            (Section::Rules, self.may(Permission::RoutingView)),
            (Section::Templates, self.may_somewhere(Permission::TemplatesView)),
            (Section::Sources, self.may_somewhere(Permission::SourcesView)),
            (Section::Providers, self.may(Permission::ProvidersView)),
            (Section::Operators, self.may(Permission::OperatorsView)),
            (Section::Roles, self.may(Permission::OperatorsView)),
            (Section::Audit, self.may(Permission::AuditView)),
            (Section::Settings, self.may(Permission::SettingsView)),
            (Section::System, self.may(Permission::SettingsView)),
            (Section::Mailbox, self.services.simulators.is_some() && self.may(Permission::DirectoryReveal)),
        ];
        let flash = self.take::<Flash>(FLASH);
        Ok(Shell {
            operator: Some(SignedIn { name: self.operator.name.clone(), roles: self.operator.roles.clone() }),
            sections: sections.into_iter().filter(|(_, open)| *open).map(|(section, _)| section).collect(),
            current: current.into(),
            troubled: self.troubled,
            alarms: self.alarms(),
            rights: self.rights,
            registrations: self.registrations,
            flash,
            emergency: emergency::Place::entrance(self).map(emergency::Place::home),
            open: OpenLine::of(&self.view(), &self.open),
            ..shell(&self.request, &self.services, self.csrf.clone())
        })
    }

    /// What was left in the session under that name, which is gone from then on. A session in which nothing was is not
    /// written: a page that loads beside this one may just be leaving something in it.
    pub fn take<T: DeserializeOwned + 'static>(&self, entry: &str) -> Option<T> {
        take(&self.session, entry)
    }

    /// Every other session of this operator has ended, and this one goes on under another key.
    pub fn go_on_alone(&self, ousted: i64) -> Result<()> {
        self.session.renew();
        self.session.insert(sessions::OUSTED, ousted).map_err(Error::internal)
    }

    /// Leaves something to be said on the next page.
    pub fn say(&self, flash: &Flash) -> Result<()> {
        self.session.insert(FLASH, flash).map_err(Error::internal)
    }
}

fn take<T: DeserializeOwned + 'static>(session: &Session, entry: &str) -> Option<T> {
    if !session.contains_key(entry) {
        return None;
    }
    session.remove_as(entry).and_then(Result::ok)
}

impl FromRequest for Signed {
    type Error = Error;
    type Future = LocalBoxFuture<'static, Result<Self>>;

    fn from_request(request: &HttpRequest, _: &mut Payload) -> Self::Future {
        let request = request.clone();
        Box::pin(async move {
            let services = services(&request)?;
            let session = request.get_session();
            let Some(id) = session.get::<OperatorId>(OPERATOR).map_err(Error::internal)? else {
                return Err(SIGNED_OUT);
            };
            let Some(operator) = operators::operator_of(&services, id).await? else {
                session.purge();
                return Err(SIGNED_OUT);
            };
            request.extensions_mut().insert(Who::Operator(id));
            if !BEFORE_FACTOR.contains(&request.path()) && operators::must_enrol(&services, &operator).await?
            {
                return Err(Error::forbidden(
                    FACTOR,
                    "your role must have a second factor; set one up first",
                ));
            }
            if let Some(chosen) = operator.language {
                request.extensions_mut().insert(chosen);
            }
            let csrf = token(&request)?;
            let caller = Caller::Operator(operator.clone());
            let whole = !page::wants_fragment(&request);
            let troubled = if whole { attention::count_for(&services, &caller).await? } else { 0 };
            // A page is worth showing without.
            let alarms = alarms::count_for(&services, &caller).await.unwrap_or_default();
            let rights = operators::waits_for(&services, &operator).await?;
            let registrations = if whole { registrations::waits_for(&services, &operator).await? } else { 0 };
            let open = if whole {
                broadcasts::open_now(&services, &caller).await.unwrap_or_default()
            } else {
                Arc::default()
            };
            Ok(Self {
                operator,
                caller,
                csrf,
                session,
                troubled,
                alarms,
                rights,
                registrations,
                open,
                request,
                services,
            })
        })
    }
}

/// Begins the session of an operator who has just proved who they are. Whatever the browser held before ends.
pub fn begin(request: &HttpRequest, s: &Services, operator: OperatorId, ousted: i64) -> Result<()> {
    let session = request.get_session();
    let agent = request.headers().get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    let browser: String = agent.unwrap_or_default().chars().take(LONGEST_BROWSER).collect();
    session.renew();
    session.clear();
    session.insert(OPERATOR, operator).map_err(Error::internal)?;
    session.insert(sessions::OUSTED, ousted).map_err(Error::internal)?;
    session.insert(TOKEN, s.vault.token(TOKEN_BYTES)).map_err(Error::internal)?;
    session.insert(PROVED, s.clock.now()).map_err(Error::internal)?;
    session.insert(sessions::NAME, s.vault.token(NAME_BYTES)).map_err(Error::internal)?;
    session.insert(sessions::ADDRESS, client::address(request)).map_err(Error::internal)?;
    session.insert(sessions::BROWSER, browser).map_err(Error::internal)
}

/// Begins the session of whoever owes a code, which opens nothing yet.
pub fn begin_owing(request: &HttpRequest, s: &Services, operator: OperatorId, ousted: i64) -> Result<()> {
    let session = request.get_session();
    session.renew();
    session.clear();
    session.insert(sessions::OWING, operator).map_err(Error::internal)?;
    session.insert(sessions::OUSTED, ousted).map_err(Error::internal)?;
    session.insert(TOKEN, s.vault.token(TOKEN_BYTES)).map_err(Error::internal)
}

/// The frame of a page before sign-in.
pub fn gate_shell(request: &HttpRequest) -> Result<Shell> {
    Ok(shell(request, services(request)?.get_ref(), token(request)?))
}

fn shell(request: &HttpRequest, s: &Services, csrf: String) -> Shell {
    let here = request.uri().path_and_query().map_or("/console", |path| path.as_str());
    // A page that answers a form cannot be come back to.
    let is_read = [Method::GET, Method::HEAD].contains(request.method());
    let view = view(s, language(request), csrf);
    let head = Arc::clone(&letterhead::now(s).head);
    Shell {
        theme: Theme::of(request),
        campus: head.name(view.language.as_str()).unwrap_or(&s.campus.name).to_owned(),
        short_name: head.short_name.clone(),
        logo: head.logo.as_ref().map(LogoName::address),
        view,
        operator: None,
        sections: Vec::new(),
        current: None,
        troubled: 0,
        alarms: OpenAlarms::default(),
        rights: 0,
        registrations: 0,
        flash: None,
        emergency: None,
        open: None,
        here: if is_read { here } else { "/console" }.to_owned(),
    }
}

fn view(s: &Services, language: Language, csrf: String) -> View {
    View { language, zone: s.campus.time_zone.clone(), now: s.clock.now(), csrf }
}

/// The operator's own choice, else the browser's, else the campus's.
fn language(request: &HttpRequest) -> Language {
    let chosen = request.extensions().get::<Language>().copied();
    chosen.unwrap_or_else(|| locale::of(request))
}

pub(super) fn services(request: &HttpRequest) -> Result<Data<Services>> {
    request.app_data::<Data<Services>>().cloned().ok_or_else(|| Error::internal("no services"))
}

/// What a browser without a session was told by, minted with this answer.
#[derive(Clone)]
struct Minted(String);

/// The token that forms of this browser carry. It is the session's where there is one; before that it follows from a
/// cookie that other sites can neither read nor set, so that somebody who only looks in costs the store nothing.
pub fn token(request: &HttpRequest) -> Result<String> {
    if let Some(token) = request.get_session().get::<String>(TOKEN).map_err(Error::internal)? {
        return Ok(token);
    }
    let s = services(request)?;
    let visit = match request.cookie(&cookies::cookie_name(&s, VISIT)) {
        Some(cookie) => cookie.value().to_owned(),
        None => minted(request, &s),
    };
    let print = s.vault.fingerprint("visit-token", visit.as_bytes());
    Ok(print.iter().map(|byte| format!("{byte:02x}")).collect())
}

fn minted(request: &HttpRequest, s: &Services) -> String {
    let mut extensions = request.extensions_mut();
    if let Some(Minted(visit)) = extensions.get() {
        return visit.clone();
    }
    let visit = s.vault.token(TOKEN_BYTES);
    extensions.insert(Minted(visit.clone()));
    visit
}

const HX_REDIRECT: HeaderName = HeaderName::from_static("hx-redirect");

/// Around every route of the console: shows what was refused as a page, leads to the sign-in, hands out the cookie that
/// forms before sign-in need.
pub async fn dress<B: MessageBody + 'static>(
    request: ServiceRequest,
    next: Next<B>,
) -> Result<ServiceResponse<EitherBody<B, BoxBody>>, actix_web::Error> {
    let response = next.call(request).await?;
    let request = response.request().clone();
    // Where no route is, whoever asked may be a program; what lies in the console is asked for by people.
    let is_for_people = request.match_pattern().is_some() || request.path().starts_with("/console/");
    let refused = response.response().error().filter(|_| is_for_people);
    let refused = refused.map(|error| errors::in_own_words(error, |error| refusal(&request, error)));
    let mut response = match refused {
        Some(refused) => response.into_response(refused?).map_into_right_body(),
        None => response.map_into_left_body(),
    };
    if let Some(cookie) = visit_cookie(&request) {
        response.response_mut().add_cookie(&cookie).map_err(Error::internal)?;
    }
    Ok(response)
}

fn visit_cookie(request: &HttpRequest) -> Option<Cookie<'static>> {
    let Minted(visit) = request.extensions().get::<Minted>().cloned()?;
    Some(cookies::cookie(services(request).ok()?.get_ref(), VISIT, visit))
}

fn refusal(request: &HttpRequest, error: &Error) -> Result<HttpResponse> {
    match error {
        Error::Unauthenticated(_) => return Ok(to_sign_in(request)),
        Error::Forbidden { permission, .. } if permission == FACTOR => return Ok(to(request, FACTOR_PAGE)),
        Error::Forbidden { permission, .. } if permission == again::PROOF => return again::ask(request),
        _ => {}
    }
    let shell = gate_shell(request)?;
    let id = request.extensions().get::<RequestId>().cloned();
    let id = id.map(|id| id.as_str().to_owned()).unwrap_or_default();
    let status = errors::status(error).as_u16();
    let page = match bad_link(&shell.view, error) {
        Some(why) => ErrorPage::of_link(shell, status, why, id),
        None => {
            let detail = explained(&shell.view, error);
            match error {
                Error::Forbidden { permission, .. } if permission == STALE_FORM => {
                    ErrorPage::of_stale_form(shell, status, id)
                }
                _ => ErrorPage::new(shell, status, detail, id),
            }
        }
    };
    page::answer(errors::begin(error), &page)
}

/// Why a one-time link is no good, where that is what is wrong.
fn bad_link(view: &View, error: &Error) -> Option<String> {
    match error {
        Error::NotFound("link") => Some(view.t("error-link-unknown")),
        Error::Conflict { code: "link_used", .. } => Some(view.t("conflict-link_used")),
        Error::Conflict { code: "link_expired", .. } => Some(view.t("conflict-link_expired")),
        Error::Conflict { code: "set_up_already", .. } => Some(view.t("conflict-set_up_already")),
        _ => None,
    }
}

/// What may be said beyond the status.
pub(super) fn explained(view: &View, error: &Error) -> Option<String> {
    if matches!(error, Error::Forbidden { permission, .. } if permission == broadcasts::BEYOND_DRILLS) {
        return Some(view.t("error-drills-only"));
    }
    let (key, detail) = match error {
        Error::Conflict { code, detail } => (format!("conflict-{code}"), detail.clone()),
        Error::Invalid(faults) => (String::new(), faults.first()?.detail.clone()),
        _ => return None,
    };
    match view.t(&key) {
        text if text == key => Some(detail),
        text => Some(text),
    }
}

fn to(request: &HttpRequest, path: &str) -> HttpResponse {
    if page::wants_fragment(request) {
        return HttpResponse::NoContent().insert_header((HX_REDIRECT, path)).finish();
    }
    page::see_other(path)
}

fn to_sign_in(request: &HttpRequest) -> HttpResponse {
    if request.method() != Method::GET {
        let mut known = vec![("undone", "1")];
        let from = sent_from(request);
        known.extend(from.as_deref().map(|from| ("return_to", from)));
        return to(request, &page::address("/sign-in", &known));
    }
    if page::wants_fragment(request) {
        return to(request, "/sign-in");
    }
    match request.uri().path_and_query() {
        Some(here) => page::see_other(&page::address("/sign-in", &[("return_to", here.as_str())])),
        None => page::see_other("/sign-in"),
    }
}

/// The page that a form was sent from, as its browser says.
fn sent_from(request: &HttpRequest) -> Option<String> {
    let page = Url::parse(request.headers().get(header::REFERER)?.to_str().ok()?).ok()?;
    Some(page[Position::BeforePath..Position::AfterQuery].to_owned())
}

#[cfg(test)]
mod tests {
    use actix_session::SessionStatus;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn what_is_not_there_is_taken_without_writing() {
        let session = TestRequest::default().to_http_request().get_session();
        assert_eq!(take::<String>(&session, "flash"), None);
        assert_eq!(session.status(), SessionStatus::Unchanged);
        session.insert("flash", "said").unwrap();
        assert_eq!(take::<String>(&session, "flash").as_deref(), Some("said"));
        assert!(!session.contains_key("flash"));
    }
}
