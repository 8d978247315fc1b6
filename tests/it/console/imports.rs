//! Importing people over a running server, step by step.

use belltower::domain::id::{ImportId, OperatorId};
use belltower::domain::operator::Role;
use belltower::service::imports;
use belltower::service::recipients::{self, Format as FileFormat, ImportOptions};
use belltower::store::imports::{find, update};
use rust_xlsxwriter::{Format, Workbook};
use serde_json::json;

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};

const IMPORT: &str = "/console/people/import";

const FILE: &str = r#"{"campus_id": "1", "name": "甲", "role": "student"}
{"campus_id": "2", "name": "乙", "mobile": "12"}
{"campus_id": "3", "name": "<丙>"}
{"campus_id": "3", "name": "丁"}
"#;

/// Two sheets; on the second a header of our own, a short number, a formula and a mobile number that is wrong.
pub(super) fn workbook() -> Vec<u8> {
    let mut book = Workbook::new();
    book.add_worksheet().set_name("说明").unwrap().write(0, 0, "请填写第二张表").unwrap();
    let sheet = book.add_worksheet().set_name("新生").unwrap();
    let rows = [
        ["编号", "姓名", "手机", "宿舍", "未导入的原因"],
        ["", "王敏", "13812345678", "北苑1栋", "上一次的原因"],
        ["", "李雷", "1381234", "北苑2栋", ""],
        ["", "韩梅梅", "13812345670", "", ""],
    ];
    for (r, row) in rows.iter().enumerate() {
        for (c, text) in row.iter().enumerate().filter(|(_, text)| !text.is_empty()) {
            sheet.write(r as u32, c as u16, *text).unwrap();
        }
    }
    for (row, id) in [(1, 2_026_010_101_f64), (2, 2_026_010_102.0), (3, 26_010_103.0)] {
        sheet.write_number(row, 0, id).unwrap();
    }
    let date = Format::new().set_num_format("yyyy-mm-dd");
    sheet.write(0, 5, "生日").unwrap().write_number_with_format(1, 5, 39_000, &date).unwrap();
    sheet.write(0, 6, "年级").unwrap().write_formula(3, 6, "=2020+6").unwrap();
    book.save_to_buffer().unwrap()
}

/// Where a file that was handed in is to be found.
pub(super) async fn handed_in(
    browser: &mut Browser,
    name: &str,
    content: &[u8],
    fields: &[(&str, &str)],
) -> String {
    let answer = browser.upload(IMPORT, IMPORT, fields, (name, content)).await;
    assert_eq!(answer.status, 303, "{}", answer.text);
    answer.header("location").unwrap().to_owned()
}

/// The page once the pass in hand is over.
async fn over(browser: &mut Browser, path: &str) -> Answer {
    loop {
        let page = browser.get(path).await;
        if !page.text.contains("data-live") {
            return page;
        }
    }
}

pub(super) async fn act(browser: &mut Browser, path: &str, act: &str, fields: &[(&str, &str)]) -> Answer {
    let answer = browser.submit(path, &format!("{path}/{act}"), fields).await;
    assert_eq!(answer.status, 303, "{act}: {}", answer.text);
    over(browser, path).await
}

