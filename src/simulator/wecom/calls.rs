//! What each call does, once nothing goes wrong with it.

use std::collections::HashSet;
use std::sync::atomic::Ordering::Relaxed;

use serde_json::{Value, json};

use super::cards::WecomCard;
use super::faults::{WecomCall, WecomFaults};
use super::rules;
use super::server::Shared;
use crate::simulator::http::Request;
use crate::simulator::wechat::answer::Refusal;
use crate::simulator::wechat::faults::Plan;

impl Shared {
    pub(super) fn act(
        &self,
        plan: &Plan<WecomFaults>,
        call: WecomCall,
        request: &Request,
        body: &Value,
    ) -> Result<Value, Refusal> {
        let now = self.clock.now();
        let query = |name: &str| request.query.get(name).map(String::as_str);
        if call == WecomCall::Gettoken {
            if query("corpid") != Some(&self.corp_id) {
                return Err(Refusal::new(40_013, "invalid corpid"));
            }
            if query("corpsecret") != Some(&self.secret) {
                return Err(Refusal::new(40_001, "invalid credential"));
            }
            let (access_token, expires_in) = self.corp().issue(now, &plan.faults);
            return Ok(json!({ "access_token": access_token, "expires_in": expires_in }));
        }
        self.corp().check_token(query("access_token"), now)?;
        if plan.faults.untrusted_address {
            return Err(Refusal::new(60_020, "not allow to access from your ip, from ip: 127.0.0.1"));
        }
        match call {
            WecomCall::Agent if query("agentid") != Some(&self.agent_id.to_string()) => {
                Err(Refusal::new(301_002, "agentid not match"))
            }
            WecomCall::Agent => Ok(json!({ "agentid": self.agent_id, "name": "钟楼通知（模拟）" })),
            WecomCall::Recall => {
                let msgid = body["msgid"].as_str().unwrap_or_default();
                self.corp().check_recall(msgid, now)?;
                self.mailbox.recall(msgid);
                Ok(json!({}))
            }
            WecomCall::Update => self.update(plan, body, now),
            WecomCall::SignIn => {
                let sign_in = self.corp().codes.redeem(query("code").unwrap_or_default(), now)?;
                // Who is no member is known by another id.
                let name = if plan.is_unknown(&sign_in.who) { "openid" } else { "userid" };
                Ok(json!({ name: sign_in.who }))
            }
            _ => self.send(plan, body, now),
        }
    }

    /// Shows other words in place of a card's buttons.
    fn update(&self, plan: &Plan<WecomFaults>, body: &Value, now: i64) -> Result<Value, Refusal> {
        if body["agentid"].as_u64() != Some(self.agent_id) {
            return Err(Refusal::new(301_002, "agentid not match"));
        }
        let named: Vec<_> =
            body["userids"].as_array().into_iter().flatten().filter_map(Value::as_str).collect();
        let all = body["atall"] == 1;
        if named.is_empty() && !all {
            return Err(Refusal::new(82_001, "All touser & toparty & totag are empty"));
        }
        let words = body["button"]["replace_name"].as_str().filter(|words| !words.is_empty());
        let words = words.ok_or_else(|| Refusal::new(40_058, "button.replace_name invalid"))?;
        let msgid = self.corp().redeem(body["response_code"].as_str().unwrap_or_default(), now)?;
        let (unknown, known): (Vec<_>, Vec<_>) =
            named.iter().map(|member| member.to_lowercase()).partition(|member| plan.is_unknown(member));
        if all || !known.is_empty() {
            self.mailbox.update(&msgid, if all { &[] } else { &known }, words);
        }
        Ok(json!({ "invaliduser": unknown }))
    }

    fn send(&self, plan: &Plan<WecomFaults>, body: &Value, now: i64) -> Result<Value, Refusal> {
        if self.at_once.load(Relaxed) > plan.faults.concurrency {
            return Err(Refusal::new(45_033, "api concurrent out of limit"));
        }
        let mut corp = self.corp();
        corp.check_rate(now, &plan.faults)?;
        if !body.is_object() {
            return Err(Refusal::new(47_001, "data format error"));
        }
        let message = rules::read(body, self.agent_id)?;
        let request = body.to_string();
        if message.check_seconds.is_some()
            && let Some(msgid) = corp.repeated(&request, now)
        {
            self.counted.count(|counts| counts.swallowed += message.members.len() as u64);
            return Ok(json!({ "msgid": msgid, "invaliduser": "" }));
        }
        let (mut known, mut unknown, mut unlicensed) = (Vec::new(), Vec::new(), Vec::new());
        let mut named = HashSet::new();
        for member in message.members.iter().filter(|member| named.insert(member.to_lowercase())) {
            if plan.is_unknown(member) {
                unknown.push(member.to_lowercase());
            } else if plan.is_unlicensed(member) {
                unlicensed.push(member.to_lowercase());
            } else {
                known.push(member.clone());
            }
        }
        if known.is_empty() {
            return Err(Refusal::new(81_013, "user & party & tag all invalid"));
        }
        corp.check_day(known.len(), now, &plan.faults)?;
        let task = message.card.as_ref().map(|card| card.task_id.as_str()).filter(|task| !task.is_empty());
        if let Some(task) = task {
            corp.take_task(task)?;
        }
        let asked = known.len();
        known.retain(|member| corp.reaches(member, now, &plan.faults));
        self.counted.count(|counts| counts.dropped += (asked - known.len()) as u64);
        let msgid = corp.note(message.check_seconds.map(|seconds| (request, seconds)), now);
        let mut answer = json!({
            "invaliduser": unknown.join("|"), "invalidparty": "", "invalidtag": "",
            "unlicenseduser": unlicensed.join("|"), "msgid": msgid,
        });
        if message.card.as_ref().is_some_and(WecomCard::is_answered) {
            answer["response_code"] = corp.respond(&msgid, now).into();
        }
        self.mailbox.take(message, known, &msgid, now);
        Ok(answer)
    }
}
