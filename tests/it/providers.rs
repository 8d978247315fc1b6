//! Providers as administrators keep them and as a dispatcher holds them.

use belltower::Error;
use belltower::channel::Shape;
use belltower::clock::Timestamp;
use belltower::domain::channel::{AddressKind, ChannelKind, Outlet};
use belltower::domain::id::ProviderId;
use belltower::domain::operator::Role;
use belltower::domain::provider::ProviderKind;
use belltower::service::providers::{
    Directory, Listed, NewProvider, ProviderChanges, TroubleKind, create, find_by_name, lineup, list,
    list_events, record_event, send_one, show, test, update,
};
use belltower::service::reports::Span;
use belltower::service::sources::{self, NewSource};
use belltower::service::{Caller, Services, Vault, reports, suppressions, templates};
use belltower::simulator::{Faults, Reply, SmtpOptions, SmtpSimulator};
use belltower::store::audit::{self, AuditFilter};
use serde_json::{Value, json};

use crate::support::app::everything;
use crate::support::{on_both, operator, services};

const LIVE: Outlet = Outlet::Live(AddressKind::Email);

fn owner() -> Caller {
    operator(Role::Owner)
}

fn relay(name: &str) -> NewProvider {
    NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Email,
        kind: ProviderKind::Smtp,
        settings: json!({
            "host": "127.0.0.1", "port": 2525, "tls": "none", "username": "bell", "password": "hunter2",
            "from_address": "bell@campus.example", "from_name": "钟楼大学",
        }),
        priority: 10,
        weight: 1,
        rate: None,
    }
}

fn sandbox(name: &str, priority: i64) -> NewProvider {
    NewProvider { kind: ProviderKind::Sandbox, settings: json!({}), priority, ..relay(name) }
}

async fn acts(s: &Services) -> Vec<(String, Value)> {
    let rows = audit::list(&s.db, &AuditFilter::default(), None, 50).await.unwrap();
    rows.into_iter().map(|row| (row.action, row.detail.0)).collect()
}

async fn names(directory: &Directory) -> Vec<String> {
    directory.of(LIVE).iter().map(|live| live.name.clone()).collect()
}

on_both!(secrets_are_sealed_and_never_shown, |db| async {
    let s = services(db.clone());
    let made = create(&s, &owner(), relay(" 校内邮件 ")).await.unwrap();
    assert_eq!((made.name.as_str(), made.enabled), ("校内邮件", true));

    let row = belltower::store::providers::find(&db, made.id).await.unwrap().unwrap();
    assert!(!row.settings.windows(7).any(|bytes| bytes == b"hunter2"), "in clear in the store");
    let (view, settings) = show(&s, &owner(), made.id).await.unwrap();
    assert_eq!((settings["password"].as_str(), settings["port"].as_i64()), (Some("…"), Some(2525)));
    assert_eq!(view.kind, "smtp");
    let everything = format!("{:?}{:?}{:?}", list(&s, &owner()).await.unwrap(), acts(&s).await, settings);
    assert!(!everything.contains("hunter2"));
    assert_eq!(find_by_name(&s, &owner(), "校内邮件").await.unwrap().id, made.id);
});

on_both!(all_mistakes_of_a_new_provider_come_at_once, |db| async {
    let s = services(db);
    let mut bad = relay(" ");
    bad.channel = ChannelKind::Sms;
    bad.rate = Some(0);
    bad.settings = json!({"host": "relay", "tls": "none", "from_adress": "bell@campus.example"});
    let Err(Error::Invalid(faults)) = create(&s, &owner(), bad).await else { panic!("taken") };
    let pointers: Vec<_> = faults.iter().map(|fault| fault.pointer.as_str()).collect();
    assert_eq!(
        pointers,
        ["/name", "/rate", "/kind", "/settings/from_address", "/settings/from_name", "/settings/from_adress"]
    );
    assert!(list(&s, &owner()).await.unwrap().is_empty());

    create(&s, &owner(), relay("relay")).await.unwrap();
    let Err(Error::Invalid(faults)) = create(&s, &owner(), relay("relay")).await else { panic!("twice") };
    assert_eq!((faults[0].pointer.as_str(), faults[0].code.as_ref()), ("/name", "taken"));
});

