//! What an SMS says when it arrives and what it is billed as, known before it is sent: held against what telephones of the
//! simulators received, which fill templates and count with code of their own, and against a plain reckoning.

use belltower::channel::registry::build;
use belltower::channel::{Arriving, Guess};
use belltower::domain::operator::Role;
use belltower::domain::sms_text::measure;
use belltower::service::messages;
use belltower::service::providers::{self, NewProvider};
use proptest::prelude::*;
use reqwest::Method;

use super::*;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

fn arriving(channel: &Arc<dyn Channel>, parcel: &Parcel) -> Arriving {
    channel.arriving(parcel).unwrap().unwrap()
}

/// Texts that are cut, empty, in other alphabets, on several lines, and beyond one message.
fn letters() -> Vec<Parcel> {
    let texts = [
        ("考试".to_owned(), "改在教三".to_owned()),
        ("题".repeat(40), "文".repeat(35)),
        ("a".repeat(35), "b 😀 c".to_owned()),
        ("停水".to_owned(), "第一行\n\n第二行".to_owned()),
        ("只有标题".to_owned(), String::new()),
    ];
    (1..)
        .zip(texts)
        .map(|(n, (title, body))| Parcel {
            content: content(&title, &body),
            ..parcel(n, &format!("+86138{n:08}"))
        })
        .collect()
}

/// That each arrived as it was foretold, and was billed so.
fn as_foretold(channel: &Arc<dyn Channel>, parcels: &[Parcel], inbox: &Inbox) {
    let page = inbox.list(&InboxQuery { limit: 1_000, ..InboxQuery::default() });
    assert_eq!(page.texts.len(), parcels.len());
    for parcel in parcels {
        let came = page.texts.iter().find(|sms| parcel.address.ends_with(&sms.number)).unwrap();
        let foretold = arriving(channel, parcel);
        assert_eq!((foretold.text.as_str(), foretold.guess), (came.text.as_str(), None));
        assert_eq!(measure(&foretold.text, true).segments, came.segments, "{}", came.text);
    }
}

#[tokio::test]
async fn what_alibaba_clouds_templates_make_of_it_arrives_as_foretold() {
    let clock = Clock::manual(START);
    let account = clouds::aliyun(&clock).await;
    let mut settings = account.settings();
    settings["default_template"]["text"] = json!("${title}：${body}");
    let channel = adapter(ProviderKind::AliyunSms, &settings, &clock);
    let parcels = letters();
    assert_eq!(classes(&channel.send(&parcels).await), [OutcomeClass::Accepted; 5]);
    as_foretold(&channel, &parcels, &account.inbox());
}

#[tokio::test]
async fn what_tencent_clouds_templates_make_of_it_arrives_as_foretold() {
    let clock = Clock::manual(START);
    let account = clouds::tencent(&clock).await;
    let mut settings = account.settings();
    settings["default_template"]["text"] = json!("{1}：{2}");
    settings["variable_limit"] = json!(12);
    let channel = adapter(ProviderKind::TencentSms, &settings, &clock);
    let parcels = letters();
    assert_eq!(classes(&channel.send(&parcels).await), [OutcomeClass::Accepted; 5]);
    as_foretold(&channel, &parcels, &account.inbox());
}

#[tokio::test]
async fn what_a_gateway_is_told_to_say_arrives_as_foretold() {
    for placement in ["prefix", "suffix"] {
        let settings = json!({"sign_placement": placement});
        let texting = Texting::over(HttpSmsOptions::default(), settings).await;
        let parcels = letters();
        assert_eq!(classes(&texting.channel.send(&parcels).await), [OutcomeClass::Accepted; 5]);
        as_foretold(&texting.channel, &parcels, &texting.inbox());
    }
}

/// The settings of a gateway that fills templates of its own.
fn templated(more: &Value) -> Value {
    let mut settings = json!({
        "request": {
            "url": "https://gw.campus.example/send",
            "body": {"to": "{to}", "template": "7", "book": "{params.book}", "due": "{params.due}"},
        },
        "sign_name": "图书馆",
    });
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    settings
}

