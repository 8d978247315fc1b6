use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::ProviderId;
use belltower::store::Db;
use belltower::store::providers::{
    ProviderData, find, find_by_name, insert, insert_event, insert_unknown_code, list, list_events,
    list_within, prune_events, unknown_codes, update,
};
use serde_json::json;

use crate::support::on_both;

pub(super) fn data(name: &str) -> ProviderData<'_> {
    ProviderData {
        name,
        channel: ChannelKind::Email,
        kind: "smtp",
        settings: b"\x01sealed\x00\xff",
        priority: 10,
        weight: 1,
        rate: None,
        enabled: true,
    }
}

pub(super) async fn add(db: &Db, data: ProviderData<'_>) -> Option<ProviderId> {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, Timestamp(5), data).await.unwrap();
    tx.commit().await.unwrap();
    id
}

async fn change(db: &Db, at: i64, id: ProviderId, seen: i64, data: ProviderData<'_>) -> bool {
    let mut tx = db.begin().await.unwrap();
    let changed = update(&mut tx, Timestamp(at), id, Timestamp(seen), data).await.unwrap();
    tx.commit().await.unwrap();
    changed
}

on_both!(a_provider_is_kept_as_it_was_written, |db| async {
    let id = add(&db, ProviderData { rate: Some(30), ..data("校内邮件") }).await.unwrap();
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((row.id, row.name.as_str(), row.channel), (id, "校内邮件", ChannelKind::Email));
    assert_eq!((row.kind.as_str(), row.settings.as_slice()), ("smtp", &b"\x01sealed\x00\xff"[..]));
    assert_eq!((row.priority, row.weight, row.rate, row.enabled), (10, 1, Some(30), true));
    assert_eq!((row.created_at, row.updated_at), (Timestamp(5), Timestamp(5)));
    assert_eq!(find_by_name(&db, "校内邮件").await.unwrap().unwrap().id, id);
    assert!(find_by_name(&db, "另一个").await.unwrap().is_none());
    assert!(find(&db, ProviderId(id.0 + 1)).await.unwrap().is_none());
});

