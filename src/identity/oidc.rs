//! OpenID Connect Core 1.0: the code flow with PKCE, `state` and `nonce`. Where everything is comes from the issuer's discovery
//! document, which is kept for an hour, as are its keys; a key that nobody knows has both fetched anew.

use std::sync::atomic::{AtomicU16, Ordering};
use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use chrono::{DateTime, TimeDelta, Utc};
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod, CoreErrorResponseType, CoreIdToken,
    CoreIdTokenVerifier, CoreJwsSigningAlgorithm as Algorithm, CoreProviderMetadata, CoreRequestTokenError,
};
use openidconnect::{
    AuthType, AuthorizationCode, ClaimsVerificationError, ClientId, ClientSecret, CsrfToken, HttpRequest,
    HttpResponse, IssuerUrl, Nonce, OAuth2TokenResponse as _, PkceCodeChallenge, PkceCodeVerifier,
    RedirectUrl, Scope, SignatureVerificationError, TokenResponse as _,
};
use reqwest::Client;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;
use tokio::sync::Mutex;
use url::Url;

use super::{Attempt, Proof, Returned, Trouble, down, is_private, unanswered, words};
use crate::channel::http;
use crate::clock::Clock;
use crate::config::CampusSignIn;

/// What is signed with a key that everybody can look up. A MAC with the client's secret is not among them: it would let a
/// public key be taken for such a secret. Nor is `none`.
const ALGORITHMS: [Algorithm; 9] = [
    Algorithm::RsaSsaPkcs1V15Sha256,
    Algorithm::RsaSsaPkcs1V15Sha384,
    Algorithm::RsaSsaPkcs1V15Sha512,
    Algorithm::RsaSsaPssSha256,
    Algorithm::RsaSsaPssSha384,
    Algorithm::RsaSsaPssSha512,
    Algorithm::EcdsaP256Sha256,
    Algorithm::EcdsaP384Sha384,
    Algorithm::EdDsa,
];
/// How far the two clocks may be apart.
const SKEW: TimeDelta = TimeDelta::minutes(2);
/// A token is made while somebody waits for it.
const FRESH: TimeDelta = TimeDelta::minutes(10);
const KEPT: Duration = Duration::from_hours(1);
/// Between two times that it is looked up because of a key that nobody knows, or because it failed: whoever comes back with
/// nonsense does not make us ask for every time.
const PAUSE: Duration = Duration::from_secs(10);

pub(super) struct OpenIdConnect {
    issuer: IssuerUrl,
    client: ClientId,
    secret: Option<SecretString>,
    /// The claim that holds the campus id.
    claim: String,
    http: Client,
    clock: Clock,
    known: Mutex<Known>,
}

/// What the issuer says of itself, and when it was asked.
#[derive(Default)]
struct Known {
    metadata: Option<(CoreProviderMetadata, Duration)>,
    failed: Option<(Trouble, Duration)>,
}

/// Why there is no answer, for the library's errors.
#[derive(Debug, thiserror::Error)]
#[error("{0}")]
struct Unreached(String);

impl OpenIdConnect {
    pub(super) fn new(settings: &CampusSignIn, http: Client, clock: Clock) -> Result<Self, String> {
        let issuer = IssuerUrl::new(settings.url.clone()).map_err(|e| format!("campus_sign_in.url: {e}"))?;
        let missing = |key: &str| format!("campus_sign_in.{key} is missing");
        Ok(Self {
            issuer,
            client: ClientId::new(settings.client_id.clone().ok_or_else(|| missing("client_id"))?),
            secret: settings.client_secret.clone(),
            claim: settings.attribute.clone().ok_or_else(|| missing("attribute"))?,
            http,
            clock,
            known: Mutex::default(),
        })
    }

    pub(super) async fn address(&self, back: &Url, attempt: &Attempt) -> Result<Url, Trouble> {
        let metadata = self.metadata(None).await?;
        let verifier = PkceCodeVerifier::new(attempt.verifier.expose_secret().to_owned());
        let (state, nonce) = (attempt.state.clone(), attempt.nonce.expose_secret().to_owned());
        let client = CoreClient::from_provider_metadata(metadata, self.client.clone(), None);
        let (url, _, _) = client
            .set_redirect_uri(RedirectUrl::from_url(back.clone()))
            .authorize_url(
                CoreAuthenticationFlow::AuthorizationCode,
                move || CsrfToken::new(state),
                move || Nonce::new(nonce),
            )
            .add_scope(Scope::new("profile".to_owned()))
            .set_pkce_challenge(PkceCodeChallenge::from_code_verifier_sha256(&verifier))
            .url();
        if !is_private(&url) {
            return Err(Trouble::Down(
                "its authorization_endpoint is neither https nor this machine".to_owned(),
            ));
        }
        Ok(url)
    }

