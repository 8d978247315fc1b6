use std::fs;
use std::path::Path;

use belltower::Error;
use belltower::domain::id::MessageId;
use belltower::store::backup::{copy, gather, is_there, look, mark, newest_step};
use belltower::store::{Db, history, nodes};

use super::deliveries::{sending, take};
use super::execute;
use crate::support::database::{with_postgres, with_sqlite};
use crate::support::folder::TempFolder;
use crate::support::on_both_urls;

fn name(folder: &TempFolder, file: &str) -> String {
    folder.path().join(file).display().to_string()
}

#[test]
fn a_copy_is_the_store_as_it_was_and_says_what_it_is() {
    with_sqlite(|url| async move {
        let db = Db::open(&url).await.unwrap();
        sending(&db).await;
        let folder = TempFolder::new();
        let file = name(&folder, "copy.db");
        let mut writing = db.begin().await.unwrap();
        execute(&mut writing, "UPDATE message SET title = 'not yet'").await;
        copy(&db, &file).await.unwrap();
        writing.commit().await.unwrap();
        take(&db, 8).await;
        assert!(copy(&db, &file).await.is_err(), "a file with something in it stays as it is");

        assert_eq!(look(&file).await.unwrap().note, None);
        mark(&file, "one").await.unwrap();
        mark(&file, "two").await.unwrap();
        let looked = look(&file).await.unwrap();
        assert_eq!((looked.step, looked.note.as_deref()), (newest_step(), Some("two")));
        assert!((49..=newest_step()).contains(&looked.floor), "{}", looked.floor);
        assert_eq!(looked.damage, [""; 0]);
        assert_eq!(nodes::steps(&db).await.unwrap().last().unwrap().version, newest_step());
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "it is one file");

        let copied = Db::open_as_is(&format!("sqlite://{file}")).await.unwrap();
        let counts = history::counts(&copied, &[MessageId(1)]).await.unwrap().remove(0);
        assert_eq!((counts.pending, counts.sending), (8, 0), "as it was");
        copied.close().await;
        gather(&file).await.unwrap();
        assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
        db.close().await;
    });
}

#[test]
fn what_is_no_store_or_is_damaged_is_told() {
    with_sqlite(|url| async move {
        let folder = TempFolder::new();
        let file = name(&folder, "file");
        let refused = async |file: &str| match look(file).await {
            Err(Error::Conflict { code, detail }) => (code, detail),
            other => panic!("{other:?}"),
        };
        fs::write(&file, "PK\u{3}\u{4} this is something else, and long enough to have a header of its own")
            .unwrap();
        assert_eq!(refused(&file).await.0, "not_a_backup");
        fs::write(&file, "").unwrap();
        assert!(refused(&file).await.1.contains("another program"));

        let db = Db::open(&url).await.unwrap();
        sending(&db).await;
        fs::remove_file(&file).unwrap();
        copy(&db, &file).await.unwrap();
        db.close().await;
        break_pages(Path::new(&file));
        let damaged = look(&file).await;
        assert!(damaged.is_err() || !damaged.unwrap().damage.is_empty());
    });
}

on_both_urls!(a_store_is_there_once_it_was_opened, |url| async {
    // A test's own on PostgreSQL is there from the start.
    if let Some(file) = url.strip_prefix("sqlite://") {
        fs::remove_file(file).unwrap();
    }
    assert_eq!(is_there(&url).await.unwrap(), url.starts_with("postgres"));
    Db::open(&url).await.unwrap().close().await;
    assert!(is_there(&url).await.unwrap());
    if let Some(file) = url.strip_prefix("sqlite://") {
        fs::write(file, "").unwrap();
        assert!(!is_there(&url).await.unwrap());
    } else {
        let db = Db::open(&url).await.unwrap();
        let mut tx = db.begin().await.unwrap();
        execute(&mut tx, "DROP SCHEMA public CASCADE; CREATE SCHEMA public").await;
        tx.commit().await.unwrap();
        db.close().await;
        assert!(!is_there(&url).await.unwrap());
    }
});

/// Writes over the second half of a file.
fn break_pages(file: &Path) {
    let mut bytes = fs::read(file).unwrap();
    let half = bytes.len() / 2;
    bytes[half..].fill(0xa5);
    fs::write(file, bytes).unwrap();
}

#[test]
fn a_store_in_postgresql_is_no_file() {
    with_postgres(|url| async move {
        let db = Db::open(&url).await.unwrap();
        assert!(matches!(copy(&db, "x").await, Err(Error::Conflict { code: "not_a_file", .. })));
        db.close().await;
    });
}

#[test]
fn what_is_not_there_is_not_made() {
    with_sqlite(|url| async move {
        let url = url.replace("belltower.db", "nowhere.db");
        assert!(Db::open_as_is(&url).await.is_err());
        assert!(!Path::new(url.strip_prefix("sqlite://").unwrap()).exists());
    });
}
