//! Every page there is, with something on each.

use std::sync::Arc;
use std::time::Duration;

use belltower::domain::audience::Audience;
use belltower::domain::button::{Gesture, Power};
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::emergency::free_text::FreeText;
use belltower::domain::emergency::{Level, Run, Said, Texts};
use belltower::domain::grant::Powers;
use belltower::domain::id::{GroupId, OperatorId, RuleId};
use belltower::domain::operator::{Permission, Role};
use belltower::domain::provider::ProviderKind;
use belltower::domain::recipient::OptOut;
use belltower::domain::sensitive::Treatment;
use belltower::domain::suppression::Cause;
use belltower::service::attention::{self, Remedy};
use belltower::service::broadcasts::{self, Pressing};
use belltower::service::buttons::{self, ButtonForm, GestureForm};
use belltower::service::caller::OperatorCaller;
use belltower::service::drafts::{self, Composed, Whom};
use belltower::service::operators::{self, NewOperator, RoleForm, Settled};
use belltower::service::providers::NewProvider;
use belltower::service::scenarios::Proposal;
use belltower::service::short_links::{self, Purpose};
use belltower::service::simulators::Mailboxes;
use belltower::service::{
    Caller, Vault, groups, providers, recipients, routing, scenarios, sensitive, suppressions, templates,
};
use belltower::store::suppressions::{NewSuppression, insert};
use reqwest::Method;
use serde_json::json;

use super::person::Person;
use super::{PASSWORD, accepted, applications, to_two};
use crate::support::app::{Answer, TestApp};
use crate::support::fire::{fire, fire_meeting, press_fire};
use crate::support::services::{START, calls_this_machine};
use crate::support::{TERMINAL, operator};

/// A page, as it opens or with something done to it.
#[derive(Clone)]
pub(super) struct Room {
    pub(super) path: String,
    /// Which the browser's console complains of where it is an error's.
    pub(super) status: u16,
    /// A script that does it, and one that says whether it is done.
    pub(super) act: Option<(&'static str, &'static str)>,
}

fn room(path: impl Into<String>) -> Room {
    Room { path: path.into(), status: 200, act: None }
}

impl Room {
    pub(super) async fn enter(&self, person: &Person) {
        person.open(&self.path).await;
        if let Some((act, is_done)) = self.act {
            person.script(act, json!([])).await;
            person.until(&format!("{} after {act}", self.path), is_done, json!([])).await;
        }
    }

    fn answering(self, status: u16) -> Self {
        Self { status, ..self }
    }

    /// With its form sent as it stands.
    fn refused(self) -> Self {
        let send =
            "const form = document.querySelector('form.form'); form.noValidate = true; form.requestSubmit()";
        let act =
            Some((send, "return document.querySelector('.field-error, .flash-amber, .refusal') !== null"));
        Self { act, ..self.answering(422) }
    }

    /// With its self-test over.
    fn tested(self) -> Self {
        let test = "document.querySelector('form[action$=\"/test\"] button').click()";
        Self { act: Some((test, "return document.querySelector('#test') !== null")), ..self }
    }

    /// After its most prominent button.
    fn unsubscribed(self) -> Self {
        let press = "document.querySelector('.button-main')?.click()";
        Self { act: Some((press, "return document.querySelector('.said, .state') !== null")), ..self }
    }

    /// With all its questions asked, one over the other.
    fn asking(self) -> Self {
        let ask = "document.querySelectorAll('.dialog').forEach((dialog) => dialog.showPopover())";
        Self { act: Some((ask, "return document.querySelector('.dialog:popover-open') !== null")), ..self }
    }

    /// With what a change of the rules would have changed.
    fn looking_back(self, act: &'static str) -> Self {
        Self { act: Some((act, "return document.querySelector('#hindsight .hint') !== null")), ..self }
    }

    /// With what is wrong with what it holds, which it was asked for.
    fn found_fault_with(self, act: &'static str) -> Self {
        Self { act: Some((act, "return document.querySelector('.field-error') !== null")), ..self }
    }

    /// What a form would change, to be agreed to.
    fn confirmed(self) -> Self {
        let send = "document.querySelector('form.form').requestSubmit()";
        Self { act: Some((send, "return document.querySelector('[name=step]') !== null")), ..self }
    }

    fn with_menus_open(self) -> Self {
        let open = "document.querySelectorAll('details').forEach((menu) => menu.open = true)";
        Self { act: Some((open, "return document.querySelector('details[open]') !== null")), ..self }
    }

