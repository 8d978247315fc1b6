use belltower::clock::Timestamp;
use belltower::domain::recipient::RecipientInput;
use belltower::store::Db;
use belltower::store::audience::ResolvedAudience;
use belltower::store::recipients::{
    RecipientFilter, RecipientRow, Upserted, count, deactivate_missing, find, find_by_id, list, lock,
    lock_all, lock_by_id, set_active, update, upsert,
};
use serde_json::{Value, json};

use crate::support::on_both;

pub(super) fn person(campus_id: &str, body: Value) -> RecipientInput {
    let mut whole = json!({ "name": campus_id });
    whole.as_object_mut().unwrap().extend(body.as_object().unwrap().clone());
    RecipientInput::read(campus_id, &whole).unwrap()
}

pub(super) async fn keep(db: &Db, people: &[RecipientInput], at: i64) -> Upserted {
    let mut tx = db.begin().await.unwrap();
    let result = upsert(&mut tx, people, Timestamp(at)).await.unwrap();
    tx.commit().await.unwrap();
    result
}

async fn get(db: &Db, campus_id: &str) -> RecipientRow {
    find(db, campus_id).await.unwrap().unwrap()
}

fn ids(rows: &[RecipientRow]) -> Vec<&str> {
    rows.iter().map(|row| row.person.campus_id.as_str()).collect()
}

fn counts(created: u64, updated: u64, unchanged: u64) -> Upserted {
    Upserted { created, updated, unchanged }
}

fn li() -> RecipientInput {
    person(
        "2024001",
        json!({
            "name": "李伟 🎓 \"'\\", "email": "li@example.edu.cn", "mobile": "13812345678", "wecom_userid": "li",
            "wechat_openid": "o_1", "language": "zh-CN", "department": "农学院",
            "attributes": {"role": "student", "year": 2024, "gpa": 3.5, "party": true, "a.b'c": "x\ny"},
        }),
    )
}

on_both!(a_person_is_read_back_as_kept, |db| async {
    assert_eq!(keep(&db, &[li()], 5).await, counts(1, 0, 0));
    let row = get(&db, "2024001").await;
    assert_eq!(row.person, li());
    assert!(row.active);
    assert_eq!((row.created_at, row.updated_at), (Timestamp(5), Timestamp(5)));
    assert!(find(&db, "2024002").await.unwrap().is_none());
});

on_both!(what_stays_the_same_is_not_written, |db| async {
    let others = [person("1", json!({})), person("2", json!({"attributes": {"n": 1}}))];
    assert_eq!(keep(&db, &others, 1).await, counts(2, 0, 0));
    let second = [person("2", json!({"attributes": {"n": 2}})), li(), person("1", json!({}))];
    assert_eq!(keep(&db, &second, 2).await, counts(1, 1, 1));
    assert_eq!(get(&db, "1").await.updated_at, Timestamp(1));
    assert_eq!(get(&db, "2").await.created_at, Timestamp(1));
    assert_eq!(get(&db, "2").await.updated_at, Timestamp(2));
    assert_eq!(keep(&db, &second, 3).await, counts(0, 0, 3));
    assert_eq!(keep(&db, &[], 3).await, counts(0, 0, 0));
});

on_both!(one_batch_holds_as_many_as_there_are, |db| async {
    let many: Vec<_> = (0..3_000).map(|n| person(&n.to_string(), json!({"attributes": {"n": n}}))).collect();
    assert_eq!(keep(&db, &many, 1).await, counts(3_000, 0, 0));
    assert_eq!(keep(&db, &many, 2).await, counts(0, 0, 3_000));
});

