//! One mapping: as the settings have it, as somebody writes it, and back.

use serde_json::{Map, Value, json};

use crate::channel::registry::{By, Form};
use crate::error::Fault;

/// One variable of a vendor's template, and what it is filled with.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Slot {
    /// As the vendor calls it; empty where it knows its variables by place.
    pub name: String,
    /// A variable of ours, or one of [`SOURCES`](crate::channel::registry::SOURCES).
    pub source: String,
}

/// Which template of a vendor's stands for one of ours.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Mapping {
    /// The vendor's id of it.
    pub id: String,
    pub slots: Vec<Slot>,
    /// Its wording as the vendor approved it; empty: nobody entered it.
    pub text: String,
}

impl Mapping {
    /// As settings have it, whatever else is wrong with it.
    pub(super) fn read(form: Form, stored: &Value) -> Self {
        let text = |key: &str| stored.get(key).and_then(Value::as_str).unwrap_or_default().trim().to_owned();
        let source = |value: &Value| value.as_str().unwrap_or_default().trim().to_owned();
        let slots = match stored.get(form.slots) {
            Some(Value::Array(list)) => {
                let name =
                    |source: &str| if form.by == By::Place { String::new() } else { source.to_owned() };
                list.iter().map(source).map(|source| Slot { name: name(&source), source }).collect()
            }
            Some(Value::Object(named)) => {
                let name = |name: &str| if form.by == By::Place { String::new() } else { name.to_owned() };
                named.iter().map(|(key, value)| Slot { name: name(key), source: source(value) }).collect()
            }
            _ => Vec::new(),
        };
        Self { id: text(form.id), slots, text: text("text") }
    }

    /// Without the signs that vendors write around names, which are pasted along with them: `{{thing1.DATA}}`, `${book}`.
    pub(super) fn clean(&mut self) {
        self.id = self.id.trim().to_owned();
        self.text = self.text.trim().to_owned();
        for slot in &mut self.slots {
            let name = slot.name.trim().trim_start_matches('$').trim_matches(['{', '}']).trim();
            slot.name = name.strip_suffix(".DATA").unwrap_or(name).to_owned();
            slot.source = slot.source.trim().to_owned();
        }
    }

    /// What the settings could not even say: each row is one variable, and says which.
    pub(super) fn faults(&self, form: Form) -> Vec<Fault> {
        let mut faults = Vec::new();
        for (at, slot) in self.slots.iter().enumerate() {
            if form.by != By::Place {
                let twice = self.slots[..at].iter().any(|before| before.name == slot.name);
                if slot.name.is_empty() {
                    faults.push(Fault::new(
                        format!("/slots/{at}/name"),
                        "required",
                        "what the vendor calls it",
                    ));
                } else if twice {
                    let detail = format!("`{}` stands here twice", slot.name);
                    faults.push(Fault::new(format!("/slots/{at}/name"), "duplicate", detail));
                }
            }
            if slot.source.is_empty() {
                faults.push(Fault::new(format!("/slots/{at}/source"), "required", "what it is filled with"));
            }
        }
        faults
    }

    /// As settings have it.
    pub(super) fn value(&self, form: Form) -> Value {
        let source = |slot: &Slot| Value::from(slot.source.as_str());
        let slots = match form.by {
            By::Place => Value::Array(self.slots.iter().map(source).collect()),
            By::Name | By::Type => {
                let named = self.slots.iter().map(|slot| (slot.name.clone(), source(slot)));
                Value::Object(named.collect::<Map<_, _>>())
            }
        };
        let mut value = json!({ form.id: self.id, form.slots: slots });
        if form.has_text && !self.text.is_empty() {
            value["text"] = self.text.as_str().into();
        }
        value
    }

