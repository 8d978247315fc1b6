//! What opens in a browser, and answers that both ways have in common.

use quick_xml::escape::escape;
use url::Url;

use super::Account;
use super::faults::SignInAct;
use super::server::Shared;
use crate::simulator::http::{Answer, Request};

const TITLE: &str = "统一身份认证（模拟）";

/// Whoever the address names in `as`. A real one asks for a password; here everybody is whom they say, also somebody who is
/// not in the list.
pub(super) fn who(shared: &Shared, request: &Request) -> Option<Account> {
    let login = request.query.get("as").filter(|login| !login.is_empty())?;
    let known = shared.accounts.iter().find(|account| account.login == *login).cloned();
    Some(known.unwrap_or_else(|| Account::new(login, login)))
}

/// Asks for the same address again with the answer in `as`.
pub(super) fn ask(shared: &Shared, request: &Request) -> Answer {
    let kept: String = request.query.iter().map(|(name, value)| hidden(name, value)).collect();
    let people: String = shared
        .accounts
        .iter()
        .map(|Account { login, campus_id, name }| {
            let [login, campus_id, name] = [login, campus_id, name].map(|text| escape(text.as_str()));
            format!("<p><button name=\"as\" value=\"{login}\">{name}（{campus_id}）</button></p>")
        })
        .collect();
    let action = escape(request.path.as_str());
    page(&format!(
        "<p>模拟的登录页，不需要密码。请选择以谁的身份登录。</p><form action=\"{action}\">{kept}{people}</form>\
         <form action=\"{action}\">{kept}<p><label>其他人的学号或工号 <input name=\"as\" required></label> \
         <button>登录</button></p></form>"
    ))
}

fn hidden(name: &str, value: &str) -> String {
    format!("<input type=\"hidden\" name=\"{}\" value=\"{}\">", escape(name), escape(value))
}

pub(super) fn said(words: &str) -> Answer {
    page(&format!("<p>{words}</p>"))
}

fn page(body: &str) -> Answer {
    let style = "body{font:16px/1.6 sans-serif;max-width:26rem;margin:2rem auto;padding:0 1rem}\
                 button{font:inherit;padding:.4rem .8rem}input{font:inherit}";
    let body = format!(
        "<!doctype html><html lang=\"zh-CN\"><meta charset=\"utf-8\"><meta name=\"viewport\" \
         content=\"width=device-width\"><title>{TITLE}</title><style>{style}</style><h1>{TITLE}</h1>{body}</html>"
    );
    let headers = vec![("Content-Type", "text/html; charset=utf-8".to_owned())];
    Answer::Other { status: 200, headers, body: body.into_bytes() }
}

/// An address that a browser may be led to.
pub(super) fn place(text: &str) -> Option<Url> {
    Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https"))
}

pub(super) fn lead(to: &Url) -> Answer {
    Answer::Other { status: 302, headers: vec![("Location", to.to_string())], body: Vec::new() }
}

pub(super) fn nowhere() -> Answer {
    Answer::Json { status: 404, body: "{}".to_owned() }
}

/// What happens in place of an answer. What both ways say differently, they say themselves.
pub(super) fn act(act: &SignInAct) -> Answer {
    match act {
        SignInAct::Hang => Answer::Hang,
        SignInAct::Reset => Answer::Reset,
        SignInAct::Garbage => Answer::Garbage,
        SignInAct::Status(status) => {
            let headers = vec![("Content-Type", "text/html".to_owned())];
            Answer::Other { status: *status, headers, body: b"<html><h1>Bad Gateway</h1></html>".to_vec() }
        }
        SignInAct::Say(text) => {
            Answer::Other { status: 200, headers: Vec::new(), body: text.clone().into_bytes() }
        }
        SignInAct::Refuse(_) | SignInAct::Lie(_) => nowhere(),
    }
}
