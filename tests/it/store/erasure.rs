use belltower::clock::Timestamp;
use belltower::domain::audience::DirectAddress;
use belltower::domain::channel::AddressKind;
use belltower::domain::id::{DeliveryId, MessageId, RecipientId};
use belltower::domain::message::Status;
use belltower::domain::routing::Routed;
use belltower::domain::traces::Traces;
use belltower::store::bindings::{self, Counted, Most, NewPending};
use belltower::store::erasure::{
    Named, addresses_of, blank, bury, deliveries_of, deliveries_to, groups, lock, naming, retell_routing,
    rewrite, set_filter, shared,
};
use belltower::store::messages::NewMessage;
use belltower::store::recipients::{RecipientFilter, find, list, set_active};
use belltower::store::{Db, JsonText, history, reading};
use serde_json::{Value, json};

use super::bindings::account;
use super::recipients::{keep, person};
use super::{execute, messages};
use crate::support::contents::everything;
use crate::support::on_both;

const EMAIL: &str = "li@example.edu";

/// The person 2024001, with an email address of their own.
async fn li(db: &Db) -> RecipientId {
    let body = json!({
        "name": "李伟", "email": EMAIL, "mobile": "13812345678", "wecom_userid": "li", "wechat_openid": "o_1",
        "language": "zh-CN", "department": "农学院", "attributes": {"dorm": "3-201"},
    });
    keep(db, &[person("2024001", body)], 1).await;
    find(db, "2024001").await.unwrap().unwrap().id
}

fn traces() -> Traces {
    let email = DirectAddress { kind: AddressKind::Email, value: "LI@example.edu".to_owned() };
    Traces { campus_id: "2024001".to_owned(), addresses: vec![email] }
}

fn asked(id: i64, audience: Value, personalise: Option<Value>) -> NewMessage {
    NewMessage {
        audience: (!audience.is_null()).then(|| audience.to_string()),
        personalise: personalise.map(|people| people.to_string()),
        ..messages::message(id)
    }
}

on_both!(a_person_is_retired_and_then_buried, |db| async {
    let id = li(&db).await;
    let mut tx = db.begin().await.unwrap();
    for text in [
        "INSERT INTO opt_out (recipient_id, channel, topic, created_at) SELECT r.id, 0, '#', 0 FROM recipient r",
        "INSERT INTO reading_consent (recipient_id, terms, given_at) SELECT r.id, 1, 0 FROM recipient r",
        "INSERT INTO recipient_group (id, slug, name, kind, created_at, updated_at) VALUES (1, 'g', 'g', 0, 0, 0)",
        "INSERT INTO group_member (group_id, recipient_id) SELECT 1, r.id FROM recipient r",
    ] {
        execute(&mut tx, text).await;
    }
    assert!(set_active(&mut tx, id, false, Timestamp(5)).await.unwrap());
    tx.commit().await.unwrap();
    let retired = find(&db, "2024001").await.unwrap().unwrap();
    assert_eq!((retired.active, retired.updated_at), (false, Timestamp(5)));

    let mut tx = db.begin().await.unwrap();
    bury(&mut tx, id, "erased 1", Timestamp(9)).await.unwrap();
    tx.commit().await.unwrap();
    messages::sources(&db).await;
    let left = everything(&db).await.join("\n");
    for trace in ["2024001", "李伟", EMAIL, "13812345678", "o_1", "农学院", "3-201", "opt_out"] {
        assert!(!left.contains(trace), "{trace}: {left}");
    }
    for name in ["2024001", "erased 1"] {
        assert!(find(&db, name).await.unwrap().is_none());
    }
    assert_eq!(reading::consent(&db, id).await.unwrap(), None);
    assert!(list(&db, &RecipientFilter::default(), None, 10).await.unwrap().is_empty());
    assert_ne!(li(&db).await, id, "the campus id can be given again");
});

