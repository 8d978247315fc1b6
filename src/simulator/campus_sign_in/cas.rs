//! CAS protocol 3.0: <https://apereo.github.io/cas/development/protocol/CAS-Protocol-Specification.html>.

use std::collections::HashMap;

use quick_xml::escape::escape;
use url::Url;

use super::faults::{SignInAct, SignInCall};
use super::server::Shared;
use super::{Account, pages, unguessable};
use crate::simulator::http::{Answer, Request};

/// A ticket is good for so long, in milliseconds.
const GOOD: i64 = 10_000;

/// Tickets that were given out: for whom, for which service, until when.
#[derive(Debug, Default)]
pub(super) struct Tickets(HashMap<String, (Account, String, i64)>);

pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    match (&*request.method, &*request.path) {
        ("GET", "/cas/login") => login(shared, request),
        ("GET", "/cas/p3/serviceValidate") => validate(shared, request),
        _ => pages::nowhere(),
    }
}

/// §2.1: the browser is asked who is there, and led back to the service with a ticket.
fn login(shared: &Shared, request: &Request) -> Answer {
    let Some(service) = request.query.get("service") else {
        return pages::said("没有指明要登录的系统。");
    };
    let Some(mut back) = pages::place(service) else { return pages::said("未认证授权的服务。") };
    let Some(account) = pages::who(shared, request) else { return pages::ask(shared, request) };
    let ticket = format!("ST-{}-simulated", unguessable());
    let until = shared.clock.now() + GOOD;
    shared.state().tickets.0.insert(ticket.clone(), (account, service.clone(), until));
    back.query_pairs_mut().append_pair("ticket", &ticket);
    pages::lead(&back)
}

/// §2.5: who has that ticket, once, if it was made for that service.
fn validate(shared: &Shared, request: &Request) -> Answer {
    let query = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
    shared.count(SignInCall::Validate);
    let (service, ticket) = (query("service"), query("ticket"));
    let checked = match shared.plan().pick(SignInCall::Validate) {
        Some(SignInAct::Refuse(code)) => Err((code, "simulated".to_owned())),
        Some(act) => return pages::act(&act),
        None if service.is_empty() || ticket.is_empty() => {
            Err(("INVALID_REQUEST".to_owned(), "service and ticket parameters are both required".to_owned()))
        }
        None => checked(shared, service, ticket),
    };
    let inside = match checked {
        Ok(account) => success(&account),
        Err((code, words)) => {
            shared.refused();
            let (code, words) = (escape(&*code), escape(&*words));
            format!("<cas:authenticationFailure code=\"{code}\">{words}</cas:authenticationFailure>")
        }
    };
    let body = format!(
        "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">\n  {inside}\n</cas:serviceResponse>\n"
    );
    let headers = vec![("Content-Type", "application/xml;charset=UTF-8".to_owned())];
    Answer::Other { status: 200, headers, body: body.into_bytes() }
}

/// A ticket is used up whatever comes of it (§3.1.1).
fn checked(shared: &Shared, service: &str, ticket: &str) -> Result<Account, (String, String)> {
    let now = shared.clock.now();
    let refuse = |code: &str, words: String| Err((code.to_owned(), words));
    match shared.state().tickets.0.remove(ticket) {
        Some((account, made_for, until)) if until > now => {
            let is_same = Url::parse(&made_for).ok() == Url::parse(service).ok();
            if is_same {
                return Ok(account);
            }
            refuse("INVALID_SERVICE", format!("Ticket '{ticket}' does not match supplied service"))
        }
        _ => refuse("INVALID_TICKET", format!("Ticket '{ticket}' not recognized")),
    }
}

/// Appendix A, with attributes as universities release them.
fn success(account: &Account) -> String {
    let [login, id, name] =
        [&account.login, &account.campus_id, &account.name].map(|text| escape(text.as_str()));
    format!(
        "<cas:authenticationSuccess>\n    <cas:user>{login}</cas:user>\n    <cas:attributes>\n      \
         <cas:authenticationDate>2026-09-21T22:13:20Z</cas:authenticationDate>\n      \
         <cas:employeeNumber>{id}</cas:employeeNumber>\n      <cas:cn>{name}</cas:cn>\n      \
         <cas:memberOf>students</cas:memberOf>\n      <cas:memberOf>library</cas:memberOf>\n    \
         </cas:attributes>\n  </cas:authenticationSuccess>"
    )
}
