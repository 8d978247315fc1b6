//! How the campus is called and shown: set by the administrators, seen everywhere at once.

use belltower::domain::operator::Role;
use belltower::store::audit::{self, AuditFilter};
use reqwest::Method;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};

const PATH: &str = "/console/settings/campus";
const SVG: &str =
    "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 8 8\"><path d=\"M0 0h8v8z\"/></svg>";

/// What the form was made from.
fn seen(page: &Answer) -> String {
    let (_, rest) = page.text.split_once("name=\"seen\" value=\"").unwrap();
    rest.split_once('"').unwrap().0.replace("&#34;", "\"").replace("&#60;", "<").replace("&#62;", ">")
}

async fn acts(app: &TestApp) -> Vec<Value> {
    let filter = AuditFilter { action: Some("settings.change".to_owned()), ..AuditFilter::default() };
    let rows = audit::list(&app.services.db, &filter, None, 50).await.unwrap();
    rows.into_iter().filter(|row| row.object == "campus").map(|row| row.detail.0).collect()
}

#[tokio::test]
async fn names_and_logo_are_seen_wherever_the_campus_speaks() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = browser.get(PATH).await;
    for holds in ["Asia/Shanghai", "钟楼大学", "还没有上传标志"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let seen = seen(&page);
    let fields = [
        ("seen", seen.as_str()),
        ("name_zh", "东湖<农业>大学"),
        ("name_en", "Donghu University"),
        ("short_name", "东湖"),
        ("contact", "信息中心 027-8728 0000"),
    ];
    let saved = browser.upload(PATH, PATH, &fields, ("logo.svg", SVG.as_bytes())).await;
    assert_eq!((saved.status, saved.header("location")), (303, Some(PATH)), "{}", saved.text);
    let page = browser.get("/console").await;
    let (_, rest) = page.text.split_once("<img class=\"brand-logo\" src=\"").unwrap();
    let logo = rest.split('"').next().unwrap();
    for holds in ["东湖&#60;农业&#62;大学", "· 东湖</title>"] {
        assert!(page.text.contains(holds), "{holds}: {}", page.text);
    }
    let gate = Answer::of(app.plain(Method::GET, "/sign-in")).await;
    assert!(gate.text.contains(logo) && gate.text.contains("东湖&#60;农业&#62;大学"), "{}", gate.text);
    let english = Answer::of(app.plain(Method::GET, "/sign-in").header("cookie", "bt_language=en")).await;
    assert!(english.text.contains("Donghu University"), "{}", english.text);

    let picture = Answer::of(app.plain(Method::GET, logo)).await;
    assert_eq!((picture.status, picture.text.as_str()), (200, SVG));
    for (name, value) in [
        ("content-type", "image/svg+xml"),
        ("x-content-type-options", "nosniff"),
        ("cache-control", "public, max-age=31536000, immutable"),
    ] {
        assert_eq!(picture.header(name), Some(value), "{name}");
    }
    let policy = picture.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'") && policy.contains("sandbox"), "{policy}");
    assert_eq!(Answer::of(app.plain(Method::GET, "/campus/0011223344556677.svg")).await.status, 404);

    let log = acts(&app).await.remove(0);
    assert_eq!(log["short_name"], json!({"before": "", "after": "东湖"}));
    assert!(!log.to_string().contains("svg xmlns"), "the picture itself is not in the log: {log}");

    // Whoever began before that is told, keeps what they typed, and saves over it knowingly.
    let stale = [("seen", seen.as_str()), ("name_zh", "武昌大学")];
    let refused = browser.upload(PATH, PATH, &stale, ("", b"")).await;
    assert!(refused.status == 409 && refused.text.contains("武昌大学"), "{}", refused.text);
    let now = self::seen(&refused);
    let removed = [("seen", now.as_str()), ("name_zh", "武昌大学"), ("remove_logo", "true")];
    assert_eq!(browser.upload(PATH, PATH, &removed, ("", b"")).await.status, 303);
    assert_eq!(Answer::of(app.plain(Method::GET, logo)).await.status, 404);
    let page = browser.get("/console").await;
    assert!(!page.text.contains("brand-logo") && page.text.contains("· 钟楼</title>"), "{}", page.text);
}

#[tokio::test]
async fn what_is_wrong_stands_at_its_field_and_nothing_is_kept() {
    let app = TestApp::start().await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let seen = seen(&browser.get(PATH).await);
    let large = vec![b' '; 200 * 1024];
    for (file, said) in [
        (("a.svg", &b"<svg xmlns=\"http://www.w3.org/2000/svg\"><script/></svg>"[..]), "图形以外的内容"),
        (("a.png", b"GIF89a"), "不是完整的 PNG 或 SVG"),
        (("a.png", &large), "超过 100 KB"),
    ] {
        let fields =
            [("seen", seen.as_str()), ("name_zh", "东湖大学"), ("short_name", "一二三四五六七八九十一二三")];
        let refused = browser.upload(PATH, PATH, &fields, file).await;
        assert_eq!(refused.status, 422, "{}", refused.text);
        for holds in [said, "id=\"logo-error\"", "id=\"short_name-error\"", "value=\"东湖大学\""] {
            assert!(refused.text.contains(holds), "{holds}: {}", refused.text);
        }
    }
    assert!(acts(&app).await.is_empty());
    let mut auditor = Browser::signed_in(&app, Role::Auditor).await;
    let page = auditor.get(PATH).await;
    assert!(page.status == 200 && !page.text.contains("type=\"file\""), "{}", page.text);
    assert_eq!(auditor.upload(PATH, PATH, &[], ("a.svg", SVG.as_bytes())).await.status, 403);
}
