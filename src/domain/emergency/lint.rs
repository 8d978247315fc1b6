//! What is wrong with a scenario in the eyes of those who will read its texts, found while there is time.

use std::collections::{BTreeMap, BTreeSet};

use jiff::civil::Date;

pub use super::remark::{CODES, Gravity, Remark};
use super::scenario::{Language, MOST_PLACEHOLDERS, Part, Run, Said, Scenario, Spoken, TIME, Texts};
use super::texts::{self, Chosen};
use super::wording::{self, Imitates};
use crate::domain::channel::ChannelKind;
use crate::domain::content::{Escape, template};
use crate::domain::sms_text::{self, Size};

/// Messages on the bill that one SMS may cost: English needs twice the letters.
const SEGMENTS: [(Language, usize); 2] = [(Language::Chinese, 1), (Language::English, 2)];
/// Minutes a broadcast may stay open.
const EXPIRY: [u32; 2] = [10, 72 * 60];
/// Minutes until the silent are asked again.
const ESCALATION: [u32; 2] = [1, 120];
/// Bytes WeCom takes of a card's title and text, and of a whole text that is no card.
const CARD_TITLE: usize = 128;
const CARD_TEXT: usize = 512;
const WHOLE_TEXT: usize = 2_048;
/// Characters of a value in a WeChat template (`thing`).
const THING: usize = 20;
/// Characters of a CAP headline that every reader of the feed shows.
const HEADLINE: usize = 140;

/// Everything that is wrong with a scenario, by its place. `signature`: the sign that an SMS bears, without brackets.
pub fn lint(scenario: &Scenario, signature: Option<&str>, today: Date) -> Vec<Remark> {
    let mut look = Look { scenario, remarks: Vec::new() };
    look.facts(today);
    look.placeholders();
    for (part, name) in PARTS {
        let Some(texts) = scenario.texts(part) else { continue };
        for language in Language::ALL {
            look.said(texts.of(language), &format!("/{name}/{language}"), language, signature);
            if part == Part::Correction {
                look.correction(texts.of(language), language);
            }
        }
        look.apart(texts, name);
    }
    look.remarks.sort_by(|one, other| (&one.pointer, one.code).cmp(&(&other.pointer, other.code)));
    look.remarks
}

/// The prepared parts, with their fields.
const PARTS: [(Part, &str); 3] =
    [(Part::Alert, "alert"), (Part::Correction, "correction"), (Part::AllClear, "all_clear")];

/// How long an SMS is at most, sign included, whatever is chosen. `None`: there is none.
pub fn sms_size(
    scenario: &Scenario,
    texts: &Texts,
    language: Language,
    signature: Option<&str>,
) -> Option<Size> {
    let text = longest(scenario, texts, language).sms;
    let sign = signature.map(|sign| sms_text::bracketed(sign, true)).unwrap_or_default();
    (!text.trim().is_empty()).then(|| sms_text::measure(&format!("{sign}{text}"), true))
}

/// The texts with the longest choice everywhere.
fn longest(scenario: &Scenario, texts: &Texts, language: Language) -> Said {
    let length = |choice: &&Spoken| choice.of(language).encode_utf16().count();
    let chosen: Chosen = scenario
        .placeholders
        .iter()
        .filter_map(|asked| Some((asked.name.clone(), asked.choices.iter().max_by_key(length)?.clone())))
        .collect();
    texts::said(texts, &chosen, &Spoken::new("00:00", "00:00"), Run::Live, language)
}

struct Look<'s> {
    scenario: &'s Scenario,
    remarks: Vec<Remark>,
}