    pub(super) async fn prove(
        &self,
        back: &Url,
        attempt: &Attempt,
        returned: &Returned,
    ) -> Result<Proof, Trouble> {
        if !returned.issuer.is_empty() && returned.issuer != *self.issuer {
            return Err(Trouble::Untrusted("another issuer leads back".to_owned()));
        }
        // What the browser says of an outage is its own word.
        if returned.code.is_empty() {
            let said = if returned.error.is_empty() { "the browser brings no code" } else { &returned.error };
            return Err(Trouble::Refused(words(said, &attempt.secrets())));
        }
        let mut secrets = attempt.secrets().to_vec();
        secrets.push(&returned.code);
        let metadata = self.metadata(None).await?;
        let (token, access) =
            self.exchange(metadata.clone(), back, attempt, &returned.code, &secrets).await?;
        let nonce = Nonce::new(attempt.nonce.expose_secret().to_owned());
        let claims = match self.verified(&metadata, &token, &nonce) {
            Err(ClaimsVerificationError::SignatureVerification(
                SignatureVerificationError::NoMatchingKey,
            )) => {
                let renewed = self.metadata(Some(&metadata)).await?;
                self.verified(&renewed, &token, &nonce)
            }
            read => read,
        };
        let claims = claims.map_err(|error| Trouble::Untrusted(words(&in_words(&error), &secrets)))?;
        let id = match claims.get(&self.claim).and_then(text) {
            Some(id) => Some(id),
            None => self.asked(&metadata, &access, &claims, &secrets).await?,
        };
        let id = id.ok_or_else(|| Trouble::Nameless(format!("there is no claim `{}`", self.claim)))?;
        Proof::of(&id)
    }

    /// What the issuer says of itself. `but`: not that, if it can be had anew.
    async fn metadata(&self, but: Option<&CoreProviderMetadata>) -> Result<CoreProviderMetadata, Trouble> {
        // Held meanwhile, so that whoever comes at the same time waits for the one answer.
        let mut known = self.known.lock().await;
        let now = self.clock.steady();
        if let Some((metadata, at)) = &known.metadata {
            let is_kept = now < *at + if but == Some(metadata) { PAUSE } else { KEPT };
            if is_kept {
                return Ok(metadata.clone());
            }
        }
        if let Some((trouble, at)) = &known.failed
            && now < *at + PAUSE
        {
            return Err(trouble.clone());
        }
        let http = |request: HttpRequest| fetch(self.http.clone(), request);
        let found = CoreProviderMetadata::discover_async(self.issuer.clone(), &http).await;
        match found.map_err(|error| Trouble::Down(words(&in_words(&error), &[]))) {
            Ok(metadata) => {
                *known = Known { metadata: Some((metadata.clone(), self.clock.steady())), failed: None };
                Ok(metadata)
            }
            Err(trouble) => {
                known.failed = Some((trouble.clone(), self.clock.steady()));
                Err(trouble)
            }
        }
    }

