//! The values of elements. Each function goes on after a fault, so that all are found; where it answers `None`, it noted
//! why.

use super::alert::{Alert, Area, Circle, Info, Named, Polygon, Reference, Resource};
use super::fault::quoted;
use super::grammar::{Faults, Part, Parts, text, walk};
use super::is_space;
use super::moment::Moment;
use super::number::Decimal;
use super::tree::Node;
use super::words::Word;

/// Of an `alert`.
pub(super) fn alert(node: &Node, faults: &mut Faults) -> Option<Alert> {
    let parts = walk(node, "/alert", faults);
    let identifier = string(&parts, "identifier", faults);
    let sender = string(&parts, "sender", faults);
    let sent = moment(&parts, "sent", faults);
    let status = word(&parts, faults);
    let msg_type = word(&parts, faults);
    let source = string(&parts, "source", faults);
    let scope = word(&parts, faults);
    let restriction = string(&parts, "restriction", faults);
    let addresses = string(&parts, "addresses", faults);
    let codes = strings(&parts, "code", faults);
    let note = string(&parts, "note", faults);
    let references = parts.one("references").map(|part| references(part, faults)).unwrap_or_default();
    let incidents = string(&parts, "incidents", faults);
    let infos: Vec<Option<Info>> = parts.all("info").map(|part| info(part, faults)).collect();
    Some(Alert {
        identifier: identifier?,
        sender: sender?,
        sent: sent?,
        status: status?,
        msg_type: msg_type?,
        source,
        scope: scope?,
        restriction,
        addresses,
        codes,
        note,
        references,
        incidents,
        infos: infos.into_iter().collect::<Option<_>>()?,
    })
}

fn info(part: &Part<'_>, faults: &mut Faults) -> Option<Info> {
    let parts = walk(part.node, &part.at, faults);
    let language = parts.one("language").and_then(|part| language(part, faults));
    let categories = words(&parts, faults);
    let event = string(&parts, "event", faults);
    let response_types = words(&parts, faults);
    let urgency = word(&parts, faults);
    let severity = word(&parts, faults);
    let certainty = word(&parts, faults);
    let audience = string(&parts, "audience", faults);
    let event_codes = named(&parts, "eventCode", faults);
    let effective = moment(&parts, "effective", faults);
    let onset = moment(&parts, "onset", faults);
    let expires = moment(&parts, "expires", faults);
    let sender_name = string(&parts, "senderName", faults);
    let headline = string(&parts, "headline", faults);
    let description = string(&parts, "description", faults);
    let instruction = string(&parts, "instruction", faults);
    let web = uri(&parts, "web", faults);
    let contact = string(&parts, "contact", faults);
    let parameters = named(&parts, "parameter", faults);
    let resources: Vec<Option<Resource>> = parts.all("resource").map(|part| resource(part, faults)).collect();
    let areas: Vec<Option<Area>> = parts.all("area").map(|part| area(part, faults)).collect();
    Some(Info {
        language,
        categories: categories?,
        event: event?,
        response_types: response_types?,
        urgency: urgency?,
        severity: severity?,
        certainty: certainty?,
        audience,
        event_codes: event_codes?,
        effective,
        onset,
        expires,
        sender_name,
        headline,
        description,
        instruction,
        web,
        contact,
        parameters: parameters?,
        resources: resources.into_iter().collect::<Option<_>>()?,
        areas: areas.into_iter().collect::<Option<_>>()?,
    })
}

fn resource(part: &Part<'_>, faults: &mut Faults) -> Option<Resource> {
    let parts = walk(part.node, &part.at, faults);
    let description = string(&parts, "resourceDesc", faults);
    let mime_type = string(&parts, "mimeType", faults);
    let size = parts.one("size").and_then(|part| {
        let size = collapsed(text(part, faults)).parse().ok();
        if size.is_none() {
            faults.error(&*part.at, "number", "write the number of bytes");
        }
        size
    });
    let uri = uri(&parts, "uri", faults);
    let deref_uri = string(&parts, "derefUri", faults);
    let digest = string(&parts, "digest", faults);
    Some(Resource { description: description?, mime_type: mime_type?, size, uri, deref_uri, digest })
}

fn area(part: &Part<'_>, faults: &mut Faults) -> Option<Area> {
    let parts = walk(part.node, &part.at, faults);
    let description = string(&parts, "areaDesc", faults);
    let polygons = strings(&parts, "polygon", faults).into_iter().map(Polygon).collect();
    let circles = strings(&parts, "circle", faults).into_iter().map(Circle).collect();
    let geocodes = named(&parts, "geocode", faults);
    let altitude = decimal(&parts, "altitude", faults);
    let ceiling = decimal(&parts, "ceiling", faults);
    Some(Area { description: description?, polygons, circles, geocodes: geocodes?, altitude, ceiling })
}