#[test]
fn a_gateway_that_fills_its_own_template_needs_its_wording_to_foretell() {
    let clock = Clock::manual(START);
    let params = json!({"book": "三体", "due": "周五"});
    let params = Arc::new(params.as_object().unwrap().clone().into_iter().collect());
    let loan = Parcel { params, ..parcel(1, "+8613800000001") };
    let without = channel(&templated(&json!({})), &clock);
    let words = "【图书馆】期末考试安排：地点：教三 204。".to_owned();
    assert_eq!(arriving(&without, &loan), Arriving { text: words, guess: Some(Guess::Wording(None)) });

    let text = "《{params.book}》{params.due}到期";
    let with = channel(&templated(&json!({"template_text": text})), &clock);
    let expected = "【图书馆】《三体》周五到期".to_owned();
    assert_eq!(arriving(&with, &loan), Arriving { text: expected, guess: None });
    let refused = with.arriving(&parcel(1, "+8613800000001")).unwrap().unwrap_err();
    assert_eq!(refused.code.as_deref(), Some("belltower.variable"), "it could not be sent either");

    let faults_of = |settings: &Value| build_faults(ProviderKind::HttpSms, settings);
    for (text, code) in [
        ("《{params.book}》{params.shelf}", "unmapped_placeholder"),
        ("{sign}《{params.book}》", "unmapped_placeholder"),
        ("{mobile}", "unknown_placeholder"),
        ("【图书馆】{params.book}", "signed"),
        (&"长".repeat(500), "too_long"),
        ("{params.book}\u{7}", "control_character"),
    ] {
        let faults = faults_of(&templated(&json!({"template_text": text})));
        assert_eq!(faults, [("/template_text".to_owned(), code.to_owned())], "{text}");
    }
    let whole = usual("https://gw.campus.example/send", &json!({"template_text": "新通知"}));
    assert_eq!(faults_of(&whole), [("/template_text".to_owned(), "not_allowed".to_owned())]);
}

#[test]
fn whose_sign_a_gateway_adds_is_foretold_where_somebody_said_it() {
    let clock = Clock::manual(START);
    let parcel = Parcel { content: content("考试", "改期"), ..parcel(1, "+8613800000001") };
    let foretold = |more: Value| {
        let mut settings = json!({"request": {"url": "https://gw.campus.example/send"}});
        settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        let Arriving { text, guess } = arriving(&channel(&settings, &clock), &parcel);
        (text, guess)
    };
    let said = |text: &str, guess| (text.to_owned(), guess);
    assert_eq!(foretold(json!({})), said("【钟楼大学】考试：改期", Some(Guess::Sign)));
    assert_eq!(foretold(json!({"sign_placement": "none"})), said("考试：改期", None));
    assert_eq!(foretold(json!({"sign_name": "图书馆"})), said("【图书馆】考试：改期", None));
    let field = json!({"sign_name": "图书馆", "sign_placement": "field"});
    assert_eq!(foretold(field), said("【图书馆】考试：改期", None));
}

/// What is wrong with a provider's settings, and where.
fn build_faults(kind: ProviderKind, settings: &Value) -> Vec<(String, String)> {
    let faults = build(kind, settings, &adapters::site(&Clock::manual(START))).err().unwrap_or_default();
    faults.into_iter().map(|fault| (fault.pointer, fault.code.into_owned())).collect()
}

fn aliyun(template: &Value) -> Value {
    json!({
        "access_key_id": "LTAI5tExample", "access_key_secret": "hunter2hunter2", "sign_name": "钟楼大学",
        "default_template": template,
    })
}

fn tencent(template: &Value) -> Value {
    json!({
        "secret_id": "AKIDexample", "secret_key": "hunter2hunter2", "sdk_app_id": "1400006666", "sign_name": "钟楼大学",
        "templates": {"loan-due": template},
    })
}

#[test]
fn a_wording_that_does_not_fit_its_mapping_is_refused_where_it_stands() {
    let two = json!({"title": "title", "link": "page_code"});
    for (text, code) in [
        ("${title}，详见${url}", "unmapped_placeholder"),
        ("${title}", "missing_placeholder"),
        ("【钟楼】${title}${link}", "signed"),
        ("${title}${link", "unclosed"),
        (&format!("{}${{title}}${{link}}", "长".repeat(495)), "too_long"),
    ] {
        let settings = aliyun(&json!({"code": "SMS_1", "variables": two, "text": text}));
        let faults = build_faults(ProviderKind::AliyunSms, &settings);
        assert_eq!(faults, [("/default_template/text".to_owned(), code.to_owned())], "{text}");
    }
    for (text, code) in [
        ("{1}，{2}，{3}", "unmapped_placeholder"),
        ("{1}", "missing_placeholder"),
        ("{2}，{1}", "out_of_order"),
    ] {
        let settings = tencent(&json!({"id": "1", "variables": ["book", "due"], "text": text}));
        let faults = build_faults(ProviderKind::TencentSms, &settings);
        assert_eq!(faults, [("/templates/loan-due/text".to_owned(), code.to_owned())], "{text}");
    }
    let card = json!({
        "app_id": "wx1", "app_secret": "s", "default_template": {"id": "T", "fields": {"thing1": "title"}, "text": "x"},
    });
    let faults = build_faults(ProviderKind::WechatOfficialAccount, &card);
    assert_eq!(faults, [("/default_template/text".to_owned(), "unknown_field".to_owned())]);
}

