//! Suggestions from what somebody read, on their own page of preferences: the switch, what it means, and the buttons.

use super::form::Posted;
use super::page::Frame;
use crate::domain::channel::ChannelKind;
use crate::domain::reading::{self as rule, Suggestion};
use crate::domain::recipient::OptOut;
use crate::service::preferences::reading::Reading;

/// What a form of this part of the page says that it is about.
const SWITCH: &str = "reading";
const SUGGESTED: &str = "suggested";

/// What somebody asks for here.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Wish {
    /// To have suggestions, or no longer.
    Agree(bool),
    /// To have an opt-out, or no longer.
    Follow(OptOut, bool),
}

/// `None`: the form is not of this part, or says nothing that it can say.
pub(super) fn wanted(form: &Posted) -> Option<Wish> {
    match (form.text("what")?, form.text("act")?) {
        (SWITCH, "on") => Some(Wish::Agree(true)),
        (SWITCH, "off") => Some(Wish::Agree(false)),
        (SUGGESTED, act @ ("stop" | "resume")) => {
            let channel = match form.text("channel").filter(|channel| !channel.is_empty()) {
                Some(channel) => Some(channel.parse::<ChannelKind>().ok()?),
                None => None,
            };
            let topic = form.text("topic")?.parse().ok()?;
            Some(Wish::Follow(OptOut { channel, topic }, act == "stop"))
        }
        _ => None,
    }
}

/// An opt-out in words.
pub(super) fn named(frame: &Frame, one: &OptOut) -> String {
    let topics = topics(frame, one);
    match one.channel {
        Some(kind) => format!("{topics} ({})", frame.t(&format!("channel-{kind}"))),
        None => topics,
    }
}

/// Of which topics it is, in words where they are a family.
fn topics(frame: &Frame, one: &OptOut) -> String {
    let pattern = one.topic.as_str();
    match pattern.strip_suffix(".#") {
        Some(family) => frame.t1("suggest-me-family", "family", family),
        None => pattern.to_owned(),
    }
}

/// That part of the page.
#[derive(Debug)]
pub(super) struct Card {
    /// Since when it is on, for a machine and for people; `None`: it is off.
    pub(super) since: Option<(String, String)>,
    /// What is looked at, kept and shown to whom.
    pub(super) terms: Vec<String>,
    pub(super) asks: Vec<Ask>,
    /// What else they do not want, to be taken back.
    pub(super) out: Vec<Ask>,
}

/// One press, with what it is about.
#[derive(Debug)]
pub(super) struct Ask {
    pub(super) about: String,
    /// Why it is suggested.
    pub(super) why: Option<String>,
    pub(super) department: Option<String>,
    /// As the form says it.
    pub(super) topic: String,
    pub(super) channel: &'static str,
    pub(super) act: &'static str,
    /// What the button says.
    pub(super) press: String,
}

impl Card {
    pub(super) fn new(frame: &Frame, found: Reading) -> Self {
        let terms = [
            frame.t1("suggest-me-looked-at", "days", &rule::DAYS.to_string()),
            frame.t("suggest-me-kept"),
            frame.t("suggest-me-seen"),
            frame.t("suggest-me-ends"),
        ];
        Self {
            since: found.since.map(|since| frame.time(since)),
            terms: terms.into(),
            asks: found.suggestions.into_iter().map(|one| suggested(frame, one)).collect(),
            out: found.out.into_iter().map(|one| ask(frame, one, false)).collect(),
        }
    }
}

fn ask(frame: &Frame, one: OptOut, out: bool) -> Ask {
    let (act, press) = if out { ("stop", "unsubscribe-stop") } else { ("resume", "unsubscribe-resume") };
    Ask {
        about: named(frame, &one),
        why: None,
        department: None,
        topic: one.topic.into(),
        channel: one.channel.map_or("", ChannelKind::name),
        act,
        press: frame.t(press),
    }
}

fn suggested(frame: &Frame, one: Suggestion) -> Ask {
    let topic = topics(frame, &one.opt_out);
    let (of, opened, since) = (one.of.to_string(), one.opened.to_string(), frame.day(one.since));
    let (of, opened, since) = (("of", of.as_str()), ("opened", opened.as_str()), ("since", since.as_str()));
    let (about, why) = match one.opt_out.channel {
        Some(kind) if !one.out => {
            let name = frame.t(&format!("channel-{kind}"));
            let channel = ("channel", name.as_str());
            (
                frame.fill("suggest-me-resume", &[("topic", topic.as_str()), channel]),
                frame.fill("suggest-me-resume-why", &[since, of, channel, opened]),
            )
        }
        _ => (frame.t1("suggest-me-stop", "topic", &topic), frame.fill("suggest-me-stop-why", &[since, of])),
    };
    Ask { about, why: Some(why), department: one.department, ..ask(frame, one.opt_out, one.out) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asked(fields: &[(&str, &str)]) -> Option<Wish> {
        let fields = fields.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        wanted(&Posted(fields))
    }

    #[test]
    fn nothing_is_taken_for_consent_but_its_own_button() {
        assert_eq!(asked(&[("what", "reading"), ("act", "on")]), Some(Wish::Agree(true)));
        assert_eq!(asked(&[("what", "reading"), ("act", "off")]), Some(Wish::Agree(false)));
        for wrong in [
            &[][..],
            &[("List-Unsubscribe", "One-Click")],
            &[("what", "reading")],
            &[("act", "on")],
            &[("what", "reading"), ("act", "stop")],
            &[("what", "topic"), ("act", "on")],
        ] {
            assert_eq!(asked(wrong), None, "{wrong:?}");
        }
    }

    #[test]
    fn a_suggestion_is_followed_by_its_topic_and_channel() {
        let of = |topic: &'static str, channel: &'static str| {
            asked(&[("what", "suggested"), ("act", "stop"), ("topic", topic), ("channel", channel)])
        };
        let one = |channel| OptOut { channel, topic: "library.#".parse().unwrap() };
        assert_eq!(of("library.#", ""), Some(Wish::Follow(one(None), true)));
        assert_eq!(of("library.#", "sms"), Some(Wish::Follow(one(Some(ChannelKind::Sms)), true)));
        let resume = [("what", "suggested"), ("act", "resume"), ("topic", "library.#")];
        assert_eq!(asked(&resume), Some(Wish::Follow(one(None), false)));
        for (topic, channel) in [("", ""), ("Bibliothek!", ""), ("library.#", "fax")] {
            assert_eq!(of(topic, channel), None, "{topic} {channel}");
        }
    }
}
