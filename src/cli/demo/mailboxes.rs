//! What the simulated vendors took, as the console's pages read it.

use crate::clock::Timestamp;
use crate::service::simulators::{
    MailDetail, MailLine, MailPage, MailQuery, Mailboxes, SmsDetail, SmsLine, SmsPage, Telephones,
};
use crate::simulator::http_sms::{Inbox, InboxQuery, Sms};
use crate::simulator::{self, MailSummary, Mailbox};

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

/// The relay's mailbox and the telephones behind the gateway.
pub struct VendorMailboxes {
    pub mails: RelayMailbox,
    pub texts: GatewayInbox,
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