on_both!(a_change_keeps_what_it_does_not_name, |db| async {
    let s = services(db);
    let made = create(&s, &owner(), relay("relay")).await.unwrap();
    let changes = ProviderChanges {
        settings: Some(json!({"port": 2526, "username": null, "password": null})),
        rate: Some(Some(50)),
        ..ProviderChanges::default()
    };
    let changed = update(&s, &owner(), made.id, changes).await.unwrap();
    assert_eq!((changed.name.as_str(), changed.rate), ("relay", Some(50)));
    let (_, settings) = show(&s, &owner(), made.id).await.unwrap();
    assert_eq!((settings["port"].as_i64(), settings.get("password")), (Some(2526), None));
    assert_eq!(settings["from_name"], "钟楼大学");

    let broken = ProviderChanges { settings: Some(json!({"host": null})), ..ProviderChanges::default() };
    let Err(Error::Invalid(faults)) = update(&s, &owner(), made.id, broken).await else { panic!("taken") };
    assert_eq!(faults[0].pointer, "/settings/host");

    let same = ProviderChanges { rate: Some(Some(50)), ..ProviderChanges::default() };
    let unchanged = update(&s, &owner(), made.id, same).await.unwrap();
    assert_eq!(unchanged.updated_at, changed.updated_at, "nothing to rebuild");

    let acts = acts(&s).await;
    assert_eq!(acts.len(), 2);
    assert_eq!(acts[0].1["changed"], json!(["rate", "settings"]));
});

/// The pointers of the secrets that are asked for again; none where the change is taken.
async fn asked_again(s: &Services, id: ProviderId, patch: &Value) -> Vec<String> {
    let changes = ProviderChanges { settings: Some(patch.clone()), ..ProviderChanges::default() };
    match update(s, &owner(), id, changes).await {
        Ok(_) => Vec::new(),
        Err(Error::Invalid(faults)) => {
            assert!(faults.iter().all(|fault| fault.code == "secret_again"), "{patch}: {faults:?}");
            let mut pointers: Vec<_> = faults.into_iter().map(|fault| fault.pointer).collect();
            pointers.sort();
            pointers
        }
        Err(other) => panic!("{patch}: {other}"),
    }
}

on_both!(a_relays_password_goes_nowhere_else_unless_it_is_given_again, |db| async {
    let s = services(db);
    let made = create(&s, &owner(), relay("relay")).await.unwrap();
    let asks = async |patch: Value| asked_again(&s, made.id, &patch).await;
    for elsewhere in
        [json!({"host": "localhost"}), json!({"port": 2526}), json!({"host": "localhost", "port": 2526})]
    {
        assert_eq!(asks(elsewhere.clone()).await, ["/settings/password"], "{elsewhere}");
    }
    let (_, settings) = show(&s, &owner(), made.id).await.unwrap();
    assert_eq!(
        (&settings["host"], &settings["port"]),
        (&json!("127.0.0.1"), &json!(2525)),
        "nothing is kept"
    );
    assert_eq!(
        asks(json!({"timeout_seconds": 5, "username": "other"})).await,
        [""; 0],
        "it stays where it is"
    );
    assert_eq!(asks(json!({"port": 2526, "password": "hunter3"})).await, [""; 0]);
    // The usual port is a port as well.
    assert_eq!(asks(json!({"port": null})).await, ["/settings/password"]);
    assert_eq!(asks(json!({"port": 25, "password": "hunter3"})).await, [""; 0]);
    assert_eq!(asks(json!({"port": null})).await, [""; 0], "25 is what it was");
    assert_eq!(asks(json!({"tls": "starttls"})).await, ["/settings/password"], "587 is another");
    assert_eq!(asks(json!({"host": "localhost", "username": null, "password": null})).await, [""; 0]);
    assert_eq!(asks(json!({"host": "127.0.0.1"})).await, [""; 0], "there is none any more");
});

