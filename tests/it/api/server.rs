//! What every request meets, whatever it asks for.

use reqwest::Method;

use crate::support::app::{Answer, TestApp};

#[tokio::test]
async fn health_needs_no_key() {
    let app = TestApp::start().await;
    let live = Answer::of(app.plain(Method::GET, "/healthz")).await;
    assert_eq!(live.expect(200)["status"], "ok");
}

#[tokio::test]
async fn a_sane_request_id_comes_back_and_any_other_is_replaced() {
    let app = TestApp::start().await;
    let id = async |sent: &'static str| {
        let answer = Answer::of(app.plain(Method::GET, "/healthz").header("X-Request-Id", sent)).await;
        answer.header("x-request-id").unwrap().to_owned()
    };
    assert_eq!(id("jw-0921:7").await, "jw-0921:7");
    assert!(id("a b").await.starts_with("req_"));
    assert!(id("").await.starts_with("req_"));
}

#[tokio::test]
async fn unknown_paths_and_wrong_methods_are_problems() {
    let app = TestApp::start().await;
    for path in ["/api/v1/nothing", "/api/v2", "/api/v1/messages/", "/nothing"] {
        Answer::of(app.plain(Method::GET, path)).await.problem(404, "not_found");
    }
    let wrong = Answer::of(app.plain(Method::DELETE, "/healthz")).await;
    wrong.problem(405, "method_not_allowed");
    assert_eq!(wrong.header("allow"), Some("GET, OPTIONS"));
    let options = Answer::of(app.plain(Method::OPTIONS, "/healthz")).await;
    assert_eq!((options.status, options.header("allow")), (204, Some("GET, OPTIONS")));
}

#[tokio::test]
async fn head_answers_as_get_without_the_body() {
    let app = TestApp::start().await;
    let get = Answer::of(app.plain(Method::GET, "/healthz")).await;
    let head = Answer::of(app.plain(Method::HEAD, "/healthz")).await;
    assert_eq!((head.status, head.text.as_str()), (200, ""));
    assert_eq!(head.header("content-length"), get.header("content-length"));
}

#[tokio::test]
async fn people_get_pages_and_programs_get_json() {
    let app = TestApp::start().await;
    let ask = async |path: &'static str, language: &'static str| {
        let request =
            app.plain(Method::GET, path).header("Accept", "text/html").header("Accept-Language", language);
        Answer::of(request).await
    };
    let page = ask("/problems/rate_limited", "zh-CN").await;
    assert!(page.text.contains("请求过于频繁") && page.text.contains("lang=\"zh-CN\""), "{}", page.text);
    let page = ask("/problems/rate_limited", "en").await;
    assert!(page.text.contains("Too many requests"), "{}", page.text);
    let switched = app
        .plain(Method::GET, "/problems/invalid")
        .header("Accept", "text/html")
        .header("Accept-Language", "zh-CN")
        .header("Cookie", "bt_language=en");
    let page = Answer::of(switched).await;
    assert!(page.text.contains("<code>errors</code> lists every one of them"), "{}", page.text);
    let page = ask("/nothing", "en").await;
    assert_eq!(page.status, 404);
    assert!(page.text.contains("There is no such thing"), "{}", page.text);
    let json = Answer::of(app.plain(Method::GET, "/problems/rate_limited")).await.expect(200);
    assert_eq!((json["code"].as_str(), json["status"].as_u64()), (Some("rate_limited"), Some(429)));
}

#[tokio::test]
async fn pages_carry_the_headers_that_keep_browsers_safe() {
    let app = TestApp::start().await;
    let page = Answer::of(app.plain(Method::GET, "/problems").header("Accept", "text/html")).await;
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    assert_eq!(page.header("referrer-policy"), Some("same-origin"));
    assert!(page.header("permissions-policy").is_some());
    assert!(page.header("content-security-policy").unwrap().contains("frame-ancestors 'none'"));
    assert_eq!(page.header("strict-transport-security"), None, "plain http must not promise TLS");
    let css = page.text.split('"').find(|text| text.starts_with("/assets/css/")).unwrap().to_owned();
    let css = Answer::of(app.plain(Method::GET, &css)).await;
    assert_eq!((css.status, css.header("content-type")), (200, Some("text/css; charset=utf-8")));
    assert!(css.header("cache-control").unwrap().contains("immutable"));
}

#[tokio::test]
async fn a_soft_stop_finishes_and_closes() {
    let app = TestApp::start().await;
    assert_eq!(Answer::of(app.plain(Method::GET, "/healthz")).await.status, 200);
    app.lifecycle.stop();
    let ending = app.lifecycle.wait(std::time::Duration::from_secs(30)).await;
    assert_eq!(ending, belltower::lifecycle::Ending::Finished);
    assert!(app.plain(Method::GET, "/healthz").send().await.is_err());
}
