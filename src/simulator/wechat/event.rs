//! What is pushed to an account's or a corp's owner.

use serde_json::{Map, Value, json};

/// Something that happened, as its owner is told.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) struct Event {
    /// The account's name or the corp's id.
    pub(in crate::simulator) to: String,
    /// An openid or a member.
    pub(in crate::simulator) from: String,
    /// In seconds since 1970.
    pub(in crate::simulator) at: i64,
    /// `event`, or that of a message.
    pub(in crate::simulator) kind: &'static str,
    pub(in crate::simulator) fields: Vec<(&'static str, Part)>,
}

/// A value of an event.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::simulator) enum Part {
    Text(String),
    Number(i64),
    /// Rows `List`, which XML puts into an element of this event's own.
    Rows(Vec<Vec<(&'static str, Part)>>),
}

impl Part {
    pub(in crate::simulator) fn text(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }
}

impl Event {
    pub(in crate::simulator) fn xml(&self) -> String {
        let body: String =
            self.head().iter().chain(&self.fields).map(|(name, part)| element(name, part)).collect();
        format!("<xml>{body}</xml>")
    }

    /// Events with rows have them as one object where there is one, and every value as a text; that is how the vendor's
    /// JSON differs from its XML.
    pub(in crate::simulator) fn json(&self) -> Value {
        let as_text = self.fields.iter().any(|(_, part)| matches!(part, Part::Rows(_)));
        object(self.head().iter().chain(&self.fields), as_text)
    }

    fn head(&self) -> [(&'static str, Part); 4] {
        [
            ("ToUserName", Part::text(&self.to)),
            ("FromUserName", Part::text(&self.from)),
            ("CreateTime", Part::Number(self.at)),
            ("MsgType", Part::text(self.kind)),
        ]
    }
}

fn element(name: &str, part: &Part) -> String {
    let inside = match part {
        Part::Text(text) => data(text),
        Part::Number(number) => number.to_string(),
        Part::Rows(rows) => rows
            .iter()
            .map(|row| {
                let row: String = row.iter().map(|(name, part)| element(name, part)).collect();
                format!("<List>{row}</List>")
            })
            .collect(),
    };
    format!("<{name}>{inside}</{name}>")
}

/// A text may hold the end of the section it is written in.
pub(in crate::simulator) fn data(text: &str) -> String {
    format!("<![CDATA[{}]]>", text.replace("]]>", "]]]]><![CDATA[>"))
}

fn object<'a>(parts: impl Iterator<Item = &'a (&'static str, Part)>, as_text: bool) -> Value {
    let mut object = Map::new();
    for (name, part) in parts {
        let (name, value) = match part {
            Part::Text(text) => (*name, json!(text)),
            Part::Number(number) if as_text => (*name, json!(number.to_string())),
            Part::Number(number) => (*name, json!(number)),
            Part::Rows(rows) => {
                let mut rows: Vec<_> = rows.iter().map(|row| self::object(row.iter(), as_text)).collect();
                ("List", if rows.len() == 1 { rows.remove(0) } else { Value::Array(rows) })
            }
        };
        object.insert(name.to_owned(), value);
    }
    Value::Object(object)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn popup(rows: usize) -> Event {
        let row = |n: usize| {
            vec![
                ("TemplateId", Part::Text(format!("T{n}"))),
                ("SubscribeStatusString", Part::text("accept")),
                ("PopupScene", Part::Number(0)),
            ]
        };
        Event {
            to: "gh_1".to_owned(),
            from: "o]]>1".to_owned(),
            at: 1_620_973_045,
            kind: "event",
            fields: vec![
                ("Event", Part::text("subscribe_msg_popup_event")),
                ("SubscribeMsgPopupEvent", Part::Rows((0..rows).map(row).collect())),
            ],
        }
    }

    #[test]
    fn xml_keeps_rows_in_an_element_of_their_own() {
        assert_eq!(
            popup(1).xml(),
            "<xml><ToUserName><![CDATA[gh_1]]></ToUserName><FromUserName><![CDATA[o]]]]><![CDATA[>1]]></FromUserName>\
             <CreateTime>1620973045</CreateTime><MsgType><![CDATA[event]]></MsgType>\
             <Event><![CDATA[subscribe_msg_popup_event]]></Event><SubscribeMsgPopupEvent><List>\
             <TemplateId><![CDATA[T0]]></TemplateId><SubscribeStatusString><![CDATA[accept]]></SubscribeStatusString>\
             <PopupScene>0</PopupScene></List></SubscribeMsgPopupEvent></xml>"
        );
    }

    #[test]
    fn json_has_one_row_as_an_object_and_several_as_an_array() {
        let one = popup(1).json();
        assert_eq!((&one["List"]["PopupScene"], &one["CreateTime"]), (&json!("0"), &json!("1620973045")));
        assert_eq!(one["SubscribeMsgPopupEvent"], Value::Null);
        assert_eq!(popup(2).json()["List"][1]["TemplateId"], "T1");
        let plain = Event { fields: vec![("MsgID", Part::Number(7))], ..popup(0) };
        assert_eq!((&plain.json()["MsgID"], &plain.json()["CreateTime"]), (&json!(7), &json!(1_620_973_045)));
    }
}
