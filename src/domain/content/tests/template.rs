//! Templates, kind and hostile.

use std::collections::BTreeSet;

use proptest::prelude::*;
use pulldown_cmark::{Event, Parser, Tag};
use serde_json::json;

use super::super::template::{Escape, Template, check, outline, render, variables};
use crate::domain::audience::Params;

fn params(json: serde_json::Value) -> Params {
    serde_json::from_value(json).unwrap()
}

fn filled(text: &str, json: serde_json::Value) -> String {
    render(text, &params(json), Escape::None).unwrap_or_else(|e| panic!("{text}: {e}"))
}

fn code(text: &str, json: serde_json::Value) -> &'static str {
    render(text, &params(json), Escape::None).expect_err(text).code
}

#[test]
fn variables_are_put_in() {
    assert_eq!(filled("您好，{{ name }}！", json!({"name": "李雷"})), "您好，李雷！");
    assert_eq!(filled("{{ n }} {{ x }} {{ yes }}", json!({"n": 5, "x": 2.5, "yes": true})), "5 2.5 true");
    assert_eq!(filled("{{ 姓名 }}", json!({"姓名": "韩梅梅"})), "韩梅梅");
    assert_eq!(filled("{{ none }}|", json!({"none": null})), "|");
    assert_eq!(filled("no { template } here", json!({})), "no { template } here");
    assert_eq!(filled("a{# a remark #}b", json!({})), "ab");
    assert_eq!(filled("{% raw %}{{ x }}{% endraw %}", json!({})), "{{ x }}");
}

#[test]
fn conditions_and_lists() {
    let books = json!({"books": [{"title": "甲", "days": 3}, {"title": "乙", "days": 0}], "tags": ["a", "b"], "n": 2});
    let text = "{% for b in books %}{{ loop.index }}.{{ b.title }}{% if b.days > 0 %}（{{ b.days }}天）{% endif %}\
                {% if not loop.last %}；{% endif %}{% endfor %}";
    assert_eq!(filled(text, books.clone()), "1.甲（3天）；2.乙");
    assert_eq!(
        filled("{{ tags | join('、') }} {{ tags | length }} {{ tags[0] }}", books.clone()),
        "a、b 2 a"
    );
    assert_eq!(filled("{% if n == 1 %}one{% elif n in [2, 3] %}few{% else %}many{% endif %}", books), "few");
    assert_eq!(filled("{{ 'a' if x else 'b' }}", json!({"x": false})), "b");
    assert_eq!(filled("{{ x | upper | trim }} {{ y | default('—') }}", json!({"x": " é "})), "É —");
    assert_eq!(filled("{% if x is defined %}{{ x }}{% endif %}.", json!({})), ".");
    assert_eq!(filled("{{ x | urlencode }}", json!({"x": "农 a/b?&_-"})), "%E5%86%9C%20a%2Fb%3F%26_-");
}

#[test]
fn missing_variables_are_errors() {
    let error = render("a\n{{ name }}", &params(json!({})), Escape::None).unwrap_err();
    assert_eq!((error.line, error.code), (Some(2), "template_variable"));
    assert_eq!(code("{% if x %}{% endif %}", json!({})), "template_variable");
    assert_eq!(code("{{ x.y }}", json!({"x": {}})), "template_variable");
    assert_eq!(code("{% for x in y %}{% endfor %}", json!({})), "template_variable");
    assert_eq!(code("{{ x }}", json!({"x": [1]})), "template_variable");
    assert_eq!(code("{{ x }}", json!({"x": {"a": 1}})), "template_variable");
}

#[test]
fn variables_are_found() {
    let names = |text| variables(text).unwrap().into_iter().collect::<Vec<_>>().join(" ");
    assert_eq!(names("{{ b }}{% if a.x > c %}{{ d | default(e) }}{% endif %}"), "a b c d e");
    assert_eq!(
        names("{% for x in xs if x.on %}{{ x }}{{ loop.index }}{{ y }}{% else %}{{ z }}{% endfor %}{{ x }}"),
        "x xs y z"
    );
    assert_eq!(names("{% for a, b in ps %}{{ a }}{{ b }}{% endfor %}"), "ps");
    assert_eq!(names("nothing"), "");
    let parsed =
        Template::parse("{{ a }}{{ b | default('') }}{% if c is defined %}{{ c }}{% endif %}", Escape::None);
    assert_eq!(parsed.unwrap().variables().needed().collect::<Vec<_>>(), ["a"]);
}

