//! The press of an alarm button, which two people armed: it goes out by itself.

use super::Services;
use super::changing::Doer;
use super::once::{Once, once_only};
use super::press::{Begin, begin};
use crate::Result;
use crate::domain::button::{Led, Prepared};
use crate::domain::emergency::{Hand, Run};
use crate::domain::id::ButtonPressId;

/// A press that becomes a broadcast.
#[derive(Clone, Copy, Debug)]
pub(in crate::service) struct Fired<'a> {
    pub press: ButtonPressId,
    /// What its device is shown from then on.
    pub led: Led,
    /// As logs name the button.
    pub by: &'a str,
    pub from: &'a str,
    pub prepared: &'a Prepared,
    pub request_id: &'a str,
}

/// Sends what a press stands for, once, in the words that two people agreed to. Where the same is being sent already the press
/// attaches to it, and whoever may stop it is told where its choices are others; where it waits for a second person, or was given back, that ends: nobody agreed to its words, and other
/// choices than those of its place are perhaps not the button's.
pub(in crate::service) async fn fire_button(s: &Services, fired: &Fired<'_>) -> Result<()> {
    let Prepared { scenario, plan, .. } = fired.prepared;
    let since = s.clock.steady();
    let doer = Doer {
        operator: None,
        source: None,
        label: fired.by.to_owned(),
        from: Some(fired.from.to_owned()),
        test: false,
        publishes: true,
    };
    let once = Once::Button { press: fired.press, led: fired.led, prepared: fired.prepared };
    let beginning = Begin {
        scenario: Some(scenario),
        follows: None,
        run: Run::Live,
        note: "",
        once: Some(once),
        since,
        request_id: fired.request_id,
    };
    let press = Box::pin(begin(s, &doer, Hand::Button, plan.clone(), &beginning));
    once_only(s, once, press).await.map(drop)
}
