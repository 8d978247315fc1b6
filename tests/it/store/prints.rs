use belltower::clock::Timestamp;
use belltower::domain::id::MessageId;
use belltower::domain::likeness::{Likeness, Print};
use belltower::store::Db;
use belltower::store::prints::{Among, insert, lately, lock, prune, same, similar};

use super::execute;
use super::messages::{keep, message, sources};
use crate::support::on_both;

fn print(text: &str) -> Print {
    Likeness::of([text], "").print(0)
}

async fn remember(db: &Db, id: i64, text: &str) {
    let mut tx = db.begin().await.unwrap();
    lock(&mut tx).await.unwrap();
    insert(&mut tx, MessageId(id), &print(text), Timestamp(id * 10)).await.unwrap();
    insert(&mut tx, MessageId(id), &print(text), Timestamp(id * 10)).await.unwrap();
    tx.commit().await.unwrap();
}

const TEXT: &str = "图书馆将于本周末闭馆检修，借阅到期的图书自动顺延至下周一，电子资源照常访问，敬请谅解。";

on_both!(texts_are_found_by_what_they_look_like_while_they_are_remembered, |db| async {
    sources(&db).await;
    keep(&db, &[message(1), message(2), message(3), message(4)]).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE message SET status = 4 WHERE id <= 3").await;
    tx.commit().await.unwrap();
    let other = TEXT.replace("敬请谅解", "敬请周知");
    for (id, text) in [(1, TEXT), (2, TEXT), (3, &other), (4, &other)] {
        remember(&db, id, text).await;
    }
    let mut tx = db.begin().await.unwrap();
    let found = same(Among::Tx(&mut tx), MessageId(2), &print(TEXT), Timestamp(0)).await.unwrap();
    assert_eq!(found, [MessageId(1)]);
    let found = same(Among::Kept(&db), MessageId(9), &print(TEXT), Timestamp(11)).await.unwrap();
    assert_eq!(found, [MessageId(2)], "the first was too long ago");
    let found = similar(Among::Tx(&mut tx), MessageId(1), &print(TEXT), Timestamp(0)).await.unwrap();
    let ids: Vec<_> = found.iter().map(|row| row.id).collect();
    assert_eq!(ids, [2, 3].map(MessageId), "the likeliest first; the fourth is not sent");
    assert_eq!(found[0].source_name.as_deref(), Some("教务处"));
    assert_eq!(found[0].content.0.content.title, "考试安排");
    assert_eq!(prune(&mut tx, Timestamp(30), 10).await.unwrap(), 10, "no more than asked");
    assert_eq!(prune(&mut tx, Timestamp(30), 10).await.unwrap(), 8, "two texts of nine numbers");
    assert!(same(Among::Tx(&mut tx), MessageId(9), &print(TEXT), Timestamp(0)).await.unwrap().is_empty());
    tx.commit().await.unwrap();
});

on_both!(what_people_were_told_lately_is_read_by_whose_it_is, |db| async {
    sources(&db).await;
    keep(&db, &[1, 2, 3, 4, 5, 6, 7, 8].map(message)).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE message SET status = 7 WHERE id = 2").await;
    execute(&mut tx, "UPDATE message SET status = id - 1 WHERE id IN (6, 7)").await;
    execute(&mut tx, "UPDATE message SET status = 0 WHERE id = 5").await;
    execute(&mut tx, "UPDATE message SET personalise = '{}' WHERE id = 8").await;
    let own = r#"UPDATE message SET routing = '{"version":0,"matched":[],"own_word":true}' WHERE id = 3"#;
    execute(&mut tx, own).await;
    execute(&mut tx, "UPDATE message SET department = '教务处' WHERE id = 4").await;
    execute(&mut tx, "UPDATE message SET department = NULL WHERE id = 1").await;
    tx.commit().await.unwrap();
    let ids = async |first: i64, of: Option<&[String]>, limit| -> Vec<i64> {
        let rows = lately(&db, MessageId(first), of, limit).await.unwrap();
        assert!(rows.iter().all(|row| row.title == "考试安排" && row.content.0.content.title == "考试安排"));
        rows.into_iter().map(|row| row.id.0).collect()
    };
    assert_eq!(
        ids(1, None, 10).await,
        [4, 1],
        "of what was not sent, personal, or the installation's own word none"
    );
    assert_eq!((ids(2, None, 10).await, ids(1, None, 1).await), (vec![4], vec![4]));
    let of = |department: &str| [department.to_owned()];
    assert_eq!(ids(1, Some(&of("教务处")), 10).await, [4]);
    assert!(ids(1, Some(&of("图书馆")), 10).await.is_empty() && ids(1, Some(&[]), 10).await.is_empty());
});

on_both!(a_few_are_compared_however_many_look_alike_and_none_hides_what_was_sent, |db| async {
    sources(&db).await;
    let all: Vec<_> = (1..=40).map(message).collect();
    keep(&db, &all).await;
    for id in 1..=40 {
        remember(&db, id, TEXT).await;
    }
    let sent = async |last: i64| {
        let mut tx = db.begin().await.unwrap();
        execute(&mut tx, &format!("UPDATE message SET status = CASE WHEN id <= {last} THEN 4 ELSE 5 END"))
            .await;
        tx.commit().await.unwrap();
        let found = similar(Among::Kept(&db), MessageId(99), &print(TEXT), Timestamp(0)).await.unwrap();
        found.iter().map(|row| row.id.0).collect::<Vec<_>>()
    };
    assert_eq!(sent(1).await, [1], "the later ones are all held");
    assert_eq!(sent(40).await, [40, 39, 38, 37, 36]);
});

on_both!(a_text_counts_from_when_it_was_last_said, |db| async {
    sources(&db).await;
    keep(&db, &[message(1)]).await;
    remember(&db, 1, TEXT).await;
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "UPDATE message SET status = 4").await;
    insert(&mut tx, MessageId(1), &print(TEXT), Timestamp(500)).await.unwrap();
    tx.commit().await.unwrap();
    let found = same(Among::Kept(&db), MessageId(2), &print(TEXT), Timestamp(499)).await.unwrap();
    assert_eq!(found, [MessageId(1)]);
});