/// Reckoned from the vendors' pages alone: 70 characters are one message, of a longer text each holds 67, and none is torn.
fn plainly(text: &str) -> usize {
    let widths: Vec<usize> = text.chars().map(|c| if (c as u32) > 0xffff { 2 } else { 1 }).collect();
    if widths.iter().sum::<usize>() <= 70 {
        return usize::from(!text.is_empty());
    }
    let (mut parts, mut room) = (0, 0);
    for width in widths {
        if width > room {
            parts += 1;
            room = 67;
        }
        room -= width;
    }
    parts
}

/// What a vendor of the mainland puts for a value: one line, of at most so many characters, and never nothing.
fn value(text: &str, most: usize) -> String {
    let line = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let kept: Vec<char> = line.chars().collect();
    match kept.len() {
        0 => "-".to_owned(),
        n if n > most => format!("{}…", kept[..most - 1].iter().collect::<String>().trim_end()),
        _ => line,
    }
}

proptest! {
    #[test]
    fn a_bill_is_what_a_plain_reckoning_comes_to(
        title in "[\\PC&&[^{}%#]]{0,60}", book in "\\PC{0,60}", before in "[a-z考试，。😀]{0,90}", after in "[a-z考试，。😀]{0,90}",
    ) {
        let clock = Clock::manual(START);
        let params = json!({ "book": book });
        let parcel = Parcel {
            content: Arc::new(Rendered { title: title.clone().into(), plain: "正文".into(), ..(*content("x", "正文")).clone() }),
            params: Arc::new(params.as_object().unwrap().clone().into_iter().collect()),
            template: Some("loan-due".into()),
            ..parcel(1, "+8613800000001")
        };
        let settings = json!({"code": "SMS_1", "variables": {"t": "title", "b": "book"}, "text": format!("始{before}${{t}}{after}《${{b}}》")});
        let aliyun = adapter(ProviderKind::AliyunSms, &aliyun(&settings), &clock);
        let settings = json!({"id": "1", "variables": ["title", "book"], "text": format!("始{before}{{1}}{after}《{{2}}》")});
        let mut settings = tencent(&settings);
        settings["variable_limit"] = json!(12);
        let tencent = adapter(ProviderKind::TencentSms, &settings, &clock);
        for (channel, most) in [(aliyun, 35), (tencent, 12)] {
            let expected = format!("【钟楼大学】始{before}{}{after}《{}》", value(&title, most), value(&book, most));
            let said = arriving(&channel, &parcel);
            prop_assert_eq!(&said.text, &expected);
            prop_assert_eq!(said.guess, None);
            prop_assert_eq!(measure(&said.text, true).segments, plainly(&expected));
        }
    }
}

async fn add(app: &TestApp, name: &str, priority: i64, kind: ProviderKind, settings: Value) {
    let new = NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Sms,
        kind,
        settings,
        priority,
        weight: 1,
        rate: None,
    };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap();
}

/// What a preview over the API says of an SMS: its text, its bill, and the warnings about it.
async fn previewed(app: &TestApp, body: &Value) -> (String, u64, Vec<(String, String)>) {
    let seen = app.post("/messages/preview", body).await.expect(200);
    let texts = seen["rendered"].as_array().unwrap();
    let sms = texts.iter().find(|text| text["channel"] == "sms").unwrap();
    let text = |value: &Value| value.as_str().unwrap().to_owned();
    let warnings = seen["warnings"].as_array().unwrap().iter();
    let about = warnings
        .filter(|warning| warning["code"].as_str().unwrap().starts_with("sms_"))
        .map(|warning| (text(&warning["code"]), text(&warning["detail"])))
        .collect();
    (text(&sms["sms_text"]), sms["sms_segments"].as_u64().unwrap(), about)
}

