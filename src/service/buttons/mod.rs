//! Alarm buttons: who may register and arm one, and what becomes of what they send.
//!
//! A device shows its key ([`authenticate`](mod@authenticate)) and says that it was pressed ([`press()`]). What is to
//! become a broadcast is
//! kept first and sent then ([`fire_due`]), so that neither a crash nor a window in which it may be called off loses it.

mod arming;
mod authenticate;
mod edit;
mod fire;
mod form;
mod keys;
mod plans;
mod press;
mod watch;

use std::net::IpAddr;
use std::time::Duration;

use super::strangers::Strangers;
use super::throttle::Throttle;
use super::{Caller, Services};
use crate::domain::id::{ButtonId, ButtonPressId, OperatorId};
use crate::domain::operator::Permission;
use crate::store::{button_presses, buttons as store};
use crate::{Error, Result};

pub use self::arming::{ask, confirm, disarm, revoke, try_out, withdraw};
pub use self::authenticate::{ButtonCaller, authenticate};
pub use self::edit::{Registered, change, register};
pub use self::fire::{fire, fire_due};
pub use self::form::{ButtonForm, GestureForm};
pub use self::keys::{Key, keys, renew_secret, rotate_key};
pub use self::plans::{fits, is_overtaken};
pub use self::press::{Answer, Said, not_read, press};
pub(super) use self::watch::conditions;
pub use self::watch::{clocks_off, watched};
pub use crate::store::button_presses::PressRow;
pub use crate::store::buttons::ButtonRow;

/// How long what came from buttons is kept.
const KEPT: Duration = Duration::from_hours(400 * 24);

fn unknown() -> Error {
    Error::NotFound("button")
}

/// Who writes down what they did to a button, for those who decide about it later; a command has no number.
fn hand_of(caller: &Caller) -> Result<OperatorId> {
    caller.operator().ok_or_else(|| {
        let detail = "only somebody who is signed in to the console decides about a button";
        Error::forbidden(Permission::EmergencyPrepare.name(), detail)
    })
}

/// As it was when whoever decides looked at it.
fn expect_version(row: &ButtonRow, version: i64) -> Result<()> {
    if row.version == version {
        return Ok(());
    }
    let detail = "somebody did something to the button meanwhile; look at it again";
    Err(Error::conflict("button_changed", detail))
}

/// All of them, by name.
pub async fn list(s: &Services, caller: &Caller) -> Result<Vec<ButtonRow>> {
    caller.require(Permission::EmergencyView)?;
    store::list(&s.db).await
}

pub async fn get(s: &Services, caller: &Caller, id: ButtonId) -> Result<ButtonRow> {
    caller.require(Permission::EmergencyView)?;
    store::find(&s.db, id).await?.ok_or_else(unknown)
}

/// What came from a button before `before`, the newest first; at most `limit`. Of its signs of life the latest alone.
pub async fn presses(
    s: &Services,
    caller: &Caller,
    id: ButtonId,
    before: Option<ButtonPressId>,
    limit: u32,
) -> Result<Vec<PressRow>> {
    get(s, caller, id).await?;
    button_presses::list(&s.db, id, before, limit).await
}

/// Forgets what came from buttons long ago.
pub async fn prune(s: &Services) -> Result<u64> {
    let mut tx = s.db.begin().await?;
    let gone = button_presses::prune(&mut tx, s.clock.now().minus(KEPT)).await?;
    tx.commit().await?;
    Ok(gone)
}

/// How often something may come. Each process counts for itself.
#[derive(Debug)]
pub(in crate::service) struct Rates {
    /// By any key, right or wrong, before the store is asked. A copy of one that is used elsewhere takes nothing from the
    /// device.
    keys: Throttle<([u8; 32], IpAddr)>,
    strangers: Strangers,
    presses: Throttle<ButtonId>,
    /// Apart, so that a device that only says that it is there, and says it without end, can still be pressed.
    beats: Throttle<ButtonId>,
}

impl Default for Rates {
    fn default() -> Self {
        let minute = Duration::from_mins(1);
        Self {
            keys: Throttle::new(600, minute),
            strangers: Strangers::default(),
            presses: Throttle::new(300, minute),
            beats: Throttle::new(60, minute),
        }
    }
}