on_both!(addresses_of_several_people_are_told, |db| async {
    let id = li(&db).await;
    let others = [
        person("1", json!({"email": "LI@example.edu", "wecom_userid": "li2"})),
        person("2", json!({"mobile": "13812345678"})),
    ];
    keep(&db, &others, 1).await;
    let mut kinds = shared(&db, id).await.unwrap();
    kinds.sort_unstable();
    assert_eq!(kinds, [AddressKind::Email, AddressKind::Mobile]);
});

on_both!(messages_that_may_name_a_person_are_found_page_by_page, |db| async {
    messages::sources(&db).await;
    let all = [
        asked(1, json!(null), None),
        asked(2, json!({"everyone": true}), None),
        asked(3, json!({"recipients": ["2024001"]}), None),
        asked(4, json!({"recipients": ["7"]}), None),
        asked(5, json!({"groups": ["g"], "exclude": {"recipients": ["7", "2024001"]}}), None),
        asked(6, json!({"where": "campus_id = '2024001'"}), None),
        asked(7, json!({"to": [{"kind": "email", "value": "Li@example.edu"}]}), None),
        asked(8, json!({"everyone": true}), Some(json!({"2024001": {}}))),
        asked(9, json!(null), Some(json!({"7": {}}))),
    ];
    messages::keep(&db, &all).await;
    let mut seen = Vec::new();
    let mut after = MessageId(0);
    loop {
        let page = naming(&db, &traces(), false, after, 3).await.unwrap();
        assert!(page.len() <= 3);
        let Some(last) = page.last() else { break };
        after = last.id;
        seen.extend(page.into_iter().map(|message| (message.id.0, message.theirs)));
    }
    let named = [(3, true), (4, false), (5, true), (6, true), (7, true), (8, true), (9, false)];
    assert_eq!(seen, named, "those without a name in them are not looked at");

    let mut tx = db.begin().await.unwrap();
    for (id, whom) in [(1, "2024001"), (2, "7")] {
        execute(
            &mut tx,
            &format!(
                r#"UPDATE message SET routing = '{{"version":1,"matched":[],"audiences":[{{"recipients":["{whom}"]}}]}}'
                WHERE id = {id}"#
            ),
        )
        .await;
    }
    tx.commit().await.unwrap();
    let by_rules = naming(&db, &traces(), true, MessageId(0), 3).await.unwrap();
    let by_rules: Vec<_> = by_rules.iter().map(|message| (message.id.0, message.theirs)).collect();
    assert_eq!(by_rules, [(1, true), (2, false), (3, true)]);
});

