//! The scenario `fire`, of those that every campus begins with, pressed.

use belltower::Result;
use belltower::domain::audience::Params;
use belltower::domain::emergency::Run;
use belltower::service::broadcasts::{self, Pressed, Pressing};
use belltower::service::{Caller, Services};

/// It burns at that place, and people meet at the sports field.
pub(crate) fn fire(place: &str) -> Params {
    fire_meeting(place, "操场")
}

pub(crate) fn fire_meeting(place: &str, meeting_point: &str) -> Params {
    [("place", place), ("meeting_point", meeting_point)]
        .map(|(name, choice)| (name.to_owned(), choice.into()))
        .into()
}

/// Somebody presses it, without a note.
pub(crate) async fn press_fire(s: &Services, caller: &Caller, run: Run, params: &Params) -> Result<Pressed> {
    let pressing = Pressing { scenario: "fire", params, run, note: "", from: None, request_id: "test" };
    broadcasts::press(s, caller, &pressing).await
}
