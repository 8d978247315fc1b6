//! What a gateway tells later, in calls of its own.

use serde_json::Value;

use super::charset::Charset;
use super::document::{self, Format, Pointer, clean, embedded};
use crate::channel::sms::number;
use crate::channel::xml;
use crate::channel::{Acknowledgement, Callback, Receipts, Record};
use crate::domain::delivery::State;

/// How such a call looks, and what it is answered with.
#[derive(Debug)]
pub(super) struct Shape {
    pub(super) format: Format,
    /// Where the list of records is; what is no list counts as one record.
    pub(super) records: Pointer,
    pub(super) id: Pointer,
    pub(super) number: Pointer,
    pub(super) status: Pointer,
    /// Statuses that mean it has arrived.
    pub(super) delivered: Vec<String>,
    /// Those among the others that mean that nothing will ever arrive at this number.
    pub(super) bounced: Vec<String>,
    pub(super) acknowledge: String,
    pub(super) content_type: String,
}

impl Default for Shape {
    /// As the carriers' own words have it (CMPP 2.0 §7.4.6.1).
    fn default() -> Self {
        let pointer = |step: &str| Pointer::parse(step).unwrap_or_default();
        Self {
            format: Format::Json,
            records: Pointer::default(),
            id: pointer("/msgid"),
            number: pointer("/mobile"),
            status: pointer("/status"),
            delivered: vec!["DELIVRD".to_owned()],
            // Which of its words for a failure speak of the number itself differs from carrier to carrier.
            bounced: Vec::new(),
            acknowledge: "OK".to_owned(),
            content_type: "text/plain".to_owned(),
        }
    }
}

impl Shape {
    pub(super) fn acknowledge(&self, callback: &Callback, charset: Charset) -> Acknowledgement {
        Acknowledgement {
            content_type: self.content_type.clone(),
            body: charset.encode(&self.acknowledge, super::charset::question_mark),
            // A vendor that only looks whether the address answers has nothing to say.
            keep: callback.is_post || (self.format == Format::Query && !callback.query.is_empty()),
        }
    }

    pub(super) fn read(&self, callback: &Callback, charset: Charset) -> Receipts {
        let document = match self.document(callback, charset) {
            Ok(document) => document,
            // It may repeat the vendor's own bytes.
            Err(reason) => return Receipts::unread(clean(&reason)),
        };
        let Some(records) = self.records.find(&document).map(|found| listed(found.into_owned())) else {
            return Receipts::unread("there is no list of records");
        };
        let all = records.len();
        let records: Vec<Record> = records.iter().filter_map(|record| self.record(record)).collect();
        let unread = all - records.len();
        let trouble = (unread > 0).then(|| format!("{unread} of {all} records have no id or no status"));
        Receipts { records, trouble, ..Receipts::default() }
    }

    fn document(&self, callback: &Callback, charset: Charset) -> Result<Value, String> {
        let text = || charset.decode(&callback.body, callback.content_type.as_deref());
        match self.format {
            Format::Json => serde_json::from_str(text().trim()).map_err(|error| format!("not JSON: {error}")),
            Format::Xml => xml::read(text().trim()).map_err(|reason| format!("not XML: {reason}")),
            Format::Form => Ok(document::fields(&callback.body, charset)),
            Format::Query => Ok(document::fields(callback.query.as_bytes(), charset)),
        }
    }

    fn record(&self, record: &Value) -> Option<Record> {
        let text = |pointer: &Pointer| pointer.text(record).filter(|text| !text.is_empty());
        let status = text(&self.status)?;
        Some(Record {
            reference: text(&self.id)?,
            also: None,
            address: text(&self.number).map(|text| number::read(&text)),
            state: self.state(&status),
            code: Some(status),
            detail: None,
        })
    }

    /// Besides what the settings call delivered, the carriers' words for what is not decided yet (CMPP 2.0 §7.4.6.1,
    /// SMPP 3.4 appendix B).
    pub(super) fn state(&self, status: &str) -> State {
        if self.delivered.iter().any(|word| word == status) {
            return State::Delivered;
        }
        match status {
            "ACCEPTD" | "ENROUTE" | "BUFFERED" => State::Sent,
            "UNKNOWN" => State::Unknown,
            _ => State::Failed,
        }
    }
}

