//! What contents say, by channel, language and person.

mod markdown;
mod template;

use serde_json::json;

use super::*;

fn content(json: serde_json::Value) -> Content {
    serde_json::from_value(json).unwrap()
}

fn faults(json: serde_json::Value) -> Vec<(String, String)> {
    content(json).faults().into_iter().map(|f| (f.pointer, f.code.into_owned())).collect()
}

#[test]
fn a_line_as_markdown_has_no_more_backslashes_than_it_needs() {
    for (line, markdown) in [
        ("Have a nice weekend!", "Have a nice weekend!"),
        ("主馆（一楼）周六(12月5日)闭馆!", "主馆（一楼）周六(12月5日)闭馆!"),
        ("![a](https://a.example)", "!\\[a\\](https://a.example)"),
        ("now!\n[a](b)", "now!\n\\[a\\](b)"),
        ("1. *a*", "1\\. \\*a\\*"),
    ] {
        assert_eq!(as_markdown(line), markdown);
        assert_eq!(&*Rendered::new("", markdown, None).plain, line);
    }
}

fn at(pointer: &str, code: &str) -> (String, String) {
    (pointer.to_owned(), code.to_owned())
}

#[test]
fn the_closest_variant_speaks() {
    let content = content(json!({
        "title": "标题", "body": "正文",
        "variants": {
            "sms": {"body": "短信"},
            "sms.en": {"body": "text"},
            "en": {"title": "Title", "body": "body"},
            "zh-TW": {"title": "標題"},
            "email": {"title": "邮件"},
        },
    }));
    let said = |channel, language| {
        let selected = content.select(channel, language);
        (selected.title, selected.body)
    };
    assert_eq!(said(ChannelKind::Wechat, None), ("标题", "正文"));
    assert_eq!(said(ChannelKind::Wechat, Some("fr")), ("标题", "正文"));
    assert_eq!(said(ChannelKind::Wechat, Some("en")), ("Title", "body"));
    assert_eq!(said(ChannelKind::Sms, None), ("", "短信"), "a body for SMS is all of it");
    assert_eq!(said(ChannelKind::Sms, Some("en")), ("", "text"));
    assert_eq!(
        said(ChannelKind::Email, Some("zh-TW")),
        ("邮件", "正文"),
        "each text from the closest that has it"
    );
    assert_eq!(said(ChannelKind::Email, Some("en")), ("邮件", "body"), "a channel is closer than a language");
    assert_eq!(
        said(ChannelKind::Wechat, Some("EN-gb")),
        ("Title", "body"),
        "a region falls back to its language"
    );
    assert_eq!(said(ChannelKind::Wechat, Some("zh-tw")), ("標題", "正文"));
    assert_eq!(said(ChannelKind::Wechat, Some("zh")), ("标题", "正文"));
}

#[test]
fn a_content_in_order_has_no_faults() {
    let full = json!({
        "title": "t".repeat(200), "body": "钟".repeat(20_000),
        "variants": {"sms": {"body": "x"}, "sms.zh-Hans-CN": {"title": "x"}, "en": {"body": "x"}},
        "link": "https://例子.中国/路径?x=1#y", "language": "zh-CN",
    });
    assert_eq!(faults(full), []);
    assert_eq!(faults(json!({"title": "x", "body": "y"})), []);
}

#[test]
fn every_fault_is_named() {
    let broken = json!({
        "title": " \n", "body": "钟".repeat(20_001),
        "variants": {
            "fax": {"body": "x"}, "sms.": {"body": "x"}, "sms/~": {"body": "x"}, "en": {}, "email": {"title": ""},
            "sms.sms": {"body": "x"},
        },
        "link": "http://example.com", "language": "Chinese",
    });
    assert_eq!(
        faults(broken),
        [
            at("/title", "required"),
            at("/body", "too_long"),
            at("/variants/email/title", "required"),
            at("/variants/en", "required"),
            at("/variants/fax", "unknown_variant"),
            at("/variants/sms.", "unknown_variant"),
            at("/variants/sms.sms", "unknown_variant"),
            at("/variants/sms~1~0", "unknown_variant"),
            at("/link", "invalid_link"),
            at("/language", "invalid_language"),
        ]
    );
}

#[test]
fn only_complete_https_addresses_are_links() {
    for link in [
        "https://",
        "https:example.com",
        "//example.com",
        "javascript:alert(1)",
        "https://exa mple.com",
        "https://example.com/\n",
        "ftp://example.com",
        "",
        &format!("https://example.com/{}", "x".repeat(2_048)),
    ] {
        assert_eq!(
            faults(json!({"title": "x", "body": "y", "link": link})),
            [at("/link", "invalid_link")],
            "{link}"
        );
    }
    assert_eq!(faults(json!({"title": "x", "body": "y", "link": "HTTPS://example.com"})), []);
}

#[test]
fn too_many_variants_are_refused_without_looking_at_them() {
    let variants: serde_json::Map<_, _> = (0..1000).map(|n| (format!("x{n}"), json!({}))).collect();
    let found = faults(json!({"title": "x", "body": "y", "variants": variants}));
    assert_eq!(found[0], at("/variants", "too_many"));
    assert!(found.len() < 100);
}

#[test]
fn cleaning_leaves_one_line_for_titles() {
    let mut content = content(json!({
        "title": "\u{feff}开会\r\nBcc: all@example.com\u{0}\u{1b}[31m\t 🔔 ",
        "body": "一\r\n二\r三\u{2028}四\u{7}\t五",
        "variants": {"sms": {"title": "a\n\n\nb", "body": "c\u{c}d"}},
    }));
    content.clean();
    assert_eq!(content.title, "\u{feff}开会 Bcc: all@example.com[31m  🔔");
    assert_eq!(content.body, "一\n二\n三\n四\t五");
    assert_eq!(content.variants["sms"], Variant { title: Some("a b".into()), body: Some("c\nd".into()) });
}