on_both!(a_person_is_updated_in_place, |db| async {
    keep(&db, &[li(), person("1", json!({}))], 1).await;
    let mut tx = db.begin().await.unwrap();
    deactivate_missing(&mut tx, &["1".to_owned()], Timestamp(2)).await.unwrap();
    let row = lock(&mut tx, "2024001").await.unwrap().unwrap();
    assert!(lock(&mut tx, "nobody").await.unwrap().is_none());
    let changed = li().patched(&json!({"email": null, "attributes": {"gpa": null}})).unwrap();
    update(&mut tx, row.id, &changed, Timestamp(3)).await.unwrap();
    tx.commit().await.unwrap();
    let row = get(&db, "2024001").await;
    assert_eq!((row.person.email.as_deref(), row.person.mobile.as_deref()), (None, Some("+8613812345678")));
    assert_eq!(row.person.attributes, changed.attributes);
    assert_eq!(row.updated_at, Timestamp(3));
    assert!(!row.active, "an update wakes nobody");
    assert_eq!(get(&db, "1").await.updated_at, Timestamp(1));
});

on_both!(those_of_many_who_are_there_are_locked, |db| async {
    keep(&db, &[li(), person("2", json!({})), person("1", json!({}))], 1).await;
    let mut tx = db.begin().await.unwrap();
    let rows = lock_all(&mut tx, &["nobody", "2024001", "1"]).await.unwrap();
    assert_eq!(ids(&rows), ["1", "2024001"]);
    assert_eq!(rows[1].person, li());
    assert!(lock_all(&mut tx, &[]).await.unwrap().is_empty());
});

on_both!(who_is_missing_becomes_inactive_and_comes_back, |db| async {
    let all = ["1", "2", "3"].map(|id| person(id, json!({})));
    keep(&db, &all, 1).await;
    let mut tx = db.begin().await.unwrap();
    let present = ["2".to_owned(), "9".to_owned()];
    assert_eq!(deactivate_missing(&mut tx, &present, Timestamp(2)).await.unwrap(), 2);
    assert_eq!(deactivate_missing(&mut tx, &present, Timestamp(3)).await.unwrap(), 0);
    tx.commit().await.unwrap();
    assert!(!get(&db, "1").await.active);
    assert!(get(&db, "2").await.active);
    assert_eq!(keep(&db, &all, 4).await, counts(0, 2, 1));
    assert!(get(&db, "1").await.active);
});

on_both!(people_are_found_by_what_one_knows_of_them, |db| async {
    keep(
        &db,
        &[
            person("S2024001", json!({"name": "李伟", "email": "Li.Wei@example.edu"})),
            person("S2024002", json!({"name": "王李", "mobile": "13912345678"})),
            person("T100", json!({"name": "100%", "mobile": "+85261234567"})),
        ],
        1,
    )
    .await;
    let found = async |q: &str| {
        let filter = RecipientFilter { q: q.to_owned(), ..RecipientFilter::default() };
        let rows = list(&db, &filter, None, 10).await.unwrap();
        assert_eq!(count(&db, &filter).await.unwrap(), rows.len() as i64);
        rows.into_iter().map(|row| row.person.campus_id).collect::<Vec<_>>()
    };
    assert_eq!(found("").await, ["T100", "S2024002", "S2024001"], "newest first");
    assert_eq!(found("s2024").await, ["S2024002", "S2024001"]);
    assert_eq!(found("2024").await, [""; 0], "an id is known from its beginning");
    assert_eq!(found(" 李 ").await, ["S2024002", "S2024001"]);
    assert_eq!(found("li.wei@").await, ["S2024001"]);
    assert_eq!(found("139").await, ["S2024002"]);
    assert_eq!(found("+86139").await, ["S2024002"]);
    assert_eq!(found("%").await, ["T100"], "no wildcards");
    assert_eq!(found("_").await, [""; 0]);
});