impl Look<'_> {
    fn refuse(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> &mut Remark {
        self.note(pointer.into(), code, Gravity::Refused, detail.into())
    }

    fn warn(
        &mut self,
        pointer: impl Into<String>,
        code: &'static str,
        detail: impl Into<String>,
    ) -> &mut Remark {
        self.note(pointer.into(), code, Gravity::Warning, detail.into())
    }

    fn note(
        &mut self,
        pointer: String,
        code: &'static str,
        severity: Gravity,
        detail: String,
    ) -> &mut Remark {
        self.remarks.push_mut(Remark { pointer, code, severity, figures: BTreeMap::new(), detail })
    }

    fn facts(&mut self, today: Date) {
        let scenario = self.scenario;
        let is_code = |b: u8| b.is_ascii_digit() || b.is_ascii_uppercase();
        if scenario.code.len() != 2 || !scenario.code.bytes().all(is_code) {
            self.refuse("/code", "code_shape", "two of `0-9` and `A-Z`, such as F1");
        }
        let [least, most] = EXPIRY;
        if !(least..=most).contains(&scenario.expires_in_minutes) {
            let detail = format!("from {least} to {most} minutes");
            self.refuse("/expires_in_minutes", "expiry_bounds", detail).bounds(EXPIRY);
        }
        if scenario.channels.is_empty() {
            self.refuse("/channels", "no_channels", "choose at least one channel");
        }
        if !scenario.audience.to.is_empty() {
            let detail = "a scenario is for people of the directory";
            self.refuse("/audience/to", "outside_addresses", detail);
        }
        if let Some(escalation) = &scenario.escalation {
            let [least, most] = ESCALATION;
            if !(least..=most).contains(&escalation.after_minutes) {
                let detail = format!("from {least} to {most} minutes");
                self.refuse("/escalation/after_minutes", "escalation_bounds", detail).bounds(ESCALATION);
            }
            if escalation.channels.is_empty() {
                self.refuse("/escalation/channels", "no_channels", "choose at least one channel");
            }
            if !scenario.roll_call {
                let detail = "nobody is asked to answer: only those whom no channel reached are told again, and \
                              who is silent is not known; turn the roll call on to tell them, too";
                self.warn("/escalation", "escalation_without_roll_call", detail);
            }
        }
        if scenario.review_is_due(today) {
            let detail = format!("it should have been looked through by {}", scenario.review_on);
            self.warn("/review_on", "review_overdue", detail).figure("date", scenario.review_on.to_string());
        }
        for (at, spoken) in [("/name", &scenario.name), ("/cap/event", &scenario.cap.event)] {
            for language in Language::ALL {
                self.words(spoken.of(language), &format!("{at}/{language}"), language);
            }
        }
    }

    fn placeholders(&mut self) {
        let scenario = self.scenario;
        if scenario.placeholders.len() > MOST_PLACEHOLDERS {
            let detail = format!("at most {MOST_PLACEHOLDERS}: nobody fills in more while something burns");
            self.refuse("/placeholders", "too_many_placeholders", detail).figure("most", MOST_PLACEHOLDERS);
        }
        for (i, asked) in scenario.placeholders.iter().enumerate() {
            let said = PARTS.iter().filter_map(|(part, _)| scenario.texts(*part));
            let mut texts =
                said.flat_map(|texts| Language::ALL.map(|language| texts.of(language).texts())).flatten();
            if !texts.any(|(_, text)| names_in(text).contains(&asked.name)) {
                let detail = format!("no text says `{}`", asked.name);
                self.warn(format!("/placeholders/{i}"), "unused_placeholder", detail)
                    .figure("name", asked.name.as_str());
            }
            for (j, choice) in asked.choices.iter().enumerate() {
                for language in Language::ALL {
                    self.choice(
                        choice.of(language),
                        &format!("/placeholders/{i}/choices/{j}/{language}"),
                        language,
                    );
                }
            }
        }
    }

    fn choice(&mut self, text: &str, at: &str, language: Language) {
        let characters = text.chars().count();
        if characters > THING {
            let detail = format!("{characters} characters; a WeChat template shows {THING} of them");
            self.warn(at, "choice_long", detail).figure("characters", characters).figure("most", THING);
        }
        // A place may be called `A101` in Chinese too.
        if language == Language::English && wording::has_han(text) {
            self.warn(at, "wrong_language", "this is read in English");
        }
        self.forbidden(text, at);
    }

    /// One message in one language.
    fn said(&mut self, said: &Said, at: &str, language: Language, signature: Option<&str>) {
        let scenario = self.scenario;
        for (field, text) in said.texts() {
            let at = format!("{at}/{field}");
            let wanted = match field {
                "sms" => scenario.uses(ChannelKind::Sms),
                "wechat" => scenario.uses(ChannelKind::Wechat),
                _ => true,
            };
            if !text.trim().is_empty() {
                self.filled_in(text, &at, field == "body");
                self.words(text, &at, language);
            } else if wanted {
                self.refuse(at, "text_missing", "people who are reached by this channel would read nothing");
            }
        }
        let texts = Texts { zh: said.clone(), en: said.clone() };
        let longest = longest(scenario, &texts, language);
        if scenario.uses(ChannelKind::Sms)
            && let Some(size) = sms_size(scenario, &texts, language, signature)
        {
            let most = SEGMENTS.iter().find(|(of, _)| *of == language).map_or(1, |(_, most)| *most);
            if size.segments > most {
                let detail =
                    format!("{} characters with its sign: {} segments each", size.units, size.segments);
                self.warn(format!("{at}/sms"), "sms_segments", detail)
                    .figure("characters", size.units)
                    .figure("segments", size.segments);
            }
        }
        if scenario.uses(ChannelKind::Wechat) {
            self.card(&longest, at);
        }
        let headline = longest.title.chars().count();
        if headline > HEADLINE {
            let detail = format!("{headline} characters, of which {HEADLINE} are shown everywhere");
            self.warn(format!("{at}/title"), "headline_long", detail)
                .figure("characters", headline)
                .figure("most", HEADLINE);
        }
    }

    /// WeCom's limits, in bytes.
    fn card(&mut self, said: &Said, at: &str) {
        let (title, text) = (said.title.len(), said.wechat.len());
        if title > CARD_TITLE {
            let detail = format!("{title} bytes, of which a card shows {CARD_TITLE}");
            self.warn(format!("{at}/title"), "title_cut", detail)
                .figure("bytes", title)
                .figure("most", CARD_TITLE);
        }
        if title + text + 2 > WHOLE_TEXT {
            let detail = format!("{text} bytes; WeCom would cut it");
            self.refuse(format!("{at}/wechat"), "card_long", detail)
                .figure("bytes", text)
                .figure("most", WHOLE_TEXT);
        } else if text > CARD_TEXT {
            let detail = format!("{text} bytes, more than a card's {CARD_TEXT}: it goes out as plain text");
            self.warn(format!("{at}/wechat"), "card_long", detail)
                .figure("bytes", text)
                .figure("most", CARD_TEXT);
        }
    }

    /// Whether nothing in it stays open once the choices are made.
    fn filled_in(&mut self, text: &str, at: &str, is_markdown: bool) {
        let escape = if is_markdown { Escape::Markdown } else { Escape::None };
        let wrong = template::faults(text, escape);
        if !wrong.is_empty() {
            for error in wrong {
                self.refuse(at, "template_syntax", error.to_string());
            }
            return;
        }
        if !is_plain(text) {
            let detail = "texts name what is chosen as {{ place }}, and nothing else";
            self.refuse(at, "only_placeholders", detail);
            return;
        }
        for name in names_in(text) {
            if name != TIME && !self.scenario.placeholders.iter().any(|asked| asked.name == name) {
                let detail = format!("there is no placeholder `{name}`: nobody could fill it in");
                self.refuse(at, "unknown_placeholder", detail).figure("name", name);
            }
        }
    }

    fn words(&mut self, text: &str, at: &str, language: Language) {
        let said: String = pieces(text).filter_map(Result::ok).collect();
        if wording::has_han(&said) != (language == Language::Chinese) {
            let detail = match language {
                Language::Chinese => "this is read in Chinese",
                Language::English => "this is read in English",
            };
            self.refuse(at, "wrong_language", detail);
        }
        match wording::imitates(&said) {
            Some(Imitates::Reads) => {
                let detail = "it reads like a warning that only an authority may give";
                self.refuse(at, "government_warning", detail);
            }
            Some(Imitates::Mentions) => {
                let detail = "it speaks of an authority's warning: nobody may take it for one";
                self.warn(at, "mentions_warning", detail);
            }
            None => {}
        }
        self.forbidden(&said, at);
    }

    fn forbidden(&mut self, text: &str, at: &str) {
        if wording::denies_drill(text) {
            let detail = "never say that this is no drill: what is one says so, and the rest is none";
            self.refuse(at, "not_a_drill", detail);
        }
        if let Some(blank) = wording::left_blank(text) {
            let detail = format!("`{blank}` looks like something that was to be filled in");
            self.refuse(at, "left_blank", detail).figure("text", blank);
        }
    }

    /// A false alarm is taken back in as many words, by every channel.
    fn correction(&mut self, said: &Said, language: Language) {
        for (field, text) in said.texts() {
            if field != "title" && !text.trim().is_empty() && !wording::takes_back(text, language) {
                let detail = "say that the alert was false, so that nobody takes this for an all-clear";
                self.refuse(format!("/correction/{language}/{field}"), "correction_not_said", detail);
            }
        }
    }

    /// The languages beside one another.
    fn apart(&mut self, texts: &Texts, part: &str) {
        for ((field, zh), (_, en)) in texts.zh.texts().into_iter().zip(texts.en.texts()) {
            let at = format!("/{part}/en/{field}");
            if !zh.trim().is_empty() && zh.trim() == en.trim() {
                self.refuse(at, "same_in_both_languages", "say it in English: both languages say the same");
                continue;
            }
            if zh.trim().is_empty() || en.trim().is_empty() {
                continue;
            }
            let (zh, en) = (names_in(zh), names_in(en));
            for (language, missing) in
                [(Language::English, zh.difference(&en)), (Language::Chinese, en.difference(&zh))]
            {
                for name in missing.filter(|name| *name != TIME) {
                    let detail = format!("the other language says `{name}` here");
                    self.warn(format!("/{part}/{language}/{field}"), "placeholder_missing", detail)
                        .figure("name", name.as_str());
                }
            }
        }
    }
}

/// A text's own words, and between them what is to be filled in.
fn pieces(text: &str) -> impl Iterator<Item = Result<&str, &str>> {
    text.split("{{").enumerate().flat_map(|(n, part)| {
        let (name, rest) = match (n, part.split_once("}}")) {
            (1.., Some((name, rest))) => (Some(name.trim()), rest),
            _ => (None, part),
        };
        name.map(Err).into_iter().chain([Ok(rest)])
    })
}

fn names_in(text: &str) -> BTreeSet<String> {
    template::variables(text).unwrap_or_default()
}

/// Names variables and does nothing else with them.
fn is_plain(text: &str) -> bool {
    let is_name =
        |name: &str| name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    !text.contains("{%") && !text.contains("{#") && pieces(text).all(|piece| piece.err().is_none_or(is_name))
}