on_both!(a_gateways_secrets_go_nowhere_else_unless_they_are_given_again, |db| async {
    let s = services(db);
    let settings = json!({
        "request": {
            "url": "https://gw.example/send?key={secret.key}",
            "body": {"to": "{to}", "text": "{text}", "sign": "{secret.app}"},
        },
        "secrets": {"key": "hunter2", "app": "c"},
    });
    let new =
        NewProvider { channel: ChannelKind::Sms, kind: ProviderKind::HttpSms, settings, ..relay("gateway") };
    let made = create(&s, &owner(), new).await.unwrap();
    let asks = async |patch: Value| asked_again(&s, made.id, &patch).await;
    let both = ["/settings/secrets/app", "/settings/secrets/key"];
    for elsewhere in [
        json!({"request": {"url": "https://gw.example.evil.example/send?key={secret.key}"}}),
        json!({"request": {"url": "https://gw.example:8443/send?key={secret.key}"}}),
        json!({"request": {"url": "http://localhost/send"}}),
        json!({"poll": {"request": {"url": "https://evil.example/status", "body": {"msgid": "{id}"}}, "records": "", "id": "/id", "status": "/s"}}),
        // By the gateway to whoever gets the text.
        json!({"request": {"body": {"text": "{text} {secret.key}"}}}),
        json!({"request": {"headers": {"X-Note": "{secret.key}"}}}),
    ] {
        assert_eq!(asks(elsewhere.clone()).await, both, "{elsewhere}");
    }
    let half = json!({"request": {"url": "https://other.example"}, "secrets": {"key": "new"}});
    assert_eq!(asks(half).await, ["/settings/secrets/app"]);
    assert_eq!(
        asks(json!({"request": {"body": {"text": "{text}!"}}})).await,
        [""; 0],
        "it says none of them"
    );
    assert_eq!(asks(json!({"secrets": {"key": "newer"}})).await, [""; 0]);
    let whole = json!({"request": {"url": "https://other.example/{secret.key}"}, "secrets": {"key": "k", "app": "d"}});
    assert_eq!(asks(whole).await, [""; 0]);
});

on_both!(a_vendors_secrets_go_nowhere_else_unless_they_are_given_again, |db| async {
    let s = services(db);
    let aliyun =
        json!({"access_key_id": "LTAI5tExample", "access_key_secret": "s3cret", "sign_name": "钟楼大学"});
    let aliyun = NewProvider {
        channel: ChannelKind::Sms,
        kind: ProviderKind::AliyunSms,
        settings: aliyun,
        ..relay("aliyun")
    };
    let aliyun = create(&s, &owner(), aliyun).await.unwrap().id;
    let elsewhere = json!({"endpoint": "https://evil.example"});
    assert_eq!(asked_again(&s, aliyun, &elsewhere).await, ["/settings/access_key_secret"]);
    let spelt_out = json!({"endpoint": "https://dysmsapi.aliyuncs.com/"});
    assert_eq!(asked_again(&s, aliyun, &spelt_out).await, [""; 0], "it is where it went before");

    let corp = json!({
        "corp_id": "ww0123456789abcdef", "secret": "hunter2", "agent_id": 1_000_002,
        "callback_token": "QDG6eK", "callback_aes_key": "A".repeat(43),
    });
    let corp = NewProvider {
        channel: ChannelKind::Wechat,
        kind: ProviderKind::Wecom,
        settings: corp,
        ..relay("corp")
    };
    let corp = create(&s, &owner(), corp).await.unwrap().id;
    assert_eq!(
        asked_again(&s, corp, &elsewhere).await,
        ["/settings/secret"],
        "what opens its calls stays here"
    );
});

on_both!(only_those_may_who_may, |db| async {
    let s = services(db);
    let made = create(&s, &owner(), relay("relay")).await.unwrap();
    let auditor = operator(Role::Auditor);
    assert!(list(&s, &auditor).await.is_ok());
    assert!(list_events(&s, &auditor, made.id, None, 10).await.is_ok());
    let sender = operator(Role::Sender);
    assert!(matches!(list(&s, &sender).await, Err(Error::Forbidden { .. })));
    for caller in [&auditor, &sender] {
        assert!(matches!(create(&s, caller, relay("b")).await, Err(Error::Forbidden { .. })));
        assert!(matches!(
            update(&s, caller, made.id, ProviderChanges::default()).await,
            Err(Error::Forbidden { .. })
        ));
        assert!(matches!(test(&s, caller, made.id).await, Err(Error::Forbidden { .. })));
    }
    assert!(matches!(show(&s, &owner(), ProviderId(made.id.0 + 1)).await, Err(Error::NotFound(_))));
});

on_both!(the_overview_tells_what_ails_a_provider_to_those_who_may_see_providers, |db| async {
    let s = services(db);
    let made = create(&s, &owner(), sandbox("relay", 10)).await.unwrap();
    let until = s.clock.now().plus(std::time::Duration::from_secs(5));
    let detail = json!({"until": until.to_string(), "reason": "550 zhang.wei@campus.example is blocked"});
    record_event(&s, made.id, "opened", &detail).await.unwrap();
    for (role, reason) in [(Role::Owner, Some("550 z***@campus.example is blocked")), (Role::Sender, None)] {
        let overview = reports::overview(&s, &operator(role), Span::Hours).await.unwrap();
        let trouble = overview.providers[0].trouble.as_ref().unwrap();
        assert_eq!((trouble.kind, trouble.until), (TroubleKind::Failed, Some(until)));
        assert_eq!(trouble.reason.as_deref(), reason);
    }
});