    /// The token, and what opens the userinfo endpoint, for a code.
    async fn exchange(
        &self,
        metadata: CoreProviderMetadata,
        back: &Url,
        attempt: &Attempt,
        code: &str,
        secrets: &[&str],
    ) -> Result<(CoreIdToken, SecretString), Trouble> {
        let secret = self.secret.as_ref().map(|secret| ClientSecret::new(secret.expose_secret().to_owned()));
        let auth_type = auth_type(&metadata);
        let client = CoreClient::from_provider_metadata(metadata, self.client.clone(), secret)
            .set_redirect_uri(RedirectUrl::from_url(back.clone()))
            .set_auth_type(auth_type);
        // The library keeps no status of an answer that it cannot read.
        let status = AtomicU16::new(0);
        let http = async |request: HttpRequest| {
            let answer = fetch(self.http.clone(), request).await?;
            status.store(answer.status().as_u16(), Ordering::Relaxed);
            Ok::<_, Unreached>(answer)
        };
        let asked = client
            .exchange_code(AuthorizationCode::new(code.to_owned()))
            .map_err(|error| Trouble::Down(error.to_string()))?
            .set_pkce_verifier(PkceCodeVerifier::new(attempt.verifier.expose_secret().to_owned()));
        let answer = asked.request_async(&http).await.map_err(|error| {
            let (said, told) = match &error {
                CoreRequestTokenError::ServerResponse(said) => (Some(said.error()), said.to_string()),
                _ => (None, in_words(&error)),
            };
            let told = words(&told, secrets);
            if is_outage(status.load(Ordering::Relaxed), said) {
                Trouble::Down(told)
            } else {
                Trouble::Refused(told)
            }
        })?;
        let token = answer.id_token().ok_or_else(|| Trouble::Untrusted("there is no id_token".to_owned()))?;
        Ok((token.clone(), answer.access_token().secret().clone().into()))
    }

    /// The claims of a token that is the issuer's, for us, for this attempt, and of now (§3.1.3.7).
    fn verified(
        &self,
        metadata: &CoreProviderMetadata,
        token: &CoreIdToken,
        nonce: &Nonce,
    ) -> Result<Value, ClaimsVerificationError> {
        let now = DateTime::from_timestamp_millis(self.clock.now().0).unwrap_or_default();
        verified(token, nonce, (&self.client, &self.issuer), metadata, now)
    }

    /// The campus id that the userinfo endpoint tells, where claims are to be had there alone (§5.4).
    async fn asked(
        &self,
        metadata: &CoreProviderMetadata,
        access: &SecretString,
        claims: &Value,
        secrets: &[&str],
    ) -> Result<Option<String>, Trouble> {
        let Some(endpoint) = metadata.userinfo_endpoint() else { return Ok(None) };
        let endpoint = endpoint.url().clone();
        if !is_private(&endpoint) {
            return Err(Trouble::Down("its userinfo_endpoint is neither https nor this machine".to_owned()));
        }
        let request = self.http.get(endpoint).bearer_auth(access.expose_secret());
        let answer = http::call(request).await.map_err(|trouble| down(&trouble, secrets))?;
        if answer.status != 200 {
            return Err(unanswered(answer.status, "the userinfo endpoint"));
        }
        let Ok(told) = serde_json::from_slice::<Value>(&answer.body) else {
            return Err(Trouble::Down("what the userinfo endpoint answers is no JSON".to_owned()));
        };
        // §5.3.2: of another person nothing may be used.
        if told.get("sub") != claims.get("sub") {
            return Err(Trouble::Untrusted("the userinfo endpoint tells of somebody else".to_owned()));
        }
        Ok(told.get(&self.claim).and_then(text))
    }
}

fn verified(
    token: &CoreIdToken,
    nonce: &Nonce,
    (client, issuer): (&ClientId, &IssuerUrl),
    metadata: &CoreProviderMetadata,
    now: DateTime<Utc>,
) -> Result<Value, ClaimsVerificationError> {
    let keys = metadata.jwks().clone();
    let verifier = CoreIdTokenVerifier::new_public_client(client.clone(), issuer.clone(), keys)
        .set_allowed_algs(ALGORITHMS)
        .set_time_fn(|| now - SKEW)
        .set_issue_time_verifier_fn(|issued| {
            let is_now = issued <= now + SKEW && issued >= now - FRESH - SKEW;
            if is_now { Ok(()) } else { Err("it was not issued just now".to_owned()) }
        });
    let claims = token.claims(&verifier, nonce)?;
    if claims.authorized_party().is_some_and(|party| **party != **client) {
        let words = "the authorized party is another client".to_owned();
        return Err(ClaimsVerificationError::InvalidAudience(words));
    }
    // Of what was verified just now, any claim and not only the standard ones.
    let payload = token.to_string().split('.').nth(1).and_then(|part| URL_SAFE_NO_PAD.decode(part).ok());
    let claims = payload.and_then(|payload| serde_json::from_slice(&payload).ok());
    claims.ok_or_else(|| ClaimsVerificationError::Other("its claims cannot be read".to_owned()))
}

