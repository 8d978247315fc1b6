use std::sync::Arc;
use std::time::Duration;

use belltower::Error;
use belltower::domain::delivery::State;
use belltower::domain::id::{DeliveryId, MessageId};
use belltower::domain::message::{Category, Status};
use belltower::domain::operator::Role;
use belltower::service::messages::{self, DeliveryQuery, MessageQuery};
use belltower::service::sources::NewSource;
use belltower::service::{Caller, Services};
use serde_json::{Value, json};

use super::{Door, everything, message, message_and, owner, source};
use crate::support::{on_both, operator};

fn query() -> MessageQuery {
    MessageQuery { limit: 50, ..MessageQuery::default() }
}

async fn topics(s: &Services, caller: &Caller, query: &MessageQuery) -> Vec<String> {
    messages::list(s, caller, query).await.unwrap().items.into_iter().map(|m| m.topic).collect()
}

on_both!(a_source_sees_its_own_and_read_all_sees_all, |db| async {
    let door = Door::new(db).await;
    let id = door.send(message()).await.unwrap().message.id;
    let own = Caller::Key(Arc::clone(&door.caller));
    let stranger = Caller::Key(source(&door.s, everything("图书馆")).await);
    let reader = NewSource { rights: vec!["read_all".to_owned()], ..everything("门户") };
    let reader = Caller::Key(source(&door.s, reader).await);

    for (caller, sees) in
        [(&own, true), (&stranger, false), (&reader, true), (&operator(Role::Auditor), true)]
    {
        assert_eq!(messages::list(&door.s, caller, &query()).await.unwrap().items.len(), usize::from(sees));
        assert_eq!(messages::get_many(&door.s, caller, &[id]).await.unwrap().len(), usize::from(sees));
        for missing in [
            messages::get(&door.s, caller, id).await.err(),
            messages::timeline(&door.s, caller, id).await.err(),
            messages::deliveries(&door.s, caller, id, &DeliveryQuery { limit: 10, ..Default::default() })
                .await
                .err(),
        ] {
            assert_eq!(missing.is_none(), sees, "{missing:?}");
            assert!(missing.is_none_or(|error| matches!(error, Error::NotFound("message"))));
        }
    }
    let unknown = messages::get(&door.s, &own, MessageId(id.0 + 1)).await;
    assert!(matches!(unknown, Err(Error::NotFound("message"))));
    let unknown = messages::delivery(&door.s, &own, DeliveryId(1)).await;
    assert!(matches!(unknown, Err(Error::NotFound("delivery"))));
});

on_both!(lists_are_read_page_by_page_while_messages_arrive, |db| async {
    let door = Door::new(db).await;
    for n in 0..7 {
        door.send(message_and(json!({ "title": n.to_string() }))).await.unwrap();
    }
    let mut titles = Vec::new();
    let mut page = MessageQuery { limit: 3, ..query() };
    loop {
        let read = messages::list(&door.s, &owner(), &page).await.unwrap();
        titles.extend(read.items.into_iter().map(|m| m.title));
        door.send(message()).await.unwrap();
        page.cursor = read.next;
        if page.cursor.is_none() {
            break;
        }
    }
    assert_eq!(titles, ["6", "5", "4", "3", "2", "1", "0"]);
    page.cursor = Some("nonsense".to_owned());
    let refused = messages::list(&door.s, &owner(), &page).await;
    assert!(matches!(refused, Err(Error::Invalid(_))), "{refused:?}");
});

