//! A button as somebody filled it in.

use super::super::Services;
use super::plans;
use crate::Result;
use crate::domain::audience::Params;
use crate::domain::button::{Gesture, Gestures, LONGEST_WINDOW, Mapped, Power};
use crate::domain::emergency::choose;
use crate::domain::fields::below;
use crate::domain::network::Network;
use crate::error::{Fault, Faults};

const LONGEST_NAME: usize = 60;
const LONGEST_PLACE: usize = 120;
const MOST_NETWORKS: usize = 20;

/// As typed.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ButtonForm {
    pub name: String,
    /// Where it hangs.
    pub place: String,
    pub power: Option<Power>,
    /// Gestures that stand for something; the others do nothing.
    pub gestures: Vec<(Gesture, GestureForm)>,
    /// Seconds, 0 to [`LONGEST_WINDOW`].
    pub cancel_seconds: Option<u32>,
    /// Networks and addresses; none: from anywhere.
    pub networks: Vec<String>,
    /// What it says has to be signed.
    pub signed: bool,
}

/// What a gesture is to stand for.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct GestureForm {
    /// A slug.
    pub scenario: String,
    /// A choice for each of its placeholders.
    pub params: Params,
}

/// One in which nothing is wrong.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Checked {
    pub name: String,
    pub place: String,
    pub power: Power,
    pub gestures: Gestures,
    pub cancel_seconds: u32,
    pub networks: Vec<Network>,
    pub signed: bool,
}

fn line(text: &str, longest: usize, at: &str, faults: &mut Faults) -> String {
    let text = text.trim();
    if text.is_empty() {
        faults.add(at, "required", "this is needed");
    } else if text.chars().count() > longest {
        faults.add(at, "too_long", format!("at most {longest} characters"));
    } else if text.chars().any(char::is_control) {
        faults.add(at, "control_character", "one line, without control characters");
    }
    text.to_owned()
}

impl ButtonForm {
    /// # Errors
    ///
    /// [`Error::Invalid`](crate::Error::Invalid) with every fault; those of a gesture at `/gestures/<gesture>/…`.
    pub(super) async fn check(&self, s: &Services) -> Result<Checked> {
        let mut faults = Faults::default();
        let name = line(&self.name, LONGEST_NAME, "/name", &mut faults);
        let place = line(&self.place, LONGEST_PLACE, "/place", &mut faults);
        if self.power.is_none() {
            faults.add("/power", "required", "say whether it runs on mains or on a battery");
        }
        let cancel_seconds = self.cancel_seconds.filter(|seconds| *seconds <= LONGEST_WINDOW);
        if cancel_seconds.is_none() {
            let detail = format!("a number of seconds from 0 to {LONGEST_WINDOW}");
            faults.add("/cancel_seconds", "out_of_range", detail);
        }
        let networks = self.networks(&mut faults);
        let gestures = self.gestures(s, &mut faults).await?;
        faults.into_result()?;
        Ok(Checked {
            name,
            place,
            power: self.power.unwrap_or(Power::Mains),
            gestures,
            cancel_seconds: cancel_seconds.unwrap_or_default(),
            networks,
            signed: self.signed,
        })
    }

    fn networks(&self, faults: &mut Faults) -> Vec<Network> {
        let mut networks = Vec::with_capacity(self.networks.len());
        if self.networks.len() > MOST_NETWORKS {
            faults.add("/networks", "too_many", format!("at most {MOST_NETWORKS} networks"));
        }
        for (at, text) in self.networks.iter().enumerate() {
            match text.parse::<Network>() {
                Ok(network) if networks.contains(&network) => {}
                Ok(network) => networks.push(network),
                Err(why) => faults.add(format!("/networks/{at}"), "bad_network", why),
            }
        }
        networks
    }

    async fn gestures(&self, s: &Services, faults: &mut Faults) -> Result<Gestures> {
        let mut gestures = Gestures::new();
        if self.gestures.is_empty() {
            faults.add("/gestures", "required", "say what at least one way to press it stands for");
        }
        for (gesture, form) in &self.gestures {
            let at = format!("/gestures/{gesture}");
            let Some(row) = plans::in_use(s, &form.scenario).await? else {
                let detail = format!("there is no scenario `{}` any more", form.scenario);
                faults.extend([Fault::new(format!("{at}/scenario"), "unknown_scenario", detail)]);
                continue;
            };
            match choose(&row.document.0, &form.params) {
                Ok(chosen) => drop(gestures.insert(*gesture, Mapped { scenario: row.slug, chosen })),
                Err(wrong) => faults.extend(below(&at, wrong)),
            }
        }
        Ok(gestures)
    }
}
