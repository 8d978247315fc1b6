//! What `message/send` must say, with the vendor's codes for what it does not, and what it is cut to.

use serde_json::Value;

use super::cards::{self, WecomCard};
use crate::simulator::wechat::answer::Refusal;

const MOST_MEMBERS: usize = 1_000;
const MOST_OTHERS: usize = 100;
/// Of a text and of Markdown.
const TEXT: usize = 2_048;
const TITLE: usize = 128;
const DESCRIPTION: usize = 512;
const LINK: usize = 2_048;
const BUTTON: usize = 4;
const LONGEST_CHECK: u64 = 14_400;

/// A message as its receivers see it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Message {
    /// As they were written.
    pub(super) members: Vec<String>,
    pub(super) kind: &'static str,
    pub(super) title: String,
    pub(super) text: String,
    pub(super) link: Option<String>,
    pub(super) button: Option<String>,
    /// Of a template card.
    pub(super) card: Option<WecomCard>,
    /// Something was longer than it is shown.
    pub(super) is_cut: bool,
    /// Repeats are dropped for so many seconds.
    pub(super) check_seconds: Option<u64>,
}

/// `body` is the JSON of the request; `agent` the only application there is.
pub(super) fn read(body: &Value, agent: u64) -> Result<Message, Refusal> {
    match body.get("agentid") {
        None => return Err(Refusal::new(41_011, "missing agentid")),
        Some(id) if id.as_u64().is_none_or(|id| id != agent) => {
            return Err(Refusal::new(301_002, "agentid not match"));
        }
        Some(_) => {}
    }
    let members = list(body, "touser", MOST_MEMBERS)?;
    let others = list(body, "toparty", MOST_OTHERS)?.len() + list(body, "totag", MOST_OTHERS)?.len();
    if members.is_empty() && others == 0 {
        return Err(Refusal::new(82_001, "All touser & toparty & totag are empty"));
    }
    let mut message = match body["msgtype"].as_str() {
        Some("text") => text(&body["text"])?,
        Some("textcard") => card(&body["textcard"])?,
        Some("markdown") => markdown(&body["markdown"])?,
        Some("template_card") => {
            let (card, link) = cards::read(&body["template_card"])?;
            let (title, text) = (card.title.clone(), card.text.clone());
            Message { title, text, link, card: Some(card), ..empty("template_card") }
        }
        Some(_) => return Err(Refusal::new(40_008, "invalid message type")),
        None => return Err(Refusal::new(40_063, "msgtype is empty")),
    };
    message.members = members;
    message.check_seconds = check(body)?;
    Ok(message)
}

fn list(body: &Value, name: &str, most: usize) -> Result<Vec<String>, Refusal> {
    let ids = match body.get(name) {
        None | Some(Value::Null) => return Ok(Vec::new()),
        Some(Value::String(ids)) => ids,
        Some(_) => return Err(Refusal::new(40_035, format!("{name} is a text"))),
    };
    let ids: Vec<_> = ids.split('|').filter(|id| !id.is_empty()).map(str::to_owned).collect();
    if ids.len() > most {
        return Err(Refusal::new(40_032, format!("{name} holds more than {most}")));
    }
    Ok(ids)
}

/// 0 and 1 as numbers, and how long.
fn check(body: &Value) -> Result<Option<u64>, Refusal> {
    let wrong = |name: &str| Refusal::new(40_058, format!("{name} invalid"));
    let wanted = match body.get("enable_duplicate_check") {
        None => 0,
        Some(flag) => {
            flag.as_u64().filter(|flag| *flag <= 1).ok_or_else(|| wrong("enable_duplicate_check"))?
        }
    };
    let seconds = match body.get("duplicate_check_interval") {
        None => 1_800,
        Some(seconds) => seconds
            .as_u64()
            .filter(|seconds| *seconds <= LONGEST_CHECK)
            .ok_or_else(|| wrong("duplicate_check_interval"))?,
    };
    Ok((wanted == 1).then_some(seconds))
}

fn text(body: &Value) -> Result<Message, Refusal> {
    let content = required(body, "content", 44_004)?;
    let (text, is_cut) = cut(content, TEXT);
    Ok(Message { text, is_cut, ..empty("text") })
}

/// Longer ones are not cut: half of a mark would be shown as it is.
fn markdown(body: &Value) -> Result<Message, Refusal> {
    let content = required(body, "content", 44_004)?;
    if content.len() > TEXT {
        return Err(Refusal::new(45_002, "content size out of limit"));
    }
    Ok(Message { text: content.to_owned(), ..empty("markdown") })
}

fn card(body: &Value) -> Result<Message, Refusal> {
    let (title, title_cut) = cut(required(body, "title", 41_016)?, TITLE);
    let (text, text_cut) = cut(required(body, "description", 41_033)?, DESCRIPTION);
    let link = required(body, "url", 40_058)?;
    if link.len() > LINK || !(link.starts_with("https://") || link.starts_with("http://")) {
        return Err(Refusal::new(40_058, "url invalid"));
    }
    let button = body["btntxt"].as_str().unwrap_or("详情");
    let short: String = button.chars().take(BUTTON).collect();
    Ok(Message {
        title,
        text,
        link: Some(link.to_owned()),
        is_cut: title_cut || text_cut || short != button,
        button: Some(short),
        ..empty("textcard")
    })
}

fn empty(kind: &'static str) -> Message {
    Message {
        members: Vec::new(),
        kind,
        title: String::new(),
        text: String::new(),
        link: None,
        button: None,
        card: None,
        is_cut: false,
        check_seconds: None,
    }
}

fn required<'a>(body: &'a Value, name: &str, errcode: i64) -> Result<&'a str, Refusal> {
    let text = body[name].as_str().filter(|text| !text.is_empty());
    text.ok_or_else(|| Refusal::new(errcode, format!("missing {name}")))
}

/// The vendor counts bytes, and shows no half characters.
fn cut(text: &str, most: usize) -> (String, bool) {
    let end = text.floor_char_boundary(most);
    (text[..end].to_owned(), end < text.len())
}