pub(super) fn holds(page: &Answer, all: &[&str]) {
    for text in all {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

pub(super) fn uploads(app: &TestApp) -> usize {
    let folder = app.services.uploads.as_ref().unwrap();
    std::fs::read_dir(folder).map(Iterator::count).unwrap_or_default()
}

#[tokio::test]
async fn a_workbook_is_mapped_tried_mended_in_its_cells_and_kept() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "新生.xlsx", &workbook(), &[]).await;
    let page = browser.get(&path).await;
    holds(&page, &["哪个工作表", "value=\"说明\"", "value=\"新生\""]);
    let unknown = browser.submit(&path, &format!("{path}/sheet"), &[("sheet", "没有")]).await;
    assert!(unknown.status == 422 && unknown.text.contains("没有这个工作表"), "{}", unknown.text);
    let page = act(&mut browser, &path, "sheet", &[("sheet", "新生")]).await;
    holds(
        &page,
        &[
            "各列是什么",
            "王敏",
            "2006-10-10",
            "value=\"mobile\" selected",
            "value=\"attributes.编号\" selected",
        ],
    );

    let columns = |first| {
        [
            ("field_0", first),
            ("field_1", "name"),
            ("field_2", "mobile"),
            ("field_3", "attributes.宿舍"),
            ("field_5", "attributes.生日"),
            ("field_6", "attributes.年级"),
        ]
    };
    let without = browser.submit(&path, &format!("{path}/columns"), &columns("")).await;
    assert!(without.status == 422 && without.text.contains("没有学工号这一列"), "{}", without.text);
    let tried = act(&mut browser, &path, "columns", &columns("campus_id")).await;
    holds(
        &tried,
        &[
            "试运行结果",
            "2 行需要修改",
            "“手机”列：修正 1 处",
            "id=\"cell_3_2\" name=\"cell_3_2\" value=\"1381234\"",
            "“年级”列：修正 1 处",
            "name=\"cell_4_6\"",
            "1 个编号是数字格式，且比其他编号短",
            "导入，影响 1 人",
        ],
    );
    assert_eq!(app.get("/recipients/2026010101").await.status, 404, "nothing was kept");

    let file = browser.get(&format!("{path}/rejected")).await;
    assert!(file.text.contains("\"未导入的原因\"\r\n\"2026010102\",\"李雷\",\"1381234\""), "{}", file.text);
    assert!(file.text.contains("手机：这个地址无法使用") && !file.text.contains("王敏"), "{}", file.text);

    let tried = act(&mut browser, &path, "mend", &[("cell_3_2", "13812345679"), ("cell_4_6", "2026")]).await;
    holds(&tried, &["在这里改过 2 个单元格", "导入，影响 3 人"]);
    assert!(!tried.text.contains("行需要修改"), "{}", tried.text);
    let done = act(&mut browser, &path, "run", &[("act", "run")]).await;
    holds(&done, &["导入结果", "已导入"]);
    let li = app.get("/recipients/2026010102").await.expect(200);
    assert_eq!((&li["mobile"], &li["attributes"]["宿舍"]), (&json!("+8613812345679"), &json!("北苑2栋")));
    let wang = app.get("/recipients/2026010101").await.expect(200);
    assert_eq!(wang["attributes"], json!({"宿舍": "北苑1栋", "生日": "2006-10-10"}));
    assert_eq!(app.get("/recipients/26010103").await.expect(200)["attributes"]["年级"], "2026");
    assert_eq!(uploads(&app), 0, "the file is gone");

    let again = handed_in(&mut browser, "补录.csv", "编号,姓名\n9,赵敏\n".as_bytes(), &[]).await;
    let page = browser.get(&again).await;
    holds(&page, &["value=\"campus_id\" selected"]);
}

#[tokio::test]
async fn the_file_of_rejected_rows_is_mended_and_handed_in_alone() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let table = "学号,姓名,手机号\r\n1,李伟,13812345678\r\n2,王芳,1.38E+10\r\n1,李维,\r\n";
    let (bytes, _, lossy) = encoding_rs::GBK.encode(table);
    assert!(!lossy);
    let path = handed_in(&mut browser, "人员.csv", &bytes, &[]).await;
    let tried = act(
        &mut browser,
        &path,
        "columns",
        &[("field_0", "campus_id"), ("field_1", "name"), ("field_2", "mobile")],
    )
    .await;
    holds(&tried, &["2 行需要修改", "长数字", "前面已经出现过一次"]);
    let done = act(&mut browser, &path, "run", &[("act", "run")]).await;
    holds(&done, &["导入结果", "2 行需要修改"]);
    let file = browser.get(&format!("{path}/rejected")).await.text;
    assert!(file.contains("王芳") && file.contains("李维") && !file.contains("李伟"), "{file}");
    let mended = file.replace("1.38E+10", "13812345679").replace("\"1\",\"李维\"", "\"3\",\"李维\"");
    let path = handed_in(&mut browser, "rejected.csv", mended.as_bytes(), &[]).await;
    let columns = [("field_0", "campus_id"), ("field_1", "name"), ("field_2", "mobile"), ("field_3", "")];
    let tried = act(&mut browser, &path, "columns", &columns).await;
    holds(&tried, &["导入，影响 2 人"]);
    act(&mut browser, &path, "run", &[("act", "run")]).await;
    assert_eq!(app.get("/recipients/2").await.expect(200)["mobile"], "+8613812345679");
    assert_eq!(
        app.get("/recipients/3").await.expect(200)["attributes"],
        json!({}),
        "the reason is no attribute"
    );
}

