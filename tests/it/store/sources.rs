use std::pin::pin;

use belltower::clock::Timestamp;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{KeyId, SourceId};
use belltower::domain::silence::{Silence, Watch};
use belltower::domain::source::Right;
use belltower::store::sources::{
    Grant, SourceRow, Today, broker_user_of, channels_in_use, department, departments, find,
    find_by_broker_user, find_by_name, guard, insert, limited_to, list, names, set_disabled, update, watched,
};
use belltower::store::{Db, keys, usage};

use super::bindings::somebody_waits;
use crate::support::on_both;

fn grant() -> Grant {
    Grant {
        department: "图书馆".to_owned(),
        topics: vec!["library.#".parse().unwrap(), "campus.*".parse().unwrap()],
        channels: vec![ChannelKind::Email, ChannelKind::Wechat],
        rights: vec![Right::SendDirect],
        groups: vec!["readers".to_owned(), "staff".to_owned()],
        rate_per_second: Some(20),
        daily_messages: None,
        broker_user: None,
    }
}

pub(super) async fn add(db: &Db, name: &str) -> SourceId {
    let mut tx = db.begin().await.unwrap();
    let id = insert(&mut tx, name, &grant(), Timestamp(5)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    id
}

const TODAY: Today<'static> = Today { now: Timestamp(100), day: "2026-09-21" };

async fn get(db: &Db, id: SourceId) -> SourceRow {
    find(db, id, TODAY).await.unwrap().unwrap()
}

on_both!(a_source_comes_back_as_it_was_put_in, |db| async {
    let id = add(&db, "library").await;
    let row = get(&db, id).await;
    assert_eq!((row.id, row.name.as_str()), (id, "library"));
    let back = Grant {
        department: row.department,
        topics: row.topics.0,
        channels: row.channels.0,
        rights: row.rights.0,
        groups: row.audience_groups.0,
        rate_per_second: row.rate_per_second,
        daily_messages: row.daily_messages,
        broker_user: row.broker_user,
    };
    assert_eq!(back, grant());
    assert_eq!((row.created_at, row.disabled_at, row.last_activity_at), (Timestamp(5), None, None));
    assert_eq!(find_by_name(&db, "library", TODAY).await.unwrap().unwrap().id, id);
    assert!(find_by_name(&db, "Library", TODAY).await.unwrap().is_none());
    assert!(find(&db, SourceId(id.0 + 1), TODAY).await.unwrap().is_none());
});

on_both!(sources_are_known_by_their_names, |db| async {
    assert!(names(&db).await.unwrap().is_empty());
    for name in ["b", "a"] {
        add(&db, name).await;
    }
    assert_eq!(names(&db).await.unwrap(), ["a", "b"]);
});

on_both!(a_source_belongs_to_a_department, |db| async {
    let id = add(&db, "library").await;
    let mut tx = db.begin().await.unwrap();
    assert_eq!(department(&mut tx, id).await.unwrap().as_deref(), Some("图书馆"));
    assert!(department(&mut tx, SourceId(id.0 + 1)).await.unwrap().is_none());
    drop(tx);
    let all: Vec<_> =
        departments(&db).await.unwrap().into_iter().map(|row| (row.id, row.department)).collect();
    assert_eq!(all, [(id, "图书馆".to_owned())]);
});

on_both!(who_is_limited_to_a_group_is_found_by_its_whole_name, |db| async {
    let limited = add(&db, "library").await;
    let mut tx = db.begin().await.unwrap();
    let anybody = Grant { groups: Vec::new(), ..grant() };
    insert(&mut tx, "open", &anybody, Timestamp(5)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    let of = async |slug: &str| {
        let rows = limited_to(&db, slug).await.unwrap();
        rows.into_iter().map(|row| (row.id, row.name)).collect::<Vec<_>>()
    };
    assert_eq!(of("readers").await, [(limited, "library".to_owned())]);
    assert_eq!(of("staff").await.len(), 1);
    assert_eq!((of("read").await, of("readers-2").await), (vec![], vec![]));
    let mut tx = db.begin().await.unwrap();
    assert!(update(&mut tx, limited, &anybody).await.unwrap());
    tx.commit().await.unwrap();
    assert_eq!(of("readers").await, []);
});

on_both!(whoever_asks_for_a_user_that_another_is_about_to_give_waits_for_it, |db| async {
    // Where there is one writer, the second has not begun.
    if let Db::Sqlite { .. } = &db {
        return;
    }
    let first = add(&db, "library").await;
    let mut one = db.begin().await.unwrap();
    let mut two = db.begin().await.unwrap();
    assert_eq!(broker_user_of(&mut one, "library").await.unwrap(), None);
    assert_eq!(broker_user_of(&mut two, "registry").await.unwrap(), None, "another user is another matter");
    let mut later = pin!(async { broker_user_of(&mut two, "library").await.unwrap() });
    let early = tokio::select! {
        whose = &mut later => Some(whose),
        () = somebody_waits(&db) => None,
    };
    assert_eq!(early, None, "it was told that nobody has it");
    let as_user = Grant { broker_user: Some("library".to_owned()), ..grant() };
    assert!(update(&mut one, first, &as_user).await.unwrap());
    one.commit().await.unwrap();
    assert_eq!(later.await, Some(first));
});

on_both!(a_source_is_found_by_the_one_user_of_the_broker_that_is_its_own, |db| async {
    let (first, second) = (add(&db, "library").await, add(&db, "registry").await);
    let as_user = |user: &str| Grant { broker_user: Some(user.to_owned()), ..grant() };
    let mut tx = db.begin().await.unwrap();
    assert_eq!(broker_user_of(&mut tx, "library").await.unwrap(), None, "those without one are none's");
    assert!(update(&mut tx, first, &as_user("library")).await.unwrap());
    assert_eq!(broker_user_of(&mut tx, "library").await.unwrap(), Some(first));
    let third = insert(&mut tx, "third", &as_user("third"), Timestamp(5)).await.unwrap().unwrap();
    assert_eq!(broker_user_of(&mut tx, "third").await.unwrap(), Some(third));
    assert!(set_disabled(&mut tx, first, Some(Timestamp(9)), Timestamp(9)).await.unwrap());
    tx.commit().await.unwrap();

    let found = find_by_broker_user(&db, "library", TODAY).await.unwrap().unwrap();
    assert_eq!((found.id, found.disabled_at), (first, Some(Timestamp(9))), "also one that is shut out");
    assert_eq!(found.broker_user.as_deref(), Some("library"));
    for stranger in ["", "Library", "registry"] {
        assert!(find_by_broker_user(&db, stranger, TODAY).await.unwrap().is_none(), "{stranger}");
    }

    let mut tx = db.begin().await.unwrap();
    assert!(update(&mut tx, second, &as_user("library")).await.is_err(), "whoever did not ask is refused");
    drop(tx);
    let mut tx = db.begin().await.unwrap();
    assert!(update(&mut tx, first, &grant()).await.unwrap());
    assert!(update(&mut tx, second, &as_user("library")).await.unwrap(), "it is free again");
});

on_both!(a_name_is_taken_once, |db| async {
    add(&db, "library").await;
    let mut tx = db.begin().await.unwrap();
    assert!(insert(&mut tx, "library", &grant(), Timestamp(6)).await.unwrap().is_none());
    assert!(
        insert(&mut tx, "library 2", &grant(), Timestamp(6)).await.unwrap().is_some(),
        "the transaction goes on"
    );
});

on_both!(sources_are_listed_by_name_with_their_last_activity, |db| async {
    let (b, a) = (add(&db, "b").await, add(&db, "a").await);
    let mut tx = db.begin().await.unwrap();
    for (n, at) in [(1, 300), (2, 500), (3, 400)] {
        let key = keys::insert(&mut tx, b, false, &[n], "abcd", Timestamp(1)).await.unwrap();
        keys::touch(&mut tx, key, Timestamp(at)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let rows = list(&db, TODAY).await.unwrap();
    let seen: Vec<_> = rows.iter().map(|row| (row.id, row.last_activity_at)).collect();
    assert_eq!(seen, [(a, None), (b, Some(Timestamp(500)))]);
});

on_both!(a_grant_is_replaced_as_a_whole, |db| async {
    let (id, other) = (add(&db, "a").await, add(&db, "b").await);
    let changed = Grant {
        department: "保卫处".to_owned(),
        topics: vec!["security.#".parse().unwrap()],
        channels: vec![ChannelKind::Sms],
        rights: vec![],
        groups: vec![],
        rate_per_second: None,
        daily_messages: Some(1000),
        broker_user: None,
    };
    let mut tx = db.begin().await.unwrap();
    assert!(update(&mut tx, id, &changed).await.unwrap());
    assert!(!update(&mut tx, SourceId(other.0 + 1), &changed).await.unwrap());
    tx.commit().await.unwrap();
    let row = get(&db, id).await;
    assert_eq!(row.department, "保卫处");
    assert_eq!((row.rights.0, row.rate_per_second, row.daily_messages), (vec![], None, Some(1000)));
    assert_eq!(get(&db, other).await.department, "图书馆");
});

on_both!(a_source_is_disabled_and_enabled, |db| async {
    let id = add(&db, "a").await;
    for at in [Some(Timestamp(9)), None] {
        let mut tx = db.begin().await.unwrap();
        assert!(set_disabled(&mut tx, id, at, Timestamp(7)).await.unwrap());
        assert!(!set_disabled(&mut tx, SourceId(id.0 + 1), at, Timestamp(7)).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(get(&db, id).await.disabled_at, at);
    }
});

on_both!(a_sources_use_of_the_day_comes_with_it, |db| async {
    let (id, other) = (add(&db, "a").await, add(&db, "b").await);
    assert_eq!(get(&db, id).await.used_today, 0);
    let mut tx = db.begin().await.unwrap();
    usage::add(&mut tx, TODAY.day, &[(id, 7)], Timestamp(1)).await.unwrap();
    usage::add(&mut tx, "2026-09-22", &[(id, 1), (other, 2)], Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(&db, id).await.used_today, 7);
    assert_eq!(get(&db, other).await.used_today, 0);
});

on_both!(valid_keys_are_counted_at_the_moment, |db| async {
    let id = add(&db, "a").await;
    let mut tx = db.begin().await.unwrap();
    for n in 0..4 {
        keys::insert(&mut tx, id, false, &[n], "abcd", Timestamp(1)).await.unwrap();
    }
    tx.commit().await.unwrap();
    let all = keys::list(&db, id).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    keys::revoke(&mut tx, all[0].id, Timestamp(50)).await.unwrap();
    keys::expire(&mut tx, all[1].id, TODAY.now, Timestamp(50)).await.unwrap();
    keys::expire(&mut tx, all[2].id, Timestamp(101), Timestamp(50)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(get(&db, id).await.valid_keys, 2);
});

on_both!(a_key_of_no_source_is_refused, |db| async {
    let mut tx = db.begin().await.unwrap();
    assert!(keys::insert(&mut tx, SourceId(77), false, &[1], "abcd", Timestamp(1)).await.is_err());
    drop(tx);
    assert!(keys::find(&db, KeyId(1)).await.unwrap().is_none());
});

on_both!(the_channels_of_enabled_sources_are_in_use, |db| async {
    assert_eq!(channels_in_use(&db).await.unwrap(), []);
    add(&db, "library").await;
    add(&db, "library 2").await;
    let mut tx = db.begin().await.unwrap();
    let sms = Grant { channels: vec![ChannelKind::Sms, ChannelKind::Email], ..grant() };
    let security = insert(&mut tx, "security", &sms, Timestamp(6)).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    assert_eq!(
        channels_in_use(&db).await.unwrap(),
        [ChannelKind::Email, ChannelKind::Sms, ChannelKind::Wechat]
    );
    let mut tx = db.begin().await.unwrap();
    set_disabled(&mut tx, security, Some(Timestamp(7)), Timestamp(7)).await.unwrap();
    tx.commit().await.unwrap();
    assert_eq!(channels_in_use(&db).await.unwrap(), [ChannelKind::Email, ChannelKind::Wechat]);
});

on_both!(what_a_source_is_guarded_by_comes_back, |db| async {
    let id = add(&db, "library").await;
    let row = get(&db, id).await;
    assert_eq!((row.networks.0.as_slice(), row.silence.0), (&[][..], Watch::Usual));
    let networks = ["10.1.0.0/16".parse().unwrap(), "2001:da8::/32".parse().unwrap()];
    let watch =
        Watch::After(Silence { hours: 24, days: Vec::new(), times: Some("08:00-18:00".parse().unwrap()) });
    let mut tx = db.begin().await.unwrap();
    assert!(guard(&mut tx, id, &networks, &watch, Timestamp(9)).await.unwrap());
    assert!(!guard(&mut tx, SourceId(id.0 + 1), &networks, &watch, Timestamp(9)).await.unwrap());
    keys::insert(&mut tx, id, false, &[1], "abcd", Timestamp(1)).await.unwrap();
    tx.commit().await.unwrap();
    let row = get(&db, id).await;
    assert_eq!((row.networks.0.as_slice(), &row.silence.0), (&networks[..], &watch));
    let key = keys::find_by_hash(&db, &[1]).await.unwrap().unwrap();
    assert_eq!((key.networks.0.as_slice(), key.hint.as_str()), (&networks[..], "abcd"));
});

on_both!(sources_are_watched_from_when_they_sent_last, |db| async {
    let (library, silent, out) = (add(&db, "b").await, add(&db, "a").await, add(&db, "c").await);
    let mut tx = db.begin().await.unwrap();
    usage::add(&mut tx, "2026-09-20", &[(library, 7), (silent, 0)], Timestamp(20)).await.unwrap();
    usage::add(&mut tx, "2026-09-21", &[(library, 2)], Timestamp(21)).await.unwrap();
    usage::add(&mut tx, "2026-09-21", &[(library, -1)], Timestamp(22)).await.unwrap();
    set_disabled(&mut tx, out, Some(Timestamp(30)), Timestamp(30)).await.unwrap();
    set_disabled(&mut tx, silent, None, Timestamp(31)).await.unwrap();
    tx.commit().await.unwrap();
    let rows = watched(&db).await.unwrap();
    let rows: Vec<_> = rows.iter().map(|row| (row.id, row.last_message_at, row.watched_from)).collect();
    assert_eq!(rows, [(silent, None, Some(Timestamp(31))), (library, Some(Timestamp(21)), None)]);
});
