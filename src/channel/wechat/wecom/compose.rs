//! From a text to the body of `message/send`.
//!
//! A text with a link is a card (`textcard`) that opens it; any other is a plain message (`text`). Both are cut to what
//! WeCom takes, so that it is we who say that something is missing, by an ellipsis.

use serde_json::{Value, json};

use crate::clock::Timestamp;
use crate::domain::content::Rendered;
use crate::domain::id::MessageId;

/// WeCom's limits in bytes. For cards some of its pages count characters; bytes are within both.
const TEXT: usize = 2_048;
const CARD_TITLE: usize = 128;
const CARD_DESCRIPTION: usize = 512;
const CARD_LINK: usize = 2_048;
/// In seconds: the default, and the most WeCom takes.
const LEAST_INTERVAL: u64 = 1_800;
const MOST_INTERVAL: u64 = 14_400;

/// The request for these members. `sent_before`: when a provider took any of these deliveries before.
///
/// WeCom drops a request whose JSON is the same as an earlier one's within `duplicate_check_interval`, which swallows a
/// call that is repeated because a crash cut off its answer. For that, the members come in an order of their own. So
/// that nothing else is swallowed, the interval differs from message to message and, after a message was called back,
/// from the time before: two messages with the same words to the same person are two requests.
pub(super) fn body(
    agent_id: u64,
    members: &[&str],
    content: &Rendered,
    message: MessageId,
    sent_before: Option<Timestamp>,
) -> Value {
    let mut members = members.to_vec();
    members.sort_by_cached_key(|member| member.to_ascii_lowercase());
    members.dedup_by(|one, other| one.eq_ignore_ascii_case(other));
    let mut body = match content.link.as_deref().filter(|link| link.len() <= CARD_LINK) {
        Some(link) => card(content, link),
        None => json!({ "msgtype": "text", "text": { "content": text(content) } }),
    };
    body["touser"] = members.join("|").into();
    body["agentid"] = agent_id.into();
    body["enable_duplicate_check"] = 1.into();
    body["duplicate_check_interval"] = interval(message, sent_before).into();
    body
}

fn text(content: &Rendered) -> String {
    let Rendered { title, plain, .. } = content;
    let whole = if plain.is_empty() { title.to_string() } else { format!("{title}\n\n{plain}") };
    cut(&harmless(&whole), TEXT)
}

fn card(content: &Rendered, link: &str) -> Value {
    // The button leads there; it need not be written out below the text.
    let words = content.plain.strip_suffix(link).map_or(&*content.plain, str::trim_end);
    let words = if words.is_empty() { &*content.title } else { words };
    let mut card = json!({
        "title": cut(&harmless(&content.title), CARD_TITLE),
        "description": cut(&harmless(words), CARD_DESCRIPTION),
        "url": link,
    });
    // At most four characters; 详情 unless another is named.
    if content.title.is_ascii() {
        card["btntxt"] = "More".into();
    }
    json!({ "msgtype": "textcard", "textcard": card })
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

fn interval(message: MessageId, sent_before: Option<Timestamp>) -> u64 {
    let before = sent_before.map_or(0, Timestamp::millis).cast_unsigned();
    // Fibonacci hashing: ids and moments that are near each other end up far apart.
    let mixed =
        (message.0.cast_unsigned() ^ before.rotate_left(32)).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 32;
    LEAST_INTERVAL + mixed % (MOST_INTERVAL - LEAST_INTERVAL + 1)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const MESSAGE: MessageId = MessageId(7_001);

    fn of(title: &str, markdown: &str, link: Option<&str>) -> Value {
        body(1_000_002, &["lina", "Anna", "LINA"], &Rendered::new(title, markdown, link), MESSAGE, None)
    }

    #[test]
    fn a_text_without_a_link_is_a_plain_message() {
        let body = of("停水通知", "今晚 **22:00** 起\n\n北区停水", None);
        assert_eq!(body["msgtype"], "text");
        assert_eq!(body["text"]["content"], "停水通知\n\n今晚 22:00 起\n\n北区停水");
        assert_eq!((&body["touser"], &body["agentid"]), (&json!("Anna|lina"), &json!(1_000_002)));
        assert_eq!(body["enable_duplicate_check"], 1);
    }

    #[test]
    fn a_text_with_a_link_is_a_card_that_opens_it() {
        let body = of("考试安排", "请核对考场。", Some("https://jw.example/exams"));
        assert_eq!(body["msgtype"], "textcard");
        let expected =
            json!({ "title": "考试安排", "description": "请核对考场。", "url": "https://jw.example/exams" });
        assert_eq!(body["textcard"], expected);
        let english = of("Exams", "", Some("https://jw.example/exams"));
        assert_eq!(english["textcard"]["btntxt"], "More");
        assert_eq!(english["textcard"]["description"], "Exams", "WeCom insists on one");
    }

    #[test]
    fn what_is_too_long_ends_with_an_ellipsis_between_two_characters() {
        let body = of("通知", &"长".repeat(1_000), None);
        let content = body["text"]["content"].as_str().unwrap();
        assert!(content.len() <= TEXT && content.len() > TEXT - 6, "{}", content.len());
        assert!(content.ends_with("长…"));
        let card = of(&"题".repeat(100), &"文".repeat(1_000), Some("https://a.example"));
        let length = |name: &str| card["textcard"][name].as_str().unwrap().len();
        assert_eq!((length("title"), length("description")), (126, 510));
    }

    #[test]
    fn no_value_becomes_a_link_or_a_colour() {
        let body = of("<a href=\"https://evil.example\">中奖</a>", "1 < 2 <3", None);
        let content = body["text"]["content"].as_str().unwrap();
        assert_eq!(content, "＜a href=\"https://evil.example\">中奖＜/a>\n\n1 < 2 <3");
    }

    #[test]
    fn only_a_repeat_is_the_same_request() {
        let content = Rendered::new("t", "b", None);
        let first = body(1, &["a", "b"], &content, MESSAGE, None);
        assert_eq!(first, body(1, &["b", "a"], &content, MESSAGE, None));
        assert_ne!(first, body(1, &["a", "b"], &content, MessageId(7_002), None));
        assert_ne!(first, body(1, &["a", "b"], &content, MESSAGE, Some(Timestamp(1_790_000_000_000))));
    }

    proptest! {
        #[test]
        fn whatever_is_said_stays_within_the_limits(title in ".{0,300}", text in "(?s).{0,3000}", id: i64, at: i64) {
            for link in [None, Some("https://a.example/x")] {
                let content = Rendered::new(&title, &text, link);
                let body = body(1, &["a"], &content, MessageId(id), Some(Timestamp(at)));
                let length = |pointer: &str| body.pointer(pointer).and_then(Value::as_str).map_or(0, str::len);
                prop_assert!(length("/text/content") <= TEXT);
                prop_assert!(length("/textcard/title") <= CARD_TITLE);
                prop_assert!(length("/textcard/description") <= CARD_DESCRIPTION);
                let interval = body["duplicate_check_interval"].as_u64().unwrap();
                prop_assert!((LEAST_INTERVAL..=MOST_INTERVAL).contains(&interval));
            }
        }
    }
}
