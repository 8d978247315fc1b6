//! Those whom messages name: a few statements, however many messages and people there are.

use std::fmt::Write as _;

use serde::Serialize;

use super::{Added, coalesce, kind_of, outlet_of, tally};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::audience::DirectAddress;
use crate::domain::channel::{AddressKind, ChannelKind, Outlet};
use crate::domain::delivery::{QUIET_HOURS, suppressed};
use crate::store::deliveries::Moved;
use crate::store::dialect::Field;
use crate::store::planning::{Place, Planned};
use crate::store::screen::{Quiet, Screen, every_channel, had_it};
use crate::store::{Dialect, Tx, in_tx, sql, suppressions, to_json};

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
    #[serde(flatten)]
    screen: ScreenRow<'a>,
}

#[derive(Serialize)]
struct PersonRow<'a> {
    message_id: i64,
    channel: i64,
    test: bool,
    lane: i64,
    campus_id: &'a str,
    params: Option<&'a str>,
    #[serde(flatten)]
    screen: ScreenRow<'a>,
    step: i64,
    last_step: i64,
    wait_email: i64,
    wait_sms: i64,
    wait_wechat: i64,
    // Until when each channel is quiet that comes before it; 0: it is not.
    quiet_email: i64,
    quiet_sms: i64,
    quiet_wechat: i64,
}

/// What is to be heeded: [`Screen`] for one row.
#[derive(Serialize)]
struct ScreenRow<'a> {
    opt_outs: &'a [String],
    suppression: bool,
    repeats: Vec<i64>,
    /// Until when its own channel is quiet; 0: it is not.
    quiet: i64,
    too_long: bool,
}

const SCREEN: [(&str, Field); 5] = [
    ("opt_outs", Field::Json),
    ("suppression", Field::Bool),
    ("repeats", Field::Json),
    ("quiet", Field::Int),
    ("too_long", Field::Bool),
];

impl<'a> ScreenRow<'a> {
    fn of(screen: &'a Screen, channel: ChannelKind) -> Self {
        Self {
            opt_outs: &screen.opt_outs,
            suppression: screen.suppression,
            repeats: screen.repeats.iter().map(|id| id.0).collect(),
            quiet: screen.end(channel).map_or(0, |end| end.0),
            too_long: screen.quiet.get(&channel) == Some(&Quiet::TooLong),
        }
    }
}

/// What some of the rows have to heed: what none of them has to is not asked.
#[derive(Clone, Copy, Default)]
struct Asked {
    opt_outs: bool,
    suppression: bool,
    repeats: bool,
    quiet: bool,
    too_long: bool,
}

impl Asked {
    fn of<'r>(rows: impl Iterator<Item = &'r ScreenRow<'r>>) -> Self {
        rows.fold(Self::default(), |asked, row| Self {
            opt_outs: asked.opt_outs || !row.opt_outs.is_empty(),
            suppression: asked.suppression || row.suppression,
            repeats: asked.repeats || !row.repeats.is_empty(),
            quiet: asked.quiet || row.quiet > 0,
            too_long: asked.too_long || row.too_long,
        })
    }

    /// Why a row goes to nobody, as SQL: `reached` says that of the channel itself, `target` and `channels` what a
    /// repeat is known by.
    fn why(self, dialect: Dialect, mut reached: Vec<String>, target: &str, channels: &str) -> String {
        if self.repeats {
            reached.push(format!(
                "CASE WHEN EXISTS (SELECT 1 FROM delivery e WHERE e.message_id IN {ids} AND e.channel IN ({every})
                 AND {channels} AND e.target = {target} AND e.state IN ({had_it})) THEN '{reason}' END",
                ids = dialect.int_list("x.repeats"),
                every = every_channel(),
                had_it = had_it(),
                reason = suppressed::DUPLICATE,
            ));
        }
        if self.too_long {
            reached.push(format!("CASE WHEN x.too_long THEN '{}' END", suppressed::QUIET_EXPIRED));
        }
        // One by itself is taken by COALESCE on PostgreSQL alone.
        reached.push("NULL".to_owned());
        format!("COALESCE({})", reached.join(", "))
    }

    /// Why a row waits though nothing keeps it from its person.
    fn waits_for(self) -> String {
        if self.quiet { format!("CASE WHEN x.quiet > 0 THEN '{QUIET_HOURS}' END") } else { "NULL".to_owned() }
    }
}

