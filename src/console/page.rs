//! What every page has around it: the frame with its navigation, the person signed in, the result of the last act.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};
use askama::Template;
use serde::{Deserialize, Serialize};
use url::form_urlencoded;

use super::emergency::line::OpenLine;
use super::view::{Markup, View, escape};
use crate::service::alarms::OpenAlarms;
use crate::service::attention::TOLD;
use crate::{Error, Result};

/// Rooms of the console, in the order of the navigation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Section {
    Overview,
    /// Messages that this operator is writing.
    Compose,
    Messages,
    /// Messages that wait for a reviewer.
    Held,
    /// Deliveries that failed, or of which nobody knows.
    Attention,
    /// What an operator should look at.
    Alarms,
    People,
    Groups,
    Suppression,
    Rules,
    Sources,
    Templates,
    Providers,
    /// Who may sign in, and what each may do.
    Operators,
    Roles,
    Audit,
    /// What the administrators decide for the whole campus.
    Settings,
    /// How the installation is doing.
    System,
    /// What the built-in simulator received; there only while it runs.
    Mailbox,
}

impl Section {
    pub const fn href(self) -> &'static str {
        match self {
            Self::Overview => "/console",
            Self::Compose => "/console/compose",
            Self::Messages => "/console/messages",
            Self::Held => "/console/held",
            Self::Attention => "/console/attention",
            Self::Alarms => "/console/alarms",
            Self::Sources => "/console/sources",
            Self::People => "/console/people",
            Self::Groups => "/console/groups",
            Self::Suppression => "/console/suppression",
            Self::Rules => "/console/rules",
            Self::Templates => "/console/templates",
            Self::Providers => "/console/providers",
            Self::Operators => "/console/operators",
            Self::Roles => "/console/roles",
            Self::Audit => "/console/audit",
            Self::Settings => "/console/settings",
            Self::System => "/console/system",
            Self::Mailbox => "/console/mailbox",
        }
    }

    pub const fn icon(self) -> &'static str {
        match self {
            Self::Overview => "overview",
            Self::Compose => "pen",
            Self::Messages => "message",
            Self::Held => "pause",
            Self::Attention => "failed",
            Self::Alarms => "bell",
            Self::Sources => "source",
            Self::People => "card",
            Self::Groups => "people",
            Self::Suppression => "ban",
            Self::Rules => "route",
            Self::Templates => "template",
            Self::Providers => "provider",
            Self::Operators => "person",
            Self::Roles => "shield",
            Self::Audit => "audit",
            Self::Settings => "gear",
            Self::System => "server",
            Self::Mailbox => "flask",
        }
    }

    /// What it is kept with in the navigation.
    pub const fn floor(self) -> Floor {
        match self {
            Self::Overview | Self::Compose | Self::Messages | Self::Held | Self::Attention | Self::Alarms => {
                Floor::Daily
            }
            Self::People | Self::Groups | Self::Suppression => Floor::Audience,
            Self::Operators | Self::Roles | Self::Audit | Self::Settings | Self::System | Self::Mailbox => {
                Floor::House
            }
            Self::Rules | Self::Sources | Self::Templates | Self::Providers => Floor::Sending,
        }
    }

    /// Key of its name.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "nav-overview",
            Self::Compose => "nav-compose",
            Self::Messages => "nav-messages",
            Self::Held => "nav-held",
            Self::Attention => "nav-attention",
            Self::Alarms => "nav-alarms",
            Self::Sources => "nav-sources",
            Self::People => "nav-people",
            Self::Groups => "nav-groups",
            Self::Suppression => "nav-suppression",
            Self::Rules => "nav-rules",
            Self::Templates => "nav-templates",
            Self::Providers => "nav-providers",
            Self::Operators => "nav-operators",
            Self::Roles => "nav-roles",
            Self::Audit => "nav-audit",
            Self::Settings => "nav-settings",
            Self::System => "nav-system",
            Self::Mailbox => "nav-mailbox",
        }
    }
}

/// Rooms that belong together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// What is looked at every day; it needs no heading.
    Daily,
    /// Who can be told.
    Audience,
    /// What decides how something is sent.
    Sending,
    /// Who administers what, and what the installation says of itself.
    House,
}

