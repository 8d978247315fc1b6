use belltower::clock::Timestamp;
use belltower::domain::id::{MessageId, RuleId};
use belltower::domain::message::Status;
use belltower::domain::routing::{Routed, Rule, read};
use belltower::store::Db;
use belltower::store::messages::{NewMessage, find as find_message, find_body};
use belltower::store::routing::{
    Record, find, find_whole, holding, insert, list, lock, record, rewrite, set_routed, subjects,
};
use serde_json::json;

use super::messages::{self, message, sources};
use super::planning::planned;
use crate::support::on_both;

const NOW: Timestamp = Timestamp(10_000);

fn rules(names: &[&str]) -> Vec<Rule> {
    let list: Vec<_> = names.iter().map(|name| json!({"name": name, "stop": true})).collect();
    read(&json!({ "rules": list }), |_, name| RuleId(name.len() as i64)).unwrap().rules
}

async fn keep(db: &Db, number: i64, rules: &[Rule]) {
    let mut tx = db.begin().await.unwrap();
    insert(&mut tx, number, rules, "期末", "王敏", Timestamp(number)).await.unwrap();
    tx.commit().await.unwrap();
}

on_both!(the_latest_version_of_the_rules_is_in_force_and_the_others_stay, |db| async {
    assert!(find(&db, None).await.unwrap().is_none());
    keep(&db, 1, &rules(&["a"])).await;
    keep(&db, 2, &rules(&["bb", "a"])).await;
    let latest = find(&db, None).await.unwrap().unwrap();
    assert_eq!((latest.number, latest.created_at), (2, Timestamp(2)));
    assert_eq!((latest.note.as_str(), latest.created_by.as_str()), ("期末", "王敏"));
    assert_eq!(latest.rules.0, rules(&["bb", "a"]), "in their order");
    assert_eq!(find(&db, Some(1)).await.unwrap().unwrap().rules.0, rules(&["a"]));
    assert!(find(&db, Some(3)).await.unwrap().is_none());
    let numbers = |rows: Vec<belltower::store::routing::VersionRow>| -> Vec<i64> {
        rows.into_iter().map(|row| row.number).collect()
    };
    assert_eq!(numbers(list(&db, None, 10).await.unwrap()), [2, 1]);
    assert_eq!(numbers(list(&db, Some(2), 10).await.unwrap()), [1]);
    assert_eq!(numbers(list(&db, None, 1).await.unwrap()), [2]);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(lock(&mut tx).await.unwrap().unwrap().number, 2);
});

