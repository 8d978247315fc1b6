//! The words that the administrators want somebody to look at before a message leaves, and looking for them.
//!
//! A message is looked through where it is routed, after a rule may have given it other texts, so that taking it in costs
//! nothing; one that an operator writes is looked through in its proof as well. Emergencies are not.

use std::cmp::Reverse;
use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use serde_json::{Value, json};

use super::lately::Lately;
use super::{Caller, Services};
use crate::domain::audience::Params;
use crate::domain::message::Wording;
use crate::domain::operator::Permission;
use crate::domain::sensitive::{Entry, Looked, Searcher, Sighting, TOO_LARGE, Treatment, WordList, held_for};
use crate::store::{audit, settings};
use crate::{Error, Result};

const NAME: &str = "words";
/// The number of the latest list, which is asked for far more often than the list.
const VERSION: &str = "words_version";
/// Words that one entry of the audit log names of each kind; the rest is a figure.
const NAMED: usize = 500;
/// Words that the timeline of a message names.
const TOLD: usize = 200;

/// Bytes of one message that are looked through.
pub(in crate::service) const OF_ONE: usize = 2 * 1024 * 1024;
/// Of all messages that are routed at once, which others wait for.
pub(in crate::service) const AT_ONCE: usize = 8 * 1024 * 1024;
/// Of each of them, however large the others are.
pub(in crate::service) const OF_EACH: usize = 64 * 1024;

/// What the store said of the list lately, and its latest version ready to be looked for.
#[derive(Debug)]
pub(in crate::service) struct KnownWords {
    version: Lately<(), i64>,
    ready: Mutex<Arc<Searcher>>,
}

impl Default for KnownWords {
    fn default() -> Self {
        Self { version: Lately::new(1), ready: Mutex::default() }
    }
}

