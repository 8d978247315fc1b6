use belltower::domain::channel::ChannelKind;
use belltower::service::messages::{self, Preview};
use belltower::service::{recipients, routing};
use belltower::store::messages::MessageFilter;
use reqwest::Method;
use serde_json::{Value, json};

use super::{Campus, exam, owner};
use crate::support::app::{Answer, TestApp};
use crate::support::on_both;

async fn preview(campus: &Campus, body: &Value) -> Preview {
    messages::preview(&campus.s, &campus.academic, body.to_string().as_bytes(), false).await.unwrap()
}

fn codes(preview: &Preview) -> Vec<&str> {
    preview.warnings.iter().map(|warning| warning.code).collect()
}

on_both!(a_preview_counts_what_sending_then_plans, |db| async {
    let mut campus = Campus::new(db.clone()).await;
    campus
        .apply(json!([
            {"name": "考试", "when": {"topics": ["academic.exam"]},
             "then": {"audience": {"everyone": true}, "hold": "审核"}},
            {"name": "图书馆", "when": {"topics": ["library.#"]}, "stop": true},
        ]))
        .await;
    let opt_out = belltower::domain::recipient::OptOut {
        channel: Some(ChannelKind::Sms),
        topic: "academic.#".parse().unwrap(),
    };
    recipients::set_opt_outs(&campus.s, &owner(), "2026001", &[opt_out]).await.unwrap();

    let shown = preview(&campus, &exam()).await;
    assert_eq!(shown.matched_rules[0].because, "Its topic is academic.exam.");
    let rules: Vec<_> =
        shown.rules.iter().map(|r| (r.name.as_str(), r.matched, r.because.as_str())).collect();
    assert_eq!(rules[1], ("图书馆", false, "Its topic academic.exam does not match library.#."));
    assert!(shown.would_be_held);
    assert!(shown.warnings.is_empty(), "{:?}", shown.warnings);
    assert_eq!(shown.audience.total, 4);
    let of = |channel| {
        let counts = shown.audience.by_channel[&channel];
        (counts.reachable, counts.no_address, counts.opted_out)
    };
    assert_eq!((of(ChannelKind::Email), of(ChannelKind::Sms)), ((3, 1, 0), (2, 1, 1)));

    let id = campus.send(exam()).await;
    campus.drain().await;
    messages::release(&campus.s, &owner(), id, "").await.unwrap();
    campus.drain().await;
    let reasons = campus.outcomes(id).await;
    for (channel, counts) in &shown.audience.by_channel {
        let of = |reason: &str| {
            reasons.iter().filter(|o| o.contains(&format!("{channel} {reason}"))).count() as i64
        };
        assert_eq!(of("suppressed no_address"), counts.no_address);
        assert_eq!(of("suppressed opted_out"), counts.opted_out);
        assert_eq!(of("sent") + of("delivered"), counts.reachable);
    }
});

on_both!(a_preview_shows_each_text_and_warns_of_what_would_not_work, |db| async {
    let campus = Campus::new(db.clone()).await;
    let mut body = exam();
    body["variants"] = json!({"sms.en": {"body": "Room 204"}, "email": {"title": "邮件"}});
    body["audience"] = json!({"recipients": ["2026003"]});
    let shown = preview(&campus, &body).await;
    let texts: Vec<_> = shown
        .rendered
        .iter()
        .map(|t| (t.language.as_str(), t.channel, t.title.as_str(), t.body.as_str(), t.sms_segments))
        .collect();
    assert_eq!(
        texts,
        [
            ("en", ChannelKind::Email, "邮件", "地点：教三 204。", None),
            ("en", ChannelKind::Sms, "", "Room 204", Some(1)),
            ("zh-CN", ChannelKind::Email, "邮件", "地点：教三 204。", None),
            ("zh-CN", ChannelKind::Sms, "", "考试安排：地点：教三 204。", Some(1)),
        ]
    );
    assert!(codes(&shown).is_empty());
    // Together with 【钟楼大学】 it is one character too long.
    for (length, segments) in [(64, 1), (65, 2)] {
        body["variants"] = json!({"sms": {"body": "课".repeat(length)}});
        assert_eq!(preview(&campus, &body).await.rendered[1].sms_segments, Some(segments), "{length}");
    }

    let unrouted = preview(&campus, &exam()).await;
    assert_eq!((codes(&unrouted), unrouted.audience.total), (vec!["unrouted"], 0));
    body["channels"] = json!(["email"]);
    assert_eq!(codes(&preview(&campus, &body).await), ["nobody_reachable"], "the third has no e-mail");
    let personal = json!({
        "topic": "academic.grade", "title": "成绩", "body": "{{ grade }}",
        "personalise": [{"campus_id": "2026001", "params": {"grade": 90}}],
    });
    let shown = preview(&campus, &personal).await;
    assert_eq!((shown.audience.total, shown.rendered[0].body.as_str()), (1, "90"));
});

#[tokio::test]
async fn a_preview_over_the_api_stores_nothing_and_tells_every_fault() {
    let app = TestApp::start().await;
    let rules = json!({"rules": [{"name": "全体", "then": {"audience": {"everyone": true}}}]});
    routing::apply(&app.services, &owner(), &rules).await.unwrap();
    let body = json!({"topic": "library.new-books", "title": "新书上架", "body": "三楼东区"});
    let shown = app.post("/messages/preview", &body).await.expect(200);
    assert_eq!(shown["matched_rules"][0]["name"], "全体");
    assert_eq!(shown["matched_rules"][0]["because"], "The rule is for every message.");
    let nobody = json!({"reachable": 0, "no_address": 0, "opted_out": 0, "suppressed": 0});
    let by_channel = json!({"email": nobody, "sms": nobody, "wechat": nobody});
    assert_eq!(shown["audience"], json!({"total": 0, "by_channel": by_channel}));
    assert_eq!((&shown["would_be_held"], &shown["rendered"][1]["sms_segments"]), (&json!(false), &json!(1)));
    let codes: Vec<_> =
        shown["warnings"].as_array().unwrap().iter().map(|w| w["code"].as_str().unwrap()).collect();
    assert_eq!(codes, ["nobody_reachable", "no_provider", "no_provider", "no_provider"]);
    let request = app.api_as(&app.test_key, Method::POST, "/messages/preview").json(&body);
    let tested = Answer::of(request).await.expect(200);
    assert_eq!(tested["warnings"].as_array().unwrap().len(), 1, "the sandbox takes every channel");

    let wrong = json!({"topic": "library.new-books", "title": "", "audience": {"groups": ["none"]}});
    let faults = app.post("/messages/preview", &wrong).await.faults();
    let at: Vec<_> = faults.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert!(at.contains(&"/title") && at.contains(&"/body") && at.contains(&"/audience/groups/0"), "{at:?}");
    let mut skipping = body.clone();
    skipping["audience"] = json!({"groups": ["none"]});
    let shown = app.post("/messages/preview?unknown=skip", &skipping).await.expect(200);
    assert_eq!(shown["unknown"]["groups"], json!(["none"]));
    let kept = belltower::store::messages::list(&app.services.db, &MessageFilter::default(), None, 10).await;
    assert!(kept.unwrap().is_empty(), "nothing is stored");
}
