//! Alerts of the Common Alerting Protocol 1.2 as values, written and read: <https://docs.oasis-open.org/emergency/cap/v1.2/CAP-v1.2.html>.
//!
//! [`read()`] takes a document that its schema would take, and then asks [`check()`] for what the schema leaves open. It
//! answers with every [`Fault`] it finds and where that stands. What it took is written again by [`write()`] to the same
//! value. Not kept are what says nothing of the alert: comments, processing instructions, the layout, prefixes, and an XML
//! signature, which the schema allows at the end of an alert: it is a signature of bytes, is not looked at here, and would
//! not be true of other bytes that say the same. Whoever has to prove what came keeps the bytes.
//!
//! [`alert`] has the elements, [`words`] their words and [`moment`] their times; [`tree`] reads XML, [`grammar`] says what
//! may stand where, [`elements`] makes values of it. [`lint_google`] is for what is published by ourselves.

pub mod alert;
mod check;
mod elements;
mod fault;
mod grammar;
mod lint;
pub mod moment;
mod number;
mod read;
mod tree;
pub mod words;
mod write;

#[cfg(test)]
mod tests;

pub use self::alert::{Alert, Area, Circle, Info, Named, Point, Polygon, Reference, Resource};
pub use self::check::check;
pub use self::fault::{Fault, Severity};
pub use self::lint::lint_google;
pub use self::moment::Moment;
pub use self::number::Decimal;
pub use self::read::read;
pub use self::words::{Category, Certainty, MsgType, ResponseType, Scope, Status, Urgency, Word};
pub use self::write::write;

/// How severe an event is; [`Severity`] is how grave a fault is.
pub use self::words::Severity as EventSeverity;

/// The namespace of every element of an alert.
pub const NAMESPACE: &str = "urn:oasis:names:tc:emergency:cap:1.2";
/// The only foreign namespace that the schema allows, at the end of an alert.
pub const SIGNATURE_NAMESPACE: &str = "http://www.w3.org/2000/09/xmldsig#";
/// Bytes of a document.
pub const MAX_BYTES: usize = 1024 * 1024;
/// Elements within one another; an alert has five, a signature in it a few more.
pub const MAX_DEPTH: usize = 32;
/// Elements of a document. The largest that weather services publish have some thousands.
pub const MAX_ELEMENTS: usize = 50_000;
/// Faults that one document is answered with.
pub const MAX_FAULTS: usize = 100;

/// Whether XML 1.0 has the character at all (production 2, `Char`).
fn is_xml(c: char) -> bool {
    !matches!(c, '\0'..='\x08' | '\x0b' | '\x0c' | '\x0e'..='\x1f' | '\u{fffe}' | '\u{ffff}')
}

/// White space as XML has it.
fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r')
}
