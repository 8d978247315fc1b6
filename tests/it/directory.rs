//! People, groups and templates, as systems and administrators keep them.

use std::sync::Arc;

use belltower::Error;
use belltower::domain::audience::Audience;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::{KeyId, SourceId};
use belltower::domain::operator::Role;
use belltower::domain::recipient::OptOut;
use belltower::domain::source::Right;
use belltower::service::caller::{Caller, KeyCaller};
use belltower::service::groups::{self, MembersChanged};
use belltower::service::recipients::{
    self, Change, Import, ImportOptions, ImportReport, ListFilter, Recipient,
};
use belltower::service::{Services, audit, templates};
use belltower::store::audience;
use belltower::store::audit::AuditFilter;
use serde_json::{Value, json};

use crate::support::{on_both, operator, services};

fn key(rights: &[Right]) -> Caller {
    Caller::Key(Arc::new(KeyCaller {
        key: KeyId(1),
        test: false,
        source: SourceId(1),
        source_name: "教务处".to_owned(),
        department: "教务处".to_owned(),
        topics: Vec::new(),
        channels: Vec::new(),
        rights: rights.to_vec(),
        rate_per_second: None,
        daily_messages: None,
    }))
}

fn registry() -> Caller {
    key(&[Right::Directory])
}

async fn put(s: &Services, campus_id: &str, body: Value) -> (Change, Recipient) {
    recipients::put(s, &registry(), campus_id, &body).await.unwrap()
}

async fn put_students(s: &Services, n: usize) {
    for i in 1..=n {
        put(s, &format!("s{i}"), json!({"name": format!("学生{i}"), "attributes": {"role": "student"}}))
            .await;
    }
}

fn ids(people: &[Recipient]) -> Vec<&str> {
    people.iter().map(|one| one.person.campus_id.as_str()).collect()
}

#[track_caller]
fn faults<T>(result: Result<T, Error>) -> Vec<(String, String)> {
    match result {
        Err(Error::Invalid(faults)) => faults.into_iter().map(|f| (f.pointer, f.code.into_owned())).collect(),
        Err(other) => panic!("{other}"),
        Ok(_) => panic!("taken"),
    }
}