impl KnownWords {
    fn ready(&self) -> Arc<Searcher> {
        Arc::clone(&self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The words that are looked for now.
pub(in crate::service) async fn in_force(s: &Services) -> Result<Arc<Searcher>> {
    let known = &s.words;
    let ready = known.ready();
    let version = match known.version.get(&(), s.clock.steady()) {
        Some(version) => version,
        None => {
            let generation = known.version.generation();
            let version = settings::find(&s.db, VERSION).await?;
            let version = version.map_or(Ok(0), |number| number.parse()).map_err(Error::internal)?;
            known.version.keep(generation, (), version, s.clock.steady());
            version
        }
    };
    if ready.version() == version {
        return Ok(ready);
    }
    let latest = Arc::new(Searcher::new(read(settings::find(&s.db, NAME).await?)?)?);
    *known.ready.lock().unwrap_or_else(PoisonError::into_inner) = Arc::clone(&latest);
    Ok(latest)
}

fn read(kept: Option<String>) -> Result<WordList> {
    kept.map_or(Ok(WordList::default()), |kept| serde_json::from_str(&kept).map_err(Error::internal))
}

/// The list as the administrators keep it.
pub async fn show(s: &Services, caller: &Caller) -> Result<WordList> {
    caller.require(Permission::SettingsView)?;
    read(settings::find(&s.db, NAME).await?)
}

/// Replaces the list of that version by what is typed, a text for each treatment; false where nothing is different.
///
/// # Errors
///
/// [`Error::Invalid`] with a fault for each line that is wrong (see [`WordList::typed`]); [`Error::Conflict`] where
/// somebody else changed it meanwhile.
pub async fn change(
    s: &Services,
    caller: &Caller,
    version: i64,
    texts: [(Treatment, &str); 2],
) -> Result<bool> {
    caller.require(Permission::SettingsEdit)?;
    let WordList { entries, .. } = WordList::typed(texts)?;
    let now = s.clock.now();
    let mut tx = s.db.begin().await?;
    let before = read(settings::lock(&mut tx, NAME).await?)?;
    if before.entries == entries {
        return Ok(false);
    }
    if before.version != version {
        return Err(Error::conflict("changed_meanwhile", "somebody else changed the words meanwhile"));
    }
    let changed = difference(&before.entries, &entries);
    let list = WordList { version: settings::next_number(&mut tx, VERSION).await?, entries };
    settings::set(&mut tx, NAME, &serde_json::to_string(&list).map_err(Error::internal)?).await?;
    audit::append(&mut tx, now, &caller.label(), "settings.change", NAME, &changed).await?;
    tx.commit().await?;
    s.words.version.forget();
    Ok(true)
}

/// What the audit log keeps: words that came, that went, and whose treatment or note is another.
fn difference(before: &[Entry], after: &[Entry]) -> Value {
    fn by_word(entries: &[Entry]) -> BTreeMap<&str, &Entry> {
        entries.iter().map(|entry| (entry.word.as_str(), entry)).collect()
    }
    let (old, new) = (by_word(before), by_word(after));
    let entry = |entry: &&Entry| json!(entry);
    let mut parts = serde_json::Map::new();
    let mut put = |name: &str, entries: Vec<Value>| {
        if entries.len() > NAMED {
            parts.insert(format!("{name}_in_all"), entries.len().into());
        }
        if !entries.is_empty() {
            parts.insert(name.to_owned(), entries.into_iter().take(NAMED).collect());
        }
    };
    put("added", new.values().filter(|e| !old.contains_key(e.word.as_str())).map(entry).collect());
    put("removed", old.values().filter(|e| !new.contains_key(e.word.as_str())).map(entry).collect());
    let is_other = |e: &&&Entry| old.get(e.word.as_str()).is_some_and(|before| before != *e);
    put("changed", new.values().filter(is_other).map(entry).collect());
    // The same words in another order.
    if parts.is_empty() {
        parts.insert("reordered".to_owned(), true.into());
    }
    parts.into()
}

/// Looks through `room` bytes of what a message says, `personalise` being what people have of their own as JSON: too much of
/// it is not even read.
pub(in crate::service) fn look(
    words: &Searcher,
    wording: &Wording,
    personalise: Option<&str>,
    room: usize,
) -> Result<Looked> {
    let personalise = personalise.filter(|_| wording.has_variables && !words.is_empty());
    let is_too_large = personalise.is_some_and(|people| people.len() > room);
    let own: BTreeMap<String, Params> = match personalise {
        Some(people) if !is_too_large => serde_json::from_str(people).map_err(Error::internal)?,
        _ => BTreeMap::new(),
    };
    let mut looked = words.look(wording, own.values(), room);
    looked.is_cut |= is_too_large;
    Ok(looked)
}

/// Why a reviewer has to let a message go that says these, if one has to.
pub(in crate::service) fn holds(seen: &[Sighting]) -> Option<String> {
    let words = Sighting::words(seen, Treatment::Hold);
    (!words.is_empty()).then(|| held_for(&words))
}

/// As [`holds`]; what was not looked through may say any of the words.
pub(in crate::service) fn holds_cut(words: &Searcher, looked: &Looked) -> Option<String> {
    let is_cut = looked.is_cut && words.holds();
    holds(&looked.seen).or_else(|| is_cut.then(|| TOO_LARGE.to_owned()))
}

/// What the event `words` says: each word once, with what is done about it and where it stands.
pub(in crate::service) fn told_of(seen: &[Sighting]) -> Option<Value> {
    // Those that hold it come first.
    let mut places: BTreeMap<(Reverse<Treatment>, &str), Vec<String>> = BTreeMap::new();
    for Sighting { entry, place, .. } in seen {
        let variant = place.variant.iter().map(|variant| format!("{variant} ")).collect::<String>();
        let place = format!("{variant}{}", place.part.name());
        let known = places.entry((Reverse(entry.treatment), &entry.word)).or_default();
        if !known.contains(&place) {
            known.push(place);
        }
    }
    let word = |((Reverse(treatment), word), places): ((Reverse<Treatment>, &str), Vec<String>)| json!({ "word": word, "treatment": treatment, "in": places });
    (!places.is_empty())
        .then(|| json!({ "words": places.into_iter().take(TOLD).map(word).collect::<Vec<_>>() }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(texts: [(Treatment, &str); 2]) -> Vec<Entry> {
        WordList::typed(texts).unwrap().entries
    }

    #[test]
    fn the_audit_log_names_what_came_and_went() {
        let before = entries([(Treatment::Warn, "兼职\n转账"), (Treatment::Hold, "代考")]);
        let after = entries([(Treatment::Warn, "代考\n转账"), (Treatment::Hold, "替考 | 学术不端")]);
        let told = difference(&before, &after);
        let expected = json!({
            "added": [{"word": "替考", "treatment": "hold", "note": "学术不端"}],
            "removed": [{"word": "兼职", "treatment": "warn"}],
            "changed": [{"word": "代考", "treatment": "warn"}],
        });
        assert_eq!(told, expected);
        assert_eq!(difference(&before, &[]).as_object().map(serde_json::Map::len), Some(1));
    }

    #[test]
    fn what_is_too_large_is_held_unread_where_a_word_may_hold_it() {
        let words = |texts| Searcher::new(WordList::typed(texts).unwrap()).unwrap();
        let wording: Wording = serde_json::from_value(json!({
            "content": {"title": "通知", "body": "{{ a }}"}, "has_variables": true, "own": ["a"],
        }))
        .unwrap();
        let people = json!({"2026001": {"a": "代考"}}).to_string();
        let hold = words([(Treatment::Warn, ""), (Treatment::Hold, "代考")]);
        let why = |words: &Searcher, people: &str, room| {
            holds_cut(words, &look(words, &wording, Some(people), room).unwrap())
        };
        assert_eq!(why(&hold, &people, OF_ONE), Some(held_for(&["代考"])));
        assert_eq!(why(&hold, &people, people.len() - 1), Some(TOO_LARGE.to_owned()));
        assert_eq!(why(&words([(Treatment::Warn, "代考"), (Treatment::Hold, "")]), &people, 20), None);
        // Nobody who keeps no list pays for one.
        assert_eq!(why(&Searcher::default(), "no JSON", OF_ONE), None);
        let plain = Wording { has_variables: false, ..wording.clone() };
        assert!(look(&hold, &plain, Some("no JSON"), OF_ONE).is_ok());
        assert!(look(&hold, &wording, Some("no JSON"), OF_ONE).is_err());
    }

    #[test]
    fn many_words_are_a_figure() {
        let many: Vec<_> = (0..=NAMED).map(|n| format!("词{n}")).collect();
        let told = difference(&[], &entries([(Treatment::Warn, &many.join("\n")), (Treatment::Hold, "")]));
        assert_eq!(told["added"].as_array().map(Vec::len), Some(NAMED));
        assert_eq!(told["added_in_all"], NAMED + 1);
    }
}
