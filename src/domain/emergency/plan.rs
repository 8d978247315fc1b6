//! What a broadcast sends, as it was decided.

use serde::{Deserialize, Serialize};

use super::authority::{Hand, Press};
use super::scenario::{Run, Scenario, Spoken};
use super::texts::Chosen;

/// A scenario as it was when it was pressed, and what was chosen: kept with the broadcast, so that nobody's later change
/// of the scenario reaches one that is open. The form of the column `plan`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    pub scenario: Scenario,
    /// Of the scenario; 0 where the words are its author's own.
    #[serde(default)]
    pub version: i64,
    #[serde(default)]
    pub chosen: Chosen,
}

impl Plan {
    /// Nobody approved the words before.
    pub const fn is_free_text(&self) -> bool {
        self.version == 0
    }

    /// Where it happens, if the scenario asks for it.
    pub fn place(&self) -> Option<&Spoken> {
        self.chosen.get(PLACE)
    }

    /// What it is called: its scenario, and where it happens.
    pub fn name(&self) -> Spoken {
        let name = &self.scenario.name;
        match self.place() {
            Some(place) => Spoken {
                zh: format!("{} · {}", name.zh, place.zh),
                en: format!("{} · {}", name.en, place.en),
            },
            None => name.clone(),
        }
    }

    /// What a second press of the same has, too: there is one open broadcast for a scenario and place.
    pub fn open_key(&self, slug: &str, run: Run) -> String {
        let place = self.place().map_or("", |place| place.zh.as_str());
        format!("{run} {slug} {place}")
    }

    pub fn press(&self, run: Run, hand: Hand) -> Press {
        Press {
            run,
            level: self.scenario.level,
            life_threatening: self.scenario.life_threatening,
            free_text: self.is_free_text(),
            whole_campus: self.scenario.audience.everyone,
            hand,
        }
    }
}

/// The placeholder that says where.
pub const PLACE: &str = "place";
