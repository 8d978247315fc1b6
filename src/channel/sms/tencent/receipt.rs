//! What the vendor tells later: receipts, and what people answer.

use serde::Deserialize;
use serde_json::Value;

use crate::channel::sms::{number, vendor};
use crate::channel::{Acknowledgement, Callback, Event, Receipts, Record};
use crate::domain::delivery::State;

/// Characters of an answer that are kept.
const MOST_WORDS: usize = 500;

/// Everything is answered before it is looked into.
pub(super) fn acknowledge(callback: &Callback) -> Acknowledgement {
    Acknowledgement {
        content_type: "application/json; charset=utf-8".to_owned(),
        body: br#"{"result":0,"errmsg":"OK"}"#.to_vec(),
        keep: callback.is_post,
    }
}

#[derive(Debug, Deserialize)]
struct Told {
    nationcode: Option<Value>,
    mobile: Value,
    report_status: String,
    errmsg: Option<String>,
    description: Option<String>,
    /// The vendor's own.
    sid: Option<String>,
    /// Ours of the call, where the account has it switched on.
    ext: Option<String>,
}

#[derive(Debug, Deserialize)]
struct Answered {
    nationcode: Option<Value>,
    mobile: Value,
    text: String,
}

pub(super) fn read(callback: &Callback) -> Receipts {
    let list = match serde_json::from_slice::<Value>(&callback.body) {
        Ok(Value::Array(list)) => list,
        Ok(one) => vec![one],
        Err(error) => return Receipts::unread(format!("not JSON: {error}")),
    };
    let mut told = Receipts::default();
    let (all, mut unread) = (list.len(), 0);
    for value in list {
        if let Some(record) = record(&value) {
            told.records.push(record);
        } else if let Some(event) = reply(&value) {
            told.events.push(event);
        } else {
            unread += 1;
        }
    }
    told.trouble = (unread > 0).then(|| format!("{unread} of {all} are neither receipt nor reply"));
    told
}

fn record(value: &Value) -> Option<Record> {
    let told = Told::deserialize(value).ok()?;
    let given = |id: Option<String>| id.filter(|id| !id.is_empty());
    let (theirs, ours) = (given(told.sid), given(told.ext));
    let code = told.errmsg.map(|code| vendor::clean(&code, []));
    Some(Record {
        reference: theirs.clone().or_else(|| ours.clone())?,
        also: theirs.and(ours),
        address: Some(number(told.nationcode.as_ref(), &told.mobile)),
        state: state(&told.report_status, code.as_deref())?,
        code,
        detail: told.description.map(|words| vendor::clean(&words, [])),
    })
}

fn reply(value: &Value) -> Option<Event> {
    let answered = Answered::deserialize(value).ok()?;
    let text = answered.text.chars().filter(|c| !c.is_control()).take(MOST_WORDS).collect();
    Some(Event::Reply { number: number(answered.nationcode.as_ref(), &answered.mobile), text })
}

/// What a receipt's status says, pushed or asked for.
pub(super) fn state(status: &str, code: Option<&str>) -> Option<State> {
    match (status, code) {
        ("SUCCESS", _) => Some(State::Delivered),
        // The carrier itself does not know.
        ("FAIL", Some("UNKNOWN")) => Some(State::Unknown),
        ("FAIL", _) => Some(State::Failed),
        _ => None,
    }
}

/// Country and number come apart, as texts or numbers; some pushes have the country in the number.
fn number(country: Option<&Value>, mobile: &Value) -> String {
    let text =
        |value: &Value| value.as_str().map_or_else(|| value.to_string(), |text| text.trim().to_owned());
    let (country, mobile) = (country.map(text).unwrap_or_default(), text(mobile));
    if mobile.starts_with('+') || country.is_empty() {
        return number::read(&mobile);
    }
    number::read(&format!("+{}{mobile}", country.trim_start_matches('+')))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn post(body: &Value) -> Callback {
        Callback { is_post: true, query: String::new(), content_type: None, body: body.to_string().into() }
    }

    #[test]
    fn receipts_are_read_and_acknowledged() {
        let call = post(&json!([
            {"user_receive_time": "2026-09-21 22:00:05", "nationcode": "86", "mobile": "13800000001",
             "report_status": "SUCCESS", "errmsg": "DELIVRD", "description": "用户短信送达成功", "sid": "s1", "ext": "c1"},
            {"nationcode": 852, "mobile": 61_234_567, "report_status": "FAIL", "errmsg": "UNDELIV", "sid": "s2", "ext": ""},
            {"nationcode": "86", "mobile": "+8613800000003", "report_status": "FAIL", "errmsg": "UNKNOWN", "ext": "c3"},
        ]));
        let told = read(&call);
        assert_eq!((told.trouble, told.events.len()), (None, 0));
        let told: Vec<_> = told
            .records
            .iter()
            .map(|r| {
                (r.reference.as_str(), r.also.as_deref(), r.address.as_deref(), r.state, r.code.as_deref())
            })
            .collect();
        assert_eq!(
            told,
            [
                ("s1", Some("c1"), Some("+8613800000001"), State::Delivered, Some("DELIVRD")),
                ("s2", None, Some("+85261234567"), State::Failed, Some("UNDELIV")),
                ("c3", None, Some("+8613800000003"), State::Unknown, Some("UNKNOWN")),
            ]
        );
        let said = acknowledge(&call);
        assert_eq!((said.keep, said.body.as_slice()), (true, &br#"{"result":0,"errmsg":"OK"}"#[..]));
        assert!(!acknowledge(&Callback { is_post: false, ..call }).keep);
    }

    #[test]
    fn answers_are_told_as_such() {
        let told = read(&post(&json!({
            "extend": "01", "mobile": "13800000001", "nationcode": "86", "sign": "钟楼大学", "text": "收到\n", "time": 1,
        })));
        let event = Event::Reply { number: "+8613800000001".to_owned(), text: "收到".to_owned() };
        assert_eq!((told.records.len(), told.events, told.trouble), (0, vec![event], None));
    }

    #[test]
    fn what_cannot_be_read_is_told_and_loses_nothing_else() {
        let told = read(&post(&json!([
            {"mobile": "13800000001", "report_status": "SUCCESS"}, {"mobile": "1", "report_status": "?", "sid": "s"}, 5,
            {"mobile": "13800000001", "report_status": "SUCCESS", "sid": "s"},
        ])));
        assert_eq!(told.records.len(), 1);
        assert_eq!(told.records[0].address.as_deref(), Some("+8613800000001"));
        assert_eq!(told.trouble.as_deref(), Some("3 of 4 are neither receipt nor reply"));
        let garbage = Callback { body: b"\xff[".to_vec(), ..post(&json!(null)) };
        assert!(read(&garbage).trouble.is_some_and(|reason| reason.starts_with("not JSON")));
    }
}