/// The records that stand there; a form's field may hold them as JSON.
fn listed(value: Value) -> Vec<Value> {
    match value {
        Value::Array(items) => items,
        Value::String(text) => embedded(&text).map(listed).unwrap_or_default(),
        record => vec![record],
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn callback(body: &[u8]) -> Callback {
        Callback { is_post: true, query: String::new(), content_type: None, body: body.to_vec() }
    }

    type Told = (String, Option<String>, State);

    fn read(shape: &Shape, callback: &Callback) -> (Vec<Told>, Option<String>) {
        let Receipts { records, trouble, .. } = shape.read(callback, Charset::Gbk);
        (records.into_iter().map(|r| (r.reference, r.address, r.state)).collect(), trouble)
    }

    fn record(reference: &str, number: &str, state: State) -> Told {
        (reference.to_owned(), Some(number.to_owned()), state)
    }

    #[test]
    fn every_shape_of_a_push_is_read() {
        let two = vec![
            record("m1", "+8613800000001", State::Delivered),
            record("m1", "+8613800000002", State::Failed),
        ];
        let json = r#"[{"msgid": "m1", "mobile": "13800000001", "status": "DELIVRD"},
                       {"msgid": "m1", "mobile": 8613800000002, "status": "UNDELIV"}]"#;
        assert_eq!(read(&Shape::default(), &callback(json.as_bytes())), (two.clone(), None));

        let inner = Shape {
            format: Format::Form,
            records: Pointer::parse("/sms_status").unwrap(),
            ..Shape::default()
        };
        let form = format!("sms_status={}", crate::channel::sms::encode::percent(json.as_bytes()));
        assert_eq!(read(&inner, &callback(form.as_bytes())), (two.clone(), None));

        let xml = Shape {
            format: Format::Xml,
            records: Pointer::parse("/reports/report").unwrap(),
            ..Shape::default()
        };
        let body = "<reports><report><msgid>m1</msgid><mobile>13800000001</mobile><status>DELIVRD</status></report>
                    <report><msgid>m1</msgid><mobile>13800000002</mobile><status>MK:0001</status></report></reports>";
        assert_eq!(read(&xml, &callback(body.as_bytes())), (two.clone(), None));
        let (single, _) = body.split_once("<report><msgid>m1</msgid><mobile>13800000002").unwrap();
        let single = format!("{single}</reports>");
        assert_eq!(read(&xml, &callback(single.as_bytes())), (two[..1].to_vec(), None));

        let query = Shape { format: Format::Query, ..Shape::default() };
        let call = Callback {
            is_post: false,
            query: "msgid=m1&mobile=13800000001&status=DELIVRD".to_owned(),
            ..callback(b"")
        };
        assert_eq!(read(&query, &call), (two[..1].to_vec(), None));
        assert!(query.acknowledge(&call, Charset::Utf8).keep);
        assert!(
            !Shape::default().acknowledge(&call, Charset::Utf8).keep,
            "it only asks whether we are there"
        );
    }

    #[test]
    fn words_that_decide_nothing_are_told_from_those_that_do() {
        let shape = Shape { delivered: vec!["0".to_owned(), "成功".to_owned()], ..Shape::default() };
        for (status, state) in [
            ("0", State::Delivered),
            ("成功", State::Delivered),
            ("ACCEPTD", State::Sent),
            ("UNKNOWN", State::Unknown),
            ("DELIVRD", State::Failed),
            ("MK:0012", State::Failed),
        ] {
            assert_eq!(shape.state(status), state, "{status}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_told_and_loses_nothing_else() {
        let shape = Shape::default();
        let mixed =
            r#"[{"msgid": "m1", "status": "DELIVRD"}, {"mobile": "1", "text": "退订"}, {"msgid": "m2"}]"#;
        let (records, trouble) = read(&shape, &callback(mixed.as_bytes()));
        assert_eq!(records, [("m1".to_owned(), None, State::Delivered)]);
        assert_eq!(trouble.as_deref(), Some("2 of 3 records have no id or no status"));
        for garbage in [&b"\xff\xfe"[..], b"", b"<a/>", b"{"] {
            let (records, trouble) = read(&shape, &callback(garbage));
            assert!(records.is_empty() && trouble.is_some_and(|reason| reason.starts_with("not JSON")));
        }
        let xml = Shape { format: Format::Xml, ..Shape::default() };
        let (_, trouble) = read(&xml, &callback(b"<a>&\0;</a>"));
        assert_eq!(
            trouble.as_deref(),
            Some("not XML: nobody says what &; is"),
            "no database has to take a NUL"
        );
        let nested = Shape { records: Pointer::parse("/data").unwrap(), ..Shape::default() };
        assert_eq!(read(&nested, &callback(b"{}")).1.as_deref(), Some("there is no list of records"));
    }

    #[test]
    fn an_acknowledgement_is_what_the_vendor_waits_for() {
        let shape = Shape {
            acknowledge: "{\"code\":0,\"msg\":\"成功\"}".to_owned(),
            content_type: "application/json".to_owned(),
            ..Shape::default()
        };
        let said = shape.acknowledge(&callback(b""), Charset::Gbk);
        assert_eq!(said.content_type, "application/json");
        assert_eq!(Charset::Gbk.decode(&said.body, Some("text/plain; charset=gbk")), shape.acknowledge);
        assert!(said.keep);
    }
}
