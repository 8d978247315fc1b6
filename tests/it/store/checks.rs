use std::collections::BTreeSet;
use std::fs;

use belltower::domain::channel::ChannelKind;
use belltower::domain::delivery::State;
use belltower::domain::id::MessageId;
use belltower::store::Db;
use belltower::store::checks::{
    REFERENCES, Reference, attempts, counters, damage, days, days_unlike, miscounted, orphans, sealed,
};

use super::deliveries::{sending, settlement, store, take};
use super::{buttons, execute, providers};
use crate::support::on_both;

async fn change(db: &Db, text: &str) {
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, text).await;
    tx.commit().await.unwrap();
}

on_both!(counters_are_held_against_deliveries, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    store(&db, &claimed.iter().map(|c| settlement(c, State::Sent)).collect::<Vec<_>>()).await;
    assert_eq!(counters(&db).await.unwrap(), 1);
    assert_eq!(miscounted(&db, 10).await.unwrap(), []);
    change(&db, "UPDATE message_count SET sent = sent + 1").await;
    assert_eq!(miscounted(&db, 10).await.unwrap(), [MessageId(1)]);
    assert_eq!(miscounted(&db, 0).await.unwrap(), []);
    change(&db, "UPDATE message SET deliveries_removed_at = 5").await;
    assert_eq!(miscounted(&db, 10).await.unwrap(), [], "what is removed leaves its counts behind");
    change(&db, "UPDATE message SET deliveries_removed_at = NULL; DELETE FROM message_count").await;
    assert_eq!(miscounted(&db, 10).await.unwrap(), [MessageId(1)], "deliveries that nobody counts");
});

on_both!(numbers_of_attempts_were_given, |db| async {
    sending(&db).await;
    let claimed = take(&db, 3).await;
    store(&db, &claimed.iter().map(|c| settlement(c, State::Sent)).collect::<Vec<_>>()).await;
    assert_eq!(attempts(&db).await.unwrap(), (3, 0));
    change(&db, "UPDATE attempt SET number = 9 WHERE delivery_id = (SELECT min(delivery_id) FROM attempt)")
        .await;
    assert_eq!(attempts(&db).await.unwrap(), (3, 1));
});

on_both!(figures_of_days_are_not_below_zero, |db| async {
    sending(&db).await;
    let (figures, below) = days(&db).await.unwrap();
    assert_eq!(below, 0);
    change(&db, "INSERT INTO day_count (day, channel, state, n) VALUES ('2026-09-22', 1, 2, -1)").await;
    assert_eq!(days(&db).await.unwrap(), (figures + 1, 1));
});

on_both!(figures_of_all_days_come_to_the_counters_of_messages, |db| async {
    let unlike = async || {
        let sums = days_unlike(&db).await.unwrap().into_iter();
        sums.map(|sum| (sum.channel, sum.state, sum.of_days, sum.of_messages)).collect::<Vec<_>>()
    };
    let none: [(ChannelKind, State, i64, i64); 0] = [];
    assert_eq!(unlike().await, none);
    sending(&db).await;
    let claimed = take(&db, 3).await;
    store(&db, &claimed.iter().map(|c| settlement(c, State::Sent)).collect::<Vec<_>>()).await;
    assert_eq!(unlike().await, none, "what is on its way and what ended");
    let email = ChannelKind::Email;
    change(&db, "INSERT INTO day_count (day, channel, state, n) VALUES ('2020-01-01', 1, 2, 4)").await;
    assert_eq!(unlike().await, [(email, State::Sent, 7, 3)], "on whatever day");
    change(&db, "INSERT INTO day_count (day, channel, state, n) VALUES ('2020-01-02', 1, 2, -4)").await;
    assert_eq!(unlike().await, none, "moved from one day to another");
    change(
        &db,
        "UPDATE message_count SET failed = failed + 2, suppressed = suppressed + 9 WHERE channel = 1",
    )
    .await;
    assert_eq!(unlike().await, [(email, State::Failed, 0, 2)], "and what no day has");
    change(&db, "UPDATE message SET test = NOT test").await;
    assert_eq!(unlike().await, [(email, State::Sent, 3, 0)], "no day has what test keys send");
});

on_both!(what_names_nothing_is_found_in_every_table, |db| async {
    sending(&db).await;
    for reference in REFERENCES {
        assert_eq!(orphans(&db, *reference).await.unwrap(), 0, "{reference:?}");
    }
    change(&db, "UPDATE delivery SET provider_id = 99 WHERE id = (SELECT min(id) FROM delivery)").await;
    let provider = Reference { table: "delivery", column: "provider_id", parent: "provider" };
    assert!(REFERENCES.contains(&provider));
    assert_eq!(orphans(&db, provider).await.unwrap(), 1);
});

on_both!(what_is_sealed_is_listed_with_its_name, |db| async {
    assert_eq!(sealed(&db).await.unwrap().len(), 0);
    providers::add(&db, providers::data("relay")).await.unwrap();
    buttons::add(&db, "a").await;
    let found = sealed(&db).await.unwrap();
    assert_eq!((found[0].kind.as_str(), found[0].name.as_str()), ("provider", "relay"));
    assert!(!found[0].sealed.is_empty());
});

on_both!(a_sound_database_has_no_damage, |db| async {
    let found = damage(&db).await.unwrap();
    assert_eq!(found, matches!(db, Db::Sqlite { .. }).then(Vec::new));
});

#[test]
fn every_reference_of_the_schema_is_looked_at() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/migrations/sqlite");
    let mut declared = BTreeSet::new();
    for entry in fs::read_dir(folder).unwrap() {
        let text = fs::read_to_string(entry.unwrap().path()).unwrap();
        let mut table = String::new();
        for line in text.lines() {
            let words: Vec<_> = line.split_whitespace().collect();
            if let ["CREATE" | "ALTER", "TABLE", name, ..] = *words.as_slice() {
                name.clone_into(&mut table);
            }
            let Some(at) = words.iter().position(|word| *word == "REFERENCES") else { continue };
            let column = if words[0] == "ALTER" { words[5] } else { words[0] };
            declared.insert((table.clone(), column.to_owned(), words[at + 1].to_owned()));
        }
    }
    let known: BTreeSet<_> =
        REFERENCES.iter().map(|r| (r.table.to_owned(), r.column.to_owned(), r.parent.to_owned())).collect();
    assert!(declared.len() > 40, "{declared:?}");
    assert_eq!(declared.difference(&known).collect::<Vec<_>>(), Vec::<&(String, String, String)>::new());
}
