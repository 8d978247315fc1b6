//! What the simulated vendors took, as the console's pages read it.

use crate::clock::Timestamp;
use crate::service::simulators::{
    CardDetail, CardLine, CardPage, Cards, MailDetail, MailLine, MailPage, MailQuery, Mailboxes, SmsDetail,
    SmsLine, SmsPage, Telephones,
};
use crate::simulator::http_sms::{Inbox, InboxQuery, Sms};
use crate::simulator::wecom::{WecomMessage, WecomQuery};
use crate::simulator::{self, MailSummary, Mailbox, WecomHappening, WecomMembers};

pub struct RelayMailbox(pub Mailbox);

impl Mailboxes for RelayMailbox {
    fn list(&self, query: &MailQuery) -> MailPage {
        let query = simulator::MailQuery {
            anywhere: query.q.clone(),
            before: query.before,
            limit: query.limit,
            ..simulator::MailQuery::default()
        };
        let simulator::MailPage { mails, matching, older } = self.0.list(&query);
        MailPage { mails: mails.into_iter().map(line).collect(), matching, older }
    }

    fn find(&self, sequence: u64) -> Option<MailDetail> {
        let mail = self.0.find(sequence)?;
        Some(MailDetail {
            source: mail.source(),
            sender: mail.summary.sender.clone(),
            line: line(mail.summary),
            from: mail.from,
            to: mail.to,
            date: mail.date,
            text: mail.text,
            html: mail.html,
            headers: mail.headers,
        })
    }
}

fn line(summary: MailSummary) -> MailLine {
    let MailSummary { sequence, received_at, recipients, subject, size, .. } = summary;
    MailLine { sequence, received_at: Timestamp(received_at), recipients, subject, size }
}

/// The relay's mailbox, the telephones behind the gateway and the corp's members.
pub struct VendorMailboxes {
    pub mails: RelayMailbox,
    pub texts: GatewayInbox,
    pub corp: CorpMembers,
}

impl Mailboxes for VendorMailboxes {
    fn list(&self, query: &MailQuery) -> MailPage {
        self.mails.list(query)
    }

    fn find(&self, sequence: u64) -> Option<MailDetail> {
        self.mails.find(sequence)
    }

    fn telephones(&self) -> Option<&dyn Telephones> {
        Some(&self.texts)
    }

    fn cards(&self) -> Option<&dyn Cards> {
        Some(&self.corp)
    }
}

pub struct GatewayInbox(pub Inbox);

impl Telephones for GatewayInbox {
    fn list(&self, query: &MailQuery) -> SmsPage {
        let query = InboxQuery { anywhere: query.q.clone(), before: query.before, limit: query.limit };
        let page = self.0.list(&query);
        let texts = page.texts.into_iter().map(sms_line).collect();
        SmsPage { texts, matching: page.matching, older: page.older }
    }

    fn find(&self, sequence: u64) -> Option<SmsDetail> {
        let sms = self.0.find(sequence)?;
        Some(SmsDetail { call: sms.call.clone(), source: sms.request.source(), line: sms_line(sms) })
    }
}

fn sms_line(sms: Sms) -> SmsLine {
    let Sms { sequence, received_at, number, text, segments, receipt, .. } = sms;
    SmsLine { sequence, received_at: Timestamp(received_at), number, text, segments, receipt }
}

pub struct CorpMembers(pub WecomMembers);

impl Cards for CorpMembers {
    fn list(&self, query: &MailQuery) -> CardPage {
        let query = WecomQuery { anywhere: query.q.clone(), before: query.before, limit: query.limit };
        let page = self.0.mailbox().list(&query);
        let cards = page.messages.into_iter().map(card_line).collect();
        CardPage { cards, matching: page.matching, older: page.older }
    }

    fn find(&self, sequence: u64) -> Option<CardDetail> {
        let mut message = self.0.mailbox().find(sequence)?;
        let card = message.card.take().unwrap_or_default();
        Some(CardDetail {
            link: message.link.clone(),
            buttons: card.buttons,
            replaced: card.replaced,
            line: card_line(message),
        })
    }

    fn press(&self, sequence: u64, member: &str, key: &str) -> bool {
        let card = self.0.mailbox().find(sequence).and_then(|message| message.card);
        card.is_some_and(|card| {
            let (member, key) = (member.to_owned(), key.to_owned());
            self.0.happen(WecomHappening::Click { member, task: card.task_id, key }).is_ok()
        })
    }
}

fn card_line(message: WecomMessage) -> CardLine {
    let WecomMessage { sequence, received_at, title, text, members, .. } = message;
    CardLine { sequence, received_at: Timestamp(received_at), title, text, members }
}
