//! The section `campus_sign_in`: how the university's own sign-in is reached, and what goes together there.

use std::fmt;
use std::path::PathBuf;

use secrecy::SecretString;
use url::Url;

use super::layers::Raw;
use super::settings::{Reader, Refusal, is_loopback, path, refuse, text};
use super::values::Language;

const KIND: &str = "campus_sign_in.kind";
const URL: &str = "campus_sign_in.url";
const CLIENT_ID: &str = "campus_sign_in.client_id";
const CLIENT_SECRET: &str = "campus_sign_in.client_secret";
const ATTRIBUTE: &str = "campus_sign_in.attribute";
const NAME_ZH: &str = "campus_sign_in.name_zh";
const NAME_EN: &str = "campus_sign_in.name_en";
const CA_FILE: &str = "campus_sign_in.ca_file";

/// The university's own sign-in.
#[derive(Clone, Debug)]
pub struct CampusSignIn {
    pub kind: SignInKind,
    /// The issuer, or what all addresses of the CAS server begin with. As it was written, because an issuer is compared
    /// letter by letter; it is an address, https unless it leads to this machine.
    pub url: String,
    /// OpenID Connect alone.
    pub client_id: Option<String>,
    pub client_secret: Option<SecretString>,
    /// What holds the campus id: a claim, or an attribute of CAS. Nothing: the CAS user.
    pub attribute: Option<String>,
    pub name: SignInName,
    /// Authorities to trust besides the public ones.
    pub ca_file: Option<PathBuf>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum SignInKind {
    Cas,
    OpenIdConnect,
}

impl SignInKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Cas => "cas",
            Self::OpenIdConnect => "oidc",
        }
    }
}

/// What people know it by, on the button that leads there.
#[derive(Clone, Debug)]
pub struct SignInName {
    pub chinese: String,
    pub english: String,
}

impl Default for SignInName {
    fn default() -> Self {
        Self { chinese: "统一身份认证".to_owned(), english: "your campus account".to_owned() }
    }
}

impl SignInName {
    pub fn of(&self, language: Language) -> &str {
        match language {
            Language::SimplifiedChinese => &self.chinese,
            Language::English => &self.english,
        }
    }
}

impl fmt::Display for SignInKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// Nothing where no sign-in is configured, or not a whole one.
pub(super) fn read(reader: &mut Reader) -> Option<CampusSignIn> {
    let kind = reader.get(KIND, None, |raw| kind(raw).map(Some));
    let url = reader.get(URL, None, |raw| url(raw).map(Some));
    let client_id = reader.get(CLIENT_ID, None, |raw| word(raw).map(Some));
    let client_secret = reader.get(CLIENT_SECRET, None, |raw| secret(raw).map(Some));
    let attribute = reader.get(ATTRIBUTE, None, |raw| word(raw).map(Some));
    let SignInName { chinese, english } = SignInName::default();
    let name = SignInName {
        chinese: reader.get(NAME_ZH, chinese, name),
        english: reader.get(NAME_EN, english, name),
    };
    let ca_file = reader.get(CA_FILE, None, |raw| path(raw).map(Some));
    if !reader.is_set(KIND) {
        for setting in [URL, CLIENT_ID, CLIENT_SECRET, ATTRIBUTE, NAME_ZH, NAME_EN, CA_FILE] {
            let fix = "add kind = \"cas\" or kind = \"oidc\", or leave the whole section out";
            reader.add_if(setting, "nobody says what kind of sign-in this belongs to", fix);
        }
    }
    let kind = kind?;
    let is_open = kind == SignInKind::OpenIdConnect;
    if !reader.is_set(URL) {
        let fix = if is_open {
            "add url, the issuer as its discovery document names it"
        } else {
            "add url, what stands before /login, such as \"https://cas.example.edu/cas\""
        };
        reader.add_if(KIND, "campus_sign_in.url is missing", fix);
    }
    if is_open && !reader.is_set(CLIENT_ID) {
        reader.add_if(
            KIND,
            "campus_sign_in.client_id is missing",
            "add the id that the sign-in gave belltower",
        );
    }
    if is_open && !reader.is_set(ATTRIBUTE) {
        let fix = "add the claim that holds the student or staff number: \"preferred_username\" where people cannot \
                   change theirs, else one of the university's own";
        reader.add_if(KIND, "campus_sign_in.attribute is missing", fix);
    }
    if !is_open {
        for setting in [CLIENT_ID, CLIENT_SECRET] {
            reader.add_if(
                setting,
                "CAS knows services by their address and has no such thing",
                "leave it out",
            );
        }
    }
    Some(CampusSignIn { kind, url: url?, client_id, client_secret, attribute, name, ca_file })
}

