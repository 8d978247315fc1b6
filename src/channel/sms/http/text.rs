//! What a gateway is told to say, and what arrives of it.

use super::call::Unfit;
use super::settings::Settings;
use super::template::Placeholder;
use crate::channel::{Arriving, Guess, Outcome, Parcel};
use crate::domain::sms_text::{Placement, bracketed, is_mainland, signed, words};

impl Settings {
    /// The text of a call, with its sign where we put it.
    pub(super) fn text(&self, parcel: &Parcel) -> String {
        let words = words(&parcel.content);
        signed(&words, &self.sign, self.placement, is_mainland(&parcel.address)).into_owned()
    }

    pub(super) fn arriving(&self, parcel: &Parcel) -> Result<Arriving, Outcome> {
        let mainland = is_mainland(&parcel.address);
        let before = |text: &str| format!("{}{text}", bracketed(&self.sign, mainland));
        // As an author may have signed it themself.
        let ours = || signed(&words(&parcel.content), &self.sign, Placement::Prefix, mainland).into_owned();
        if let Some(wording) = &self.wording {
            let text =
                wording.fill_params(&parcel.params).map_err(|missing| Unfit::from(missing).outcome())?;
            let known = self.sign_is_known && self.placement == Placement::None;
            return Ok(Arriving { text: if known { text } else { before(&text) }, guess: self.guess() });
        }
        if !self.request.uses(&Placeholder::Text) {
            return Ok(Arriving { text: ours(), guess: Some(Guess::Wording(None)) });
        }
        let text = match self.placement {
            Placement::Prefix | Placement::Suffix => self.text(parcel),
            Placement::Field => before(&words(&parcel.content)),
            Placement::None if self.sign_is_known => words(&parcel.content),
            Placement::None => ours(),
        };
        Ok(Arriving { text, guess: self.guess() })
    }

    fn guess(&self) -> Option<Guess> {
        (!self.sign_is_known).then_some(Guess::Sign)
    }
}
