//! Template cards: what each kind must have, how much of it there may be, and what is seen of it.

use std::collections::{BTreeMap, HashSet};

use serde::Serialize;
use serde_json::Value;

use crate::simulator::wechat::answer::Refusal;

const ROWS: usize = 6;
const JUMPS: usize = 3;
const BUTTONS: usize = 6;
const OPTIONS: usize = 20;
const SELECTIONS: usize = 3;
const TASK: usize = 128;
const KEY: usize = 1_024;
const LINK: usize = 2_048;

/// A template card as its receivers see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct WecomCard {
    pub card_type: String,
    /// Empty where the card has none.
    pub task_id: String,
    pub title: String,
    /// Below the title: its description and what else there is to read.
    pub text: String,
    /// What stands out, and the words below it.
    pub emphasis: Option<(String, String)>,
    /// Names and values.
    pub rows: Vec<(String, String)>,
    /// Words and where they lead.
    pub jumps: Vec<(String, Option<String>)>,
    /// Keys and words of what can be pressed.
    pub buttons: Vec<(String, String)>,
    /// By member in lower case: what stands instead of the buttons since the card was updated.
    pub replaced: BTreeMap<String, String>,
}

impl WecomCard {
    /// Whether the answer to it says by which code it can be updated.
    pub(super) fn is_answered(&self) -> bool {
        !matches!(&*self.card_type, "text_notice" | "news_notice")
    }
}

/// The card, and where it leads.
pub(super) fn read(body: &Value) -> Result<(WecomCard, Option<String>), Refusal> {
    let kind = text(body, "card_type");
    let mut card = WecomCard {
        card_type: kind.clone(),
        task_id: task(body)?,
        title: text(&body["main_title"], "title"),
        text: [text(&body["main_title"], "desc"), text(body, "sub_title_text")]
            .into_iter()
            .filter(|text| !text.is_empty())
            .collect::<Vec<_>>()
            .join("\n"),
        ..WecomCard::default()
    };
    if body["emphasis_content"].is_object() {
        let emphasis = &body["emphasis_content"];
        card.emphasis = Some((text(emphasis, "title"), text(emphasis, "desc")));
    }
    for row in list(body, "horizontal_content_list", 0..=ROWS)? {
        card.rows.push((required(row, "keyname")?, text(row, "value")));
    }
    for jump in list(body, "jump_list", 0..=JUMPS)? {
        card.jumps.push((required(jump, "title")?, action(jump, "jump_list")?));
    }
    let link = match &body["card_action"] {
        Value::Null if matches!(&*kind, "text_notice" | "news_notice") => return Err(wrong("card_action")),
        Value::Null => None,
        given => action(given, "card_action")?,
    };
    match &*kind {
        "text_notice" if card.title.is_empty() && text(body, "sub_title_text").is_empty() => {
            return Err(wrong("main_title.title"));
        }
        "text_notice" => {}
        "news_notice" => drop(required(&body["card_image"], "url")?),
        "button_interaction" => {
            for button in list(body, "button_list", 1..=BUTTONS)? {
                card.buttons.push((required(button, "key")?, required(button, "text")?));
            }
        }
        "vote_interaction" => {
            let checkbox = &body["checkbox"];
            required(checkbox, "question_key")?;
            for option in list(checkbox, "option_list", 1..=OPTIONS)? {
                card.rows.push((required(option, "id")?, required(option, "text")?));
            }
            submit(body, &mut card)?;
        }
        "multiple_interaction" => {
            for selection in list(body, "select_list", 1..=SELECTIONS)? {
                required(selection, "question_key")?;
                list(selection, "option_list", 1..=OPTIONS)?;
            }
            submit(body, &mut card)?;
        }
        _ => return Err(wrong("card_type")),
    }
    check(&card)?;
    Ok((card, link))
}

/// What every kind of card with buttons must have.
fn check(card: &WecomCard) -> Result<(), Refusal> {
    if !card.is_answered() {
        return Ok(());
    }
    if card.title.is_empty() {
        return Err(wrong("main_title.title"));
    }
    if card.task_id.is_empty() {
        return Err(wrong("task_id"));
    }
    let mut keys = HashSet::new();
    if card.buttons.iter().any(|(key, _)| key.len() > KEY || !keys.insert(key)) {
        return Err(wrong("key"));
    }
    Ok(())
}

fn submit(body: &Value, card: &mut WecomCard) -> Result<(), Refusal> {
    let button = &body["submit_button"];
    card.buttons.push((required(button, "key")?, required(button, "text")?));
    Ok(())
}

fn task(body: &Value) -> Result<String, Refusal> {
    let task = text(body, "task_id");
    let is_task =
        task.len() <= TASK && task.bytes().all(|b| b.is_ascii_alphanumeric() || b"_-@".contains(&b));
    if is_task { Ok(task) } else { Err(wrong("task_id")) }
}

/// Where it leads: 1 to an address, 2 into a mini-program, 0 nowhere.
fn action(body: &Value, name: &str) -> Result<Option<String>, Refusal> {
    match body["type"].as_u64().unwrap_or(0) {
        0 if name == "jump_list" => Ok(None),
        1 => {
            let url = required(body, "url")?;
            let is_link = url.starts_with("https://") || url.starts_with("http://");
            if is_link && url.len() <= LINK { Ok(Some(url)) } else { Err(wrong(&format!("{name}.url"))) }
        }
        2 => required(body, "appid").map(Some),
        _ => Err(wrong(&format!("{name}.type"))),
    }
}

fn list<'a>(
    body: &'a Value,
    name: &str,
    many: std::ops::RangeInclusive<usize>,
) -> Result<&'a [Value], Refusal> {
    let rows = match &body[name] {
        Value::Null => &[],
        Value::Array(rows) => rows.as_slice(),
        _ => return Err(wrong(name)),
    };
    if many.contains(&rows.len()) { Ok(rows) } else { Err(wrong(name)) }
}

fn required(body: &Value, name: &str) -> Result<String, Refusal> {
    Some(text(body, name)).filter(|text| !text.is_empty()).ok_or_else(|| wrong(name))
}

fn text(body: &Value, name: &str) -> String {
    body[name].as_str().unwrap_or_default().to_owned()
}

fn wrong(name: &str) -> Refusal {
    Refusal::new(40_058, format!("template_card.{name} invalid"))
}
