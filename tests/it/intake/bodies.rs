use belltower::Error;
use belltower::domain::channel::ChannelKind;
use belltower::domain::message::{Category, Lane, Status};
use belltower::service::messages::{self, AcceptOptions};
use belltower::service::sources::NewSource;
use serde_json::{Value, json};

use super::{Door, everything, fault, message, message_and, owner, source};
use crate::support::on_both;

on_both!(everything_that_can_be_said_is_kept, |db| async {
    let door = Door::with_directory(db).await;
    let view = door
        .kept(message_and(json!({
            "category": "resource_update",
            "variants": { "sms": { "body": "短" }, "en": { "title": "Exams", "body": "Monday" } },
            "audience": {
                "groups": ["seniors"], "recipients": ["2023001", 2_023_002], "where": "college = '农学院'",
                "exclude": { "recipients": ["2023003"] },
            },
            "channels": ["sms", "email", "sms"],
            "priority": "high",
            "send_at": "2026-09-22T08:00:00+08:00",
            "expires_at": "2026-09-22T00:00:01Z",
            "link": "https://bell.example/考试?a=1",
            "attributes": { "学期": "秋", "week": 3, "final": true },
            "dedup_key": "k",
        })))
        .await;
    let summary = &view.summary;
    assert_eq!((summary.status, summary.priority), (Status::Scheduled, Lane::High));
    assert_eq!(summary.category, Category::ResourceUpdate);
    assert_eq!(summary.source.as_ref().unwrap().name, "教务处");
    assert_eq!(summary.send_at.to_string(), "2026-09-22T00:00:00Z");
    assert_eq!(summary.expires_at.to_string(), "2026-09-22T00:00:01Z");
    assert_eq!(view.body, "周一 **8:00**");
    assert_eq!(view.variants["sms"].body.as_deref(), Some("短"));
    assert_eq!(view.variants["en"].title.as_deref(), Some("Exams"));
    let audience = view.audience.unwrap();
    assert_eq!(
        (audience.groups, audience.recipients),
        (vec!["seniors".into()], vec!["2023001".into(), "2023002".into()])
    );
    assert_eq!(audience.filter.as_deref(), Some("college = '农学院'"));
    assert_eq!(audience.exclude.unwrap().recipients, ["2023003"]);
    assert_eq!(view.channels, [ChannelKind::Sms, ChannelKind::Email]);
    assert_eq!(view.link.as_deref(), Some("https://bell.example/考试?a=1"));
    assert_eq!(json!(view.attributes), json!({ "学期": "秋", "week": 3, "final": true }));
});

on_both!(what_is_left_out_has_its_default, |db| async {
    let door = Door::new(db).await;
    let nulls = json!({ "link": null, "audience": null, "priority": null, "params": null, "send_at": null });
    let view = door.kept(message_and(nulls)).await;
    let summary = view.summary;
    assert_eq!(
        (summary.status, summary.category, summary.priority),
        (Status::Accepted, Category::Announcement, Lane::Normal)
    );
    assert_eq!((summary.created_at, summary.send_at), (summary.send_at, summary.created_at));
    assert_eq!(summary.expires_at.duration_since(summary.send_at).as_hours(), 72);
    assert_eq!(view.channels, [ChannelKind::Email, ChannelKind::Sms]);
    assert!(view.audience.is_none() && view.to.is_empty() && view.link.is_none());

    let emergency =
        door.kept(message_and(json!({ "category": "emergency", "priority": "low" }))).await.summary;
    assert_eq!(emergency.priority, Lane::Emergency);
    assert_eq!(emergency.expires_at.duration_since(emergency.send_at).as_hours(), 6);

    let past = door.kept(message_and(json!({ "send_at": "2020-01-01T00:00:00Z" }))).await.summary;
    assert_eq!((past.status, past.send_at), (Status::Accepted, past.created_at));
});

on_both!(all_faults_are_told_at_once, |db| async {
    let door = Door::with_directory(db).await;
    let mut found = door
        .faults(json!({
            "topic": "Not A Topic", "category": "urgent", "title": "", "body": 5, "priority": "max",
            "variants": { "telex": { "body": "x" }, "sms": {}, "en": { "subject": "x" } },
            "audience": {
                "groups": ["seniors", "nobody"], "recipients": ["2023001", "0", true, ""], "where": "role ==",
                "exclude": { "recipients": ["1"], "exclude": {} }, "all": true,
            },
            "to": [{ "email": "a@b.example", "mobile": "13800000000" }, { "email": "nope" }, {}, { "wecom_userid": "x" }],
            "channels": ["email", "fax", "wechat"],
            "send_at": "tomorrow", "expires_at": "2026-01-01T00:00:00",
            "link": "http://bell.example", "attributes": { "a": {}, "b\"": 1 },
            "dedup_key": "a\nb", "subject": "x", "a/b~c": 1,
        }))
        .await;
    found.sort();
    let mut expected = [
        ("/a~1b~0c", "unknown_field"),
        ("/attributes/a", "not_flat"),
        ("/attributes/b\"", "bad_name"),
        ("/audience/all", "unknown_field"),
        ("/audience/exclude/exclude", "unknown_field"),
        ("/audience/exclude/recipients/0", "unknown_recipient"),
        ("/audience/groups/1", "unknown_group"),
        ("/audience/recipients/1", "unknown_recipient"),
        ("/audience/recipients/2", "not_a_string"),
        ("/audience/recipients/3", "bad_campus_id"),
        ("/audience/where", "filter_syntax"),
        ("/body", "not_a_string"),
        ("/category", "unknown_value"),
        ("/channels/1", "unknown_value"),
        ("/channels/2", "channel_not_allowed"),
        ("/dedup_key", "control_character"),
        ("/expires_at", "invalid_time"),
        ("/link", "invalid_link"),
        ("/priority", "unknown_value"),
        ("/send_at", "invalid_time"),
        ("/subject", "unknown_field"),
        ("/title", "required"),
        ("/to", "exclusive"),
        ("/to/0", "one_address"),
        ("/to/1/email", "bad_address"),
        ("/to/2", "one_address"),
        ("/to/3", "channel_not_allowed"),
        ("/topic", "invalid_topic"),
        ("/variants/en/subject", "unknown_field"),
        ("/variants/telex", "unknown_variant"),
        ("/variants/sms", "required"),
    ]
    .map(|(pointer, code)| fault(pointer, code));
    expected.sort();
    assert_eq!(found, expected);
    assert!(door.all().await.is_empty());
});

