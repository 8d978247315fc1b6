//! Markdown as people read it.

use proptest::prelude::*;

use super::super::Rendered;

fn html(markdown: &str) -> String {
    Rendered::new("t", markdown, None).html.to_string()
}

fn plain(markdown: &str) -> String {
    Rendered::new("t", markdown, None).plain.to_string()
}

#[test]
fn an_announcement_has_two_forms() {
    let rendered = Rendered::new(
        " 关于\n停水 ",
        "# 停水通知\n\n**北苑** 7:00–9:00 停水。\n请提前储水 🚰\n\n- 1栋\n- 2栋\n   1. 东侧\n   2. 西侧\n\n详见 \
         [后勤处](https://hq.example.edu/?a=1&b=2)。\n\n> 咨询\n> 电话\n\n```\n87280000\n\n87280001\n```\n\n---\n\n完",
        Some("https://hq.example.edu/notices/1"),
    );
    assert_eq!(&*rendered.title, "关于 停水");
    assert_eq!(
        &*rendered.html,
        "<h1>停水通知</h1>\n\
         <p><strong>北苑</strong> 7:00–9:00 停水。<br>\n请提前储水 🚰</p>\n\
         <ul>\n<li>1栋</li>\n<li>2栋<ol>\n<li>东侧</li>\n<li>西侧</li>\n</ol>\n</li>\n</ul>\n\
         <p>详见 <a href=\"https://hq.example.edu/?a=1&amp;b=2\" rel=\"noopener noreferrer nofollow\">后勤处</a>。</p>\n\
         <blockquote>\n<p>咨询<br>\n电话</p>\n</blockquote>\n\
         <pre><code>87280000\n\n87280001\n</code></pre>\n\
         <hr>\n\
         <p>完</p>\n\
         <p><a href=\"https://hq.example.edu/notices/1\" rel=\"noopener noreferrer nofollow\">\
         https://hq.example.edu/notices/1</a></p>\n"
    );
    assert_eq!(
        &*rendered.plain,
        "停水通知\n\n北苑 7:00–9:00 停水。\n请提前储水 🚰\n\n- 1栋\n- 2栋\n  1. 东侧\n  2. 西侧\n\n\
         详见 后勤处 (https://hq.example.edu/?a=1&b=2)。\n\n> 咨询\n> 电话\n\n87280000\n\n87280001\n\n----\n\n完\n\n\
         https://hq.example.edu/notices/1"
    );
}

#[test]
fn html_in_the_source_is_text() {
    let hostile =
        "<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b &lt;i&gt; \"q\" 'r'\n\n<!-- c -->";
    let html = html(hostile);
    assert!(!html.replace("<p>", "").replace("</p>", "").replace("<br>", "").contains('<'), "{html}");
    assert!(
        html.contains("&lt;script&gt;alert(1)&lt;/script&gt;</p>") && html.contains("&lt;i&gt;"),
        "{html}"
    );
    assert_eq!(
        plain(hostile),
        "<script>alert(1)</script>\n\na <img src=x onerror=alert(1)> b <i> \"q\" 'r'\n\n<!-- c -->"
    );
}

#[test]
fn only_web_and_mail_addresses_are_links() {
    for address in [
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "data:text/html,x",
        "file:///etc/passwd",
        "/relative",
        "//a.cn",
        "vbscript:x",
        "https:a.cn",
        "http:///",
        "mailto",
        "&#106;avascript:alert(1)",
    ] {
        let source = format!("[text]({address})");
        assert_eq!(html(&source), "<p>text</p>\n", "{address}");
        assert_eq!(plain(&source), "text");
    }
    assert!(html("[a](HTTPS://a.cn)").contains("href=\"HTTPS://a.cn\""));
    assert!(html("[a](https://a.cn/\"onclick=\"x)").contains("&quot;onclick=&quot;"));
    assert!(!html(&format!("[a](https://a.cn/{})", "x".repeat(3_000))).contains("href"));
}

