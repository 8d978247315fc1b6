//! What the vendor tells later (`SmsReport`): a list of receipts, of numbers on the mainland or abroad.

use serde::Deserialize;
use serde_json::Value;

use crate::channel::sms::{number, vendor};
use crate::channel::{Acknowledgement, Callback, Receipts, Record};
use crate::domain::delivery::State;

/// The console's check whether the address answers is a GET with nothing to keep. Everything is answered before it is
/// looked into: the vendor waits 700 ms.
pub(super) fn acknowledge(callback: &Callback) -> Acknowledgement {
    let word = if callback.is_post { "接收成功" } else { "成功" };
    Acknowledgement {
        content_type: "application/json; charset=utf-8".to_owned(),
        body: format!(r#"{{"code":0,"msg":"{word}"}}"#).into_bytes(),
        keep: callback.is_post,
    }
}

/// Of a number on the mainland.
#[derive(Debug, Deserialize)]
struct Domestic {
    phone_number: Value,
    success: Value,
    err_code: Option<String>,
    err_msg: Option<String>,
    biz_id: Option<String>,
    out_id: Option<String>,
}

/// Of one abroad, sent through the international service.
#[derive(Debug, Deserialize)]
#[serde(rename_all = "PascalCase")]
struct International {
    to: Value,
    status: Value,
    message_id: String,
    error_code: Option<String>,
    error_description: Option<String>,
}

pub(super) fn read(callback: &Callback) -> Receipts {
    let list = match serde_json::from_slice::<Value>(&callback.body) {
        Ok(Value::Array(list)) => list,
        Ok(one) => vec![one],
        Err(error) => return Receipts::unread(format!("not JSON: {error}")),
    };
    let all = list.len();
    let records: Vec<_> = list.into_iter().filter_map(record).collect();
    let unread = all - records.len();
    let trouble = (unread > 0).then(|| format!("{unread} of {all} are no receipts"));
    Receipts { records, trouble, ..Receipts::default() }
}

fn record(value: Value) -> Option<Record> {
    if value.get("MessageId").is_some() {
        let told = International::deserialize(value).ok()?;
        // 1 sent, 2 failed, 6 not in time.
        let state = match text(&told.status).as_str() {
            "1" => State::Delivered,
            "2" | "6" => State::Failed,
            _ => State::Unknown,
        };
        return Some(Record {
            reference: Some(told.message_id).filter(|id| !id.is_empty())?,
            also: None,
            address: Some(number::read_bare(&text(&told.to))),
            state,
            code: told.error_code.map(|code| vendor::clean(&code, [])),
            detail: told.error_description.map(|words| vendor::clean(&words, [])),
        });
    }
    let told = Domestic::deserialize(value).ok()?;
    let state = match text(&told.success).as_str() {
        "true" => State::Delivered,
        "false" => State::Failed,
        _ => return None,
    };
    let given = |id: Option<String>| id.filter(|id| !id.is_empty());
    // Theirs, or ours where no answer told us theirs.
    let (theirs, ours) = (given(told.biz_id), given(told.out_id));
    Some(Record {
        reference: theirs.clone().or_else(|| ours.clone())?,
        also: theirs.and(ours),
        address: Some(number::read_bare(&text(&told.phone_number))),
        state,
        code: told.err_code.map(|code| vendor::clean(&code, [])),
        detail: told.err_msg.map(|words| vendor::clean(&words, [])),
    })
}

/// Numbers and truth values come as texts, too.
fn text(value: &Value) -> String {
    value.as_str().map_or_else(|| value.to_string(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn post(body: &Value) -> Callback {
        Callback { is_post: true, query: String::new(), content_type: None, body: body.to_string().into() }
    }

    #[test]
    fn the_consoles_check_is_answered_and_not_kept() {
        let check = Callback { is_post: false, ..post(&json!(null)) };
        let said = acknowledge(&check);
        assert_eq!((said.keep, said.body), (false, r#"{"code":0,"msg":"成功"}"#.as_bytes().to_vec()));
        let said = acknowledge(&post(&json!([])));
        assert_eq!((said.keep, said.body), (true, r#"{"code":0,"msg":"接收成功"}"#.as_bytes().to_vec()));
    }

    #[test]
    fn receipts_of_the_mainland_are_read() {
        let told = read(&post(&json!([
            {"phone_number": "13800000001", "send_time": "2026-09-21 22:00:00", "report_time": "2026-09-21 22:00:05",
             "success": true, "err_code": "DELIVERED", "err_msg": "用户接收成功", "sms_size": "1", "biz_id": "9^0",
             "out_id": "dlv_1"},
            {"phone_number": 8_613_800_000_002_i64, "success": "false", "err_code": "MOBILE_NOT_ON_SERVICE",
             "err_msg": "停机", "biz_id": "9^0", "out_id": ""},
            {"phone_number": "85261234567", "success": false, "err_code": "IS_CLOSED", "out_id": "dlv_3"},
        ])));
        assert_eq!(told.trouble, None);
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
                ("9^0", Some("dlv_1"), Some("+8613800000001"), State::Delivered, Some("DELIVERED")),
                ("9^0", None, Some("+8613800000002"), State::Failed, Some("MOBILE_NOT_ON_SERVICE")),
                ("dlv_3", None, Some("+85261234567"), State::Failed, Some("IS_CLOSED")),
            ]
        );
    }

    #[test]
    fn receipts_from_abroad_are_read() {
        for (status, state) in
            [("1", State::Delivered), ("2", State::Failed), ("6", State::Failed), ("9", State::Unknown)]
        {
            let told = read(&post(&json!({
                "To": "85261234567", "Status": status, "MessageId": "m1", "SmsSize": "1",
                "SendDate": "Thu, 25 Nov 2021 10:27:00 +0800", "ReceiveDate": "", "ErrorCode": "success",
            })));
            let record = &told.records[0];
            assert_eq!((record.reference.as_str(), record.state), ("m1", state), "{status}");
            assert_eq!(record.address.as_deref(), Some("+85261234567"));
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_loses_nothing_else() {
        let told = read(&post(&json!([{"phone_number": "1", "success": true}, {"a": 1},
            {"phone_number": "13800000001", "success": true, "out_id": "c"}])));
        assert_eq!(told.records.len(), 1);
        assert_eq!(told.trouble.as_deref(), Some("2 of 3 are no receipts"));
        let garbage = Callback { body: b"\xff[".to_vec(), ..post(&json!(null)) };
        assert!(read(&garbage).trouble.is_some_and(|reason| reason.starts_with("not JSON")));
    }
}
