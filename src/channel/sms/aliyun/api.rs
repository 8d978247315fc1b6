//! Calls of the SMS service, version 2017-05-25.

use reqwest::{Client, Method, RequestBuilder, Url};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;

use super::classify::{Meaning, meaning};
use super::settings::Settings;
use super::sign::{self, Call};
use crate::channel::http::{Answer, authority};
use crate::channel::sms::vendor::{self, Failure};
use crate::clock::Clock;

const VERSION: &str = "2017-05-25";

pub(super) struct Api {
    client: Client,
    endpoint: Url,
    /// As the `Host` header has it.
    host: String,
    key_id: String,
    secret: SecretString,
    token: Option<SecretString>,
    clock: Clock,
}

/// What an answer has that is of use. Absent and `null` are the same.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Said {
    code: Option<String>,
    message: Option<String>,
    /// The vendor's id of a call that it took.
    pub(super) biz_id: Option<String>,
    pub(super) request_id: Option<String>,
    /// How many texts a search found, on all its pages.
    pub(super) total_count: Option<Count>,
    #[serde(rename = "SmsSendDetailDTOs")]
    details: Option<Details>,
}

/// A number, which some of the vendor's answers write as a text.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
pub(super) enum Count {
    Number(i64),
    Text(String),
}

impl Count {
    pub(super) fn value(&self) -> i64 {
        match self {
            Self::Number(number) => *number,
            Self::Text(text) => text.parse().unwrap_or(0),
        }
    }
}

#[derive(Debug, Deserialize)]
struct Details {
    #[serde(rename = "SmsSendDetailDTO", default)]
    details: Vec<Detail>,
}

/// What became of a text.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Detail {
    pub(super) out_id: Option<String>,
    pub(super) biz_id: Option<String>,
    /// 1 waiting, 2 failed, 3 delivered.
    pub(super) send_status: Count,
    pub(super) err_code: Option<String>,
}

impl Said {
    pub(super) fn details(&self) -> &[Detail] {
        self.details.as_ref().map_or(&[], |details| &details.details)
    }
}

impl Api {
    pub(super) fn new(settings: &Settings, clock: Clock) -> Self {
        let endpoint = settings.reach.endpoint.clone();
        Self {
            client: settings.reach.client.clone(),
            host: authority(&endpoint),
            endpoint,
            key_id: settings.key_id.clone(),
            secret: settings.secret.clone(),
            token: settings.token.clone(),
            clock,
        }
    }

    /// Makes a call, and once more with a new nonce and a new look at the clock where the vendor asks for it.
    pub(super) async fn call(&self, action: &str, fields: &[(&str, &str)]) -> Result<Said, Failure> {
        match self.call_once(action, fields).await {
            Err(Failure::Refused { code, .. }) if meaning(&code) == Meaning::Again => {
                self.call_once(action, fields).await
            }
            said => said,
        }
    }

    async fn call_once(&self, action: &str, fields: &[(&str, &str)]) -> Result<Said, Failure> {
        let Answer { status, body } = vendor::call(self.request(action, fields)).await?;
        match serde_json::from_slice::<Said>(&body) {
            Ok(Said { code: Some(code), message, .. }) if code != "OK" => {
                let secrets = [&self.secret].into_iter().chain(&self.token);
                let words = vendor::clean(&message.unwrap_or_default(), secrets);
                Err(Failure::Refused { code: vendor::clean(&code, []), words, status })
            }
            Ok(said) if said.code.is_some() && status < 300 => Ok(said),
            _ => Err(Failure::Status(status)),
        }
    }

    fn request(&self, action: &str, fields: &[(&str, &str)]) -> RequestBuilder {
        let mut fields = fields.to_vec();
        // The older of the vendor's gateways answers in XML unless it is told otherwise.
        fields.push(("Format", "JSON"));
        let query = sign::query(&fields);
        let date = self.clock.now().to_jiff().strftime("%Y-%m-%dT%H:%M:%SZ").to_string();
        let call = Call {
            host: &self.host,
            path: self.endpoint.path(),
            query: &query,
            action,
            version: VERSION,
            date: &date,
            nonce: &format!("{:032x}", rand::random::<u128>()),
            token: self.token.as_ref().map(SecretString::expose_secret),
        };
        let mut url = self.endpoint.clone();
        url.set_query(Some(&query));
        let mut request = self.client.request(Method::POST, url);
        for (name, value) in call.headers() {
            request = request.header(name, value);
        }
        let authorization = call.authorization(&self.key_id, self.secret.expose_secret());
        request.header("authorization", authorization).header("accept", "application/json")
    }
}
