use belltower::Error;
use belltower::service::messages::{self, AcceptOptions};
use serde_json::{Value, json};

use super::{Door, fault, message_and};
use crate::support::on_both;

on_both!(what_is_not_json_is_malformed, |db| async {
    let door = Door::new(db).await;
    let deep = format!("{}{}", "[".repeat(10_000), "]".repeat(10_000));
    let nested = format!("{{\"attributes\":{}1{}}}", "{\"a\":".repeat(500), "}".repeat(500));
    for body in ["", "{", "{\"topic\":\"a\",}", "\u{feff}{}", "{\"title\":\"\\ud800\"}", &deep, &nested] {
        let refused =
            messages::accept(&door.s, &door.caller, body.as_bytes(), &AcceptOptions::default()).await;
        assert!(
            matches!(refused, Err(Error::Malformed(_))),
            "{}: {refused:?}",
            body.chars().take(20).collect::<String>()
        );
    }
    let no_utf8 = b"{\"title\":\"\xff\"}";
    let refused = messages::accept(&door.s, &door.caller, no_utf8, &AcceptOptions::default()).await;
    assert!(matches!(refused, Err(Error::Malformed(_))));
    assert_eq!(door.faults(json!(null)).await, [fault("", "not_an_object")]);
});

on_both!(a_title_is_one_clean_line, |db| async {
    let door = Door::new(db).await;
    let view = door
        .kept(message_and(json!({
            "title": " 考试\r\nBcc: all@bell.example\u{0}\u{7}\u{2028}安排 ", "body": "一\r\n二\u{0}\u{b}三\t四",
            "attributes": { "a": "x\u{0}y" },
        })))
        .await;
    assert_eq!(view.summary.title, "考试 Bcc: all@bell.example 安排");
    assert_eq!(view.body, "一\n二\n三\t四");
    assert_eq!(view.attributes["a"], "xy");
    assert_eq!(
        door.faults(message_and(json!({ "title": "\u{0}\r\n" }))).await,
        [fault("/title", "required")]
    );
    let key = door.faults(message_and(json!({ "attributes": { "a\u{0}": 1 } }))).await;
    assert_eq!(key, [fault("/attributes/a\u{0}", "bad_name")]);
});

on_both!(texts_are_measured_in_characters, |db| async {
    let door = Door::new(db).await;
    let text = |title: usize, body: usize| {
        message_and(json!({ "title": "🎓".repeat(title), "body": "🎓".repeat(body) }))
    };
    let view = door.kept(text(200, 20_000)).await;
    assert_eq!((view.summary.title.chars().count(), view.body.chars().count()), (200, 20_000));
    assert_eq!(
        door.faults(text(201, 20_001)).await,
        [fault("/title", "too_long"), fault("/body", "too_long")]
    );
});

on_both!(ten_thousand_unknown_people_are_answered_with_the_first_thousand, |db| async {
    let door = Door::new(db).await;
    let ids: Vec<_> = (0..10_000).map(|n| n.to_string()).collect();
    let found = door.faults(message_and(json!({ "audience": { "recipients": ids } }))).await;
    assert_eq!(found.len(), 1001);
    assert_eq!(found[999], fault("/audience/recipients/999", "unknown_recipient"));
    assert_eq!(found[1000], fault("", "too_many_faults"));
});

on_both!(lists_have_an_end, |db| async {
    let door = Door::with_directory(db).await;
    let many = |n: usize, one: Value| Value::Array(vec![one; n]);
    for (more, place) in [
        (json!({ "audience": { "recipients": many(10_001, json!("2023001")) } }), "/audience/recipients"),
        (json!({ "audience": { "groups": many(1_001, json!("seniors")) } }), "/audience/groups"),
        (json!({ "to": many(1_001, json!({ "email": "a@b.example" })) }), "/to"),
        (json!({ "personalise": many(10_001, json!({ "campus_id": "2023001" })) }), "/personalise"),
    ] {
        let found = door.faults(message_and(more)).await;
        assert!(found.contains(&fault(place, "too_many")), "{place}: {found:?}");
    }
    let attributes: serde_json::Map<_, _> = (0..33).map(|n| (format!("a{n}"), json!(n))).collect();
    let found = door.faults(message_and(json!({ "attributes": attributes }))).await;
    assert_eq!(found, [fault("/attributes", "too_many")]);
    assert!(
        door.send(message_and(json!({ "audience": { "recipients": many(10_000, json!("2023001")) } })))
            .await
            .is_ok()
    );
});

on_both!(links_lead_to_the_web_and_nowhere_else, |db| async {
    let door = Door::new(db).await;
    let long = format!("https://bell.example/{}", "x".repeat(2_048));
    for link in [
        "javascript:alert(1)",
        "http://bell.example",
        "https://",
        "https://a b",
        "//bell.example",
        "https://a/\n",
        &long,
    ] {
        assert_eq!(
            door.faults(message_and(json!({ "link": link }))).await,
            [fault("/link", "invalid_link")],
            "{link}"
        );
    }
});

on_both!(one_bad_message_sinks_no_other, |db| async {
    let door = Door::new(db).await;
    // A source that the store does not know: its message breaks a foreign key, in a batch with good ones.
    let mut ghost = (*door.caller).clone();
    ghost.source = belltower::domain::id::SourceId(999_999);
    let body = message_and(json!({})).to_string();
    let options = AcceptOptions::default();
    let good = (0..20).map(|_| messages::accept(&door.s, &door.caller, body.as_bytes(), &options));
    let bad = messages::accept(&door.s, &ghost, body.as_bytes(), &options);
    let (good, bad) = futures_util::join!(futures_util::future::join_all(good), bad);
    assert!(good.iter().all(Result::is_ok), "{good:?}");
    assert!(matches!(bad, Err(Error::Internal(_))), "{bad:?}");
    assert_eq!(door.all().await.len(), 20);
});

on_both!(a_store_that_cannot_take_it_says_so_and_keeps_nothing, |db| async {
    let door = Door::new(db).await;
    door.send(message_and(json!({}))).await.unwrap();
    door.s.db.close().await;
    assert!(matches!(door.send(message_and(json!({}))).await, Err(Error::Unavailable { .. })));
});
