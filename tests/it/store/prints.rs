use belltower::clock::Timestamp;
use belltower::domain::id::MessageId;
use belltower::domain::likeness::{Likeness, Print};
use belltower::store::Db;
use belltower::store::prints::{insert, lock, prune, same, similar};

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
    let found = same(&mut tx, MessageId(2), &print(TEXT), Timestamp(0)).await.unwrap();
    assert_eq!(found, [MessageId(1)]);
    let found = same(&mut tx, MessageId(9), &print(TEXT), Timestamp(11)).await.unwrap();
    assert_eq!(found, [MessageId(2)], "the first was too long ago");
    let found = similar(&mut tx, MessageId(1), &print(TEXT), Timestamp(0)).await.unwrap();
    let ids: Vec<_> = found.iter().map(|row| row.id).collect();
    assert_eq!(ids, [3, 2].map(MessageId), "the fourth is not sent");
    assert_eq!(found[0].source_name.as_deref(), Some("教务处"));
    assert_eq!(found[0].content.0.content.title, "考试安排");
    assert_eq!(prune(&mut tx, Timestamp(30)).await.unwrap(), 18, "two texts of nine numbers");
    assert!(same(&mut tx, MessageId(9), &print(TEXT), Timestamp(0)).await.unwrap().is_empty());
    tx.commit().await.unwrap();
});
