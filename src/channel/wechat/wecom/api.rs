//! WeCom's API: the calls this application makes, each with a token that is good.

use std::collections::HashSet;

use reqwest::{Client, RequestBuilder};
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use url::Url;

use super::classify::{Meaning, meaning};
use super::settings::Settings;
use crate::channel::http;
use crate::channel::wechat::answer::Failure;
use crate::channel::wechat::call::Account;
use crate::channel::wechat::oauth;
use crate::channel::wechat::token::Token;
use crate::clock::Clock;

pub(super) const VENDOR: &str = "WeCom";

/// What became of a message to many.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Sent {
    /// By which it can be called back.
    pub(super) msgid: Option<String>,
    /// In lower case.
    pub(super) invalid: HashSet<String>,
    pub(super) unlicensed: HashSet<String>,
}

pub(super) struct Api {
    client: Client,
    endpoint: Url,
    corp_id: String,
    agent_id: u64,
    account: Account,
}

impl Api {
    pub(super) fn new(settings: Settings, clock: Clock) -> Self {
        let Settings { corp_id, secret, agent_id, reach, .. } = settings;
        let (client, endpoint) = (reach.client, reach.endpoint);
        let account = Account::new(VENDOR, secret, |code| meaning(code) == Meaning::StaleToken, clock);
        Self { client, endpoint, corp_id, agent_id, account }
    }

    /// Sends the body of a message.
    pub(super) async fn send(&self, body: &Value) -> Result<Sent, Failure> {
        let said = self.with_token(|token| self.post("/cgi-bin/message/send", token).json(body)).await?;
        let list = |name: &str| {
            let ids = said.get(name).and_then(Value::as_str).unwrap_or_default();
            ids.split('|').filter(|id| !id.is_empty()).map(str::to_ascii_lowercase).collect()
        };
        let msgid = said.get("msgid").and_then(Value::as_str).filter(|id| !id.is_empty());
        Ok(Sent {
            msgid: msgid.map(str::to_owned),
            invalid: list("invaliduser"),
            unlicensed: list("unlicenseduser"),
        })
    }

    /// Changes what the button of a card says, for the member who pressed it. A `response_code` is good once, for three
    /// days.
    pub(super) async fn update_card(
        &self,
        response_code: &str,
        member: &str,
        words: &str,
    ) -> Result<(), Failure> {
        let body = json!({
            "userids": [member], "agentid": self.agent_id, "response_code": response_code,
            "button": { "replace_name": words },
        });
        let path = "/cgi-bin/message/update_template_card";
        self.with_token(|token| self.post(path, token).json(&body)).await.map(drop)
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
        Ok(said.get("name").and_then(Value::as_str).map_or(agent, str::to_owned))
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
        let said = self.with_token(get).await?;
        Ok(said.get("userid").and_then(Value::as_str).filter(|id| !id.is_empty()).map(str::to_owned))
    }

    fn post(&self, path: &str, token: &str) -> RequestBuilder {
        self.client.post(http::below(&self.endpoint, path, &[("access_token", token)]))
    }

    async fn with_token(&self, request: impl Fn(&str) -> RequestBuilder) -> Result<Value, Failure> {
        self.account.call(|_| self.fetch(), request).await
    }

    async fn fetch(&self) -> Result<Token, Failure> {
        let query = [("corpid", &*self.corp_id), ("corpsecret", self.account.secret.expose_secret())];
        self.account.ask(self.client.get(http::below(&self.endpoint, "/cgi-bin/gettoken", &query))).await
    }
}
