//! What is written is read again to the same; what stands in a document besides.

mod refused;
mod rules;
mod values;

use super::*;

fn moment(text: &str) -> Moment {
    Moment::parse(text).unwrap()
}

fn decimal(text: &str) -> Decimal {
    Decimal::parse(text).unwrap()
}

/// An alert with every element.
fn full() -> Alert {
    let named = |name: &str, value: &str| Named { name: name.into(), value: value.into() };
    let area = Area {
        description: "东区 <图书馆> & 操场".into(),
        polygons: vec![Polygon("30.1,120.1 30.2,120.1 30.2,120.2 30.10,120.1".into())],
        circles: vec![Circle("30.1,120.1 0.5".into())],
        geocodes: vec![named("CAMPUS", "E-01")],
        altitude: Some(decimal("100")),
        ceiling: Some(decimal("250.50")),
    };
    let resource = Resource {
        description: "疏散路线".into(),
        mime_type: "image/png".into(),
        size: Some(2048),
        uri: Some("map.png".into()),
        deref_uri: Some("iVBORw0KGgo=".into()),
        digest: Some("da39a3ee5e6b4b0d3255bfef95601890afd80709".into()),
    };
    let info = Info {
        language: Some("zh-CN".into()),
        categories: vec![Category::Fire, Category::Safety],
        event: "火灾".into(),
        response_types: vec![ResponseType::Evacuate, ResponseType::Avoid],
        urgency: Urgency::Immediate,
        severity: EventSeverity::Extreme,
        certainty: Certainty::Observed,
        audience: Some("全校师生".into()),
        event_codes: vec![named("CAMPUS", "FI")],
        effective: Some(moment("2026-11-28T19:25:00+08:00")),
        onset: Some(moment("2026-11-28T19:20:00+08:00")),
        expires: Some(moment("2026-11-28T21:25:00+08:00")),
        sender_name: Some("钟楼大学保卫处".into()),
        headline: Some("图书馆火灾，请立即撤离".into()),
        description: Some("  三层起火。\r\n\r\n请走 <东门> & 西门。\t".into()),
        instruction: Some("听从指挥 ]]> \u{1f525}".into()),
        web: Some("https://tower.campus.example/e/1?a=b&c=d".into()),
        contact: Some(String::new()),
        parameters: vec![named("level", "red"), named("level", "")],
        resources: vec![resource],
        areas: vec![area],
    };
    Alert {
        identifier: "campus-2026-0001".into(),
        sender: "tower.campus.example".into(),
        sent: moment("2026-11-28T19:25:00+08:00"),
        status: Status::Actual,
        msg_type: MsgType::Update,
        source: Some("值班室".into()),
        scope: Scope::Restricted,
        restriction: Some("本校".into()),
        addresses: Some("a@campus.example \"李 娜\"".into()),
        codes: vec!["校内紧急通知".into(), "x".into()],
        note: Some("更新".into()),
        references: vec![Reference {
            sender: "tower.campus.example".into(),
            identifier: "campus-2026-0000".into(),
            sent: moment("2026-11-28T11:20:00-00:00"),
        }],
        incidents: Some("fire-1".into()),
        infos: vec![info.clone(), Info { language: Some("en".into()), ..info }],
    }
}

/// The document of [`full`] with one piece of it replaced.
fn damaged(piece: &str, by: &str) -> Result<Alert, Vec<Fault>> {
    let document = write(&full());
    assert!(document.contains(piece), "{piece} is not in it");
    read(document.replacen(piece, by, 1).as_bytes())
}

fn found(faults: &[Fault]) -> Vec<(&str, &str)> {
    faults.iter().map(|fault| (&*fault.at, fault.code)).collect()
}

#[test]
fn what_is_written_is_read() {
    let alert = full();
    assert_eq!(check(&alert), []);
    assert_eq!(read(write(&alert).as_bytes()), Ok(alert));
}

#[test]
fn characters_that_xml_does_not_have_are_left_out() {
    let mut alert = full();
    alert.note = Some("a\0b\u{8}c\u{ffff}d\u{b}e\u{7f}\u{85}".into());
    let again = read(write(&alert).as_bytes()).unwrap();
    assert_eq!(again.note.as_deref(), Some("abcde\u{7f}\u{85}"));
}

#[test]
fn prefixes_layout_and_what_stands_around_do_not_matter() {
    let alert = full();
    let document = write(&alert);
    let prefixed = document.replace("</", "</\u{0}").replace('<', "<c:").replace("<c:/\u{0}", "</c:");
    let prefixed = prefixed.replace("<c:?xml", "<?xml").replace("xmlns=", "xmlns:c=");
    let hints = document.replacen(
        "<alert ",
        "<!-- a --><?a b?><alert xmlns:xsi='http://www.w3.org/2001/XMLSchema-instance' xsi:schemaLocation='a b' ",
        1,
    );
    let times = document.replacen("<sent>", "<sent>\n  ", 1).replacen("<size>", "<size> +00", 1);
    let crlf = document.replace('\n', "\r\n");
    let bare = document.replacen("<?xml version=\"1.0\" encoding=\"UTF-8\"?>", "\u{feff}", 1);
    let cdata = document.replacen("三层起火。&#13;\n", "三层<![CDATA[起火。]]>&#xD;<!-- a -->&#10;", 1);
    assert!(cdata != document && times != document && hints != document);
    for document in [prefixed, hints, times, crlf, bare, cdata] {
        assert_eq!(read(document.as_bytes()), Ok(alert.clone()), "{document}");
    }
}

#[test]
fn a_signature_may_stand_at_the_end_and_nothing_else_may() {
    let signature = "<ds:Signature xmlns:ds='http://www.w3.org/2000/09/xmldsig#' Id='s'><ds:SignedInfo>\
        <c:x xmlns:c='urn:x'>text<ds:y/></c:x></ds:SignedInfo>words</ds:Signature>";
    assert_eq!(damaged("</alert>", &format!("{signature}{signature}</alert>")), Ok(full()));
    let faults = damaged("<status>", &format!("{signature}<status>")).unwrap_err();
    assert_eq!(faults[0].at, "/alert/status");
    assert!(faults.iter().all(|fault| fault.code == "order"));
    for (piece, foreign) in [
        ("</info>", format!("{signature}</info>")),
        ("</alert>", "<x:a xmlns:x='urn:x'/></alert>".into()),
        ("</alert>", "<a xmlns=''/></alert>".into()),
    ] {
        let faults = damaged(piece, &foreign).unwrap_err();
        assert_eq!(faults.iter().map(|fault| fault.code).collect::<Vec<_>>(), ["namespace"], "{foreign}");
    }
}