impl Floor {
    /// Key of its heading.
    pub const fn title(self) -> Option<&'static str> {
        match self {
            Self::Daily => None,
            Self::Audience => Some("nav-floor-audience"),
            Self::Sending => Some("nav-floor-sending"),
            Self::House => Some("nav-floor-house"),
        }
    }
}

/// Light or dark, as the device says or as the person switched.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    #[default]
    Auto,
    Light,
    Dark,
}

impl Theme {
    pub const ALL: [Self; 3] = [Self::Auto, Self::Light, Self::Dark];
    pub const COOKIE: &str = "bt_theme";

    pub const fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    pub const fn icon(self) -> &'static str {
        match self {
            Self::Auto => "theme",
            Self::Light => "sun",
            Self::Dark => "moon",
        }
    }

    pub fn of(request: &HttpRequest) -> Self {
        let value = request.cookie(Self::COOKIE);
        Self::ALL
            .into_iter()
            .find(|theme| value.as_ref().is_some_and(|cookie| cookie.value() == theme.name()))
            .unwrap_or_default()
    }
}

/// The result of the act that led here, said once.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flash {
    pub text: String,
    /// It did not go as wished.
    pub amber: bool,
}

impl Flash {
    pub fn good(text: impl Into<String>) -> Self {
        Self { text: text.into(), amber: false }
    }

    pub fn amber(text: impl Into<String>) -> Self {
        Self { text: text.into(), amber: true }
    }
}

/// Whoever is signed in.
#[derive(Clone, Debug)]
pub struct SignedIn {
    pub name: String,
    /// What the roles they hold are called: a built-in one by its word, a made one by its name.
    pub roles: Vec<String>,
}

/// The frame around a page.
#[derive(Clone, Debug)]
pub struct Shell {
    pub view: View,
    pub theme: Theme,
    /// The campus's name, as it stands under the logo.
    pub campus: String,
    /// What stands beside the logo instead of the product's name.
    pub short_name: String,
    /// Where the campus's own logo is served.
    pub logo: Option<String>,
    /// `None` on the pages before sign-in.
    pub operator: Option<SignedIn>,
    /// Rooms this operator may enter.
    pub sections: Vec<Section>,
    pub current: Option<Section>,
    /// Deliveries that need attention.
    pub troubled: u64,
    /// Open alarms, for whoever may look at them.
    pub alarms: OpenAlarms,
    /// Changes of rights that wait for this operator.
    pub rights: u64,
    /// Registrations of sources that wait for this operator.
    pub registrations: u64,
    pub flash: Option<Flash>,
    /// Where the emergency button leads, for whoever may see broadcasts.
    pub emergency: Option<&'static str>,
    /// What is open now, for the same.
    pub open: Option<OpenLine>,
    /// This page's path and query, to come back to after switching language or theme.
    pub here: String,
}

impl Shell {
    /// The rooms by floor, floors without one left out.
    pub fn floors(&self) -> impl Iterator<Item = (Floor, &[Section])> {
        self.sections.chunk_by(|a, b| a.floor() == b.floor()).map(|rooms| (rooms[0].floor(), rooms))
    }

    /// What stands beside a room in the navigation, for the eye and in words.
    pub fn waits(&self, section: &Section) -> Option<(String, String)> {
        let n = match section {
            Section::Attention => self.troubled,
            Section::Alarms => self.alarms.all,
            Section::Operators => self.rights,
            Section::Sources => self.registrations,
            _ => 0,
        };
        let figure = match n {
            0 => return None,
            n if n > u64::from(TOLD) => format!("{}+", self.view.number(u64::from(TOLD))),
            n => self.view.number(n),
        };
        Some((figure.clone(), self.view.t1("nav-waiting", "count", figure)))
    }

    /// What the installation is called in its corner and on browser tabs.
    pub fn brand(&self) -> String {
        if self.short_name.is_empty() { self.view.t("product") } else { self.short_name.clone() }
    }

    pub fn is_current(&self, section: &Section) -> bool {
        self.current == Some(*section)
    }
}

