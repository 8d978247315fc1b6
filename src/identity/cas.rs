//! CAS, as universities in China run it (统一身份认证): the Apereo CAS protocol, version 3.0. A browser goes to `/login` with the
//! address of a service, comes back there with a ticket, and `/p3/serviceValidate` says once whose ticket that is, if it was
//! made for that very service.

use reqwest::Client;
use serde_json::Value;
use url::Url;

use super::{Attempt, Proof, Returned, Trouble, get, unanswered, words};
use crate::channel::http::below;
use crate::channel::xml;

/// Bytes of an answer. What is in it are one person's attributes.
const LONGEST: usize = 64 * 1_024;
const VALIDATE: &str = "/p3/serviceValidate";

pub(super) struct Cas {
    /// What all its addresses begin with.
    base: Url,
    attribute: Option<String>,
    http: Client,
}

impl Cas {
    pub(super) fn new(base: Url, attribute: Option<String>, http: Client) -> Self {
        Self { base, attribute, http }
    }

    /// Nobody is sent to a server that is not there: that the address which is asked later answers anything, without
    /// parameters that it is a bad request, is seen first.
    pub(super) async fn address(&self, back: &Url, attempt: &Attempt) -> Result<Url, Trouble> {
        let answer = get(&self.http, below(&self.base, VALIDATE, &[]), &attempt.secrets()).await?;
        if answer.status >= 500 {
            return Err(Trouble::Down(format!("HTTP {}", answer.status)));
        }
        Ok(below(&self.base, "/login", &[("service", service(back, attempt).as_str())]))
    }

    pub(super) async fn prove(
        &self,
        back: &Url,
        attempt: &Attempt,
        returned: &Returned,
    ) -> Result<Proof, Trouble> {
        let ticket = &returned.ticket;
        // CAS Protocol 3.0.3, §3.1.1 and §3.7, and what servers add in their names. Anything else might be answered by a gateway in
        // between, as if the server were down.
        let is_ticket = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_');
        if !ticket.starts_with("ST-") || !ticket.bytes().all(is_ticket) {
            return Err(Trouble::Refused("the browser brings no ticket".to_owned()));
        }
        let service = service(back, attempt);
        let query = [("service", service.as_str()), ("ticket", ticket)];
        let mut secrets = attempt.secrets().to_vec();
        secrets.push(ticket);
        let answer = get(&self.http, below(&self.base, VALIDATE, &query), &secrets).await?;
        match answer.status {
            200 => read(&answer.body, self.attribute.as_deref(), &secrets),
            status => Err(unanswered(status, "serviceValidate")),
        }
    }
}

/// Our address, which the ticket is made for. What joins it with the browser is part of it.
fn service(back: &Url, attempt: &Attempt) -> Url {
    let mut service = back.clone();
    service.query_pairs_mut().append_pair("state", &attempt.state);
    service
}

/// Reads what `/p3/serviceValidate` says (§2.5 and appendix A). `attribute` holds the campus id; without one the user does.
/// `secrets` are kept out of what is said of it.
pub fn read(body: &[u8], attribute: Option<&str>, secrets: &[&str]) -> Result<Proof, Trouble> {
    let garbled = |why: &str| Trouble::Down(format!("its answer is none of CAS's: {}", words(why, secrets)));
    if body.len() > LONGEST {
        return Err(garbled("it is too long"));
    }
    let text = std::str::from_utf8(body).map_err(|_| garbled("it is not UTF-8"))?;
    let document = xml::read(text).map_err(|why| garbled(&why))?;
    let said = document.get("serviceResponse").ok_or_else(|| garbled("there is no serviceResponse"))?;
    match (said.get("authenticationSuccess"), said.get("authenticationFailure")) {
        (Some(success), None) => {
            let user = success.get("user").and_then(only).ok_or_else(|| garbled("it names nobody"))?;
            match attribute {
                None => Proof::of(&user),
                Some(name) => {
                    let value = success.get("attributes").and_then(|all| all.get(name)).and_then(only);
                    let value = value.ok_or_else(|| {
                        Trouble::Nameless(format!(
                            "there is not one attribute `{name}`, or it has several values"
                        ))
                    })?;
                    Proof::of(&value)
                }
            }
        }
        (None, Some(failure)) => {
            let code = failure.get("@code").and_then(only).unwrap_or_default();
            let said = words(&format!("{code} {}", only(failure).unwrap_or_default()), secrets);
            Err(if code == "INTERNAL_ERROR" { Trouble::Down(said) } else { Trouble::Refused(said) })
        }
        _ => Err(garbled("it is neither yes nor no")),
    }
}

