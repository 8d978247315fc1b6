//! What stands before the service: what every call of the cloud's API must say, and who may say it.

use serde_json::{Value, json};

use super::signature::{self, Claim};
use crate::simulator::http::Request;

const VERSION: &str = "2021-01-11";
const REGIONS: [&str; 3] = ["ap-beijing", "ap-guangzhou", "ap-nanjing"];
const ACTIONS: [&str; 3] = ["SendSms", "PullSmsSendStatus", "PullSmsSendStatusByPhoneNumber"];
/// How far a caller's clock may be off, in seconds.
const SKEW: i64 = 5 * 60;

/// Why a whole call comes to nothing. HTTP knows nothing of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    code: String,
    message: String,
}

impl Refusal {
    pub(super) fn new(code: &str, message: impl Into<String>) -> Self {
        Self { code: code.to_owned(), message: message.into() }
    }

    pub(super) fn write(&self) -> Value {
        json!({"Error": {"Code": self.code, "Message": self.message}})
    }
}

#[derive(Debug)]
pub(super) struct Gate {
    pub(super) secret_id: String,
    pub(super) secret_key: String,
}

impl Gate {
    /// Lets a call in, and says what it asks for.
    pub(super) fn admit(&self, request: &Request, now: i64) -> Result<(String, Value), Refusal> {
        let missing = |name: &str| {
            Refusal::new("MissingParameter", format!("The request is missing a required parameter `{name}`."))
        };
        let header = |name: &str| request.header(name).ok_or_else(|| missing(name));
        let media_type = request.header("content-type").unwrap_or_default();
        let is_json = media_type.split(';').next().is_some_and(|kind| kind.trim() == "application/json");
        if request.method != "POST" || !is_json {
            return Err(Refusal::new(
                "UnsupportedProtocol",
                "HTTP(S) request protocol error: POST of JSON only.",
            ));
        }
        let action = header("X-TC-Action")?;
        if request.path != "/" || !ACTIONS.contains(&action) {
            return Err(Refusal::new("InvalidAction", format!("The action `{action}` is invalid.")));
        }
        if header("X-TC-Version")? != VERSION {
            return Err(Refusal::new("NoSuchVersion", "The requested API version is not found."));
        }
        if !REGIONS.contains(&header("X-TC-Region")?) {
            return Err(Refusal::new("UnsupportedRegion", "The region is not supported."));
        }
        self.check(request, header("X-TC-Timestamp")?, header("Authorization")?, now)?;
        let body: Value = serde_json::from_slice(&request.body).unwrap_or(Value::Null);
        if !body.is_object() {
            return Err(Refusal::new("FailedOperation.JsonParseFail", "The body is no JSON object."));
        }
        Ok((action.to_owned(), body))
    }

    fn check(&self, request: &Request, seconds: &str, authorization: &str, now: i64) -> Result<(), Refusal> {
        let failure = |message: &str| Refusal::new("AuthFailure.SignatureFailure", message);
        let stamp: i64 = seconds.parse().map_err(|_| failure("X-TC-Timestamp is no number."))?;
        let claim = Claim::read(authorization).filter(|claim| claim.is_whole(request)).ok_or_else(|| {
            Refusal::new("AuthFailure.InvalidAuthorization", "The Authorization header is not well formed.")
        })?;
        if claim.key_id != self.secret_id {
            return Err(Refusal::new("AuthFailure.SecretIdNotFound", "The SecretId is not found."));
        }
        if (now / 1_000 - stamp).abs() > SKEW {
            let words = format!("The provided credentials are expired: server time is {}.", now / 1_000);
            return Err(Refusal::new("AuthFailure.SignatureExpire", words));
        }
        let day = jiff::Timestamp::from_second(stamp).unwrap_or_default().strftime("%Y-%m-%d").to_string();
        if claim.date != day || claim.service != "sms" {
            return Err(failure("The credential scope is not that of this call."));
        }
        let (canonical, right) = signature::sign(request, &claim, seconds, &self.secret_key);
        if claim.signature != right {
            return Err(failure(&format!(
                "The provided credentials could not be validated: the canonical request has the hash {canonical}."
            )));
        }
        Ok(())
    }
}
