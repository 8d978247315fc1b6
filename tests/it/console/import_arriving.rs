//! Imports whose file is still on its way: they take their room, nobody sees them, and whoever is erased meanwhile stays erased.

use belltower::Error;
use belltower::domain::id::OperatorId;
use belltower::domain::operator::Role;
use belltower::service::imports;
use belltower::store::import_erasures::marked;
use belltower::store::imports::{insert, waiting};
use bytes::Bytes;
use futures_util::future::join_all;
use futures_util::stream;
use serde_json::json;

use super::browser::Browser;
use super::import_waiting::{COLUMNS, IMPORT, TABLE, erase, knows, put};
use super::imports::{act, holds};
use crate::support::app::TestApp;
use crate::support::broker::until;
use crate::support::{on_both, operator};

on_both!(whoever_is_erased_while_a_file_comes_is_passed_over, |db| async {
    let app = TestApp::on(db.clone()).await;
    // The first operator of the store, who is the caller below.
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let caller = operator(Role::MessageManager);
    let coming = Box::pin(stream::once(async {
        put(&app, "20240917").await;
        erase(&app, "20240917").await;
        Ok::<Bytes, Error>(Bytes::from_static(TABLE.as_bytes()))
    }));
    let id = imports::create(&app.services, &caller, "人员.csv", false, coming).await.unwrap();
    assert_eq!(marked(&app.services.db, id).await.unwrap(), ["20240917"]);

    let path = format!("{IMPORT}s/{id}");
    let tried = act(&mut browser, &path, "columns", &COLUMNS).await;
    holds(&tried, &["跳过 1 行", "导入，影响 1 人"]);
    act(&mut browser, &path, "run", &[("act", "run")]).await;
    assert_eq!((knows(&app, "20240917").await, knows(&app, "20240919").await), (false, true));
});

#[tokio::test]
async fn files_on_their_way_take_room_and_give_it_back() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let caller = operator(Role::MessageManager);
    let db = &app.services.db;
    let slow = (0..3).map(|_| {
        let coming = Box::pin(stream::pending::<Result<Bytes, Error>>());
        imports::create(&app.services, &caller, "慢.csv", false, coming)
    });
    let slow = Box::pin(join_all(slow));
    let looked = Box::pin(async {
        let all = async || (waiting(db).await.unwrap().len() == 3).then_some(());
        until("three are on their way", all).await;
        let refused = browser.upload(IMPORT, IMPORT, &[], ("人员.csv", TABLE.as_bytes())).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        holds(&refused, &["3 个文件正在上传"]);
        assert!(!refused.text.contains("慢.csv"), "{}", refused.text);
        let one = waiting(db).await.unwrap().remove(0);
        assert_eq!(browser.get(&format!("{IMPORT}s/{}", one.id)).await.status, 404);

        app.clock.turn(2 * 3_600_000);
        imports::prune(&app.services).await.unwrap();
        assert_eq!(waiting(db).await.unwrap().len(), 3, "this process has them in hand");
    });
    tokio::select! {
        ended = slow => panic!("they never end: {ended:?}"),
        () = looked => {}
    }
    // Whoever sent them went away.
    until("their room is free", async || waiting(db).await.unwrap().is_empty().then_some(())).await;
}

#[tokio::test]
async fn what_a_killed_process_left_on_its_way_goes_after_an_hour() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    Browser::signed_in(&app, Role::Owner).await;
    let (db, now) = (&app.services.db, app.services.clock.now());
    let mut tx = db.begin().await.unwrap();
    for _ in 0..32 {
        let detail = json!({"size": 64_u64 << 20});
        insert(&mut tx, OperatorId(2), "慢.csv", "arriving", &detail, now).await.unwrap();
    }
    tx.commit().await.unwrap();
    let refused = browser.upload(IMPORT, IMPORT, &[], ("人员.csv", TABLE.as_bytes())).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    holds(&refused, &["其他管理员的文件正在上传"]);

    for (minutes, left) in [(59, 32), (2, 0)] {
        app.clock.turn(minutes * 60_000);
        imports::prune(&app.services).await.unwrap();
        assert_eq!(waiting(db).await.unwrap().len(), left);
    }
}
