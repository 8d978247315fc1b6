//! What a message says in WeCom, in the shape an administrator chose for it where it fits.
//!
//! Every shape is cut to what WeCom takes, so that it is we who say that something is missing, by an ellipsis.

use serde_json::{Value, json};

use super::button::Button;
use crate::domain::content::Rendered;

/// WeCom's limits in bytes. For cards some of its pages count characters; bytes are within both.
const TEXT: usize = 2_048;
const CARD_TITLE: usize = 128;
const CARD_DESCRIPTION: usize = 512;
const CARD_LINK: usize = 2_048;
/// Of a template card, in characters: the least of what WeCom's pages advise, beyond which its app cuts.
const MAIN_TITLE: usize = 26;
const SUB_TITLE: usize = 112;
const SOURCE: usize = 13;

/// How messages look, as the settings say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Look {
    /// A card where the message has a link, or is too long to be read whole without one; else plain text.
    #[default]
    Fitting,
    Text,
    TextCard,
    /// Shown in WeCom's own app, not in WeChat.
    Markdown,
    TemplateCard,
}

/// What there is to say.
#[derive(Clone, Copy, Debug)]
pub(super) struct Words<'a> {
    pub(super) content: &'a Rendered,
    /// The recipient's own page, where the message is for one person.
    pub(super) page: Option<&'a str>,
    /// An emergency's: a card that would leave some of it out is none.
    pub(super) whole: bool,
    pub(super) campus: &'a str,
    /// What a template card asks, and its id, which it needs for that.
    pub(super) buttons: &'a [Button],
    pub(super) task: &'a str,
    /// Where everybody who gets it says whether they are safe, where it asks that: its buttons ask, too.
    pub(super) roll_call: Option<&'a str>,
}

/// `msgtype` and what belongs to it.
pub(super) fn shape(look: Look, words: Words<'_>) -> Value {
    // Whoever is asked whether they are safe is to find how to answer, whatever else looks well.
    if let Some(link) = words.asks_at() {
        let card = if words.buttons.is_empty() { None } else { words.template_card() };
        return card.unwrap_or_else(|| words.question(link));
    }
    match look {
        Look::Fitting => match words.link() {
            Some(link) => words.text_card(link),
            None if words.whole().len() <= TEXT => words.text(),
            None => words.page.map_or_else(|| words.text(), |page| words.text_card(page)),
        },
        Look::Text => words.text(),
        Look::TextCard => words.target().map_or_else(|| words.text(), |target| words.text_card(target)),
        Look::Markdown => words.markdown(),
        Look::TemplateCard => words.template_card().unwrap_or_else(|| words.text()),
    }
}

