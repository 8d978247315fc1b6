//! OpenID Connect Core 1.0 with discovery, the code flow alone, and PKCE (RFC 7636) required as OAuth 2.1 does.

use std::collections::HashMap;
use std::io;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use url::form_urlencoded;

use super::faults::{Lie, SignInAct, SignInCall};
use super::key::{self, Key};
use super::server::Shared;
use super::{Account, pages, unguessable};
use crate::simulator::http::{Answer, Request};

/// A code is good for so long, in milliseconds.
const GOOD: i64 = 60_000;
/// A token is good for so long, in seconds.
const TOKEN_GOOD: i64 = 300;
const MINUTE: i64 = 60;

/// What was given out: codes, and what opens the userinfo endpoint.
#[derive(Debug, Default)]
pub(super) struct Grants {
    codes: HashMap<String, Grant>,
    open: HashMap<String, Account>,
}

#[derive(Debug)]
struct Grant {
    account: Account,
    back: String,
    nonce: Option<String>,
    challenge: String,
    until: i64,
}

pub(super) fn answer(shared: &Shared, request: &Request) -> Answer {
    let call = match (&*request.method, &*request.path) {
        ("GET", "/oidc/authorize") => return authorize(shared, request),
        ("GET", "/oidc/.well-known/openid-configuration") => SignInCall::Discovery,
        ("GET", "/oidc/jwks") => SignInCall::Keys,
        ("POST", "/oidc/token") => SignInCall::Token,
        ("GET", "/oidc/userinfo") => SignInCall::Userinfo,
        _ => return pages::nowhere(),
    };
    shared.count(call);
    let lie = match shared.plan().pick(call) {
        Some(SignInAct::Refuse(error)) => return refuse(shared, 400, &error),
        Some(SignInAct::Lie(lie)) => Some(lie),
        Some(act) => return pages::act(&act),
        None => None,
    };
    match call {
        SignInCall::Discovery => say(&discovery(shared)),
        SignInCall::Keys => say(&json!({ "keys": [shared.state().key.public()] })),
        SignInCall::Token => token(shared, request, lie),
        _ => userinfo(shared, request, lie),
    }
}

/// Discovery §3.
fn discovery(shared: &Shared) -> Value {
    let issuer = shared.issuer();
    let method =
        if shared.plan().faults.secret_in_body { "client_secret_post" } else { "client_secret_basic" };
    json!({
        "issuer": issuer, "authorization_endpoint": format!("{issuer}/authorize"),
        "token_endpoint": format!("{issuer}/token"), "userinfo_endpoint": format!("{issuer}/userinfo"),
        "jwks_uri": format!("{issuer}/jwks"), "response_types_supported": ["code"],
        "subject_types_supported": ["public"], "id_token_signing_alg_values_supported": ["ES256"],
        "scopes_supported": ["openid", "profile"], "token_endpoint_auth_methods_supported": [method],
        "code_challenge_methods_supported": ["S256"], "authorization_response_iss_parameter_supported": true,
    })
}

/// Core §3.1.2: the browser is asked who is there, and led back with a code. Whatever is wrong with whoever asks is said here,
/// as the address to lead back to is theirs.
fn authorize(shared: &Shared, request: &Request) -> Answer {
    let query = |name: &str| request.query.get(name).map(String::as_str).unwrap_or_default();
    let Some(mut back) = pages::place(query("redirect_uri")) else {
        return pages::said("redirect_uri 不正确。");
    };
    let is_sound = query("response_type") == "code"
        && query("client_id") == shared.client_id
        && query("scope").split(' ').any(|scope| scope == "openid")
        && query("code_challenge_method") == "S256"
        && query("code_challenge").len() == 43;
    if !is_sound {
        return pages::said("请求不正确：response_type、client_id、scope 或 code_challenge。");
    }
    let Some(account) = pages::who(shared, request) else { return pages::ask(shared, request) };
    let code = unguessable();
    let grant = Grant {
        account,
        back: query("redirect_uri").to_owned(),
        nonce: request.query.get("nonce").cloned(),
        challenge: query("code_challenge").to_owned(),
        until: shared.clock.now() + GOOD,
    };
    shared.state().grants.codes.insert(code.clone(), grant);
    back.query_pairs_mut()
        .append_pair("code", &code)
        .append_pair("state", query("state"))
        .append_pair("iss", &shared.issuer());
    pages::lead(&back)
}

/// Core §3.1.3.
fn token(shared: &Shared, request: &Request, lie: Option<Lie>) -> Answer {
    let form: HashMap<String, String> = form_urlencoded::parse(&request.body).into_owned().collect();
    let field = |name: &str| form.get(name).map(String::as_str).unwrap_or_default();
    if !knows_secret(shared, request, &form) {
        return refuse(shared, 401, "invalid_client");
    }
    if field("grant_type") != "authorization_code" {
        return refuse(shared, 400, "unsupported_grant_type");
    }
    let grant = shared.state().grants.codes.remove(field("code"));
    let challenge = URL_SAFE_NO_PAD.encode(Sha256::digest(field("code_verifier")));
    let is_due = |grant: &Grant| {
        grant.until > shared.clock.now()
            && grant.back == field("redirect_uri")
            && grant.challenge == challenge
    };
    let Some(grant) = grant.filter(is_due) else { return refuse(shared, 400, "invalid_grant") };
    let access = unguessable();
    let mut said = json!({ "access_token": access, "token_type": "Bearer", "expires_in": TOKEN_GOOD });
    match id_token(shared, &grant, lie) {
        Ok(Some(token)) => said["id_token"] = token.into(),
        Ok(None) => {}
        Err(error) => return refuse(shared, 500, &error.to_string()),
    }
    shared.state().grants.open.insert(access, grant.account);
    say(&said)
}

