//! Vendors' templates that stand for ours, kept from the template's page in the provider's own settings.

use belltower::channel::registry;
use belltower::domain::channel::ChannelKind;
use belltower::domain::id::ProviderId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{self, NewProvider, ProviderChanges};
use belltower::service::templates;
use serde_json::{Value, json};

use super::browser::Browser;
use crate::support::app::{Answer, TestApp};
use crate::support::operator;

const HOME: &str = "/console/templates/book-due";

fn has(page: &Answer, texts: &[&str]) {
    for text in texts {
        assert!(page.text.contains(text), "{text}: {}", page.text);
    }
}

async fn provider(app: &TestApp, name: &str, kind: ProviderKind, more: &Value) -> ProviderId {
    let (channel, mut settings) = match kind {
        ProviderKind::AliyunSms => (
            ChannelKind::Sms,
            json!({"access_key_id": "LTAI5tExample", "access_key_secret": "hunter2hunter2", "sign_name": "钟楼大学"}),
        ),
        ProviderKind::TencentSms => (
            ChannelKind::Sms,
            json!({
                "secret_id": "AKIDexample", "secret_key": "hunter2hunter2", "sdk_app_id": "1400006666",
                "sign_name": "钟楼大学",
            }),
        ),
        _ => (ChannelKind::Wechat, json!({"app_id": "wx0123456789abcdef", "app_secret": "hunter2hunter2"})),
    };
    settings.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
    let new =
        NewProvider { name: name.to_owned(), channel, kind, settings, priority: 10, weight: 1, rate: None };
    providers::create(&app.services, &operator(Role::Owner), new).await.unwrap().id
}

async fn due(app: &TestApp) {
    let due = json!({
        "name": "图书到期", "title": "《{{ book }}》到期", "body": "请于{{ day }}前归还。{{ note | default('') }}",
        "variants": {"en": {"title": "“{{ book }}” is due"}}, "samples": {"book": "三体", "day": "9月1日"},
    });
    templates::put(&app.services, &operator(Role::Owner), "book-due", &due).await.unwrap();
}

async fn stored(app: &TestApp, id: ProviderId) -> Value {
    providers::show(&app.services, &operator(Role::Owner), id).await.unwrap().1["templates"]["book-due"]
        .clone()
}

/// A form with these rows of names and sources.
fn rows<'f>(
    seen: &'f str,
    id: &'f str,
    slots: &[(&'f str, &'f str)],
    more: &[(&'f str, &'f str)],
) -> Vec<(&'f str, &'f str)> {
    let mut form = vec![("seen", seen), ("id", id)];
    for (name, source) in slots {
        form.extend([("slot_name", *name), ("slot_source", *source)]);
    }
    form.extend(more);
    form
}

const SAVE: (&str, &str) = ("act", "save");