    /// With what the page folds away unfolded; the bar's menus, which would cover its crumbs, stay closed.
    fn unfolded(self) -> Self {
        let open = "document.querySelectorAll('main details').forEach((fold) => fold.open = true)";
        Self {
            act: Some((open, "return document.querySelector('main details:not([open])') === null")),
            ..self
        }
    }
}

pub(super) async fn app() -> TestApp {
    let mail: Arc<dyn Mailboxes> = Arc::new(crate::console::rooms::OneOfEach);
    TestApp::start_with(|services| {
        services.simulators = Some(mail);
        calls_this_machine(services);
    })
    .await
}

/// Pages for whoever is not signed in.
pub(super) async fn public(app: &TestApp) -> Vec<Room> {
    let new = NewOperator {
        email: "li@bell.example".to_owned(),
        name: "Li Na".to_owned(),
        grants: vec![Role::Auditor.into()],
        password: None,
    };
    let made = operators::create(&app.services, &TERMINAL, new).await.unwrap().done().unwrap();
    let link = made.link.unwrap().strip_prefix("http://127.0.0.1:8080").unwrap().to_owned();
    let (page, preferences) = recipients_own(app, "announcement").await;
    let (emergency, _) = recipients_own(app, "emergency").await;
    let [safe, help, shared] = roll_call_of(app).await;
    vec![
        room(page),
        room(emergency),
        room(&preferences),
        room(&preferences).unsubscribed(),
        room("/m/guess").answering(404),
        room(safe),
        room(help),
        room(shared),
        room("/bind/nobody").answering(404),
        room("/bind/wecom/who"),
        room("/bind/wecom/who").refused(),
        room("/bind/wecom/code"),
        room("/sign-in"),
        room("/sign-in").refused(),
        room(&link),
        room(&link).refused(),
        room("/set-up?token=guess").answering(404),
        room("/problems"),
        room("/problems/invalid"),
    ]
}

/// The paths of somebody's own pages of a message to them.
pub(super) async fn recipients_own(app: &TestApp, category: &str) -> (String, String) {
    let zhang = json!({"name": "Zhang", "email": "zhang@bell.example"});
    recipients::put(&app.services, &operator(Role::Owner), "2023777", &zhang).await.unwrap();
    let body = json!({
        "topic": "library.new-books", "category": category, "title": "图书馆九月新书上架与国庆假期开放时间调整的通知",
        "body": "各位读者：\n\n**九月新书**已上架，共 [1,204 种](https://lib.bell.example/new)。\n\n\
                 - 一层：文学、历史\n- 二层：`QA76` 计算机\n\n> 国庆期间 9:00 至 17:00 开放。",
        "link": "https://lib.bell.example/announcements/2026/09/new-books-and-opening-hours-of-the-holidays",
        "audience": {"recipients": ["2023777"]}, "channels": ["email"],
    });
    let message = accepted(app, &body).await;
    app.drain().await;
    let list = format!("/messages/{message}/deliveries");
    let sent = Answer::of(app.api_as(&app.test_key, Method::GET, &list)).await.expect(200);
    let delivery = sent["data"][0]["id"].as_str().unwrap().parse().unwrap();
    let path = |purpose| short_links::path(&app.services.vault, purpose, delivery);
    (path(Purpose::Page), path(Purpose::Preferences))
}

/// Somebody in the directory by the path of their page, and the ids of a group that lists them and one that finds them.
async fn directory(app: &TestApp) -> (String, GroupId, GroupId) {
    let owner = operator(Role::Owner);
    let s = &app.services;
    let body = json!({
        "name": "Li Wei", "email": "li@bell.example", "mobile": "13812345678", "wecom_userid": "liwei",
        "department": "图书馆", "language": "zh-CN", "attributes": {"role": "student", "year": 2024},
    });
    let person = recipients::create(s, &owner, "2024001", &body).await.unwrap();
    for topic in ["campus.activity.#", "library.*"] {
        let one = OptOut { channel: None, topic: topic.parse().unwrap() };
        recipients::opt_out(s, &owner, "2024001", &one, "asked").await.unwrap();
    }
    let choir = json!({"name": "Choir", "kind": "static"});
    let choir = groups::create(s, &owner, "choir", &choir, &["2024001".to_owned()]).await.unwrap();
    let found = json!({"name": "Students", "kind": "dynamic", "where": "role = 'student'"});
    let found = groups::create(s, &owner, "students", &found, &[]).await.unwrap();
    let body = json!({
        "topic": "library.loan", "title": "续借", "body": "b", "audience": {"recipients": ["2024001"]},
    });
    accepted(app, &body).await;
    app.drain().await;
    (format!("/console/people/{person}"), choir, found)
}

