//! Errors come with HTTP 200 and a code in the body.

use serde_json::{Value, json};

use super::faults::WechatAct;
use crate::simulator::held::Counted;
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
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(in crate::simulator) struct Answered {
    pub(in crate::simulator) refused: u64,
    pub(in crate::simulator) hung: u64,
}

/// How calls are answered.
#[derive(Debug, Default)]
pub(in crate::simulator) struct Answers(pub(in crate::simulator) Counted<Answered>);

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
        self.0.count(|counts| counts.hung += 1);
        Answer::Hang
    }

    fn say(&self, said: Result<Value, Refusal>) -> Answer {
        let mut body = said.unwrap_or_else(|refusal| {
            self.0.count(|counts| counts.refused += 1);
            json!({ "errcode": refusal.errcode, "errmsg": refusal.errmsg })
        });
        // A code's ticket comes by itself.
        if body["errcode"].is_null() && body["ticket"].is_null() {
            body["errcode"] = 0.into();
            body["errmsg"] = "ok".into();
        }
        Answer::Json { status: 200, body: body.to_string() }
    }
}