on_both!(the_lineup_has_everybody_and_who_is_missing, |db| async {
    let s = services(db);
    let source = NewSource { channels: vec!["email".to_owned(), "sms".to_owned()], ..everything("registry") };
    sources::create(&s, &owner(), source).await.unwrap();
    let second = create(&s, &owner(), sandbox("second", 20)).await.unwrap();
    let first = create(&s, &owner(), relay("first")).await.unwrap();
    record_event(&s, first.id, "alarm", &json!({"reason": "sealed with another key"})).await.unwrap();
    let told = async |caller| {
        let lineup = lineup(&s, &caller).await.unwrap();
        let kinds = |listed: &Listed| listed.trouble.as_ref().map(|trouble| trouble.kind);
        let listed: Vec<_> = lineup.providers.iter().map(|l| (l.provider.name.clone(), kinds(l))).collect();
        (listed, lineup.unserved)
    };
    let in_order = vec![("first".to_owned(), Some(TroubleKind::Unusable)), ("second".to_owned(), None)];
    assert_eq!(told(operator(Role::Auditor)).await, (in_order, vec![ChannelKind::Sms]));

    let off = || ProviderChanges { enabled: Some(false), ..ProviderChanges::default() };
    for id in [first.id, second.id] {
        update(&s, &owner(), id, off()).await.unwrap();
    }
    let nobody = vec![("first".to_owned(), None), ("second".to_owned(), None)];
    assert_eq!(told(owner()).await, (nobody, vec![ChannelKind::Email, ChannelKind::Sms]));
    let sender = operator(Role::Sender);
    assert!(matches!(lineup(&s, &sender).await, Err(Error::Forbidden { .. })));
    assert!(matches!(reports::today(&s, &sender).await, Err(Error::Forbidden { .. })));
    assert!(reports::today(&s, &operator(Role::Auditor)).await.unwrap().is_empty());
});

on_both!(a_test_calls_the_provider_and_making_one_does_not, |db| async {
    let s = services(db);
    let auth = Some(("bell".to_owned(), "hunter2".to_owned()));
    let simulator = SmtpSimulator::start(SmtpOptions { auth, ..SmtpOptions::default() }).await.unwrap();
    let mut new = relay("relay");
    new.settings["port"] = simulator.addr().port().into();
    let made = create(&s, &owner(), new).await.unwrap();
    assert_eq!(simulator.stats().connections, 0);

    let tested = test(&s, &owner(), made.id).await.unwrap();
    assert_eq!((tested.ok, tested.detail.as_str()), (true, "relay.simulator.example ESMTP ready"));
    assert_eq!(simulator.stats().auth, 1);
    let wrong = ProviderChanges { settings: Some(json!({"password": "x"})), ..ProviderChanges::default() };
    update(&s, &owner(), made.id, wrong).await.unwrap();
    let tested = test(&s, &owner(), made.id).await.unwrap();
    assert!(!tested.ok && tested.detail.contains("535 5.7.8"), "{}", tested.detail);
    assert_eq!(acts(&s).await[0], ("provider.test".to_owned(), json!({"name": "relay", "ok": false})));
});