/// Two versions of rules, and a message that one of them holds: a rule's id, and the message's.
async fn routed(app: &TestApp) -> (RuleId, String) {
    let owner = operator(Role::Owner);
    let group = json!({"name": "2023级", "kind": "static"});
    groups::put(&app.services, &owner, "grade-2023", &group).await.unwrap();
    let hold = json!({"name": "缴费", "when": {"words": ["缴费"]}, "then": {"hold": "请核实来源"}});
    let exams = json!({
        "name": "考试", "when": {"topics": ["academic.exam.#"], "priorities": ["high"]}, "unless": {"words": ["测试"]},
        "then": {
            "audience": {"groups": ["grade-2023"], "exclude": {"where": "role = 'staff'"}},
            "channels": {"fallback": [{"channel": "wechat", "wait_minutes": 15}, {"channel": "sms"}]},
        },
    });
    let off = json!({"name": "停用的", "enabled": false, "stop": true});
    for rules in [json!([hold]), json!([hold, exams, off])] {
        routing::apply(&app.services, &owner, &json!({ "rules": rules })).await.unwrap();
    }
    let mut body = to_two();
    body["body"] = json!("请于周五前缴费。");
    let held = accepted(app, &body).await;
    app.drain().await;
    let due = json!({"name": "图书到期", "title": "{{ book }}到期", "body": "请归还", "variants": {"en": {"title": "{{ book }} is due"}}});
    templates::put(&app.services, &owner, "due", &due).await.unwrap();
    let rules = routing::export(&app.services, &owner).await.unwrap().rules;
    (rules[1].id, held)
}

/// Addresses on the suppression list by the paths of their pages: a person's, for good, and one whose time is over.
async fn left_alone(app: &TestApp) -> (String, String) {
    let body = json!({"kind": "email", "address": "li@bell.example", "cause": "asked", "note": "来电要求"});
    let asked = suppressions::add(&app.services, &operator(Role::Owner), &body).await.unwrap();
    let new = NewSuppression {
        kind: AddressKind::Mobile,
        address: "+8613812345679",
        cause: Cause::Wrong,
        note: "",
        by: "Zhou Min <zhou@bell.example>",
        until: START,
    };
    let mut tx = app.services.db.begin().await.unwrap();
    let over = insert(&mut tx, &new, START).await.unwrap();
    tx.commit().await.unwrap();
    (format!("/console/suppression/{asked}"), format!("/console/suppression/{over}"))
}

/// A provider with a history, by the path of its page; a gateway's; and one whose settings open no more.
async fn providers(app: &TestApp) -> [String; 3] {
    let owner = operator(Role::Owner);
    let new = |name: &str, channel, kind, settings| NewProvider {
        name: name.to_owned(),
        channel,
        kind,
        settings,
        priority: 10,
        weight: 1,
        rate: None,
    };
    // Nobody listens there.
    let relay = json!({
        "host": "127.0.0.1", "port": 1, "tls": "none", "username": "bell", "password": "hunter2",
        "from_address": "bell@bell.example", "from_name": "钟楼大学",
    });
    let relay = new("校内邮件", ChannelKind::Email, ProviderKind::Smtp, relay);
    let relay = providers::create(&app.services, &owner, relay).await.unwrap().id;
    let until = app.clock.now().plus(Duration::from_mins(1));
    let detail = json!({"until": until.to_string(), "reason": "421 busy"});
    providers::record_event(&app.services, relay, "opened", &detail).await.unwrap();
    let gateway = json!({
        "request": {"url": "https://gw.example/{secret.key}", "body": {"to": "{to}"}}, "secrets": {"key": "k"},
    });
    let gateway = new("短信网关", ChannelKind::Sms, ProviderKind::HttpSms, gateway);
    let gateway = providers::create(&app.services, &owner, gateway).await.unwrap();
    let url = gateway.callback_url.unwrap();
    let path = url.strip_prefix("http://127.0.0.1:8080").unwrap();
    for body in [r#"[{"msgid": "S1", "mobile": "13800000001", "status": "UNDELIV"}]"#, "{"] {
        app.plain(Method::POST, path).body(body).send().await.unwrap();
    }
    let mut other_key = app.services.clone();
    other_key.vault = Vault::from_key([8; 32]);
    let lost = new("换了密钥的", ChannelKind::Email, ProviderKind::Sandbox, json!({}));
    let lost = providers::create(&other_key, &owner, lost).await.unwrap().id;
    app.drain().await;
    [relay, gateway.id, lost].map(|id| format!("/console/providers/{id}"))
}

