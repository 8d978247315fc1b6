//! Providers: one that works, one that is left alone, one that is switched off, and what they told.

use std::time::Duration;

use belltower::channel::registry;
use belltower::clock::Timestamp;
use belltower::config::Language;
use belltower::console::counts::Counts;
use belltower::console::form::FieldFaults;
use belltower::console::page::{Fact, Section, Theme};
use belltower::console::providers::edit::{KindsPage, ProviderForm, ProviderFormPage};
use belltower::console::providers::history::Happening;
use belltower::console::providers::meanwhile::{Change, Meanwhile, Origin};
use belltower::console::providers::receipts::{ReceiptsPage, Unmatched, Unread};
use belltower::console::providers::replies::{RepliesPage, Reply};
use belltower::console::providers::typed::Asked;
use belltower::console::providers::words::Health;
use belltower::console::providers::{
    ChannelPart, ProviderPage, ProviderRow, ProvidersPage, Shown, ShownValue, Tested,
};
use belltower::domain::channel::{AddressKind, ChannelKind};
use belltower::domain::delivery::State;
use belltower::domain::id::{ProviderId, RecipientId};
use belltower::domain::provider::{Advice, ProviderKind};
use belltower::error::Fault;
use belltower::service::callback_events::Replier;
use belltower::service::providers::{ProviderTest, Trouble, TroubleKind};

use super::{HOUR, MINUTE, NOW, ago, counts, shell, view};

fn ailing() -> Health {
    Health::Ailing(Trouble {
        kind: TroubleKind::Failed,
        reason: Some("535 5.7.8 authentication failed (at AUTH) <b>".into()),
        until: Some(Timestamp(NOW.0 + 60_000)),
    })
}

pub(super) fn list(language: Language, theme: Theme, empty: bool) -> ProvidersPage {
    let view = view(language);
    let row = |id, name: &str, kind: &str, place, share, health| ProviderRow {
        id: ProviderId(id),
        name: name.into(),
        kind: view.kind_text(kind),
        place,
        share,
        rate: place.filter(|place| *place == 1).map(|_| 1_200),
        health,
    };
    let email = vec![
        row(1, "校内邮件", "smtp", Some(1), Some(67), Health::Working),
        row(2, "云邮件推送", "smtp", Some(1), Some(33), ailing()),
        row(3, "备用中继", "smtp", Some(2), None, Health::Working),
        row(4, "旧中继", "smtp", None, None, Health::Off),
    ];
    let part = |channel, rows: Vec<ProviderRow>, today, unserved| ChannelPart {
        channel,
        today,
        rows,
        unserved,
        stranded: Vec::new(),
    };
    let today = counts(&[(State::Delivered, 12_304), (State::Failed, 6), (State::Pending, 20)]);
    let channels = [
        part(ChannelKind::Email, email, today, false),
        part(ChannelKind::Sms, Vec::new(), Counts::default(), true),
        part(ChannelKind::Wechat, Vec::new(), Counts::default(), false),
    ];
    let none = ChannelKind::ALL.map(|channel| part(channel, Vec::new(), Counts::default(), false));
    ProvidersPage {
        shell: shell(language, theme, Some(Section::Providers)),
        may_edit: true,
        channels: if empty { none } else { channels }.to_vec(),
    }
}

pub(super) fn provider(language: Language, theme: Theme, opens: bool) -> ProviderPage {
    let shell = shell(language, theme, Some(Section::Providers));
    let view = shell.view.clone();
    let shown = |label: &str, value| Shown { label: view.t(label), value };
    let settings = vec![
        shown(
            "setting-request",
            ShownValue::Json("{\n  \"url\": \"https://gw.example/send?a=<b>\"\n}".into()),
        ),
        shown("setting-secrets", ShownValue::Json("{\n  \"key\": \"…\"\n}".into())),
        shown("setting-sign_name", ShownValue::Text("钟楼大学".into())),
        shown("setting-password", ShownValue::Secret),
    ];
    let test = ProviderTest {
        ok: !opens,
        detail: "60020 not allow to access from your ip <script>".into(),
        code: Some("60020".into()),
        seen_address: Some("203.0.113.7".into()),
        advice: Some(Advice::AllowAddress),
        duration: Duration::from_millis(480),
    };
    let happening = |icon, amber, text: &str, reason: &str, seconds| Happening {
        at: ago(seconds),
        icon,
        amber,
        text: view.t(text),
        reason: reason.into(),
        until: amber.then(|| view.t1("provider-again", "time", "2026-11-21 11:53:00")),
    };
    ProviderPage {
        id: ProviderId(1),
        name: "校园短信网关".into(),
        channel: ChannelKind::Sms,
        kind: view.kind_text("http_sms"),
        enabled: opens,
        health: if opens { ailing() } else { Health::Off },
        may_edit: true,
        tested: Some(Tested::new(&view, "http_sms", opens.then(|| "138****1234".into()), test)),
        writes_to: Some(AddressKind::Mobile),
        address: "13800001234".into(),
        faults: if opens {
            FieldFaults::default()
        } else {
            FieldFaults::new(&view, &[Fault::new("/address", "suppressed", "")])
        },
        settings: opens.then_some(settings),
        facts: vec![
            Fact::text(view.t("provider-priority"), "10"),
            Fact::markup(view.t("provider-changed"), view.ago(ago(3 * HOUR))),
        ],
        callback_unreachable: true,
        callback: Some((
            "https://bell.example.edu.cn/callbacks/prv_01/2e4f8a90b7".into(),
            view.t("kind-http_sms-callback"),
        )),
        follows: view.t1("provider-disable-others", "names", "云短信"),
        history: vec![
            happening("warning", true, "happening-opened", "isv.X · <b>busy</b>", MINUTE),
            happening("check", false, "happening-closed", "", HOUR),
        ],
        newest: Some("/console/providers/prv_01".into()),
        older: Some("/console/providers/prv_01?before=4".into()),
        shell,
    }
}

