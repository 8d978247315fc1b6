use std::collections::HashSet;

use belltower::clock::Timestamp;
use belltower::domain::audience::DirectAddress;
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::filter::{Filter, Value};
use belltower::domain::id::{MessageId, RecipientId};
use belltower::domain::recipient::RecipientInput;
use belltower::store::Db;
use belltower::store::audience::{
    Caps, Missed, ResolvedAudience, count, found_among, goes_beyond, known, members, named, reach,
    reach_addresses, sample,
};
use belltower::store::recipients::{self, deactivate_missing};
use belltower::store::screen::{Quiet, Screen};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestRunner;
use serde_json::json;

use super::groups::{create, group};
use super::recipients::{keep, person};
use super::{execute, messages};
use crate::support::on_both;

async fn chosen(db: &Db, audience: &ResolvedAudience) -> Vec<String> {
    let mut found = Vec::new();
    let mut after = RecipientId(0);
    loop {
        let page = members(db, audience, after, 7).await.unwrap();
        let Some(last) = page.last() else { break };
        after = *last;
        found.extend(page);
    }
    assert_eq!(count(db, audience).await.unwrap(), found.len() as i64);
    let mut ids = Vec::new();
    for row in recipients::list(db, &recipients::RecipientFilter::default(), None, 200).await.unwrap() {
        if found.contains(&row.id) {
            ids.push(row.person.campus_id);
        }
    }
    assert_eq!(ids.len(), found.len(), "nobody twice");
    ids.sort();
    ids
}

fn filter(text: &str) -> Vec<Filter> {
    vec![Filter::parse(text).unwrap()]
}

fn listed(ids: &[&str]) -> ResolvedAudience {
    ResolvedAudience { recipients: ids.iter().map(|id| (*id).to_owned()).collect(), ..Default::default() }
}

on_both!(an_audience_goes_no_further_than_whom_it_is_among, |db| async {
    let people = [
        person("1", json!({"department": "农学院", "attributes": {"role": "student"}})),
        person("2", json!({"department": "农学院", "attributes": {"role": "staff"}})),
        person("3", json!({"department": "理学院", "attributes": {"role": "student"}})),
        person("4", json!({"attributes": {"role": "student"}})),
    ];
    keep(&db, &people, 1).await;
    let choir = create(&db, &group("choir", None), &["1", "2"]).await;
    let choir = || ResolvedAudience { groups: vec![choir], ..ResolvedAudience::default() };
    let among = |audience| ResolvedAudience { among: Some(Box::new(choir())), ..audience };
    let students = || ResolvedAudience { filters: filter("role = 'student'"), ..ResolvedAudience::default() };
    assert_eq!(chosen(&db, &among(students())).await, ["1"]);
    assert_eq!(chosen(&db, &among(listed(&["2", "3"]))).await, ["2"]);
    let everyone = ResolvedAudience { everyone: true, ..ResolvedAudience::default() };
    assert_eq!(chosen(&db, &among(everyone.clone())).await, ["1", "2"]);
    let less = ResolvedAudience { exclude: Some(Box::new(listed(&["1", "3"]))), ..everyone.clone() };
    assert_eq!(chosen(&db, &among(less)).await, ["2"]);
    let nobody = ResolvedAudience { among: Some(Box::default()), ..everyone };
    assert!(chosen(&db, &nobody).await.is_empty(), "groups that are gone have nobody");
    // What others add is not limited by it.
    let also = vec![among(students()), listed(&["4"])];
    assert_eq!(chosen(&db, &ResolvedAudience { also, ..ResolvedAudience::default() }).await, ["1", "4"]);

    deactivate(&db, "2").await;
    let found = async |ids: &[&str], audience| {
        let mut found: Vec<_> = found_among(&db, ids, &audience).await.unwrap().into_iter().collect();
        found.sort();
        found
    };
    assert_eq!(found(&["2", "3", "9"], choir()).await, ["2"], "also who is not active");
    assert_eq!(found(&["1", "2", "4"], students()).await, ["1", "4"]);
    assert!(found(&["1"], ResolvedAudience::default()).await.is_empty());
    let beyond = async |audience, departments: &[&str]| {
        let departments: Vec<_> = departments.iter().map(|&name| name.to_owned()).collect();
        goes_beyond(&db, &audience, &departments).await.unwrap()
    };
    assert!(!beyond(choir(), &["农学院"]).await && beyond(choir(), &["理学院"]).await);
    assert!(!beyond(listed(&["1", "3"]), &["理学院", "农学院"]).await);
    assert!(beyond(students(), &["理学院", "农学院"]).await, "who is of no department is of none of these");
    assert!(!beyond(ResolvedAudience::default(), &[]).await, "nobody");
});