/// Whether the token endpoint is down, by the status that it answered (0: it did not) and the error in it. Nothing that a code of
/// somebody's own making brings about is an outage; that our own secret is wrong is none of theirs.
fn is_outage(status: u16, said: Option<&CoreErrorResponseType>) -> bool {
    match said {
        _ if status == 0 || status >= 500 => true,
        Some(CoreErrorResponseType::InvalidClient) => true,
        Some(CoreErrorResponseType::Extension(other)) => {
            ["server_error", "temporarily_unavailable"].contains(&other.as_str())
        }
        Some(_) => false,
        None => status == 200,
    }
}

/// As the issuer wants the secret, where it does not want it in the usual way (OpenID Connect Discovery §3).
fn auth_type(metadata: &CoreProviderMetadata) -> AuthType {
    let takes = |method: CoreClientAuthMethod| {
        metadata.token_endpoint_auth_methods_supported().is_some_and(|methods| methods.contains(&method))
    };
    if takes(CoreClientAuthMethod::ClientSecretPost) && !takes(CoreClientAuthMethod::ClientSecretBasic) {
        AuthType::RequestBody
    } else {
        AuthType::BasicAuth
    }
}

/// A campus id may be written as a number.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) if number.is_u64() => Some(number.to_string()),
        _ => None,
    }
}

async fn fetch(client: Client, request: HttpRequest) -> Result<HttpResponse, Unreached> {
    let (head, body) = request.into_parts();
    let url = Url::parse(&head.uri.to_string()).map_err(|error| Unreached(error.to_string()))?;
    // A discovery document can name any address.
    if !is_private(&url) {
        return Err(Unreached("it names an address that is neither https nor this machine".to_owned()));
    }
    let call = client.request(head.method, url).headers(head.headers).body(body);
    let answer = http::call(call).await.map_err(|trouble| Unreached(down(&trouble, &[]).to_string()))?;
    let response = openidconnect::http::Response::builder().status(answer.status).body(answer.body);
    response.map_err(|error| Unreached(error.to_string()))
}

/// An error and its causes.
fn in_words(error: &dyn std::error::Error) -> String {
    let mut words = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        words.push_str(": ");
        words.push_str(&error.to_string());
        cause = error.source();
    }
    words
}

#[cfg(test)]
mod tests {
    use openidconnect::core::{CoreJsonWebKeySet, CoreResponseType, CoreSubjectIdentifierType};
    use openidconnect::{AuthUrl, EmptyAdditionalProviderMetadata, JsonWebKeySetUrl, ResponseTypes};
    use serde_json::json;

    use super::*;

    // Made with OpenSSL, as most universities' tokens are signed: RS256. The private key was thrown away.
    const MODULUS: &str = "2aASRD2EOXi3J2Pecf36kvn7Z-8RraLtXnhrfONsdX7yWXZpn50YsWpISf0ZEAD6P5Krij0tyGYPu450ZG_t_xLZ\
         oFiw6lhoR0sD4wJYs74W2WKOSt5YTaSVd_AHvUmWwjw7W1RJpsqlLbZSGeSrgE5RKG4iJgO2gLoCWCqH1uWUcXrs\
         2BsqBWEKdSBpvzWOdrY1zLLpcJxicVloQ9UXo55W85Yj8LTC3RhrGjcSZ9nkmI9v947GOyi8772ILF3j2YTwRsUu\
         skw6KJJMlFTLS1MYNskhHaohUj1_TfgtjoReO_Oj4BJegIq-_-VC7cGmn2cIXwiU12tRJz5EhrqYNw";
    const HEADER: &str = "eyJhbGciOiJSUzI1NiIsInR5cCI6IkpXVCIsImtpZCI6IjIwMjYifQ";
    const CLAIMS: &str = "eyJpc3MiOiJodHRwczovL2lkLmV4YW1wbGUuZWR1IiwiYXVkIjpbImJlbGx0b3dlciJdLCJzdWIiOiI1ZjJjIiwi\
         aWF0IjoxNzkwMDAwMDAwLCJleHAiOjE3OTAwMDAzMDAsIm5vbmNlIjoibi0xIiwiZW1wbG95ZWVfbm8iOjIwMjQw\
         MDEsIm5hbWUiOiLmnY7kvJ8ifQ";
    const SIGNATURE: &str = "VB-4ld2rMIUZh_CE95gIyVJUEsGh8XbALzEVqu6qfhbxNdhPVtixJMHGuZuUR4FnYA4Qt50Bl6OsV8QNp-S_bJ81\
         U7GLtrhd4-g-aMvQHILgagPjWmq095h2dEHIaJIAl9-5ovRjJNl_UXD-5fO55qJzoCvMdRq6vWw75gwoqO_G5oER\
         0hljKufdLNSheUQpmLBQ5_1c-a_JIKqXNMsrcae1fGF_qQexrltYeSO8lMd8e5C3eUjrFHbtA1fjRZAqQ56UQfEg\
         D-HnbBCvl07kn0x1Bdh-30gMdM2hy2m6w00kTmN_3CXmtVfgRGzgYT8TdSXjSybmV-uQ2hunpinlww";
    const ISSUED: i64 = 1_790_000_000;

