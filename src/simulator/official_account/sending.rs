//! Template messages, and subscription messages, which need a consent each.

use serde_json::{Value, json};

use super::faults::{OfficialAccountCall as Call, OfficialAccountFaults, fits};
use super::mailbox::OfficialAccountMessage;
use super::server::Shared;
use super::{is_openid, refuse};
use crate::simulator::wechat::answer::Refusal;
use crate::simulator::wechat::event::Part;

const CLIENT_MSG_ID: usize = 32;
/// Bytes of a text.
const CONTENT: usize = 2_048;

impl Shared {
    pub(super) fn send(
        &self,
        faults: &OfficialAccountFaults,
        by_subscription: bool,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let now = self.clock.now();
        let openid = body["touser"].as_str().filter(|openid| is_openid(openid));
        let openid = openid.ok_or_else(|| refuse(40_003, "invalid openid"))?;
        let template_id = body["template_id"].as_str().unwrap_or_default();
        let template = self
            .templates
            .iter()
            .find(|template| template.id == template_id && template.by_subscription == by_subscription)
            .ok_or_else(|| refuse(40_037, "invalid template_id"))?;
        let mut account = self.account();
        if fits(&faults.blacklisted, openid) {
            return Err(refuse(43_019, "require remove blacklist"));
        }
        // Who consented need not follow.
        if !by_subscription && !account.follows(openid, faults) {
            return Err(refuse(43_004, "require subscribe"));
        }
        let link = link(body, if by_subscription { "page" } else { "url" })?;
        let mini_program = mini_program(body)?;
        let lines = template.fill(&body["data"])?;
        let client_msg_id = if by_subscription { None } else { client_msg_id(body)? };
        if let Some(id) = client_msg_id
            && let Some(msgid) = account.repeated(openid, id, now)
        {
            self.counted.count(|counts| counts.swallowed += 1);
            return Ok(json!({ "msgid": msgid }));
        }
        if by_subscription {
            account.consume(openid, template_id, faults)?;
        }
        let msgid = account.note(openid, client_msg_id, now);
        let (is_blocked, fails) = (account.blocks(openid, faults), fits(&faults.failing, openid));
        drop(account);
        if !is_blocked && !fails {
            self.mailbox.take(OfficialAccountMessage {
                sequence: 0,
                received_at: now,
                msgid,
                openid: openid.to_owned(),
                template_id: template_id.to_owned(),
                by_subscription,
                title: template.title.clone(),
                lines,
                link,
                mini_program,
                client_msg_id: client_msg_id.map(str::to_owned),
            });
        }
        if by_subscription {
            self.tell_sent(openid, template_id, msgid, is_blocked || fails);
            // The vendor's answer says no more than that.
            return Ok(json!({}));
        }
        let status = match (is_blocked, fails) {
            (true, _) => "failed:user block",
            (_, true) => "failed: system failed",
            _ => "success",
        };
        self.tell(
            openid,
            "TEMPLATESENDJOBFINISH",
            vec![("MsgID", Part::Number(msgid)), ("Status", Part::text(status))],
        );
        Ok(json!({ "msgid": msgid }))
    }

    /// A text of the account's own, to somebody who has just done something there.
    pub(super) fn converse(&self, faults: &OfficialAccountFaults, body: &Value) -> Result<Value, Refusal> {
        let now = self.clock.now();
        let openid = body["touser"].as_str().filter(|openid| is_openid(openid));
        let openid = openid.ok_or_else(|| refuse(40_003, "invalid openid"))?;
        if body["msgtype"] != "text" {
            return Err(refuse(40_008, "invalid message type"));
        }
        let text = body["text"]["content"].as_str().unwrap_or_default();
        match text.len() {
            0 => return Err(refuse(44_004, "empty content")),
            1..=CONTENT => {}
            _ => return Err(refuse(45_002, "content size out of limit")),
        }
        let mut account = self.account();
        account.count(Call::Custom, now, faults)?;
        account.take_turn(openid, now)?;
        let msgid = account.note(openid, None, now);
        let is_blocked = account.blocks(openid, faults);
        drop(account);
        if !is_blocked {
            self.mailbox.take(OfficialAccountMessage {
                sequence: 0,
                received_at: now,
                msgid,
                openid: openid.to_owned(),
                template_id: String::new(),
                by_subscription: false,
                title: "客服消息".to_owned(),
                lines: vec![(String::new(), text.to_owned())],
                link: None,
                mini_program: None,
                client_msg_id: None,
            });
        }
        Ok(json!({}))
    }

    fn tell_sent(&self, openid: &str, template_id: &str, msgid: i64, fails: bool) {
        let (code, words) = if fails { (-1, "system failed") } else { (0, "success") };
        let row = vec![
            ("TemplateId", Part::text(template_id)),
            ("MsgID", Part::Number(msgid)),
            ("ErrorCode", Part::Number(code)),
            ("ErrorStatus", Part::text(words)),
        ];
        self.tell(openid, "subscribe_msg_sent_event", vec![("SubscribeMsgSentEvent", Part::Rows(vec![row]))]);
    }
}

fn link(body: &Value, name: &str) -> Result<Option<String>, Refusal> {
    match body.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(url)) if url.is_empty() => Ok(None),
        Some(Value::String(url)) if url.starts_with("https://") || url.starts_with("http://") => {
            Ok(Some(url.clone()))
        }
        Some(_) => Err(refuse(40_039, "invalid url size")),
    }
}

fn mini_program(body: &Value) -> Result<Option<(String, String)>, Refusal> {
    let program = match body.get("miniprogram") {
        None | Some(Value::Null) => return Ok(None),
        Some(program) => program,
    };
    let text = |name: &str| program[name].as_str().unwrap_or_default().to_owned();
    match text("appid") {
        appid if appid.is_empty() => Err(refuse(40_013, "invalid appid")),
        appid => Ok(Some((appid, text("pagepath")))),
    }
}

fn client_msg_id(body: &Value) -> Result<Option<&str>, Refusal> {
    match body.get("client_msg_id") {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(id)) if (1..=CLIENT_MSG_ID).contains(&id.len()) => Ok(Some(id)),
        Some(_) => Err(refuse(47_003, "argument invalid! client_msg_id invalid")),
    }
}
