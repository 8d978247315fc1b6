//! The press of an alarm button, which two people armed: it goes out by itself.

use super::once::{Once, once_only};
use super::press::{Begin, begin};
use super::{Services, second};
use crate::Result;
use crate::domain::button::{Led, Prepared};
use crate::domain::emergency::{Hand, Run, State};
use crate::domain::id::ButtonPressId;
use crate::service::broadcasts::changing::Doer;
use crate::store::broadcasts as store;

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

/// Sends what a press stands for, once. Where the same is open already the press attaches to it, and what waits there for a
/// second person goes out: whoever began it had a hand in it, and the button is another's.
pub(in crate::service) async fn fire_button(s: &Services, fired: &Fired<'_>) -> Result<()> {
    let Prepared { scenario, plan } = fired.prepared;
    let doer = Doer {
        operator: None,
        source: None,
        label: fired.by.to_owned(),
        from: Some(fired.from.to_owned()),
        test: false,
    };
    let open_key = plan.open_key(scenario, Run::Live);
    let_go(s, &doer, &open_key, fired.request_id).await?;
    let once = Once::Button { press: fired.press, led: fired.led };
    let beginning = Begin {
        scenario: Some(scenario),
        follows: None,
        run: Run::Live,
        note: "",
        once: Some(once),
        request_id: fired.request_id,
    };
    let press = Box::pin(begin(s, &doer, Hand::Button, plan.clone(), &beginning));
    once_only(s, once, press).await?;
    // One that was begun between the two, and waits.
    let_go(s, &doer, &open_key, fired.request_id).await
}

async fn let_go(s: &Services, doer: &Doer, open_key: &str, request_id: &str) -> Result<()> {
    let mut tx = s.db.begin().await?;
    let open = store::open_with_key(&mut tx, open_key).await?;
    drop(tx);
    match open.filter(|row| row.state != State::Live) {
        Some(row) => second::let_go(s, doer, row.id, request_id).await,
        None => Ok(()),
    }
}
