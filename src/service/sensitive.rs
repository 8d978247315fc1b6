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
use crate::domain::operator::Permission;
use crate::domain::sensitive::{Entry, Searcher, Sighting, Treatment, WordList, held_for};
use crate::store::{audit, settings};
use crate::{Error, Result};

const NAME: &str = "words";
/// The number of the latest list, which is asked for far more often than the list.
const VERSION: &str = "words_version";
/// Words that one entry of the audit log names of each kind; the rest is a figure.
const NAMED: usize = 500;

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

/// Why a reviewer has to let a message go that says these, if one has to.
pub(in crate::service) fn holds(seen: &[Sighting]) -> Option<String> {
    let words = Sighting::words(seen, Treatment::Hold);
    (!words.is_empty()).then(|| held_for(&words))
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
    (!places.is_empty()).then(|| json!({ "words": places.into_iter().map(word).collect::<Vec<_>>() }))
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
    fn many_words_are_a_figure() {
        let many: Vec<_> = (0..=NAMED).map(|n| format!("词{n}")).collect();
        let told = difference(&[], &entries([(Treatment::Warn, &many.join("\n")), (Treatment::Hold, "")]));
        assert_eq!(told["added"].as_array().map(Vec::len), Some(NAMED));
        assert_eq!(told["added_in_all"], NAMED + 1);
    }
}