fn pair(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

async fn acts(s: &Services) -> Vec<String> {
    let owner = operator(Role::Owner);
    let rows = audit::list(s, &owner, &AuditFilter::default(), None, 100).await.unwrap();
    rows.into_iter().rev().map(|row| row.action).collect()
}

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
    refused(groups::list(&s, &bare, None, 9).await.map(drop), "groups");
    refused(Import::start(&s, &bare, ImportOptions::default()).map(drop), "import");
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

on_both!(static_groups_list_and_dynamic_ones_find, |db| async {
    let s = services(db);
    put_students(&s, 3).await;
    put(&s, "t1", json!({"name": "老师", "attributes": {"role": "staff"}})).await;
    let caller = registry();
    let fixed = json!({"name": "合唱团", "kind": "static"});
    let (change, choir) = groups::put(&s, &caller, "choir", &fixed).await.unwrap();
    assert_eq!((change, choir.members), (Change::Created, Some(0)));
    assert_eq!(groups::put(&s, &caller, "choir", &fixed).await.unwrap().0, Change::Unchanged);
    let found = json!({"name": "学生", "kind": "dynamic", "where": "role = 'student'"});
    let (_, students) = groups::put(&s, &caller, "students", &found).await.unwrap();
    assert_eq!(students.members, Some(3));

    let added =
        groups::change_members(&s, &caller, "choir", &json!({"add": ["s1", "t1", "s1"]})).await.unwrap();
    assert_eq!(added, MembersChanged { added: 2, removed: 0 });
    let swapped = json!({"add": ["s2"], "remove": ["s1", "s3"]});
    let swapped = groups::change_members(&s, &caller, "choir", &swapped).await.unwrap();
    assert_eq!(swapped, MembersChanged { added: 1, removed: 1 });
    assert_eq!(ids(&groups::members(&s, &caller, "choir", None, 9).await.unwrap()), ["t1", "s2"]);
    assert_eq!(ids(&groups::members(&s, &caller, "students", None, 2).await.unwrap()), ["s3", "s2"]);
    let filter = ListFilter { q: Some("学生".to_owned()), group: Some("choir".to_owned()) };
    assert_eq!(ids(&recipients::list(&s, &caller, &filter, None, 9).await.unwrap()), ["s2"]);

    let unknown = json!({"add": ["s1", "nobody", "s2"], "remove": ["none"]});
    assert_eq!(
        faults(groups::change_members(&s, &caller, "choir", &unknown).await),
        [pair("/add/1", "unknown_recipient"), pair("/remove/0", "unknown_recipient")]
    );
    let refused = groups::change_members(&s, &caller, "students", &json!({"add": ["s1"]})).await;
    assert!(matches!(refused, Err(Error::Conflict { code: "dynamic_group", .. })));
    let missing = groups::change_members(&s, &caller, "none", &json!({})).await;
    assert!(matches!(missing, Err(Error::NotFound("group"))));

    let all = groups::list(&s, &caller, None, 9).await.unwrap();
    let all: Vec<_> = all.iter().map(|g| (g.slug.as_str(), g.members)).collect();
    assert_eq!(all, [("students", None), ("choir", Some(2))]);
    groups::delete(&s, &caller, "students").await.unwrap();
    assert!(matches!(groups::delete(&s, &caller, "students").await, Err(Error::NotFound("group"))));
    assert!(matches!(groups::get(&s, &caller, "students").await, Err(Error::NotFound("group"))));
});

on_both!(administrators_changes_are_in_the_audit_log, |db| async {
    let s = services(db);
    let manager = operator(Role::MessageManager);
    recipients::put(&s, &manager, "1", &json!({"name": "李伟"})).await.unwrap();
    recipients::put(&s, &manager, "1", &json!({"name": "李伟"})).await.unwrap();
    recipients::patch(&s, &manager, "1", &json!({"department": "农学院"})).await.unwrap();
    groups::put(&s, &manager, "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(&s, &manager, "choir", &json!({"add": ["1"]})).await.unwrap();
    groups::delete(&s, &manager, "choir").await.unwrap();
    let filter = json!({"name": "宿舍", "kind": "dynamic", "where": "campus_id in ('2024110233', '1')"});
    groups::put(&s, &manager, "room", &filter).await.unwrap();
    let last = audit::list(&s, &operator(Role::Owner), &AuditFilter::default(), None, 1).await.unwrap();
    assert_eq!(
        last[0].detail.0["where"], "campus_id in ('20***33', '***')",
        "it forgets nobody, so it names nobody"
    );
    let expected = [
        "recipient.create",
        "recipient.update",
        "group.create",
        "group.members",
        "group.delete",
        "group.create",
    ];
    assert_eq!(acts(&s).await, expected);
});

on_both!(a_preview_counts_and_shows_a_few, |db| async {
    let s = services(db);
    put_students(&s, 15).await;
    put(&s, "x", json!({"name": "x", "email": "someone@example.edu"})).await;
    let preview = groups::preview(&s, &registry(), &json!({"where": "role = 'student'"})).await.unwrap();
    assert_eq!((preview.count, preview.sample.len()), (15, 10));
    let preview = groups::preview(&s, &registry(), &json!({"where": "role is null"})).await.unwrap();
    assert_eq!(preview.sample[0].person.email.as_deref(), Some("s***@example.edu"), "masked for systems too");
    let broken = groups::preview(&s, &registry(), &json!({"where": "role ="})).await;
    assert_eq!(faults(broken), [pair("/where", "filter_syntax")]);
});

on_both!(an_audience_names_what_is_known, |db| async {
    let s = services(db);
    put_students(&s, 4).await;
    groups::put(&s, &registry(), "choir", &json!({"name": "合唱团", "kind": "static"})).await.unwrap();
    groups::change_members(&s, &registry(), "choir", &json!({"add": ["s1", "s2"]})).await.unwrap();
    let every = json!({"name": "学生", "kind": "dynamic", "where": "role = 'student'"});
    groups::put(&s, &registry(), "students", &every).await.unwrap();
    let read = |value: Value| -> Audience { serde_json::from_value(value).unwrap() };

    let asked = read(
        json!({"groups": ["students"], "exclude": {"groups": ["choir"], "exclude": {"recipients": ["s2"]}}}),
    );
    let resolution = groups::resolve(&s, &asked, false).await.unwrap();
    assert!(resolution.unknown.is_empty());
    assert_eq!(audience::count(&s.db, &resolution.audience).await.unwrap(), 3, "all but s1");

    let asked = read(json!({
        "groups": ["choir", "none"], "recipients": ["s3", "nobody"], "where": "role = 'staff'",
        "exclude": {"recipients": ["s1", "ghost"]},
    }));
    let expected = [
        pair("/audience/groups/1", "unknown_group"),
        pair("/audience/recipients/1", "unknown_recipient"),
        pair("/audience/exclude/recipients/1", "unknown_recipient"),
    ];
    assert_eq!(faults(groups::resolve(&s, &asked, false).await), expected);
    let resolution = groups::resolve(&s, &asked, true).await.unwrap();
    assert_eq!(resolution.unknown.len(), 3);
    assert_eq!(audience::count(&s.db, &resolution.audience).await.unwrap(), 2, "s2 and s3");

    let broken = read(json!({"where": "role =", "exclude": {"where": "("}}));
    let expected =
        [pair("/audience/where", "filter_syntax"), pair("/audience/exclude/where", "filter_syntax")];
    assert_eq!(faults(groups::resolve(&s, &broken, true).await), expected);
});

/// Imports a text in pieces of `size` bytes.
async fn import_in(
    s: &Services,
    options: ImportOptions,
    text: &str,
    size: usize,
) -> Result<ImportReport, Error> {
    let mut import = Import::start(s, &registry(), options).unwrap();
    for piece in text.as_bytes().chunks(size) {
        import.feed(piece).await?;
    }
    import.finish().await
}

async fn import(s: &Services, options: ImportOptions, text: &str) -> ImportReport {
    import_in(s, options, text, 1_000).await.unwrap()
}

const PLAIN: ImportOptions = ImportOptions { dry_run: false, deactivate_missing: false };
const REPLACE: ImportOptions = ImportOptions { dry_run: false, deactivate_missing: true };

fn lines(of: impl IntoIterator<Item = usize>) -> String {
    of.into_iter()
        .map(|n| format!("{{\"campus_id\":\"p{n}\",\"name\":\"人员{n}\",\"year\":{n}}}\n"))
        .collect()
}

/// Created, updated, unchanged, deactivated, rejected.
fn counts(report: &ImportReport) -> [u64; 5] {
    [report.created, report.updated, report.unchanged, report.deactivated, report.rejected_lines]
}

async fn active(s: &Services) -> i64 {
    let everyone = audience::ResolvedAudience { everyone: true, ..Default::default() };
    audience::count(&s.db, &everyone).await.unwrap()
}

on_both!(an_import_counts_what_it_did, |db| async {
    let s = services(db);
    put(&s, "p3", json!({"name": "人员3", "attributes": {"year": 3}})).await;
    put(&s, "p4", json!({"name": "old"})).await;
    let report = import(&s, PLAIN, &lines(1..=2_500)).await;
    assert_eq!(counts(&report), [2_498, 1, 1, 0, 0]);
    assert!(report.complete && !report.dry_run);
    assert_eq!(counts(&import(&s, PLAIN, &lines(1..=2_500)).await), [0, 0, 2_500, 0, 0]);
    let p7 = recipients::get(&s, &registry(), "p7").await.unwrap();
    assert_eq!((p7.person.name.as_str(), &p7.person.attributes["year"]), ("人员7", &json!(7)));
});

on_both!(bad_lines_are_told_and_good_ones_kept, |db| async {
    let s = services(db);
    let long = "x".repeat(70_000);
    let text = format!(
        "\u{feff}{{\"campus_id\": \"1\", \"name\": \"一\"}}\r\n\
         \n\
         {{\"campus_id\": \"2\", \"name\": \"\", \"email\": \"no\", \"role\": [1]}}\n\
         not json\n\
         [1, 2]\n\
         {{\"campus_id\": \"3\", \"name\": \"{long}\"}}\n\
         {{\"campus_id\": \"1\", \"name\": \"again\"}}\n\
         {{\"campus_id\": \"4\", \"name\": \"四\"}}"
    );
    let report = import_in(&s, PLAIN, &text, 7).await.unwrap();
    assert_eq!(counts(&report), [2, 0, 0, 0, 5]);
    let mut rejected: Vec<_> = report
        .rejected
        .iter()
        .map(|r| (r.line, r.column.as_deref().unwrap_or("-"), &*r.code, r.value.as_deref().unwrap_or("-")))
        .collect();
    rejected.sort_unstable();
    assert_eq!(
        rejected,
        [
            (3, "email", "bad_address", "no"),
            (3, "name", "required", ""),
            (3, "role", "not_flat", "[1]"),
            (4, "-", "malformed", "not json"),
            (5, "-", "not_an_object", "[1,2]"),
            (6, "-", "too_long", "-"),
            (7, "campus_id", "duplicate", "1"),
        ]
    );
    assert_eq!(
        recipients::get(&s, &registry(), "1").await.unwrap().person.name,
        "一",
        "the first line is kept"
    );
    recipients::get(&s, &registry(), "4").await.unwrap();

    let latin1 = [b"{\"campus_id\":\"5\",\"name\":\"Jos\xe9\"}\n".as_slice(), lines([6]).as_bytes()].concat();
    let mut import = Import::start(&s, &registry(), PLAIN).unwrap();
    import.feed(&latin1).await.unwrap();
    let report = import.finish().await.unwrap();
    assert_eq!((counts(&report), &*report.rejected[0].code), ([1, 0, 0, 0, 1], "encoding"));
});

on_both!(the_list_of_faults_has_an_end, |db| async {
    let s = services(db);
    let report = import(&s, PLAIN, &"{}\n".repeat(3_000)).await;
    assert_eq!((report.rejected_lines, report.rejected.len()), (3_000, 1_000));
});

on_both!(a_dry_run_says_the_same_and_keeps_nothing, |db| async {
    let s = services(db);
    put(&s, "p3", json!({"name": "人员3", "attributes": {"year": 3}})).await;
    put(&s, "gone", json!({"name": "x"})).await;
    let text = lines((1..=1_500).chain([1_500]));
    let dry = import(&s, ImportOptions { dry_run: true, ..REPLACE }, &text).await;
    assert_eq!(counts(&dry), [1_499, 0, 1, 1, 1]);
    assert!(dry.dry_run);
    assert_eq!(active(&s).await, 2);
    let wet = import(&s, REPLACE, &text).await;
    assert_eq!(counts(&wet), counts(&dry));
    assert_eq!(wet.rejected, dry.rejected);
    assert_eq!(active(&s).await, 1_500);
});

on_both!(only_who_is_in_no_line_becomes_inactive, |db| async {
    let s = services(db);
    import(&s, PLAIN, &lines(1..=6)).await;
    let text = lines(1..=3) + "{\"campus_id\":\"p4\",\"name\":\"\"}\n";
    assert_eq!(counts(&import(&s, REPLACE, &text).await), [0, 0, 3, 2, 1]);
    assert_eq!(active(&s).await, 4, "a person whose line is wrong is not missing");
    assert!(!recipients::get(&s, &registry(), "p5").await.unwrap().active);
    assert_eq!(counts(&import(&s, PLAIN, &lines([5])).await), [0, 1, 0, 0, 0], "and comes back");

    for nothing in ["", "\n\n", "campus_id,name\np1,x\n", "{\"campus_id\":\"p9\"}\n"] {
        let refused = faults(import_in(&s, REPLACE, nothing, 100).await);
        assert_eq!(refused[0], pair("", "nothing_valid"), "{nothing:?}");
    }
    assert_eq!(active(&s).await, 5);
});

on_both!(an_import_that_breaks_off_keeps_its_good_lines, |db| async {
    let s = services(db);
    put(&s, "gone", json!({"name": "x"})).await;
    let mut import = Import::start(&s, &registry(), REPLACE).unwrap();
    let text = lines(1..=1_200);
    import.feed(&text.as_bytes()[..text.len() - 5]).await.unwrap();
    let report = import.interrupt().await.unwrap();
    assert!(!report.complete);
    assert_eq!(counts(&report), [1_199, 0, 0, 0, 0], "half a line is no line");
    assert_eq!(active(&s).await, 1_200, "nobody is missing from half a file");
    assert!(recipients::get(&s, &registry(), "gone").await.unwrap().active);

    // A connection that is gone may take the import with it: whole batches are kept already.
    let mut dropped = Import::start(&s, &registry(), PLAIN).unwrap();
    dropped.feed(lines(2_001..=3_500).as_bytes()).await.unwrap();
    drop(dropped);
    assert_eq!(active(&s).await, 2_200);
});

on_both!(templates_have_versions, |db| async {
    let s = services(db);
    let manager = operator(Role::MessageManager);
    let body = |title: &str| json!({"name": "到期", "title": title, "body": "{{ book }}{% if fine is defined %} {{ fine }}{% endif %}"});
    let (change, first) = templates::put(&s, &manager, "due", &body("一")).await.unwrap();
    assert_eq!((change, first.version), (Change::Created, 1));
    assert!(first.required.iter().eq(["book"]) && first.optional.iter().eq(["fine"]));
    assert_eq!(
        templates::put(&s, &manager, "due", &body("一")).await.unwrap(),
        (Change::Unchanged, first.clone())
    );
    let (change, second) = templates::put(&s, &manager, "due", &body("二")).await.unwrap();
    assert_eq!((change, second.version), (Change::Updated, 2));
    assert_eq!(second.created_by, manager.label());

    let any_key = key(&[]);
    assert_eq!(templates::get(&s, &any_key, "due", None).await.unwrap(), second);
    assert_eq!(templates::get(&s, &any_key, "due", Some(1)).await.unwrap(), first);
    assert_eq!(templates::list(&s, &any_key, None, 9).await.unwrap(), [second]);
    assert!(matches!(templates::get(&s, &any_key, "none", None).await, Err(Error::NotFound("template"))));
    for caller in [registry(), operator(Role::Sender)] {
        let refused = templates::put(&s, &caller, "due", &body("三")).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    }
    assert_eq!(
        faults(templates::put(&s, &manager, "due", &json!({"name": "x", "title": "{{", "body": ""})).await),
        [pair("/body", "required"), pair("/title", "template_syntax")]
    );
    assert_eq!(acts(&s).await, ["template.create", "template.update"]);
});

on_both!(a_document_of_templates_is_taken_as_a_whole, |db| async {
    let s = services(db);
    let manager = operator(Role::MessageManager);
    let one = |slug: &str, body: &str| json!({"slug": slug, "name": slug, "title": "t", "body": body});
    let apply = async |list: Value| templates::apply(&s, &manager, &json!({ "templates": list })).await;
    let told = |kept: Vec<(Change, templates::Template)>| {
        kept.into_iter().map(|(change, one)| (one.slug, change, one.version)).collect::<Vec<_>>()
    };
    let kept = told(apply(json!([one("a", "1"), one("b", "1")])).await.unwrap());
    assert_eq!(kept, [("a".to_owned(), Change::Created, 1), ("b".to_owned(), Change::Created, 1)]);
    let refused = apply(json!([one("a", "2"), one("c", "{{")])).await;
    assert_eq!(faults(refused), [pair("/templates/1/body", "template_syntax")]);
    let kept = told(apply(json!([one("c", "1"), one("b", "2"), one("a", "1")])).await.unwrap());
    assert_eq!(
        kept,
        [
            ("c".to_owned(), Change::Created, 1),
            ("b".to_owned(), Change::Updated, 2),
            ("a".to_owned(), Change::Unchanged, 1),
        ]
    );
    for caller in [registry(), operator(Role::Sender)] {
        let refused = templates::apply(&s, &caller, &one("a", "3")).await;
        assert!(matches!(refused, Err(Error::Forbidden { .. })));
    }
    let acts = acts(&s).await;
    assert_eq!(acts, ["template.create", "template.create", "template.create", "template.update"]);
});
