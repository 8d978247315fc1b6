//! Language and appearance: kept by the browser, and the language with the operator as well.

use actix_web::HttpResponse;
use actix_web::cookie::{Cookie, SameSite, time};
use actix_web::web::Data;

use super::access::Signed;
use super::form::Form;
use super::page::{Theme, local_path, see_other};
use crate::Result;
use crate::config::Language;
use crate::http::locale;
use crate::service::{Services, operators};

pub(super) async fn change(s: Data<Services>, signed: Option<Signed>, form: Form) -> Result<HttpResponse> {
    let mut response = see_other(local_path(form.text("return_to")).unwrap_or("/console"));
    let kept = |name, value: &'static str| {
        Cookie::build(name, value)
            .path("/")
            .max_age(time::Duration::days(365))
            .secure(s.campus.public_url.scheme() == "https")
            .http_only(true)
            .same_site(SameSite::Lax)
            .finish()
    };
    let mut cookies = Vec::new();
    if let Some(language) = Language::from_tag(form.text("language")) {
        cookies.push(kept(locale::COOKIE, language.as_str()));
        if let Some(signed) = signed {
            operators::change_language(&s, &signed.operator, Some(language)).await?;
        }
    }
    let theme = Theme::ALL.into_iter().find(|theme| theme.name() == form.text("theme"));
    cookies.extend(theme.map(|theme| kept(Theme::COOKIE, theme.name())));
    for cookie in cookies {
        response.add_cookie(&cookie).map_err(crate::Error::internal)?;
    }
    Ok(response)
}
