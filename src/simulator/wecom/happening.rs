//! What members do, and how the corp's owner is told.

use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::mailbox::WecomMailbox;
use super::server::Shared;
use crate::simulator::wechat::event::{Event, Part};

/// A member does something with their phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum WecomHappening {
    /// Presses the button with this key, or these words, on the card of a task that they received.
    Click { member: String, task: String, key: String },
    /// Opens the application.
    Enter { member: String },
    /// Writes to the application.
    Say { member: String, text: String },
}

/// A handle on what members received and do. It keeps nothing running.
#[derive(Clone)]
pub struct WecomMembers(pub(super) Arc<Shared>);

impl WecomMembers {
    pub fn mailbox(&self) -> WecomMailbox {
        self.0.mailbox.clone()
    }

    /// A member does something, of which the corp's owner is told.
    pub fn happen(&self, happening: WecomHappening) -> Result<(), String> {
        self.0.happen(happening)
    }
}

impl Shared {
    pub(super) fn happen(&self, happening: WecomHappening) -> Result<(), String> {
        match happening {
            WecomHappening::Click { member, task, key } => self.click(&member, &task, &key),
            WecomHappening::Enter { member } => {
                let fields = vec![("Event", Part::text("enter_agent")), ("EventKey", Part::text(""))];
                self.tell(&member, "event", fields);
                Ok(())
            }
            WecomHappening::Say { member, text } => {
                let id = i64::from(rand::random::<u32>());
                self.tell(&member, "text", vec![("Content", Part::text(text)), ("MsgId", Part::Number(id))]);
                Ok(())
            }
        }
    }

    fn click(&self, member: &str, task: &str, key: &str) -> Result<(), String> {
        let message = self.mailbox.card(task).ok_or_else(|| format!("no card has the task {task:?}"))?;
        let card = message.card.unwrap_or_default();
        if !message.members.iter().any(|other| other.eq_ignore_ascii_case(member)) {
            return Err(format!("{member:?} did not receive the card"));
        }
        if message.is_recalled {
            return Err("the card was called back".to_owned());
        }
        if card.replaced.contains_key(&member.to_lowercase()) {
            return Err("the card was updated and has no buttons any more".to_owned());
        }
        let pressed = card.buttons.into_iter().find(|(other, words)| other == key || words == key);
        let Some((key, _)) = pressed else { return Err(format!("the card has no button {key:?}")) };
        let code = self.corp().respond(&message.msgid, self.clock.now());
        let fields = vec![
            ("Event", Part::text("template_card_event")),
            ("EventKey", Part::text(key)),
            ("TaskId", Part::text(task)),
            ("CardType", Part::text(card.card_type)),
            ("ResponseCode", Part::text(code)),
        ];
        self.tell(member, "event", fields);
        Ok(())
    }

    fn tell(&self, member: &str, kind: &'static str, mut fields: Vec<(&'static str, Part)>) {
        fields.push(("AgentID", Part::Number(self.agent_id as i64)));
        self.courier.post(Event {
            to: self.corp_id.clone(),
            from: member.to_owned(),
            at: self.clock.now() / 1_000,
            kind,
            fields,
        });
    }
}
