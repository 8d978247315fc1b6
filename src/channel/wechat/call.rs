//! Calls that carry an access token: the one at hand, and once more a new one where the vendor does not know that any more.

use std::time::Duration;

use reqwest::RequestBuilder;
use secrecy::{ExposeSecret as _, SecretString};
use serde_json::Value;

use super::answer::{self, Failure};
use super::token::{Token, Tokens};
use crate::channel::http;
use crate::clock::Clock;

/// An account or application that calls its vendor.
pub(super) struct Account {
    vendor: &'static str,
    /// What its tokens are got for.
    pub(super) secret: SecretString,
    /// Whether a code says that the token is not good any more.
    is_stale: fn(i64) -> bool,
    tokens: Tokens<Failure>,
}

impl Account {
    pub(super) fn new(
        vendor: &'static str,
        secret: SecretString,
        is_stale: fn(i64) -> bool,
        clock: Clock,
    ) -> Self {
        Self { vendor, secret, is_stale, tokens: Tokens::new(clock) }
    }

    /// Gets a token, or shows that there is a good one.
    pub(super) async fn sign_in<Fetch>(
        &self,
        fetch: impl Fn(Option<SecretString>) -> Fetch,
    ) -> Result<(), Failure>
    where
        Fetch: Future<Output = Result<Token, Failure>>,
    {
        self.tokens.get(None, || fetch(None)).await.map(drop)
    }

    /// Makes a call. `fetch` brings a token, another than the one it is told of.
    pub(super) async fn call<Fetch>(
        &self,
        fetch: impl Fn(Option<SecretString>) -> Fetch,
        request: impl Fn(&str) -> RequestBuilder,
    ) -> Result<Value, Failure>
    where
        Fetch: Future<Output = Result<Token, Failure>>,
    {
        let token = self.tokens.get(None, || fetch(None)).await?;
        match self.answer(&request, &token).await {
            Err(Failure::Refused { code, .. }) if (self.is_stale)(code) => {}
            said => return said,
        }
        let token = self.tokens.get(Some(&token), || fetch(Some(token.clone()))).await?;
        self.answer(&request, &token).await
    }

    async fn answer(
        &self,
        request: &impl Fn(&str) -> RequestBuilder,
        token: &SecretString,
    ) -> Result<Value, Failure> {
        let answer = http::call(request(token.expose_secret())).await;
        answer::read(answer, self.vendor, &[&self.secret, token])
    }

    /// Makes the call that gets a token.
    pub(super) async fn ask(&self, request: RequestBuilder) -> Result<Token, Failure> {
        let said = answer::read(http::call(request).await, self.vendor, &[&self.secret])
            .map_err(Failure::of_nothing)?;
        let value = said.get("access_token").and_then(Value::as_str).filter(|value| !value.is_empty());
        match (value, said.get("expires_in").and_then(Value::as_u64)) {
            (Some(value), Some(seconds)) => {
                Ok(Token { value: value.to_owned().into(), life: Duration::from_secs(seconds) })
            }
            _ => Err(Failure::NotSent(format!("{} answered without an access token", self.vendor))),
        }
    }
}
