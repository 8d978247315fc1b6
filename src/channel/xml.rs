//! XML as the value a JSON document would have, so that one kind of pointer leads into both.

use quick_xml::Reader;
use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesStart, Event};
use serde_json::{Map, Value};

/// Elements within one another; no gateway nests deeper.
const MAX_DEPTH: usize = 32;

/// An element with its text so far.
#[derive(Default)]
struct Open {
    name: String,
    members: Map<String, Value>,
    text: String,
}

/// `<a><b>1</b><b>2</b></a>` as `{"a": {"b": ["1", "2"]}}`. Attributes are members named `@…`, text beside elements is
/// `#text`; names are without their prefix. A document type is refused, so that nothing can be made to grow.
pub(crate) fn read(text: &str) -> Result<Value, String> {
    let mut reader = Reader::from_str(text);
    reader.config_mut().check_end_names = true;
    let mut open = vec![Open::default()];
    loop {
        let event = reader.read_event().map_err(|error| error.to_string())?;
        match event {
            Event::Start(start) => {
                if open.len() > MAX_DEPTH {
                    return Err("elements are nested too deeply".to_owned());
                }
                open.push(element(&start)?);
            }
            Event::Empty(start) => {
                let element = element(&start)?;
                close(&mut open, element);
            }
            Event::End(_) => {
                let element = open.pop().unwrap_or_default();
                close(&mut open, element);
            }
            Event::Text(text) => push(&mut open, &text.xml10_content()),
            Event::CData(text) => push(&mut open, &text.xml10_content()),
            Event::GeneralRef(reference) => match reference.resolve_char_ref() {
                Ok(Some(c)) => push(&mut open, c.encode_utf8(&mut [0; 4])),
                Ok(None) => {
                    let name = &*reference;
                    let meant =
                        resolve_predefined_entity(name).ok_or(format!("nobody says what &{name}; is"))?;
                    push(&mut open, meant);
                }
                Err(error) => return Err(error.to_string()),
            },
            Event::DocType(_) => return Err("a document type is not read".to_owned()),
            Event::Comment(_) | Event::Decl(_) | Event::PI(_) => {}
            Event::Eof => break,
        }
    }
    match (open.len(), open.pop()) {
        (1, Some(Open { members, .. })) if members.len() == 1 && !members.values().any(Value::is_array) => {
            Ok(Value::Object(members))
        }
        _ => Err("it is not one whole element".to_owned()),
    }
}

fn element(start: &BytesStart<'_>) -> Result<Open, String> {
    let name = start.local_name().into_inner().to_owned();
    let mut members = Map::new();
    // Each is not looked up among all before it, which whoever calls could make last; of two alike the last counts.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| error.to_string())?;
        let value = quick_xml::escape::unescape(&attribute.value).map_err(|error| error.to_string())?;
        members.insert(format!("@{}", attribute.key.local_name().into_inner()), value.into_owned().into());
    }
    Ok(Open { name, members, text: String::new() })
}

fn push(open: &mut [Open], text: &str) {
    if let Some(element) = open.last_mut() {
        element.text.push_str(text);
    }
}

/// Puts a finished element into the one around it.
fn close(open: &mut [Open], element: Open) {
    let Open { name, mut members, text } = element;
    let value = if members.is_empty() {
        Value::String(text)
    } else {
        if !text.trim().is_empty() {
            members.insert("#text".to_owned(), text.into());
        }
        Value::Object(members)
    };
    let Some(parent) = open.last_mut() else { return };
    match parent.members.get_mut(&name) {
        None => drop(parent.members.insert(name, value)),
        Some(Value::Array(same)) => same.push(value),
        Some(first) => {
            let before = first.take();
            *first = Value::Array(vec![before, value]);
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn elements_attributes_and_text_are_found() {
        let text = "<?xml version=\"1.0\"?><!-- hello --><r:reports xmlns:r=\"urn:x\" n='2'>
            <report><mobile>1</mobile><stat>DELIVRD</stat></report>
            <report><mobile>2</mobile><stat code=\"7\">UN<![CDATA[DE&LIV]]>&amp;&#x4e2d;</stat><note/></report>
        </r:reports>";
        let value = read(text).unwrap();
        assert_eq!(value["reports"]["report"][0], json!({"mobile": "1", "stat": "DELIVRD"}));
        assert_eq!(value["reports"]["@n"], "2");
        let second = &value["reports"]["report"][1];
        assert_eq!(
            second,
            &json!({"mobile": "2", "stat": {"@code": "7", "#text": "UNDE&LIV&中"}, "note": ""})
        );
    }

    #[test]
    fn of_attributes_with_one_name_the_last_counts() {
        assert_eq!(read("<a b='1' b='2'/>").unwrap(), json!({"a": {"@b": "2"}}));
    }

    #[test]
    fn what_is_not_one_sound_element_is_refused() {
        let deep = "<a>".repeat(40) + &"</a>".repeat(40);
        for text in [
            "",
            "plain",
            "<a>",
            "<a></b>",
            "<a/><b/>",
            "<a/><a/>",
            "<!DOCTYPE a [<!ENTITY x \"y\">]><a>&x;</a>",
            "<a>&x;</a>",
            &deep,
        ] {
            assert!(read(text).is_err(), "{text}");
        }
    }
}
