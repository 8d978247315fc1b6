//! The messages of a broadcast: ordinary ones, of the emergency lane, which no rule is asked about.

use serde_json::json;

use super::super::letterhead;
use super::super::messages::{Outgoing, OwnWord};
use super::Services;
use crate::Result;
use crate::clock::Timestamp;
use crate::config::Language;
use crate::domain::audience::{After, Audience, Params, Whose};
use crate::domain::channel::ChannelKind;
use crate::domain::content::Content;
use crate::domain::emergency::{self, Chosen, Part, Plan, Remark, Run, Scenario, Spoken, Texts, lint, texts};
use crate::domain::id::MessageId;
use crate::domain::message::{Rank, TemplateVersion, Wording};
use crate::error::Fault;

/// What a broadcast says in one message.
pub(super) struct Words<'a> {
    pub scenario: Option<&'a str>,
    pub plan: &'a Plan,
    pub run: Run,
    pub part: Part,
    pub texts: &'a Texts,
    /// When it is said to have happened.
    pub at: Timestamp,
}

impl Words<'_> {
    pub fn time(&self, s: &Services) -> Spoken {
        texts::time_of_day(&s.campus.zoned(self.at))
    }

    /// Every text, filled in.
    pub fn content(&self, s: &Services) -> Content {
        texts::content(self.texts, &self.plan.chosen, &self.time(s), self.run, language(s.campus.language))
    }

    /// As it is kept. Vendors that fill templates of their own know it by its scenario and part.
    pub fn wording(&self, s: &Services) -> Wording {
        let slug = self.scenario.unwrap_or(FREE);
        let part = match self.part {
            Part::Alert | Part::Escalation => "",
            Part::Update => "-update",
            Part::Correction => "-correction",
            Part::AllClear => "-all-clear",
        };
        let slug = format!("emergency-{slug}{part}");
        let version = self.plan.version.max(1);
        Wording {
            content: self.content(s),
            template: Some(TemplateVersion { slug, version }),
            params: params(&self.plan.chosen, &self.time(s), s),
            roll_call: self.plan.scenario.roll_call && self.part.asks(),
            ..Wording::default()
        }
    }

    pub fn topic(&self) -> String {
        format!("emergency.{}", self.scenario.unwrap_or(FREE))
    }

    /// What it goes before: however grave what a drill practises, whatever is real goes first.
    fn rank(&self) -> Rank {
        let is_over = matches!(self.part, Part::Correction | Part::AllClear);
        match self.run {
            Run::Drill if is_over => Rank::DrillOver,
            Run::Drill => Rank::Drill,
            Run::Live | Run::Exercise => self.plan.scenario.level.rank(is_over),
        }
    }
}

/// What the scenario is called in a topic where there is none.
const FREE: &str = "notice";

fn params(chosen: &Chosen, time: &Spoken, s: &Services) -> Params {
    texts::params(chosen, time, language(s.campus.language))
}

pub(super) const fn language(language: Language) -> emergency::Language {
    match language {
        Language::SimplifiedChinese => emergency::Language::Chinese,
        Language::English => emergency::Language::English,
    }
}

/// How a message goes out.
pub(super) struct Way<'a> {
    pub audience: &'a Audience,
    pub channels: &'a [ChannelKind],
    pub now: Timestamp,
    pub expires_at: Timestamp,
    pub request_id: &'a str,
}

/// A message ready to be kept.
pub(super) async fn word(s: &Services, words: &Words<'_>, way: &Way<'_>) -> Result<OwnWord> {
    let attributes = json!({ "part": words.part, "run": words.run, "level": words.plan.scenario.level });
    let outgoing = Outgoing {
        topic: words.topic(),
        wording: words.wording(s),
        audience: way.audience,
        channels: way.channels,
        attributes: &attributes,
        rank: words.rank(),
        // Nothing of a drill leaves the sandbox.
        test: words.run == Run::Drill,
        now: way.now,
        expires_at: way.expires_at,
        request_id: way.request_id,
    };
    OwnWord::of_broadcast(s, outgoing).await
}

/// Those who have, or may have, what these messages say.
pub(super) fn told(messages: Vec<MessageId>) -> Audience {
    after(messages, Whose::Told)
}

/// Those whom these messages were for and who have them by no channel.
pub(super) fn missed(messages: Vec<MessageId>) -> Audience {
    after(messages, Whose::Missed)
}

/// Those whom these messages asked whether they are safe, and who have not said.
pub(super) fn silent(messages: Vec<MessageId>) -> Audience {
    after(messages, Whose::Silent)
}

fn after(messages: Vec<MessageId>, whose: Whose) -> Audience {
    Audience { after: Some(Box::new(After { messages, whose })), ..Audience::default() }
}

/// What a scenario's alert would be refused for, by its place in the scenario. Where one language stands for both, it is
/// read in one.
pub(super) fn refused(s: &Services, scenario: &Scenario) -> Vec<Fault> {
    let today = s.campus.zoned(s.clock.now()).date();
    let sign = letterhead::name(s, s.campus.language.as_str());
    let one = scenario.alert.zh == scenario.alert.en;
    let of_two = ["same_in_both_languages", "wrong_language"];
    lint(scenario, Some(&sign), today)
        .into_iter()
        .filter(|remark| remark.is_refusal() && remark.pointer.starts_with("/alert/"))
        .filter(|remark| !(one && of_two.contains(&remark.code)))
        .map(Remark::into_fault)
        .collect()
}