/// `own`: the variables people have values of their own for.
fn outlined(text: &str, json: serde_json::Value, own: &[&str], escape: Escape) -> String {
    let own: BTreeSet<String> = own.iter().map(|name| (*name).to_owned()).collect();
    outline(text, &params(json), &own, escape)
}

#[test]
fn an_outline_fills_in_what_is_everybodys_and_marks_the_rest() {
    let read = |text, json, own: &[&str]| outlined(text, json, own, Escape::None);
    assert_eq!(read("{{ book }} 到期提醒", json!({}), &["book"]), "‹book› 到期提醒");
    assert_eq!(read("{{ course }}：{{ room }}", json!({"course": "化学"}), &["room"]), "化学：‹room›");
    assert_eq!(
        read("{{ course }}", json!({"course": "化学"}), &["course"]),
        "‹course›",
        "somebody has another"
    );
    assert_eq!(read("{{ book.title | upper }}!", json!({}), &["book"]), "‹book.title›!");
    assert_eq!(read("{{ 'a' if late else note }}", json!({"note": "x"}), &["late"]), "‹late›");
    assert_eq!(read("{{ a or b }}", json!({}), &["a", "b"]), "‹a, b›");
    assert_eq!(read("{{ note | default('无') }}", json!({}), &["book"]), "无", "nobody has one");
    let blocks = "{%- if urgent -%} 【加急】 {%- endif %}{% for b in books %}{{ b }}、{% endfor %}{% if late %}x{% elif n %}y{% endif %}";
    assert_eq!(
        read(blocks, json!({"urgent": true, "books": ["甲", "乙"]}), &["late", "n"]),
        "【加急】甲、乙、‹late, n›"
    );
    assert_eq!(
        read("{{ list }}/{{ gone }}", json!({"list": [1]}), &[]),
        "‹list›/‹gone›",
        "not to be filled in"
    );
    assert_eq!(read("{{ [1] }}", json!({}), &[]), "‹…›");
    assert_eq!(
        read("{# remark #}{% raw %}{{ x }}{% endraw %} {{-  x  -}} .", json!({}), &["x"]),
        "{{ x }}‹x›."
    );
    assert_eq!(read("{{ broken", json!({}), &[]), "{{ broken");
}

#[test]
fn marks_and_values_of_an_outline_mark_nothing_up() {
    let read = |text, json, own: &[&str]| outlined(text, json, own, Escape::Markdown);
    assert_eq!(read("**{{ name }}** {{ _x_ }}", json!({"name": "*A*"}), &["_x_"]), "**\\*A\\*** ‹\\_x\\_›");
}

#[test]
fn what_is_not_let_in_is_named() {
    for (text, hint) in [
        ("{% set x = 1 %}", "{% set %}"),
        ("{% set x %}y{% endset %}", "{% set %}"),
        ("{% with x = 1 %}{% endwith %}", "{% with %}"),
        ("{% filter upper %}x{% endfilter %}", "{% filter %}"),
        ("{% autoescape true %}x{% endautoescape %}", "{% autoescape %}"),
        ("{% do f() %}", "{% do %}"),
        ("{% include 'x' %}", "include"),
        ("{% macro m() %}{% endmacro %}", "macro"),
        ("{{ x ~ x }}", "reckoning"),
        ("{{ 'x' * 1000000000 }}", "reckoning"),
        ("{{ 10 ** 10 }}", "reckoning"),
        ("{{ x + x }}", "reckoning"),
        ("{{ range(10) }}", "a call"),
        ("{{ x.upper() }}", "a call"),
        ("{{ x[1:2] }}", "a slice"),
        ("{{ {'a': x} }}", "a map"),
        ("{% for a in [x, x] %}{% endfor %}", "a list"),
        ("{{ x | format('%1000000000d') }}", "no filter `format`"),
        ("{{ x | replace('a', 'aa') }}", "no filter `replace`"),
        ("{{ x is divisibleby(2) }}", "no test `divisibleby`"),
        ("{{ x | join(d=1) }}", "named"),
        ("{% for a in x recursive %}{% endfor %}", "recursive"),
    ] {
        let error = check(text).expect_err(text);
        assert_eq!(error.code, "template_syntax", "{text}");
        assert!(error.detail.contains(hint), "{text}: {error}");
    }
    let error = check("a\n\n{{ x").unwrap_err();
    assert_eq!((error.line, error.code), (Some(3), "template_syntax"));
}