on_both!(what_rules_made_of_a_message_is_kept_with_it, |db| async {
    sources(&db).await;
    let new =
        NewMessage { attributes: r#"{"level": "urgent"}"#.to_owned(), own_channels: true, ..message(1) };
    planned(&db, new).await;
    planned(&db, message(2)).await;
    let mut tx = db.begin().await.unwrap();
    let mut rows = subjects(&mut tx, &[MessageId(1), MessageId(2), MessageId(99)]).await.unwrap();
    rows.sort_by_key(|row| row.id);
    assert_eq!(rows.len(), 2);
    assert_eq!((rows[0].own_channels, rows[0].own_expiry, rows[1].own_channels), (true, false, false));
    assert_eq!(rows[0].source_name.as_deref(), Some("教务处"));
    assert_eq!(rows[0].attributes.0["level"], "urgent");
    assert_eq!(rows[0].content.0.content.title, "考试安排");

    let routing =
        r#"{"version": 4, "matched": [{"id": "rul_0000000000000", "name": "考试", "because": "It is."}]}"#;
    let first = Record {
        id: 1,
        routing: routing.to_owned(),
        status: Status::Held.code(),
        reason: Some("敏感".to_owned()),
        expires_at: 55_000,
        title: Some("新".to_owned()),
        content: Some(r#"{"content":{"title":"新","body":"文"}}"#.to_owned()),
    };
    let second = Record {
        id: 2,
        routing: r#"{"version": 4, "matched": []}"#.to_owned(),
        status: Status::Routing.code(),
        reason: None,
        expires_at: 1_002,
        title: None,
        content: None,
    };
    record(&mut tx, &[first.clone(), second], NOW).await.unwrap();
    // It is no longer being planned.
    record(&mut tx, &[Record { expires_at: 1, ..first }], NOW).await.unwrap();
    tx.commit().await.unwrap();
    let row = find_message(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!((row.status, row.reason.as_deref(), row.title.as_str()), (Status::Held, Some("敏感"), "新"));
    assert_eq!(row.expires_at, Timestamp(55_000));
    let body = find_body(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(body.content.0.content.body, "文");
    let routed = body.routing.unwrap().0;
    assert_eq!((routed.version, routed.matched[0].name.as_str()), (4, "考试"));
    let other = find_message(&db, MessageId(2)).await.unwrap().unwrap();
    assert_eq!((other.status, other.title.as_str()), (Status::Routing, "考试安排"));
});

on_both!(a_kept_message_is_read_with_all_that_decides_its_way, |db| async {
    sources(&db).await;
    let new = NewMessage {
        attributes: r#"{"level": "urgent"}"#.to_owned(),
        audience: None,
        personalise: Some(r#"{"2026001": {"grade": 90}}"#.to_owned()),
        own_expiry: true,
        ..message(1)
    };
    let mut tx = db.begin().await.unwrap();
    belltower::store::messages::insert(&mut tx, std::slice::from_ref(&new)).await.unwrap();
    tx.commit().await.unwrap();
    let whole = find_whole(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(whole.source_name.as_deref(), Some("教务处"));
    assert_eq!(
        (whole.topic, whole.category, whole.lane, whole.test),
        (new.topic, new.category, new.rank.lane(), new.test)
    );
    assert_eq!((whole.send_at, whole.expires_at), (new.send_at, new.expires_at));
    assert_eq!((whole.own_channels, whole.own_expiry), (new.own_channels, true));
    assert_eq!(whole.attributes.0["level"], "urgent");
    assert_eq!(whole.content.0.content.title, "考试安排");
    assert!(whole.audience.is_none() && !whole.channels.0.is_empty());
    assert_eq!(whole.personalise.unwrap().0["2026001"]["grade"], 90);
    assert!(find_whole(&db, MessageId(2)).await.unwrap().is_none());
});

on_both!(versions_that_hold_a_word_are_found_and_written_anew, |db| async {
    for (number, names) in [(1, ["o'b"]), (2, ["c"]), (3, ["d"])] {
        keep(&db, number, &rules(&names)).await;
    }
    let mut tx = db.begin().await.unwrap();
    let words = |words: &[&str]| words.iter().map(|&word| word.to_owned()).collect::<Vec<_>>();
    let found = holding(&mut tx, &words(&["o'b", "\"d\""])).await.unwrap();
    assert_eq!(found.iter().map(|row| row.number).collect::<Vec<_>>(), [1, 3]);
    rewrite(&mut tx, 1, &rules(&["e"])).await.unwrap();
    assert!(holding(&mut tx, &words(&["o'b", "%"])).await.unwrap().is_empty());
    tx.commit().await.unwrap();
    let first = find(&db, Some(1)).await.unwrap().unwrap();
    assert_eq!((first.rules.0, first.created_at), (rules(&["e"]), Timestamp(1)));
});

on_both!(how_a_message_is_routed_is_changed_by_hand, |db| async {
    sources(&db).await;
    messages::keep(&db, &[message(1), message(2)]).await;
    let mut tx = db.begin().await.unwrap();
    let routed = Routed { version: 3, released: true, ..Routed::default() };
    set_routed(&mut tx, MessageId(1), &routed).await.unwrap();
    let standing = belltower::store::messages::standing(&mut tx, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(standing.routing.unwrap().0, routed);
    tx.commit().await.unwrap();
    assert!(find_body(&db, MessageId(2)).await.unwrap().unwrap().routing.is_none());
});
