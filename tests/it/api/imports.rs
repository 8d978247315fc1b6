//! People from CSV over HTTP, in the encodings spreadsheets write.

use belltower::service::recipients::Charset;
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::AsyncWriteExt as _;
use tokio::net::TcpStream;

use super::pairs;
use crate::support::app::{Answer, TestApp};

async fn import(app: &TestApp, query: &str, media: &str, file: impl Into<reqwest::Body>) -> Answer {
    let request = app.api(Method::POST, &format!("/recipients/import{query}"));
    Answer::of(request.header("Content-Type", media).body(file)).await
}

const PEOPLE: &str = "学号,姓名,邮箱,手机,身份,宿舍\r\n\
                      2026001,王敏,wang@x.example,138 1234 5678,student,\"北苑,1栋\"\r\n\
                      2026002,欧阳震华,ouyang@x.example,,staff,\r\n";

fn utf16(text: &str) -> Vec<u8> {
    "\u{feff}".encode_utf16().chain(text.encode_utf16()).flat_map(u16::to_le_bytes).collect()
}

#[tokio::test]
async fn every_encoding_brings_the_same_people() {
    let app = TestApp::start().await;
    let (gbk, _, _) = encoding_rs::GBK.encode(PEOPLE);
    let marked = format!("\u{feff}{PEOPLE}");
    let tabs = "学号\t姓名\t邮箱\t手机\t身份\t宿舍\r\n\
                2026001\t王敏\twang@x.example\t13812345678\tstudent\t北苑,1栋\r\n\
                2026002\t欧阳震华\touyang@x.example\t\tstaff\t\r\n";
    for (media, file, charset) in [
        ("text/csv", PEOPLE.as_bytes().to_vec(), "UTF-8"),
        ("text/csv; charset=utf-8; header=present", marked.clone().into_bytes(), "UTF-8"),
        ("text/csv", marked.into_bytes(), "UTF-8"),
        ("text/csv", gbk.to_vec(), "gb18030"),
        ("text/csv; charset=\"GBK\"", gbk.to_vec(), "GBK"),
        ("Text/CSV;Charset=gb2312", gbk.to_vec(), "GBK"),
        ("text/csv", utf16(tabs), "UTF-16LE"),
        ("text/tab-separated-values; charset=utf-16", utf16(tabs), "UTF-16LE"),
    ] {
        let report = import(&app, "", media, file).await.expect(200);
        let first = charset == "UTF-8" && media == "text/csv" && report["created"] == 2;
        assert!(first || report["unchanged"] == 2, "{media}: {report}");
        assert_eq!(report["read_as"]["charset"], charset, "{media}");
    }
    let wang = app.get("/recipients/2026001").await.expect(200);
    assert_eq!((&wang["name"], &wang["mobile"]), (&json!("王敏"), &json!("+8613812345678")));
    assert_eq!(wang["attributes"], json!({"role": "student", "宿舍": "北苑,1栋"}));
    assert_eq!(app.get("/recipients/2026002").await.expect(200)["name"], "欧阳震华");

    assert!(Charset::of("klingon").is_none());
    for media in ["text/csv; charset=klingon", "application/x-ndjson; charset=gbk", "text/plain"] {
        import(&app, "", media, PEOPLE).await.problem(415, "unsupported_media_type");
    }
    // Announced wrongly, names would be lost; the rows say so instead.
    let report = import(&app, "", "text/csv; charset=utf-8", gbk.to_vec()).await;
    assert_eq!(report.faults(), pairs(&[("/1", "no_campus_id")]));
}

