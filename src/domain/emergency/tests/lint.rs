//! What is remarked, and what is not.

use super::*;
use crate::domain::emergency::lint::{CODES, Gravity, sms_size};
use crate::domain::emergency::{Language, Remark, lint};

const SIGN: Option<&str> = Some("钟楼大学保卫");

fn remarks(value: &Value) -> Vec<Remark> {
    lint(&read_from::read(value).unwrap(), SIGN, TODAY)
}

fn found(value: &Value) -> Vec<(String, &'static str, Gravity)> {
    remarks(value).into_iter().map(|remark| (remark.pointer, remark.code, remark.severity)).collect()
}

#[test]
fn a_scenario_in_order_has_no_remarks() {
    assert_eq!(remarks(&written()), []);
}

#[test]
fn each_rule_is_told_at_its_place() {
    use Gravity::{Refused, Warning};
    let long = |of: &str, times: usize| json!(of.repeat(times));
    let mut seen = Vec::new();
    for (pointer, value, at, code, severity) in [
        ("/code", json!("f1"), "/code", "code_shape", Refused),
        ("/code", json!("FIRE"), "/code", "code_shape", Refused),
        ("/code", json!("火"), "/code", "code_shape", Refused),
        ("/expires_in_minutes", json!(9), "/expires_in_minutes", "expiry_bounds", Refused),
        ("/expires_in_minutes", json!(4321), "/expires_in_minutes", "expiry_bounds", Refused),
        ("/channels", json!([]), "/channels", "no_channels", Refused),
        ("/escalation/channels", json!([]), "/escalation/channels", "no_channels", Refused),
        ("/escalation/after_minutes", json!(0), "/escalation/after_minutes", "escalation_bounds", Refused),
        ("/roll_call", json!(false), "/escalation", "escalation_without_roll_call", Warning),
        ("/review_on", json!("2026-08-31"), "/review_on", "review_overdue", Warning),
        ("/alert/zh/sms", json!("{{ place }"), "/alert/zh/sms", "template_syntax", Refused),
        (
            "/alert/zh/sms",
            json!("{{ place }}{{ gate }}起火"),
            "/alert/zh/sms",
            "unknown_placeholder",
            Refused,
        ),
        (
            "/alert/zh/sms",
            json!("{% if place %}{{ place }}起火{% endif %}"),
            "/alert/zh/sms",
            "only_placeholders",
            Refused,
        ),
        ("/alert/zh/sms", json!("{{ place | upper }}起火"), "/alert/zh/sms", "only_placeholders", Refused),
        ("/alert/en/sms", json!("Fire at BUILDING NAME {{ place }}"), "/alert/en/sms", "left_blank", Refused),
        ("/alert/zh/title", json!("{{ place }}XX起火"), "/alert/zh/title", "left_blank", Refused),
        ("/alert/zh/body", json!("{{ place }} fire"), "/alert/zh/body", "wrong_language", Refused),
        ("/alert/en/body", json!("{{ place }} 起火"), "/alert/en/body", "wrong_language", Refused),
        ("/name/en", json!("火灾"), "/name/en", "wrong_language", Refused),
        (
            "/placeholders/0/choices/0/en",
            json!("图书 馆"),
            "/placeholders/0/choices/0/en",
            "wrong_language",
            Warning,
        ),
        (
            "/placeholders/0/choices/0/zh",
            long("楼", 21),
            "/placeholders/0/choices/0/zh",
            "choice_long",
            Warning,
        ),
        (
            "/alert/en/sms",
            json!("{{ place }}发生火情，请撤离。"),
            "/alert/en/sms",
            "same_in_both_languages",
            Refused,
        ),
        ("/alert/en/sms", json!("Fire. Leave."), "/alert/en/sms", "placeholder_missing", Warning),
        ("/alert/zh/sms", json!("起火，请撤离。"), "/alert/zh/sms", "placeholder_missing", Warning),
        ("/alert/zh/sms", json!(""), "/alert/zh/sms", "text_missing", Refused),
        ("/alert/zh/wechat", json!(""), "/alert/zh/wechat", "text_missing", Refused),
        (
            "/alert/zh/body",
            json!("{{ place }}起火，这 不 是 演 习！"),
            "/alert/zh/body",
            "not_a_drill",
            Refused,
        ),
        (
            "/all_clear/en/title",
            json!("{{ place }}: this is ＮＯＴ a DRILL"),
            "/all_clear/en/title",
            "not_a_drill",
            Refused,
        ),
        (
            "/placeholders/0/choices/0/zh",
            json!("图书馆（非演习）"),
            "/placeholders/0/choices/0/zh",
            "not_a_drill",
            Refused,
        ),
        (
            "/alert/zh/title",
            json!("火灾红色预警信号：{{ place }}"),
            "/alert/zh/title",
            "government_warning",
            Refused,
        ),
        (
            "/alert/zh/sms",
            json!("{{ place }}停课一天并停止户外活动，市气象台已发布暴雨橙色预警。"),
            "/alert/zh/sms",
            "mentions_warning",
            Warning,
        ),
        (
            "/correction/zh/sms",
            json!("{{ place }}火情已处置。"),
            "/correction/zh/sms",
            "correction_not_said",
            Refused,
        ),
        (
            "/correction/en/body",
            json!("The fire is out: {{ place }}."),
            "/correction/en/body",
            "correction_not_said",
            Refused,
        ),
        (
            "/alert/zh/title",
            json!(format!("{{{{ place }}}}{}", "火".repeat(41))),
            "/alert/zh/title",
            "title_cut",
            Warning,
        ),
        (
            "/alert/en/title",
            json!(format!("{{{{ place }}}}{}", "a".repeat(140))),
            "/alert/en/title",
            "headline_long",
            Warning,
        ),
        (
            "/alert/zh/wechat",
            json!(format!("{{{{ place }}}}{}", "火".repeat(170))),
            "/alert/zh/wechat",
            "card_long",
            Warning,
        ),
        (
            "/alert/zh/wechat",
            json!(format!("{{{{ place }}}}{}", "火".repeat(690))),
            "/alert/zh/wechat",
            "card_long",
            Refused,
        ),
        ("/placeholders/0/name", json!("gate"), "/placeholders/0", "unused_placeholder", Warning),
    ] {
        let found = found(&with(pointer, value));
        assert!(found.contains(&(at.to_owned(), code, severity)), "{code} at {at}: {found:?}");
        seen.push(code);
    }
    // What can only be so in a scenario that was not read.
    let mut scenario = scenario();
    scenario.audience.to =
        serde_json::from_value(json!([{"kind": "email", "value": "a@b.example"}])).unwrap();
    scenario.placeholders = vec![scenario.placeholders[0].clone(); 4];
    let found: Vec<_> = lint(&scenario, SIGN, TODAY).into_iter().map(|remark| remark.code).collect();
    assert_eq!(found, ["outside_addresses", "too_many_placeholders"]);
    seen.extend(found);
    seen.push("sms_segments");
    seen.sort_unstable();
    seen.dedup();
    assert_eq!(seen, CODES);
}

