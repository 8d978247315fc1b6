//! What every page has around it, and the page for a link that leads nowhere.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderName};
use actix_web::web::Data;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use jiff::tz::TimeZone;
use url::form_urlencoded;

use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::letterhead::LogoName;
use crate::http::{errors, locale};
use crate::service::{Services, letterhead};
use crate::{Error, Result};

const ROBOTS: HeaderName = HeaderName::from_static("x-robots-tag");
/// The parameter by which a page's language is switched. A cookie would be one to explain.
const SWITCH: &str = "lang";

/// The frame around a page.
#[derive(Clone, Debug)]
pub(super) struct Frame {
    pub(super) language: Language,
    pub(super) campus: String,
    /// Where the campus's logo is served.
    pub(super) logo: Option<String>,
    /// Whom to turn to.
    pub(super) contact: String,
    /// This page's path.
    path: String,
    zone: TimeZone,
}

impl Frame {
    /// `own`: the person's language tag, where it is known.
    pub(super) fn new(request: &HttpRequest, s: &Data<Services>, own: Option<&str>) -> Self {
        let language = asked(request).or(own.and_then(spoken)).unwrap_or(s.campus.language);
        let head = Arc::clone(&letterhead::now(s).head);
        Self {
            campus: head.name(language.as_str()).unwrap_or(&s.campus.name).to_owned(),
            logo: head.logo.as_ref().map(LogoName::address),
            contact: head.contact.clone(),
            language,
            path: request.path().to_owned(),
            zone: s.campus.time_zone.clone(),
        }
    }

    /// As of the page at that path, where this one's cannot be opened again.
    pub(super) fn at(self, path: String) -> Self {
        Self { path, ..self }
    }

    pub(super) fn t(&self, key: &str) -> String {
        locale::text(self.language, key, None)
    }

    /// A text with one value filled in.
    pub(super) fn t1(&self, key: &str, name: &'static str, value: &str) -> String {
        self.fill(key, &[(name, value)])
    }

    /// A text with several values filled in.
    pub(super) fn fill(&self, key: &str, values: &[(&'static str, &str)]) -> String {
        let arguments: locale::Arguments =
            values.iter().map(|(name, value)| ((*name).into(), (*value).to_owned().into())).collect();
        locale::text(self.language, key, Some(&arguments))
    }

    /// Where a form of this page goes, which is answered in its language.
    pub(super) fn here(&self) -> String {
        self.in_language(self.language)
    }

    /// Where a form leads back to: the page in the language that was asked for, or in the person's own.
    pub(super) fn here_as(&self, asked: Option<Language>) -> String {
        asked.map_or_else(|| self.path.clone(), |language| self.in_language(language))
    }

    /// A path of this face in this page's language.
    pub(super) fn on(&self, path: &str) -> String {
        format!("{path}?{SWITCH}={}", self.language.as_str())
    }

    fn in_language(&self, language: Language) -> String {
        format!("{}?{SWITCH}={}", self.path, language.as_str())
    }

    /// The other language's tag, what it calls itself, and this page in it.
    pub(super) fn other(&self) -> (&'static str, &'static str, String) {
        let other = match self.language {
            Language::SimplifiedChinese => Language::English,
            Language::English => Language::SimplifiedChinese,
        };
        (other.as_str(), locale::own_name(other), self.in_language(other))
    }

    /// A day on the campus's calendar.
    pub(super) fn day(&self, at: Timestamp) -> String {
        let at = at.to_jiff().to_zoned(self.zone.clone());
        match self.language {
            Language::SimplifiedChinese => at.strftime("%Y年%-m月%-d日"),
            Language::English => at.strftime("%-d %B %Y"),
        }
        .to_string()
    }

    /// A moment on the campus's clock, for a machine and for people.
    pub(super) fn time(&self, at: Timestamp) -> (String, String) {
        let at = at.to_jiff().to_zoned(self.zone.clone());
        let words = match self.language {
            Language::SimplifiedChinese => at.strftime("%Y年%-m月%-d日 %H:%M"),
            Language::English => at.strftime("%-d %B %Y, %H:%M"),
        };
        (at.strftime("%Y-%m-%dT%H:%M:%S%:z").to_string(), words.to_string())
    }
}

/// The language this page was switched to, or this browser, as that of an operator.
pub(super) fn asked(request: &HttpRequest) -> Option<Language> {
    let switch = form_urlencoded::parse(request.query_string().as_bytes())
        .find_map(|(name, value)| if name == SWITCH { Language::from_tag(&value) } else { None });
    switch.or_else(|| locale::switched(request))
}

/// The page's language for a person of that tag.
fn spoken(tag: &str) -> Option<Language> {
    let primary = tag.split('-').next().unwrap_or(tag);
    match primary.to_ascii_lowercase().as_str() {
        "zh" => Some(Language::SimplifiedChinese),
        "en" => Some(Language::English),
        _ => None,
    }
}

/// A page as an answer: kept by no cache, found by no search engine, and its address told to no other site.
pub(super) fn answer(mut response: HttpResponseBuilder, page: &impl Template) -> Result<HttpResponse> {
    let body = page.render().map_err(Error::internal)?;
    Ok(response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .insert_header((ROBOTS, "noindex, nofollow"))
        .body(body))
}

/// The page for a link that leads nowhere, or not any more.
#[derive(Debug, Template)]
#[template(path = "recipient/gone.html")]
struct GonePage {
    frame: Frame,
}

/// What is shown instead of a page. Errors that are nobody's link are rendered as everywhere.
pub(super) fn refuse(request: &HttpRequest, s: &Data<Services>, error: Error) -> Result<HttpResponse> {
    match error {
        Error::NotFound(_) => {
            let frame = Frame::new(request, s, None);
            answer(errors::begin(&error), &GonePage { frame })
        }
        other => Err(other),
    }
}

#[cfg(test)]
mod tests {
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_language_is_asked_for_by_the_address_before_the_browser() {
        let request = |uri: &str| TestRequest::with_uri(uri).cookie(Cookie::new("bt_language", "en"));
        let asked = |uri: &str| asked(&request(uri).to_http_request());
        assert_eq!(asked("/m/x?lang=zh-CN"), Some(Language::SimplifiedChinese));
        assert_eq!(asked("/m/x?lang=tlh"), Some(Language::English));
        assert_eq!(asked("/m/x"), Some(Language::English));
    }

    #[test]
    fn every_chinese_and_every_english_is_spoken() {
        for (tag, language) in [
            ("zh-CN", Some(Language::SimplifiedChinese)),
            ("zh-Hant-TW", Some(Language::SimplifiedChinese)),
            ("EN-gb", Some(Language::English)),
            ("fr", None),
            ("", None),
        ] {
            assert_eq!(spoken(tag), language, "{tag}");
        }
    }
}