#[test]
fn nothing_a_template_asks_for_is_large() {
    let long = "x".repeat(16_000);
    // Bigger and bigger by each means that is let in.
    assert_eq!(
        code("{% for a in x %}{{ y }}{% endfor %}", json!({"x": vec![1; 100], "y": "y".repeat(8_000)})),
        "template_limit"
    );
    assert_eq!(
        code("{{ x | join(y) }}", json!({"x": vec![1; 1000], "y": "y".repeat(4_000)})),
        "template_variable"
    );
    let nested = "{% for a in x %}".repeat(8) + "y" + &"{% endfor %}".repeat(8);
    assert_eq!(code(&nested, json!({"x": vec![1; 100]})), "template_limit");
    let quiet = "{% for a in x %}".repeat(8) + &"{% endfor %}".repeat(8);
    assert_eq!(code(&quiet, json!({"x": vec![1; 100]})), "template_limit");
    assert_eq!(filled(&format!("{{{{ x{} }}}}", "|upper".repeat(40)), json!({"x": long})).len(), 16_000);
    assert_eq!(code("{{ x }}", json!({"x": "x".repeat(16_385)})), "template_limit");
    assert_eq!(code("{{ x }}", json!({"x": vec![1; 16_385]})), "template_limit");
    assert_eq!(check(&"x".repeat(200_000)).unwrap_err().code, "template_limit");
}

#[test]
fn nothing_a_template_asks_for_is_deep() {
    for text in [
        format!("{{{{ {} }}}}", vec!["x"; 10_000].join(" or ")),
        format!("{{{{ x{} }}}}", "|upper".repeat(10_000)),
        format!("{{{{ x{} }}}}", ".y".repeat(10_000)),
        format!("{{{{ {}x{} }}}}", "(".repeat(10_000), ")".repeat(10_000)),
        format!("{{{{ {}{} }}}}", "[".repeat(10_000), "]".repeat(10_000)),
        format!("{{{{ {}x }}}}", "not ".repeat(10_000)),
        format!("{{{{ {}x }}}}", "-".repeat(10_000)),
        format!("{{% if x %}}{}{{% endif %}}", "{% elif x %}".repeat(5_000)),
        "{% if x %}".repeat(5_000),
        "{% for x in y %}".repeat(5_000),
        format!("{{{{ {}x }}}}", "(".repeat(99)),
        format!("{{{{ {}x{} }}}}", "(".repeat(60), ")".repeat(60)),
        "{% if x %}".repeat(100),
    ] {
        let error = check(&text).expect_err(&text[..20]);
        assert!(["template_limit", "template_syntax"].contains(&error.code), "{error}");
    }
    check(&format!("{{{{ {}x{} }}}}", "(".repeat(45), ")".repeat(45))).unwrap();
    check(&("{% if x %}".repeat(50) + &"{% endif %}".repeat(50))).unwrap();
    check(&format!("{{{{ {} }}}}", vec!["x"; 50].join(" or "))).unwrap();
}

/// What a Markdown text is made of: its marks, without its words.
fn marks(markdown: &str) -> Vec<String> {
    let mut marks: Vec<String> = Parser::new(markdown)
        .filter_map(|event| match event {
            Event::Start(Tag::Link { dest_url, .. } | Tag::Image { dest_url, .. }) => {
                Some(format!("link {dest_url}"))
            }
            Event::Start(tag) => {
                Some(format!("{tag:?}").split(['(', ' ']).next().unwrap_or_default().to_owned())
            }
            Event::Code(_) => Some("code".to_owned()),
            Event::Html(_) | Event::InlineHtml(_) => Some("html".to_owned()),
            Event::Rule => Some("rule".to_owned()),
            Event::SoftBreak | Event::HardBreak => Some("break".to_owned()),
            _ => None,
        })
        .collect();
    marks.sort();
    marks.dedup();
    marks
}

