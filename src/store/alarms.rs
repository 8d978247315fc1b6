//! Alarms, open and past. Who is told of them is in [`alarm_wishes`](super::alarm_wishes).

use serde_json::json;

use super::dialect::Field;
use super::{Db, JsonText, Tx, in_db, in_tx, row, sql, to_json};
use crate::Result;
use crate::clock::Timestamp;
use crate::domain::alarm::{AlarmKind, Condition, Matter, Severity};
use crate::domain::id::AlarmId;

row! {
    pub struct AlarmRow {
        pub id: AlarmId,
        pub kind: AlarmKind,
        pub severity: Severity,
        /// As it was last seen.
        pub matter: JsonText<Matter>,
        pub since: Timestamp,
        pub seen_at: Timestamp,
        pub ended_at: Option<Timestamp>,
        pub acknowledged_at: Option<Timestamp>,
        pub acknowledged_by: Option<String>,
    }
}

row! {
    /// How many alarms are open.
    pub struct OpenRow {
        pub kind: AlarmKind,
        pub severity: Severity,
        pub n: i64,
    }
}

const SELECT: &str = "SELECT id, kind, severity, matter, since, seen_at, ended_at, acknowledged_at, acknowledged_by FROM alarm";

/// Notes what is so at this moment: opens alarms, and renews those that are open. What grew graver since somebody
/// acknowledged it wants to be acknowledged again.
pub async fn note(tx: &mut Tx, conditions: &[Condition], now: Timestamp) -> Result<()> {
    let fields = [
        ("kind", Field::Int),
        ("object", Field::Text),
        ("severity", Field::Int),
        ("matter", Field::Text),
        ("opens", Field::Bool),
    ];
    let rows = tx.dialect().rows("$1", &fields);
    let renew = format!(
        "UPDATE alarm SET matter = x.matter, seen_at = $2,
            severity = CASE WHEN x.severity > alarm.severity THEN x.severity ELSE alarm.severity END,
            acknowledged_at = CASE WHEN x.severity > alarm.severity THEN NULL ELSE acknowledged_at END,
            acknowledged_by = CASE WHEN x.severity > alarm.severity THEN NULL ELSE acknowledged_by END
         FROM {rows} AS x
         WHERE alarm.kind = x.kind AND alarm.object = x.object AND alarm.ended_at IS NULL"
    );
    // Whoever was told of less is told anew.
    let graver = format!(
        "DELETE FROM alarm_told WHERE alarm_id IN (SELECT a.id FROM alarm a, {rows} AS x
            WHERE a.kind = x.kind AND a.object = x.object AND a.ended_at IS NULL AND x.severity > a.severity
                AND $2 >= 0)"
    );
    let open = format!(
        "INSERT INTO alarm (kind, object, severity, matter, since, seen_at)
         SELECT kind, object, severity, matter, $2, $2 FROM {rows} AS x WHERE {opens}
         ON CONFLICT (kind, object) WHERE ended_at IS NULL DO NOTHING",
        opens = match tx.dialect() {
            super::Dialect::Sqlite => "opens = 1",
            super::Dialect::Postgres => "opens",
        }
    );
    let wire = |condition: &Condition| -> Result<serde_json::Value> {
        let matter = &condition.matter;
        Ok(json!({
            "kind": matter.kind().code(), "object": matter.object(), "severity": condition.severity.code(),
            "matter": to_json(matter)?, "opens": condition.opens,
        }))
    };
    let input = to_json(&conditions.iter().map(wire).collect::<Result<Vec<_>>>()?)?;
    for text in [graver, renew, open] {
        in_tx!(tx, |c| sqlx::query(sql(text)).bind(&input).bind(now.0).execute(c).await.map(drop))?;
    }
    Ok(())
}

/// Ends the open alarms of these kinds that were last seen at `before` or earlier, and says how many.
pub async fn end(tx: &mut Tx, kinds: &[AlarmKind], before: Timestamp, now: Timestamp) -> Result<u64> {
    let text = format!(
        "UPDATE alarm SET ended_at = $1 WHERE ended_at IS NULL AND seen_at <= $2 AND kind IN {}",
        tx.dialect().int_list("$3")
    );
    let kinds: Vec<_> = kinds.iter().map(|kind| kind.code()).collect();
    let done = in_tx!(tx, |c| {
        sqlx::query(sql(text))
            .bind(now.0)
            .bind(before.0)
            .bind(to_json(&kinds)?)
            .execute(c)
            .await
            .map(|d| d.rows_affected())
    })?;
    Ok(done)
}

/// The open ones, the gravest and then the oldest first.
pub async fn open(db: &Db) -> Result<Vec<AlarmRow>> {
    let text = format!("{SELECT} WHERE ended_at IS NULL ORDER BY severity DESC, since, id");
    Ok(in_db!(db, |c| sqlx::query_as(sql(text)).fetch_all(c).await)?)
}

/// How many are open.
pub async fn count(db: &Db) -> Result<Vec<OpenRow>> {
    let text = "SELECT kind, severity, CAST(count(*) AS bigint) AS n FROM alarm WHERE ended_at IS NULL
        GROUP BY kind, severity ORDER BY kind, severity";
    Ok(in_db!(db, |c| sqlx::query_as(text).fetch_all(c).await)?)
}

/// Those that ended from `since` on and before `before`, the latest first.
pub async fn ended(db: &Db, since: Timestamp, before: Timestamp, limit: u32) -> Result<Vec<AlarmRow>> {
    let text = format!(
        "{SELECT} WHERE ended_at IS NOT NULL AND ended_at >= $1 AND ended_at < $2
         ORDER BY ended_at DESC, id DESC LIMIT $3 + 0"
    );
    Ok(in_db!(db, |c| {
        sqlx::query_as(sql(text)).bind(since.0).bind(before.0).bind(i64::from(limit)).fetch_all(c).await
    })?)
}

/// One, open or past.
pub async fn find(tx: &mut Tx, id: AlarmId) -> Result<Option<AlarmRow>> {
    let text = format!("{SELECT} WHERE id = $1");
    Ok(in_tx!(tx, |c| sqlx::query_as(sql(text)).bind(id.0).fetch_optional(c).await)?)
}

/// Somebody looks after it. Nothing where it is over, or somebody did before.
pub async fn acknowledge(tx: &mut Tx, id: AlarmId, by: &str, now: Timestamp) -> Result<Option<AlarmRow>> {
    let text = "UPDATE alarm SET acknowledged_at = $2, acknowledged_by = $3
        WHERE id = $1 AND ended_at IS NULL AND acknowledged_at IS NULL
        RETURNING id, kind, severity, matter, since, seen_at, ended_at, acknowledged_at, acknowledged_by";
    Ok(in_tx!(tx, |c| sqlx::query_as(text).bind(id.0).bind(now.0).bind(by).fetch_optional(c).await)?)
}

/// Forgets those that ended before `before`.
pub async fn prune(tx: &mut Tx, before: Timestamp) -> Result<u64> {
    let text = "DELETE FROM alarm WHERE ended_at < $1";
    Ok(in_tx!(tx, |c| sqlx::query(text).bind(before.0).execute(c).await.map(|d| d.rows_affected()))?)
}
