//! Imports whose steps come now to one node and now to another, as a balancer has it.

use std::fs::{self, File};
use std::time::UNIX_EPOCH;

use belltower::domain::operator::Role;
use belltower::service::imports;
use belltower::store::Db;

use super::browser::Browser;
use super::imports::{act, handed_in, holds, uploads, workbook};
use crate::support::app::TestApp;
use crate::support::broker::until;
use crate::support::database::with_postgres;

const COLUMNS: [(&str, &str); 3] = [("field_0", "campus_id"), ("field_1", "name"), ("field_2", "")];

/// More than two pieces, most of it in a column that nobody wants.
fn table() -> Vec<u8> {
    let rows = (0..1_500).map(|n| format!("{n},甲{n},{}\n", "x".repeat(400)));
    let whole: String = std::iter::once("学号,姓名,备注\n".to_owned()).chain(rows).collect();
    whole.into_bytes()
}

async fn nodes(url: &str) -> [TestApp; 2] {
    let one = TestApp::on(Db::open(url).await.unwrap()).await;
    let two = one.beside();
    [one, two]
}

/// Pieces of files in the store.
async fn pieces(app: &TestApp) -> i64 {
    let Db::Postgres(pool) = &app.services.db else { panic!("several nodes have a PostgreSQL") };
    sqlx::query_scalar("SELECT count(*) FROM import_piece").fetch_one(pool).await.unwrap()
}

/// A day later, as far as files there can tell.
fn age_files(app: &TestApp) {
    for entry in fs::read_dir(app.services.uploads.as_ref().unwrap()).unwrap() {
        let file = File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(UNIX_EPOCH).unwrap();
    }
}

#[test]
fn each_step_may_come_to_another_node() {
    with_postgres(|url| async move {
        let [one, two] = nodes(&url).await;
        let mut browser = Browser::signed_in(&one, Role::MessageManager).await;
        let path = handed_in(&mut browser, "人员.csv", &table(), &[]).await;
        assert_eq!((pieces(&one).await, uploads(&one), uploads(&two)), (3, 1, 0));

        browser.led_to(&two);
        holds(&browser.get(&path).await, &["各列是什么"]);
        holds(&act(&mut browser, &path, "columns", &COLUMNS).await, &["试运行结果"]);
        assert_eq!((pieces(&one).await, uploads(&two)), (3, 1));

        browser.led_to(&one);
        holds(&act(&mut browser, &path, "run", &[("act", "run")]).await, &["导入结果", "已导入"]);
        assert_eq!(two.get("/recipients/1499").await.expect(200)["name"], "甲1499");
        assert_eq!(pieces(&one).await, 0, "it is over");
        until("its file is gone", async || (uploads(&one) == 0).then_some(())).await;
        age_files(&two);
        imports::prune(&two.services).await.unwrap();
        assert_eq!(uploads(&two), 0, "nor does the copy stay");
        one.services.db.close().await;
    });
}

#[test]
fn a_file_that_is_not_whole_is_asked_for_again() {
    with_postgres(|url| async move {
        let [one, two] = nodes(&url).await;
        let mut browser = Browser::signed_in(&one, Role::MessageManager).await;
        let path = handed_in(&mut browser, "人员.csv", &table(), &[]).await;
        let mut tx = one.services.db.begin().await.unwrap();
        crate::store::execute(&mut tx, "DELETE FROM import_piece WHERE number = 1").await;
        tx.commit().await.unwrap();

        browser.led_to(&two);
        let refused = browser.submit(&path, &format!("{path}/columns"), &COLUMNS).await;
        assert!(refused.status == 422 && refused.text.contains("请重新上传"), "{}", refused.text);
        assert_eq!(uploads(&two), 0, "half a file is none");
        browser.led_to(&one);
        holds(&act(&mut browser, &path, "columns", &COLUMNS).await, &["试运行结果"]);

        browser.led_to(&two);
        let gone = browser.submit(&path, &format!("{path}/discard"), &[]).await;
        assert_eq!((gone.status, pieces(&one).await), (303, 0));
        age_files(&one);
        imports::prune(&one.services).await.unwrap();
        assert_eq!(uploads(&one), 0, "given up elsewhere");
        one.services.db.close().await;
    });
}

#[test]
fn a_sheet_is_chosen_where_the_workbook_was_not_handed_in() {
    with_postgres(|url| async move {
        let [one, two] = nodes(&url).await;
        let mut browser = Browser::signed_in(&one, Role::MessageManager).await;
        let path = handed_in(&mut browser, "新生.xlsx", &workbook(), &[]).await;
        assert_eq!((pieces(&one).await, uploads(&two)), (1, 0));
        browser.led_to(&two);
        let page = act(&mut browser, &path, "sheet", &[("sheet", "新生")]).await;
        holds(&page, &["各列是什么", "王敏"]);
        assert_eq!((pieces(&one).await, uploads(&two)), (1, 1), "the table in the workbook's place");

        browser.led_to(&one);
        let columns = [("field_0", "campus_id"), ("field_1", "name"), ("field_2", "mobile")];
        let tried = act(&mut browser, &path, "columns", &columns).await;
        holds(&tried, &["试运行结果", "name=\"cell_3_2\" value=\"1381234\""]);
        browser.led_to(&two);
        let mended = act(&mut browser, &path, "mend", &[("cell_3_2", "13812345679")]).await;
        assert!(!mended.text.contains("name=\"cell_3_2\""), "{}", mended.text);

        one.clock.turn(25 * 3_600_000);
        imports::prune(&one.services).await.unwrap();
        assert_eq!(pieces(&one).await, 0, "nobody came back");
        one.services.db.close().await;
    });
}
