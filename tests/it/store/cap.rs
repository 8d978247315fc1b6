use belltower::clock::Timestamp;
use belltower::domain::emergency::{HandKind, Level, Part, Plan, Run, State, starters};
use belltower::domain::id::{BroadcastId, SourceId};
use belltower::store::broadcasts::{self, NewBroadcast};
use belltower::store::cap::{self, Named, NewDocument};
use belltower::store::{Db, Tx};

use super::execute;
use crate::support::on_both;

const SOURCE: SourceId = SourceId(7);

/// A broadcast of that source, or of none, in a transaction.
pub(super) async fn broadcast(
    tx: &mut Tx,
    key: &str,
    source: Option<SourceId>,
    follows: Option<BroadcastId>,
) -> BroadcastId {
    let today = "2026-09-21".parse().unwrap();
    let scenario = starters::starters(today).remove(0).scenario;
    let plan = Plan { scenario, version: 1, chosen: belltower::domain::emergency::Chosen::default() };
    let new = NewBroadcast {
        scenario: Some("fire"),
        follows,
        run: Run::Live,
        level: Level::Red,
        state: State::Live,
        plan: &plan,
        open_key: key,
        hand: HandKind::Key,
        operator: None,
        source,
        pressed_by: "source s",
        note: "",
        may_override: false,
        override_at: None,
        created_at: Timestamp(1_000),
        live_at: Some(Timestamp(1_000)),
        expires_at: Timestamp(9_000_000),
        next_at: None,
        untold_since: None,
    };
    broadcasts::insert(tx, &new).await.unwrap().unwrap()
}

async fn publish(tx: &mut Tx, broadcast: BroadcastId, identifier: &str, sent_at: i64, listed: bool) {
    let new = NewDocument {
        broadcast,
        part: Part::Alert,
        identifier,
        sender: "bell.example",
        sent: "2026-09-21T22:13:20+08:00",
        sent_at: Timestamp(sent_at),
        expires_at: Timestamp(sent_at + 1_000),
        listed,
        title: "火情",
        summary: "撤离",
        document: "<alert/>",
    };
    cap::publish(tx, &new).await.unwrap();
}

async fn feed(db: &Db, since: i64) -> Vec<String> {
    let entries = cap::feed(db, Timestamp(since), 10).await.unwrap();
    assert!(entries.iter().all(|entry| entry.title == "火情" && entry.summary == "撤离"));
    entries.into_iter().map(|entry| entry.identifier).collect()
}

on_both!(where_the_feed_is_full_drills_are_left_out_first, |db| async {
    let mut tx = db.begin().await.unwrap();
    let live = broadcast(&mut tx, "a", None, None).await;
    let drill = broadcast(&mut tx, "b", None, None).await;
    let text = format!("UPDATE broadcast SET run = {} WHERE id = {}", Run::Drill.code(), drill.0);
    execute(&mut tx, &text).await;
    publish(&mut tx, live, "l-1", 1_000, true).await;
    publish(&mut tx, drill, "d-1", 2_000, true).await;
    publish(&mut tx, live, "l-2", 3_000, true).await;
    publish(&mut tx, drill, "d-2", 4_000, true).await;
    tx.commit().await.unwrap();
    for (most, listed) in [
        (1, &["l-2"][..]),
        (2, &["l-2", "l-1"][..]),
        (3, &["d-2", "l-2", "l-1"][..]),
        (4, &["d-2", "l-2", "d-1", "l-1"][..]),
    ] {
        let entries = cap::feed(&db, Timestamp(0), most).await.unwrap();
        let identifiers: Vec<_> = entries.iter().map(|entry| entry.identifier.as_str()).collect();
        assert_eq!(identifiers, listed);
    }
});

