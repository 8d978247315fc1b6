//! Imports that wait: whoever is erased meanwhile stays erased, and what waits is bounded and goes in time.

use belltower::domain::id::ImportId;
use belltower::domain::operator::Role;
use belltower::service::imports;
use belltower::service::recipients::{self, Format, ImportOptions};
use belltower::store::import_erasures::marked;
use belltower::store::imports::{ImportRow, find, insert, update};
use reqwest::Method;
use serde_json::json;

use super::browser::Browser;
use super::imports::{act, handed_in, holds, uploads, workbook};
use crate::support::app::{Answer, TestApp};
use crate::support::contents::everything;
use crate::support::on_both;

pub(super) const IMPORT: &str = "/console/people/import";

/// The second person's mobile number is wrong.
pub(super) const TABLE: &str =
    "学号,姓名,手机\n20240917,甲,13812345678\n20240918,乙,1381\n20240919,丙,13812345679\n";

pub(super) const COLUMNS: [(&str, &str); 3] =
    [("field_0", "campus_id"), ("field_1", "name"), ("field_2", "mobile")];

pub(super) async fn knows(app: &TestApp, campus_id: &str) -> bool {
    app.get(&format!("/recipients/{campus_id}")).await.status == 200
}

pub(super) async fn put(app: &TestApp, campus_id: &str) {
    let body = json!({"name": "某人"});
    let put = app.api(Method::PUT, &format!("/recipients/{campus_id}")).json(&body);
    Answer::of(put).await.expect(201);
}

pub(super) async fn erase(app: &TestApp, campus_id: &str) {
    let gone = Answer::of(app.api(Method::DELETE, &format!("/recipients/{campus_id}"))).await;
    assert_eq!(gone.status, 204, "{}", gone.text);
}

async fn row(app: &TestApp, path: &str) -> ImportRow {
    let id: ImportId = path.rsplit('/').next().unwrap().parse().unwrap();
    find(&app.services.db, id).await.unwrap().unwrap()
}

on_both!(whoever_is_erased_is_passed_over_by_a_file_that_waits, |db| async {
    let app = TestApp::on(db.clone()).await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await;
    holds(&browser.get(&path).await, &["13812345678", "13812345679"]);
    for campus_id in ["20240917", "20240918"] {
        put(&app, campus_id).await;
        erase(&app, campus_id).await;
    }
    let shown = browser.get(&path).await;
    assert!(shown.text.contains("13812345679") && !shown.text.contains("13812345678"), "{}", shown.text);

    let tried = act(&mut browser, &path, "columns", &COLUMNS).await;
    holds(&tried, &["试运行结果", "跳过 2 行", "导入，影响 1 人"]);
    assert!(!tried.text.contains("name=\"cell_3_2\""), "nothing of them is to be mended: {}", tried.text);
    let file = browser.get(&format!("{path}/rejected")).await;
    assert!(!file.text.contains("20240918"), "{}", file.text);
    let done = act(&mut browser, &path, "run", &[("act", "run")]).await;
    holds(&done, &["导入结果", "跳过 2 行"]);
    assert_eq!(
        (knows(&app, "20240917").await, knows(&app, "20240918").await, knows(&app, "20240919").await),
        (false, false, true)
    );
    let all = everything(&app.services.db).await;
    let left: Vec<_> =
        all.iter().filter(|text| text.contains("20240917") || text.contains("20240918")).collect();
    assert!(left.is_empty(), "the file was all that said who they were: {left:?}");

    // Whoever hands a file in from now on knows of it.
    let path = handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await;
    act(&mut browser, &path, "columns", &COLUMNS).await;
    act(&mut browser, &path, "run", &[("act", "run")]).await;
    assert!(knows(&app, "20240917").await);
});

on_both!(what_a_file_says_of_them_stays_while_rows_of_it_are_to_be_mended, |db| async {
    let app = TestApp::on(db.clone()).await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await;
    put(&app, "20240917").await;
    erase(&app, "20240917").await;
    act(&mut browser, &path, "columns", &COLUMNS).await;
    let done = act(&mut browser, &path, "run", &[("act", "run")]).await;
    holds(&done, &["导入结果", "1 行需要修改", "跳过 1 行"]);
    let id = row(&app, &path).await.id;
    assert_eq!(marked(&app.services.db, id).await.unwrap(), ["20240917"]);
    assert_eq!(uploads(&app), 1, "its rows are to be mended");

    let gone = browser.submit(&path, &format!("{path}/discard"), &[]).await;
    assert_eq!((gone.status, uploads(&app)), (303, 0));
    assert!(marked(&app.services.db, id).await.unwrap().is_empty());
});

#[tokio::test]
async fn nothing_is_shown_of_them_however_their_id_is_written() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let table = "学号,姓名,手机\n２０２４０９１７,甲,13812345678\n'20240918,乙,1381\n20240919,丙,1382\n";
    let path = handed_in(&mut browser, "人员.csv", table.as_bytes(), &[]).await;
    holds(&browser.get(&path).await, &["13812345678"]);
    put(&app, "20240917").await;
    erase(&app, "20240917").await;
    let shown = browser.get(&path).await;
    assert!(!shown.text.contains("13812345678") && shown.text.contains("20240918"), "{}", shown.text);

    let tried = act(&mut browser, &path, "columns", &COLUMNS).await;
    holds(&tried, &["2 行需要修改", "name=\"cell_3_2\"", "name=\"cell_4_2\""]);
    put(&app, "20240918").await;
    erase(&app, "20240918").await;
    let shown = browser.get(&path).await;
    holds(&shown, &["1 行需要修改", "name=\"cell_4_2\""]);
    assert!(!shown.text.contains("name=\"cell_3_2\""), "what a trial of before found: {}", shown.text);
}

