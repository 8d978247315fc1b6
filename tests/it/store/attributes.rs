use belltower::clock::Timestamp;
use belltower::store::attributes::{CommonValue, common, names};
use belltower::store::recipients::{deactivate_missing, find};
use serde_json::json;

use super::recipients::{keep, person};
use crate::support::on_both;

fn value(name: &str, value: &str, people: i64, known: i64) -> CommonValue {
    CommonValue { name: name.into(), value: value.into(), people, known }
}

on_both!(common_values_are_counted_over_active_people, |db| async {
    for (id, body) in [
        (
            "1",
            json!({"department": "农学院", "attributes": {"role": "student", "year": 2024, "boarding": true}}),
        ),
        (
            "2",
            json!({"department": "农学院", "attributes": {"role": "student", "year": "2024", "boarding": true}}),
        ),
        ("3", json!({"department": "理学院", "attributes": {"role": "staff", "year": 1.5, "wicked '": "x"}})),
        ("gone", json!({"language": "en", "attributes": {"role": "staff", "secret": "y"}})),
    ] {
        keep(&db, &[person(id, body)], 1).await;
    }
    let mut tx = db.begin().await.unwrap();
    deactivate_missing(&mut tx, &["1", "2", "3"].map(str::to_owned), Timestamp(9)).await.unwrap();
    tx.commit().await.unwrap();
    let all = common(&db, 1, 1, None).await.unwrap();
    let expected = [
        value("department", "农学院", 2, 3),
        value("role", "student", 2, 3),
        value("year", "2024", 2, 3),
        value("boarding", "true", 2, 2),
        value("wicked '", "x", 1, 1),
    ];
    let theirs = common(&db, 1, 9, Some(&["理学院".to_owned()])).await.unwrap();
    assert!(theirs.contains(&value("role", "staff", 1, 1)), "{theirs:?}");
    assert!(theirs.iter().all(|it| it.people == 1 && it.value != "student"), "{theirs:?}");
    assert_eq!(all, expected, "a code is the same as text and as a number");
    assert_eq!(common(&db, 1, 9, None).await.unwrap().iter().filter(|it| it.name == "role").count(), 2);

    let every = names(&db, None).await.unwrap();
    assert!(every.is_sorted() && !every.contains(&"department".to_owned()), "{every:?}");
    for (name, theirs) in [("secret", false), ("boarding", false), ("wicked '", true), ("role", true)] {
        assert!(every.contains(&name.to_owned()), "{every:?}");
        let of = names(&db, Some(&["理学院".to_owned()])).await.unwrap();
        assert_eq!(of.contains(&name.to_owned()), theirs, "{name} {of:?}");
    }
    let one = find(&db, "3").await.unwrap().unwrap();
    let part = common(&db, one.id.0, 9, None).await.unwrap();
    assert!(
        part.contains(&value("department", "理学院", 1, 1)) && part.iter().all(|it| it.people == 1),
        "{part:?}"
    );
});