async fn deactivate(db: &Db, campus_id: &str) {
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, &format!("UPDATE recipient SET active = FALSE WHERE campus_id = '{campus_id}'")).await;
    tx.commit().await.unwrap();
}

on_both!(an_audience_is_a_union_less_an_exclusion, |db| async {
    let people = [
        person("1", json!({"department": "农学院", "attributes": {"role": "student"}})),
        person("2", json!({"attributes": {"role": "student"}})),
        person("3", json!({"department": "理学院", "attributes": {"role": "staff"}})),
        person("4", json!({"attributes": {"role": "staff"}})),
        person("5", json!({"department": "农学院"})),
        person("6", json!({"attributes": {"role": "student"}})),
    ];
    keep(&db, &people, 1).await;
    let choir = create(&db, &group("choir", None), &["2", "3", "6"]).await;
    let empty = create(&db, &group("empty", None), &[]).await;
    let mut tx = db.begin().await.unwrap();
    let active = ["1", "2", "3", "4", "5"].map(str::to_owned);
    deactivate_missing(&mut tx, &active, Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();

    let everyone = ResolvedAudience { everyone: true, ..Default::default() };
    let students = ResolvedAudience { filters: filter("role = 'student'"), ..Default::default() };
    let singers = ResolvedAudience { groups: vec![choir, empty], ..Default::default() };
    let except = |from: &ResolvedAudience, less: &ResolvedAudience| ResolvedAudience {
        exclude: Some(Box::new(less.clone())),
        ..from.clone()
    };
    let within = |from: &ResolvedAudience, departments: &[&str]| ResolvedAudience {
        within: Some(departments.iter().map(|&name| name.to_owned()).collect()),
        ..from.clone()
    };
    let all_kinds = ResolvedAudience {
        groups: vec![choir],
        filters: filter("role is null"),
        recipients: vec!["1".to_owned(), "nobody".to_owned()],
        ..Default::default()
    };
    for (audience, expected) in [
        (ResolvedAudience::default(), &[][..]),
        (everyone.clone(), &["1", "2", "3", "4", "5"]),
        (students.clone(), &["1", "2"]),
        (singers.clone(), &["2", "3"]),
        (listed(&["4", "6", "4"]), &["4"]),
        (all_kinds.clone(), &["1", "2", "3", "5"]),
        (except(&everyone, &students), &["3", "4", "5"]),
        (except(&all_kinds, &singers), &["1", "5"]),
        (except(&students, &all_kinds), &[]),
        (except(&everyone, &except(&everyone, &students)), &["1", "2"]),
        (within(&everyone, &["农学院"]), &["1", "5"]),
        (within(&all_kinds, &["农学院", "理学院"]), &["1", "3", "5"]),
        (within(&except(&everyone, &students), &["农学院"]), &["5"]),
        (within(&everyone, &[]), &[]),
    ] {
        assert_eq!(chosen(&db, &audience).await, expected, "{audience:?}");
    }
});

on_both!(ten_thousand_may_be_listed, |db| async {
    keep(&db, &["1", "2", "3"].map(|id| person(id, json!({}))), 1).await;
    let mut ids: Vec<String> = (0..10_000).map(|n| format!("absent-{n}")).collect();
    ids.extend(["1".to_owned(), "3".to_owned()]);
    let many = ResolvedAudience { recipients: ids.clone(), ..Default::default() };
    assert_eq!(chosen(&db, &many).await, ["1", "3"]);
    let ids: Vec<&str> = ids.iter().map(String::as_str).collect();
    assert_eq!(known(&db, &ids, None).await.unwrap(), HashSet::from(["1".to_owned(), "3".to_owned()]));
    keep(&db, &[person("3", json!({"department": "农学院"}))], 2).await;
    let theirs = Some(&["农学院".to_owned(), "理学院".to_owned()][..]);
    assert_eq!(known(&db, &ids, theirs).await.unwrap(), HashSet::from(["3".to_owned()]));
    assert!(known(&db, &ids, Some(&[])).await.unwrap().is_empty());
});

on_both!(a_sample_is_of_the_audience, |db| async {
    let people: Vec<_> =
        (0..50).map(|n| person(&n.to_string(), json!({"attributes": {"even": n % 2 == 0}}))).collect();
    keep(&db, &people, 1).await;
    let even = ResolvedAudience { filters: filter("even = true"), ..Default::default() };
    let some = sample(&db, &even, 10).await.unwrap();
    assert_eq!(some.len(), 10);
    assert!(some.iter().all(|row| row.person.attributes["even"] == true));
    assert_eq!(sample(&db, &even, 100).await.unwrap().len(), 25);
});

on_both!(groups_are_known_by_their_slugs, |db| async {
    create(&db, &group("choir", None), &[]).await;
    create(&db, &group("fresh", Some("year = 2024")), &[]).await;
    let mut found = named(&db, &["fresh", "choir", "nobody", "choir"]).await.unwrap();
    found.sort_by(|a, b| a.slug.cmp(&b.slug));
    let found: Vec<_> = found.iter().map(|g| (g.slug.as_str(), g.filter.as_deref())).collect();
    assert_eq!(found, [("choir", None), ("fresh", Some("year = 2024"))]);
});

/// People as an import brings them: attributes of mixed kinds, written and spelled in several ways.
fn people() -> impl Strategy<Value = Vec<RecipientInput>> {
    let value = prop_oneof![
        Just(json!("student")),
        Just(json!("Student")),
        Just(json!("农学院")),
        Just(json!("10")),
        Just(json!("9")),
        Just(json!("")),
        Just(json!("TRUE")),
        Just(json!(true)),
        Just(json!(10)),
        Just(json!(-2.5)),
        Just(json!(null)),
    ];
    let person = (prop::option::of("农学院|理学院"), prop::option::of("en|zh-CN"), value.clone(), value).prop_map(
        |(department, language, role, year)| {
            json!({"department": department, "language": language, "attributes": {"role": role, "year": year}})
        },
    );
    prop::collection::vec(person, 20).prop_map(|all| {
        all.into_iter().enumerate().map(|(n, body)| self::person(&format!("p{n}"), body)).collect()
    })
}

fn filters() -> impl Strategy<Value = String> {
    let name = "role|year|department|language|campus_id|nothing";
    let literal = "'student'|'农学院'|'10'|'p1[0-9]'|10|9|-2[.]5";
    let test = prop_oneof![
        (name, "=|!=|<|<=|>|>=", literal).prop_map(|(a, op, v)| format!("{a} {op} {v}")),
        (name, "=|!=", "true|false").prop_map(|(a, op, v)| format!("{a} {op} {v}")),
        (name, "in|not in").prop_map(|(a, op)| format!("{a} {op} ('student', '理学院', 'p3')")),
        (name, "'%学%'|'p_'|'STU%'|'1%'").prop_map(|(a, p)| format!("{a} like {p}")),
        (name, "is null|is not null").prop_map(|(a, op)| format!("{a} {op}")),
    ];
    test.prop_recursive(3, 12, 2, |inner| {
        prop_oneof![
            (inner.clone(), "and|or", inner.clone()).prop_map(|(a, op, b)| format!("({a} {op} {b})")),
            inner.prop_map(|a| format!("not {a}")),
        ]
    })
}

/// Whom the filter is for by its definition, which knows no database.
fn by_definition(people: &[RecipientInput], filter: &Filter) -> Vec<String> {
    let text = |text: &str| Value::Text(text.to_owned().into());
    let matches = |one: &&RecipientInput| {
        filter.matches(&|name| match name {
            "campus_id" => Some(text(&one.campus_id)),
            "department" => one.department.as_deref().map(text),
            "language" => one.language.as_deref().map(text),
            _ => one.attributes.get(name).and_then(|json| match json {
                serde_json::Value::Number(number) => number.as_f64().map(Value::Number),
                serde_json::Value::Bool(it) => Some(Value::Bool(*it)),
                json => json.as_str().map(text),
            }),
        })
    };
    let mut ids: Vec<_> = people.iter().filter(matches).map(|one| one.campus_id.clone()).collect();
    ids.sort();
    ids
}

on_both!(filters_select_the_same_people_on_every_database, |db| async {
    // The same cases on both databases: each is held against the definition.
    let mut runner = TestRunner::deterministic();
    let mut selected = 0;
    for _ in 0..5 {
        let people = people().new_tree(&mut runner).unwrap().current();
        keep(&db, &people, 1).await;
        for _ in 0..30 {
            let text = filters().new_tree(&mut runner).unwrap().current();
            let filter = Filter::parse(&text).unwrap_or_else(|e| panic!("{text}: {e}"));
            let audience = ResolvedAudience { filters: vec![filter.clone()], ..Default::default() };
            let found = chosen(&db, &audience).await;
            assert_eq!(found, by_definition(&people, &filter), "{text}");
            selected += found.len();
        }
    }
    assert!((300..2_700).contains(&selected), "the cases are one-sided: {selected} of 3000");
});

on_both!(audiences_are_united_each_less_its_own_exclusion_and_counted_by_channel, |db| async {
    let student = json!({"role": "student"});
    let people = [
        person("1", json!({"email": "a@campus.example", "attributes": student})),
        person("2", json!({"email": "b@campus.example", "mobile": "13800000002", "attributes": student})),
        person("3", json!({"mobile": "13800000003"})),
        person("4", json!({"wechat_openid": "openid-4"})),
    ];
    keep(&db, &people, 1).await;
    let students = ResolvedAudience {
        filters: filter("role = 'student'"),
        exclude: Some(Box::new(listed(&["1", "3"]))),
        ..Default::default()
    };
    let united = |also| ResolvedAudience { also, ..Default::default() };
    assert_eq!(chosen(&db, &united(vec![students.clone(), listed(&["3"])])).await, ["2", "3"]);
    assert!(chosen(&db, &united(Vec::new())).await.is_empty());

    let opt_out = "INSERT INTO opt_out (recipient_id, channel, topic, created_at)
        SELECT id, 2, 'library.#', 0 FROM recipient WHERE campus_id = '2'";
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, opt_out).await;
    tx.commit().await.unwrap();
    let all = united(vec![students, listed(&["1", "3", "4"])]);
    let screen = Screen { opt_outs: vec!["library.#".to_owned()], ..Screen::default() };
    let (nothing, now, free) = (Screen::default(), Timestamp(10), Caps::default());
    let counted = reach(&db, &all, &screen, &free, false, now).await.unwrap();
    assert_eq!(counted.total, 4);
    let missed = |opted_out, no_address, suppressed| Missed { opted_out, no_address, suppressed };
    assert_eq!(counted.missed[&ChannelKind::Email], missed(0, 2, 0));
    assert_eq!(counted.missed[&ChannelKind::Sms], missed(1, 2, 0), "whoever opted out is not counted again");
    assert_eq!(counted.missed[&ChannelKind::Wechat], missed(0, 3, 0));
    let at = AddressKind::ALL.map(|kind| counted.at[&kind]);
    assert_eq!(at, [2, 1, 0, 1], "each at the kind of address that is used");
    let counted = reach(&db, &all, &nothing, &free, false, now).await.unwrap();
    assert_eq!(counted.missed[&ChannelKind::Sms], missed(0, 2, 0));

    let mut tx = db.begin().await.unwrap();
    let listed = "INSERT INTO suppression (kind, address, cause, note, created_at, created_by, until)
        VALUES (1, 'a@campus.example', 1, '', 0, '', 11)";
    execute(&mut tx, listed).await;
    let handed = "INSERT INTO person_day (recipient_id, channel, day, n)
        SELECT id, 2, '2026-09-21', 3 FROM recipient WHERE campus_id = '3'";
    execute(&mut tx, handed).await;
    tx.commit().await.unwrap();
    let screen = Screen { suppression: true, ..Screen::default() };
    let caps = |day: &str, sms| Caps { day: day.to_owned(), most: [(ChannelKind::Sms, sms)].into() };
    for (caps, sms) in [(caps("2026-09-21", 3), 1), (caps("2026-09-21", 4), 0), (caps("2026-09-22", 3), 0)] {
        let counted = reach(&db, &all, &screen, &caps, false, now).await.unwrap();
        assert_eq!(counted.missed[&ChannelKind::Sms], missed(0, 2, sms), "{caps:?}");
        assert_eq!(counted.missed[&ChannelKind::Email], missed(0, 2, 1));
    }
});

