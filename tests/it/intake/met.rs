//! Batches that PostgreSQL gives up because they met another transaction: a deadlock, or one that could not be put in order.

use belltower::Error;
use belltower::store::Db;

use super::{Door, message};
use crate::support::database::with_postgres;
use crate::support::faulty::execute;

/// From now on the first `times` rows that are written to `message` are given up with that code, which no rollback undoes.
async fn give_up(db: &Db, code: &str, times: u32) {
    let text = format!(
        "DROP SEQUENCE IF EXISTS met;
         CREATE SEQUENCE met;
         CREATE OR REPLACE FUNCTION meet() RETURNS trigger LANGUAGE plpgsql AS $$
           BEGIN
             IF nextval('met') <= {times} THEN RAISE EXCEPTION 'met another' USING ERRCODE = '{code}'; END IF;
             RETURN NEW;
           END $$;
         DROP TRIGGER IF EXISTS meets ON message;
         CREATE TRIGGER meets BEFORE INSERT ON message FOR EACH ROW EXECUTE FUNCTION meet()"
    );
    execute(db, &text).await;
}

#[test]
fn a_batch_that_met_another_is_kept_at_the_second_try() {
    with_postgres(|url| async move {
        let door = Door::new(Db::open(&url).await.unwrap()).await;
        for (n, code) in [(1, "40P01"), (2, "40001")] {
            give_up(&door.s.db, code, 1).await;
            let accepted = door.send(message()).await.unwrap();
            assert_eq!(accepted.status, 202, "{code}");
            assert_eq!(door.all().await.len(), n, "{code}");
        }
        give_up(&door.s.db, "40P01", 2).await;
        let refused = door.send(message()).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
        assert_eq!(door.all().await.len(), 2, "nothing was half-written");
        assert_eq!(door.send(message()).await.unwrap().status, 202);
        door.s.db.close().await;
    });
}