#[test]
fn addresses_are_written_out_once() {
    assert_eq!(
        plain("<https://a.cn> [https://a.cn](https://a.cn) <x@a.cn>"),
        "https://a.cn https://a.cn x@a.cn"
    );
    assert_eq!(plain("[写信](mailto:x@a.cn)"), "写信 (x@a.cn)");
    assert_eq!(plain("[](https://a.cn)"), "https://a.cn");
    assert!(html("[](https://a.cn)").contains(">https://a.cn</a>"));
    assert_eq!(plain("[**粗** `码`](https://a.cn)"), "粗 码 (https://a.cn)");
    assert_eq!(plain("[x][1]\n\n[1]: https://a.cn"), "x (https://a.cn)");
}

#[test]
fn pictures_are_links() {
    assert_eq!(plain("![地图](https://a.cn/m.png)"), "地图 (https://a.cn/m.png)");
    assert!(html("![地图](https://a.cn/m.png)").contains(">地图</a>"));
    assert!(!html("![x](https://a.cn/m.png) ![](https://a.cn/n.png)").contains("<img"));
    let both = html("[![地图](https://a.cn/m.png)](https://a.cn)");
    assert_eq!(both.matches("<a ").count(), 1, "{both}");
    assert_eq!(plain("[![地图](https://a.cn/m.png)](https://a.cn)"), "地图 (https://a.cn)");
}

#[test]
fn stars_work_beside_chinese_punctuation() {
    for (source, expected) in [
        ("**重要：**请查收", "<strong>重要：</strong>请查收"),
        ("请**“立即”**撤离", "请<strong>“立即”</strong>撤离"),
        ("注意：**重要**。", "注意：<strong>重要</strong>。"),
        ("**甲，**乙**丙。**丁", "<strong>甲，</strong>乙<strong>丙。</strong>丁"),
        ("他说：**甲**，又说：**乙**", "他说：<strong>甲</strong>，又说：<strong>乙</strong>"),
        ("**（重要）**请看*《通知》*全文", "<strong>（重要）</strong>请看<em>《通知》</em>全文"),
        (
            "请看**[全文](https://a.cn)**吧",
            "请看<strong><a href=\"https://a.cn\" rel=\"noopener noreferrer nofollow\">全文</a></strong>吧",
        ),
        ("`a：**b`字", "<code>a：**b</code>字"),
        (r"甲\*乙：\**丙", "甲*乙：**丙"),
    ] {
        assert_eq!(html(source), format!("<p>{expected}</p>\n"), "{source}");
    }
    assert_eq!(html("a\u{fdd0}b &#xFDD0;"), "<p>ab </p>\n");
}

#[test]
fn lists_keep_their_shape() {
    assert_eq!(plain("3. a\n4. b"), "3. a\n4. b");
    assert!(html("3. a").starts_with("<ol start=\"3\">"));
    assert_eq!(plain("- a\n  b\n- c"), "- a\n  b\n- c");
    assert_eq!(plain("- a\n\n  b\n\n- c"), "- a\n\n  b\n\n- c");
    assert_eq!(plain("-\n- b\n\nc"), "- \n- b\n\nc");
    assert_eq!(plain("> - a\n>   - b\n>\n> c"), "> - a\n>   - b\n\n> c");
    assert_eq!(plain("- ```\n  x\n    y\n  ```"), "- x\n    y");
}

#[test]
fn line_ends_and_control_characters_are_settled() {
    let rendered = Rendered::new("a\r\nb\u{0}", "a\r\nb\rc\u{7}\u{1b}[0m &#27;&#0;\u{85}d\te", None);
    assert_eq!(&*rendered.title, "a b");
    assert_eq!(&*rendered.plain, "a\nb\nc[0m \u{fffd}\nd\te");
    assert!(!rendered.html.contains('\r') && !rendered.html.contains('\u{1b}'));
}

#[test]
fn nothing_and_a_link_alone() {
    let rendered = Rendered::new("", "", None);
    assert_eq!((&*rendered.html, &*rendered.plain), ("", ""));
    let rendered = Rendered::new("", "", Some("https://a.cn/农"));
    assert_eq!(&*rendered.plain, "https://a.cn/农");
    assert_eq!(&*Rendered::new("", "x", Some("javascript:x")).plain, "x");
}

