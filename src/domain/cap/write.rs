//! An alert as a document.

use std::fmt::Display;

use super::alert::{Alert, Area, Info, Named, Reference, Resource};
use super::words::Word;
use super::{NAMESPACE, is_xml};

/// The document in UTF-8, its elements in the order of the schema. Characters that XML 1.0 does not have are left out. The
/// schema takes it where what has to be chosen or named was: [`check`](super::check()) says what else is wanting.
pub fn write(alert: &Alert) -> String {
    let mut out =
        Out(format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<alert xmlns=\"{NAMESPACE}\">\n"), 1);
    out.text("identifier", &alert.identifier);
    out.text("sender", &alert.sender);
    out.text("sent", alert.sent);
    out.word(alert.status);
    out.word(alert.msg_type);
    out.all("source", &alert.source);
    out.word(alert.scope);
    out.all("restriction", &alert.restriction);
    out.all("addresses", &alert.addresses);
    out.all("code", &alert.codes);
    out.all("note", &alert.note);
    if !alert.references.is_empty() {
        let references: Vec<String> = alert.references.iter().map(Reference::to_string).collect();
        out.text("references", references.join(" "));
    }
    out.all("incidents", &alert.incidents);
    for info in &alert.infos {
        out.group("info", |out| write_info(out, info));
    }
    out.0.push_str("</alert>\n");
    out.0
}

fn write_info(out: &mut Out, info: &Info) {
    out.all("language", &info.language);
    info.categories.iter().for_each(|category| out.word(*category));
    out.text("event", &info.event);
    info.response_types.iter().for_each(|kind| out.word(*kind));
    out.word(info.urgency);
    out.word(info.severity);
    out.word(info.certainty);
    out.all("audience", &info.audience);
    out.named("eventCode", &info.event_codes);
    out.all("effective", info.effective);
    out.all("onset", info.onset);
    out.all("expires", info.expires);
    out.all("senderName", &info.sender_name);
    out.all("headline", &info.headline);
    out.all("description", &info.description);
    out.all("instruction", &info.instruction);
    out.all("web", &info.web);
    out.all("contact", &info.contact);
    out.named("parameter", &info.parameters);
    for resource in &info.resources {
        out.group("resource", |out| write_resource(out, resource));
    }
    for area in &info.areas {
        out.group("area", |out| write_area(out, area));
    }
}

fn write_resource(out: &mut Out, resource: &Resource) {
    out.text("resourceDesc", &resource.description);
    out.text("mimeType", &resource.mime_type);
    out.all("size", resource.size);
    out.all("uri", &resource.uri);
    out.all("derefUri", &resource.deref_uri);
    out.all("digest", &resource.digest);
}

fn write_area(out: &mut Out, area: &Area) {
    out.text("areaDesc", &area.description);
    area.polygons.iter().for_each(|polygon| out.text("polygon", &polygon.0));
    area.circles.iter().for_each(|circle| out.text("circle", &circle.0));
    out.named("geocode", &area.geocodes);
    out.all("altitude", &area.altitude);
    out.all("ceiling", &area.ceiling);
}

/// What is written so far, and how deep it is in elements.
struct Out(String, usize);

impl Out {
    fn indent(&mut self) {
        self.0.extend(std::iter::repeat_n("  ", self.1));
    }

    fn group(&mut self, name: &str, inside: impl FnOnce(&mut Self)) {
        self.indent();
        self.0.push_str(&format!("<{name}>\n"));
        self.1 += 1;
        inside(self);
        self.1 -= 1;
        self.indent();
        self.0.push_str(&format!("</{name}>\n"));
    }

    fn text(&mut self, name: &str, value: impl Display) {
        self.indent();
        self.0.push_str(&format!("<{name}>"));
        for c in value.to_string().chars().filter(|c| is_xml(*c)) {
            match c {
                '<' => self.0.push_str("&lt;"),
                '>' => self.0.push_str("&gt;"),
                '&' => self.0.push_str("&amp;"),
                // Whoever reads it would make a line feed of it.
                '\r' => self.0.push_str("&#13;"),
                c => self.0.push(c),
            }
        }
        self.0.push_str(&format!("</{name}>\n"));
    }

    fn all<V: Display>(&mut self, name: &str, values: impl IntoIterator<Item = V>) {
        values.into_iter().for_each(|value| self.text(name, value));
    }

    fn word<W: Word>(&mut self, word: W) {
        self.text(W::ELEMENT, word.as_str());
    }

    fn named(&mut self, name: &str, values: &[Named]) {
        for Named { name: value_name, value } in values {
            self.group(name, |out| {
                out.text("valueName", value_name);
                out.text("value", value);
            });
        }
    }
}
