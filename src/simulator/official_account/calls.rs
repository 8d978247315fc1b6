//! What each call does, once nothing goes wrong with it.

use serde_json::{Value, json};

use super::account::Ticket;
use super::faults::{OfficialAccountCall as Call, OfficialAccountFaults};
use super::server::Shared;
use super::{is_openid, refuse};
use crate::simulator::http::Request;
use crate::simulator::wechat::answer::Refusal;

/// Most that a code's life may be, in seconds.
const LONGEST_CODE: u64 = 2_592_000;
const USUAL_CODE: u64 = 60;
const SCENE: usize = 64;

impl Shared {
    pub(super) fn act(
        &self,
        faults: &OfficialAccountFaults,
        call: Call,
        request: &Request,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let now = self.clock.now();
        let query = |name: &str| request.query.get(name).map(String::as_str);
        if matches!(call, Call::StableToken | Call::Token | Call::SignIn) {
            return self.sign_in(faults, call, request, body);
        }
        self.account().tokens.check(query("access_token"), now)?;
        if matches!(call, Call::Templates | Call::UserInfo) {
            return match call {
                Call::UserInfo => self.user(faults, query("openid").unwrap_or_default()),
                _ => Ok(json!({ "template_list": self.listed() })),
            };
        }
        if request.method != "POST" {
            return Err(refuse(43_002, "require POST method"));
        }
        if request.body.is_empty() {
            return Err(refuse(44_002, "empty post data"));
        }
        if !body.is_object() {
            return Err(refuse(47_001, "data format error"));
        }
        match call {
            Call::QuotaGet => self.quota(faults, body["cgi_path"].as_str().unwrap_or_default()),
            Call::ClearQuota if body["appid"] != *self.app_id => Err(refuse(40_013, "invalid appid")),
            Call::ClearQuota => self.account().clear(now).map(|()| json!({})),
            Call::Qrcode => {
                self.account().count(call, now, faults)?;
                self.draw(request, body)
            }
            Call::Custom => self.converse(faults, body),
            _ => {
                self.account().count(call, now, faults)?;
                self.send(faults, call == Call::Bizsend, body)
            }
        }
    }

    /// What is asked for with the account's secret.
    fn sign_in(
        &self,
        faults: &OfficialAccountFaults,
        call: Call,
        request: &Request,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let now = self.clock.now();
        let given = |name: &str| match call {
            Call::StableToken => body[name].as_str().unwrap_or_default(),
            _ => request.query.get(name).map(String::as_str).unwrap_or_default(),
        };
        let grant = if call == Call::SignIn { "authorization_code" } else { "client_credential" };
        if call == Call::StableToken && request.method != "POST" {
            return Err(refuse(43_002, "require POST method"));
        }
        if given("grant_type") != grant {
            return Err(refuse(40_002, "invalid grant_type"));
        }
        if given("appid") != self.app_id {
            return Err(refuse(40_013, "invalid appid"));
        }
        if given("secret") != self.secret {
            return Err(refuse(40_125, "invalid appsecret"));
        }
        let mut account = self.account();
        if call == Call::SignIn {
            let sign_in = account.codes.redeem(given("code"), now)?;
            return Ok(json!({
                "access_token": "simulated", "expires_in": 7_200, "refresh_token": "simulated",
                "openid": sign_in.who, "scope": sign_in.scope,
            }));
        }
        if let Some(address) = &faults.unlisted_address {
            return Err(refuse(
                40_164,
                &format!("invalid ip {address} ipv6 ::ffff:{address}, not in whitelist"),
            ));
        }
        let (token, seconds) = match call {
            Call::StableToken => {
                let force = body["force_refresh"] == true;
                self.counted.count(|counts| counts.forced += u64::from(force));
                account.tokens.stable(force, faults.token_seconds, now)?
            }
            _ => account.tokens.classic(faults.token_seconds, now)?,
        };
        Ok(json!({ "access_token": token, "expires_in": seconds }))
    }

    fn listed(&self) -> Vec<Value> {
        let templates = self.templates.iter().filter(|template| !template.by_subscription);
        templates
            .map(|template| {
                json!({
                    "template_id": template.id, "title": template.title, "primary_industry": "教育",
                    "deputy_industry": "院校", "content": template.content(), "example": "",
                })
            })
            .collect()
    }

    fn user(&self, faults: &OfficialAccountFaults, openid: &str) -> Result<Value, Refusal> {
        if !is_openid(openid) {
            return Err(refuse(40_003, "invalid openid"));
        }
        let account = self.account();
        if !account.follows(openid, faults) {
            return Ok(json!({ "subscribe": 0, "openid": openid }));
        }
        let person = account.followers.get(openid).cloned().unwrap_or_default();
        let came_by = if person.scene.is_some() { "ADD_SCENE_QR_CODE" } else { "ADD_SCENE_SEARCH" };
        Ok(json!({
            "subscribe": 1, "openid": openid, "language": "zh_CN", "subscribe_time": person.since,
            "subscribe_scene": came_by, "qr_scene": 0, "qr_scene_str": person.scene.unwrap_or_default(),
        }))
    }

    fn quota(&self, faults: &OfficialAccountFaults, path: &str) -> Result<Value, Refusal> {
        let call = match path {
            "/cgi-bin/message/template/send" => Call::Template,
            "/cgi-bin/message/subscribe/bizsend" => Call::Bizsend,
            _ => return Err(refuse(76_021, "cgi_path not found, please check")),
        };
        let (limit, used) = (faults.calls_per_day, self.account().used(call, self.clock.now()));
        Ok(json!({ "quota": { "daily_limit": limit, "used": used, "remain": limit.saturating_sub(used) } }))
    }

    /// A code that brings people to the account.
    fn draw(&self, request: &Request, body: &Value) -> Result<Value, Refusal> {
        let scene = &body["action_info"]["scene"];
        let is_lasting = match body["action_name"].as_str() {
            Some("QR_SCENE" | "QR_STR_SCENE") => false,
            Some("QR_LIMIT_SCENE" | "QR_LIMIT_STR_SCENE") => true,
            _ => return Err(refuse(40_053, "invalid action info")),
        };
        let scene = match (scene["scene_str"].as_str(), scene["scene_id"].as_u64()) {
            (Some(text), _) if (1..=SCENE).contains(&text.len()) => text.to_owned(),
            (None, Some(id)) if id > 0 => id.to_string(),
            _ => return Err(refuse(40_053, "invalid action info")),
        };
        let seconds = body["expire_seconds"].as_u64().unwrap_or(USUAL_CODE).min(LONGEST_CODE);
        let until = (!is_lasting).then(|| self.clock.now() + seconds as i64 * 1_000);
        let ticket = self.account().draw(Ticket { scene, until });
        // Where the picture leads whoever scans it; here that is a page that asks who did.
        let url = format!("http://{}/q/{ticket}", request.header("host").unwrap_or("127.0.0.1"));
        let mut answer = json!({ "ticket": ticket, "url": url });
        if !is_lasting {
            answer["expire_seconds"] = seconds.into();
        }
        Ok(answer)
    }
}