on_both!(a_filter_is_refused_with_the_position, |db| async {
    let door = Door::new(db).await;
    match door.send(message_and(json!({ "audience": { "where": "role = 'a' or or" } }))).await {
        Err(Error::Invalid(faults)) => {
            assert_eq!(faults[0].pointer, "/audience/where");
            assert!(faults[0].detail.contains("position 14"), "{}", faults[0].detail);
        }
        other => panic!("{other:?}"),
    }
});

on_both!(an_audience_names_somebody_and_one_thing, |db| async {
    let door = Door::new(db).await;
    for nobody in [
        json!({}),
        json!({ "everyone": false }),
        json!({ "groups": [] }),
        json!({ "exclude": { "everyone": true } }),
    ] {
        let found = door.faults(message_and(json!({ "audience": nobody.clone() }))).await;
        assert_eq!(found, [fault("/audience", "empty_audience")], "{nobody}");
    }
    let both = json!({ "audience": { "everyone": true, "where": "role = 'a'" } });
    assert_eq!(door.faults(message_and(both)).await, [fault("/audience/everyone", "exclusive")]);
    assert_eq!(
        door.faults(message_and(json!({ "audience": [] }))).await,
        [fault("/audience", "not_an_object")]
    );
    assert!(door.send(message_and(json!({ "audience": { "everyone": true, "exclude": {} } }))).await.is_ok());
});

on_both!(a_source_sends_what_it_may, |db| async {
    let mut door = Door::new(db).await;
    let new = NewSource {
        topics: vec!["library.*".to_owned()],
        channels: vec!["email".to_owned()],
        rights: Vec::new(),
        ..everything("图书馆")
    };
    door.caller = source(&door.s, new).await;
    let lacks = async |body: Value| match door.send(body).await {
        Err(Error::Forbidden { permission, detail }) => (permission, detail),
        other => panic!("{other:?}"),
    };
    let library = |more: Value| {
        let mut body = message_and(more);
        body["topic"] = json!("library.new");
        body
    };
    let (permission, detail) = lacks(message()).await;
    assert_eq!(permission, "topics");
    assert!(detail.contains("academic.exam") && detail.contains("library.*"), "{detail}");
    assert_eq!(lacks(library(json!({ "category": "emergency" }))).await.0, "emergency");
    assert_eq!(lacks(library(json!({ "to": [{ "email": "a@b.example" }] }))).await.0, "send_direct");
    assert_eq!(
        door.faults(library(json!({ "channels": ["sms"] }))).await,
        [fault("/channels/0", "channel_not_allowed")]
    );
    assert!(door.send(library(json!({}))).await.is_ok());
});

on_both!(unknown_names_are_skipped_on_request_and_reported, |db| async {
    let door = Door::with_directory(db).await;
    let body = message_and(json!({
        "body": "{{ n }}",
        "audience": {
            "groups": ["gone", "seniors"], "recipients": ["2023001", "0"], "exclude": { "recipients": ["9"] },
        },
        "personalise": [
            { "campus_id": "0", "params": { "n": 1 } }, { "campus_id": "2023001", "params": { "n": 2 } },
        ],
    }));
    let refused = door.faults(body.clone()).await;
    assert_eq!(refused.len(), 4, "{refused:?}");
    let options = AcceptOptions { skip_unknown: true, ..AcceptOptions::default() };
    let accepted = door.send_with(body, &options).await.unwrap();
    let unknown = accepted.message.unknown.unwrap();
    assert_eq!((unknown.groups, unknown.recipients), (vec!["gone".into()], vec!["0".into(), "9".into()]));
    let view = messages::get(&door.s, &owner(), accepted.message.id).await.unwrap();
    let audience = view.audience.unwrap();
    assert_eq!((audience.groups, audience.recipients), (vec!["seniors".into()], vec!["2023001".into()]));
    assert!(view.personalised);
});

on_both!(addresses_outside_the_directory_are_kept_in_one_spelling_and_shown_masked, |db| async {
    let door = Door::new(db).await;
    let to = json!([
        { "email": "Guest.One@BELL.example" }, { "mobile": "138 1234 5678" }, { "mobile": "+8613812345678" },
        { "email": "bounce@sandbox.invalid" }, { "mobile": "+8610000000003" },
    ]);
    let view = door.kept(message_and(json!({ "to": to }))).await;
    assert!(view.audience.is_none());
    let shown = serde_json::to_value(&view.to).unwrap();
    assert_eq!(shown.as_array().unwrap().len(), 4, "one is there twice");
    assert_eq!(shown[0], json!({ "email": "G***@bell.example" }));
    assert_eq!(shown[1], json!({ "mobile": "+86138****5678" }));
    let none = door.faults(message_and(json!({ "to": [] }))).await;
    assert_eq!(none, [fault("/to", "required")]);
});