impl<'a> Words<'a> {
    fn link(&self) -> Option<&'a str> {
        self.content.link.as_deref().filter(|link| link.len() <= CARD_LINK)
    }

    /// What a card opens: the person's own page, which has all of it, or what the message links to.
    fn target(&self) -> Option<&'a str> {
        self.asks_at().or(self.page).or_else(|| self.link())
    }

    /// Where its reader says whether they are safe, if it asks that: on their own page, or on the one that all share.
    fn asks_at(&self) -> Option<&'a str> {
        self.roll_call.map(|shared| self.page.unwrap_or(shared))
    }

    /// As text, with the address where one answers.
    fn question(&self, link: &str) -> Value {
        let asks =
            if self.is_english() { "Say that you are safe, or need help: " } else { "报平安或求助：" };
        let end = format!("\n\n{asks}{link}");
        let content = cut(&self.whole(), TEXT - end.len().min(TEXT / 2)) + &end;
        json!({ "msgtype": "text", "text": { "content": content } })
    }

    /// Without the link at its end, which a card opens.
    fn body(&self) -> &'a str {
        let plain = &*self.content.plain;
        self.link().and_then(|link| plain.strip_suffix(link)).map_or(plain, str::trim_end)
    }

    fn whole(&self) -> String {
        let Rendered { title, plain, .. } = self.content;
        harmless(&if plain.is_empty() { title.to_string() } else { format!("{title}\n\n{plain}") })
    }

    /// By which there are more of, its words or its Chinese characters: names of places stay as they are in any language.
    fn is_english(&self) -> bool {
        let Rendered { title, plain, .. } = self.content;
        let texts = || [title.as_ref(), plain.as_ref()].into_iter().flat_map(str::split_whitespace);
        let texts = || texts().filter(|text| !text.contains("://"));
        let words = texts().filter(|text| text.contains(|c: char| c.is_ascii_alphabetic())).count();
        let characters = texts().flat_map(str::chars).filter(|c| c.is_alphabetic() && !c.is_ascii()).count();
        words > characters
    }

    /// Where it is too long, it ends with the page that has the rest.
    fn text(&self) -> Value {
        let whole = self.whole();
        let rest = self.page.filter(|_| whole.len() > TEXT).map(|page| format!("\n{page}"));
        let rest = rest.unwrap_or_default();
        let content = cut(&whole, TEXT - rest.len().min(TEXT / 2)) + &rest;
        json!({ "msgtype": "text", "text": { "content": content } })
    }

    fn text_card(&self, target: &str) -> Value {
        let body = if self.body().is_empty() { &*self.content.title } else { self.body() };
        let mut card = json!({
            "title": cut(&harmless(&self.content.title), CARD_TITLE),
            "description": cut(&harmless(body), CARD_DESCRIPTION),
            "url": target,
        });
        // At most four characters; 详情 unless another is named.
        if self.is_english() {
            card["btntxt"] = "More".into();
        }
        json!({ "msgtype": "textcard", "textcard": card })
    }

    fn markdown(&self) -> Value {
        let end = self.target().map(|target| {
            let name = if self.is_english() { "More" } else { "查看详情" };
            format!("\n\n[{name}]({target})")
        });
        // An address that leaves no room for a text is written out below it or not at all.
        let end = end.filter(|end| end.len() <= TEXT / 2);
        let body = if end.is_some() { self.body() } else { &self.content.plain };
        let title = &self.content.title;
        let text = if body.is_empty() { format!("**{title}**") } else { format!("**{title}**\n\n{body}") };
        // What would be a link of the sender's words is none.
        let text = harmless(&text).replace("](", "] (");
        let end = end.unwrap_or_default();
        let content = cut(&text, TEXT - end.len()) + &end;
        json!({ "msgtype": "markdown", "markdown": { "content": content } })
    }

    /// `None`: it has nothing to open and nothing to press, without which WeCom takes no card; or all of it is wanted, and
    /// has no room.
    fn template_card(&self) -> Option<Value> {
        let target = self.target();
        if target.is_none() && self.buttons.is_empty() {
            return None;
        }
        let (title, body) = (self.content.title.chars().count(), self.body().chars().count());
        if self.whole && (title > MAIN_TITLE || body > SUB_TITLE) {
            return None;
        }
        let mut card = json!({
            "card_type": "text_notice",
            "source": { "desc": shorten(self.campus, SOURCE) },
            "main_title": { "title": shorten(&self.content.title, MAIN_TITLE) },
            "sub_title_text": shorten(self.body(), SUB_TITLE),
        });
        if let Some(target) = target {
            card["card_action"] = json!({ "type": 1, "url": target });
        }
        let in_english = self.is_english();
        if self.buttons.is_empty() {
            let name = if in_english { "More" } else { "查看详情" };
            card["jump_list"] = json!([{ "type": 1, "url": target, "title": name }]);
        } else {
            let buttons = self.buttons.iter().map(
                |button| json!({ "key": button.event_key(in_english), "text": button.words(in_english) }),
            );
            card["card_type"] = "button_interaction".into();
            card["task_id"] = self.task.into();
            card["button_list"] = buttons.collect();
            if self.content.title.is_empty() {
                // WeCom insists on one.
                card["main_title"] = json!({ "title": shorten(self.campus, MAIN_TITLE) });
            }
        }
        Some(json!({ "msgtype": "template_card", "template_card": card }))
    }
}

