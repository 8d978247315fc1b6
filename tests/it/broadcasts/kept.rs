//! An alert is its planner's for as long as it plans it, and not for long after that.

use belltower::service::planning;
use belltower::store::planning::release_lost;
use sqlx::PgPool;
use tokio::time::timeout;

use super::*;
use crate::support::on_both;

const OWNER: i64 = 7;
/// Nothing here takes as long, however slow the machine.
const LOST: Duration = Duration::from_mins(1);

/// Until when it is kept, and for how many milliseconds from now on that is at most.
async fn lease(pool: &PgPool) -> Option<(i64, i64)> {
    let text =
        "SELECT lease_until, lease_until - CAST(extract(epoch FROM clock_timestamp()) * 1000 AS bigint)
        FROM message WHERE status = 2 AND lease_owner = $1";
    sqlx::query_as(text).bind(OWNER).fetch_optional(pool).await.unwrap()
}

on_both!(an_alert_is_kept_for_seconds_and_again_while_a_step_of_planning_lasts, |db| async {
    // Of the embedded store nobody else plans anything.
    let Db::Postgres(pool) = db.clone() else { return };
    let campus = Campus::new(db, 3).await;
    campus.press(&person(Role::DutyOfficer, 1), Run::Live).await.unwrap();
    let mut held = pool.begin().await.unwrap();
    sqlx::query("LOCK TABLE recipient IN ACCESS EXCLUSIVE MODE").execute(&mut *held).await.unwrap();
    let s = campus.s.clone();
    let planner = tokio::spawn(async move { planning::plan_next(&s, OWNER).await });
    let kept = async {
        let first = loop {
            if let Some((until, left)) = lease(&pool).await {
                assert!(left <= 7_000, "{left} ms");
                break until;
            }
            assert!(!planner.is_finished());
        };
        while lease(&pool).await.is_none_or(|(until, _)| until == first) {
            assert!(!planner.is_finished());
        }
    };
    timeout(LOST, kept).await.expect("it is not kept");
    let mut tx = campus.s.db.begin().await.unwrap();
    assert_eq!(release_lost(&mut tx, campus.s.clock.now(), OWNER + 1).await.unwrap(), 0);
    tx.commit().await.unwrap();
    held.rollback().await.unwrap();
    assert_eq!(planner.await.unwrap().unwrap(), 1);
});