/// Adds deliveries to those whom messages name, each with what it has to heed: two statements however many there are.
pub(super) async fn add(
    tx: &mut Tx,
    lists: &[(&Planned, &[Listed], &Screen)],
    now: Timestamp,
) -> Result<Vec<Added>> {
    let (mut addresses, mut people) = (Vec::new(), Vec::new());
    for (message, listed, screen) in lists {
        let places = message.places();
        for listed in *listed {
            match listed {
                Listed::Address { target, address } => addresses.push(AddressRow {
                    message_id: message.id.0,
                    channel: address.kind.channel().code(),
                    outlet: Outlet::of(message.test, address.kind).code(),
                    lane: message.rank.code(),
                    kind: address.kind.code(),
                    target: *target,
                    address: &address.value,
                    screen: ScreenRow::of(screen, address.kind.channel()),
                }),
                Listed::Person { campus_id, params } => {
                    // Nobody waits for a channel that is quiet for longer than the message lives.
                    let wait = |place: &Place, channel| match screen.quiet.get(&channel) {
                        Some(Quiet::TooLong) => 0,
                        _ => place.wait_for(channel),
                    };
                    let quiet = |place: &Place, channel| {
                        let earlier = place.waits.iter().any(|(earlier, _)| *earlier == channel);
                        screen.end(channel).filter(|_| earlier).map_or(0, |end| end.0)
                    };
                    people.extend(places.iter().map(|place| PersonRow {
                        message_id: message.id.0,
                        channel: place.channel.code(),
                        test: message.test,
                        lane: message.rank.code(),
                        campus_id,
                        params: params.as_deref(),
                        screen: ScreenRow::of(screen, place.channel),
                        step: place.step,
                        last_step: place.last_step,
                        wait_email: wait(place, ChannelKind::Email),
                        wait_sms: wait(place, ChannelKind::Sms),
                        wait_wechat: wait(place, ChannelKind::Wechat),
                        quiet_email: quiet(place, ChannelKind::Email),
                        quiet_sms: quiet(place, ChannelKind::Sms),
                        quiet_wechat: quiet(place, ChannelKind::Wechat),
                    }));
                }
            }
        }
    }
    let mut added = add_addresses(tx, &addresses, now).await?;
    // The same for all that is planned at once.
    let prefers = lists.first().and_then(|(_, _, screen)| screen.prefers);
    added.extend(add_persons(tx, &people, prefers, now).await?);
    Ok(added)
}

async fn add_addresses(tx: &mut Tx, to: &[AddressRow<'_>], now: Timestamp) -> Result<Vec<Added>> {
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = tx.dialect();
    let asked = Asked::of(to.iter().map(|row| &row.screen));
    let mut fields = vec![
        ("message_id", Field::Int),
        ("channel", Field::Int),
        ("outlet", Field::Int),
        ("lane", Field::Int),
        ("kind", Field::Int),
        ("target", Field::Int),
        ("address", Field::Text),
    ];
    fields.extend(SCREEN);
    let mut reached = vec!["CAST(NULL AS text)".to_owned()];
    if asked.suppression {
        let listed = suppressions::reason("x.kind", "x.address", "$2");
        reached.push(format!("CASE WHEN x.suppression THEN {listed} END"));
    }
    let text = format!(
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, address_kind, address, state, reason, due_at,
            updated_at)
         SELECT x.message_id, x.channel, x.outlet, x.lane, x.target, x.kind, x.address,
            CASE WHEN {why} IS NULL THEN 0 ELSE 7 END, COALESCE({why}, {waits_for}), {due}, $2 FROM {rows} AS x
         WHERE 1 = 1 ON CONFLICT DO NOTHING
         RETURNING message_id, channel, outlet, state",
        why = asked.why(dialect, reached, "x.target", "e.channel = x.channel"),
        waits_for = asked.waits_for(),
        due = dialect.greatest(&["$2".to_owned(), "x.quiet".to_owned()]),
        rows = dialect.rows("$1", &fields),
    );
    let inserted: Vec<Moved> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(to_json(to)?).bind(now.0).fetch_all(conn).await
    })?;
    Ok(tally(&inserted))
}