/// A template with samples of every kind, and three providers that fill templates of their vendors: by names, by places, and by
/// kinds of fields, of which the last has none for it yet. The paths of its mappings.
async fn vendors(app: &TestApp) -> [String; 3] {
    let owner = operator(Role::Owner);
    let due = json!({
        "name": "图书到期提醒", "title": "《{{ book }}》将于 {{ day }} 到期",
        "body": "{{ reader.name }}同学：您在{{ library }}借阅的《{{ book }}》将于 **{{ day }}** 到期，共借 {{ count }} 册。\n\n{% for one in others %}《{{ one.title }}》{% endfor %}{% if renewable %}可在线续借。{% endif %}{{ note | default('') }}",
        "link": "https://lib.bell.example/loans",
        "variants": {"en": {"title": "“{{ book }}” is due on {{ day }}"}},
        "samples": {
            "book": "平凡的世界（全三册，精装纪念版，附作者手迹）", "day": "2026年9月30日", "library": "总馆", "count": 3,
            "reader": {"name": "李娜"}, "others": [{"title": "三体"}, {"title": "活着"}], "renewable": true,
        },
    });
    templates::put(&app.services, &owner, "book-due", &due).await.unwrap();
    let new = |name: &str, channel, kind, settings| NewProvider {
        name: name.to_owned(),
        channel,
        kind,
        settings,
        priority: 20,
        weight: 1,
        rate: None,
    };
    let aliyun = json!({
        "access_key_id": "LTAI5tExample", "access_key_secret": "hunter2hunter2", "sign_name": "钟楼大学",
        "templates": {"book-due": {
            "code": "SMS_465021103", "variables": {"book": "book", "day": "day", "code": "page_code"},
            "text": "您借阅的《${book}》将于${day}到期，续借请打开 bell.example/m/${code}",
        }},
    });
    let tencent = json!({
        "secret_id": "AKIDexample", "secret_key": "hunter2hunter2", "sdk_app_id": "1400006666", "sign_name": "钟楼大学",
        "templates": {"book-due": {"id": "2104417", "variables": ["book", "day", "count"]}},
    });
    let followers = json!({
        "app_id": "wx0123456789abcdef", "app_secret": "hunter2hunter2",
        "default_template": {"id": "all-notices", "fields": {"thing1": "title", "thing2": "body"}},
    });
    let all = [
        new("阿里云短信", ChannelKind::Sms, ProviderKind::AliyunSms, aliyun),
        new("腾讯云短信（备用）", ChannelKind::Sms, ProviderKind::TencentSms, tencent),
        new("学校公众号", ChannelKind::Wechat, ProviderKind::WechatOfficialAccount, followers),
    ];
    let mut paths = [const { String::new() }; 3];
    for (path, new) in paths.iter_mut().zip(all) {
        let id = providers::create(&app.services, &owner, new).await.unwrap().id;
        *path = format!("/console/templates/book-due/mappings/{id}");
    }
    paths
}

/// What one kind of failed deliveries has in common; others were set aside.
const FAILED: &str = "4:1:0:permanent_recipient:550";

async fn trouble(app: &TestApp) {
    let silent = "8:1:0:no_answer:";
    let mut tx = app.services.db.begin().await.unwrap();
    let text = format!(
        "UPDATE delivery SET trouble = CASE state WHEN 4 THEN '{FAILED}' ELSE '{silent}' END WHERE state IN (3, 4)"
    );
    crate::store::execute(&mut tx, &text).await;
    tx.commit().await.unwrap();
    attention::begin(&app.services, &TERMINAL, silent, Remedy::SetAside).await.unwrap();
}

/// Paths of somebody who was invited, of a role that was made, which nobody holds, and of a change that waits.
async fn rights(app: &TestApp) -> [String; 3] {
    let new = NewOperator {
        email: "chen@bell.example".to_owned(),
        name: "Chen Chen".to_owned(),
        grants: vec![Role::Sender.into()],
        password: None,
    };
    let invited = operators::create(&app.services, &TERMINAL, new).await.unwrap().done().unwrap();
    let form = RoleForm {
        name: "№ 7".to_owned(),
        description: String::new(),
        permissions: vec![Permission::TemplatesView, Permission::TemplatesEdit],
    };
    let made = operators::create_role(&app.services, &TERMINAL, form).await.unwrap();
    let waits = proposed(app, invited.operator_id).await;
    [format!("/console/operators/{}", invited.operator_id), format!("/console/roles/{made}"), waits]
}

