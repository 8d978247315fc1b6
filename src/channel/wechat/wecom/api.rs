//! WeCom's API: the calls this application makes, each with a token that is good.

use std::collections::HashSet;
use std::time::Duration;

use reqwest::{Client, RequestBuilder};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::{Value, json};
use url::Url;

use super::classify::{Meaning, meaning};
use super::settings::Settings;
use super::token::{Token, Tokens};
use crate::channel::http::{self, Answer, Trouble};
use crate::channel::wechat::oauth;
use crate::clock::Clock;

/// Characters of what WeCom says that are kept.
const MOST_WORDS: usize = 300;

/// Why a call came to nothing, as far as is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Failure {
    /// Nothing was handed over.
    NotSent(String),
    /// It was, and no usable answer came.
    NoAnswer(String),
    Refused {
        code: i64,
        words: String,
    },
    /// WeCom, or what is before it, answered in HTTP alone.
    Status(u16),
}

/// What became of a message to many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// By which it can be called back.
    pub(super) msgid: Option<String>,
    /// In lower case.
    pub(super) invalid: HashSet<String>,
    pub(super) unlicensed: HashSet<String>,
}

/// What every answer has, and what some have besides. Absent and `null` are the same.
#[derive(Debug, Deserialize)]
struct Said {
    errcode: i64,
    errmsg: Option<String>,
    access_token: Option<String>,
    expires_in: Option<u64>,
    invaliduser: Option<String>,
    unlicenseduser: Option<String>,
    msgid: Option<String>,
    /// Of an application.
    name: Option<String>,
    /// Of a member who signed in.
    userid: Option<String>,
}

pub(super) struct Api {
    client: Client,
    endpoint: Url,
    corp_id: String,
    secret: SecretString,
    agent_id: u64,
    tokens: Tokens<Failure>,
}

impl Api {
    pub(super) fn new(settings: Settings, clock: Clock) -> Self {
        let Settings { corp_id, secret, agent_id, reach, .. } = settings;
        let (client, endpoint) = (reach.client, reach.endpoint);
        Self { client, endpoint, corp_id, secret, agent_id, tokens: Tokens::new(clock) }
    }

    /// Sends the body of a message.
    pub(super) async fn send(&self, body: &Value) -> Result<Sent, Failure> {
        let said = self.with_token(|token| self.post("/cgi-bin/message/send", token).json(body)).await?;
        let list = |ids: Option<String>| {
            let ids = ids.unwrap_or_default();
            ids.split('|').filter(|id| !id.is_empty()).map(str::to_ascii_lowercase).collect()
        };
        Ok(Sent {
            msgid: said.msgid.filter(|id| !id.is_empty()),
            invalid: list(said.invaliduser),
            unlicensed: list(said.unlicenseduser),
        })
    }

    /// Takes a message back from everybody it went to.
    pub(super) async fn recall(&self, msgid: &str) -> Result<(), Failure> {
        let body = json!({ "msgid": msgid });
        self.with_token(|token| self.post("/cgi-bin/message/recall", token).json(&body)).await.map(drop)
    }

    /// The application's name. Shows that token, application and the address we call from are good.
    pub(super) async fn application(&self) -> Result<String, Failure> {
        let agent = self.agent_id.to_string();
        let get = |token: &str| {
            let query = [("access_token", token), ("agentid", &agent)];
            self.client.get(http::below(&self.endpoint, "/cgi-bin/agent/get", &query))
        };
        let said = self.with_token(get).await?;
        Ok(said.name.unwrap_or(agent))
    }

    /// Where a member signs in with the application.
    pub(super) fn sign_in_address(&self, back: &str, state: &str) -> String {
        oauth::address(&self.endpoint, &self.corp_id, back, state, Some(self.agent_id))
    }

    /// The member that a code of the sign-in is of; nothing where it is somebody from outside.
    pub(super) async fn member(&self, code: &str) -> Result<Option<String>, Failure> {
        let get = |token: &str| {
            let query = [("access_token", token), ("code", code)];
            self.client.get(http::below(&self.endpoint, "/cgi-bin/auth/getuserinfo", &query))
        };
        Ok(self.with_token(get).await?.userid.filter(|id| !id.is_empty()))
    }

    fn post(&self, path: &str, token: &str) -> RequestBuilder {
        self.client.post(http::below(&self.endpoint, path, &[("access_token", token)]))
    }

    /// Makes a call with the token at hand, and once more with a new one where WeCom does not know that any more.
    async fn with_token(&self, request: impl Fn(&str) -> RequestBuilder) -> Result<Said, Failure> {
        let token = self.token(None).await?;
        let answer = http::call(request(token.expose_secret())).await;
        match self.read(answer, Some(&token)) {
            Err(Failure::Refused { code, .. }) if meaning(code) == Meaning::StaleToken => {}
            said => return said,
        }
        let token = self.token(Some(&token)).await?;
        let answer = http::call(request(token.expose_secret())).await;
        self.read(answer, Some(&token))
    }

    async fn token(&self, stale: Option<&SecretString>) -> Result<SecretString, Failure> {
        self.tokens.get(stale, || self.fetch()).await
    }

    async fn fetch(&self) -> Result<Token, Failure> {
        let query = [("corpid", &*self.corp_id), ("corpsecret", self.secret.expose_secret())];
        let answer =
            http::call(self.client.get(http::below(&self.endpoint, "/cgi-bin/gettoken", &query))).await;
        let said = self.read(answer, None).map_err(|failure| match failure {
            // Whatever became of this call, nothing of a message was in it.
            Failure::NoAnswer(words) => Failure::NotSent(words),
            other => other,
        })?;
        match (said.access_token, said.expires_in) {
            (Some(value), Some(seconds)) if !value.is_empty() => {
                Ok(Token { value: value.into(), life: Duration::from_secs(seconds) })
            }
            _ => Err(Failure::NotSent("WeCom answered without an access token".to_owned())),
        }
    }

    fn read(&self, answer: Result<Answer, Trouble>, token: Option<&SecretString>) -> Result<Said, Failure> {
        let Answer { status, body } = answer.map_err(|trouble| match trouble {
            Trouble::NotSent(words) => Failure::NotSent(words),
            Trouble::NoAnswer(words) => Failure::NoAnswer(words),
        })?;
        match serde_json::from_slice::<Said>(&body) {
            Ok(said) if said.errcode == 0 => Ok(said),
            Ok(said) => {
                let words = self.clean(&said.errmsg.unwrap_or_default(), token);
                Err(Failure::Refused { code: said.errcode, words })
            }
            Err(_) if status != 200 => Err(Failure::Status(status)),
            Err(_) => Err(Failure::NoAnswer("the answer is none of WeCom's".to_owned())),
        }
    }

    /// WeCom's words for a log: one line, not too long, and without what it may repeat of ours.
    fn clean(&self, words: &str, token: Option<&SecretString>) -> String {
        let mut words = words.to_owned();
        for secret in [Some(&self.secret), token].into_iter().flatten() {
            words = words.replace(secret.expose_secret(), "…");
        }
        words.chars().map(|c| if c.is_control() { ' ' } else { c }).take(MOST_WORDS).collect()
    }
}