/// The settings in force as they are listed, without the secret.
pub(super) fn shown(sign_in: Option<&CampusSignIn>) -> [String; 8] {
    let Some(sign_in) = sign_in else { return std::array::from_fn(|_| "(none)".to_owned()) };
    let or_none = |text: Option<String>| text.unwrap_or_else(|| "(none)".to_owned());
    [
        sign_in.kind.to_string(),
        sign_in.url.clone(),
        or_none(sign_in.client_id.clone()),
        or_none(sign_in.client_secret.as_ref().map(|_| "(set)".to_owned())),
        sign_in.attribute.clone().unwrap_or_else(|| "(the CAS user)".to_owned()),
        sign_in.name.chinese.clone(),
        sign_in.name.english.clone(),
        or_none(sign_in.ca_file.as_ref().map(|file| file.display().to_string())),
    ]
}

fn kind(raw: &Raw) -> Result<SignInKind, Refusal> {
    const FIX: &str = "write \"cas\" or \"oidc\"";
    match text(raw, FIX)? {
        "cas" => Ok(SignInKind::Cas),
        "oidc" => Ok(SignInKind::OpenIdConnect),
        other => refuse(format!("there is no sign-in of the kind `{other}`"), FIX),
    }
}

fn url(raw: &Raw) -> Result<String, Refusal> {
    const FIX: &str = "write the issuer, or what stands before /login of the CAS server, such as \"https://cas.example.edu/cas\"";
    let text = text(raw, FIX)?;
    let Some(url) = Url::parse(text).ok().filter(|url| matches!(url.scheme(), "http" | "https")) else {
        return refuse("this is not an https URL", FIX);
    };
    if !url.username().is_empty() || url.password().is_some() {
        return refuse("the URL holds a name or password", FIX);
    }
    if url.query().is_some() || url.fragment().is_some() {
        return refuse("the URL has a query or a fragment, which begins after the address itself", FIX);
    }
    // Names below localhost are looked up like any other by some resolvers.
    let is_here = is_loopback(&url) && !url.host_str().is_some_and(|host| host.ends_with(".localhost"));
    if url.scheme() == "http" && !is_here {
        return refuse(
            "over http, whoever is on the way can be anybody",
            "write https://; http is for this machine itself",
        );
    }
    Ok(text.to_owned())
}

fn word(raw: &Raw) -> Result<String, Refusal> {
    const FIX: &str = "write it as the sign-in's administrators do, at most 256 characters without blanks";
    let word = text(raw, FIX)?;
    if word.is_empty()
        || word.chars().count() > 256
        || word.chars().any(|c| c.is_control() || c.is_whitespace())
    {
        return refuse("it is empty, too long or holds blanks", FIX);
    }
    Ok(word.to_owned())
}

/// Never repeats the value.
fn secret(raw: &Raw) -> Result<SecretString, Refusal> {
    const FIX: &str = "write the secret that belongs to client_id, or leave it out where there is none";
    match text(raw, FIX)? {
        "" => refuse("it is empty", FIX),
        secret => Ok(secret.into()),
    }
}

fn name(raw: &Raw) -> Result<String, Refusal> {
    const FIX: &str = "write what people know the sign-in by, at most 40 characters";
    let name = text(raw, FIX)?;
    if name.is_empty() || name.chars().count() > 40 || name.chars().any(char::is_control) {
        return refuse("the name is empty, too long or holds control characters", FIX);
    }
    Ok(name.to_owned())
}
