//! People as identity systems keep them, and what of them filters find.

use belltower::clock::Timestamp;
use belltower::domain::channel::AddressKind;
use belltower::domain::id::RecipientId;
use belltower::domain::scim::filter::Filter;
use belltower::domain::scim::order::{OF_USERS, Order};
use belltower::domain::scim::question::{Condition, of_users};
use belltower::domain::scim::user::User;
use belltower::store::Db;
use belltower::store::bindings::bind;
use belltower::store::erasure::bury;
use belltower::store::recipients::{self, set_active};
use belltower::store::scim_users::{UserRow, count, find, leave, list, lock, lock_named, sync};
use serde_json::{Value, json};

use super::recipients::{keep, person};
use crate::support::on_both;

async fn row(db: &Db, campus_id: &str) -> UserRow {
    let mut tx = db.begin().await.unwrap();
    let row = lock_named(&mut tx, campus_id).await.unwrap().unwrap();
    tx.commit().await.unwrap();
    row
}

fn told(campus_id: &str, body: Value, external_id: Option<&str>) -> User {
    let person = person(campus_id, body);
    User { person, active: true, external_id: external_id.map(str::to_owned), told: 3 }
}

async fn synced(db: &Db, id: RecipientId, user: &User, at: i64) -> bool {
    let mut tx = db.begin().await.unwrap();
    let changed = sync(&mut tx, id, user, Timestamp(at)).await.unwrap();
    tx.commit().await.unwrap();
    changed
}

async fn left(db: &Db, id: RecipientId, at: i64) {
    let mut tx = db.begin().await.unwrap();
    leave(&mut tx, id, Timestamp(at)).await.unwrap();
    tx.commit().await.unwrap();
}

/// The campus ids that a filter finds; their number is counted as well.
async fn found(db: &Db, filter: &str) -> Vec<String> {
    let condition = of_users(&Filter::parse(filter).unwrap()).unwrap();
    let rows = list(db, &condition, None, 0, 100).await.unwrap();
    assert_eq!(count(db, &condition).await.unwrap(), rows.len() as i64, "{filter}");
    rows.into_iter().map(|row| row.person.campus_id).collect()
}

on_both!(what_an_identity_system_says_is_kept_once, |db| async {
    keep(&db, &[person("2024001", json!({"email": "a@x.example"}))], 1).await;
    let before = row(&db, "2024001").await;
    assert_eq!((before.external_id.as_deref(), before.scim_told, before.left_at), (None, 0, None));
    let user = told("2024001", json!({"name": "李伟", "mobile": "13812345678"}), Some("e-1"));
    assert!(synced(&db, before.id, &user, 2).await);
    let after = find(&db, before.id).await.unwrap().unwrap();
    assert_eq!((after.user(), after.updated_at), (user.clone(), Timestamp(2)));
    assert!(!synced(&db, before.id, &user, 3).await, "the same is not written");
    for changed in [
        User { active: false, ..user.clone() },
        User { external_id: None, ..user.clone() },
        User { told: 7, ..user.clone() },
        user.clone(),
    ] {
        assert!(synced(&db, before.id, &changed, 4).await);
        assert_eq!(row(&db, "2024001").await.user(), changed);
    }
});

on_both!(what_somebody_bound_outlives_it, |db| async {
    keep(&db, &[person("1", json!({"wechat_openid": "o-old"}))], 1).await;
    let id = row(&db, "1").await.id;
    let mut tx = db.begin().await.unwrap();
    bind(&mut tx, id, AddressKind::WechatOpenid, "o-own", Timestamp(2), Timestamp(2)).await.unwrap();
    tx.commit().await.unwrap();
    let user = told("1", json!({"wechat_openid": "o-old"}), None);
    assert!(synced(&db, id, &user, 3).await, "which facts were told");
    assert_eq!(row(&db, "1").await.person.wechat_openid.as_deref(), Some("o-own"));
    assert!(!synced(&db, id, &user, 4).await);
});

