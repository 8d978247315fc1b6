use belltower::domain::id::{MessageId, OperatorId, SourceId};
use belltower::store::hindsight::{attributes, count, sample, seen};
use belltower::store::messages::NewMessage;

use super::messages::{keep, message, sources};
use crate::support::on_both;

fn ids(found: &[MessageId]) -> Vec<i64> {
    found.iter().map(|id| id.0).collect()
}

on_both!(messages_of_the_last_days_are_counted_and_one_in_so_many_is_found, |db| async {
    sources(&db).await;
    assert_eq!(count(&db, MessageId(0)).await.unwrap(), 0);
    let mut all: Vec<_> = (1..=9).map(message).collect();
    all[4].source = Some(SourceId(2));
    all.push(NewMessage { source: None, operator: Some(OperatorId(7)), ..message(10) });
    // The installation's own word.
    all.push(NewMessage { source: None, operator: None, ..message(11) });
    keep(&db, &all).await;
    let first = MessageId(3);
    assert_eq!(count(&db, first).await.unwrap(), 8);
    assert_eq!(ids(&sample(&db, first, 1, 100).await.unwrap()), [10, 9, 8, 7, 6, 5, 4, 3]);
    assert_eq!(ids(&sample(&db, first, 3, 100).await.unwrap()), [10, 7, 4], "evenly over the time");
    assert_eq!(ids(&sample(&db, first, 1, 2).await.unwrap()), [10, 9]);
    assert!(sample(&db, MessageId(11), 1, 9).await.unwrap().is_empty());
});

on_both!(a_message_is_seen_as_far_as_rules_ask, |db| async {
    sources(&db).await;
    let one = NewMessage {
        audience: Some(r#"{"everyone": true}"#.to_owned()),
        own_channels: true,
        attributes: r#"{"level": "urgent"}"#.to_owned(),
        ..message(1)
    };
    let other = NewMessage {
        source: None,
        operator: Some(OperatorId(7)),
        personalise: Some("{}".to_owned()),
        own_expiry: true,
        attributes: r#"{"level": "urgent"}"#.to_owned(),
        ..message(2)
    };
    let third = NewMessage { attributes: r#"{"week": 3}"#.to_owned(), ..message(3) };
    keep(&db, &[one.clone(), other, third, message(4)]).await;
    let all: Vec<_> = (1..=9).map(MessageId).collect();
    let rows = seen(&db, &all).await.unwrap();
    assert_eq!(rows.iter().map(|row| row.id.0).collect::<Vec<_>>(), [4, 3, 2, 1], "the latest first");
    let [_, _, two, row] = rows.as_slice() else { panic!("{rows:?}") };
    assert_eq!((row.source_name.as_deref(), row.topic.as_str()), (Some("教务处"), "academic.exam"));
    assert_eq!((row.category, row.lane), (one.category, one.rank.lane()));
    assert_eq!((row.send_at, row.expires_at), (one.send_at, one.expires_at));
    assert_eq!(row.content.0.content.title, "考试安排");
    assert_eq!((row.channels.0.len(), row.attributes.0["level"].as_str()), (1, Some("urgent")));
    let of = |row: &belltower::store::hindsight::SeenRow| {
        [row.addressed, row.personal, row.own_channels, row.own_expiry]
    };
    assert_eq!((of(row), of(two)), ([true, false, true, false], [false, true, false, true]));
    assert_eq!(two.source_name, None);

    let mut known = attributes(&db, &all).await.unwrap();
    known.sort_by_key(|each| each.keys().next().cloned());
    let names: Vec<_> = known.iter().flat_map(|each| each.keys()).collect();
    assert_eq!(names, ["level", "week"], "each set once, and none that is empty");
    assert!(attributes(&db, &[MessageId(4)]).await.unwrap().is_empty());
});
