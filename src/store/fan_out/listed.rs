//! Those whom messages name: a few statements, however many messages and people there are.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Added, coalesce, kind_of, tally};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::DirectAddress;
use crate::domain::channel::{ChannelKind, Outlet};
use crate::domain::delivery::suppressed;
use crate::store::deliveries::Moved;
use crate::store::dialect::Field;
use crate::store::planning::Planned;
use crate::store::{Tx, in_tx, sql, to_json};

/// Somebody a message names.
#[derive(Clone, Debug, PartialEq)]
pub enum Listed {
    /// Outside the directory. The target is negative, and the same whenever the message is planned.
    Address { target: i64, address: DirectAddress },
    /// In the directory, if there is one of that id; `params`: a JSON object of their own variables.
    Person { campus_id: String, params: Option<String> },
}

#[derive(Serialize)]
struct AddressRow<'a> {
    message_id: i64,
    channel: i64,
    outlet: i64,
    lane: i64,
    kind: i64,
    target: i64,
    address: &'a str,
}

#[derive(Serialize)]
struct PersonRow<'a> {
    message_id: i64,
    channel: i64,
    outlet: i64,
    lane: i64,
    campus_id: &'a str,
    params: Option<&'a str>,
    opt_outs: &'a [String],
    step: i64,
    last_step: i64,
    wait_email: i64,
    wait_sms: i64,
    wait_wechat: i64,
}

/// Adds deliveries to those whom messages name, each with its opt-out patterns: two statements however many there are.
pub(super) async fn add(
    tx: &mut Tx,
    lists: &[(&Planned, &[Listed], &[String])],
    now: Timestamp,
) -> Result<Vec<Added>> {
    let (mut addresses, mut people) = (Vec::new(), Vec::new());
    for (message, listed, opt_outs) in lists {
        let places = message.places();
        for listed in *listed {
            match listed {
                Listed::Address { target, address } => addresses.push(AddressRow {
                    message_id: message.id.0,
                    channel: address.kind.channel().code(),
                    outlet: Outlet::of(message.test, address.kind.channel()).code(),
                    lane: message.lane.code(),
                    kind: address.kind.code(),
                    target: *target,
                    address: &address.value,
                }),
                Listed::Person { campus_id, params } => {
                    people.extend(places.iter().map(|place| PersonRow {
                        message_id: message.id.0,
                        channel: place.channel.code(),
                        outlet: Outlet::of(message.test, place.channel).code(),
                        lane: message.lane.code(),
                        campus_id,
                        params: params.as_deref(),
                        opt_outs,
                        step: place.step,
                        last_step: place.last_step,
                        wait_email: place.wait_for(ChannelKind::Email),
                        wait_sms: place.wait_for(ChannelKind::Sms),
                        wait_wechat: place.wait_for(ChannelKind::Wechat),
                    }));
                }
            }
        }
    }
    let mut added = add_addresses(tx, &addresses, now).await?;
    added.extend(add_persons(tx, &people, now).await?);
    Ok(added)
}

async fn add_addresses(tx: &mut Tx, to: &[AddressRow<'_>], now: Timestamp) -> Result<Vec<Added>> {
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let text = format!(
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, address_kind, address, state, due_at,
            updated_at)
         SELECT d.message_id, d.channel, d.outlet, d.lane, d.target, d.kind, d.address, 0, $2, $2 FROM {rows} AS d
         WHERE 1 = 1 ON CONFLICT DO NOTHING
         RETURNING message_id, channel, outlet, state",
        rows = tx.dialect().rows(
            "$1",
            &[
                ("message_id", Field::Int),
                ("channel", Field::Int),
                ("outlet", Field::Int),
                ("lane", Field::Int),
                ("kind", Field::Int),
                ("target", Field::Int),
                ("address", Field::Text)
            ]
        )
    );
    let inserted: Vec<Moved> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(to_json(to)?).bind(now.0).fetch_all(conn).await
    })?;
    Ok(tally(&inserted))
}

async fn add_persons(tx: &mut Tx, to: &[PersonRow<'_>], now: Timestamp) -> Result<Vec<Added>> {
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = tx.dialect();
    let nobody_opted_out = to.iter().all(|row| row.opt_outs.is_empty());
    let opted_out = |channel: &str| {
        if nobody_opted_out {
            return "FALSE".to_owned();
        }
        format!(
            "EXISTS (SELECT 1 FROM opt_out o WHERE o.recipient_id = r.id AND o.channel IN (0, {channel})
                 AND o.topic IN {})",
            dialect.text_list("x.opt_outs")
        )
    };
    let mut due = "$2".to_owned();
    if to.iter().any(|row| row.step > 0) {
        for channel in ChannelKind::ALL {
            let (address, out) = (coalesce(channel), opted_out(&channel.code().to_string()));
            let _ = write!(due, " + CASE WHEN {address} IS NULL OR {out} THEN 0 ELSE x.wait_{channel} END");
        }
    }
    let opted_out = opted_out("x.channel");
    let by_channel = |of: fn(ChannelKind) -> String| {
        let cases = ChannelKind::ALL.map(|channel| format!("WHEN {} THEN {}", channel.code(), of(channel)));
        format!("CASE x.channel {} END", cases.join(" "))
    };
    let (address, kind) = (by_channel(coalesce), by_channel(kind_of));
    let text = format!(
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
            language, params, state, reason, due_at, updated_at, step, last_step)
         SELECT x.message_id, x.channel, x.outlet, x.lane, r.id, r.id, {kind}, {address}, r.name, r.language, x.params,
            CASE WHEN {address} IS NULL OR {opted_out} THEN 7 ELSE 0 END,
            CASE WHEN {opted_out} THEN '{out}' WHEN {address} IS NULL THEN '{none}' END, {due}, $2,
            x.step, x.last_step
         FROM {rows} AS x JOIN recipient r ON r.campus_id = x.campus_id
         WHERE r.active
         ON CONFLICT DO NOTHING
         RETURNING message_id, channel, outlet, state",
        out = suppressed::OPTED_OUT,
        none = suppressed::NO_ADDRESS,
        rows = dialect.rows(
            "$1",
            &[
                ("message_id", Field::Int),
                ("channel", Field::Int),
                ("outlet", Field::Int),
                ("lane", Field::Int),
                ("campus_id", Field::Text),
                ("params", Field::Text),
                ("opt_outs", Field::Json),
                ("step", Field::Int),
                ("last_step", Field::Int),
                ("wait_email", Field::Int),
                ("wait_sms", Field::Int),
                ("wait_wechat", Field::Int),
            ]
        )
    );
    let inserted: Vec<Moved> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(to_json(to)?).bind(now.0).fetch_all(conn).await
    })?;
    Ok(tally(&inserted))
}
