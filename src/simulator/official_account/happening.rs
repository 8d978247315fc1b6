//! What followers do, and how the account's owner is told of it.

use serde::{Deserialize, Serialize};

use super::is_openid;
use super::server::Shared;
use crate::simulator::wechat::event::{Event, Part};

/// Somebody does something with their phone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Happening {
    /// Begins to follow the account, of their own accord.
    Follow { openid: String },
    /// Leaves it.
    Unfollow { openid: String },
    /// Scans a QR code, and follows the account if they did not.
    Scan { openid: String, ticket: String },
    /// Refuses the account's messages, or allows them again. Nobody is told.
    Block {
        openid: String,
        #[serde(default = "yes")]
        blocks: bool,
    },
    /// Answers when asked for their consent to one message of each of these templates.
    Consent {
        openid: String,
        templates: Vec<String>,
        #[serde(default = "yes")]
        accepts: bool,
    },
    /// Takes their consent back in the account's settings.
    Withdraw { openid: String, templates: Vec<String> },
}

fn yes() -> bool {
    true
}

impl Happening {
    fn openid(&self) -> &str {
        match self {
            Self::Follow { openid }
            | Self::Unfollow { openid }
            | Self::Scan { openid, .. }
            | Self::Block { openid, .. }
            | Self::Consent { openid, .. }
            | Self::Withdraw { openid, .. } => openid,
        }
    }
}

impl Shared {
    pub(super) fn happen(&self, happening: Happening) -> Result<(), String> {
        if !is_openid(happening.openid()) {
            return Err(format!("{:?} is no openid", happening.openid()));
        }
        match happening {
            Happening::Follow { openid } => self.follow(&openid, None),
            Happening::Unfollow { openid } => {
                let mut account = self.account();
                let person = account.person(&openid);
                (person.follows, person.scene) = (Some(false), None);
                drop(account);
                self.tell(&openid, "unsubscribe", vec![("EventKey", Part::text(""))]);
            }
            Happening::Scan { openid, ticket } => self.scan(&openid, &ticket)?,
            Happening::Block { openid, blocks } => self.account().person(&openid).blocks = Some(blocks),
            Happening::Consent { openid, templates, accepts } => {
                let templates = self.known(templates)?;
                if accepts {
                    let mut account = self.account();
                    let consents = &mut account.person(&openid).consents;
                    for template in &templates {
                        *consents.entry(template.clone()).or_default() += 1;
                    }
                }
                let answer = if accepts { "accept" } else { "reject" };
                let rows = rows(&templates, answer, Some(2));
                self.tell(&openid, "subscribe_msg_popup_event", vec![("SubscribeMsgPopupEvent", rows)]);
            }
            Happening::Withdraw { openid, templates } => {
                let templates = self.known(templates)?;
                let mut account = self.account();
                let consents = &mut account.person(&openid).consents;
                consents.retain(|template, _| !templates.contains(template));
                drop(account);
                let rows = rows(&templates, "reject", None);
                self.tell(&openid, "subscribe_msg_change_event", vec![("SubscribeMsgChangeEvent", rows)]);
            }
        }
        Ok(())
    }

    fn known(&self, templates: Vec<String>) -> Result<Vec<String>, String> {
        let is_known = |id: &String| {
            self.templates.iter().any(|template| template.by_subscription && template.id == *id)
        };
        match templates.iter().find(|id| !is_known(id)) {
            Some(other) => Err(format!("{other:?} is no subscription template of the account")),
            None if templates.is_empty() => Err("which templates?".to_owned()),
            None => Ok(templates),
        }
    }

    pub(super) fn scan(&self, openid: &str, ticket: &str) -> Result<(), String> {
        let now = self.clock.now();
        let account = self.account();
        let scene = account.ticket(ticket, now).map(|ticket| ticket.scene.clone());
        let follows = account.follows(openid, &self.plan.get().faults);
        drop(account);
        let scene = scene.ok_or("the code is not there, or no longer")?;
        if follows {
            self.account().give_turns(openid, now);
            self.tell(openid, "SCAN", vec![("EventKey", Part::text(scene)), ("Ticket", Part::text(ticket))]);
        } else {
            self.follow(openid, Some((&scene, ticket)));
        }
        Ok(())
    }

    fn follow(&self, openid: &str, scanned: Option<(&str, &str)>) {
        let mut account = self.account();
        let person = account.person(openid);
        person.follows = Some(true);
        person.since = self.clock.now() / 1_000;
        person.scene = scanned.map(|(scene, _)| scene.to_owned());
        account.give_turns(openid, self.clock.now());
        drop(account);
        let mut fields = vec![("EventKey", Part::text(""))];
        if let Some((scene, ticket)) = scanned {
            fields =
                vec![("EventKey", Part::Text(format!("qrscene_{scene}"))), ("Ticket", Part::text(ticket))];
        }
        self.tell(openid, "subscribe", fields);
    }

    /// Tells the account's owner.
    pub(super) fn tell(&self, openid: &str, event: &str, fields: Vec<(&'static str, Part)>) {
        let mut all = vec![("Event", Part::text(event))];
        all.extend(fields);
        self.courier.post(Event {
            to: self.name.clone(),
            from: openid.to_owned(),
            at: self.clock.now() / 1_000,
            kind: "event",
            fields: all,
        });
    }
}

fn rows(templates: &[String], answer: &str, scene: Option<i64>) -> Part {
    let row = |template: &String| {
        let mut row =
            vec![("TemplateId", Part::text(template)), ("SubscribeStatusString", Part::text(answer))];
        row.extend(scene.map(|scene| ("PopupScene", Part::Number(scene))));
        row
    };
    Part::Rows(templates.iter().map(row).collect())
}