#[tokio::test]
async fn a_table_keeps_its_good_rows_and_explains_the_others() {
    let app = TestApp::start().await;
    let file = format!("{PEOPLE}2026003,\"李\n雷\",no,1.38E+10,,\r\n2026001,又,,,,\r\n2026004,赵四,,,,\r\n");
    let dry =
        import(&app, "?dry_run=true&deactivate_missing=true", "text/csv", file.clone()).await.expect(200);
    app.get("/recipients/2026001").await.problem(404, "not_found");
    let report = import(&app, "?deactivate_missing=true", "text/csv", file).await.expect(200);
    let told: Vec<_> = report["rejected"]
        .as_array()
        .unwrap()
        .iter()
        .map(|it| {
            (it["line"].as_u64().unwrap(), it["column"].as_str().unwrap(), it["code"].as_str().unwrap())
        })
        .collect();
    assert_eq!(
        told,
        [
            (4, "姓名", "control_character"),
            (4, "邮箱", "bad_address"),
            (4, "手机", "lost_number"),
            (6, "学号", "duplicate"),
        ]
    );
    let detail = report["rejected"][2]["detail"].as_str().unwrap();
    assert!(detail.contains("format the column as text"), "{detail}");
    let but_dry = |report: &Value| {
        let mut report = report.clone();
        report["dry_run"].take();
        report
    };
    assert_eq!(but_dry(&dry), but_dry(&report));

    let fewer = "学号,姓名\n2026001,王敏\n";
    let report = import(&app, "?deactivate_missing=true", "text/csv", fewer).await.expect(200);
    assert_eq!((&report["unchanged"], &report["deactivated"]), (&json!(1), &json!(2)));
    let doubtful = "学号,姓名\n2026001,王敏\n2.026E+06,赵四\n";
    let report = import(&app, "?deactivate_missing=true", "text/csv", doubtful).await.expect(200);
    assert_eq!(report["deactivated"], 0);
    assert!(report["not_deactivated"].as_str().unwrap().contains("line 3"), "{report}");
}

#[tokio::test]
async fn who_is_deactivated_is_sent_nothing_until_they_come_back() {
    let app = TestApp::start().await;
    import(&app, "", "text/csv", PEOPLE).await.expect(200);
    import(&app, "?deactivate_missing=true", "text/csv", "学号\n2026001\n").await.expect(200);
    let planned = async || {
        let message = json!({
            "topic": "campus.water", "title": "停水", "body": "今晚停水。", "channels": ["email"],
            "audience": {"everyone": true},
        });
        let id = app.post("/messages", &message).await.expect(202)["id"].clone();
        app.drain().await;
        let deliveries = app.get(&format!("/messages/{}/deliveries", id.as_str().unwrap())).await.expect(200);
        let mut ids: Vec<_> = deliveries["data"]
            .as_array()
            .unwrap()
            .iter()
            .map(|it| it["recipient"]["campus_id"].as_str().unwrap().to_owned())
            .collect();
        ids.sort();
        ids
    };
    assert_eq!(planned().await, ["2026001"]);
    import(&app, "", "text/csv", "学号\n2026002\n").await.expect(200);
    assert_eq!(planned().await, ["2026001", "2026002"]);
}

#[tokio::test]
async fn a_large_file_whose_columns_nobody_understands_is_answered() {
    let app = TestApp::start().await;
    let file = format!("名单,,\n{}", "2026001,王敏,13812345678\n".repeat(300_000));
    let faults = import(&app, "?deactivate_missing=true", "text/csv", file).await.faults();
    assert_eq!(faults, pairs(&[("/1", "no_campus_id")]));
    let huge = vec![b'\n'; 64 * 1024 * 1024 + 1];
    import(&app, "", "text/csv", huge).await.problem(413, "too_large");
}

#[tokio::test]
async fn a_table_that_breaks_off_keeps_its_whole_rows() {
    let app = TestApp::start().await;
    import(&app, "", "text/csv", "学号,姓名\n1,甲\n").await.expect(200);
    let mut socket = TcpStream::connect(app.url.trim_start_matches("http://")).await.unwrap();
    let request = format!(
        "POST /api/v1/recipients/import?deactivate_missing=true HTTP/1.1\r\nHost: bell.example\r\n\
         Authorization: Bearer {}\r\nContent-Type: text/csv\r\nContent-Length: 1000\r\n\r\n\
         学号,姓名\n2,乙\n3,丙",
        app.live_key
    );
    socket.write_all(request.as_bytes()).await.unwrap();
    drop(socket);
    // The server may still be reading when the client knows; whoever asks again sees it done.
    while app.get("/recipients/2").await.status == 404 {
        tokio::task::yield_now().await;
    }
    assert_eq!(app.get("/recipients/1").await.expect(200)["active"], true);
    app.get("/recipients/3").await.problem(404, "not_found");
}
