//! Alerts at random: whatever the types allow that the protocol does, too.

use belltower::clock::Timestamp;
use belltower::domain::cap::{
    Alert, Area, Category, Certainty, Circle, Decimal, EventSeverity, Info, Moment, MsgType, Named, Polygon,
    Reference, Resource, ResponseType, Scope, Status, Urgency, Word,
};
use proptest::collection::vec;
use proptest::option;
use proptest::prelude::*;
use proptest::sample::select;

/// Pieces that XML, white space or the protocol do something with.
const PIECES: &[&str] = &[
    "火灾",
    "Leave the building",
    " ",
    "\n",
    "\r\n",
    "\r",
    "\t",
    "<",
    ">",
    "&",
    "&amp;",
    "]]>",
    "<![CDATA[",
    "<b>",
    "\"",
    "'",
    "\u{85}",
    "\u{2028}",
    "\u{7f}",
    "\u{feff}",
    "\u{fffd}",
    "🔥",
    "é",
    "e\u{301}",
    "--",
    ",",
    "%",
    "{}",
];

fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        4 => vec(select(PIECES), 0..6).prop_map(|pieces| pieces.concat()),
        1 => any::<String>().prop_map(|text| text.chars().filter(|c| is_xml(*c)).collect()),
    ]
}

fn is_xml(c: char) -> bool {
    (c >= ' ' || "\t\n\r".contains(c)) && !matches!(c, '\u{fffe}' | '\u{ffff}')
}

/// What `references` can call an alert and its sender by.
fn name() -> impl Strategy<Value = String> {
    vec(select(&["tower.campus.example", "urn:oid:2.49.0.0.156.0", "-", "7", "@", ">", "\"", "钟"][..]), 1..5)
        .prop_map(|pieces| pieces.concat())
}

fn word<W: Word + std::fmt::Debug>() -> impl Strategy<Value = W> {
    select(W::ALL)
}

fn moment() -> impl Strategy<Value = Moment> {
    // Years 1 to 9999.
    (-62_135_000_000_000..253_402_000_000_000_i64, -840..=840_i16)
        .prop_map(|(at, offset)| Moment::new(Timestamp(at), offset))
}

fn uri() -> impl Strategy<Value = String> {
    select(&["https://tower.campus.example/e/7?a=1&b=2#top", "http://a.example", "mailto:duty@campus.example"][..])
        .prop_map(str::to_owned)
}

fn named() -> impl Strategy<Value = Vec<Named>> {
    vec((text(), text()).prop_map(|(name, value)| Named { name, value }), 0..3)
}

fn degrees(most: i32) -> impl Strategy<Value = String> {
    (-most * 100..=most * 100)
        .prop_map(|n| format!("{}{}.{:02}", if n < 0 { "-" } else { "" }, n.abs() / 100, n.abs() % 100))
}

fn point() -> impl Strategy<Value = String> {
    (degrees(90), degrees(180)).prop_map(|(latitude, longitude)| format!("{latitude},{longitude}"))
}

fn polygon() -> impl Strategy<Value = Polygon> {
    (vec(point(), 3..8), select(&[" ", "\n  ", "\t"][..])).prop_map(|(points, between)| {
        let closed: Vec<&str> = points.iter().chain(points.first()).map(String::as_str).collect();
        Polygon(closed.join(between))
    })
}

fn circle() -> impl Strategy<Value = Circle> {
    (point(), 0..5000_u32)
        .prop_map(|(centre, radius)| Circle(format!("{centre} {}.{}", radius / 10, radius % 10)))
}

fn feet() -> impl Strategy<Value = Option<Decimal>> {
    option::of(
        select(&["0", "-12.5", "+3000", ".5", "29000.00"][..]).prop_map(|text| Decimal::parse(text).unwrap()),
    )
}

fn area() -> impl Strategy<Value = Area> {
    (text(), vec(polygon(), 0..3), vec(circle(), 0..3), named(), feet(), feet()).prop_map(
        |(description, polygons, circles, geocodes, altitude, ceiling)| Area {
            description,
            polygons,
            circles,
            geocodes,
            altitude,
            ceiling,
        },
    )
}

fn resource() -> impl Strategy<Value = Resource> {
    let uri = option::of(select(&["map.png", "https://a.example/map.png"][..]).prop_map(str::to_owned));
    (text(), text(), option::of(any::<u64>()), uri, option::of(text()), option::of(text())).prop_map(
        |(description, mime_type, size, uri, deref_uri, digest)| Resource {
            description,
            mime_type,
            size,
            uri,
            deref_uri,
            digest,
        },
    )
}

fn info() -> impl Strategy<Value = Info> {
    let language =
        option::of(select(&["zh-CN", "en", "en-US", "fr-CA", "x-klingon"][..]).prop_map(str::to_owned));
    let what = (language, vec(word::<Category>(), 1..4), text(), vec(word::<ResponseType>(), 0..3));
    let how = (word::<Urgency>(), word::<EventSeverity>(), word::<Certainty>(), option::of(text()), named());
    let when = (option::of(moment()), option::of(moment()), option::of(moment()));
    let texts = (option::of(text()), option::of(text()), option::of(text()), option::of(text()));
    let more = (option::of(uri()), option::of(text()), named(), vec(resource(), 0..2), vec(area(), 0..3));
    (what, how, when, texts, more).prop_map(|(what, how, when, texts, more)| Info {
        language: what.0,
        categories: what.1,
        event: what.2,
        response_types: what.3,
        urgency: how.0,
        severity: how.1,
        certainty: how.2,
        audience: how.3,
        event_codes: how.4,
        effective: when.0,
        onset: when.1,
        expires: when.2,
        sender_name: texts.0,
        headline: texts.1,
        description: texts.2,
        instruction: texts.3,
        web: more.0,
        contact: more.1,
        parameters: more.2,
        resources: more.3,
        areas: more.4,
    })
}

fn reference() -> impl Strategy<Value = Reference> {
    (name(), name(), moment()).prop_map(|(sender, identifier, sent)| Reference { sender, identifier, sent })
}

/// An alert that has no error by [`belltower::domain::cap::check`].
pub(super) fn alert() -> impl Strategy<Value = Alert> {
    let names = (name(), name(), moment(), word::<Status>(), word::<MsgType>(), word::<Scope>());
    let texts = (option::of(text()), text(), text(), option::of(text()), option::of(text()));
    (names, texts, vec(text(), 0..3), vec(reference(), 1..3), vec(info(), 0..4)).prop_map(
        |(names, texts, codes, references, infos)| Alert {
            identifier: names.0,
            sender: names.1,
            sent: names.2,
            status: names.3,
            msg_type: names.4,
            source: texts.0,
            scope: names.5,
            restriction: (names.5 == Scope::Restricted).then(|| format!("r{}", texts.1)),
            addresses: (names.5 == Scope::Private).then(|| format!("a{}", texts.2)),
            codes,
            note: texts.3,
            references,
            incidents: texts.4,
            infos,
        },
    )
}