on_both!(one_text_is_sent_on_trial_by_a_provider_that_is_not_in_use, |db| async {
    let s = services(db);
    let simulator = SmtpSimulator::start(SmtpOptions::default()).await.unwrap();
    let mut new = relay("校内邮件");
    new.settings = json!({
        "host": "127.0.0.1", "port": simulator.addr().port(), "tls": "none", "daily_quota": 2,
        "from_address": "bell@campus.example", "from_name": "钟楼大学",
    });
    let made = create(&s, &owner(), new).await.unwrap();
    let off = ProviderChanges { enabled: Some(false), ..ProviderChanges::default() };
    update(&s, &owner(), made.id, off).await.unwrap();

    let tried = send_one(&s, &owner(), made.id, " Zhou.Min@Campus.Example ").await.unwrap();
    assert!(tried.ok, "{}", tried.detail);
    let mail = simulator.mailbox().latest_to("Zhou.Min@campus.example").unwrap();
    assert_eq!(mail.summary.subject, "试发");
    let text = mail.text.unwrap();
    assert!(text.contains("正在试发“校内邮件”"), "{text}");
    let told = json!({"name": "校内邮件", "to": "Z***@campus.example", "ok": true});
    assert_eq!(acts(&s).await[0], ("provider.try".to_owned(), told));

    simulator.set_faults(Faults::default().refusing("gone@*", Reply::new(550, "5.1.1 nobody here")));
    let tried = send_one(&s, &owner(), made.id, "gone@campus.example").await.unwrap();
    assert!(!tried.ok && tried.detail.contains("nobody here"), "{}", tried.detail);
    assert_eq!(tried.code.as_deref(), Some("550 5.1.1"));

    let asked = json!({"kind": "email", "address": "left@campus.example", "cause": "asked", "note": "来电"});
    suppressions::add(&s, &owner(), &asked).await.unwrap();
    for (address, code) in [
        ("13800001234", "bad_address"),
        ("left@campus.example", "suppressed"),
        ("li@campus.example", "quota_used"),
    ] {
        match send_one(&s, &owner(), made.id, address).await {
            Err(Error::Invalid(faults)) => {
                assert_eq!((faults[0].pointer.as_str(), &*faults[0].code), ("/address", code), "{address}");
            }
            other => panic!("{address}: {other:?}"),
        }
    }
    assert_eq!(simulator.mailbox().total(), 1);
    let sender = operator(Role::Sender);
    assert!(matches!(
        send_one(&s, &sender, made.id, "li@campus.example").await,
        Err(Error::Forbidden { .. })
    ));
});

on_both!(the_directory_follows_what_administrators_do, |db| async {
    let s = services(db);
    let mut directory = Directory::new(&s);
    directory.refresh(&s).await.unwrap();
    assert_eq!(names(&directory).await, [""; 0]);
    assert_eq!(directory.of(Outlet::Sandbox)[0].id, None);

    let second = create(&s, &owner(), sandbox("second", 20)).await.unwrap();
    let first = create(&s, &owner(), relay("first")).await.unwrap();
    create(&s, &owner(), NewProvider { channel: ChannelKind::Sms, ..sandbox("sms", 0) }).await.unwrap();
    directory.refresh(&s).await.unwrap();
    assert_eq!(names(&directory).await, ["first", "second"]);
    assert_eq!(directory.of(Outlet::Live(AddressKind::Mobile)).len(), 1);
    assert!(directory.of(Outlet::Live(AddressKind::WecomUserid)).is_empty());

    let before = directory.of(LIVE);
    let limit = ProviderChanges {
        settings: Some(json!({"concurrency": 3})),
        rate: Some(Some(9)),
        ..ProviderChanges::default()
    };
    update(&s, &owner(), second.id, limit).await.unwrap();
    directory.refresh(&s).await.unwrap();
    let after = directory.of(LIVE);
    assert!(std::sync::Arc::ptr_eq(&before[0].adapter, &after[0].adapter), "untouched, with its connections");
    assert_eq!((after[1].rate, after[1].adapter.shape()), (Some(9), Shape::Single { concurrency: 3 }));

    let off = ProviderChanges { enabled: Some(false), ..ProviderChanges::default() };
    update(&s, &owner(), first.id, off).await.unwrap();
    directory.refresh(&s).await.unwrap();
    assert_eq!(names(&directory).await, ["second"]);
    directory.close().await;
});

on_both!(each_kind_of_address_has_the_providers_that_take_it, |db| async {
    let s = services(db);
    let wechat = |name: &str, kind, settings, priority| NewProvider {
        name: name.to_owned(),
        channel: ChannelKind::Wechat,
        kind,
        settings,
        priority,
        ..relay(name)
    };
    let corp = json!({ "corp_id": "ww0123456789abcdef", "secret": "hunter2", "agent_id": 1_000_002 });
    let account = json!({
        "app_id": "wxba5fad812f8e6fb9", "app_secret": "hunter2",
        "default_template": { "id": "t1", "fields": { "thing1": "title" } },
    });
    for new in [
        wechat("both", ProviderKind::Sandbox, json!({}), 30),
        wechat("corp", ProviderKind::Wecom, corp, 20),
        wechat("account", ProviderKind::WechatOfficialAccount, account, 10),
    ] {
        create(&s, &owner(), new).await.unwrap();
    }
    let mut directory = Directory::new(&s);
    directory.refresh(&s).await.unwrap();
    let of =
        |kind| -> Vec<_> { directory.of(Outlet::Live(kind)).iter().map(|live| live.name.clone()).collect() };
    assert_eq!(of(AddressKind::WecomUserid), ["corp", "both"]);
    assert_eq!(of(AddressKind::WechatOpenid), ["account", "both"]);
    assert!(of(AddressKind::Mobile).is_empty());
});

