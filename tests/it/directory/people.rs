//! People, one at a time.

use belltower::Error;
use belltower::domain::channel::ChannelKind;
use belltower::domain::operator::Role;
use belltower::domain::recipient::OptOut;
use belltower::domain::source::Right;
use belltower::service::Change;
use belltower::service::recipients::{Format, Import, ImportOptions, ListFilter};
use belltower::service::{groups, recipients};
use serde_json::json;

use super::{acts, faults, key, pair, put, registry};
use crate::support::{on_both, operator, services};

on_both!(a_record_is_created_replaced_patched_and_read, |db| async {
    let s = services(db);
    let full =
        json!({"name": "李伟", "email": "li@Example.edu", "attributes": {"role": "student", "year": 2024}});
    let (change, li) = put(&s, "2024001", full.clone()).await;
    assert_eq!((change, li.person.email.as_deref()), (Change::Created, Some("li@example.edu")));
    assert_eq!(li.created_at, s.clock.now());
    s.clock.turn(1_000);
    assert_eq!(put(&s, "2024001", full).await, (Change::Unchanged, li.clone()));
    let patch = json!({"mobile": "13812345678", "attributes": {"year": null}});
    let patched = recipients::patch(&s, &registry(), "2024001", &patch).await.unwrap();
    assert_eq!(patched.person.mobile.as_deref(), Some("+8613812345678"));
    assert_eq!((patched.person.attributes.len(), patched.updated_at), (1, s.clock.now()));
    let (change, replaced) = put(&s, "2024001", json!({"name": "李伟"})).await;
    assert_eq!((change, replaced.person.email, replaced.person.attributes.len()), (Change::Updated, None, 0));
    assert_eq!(recipients::get(&s, &registry(), "2024001").await.unwrap().created_at, li.created_at);

    let nobody = recipients::patch(&s, &registry(), "nobody", &json!({})).await;
    assert!(matches!(nobody, Err(Error::NotFound(_))));
    assert!(matches!(recipients::get(&s, &registry(), "nobody").await, Err(Error::NotFound(_))));
    let broken = recipients::put(&s, &registry(), "a b", &json!({"email": "x"})).await;
    assert_eq!(
        faults(broken),
        [pair("/campus_id", "bad_campus_id"), pair("/name", "required"), pair("/email", "bad_address")]
    );
});

on_both!(the_directory_is_kept_by_whom_it_is_entrusted_to, |db| async {
    let s = services(db);
    put(&s, "1", json!({"name": "李伟"})).await;
    let body = json!({"name": "x"});
    let refused = |result: Result<(), Error>, who: &str| {
        assert!(matches!(result, Err(Error::Forbidden { .. })), "{who}");
    };
    let bare = key(&[Right::ReadAll]);
    refused(recipients::put(&s, &bare, "1", &body).await.map(drop), "put");
    refused(recipients::get(&s, &bare, "1").await.map(drop), "get");
    refused(recipients::delete(&s, &bare, "1").await, "delete");
    refused(groups::list(&s, &bare, "", None, 9).await.map(drop), "groups");
    refused(Import::start(&s, &bare, Format::Ndjson, ImportOptions::default()).map(drop), "import");
    let sender = operator(Role::Sender);
    refused(recipients::put(&s, &sender, "1", &body).await.map(drop), "a sender edits");
    refused(recipients::reveal(&s, &sender, "1").await.map(drop), "a sender reveals");
    recipients::get(&s, &sender, "1").await.unwrap();
    refused(recipients::get(&s, &operator(Role::Auditor), "1").await.map(drop), "an auditor looks");
    recipients::put(&s, &operator(Role::MessageManager), "1", &body).await.unwrap();
});

on_both!(operators_see_addresses_masked_until_they_ask, |db| async {
    let s = services(db);
    let body =
        json!({"name": "李伟", "email": "li.wei@example.edu", "mobile": "13812345678", "wecom_userid": "lw"});
    put(&s, "1", body).await;
    let owner = operator(Role::Owner);
    let seen = recipients::get(&s, &owner, "1").await.unwrap();
    assert_eq!(seen.person.email.as_deref(), Some("l***@example.edu"));
    assert_eq!(
        (seen.person.mobile.as_deref(), seen.person.wecom_userid.as_deref()),
        (Some("+86138****5678"), Some("***"))
    );
    let listed = recipients::list(&s, &owner, &ListFilter::default(), None, 9).await.unwrap();
    assert_eq!(listed, [seen]);
    assert_eq!(
        recipients::get(&s, &registry(), "1").await.unwrap().person.mobile.as_deref(),
        Some("+8613812345678")
    );
    assert!(acts(&s).await.is_empty());
    let revealed = recipients::reveal(&s, &owner, "1").await.unwrap();
    assert_eq!(revealed.person.email.as_deref(), Some("li.wei@example.edu"));
    assert_eq!(acts(&s).await, ["recipient.reveal"]);
});

on_both!(an_erased_person_can_be_met_anew, |db| async {
    let s = services(db);
    let (_, before) = put(&s, "1", json!({"name": "李伟", "email": "li@example.edu"})).await;
    groups::put(&s, &registry(), "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(&s, &registry(), "choir", &json!({"add": ["1"]})).await.unwrap();
    let never = [OptOut { channel: None, topic: "#".parse().unwrap() }];
    recipients::set_opt_outs(&s, &registry(), "1", &never).await.unwrap();
    recipients::delete(&s, &registry(), "1").await.unwrap();
    assert!(matches!(recipients::get(&s, &registry(), "1").await, Err(Error::NotFound(_))));
    assert!(matches!(recipients::delete(&s, &registry(), "1").await, Err(Error::NotFound(_))));
    assert_eq!(acts(&s).await, ["recipient.erase"]);
    let (change, after) = put(&s, "1", json!({"name": "王芳"})).await;
    assert_eq!(change, Change::Created);
    assert_ne!(after.id, before.id);
    assert_eq!(groups::get(&s, &registry(), "choir").await.unwrap().members, Some(0));
    assert!(recipients::opt_outs(&s, &registry(), "1").await.unwrap().is_empty());
});

on_both!(opt_outs_are_set_as_a_whole, |db| async {
    let s = services(db);
    put(&s, "1", json!({"name": "李伟"})).await;
    let two = [
        OptOut { channel: None, topic: "campus.*".parse().unwrap() },
        OptOut { channel: Some(ChannelKind::Sms), topic: "library.#".parse().unwrap() },
    ];
    recipients::set_opt_outs(&s, &registry(), "1", &two).await.unwrap();
    assert_eq!(recipients::opt_outs(&s, &registry(), "1").await.unwrap(), two);
    recipients::set_opt_outs(&s, &registry(), "1", &two[1..]).await.unwrap();
    assert_eq!(recipients::opt_outs(&s, &registry(), "1").await.unwrap(), two[1..]);
    let many = vec![two[0].clone(); 201];
    let refused = faults(recipients::set_opt_outs(&s, &registry(), "1", &many).await);
    assert_eq!(refused, [pair("", "too_many")]);
});