on_both!(a_message_is_written_again_without_somebody, |db| async {
    messages::sources(&db).await;
    let both = Some(json!({"2024001": {"n": 1}, "7": {"n": 2}}));
    let routing =
        NewMessage { status: Status::Routing, ..asked(1, json!({"recipients": ["2024001", "7"]}), both) };
    let alone = NewMessage {
        attributes: r#"{"student":"2024001"}"#.to_owned(),
        ..asked(2, json!({"recipients": ["2024001"]}), None)
    };
    messages::keep(&db, &[routing, alone]).await;
    let mut tx = db.begin().await.unwrap();
    for (id, emptied) in [(MessageId(1), false), (MessageId(2), true)] {
        let Named { audience, personalise, content, routing } = lock(&mut tx, id).await.unwrap().unwrap();
        assert!(routing.is_none());
        let mut audience = audience.unwrap().0;
        assert!(traces().leave(&mut audience));
        let personalise = personalise.map(|mut people| {
            people.0.remove("2024001").unwrap();
            people
        });
        let content = if emptied { JsonText(content.0.emptied()) } else { content };
        let routing = Some(JsonText(Routed { version: id.0, ..Routed::default() }));
        let named = Named { audience: Some(JsonText(audience)), personalise, content, routing };
        rewrite(&mut tx, id, &named, emptied, Timestamp(9)).await.unwrap();
        assert_eq!(lock(&mut tx, id).await.unwrap().unwrap().routing.unwrap().0.version, id.0);
    }
    assert!(lock(&mut tx, MessageId(3)).await.unwrap().is_none());
    tx.commit().await.unwrap();

    let left = everything(&db).await.join("\n");
    assert!(!left.contains("2024001") && left.contains(r#"{"7":{"n":2}}"#), "{left}");
    let body = belltower::store::messages::find_body(&db, MessageId(1)).await.unwrap().unwrap();
    assert_eq!(
        (body.audience.unwrap().0.recipients, body.content.0.content.title.as_str()),
        (vec!["7".to_owned()], "考试安排")
    );
    let row = belltower::store::messages::find(&db, MessageId(2)).await.unwrap().unwrap();
    assert_eq!((row.title.as_str(), row.status), ("–", Status::Accepted));
    let status = belltower::store::messages::find_status(&db, MessageId(1)).await.unwrap();
    assert_eq!(status, Some(Status::Accepted), "its planner takes it up again");
});

/// Deliveries of message 1 by their id: a delivered and a waiting one of the person's, two to direct addresses.
async fn deliveries(db: &Db, id: RecipientId) {
    messages::sources(db).await;
    messages::keep(db, &[messages::message(1)]).await;
    let mut tx = db.begin().await.unwrap();
    let no = match db {
        Db::Sqlite { .. } => "0",
        Db::Postgres(_) => "FALSE",
    };
    for text in [
        format!(
            "INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address,
                name, params, state, due_at, updated_at) VALUES
             (1, 1, 1, 1, 2, 1, {id}, 1, 'li@example.edu', '李伟', '{{\"grade\":1}}', 3, 0, 0),
             (2, 1, 2, 1, 2, 1, {id}, 2, '+8613812345678', '李伟', NULL, 0, 0, 0),
             (3, 1, 1, 1, 2, -1, NULL, 1, 'Li@example.edu', NULL, NULL, 0, 0, 0),
             (4, 1, 1, 1, 2, -2, NULL, 1, 'wang@example.edu', NULL, NULL, 0, 0, 0)",
            id = id.0
        ),
        "INSERT INTO message_count (message_id, channel, pending, delivered) VALUES (1, 1, 2, 1), (1, 2, 1, 0)".to_owned(),
        format!(
            "INSERT INTO attempt (delivery_id, number, started_at, duration_ms, outcome, detail, repeated)
             VALUES (1, 1, 0, 0, 'failed', 'no mailbox li@example.edu', {no}), (4, 1, 0, 0, 'failed', 'later', {no})"
        ),
        "INSERT INTO receipt (delivery_id, received_at, state, detail) VALUES (1, 0, 4, 'li@example.edu')".to_owned(),
    ] {
        execute(&mut tx, &text).await;
    }
    tx.commit().await.unwrap();
}

on_both!(the_addresses_a_person_had_are_told_but_for_those_of_others, |db| async {
    let id = li(&db).await;
    keep(&db, &[person("1", json!({"mobile": "13812345678"}))], 1).await;
    deliveries(&db, id).await;
    let mut tx = db.begin().await.unwrap();
    for text in [
        "UPDATE recipient SET email = 'new@example.edu' WHERE campus_id = '2024001'",
        "INSERT INTO delivery (id, message_id, channel, outlet, lane, target, recipient_id, address_kind, address, state,
            due_at, updated_at) SELECT 9, 1, 3, 1, 2, 9, r.id, 3, 'Li', 3, 0, 0 FROM recipient r WHERE r.campus_id = '2024001'",
    ] {
        execute(&mut tx, text).await;
    }
    tx.commit().await.unwrap();
    let had = addresses_of(&db, id).await.unwrap();
    let had: Vec<_> = had.iter().map(|one| (one.kind, one.value.as_str())).collect();
    assert_eq!(had, [(AddressKind::Email, EMAIL), (AddressKind::WecomUserid, "Li")]);
});