/// The tags of a fragment are in order and not deep.
fn assert_well_formed(html: &str) {
    let mut open: Vec<&str> = Vec::new();
    for part in html.split('<').skip(1) {
        let (tag, _) = part.split_once('>').unwrap_or_else(|| panic!("a stray < in {html}"));
        let name = tag.trim_start_matches('/').split(' ').next().unwrap();
        assert!(
            [
                "p",
                "h1",
                "h2",
                "h3",
                "h4",
                "h5",
                "h6",
                "ul",
                "ol",
                "li",
                "blockquote",
                "pre",
                "code",
                "em",
                "strong",
                "a",
                "br",
                "hr"
            ]
            .contains(&name),
            "{name}"
        );
        if tag.starts_with('/') {
            assert_eq!(open.pop(), Some(name), "{html}");
        } else if !["br", "hr"].contains(&name) {
            open.push(name);
        }
        assert!(open.len() < 20, "too deep");
    }
    assert!(open.is_empty());
}

#[test]
fn hostile_sources_stay_small() {
    let lines = |line: &str, count| vec![line; count].join("\n");
    let rows = "|a|b|c|\n|-|-|-|\n".to_owned() + &"|\n".repeat(9_000);
    let staircase: Vec<_> = (0..190).map(|n| format!("{}- a\n", "  ".repeat(n / 2))).collect();
    for source in [
        ">".repeat(20_000),
        "> ".repeat(10_000) + "a",
        lines(&"> ".repeat(100), 100),
        "[".repeat(20_000),
        "![".repeat(10_000),
        "[".repeat(10_000) + &"]".repeat(10_000),
        "[a](".repeat(5_000),
        "[a](https://a.cn".repeat(1_000),
        "*".repeat(20_000),
        "*a ".repeat(6_000),
        "*a**".repeat(5_000),
        "**a *".repeat(2_000) + &"b***".repeat(2_500),
        "_".repeat(20_000),
        "`".repeat(20_000),
        "`a``".repeat(5_000),
        "- ".repeat(10_000) + "a",
        "1. ".repeat(6_000) + "a",
        staircase.concat(),
        "|".repeat(10_000) + "\n" + &"|-".repeat(5_000),
        rows,
        "<a".repeat(10_000),
        "<!--".repeat(5_000),
        "<?".repeat(10_000),
        "&".repeat(20_000),
        "&#x10ffff;".repeat(2_000),
        "\\".repeat(20_000),
        "\n".repeat(20_000),
        "#".repeat(20_000),
        "\"'<>&".repeat(4_000),
        "😀".repeat(20_000),
        "农\r\n".repeat(6_000),
        format!("[a]: https://a.cn/{}\n\n{}", "x".repeat(2_000), "[a]".repeat(5_000)),
        (0..2_000).map(|n| format!("[{n}]: /x\n")).collect::<Vec<_>>().concat(),
    ] {
        let rendered = Rendered::new(&source[..4], &source, Some("https://a.cn"));
        assert_well_formed(&rendered.html);
        assert!(
            rendered.html.len() < 1_000_000 && rendered.plain.len() < 500_000,
            "{}: {}",
            &source[..4],
            rendered.html.len()
        );
        assert!(rendered.plain.ends_with("https://a.cn"));
    }
}

proptest! {
    #[test]
    fn every_source_gives_a_sound_fragment(source in "([-*_`\\[\\]()<>!#+=~:/&;|\\\\\"'\n\r\t a1农。：]|\\*\\*|\n> |\n- |\n1\\. |\\]\\(https://a\\.cn\\)|\n\n|```\n|<b>|    ){0,60}") {
        let rendered = Rendered::new(&source, &source, None);
        assert_well_formed(&rendered.html);
        prop_assert!(!rendered.plain.contains(['\u{fdd0}', '\r']), "{:?}", rendered.plain);
        prop_assert!(!rendered.title.contains(['\n', '\r', '\t']), "{:?}", rendered.title);
        prop_assert_eq!(rendered.plain.trim_end(), &*rendered.plain);
    }
}