on_both!(a_pass_in_hand_brings_nobody_back_either, |db| async {
    let app = TestApp::on(db.clone()).await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let lines =
        "{\"campus_id\": \"20240917\", \"name\": \"甲\"}\n{\"campus_id\": \"20240919\", \"name\": \"丙\"}\n";
    let path = handed_in(&mut browser, "人员.ndjson", lines.as_bytes(), &[]).await;
    let row = row(&app, &path).await;
    let watch = Some(recipients::Watch { import: row.id, edition: row.edition });
    let options = ImportOptions { watch, ..ImportOptions::default() };
    let caller = crate::routing::owner();
    let mut import = recipients::Import::start(&app.services, &caller, Format::Ndjson, options).unwrap();
    import.feed(lines.as_bytes()).await.unwrap();
    put(&app, "20240917").await;
    erase(&app, "20240917").await;
    let report = import.finish().await.unwrap();
    assert_eq!((report.created, report.erased, report.rejected_lines), (1, 1, 0), "{report:?}");
    assert_eq!((knows(&app, "20240917").await, knows(&app, "20240919").await), (false, true));
});

#[tokio::test]
async fn files_of_all_together_do_not_pile_up_either() {
    let app = TestApp::start().await;
    let mut other = Browser::signed_in(&app, Role::Owner).await;
    let path = handed_in(&mut other, "人员.csv", TABLE.as_bytes(), &[]).await;
    let large = row(&app, &path).await;
    let now = app.services.clock.now();
    let mut tx = app.services.db.begin().await.unwrap();
    assert!(update(&mut tx, &large, "columns", &json!({"size": 2_u64 << 30}), now).await.unwrap());
    tx.commit().await.unwrap();

    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let file = ("人员.csv", TABLE.as_bytes());
    // So often that no room is left where one that was refused keeps some.
    for _ in 0..40 {
        let refused = browser.upload(IMPORT, IMPORT, &[], file).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        holds(&refused, &["2 GiB", "周敏 (1)"]);
    }
    let given_up = other.submit(&path, &format!("{path}/discard"), &[]).await;
    assert_eq!(given_up.status, 303);
    let own = handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await;

    let mut tx = app.services.db.begin().await.unwrap();
    for _ in 0..99 {
        insert(&mut tx, large.operator_id, "人员.csv", "columns", &json!({}), now).await.unwrap();
    }
    tx.commit().await.unwrap();
    let refused = browser.upload(IMPORT, IMPORT, &[], file).await;
    assert_eq!(refused.status, 422, "{}", refused.text);
    holds(&refused, &["100 个", "周敏 (99), 周敏 (1)"]);
    let given_up = browser.submit(&own, &format!("{own}/discard"), &[]).await;
    assert_eq!(given_up.status, 303);
    handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await;
}

#[tokio::test]
async fn an_import_that_cannot_be_read_keeps_no_other_from_going() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let broken = row(&app, &handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await).await;
    let other = row(&app, &handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await).await;
    let mut detail = broken.detail.0.clone();
    detail["sheets"] = json!("none that a version ever wrote");
    let mut tx = app.services.db.begin().await.unwrap();
    assert!(update(&mut tx, &broken, "columns", &detail, broken.updated_at).await.unwrap());
    tx.commit().await.unwrap();
    for entry in std::fs::read_dir(app.services.uploads.as_ref().unwrap()).unwrap() {
        let file = std::fs::File::options().write(true).open(entry.unwrap().path()).unwrap();
        file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    }
    imports::prune(&app.services).await.unwrap();
    assert_eq!(uploads(&app), 2, "both wait, whatever can be read of them");

    app.clock.turn(25 * 3_600_000);
    imports::prune(&app.services).await.unwrap();
    assert_eq!(uploads(&app), 0);
    for id in [broken.id, other.id] {
        assert!(find(&app.services.db, id).await.unwrap().is_none(), "{id}");
    }
}

#[tokio::test]
async fn an_import_that_cannot_be_read_keeps_whoever_handed_it_in_from_nothing() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "人员.csv", TABLE.as_bytes(), &[]).await;
    let broken = row(&app, &path).await;
    let mut detail = broken.detail.0.clone();
    detail["sheets"] = json!("none that a version ever wrote");
    for stage in ["columns", "none that is known here"] {
        let broken = row(&app, &path).await;
        let mut tx = app.services.db.begin().await.unwrap();
        assert!(update(&mut tx, &broken, stage, &detail, broken.updated_at).await.unwrap());
        tx.commit().await.unwrap();
        let other = handed_in(&mut browser, "其他.csv", TABLE.as_bytes(), &[]).await;
        holds(&browser.get(&other).await, &["各列是什么"]);
        let list = browser.get(IMPORT).await;
        assert!(list.status == 200 && list.text.contains(&other), "{}", list.text);
    }
    let gone = browser.submit(IMPORT, &format!("{path}/discard"), &[]).await;
    assert_eq!((gone.status, uploads(&app)), (303, 2), "{}", gone.text);
    assert!(find(&app.services.db, broken.id).await.unwrap().is_none());
}

#[tokio::test]
async fn a_table_takes_the_room_of_its_workbook() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "新生.xlsx", &workbook(), &[]).await;
    let own = row(&app, &path).await;
    let rest = (2_u64 << 30) - own.detail.0["size"].as_u64().unwrap();
    let mut tx = app.services.db.begin().await.unwrap();
    let detail = json!({"size": rest});
    insert(&mut tx, own.operator_id, "人员.csv", "columns", &detail, own.created_at).await.unwrap();
    tx.commit().await.unwrap();
    let chosen = act(&mut browser, &path, "sheet", &[("sheet", "新生")]).await;
    holds(&chosen, &["各列是什么"]);
}
