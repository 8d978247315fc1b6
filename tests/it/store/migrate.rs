use belltower::Error;
use belltower::store::backup::newest_step;
use belltower::store::{Db, nodes};

use super::deliveries::{sending, take};
use super::execute;
use crate::support::on_both_urls;

/// A store as later versions leave it: each of these took one step, numbered from 9000, with that behind its name.
async fn later(url: &str, needs: &[String]) {
    let db = Db::open(url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, "CREATE TABLE later (id BIGINT NOT NULL); ALTER TABLE message ADD COLUMN later INTEGER")
        .await;
    for (step, needs) in (9000..).zip(needs) {
        record(&mut tx, step, &format!("{step}_later{needs}")).await;
    }
    tx.commit().await.unwrap();
    db.close().await;
}

async fn record(tx: &mut belltower::store::Tx, step: i64, name: &str) {
    let text = format!(
        "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time)
            SELECT {step}, '{name}', success, checksum, execution_time FROM _sqlx_migrations WHERE version = 1"
    );
    execute(tx, &text).await;
}

async fn refusal(url: &str) -> String {
    match Db::open(url).await {
        Err(Error::Conflict { code: "store_is_newer", detail }) => detail,
        other => panic!("opened: {other:?}"),
    }
}

on_both_urls!(a_program_goes_on_with_a_store_that_a_later_one_brought_further, |url| async {
    later(&url, &[format!(" needs {}", newest_step()), " needs 1".to_owned()]).await;
    for _ in 0..2 {
        let db = Db::open(&url).await.unwrap();
        assert_eq!(nodes::steps(&db).await.unwrap().last().unwrap().version, 9001);
        db.close().await;
    }
    let db = Db::open(&url).await.unwrap();
    sending(&db).await;
    assert_eq!(take(&db, 8).await.len(), 8);
    db.close().await;
});

on_both_urls!(a_program_refuses_a_store_that_needs_a_later_one, |url| async {
    let (known, above) = (newest_step(), newest_step() + 1);
    later(&url, &[format!(" needs {above}"), format!(" needs {known}")]).await;
    let said = refusal(&url).await;
    assert!(said.contains("schema step 9001,"), "{said}");
    assert!(said.contains(&format!("know step {above},")), "{said}");
    assert!(said.contains(&format!("no more than {known};")), "{said}");
});

on_both_urls!(a_step_that_does_not_say_what_it_needs_is_only_for_those_who_know_it, |url| async {
    later(&url, &[String::new()]).await;
    assert!(refusal(&url).await.contains("know step 9000,"));
});

on_both_urls!(a_step_of_another_line_of_versions_is_refused_whatever_it_needs, |url| async {
    let db = Db::open(&url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    // No step has this number, and later ones have been taken.
    record(&mut tx, 24, "0024_elsewhere needs 1").await;
    tx.commit().await.unwrap();
    db.close().await;
    assert!(refusal(&url).await.contains("schema step 24,"));
});

on_both_urls!(a_step_that_was_edited_is_refused_in_a_store_of_any_version, |url| async {
    let edited =
        "UPDATE _sqlx_migrations SET checksum = (SELECT checksum FROM _sqlx_migrations WHERE version = 1)
        WHERE version = 2";
    let db = Db::open(&url).await.unwrap();
    let mut tx = db.begin().await.unwrap();
    execute(&mut tx, edited).await;
    tx.commit().await.unwrap();
    assert!(matches!(Db::open(&url).await, Err(Error::Internal(_))));

    let mut tx = db.begin().await.unwrap();
    record(&mut tx, 9000, &format!("9000_later needs {}", newest_step())).await;
    tx.commit().await.unwrap();
    db.close().await;
    assert!(matches!(Db::open(&url).await, Err(Error::Internal(_))));
});