on_both!(lists_go_on_and_keep_to_an_audience, |db| async {
    let people: Vec<_> = (1..=5).map(|n| person(&format!("p{n}"), json!({}))).collect();
    for one in people {
        keep(&db, &[one], 1).await;
    }
    let all = RecipientFilter::default();
    let first = list(&db, &all, None, 2).await.unwrap();
    assert_eq!(ids(&first), ["p5", "p4"]);
    let rest = list(&db, &all, Some(first[1].id), 10).await.unwrap();
    assert_eq!(ids(&rest), ["p3", "p2", "p1"]);
    let audience =
        ResolvedAudience { recipients: vec!["p1".into(), "p4".into(), "p5".into()], ..Default::default() };
    let some = RecipientFilter { q: "p".to_owned(), audience: Some(audience), ..RecipientFilter::default() };
    assert_eq!(ids(&list(&db, &some, Some(first[0].id), 10).await.unwrap()), ["p4", "p1"]);
    assert_eq!((count(&db, &all).await.unwrap(), count(&db, &some).await.unwrap()), (5, 3));
});

on_both!(one_person_is_made_inactive_and_active, |db| async {
    keep(&db, &["1", "2"].map(|id| person(id, json!({}))), 1).await;
    let id = get(&db, "1").await.id;
    assert_eq!(find_by_id(&db, id).await.unwrap().unwrap().person.campus_id, "1");
    for (active, at) in [(false, 5), (true, 7)] {
        let mut tx = db.begin().await.unwrap();
        assert!(set_active(&mut tx, id, active, Timestamp(at)).await.unwrap());
        assert!(!set_active(&mut tx, id, active, Timestamp(at + 1)).await.unwrap(), "so already");
        tx.commit().await.unwrap();
        let row = get(&db, "1").await;
        assert_eq!((row.active, row.updated_at), (active, Timestamp(at)));
    }
    assert!(get(&db, "2").await.active);
    let mut tx = db.begin().await.unwrap();
    belltower::store::erasure::bury(&mut tx, id, "erased 1", Timestamp(9)).await.unwrap();
    tx.commit().await.unwrap();
    assert!(find_by_id(&db, id).await.unwrap().is_none(), "who was erased is found no more");
    let mut tx = db.begin().await.unwrap();
    assert!(lock_by_id(&mut tx, id).await.unwrap().is_none());
    let other = get(&db, "2").await;
    assert_eq!(lock_by_id(&mut tx, other.id).await.unwrap(), Some(other));
});

on_both!(people_are_found_by_department_and_by_whether_they_are_active, |db| async {
    let people = [("1", Some("农学院")), ("2", Some("动物科技学院")), ("3", Some("图书馆")), ("4", None)];
    for (id, department) in people {
        keep(&db, &[person(id, json!({"department": department}))], 1).await;
    }
    let mut tx = db.begin().await.unwrap();
    deactivate_missing(&mut tx, &["1", "3", "4"].map(str::to_owned), Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();
    let found = async |q: &str, department: &str, active| {
        let filter = RecipientFilter {
            q: q.to_owned(),
            department: department.to_owned(),
            active,
            ..RecipientFilter::default()
        };
        let rows = list(&db, &filter, None, 10).await.unwrap();
        assert_eq!(count(&db, &filter).await.unwrap(), rows.len() as i64);
        rows.into_iter().map(|row| row.person.campus_id).collect::<Vec<_>>()
    };
    assert_eq!(found("", " 学院 ", None).await, ["2", "1"]);
    assert_eq!(found("1", "学院", None).await, ["1"]);
    assert_eq!(found("", "学院", Some(true)).await, ["1"]);
    assert_eq!(found("", "", Some(false)).await, ["2"]);
    for (within, theirs) in
        [(&["农学院"][..], &["1"][..]), (&["农学院", "动物科技学院"], &["2", "1"]), (&[], &[])]
    {
        let within = Some(within.iter().map(|&name| name.to_owned()).collect());
        let rows =
            list(&db, &RecipientFilter { within, ..RecipientFilter::default() }, None, 10).await.unwrap();
        let rows: Vec<_> = rows.into_iter().map(|row| row.person.campus_id).collect();
        assert_eq!(rows, theirs, "active or not");
    }
    assert_eq!(found("", "%", None).await, [""; 0], "no wildcards");
});
