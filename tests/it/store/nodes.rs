use belltower::clock::Timestamp;
use belltower::domain::node::NodeFacts;
use belltower::store::Dialect;
use belltower::store::nodes::{beat, database_clock, list, prune, size, steps};

use crate::support::on_both;

on_both!(a_process_is_known_as_it_last_said, |db| async {
    let facts =
        |name: &str, disk_free| NodeFacts { name: name.to_owned(), disk_free, ..NodeFacts::default() };
    let mut tx = db.begin().await.unwrap();
    beat(&mut tx, 2, &facts("b:1", 5), Timestamp(10)).await.unwrap();
    beat(&mut tx, 1, &facts("a:1", 5), Timestamp(10)).await.unwrap();
    beat(&mut tx, 2, &facts("b:1", 4), Timestamp(20)).await.unwrap();
    tx.commit().await.unwrap();
    let names = |rows: Vec<belltower::store::nodes::NodeRow>| -> Vec<_> {
        rows.into_iter().map(|row| (row.facts.0.name, row.facts.0.disk_free, row.seen_at.0)).collect()
    };
    let b = ("b:1".to_owned(), 4, 20);
    assert_eq!(names(list(&db, Timestamp(0)).await.unwrap()), [("a:1".to_owned(), 5, 10), b.clone()]);
    assert_eq!(names(list(&db, Timestamp(11)).await.unwrap()), [b]);
    let mut tx = db.begin().await.unwrap();
    assert_eq!(prune(&mut tx, Timestamp(11)).await.unwrap(), 1);
    tx.commit().await.unwrap();
    assert_eq!(list(&db, Timestamp(0)).await.unwrap().len(), 1);
});

on_both!(a_store_says_how_large_it_is_and_which_steps_it_took, |db| async {
    assert!(size(&db).await.unwrap() > 4_096);
    let steps = steps(&db).await.unwrap();
    assert_eq!((steps[0].version, steps[0].name.as_str()), (1, "0001_foundation"));
    assert!(steps.iter().any(|step| step.name == "0021_alarms"));
    // Only a database on a machine of its own has a clock of its own.
    assert_eq!(database_clock(&db).await.unwrap().is_some(), db.dialect() == Dialect::Postgres);
});