on_both!(what_is_published_is_listed_until_it_is_over_and_read_for_good, |db| async {
    let mut tx = db.begin().await.unwrap();
    let first = broadcast(&mut tx, "a", None, None).await;
    let more = broadcast(&mut tx, "b", None, Some(first)).await;
    let other = broadcast(&mut tx, "c", None, None).await;
    publish(&mut tx, first, "f-1", 1_000, true).await;
    publish(&mut tx, more, "m-1", 2_000, true).await;
    publish(&mut tx, other, "o-1", 3_000, false).await;
    publish(&mut tx, first, "f-2", 4_000, true).await;
    let chain = cap::chain(&mut tx, first).await.unwrap();
    let identifiers: Vec<_> = chain.iter().map(|row| row.identifier.as_str()).collect();
    assert_eq!(identifiers, ["f-1", "m-1", "f-2"]);
    assert_eq!(
        (chain[1].broadcast_id, chain[1].sender.as_str(), chain[1].listed),
        (more, "bell.example", true)
    );
    assert_eq!(
        (chain[0].sent.as_str(), chain[0].expires_at),
        ("2026-09-21T22:13:20+08:00", Timestamp(2_000))
    );
    assert_eq!(cap::chain(&mut tx, more).await.unwrap().len(), 1);
    tx.commit().await.unwrap();

    assert_eq!(feed(&db, 0).await, ["f-2", "m-1", "f-1"], "what is not listed is not there");
    assert_eq!(cap::feed(&db, Timestamp(0), 1).await.unwrap().len(), 1);
    let mut tx = db.begin().await.unwrap();
    let mut row = broadcasts::lock(&mut tx, first).await.unwrap().unwrap();
    (row.state, row.ended_at) = (State::Completed, Some(Timestamp(3_500)));
    broadcasts::update(&mut tx, &row, None).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(feed(&db, 3_400).await, ["f-2", "m-1", "f-1"]);
    assert_eq!(feed(&db, 3_600).await, ["f-2", "m-1"], "what was said later stays longer");
    assert_eq!(feed(&db, 5_000).await, ["m-1"], "what is open stays");

    assert_eq!(cap::document(&db, "o-1").await.unwrap().as_deref(), Some("<alert/>"));
    assert_eq!(cap::document(&db, "o-2").await.unwrap(), None);
    assert_eq!(cap::identifiers(&db, first).await.unwrap(), ["f-1", "f-2"]);
});

on_both!(an_alert_comes_in_once, |db| async {
    let named = Named { source: SOURCE, test: false, sender: "w", identifier: "a1", sent_at: Timestamp(5) };
    let mut tx = db.begin().await.unwrap();
    let id = broadcast(&mut tx, "a", Some(SOURCE), None).await;
    assert!(cap::receive(&mut tx, named, id, "<alert/>", Timestamp(9)).await.unwrap());
    assert!(!cap::receive(&mut tx, named, id, "<other/>", Timestamp(10)).await.unwrap());
    for apart in [
        Named { test: true, ..named },
        Named { source: SourceId(8), ..named },
        Named { identifier: "a2", ..named },
        Named { sender: "v", ..named },
        Named { sent_at: Timestamp(6), ..named },
    ] {
        assert!(cap::receive(&mut tx, apart, id, "<alert/>", Timestamp(11)).await.unwrap(), "{apart:?}");
    }
    tx.commit().await.unwrap();
    let row = cap::received(&db, named).await.unwrap().unwrap();
    assert_eq!((row.broadcast_id, row.document.as_str(), row.answer), (id, "<alert/>", None));
    let mut tx = db.begin().await.unwrap();
    cap::answered(&mut tx, named, "{}").await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(cap::received(&db, named).await.unwrap().unwrap().answer.as_deref(), Some("{}"));
    assert_eq!(cap::received(&db, Named { test: true, ..named }).await.unwrap().unwrap().answer, None);
    assert!(cap::received(&db, Named { identifier: "a9", ..named }).await.unwrap().is_none());
    let all = cap::received_for(&db, id).await.unwrap();
    assert_eq!((all.len(), all[0].received_at), (6, Timestamp(9)));
});

on_both!(a_source_lists_its_own_broadcasts, |db| async {
    let mut tx = db.begin().await.unwrap();
    let mut own = Vec::new();
    for (key, source) in [("a", Some(SOURCE)), ("b", Some(SourceId(8))), ("c", Some(SOURCE)), ("d", None)] {
        let id = broadcast(&mut tx, key, source, None).await;
        own.extend((source == Some(SOURCE)).then_some(id));
    }
    tx.commit().await.unwrap();
    let list = async |before, limit| {
        let rows = broadcasts::list_of(&db, SOURCE, before, limit).await.unwrap();
        rows.into_iter().map(|row| row.id).collect::<Vec<_>>()
    };
    assert_eq!(list(None, 10).await, [own[1], own[0]]);
    assert_eq!(list(None, 1).await, [own[1]]);
    assert_eq!(list(Some(own[1]), 10).await, [own[0]]);
});
