//! What may stand where: the sequences of the schema (`CAP-v1.2.xsd`), and a walk along one of them.

use super::fault::{Fault, Severity, quoted};
use super::is_space;
use super::tree::{Node, Space};
use super::{MAX_FAULTS, NAMESPACE};

/// One element of a sequence.
#[derive(Debug)]
pub(super) struct Slot {
    name: &'static str,
    is_needed: bool,
    may_repeat: bool,
}

const fn one(name: &'static str) -> Slot {
    Slot { name, is_needed: true, may_repeat: false }
}

const fn maybe(name: &'static str) -> Slot {
    Slot { name, is_needed: false, may_repeat: false }
}

const fn some(name: &'static str) -> Slot {
    Slot { name, is_needed: true, may_repeat: true }
}

const fn any(name: &'static str) -> Slot {
    Slot { name, is_needed: false, may_repeat: true }
}

/// §3.2.1
pub(super) const ALERT: &[Slot] = &[
    one("identifier"),
    one("sender"),
    one("sent"),
    one("status"),
    one("msgType"),
    maybe("source"),
    one("scope"),
    maybe("restriction"),
    maybe("addresses"),
    any("code"),
    maybe("note"),
    maybe("references"),
    maybe("incidents"),
    any("info"),
];

/// §3.2.2
pub(super) const INFO: &[Slot] = &[
    maybe("language"),
    some("category"),
    one("event"),
    any("responseType"),
    one("urgency"),
    one("severity"),
    one("certainty"),
    maybe("audience"),
    any("eventCode"),
    maybe("effective"),
    maybe("onset"),
    maybe("expires"),
    maybe("senderName"),
    maybe("headline"),
    maybe("description"),
    maybe("instruction"),
    maybe("web"),
    maybe("contact"),
    any("parameter"),
    any("resource"),
    any("area"),
];

/// §3.2.3
pub(super) const RESOURCE: &[Slot] =
    &[one("resourceDesc"), one("mimeType"), maybe("size"), maybe("uri"), maybe("derefUri"), maybe("digest")];

/// §3.2.4
pub(super) const AREA: &[Slot] =
    &[one("areaDesc"), any("polygon"), any("circle"), any("geocode"), maybe("altitude"), maybe("ceiling")];

/// Of an `eventCode`, a `parameter` and a `geocode`.
pub(super) const NAMED: &[Slot] = &[one("valueName"), one("value")];

/// The sequence of an element by its name; none where it has text only.
fn sequence(name: &str) -> &'static [Slot] {
    match name {
        "alert" => ALERT,
        "info" => INFO,
        "resource" => RESOURCE,
        "area" => AREA,
        "eventCode" | "parameter" | "geocode" => NAMED,
        _ => &[],
    }
}

/// A step of a path: the `number`th of that name in its parent.
pub(super) fn step(parent: Option<&str>, name: &str, number: usize) -> String {
    let may_repeat =
        parent.is_some_and(|parent| sequence(parent).iter().any(|slot| slot.name == name && slot.may_repeat));
    // No name of ours is longer.
    let name = name.char_indices().nth(40).map_or(name, |(end, _)| &name[..end]);
    if may_repeat || number > 1 { format!("/{name}[{number}]") } else { format!("/{name}") }
}

/// The faults of an alert. After the first hundred they are only counted.
#[derive(Debug, Default)]
pub(super) struct Faults {
    kept: Vec<Fault>,
    /// How many more there are, and the gravest of them.
    more: Option<(usize, Severity)>,
}

impl Faults {
    pub(super) fn add(&mut self, fault: Fault) {
        if self.kept.len() < MAX_FAULTS {
            self.kept.push(fault);
        } else {
            let (count, worst) = self.more.unwrap_or((0, fault.severity));
            self.more = Some((count + 1, worst.max(fault.severity)));
        }
    }

    pub(super) fn error(&mut self, at: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.add(Fault::error(at, code, detail));
    }