/// WeCom takes `<a …>` and, in cards, `<div …>` and `<br>` for markup. What a sender or a person's variable says is to
/// be read, so whatever would begin a tag is written with a sign that looks the same.
fn harmless(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        let begins_tag =
            c == '<' && rest.peek().is_some_and(|next| next.is_ascii_alphabetic() || *next == '/');
        safe.push(if begins_tag { '＜' } else { c });
    }
    safe
}

/// At most `most` bytes of it, with an ellipsis where something is missing.
fn cut(text: &str, most: usize) -> String {
    const ELLIPSIS: char = '…';
    if text.len() <= most {
        return text.to_owned();
    }
    let end = text.floor_char_boundary(most - ELLIPSIS.len_utf8());
    let mut short = text[..end].trim_end().to_owned();
    short.push(ELLIPSIS);
    short
}

/// The same in characters.
fn shorten(text: &str, most: usize) -> String {
    crate::channel::mapping::cut(text, most)
}

#[cfg(test)]
mod tests {
    use std::sync::LazyLock;

    use proptest::prelude::*;

    use super::super::button::{Buttons, roll_call};
    use super::*;
    use crate::channel::fields::Fields;

    static NOTHING: LazyLock<Rendered> = LazyLock::new(|| Rendered::new("", "", None));

