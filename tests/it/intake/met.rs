//! Batches that PostgreSQL gives up because they met another transaction: a deadlock, or one that could not be put in order.

use belltower::Error;
use belltower::service::sources::NewSource;
use belltower::store::Db;
use belltower::store::sources::{Today, find};
use futures_util::future::join_all;

use super::{Door, everything, keyed, message, source};
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

/// As the source they come from counts them today.
async fn used(door: &Door) -> i64 {
    let today = Today { now: door.s.clock.now(), day: "2026-09-21" };
    find(&door.s.db, door.caller.source, today).await.unwrap().unwrap().used_today
}

#[test]
fn a_batch_that_met_another_is_kept_at_the_second_try() {
    with_postgres(|url| async move {
        let mut door = Door::new(Db::open(&url).await.unwrap()).await;
        let new = NewSource { daily_messages: Some(17), ..everything("图书馆") };
        door.caller = source(&door.s, new).await;
        for (n, code) in [(1, "40P01"), (2, "40001")] {
            give_up(&door.s.db, code, 1).await;
            let keys: Vec<_> = (0..8).map(|key| keyed(&format!("{code}-{key}"))).collect();
            let mut ids = Vec::new();
            for is_again in [false, true] {
                // At once, so that some share a batch.
                let answers = join_all(keys.iter().map(|key| door.send_with(message(), key))).await;
                let answers: Vec<_> = answers.into_iter().map(Result::unwrap).collect();
                assert!(answers.iter().all(|one| one.status == 202 && one.replayed == is_again), "{code}");
                let said: Vec<_> = answers.iter().map(|one| one.message.id).collect();
                assert!(!is_again || said == ids, "{code}: each key has the message it had");
                ids = said;
            }
            assert_eq!(door.all().await.len(), 8 * n, "{code}");
            assert_eq!(used(&door).await, 8 * n as i64, "{code}: each is counted once");
        }
        give_up(&door.s.db, "40P01", 2).await;
        let refused = door.send(message()).await;
        assert!(matches!(refused, Err(Error::Unavailable { .. })), "{refused:?}");
        assert_eq!((door.all().await.len(), used(&door).await), (16, 16), "nothing was half-written");
        assert_eq!(door.send(message()).await.unwrap().status, 202);
        let refused = door.send(message()).await;
        assert!(matches!(refused, Err(Error::QuotaExhausted { limit: 17, .. })), "{refused:?}");
        door.s.db.close().await;
    });
}
