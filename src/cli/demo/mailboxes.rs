//! The simulated relay's mailbox, as the console's page reads it.

use crate::clock::Timestamp;
use crate::service::simulators::{MailDetail, MailLine, MailPage, MailQuery, Mailboxes};
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