async fn add_persons(
    tx: &mut Tx,
    to: &[PersonRow<'_>],
    prefers: Option<AddressKind>,
    now: Timestamp,
) -> Result<Vec<Added>> {
    if to.is_empty() {
        return Ok(Vec::new());
    }
    let dialect = tx.dialect();
    let asked = Asked::of(to.iter().map(|row| &row.screen));
    let reached = |channel: &str, kind: &str, address: &str| {
        let opted_out = if asked.opt_outs {
            format!(
                "WHEN EXISTS (SELECT 1 FROM opt_out o WHERE o.recipient_id = r.id AND o.channel IN (0, {channel})
                 AND o.topic IN {list}) THEN '{reason}'",
                list = dialect.text_list("x.opt_outs"),
                reason = suppressed::OPTED_OUT,
            )
        } else {
            String::new()
        };
        let none = suppressed::NO_ADDRESS;
        let mut reached = vec![format!("CASE {opted_out} WHEN {address} IS NULL THEN '{none}' END")];
        if asked.suppression {
            let listed = suppressions::reason(kind, address, "$2");
            reached.push(format!("CASE WHEN x.suppression THEN {listed} END"));
        }
        reached
    };
    let mut begins = vec!["$2".to_owned()];
    if asked.quiet {
        begins.push("x.quiet".to_owned());
    }
    let mut waits = String::new();
    if to.iter().any(|row| row.step > 0) {
        for channel in ChannelKind::ALL {
            let (kind, address) = (kind_of(channel, prefers), coalesce(channel, prefers));
            let reached = reached(&channel.code().to_string(), &kind, &address);
            let why = Asked::default().why(dialect, reached, "", "");
            let _ = write!(waits, " + CASE WHEN {why} IS NULL THEN x.wait_{channel} ELSE 0 END");
            if asked.quiet {
                begins.push(format!("CASE WHEN {why} IS NULL THEN x.quiet_{channel} ELSE 0 END"));
            }
        }
    }
    let by_channel = |of: fn(ChannelKind, Option<AddressKind>) -> String| {
        let cases =
            ChannelKind::ALL.map(|channel| format!("WHEN {} THEN {}", channel.code(), of(channel, prefers)));
        format!("CASE x.channel {} END", cases.join(" "))
    };
    let (address, kind) = (by_channel(coalesce), by_channel(kind_of));
    let reached = reached("x.channel", &kind, &address);
    let mut fields = vec![
        ("message_id", Field::Int),
        ("channel", Field::Int),
        ("test", Field::Bool),
        ("lane", Field::Int),
        ("campus_id", Field::Text),
        ("params", Field::Text),
        ("step", Field::Int),
        ("last_step", Field::Int),
        ("wait_email", Field::Int),
        ("wait_sms", Field::Int),
        ("wait_wechat", Field::Int),
        ("quiet_email", Field::Int),
        ("quiet_sms", Field::Int),
        ("quiet_wechat", Field::Int),
    ];
    fields.extend(SCREEN);
    let text = format!(
        "INSERT INTO delivery (message_id, channel, outlet, lane, target, recipient_id, address_kind, address, name,
            language, params, state, reason, due_at, updated_at, step, last_step)
         SELECT x.message_id, x.channel, CASE WHEN x.test THEN 0 ELSE {outlet} END, x.lane, r.id, r.id, {kind}, {address}, r.name, r.language, x.params,
            CASE WHEN {why} IS NULL THEN 0 ELSE 7 END, COALESCE({why}, {waits_for}), {begins}{waits}, $2,
            x.step, x.last_step
         FROM {rows} AS x JOIN recipient r ON r.campus_id = x.campus_id
         WHERE r.active
         ON CONFLICT DO NOTHING
         RETURNING message_id, channel, outlet, state",
        outlet = by_channel(outlet_of),
        why = asked.why(dialect, reached, "r.id", "(x.last_step > 0 OR e.channel = x.channel)"),
        waits_for = asked.waits_for(),
        begins = dialect.greatest(&begins),
        rows = dialect.rows("$1", &fields),
    );
    let inserted: Vec<Moved> = in_tx!(tx, |conn| {
        sqlx::query_as(sql(text)).bind(to_json(to)?).bind(now.0).fetch_all(conn).await
    })?;
    Ok(tally(&inserted))
}