on_both!(who_began_to_bind_an_identity_of_theirs_is_forgotten, |db| async {
    let id = li(&db).await;
    messages::sources(&db).await;
    let provider = account(&db).await;
    let mut tx = db.begin().await.unwrap();
    for (hash, kind, address) in [
        (b"a", AddressKind::WechatOpenid, "o_1"),
        (b"b", AddressKind::WecomUserid, "another"),
        (b"c", AddressKind::WechatOpenid, "o_2"),
    ] {
        let new = NewPending { hash, provider, kind, address, expires_at: Timestamp(9) };
        assert!(bindings::insert(&mut tx, new).await.unwrap());
    }
    bindings::set_code(&mut tx, b"b", Some(id), b"code", Timestamp(9)).await.unwrap();
    bindings::bind(&mut tx, id, AddressKind::WechatOpenid, "o_own", Timestamp(9), Timestamp(9))
        .await
        .unwrap();
    let most = Most { codes: 5, tries: 5 };
    assert!(bindings::count_of_day(&mut tx, id, "2026-09-21", Counted::Code, most).await.unwrap());
    bury(&mut tx, id, "erased 1", Timestamp(9)).await.unwrap();
    tx.commit().await.unwrap();
    let left = everything(&db).await.join("\n");
    for trace in ["o_own", "another", "binding_day", "bound_identity"] {
        assert!(!left.contains(trace), "{trace}: {left}");
    }
    assert!(left.contains("o_2"), "{left}");
});

on_both!(deliveries_are_found_and_say_nothing_any_more, |db| async {
    let id = li(&db).await;
    deliveries(&db, id).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE delivery SET read_at = 7 WHERE id = 1").await;
    execute(&mut tx, "UPDATE delivery SET repeat_at = 7, address = NULL, name = NULL WHERE id = 2").await;
    tx.commit().await.unwrap();
    assert_eq!(deliveries_of(&db, id, DeliveryId(0), 1).await.unwrap(), [DeliveryId(1)]);
    assert_eq!(deliveries_of(&db, id, DeliveryId(1), 9).await.unwrap(), [DeliveryId(2)]);

    let mut tx = db.begin().await.unwrap();
    let direct = deliveries_to(&mut tx, MessageId(1), &traces().addresses[0]).await.unwrap();
    assert_eq!(direct, [DeliveryId(3)]);
    assert!(deliveries_to(&mut tx, MessageId(2), &traces().addresses[0]).await.unwrap().is_empty());
    let all = [DeliveryId(1), DeliveryId(2), DeliveryId(3)];
    let closed = blank(&mut tx, &all, Timestamp(9), "2026-09-21").await.unwrap();
    assert_eq!(closed, [MessageId(1)], "text messages have nothing open");
    assert!(blank(&mut tx, &all, Timestamp(9), "2026-09-21").await.unwrap().is_empty(), "once");
    bury(&mut tx, id, "erased 1", Timestamp(9)).await.unwrap();
    tx.commit().await.unwrap();

    let moments = "SELECT count(*) FROM delivery WHERE read_at IS NOT NULL OR repeat_at IS NOT NULL";
    let moments: i64 = match &db {
        Db::Sqlite { readers, .. } => sqlx::query_scalar(moments).fetch_one(readers).await.unwrap(),
        Db::Postgres(pool) => sqlx::query_scalar(moments).fetch_one(pool).await.unwrap(),
    };
    assert_eq!(moments, 0, "nor when they read, nor that they are written to again");
    let left = everything(&db).await.join("\n");
    let lower = left.to_lowercase();
    for trace in [EMAIL, "13812345678", "李伟", "grade"] {
        assert!(!lower.contains(trace), "{trace}: {left}");
    }
    assert!(left.contains("wang@example.edu") && left.contains("attempt.detail: later"), "{left}");
    let figures = history::counts(&db, &[MessageId(1)]).await.unwrap();
    let figures: Vec<_> = figures.iter().map(|c| (c.pending, c.delivered, c.cancelled)).collect();
    assert_eq!(figures, [(1, 1, 1), (0, 0, 1)]);
});

