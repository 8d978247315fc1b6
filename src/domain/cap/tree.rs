//! XML as a tree of elements. Nothing in it can be made to grow: document types and entities of one's own are refused, and
//! bytes, depth, elements and attributes are counted.

use quick_xml::escape::resolve_predefined_entity;
use quick_xml::events::{BytesRef, BytesStart, Event};
use quick_xml::name::{Namespace, PrefixDeclaration, ResolveResult};
use quick_xml::reader::NsReader;

use super::fault::{Fault, quoted};
use super::{MAX_BYTES, MAX_DEPTH, MAX_ELEMENTS, NAMESPACE, SIGNATURE_NAMESPACE, is_space, is_xml};

/// Attributes of one element, declarations of namespaces included.
const MAX_ATTRIBUTES: usize = 64;
const SCHEMA_INSTANCE: &str = "http://www.w3.org/2001/XMLSchema-instance";

/// An element.
#[derive(Debug)]
pub(super) struct Node {
    /// Without its prefix.
    pub(super) name: Box<str>,
    pub(super) space: Space,
    /// All its text, that between its elements included.
    pub(super) text: String,
    /// None where it is of a signature, whose inside is nobody's business here.
    pub(super) children: Vec<Node>,
    /// Names of attributes that an element of an alert may not have.
    pub(super) attributes: Vec<Box<str>>,
}

/// The namespace of an element.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Space {
    Cap,
    Signature,
    /// Empty where it is in none.
    Other(Box<str>),
}

/// Reads the root element.
pub(super) fn read(bytes: &[u8]) -> Result<Node, Fault> {
    if bytes.len() > MAX_BYTES {
        return Err(Fault::error("", "too_large", format!("send at most {MAX_BYTES} bytes")));
    }
    let text =
        std::str::from_utf8(bytes).map_err(|_| Fault::error("", "encoding", "send the document in UTF-8"))?;
    let text = text.strip_prefix('\u{feff}').unwrap_or(text);
    if let Some(at) = text.find(|c| !is_xml(c)) {
        let character = text[at..].chars().next().unwrap_or_default();
        let detail = format!("line {}: XML has no character U+{:04X}", line(text, at), u32::from(character));
        return Err(Fault::error("", "malformed", detail));
    }
    Tree { text, open: Vec::new(), root: None, inside: 0, elements: 0, begun: false }.read()
}

/// The line, from 1, of a byte of the text.
fn line(text: &str, at: usize) -> usize {
    text.as_bytes().iter().take(at).filter(|byte| **byte == b'\n').count() + 1
}

/// A tree while it grows.
struct Tree<'t> {
    text: &'t str,
    /// Elements that have begun, each within the one before.
    open: Vec<Node>,
    root: Option<Node>,
    /// Elements of a signature that have begun, those within it included.
    inside: usize,
    elements: usize,
    /// Whether anything came yet.
    begun: bool,
}

