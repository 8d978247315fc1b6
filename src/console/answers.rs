//! What people answered to a message: how many what, and who.

use std::time::Duration;

use actix_web::HttpResponse;
use actix_web::web::{self, Data};
use askama::Template;

use super::access::Signed;
use super::page;
use super::view::View;
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::answer::UNANSWERED;
use crate::domain::id::MessageId;
use crate::http::params;
use crate::service::Services;
use crate::service::messages::{self, AnswerCounts, MessageSummary};

/// Answers are waited for on the page so long.
const AWAITED: Duration = Duration::from_hours(24);

/// Renews itself while answers are to be expected. Nothing to be seen where nobody was asked.
#[derive(Debug, Template)]
#[template(path = "console/message_answers.html")]
pub struct AnswersFragment {
    pub view: View,
    pub id: MessageId,
    pub live: bool,
    pub asked: u64,
    pub unanswered: u64,
    /// The most frequent first.
    pub given: Vec<Answer>,
}

/// Those who answered the same.
#[derive(Clone, Debug)]
pub struct Answer {
    pub key: String,
    pub text: String,
    pub count: u64,
}

impl AnswersFragment {
    pub(super) fn new(view: View, message: &MessageSummary, counts: Option<AnswerCounts>) -> Self {
        let figure = |n: i64| u64::try_from(n).unwrap_or(0);
        let AnswerCounts { asked, unanswered, given } = counts.unwrap_or_default();
        let age = view.now.since(Timestamp::from(message.created_at));
        Self {
            id: message.id,
            live: unanswered > 0 && age < AWAITED,
            asked: figure(asked),
            unanswered: figure(unanswered),
            given: given
                .into_iter()
                .map(|given| Answer { key: given.key, text: given.text, count: figure(given.count) })
                .collect(),
            view,
        }
    }

    /// What the list of deliveries can be narrowed to: each value with its words.
    pub(super) fn choices(&self) -> Vec<(String, String)> {
        if self.asked == 0 {
            return Vec::new();
        }
        let given = self.given.iter().map(|answer| (answer.key.clone(), answer.text.clone()));
        std::iter::once((UNANSWERED.to_owned(), self.view.t("answer-none"))).chain(given).collect()
    }

    fn link(&self, answer: &str) -> String {
        // A key is a word of letters, digits, - and _.
        format!("/console/messages/{}?answer={answer}#deliveries", self.id)
    }
}

/// Where the answers to a message stand.
pub(super) async fn show(s: Data<Services>, signed: Signed, id: web::Path<String>) -> Result<HttpResponse> {
    let id: MessageId = params::id(&id, "message")?;
    let summary = super::message::summary(&s, &signed, id).await?;
    let counts = messages::answers(&s, &signed.caller, id).await?;
    page::html(&AnswersFragment::new(signed.view(), &summary, counts))
}