on_both!(a_provider_that_does_not_open_is_left_out_with_one_alarm, |db| async {
    let s = services(db.clone());
    let good = create(&s, &owner(), sandbox("good", 20)).await.unwrap();
    let mut other_key = services(db.clone());
    other_key.vault = Vault::from_key([8; 32]);
    let sealed = create(&other_key, &owner(), relay("sealed by another key")).await.unwrap();

    let mut directory = Directory::new(&s);
    for _ in 0..3 {
        directory.refresh(&s).await.unwrap();
    }
    assert_eq!(names(&directory).await, ["good"]);
    let alarms = list_events(&s, &owner(), sealed.id, None, 10).await.unwrap();
    assert_eq!(alarms.len(), 1, "not one for each look");
    assert_eq!(alarms[0].kind, "alarm");
    assert!(alarms[0].detail.0["reason"].as_str().unwrap().contains("secrets.key_file"));

    // Settings given anew are sealed with the key there is.
    let anew = ProviderChanges { settings: Some(relay("").settings), ..ProviderChanges::default() };
    update(&s, &owner(), sealed.id, anew).await.unwrap();
    directory.refresh(&s).await.unwrap();
    assert_eq!(names(&directory).await, ["sealed by another key", "good"]);

    s.clock.turn(1_000);
    let detail = json!({"failures": 5, "reason": "550 no mailbox li.wei@campus.example"});
    record_event(&s, good.id, "opened", &detail).await.unwrap();
    let events = list_events(&s, &owner(), good.id, None, 10).await.unwrap();
    assert_eq!((events[0].kind.as_str(), events[0].at), ("opened", Timestamp(s.clock.now().0)));
    let kept = json!({"failures": 5, "reason": "550 no mailbox l***@campus.example"});
    assert_eq!(events[0].detail.0, kept, "nobody's address outlives them here");
});

on_both!(mapped_templates_are_held_against_those_there_are, |db| async {
    let s = services(db);
    let due = json!({"name": "到期", "title": "{{ book }} 到期", "body": "请于 {{ due }} 前归还。"});
    templates::put(&s, &owner(), "loan-due", &due).await.unwrap();
    let settings = |templates: Value| {
        json!({
            "access_key_id": "LTAI1", "access_key_secret": "hunter2", "sign_name": "钟楼大学",
            "default_template": {"code": "SMS_1", "variables": ["title"]}, "templates": templates,
        })
    };
    let new = |templates: Value| NewProvider {
        channel: ChannelKind::Sms,
        kind: ProviderKind::AliyunSms,
        settings: settings(templates),
        ..relay("短信")
    };
    let wrong = json!({
        "loan-due": {"code": "SMS_2", "variables": {"b": "book", "n": "name", "w": "when"}},
        "loan-deu": {"code": "SMS_3", "variables": ["book"]},
        "binding-code": {"code": "SMS_4", "variables": ["kode"]},
    });
    let Err(Error::Invalid(faults)) = create(&s, &owner(), new(wrong)).await else { panic!("taken") };
    let mut told: Vec<_> = faults.iter().map(|f| (f.pointer.as_str(), f.code.as_ref())).collect();
    told.sort_unstable();
    let expected = [
        ("/settings/templates/binding-code/variables/0", "unknown_variable"),
        ("/settings/templates/loan-deu", "unknown_template"),
        ("/settings/templates/loan-due/variables/w", "unknown_variable"),
    ];
    assert_eq!(told, expected);
    let sound = json!({
        "loan-due": {"code": "SMS_2", "variables": {"b": "book", "n": "name"}},
        "binding-code": {"code": "SMS_4", "variables": ["code"]},
    });
    let made = create(&s, &owner(), new(sound)).await.unwrap();
    let patch = json!({"templates": {"loan-due": {"variables": {"b": "boook"}}}});
    let changes = ProviderChanges { settings: Some(patch), ..ProviderChanges::default() };
    assert!(matches!(update(&s, &owner(), made.id, changes).await, Err(Error::Invalid(_))));
});