/// The path of a change that another owner proposed, for whoever looks at the pages to decide.
async fn proposed(app: &TestApp, of: OperatorId) -> String {
    let s = &app.services;
    let new = NewOperator {
        email: "zhao@bell.example".to_owned(),
        name: "Zhao Min".to_owned(),
        grants: vec![Role::Owner.into()],
        password: Some(PASSWORD.to_owned()),
    };
    let zhao = operators::create(s, &TERMINAL, new).await.unwrap().done().unwrap().operator_id;
    let zhao = Caller::Operator(operators::operator_of(s, zhao).await.unwrap().unwrap());
    operators::change_rules(s, &TERMINAL, &json!({ "second_administrator": true })).await.unwrap();
    let asked = operators::set_grants(s, &zhao, of, None, vec![Role::Auditor.into()]).await.unwrap();
    operators::change_rules(s, &TERMINAL, &json!({})).await.unwrap();
    let Settled::Waits(id) = asked else { panic!("{asked:?}") };
    operators::explain(s, &zhao, id, "借调到教务处两个月").await.unwrap();
    format!("/console/operators/requests/{id}")
}

/// A message that whoever looks at the pages is writing, by its path.
async fn draft(app: &TestApp) -> String {
    let all = operators::list(&app.services, &operator(Role::Owner)).await.unwrap();
    let id = all.iter().find(|one| one.email == "zhou@bell.example").unwrap().id;
    let owner = Caller::Operator(operators::operator_of(&app.services, id).await.unwrap().unwrap());
    let id = drafts::create(&app.services, &owner).await.unwrap();
    let composed = Composed {
        topic: "logistics.water".to_owned(),
        title: "停水通知".to_owned(),
        body: "周日 **全天** 停水，请提前储水。".to_owned(),
        variants: vec![("en".to_owned(), "No water".to_owned(), "No water on Sunday.".to_owned())],
        whom: Whom { groups: vec!["students".to_owned()], ..Whom::default() },
        ..Composed::default()
    };
    drafts::save(&app.services, &owner, id, 1, &composed).await.unwrap();
    let words = [(Treatment::Warn, "停水 | 须经后勤处确认"), (Treatment::Hold, "提前储水")];
    sensitive::change(&app.services, &operator(Role::Owner), 0, words).await.unwrap();
    format!("/console/compose/{id}")
}

/// A drill that asks people whether they are safe, of whom one has said that they need help: the page of the first of them
/// who has not, the one of who has, and the one that all share.
async fn roll_call_of(app: &TestApp) -> [String; 3] {
    scenarios::seed(&app.services).await.unwrap();
    let (s, owner) = (&app.services, operator(Role::Owner));
    for (id, name) in [("2023778", "赵敏"), ("2023779", "孙丽")] {
        let body = json!({"name": name, "email": format!("{id}@bell.example"), "mobile": format!("1381234{}", &id[3..]),
            "department": "农学院", "attributes": {"class": "农学2401", "building": "北区7号楼"}});
        recipients::put(s, &owner, id, &body).await.unwrap();
    }
    let id = press_fire(s, &on_duty(), Run::Drill, &fire_meeting("第一教学楼", "东门广场")).await.unwrap().id;
    app.drain().await;
    let message = broadcasts::progress(s, &owner, id).await.unwrap().parts[0].message;
    let list = format!("/messages/{message}/deliveries?channel=email");
    let found = app.get(&list).await.expect(200)["data"].clone();
    let link = |campus_id: &str| {
        let one =
            found.as_array().unwrap().iter().find(|one| one["recipient"]["campus_id"] == campus_id).unwrap();
        short_links::roll_call_path(&s.vault, one["id"].as_str().unwrap().parse().unwrap())
    };
    let said = link("2023779");
    let form = app.plain(Method::POST, &said).header("content-type", "application/x-www-form-urlencoded");
    let words = "answer=help&place=%E4%B8%89%E6%A5%BC302&words=%E9%97%A8%E6%89%93%E4%B8%8D%E5%BC%80%EF%BC%8C%E6%9C%89%E6%B5%93%E7%83%9F";
    assert_eq!(Answer::of(form.body(words)).await.status, 200);
    let shared = short_links::shared_roll_call(s, message);
    let shared = format!("/r/{}", shared.rsplit('/').next().unwrap());
    [link("2023778"), said, shared]
}

fn on_duty() -> Caller {
    Caller::Operator(OperatorCaller {
        id: OperatorId(9_000),
        name: "李岩".to_owned(),
        email: "liyan@bell.example".to_owned(),
        roles: vec!["sender".to_owned()],
        powers: Powers::from(Role::DutyOfficer),
        on_duty: false,
        language: None,
    })
}

