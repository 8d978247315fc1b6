//! What a broadcast says, as an alert of the Common Alerting Protocol 1.2 with one `info` for each language.

use super::cap_facts::ResponseType;
use super::plan::Plan;
use super::scenario::{Language, Part, Run, Spoken, Texts};
use super::texts::said;
use crate::domain::cap::{
    self, Alert, Area, Certainty, EventSeverity, Info, Moment, MsgType, Reference, Scope, Status, Urgency,
    Word,
};
use crate::domain::content::Rendered;

/// Characters of a headline, as those who show alerts have room for.
const LONGEST_HEADLINE: usize = 140;

/// One part of a broadcast, to be published.
#[derive(Clone, Debug)]
pub struct Publication<'a> {
    /// Of the alert, unlike any other of this sender.
    pub identifier: String,
    /// Without white space, comma, `<` and `&`.
    pub sender: String,
    pub sent: Moment,
    pub run: Run,
    pub part: Part,
    pub plan: &'a Plan,
    /// What this part says, not filled in yet.
    pub texts: &'a Texts,
    /// The time of day that they tell.
    pub time: &'a Spoken,
    pub expires: Moment,
    /// Earlier alerts that this one changes.
    pub references: Vec<Reference>,
    /// Who publishes it, as people call them.
    pub campus: Spoken,
    /// Perhaps empty.
    pub contact: &'a str,
    /// What the campus speaks comes first.
    pub language: Language,
}

impl Publication<'_> {
    /// The alert.
    pub fn alert(&self) -> Alert {
        let own = self.info(self.language);
        let other = self.info(self.language.other());
        // Words that came in one language only are not published as another's.
        let is_same = own.headline == other.headline || own.description == other.description;
        Alert {
            identifier: self.identifier.clone(),
            sender: self.sender.clone(),
            sent: self.sent,
            status: if self.run == Run::Live { Status::Actual } else { Status::Exercise },
            msg_type: self.msg_type(),
            source: None,
            scope: Scope::Public,
            restriction: None,
            addresses: None,
            codes: Vec::new(),
            note: self.note(),
            references: self.references.clone(),
            incidents: None,
            infos: if is_same { vec![own] } else { vec![own, other] },
        }
    }

    /// What changes nothing that was published is the first word of it.
    const fn msg_type(&self) -> MsgType {
        match self.part {
            Part::Correction => MsgType::Cancel,
            _ if self.references.is_empty() => MsgType::Alert,
            Part::Alert | Part::Update | Part::Escalation | Part::AllClear => MsgType::Update,
        }
    }

    /// Which exercise it is of, and why an alert is taken back.
    fn note(&self) -> Option<String> {
        let mut said = Vec::new();
        if self.run.is_marked() {
            let name = self.plan.name();
            said.push(format!("演练 / Drill: {} / {}", name.zh, name.en));
        }
        if self.part == Part::Correction {
            let title = |language| self.said(language).title;
            let (zh, en) = (title(Language::Chinese), title(Language::English));
            said.push(if zh == en { zh } else { format!("{zh} / {en}") });
        }
        (!said.is_empty()).then(|| said.join("; "))
    }

    fn said(&self, language: Language) -> super::Said {
        said(self.texts, &self.plan.chosen, self.time, self.run, language)
    }

    fn info(&self, language: Language) -> Info {
        let facts = &self.plan.scenario.cap;
        let said = self.said(language);
        let is_over = matches!(self.part, Part::Correction | Part::AllClear);
        let campus = self.campus.of(language);
        let place = self.plan.place().map(|place| place.of(language));
        let description = plain(&Rendered::new("", &said.body, None).plain);
        let headline = headline(&said.title);
        Info {
            language: Some(language.tag().to_owned()),
            categories: vec![word(facts.category.name(), cap::Category::Other)],
            event: plain(facts.event.of(language)),
            response_types: vec![match self.part {
                Part::AllClear => cap::ResponseType::AllClear,
                Part::Correction => cap::ResponseType::None,
                _ => response_type(facts.response_type),
            }],
            urgency: if is_over { Urgency::Past } else { word(facts.urgency.name(), Urgency::Unknown) },
            severity: if is_over {
                EventSeverity::Minor
            } else {
                word(self.plan.scenario.level.severity().name(), EventSeverity::Unknown)
            },
            certainty: match self.part {
                Part::AllClear => Certainty::Observed,
                Part::Correction => Certainty::Unlikely,
                _ => word(facts.certainty.name(), Certainty::Unknown),
            },
            audience: None,
            event_codes: Vec::new(),
            effective: Some(self.sent),
            onset: None,
            expires: Some(self.expires),
            sender_name: Some(plain(campus)),
            description: (description != headline).then_some(description),
            headline: Some(headline),
            instruction: None,
            web: None,
            contact: (!self.contact.is_empty()).then(|| plain(self.contact)),
            parameters: Vec::new(),
            resources: Vec::new(),
            areas: vec![Area {
                description: plain(
                    &place.map_or_else(|| campus.to_owned(), |place| format!("{campus} · {place}")),
                ),
                polygons: Vec::new(),
                circles: Vec::new(),
                geocodes: Vec::new(),
                altitude: None,
                ceiling: None,
            }],
        }
    }
}

fn word<W: Word>(name: &str, otherwise: W) -> W {
    W::parse(name).unwrap_or(otherwise)
}

fn response_type(kind: ResponseType) -> cap::ResponseType {
    word(kind.name(), cap::ResponseType::None)
}

/// Text that nobody takes for mark-up.
fn plain(text: &str) -> String {
    text.trim().replace('<', "‹").replace('>', "›")
}

fn headline(title: &str) -> String {
    let title = plain(title);
    if title.chars().count() <= LONGEST_HEADLINE {
        return title;
    }
    title.chars().take(LONGEST_HEADLINE - 1).chain(['…']).collect()
}
