//! What a message without a topic may be about, beneath the field where its author says so.

use askama::Template;

use crate::Result;
use crate::console::access::Signed;
use crate::console::view::View;
use crate::domain::suggest::Suggestion;
use crate::service::drafts::Composed;
use crate::service::{Services, suggestions};

#[derive(Debug, Template)]
#[template(path = "console/compose/topics.html")]
pub struct TopicsFragment {
    pub view: View,
    pub topics: Vec<Suggestion>,
    /// It has words of its own and no topic yet.
    pub is_open: bool,
    /// Somebody pressed for it, and is told where there is none.
    pub is_asked: bool,
}

impl TopicsFragment {
    pub(super) fn load(s: &Services, signed: &Signed, composed: &Composed) -> Result<Self> {
        let is_open = composed.topic.trim().is_empty() && composed.template.is_empty();
        let topics = if is_open {
            suggestions::for_author(s, &signed.caller, &composed.title, &composed.body)?
        } else {
            Vec::new()
        };
        Ok(Self { view: signed.view(), topics, is_open, is_asked: false })
    }

    fn because(&self, suggestion: &Suggestion) -> String {
        let words = suggestion.words.join(&self.view.t("list-separator"));
        self.view.t1("topics-because", "words", words)
    }
}
