//! What every installation begins with.

use std::collections::BTreeSet;

use super::super::starters::{Starter, faults_of_the_file, starters};
use super::super::texts::{content, drill_end, drill_mark, said, time_of_day};
use super::*;
use crate::domain::audience::Audience;
use crate::domain::channel::ChannelKind;
use crate::domain::content::Content;
use crate::domain::emergency::lint::sms_size;
use crate::domain::emergency::{Chosen, Language, Level, Part, Run, Spoken, lint};
use crate::domain::group::is_slug;
use crate::domain::sms_text;

const SIGN: &str = "钟楼大学保卫";
const PARTS: [Part; 3] = [Part::Alert, Part::Correction, Part::AllClear];

fn time() -> Spoken {
    time_of_day(&TODAY.at(14, 32, 0, 0).in_tz("Asia/Shanghai").unwrap())
}

/// Everything that can be chosen in a scenario.
fn all_chosen(scenario: &Scenario) -> Vec<Chosen> {
    let mut all: Vec<Vec<(String, Spoken)>> = vec![Vec::new()];
    for asked in &scenario.placeholders {
        all = all
            .iter()
            .flat_map(|before| {
                asked.choices.iter().map(|choice| {
                    before.iter().cloned().chain([(asked.name.clone(), choice.clone())]).collect()
                })
            })
            .collect();
    }
    all.into_iter().map(Chosen::from_iter).collect()
}

#[test]
fn there_are_twelve_and_nothing_is_wrong_with_them() {
    assert!(faults_of_the_file(TODAY).is_none(), "{:?}", faults_of_the_file(TODAY));
    let all = starters(TODAY);
    let slugs: Vec<_> = all.iter().map(|starter| starter.slug.as_str()).collect();
    assert_eq!(
        slugs,
        [
            "fire",
            "violent-person",
            "earthquake",
            "gas-leak",
            "flood-typhoon",
            "power-network",
            "disease",
            "missing-person",
            "bomb-threat",
            "traffic",
            "all-clear",
            "false-alarm",
        ]
    );
    assert!(slugs.iter().all(|slug| is_slug(slug)));
    for starter in &all {
        assert_eq!(lint(&starter.scenario, Some(SIGN), TODAY), [], "{}", starter.slug);
    }
    let codes: BTreeSet<_> = all.iter().map(|starter| &starter.scenario.code).collect();
    assert_eq!(codes.len(), all.len());
    let mut tiles: Vec<_> = all.iter().filter_map(|starter| starter.scenario.tile).collect();
    tiles.sort_unstable();
    assert_eq!(tiles, [1, 2, 3, 4, 5, 6]);
}

#[test]
fn they_read_the_same_once_more_and_are_to_be_looked_through_in_a_year() {
    for starter in starters(TODAY) {
        let stored = serde_json::to_value(&starter.scenario).unwrap();
        assert_eq!(read_from::read(&stored).unwrap(), starter.scenario, "{}", starter.slug);
        assert_eq!(starter.scenario.review_on, date(2027, 9, 1));
        assert_eq!(starter.scenario.audience, Audience { everyone: true, ..Audience::default() });
    }
}

#[test]
fn people_are_asked_again_as_fast_as_it_is_bad() {
    for Starter { slug, scenario } in starters(TODAY) {
        let expected = match (scenario.roll_call, scenario.level) {
            (true, Level::Red) => Some(5),
            (true, Level::Orange) => Some(15),
            _ => None,
        };
        assert_eq!(
            scenario.escalation.as_ref().map(|escalation| escalation.after_minutes),
            expected,
            "{slug}"
        );
        assert_eq!(scenario.life_threatening, scenario.level == Level::Red, "{slug}");
    }
}

#[test]
fn an_sms_is_one_segment_in_chinese_and_at_most_two_in_english_whatever_is_chosen() {
    for Starter { slug, scenario } in starters(TODAY) {
        for part in PARTS {
            let texts = scenario.texts(part).unwrap();
            for language in Language::ALL {
                let most = if language == Language::Chinese { 1 } else { 2 };
                let longest = sms_size(&scenario, texts, language, Some(SIGN)).unwrap();
                let mut seen = 0;
                for chosen in all_chosen(&scenario) {
                    let sms = said(texts, &chosen, &time(), Run::Live, language).sms;
                    let size = sms_text::measure(&format!("{}{sms}", sms_text::bracketed(SIGN, true)), true);
                    assert!(size.segments <= most, "{slug} {part} {language}: {} {sms}", size.units);
                    seen = seen.max(size.units);
                }
                assert_eq!(seen, longest.units, "{slug} {part} {language}");
            }
        }
    }
}

fn texts_of(content: &Content) -> Vec<(ChannelKind, Language, String, String)> {
    let both =
        ChannelKind::ALL.into_iter().flat_map(|channel| Language::ALL.map(|language| (channel, language)));
    both.map(|(channel, language)| {
        let read = content.select(channel, Some(language.tag())).render();
        (channel, language, read.title.to_string(), read.plain.to_string())
    })
    .collect()
}

#[test]
fn nothing_stays_open_and_every_channel_says_its_own() {
    for Starter { slug, scenario } in starters(TODAY) {
        let chosen = all_chosen(&scenario).pop().unwrap();
        for part in PARTS {
            let texts = scenario.texts(part).unwrap();
            let content = content(texts, &chosen, &time(), Run::Live, Language::Chinese);
            assert_eq!(content.faults(), [], "{slug}");
            let all = texts_of(&content);
            for (channel, language, title, text) in &all {
                assert!(
                    !format!("{title}{text}").contains(['{', '}', '‹', '*']),
                    "{slug} {part}: {title} {text}"
                );
                let said = said(texts, &chosen, &time(), Run::Live, *language);
                match channel {
                    ChannelKind::Sms => assert_eq!((title.as_str(), text), ("", &said.sms)),
                    ChannelKind::Wechat => assert_eq!((title, text), (&said.title, &said.wechat)),
                    ChannelKind::Email => assert_eq!(*title, said.title),
                }
            }
            let apart: BTreeSet<_> = all.iter().map(|(.., text)| text).collect();
            assert_eq!(apart.len(), 6, "{slug} {part}");
        }
    }
}

#[test]
fn every_text_of_a_drill_is_marked() {
    for Starter { slug, scenario } in starters(TODAY) {
        let chosen = all_chosen(&scenario).pop().unwrap();
        for (part, run) in PARTS.into_iter().flat_map(|part| [(part, Run::Drill), (part, Run::Exercise)]) {
            let content = content(scenario.texts(part).unwrap(), &chosen, &time(), run, Language::English);
            for (channel, language, title, text) in texts_of(&content) {
                assert!(
                    text.starts_with(drill_mark(language)) && text.ends_with(drill_end(language)),
                    "{slug}: {text}"
                );
                assert!(
                    channel == ChannelKind::Sms || title.starts_with(drill_mark(language)),
                    "{slug}: {title}"
                );
            }
        }
    }
}
