//! Who somebody is, as their institution's own sign-in proves it: by CAS ([`cas`]) or by OpenID Connect ([`oidc`]).
//!
//! A use case leads a browser to [`SignIn::address`] and hands what it brings back to [`SignIn::prove`]. What joins the two is
//! an [`Attempt`], which the use case derives from a secret of that browser and lets happen once; nothing is kept here. What
//! is proved is a campus id, and nothing is said of what whoever has it may do.

pub mod cas;
mod oidc;
mod returned;

use std::time::Duration;

use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use url::Url;

use self::cas::Cas;
use self::oidc::OpenIdConnect;
pub use self::returned::Returned;
use crate::channel::http::{self, Answer};
use crate::channel::tls;
use crate::clock::Clock;
use crate::config::{CampusSignIn, SignInKind, SignInName};

/// For each call: somebody waits for it.
const PATIENCE: Duration = Duration::from_secs(6);
/// Characters of a campus id, as the directory takes them.
const LONGEST_ID: usize = 64;
/// Characters of what the other side says that a log is given.
const LONGEST_WORDS: usize = 200;

/// The sign-in of one institution.
pub struct SignIn {
    pub name: SignInName,
    protocol: Protocol,
}

enum Protocol {
    Cas(Cas),
    OpenIdConnect(Box<OpenIdConnect>),
}

/// One time that a browser is sent there and comes back. None of these is known to anybody but us until it is sent.
#[derive(Clone)]
pub struct Attempt {
    /// Goes there and comes back with the browser, which must be the one that left.
    pub state: String,
    /// Comes back inside what is signed.
    pub nonce: SecretString,
    /// Whose hash goes with the browser, and which itself goes with the code (PKCE, RFC 7636): 43 to 128 characters.
    pub verifier: SecretString,
}

/// What was proved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Proof {
    pub campus_id: String,
}

/// Why nothing was proved. The words are for a log, never for the person.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum Trouble {
    /// It cannot be reached, or says nothing that can be understood.
    #[error("the campus sign-in is down: {0}")]
    Down(String),
    /// It does not vouch for whoever came: a wrong or used ticket, or they said no.
    #[error("the campus sign-in vouches for nobody: {0}")]
    Refused(String),
    /// What it says is not its own, not for us, or not about now.
    #[error("what the campus sign-in says is not to be trusted: {0}")]
    Untrusted(String),
    /// It vouches for somebody, and what should hold their campus id does not.
    #[error("the campus sign-in gives no campus id: {0}")]
    Nameless(String),
}

impl SignIn {
    /// Calls nobody.
    ///
    /// # Errors
    ///
    /// The setting that cannot be used, and why.
    pub fn new(settings: &CampusSignIn, clock: Clock) -> Result<Self, String> {
        Self::waiting(settings, clock, PATIENCE)
    }

    /// As [`new`](Self::new), waiting so long for each answer.
    pub fn waiting(settings: &CampusSignIn, clock: Clock, patience: Duration) -> Result<Self, String> {
        let url = Url::parse(&settings.url).map_err(|error| format!("campus_sign_in.url: {error}"))?;
        let trusted = tls::trusting(settings.ca_file.as_deref())
            .map_err(|(_, words)| format!("campus_sign_in.ca_file: {words}"))?;
        let http = http::client(&trusted, &url, patience).map_err(http::in_words)?;
        let protocol = match settings.kind {
            SignInKind::Cas => Protocol::Cas(Cas::new(url, settings.attribute.clone(), http)),
            SignInKind::OpenIdConnect => {
                Protocol::OpenIdConnect(Box::new(OpenIdConnect::new(settings, http, clock)?))
            }
        };
        Ok(Self { name: settings.name.clone(), protocol })
    }

    /// Where a browser signs in, to be led back to `back`, which is an address of ours without a query.
    pub async fn address(&self, back: &Url, attempt: &Attempt) -> Result<Url, Trouble> {
        match &self.protocol {
            Protocol::Cas(cas) => cas.address(back, attempt).await,
            Protocol::OpenIdConnect(oidc) => oidc.address(back, attempt).await,
        }
    }