on_both!(lists_are_narrowed_by_topic_pattern, |db| async {
    let door = Door::new(db).await;
    let all = ["academic", "academic.exam", "academic.exam.moved", "academic.course.moved", "academic.x"];
    for topic in all {
        door.send(message_and(json!({ "topic": topic }))).await.unwrap();
    }
    for (pattern, found) in [
        (
            "#",
            vec!["academic.x", "academic.course.moved", "academic.exam.moved", "academic.exam", "academic"],
        ),
        ("academic.exam", vec!["academic.exam"]),
        ("academic.exam.#", vec!["academic.exam.moved", "academic.exam"]),
        ("academic.*", vec!["academic.x", "academic.exam"]),
        ("academic.*.moved", vec!["academic.course.moved", "academic.exam.moved"]),
        ("#.moved", vec!["academic.course.moved", "academic.exam.moved"]),
        ("library.#", vec![]),
    ] {
        let narrow = MessageQuery { topic: Some(pattern.parse().unwrap()), ..query() };
        assert_eq!(topics(&door.s, &owner(), &narrow).await, found, "{pattern}");
        let mut one_by_one = Vec::new();
        let mut page = MessageQuery { limit: 1, ..narrow };
        loop {
            let read = messages::list(&door.s, &owner(), &page).await.unwrap();
            one_by_one.extend(read.items.into_iter().map(|m| m.topic));
            page.cursor = read.next;
            if page.cursor.is_none() {
                break;
            }
        }
        assert_eq!(one_by_one, found, "{pattern}");
    }
});

on_both!(lists_are_searched, |db| async {
    let door = Door::new(db).await;
    let first = door.send(message()).await.unwrap().message;
    door.s.clock.turn(1000);
    let second =
        message_and(json!({ "title": "Drill", "category": "emergency", "send_at": "2027-01-01T00:00:00Z" }));
    let second = door.send(second).await.unwrap().message;
    let found = async |query: MessageQuery| {
        let page = messages::list(&door.s, &owner(), &query).await.unwrap();
        page.items.into_iter().map(|m| m.id).collect::<Vec<_>>()
    };
    let q = |q: &str| MessageQuery { q: Some(q.to_owned()), ..query() };
    assert_eq!(found(q("drill")).await, [second.id]);
    assert_eq!(found(q(&first.id.to_string())).await, [first.id]);
    assert_eq!(found(q("  ")).await, [second.id, first.id]);
    assert_eq!(found(MessageQuery { category: Some(Category::Emergency), ..query() }).await, [second.id]);
    assert_eq!(found(MessageQuery { status: Some(Status::Accepted), ..query() }).await, [first.id]);
    let since = MessageQuery { since: Some(second.created_at.into()), ..query() };
    assert_eq!(found(since).await, [second.id]);
    let until = MessageQuery { until: Some(second.created_at.into()), ..query() };
    assert_eq!(found(until).await, [first.id]);
});

on_both!(a_message_begins_its_timeline_by_being_accepted, |db| async {
    let door = Door::new(db).await;
    let id = door.send(message_and(json!({ "send_at": "2027-01-01T00:00:00Z" }))).await.unwrap().message.id;
    let events = messages::timeline(&door.s, &owner(), id).await.unwrap();
    let kinds: Vec<_> = events.iter().map(|event| event.kind.as_str()).collect();
    assert_eq!(kinds, ["accepted", "scheduled"]);
    assert_eq!(events[0].detail["by"], "教务处");
});

on_both!(counts_are_there_before_anything_is_planned, |db| async {
    let door = Door::new(db).await;
    let view = door.kept(message()).await;
    let wire: Value = serde_json::to_value(&view).unwrap();
    for state in State::ALL {
        assert_eq!(wire["counts"]["all"][state.name()], 0, "{state}");
    }
    assert_eq!(wire["counts"]["all"]["planned"], 0);
    assert_eq!(wire["matched_rules"], json!([]));
    assert_eq!(wire["title"], "考试安排");
});

on_both!(waiting_ends_with_what_is_known_then, |db| async {
    let door = Door::new(db).await;
    let id = door.send(message()).await.unwrap().message.id;
    let waited = messages::wait(&door.s, &owner(), id, Duration::ZERO).await.unwrap();
    assert_eq!(waited.summary.status, Status::Accepted);
});