#[tokio::test]
async fn a_mapping_is_added_changed_and_removed_by_fields() {
    let app = TestApp::start().await;
    due(&app).await;
    let for_all = json!({"default_template": {"code": "SMS_1", "variables": {"title": "title"}}});
    let id = provider(&app, "阿里云短信", ProviderKind::AliyunSms, &for_all).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/mappings/{id}");
    has(&browser.get(HOME).await, &["阿里云短信", "用通用模板 SMS_1", &page, "添加对应"]);
    has(&browser.get(&page).await, &["添加平台模板对应", "value=\"book\"", "value=\"day\"", "book · 三体"]);

    let slots = [("${book}", "book"), ("day", "day")];
    let text = ("text", "您借的《${book}》${day}到期");
    let shown = browser.submit(&page, &page, &rows("", "SMS_2", &slots, &[text, ("act", "preview")])).await;
    has(&shown, &["【钟楼大学】您借的《三体》9月1日到期"]);
    assert_eq!(stored(&app, id).await, Value::Null, "looked at only");

    let kept = browser.submit(&page, &page, &rows("", "SMS_2", &slots, &[text, SAVE])).await;
    assert_eq!(kept.header("location"), Some("/console/templates/book-due#mappings"), "{}", kept.text);
    let mapping = json!({"code": "SMS_2", "variables": {"book": "book", "day": "day"}, "text": "您借的《${book}》${day}到期"});
    assert_eq!(stored(&app, id).await, mapping);
    has(&browser.get(HOME).await, &["SMS_2", "修改对应", "完整送出"]);
    let owner = operator(Role::Owner);
    let settings = providers::show(&app.services, &owner, id).await.unwrap().1;
    assert_eq!(settings["default_template"]["code"], "SMS_1", "the rest stays");
    has(&browser.get("/console/audit").await, &["修改服务商"]);

    let seen = mapping.to_string();
    let fewer = [("what", "title")];
    let changed = browser.submit(&page, &page, &rows(&seen, "SMS_3", &fewer, &[SAVE])).await;
    assert_eq!(changed.status, 409, "the day is said nowhere");
    has(&changed, &["平台模板没有用到变量 day"]);
    let agreed = ("agreed", r#"["unsaid","day"]"#);
    has(&changed, &["[&#34;unsaid&#34;,&#34;day&#34;]"]);
    let changed = browser.submit(&page, &page, &rows(&seen, "SMS_3", &fewer, &[agreed, SAVE])).await;
    assert_eq!(changed.status, 303, "{}", changed.text);
    assert_eq!(
        stored(&app, id).await,
        json!({"code": "SMS_3", "variables": {"what": "title"}}),
        "nothing of before"
    );

    let remove = format!("{page}/remove");
    let late = browser.submit(&page, &remove, &[("seen", &seen)]).await;
    assert_eq!(late.status, 409, "it was changed since");
    let seen = stored(&app, id).await.to_string();
    let gone = browser.submit(&page, &remove, &[("seen", &seen)]).await;
    assert_eq!(gone.status, 303, "{}", gone.text);
    assert_eq!(stored(&app, id).await, Value::Null);
}

#[tokio::test]
async fn places_are_moved_and_rows_come_and_go_without_script() {
    let app = TestApp::start().await;
    due(&app).await;
    let id = provider(&app, "腾讯云短信", ProviderKind::TencentSms, &json!({})).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/mappings/{id}");
    let order = |answer: &Answer| -> Vec<String> {
        let selected = answer
            .text
            .split("<option value=\"")
            .skip(1)
            .filter(|rest| rest.split('>').next().unwrap().ends_with("selected"));
        selected.map(|rest| rest.split('"').next().unwrap().to_owned()).collect()
    };
    let slots = [("", "book"), ("", "day"), ("", "page_code")];
    let moved = |act: (&'static str, &'static str)| rows("", "12", &slots, &[act]);
    let answer = browser.submit(&page, &page, &moved(("down", "0"))).await;
    assert_eq!(order(&answer), ["day", "book", "page_code"]);
    let answer = browser.submit(&page, &page, &moved(("up", "2"))).await;
    assert_eq!(order(&answer), ["book", "page_code", "day"]);
    let answer = browser.submit(&page, &page, &moved(("remove", "1"))).await;
    assert_eq!(order(&answer), ["book", "page_code"]);
    let answer = browser.submit(&page, &page, &moved(("act", "add"))).await;
    assert!(
        answer.text.contains("slots_3_source") && !answer.text.contains("field-error"),
        "{}",
        answer.text
    );

    let text = ("text", "{2}{1}{3}");
    let refused = browser.submit(&page, &page, &rows("", "12", &slots, &[text, SAVE])).await;
    assert_eq!(refused.status, 422);
    has(&refused, &["id=\"text-error\"", "占位符的顺序不对"]);
    let kept = browser.submit(&page, &page, &rows("", "12", &slots, &[("text", "{1}{2}{3}"), SAVE])).await;
    assert_eq!(kept.status, 303, "{}", kept.text);
    assert_eq!(
        stored(&app, id).await,
        json!({"id": "12", "variables": ["book", "day", "page_code"], "text": "{1}{2}{3}"})
    );
}

#[tokio::test]
async fn every_fault_stands_at_its_field_and_the_input_stays() {
    let app = TestApp::start().await;
    due(&app).await;
    let for_all = json!({"default_template": {"id": "all", "fields": {"thing1": "title"}}});
    let id = provider(&app, "公众号", ProviderKind::WechatOfficialAccount, &for_all).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/mappings/{id}");
    let slots = [
        ("thing1", "reader"),
        ("number2", "book"),
        ("first", "title"),
        ("phrase4", "body"),
        ("thing1", "day"),
        ("", "campus"),
        ("thing7", ""),
    ];
    let refused = browser.submit(&page, &page, &rows("", "", &slots, &[SAVE])).await;
    assert_eq!(refused.status, 422);
    for field in ["id", "slots_2_name", "slots_3_source", "slots_4_name", "slots_5_name", "slots_6_source"] {
        has(&refused, &[&format!("id=\"{field}-error\"")]);
    }
    has(&refused, &["微信自 2023 年起不再显示 first", "value=\"number2\""]);
    let slots = [("{{thing1.DATA}}", "reader"), ("number2", "book")];
    let refused = browser.submit(&page, &page, &rows("", "x", &slots, &[SAVE])).await;
    has(&refused, &["id=\"slots_0_source-error\"", "模板里没有变量 reader"]);
    let slots = [("thing1", "day"), ("number2", "book")];
    let refused = browser.submit(&page, &page, &rows("", "x", &slots, &[SAVE])).await;
    assert_eq!(refused.status, 422);
    has(&refused, &["id=\"slots_1_source-error\"", "示例值放不进这个字段：32 位以内的数字"]);
    assert_eq!(stored(&app, id).await, Value::Null);
}

#[tokio::test]
async fn what_is_cut_or_may_be_missing_is_agreed_to_and_nothing_else() {
    let app = TestApp::start().await;
    due(&app).await;
    let for_all = json!({"default_template": {"id": "all", "fields": {"thing1": "title"}}});
    let id = provider(&app, "公众号", ProviderKind::WechatOfficialAccount, &for_all).await;
    let long = json!({
        "name": "图书到期", "title": "《{{ book }}》到期", "body": "请于{{ day }}前归还。{{ note | default('') }}",
        "samples": {"book": "钢铁是怎样炼成的：一部写给今天的青年读者的长篇小说", "day": "9月1日"},
    });
    templates::put(&app.services, &operator(Role::Owner), "book-due", &long).await.unwrap();
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/mappings/{id}");
    let slots = [("thing1", "book"), ("time2", "day"), ("thing3", "note")];
    let asked = browser.submit(&page, &page, &rows("", "x", &slots, &[SAVE])).await;
    assert_eq!(asked.status, 409, "{}", asked.text);
    has(&asked, &["thing1：放不下，截去 6 个字", "变量 note 可省略"]);
    let less = ("agreed", r#"["optional","thing3","note"]"#);
    let asked = browser.submit(&page, &page, &rows("", "x", &slots, &[less, SAVE])).await;
    assert_eq!((asked.status, stored(&app, id).await), (409, Value::Null), "agreed to less");
    let all = ("agreed", r#"["optional","thing3","note"],["cut","thing1",6]"#);
    let kept = browser.submit(&page, &page, &rows("", "x", &slots, &[all, SAVE])).await;
    assert_eq!(kept.status, 303, "{}", kept.text);
    has(&browser.get(HOME).await, &["截去 6 个字"]);
}

#[tokio::test]
async fn two_editors_do_not_overwrite_each_other() {
    let app = TestApp::start().await;
    due(&app).await;
    let owner = operator(Role::Owner);
    let id = provider(&app, "阿里云短信", ProviderKind::AliyunSms, &json!({})).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/mappings/{id}");
    let slots = [("book", "book"), ("day", "day")];
    let other = json!({"code": "SMS_9", "variables": {"b": "book", "d": "day"}});
    let patch = json!({"templates": {"book-due": other}, "daily_limit": 20});
    let changes = ProviderChanges { settings: Some(patch), ..ProviderChanges::default() };
    providers::update(&app.services, &owner, id, changes).await.unwrap();
    let late = browser.submit(&page, &page, &rows("", "SMS_2", &slots, &[SAVE])).await;
    assert_eq!(late.status, 409);
    has(&late, &["其他人刚刚改过", "SMS_9", "value=\"SMS_2\""]);
    assert_eq!(stored(&app, id).await, other);

    // What else of the provider changes is nobody's concern here.
    let patch = json!({"daily_limit": 30});
    let changes = ProviderChanges { settings: Some(patch), ..ProviderChanges::default() };
    providers::update(&app.services, &owner, id, changes).await.unwrap();
    let again = browser.submit(&page, &page, &rows(&other.to_string(), "SMS_2", &slots, &[SAVE])).await;
    assert_eq!(again.status, 303, "{}", again.text);
    let settings = providers::show(&app.services, &owner, id).await.unwrap().1;
    assert_eq!(
        (&settings["templates"]["book-due"]["code"], &settings["daily_limit"]),
        (&json!("SMS_2"), &json!(30))
    );
}

#[tokio::test]
async fn the_last_template_of_an_account_is_not_removed() {
    let app = TestApp::start().await;
    due(&app).await;
    let own = json!({"id": "x", "fields": {"thing1": "book", "time2": "day"}});
    let only = json!({"templates": {"book-due": own}});
    let id = provider(&app, "公众号", ProviderKind::WechatOfficialAccount, &only).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/mappings/{id}");
    let refused = browser.submit(&page, &format!("{page}/remove"), &[("seen", &own.to_string())]).await;
    assert_eq!(refused.status, 422);
    has(&refused, &["这是该服务商唯一的模板"]);
    assert_eq!(stored(&app, id).await, own);
}

#[tokio::test]
async fn who_may_not_change_providers_sees_what_stands_and_changes_nothing() {
    let app = TestApp::start().await;
    due(&app).await;
    let id = provider(&app, "阿里云短信", ProviderKind::AliyunSms, &json!({})).await;
    let mail = json!({"host": "127.0.0.1", "port": 1, "tls": "none", "from_address": "a@bell.example", "from_name": "x"});
    let relay = NewProvider {
        name: "校内邮件".to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings: mail,
        priority: 10,
        weight: 1,
        rate: None,
    };
    let relay = providers::create(&app.services, &operator(Role::Owner), relay).await.unwrap().id;
    let page = format!("{HOME}/mappings/{id}");
    let mut manager = Browser::signed_in(&app, Role::MessageManager).await;
    let shown = manager.get(HOME).await;
    has(&shown, &["阿里云短信", "没有对应的平台模板，发不出去"]);
    assert!(!shown.text.contains("/mappings/") && !shown.text.contains("校内邮件"), "{}", shown.text);
    assert_eq!(manager.get(&page).await.status, 403);
    let form = rows("", "SMS_2", &[("book", "book"), ("day", "day")], &[SAVE]);
    assert_eq!(manager.submit(HOME, &page, &form).await.status, 403);
    assert_eq!(manager.submit(HOME, &format!("{page}/remove"), &[("seen", "")]).await.status, 403);
    let mut owner = Browser::signed_in(&app, Role::Owner).await;
    assert_eq!(owner.get(&format!("{HOME}/mappings/{relay}")).await.status, 404, "it fills no templates");
    assert_eq!(owner.get(&format!("/console/templates/none/mappings/{id}")).await.status, 404);
    assert_eq!(stored(&app, id).await, Value::Null);
}

#[tokio::test]
async fn a_new_version_is_held_against_the_vendors_templates() {
    let app = TestApp::start().await;
    due(&app).await;
    let own = json!({"templates": {"book-due": {"code": "SMS_2", "variables": {"b": "book", "d": "day"}}}});
    let id = provider(&app, "阿里云短信", ProviderKind::AliyunSms, &own).await;
    let whole = json!({"templates": {"book-due": {"id": "7", "variables": ["text"]}}});
    provider(&app, "腾讯云短信", ProviderKind::TencentSms, &whole).await;
    let mut browser = Browser::signed_in(&app, Role::Owner).await;
    let page = format!("{HOME}/edit");
    let edit = [
        ("version", "1"),
        ("name", "图书到期"),
        ("title", "《{{ book }}》到期"),
        ("body", "请于{{ date }}前归还。"),
        SAVE,
    ];
    let warned = browser.submit(&page, HOME, &edit).await;
    assert_eq!(warned.status, 409);
    has(
        &warned,
        &["阿里云短信 的平台模板 SMS_2", "变量 day 没有了", "新变量 date 它没有用到", "必须提供变量 date"],
    );
    assert!(!warned.text.contains("腾讯云短信 的平台模板"), "the whole text says all of it: {}", warned.text);
    let calls_alone = [&edit[..], &[("agreed", "date/day,note")]].concat();
    assert_eq!(browser.submit(&page, HOME, &calls_alone).await.status, 409, "not agreed to the mapping");
    let word = format!(r#"date/day,note/[{},"SMS_2",["day"],[],["date"]]"#, id.0);
    let agreed = [&edit[..], &[("agreed", word.as_str())]].concat();
    let saved = browser.submit(&page, HOME, &agreed).await;
    assert_eq!(saved.status, 303, "{}", saved.text);
    has(&browser.get(&format!("{HOME}/mappings/{id}")).await, &["模板里没有变量 day", "day（模板里没有）"]);

    // What breaks no call breaks a mapping all the same.
    let optional = [
        ("version", "2"),
        ("name", "图书到期"),
        ("title", "《{{ book | default('书') }}》到期"),
        ("body", "请于{{ date }}前归还。"),
        SAVE,
    ];
    let warned = browser.submit(&page, HOME, &optional).await;
    assert_eq!(warned.status, 409);
    has(&warned, &["变量 book 可以省略了", "我会修改这些平台模板"]);
    assert!(!warned.text.contains("使现有调用出错"));
}

#[test]
fn every_kind_that_fills_templates_says_how() {
    let filling: Vec<_> = ProviderKind::ALL.iter().filter(|kind| registry::form(**kind).is_some()).collect();
    for kind in &filling {
        assert!(registry::settings(**kind).any(|setting| setting.pointer == "/templates"), "{kind}");
    }
    assert_eq!(filling.len(), 3);
}
