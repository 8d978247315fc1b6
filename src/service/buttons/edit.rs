//! Registering and changing buttons. Whoever does has a hand in what a press sends, until it was armed by others.

use serde_json::json;

use super::super::{Caller, Services, change as changes};
use super::form::Checked;
use super::{ButtonForm, arming, expect_version, hand_of, keys, unknown};
use crate::Result;
use crate::domain::button::ButtonState;
use crate::domain::id::{ButtonId, OperatorId};
use crate::domain::operator::Permission;
use crate::store::audit;
use crate::store::buttons::{self as store, ButtonRow, Facts};

/// A new button. Its key and secret are shown this once.
#[derive(Clone, Debug)]
pub struct Registered {
    pub id: ButtonId,
    pub key: String,
    /// What it signs with, where it has to.
    pub secret: Option<String>,
}

/// As the audit log shows one.
fn told(checked: &Checked) -> serde_json::Value {
    json!({
        "name": checked.name, "place": checked.place, "power": checked.power, "gestures": checked.gestures,
        "cancel_seconds": checked.cancel_seconds, "networks": checked.networks, "signed": checked.signed,
    })
}

fn told_of(row: &ButtonRow) -> serde_json::Value {
    json!({
        "name": row.name, "place": row.place, "power": row.power, "gestures": row.gestures.0,
        "cancel_seconds": row.cancel_seconds, "networks": row.networks.0, "signed": row.secret.is_some(),
    })
}

fn facts<'a>(
    checked: &'a Checked,
    secret: Option<&'a [u8]>,
    editors: &'a [OperatorId],
    by: &'a str,
) -> Facts<'a> {
    Facts {
        name: &checked.name,
        place: &checked.place,
        power: checked.power,
        gestures: &checked.gestures,
        cancel_seconds: checked.cancel_seconds,
        networks: &checked.networks,
        secret,
        editors,
        by,
    }
}

/// Registers one, which does nothing until it is armed.
///
/// # Errors
///
/// [`Forbidden`](crate::Error::Forbidden) without `emergency.prepare`; [`Invalid`](crate::Error::Invalid) with every fault.
pub async fn register(s: &Services, caller: &Caller, form: &ButtonForm) -> Result<Registered> {
    caller.require(Permission::EmergencyPrepare)?;
    let operator = hand_of(caller)?;
    let checked = form.check(s).await?;
    let now = s.clock.now();
    let by = caller.label();
    let secret = checked.signed.then(|| keys::new_secret(s));
    let sealed = secret.as_ref().map(|secret| s.vault.seal(secret.as_bytes()));
    let key = keys::New::make(s);
    let mut tx = s.db.begin().await?;
    let id = store::insert(&mut tx, &facts(&checked, sealed.as_deref(), &[operator], &by), now).await?;
    key.insert(&mut tx, id, &by, now).await?;
    audit::append(&mut tx, now, &by, "button.create", &id.to_string(), &told(&checked)).await?;
    tx.commit().await?;
    s.buttons.strangers.forget();
    Ok(Registered { id, key: key.text, secret })
}

/// Changes one, as it was at that version. One that is armed is disarmed by it, and what was asked for is asked anew.
/// Answers with the secret where it has to sign from now on.
///
/// # Errors
///
/// As [`register`]; [`Conflict`](crate::Error::Conflict) where it was changed meanwhile, or is revoked.
pub async fn change(
    s: &Services,
    caller: &Caller,
    id: ButtonId,
    version: i64,
    form: &ButtonForm,
) -> Result<Option<String>> {
    caller.require(Permission::EmergencyPrepare)?;
    let operator = hand_of(caller)?;
    let checked = form.check(s).await?;
    let now = s.clock.now();
    let by = caller.label();
    let mut tx = s.db.begin().await?;
    let row = store::lock(&mut tx, id).await?.ok_or_else(unknown)?;
    arming::not_revoked(&row)?;
    expect_version(&row, version)?;
    let (before, after) = (told_of(&row), told(&checked));
    if before == after {
        return Ok(None);
    }
    let secret = (checked.signed && row.secret.is_none()).then(|| keys::new_secret(s));
    let sealed = match &secret {
        Some(secret) => Some(s.vault.seal(secret.as_bytes())),
        None => row.secret.clone().filter(|_| checked.signed),
    };
    let mut editors = row.editors.0.clone();
    arming::add(&mut editors, operator);
    store::describe(&mut tx, id, &facts(&checked, sealed.as_deref(), &editors, &by), now).await?;
    let state = if row.state == ButtonState::Armed { ButtonState::Disarmed } else { row.state };
    arming::stand(&mut tx, &row, state, None, None, &editors, now).await?;
    let detail = changes::between(&before, &after);
    audit::append(&mut tx, now, &by, "button.update", &id.to_string(), &detail).await?;
    if row.state == ButtonState::Armed {
        let why = json!({ "why": "changed" });
        audit::append(&mut tx, now, &by, "button.disarm", &id.to_string(), &why).await?;
    }
    tx.commit().await?;
    Ok(secret)
}

impl From<&ButtonRow> for ButtonForm {
    /// As it is kept, to be changed.
    fn from(row: &ButtonRow) -> Self {
        let gestures = row.gestures.0.iter().map(|(gesture, mapped)| {
            let chosen = mapped.chosen.iter();
            let params = chosen.map(|(name, choice)| (name.to_owned(), choice.zh.clone().into())).collect();
            (*gesture, super::GestureForm { scenario: mapped.scenario.clone(), params })
        });
        Self {
            name: row.name.clone(),
            place: row.place.clone(),
            power: Some(row.power),
            gestures: gestures.collect(),
            cancel_seconds: u32::try_from(row.cancel_seconds).ok(),
            networks: row.networks.0.iter().map(ToString::to_string).collect(),
            signed: row.secret.is_some(),
        }
    }
}
