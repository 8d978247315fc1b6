use belltower::clock::Timestamp;
use belltower::domain::emergency::Scenario;
use belltower::domain::emergency::starters::starters;
use belltower::domain::id::OperatorId;
use belltower::store::Db;
use belltower::store::scenarios::{
    NewChange, NewScenario, ScenarioRow, change_of, changes, find, give_back, insert, list, list_in, lock,
    lock_change, propose, remove_change, retire, retired, revise, update, with_code,
};

use crate::support::on_both;

const NOW: Timestamp = Timestamp(100);

fn scenario(at: usize) -> Scenario {
    starters(jiff::civil::date(2026, 9, 21)).swap_remove(at).scenario
}

async fn keep(db: &Db, slug: &str, document: &Scenario) -> bool {
    let mut tx = db.begin().await.unwrap();
    let added = insert(&mut tx, &NewScenario { slug, document, by: "王敏" }, NOW).await.unwrap();
    tx.commit().await.unwrap();
    added
}

on_both!(a_slug_and_a_code_are_taken_once, |db| async {
    let (fire, other) = (scenario(0), scenario(1));
    assert!(keep(&db, "fire", &fire).await);
    assert!(!keep(&db, "fire", &other).await, "the slug");
    assert!(!keep(&db, "blaze", &fire).await, "the code");
    let row = find(&db, "fire").await.unwrap().unwrap();
    assert_eq!((row.version, &row.document.0, row.updated_by.as_str()), (1, &fire, "王敏"));
    assert_eq!((row.updated_at, row.retired_at), (NOW, None));
    assert!(find(&db, "blaze").await.unwrap().is_none());
    let mut tx = db.begin().await.unwrap();
    assert_eq!(with_code(&mut tx, &fire.code).await.unwrap().unwrap().slug, "fire");
    assert!(with_code(&mut tx, "ZZ").await.unwrap().is_none());
});

on_both!(a_scenario_changes_from_the_version_that_was_seen_and_is_taken_out_of_use, |db| async {
    let (fire, mut later) = (scenario(0), scenario(0));
    "保卫处值班室".clone_into(&mut later.owner);
    keep(&db, "fire", &fire).await;
    keep(&db, "quake", &scenario(2)).await;
    let mut tx = db.begin().await.unwrap();
    let new = NewScenario { slug: "fire", document: &later, by: "李华" };
    assert!(!update(&mut tx, &new, 2, Timestamp(200)).await.unwrap());
    assert!(update(&mut tx, &new, 1, Timestamp(200)).await.unwrap());
    let row = lock(&mut tx, "fire").await.unwrap().unwrap();
    assert_eq!(
        (row.version, row.document.0.owner.as_str(), row.updated_at),
        (2, "保卫处值班室", Timestamp(200))
    );
    assert!(!retire(&mut tx, "fire", 1, "李华", Timestamp(300)).await.unwrap());
    assert!(retire(&mut tx, "fire", 2, "李华", Timestamp(300)).await.unwrap());
    assert!(!retire(&mut tx, "fire", 3, "李华", Timestamp(300)).await.unwrap(), "it is");
    assert!(lock(&mut tx, "none").await.unwrap().is_none());
    tx.commit().await.unwrap();
    let slugs = |rows: Vec<ScenarioRow>| rows.into_iter().map(|row| row.slug).collect::<Vec<_>>();
    assert_eq!(slugs(list(&db).await.unwrap()), ["quake"]);
    assert_eq!(slugs(retired(&db).await.unwrap()), ["fire"]);
    let row = find(&db, "fire").await.unwrap().unwrap();
    assert_eq!((row.version, row.retired_at), (3, Some(Timestamp(300))));
    let mut tx = db.begin().await.unwrap();
    assert!(update(&mut tx, &new, 3, Timestamp(400)).await.unwrap(), "back in use");
    tx.commit().await.unwrap();
    assert_eq!(list(&db).await.unwrap().len(), 2);
    assert!(retired(&db).await.unwrap().is_empty());
    let mut tx = db.begin().await.unwrap();
    assert!(retire(&mut tx, "quake", 1, "李华", Timestamp(500)).await.unwrap());
    assert_eq!(slugs(list_in(&mut tx).await.unwrap()), ["fire"], "as the transaction leaves them");
});

on_both!(one_change_of_a_scenario_waits_at_a_time, |db| async {
    let (fire, mut later) = (scenario(0), scenario(0));
    "保卫处值班室".clone_into(&mut later.owner);
    let new = NewChange {
        slug: "fire",
        based_on: 1,
        document: Some(&fire),
        editors: &[OperatorId(3)],
        by: "王敏",
        reason: "",
    };
    let mut tx = db.begin().await.unwrap();
    assert!(propose(&mut tx, &new, NOW).await.unwrap());
    assert!(!propose(&mut tx, &new, NOW).await.unwrap());
    let retiring = NewChange { slug: "quake", document: None, reason: "重复", ..new };
    assert!(propose(&mut tx, &retiring, NOW).await.unwrap());
    tx.commit().await.unwrap();
    let waiting: Vec<_> = changes(&db).await.unwrap().into_iter().map(|row| row.slug).collect();
    assert_eq!(waiting, ["fire", "quake"]);
    assert!(change_of(&db, "quake").await.unwrap().unwrap().document.is_none());

    let mut tx = db.begin().await.unwrap();
    give_back(&mut tx, "fire", "写明楼栋", &[OperatorId(3), OperatorId(4)], Timestamp(200)).await.unwrap();
    let row = lock_change(&mut tx, "fire").await.unwrap().unwrap();
    assert_eq!((row.returned.as_deref(), row.editors.0, row.version), (Some("写明楼栋"), vec![3, 4], 2));
    let revised = NewChange { document: Some(&later), editors: &[OperatorId(3), OperatorId(4)], ..new };
    revise(&mut tx, &revised, Timestamp(300)).await.unwrap();
    tx.commit().await.unwrap();
    let row = change_of(&db, "fire").await.unwrap().unwrap();
    assert_eq!((row.returned, row.version, row.updated_at), (None, 3, Timestamp(300)));
    assert_eq!((row.document.unwrap().0, row.proposed_at, row.based_on), (later.clone(), NOW, 1));

    let mut tx = db.begin().await.unwrap();
    remove_change(&mut tx, "fire").await.unwrap();
    assert!(lock_change(&mut tx, "fire").await.unwrap().is_none());
    tx.commit().await.unwrap();
    assert_eq!(changes(&db).await.unwrap().len(), 1);
});