    fn metadata() -> CoreProviderMetadata {
        let keys =
            json!({ "keys": [{ "kty": "RSA", "use": "sig", "kid": "2026", "n": MODULUS, "e": "AQAB" }] });
        let keys: CoreJsonWebKeySet = serde_json::from_value(keys).unwrap();
        let url = |path: &str| format!("https://id.example.edu{path}");
        CoreProviderMetadata::new(
            IssuerUrl::new(url("")).unwrap(),
            AuthUrl::new(url("/authorize")).unwrap(),
            JsonWebKeySetUrl::new(url("/jwks")).unwrap(),
            vec![ResponseTypes::new(vec![CoreResponseType::Code])],
            vec![CoreSubjectIdentifierType::Public],
            vec![Algorithm::RsaSsaPkcs1V15Sha256],
            EmptyAdditionalProviderMetadata {},
        )
        .set_jwks(keys)
    }

    fn read(claims: &str, nonce: &str, seconds: i64) -> Result<Value, ClaimsVerificationError> {
        let token: CoreIdToken = format!("{HEADER}.{claims}.{SIGNATURE}").parse().unwrap();
        let client = ClientId::new("belltower".to_owned());
        let issuer = IssuerUrl::new("https://id.example.edu".to_owned()).unwrap();
        let now = DateTime::from_timestamp_secs(ISSUED + seconds).unwrap();
        verified(&token, &Nonce::new(nonce.to_owned()), (&client, &issuer), &metadata(), now)
    }

    #[test]
    fn a_token_of_somebody_elses_making_is_read_whole() {
        let claims = read(CLAIMS, "n-1", 30).unwrap();
        assert_eq!(claims["name"], "李伟");
        assert_eq!(claims.get("employee_no").and_then(text).as_deref(), Some("2024001"), "a number, too");
        assert_eq!(text(&json!(["2024001"])), None);
        for (seconds, is_good) in [(-119, true), (-121, false), (419, true), (421, false)] {
            assert_eq!(read(CLAIMS, "n-1", seconds).is_ok(), is_good, "{seconds}");
        }
        assert!(matches!(read(CLAIMS, "n-2", 30), Err(ClaimsVerificationError::InvalidNonce(_))));
    }

    #[test]
    fn another_name_under_a_signature_is_nobodys() {
        let claims = URL_SAFE_NO_PAD.decode(CLAIMS).unwrap();
        let other = String::from_utf8(claims).unwrap().replace("2024001", "2024002");
        let read = read(&URL_SAFE_NO_PAD.encode(other), "n-1", 30);
        assert!(matches!(read, Err(ClaimsVerificationError::SignatureVerification(_))), "{read:?}");
    }

    #[test]
    fn the_secret_goes_as_the_issuer_wants_it() {
        let with = |methods: Option<Vec<CoreClientAuthMethod>>| {
            auth_type(&metadata().set_token_endpoint_auth_methods_supported(methods))
        };
        let (basic, post) = (CoreClientAuthMethod::ClientSecretBasic, CoreClientAuthMethod::ClientSecretPost);
        assert!(matches!(with(None), AuthType::BasicAuth));
        assert!(matches!(with(Some(vec![post.clone(), basic])), AuthType::BasicAuth));
        assert!(matches!(with(Some(vec![post])), AuthType::RequestBody));
    }
}