fn named(parts: &Parts<'_>, name: &str, faults: &mut Faults) -> Option<Vec<Named>> {
    let all: Vec<Option<Named>> = parts
        .all(name)
        .map(|part| {
            let parts = walk(part.node, &part.at, faults);
            let (name, value) = (string(&parts, "valueName", faults), string(&parts, "value", faults));
            Some(Named { name: name?, value: value? })
        })
        .collect();
    all.into_iter().collect()
}

fn string(parts: &Parts<'_>, name: &str, faults: &mut Faults) -> Option<String> {
    strings(parts, name, faults).into_iter().next()
}

fn strings(parts: &Parts<'_>, name: &str, faults: &mut Faults) -> Vec<String> {
    parts.all(name).map(|part| text(part, faults).to_owned()).collect()
}

/// As XML schema reads all but plain texts: white space around it goes, and any within is one space.
fn collapsed(text: &str) -> String {
    text.split(is_space).filter(|piece| !piece.is_empty()).collect::<Vec<_>>().join(" ")
}

fn uri(parts: &Parts<'_>, name: &str, faults: &mut Faults) -> Option<String> {
    string(parts, name, faults).map(|text| collapsed(&text))
}

/// The first of an element that may stand once; all that stand there are looked at.
fn word<W: Word>(parts: &Parts<'_>, faults: &mut Faults) -> Option<W> {
    words(parts, faults)?.into_iter().next()
}

fn words<W: Word>(parts: &Parts<'_>, faults: &mut Faults) -> Option<Vec<W>> {
    let read = |part: &Part<'_>| {
        let text = text(part, faults);
        let word = W::parse(text);
        if word.is_none() {
            let all: Vec<&str> = W::ALL.iter().map(|word| word.as_str()).collect();
            faults.error(&*part.at, "word", format!("{} is none of {}", quoted(text), all.join(", ")));
        }
        word
    };
    let all: Vec<Option<W>> = parts.all(W::ELEMENT).map(read).collect();
    all.into_iter().collect()
}

/// The first of an element that may stand once; all that stand there are looked at.
fn moment(parts: &Parts<'_>, name: &str, faults: &mut Faults) -> Option<Moment> {
    let read = |part: &Part<'_>| {
        let text = text(part, faults);
        let moment = Moment::parse(&collapsed(text));
        if moment.is_none() {
            let detail = format!(
                "write whole seconds and an offset, as in 2026-11-28T19:25:00+08:00 (UTC is -00:00, never Z), not {}",
                quoted(text)
            );
            faults.error(&*part.at, "time", detail);
        }
        moment
    };
    parts.all(name).map(read).collect::<Vec<_>>().into_iter().next()?
}

fn decimal(parts: &Parts<'_>, name: &str, faults: &mut Faults) -> Option<Decimal> {
    let part = parts.one(name)?;
    let text = text(part, faults);
    let number = Decimal::parse(&collapsed(text));
    if number.is_none() {
        faults.error(&*part.at, "number", format!("write a decimal number, not {}", quoted(text)));
    }
    number
}

/// The schema gives an empty element its default.
fn language(part: &Part<'_>, faults: &mut Faults) -> Option<String> {
    let text = text(part, faults);
    if text.is_empty() {
        return Some("en-US".to_owned());
    }
    let language = collapsed(text);
    let mut subtags = language.split('-');
    let is_sound = |subtag: &str, may: fn(&u8) -> bool| {
        (1..=8).contains(&subtag.len()) && subtag.as_bytes().iter().all(may)
    };
    if subtags.next().is_some_and(|subtag| is_sound(subtag, u8::is_ascii_alphabetic))
        && subtags.all(|subtag| is_sound(subtag, u8::is_ascii_alphanumeric))
    {
        return Some(language);
    }
    faults.error(&*part.at, "language", format!("write a language such as zh-CN, not {}", quoted(text)));
    None
}

/// Stricter than the schema, for which they are any text: an alert whose references cannot be followed is not understood.
fn references(part: &Part<'_>, faults: &mut Faults) -> Vec<Reference> {
    let mut references = Vec::new();
    for piece in text(part, faults).split(is_space).filter(|piece| !piece.is_empty()) {
        let parts: Vec<&str> = piece.split(',').collect();
        let reference = match parts[..] {
            [sender, identifier, sent] if !sender.is_empty() && !identifier.is_empty() => Moment::parse(sent)
                .map(|sent| Reference { sender: sender.to_owned(), identifier: identifier.to_owned(), sent }),
            _ => None,
        };
        match reference {
            Some(reference) => references.push(reference),
            None => faults.error(
                &*part.at,
                "reference",
                format!("write `sender,identifier,sent`, separated by spaces, not {}", quoted(piece)),
            ),
        }
    }
    references
}
