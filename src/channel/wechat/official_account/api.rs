//! The Official Account's API: the calls we make, each with a token that is good.

use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Value, json};
use tokio::sync::Mutex;
use url::Url;

use super::classify::{Meaning, meaning};
use super::settings::Settings;
use crate::channel::wechat::answer::{self, Failure};
use crate::channel::wechat::call::Account;
use crate::channel::wechat::oauth;
use crate::channel::wechat::token::Token;
use crate::channel::{SceneCode, http};
use crate::clock::Clock;

pub(super) const VENDOR: &str = "WeChat";
/// WeChat takes no two forced renewals of a token closer to each other.
const FORCED: Duration = Duration::from_secs(30);

/// How many calls there may be today.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Quota {
    pub daily: u64,
    pub used: u64,
    pub remaining: u64,
}

pub(super) struct Api {
    client: Client,
    endpoint: Url,
    app_id: String,
    account: Account,
    /// When a token was last renewed by force, by [`Clock::steady`].
    forced: Mutex<Option<Duration>>,
    clock: Clock,
}

impl Api {
    pub(super) fn new(settings: &Settings, clock: Clock) -> Self {
        let is_stale = |code| meaning(code) == Meaning::StaleToken;
        Self {
            client: settings.reach.client.clone(),
            endpoint: settings.reach.endpoint.clone(),
            app_id: settings.app_id.clone(),
            account: Account::new(VENDOR, settings.secret.clone(), is_stale, clock.clone()),
            forced: Mutex::new(None),
            clock,
        }
    }

    /// Sends a message; its id, where WeChat says one.
    pub(super) async fn send(&self, path: &str, body: &Value) -> Result<Option<String>, Failure> {
        let said = self.with_token(|token| self.post(path, token).json(body)).await?;
        Ok(match said.get("msgid") {
            Some(Value::Number(id)) => Some(id.to_string()),
            Some(Value::String(id)) if !id.is_empty() => Some(id.clone()),
            _ => None,
        })
    }

    /// How many calls of `path` are left today.
    pub(super) async fn quota(&self, path: &str) -> Result<Quota, Failure> {
        let body = json!({ "cgi_path": path });
        let said =
            self.with_token(|token| self.post("/cgi-bin/openapi/quota/get", token).json(&body)).await?;
        let number = |name: &str| said.pointer(&format!("/quota/{name}")).and_then(Value::as_u64);
        match (number("daily_limit"), number("used"), number("remain")) {
            (Some(daily), Some(used), Some(remaining)) => Ok(Quota { daily, used, remaining }),
            _ => Err(Failure::NoAnswer("WeChat answered without a quota".to_owned())),
        }
    }

    /// Gets a token, or shows that there is a good one.
    pub(super) async fn sign_in(&self) -> Result<(), Failure> {
        self.account.sign_in(|stale| self.fetch(stale)).await
    }

    /// Where somebody signs in, in WeChat's own browser.
    pub(super) fn sign_in_address(&self, back: &str, state: &str) -> String {
        oauth::address(&self.endpoint, &self.app_id, back, state, None)
    }

    /// The openid that a code of the sign-in is of.
    pub(super) async fn openid(&self, code: &str) -> Result<Option<String>, Failure> {
        let secret = self.account.secret.expose_secret();
        let query = [
            ("appid", &*self.app_id),
            ("secret", secret),
            ("code", code),
            ("grant_type", "authorization_code"),
        ];
        let url = http::below(&self.endpoint, "/sns/oauth2/access_token", &query);
        let said = answer::read(http::call(self.client.get(url)).await, VENDOR, &[&self.account.secret])
            .map_err(Failure::of_nothing)?;
        Ok(said.get("openid").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned))
    }

    /// A code that leads whoever scans it to the account, which tells us of this scene.
    pub(super) async fn scene_code(&self, scene: &str, life: Duration) -> Result<SceneCode, Failure> {
        let body = json!({
            "expire_seconds": life.as_secs(), "action_name": "QR_STR_SCENE",
            "action_info": { "scene": { "scene_str": scene } },
        });
        let said = self.with_token(|token| self.post("/cgi-bin/qrcode/create", token).json(&body)).await?;
        let picture = said.get("url").and_then(Value::as_str).filter(|url| !url.is_empty());
        match (picture, said.get("expire_seconds").and_then(Value::as_u64)) {
            (Some(picture), Some(seconds)) => {
                Ok(SceneCode { picture: picture.to_owned(), life: Duration::from_secs(seconds) })
            }
            _ => Err(Failure::NoAnswer("WeChat answered without a QR code".to_owned())),
        }
    }

    /// Says something to somebody who has just done something at the account: WeChat takes it for a while only.
    pub(super) async fn say(&self, openid: &str, text: &str) -> Result<(), Failure> {
        let body = json!({ "touser": openid, "msgtype": "text", "text": { "content": text } });
        self.with_token(|token| self.post("/cgi-bin/message/custom/send", token).json(&body)).await.map(drop)
    }

    fn post(&self, path: &str, token: &str) -> RequestBuilder {
        self.client.post(http::below(&self.endpoint, path, &[("access_token", token)]))
    }

    async fn with_token(&self, request: impl Fn(&str) -> RequestBuilder) -> Result<Value, Failure> {
        self.account.call(|stale| self.fetch(stale), request).await
    }

    /// All who ask WeChat for its stable token get the same one, other nodes of ours as well, until shortly before its
    /// end. So it is renewed by force, which ends it for all of them, only where it is still the one that is refused.
    async fn fetch(&self, stale: Option<SecretString>) -> Result<Token, Failure> {
        let token = self.ask(false).await?;
        if stale.is_none_or(|stale| stale.expose_secret() != token.value.expose_secret()) {
            return Ok(token);
        }
        let mut forced = self.forced.lock().await;
        let now = self.clock.steady();
        if forced.is_some_and(|at| now.saturating_sub(at) < FORCED) {
            let words = "WeChat refuses its own token, and may be asked for another one only every 30 s";
            return Err(Failure::NotSent(words.to_owned()));
        }
        *forced = Some(now);
        self.ask(true).await
    }

    async fn ask(&self, force: bool) -> Result<Token, Failure> {
        let body = json!({
            "grant_type": "client_credential", "appid": self.app_id,
            "secret": self.account.secret.expose_secret(), "force_refresh": force,
        });
        let url = http::below(&self.endpoint, "/cgi-bin/stable_token", &[]);
        self.account.ask(self.client.post(url).json(&body)).await
    }
}
