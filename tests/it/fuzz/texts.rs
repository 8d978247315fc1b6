//! Texts that people and systems write: filters, templates, documents, addresses, mails' and messages' parts.

use belltower::domain::address::{normalise_email, normalise_mobile};
use belltower::domain::audience::Params;
use belltower::domain::cap;
use belltower::domain::content::{Escape, Rendered, template};
use belltower::domain::filter::{Filter, SqlFlavour};
use belltower::domain::id::RuleId;
use belltower::domain::recipient::Columns;
use belltower::domain::template::TemplateInput;
use belltower::domain::topic::{Topic, TopicPattern};
use belltower::domain::{audience, policy, routing, scim, sms_text};
use serde_json::Value;

use super::run;

/// A text, whatever bytes it was.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

#[test]
fn filters() {
    const SAMPLES: &[&[u8]] = &[
        b"college = 'CS' AND year >= 2024 OR NOT (dorm IN ('A', 'B'))",
        "学院 = '计算机学院' and name like '李%'".as_bytes(),
        b"email is missing and (a or b = true)",
    ];
    run(SAMPLES, |bytes| {
        let Ok(filter) = Filter::parse(&text(bytes)) else { return };
        let again = Filter::parse(filter.as_str()).expect("what was taken is taken again");
        for flavour in [SqlFlavour::Sqlite, SqlFlavour::Postgres] {
            assert_eq!(filter.to_sql(flavour, "r", 1).0, again.to_sql(flavour, "r", 1).0);
        }
    });
}

#[test]
fn filters_of_identity_systems() {
    const SAMPLES: &[&[u8]] = &[
        b"userName eq \"2024001\" and (emails[type eq \"work\" and value co \"@\"] or not (active eq false))",
        "displayName sw \"\u{674e}\" and meta.lastModified ge \"2026-09-01T00:00:00Z\"".as_bytes(),
        b"urn:ietf:params:scim:schemas:extension:enterprise:2.0:User:department pr",
        b"members[value eq \"rcp_0a1b2c3d4e5f6\"].value",
    ];
    run(SAMPLES, |bytes| {
        let text = text(bytes);
        if let Ok(filter) = scim::filter::Filter::parse(&text) {
            assert_eq!(scim::filter::Filter::parse(&text).expect("what was taken is taken again"), filter);
            let _ = scim::question::of_users(&filter);
            let _ = scim::question::of_groups(&filter);
        }
        let _ = scim::path::Target::read(&text, "");
        let patch = serde_json::json!({"Operations": [{"op": "replace", "path": text, "value": text}]});
        let _ = scim::user::Said::of_patch(&patch, &scim::user::User::unknown("1"));
        let _ = scim::group::Said::of_patch(&patch);
    });
}

#[test]
fn templates() {
    const SAMPLES: &[&[u8]] = &[
        "{{ name }}，您好：《{{ book.title | upper }}》应于 {{ due }} 前归还。".as_bytes(),
        b"{% if late %}{{ days * 2 }}{% else %}-{% endif %}{% for b in books %}{{ loop.index }} {{ b }}{% endfor %}",
    ];
    let params: Params = [("name".to_owned(), "李娜".into()), ("days".to_owned(), 3.into())].into();
    run(SAMPLES, |bytes| {
        let text = text(bytes);
        let filled = template::render(&text, &params, Escape::Markdown);
        if filled.is_ok() {
            template::check(&text).expect("what can be filled is sound");
        }
        let _ = template::faults(&text, Escape::None);
    });
}

#[test]
fn alerts() {
    run(crate::cap::FOREIGN, |bytes| match cap::read(bytes) {
        Ok(alert) => {
            assert!(!cap::check(&alert).iter().any(cap::Fault::is_error));
            let again = cap::write(&alert);
            assert_eq!(cap::read(again.as_bytes()), Ok(alert), "what was taken is written and taken again");
        }
        Err(faults) => {
            assert!(faults.iter().any(cap::Fault::is_error) && faults.len() <= cap::MAX_FAULTS + 1);
            assert!(faults.iter().all(|fault| fault.detail.len() < 2_000 && fault.at.len() < 2_000));
        }
    });
}

#[test]
fn markdown() {
    const SAMPLES: &[&[u8]] = &[
        "# 停水\n\n**周六** 8:00–12:00，[详情](https://hq.example/w)\n\n- 东区\n- 西区\n\n> 请储水\n\n| a | b |\n|---|---|\n| 1 | 2 |"
            .as_bytes(),
        b"<script>alert(1)</script> ![x](javascript:alert(1)) [y](data:text/html,z) `code` ~~s~~ *e* **b**",
    ];
    run(SAMPLES, |bytes| {
        let rendered = Rendered::new("t", &text(bytes), None);
        let html = rendered.html.to_ascii_lowercase();
        for tag in ["<script", "<img", "<style", "<iframe", "href=\"javascript", "href=\"data"] {
            assert!(!html.contains(tag), "{tag}: {html}");
        }
        let size = sms_text::measure(&rendered.plain, true);
        assert!(size.segments <= size.units);
    });
}

#[test]
fn documents() {
    const SAMPLES: &[&[u8]] = &[
        r#"{"rules": [{"name": "图书馆", "when": {"topic": "library.#", "category": ["resource_update"]},
            "then": {"plan": [["wechat"], ["sms"]], "hold": true}}], "quiet_hours": {"from": "22:00", "to": "07:00"},
            "caps": {"sms": 3}, "everyone": true, "groups": ["a"], "filter": "year = 1", "slug": "due",
            "name": "到期", "title": "{{ a }}", "body": "b", "variants": {"sms": {"body": "x"}}}"#
            .as_bytes(),
        br#"{"templates": [{"slug": "a", "name": "n", "title": "t", "body": "b"}]}"#,
        br#"{"rules": []}"#,
    ];
    run(SAMPLES, |bytes| {
        let Ok(value) = serde_json::from_slice::<Value>(bytes) else { return };
        let _ = routing::read(&value, |id, _| id.unwrap_or(RuleId(1)));
        let _ = policy::read(&value);
        let _ = audience::read(&value);
        let _ = TemplateInput::read_all(&value);
    });
}

#[test]
fn names_and_addresses() {
    const SAMPLES: &[&[u8]] = &[
        b"zhang.wei@campus.example",
        "\"张 伟\"@例子.中国".as_bytes(),
        b"+86 138-0000-0001",
        b"0086 (138) 00000001",
        "academic.exam.#".as_bytes(),
        "学号,姓名,email,手机,学院".as_bytes(),
    ];
    run(SAMPLES, |bytes| {
        let text = text(bytes);
        for normalise in [normalise_email, normalise_mobile] {
            if let Ok(address) = normalise(&text) {
                assert_eq!(normalise(&address).as_ref(), Ok(&address), "as it is kept it stays");
            }
        }
        let _ = text.parse::<Topic>();
        let _ = text.parse::<TopicPattern>();
        let header: Vec<&str> = text.split(',').collect();
        if let Ok(columns) = Columns::read(&header) {
            let _ = columns.row(&header);
        }
    });
}