/// A broadcast that waits for a second person, a drill that runs, and one in free words, by their paths.
async fn emergencies(app: &TestApp) -> [String; 3] {
    scenarios::seed(&app.services).await.unwrap();
    let officer = on_duty();
    let params = fire_meeting("图书馆", "东门广场");
    let press = async |run| {
        let (from, note) = (Some([10, 1, 2, 3].into()), "保安巡查时看到浓烟");
        let pressing = Pressing { scenario: "fire", params: &params, run, note, from, request_id: "test" };
        broadcasts::press(&app.services, &officer, &pressing).await.unwrap().id
    };
    let (waits, drill) = (press(Run::Live).await, press(Run::Drill).await);
    let said = |title: &str, text: &str| Said {
        title: title.to_owned(),
        body: text.to_owned(),
        sms: text.to_owned(),
        wechat: text.to_owned(),
    };
    let words = FreeText {
        alert: Texts {
            zh: said("请勿饮用自来水", "校园自来水异常，请勿饮用。"),
            en: said("Do not drink tap water", "Do not drink tap water until told."),
        },
        level: Level::Orange,
        audience: Audience { everyone: true, ..Audience::default() },
        channels: ChannelKind::ALL.to_vec(),
        expires_in_minutes: 120,
    };
    let scenario = words.scenario();
    let words = broadcasts::FreeText {
        scenario: &scenario,
        follows: None,
        run: Run::Live,
        note: "",
        from: None,
        request_id: "test",
    };
    let words = broadcasts::press_words(&app.services, &officer, &words).await.unwrap().id;
    let quake = scenarios::get(&app.services, &officer, "earthquake").await.unwrap();
    let mut later = quake.document.0;
    "保卫处值班室".clone_into(&mut later.owner);
    later.expires_in_minutes += 60;
    let proposal = Proposal {
        slug: "earthquake",
        based_on: 1,
        seen: None,
        document: Some(&later),
        reason: "演练之后按值班室的意见修改",
    };
    scenarios::propose(&app.services, &officer, &proposal).await.unwrap();
    app.drain().await;
    [waits, drill, words].map(|id| format!("/console/emergency/broadcasts/{id}"))
}

/// Buttons: one armed that was pressed, tried out and is not heard of, and one that waits to be armed; by their paths.
async fn alarm_buttons(app: &TestApp) -> [String; 2] {
    let s = &app.services;
    let officer = |number: i64, name: &str| {
        Caller::Operator(OperatorCaller {
            id: OperatorId(number),
            name: name.to_owned(),
            email: format!("duty{number}@bell.example"),
            roles: vec![Role::DutyOfficer.to_string()],
            powers: Powers::from(Role::DutyOfficer),
            on_duty: true,
            language: None,
        })
    };
    let (li, chen) = (officer(9_000, "李岩"), officer(9_001, "陈立"));
    let stands_for = |place: &str| GestureForm { scenario: "fire".to_owned(), params: fire(place) };
    let form = ButtonForm {
        name: "图书馆总服务台".to_owned(),
        place: "图书馆一层东侧，服务台内侧桌板下方".to_owned(),
        power: Some(Power::Battery),
        gestures: vec![(Gesture::Press, stands_for("图书馆")), (Gesture::Hold, stands_for("体育馆"))],
        cancel_seconds: Some(5),
        networks: vec!["127.0.0.0/8".to_owned(), "10.20.0.0/16".to_owned()],
        signed: false,
    };
    let armed = buttons::register(s, &li, &form).await.unwrap();
    buttons::ask(s, &li, armed.id, 1).await.unwrap();
    buttons::confirm(s, &chen, armed.id, 2).await.unwrap();
    for (seq, kind) in [(1, "heartbeat"), (2, "test"), (3, "press"), (4, "cancel"), (5, "double")] {
        let path = format!("/buttons/{}/press", armed.id);
        let body = json!({"kind": kind, "seq": seq, "battery": 17, "firmware": "2.3.1"});
        Answer::of(app.api_as(&armed.key, Method::POST, &path).json(&body)).await.expect(202);
    }
    let waits = ButtonForm { name: "实验楼三层走廊".to_owned(), signed: true, ..form };
    let waits = buttons::register(s, &li, &waits).await.unwrap().id;
    buttons::ask(s, &li, waits, 1).await.unwrap();
    [armed.id, waits].map(|id| format!("/console/emergency/buttons/{id}"))
}

