use belltower::clock::Timestamp;
use belltower::domain::id::MessageId;
use belltower::store::events::{Event, insert};
use belltower::store::history;

use super::messages::{keep, message, sources};
use crate::support::on_both;

on_both!(a_timeline_has_what_happened_in_its_order, |db| async {
    sources(&db).await;
    keep(&db, &[message(1)]).await;
    let event = |at: Timestamp, kind: &str| Event {
        message_id: 1,
        at: at.0,
        kind: kind.to_owned(),
        detail: r#"{"by":"王敏"}"#.to_owned(),
    };
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, &[event(Timestamp(5), "planned"), event(Timestamp(9), "cancelled")]).await.unwrap();
    insert(&mut tx, &[]).await.unwrap();
    tx.commit().await.unwrap();
    let kinds: Vec<_> =
        history::events(&db, MessageId(1)).await.unwrap().into_iter().map(|e| e.kind).collect();
    assert_eq!(kinds, ["planned", "cancelled"]);
});
