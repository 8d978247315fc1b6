//! What Google asks of the alerts it shows, beyond the protocol.

use super::alert::{Alert, Info};
use super::fault::{Fault, quoted};
use super::grammar::Faults;

/// Characters of a headline.
const LONGEST_HEADLINE: usize = 140;

/// Google's profile (<https://developers.google.com/public-alerts/guides/cap-requirements/entities/info>), for what we
/// publish ourselves: a headline of at most 140 characters and unlike the description, no HTML, no equal text in two
/// languages. All are errors.
pub fn lint_google(alert: &Alert) -> Vec<Fault> {
    let mut faults = Faults::default();
    for (i, info) in alert.infos.iter().enumerate() {
        let at = format!("/alert/info[{}]", i + 1);
        headline(info, &at, &mut faults);
        let texts = texts(info).into_iter().chain([("event", &info.event)]);
        for (name, text) in texts {
            markup(&format!("{at}/{name}"), text, &mut faults);
        }
        for (j, area) in info.areas.iter().enumerate() {
            markup(&format!("{at}/area[{}]/areaDesc", j + 1), &area.description, &mut faults);
        }
        for (j, other) in alert.infos[..i].iter().enumerate() {
            languages(info, other, (&at, j + 1), &mut faults);
        }
    }
    faults.into_vec()
}

/// The texts that people read in their language.
fn texts(info: &Info) -> Vec<(&'static str, &String)> {
    [("headline", &info.headline), ("description", &info.description), ("instruction", &info.instruction)]
        .into_iter()
        .filter_map(|(name, text)| text.as_ref().map(|text| (name, text)))
        .collect()
}

fn headline(info: &Info, at: &str, faults: &mut Faults) {
    let Some(headline) = &info.headline else { return };
    let length = headline.chars().count();
    if length > LONGEST_HEADLINE {
        let detail = format!("at most {LONGEST_HEADLINE} characters; it has {length}");
        faults.error(format!("{at}/headline"), "too_long", detail);
    }
    if info.description.as_ref().is_some_and(|description| is_same(description, headline)) {
        faults.error(format!("{at}/headline"), "repeats", "it must not be what the description says");
    }
}

/// Equal texts of this `info` and an earlier one in another language.
fn languages(info: &Info, earlier: &Info, (at, number): (&str, usize), faults: &mut Faults) {
    let language = |info: &Info| info.language.as_deref().unwrap_or("en-US").to_lowercase();
    if language(info) == language(earlier) {
        return;
    }
    let before = texts(earlier);
    for (name, text) in texts(info) {
        if before.iter().any(|(other, earlier)| *other == name && is_same(earlier, text)) {
            let detail = format!("write it in {}: it is the same as in info[{number}]", language(info));
            faults.error(format!("{at}/{name}"), "same_text", detail);
        }
    }
}

/// Whether both say the same, white space apart. Nothing is no text.
fn is_same(one: &str, other: &str) -> bool {
    one.split_whitespace().next().is_some() && one.split_whitespace().eq(other.split_whitespace())
}

fn markup(at: &str, text: &str, faults: &mut Faults) {
    if let Some(found) = markup_in(text) {
        faults.error(at, "html", format!("write plain text, without {}", quoted(found)));
    }
}

/// The first tag or entity of HTML.
fn markup_in(text: &str) -> Option<&str> {
    text.char_indices().find_map(|(at, c)| {
        let rest = &text[at + c.len_utf8()..];
        let end = match c {
            '<' if rest.starts_with(|c: char| c.is_ascii_alphabetic() || "/!".contains(c)) => {
                rest.find('>')?
            }
            '&' => {
                let name = &rest[..rest.find(';')?];
                let digits = name.strip_prefix('#').unwrap_or(name);
                let is_entity =
                    (1..=31).contains(&digits.len()) && digits.bytes().all(|b| b.is_ascii_alphanumeric());
                if !is_entity {
                    return None;
                }
                name.len()
            }
            _ => return None,
        };
        Some(&text[at..=at + 1 + end])
    })
}
