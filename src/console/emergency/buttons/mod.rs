//! Alarm buttons in the console: which there are and how they are, one of them with all that came from it, the form, and
//! what is decided about it.

pub mod acts;
pub mod asked;
pub mod form;
pub mod list;
pub mod one;

use crate::console::label::Tone;
use crate::console::view::{Given, Markup, View};
use crate::domain::button::{ButtonState, Gesture, Led, Power, Refused, Signal};
use crate::domain::id::ButtonId;

pub const HOME: &str = "/console/emergency/buttons";

/// The entries of a session that hold what is shown once, from the form that made it to the page that shows it.
const FRESH_KEY: &str = "fresh_button_key";
const FRESH_SECRET: &str = "fresh_button_secret";

/// The page of a button.
pub fn href(id: ButtonId) -> String {
    format!("{HOME}/{id}")
}

const fn state_mark(state: ButtonState) -> (&'static str, Tone) {
    match state {
        ButtonState::Disarmed => ("pause", Tone::Quiet),
        ButtonState::Test => ("flask", Tone::Active),
        ButtonState::Armed => ("shield", Tone::Good),
        ButtonState::Revoked => ("ban", Tone::Quiet),
    }
}

const fn led_mark(led: Led) -> (&'static str, Tone) {
    match led {
        Led::Accepted => ("check", Tone::Quiet),
        Led::Live => ("send", Tone::Active),
        Led::Refused => ("ban", Tone::Amber),
        Led::TestOk => ("flask", Tone::Good),
    }
}

impl View {
    pub fn button_state(&self, state: impl Given<ButtonState>) -> Markup {
        let state = state.given();
        let (mark, tone) = state_mark(state);
        self.mark(mark, tone, self.t(&format!("button-state-{state}")))
    }

    pub fn led(&self, led: impl Given<Led>) -> Markup {
        let led = led.given();
        let (mark, tone) = led_mark(led);
        self.mark(mark, tone, self.t(&format!("led-{led}")))
    }

    pub fn gesture_text(&self, gesture: impl Given<Gesture>) -> String {
        self.t(&format!("signal-{}", gesture.given()))
    }

    pub fn signal_text(&self, signal: impl Given<Signal>) -> String {
        self.t(&format!("signal-{}", signal.given()))
    }

    pub fn power_text(&self, power: impl Given<Power>) -> String {
        self.t(&format!("power-{}", power.given()))
    }

    pub fn refused_text(&self, why: impl Given<Refused>) -> String {
        self.t(&format!("button-refused-{}", why.given()))
    }
}
