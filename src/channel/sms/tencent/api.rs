//! Calls of the SMS service, version 2021-01-11.

use reqwest::{Client, RequestBuilder, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use serde_json::Value;

use super::classify::{Meaning, meaning};
use super::settings::Settings;
use super::sign::{CONTENT_TYPE, Call};
use crate::channel::http::{Answer, authority};
use crate::channel::sms::vendor::{self, Failure};
use crate::clock::Clock;

const VERSION: &str = "2021-01-11";
const SERVICE: &str = "sms";

pub(super) struct Api {
    client: Client,
    endpoint: Url,
    /// As the `Host` header has it.
    host: String,
    secret_id: String,
    secret_key: SecretString,
    token: Option<SecretString>,
    region: String,
    clock: Clock,
}

#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Whole {
    response: Said,
}

/// What an answer has that is of use. Absent and `null` are the same.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Said {
    error: Option<Error>,
    send_status_set: Option<Vec<Status>>,
    #[serde(rename = "PullSmsSendStatusSet")]
    found: Option<Vec<Found>>,
}

/// The whole call was refused.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Error {
    code: String,
    message: Option<String>,
}

/// What became of one number.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Status {
    pub(super) serial_no: Option<String>,
    pub(super) phone_number: Option<String>,
    pub(super) code: Option<String>,
    pub(super) message: Option<String>,
}

/// A receipt that was asked for.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Found {
    pub(super) serial_no: Option<String>,
    pub(super) session_context: Option<String>,
    pub(super) report_status: Option<String>,
    pub(super) description: Option<String>,
}

impl Said {
    pub(super) fn statuses(&self) -> &[Status] {
        self.send_status_set.as_deref().unwrap_or_default()
    }

    pub(super) fn found(&self) -> &[Found] {
        self.found.as_deref().unwrap_or_default()
    }
}

impl Api {
    pub(super) fn new(settings: &Settings, clock: Clock) -> Self {
        let endpoint = settings.reach.endpoint.clone();
        Self {
            client: settings.reach.client.clone(),
            host: authority(&endpoint),
            endpoint,
            secret_id: settings.secret_id.clone(),
            secret_key: settings.secret_key.clone(),
            token: settings.token.clone(),
            region: settings.region.clone(),
            clock,
        }
    }

    /// Makes a call, and once more after a new look at the clock where the vendor finds it late.
    pub(super) async fn call(&self, action: &str, body: &Value) -> Result<Said, Failure> {
        match self.call_once(action, body).await {
            Err(Failure::Refused { code, .. }) if meaning(&code) == Meaning::Again => {
                self.call_once(action, body).await
            }
            said => said,
        }
    }

    async fn call_once(&self, action: &str, body: &Value) -> Result<Said, Failure> {
        let Answer { status, body } = vendor::call(self.request(action, body)).await?;
        match serde_json::from_slice::<Whole>(&body) {
            Ok(Whole { response: Said { error: Some(Error { code, message }), .. } }) => {
                let words = self.clean(&message.unwrap_or_default());
                Err(Failure::Refused { code: vendor::clean(&code, []), words, status })
            }
            Ok(Whole { response }) if status < 300 => Ok(response),
            _ => Err(Failure::Status(status)),
        }
    }

    /// The vendor's words for a log.
    pub(super) fn clean(&self, words: &str) -> String {
        vendor::clean(words, [&self.secret_key].into_iter().chain(&self.token))
    }

    fn request(&self, action: &str, body: &Value) -> RequestBuilder {
        let body = body.to_string().into_bytes();
        let call = Call {
            host: &self.host,
            service: SERVICE,
            action: Some(action),
            body: &body,
            at: self.clock.now(),
        };
        let authorization = call.authorization(&self.secret_id, self.secret_key.expose_secret());
        let request = self
            .client
            .post(self.endpoint.clone())
            .header("content-type", CONTENT_TYPE)
            .header("authorization", authorization)
            .header("x-tc-action", action)
            .header("x-tc-version", VERSION)
            .header("x-tc-region", &self.region)
            .header("x-tc-timestamp", call.timestamp());
        let request = match &self.token {
            Some(token) => request.header("x-tc-token", token.expose_secret()),
            None => request,
        };
        request.body(body)
    }
}