    /// From a place in the settings' mapping to one here: `/variables/book` to `/slots/1/source`. `None`: it is about no
    /// field of these.
    pub(super) fn place(&self, form: Form, below: &str) -> Option<String> {
        let mut parts = below.split('/').skip(1);
        let (field, part) = (parts.next()?, parts.next());
        if field == form.id {
            return Some("/id".to_owned());
        }
        if field == form.slots {
            let Some(part) = part else { return Some("/slots".to_owned()) };
            let name = part.replace("~1", "/").replace("~0", "~");
            let at = match form.by {
                By::Place => part.parse().ok().filter(|at| *at < self.slots.len()),
                By::Name | By::Type => self.slots.iter().position(|slot| slot.name == name),
            };
            return at.map(|at| format!("/slots/{at}/source"));
        }
        (field == "text").then(|| "/text".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::channel::registry;
    use crate::domain::provider::ProviderKind;

    fn form(kind: ProviderKind) -> Form {
        registry::form(kind).unwrap()
    }

    fn slot(name: &str, source: &str) -> Slot {
        Slot { name: name.to_owned(), source: source.to_owned() }
    }

    #[test]
    fn what_settings_say_is_written_back_as_it_was() {
        let aliyun = json!({"code": "SMS_1", "variables": {"b": "book", "d": "due"}, "text": "${b} ${d}"});
        let tencent = json!({"id": "12", "variables": ["title", "book", "title"]});
        let wechat = json!({"id": "x", "fields": {"thing1": "book", "time2": "due"}});
        for (kind, stored) in [
            (ProviderKind::AliyunSms, aliyun),
            (ProviderKind::TencentSms, tencent),
            (ProviderKind::WechatOfficialAccount, wechat),
        ] {
            let form = form(kind);
            assert_eq!(Mapping::read(form, &stored).value(form), stored, "{kind}");
        }
        let listed =
            Mapping::read(form(ProviderKind::AliyunSms), &json!({"code": "1", "variables": ["book"]}));
        assert_eq!(listed.slots, [slot("book", "book")], "a list says names and sources at once");
    }

    #[test]
    fn names_lose_the_signs_they_are_pasted_with() {
        let mut mapping = Mapping {
            slots: vec![
                slot(" {{thing1.DATA}} ", " book "),
                slot("${code}", "page_code"),
                slot("plain", "x"),
            ],
            ..Mapping::default()
        };
        mapping.clean();
        assert_eq!(mapping.slots, [slot("thing1", "book"), slot("code", "page_code"), slot("plain", "x")]);
    }

    #[test]
    fn rows_that_say_too_little_or_twice_the_same_are_told() {
        let mapping =
            Mapping { slots: vec![slot("a", "book"), slot("a", ""), slot("", "due")], ..Mapping::default() };
        let told = |form: Form| -> Vec<_> {
            mapping
                .faults(form)
                .into_iter()
                .map(|fault| format!("{} {}", fault.pointer, fault.code))
                .collect()
        };
        let named = ["/slots/1/name duplicate", "/slots/1/source required", "/slots/2/name required"];
        assert_eq!(told(form(ProviderKind::AliyunSms)), named);
        assert_eq!(told(form(ProviderKind::TencentSms)), ["/slots/1/source required"]);
    }

    #[test]
    fn places_of_the_settings_are_places_of_the_rows() {
        let mapping = Mapping { slots: vec![slot("a/b", "book"), slot("c", "due")], ..Mapping::default() };
        let (named, listed) = (form(ProviderKind::AliyunSms), form(ProviderKind::TencentSms));
        assert_eq!(mapping.place(named, "/variables/a~1b").as_deref(), Some("/slots/0/source"));
        assert_eq!(mapping.place(listed, "/variables/1").as_deref(), Some("/slots/1/source"));
        assert_eq!(mapping.place(listed, "/variables/2"), None);
        assert_eq!(mapping.place(named, "/code").as_deref(), Some("/id"));
        assert_eq!(mapping.place(listed, "/code"), None);
        assert_eq!(mapping.place(named, "/variables").as_deref(), Some("/slots"));
        assert_eq!(mapping.place(named, "/text").as_deref(), Some("/text"));
    }
}