#[tokio::test]
async fn lines_of_json_are_tried_before_they_are_kept() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "人员.ndjson", FILE.as_bytes(), &[]).await;
    let tried = act(&mut browser, &path, "columns", &[]).await;
    holds(&tried, &["2 行需要修改", "mobile", "这个地址无法使用", "导入，影响 2 人"]);
    assert_eq!(app.get("/recipients/1").await.status, 404);
    act(&mut browser, &path, "run", &[("act", "run")]).await;
    assert_eq!(app.get("/recipients/1").await.expect(200)["attributes"]["role"], "student");
    assert_eq!(app.get("/recipients/2").await.status, 404);
    let page = browser.get("/console/people?q=3").await;
    assert!(page.text.contains("&#60;丙&#62;") && !page.text.contains("<丙>"), "{}", page.text);
}

#[tokio::test]
async fn a_file_that_will_not_do_is_refused_with_a_reason() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    for (name, content, said) in [
        ("", &b""[..], "请选择文件"),
        ("people.xls", b"\xd0\xcf\x11\xe0", "不支持这种文件"),
        ("people.xlsx", b"PK\x03\x04 and so on", "工作簿已损坏或有密码"),
        ("people.csv", b"PK\x03\x04 and so on", "Excel 工作簿"),
    ] {
        let fields = [("deactivate_missing", "true")];
        let refused = browser.upload(IMPORT, IMPORT, &fields, (name, content)).await;
        assert!(refused.status == 422 && refused.text.contains(said), "{name}: {}", refused.text);
        assert!(refused.text.contains("name=\"deactivate_missing\" value=\"true\" checked"));
    }
    assert_eq!(uploads(&app), 0, "what was refused is not kept");
    let path = handed_in(&mut browser, "a.ndjson", b"{}\n", &[]).await;
    let failed = act(&mut browser, &path, "columns", &[("deactivate_missing", "true")]).await;
    holds(&failed, &["这个文件不能这样导入", "没有一行有效"]);

    let file = ("a.ndjson", FILE.as_bytes());
    assert_eq!(browser.post_file(IMPORT, &[], file).await.status, 403, "a form without a token");
    assert_eq!(browser.post(IMPORT, &[]).await.status, 400, "not a form with a file");
    let mut sender = Browser::signed_in(&app, Role::Sender).await;
    assert_eq!(sender.upload("/console/people", IMPORT, &[], file).await.status, 403);
    let mut nobody = Browser::new(&app);
    assert_eq!(nobody.post_file(IMPORT, &[], file).await.header("location"), Some("/sign-in?undone=1"));
}

#[tokio::test]
async fn nobody_else_sees_an_import_and_its_file_goes_with_it() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "人员.ndjson", FILE.as_bytes(), &[]).await;
    let mut other = Browser::signed_in(&app, Role::Owner).await;
    assert_eq!(other.get(&path).await.status, 404);
    assert!(!other.get(IMPORT).await.text.contains("人员.ndjson"));
    assert!(browser.get(IMPORT).await.text.contains("人员.ndjson"));
    assert_eq!(uploads(&app), 1);
    let gone = browser.submit(&path, &format!("{path}/discard"), &[]).await;
    assert_eq!(gone.status, 303);
    assert_eq!((uploads(&app), browser.get(&path).await.status), (0, 404));

    let left = handed_in(&mut browser, "人员.ndjson", FILE.as_bytes(), &[]).await;
    let stray = app.services.uploads.as_ref().unwrap().join("f".repeat(32));
    let file = std::fs::File::create(&stray).unwrap();
    imports::prune(&app.services).await.unwrap();
    assert_eq!(uploads(&app), 2, "both are of today");
    file.set_modified(std::time::SystemTime::UNIX_EPOCH).unwrap();
    imports::prune(&app.services).await.unwrap();
    assert!(!stray.exists(), "no import knows of it");
    assert_eq!(uploads(&app), 1);

    app.clock.turn(25 * 3_600_000);
    imports::prune(&app.services).await.unwrap();
    assert_eq!((uploads(&app), browser.get(&left).await.status), (0, 303), "its owner is signed out by then");
}