pub(super) fn kinds(language: Language, theme: Theme) -> KindsPage {
    let of = |channel| {
        let kinds = ProviderKind::ALL.iter().copied().filter(|kind: &ProviderKind| kind.serves(channel));
        (channel, kinds.collect())
    };
    KindsPage {
        shell: shell(language, theme, Some(Section::Providers)),
        channels: ChannelKind::ALL.map(of).to_vec(),
    }
}

fn form_of(
    language: Language,
    theme: Theme,
    kind: ProviderKind,
    channel: ChannelKind,
    faults: &[&str],
) -> ProviderFormPage {
    let shell = shell(language, theme, Some(Section::Providers));
    let asked = |setting: &'static belltower::channel::setting::Setting| Asked {
        setting,
        value: if setting.is_secret() { String::new() } else { setting.usual.to_owned() },
        stored: setting.is_secret(),
        remove: false,
    };
    let told = |name: &&str| ((*name).to_owned(), shell.view.t("fault-required"));
    ProviderFormPage {
        of: Some((ProviderId(1), "校内邮件".into())),
        channel,
        kind,
        form: ProviderForm {
            name: "校内邮件".into(),
            priority: "10".into(),
            weight: "1".into(),
            rate: String::new(),
            settings: registry::settings(kind).map(asked).collect(),
        },
        faults: faults.iter().map(told).collect::<FieldFaults>(),
        origin: Origin::default(),
        meanwhile: Some(Meanwhile {
            by: "周敏".into(),
            changes: vec![
                Change { label: "主机".into(), now: "relay.bell.example".into(), typed: true },
                Change { label: "请求".into(), now: "{\n  \"url\": 1\n}".into(), typed: false },
                Change { label: "密码".into(), now: String::new(), typed: false },
            ],
        }),
        is_lost: true,
        shell,
    }
}

pub(super) fn form(language: Language, theme: Theme) -> ProviderFormPage {
    let faults =
        ["form", "name", "settings-host", "settings-tls", "settings-password", "settings-dkim-private_key"];
    form_of(language, theme, ProviderKind::Smtp, ChannelKind::Email, &faults)
}

pub(super) fn gateway(language: Language, theme: Theme) -> ProviderFormPage {
    let page =
        form_of(language, theme, ProviderKind::HttpSms, ChannelKind::Sms, &["settings-request", "rate"]);
    ProviderFormPage { of: None, is_lost: false, meanwhile: None, ..page }
}

pub(super) fn replies(language: Language, theme: Theme, empty: bool) -> RepliesPage {
    let reply = |person: Option<(&str, &str)>, text: &str, stops| Reply {
        person: person.map(|(name, campus_id)| Replier {
            id: RecipientId(7),
            name: name.into(),
            campus_id: campus_id.into(),
        }),
        number: "+86138****5678".into(),
        text: text.into(),
        provider: "校园短信网关".into(),
        received_at: ago(20 * MINUTE),
        stops,
    };
    RepliesPage {
        shell: shell(language, theme, Some(Section::Providers)),
        links_people: true,
        replies: if empty {
            Vec::new()
        } else {
            vec![
                reply(Some(("阿依古丽·买买提", "2025150012")), "收到，<谢谢>老师", false),
                reply(None, "TD", true),
            ]
        },
        newest: None,
        older: Some("/console/providers/replies?cursor=7".into()),
    }
}

pub(super) fn receipts(language: Language, theme: Theme, empty: bool) -> ReceiptsPage {
    let unmatched = |reference: &str, state, code: &str, waits| Unmatched {
        provider: "校园短信网关".into(),
        received_at: ago(20 * MINUTE),
        reference: reference.into(),
        address: "+86138****5678".into(),
        state,
        code: code.into(),
        waits,
    };
    let unread = Unread {
        provider: "校园短信网关".into(),
        received_at: ago(2 * HOUR),
        trouble: "there is nothing at /msgid".into(),
        body: "{\"id\": \"<script>\"}".into(),
    };
    ReceiptsPage {
        shell: shell(language, theme, Some(Section::Providers)),
        unmatched: if empty {
            Vec::new()
        } else {
            vec![
                unmatched("S0001", State::Delivered, "DELIVRD", true),
                unmatched("", State::Failed, "UNDELIV", false),
            ]
        },
        unread: if empty { Vec::new() } else { vec![unread] },
        newest: None,
        older: Some("/console/providers/receipts?cursor=rcp_x".into()),
    }
}