on_both!(a_transaction_sees_what_it_did_itself, |db| async {
    let other = add(&db, ProviderData { priority: 5, ..data("first") }).await.unwrap();
    let id = add(&db, data("before")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    assert!(update(&mut tx, Timestamp(9), id, Timestamp(5), data("after")).await.unwrap());
    let seen: Vec<_> =
        list_within(&mut tx).await.unwrap().into_iter().map(|row| (row.id, row.name)).collect();
    assert_eq!(seen, [(other, "first".to_owned()), (id, "after".to_owned())]);
});

on_both!(a_name_is_given_once, |db| async {
    let first = add(&db, data("relay")).await.unwrap();
    assert_eq!(add(&db, data("relay")).await, None);
    let other = add(&db, data("other")).await.unwrap();
    assert!(!change(&db, 9, other, 5, data("relay")).await);
    assert!(change(&db, 9, first, 5, data("relay")).await, "its own name is not another's");
});

on_both!(each_change_has_a_later_time_and_none_overwrites_another, |db| async {
    let id = add(&db, data("relay")).await.unwrap();
    assert!(change(&db, 5, id, 5, ProviderData { enabled: false, ..data("relay") }).await);
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((row.enabled, row.updated_at), (false, Timestamp(6)), "changed within a millisecond");
    assert!(!change(&db, 9, id, 5, data("relay")).await, "seen before the other change");
    let renamed = ProviderData { settings: b"new", priority: 2, weight: 3, rate: Some(4), ..data("renamed") };
    assert!(change(&db, 9, id, 6, renamed).await);
    let row = find(&db, id).await.unwrap().unwrap();
    assert_eq!((row.name.as_str(), row.settings.as_slice(), row.enabled), ("renamed", &b"new"[..], true));
    assert_eq!((row.priority, row.weight, row.rate, row.updated_at), (2, 3, Some(4), Timestamp(9)));
    assert_eq!(row.created_at, Timestamp(5));
});

on_both!(all_are_listed_in_the_order_they_are_tried, |db| async {
    for (name, channel, priority) in [
        ("c", ChannelKind::Sms, 0),
        ("b", ChannelKind::Email, 20),
        ("a", ChannelKind::Email, 10),
        ("d", ChannelKind::Email, 10),
    ] {
        add(&db, ProviderData { channel, priority, ..data(name) }).await.unwrap();
    }
    let names: Vec<_> = list(&db).await.unwrap().into_iter().map(|row| row.name).collect();
    assert_eq!(names, ["a", "d", "b", "c"]);
});

on_both!(a_history_is_a_providers_own_and_newest_first, |db| async {
    let (one, other) = (add(&db, data("one")).await.unwrap(), add(&db, data("other")).await.unwrap());
    let mut tx = db.begin().await.unwrap();
    for (at, provider, kind) in
        [(1, one, "opened"), (2, other, "alarm"), (3, one, "closed"), (4, one, "paused")]
    {
        insert_event(&mut tx, Timestamp(at), provider, kind, &json!({ "at": at })).await.unwrap();
    }
    insert_event(&mut tx, Timestamp(5), ProviderId(one.0 + 99), "opened", &json!({})).await.unwrap();
    tx.commit().await.unwrap();

    let events = list_events(&db, one, None, 2).await.unwrap();
    let seen: Vec<_> = events.iter().map(|e| (e.at.0, e.kind.as_str(), e.detail.0.clone())).collect();
    assert_eq!(seen, [(4, "paused", json!({ "at": 4 })), (3, "closed", json!({ "at": 3 }))]);
    let rest = list_events(&db, one, Some(events[1].id), 9).await.unwrap();
    assert_eq!(rest.iter().map(|e| e.at.0).collect::<Vec<_>>(), [1]);
});

on_both!(what_happened_long_ago_goes_but_for_the_last_of_its_kind, |db| async {
    let one = add(&db, data("one")).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    for (at, kind) in [(1, "opened"), (2, "closed"), (3, "opened"), (8, "closed"), (9, "closed")] {
        insert_event(&mut tx, Timestamp(at), one, kind, &json!({})).await.unwrap();
    }
    insert_unknown_code(&mut tx, Timestamp(5), one, "X", &json!({})).await.unwrap();
    insert_unknown_code(&mut tx, Timestamp(5), one, "Y", &json!({})).await.unwrap();
    assert_eq!(prune_events(&mut tx, Timestamp(9)).await.unwrap(), 3);
    tx.commit().await.unwrap();
    let left = list_events(&db, one, None, 9).await.unwrap();
    let left: Vec<_> = left.iter().map(|e| (e.at.0, e.kind.as_str())).collect();
    assert_eq!(left, [(5, "unknown_code"), (5, "unknown_code"), (9, "closed"), (3, "opened")]);
});

on_both!(a_code_that_nobody_knows_is_told_once_until_the_provider_is_changed, |db| async {
    let (one, other) = (add(&db, data("one")).await.unwrap(), add(&db, data("other")).await.unwrap());
    let tell = async |at: i64, provider: ProviderId, code: &str| {
        let mut tx = db.begin().await.unwrap();
        insert_unknown_code(&mut tx, Timestamp(at), provider, code, &json!({ "at": at })).await.unwrap();
        tx.commit().await.unwrap();
    };
    let known = async || {
        let rows = unknown_codes(&db).await.unwrap();
        rows.into_iter().map(|row| (row.provider_id, row.code, row.at.0)).collect::<Vec<_>>()
    };
    for (at, provider, code) in [(7, one, "X"), (8, one, "X"), (9, one, "Y"), (10, other, "X")] {
        tell(at, provider, code).await;
    }
    let (x, y) = ("X".to_owned(), "Y".to_owned());
    assert_eq!(known().await, [(one, x.clone(), 7), (one, y, 9), (other, x.clone(), 10)]);
    assert_eq!(list_events(&db, one, None, 9).await.unwrap().len(), 2);
    assert!(change(&db, 20, one, 5, ProviderData { rate: Some(4), ..data("one") }).await);
    assert!(change(&db, 20, other, 5, ProviderData { enabled: false, ..data("other") }).await);
    assert!(known().await.is_empty(), "it may be in order now");
    tell(21, one, "X").await;
    assert_eq!(known().await, [(one, x, 21)]);
    assert_eq!(list_events(&db, one, None, 9).await.unwrap().len(), 2, "told anew, not twice");
});
