use belltower::clock::Timestamp;
use belltower::domain::delivery::State;
use belltower::domain::id::{MessageId, RecipientId};
use belltower::domain::message::{Rank, Status};
use belltower::store::Db;
use belltower::store::audience::ResolvedAudience;
use belltower::store::deliveries;
use belltower::store::fan_out::{FanOut, add_chunk};
use belltower::store::messages::{NewMessage, find};
use belltower::store::planning::{
    Planned, claim, complete, due, expire_unplanned, finish, give_back, give_departments, half_cancelled,
    left_open, overdue, release_lost, renew, to_send, unrouted,
};
use belltower::store::screen::Screen;

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

const OWNER: i64 = 7;
const LEASE: i64 = 30_000;
const NOW: Timestamp = Timestamp(10_000);

/// Ten people, 1 to 10. The third has no e-mail, the fourth no mobile, the fifth wants no activities, the sixth has left.
pub(super) async fn people(db: &Db) {
    let mut tx = db.begin().await.unwrap();
    for id in 1..=10 {
        let email = if id == 3 { "NULL".to_owned() } else { format!("'p{id}@campus.example'") };
        let mobile = if id == 4 { "NULL".to_owned() } else { format!("'+861380000{id:04}'") };
        let active = if id == 6 { "FALSE" } else { "TRUE" };
        let college = if id % 2 == 0 { "农学院" } else { "信息学院" };
        execute(
            &mut tx,
            &format!(
                "INSERT INTO recipient (id, campus_id, name, email, mobile, attributes, active, created_at, updated_at)
                 VALUES ({id}, '2023{id:03}', '同学{id}', {email}, {mobile}, '{{\"college\": \"{college}\"}}', {active}, 0, 0)"
            ),
        )
        .await;
    }
    let text =
        "INSERT INTO opt_out (recipient_id, channel, topic, created_at) VALUES (5, 0, 'activities.#', 0)";
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

/// Keeps a message and takes it for planning.
pub(super) async fn planned(db: &Db, message: NewMessage) -> Planned {
    let id = message.id;
    keep(db, &[message]).await;
    let mut tx = db.begin().await.unwrap();
    let mut taken = claim(&mut tx, Rank::Normal, NOW, OWNER, LEASE, 10).await.unwrap();
    tx.commit().await.unwrap();
    taken.retain(|m| m.id == id);
    taken.pop().unwrap()
}

fn everyone() -> ResolvedAudience {
    ResolvedAudience { everyone: true, ..ResolvedAudience::default() }
}

pub(super) async fn status(db: &Db, id: i64) -> Status {
    find(db, MessageId(id)).await.unwrap().unwrap().status
}

on_both!(what_an_older_node_wrote_is_given_its_sources_department, |db| async {
    sources(&db).await;
    keep(&db, &[1, 2, 3].map(|id| NewMessage { department: None, ..message(id) })).await;
    keep(&db, &[NewMessage { department: None, source: None, ..message(4) }]).await;
    let departments = async || {
        let mut all = Vec::new();
        for id in 1..=4 {
            let row = find(&db, MessageId(id)).await.unwrap().unwrap();
            all.push(row.department);
        }
        all
    };
    let mut tx = db.begin().await.unwrap();
    let taken = claim(&mut tx, Rank::Normal, NOW, OWNER, LEASE, 1).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(departments().await, [taken[0].department.clone(), None, None, None]);
    assert_ne!(taken[0].department, None);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(give_departments(&mut tx, MessageId(3), 10).await.unwrap(), 1, "from there on");
    assert_eq!(give_departments(&mut tx, MessageId(0), 10).await.unwrap(), 1);
    assert_eq!(give_departments(&mut tx, MessageId(0), 10).await.unwrap(), 0);
    tx.commit().await.unwrap();
    let all = departments().await;
    assert!(all[..3].iter().all(|of| *of == taken[0].department), "{all:?}");
    assert_eq!(all[3], None, "an operator's for the whole campus");
});

on_both!(the_longest_due_are_taken_once_and_only_in_their_lane, |db| async {
    sources(&db).await;
    let high = NewMessage { rank: Rank::High, ..message(3) };
    let red = NewMessage { rank: Rank::Red, ..message(5) };
    let drill = NewMessage { rank: Rank::Drill, ..message(6) };
    let later = NewMessage { send_at: Timestamp(NOW.0 + 1), status: Status::Scheduled, ..message(4) };
    keep(&db, &[message(1), message(2), high, later, red, drill]).await;
    assert_eq!(
        due(&db, NOW).await.unwrap().iter().map(|d| d.rank).collect::<Vec<_>>(),
        [Rank::Red, Rank::Drill, Rank::High, Rank::Normal]
    );
    let mut tx = db.begin().await.unwrap();
    let first = claim(&mut tx, Rank::Normal, NOW, OWNER, LEASE, 1).await.unwrap();
    let second = claim(&mut tx, Rank::Normal, NOW, OWNER, LEASE, 9).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!((first[0].id, second[0].id, second.len()), (MessageId(1), MessageId(2), 1));
    assert_eq!(status(&db, 1).await, Status::Routing);
    assert_eq!(status(&db, 4).await, Status::Scheduled);
    let all = due(&db, Timestamp(NOW.0 + 1)).await.unwrap();
    assert_eq!(all.len(), 4, "the schedule has come");
});

on_both!(a_planned_message_is_sending_and_one_for_nobody_is_completed, |db| async {
    sources(&db).await;
    people(&db).await;
    let message_one = planned(&db, message(1)).await;
    let _nobody = planned(&db, message(2)).await;
    let audience = everyone();
    let fan_out = FanOut { message: &message_one, audience: &audience, screen: &Screen::default(), now: NOW };
    let mut tx = db.begin().await.unwrap();
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    let both = [MessageId(1), MessageId(2)];
    assert!(finish(&mut tx, &both, OWNER + 1, NOW).await.unwrap().is_empty(), "they are another's");
    assert_eq!(finish(&mut tx, &both, OWNER, NOW).await.unwrap(), both.into());
    assert!(finish(&mut tx, &both, OWNER, NOW).await.unwrap().is_empty(), "nobody is planning them any more");
    assert_eq!(
        complete(&mut tx, &both, NOW).await.unwrap(),
        [MessageId(2)],
        "deliveries of the first are open"
    );
    tx.commit().await.unwrap();
    assert_eq!((status(&db, 1).await, status(&db, 2).await), (Status::Sending, Status::Completed));
    assert!(left_open(&db, 10).await.unwrap().is_empty());

    let mut tx = db.begin().await.unwrap();
    deliveries::end_pending(&mut tx, MessageId(1), State::Cancelled, "test", NOW, "2026-09-21", 100)
        .await
        .unwrap();
    tx.commit().await.unwrap();
    assert_eq!(left_open(&db, 10).await.unwrap(), [MessageId(1)]);
});

on_both!(what_nobody_can_route_says_so_and_what_is_late_expires, |db| async {
    sources(&db).await;
    people(&db).await;
    planned(&db, message(1)).await;
    let late = NewMessage { send_at: Timestamp(5), expires_at: Timestamp(NOW.0 - 1), ..message(2) };
    let held = NewMessage { status: Status::Held, expires_at: Timestamp(NOW.0 - 1), ..message(4) };
    keep(&db, &[late, NewMessage { expires_at: Timestamp(NOW.0 + 9), ..message(3) }, held]).await;
    let mut tx = db.begin().await.unwrap();
    unrouted(&mut tx, &[MessageId(1)], "no rule", NOW).await.unwrap();
    assert_eq!(expire_unplanned(&mut tx, NOW).await.unwrap().len(), 2);
    tx.commit().await.unwrap();
    assert_eq!((status(&db, 1).await, status(&db, 2).await), (Status::Unrouted, Status::Expired));
    assert_eq!(status(&db, 4).await, Status::Expired, "nobody reviewed it in time");

    let mut tx = db.begin().await.unwrap();
    let message = claim(&mut tx, Rank::Normal, NOW, OWNER, LEASE, 1).await.unwrap().remove(0);
    let audience = everyone();
    let fan_out = FanOut { message: &message, audience: &audience, screen: &Screen::default(), now: NOW };
    add_chunk(&mut tx, &fan_out, RecipientId(10), LEASE).await.unwrap();
    finish(&mut tx, &[message.id], OWNER, NOW).await.unwrap();
    tx.commit().await.unwrap();
    assert!(overdue(&db, NOW, 10).await.unwrap().is_empty());
    assert_eq!(overdue(&db, Timestamp(NOW.0 + 9), 10).await.unwrap(), [MessageId(3)]);
});

on_both!(what_a_planner_took_is_kept_or_given_back_as_a_whole, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), message(2), message(3)]).await;
    let mut tx = db.begin().await.unwrap();
    claim(&mut tx, Rank::Normal, NOW, OWNER, LEASE, 10).await.unwrap();
    execute(&mut tx, "UPDATE message SET lease_until = 0").await;
    renew(&mut tx, &[MessageId(1), MessageId(2)], NOW, OWNER, LEASE).await.unwrap();
    // On SQLite nobody else's are anybody's.
    let of_another = if matches!(db, Db::Postgres(_)) { OWNER + 1 } else { OWNER };
    let lost = release_lost(&mut tx, NOW, of_another).await.unwrap();
    assert_eq!(lost, u64::from(of_another != OWNER), "the other is not kept");
    assert_eq!(give_back(&mut tx, OWNER + 1, NOW).await.unwrap(), 0, "they are another's");
    assert_eq!(give_back(&mut tx, OWNER, NOW).await.unwrap(), 3 - lost);
    assert_eq!(claim(&mut tx, Rank::Normal, NOW, OWNER, LEASE, 10).await.unwrap().len(), 3);
    tx.commit().await.unwrap();
    assert!(half_cancelled(&db, NOW, 10).await.unwrap().is_empty());
});

on_both!(what_sending_needs_is_read_in_one_go, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), message(2)]).await;
    let rows = to_send(&db, &[MessageId(1), MessageId(2), MessageId(99)]).await.unwrap();
    assert_eq!(rows.len(), 2);
    assert!(rows[0].content.contains("考试安排"));
});
