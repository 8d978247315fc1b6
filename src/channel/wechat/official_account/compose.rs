//! From a message to the body of `template/send` or `subscribe/bizsend`.

use serde_json::{Map, Value, json};

use super::field::Field;
use super::settings::Mode;
use crate::channel::mapping::{Mapping, Slot, Unfilled};
use crate::channel::{Card, Cut, Outcome, Parcel};
use crate::clock::Timestamp;
use crate::domain::delivery::OutcomeClass as Class;
use crate::domain::id::DeliveryId;

/// What to say to one person, or why it cannot be said by this template.
pub(super) fn body(mode: Mode, mapping: &Mapping, parcel: &Parcel, campus: &str) -> Result<Value, Outcome> {
    // Cut later, each by its field's type.
    let values = mapping.fill(parcel, campus, |_| usize::MAX).map_err(|unfilled| match unfilled {
        Unfilled::Missing(name) => {
            unfit(&name, "it is filled with a variable that the message does not have")
        }
        Unfilled::LinkTooLong(name) => unfit(&name, "it has no room for an address"),
    })?;
    let mut data = Map::new();
    for (name, value) in values {
        // The settings were checked for it.
        let Some(field) = Field::of(&name) else { continue };
        let value = field.fit(&value).map_err(|reason| unfit(&name, &reason))?;
        data.insert(name, json!({ "value": value }));
    }
    let mut body = json!({ "touser": parcel.address, "template_id": mapping.id, "data": data });
    if let Some(link) = parcel.page.as_deref().or(parcel.content.link.as_deref()) {
        let name = match mode {
            Mode::Template => "url",
            Mode::Subscribe => "page",
        };
        body[name] = link.into();
    }
    if mode == Mode::Template {
        body["client_msg_id"] = id(parcel.delivery, parcel.sent_before).into();
    }
    Ok(body)
}

/// What its follower sees of the fields: each as it fits, or why WeChat would refuse it.
pub(super) fn card(mapping: &Mapping, parcel: &Parcel, campus: &str) -> Card {
    let fit = |slot: &Slot| {
        let value = slot.source.value(parcel, campus);
        let value = value.ok_or("it is filled with a variable that the message does not have");
        let fitted = Field::of(&slot.name).zip(value.as_ref().ok()).map(|(field, value)| field.fit(value));
        let shown = match (fitted, value) {
            (Some(fitted), Ok(value)) => fitted.map(|fitted| Cut::of(&fitted, value.trim())),
            (_, value) => Err(value.err().unwrap_or("WeChat knows no such field").to_owned()),
        };
        (slot.name.clone(), shown)
    };
    let fields = mapping.slots.iter().map(fit).collect();
    Card { template: Some(mapping.id.clone()), fields, ..Card::default() }
}

/// By this WeChat knows a message it has sent this person within ten minutes, and sends it no second time. The same for
/// every attempt of a delivery; another one where somebody wants it sent once more. WeChat takes 32 characters.
fn id(delivery: DeliveryId, sent_before: Option<Timestamp>) -> String {
    match sent_before {
        None => delivery.to_string(),
        Some(at) => format!("{delivery}-{:x}", at.millis()),
    }
}

fn unfit(field: &str, reason: &str) -> Outcome {
    Outcome::new(Class::PermanentMessage).code("belltower.field").detail(format!("{field}: {reason}"))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::tests::parcel;
    use super::*;
    use crate::channel::fields::Fields;
    use crate::channel::mapping::{Mappings, Words};

    fn body_of(mode: Mode, fields: &Value, parcel: &Parcel) -> Result<Value, Outcome> {
        let settings = json!({ "default_template": { "id": "t1", "fields": fields } });
        let mappings =
            Mappings::read(&mut Fields::of(&settings), Words { id: "id", slots: "fields", places: None });
        body(mode, mappings.of(parcel).unwrap(), parcel, "钟楼大学")
    }

    #[test]
    fn each_field_is_filled_as_its_type_takes_it() {
        let parcel = parcel(1, "o-1");
        let fields = json!({ "thing1": "title", "thing2": "body", "time3": "when", "thing4": "campus" });
        let body = body_of(Mode::Template, &fields, &parcel).unwrap();
        assert_eq!(
            body["data"],
            json!({
                "thing1": { "value": "期末考试安排" }, "thing2": { "value": "地点：教三 204。" },
                "time3": { "value": "2026年9月1日 08:30" }, "thing4": { "value": "钟楼大学" },
            })
        );
        assert_eq!((&body["touser"], &body["template_id"]), (&json!("o-1"), &json!("t1")));
        assert_eq!(body["url"], "https://jw.example/exams");
    }

    #[test]
    fn ones_own_page_comes_before_the_link() {
        let mut parcel = parcel(1, "o-1");
        parcel.page = Some("https://bell.example/m/1".into());
        let fields = json!({ "thing1": "title" });
        let template = body_of(Mode::Template, &fields, &parcel).unwrap();
        assert_eq!((&template["url"], template.get("page")), (&json!("https://bell.example/m/1"), None));
        let subscribe = body_of(Mode::Subscribe, &fields, &parcel).unwrap();
        assert_eq!((&subscribe["page"], subscribe.get("url")), (&json!("https://bell.example/m/1"), None));
        assert_eq!(subscribe.get("client_msg_id"), None, "bizsend knows none");
    }

    #[test]
    fn what_a_message_cannot_say_by_its_template_is_named() {
        let parcel = parcel(1, "o-1");
        for (fields, expected) in [
            (json!({ "thing1": "reader" }), "thing1: it is filled with a variable"),
            (json!({ "number1": "when" }), "number1: it takes a number"),
        ] {
            let outcome = body_of(Mode::Template, &fields, &parcel).unwrap_err();
            assert_eq!(outcome.class, Class::PermanentMessage);
            let detail = outcome.detail.unwrap();
            assert!(detail.starts_with(expected), "{detail}");
        }
    }

    #[test]
    fn attempts_share_an_id_and_sending_again_has_another() {
        let (one, again) = (id(DeliveryId(7), None), id(DeliveryId(7), Some(Timestamp(1_790_000_000_000))));
        assert_eq!(one, id(DeliveryId(7), None));
        assert_ne!(one, again);
        assert_ne!(one, id(DeliveryId(8), None));
        assert!(again.len() <= 32, "{again}");
    }
}