impl Tree<'_> {
    fn read(mut self) -> Result<Node, Fault> {
        let mut reader = NsReader::from_str(self.text);
        reader.config_mut().check_comments = true;
        loop {
            let event = reader.read_event();
            let ended = match event {
                Ok(Event::Start(start)) => self.start(&reader, &start),
                Ok(Event::Empty(start)) => self.start(&reader, &start).map(|()| self.end()),
                Ok(Event::Eof) => break,
                Ok(event) => self.other(event),
                Err(quick_xml::Error::Namespace(_)) => {
                    let detail = "declare prefixes of your own, and not that many";
                    Err(Fault::error("", "namespace", detail))
                }
                Err(error) => Err(malformed(error.to_string())),
            };
            self.begun = true;
            if let Err(mut fault) = ended {
                let at = usize::try_from(reader.buffer_position()).unwrap_or(usize::MAX);
                fault.at = self.path();
                fault.detail = format!("line {}: {}", line(self.text, at), fault.detail);
                return Err(fault);
            }
        }
        match (self.open.is_empty(), self.root.take()) {
            (true, Some(root)) => Ok(root),
            (true, None) => Err(malformed("there is no element")),
            (false, _) => {
                Err(Fault { at: self.path(), ..malformed("the document ends before this element does") })
            }
        }
    }

    fn start(&mut self, reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<(), Fault> {
        self.elements += 1;
        if self.elements > MAX_ELEMENTS {
            return Err(Fault::error("", "too_many", format!("at most {MAX_ELEMENTS} elements are read")));
        }
        if self.open.len() + self.inside >= MAX_DEPTH {
            let detail = format!("at most {MAX_DEPTH} elements may stand within one another");
            return Err(Fault::error("", "too_deep", detail));
        }
        if self.open.is_empty() && self.root.is_some() {
            return Err(malformed("a document has one outermost element"));
        }
        check_name(start.name().into_inner())?;
        let (space, name) = reader.resolver().resolve_element(start.name());
        let space = match space {
            ResolveResult::Bound(Namespace(NAMESPACE)) => Space::Cap,
            ResolveResult::Bound(Namespace(SIGNATURE_NAMESPACE)) => Space::Signature,
            ResolveResult::Bound(Namespace(other)) => Space::Other(other.into()),
            ResolveResult::Unbound => Space::Other("".into()),
            ResolveResult::Unknown(prefix) => return Err(unknown_prefix(&prefix)),
        };
        let attributes = attributes(reader, start)?;
        if self.inside > 0 {
            self.inside += 1;
            return Ok(());
        }
        self.inside = usize::from(space == Space::Signature);
        let name = name.into_inner().into();
        self.open.push(Node { name, space, text: String::new(), children: Vec::new(), attributes });
        Ok(())
    }

    fn end(&mut self) {
        self.inside = self.inside.saturating_sub(1);
        if self.inside > 0 {
            return;
        }
        let Some(node) = self.open.pop() else { return };
        match self.open.last_mut() {
            Some(parent) => parent.children.push(node),
            None => self.root = Some(node),
        }
    }

    fn other(&mut self, event: Event<'_>) -> Result<(), Fault> {
        match event {
            Event::End(_) => self.end(),
            Event::Text(text) => {
                if text.contains("]]>") {
                    return Err(malformed("write `]]&gt;` for `]]>`"));
                }
                return self.push(&text.xml10_content());
            }
            Event::CData(text) if !self.open.is_empty() => return self.push(&text.xml10_content()),
            Event::CData(_) => return Err(malformed("text stands in elements only")),
            Event::GeneralRef(reference) if !self.open.is_empty() => {
                return self.push(meant(&reference)?.encode_utf8(&mut [0; 4]));
            }
            Event::GeneralRef(_) => return Err(malformed("text stands in elements only")),
            Event::DocType(_) => {
                return Err(Fault::error("", "doctype", "leave out the document type: none is read"));
            }
            Event::PI(pi) if pi.target().eq_ignore_ascii_case("xml") => {
                return Err(malformed("no processing instruction is called `xml`"));
            }
            Event::Decl(_) if self.begun => return Err(malformed("the XML declaration stands first")),
            Event::Decl(decl) => {
                if !decl.version().is_ok_and(|version| version == "1.0") {
                    return Err(malformed("only XML 1.0 is read"));
                }
                let encoding = decl.encoding().transpose().map_err(|error| malformed(error.to_string()))?;
                let is_read = match encoding.as_deref().map(str::to_ascii_lowercase).as_deref() {
                    None | Some("utf-8" | "utf8" | "us-ascii" | "ascii") => true,
                    // The same bytes in all of these.
                    Some(name) => self.text.is_ascii() && !name.starts_with("utf-") && !name.contains("ucs"),
                };
                if !is_read {
                    return Err(Fault::error("", "encoding", "send the document in UTF-8, and say so"));
                }
            }
            Event::Comment(_) | Event::PI(_) | Event::Eof | Event::Start(_) | Event::Empty(_) => {}
        }
        Ok(())
    }

    fn push(&mut self, text: &str) -> Result<(), Fault> {
        match self.open.last_mut() {
            Some(_) if self.inside > 0 => {}
            Some(element) => element.text.push_str(text),
            None if text.chars().all(is_space) => {}
            None => return Err(malformed("text stands in elements only")),
        }
        Ok(())
    }

    /// Where the innermost element stands that is open.
    fn path(&self) -> String {
        let mut path = String::new();
        for (node, parent) in self.open.iter().zip(std::iter::once(None).chain(self.open.iter().map(Some))) {
            let before =
                parent.map_or(0, |p| p.children.iter().filter(|child| child.name == node.name).count());
            path.push_str(&super::grammar::step(parent.map(|p| &*p.name), &node.name, before + 1));
        }
        path
    }
}