/// A name and its value, in the narrow column of a page.
#[derive(Clone, Debug)]
pub struct Fact {
    pub name: String,
    pub value: Markup,
}

impl Fact {
    pub fn text(name: impl Into<String>, value: &str) -> Self {
        Self { name: name.into(), value: Markup(escape(value)) }
    }

    /// A value that the view has rendered, such as a time.
    pub fn markup(name: impl Into<String>, value: Markup) -> Self {
        Self { name: name.into(), value }
    }
}

/// Whether htmx asks for the part it will swap in, rather than for a page.
pub fn wants_fragment(request: &HttpRequest) -> bool {
    let is =
        |name, value: &str| request.headers().get(name).is_some_and(|v| v.as_bytes() == value.as_bytes());
    is("hx-request", "true") && is("hx-request-type", "partial") && !is("hx-history-restore-request", "true")
}

/// A page or fragment as an answer. Pages show what is true now and to whom they are shown: no cache may keep them.
pub fn html(template: &impl Template) -> Result<HttpResponse> {
    answer(HttpResponse::Ok(), template)
}

/// As [`html`], with another status or more headers.
pub fn answer(mut response: HttpResponseBuilder, template: &impl Template) -> Result<HttpResponse> {
    let body = template.render().map_err(Error::internal)?;
    Ok(response
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::VARY, "HX-Request, HX-Request-Type, Cookie"))
        .body(body))
}

/// Sends the browser on with a `GET`, as after every form that was taken.
pub fn see_other(path: &str) -> HttpResponse {
    HttpResponse::SeeOther()
        .insert_header((header::LOCATION, path))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

/// An address with those of the parameters that say something.
pub fn address(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = form_urlencoded::Serializer::new(String::new());
    query.extend_pairs(parameters.iter().filter(|(_, value)| !value.is_empty()));
    match query.finish() {
        query if query.is_empty() => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// The path if it stays in this installation, for what a form or an address asks to come back to.
pub fn local_path(path: &str) -> Option<&str> {
    let stays = path.starts_with('/')
        && !path.starts_with("//")
        && !path.contains('\\')
        && !path.contains(|c: char| c.is_control() || c.is_whitespace());
    stays.then_some(path)
}

#[cfg(test)]
mod tests {
    use actix_web::cookie::Cookie;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn a_fragment_is_for_a_partial_swap_only() {
        let request = |headers: &[(&'static str, &'static str)]| {
            headers.iter().fold(TestRequest::default(), |r, h| r.insert_header(*h)).to_http_request()
        };
        assert!(!wants_fragment(&request(&[])));
        assert!(wants_fragment(&request(&[("hx-request", "true"), ("hx-request-type", "partial")])));
        assert!(!wants_fragment(&request(&[("hx-request", "true"), ("hx-request-type", "full")])));
        assert!(!wants_fragment(&request(&[
            ("hx-request", "true"),
            ("hx-request-type", "partial"),
            ("hx-history-restore-request", "true"),
        ])));
    }

    #[test]
    fn an_address_leaves_out_what_is_empty() {
        assert_eq!(address("/console", &[("q", ""), ("cursor", "")]), "/console");
        assert_eq!(address("/console", &[("q", "停 水"), ("cursor", "")]), "/console?q=%E5%81%9C+%E6%B0%B4");
    }

    #[test]
    fn nobody_is_sent_elsewhere() {
        for path in ["/", "/console?q=a&b=%20", "/console/messages#deliveries"] {
            assert_eq!(local_path(path), Some(path));
        }
        for path in
            ["", "console", "//evil.example", "/\\evil.example", "https://evil.example", "/a\r\nb", "/\t/b"]
        {
            assert_eq!(local_path(path), None, "{path:?}");
        }
    }

    #[test]
    fn the_theme_follows_the_device_until_switched() {
        for (value, expected) in [("dark", Theme::Dark), ("light", Theme::Light), ("neon", Theme::Auto)] {
            let request = TestRequest::default().cookie(Cookie::new(Theme::COOKIE, value)).to_http_request();
            assert_eq!(Theme::of(&request), expected);
        }
        assert_eq!(Theme::of(&TestRequest::default().to_http_request()), Theme::Auto);
    }
}