/// Pages for a signed-in owner.
pub(super) async fn console(app: &TestApp) -> Vec<Room> {
    let sent = accepted(app, &to_two()).await;
    app.drain().await;
    let mut later = to_two();
    later["send_at"] = json!("2026-10-01T00:00:00Z");
    later["variants"] = json!({ "email.en": { "title": "Exams" }, "sms": { "body": "短" } });
    let scheduled = accepted(app, &later).await;
    let list = format!("/messages/{sent}/deliveries?state=failed");
    let failed = Answer::of(app.api_as(&app.test_key, Method::GET, &list)).await.expect(200);
    let delivery = failed["data"][0]["id"].as_str().unwrap().to_owned();
    let (rule, held) = routed(app).await;
    let source = app.get("/source").await.expect(200)["id"].as_str().unwrap().to_owned();
    let (person, choir, found) = directory(app).await;
    let (asked, over) = left_alone(app).await;
    let draft = draft(app).await;
    let [relay, gateway, lost] = providers(app).await;
    let [named, ordered, typed] = vendors(app).await;
    trouble(app).await;
    let [invited, made, waits] = rights(app).await;
    let kind = format!("/console/attention/group?of={FAILED}");
    let [pending, drill, words] = emergencies(app).await;
    let [armed, to_arm] = alarm_buttons(app).await;
    let [registration, subscription] = applications::pages(app).await;
    let chosen = "?at_place=%E5%9B%BE%E4%B9%A6%E9%A6%86&at_meeting_point=%E6%93%8D%E5%9C%BA";
    vec![
        room("/console"),
        room("/console?trend=days").with_menus_open(),
        room("/console/attention"),
        room(&kind),
        room(&kind).asking(),
        room(format!("{kind}&q=nobody")),
        room("/console/attention/acts/1"),
        room("/console/emergency").with_menus_open(),
        room("/console/emergency?code=ZZ").answering(422),
        room("/console/emergency/drill").with_menus_open(),
        room("/console/emergency/exercise"),
        room("/console/emergency/press/fire"),
        room("/console/emergency/press/fire?look=true").answering(422),
        room(format!("/console/emergency/press/fire{chosen}")),
        room(format!("/console/emergency/drill/press/fire{chosen}")),
        room(format!("/console/emergency/exercise/press/fire{chosen}")),
        room("/console/emergency/notice").with_menus_open(),
        room("/console/emergency/notice").refused(),
        room("/console/emergency/drill/notice"),
        room("/console/emergency/scenarios"),
        room("/console/emergency/scenarios/new"),
        room("/console/emergency/scenarios/new").refused(),
        room("/console/emergency/scenarios/fire").with_menus_open(),
        room("/console/emergency/scenarios/fire/edit").with_menus_open(),
        room("/console/emergency/scenarios/earthquake").with_menus_open(),
        room("/console/settings/emergency"),
        room("/console/emergency/broadcasts"),
        room("/console/emergency/broadcasts?run=exercise"),
        room(&pending).unfolded(),
        room(&drill).unfolded(),
        room(format!("{drill}/update")),
        room(format!("{drill}/roll")),
        room(format!("{drill}/roll?by=class&show=help")),
        room(format!("{drill}/report")),
        room(format!("{pending}/choices")),
        room(&words).unfolded(),
        room(format!("{words}/words")),
        room("/console/emergency/buttons"),
        room("/console/emergency/buttons/new"),
        room("/console/emergency/buttons/new").refused(),
        room(&armed).with_menus_open(),
        room(&armed).asking(),
        room(format!("{armed}/edit")),
        room(&to_arm).with_menus_open(),
        room("/console/account"),
        room("/console/account").with_menus_open(),
        room("/console/account/factor"),
        room("/console/account/factor").refused(),
        room("/console/settings/sign-in"),
        room("/console/design"),
        room("/console/design").asking(),
        room("/console/messages"),
        room("/console/messages").with_menus_open(),
        room("/console/messages?q=none&topic=academic.%23"),
        room(format!("/console/messages/{sent}")),
        room(format!("/console/messages/{sent}")).asking(),
        room(format!("/console/messages/{scheduled}")),
        room(format!("/console/messages/{scheduled}")).asking(),
        room(format!("/console/messages/{sent}/deliveries/{delivery}")),
        room("/console/sources"),
        room(format!("/console/sources/{source}")),
        room(format!("/console/sources/{source}")).asking(),
        room(format!("/console/sources/{source}/calls")),
        room(format!("/console/sources/{source}/calls?answered=refused")),
        room(format!("/console/sources/{source}/guard")),
        room(format!("/console/sources/{source}/edit")),
        room("/console/sources/new"),
        room("/console/sources/new").refused(),
        room("/console/sources/registrations"),
        room(&registration),
        room("/console/subscriptions"),
        room(&subscription),
        room("/console/people"),
        room("/console/people?q=none"),
        room("/console/people/new"),
        room("/console/people/new").refused(),
        room("/console/people/import"),
        room("/console/people/import").refused(),
        room(&person),
        room(&person).asking(),
        room(&person).with_menus_open(),
        room(format!("{person}/edit")),
        room(format!("{person}/erase")),
        room(format!("{person}/erase")).refused(),
        room("/console/groups"),
        room("/console/groups?q=none"),
        room("/console/groups/new"),
        room("/console/groups/new").refused(),
        room(format!("/console/groups/{choir}")),
        room(format!("/console/groups/{choir}")).asking(),
        room(format!("/console/groups/{found}")),
        room(format!("/console/groups/{found}/edit")),
        room(format!("/console/groups/{found}/edit")).with_menus_open(),
        room("/console/suppression"),
        room("/console/suppression?q=none"),
        room("/console/suppression/new"),
        room("/console/suppression/many"),
        room("/console/suppression/new").refused(),
        room(&asked),
        room(&asked).refused(),
        room(&over),
        room("/console/providers"),
        room("/console/providers/new"),
        room("/console/providers/new?channel=email&kind=smtp").refused(),
        room("/console/providers/new?channel=sms&kind=http_sms").with_menus_open(),
        room("/console/providers/new?channel=wechat&kind=wecom"),
        room(&relay),
        room(&relay).asking(),
        room(&relay).tested(),
        room(format!("{relay}/edit")).with_menus_open(),
        room(&gateway),
        room(&lost),
        room(format!("{lost}/edit")),
        room("/console/providers/receipts"),
        room("/console/providers/replies"),
        room("/console/alarms"),
        room("/console/alarms/wish"),
        room("/console/settings/campus"),
        room("/console/settings/calendar"),
        room("/console/settings/policy"),
        room("/console/settings/versions"),
        room("/console/settings/alarms"),
        room("/console/settings/retention"),
        room("/console/system"),
        room("/console/operators"),
        room("/console/operators/new"),
        room("/console/operators/new").refused(),
        room(&invited),
        room(&invited).asking(),
        room(format!("{invited}/grants")),
        room(format!("{invited}/grants")).confirmed(),
        room(format!("{invited}/sign-in")),
        room(&waits),
        room(&waits).asking(),
        room("/console/roles"),
        room("/console/roles/sender"),
        room("/console/roles/new?from=sender"),
        room("/console/roles/new").refused(),
        room(&made),
        room(&made).asking(),
        room(format!("{made}/edit")),
        room("/console/audit"),
        room("/console/audit?of=key&q=nothing"),
        room("/console/compose"),
        room("/console/compose").asking(),
        room(format!("{draft}/what")),
        room(format!("{draft}/what")).with_menus_open(),
        room(format!("{draft}/who")).with_menus_open(),
        room(format!("{draft}/proof")),
        room(format!("{draft}/proof/missed")),
        room(format!("{draft}/proof/missed?channel=sms&why=opted_out")),
        room(format!("{draft}/when?people=7")),
        room("/console/settings/words"),
        room("/console/settings/costs"),
        room("/console/held"),
        room(format!("/console/messages/{held}")),
        room("/console/rules"),
        room("/console/rules").looking_back("document.querySelector('[data-move] [value=down]').click()"),
        room(format!("/console/rules/{rule}/change?to=delete")).looking_back(""),
        room(format!("/console/rules/{rule}/edit")).with_menus_open(),
        room(format!("/console/rules/{rule}/edit")).looking_back("document.querySelector('[name=act]').click()"),
        room("/console/rules/import").with_menus_open(),
        room("/console/rules/import").looking_back(
            "document.querySelector('#document').value = '{\"rules\": []}'; document.querySelector('[name=act]').click()",
        ),
        room("/console/rules/new"),
        room("/console/templates"),
        room("/console/new-template"),
        room("/console/templates/due").with_menus_open(),
        room("/console/templates/due/edit"),
        room("/console/templates/book-due"),
        room("/console/templates/book-due/edit"),
        room(&named).with_menus_open(),
        room(&ordered),
        room(&typed).with_menus_open(),
        room(&typed).found_fault_with(
            "document.querySelector('#id').value = 'x'; document.querySelector('#slots_0_name').value = 'number1'; document.querySelector('[value=preview]').click()",
        ),
        room("/console/rules/new").refused(),
        room("/console/rules/versions"),
        room("/console/rules/versions/1"),
        room("/console/rules/versions/1").asking(),
        room("/console/rules/simulator"),
        room("/console/rules/simulator").with_menus_open(),
        room(format!("/console/rules/simulator?message={held}")),
        room("/console/mailbox"),
        room("/console/mailbox/7"),
        room("/console/mailbox/sms"),
        room("/console/mailbox/sms/3"),
        room("/console/mailbox/wecom"),
        room("/console/mailbox/wecom/5"),
        room("/console/mailbox/8").answering(404),
    ]
}
