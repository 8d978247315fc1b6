//! Errors come with HTTP 200 and a code in the body.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};

use serde_json::{Value, json};

use super::faults::WechatAct;
use crate::simulator::http::Answer;

/// An error of the API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Refusal {
    pub(in crate::simulator) errcode: i64,
    pub(in crate::simulator) errmsg: String,
}

impl Refusal {
    pub(in crate::simulator) fn new(errcode: i64, errmsg: impl Into<String>) -> Self {
        Self { errcode, errmsg: errmsg.into() }
    }
}

/// What an API counts of its answers.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Answers {
    pub(in crate::simulator) refused: AtomicU64,
    pub(in crate::simulator) hung: AtomicU64,
}

impl Answers {
    /// The usual answer, or what happens in its place.
    pub(in crate::simulator) fn meet(
        &self,
        act: Option<WechatAct>,
        usual: impl FnOnce() -> Result<Value, Refusal>,
    ) -> Answer {
        match act {
            None => self.say(usual()),
            Some(WechatAct::Error { errcode, errmsg }) => self.say(Err(Refusal { errcode, errmsg })),
            Some(WechatAct::Status(status)) => Answer::Json { status, body: "<html>".to_owned() },
            Some(WechatAct::Hang) => self.hang(),
            Some(WechatAct::Reset) => Answer::Reset,
            Some(WechatAct::Close) => Answer::Close,
            Some(WechatAct::Garbage) => Answer::Garbage,
            Some(act @ (WechatAct::LoseAnswer | WechatAct::KeepAnswer)) => match (usual(), act) {
                (Err(refusal), _) => self.say(Err(refusal)),
                (Ok(_), WechatAct::KeepAnswer) => self.hang(),
                (Ok(_), _) => Answer::Reset,
            },
        }
    }

    fn hang(&self) -> Answer {
        self.hung.fetch_add(1, Relaxed);
        Answer::Hang
    }

    fn say(&self, said: Result<Value, Refusal>) -> Answer {
        let mut body = said.unwrap_or_else(|refusal| {
            self.refused.fetch_add(1, Relaxed);
            json!({ "errcode": refusal.errcode, "errmsg": refusal.errmsg })
        });
        if body["errcode"].is_null() {
            body["errcode"] = 0.into();
            body["errmsg"] = "ok".into();
        }
        Answer::Json { status: 200, body: body.to_string() }
    }
}