/// The text of an element that is there once.
fn only(value: &Value) -> Option<String> {
    let text = match value {
        Value::String(text) => text,
        Value::Object(members) => members.get("#text")?.as_str()?,
        _ => return None,
    };
    Some(text.trim().to_owned()).filter(|text| !text.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(inside: &str) -> String {
        format!(
            "<cas:serviceResponse xmlns:cas=\"http://www.yale.edu/tp/cas\">{inside}</cas:serviceResponse>"
        )
    }

    fn success(inside: &str) -> String {
        answer(&format!("<cas:authenticationSuccess>{inside}</cas:authenticationSuccess>"))
    }

    fn id(text: &str, attribute: Option<&str>) -> Result<String, Trouble> {
        read(text.as_bytes(), attribute, &["ST-1"]).map(|proof| proof.campus_id)
    }

    #[test]
    fn a_person_is_the_user_or_one_of_their_attributes() {
        // Of the specification's appendix, with attributes as of 3.0.
        let text = success(
            "\n  <cas:user>username</cas:user>\n  <cas:attributes>\n    <cas:firstname>John</cas:firstname>\n    \
             <cas:affiliation>staff</cas:affiliation>\n    <cas:affiliation>faculty</cas:affiliation>\n    \
             <cas:employeeNumber>2024001</cas:employeeNumber>\n  </cas:attributes>\n  \
             <cas:proxyGrantingTicket>PGTIOU-84678-8a9d</cas:proxyGrantingTicket>\n",
        );
        assert_eq!(id(&text, None).unwrap(), "username");
        assert_eq!(id(&text, Some("employeeNumber")).unwrap(), "2024001");
        for several_or_none in ["affiliation", "studentNumber", "attributes"] {
            assert!(
                matches!(id(&text, Some(several_or_none)), Err(Trouble::Nameless(_))),
                "{several_or_none}"
            );
        }
        assert_eq!(id(&success("<cas:user>2024<!-- 9 -->001</cas:user>"), None).unwrap(), "2024001");
    }

    #[test]
    fn a_refusal_is_told_from_an_outage_and_holds_no_ticket() {
        let failure = |code: &str| {
            let text = format!(
                "<cas:authenticationFailure code=\"{code}\">Ticket ST-1 not recognized</cas:authenticationFailure>"
            );
            id(&answer(&text), None).unwrap_err()
        };
        let expected = Trouble::Refused("INVALID_TICKET Ticket *** not recognized".to_owned());
        assert_eq!(failure("INVALID_TICKET"), expected);
        assert!(matches!(failure("INVALID_SERVICE"), Trouble::Refused(_)));
        assert!(matches!(failure("INTERNAL_ERROR"), Trouble::Down(_)));
    }

    #[test]
    fn what_is_not_one_clear_answer_proves_nobody() {
        let user = "<cas:user>2024001</cas:user>";
        let failed = "<cas:authenticationFailure code=\"INVALID_TICKET\">x</cas:authenticationFailure>";
        let passed = format!("<cas:authenticationSuccess>{user}</cas:authenticationSuccess>");
        for text in [
            String::new(),
            "<html>".to_owned(),
            "{\"serviceResponse\": {}}".to_owned(),
            answer(""),
            answer(&format!("{passed}{failed}")),
            answer(&format!("{passed}{passed}")),
            answer(user),
            passed.clone(),
            success(&format!("{user}{user}")),
            success("<cas:user/>"),
            success("<cas:attributes><cas:user>2024001</cas:user></cas:attributes>"),
            format!("<!DOCTYPE a [<!ENTITY b \"2024001\">]>{}", success("<cas:user>&b;</cas:user>")),
            success(&format!("{user}{}", " ".repeat(LONGEST))),
        ] {
            assert!(matches!(id(&text, None), Err(Trouble::Down(_))), "{text}");
        }
    }
}