    fn plain() -> Words<'static> {
        Words {
            content: &NOTHING,
            page: None,
            whole: false,
            campus: "钟楼大学",
            buttons: &[],
            task: "",
            roll_call: None,
        }
    }

    const LINK: &str = "https://jw.example/exams";
    const PAGE: &str = "https://bell.example/m/x7";

    fn said(look: Look, title: &str, markdown: &str, link: Option<&str>, page: Option<&str>) -> Value {
        let content = Rendered::new(title, markdown, link);
        shape(look, Words { content: &content, page, ..plain() })
    }

    fn asked(title: &str, markdown: &str, page: Option<&str>, whole: bool) -> Value {
        let settings = json!({ "buttons": [
            { "key": "received", "text": "收到", "text_en": "Received" }, { "key": "help", "text": "需要帮助" },
        ] });
        let buttons = Buttons::read(&mut Fields::of(&settings));
        let content = Rendered::new(title, markdown, None);
        let buttons = buttons.of(None);
        shape(Look::TemplateCard, Words { content: &content, page, whole, buttons, task: "t-1", ..plain() })
    }

    fn fitting(title: &str, markdown: &str, link: Option<&str>) -> Value {
        said(Look::Fitting, title, markdown, link, None)
    }

    #[test]
    fn a_text_without_a_link_is_a_plain_message() {
        let body = fitting("停水通知", "今晚 **22:00** 起\n\n北区停水", None);
        assert_eq!(body["msgtype"], "text");
        assert_eq!(body["text"]["content"], "停水通知\n\n今晚 22:00 起\n\n北区停水");
    }

    #[test]
    fn a_text_with_a_link_is_a_card_that_opens_it() {
        let body = fitting("考试安排", "请核对考场。", Some(LINK));
        assert_eq!(body["msgtype"], "textcard");
        let expected = json!({ "title": "考试安排", "description": "请核对考场。", "url": LINK });
        assert_eq!(body["textcard"], expected);
        let english = fitting("Exams", "", Some(LINK));
        assert_eq!(english["textcard"]["btntxt"], "More");
        assert_eq!(english["textcard"]["description"], "Exams", "WeCom insists on one");
    }

    #[test]
    fn what_is_too_long_opens_ones_own_page_where_there_is_one() {
        let long = "长".repeat(1_000);
        let card = said(Look::Fitting, "通知", &long, None, Some(PAGE));
        assert_eq!((&card["msgtype"], &card["textcard"]["url"]), (&json!("textcard"), &json!(PAGE)));
        let short = said(Look::Fitting, "通知", "短", None, Some(PAGE));
        assert_eq!(short["text"]["content"], "通知\n\n短", "there is no more to read there");
        let text = said(Look::Text, "通知", &long, None, Some(PAGE));
        let content = text["text"]["content"].as_str().unwrap();
        assert!(content.len() <= TEXT && content.ends_with(&format!("长…\n{PAGE}")), "{content}");
    }

    #[test]
    fn what_is_too_long_ends_with_an_ellipsis_between_two_characters() {
        let body = fitting("通知", &"长".repeat(1_000), None);
        let content = body["text"]["content"].as_str().unwrap();
        assert!(content.len() <= TEXT && content.len() > TEXT - 6, "{}", content.len());
        assert!(content.ends_with("长…"));
        let card = fitting(&"题".repeat(100), &"文".repeat(1_000), Some("https://a.example"));
        let length = |name: &str| card["textcard"][name].as_str().unwrap().len();
        assert_eq!((length("title"), length("description")), (126, 510));
    }

    #[test]
    fn no_value_becomes_a_link_or_a_colour() {
        let title = "<a href=\"https://evil.example\">中奖</a>";
        let body = fitting(title, "1 < 2 <3", None);
        let content = body["text"]["content"].as_str().unwrap();
        assert_eq!(content, "＜a href=\"https://evil.example\">中奖＜/a>\n\n1 < 2 <3");
        let markdown = said(Look::Markdown, "[中奖](https://evil.example)", "", None, None);
        assert_eq!(markdown["markdown"]["content"], "**[中奖] (https://evil.example)**");
    }

    #[test]
    fn markdown_ends_with_what_it_opens() {
        let body = said(Look::Markdown, "考试安排", "请核对考场。", Some(LINK), None);
        assert_eq!(body["msgtype"], "markdown");
        let expected = format!("**考试安排**\n\n请核对考场。\n\n[查看详情]({LINK})");
        assert_eq!(body["markdown"]["content"], expected);
        let page = said(Look::Markdown, "Exams", &"x".repeat(3_000), Some(LINK), Some(PAGE));
        let content = page["markdown"]["content"].as_str().unwrap();
        assert!(content.len() <= TEXT && content.ends_with(&format!("x…\n\n[More]({PAGE})")), "{content}");
    }

    #[test]
    fn a_card_without_anything_to_open_is_a_text() {
        for look in [Look::TextCard, Look::TemplateCard] {
            assert_eq!(said(look, "停水通知", "今晚。", None, None)["msgtype"], "text", "{look:?}");
        }
    }

    #[test]
    fn a_template_card_opens_ones_own_page_first() {
        let body = said(Look::TemplateCard, "考试安排", "请核对考场。", Some(LINK), Some(PAGE));
        let expected = json!({
            "card_type": "text_notice", "source": { "desc": "钟楼大学" }, "main_title": { "title": "考试安排" },
            "sub_title_text": "请核对考场。", "card_action": { "type": 1, "url": PAGE },
            "jump_list": [{ "type": 1, "url": PAGE, "title": "查看详情" }],
        });
        assert_eq!((&body["msgtype"], &body["template_card"]), (&json!("template_card"), &expected));
        let long = said(Look::TemplateCard, &"题".repeat(40), &"文".repeat(200), Some(LINK), None);
        let card = &long["template_card"];
        let length = |pointer: &str| card.pointer(pointer).unwrap().as_str().unwrap().chars().count();
        assert_eq!((length("/main_title/title"), length("/sub_title_text")), (MAIN_TITLE, SUB_TITLE));
    }

    #[test]
    fn a_card_with_buttons_asks_whether_there_is_something_to_open_or_not() {
        let body = asked("停水通知", "今晚 22:00 起。", None, false);
        let expected = json!({
            "card_type": "button_interaction", "source": { "desc": "钟楼大学" }, "main_title": { "title": "停水通知" },
            "sub_title_text": "今晚 22:00 起。", "task_id": "t-1", "button_list": [
                { "key": "received=%E6%94%B6%E5%88%B0", "text": "收到" },
                { "key": "help=%E9%9C%80%E8%A6%81%E5%B8%AE%E5%8A%A9", "text": "需要帮助" },
            ],
        });
        assert_eq!((&body["msgtype"], &body["template_card"]), (&json!("template_card"), &expected));
        let opens = asked("Fire", "Leave by the east gate.", Some(PAGE), true);
        let card = &opens["template_card"];
        assert_eq!(card["card_action"], json!({ "type": 1, "url": PAGE }));
        assert_eq!(card["button_list"][0], json!({ "key": "received=Received", "text": "Received" }));
        assert_eq!(asked("", "今晚。", None, false)["template_card"]["main_title"]["title"], "钟楼大学");
        assert_eq!(asked("火警", &"长".repeat(200), Some(PAGE), true)["msgtype"], "text");
    }

    #[test]
    fn whoever_is_asked_whether_they_are_safe_finds_how_to_answer() {
        const SHARED: &str = "https://bell.example/r/0123456789";
        let of = |buttons: &[Button], page: Option<&str>, body: &str| {
            let content = Rendered::new("火警", body, None);
            let words = Words {
                content: &content,
                page,
                whole: true,
                buttons,
                task: "t-1",
                roll_call: Some(SHARED),
                ..plain()
            };
            shape(Look::Fitting, words)
        };
        let card = &of(roll_call(), None, "请撤离。")["template_card"];
        assert_eq!(card["card_action"], json!({ "type": 1, "url": SHARED }));
        let keys: Vec<_> = card["button_list"].as_array().unwrap().iter().map(|one| &one["text"]).collect();
        assert_eq!(keys, ["我安全", "需要帮助"]);
        assert_eq!(of(roll_call(), Some(PAGE), "请撤离。")["template_card"]["card_action"]["url"], PAGE);
        // Nobody hears what is pressed, or the words have no room on a card.
        for text in [of(&[], None, "请撤离。"), of(roll_call(), None, &"长".repeat(3_000))] {
            let text = text["text"]["content"].as_str().unwrap();
            assert!(text.ends_with(&format!("报平安或求助：{SHARED}")) && text.len() <= TEXT, "{text}");
        }
    }

    #[test]
    fn an_emergencys_card_has_all_of_its_words_or_is_none() {
        let of = |words: &str| {
            let content = Rendered::new("火警", words, None);
            let words = Words { content: &content, page: Some(PAGE), whole: true, ..plain() };
            shape(Look::TemplateCard, words)
        };
        assert_eq!(of("教三楼起火，请由东门撤离。")["template_card"]["card_type"], "text_notice");
        let long = of(&"长".repeat(200));
        assert_eq!(long["msgtype"], "text", "a card would leave out half of it");
        assert!(long["text"]["content"].as_str().unwrap().ends_with("长长"));
    }

    proptest! {
        #[test]
        fn whatever_is_said_stays_within_the_limits(title in ".{0,300}", text in "(?s).{0,3000}") {
            let looks = [Look::Fitting, Look::Text, Look::TextCard, Look::Markdown, Look::TemplateCard];
            for look in looks {
                for (link, page) in [(None, None), (Some(LINK), None), (None, Some(PAGE))] {
                    let body = said(look, &title, &text, link, page);
                    let length = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map_or(0, str::len);
                    prop_assert!(length("/text/content") <= TEXT);
                    prop_assert!(length("/markdown/content") <= TEXT);
                    prop_assert!(length("/textcard/title") <= CARD_TITLE);
                    prop_assert!(length("/textcard/description") <= CARD_DESCRIPTION);
                    prop_assert!(length("/template_card/sub_title_text") <= 4 * SUB_TITLE);
                }
            }
        }
    }
}
