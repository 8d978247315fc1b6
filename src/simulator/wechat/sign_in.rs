//! The page where somebody lets a site know who they are, and the codes that the site exchanges for it.

use std::collections::HashMap;

use quick_xml::escape::escape;
use url::Url;

use super::answer::Refusal;
use super::unguessable;
use crate::simulator::http::{Answer, Request};

/// A code is good for so long, in milliseconds.
const GOOD: i64 = 5 * 60_000;
/// Beyond so many all are forgotten, which no test comes near.
const REMEMBERED: usize = 100_000;

#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct SignIn {
    pub(in crate::simulator) who: String,
    pub(in crate::simulator) scope: String,
}

/// Codes that were given out.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Codes(HashMap<String, (SignIn, i64, bool)>);

impl Codes {
    pub(in crate::simulator) fn issue(&mut self, who: &str, scope: &str, now: i64) -> String {
        if self.0.len() > REMEMBERED {
            self.0.clear();
        }
        let code = unguessable();
        let sign_in = SignIn { who: who.to_owned(), scope: scope.to_owned() };
        self.0.insert(code.clone(), (sign_in, now + GOOD, false));
        code
    }

    /// Once.
    pub(in crate::simulator) fn redeem(&mut self, code: &str, now: i64) -> Result<SignIn, Refusal> {
        match self.0.get_mut(code) {
            Some((_, _, true)) => Err(Refusal::new(40_163, "code been used")),
            Some((sign_in, until, used)) if *until > now => {
                *used = true;
                Ok(sign_in.clone())
            }
            _ => Err(Refusal::new(40_029, "invalid code")),
        }
    }
}

/// Who wants to know, in whose name.
#[derive(Clone, Copy, Debug)]
pub(in crate::simulator) struct Asked<'a> {
    pub(in crate::simulator) id: &'a str,
    pub(in crate::simulator) scopes: &'a [&'a str],
    pub(in crate::simulator) title: &'a str,
}

/// The page of `/connect/oauth2/authorize`. Where the address names somebody in `as`, it leads back at once, as it does
/// in the hand of somebody who is known; else it asks who is there.
pub(in crate::simulator) fn authorize(
    request: &Request,
    asked: &Asked<'_>,
    known: &[String],
    issue: impl FnOnce(&str, &str) -> String,
) -> Answer {
    let query = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
    if query("appid") != asked.id {
        return page(asked.title, "<p>Scope 参数错误或没有 Scope 权限（10005）: appid</p>");
    }
    if query("response_type") != "code" || !asked.scopes.contains(&query("scope")) {
        return page(asked.title, "<p>Scope 参数错误或没有 Scope 权限（10005）</p>");
    }
    let back = Url::parse(query("redirect_uri")).ok().filter(|url| ["http", "https"].contains(&url.scheme()));
    let Some(mut back) = back else {
        return page(asked.title, "<p>redirect_uri 域名与后台配置不一致（10003）</p>");
    };
    let who = query("as");
    if who.is_empty() {
        return page(asked.title, &chooser(request, known, "允许"));
    }
    let code = issue(who, query("scope"));
    back.query_pairs_mut().append_pair("code", &code).append_pair("state", query("state"));
    Answer::Other { status: 302, headers: vec![("Location", back.to_string())], body: Vec::new() }
}

/// A form that asks for the same address again, with the answer to "who is there" in `as`.
pub(in crate::simulator) fn chooser(request: &Request, known: &[String], button: &str) -> String {
    let kept: String = request
        .query
        .iter()
        .map(|(name, value)| {
            format!(
                "<input type=\"hidden\" name=\"{}\" value=\"{}\">",
                escape(name.as_str()),
                escape(value.as_str())
            )
        })
        .collect();
    let options: String =
        known.iter().map(|who| format!("<option value=\"{}\">", escape(who.as_str()))).collect();
    format!(
        "<form action=\"{}\">{kept}<label>谁拿着这部手机？ <input name=\"as\" list=\"known\" required></label>\
         <datalist id=\"known\">{options}</datalist> <button>{button}</button></form>",
        escape(request.path.as_str())
    )
}

pub(in crate::simulator) fn page(title: &str, body: &str) -> Answer {
    let body = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width\"><title>{title}</title><h1>{title}</h1>{body}</html>"
    );
    let headers = vec![("Content-Type", "text/html; charset=utf-8".to_owned())];
    Answer::Other { status: 200, headers, body: body.into_bytes() }
}