    pub(super) fn warning(&mut self, at: impl Into<String>, code: &'static str, detail: impl Into<String>) {
        self.add(Fault::warning(at, code, detail));
    }

    pub(super) fn into_vec(mut self) -> Vec<Fault> {
        if let Some((count, severity)) = self.more {
            let detail = format!("mend these first: there are {count} more");
            self.kept.push(Fault { at: String::new(), code: "more", detail, severity });
        }
        self.kept
    }
}

/// The elements of one element, each by the slot that it fills.
pub(super) struct Parts<'n> {
    found: Vec<Part<'n>>,
}

pub(super) struct Part<'n> {
    pub(super) at: String,
    pub(super) node: &'n Node,
}

impl<'n> Parts<'n> {
    /// The first of that name.
    pub(super) fn one(&self, name: &str) -> Option<&Part<'n>> {
        self.all(name).next()
    }

    pub(super) fn all(&self, name: &str) -> impl Iterator<Item = &Part<'n>> {
        self.found.iter().filter(move |part| &*part.node.name == name)
    }
}

/// Goes through the elements of `node` along its sequence, and notes what stands where it may not.
pub(super) fn walk<'n>(node: &'n Node, at: &str, faults: &mut Faults) -> Parts<'n> {
    let slots = sequence(&node.name);
    attributes(node, at, faults);
    if !node.text.chars().all(is_space) {
        let detail = format!(
            "{} has elements, and no text of its own: {}",
            quoted(&node.name),
            quoted(node.text.trim())
        );
        faults.error(at, "text", detail);
    }
    let mut counts = vec![0_usize; slots.len()];
    let mut reached = 0;
    let mut is_signed = false;
    let mut found = Vec::with_capacity(node.children.len());
    for child in &node.children {
        let name = &*child.name;
        match &child.space {
            Space::Signature if &*node.name == "alert" => {
                is_signed = true;
                continue;
            }
            Space::Cap => {}
            Space::Signature | Space::Other(_) => {
                let detail =
                    format!("elements of an alert are in the namespace {NAMESPACE}, or leave it out");
                faults.error(format!("{at}{}", step(None, name, 1)), "namespace", detail);
                continue;
            }
        }
        let Some(slot) = slots.iter().position(|slot| slot.name == name) else {
            let names: Vec<&str> = slots.iter().map(|slot| slot.name).collect();
            let detail = format!("leave it out: in {} may stand {}", quoted(&node.name), names.join(", "));
            faults.error(format!("{at}{}", step(None, name, 1)), "unknown_element", detail);
            continue;
        };
        counts[slot] += 1;
        let place = format!("{at}{}", step(Some(&node.name), name, counts[slot]));
        if is_signed {
            faults.error(&*place, "order", "move it before the signature, which stands last");
        } else if slot < reached {
            faults.error(&*place, "order", format!("move it before {}", slots[reached].name));
        } else if counts[slot] > 1 && !slots[slot].may_repeat {
            faults.error(&*place, "twice", "leave it out: it may stand there once");
        }
        reached = reached.max(slot);
        found.push(Part { at: place, node: child });
    }
    for (slot, count) in slots.iter().zip(counts) {
        if slot.is_needed && count == 0 {
            faults.error(format!("{at}/{}", slot.name), "missing", "add it: it is needed");
        }
    }
    Parts { found }
}

/// The text of an element that has nothing else.
pub(super) fn text<'n>(part: &Part<'n>, faults: &mut Faults) -> &'n str {
    attributes(part.node, &part.at, faults);
    if let Some(child) = part.node.children.first() {
        let detail = format!("it has text only: take {} out of it", quoted(&child.name));
        faults.error(&*part.at, "text_only", detail);
    }
    &part.node.text
}

fn attributes(node: &Node, at: &str, faults: &mut Faults) {
    for name in &node.attributes {
        let detail = format!("leave out the attribute {}: elements of an alert have none", quoted(name));
        faults.error(at, "attribute", detail);
    }
}