#[tokio::test]
async fn files_do_not_pile_up() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let mut first = String::new();
    for _ in 0..10 {
        first = handed_in(&mut browser, "人员.ndjson", FILE.as_bytes(), &[]).await;
    }
    let file = ("人员.ndjson", FILE.as_bytes());
    let refused = browser.upload(IMPORT, IMPORT, &[], file).await;
    assert_eq!(refused.status, 422, "{refused:?}");
    assert!(refused.text.contains("已有 10 个文件"), "{refused:?}");
    assert_eq!(uploads(&app), 10);
    browser.submit(&first, &format!("{first}/discard"), &[]).await;
    handed_in(&mut browser, "人员.ndjson", FILE.as_bytes(), &[]).await;

    // Looking at them again and again does not keep whoever is in them for ever.
    for (hours, left) in [(71, 10), (2, 0)] {
        app.clock.turn(hours * 3_600_000);
        let now = app.services.clock.now().0;
        let mut tx = app.services.db.begin().await.unwrap();
        crate::store::execute(&mut tx, &format!("UPDATE import SET updated_at = {now}")).await;
        tx.commit().await.unwrap();
        imports::prune(&app.services).await.unwrap();
        assert_eq!(uploads(&app), left);
    }
}

/// As on another node, which came back to life when its pass had long been taken for broken off.
#[tokio::test]
async fn a_pass_that_was_given_up_keeps_nothing_more() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "人员.ndjson", FILE.as_bytes(), &[]).await;
    let id: ImportId = path.rsplit('/').next().unwrap().parse().unwrap();
    let row = find(&app.services.db, id).await.unwrap().unwrap();
    let mut tx = app.services.db.begin().await.unwrap();
    assert!(update(&mut tx, &row, "tried", &row.detail.0, row.updated_at).await.unwrap());
    tx.commit().await.unwrap();
    for (edition, kept) in [(row.edition, false), (row.edition + 1, true)] {
        let watch = Some(recipients::Watch { import: id, edition });
        let options = ImportOptions { watch, ..ImportOptions::default() };
        let pieces = futures_util::stream::iter([Ok(FILE.as_bytes().into())]);
        let done =
            recipients::import(&app.services, &crate::routing::owner(), FileFormat::Ndjson, options, pieces)
                .await;
        assert_eq!((done.is_ok(), app.get("/recipients/1").await.status == 200), (kept, kept), "{done:?}");
    }
}

/// What a process that was killed in the middle of a pass leaves behind.
#[tokio::test]
async fn a_pass_that_broke_off_is_told_and_taken_up_again() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::MessageManager).await;
    let path = handed_in(&mut browser, "人员.csv", "学号,姓名\n1,甲\n2,乙\n".as_bytes(), &[]).await;
    act(&mut browser, &path, "columns", &[("field_0", "campus_id"), ("field_1", "name")]).await;
    let id: ImportId = path.rsplit('/').next().unwrap().parse().unwrap();
    let mut row = find(&app.services.db, id).await.unwrap().unwrap();
    assert_ne!(row.operator_id, OperatorId(0));
    row.position = 8;
    let mut tx = app.services.db.begin().await.unwrap();
    let detail = row.detail.0.clone();
    assert!(update(&mut tx, &row, "running", &detail, row.updated_at).await.unwrap());
    tx.commit().await.unwrap();
    let page = browser.get(&path).await;
    holds(&page, &["导入没有做完", "中途停止"]);
    let done = act(&mut browser, &path, "run", &[("act", "run")]).await;
    holds(&done, &["已导入"]);
    assert_eq!(app.get("/recipients/2").await.expect(200)["name"], "乙");
    let again = browser.submit(IMPORT, &format!("{path}/run"), &[("act", "run")]).await;
    assert_eq!(again.status, 409, "a step that is done is not done again");
}