on_both!(addresses_outside_the_directory_are_judged_as_sending_judges_them, |db| async {
    let to = |kind, value: &str| DirectAddress { kind, value: value.to_owned() };
    let (listed, had, failed) = (
        to(AddressKind::Email, "A@campus.example"),
        to(AddressKind::Email, "b@campus.example"),
        to(AddressKind::Email, "c@campus.example"),
    );
    let mobile = to(AddressKind::Mobile, "+8613800000001");
    let all = [&listed, &had, &failed, &mobile];
    messages::sources(&db).await;
    messages::keep(&db, &[messages::message(1)]).await;
    let mut tx = db.begin().await.unwrap();
    for text in [
        "INSERT INTO suppression (kind, address, cause, note, created_at, created_by, until) VALUES
            (1, 'a@campus.example', 1, '', 0, '', 11), (1, 'c@campus.example', 1, '', 0, '', 10)",
        "INSERT INTO delivery (id, message_id, channel, outlet, lane, target, address_kind, address, state, due_at,
            updated_at) VALUES (1, 1, 1, 1, 2, -1, 1, 'B@campus.example', 2, 0, 0),
            (2, 1, 1, 1, 2, -2, 1, 'c@campus.example', 4, 0, 0)",
    ] {
        execute(&mut tx, text).await;
    }
    tx.commit().await.unwrap();
    let suppressed = async |screen: Screen, channel| {
        let found = reach_addresses(&db, &all, &screen, Timestamp(10)).await.unwrap();
        assert_eq!((found[&AddressKind::Email].total, found[&AddressKind::Mobile].total), (3, 1));
        found[&channel].suppressed
    };
    assert_eq!(suppressed(Screen::default(), AddressKind::Email).await, 0);
    let suppression = Screen { suppression: true, ..Screen::default() };
    assert_eq!(suppressed(suppression.clone(), AddressKind::Email).await, 1, "of one the time is over");
    let both = Screen { repeats: vec![MessageId(1)], ..suppression };
    assert_eq!(suppressed(both.clone(), AddressKind::Email).await, 2, "one has the text, one never got it");
    assert_eq!(suppressed(both, AddressKind::Mobile).await, 0);
    let late = Screen { quiet: [(ChannelKind::Sms, Quiet::TooLong)].into(), ..Screen::default() };
    assert_eq!(suppressed(late.clone(), AddressKind::Mobile).await, 1);
    assert_eq!(suppressed(late, AddressKind::Email).await, 0);
    assert!(reach_addresses(&db, &[], &Screen::default(), Timestamp(10)).await.unwrap().is_empty());
});