fn malformed(detail: impl Into<String>) -> Fault {
    let mut detail = detail.into();
    // Parsers repeat names, however long.
    if let Some((end, _)) = detail.char_indices().nth(200) {
        detail.truncate(end);
        detail.push('…');
    }
    Fault::error("", "malformed", detail)
}

fn unknown_prefix(prefix: &str) -> Fault {
    Fault::error("", "namespace", format!("declare the prefix {} (xmlns:…)", quoted(prefix)))
}

fn check_name(name: &str) -> Result<(), Fault> {
    let is_first = |c: char| c.is_alphabetic() || c == '_';
    let is_later = |c: char| c.is_alphanumeric() || matches!(c, '_' | '-' | '.' | '\u{b7}');
    let is_sound = |part: &str| part.starts_with(is_first) && part.chars().all(is_later);
    let sound = match name.split_once(':') {
        Some((prefix, local)) => is_sound(prefix) && is_sound(local),
        None => is_sound(name),
    };
    if sound { Ok(()) } else { Err(malformed(format!("{} is not a name", quoted(name)))) }
}

/// What `&…;` stands for.
fn meant(reference: &BytesRef<'_>) -> Result<char, Fault> {
    let name = &**reference;
    let meant = match reference.resolve_char_ref().map_err(|error| malformed(error.to_string()))? {
        Some(c) if is_xml(c) => Some(c),
        Some(_) => return Err(malformed(format!("XML has no character `&{name};`"))),
        None => resolve_predefined_entity(name).and_then(|text| text.chars().next()),
    };
    meant.ok_or_else(|| {
        let detail =
            format!("write the character itself for {}: no entities are read", quoted(&format!("&{name};")));
        Fault::error("", "entity", detail)
    })
}

/// Looks at the attributes of an element and answers with the names of those that say anything: not declarations of
/// namespaces, nor hints where a schema is.
fn attributes(reader: &NsReader<&[u8]>, start: &BytesStart<'_>) -> Result<Vec<Box<str>>, Fault> {
    let mut seen: Vec<&str> = Vec::new();
    let mut telling = Vec::new();
    // Not by the parser's own check, which looks at each before each.
    for attribute in start.attributes().with_checks(false) {
        let attribute = attribute.map_err(|error| malformed(error.to_string()))?;
        let key = attribute.key.into_inner();
        if seen.len() >= MAX_ATTRIBUTES {
            let detail = format!("at most {MAX_ATTRIBUTES} attributes of one element are read");
            return Err(Fault::error("", "too_many", detail));
        }
        if seen.contains(&key) {
            return Err(malformed(format!("the attribute {} stands twice", quoted(key))));
        }
        seen.push(key);
        check_value(&attribute.value)?;
        match attribute.key.as_namespace_binding() {
            Some(PrefixDeclaration::Named(prefix)) if prefix.is_empty() || attribute.value.is_empty() => {
                return Err(malformed("a prefix has a name and stands for something"));
            }
            Some(_) => continue,
            None => check_name(key)?,
        }
        let (space, local) = reader.resolver().resolve_attribute(attribute.key);
        match space {
            ResolveResult::Unknown(prefix) => return Err(unknown_prefix(&prefix)),
            ResolveResult::Bound(Namespace(SCHEMA_INSTANCE))
                if matches!(local.into_inner(), "schemaLocation" | "noNamespaceSchemaLocation") => {}
            _ => telling.push(key.into()),
        }
    }
    Ok(telling)
}

/// The references of an attribute's value must be sound, whatever they say.
fn check_value(value: &str) -> Result<(), Fault> {
    if value.contains('<') {
        return Err(malformed("write `&lt;` for `<`"));
    }
    for piece in value.split('&').skip(1) {
        let (name, _) = piece.split_once(';').ok_or_else(|| malformed("write `&amp;` for `&`"))?;
        meant(&BytesRef::new(name))?;
    }
    Ok(())
}
