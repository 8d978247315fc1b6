use belltower::domain::id::MessageId;
use belltower::domain::message::{Category, Rank};
use belltower::store::labelled::latest;
use belltower::store::messages::NewMessage;

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

on_both!(messages_are_learned_from_that_were_sent_to_everybody_alike, |db| async {
    sources(&db).await;
    let others = [
        NewMessage { test: true, ..message(1) },
        NewMessage { category: Category::Emergency, rank: Rank::Emergency, ..message(2) },
        NewMessage { personalise: Some("{}".to_owned()), ..message(3) },
    ];
    keep(&db, &others).await;
    keep(&db, &[4, 5, 6, 7, 8, 9, 10].map(message)).await;
    let of_library = |id| NewMessage {
        topic: "library.new-books".to_owned(),
        category: Category::ResourceUpdate,
        department: None,
        ..message(id)
    };
    keep(&db, &[11, 12, 13].map(of_library)).await;
    let mut tx = db.begin().await.unwrap();
    // One that waits for its time, one that was cancelled, the installation's own word, and one that was emptied.
    execute(&mut tx, "UPDATE message SET status = 0 WHERE id = 4").await;
    execute(&mut tx, "UPDATE message SET status = 7 WHERE id = 5").await;
    let own = r#"UPDATE message SET routing = '{"version":0,"matched":[],"own_word":true}' WHERE id = 6"#;
    execute(&mut tx, own).await;
    execute(&mut tx, "UPDATE message SET status = 4, content_removed_at = 9 WHERE id = 7").await;
    tx.commit().await.unwrap();

    let ids = async |first: i64, looked_at, of_each, limit| {
        let rows = latest(&db, MessageId(first), looked_at, of_each, limit).await.unwrap();
        let told = rows.iter().map(|row| (row.topic.clone(), row.department.clone()));
        told.map(|(topic, department)| format!("{topic} {}", department.unwrap_or_default()))
            .collect::<Vec<_>>()
    };
    let (library, exam) = ("library.new-books ", "academic.exam 教务处");
    assert_eq!(ids(1, 100, 100, 100).await, [library, library, library, exam, exam, exam]);
    assert_eq!(ids(10, 100, 100, 100).await, [library, library, library, exam], "the others are too old");
    assert_eq!(ids(1, 100, 2, 100).await, [library, library, exam, exam], "as many of each");
    assert_eq!(ids(1, 100, 2, 3).await, [library, library, exam], "the latest");
    assert_eq!(ids(1, 4, 100, 100).await, [library, library, library, exam], "of the latest alone");
    let rows = latest(&db, MessageId(1), 100, 1, 100).await.unwrap();
    assert_eq!((rows[0].category, rows[1].category), (Category::ResourceUpdate, Category::Announcement));
    assert_eq!(rows[1].content.0.content.title, "考试安排");
});
