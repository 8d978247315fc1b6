//! What stands before the service: it knows the caller, and lets nothing in twice or out of its time.

use std::sync::{Mutex, PoisonError};

use super::answer::{Manner, Refusal};
use super::signature::{self, Claim};
use crate::simulator::http::Request;
use crate::simulator::tally::Tally;

const VERSION: &str = "2017-05-25";
const ACTIONS: [&str; 3] = ["SendSms", "SendBatchSms", "QuerySendDetails"];
/// How far a caller's clock may be off.
const SKEW: i64 = 15 * 60_000;
/// Nonces that are remembered at least.
const REMEMBERED: usize = 250_000;

/// A call taken apart.
#[derive(Debug)]
pub(super) struct Call {
    pub(super) manner: Manner,
    parameters: Vec<(String, String)>,
}

impl Call {
    pub(super) fn read(request: &Request) -> Self {
        let query = request.target.split_once('?').map_or("", |(_, query)| query);
        let mut parameters = signature::parameters(query.as_bytes());
        let media_type = request.header("content-type").unwrap_or_default();
        if media_type.starts_with("application/x-www-form-urlencoded") {
            parameters.extend(signature::parameters(&request.body));
        }
        let is_new = request.header("x-acs-action").is_some();
        let host = request.header("host").unwrap_or_default().to_owned();
        let mut call = Self { manner: Manner { action: String::new(), is_xml: false, host }, parameters };
        let action = request.header("x-acs-action").or_else(|| call.get("Action")).unwrap_or_default();
        call.manner.action = action.to_owned();
        // The old style speaks XML unless told.
        call.manner.is_xml = !is_new && call.get("Format").is_none_or(|format| format != "JSON");
        call
    }

    /// A parameter that is there and not empty.
    pub(super) fn get(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(key, _)| key == name);
        found.map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
    }

    /// The same, of a parameter that must be there.
    pub(super) fn need(&self, name: &str) -> Result<&str, Refusal> {
        let missing =
            || Refusal::saying(&format!("Missing{name}"), format!("{name} is mandatory for this action."));
        self.get(name).ok_or_else(missing)
    }
}

#[derive(Debug)]
pub(super) struct Gate {
    pub(super) key_id: String,
    pub(super) secret: String,
    nonces: Mutex<Tally>,
}

impl Gate {
    pub(super) fn new(key_id: String, secret: String) -> Self {
        Self { key_id, secret, nonces: Mutex::new(Tally::remembering(REMEMBERED)) }
    }

    /// Lets a call in.
    pub(super) fn admit(&self, request: &Request, call: &Call, now: i64) -> Result<(), Refusal> {
        if request.path != "/" || !ACTIONS.contains(&call.manner.action.as_str()) {
            return Err(Refusal::new("InvalidAction.NotFound"));
        }
        let (version, time, nonce) = match request.header("authorization") {
            Some(authorization) => self.check_v3(request, authorization)?,
            None => self.check_rpc(&request.method, call)?,
        };
        if version != VERSION {
            return Err(Refusal::new("InvalidVersion"));
        }
        let time = moment(time).ok_or_else(|| Refusal::new("InvalidTimeStamp.Format"))?;
        if (now - time).abs() > SKEW {
            return Err(Refusal::new("InvalidTimeStamp.Expired"));
        }
        if self.nonces.lock().unwrap_or_else(PoisonError::into_inner).add(nonce) > 1 {
            return Err(Refusal::new("SignatureNonceUsed"));
        }
        Ok(())
    }

    /// Version, time and nonce of a call whose signature is right.
    fn check_v3<'r>(
        &self,
        request: &'r Request,
        authorization: &str,
    ) -> Result<(&'r str, &'r str, &'r str), Refusal> {
        let incomplete = || Refusal::new("IncompleteSignature");
        let claim =
            Claim::read(authorization).filter(|claim| claim.is_whole(request)).ok_or_else(incomplete)?;
        let header = |name: &str| request.header(name).ok_or_else(incomplete);
        let found = (header("x-acs-version")?, header("x-acs-date")?, header("x-acs-signature-nonce")?);
        self.check_key(claim.key_id)?;
        if header("x-acs-content-sha256")? != signature::hash(&request.body) {
            return Err(Refusal::saying(
                "SignatureDoesNotMatch",
                "x-acs-content-sha256 is not that of the body.",
            ));
        }
        let (text, right) = signature::v3(request, &claim.headers, &self.secret);
        check(&text, &right, claim.signature)?;
        Ok(found)
    }

    fn check_rpc<'c>(&self, method: &str, call: &'c Call) -> Result<(&'c str, &'c str, &'c str), Refusal> {
        let signature = call.get("Signature").ok_or_else(|| Refusal::new("IncompleteSignature"))?;
        if call.need("SignatureMethod")? != "HMAC-SHA1" || call.need("SignatureVersion")? != "1.0" {
            return Err(Refusal::new("IncompleteSignature"));
        }
        self.check_key(call.need("AccessKeyId")?)?;
        let (text, right) = signature::rpc(method, &call.parameters, &self.secret);
        check(&text, &right, signature)?;
        Ok((call.need("Version")?, call.need("Timestamp")?, call.need("SignatureNonce")?))
    }

    fn check_key(&self, id: &str) -> Result<(), Refusal> {
        if id == self.key_id { Ok(()) } else { Err(Refusal::new("InvalidAccessKeyId.NotFound")) }
    }
}

fn check(text: &str, right: &str, signature: &str) -> Result<(), Refusal> {
    if right == signature {
        return Ok(());
    }
    let words =
        format!("Specified signature does not match our calculation. server string to sign is:[{text}]");
    Err(Refusal::saying("SignatureDoesNotMatch", words))
}

/// `2023-10-26T10:22:32Z`, to the letter.
fn moment(text: &str) -> Option<i64> {
    let is_plain = text.len() == 20 && text.ends_with('Z') && text.as_bytes()[10] == b'T';
    is_plain.then(|| text.parse::<jiff::Timestamp>().ok()).flatten().map(jiff::Timestamp::as_millisecond)
}