#[tokio::test]
async fn a_preview_shows_what_the_first_provider_makes_arrive() {
    let app = TestApp::start().await;
    let body = json!({
        "topic": "academic.exam", "title": "考试", "body": "改在教三", "channels": ["sms"], "audience": {"everyone": true},
    });
    let nobody = previewed(&app, &body).await;
    assert_eq!(nobody, ("【钟楼大学】考试：改在教三".to_owned(), 1, Vec::new()));

    let unsaid = aliyun(&json!({"code": "SMS_9", "variables": ["title"]}));
    add(&app, "aliyun", 20, ProviderKind::AliyunSms, unsaid).await;
    let (text, segments, about) = previewed(&app, &body).await;
    assert_eq!((text.as_str(), segments), ("【钟楼大学】考试：改在教三", 1));
    assert_eq!(about[0].0, "sms_estimate");
    assert!(about[0].1.contains("aliyun fills its template SMS_9"), "{}", about[0].1);

    let said = format!("{}：{{1}}", "尊敬的老师同学".repeat(10));
    let template = json!({"id": "1", "variables": ["title"], "text": said});
    let mut settings = tencent(&template);
    settings["default_template"] = template;
    settings.as_object_mut().unwrap().remove("templates");
    add(&app, "tencent", 10, ProviderKind::TencentSms, settings).await;
    let (text, segments, about) = previewed(&app, &body).await;
    assert_eq!(text, format!("【钟楼大学】{}：考试", "尊敬的老师同学".repeat(10)));
    assert_eq!(segments, 2, "6, 70, 1 and 2 characters");
    let [(code, detail)] = &about[..] else { panic!("{about:?}") };
    assert!(code == "sms_estimate" && detail.contains("should aliyun carry it"), "{detail}");

    let gateway = usual("https://gw.campus.example/send", &json!({}));
    add(&app, "gateway", 30, ProviderKind::HttpSms, gateway).await;
    let (_, _, about) = previewed(&app, &body).await;
    let differs = about.iter().find(|(code, _)| code == "sms_differs").unwrap();
    assert!(differs.1.ends_with("2 by tencent, 1 by gateway"), "{}", differs.1);
}

#[tokio::test]
async fn a_preview_tells_what_a_provider_would_refuse_and_shows_nobodys_name() {
    let app = TestApp::start().await;
    let body = json!({
        "topic": "academic.exam", "title": "考试", "body": "改在教三", "channels": ["sms"], "audience": {"everyone": true},
    });
    let template = json!({"code": "SMS_9", "variables": {"who": "name", "p": "page_code"}, "text": "${who}，您好：${p}"});
    add(&app, "aliyun", 20, ProviderKind::AliyunSms, aliyun(&template)).await;
    let (text, _, about) = previewed(&app, &body).await;
    assert!(text.starts_with("【钟楼大学】‹name›，您好："), "{text}");
    assert_eq!(text.chars().count(), 6 + 6 + 4 + 24, "a link is as long as everybody's");
    assert!(about.is_empty(), "{about:?}");

    let lacks = aliyun(&json!({"code": "SMS_8", "variables": {"b": "book"}, "text": "《${b}》"}));
    add(&app, "lacking", 10, ProviderKind::AliyunSms, lacks).await;
    let (text, _, about) = previewed(&app, &body).await;
    assert_eq!(text, "【钟楼大学】考试：改在教三");
    assert_eq!(about[0].0, "sms_refused");
    assert!(about[0].1.contains("lacking would not send it") && about[0].1.contains("`b`"), "{}", about[0].1);
}

#[tokio::test]
async fn what_people_have_of_their_own_is_shown_to_its_sender_and_to_nobody_else() {
    let app = TestApp::start().await;
    let person = json!({"name": "李娜", "mobile": "13800000001"});
    Answer::of(app.api(Method::PUT, "/recipients/2026001").json(&person)).await.expect(201);
    let template =
        json!({"code": "SMS_9", "variables": {"b": "book", "t": "title"}, "text": "${t}：《${b}》"});
    add(&app, "aliyun", 20, ProviderKind::AliyunSms, aliyun(&template)).await;
    let body = json!({
        "topic": "academic.exam", "title": "到期", "body": "请归还《{{ book }}》", "channels": ["sms"],
        "personalise": [{"campus_id": "2026001", "params": {"book": "三体"}}],
    });
    let (text, _, about) = previewed(&app, &body).await;
    assert_eq!((text.as_str(), about), ("【钟楼大学】到期：《三体》", Vec::new()));

    let id = app.post("/messages", &body).await.expect(202)["id"].as_str().unwrap().parse().unwrap();
    let seen = messages::simulate_kept(&app.services, &operator(Role::Owner), id).await.unwrap();
    let shown = seen.preview.rendered[0].sms_text.clone();
    assert_eq!(shown.as_deref(), Some("【钟楼大学】到期：《‹book›》"));
}