    /// Whom a browser came back as. The caller has seen to it that its `state` is the attempt's, and that it is the first time.
    pub async fn prove(&self, back: &Url, attempt: &Attempt, returned: &Returned) -> Result<Proof, Trouble> {
        match &self.protocol {
            Protocol::Cas(cas) => cas.prove(back, attempt, returned).await,
            Protocol::OpenIdConnect(oidc) => oidc.prove(back, attempt, returned).await,
        }
    }
}

impl Proof {
    fn of(text: &str) -> Result<Self, Trouble> {
        let id = text.trim();
        if id.is_empty() || id.chars().count() > LONGEST_ID || id.chars().any(char::is_control) {
            return Err(Trouble::Nameless("what is there is empty, too long or no text".to_owned()));
        }
        Ok(Self { campus_id: id.to_owned() })
    }
}

/// Where a secret or somebody's proof may go: over TLS, or to this machine itself.
fn is_private(url: &Url) -> bool {
    url.scheme() == "https" || (url.scheme() == "http" && url.host_str().is_some_and(tls::is_loopback))
}

async fn get(http: &Client, url: Url, secrets: &[&str]) -> Result<Answer, Trouble> {
    http::call(http.get(url)).await.map_err(|trouble| down(&trouble, secrets))
}

fn down(trouble: &http::Trouble, secrets: &[&str]) -> Trouble {
    let (http::Trouble::NotSent(said) | http::Trouble::Untrusted(said) | http::Trouble::NoAnswer(said)) =
        trouble;
    Trouble::Down(words(said, secrets))
}

/// What an answer other than 200 says. Whoever sits at the browser chooses what is asked about: a ticket so long or so strange
/// that a gate before the server refuses it must not look like an outage, which lets them take the weaker proof.
fn unanswered(status: u16, whose: &str) -> Trouble {
    let said = format!("{whose} answers HTTP {status}");
    if status >= 500 { Trouble::Down(said) } else { Trouble::Refused(said) }
}

/// What the other side says, for a log: on one line, cut, and without what is between us and the browser.
fn words(said: &str, secrets: &[&str]) -> String {
    let mut said = said.to_owned();
    for secret in secrets.iter().filter(|secret| !secret.is_empty()) {
        said = said.replace(secret, "***");
    }
    said.chars().map(|c| if c.is_control() { ' ' } else { c }).take(LONGEST_WORDS).collect()
}

impl Attempt {
    /// What of it must not be in a log.
    fn secrets(&self) -> [&str; 3] {
        [&self.state, self.nonce.expose_secret(), self.verifier.expose_secret()]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_cut_put_on_one_line_and_without_secrets() {
        let said = format!("Ticket ST-1-x\r\nnot recognized {}", "a".repeat(500));
        let kept = words(&said, &["ST-1-x", ""]);
        assert!(kept.starts_with("Ticket ***  not recognized a"), "{kept}");
        assert_eq!(kept.chars().count(), LONGEST_WORDS);
    }

    #[test]
    fn a_campus_id_is_a_short_text() {
        assert_eq!(Proof::of(" 2024001\n").unwrap().campus_id, "2024001");
        for text in ["", " ", "a\0b", &"1".repeat(65)] {
            assert!(matches!(Proof::of(text), Err(Trouble::Nameless(_))), "{text:?}");
        }
    }

    #[test]
    fn secrets_go_by_tls_or_nowhere_else() {
        for (url, expected) in [
            ("https://id.example.edu/token", true),
            ("http://127.0.0.1:1/token", true),
            ("http://id.example.edu/token", false),
            ("http://localhost.example.edu/", false),
            ("ftp://127.0.0.1/", false),
        ] {
            assert_eq!(is_private(&url.parse().unwrap()), expected, "{url}");
        }
    }
}
