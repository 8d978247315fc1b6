//! Alarm buttons: what they are, what they were armed with, and when they were heard of.

use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::button::{Armed, Asked, ButtonState, Gestures, Power, Refusal};
use crate::domain::id::{ButtonId, OperatorId};
use crate::domain::network::Network;

row! {
    pub struct ButtonRow {
        pub id: ButtonId,
        pub name: String,
        /// Where it hangs.
        pub place: String,
        pub power: Power,
        pub state: ButtonState,
        pub gestures: JsonText<Gestures>,
        /// In which a press can be called off.
        pub cancel_seconds: i64,
        /// None: from anywhere.
        pub networks: JsonText<Vec<Network>>,
        /// Sealed; none: it signs nothing.
        pub secret: Option<Vec<u8>>,
        /// Rises with everything that is decided about it.
        pub version: i64,
        /// Who changed it since it was armed last.
        pub editors: JsonText<Vec<OperatorId>>,
        pub asked: Option<JsonText<Asked>>,
        pub armed: Option<JsonText<Armed>>,
        /// Since when it is in use.
        pub watched_from: Option<Timestamp>,
        /// The latest sign of life of any kind.
        pub seen_at: Option<Timestamp>,
        pub beat_at: Option<Timestamp>,
        pub tested_at: Option<Timestamp>,
        /// Percent.
        pub battery: Option<i64>,
        pub firmware: Option<String>,
        pub refused: Option<JsonText<Refusal>>,
        pub created_at: Timestamp,
        pub updated_at: Timestamp,
        pub updated_by: String,
    }
}

const COLUMNS: &str = "id, name, place, power, state, gestures, cancel_seconds, networks, secret, version, editors, asked, armed,
    watched_from, seen_at, beat_at, tested_at, battery, firmware, refused, created_at, updated_at, updated_by";

/// What an administrator says of one.
#[derive(Clone, Debug)]
pub struct Facts<'a> {
    pub name: &'a str,
    pub place: &'a str,
    pub power: Power,
    pub gestures: &'a Gestures,
    pub cancel_seconds: u32,
    pub networks: &'a [Network],
    /// Sealed.
    pub secret: Option<&'a [u8]>,
    pub editors: &'a [OperatorId],
    pub by: &'a str,
}

/// A new one, which does nothing yet.
pub async fn insert(tx: &mut Tx, new: &Facts<'_>, now: Timestamp) -> Result<ButtonId> {
    let text = "INSERT INTO button (name, place, power, state, gestures, cancel_seconds, networks, secret, version, editors,
            created_at, updated_at, updated_by)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 1, $9, $10, $10, $11) RETURNING id";
    let (gestures, networks, editors) =
        (to_json(new.gestures)?, to_json(new.networks)?, to_json(new.editors)?);
    let id: i64 = in_tx!(tx, |c| {
        sqlx::query_scalar(text)
            .bind(new.name)
            .bind(new.place)
            .bind(new.power.code())
            .bind(ButtonState::Disarmed.code())
            .bind(gestures)
            .bind(i64::from(new.cancel_seconds))
            .bind(networks)
            .bind(new.secret)
            .bind(editors)
            .bind(now.0)
            .bind(new.by)
            .fetch_one(c)
            .await
    })?;
    Ok(ButtonId(id))
}

/// All of them, by name.
pub async fn list(db: &Db) -> Result<Vec<ButtonRow>> {
    let text = format!("SELECT {COLUMNS} FROM button ORDER BY name, id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

pub async fn find(db: &Db, id: ButtonId) -> Result<Option<ButtonRow>> {
    let text = format!("SELECT {COLUMNS} FROM button WHERE id = $1");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// As [`find`], locked until the transaction ends.
pub async fn lock(tx: &mut Tx, id: ButtonId) -> Result<Option<ButtonRow>> {
    let lock = tx.dialect().lock();
    let text = format!("SELECT {COLUMNS} FROM button WHERE id = $1{lock}");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Writes what is said of one.
pub async fn describe(tx: &mut Tx, id: ButtonId, facts: &Facts<'_>, now: Timestamp) -> Result<()> {
    let text = "UPDATE button SET name = $2, place = $3, power = $4, gestures = $5, cancel_seconds = $6, networks = $7,
            secret = $8, editors = $9, updated_at = $10, updated_by = $11, version = version + 1
        WHERE id = $1";
    let (gestures, networks, editors) =
        (to_json(facts.gestures)?, to_json(facts.networks)?, to_json(facts.editors)?);
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(facts.name)
            .bind(facts.place)
            .bind(facts.power.code())
            .bind(gestures)
            .bind(i64::from(facts.cancel_seconds))
            .bind(networks)
            .bind(facts.secret)
            .bind(editors)
            .bind(now.0)
            .bind(facts.by)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Where one stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing<'a> {
    pub state: ButtonState,
    pub asked: Option<&'a Asked>,
    pub armed: Option<&'a Armed>,
    pub editors: &'a [OperatorId],
    pub watched_from: Option<Timestamp>,
}

/// Writes where one stands.
pub async fn stand(tx: &mut Tx, id: ButtonId, standing: &Standing<'_>) -> Result<()> {
    let text = "UPDATE button SET state = $2, asked = $3, armed = $4, editors = $5, watched_from = $6, version = version + 1
        WHERE id = $1";
    let asked = standing.asked.map(to_json).transpose()?;
    let armed = standing.armed.map(to_json).transpose()?;
    let editors = to_json(standing.editors)?;
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(standing.state.code())
            .bind(asked)
            .bind(armed)
            .bind(editors)
            .bind(standing.watched_from.map(|at| at.0))
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// A sign of life. What is not said stays as it was.
#[derive(Clone, Copy, Debug, Default)]
pub struct Sign<'a> {
    pub is_beat: bool,
    pub is_test: bool,
    pub battery: Option<u32>,
    pub firmware: Option<&'a str>,
}

/// Notes a sign of life.
pub async fn heard(tx: &mut Tx, id: ButtonId, sign: Sign<'_>, now: Timestamp) -> Result<()> {
    let text = "UPDATE button SET seen_at = $2, beat_at = CASE WHEN $3 THEN $2 ELSE beat_at END,
            tested_at = CASE WHEN $4 THEN $2 ELSE tested_at END, battery = COALESCE($5, battery),
            firmware = COALESCE($6, firmware)
        WHERE id = $1";
    in_tx!(tx, |c| {
        sqlx::query(text)
            .bind(id.0)
            .bind(now.0)
            .bind(sign.is_beat)
            .bind(sign.is_test)
            .bind(sign.battery.map(i64::from))
            .bind(sign.firmware)
            .execute(c)
            .await
            .map(drop)
    })?;
    Ok(())
}

/// Notes why something that came with its key was not taken.
pub async fn refused(tx: &mut Tx, id: ButtonId, refusal: &Refusal) -> Result<()> {
    let text = "UPDATE button SET refused = $2 WHERE id = $1";
    let refusal = to_json(refusal)?;
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(refusal).execute(c).await.map(drop))?;
    Ok(())
}

/// Another secret, sealed.
pub async fn reseal(tx: &mut Tx, id: ButtonId, secret: &[u8]) -> Result<()> {
    let text = "UPDATE button SET secret = $2, version = version + 1 WHERE id = $1";
    in_tx!(tx, |c| sqlx::query(text).bind(id.0).bind(secret).execute(c).await.map(drop))?;
    Ok(())
}
