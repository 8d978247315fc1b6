//! The words of the administrators' list that a draft says, each where it stands.

use crate::console::timeline::place_text;
use crate::console::view::View;
use crate::domain::sensitive::{Sighting, Treatment};
use crate::service::drafts;

/// Places shown of one word.
const MOST: usize = 5;

#[derive(Clone, Debug, Default)]
pub struct Words {
    pub rows: Vec<WordRow>,
    /// What its author is to have looked at, if anything.
    pub to_look_at: Option<String>,
    /// They have.
    pub is_looked_at: bool,
    /// They were asked and have not said so.
    pub is_asked: bool,
}

#[derive(Clone, Debug)]
pub struct WordRow {
    pub word: String,
    /// Why it is on the list; perhaps empty.
    pub note: String,
    pub treatment: Treatment,
    pub places: Vec<WordPlace>,
    /// Further places.
    pub more: u64,
}

/// Which text, and what stands around the word there.
#[derive(Clone, Debug)]
pub struct WordPlace {
    pub part: String,
    pub before: String,
    pub word: String,
    pub after: String,
}

impl Words {
    /// `looked_at`: what its author has looked at so far.
    pub(super) fn new(view: &View, seen: &[Sighting], looked_at: &str) -> Self {
        let mut rows: Vec<WordRow> = Vec::new();
        for Sighting { entry, place, context } in seen {
            let row = match rows.iter().position(|row| row.word == entry.word) {
                Some(at) => &mut rows[at],
                None => {
                    rows.push(WordRow {
                        word: entry.word.clone(),
                        note: entry.note.clone(),
                        treatment: entry.treatment,
                        places: Vec::new(),
                        more: 0,
                    });
                    let last = rows.len() - 1;
                    &mut rows[last]
                }
            };
            if row.places.len() == MOST {
                row.more += 1;
                continue;
            }
            let variant = place.variant.iter().map(|variant| format!("{variant} ")).collect::<String>();
            let (before, word, after) = context.clone();
            let part = place_text(view, &format!("{variant}{}", place.part.name()));
            row.places.push(WordPlace { part, before, word, after });
        }
        rows.sort_by_key(|row| std::cmp::Reverse(row.treatment));
        let to_look_at = drafts::looked_at(seen);
        let is_looked_at = to_look_at.as_deref() == Some(looked_at);
        Self { rows, to_look_at, is_looked_at, is_asked: false }
    }

    /// Somebody else has to let it go.
    pub fn hold(&self) -> bool {
        self.rows.iter().any(|row| row.treatment == Treatment::Hold)
    }
}