#[test]
fn unknown_fields_are_refused() {
    assert!(serde_json::from_value::<Content>(json!({"title": "x", "body": "y", "html": "z"})).is_err());
    assert!(serde_json::from_value::<Variant>(json!({"text": "z"})).is_err());
}

#[test]
fn what_is_kept_is_read_again() {
    let content = content(
        json!({"title": "x", "body": "y", "variants": {"sms": {"body": "z"}}, "link": "https://a.cn"}),
    );
    let kept = serde_json::to_string(&content).unwrap();
    assert_eq!(serde_json::from_str::<Content>(&kept).unwrap(), content);
    assert!(!kept.contains("language") && !kept.contains("null"), "{kept}");
}

#[test]
fn all_texts_of_a_content_are_filled_in() {
    let params = |json| serde_json::from_value::<Params>(json).unwrap();
    let content = content(json!({
        "title": "{{ name }}同学", "body": "请还《{{ book }}》",
        "variants": {"en": {"title": "Dear {{ name }}", "body": "Please return *{{ book }}*{{ note | default('') }}"}},
    }));
    let variables = content.variables().unwrap();
    assert_eq!(variables.all.iter().map(String::as_str).collect::<Vec<_>>(), ["book", "name", "note"]);
    assert_eq!(variables.needed().collect::<Vec<_>>(), ["book", "name"]);

    let filled = content.fill(&params(json!({"name": "A*\nB", "book": "*C*"}))).unwrap();
    assert_eq!((&*filled.title, &*filled.body), ("A* B同学", r"请还《\*C\*》"));
    assert_eq!(filled.variants["en"].title.as_deref(), Some("Dear A* B"));
    assert_eq!(filled.variants["en"].body.as_deref(), Some(r"Please return *\*C\**"));

    let prepared = content.select(ChannelKind::Sms, None).prepare().unwrap();
    let rendered = prepared.fill(&params(json!({"name": "<李>", "book": "[b](c)"}))).unwrap();
    assert_eq!((&*rendered.title, &*rendered.plain), ("<李>同学", "请还《[b](c)》"));

    let faults = content.fill(&params(json!({"name": "x"}))).unwrap_err();
    let pointers: Vec<_> = faults.iter().map(|f| (&*f.pointer, &*f.code)).collect();
    assert_eq!(pointers, [("/body", "template_variable"), ("/variants/en/body", "template_variable")]);
}

#[test]
fn texts_that_are_no_templates_are_named() {
    let content =
        content(json!({"title": "{{", "body": "x", "variants": {"sms": {"body": "{% set x = 1 %}"}}}));
    let faults = content.variables().unwrap_err();
    let pointers: Vec<_> = faults.iter().map(|f| (&*f.pointer, &*f.code)).collect();
    assert_eq!(pointers, [("/title", "template_syntax"), ("/variants/sms/body", "template_syntax")]);
}

#[test]
fn variables_are_compared_with_what_is_given() {
    let variables =
        content(json!({"title": "{{ a }}", "body": "{{ b | default('') }}{{ c }}"})).variables().unwrap();
    let params = |json| serde_json::from_value::<Params>(json).unwrap();
    assert_eq!(variables.faults(&params(json!({"a": 1, "c": true})), "/params"), []);
    let found = variables.faults(&params(json!({"c": "x", "d/": 1})), "/params");
    let found: Vec<_> = found.iter().map(|f| (&*f.pointer, &*f.code)).collect();
    assert_eq!(found, [("/params/a", "missing_variable"), ("/params/d~1", "unknown_variable")]);
    let large = params(json!({"a": "x".repeat(super::template::MAX_PARAMS), "c": ""}));
    assert_eq!(variables.faults(&large, "/params")[0].code, "template_limit");
}

#[test]
fn a_text_nobody_sees_is_empty() {
    for nothing in ["\u{200b}", " \u{feff}\u{3000}\u{ad}\n", "\u{2800}\u{3164}\u{e0020}"] {
        let found = faults(json!({"title": nothing, "body": nothing}));
        assert_eq!(found, [at("/title", "required"), at("/body", "required")], "{nothing:?}");
    }
    assert_eq!(faults(json!({"title": "\u{200b}a", "body": "👩\u{200d}🎓"})), []);
}

#[test]
fn variants_are_for_languages_people_can_choose() {
    let taken = |key: &str| faults(json!({"title": "x", "body": "y", "variants": {key: {"body": "z"}}}));
    for right in ["sms", "en", "EN", "en-GB", "zh", "zh-Hant", "email.zh-CN"] {
        assert_eq!(taken(right), [], "{right}");
    }
    for wrong in ["fr", "sms.ja", "fax", "eng", "english", "en.sms"] {
        assert_eq!(taken(wrong), [at(&format!("/variants/{wrong}"), "unknown_variant")], "{wrong}");
    }
}

#[test]
fn all_that_is_refused_in_a_text_is_told() {
    let text =
        "{{ a + 1 }}\n{% if b %}{{ c | sort }}{% endif %}\n{% for x in y %}{{ x() }}{% endfor %}\n{{ d }}";
    let found = content(json!({"title": "x", "body": text})).variables().unwrap_err();
    let told: Vec<_> = found.iter().map(|fault| fault.detail.split_once(": ").unwrap().0).collect();
    assert_eq!(told, ["line 1", "line 2", "line 3"], "{found:?}");
    let many = content(json!({"title": "x", "body": "{{ a + 1 }}".repeat(100)})).variables().unwrap_err();
    assert_eq!(many.len(), 20);
}