on_both!(whoever_left_is_not_shown_until_they_are_back, |db| async {
    keep(&db, &["1", "2"].map(|id| person(id, json!({}))), 1).await;
    let id = row(&db, "1").await.id;
    left(&db, id, 5).await;
    let gone = row(&db, "1").await;
    assert_eq!((gone.id, gone.active, gone.left_at), (id, false, Some(Timestamp(5))));
    assert!(find(&db, id).await.unwrap().is_none());
    let mut tx = db.begin().await.unwrap();
    assert!(lock(&mut tx, id).await.unwrap().is_none());
    assert!(lock_named(&mut tx, "nobody").await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert_eq!(found(&db, "userName pr").await, ["2"]);
    assert!(!recipients::find(&db, "1").await.unwrap().unwrap().active, "the directory knows them still");

    assert!(synced(&db, id, &gone.user(), 6).await, "back, though not active");
    assert_eq!(found(&db, "active eq false").await, ["1"]);
    left(&db, id, 7).await;
    keep(&db, &[person("1", json!({}))], 8).await;
    assert_eq!(found(&db, "active eq true").await, ["1", "2"], "an import brings them back");
    left(&db, id, 9).await;
    let mut tx = db.begin().await.unwrap();
    set_active(&mut tx, id, true, Timestamp(10)).await.unwrap();
    assert!(lock(&mut tx, id).await.unwrap().is_some(), "so does an administrator");
    bury(&mut tx, id, "erased 1", Timestamp(11)).await.unwrap();
    assert!(lock(&mut tx, id).await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert_eq!(found(&db, "userName pr").await, ["2"]);
});

on_both!(an_id_is_found_in_any_case, |db| async {
    keep(&db, &["Ab", "ab", "x"].map(|id| person(id, json!({}))), 1).await;
    assert_eq!(row(&db, "ab").await.person.campus_id, "ab");
    assert_eq!(row(&db, "Ab").await.person.campus_id, "Ab");
    assert_eq!(row(&db, "X").await.person.campus_id, "x");
});

on_both!(filters_find_whom_they_should, |db| async {
    let people = [
        person(
            "A1",
            json!({
                "name": "Li Wei", "email": "li.wei@x.example", "mobile": "13812345678", "language": "zh-CN",
                "department": "农学院", "wecom_userid": "LiWei", "wechat_openid": "o_A",
                "attributes": {"role": "student", "employee_number": "77"},
            }),
        ),
        person(
            "b2",
            json!({"name": "王敏_100%", "email": "wang@y.example", "attributes": {"role": "staff"}}),
        ),
        person("c3", json!({"name": "张三"})),
    ];
    keep(&db, &people, 5).await;
    let (a1, b2) = (row(&db, "A1").await.id, row(&db, "b2").await.id);
    assert!(
        synced(
            &db,
            b2,
            &User {
                active: false,
                ..told(
                    "b2",
                    json!({
                        "name": "王敏_100%", "email": "wang@y.example", "attributes": {"role": "staff"}
                    }),
                    Some("E-2")
                )
            },
            9_000
        )
        .await
    );
    let by_id = format!("id eq \"{a1}\"");
    let enterprise = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";
    let belltower = "urn:ietf:params:scim:schemas:extension:belltower:2.0:User";
    let of = |schema: &str, asked: &str| format!("{schema}:{asked}");
    for (filter, expected) in [
        ("userName eq \"a1\"", "A1"),
        ("userName eq \"A\"", ""),
        ("userName ne \"a1\"", "b2 c3"),
        ("userName gt \"a1\"", "b2 c3"),
        ("userName ge \"A1\" and userName le \"b2\"", "A1 b2"),
        ("externalId eq \"E-2\"", "b2"),
        ("externalId eq \"e-2\"", ""),
        ("externalId sw \"E\"", "b2"),
        ("externalId co \"-\"", "b2"),
        ("externalId ne \"E-2\"", "A1 c3"),
        ("not (externalId pr)", "A1 c3"),
        ("emails.value eq \"LI.WEI@X.example\"", "A1"),
        ("emails[type eq \"work\" and value ew \"Y.EXAMPLE\"]", "b2"),
        ("emails[type eq \"home\"]", ""),
        ("emails pr", "A1 b2"),
        ("not (emails co \"x\")", "c3"),
        ("displayName eq \"li wei\"", "A1"),
        ("displayName co \"敏_\"", "b2"),
        ("displayName co \"%\"", "b2"),
        ("displayName sw \"张\"", "c3"),
        ("displayName ew \"三\"", "c3"),
        ("displayName ew \"much longer than any name\"", ""),
        ("phoneNumbers.value eq \"+8613812345678\"", "A1"),
        ("active eq true", "A1 c3"),
        ("active ne true", "b2"),
        ("preferredLanguage eq \"ZH-cn\"", "A1"),
        ("userType eq \"Staff\"", "b2"),
        ("userType pr", "A1 b2"),
        ("not (userType eq \"staff\")", "A1 c3"),
        (of(enterprise, "department eq \"农学院\"").as_str(), "A1"),
        (of(enterprise, "employeeNumber eq \"77\"").as_str(), "A1"),
        (of(belltower, "wecomUserid eq \"liwei\"").as_str(), "A1"),
        (of(belltower, "wechatOpenid eq \"o_a\"").as_str(), ""),
        (by_id.as_str(), "A1"),
        ("id eq \"x\"", ""),
        ("meta.created lt \"1970-01-01T00:00:01Z\"", "A1 b2 c3"),
        ("meta.lastModified gt \"1970-01-01T00:00:01Z\"", "b2"),
        ("meta.lastModified eq \"1970-01-01T00:00:09Z\"", "b2"),
        ("userName eq \"c3\" or (active eq true and emails pr)", "A1 c3"),
        ("userName eq \"'; DROP TABLE recipient; --\"", ""),
    ] {
        assert_eq!(found(&db, filter).await.join(" "), expected, "{filter}");
    }
});

on_both!(lists_go_on_where_they_stopped, |db| async {
    let people: Vec<_> = (0..25).map(|n| person(&format!("p{n:02}"), json!({}))).collect();
    keep(&db, &people, 1).await;
    let all = Condition::Constant(true);
    let mut seen = Vec::new();
    for skipped in [0, 10, 20, 30] {
        let rows = list(&db, &all, None, skipped, 10).await.unwrap();
        seen.extend(rows.into_iter().map(|row| row.person.campus_id));
    }
    assert_eq!(seen, people.iter().map(|person| person.campus_id.clone()).collect::<Vec<_>>());
    assert_eq!(count(&db, &all).await.unwrap(), 25);
    assert!(list(&db, &all, None, 0, 0).await.unwrap().is_empty());
});

on_both!(lists_are_ordered_by_what_is_asked_for, |db| async {
    let people = [
        ("b2", "Zoë"),
        ("A1", "an"),
        ("c3", "王敏"),
        ("B4", "AN"),
        ("d5", "李伟"),
        ("e6", "élan"),
        ("f7", "Élan"),
    ];
    for (at, (id, name)) in (1..).zip(people) {
        keep(&db, &[person(id, json!({ "name": name }))], 10 - at).await;
    }
    let all = Condition::Constant(true);
    for (by, ascending) in [
        ("id", "b2 A1 c3 B4 d5 e6 f7"),
        ("userName", "A1 b2 B4 c3 d5 e6 f7"),
        // Of the same name, the one who came first; É and é are not the same.
        ("displayName", "A1 B4 b2 f7 e6 d5 c3"),
        ("name.formatted", "A1 B4 b2 f7 e6 d5 c3"),
        ("meta.created", "f7 e6 d5 B4 c3 A1 b2"),
        ("meta.lastModified", "f7 e6 d5 B4 c3 A1 b2"),
    ] {
        for (direction, turned) in [("ascending", false), ("descending", true)] {
            let order = Order::read(by, Some(direction), OF_USERS).unwrap();
            let mut seen = Vec::new();
            for skipped in [0, 2, 4, 6] {
                let rows = list(&db, &all, order, skipped, 2).await.unwrap();
                seen.extend(rows.into_iter().map(|row| row.person.campus_id));
            }
            let mut expected: Vec<_> = ascending.split(' ').collect();
            if turned {
                expected.reverse();
            }
            assert_eq!(seen, expected, "{by} {direction}");
        }
    }
    let condition = of_users(&Filter::parse("displayName eq \"an\"").unwrap()).unwrap();
    let order = Order::read("userName", Some("descending"), OF_USERS).unwrap();
    let rows = list(&db, &condition, order, 0, 9).await.unwrap();
    assert_eq!(rows.into_iter().map(|row| row.person.campus_id).collect::<Vec<_>>(), ["B4", "A1"]);
    for asked in
        ["eq \"ÉLAN\"", "sw \"É\"", "ew \"ÉLan\"", "co \"Él\"", "le \"Élan\" and displayName gt \"zz\""]
    {
        let condition = of_users(&Filter::parse(&format!("displayName {asked}")).unwrap()).unwrap();
        let rows = list(&db, &condition, None, 0, 9).await.unwrap();
        assert_eq!(rows.into_iter().map(|row| row.person.campus_id).collect::<Vec<_>>(), ["f7"], "{asked}");
    }
});
