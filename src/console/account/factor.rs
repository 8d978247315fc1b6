//! Setting up a second factor, renewing it and its recovery codes, doing without.
//!
//! A secret that waits for its first code is kept sealed in the session, as are recovery codes on their way from the form that made
//! them to the page that shows them once.

use actix_web::HttpResponse;
use actix_web::web::Data;
use askama::Template;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

use super::HOME;
use crate::console::access::{FACTOR_PAGE, Signed};
use crate::console::again::Grave;
use crate::console::form::FieldFaults;
use crate::console::label::Tone;
use crate::console::page::{self, Flash, Shell, Theme, see_other};
use crate::console::shown_once;
use crate::http::qr;
use crate::service::Services;
use crate::service::operators::{self, Factor};
use crate::{Error, Result};

/// Entries of a session.
const SECRET: &str = "factor_secret";
const CODES: &str = "recovery_codes";

#[derive(Debug, Template)]
#[template(path = "console/account/factor.html")]
pub struct FactorPage {
    pub shell: Shell,
    pub roles: Vec<String>,
    /// The one in force.
    pub factor: Option<Factor>,
    /// This operator must have one.
    pub is_required: bool,
    /// A secret that waits for its first code: the drawing of its address, and the secret as it is typed.
    pub offer: Option<(String, String)>,
    /// One waits, and is shown once its operator proved anew who they are.
    pub is_covered: bool,
    /// Just made, and never shown again.
    pub codes: Vec<String>,
    pub faults: FieldFaults,
}

impl FactorPage {
    /// All of them, as they are copied.
    pub fn listed(&self) -> String {
        self.codes.join("\n")
    }
}

fn keep(signed: &Signed, name: &str, sealed: &[u8]) -> Result<()> {
    signed.session.insert(name, URL_SAFE_NO_PAD.encode(sealed)).map_err(Error::internal)
}

fn kept(signed: &Signed, name: &str) -> Result<Option<Vec<u8>>> {
    let text = signed.session.get::<String>(name).map_err(Error::internal)?;
    text.map(|text| URL_SAFE_NO_PAD.decode(text)).transpose().map_err(Error::internal)
}

/// The secret that waits; where there is neither one nor a factor in force, a new one. Only for whoever proved only just
/// who they are: from a session left open nobody takes down a secret that its operator enrols with later.
fn waiting(s: &Services, signed: &Signed, factor: Option<Factor>) -> Result<Option<Vec<u8>>> {
    let secret = kept(signed, SECRET)?;
    if secret.is_some() || factor.is_some() {
        return Ok(secret);
    }
    let secret = operators::new_secret(s);
    keep(signed, SECRET, &secret)?;
    Ok(Some(secret))
}

async fn factor_page(s: &Services, signed: &Signed) -> Result<FactorPage> {
    let (who, shell) = (&signed.operator, signed.shell(None)?);
    let factor = operators::factor(s, who.id).await?;
    let is_covered = !signed.is_fresh()? && (factor.is_none() || signed.session.contains_key(SECRET));
    let secret = if is_covered { None } else { waiting(s, signed, factor)? };
    let offer = match secret {
        Some(secret) => {
            let offer = operators::offer(s, who, &secret)?;
            Some((qr::picture(&offer.address, &shell.view.t("factor-picture"))?, offer.text))
        }
        None => None,
    };
    Ok(FactorPage {
        roles: who.roles.clone(),
        factor,
        is_required: operators::needs_factor(s, who).await?,
        offer,
        is_covered,
        codes: Vec::new(),
        faults: FieldFaults::default(),
        shell,
    })
}

pub(in crate::console) async fn show(s: Data<Services>, signed: Signed) -> Result<HttpResponse> {
    let mut page = factor_page(&s, &signed).await?;
    if let Some(text) = shown_once::take(&s, &signed, CODES, FACTOR_PAGE)? {
        page.codes = text.lines().map(str::to_owned).collect();
    }
    page::html(&page)
}

pub(in crate::console) async fn act(
    s: Data<Services>,
    signed: Signed,
    Grave(form): Grave,
) -> Result<HttpResponse> {
    match form.text("act") {
        // Whoever gets here proved who they are.
        "show" => {}
        "renew" => keep(&signed, SECRET, &operators::new_secret(&s))?,
        "leave" => drop(signed.session.remove(SECRET)),
        "codes" => {
            let codes = operators::renew_codes(&s, &signed.operator).await?;
            show_once(&s, &signed, &codes)?;
        }
        "off" => {
            let ousted = operators::turn_off(&s, &signed.operator, &signed.session_name()?).await?;
            signed.session.remove(SECRET);
            signed.go_on_alone(ousted)?;
            signed.say(&Flash::good(signed.view().t("factor-is-off")))?;
            return Ok(see_other(HOME));
        }
        _ => return enrol(&s, &signed, form.text("code")).await,
    }
    Ok(see_other(FACTOR_PAGE))
}

async fn enrol(s: &Services, signed: &Signed, code: &str) -> Result<HttpResponse> {
    let Some(secret) = kept(signed, SECRET)? else { return Ok(see_other(FACTOR_PAGE)) };
    match operators::enrol(s, &signed.operator, &signed.session_name()?, &secret, code).await {
        Ok((codes, ousted)) => {
            signed.session.remove(SECRET);
            signed.go_on_alone(ousted)?;
            show_once(s, signed, &codes)?;
            signed.say(&Flash::good(signed.view().t("factor-is-on")))?;
            Ok(see_other(FACTOR_PAGE))
        }
        Err(Error::Invalid(faults)) => {
            let mut page = factor_page(s, signed).await?;
            page.faults = FieldFaults::new(&page.shell.view, &faults);
            page::answer(HttpResponse::UnprocessableEntity(), &page)
        }
        Err(other) => Err(other),
    }
}

fn show_once(s: &Services, signed: &Signed, codes: &[String]) -> Result<()> {
    shown_once::keep(s, signed, CODES, FACTOR_PAGE, &codes.join("\n"))
}