#[test]
fn an_sms_is_measured_with_its_sign_and_the_longest_choice() {
    let sms = |language: &str, text: String| remarks(&with(&format!("/alert/{language}/sms"), text));
    // The longest place has six characters, the sign eight.
    let fits = |more: usize| format!("{{{{ place }}}}{}", "火".repeat(56 + more));
    assert_eq!(sms("zh", fits(0)), []);
    let long = sms("zh", fits(1));
    assert_eq!((long.len(), long[0].code, long[0].severity), (1, "sms_segments", Gravity::Warning));
    assert_eq!(json!(long[0].figures), json!({"characters": 71, "segments": 2}));
    let english = |more: usize| format!("{{{{ place }}}}{}", "a".repeat(118 + more));
    assert_eq!(sms("en", english(0)), []);
    assert_eq!(json!(sms("en", english(1))[0].figures), json!({"characters": 135, "segments": 3}));

    let scenario = read_from::read(&with("/alert/zh/sms", fits(1))).unwrap();
    let segments = |sign| sms_size(&scenario, &scenario.alert, Language::Chinese, sign).unwrap().segments;
    assert_eq!((segments(SIGN), segments(Some("钟楼")), segments(None)), (2, 1, 1));
}

#[test]
fn what_no_channel_says_is_not_missed() {
    let mut mail = written();
    mail["channels"] = json!(["email"]);
    mail["escalation"] = Value::Null;
    for part in ["alert", "correction", "all_clear"] {
        for language in ["zh", "en"] {
            mail[part][language]["sms"] = json!("");
            mail[part][language]["wechat"] = json!("");
        }
    }
    assert_eq!(remarks(&mail), []);
    mail["escalation"] = json!({"after_minutes": 5, "channels": ["sms"]});
    let missing = remarks(&mail);
    assert_eq!(missing.len(), 6);
    assert!(missing.iter().all(|remark| remark.code == "text_missing" && remark.pointer.ends_with("/sms")));
}

#[test]
fn a_remark_is_a_fault_where_it_refuses() {
    let remark = remarks(&with("/code", "f")).remove(0);
    assert!(remark.is_refusal());
    let fault = remark.into_fault();
    assert_eq!((fault.pointer.as_str(), &*fault.code), ("/code", "code_shape"));
    assert_eq!(CODES.len(), 26);
    assert!(CODES.is_sorted());
}