/// RFC 6749 §2.3.1: name and secret are encoded like a form before they are put together.
fn knows_secret(shared: &Shared, request: &Request, form: &HashMap<String, String>) -> bool {
    let decoded = |text: &str| {
        form_urlencoded::parse(format!("x={text}").as_bytes()).next().map(|(_, value)| value.into_owned())
    };
    let given = if shared.plan().faults.secret_in_body {
        Option::zip(form.get("client_id").cloned(), form.get("client_secret").cloned())
    } else {
        request
            .header("authorization")
            .and_then(|value| value.strip_prefix("Basic "))
            .and_then(|value| String::from_utf8(STANDARD.decode(value).ok()?).ok())
            .and_then(|pair| {
                pair.split_once(':').and_then(|(id, secret)| Option::zip(decoded(id), decoded(secret)))
            })
    };
    given.is_some_and(|(id, secret)| id == shared.client_id && secret == shared.client_secret)
}

/// Core §2, true but for the lie.
fn id_token(shared: &Shared, grant: &Grant, lie: Option<Lie>) -> io::Result<Option<String>> {
    let now = shared.clock.now() / 1_000;
    let mut claims = json!({
        "iss": shared.issuer(), "aud": shared.client_id, "sub": subject(&grant.account), "iat": now,
        "exp": now + TOKEN_GOOD, "nonce": grant.nonce,
    });
    if !shared.plan().faults.userinfo_only {
        claims["preferred_username"] = grant.account.campus_id.as_str().into();
        claims["name"] = grant.account.name.as_str().into();
    }
    match lie {
        Some(Lie::Expired) => claims["exp"] = (now - 5 * MINUTE).into(),
        Some(Lie::Stale) => claims["iat"] = (now - 60 * MINUTE).into(),
        Some(Lie::Early) => claims["iat"] = (now + 5 * MINUTE).into(),
        Some(Lie::WrongNonce) => claims["nonce"] = unguessable().into(),
        Some(Lie::NoNonce) => claims["nonce"] = Value::Null,
        Some(Lie::WrongAudience) => claims["aud"] = "library".into(),
        Some(Lie::SecondAudience) => claims["aud"] = json!([shared.client_id, "library"]),
        Some(Lie::WrongParty) => claims["azp"] = "library".into(),
        Some(Lie::WrongIssuer) => claims["iss"] = "https://elsewhere.example".into(),
        Some(Lie::NoToken) => return Ok(None),
        Some(Lie::AlgNone) => return Ok(Some(key::unsigned(&claims))),
        Some(Lie::Symmetric) => return key::by_secret(&claims, &shared.client_secret).map(Some),
        Some(Lie::UnknownKey) => return Key::new()?.sign(&claims).map(Some),
        Some(Lie::BadSignature) => {
            let signed = shared.state().key.sign(&claims)?;
            // Somebody else's name under the same signature.
            claims["preferred_username"] = "somebody-else".into();
            let other = shared.state().key.sign(&claims)?;
            let (Some((_, signature)), Some((input, _))) = (signed.rsplit_once('.'), other.rsplit_once('.'))
            else {
                return Ok(None);
            };
            return Ok(Some(format!("{input}.{signature}")));
        }
        Some(Lie::OtherSubject) | None => {}
    }
    shared.state().key.sign(&claims).map(Some)
}

/// Core §5.3.
fn userinfo(shared: &Shared, request: &Request, lie: Option<Lie>) -> Answer {
    let access = request.header("authorization").and_then(|value| value.strip_prefix("Bearer "));
    let account = access.and_then(|access| shared.state().grants.open.get(access).cloned());
    let Some(account) = account else { return refuse(shared, 401, "invalid_token") };
    let sub = if lie == Some(Lie::OtherSubject) { unguessable() } else { subject(&account) };
    say(&json!({ "sub": sub, "preferred_username": account.campus_id, "name": account.name }))
}

/// Never reused, and nothing that a directory knows.
fn subject(account: &Account) -> String {
    format!("sub-{}", URL_SAFE_NO_PAD.encode(&Sha256::digest(&account.login)[..9]))
}

fn say(body: &Value) -> Answer {
    Answer::Json { status: 200, body: body.to_string() }
}

fn refuse(shared: &Shared, status: u16, error: &str) -> Answer {
    shared.refused();
    Answer::Json { status, body: json!({ "error": error, "error_description": "simulated" }).to_string() }
}