#[test]
fn values_are_shown_as_they_are() {
    for value in [
        "*a*",
        "**a**",
        "_a_",
        "a_b_c",
        "`a`",
        "[x](https://evil.example)",
        "![x](https://evil.example)",
        "<b>a</b>",
        "<https://evil.example>",
        "# a",
        "- a",
        "+ a",
        "* a",
        "1. a",
        "1) a",
        "> a",
        "---",
        "===",
        "&lt;",
        "a\\",
        "~~~",
        "[a]: https://evil.example",
        "| a | b |",
        "学号：2024-01-02 (农学院)",
        "O'Neil \"x\" 50% $5 a@b.c a+b=c #1",
    ] {
        for template in ["{{ x }}", "你好 {{ x }}。", "- {{ x }}", "[文字]{{ x }}", "    {{ x }}"] {
            let body = render(template, &params(json!({"x": value})), Escape::Markdown).unwrap();
            let shown = super::super::Rendered::new("t", &body, None).plain.to_string();
            if template.starts_with("    ") {
                continue;
            }
            let expected = template.replace("{{ x }}", value);
            assert_eq!(shown, expected, "{body}");
        }
    }
}

#[test]
fn ordinary_values_are_not_escaped() {
    let escaped = |value: &str| render("{{ x }}", &params(json!({"x": value})), Escape::Markdown).unwrap();
    for value in [
        "李雷",
        "A-1024",
        "li.lei_2@example.edu",
        "https://a.cn/x_y?z=1#2",
        "12:30",
        "北苑1栋",
        "3.5",
        "100%",
    ] {
        let in_code = escaped(value);
        assert!(!in_code.contains('\\') || value == "3.5", "{in_code}");
    }
    assert_eq!(escaped(" a\r\n b\u{0}\t"), "a  b");
}

proptest! {
    #[test]
    fn no_value_marks_anything_up(
        template in prop::sample::select(vec![
            "{{ x }}", "a {{ x }} b", "{{ x }}{{ y }}", "**a {{ x }} b**", "- {{ x }}", "1{{ x }}", "> {{ x }}", "# {{ x }}",
            "[a]{{ x }}", "![a]{{ x }}", "a\n{{ x }}", "a\n{{ x }}\nb", "`{{ x }}`", "[{{ x }}](https://a.cn)", "<{{ x }}",
            "{{ x }}](https://a.cn)", "[a][{{ x }}]", "a&{{ x }}", "[a](https://a.cn \"{{ x }}\")",
        ]),
        x in "[-a1 .*_`\\[\\]()<>!#+=~:/&;|\\\\\"'\n\r\t农。]{0,12}",
        y in "[-a1 .*_`\\[\\]()<>!#+=~:/&;|\\\\\"'\n农。]{0,12}",
    ) {
        let values = params(json!({"x": x, "y": y}));
        let body = render(template, &values, Escape::Markdown).unwrap();
        let mut allowed = marks(&template.replace("{{ x }}", "x").replace("{{ y }}", "y"));
        // What the template's own marks become around another value; none of it is the value's to choose.
        allowed.extend(["Paragraph", "CodeBlock"].map(str::to_owned));
        for mark in marks(&body) {
            prop_assert!(allowed.contains(&mark), "{template:?} {x:?} {y:?} {body:?}: {mark}");
        }
    }

    #[test]
    fn no_template_panics_and_an_outline_of_nobodys_own_is_the_text(text in "([{}%#|. x()\\[\\]\"'\n-]|\\{\\{|\\}\\}|\\{%|%\\}|if |endif|for x in |endfor|else|x|default){0,40}") {
        let params = params(json!({"x": "y"}));
        let own = BTreeSet::from(["x".to_owned()]);
        let _ = outline(&text, &params, &own, Escape::Markdown);
        // Where nobody has a value of their own, an outline is what everybody gets.
        if let Ok(filled) = render(&text, &params, Escape::Markdown) {
            let outline = outline(&text, &params, &BTreeSet::new(), Escape::Markdown);
            prop_assert_eq!(outline.trim_end_matches('\n'), filled.trim_end_matches('\n'));
        }
    }
}
