//! `/problems/{code}`: what each problem means and what to change, in both languages, for people and programs.

mod catalogue;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use askama::Template;
use serde::Serialize;
use utoipa::ToSchema;

use super::errors::{self, Problem};
use super::locale;
use super::routes::routes;
use crate::config::Language;
use crate::service::Services;
use crate::{Error, Result};

routes! {
    "/problems" => { GET list }
    "/problems/{code}" => { GET show }
}

/// One kind of problem, explained.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Explained {
    /// The stable word.
    #[schema(example = "rate_limited")]
    pub code: &'static str,
    /// The HTTP status it comes with.
    #[schema(example = 429)]
    pub status: u16,
    pub en: Words,
    #[serde(rename = "zh-CN")]
    pub zh: Words,
}

/// An explanation in one language.
#[derive(Clone, Copy, Debug, Serialize, ToSchema)]
pub struct Words {
    pub title: &'static str,
    pub meaning: &'static str,
    /// What to change.
    pub remedy: &'static str,
}

/// All kinds of problem.
#[derive(Debug, Serialize, ToSchema)]
pub struct Kinds {
    #[schema(inline = false)]
    pub data: &'static [Explained],
}

#[derive(Template)]
#[template(path = "http/problem.html")]
struct ProblemPage<'a> {
    language: Language,
    explained: &'a Explained,
    words: &'a Words,
    /// What happened just now, when it is not looked up.
    happened: Option<&'a Problem<'a>>,
}

#[derive(Template)]
#[template(path = "http/problems.html")]
struct ProblemsPage {
    language: Language,
    kinds: Vec<(&'static Explained, &'static Words)>,
}

impl ProblemPage<'_> {
    fn t(&self, key: &str) -> String {
        locale::text(self.language, key, None)
    }
}

impl ProblemsPage {
    fn t(&self, key: &str) -> String {
        locale::text(self.language, key, None)
    }
}

/// Every kind of problem there is.
#[utoipa::path(get, path = "/problems", tag = "operation", responses((status = 200, body = Kinds)))]
pub async fn list(request: HttpRequest, s: web::Data<Services>) -> Result<HttpResponse> {
    if !errors::accepts_page(request.headers()) {
        return Ok(HttpResponse::Ok().json(Kinds { data: &catalogue::ALL }));
    }
    let language = language(&request, s.campus.language);
    let kinds = catalogue::ALL.iter().map(|e| (e, e.words(language))).collect();
    html(HttpResponse::Ok(), &ProblemsPage { language, kinds })
}

/// One kind of problem: what it means and what to change. A page for browsers.
#[utoipa::path(
    get, path = "/problems/{code}", tag = "operation",
    params(("code" = String, Path, description = "The `code` of a problem")),
    responses((status = 200, body = Explained), (status = 404, description = "There is no such kind of problem")),
)]
pub async fn show(
    request: HttpRequest,
    s: web::Data<Services>,
    code: web::Path<String>,
) -> Result<HttpResponse> {
    let explained = find(&code).ok_or(Error::NotFound("problem"))?;
    if !errors::accepts_page(request.headers()) {
        return Ok(HttpResponse::Ok().json(explained));
    }
    let language = language(&request, s.campus.language);
    let words = explained.words(language);
    html(HttpResponse::Ok(), &ProblemPage { language, explained, words, happened: None })
}

/// The page for a problem that happened to a person.
pub(super) fn page_of(
    problem: &Problem<'_>,
    language: Language,
    status: HttpResponseBuilder,
) -> HttpResponse {
    let explained = find(problem.code).unwrap_or(&catalogue::UNEXPLAINED);
    let page = ProblemPage { language, explained, words: explained.words(language), happened: Some(problem) };
    html(status, &page).unwrap_or_else(|_| HttpResponse::InternalServerError().finish())
}

/// The English title of a code.
pub(super) fn title(code: &str) -> &'static str {
    find(code).unwrap_or(&catalogue::UNEXPLAINED).en.title
}

fn find(code: &str) -> Option<&'static Explained> {
    catalogue::ALL.iter().find(|explained| explained.code == code)
}

impl Explained {
    fn words(&self, language: Language) -> &Words {
        match language {
            Language::English => &self.en,
            Language::SimplifiedChinese => &self.zh,
        }
    }
}

/// The language this browser was switched to, else the one it prefers of the two: whoever builds against the API may
/// never have seen the console.
pub(super) fn language(request: &HttpRequest, default: Language) -> Language {
    let header = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|v| v.to_str().ok());
    locale::switched(request).or_else(|| header.and_then(preferred)).unwrap_or(default)
}

fn preferred(accept_language: &str) -> Option<Language> {
    accept_language
        .split(',')
        .filter_map(|item| {
            let (tag, quality) = item.split_once(';').unwrap_or((item, "q=1"));
            let quality: f32 = quality.trim().strip_prefix("q=")?.parse().ok()?;
            let language = match tag.trim().get(..2)?.to_ascii_lowercase().as_str() {
                "zh" => Language::SimplifiedChinese,
                "en" => Language::English,
                _ => return None,
            };
            (quality > 0.0).then_some((quality, language))
        })
        // The first of those liked best.
        .reduce(|best, next| if next.0 > best.0 { next } else { best })
        .map(|(_, language)| language)
}

fn html(mut response: HttpResponseBuilder, page: &impl Template) -> Result<HttpResponse> {
    let body = page.render().map_err(Error::internal)?;
    Ok(response.content_type("text/html; charset=utf-8").body(body))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_browsers_preference_decides_the_language() {
        use Language::{English, SimplifiedChinese};
        assert_eq!(preferred("zh-CN,zh;q=0.9,en;q=0.8"), Some(SimplifiedChinese));
        assert_eq!(preferred("en-GB, zh;q=0.5"), Some(English));
        assert_eq!(preferred("fr, en;q=0.1, zh;q=0.2"), Some(SimplifiedChinese));
        assert_eq!(preferred("fr, zh;q=0"), None);
        assert_eq!(preferred("*, é;q=x, ,;"), None);
    }
}