on_both!(a_groups_filter_is_found_and_replaced, |db| async {
    let mut tx = db.begin().await.unwrap();
    execute(
        &mut tx,
        "INSERT INTO recipient_group (id, slug, name, kind, filter, created_at, updated_at) VALUES
         (1, 'a', 'a', 1, 'campus_id = ''o''''b''', 0, 0), (2, 'b', 'b', 1, 'campus_id = ''ob''', 0, 0), (3, 'c', 'c', 0, NULL, 0, 0)",
    )
    .await;
    let found = groups(&mut tx, "o'b").await.unwrap();
    let found: Vec<_> = found.iter().map(|group| (group.id, group.filter.as_str())).collect();
    assert_eq!(found, [(belltower::domain::id::GroupId(1), "campus_id = 'o''b'")]);
    set_filter(&mut tx, found[0].0, "campus_id = 'x'").await.unwrap();
    assert!(groups(&mut tx, "o'b").await.unwrap().is_empty());
    assert_eq!(groups(&mut tx, "campus_id").await.unwrap().len(), 2);
});

on_both!(what_a_routing_was_told_to_come_from_is_told_anew, |db| async {
    messages::sources(&db).await;
    messages::keep(&db, &[messages::message(1), messages::message(2)]).await;
    let mut tx = db.begin().await.unwrap();
    execute(
        &mut tx,
        "INSERT INTO message_event (message_id, at, kind, detail) VALUES
         (1, 1, 'accepted', '{\"a\":1}'), (1, 2, 'routed', '{\"a\":2}'), (2, 3, 'routed', '{\"a\":3}')",
    )
    .await;
    retell_routing(&mut tx, MessageId(1), &json!({"a": 4})).await.unwrap();
    tx.commit().await.unwrap();
    let events = async |id| {
        let events = history::events(&db, MessageId(id)).await.unwrap();
        events.into_iter().map(|event| event.detail.0["a"].clone()).collect::<Vec<_>>()
    };
    assert_eq!((events(1).await, events(2).await), (vec![json!(1), json!(4)], vec![json!(3)]));
});

on_both!(of_the_suppression_list_goes_what_was_the_persons_alone, |db| async {
    let id = li(&db).await;
    let other = [person("1", json!({"email": "shared@example.edu", "mobile": "13812345678"}))];
    keep(&db, &other, 1).await;
    deliveries(&db, id).await;
    let mut tx = db.begin().await.unwrap();
    // The second and third were told by deliveries of theirs, to addresses they have no longer.
    execute(
        &mut tx,
        "INSERT INTO suppression (kind, address, cause, note, delivery_id, created_at, created_by, until) VALUES
         (1, 'li@example.edu', 2, '', NULL, 0, '', 9), (1, 'li.old@example.edu', 1, 'no mailbox', 1, 0, '', 9),
         (1, 'shared@example.edu', 1, '', 1, 0, '', 9), (2, '+8613812345678', 1, '', 2, 0, '', 9),
         (1, 'wang@example.edu', 1, '', 4, 0, '', 9)",
    )
    .await;
    bury(&mut tx, id, "erased 1", Timestamp(9)).await.unwrap();
    tx.commit().await.unwrap();
    let left = belltower::store::suppressions::list(&db, None, None, 10).await.unwrap();
    let mut left: Vec<_> = left.iter().map(|row| row.address.as_str()).collect();
    left.sort_unstable();
    assert_eq!(left, ["+8613812345678", "shared@example.edu", "wang@example.edu"], "what others have stays");
});
