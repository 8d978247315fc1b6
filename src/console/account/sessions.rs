//! The sessions an operator has open, as people tell them apart, and ending them.

use actix_web::HttpResponse;
use actix_web::web::{Data, Path};

use super::HOME;
use crate::Result;
use crate::clock::Timestamp;
use crate::console::access::Signed;
use crate::console::form::Form;
use crate::console::page::{Flash, see_other};
use crate::console::view::View;
use crate::service::Services;
use crate::service::operators;
use crate::service::sessions::OpenSession;

/// Browsers by what is in their name for themselves, the more particular first: nearly all call themselves Chrome and Safari, too.
const BROWSERS: [(&str, &str); 8] = [
    ("wxwork/", "WeCom"),
    ("MicroMessenger/", "WeChat"),
    ("Edg/", "Edge"),
    ("OPR/", "Opera"),
    ("Firefox/", "Firefox"),
    ("HeadlessChrome/", "Chrome"),
    ("Chrome/", "Chrome"),
    ("Safari/", "Safari"),
];
const SYSTEMS: [(&str, &str); 8] = [
    ("HarmonyOS", "HarmonyOS"),
    ("Android", "Android"),
    ("iPhone", "iPhone"),
    ("iPad", "iPad"),
    ("Windows", "Windows"),
    ("Mac OS X", "macOS"),
    ("CrOS", "ChromeOS"),
    ("Linux", "Linux"),
];

/// One session.
#[derive(Clone, Debug)]
pub struct SessionLine {
    /// Where it is ended.
    pub end: String,
    pub browser: String,
    pub address: String,
    pub since: Timestamp,
    pub seen_at: Timestamp,
    /// The one that looks.
    pub is_this: bool,
}

impl SessionLine {
    /// `this` names the one that looks, `below` is the page it is listed on.
    pub fn new(view: &View, session: OpenSession, this: &str, below: &str) -> Self {
        Self {
            is_this: session.name == this,
            browser: in_words(&session.browser).unwrap_or_else(|| view.t("browser-unknown")),
            end: format!("{below}/sessions/{}/end", session.name),
            address: session.address,
            since: session.since,
            seen_at: session.seen_at,
        }
    }
}

/// `Edge · Windows`; nothing for what calls itself by no name that is known.
fn in_words(agent: &str) -> Option<String> {
    let found = |names: &[(&str, &'static str)]| {
        names.iter().find(|(part, _)| agent.contains(part)).map(|(_, name)| *name)
    };
    match (found(&BROWSERS), found(&SYSTEMS)) {
        (Some(browser), Some(system)) => Some(format!("{browser} · {system}")),
        (one, other) => one.or(other).map(str::to_owned),
    }
}

pub(in crate::console) async fn end(
    s: Data<Services>,
    signed: Signed,
    name: Path<String>,
    _: Form,
) -> Result<HttpResponse> {
    let which = |session: &OpenSession| session.name == *name;
    let ended = operators::end_sessions(&s, &signed.caller, signed.operator.id, which).await?;
    tell(&signed, ended)?;
    Ok(see_other(HOME))
}

pub(in crate::console) async fn end_others(
    s: Data<Services>,
    signed: Signed,
    _: Form,
) -> Result<HttpResponse> {
    let this = signed.session_name()?;
    let which = |session: &OpenSession| session.name != this;
    let ended = operators::end_sessions(&s, &signed.caller, signed.operator.id, which).await?;
    tell(&signed, ended)?;
    Ok(see_other(HOME))
}

/// Says how many ended.
pub(in crate::console) fn tell(signed: &Signed, ended: usize) -> Result<()> {
    let view = signed.view();
    signed.say(&match ended {
        0 => Flash::amber(view.t("sessions-none-ended")),
        n => Flash::good(view.count("sessions-ended", n as u64)),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn browsers_are_told_in_words() {
        for (agent, words) in [
            (
                "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/142.0.0.0 Safari/537.36 Edg/142.0.0.0",
                Some("Edge · Windows"),
            ),
            (
                "Mozilla/5.0 (iPhone; CPU iPhone OS 18_0 like Mac OS X) AppleWebKit/605.1.15 (KHTML, like Gecko) Mobile/15E148 MicroMessenger/8.0.50",
                Some("WeChat · iPhone"),
            ),
            (
                "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0",
                Some("Firefox · Linux"),
            ),
            (
                "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, like Gecko) Version/18.0 Safari/605.1.15",
                Some("Safari · macOS"),
            ),
            ("curl/8.5.0", None),
            ("", None),
        ] {
            assert_eq!(in_words(agent).as_deref(), words, "{agent}");
        }
    }
}
